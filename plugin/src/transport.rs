//! What a host says of its song, in CLAP's words and in the session's.

use clack_plugin::events::event_types::{TransportEvent, TransportFlags};
use session::clock::{HostTransport, Metre};

/// Before a host says anything.
pub const SILENT: HostTransport = HostTransport {
    is_playing: false,
    quarters: 0.0,
    bar: 0.0,
    tempo: 80.0,
    metre: Metre::Bars { numerator: 4, denominator: 4 },
};

/// `before`: what was told last, for what the host leaves out now. A song whose place is not told stands: our own clock
/// runs at its tempo.
pub fn read(event: &TransportEvent, before: &HostTransport) -> HostTransport {
    let has = |flags: TransportFlags| event.flags.contains(flags);
    let (numerator, denominator) = (event.time_signature_numerator, event.time_signature_denominator);
    let has_metre = has(TransportFlags::HAS_TIME_SIGNATURE);
    let metre = if has_metre { Metre::of(numerator, denominator).unwrap_or(Metre::Free) } else { before.metre };
    let tempo = if has(TransportFlags::HAS_TEMPO) && event.tempo > 0.0 { event.tempo } else { before.tempo };
    if !has(TransportFlags::HAS_BEATS_TIMELINE) {
        return HostTransport { is_playing: false, tempo, metre, ..*before };
    }
    let quarters = event.song_pos_beats.to_float();
    let length = match metre.bar() {
        Some(sixteenths) => sixteenths as f64 / 4.0,
        None if has_metre && denominator > 0 => 4.0 * f64::from(numerator) / f64::from(denominator),
        None => 1.0,
    };
    let told = event.bar_start.to_float();
    // A little after the place, for hosts that round.
    let is_told = (-0.01..=length + 0.01).contains(&(quarters - told));
    let bar = if has_metre && is_told { told } else { (quarters / length).floor() * length };
    HostTransport { is_playing: has(TransportFlags::IS_PLAYING), quarters, bar, tempo, metre }
}

#[cfg(test)]
mod tests {
    use clack_plugin::events::{EventFlags, EventHeader};
    use clack_plugin::utils::{BeatTime, SecondsTime};

    use super::*;

    fn event(quarters: f64, bar: f64, (numerator, denominator): (u16, u16)) -> TransportEvent {
        let all = TransportFlags::HAS_TEMPO
            | TransportFlags::HAS_BEATS_TIMELINE
            | TransportFlags::HAS_TIME_SIGNATURE
            | TransportFlags::IS_PLAYING;
        TransportEvent {
            header: EventHeader::new_core(0, EventFlags::empty()),
            flags: all,
            song_pos_beats: BeatTime::from_float(quarters),
            song_pos_seconds: SecondsTime::from_float(0.0),
            tempo: 96.0,
            tempo_inc: 0.0,
            loop_start_beats: BeatTime::from_float(0.0),
            loop_end_beats: BeatTime::from_float(0.0),
            loop_start_seconds: SecondsTime::from_float(0.0),
            loop_end_seconds: SecondsTime::from_float(0.0),
            bar_start: BeatTime::from_float(bar),
            bar_number: 0,
            time_signature_numerator: numerator,
            time_signature_denominator: denominator,
        }
    }

    #[test]
    fn place_tempo_metre_and_bar_are_those_of_the_host() {
        let told = read(&event(9.5, 7.0, (4, 4)), &SILENT);
        assert_eq!((told.quarters, told.bar, told.tempo, told.is_playing), (9.5, 7.0, 96.0, true));
        assert_eq!(told.metre, Metre::default());
        assert_eq!(read(&event(3.6, 3.5, (7, 8)), &SILENT).metre, Metre::Free);
    }

    #[test]
    fn a_bar_that_is_not_told_or_can_not_be_is_counted_from_the_beginning() {
        assert_eq!(read(&event(9.5, 0.0, (4, 4)), &SILENT).bar, 8.0);
        assert_eq!(read(&event(-1.0, 0.0, (3, 4)), &SILENT).bar, -3.0);
    }

    #[test]
    fn what_a_host_leaves_out_is_as_before_and_without_a_place_its_song_stands() {
        let mut bare = event(5.0, 4.0, (3, 4));
        bare.flags = TransportFlags::IS_PLAYING | TransportFlags::HAS_TEMPO;
        let told = read(&bare, &SILENT);
        assert_eq!((told.is_playing, told.tempo, told.metre), (false, 96.0, SILENT.metre));
    }
}
