"use strict";
// What was played so far: spans of notes by the clock and by steps, chords and beats. The last minute is kept.

const KEPT = 60_000;
const FOUR_STEPS = 4; // of a quarter
/** Steps by which the beat that is followed may be set back without the music having begun anew. */
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
    for (const open of this.open) if (open) Object.assign(open, { to: at, end: this.state.position });
    this.open.fill(null);
    this.era += 1;
  }

  /** @param {{at: number, messages: number[][], state: object | null}} reply */
  hear({ at, messages, state }) {
    for (const [, status, , value] of messages)
      if ((status & 0xf0) === 0x90 && value > 0 && status % 16 < 4) this.struck[status % 16] = true;
    if (!state) return;
    if (this.state && state.position < this.state.position - A_BAR_BACK) this.beginAnew(at);
    const isBeat = state.step === 0 && (!this.state || state.position !== this.state.position);
    if (isBeat) this.beats.push({ at, isBar: state.beat === 1 });
    state.sounding.forEach((pitch, part) => {
      const open = this.open[part];
      if (open && open.pitch === pitch && !this.struck[part]) return;
      if (open) Object.assign(open, { to: at, end: state.position });
      this.open[part] =
        pitch === null
          ? null
          : {
              part,
              pitch,
              name: state.names[part],
              from: at,
              to: null,
              start: state.position,
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
        start: state.position,
        symbol: state.chord,
        numeral: state.numeral || "",
        isOver: false,
      };
      if (last && last.start === state.position) this.chords.pop();
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

  /** The last bars as a piece to be engraved; nothing before the first note. @returns {Piece | null} */
  piece(bars) {
    const spans = this.spans.filter(span => span.era === this.era);
    if (!this.state || !spans.length) return null;
    const beats = beatsOf(this.state.metre),
      length = beats * FOUR_STEPS;
    const reached = this.open.some(Boolean) ? this.state.position : Math.max(...spans.map(span => span.end || 0));
    const last = Math.floor(Math.max(0, reached - (this.open.some(Boolean) ? 0 : 1)) / length);
    const first = Math.max(last - bars + 1, Math.floor(spans[0].start / length));
    const quarter = step => (step - first * length) / FOUR_STEPS;
    // What still sounds is shown as far as its beat goes, not growing by sixteenths.
    const until = FOUR_STEPS * (Math.floor(reached / FOUR_STEPS) + 1);
    const endOf = (span, index) => {
      if (span.end === null) return until;
      // A finger that is lifted to strike the next key leaves no rest.
      const next = spans.find((other, place) => place > index && other.part === span.part);
      return next && next.start - span.end <= FOUR_STEPS / 2 ? next.start : span.end;
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
      start: index * beats,
      end: (index + 1) * beats,
      metre: [beats, 4],
      fifths: this.state.fifths,
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

/** Beats of a bar as the session counts them: of four steps each, dotted or not. */
function beatsOf(metre) {
  const [beats, value] = metre.split("/").map(Number);
  if (!beats) return 4;
  return value === 8 && beats % 3 === 0 ? beats / 3 : Math.max(1, Math.round((beats * 4) / value));
}
