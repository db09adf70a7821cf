//! Click, count-in and tap tempo.

use super::*;
use crate::{ClickNote, MessageKind};

fn clicking() -> Settings {
    let mut settings = settings();
    settings.click.is_on = true;
    settings
}

/// When a click began, and whether it is accented.
fn clicks(player: &Player) -> Vec<(Time, bool)> {
    player.sent.iter().filter_map(|message| message.click().map(|velocity| (message.at, velocity > 100))).collect()
}

#[test]
fn the_click_begins_with_the_first_key_and_accents_the_first_beat_of_each_bar() {
    let mut settings = clicking();
    settings.metre = "3/4".parse().unwrap();
    let mut player = Player::with(settings);
    assert_eq!(player.at(5000), [], "nobody knows where the beats are");
    let first = player.down(5100, 72);
    assert!(!first.contains(&(10, "on", 76)), "the key goes first");
    player.at(5100 + 4 * BEAT);
    let expected = [(5100, true), (6100, false), (7100, false), (8100, true), (9100, false)];
    assert_eq!(clicks(&player), expected);
    let ends: Vec<Time> =
        player.sent.iter().filter(|message| message.bytes()[..2] == [0x89, 76]).map(|message| message.at).collect();
    assert_eq!(ends, [5150, 6150, 7150, 8150]);
}

#[test]
fn a_click_falls_on_the_clocks_beat_however_early_or_late_the_keys_are() {
    let mut settings = clicking();
    settings.clock.source = clock::ClockSource::Internal;
    let mut player = Player::with(settings);
    for (beat, deviation) in (1..).zip([0i64, -40, 35, -30, 40, -45, 25, -20]) {
        let at = (beat * BEAT).saturating_add_signed(deviation);
        player.down(at, 72 + (beat % 3) as u8);
        player.up(at + 500, 72 + (beat % 3) as u8);
    }
    let clicks: Vec<Time> = clicks(&player).iter().map(|(at, _)| *at).collect();
    assert!((7..=8).contains(&clicks.len()), "{clicks:?}");
    assert!(clicks.windows(2).all(|pair| (900..1100).contains(&(pair[1] - pair[0]))), "{clicks:?}");
}

#[test]
fn in_six_eight_the_dotted_quarter_clicks_and_without_bars_no_beat_is_accented() {
    let of = |metre: &str| {
        let mut settings = clicking();
        settings.metre = metre.parse().unwrap();
        let mut player = Player::with(settings);
        player.down(1000, 72);
        player.at(1000 + 3 * BEAT);
        clicks(&player)
    };
    assert_eq!(of("6/8"), [(1000, true), (2000, false), (3000, true), (4000, false)]);
    assert!(of("free").iter().all(|(_, is_accented)| !is_accented));
}

#[test]
fn the_click_goes_with_a_master_clock_and_stops_with_it() {
    let mut settings = clicking();
    settings.clock = clock::Settings { source: clock::ClockSource::Midi, rate: 1000.0, tempo: 60.0, first: 0 };
    let mut player = Player::with(settings);
    player.play(900, &[0xfa]);
    for tick in 0..50u64 {
        player.play(1000 + tick * 1000 / 24, &[0xf8]);
    }
    player.play(3100, &[0xfc]);
    player.at(9000);
    let told: Vec<(u64, bool)> = clicks(&player).iter().map(|(at, accent)| ((at + 20) / 1000, *accent)).collect();
    assert_eq!(told, [(1, true), (2, false), (3, false)]);
}

#[test]
fn a_followed_player_is_the_clock_and_gets_no_click() {
    let mut settings = clicking();
    settings.clock.source = clock::ClockSource::Follow;
    let mut player = Player::with(settings);
    (1..5).for_each(|beat| drop(player.down(beat * BEAT, 72)));
    assert_eq!(clicks(&player), []);
}

#[test]
fn a_click_that_comes_back_is_no_key_and_what_sounds_is_as_without_it() {
    let play = |settings: Settings| {
        let mut player = Player::with(settings);
        player.down(0, 72);
        for beat in 1..8 {
            player.at(beat * BEAT);
            player.play(beat * BEAT + 10, &[0x99, 76, if beat % 4 == 0 { 127 } else { 72 }]);
            player.play(beat * BEAT + 59, &[0x89, 76, 64]);
        }
        player
    };
    let player = play(clicking());
    assert_eq!((player.session.counts().echoes, player.session.counts().notes), (14, 1));
    let parts = |player: &Player| {
        let of_parts = player.sent.iter().filter(|message| message.kind == MessageKind::Part);
        of_parts.map(|message| (message.at, message.midi)).collect::<Vec<_>>()
    };
    let mut silent = Player::new();
    silent.down(0, 72);
    silent.at(7 * BEAT + 59);
    assert_eq!(parts(&player), parts(&silent));
}

#[test]
fn the_click_is_switched_while_the_clock_runs_and_begins_with_the_next_beat() {
    let mut player = Player::new();
    player.down(1000, 72);
    player.at(2300);
    player.session.control(2300, Control::Click, 127);
    assert!(player.session.is_on(Control::Click));
    player.at(4200);
    player.session.control(4200, Control::Click, 0);
    player.at(9000);
    assert_eq!(clicks(&player), [(3000, false), (4000, false)]);
}

#[test]
fn a_count_in_clicks_and_nothing_else_sounds_and_the_grid_begins_after_it_without_a_key() {
    for source in [clock::ClockSource::Strict, clock::ClockSource::Internal] {
        let mut settings = settings();
        (settings.clock.source, settings.click.count_in) = (source, 2);
        let mut player = Player::with(settings);
        player.at(499);
        player.session.control(500, Control::CountIn, 127);
        assert_eq!(player.session.counted_beat(), Some(1));
        player.at(500 + 5 * BEAT + 10);
        assert_eq!((player.session.counted_beat(), player.session.position()), (Some(2), 0));
        player.at(500 + 8 * BEAT - 30);
        let expected: Vec<_> = (0..8).map(|beat| (500 + beat * BEAT, beat % 4 == 0)).collect();
        assert_eq!(clicks(&player), expected, "{source:?}");
        assert!(player.sent.iter().all(|message| message.kind == MessageKind::Click));
        // Somewhat early, on the first beat of the grid.
        assert_eq!(player.down(500 + 8 * BEAT - 25, 72).iter().filter(|(_, what, _)| *what == "on").count(), 4);
        assert_eq!(player.session.position(), 0);
        assert_eq!(player.session.clock().boundary(4), Some(500 + 9 * BEAT));
        player.at(500 + 8 * BEAT);
        assert_eq!(player.session.counted_beat(), None);
        player.at(500 + 20 * BEAT);
        assert_eq!(clicks(&player).len(), 8, "the click is off");
    }
}

#[test]
fn after_a_count_in_a_key_that_comes_later_is_where_the_grid_has_it() {
    for source in [clock::ClockSource::Strict, clock::ClockSource::Internal] {
        let mut settings = clicking();
        settings.clock.source = source;
        let mut player = Player::with(settings);
        player.session.control(500, Control::CountIn, 127);
        player.at(500 + 4 * BEAT);
        player.down(500 + 6 * BEAT + 20, 72);
        assert_eq!(player.session.position(), 8, "{source:?}");
        player.down(500 + 24 * BEAT - 20, 74);
        assert_eq!(player.session.position(), 80, "{source:?}");
        let clicks: Vec<Time> = clicks(&player).iter().map(|(at, _)| *at).collect();
        assert!(clicks.windows(2).all(|pair| (950..1050).contains(&(pair[1] - pair[0]))), "{clicks:?}");
    }
}

#[test]
fn a_pickup_comes_within_the_last_bar_that_is_counted() {
    let counted = |metre: &str, first: u64| {
        let mut settings = settings();
        (settings.clock.first, settings.metre) = (first, metre.parse().unwrap());
        let mut player = Player::with(settings);
        player.session.control(0, Control::CountIn, 127);
        player.at(12 * BEAT);
        let begins = player.session.clock().boundary(player.session.clock().first_position()).unwrap();
        (clicks(&player).len(), begins)
    };
    assert_eq!(counted("4/4", 0), (4, 4000));
    assert_eq!(counted("4/4", 12), (3, 3000));
    assert_eq!(counted("4/4", 4), (5, 5000), "a pickup of three beats would leave one");
    assert_eq!(counted("3/4", 8), (2, 2000));
    assert_eq!(counted("6/8", 0), (2, 2000));
    assert_eq!(counted("free", 0), (4, 4000));
}

#[test]
fn whoever_plays_in_the_count_is_answered_and_moves_no_beat_of_it() {
    for source in [clock::ClockSource::Strict, clock::ClockSource::Internal] {
        let mut settings = settings();
        settings.clock.source = source;
        let mut player = Player::with(settings);
        player.session.control(0, Control::CountIn, 127);
        assert_eq!(player.down(1700, 72).len(), 4);
        player.up(1900, 72);
        assert_eq!((player.session.position(), player.session.clock().boundary(0)), (0, Some(4000)), "{source:?}");
    }
}

#[test]
fn a_new_song_is_counted_in_at_its_tempo_and_silence_ends_the_count() {
    let mut settings = with_songs();
    settings.click.count_in = 1;
    let mut player = Player::with(settings);
    player.down(0, 72);
    player.at(3 * BEAT);
    player.play(3 * BEAT + 10, &[0xc0, 0]);
    player.at(3 * BEAT + 10 + 2 * BEAT);
    let times: Vec<Time> = clicks(&player).iter().map(|(at, _)| *at - 3 * BEAT - 10).collect();
    assert_eq!(times, [0, 500, 1000, 1500]);
    player.play(7 * BEAT, &[0xc0, 0]);
    player.at(7 * BEAT + 700);
    player.session.control(7 * BEAT + 710, Control::Panic, 127);
    player.at(20 * BEAT);
    assert_eq!(clicks(&player).len(), 6);
    assert_eq!(player.session.clock().boundary(0), None, "the next key starts the clock");
}

#[test]
fn a_tempo_tapped_in_the_count_is_that_of_its_next_beats() {
    let mut player = Player::new();
    player.session.control(0, Control::CountIn, 127);
    player.at(1100);
    player.session.control(1100, Control::Tempo, 80);
    player.at(9000);
    assert_eq!(clicks(&player).iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 1000, 1500, 2000]);
    assert_eq!(player.session.clock().boundary(0), Some(2500));
}

#[test]
fn taps_set_our_own_tempo_and_no_other() {
    let tapped = |source: clock::ClockSource| {
        let mut settings = settings();
        settings.clock.source = source;
        let trigger = Trigger { is_note: true, channel: None, number: 36 };
        settings.bindings[0] = Some(Binding { trigger, control: Control::Tap });
        let mut player = Player::with(settings);
        for at in [100, 700, 1310, 1900] {
            assert_eq!(player.down(at, 36), []);
            player.up(at + 50, 36);
        }
        player.session.clock().tempo()
    };
    use clock::ClockSource::{Follow, Internal, Midi, Strict};
    assert_eq!([Strict, Internal, Midi, Follow].map(tapped), [100.0, 100.0, 60.0, 60.0]);
}

#[test]
fn under_another_clock_than_our_own_nothing_is_counted() {
    for source in [clock::ClockSource::Midi, clock::ClockSource::Follow] {
        let mut settings = settings();
        settings.clock.source = source;
        let mut player = Player::with(settings);
        player.down(0, 72);
        player.session.control(500, Control::CountIn, 127);
        assert!(player.session.sounding().iter().all(Option::is_some), "what sounds goes on");
        player.at(9000);
        assert_eq!(clicks(&player), []);
    }
}

#[test]
fn the_click_has_a_note_of_its_own() {
    let mut settings = clicking();
    settings.click.note = ClickNote { channel: 15, key: 37 };
    let mut player = Player::with(settings);
    player.down(0, 72);
    assert!(player.at(100).starts_with(&[(16, "on", 37), (16, "off", 37)]));
}
