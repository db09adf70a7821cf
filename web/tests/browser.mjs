// The page in Chromium, with stand-ins for what a test machine lacks. DIST names the folder of the built page, CHROMIUM the browser.
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const dist = process.env.DIST || fileURLToPath(new URL("../dist", import.meta.url));
export const pagePath = join(dist, "chorale.html");
export const modulePath = join(dist, "site", "chorale.wasm");
export const weightsPath = fileURLToPath(new URL("../../models/wavenet.onnx", import.meta.url));

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--enable-precise-memory-info"],
  });
}

/** Keeps what the page says to its workers and hears from them, and its analyser. */
function spy() {
  window.seen = { asked: [], replies: [], requests: [] };
  const Original = Worker;
  window.Worker = class extends Original {
    constructor(...all) {
      super(...all);
      this.addEventListener("message", ({ data }) => {
        if (data.type === "reply")
          window.seen.replies.push({ at: data.at, messages: data.messages, state: data.state });
      });
    }
    postMessage(message, transferred) {
      if (message.type === "request") window.seen.asked.push(message.request);
      else if (message.request) window.seen.requests.push(message.request);
      super.postMessage(message, transferred);
    }
  };
  const create = BaseAudioContext.prototype.createAnalyser;
  BaseAudioContext.prototype.createAnalyser = function () {
    return (window.analyser = create.call(this));
  };
  window.loudness = () => {
    const samples = new Float32Array(window.analyser.fftSize);
    window.analyser.getFloatTimeDomainData(samples);
    return Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
  };
}

/** A keyboard and a DAW's port, which can be pulled out. */
function standInMidi() {
  const port = (type, id, name) => ({
    type,
    id,
    name,
    state: "connected",
    onmidimessage: null,
    sent: [],
    send(bytes) {
      this.sent.push([...bytes]);
    },
  });
  const keyboard = port("input", "k", "Test keys"),
    daw = port("output", "d", "Test DAW");
  const access = { inputs: new Map([["k", keyboard]]), outputs: new Map([["d", daw]]), onstatechange: null };
  window.midi = {
    keyboard,
    daw,
    key: bytes =>
      keyboard.onmidimessage && keyboard.onmidimessage({ data: new Uint8Array(bytes), timeStamp: performance.now() }),
    plug(isIn) {
      keyboard.state = isIn ? "connected" : "disconnected";
      if (isIn) access.inputs.set("k", keyboard);
      else access.inputs.delete("k");
      access.onstatechange();
    },
  };
  navigator.requestMIDIAccess = async () => access;
}

/**
 * A page that is ready. `midi`: "stand-in", "denied" or "missing".
 * @returns {Promise<import("playwright-core").Page & {errors: string[]}>}
 */
export async function open(
  browser,
  { midi = "stand-in", address = pathToFileURL(pagePath).href, init, wide = 1280, high = 800, ...context } = {},
) {
  const page = await (await browser.newContext({ viewport: { width: wide, height: high }, ...context })).newPage();
  page.errors = [];
  page.on("pageerror", error => page.errors.push(error.message));
  page.on("request", request => {
    if (!/^(file|data|blob|http:\/\/localhost)/.test(request.url())) page.errors.push(`asked for ${request.url()}`);
  });
  await page.addInitScript(spy);
  if (midi === "stand-in") await page.addInitScript(standInMidi);
  if (midi === "missing")
    await page.addInitScript(() => {
      delete Navigator.prototype.requestMIDIAccess;
    });
  if (midi === "denied")
    await page.addInitScript(() => {
      navigator.requestMIDIAccess = async () => {
        throw new DOMException("no", "NotAllowedError");
      };
    });
  if (init) await page.addInitScript(init);
  await page.goto(address);
  return page;
}

export async function ready(page) {
  await page.waitForFunction(() => document.documentElement.dataset.ready === "play", null, { timeout: 30_000 });
  return page;
}

/** A server of the site on this machine. */
export async function serve() {
  const types = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
  };
  const server = createServer(async ({ url }, response) => {
    const name = new URL(url, "http://x").pathname.replace(/\/$/, "/index.html");
    try {
      const bytes = await readFile(join(dist, "site", name));
      response.writeHead(200, { "content-type": types[extname(name)] || "application/octet-stream" }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise(resolve => server.listen(0, "localhost", resolve));
  return { address: `http://localhost:${server.address().port}/`, close: () => server.close() };
}

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** SHOTS names a folder for pictures to be looked at. */
export async function picture(page, name) {
  if (!process.env.SHOTS) return;
  mkdirSync(process.env.SHOTS, { recursive: true });
  await page.screenshot({ path: `${process.env.SHOTS}/${name}.png`, fullPage: true });
}

/** What axe finds, in one line each. */
export async function faults(page) {
  if (!(await page.evaluate(() => "axe" in window))) await page.addScriptTag({ path: axe });
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }),
  );
  return violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .slice(0, 3)
        .map(node => node.target.join(" "))
        .join(", ")}`,
  );
}
