//! Chord symbols as texts, and what transposing instruments make of them.

/// The text of a chord symbol so many semitones higher: its root and, behind a stroke, its bass. What begins with no letter stays.
pub(crate) fn transposed(symbol: &str, semitones: i32) -> String {
    if semitones % 12 == 0 {
        return symbol.to_owned();
    }
    let places = symbol.split('/').map(|place| {
        let name = name(place);
        match class(name) {
            Some(class) => format!("{}{}", NAMES[(class + semitones).rem_euclid(12) as usize], &place[name.len()..]),
            None => place.to_owned(),
        }
    });
    places.collect::<Vec<_>>().join("/")
}

const NAMES: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];

/// The letter with its accidentals, in front of a text.
fn name(text: &str) -> &str {
    let rest = text.strip_prefix(|letter: char| ('A'..='G').contains(&letter)).unwrap_or(text);
    let rest = if rest.len() < text.len() { rest.trim_start_matches(['#', 'b', '♯', '♭']) } else { rest };
    &text[..text.len() - rest.len()]
}

fn class(name: &str) -> Option<i32> {
    let mut letters = name.chars();
    let natural = match letters.next()? {
        'C' => 0,
        'D' => 2,
        'E' => 4,
        'F' => 5,
        'G' => 7,
        'A' => 9,
        _ => 11,
    };
    Some(natural + letters.map(|sign| if matches!(sign, '#' | '♯') { 1 } else { -1 }).sum::<i32>())
}

#[cfg(test)]
mod tests {
    use super::transposed;

    #[test]
    fn a_symbol_moves_with_its_bass_and_keeps_what_stands_behind() {
        let moved = |text: &str| transposed(text, -2);
        assert_eq!(
            ["Am7", "D7/F#", "Cb", "N.C.", "6/9", "C6/9"].map(moved),
            ["Gm7", "C7/E", "A", "N.C.", "6/9", "Bb6/9"]
        );
        assert_eq!(transposed("F#m", 12), "F#m");
    }
}
