//! What must hold for any input whatever: one function for each kind of input, which panics where it does not. The fuzzer
//! makes inputs up (`fuzz/`); those that it found worth keeping are tests (`tests/tests/fuzzed.rs`).

mod data_set;
mod live_midi;
mod midi_file;
mod network;
mod notation;
mod own_network;
mod remote;
mod render;
mod settings;
mod take;

pub use data_set::data_set;
pub use live_midi::live_midi;
pub use midi_file::midi_file;
pub use network::network;
pub use notation::{abc, musicxml};
pub use own_network::own_network;
pub use remote::remote;
pub use render::render;
pub use settings::settings;
pub use take::take;
