"use strict";
// The page's sound: the organ in a worklet, a master volume, and what is known of its latency. It is made ready when the page
// is, and begins with a gesture.

class Sound {
  constructor() {
    this.context = null;
    this.gains = [1, 1, 1, 1];
    this.volume = 0.8;
    this.registration = 1;
    /** Whether there was a gesture that wants sound. */
    this.isWanted = false;
    /** @type {(state: string, sentence?: string) => void} */
    this.told = () => {};
  }

  get time() {
    return this.context ? this.context.currentTime : 0;
  }

  get isRunning() {
    return Boolean(this.context) && this.context.state === "running";
  }

  /** Milliseconds from a message to the loudspeaker, as far as the browser tells. */
  get latency() {
    if (!this.context) return null;
    return 1000 * (this.context.baseLatency + (this.context.outputLatency || 0) + 128 / this.context.sampleRate);
  }

  /** Makes all that needs no gesture, so that the first key sounds soon. */
  prepare() {
    this.starting =
      this.starting ||
      this.start().catch(error => {
        this.end();
        throw error;
      });
    return this.starting;
  }

  /** Makes the sound where there is none yet, and wakes it. To be called from a click or a key. */
  resume() {
    this.isWanted = true;
    const starting = this.prepare().then(
      () => {
        if (this.context && !this.isRunning) this.told(this.context.state);
      },
      error => {
        this.told("failed", isSecureContext ? T.failed.sound : T.failed.insecure);
        throw error;
      },
    );
    // Within the gesture itself: later it would not count as one.
    if (this.context && this.context.state !== "running") this.context.resume().catch(() => {});
    return starting;
  }

  async start() {
    if (typeof AudioWorkletNode === "undefined") throw new Error(T.failed.sound);
    const context = new AudioContext({ latencyHint: "interactive" });
    this.context = context;
    context.onstatechange = () => {
      if (this.context === context) this.told(context.state);
    };
    // The device is gone, or the browser's sound has failed.
    this.context.onerror = () => this.restart();
    const [{ module }, address] = await Promise.all([loadModule(), dataAddress("organ-worklet")]);
    await this.context.audioWorklet.addModule(address);
    this.node = new AudioWorkletNode(this.context, "organ", {
      numberOfInputs: 0,
      outputChannelCount: [2],
      processorOptions: { module },
    });
    this.node.onprocessorerror = () => this.restart();
    this.master = this.context.createGain();
    this.analyser = this.context.createAnalyser();
    this.node.connect(this.master).connect(this.analyser).connect(this.context.destination);
    this.setVolume(this.volume);
    this.gains.forEach((gain, part) => this.setGain(part, gain));
    this.setRegistration(this.registration);
    this.connect();
    this.told(this.context.state);
  }

  /** Gives whoever plays live a port of its own to the organ, where there is one. */
  connect() {
    if (!this.node || !this.connected) return;
    const { port1, port2 } = new MessageChannel();
    this.node.port.postMessage({ live: port1 }, [port1]);
    this.connected(port2);
  }

  /** The organ has failed: another takes its place. */
  restart() {
    this.told("failed", T.failed.organ);
    this.end();
  }

  end() {
    if (this.context) this.context.close().catch(() => {});
    this.context = null;
    this.starting = null;
  }

  setVolume(volume) {
    this.volume = volume;
    if (this.master) this.master.gain.setTargetAtTime(volume * volume, this.time, 0.02);
  }

  setGain(part, gain) {
    this.gains[part] = gain;
    if (this.node) this.node.port.postMessage({ part, gain });
  }

  /** @param {number} place of the stops in `session::control::REGISTRATIONS` */
  setRegistration(place) {
    this.registration = place;
    if (this.node) this.node.port.postMessage({ stops: place });
  }

  play(part, pitch, from, to) {
    this.node.port.postMessage({ note: { part, pitch, from, to } });
  }

  silence() {
    if (this.node) this.node.port.postMessage({ silence: true });
  }

  /** Everything of every part ends. */
  hush() {
    if (!this.node) return;
    this.silence();
    for (let part = 0; part < 4; part += 1) this.node.port.postMessage({ part, message: [0xb0 + part, 123, 0] });
  }
}
