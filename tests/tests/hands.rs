//! A player with hands, in virtual time, before the shipped networks: what a short performance of each kind must keep to.

use std::path::Path;
use std::sync::Arc;

use files::melody::Fold;
use harmonizer::{Constraints, Harmonizer, Purpose, Sampling, guard_for, harmonize};
use network::Model;
use session::Settings;
use session::clock::{self, ClockSource};
use tests::hands::{Heard, Manner, Measures, Plan, RATE, Written, judge, perform};

fn tune(name: &str, notes: usize) -> Written {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tunes").join(name);
    Written::open(&path).unwrap().shortened(notes)
}

fn harmonizer(seed: u64) -> Harmonizer {
    let model = Arc::new(Model::lstm().unwrap());
    let guard = guard_for(&model, Purpose::Live);
    Harmonizer::new(model, Sampling { guard, seed, ..Sampling::default() })
}

fn play(written: &Written, manner: &Manner, seed: u64) -> (Measures, Heard) {
    let source = if manner.master { ClockSource::Midi } else { ClockSource::Internal };
    let clock = clock::Settings { source, rate: RATE, tempo: manner.bpm, first: written.first };
    let plan = Plan::new(written, manner, seed);
    let heard = perform(&plan, Settings::new(clock), harmonizer(seed), seed).unwrap();
    let measures = judge(&plan, &heard);
    assert_eq!((measures.faults, measures.after_last), (0, 0), "every note ends once, none begins in the silence");
    (measures, heard)
}

#[test]
fn keys_exactly_on_the_grid_are_answered_as_render_live_answers_them() {
    for (name, master) in [("old_hundredth.abc", false), ("ein_feste_burg.abc", true)] {
        let written = tune(name, 24);
        let chords = harmonize(&written.steps, Fold::of(&written.steps), &Constraints::default(), &mut harmonizer(3));
        let manner = Manner { legato: 1.0, master, ..Manner::default() };
        let (_, heard) = play(&written, &manner, 3);
        let expected = chords.unwrap();
        // The last note ends a little later than it is written.
        assert_eq!(heard.chords[..expected.len()], expected[..], "{name}");
    }
}

#[test]
fn fingers_that_are_early_and_late_are_answered_once_each() {
    let written = tune("ein_feste_burg.abc", 40);
    for (sd, master, most) in [(0.0, false, 0.0), (20.0, false, 5.0), (20.0, true, 5.0), (40.0, true, 10.0)] {
        let (measures, _) = play(&written, &Manner { sd, master, ..Manner::default() }, 5);
        assert_eq!((measures.answered, measures.late), (measures.strikes, 0), "sd {sd}: in the key's own frame");
        assert!(measures.per_strike(measures.false_moves) <= most, "sd {sd}: {measures:?}");
        assert!(measures.per_strike(measures.revised) <= most, "sd {sd}: {measures:?}");
        assert!(measures.per_note(measures.short60) <= 1.0, "sd {sd}: {measures:?}");
    }
}

#[test]
fn two_hands_ornaments_and_pedals_are_answered_once_each() {
    let written = tune("ein_feste_burg.abc", 71);
    let steady = || Manner { sd: 15.0, ..Manner::default() };
    let manners = [
        Manner { chord: vec![5, 9, 24], ..steady() },
        Manner { trill: 0.4, ..steady() },
        Manner { repeat: 0.4, repeat_hz: 12.0, ..steady() },
        Manner { pedal: true, ..steady() },
        Manner { release: 64, legato: 1.0, ..steady() },
    ];
    for manner in manners {
        let (measures, _) = play(&written, &manner, 2);
        assert!(measures.per_strike(measures.false_moves) <= 5.0, "{manner:?}: {measures:?}");
        assert!(measures.per_note(measures.short60) <= 2.0, "{manner:?}: {measures:?}");
        assert!(measures.answered as f64 >= 0.93 * measures.strikes as f64, "{manner:?}: {measures:?}");
        assert!(measures.lowest >= 28, "{manner:?}: {measures:?}");
    }
}
