//! The order in which the parts of a tune are played, as its head tells it: `P:AABB`, `P:A(BC)3`.

use std::iter::Peekable;
use std::ops::Range;
use std::str::Chars;

/// Parts one after the other; more come from a slip of the finger.
const MOST: usize = 1000;

/// The parts, one letter each; `None` where the text is no order of parts.
pub(super) fn parts(text: &str) -> Option<Vec<char>> {
    let mut letters = text.chars().peekable();
    let found = group(&mut letters)?;
    (letters.next().is_none() && !found.is_empty()).then_some(found)
}

/// Up to a closing bracket, which is left, or the end.
fn group(letters: &mut Peekable<Chars>) -> Option<Vec<char>> {
    let mut found = Vec::new();
    while let Some(letter) = letters.next_if(|letter| *letter != ')') {
        let one = match letter {
            '.' | ',' | ' ' | '\t' => continue,
            'A'..='Z' => vec![letter],
            '(' => {
                let within = group(letters)?;
                letters.next_if_eq(&')')?;
                within
            }
            _ => return None,
        };
        let mut times = String::new();
        while let Some(digit) = letters.next_if(char::is_ascii_digit) {
            times.push(digit);
        }
        let times: usize = if times.is_empty() { 1 } else { times.parse().ok()? };
        if found.len() + one.len() * times > MOST {
            return None;
        }
        (0..times).for_each(|_| found.extend(&one));
    }
    Some(found)
}

/// The measures of each part of an order, `marks` telling where parts begin among so many `measures`. What stands before the
/// first of them is played once, at the beginning. `None` where a part is not marked.
pub(super) fn sections(order: &[char], marks: &[(char, usize)], measures: usize) -> Option<Vec<Range<usize>>> {
    let begins = |part: &char| marks.iter().find(|(marked, _)| marked == part).map(|(_, measure)| *measure);
    let first = marks.iter().map(|(_, measure)| *measure).min()?;
    let mut found: Vec<Range<usize>> = (first > 0).then_some(0..first).into_iter().collect();
    for part in order {
        let begin = begins(part)?;
        let end = marks.iter().map(|(_, measure)| *measure).filter(|measure| *measure > begin).min();
        found.push(begin.min(measures)..end.unwrap_or(measures).min(measures));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_may_have_brackets_and_numbers() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(parts(text).map(|parts| parts.into_iter().collect::<String>()).as_deref(), expected, "{text}");
        };
        check("AABB", Some("AABB"));
        check("A.B C2", Some("ABCC"));
        check("((AB)3(CD)2)2", Some("ABABABCDCDABABABCDCD"));
        check("A(BC", None);
        check("A)B", None);
        check("Reel", None);
        check("A99999", None);
        check("((((A100)100)100)100)100", None);
        check("", None);
    }
}
