//! Writes the seeds of all fuzz targets into fuzz/seeds/: small files of our own, whole and correct, for the fuzzer to
//! spoil. What the fuzzer found worth keeping lies beside them (fuzz/README.md).

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use chorale::Pitch;
use engraving::{ExportOptions, Format, Piece};
use files::musicxml::Layout;
use files::{Direction, Grid, Lyric, Metre, Note, Score};
use harmonizer::{Harmonizer, Sampling};
use live::Worker;
use live::take::{ModelIdentity, Recorder, SessionInput, TakeEvent};
use network::Model;
use session::control::{Control, Trigger};
use session::{Session, Settings, clock, config};
use sound::Timbre;
use tests::networks::{faulty, random_network, roundabout, smallest};
use tests::tune::{self, NUN_DANKET, Tune};
use trainer::settings::TrunkSettings;

const CSV: &str = "note0,note1,note2,note3\n72,67,64,48\n72,67,64,48\n74,0,62,43\n72,67,64,48\n";

const HYMN_IN_ABC: &str = "%abc-2.1
X:1
T:Nun danket
C:J. Cr\\\"uger
M:4/4
L:1/4
Q:1/4=72
V:S name=\"Soprano\"
V:B clef=bass octave=-1
K:Gmix ^f
[V:S] d|\"G\"d>d (3efg Hd2:|1 {a}(b!mf!c') z2:|2 [Bd]2-[Bd]2||
w:1.~Nun|dan-ket al-le Gott,
w:Der * e-wig_ rei-che
[V:B] G|GGCE/2C/2 !fermata!G2:|1 G4:|2 G4||
[M:3/4][K:Am] \"^Fine\"A3|Z2|E3 & A,3|]
";

fn main() -> Result<()> {
    let piece = piece();
    for (layout, name) in [(Layout::Closed, "closed"), (Layout::Open, "open")] {
        let options = ExportOptions { layout, timbre: Timbre::Organ, with_marks: true };
        let export = |format: Format| piece.export(format, &options);
        for target in ["musicxml", "render"] {
            seed(target, &format!("{name}.musicxml"), &export(Format::MusicXml)?)?;
        }
        seed("musicxml", &format!("{name}.mxl"), &export(Format::Mxl)?)?;
        if layout == Layout::Closed {
            seed("midi_file", "score.mid", &export(Format::Midi)?)?;
            seed("render", "score.mid", &export(Format::Midi)?)?;
        }
    }
    let short = Tune { notes: "D5/4 | D5/4 r/8 C#5/8 E5/4 D5/4. , B4/8", ..NUN_DANKET };
    seed("midi_file", "tune.mid", &tune::midi_file(&short))?;
    seed("render", "tune.mid", &tune::midi_file(&short))?;
    seed("midi_file", "one_track.mid", ONE_TRACK)?;
    seed("render", "one_track.mid", ONE_TRACK)?;
    for (name, text) in [("repeats", REPEATS), ("voices", VOICES), ("timewise", TIMEWISE), ("entities", ENTITIES)] {
        seed("musicxml", &format!("{name}.musicxml"), text.as_bytes())?;
    }
    seed("render", "voices.musicxml", VOICES.as_bytes())?;
    seed("abc", "hymn.abc", HYMN_IN_ABC.as_bytes())?;
    seed("render", "hymn.abc", HYMN_IN_ABC.as_bytes())?;

    seed("data_set", "table.csv", CSV.as_bytes())?;
    let archive = archive()?;
    // Packed and as it is: a damaged gzip stream seldom lets anything through.
    seed("data_set", "archive.tar", &archive)?;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&archive)?;
    seed("data_set", "archive.tgz", &gzip.finish()?)?;

    let learned: Vec<_> = (20..)
        .zip(Control::ALL)
        .map(|(number, control)| (control, Trigger { is_note: number % 2 == 0, channel: Some(number % 16), number }))
        .collect();
    let text = config::bind(&config::template(Some("keystation")), &learned).map_err(anyhow::Error::msg)?;
    seed("settings", "learned.toml", text.as_bytes())?;
    seed("settings", "plain.toml", SETTINGS.as_bytes())?;

    seed(
        "live_midi",
        "scale",
        &[0, 19, 9, 0x90, 72, 64, 19, 99, 0x80, 72, 0, 19, 2, 0xb0, 64, 127, 19, 30, 0x90, 74, 64],
    )?;

    for (name, packet) in OSC {
        seed("remote", name, packet)?;
    }
    for (number, text) in JSON.iter().enumerate() {
        seed("remote", &format!("{number}.json"), text.as_bytes())?;
    }

    // As small as networks get, since every file spoiled is loaded.
    seed("network", "smallest.onnx", &smallest())?;
    seed("network", "roundabout.onnx", &roundabout())?;
    for (name, bytes) in faulty() {
        seed("network", &format!("{name}.onnx"), &bytes)?;
    }
    let small = |trunk: TrunkSettings| {
        let settings = trainer::settings::Settings { trunk, head_width: 2, ..trainer::settings::Settings::lstm() };
        random_network(&settings, 1).1
    };
    let lstm = small(TrunkSettings::Lstm { input: 2, hidden: 2, layers: 1 });
    let dilations = vec![1, 2];
    let wavenet = small(TrunkSettings::Wavenet { channels: 2, kernel: 2, dilations, context: 2 });
    seed("own_network", "lstm.onnx", &lstm)?;
    seed("own_network", "wavenet.onnx", &wavenet)?;
    seed("take", "take.log", &take(&lstm)?)
}

fn seed(target: &str, name: &str, bytes: &[u8]) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
    fs::create_dir_all(&folder)?;
    let path = folder.join(name);
    fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

fn piece() -> Piece {
    let note =
        |start: u32, end: u32, pitch: u8| Note { start, end, pitch: Pitch::new(pitch).expect("a pitch"), velocity: 80 };
    let parts = [[72, 74], [67, 65], [64, 62], [48, 43]]
        .map(|[first, second]| vec![note(0, 480, first), note(480, 640, second), note(640, 1440, first)]);
    let directions = vec![
        (0, Direction::Metre(Metre::FOUR_FOUR)),
        (0, Direction::Key { sharps: -1, minor: false }),
        (480, Direction::Tempo(600_000)),
    ];
    let lyrics =
        vec![Lyric { tick: 0, verse: 1, text: b"lo-".to_vec() }, Lyric { tick: 480, verse: 1, text: b"bet".to_vec() }];
    let title = Some("Seed".into());
    let score =
        Score { title, ticks_per_quarter: 480, directions, parts, lyrics, fermatas: vec![640], ..Score::default() };
    let grid = Grid::new(480, &score.directions, 0);
    Piece::new(score, grid)
}

fn archive() -> Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for split in ["train", "valid", "test"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(CSV.len() as u64);
        builder.append_data(&mut header, format!("jsb/{split}/a.csv"), CSV.as_bytes())?;
    }
    // A name too long for a header comes as an entry of its own.
    let mut header = tar::Header::new_gnu();
    header.set_size(CSV.len() as u64);
    builder.append_data(&mut header, format!("{}/train/b.csv", "long".repeat(30)), CSV.as_bytes())?;
    Ok(builder.into_inner()?)
}

/// The log of a short performance with tables that come at once.
fn take(network: &[u8]) -> Result<Vec<u8>> {
    let clock = clock::Settings { source: clock::ClockSource::Strict, rate: 1000.0, tempo: 120.0, first: 0 };
    let settings = Settings::new(clock);
    let model = Arc::new(Model::from_bytes("small", network)?);
    let folder = tempfile::tempdir()?;
    let sampling = Sampling::default();
    let mut recorder = Recorder::new(folder.path(), vec![(ModelIdentity::new("lstm", &model), sampling)])?;
    let mut session = Session::new(settings);
    let (mut worker, table) = Worker::new(Harmonizer::new(model, sampling), None, &settings)?;
    recorder.event(&settings, &TakeEvent::Input(0, SessionInput::Table(0)))?;
    session.table(0, &table);
    let played: [(u64, &[u8]); 5] = [
        (10, &[0x90, 72, 80]),
        (400, &[0x90, 74, 80]),
        (410, &[0x80, 72, 0]),
        (500, &[0xb0, 64, 127]),
        (700, &[0x80, 74, 0]),
    ];
    for now in 0..1000 {
        for (_, bytes) in played.iter().filter(|(at, _)| *at == now) {
            recorder.event(&settings, &TakeEvent::Input(now, SessionInput::midi(bytes).context("a message")?))?;
            session.midi(now, bytes);
        }
        session.advance(now);
        while let Some(report) = session.next_request() {
            worker.follow(&report)?;
            if let Some(table) = worker.table()? {
                recorder.event(&settings, &TakeEvent::Input(now, SessionInput::Table(table.number)))?;
                session.table(now, &table);
            }
        }
        while let Some(message) = session.next_message() {
            recorder.event(&settings, &TakeEvent::Sent(message))?;
            session.sent();
        }
    }
    recorder.flush(true)?;
    Ok(fs::read(recorder.paths().0)?)
}

/// A note, a control by a fader, hello with a port and a token, and a bundle of two.
const OSC: [(&str, &[u8]); 4] = [
    ("note", b"/note\0\0\0,iii\0\0\0\0\0\0\0\x43\0\0\0\x50\0\0\0\x01"),
    ("control", b"/control\0\0\0\0,sf\0hold\0\0\0\0\x3f\0\0\0"),
    ("hello", b"/hello\0\0,is\0\0\0\x23\x28rosalie\0"),
    (
        "bundle",
        b"#bundle\0\0\0\0\0\0\0\0\x01\0\0\0\x10/midi\0\0\0,m\0\0\0\x90\x43\x50\0\0\0\x10/state\0\0,\0\0\0\0\0\0\0",
    ),
];

const JSON: [&str; 4] = [
    r#"{"note":[67,80,2]}"#,
    r#"{"midi":[176,64,127]}"#,
    r#"{"control":["freeze-alto",true]}"#,
    r#"{"hello":"rosalie"}"#,
];

/// Format 0: a name, running status, a note struck again while it sounds, a system exclusive message.
const ONE_TRACK: &[u8] = b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x29\
    \0\xff\x03\x06Melody\0\x90\x48\x40\x30\x4a\x40\x30\x48\0\0\x4a\x40\x30\x4a\0\
    \0\xf0\x03\x01\x02\xf7\0\xb1\x07\x40\0\xff\x2f\0";

const SETTINGS: &str = "input = 'key'\noutput = 'fluid'\nclock = 'follow'\ntempo = 72.5\nsplit = 'C4'\nbelow = 'bass'\n\
    split-channel = 6\n[alto]\nchannel = 10\noctave = -1\nprogram = 20\n[bass]\nmuted = true\nvelocity = 0.5\n\
    [controls]\npanic = 'cc 20'\nhold = 'note 36 channel 2'\n";

const REPEATS: &str = r#"<score-partwise><part-list><score-part id="P1"><part-name>S</part-name></score-part></part-list><part id="P1">
<measure number="1"><attributes><divisions>2</divisions><time><beats>3</beats><beat-type>4</beat-type></time></attributes>
<direction><sound segno="a"/></direction><note><pitch><step>C</step><octave>5</octave></pitch><duration>6</duration></note></measure>
<measure number="2"><barline><ending number="1" type="start"/></barline><note><rest/><duration>6</duration></note>
<barline><ending number="1" type="stop"/><repeat direction="backward"/></barline></measure>
<measure number="3"><barline><ending number="2" type="start"/></barline><note><chord/><pitch><step>D</step><octave>5</octave></pitch>
<duration>6</duration><tie type="start"/></note><barline><ending number="2" type="stop"/></barline><direction><sound dalsegno="a"/></direction>
</measure></part></score-partwise>"#;

const VOICES: &str = r#"<score-partwise><work><work-title>Seed</work-title></work><part-list><score-part id="P1"><part-name>Choir</part-name></score-part></part-list><part id="P1">
<measure number="0" implicit="yes"><attributes><divisions>6</divisions><key><fifths>-2</fifths><mode>minor</mode></key><time><beats>4</beats><beat-type>4</beat-type></time><staves>2</staves><transpose><chromatic>-2</chromatic></transpose></attributes>
<direction><direction-type><words>D.C. al Fine</words></direction-type><sound tempo="80" dacapo="yes"/></direction>
<note><grace/><pitch><step>A</step><octave>4</octave></pitch></note>
<note><pitch><step>B</step><alter>-1</alter><octave>4</octave></pitch><duration>2</duration><voice>1</voice><time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification><staff>1</staff><notations><fermata/><tied type="start"/></notations><lyric number="1"><syllabic>begin</syllabic><text>lo</text></lyric></note>
<note><chord/><pitch><step>G</step><octave>4</octave></pitch><duration>2</duration><voice>1</voice></note>
<backup><duration>2</duration></backup><note><unpitched/><duration>2</duration><voice>2</voice></note><forward><duration>4</duration></forward></measure>
<measure number="1"><barline><repeat direction="forward"/></barline><note><pitch><step>D</step><octave>5</octave></pitch><duration>24</duration><voice>1</voice></note><barline><repeat direction="backward" times="2"/></barline><direction><sound fine="yes"/></direction></measure></part></score-partwise>"#;

const TIMEWISE: &str = r#"<score-timewise><part-list><score-part id="P1"><part-name>S</part-name></score-part><score-part id="P2"><part-name>B</part-name></score-part></part-list>
<measure number="1"><part id="P1"><attributes><divisions>1</divisions></attributes><note><pitch><step>C</step><octave>5</octave></pitch><duration>4</duration></note></part>
<part id="P2"><note><pitch><step>C</step><octave>3</octave></pitch><duration>4</duration></note></part></measure></score-timewise>"#;

const ENTITIES: &str = r#"<!DOCTYPE score-partwise [<!ENTITY a "C"><!ENTITY b "&a;">]>
<score-partwise><part id="P1"><measure number="1"><note><pitch><step>&b;</step><octave>5</octave></pitch><duration>1</duration></note></measure></part></score-partwise>"#;
