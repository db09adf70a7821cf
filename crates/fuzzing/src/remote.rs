use remote::{Incoming, MOST_MESSAGES, Outgoing, of_json, of_osc};
use session::midi::MidiReader;

/// What is told back is never much longer than the list of controls.
const LONGEST_ANSWER: usize = 1000;

/// A packet of OSC, and the same bytes as JSON: refused in some words, or well-formed MIDI and controls within their range,
/// which JSON can say as well. Whatever is told of it is a whole packet.
///
/// # Panics
/// When something does not hold.
pub fn remote(bytes: &[u8]) {
    let told = String::from_utf8_lossy(bytes);
    let json = of_json(&told).map(|said| vec![said]);
    for said in [of_osc(bytes), json] {
        match said {
            Ok(said) => {
                assert!(said.len() <= MOST_MESSAGES);
                said.iter().for_each(check);
            }
            Err(why) => {
                assert!(!why.is_empty() && why.len() <= LONGEST_ANSWER, "{why}");
                for packet in Outgoing::Error(why).osc() {
                    assert!(!packet.is_empty() && packet.len() % 4 == 0);
                }
            }
        }
    }
}

fn check(said: &Incoming) {
    let again = match said {
        Incoming::Midi(bytes, length) => {
            let (whole, rest) = bytes.split_at(*length);
            assert!(matches!(whole, [0x80..=0xff, data @ ..] if data.iter().all(|byte| *byte < 0x80)), "{whole:?}");
            assert!(rest.iter().all(|byte| *byte == 0), "{bytes:?}");
            let _ = MidiReader::default().read(whole);
            format!(r#"{{"midi":{whole:?}}}"#)
        }
        Incoming::Control(control, value) => {
            assert!(*value < 0x80);
            format!(r#"{{"control":["{}",{value}]}}"#, control.name())
        }
        Incoming::State => r#"{"state":null}"#.to_owned(),
        Incoming::Hello { port, .. } | Incoming::Bye { port } => return assert_ne!(*port, Some(0)),
    };
    assert_eq!(of_json(&again), Ok(said.clone()), "{again}");
}
