"use strict";
// How much room everything wants, in staff spaces, and what goes on one line. Nothing is drawn here.

/** The piece with its words where the notes that have them are written. */
function onPaper(piece) {
  const moved = new Map(piece.notes.filter(note => note.written).map(note => [round4(note.start), note.written[0]]));
  if (!moved.size) return piece;
  const words = piece.words.map(verse => verse.map(([time, text]) => [moved.get(round4(time)) ?? time, text]));
  return { ...piece, words };
}

/** Where in a bar something begins, with the room before it (accidentals) and after it (its length, words, chords). */
function columnsOf(bar, signs, piece) {
  const within = time => time >= bar.start - CLOSE && time < bar.end - CLOSE;
  const starts = new Set(signs.map(sign => round4(sign.start)));
  for (const chord of piece.chords) if (within(chord.start)) starts.add(round4(chord.start));
  for (const verse of piece.words) for (const [time] of verse) if (within(time)) starts.add(round4(time));
  const times = [...starts].sort((a, b) => a - b);
  const columns = times.map((time, index) => {
    const next = index + 1 < times.length ? times[index + 1] : bar.end;
    const here = signs.filter(sign => Math.abs(sign.start - time) < CLOSE && sign.note >= 0);
    const marked = here.filter(sign => sign.accidental);
    const isCrowded = [
      [0, 1],
      [2, 3],
    ].some(([upper, lower]) => needsShift(here, upper, lower));
    const syllables = piece.words.flatMap(verse =>
      verse.filter(([at]) => Math.abs(at - time) < CLOSE).map(([, text]) => text.length),
    );
    const accidentals = marked.length ? 1.3 + 0.9 * (marked.length > 1 ? 1 : 0) : 0;
    // Syllables stand in the middle under their notes, and the first of a bar not on its bar line.
    const before = index === 0 ? 0.475 * Math.max(0, ...syllables) - 1.1 - HEAD / 2 + 0.4 : 0;
    const left = Math.max(accidentals, before);
    const length = Math.max(1.9, 4 * Math.pow(next - time, 0.55)) + (isCrowded ? HEAD : 0);
    return { time, left, room: Math.max(length, 0.95 * Math.max(0, ...syllables) + 0.6) };
  });
  // A chord's name wants room until the next chord.
  const chords = piece.chords.filter(chord => within(chord.start));
  chords.forEach((chord, index) => {
    const until = index + 1 < chords.length ? chords[index + 1].start : bar.end;
    const mine = columns.filter(column => column.time >= chord.start - CLOSE && column.time < until - CLOSE);
    const wanted = 1.15 * Math.max(chord.symbol.length, chord.numeral.length) + 0.6;
    const had = mine.reduce((sum, column) => sum + column.left + column.room, 0);
    if (mine.length && had < wanted) mine[mine.length - 1].room += wanted - had;
  });
  const natural = columns.reduce((sum, column) => sum + column.left + column.room, 1.6);
  return { columns, natural };
}

function round4(time) {
  return Math.round(time * 1e4) / 1e4;
}

function needsShift(here, upper, lower) {
  const above = here.find(sign => sign.part === upper),
    below = here.find(sign => sign.part === lower);
  if (!above || !below) return false;
  const apart = above.place - below.place;
  if (apart === 0)
    return (
      above.value.head !== below.value.head || above.value.dots !== below.value.dots || above.alter !== below.alter
    );
  return apart === 1 || apart < 0;
}

/** As few lines as go in the width, as even as they can be. */
function balancedLines(bars, width) {
  const lines = brokenLines(bars, width);
  let narrow = width;
  for (let least = 0.4 * width; narrow - least > 1;) {
    const middle = (narrow + least) / 2;
    const found = brokenLines(bars, middle);
    if (found.length > lines.length || found.some(line => line.natural > width)) least = middle;
    else narrow = middle;
  }
  return brokenLines(bars, narrow);
}

function brokenLines(bars, width) {
  const lines = [];
  for (const one of bars) {
    const head = 7 + 1.1 * Math.abs(one.bar.fifths) + (lines.length ? 0 : 2.5);
    const line = lines[lines.length - 1];
    if (line && line.natural + one.natural <= width) {
      line.bars.push(one);
      line.natural += one.natural;
    } else {
      lines.push({ bars: [one], natural: head + one.natural });
    }
  }
  return lines;
}
