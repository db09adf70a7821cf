use chorale::{Chord, Part};
use engraving::{ExportOptions, Format, Piece};
use files::Grid;
use files::melody::{self, Choice, Fold, Melody};
use files::musicxml::Layout;
use files::parts;
use sound::Timbre;

/// A music file on its way through everything but the network, into every format that is written.
///
/// # Panics
/// When something does not hold.
pub fn render(bytes: &[u8]) {
    let Ok(source) = files::read(bytes) else { return };
    let Ok(melody) = Melody::find(&source, &Choice::default()) else { return };
    let grid = Grid::new(source.ticks_per_quarter, &source.directions, melody.first_onset());
    // Longer pieces take longer and do nothing new.
    let Ok(steps) =
        melody::steps(&melody, &grid).map_err(|_| ()).and_then(|s| if s.len() < 500 { Ok(s) } else { Err(()) })
    else {
        return;
    };
    let fold = Fold::of(&steps);
    let chords: Vec<Chord> = steps
        .iter()
        .enumerate()
        .map(|(index, step)| {
            let mut chord = Chord::SILENCE;
            chord[Part::Soprano] = fold.apply(step.soprano).0;
            for (part, low) in Part::LOWER.into_iter().zip([60, 55, 43]) {
                let pitch = chorale::Pitch::new(low + (index / 3 % 5) as u8).expect("a pitch");
                chord[part] = chorale::Token::from_pitch(pitch).expect("within the vocabulary");
            }
            chord
        })
        .collect();
    let directions = source.directions.clone();
    let mut score = parts::score(&melody, Part::Soprano, &steps, &chords, fold, source.ticks_per_quarter, directions);
    score.title = source.title;
    let piece = Piece::new(score, grid);
    for layout in [Layout::Open, Layout::Closed] {
        let options = ExportOptions { layout, timbre: Timbre::Organ, with_marks: true };
        for format in [Format::Midi, Format::MusicXml, Format::Svg, Format::Html, Format::Json] {
            if let Ok(written) = piece.export(format, &options)
                && matches!(format, Format::Midi | Format::MusicXml)
            {
                files::read(&written).expect("what we write can be read");
            }
        }
    }
    let _ = engraving::explain::text(&piece);
}
