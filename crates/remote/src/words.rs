//! What OSC and JSON mean alike: notes, MIDI messages, controls.

use session::control::Control;

use crate::Incoming;

/// A note, `key velocity [channel]`.
pub fn note(numbers: &[f64]) -> Result<Incoming, String> {
    let (&[key, velocity] | &[key, velocity, _]) = numbers else {
        return Err("note takes a key and a velocity, and perhaps a channel from 1 to 16".to_owned());
    };
    let channel = match numbers.get(2) {
        Some(&channel) if channel.fract() == 0.0 && (1.0..=16.0).contains(&channel) => channel as u8 - 1,
        Some(channel) => return Err(format!("note: {} is no channel from 1 to 16", shown(*channel))),
        None => 0,
    };
    let (key, velocity) = (whole("note", key, 127)?, whole("note", velocity, 127)?);
    let status = if velocity == 0 { 0x80 } else { 0x90 };
    Ok(Incoming::Midi([status | channel, key, velocity], 3))
}

/// The bytes of a MIDI message.
pub fn midi(numbers: &[f64]) -> Result<Incoming, String> {
    if !(1..=3).contains(&numbers.len()) {
        return Err("midi takes one to three bytes".to_owned());
    }
    let bytes: Vec<u8> = numbers.iter().map(|byte| whole("midi", *byte, 255)).collect::<Result<_, _>>()?;
    midi_message(&bytes)
}

pub fn midi_message(bytes: &[u8]) -> Result<Incoming, String> {
    let refused = |why: &str| Err(format!("{bytes:?} is no MIDI message: {why}"));
    let [status, data @ ..] = bytes else { return refused("it is empty") };
    if *status < 0x80 || data.iter().any(|byte| *byte > 127) {
        return refused("a status byte from 128 on comes first, then data below 128");
    }
    let length = match status {
        0xf0 | 0xf7 => return refused("system exclusive ones are not taken"),
        0xc0..=0xdf | 0xf1 | 0xf3 => 2,
        0xf4..=0xff => 1,
        _ => 3,
    };
    let Some(whole) = bytes.get(..length) else { return refused("it is too short") };
    let mut message = [0; 3];
    message[..length].copy_from_slice(whole);
    Ok(Incoming::Midi(message, length))
}

/// A control moved to 0 to 127.
pub fn control(name: &str, value: f64) -> Result<Incoming, String> {
    let known = Control::try_from(name.to_owned()).map_err(|_| {
        let names: Vec<String> = Control::ALL.into_iter().map(Control::name).collect();
        format!("there is no control '{}'; there are {}", short(name), names.join(", "))
    })?;
    match value.round() {
        value if (0.0..=127.0).contains(&value) => Ok(Incoming::Control(known, value as u8)),
        _ => Err(format!("{name} is {}, expected 0 to 127", shown(value))),
    }
}

/// Where a switch puts its control.
pub fn switch(is_on: bool) -> f64 {
    if is_on { 127.0 } else { 0.0 }
}

/// A port of UDP.
pub fn port(number: f64) -> Option<u16> {
    (number.fract() == 0.0 && (1.0..=65535.0).contains(&number)).then_some(number as u16)
}

fn whole(name: &str, number: f64, most: u8) -> Result<u8, String> {
    let is_whole = number.fract() == 0.0 && (0.0..=f64::from(most)).contains(&number);
    is_whole
        .then_some(number as u8)
        .ok_or_else(|| format!("{name}: {} is not a whole number up to {most}", shown(number)))
}

/// Numbers and names as they are told back: an answer is never much longer than what it answers.
fn shown(number: f64) -> String {
    if number.abs() < 1e9 { format!("{number}") } else { format!("{number:e}") }
}

pub fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
