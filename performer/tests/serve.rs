//! `performer serve`, played by programs that speak OSC and WebSockets.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use rosc::{OscMessage, OscPacket, OscType};
use serde_json::{Value, json};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

/// Longer than anything takes.
const LONG: Duration = Duration::from_secs(60);

/// The program, with its two addresses.
struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    osc: SocketAddr,
    web_socket: SocketAddr,
}

impl Server {
    fn start(options: &[&str]) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_performer"))
            .args(["serve", "--osc", "0", "--ws", "0", "--model", "lstm", "--no-take", "--plain"])
            .args(options)
            .env("XDG_CONFIG_HOME", "/nonexistent")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let ready = lines.find(|line| line.starts_with("READY")).expect("it is ready");
        std::thread::spawn(move || lines.for_each(drop));
        let after = |mark: &str| {
            let (_, rest) = ready.split_once(mark).unwrap_or_else(|| panic!("{ready}"));
            rest.split([' ', ',']).next().unwrap().parse().unwrap()
        };
        let (osc, web_socket) = (after("OSC "), after("ws://"));
        let stdin = child.stdin.take();
        Server { child, stdin, osc, web_socket }
    }

    /// Ends it as a user does. It must not have failed.
    fn quit(mut self) {
        self.stdin.take().unwrap().write_all(b"q\n").unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program that speaks OSC.
struct Osc(UdpSocket);

impl Osc {
    fn new(server: &Server) -> Osc {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(server.osc).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        Osc(socket)
    }

    fn say(&self, address: &str, args: Vec<OscType>) {
        let packet = OscPacket::Message(OscMessage { addr: address.to_owned(), args });
        self.0.send(&rosc::encoder::encode(&packet).unwrap()).unwrap();
    }

    /// The next message.
    fn next(&self) -> OscMessage {
        let mut bytes = [0; 4096];
        let length = self.0.recv(&mut bytes).expect("a message");
        match rosc::decoder::decode_udp(&bytes[..length]) {
            Ok((_, OscPacket::Message(message))) => message,
            other => panic!("{other:?}"),
        }
    }

    /// The next message at this address. Chords and steps are told all the time, but not for ever.
    fn hear(&self, address: &str) -> Vec<OscType> {
        let heard = (0..5000).map(|_| self.next()).find(|message| message.addr == address);
        heard.unwrap_or_else(|| panic!("no {address}")).args
    }

    /// Until a note of the soprano begins, or ends.
    fn hear_soprano(&self, key: i32, begin: bool) {
        while self.notes(begin, 1) != [("soprano".to_owned(), key)] {}
    }

    /// Until this value of the state is told.
    fn hear_state(&self, name: &str, value: &OscType) {
        while self.hear("/state") != [text(name), value.clone()] {}
    }

    /// Parts and keys of so many notes that begin, or end.
    fn notes(&self, begin: bool, count: usize) -> Vec<(String, i32)> {
        let mut notes = Vec::new();
        while notes.len() < count {
            let [OscType::String(part), OscType::Int(key), OscType::Int(velocity)] = &self.hear("/note")[..] else {
                panic!("a note");
            };
            if (*velocity > 0) == begin {
                notes.push((part.clone(), *key));
            }
        }
        notes.sort();
        notes
    }
}

fn text(text: &str) -> OscType {
    OscType::String(text.to_owned())
}

fn key(key: i32, velocity: i32) -> Vec<OscType> {
    vec![OscType::Int(key), OscType::Int(velocity)]
}

type Socket = WebSocket<MaybeTlsStream<TcpStream>>;

fn connect(server: &Server, query: &str) -> Socket {
    tungstenite::connect(format!("ws://{}/{query}", server.web_socket)).unwrap().0
}

fn say(socket: &mut Socket, what: Value) {
    socket.send(Message::Text(what.to_string().into())).unwrap();
}

/// The next object that has this.
fn hear(socket: &mut Socket, what: &str) -> Value {
    loop {
        let Message::Text(text) = socket.read().unwrap() else { continue };
        let value: Value = serde_json::from_str(&text).unwrap();
        if let Some(found) = value.get(what) {
            return found.clone();
        }
    }
}

/// The next chord under this soprano.
fn hear_chord(socket: &mut Socket, soprano: u8) -> Value {
    loop {
        let chord = hear(socket, "chord");
        if chord["parts"][0] == soprano {
            return chord;
        }
    }
}

#[test]
fn a_key_is_answered_to_all_who_listen_and_every_note_ends_when_the_player_leaves() {
    let server = Server::start(&[]);
    let (player, mut page) = (Osc::new(&server), connect(&server, ""));
    hear(&mut page, "ready");
    player.say("/hello", Vec::new());
    player.hear("/ready");
    player.hear_state("tempo", &OscType::Float(80.0));
    player.say("/note", key(67, 80));
    let begun = player.notes(true, 4);
    assert_eq!(begun.iter().map(|(part, _)| part.as_str()).collect::<Vec<_>>(), ["alto", "bass", "soprano", "tenor"]);
    assert_eq!(begun[2].1, 67);
    let chord = hear_chord(&mut page, 67);
    assert!(chord["symbol"].is_string() && chord["parts"][3].is_number(), "{chord}");
    // A page plays too, and its key goes up with it, however it goes.
    say(&mut page, json!({ "note": [72, 90] }));
    player.hear_soprano(72, true);
    drop(page);
    player.hear_soprano(72, false);
    // The key of a program that says goodbye, too; another one on its machine hears it.
    let other = Osc::new(&server);
    other.say("/hello", Vec::new());
    other.hear("/ready");
    player.say("/note", key(74, 80));
    other.hear_soprano(74, true);
    player.say("/bye", Vec::new());
    other.hear_soprano(74, false);
    server.quit();
}

#[test]
fn controls_move_and_who_comes_later_hears_how_everything_stands() {
    let server = Server::start(&[]);
    let (player, mut page) = (Osc::new(&server), connect(&server, ""));
    player.say("/hello", Vec::new());
    player.hear("/ready");
    player.say("/control", vec![text("hold"), OscType::Bool(true)]);
    player.hear_state("hold", &OscType::Int(1));
    player.say("/control", vec![text("tempo"), OscType::Float(60.0)]);
    player.hear_state("tempo", &OscType::Float(100.0));
    while hear(&mut page, "state")["tempo"] != 100.0 {}
    say(&mut page, json!({ "control": ["hold", 0] }));
    while hear(&mut page, "state")["hold"] != false {}
    let mut later = connect(&server, "");
    let state = hear(&mut later, "state");
    assert_eq!((&state["hold"], &state["tempo"], &state["metre"]), (&json!(false), &json!(100.0), &json!("4/4")));
    say(&mut later, json!({ "state": null }));
    assert_eq!(hear(&mut later, "state"), state);
    // There is no second network, and no set list.
    player.say("/control", vec![text("model"), OscType::Int(127)]);
    let said = player.hear("/said");
    assert!(matches!(&said[..], [OscType::String(why)] if why.contains("no second model")), "{said:?}");
    server.quit();
}

#[test]
fn what_is_not_understood_is_answered_with_the_reason_and_nothing_else_changes() {
    let server = Server::start(&[]);
    let (player, mut page) = (Osc::new(&server), connect(&server, ""));
    player.say("/hello", Vec::new());
    player.hear("/ready");
    let refused = |what: &str| {
        let error = player.hear("/error");
        assert!(matches!(&error[..], [OscType::String(why)] if why.contains(what)), "{error:?}");
    };
    player.0.send(b"garbage").unwrap();
    refused("no OSC packet");
    player.0.send(&[b'/'; 60_000]).unwrap();
    refused("more than 2048 bytes");
    player.say("/volume", key(1, 2));
    refused("/volume is none of");
    player.say("/note", vec![OscType::Float(f32::NAN), OscType::Int(80)]);
    refused("NaN");
    player.say("/note", vec![text("67"), OscType::Blob(vec![1; 100])]);
    refused("takes numbers");
    let mut is_refused = |told: &str, what: &str| {
        page.send(Message::Text(told.to_owned().into())).unwrap();
        let error = hear(&mut page, "error");
        assert!(error.as_str().unwrap().contains(what), "{error}");
    };
    is_refused(r#"{"note": [300, 1]}"#, "300");
    is_refused("garbage", "no JSON");
    is_refused(&"[".repeat(100_000), "more than 4096 bytes");
    say(&mut page, json!({ "note": [67, 80] }));
    player.notes(true, 4);
    // What nobody can mean ends the connection and nothing else.
    let _ = page.send(Message::Text("x".repeat(2 << 20).into()));
    while page.read().is_ok() {}
    player.notes(false, 4);
    player.say("/note", key(69, 80));
    player.notes(true, 4);
    server.quit();
}

#[test]
fn garbage_by_the_thousand_leaves_the_music_as_it_is() {
    let server = Server::start(&[]);
    let player = Osc::new(&server);
    player.say("/hello", Vec::new());
    player.hear("/ready");
    for number in 0..2000_u32 {
        player.0.send(&number.to_be_bytes().repeat(1 + number as usize % 400)).unwrap();
        player.hear("/error");
    }
    let raw = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(server.web_socket).unwrap();
        let _ = stream.write_all(bytes);
        stream.set_read_timeout(Some(LONG)).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    };
    assert!(!raw(b"GET / HTTP/1.1\r\n\r\n").starts_with(b"HTTP/1.1 101"));
    assert!(!raw(&[0xff; 5000]).starts_with(b"HTTP/1.1 101"));
    player.say("/note", key(67, 80));
    player.notes(true, 4);
    server.quit();
}

#[test]
fn who_shakes_hands_slowly_shuts_nobody_out_and_is_left() {
    let server = Server::start(&[]);
    let mut slow: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(server.web_socket).unwrap()).collect();
    slow.iter_mut().for_each(|stream| stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").unwrap());
    let mut page = connect(&server, "");
    hear(&mut page, "ready");
    say(&mut page, json!({ "note": [67, 80] }));
    hear_chord(&mut page, 67);
    // Letter by letter it would take for ever.
    let mut last = slow.pop().unwrap();
    last.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let is_left = (0..1200).any(|_| {
        let is_closed = match last.read(&mut [0; 100]) {
            Ok(length) => length == 0,
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        };
        is_closed || last.write_all(b"x").is_err()
    });
    assert!(is_left);
    server.quit();
}

#[test]
fn a_ninth_program_is_told_that_there_is_no_room_and_has_it_when_another_leaves() {
    let server = Server::start(&[]);
    let mut pages: Vec<Socket> = (0..8).map(|_| connect(&server, "")).collect();
    pages.iter_mut().for_each(|page| drop(hear(page, "ready")));
    let mut ninth = connect(&server, "");
    let Message::Close(Some(told)) = ninth.read().unwrap() else { panic!("it was let in") };
    assert!(told.reason.contains("8 programs listen already"), "{told:?}");
    pages.pop().unwrap().close(None).unwrap();
    // Until it has left.
    let is_in = (0..1000).any(|_| matches!(connect(&server, "").read(), Ok(Message::Text(_))));
    assert!(is_in, "one has left");
    server.quit();
}

/// What a listener has heard of keys that are passed on, one by one.
#[derive(Default)]
struct Heard {
    began: usize,
    ended: usize,
    /// Told to be lost.
    lost: usize,
    /// Begun while they sounded, as after an end that was lost.
    again: usize,
    sounding: BTreeSet<(String, i32)>,
}

impl Heard {
    fn hear(&mut self, listener: &Osc) {
        let OscMessage { addr, args } = listener.next();
        match (addr.as_str(), &args[..]) {
            ("/note", [OscType::String(voice), OscType::Int(key), OscType::Int(velocity)]) => {
                let is_through = usize::from(voice == "through");
                if *velocity > 0 {
                    self.again += usize::from(!self.sounding.insert((voice.clone(), *key)));
                    self.began += is_through;
                } else {
                    self.sounding.remove(&(voice.clone(), *key));
                    self.ended += is_through;
                }
            }
            ("/error", _) => self.lost += 1,
            _ => {}
        }
    }
}

#[test]
fn of_ten_thousand_messages_by_two_programs_none_is_lost_that_is_not_told_and_no_note_sounds_on() {
    /// So few wait for their answer at most: UDP has no way to tell that it has no more room.
    const WINDOW: i32 = 25;
    let server = Server::start(&["--split", "C4", "--tempo", "160"]);
    let (player, fader) = (Osc::new(&server), Osc::new(&server));
    player.say("/hello", Vec::new());
    player.hear("/ready");
    let begun = Instant::now();
    let (mut heard, mut passed) = (Heard::default(), 0);
    for window in 0..100 {
        for below in 20..20 + WINDOW {
            player.say("/note", key(below, 80));
            fader.say("/control", vec![text("temperature"), OscType::Float(below as f32 / 50.0)]);
            player.say("/note", key(below, 0));
            fader.say("/control", vec![text("density"), OscType::Int(below)]);
            passed += 2;
        }
        let melody = [60, 62, 64, 65, 67][window / 5 % 5];
        fader.say("/note", key(melody, if window % 5 == 0 { 80 } else { 0 }));
        while heard.began + heard.ended + heard.lost < passed {
            heard.hear(&player);
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "10,100 messages in {seconds:.2} s, {:.0} a second; {} were lost, which was told",
        10_100.0 / seconds,
        heard.lost
    );
    assert!(
        heard.again <= heard.lost,
        "{} keys began while they sounded, {} messages were lost",
        heard.again,
        heard.lost
    );
    fader.say("/bye", Vec::new());
    while !heard.sounding.is_empty() {
        heard.hear(&player);
    }
    server.quit();
}

#[test]
fn without_the_token_nothing_is_played_or_heard() {
    let server = Server::start(&["--token", "rosalie"]);
    let player = Osc::new(&server);
    player.say("/note", key(67, 80));
    player.hear("/error");
    player.say("/hello", vec![OscType::String("wrong".into())]);
    player.hear("/error");
    let mut stranger = connect(&server, "");
    say(&mut stranger, json!({ "note": [67, 80] }));
    assert!(hear(&mut stranger, "error").as_str().unwrap().contains("token"));
    let mut page = connect(&server, "?token=rosalie");
    hear(&mut page, "ready");
    player.say("/hello", vec![OscType::String("rosalie".into())]);
    player.hear("/ready");
    player.say("/note", key(67, 80));
    player.notes(true, 4);
    hear(&mut page, "note");
    say(&mut stranger, json!({ "hello": "rosalie" }));
    hear(&mut stranger, "ready");
    server.quit();
}

#[test]
fn a_page_of_another_place_needs_the_token() {
    let shaken = |server: &Server, origin: &str, query: &str| {
        let mut stream = TcpStream::connect(server.web_socket).unwrap();
        let request = format!(
            "GET /{query} HTTP/1.1\r\nHost: {}\r\nOrigin: {origin}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            server.web_socket
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line.contains("101")
    };
    let open = Server::start(&[]);
    assert!(shaken(&open, "http://localhost:8000", ""));
    assert!(!shaken(&open, "https://example.org", ""));
    assert!(!shaken(&open, "https://example.org", "?token="));
    open.quit();
    let guarded = Server::start(&["--token", "rosalie"]);
    assert!(!shaken(&guarded, "https://example.org", "?token=wrong"));
    assert!(shaken(&guarded, "https://example.org", "?token=rosalie"));
    guarded.quit();
}

#[test]
fn what_is_played_is_answered_while_others_do_not_read() {
    let server = Server::start(&["--tempo", "300"]);
    let _deaf: Vec<Socket> = (0..3).map(|_| connect(&server, "")).collect();
    let player = Osc::new(&server);
    player.say("/hello", Vec::new());
    player.hear("/ready");
    for number in 0..40 {
        player.say("/note", key(60 + number % 12, 80));
        player.hear_soprano(60 + number % 12, true);
        player.say("/note", key(60 + number % 12, 0));
        player.hear_soprano(60 + number % 12, false);
    }
    server.quit();
}

#[test]
fn who_reads_goes_on_hearing_while_another_program_plays_as_fast_as_it_can() {
    let server = Server::start(&["--tempo", "300"]);
    let mut page = connect(&server, "");
    hear(&mut page, "ready");
    let mut flooding = connect(&server, "");
    let flood = std::thread::spawn(move || {
        // Each begins and ends four notes and makes a chord at most: not more than may wait for a reader.
        for number in 0..1800 {
            say(&mut flooding, json!({ "note": [number % 128, 80 * (number / 128 % 2)] }));
        }
    });
    while !flood.is_finished() {
        say(&mut page, json!({ "state": null }));
        hear(&mut page, "state");
        // As a page that draws something meanwhile.
        std::thread::sleep(Duration::from_millis(30));
    }
    flood.join().unwrap();
    say(&mut page, json!({ "state": null }));
    while hear(&mut page, "state")["tempo"] != 300.0 {}
    server.quit();
}

/// The example of the document in this language.
fn example(language: &str) -> String {
    let document = include_str!("../../docs/OSC.md");
    let (_, rest) = document.split_once(&format!("```{language}\n")).expect("an example");
    rest.split_once("```").expect("its end").0.to_owned()
}

#[test]
fn the_documents_examples_say_what_is_understood() {
    let addresses: Vec<String> = example("supercollider")
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|quoted| quoted.starts_with('/'))
        .map(str::to_owned)
        .collect();
    assert_eq!(addresses, ["/hello", "/note", "/note"]);
    let document = include_str!("../../docs/OSC.md");
    let commands = document.lines().filter_map(|line| line.strip_prefix("    performer "));
    let commands: Vec<&str> = commands.filter_map(|command| command.split('#').next()).collect();
    assert_eq!(commands.len(), 3);
    for command in commands {
        let arguments = command.split_whitespace().chain(["--help"]);
        assert!(Command::new(env!("CARGO_BIN_EXE_performer")).args(arguments).output().unwrap().status.success());
    }
    for text in example("json").lines() {
        remote::of_json(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

/// The lines of another program, as they come.
fn lines(program: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(program.stdout.take().unwrap()).lines().map_while(Result::ok)
}

/// liblo's programs say and hear OSC, Python's websockets runs the document's example.
#[test]
#[ignore = "needs liblo-tools and Python's websockets: make pages"]
fn programs_that_are_not_ours_play_and_hear() {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has_websockets = Command::new(&python).args(["-c", "import websockets"]).output();
    if Command::new("oscsend").output().is_err() || !has_websockets.is_ok_and(|output| output.status.success()) {
        println!("skipped: oscsend (liblo-tools) or Python's websockets is not there");
        return;
    }
    let server = Server::start(&[]);
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut listener = Command::new("oscdump").args(["-L", &port]).stdout(Stdio::piped()).spawn().unwrap();
    let (into, heard) = std::sync::mpsc::channel();
    let told = lines(&mut listener);
    std::thread::spawn(move || told.map_while(|line| into.send(line).ok()).for_each(drop));
    let oscsend = |arguments: &[&str]| {
        let to = ["127.0.0.1".to_owned(), server.osc.port().to_string()];
        assert!(Command::new("oscsend").args(to).args(arguments).status().unwrap().success());
    };
    // Until it listens.
    while heard.recv_timeout(Duration::from_millis(200)).is_err() {
        oscsend(&["/hello", "i", &port]);
    }
    let hear = |what: &str| loop {
        let line = heard.recv_timeout(LONG).unwrap_or_else(|_| panic!("oscdump heard no {what}"));
        if line.contains(what) {
            return;
        }
    };
    oscsend(&["/note", "ii", "67", "80"]);
    hear("/note sii \"soprano\" 67 80");
    hear("/chord ssiiii");
    oscsend(&["/note", "ii", "67", "0"]);
    hear("/note sii \"soprano\" 67 0");
    oscsend(&["/control", "sf", "hold", "1.0"]);
    hear("/state si \"hold\" 1");
    oscsend(&["/control", "sT", "hold"]);
    oscsend(&["/note", "sf", "x", "0.5"]);
    hear("/error s \"/note takes numbers\"");
    oscsend(&["/control", "sF", "hold"]);
    hear("/state si \"hold\" 0");

    let script = example("python").replace("ws://127.0.0.1:9001", &format!("ws://{}", server.web_socket));
    let output = Command::new(&python).args(["-c", &script]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for voice in ["soprano", "alto", "tenor", "bass"] {
        assert!(said.contains(&format!("'note': ['{voice}'")), "{said}");
    }
    assert!(said.contains("'chord'") && said.contains("'state'"), "{said}");
    oscsend(&["/bye", "i", &port]);
    server.quit();
    listener.kill().unwrap();
    listener.wait().unwrap();
}
