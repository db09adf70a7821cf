// Playing: hands of every kind, four parts, sound, and what goes wrong.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { launch, modulePath, open, pagePath, ready, weightsPath } from "./browser.mjs";
import { open as openModule, play } from "./module.mjs";

const browser = await launch();
after(() => browser.close());

const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
const notes = messages => messages.map(([, ...bytes]) => bytes).filter(([status]) => (status & 0xe0) === 0x80);

/** Plays a melody on the stand-in's keyboard: what the page was asked, what it and the module alone sent, and its delays. */
async function playMelody() {
  const page = await ready(await open(browser));
  const opened = await page.evaluate(() => performance.getEntriesByName("ready")[0].startTime);
  await page.click("#midi-open");
  await page.selectOption("#midi-out", "d");
  for (const key of [67, 67, 69, 71, 72, 71, 69, 67]) {
    await page.evaluate(pitch => window.midi.key([0x90, pitch, 80]), key);
    await pause(280);
    await page.evaluate(pitch => window.midi.key([0x80, pitch, 0]), key);
    await pause(20);
  }
  await pause(1000);
  const { asked, replies, sent } = await page.evaluate(() => ({ ...window.seen, sent: window.midi.daw.sent }));
  const events = asked.filter(request => request.call === "live.midi").map(({ at, bytes }) => [at, ...bytes]);
  const here = notes(replies.flatMap(reply => reply.messages));
  const config = { clock: "internal", tempo: 80, metre: "4/4" };
  const alone = notes(
    play(await openModule(modulePath, weightsPath), { config, seed: 1 }, events, events.at(-1)[0] + 900),
  );
  const delays = events
    .filter(([, status]) => status === 0x90)
    .map(([at]) => replies.find(reply => reply.at >= at && reply.messages.length).at - at)
    .sort((a, b) => a - b);
  console.log(
    `from the file to the first answers ${opened.toFixed(0)} ms, from a key to its answer:`,
    `p50 ${delays[delays.length >> 1].toFixed(1)} ms, most ${delays.at(-1).toFixed(1)} ms, of ${delays.length}`,
  );
  assert.deepEqual(page.errors, []);
  await page.context().close();
  return { here, alone, sent: sent.filter(([status]) => (status & 0xe0) === 0x80), slowest: delays.at(-1) };
}

/** Milliseconds: a machine that is late by more may let a key go before it knows of the next one. */
const LATE = 40;

test("a melody on a MIDI keyboard is answered with the notes that the module alone gives to the same events, on channels 1 to 4 of the port", async () => {
  let played = await playMelody();
  for (let turn = 0; turn < 1 && played.slowest > LATE; turn += 1) played = await playMelody();
  const { here, alone, sent } = played;
  if (played.slowest <= LATE) assert.deepEqual(here, alone);
  else console.log("this machine is too busy to compare the page with the module alone");
  const parts = new Set(here.map(([status]) => status & 15));
  assert.deepEqual([...parts].sort(), [0, 1, 2, 3]);
  assert.deepEqual(sent, here);
});

test("computer keys play by their places, in any keyboard language, and four parts sound", async () => {
  const page = await ready(await open(browser));
  await page.evaluate(() =>
    document.body.dispatchEvent(new KeyboardEvent("keydown", { code: "KeyA", key: "q", bubbles: true })),
  );
  await page.keyboard.down("KeyG");
  await page.waitForFunction(() =>
    window.seen.replies.some(({ state }) => state && state.sounding[0] === 67 && state.sounding.every(Boolean)),
  );
  await page.waitForFunction(() => window.analyser && window.loudness() > 0.003, null, { timeout: 10_000 });
  const keys = await page.evaluate(() =>
    window.seen.asked.filter(({ call }) => call === "live.midi").map(({ bytes }) => bytes[1]),
  );
  assert.deepEqual(keys.slice(0, 2), [60, 67]);
  assert.ok((await page.textContent("#chord")).length > 0);
  assert.ok((await page.textContent("#latency")).endsWith(" ms"));
  // The soprano still sounds when its part is muted for others; all four muted, nothing does.
  for (const name of ["Soprano", "Alto", "Tenor", "Bass"])
    await page.click(`#live-parts >> role=button[name="Mute ${name}"]`);
  await page.waitForFunction(() => window.loudness() < 0.002, null, { timeout: 15_000 });
  await page.keyboard.up("KeyG");
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("the first key sounds, though nothing moves after it and the organ comes late", async () => {
  const page = await open(browser, {
    init: () => {
      const add = AudioWorklet.prototype.addModule;
      AudioWorklet.prototype.addModule = async function (address) {
        await new Promise(resolve => (window.letOrganCome = resolve));
        return add.call(this, address);
      };
    },
  });
  await ready(page);
  await page.selectOption("#density", { label: "still" });
  await page.keyboard.down("KeyG");
  await page.waitForFunction(() => window.seen.replies.some(({ state }) => state && state.sounding.every(Boolean)));
  await page.evaluate(() => window.letOrganCome());
  await page.waitForFunction(() => window.analyser && window.loudness() > 0.003);
  await page.keyboard.up("KeyG");
  await page.waitForFunction(() => window.loudness() < 0.002);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("a key that is struck before the choir is ready is answered when it is", async () => {
  // As soon as the page's scripts have run: a fast machine has the choir ready before anybody outside can strike a key.
  const init = () =>
    addEventListener("DOMContentLoaded", () => {
      window.readyAtFirst = document.documentElement.dataset.ready;
      document.body.dispatchEvent(new KeyboardEvent("keydown", { code: "KeyG", key: "g", bubbles: true }));
    });
  const page = await open(browser, { init });
  assert.notEqual(await page.evaluate(() => window.readyAtFirst), "play");
  await page.waitForFunction(() => window.seen.replies.some(({ state }) => state && state.sounding.every(Boolean)));
  await page.context().close();
});

test("a finger on the drawn keyboard is answered, and lifting it ends all notes", async () => {
  const page = await ready(await open(browser, { hasTouch: true, isMobile: true, wide: 360, high: 740 }));
  const box = await page.locator('.key[data-pitch="64"]').boundingBox();
  const client = await page.context().newCDPSession(page);
  const touch = (type, points) => client.send("Input.dispatchTouchEvent", { type, touchPoints: points });
  await touch("touchStart", [{ x: box.x + box.width / 2, y: box.y + box.height - 12 }]);
  await page.waitForFunction(() =>
    window.seen.replies.some(({ state }) => state && state.sounding[0] === 64 && state.sounding.every(Boolean)),
  );
  await touch("touchEnd", []);
  await page.waitForFunction(() =>
    window.seen.replies
      .filter(({ state }) => state)
      .at(-1)
      .state.sounding.every(pitch => pitch === null),
  );
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("hold, cadence, freeze, density, key, tempo, metre, click and follow reach the session", async () => {
  const page = await ready(await open(browser));
  await page.keyboard.down("KeyG");
  const on = name =>
    page.waitForFunction(
      wanted =>
        window.seen.replies
          .filter(({ state }) => state)
          .at(-1)
          .state.switches.includes(wanted),
      name,
    );
  await page.click("#hold");
  await on("hold");
  await page.click("#cadence");
  await on("cadence");
  await page.click('#live-parts >> role=button[name*="Freeze Tenor"]');
  await on("freeze-tenor");
  await page.click("#click");
  await on("click");
  await page.selectOption("#density", { label: "on beats" });
  await page.selectOption("#key", "Eb");
  await page.fill("#tempo", "100");
  await page.press("#tempo", "Enter");
  const state = () => page.evaluate(() => window.seen.replies.filter(reply => reply.state).at(-1).state);
  await pause(500);
  const { key, density, tempo } = await state();
  assert.deepEqual({ key, density, tempo }, { key: "Eb major", density: "beats", tempo: 100 });
  await page.focus("#metre");
  await page.selectOption("#metre", "3/4");
  await page.waitForFunction(() => window.seen.replies.filter(({ state }) => state).at(-1).state.metre === "3/4");
  // Chosen by mouse, it lets the computer's keys play on.
  assert.equal(await page.evaluate(() => document.activeElement.id), "");
  await page.selectOption("#time", "follow");
  await page.keyboard.up("KeyG");
  await page.keyboard.press("KeyA", { delay: 300 });
  await page.waitForFunction(() => window.seen.replies.filter(({ state }) => state).at(-1).state.bar === null);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("the answers waiting under the keys are shown on them", async () => {
  const page = await ready(await open(browser));
  await page.check("#show-answers");
  await page.waitForFunction(() => document.querySelector('.key[data-pitch="67"] .answers').childElementCount === 3);
  assert.match(await page.getAttribute('.key[data-pitch="67"]', "aria-label"), /answer/);
  await page.context().close();
});

test("a keyboard that is pulled out lets its keys go, and is heard again when it comes back", async () => {
  const page = await ready(await open(browser));
  await page.click("#midi-open");
  await page.evaluate(() => window.midi.key([0x90, 69, 80]));
  await page.waitForFunction(() => window.seen.replies.some(({ state }) => state && state.sounding[0] === 69));
  await page.evaluate(() => window.midi.plug(false));
  assert.match(await page.textContent("#notices"), /Test keys is gone/);
  await page.waitForFunction(() =>
    window.seen.replies
      .filter(({ state }) => state)
      .at(-1)
      .state.sounding.every(pitch => pitch === null),
  );
  await page.evaluate(() => {
    window.midi.plug(true);
    window.midi.key([0x90, 72, 80]);
  });
  await page.waitForFunction(() => window.seen.replies.filter(({ state }) => state).at(-1).state.sounding[0] === 72);
  await page.context().close();
});

test("no Web MIDI, MIDI denied and no SIMD are said in a sentence with a way on", async () => {
  for (const [midi, sentence] of [
    ["missing", /no Web MIDI.*keys/s],
    ["denied", /not allowed.*again/s],
  ]) {
    const page = await ready(await open(browser, { midi }));
    await page.click("#midi-open");
    assert.match(await page.textContent("#midi-state"), sentence);
    await page.keyboard.down("KeyG");
    await page.waitForFunction(() => window.seen.replies.some(({ state }) => state && state.sounding.every(Boolean)));
    await page.context().close();
  }
  const page = await open(browser, {
    init: () => {
      WebAssembly.validate = () => false;
    },
  });
  assert.match(await page.textContent("#notices"), /no SIMD.*Open the page in/s);
  await page.context().close();
});

test("an organ that does not come, sound that stays paused and a file that is cut short are told in a sentence", async () => {
  const told = async (page, id, sentence) =>
    assert.match(await (await page.waitForSelector(`[data-notice="${id}"]`)).textContent(), sentence);
  const noOrgan = () => {
    AudioWorklet.prototype.addModule = async () => {
      throw new Error("for a test");
    };
  };
  const paused = () => {
    AudioContext.prototype.resume = () => new Promise(() => {});
    const Original = AudioContext;
    window.AudioContext = class extends Original {
      constructor(...all) {
        super(...all);
        this.suspend();
      }
    };
  };
  for (const [init, sentence] of [
    [noOrgan, /gives no sound.*press a key/],
    [paused, /paused.*a click first/],
  ]) {
    const page = await ready(await open(browser, { init }));
    assert.equal(await page.locator(".notice").count(), 0);
    await page.keyboard.press("KeyG");
    await told(page, "sound", sentence);
    await page.context().close();
  }
  const cut = join(mkdtempSync(join(tmpdir(), "page-")), "cut.html");
  writeFileSync(cut, readFileSync(pagePath).subarray(0, -1_000_000));
  const page = await open(browser, { address: pathToFileURL(cut).href });
  await told(page, "live", /could not start.*get it anew/);
  await page.context().close();
});

test("a fault of the module is told, and the choir goes on with another instance", async () => {
  const page = await ready(
    await open(browser, {
      init: () => {
        const Spied = Worker;
        window.Worker = class extends Spied {
          constructor(...all) {
            super(...all);
            window.lastWorker = this;
          }
        };
      },
    }),
  );
  await page.evaluate(() =>
    window.lastWorker.dispatchEvent(
      new MessageEvent("message", { data: { type: "failed", message: "for a test", isDead: true } }),
    ),
  );
  assert.match(await page.textContent("#notices"), /starts anew/);
  await page.keyboard.down("KeyG");
  await page.waitForFunction(() => window.seen.replies.some(({ state }) => state && state.sounding.every(Boolean)));
  await page.context().close();
});

test("it plays at the screen's rate, forgets what has scrolled away, and rests when nothing sounds", async () => {
  const page = await ready(await open(browser));
  const client = await page.context().newCDPSession(page);
  const heap = async () => {
    await client.send("HeapProfiler.collectGarbage");
    return (await client.send("Runtime.getHeapUsage")).usedSize;
  };
  const processes = await browser.newBrowserCDPSession();
  /** Of all renderers, with the module's instances in workers and worklet; megabytes. */
  const resident = async () => {
    const { processInfo } = await processes.send("SystemInfo.getProcessInfo");
    return processInfo
      .filter(({ type }) => type === "renderer")
      .map(({ id }) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, "utf8"))[1]) / 1000)
      .reduce((sum, one) => sum + one, 0);
  };
  const seconds = Number(process.env.MINUTES || 0.12) * 60;
  const frames = () =>
    page.evaluate(
      () =>
        new Promise(resolve => {
          let count = 0;
          const begun = performance.now();
          const frame = () => {
            count += 1;
            if (performance.now() - begun > 2000) resolve(count / 2);
            else requestAnimationFrame(frame);
          };
          requestAnimationFrame(frame);
        }),
    );
  const tune = ["KeyG", "KeyH", "KeyJ", "KeyK", "KeyJ", "KeyH"];
  const perform = async until => {
    for (let index = 0; performance.now() < until; index += 1) {
      await page.keyboard.press(tune[index % tune.length], { delay: 110 });
      await page.evaluate(() => {
        window.seen.replies.splice(0, window.seen.replies.length - 5);
        window.seen.asked.length = 0;
      });
    }
  };
  await perform(performance.now() + 2500);
  const early = await heap(),
    residentEarly = await resident();
  const playing = perform(performance.now() + 1000 * seconds);
  const rate = await frames();
  await playing;
  const late = await heap(),
    residentLate = await resident();
  console.log(
    `resident ${residentEarly.toFixed(0)} MB, then ${residentLate.toFixed(0)} MB`,
    `${rate.toFixed(0)} frames a second while playing; heap ${(early / 1e6).toFixed(1)} MB, after ${(seconds / 60).toFixed(1)} minutes ${(late / 1e6).toFixed(1)} MB`,
  );
  assert.ok(rate > 1, `${rate} frames a second`);
  assert.ok(late - early < 4e6, `${early} bytes, then ${late}`);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
