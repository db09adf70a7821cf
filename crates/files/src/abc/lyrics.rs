//! The words below the notes (`w:`).

use std::iter::Peekable;

/// What a place in a line of words does with its note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// With a hyphen where its word goes on.
    Syllable(String),
    /// The syllable before is sung on this note, too.
    Held,
    /// Nothing is sung.
    Skipped,
    /// On to the next bar.
    Bar,
}

/// The places of a line. The last syllable ends in a line break, where no word goes on behind it.
pub(super) fn places(line: &str) -> Vec<Place> {
    let mut places = Vec::new();
    let mut text = String::new();
    let finish = |text: &mut String, places: &mut Vec<Place>| {
        if !text.is_empty() {
            places.push(Place::Syllable(std::mem::take(text)));
        }
    };
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('-') => text.push('\u{2010}'),
                Some(mark) => text.push(escaped(mark, &mut letters)),
                None => {}
            },
            '-' if text.is_empty() => places.push(Place::Held),
            '-' => {
                text.push('-');
                finish(&mut text, &mut places);
            }
            '_' | '*' | '|' => {
                finish(&mut text, &mut places);
                places.push(match letter {
                    '_' => Place::Held,
                    '*' => Place::Skipped,
                    _ => Place::Bar,
                });
            }
            '~' => text.push(' '),
            _ if letter.is_whitespace() => finish(&mut text, &mut places),
            _ if letter.is_control() => {}
            _ => text.push(letter),
        }
    }
    finish(&mut text, &mut places);
    let last = places.iter_mut().rev().find_map(|place| match place {
        Place::Syllable(text) => Some(text),
        _ => None,
    });
    if let Some(last) = last.filter(|last| !last.ends_with('-')) {
        // As MIDI files end a line of words.
        last.push('\r');
    }
    places
}

/// On how many notes the places stand, bar lines apart.
pub(super) fn notes(places: &[Place]) -> usize {
    places.iter().filter(|place| **place != Place::Bar).count()
}

/// A letter with the accent that stands before it.
fn accented(mark: char, letter: char) -> Option<char> {
    let (plain, accented) = match mark {
        '"' => ("aeiouyAEIOU", "äëïöüÿÄËÏÖÜ"),
        '\'' => ("aeiouyAEIOUY", "áéíóúýÁÉÍÓÚÝ"),
        '`' => ("aeiouAEIOU", "àèìòùÀÈÌÒÙ"),
        '^' => ("aeiouAEIOU", "âêîôûÂÊÎÔÛ"),
        '~' => ("anoANO", "ãñõÃÑÕ"),
        'c' => ("cC", "çÇ"),
        '/' => ("oO", "øØ"),
        'a' => ("ae", "åæ"),
        's' => ("s", "ß"),
        _ => return None,
    };
    plain.chars().zip(accented.chars()).find(|(known, _)| *known == letter).map(|(_, accented)| accented)
}

/// The letter behind a backslash and a mark: `\"u`, or `\u00fc` by its number.
fn escaped<I: Iterator<Item = char> + Clone>(mark: char, letters: &mut Peekable<I>) -> char {
    let digits: String = letters.clone().take(4).collect();
    let number = Some(digits).filter(|digits| mark == 'u' && digits.len() == 4 && !digits.starts_with('+'));
    let numbered = number.and_then(|digits| char::from_u32(u32::from_str_radix(&digits, 16).ok()?));
    if let Some(letter) = numbered.filter(|letter| !letter.is_control()) {
        letters.by_ref().take(4).for_each(drop);
        return letter;
    }
    let accented = letters.peek().and_then(|letter| accented(mark, *letter));
    accented.inspect(|_| _ = letters.next()).unwrap_or(mark)
}

/// Text with its accents, such as `\"u`.
pub(super) fn unescaped(text: &str) -> String {
    let mut letters = text.chars().filter(|letter| !letter.is_control()).peekable();
    let mut plain = String::new();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        let Some(mark) = letters.next() else { break };
        plain.push(escaped(mark, &mut letters));
    }
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_may_stand_behind_a_backslash_by_its_number() {
        assert_eq!(unescaped(r#"caf\'e \u00e9t\u00E9 \u0000 \u12 \ua"#), "café été u0000 u12 ua");
        assert_eq!(places(r"\u00e9-a"), [Place::Syllable("é-".into()), Place::Syllable("a\r".into())]);
    }
}
