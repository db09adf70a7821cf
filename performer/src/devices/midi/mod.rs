//! MIDI ports. One trait, two implementations chosen at run time: [`system`] (ALSA, CoreMIDI or WinMM, by midir) and
//! [`jack`] (JACK, or PipeWire in its place).

#[cfg(feature = "jack")]
pub mod jack;
pub mod system;

use std::any::Any;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use chorale::Part;
use thiserror::Error;

use crate::devices::audio::{AudioError, AudioSettings};
use live::{Engine, Shared};

/// The name under which other programs see us, and the names of our two ports.
pub const CLIENT: &str = "performer";
pub const INPUT_PORT: &str = "in";
pub const OUTPUT_PORT: &str = "out";
/// A port of ours for MIDI clock alone.
pub const CLOCK_PORT: &str = "clock";

/// A sound system's MIDI side, open but without ports of ours yet.
pub trait Backend {
    /// As its users call it, for example "ALSA".
    fn name(&self) -> &'static str;

    /// Ports of others that we could be connected to.
    fn ports(&self) -> Result<Ports, MidiError>;

    /// Units of [`session::Time`] in a second.
    fn rate(&self) -> f64;

    /// Hands every message of an input to `messages`, as long as what is returned lives. No performance: it may
    /// allocate.
    fn listen(self: Box<Self>, wiring: &Wiring, messages: Sender<Vec<u8>>) -> Result<Box<dyn Any>, MidiError>;

    /// Makes our ports, connects them, and lets `engine` play on the sound system's thread. With `sound` an instrument of
    /// ours plays too.
    fn start(
        self: Box<Self>,
        wiring: &Wiring,
        engine: Engine,
        sound: Option<&AudioSettings>,
    ) -> Result<Running, MidiError>;
}

/// Names of ports, in the order of the numbers that the user may give: the first is number 1.
#[derive(Clone, Debug, Default)]
pub struct Ports {
    /// Ports that send to us: keyboards, tracks of a DAW.
    pub inputs: Vec<String>,
    /// Ports that we can send to: instruments, tracks of a DAW.
    pub outputs: Vec<String>,
}

/// What to connect to. A side that names nothing takes the only port there is, or becomes a port of our own.
#[derive(Clone, Debug, Default)]
pub struct Wiring {
    pub input: Option<String>,
    pub output: Option<String>,
    /// Where MIDI clock comes from, if not from the input. Nothing else is taken from there.
    pub clock_input: Option<String>,
    /// Make a port of our own for it, where it is not named.
    pub own_clock_port: bool,
    /// Make ports of our own where no name is given.
    pub own_ports: bool,
    /// An output port for each part, named after it, instead of one for all.
    pub per_part: bool,
}

impl Wiring {
    /// The names of our output ports.
    pub fn output_ports(&self) -> Vec<String> {
        if self.per_part {
            Part::ALL.map(|part| part.name().to_lowercase()).to_vec()
        } else {
            vec![OUTPUT_PORT.to_owned()]
        }
    }
}

/// A backend at work. Dropping it closes the ports; whoever does so sees to it that everything is silent by then.
pub struct Running {
    pub links: Links,
    /// How long the sound system may take to carry the last message away. Ports closed earlier lose messages.
    pub drain: Duration,
    /// Whatever keeps the ports open.
    pub(crate) connections: Box<dyn Connections>,
}

/// What we are connected to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// What our own instrument sounds through, if it plays.
    pub sound: Option<String>,
    /// For example `performer:in`, or the name of the port that we are connected to.
    pub input: String,
    /// Where MIDI clock comes from, if not from the input.
    pub clock: Option<String>,
    pub output: String,
    /// Whether the sound system itself is there.
    pub has_server: bool,
    /// Whether it is there; a port of our own always is.
    pub has_input: bool,
    pub has_clock: bool,
    pub has_output: bool,
}

/// Open ports.
pub(crate) trait Connections {
    /// Notices ports and servers that went away and connects those that came back. Called twice a second.
    fn tend(&mut self, links: &mut Links, control: &Arc<Shared>);

    /// Lets the engine do what is due where the sound system has gone and no longer calls it.
    fn play_unheard(&mut self) {}
}

#[derive(Debug, Error)]
pub enum MidiError {
    #[error("{system} is not available: {cause}\nhint: {hint}")]
    Unavailable { system: &'static str, cause: String, hint: String },
    #[error("unknown {side} port '{wanted}'. Available {side} ports are:{}\nhint: plug it in or start it first; a part of its name will do", listed(.available))]
    UnknownPort { side: Side, wanted: String, available: Vec<String> },
    #[error("'{wanted}' fits several {side} ports:{}\nhint: give more of the name, or the number", listed(.matching))]
    AmbiguousPort { side: Side, wanted: String, matching: Vec<String> },
    #[error("no {side} port was chosen. Available {side} ports are:{}\nhint: --{side} NAME chooses one{}", listed(.available), if *.own_ports_possible { "; --virtual makes a port that other programs can connect to" } else { "" })]
    NoPortChosen { side: Side, available: Vec<String>, own_ports_possible: bool },
    #[error(
        "this system has no virtual ports\nhint: install a loopback driver such as loopMIDI and name its ports with --input and --output"
    )]
    NoVirtualPorts,
    #[error(
        "the {side} port '{port}' can't be opened: {cause}\nhint: is another program holding it, or was it unplugged?"
    )]
    Connect { side: Side, port: String, cause: String },
    #[error(transparent)]
    Sound(#[from] AudioError),
    #[error("a port for each part must be one of our own\nhint: leave --output out and connect {} in the other program", .0.join(", "))]
    PerPart(Vec<String>),
    #[error("the {name} thread can't be started: {cause}")]
    Thread { name: &'static str, cause: std::io::Error },
}

/// Which way a port faces, as in `--input` and `--output`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Input,
    Output,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Side::Input => "input",
            Side::Output => "output",
        })
    }
}

/// Finds a port by its whole name, its number in the list, or a part of its name in any case.
pub fn find_port(side: Side, names: &[String], wanted: &str) -> Result<usize, MidiError> {
    if let Some(index) = names.iter().position(|name| name == wanted) {
        return Ok(index);
    }
    if let Ok(number) = wanted.parse::<usize>()
        && (1..=names.len()).contains(&number)
    {
        return Ok(number - 1);
    }
    let contained = wanted.to_lowercase();
    let matching: Vec<usize> =
        (0..names.len()).filter(|&index| names[index].to_lowercase().contains(&contained)).collect();
    match matching[..] {
        [index] => Ok(index),
        [] => Err(MidiError::UnknownPort { side, wanted: wanted.to_owned(), available: names.to_vec() }),
        _ => Err(MidiError::AmbiguousPort {
            side,
            wanted: wanted.to_owned(),
            matching: matching.into_iter().map(|index| names[index].clone()).collect(),
        }),
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return " none".to_owned();
    }
    names.iter().enumerate().map(|(index, name)| format!("\n  {} {name}", index + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(wanted: &str) -> Result<usize, MidiError> {
        let names = ["Midi Through:Port-0 14:0", "Keystation 61:MIDI 1 20:0", "Keystation 61:MIDI 2 20:1", "2"];
        find_port(Side::Input, &names.map(str::to_owned), wanted)
    }

    #[test]
    fn a_port_is_found_by_name_by_number_and_by_part_of_its_name() {
        assert_eq!(find("Keystation 61:MIDI 2 20:1").unwrap(), 2);
        assert_eq!(find("3").unwrap(), 2);
        assert_eq!(find("midi 1").unwrap(), 1);
        assert_eq!(find("2").unwrap(), 3, "a whole name goes before a number");
    }

    #[test]
    fn an_unknown_or_ambiguous_name_is_answered_with_the_ports_there_are() {
        let unknown = find("Casio").unwrap_err().to_string();
        assert!(unknown.contains("'Casio'") && unknown.contains("1 Midi Through"), "{unknown}");
        let ambiguous = find("keystation").unwrap_err().to_string();
        assert!(ambiguous.contains("MIDI 1") && ambiguous.contains("MIDI 2") && !ambiguous.contains("Through"));
        assert!(find("9").unwrap_err().to_string().contains("'9'"));
        let none = find_port(Side::Output, &[], "1").unwrap_err().to_string();
        assert!(none.contains("none"), "{none}");
    }
}
