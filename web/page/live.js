"use strict";
// The live session, in its worker: what the page asks of it, and what it tells.

class LiveSession extends EventTarget {
  constructor() {
    super();
    /** What a settings file may say, as far as the page sets it. */
    this.settings = { config: { clock: "internal", tempo: 80, metre: "4/4" }, seed: 1 };
    this.state = null;
    this.worker = null;
    this.restarts = 0;
  }

  /** Resolves when the first answers are ready. */
  start() {
    this.ready = this.ready || this.begin();
    return this.ready;
  }

  async begin() {
    const { worker, module, weights } = await startWorker("live-worker");
    this.worker = worker;
    await new Promise((resolve, reject) => {
      worker.onerror = event => reject(new Error(event.message));
      worker.onmessage = ({ data }) => {
        if (data.type === "started") resolve();
        if (data.type === "failed") reject(new Error(data.message));
        this.hear(data);
      };
      worker.postMessage({ type: "load", module, weights, timeOrigin: performance.timeOrigin });
      worker.postMessage({ type: "start", settings: this.settings });
    });
    worker.onerror = event => this.fail(event.message);
    this.send({ type: "table", range: this.tableRange || null });
  }

  send(message, transferred = []) {
    if (this.worker) this.worker.postMessage(message, transferred);
  }

  hear(data) {
    if (data.type === "reply" && data.state) this.state = data.state;
    if (data.type === "failed" && data.isDead) this.fail(data.message);
    else this.dispatchEvent(new CustomEvent(data.type, { detail: data }));
  }

  /** A fault of ours ended it: another one takes its place, a few times. */
  fail(message) {
    this.worker.terminate();
    this.worker = null;
    this.ready = null;
    this.restarts += 1;
    this.dispatchEvent(new CustomEvent("died", { detail: { message, isOver: this.restarts > 3 } }));
    if (this.restarts <= 3) this.start().catch(() => {});
  }

  /** Sets up anew with other settings, such as another metre; everything sounding ends. */
  restart(changes) {
    Object.assign(this.settings.config, changes);
    for (const [name, value] of Object.entries(changes)) if (value === null) delete this.settings.config[name];
    this.send({ type: "start", settings: this.settings });
  }

  /** @param {number[]} bytes of one MIDI message @param {number} [at] when, as performance.now() tells */
  midi(bytes, at = performance.now()) {
    this.start().then(
      () => this.request({ call: "live.midi", bytes, at }),
      () => {},
    );
  }

  control(name, value) {
    this.request({ call: "live.control", name, value });
  }

  request(request) {
    this.send({ type: "request", request });
  }

  isOn(name) {
    return Boolean(this.state) && this.state.switches.includes(name);
  }

  connectOrgan(port) {
    this.start().then(
      () => this.send({ type: "organ", port }, [port]),
      () => {},
    );
  }

  /** Asks for the answers under these keys whenever they change; null for no more. */
  watchTable(range) {
    this.tableRange = range;
    this.send({ type: "table", range });
  }
}
