//! The ports there are, those that we want, and how they stand.

use chorale::Part;

use super::{MidiError, OUTPUT_PORT};

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
pub struct PortPlan {
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

impl PortPlan {
    /// The names of our output ports.
    pub fn output_ports(&self) -> Vec<String> {
        if self.per_part {
            Part::ALL.map(|part| part.name().to_lowercase()).to_vec()
        } else {
            vec![OUTPUT_PORT.to_owned()]
        }
    }
}

/// What we are connected to, and whether it is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortStatus {
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
    /// Whether the sound card is there, if our own instrument plays.
    pub has_sound: bool,
}

impl PortStatus {
    /// The MIDI side alone.
    pub fn without_sound(&self) -> PortStatus {
        PortStatus { sound: None, has_sound: false, ..self.clone() }
    }
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
