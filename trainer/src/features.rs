//! What the networks are told of a step, as words of small vocabularies; which rows of their embedding tables the words
//! stand for: single words, and relations between two of them, which say the same in every key; and how a head's outputs add up to
//! the logits of the tokens that come out.

use chorale::columns::{
    self, CHORD, GIVEN, GLOBAL_KEY, HELD, LENGTH_BY_CHORD, LENGTH_BY_MELODY, LOCAL_KEY, NOTES_BEFORE, PHASE,
    RECALLED_BY_CHORD, RECALLED_BY_MELODY,
};
use chorale::{Key, Part, Phase, PhraseMatch, StepFeatures, Token};

/// Tokens that can go in: the vocabulary and the start marker.
pub const INPUT_TOKENS: usize = columns::TOKENS;

const KEYS: [usize; 2] = [LOCAL_KEY, GLOBAL_KEY];

/// Intervals from the part's previous pitch that a head weighs: -46..=46 semitones, then one place that stands for
/// every pair without an interval (from or to a rest, or before the first step).
pub const INTERVALS: usize = 2 * (Token::VOCABULARY - 1) + 2;
const UNISON: usize = Token::VOCABULARY - 1;
const NO_INTERVAL: usize = INTERVALS - 1;
const OCTAVE: usize = 12;

/// How two words stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The interval from one token to another: -12..=12 semitones, wider ones brought within an octave, then one class
    /// for every pair without an interval.
    Interval,
    /// The degree of a token in a key, counted in semitones from the tonic: twelve in major, twelve in minor, then one
    /// class for no key or no pitch.
    Degree,
}

impl Relation {
    pub const ALL: [Relation; 2] = [Relation::Interval, Relation::Degree];

    /// How many classes there are.
    pub const fn classes(self) -> usize {
        [2 * OCTAVE + 2, 2 * OCTAVE + 1][self as usize]
    }

    fn class(self, first: Token, second: Token) -> usize {
        let class = match self {
            Relation::Interval => first.pitch().zip(second.pitch()).map(|(first, second)| {
                let octave = OCTAVE as i32;
                let interval = i32::from(second.midi()) - i32::from(first.midi());
                let folded = if interval.abs() > octave {
                    interval.signum() * ((interval.abs() - 1) % octave + 1)
                } else {
                    interval
                };
                (folded + octave) as usize
            }),
            // Here the first word is no token but the index of a key.
            Relation::Degree => Key::from_index(first.index())
                .zip(second.pitch())
                .map(|(key, pitch)| usize::from(key.minor) * OCTAVE + usize::from(key.degree(pitch.class()))),
        };
        class.unwrap_or(self.classes() - 1)
    }
}

/// The rows of one embedding table: first a block for each single word, then one for each pair.
pub struct Features {
    /// Column and size of its vocabulary.
    pub singles: Vec<(usize, usize)>,
    /// Columns of two words; a row for each class of their relation.
    pub pairs: Vec<(Relation, usize, usize)>,
}

impl Features {
    /// What the trunk hears.
    pub fn of_trunk() -> Features {
        let mut singles: Vec<(usize, usize)> = [CHORD, RECALLED_BY_CHORD, RECALLED_BY_MELODY]
            .into_iter()
            .flat_map(|first| (first..first + 4).map(|column| (column, INPUT_TOKENS)))
            .collect();
        singles.extend([(LENGTH_BY_CHORD, PhraseMatch::CLASSES), (LENGTH_BY_MELODY, PhraseMatch::CLASSES)]);
        singles.extend((HELD..HELD + 4).map(|column| (column, StepFeatures::HOLDS)));
        singles.push((PHASE, Phase::COUNT));
        let mut pairs = Vec::new();
        for part in 0..4 {
            pairs.extend((part + 1..4).map(|lower| (Relation::Interval, part, lower)));
            pairs.extend([RECALLED_BY_CHORD, NOTES_BEFORE].map(|other| (Relation::Interval, part, other + part)));
            pairs.extend(KEYS.map(|key| (Relation::Degree, key, part)));
        }
        Features { singles, pairs }
    }

    /// What the head of `part` hears besides the context; the parts `earlier` of the present chord are chosen.
    pub fn of_head(part: Part, earlier: &[Part]) -> Features {
        let part = part.index();
        let now: Vec<usize> = earlier.iter().map(|part| GIVEN + part.index()).collect();
        let mut singles: Vec<(usize, usize)> =
            (0..4).chain(now.iter().copied()).map(|column| (column, INPUT_TOKENS)).collect();
        singles.extend([(LENGTH_BY_CHORD, PhraseMatch::CLASSES), (LENGTH_BY_MELODY, PhraseMatch::CLASSES)]);
        singles.push((HELD + part, StepFeatures::HOLDS));
        // Where the part stood against the others, where it came from, and where memory would have it go.
        let mut pairs: Vec<(Relation, usize, usize)> = (0..4)
            .filter(|&other| other != part)
            .chain([NOTES_BEFORE + part, RECALLED_BY_CHORD + part, RECALLED_BY_MELODY + part])
            .map(|other| (Relation::Interval, part, other))
            .collect();
        pairs.extend(KEYS.map(|key| (Relation::Degree, key, part)));
        for (place, &column) in now.iter().enumerate() {
            let other = column - GIVEN;
            // How the other moved, where that is from here, and whether it is what was recalled.
            let starts = [other, part, RECALLED_BY_CHORD + other, RECALLED_BY_MELODY + other];
            pairs.extend(starts.iter().chain(&now[..place]).map(|&start| (Relation::Interval, start, column)));
            pairs.extend(KEYS.map(|key| (Relation::Degree, key, column)));
        }
        Features { singles, pairs }
    }

    /// Rows of the table.
    pub fn rows(&self) -> usize {
        self.sizes().sum()
    }

    /// Rows that stand for one step.
    pub fn count(&self) -> usize {
        self.singles.len() + self.pairs.len()
    }

    /// Where the block of each single word begins, then that of each pair.
    pub fn offsets(&self) -> Vec<usize> {
        starts(0, self.sizes())
    }

    fn sizes(&self) -> impl Iterator<Item = usize> {
        let pairs = self.pairs.iter().map(|(relation, ..)| relation.classes());
        self.singles.iter().map(|&(_, size)| size).chain(pairs)
    }
}

/// Where each of the blocks of these sizes begins, the first one at `first`.
fn starts(first: usize, sizes: impl Iterator<Item = usize>) -> Vec<usize> {
    let starts = sizes.scan(first, |end, size| {
        let start = *end;
        *end += size;
        Some(start)
    });
    starts.collect()
}

/// The logit of a token is the sum of its own output of the head and of one output of each group. A group says how the
/// token stands to a word that is known, and has some of the head's outputs for itself.
pub struct LogitGroups {
    /// Column of the word to which the tokens stand, for each group.
    pub columns: Vec<usize>,
    pub kinds: Vec<GroupKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// By the interval from the part's previous pitch.
    Interval,
    /// Whether it is the recalled token.
    Recalled,
    /// By the interval from a chosen part, folded as [`Relation::Interval`].
    Folded,
    /// By the degree in a key.
    Degree,
}

impl GroupKind {
    /// Outputs that a group needs.
    pub const fn outputs(self) -> usize {
        [INTERVALS, 2, Relation::Interval.classes(), Relation::Degree.classes()][self as usize]
    }
}

impl LogitGroups {
    pub fn of_head(part: Part, earlier: &[Part]) -> LogitGroups {
        let part = part.index();
        let mut columns = vec![part, RECALLED_BY_CHORD + part, RECALLED_BY_MELODY + part];
        let mut kinds = vec![GroupKind::Interval, GroupKind::Recalled, GroupKind::Recalled];
        columns.extend(earlier.iter().map(|part| GIVEN + part.index()));
        kinds.extend(earlier.iter().map(|_| GroupKind::Folded));
        columns.extend(KEYS);
        kinds.extend(KEYS.map(|_| GroupKind::Degree));
        LogitGroups { columns, kinds }
    }

    /// How many groups there are.
    pub fn count(&self) -> usize {
        self.kinds.len()
    }

    /// A head's outputs: one for each token, then those of each group.
    pub fn outputs(&self) -> usize {
        Token::VOCABULARY + self.kinds.iter().map(|kind| kind.outputs()).sum::<usize>()
    }

    /// Where the outputs of each group begin.
    pub fn offsets(&self) -> Vec<usize> {
        starts(Token::VOCABULARY, self.kinds.iter().map(|kind| kind.outputs()))
    }
}

/// For each kind of group and each word (4 · 48 rows) and each token that could come next (47 columns), which of the
/// group's outputs is added to the latter's logit.
pub fn group_table() -> Vec<u32> {
    let mut table = interval_table();
    for recalled in words() {
        table.extend(Token::all().map(|next| u32::from(next != recalled)));
    }
    for relation in Relation::ALL {
        table.extend(words().flat_map(|start| Token::all().map(move |next| relation.class(start, next) as u32)));
    }
    table
}

/// For each relation and each pair of words, (2 · 48 · 48), its class.
pub fn relation_table() -> Vec<u32> {
    let pairs = |relation: Relation| {
        words().flat_map(move |first| words().map(move |second| relation.class(first, second) as u32))
    };
    Relation::ALL.into_iter().flat_map(pairs).collect()
}

/// Everything that can stand in a column of tokens.
fn words() -> impl Iterator<Item = Token> {
    Token::all().chain([Token::START])
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
        let none = Relation::Interval.classes() as i32 - 1 - OCTAVE as i32;
        assert_eq!([class(0, 5), class(5, 0), class(47, 5), class(0, 0)], [none; 4]);
    }

    #[test]
    fn degrees_count_from_the_tonic_of_major_and_minor() {
        let degrees = &relation_table()[INPUT_TOKENS * INPUT_TOKENS..];
        // Token 1 is C2. The keys: C major, D major, C minor, none.
        let class = |key: usize, token: usize| degrees[key * INPUT_TOKENS + token];
        assert_eq!([class(0, 1), class(2, 1), class(12, 8), class(24, 8), class(0, 0)], [0, 10, 19, 24, 24]);
    }

    #[test]
    fn each_feature_and_each_group_has_its_own_block() {
        for features in [Features::of_trunk(), Features::of_head(Part::Alto, &[Part::Soprano, Part::Bass])] {
            let offsets = features.offsets();
            assert_eq!(offsets.len(), features.count());
            assert!(offsets.windows(2).all(|pair| pair[0] < pair[1]));
            let last = features.pairs[features.pairs.len() - 1].0.classes();
            assert_eq!(offsets[offsets.len() - 1] + last, features.rows());
        }
        let groups = LogitGroups::of_head(Part::Alto, &[Part::Soprano, Part::Bass]);
        let table = group_table();
        for ((&kind, offset), end) in groups
            .kinds
            .iter()
            .zip(groups.offsets())
            .zip(groups.offsets().into_iter().skip(1).chain([groups.outputs()]))
        {
            let block = &table[kind as usize * INPUT_TOKENS * Token::VOCABULARY..][..INPUT_TOKENS * Token::VOCABULARY];
            assert_eq!(block.iter().max().map(|&largest| offset + largest as usize + 1), Some(end), "{kind:?}");
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
