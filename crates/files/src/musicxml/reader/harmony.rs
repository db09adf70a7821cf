//! Chord symbols.

use chorale::{GivenChord, Key};
use roxmltree::Node;

use super::elements::{child, children, text_of};

/// As lead sheets write it, such as `Am7/E`, or `N.C.`; `None` where it names no root. A kind that is none of MusicXML's
/// stays behind the root as it stands in the file, for whoever reads the symbol to refuse.
pub(super) fn read_harmony(node: Node) -> Option<String> {
    let kind = text_of(node, "kind").filter(|kind| !kind.is_empty()).unwrap_or("major");
    if kind == "none" {
        return Some("N.C.".into());
    }
    let note = |name: &'static str, step: &'static str, alter: &'static str| {
        let note = child(node, name)?;
        let raised = text_of(note, alter).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0).clamp(-2.0, 2.0);
        let sign = if raised > 0.0 { "#" } else { "b" };
        Some(format!("{}{}", text_of(note, step)?, sign.repeat(raised.abs() as usize)))
    };
    let root = note("root", "root-step", "root-alter")?;
    let printed = child(node, "kind").and_then(|kind| kind.attribute("text")).filter(|text| !text.trim().is_empty());
    let mut symbol = match suffix(kind) {
        Some(suffix) => root + suffix,
        None => {
            let written = [printed.map(|text| format!("{root}{}", text.trim())), Some(format!("{root}{kind}"))];
            let is_known = |symbol: &String| GivenChord::parse(symbol, Key { sharps: 0, minor: false }).is_ok();
            written
                .into_iter()
                .flatten()
                .find(is_known)
                .unwrap_or_else(|| format!("{root} {}", printed.unwrap_or(kind)))
        }
    };
    for degree in children(node, "degree") {
        let value = text_of(degree, "degree-value").unwrap_or_default();
        let is_altered = |by: &str| text_of(degree, "degree-alter") == Some(by);
        let sign = if is_altered("1") {
            "#"
        } else if is_altered("-1") {
            "b"
        } else {
            "add"
        };
        match text_of(degree, "degree-type") {
            Some("subtract") => symbol += &format!("no{value}"),
            // Only fifths are altered without being added.
            Some(_) if sign != "add" || matches!(value, "2" | "4" | "6" | "9" | "11" | "13") => {
                symbol += &format!("({sign}{value})");
            }
            _ => {}
        }
    }
    if let Some(bass) = note("bass", "bass-step", "bass-alter") {
        symbol += &format!("/{bass}");
    }
    Some(symbol)
}

/// What stands behind the root of a kind of MusicXML that tells all notes of a chord.
fn suffix(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "major" => "",
        "minor" => "m",
        "augmented" => "aug",
        "diminished" => "dim",
        "dominant" => "7",
        "major-seventh" => "maj7",
        "minor-seventh" => "m7",
        "diminished-seventh" => "dim7",
        "augmented-seventh" => "aug7",
        "half-diminished" => "m7b5",
        "major-minor" => "mmaj7",
        "major-sixth" => "6",
        "minor-sixth" => "m6",
        "dominant-ninth" => "9",
        "major-ninth" => "maj9",
        "minor-ninth" => "m9",
        "dominant-11th" => "11",
        "major-11th" => "maj11",
        "minor-11th" => "m11",
        "dominant-13th" => "13",
        "major-13th" => "maj13",
        "minor-13th" => "m13",
        "suspended-second" => "sus2",
        "suspended-fourth" => "sus4",
        "power" => "5",
        _ => return None,
    })
}
