//! Figures of what a trained ear hears first: how phrases end, and how dissonances are left.

use chorale::{Chorale, Harmony, Key, Part, Phase, Pitch, Sonority, is_falling_fifth, phrase_ends};

use super::features::{is_dominant, is_secondary_dominant, relations};
use super::reading::{Place, Reading};

/// How often something is so, of how many times that it could be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub count: usize,
    pub of: usize,
}

impl Share {
    fn note(&mut self, is_so: bool) {
        self.count += usize::from(is_so);
        self.of += 1;
    }
}

/// The rows: what is counted, and by what factor a share is shown.
pub const ROWS: [(&str, f64); ROW_COUNT] = [
    ("phrase end: nothing moves under its last note", 1.0),
    ("phrase end: on a triad over its root", 1.0),
    ("phrase end: on a seventh or dissonance", 1.0),
    ("phrase end: V-I, both over their roots", 1.0),
    ("phrase end: V-I in any inversion", 1.0),
    ("phrase end: on the key's V over its root", 1.0),
    ("phrase end: bass falls a fifth or rises a fourth", 1.0),
    ("phrase end: leading tone rises", 1.0),
    ("phrase end: leading tone falls a third", 1.0),
    ("first bass note is the tonic", 1.0),
    ("last bass note is the tonic", 1.0),
    ("V on beats", 1.0),
    ("secondary dominant falls a fifth", 1.0),
    ("alto: half-beat step to a dissonance, held, per 100 beats", 100.0),
    ("tenor: half-beat step to a dissonance, held, per 100 beats", 100.0),
    ("bass: half-beat step, leap off the dissonance, per 100 beats", 100.0),
    ("cross relations per 100 beats", 100.0),
    ("alto: syncopations from off the beat, of its notes", 1.0),
    ("tenor: syncopations from off the beat, of its notes", 1.0),
];
pub const ROW_COUNT: usize = 19;

/// What is counted on a harmonization, in the order of [`ROWS`], or on several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GiveAways(pub [Share; ROW_COUNT]);

impl GiveAways {
    /// Phrases end, and the key is, as Bach had it in `bach`, his harmonization of the same soprano.
    pub fn of(piece: &Chorale, bach: &Chorale) -> GiveAways {
        let reading = Reading { key: key_of(bach), ..Reading::of(piece) };
        let mut found = GiveAways::default();
        for end in phrase_ends(&bach.chords).ends {
            found.phrase_end(&reading, end.arrival);
        }
        found.rest_of_piece(&reading);
        found
    }

    pub fn add(&mut self, other: &GiveAways) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum = Share { count: sum.count + more.count, of: sum.of + more.of };
        }
    }

    fn phrase_end(&mut self, reading: &Reading, arrival: usize) {
        let Some(soprano) = reading.note_at(arrival, Part::Soprano) else { return };
        // Of a note that is struck again, the first beat: the data do not tell where.
        let last = soprano.end.min(arrival + Phase::STEPS_PER_BEAT) - 1;
        let pitches = reading.chords[last].pitches();
        let harmony = reading.harmony(last);
        let is_triad = Sonority::of(&pitches) == Sonority::Triad;
        let at_root = harmony.filter(|harmony| is_triad && harmony.inversion() == 0);
        let is_at_rest = (arrival..last).all(|step| reading.chords[step] == reading.chords[last]);
        let before = arrival.checked_sub(1);
        let beat_before = arrival.saturating_sub(Phase::STEPS_PER_BEAT)..arrival;
        let leads = |harmony: Harmony, highest: usize| {
            let chords = beat_before.clone().filter_map(|step| reading.harmony(step));
            let mut dominants = chords.filter(|chord| is_dominant(*chord) && chord.inversion() <= highest);
            dominants.any(|dominant| is_falling_fifth(dominant.root, harmony.root))
        };
        let bass = |step: usize| Some(reading.chords.get(step)?[Part::Bass].pitch()?.class());
        let by_fifth = before.and_then(bass).zip(bass(arrival)).is_some_and(|(from, to)| is_falling_fifth(from, to));
        let leading = harmony.zip(before).map(|(harmony, before)| {
            let is_leading = |part: &Part| {
                let pitch = reading.chords[before][*part].pitch();
                pitch.is_some_and(|pitch| pitch.class() == (harmony.root + 11) % 12)
            };
            let moves = |part: Part| Some(reading.midi(last, part)? - reading.midi(before, part)?);
            Part::ALL.into_iter().filter(is_leading).filter_map(moves).collect::<Vec<i16>>()
        });
        let leading_moves =
            |by: std::ops::RangeInclusive<i16>| leading.iter().flatten().any(|moved| by.contains(moved));
        let rows = [
            is_at_rest,
            at_root.is_some(),
            !Sonority::of(&pitches).is_consonant(),
            at_root.is_some_and(|harmony| leads(harmony, 0)),
            harmony.filter(|_| is_triad).is_some_and(|harmony| leads(harmony, 3)),
            at_root.is_some_and(|harmony| reading.key.degree(harmony.root) == 7),
            by_fifth,
            leading_moves(1..=1),
            leading_moves(-4..=-3),
        ];
        self.0.iter_mut().zip(rows).for_each(|(share, is_so)| share.note(is_so));
    }

    fn rest_of_piece(&mut self, reading: &Reading) {
        let rows = &mut self.0[9..];
        let bass = &reading.notes[Part::Bass.index()];
        let is_tonic = |note: Option<&super::reading::Note>| note.is_some_and(|note| reading.degree(note.midi) == 0);
        rows[0].note(is_tonic(bass.first()));
        rows[1].note(is_tonic(bass.last()));
        let beats = (0..reading.chords.len()).step_by(Phase::STEPS_PER_BEAT);
        for step in beats {
            let chord = reading.harmony(step);
            rows[2].note(chord.is_some_and(|chord| is_dominant(chord) && reading.key.degree(chord.root) == 7));
            if let Some(chord) = chord.filter(|chord| is_secondary_dominant(reading, step, *chord)) {
                let next = (step + 1..reading.chords.len())
                    .filter_map(|later| reading.harmony(later))
                    .find(|next| next.root != chord.root);
                rows[3].note(next.is_some_and(|next| is_falling_fifth(chord.root, next.root)));
            }
        }
        let per_beats = |row: &mut Share, count: usize| *row = Share { count, of: reading.beats() };
        for (row, part) in [(4, Part::Alto), (5, Part::Tenor)] {
            per_beats(&mut rows[row], half_beat_steps(reading, part).filter(|note| note.stays).count());
        }
        let leaps_off = |step: &HalfBeatStep| step.leave.is_some_and(|by| by.abs() > 2);
        per_beats(&mut rows[6], half_beat_steps(reading, Part::Bass).filter(leaps_off).count());
        per_beats(&mut rows[7], relations(reading));
        for (row, part) in [(8, Part::Alto), (9, Part::Tenor)] {
            for note in &reading.notes[part.index()] {
                rows[row].note(note.is_syncopated());
            }
        }
    }
}

/// With the piece's end, as signatures are found.
fn key_of(piece: &Chorale) -> Key {
    let notes = piece.chords.iter().flat_map(|chord| chord.pitches()).flatten().map(|pitch| (pitch, 1));
    let last: Option<Pitch> = piece.chords.iter().rev().find_map(|chord| chord[Part::Bass].pitch());
    Key::of_notes(notes, last)
}

/// A part's step on the half beat to a dissonance.
struct HalfBeatStep {
    /// Whether it goes on over the next beat.
    stays: bool,
    leave: Option<i16>,
}

fn half_beat_steps<'a>(reading: &'a Reading<'a>, part: Part) -> impl Iterator<Item = HalfBeatStep> + 'a {
    let steps = reading.notes[part.index()].iter().filter(move |note| {
        let is_step = note.approach.is_some_and(|by| (1..=2).contains(&by.abs()));
        is_step && Place::of(note.start) == Place::Half && reading.is_dissonant(note.start, part)
    });
    steps.map(|note| HalfBeatStep { stays: note.is_syncopated(), leave: note.leave })
}

#[cfg(test)]
mod tests {
    use super::super::reading::tests::piece;
    use super::*;

    fn row(found: &GiveAways, name: &str) -> Share {
        let place = ROWS.iter().position(|(row, _)| row.contains(name)).unwrap();
        found.0[place]
    }

    #[test]
    fn a_cadence_and_what_it_lacks_are_told() {
        // I IV V I, the last for two beats; then the same with a seventh that comes late, over the third.
        let bach = piece(&[([72, 67, 64, 48], 4), ([72, 69, 65, 53], 4), ([71, 67, 62, 55], 4), ([72, 67, 64, 48], 8)]);
        let ours = piece(&[
            ([72, 67, 64, 48], 4),
            ([72, 69, 65, 53], 4),
            ([71, 67, 62, 55], 4),
            ([72, 67, 64, 52], 2),
            ([72, 70, 64, 52], 6),
        ]);
        let [bach_found, ours_found] = [&bach, &ours].map(|piece| GiveAways::of(piece, &bach));
        let check = |name: &str, bach: usize, ours: usize| {
            assert_eq!(row(&bach_found, name), Share { count: bach, of: 1 }, "Bach: {name}");
            assert_eq!(row(&ours_found, name), Share { count: ours, of: 1 }, "ours: {name}");
        };
        check("nothing moves", 1, 0);
        check("triad over its root", 1, 0);
        check("seventh or dissonance", 0, 1);
        check("both over their roots", 1, 0);
        check("leading tone rises", 1, 1);
        check("bass falls a fifth", 1, 0);
        check("last bass note", 1, 0);
        assert_eq!(row(&bach_found, "V on beats"), Share { count: 1, of: 5 });
    }
}
