//! The plugin of extras/musescore in MuseScore itself, without its window: what it reads, has harmonized and puts back.
//! Needs MuseScore 3 (`make pages` installs it; MUSESCORE names it). PAGES names a folder that keeps the engraved pages, to look
//! at.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use chorale::Part;
use files::Source;
use files::melody::four_parts;
use tests::binary::performer;
use tests::root;

/// A melody of four bars and a pickup, over `lower` empty staves; the length of each note in quarters.
const MELODY: [&[(&str, u32)]; 5] = [
    &[("D5", 1)],
    &[("D5", 1), ("D5", 1), ("E5", 1), ("E5", 1)],
    &[("D5", 3), ("B4", 1)],
    &[("C5", 1), ("B4", 1), ("A4", 1), ("B4", 1)],
    &[("G4", 3)],
];

fn melody_over(lower: usize) -> String {
    let measure = |index: usize, notes: &str| {
        let attributes = "<attributes><divisions>1</divisions><key><fifths>1</fifths></key><time><beats>4</beats><beat-type>4\
                          </beat-type></time></attributes>";
        let (implicit, head) = if index == 0 { (" implicit=\"yes\"", attributes) } else { ("", "") };
        format!("<measure number=\"{index}\"{implicit}>{head}{notes}</measure>")
    };
    let note = |(name, length): &(&str, u32)| {
        let (step, octave) = name.split_at(1);
        format!("<note><pitch><step>{step}</step><octave>{octave}</octave></pitch><duration>{length}</duration></note>")
    };
    let part = |part: usize| {
        let measures = MELODY.iter().enumerate().map(|(index, notes)| {
            let length: u32 = notes.iter().map(|(_, length)| length).sum();
            match part {
                0 => measure(index, &notes.iter().map(note).collect::<String>()),
                _ => measure(index, &format!("<note><rest measure=\"yes\"/><duration>{length}</duration></note>")),
            }
        });
        format!("<part id=\"P{}\">{}</part>", part + 1, measures.collect::<String>())
    };
    let name = |part: usize| format!("<score-part id=\"P{0}\"><part-name>Staff {0}</part-name></score-part>", part + 1);
    let (names, parts): (String, String) = ((0..=lower).map(name).collect(), (0..=lower).map(part).collect());
    format!("<score-partwise version=\"3.1\"><part-list>{names}</part-list>{parts}</score-partwise>")
}

/// MuseScore with a score, in which a plugin runs that has the functions of ours.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Desk {
        Desk { folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.path(name), text).expect("a file");
        self.path(name)
    }

    /// What `body` says by `say`, with the open score, `select()` for all of it, and `using(SELECTION)` for `Chorale.find`.
    fn run(&self, score: &Path, program: &Path, body: &str) -> String {
        let plugin = format!(
            r#"import QtQuick 2.2
import MuseScore 3.0
import FileIO 3.0
import "{library}" as Chorale
MuseScore {{
    menuPath: "Plugins.Test"
    requiresScore: true
    FileIO {{ id: file }}
    FileIO {{ id: log; source: "{log}" }}
    QProcess {{ id: process }}
    property string said: ""
    function say(text) {{ said += text + "\n" }}
    function select() {{ cmd("select-all") }}
    function using(selection) {{
        return {{ program: process, file: file, path: "{program}", seed: 1, selection: selection }}
    }}
    function keep(path, text) {{ file.source = path; file.write(text) }}
    onRun: {{
        try {{
            {body}
        }} catch (trouble) {{
            say("TROUBLE " + trouble.message)
        }}
        log.write(said)
        Qt.quit()
    }}
}}
"#,
            library = root().join("extras/musescore/chorale.js").display(),
            log = self.path("said.txt").display(),
            program = program.display(),
        );
        let plugin = self.write("test.qml", &plugin);
        let name = std::env::var_os("MUSESCORE").filter(|name| !name.is_empty()).unwrap_or_else(|| "mscore3".into());
        let mut command = Command::new(name);
        command.env("QT_QPA_PLATFORM", "offscreen").arg("-p").arg(plugin).arg(score).arg("-o");
        let output = command.arg(self.path("converted.mscx")).output().expect("MuseScore runs");
        let said = fs::read_to_string(self.path("said.txt"));
        said.unwrap_or_else(|_| panic!("the plugin does not run: {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// Finds and puts in; writes the score to `out`, and the program's own to `version`. Gives the ticks of what is struck twice.
    fn harmonized(&self, score: &Path, selection: &str, out: &str) -> Vec<u32> {
        let body = format!(
            r#"{selection}
            var found = Chorale.find(curScore, using(selected))
            say(found.versions.length)
            say(JSON.stringify(Chorale.put(curScore, found, 0)))
            keep("{version}", found.texts[0])
            writeScore(curScore, "{out}", "musicxml")
            writeScore(curScore, "{out}", "pdf")"#,
            version = self.path("version.musicxml").display(),
            out = self.path(out).display(),
        );
        let said = self.run(score, performer(), &body);
        let lines: Vec<&str> = said.lines().collect();
        assert!(lines.len() == 2 && lines[0] >= "1", "{said}");
        let kept = self.path(out).with_extension("pdf");
        assert!(fs::read(&kept).expect("a page").starts_with(b"%PDF"));
        if let Some(pages) = std::env::var_os("PAGES").filter(|pages| !pages.is_empty()) {
            fs::create_dir_all(&pages).expect("the folder of PAGES");
            fs::copy(&kept, Path::new(&pages).join(format!("plugin-{out}.pdf"))).expect("a copy");
        }
        serde_json::from_str(lines[1]).expect("ticks")
    }

    fn read(&self, name: &str) -> Source {
        files::read(&fs::read(self.path(name)).expect("a score")).expect("MusicXML")
    }
}

/// Of each part, in 480ths of a quarter: beginning, end and pitch; what is struck twice at one of `untied` is one note.
fn notes(source: &Source, untied: &[u32]) -> [Vec<(u32, u32, u8)>; 4] {
    let parts = four_parts(source).expect("four parts");
    let ticks = |tick: u32| tick * 480 / u32::from(source.ticks_per_quarter);
    Part::ALL.map(|part| {
        let mut line: Vec<(u32, u32, u8)> = Vec::new();
        for note in &parts[part.index()] {
            let (start, end, pitch) = (ticks(note.start), ticks(note.end), note.pitch.midi());
            match line.last_mut() {
                Some(last) if untied.contains(&start) && last.1 == start && last.2 == pitch => last.1 = end,
                _ => line.push((start, end, pitch)),
            }
        }
        line
    })
}

/// The bars behind the pickup but the last.
const SELECTED: std::ops::Range<u32> = 480..480 + 3 * 1920;

#[test]
#[ignore = "needs MuseScore: make pages"]
fn a_melody_over_empty_staves_is_harmonized_and_some_bars_of_it_are_found_anew() {
    let desk = Desk::new();
    let score = desk.write("melody.musicxml", &melody_over(3));
    let untied = desk.harmonized(&score, "select(); var selected = null", "filled");
    let filled = notes(&desk.read("filled.musicxml"), &untied);
    assert_eq!(filled, notes(&desk.read("version.musicxml"), &[]), "the score has what the program found");
    assert!(filled.iter().all(|line| line.len() >= 8), "{filled:?}");

    // Three bars of all lower parts.
    let untied_before = untied;
    let selection = "var selected = { first: 1, last: 3, staves: [0, 0] }";
    let untied = desk.harmonized(&desk.path("filled.musicxml"), selection, "redone");
    let all: Vec<u32> = untied_before.iter().chain(&untied).copied().collect();
    let redone = notes(&desk.read("redone.musicxml"), &all);
    assert_eq!(redone, notes(&desk.read("version.musicxml"), &all));
    for part in Part::ALL {
        let (before, after) = (&filled[part.index()], &redone[part.index()]);
        let kept = |line: &[(u32, u32, u8)]| -> Vec<(u32, u32, u8)> {
            let is_kept = |start: u32| part == Part::Soprano || !SELECTED.contains(&start);
            line.iter().filter(|note| is_kept(note.0)).copied().collect()
        };
        assert_eq!(kept(before), kept(after), "{part:?}");
    }
    assert_ne!(filled, redone, "other lower parts in these bars");
}

#[test]
#[ignore = "needs MuseScore: make pages"]
fn two_staves_take_two_voices_each_and_three_have_no_tenor() {
    let desk = Desk::new();
    let score = desk.write("closed.musicxml", &melody_over(1));
    let untied = desk.harmonized(&score, "select(); var selected = null", "closed-filled");
    let filled = notes(&desk.read("closed-filled.musicxml"), &untied);
    assert_eq!(filled, notes(&desk.read("version.musicxml"), &[]));

    let score = desk.write("three.musicxml", &melody_over(2));
    let said = desk.run(
        &score,
        performer(),
        r#"var found = Chorale.find(curScore, using({ first: 0, last: 4, staves: [0, 0] }))
        Chorale.put(curScore, found, 0)
        var voices = Chorale.voicesOf(curScore, Chorale.choirOf(curScore), file)
        say(voices.map(function (voice) { return voice.length > 5 }).join(" "))"#,
    );
    assert_eq!(said.trim(), "true true true");
}

#[test]
#[ignore = "needs MuseScore: make pages"]
fn what_is_wrong_is_told_and_the_score_stays_as_it_is() {
    let desk = Desk::new();
    let score = desk.write("melody.musicxml", &melody_over(3));
    let alone = desk.write("alone.musicxml", &melody_over(0));
    let silent = desk
        .write("silent.musicxml", &melody_over(3).replace("<pitch><step>", "<rest/><!--").replace("</pitch>", "-->"));
    let whole = "{ first: 0, last: 4, staves: [0, 0] }";
    let finds = |selection: &str| format!("Chorale.put(curScore, Chorale.find(curScore, using({selection})), 0)");
    let nowhere = Path::new("/nowhere/performer");
    for (score, program, selection, expected) in [
        (&score, performer(), "null", "No bars are selected."),
        (&score, nowhere, whole, "The program '/nowhere/performer' isn't there"),
        (&score, Path::new("/bin/false"), whole, "The program '/bin/false' isn't there, or doesn't run."),
        (&silent, performer(), whole, "The top staff has no notes"),
        (&alone, performer(), whole, "The score has one staff"),
    ] {
        let body = format!(
            r#"function state() {{
                var voices = Chorale.voicesOf(curScore, Chorale.choirOf(curScore), file)
                return voices.map(function (voice) {{
                    return voice.map(function (sign) {{ return sign.tick + ":" + sign.note.pitch }}).join(" ")
                }}).join("/")
            }}
            var before = state()
            try {{
                {}
            }} catch (trouble) {{
                say("TROUBLE " + trouble.message)
            }}
            say(before === state() ? "unchanged" : "changed")"#,
            finds(selection)
        );
        let said = desk.run(score, program, &body);
        assert!(said.contains(&format!("TROUBLE {expected}")) && said.trim().ends_with("unchanged"), "{said}");
    }
    let said = desk.run(&score, performer(), r#"Chorale.called(using(null), "<nothing/>", [])"#);
    assert!(
        said.contains("TROUBLE") && said.contains("its outermost element is <nothing>"),
        "the program's own: {said}"
    );
}
