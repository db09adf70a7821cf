"use strict";
// What is played, drawn as it comes: engraved bars above, the scrolling roll below.

const ROLL_PIXELS_A_SECOND = 90;
const ROLL_LOW = 34,
  ROLL_HIGH = 84;
const NARROW_BAR = 250;

class Stage {
  /** @param {HTMLElement} staves @param {HTMLCanvasElement} roll @param {LiveMusic} music */
  constructor(staves, roll, music) {
    Object.assign(this, { staves, roll, music, isRunning: false, isStale: true, frames: 0 });
    this.pen = roll.getContext("2d");
    new ResizeObserver(() => this.resize()).observe(roll);
    new ResizeObserver(() => {
      this.isStale = true;
      this.wake();
    }).observe(staves);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolour());
    this.recolour();
  }

  recolour() {
    const style = getComputedStyle(document.documentElement);
    const colour = name => style.getPropertyValue(`--${name}`).trim();
    this.colours = {
      parts: ["soprano", "alto", "tenor", "bass"].map(colour),
      row: colour("row"),
      line: colour("line"),
      edge: colour("edge"),
      ink: colour("ink"),
      soft: colour("soft"),
    };
    this.wake();
  }

  resize() {
    const ratio = Math.min(2, devicePixelRatio || 1);
    this.roll.width = Math.round(this.roll.clientWidth * ratio);
    this.roll.height = Math.round(this.roll.clientHeight * ratio);
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.wake();
  }

  /** Something has changed. */
  hear(isNewStep) {
    if (isNewStep) this.isStale = true;
    this.wake();
  }

  wake() {
    if (this.isRunning) return;
    this.isRunning = true;
    requestAnimationFrame(() => this.frame());
  }

  frame() {
    this.isRunning = false;
    if (!this.roll.clientWidth) return;
    const now = performance.now();
    this.frames += 1;
    if (this.isStale) this.engrave();
    this.isStale = false;
    this.drawRoll(now);
    // Once all has scrolled away nothing moves any more. Who wants less motion sees it with every change.
    const isMoving = now - this.music.lastSound(now) < (this.roll.clientWidth / ROLL_PIXELS_A_SECOND) * 1000;
    if (isMoving && !isStill()) this.wake();
  }

  engrave() {
    const width = this.staves.clientWidth - 20;
    if (width <= 0) return;
    const bars = Math.max(1, Math.min(4, Math.floor(width / NARROW_BAR)));
    this.staves.innerHTML = engrave(this.music.piece(bars), { width, space: width < 500 ? 5.6 : 7 }).svg;
  }

  drawRoll(now) {
    const { pen, colours, music } = this,
      width = this.roll.clientWidth,
      height = this.roll.clientHeight;
    const header = 20,
      row = (height - header) / (ROLL_HIGH - ROLL_LOW);
    const right = width - 14;
    const x = at => right - ((now - at) / 1000) * ROLL_PIXELS_A_SECOND;
    const y = pitch => header + (ROLL_HIGH - pitch - 1) * row;
    pen.clearRect(0, 0, width, height);
    pen.fillStyle = colours.row;
    for (let pitch = ROLL_LOW; pitch < ROLL_HIGH; pitch += 1) if (isBlack(pitch)) pen.fillRect(0, y(pitch), width, row);
    for (const beat of music.beats) {
      const at = x(beat.at);
      if (at < 0) continue;
      pen.fillStyle = beat.isBar ? colours.edge : colours.line;
      pen.fillRect(Math.round(at), header, 1, height - header);
    }
    for (const span of [...music.spans].reverse()) {
      const from = x(span.from),
        to = x(span.to === null ? now : span.to);
      if (to < -4) continue;
      pen.fillStyle = colours.parts[span.part];
      pen.beginPath();
      pen.roundRect(
        from,
        y(span.pitch) - 0.5,
        Math.max(3, to - from - 1.5),
        Math.max(3, row + 1),
        Math.min(3, row / 2),
      );
      pen.fill();
    }
    pen.font = "600 12px system-ui, sans-serif";
    let edge = width + 100;
    for (const chord of [...music.chords].reverse()) {
      const at = x(chord.at),
        wide = pen.measureText(chord.symbol).width;
      if (at + wide > edge - 6 || at < -60) continue;
      edge = at;
      pen.fillStyle = colours.ink;
      pen.fillText(chord.symbol, at, 13);
    }
    pen.fillStyle = colours.ink;
    pen.fillRect(right, header, 1.5, height - header);
  }
}
