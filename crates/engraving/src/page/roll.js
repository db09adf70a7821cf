"use strict";
// A finished piece as a piano roll, one long line of SVG. Colours come from the style sheet by class.

const ROLL = { quarter: 36, row: 8, gutter: 40, header: 52, words: 16, below: 20 };

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
    const size = (text, most) => Math.max(5, Math.min(most, (room - 3) / (0.66 * Math.max(1, text.length))));
    out.push(
      `<text class="symbol" x="${x(chord.start)}" y="${ROLL.header - 20}" font-size="${size(chord.symbol, 12)}">${escapeText(chord.symbol)}</text>`,
    );
    out.push(
      `<text class="numeral" x="${x(chord.start)}" y="${ROLL.header - 7}" font-size="${size(chord.numeral, 10.5)}">${escapeText(chord.numeral)}</text>`,
    );
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
