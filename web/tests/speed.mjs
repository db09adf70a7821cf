// node speed.mjs MODULE WEIGHTS: milliseconds to start, to answer a key and to work a table out.
import { open } from "./module.mjs";

const [module, weights] = process.argv.slice(2);
const begun = performance.now();
const page = await open(module, weights);
const settings = { config: { clock: "strict", tempo: 80 } };
page.call({ call: "live.start", settings });
const started = performance.now() - begun;
const figures = { answer: [], table: [] };
const timed = (figure, request) => {
  const before = performance.now();
  const reply = page.call(request);
  figures[figure].push(performance.now() - before);
  return reply;
};
const scale = [60, 62, 64, 65, 67, 69, 71, 72, 74, 72, 71, 69, 67, 65, 64, 62];
const BEAT = 750;
for (let beat = 0; beat < 400; beat++) {
  const at = beat * BEAT,
    key = scale[beat % scale.length];
  timed("answer", { call: "live.midi", at, bytes: [0x90, key, 80] });
  timed("table", { call: "live.work", at });
  let reply = page.call({ call: "live.midi", at: at + 700, bytes: [0x80, key, 0] });
  if (reply.works) reply = page.call({ call: "live.work", at: at + 700 });
}
const quantile = (values, share) => values.sort((a, b) => a - b)[Math.floor(share * (values.length - 1))].toFixed(3);
console.log(`start ${started.toFixed(0)} ms`);
for (const [name, values] of Object.entries(figures)) {
  console.log(
    `${name} p50 ${quantile(values, 0.5)} ms, p99 ${quantile(values, 0.99)} ms, most ${quantile(values, 1)} ms`,
  );
}
