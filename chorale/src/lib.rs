//! Domain types of four-part chorales: [`Pitch`], [`Part`], [`Token`], [`Chord`], [`Chorale`] and [`Phase`], and
//! the part-writing figures counted on them. No I/O happens here.
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

mod chord;
pub mod harmony;
mod phase;
mod pitch;
pub mod writing;

pub use chord::{Chorale, Chord, CsvError, Part};
pub use phase::Phase;
pub use pitch::{Pitch, Token};
