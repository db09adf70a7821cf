"use strict";
// Web MIDI: keyboards that come and go, and ports that the four parts go to. Asked for on a click only.

class MidiPorts extends EventTarget {
  constructor() {
    super();
    this.access = null;
    this.input = "all";
    this.output = "";
    this.note = () => {};
  }

  get isSupported() {
    return typeof navigator.requestMIDIAccess === "function";
  }

  get whyNot() {
    if (!isSecureContext) return T.midi.insecure;
    return location.protocol === "file:" ? T.midi.fromDisk : T.midi.missing;
  }

  /** Throws an Error that says what stood in the way. */
  async open() {
    if (!this.isSupported) throw new Error(this.whyNot);
    try {
      this.access = await navigator.requestMIDIAccess({ sysex: false });
    } catch (error) {
      throw new Error(
        error.name === "SecurityError" || error.name === "NotAllowedError" ? T.midi.denied : T.midi.broken,
      );
    }
    this.access.onstatechange = () => this.refresh();
    this.refresh();
  }

  get inputs() {
    return this.access ? [...this.access.inputs.values()].filter(port => port.state === "connected") : [];
  }
  get outputs() {
    return this.access ? [...this.access.outputs.values()].filter(port => port.state === "connected") : [];
  }

  /** Listens to what is there now; tells of what was lost. */
  refresh() {
    const heard = this.inputs.filter(port => this.input === "all" || port.id === this.input);
    const before = this.heard || [];
    for (const port of before) if (!heard.includes(port)) port.onmidimessage = null;
    for (const port of heard) port.onmidimessage = event => this.receive(event);
    const lost = before.filter(port => !heard.some(other => other.id === port.id));
    this.heard = heard;
    const out = this.outputs.find(port => port.id === this.output) || null;
    const hasLostOutput = Boolean(this.out) && !out;
    const hasGainedOutput = Boolean(out) && this.out !== out;
    this.out = out;
    this.dispatchEvent(new CustomEvent("ports", { detail: { lost, hasLostOutput, hasGainedOutput } }));
  }

  listenTo(id) {
    this.input = id;
    this.refresh();
  }

  playTo(id) {
    if (this.out) this.silence();
    this.output = id;
    this.refresh();
  }

  receive({ data, timeStamp }) {
    // Clock and sensing are no playing.
    if (!data.length || data[0] >= 0xf0) return;
    this.dispatchEvent(new CustomEvent("midi", { detail: { bytes: [...data], at: timeStamp || performance.now() } }));
  }

  /** @param {number[][]} messages [milliseconds, bytes...] */
  send(messages) {
    if (!this.out) return;
    for (const [, ...bytes] of messages) {
      const length = (bytes[0] & 0xf0) === 0xc0 || (bytes[0] & 0xf0) === 0xd0 ? 2 : 3;
      try {
        this.out.send(bytes.slice(0, length));
      } catch {
        this.refresh();
        return;
      }
    }
  }

  silence() {
    this.send([0, 1, 2, 3].map(channel => [0, 0xb0 + channel, 123, 0]));
  }
}
