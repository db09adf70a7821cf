//! Domain types of four-part chorales: [`Pitch`], [`Part`], [`Token`], [`Chord`], [`Chorale`] and [`Phase`], the
//! [`FeatureTracker`] of what went before, and the rules of part-writing: judged as a chord is chosen, counted on finished
//! pieces. No I/O happens here.
//!
//! ```
//! use chorale::{Chorale, Part};
//!
//! let chorale = Chorale::from_csv("note0,note1,note2,note3\n72,67,64,48\n72,67,64,48\n71,67,62,55\n")?;
//! assert_eq!(chorale.chords.len(), 3);
//! assert_eq!(chorale.chords[2][Part::Bass].pitch().unwrap().name(), "G3");
//! assert_eq!(chorale.transposed(2).unwrap().chords[0][Part::Soprano].pitch().unwrap().midi(), 74);
//! # Ok::<(), chorale::CsvError>(())
//! ```

#![forbid(unsafe_code)]

pub mod census;
mod chord;
mod density;
mod features;
pub mod harmony;
mod history;
mod key;
mod phase;
mod phrase_memory;
mod pitch;
pub mod rules;
mod sonority;
mod spelling;

pub use chord::{Chorale, Chord, CsvError, Part, unfold};
pub use density::Density;
pub use features::{FeatureTracker, StepFeatures, columns};
pub use harmony::{Harmony, Quality};
pub use history::PitchClassDurations;
pub use key::{Key, KeyFinder, NoKey};
pub use phase::Phase;
pub use phrase_memory::{PhraseMatch, PhraseMemory};
pub use pitch::{NoPitch, Pitch, Token};
pub use sonority::{Sonority, has_clash, is_good_ending, is_hollow};
pub use spelling::Spelling;
