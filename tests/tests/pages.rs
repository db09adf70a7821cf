//! What others make of our files: MuseScore engraves them, the MusicXML schema validates them, Chromium plays the page.
//! These need those programs (`make pages` installs them): MUSESCORE, CHROMIUM and PYTHON name them. PAGES names a folder
//! that keeps what was made, to look at.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use chorale::Part;
use files::melody::four_parts;
use tests::binary::performer;

/// A melody in MusicXML with twelve divisions a quarter: bars of notes such as `C5/12` (a quarter) or `r/6`; behind the
/// length `w` begins a syllable's word, `m` goes on with it, `f` is a fermata.
struct Hymn {
    name: &'static str,
    fifths: i32,
    metre: (u8, u8),
    bars: &'static [&'static str],
    /// Options of `performer render` besides.
    options: &'static [&'static str],
}

const HYMNS: [Hymn; 7] = [
    Hymn {
        name: "common",
        fifths: 1,
        metre: (4, 4),
        bars: &[
            "D5/12w",
            "D5/12m D5/12m E5/12w E5/12m",
            "D5/24w r/12 B4/12w",
            "C5/12w B4/12m A4/12w B4/12m",
            "A4/24wf G4/12w D5/12m",
            "D5/6w E5/6w F#5/12w G5/12w E5/12w",
            "D5/36wf",
        ],
        options: &[],
    },
    Hymn {
        name: "closed",
        fifths: -2,
        metre: (3, 4),
        bars: &["F4/12w", "Bb4/18w C5/6w D5/12w", "C5/24w Bb4/12w", "A4/12w G4/12w A4/12w", "Bb4/24wf"],
        options: &["--staves", "2", "--marks"],
    },
    Hymn {
        name: "compound",
        fifths: 2,
        metre: (6, 8),
        bars: &["A4/6w", "D5/12w D5/6w E5/12w F#5/6w", "E5/18w A4/12w A4/6w", "B4/12w C#5/6w D5/12w C#5/6w", "D5/30w"],
        options: &[],
    },
    Hymn {
        name: "slow",
        fifths: 0,
        metre: (3, 2),
        bars: &["E5/24w D5/24w C5/24w", "B4/48w C5/24w", "D5/36w C5/12w B4/24w", "C5/72wf"],
        options: &["--staves", "2"],
    },
    Hymn {
        name: "triplets",
        fifths: -1,
        metre: (4, 4),
        bars: &[
            "F4/4w G4/4w A4/4w C5/12w A4/9w G4/3w F4/12w",
            "G4/8w A4/4w Bb4/12w A4/24w",
            "A4/8w G4/8w F4/8w G4/12w E4/12w",
            "F4/48w",
        ],
        options: &[],
    },
    Hymn {
        name: "men",
        fifths: 3,
        metre: (4, 4),
        bars: &["E5/12w", "A4/12w B4/12w C#5/12w D5/12w", "E5/24w C#5/12w E5/12w", "D5/12w C#5/12w B4/24w", "A4/36w"],
        options: &["--ranges", "TTBB", "--staves", "2"],
    },
    Hymn {
        name: "three",
        fifths: -3,
        metre: (2, 2),
        bars: &["Eb5/24w D5/24w", "C5/24w Bb4/24w", "Ab4/24w G4/24w", "F4/48w", "G4/24w Ab4/24w", "Bb4/48wf"],
        options: &["--ranges", "SAB"],
    },
];

impl Hymn {
    fn musicxml(&self) -> String {
        let bars: Vec<String> = (0..)
            .zip(self.bars)
            .map(|(index, bar)| {
                let number = if self.has_pickup() { index } else { index + 1 };
                let attributes = match index {
                    0 => format!(
                        "<attributes><divisions>12</divisions><key><fifths>{}</fifths></key><time><beats>{}</beats>\
                         <beat-type>{}</beat-type></time></attributes>",
                        self.fifths, self.metre.0, self.metre.1
                    ),
                    _ => String::new(),
                };
                let notes: String = bar.split_whitespace().map(note).collect();
                format!("<measure number=\"{number}\">{attributes}{notes}</measure>")
            })
            .collect();
        format!(
            "<score-partwise><work><work-title>{}</work-title></work><part-list><score-part id=\"P1\"><part-name>Melody\
             </part-name></score-part></part-list><part id=\"P1\">{}</part></score-partwise>",
            self.name,
            bars.concat()
        )
    }

    fn has_pickup(&self) -> bool {
        let length: u32 = self.bars[0].split_whitespace().map(|note| length(note).0).sum();
        length < 48 * u32::from(self.metre.0) / u32::from(self.metre.1)
    }
}

/// In divisions, and the letters behind it.
fn length(note: &str) -> (u32, &str) {
    let text = note.split_once('/').expect("a length").1;
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].parse().expect("a number"), &text[end..])
}

fn note(text: &str) -> String {
    let (duration, marks) = length(text);
    let name = text.split_once('/').expect("a length").0;
    if name == "r" {
        return format!("<note><rest/><duration>{duration}</duration></note>");
    }
    let alter = match name.as_bytes()[1] {
        b'#' => "<alter>1</alter>",
        b'b' => "<alter>-1</alter>",
        _ => "",
    };
    let fermata = if marks.contains('f') { "<notations><fermata/></notations>" } else { "" };
    let syllabic = if marks.contains('m') { "end" } else { "begin" };
    format!(
        "<note><pitch><step>{}</step>{alter}<octave>{}</octave></pitch><duration>{duration}</duration>{fermata}\
         <lyric><syllabic>{syllabic}</syllabic><text>la</text></lyric></note>",
        &name[..1],
        &name[name.len() - 1..]
    )
}

/// The folder of PAGES, or a passing one.
struct Folder {
    path: PathBuf,
    _passing: Option<tempfile::TempDir>,
}

fn folder() -> Folder {
    match std::env::var_os("PAGES").filter(|folder| !folder.is_empty()) {
        Some(folder) => {
            let path = PathBuf::from(folder);
            fs::create_dir_all(&path).expect("the folder of PAGES");
            Folder { path, _passing: None }
        }
        None => {
            let passing = tempfile::tempdir().expect("a folder");
            Folder { path: passing.path().to_owned(), _passing: Some(passing) }
        }
    }
}

fn program(variable: &str, default: &str) -> Command {
    Command::new(std::env::var_os(variable).filter(|name| !name.is_empty()).unwrap_or_else(|| default.into()))
}

fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Renders a hymn and gives the path of its score.
fn rendered(folder: &Path, hymn: &Hymn) -> PathBuf {
    let (input, score) = (folder.join("melody.musicxml"), folder.join(format!("{}.musicxml", hymn.name)));
    fs::write(&input, hymn.musicxml()).expect("the melody");
    let mut command = Command::new(performer());
    command.arg("render").arg(&input).arg("-o").arg(&score).args(["--quiet", "--force", "--particles", "4"]);
    succeed(command.args(hymn.options));
    score
}

fn musescore(input: &Path, output: &Path) {
    let mut command = program("MUSESCORE", "mscore3");
    // Without a screen.
    command.env("QT_QPA_PLATFORM", "offscreen").arg("-o").arg(output).arg(input);
    succeed(&mut command);
}

#[test]
#[ignore = "needs MuseScore: make pages"]
fn musescore_engraves_every_score_and_gives_the_same_notes_back() {
    let folder = folder();
    for hymn in &HYMNS {
        let score = rendered(&folder.path, hymn);
        let pdf = score.with_extension("pdf");
        musescore(&score, &pdf);
        assert!(fs::read(&pdf).expect("a PDF").starts_with(b"%PDF"), "{}", hymn.name);
        let back = folder.path.join("back.musicxml");
        musescore(&score, &back);
        let read = |path: &Path| files::read(&fs::read(path).expect("a score")).expect("MusicXML");
        let (ours, theirs) = (read(&score), read(&back));
        if hymn.name == "three" {
            continue;
        }
        let notes = |source: &files::Source| {
            let parts = four_parts(source).unwrap_or_else(|error| panic!("{}: {error}", hymn.name));
            let quarter = f64::from(source.ticks_per_quarter);
            Part::ALL.map(|part| {
                let place = |tick: u32| (48.0 * f64::from(tick) / quarter).round() as u32;
                let notes = parts[part.index()].iter();
                notes.map(|note| (place(note.start), place(note.end), note.pitch.midi())).collect::<Vec<_>>()
            })
        };
        assert_eq!(notes(&ours), notes(&theirs), "{}", hymn.name);
        let words =
            |source: &files::Source| -> Vec<usize> { source.tracks.iter().map(|track| track.lyrics.len()).collect() };
        assert_eq!(words(&ours), words(&theirs), "{}", hymn.name);
    }
}

#[test]
#[ignore = "needs oggenc, lame and MuseScore: make pages"]
fn compressed_sound_is_decoded_to_as_much_as_there_was_and_a_page_is_engraved() {
    let folder = folder();
    let score = rendered(&folder.path, &HYMNS[0]);
    let path = |name: &str| folder.path.join(name);
    let mut command = Command::new(performer());
    command.arg("render").arg(&score).args([
        "--part",
        "Soprano",
        "--rehearsal",
        "--quiet",
        "--force",
        "--particles",
        "4",
    ]);
    ["sung.wav", "sung.ogg", "sung.mp3", "sung.pdf", "sung.score.svg"].iter().for_each(|name| {
        command.arg("-o").arg(path(name));
    });
    succeed(&mut command);
    succeed(program("OGGDEC", "oggdec").arg("-Q").arg("-o").arg(path("ogg.wav")).arg(path("sung_alto.ogg")));
    succeed(program("LAME", "lame").args(["--quiet", "--decode"]).arg(path("sung_alto.mp3")).arg(path("mp3.wav")));
    // Of two channels with two bytes each.
    let seconds = |name: &str| fs::metadata(path(name)).expect("sound").len() as f64 / (4.0 * 44_100.0);
    let (plain, alto) = (seconds("sung.wav"), seconds("sung_alto.wav"));
    assert!(alto > plain + 8.0, "starting pitches, a count and fermatas: {alto} and {plain}");
    for decoded in ["ogg.wav", "mp3.wav"] {
        assert!((seconds(decoded) - alto).abs() < 0.2, "{decoded}: {} and {alto}", seconds(decoded));
    }
    assert!(seconds("sung_alto.ogg") < alto / 4.0 && seconds("sung_alto.mp3") < alto / 4.0, "it is smaller");
    assert!(fs::read(path("sung.pdf")).expect("a page").starts_with(b"%PDF"));
    let score = fs::read_to_string(path("sung.score.svg")).expect("a picture");
    assert!(score.contains("mm\" viewBox=") && score.contains("StaffLines"), "paper with staves");
}

/// The schema comes with the Python package musicxml, what it imports with xmlschema.
const VALIDATE: &str = "
import pathlib, sys, musicxml, xmlschema
schemas = pathlib.Path(xmlschema.__file__).parent / 'schemas'
own = next(pathlib.Path(musicxml.__file__).parent.rglob('musicxml_4_0.xsd'))
text = own.read_text()
for name, path in [('xml', next(schemas.rglob('xml.xsd'))), ('xlink', next(schemas.rglob('xlink.xsd')))]:
    text = text.replace(f'http://www.musicxml.org/xsd/{name}.xsd', path.as_uri())
schema = xmlschema.XMLSchema(text)
for path in sys.argv[1:]:
    schema.validate(path)
print(len(sys.argv) - 1)
";

#[test]
#[ignore = "needs Python with musicxml and xmlschema: make pages"]
fn every_score_validates_against_the_schema_of_musicxml() {
    let folder = folder();
    let scores: Vec<PathBuf> = HYMNS.iter().map(|hymn| rendered(&folder.path, hymn)).collect();
    let output = succeed(program("PYTHON", "python3").args(["-c", VALIDATE]).args(&scores));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), HYMNS.len().to_string());
    // The check can fail.
    let wrong = folder.path.join("wrong.musicxml");
    let text = fs::read_to_string(&scores[0]).expect("a score").replacen("<duration>", "<durance>", 1);
    fs::write(&wrong, text.replacen("</duration>", "</durance>", 1)).expect("a file");
    let output = program("PYTHON", "python3").args(["-c", VALIDATE]).arg(&wrong).output().expect("Python");
    assert!(!output.status.success());
}

/// The browser's time runs ahead of the sound's; this puts both on one clock, and counts the notes that begin to sound.
const CLOCK: &str = "<head><script>
window.begun = 0;
window.AudioContext = class extends AudioContext {
  get currentTime() { return performance.now() / 1000; }
  createOscillator() { window.begun += 1; return super.createOscillator(); }
};
</script>";

/// Presses the button, mutes the alto, points at a mark, and writes what came of it into the page.
const PRESS: &str = "<script>
window.addEventListener('error', error => document.body.dataset.error = error.message);
window.addEventListener('load', () => {
  document.getElementById('play').click();
  document.querySelectorAll('#parts input')[1].click();
  const mark = document.querySelector('#roll .mark');
  ['pointerover', 'pointerenter'].forEach(name => mark.dispatchEvent(new PointerEvent(name, { bubbles: name === 'pointerover' })));
  const found = document.body.dataset;
  found.hover = document.getElementById('tip').textContent;
  found.lit = document.querySelectorAll('li button.lit').length;
  setTimeout(() => {
    found.head = document.getElementById('head').getAttribute('x1');
    found.muted = document.getElementById('scroll').classList.contains('mute1') && pipes.gains[1] === 0;
    found.time = document.getElementById('time').textContent;
    found.begun = window.begun;
  }, 2500);
});
</script></body>";

#[test]
#[ignore = "needs Chromium: make pages"]
fn in_a_browser_the_page_plays_mutes_tells_broken_rules_and_makes_no_error() {
    let folder = folder();
    for hymn in &HYMNS[..2] {
        let score = rendered(&folder.path, hymn);
        let page = score.with_extension("html");
        let mut command = Command::new(performer());
        command.arg("render").arg(&score).arg("-o").arg(&page).args(["--quiet", "--force", "--particles", "4"]);
        succeed(command.args(["--part", "Soprano", "--no-guard"]));
        let profile = tempfile::tempdir().expect("a folder");
        let chromium = |more: &[&str], page: &Path| {
            let mut command = program("CHROMIUM", "chromium");
            command.args(["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,900"]);
            command.args(["--autoplay-policy=no-user-gesture-required", "--virtual-time-budget=6000"]);
            command.arg("--disable-background-networking").arg(format!("--user-data-dir={}", profile.path().display()));
            succeed(command.args(more).arg(format!("file://{}", page.display())))
        };
        let picture = folder.path.join(format!("{}-page.png", hymn.name));
        chromium(&[&format!("--screenshot={}", picture.display())], &page);
        assert!(fs::read(&picture).expect("a screenshot").len() > 10_000, "more than a blank page");
        let pressed = folder.path.join("pressed.html");
        let text = fs::read_to_string(&page).expect("the page");
        fs::write(&pressed, text.replacen("<head>", CLOCK, 1).replace("</body>", PRESS)).expect("a page");
        let dumped = String::from_utf8_lossy(&chromium(&["--dump-dom"], &pressed).stdout).into_owned();
        let value = |name: &str| {
            let rest = dumped.split_once(&format!("data-{name}=\"")).map(|(_, rest)| rest)?;
            rest.split_once('"').map(|(value, _)| value.to_owned())
        };
        assert_eq!(value("error"), None);
        assert_eq!(value("muted").as_deref(), Some("true"));
        let head: f64 = value("head").and_then(|head| head.parse().ok()).unwrap_or(-1.0);
        assert!(value("hover").is_some_and(|hint| hint.contains(" beat ")), "{:?}", value("hover"));
        assert_eq!(value("lit").as_deref(), Some("1"), "its line in the list lights up");
        let begun: u32 = value("begun").and_then(|begun| begun.parse().ok()).unwrap_or(0);
        assert!(begun >= 8, "{begun} notes began");
        assert!(head > 40.0, "the head stands at {head} after two seconds, time {:?}", value("time"));
    }
}
