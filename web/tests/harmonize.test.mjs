// Harmonizing: files, tunes, selections, single notes, and what is saved.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { faults, launch, open, picture, ready } from "./browser.mjs";

const browser = await launch();
after(() => browser.close());

/** One page for all tests, as somebody uses it who tries everything; empty again for each. */
let shared = null;
async function studio() {
  shared = shared || ready(await open(browser));
  const page = await shared;
  await page.evaluate(() => {
    document.getElementById("result").hidden = true;
    document.getElementById("notices").replaceChildren();
  });
  await page.click("#tab-harmonize");
  return page;
}

/** Waits until the busy line is empty again. */
const done = page =>
  page.waitForFunction(
    () => !document.getElementById("busy").textContent && !document.getElementById("result").hidden,
    null,
    { timeout: 60_000 },
  );
const heads = page => page.locator("#staves .note").count();

/** Notes of the score as drawn: part, number of its kind. */
const rollNotes = page =>
  page.evaluate(() =>
    [...document.querySelectorAll("#roll .note")].map(one =>
      [one.dataset.hint, one.getAttribute("x"), one.getAttribute("width")].join(),
    ),
  );

const melody = readFileSync(new URL("../../demo/melody.mid", import.meta.url));

async function drop(page, files, place = "#harmonize") {
  const data = await page.evaluateHandle(
    all => {
      const transfer = new DataTransfer();
      for (const [name, bytes] of all) transfer.items.add(new File([new Uint8Array(bytes)], name));
      return transfer;
    },
    Object.entries(files).map(([name, bytes]) => [name, [...bytes]]),
  );
  await page.dispatchEvent(place, "drop", { dataTransfer: data });
}

test("a dropped file is harmonized in four parts, engraved and drawn; a damaged one is told in a sentence", async () => {
  const page = await studio();
  await drop(page, { "melody.mid": melody });
  await done(page);
  for (let part = 0; part < 4; part += 1) assert.ok((await page.locator(`#roll rect.note.part${part}`).count()) > 4);
  assert.ok((await heads(page)) > 40);
  await drop(page, { "broken.mid": melody.subarray(0, 30) });
  await page.waitForSelector(".notice");
  assert.match(
    await page.textContent("#notices"),
    /^broken\.mid could not be read: (?!broken).+\. Choose another file/,
  );
  assert.deepEqual(page.errors, []);
});

test("a file dropped on the other screen is opened too, of many the first; what is too large or no file is told", async () => {
  const page = await studio();
  await page.click("#tab-play");
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`tune${index}.mid`, melody]));
  await drop(page, many, "#live-roll");
  await done(page);
  assert.ok(await page.isVisible("#harmonize"));
  assert.match(await page.textContent('[data-notice="several"]'), /tune0\.mid was opened, the other 99 were not/);
  await drop(page, { "long.mid": new Uint8Array(0) });
  await page.waitForSelector('[data-notice="studio"]');
  assert.match(await page.textContent('[data-notice="studio"]'), /long\.mid could not be read/);
  const dropOdd = (name, size) =>
    page.evaluate(
      ([fileName, bytes]) => {
        const arrayBuffer = async () => {
          throw new DOMException("", "NotReadableError");
        };
        const files = [{ name: fileName, size: bytes, arrayBuffer }];
        const event = new Event("drop", { bubbles: true });
        document.body.dispatchEvent(Object.assign(event, { dataTransfer: { files } }));
      },
      [name, size],
    );
  for (const [name, size, told] of [
    ["large.mid", 3e7, "large.mid is larger"],
    ["folder", 0, "folder could not be read"],
  ]) {
    await dropOdd(name, size);
    await page.waitForFunction(text => document.getElementById("notices").textContent.includes(text), told);
  }
  assert.deepEqual(page.errors, []);
});

test("what takes too long is cancelled, and the next tune is harmonized", async () => {
  const page = await studio();
  const bars = "G A B c | d B G A |".repeat(700);
  await drop(page, { "long.abc": Buffer.from(`X:1\nT:Long\nM:4/4\nL:1/4\nK:G\n${bars}]\n`) });
  await page.click("#cancel");
  await page.waitForFunction(() => !document.getElementById("busy").textContent);
  assert.ok(!(await page.isVisible("#result")));
  assert.equal(await page.locator(".notice").count(), 0);
  await page.click("#tunes button:nth-child(4)");
  await done(page);
  assert.ok((await heads(page)) > 40);
  assert.deepEqual(page.errors, []);
});

test("a tune is played with its head moving; Space, arrows and Home play and seek; others can be looked at", async () => {
  const page = await studio();
  await page.click("#tunes button:nth-child(4)");
  await done(page);
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("Space");
  await page.waitForFunction(
    () => window.analyser && window.loudness() > 0.003 && document.querySelector("#staves .sounds"),
    null,
    { timeout: 10_000 },
  );
  await page.keyboard.press("Space");
  assert.equal(await page.textContent("#piece-play"), "Play");
  const head = async () => Number(await page.getAttribute("#head", "x1"));
  await page.keyboard.press("Home");
  const first = await head();
  await page.keyboard.press("ArrowRight");
  assert.ok((await head()) > first);
  const one = await rollNotes(page);
  await page.click("#more");
  await done(page);
  assert.match(await page.textContent("#alternative"), /of 4/);
  assert.notDeepEqual(await rollNotes(page), one);
  assert.deepEqual(page.errors, []);
});

test("only the selected bars and parts are harmonized again, and it can be taken back", async () => {
  const page = await studio();
  await page.click("#tunes button:nth-child(4)");
  await done(page);
  const quarter = 36;
  const before = await rollNotes(page);
  await page.focus("#staves");
  for (let press = 0; press < 3; press += 1) await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Shift+ArrowRight");
  assert.match(await page.textContent("#selected"), /Bars 2 to 3, alto, tenor, bass/);
  assert.equal((await page.locator(".chosen-bars").count()) > 0, true);
  let after = before;
  for (let turn = 0; turn < 4 && after.join() === before.join(); turn += 1) {
    await page.click("#again");
    await done(page);
    after = await rollNotes(page);
  }
  // An upbeat of a quarter and bar 1 come before, then eight quarters may change.
  const from = 40 + 5 * quarter - 1,
    to = 40 + 13 * quarter - 1;
  const outside = notes =>
    notes
      .filter(note => {
        const [, x, width] = note.split(",").map(Number);
        return x + width < from || x > to;
      })
      .sort();
  assert.notDeepEqual(after, before);
  assert.deepEqual(outside(after), outside(before));
  assert.deepEqual(
    after.filter(note => note.startsWith("Soprano")),
    before.filter(note => note.startsWith("Soprano")),
  );
  while (await page.isVisible("#undo")) {
    await page.click("#undo");
    await done(page);
  }
  assert.deepEqual(await rollNotes(page), before);
  assert.deepEqual(page.errors, []);
});

test("a single note is fixed, and stays as it was set", async () => {
  const page = await studio();
  await page.click("#tunes button:nth-child(4)");
  await done(page);
  const note = page.locator("#staves .note.part1 .touch").nth(4);
  await note.click();
  assert.match(await page.textContent("#note-name"), /^Alto, /);
  const options = await page.locator("#fix-pitch option").evaluateAll(all => all.map(one => Number(one.value)));
  const was = Number(await page.inputValue("#fix-pitch"));
  const wanted = options.find(pitch => pitch === was - 2) ?? options[0];
  await page.selectOption("#fix-pitch", String(wanted));
  await page.click("#fix");
  await done(page);
  assert.equal(await page.locator(".notice").count(), 0, await page.textContent("#notices"));
  assert.equal(Number(await page.inputValue("#fix-pitch")), wanted);
  assert.deepEqual(page.errors, []);
});

test("a typed tune and a new chorale come out in four parts", async () => {
  const page = await studio();
  await page.click("#write-open");
  await page.fill("#writer-notes", "G A B c | d2 B2 | c B A ^F | G4");
  const { x, y, height } = await page.locator("#writer-grid").boundingBox();
  await page.mouse.click(x + 34 + 16.4 * 34, y + height * 0.4);
  assert.match(await page.inputValue("#writer-notes"), /G4 \|/);
  await page.click("#writer-go");
  await done(page);
  assert.equal(await page.textContent("#piece-title"), "My tune");
  await page.click("#new-chorale");
  await page.waitForFunction(() => document.getElementById("piece-title").textContent !== "My tune", null, {
    timeout: 60_000,
  });
  await done(page);
  assert.ok((await heads(page)) > 100);
  assert.deepEqual(page.errors, []);
});

test("what is saved is MusicXML, MIDI, WAV, SVG and HTML", async () => {
  const page = await studio();
  await page.click("#tunes button:nth-child(1)");
  await done(page);
  const folder = mkdtempSync(join(tmpdir(), "page-"));
  const begins = {
    musicxml: /^<\?xml[^]*<score-partwise/,
    mid: /^MThd/,
    wav: /^RIFF/,
    svg: /^<svg/,
    html: /^<!DOCTYPE html>/,
  };
  for (const [format, expected] of Object.entries(begins)) {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.click(`#downloads [data-format="${format}"]`),
    ]);
    const path = join(folder, download.suggestedFilename());
    await download.saveAs(path);
    assert.match(readFileSync(path, "latin1").slice(0, 2000), expected, format);
    if (format === "musicxml") await validate(page, path);
  }
  assert.deepEqual(page.errors, []);
});

test("the page that is saved plays by itself: Space and arrows, mute at once, by keyboard alone, in light and dark", async () => {
  const page = await studio();
  await page.click("#tunes button:nth-child(4)");
  await done(page);
  const [download] = await Promise.all([page.waitForEvent("download"), page.click('#downloads [data-format="html"]')]);
  const path = join(mkdtempSync(join(tmpdir(), "page-")), "saved.html");
  await download.saveAs(path);
  const saved = await open(browser, { address: `file://${path}` });
  const head = async () => Number(await saved.getAttribute("#head", "x1"));
  const first = await head();
  await saved.keyboard.press("Space");
  await saved.waitForFunction(() => document.querySelector("#staves .sounds"));
  await saved.waitForFunction(x => Number(document.getElementById("head").getAttribute("x1")) > x, first);
  // Notes that were handed over already are muted with their part.
  await saved.uncheck("#parts input >> nth=1");
  await saved.waitForFunction(() => pipes.parts[1].gain.value < 0.01 && pipes.parts[0].gain.value === 1);
  await saved.evaluate(() => document.activeElement.blur());
  await saved.keyboard.press("Space");
  const stopped = await head();
  await saved.keyboard.press("ArrowRight");
  assert.ok((await head()) > stopped);
  await saved.keyboard.press("Home");
  assert.equal(await head(), first);
  for (const colorScheme of ["light", "dark"]) {
    await saved.emulateMedia({ colorScheme });
    assert.deepEqual(await faults(saved), []);
    await picture(saved, `saved-${colorScheme}`);
  }
  assert.deepEqual(saved.errors, []);
  await saved.context().close();
});

/** Well-formed here; by its schema too where PYTHON has it (as `make pages` prepares). */
async function validate(page, path) {
  const text = readFileSync(path, "utf8");
  assert.equal(
    await page.evaluate(
      xml => new DOMParser().parseFromString(xml, "text/xml").querySelectorAll("parsererror").length,
      text,
    ),
    0,
  );
  if (!process.env.PYTHON) return;
  execFileSync(process.env.PYTHON, [
    "-c",
    `
import pathlib, sys, musicxml, xmlschema
schemas = pathlib.Path(xmlschema.__file__).parent / 'schemas'
text = next(pathlib.Path(musicxml.__file__).parent.rglob('musicxml_4_0.xsd')).read_text()
for name, path in [('xml', next(schemas.rglob('xml.xsd'))), ('xlink', next(schemas.rglob('xlink.xsd')))]:
    text = text.replace(f'http://www.musicxml.org/xsd/{name}.xsd', path.as_uri())
xmlschema.XMLSchema(text).validate(sys.argv[1])`,
    path,
  ]);
}
