"use strict";
// Plays a finished piece on an instrument: note by note, a little ahead of their time.

/** How far ahead notes are handed over, in seconds: timers come late. */
const AHEAD = 0.35;

/**
 * @typedef {{time: number, resume: () => Promise<void>, play: (part: number, pitch: number, from: number, to: number) => void,
 *   setGain: (part: number, gain: number) => void, silence: () => void}} PieceInstrument  Times in its own seconds.
 */
class Player {
  /** @param {PieceInstrument} instrument @param {(quarter: number, isPlaying: boolean) => void} moved */
  constructor(instrument, moved) {
    Object.assign(this, { instrument, moved, isPlaying: false, rate: 1, place: 0, anchor: 0, next: 0, timer: 0 });
    Object.assign(this, {
      piece: {
        notes: [],
        clock: [
          [0, 0],
          [1, 1],
        ],
        bars: [],
      },
      notes: [],
      first: 0,
      end: 0,
    });
  }

  /** @param {Piece} piece */
  load(piece) {
    if (this.isPlaying) this.stop();
    this.piece = piece;
    this.notes = piece.notes
      .map(note => ({
        part: note.part,
        pitch: note.pitch,
        from: secondsAt(piece.clock, note.start),
        to: secondsAt(piece.clock, note.end),
      }))
      .sort((a, b) => a.from - b.from);
    this.first = piece.bars.length ? secondsAt(piece.clock, piece.bars[0].start) : 0;
    this.end = this.notes.reduce((end, note) => Math.max(end, note.to), this.first);
    this.place = Math.min(Math.max(this.place, this.first), this.end);
    if (this.place >= this.end - 0.01) this.place = this.first;
    this.tell();
  }

  /** Seconds of the piece. */
  get seconds() {
    if (!this.isPlaying) return this.place;
    return Math.min(this.end, this.place + Math.max(0, this.instrument.time - this.anchor) * this.rate);
  }

  async play() {
    if (this.isPlaying || !this.notes.length) return;
    this.isPlaying = true;
    try {
      await this.instrument.resume();
    } catch {
      // Whoever has no sound has said so.
      this.isPlaying = false;
    }
    if (!this.isPlaying) return;
    if (this.place >= this.end - 0.01) this.place = this.first;
    this.anchor = this.instrument.time + 0.08;
    this.next = this.notes.findIndex(note => note.to > this.place + 0.01);
    if (this.next < 0) this.next = this.notes.length;
    this.timer = setInterval(() => this.fill(), 40);
    this.fill();
  }

  stop() {
    this.place = this.seconds;
    this.isPlaying = false;
    clearInterval(this.timer);
    this.instrument.silence();
    this.tell();
  }

  toggle() {
    if (this.isPlaying) this.stop();
    else this.play();
  }

  seek(quarter) {
    this.seekSeconds(secondsAt(this.piece.clock, quarter));
  }

  seekSeconds(seconds) {
    const wasPlaying = this.isPlaying;
    if (wasPlaying) this.stop();
    this.place = Math.min(Math.max(this.first, seconds), this.end);
    if (wasPlaying) this.play();
    else this.tell();
  }

  /** To the bar so many bars from here. */
  step(bars) {
    const { bars: all } = this.piece,
      here = quarterAt(this.piece.clock, this.seconds + 0.02);
    let index = all.findIndex(bar => bar.end > here);
    if (index < 0) index = all.length - 1;
    // Back goes to this bar's beginning first, where something of it was heard.
    if (bars < 0 && all[index] && here - all[index].start > 0.5) index += 1;
    const to = all[Math.min(all.length - 1, Math.max(0, index + bars))];
    if (to) this.seek(to.start);
  }

  setRate(rate) {
    const wasPlaying = this.isPlaying;
    if (wasPlaying) this.stop();
    this.rate = rate;
    if (wasPlaying) this.play();
  }

  /** Hands over what comes next, and shows where the music is: also where the browser draws no frames just now. */
  fill() {
    const here = this.seconds;
    if (here >= this.end - 0.001 && this.instrument.time > this.anchor + (this.end - this.place) / this.rate + 0.3) {
      this.stop();
      this.place = this.first;
      this.tell();
      return;
    }
    const at = seconds => this.anchor + (seconds - this.place) / this.rate;
    while (this.next < this.notes.length && this.notes[this.next].from < here + AHEAD * this.rate) {
      const note = this.notes[this.next++];
      if (note.to <= here) continue;
      this.instrument.play(note.part, note.pitch, Math.max(at(note.from), this.instrument.time), at(note.to));
    }
    this.tell();
  }

  tell() {
    this.moved(quarterAt(this.piece.clock, this.seconds), this.isPlaying);
  }
}

function secondsAt(clock, quarter) {
  return along(clock, 0, 1, quarter);
}
function quarterAt(clock, seconds) {
  return along(clock, 1, 0, seconds);
}

/** From one column of the points to the other, evenly between them and on beyond the last. */
function along(points, from, to, value) {
  let index = points.findIndex(point => point[from] > value) - 1;
  if (index === -2) index = points.length - 2;
  index = Math.max(0, index);
  const a = points[index],
    b = points[index + 1] || [a[0] + 1, a[1] + 0.75];
  if (b[from] === a[from]) return a[to];
  return a[to] + ((value - a[from]) / (b[from] - a[from])) * (b[to] - a[to]);
}

function clockText(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}
