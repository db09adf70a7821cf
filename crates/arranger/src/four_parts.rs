//! A piece that has its four parts already, as it stands in a file: to be explained, or gone on from.

use std::collections::{BTreeMap, BTreeSet};

use chorale::{Chorale, Key, Part, Spelling};
use engraving::Piece;
use files::parts::TICKS_PER_QUARTER;
use files::{Direction, Ensemble, Grid, Metre, NamedKey, Note, Phrasing, Score, Scoring, Source, Tick, melody, parts};

use crate::{ArrangeError, Tune, phrase_ends};

impl Tune {
    /// The four parts as they are, in `key` instead of the file's own. A file whose parts are called as those of SAB or TTBB has
    /// theirs, so that of three the tenor is silent.
    ///
    /// # Errors
    /// Where the file doesn't tell which are its four parts.
    pub fn four_parts(&self, key: Option<NamedKey>) -> Result<Piece, ArrangeError> {
        let Source { ref tracks, ref title, ref creators, ref below, ticks_per_quarter, kind, .. } = self.source;
        let (parts, scoring) = match melody::named_choir(&self.source) {
            Some((parts, scoring)) => (parts, scoring),
            None => {
                let parts = melody::four_parts(&self.source);
                (parts.map_err(|error| ArrangeError::in_file(&self.name, error))?, Scoring::Satb)
            }
        };
        let mut directions = self.source.directions.clone();
        if let Some(key) = key {
            directions.retain(|(_, direction)| !matches!(direction, Direction::Key { .. }));
            directions.insert(0, signature_of(key.signature));
        }
        let first_onset = parts[Part::Soprano.index()].first().map_or(0, |note| note.start);
        let grid = Grid::new(ticks_per_quarter, &directions, first_onset);
        let begins = |part: &[Note], tick: Tick| part.binary_search_by_key(&tick, |note| note.start).is_ok();
        let fermatas: BTreeSet<Tick> = tracks.iter().flat_map(|track| track.fermatas.iter().copied()).collect();
        let fermatas = fermatas.into_iter().filter(|tick| begins(&parts[0], *tick)).collect();
        let top = tracks.iter().find(|track| !track.channels.is_empty());
        let mut phrasing = top.map_or_else(Phrasing::default, |track| track.phrasing.clone());
        phrasing.breaths.retain(|tick| begins(&parts[0], *tick));
        phrasing.slurs.retain(|(first, last)| begins(&parts[0], *first) && begins(&parts[0], *last));
        let written: BTreeMap<(Tick, u8), Spelling> =
            tracks.iter().flat_map(|track| track.spellings.iter().map(|(note, spelling)| (*note, *spelling))).collect();
        let spellings = parts.each_ref().map(|part| {
            let spelling = |note: &Note| Some((note.start, *written.get(&(note.start, note.pitch.midi()))?));
            part.iter().filter_map(spelling).collect()
        });
        // The words of the upper part; the others sing them where they have words of their own.
        let sung: Vec<usize> = (0..tracks.len()).filter(|track| !tracks[*track].lyrics.is_empty()).collect();
        let mut score = Score {
            lyrics: sung.first().map_or(Vec::new(), |track| tracks[*track].lyrics.clone()),
            all_sing: sung.len() > 1,
            title: title.clone(),
            creators: creators.clone(),
            below: below.clone(),
            ticks_per_quarter,
            is_notated: kind.is_notated(),
            directions,
            parts,
            fermatas,
            phrasing,
            spellings,
            ensemble: Ensemble::of(scoring),
            ..Score::default()
        };
        match (key, self.source.mode) {
            (Some(key), _) => name_mode(&mut score, key),
            (None, Some(mode)) => {
                score.set_home(mode);
                score.names_mode = true;
            }
            (None, None) => score.settle_home(),
        }
        Ok(phrase_ends::piece(score, grid))
    }
}

/// The piece in the text of a table in the form of the data set, in 4/4. `name` is what messages call it.
///
/// # Errors
/// The first line that is no chord.
pub fn piece_of_table(name: &str, text: &str, key: Option<NamedKey>) -> Result<Piece, ArrangeError> {
    let chorale = Chorale::from_csv(text).map_err(|error| ArrangeError::in_file(name, error))?;
    let mut directions = vec![(0, Direction::Metre(Metre::FOUR_FOUR))];
    directions.extend(key.map(|key| signature_of(key.signature)));
    let grid = Grid::new(TICKS_PER_QUARTER, &directions, 0);
    let mut score = parts::chorale_score(&chorale, &grid, 0, TICKS_PER_QUARTER, directions);
    key.into_iter().for_each(|key| name_mode(&mut score, key));
    let phrase_ends =
        chorale::phrase_ends(&chorale.chords).ends.iter().map(|end| grid.tick(end.arrival as u32)).collect();
    Ok(Piece { phrase_ends, ..Piece::new(score, grid) })
}

/// Of a key that is asked for; what is no church mode is the signature itself.
fn name_mode(score: &mut Score, key: NamedKey) {
    if key.is_church_mode() {
        score.set_home(key.home);
        score.names_mode = true;
    }
}

fn signature_of(Key { sharps, minor }: Key) -> (Tick, Direction) {
    (0, Direction::Key { sharps, minor })
}
