"use strict";
// A tune drawn or typed. The text is ABC, of which the drawing knows notes, rests, lengths and accidentals.

const WRITER_LOW = 58,
  WRITER_HIGH = 82;
const WRITER_QUARTER = 34;

/** Sharps of a key as the page writes it: capital for major. */
function fifthsOf(key) {
  const ofC = { C: 0, G: 1, D: 2, A: 3, E: 4, B: 5, F: -1 }[key[0].toUpperCase()];
  const sign = key.slice(1) === "#" ? 7 : key.slice(1) === "b" ? -7 : 0;
  return ofC + sign - (key[0] === key[0].toLowerCase() ? 3 : 0);
}

/** Notes of ABC with a quarter as unit. @returns {{pitch: number, quarters: number}[]} `pitch` 0 for a rest */
function notesOfAbc(text, fifths) {
  const steps = [0, 2, 4, 5, 7, 9, 11],
    notes = [];
  let inBar = new Map();
  for (const [, bar, signs, letter, octaves, times, slash, parts] of text.matchAll(
    /(\|)|(\^\^|\^|__|_|=)?([A-Ga-gz])([,']*)(\d*)(\/*)(\d*)/g,
  )) {
    if (bar) {
      inBar = new Map();
      continue;
    }
    const divisor = parts ? Number(parts) : 2 ** slash.length;
    const quarters = (times ? Number(times) : 1) / (slash ? divisor : 1);
    if (letter === "z") {
      notes.push({ pitch: 0, quarters });
      continue;
    }
    const place = "CDEFGAB".indexOf(letter.toUpperCase());
    const octave =
      (letter === letter.toLowerCase() ? 5 : 4) + [...octaves].reduce((sum, sign) => sum + (sign === "'" ? 1 : -1), 0);
    const told = { "^^": 2, "^": 1, "=": 0, _: -1, __: -2 }[signs];
    if (told !== undefined) inBar.set(letter, told);
    const alter = inBar.has(letter) ? inBar.get(letter) : signatureAlter(fifths, place);
    notes.push({ pitch: 12 * (octave + 1) + steps[place] + alter, quarters });
  }
  return notes;
}

/** ABC of notes, with bar lines. */
function abcOfNotes(notes, fifths, barLength) {
  const steps = [0, 2, 4, 5, 7, 9, 11];
  let at = 0,
    inBar = new Map();
  const out = [];
  for (const { pitch, quarters } of notes) {
    const length =
      { 0.5: "/", 0.25: "/4", 0.75: "3/4", 1: "", 1.5: "3/2", 2: "2", 3: "3", 4: "4" }[quarters] ?? String(quarters);
    if (pitch === 0) {
      out.push(`z${length}`);
    } else {
      const inKey = steps.map((step, place) => ({ place, alter: signatureAlter(fifths, place), step }));
      const own =
        inKey.find(({ step, alter }) => (step + alter + 12) % 12 === pitch % 12) ||
        inKey
          .map(one => ({ ...one, alter: fifths < 0 ? -1 : 1 }))
          .find(({ step, alter }) => (step + alter + 12) % 12 === pitch % 12) ||
        inKey.map(one => ({ ...one, alter: 0 })).find(({ step }) => step === pitch % 12);
      const octave = Math.floor((pitch - own.alter) / 12) - 1,
        capital = "CDEFGAB"[own.place];
      const letter = octave >= 5 ? capital.toLowerCase() + "'".repeat(octave - 5) : capital + ",".repeat(4 - octave);
      const told = inBar.has(letter) ? inBar.get(letter) : signatureAlter(fifths, own.place);
      if (told !== own.alter) inBar.set(letter, own.alter);
      out.push(`${told === own.alter ? "" : { 1: "^", 0: "=", "-1": "_" }[own.alter]}${letter}${length}`);
    }
    at += quarters;
    if (at >= barLength - CLOSE) {
      out.push("|");
      at %= barLength;
      inBar = new Map();
    }
  }
  return out.join(" ");
}

class TuneWriter {
  /**
   * @param {(title: string, bytes: Uint8Array) => void} done @param {(pitch: number) => void} heard
   * @param {(sentence: string) => void} refused
   */
  constructor(done, heard, refused) {
    Object.assign(this, { done, heard, refused, notes: [], cursor: 67, isDragging: false });
    this.canvas = byId("writer-grid");
    this.pen = this.canvas.getContext("2d");
    fillSelect(byId("writer-key"), KEYS_TO_CHOOSE, "G");
    fillSelect(byId("writer-metre"), T.play.metres.slice(0, 4), "4/4");
    fillSelect(byId("writer-value"), T.writer.values, "1");
    byId("writer-notes").addEventListener("input", () => this.read());
    byId("writer-key").addEventListener("change", () => this.read());
    byId("writer-metre").addEventListener("change", () => this.write());
    byId("writer-undo").addEventListener("click", () => {
      this.notes.pop();
      this.write();
    });
    byId("writer-clear").addEventListener("click", () => {
      this.notes = [];
      this.write();
    });
    byId("writer-go").addEventListener("click", () => this.finish());
    this.canvas.addEventListener("pointerdown", event => {
      this.isDragging = true;
      this.canvas.setPointerCapture(event.pointerId);
      this.put(event, true);
    });
    this.canvas.addEventListener("pointermove", event => {
      if (this.isDragging) this.put(event, false);
    });
    for (const name of ["pointerup", "pointercancel"])
      this.canvas.addEventListener(name, () => {
        this.isDragging = false;
      });
    this.canvas.addEventListener("keydown", event => this.keyDown(event));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  get fifths() {
    return fifthsOf(byId("writer-key").value);
  }
  get value() {
    return Number(byId("writer-value").value);
  }
  get barLength() {
    const [beats, value] = byId("writer-metre").value.split("/").map(Number);
    return (4 * beats) / value;
  }
  get length() {
    return this.notes.reduce((sum, note) => sum + note.quarters, 0);
  }
  /** The time at the left edge: the end stays in sight. */
  get from() {
    return Math.max(0, Math.ceil(this.length + 2 - (this.canvas.clientWidth - 34) / WRITER_QUARTER));
  }

  read() {
    this.notes = notesOfAbc(byId("writer-notes").value, this.fifths);
    this.draw();
  }

  write() {
    byId("writer-notes").value = abcOfNotes(this.notes, this.fifths, this.barLength);
    this.draw();
  }

  rowHeight() {
    return this.canvas.clientHeight / (WRITER_HIGH - WRITER_LOW);
  }

  put(event, isNew) {
    const box = this.canvas.getBoundingClientRect();
    const pitch = WRITER_HIGH - 1 - Math.floor((event.clientY - box.top) / this.rowHeight());
    const quarter = this.from + (event.clientX - box.left - 34) / WRITER_QUARTER;
    if (pitch < WRITER_LOW || pitch >= WRITER_HIGH || quarter < 0) return;
    let at = 0;
    const hit = this.notes.find(note => {
      at += note.quarters;
      return quarter < at;
    });
    if (hit && hit.pitch === pitch) return;
    if (hit) hit.pitch = pitch;
    else if (isNew) this.notes.push({ pitch, quarters: this.value });
    else return;
    this.cursor = pitch;
    this.heard(pitch);
    this.write();
  }

  keyDown(event) {
    if (event.code === "ArrowUp") this.cursor = Math.min(WRITER_HIGH - 1, this.cursor + 1);
    else if (event.code === "ArrowDown") this.cursor = Math.max(WRITER_LOW, this.cursor - 1);
    else if (event.code === "Enter" || event.code === "Space")
      this.notes.push({ pitch: this.cursor, quarters: this.value });
    else if (event.code === "KeyZ" && !event.ctrlKey) this.notes.push({ pitch: 0, quarters: this.value });
    else if (event.code === "Backspace") this.notes.pop();
    else return;
    event.preventDefault();
    if (event.code.startsWith("Arrow") || event.code === "Enter" || event.code === "Space") this.heard(this.cursor);
    this.canvas.setAttribute("aria-description", `${keyName(this.cursor)}; ${this.notes.length}`);
    this.write();
  }

  draw() {
    const { canvas, pen } = this,
      ratio = Math.min(2, devicePixelRatio || 1),
      width = canvas.clientWidth,
      height = canvas.clientHeight;
    if (!width) return;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const style = getComputedStyle(document.documentElement),
      colour = name => style.getPropertyValue(`--${name}`).trim();
    const row = this.rowHeight(),
      x = quarter => 34 + (quarter - this.from) * WRITER_QUARTER,
      y = pitch => (WRITER_HIGH - 1 - pitch) * row;
    pen.fillStyle = colour("surface");
    pen.fillRect(0, 0, width, height);
    pen.font = "10px system-ui, sans-serif";
    for (let pitch = WRITER_LOW; pitch < WRITER_HIGH; pitch += 1) {
      pen.fillStyle = colour("row");
      if (isBlack(pitch)) pen.fillRect(34, y(pitch), width, row);
      pen.fillStyle = colour("soft");
      if (!isBlack(pitch)) pen.fillText(keyName(pitch), 8, y(pitch) + row - 2);
    }
    for (let at = this.from; x(at) < width; at += 1) {
      pen.fillStyle = at % this.barLength < CLOSE ? colour("edge") : colour("line");
      pen.fillRect(Math.round(x(at)), 0, 1, height);
    }
    let at = 0;
    for (const note of this.notes) {
      pen.fillStyle = colour("soprano");
      if (note.pitch && x(at + note.quarters) > 34) {
        pen.beginPath();
        pen.roundRect(Math.max(34, x(at)) + 1, y(note.pitch) + 0.5, note.quarters * WRITER_QUARTER - 2, row - 1, 3);
        pen.fill();
      }
      at += note.quarters;
    }
    pen.strokeStyle = colour("soprano");
    pen.setLineDash([3, 3]);
    pen.strokeRect(x(at) + 1, y(this.cursor) + 0.5, this.value * WRITER_QUARTER - 2, row - 1);
    pen.setLineDash([]);
  }

  finish() {
    const text = byId("writer-notes").value.trim();
    if (!notesOfAbc(text, 0).some(note => note.pitch)) {
      this.refused(T.writer.empty);
      return;
    }
    const key = byId("writer-key").value,
      isMinor = key[0] === key[0].toLowerCase();
    const name = `${key[0].toUpperCase()}${key.slice(1)}${isMinor ? "m" : ""}`;
    this.done(
      T.writer.untitled,
      abcFile(
        T.writer.untitled,
        `M:${byId("writer-metre").value}\nL:1/4\nQ:1/4=90\nK:${name}\n${text.replace(/\|\s*$/, "")}|]`,
      ),
    );
  }
}
