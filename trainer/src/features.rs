//! What the networks are told of a step, as words of small vocabularies, and which rows of their embedding tables the
//! words stand for: single words, and intervals between two of them, which say the same in every key.

use chorale::{Part, Phase, Recalled, Recollection, Token};

/// Tokens that can go in: the vocabulary and the start marker.
pub const INPUT_TOKENS: usize = Token::VOCABULARY + 1;

/// Columns of the words of a step: the chord before, what is recalled ([`Recalled::words`]: four tokens and the class of
/// the length, by whole chords and by the melody), then the phase for the trunk and the present chord for the heads.
pub const RECALLED: usize = 4;
pub const RECALLED_CLASS: usize = RECALLED + 4;
pub const BY_MELODY: usize = RECALLED_CLASS + 1;
pub const BY_MELODY_CLASS: usize = BY_MELODY + 4;
pub const PHASE: usize = RECALLED + Recalled::WORDS;
pub const NOW: usize = PHASE;

/// Intervals from the part's previous pitch that a head weighs: -46..=46 semitones, then one place that stands for
/// every pair without an interval (from or to a rest, or before the first step).
pub const INTERVALS: usize = 2 * (Token::VOCABULARY - 1) + 2;
const UNISON: usize = Token::VOCABULARY - 1;
const NO_INTERVAL: usize = INTERVALS - 1;

/// Classes of [`relation_table`].
pub const RELATIONS: usize = 2 * OCTAVE + 2;
const OCTAVE: usize = 12;

/// The rows of one embedding table: first a block for each single word, then one for each pair.
pub struct Features {
    /// Column and size of its vocabulary.
    pub singles: Vec<(usize, usize)>,
    /// Columns of two tokens; a row for each class of the interval from the first to the second.
    pub pairs: Vec<(usize, usize)>,
}

impl Features {
    /// What the trunk hears.
    pub fn of_trunk() -> Features {
        let mut singles: Vec<(usize, usize)> = [0, RECALLED, BY_MELODY]
            .into_iter()
            .flat_map(|first| (first..first + 4).map(|column| (column, INPUT_TOKENS)))
            .collect();
        singles.extend([(RECALLED_CLASS, Recollection::CLASSES), (BY_MELODY_CLASS, Recollection::CLASSES)]);
        singles.push((PHASE, Phase::COUNT));
        let within = (0..4).flat_map(|low| (low + 1..4).map(move |high| (low, high)));
        Features { singles, pairs: within.chain((0..4).map(|part| (part, RECALLED + part))).collect() }
    }

    /// What the head of `part` hears besides the context; the parts `earlier` of the present chord are chosen.
    pub fn of_head(part: Part, earlier: &[Part]) -> Features {
        let part = part.index();
        let now: Vec<usize> = earlier.iter().map(|part| NOW + part.index()).collect();
        let mut singles: Vec<(usize, usize)> =
            (0..4).chain(now.iter().copied()).map(|column| (column, INPUT_TOKENS)).collect();
        singles.extend([(RECALLED_CLASS, Recollection::CLASSES), (BY_MELODY_CLASS, Recollection::CLASSES)]);
        // Where the part stood against the others, and where memory would have it go.
        let mut pairs: Vec<(usize, usize)> = (0..4).filter(|&other| other != part).map(|other| (part, other)).collect();
        pairs.extend([(part, RECALLED + part), (part, BY_MELODY + part)]);
        for (place, &column) in now.iter().enumerate() {
            let other = column - NOW;
            // How the other moved, where that is from here, and whether it is what was recalled.
            pairs.extend([(other, column), (part, column), (RECALLED + other, column), (BY_MELODY + other, column)]);
            pairs.extend(now[..place].iter().map(|&before| (before, column)));
        }
        Features { singles, pairs }
    }

    /// Rows of the table.
    pub fn rows(&self) -> usize {
        self.singles.iter().map(|(_, size)| size).sum::<usize>() + self.pairs.len() * RELATIONS
    }

    /// Rows that stand for one step.
    pub fn count(&self) -> usize {
        self.singles.len() + self.pairs.len()
    }

    /// Where the block of each single word begins, then that of each pair.
    pub fn offsets(&self) -> Vec<usize> {
        let sizes = self.singles.iter().map(|&(_, size)| size).chain(self.pairs.iter().map(|_| RELATIONS));
        let ends = sizes.scan(0, |end, size| {
            let offset = *end;
            *end += size;
            Some(offset)
        });
        ends.collect()
    }
}

/// How a head names the tokens besides absolutely: each naming starts from a token that is known, has some of the
/// head's outputs for itself, and one of them is added to the logit of each token that could come next.
pub struct Names {
    /// Column of the token from which each naming starts.
    pub columns: Vec<usize>,
    /// Of each naming, in [`naming_table`].
    pub kinds: Vec<Naming>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// By the interval from the part's previous pitch.
    Interval,
    /// Whether it is the recalled token.
    Recalled,
    /// By the interval from a chosen part, folded as in [`relation_table`].
    Relation,
}

impl Naming {
    /// Outputs that a naming needs.
    pub const fn outputs(self) -> usize {
        [INTERVALS, 2, RELATIONS][self as usize]
    }
}

impl Names {
    pub fn of_head(part: Part, earlier: &[Part]) -> Names {
        let part = part.index();
        let mut columns = vec![part, RECALLED + part, BY_MELODY + part];
        let mut kinds = vec![Naming::Interval, Naming::Recalled, Naming::Recalled];
        columns.extend(earlier.iter().map(|part| NOW + part.index()));
        kinds.extend(earlier.iter().map(|_| Naming::Relation));
        Names { columns, kinds }
    }

    /// How many namings there are.
    pub fn count(&self) -> usize {
        self.kinds.len()
    }

    /// A head's outputs: one for each token, then those of each naming.
    pub fn outputs(&self) -> usize {
        Token::VOCABULARY + self.kinds.iter().map(|kind| kind.outputs()).sum::<usize>()
    }

    /// Where the outputs of each naming begin.
    pub fn offsets(&self) -> Vec<usize> {
        let ends = self.kinds.iter().scan(Token::VOCABULARY, |end, kind| {
            let offset = *end;
            *end += kind.outputs();
            Some(offset)
        });
        ends.collect()
    }
}

/// For each kind of naming and each token from which it starts (3 · 48 rows) and each token that could come next
/// (47 columns), which of the naming's outputs is added to the latter's logit.
pub fn naming_table() -> Vec<u32> {
    let starts = || Token::all().chain([Token::START]);
    let mut table = interval_table();
    for recalled in starts() {
        table.extend(Token::all().map(|next| u32::from(next != recalled)));
    }
    let relations = relation_table();
    for start in starts() {
        table.extend_from_slice(&relations[start.index() * INPUT_TOKENS..][..Token::VOCABULARY]);
    }
    table
}

/// For each pair of tokens (48 · first + second) the class of the interval between them: -12..=12 semitones, wider ones
/// brought within an octave, then one class for every pair without an interval.
pub fn relation_table() -> Vec<u32> {
    let tokens = || Token::all().chain([Token::START]);
    let mut table = Vec::with_capacity(INPUT_TOKENS * INPUT_TOKENS);
    for first in tokens() {
        for second in tokens() {
            let octave = OCTAVE as i32;
            let class = match (first.pitch(), second.pitch()) {
                (Some(first), Some(second)) => {
                    let interval = i32::from(second.midi()) - i32::from(first.midi());
                    let folded = if interval.abs() > octave {
                        interval.signum() * ((interval.abs() - 1) % octave + 1)
                    } else {
                        interval
                    };
                    (folded + octave) as u32
                }
                _ => RELATIONS as u32 - 1,
            };
            table.push(class);
        }
    }
    table
}

/// For each previous token (48 rows) and each token that could come next (47 columns), which of the [`INTERVALS`]
/// lies between them. "Stay" is an interval like the others, so the frequent case of a held pitch, rests included,
/// is learned once for all pitches.
fn interval_table() -> Vec<u32> {
    let mut table = Vec::with_capacity(INPUT_TOKENS * Token::VOCABULARY);
    for previous in Token::all().chain([Token::START]) {
        for next in Token::all() {
            let place = match (previous.pitch(), next.pitch()) {
                (Some(_), Some(_)) => UNISON + next.index() - previous.index(),
                (None, None) if previous == Token::REST => UNISON,
                _ => NO_INTERVAL,
            };
            table.push(place as u32);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_intervals_folded_into_an_octave_and_none_without_two_pitches() {
        let table = relation_table();
        let class = |first: usize, second: usize| table[first * INPUT_TOKENS + second] as i32 - OCTAVE as i32;
        assert_eq!([class(5, 5), class(5, 17), class(17, 5), class(5, 18), class(46, 1)], [0, 12, -12, 1, -9]);
        let none = RELATIONS as i32 - 1 - OCTAVE as i32;
        assert_eq!([class(0, 5), class(5, 0), class(47, 5), class(0, 0)], [none; 4]);
        assert!(table.iter().all(|&class| (class as usize) < RELATIONS));
    }

    #[test]
    fn each_feature_has_its_own_block_of_rows() {
        for features in [Features::of_trunk(), Features::of_head(Part::Alto, &[Part::Soprano, Part::Bass])] {
            let offsets = features.offsets();
            assert_eq!(offsets.len(), features.count());
            assert!(offsets.windows(2).all(|pair| pair[0] < pair[1]));
            let last =
                if features.pairs.is_empty() { features.singles[features.singles.len() - 1].1 } else { RELATIONS };
            assert_eq!(offsets[offsets.len() - 1] + last, features.rows());
        }
    }

    #[test]
    fn the_interval_table_says_stay_for_the_same_token_and_nothing_from_the_start() {
        let table = interval_table();
        let place = |previous: usize, next: usize| table[previous * Token::VOCABULARY + next] as usize;
        for token in 0..Token::VOCABULARY {
            assert_eq!(place(token, token), UNISON);
            assert_eq!(place(Token::START.index(), token), NO_INTERVAL);
        }
        assert_eq!((place(1, 46), place(46, 1), place(5, 7)), (91, 1, UNISON + 2));
        assert_eq!((place(0, 5), place(5, 0)), (NO_INTERVAL, NO_INTERVAL));
        assert!(table.iter().all(|&place| (place as usize) < INTERVALS));
    }
}
