//! Chord symbols as texts, and what transposing instruments make of them.

use chorale::leading_class;

/// The text of a chord symbol so many semitones higher: its root and, behind a stroke, its bass. What begins with no letter stays.
pub(crate) fn transposed(symbol: &str, semitones: i32) -> String {
    if semitones % 12 == 0 {
        return symbol.to_owned();
    }
    let places = symbol.split('/').map(|place| match leading_class(place) {
        Some((class, rest)) => format!("{}{rest}", NAMES[(i32::from(class) + semitones).rem_euclid(12) as usize]),
        None => place.to_owned(),
    });
    places.collect::<Vec<_>>().join("/")
}

const NAMES: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];

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
