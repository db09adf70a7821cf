"use strict";
// The organ on the audio thread. Live answers come by a port of their own; finished pieces are handed over ahead of time.

class OrganProcessor extends AudioWorkletProcessor {
  constructor({ processorOptions }) {
    super();
    this.organ = new WebAssembly.Instance(processorOptions.module, {}).exports;
    this.organ.organ_new(sampleRate);
    /** @type {{frame: number, part: number, status: number, pitch: number}[]} By time, offs before ons. */
    this.due = [];
    this.hasEnded = false;
    this.port.onmessage = ({ data }) => this.receive(data);
    this.port.postMessage("ready");
  }

  receive(data) {
    if (data.live)
      data.live.onmessage = ({ data: [status, pitch, value, isClick] }) => this.message(status, pitch, value, isClick);
    else if (data.gain !== undefined) this.organ.organ_gain(data.part, data.gain);
    else if (data.stops !== undefined) this.organ.organ_stops(data.stops);
    else if (data.message) this.organ.organ_message(data.part, ...data.message);
    else if (data.note) this.schedule(data.note);
    else if (data.silence) this.silence();
    else if (data.end) this.hasEnded = true;
  }

  message(status, data, value, isClick) {
    if (!isClick) this.organ.organ_message(status % 16, status, data, value);
    else if ((status & 0xf0) === 0x90 && value > 0) this.organ.organ_click(value);
  }

  schedule({ part, pitch, from, to }) {
    const at = seconds => Math.round(seconds * sampleRate);
    // The same key again wants to be seen up in between.
    this.due.push(
      { frame: at(from), part, status: 0x90, pitch },
      { frame: Math.max(at(from) + 1, at(to - 0.03)), part, status: 0x80, pitch },
    );
    this.due.sort((a, b) => a.frame - b.frame || a.status - b.status);
  }

  silence() {
    for (const { part, status, pitch } of this.due)
      if (status === 0x80) this.organ.organ_message(part, status, pitch, 0);
    this.due = [];
  }

  /** Views of what was rendered, made anew only when they have moved. */
  look(at, frames) {
    const { buffer } = this.organ.memory;
    if (this.left && this.left.buffer === buffer && this.left.byteOffset === at && this.left.length === frames) return;
    this.left = new Float32Array(buffer, at, frames);
    this.right = new Float32Array(buffer, at + 4 * frames, frames);
  }

  process(inputs, [output]) {
    const frames = output[0].length;
    while (this.due.length && this.due[0].frame < currentFrame + frames) {
      const { part, status, pitch } = this.due.shift();
      this.organ.organ_message(part, status, pitch, status === 0x90 ? 84 : 0);
    }
    const at = this.organ.organ_render(frames);
    this.look(at, frames);
    output[0].set(this.left);
    if (output[1]) output[1].set(this.right);
    return !this.hasEnded;
  }
}

registerProcessor("organ", OrganProcessor);
