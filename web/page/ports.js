"use strict";
// The MIDI panel: connecting, choosing ports, and sentences about those that are missing.

class PortsPanel {
  /**
   * @param {MidiPorts} ports @param {LiveSession} live @param {Sound} sound
   * @param {(id: string, sentence: string, action?: object) => void} notice
   */
  constructor(ports, live, sound, notice) {
    Object.assign(this, { ports, live, sound, notice });
    byId("midi-open").addEventListener("click", () => this.open());
    byId("midi-in").addEventListener("change", () => ports.listenTo(byId("midi-in").value));
    byId("midi-out").addEventListener("change", () => ports.playTo(byId("midi-out").value));
    ports.addEventListener("ports", ({ detail }) => this.show(detail));
    if (!ports.isSupported) this.say(ports.whyNot);
  }

  say(sentence) {
    byId("midi-state").textContent = sentence;
  }

  async open() {
    // This click is the only one that there may be before a MIDI keyboard plays.
    this.sound.resume().catch(() => {});
    try {
      await this.ports.open();
      this.live.start().catch(() => {});
    } catch (error) {
      this.say(error.message);
    }
  }

  show({ lost, hasLostOutput, hasGainedOutput }) {
    const { ports } = this;
    byId("midi-open").hidden = true;
    for (const id of ["midi-in-label", "midi-out-label"]) byId(id).hidden = false;
    fillSelect(byId("midi-in"), [["all", T.midi.all], ...ports.inputs.map(port => [port.id, port.name])], ports.input);
    fillSelect(byId("midi-out"), [["", T.midi.none], ...ports.outputs.map(port => [port.id, port.name])], ports.output);
    this.say(`${T.midi.listening(ports.heard.map(port => port.name))}${ports.out ? ` ${T.midi.outHint}` : ""}`);
    if (lost.length) {
      this.live.request({ call: "live.input-lost" });
      this.notice("midi", T.midi.lost(lost[0].name));
    }
    if (hasLostOutput) this.notice("midi", T.midi.lostOutput);
    if (hasGainedOutput) this.live.request({ call: "live.output-regained" });
  }
}
