//! Keep this, redo that: some bars or parts of a piece are found anew, or one note is set and the others follow. All else
//! stays as it is.

use std::collections::BTreeMap;
use std::iter;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use chorale::{Chord, Part, Parts, Pitch, Token};
use engraving::Piece;
use files::melody::{self, Melody, MelodyStep};
use files::notation::spellings;
use files::{Direction, Note, Score, Tick, parts};
use harmonizer::search::{self, Plan, contour_of, steps_among};
use harmonizer::{Constraints, Purpose, guard_for};
use network::Model;

use crate::{ArrangeError, Arrangement, Method, Nats, Options, phrase_ends};

/// What of a piece is found anew. A note belongs to the bar in which it begins, and is changed as a whole or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// As scores count them, a pickup being bar 0, `u32::MAX` the last one; none of them stands for all.
    pub bars: Vec<RangeInclusive<u32>>,
    /// None stands for all but the melody.
    pub parts: Option<Parts>,
}

/// A note set to another pitch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correction {
    pub part: Part,
    /// While the note sounds, in ticks of the piece.
    pub tick: Tick,
    pub pitch: Pitch,
}

/// How often a search is run for each version that is wanted. A selection is short, and where it has to lead somewhere the
/// best of some searches leads there better than one.
const ROUNDS: usize = 4;

/// The selected notes of a piece found anew, so that they lead out of what stands before them and into what stands after
/// them; every other note stays as it is. The best version comes first; those that change nothing are left out where there
/// are others. Of the options, density, method and freedom count.
///
/// ```
/// use std::sync::Arc;
///
/// use arranger::{Method, Options, Selection};
/// use chorale::Part;
/// use network::Model;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = Arc::new(Model::wavenet()?);
/// let tune = arranger::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/melody.mid"))?;
/// let options = Options { method: Method::Ahead { particles: 2, alternatives: 1 }, ..Options::default() };
/// let piece = tune.choose(&options)?.harmonize(&model)?.remove(0).piece;
/// // Bars 3 and 4 once more, without the bass.
/// let selection = Selection { bars: vec![3..=4], parts: Some([Part::Alto, Part::Tenor].into()) };
/// let again = arranger::redo(&model, &piece, &selection, &options)?.remove(0).piece;
/// assert_eq!(again.score.part(Part::Bass), piece.score.part(Part::Bass));
/// assert_eq!(again.score.part(Part::Alto)[0], piece.score.part(Part::Alto)[0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Where there are no such bars, nothing is left to choose, or the network fails.
pub fn redo(
    model: &Arc<Model>,
    piece: &Piece,
    selection: &Selection,
    options: &Options,
) -> Result<Vec<Arrangement>, ArrangeError> {
    let bars = steps_of_bars(piece, &selection.bars)?;
    let parts = selection.parts.unwrap_or_else(|| Parts::which(|part| part != piece.score.melody));
    let sounding = Sounding::of(piece, options)?;
    if let Some(silent) =
        sounding.constraints.ensemble.silent().filter(|silent| selection.parts == Some([*silent].into()))
    {
        return Err(ArrangeError::RedoLeftOut(silent));
    }
    let free = sounding.free(&bars, parts);
    if free.iter().all(|free| free.is_empty()) {
        return Err(ArrangeError::NothingSelected);
    }
    let mut found = sounding.find(model, &free, &bars, parts, options, false)?;
    if found[0].piece.score.parts == piece.score.parts {
        let place = match &selection.bars[..] {
            [] => "these parts".to_owned(),
            [one] if one.start() == one.end() => format!("bar {}", bars_in_words(one)),
            some => format!("bars {}", some.iter().map(bars_in_words).collect::<Vec<_>>().join(", ")),
        };
        let seed = options.freedom.seed.wrapping_add(1);
        found[0]
            .remarks
            .push(format!("nothing else was found for {place}; --seed {seed} or a higher --temperature may find it"));
    }
    Ok(found)
}

/// One note of a piece set to another pitch. The other parts but the melody follow where they must: those of their notes that
/// sound with it or begin within a beat of these may change, and change where there is reason to.
///
/// # Errors
/// Where the part has no note there, or the network fails.
pub fn fix(
    model: &Arc<Model>,
    piece: &Piece,
    correction: Correction,
    options: &Options,
) -> Result<Vec<Arrangement>, ArrangeError> {
    let Correction { part, tick, pitch } = correction;
    let sounds = |note: &Note| note.start <= tick && tick < note.end;
    let mut score = piece.score.clone();
    freeze_spellings(&mut score);
    let note = score.parts[part.index()].iter_mut().find(|note| sounds(note)).ok_or(ArrangeError::NoNote(part))?;
    note.pitch = pitch;
    let Note { start, end, .. } = *note;
    score.spellings[part.index()].remove(&start);
    let parts = Parts::which(|other| other != part && other != score.melody);
    let overlaps = |note: &&Note| note.start < end && start < note.end;
    let with: Vec<&Note> = parts.iter().flat_map(|part| score.part(part)).filter(overlaps).collect();
    let first = with.iter().map(|note| note.start).fold(start, Tick::min);
    let last = with.iter().map(|note| note.end).fold(end, Tick::max);
    let beat = piece.grid.quarter();
    let step = |tick: Tick| piece.grid.nearest_step(tick);
    let steps: Vec<_> = iter::once(step(first.saturating_sub(beat))..step(last.saturating_add(beat))).collect();
    let (low, high) = score.ensemble.range(part);
    let name = part.name().to_lowercase();
    let outside = (!(low..=high).contains(&pitch))
        .then(|| format!("{pitch} lies outside the range of the {name}, {low} to {high}"));
    let fixed = phrase_ends::piece(score, piece.grid.clone());
    let sounding = Sounding::of(&fixed, options)?;
    let free = sounding.free(&steps, parts);
    if free.iter().all(|free| free.is_empty()) {
        return Ok(vec![Arrangement { piece: fixed, steps: 0, nats: None, remarks: outside.into_iter().collect() }]);
    }
    let mut found = sounding.find(model, &free, &steps, parts, options, true)?;
    found[0].remarks.extend(outside);
    Ok(found)
}

/// In steps of the grid; all where none is named.
fn steps_of_bars(piece: &Piece, bars: &[RangeInclusive<u32>]) -> Result<Vec<Range<u32>>, ArrangeError> {
    let Piece { score, grid, .. } = piece;
    let starts = score.parts.iter().flatten().map(|note| note.start);
    let first = grid.nearest_step(starts.min().unwrap_or(0));
    let last = grid.nearest_step(score.end()).saturating_sub(1).max(first);
    let (lowest, highest) = (grid.bar(first).number, grid.bar(last).number);
    if bars.is_empty() {
        return Ok(iter::once(first..last + 1).collect());
    }
    let mut all = Vec::new();
    for asked in bars {
        // Who does not know how long the piece is asks for all that is left.
        let end = if *asked.end() == u32::MAX { highest } else { *asked.end() };
        if asked.start() > &end || *asked.start() < lowest || end > highest {
            return Err(ArrangeError::NoSuchBar { asked: bars_in_words(asked), first: lowest, last: highest });
        }
        let bars = grid.bars(first..last + 1).filter(|bar| (*asked.start()..=end).contains(&bar.number));
        all.extend(bars.map(|bar| bar.first_step..bar.end_step));
    }
    Ok(all)
}

/// `5`, `5-8`, or `12-` for all from there on, as [`Selection::bars`] has them.
pub fn bars_in_words(bars: &RangeInclusive<u32>) -> String {
    match (bars.start(), bars.end()) {
        (first, last) if first == last => first.to_string(),
        (first, &u32::MAX) => format!("{first}-"),
        (first, last) => format!("{first}-{last}"),
    }
}

/// A piece as it is heard, step by step.
struct Sounding<'a> {
    piece: &'a Piece,
    /// What is sung on top at each moment: the soprano, and where it rests the highest part that doesn't.
    lead: Melody,
    steps: Vec<MelodyStep>,
    /// As the network hears them, so many semitones higher than they are.
    chords: Vec<Chord>,
    semitones: i32,
    constraints: Constraints,
}

impl Sounding<'_> {
    fn of<'a>(piece: &'a Piece, options: &Options) -> Result<Sounding<'a>, ArrangeError> {
        let Piece { score, grid, .. } = piece;
        let lead = Melody {
            notes: lead(score, grid.quarter()),
            lyrics: score.lyrics.clone(),
            all_sing: score.all_sing,
            fermatas: score.fermatas.clone(),
            phrasing: score.phrasing.clone(),
            ..Melody::default()
        };
        let in_piece = |error: melody::MelodyError| ArrangeError::Piece(error.to_string());
        let steps = melody::steps(&lead, grid).map_err(in_piece)?;
        let sustained = score.parts.each_ref().map(|notes| sustained(notes, grid.quarter()));
        let pitches: Vec<[Option<Pitch>; 4]> = steps
            .iter()
            .map(|step| sustained.each_ref().map(|notes| note_at(notes, middle(step)).map(|note| note.pitch)))
            .collect();
        let semitones = semitones_to_vocabulary(&pitches);
        let heard = |pitch: Option<Pitch>| pitch.map_or(Token::REST, |pitch| token(pitch, semitones));
        let chords = pitches.iter().map(|pitches| Chord(pitches.map(heard))).collect();
        let constraints = Constraints { ensemble: score.ensemble, density: options.density };
        Ok(Sounding { piece, lead, steps, chords, semitones, constraints })
    }

    /// Whether a note of the piece begins in some of the steps.
    fn begins_in(&self, steps: &[Range<u32>], tick: Tick) -> bool {
        let step = self.piece.grid.nearest_step(tick);
        steps.iter().any(|steps| steps.contains(&step))
    }

    /// Which parts are free in each step: where no note sounds that stays, within `steps` and as far as notes that begin
    /// there go on.
    fn free(&self, steps: &[Range<u32>], parts: Parts) -> Vec<Parts> {
        let silent = self.constraints.ensemble.silent();
        let is_free = |part: Part, step: &MelodyStep| {
            if !parts.contains(part) && silent != Some(part) {
                return false;
            }
            match note_at(self.piece.score.part(part), middle(step)) {
                Some(note) => self.begins_in(steps, note.start),
                None => self.begins_in(steps, step.start),
            }
        };
        self.steps.iter().map(|step| Parts::which(|part| is_free(part, step))).collect()
    }

    fn find(
        &self,
        model: &Arc<Model>,
        free: &[Parts],
        selected: &[Range<u32>],
        parts: Parts,
        options: &Options,
        clings: bool,
    ) -> Result<Vec<Arrangement>, ArrangeError> {
        let Method::Ahead { particles, alternatives } = options.method else { return Err(ArrangeError::LiveAgain) };
        let limits = self.constraints.limits(self.semitones)?;
        let mut steps = steps_among(&self.steps, &self.chords, free, limits, &self.constraints);
        if clings {
            steps.iter_mut().zip(&self.chords).for_each(|(step, chord)| step.sounding = Some(*chord));
        }
        let mut plan = Plan::of(steps);
        let (contour, spans) = contour_of(&self.steps, melody::beats_in_bar(&self.lead, &self.piece.grid));
        let home = self.piece.score.home().transposed(self.semitones);
        plan.head_for_cadences(&contour.transposed(self.semitones), &spans, home);
        let is_free = |free: &Parts| !free.is_empty();
        let first = free.iter().position(is_free).unwrap_or(0);
        let end = free.iter().rposition(is_free).map_or(first, |last| last + 1);
        plan.focus(first..end);
        let mut sampling = options.freedom.sampling(self.constraints.guard(guard_for(model, Purpose::Ahead)));
        // Searches that follow each other have seeds that follow each other; the next seed of the user's has others.
        sampling.seed = sampling.seed.wrapping_mul(0x100);
        let found = search::alternatives(model, sampling, &plan, particles, ROUNDS * alternatives)?;
        let notes = 4.0 * plan.steps.len() as f64;
        let all = found.into_iter().map(|one| {
            let nats = Nats::of(&one, notes);
            let score = self.score(&one.chords[..end - first], first, free, selected, parts);
            let piece = phrase_ends::piece(score, self.piece.grid.clone());
            Arrangement { piece, steps: end - first, nats: Some(nats), remarks: Vec::new() }
        });
        let (mut new, mut same): (Vec<Arrangement>, Vec<Arrangement>) =
            all.partition(|one| clings || one.piece.score.parts != self.piece.score.parts);
        if new.is_empty() {
            new.append(&mut same);
        }
        new.truncate(alternatives.max(1));
        Ok(new)
    }

    /// The piece with the chords from step `first` on in place of its notes that begin in the selected steps.
    fn score(&self, chords: &[Chord], first: usize, free: &[Parts], selected: &[Range<u32>], parts: Parts) -> Score {
        let mut score = self.piece.score.clone();
        freeze_spellings(&mut score);
        let struck = parts::struck_anew(&self.lead, &self.steps, score.ticks_per_quarter);
        for part in parts.iter() {
            let pitch = |index: usize| {
                let chord = chords.get(index.checked_sub(first)?).filter(|_| free[index].contains(part))?;
                let pitch = chord[part].pitch()?;
                Some(pitch.transposed(-self.semitones).unwrap_or(pitch))
            };
            let new = parts::line(&self.steps, &struck, pitch);
            let notes = &mut score.parts[part.index()];
            notes.retain(|note| !self.begins_in(selected, note.start));
            let kept = notes.clone();
            notes.extend(new.into_iter().filter_map(|note| beside(&kept, note)));
            notes.sort_by_key(|note| note.start);
            let stays = |tick: &Tick| kept.binary_search_by_key(tick, |note| note.start).is_ok();
            score.spellings[part.index()].retain(|tick, _| stays(tick));
        }
        // Signs that hang on a note of the melody go with it.
        let begins = |tick: &Tick| score.parts[score.melody.index()].iter().any(|note| note.start == *tick);
        if parts.contains(score.melody) {
            score.fermatas.retain(begins);
            score.phrasing.breaths.retain(begins);
            score.phrasing.slurs.retain(|(first, last)| begins(first) && begins(last));
        }
        let key = self.piece.score.key();
        if score.key() != key {
            score.directions.insert(0, (0, Direction::Key { sharps: key.sharps, minor: key.minor }));
        }
        score.sung_by(self.constraints.ensemble)
    }
}

/// Writes down how each note is written, so that those that stay are written alike beside others.
fn freeze_spellings(score: &mut Score) {
    let written = Part::ALL.map(|part| {
        let notes = score.part(part).iter().map(|note| note.start);
        notes.zip(spellings(score, part)).collect::<BTreeMap<_, _>>()
    });
    score.spellings = written;
}

/// What is left of a note between those that stay.
fn beside(kept: &[Note], mut note: Note) -> Option<Note> {
    let next = kept.partition_point(|kept| kept.start < note.start);
    if let Some(next) = kept.get(next) {
        note.end = note.end.min(next.start);
    }
    if let Some(before) = next.checked_sub(1).map(|before| kept[before]) {
        note.start = note.start.max(before.end);
    }
    (note.start < note.end).then_some(note)
}

fn middle(step: &MelodyStep) -> Tick {
    step.start + (step.end - step.start) / 2
}

/// Of notes in order the last that has begun, while it sounds.
fn note_at(notes: &[Note], tick: Tick) -> Option<&Note> {
    let last = notes[..notes.partition_point(|note| note.start <= tick)].last()?;
    (tick < last.end).then_some(last)
}

/// Each note until the next one, where less than a quarter lies between: that is articulation.
fn sustained(notes: &[Note], quarter: Tick) -> Vec<Note> {
    let ends = notes.iter().skip(1).map(|next| next.start).chain([Tick::MAX]);
    let sustain = |(note, next): (&Note, Tick)| {
        let is_near = next.saturating_sub(note.end) < quarter;
        Note { end: if is_near { next } else { note.end }, ..*note }
    };
    notes.iter().zip(ends).map(sustain).collect()
}

/// The soprano, with notes of the next lower part wherever it rests for a quarter or longer.
fn lead(score: &Score, quarter: Tick) -> Vec<Note> {
    let mut lead = score.part(Part::Soprano).to_vec();
    for part in Part::LOWER {
        let starts = lead.iter().map(|note| note.start).chain([Tick::MAX]);
        let ends = iter::once(0).chain(lead.iter().map(|note| note.end));
        let rests: Vec<(Tick, Tick)> =
            ends.zip(starts).filter(|(end, start)| start.saturating_sub(*end) >= quarter).collect();
        for (from, to) in rests {
            let within = score.part(part).iter().filter(|note| note.start < to && from < note.end);
            lead.extend(within.map(|note| Note { start: note.start.max(from), end: note.end.min(to), ..*note }));
        }
        lead.sort_by_key(|note| note.start);
    }
    lead
}

/// As near as can be to where the networks know all parts, or at least all pitches.
fn semitones_to_vocabulary(pitches: &[[Option<Pitch>; 4]]) -> i32 {
    let (low, high) = Part::Soprano.range();
    let is_known = |semitones: i32, strictly: bool| {
        pitches.iter().all(|chord| {
            let heard = |pitch: Pitch| pitch.transposed(semitones).filter(|pitch| Token::from_pitch(*pitch).is_some());
            chord.iter().flatten().all(|pitch| heard(*pitch).is_some())
                && chord[0].and_then(heard).is_none_or(|top| !strictly || (low..=high).contains(&top))
        })
    };
    let ways = || (0..=24).flat_map(|semitones| [semitones, -semitones]);
    let best = ways().find(|way| is_known(*way, true)).or_else(|| ways().find(|way| is_known(*way, false)));
    best.unwrap_or(0)
}

/// Beyond what the networks know, in the nearest octave within.
fn token(pitch: Pitch, semitones: i32) -> Token {
    let octaves = [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6, 7, -7];
    let heard = |octaves: i32| pitch.transposed(semitones + 12 * octaves).and_then(Token::from_pitch);
    octaves.into_iter().find_map(heard).unwrap_or(Token::REST)
}
