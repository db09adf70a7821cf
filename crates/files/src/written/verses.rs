//! Which words are sung when measures are repeated.

use std::collections::{BTreeMap, BTreeSet};

use super::{RepeatSigns, WrittenMeasure, WrittenNote};

/// The verses of a part whose repeated measures have lines of words for each pass.
pub(super) struct Verses {
    /// By measure.
    present: Vec<BTreeSet<u8>>,
    /// By measure, how often it is played, and how often it has been begun.
    times: Vec<usize>,
    begun: Vec<usize>,
    /// By measure, the pass for which its ending is.
    endings: Vec<Option<usize>>,
    /// Those of repeated measures, in order.
    lines: Vec<u8>,
    /// How often the most repeated measure is played.
    passes: usize,
    /// Whether what is played once has a single line of words.
    has_refrain: bool,
}

/// What is sung in a measure.
#[derive(Default)]
pub(super) struct Sung {
    /// By the verse on paper, the verse as it is sung.
    pub lines: BTreeMap<u8, u8>,
    /// The line whose syllables are sung where those lines have none.
    pub common: Option<u8>,
}

impl Sung {
    /// Whether only a note here and there lacks a syllable of those lines: it may belong to the syllable before it, whatever the
    /// common line has there.
    pub fn lacks_single_notes(&self, measure: &WrittenMeasure) -> bool {
        let mut notes: Vec<_> = measure.notes.iter().filter(|note| !note.lyrics.is_empty()).collect();
        notes.sort_by_key(|note| note.start);
        let has_one = |note: &&WrittenNote| note.lyrics.iter().any(|lyric| self.lines.contains_key(&lyric.verse));
        let had: Vec<bool> = notes.iter().map(has_one).collect();
        !had.windows(2).any(|two| two == [false, false])
    }
}

impl Verses {
    /// `None` where the verses are strophes, which are sung to the whole piece: where measures that are played once have
    /// several too, unless the repeated ones have as many lines more as there are passes.
    pub fn of_passes(measures: &[WrittenMeasure], signs: &[RepeatSigns], order: &[usize]) -> Option<Verses> {
        let verses = |measure: &WrittenMeasure| -> BTreeSet<u8> {
            measure.notes.iter().flat_map(|note| &note.lyrics).map(|lyric| lyric.verse).collect()
        };
        let present: Vec<BTreeSet<u8>> = measures.iter().map(verses).collect();
        let mut times = vec![0_usize; measures.len()];
        for &measure in order {
            times.get_mut(measure).into_iter().for_each(|times| *times += 1);
        }
        let ending = |measure: usize| signs.get(measure)?.endings.first().map(|pass| *pass as usize);
        let endings: Vec<Option<usize>> = (0..measures.len()).map(ending).collect();
        let lines = |is_asked: &dyn Fn(usize) -> bool| -> Vec<u8> {
            let asked = (0..measures.len()).filter(|&measure| endings[measure].is_none() && is_asked(times[measure]));
            asked.flat_map(|measure| &present[measure]).copied().collect::<BTreeSet<_>>().into_iter().collect()
        };
        let (repeated, once) = (lines(&|times| times > 1), lines(&|times| times == 1).len());
        let passes = times.iter().copied().max().unwrap_or(0);
        let are_of_passes = passes > 1 && repeated.len() > 1 && (once <= 1 || repeated.len() == passes * once);
        let begun = vec![0; measures.len()];
        are_of_passes.then_some(Verses {
            present,
            times,
            begun,
            endings,
            lines: repeated,
            passes,
            has_refrain: once == 1,
        })
    }

    /// For the user.
    pub fn remark(&self) -> String {
        let said = "repeated measures with several lines of words sing one of them each time";
        let Verses { lines, passes, .. } = self;
        match lines.len().checked_sub(*passes).filter(|more| *more > 0) {
            Some(_) => format!("{said}; lines beyond the first {passes} make further verses"),
            None => said.into(),
        }
    }

    /// What is sung this time, when a measure is played once more: the lines of the pass, the first of them as the first
    /// verse and so on; where the pass has none, the first line.
    pub fn begin(&mut self, measure: usize) -> Sung {
        let Some(begun) = self.begun.get_mut(measure) else { return Sung::default() };
        *begun += 1;
        let (times, present) = (self.times[measure], &self.present[measure]);
        let (pass, passes) = match self.endings[measure] {
            Some(pass) if times == 1 => (pass, self.passes),
            _ => (*begun, times),
        };
        let place = |verse: &u8| {
            self.lines.iter().position(|line| line == verse).unwrap_or(usize::from(*verse).saturating_sub(1))
        };
        let is_refrain = times == 1 && self.endings[measure].is_none() && present.len() == 1 && self.has_refrain;
        let of_pass =
            present.iter().filter(|_| !is_refrain).filter(|verse| place(verse) % passes == (pass - 1) % passes);
        let lines: BTreeMap<u8, u8> = of_pass.map(|verse| (*verse, (place(verse) / passes + 1) as u8)).collect();
        let first = present.first().copied();
        match first {
            Some(first) if lines.is_empty() => Sung { lines: [(first, 1)].into(), common: None },
            _ => Sung { common: first.filter(|first| !lines.contains_key(first)), lines },
        }
    }
}
