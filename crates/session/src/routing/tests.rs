use super::*;

fn pitch(midi: u8) -> Pitch {
    Pitch::new(midi).unwrap()
}

fn drain(routing: &mut Routing) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    while let Some(message) = routing.next_message() {
        if message.is_heard {
            sent.push(message.bytes().to_vec());
        }
        routing.sent();
    }
    sent
}

#[test]
fn a_pitch_that_two_parts_share_on_one_channel_ends_with_the_last_of_them() {
    let routes = Route::all().map(|route| Route { channel: 0, ..route });
    let mut routing = Routing::new(routes, false, 4, ClickNote::default());
    routing.begin(0, Part::Tenor, pitch(60), 80);
    routing.begin(0, Part::Bass, pitch(60), 80);
    assert_eq!(drain(&mut routing), [[0x90, 60, 80], [0x80, 60, 64], [0x90, 60, 80]]);
    routing.end(1, Part::Tenor);
    assert_eq!(drain(&mut routing), [[0; 3]; 0]);
    routing.end(2, Part::Bass);
    assert_eq!(drain(&mut routing), [[0x80, 60, 64]]);

    let mut apart = Routing::new(routes, true, 4, ClickNote::default());
    apart.begin(0, Part::Tenor, pitch(60), 80);
    apart.begin(0, Part::Bass, pitch(60), 80);
    apart.end(1, Part::Tenor);
    assert_eq!(drain(&mut apart), [[0x90, 60, 80], [0x90, 60, 80], [0x80, 60, 64]], "on ports of their own");
}

#[test]
fn channel_octave_loudness_and_program_are_each_parts_own() {
    let mut routes = Route::all();
    routes[3] = Route { channel: 9, muted: false, octave: -1, velocity: 0.5, program: Some(43) };
    let mut routing = Routing::new(routes, false, 4, ClickNote::default());
    routing.send_programs(0);
    routing.begin(0, Part::Bass, pitch(48), 81);
    routing.end(0, Part::Bass);
    let sent = drain(&mut routing);
    assert_eq!(sent, [vec![0xc9, 43], vec![0x99, 36, 41], vec![0x89, 36, 64]]);
    routing.begin(0, Part::Bass, pitch(5), 1);
    assert_eq!(drain(&mut routing), [[0x99, 5, 1]], "no octave below: as it is; never velocity 0");
}

#[test]
fn a_muted_part_sings_unheard_until_its_next_note_after_that() {
    let mut routing = Routing::new(Route::all(), false, 4, ClickNote::default());
    routing.begin(0, Part::Alto, pitch(67), 80);
    routing.mute(1, Part::Alto, true);
    assert_eq!(drain(&mut routing), [[0x91, 67, 80], [0x81, 67, 64]]);
    assert_eq!(routing.singing()[1], Some(pitch(67)));
    routing.begin(2, Part::Alto, pitch(65), 80);
    routing.mute(3, Part::Alto, false);
    assert_eq!(drain(&mut routing), [[0; 3]; 0]);
    routing.begin(4, Part::Alto, pitch(64), 80);
    assert_eq!(drain(&mut routing), [[0x91, 64, 80]]);
}

#[test]
fn an_instrument_that_comes_is_told_to_be_silent_on_all_channels_but_those_of_muted_parts() {
    let mut routes = Route::all();
    routes[0].muted = true;
    let mut routing = Routing::new(routes, false, 4, ClickNote::default());
    routing.silence_all_heard(0);
    assert_eq!(drain(&mut routing), [[0xb1, 123, 0], [0xb2, 123, 0], [0xb3, 123, 0]]);
}

#[test]
fn ends_that_may_be_lost_are_sent_again_but_not_those_of_notes_that_sound_anew() {
    let mut routing = Routing::new(Route::all(), false, 4, ClickNote::default());
    routing.begin(0, Part::Alto, pitch(67), 80);
    routing.begin(10, Part::Alto, pitch(65), 80);
    routing.begin(20, Part::Alto, pitch(67), 80);
    routing.begin(30, Part::Tenor, pitch(60), 80);
    routing.end(40, Part::Tenor);
    drain(&mut routing);
    routing.repeat_ends(50, 15);
    assert_eq!(drain(&mut routing), [[0x81, 65, 64], [0x82, 60, 64]]);
    assert_eq!(routing.singing()[1], Some(pitch(67)));
}

#[test]
fn a_bend_moves_all_parts_and_is_undone_by_silence() {
    let mut routing = Routing::new(Route::all(), false, 4, ClickNote::default());
    routing.to_all(0, PitchBend { channel: 0, bend: 80 << 7 });
    assert_eq!(drain(&mut routing), [[0xe0, 0, 80], [0xe1, 0, 80], [0xe2, 0, 80], [0xe3, 0, 80]]);
    routing.silence(1);
    assert_eq!(drain(&mut routing)[..2], [[0xb0, 123, 0], [0xe0, 0, 64]]);
}

#[test]
fn a_click_ends_once_and_gives_way_to_a_part_that_sings_its_very_note() {
    let mut routes = Route::all();
    routes[1].channel = 9;
    let mut routing = Routing::new(routes, false, 4, ClickNote::default());
    routing.click(0, 127);
    routing.begin(1, Part::Alto, pitch(76), 80);
    assert_eq!(drain(&mut routing), [[0x99, 76, 127], [0x89, 76, 64], [0x99, 76, 80]]);
    routing.click(2, 127);
    assert_eq!(drain(&mut routing), [[0; 3]; 0], "it would cut the part off");
    routing.end(3, Part::Alto);
    routing.click(4, 70);
    routing.click(5, 70);
    routing.end_click(6);
    routing.end_click(7);
    let (on, off) = ([0x99, 76, 70], [0x89, 76, 64]);
    assert_eq!(drain(&mut routing), [off, on, off, on, off]);
}

#[test]
fn a_click_keeps_room_for_its_end_and_is_silenced_with_the_rest() {
    let mut routing = Routing::new(Route::all(), false, 4, ClickNote::default());
    for at in 0..1000 {
        routing.click(at, 90);
    }
    routing.silence(1000);
    let sent = drain(&mut routing);
    let notes = |status: u8| sent.iter().filter(|message| message[0] == status).count();
    assert_eq!(notes(0x99), notes(0x89));
    assert_eq!(sent.last(), Some(&vec![0xb9, 123, 0]));
}
