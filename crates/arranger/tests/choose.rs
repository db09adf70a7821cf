//! What is decided about a melody before any network is asked.

use arranger::{Choice, Method, Options, Tune};
use chorale::Part;

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
    assert!(text.starts_with("notes.txt: not a MIDI file"), "{text}");
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
    let low = remarks(Options { transpose: -12, ..Options::default() });
    assert!(low.starts_with("the melody is moved an octave up, into the range of the soprano"), "{low}");
    let played = remarks(Options { transpose: -12, method: Method::Live, ..Options::default() });
    assert!(played.starts_with("the melody lies too low for the network"), "{played}");
}
