//! What of a four-part piece `render` finds anew, where it doesn't harmonize a melody.

use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result};
use arranger::{ArrangeError, Arrangement, Correction, Options, Piece, Selection, Tune, bars_in_words};
use chorale::{Part, Parts, Pitch};
use files::Ensemble;
use network::Model;

use super::options::part_named;

const AGAIN: &str = "Keep and redo";

#[derive(clap::Args)]
pub struct AgainOptions {
    /// The file has four parts: find alto, tenor and bass of these bars anew and keep every other note: 5, 5-8, 12- (to the
    /// end), or several with commas between. Bars are counted as `performer explain` counts them, a pickup as 0; a note
    /// belongs to the bar in which it begins
    #[arg(long, value_name = "BARS", value_delimiter = ',', value_parser = bars, conflicts_with_all = OTHERS, help_heading = AGAIN)]
    bars: Vec<RangeInclusive<u32>>,

    /// The file has four parts: find these parts anew, soprano, alto, tenor or bass with commas between, in all bars or those
    /// of --bars [default, with --bars: alto,tenor,bass]
    #[arg(long, value_name = "PARTS", value_delimiter = ',', value_parser = part_named, conflicts_with_all = OTHERS, help_heading = AGAIN)]
    redo: Vec<Part>,

    /// The file has four parts: set one note to a pitch, such as alto:5:2.5=F#4 for the alto's note in bar 5 on the second half
    /// of beat 2; of the other lower parts what sounds there or a beat around it follows where it must
    #[arg(long, value_name = "PART:BAR:BEAT=PITCH", value_parser = Fix::from_str, conflicts_with_all = ["bars", "redo"], conflicts_with_all = OTHERS, help_heading = AGAIN)]
    fix: Option<Fix>,
}

/// What has no meaning where the parts are there already.
const OTHERS: [&str; 10] =
    ["live", "keep", "melody_part", "track", "channel", "pickup", "transpose", "words", "chords", "harmonic_rhythm"];

/// See `--fix`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fix {
    part: Part,
    bar: u32,
    beat: f64,
    pitch: Pitch,
}

impl AgainOptions {
    pub fn is_wanted(&self) -> bool {
        !self.bars.is_empty() || !self.redo.is_empty() || self.fix.is_some()
    }

    /// The versions of a piece whose four parts are in a file, the best first, and what of it was found anew.
    pub fn apply(&self, tune: &Tune, options: &Options, model: &Arc<Model>) -> Result<(Vec<Arrangement>, String)> {
        let Piece { mut score, grid, .. } = tune.four_parts(options.heading.key)?;
        options.heading.amend(&mut score.title, &mut Vec::new());
        // Unless another choir is asked for, those sing who are named.
        let ensemble = if options.ensemble == Ensemble::default() { score.ensemble } else { options.ensemble };
        let piece = Piece::new(score.sung_by(ensemble), grid);
        let in_file = || tune.name.clone();
        if let Some(fix @ Fix { part, bar, beat, pitch }) = self.fix {
            let fixed = match piece.tick_at(bar, beat) {
                Some(tick) => arranger::fix(model, &piece, Correction { part, tick, pitch }, options),
                None => Err(ArrangeError::NoNote(part)),
            };
            let said = || format!("--fix {}:{bar}:{beat}", fix.part.name().to_lowercase());
            return Ok((fixed.with_context(said).with_context(in_file)?, format!("{} {bar}:{beat}", part.name())));
        }
        let parts = (!self.redo.is_empty()).then(|| Parts::which(|part| self.redo.contains(&part)));
        let selection = Selection { bars: self.bars.clone(), parts };
        Ok((arranger::redo(model, &piece, &selection, options).with_context(in_file)?, self.words()))
    }

    /// `bars 5-8: alto, tenor`.
    fn words(&self) -> String {
        let bars: Vec<String> = self.bars.iter().map(bars_in_words).collect();
        let parts: Vec<String> = self.redo.iter().map(|part| part.name().to_lowercase()).collect();
        let bars = if bars.is_empty() { "all bars".into() } else { format!("bars {}", bars.join(", ")) };
        format!("{bars}: {}", if parts.is_empty() { "lower parts".into() } else { parts.join(", ") })
    }
}

fn bars(text: &str) -> Result<RangeInclusive<u32>, String> {
    let expected = || "expected a bar, such as 5, or bars from one to another, such as 5-8 or 12-".to_owned();
    let number = |text: &str| text.trim().parse::<u32>().map_err(|_| expected());
    let (first, last) = match text.split_once('-') {
        None => (number(text)?, number(text)?),
        Some((first, "")) => (number(first)?, u32::MAX),
        Some((first, last)) => (number(first)?, number(last)?),
    };
    if first > last {
        Err(format!("bar {first} comes after bar {last}; the lower number stands first"))
    } else {
        Ok(first..=last)
    }
}

impl FromStr for Fix {
    type Err = String;

    fn from_str(text: &str) -> Result<Fix, String> {
        let expected = || "expected PART:BAR:BEAT=PITCH, such as alto:5:2.5=F#4".to_owned();
        let (place, pitch) = text.split_once('=').ok_or_else(expected)?;
        let [part, bar, beat] = place.split(':').collect::<Vec<_>>().try_into().map_err(|_| expected())?;
        let beat = beat.parse::<f64>().ok().filter(|beat| (1.0..1000.0).contains(beat)).ok_or_else(expected)?;
        Ok(Fix {
            part: part_named(part)?,
            bar: bar.parse().map_err(|_| expected())?,
            beat,
            pitch: pitch.parse::<Pitch>().map_err(|error| error.to_string())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_and_notes_are_named_as_musicians_count_them() {
        assert_eq!([bars("5"), bars("5-8"), bars("12-")], [Ok(5..=5), Ok(5..=8), Ok(12..=u32::MAX)]);
        let options = AgainOptions { bars: vec![5..=5, 7..=8, 12..=u32::MAX], redo: vec![Part::Alto], fix: None };
        assert_eq!(options.words(), "bars 5, 7-8, 12-: alto");
        assert!(bars("8-5").unwrap_err().contains("bar 8 comes after bar 5"));
        assert!(["", "-", "a", "1-2-3", "-4"].iter().all(|text| bars(text).is_err()));
        let pitch = "F#4".parse().unwrap();
        assert_eq!("alto:5:2.5=F#4".parse(), Ok(Fix { part: Part::Alto, bar: 5, beat: 2.5, pitch }));
        for wrong in ["alto:5=F#4", "alto:5:0=F#4", "alto:5:2", "treble:5:1=C4", "alto:5:1=H4", "alto:-1:1=C4"] {
            assert!(wrong.parse::<Fix>().is_err(), "{wrong}");
        }
    }
}
