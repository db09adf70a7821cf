//! What hands do to a session: fingers early and late, ornaments, chords, gaps.

use super::*;

/// A legato line, a key a beat, each off by so much.
fn play_line(player: &mut Player, keys: &[u8], deviations: &[i64]) {
    let mut before = None;
    for ((number, &key), deviation) in (1..).zip(keys).zip(deviations.iter().cycle()) {
        let at = (number * BEAT).saturating_add_signed(*deviation);
        player.down(at, key);
        if let Some(before) = before.replace(key) {
            player.up(at + 30, before);
        }
    }
}

/// Begin, end and part of each lower note that has ended.
fn lower_notes(player: &Player) -> Vec<(Time, Time, u8)> {
    let mut begun = [0; 16];
    let mut notes = Vec::new();
    for message in &player.sent {
        let channel = message.bytes()[0] & 0x0f;
        match message.bytes()[0] & 0xf0 {
            0x90 => begun[usize::from(channel)] = message.at,
            0x80 if (1..4).contains(&channel) => notes.push((begun[usize::from(channel)], message.at, channel)),
            _ => {}
        }
    }
    notes
}

fn shortest(player: &Player) -> Time {
    lower_notes(player).iter().map(|(begun, ended, _)| ended - begun).min().unwrap()
}

const LINE: [u8; 12] = [72, 74, 76, 77, 79, 77, 76, 74, 72, 71, 72, 74];

#[test]
fn a_key_at_the_very_moment_of_a_step_comes_before_the_step() {
    let mut player = Player::new();
    play_line(&mut player, &LINE, &[0]);
    assert!(shortest(&player) > 100, "{:?}", lower_notes(&player));
}

#[test]
fn a_finger_that_is_early_or_late_as_usual_moves_the_parts_once() {
    let mut player = Player::new();
    play_line(&mut player, &LINE, &[0, 25, -20, 38, -35, 10, 30, -10]);
    assert!(shortest(&player) > 100, "{:?}", lower_notes(&player));
}

#[test]
fn where_a_key_is_likely_but_none_comes_the_parts_move_late_and_together() {
    let mut player = Player::new();
    player.down(1000, 72);
    player.at(1000 + BEAT - 1);
    assert_eq!(player.at(1000 + BEAT + 10), [], "on the beat they wait");
    assert_eq!(player.at(1000 + BEAT + 60), [(2, "off", 67), (2, "on", 68)]);
}

#[test]
fn a_quarter_late_by_more_than_anybody_waits_is_answered_at_once() {
    let mut player = Player::new();
    play_line(&mut player, &LINE[..4], &[0]);
    let struck = player.down(5 * BEAT + 110, 79);
    assert!(struck.contains(&(1, "on", 79)) && struck.contains(&(4, "on", 55)), "{struck:?}");
}

#[test]
fn under_a_trill_the_lower_parts_stay_within_a_beat() {
    let mut player = Player::new();
    player.down(1000, 72);
    for number in 1..12 {
        let (at, key) = (1000 + 83 * number, if number % 2 == 1 { 74 } else { 72 });
        player.down(at, key);
        player.up(at + 10, 146 - key);
        assert_eq!(player.session.sounding()[0].map(Pitch::midi), Some(key), "the soprano trills");
    }
    let struck = player.sent.iter().filter(|message| message.is_note_on() && message.bytes()[0] == 0x93).count();
    assert_eq!(struck, 1, "the bass does not");
}

#[test]
fn fast_repetitions_do_not_strike_the_lower_parts_again() {
    let mut player = Player::new();
    for number in 0..10 {
        player.down(1000 + 85 * number, 72);
        player.up(1055 + 85 * number, 72);
    }
    let struck = |channel: u8| {
        player.sent.iter().filter(|message| message.is_note_on() && message.bytes()[0] == 0x90 | channel).count()
    };
    assert_eq!([struck(0), struck(3)], [10, 1]);
}

#[test]
fn the_main_note_after_a_grace_note_from_above_sounds_at_once() {
    let mut player = Player::new();
    player.down(960, 74);
    assert!(player.down(1000, 72).contains(&(1, "on", 72)));
    assert_eq!(player.up(1010, 74), []);
    player.down(1960, 77);
    player.down(2000, 72);
    assert!(player.up(2010, 77).contains(&(1, "off", 77)));
    assert!(player.at(2011).contains(&(1, "on", 72)), "a wider one leaves it the melody as it goes up");
}

#[test]
fn a_legato_leap_by_more_than_an_octave_sounds_as_the_upper_key_goes_up() {
    let mut player = Player::new();
    player.down(1000, 84);
    player.down(2000, 67);
    player.up(2040, 84);
    assert!(player.at(2041).contains(&(1, "on", 67)));
}

#[test]
fn a_legato_leap_whose_fingers_overlap_for_long_sounds_once_the_lower_key_was_held_alone_for_as_long() {
    for lower in [55, 60] {
        let mut player = Player::new();
        player.down(1000, 72);
        assert_eq!(player.down(1700, lower), []);
        player.up(1820, 72);
        assert_eq!(player.at(1939), [], "it may be an accompaniment in a gap of the melody");
        assert!(player.at(1940).contains(&(1, "on", lower)));
    }
}

/// A wrong key brushed just before a melody key looks like a second hand.
fn brushed() -> Player {
    let mut player = Player::new();
    for (begin, end, key) in [(1000, 1500, 76), (1600, 2000, 79)] {
        player.down(begin, key);
        player.up(end, key);
    }
    player.down(2170, 67);
    player.down(2200, 81);
    player.up(2230, 67);
    player.up(2700, 81);
    player
}

#[test]
fn low_keys_struck_alone_are_heard_although_a_brushed_key_looked_like_a_second_hand() {
    let mut player = brushed();
    for (number, key) in (0..).zip([60, 61, 62, 60]) {
        let at = 2800 + 300 * number;
        player.down(at, key);
        player.at(at + 121);
        assert_eq!(player.session.sounding()[0].map(Pitch::midi), Some(key), "the key at {at}");
        player.up(at + 200, key);
    }
}

#[test]
fn a_left_hand_that_goes_on_in_the_melodys_gap_stays_silent() {
    let silent = |strike: fn(&mut Player)| {
        let mut player = brushed();
        strike(&mut player);
        player.at(3300);
        assert_eq!(player.session.soprano().map(Pitch::midi), Some(81));
    };
    silent(|player| (60..=64).step_by(4).for_each(|key| drop(player.down(2800, key))));
    silent(|player| {
        player.down(2800, 60);
        player.up(2890, 60);
    });
    let mut player = brushed();
    player.down(2800, 60);
    assert!(player.down(2900, 79).contains(&(1, "on", 79)), "the melody follows");
    assert!(player.at(3300).iter().all(|event| *event != (1, "on", 60)));
    let mut player = Player::new();
    player.play(500, &[0xb0, 64, 127]);
    player.down(970, 64);
    player.down(1000, 81);
    player.up(1100, 64);
    player.up(1400, 81);
    player.down(1500, 60);
    player.at(1900);
    assert_eq!(player.session.soprano().map(Pitch::midi), Some(81), "the pedal holds the melody");
}

#[test]
fn a_key_that_is_sent_on_two_channels_is_one_stroke_and_down_until_both_are_up() {
    for (first, second) in [(0, 1), (6, 2)] {
        let mut player = Player::new();
        let begun = player.play(1000, &[0x90 | first, 72, 80]);
        assert_eq!(begun.len(), 4);
        assert_eq!(player.play(1004, &[0x90 | second, 72, 80]), []);
        player.at(1400);
        assert_eq!(player.play(1500, &[0x80 | first, 72, 0]), []);
        assert_eq!(player.session.sounding()[0].map(Pitch::midi), Some(72));
        assert_eq!(player.play(1503, &[0x80 | second, 72, 0]), [(1, "off", 72)]);
        assert!(player.play(1700, &[0x90 | first, 72, 80]).contains(&(1, "on", 72)));
        assert!(player.play(1900, &[0x90 | second, 72, 80]).contains(&(1, "on", 72)), "another keyboard's own stroke");
    }
}

#[test]
fn a_low_key_held_under_the_melody_does_not_return_in_its_gaps() {
    let mut player = Player::new();
    player.down(1000, 76);
    player.down(1400, 55);
    player.up(1900, 76);
    assert!(player.at(1990).iter().all(|event| event.1 == "off"));
    assert_eq!(player.session.soprano().unwrap().midi(), 76);
}

#[test]
fn keys_that_go_with_the_melody_a_little_before_it_are_not_answered_once_that_is_known() {
    let mut player = Player::new();
    let mut answered = Vec::new();
    for (number, key) in (1..).zip(LINE) {
        let at = number * BEAT;
        for (below, lead) in [(24, 12), (9, 4), (5, 8)] {
            player.down(at - lead, key - below);
        }
        player.down(at, key);
        for below in [0, 5, 9, 24] {
            player.up(at + 900 - Time::from(below), key - below);
        }
        answered.push(player.session.counts().notes);
    }
    let per_chord: Vec<u64> = answered.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(per_chord.iter().all(|&keys| keys == 1), "{per_chord:?}");
}

#[test]
fn a_melody_that_goes_on_alone_after_an_accompaniment_is_heard() {
    let mut player = Player::new();
    for number in 1..5 {
        player.down(number * BEAT, 72);
        player.down(number * BEAT + 5, 60);
        player.up(number * BEAT + 900, 72);
        player.up(number * BEAT + 900, 60);
    }
    player.down(5 * BEAT, 62);
    player.at(5 * BEAT + 50);
    assert_eq!(player.session.sounding()[0].map(Pitch::midi), Some(62));
}

fn released(release: Release) -> (Vec<Time>, [Option<Pitch>; 4]) {
    let mut player = Player::with(Settings { release, ..settings() });
    player.down(1000, 72);
    player.at(1000 + 3 * BEAT - 1);
    player.up(1000 + 3 * BEAT, 72);
    player.at(1000 + 3 * BEAT + 4);
    let from = player.sent.len();
    player.at(1000 + 20 * BEAT);
    assert!(player.sent[from..].iter().all(|message| !message.is_note_on()), "nothing is struck in a silence");
    let ends = player.sent[from..].iter().map(|message| message.at - 1000 - 3 * BEAT).collect();
    (ends, player.session.sounding())
}

#[test]
fn the_lower_parts_end_with_the_player_or_a_beat_later_or_hold() {
    assert_eq!(released(Release::WithMe), (vec![150; 3], [None; 4]));
    assert_eq!(released(Release::Beat), (vec![BEAT; 3], [None; 4]));
    let (ends, sounding) = released(Release::Hold);
    assert_eq!((ends.len(), sounding.iter().flatten().count()), (0, 3));
}

#[test]
fn an_answer_that_comes_after_the_key_is_up_strikes_nothing() {
    let mut session = Session::new(settings());
    session.midi(0, &[0x90, 72, 80]);
    session.midi(60, &[0x80, 72, 0]);
    for at in [70, 300] {
        session.table(at, &table(0, Chord::START));
    }
    let mut struck = Vec::new();
    while let Some(message) = session.next_message() {
        struck.extend(message.is_note_on().then(|| message.bytes()[0]));
        session.sent();
    }
    assert_eq!(struck, [0x90]);
}

#[test]
fn gaps_of_an_articulated_line_do_not_chop_the_harmony() {
    let mut player = Player::new();
    for (number, key) in (1..).zip(LINE) {
        player.down(number * BEAT, key);
        player.up(number * BEAT + 860, key);
    }
    assert!(lower_notes(&player).iter().all(|(_, end, _)| end % BEAT < 860), "{:?}", lower_notes(&player));
}

#[test]
fn all_notes_off_after_the_last_key_changes_nothing_and_the_pedal_holds() {
    let sent = |with: bool, pedal: bool| {
        let mut player = Player::new();
        if pedal {
            player.play(10, &[0xb0, 64, 127]);
        }
        for (number, key) in (1..).zip(LINE) {
            player.down(number * BEAT, key);
            player.up(number * BEAT + 800, key);
            if with {
                player.play(number * BEAT + 801, &[0xb0, 123, 0]);
            }
        }
        if pedal {
            assert_eq!(player.session.sounding().iter().flatten().count(), 4);
        }
        player.play(13 * BEAT, &[0xb0, 64, 0]);
        player.at(20 * BEAT);
        player.sent
    };
    for pedal in [false, true] {
        assert_eq!(sent(true, pedal), sent(false, pedal));
    }
}

#[test]
fn all_notes_off_lifts_keys_whose_own_ends_were_lost() {
    let mut player = Player::new();
    player.down(1000, 72);
    player.play(1500, &[0xb1, 123, 0]);
    assert_eq!(player.session.sounding().iter().flatten().count(), 4, "that is another channel's");
    assert_eq!(player.play(1600, &[0xb0, 123, 0]), [(1, "off", 72)]);
    player.at(3000);
    assert_eq!(player.session.sounding(), [None; 4]);
}

#[test]
fn a_key_that_bounces_strikes_once() {
    let mut player = Player::new();
    for (number, key) in (1..).zip(LINE) {
        let at = number * BEAT;
        player.down(at, key);
        player.up(at + 4, key);
        assert_eq!(player.down(at + 8, key), []);
        player.up(at + 900, key);
    }
    assert_eq!(player.session.counts().notes, LINE.len() as u64);
    player.down(14 * BEAT, 72);
    player.up(14 * BEAT + 4, 72);
    assert!(player.at(14 * BEAT + 30).contains(&(1, "off", 72)), "one that does not come down again has ended");
}

#[test]
fn under_a_left_hand_that_is_early_or_late_alto_and_tenor_move_once() {
    let mut player = with_bass();
    let mut inner = 0;
    for (number, key) in (1..).zip(LINE) {
        let at = number * BEAT;
        let bass = at.saturating_add_signed([-20, 15, 25, -8][number as usize % 4]);
        let low = 40 + number as u8;
        let mut strokes = [(at, key), (bass, low)];
        strokes.sort();
        for (at, key) in strokes {
            player.down(at, key);
        }
        player.at(at + 120);
        inner += player
            .sent
            .iter()
            .filter(|message| message.is_note_on() && [0x91, 0x92].contains(&message.bytes()[0]))
            .filter(|message| message.at > at + 2 && message.at <= at + 120)
            .count();
        player.up(at + 950, key);
        player.up(at + 950, low);
    }
    assert!(inner <= 1, "{inner} of alto and tenor were revised");
}
