"use strict";
// One instance of the module in a worker: requests and answers in JSON, bytes to and fro (web/README.md).

class Chorale {
  /** @param {WebAssembly.Module} module */
  constructor(module) {
    this.exports = new WebAssembly.Instance(module, {}).exports;
  }

  /** Answers a request. Throws an Error that says what is wrong; `isDead` where the instance is of no further use. */
  call(request, bytes) {
    if (bytes) this.exports.give(...this.lend(bytes));
    let answer;
    try {
      answer = this.exports.call(...this.lend(new TextEncoder().encode(JSON.stringify(request))));
    } catch (trap) {
      throw Object.assign(new Error(this.complaint() || String(trap)), { isDead: true });
    }
    const found = JSON.parse(new TextDecoder().decode(this.receive(answer)));
    if (found && found.error) throw new Error(found.error);
    return found;
  }

  /** The bytes that the last call left. */
  take() {
    return this.receive(this.exports.take());
  }

  complaint() {
    try {
      return new TextDecoder().decode(this.receive(this.exports.complaint()));
    } catch {
      return "";
    }
  }

  lend(bytes) {
    const start = this.exports.alloc(bytes.length);
    new Uint8Array(this.exports.memory.buffer, start, bytes.length).set(bytes);
    return [start, bytes.length];
  }

  receive(packed) {
    const start = Number(BigInt.asUintN(64, packed) >> 32n),
      length = Number(packed & 0xffffffffn);
    const bytes = new Uint8Array(this.exports.memory.buffer, start, length).slice();
    this.exports.release(start, length);
    return bytes;
  }
}
