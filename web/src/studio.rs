//! Files in a page: opened, harmonized with the whole melody in view, and written.

use std::sync::Arc;

use arranger::{
    ArrangeError, Arrangement, Cantus, Choice, ComposeOptions, Correction, Freedom, Heading, Method, Options, Piece,
    Prompt, Selection, Tune,
};
use chorale::{Density, Part, Parts, Pitch};
use files::melody::inspect;
use files::{Ensemble, NamedKey, Tick};
use harmonizer::search::PARTICLES;
use network::Model;
use serde::{Deserialize, Serialize};

use crate::piece::{Exported, Shown, export};

/// What is in a file.
#[derive(Debug, Serialize)]
pub struct Opened {
    pub title: Option<String>,
    pub lines: Vec<Line>,
    /// What had to be interpreted, in sentences.
    pub told: Vec<String>,
}

/// A line that could be the melody.
#[derive(Debug, Serialize)]
pub struct Line {
    /// Track or part and channel or line in it, from 1.
    pub track: usize,
    pub channel: u16,
    pub name: Option<String>,
    pub notes: usize,
    pub lowest: String,
    pub highest: String,
    /// Why it is taken for the melody; null where it isn't.
    pub taken: Option<String>,
}

/// How to harmonize; every default is that of the command line.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Wanted {
    pub track: Option<usize>,
    pub channel: Option<u8>,
    pub pickup: Option<f64>,
    pub transpose: i32,
    pub title: Option<String>,
    pub key: Option<String>,
    /// Such as `SATB`, `TTBB` or `SAB`.
    pub ranges: Option<String>,
    /// A value as the control `density` takes it.
    pub density: Option<u8>,
    /// Who sings the melody, 0 to 3 from the soprano down.
    pub melody_part: usize,
    /// Whether the melody alone has the words.
    pub words_of_melody: bool,
    /// Step by step, as it would be played live.
    pub live: bool,
    pub particles: Option<usize>,
    pub alternatives: Option<usize>,
    pub seed: Option<u64>,
    pub temperature: Option<f32>,
    pub no_guard: bool,
}

/// A new chorale.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct WantedPiece {
    /// Bars of 4/4, 1 to 64; 16 without it.
    pub bars: Option<usize>,
    pub tempo: Option<u16>,
    pub key: Option<String>,
    pub title: Option<String>,
    pub ranges: Option<String>,
    pub seed: Option<u64>,
    pub temperature: Option<f32>,
    pub no_guard: bool,
}

/// What of a piece is found anew.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Again {
    /// Quarters from the beginning: the bars in which these lie, and those between.
    pub start: f64,
    pub end: f64,
    /// 0 to 3 from the soprano down; none stands for all but the melody.
    #[serde(default)]
    pub parts: Vec<usize>,
    pub seed: Option<u64>,
    pub alternatives: Option<usize>,
}

/// The most bars of a new chorale.
const BARS: usize = 64;
/// Harmonizations that are worth a choice, and those that grow side by side.
const ALTERNATIVES: usize = 16;
const MOST_PARTICLES: usize = 1024;

/// A file, and what became of it.
#[derive(Default)]
pub struct Studio {
    tune: Option<Tune>,
    versions: Vec<Version>,
    shown: usize,
    /// What was shown before parts of it were found anew, oldest first.
    past: Vec<(Vec<Version>, usize)>,
    /// How it was harmonized.
    options: Options,
    told: Vec<String>,
}

/// Changes that can be taken back.
const PAST: usize = 32;

struct Version {
    piece: Piece,
    nats: Option<f64>,
}

impl Studio {
    /// Reads the bytes of a MIDI, MusicXML or ABC file.
    ///
    /// # Errors
    /// Where they are none, or damaged, or hold no notes.
    pub fn open(&mut self, name: &str, bytes: &[u8]) -> Result<Opened, String> {
        let tune = Tune::read(name, bytes).map_err(in_words)?;
        let inspection = inspect(&tune.source, &Choice::default()).map_err(|error| plain(&error.to_string()))?;
        let lines = inspection.lines.into_iter().map(|line| Line {
            track: line.track,
            channel: line.channel,
            name: line.name,
            notes: line.notes,
            lowest: line.lowest.to_string(),
            highest: line.highest.to_string(),
            taken: line.taken,
        });
        let told = tune.source.remarks.iter().chain(&inspection.remarks).map(|remark| plain(remark)).collect();
        let opened = Opened { title: tune.source.title.clone(), lines: lines.collect(), told };
        *self = Studio { tune: Some(tune), ..Studio::default() };
        Ok(opened)
    }

    /// Harmonizes the file's melody.
    ///
    /// # Errors
    /// Where nothing is open, there is no such melody, or the wishes contradict each other.
    pub fn harmonize(&mut self, model: &Arc<Model>, wanted: &Wanted) -> Result<(), String> {
        let tune = self.tune.as_ref().ok_or("open a file first")?;
        let options = wanted.options()?;
        let cantus: Cantus = tune.choose(&options).map_err(in_words)?;
        let found = cantus.harmonize(model).map_err(in_words)?;
        self.told = cantus.remarks.iter().map(|remark| plain(remark)).collect();
        self.versions = found.into_iter().map(Version::from).collect();
        (self.shown, self.options) = (0, options);
        self.past.clear();
        Ok(())
    }

    /// Writes a new chorale.
    ///
    /// # Errors
    /// Where the wishes can't be had together.
    pub fn generate(&mut self, model: &Arc<Model>, wanted: &WantedPiece) -> Result<(), String> {
        let wanted = wanted.options()?;
        let piece = arranger::compose(model, Prompt::default(), &wanted).map_err(in_words)?;
        let options = Options { ensemble: wanted.ensemble, freedom: wanted.freedom, ..Options::default() };
        *self = Studio { versions: vec![Version { piece, nats: None }], options, ..Studio::default() };
        Ok(())
    }

    /// Finds the lower parts, or those named, anew in the bars from one quarter to another, and keeps all else.
    ///
    /// # Errors
    /// Where nothing is there to be found anew.
    pub fn again(&mut self, model: &Arc<Model>, again: &Again) -> Result<(), String> {
        let piece = self.piece()?;
        let step = |quarter: f64| Ok::<u32, String>(piece.grid.nearest_step(tick(piece, quarter)?));
        let end = piece.grid.nearest_step(piece.score.end()).max(1);
        let first = step(again.start)?.min(end - 1);
        let last = step(again.end)?.min(end).saturating_sub(1).max(first);
        let [first, last] = [first, last].map(|step| piece.grid.bar(step).number);
        let bars = first..=last;
        let parts = Parts::which(|part| again.parts.contains(&part.index()));
        let selection = Selection { bars: vec![bars], parts: (!again.parts.is_empty()).then_some(parts) };
        let found = arranger::redo(model, piece, &selection, &self.options_again(again.seed, again.alternatives)?);
        self.keep(found.map_err(in_words)?);
        Ok(())
    }

    /// Sets the note that a part sings at a quarter to a pitch, and lets the other lower parts follow.
    ///
    /// # Errors
    /// Where there is no such note or pitch.
    pub fn fix(&mut self, model: &Arc<Model>, part: usize, start: f64, pitch: u8) -> Result<(), String> {
        let piece = self.piece()?;
        let part = *Part::ALL.get(part).ok_or("parts go from 0 to 3")?;
        let pitch = Pitch::new(pitch).ok_or("pitches go from 0 to 127")?;
        let correction = Correction { part, tick: tick(piece, start)?, pitch };
        let found = arranger::fix(model, piece, correction, &self.options_again(None, None)?);
        self.keep(found.map_err(in_words)?);
        Ok(())
    }

    /// Takes the last of these changes back.
    ///
    /// # Errors
    /// Where there is none.
    pub fn undo(&mut self) -> Result<(), String> {
        let (versions, shown) = self.past.pop().ok_or("there is nothing to take back")?;
        (self.versions, self.shown) = (versions, shown);
        Ok(())
    }

    fn options_again(&self, seed: Option<u64>, alternatives: Option<usize>) -> Result<Options, String> {
        let mut options = self.options.clone();
        let alternatives = alternatives.unwrap_or(1);
        within("alternatives", alternatives, 1, ALTERNATIVES)?;
        let particles = match options.method {
            Method::Ahead { particles, .. } => particles,
            Method::Live => PARTICLES,
        };
        options.method = Method::Ahead { particles, alternatives };
        options.freedom.seed = seed.unwrap_or(options.freedom.seed);
        Ok(options)
    }

    fn keep(&mut self, found: Vec<Arrangement>) {
        if self.past.len() == PAST {
            self.past.remove(0);
        }
        let versions = found.into_iter().map(Version::from).collect();
        self.past.push((std::mem::replace(&mut self.versions, versions), self.shown));
        self.shown = 0;
    }

    /// Shows another of the harmonizations.
    ///
    /// # Errors
    /// Where there is none of that number.
    pub fn choose(&mut self, index: usize) -> Result<(), String> {
        match index < self.versions.len() {
            true => self.shown = index,
            false => return Err(format!("there are {} harmonizations", self.versions.len())),
        }
        Ok(())
    }

    /// What is shown.
    ///
    /// # Errors
    /// Where nothing was harmonized yet.
    pub fn shown(&self) -> Result<Shown, String> {
        Ok(Shown {
            sheet: self.piece()?.sheet(),
            alternative: self.shown,
            alternatives: self.versions.len(),
            past: self.past.len(),
            nats: self.versions.iter().map(|version| version.nats).collect(),
        })
    }

    /// What was decided on the way to what is shown, in sentences.
    pub fn told(&self) -> &[String] {
        &self.told
    }

    /// What is shown as a file.
    ///
    /// # Errors
    /// Where nothing is there, or it can't be written so.
    pub fn export(&self, ending: &str, staves: u8, marks: bool) -> Result<(Exported, Vec<u8>), String> {
        export(self.piece()?, ending, staves, marks)
    }

    fn piece(&self) -> Result<&Piece, String> {
        let version = self.versions.get(self.shown).ok_or("harmonize a file first, or write a new chorale")?;
        Ok(&version.piece)
    }
}

impl From<Arrangement> for Version {
    fn from(arrangement: Arrangement) -> Version {
        Version { nats: arrangement.nats.map(|nats| nats.with_faults), piece: arrangement.piece }
    }
}

impl Wanted {
    fn options(&self) -> Result<Options, String> {
        within("transpose", self.transpose, -36, 36)?;
        let particles = self.particles.unwrap_or(PARTICLES);
        within("particles", particles, 1, MOST_PARTICLES)?;
        let alternatives = self.alternatives.unwrap_or(1);
        within("alternatives", alternatives, 1, ALTERNATIVES)?;
        if let Some(quarters) = self.pickup {
            within("pickup", quarters, 0.0, 16.0)?;
        }
        let part = Part::ALL.get(self.melody_part).ok_or("melody-part goes from 0 to 3")?;
        Ok(Options {
            melody: Choice { track: self.track.map(|track| track.to_string()), channel: self.channel },
            pickup: self.pickup,
            transpose: self.transpose,
            heading: heading(&self.title, &self.key)?,
            ensemble: ensemble(&self.ranges)?,
            density: self.density.map_or_else(Density::default, Density::from_value),
            part: *part,
            all_sing: !self.words_of_melody,
            method: if self.live { Method::Live } else { Method::Ahead { particles, alternatives } },
            freedom: freedom(self.seed, self.temperature, self.no_guard)?,
            ..Options::default()
        })
    }
}

impl WantedPiece {
    fn options(&self) -> Result<ComposeOptions, String> {
        let bars = self.bars.unwrap_or(16);
        within("bars", bars, 1, BARS)?;
        if let Some(tempo) = self.tempo {
            within("tempo", tempo, 10, 400)?;
        }
        Ok(ComposeOptions {
            length: 16 * bars,
            tempo: self.tempo,
            heading: heading(&self.title, &self.key)?,
            ensemble: ensemble(&self.ranges)?,
            freedom: freedom(self.seed, self.temperature, self.no_guard)?,
        })
    }
}

fn tick(piece: &Piece, quarter: f64) -> Result<Tick, String> {
    within("quarters", quarter, 0.0, 1e6)?;
    Ok((quarter * f64::from(piece.score.ticks_per_quarter)).round() as Tick)
}

fn heading(title: &Option<String>, key: &Option<String>) -> Result<Heading, String> {
    let key: Option<NamedKey> = key.as_ref().map(|key| key.parse()).transpose().map_err(|error| format!("{error}"))?;
    Ok(Heading { title: title.clone(), key })
}

fn ensemble(ranges: &Option<String>) -> Result<Ensemble, String> {
    let parsed = ranges.as_ref().map(|ranges| ranges.parse::<Ensemble>()).transpose();
    Ok(parsed.map_err(|error| error.to_string())?.unwrap_or_default())
}

fn freedom(seed: Option<u64>, temperature: Option<f32>, no_guard: bool) -> Result<Freedom, String> {
    let usual = Freedom::default();
    let temperature = temperature.unwrap_or(usual.temperature);
    within("temperature", temperature, 0.0, 10.0)?;
    Ok(Freedom { seed: seed.unwrap_or(usual.seed), temperature, is_guarded: !no_guard, ..usual })
}

fn within<T: PartialOrd + std::fmt::Display>(name: &str, value: T, low: T, high: T) -> Result<(), String> {
    match (&low..=&high).contains(&&value) {
        true => Ok(()),
        false => Err(format!("{name} goes from {low} to {high}, not {value}")),
    }
}

fn in_words(error: ArrangeError) -> String {
    plain(&error.to_string())
}

/// Without what only the command line has: hints in brackets and behind semicolons that name its options.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(open) = rest.find(" (") {
        let close = rest[open..].find(')').map_or(rest.len(), |close| open + close + 1);
        let names_option = rest[open..close].contains("--");
        plain.push_str(&rest[..if names_option { open } else { close }]);
        rest = &rest[close..];
    }
    plain.push_str(rest);
    let clauses: Vec<&str> = plain.split("; ").filter(|clause| !clause.contains("--")).collect();
    if clauses.is_empty() { plain } else { clauses.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_for_the_command_line_are_left_out_of_what_a_page_says() {
        let check = |told: &str, expected: &str| assert_eq!(plain(told), expected);
        check(
            "the signature is C major, the notes are in G major: spelled in that (--key C keeps C major)",
            "the signature is C major, the notes are in G major: spelled in that",
        );
        check(
            "the melody is moved an octave up; --melody-part tenor gives it to the tenor",
            "the melody is moved an octave up",
        );
        check("no track 'x' (1 to 3); there are: a", "no track 'x' (1 to 3); there are: a");
        check("--pickup 9: a bar has 4 quarters", "--pickup 9: a bar has 4 quarters");
        check("half (a bracket", "half (a bracket");
    }
}
