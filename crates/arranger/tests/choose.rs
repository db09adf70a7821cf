//! What is decided about a melody before any network is asked.

use arranger::{Choice, Heading, Method, Options, Tune};
use chorale::Part;
use network::Model;
use std::sync::Arc;

fn demo() -> Tune {
    arranger::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/melody.mid")).unwrap()
}

fn refused(options: &Options) -> String {
    demo().choose(options).err().expect("no melody is chosen").to_string()
}

#[test]
fn what_cannot_be_done_is_refused_with_the_file_and_the_way_out() {
    let missing = arranger::open("missing.mid").unwrap_err().to_string();
    assert!(missing.starts_with("cannot read missing.mid"), "{missing}");
    let text = Tune::read("notes.txt", b"nothing but words").unwrap_err().to_string();
    assert!(text.starts_with("notes.txt: no MIDI file"), "{text}");
    let melody = Choice { track: Some("9".into()), channel: None };
    let unknown = refused(&Options { melody, ..Options::default() });
    assert!(unknown.contains("melody.mid: no track '9'; there are: "), "{unknown}");
    let below = refused(&Options { part: Part::Tenor, method: Method::Live, ..Options::default() });
    assert_eq!(below, "--live answers a soprano; without it the search harmonizes around the tenor");
    let left_out = refused(&Options { part: Part::Tenor, ensemble: "SAB".parse().unwrap(), ..Options::default() });
    assert!(left_out.starts_with("--melody-part tenor: --ranges SAB leaves the tenor out"), "{left_out}");
    let too_high = refused(&Options { transpose: 60, ..Options::default() });
    assert!(
        too_high.starts_with("--transpose 60 moves ") && too_high.ends_with("out of the range of MIDI"),
        "{too_high}"
    );
    let kept = refused(&Options { kept: Some(demo()), ..Options::default() });
    assert!(kept.ends_with("no track in it is named Alto, Tenor or Bass; name those that are to stay"), "{kept}");
}

#[test]
fn a_melody_is_moved_to_its_singers_and_the_user_is_told() {
    let remarks = |options: Options| demo().choose(&options).unwrap().remarks.join("\n");
    assert_eq!(remarks(Options::default()), "");
    let men = remarks(Options { ensemble: "TTBB".parse().unwrap(), ..Options::default() });
    assert_eq!(men, "the melody is moved an octave down, into the range of the tenor 1");
    let low = remarks(Options { ensemble: "TTBB".parse().unwrap(), transpose: -4, ..Options::default() });
    assert!(
        low.ends_with(
            "the melody lies low for the tenor 1, Eb3 to C4, with little room below it; --transpose 3 would give it more"
        ),
        "{low}"
    );
    let low = remarks(Options { transpose: -14, ..Options::default() });
    assert!(low.starts_with("the melody is moved an octave up, into the range of the soprano"), "{low}");
    let played = remarks(Options { transpose: -12, method: Method::Live, ..Options::default() });
    assert!(played.starts_with("the melody lies too low for the network"), "{played}");
}

/// A MIDI file of a conductor's track and one with the melody: metre, signature, and pitches with their quarters.
fn file(sharps: i8, notes: &[(u8, u32)]) -> Tune {
    let mut melody = Vec::new();
    for (pitch, quarters) in notes {
        let ticks = quarters * 96;
        melody.extend([0, 0x90, *pitch, 80, 0x80 | (ticks >> 7) as u8, (ticks & 127) as u8, 0x80, *pitch, 64]);
    }
    let conductor = [0, 0xff, 0x58, 4, 4, 2, 24, 8, 0, 0xff, 0x59, 2, sharps.to_be_bytes()[0], 0];
    let track =
        |events: &[u8]| [b"MTrk", &(events.len() as u32 + 4).to_be_bytes()[..], events, &[0, 0xff, 0x2f, 0]].concat();
    let bytes = [b"MThd\0\0\0\x06\0\x01\0\x02\0\x60", &track(&conductor)[..], &track(&melody)].concat();
    Tune::read("tune.mid", &bytes).unwrap()
}

#[test]
fn what_a_midi_file_keeps_to_itself_is_guessed_and_said() {
    let scale = [72, 74, 76, 77, 79, 79, 81, 79, 77, 76, 74, 74].map(|pitch| (pitch, 1));
    let remarks = |tune: &Tune, options: Options| tune.choose(&options).unwrap().remarks;
    let with_pickup = file(0, &[&[(67, 1)], &scale[..], &[(72, 3)]].concat());
    let said = remarks(&with_pickup, Options::default());
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("the melody seems to begin with a pickup of a quarter"), "{said:?}");
    assert!(said[0].contains("--pickup 1; --pickup 0"), "{said:?}");
    assert!(remarks(&with_pickup, Options { pickup: Some(0.0), ..Options::default() }).is_empty());
    assert!(remarks(&file(0, &[&scale[..], &[(72, 4)]].concat()), Options::default()).is_empty());
    let e_flat = [63, 63, 65, 67, 68, 67, 65, 65, 67, 70, 68, 65, 67, 65].map(|pitch| (pitch, 1));
    let in_e_flat = [&e_flat[..], &[(63, 2)]].concat();
    let said = remarks(&file(0, &in_e_flat), Options::default());
    assert_eq!(said, ["the signature is C major, the notes are in Eb major: spelled in that (--key C keeps C major)"]);
    assert!(remarks(&file(-3, &in_e_flat), Options::default()).is_empty());
    let heading = Heading { key: "C".parse().ok(), title: None };
    assert!(remarks(&file(0, &in_e_flat), Options { heading, ..Options::default() }).is_empty());
}

#[test]
fn a_score_without_a_signature_is_spelled_by_its_notes_too() {
    let tune = |key: &str, notes: &str| {
        Tune::read("tune.abc", format!("X:1\nM:4/4\nL:1/4\nK:{key}\n{notes}|]\n").as_bytes()).unwrap()
    };
    let check = |tune: Tune, expected: &str, spelled: &str| {
        let cantus = tune.choose(&Options { method: Method::Live, ..Options::default() }).unwrap();
        assert_eq!(cantus.home().to_string(), expected, "{:?}", cantus.remarks);
        assert!(cantus.remarks.iter().any(|remark| remark.contains(&format!("the notes are in {expected}"))));
        let written = cantus.harmonize(&Arc::new(Model::lstm().unwrap())).unwrap().remove(0).piece.score;
        assert_eq!(written.key().to_string(), expected);
        assert_eq!(files::notation::spellings(&written, Part::Soprano)[0].to_string(), spelled);
    };
    check(tune("C", "A B ^c d|e2 ^f ^g|a2 ^g ^f|e4|^c2 A ^c|B2 ^G B|A4"), "A major", "A4");
    check(tune("C", "^D F G ^G|^A2 G2|c ^A ^G G|F2 ^A2|G ^A ^G F|^D4"), "Eb major", "Eb4");
    // F is as long as C, and more in the middle.
    let mixolydian = tune("Cmix", "C E G c|_B A G2|F G F A|C4").choose(&Options::default()).unwrap();
    assert_eq!(mixolydian.home().to_string(), "C major", "the tonic of the mode that the file names");
    let minor = tune("Cm", "E F G E|A G F2|G B A F|E4").choose(&Options::default()).unwrap();
    let written = minor.harmonize(&Arc::new(Model::lstm().unwrap())).unwrap().remove(0).piece.score;
    let keys = [minor.home(), written.key()].map(|key| key.to_string());
    assert_eq!(keys, ["Eb major"; 2], "the mode is that in which the piece begins and ends");
}

#[test]
fn a_mode_that_the_file_names_stands_unless_the_notes_contradict_it_and_then_it_is_said() {
    let chosen = |key: &str, notes: &str| {
        let text = format!("X:1\nM:4/4\nL:1/4\nK:{key}\n{notes}|]\n");
        let cantus = Tune::read("tune.abc", text.as_bytes()).unwrap().choose(&Options::default()).unwrap();
        (cantus.home().to_string(), cantus.remarks.iter().any(|remark| remark.starts_with("the file names")))
    };
    let unsure = "E D C D|E D C D";
    assert_eq!(chosen("C", unsure).0, "A minor", "nobody named a mode");
    for key in ["Cmaj", "C major", "CIonian"] {
        assert_eq!(chosen(key, unsure), ("C major".into(), false), "{key}");
    }
    let minor = "A B c d|e2 ^G2|A B c B|A2 E2|c d e c|B A ^G2|A4";
    assert_eq!(chosen("Cmaj", minor), ("A minor".into(), true));
    assert_eq!(chosen("Am", minor), ("A minor".into(), false));
}

#[test]
fn a_piece_whose_signature_changes_begins_in_the_first_key_and_ends_in_the_last() {
    let verse = "C C G G|A A G2|F F E E|D D C2|";
    let raised = "D D A A|B B A2|G G F F|E E D2|]";
    let tune = |change: &str| {
        let text = format!("X:1\nM:4/4\nL:1/4\nK:C\n{verse}\n{change}{raised}\n");
        Tune::read("tune.abc", text.as_bytes()).unwrap()
    };
    let cantus = tune("[K:D]").choose(&Options::default()).unwrap();
    assert_eq!(cantus.home().to_string(), "C major");
    assert_eq!(cantus.remarks, ["the key signature changes: the piece begins in C major and ends in D major"]);
    let (_, last) = cantus.phrase_ends().pop().unwrap();
    assert!(last.iter().all(|option| option.cadence.root == 2 && !option.cadence.minor), "{last:?}");
    let score = cantus.harmonize(&Arc::new(Model::lstm().unwrap())).unwrap().remove(0).piece.score;
    let bass = score.part(Part::Bass);
    assert_eq!([bass[0], bass[bass.len() - 1]].map(|note| note.pitch.class()), [0, 2]);
    // A courtesy signature at the end changes nothing, nor does one that is written again.
    let same = Tune::read("tune.abc", format!("X:1\nM:4/4\nL:1/4\nK:C\n{verse}[K:C]{verse}[K:D]|]").as_bytes());
    assert!(same.unwrap().choose(&Options::default()).unwrap().remarks.is_empty());
}

#[test]
fn a_signature_over_a_few_notes_that_lie_in_it_tells_a_key_and_one_that_is_passed_over_is_told() {
    let chosen = |text: &str| {
        let text = format!("X:1\nM:4/4\nL:1/4\nK:C\n{text}\n");
        let cantus = Tune::read("tune.abc", text.as_bytes()).unwrap().choose(&Options::default()).unwrap();
        let (_, last) = cantus.phrase_ends().pop().unwrap();
        (cantus.home().to_string(), last[0].cadence.root, cantus.remarks.join("; "))
    };
    let changes =
        |from: &str, to: &str| format!("the key signature changes: the piece begins in {from} and ends in {to}");
    let (long, in_d) = ("C E G E|F A G2|E F G E|F D C2|", "D F A d|d c e d|]");
    let (in_c, long_in_e_flat) = ("C E G E|F D C2|", "E G B G|A c B2|G A B G|A F E2|]");
    assert_eq!(chosen(&format!("{long}[K:D]{in_d}")), ("C major".into(), 2, changes("C major", "D major")));
    let e_flat = chosen(&format!("{in_c}[K:Eb]{long_in_e_flat}"));
    assert_eq!(e_flat, ("C major".into(), 3, changes("C major", "Eb major")));
    let few = chosen(&format!("{long}[K:D]F E|]"));
    assert_eq!(
        (few.0.as_str(), few.2.as_str()),
        ("C major", "the signature D major is passed over: it stands over two notes only")
    );
    let single = chosen(&format!("G [K:Eb]{long_in_e_flat}"));
    assert_eq!(
        single,
        ("Eb major".into(), 3, "the signature C major is passed over: it stands over a single note".into())
    );
    let foreign = chosen(&format!("^F ^C ^G ^F|[K:Eb]{long_in_e_flat}"));
    assert_eq!(foreign.0, "Eb major");
    assert_eq!(foreign.2, "the signature C major is passed over: the few notes under it do not lie in it");
}

#[test]
fn a_melody_without_a_third_is_in_major_where_nothing_tells_the_mode() {
    let home = |notes: &str| {
        let text = format!("X:1\nM:4/4\nL:1/4\nK:none\n{notes}|]\n");
        Tune::read("tune.abc", text.as_bytes()).unwrap().choose(&Options::default()).unwrap().home().to_string()
    };
    for notes in ["c", "c G", "C C"] {
        assert_eq!(home(notes), "C major", "{notes}");
    }
    assert_eq!(home("A c A"), "A minor");
}

#[test]
fn a_melody_above_the_choir_is_told_which_transposition_brings_it_in() {
    let told = |pitch: u8| {
        let tune = file(0, &[0, 2, 4, 0].map(|above| (pitch + above, 1)));
        tune.choose(&Options::default()).unwrap().remarks.join("; ")
    };
    assert!(told(96).ends_with("harmonized as if 2 octaves lower; --transpose -24 brings it in"), "{}", told(96));
    assert_eq!(told(72), "");
}

#[test]
fn a_tune_in_a_church_mode_has_one_key_whoever_tells_it() {
    let text = "X:1\nM:4/4\nL:1/4\nK:Ddor\nA2 d2|e d c A|B c d2|A4|d c A B|c A G E|D4|]\n";
    let tune = Tune::read("dorian.abc", text.as_bytes()).unwrap().choose(&Options::default()).unwrap();
    assert_eq!(tune.home().to_string(), "D minor");
    assert_eq!(tune.named_home().to_string(), "D dorian");
    let piece = tune.harmonize(&Arc::new(Model::lstm().unwrap())).unwrap().remove(0).piece;
    assert_eq!(piece.score.key().to_string(), "C major", "the signature stays");
    let score = files::musicxml::write(&piece.score, &piece.grid, files::musicxml::Layout::Open, &[]).unwrap();
    assert!(score.contains("<mode>dorian</mode>"));
    let read = Tune::read("dorian.musicxml", score.as_bytes()).unwrap().four_parts(None).unwrap();
    for piece in [piece, read] {
        assert!(piece.json().contains("\"key\": \"D minor\",\n  \"mode\": \"D dorian\""), "{}", piece.json());
        assert!(engraving::explain::text(&piece).starts_with("D dorian (its signature is that of C major)"));
        assert!(piece.chords.iter().all(|chord| chord.key.to_string() == "D minor"));
    }
}

#[test]
fn a_score_without_words_and_fermatas_ends_its_phrases_where_it_would_be_harmonized_to_end_them() {
    // The Old Hundredth in quarters: nothing but the equal lengths of its phrases tells where they end.
    let tune = "G|G F E D|G A B B|B B A G|c B A G|A B A G|E F G d|B G A c|B A G|]";
    let lower = |note: &str| format!("{note}|{}{note}3|]", format!("{note}4|").repeat(7));
    let [alto, tenor, bass] = ["D", "B,", "G,,"].map(lower);
    let text = format!("X:1\nM:4/4\nL:1/4\nK:G\nV:1\n{tune}\nV:2\n{alto}\nV:3\n{tenor}\nV:4\n{bass}\n");
    let file = Tune::read("tune.abc", text.as_bytes()).unwrap();
    let piece = file.four_parts(None).unwrap();
    let found: Vec<String> =
        engraving::explain::cadences(&piece).iter().map(|cadence| cadence.position.to_string()).collect();
    assert_eq!(found, ["bar 2 beat 3", "bar 4 beat 3", "bar 6 beat 3", "bar 8 beat 3"]);
    let tune = Tune::read("tune.abc", format!("X:1\nM:4/4\nL:1/4\nK:G\n{tune}\n").as_bytes()).unwrap();
    let cantus = tune.choose(&Options::default()).unwrap();
    let ends: Vec<u32> = cantus.phrase_ends().into_iter().map(|(tick, _)| tick).collect();
    assert_eq!(ends, piece.phrase_ends);
}

#[test]
fn a_church_mode_is_named_where_the_file_or_the_user_names_it_and_not_where_a_signature_makes_it() {
    let tune = |key: &str| {
        let text = format!("X:1\nM:4/4\nL:1/4\nK:{key}\nA2 c d|e d c A|=G A c d|e4|a =g e d|c A =G E|A4|]\n");
        Tune::read("tune.abc", text.as_bytes()).unwrap()
    };
    let named = |file: &str, key: Option<&str>, transpose: i32| {
        let heading = Heading { key: key.map(|key| key.parse().unwrap()), title: None };
        let cantus = tune(file).choose(&Options { heading, transpose, ..Options::default() }).unwrap();
        (cantus.named_home().to_string(), cantus.home().to_string())
    };
    let names = |name: &str, home: &str| (name.to_owned(), home.to_owned());
    assert_eq!(named("Amix", None, 0), names("A mixolydian", "A major"));
    assert_eq!(named("Amix", None, -2), names("G mixolydian", "G major"));
    assert_eq!(named("Adorian", None, 0), names("A dorian", "A minor"));
    assert_eq!(named("G", Some("A dorian"), 3), names("C dorian", "C minor"));
    assert_eq!(named("Amix", Some("A"), 0), names("A major", "A major"));
    assert_eq!(named("Am", None, 0), names("A minor", "A minor"));
    let (name, home) = named("G", None, 0);
    assert_eq!(name, home, "nobody named a mode");
}

#[test]
fn a_midi_file_that_says_c_major_is_in_the_key_of_its_notes_though_that_is_an_accidental_off() {
    let (f_sharp, f) = (66, 65);
    let tune = |seventh: u8, third: u8| {
        let notes = [67, 67, 71, 69, 67, seventh, 67, third, 74, 72, 71, 69, 67, 69, seventh, 67];
        notes.map(|pitch| (pitch, 1))
    };
    let check = |sharps: i8, notes: &[(u8, u32)], expected: &str, signature: &str| {
        let cantus = file(sharps, notes).choose(&Options { method: Method::Live, ..Options::default() }).unwrap();
        let says = cantus.remarks.iter().any(|remark| remark.contains("the notes are in"));
        let home = cantus.home().to_string();
        let score = cantus.harmonize(&Arc::new(Model::lstm().unwrap())).unwrap().remove(0).piece.score;
        assert_eq!((home.as_str(), score.key().to_string().as_str()), (expected, signature), "{sharps}");
        assert_eq!(says, signature != "C major" && sharps != 1, "{sharps}");
    };
    check(0, &tune(f_sharp, 71), "G major", "G major");
    check(0, &tune(69, 71), "G major", "G major");
    check(-1, &tune(f_sharp, 71), "G major", "G major");
    check(1, &tune(f_sharp, 71), "G major", "G major");
    check(0, &tune(f, 71), "G major", "C major");
}

#[test]
fn a_key_that_the_notes_plainly_contradict_is_told_with_what_moves_them_there() {
    let said = |sharps: i8, key: &str, notes: &[u8]| {
        let notes: Vec<_> = notes.iter().map(|pitch| (*pitch, 1)).collect();
        let heading = Heading { key: key.parse().ok(), title: None };
        file(sharps, &notes).choose(&Options { heading, ..Options::default() }).unwrap().remarks
    };
    let in_g = [67, 67, 71, 69, 67, 66, 67, 71, 74, 72, 71, 69, 67, 69, 66, 67];
    assert_eq!(
        said(1, "F", &in_g),
        [
            "--key says F major, but the notes are in G major: --transpose -2 in its place moves them into F major, without \
          either they stay in G major"
        ]
    );
    assert_eq!(
        said(1, "g", &in_g),
        ["--key says G minor, but the notes are in G major: without it they stay in G major"]
    );
    for (sharps, key) in [(1, "G"), (0, "G"), (1, "e"), (0, "C"), (-1, "F")] {
        assert!(said(sharps, key, &in_g).is_empty(), "{key} is the notes', or the file's own");
    }
    // D E F G A B c, from D to D.
    let dorian = [62, 69, 69, 71, 72, 71, 69, 67, 69, 65, 67, 69, 65, 64, 65, 62];
    for key in ["D dorian", "d", "C", "F"] {
        assert!(said(0, key, &dorian).iter().all(|remark| !remark.starts_with("--key says")), "{key}");
    }
}

#[test]
fn a_tune_that_rests_on_another_note_than_its_keys_is_told_which_mode_to_name() {
    // G A F G rests on G; the signature is C major, and so is what the notes' lengths say.
    let text = |ends: &str| {
        let music = ["G A G F|G2 A G|c d c B|", ends, "c d e d|c B A G|c d c A|", ends, "G A G F|A2 F2|G4|]"].concat();
        format!("X:1\nM:4/4\nL:1/4\nK:C\n{music}\n")
    };
    let remarks = |ends: &str, key: Option<&str>| {
        let heading = Heading { key: key.map(|key| key.parse().unwrap()), title: None };
        let options = Options { heading, ..Options::default() };
        let cantus = Tune::read("tune.abc", text(ends).as_bytes()).unwrap().choose(&options).unwrap();
        (cantus.home().to_string(), cantus.remarks)
    };
    let (home, said) = remarks("!fermata!G4|", None);
    assert_eq!(home, "C major");
    assert_eq!(
        said,
        ["the melody ends and rests on G: if it is in G mixolydian, --key \"G mixolydian\" begins and ends in that"]
    );
    assert_eq!(remarks("!fermata!G4|", Some("G mixolydian")), ("G major".into(), vec![]));
    assert_eq!(remarks("!fermata!G4|", Some("C")), ("C major".into(), vec![]));
    assert_eq!(remarks("!fermata!c4|", None), ("C major".into(), vec![]), "its last phrase alone ends open");
}

#[test]
fn a_melody_that_no_key_holds_is_told_where_most_of_it_is_sung_and_which_parts_leave_their_ranges() {
    let wide = file(0, &[(55, 1), (60, 1), (64, 1), (67, 1), (79, 1), (76, 1), (72, 1), (67, 1), (55, 2), (60, 2)]);
    let cantus = wide.choose(&Options { method: Method::Live, ..Options::default() }).unwrap();
    let said = cantus.remarks.join("\n");
    assert!(said.contains("no key or octave of the melody fits"), "{said}");
    assert!(said.contains("25 % of the melody are outside, where the other parts may leave their ranges; --transpose 5 leaves 9 % there"), "{said}");
    let written = cantus.harmonize(&Arc::new(Model::lstm().unwrap())).unwrap().remove(0);
    let alto = written.piece.score.part(Part::Alto).iter().map(|note| note.pitch).min().unwrap();
    let is_below = alto < Part::Alto.range().0;
    assert_eq!(is_below, written.remarks.iter().any(|remark| remark.contains("the alto to")), "{:?}", written.remarks);
    assert!(written.remarks.len() < 2, "{:?}", written.remarks);
}

#[test]
fn a_melody_that_dips_to_g3_is_sung_a_little_lower_and_a_lower_one_told_which_key_is_nearer_than_its_octave() {
    // G3 to A4, and a semitone below.
    let tune = |down: u8| file(0, &[64, 60, 64, 60, 57, 55, 60, 64, 67, 69, 64, 60].map(|pitch| (pitch - down, 1)));
    let said = |tune: Tune, transpose: i32| tune.choose(&Options { transpose, ..Options::default() }).unwrap().remarks;
    let dips = said(tune(0), 0).join("\n");
    assert!(
        dips.contains("all parts lie 5 semitones too low") && dips.ends_with("--transpose 5 brings it in"),
        "{dips}"
    );
    assert!(!dips.contains("octave"), "{dips}");
    let dips = said(file(0, &[60, 62, 64, 65, 67, 69, 72, 67, 65, 64, 62, 60].map(|pitch| (pitch, 1))), -3).join("\n");
    assert!(dips.contains("3 semitones too low") && dips.ends_with("--transpose 0 brings it in"), "{dips}");
    let low = said(tune(0), -3).join("\n");
    assert!(low.contains("moved an octave up") && low.contains("it lies 9 semitones higher than in the file"), "{low}");
    assert!(low.contains("--transpose 5 would be enough"), "{low}");
    assert!(said(tune(1), 0).join("\n").contains("--transpose 6 would be enough"));
}

#[test]
fn a_melody_that_no_octave_fits_is_moved_to_where_it_is_sung_best() {
    // A2 to B3: an octave up it goes below C4 by three semitones, two octaves up it would leave the range above.
    let low = file(2, &[50, 52, 54, 57, 59, 57, 54, 52, 45, 50].map(|pitch| (pitch, 1)));
    let remarks = |options: Options| low.choose(&options).unwrap().remarks;
    let said = remarks(Options::default());
    assert_eq!(said[0], "the melody is moved an octave up, nearer to the range of the soprano");
    assert!(said[1].contains("all parts lie 3 semitones too low"), "{said:?}");
    assert!(said[1].ends_with("; --transpose 3 brings it in"), "{said:?}");
    let lifted = remarks(Options { transpose: 3, ..Options::default() });
    assert!(lifted.len() == 1 && lifted[0].contains("moved an octave up, into the range of the soprano"), "{lifted:?}");
    let tune = [59, 64, 67, 71, 74, 76, 74, 71, 66, 64].map(|pitch| (pitch, 1));
    let men = Options { ensemble: "TTBB".parse().unwrap(), ..Options::default() };
    let said = file(1, &tune).choose(&men).unwrap().remarks;
    let expected = "the melody is moved an octave down and goes from B2 to E4, the tenor 1 from C3 to A4; --transpose 1 would bring it in";
    assert_eq!(said[0], expected);
    // High above a choir the other parts stay where it sings.
    let high = file(2, &[81, 83, 85, 88, 95, 93, 85, 83, 76, 81].map(|pitch| (pitch, 1)));
    let said = high.choose(&Options::default()).unwrap().remarks;
    assert!(said[0].contains("the other parts lie 2 semitones too high"), "{said:?}");
}

#[test]
fn where_a_phrase_of_a_tune_without_words_ends_every_part_breathes() {
    let tune = arranger::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/tunes/slane.abc")).unwrap();
    let method = Method::Ahead { particles: 2, alternatives: 1 };
    let cantus = tune.choose(&Options { method, ..Options::default() }).unwrap();
    let piece = cantus.harmonize(&Arc::new(Model::lstm().unwrap())).unwrap().remove(0).piece;
    assert!(piece.phrase_ends.len() >= 4, "{:?}", piece.phrase_ends);
    for begins in &piece.phrase_ends {
        let last = piece.score.part(Part::Soprano).iter().find(|note| note.start == *begins).expect("a note");
        let held = piece.score.parts.iter().flatten().find(|note| note.start < last.end && last.end < note.end);
        assert_eq!(held, None, "over the end at {}", last.end);
    }
}
