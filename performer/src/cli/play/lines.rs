//! What people read of a performance: the lines on stdout and stderr.

use hdrhistogram::Histogram;
use live::{AnsweredNote, Summary};
use performer::devices::midi::{PortPlan, PortStatus};
use session::clock::ClockSource;
use session::control::{Control, Trigger};
use session::{ClickSettings, Settings};

use crate::cli::screen::View;

/// Said once the ports are open; the first line begins with READY.
pub fn ready(system: &str, settings: &Settings, plan: &PortPlan, ports: &PortStatus) -> Vec<String> {
    let PortStatus { input, output, clock, sound, .. } = ports;
    let tempo = settings.clock.tempo;
    let mut lines = vec![format!("READY {system}: soprano from {input}, parts to {output}, {tempo} beats a minute")];
    if settings.clock.source == ClockSource::Midi {
        lines.push(format!("MIDI clock from {}", clock.as_ref().unwrap_or(input)));
    }
    let ClickSettings { is_on, note, count_in } = settings.click;
    if is_on || count_in > 0 {
        let (channel, key) = (note.channel + 1, note.key);
        lines.push(format!("click: note {key} on channel {channel}{}", if is_on { "" } else { ", for the count-in" }));
    }
    lines.extend(sound.iter().map(|sound| format!("sound: {sound}")));
    if plan.input.is_none() {
        lines.push(format!("Connect the keyboard to {input}."));
    }
    if plan.output.is_none() {
        let channels = settings.routes.map(|route| route.channel + 1);
        lines.push(to_connect(ports, channels, plan.per_part));
    }
    lines
}

/// What the player still has to do in the DAW.
fn to_connect(ports: &PortStatus, [soprano, alto, tenor, bass]: [u8; 4], per_part: bool) -> String {
    let output = &ports.output;
    if per_part {
        return format!("In the DAW: four tracks, one for each of {output}.");
    }
    format!(
        "In the DAW: four tracks that listen to {output}, on channels {soprano} (soprano), {alto} (alto), {tenor} (tenor) \
         and {bass} (bass)."
    )
}

/// That one movement moves two controls.
pub fn shared((first, second, trigger): &(Control, Control, Trigger)) -> String {
    let (first, second) = (first.name(), second.name());
    format!("{trigger} moves both {first} and {second}; performer learn, or the settings file, can part them")
}

/// What has come and gone: servers, ports, the sound card.
pub fn changes(system: &str, before: &PortStatus, after: &PortStatus) -> Vec<String> {
    if !after.has_server {
        return vec![format!("{system} has shut down, waiting for it to come back")];
    }
    let server = (!before.has_server).then(|| format!("{system} is back"));
    let sound = (before.has_sound != after.has_sound).then(|| match (&after.sound, after.has_sound) {
        (Some(sound), true) => format!("the sound card is back: {sound}"),
        _ => "the sound card left; MIDI goes on".to_owned(),
    });
    let ports = (before.without_sound() != after.without_sound()).then(|| connections(after));
    server.into_iter().chain(sound).chain(ports).collect()
}

fn connections(ports: &PortStatus) -> String {
    let state = |is_there: bool| if is_there { "connected" } else { "gone, waiting for it" };
    let (input, output) = (state(ports.has_input), state(ports.has_output));
    let clock = ports.clock.as_ref().map(|clock| format!("; clock {clock}: {}", state(ports.has_clock)));
    format!("input {}: {input}; output {}: {output}{}", ports.input, ports.output, clock.unwrap_or_default())
}

/// The notes, soprano to bass, and the chord with its Roman numeral.
pub fn line(heard: &AnsweredNote, view: &View) -> String {
    let notes = view.names(heard.parts).map(|name| format!("{name:<4}"));
    let (symbol, numeral) = view.name(heard.parts).unwrap_or_default();
    format!("{} {symbol:<7} {numeral}", notes.join(" ")).trim_end().to_owned()
}

/// The figures of the whole performance.
pub fn summary(summary: Summary, latencies: &Histogram<u64>) -> String {
    let Summary { notes, missed, dropped, overruns, echoes, unrecorded } = summary;
    let counted =
        |count: u64, one: &str, rest: &str| format!("{count} {one}{}{rest}", if count == 1 { "" } else { "s" });
    let mut text = format!("{}, {}", counted(notes, "note", " answered"), counted(missed, "missed deadline", ""));
    let others = [
        (dropped, "message", " dropped"),
        (overruns, "overrun", " of the sound system"),
        (echoes, "message", " of our own that came back, ignored"),
        (unrecorded, "event", " missing in the take"),
    ];
    for (count, one, rest) in others.into_iter().filter(|(count, ..)| *count > 0) {
        text += &format!(", {}", counted(count, one, rest));
    }
    if !latencies.is_empty() {
        let microseconds = |nanoseconds: u64| nanoseconds as f64 / 1000.0;
        text += &format!(
            "; note-on to answer p50 {:.1} us, p99 {:.1} us, max {:.1} us",
            microseconds(latencies.value_at_quantile(0.5)),
            microseconds(latencies.value_at_quantile(0.99)),
            microseconds(latencies.max())
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_card_that_leaves_and_comes_back_is_told_and_nothing_of_the_ports() {
        let with = PortStatus { sound: Some("card, 48000 Hz".to_owned()), has_sound: true, ..PortStatus::default() };
        let with = PortStatus { has_server: true, ..with };
        let without = PortStatus { has_sound: false, ..with.clone() };
        assert_eq!(changes("ALSA", &with, &without), ["the sound card left; MIDI goes on"]);
        assert_eq!(changes("ALSA", &without, &with), ["the sound card is back: card, 48000 Hz"]);
    }
}
