//! How good the harmony is under a player who is followed, by figures of its chords.

mod human;

use std::sync::Arc;

use chorale::{Sonority, has_semitone_dissonance};
use harmonizer::{Harmonizer, Purpose, Sampling, guard_for};
use human::{Hands, Tune, TuneNote, perform, tune};
use live::Worker;
use network::Model;
use session::Settings;
use session::clock::{self, ClockSource};

const TUNES: [&str; 8] =
    ["all_through", "austria", "eventide", "ein_feste_burg", "god_rest", "nun_danket", "ode_to_joy", "st_anne"];

#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    /// Of a hundred strikes those whose chord is consonant, has two pitches a semitone apart, and stands on the player's
    /// own sixteenth of the beat.
    consonant: f64,
    clashing: f64,
    in_place: f64,
    /// Notes of lower parts a beat.
    changes: f64,
}

fn figures(tunes: &[Tune], hands: Hands, source: ClockSource, named: f64) -> Figures {
    let model = Arc::new(Model::wavenet().unwrap());
    let (mut total, mut strikes, mut beats) = (Figures::default(), 0.0, 0.0);
    for (tune, seed) in tunes.iter().zip(0..) {
        let clock = clock::Settings { source, rate: human::RATE, tempo: named, first: tune.first() };
        let settings = Settings::new(clock);
        let sampling = Sampling { seed, guard: guard_for(&model, Purpose::Live), ..Sampling::default() };
        let harmonizer = Harmonizer::new(Arc::clone(&model), sampling);
        let (mut worker, first) = Worker::new(harmonizer, None, &settings).unwrap();
        let keys = Hands { seed: hands.seed + seed, ..hands }.play(tune);
        let heard = perform(settings, &first, &human::messages(&keys), |request| {
            worker.follow(request).unwrap();
            worker.table().unwrap().into_iter().collect()
        });
        for ((_, position, parts), (_, _, note)) in heard.strikes.iter().zip(&keys) {
            strikes += 1.0;
            total.consonant += f64::from(u8::from(Sonority::of(parts).is_consonant()));
            total.clashing += f64::from(u8::from(has_semitone_dissonance(parts)));
            total.in_place += f64::from(u8::from(position % 4 == note.start % 4));
        }
        beats += keys.iter().map(|(_, _, note)| note.length as f64 / 4.0).sum::<f64>();
        let lower = heard.sent.iter().filter(|message| message.is_note_on() && message.part.index() > 0);
        total.changes += lower.count() as f64;
    }
    let share = |count: f64| 100.0 * count / strikes;
    Figures {
        consonant: share(total.consonant),
        clashing: share(total.clashing),
        in_place: share(total.in_place),
        changes: total.changes / beats,
    }
}

/// The same tune in notes of half the length.
fn halved(tune: &Tune) -> Tune {
    let half = |note: &TuneNote| TuneNote { start: note.start / 2, length: (note.length / 2).max(1), ..*note };
    Tune { notes: tune.notes.iter().map(half).collect(), ..*tune }
}

#[test]
#[ignore = "takes minutes: make data"]
fn the_harmony_of_a_player_who_is_followed_suffers_little_from_a_rubato() {
    let tunes = TUNES.map(tune);
    let halves: Vec<Tune> = tunes.iter().map(halved).collect();
    let steady = Hands { deviation: 20.0, ..Hands::default() };
    let rubato = Hands { rubato: 0.15, ..steady };
    let faster = Hands { tempo: 100.0, ..steady };
    let told = |name: &str, tunes: &[Tune], hands: Hands, source: ClockSource| {
        let figures = figures(tunes, hands, source, 80.0);
        println!("{name:<40} {figures:.1?}");
        figures
    };
    for source in [ClockSource::Internal, ClockSource::Follow] {
        let [even, free] = [("steady", steady), ("rubato of 15 %", rubato)]
            .map(|(name, hands)| told(&format!("{source:?}, {name}"), &tunes, hands, source));
        assert!(free.consonant > 0.85 * even.consonant, "{source:?}: {free:?}, steady {even:?}");
    }
    told("Follow, played 100, named 80", &tunes, faster, ClockSource::Follow);
    told("Follow, half the lengths", &halves, steady, ClockSource::Follow);
}
