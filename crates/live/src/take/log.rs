//! The log of a take: its events, its header, and how both are written and read.

use std::collections::BTreeMap;

use chorale::{Guard, Rule};
use harmonizer::{Sampling, critic_of};
use network::Model;
use serde::{Deserialize, Serialize};
use session::clock::Time;
use session::control::Control;
use session::{Message, Settings, StepBegun};
use thiserror::Error;

pub const FIRST_LINE: &str = "performer take 2";
/// A line that says how many events are missing there.
pub(super) const LOST: &str = "lost";
/// No performance is longer, a machine asleep for a weekend included.
const MOST_HOURS: f64 = 100.0;

/// What a session is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionInput {
    Midi {
        bytes: [u8; 3],
        length: u8,
    },
    /// The answer table of this number.
    Table(u64),
    /// The one of the same number for the present step, over another bass.
    PresentTable(u64),
    Control(Control, u8),
    InputLost,
    OutputRegained,
    MessagesLost,
    Stop,
}

impl SessionInput {
    /// What a session looks at of a message: its first three bytes. `None` when it is empty.
    pub fn midi(message: &[u8]) -> Option<SessionInput> {
        let message = &message[..message.len().min(3)];
        let mut bytes = [0; 3];
        bytes[..message.len()].copy_from_slice(message);
        (!message.is_empty()).then_some(SessionInput::Midi { bytes, length: message.len() as u8 })
    }
}

/// Something that happened in a performance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeEvent {
    Input(Time, SessionInput),
    Sent(Message),
    Step(StepBegun),
}

/// All that a performance depends on, apart from what is played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TakeHeader {
    /// The network, and the second one if there was one.
    pub models: Vec<ModelIdentity>,
    /// By the place in `models`.
    pub sampling: Vec<SamplingRecord>,
    pub session: Settings,
}

impl TakeHeader {
    /// Whether all values are some that a performance can have.
    fn check(&self) -> Result<(), String> {
        if self.models.len() != self.sampling.len() {
            return Err(format!("{} networks, but {} samplings", self.models.len(), self.sampling.len()));
        }
        let is_weight = |weight: &f32| (-1000.0..=1000.0).contains(weight);
        for SamplingRecord { temperature, min_p, guard, .. } in &self.sampling {
            if !(0.0..=10.0).contains(temperature) || !(0.0..=1.0).contains(min_p) || !guard.values().all(is_weight) {
                return Err("a sampling's temperature, min_p or weights are out of bounds".into());
            }
        }
        self.session.check()
    }
}

/// Which network it was: as the user named it, and a number that another network will hardly have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIdentity {
    pub name: String,
    pub fingerprint: String,
}

impl ModelIdentity {
    /// The fingerprint is taken of the whole file.
    pub fn new(name: &str, model: &Model) -> ModelIdentity {
        ModelIdentity { name: name.to_owned(), fingerprint: format!("{:016x}", model.fingerprint()) }
    }

    /// Whether it was this one. Earlier takes have a fingerprint of the metadata alone (training command, commit, epoch,
    /// scores).
    pub fn is_of(&self, model: &Model) -> bool {
        self.fingerprint == ModelIdentity::new("", model).fingerprint || self.fingerprint == of_metadata(model)
    }
}

fn of_metadata(model: &Model) -> String {
    let mut entries: Vec<_> = model.metadata.iter().collect();
    entries.sort();
    let text = entries.into_iter().flat_map(|(key, value)| [key.as_bytes(), b"=", value.as_bytes(), b"\n"]);
    // FNV-1a.
    let hash = text
        .flatten()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SamplingRecord {
    pub temperature: f32,
    pub min_p: f32,
    pub seed: u64,
    /// The guard's weights of the rules, by name.
    pub guard: BTreeMap<String, f32>,
    /// The fingerprint of its critic, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critic: Option<String>,
}

impl From<Sampling> for SamplingRecord {
    fn from(sampling: Sampling) -> SamplingRecord {
        let Sampling { temperature, min_p, seed, guard } = sampling;
        let weights = Rule::ALL.into_iter().map(|rule| (rule.name().to_owned(), guard.weights[rule.index()]));
        let critic = guard.critic.map(|critic| format!("{:016x}", critic.fingerprint()));
        SamplingRecord { temperature, min_p, seed, guard: weights.collect(), critic }
    }
}

/// The critic with this fingerprint is of another version of the program.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the guard had a critic that this version lacks ({0}); replay it with the version that played it")]
pub struct UnknownCritic(String);

impl TryFrom<&SamplingRecord> for Sampling {
    type Error = UnknownCritic;

    fn try_from(record: &SamplingRecord) -> Result<Sampling, UnknownCritic> {
        let mut guard = Guard::OFF;
        if let Some(text) = &record.critic {
            let critic = u64::from_str_radix(text, 16).ok().and_then(critic_of);
            guard.critic = Some(critic.ok_or_else(|| UnknownCritic(text.clone()))?);
        }
        for rule in Rule::ALL {
            guard.weights[rule.index()] = record.guard.get(rule.name()).copied().unwrap_or(0.0);
        }
        Ok(Sampling { temperature: record.temperature, min_p: record.min_p, seed: record.seed, guard })
    }
}

/// Why a text is no log of a take. Lines count from 1.
#[derive(Debug, Error)]
pub enum LogError {
    #[error("not a take: the first line should be '{FIRST_LINE}', not '{found}'")]
    NotATake { found: String },
    #[error("line 2: the take's settings can't be read: {0}")]
    TakeHeader(String),
    #[error("line {line}: more than {MOST_HOURS} hours after the first event, which is taken for a damaged file")]
    TooLong { line: usize },
    #[error("line {line}: '{text}' is no event")]
    TakeEvent { line: usize, text: String },
}

/// A take as its log tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Take {
    pub header: TakeHeader,
    /// Inputs with their moments and lines.
    pub(super) inputs: Vec<(usize, Time, SessionInput)>,
    /// What was sent then, in the form of the log.
    pub sent: String,
    /// Events that the recorder did not get, since the machine was too busy, and the line of the first of them.
    pub lost: u64,
    pub lost_at: Option<usize>,
}

/// Reads a log. A last line that breaks off, as a crash leaves it, is ignored.
///
/// # Errors
/// The first line that is no event.
pub fn read(text: &str) -> Result<Take, LogError> {
    let short = |text: &str| text.chars().take(60).collect::<String>();
    let mut lines = text.split_inclusive('\n').zip(1..);
    let first = lines.next().map_or("", |(line, _)| line).trim_end();
    if first != FIRST_LINE {
        return Err(LogError::NotATake { found: short(first) });
    }
    let header = lines.next().map_or("", |(line, _)| line);
    let header: TakeHeader = serde_json::from_str(header).map_err(|error| LogError::TakeHeader(error.to_string()))?;
    header.check().map_err(LogError::TakeHeader)?;
    let longest = (header.session.clock.rate * 3600.0 * MOST_HOURS) as Time;
    let mut take = Take { header, inputs: Vec::new(), sent: String::new(), lost: 0, lost_at: None };
    for (text, line) in lines.filter(|(text, _)| text.ends_with('\n')) {
        let malformed = || LogError::TakeEvent { line, text: short(text.trim_end()) };
        let words: Vec<&str> = text.split_whitespace().collect();
        let (at, kind, rest) = match words[..] {
            [at, kind, ref rest @ ..] => (at.parse().map_err(|_| malformed())?, kind, rest),
            _ => return Err(malformed()),
        };
        match (kind, rest) {
            (">" | "<", _) => {
                take.sent += text;
                continue;
            }
            (LOST, [count]) => {
                take.lost = take.lost.saturating_add(count.parse().map_err(|_| malformed())?);
                take.lost_at.get_or_insert(line);
                continue;
            }
            _ => {}
        }
        let begun = take.inputs.first().map_or(at, |&(_, begun, _)| begun);
        if at.saturating_sub(begun) > longest {
            return Err(LogError::TooLong { line });
        }
        let input = input(kind, rest).ok_or_else(malformed)?;
        take.inputs.push((line, at, input));
    }
    Ok(take)
}

fn input(kind: &str, rest: &[&str]) -> Option<SessionInput> {
    match (kind, rest) {
        ("midi", bytes) => {
            let bytes: Option<Vec<u8>> = bytes.iter().map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
            SessionInput::midi(&bytes.filter(|bytes| bytes.len() <= 3)?)
        }
        ("table", [number]) => number.parse().ok().map(SessionInput::Table),
        ("present-table", [number]) => number.parse().ok().map(SessionInput::PresentTable),
        ("control", [name, value]) => {
            let control = Control::try_from((*name).to_owned()).ok()?;
            value.parse().ok().filter(|value| *value < 128).map(|value| SessionInput::Control(control, value))
        }
        ("input-lost", []) => Some(SessionInput::InputLost),
        ("output-regained", []) => Some(SessionInput::OutputRegained),
        ("messages-lost", []) => Some(SessionInput::MessagesLost),
        ("stop", []) => Some(SessionInput::Stop),
        _ => None,
    }
}

/// An event as the log has it; `None` for what follows from the rest. In a browser nothing is recorded.
#[cfg(not(target_family = "wasm"))]
pub(super) fn line(event: &TakeEvent) -> Option<String> {
    Some(match event {
        TakeEvent::Input(at, SessionInput::Midi { bytes, length }) => {
            format!("{at} midi{}\n", hex(&bytes[..usize::from(*length).min(3)]))
        }
        TakeEvent::Input(at, SessionInput::Table(number)) => format!("{at} table {number}\n"),
        TakeEvent::Input(at, SessionInput::PresentTable(number)) => format!("{at} present-table {number}\n"),
        TakeEvent::Input(at, SessionInput::Control(control, value)) => {
            format!("{at} control {} {value}\n", control.name())
        }
        TakeEvent::Input(at, SessionInput::InputLost) => format!("{at} input-lost\n"),
        TakeEvent::Input(at, SessionInput::OutputRegained) => format!("{at} output-regained\n"),
        TakeEvent::Input(at, SessionInput::MessagesLost) => format!("{at} messages-lost\n"),
        TakeEvent::Input(at, SessionInput::Stop) => format!("{at} stop\n"),
        TakeEvent::Sent(message) => sent_line(message),
        TakeEvent::Step(_) => return None,
    })
}

pub(super) fn sent_line(message: &Message) -> String {
    let (heard, part, bytes) = (if message.is_heard { '>' } else { '<' }, message.part.index(), hex(&message.bytes()));
    format!("{} {heard} {part}{bytes}\n", message.at)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!(" {byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_known_by_its_whole_file_and_in_earlier_takes_by_its_metadata() {
        let model = Model::lstm().unwrap();
        let now = ModelIdentity::new("lstm", &model);
        let earlier = ModelIdentity { fingerprint: of_metadata(&model), ..now.clone() };
        let stranger = ModelIdentity { fingerprint: "0".into(), ..now.clone() };
        assert_ne!(now, earlier);
        assert_eq!([now, earlier, stranger].map(|identity| identity.is_of(&model)), [true, true, false]);
    }
}
