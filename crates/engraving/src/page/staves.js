"use strict";
// Four parts on two staves, as SVG. Colours come from the style sheet by class; lengths are in staff spaces until drawn.

const TOP_PLACE = { treble: 38, bass: 26 }; // F5 and A3, the places of the top lines
const HEAD = 1.18;
const LINE_SPACE = 1.7;

/**
 * Engraves a piece in systems as wide as `width` pixels, or, with `isOneLine`, in one of its natural width.
 * @param {Piece} played
 * @param {{width: number, space?: number, isOneLine?: boolean, label?: string}} options `space` in pixels
 * @returns {{svg: string, width: number, height: number, systems: System[]}}
 * @typedef {{top: number, bottom: number, points: number[][], bars: {number: number, index: number, left: number, right: number,
 *   start: number, end: number}[]}} System  In pixels; `points` are [quarter, x].
 */
function engrave(played, options) {
  const piece = onPaper(played);
  const space = options.space || 7.5;
  const parts = [0, 1, 2, 3].filter(part => piece.parts[part] !== undefined);
  const notes = piece.notes.map((note, index) => ({ note, index })).sort((a, b) => a.note.start - b.note.start);
  let altered = new Map();
  const bars = piece.bars.map((bar, index) => {
    const all = signsOfBar(bar, parts, notes, altered);
    altered = alteredLines(bar, all);
    const signs = all.filter(sign => sign.note >= 0 || piece.now === undefined || sign.end <= piece.now + CLOSE);
    return { bar, index, signs, ...columnsOf(bar, signs, piece) };
  });
  const lines =
    options.isOneLine || piece.now !== undefined
      ? brokenLines(bars, Infinity)
      : balancedLines(bars, options.width / space);
  const verses = piece.words.length;
  const shape = { above: 6.4, between: verses ? 8 + verses * LINE_SPACE : 7.4, below: 6.2 };
  const height = shape.above + 8 + shape.between + shape.below;
  let width = options.width;
  const drawn = lines.map((line, index) => {
    const system = new SystemDrawing(
      piece,
      line,
      space,
      index * height * space,
      shape,
      index === 0,
      index === lines.length - 1,
    );
    const isFull = piece.now !== undefined || lines.length > 1 || line.natural * space > 0.6 * options.width;
    system.place(options.isOneLine || !isFull ? null : options.width / space);
    if (options.isOneLine) width = system.width * space;
    return system.draw();
  });
  const size = `width="${Math.ceil(width)}" height="${Math.ceil(lines.length * height * space)}"`;
  const box = `viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(lines.length * height * space)}"`;
  const label = options.label ? ` role="img" aria-label="${escapeText(options.label)}"` : ' aria-hidden="true"';
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" class="staves" ${size} ${box}${label}>${drawn.map(one => one.svg).join("")}</svg>`;
  return { svg, width, height: lines.length * height * space, systems: drawn.map(one => one.system) };
}

function escapeText(text) {
  return text.replace(/[&<>"]/g, letter => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[letter]);
}

class SystemDrawing {
  constructor(piece, line, space, top, shape, isFirst, isLast) {
    Object.assign(this, { piece, line, space, top, shape, isFirst, isLast });
    this.out = [];
    this.trebleTop = shape.above;
    this.bassTop = shape.above + 4 + shape.between;
    this.head = 7 + 1.1 * Math.abs(line.bars[0].bar.fifths) - (isFirst ? 0 : 0.5) + (isFirst ? 2.5 : 0);
  }

  /** Gives every column its x, stretched so that the line ends at `width`. */
  place(width) {
    if (this.piece.now !== undefined) {
      this.placeEvenly(width);
      return;
    }
    const rooms = this.line.bars.flatMap(one => one.columns).reduce((sum, column) => sum + column.room, 0);
    const spare = width === null ? 0 : width - 0.6 - this.line.natural;
    let x = this.head;
    this.points = [];
    this.bars = this.line.bars.map(one => {
      const left = x;
      x += 1.1;
      for (const column of one.columns) {
        column.x = x + column.left;
        this.points.push([column.time, (column.x + HEAD / 2) * this.space]);
        x += column.left + column.room * (1 + spare / rooms);
      }
      x += 0.5;
      return {
        number: one.bar.number,
        index: one.index,
        left: left * this.space,
        right: x * this.space,
        start: one.bar.start,
        end: one.bar.end,
      };
    });
    this.points.push([this.line.bars[this.line.bars.length - 1].bar.end, x * this.space]);
    this.width = x + 0.6;
    this.right = x;
  }

  /** Of music that is still being played: bars of one width, in which times lie evenly, so that nothing moves that stands. */
  placeEvenly(width) {
    const each = (width - 0.6 - this.head) / this.line.bars.length;
    this.points = [];
    this.bars = this.line.bars.map(({ bar, index, columns }, place) => {
      const left = this.head + place * each;
      const at = time => left + 1.8 + ((time - bar.start) / (bar.end - bar.start)) * (each - 2.2);
      for (const column of columns) column.x = at(column.time);
      this.points.push(...columns.map(column => [column.time, (column.x + HEAD / 2) * this.space]));
      return {
        number: bar.number,
        index,
        left: left * this.space,
        right: (left + each) * this.space,
        start: bar.start,
        end: bar.end,
      };
    });
    this.right = this.head + each * this.line.bars.length;
    this.points.push([this.bars[this.bars.length - 1].end, this.right * this.space]);
    this.width = this.right + 0.6;
  }

  px(length) {
    return Math.round(length * this.space * 100) / 100;
  }
  y(length) {
    return Math.round((this.top + length * this.space) * 100) / 100;
  }

  glyph(name, x, y, scale = 1) {
    const size = (this.space / 100) * scale;
    return `<path transform="translate(${this.px(x)} ${this.y(y)}) scale(${size})" d="${GLYPHS[name].path}"/>`;
  }

  stroke(x1, y1, x2, y2, width) {
    return `<path class="line" stroke-width="${this.px(width)}" d="M${this.px(x1)} ${this.y(y1)}L${this.px(x2)} ${this.y(y2)}"/>`;
  }

  text(x, y, size, name, text) {
    return `<text class="${name}" x="${this.px(x)}" y="${this.y(y)}" font-size="${this.px(size)}">${escapeText(text)}</text>`;
  }

  draw() {
    this.drawFrame();
    this.drawTexts();
    for (const one of this.line.bars) this.drawBar(one);
    const [top, bottom] = [this.y(0.4), this.y(this.bassTop + 4 + this.shape.below - 0.6)];
    return {
      svg: `<g class="system">${this.out.join("")}</g>`,
      system: { top, bottom, points: this.points, bars: this.bars },
    };
  }

  drawFrame() {
    const { out, trebleTop, bassTop, right } = this;
    for (const top of [trebleTop, bassTop]) {
      for (let line = 0; line < 5; line += 1) out.push(this.stroke(0.9, top + line, right, top + line, 0.11));
    }
    const bottom = bassTop + 4;
    const brace = (bottom - trebleTop) / 4; // the glyph is one staff high
    const size = this.space / 100;
    out.push(
      `<path transform="translate(${this.px(0)} ${this.y(bottom)}) scale(${size * 2.4} ${size * brace})" d="${GLYPHS.brace.path}"/>`,
    );
    out.push(this.stroke(0.9, trebleTop, 0.9, bottom, 0.14));
    out.push(this.glyph("gClef", 1.4, trebleTop + 3), this.glyph("fClef", 1.4, bassTop + 1));
    const { fifths, metre } = this.line.bars[0].bar;
    this.drawSignature(fifths, 4.6);
    if (this.isFirst) {
      const x = 5 + 1.1 * Math.abs(fifths);
      for (const top of [trebleTop, bassTop]) {
        metre.forEach((number, place) => {
          const digits = String(number),
            left = x + (digits.length > 1 ? 0 : 0.6) * (metre.some(one => one > 9) ? 1 : 0);
          [...digits].forEach((digit, index) =>
            out.push(this.glyph(`time${digit}`, left + 1.3 * index, top + 1 + 2 * place)),
          );
        });
      }
    }
    for (const bar of this.bars) {
      const x = bar.right / this.space;
      const isEnd = this.isLast && bar === this.bars[this.bars.length - 1] && this.piece.now === undefined;
      if (isEnd) {
        out.push(
          this.stroke(x - 0.75, trebleTop, x - 0.75, bottom, 0.14),
          this.stroke(x - 0.2, trebleTop, x - 0.2, bottom, 0.45),
        );
      } else {
        out.push(this.stroke(x, trebleTop, x, bottom, 0.14));
      }
    }
    const first = this.bars[0];
    if (first.number > 1) out.push(this.text(1, trebleTop - 1.6, 1.5, "bar-number", String(first.number)));
  }

  drawSignature(fifths, x) {
    const sharps = [38, 35, 39, 36, 33, 37, 34],
      flats = [34, 37, 33, 36, 32, 35, 31];
    const places = (fifths > 0 ? sharps : flats).slice(0, Math.abs(fifths));
    places.forEach((place, index) => {
      const name = fifths > 0 ? "sharp" : "flat";
      this.out.push(this.glyph(name, x + 1.05 * index, this.trebleTop + (TOP_PLACE.treble - place) / 2));
      this.out.push(this.glyph(name, x + 1.05 * index, this.bassTop + (TOP_PLACE.bass - (place - 14)) / 2));
    });
  }

  drawTexts() {
    const from = this.line.bars[0].bar.start,
      to = this.line.bars[this.line.bars.length - 1].bar.end;
    const within = time => time >= from - CLOSE && time < to - CLOSE;
    let free = -Infinity;
    for (const chord of this.piece.chords) {
      if (!within(chord.start)) continue;
      const x = this.xAt(chord.start) / this.space - HEAD / 2;
      // Music that is being played has no room made for its names.
      if (x < free) continue;
      free = x + 1.3 * Math.max(chord.symbol.length, chord.numeral.length);
      this.out.push(this.text(x, this.trebleTop - 4.4, 1.75, "symbol", chord.symbol));
      this.out.push(this.text(x, this.bassTop + 4 + 5, 1.55, "numeral", chord.numeral));
    }
    this.piece.words.forEach((verse, index) => {
      for (const [time, text] of verse) {
        if (!within(time)) continue;
        const x = this.xAt(time) / this.space;
        this.out.push(this.text(x, this.trebleTop + 4 + 5 + index * LINE_SPACE, 1.6, "words", text));
      }
    });
  }

  xAt(time) {
    return xAtQuarter(this.points, time);
  }

  column(one, time) {
    return one.columns.find(column => Math.abs(column.time - time) < CLOSE) || one.columns[0];
  }

  drawBar(one) {
    const placed = one.signs.map(sign => {
      const column = this.column(one, sign.start);
      const isTreble = sign.part < 2;
      const here = one.signs.filter(other => other.note >= 0 && Math.abs(other.start - sign.start) < CLOSE);
      const isLower = sign.part % 2 === 1;
      const shift = isLower && needsShift(here, sign.part - 1, sign.part) ? HEAD : 0;
      const top = isTreble ? this.trebleTop : this.bassTop;
      const y = top + ((isTreble ? TOP_PLACE.treble : TOP_PLACE.bass) - sign.place) / 2;
      return {
        sign,
        x: column.x + shift,
        left: column.x,
        y,
        top,
        isUp: !isLower,
        other: here.find(other => other.part === (sign.part ^ 1)),
      };
    });
    for (const item of placed) {
      if (item.sign.note < 0) this.drawRest(one, item);
      else this.drawNote(one, item);
    }
    const beams = new Map();
    for (const item of placed) {
      if (item.sign.beam < 0) continue;
      beams.set(item.sign.beam, [...(beams.get(item.sign.beam) || []), item]);
    }
    for (const items of beams.values()) this.drawBeam(items);
    const triplets = new Map();
    for (const item of placed) {
      if (item.sign.triplet < 0) continue;
      const name = `${item.sign.part} ${item.sign.triplet}`;
      triplets.set(name, [...(triplets.get(name) || []), item]);
    }
    for (const items of triplets.values()) this.drawTriplet(items);
  }

  drawRest(one, item) {
    const { sign, x, top } = item;
    const isWhole = sign.end - sign.start > one.bar.end - one.bar.start - CLOSE;
    const name = isWhole ? "restWhole" : sign.value.rest;
    // Two parts that rest together have one sign.
    const isShared = one.signs.some(
      other => other.note < 0 && other.part === (sign.part ^ 1) && other.start === sign.start && other.end === sign.end,
    );
    const y = top + (isShared ? (name === "restWhole" ? 1 : 2) : sign.part % 2 === 0 ? 0 : 4);
    item.tip = y + (item.isUp ? -1.2 : 1.2);
    if (isShared && sign.part % 2 === 1) return;
    const left = isWhole ? (this.barOf(one).left + this.barOf(one).right) / 2 / this.space - 0.6 : x;
    this.out.push(`<g class="rest part${sign.part}">${this.restGlyphs(name, left, y)}</g>`);
  }

  /** That of a thirty-second is a sixteenth's with another hook above, along its slanting stem. */
  restGlyphs(name, x, y) {
    if (name !== "rest32") return this.glyph(name, x, y);
    return this.glyph("rest16", x, y) + this.glyph("rest8", x + 0.58, y - 1);
  }

  barOf(one) {
    return this.bars.find(bar => bar.index === one.index);
  }

  drawNote(one, item) {
    const { sign, x, left, y, top, isUp, other } = item;
    const parts = [];
    item.tip = stemTip(y, top, isUp);
    const { head, dots, flags } = sign.value;
    for (let line = top - 1; line >= y - CLOSE; line -= 1)
      parts.push(this.stroke(x - 0.35, line, x + HEAD + 0.35, line, 0.14));
    for (let line = top + 5; line <= y + CLOSE; line += 1)
      parts.push(this.stroke(x - 0.35, line, x + HEAD + 0.35, line, 0.14));
    parts.push(this.glyph(head, x, y));
    // What a finger hits.
    if (this.piece.now === undefined)
      parts.push(
        `<rect class="touch" x="${this.px(x - 0.6)}" y="${this.y(y - 1.2)}" width="${this.px(HEAD + 1.2)}" height="${this.px(2.4)}"/>`,
      );
    if (sign.accidental) {
      const isDouble = other && other.accidental && Math.abs(other.place - sign.place) < 6 && sign.part % 2 === 1;
      parts.push(this.glyph(sign.accidental, left - 1.25 - (isDouble ? 1.05 : 0), y));
    }
    for (let dot = 0; dot < dots; dot += 1) {
      const isOnLine = Math.abs((y - top) % 1) < CLOSE;
      const cy = y + (isOnLine ? (isUp ? -0.5 : 0.5) : 0);
      const wide = head === "headWhole" ? 0.5 : 0;
      parts.push(`<circle cx="${this.px(x + HEAD + 0.55 + wide)}" cy="${this.y(cy)}" r="${this.px(0.21)}"/>`);
    }
    if (head !== "headWhole" && head !== "headBreve" && sign.beam < 0) {
      const stemX = isUp ? x + HEAD - 0.06 : x + 0.06;
      const { tip } = item,
        side = isUp ? "Up" : "Down";
      parts.push(this.stroke(stemX, y + (isUp ? -0.16 : 0.16), stemX, tip, 0.12));
      if (flags > 0) parts.push(this.glyph(`flag${flags > 1 ? 16 : 8}${side}`, stemX - 0.06, tip));
      if (flags > 2) parts.push(this.glyph(`flag8${side}`, stemX - 0.06, tip + (isUp ? 1.5 : -1.5)));
    }
    if (sign.fermata && sign.part === 0) parts.push(this.glyph("fermata", x - 0.6, Math.min(top - 1, y - 4)));
    this.out.push(`<g class="note part${sign.part}" data-note="${sign.note}">${parts.join("")}</g>`);
    if (sign.isTied) this.drawTie(one, sign, x, y, isUp);
  }

  drawTie(one, sign, x, y, isUp) {
    const columns = this.line.bars.flatMap(bar => bar.columns);
    const next = columns.find(column => Math.abs(column.time - sign.end) < CLOSE);
    const left = this.px(x + HEAD + 0.15),
      right = this.px(next ? next.x - 0.15 : this.right + 0.4);
    const side = isUp ? -1 : 1,
      at = this.y(y + side * 0.7),
      bend = side * this.px(Math.min(1.1, 0.5 + (right - left) / this.space / 14));
    const third = (right - left) / 3;
    const curve = deep => `${left + third} ${at + deep} ${right - third} ${at + deep}`;
    const back = `${right - third} ${at + bend - side * this.px(0.22)} ${left + third} ${at + bend - side * this.px(0.22)}`;
    this.out.push(
      `<path class="tie part${sign.part}" d="M${left} ${at}C${curve(bend)} ${right} ${at}C${back} ${left} ${at}Z"/>`,
    );
  }

  drawBeam(items) {
    const isUp = items[0].isUp,
      side = isUp ? -1 : 1;
    const stemX = item => (isUp ? item.x + HEAD - 0.06 : item.x + 0.06);
    const first = items[0],
      last = items[items.length - 1];
    const run = stemX(last) - stemX(first);
    const slope = run > 0 ? Math.max(-0.9, Math.min(0.9, (last.y - first.y) * 0.5)) / run : 0;
    const shortest = { 1: 3, 2: 3.4, 3: 4.1 }[Math.max(...items.map(item => item.sign.value.flags))];
    const bases = items.map(item => item.y + side * shortest - slope * (stemX(item) - stemX(first)));
    const base = isUp ? Math.min(...bases) : Math.max(...bases);
    const yAt = x => base + slope * (x - stemX(first));
    const bar = (from, to, level) => {
      const at = x => yAt(x) - side * level * 0.75;
      const corner = (x, y) => `${this.px(x)} ${this.y(y)}`;
      const thick = -side * 0.5;
      return `<path d="M${corner(from, at(from))}L${corner(to, at(to))}L${corner(to, at(to) + thick)}L${corner(from, at(from) + thick)}Z"/>`;
    };
    const parts = items.map(item => {
      item.tip = yAt(stemX(item));
      return this.stroke(stemX(item), item.y + side * 0.16, stemX(item), item.tip, 0.12);
    });
    parts.push(bar(stemX(first) - 0.06, stemX(last) + 0.06, 0));
    for (const level of [1, 2]) {
      const has = item => Boolean(item) && item.sign.value.flags > level;
      items.forEach((item, index) => {
        if (!has(item)) return;
        const next = items[index + 1];
        if (has(next)) parts.push(bar(stemX(item), stemX(next) + 0.06, level));
        else if (!has(items[index - 1])) {
          const stub = index === 0 ? 1 : -1;
          parts.push(bar(Math.min(stemX(item), stemX(item) + stub), Math.max(stemX(item), stemX(item) + stub), level));
        }
      });
    }
    this.out.push(`<g class="beam part${first.sign.part}">${parts.join("")}</g>`);
  }

  /** A three on the side of the stems, in a bracket where no beam holds the notes together. */
  drawTriplet(items) {
    const { isUp, sign } = items[0],
      side = isUp ? -1 : 1;
    const tips = items.map(item => item.tip);
    const y = (isUp ? Math.min(...tips) : Math.max(...tips)) + side * 1.1;
    const left = items[0].x - 0.1,
      right = items[items.length - 1].x + HEAD + 0.1,
      middle = (left + right) / 2;
    const parts = [this.text(middle, y + 0.55, 1.5, "tuplet", "3")];
    const isBeamed = sign.beam >= 0 && items.every(item => item.sign.beam === sign.beam);
    if (!isBeamed) {
      for (const [from, to] of [
        [left, middle - 0.7],
        [middle + 0.7, right],
      ])
        parts.push(this.stroke(from, y, to, y, 0.14));
      for (const end of [left, right]) parts.push(this.stroke(end, y, end, y - side * 0.6, 0.14));
    }
    this.out.push(`<g class="triplet part${sign.part}">${parts.join("")}</g>`);
  }
}

/** Stems that leave the staff are shorter; those of notes far off it reach its middle line. */
function stemTip(y, top, isUp) {
  const beyond = isUp ? top - y : y - (top + 4);
  const length = Math.max(2.5, 3.3 - 0.4 * Math.max(0, beyond + 1));
  return isUp ? Math.min(y - length, top + 2) : Math.max(y + length, top + 2);
}

/** Between two points evenly. */
function xAtQuarter(points, quarter) {
  let low = 0,
    high = points.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (points[middle][0] <= quarter + CLOSE) low = middle;
    else high = middle - 1;
  }
  const [time, x] = points[low],
    next = points[low + 1];
  if (!next) return x;
  const share = Math.min(1, Math.max(0, (quarter - time) / (next[0] - time)));
  return x + share * (next[1] - x);
}
