//! How well our own clock goes with a person who has no metronome.

mod human;
mod plain;

use chorale::Chord;
use human::{Hands, Tune, perform, tune};
use session::Settings;
use session::clock::{self, ClockSource};

const TUNES: [&str; 8] =
    ["all_through", "austria", "eventide", "ein_feste_burg", "god_rest", "nun_danket", "ode_to_joy", "st_anne"];

/// Of a hundred notes those on the player's own sixteenth, up to the commonest difference.
fn right(tune: &Tune, hands: &Hands, source: ClockSource) -> f64 {
    let clock = clock::Settings { source, rate: human::RATE, tempo: 80.0, first: tune.first() };
    let keys = hands.play(tune);
    let heard = perform(Settings::new(clock), &plain::table(0, Chord::START), &human::messages(&keys), plain::answer);
    assert_eq!(heard.strikes.len(), keys.len());
    let both = heard.strikes.iter().zip(&keys);
    let off: Vec<i64> = both.map(|((_, position, _), (_, _, note))| *position as i64 - note.start as i64).collect();
    let count = |difference: i64| off.iter().filter(|&&other| other == difference).count();
    let most = off.iter().map(|&difference| count(difference)).max().unwrap_or(0);
    100.0 * most as f64 / off.len() as f64
}

/// Over all tunes and some seeds.
fn mean_right(hands: Hands, source: ClockSource) -> f64 {
    let tunes = TUNES.map(tune);
    let shares: Vec<f64> = (0..4)
        .flat_map(|seed| tunes.iter().map(move |tune| (tune, seed)))
        .map(|(tune, seed)| right(tune, &Hands { seed, ..hands }, source))
        .collect();
    shares.iter().sum::<f64>() / shares.len() as f64
}

fn figures(source: ClockSource) -> Vec<f64> {
    let playing = [(0.0, 0.0), (0.0, 20.0), (0.0, 40.0), (0.04, 20.0), (0.08, 0.0), (0.08, 20.0), (0.08, 40.0)];
    let shares = playing.map(|(rubato, deviation)| {
        let share = mean_right(Hands { deviation, rubato, ..Hands::default() }, source);
        println!("{source:?}, rubato {:.0} %, fingers {deviation} ms: {share:.1} % right", 100.0 * rubato);
        share
    });
    shares.to_vec()
}

#[test]
fn our_own_clock_goes_with_a_rubato_and_is_not_moved_by_the_fingers_of_a_steady_player() {
    let (leaning, strict) = (figures(ClockSource::Internal), figures(ClockSource::Strict));
    assert!(leaning.iter().all(|share| *share > 92.0), "{leaning:?}");
    assert!(leaning.iter().zip(&strict).all(|(leaning, strict)| leaning >= strict), "{leaning:?} {strict:?}");
}

#[test]
fn a_first_key_that_comes_early_does_not_set_the_beat_for_ever() {
    for early in [40.0, 80.0] {
        let hands = Hands { deviation: 20.0, first_early: early, ..Hands::default() };
        let (leaning, strict) = (mean_right(hands, ClockSource::Internal), mean_right(hands, ClockSource::Strict));
        println!("first key {early} ms early: {leaning:.1} % right, {strict:.1} % by a strict clock");
        assert!(leaning > 95.0, "{early} ms: {leaning:.1} %, strict {strict:.1} %");
    }
}

#[test]
fn after_a_long_silence_the_bar_has_gone_on_and_the_player_finds_a_beat() {
    let tune = tune("ode_to_joy");
    let mut keys = Hands { deviation: 20.0, ..Hands::default() }.play(&tune);
    // 40 beats and a seventh.
    keys[20..].iter_mut().for_each(|(on, off, _)| (*on, *off) = (*on + 30.11, *off + 30.11));
    let clock = clock::Settings { source: ClockSource::Internal, rate: human::RATE, tempo: 80.0, first: tune.first() };
    let heard = perform(Settings::new(clock), &plain::table(0, Chord::START), &human::messages(&keys), plain::answer);
    let position = |index: usize| heard.strikes[index].1 as i64 - keys[index].2.start as i64;
    assert_eq!(position(19), 0);
    let later = position(keys.len() - 1);
    assert!(later % 4 == 0 && (152..=168).contains(&later), "some forty beats later, not {later} sixteenths");
}
