//! What the names of a file's lines say beside each other: a voice is one until another is called the tune, and a first or second
//! only where there are two.

use super::names::{
    are_of_shape_notes, is_of_lower_voice, is_tenor, is_the_tune, may_be_a_sound, number, speaks_for_melody,
    without_number,
};
use super::profile::Profile;
use super::weigh::{BESIDE, BESIDE_THE_TUNE, FULL_COVERAGE, LIKE_A_TUNE, SINGS_ALONE, compass};
use crate::score::Tick;

/// A line, as far as its name is concerned.
pub(super) struct Named<'a> {
    pub name: Option<&'a str>,
    pub profile: &'a Profile,
    /// Of the piece, the part in which it sounds, from 0 to 1.
    pub coverage: f64,
    pub is_pitched: bool,
    /// Whether it breaks chords beside a tune.
    pub is_figure: bool,
    pub has_words: bool,
}

/// What is known of a line by its name and of its name by the other lines.
#[derive(Clone, Copy)]
pub(super) struct Said {
    /// What its name says for its being the melody, by itself.
    pub alone: f64,
    /// The same beside the others.
    pub value: f64,
    /// Whether it only holds long notes without words while another goes on as a tune.
    pub is_held: bool,
}

/// What calls its line as much as this names a singer or the tune: whoever is called the second comes behind it.
const A_FIRST: f64 = 0.85;

/// What the second of several says beside the first.
const A_SECOND: f64 = -0.1;

/// What a held sound says that is called a voice.
const A_SOUND: f64 = 0.2;

/// Notes of so many quarters each, and so many times fewer than a tune beside them has, are held.
const HELD: u64 = 3;
const FEWER: usize = 3;

/// What lies within people's compass less than this is no tune that voices go along with.
const SUNG: f64 = 0.5;

/// What the name of each line says.
pub(super) fn names_say(lines: &[Named], quarter: Tick) -> Vec<Said> {
    let is_whole = |line: &Named| {
        line.is_pitched && !line.is_figure && line.profile.single >= SINGS_ALONE && line.coverage >= FULL_COVERAGE
    };
    let says: Vec<f64> = lines.iter().map(|line| line.name.map_or(0.0, speaks_for_melody)).collect();
    let moves = |(line, says): &(&Named, &f64)| {
        let profile = line.profile;
        is_whole(line) && **says >= 0.0 && profile.motion >= LIKE_A_TUNE && compass(profile) >= SUNG
    };
    let most_notes = lines.iter().zip(&says).filter(moves).map(|(line, _)| line.profile.tune.len()).max().unwrap_or(0);
    let is_held = |line: &Named| {
        let notes = line.profile.tune.len();
        let is_slow = line.profile.sounding >= HELD * u64::from(quarter) * notes as u64;
        is_slow && !line.has_words && FEWER * notes <= most_notes
    };
    // What plays chords may have the title for a name.
    let tunes = || lines.iter().filter(|line| is_whole(line)).filter_map(|line| line.name).filter(|it| is_the_tune(it));
    let has_the_tune = tunes().next().is_some();
    let has_it_alone = tunes().any(|name| !is_of_lower_voice(name));
    let is_of_shape_notes = !has_the_tune && are_of_shape_notes(lines.iter().filter_map(|line| line.name));
    let seconds = seconds(lines, &says, is_whole);
    let value = |index: usize, line: &Named, is_held: bool| {
        let (says, Some(name)) = (says[index], line.name) else { return 0.0 };
        let is_lesser = || has_the_tune && !is_the_tune(name) || has_it_alone && is_of_lower_voice(name);
        match () {
            () if is_of_shape_notes && is_tenor(name) => 1.0,
            () if is_of_shape_notes => says.min(0.0),
            () if seconds[index] => says.min(A_SECOND),
            () if is_held && may_be_a_sound(name) => says.min(A_SOUND),
            () if is_lesser() => says.min(BESIDE_THE_TUNE),
            () => says,
        }
    };
    let said = |(index, line): (usize, &Named)| {
        let is_held = is_held(line);
        Said { alone: says[index], value: value(index, line, is_held), is_held }
    };
    lines.iter().enumerate().map(said).collect()
}

/// Which lines are called the second of what another is the first of, or of what sings, where the first sounds about as long, and
/// has words if they do.
fn seconds(lines: &[Named], says: &[f64], is_whole: impl Fn(&Named) -> bool) -> Vec<bool> {
    let places: Vec<u32> = lines.iter().map(|line| line.name.map_or(1, number)).collect();
    let kinds: Vec<Option<String>> = lines.iter().map(|line| line.name.map(without_number)).collect();
    let firsts: Vec<usize> = (0..lines.len()).filter(|&it| says[it] > 0.0 && is_whole(&lines[it])).collect();
    let is_second = |index: usize| {
        let line = &lines[index];
        let is_before = |&first: &usize| {
            let (place, other) = (places[first], &lines[first]);
            place < places[index]
                && (kinds[first] == kinds[index] || place == 1 && says[first] >= A_FIRST)
                && other.profile.sounding as f64 >= BESIDE * line.profile.sounding as f64
                && (other.has_words || !line.has_words)
        };
        says[index] > 0.0 && places[index] > 1 && firsts.iter().any(is_before)
    };
    (0..lines.len()).map(is_second).collect()
}
