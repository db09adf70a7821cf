//! Writes the seeds of all targets into corpus/: small files of our own, whole and correct, for the fuzzer to spoil.
//! `seeds NETWORK.onnx` adds a (small) network.

use std::fs;
use std::io::Write;
use std::path::Path;

use chorale::Pitch;
use files::score::{Direction, Lyric, Metre, Note, Score};
use performer::control::{Control, Trigger};
use performer::export::{ExportOptions, Format, Piece};
use performer::grid::Grid;
use performer::harmonizer::Sampling;
use performer::musicxml::Layout;
use performer::session::Settings;
use performer::wav::Instrument;
use performer::{clock, config, take};

const CSV: &str = "note0,note1,note2,note3\n72,67,64,48\n72,67,64,48\n74,0,62,43\n72,67,64,48\n";

fn main() -> std::io::Result<()> {
    let piece = piece();
    let options = ExportOptions { layout: Layout::Closed, instrument: Instrument::Organ, with_marks: true };
    let export = |format: Format| piece.export(format, &options).expect("a short piece");
    for target in ["midi_file", "render"] {
        seed(target, "score.mid", &export(Format::Midi))?;
    }
    for target in ["musicxml", "render"] {
        seed(target, "score.musicxml", &export(Format::MusicXml))?;
        seed(target, "score.mxl", &export(Format::Mxl))?;
    }
    seed("musicxml", "repeats.musicxml", REPEATS.as_bytes())?;
    seed("data_set", "table.csv", CSV.as_bytes())?;
    seed("data_set", "archive.tgz", &archive()?)?;
    let learned = [(Control::ALL[0], Trigger::Key { key: 36 })];
    seed("settings", "learned.toml", config::write(Some("keystation"), &learned).as_bytes())?;
    seed("settings", "plain.toml", b"tempo = 80\nsplit = \"C4\"\n[alto]\nchannel = 3\noctave = 1\n")?;
    let clock = clock::Settings { source: clock::Source::Internal, rate: 1e9, tempo: 72.0, first: 0 };
    let header = take::Header {
        models: Vec::new(),
        sampling: Sampling::default().into(),
        session: Settings::new(clock),
    };
    let header = serde_json::to_string(&header)?;
    let log = format!("{}\n{header}\n5 midi 90 48 40\n5 > 0 90 48 40\n9 table 1\n20 midi 80 48 00\n30 stop\n", take::FIRST_LINE);
    seed("take", "log.txt", log.as_bytes())?;
    seed("live_midi", "scale", &[19, 9, 0x90, 72, 64, 19, 99, 0x80, 72, 0, 19, 2, 0xb0, 64, 127, 19, 30, 0x90, 74, 64])?;
    if let Some(network) = std::env::args().nth(1) {
        seed("network", "small.onnx", &fs::read(network)?)?;
    }
    Ok(())
}

fn seed(target: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes)
}

fn piece() -> Piece {
    let note = |start: u32, end: u32, pitch: u8| Note { start, end, pitch: Pitch::new(pitch).expect("a pitch"), velocity: 80 };
    let parts = [[72, 74], [67, 65], [64, 62], [48, 43]]
        .map(|[first, second]| vec![note(0, 480, first), note(480, 640, second), note(640, 1440, first)]);
    let directions = vec![
        (0, Direction::Metre(Metre::FOUR_FOUR)),
        (0, Direction::Key { sharps: -1, minor: false }),
        (480, Direction::Tempo(600_000)),
    ];
    let lyrics = vec![Lyric { tick: 0, verse: 1, text: b"lo-".to_vec() }, Lyric { tick: 480, verse: 1, text: b"bet".to_vec() }];
    let title = Some("Seed".into());
    let score = Score { title, ticks_per_quarter: 480, directions, parts, lyrics, fermatas: vec![640], ..Score::default() };
    let grid = Grid::new(480, &score.directions, 0);
    Piece::new(score, grid)
}

fn archive() -> std::io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for split in ["train", "valid", "test"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(CSV.len() as u64);
        header.set_cksum();
        builder.append_data(&mut header, format!("jsb/{split}/a.csv"), CSV.as_bytes())?;
    }
    let mut gzip = builder.into_inner()?;
    gzip.flush()?;
    gzip.finish()
}

const REPEATS: &str = r#"<score-partwise><part-list><score-part id="P1"><part-name>S</part-name></score-part></part-list><part id="P1">
<measure number="1"><attributes><divisions>2</divisions><time><beats>3</beats><beat-type>4</beat-type></time></attributes>
<direction><sound segno="a"/></direction><note><pitch><step>C</step><octave>5</octave></pitch><duration>6</duration></note></measure>
<measure number="2"><barline><ending number="1" type="start"/></barline><note><rest/><duration>6</duration></note>
<barline><ending number="1" type="stop"/><repeat direction="backward"/></barline></measure>
<measure number="3"><barline><ending number="2" type="start"/></barline><note><chord/><pitch><step>D</step><octave>5</octave></pitch>
<duration>6</duration><tie type="start"/></note><barline><ending number="2" type="stop"/></barline><direction><sound dalsegno="a"/></direction>
</measure></part></score-partwise>"#;
