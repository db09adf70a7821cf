//! What a session and a worker give that are told the same events without a plugin, a host or a thread.

mod daw;

use chorale::Key;
use daw::{Daw, In, ONE_PORT, Out, id, in_process, track};
use harmonizer::{Harmonizer, Purpose, Sampling};
use live::Worker;
use network::Model;
use session::clock::{self, ClockSource, HostTransport};
use session::control::Overrides;
use session::{Session, Settings, Time};
use std::sync::Arc;

const RATE: f64 = 44_100.0;
const TEMPO: f64 = 93.0;

/// Plays a track to a session in blocks of so many frames. Tables come `late` blocks after they were asked for, as from
/// a worker with a thread of its own.
fn replayed(track: &[(u64, In)], until: u64, block: u64, late: u64) -> Vec<Out> {
    let settings = Settings::new(clock::Settings { source: ClockSource::Host, rate: RATE, tempo: TEMPO, first: 0 });
    let model = Arc::new(Model::wavenet().unwrap());
    let harmonizer = Harmonizer::new(Arc::clone(&model), Sampling::of(&model, Purpose::Live));
    let (mut worker, first) = Worker::new(harmonizer, None, &settings).unwrap();
    let mut session = Session::new(settings);
    session.table(0, &first);
    session.set_overrides(0, Overrides { key: Some(Key::of_tonic(4, true)), ..Overrides::default() });
    let mut heard = Vec::new();
    let mut answers = Vec::new();
    let mut collect = |session: &mut Session, answers: &mut Vec<_>, arrival: Time| {
        while let Some(message) = session.next_message() {
            let mut bytes = [0; 3];
            bytes.copy_from_slice(&message.bytes());
            heard.push(Out { at: message.at, port: 0, bytes });
            session.sent();
        }
        while let Some(request) = session.next_request() {
            worker.follow(&request).unwrap();
            let tables = [worker.present_table().unwrap(), worker.table().unwrap()];
            answers.extend(tables.into_iter().flatten().map(|table| (arrival, table)));
        }
    };
    collect(&mut session, &mut answers, 0);
    let mut now = 0;
    while now < until {
        for (_, table) in answers.extract_if(.., |(arrival, _)| *arrival <= now).collect::<Vec<_>>() {
            session.table(now, &table);
        }
        let quarters = now as f64 / RATE * TEMPO / 60.0;
        let (bar, metre) = ((quarters / 4.0).floor() * 4.0, clock::Metre::default());
        session.host(now, &HostTransport { is_playing: true, quarters, bar, tempo: TEMPO, metre });
        for &(at, event) in track.iter().filter(|(at, _)| (now..now + block).contains(at)) {
            let In::Midi(bytes) = event else { continue };
            session.midi(at, &bytes);
        }
        session.advance(now + block - 1);
        now += block;
        collect(&mut session, &mut answers, now + late.saturating_sub(1) * block);
    }
    heard
}

#[test]
fn a_bounce_gives_what_the_same_events_give_live_and_without_a_plugin() {
    let mut daw = Daw::new(&in_process(), ONE_PORT, RATE, &[(id::KEY, 5.0), (id::MODE, 1.0)]);
    daw.song.tempo = TEMPO;
    daw.render_offline(true);
    let (track, end) = track(&daw);
    daw.play(&track, end, 256);
    let end = end.next_multiple_of(256);
    let bounced: Vec<Out> = daw.heard.iter().filter(|out| out.at < end).copied().collect();
    assert!(bounced.len() > 80);
    for late in [1, 2] {
        assert_eq!(replayed(&track, end, 256, late), bounced, "tables {late} blocks late");
    }
}
