"use strict";
// What was played so far: spans of notes by the clock and by steps, chords and beats. The last minute is kept.

const KEPT = 60_000;
const SIXTEENTHS = 4; // of a quarter
/** Sixteenths by which the beat that is followed may be set back without the music having begun anew. */
const A_BAR_BACK = 16;

class LiveMusic {
  constructor() {
    this.clear();
  }

  clear() {
    /** @type {{part: number, pitch: number, name: string, from: number, to: number | null, start: number, end: number | null}[]} */
    this.spans = [];
    this.open = [null, null, null, null];
    this.chords = [];
    this.beats = [];
    this.struck = [false, false, false, false];
    this.state = null;
    /** Counts how often the music has begun anew; positions are those of one era. */
    this.era = 0;
  }

  /** Positions count from the beginning again. */
  beginAnew(at) {
    for (const open of this.open) if (open) Object.assign(open, { to: at, end: this.state.sixteenth });
    this.open.fill(null);
    this.era += 1;
  }

  /** @param {{at: number, messages: number[][], state: object | null}} reply */
  hear({ at, messages, state }) {
    for (const [, status, , value] of messages)
      if ((status & 0xf0) === 0x90 && value > 0 && status % 16 < 4) this.struck[status % 16] = true;
    if (!state) return;
    if (this.state && state.sixteenth < this.state.sixteenth - A_BAR_BACK) this.beginAnew(at);
    const isBeat = state.step === 0 && (!this.state || state.position !== this.state.position);
    if (isBeat) this.beats.push({ at, isBar: state.beat === 1 });
    state.sounding.forEach((pitch, part) => {
      const open = this.open[part];
      if (open && open.pitch === pitch && !this.struck[part]) return;
      if (open) Object.assign(open, { to: at, end: state.sixteenth });
      this.open[part] =
        pitch === null
          ? null
          : {
              part,
              pitch,
              name: state.names[part],
              from: at,
              to: null,
              start: state.sixteenth,
              end: null,
              era: this.era,
            };
      if (this.open[part]) this.spans.push(this.open[part]);
    });
    this.struck.fill(false);
    const last = this.chords[this.chords.length - 1];
    const isSilent = state.sounding.every(pitch => pitch === null);
    if (!isSilent && state.chord && (!last || last.symbol !== state.chord || last.isOver)) {
      const chord = {
        at,
        era: this.era,
        start: state.sixteenth,
        symbol: state.chord,
        numeral: state.numeral || "",
        isOver: false,
      };
      if (last && last.start === state.sixteenth) this.chords.pop();
      this.chords.push(chord);
    }
    if (isSilent && last) last.isOver = true;
    this.state = state;
    if (isBeat) this.forget(at - KEPT);
  }

  forget(before) {
    this.spans = this.spans.filter(span => span.to === null || span.to > before);
    this.chords = this.chords.filter(chord => chord.at > before);
    this.beats = this.beats.filter(beat => beat.at > before);
  }

  /** When something last sounded; 0 for never. */
  lastSound(now) {
    if (this.open.some(Boolean)) return now;
    return this.spans.reduce((last, span) => Math.max(last, span.to || 0), 0);
  }

  /** The last bars as a piece to be engraved, empty ones before the first note. @returns {Piece} */
  piece(bars) {
    const spans = this.spans.filter(span => span.era === this.era);
    const metre = writtenMetre(this.state ? this.state.metre : "4/4");
    const beat = SIXTEENTHS * beatLength(metre),
      length = (16 * metre[0]) / metre[1];
    const isSounding = this.open.some(Boolean);
    const reached = isSounding ? this.state.sixteenth : Math.max(0, ...spans.map(span => span.end || 0));
    const last = Math.floor(Math.max(0, reached - (isSounding ? 0 : 1)) / length);
    const first = spans.length ? Math.max(last - bars + 1, Math.floor(spans[0].start / length)) : 0;
    const quarter = sixteenth => (sixteenth - first * length) / SIXTEENTHS;
    // What still sounds is shown as far as its beat goes, not growing by sixteenths.
    const until = spans.length ? beat * (Math.floor(reached / beat) + 1) : 0;
    const endOf = (span, index) => {
      if (span.end === null) return until;
      // A finger that is lifted to strike the next key leaves no rest.
      const next = spans.find((other, place) => place > index && other.part === span.part);
      return next && next.start - span.end <= SIXTEENTHS / 2 ? next.start : span.end;
    };
    const notes = spans
      .map((span, index) => ({
        part: span.part,
        pitch: span.pitch,
        name: span.name || keyName(span.pitch),
        start: Math.max(0, quarter(span.start)),
        end: quarter(endOf(span, index)),
      }))
      .filter(note => note.end > note.start + CLOSE);
    const chords = this.chords
      .filter(chord => chord.era === this.era && chord.start >= first * length)
      .map(chord => ({
        start: quarter(chord.start),
        end: quarter(chord.start) + 1,
        symbol: chord.symbol,
        numeral: chord.numeral,
        key: "",
      }));
    const all = Array.from({ length: bars }, (_, index) => ({
      number: first + index + 1,
      start: (index * length) / SIXTEENTHS,
      end: ((index + 1) * length) / SIXTEENTHS,
      metre,
      fifths: this.state ? this.state.fifths : 0,
    }));
    return {
      title: "",
      key: "",
      parts: T.parts,
      notes,
      bars: all,
      chords,
      marks: [],
      words: [],
      clock: [
        [0, 0],
        [1, 1],
      ],
      now: quarter(until),
    };
  }
}

/** Figures of a metre, for paper; without bars, those of a bar that is drawn all the same. */
function writtenMetre(metre) {
  const [beats, value] = metre.split("/").map(Number);
  return beats ? [beats, value] : [4, 4];
}

/** Beats of a bar as the session counts them: of four steps each, dotted or not. */
function beatsOf(metre) {
  const [beats, value] = writtenMetre(metre);
  return value === 8 && beats % 3 === 0 ? beats / 3 : Math.max(1, Math.round((beats * 4) / value));
}
