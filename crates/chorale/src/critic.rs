//! A critic of the networks' own playing: how much likelier a step is Bach's than ours, judged by some ten thousand small
//! things that each chord does (how long a note was, how a dissonance is left, what follows what in the key). It is a
//! log-linear model beside the network, of which every weight is learned (tests/src/bin/fit_critic.rs) until our own
//! runs do each thing about as often as Bach.

mod features;

use crate::phrase_tracker::Prospect;
use crate::{Chord, Key, Part, Past, Phase};

pub use features::{Of, Trace};

/// Things that are told apart; which is which is decided by a hash.
pub const THINGS: usize = OTHERS + PHRASES;
const OTHERS: usize = 1 << 18;
/// Of [`Of::Phrase`], behind the others.
const PHRASES: usize = 1 << 17;

/// Nats of the greatest weight that there can be, and of the least step of one.
const LIMIT: f32 = 3.0;
const STEP: f32 = LIMIT / 127.0;

/// What each thing is worth.
#[derive(Clone)]
pub struct Critic {
    /// In steps of [`STEP`], by thing.
    weights: Vec<i8>,
}

impl std::fmt::Debug for Critic {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(to, "Critic of {} weights", self.weights.iter().filter(|weight| **weight != 0).count())
    }
}

/// Two critics are the same where they are one.
impl PartialEq for Critic {
    fn eq(&self, other: &Critic) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Critic {
    /// Of weights in nats, within 3, which are rounded to 127ths of that. `None` unless there is one for each of
    /// [`THINGS`].
    pub fn new(nats: &[f32]) -> Option<Critic> {
        let weights = nats.iter().map(|weight| (weight / STEP).round() as i8).collect();
        (nats.len() == THINGS).then_some(Critic { weights })
    }

    /// Its file: for each thing that is worth something, how many before it are worth nothing (LEB128: seven bits a byte, the
    /// lowest first, the eighth set while more follow), and its weight in steps, a signed byte.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (mut bytes, mut skipped) = (Vec::new(), 0usize);
        for &weight in &self.weights {
            if weight == 0 {
                skipped += 1;
                continue;
            }
            while skipped >= 0x80 {
                bytes.push(skipped as u8 | 0x80);
                skipped >>= 7;
            }
            bytes.extend([skipped as u8, weight as u8]);
            skipped = 0;
        }
        bytes
    }

    /// The reverse of [`Critic::to_bytes`]; `None` if it is no such file.
    pub fn from_bytes(bytes: &[u8]) -> Option<Critic> {
        let (mut weights, mut thing) = (vec![0; THINGS], 0usize);
        let mut bytes = bytes.iter().copied();
        while let Some(mut byte) = bytes.next() {
            let mut shift = 0;
            loop {
                thing = thing.checked_add(usize::from(byte & 0x7f) << shift).filter(|thing| *thing < THINGS)?;
                if byte & 0x80 == 0 {
                    break;
                }
                shift += 7;
                byte = bytes.next().filter(|_| shift < 21)?;
            }
            weights[thing] = bytes.next()? as i8;
            thing += 1;
        }
        Some(Critic { weights })
    }

    /// A number that another critic will hardly have (FNV-1a over its weights).
    pub fn fingerprint(&self) -> u64 {
        let prime = 0x0100_0000_01b3;
        self.weights
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |hash, weight| (hash ^ u64::from(*weight as u8)).wrapping_mul(prime))
    }

    /// Nats to add for `chord` as the next step, at `phase`; `prospect` is that under its soprano. Where a phrase ends, or may
    /// end, others know better.
    pub fn worth(&self, trace: &Trace, past: &Past, chord: Chord, phase: Phase, prospect: Prospect) -> f32 {
        let goes_on = goes_on(prospect, trace);
        if goes_on == 0.0 && trace.is_known() {
            return 0.0;
        }
        let (mut of_others, mut of_phrase) = (0i32, 0i32);
        trace.things(past.home(), chord, phase, prospect, |thing, of| match of {
            Of::Phrase => of_phrase += i32::from(self.weights[thing]),
            Of::Voices | Of::Harmony => of_others += i32::from(self.weights[thing]),
        });
        (goes_on * of_others as f32 + of_phrase as f32) * STEP
    }
}

/// How much a critic has to say: the less, the likelier a phrase ends; nothing in a piece that is known whole where it ends as
/// likely as not.
fn goes_on(prospect: Prospect, trace: &Trace) -> f32 {
    let ends = prospect.rest.max(prospect.arrival);
    if trace.is_known() { (1.0 - 2.0 * ends).max(0.0) } else { 1.0 - ends }
}

/// Tells `found` for each step of a piece each thing that happens in it. Whoever knows the piece whole tells its key, and what is to
/// be expected of each step; where a phrase ends as likely as not, harmony is not told: it is not the critic's to choose.
pub fn things(
    chords: &[Chord],
    phases: &[Phase],
    known: Option<(Key, &[Prospect])>,
    mut found: impl FnMut(usize, usize, Of),
) {
    let (mut past, mut trace) = (Past::default(), Trace::default());
    if let Some((key, _)) = known {
        trace.know(key);
    }
    for (step, (&chord, &phase)) in chords.iter().zip(phases).enumerate() {
        let heard = || past.prospects(phase).of(chord[Part::Soprano]);
        let prospect = known.map_or_else(heard, |(_, prospects)| prospects[step]);
        let is_open = goes_on(prospect, &trace) > 0.0;
        trace.things(past.home(), chord, phase, prospect, |thing, of| {
            if is_open || of != Of::Harmony {
                found(step, thing, of);
            }
        });
        past.step(chord, phase);
        trace.step(chord, phase);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chorale;

    const C_MAJOR: Key = Key { sharps: 0, minor: false };

    #[test]
    fn a_step_is_worth_what_the_things_that_it_does_are_worth() {
        let rows = "note0,note1,note2,note3\n72,67,64,48\n72,67,64,50\n71,67,62,55\n72,67,64,48\n";
        let chords = Chorale::from_csv(rows).unwrap().chords;
        let phases: Vec<Phase> = (0..chords.len()).map(Phase::in_beat).collect();
        let mut all = 0;
        let prospects = vec![Prospect::default(); chords.len()];
        things(&chords, &phases, Some((C_MAJOR, &prospects)), |_, _, _| all += 1);
        assert!(all > 100, "{all} things in four steps");
        let critic = Critic::new(&[20.0 * STEP; THINGS]).unwrap();
        let (mut past, mut trace, mut worth) = (Past::default(), Trace::default(), 0.0);
        trace.know(C_MAJOR);
        for (&chord, &phase) in chords.iter().zip(&phases) {
            worth += critic.worth(&trace, &past, chord, phase, Prospect::default());
            past.step(chord, phase);
            trace.step(chord, phase);
        }
        assert!((worth - 20.0 * STEP * all as f32).abs() < 0.01, "{worth}");
        assert!(Critic::new(&[0.0; 3]).is_none());
    }

    #[test]
    fn where_a_phrase_ends_a_critic_is_silent_and_harmony_is_not_counted() {
        let chords = Chorale::from_csv("note0,note1,note2,note3\n72,67,64,48\n").unwrap().chords;
        let (phases, ends) = ([Phase::in_beat(0)], Prospect { rest: 1.0, arrival: 0.0 });
        let critic = Critic::new(&[20.0 * STEP; THINGS]).unwrap();
        let mut trace = Trace::default();
        trace.know(C_MAJOR);
        let worth = |prospect| critic.worth(&trace, &Past::default(), chords[0], phases[0], prospect);
        assert_eq!(worth(ends), 0.0);
        assert!(worth(Prospect { rest: 0.2, arrival: 0.0 }) < worth(Prospect::default()));
        let counted = |prospect| {
            let mut count = 0;
            things(&chords, &phases, Some((C_MAJOR, &[prospect])), |_, _, _| count += 1);
            count
        };
        assert!(0 < counted(ends) && counted(ends) < counted(Prospect { rest: 0.45, arrival: 0.0 }));
    }

    #[test]
    fn live_what_leads_to_an_end_is_told_where_one_is_likely_and_speaks_while_the_rest_is_silent() {
        let chords = Chorale::from_csv("note0,note1,note2,note3\n72,67,64,48\n").unwrap().chords;
        let phase = Phase::in_beat(0);
        let nats: Vec<f32> = (0..THINGS).map(|thing| if thing < OTHERS { 1.0 } else { 10.0 * STEP }).collect();
        let critic = Critic::new(&nats).unwrap();
        let worth =
            |rest| critic.worth(&Trace::default(), &Past::default(), chords[0], phase, Prospect { rest, arrival: 0.0 });
        let at_end = worth(1.0);
        assert!(at_end >= 10.0 * STEP, "{at_end}");
        assert!(worth(0.9) > at_end, "the others speak again");
    }

    #[test]
    fn a_critic_is_read_from_its_file_as_it_was_and_from_no_part_of_it() {
        let mut nats = vec![0.0; THINGS];
        for (thing, weight) in [(0, 3.0), (1, -3.0), (200, 0.024), (70_000, -0.5), (THINGS - 1, 9.0)] {
            nats[thing] = weight;
        }
        let critic = Critic::new(&nats).unwrap();
        let bytes = critic.to_bytes();
        let read = Critic::from_bytes(&bytes).unwrap();
        assert_eq!(read.weights, critic.weights);
        assert_eq!(read.weights.last().map(|&weight| f32::from(weight) * STEP), Some(3.0));
        assert!(Critic::from_bytes(&bytes[..bytes.len() - 1]).is_none());
        assert!(Critic::from_bytes(&[0xff, 0xff, 0xff, 0x7f, 1]).is_none());
    }
}
