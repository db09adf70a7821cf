"use strict";
// A finished piece as a piano roll, one long line of SVG. Colours come from the style sheet by class.

const ROLL = { quarter: 36, row: 8, gutter: 40, header: 52, words: 16, below: 20, smallest: 5, apart: 5 };

/** How wide a text is at size 1 in the widest of the usual fonts, bold. */
function widthOfText(text) {
  return [...text].reduce(
    (sum, letter) => sum + (/[mMwW]/.test(letter) ? 1.04 : /[ijlI/.,'°-]/.test(letter) ? 0.4 : 0.77),
    0,
  );
}

/** The size at which a text is apart from what follows it after `room`, at most `most`; 0 where that is too small to read. */
function sizeInRoom(text, room, most) {
  const size = Math.min(most, (room - ROLL.apart) / widthOfText(text));
  return size < ROLL.smallest ? 0 : size;
}

/**
 * @param {Piece} piece
 * @returns {{svg: string, width: number, height: number}}
 */
function drawRoll(piece) {
  const first = piece.bars.length ? piece.bars[0].start : 0;
  const last = piece.bars.length ? piece.bars[piece.bars.length - 1].end : 1;
  const pitches = piece.notes.map(note => note.pitch);
  const low = Math.min(60, ...pitches) - 1,
    high = Math.max(60, ...pitches) + 1;
  const x = quarter => ROLL.gutter + (quarter - first) * ROLL.quarter;
  const y = pitch => ROLL.header + (high - pitch) * ROLL.row;
  const rows = (high - low + 1) * ROLL.row,
    bottom = ROLL.header + rows;
  const width = x(last) + 10,
    height = bottom + piece.words.length * ROLL.words + ROLL.below;
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" id="roll" class="roll" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
  ];
  for (let pitch = low; pitch <= high; pitch += 1) {
    if (isBlack(pitch))
      out.push(
        `<rect class="black-row" x="${ROLL.gutter}" y="${y(pitch)}" width="${x(last) - ROLL.gutter}" height="${ROLL.row}"/>`,
      );
    if (pitch % 12 === 0)
      out.push(`<text class="octave" x="${ROLL.gutter - 5}" y="${y(pitch) + ROLL.row}">C${pitch / 12 - 1}</text>`);
  }
  for (const bar of piece.bars) {
    for (let at = bar.start + beatLength(bar.metre); at < bar.end - CLOSE; at += beatLength(bar.metre))
      out.push(upright("beat-line", x(at), bottom));
    out.push(upright("bar-line", x(bar.start), bottom));
    if (bar.number > 0) out.push(`<text class="bar-number" x="${x(bar.start)}" y="12">${bar.number}</text>`);
  }
  out.push(upright("bar-line", x(last), bottom));
  // The upper part is seen where two are on one pitch.
  for (const part of [3, 2, 1, 0]) {
    out.push(`<g class="part${part}">`);
    piece.notes.forEach((note, index) => {
      if (note.part !== part) return;
      const wide = Math.max(2, (note.end - note.start) * ROLL.quarter - 1.5);
      const hint = escapeText(`${piece.parts[part]} ${note.name}`);
      out.push(
        `<rect class="note part${part}" data-note="${index}" data-hint="${hint}" x="${x(note.start)}" y="${y(note.pitch) + 0.5}" width="${wide}" height="${ROLL.row - 1}" rx="2.5"/>`,
      );
    });
    out.push("</g>");
  }
  for (const chord of piece.chords) {
    const room = (Math.min(chord.end, chord.start + 4) - chord.start) * ROLL.quarter;
    const name = (kind, text, y, most) => {
      const size = sizeInRoom(text, room, most);
      if (size)
        out.push(`<text class="${kind}" x="${x(chord.start)}" y="${y}" font-size="${size}">${escapeText(text)}</text>`);
    };
    name("symbol", chord.symbol, ROLL.header - 20, 12);
    name("numeral", chord.numeral, ROLL.header - 7, 10.5);
  }
  piece.words.forEach((verse, line) => {
    verse.forEach(([at, text], index) => {
      const next = verse[index + 1];
      const room = Math.min(4, (next ? next[0] : at + 4) - at) * ROLL.quarter;
      const size = Math.max(5, Math.min(11.5, (room - 2) / (0.56 * text.length)));
      out.push(
        `<text class="words" x="${x(at)}" y="${bottom + 13 + line * ROLL.words}" font-size="${size}">${escapeText(text)}</text>`,
      );
    });
  });
  piece.marks.forEach((mark, index) => {
    const top = bottom + piece.words.length * ROLL.words + 4;
    out.push(
      `<path class="mark" data-mark="${index}" data-hint="${escapeText(mark.text)}" d="M${x(mark.start) + 4} ${top}l6 10h-12z"/>`,
    );
  });
  out.push(`<rect id="band" x="0" y="${ROLL.header}" width="9" height="${rows}" hidden/>`);
  out.push(`<line id="head" x1="-9" x2="-9" y1="${ROLL.header}" y2="${bottom}"/></svg>`);
  return { svg: out.join("\n"), width, height };
}

function upright(name, x, bottom) {
  return `<line class="${name}" x1="${x}" x2="${x}" y1="${ROLL.header}" y2="${bottom}"/>`;
}

/** Where a time lies in the drawn roll, and back; in its own pixels. */
function rollX(piece, quarter) {
  return ROLL.gutter + (quarter - (piece.bars.length ? piece.bars[0].start : 0)) * ROLL.quarter;
}
function rollQuarter(piece, x) {
  return Math.max(0, (x - ROLL.gutter) / ROLL.quarter) + (piece.bars.length ? piece.bars[0].start : 0);
}
