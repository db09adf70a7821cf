//! Domain types and theory of four-part chorales: [`Pitch`], [`Part`], [`Token`], [`Chord`] and [`Chorale`]; [`Key`],
//! [`Harmony`] and [`Spelling`]; the [`FeatureTracker`] that tells the networks what went before; and the rules of
//! part-writing ([`Rule`], [`Past`], [`Guard`]), judged as a chord is chosen and counted on finished pieces ([`census`]).
//!
//! Nothing here reads or writes a file, a port or a clock, starts a thread or draws a random number, and what the networks
//! are told is worked out in whole numbers: the same chords give the same words on every machine.
//!
//! ```
//! use chorale::{Chorale, Harmony, Part, Past, Phase, PitchClassDurations, Rule};
//!
//! let cadence = "72,67,64,48\n72,69,65,53\n71,67,62,55\n72,67,64,48\n";
//! let chorale = Chorale::from_csv(&format!("note0,note1,note2,note3\n{cadence}"))?;
//! let key = PitchClassDurations::of(&chorale.chords).key().unwrap();
//! let mut past = Past::default();
//! for (beat, chord) in chorale.chords.into_iter().enumerate() {
//!     let pitches: Vec<_> = chord.pitches().into_iter().flatten().collect();
//!     println!("{} {}", chord[Part::Bass].pitch().unwrap(), Harmony::of(&pitches).unwrap().numeral(key));
//!     assert_eq!(past.breaches(chord, Phase::in_bar(4 * beat))[Rule::ParallelFifths.index()], 0);
//!     past.step(chord, Phase::in_bar(4 * beat));
//! }
//! # Ok::<(), chorale::CsvError>(())
//! ```

#![forbid(unsafe_code)]

mod breaches;
mod cadence;
pub mod census;
mod chord;
pub mod critic;
mod density;
mod features;
mod given_chord;
mod guard;
mod harmony;
mod history;
mod key;
mod phase;
mod phrase_ends;
mod phrase_memory;
pub mod phrase_tracker;
mod pitch;
mod quality;
mod rules;
mod sonority;
mod spelling;

pub use breaches::{Breaches, Past};
pub use cadence::{Approach, Cadence, cadence_of, is_falling_fifth};
pub use chord::{Chorale, Chord, CsvError, Part, Parts, unfold};
pub use density::Density;
pub use features::{FeatureTracker, StepFeatures, columns};
pub use given_chord::{GivenChord, NoChord};
pub use guard::{Guard, closing_cost};
pub use harmony::Harmony;
pub use history::PitchClassDurations;
pub use key::{Key, KeyFinder, NoKey};
pub use phase::Phase;
pub use phrase_ends::{PhraseEnd, PhraseEnds, phrase_ends};
pub use phrase_memory::{PhraseMatch, PhraseMemory};
pub use pitch::{NoPitch, Pitch, Token, leading_class};
pub use quality::Quality;
pub use rules::Rule;
pub use sonority::{Sonority, has_semitone_dissonance, is_good_ending, lacks_third};
pub use spelling::{Spelling, Surroundings};
