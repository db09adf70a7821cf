//! What JavaScript may ask, in JSON, and where it goes.

use std::sync::Arc;

use chorale::{Key, Part};
use network::Model;
use serde::Deserialize;
use serde_json::{Value, json};
use session::Release;
use session::control::{self, Control};

use crate::live::{Live, LiveError, LiveSettings, Reply};
use crate::studio::{Again, Studio, Wanted, WantedPiece};

/// Everything that an instance of the module holds.
#[derive(Default)]
pub struct Page {
    model: Option<Arc<Model>>,
    live: Option<Live>,
    studio: Studio,
    /// Bytes for the next call.
    pub given: Vec<u8>,
    /// Bytes that the last call left.
    pub left: Vec<u8>,
}

/// Times are milliseconds, of whatever clock the page goes by.
#[derive(Debug, Deserialize)]
#[serde(tag = "call", deny_unknown_fields)]
enum Request {
    /// Reads the network in the bytes given.
    #[serde(rename = "load")]
    Load,
    #[serde(rename = "live.start")]
    Start {
        #[serde(default)]
        settings: LiveSettings,
    },
    #[serde(rename = "live.midi")]
    Midi { at: f64, bytes: Vec<u8> },
    #[serde(rename = "live.control")]
    Control { at: f64, name: Control, value: ControlValue },
    #[serde(rename = "live.part")]
    Part { at: f64, part: usize, octave: i8, velocity: f32 },
    #[serde(rename = "live.release")]
    Release { at: f64, release: Release },
    #[serde(rename = "live.choose")]
    Choose { at: f64, temperature: Option<f32>, seed: Option<u64> },
    #[serde(rename = "live.advance")]
    Advance { at: f64 },
    #[serde(rename = "live.work")]
    Work { at: f64 },
    #[serde(rename = "live.input-lost")]
    InputLost { at: f64 },
    #[serde(rename = "live.output-regained")]
    OutputRegained { at: f64 },
    #[serde(rename = "live.stop")]
    Stop { at: f64 },
    #[serde(rename = "live.state")]
    State,
    #[serde(rename = "live.table")]
    Table { low: u8, high: u8 },
    /// Reads the music in the bytes given.
    #[serde(rename = "studio.open")]
    Open { name: String },
    #[serde(rename = "studio.harmonize")]
    Harmonize {
        #[serde(default)]
        options: Wanted,
    },
    #[serde(rename = "studio.alternative")]
    Alternative { index: usize },
    #[serde(rename = "studio.again")]
    Again(Again),
    #[serde(rename = "studio.fix")]
    Fix { part: usize, start: f64, pitch: u8 },
    #[serde(rename = "studio.undo")]
    Undo,
    #[serde(rename = "studio.generate")]
    Generate {
        #[serde(default)]
        options: WantedPiece,
    },
    #[serde(rename = "studio.export")]
    Export {
        format: String,
        #[serde(default)]
        staves: u8,
        #[serde(default)]
        marks: bool,
    },
}

/// As MIDI has it, or in words: a key's name, beats a minute, on or off.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ControlValue {
    Switch(bool),
    Number(f64),
    Name(String),
    None,
}

impl Page {
    /// Answers a request; what goes wrong is `{"error": "..."}`.
    pub fn call(&mut self, request: &[u8]) -> String {
        self.left.clear();
        let given = std::mem::take(&mut self.given);
        let answer = match serde_json::from_slice(request) {
            Ok(request) => self.answer(request, given),
            Err(error) => Err(format!("no request that is known: {error}")),
        };
        answer.unwrap_or_else(|error| json!({ "error": error })).to_string()
    }

    fn answer(&mut self, request: Request, given: Vec<u8>) -> Result<Value, String> {
        match request {
            Request::Load => {
                let model = Model::from_bytes("the network", &given).map_err(|error| error.to_string())?;
                self.model = Some(Arc::new(model));
                Ok(json!({}))
            }
            Request::Start { settings } => {
                let live = Live::new(self.model()?, &settings).map_err(in_words)?;
                // What sounds of the performance before ends with it.
                let mut messages = self.live.take().map_or_else(Vec::new, |mut before| before.stop(0.0).messages);
                let mut reply = self.live.insert(live).advance(0.0);
                messages.append(&mut reply.messages);
                told(&Reply { messages, ..reply })
            }
            Request::Midi { at, bytes } => told(&self.live()?.midi(at, &bytes)),
            Request::Control { at, name, value } => told(&self.live()?.control(at, name, value.of(name)?)),
            Request::Part { at, part, octave, velocity } => {
                let part = Part::ALL.get(part).ok_or("parts go from 0 to 3")?;
                told(&self.live()?.register(at, *part, octave, velocity))
            }
            Request::Release { at, release } => told(&self.live()?.release(at, release)),
            Request::Choose { at, temperature, seed } => replied(self.live()?.choose(at, temperature, seed)),
            Request::Advance { at } => told(&self.live()?.advance(at)),
            Request::Work { at } => replied(self.live()?.work(at)),
            Request::InputLost { at } => told(&self.live()?.lose_input(at)),
            Request::OutputRegained { at } => told(&self.live()?.regain_output(at)),
            Request::Stop { at } => told(&self.live()?.stop(at)),
            Request::State => told(&self.live()?.state()),
            Request::Table { low, high } => Ok(json!({ "answers": self.live()?.answers(low, high) })),
            Request::Open { name } => told(&self.studio.open(&name, &given)?),
            Request::Harmonize { options } => {
                let model = Arc::clone(self.model()?);
                self.studio.harmonize(&model, &options)?;
                self.shown()
            }
            Request::Alternative { index } => {
                self.studio.choose(index)?;
                self.shown()
            }
            Request::Again(again) => {
                let model = Arc::clone(self.model()?);
                self.studio.again(&model, &again)?;
                self.shown()
            }
            Request::Fix { part, start, pitch } => {
                let model = Arc::clone(self.model()?);
                self.studio.fix(&model, part, start, pitch)?;
                self.shown()
            }
            Request::Undo => {
                self.studio.undo()?;
                self.shown()
            }
            Request::Generate { options } => {
                let model = Arc::clone(self.model()?);
                self.studio.generate(&model, &options)?;
                self.shown()
            }
            Request::Export { format, staves, marks } => {
                let (exported, bytes) = self.studio.export(&format, staves, marks)?;
                self.left = bytes;
                told(&exported)
            }
        }
    }

    fn shown(&self) -> Result<Value, String> {
        Ok(json!({ "piece": self.studio.shown()?, "told": self.studio.told() }))
    }

    fn model(&self) -> Result<&Arc<Model>, String> {
        self.model.as_ref().ok_or_else(|| "the network is not loaded yet".to_owned())
    }

    fn live(&mut self) -> Result<&mut Live, String> {
        self.live.as_mut().ok_or_else(|| "nothing is being played: live.start comes first".to_owned())
    }
}

impl ControlValue {
    fn of(&self, control: Control) -> Result<u8, String> {
        match self {
            ControlValue::Switch(is_on) => Ok(if *is_on { 127 } else { 0 }),
            ControlValue::Number(number) => Ok(number.clamp(0.0, 127.0).round() as u8),
            ControlValue::Name(name) if control == Control::Key => {
                let key: Key = name.parse().map_err(|error| format!("{error}"))?;
                Ok(control::key_value(Some(key)))
            }
            ControlValue::None => Ok(0),
            ControlValue::Name(name) => Err(format!("{} takes a number from 0 to 127, not '{name}'", control.name())),
        }
    }
}

fn told(answer: &impl serde::Serialize) -> Result<Value, String> {
    serde_json::to_value(answer).map_err(|error| error.to_string())
}

fn replied(reply: Result<Reply, LiveError>) -> Result<Value, String> {
    told(&reply.map_err(in_words)?)
}

fn in_words(error: LiveError) -> String {
    error.to_string()
}
