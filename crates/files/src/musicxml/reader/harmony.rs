//! Chord symbols.

use roxmltree::Node;

use super::elements::{child, children, text_of};

/// As lead sheets write it, such as `Am7/E`, or `N.C.`; `None` where it names no root.
pub(super) fn read_harmony(node: Node) -> Option<String> {
    let kind = text_of(node, "kind").unwrap_or("major");
    if kind == "none" {
        return Some("N.C.".into());
    }
    let note = |name: &'static str, step: &'static str, alter: &'static str| {
        let note = child(node, name)?;
        let raised = text_of(note, alter).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0).clamp(-2.0, 2.0);
        let sign = if raised > 0.0 { "#" } else { "b" };
        Some(format!("{}{}", text_of(note, step)?, sign.repeat(raised.abs() as usize)))
    };
    let mut symbol = note("root", "root-step", "root-alter")? + suffix(kind);
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

/// What stands behind the root.
fn suffix(kind: &str) -> &'static str {
    match kind {
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
        _ => "",
    }
}
