"use strict";
// What of the piece is chosen to be done again: bars and parts; and the one note to be fixed.

class Selection {
  /** @param {PieceView} view @param {{play: (quarter: number) => void, changed: () => void, noteChosen: (index: number) => void}} hands */
  constructor(view, hands) {
    Object.assign(this, hands, { view, from: 0, to: -1, anchor: 0, note: -1 });
    this.parts = [false, true, true, true];
    const { staves } = view;
    staves.addEventListener("pointerdown", event => this.pointerDown(event));
    staves.addEventListener("pointermove", event => {
      if (this.isDragging) this.pointerMove(event);
    });
    for (const name of ["pointerup", "pointercancel", "pointerleave"])
      staves.addEventListener(name, () => {
        this.isDragging = false;
      });
    staves.addEventListener("dblclick", event => {
      const bar = this.barAt(event);
      if (bar) this.play(bar.start);
    });
    staves.addEventListener("keydown", event => this.keyDown(event));
  }

  get bars() {
    return this.view.piece ? this.view.piece.bars : [];
  }
  get isAll() {
    return this.from <= 0 && this.to >= this.bars.length - 1;
  }

  set(from, to) {
    this.from = Math.max(0, Math.min(from, to));
    this.to = Math.min(this.bars.length - 1, Math.max(from, to));
    this.draw();
    this.changed();
  }

  all() {
    this.chooseNote(-1);
    this.set(0, this.bars.length - 1);
  }

  chooseNote(index) {
    this.note = index;
    for (const one of this.view.staves.querySelectorAll(".note"))
      one.classList.toggle("chosen", one.dataset.note === String(index));
    this.noteChosen(index);
  }

  barAt(event) {
    const svg = this.view.staves.querySelector("svg");
    if (!svg) return null;
    const box = svg.getBoundingClientRect(),
      x = event.clientX - box.left,
      y = event.clientY - box.top;
    const system = this.view.drawn.systems.find(one => y >= one.top && y <= one.bottom);
    return (system && system.bars.find(bar => x >= bar.left && x <= bar.right)) || null;
  }

  pointerDown(event) {
    if (event.button > 0) return;
    const note = event.target.closest("[data-note]");
    const bar = this.barAt(event);
    if (note) this.chooseNote(Number(note.dataset.note));
    if (!bar) return;
    if (!note) this.chooseNote(-1);
    if (!event.shiftKey) this.anchor = bar.index;
    this.isDragging = event.pointerType !== "touch";
    this.set(this.anchor, bar.index);
  }

  pointerMove(event) {
    const bar = this.barAt(event);
    if (bar) this.set(this.anchor, bar.index);
  }

  keyDown(event) {
    const last = this.bars.length - 1;
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.code];
    if (step && event.shiftKey)
      this.set(this.anchor, Math.max(0, Math.min(last, (this.anchor <= this.from ? this.to : this.from) + step)));
    else if (step)
      this.set(
        (this.anchor = Math.max(0, Math.min(last, (this.isAll ? (step > 0 ? -1 : last + 1) : this.from) + step))),
        this.anchor,
      );
    else if (event.code === "Enter" && this.bars[this.from]) this.play(this.bars[this.from].start);
    else if (event.code === "Escape") this.all();
    else return;
    event.preventDefault();
  }

  /** Marks the chosen bars under the notes. */
  draw() {
    const svg = this.view.staves.querySelector("svg");
    if (!svg) return;
    for (const old of svg.querySelectorAll(".chosen-bars")) old.remove();
    if (this.isAll) return;
    for (const system of this.view.drawn.systems) {
      const bars = system.bars.filter(bar => bar.index >= this.from && bar.index <= this.to);
      if (!bars.length) continue;
      const box = document.createElementNS(svg.namespaceURI, "rect");
      const left = bars[0].left,
        right = bars[bars.length - 1].right;
      for (const [name, value] of Object.entries({
        class: "chosen-bars",
        x: left,
        y: system.top,
        width: right - left,
        height: system.bottom - system.top,
        rx: 6,
      }))
        box.setAttribute(name, String(value));
      svg.prepend(box);
    }
  }
}
