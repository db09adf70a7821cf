//! Which words are sung when measures are repeated.

use std::collections::BTreeSet;

use super::{RepeatSigns, WrittenMeasure};

/// The verses of a part whose repeated measures have a line of words for each pass.
pub(super) struct Verses {
    /// By measure.
    present: Vec<BTreeSet<u8>>,
    /// How often each measure has been begun.
    passes: Vec<u8>,
}

impl Verses {
    /// `None` where the verses are strophes, which are sung to the whole piece: where measures that are played once have
    /// several too, or repeated ones more than there are passes.
    pub fn of_passes(measures: &[WrittenMeasure], signs: &[RepeatSigns], order: &[usize]) -> Option<Verses> {
        let verses = |measure: &WrittenMeasure| -> BTreeSet<u8> {
            measure.notes.iter().flat_map(|note| &note.lyrics).map(|lyric| lyric.verse).collect()
        };
        let present: Vec<BTreeSet<u8>> = measures.iter().map(verses).collect();
        let mut times = vec![0_usize; measures.len()];
        for &measure in order {
            times.get_mut(measure).into_iter().for_each(|times| *times += 1);
        }
        let is_ending = |measure: usize| signs.get(measure).is_some_and(|sign| !sign.endings.is_empty());
        let count = |is_asked: &dyn Fn(usize) -> bool| {
            let asked = (0..measures.len()).filter(|&measure| !is_ending(measure) && is_asked(times[measure]));
            asked.flat_map(|measure| &present[measure]).collect::<BTreeSet<_>>().len()
        };
        let (repeated, once) = (count(&|times| times > 1), count(&|times| times == 1));
        let most = times.iter().copied().max().unwrap_or(0);
        let are_of_passes = (2..=most).contains(&repeated) && once <= 1;
        are_of_passes.then(|| Verses { present, passes: vec![0; measures.len()] })
    }

    /// The verse that is sung this time, when a measure is played once more: that of the pass, else the first.
    pub fn begin(&mut self, measure: usize) -> Option<u8> {
        let pass = self.passes.get_mut(measure)?;
        *pass = pass.saturating_add(1);
        let present = &self.present[measure];
        if present.contains(pass) { Some(*pass) } else { present.first().copied() }
    }
}
