// The module in Node: what its interface (../README.md) needs in JavaScript.
import { readFileSync } from "node:fs";

export async function open(module, weights) {
  const { instance } = await WebAssembly.instantiate(readFileSync(module), {});
  const { memory, alloc, release, call, give, take, complaint } = instance.exports;
  const store = bytes => {
    const address = alloc(bytes.length);
    new Uint8Array(memory.buffer, address, bytes.length).set(bytes);
    return [address, bytes.length];
  };
  const load = packed => {
    const [address, length] = [Number(packed >> 32n), Number(packed & 0xffffffffn)];
    const bytes = new Uint8Array(memory.buffer, address, length).slice();
    release(address, length);
    return bytes;
  };
  const text = packed => new TextDecoder().decode(load(packed));
  const page = {
    exports: instance.exports,
    give: bytes => give(...store(bytes)),
    take: () => load(take()),
    call(request) {
      let answer;
      try {
        answer = JSON.parse(text(call(...store(new TextEncoder().encode(JSON.stringify(request))))));
      } catch (error) {
        throw new Error(`${error}: ${text(complaint())}`);
      }
      if (answer.error) throw new Error(answer.error);
      return answer;
    },
  };
  if (weights) {
    page.give(readFileSync(weights));
    page.call({ call: "load" });
  }
  return page;
}

// Plays events [[ms, byte, ...], ...] as a page does that is never late, and gives everything that was sent.
export function play(page, settings, events, end) {
  const sent = [];
  let next = null;
  const step = (request, at = request.at) => {
    let reply = page.call(request);
    sent.push(...reply.messages);
    while (reply.works) {
      reply = page.call({ call: "live.work", at });
      sent.push(...reply.messages);
    }
    next = reply.next;
  };
  const reach = at => {
    while (next !== null && next < at) step({ call: "live.advance", at: next });
  };
  step({ call: "live.start", settings }, 0);
  for (const [at, ...bytes] of events) {
    reach(at);
    step({ call: "live.midi", at, bytes });
  }
  reach(end);
  step({ call: "live.stop", at: end });
  return sent;
}
