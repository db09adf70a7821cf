"use strict";
// The drawn keyboard: played by touch, mouse and, key by key, by arrows and Space. It shows what sounds and what would.

const KEY_NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];
const keyName = pitch => `${KEY_NAMES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;
/** White keys narrower than this are missed by fingers. */
const NARROWEST = 30;

class DrawnKeyboard {
  /**
   * @param {HTMLElement} place
   * @param {{press: (pitch: number, velocity: number) => void, release: (pitch: number) => void, label: (pitch: number) => string,
   *   shown: () => void}} hands
   */
  constructor(place, hands) {
    Object.assign(this, hands, {
      place,
      lowest: 60,
      keys: new Map(),
      held: new Map(),
      answers: new Map(),
      sounding: [],
      pressed: 0,
    });
    place.addEventListener("pointerdown", event => this.pointer(event, true));
    place.addEventListener("pointermove", event => {
      if (this.held.has(event.pointerId)) this.pointer(event, false);
    });
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, event => this.lift(event.pointerId));
    place.addEventListener("contextmenu", event => event.preventDefault());
    place.addEventListener("keydown", event => this.keyDown(event));
    place.addEventListener("keyup", event => {
      if (event.code === "Space" || event.code === "Enter") this.lift("key");
    });
    place.addEventListener("focusout", () => this.lift("key"));
    new ResizeObserver(() => this.draw()).observe(place);
  }

  get highest() {
    return this.lowest + this.span - 1;
  }

  /** As many octaves as go in: from low C where the whole choir has room, else from the melody's. */
  draw() {
    const width = this.place.clientWidth;
    if (!width || width === this.drawnWidth) return;
    this.drawnWidth = width;
    const whites = Math.floor(width / NARROWEST);
    const octaves = Math.min(4, Math.max(1, Math.floor((whites - 1) / 7)));
    const rest = Math.min(whites - 7 * octaves, octaves === 4 ? 1 : 4);
    this.span = 12 * octaves + [0, 1, 3, 5, 6][rest];
    this.lowest =
      octaves >= 3 ? (octaves === 4 ? 36 : 48) : 12 * Math.floor(Math.max(48, Math.min(this.lowest, 72)) / 12);
    this.fill();
  }

  shift(octaves) {
    this.lowest = Math.max(24, Math.min(84, this.lowest + 12 * octaves));
    this.fill();
  }

  fill() {
    const whites = [];
    for (let pitch = this.lowest; pitch <= this.highest; pitch += 1) if (!isBlack(pitch)) whites.push(pitch);
    const wide = 100 / whites.length;
    this.keys.clear();
    if (this.focused === undefined || this.focused < this.lowest || this.focused > this.highest)
      this.focused = Math.max(this.lowest, Math.min(60, this.highest));
    const drawn = [];
    for (let pitch = this.lowest; pitch <= this.highest; pitch += 1) {
      const key = document.createElement("button");
      key.type = "button";
      key.className = isBlack(pitch) ? "key black" : "key white";
      key.tabIndex = pitch === this.focused ? 0 : -1;
      const before = whites.filter(white => white < pitch).length;
      key.style.left = `${wide * (isBlack(pitch) ? before - 0.31 : before)}%`;
      key.style.width = `${wide * (isBlack(pitch) ? 0.62 : 1)}%`;
      key.dataset.pitch = String(pitch);
      key.innerHTML = '<span class="answers"></span><span class="letter"></span><span class="name"></span>';
      this.keys.set(pitch, key);
      drawn.push(key);
    }
    this.place.replaceChildren(...drawn);
    this.relabel();
    this.showSounding(this.sounding);
    this.shown();
  }

  relabel() {
    for (const [pitch, key] of this.keys) {
      const letter = this.label(pitch);
      // Drawn by the style sheet: the key's own name says all of it, in another order.
      key.querySelector(".letter").dataset.text = letter;
      key.querySelector(".name").dataset.text = pitch % 12 === 0 ? keyName(pitch) : "";
      const answer = this.answers.get(pitch);
      const lower = answer ? answer.parts.map(part => (part === null ? "–" : keyName(part))) : [];
      key.querySelector(".answers").replaceChildren(
        ...lower.map((text, index) => {
          const line = document.createElement("span");
          line.className = `part${index + 1}`;
          line.dataset.text = text;
          return line;
        }),
      );
      const told = answer ? `, ${T.keyboard.answer}: ${answer.chord || ""} ${lower.join(" ")}` : "";
      key.setAttribute("aria-label", `${keyName(pitch)}${letter ? `, ${T.keyboard.key} ${letter}` : ""}${told}`);
    }
  }

  /** @param {{key: number, parts: (number | null)[], chord: string | null}[]} answers */
  showAnswers(answers) {
    this.answers = new Map(answers.map(answer => [answer.key, answer]));
    this.place.classList.toggle("with-answers", answers.length > 0);
    this.relabel();
  }

  /** @param {(number | null)[]} sounding from the soprano down */
  showSounding(sounding) {
    this.sounding = sounding;
    for (const [pitch, key] of this.keys) {
      const part = sounding.indexOf(pitch);
      const name = part < 0 ? "" : `part${part}`;
      if (key.dataset.sounds === name) continue;
      for (let one = 0; one < 4; one += 1) key.classList.toggle(`part${one}`, one === part);
      key.classList.toggle("sounds", part >= 0);
      key.dataset.sounds = name;
    }
  }

  showPressed(pitch, isDown) {
    const key = this.keys.get(pitch);
    if (key) key.classList.toggle("down", isDown);
  }

  pointer(event, isNew) {
    const target = document.elementFromPoint(event.clientX, event.clientY);
    const key = target && target.closest(".key");
    if (isNew) {
      if (!key || event.button > 0) return;
      event.preventDefault();
      if (this.place.hasPointerCapture && key.hasPointerCapture(event.pointerId))
        key.releasePointerCapture(event.pointerId);
    }
    const pitch = key && this.place.contains(key) ? Number(key.dataset.pitch) : null;
    const was = this.held.get(event.pointerId);
    if (was === pitch && !isNew) return;
    const box = key ? key.getBoundingClientRect() : null;
    // Nearer the front a key goes down more easily.
    const velocity = box ? Math.round(60 + 50 * Math.min(1, Math.max(0, (event.clientY - box.top) / box.height))) : 0;
    if (pitch !== null) this.strike(event.pointerId, pitch, velocity);
    if (was !== undefined && was !== null) this.let(was);
    this.held.set(event.pointerId, pitch);
  }

  strike(hand, pitch, velocity) {
    this.showPressed(pitch, true);
    this.press(pitch, velocity);
  }

  let(pitch) {
    this.showPressed(pitch, false);
    this.release(pitch);
  }

  lift(hand) {
    const pitch = this.held.get(hand);
    this.held.delete(hand);
    if (pitch !== undefined && pitch !== null) this.let(pitch);
  }

  keyDown(event) {
    const moves = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
    if (event.code in moves) {
      const next = Math.max(this.lowest, Math.min(this.highest, this.focused + moves[event.code]));
      this.keys.get(this.focused).tabIndex = -1;
      this.focused = next;
      this.keys.get(next).tabIndex = 0;
      this.keys.get(next).focus();
    } else if (event.code === "Space" || event.code === "Enter") {
      if (!event.repeat && !this.held.has("key")) {
        this.held.set("key", this.focused);
        this.strike("key", this.focused, 84);
      }
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
