//! What can be wrong with a sound system or its ports, and the way out.

use thiserror::Error;

use super::Side;
use crate::devices::audio::AudioError;

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
        "this system has no virtual ports\nhint: name a loopback's ports with --input and --output: Windows 11 has one from 24H2 on, before that a driver such as loopMIDI"
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

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return " none".to_owned();
    }
    names.iter().enumerate().map(|(index, name)| format!("\n  {} {name}", index + 1)).collect()
}
