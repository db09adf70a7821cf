//! The lines of a file, for people and programs that want to know which would be the melody, and why.

use chorale::Pitch;

use super::MelodyError;
use super::find::{Choice, best, eligible, others_of, what_of_it, why, why_alone};
use super::lines::{all_lines, no_lines};
use super::switches::told_switches;
use super::turns::what_goes_on;
use super::weigh::{Candidate, Evidence, weigh};
use crate::source::Source;

/// All lines of a file, and what was decided about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// In the order of the file.
    pub lines: Vec<LineReport>,
    /// What would be made of its notes, or the reason why there is none.
    pub remarks: Vec<String>,
}

/// One line: a channel of a track, a voice of a part.
#[derive(Clone, Debug, PartialEq)]
pub struct LineReport {
    /// The number of its track or part, from 1.
    pub track: usize,
    /// The number of its channel, or of the line in its part, from 1.
    pub channel: u16,
    /// In a score the staff, from 1, and what the file calls the voice there.
    pub place: Option<(u32, String)>,
    pub name: Option<String>,
    pub notes: usize,
    pub lowest: Pitch,
    pub highest: Pitch,
    /// Of the piece, the part in which it sounds, from 0 to 1.
    pub coverage: f64,
    /// How many notes it has at once.
    pub at_once: usize,
    /// How many syllables stand under its notes.
    pub words: usize,
    /// The number of the track or part whose words it sings, having none of its own.
    pub words_of: Option<usize>,
    /// Whether it is drums, which are no melody.
    pub is_percussion: bool,
    pub evidence: Evidence,
    /// Why it is the melody: `for its name and its words`; `None` where it isn't.
    pub taken: Option<String>,
}

/// What [`Melody::find`](super::Melody::find) would choose among, with the line that it would take marked.
///
/// # Errors
/// Where `choice` points to nothing, or there are no notes.
pub fn inspect(file: &Source, choice: &Choice) -> Result<Inspection, MelodyError> {
    let lines = all_lines(file);
    if lines.is_empty() {
        return Err(no_lines(file));
    }
    let candidates = weigh(file, lines);
    let (taken, remarks) = match eligible(file, &candidates, choice) {
        Ok(eligible) => {
            let taken = best(&eligible);
            let others = taken.map_or(Vec::new(), |taken| others_of(taken, &eligible));
            let why = taken
                .map(|taken| why(taken, &others).unwrap_or_else(|| why_alone(file, taken, &candidates, choice).into()));
            let goes_on = taken.and_then(|taken| what_goes_on(file, taken, &others));
            let remarks = taken.and_then(|taken| what_of_it(file, taken));
            let switches = taken.and_then(|taken| told_switches(&taken.line, file));
            (taken.zip(why), goes_on.into_iter().chain(remarks).chain(switches).collect())
        }
        Err(error @ MelodyError::OnlyDrums { .. }) => (None, vec![error.to_string()]),
        Err(error) => return Err(error),
    };
    let report = |candidate: &Candidate| {
        let why = taken.as_ref().filter(|(taken, _)| std::ptr::eq(candidate, *taken)).map(|(_, why)| why.clone());
        report(file, candidate, why)
    };
    Ok(Inspection { lines: candidates.iter().map(report).collect(), remarks })
}

fn report(file: &Source, candidate: &Candidate, taken: Option<String>) -> LineReport {
    let Candidate { line, profile, evidence, words, words_of, coverage, .. } = candidate;
    let track = &file.tracks[line.track];
    let pitches = || line.notes.iter().map(|note| note.pitch);
    LineReport {
        track: line.track + 1,
        channel: line.number(),
        place: track.places.get(&line.channel).map(|place| (place.staff, place.voice.clone())),
        name: track.name.clone(),
        notes: line.notes.len(),
        lowest: pitches().min().unwrap_or(Pitch::LOWEST),
        highest: pitches().max().unwrap_or(Pitch::HIGHEST),
        coverage: *coverage,
        at_once: profile.at_once,
        words: *words,
        words_of: words_of.map(|lender| lender + 1),
        is_percussion: candidate.is_percussion(file),
        evidence: *evidence,
        taken,
    }
}
