"use strict";
// The worker that reads, harmonizes and writes files: one request after another.

class Studio {
  constructor() {
    this.waiting = new Map();
    this.number = 0;
    this.ready = null;
  }

  start() {
    this.ready =
      this.ready ||
      startWorker("studio-worker").then(({ worker, module, weights }) => {
        this.worker = worker;
        worker.onmessage = ({ data }) => this.hear(data);
        worker.onerror = event => this.die(event.message);
        return this.post({ type: "load", module, weights });
      });
    return this.ready;
  }

  /** Its answer; the bytes too, where it leaves some. Throws an Error with a sentence. */
  async ask(request, bytes) {
    await this.start();
    return (await this.post({ request, bytes })).answer;
  }

  async take(request) {
    await this.start();
    return this.post({ request, takes: true });
  }

  post(message) {
    const number = (this.number += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(number, { resolve, reject });
      this.worker.postMessage({ ...message, number });
    });
  }

  hear(data) {
    if (data.isDead) {
      this.die(data.error);
      return;
    }
    const waiting = this.waiting.get(data.number);
    this.waiting.delete(data.number);
    if (!waiting) return;
    if (data.error) waiting.reject(new Error(data.error));
    else waiting.resolve(data);
  }

  die(message) {
    this.end(Object.assign(new Error(T.failed.studio(message)), { isLost: true }));
  }

  /** Ends what is being worked on; what was open is gone with it. */
  cancel() {
    this.end(Object.assign(new Error(), { isLost: true, isWanted: true }));
  }

  end(error) {
    if (this.worker) this.worker.terminate();
    this.ready = null;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
