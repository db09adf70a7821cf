"use strict";
// The Play screen: hands in, four parts out.

class PlayScreen {
  /** @param {LiveSession} live @param {Sound} sound @param {MidiPorts} ports */
  constructor(live, sound, ports) {
    Object.assign(this, { live, sound, ports, music: new LiveMusic(), held: new Map(), spokenAt: 0 });
    this.stage = new Stage(byId("live-staves"), byId("live-roll"), this.music);
    this.computer = new ComputerKeys({
      press: pitch => this.press(pitch, 84),
      release: pitch => this.release(pitch),
      shifted: () => this.relabel(),
    });
    this.keyboard = new DrawnKeyboard(byId("keyboard"), {
      press: (pitch, velocity) => this.press(pitch, velocity),
      release: pitch => this.release(pitch),
      label: pitch => this.computer.labelOf(pitch),
      shown: () => this.showRange(),
    });
    this.parts = new PartRows(byId("live-parts"), {
      mute: (part, isOn) => live.control(`mute-${PART_NAMES[part]}`, isOn),
      gain: (part, gain) => this.setGain(part, gain),
      freeze: (part, isOn) => live.control(`freeze-${PART_NAMES[part]}`, isOn),
    });
    this.gains = [1, 1, 1, 1];
    this.fillControls();
    this.bind();
    this.relabel();
  }

  press(pitch, velocity) {
    this.sound.resume().catch(() => {});
    const count = this.held.get(pitch) || 0;
    this.held.set(pitch, count + 1);
    this.keyboard.showPressed(pitch, true);
    if (count === 0) this.live.midi([0x90, pitch, velocity]);
  }

  release(pitch) {
    const count = this.held.get(pitch) || 0;
    if (count > 1) {
      this.held.set(pitch, count - 1);
      return;
    }
    this.held.delete(pitch);
    // To a browser a finger has touched only when it lifts: the first sound may be allowed from here on.
    this.sound.resume().catch(() => {});
    this.keyboard.showPressed(pitch, false);
    if (count === 1) this.live.midi([0x80, pitch, 0]);
  }

  setGain(part, gain) {
    this.gains[part] = gain;
    this.sound.setGain(part, gain);
  }

  fillControls() {
    fillSelect(byId("key"), [["", T.play.keyFound], ...KEYS_TO_CHOOSE], "");
    fillSelect(
      byId("density"),
      T.play.densities.map((name, place) => [String(32 * place + 31), name]),
      "127",
    );
    fillSelect(byId("metre"), T.play.metres, "4/4");
    fillSelect(byId("time"), T.play.times, "internal");
    fillSelect(byId("release"), T.play.releases, "with-me");
    fillSelect(
      byId("stops"),
      T.play.stopsNames.map((name, place) => [String(place), name]),
      "1",
    );
    for (const [name, hint] of Object.entries(T.play.hints)) byId(name).title = hint;
    byId("lead").replaceChildren(
      ...T.play.lead.map((text, place) =>
        Object.assign(document.createElement(place ? "strong" : "span"), { textContent: text }),
      ),
      " ",
      Object.assign(document.createElement("span"), { id: "lead-how", className: "soft" }),
    );
  }

  bind() {
    const { live } = this;
    const control = (id, event, work) => byId(id).addEventListener(event, work);
    for (const name of ["hold", "cadence", "click"]) control(name, "click", () => this.toggle(name));
    control("panic", "click", () => this.panic());
    control("tap", "click", () => live.control("tap", 127));
    control("key", "change", () => {
      const key = byId("key").value;
      if (key) live.settings.config.key = key;
      else delete live.settings.config.key;
      live.control("key", key || 0);
    });
    control("density", "change", () => {
      live.settings.density = Number(byId("density").value);
      live.control("density", live.settings.density);
    });
    control("temperature", "input", () => live.control("temperature", Number(byId("temperature").value)));
    control("tempo", "change", () => {
      const tempo = Math.min(167, Math.max(40, Number(byId("tempo").value) || 80));
      byId("tempo").value = String(tempo);
      live.settings.config.tempo = tempo;
      live.control("tempo", tempo - 40);
    });
    control("metre", "change", () => this.restart({ metre: byId("metre").value }));
    control("time", "change", () => this.restart({ clock: byId("time").value }));
    control("release", "change", () => {
      live.settings.config.release = byId("release").value;
      live.request({ call: "live.release", release: byId("release").value });
    });
    control("stops", "change", () => this.sound.setRegistration(Number(byId("stops").value)));
    control("octave-down", "click", () => this.shiftKeys(-1));
    control("octave-up", "click", () => this.shiftKeys(1));
    control("show-answers", "change", () => this.watchAnswers());
    control("computer-on", "change", () => {
      this.computer.isOn = byId("computer-on").checked;
      this.computer.releaseAll();
      this.relabel();
    });
    // Who chose by mouse goes on playing by keys; who chose by keys stays where he is.
    addEventListener(
      "pointerdown",
      () => {
        this.isByPointer = true;
      },
      true,
    );
    addEventListener(
      "keydown",
      event => {
        if (event.code === "Tab") this.isByPointer = false;
      },
      true,
    );
    control("play", "change", event => {
      if (this.isByPointer && event.target.matches("select, input[type=number]")) event.target.blur();
    });
    live.addEventListener("reply", ({ detail }) => this.hear(detail));
    live.addEventListener("table", ({ detail }) => {
      if (byId("show-answers").checked) this.keyboard.showAnswers(detail.answers);
    });
    live.addEventListener("died", () => this.forgetHands());
    this.ports.addEventListener("midi", ({ detail }) => {
      live.midi(detail.bytes, detail.at);
      this.showPlayed(detail.bytes);
    });
    addEventListener("blur", () => this.computer.releaseAll());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.computer.releaseAll();
    });
  }

  /** A MIDI keyboard's keys go down on the drawn one too. */
  showPlayed([status, pitch, value]) {
    const kind = status & 0xf0;
    if (kind === 0x90 || kind === 0x80) this.keyboard.showPressed(pitch, kind === 0x90 && value > 0);
  }

  toggle(name) {
    const isOn = byId(name).getAttribute("aria-pressed") !== "true";
    byId(name).setAttribute("aria-pressed", String(isOn));
    if (name === "click") this.live.settings.config.click = isOn;
    if (isOn) this.sound.resume().catch(() => {});
    this.live.start().then(
      () => this.live.control(name, isOn),
      () => {},
    );
  }

  panic() {
    this.live.control("panic", 127);
    this.sound.hush();
    this.ports.silence();
    this.forgetHands();
  }

  forgetHands() {
    for (const pitch of this.held.keys()) this.keyboard.showPressed(pitch, false);
    this.held.clear();
    this.computer.down.clear();
  }

  restart(changes) {
    this.forgetHands();
    this.music.clear();
    this.live.restart(changes);
    const isFree = byId("time").value === "follow";
    for (const id of ["tempo", "tap"]) byId(id).disabled = isFree;
    this.stage.hear(true);
  }

  shiftKeys(octaves) {
    if (this.keyboard.span < 37) this.keyboard.shift(octaves);
    this.computer.releaseAll();
    this.computer.shift(octaves);
    this.showRange();
  }

  showRange() {
    if (!this.keyboard) return;
    const { lowest, highest } =
      this.keyboard.span < 37 ? this.keyboard : { lowest: this.computer.lowest, highest: this.computer.lowest + 19 };
    byId("octave").textContent = T.keyboard.range(keyName(lowest), keyName(highest));
    if (byId("show-answers").checked) this.watchAnswers();
  }

  relabel() {
    if (!this.keyboard) return;
    this.keyboard.relabel();
    this.showRange();
    const letters = ["KeyA", "KeyS", "KeyD", "KeyF"].map(code => this.computer.labels.get(code)).join(" ");
    byId("lead-how").textContent = matchMedia("(hover: none)").matches ? T.play.leadTouch : T.play.leadKeys(letters);
  }

  watchAnswers() {
    const isOn = byId("show-answers").checked;
    this.live.watchTable(isOn ? { low: this.keyboard.lowest, high: this.keyboard.highest } : null);
    if (!isOn) this.keyboard.showAnswers([]);
    if (isOn) this.live.start().catch(() => {});
  }

  hear(reply) {
    this.ports.send(reply.messages);
    const before = this.music.state;
    this.music.hear(reply);
    if (reply.state) this.show(reply.state, before);
    this.stage.hear(Boolean(reply.state));
  }

  show(state, before) {
    const text = (id, value) => {
      if (byId(id).textContent !== value) byId(id).textContent = value;
    };
    const isSilent = state.sounding.every(pitch => pitch === null);
    if (!isSilent) {
      text("chord", state.chord || "–");
      text("numeral", state.numeral || "");
    }
    text("key-now", state.key || "–");
    byId("key-now").classList.toggle("told", state.keyIsTold);
    this.showPlace(state);
    this.keyboard.showSounding(state.sounding);
    const on = name => state.switches.includes(name);
    for (const name of ["hold", "cadence", "click"]) byId(name).setAttribute("aria-pressed", String(on(name)));
    this.parts.show({
      names: isSilent ? [] : state.names,
      muted: PART_NAMES.map(part => on(`mute-${part}`)),
      frozen: PART_NAMES.map(part => on(`freeze-${part}`)),
    });
    if (document.activeElement !== byId("tempo") && (!before || before.tempo !== state.tempo))
      byId("tempo").value = String(Math.round(state.tempo));
    this.speak(state, isSilent);
  }

  showPlace(state) {
    const beats = beatsOf(state.metre);
    byId("bar-now").textContent = state.bar === null ? "" : String(state.bar);
    const dots = byId("beats");
    if (dots.childElementCount !== beats)
      dots.replaceChildren(...Array.from({ length: beats }, () => document.createElement("i")));
    [...dots.children].forEach((dot, index) =>
      dot.classList.toggle("on", state.running && index === (state.beat - 1) % beats),
    );
  }

  /** For screen readers: not more often than it can be heard. */
  speak(state, isSilent) {
    const now = performance.now();
    if (isSilent || !state.chord || now - this.spokenAt < 1500) return;
    const text = T.play.spoken(state.chord, state.numeral, state.names.filter(Boolean).join(", "));
    if (byId("spoken").textContent === text) return;
    this.spokenAt = now;
    byId("spoken").textContent = text;
  }

  /** Whether the key meant something here. */
  keyDown(event) {
    const target = targetOf(event);
    if (target.closest("input:not([type=range]):not([type=checkbox]), select, textarea, dialog")) return false;
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.code === "Escape") this.panic();
    else if (!this.computer.isOn) return false;
    else if (this.computer.keyDown(event)) return true;
    else if (event.repeat) return false;
    else if (event.code === "Space" && !target.closest("button, a, summary, input")) this.toggle("hold");
    else if (event.code === "KeyC") this.toggle("cadence");
    else if (event.code === "KeyZ") this.shiftKeys(-1);
    else if (event.code === "KeyX") this.shiftKeys(1);
    else return false;
    return true;
  }

  /** Nobody looks after a hanging key or a click that ticks on. */
  left() {
    this.computer.releaseAll();
    if (this.live.isOn("click")) this.toggle("click");
  }

  shown() {
    this.gains.forEach((gain, part) => this.sound.setGain(part, gain));
    this.stage.hear(true);
  }
}

const PART_NAMES = ["soprano", "alto", "tenor", "bass"];
