//! What a project and a preset keep: the parameters, as a small JSON text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::parameters::{ALL, COUNT, Values};

/// Of this text. What another version wrote is refused.
pub const VERSION: u32 = 1;
const FORMAT: &str = "chorale plugin";
/// No state of ours is longer.
pub const MOST_BYTES: usize = 64 * 1024;

#[derive(Serialize, Deserialize)]
struct Written {
    format: String,
    version: u32,
    #[serde(default)]
    parameters: BTreeMap<String, f64>,
}

/// Why a state is refused. Nothing has changed then.
#[derive(Debug, Error)]
pub enum StateError {
    #[error("this is no state of the chorale plugin: {0}")]
    Foreign(String),
    #[error("the state is of version {0}, this plugin reads version {VERSION}: install the plugin that wrote it")]
    Version(u32),
    #[error("the state names a parameter '{0}' that this plugin has not")]
    Unknown(String),
    #[error("the state's {key} is {value}, expected {least} to {most}")]
    OutOfBounds { key: &'static str, value: f64, least: f64, most: f64 },
}

/// A number that is written to so many parts of one is read back to the last bit: serde_json reads up to fifteen digits so.
const FINEST: f64 = 1e9;

/// The text that a project keeps.
pub fn write(values: &Values) -> String {
    let written = |value: f64| (value * FINEST).round() / FINEST;
    let parameters = ALL.iter().zip(values.0).map(|(one, value)| (one.key.to_owned(), written(value))).collect();
    let written = Written { format: FORMAT.to_owned(), version: VERSION, parameters };
    serde_json::to_string(&written).unwrap_or_default()
}

/// Reads a text; what it does not name is as in a new instance.
pub fn read(bytes: &[u8]) -> Result<Values, StateError> {
    let written: Written = serde_json::from_slice(bytes).map_err(|error| StateError::Foreign(error.to_string()))?;
    if written.format != FORMAT {
        return Err(StateError::Foreign(format!("its format is '{}'", written.format)));
    }
    if written.version != VERSION {
        return Err(StateError::Version(written.version));
    }
    let mut values = Values::default();
    for (key, value) in written.parameters {
        let Some(place) = (0..COUNT).find(|&place| ALL[place].key == key) else {
            return Err(StateError::Unknown(key));
        };
        let parameter = ALL[place];
        if parameter.nearest(value) != Some(value) {
            let (least, most) = (parameter.least, parameter.most);
            return Err(StateError::OutOfBounds { key: parameter.key, value, least, most });
        }
        values.0[place] = value;
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_as_it_was() {
        let mut values = Values::default();
        for (value, parameter) in values.0.iter_mut().zip(ALL) {
            *value = parameter.nearest(parameter.most - 0.3).unwrap();
        }
        assert_eq!(read(write(&values).as_bytes()).unwrap(), values);
    }

    #[test]
    fn what_was_read_from_a_state_is_written_as_it_was_whatever_a_host_has_set() {
        for number in 0..1000 {
            let share = (f64::from(number) * 0.618_033_988_749_894_9).fract();
            let mut values = Values::default();
            for (value, parameter) in values.0.iter_mut().zip(ALL) {
                *value = parameter.nearest(parameter.least + share * (parameter.most - parameter.least)).unwrap();
            }
            let written = write(&values);
            assert_eq!(write(&read(written.as_bytes()).unwrap()), written);
        }
    }

    #[test]
    fn what_is_no_state_of_ours_is_refused_with_a_reason() {
        let check = |text: &str, expected: &str| {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        };
        check("", "no state");
        check("\u{0}\u{1}garbage", "no state");
        check("[1, 2]", "no state");
        check(r#"{"format":"other","version":1}"#, "'other'");
        check(r#"{"format":"chorale plugin","version":2}"#, "version 2, this plugin reads version 1");
        let with =
            |parameters: &str| format!(r#"{{"format":"chorale plugin","version":1,"parameters":{{{parameters}}}}}"#);
        check(&with(r#""volume":1"#), "'volume'");
        check(&with(r#""temperature":7"#), "temperature is 7, expected 0 to 2");
        check(&with(r#""seed":1.5"#), "seed is 1.5");
        check(&with(r#""seed":1e999"#), "no state");
        assert_eq!(read(with("").as_bytes()).unwrap(), Values::default());
    }
}
