//! What a chord does, as small things that can be counted.

use super::{OTHERS, PHRASES};
use crate::features::hold_class;
use crate::phrase_tracker::Prospect;
use crate::{Chord, Key, KeyFinder, Part, Phase, Pitch};

/// Steps for which a pitch class that sounded is remembered.
const MEMORY: u32 = 8;

/// What the critic looks back on.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    notes: [Note; 4],
    /// The step at which each pitch class sounded last, from 1, and in which parts (bits).
    sounded: [(u32, u8); 12],
    steps: u32,
    /// Which parts moved in the step before.
    moved: u32,
    /// The chord of the step before, and on the beats before, the latest first.
    before: Stack,
    beats: [Stack; 2],
    finder: KeyFinder,
    local: Option<Key>,
    /// The key of a piece that is known whole.
    known: Option<Key>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Note {
    pitch: Option<Pitch>,
    /// The sixteenth of the beat at which it began, and for how many steps it has sounded.
    place: u32,
    held: u32,
    /// How it was reached, and how the note before it, as [`motion`] names them.
    approach: u32,
    earlier: u32,
    /// Exact, as [`leap`] names it.
    by: u32,
    /// What it was against the others when it began.
    dissonance: u32,
}

/// A chord from its bass upwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stack {
    bass: Option<Pitch>,
    /// A bit for each semitone over the bass.
    above: u32,
}

impl Stack {
    fn of(pitches: &[Option<Pitch>; 4]) -> Stack {
        let bass = pitches[3];
        let from = bass.map_or(0, Pitch::class);
        let above = pitches.iter().flatten().fold(0, |bits, pitch| bits | 1 << ((pitch.class() + 12 - from) % 12));
        Stack { bass, above }
    }

    fn degree(self, key: Option<Key>) -> u32 {
        degree(key, self.bass)
    }
}

impl Trace {
    /// Tells the key of a piece that is known whole.
    pub fn know(&mut self, key: Key) {
        self.known = Some(key);
    }

    /// Whether the piece is known whole.
    pub fn is_known(&self) -> bool {
        self.known.is_some()
    }

    /// Takes note of the chord of a step.
    pub fn step(&mut self, chord: Chord, phase: Phase) {
        let now = chord.pitches();
        let place = place(phase);
        self.steps += 1;
        self.moved = 0;
        for (part, pitch) in now.into_iter().enumerate() {
            let note = &mut self.notes[part];
            if note.held > 0 && note.pitch == pitch {
                note.held += 1;
            } else {
                self.moved |= 1 << part;
                let by = leap(note.pitch, pitch);
                *note = Note {
                    pitch,
                    place,
                    held: 1,
                    approach: motion(note.pitch, pitch),
                    earlier: note.approach,
                    by,
                    dissonance: dissonance(&now, part),
                };
            }
        }
        for (part, pitch) in now.iter().enumerate() {
            let Some(pitch) = pitch else { continue };
            let sounded = &mut self.sounded[usize::from(pitch.class())];
            *sounded = (self.steps, if sounded.0 == self.steps { sounded.1 } else { 0 } | 1 << part);
        }
        self.before = Stack::of(&now);
        if place == 0 {
            self.beats = [self.before, self.beats[0]];
        }
        self.finder.step(chord);
        self.local = self.finder.key();
    }

    /// Tells `found` what `chord` does as the next step; `home` is the key of all before it, where it is not known.
    pub fn things(
        &self,
        home: Option<Key>,
        chord: Chord,
        phase: Phase,
        prospect: Prospect,
        mut found: impl FnMut(usize, Of),
    ) {
        let now = chord.pitches();
        let mut next = Next {
            trace: self,
            home: self.known.or(home),
            now,
            place: place(phase),
            ending: ending(prospect),
            moved: (0..4).fold(0, |bits, part| bits | u32::from(self.is_new(part, now[part])) << part),
            dissonances: std::array::from_fn(|part| dissonance(&now, part)),
            found: &mut found,
        };
        for part in Part::LOWER.map(Part::index) {
            if next.moved >> part & 1 == 1 { next.note_begins(part) } else { next.note_goes_on(part) }
        }
        next.pairs();
        next.together();
        next.harmony();
        next.alterations();
        next.under_long_note();
        // Where ends are known their rates are matched; live, what may lead to one is worth what came of it.
        match next.ending {
            0 => {}
            _ if self.is_known() => next.ends(),
            _ => next.phrase(),
        }
    }

    fn is_new(&self, part: usize, pitch: Option<Pitch>) -> bool {
        self.notes[part].held == 0 || self.notes[part].pitch != pitch
    }
}

/// What a thing belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// How the parts move, and against what.
    Voices,
    /// Which chords follow each other in the key.
    Harmony,
    /// What may lead to the end of a phrase, live.
    Phrase,
}

struct Next<'a, F> {
    trace: &'a Trace,
    home: Option<Key>,
    now: [Option<Pitch>; 4],
    place: u32,
    /// See [`ending`].
    ending: u32,
    moved: u32,
    dissonances: [u32; 4],
    found: &'a mut F,
}

impl<F: FnMut(usize, Of)> Next<'_, F> {
    fn tell<const N: usize>(&mut self, kind: u32, values: [u32; N]) {
        self.tell_of(Of::Voices, kind, values);
    }

    fn tell_harmony<const N: usize>(&mut self, kind: u32, values: [u32; N]) {
        self.tell_of(Of::Harmony, kind, values);
    }

    fn tell_of<const N: usize>(&mut self, of: Of, kind: u32, values: [u32; N]) {
        let (first, count) = if of == Of::Phrase { (OTHERS, PHRASES) } else { (0, OTHERS) };
        let mut hash = kind.wrapping_mul(0x9e37_79b1);
        for value in values {
            hash = (hash ^ value).wrapping_mul(0x85eb_ca6b).rotate_left(13);
        }
        hash ^= hash >> 15;
        (self.found)(first + (hash.wrapping_mul(0xc2b2_ae35) >> 10) as usize % count, of);
    }

    fn note_begins(&mut self, part: usize) {
        let (note, place, p) = (self.trace.notes[part], self.place, part as u32);
        let pitch = self.now[part];
        let (by, motion) = (leap(note.pitch, pitch), motion(note.pitch, pitch));
        let dissonance = self.dissonances[part];
        // What the bass is in the key is harmony.
        let of = if part == Part::Bass.index() { Of::Harmony } else { Of::Voices };
        self.tell(1, [p, place, by]);
        self.tell(2, [p, note.place, length(note.held), place]);
        self.tell(3, [p, note.by, by]);
        self.tell(4, [p, note.earlier, note.approach, motion]);
        self.tell(5, [p, note.place, note.dissonance, note.approach, motion]);
        self.tell_of(of, 6, [p, degree(self.home, pitch), place]);
        self.tell_of(of, 7, [p, degree(self.home, note.pitch), degree(self.home, pitch)]);
        self.tell(8, [p, place, dissonance, motion]);
        self.tell(9, [p, place, dissonance, note.dissonance, motion]);
        self.tell(10, [p, pitch.map_or(0, |pitch| u32::from(pitch.midi()))]);
        self.tell(11, [p, place, note.place, length(note.held), motion]);
        self.tell_of(of, 12, [p, degree(self.trace.local, pitch), place]);
        let is_step = u32::from(matches!(motion, 3 | 5));
        self.tell(13, [p, u32::from(note.place == 0), u32::from(note.dissonance > 0), is_step]);
        self.tell(14, [u32::from(part == 3), note.place, note.dissonance, is_step]);
        self.tell(15, [p, note.place, u32::from(note.dissonance > 0), motion, place]);
        self.tell(16, [p, note.place, u32::from(note.held > 4 - note.place)]);
    }

    fn note_goes_on(&mut self, part: usize) {
        let (note, place, p) = (self.trace.notes[part], self.place, part as u32);
        self.tell(20, [p, note.place, length(note.held), place]);
        self.tell(21, [p, note.place, self.dissonances[part], note.dissonance, place]);
        if place == 0 {
            self.tell(22, [p, note.place, length(note.held), self.dissonances[part], note.approach]);
        }
    }

    fn pairs(&mut self) {
        for (index, (upper, lower)) in Part::PAIRS.into_iter().enumerate() {
            let (upper, lower, pair) = (upper.index(), lower.index(), index as u32);
            let who = self.moved >> upper & 1 | (self.moved >> lower & 1) << 1;
            let interval = apart(self.now[lower], self.now[upper]);
            if self.place == 0 {
                self.tell(30, [pair, interval]);
            }
            if who == 0 {
                continue;
            }
            let notes = &self.trace.notes;
            let before = apart(notes[lower].pitch, notes[upper].pitch) % 12;
            // The guard wants fewer parallels than Bach wrote.
            let are_parallel = who == 3 && before == interval % 12 && matches!(before, 0 | 7);
            if are_parallel && self.trace.is_known() {
                continue;
            }
            self.tell(31, [pair, self.place, interval % 12, who]);
            if who == 3 && !are_parallel {
                let motions = [upper, lower].map(|part| motion(notes[part].pitch, self.now[part]));
                self.tell(32, [pair, motions[0], motions[1], interval % 12]);
                self.tell(33, [pair, before, motions[0], motions[1], interval % 12]);
            }
        }
    }

    /// Which parts move.
    fn together(&mut self) {
        let (place, trace) = (self.place, self.trace);
        self.tell(40, [place, self.moved]);
        self.tell(41, [place, self.moved, trace.moved]);
        let moves = [0, 3].map(|part: usize| leap(trace.notes[part].pitch, self.now[part]));
        self.tell(42, [moves[0], moves[1], u32::from(place == 0)]);
        let soprano = trace.notes[0];
        let held = if self.moved & 1 == 1 { 0 } else { length(soprano.held) };
        self.tell(43, [place, held, soprano.place, self.moved & 0b1110]);
    }

    fn harmony(&mut self) {
        let (place, trace) = (self.place, self.trace);
        let stack = Stack::of(&self.now);
        let (above, bass) = (stack.above, stack.degree(self.home));
        if place != 0 && stack == trace.before {
            return;
        }
        self.tell_harmony(50, [place, above]);
        self.tell_harmony(51, [place, above, bass]);
        let doubled = doubled(&self.now);
        self.tell_harmony(52, [u32::from(place == 0), above, doubled]);
        if stack != trace.before {
            let before = trace.before;
            let by = apart(before.bass, stack.bass) % 12;
            self.tell_harmony(53, [place, before.above, by, above]);
        }
        if place != 0 {
            return;
        }
        let [last, earlier] = trace.beats;
        let by = apart(last.bass, stack.bass) % 12;
        let degrees = [earlier.degree(self.home), last.degree(self.home)];
        self.tell_harmony(54, [last.above, by, above]);
        self.tell_harmony(55, [degrees[1], last.above, bass, above]);
        self.tell_harmony(56, [degrees[1], bass]);
        self.tell_harmony(57, [degrees[0], degrees[1], bass]);
        self.tell_harmony(58, [degree(self.home, self.now[0]), bass]);
        self.tell_harmony(59, [degree(self.home, self.now[0]), bass, above]);
        self.tell_harmony(60, [stack.degree(trace.local), above]);
        self.tell_harmony(61, [earlier.above, apart(earlier.bass, last.bass) % 12, last.above, by, above]);
    }

    /// Notes outside the scale, and those of which another form, a semitone higher or lower, has sounded lately.
    fn alterations(&mut self) {
        let trace = self.trace;
        for part in 0..4 {
            let Some(pitch) = self.now[part].filter(|_| self.moved >> part & 1 == 1) else { continue };
            let class = usize::from(pitch.class());
            if let Some(key) = trace.known.filter(|_| part > 0) {
                let before = trace.notes[part].pitch.map_or(2, |pitch| within(key, pitch.class()));
                let motion = motion(trace.notes[part].pitch, self.now[part]);
                self.tell(74, [part as u32, self.place, within(key, pitch.class()), before, motion]);
            }
            let own = trace.sounded[class].0;
            for (way, other) in [(0, (class + 1) % 12), (1, (class + 11) % 12)] {
                let (step, parts) = trace.sounded[other];
                if step == 0 || trace.steps - step >= MEMORY || own > step {
                    continue;
                }
                let is_own = u32::from(parts >> part & 1);
                let both = |within: &dyn Fn(u8) -> u32| within(pitch.class()) | within(other as u8) << 1;
                let keys = match (trace.known, self.home) {
                    (Some(key), _) => both(&|class| within(key, class)),
                    (None, Some(home)) => both(&|class| u32::from(home.has(class))),
                    (None, None) => 4,
                };
                let age = (trace.steps - step).min(4);
                let stays = u32::from(self.now.iter().flatten().any(|pitch| usize::from(pitch.class()) == other));
                self.tell(70, [part as u32, way, is_own, keys, age, stays]);
                let is_altered = matches!(keys, 1 | 2);
                self.tell(72, [is_own, u32::from(is_altered), u32::from(age > 0)]);
                self.tell(73, [is_own, u32::from(is_altered), u32::from(age > 0), part as u32, self.place]);
                self.tell(71, [way, is_own, keys, u32::from(age > 0), stays, degree(self.home, Some(pitch))]);
            }
        }
    }

    /// Where a phrase may end.
    fn ends(&mut self) {
        let (ending, place, trace) = (self.ending, self.place, self.trace);
        let lower = self.moved & 0b1110;
        let soprano = trace.notes[0];
        let held = if self.moved & 1 == 1 { 0 } else { length(soprano.held) };
        self.tell(90, [ending, place, lower, u32::from(held > 0)]);
        self.tell(91, [ending, u32::from(lower != 0), held]);
        for part in Part::LOWER.map(Part::index) {
            if self.moved >> part & 1 == 1 {
                let motion = motion(trace.notes[part].pitch, self.now[part]);
                self.tell(92, [ending, part as u32, place, self.dissonances[part], motion]);
            }
        }
        let stack = Stack::of(&self.now);
        if stack == trace.before && place != 0 {
            return;
        }
        let before = if place == 0 { trace.beats[0] } else { trace.before };
        let by = apart(before.bass, stack.bass) % 12;
        let degrees = [before, stack].map(|stack| stack.degree(self.home));
        self.tell_harmony(93, [ending, stack.above, u32::from(place == 0)]);
        self.tell_harmony(94, [ending, before.above, by, stack.above]);
        self.tell_harmony(95, [ending, degrees[1], stack.above]);
        self.tell_harmony(96, [ending, degrees[0], degrees[1]]);
        self.tell_harmony(97, [ending, degree(self.home, self.now[0]), degrees[1]]);
    }

    /// What may lead to the end of a phrase, or be it.
    fn phrase(&mut self) {
        let (ending, place, trace) = (self.ending, self.place, self.trace);
        let stack = Stack::of(&self.now);
        let before = if place == 0 { trace.beats[0] } else { trace.before };
        let by = apart(before.bass, stack.bass) % 12;
        let [from, to] = [before, stack].map(|stack| stack.degree(self.home));
        let soprano = degree(self.home, self.now[0]);
        let is_next = u32::from(ending >= 9);
        self.tell_of(Of::Phrase, 110, [ending, place, to, stack.above]);
        self.tell_of(Of::Phrase, 111, [ending, place, stack.degree(trace.local), stack.above]);
        self.tell_of(Of::Phrase, 112, [ending, before.above, by, stack.above]);
        self.tell_of(Of::Phrase, 113, [ending, from, to]);
        self.tell_of(Of::Phrase, 114, [ending, place, soprano, to]);
        self.tell_of(Of::Phrase, 115, [ending, place, stack.above]);
        self.tell_of(Of::Phrase, 116, [ending, place, to]);
        self.tell_of(Of::Phrase, 117, [ending, place, self.moved & 0b1110]);
        self.tell_of(Of::Phrase, 118, [is_next, soprano, to, stack.above]);
        self.tell_of(Of::Phrase, 119, [is_next, from, before.above, to, stack.above]);
    }

    /// What sounds under a long note of the soprano.
    fn under_long_note(&mut self) {
        let soprano = self.trace.notes[0];
        let lower = self.moved & 0b1110;
        if self.moved & 1 == 0 && soprano.held >= 4 && (self.place == 0 || lower != 0) {
            let stack = Stack::of(&self.now);
            let dissonant = self.dissonances.iter().filter(|what| **what > 0).count() as u32;
            self.tell_harmony(87, [length(soprano.held), self.place, stack.above]);
            self.tell_harmony(88, [length(soprano.held), self.place, stack.degree(self.home), dissonant]);
        }
    }
}

/// Whether a pitch class belongs to the signature: of minor, the natural scale.
fn within(key: Key, class: u8) -> u32 {
    let fifths = (i32::from(class) * 7 - i32::from(key.sharps) + 1).rem_euclid(12);
    u32::from(fifths < 7)
}

fn place(phase: Phase) -> u32 {
    (phase.index() % Phase::STEPS_PER_BEAT) as u32
}

/// How likely a phrase rests here, in classes from 1, or will do so on the next beat, from 9; 0 where neither is likely.
fn ending(prospect: Prospect) -> u32 {
    let class = |likelihood: f32| [0.1, 0.3, 0.6, 1.0].iter().filter(|least| likelihood >= **least).count() as u32;
    match (class(prospect.rest), class(prospect.arrival)) {
        (0, 0) => 0,
        (rest, arrival) if rest >= arrival => rest,
        (_, arrival) => 8 + arrival,
    }
}

/// Rests, no move, steps and leaps up and down.
fn motion(from: Option<Pitch>, to: Option<Pitch>) -> u32 {
    let Some((from, to)) = from.zip(to) else { return 0 };
    match i32::from(to.midi()) - i32::from(from.midi()) {
        i32::MIN..=-5 => 1,
        -4..=-3 => 2,
        -2..=-1 => 3,
        0 => 4,
        1..=2 => 5,
        3..=4 => 6,
        5.. => 7,
    }
}

/// By how many semitones, an octave and more as one.
fn leap(from: Option<Pitch>, to: Option<Pitch>) -> u32 {
    let Some((from, to)) = from.zip(to) else { return 0 };
    (i32::from(to.midi()) - i32::from(from.midi())).clamp(-13, 13) as u32 ^ 0x40
}

/// Semitones from the lower to the upper, brought up by octaves where they cross.
fn apart(lower: Option<Pitch>, upper: Option<Pitch>) -> u32 {
    let Some((lower, upper)) = lower.zip(upper) else { return 60 };
    (i32::from(upper.midi()) - i32::from(lower.midi()) + 24).clamp(0, 59) as u32
}

fn degree(key: Option<Key>, pitch: Option<Pitch>) -> u32 {
    key.zip(pitch).map_or(24, |(key, pitch)| u32::from(key.degree(pitch.class())) + if key.minor { 12 } else { 0 })
}

/// For how many steps, the longest together.
fn length(steps: u32) -> u32 {
    hold_class(steps as usize) as u32
}

/// What a part is against the others: a second or seventh, a tritone, a fourth over the bass (bits).
fn dissonance(now: &[Option<Pitch>; 4], part: usize) -> u32 {
    let Some(own) = now[part] else { return 0 };
    let mut found = 0;
    for (other, pitch) in now.iter().enumerate() {
        let Some(pitch) = pitch.filter(|_| other != part) else { continue };
        let (low, high) = if pitch < own { (pitch, own) } else { (own, pitch) };
        found |= match (high.midi() - low.midi()) % 12 {
            1 | 11 => 1,
            2 | 10 => 2,
            6 => 4,
            5 if other == 3 || part == 3 => 8,
            _ => 0,
        };
    }
    found
}

/// Which semitones over the bass sound twice (bits).
fn doubled(now: &[Option<Pitch>; 4]) -> u32 {
    let from = now[3].map_or(0, Pitch::class);
    let (mut once, mut twice) = (0u32, 0u32);
    for pitch in now.iter().flatten() {
        let bit = 1 << ((pitch.class() + 12 - from) % 12);
        twice |= once & bit;
        once |= bit;
    }
    twice
}
