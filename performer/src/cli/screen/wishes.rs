//! What the computer's keys ask for, and the lines that tell them.

use chorale::Part;
use session::control::Control;

/// The keys, as the last lines tell them. Lines break between them only.
const HELP: [&str; 19] = [
    "space/Esc panic",
    "q quit",
    "h hold",
    "c cadence",
    "a t b freeze a part",
    "1-4 mute a part",
    "d density",
    "[ ] safer/bolder",
    "g guard",
    "m model",
    "- + tempo",
    ". tap tempo",
    "x click",
    "i count-in",
    "j k key 0 none",
    "r stops",
    "l latency",
    "< > transpose",
    "n p song",
];

/// [`HELP`] for a width in columns.
pub fn help_lines(width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for item in HELP {
        if lines.last().is_some_and(|line| !line.is_empty() && line.len() + 2 + item.len() >= width) {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(if line.is_empty() { " " } else { "  " });
            line.push_str(item);
        }
    }
    lines
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Quit,
    /// Stop the program, as shells do.
    Suspend,
    /// Show how fast the answers are, or hide it.
    Figures,
    Toggle(Control),
    Set(Control, u8),
    /// More or less of it.
    Change(Control, i8),
}

/// `key` as a terminal sends it: Ctrl-C is its control character.
pub fn wish(key: char) -> Option<Wish> {
    Some(match key.to_ascii_lowercase() {
        'q' | '\x03' => Wish::Quit,
        '\x1a' => Wish::Suspend,
        ' ' | '\x1b' => Wish::Toggle(Control::Panic),
        'h' => Wish::Toggle(Control::Hold),
        'c' => Wish::Toggle(Control::Cadence),
        'a' => Wish::Toggle(Control::Freeze(Part::Alto)),
        't' => Wish::Toggle(Control::Freeze(Part::Tenor)),
        'b' => Wish::Toggle(Control::Freeze(Part::Bass)),
        '1' => Wish::Toggle(Control::Mute(Part::Soprano)),
        '2' => Wish::Toggle(Control::Mute(Part::Alto)),
        '3' => Wish::Toggle(Control::Mute(Part::Tenor)),
        '4' => Wish::Toggle(Control::Mute(Part::Bass)),
        'g' => Wish::Toggle(Control::Guard),
        'm' => Wish::Toggle(Control::Model),
        'd' => Wish::Change(Control::Density, 1),
        ']' => Wish::Change(Control::Temperature, 1),
        '[' => Wish::Change(Control::Temperature, -1),
        '>' => Wish::Change(Control::Transpose, 1),
        '<' => Wish::Change(Control::Transpose, -1),
        'n' => Wish::Toggle(Control::NextSong),
        'p' => Wish::Toggle(Control::PreviousSong),
        'l' => Wish::Figures,
        'r' => Wish::Change(Control::Registration, 1),
        '.' => Wish::Toggle(Control::Tap),
        'x' => Wish::Toggle(Control::Click),
        'i' => Wish::Toggle(Control::CountIn),
        'k' => Wish::Change(Control::Key, 1),
        'j' => Wish::Change(Control::Key, -1),
        '0' => Wish::Set(Control::Key, 0),
        '+' | '=' => Wish::Change(Control::Tempo, 1),
        '-' => Wish::Change(Control::Tempo, -1),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_the_help_line_names_does_something() {
        let words = HELP.iter().flat_map(|item| item.split_whitespace());
        let keys = words.filter(|word| word.chars().count() == 1);
        for key in keys.flat_map(str::chars).chain("atb1234 ".chars()) {
            assert!(wish(key).is_some(), "{key}");
        }
        assert_eq!([wish('\x03'), wish('\x1a')], [Some(Wish::Quit), Some(Wish::Suspend)], "Ctrl-C and Ctrl-Z");
        assert_eq!(wish('z'), None);
    }

    #[test]
    fn the_document_tells_each_key_in_the_words_of_the_help_lines() {
        let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/LIVE.md");
        let document = std::fs::read_to_string(document).expect(document);
        let rows = document.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
        let told: Vec<(&str, &str)> = rows.filter(|row| row.len() == 5).map(|row| (row[1], row[2])).collect();
        for item in HELP {
            let rows = told.iter().filter(|(_, words)| !words.is_empty() && item.contains(words));
            let row = rows.max_by_key(|(_, words)| words.len());
            let (keys, _) = row.unwrap_or_else(|| panic!("'{item}' is not in the table of docs/LIVE.md"));
            let first = item.split([' ', '-', '/']).find(|word| !word.is_empty()).unwrap_or("-");
            assert!(keys.contains(first), "'{item}' is told of {keys}");
        }
    }

    #[test]
    fn the_bracket_that_closes_means_bolder_as_the_help_line_says() {
        let asked = wish;
        assert_eq!(asked(']'), Some(Wish::Change(Control::Temperature, 1)));
        assert_eq!(asked('['), Some(Wish::Change(Control::Temperature, -1)));
        assert!(HELP.contains(&"[ ] safer/bolder"));
    }
}
