"use strict";
// From notes in quarters to signs on paper: note values, ties, beams, accidentals. Nothing is drawn here.

/**
 * @typedef {{part: number, start: number, end: number, written?: [number, number], pitch: number, name: string,
 *   fermata?: boolean}} Note
 *   `part` from 0 (soprano) to 3 (bass); times in quarters, those on paper in `written` if they are others; `name` as spelled:
 *   F#4, Bb3.
 * @typedef {{number: number, start: number, end: number, metre: number[], fifths: number}} Bar
 * @typedef {{start: number, end: number, symbol: string, numeral: string, key: string}} SoundingChord
 * @typedef {{title: string, key: string, parts: string[], notes: Note[], bars: Bar[], chords: SoundingChord[],
 *   marks: {start: number, text: string}[], words: [number, string][][], clock: number[][], now?: number}} Piece  `now`: it is being played and has come so far.
 * @typedef {{part: number, start: number, end: number, value: Value, place: number, alter: number, accidental: string,
 *   isTied: boolean, note: number, beam: number, triplet: number, fermata: boolean}} Sign  A note or rest of one part; a rest
 *   has no `note`. `triplet`: where in the bar the three begin to which it belongs; -1 where it belongs to none.
 * @typedef {{quarters: number, head: string, dots: number, flags: number, rest: string}} Value
 */

const CLOSE = 1e-4;

/** @type {Value[]} From long to short. */
const VALUES = [
  { quarters: 8, head: "headBreve", dots: 0, flags: 0, rest: "restWhole" },
  { quarters: 6, head: "headWhole", dots: 1, flags: 0, rest: "restWhole" },
  { quarters: 4, head: "headWhole", dots: 0, flags: 0, rest: "restWhole" },
  { quarters: 3, head: "headHalf", dots: 1, flags: 0, rest: "restHalf" },
  { quarters: 2, head: "headHalf", dots: 0, flags: 0, rest: "restHalf" },
  { quarters: 1.5, head: "headBlack", dots: 1, flags: 0, rest: "restQuarter" },
  { quarters: 1, head: "headBlack", dots: 0, flags: 0, rest: "restQuarter" },
  { quarters: 0.75, head: "headBlack", dots: 1, flags: 1, rest: "rest8" },
  { quarters: 0.5, head: "headBlack", dots: 0, flags: 1, rest: "rest8" },
  { quarters: 0.375, head: "headBlack", dots: 1, flags: 2, rest: "rest16" },
  { quarters: 0.25, head: "headBlack", dots: 0, flags: 2, rest: "rest16" },
  { quarters: 0.125, head: "headBlack", dots: 0, flags: 3, rest: "rest32" },
];

/** Diatonic place (C0 is 0, a step up is 1 more) and alteration in semitones of a spelled pitch. */
function spelledPitch(name) {
  const found = /^([A-G])([#b♯♭x𝄪𝄫]*)(-?\d+)$/u.exec(name);
  if (!found) return { place: 28, alter: 0 };
  const semitones = { "#": 1, "♯": 1, x: 2, "𝄪": 2, b: -1, "♭": -1, "𝄫": -2 };
  const alter = [...found[2]].reduce((sum, sign) => sum + semitones[sign], 0);
  return { place: "CDEFGAB".indexOf(found[1]) + 7 * Number(found[3]), alter };
}

/** Whether a MIDI number is a black key's. */
function isBlack(pitch) {
  return [1, 3, 6, 8, 10].includes(pitch % 12);
}

/** Alteration of a letter (0 = C) by the signature. */
function signatureAlter(fifths, letter) {
  const sharps = [3, 0, 4, 1, 5, 2, 6];
  const order = fifths > 0 ? sharps : [...sharps].reverse();
  return order.slice(0, Math.abs(fifths)).includes(letter) ? Math.sign(fifths) : 0;
}

function beatLength(metre) {
  return metre[1] === 8 && metre[0] % 3 === 0 ? 1.5 : 4 / metre[1];
}

/** @param {Note} note @returns {[number, number]} */
function timesOnPaper(note) {
  return note.written || [note.start, note.end];
}

/** Where in its whole bar a time lies: what an upbeat leaves out lies before it. */
function placeInBar(bar, time) {
  const whole = (bar.metre[0] * 4) / bar.metre[1];
  const isUpbeat = bar.number === 0 || (bar.start < CLOSE && bar.end - bar.start < whole - CLOSE);
  return time - bar.start + (isUpbeat ? whole - (bar.end - bar.start) : 0);
}

/** The longest value from `from`, at most to `end`, that leaves the beats to be seen. */
function nextValue(from, end, beat, isWholeBar) {
  const room = end - from;
  const within = (from + CLOSE) % beat;
  const isOnBeat = within < 2 * CLOSE;
  const fits = value => {
    if (value.quarters > room + CLOSE) return false;
    if (isWholeBar && Math.abs(value.quarters - room) < CLOSE) return true;
    if (within + value.quarters <= beat + 2 * CLOSE) return true;
    if (beat === 1.5) return isOnBeat && Math.abs(value.quarters % beat) < CLOSE;
    // A quarter between two eighths is written as one note.
    return isOnBeat
      ? value.dots === 0 || value.quarters >= 1.5
      : value.quarters === 1 && Math.abs(within - 0.5) < 2 * CLOSE;
  };
  return VALUES.find(fits) || null;
}

/** Three in the time of two, in one part. @typedef {{from: number, to: number}} Triplet  Places in the whole bar. */

/**
 * The triplets of a part, told by where its notes begin and end: eighths in a quarter, or quarters in a half.
 * @param {number[]} times @returns {Triplet[]}
 */
function tripletsOf(bar, times) {
  if (beatLength(bar.metre) === 1.5) return [];
  const places = times.map(time => placeInBar(bar, time)),
    last = Math.max(0, ...places);
  const isOn = (place, parts) => Math.abs(place * parts - Math.round(place * parts)) < 0.02;
  const isTernary = place => isOn(place, 6) && !isOn(place, 2);
  const triplets = [];
  for (let beat = 0; beat < last; beat += 1) {
    const within = length => places.filter(place => place > beat + CLOSE && place < beat + length - CLOSE);
    const thirds = within(2).map(place => (place - beat) * 1.5);
    const isOfQuarters =
      beat % 2 === 0 &&
      thirds.every(third => isOn(third, 1)) &&
      [1, 2].every(third => thirds.some(other => Math.abs(other - third) < 0.02));
    if (isOfQuarters) triplets.push({ from: beat, to: beat + 2 });
    else if (within(1).some(isTernary)) triplets.push({ from: beat, to: beat + 1 });
    if (isOfQuarters) beat += 1;
  }
  return triplets;
}

/** Cuts a span at bar lines, beats and triplets into written values. What is shorter than all of them is one thirty-second. */
function writtenValues(start, end, bar, triplets = []) {
  const beat = beatLength(bar.metre);
  const isWholeBar = Math.abs(start - bar.start) < CLOSE && Math.abs(end - bar.end) < CLOSE;
  const pieces = [];
  let at = start;
  while (at < end - CLOSE) {
    const from = placeInBar(bar, at);
    const triplet = triplets.find(one => from > one.from - CLOSE && from < one.to - CLOSE);
    const border = triplet ? triplet.to : Math.min(...triplets.map(one => one.from).filter(one => one > from));
    const room = Math.min(end - at, border - from);
    const value =
      (triplet
        ? VALUES.find(one => one.quarters <= 1.5 * room + CLOSE)
        : nextValue(from, from + room, beat, isWholeBar)) || VALUES[VALUES.length - 1];
    const until = Math.min(end, at + value.quarters / (triplet ? 1.5 : 1));
    pieces.push({ start: at, end: until, value, triplet: triplet ? triplet.from : -1 });
    at = until;
  }
  return pieces;
}

/**
 * The signs of one bar, part by part, of notes with their places in the piece; `altered` is what the bar before leaves altered.
 * @param {Map<string, number>} [altered]
 */
function signsOfBar(bar, parts, notes, altered = new Map()) {
  const signs = [];
  for (const part of parts) {
    const own = notes
      .filter(({ note }) => note.part === part)
      .map(({ note, index }) => {
        const [start, end] = timesOnPaper(note);
        return { note, index, start, end };
      })
      .filter(({ start, end }) => start < bar.end - CLOSE && end > bar.start + CLOSE && end > start + CLOSE);
    const isInBar = time => time > bar.start + CLOSE && time < bar.end - CLOSE;
    const triplets = tripletsOf(bar, own.flatMap(({ start, end }) => [start, end]).filter(isInBar));
    let at = bar.start;
    const rest = until => {
      for (const piece of writtenValues(at, until, bar, triplets)) {
        signs.push({
          ...piece,
          part,
          place: 0,
          alter: 0,
          accidental: "",
          isTied: false,
          note: -1,
          beam: -1,
          fermata: false,
        });
      }
    };
    for (const one of own) {
      const { note, index } = one,
        start = Math.max(one.start, bar.start),
        end = Math.min(one.end, bar.end);
      if (start > at + CLOSE) rest(start);
      const pieces = writtenValues(Math.max(start, at), end, bar, triplets);
      pieces.forEach((piece, place) => {
        const isLast = place === pieces.length - 1;
        const isTied = !isLast || one.end > bar.end + CLOSE;
        const fermata = Boolean(note.fermata) && !isTied;
        signs.push({
          ...piece,
          part,
          ...spelledPitch(note.name),
          accidental: "",
          isTied,
          note: index,
          beam: -1,
          fermata,
        });
      });
      at = Math.max(at, end);
    }
    if (at < bar.end - CLOSE) rest(bar.end);
  }
  setAccidentals(bar, signs, notes, altered);
  setBeams(bar, signs);
  return signs;
}

/**
 * Accidentals, and reminders where the bar before has altered a line or this one another octave of a letter, as
 * crates/files/src/notation/accidentals.rs prints them.
 */
function setAccidentals(bar, signs, notes, altered) {
  const NAMES = { "-2": "doubleFlat", "-1": "flat", 0: "natural", 1: "sharp", 2: "doubleSharp" };
  const inOrder = inReadingOrder(signs);
  const printed = new Map();
  for (const sign of inOrder) {
    const note = notes.find(({ index }) => index === sign.note).note;
    if (sign.start > timesOnPaper(note)[0] + CLOSE) continue;
    const line = lineOf(sign);
    const isPrinted = printed.has(line)
      ? printed.get(line) !== sign.alter
      : sign.alter !== signatureAt(bar, sign) ||
        (altered.get(line) ?? sign.alter) !== sign.alter ||
        hasOtherOctave(sign, inOrder);
    if (!isPrinted) continue;
    sign.accidental = NAMES[sign.alter] || "";
    printed.set(line, sign.alter);
  }
}

/** Whether another octave of its letter was last altered otherwise, up to this note. */
function hasOtherOctave(sign, inOrder) {
  const octaves = new Map();
  for (const other of inOrder) {
    const isLetter = staffOf(other) === staffOf(sign) && (other.place - sign.place) % 7 === 0;
    if (isLetter && other.start < sign.start + CLOSE) octaves.set(other.place, other.alter);
  }
  return [...octaves].some(([place, alter]) => place !== sign.place && alter !== sign.alter);
}

/** The lines that a bar leaves altered otherwise than its signature has them. */
function alteredLines(bar, signs) {
  const last = new Map(inReadingOrder(signs).map(sign => [lineOf(sign), sign]));
  const foreign = [...last].filter(([, sign]) => sign.alter !== signatureAt(bar, sign));
  return new Map(foreign.map(([line, sign]) => [line, sign.alter]));
}

function inReadingOrder(signs) {
  return signs.filter(sign => sign.note >= 0).sort((a, b) => a.start - b.start || a.part - b.part);
}

function staffOf(sign) {
  return sign.part < 2 ? "treble" : "bass";
}

function lineOf(sign) {
  return staffOf(sign) + sign.place;
}

function signatureAt(bar, sign) {
  return signatureAlter(bar.fifths, ((sign.place % 7) + 7) % 7);
}

/** Numbers the beams: flagged notes of one part that follow each other within a beat share one. */
function setBeams(bar, signs) {
  const beat = beatLength(bar.metre);
  let number = 0;
  let group = [];
  const close = () => {
    if (group.length > 1) {
      group.forEach(sign => {
        sign.beam = number;
      });
      number += 1;
    }
    group = [];
  };
  const beatOf = sign => Math.floor((placeInBar(bar, sign.start) + CLOSE) / beat);
  for (const sign of signs) {
    const last = group[group.length - 1];
    const joins =
      last && last.part === sign.part && beatOf(last) === beatOf(sign) && Math.abs(last.end - sign.start) < CLOSE;
    if (sign.note < 0 || sign.value.flags === 0) {
      close();
      continue;
    }
    if (last && !joins) close();
    group.push(sign);
  }
  close();
}
