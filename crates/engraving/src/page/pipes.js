"use strict";
// A small organ of the browser's own oscillators, for pages that carry no other. A gain for each part.

class Pipes {
  constructor() {
    this.context = null;
    this.gains = [1, 1, 1, 1];
    this.sounding = new Set();
  }

  get time() {
    return this.context ? this.context.currentTime : 0;
  }

  async resume() {
    if (!this.context) {
      this.context = new AudioContext();
      const strengths = [0, 1, 0.5, 0.28, 0.22, 0.08, 0.1, 0.03, 0.05];
      this.wave = this.context.createPeriodicWave(new Float32Array(strengths), new Float32Array(strengths.length));
      const master = this.context.createDynamicsCompressor();
      master.connect(this.context.destination);
      this.parts = this.gains.map(gain => {
        const node = this.context.createGain();
        node.gain.value = gain;
        node.connect(master);
        return node;
      });
    }
    // Not waited for: without a loudspeaker it never comes.
    this.context.resume().catch(() => {});
  }

  play(part, pitch, from, to) {
    const pipe = this.context.createOscillator(),
      gain = this.context.createGain();
    pipe.setPeriodicWave(this.wave);
    pipe.frequency.value = 440 * 2 ** ((pitch - 69) / 12);
    gain.gain.setValueAtTime(0, from);
    gain.gain.setTargetAtTime(0.13, from, 0.015);
    gain.gain.setTargetAtTime(0, Math.max(from, to - 0.04), 0.03);
    pipe.connect(gain).connect(this.parts[part]);
    pipe.start(from);
    pipe.stop(to + 0.25);
    const voice = { pipe, gain };
    this.sounding.add(voice);
    pipe.onended = () => {
      gain.disconnect();
      this.sounding.delete(voice);
    };
  }

  /** What was handed over already follows too. */
  setGain(part, gain) {
    this.gains[part] = gain;
    if (this.parts) this.parts[part].gain.setTargetAtTime(gain, this.context.currentTime, 0.02);
  }

  silence() {
    for (const { pipe, gain } of this.sounding) {
      gain.gain.cancelScheduledValues(0);
      gain.gain.setTargetAtTime(0, this.context.currentTime, 0.03);
      pipe.stop(this.context.currentTime + 0.3);
    }
  }
}
