"use strict";
// A finished piece on the screen: engraved systems, the piano roll under them, and what lights up while it plays.

class PieceView {
  /** @param {{staves: HTMLElement, roll: HTMLElement, tip: HTMLElement, seek: (quarter: number) => void}} places */
  constructor(places) {
    Object.assign(this, places, { piece: null, drawn: null, lit: new Set(), width: 0 });
    this.roll.addEventListener("click", event => {
      const roll = this.roll.firstElementChild;
      if (this.piece)
        this.seek(rollQuarter(this.piece, (event.clientX - roll.getBoundingClientRect().left) / this.scale()));
    });
    for (const place of [this.roll, this.staves]) {
      place.addEventListener("pointerover", event => this.hint(event.target.closest("[data-hint]")));
      place.addEventListener("pointerleave", () => this.hint(null));
      place.addEventListener("scroll", () => this.hint(null));
    }
    new ResizeObserver(() => {
      if (this.piece && this.staves.clientWidth !== this.width) this.engrave();
    }).observe(this.staves);
  }

  /** @param {Piece} piece */
  show(piece) {
    this.piece = piece;
    this.roll.innerHTML = drawRoll(piece).svg;
    this.marks = [...this.roll.querySelectorAll(".mark")];
    this.engrave();
  }

  engrave() {
    this.width = this.staves.clientWidth;
    const { paddingLeft, paddingRight } = getComputedStyle(this.staves);
    const width = Math.max(260, this.width - parseFloat(paddingLeft) - parseFloat(paddingRight));
    this.drawn = engrave(this.piece, { width, space: width < 500 ? 5.6 : 7.5 });
    this.staves.innerHTML = this.drawn.svg;
    const svg = this.staves.firstElementChild;
    this.cursor = svg.appendChild(document.createElementNS(svg.namespaceURI, "rect"));
    this.cursor.setAttribute("class", "cursor");
    this.cursor.setAttribute("width", "2");
    this.lit.clear();
    if (this.engraved) this.engraved();
    this.move(this.quarter || 0, false);
  }

  scale() {
    const roll = this.roll.firstElementChild;
    return roll ? roll.getBoundingClientRect().width / roll.viewBox.baseVal.width : 1;
  }

  /** The system in which a time lies. */
  systemAt(quarter) {
    const systems = this.drawn.systems;
    return (
      systems.find(system => system.bars[system.bars.length - 1].end > quarter + CLOSE) || systems[systems.length - 1]
    );
  }

  /** Shows where the music is. */
  move(quarter, isPlaying) {
    this.quarter = quarter;
    if (!this.piece || !this.drawn.systems.length) return;
    const head = this.roll.querySelector("#head"),
      x = rollX(this.piece, quarter);
    head.setAttribute("x1", x);
    head.setAttribute("x2", x);
    const system = this.systemAt(quarter);
    this.cursor.setAttribute("x", xAtQuarter(system.points, quarter) - 1);
    this.cursor.setAttribute("y", system.top);
    this.cursor.setAttribute("height", system.bottom - system.top);
    if (isPlaying) this.follow(x * this.scale(), system);
    this.light(isPlaying ? quarter : -1);
  }

  follow(at, system) {
    const { roll, staves } = this;
    if (at < roll.scrollLeft + 60 || at > roll.scrollLeft + roll.clientWidth * 0.7)
      roll.scrollLeft = at - roll.clientWidth * 0.3;
    if (system !== this.followed) {
      this.followed = system;
      const box = staves.firstElementChild.getBoundingClientRect(),
        top = box.top + system.top,
        bottom = box.top + system.bottom;
      if (top < 0 || bottom > innerHeight)
        scrollBy({ top: top - innerHeight * 0.2, behavior: isStill() ? "auto" : "smooth" });
    }
  }

  /** Lights the notes that sound. */
  light(quarter) {
    const now = new Set();
    this.piece.notes.forEach((note, index) => {
      if (note.start <= quarter + CLOSE && note.end > quarter + CLOSE) now.add(index);
    });
    const set = (index, isOn) => {
      for (const place of [this.staves, this.roll])
        place.querySelectorAll(`[data-note="${index}"]`).forEach(one => one.classList.toggle("sounds", isOn));
    };
    for (const index of this.lit) if (!now.has(index)) set(index, false);
    for (const index of now) if (!this.lit.has(index)) set(index, true);
    this.lit = now;
  }

  /** Shows a part as muted or heard. */
  mute(part, isMuted) {
    for (const place of [this.staves, this.roll]) place.classList.toggle(`mute${part}`, isMuted);
  }

  hint(owner) {
    this.tip.hidden = !owner;
    if (!owner) return;
    this.tip.textContent = owner.dataset.hint;
    const box = owner.getBoundingClientRect(),
      { width, height } = this.tip.getBoundingClientRect();
    this.tip.style.left = `${Math.max(4, Math.min(box.left, innerWidth - width - 8))}px`;
    this.tip.style.top = `${box.top > height + 12 ? box.top - height - 6 : box.bottom + 6}px`;
  }

  /** A list of the marks, each with a button that goes there; a mark and its line light up together. */
  listMarks(list) {
    list.replaceChildren(
      ...this.piece.marks.map((mark, index) => {
        const item = document.createElement("li"),
          line = document.createElement("button");
        line.className = "line";
        line.textContent = mark.text;
        line.dataset.mark = String(index);
        line.addEventListener("click", () => {
          this.seek(mark.start);
          this.follow(rollX(this.piece, mark.start) * this.scale(), this.systemAt(mark.start));
        });
        item.append(line);
        return item;
      }),
    );
    const band = this.roll.querySelector("#band");
    for (const one of [...this.marks, ...list.querySelectorAll(".line")]) {
      const index = one.dataset.mark;
      const light = isLit => {
        for (const other of [...this.marks, ...list.querySelectorAll(".line")])
          other.classList.toggle("lit", isLit && other.dataset.mark === index);
        band.setAttribute("x", String(rollX(this.piece, this.piece.marks[Number(index)].start)));
        band.toggleAttribute("hidden", !isLit);
      };
      for (const name of ["pointerenter", "focus"]) one.addEventListener(name, () => light(true));
      for (const name of ["pointerleave", "blur"]) one.addEventListener(name, () => light(false));
    }
  }
}

function isStill() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** The element that a key was meant for: browsers' extensions send some to the document itself. */
function targetOf(event) {
  return event.target instanceof Element ? event.target : document.documentElement;
}

/** Space plays and stops, arrows go by bars, Home to the beginning: wherever a key means nothing else. */
function playByKeys(player, isActive) {
  document.addEventListener("keydown", event => {
    const target = targetOf(event);
    if (
      !isActive() ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      target.closest("input:not([type=checkbox]), select, textarea, [data-own-keys]")
    )
      return;
    if (event.code === "Space" && !target.closest("button, a, summary, input")) player.toggle();
    else if (event.code === "ArrowLeft") player.step(-1);
    else if (event.code === "ArrowRight") player.step(1);
    else if (event.code === "Home") player.seekSeconds(0);
    else return;
    event.preventDefault();
  });
}
