"use strict";
// The Harmonize screen: a melody comes in, four parts come out; what is liked is kept, the rest done again.

const LARGEST_FILE = 20e6;
const ALTERNATIVES = 4;
/** Milliseconds after which one may want to cancel. */
const PATIENCE = 3000;
const FORMATS = ["musicxml", "mid", "wav", "svg", "html"];

class HarmonizeScreen {
  /**
   * @param {Studio} studio @param {Sound} sound @param {(id: string, sentence: string) => void} notice
   * @param {() => void} wanted a file was dropped, wherever on the page
   */
  constructor(studio, sound, notice, wanted) {
    Object.assign(this, {
      wanted,
      studio,
      sound,
      notice,
      piece: null,
      opened: null,
      options: {},
      seed: 1,
      changes: 0,
      gains: [1, 1, 1, 1],
      muted: [false, false, false, false],
    });
    this.view = new PieceView({
      staves: byId("staves"),
      roll: byId("roll-scroll"),
      tip: byId("tip"),
      seek: quarter => this.player.seek(quarter),
    });
    this.player = new Player(sound, (quarter, isPlaying) => this.moved(quarter, isPlaying));
    this.selection = new Selection(this.view, {
      play: quarter => this.playFrom(quarter),
      changed: () => this.showSelection(),
      noteChosen: index => this.showNote(index),
    });
    this.view.engraved = () => this.selection.draw();
    this.writer = new TuneWriter(
      (title, bytes) => this.open(`${title}.abc`, bytes),
      pitch => this.hearPitch(pitch),
      sentence => this.notice("writer", sentence),
    );
    this.parts = new PartRows(byId("piece-parts"), {
      mute: (part, isOn) => {
        this.muted[part] = isOn;
        this.view.mute(part, isOn);
        this.applyGains();
      },
      gain: (part, gain) => {
        this.gains[part] = gain;
        this.applyGains();
      },
    });
    this.fill();
    this.bind();
  }

  fill() {
    byId("tunes").append(
      ...TUNES.map(tune => {
        const button = document.createElement("button");
        button.append(tune.title, Object.assign(document.createElement("small"), { textContent: tune.from }));
        button.addEventListener("click", () => this.open(`${tune.title}.abc`, abcFile(tune.title, tune.abc)));
        return button;
      }),
    );
    byId("downloads").append(
      ...FORMATS.map(format => {
        const button = document.createElement("button");
        button.textContent = T.save.names[format];
        button.dataset.format = format;
        button.addEventListener("click", () => this.save(format));
        return button;
      }),
    );
    byId("again-parts").append(
      ...T.parts.map((name, part) => {
        const label = document.createElement("label"),
          box = document.createElement("input");
        label.className = `check part${part}`;
        box.type = "checkbox";
        box.checked = part > 0;
        box.addEventListener("change", () => {
          this.selection.parts[part] = box.checked;
          this.showSelection();
        });
        label.append(box, name);
        return label;
      }),
    );
    byId("piece-play").textContent = T.piece.play;
  }

  bind() {
    const on = (id, event, work) => byId(id).addEventListener(event, work);
    on("file", "change", event => {
      this.openFile(event.target.files[0]);
      event.target.value = "";
    });
    // Anywhere: what the page does not take, the browser would go to.
    for (const name of ["dragenter", "dragover", "dragleave", "drop"])
      document.addEventListener(name, event => {
        event.preventDefault();
        byId("drop").classList.toggle("over", name === "dragenter" || name === "dragover");
      });
    document.addEventListener("drop", event => this.dropped([...event.dataTransfer.files]));
    on("cancel", "click", () => this.studio.cancel());
    on("write-open", "click", () => {
      byId("writer").hidden = !byId("writer").hidden;
      byId("write-open").setAttribute("aria-expanded", String(!byId("writer").hidden));
      if (!byId("writer").hidden) {
        this.writer.draw();
        byId("writer-grid").focus();
      }
    });
    on("new-chorale", "click", () => this.compose());
    on("piece-play", "click", () => this.player.toggle());
    on("speed", "input", () => this.player.setRate(Number(byId("speed").value)));
    on("more", "click", () => this.more());
    on("alternative-back", "click", () => this.alternative(-1));
    on("alternative-on", "click", () => this.alternative(1));
    on("lines", "change", () => {
      const line = this.opened.lines[Number(byId("lines").value)];
      this.options = { track: line.track, channel: line.channel };
      this.harmonize();
    });
    for (const id of ["from-bar", "to-bar"])
      on(id, "change", () =>
        this.selection.set(
          Number(byId("from-bar").value),
          Math.max(Number(byId("from-bar").value), Number(byId("to-bar").value)),
        ),
      );
    on("again", "click", () => this.again());
    on("undo", "click", () => this.takeBack());
    on("select-none", "click", () => this.selection.all());
    on("fix", "click", () => this.fix());
    on("fix-close", "click", () => this.selection.chooseNote(-1));
  }

  /** Does what takes a while: says so, shows what came, and tells what went wrong. */
  async work(text, ask) {
    const turn = (this.turn = (this.turn || 0) + 1);
    this.showBusy(text);
    // What would lose a piece that is there already is waited for.
    const canCancel = [T.busy.open, T.busy.harmonize, T.busy.generate].includes(text);
    const patience = setTimeout(() => {
      byId("cancel").hidden = !canCancel || turn !== this.turn;
    }, PATIENCE);
    try {
      await ask();
    } catch (error) {
      if (!error.isWanted) this.notice("studio", error.message);
      if (error.isLost) this.forget();
    } finally {
      clearTimeout(patience);
      if (turn === this.turn) this.showBusy("");
    }
  }

  /** What changes the piece that is there: one thing at a time. */
  async change(text, ask) {
    if (!byId("busy").textContent) await this.work(text, ask);
  }

  showBusy(text) {
    byId("busy").textContent = text;
    byId("harmonize").classList.toggle("working", Boolean(text));
    byId("cancel").hidden = true;
  }

  /** The worker that had the piece is gone. */
  forget() {
    if (this.player.isPlaying) this.player.stop();
    this.piece = null;
    byId("result").hidden = true;
  }

  dropped(files) {
    if (!files.length) return;
    if (files.length > 1) this.notice("several", T.open.one(files[0].name, files.length - 1));
    this.wanted();
    this.openFile(files[0]);
  }

  async openFile(file) {
    if (!file) return;
    if (file.size > LARGEST_FILE) {
      this.notice("studio", T.open.tooLarge(file.name));
      return;
    }
    try {
      await this.open(file.name, new Uint8Array(await file.arrayBuffer()));
    } catch {
      this.notice("studio", T.open.failed(file.name, T.open.unreadable));
    }
  }

  open(name, bytes) {
    return this.work(T.busy.open, async () => {
      try {
        this.opened = await this.studio.ask({ call: "studio.open", name }, bytes);
      } catch (error) {
        if (error.isLost) throw error;
        // Some reasons begin with the name.
        const why = error.message.startsWith(`${name}: `) ? error.message.slice(name.length + 2) : error.message;
        throw new Error(T.open.failed(name, why.replace(/[.?]$/, "")));
      }
      this.options = {};
      await this.harmonize();
    });
  }

  /** The first one, at once; others when they are asked for. */
  harmonize() {
    return this.work(T.busy.harmonize, async () => {
      this.show(await this.studio.ask({ call: "studio.harmonize", options: this.options }), true);
    });
  }

  more() {
    const before = sopranoToBass(this.piece);
    return this.change(T.busy.alternatives, async () => {
      let found = await this.studio.ask({
        call: "studio.harmonize",
        options: { ...this.options, alternatives: ALTERNATIVES },
      });
      if (sopranoToBass(found.piece) === before)
        found = await this.studio.ask({ call: "studio.alternative", index: 1 });
      this.show(found, false);
      byId("alternative-on").focus();
    });
  }

  compose() {
    return this.change(T.busy.generate, async () => {
      this.seed = 1 + Math.floor(Math.random() * 1e6);
      this.opened = null;
      this.show(await this.studio.ask({ call: "studio.generate", options: { seed: this.seed } }), true);
    });
  }

  alternative(step) {
    const { alternative, alternatives } = this.piece;
    return this.change(T.busy.harmonize, async () => {
      this.show(
        await this.studio.ask({
          call: "studio.alternative",
          index: (alternative + step + alternatives) % alternatives,
        }),
        false,
      );
    });
  }

  again() {
    const { from, to, parts } = this.selection,
      { bars } = this.piece;
    if (!parts.some(Boolean)) {
      byId("selected").textContent = T.again.noPart;
      return;
    }
    return this.change(T.busy.again, async () => {
      this.seed += 1;
      const request = {
        call: "studio.again",
        start: bars[from].start,
        end: bars[to].end,
        parts: [0, 1, 2, 3].filter(part => parts[part]),
        seed: this.seed,
      };
      this.show(await this.studio.ask(request), false, this.changes + 1);
    });
  }

  takeBack() {
    return this.change(T.busy.again, async () =>
      this.show(await this.studio.ask({ call: "studio.undo" }), false, this.changes - 1),
    );
  }

  fix() {
    const note = this.piece.notes[this.selection.note],
      pitch = Number(byId("fix-pitch").value);
    return this.change(T.busy.fix, async () => {
      this.show(
        await this.studio.ask({ call: "studio.fix", part: note.part, start: note.start, pitch }),
        false,
        this.changes + 1,
      );
      const index = this.piece.notes.findIndex(one => one.part === note.part && one.start === note.start);
      this.selection.chooseNote(index);
    });
  }

  /** @param {{piece: Piece, told: string[]}} found @param {number} changes of ours that could be taken back */
  show({ piece, told }, isNew, changes = 0) {
    this.changes = changes;
    const title = piece.title || T.piece.untitled;
    this.piece = { ...piece, title };
    byId("result").hidden = false;
    byId("piece-title").textContent = title;
    byId("piece-key").textContent = piece.key;
    byId("alternatives").hidden = piece.alternatives < 2;
    // What was changed by hand is not thrown away for others.
    byId("more").hidden = piece.alternatives > 1 || !this.opened || changes > 0;
    byId("undo").hidden = changes === 0;
    byId("alternative").textContent = T.piece.of(piece.alternative + 1, piece.alternatives);
    this.showTold(told);
    this.view.show(this.piece);
    this.view.listMarks(byId("marks"));
    byId("no-marks").hidden = piece.marks.length > 0;
    byId("staves").setAttribute("aria-description", T.piece.described(title, piece.key, piece.bars.length));
    const names = piece.bars.map((bar, index) => [String(index), barName(bar)]);
    fillSelect(byId("from-bar"), names, "0");
    fillSelect(byId("to-bar"), names, String(names.length - 1));
    if (isNew) {
      this.player.place = 0;
      this.selection.parts = [0, 1, 2, 3].map(part => part !== piece.melody);
      [...byId("again-parts").querySelectorAll("input")].forEach((box, part) => {
        box.checked = this.selection.parts[part];
      });
      this.selection.all();
    } else {
      this.selection.chooseNote(-1);
      this.selection.set(this.selection.from, this.selection.to);
    }
    this.player.load(this.piece);
    if (isNew) byId("result").scrollIntoView({ behavior: isStill() ? "auto" : "smooth", block: "start" });
  }

  showTold(told) {
    const lines = this.opened ? this.opened.lines : [];
    const all = [...(this.opened ? this.opened.told : []), ...told];
    byId("told").hidden = !all.length && lines.length < 2;
    byId("told-count").textContent = T.open.told(all.length);
    byId("told-list").replaceChildren(
      ...all.map(sentence => Object.assign(document.createElement("li"), { textContent: sentence })),
    );
    byId("lines-label").hidden = lines.length < 2;
    const chosen =
      this.options.track === undefined
        ? lines.findIndex(line => line.taken)
        : lines.findIndex(line => line.track === this.options.track && line.channel === this.options.channel);
    fillSelect(
      byId("lines"),
      lines.map((line, index) => [
        String(index),
        T.open.lineOf(line.name, line.track, line.notes, line.lowest, line.highest),
      ]),
      String(chosen),
    );
  }

  showSelection() {
    const { from, to, parts, isAll } = this.selection;
    byId("from-bar").value = String(from);
    byId("to-bar").value = String(to);
    const names = T.parts
      .filter((_, part) => parts[part])
      .join(", ")
      .toLowerCase();
    const bars = this.selection.bars;
    if (!bars.length) return;
    byId("selected").textContent =
      isAll && parts.every(Boolean)
        ? T.again.wholly
        : T.again.selected(barName(bars[from]), barName(bars[to]), names || "–");
  }

  showNote(index) {
    const note = index >= 0 ? this.piece.notes[index] : null;
    byId("note-box").hidden = !note;
    if (!note) return;
    const bar = this.piece.bars.find(one => one.end > note.start + CLOSE);
    byId("note-name").textContent = T.fix.chosen(T.parts[note.part], note.name, barName(bar));
    const pitches = Array.from({ length: 25 }, (_, step) => note.pitch + 12 - step).filter(
      pitch => pitch >= 36 && pitch <= 81,
    );
    fillSelect(
      byId("fix-pitch"),
      pitches.map(pitch => [String(pitch), keyName(pitch)]),
      String(note.pitch),
    );
    if (!this.player.isPlaying) this.hearPitch(note.pitch, note.part);
  }

  async save(format) {
    await this.work(T.busy.save, async () => {
      const { answer, bytes } = await this.studio.take({ call: "studio.export", format });
      const address = URL.createObjectURL(new Blob([bytes], { type: answer.mime }));
      Object.assign(document.createElement("a"), { href: address, download: answer.name }).click();
      setTimeout(() => URL.revokeObjectURL(address), 60_000);
      this.notice("saved", T.save.done(answer.name));
    });
  }

  hearPitch(pitch, part = 0) {
    this.sound.resume().then(
      () => this.sound.play(part, pitch, this.sound.time, this.sound.time + 0.4),
      () => {},
    );
  }

  playFrom(quarter) {
    this.player.seek(quarter);
    this.player.play();
  }

  moved(quarter, isPlaying) {
    this.view.move(quarter, isPlaying);
    const name = isPlaying ? T.piece.stop : T.piece.play;
    if (byId("piece-play").textContent !== name) byId("piece-play").textContent = name;
    const time = `${clockText(this.player.seconds)} / ${clockText(this.player.end)}`;
    if (byId("piece-time").textContent !== time) byId("piece-time").textContent = time;
  }

  applyGains() {
    this.gains.forEach((gain, part) => this.sound.setGain(part, this.muted[part] ? 0 : gain));
  }

  shown() {
    this.applyGains();
    this.studio.start().catch(error => this.notice("studio", T.failed.load(error.message)));
    if (this.piece) this.view.engrave();
  }

  left() {
    if (this.player.isPlaying) this.player.stop();
  }
}

function barName(bar) {
  return bar.number === 0 ? T.piece.upbeat : String(bar.number);
}

/** All notes in one text, to be compared. */
function sopranoToBass(piece) {
  return piece.notes.map(note => [note.part, note.start, note.end, note.pitch].join()).join(";");
}
