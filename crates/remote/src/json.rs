//! JSON, an object for each message.

use serde_json::{Map, Value, json};

use crate::words::{control, midi, note, short, switch};
use crate::{Incoming, Outgoing, Setting, VERSION};

/// What a JSON object says: `{"note": [67, 80]}`, `{"midi": [144, 67, 80]}`, `{"control": ["hold", 127]}`, `{"state": null}`,
/// `{"hello": "token"}`.
///
/// # Errors
/// What is wrong with it.
pub fn of_json(text: &str) -> Result<Incoming, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
    let object = value.as_object().filter(|object| object.len() == 1);
    let Some((name, value)) = object.and_then(|object| object.iter().next()) else {
        return Err("expected an object with one of note, midi, control, state and hello".to_owned());
    };
    let numbers = || {
        let numbers = value.as_array().map(|numbers| numbers.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>());
        numbers.flatten().ok_or_else(|| format!("{name} takes an array of numbers"))
    };
    let unclear = || "control takes a name and a number from 0 to 127".to_owned();
    match (name.as_str(), value.as_array().map(Vec::as_slice)) {
        ("note", _) => note(&numbers()?),
        ("midi", _) => midi(&numbers()?),
        ("control", Some([Value::String(name), value])) => {
            let value = value.as_bool().map(switch).or(value.as_f64());
            control(name, value.ok_or_else(unclear)?)
        }
        ("control", _) => Err(unclear()),
        ("state", _) => Ok(Incoming::State),
        ("hello", _) => Ok(Incoming::Hello { token: value.as_str().map(str::to_owned), port: None }),
        _ => Err(format!("{} is none of note, midi, control, state and hello", short(name))),
    }
}

impl Outgoing {
    /// As a JSON object of one line.
    pub fn json(&self) -> String {
        let value = match self {
            Outgoing::Ready => json!({ "ready": VERSION }),
            Outgoing::Note { voice, key, velocity } => json!({ "note": [voice, key, velocity] }),
            Outgoing::Midi { voice, bytes } => json!({ "midi": { "voice": voice, "bytes": bytes } }),
            Outgoing::Chord { parts, symbol, numeral } => {
                json!({ "chord": { "parts": parts, "symbol": symbol, "numeral": numeral } })
            }
            Outgoing::State(values) => {
                let values = values.iter().map(|(name, value)| {
                    let value = match value {
                        Setting::Switch(is_on) => json!(is_on),
                        Setting::Number(number) => json!(number),
                        Setting::Text(words) => json!(words),
                    };
                    (name.clone(), value)
                });
                json!({ "state": values.collect::<Map<String, Value>>() })
            }
            Outgoing::Said(said) => json!({ "said": said }),
            Outgoing::Error(why) => json!({ "error": why }),
        };
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_meant_so_is_refused_with_the_reason() {
        for (json, why) in [
            ("", "no JSON"),
            ("[1]", "expected an object"),
            ("{}", "expected an object"),
            (r#"{"note":[67]}"#, "a key and a velocity"),
            (r#"{"note":67}"#, "an array of numbers"),
            (r#"{"note":["67",80]}"#, "an array of numbers"),
            (r#"{"note":[67,80,17]}"#, "no channel"),
            (r#"{"note":[67.5,80]}"#, "67.5"),
            (r#"{"note":[200,80]}"#, "200"),
            (r#"{"note":[1e300,80]}"#, "1e300"),
            (r#"{"midi":[67,80]}"#, "no MIDI message"),
            (r#"{"midi":[144,67]}"#, "too short"),
            (r#"{"midi":[240,1,2]}"#, "system exclusive"),
            (r#"{"midi":[]}"#, "one to three"),
            (r#"{"control":["volume",3]}"#, "no control 'volume'; there are panic"),
            (r#"{"control":["hold",300]}"#, "300"),
            (r#"{"control":["hold",null]}"#, "a name and a number"),
            (r#"{"control":"hold"}"#, "a name and a number"),
            (r#"{"play":1}"#, "play is none of"),
        ] {
            let error = of_json(json).unwrap_err();
            assert!(error.contains(why), "{json}: {error}");
        }
        let deep = "[".repeat(100_000);
        assert!(of_json(&deep).unwrap_err().contains("no JSON"));
    }

    #[test]
    fn what_is_heard_can_be_read_again() {
        let chord =
            Outgoing::Chord { parts: [Some(67), Some(62), None, Some(43)], symbol: Some("G".into()), numeral: None };
        let value: Value = serde_json::from_str(&chord.json()).unwrap();
        assert_eq!(value["chord"]["parts"], json!([67, 62, null, 43]));
        let state = [("hold", Setting::Switch(true)), ("tempo", Setting::Number(80.5))];
        let state = Outgoing::State(state.map(|(name, value)| (name.to_owned(), value)).to_vec());
        let value: Value = serde_json::from_str(&state.json()).unwrap();
        assert_eq!(value, json!({ "state": { "hold": true, "tempo": 80.5 } }));
    }

    proptest! {
        #[test]
        fn garbage_is_refused_and_nothing_worse(text in ".{0,200}") {
            let _ = of_json(&text);
        }
    }
}
