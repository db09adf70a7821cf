//! A tune under another hand, in turns with another tune, and above a hand on its own channel.

use super::made_songs::source;
use super::*;
use crate::source::{Source, Track};

const QUARTER: Tick = 480;

/// From pitches, of which 0 is a rest, and lengths in quarters.
fn line(start: f64, notes: &[(u8, f64)]) -> Vec<Note> {
    let mut now = start;
    let mut line = Vec::new();
    for &(pitch, length) in notes {
        let ticks = |quarters: f64| (quarters * f64::from(QUARTER)) as Tick;
        let velocity = 80;
        line.extend((pitch > 0).then(|| Note {
            start: ticks(now),
            end: ticks(now + length),
            pitch: Pitch::new(pitch).unwrap(),
            velocity,
        }));
        now += length;
    }
    line
}

/// Four bars, from a pitch on.
fn tune(start: f64, lowest: u8) -> Vec<Note> {
    let degrees = [0, 2, 4, 7, 5, 4, 2, 4, 5, 4, 2, 0, 2, 0];
    let lengths = [1.0, 0.5, 0.5, 2.0, 1.5, 0.5, 1.0, 1.0, 1.0, 0.5, 0.5, 2.0, 2.0, 2.0];
    line(start, &degrees.into_iter().map(|degree| lowest + degree).zip(lengths).collect::<Vec<_>>())
}

/// Of so many quarters, in eighths.
fn broken_chords(start: f64, quarters: usize, lowest: u8) -> Vec<Note> {
    line(start, &[0, 4, 7, 4].map(|degree| (lowest + degree, 0.5)).repeat(quarters / 2))
}

fn source_of(tracks: &[(&str, Vec<Note>)]) -> Source {
    let track = |(channel, (name, notes)): (u8, &(&str, Vec<Note>))| {
        let mut notes = notes.clone();
        notes.sort_by_key(|note| (note.start, note.pitch));
        Track { name: Some((*name).to_owned()), channels: [(channel, notes)].into(), ..Track::default() }
    };
    source((0..).zip(tracks).map(track).collect())
}

fn found(tracks: &[(&str, Vec<Note>)]) -> Melody {
    Melody::find(&source_of(tracks), &Choice::default()).unwrap()
}

#[test]
fn a_tune_in_the_left_hand_is_taken_and_not_the_chords_that_are_broken_above_it() {
    let left = tune(0.0, 48);
    for (right, name) in [("Right hand", "Left hand"), ("Piano", "Piano"), ("", "")] {
        let above = broken_chords(0.0, 16, 72);
        assert_eq!(found(&[(right, above.clone()), (name, left.clone())]).notes, left, "{name}");
        // Without a tune below it, it is what there is.
        let bass = line(0.0, &[(36, 4.0), (43, 4.0), (41, 4.0), (36, 4.0)]);
        assert_eq!(found(&[(right, above.clone()), (name, bass)]).notes, above, "{name}");
    }
}

#[test]
fn another_tune_that_goes_on_where_the_melody_rests_is_told_with_its_bars() {
    let said = |tracks: &[(&str, Vec<Note>)]| {
        let remarks = found(tracks).remarks;
        remarks.into_iter().find(|remark| remark.starts_with("while it rests")).unwrap_or_default()
    };
    let solos = [("Soprano solo", tune(0.0, 72)), ("Tenor solo", tune(16.0, 60))];
    let told = "while it rests, in bars 5 to 8, track 2 'Tenor solo' channel 2 goes on; --track 2 takes that instead";
    assert_eq!(said(&solos), told);
    let inspection = inspect(&source_of(&solos), &Choice::default()).unwrap();
    assert_eq!(inspection.remarks, [told]);
    let answers = [[tune(16.0, 72), tune(48.0, 72)].concat(), [tune(0.0, 74), tune(32.0, 74)].concat()];
    let [answer, question] = answers;
    let told = said(&[("Lead 1", question), ("Lead 2", answer)]);
    assert!(told.contains("in bars 5 to 8 and 13 to 16, track 2 'Lead 2'"), "{told}");
    assert_eq!(said(&[("Voice", tune(0.0, 72)), ("Piano", tune(16.0, 60))]), "", "an interlude");
    assert_eq!(said(&[("Voice", tune(0.0, 72)), ("Tenor", tune(0.0, 60))]), "", "both at once");
}

#[test]
fn where_the_right_hand_rests_the_left_on_its_channel_is_not_the_tune() {
    let right = [tune(0.0, 72), tune(20.0, 72)].concat();
    for low in [broken_chords(0.0, 36, 48), line(0.0, &[(43, 2.0), (48, 2.0)].repeat(9)), broken_chords(0.0, 36, 62)] {
        let both = [right.clone(), low].concat();
        assert_eq!(found(&[("Piano", both)]).notes, right);
    }
    // A tune that goes down to them all by itself is whole.
    let deep = [tune(0.0, 72), line(16.0, &[(55, 1.0), (79, 1.0), (55, 2.0)])].concat();
    let chords = line(0.0, &[(48, 4.0), (52, 4.0)].repeat(2));
    assert_eq!(found(&[("Piano", [deep.clone(), chords].concat())]).notes, deep);
}

#[test]
fn a_line_without_a_name_that_a_program_sings_is_a_voice() {
    let mut file = source_of(&[("", tune(0.0, 79)), ("", tune(0.0, 60))]);
    let lowest = |file: &Source| Melody::find(file, &Choice::default()).unwrap().notes[0].pitch.midi();
    file.tracks[0].programs.insert(0, 73);
    assert_eq!(lowest(&file), 79, "a flute");
    file.tracks[1].programs.insert(1, 53);
    assert_eq!(lowest(&file), 60);
}
