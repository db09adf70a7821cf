//! OSC packets (Open Sound Control 1.0).

use rosc::{OscMessage, OscPacket, OscType};

use crate::words::{control, midi, midi_message, note, port, short, switch};
use crate::{Incoming, Outgoing, Setting, VERSION};

/// Messages of one packet.
pub const MOST_MESSAGES: usize = 64;
/// Bundles within bundles.
const DEEPEST: usize = 4;

/// What an OSC packet says.
///
/// # Errors
/// What is wrong with it; nothing of such a packet counts.
pub fn of_osc(packet: &[u8]) -> Result<Vec<Incoming>, String> {
    let (rest, packet) = rosc::decoder::decode_udp(packet).map_err(|error| format!("no OSC packet: {error}"))?;
    // Of a bundle whose end is damaged the rest would be lost without a word.
    if !rest.is_empty() {
        return Err(format!("no OSC packet: {} bytes too many", rest.len()));
    }
    let mut said = Vec::new();
    of_packet(&packet, 0, &mut said)?;
    Ok(said)
}

fn of_packet(packet: &OscPacket, depth: usize, said: &mut Vec<Incoming>) -> Result<(), String> {
    match packet {
        _ if said.len() >= MOST_MESSAGES => Err(format!("more than {MOST_MESSAGES} messages in a packet")),
        OscPacket::Message(message) => {
            said.push(of_message(message)?);
            Ok(())
        }
        OscPacket::Bundle(_) if depth == DEEPEST => Err(format!("bundles more than {DEEPEST} deep")),
        // What is due later is due now: whoever plays plays by ear.
        OscPacket::Bundle(bundle) => bundle.content.iter().try_for_each(|packet| of_packet(packet, depth + 1, said)),
    }
}

fn of_message(OscMessage { addr, args }: &OscMessage) -> Result<Incoming, String> {
    let numbers = || args.iter().map(number).collect::<Option<Vec<f64>>>();
    match (addr.as_str(), &args[..]) {
        ("/midi", [OscType::Midi(told)]) => {
            // Shorter messages come filled up.
            midi_message(&[told.status, told.data1, told.data2])
        }
        ("/midi", _) => numbers().ok_or_else(|| "/midi takes numbers".to_owned()).and_then(|bytes| midi(&bytes)),
        ("/note", _) => numbers().ok_or_else(|| "/note takes numbers".to_owned()).and_then(|numbers| note(&numbers)),
        ("/control", [OscType::String(name), value]) => control(name, position(value)?),
        ("/control", _) => Err("/control takes a name and a number".to_owned()),
        ("/hello", arguments) => hello(arguments),
        ("/bye", []) => Ok(Incoming::Bye { port: None }),
        ("/bye", [told]) => {
            let port = number(told).and_then(port).ok_or("/bye takes a port from 1 to 65535, or nothing")?;
            Ok(Incoming::Bye { port: Some(port) })
        }
        ("/state", []) => Ok(Incoming::State),
        _ => Err(format!("{} is none of /note, /midi, /control, /state, /hello and /bye", short(addr))),
    }
}

/// Of a control. Faders send shares from 0 to 1, and programs that know floats alone send 127.0.
fn position(value: &OscType) -> Result<f64, String> {
    match value {
        OscType::Bool(is_on) => Ok(switch(*is_on)),
        OscType::Float(_) | OscType::Double(_) => {
            let value = number(value).unwrap_or_default();
            Ok(if value <= 1.0 { value * 127.0 } else { value })
        }
        _ => number(value).ok_or_else(|| "/control takes a name and a number".to_owned()),
    }
}

/// A token and a port, in any order; either may be left out.
fn hello(arguments: &[OscType]) -> Result<Incoming, String> {
    let (mut token, mut at) = (None, None);
    for argument in arguments {
        match argument {
            OscType::String(text) => token = Some(text.clone()),
            _ => {
                let told = number(argument).and_then(port);
                at = Some(told.ok_or("/hello takes a port from 1 to 65535 and the token, or nothing")?);
            }
        }
    }
    Ok(Incoming::Hello { token, port: at })
}

fn number(argument: &OscType) -> Option<f64> {
    match argument {
        OscType::Int(number) => Some(f64::from(*number)),
        OscType::Long(number) => Some(*number as f64),
        OscType::Float(number) => Some(f64::from(*number)),
        OscType::Double(number) => Some(*number),
        _ => None,
    }
}

impl Outgoing {
    /// As OSC packets, each of one message: not every program takes bundles.
    pub fn osc(&self) -> Vec<Vec<u8>> {
        let int = |number: u8| OscType::Int(number.into());
        let text = |text: &str| OscType::String(text.to_owned());
        match self {
            Outgoing::Ready => vec![packet("/ready", vec![text(VERSION)])],
            Outgoing::Note { voice, key, velocity } => {
                vec![packet("/note", vec![text(voice), int(*key), int(*velocity)])]
            }
            Outgoing::Midi { voice, bytes } => {
                let bytes = bytes.iter().map(|byte| int(*byte));
                vec![packet("/midi", [text(voice)].into_iter().chain(bytes).collect())]
            }
            Outgoing::Chord { parts, symbol, numeral } => {
                let names = [symbol, numeral].map(|name| text(name.as_deref().unwrap_or_default()));
                let keys = parts.map(|key| OscType::Int(key.map_or(-1, i32::from)));
                vec![packet("/chord", names.into_iter().chain(keys).collect())]
            }
            Outgoing::State(values) => values
                .iter()
                .map(|(name, value)| {
                    let value = match value {
                        Setting::Switch(is_on) => OscType::Int((*is_on).into()),
                        Setting::Number(number) => OscType::Float(*number as f32),
                        Setting::Text(words) => text(words),
                    };
                    packet("/state", vec![text(name), value])
                })
                .collect(),
            Outgoing::Said(said) => vec![packet("/said", vec![text(said)])],
            Outgoing::Error(why) => vec![packet("/error", vec![text(why)])],
        }
    }
}

fn packet(address: &str, args: Vec<OscType>) -> Vec<u8> {
    let message = OscMessage { addr: address.to_owned(), args };
    // Nothing that is made here can't be encoded; a message less would be the harm.
    rosc::encoder::encode(&OscPacket::Message(message)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rosc::{OscBundle, OscMidiMessage, OscTime};
    use session::control::Control;

    use super::*;
    use crate::of_json;

    fn message(address: &str, args: Vec<OscType>) -> OscPacket {
        OscPacket::Message(OscMessage { addr: address.to_owned(), args })
    }

    fn said(packet: &OscPacket) -> Result<Vec<Incoming>, String> {
        of_osc(&rosc::encoder::encode(packet).unwrap())
    }

    fn texts(text: &str) -> OscType {
        OscType::String(text.to_owned())
    }

    #[test]
    fn the_same_is_said_in_osc_and_in_json() {
        let int = OscType::Int;
        let key = OscType::Midi(OscMidiMessage { port: 0, status: 0x90, data1: 67, data2: 80 });
        let hold = |value: u8| Incoming::Control(Control::Hold, value);
        let same: [(&str, Vec<OscType>, &str, Incoming); 10] = [
            ("/note", vec![int(67), int(80)], r#"{"note":[67,80]}"#, Incoming::Midi([0x90, 67, 80], 3)),
            ("/note", vec![OscType::Float(67.0), int(0)], r#"{"note":[67,0]}"#, Incoming::Midi([0x80, 67, 0], 3)),
            ("/note", vec![int(67), int(80), int(2)], r#"{"note":[67,80,2]}"#, Incoming::Midi([0x91, 67, 80], 3)),
            ("/midi", vec![key], r#"{"midi":[144,67,80]}"#, Incoming::Midi([0x90, 67, 80], 3)),
            ("/midi", vec![int(248)], r#"{"midi":[248]}"#, Incoming::Midi([248, 0, 0], 1)),
            ("/control", vec![texts("hold"), int(127)], r#"{"control":["hold",127]}"#, hold(127)),
            ("/control", vec![texts("hold"), OscType::Bool(true)], r#"{"control":["hold",true]}"#, hold(127)),
            ("/control", vec![texts("hold"), OscType::Float(64.0)], r#"{"control":["hold",64.0]}"#, hold(64)),
            ("/state", vec![], r#"{"state":null}"#, Incoming::State),
            (
                "/hello",
                vec![texts("secret")],
                r#"{"hello":"secret"}"#,
                Incoming::Hello { token: Some("secret".into()), port: None },
            ),
        ];
        for (address, arguments, json, expected) in same {
            assert_eq!(said(&message(address, arguments)), Ok(vec![expected.clone()]), "{address}");
            assert_eq!(of_json(json), Ok(expected), "{json}");
        }
        let fader = message("/control", vec![texts("temperature"), OscType::Float(0.5)]);
        assert_eq!(said(&fader), Ok(vec![Incoming::Control(Control::Temperature, 64)]));
        let elsewhere = message("/hello", vec![int(9002), texts("secret")]);
        assert_eq!(said(&elsewhere), Ok(vec![Incoming::Hello { token: Some("secret".into()), port: Some(9002) }]));
        assert_eq!(said(&message("/bye", vec![int(9002)])), Ok(vec![Incoming::Bye { port: Some(9002) }]));
    }

    #[test]
    fn numbers_that_are_none_and_types_that_are_others_are_refused_with_the_reason() {
        let (nan, blob) = (OscType::Float(f32::NAN), OscType::Blob(vec![1, 2, 3]));
        let endless = OscType::Double(f64::INFINITY);
        for (address, arguments, why) in [
            ("/note", vec![nan.clone(), OscType::Int(80)], "NaN"),
            ("/note", vec![endless.clone(), OscType::Int(80)], "inf"),
            ("/note", vec![OscType::Int(-1), OscType::Int(80)], "-1"),
            ("/note", vec![texts("67"), OscType::Int(80)], "takes numbers"),
            ("/note", vec![blob.clone()], "takes numbers"),
            ("/note", vec![OscType::Long(i64::MAX), OscType::Int(80)], "9.2"),
            ("/note", vec![OscType::Int(67), OscType::Int(80), OscType::Int(17)], "no channel"),
            ("/midi", vec![OscType::Nil], "takes numbers"),
            ("/control", vec![texts("hold"), nan], "NaN"),
            ("/control", vec![texts("hold"), endless.clone()], "inf"),
            ("/control", vec![texts("hold"), blob], "a name and a number"),
            ("/control", vec![texts("hold")], "a name and a number"),
            ("/hello", vec![OscType::Int(0)], "a port from 1"),
            ("/bye", vec![endless], "a port from 1"),
            ("/volume", vec![], "/volume is none of"),
        ] {
            let error = said(&message(address, arguments)).unwrap_err();
            assert!(error.contains(why), "{address}: {error}");
        }
    }

    #[test]
    fn a_bundle_counts_at_once_and_as_a_whole_within_bounds() {
        let bundle = |content| OscPacket::Bundle(OscBundle { timetag: OscTime { seconds: 0, fractional: 1 }, content });
        let note = || message("/note", vec![OscType::Int(60), OscType::Int(1)]);
        assert_eq!(said(&bundle(vec![note(), note()])).unwrap().len(), 2);
        assert!(said(&bundle(vec![note(), message("/volume", vec![])])).is_err(), "nothing of it counts");
        assert!(said(&bundle((0..=MOST_MESSAGES).map(|_| note()).collect())).unwrap_err().contains("more than 64"));
        let deep = (0..6).fold(note(), |inside, _| bundle(vec![inside]));
        assert!(said(&deep).unwrap_err().contains("deep"));
        let mut cut = rosc::encoder::encode(&bundle(vec![note(), note()])).unwrap();
        cut.truncate(cut.len() - 4);
        assert!(of_osc(&cut).unwrap_err().contains("too many"));
    }

    #[test]
    fn what_is_heard_can_be_read_again() {
        let chord =
            Outgoing::Chord { parts: [Some(67), Some(62), None, Some(43)], symbol: Some("G".into()), numeral: None };
        let state = vec![
            ("hold".to_owned(), Setting::Switch(true)),
            ("tempo".to_owned(), Setting::Number(80.0)),
            ("metre".to_owned(), Setting::Text("3/4".into())),
        ];
        let heard: Vec<OscMessage> = [chord, Outgoing::State(state), Outgoing::Ready]
            .iter()
            .flat_map(Outgoing::osc)
            .map(|bytes| match rosc::decoder::decode_udp(&bytes).unwrap() {
                ([], OscPacket::Message(message)) => message,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(heard[0].args[..3], [texts("G"), texts(""), OscType::Int(67)]);
        assert_eq!(heard[0].args[4], OscType::Int(-1));
        let values: Vec<&OscType> = heard[1..4].iter().map(|message| &message.args[1]).collect();
        assert_eq!(values, [&OscType::Int(1), &OscType::Float(80.0), &texts("3/4")]);
        assert_eq!(heard[4].addr, "/ready");
        let pedal = Outgoing::Midi { voice: "bass", bytes: vec![0xb3, 64, 127] }.osc();
        assert!(pedal[0].starts_with(b"/midi\0"));
    }

    proptest! {
        #[test]
        fn garbage_is_refused_and_nothing_worse(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let _ = of_osc(&bytes);
        }
    }
}
