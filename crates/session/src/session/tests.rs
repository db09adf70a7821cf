use chorale::{Part, Token};
use proptest::prelude::*;

use super::*;
use crate::clock;
use crate::control::{self, Binding, Control, Trigger};
use crate::songs::Song;

mod click;
mod hands;
mod host;

/// 1000 units a second and 60 beats a minute: a step is 250 units, a beat 1000.
fn settings() -> Settings {
    Settings::new(clock::Settings { source: clock::ClockSource::Strict, rate: 1000.0, tempo: 60.0, first: 0 })
}

fn without_soprano() -> Settings {
    let mut settings = settings();
    settings.routes[0].muted = true;
    settings
}

const STEP: Time = 250;
const BEAT: Time = 1000;

/// A harmony that can be followed by eye: the alto lies 4 semitones under the soprano in even steps and 5 in odd
/// ones, the tenor always sings C4, the bass doubles the soprano two octaves below.
fn table(step: u64, after: Chord) -> AnswerTable {
    table_over(step, after, None)
}

/// Over a given bass the tenor sings D4.
fn table_over(step: u64, after: Chord, bass: Option<Token>) -> AnswerTable {
    let chords = std::array::from_fn(|index| {
        let soprano = Token::from_index(index).unwrap();
        let pitch = soprano.pitch().map_or(72, |pitch| i32::from(pitch.midi()));
        let token = |midi: i32| Token::from_pitch(Pitch::new(midi.clamp(36, 81) as u8).unwrap()).unwrap();
        let tenor = if bass.is_some() { 62 } else { 60 };
        let alto = pitch - 4 - (step % 2) as i32;
        Chord([soprano, token(alto), token(tenor), bass.unwrap_or(token(pitch - 24))])
    });
    AnswerTable { number: 0, is_present: false, step, after, bass, chords }
}

/// The tables that a report asks for.
fn tables_for(report: &TableRequest) -> Vec<AnswerTable> {
    let present = report.is_present_void.then(|| table_over(report.step, report.previous, report.bass));
    let next = table_over(report.step + 1, report.chord.unwrap_or(report.previous), report.bass);
    present.into_iter().chain([next]).collect()
}

/// A session whose tables come at once.
struct Player {
    session: Session,
    sent: Vec<Message>,
    reports: Vec<TableRequest>,
    /// How often a step began with the very tick at which its table was asked for anew, so that none could be in time.
    hurried: u64,
}

impl Player {
    fn new() -> Player {
        Player::with(settings())
    }

    fn with(settings: Settings) -> Player {
        let mut session = Session::new(settings);
        session.table(0, &table(0, Chord::START));
        Player { session, sent: Vec::new(), reports: Vec::new(), hurried: 0 }
    }

    fn play(&mut self, at: Time, bytes: &[u8]) -> Vec<(u8, &'static str, u8)> {
        if at > self.session.now() {
            self.at(at - 1);
        }
        let from = self.sent.len();
        self.session.midi(at, bytes);
        self.collect(true);
        described(&self.sent[from..])
    }

    fn down(&mut self, at: Time, key: u8) -> Vec<(u8, &'static str, u8)> {
        self.play(at, &[0x90, key, 80])
    }

    fn up(&mut self, at: Time, key: u8) -> Vec<(u8, &'static str, u8)> {
        self.play(at, &[0x80, key, 0])
    }

    /// Lets the time pass, step by step so that each table is there in time.
    fn at(&mut self, until: Time) -> Vec<(u8, &'static str, u8)> {
        let from = self.sent.len();
        while let Some(due) = self.session.due().filter(|&due| due <= until) {
            self.session.advance(due);
            self.collect(true);
        }
        self.session.advance(until);
        self.collect(true);
        described(&self.sent[from..])
    }

    fn collect(&mut self, with_tables: bool) {
        while let Some(message) = self.session.next_message() {
            self.sent.extend(Some(message).filter(|message| message.is_heard));
            self.session.sent();
        }
        let mut before: Option<u64> = None;
        while let Some(report) = self.session.next_request() {
            self.hurried += u64::from(before.is_some_and(|step| step < report.step));
            before = Some(report.step);
            self.reports.push(report);
            if with_tables {
                tables_for(&report).iter().for_each(|table| self.session.table(0, table));
                while let Some(message) = self.session.next_message() {
                    self.sent.extend(Some(message).filter(|message| message.is_heard));
                    self.session.sent();
                }
            }
        }
    }
}

/// (part's channel from 1, on or off, pitch).
fn described(messages: &[Message]) -> Vec<(u8, &'static str, u8)> {
    let kind = |status: u8| match status & 0xf0 {
        0x90 => "on",
        0x80 => "off",
        _ => "control",
    };
    messages.iter().map(|message| (message.bytes()[0] % 16 + 1, kind(message.bytes()[0]), message.bytes()[1])).collect()
}

#[test]
fn a_struck_soprano_is_answered_at_once_on_channels_of_their_own_with_its_velocity() {
    let mut player = Player::new();
    assert_eq!(player.down(7, 72), [(1, "on", 72), (2, "on", 68), (3, "on", 60), (4, "on", 48)]);
    assert!(player.sent.iter().all(|message| message.at == 7 && message.bytes()[2] == 80));
}

#[test]
fn the_soprano_is_left_out_when_it_sounds_elsewhere() {
    let mut player = Player::with(without_soprano());
    assert_eq!(player.down(0, 72), [(2, "on", 68), (3, "on", 60), (4, "on", 48)]);
    assert_eq!(player.up(100, 72), []);
}

#[test]
fn a_part_that_keeps_its_pitch_holds_unless_the_soprano_is_struck_again() {
    let mut player = Player::new();
    player.down(0, 72);
    let moved = [(1, "off", 72), (1, "on", 74), (2, "off", 68), (2, "on", 70), (4, "off", 48), (4, "on", 50)];
    assert_eq!(player.down(160, 74), moved);
    player.up(165, 72);
    assert_eq!(player.up(300, 74), [(1, "off", 74)]);
    let struck_again = player.down(460, 74);
    let struck: Vec<u8> = struck_again.iter().filter(|event| event.1 == "on").map(|event| event.0).collect();
    assert_eq!(struck, [1, 2, 3, 4]);
}

#[test]
fn inner_parts_move_at_the_step_boundary_while_the_soprano_holds() {
    let mut player = Player::new();
    player.down(1000, 72);
    player.at(1000 + 40 * BEAT);
    let moved: Vec<Time> = player.sent.iter().rev().filter(|on| on.bytes()[0] == 0x91).map(|on| on.at % STEP).collect();
    assert_eq!(moved[..8], [0; 8], "once no key is expected");
}

#[test]
fn a_late_note_revises_its_step_and_one_just_before_the_beat_belongs_to_the_next() {
    let mut player = Player::new();
    player.down(0, 72);
    player.at(3 * STEP);
    let before = player.session.previous;
    player.down(3 * STEP + 30, 74);
    let revised = *player.reports.last().unwrap();
    assert_eq!((revised.step, revised.previous), (3, before));
    assert_eq!(revised.chord, Some(table(3, before).chords[74 - 35]));

    let played = player.down(4 * STEP - 50, 76);
    assert!(played.contains(&(2, "on", 72)), "answered from step 4, where the alto is a third below: {played:?}");
    let next = *player.reports.last().unwrap();
    assert_eq!((next.step, next.previous), (4, revised.chord.unwrap()));
    assert_eq!(player.at(4 * STEP), [], "step 4 has begun already");
    assert_eq!(player.reports.last(), Some(&next));
    assert!(player.at(5 * STEP + 100).contains(&(2, "on", 71)));
}

#[test]
fn a_gap_shorter_than_a_beat_is_articulation_and_a_longer_one_silence() {
    let mut player = Player::new();
    player.down(0, 72);
    assert_eq!(player.up(100, 72), [(1, "off", 72)]);
    player.at(100 + 149);
    assert_eq!(player.session.sounding().iter().flatten().count(), 3);
    let released = player.at(100 + 150);
    assert_eq!(released.len(), 3);
    assert_eq!(player.session.sounding(), [None; 4]);
    player.at(100 + BEAT - 1);
    let last = player.reports.last().unwrap().chord.unwrap();
    assert_eq!(last.pitches().map(|pitch| pitch.unwrap().midi()), [72, 68, 60, 48], "the network hears it still");
    player.at(100 + BEAT);
    player.at(20 * BEAT);
    let silent = *player.reports.last().unwrap();
    assert_eq!((silent.step, silent.previous, silent.chord), (80, last, None), "the bar goes on, the network waits");
    assert_eq!(player.down(20 * BEAT + 10, 74).len(), 4);
    assert_eq!(player.session.counts().missed, 0);
}

#[test]
fn of_keys_struck_together_the_highest_is_the_soprano() {
    let mut player = Player::new();
    player.down(0, 72);
    assert_eq!(player.down(10, 67), []);
    assert!(player.down(20, 76).contains(&(1, "on", 76)));
    assert_eq!(player.up(30, 67), []);
    assert_eq!(player.session.soprano().unwrap().midi(), 76);
}

#[test]
fn a_legato_line_goes_down_although_the_finger_before_is_late() {
    let mut player = Player::new();
    player.down(0, 74);
    assert!(player.down(600, 72).contains(&(1, "on", 72)));
    assert_eq!(player.up(640, 74), [], "the late finger leaves unheard");
    assert_eq!(player.down(900, 48), [], "an accompaniment far below is not the melody");
}

#[test]
fn a_key_still_held_returns_but_the_keys_of_a_chord_leave_together() {
    let mut player = Player::new();
    player.down(0, 72);
    player.down(100, 74);
    player.up(150, 74);
    assert!(player.at(200).contains(&(1, "on", 72)), "the trill's main note returns");

    player.up(300, 72);
    for (at, key) in [(400, 72), (500, 76), (510, 79)] {
        player.down(at, key);
    }
    for (at, key) in [(700, 79), (710, 76), (720, 72)] {
        player.up(at, key);
    }
    let after = player.at(1200);
    assert!(after.iter().all(|event| event.0 != 1), "the soprano stays silent: {after:?}");
}

#[test]
fn note_on_with_velocity_0_and_all_sound_off_end_notes() {
    let mut player = Player::new();
    player.down(0, 72);
    assert_eq!(player.play(50, &[0x95, 72, 0]), [(1, "off", 72)]);
    player.down(100, 74);
    let ended = player.play(120, &[0xb3, 120, 0]);
    assert_eq!(ended.iter().filter(|event| event.1 == "off").count(), 4);
    assert_eq!(player.session.sounding(), [None; 4]);
    assert_eq!(player.at(140), []);
}

#[test]
fn the_pedal_holds_the_soprano_and_a_new_one_ends_it_once() {
    let mut player = Player::new();
    player.down(0, 72);
    assert_eq!(player.play(10, &[0xb0, 64, 127]), []);
    assert_eq!(player.up(100, 72), []);
    player.at(3 * BEAT);
    assert_eq!(player.session.sounding()[0].unwrap().midi(), 72, "no silence under the pedal");

    let struck = player.down(3 * BEAT, 72);
    assert!(struck.starts_with(&[(1, "off", 72), (1, "on", 72)]), "struck again under the pedal: {struck:?}");
    player.up(3 * BEAT + 100, 72);
    assert!(player.down(3 * BEAT + 200, 60).contains(&(1, "on", 60)), "an octave lower: the other key is up");
    player.up(3 * BEAT + 300, 60);
    assert_eq!(player.play(3 * BEAT + 310, &[0xb0, 64, 0]), [(1, "off", 60)]);
}

#[test]
fn sostenuto_holds_the_keys_that_were_down_and_no_others() {
    let mut player = Player::new();
    player.down(0, 72);
    player.play(10, &[0xb0, 66, 127]);
    assert_eq!(player.up(100, 72), []);
    player.down(200, 76);
    assert_eq!(player.up(300, 76), [(1, "off", 76)]);
    player.down(400, 72);
    player.up(500, 72);
    assert_eq!(player.play(600, &[0xb0, 66, 0]), [(1, "off", 72)]);
}

#[test]
fn running_status_pressure_and_bend_are_understood_and_shared() {
    let mut player = Player::new();
    player.down(0, 72);
    assert_eq!(player.play(10, &[0xe0, 0, 80]).len(), 4);
    assert_eq!(player.play(11, &[0xd0, 33]).len(), 4);
    assert_eq!(*player.sent.last().unwrap().bytes(), [0xd3, 33]);
    assert_eq!(player.play(12, &[0xa0, 72, 50]).len(), 4);
    assert_eq!(*player.sent.last().unwrap().bytes(), [0xa3, 48, 50]);
    assert_eq!(player.play(13, &[0xa0, 50, 50]), [], "the pressure of no soprano's key");
    player.play(100, &[0x90, 74, 80]);
    assert!(player.play(200, &[76, 80]).contains(&(1, "on", 76)), "running status");
}

#[test]
fn our_own_messages_that_come_back_are_ignored_and_counted() {
    let mut player = Player::new();
    for message in player.down(0, 72).len().checked_sub(4).map(|_| player.sent.clone()).unwrap() {
        assert_eq!(player.play(20, &message.bytes()), []);
    }
    assert_eq!((player.session.counts().echoes, player.session.counts().notes), (4, 1));
    assert_eq!(player.up(150, 72), [(1, "off", 72)], "the key itself is no echo");
}

#[test]
fn in_a_legato_line_on_the_sopranos_channel_a_release_like_ours_is_the_players() {
    let mut player = Player::new();
    player.down(0, 72);
    player.down(500, 74);
    player.play(530, &[0x80, 72, 64]);
    player.play(900, &[0x80, 74, 64]);
    assert_eq!(player.session.counts().echoes, 0);
    assert!(player.at(1000).iter().all(|event| event.0 != 1), "no key is left down that could return");
    player.at(900 + BEAT);
    assert_eq!(player.session.sounding(), [None; 4]);
}

#[test]
fn keys_below_the_split_are_passed_on_and_make_no_melody() {
    let mut settings = settings();
    settings.split = Some(KeyboardSplit { key: 60, channel: 4, below: Below::Through });
    let mut player = Player::with(settings);
    assert_eq!(player.down(0, 48), [(5, "on", 48)]);
    assert_eq!(player.down(10, 72).len(), 4);
    assert_eq!(player.play(20, &[0xb0, 64, 127]), [(5, "control", 64)]);
    assert_eq!(player.up(30, 48), [(5, "off", 48)]);
    player.down(40, 50);
    player.session.stop(50);
    player.collect(false);
    assert!(described(&player.sent).contains(&(5, "off", 50)));
}

fn with_bass() -> Player {
    let mut settings = settings();
    settings.split = Some(KeyboardSplit { key: 60, channel: 4, below: Below::Bass });
    Player::with(settings)
}

#[test]
fn keys_below_the_split_can_be_the_bass_which_sounds_at_once_and_alto_and_tenor_follow_it() {
    let mut player = with_bass();
    player.down(0, 72);
    let given = player.play(20, &[0x90, 45, 70]);
    assert_eq!(given, [(4, "off", 48), (4, "on", 45)]);
    assert_eq!(player.at(160), [(3, "off", 60), (3, "on", 62)], "once the parts were not just struck");
    assert!(player.sent.iter().any(|message| *message.bytes() == [0x93, 45, 70]), "as loud as its own key");
    let report = *player.reports.last().unwrap();
    assert_eq!(report.chord.unwrap()[Part::Bass].pitch().unwrap().midi(), 45);
    let moved = player.down(220, 74);
    assert!(moved.contains(&(2, "on", 69)) && moved.iter().all(|event| event.0 != 4), "{moved:?}");
    assert!(player.at(STEP).iter().all(|event| event.0 != 4), "nor does it move by itself");
}

#[test]
fn the_last_low_key_struck_is_the_bass_and_after_it_the_lowest_still_held() {
    let mut player = with_bass();
    player.down(0, 72);
    player.down(0, 48);
    assert_eq!(player.down(100, 43), [(4, "off", 48), (4, "on", 43)]);
    player.down(105, 55);
    assert_eq!(player.up(126, 55), [(4, "off", 55), (4, "on", 43)]);
    assert_eq!(player.up(130, 43), [(4, "off", 43), (4, "on", 48)]);
    player.play(135, &[0xb0, 64, 127]);
    assert_eq!(player.up(140, 48), [], "the pedal holds it");
    player.at(149);
    assert_eq!(player.play(150, &[0xb0, 64, 0]), [(4, "off", 48)]);
    assert_eq!(player.session.sounding()[3], None, "a gap, in which the network hears it still");
    assert_eq!(player.reports.last().unwrap().bass.unwrap().pitch().unwrap().midi(), 48);
    let after = player.at(150 + BEAT);
    assert!(after.iter().any(|event| (event.0, event.1) == (4, "on")), "the network's own bass again: {after:?}");
    assert_eq!(player.reports.last().unwrap().bass, None);
}

#[test]
fn a_bass_below_the_networks_range_is_heard_there_and_known_by_its_octave() {
    let mut player = with_bass();
    player.down(0, 72);
    assert!(player.down(10, 24).contains(&(4, "on", 24)));
    assert_eq!(player.reports.last().unwrap().bass.unwrap().pitch().unwrap().midi(), 36);
    player.up(20, 72);
    player.at(20 + BEAT);
    assert_eq!(player.session.sounding().map(|pitch| pitch.map(Pitch::midi)), [None, None, None, Some(24)]);
    player.session.stop(30 + BEAT);
    player.collect(false);
    assert_eq!(player.session.sounding(), [None; 4]);
}

#[test]
fn held_harmony_and_frozen_parts_stay_on_their_notes_and_the_network_knows() {
    let mut player = Player::new();
    player.down(0, 72);
    player.session.control(10, Control::Freeze(Part::Bass), 127);
    let moved = player.down(150, 74);
    assert!(moved.iter().all(|event| event.0 != 4) && moved.contains(&(2, "on", 70)), "{moved:?}");
    assert_eq!(player.reports.last().unwrap().chord.unwrap()[Part::Bass].pitch().unwrap().midi(), 48);

    player.session.control(160, Control::Hold, 127);
    player.up(170, 72);
    assert_eq!(player.down(180, 76), [(1, "off", 74), (1, "on", 76)]);
    player.up(240, 74);
    player.up(250, 76);
    player.at(5 * BEAT);
    assert_eq!(player.session.sounding().iter().flatten().count(), 3, "held through silence");
    player.session.control(5 * BEAT, Control::Freeze(Part::Bass), 0);
    player.session.control(5 * BEAT, Control::Hold, 0);
    assert_eq!(player.session.sounding(), [None; 4]);
}

#[test]
fn density_says_where_the_lower_parts_may_move_by_themselves() {
    let moves = |value: u8| {
        let mut player = Player::new();
        player.session.control(0, Control::Density, value);
        player.down(0, 72);
        player.at(2 * BEAT - 1).iter().filter(|event| event.1 == "on").count()
    };
    assert_eq!([moves(127), moves(80), moves(0)], [7, 0, 0], "the table's alto moves on every odd step");
}

#[test]
fn a_bound_key_is_a_button_and_no_melody() {
    let mut settings = settings();
    let trigger = control::Trigger { is_note: true, channel: None, number: 36 };
    settings.bindings[0] = Some(Binding { trigger, control: Control::Mute(Part::Alto) });
    let trigger = control::Trigger { is_note: false, channel: Some(0), number: 20 };
    settings.bindings[1] = Some(Binding { trigger, control: Control::Panic });
    let mut player = Player::with(settings);
    player.down(0, 72);
    assert_eq!(player.down(100, 36), [(2, "off", 68)]);
    player.up(150, 36);
    assert!(player.session.is_on(Control::Mute(Part::Alto)));
    player.down(200, 36);
    assert!(!player.session.is_on(Control::Mute(Part::Alto)));
    player.play(220, &[0xb0, 20, 127]);
    assert_eq!(player.session.sounding(), [None; 4]);
}

#[test]
fn a_pedal_bound_to_a_push_control_pushes_once_on_its_way_down_and_a_button_that_sends_only_its_pushes_each_time() {
    let mut settings = with_songs();
    let trigger = Trigger { is_note: false, channel: None, number: 67 };
    settings.bindings[2] = Some(Binding { trigger, control: Control::NextSong });
    let mut player = Player::with(settings);
    let mut songs = |values: &[u8]| {
        let mut at = player.session.now();
        for &value in values {
            at += 10;
            player.play(at, &[0xb0, 67, value]);
        }
        player.session.song()
    };
    assert_eq!(songs(&[20, 63]), None);
    assert_eq!(songs(&[64, 80, 101, 127, 110, 70]), Some(0));
    assert_eq!(songs(&[40, 0, 30]), Some(0));
    assert_eq!(songs(&[90, 127]), Some(1));
    assert_eq!(songs(&[0]), Some(1));
    let trigger = Trigger { is_note: false, channel: None, number: 68 };
    let mut settings = settings_with_tap(trigger);
    settings.clock.tempo = 60.0;
    let mut player = Player::with(settings);
    [100, 700, 1310, 1900].into_iter().for_each(|at| drop(player.play(at, &[0xb0, 68, 127])));
    assert_eq!(player.session.clock().tempo(), 100.0);
}

fn settings_with_tap(trigger: Trigger) -> Settings {
    let mut settings = settings();
    settings.bindings[0] = Some(Binding { trigger, control: Control::Tap });
    settings
}

#[test]
fn midi_clock_starts_moves_and_stops_the_steps() {
    let clock = clock::Settings { source: clock::ClockSource::Midi, rate: 1000.0, tempo: 60.0, first: 0 };
    let mut player = Player::with(Settings::new(clock));
    player.play(0, &[0xfa]);
    // 125 beats a minute: 20 units a tick, 120 a step.
    for tick in 0..24 {
        player.play(100 + 20 * tick, &[0xf8]);
        if tick == 0 {
            player.down(100, 72);
        }
    }
    assert_eq!(player.session.position(), 3);
    let moved = described(&player.sent);
    assert_eq!(moved.iter().filter(|event| **event == (2, "on", 67)).count(), 2, "in steps 1 and 3: {moved:?}");
    assert!(player.play(580, &[0xfc]).contains(&(1, "off", 72)));
    assert_eq!(player.at(5000), []);
    assert_eq!(player.session.counts().missed, 0);
}

#[test]
fn a_followed_player_who_slows_down_gets_the_beat_back() {
    let clock = clock::Settings { source: clock::ClockSource::Follow, rate: 1000.0, tempo: 60.0, first: 0 };
    let mut player = Player::with(Settings::new(clock));
    let mut at = 0;
    for (number, key) in (0..).zip([72, 74, 76, 74, 72, 71, 72]) {
        player.down(at, key);
        assert_eq!(player.session.position(), 4 * number, "each note on its beat");
        player.up(at + 600, key);
        at += 1000 + 60 * number;
    }
    assert_eq!(player.session.counts().missed, 0);
}

#[test]
fn what_is_no_note_is_passed_over() {
    let mut player = Player::new();
    player.down(0, 72);
    for bytes in [&[0xf8][..], &[0xfe], &[0xb0, 5, 9], &[0xc0, 1], &[], &[0x90, 200, 1], &[0xf0, 1, 2, 0xf7], &[5]] {
        assert_eq!(player.play(10, bytes), [], "{bytes:?}");
    }
}

#[test]
fn a_soprano_outside_the_trained_range_is_answered_as_its_octave() {
    let mut player = Player::new();
    assert_eq!(player.down(0, 48), [(1, "on", 48), (2, "on", 44), (3, "on", 48), (4, "on", 24)]);
    assert_eq!(player.reports.last().unwrap().chord.unwrap()[Part::Soprano].pitch().unwrap().midi(), 60);
    let above = player.down(150, 96);
    assert!(
        above.ends_with(&[(4, "off", 24), (4, "on", 48)]),
        "low enough under 72, an octave or two below: {above:?}"
    );
}

#[test]
fn a_late_table_is_counted_and_adopted_when_it_comes() {
    let mut session = Session::new(settings());
    assert!(session.midi(0, &[0x90, 72, 80]));
    let drain = |session: &mut Session| {
        let mut sent = Vec::new();
        while let Some(message) = session.next_message() {
            sent.push(message);
            session.sent();
        }
        described(&sent)
    };
    assert_eq!((drain(&mut session), session.counts().missed), (vec![(1, "on", 72)], 1));
    session.table(20, &table(0, Chord::START));
    assert_eq!(drain(&mut session), [(2, "on", 68), (3, "on", 60), (4, "on", 48)]);

    session.advance(STEP);
    assert_eq!((drain(&mut session), session.counts().missed), (vec![], 2), "the harmony holds");
    let report = std::iter::from_fn(|| session.next_request()).last().unwrap();
    session.table(STEP + 9, &table(1, Chord::START));
    assert_eq!(drain(&mut session), [], "a table after another chord is void");
    session.table(STEP + 9, &table(1, report.previous));
    assert_eq!(drain(&mut session), [(2, "off", 68), (2, "on", 67)]);
}

#[test]
fn a_worker_too_slow_for_the_tempo_makes_the_harmony_lag_but_not_stop() {
    let mut session = Session::new(settings());
    let mut on_the_way: Option<(Time, AnswerTable)> = Some((380, table(0, Chord::START)));
    let mut begun = Vec::new();
    for now in 0..8 * BEAT {
        match now {
            0 | 5000 => drop(session.midi(now, &[0x90, 72, 80])),
            2500 => drop(session.midi(now, &[0x80, 72, 0])),
            _ => session.advance(now),
        }
        if let Some((_, table)) = on_the_way.take_if(|(arrival, _)| *arrival == now) {
            session.table(now, &table);
        }
        if on_the_way.is_none() {
            let report = std::iter::from_fn(|| session.next_request()).last();
            let after = |report: TableRequest| report.chord.unwrap_or(report.previous);
            on_the_way = report.map(|report| (now + 380, table(report.step + 1, after(report))));
        }
        while let Some(message) = session.next_message() {
            if message.bytes()[0] & 0xf0 == 0x90 {
                begun.push((message.at, message.bytes()[0] & 0x0f));
            }
            session.sent();
        }
    }
    let begun_in =
        |from: Time, to: Time| begun.iter().filter(|(at, part)| *part > 0 && (from..to).contains(at)).count();
    assert!(session.counts().missed > 10);
    assert_eq!((begun_in(0, 380), begun_in(380, 381)), (0, 3));
    assert!(begun_in(400, 3000) > 1, "{begun:?}");
    assert!(begun_in(5000, 5800) >= 3, "sounds again after the silence: {begun:?}");
}

#[test]
fn a_port_that_takes_nothing_delays_messages_but_loses_no_note_off() {
    let mut session = Session::new(settings());
    session.table(0, &table(0, Chord::START));
    for at in (0..60_000).step_by(60) {
        session.midi(at, &[0x90, 60 + (at / 60 % 20) as u8, 80]);
    }
    session.stop(60_000);
    assert!(session.dropped() > 0);
    let mut check = NoteCheck::default();
    while let Some(message) = session.next_message() {
        check.message(&message);
        session.sent();
    }
    check.end();
}

/// Follows messages as an instrument would and panics at the first that breaks the rules.
#[derive(Default)]
struct NoteCheck {
    sounding: [Option<u8>; 4],
    /// Keys below the split, on the fifth channel.
    through: std::collections::BTreeSet<u8>,
    is_clicking: bool,
    last: Time,
}

impl NoteCheck {
    fn message(&mut self, message: &Message) {
        assert!(message.at >= self.last, "time goes back at {message:?}");
        self.last = message.at;
        let (status, pitch) = (message.bytes()[0], message.bytes()[1]);
        match status {
            0x94 => return assert!(self.through.insert(pitch), "{message:?}"),
            0x84 => return assert!(self.through.remove(&pitch), "{message:?}"),
            0xb4 => return assert!([64, 66].contains(&pitch), "{message:?}"),
            0x99 => return assert!(!std::mem::replace(&mut self.is_clicking, true), "{message:?}"),
            0x89 => return assert!(std::mem::take(&mut self.is_clicking), "{message:?}"),
            0xb9 => return assert_eq!(pitch, 123, "{message:?}"),
            _ => {}
        }
        let part = &mut self.sounding[usize::from(status & 0x0f)];
        match status & 0xf0 {
            0x90 => assert_eq!(part.replace(pitch), None, "two notes in a part at {message:?}"),
            0x80 => assert_eq!(part.take(), Some(pitch), "the end of a note that does not sound at {message:?}"),
            0xb0 => assert!([1, 2, 7, 11, 80, 81, 82, 83, 123].contains(&pitch), "{message:?}"),
            _ => assert!(matches!(status & 0xf0, 0xa0 | 0xd0 | 0xe0), "{message:?}"),
        }
    }

    fn end(&self) {
        assert_eq!(self.sounding, [None; 4], "notes outlive the stop");
        assert!(self.through.is_empty(), "keys outlive the stop");
        assert!(!self.is_clicking, "a click outlives the stop");
    }
}

#[derive(Clone, Debug)]
enum Event {
    Midi(Vec<u8>),
    Wait,
    /// All tables asked for so far arrive.
    Tables,
    /// A table that nobody asked for.
    Stray(u64),
    Control(Control, u8),
    InputLost,
    OutputRegained,
    /// Whether the port takes messages from now on.
    Port(bool),
}

fn event() -> impl Strategy<Value = (Time, Event)> {
    let key = prop_oneof![55u8..85, 0u8..=127];
    let midi = prop_oneof![
        6 => (0u8..16, key.clone(), 0u8..=127).prop_map(|(channel, key, velocity)| vec![0x90 | channel, key, velocity]),
        4 => (0u8..16, key, 0u8..=127).prop_map(|(channel, key, velocity)| vec![0x80 | channel, key, velocity]),
        2 => prop::sample::select(vec![
            vec![0xb0, 123, 0], vec![0xb1, 120, 0], vec![0xfe], vec![0xb0, 64, 127], vec![0xb0, 64, 0],
            vec![0xb0, 66, 127], vec![0xb0, 66, 0], vec![0xe0, 1, 70], vec![0xd0, 9], vec![0xb0, 121, 0],
            vec![0xfa], vec![0xfb], vec![0xfc], vec![0xf2, 3, 0],
        ]),
        3 => Just(vec![0xf8]),
        1 => prop::collection::vec(any::<u8>(), 0..5),
    ];
    let event = prop_oneof![
        8 => midi.prop_map(Event::Midi),
        4 => Just(Event::Wait),
        8 => Just(Event::Tables),
        1 => (0u64..40).prop_map(Event::Stray),
        2 => (prop::sample::select(Control::ALL.to_vec()), 0u8..128)
            .prop_map(|(control, value)| Event::Control(control, value)),
        1 => prop::sample::select(vec![
            Event::InputLost, Event::OutputRegained, Event::Port(false), Event::Port(true), Event::Port(true),
        ]),
    ];
    (prop_oneof![3 => 0u64..60, 2 => 0u64..400, 1 => 0u64..4000], event)
}

fn split() -> impl Strategy<Value = KeyboardSplit> {
    let below = prop::sample::select(vec![Below::Through, Below::Bass]);
    (30u8..80, below).prop_map(|(key, below)| KeyboardSplit { key, channel: 4, below })
}

fn with_songs() -> Settings {
    let mut settings = settings();
    settings.songs[0] = Some(Song { tempo: Some(120.0), density: Some(0), ..Song::default() });
    settings.songs[1] = Some(Song { transpose: Some(2), program: Some(19), registration: Some(3), ..Song::default() });
    settings
}

#[test]
fn a_key_is_told_by_a_controller_and_by_a_song_and_forgotten_with_a_song_that_has_none() {
    let mut settings = with_songs();
    let named = |name: &str| Some(name.parse::<chorale::Key>().unwrap());
    settings.key = named("Eb");
    settings.songs[0].as_mut().unwrap().key = named("Gb");
    let trigger = Trigger { is_note: false, channel: None, number: 20 };
    settings.bindings[0] = Some(Binding { trigger, control: Control::Key });
    let mut player = Player::with(settings);
    player.down(0, 72);
    player.play(10, &[0xb0, 20, control::key_value(named("f#"))]);
    assert_eq!(player.reports.last().unwrap().overrides.key, named("f#"), "the networks are told");
    player.play(20, &[0xb0, 20, 0]);
    assert_eq!(player.session.overrides().key, None);
    player.play(30, &[0xc0, 0]);
    assert_eq!(player.reports.last().unwrap().overrides.key, named("Gb"));
    player.play(40, &[0xc0, 1]);
    assert_eq!(player.reports.last().unwrap().overrides.key, named("Eb"), "as the performance was begun");
}

#[test]
fn a_song_has_a_metre_of_its_own_and_a_pickup_as_long_as_the_others() {
    let mut settings = with_songs();
    (settings.clock.first, settings.songs[0].as_mut().unwrap().metre) = (12, "3/4".parse().ok());
    let mut player = Player::with(settings);
    player.down(0, 72);
    player.play(100, &[0xc0, 0]);
    player.down(1000, 72);
    assert_eq!((player.session.position(), player.session.clock().metre()), (8, "3/4".parse().unwrap()));
    player.play(3000, &[0xc0, 1]);
    player.down(4000, 72);
    assert_eq!((player.session.position(), player.session.clock().metre()), (12, "4/4".parse().unwrap()));
}

#[test]
fn under_a_master_clock_a_songs_metre_counts_the_same_sixteenths_in_other_bars() {
    let mut settings = with_songs();
    settings.clock = clock::Settings { source: clock::ClockSource::Midi, rate: 1000.0, tempo: 60.0, first: 0 };
    settings.songs[0].as_mut().unwrap().metre = "6/8".parse().ok();
    let mut player = Player::with(settings);
    player.play(900, &[0xfa]);
    let tick = |player: &mut Player, ticks: std::ops::Range<u64>| {
        ticks.for_each(|tick| drop(player.play(1000 + tick * 1000 / 24, &[0xf8])));
    };
    tick(&mut player, 0..78);
    assert_eq!(player.session.position(), 12);
    player.play(1000 + 78 * 1000 / 24, &[0xc0, 0]);
    assert_eq!((player.session.position(), player.session.clock().sixteenth(8)), (8, 12));
    tick(&mut player, 79..6 * 18 + 2);
    assert_eq!(player.session.position(), 12, "three dotted quarters");
}

#[test]
fn an_output_that_comes_back_is_told_sounds_loudness_and_stops_as_they_were_last() {
    let mut settings = with_songs();
    settings.routes[3].program = Some(42);
    settings.routes[0].muted = true;
    let mut player = Player::with(settings);
    for (controller, value) in [(7, 100), (11, 90), (7, 80), (1, 50), (81, 127)] {
        player.play(10, &[0xb0, controller, value]);
    }
    let regain = |player: &mut Player, at: Time| {
        let from = player.sent.len();
        player.session.output_regained(at);
        player.collect(true);
        let sent = player.sent[from..].iter().map(|message| message.bytes().to_vec());
        sent.filter(|bytes| bytes[1] != 123).collect::<Vec<_>>()
    };
    let kept = |values: &[[u8; 2]]| -> Vec<Vec<u8>> {
        values
            .iter()
            .flat_map(|[controller, value]| (1..4).map(|part| vec![0xb0 | part, *controller, *value]))
            .collect()
    };
    let mut expected = vec![vec![0xc3, 42]];
    expected.extend(kept(&[[7, 80], [11, 90], [81, 127]]));
    assert_eq!(regain(&mut player, 20), expected);
    player.play(30, &[0xc0, 1]);
    let after = regain(&mut player, 40);
    assert_eq!(after[..4], (0..4).map(|part| vec![0xc0 | part, 19]).collect::<Vec<_>>(), "the song's sound");
    assert_eq!(after[4..], kept(&[[7, 80], [11, 90], [80, 127], [81, 127], [82, 127], [83, 127]]));
}

#[test]
fn a_program_change_chooses_a_song_which_ends_what_sounds_and_begins_with_the_next_key() {
    let mut player = Player::with(with_songs());
    player.down(0, 72);
    player.at(3 * BEAT);
    let chosen = player.play(3 * BEAT + 10, &[0xc0, 0]);
    assert_eq!(chosen.iter().filter(|(_, what, _)| *what == "off").count(), 4, "{chosen:?}");
    assert_eq!((player.session.song(), player.session.density()), (Some(0), Density::Still));
    assert_eq!(player.session.clock().tempo(), 120.0);
    let request = *player.reports.last().unwrap();
    assert_eq!((request.restarts, request.previous, request.chord), (1, Chord::START, None));
    // Long after, on the first beat of a bar, answered like any other.
    let missed = player.session.counts().missed;
    let first = player.down(5 * BEAT + 77, 74);
    assert_eq!(first.iter().filter(|(_, what, _)| *what == "on").count(), 4, "{first:?}");
    assert_eq!((player.session.position(), player.session.counts().missed), (0, missed));
    assert_eq!(player.play(6 * BEAT, &[0xc0, 9]), [], "no song has that number");
    assert_eq!(player.session.song(), Some(0));
}

#[test]
fn the_next_song_and_the_one_before_are_chosen_by_a_pedal_and_set_all_that_they_name() {
    let mut settings = with_songs();
    let trigger = |number| Trigger { is_note: false, channel: None, number };
    settings.bindings[0] = Some(Binding { trigger: trigger(20), control: Control::NextSong });
    settings.bindings[1] = Some(Binding { trigger: trigger(21), control: Control::PreviousSong });
    let mut player = Player::with(settings);
    let mut press = |at: Time, number: u8| {
        player.play(at, &[0xb0, number, 127]);
        player.play(at + 1, &[0xb0, number, 0]);
        player.session.song()
    };
    assert_eq!([press(10, 20), press(20, 20), press(30, 20), press(40, 21), press(50, 21)], [0, 1, 1, 0, 0].map(Some));
    press(60, 20);
    assert_eq!((player.session.transposition(), player.session.registration()), (2, 3));
    let programs = player.sent.iter().filter(|message| message.bytes()[..] == [0xc3, 19]).count();
    assert_eq!(programs, 2, "the bass has got its sound each time");
    assert_eq!(player.down(100, 72)[0], (1, "on", 74));
    player.session.control(110, Control::Transpose, 64);
    assert_eq!(player.play(200, &[0x80, 72, 0])[0], (1, "off", 74), "the key ends what it began");
}

#[test]
fn with_an_offset_the_music_is_so_much_later_or_earlier_than_midi_clock() {
    let boundary = |offset: f64| {
        let clock = clock::Settings { source: clock::ClockSource::Midi, rate: 1000.0, tempo: 120.0, first: 0 };
        let mut settings = Settings::new(clock);
        settings.clock_offset = offset;
        let mut session = Session::new(settings);
        session.midi(1000, &[0xfa]);
        // 120 beats a minute: a tick each 20.8 ms.
        for tick in 0..97u64 {
            session.midi(1000 + tick * 125 / 6, &[0xf8]);
        }
        session.clock().boundary(20).unwrap()
    };
    let usual = boundary(0.0);
    assert_eq!([boundary(0.03), boundary(-0.03)], [usual + 30, usual - 30]);
}

fn perform(events: &[(Time, Event)], settings: Settings) -> Vec<Message> {
    perform_seen(events, settings, |_, _| {})
}

/// `see` is shown each report as soon as it is made. It is answered when the event [`Event::Tables`] comes.
fn perform_seen(
    events: &[(Time, Event)],
    settings: Settings,
    mut see: impl FnMut(&Session, &TableRequest),
) -> Vec<Message> {
    let mut asked: Vec<TableRequest> = Vec::new();
    let mut session = Session::new(settings);
    session.table(0, &table(0, Chord::START));
    let mut sent = Vec::new();
    let (mut now, mut takes) = (0, true);
    let mut collect = |session: &mut Session, takes: bool| {
        while let Some(message) = session.next_message().filter(|_| takes) {
            sent.extend(Some(message).filter(|message| message.is_heard));
            session.sent();
        }
        let mut reports = Vec::new();
        while let Some(report) = session.next_request() {
            see(session, &report);
            reports.push(report);
        }
        reports
    };
    for (wait, event) in events {
        // Step by step, so that no report goes by unseen.
        while let Some(due) = session.due().filter(|&due| due <= now + wait) {
            session.advance(due);
            asked.extend(collect(&mut session, takes));
        }
        now += wait;
        match event {
            Event::Midi(bytes) => drop(session.midi(now, bytes)),
            Event::Wait => session.advance(now),
            Event::Control(control, value) => session.control(now, *control, *value),
            Event::InputLost => session.input_lost(now),
            Event::OutputRegained => session.output_regained(now),
            Event::Port(is_free) => takes = *is_free,
            Event::Stray(step) => session.table(now, &table(*step, Chord::SILENCE)),
            Event::Tables => {
                for report in asked.drain(..) {
                    tables_for(&report).iter().for_each(|table| session.table(now, table));
                }
            }
        }
        if matches!(event, Event::InputLost | Event::Control(Control::Panic, _)) {
            assert_eq!(session.sounding(), [None; 4], "nothing sounds on after {event:?}");
        }
        asked.extend(collect(&mut session, takes));
    }
    session.stop(now);
    session.midi(now + 1, &[0x90, 72, 80]);
    session.advance(now + 10 * BEAT);
    collect(&mut session, true);
    sent
}

const SOURCES: [clock::ClockSource; 4] = {
    use clock::ClockSource::{Follow, Internal, Midi, Strict};
    [Internal, Strict, Midi, Follow]
};

proptest! {
    #[test]
    fn whatever_is_played_every_note_ends_once_and_parts_never_mix(
        events in prop::collection::vec(event(), 0..200),
        source in prop::sample::select(SOURCES.to_vec()),
        pass_soprano: bool,
        clicks: bool,
        split in prop::option::of(split()),
    ) {
        let mut settings = if pass_soprano { settings() } else { without_soprano() };
        settings.click.is_on = clicks;
        (settings.clock.source, settings.split) = (source, split);
        let sent = perform(&events, settings);
        let mut check = NoteCheck::default();
        let has_mute = events.iter().any(|(_, event)| matches!(event, Event::Control(Control::Mute(_), _)));
        for message in &sent {
            check.message(message);
            prop_assert!(pass_soprano || has_mute || message.bytes()[0] & 0x0f != 0, "the soprano is not ours");
        }
        check.end();
        prop_assert_eq!(&sent, &perform(&events, settings), "the same events give the same bytes");
    }

    #[test]
    fn the_off_of_a_key_that_is_down_is_never_an_echo(
        strikes in prop::collection::vec((21u64..400, 55u8..85, 0u8..4, prop::sample::select(vec![0u8, 64])), 1..60),
    ) {
        let mut player = Player::new();
        let (mut now, mut down) = (0, std::collections::BTreeMap::new());
        for (wait, key, channel, release) in strikes {
            now += wait;
            match down.remove(&key) {
                Some(channel) => player.play(now, &[0x80 | channel, key, release]),
                None => {
                    down.insert(key, channel);
                    player.play(now, &[0x90 | channel, key, 1 + key])
                }
            };
            let is_down = |key: &u8| player.session.keys.is_down(*key);
            prop_assert_eq!((0..128).filter(is_down).collect::<Vec<_>>(), down.keys().copied().collect::<Vec<_>>());
        }
        for (key, channel) in down {
            now += 1;
            player.play(now, &[0x80 | channel, key, 64]);
        }
        player.at(now + 2 * BEAT);
        prop_assert_eq!(player.session.sounding(), [None; 4], "nothing sounds without a key");
    }

    #[test]
    fn the_network_is_told_what_was_played_and_nothing_else(
        events in prop::collection::vec(event(), 0..200),
        source in prop::sample::select(SOURCES.to_vec()),
        split in prop::option::of(split()),
    ) {
        let mut settings = settings();
        (settings.clock.source, settings.split) = (source, split);
        let mut last: Option<TableRequest> = None;
        perform_seen(&events, settings, |session, report| {
            let before = last.filter(|last| last.restarts == report.restarts);
            let begun_anew = (Chord::START, if last.is_none() { 0 } else { report.step });
            let (previous, begun) = before.map_or(begun_anew, |last| match last.chord {
                Some(chord) if report.step != last.step => (chord, last.step),
                _ => (last.previous, last.step),
            });
            assert_eq!(report.previous, previous, "the last chord of the step before is final");
            assert!(report.step <= begun + 1, "no step is left out");
            // A bass struck in a silence is no chord.
            let sounding = if session.soprano().is_some() { session.sounding() } else { [None; 4] };
            for (part, sounding) in Part::LOWER.into_iter().zip(&sounding[1..]) {
                let told = report.chord.and_then(|chord| chord[part].pitch());
                if let (Some(sounding), Some(told)) = (sounding, told) {
                    let is_octave = (sounding.midi().abs_diff(told.midi())).is_multiple_of(12);
                    assert!(is_octave, "{part:?} sings {sounding} but {told} is told");
                }
            }
            last = Some(*report);
        });
    }

    #[test]
    fn on_one_shared_channel_every_pitch_ends_as_often_as_it_begins(
        events in prop::collection::vec(event(), 0..200),
    ) {
        let mut settings = settings();
        settings.routes.iter_mut().for_each(|route| (route.channel, route.octave) = (2, -1));
        let mut sounding = [false; 128];
        for message in perform(&events, settings) {
            let [status, key, _] = *message.bytes() else { continue };
            match status {
                0x92 => prop_assert!(!std::mem::replace(&mut sounding[usize::from(key)], true), "{:?}", message),
                0x82 => prop_assert!(std::mem::replace(&mut sounding[usize::from(key)], false), "{:?}", message),
                _ => {}
            }
        }
        prop_assert_eq!(sounding, [false; 128]);
    }

    #[test]
    fn when_tables_are_in_time_each_struck_soprano_sounds_with_three_parts(
        melody in prop::collection::vec((55u64..2000, 60u8..=81, 10u64..3000), 1..40),
    ) {
        let mut player = Player::new();
        let mut now = 0;
        for (wait, key, length) in melody {
            now += wait;
            player.down(now, key);
            let sounding = player.session.sounding();
            prop_assert_eq!(sounding[0].map(Pitch::midi), Some(key));
            prop_assert!(sounding.iter().all(Option::is_some));
            now += length;
            player.up(now, key);
        }
        prop_assert!(player.session.counts().missed <= player.hurried);
    }
}

#[test]
fn only_a_table_that_is_asked_for_as_its_step_begins_can_miss_it() {
    let mut player = Player::new();
    // A key of 77 ticks, and the next one 58 later: what becomes of that is settled when step 20 begins.
    for (down, up, key) in [(55, 1159, 60), (2173, 3791, 60), (4780, 4857, 60), (4915, 5056, 61)] {
        player.down(down, key);
        assert!(player.session.sounding().iter().all(Option::is_some));
        player.up(up, key);
    }
    assert_eq!((player.session.counts().missed, player.hurried), (1, 1));
}
