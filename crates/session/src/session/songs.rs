//! The set list, and the transposition of the keyboard.

use chorale::{Chord, Density, Part, Pitch};

use crate::clock::{self, Clock, ClockSource, Metre};
use crate::control::FIRST_REGISTRATION;
use crate::midi::MidiMessage::{self, NoteOff, NoteOn, PolyPressure};
use crate::songs::Song;

use super::Session;

/// What the keyboard sounds like, key by key.
pub struct Transposition {
    semitones: i8,
    /// Of each key that is down, since it was struck.
    struck: [i8; 128],
}

impl Transposition {
    pub fn new(semitones: i8) -> Transposition {
        Transposition { semitones, struck: [0; 128] }
    }

    /// The message as if it came from a keyboard that sounds so; `None` for keys above or below all others. A key that
    /// goes up ends what it began.
    fn apply(&mut self, message: MidiMessage) -> Option<MidiMessage> {
        let moved = |key: u8, semitones: i8| key.checked_add_signed(semitones).filter(|key| *key < 128);
        Some(match message {
            NoteOn { channel, key, velocity } => {
                self.struck[usize::from(key)] = self.semitones;
                NoteOn { channel, key: moved(key, self.semitones)?, velocity }
            }
            NoteOff { channel, key, velocity } => {
                NoteOff { channel, key: moved(key, self.struck[usize::from(key)])?, velocity }
            }
            PolyPressure { channel, key, pressure } => {
                PolyPressure { channel, key: moved(key, self.struck[usize::from(key)])?, pressure }
            }
            _ => message,
        })
    }
}

impl Session {
    /// Semitones by which the keyboard sounds higher.
    pub fn transposition(&self) -> i8 {
        self.transposition.semitones
    }

    pub(super) fn transpose(&mut self, semitones: i8) {
        self.transposition.semitones = semitones;
    }

    pub(super) fn as_transposed(&mut self, message: MidiMessage) -> Option<MidiMessage> {
        self.transposition.apply(message)
    }

    /// The song of the set list that was chosen, from 0.
    pub fn song(&self) -> Option<u8> {
        self.song
    }

    /// The next song or the one before; the first where none was chosen.
    pub(super) fn step_song(&mut self, by: i8) {
        let next = self.song.map_or(Some(0), |song| song.checked_add_signed(by));
        if let Some(next) = next {
            self.choose_song(next);
        }
    }

    /// Ends what sounds and begins anew: the next key is the first of that song, for the clock and for the networks. A
    /// number that no song has changes nothing.
    pub(super) fn choose_song(&mut self, number: u8) {
        let Some(song) = self.settings.songs.get(usize::from(number)).copied().flatten() else { return };
        self.panic();
        self.song = Some(number);
        self.set_up(&song);
        let tempo = song.tempo.unwrap_or(self.settings.clock.tempo);
        self.begin_anew(tempo, song.metre.unwrap_or(self.settings.metre));
        self.begin_count(self.settings.click.count_in);
    }

    /// The next key is the first, for the clock and for the networks.
    pub(super) fn begin_anew(&mut self, tempo: f64, metre: Metre) {
        self.tempo = tempo;
        self.begin_piece();
        self.click.lose_place();
        match self.settings.clock.source {
            // A master's clock runs on.
            ClockSource::Midi if metre != self.clock.metre() => {
                self.unheard_from = self.clock.count_in_bars_of(metre, self.position);
                self.go_to(self.unheard_from);
            }
            ClockSource::Midi | ClockSource::Host => {}
            _ => {
                let first = pickup(self.settings.clock.first, self.settings.metre, metre);
                self.clock = Clock::new(clock::Settings { tempo, first, ..self.settings.clock }, metre);
                self.unheard_from = self.clock.first_position();
                self.go_to(self.clock.first_position());
            }
        }
        self.request_tables();
    }

    /// The network hears what comes next as the beginning of a piece.
    pub(super) fn begin_piece(&mut self) {
        self.previous = Chord::START;
        self.chord = None;
        self.answered_beat = None;
        self.step += 1;
        self.restarts += 1;
        self.tables.clear();
    }

    fn set_up(&mut self, song: &Song) {
        self.density = song.density.map_or_else(Density::default, Density::from_value);
        self.overrides.key = song.key.or(self.settings.key);
        self.overrides.temperature = song.temperature;
        self.overrides.second_model = song.second_model;
        self.overrides.cadence = false;
        self.overrides.ranges = song.ranges.map(|ranges| {
            Part::ALL.map(|part| {
                let [low, high] = ranges[part.index()];
                Pitch::new(low).zip(Pitch::new(high)).unwrap_or(part.range())
            })
        });
        self.transpose(song.transpose.unwrap_or(self.settings.transpose));
        self.draw_stops(song.registration.unwrap_or(FIRST_REGISTRATION));
        self.routing.choose_program(self.now, song.program);
    }
}

/// The first key's sixteenth of a bar with as long a pickup as in the metre with which the performance was begun; a
/// downbeat where there is no room for it.
fn pickup(first: u64, begun: Metre, metre: Metre) -> u64 {
    let rest = |metre: Metre| metre.bar().filter(|_| first > 0).map(|bar| bar.saturating_sub(first));
    match (rest(begun), metre.bar()) {
        _ if begun == metre => first,
        (Some(pickup), Some(bar)) if pickup < bar => bar - pickup,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(key: u8) -> MidiMessage {
        NoteOn { channel: 0, key, velocity: 80 }
    }

    fn off(key: u8) -> MidiMessage {
        NoteOff { channel: 0, key, velocity: 0 }
    }

    #[test]
    fn a_pickup_is_as_long_in_the_metre_of_each_song() {
        let metre = |text: &str| text.parse::<Metre>().unwrap();
        let first = |first: u64, song: &str| pickup(first, metre("4/4"), metre(song));
        assert_eq!([first(12, "3/4"), first(14, "6/8"), first(12, "4/4"), first(0, "3/4")], [8, 10, 12, 0]);
        assert_eq!([first(2, "2/4"), first(12, "free")], [0, 0]);
    }

    #[test]
    fn a_key_ends_what_it_began_whatever_the_transposition_is_by_then() {
        let mut keyboard = Transposition::new(2);
        assert_eq!(keyboard.apply(on(60)), Some(on(62)));
        keyboard.semitones = -5;
        assert_eq!(keyboard.apply(on(64)), Some(on(59)));
        assert_eq!([keyboard.apply(off(60)), keyboard.apply(off(64))], [Some(off(62)), Some(off(59))]);
        assert_eq!([keyboard.apply(on(3)), keyboard.apply(off(3))], [None, None], "below the lowest");
    }
}
