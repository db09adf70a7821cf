//! What programs read of a performance: an object in JSON a line.

use chorale::Pitch;
use live::{AnsweredNote, PerformanceEvent};
use serde_json::{Value, json};

use crate::cli::screen::View;

pub fn message(text: &str) -> Value {
    json!({ "event": "message", "text": text })
}

pub fn event(event: &PerformanceEvent, view: &View) -> Value {
    let midi = |parts: [Option<Pitch>; 4]| parts.map(|pitch| pitch.map(Pitch::midi));
    match *event {
        PerformanceEvent::AnsweredNote(AnsweredNote { at, position, parts, latency }) => {
            let (chord, numeral) = view.name(parts).unzip();
            json!({
                "event": "note", "at": at, "position": position, "parts": midi(parts),
                "chord": chord, "numeral": numeral, "latency_us": latency.as_nanos() as f64 / 1000.0,
            })
        }
        PerformanceEvent::Moment { at, position, parts } => {
            json!({ "event": "step", "at": at, "position": position, "parts": midi(parts) })
        }
        PerformanceEvent::Switched { at, switch, is_on } => {
            json!({ "event": "switch", "at": at, "name": switch.name(), "on": is_on })
        }
    }
}
