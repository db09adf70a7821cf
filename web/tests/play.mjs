// node play.mjs MODULE WEIGHTS < [{"settings", "events", "end"}, ...]: plays them, and writes what was sent.
import { readFileSync } from "node:fs";
import { open, play } from "./module.mjs";

const [module, weights] = process.argv.slice(2);
const pieces = JSON.parse(readFileSync(0, "utf8"));
const page = await open(module, weights);
process.stdout.write(JSON.stringify(pieces.map(({ settings, events, end }) => play(page, settings, events, end))));
