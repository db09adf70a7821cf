//! A plugin's host: its transport is the clock.

use super::*;
use crate::clock::HostTransport;

fn hosted() -> Player {
    let mut settings = settings();
    settings.clock.source = clock::ClockSource::Host;
    Player::with(settings)
}

/// 60 quarters a minute in 4/4: a sixteenth is 250 units.
fn song(quarters: f64) -> HostTransport {
    let bar = (quarters / 4.0).floor() * 4.0;
    HostTransport { is_playing: true, quarters, bar, tempo: 60.0, metre: clock::Metre::default() }
}

fn standing(quarters: f64) -> HostTransport {
    HostTransport { is_playing: false, ..song(quarters) }
}

impl Player {
    fn told(&mut self, at: Time, told: HostTransport) -> Vec<(u8, &'static str, u8)> {
        if at > self.session.now() {
            self.at(at - 1);
        }
        let from = self.sent.len();
        self.session.host(at, &told);
        self.collect(true);
        described(&self.sent[from..])
    }
}

#[test]
fn steps_begin_where_the_song_has_its_sixteenths_and_a_loop_goes_on() {
    let mut player = hosted();
    player.told(0, song(2.0));
    assert_eq!(player.session.position(), 8);
    player.down(10, 72);
    player.at(1010);
    assert_eq!(player.session.position(), 12);
    let asked = player.reports.last().unwrap().step;
    player.told(1250, song(0.0));
    assert_eq!((player.session.position(), player.session.soprano().map(Pitch::midi)), (0, Some(72)));
    assert_eq!(player.reports.last().unwrap().step, asked + 1, "steps go up where positions go back");
    player.at(1500);
    assert_eq!(player.session.position(), 1);
}

#[test]
fn a_loop_that_is_told_with_the_next_block_makes_no_step_of_its_own() {
    let mut player = hosted();
    player.told(0, song(3.5));
    player.down(0, 72);
    player.at(499);
    let asked = player.reports.last().unwrap().step;
    player.at(500);
    player.told(530, song(0.03));
    assert_eq!((player.session.position(), player.reports.last().unwrap().step), (0, asked + 1));
}

#[test]
fn beside_a_song_the_next_table_is_asked_for_once_a_key_that_is_late_can_have_come_and_in_the_same_step() {
    let mut player = hosted();
    player.told(0, song(0.0));
    player.down(0, 72);
    let mut asked = Vec::new();
    for at in 1..=4000 {
        let before = player.reports.len();
        player.at(at);
        let steps = player.reports[before..].iter().map(|report| report.step);
        asked.extend(steps.map(|step| (step, at % 250)));
    }
    let mut steps: Vec<u64> = asked.iter().map(|(step, _)| *step).collect();
    steps.dedup();
    assert_eq!(steps.len(), asked.len(), "once a step: {asked:?}");
    assert!(steps.windows(2).all(|pair| pair[1] == pair[0] + 1), "in each step: {steps:?}");
    assert!(asked.iter().all(|(_, after)| *after < 125), "before a key may belong to the next step: {asked:?}");
    assert!(asked.iter().any(|(_, after)| *after > 0), "{asked:?}");
}

#[test]
fn a_stop_ends_every_note_and_the_next_start_is_the_beginning_of_a_piece() {
    let mut player = hosted();
    player.told(0, song(0.0));
    player.down(0, 72);
    let ended = player.told(600, standing(0.6));
    assert_eq!(ended[..4], [(1, "off", 72), (2, "off", 68), (3, "off", 60), (4, "off", 48)]);
    let report = *player.reports.last().unwrap();
    assert_eq!((report.previous, report.chord, report.restarts), (Chord::START, None, 1));
    player.told(700, standing(0.0));
    let restarts = player.reports.last().unwrap().restarts;
    player.told(2000, song(0.0));
    assert_eq!(player.reports.last().unwrap().restarts, restarts, "its table was there before");
    assert_eq!(player.down(2000, 72).len(), 4, "answered in the first frame");
}

#[test]
fn while_the_song_stands_the_first_key_starts_our_own_clock_at_the_hosts_tempo() {
    let mut player = hosted();
    player.told(0, HostTransport { tempo: 120.0, ..standing(4.0) });
    player.down(1000, 72);
    player.at(1520);
    assert_eq!(player.session.position(), 20, "four sixteenths of 125 after the playhead's place");
    player.told(1600, standing(0.0));
    assert!(player.session.soprano().is_some(), "the playhead disturbs nobody who plays");
    player.told(1700, song(0.0));
    assert!(player.session.soprano().is_none());
    assert_eq!(player.session.position(), 0);
}

#[test]
fn in_another_metre_the_beats_are_the_hosts() {
    let mut player = hosted();
    let six = clock::Metre::Bars { numerator: 6, denominator: 8 };
    player.told(0, HostTransport { metre: six, bar: 0.0, ..song(0.0) });
    player.down(0, 72);
    player.at(1500);
    assert_eq!(player.session.position(), 4, "a dotted quarter is a beat of four steps");
    player.told(3000, HostTransport { bar: 3.0, ..song(3.0) });
    player.at(3120);
    assert_eq!(player.reports.last().unwrap().phases[0], chorale::Phase::in_bar(0));
}

#[test]
fn a_part_is_moved_by_octaves_from_its_next_note_on_and_what_sounds_ends_where_it_sounds() {
    let mut player = hosted();
    player.told(0, song(0.0));
    player.down(0, 72);
    player.session.set_register(100, Part::Bass, -1, 0.5);
    let moved = player.down(1000, 74);
    assert!(moved.contains(&(4, "off", 48)) && moved.contains(&(4, "on", 38)), "{moved:?}");
}

fn transport() -> impl Strategy<Value = HostTransport> {
    let metre = prop::sample::select(vec!["4/4", "3/4", "6/8", "free"]);
    (any::<bool>(), -8.0..1e4, -8.0..1e4, 1.0..900.0, metre).prop_map(|(is_playing, quarters, bar, tempo, metre)| {
        HostTransport { is_playing, quarters, bar, tempo, metre: metre.parse().unwrap() }
    })
}

proptest! {
    #[test]
    fn whatever_a_host_tells_every_note_ends_once_and_time_goes_on(
        events in prop::collection::vec((0u64..3000, 55u8..85, prop::option::of(transport())), 1..100),
        runs: bool,
    ) {
        let mut player = hosted();
        let (mut now, mut told) = (0, song(0.0));
        for (wait, key, jump) in events {
            now += wait;
            match jump {
                Some(jump) => { player.told(now, jump); told = jump; }
                // The song goes on, as a host tells it with each block.
                None if runs && told.is_playing => {
                    told.quarters += wait as f64 / 1000.0 * told.tempo / 60.0;
                    player.told(now, told);
                }
                None => {}
            }
            player.down(now, key);
            let begun = player.session.position();
            player.at(now + 1 + wait / 2);
            prop_assert!(player.session.position() >= begun || player.session.clock().goes_by_keys());
            player.up(now + 1 + wait / 2, key);
            now += 1 + wait / 2;
        }
        player.told(now + 1, standing(0.0));
        player.session.stop(now + 1);
        player.collect(true);
        let mut check = NoteCheck::default();
        player.sent.iter().for_each(|message| check.message(message));
        check.end();
    }
}
