//! midir's clients and ports, and their names.

use midir::MidiOutputPort;
use midir::{Ignore, InitError, MidiInput, MidiInputConnection, MidiInputPort, MidiOutput, MidiOutputConnection};

use crate::devices::midi::playing::Inbox;
use crate::devices::midi::{CLIENT, MidiError, Side, find_port};

/// A client of the sequencer: it opens one port, or lists those of others. System exclusive messages and active sensing
/// have nothing to say to us.
pub fn new_input() -> Result<MidiInput, InitError> {
    let mut input = MidiInput::new(CLIENT)?;
    input.ignore(Ignore::SysexAndActiveSense);
    Ok(input)
}

/// A client of the sequencer: it opens one port, or lists those of others.
pub fn new_output() -> Result<MidiOutput, InitError> {
    MidiOutput::new(CLIENT)
}

/// The ports that send to us, and their names.
pub fn input_ports(input: &MidiInput) -> (Vec<MidiInputPort>, Vec<String>) {
    named(input.ports(), |port| input.port_name(port).ok())
}

/// The ports that we can send to, and their names.
pub fn output_ports(output: &MidiOutput) -> (Vec<MidiOutputPort>, Vec<String>) {
    named(output.ports(), |port| output.port_name(port).ok())
}

/// A port that vanishes while the list is read has no name any more, and is left out.
fn named<P>(ports: Vec<P>, name: impl Fn(&P) -> Option<String>) -> (Vec<P>, Vec<String>) {
    ports.into_iter().filter_map(|port| name(&port).map(|name| (port, name))).unzip()
}

/// The port to connect to; `None` for a port of our own.
pub fn choose(
    side: Side,
    names: &[String],
    wanted: &Option<String>,
    own_ports: bool,
) -> Result<Option<usize>, MidiError> {
    if let Some(wanted) = wanted {
        return find_port(side, names, wanted).map(Some);
    }
    if own_ports {
        return if cfg!(windows) { Err(MidiError::NoVirtualPorts) } else { Ok(None) };
    }
    // ALSA's own loop is always there and nobody's keyboard.
    let real: Vec<usize> = (0..names.len()).filter(|&index| !names[index].starts_with("Midi Through")).collect();
    match real[..] {
        [index] => Ok(Some(index)),
        _ => Err(MidiError::NoPortChosen { side, available: names.to_vec(), own_ports_possible: !cfg!(windows) }),
    }
}

#[cfg(unix)]
pub fn own_input(input: MidiInput, inbox: Inbox) -> Result<MidiInputConnection<Inbox>, MidiError> {
    use midir::os::unix::VirtualInput;
    let port = inbox.role().port();
    let made = input.create_virtual(&own_name(port), super::receive, inbox);
    made.map_err(|error| super::refused(Side::Input, port, error))
}

/// Ports of these names, and all their names in one.
#[cfg(unix)]
pub fn own_outputs(first: MidiOutput, ports: &[String]) -> Result<(Vec<MidiOutputConnection>, String), MidiError> {
    use midir::os::unix::VirtualOutput;
    let mut first = Some(first);
    let mut senders = Vec::new();
    for port in ports {
        let failed = |cause: String| MidiError::Connect { side: Side::Output, port: port.clone(), cause };
        // midir gives each client one port.
        let output = match first.take() {
            Some(output) => output,
            None => new_output().map_err(|error| failed(error.to_string()))?,
        };
        senders.push(output.create_virtual(&own_name(port)).map_err(|error| failed(error.to_string()))?);
    }
    let names: Vec<String> = ports.iter().map(|port| shown_name(port)).collect();
    Ok((senders, names.join(", ")))
}

#[cfg(not(unix))]
pub fn own_input(_: MidiInput, _: Inbox) -> Result<MidiInputConnection<Inbox>, MidiError> {
    Err(MidiError::NoVirtualPorts)
}

#[cfg(not(unix))]
pub fn own_outputs(_: MidiOutput, _: &[String]) -> Result<(Vec<MidiOutputConnection>, String), MidiError> {
    Err(MidiError::NoVirtualPorts)
}

/// The name we give a port of ours. CoreMIDI shows it alone, without that of the program.
#[cfg(unix)]
fn own_name(port: &str) -> String {
    if cfg!(target_os = "macos") { format!("{CLIENT} {port}") } else { port.to_owned() }
}

/// The name of a port of ours in other programs.
pub fn shown_name(port: &str) -> String {
    format!("{CLIENT}{}{port}", if cfg!(target_os = "macos") { ' ' } else { ':' })
}

/// The port that was called `name`. ALSA ends names in numbers that change when a device is plugged in again.
pub fn same_port(names: &[String], name: &str) -> Option<usize> {
    let exact = names.iter().position(|other| other == name);
    exact.or_else(|| names.iter().position(|other| without_numbers(other) == without_numbers(name)))
}

/// `Keystation:MIDI 1 20:0` without its last word.
fn without_numbers(name: &str) -> &str {
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    match name.rsplit_once(' ') {
        Some((rest, address)) if address.split_once(':').is_some_and(|(a, b)| is_number(a) && is_number(b)) => rest,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_choice_the_only_real_port_is_taken() {
        let names = ["Midi Through:Port-0 14:0", "Keystation 61:MIDI 1 20:0"].map(str::to_owned);
        assert_eq!(choose(Side::Input, &names, &None, false).unwrap(), Some(1));
        assert_eq!(choose(Side::Input, &names, &Some("through".to_owned()), false).unwrap(), Some(0));
        let error = choose(Side::Input, &names[..1], &None, false).unwrap_err().to_string();
        assert!(error.contains("--input NAME") && error.contains("Midi Through"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn own_ports_are_made_only_where_no_name_is_given() {
        let names = ["Keystation 61:MIDI 1 20:0".to_owned()];
        assert_eq!(choose(Side::Output, &names, &None, true).unwrap(), None);
        assert_eq!(choose(Side::Output, &names, &Some("1".to_owned()), true).unwrap(), Some(0));
    }

    #[test]
    fn a_device_plugged_in_again_is_known_by_its_name_without_numbers() {
        let names = ["Keystation:MIDI 1 24:0", "Keystation:MIDI 2 24:1", "2"].map(str::to_owned);
        assert_eq!(same_port(&names, "Keystation:MIDI 2 20:1"), Some(1));
        assert_eq!(same_port(&names, "Keystation:MIDI 3 20:2"), None);
        assert_eq!(same_port(&names, "2"), Some(2));
    }
}
