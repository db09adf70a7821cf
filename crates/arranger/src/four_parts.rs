//! A piece that has its four parts already, as it stands in a file: to be explained, or gone on from.

use std::collections::{BTreeMap, BTreeSet};

use chorale::{Chorale, Key, Part, Spelling};
use engraving::Piece;
use files::musicxml::Layout;
use files::parts::TICKS_PER_QUARTER;
use files::{
    Direction, Ensemble, Grid, Kind, Lyric, Metre, NamedKey, Note, Phrasing, Score, Scoring, Source, Tick, Track,
    melody, parts, sung_at,
};

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
                (parts.map_err(|error| ArrangeError::no_four_parts(&self.name, error))?, Scoring::Satb)
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
        // Of two parts on a staff the lower has its own.
        let line = |track: &&Track| track.channels.iter().find(|(_, notes)| **notes == parts[0]).map(|(line, _)| *line);
        if let Some((line, top)) = top.and_then(|track| Some((line(&track)?, track))) {
            phrasing.slurs = top.slurs.get(&line).cloned().unwrap_or_default();
        }
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
        // MIDI has the words once, and so have two staves, between them.
        let have_room = kind.is_notated() && self.staves() > 2;
        score.all_sing = sung.len() > 1 || !have_room && strike_each_syllable(&score);
        Ok(phrase_ends::piece(score, grid))
    }

    /// How the four parts of the file stand in it, as far as that is one of the ways in which scores are written.
    pub fn layout(&self) -> Layout {
        if self.source.kind == Kind::MusicXml && self.staves() == 2 { Layout::Closed } else { Layout::Open }
    }

    /// How many staves have notes.
    fn staves(&self) -> usize {
        let staff = |track: &Track, line: &u8| track.places.get(line).map_or(0, |place| place.staff);
        let of_track = |track: &Track| track.channels.keys().map(|line| staff(track, line)).collect::<BTreeSet<_>>();
        self.source.tracks.iter().map(|track| of_track(track).len()).sum()
    }
}

/// Whether all parts seem to sing the words of the melody: where one of them sounds at a syllable, it nearly always strikes
/// it too.
fn strike_each_syllable(score: &Score) -> bool {
    let syllable = |lyric: &Lyric| sung_at(score.part(score.melody), lyric.tick, score.ticks_per_quarter);
    let sung: BTreeSet<Tick> = score.lyrics.iter().filter_map(syllable).collect();
    let strikes = |part: Part| {
        let notes = score.part(part);
        let sounding = |tick: &&Tick| notes.iter().any(|note| (note.start..note.end).contains(*tick));
        let all = sung.iter().filter(sounding).count();
        let struck = sung.iter().filter(|tick| notes.binary_search_by_key(*tick, |note| note.start).is_ok()).count();
        struck as f64 >= STRUCK * all as f64
    };
    !sung.is_empty() && Part::ALL.into_iter().filter(|part| *part != score.melody).all(strikes)
}

/// Of the syllables; somebody may have tied two notes by hand.
const STRUCK: f64 = 0.95;

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
