//! What the lower parts do: at once with a key, a little later, or by themselves.

use chorale::{Chord, Part, Pitch, Token};

use crate::answer::AnswerTable;
use crate::clock::Time;

use super::requests::Awaited;
use super::{Release, Session};

/// A part that was struck within so many seconds, or this share of a step, is not struck again unless a key demands it.
const RECENT: (f64, f64) = (0.125, 0.8);
/// Nor does a key demand it of one struck within these: the part follows when it is no longer [`RECENT`].
const FLASH: (f64, f64) = (0.06, 0.3);
/// Keys that follow one another within these are an ornament, under which the lower parts do not move.
const ORNAMENT: (f64, f64) = (0.14, 0.75);
/// A soprano struck again after less than these does not strike the lower parts again.
const REPEATED: (f64, f64) = (0.2, 0.9);
/// Where the lower parts would move by themselves later than this share of the step, they stay.
const TOO_LATE: f64 = 0.6;

/// A table that is asked for before this share of the step has passed is there before a key may need it.
const IN_TIME: f64 = 0.35;

/// When the lower parts go to the present answer.
#[derive(Clone, Copy, PartialEq)]
pub enum Motion {
    /// With a key, struck `again` on the same pitch or as an `ornament`.
    Struck {
        again: bool,
        ornament: bool,
    },
    AtOnce,
    /// By themselves, not before that time.
    From(Time),
}

impl Session {
    pub(super) fn give_bass(&mut self, pitch: Pitch, velocity: u8) {
        self.routing.begin(self.now, Part::Bass, pitch, velocity);
        self.bass_has_changed();
    }

    pub(super) fn end_bass(&mut self) {
        self.routing.end(self.now, Part::Bass);
    }

    pub(super) fn end_soprano(&mut self) {
        self.routing.end(self.now, Part::Soprano);
    }

    /// The present chord gets the bass that is given now, and tables that rest on another one are void.
    pub(super) fn bass_has_changed(&mut self) {
        self.tables.keep_over(self.bass.token());
        match self.chord {
            Some(chord) if self.keys.soprano().is_some() => {
                if self.tables.present.is_none() && self.tables.awaited == Awaited::Nothing {
                    self.tables.awaited = Awaited::WithBass;
                }
                self.revise(self.held_chord(chord[Part::Soprano]));
            }
            _ => self.request_tables(),
        }
    }

    /// A new soprano: the clock tells its step, and the three lower parts answer at once.
    pub(super) fn strike(&mut self, pitch: Pitch, velocity: u8) {
        let is_first = self.counts.notes == 0;
        let expected = self.clock.boundary(self.position);
        let (length, before) = (self.clock.step_length(), self.clock.sixteenth(self.position));
        let position = self.clock.onset(self.now, self.position);
        let deviation = expected.filter(|_| !self.is_ornament()).map(|expected| {
            let sixteenths = self.clock.sixteenth(position) as f64 - before as f64;
            self.now as f64 - expected as f64 - sixteenths * length
        });
        if position > self.position && (self.chord.is_some() || self.tables.next.is_some()) {
            self.enter_next_step(position);
        } else if position != self.position || is_first {
            self.go_to(position);
        }
        if self.clock.goes_by_keys() {
            self.tell_begun(true);
        }
        self.touch.strike(deviation);
        self.counts.notes += 1;
        self.sing_soprano(pitch, velocity);
    }

    /// Whether a key struck now follows another so soon that it can't be a note of its own.
    fn is_ornament(&self) -> bool {
        self.keys.soprano().is_some_and(|soprano| self.now - soprano.struck < self.brief(ORNAMENT))
    }

    pub(super) fn sing_soprano(&mut self, pitch: Pitch, velocity: u8) {
        let before = self.keys.soprano();
        let beat = self.position / 4;
        let ornament = self.is_ornament() && self.answered_beat == Some(beat) && !self.is_released;
        let is_slow = |struck: Time| self.now - struck >= self.brief(REPEATED);
        let again = before.is_some_and(|before| before.pitch == pitch && is_slow(before.struck));
        self.keys.sing(self.now, pitch, velocity);
        self.routing.begin(self.now, Part::Soprano, pitch, velocity);
        self.is_released = false;
        if !ornament {
            self.answered_beat = Some(beat);
        }
        self.answer(Motion::Struck { again, ornament });
    }

    /// Looks up what the lower parts do under the soprano, and lets them do it.
    fn answer(&mut self, motion: Motion) {
        let Some(soprano) = self.keys.soprano() else { return };
        let Some(table) = self.tables.present else {
            self.counts.missed += 1;
            self.tables.awaited = Awaited::AtOnce;
            let (token, _) = Part::Soprano.fold(soprano.pitch);
            return self.revise(self.held_chord(token));
        };
        self.tables.awaited = Awaited::Nothing;
        self.sing(&table, motion);
    }

    /// The present step's table has come late.
    pub(super) fn adopt(&mut self) {
        let motion = match self.tables.awaited {
            // A left hand is early or late by as much as a melody.
            Awaited::WithBass => Motion::From(self.now + self.touch.longest_wait(self.clock.step_length())),
            _ => Motion::AtOnce,
        };
        self.answer(motion);
    }

    pub(super) fn settle(&mut self) {
        self.settling = None;
        if self.keys.lifted().is_none() && self.tables.present.is_some() {
            self.answer(Motion::AtOnce);
        }
    }

    pub(super) fn sing(&mut self, table: &AnswerTable, motion: Motion) {
        let Some(soprano) = self.keys.soprano() else { return };
        let (token, _) = Part::Soprano.fold(soprano.pitch);
        let held = self.held_chord(token);
        let mut chord = table.chords[token.index()];
        let sounding = self.routing.singing();
        let [alto, tenor, bass] = table.lower_parts(soprano.pitch);
        let mut wanted = [Some(soprano.pitch), alto, tenor, bass];
        for part in Part::LOWER {
            let index = part.index();
            if self.is_given(part) || self.is_frozen(part) && sounding[index].is_some() {
                wanted[index] = sounding[index];
                chord[part] = held[part];
            }
        }
        let is_moving = |part: &Part| sounding[part.index()] != wanted[part.index()];
        let all_from = match motion {
            Motion::From(earliest) if Part::LOWER.iter().any(is_moving) => self.earliest_move(&wanted, earliest),
            Motion::Struck { ornament: true, .. } => Some(self.now + self.brief(ORNAMENT)),
            _ => Some(self.now),
        };
        let mut settling = None;
        for part in Part::LOWER {
            let index = part.index();
            let fixed = self.is_given(part) || self.is_frozen(part) && sounding[index].is_some();
            let is_again = matches!(motion, Motion::Struck { again: true, ornament: false }) && !fixed;
            if sounding[index] == wanted[index] {
                if is_again && let Some(pitch) = wanted[index].filter(|_| !self.is_recent(part, RECENT)) {
                    self.routing.begin(self.now, part, pitch, soprano.velocity);
                }
                continue;
            }
            let mut from = all_from;
            if let (Motion::Struck { ornament: false, .. }, Some(pitch)) = (motion, sounding[index])
                && self.is_recent(part, RECENT)
            {
                if fits(&wanted, part, pitch) {
                    wanted[index] = Some(pitch);
                    from = None;
                } else if self.is_recent(part, FLASH) && !self.is_rolled(part) {
                    from = self.routing.begun(part).map(|begun| begun + self.brief(RECENT));
                }
            }
            if sounding[index].is_none() || from.is_some_and(|from| from <= self.now) {
                match wanted[index] {
                    Some(pitch) => self.routing.begin(self.now, part, pitch, soprano.velocity),
                    None => self.routing.end(self.now, part),
                }
            } else {
                chord[part] = held[part];
                settling = settling.max(from);
            }
        }
        self.settling = settling;
        self.revise(chord);
    }

    /// When parts that are to move by themselves may do so; `None` where they had better stay. Together, and no part that
    /// was just struck.
    fn earliest_move(&self, wanted: &[Option<Pitch>; 4], earliest: Time) -> Option<Time> {
        let recent = self.brief(RECENT);
        let sounding = self.routing.singing();
        let moving = Part::LOWER.into_iter().filter(|part| sounding[part.index()] != wanted[part.index()]);
        let struck = self.keys.soprano().map(|soprano| soprano.struck);
        let begun = moving.filter_map(|part| self.routing.begun(part)).chain(struck).max()?;
        let from = earliest.max(begun + recent);
        let reach = TOO_LATE * self.clock.step_length();
        let is_late = self.clock.boundary(self.position).is_some_and(|begun| from as f64 > begun as f64 + reach);
        (!is_late || self.settling.is_some()).then_some(from)
    }

    fn is_recent(&self, part: Part, within: (f64, f64)) -> bool {
        self.routing.begun(part).is_some_and(|begun| self.now - begun < self.brief(within))
    }

    /// Whether a part answered a lower key of the chord to which the soprano belongs: better wrong for a moment than for
    /// long.
    fn is_rolled(&self, part: Part) -> bool {
        let window = self.units(self.settings.chord_window);
        self.routing.begun(part).is_some_and(|begun| self.now - begun <= window)
    }

    /// Seconds, but no longer than a share of a step.
    fn brief(&self, (seconds, share): (f64, f64)) -> Time {
        self.units(seconds).min((share * self.clock.step_length()) as Time)
    }

    pub(super) fn continue_into_step(&mut self) {
        let Some(soprano) = self.keys.soprano() else {
            self.chord = None;
            return self.request_tables();
        };
        // In a gap nothing is struck.
        let is_silent = self.keys.lifted().is_some();
        if !is_silent && (self.may_move() || self.settling.is_some()) {
            let wait = self.touch.wait(self.position, self.clock.step_length());
            return self.answer(Motion::From(self.now + wait));
        }
        let (token, _) = Part::Soprano.fold(soprano.pitch);
        self.revise(self.held_chord(token));
    }

    fn may_move(&self) -> bool {
        self.density.moves_at(self.position) && self.clock.may_move(self.position)
    }

    /// The soprano has ended and no other follows: the lower parts end too.
    pub(super) fn release(&mut self) {
        self.is_released = true;
        self.settling = None;
        self.end_lower_parts();
    }

    /// After a beat without soprano.
    pub(super) fn fall_silent(&mut self) {
        self.keys.forget_soprano();
        self.settling = None;
        self.routing.end(self.now, Part::Soprano);
        if self.settings.release != Release::Hold {
            self.end_lower_parts();
        }
    }

    /// Parts that are held, frozen or given sound on.
    fn end_lower_parts(&mut self) {
        for part in Part::LOWER {
            if !self.is_frozen(part) && !self.is_given(part) {
                self.routing.end(self.now, part);
            }
        }
    }

    fn is_frozen(&self, part: Part) -> bool {
        part != Part::Soprano && (self.is_held || self.frozen[part.index()])
    }

    fn is_given(&self, part: Part) -> bool {
        part == Part::Bass && self.bass.is_given()
    }

    /// The chord of a step in which the lower parts go on as they were.
    fn held_chord(&self, soprano: Token) -> Chord {
        let before = self.chord.unwrap_or(self.previous);
        let mut chord = Chord::SILENCE;
        let sounding = self.routing.singing();
        for part in Part::LOWER.into_iter().filter(|part| self.is_released || sounding[part.index()].is_some()) {
            chord[part] = before[part];
        }
        if let Some(bass) = self.bass.token() {
            chord[Part::Bass] = bass;
        }
        chord[Part::Soprano] = soprano;
        chord
    }

    fn revise(&mut self, chord: Chord) {
        self.chord = Some(chord);
        self.tables.keep_after(chord);
        match self.expected_change() {
            Some(at) => self.asking = Some(at),
            None => self.request_tables(),
        }
    }

    /// When the present chord is likely to have changed, by itself or with a key that is a little late. Beside a host's
    /// song no key is heard as the next step's before the middle of the present one, so that a table asked for then is there
    /// in time.
    fn expected_change(&self) -> Option<Time> {
        if !self.clock.is_host_playing() || self.tables.present.is_none() {
            return None;
        }
        let (begun, length) = (self.clock.boundary(self.position)?, self.clock.step_length());
        let key = || begun + self.touch.wait_for_key(self.position, length);
        let at = self.settling.unwrap_or_else(key);
        (self.now < at && at as f64 <= begun as f64 + IN_TIME * length).then_some(at)
    }
}

/// Whether a part may stay on a pitch in a chord: nothing of the chord gets lost, no parts cross, and the upper ones stay
/// within an octave of each other.
fn fits(chord: &[Option<Pitch>; 4], part: Part, pitch: Pitch) -> bool {
    let mut with = *chord;
    with[part.index()] = Some(pitch);
    let classes =
        |chord: &[Option<Pitch>; 4]| chord.iter().flatten().fold(0u16, |classes, pitch| classes | 1 << pitch.class());
    let spaced = |upper: usize, widest: u8| match (with[upper], with[upper + 1]) {
        (Some(above), Some(below)) => above >= below && above.midi() - below.midi() <= widest,
        _ => true,
    };
    classes(chord) == classes(&with) && spaced(0, 12) && spaced(1, 12) && spaced(2, 24)
}
