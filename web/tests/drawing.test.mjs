// What is engraved and written, without a browser.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createContext, runInContext } from "node:vm";

const read = name => readFileSync(new URL(name, import.meta.url), "utf8");
const shared = ["glyphs", "notation", "spacing", "staves", "roll", "player"].map(name =>
  read(`../../crates/engraving/src/page/${name}.js`),
);
const page = createContext({ keyName: String });
runInContext(
  [
    ...shared,
    read("../page/texts.js"),
    read("../page/music.js"),
    read("../page/writer.js"),
    "globalThis.all = { LiveMusic, signsOfBar, alteredLines, writtenValues, engrave, drawRoll, widthOfText, abcOfNotes, notesOfAbc, secondsAt, quarterAt, fifthsOf };",
  ]
    .join("\n")
    .replaceAll('"use strict";', ""),
  page,
);
const {
  LiveMusic,
  signsOfBar,
  alteredLines,
  writtenValues,
  engrave,
  drawRoll,
  widthOfText,
  abcOfNotes,
  notesOfAbc,
  secondsAt,
  quarterAt,
  fifthsOf,
} = page.all;
/** Of this realm, to be compared. */
const plain = value => JSON.parse(JSON.stringify(value));

const bar = (start, end, fifths = 0, metre = [4, 4], number = 1) => ({ number, start, end, metre, fifths });
const note = (part, start, end, name) => ({ part, start, end, pitch: 60, name });
const signs = (one, notes, parts = [0]) =>
  plain(
    signsOfBar(
      one,
      parts,
      notes.map((each, index) => ({ note: each, index })),
    ),
  );

test("values leave the beats to be seen", () => {
  const lengths = (start, end, one = bar(0, 4)) =>
    plain(writtenValues(start, end, one)).map(piece => piece.end - piece.start);
  assert.deepEqual(lengths(0, 4), [4]);
  assert.deepEqual(lengths(0.5, 1.5), [1]);
  assert.deepEqual(lengths(0.75, 2), [0.25, 1]);
  assert.deepEqual(lengths(1, 4), [3]);
  assert.deepEqual(lengths(0, 2.5), [2, 0.5]);
  assert.deepEqual(lengths(0, 3, bar(0, 3, 0, [6, 8])), [3]);
  // An upbeat of an eighth before a bar of four quarters lies off the beat.
  assert.deepEqual(lengths(0, 0.5, bar(0, 0.5, 0, [4, 4], 0)), [0.5]);
});

test("a note over the bar line is tied, and an accidental holds for the rest of its bar", () => {
  const notes = [note(0, 0, 1, "F#4"), note(0, 1, 2, "F#4"), note(0, 2, 3, "F4"), note(0, 3, 5, "G4")];
  const first = signs(bar(0, 4), notes);
  assert.deepEqual(
    first.map(sign => sign.accidental),
    ["sharp", "", "natural", ""],
  );
  assert.equal(first.at(-1).isTied, true);
  assert.deepEqual(
    signs(bar(0, 4, 1), notes).map(sign => sign.accidental),
    ["", "", "natural", ""],
  );
  const second = signs(bar(4, 8), notes);
  assert.deepEqual([second[0].note, second[0].isTied, second[1].note], [3, false, -1]);
});

/** A case of accidentals.txt: its staff with the signs that we print. */
function withAccidentals(staff) {
  const [key, ...rest] = staff.split(" ");
  const keys = key.split(",").map(Number);
  const nameOf = word => word.replace(/^.:/, "").replace("~", "");
  const voices = rest.join(" ").split(" / ");
  const words = voices.map(voice => voice.split(" ").filter(word => word !== "|"));
  const notes = [];
  words.forEach((voice, part) =>
    voice.forEach((word, index) => {
      if (index && voice[index - 1].endsWith("~")) notes.at(-1).end = index + 1;
      else if (word.replace(/^.:/, "") !== "r") notes.push(note(part, index, index + 1, nameOf(word)));
    }),
  );
  const placed = notes.map((each, index) => ({ note: each, index }));
  const parts = words.map((_, part) => part);
  const printed = new Map();
  let altered = new Map();
  for (let start = 0; start < words[0].length; start += 2) {
    const one = bar(start, start + 2, keys[Math.min(start / 2, keys.length - 1)], [2, 4]);
    const all = signsOfBar(one, parts, placed, altered);
    altered = alteredLines(one, all);
    for (const sign of all) printed.set(`${sign.part} ${sign.start}`, sign.accidental);
  }
  const short = { "": "", undefined: "", natural: "n:", sharp: "#:", flat: "b:" };
  const drawn = voices.map((voice, part) => {
    let index = -1;
    const word = one => {
      if (one === "|") return one;
      index += 1;
      return short[printed.get(`${part} ${index}`)] + one.replace(/^.:/, "");
    };
    return voice.split(" ").map(word).join(" ");
  });
  return `${key} ${drawn.join(" / ")}`;
}

test("accidentals and reminders are drawn where scores have them", () => {
  const text = read("../../crates/files/src/notation/accidentals.txt");
  const cases = text.split("\n").filter(line => line && !line.startsWith("#"));
  assert.ok(cases.length > 10);
  for (const one of cases) {
    const [what, staff] = one.split(/: (.*)/s);
    assert.equal(withAccidentals(staff), staff, what);
  }
});

test("a reminder is drawn in the next bar, with room before it", () => {
  const bars = [bar(0, 2, 0, [2, 4]), bar(2, 4, 0, [2, 4], 2)];
  const drawn = last => {
    const notes = [note(0, 0, 2, "F#4"), note(0, 2, 4, last)];
    return engrave(
      { parts: ["S"], notes, bars, chords: [], marks: [], words: [], clock: [] },
      { width: 600, isOneLine: true },
    );
  };
  const [reminded, plainly] = ["F4", "G4"].map(drawn);
  const glyphs = ({ svg }) =>
    [...svg.matchAll(/<g class="note part0"[^>]*>(.*?)<\/g>/g)].map(([, one]) => one.split("<path tr").length - 1);
  assert.deepEqual(glyphs(reminded), [2, 2]);
  assert.deepEqual(glyphs(plainly), [2, 1]);
  assert.ok(reminded.width > plainly.width);
});

test("an accidental stands before both heads of a second", () => {
  const notes = [note(0, 0, 4, "B4"), note(1, 0, 4, "Ab4")];
  const piece = { parts: ["S", "A"], notes, bars: [bar(0, 4)], chords: [], marks: [], words: [], clock: [] };
  const { svg } = engrave(piece, { width: 600 });
  const groups = [...svg.matchAll(/<g class="note part\d"[^>]*>(.*?)<\/g>/g)];
  const places = groups.map(([, one]) => [...one.matchAll(/translate\((\S+)/g)].map(([, x]) => Number(x)));
  const [[upper], [lower, flat]] = places;
  assert.ok(flat < upper - 7.5 && upper < lower, `a staff space apart: ${places}`);
});

test("eighths of one beat share a beam, and those of another have their own", () => {
  const notes = [0, 0.5, 1, 1.5].map(start => note(0, start, start + 0.5, "C5"));
  assert.deepEqual(
    signs(bar(0, 2, 0, [2, 4]), notes).map(sign => sign.beam),
    [0, 0, 1, 1],
  );
});

test("three in the time of two are written as triplets, with a bracket where no beam joins them, and nothing else is", () => {
  const values = notes => signs(bar(0, 4), notes).map(({ start, value, triplet }) => [start, value.quarters, triplet]);
  const third = 1 / 3;
  const eighths = [0, third, 2 * third].map(start => note(0, start, start + third, "C5"));
  assert.deepEqual(values([...eighths, note(0, 1, 4, "C5")]), [
    [0, 0.5, 0],
    [third, 0.5, 0],
    [2 * third, 0.5, 0],
    [1, 3, -1],
  ]);
  const quarterAndEighth = [note(0, 0, 2 * third, "C5"), note(0, 2 * third, 1, "C5"), note(0, 1, 4, "C5")];
  assert.deepEqual(
    values(quarterAndEighth).map(([, quarters]) => quarters),
    [1, 0.5, 3],
  );
  const inAHalf = [0, 1, 2].map(place => note(0, 2 + (place * 2) / 3, 2 + ((place + 1) * 2) / 3, "C5"));
  assert.deepEqual(
    values([note(0, 0, 2, "C5"), ...inAHalf]).map(([, quarters, triplet]) => [quarters, triplet]),
    [
      [2, -1],
      [1, 2],
      [1, 2],
      [1, 2],
    ],
  );
  const quavers = [0, 0.25, 0.5, 0.75].map(start => note(0, start, start + 0.25, "C5"));
  assert.ok(signs(bar(0, 4), quavers).every(sign => sign.triplet === -1));
  const drawn = (notes, metre) => {
    const one = { parts: ["S"], notes, bars: [bar(0, 4, 0, metre)], chords: [], marks: [], words: [], clock: [] };
    const { svg } = engrave(one, { width: 600 });
    const [, triplet] = /<g class="triplet part0">(.*?)<\/g>/.exec(svg) || [];
    return triplet && [...triplet.matchAll(/<path/g)].length;
  };
  assert.equal(drawn([...eighths, note(0, 1, 4, "C5")]), 0);
  assert.equal(drawn(quarterAndEighth), 4);
  assert.equal(drawn(quavers), undefined);
});

test("the rest of a thirty-second has one hook more than a sixteenth's", () => {
  const paths = end => {
    const notes = [note(0, 0, 3 - end, "C5"), note(0, 3, 4, "C5")];
    const piece = { parts: ["S"], notes, bars: [bar(0, 4)], chords: [], marks: [], words: [], clock: [] };
    const [, rest] = /<g class="rest part0">(.*?)<\/g>/.exec(engrave(piece, { width: 600 }).svg);
    return rest.split("<path").length - 1;
  };
  assert.deepEqual([1 / 4, 1 / 8].map(paths), [1, 2]);
});

test("a note that is played off the grid is written on it, with its syllable", () => {
  const played = { ...note(0, 0.03, 0.9, "C5"), written: [0, 1] };
  assert.deepEqual(
    signs(bar(0, 4), [played]).map(({ start, end, note: index }) => [start, end, index]),
    [
      [0, 1, 0],
      [1, 4, -1],
    ],
  );
  const piece = { parts: ["S"], notes: [played], bars: [bar(0, 4)], chords: [], marks: [], clock: [] };
  const { systems } = engrave({ ...piece, words: [[[0.03, "la"]]] }, { width: 600 });
  assert.deepEqual(
    plain(systems[0].points).map(([quarter]) => quarter),
    [0, 1, 4],
  );
});

test("every piece is drawn at numbers, at any width, bars in order", () => {
  let seed = 7;
  const random = below => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  const names = ["C", "D", "E", "F", "G", "A", "B"].flatMap(letter => [letter, `${letter}#`, `${letter}b`]);
  for (let turn = 0; turn < 20; turn += 1) {
    const beats = 2 + random(5),
      bars = 1 + random(9),
      upbeat = random(2) * 0.5;
    const all = Array.from({ length: bars }, (_, index) =>
      bar(index * beats + upbeat, (index + 1) * beats + upbeat, random(13) - 6, [beats, 4], index + 1),
    );
    if (upbeat) all.unshift(bar(0, upbeat, 0, [beats, 4], 0));
    const notes = [0, 1, 2, 3].flatMap(part => {
      const own = [];
      for (let at = random(4) / 4; at < bars * beats; at += (1 + random(9)) / 4)
        own.push(note(part, at, at + (1 + random(12)) / 4, `${names[random(21)]}${5 - part}`));
      return own;
    });
    const piece = {
      title: "",
      key: "",
      parts: ["S", "A", "T", "B"],
      notes,
      bars: all,
      chords: [{ start: 0, end: 1, symbol: "C", numeral: "I", key: "C" }],
      marks: [{ start: 1, text: "x" }],
      words: [[[0, "la"]]],
      clock: [
        [0, 0],
        [8, 4],
      ],
    };
    for (const width of [260, 700, 1900]) {
      const drawn = engrave(piece, { width });
      assert.ok(!/NaN|undefined|Infinity/.test(drawn.svg), `turn ${turn}`);
      const found = plain(drawn.systems.flatMap(system => system.bars.map(one => one.index)));
      assert.deepEqual(
        found,
        all.map((_, index) => index),
      );
    }
    assert.ok(!/NaN|undefined|Infinity/.test(drawRoll(piece).svg));
  }
});

test("names of chords stand apart in a roll or are left out, and words at the beginning of a bar stand behind its line", () => {
  const chord = (start, end, symbol) => ({ start, end, symbol, numeral: "I" });
  const piece = {
    parts: ["Soprano"],
    bars: [bar(0, 4), bar(4, 8, 0, [4, 4], 2)],
    notes: [0, 1, 2, 3, 4, 5, 6, 7].map(start => note(0, start, start + 1, "C5")),
    chords: [chord(0, 1, "Bm/D"), chord(1, 2, "Dm/F"), chord(2, 2.5, "F#m7b5/A"), chord(2.5, 3, "G"), chord(3, 8, "C")],
    marks: [],
    words: [[[4, "strengths"]]],
    clock: [
      [0, 0],
      [8, 8],
    ],
  };
  const texts = /<text class="symbol" x="([\d.]+)" y="\d+" font-size="([\d.]+)">([^<]+)</g;
  const symbols = [...drawRoll(piece).svg.matchAll(texts)].map(([, x, size, text]) => [Number(x), Number(size), text]);
  assert.deepEqual(
    symbols.map(([, , text]) => text),
    ["Bm/D", "Dm/F", "G", "C"],
  );
  for (const [index, [x, size, text]] of symbols.slice(0, -1).entries())
    assert.ok(x + size * widthOfText(text) + 4 <= symbols[index + 1][0], `${text} runs into the next`);
  const { svg, systems } = engrave(piece, { width: 600, space: 7.5 });
  const [, middle, size] = /class="words" x="([\d.]+)" y="[\d.]+" font-size="([\d.]+)">strengths/.exec(svg);
  const line = systems[0].bars[1].left;
  assert.ok(Number(middle) - 0.27 * Number(size) * "strengths".length > line, `${middle} at the line ${line}`);
});

test("what is played in 6/8 is written in dotted quarters and eighths, in bars of six", () => {
  const music = new LiveMusic();
  const hear = (sixteenth, pitch) => {
    const position = 4 * Math.floor(sixteenth / 6) + { 0: 0, 2: 2, 4: 3 }[sixteenth % 6];
    const state = { sounding: [pitch, null, null, null], names: ["C5"], metre: "6/8", fifths: 0, position, sixteenth };
    const messages = pitch ? [[0, 0x90, pitch, 80]] : [];
    music.hear({ at: sixteenth * 100, messages, state: { ...state, step: position % 4, beat: 1 } });
  };
  [0, 6, 8, 10].forEach((sixteenth, index) => hear(sixteenth, 72 + index));
  hear(12, null);
  const piece = plain(music.piece(2));
  assert.deepEqual(
    piece.bars.map(({ start, end, metre }) => [start, end, ...metre]),
    [
      [0, 3, 6, 8],
      [3, 6, 6, 8],
    ],
  );
  const notes = piece.notes.map((one, index) => ({ note: one, index }));
  assert.deepEqual(
    plain(signsOfBar(piece.bars[0], [0], notes)).map(({ start, value, beam }) => [start, value.quarters, beam]),
    [
      [0, 1.5, -1],
      [1.5, 0.5, 0],
      [2, 0.5, 0],
      [2.5, 0.5, 0],
    ],
  );
});

test("time goes by the tempo between its changes, and back", () => {
  const clock = [
    [0, 0],
    [4, 4],
    [8, 6],
  ];
  assert.deepEqual(
    [0, 2, 4, 6, 8, 10].map(quarter => secondsAt(clock, quarter)),
    [0, 2, 4, 5, 6, 7],
  );
  for (const quarter of [0, 1, 4.5, 7.9, 9])
    assert.ok(Math.abs(quarterAt(clock, secondsAt(clock, quarter)) - quarter) < 1e-9);
});

test("a tune that is drawn is the same when its text is read, in every key", () => {
  assert.deepEqual(["C", "G", "f#", "bb", "Db", "e"].map(fifthsOf), [0, 1, 3, -5, -5, 1]);
  for (let fifths = -6; fifths <= 6; fifths += 1) {
    const notes = Array.from({ length: 48 }, (_, index) => ({
      pitch: index % 11 === 10 ? 0 : 58 + ((index * 7) % 24),
      quarters: [1, 0.5, 1.5, 2, 3, 4][index % 6],
    }));
    assert.deepEqual(plain(notesOfAbc(abcOfNotes(notes, fifths, 4), fifths)), notes, `${fifths} sharps`);
  }
});
