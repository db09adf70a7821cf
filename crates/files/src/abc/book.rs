//! The tunes of a file, as their heads name them.

use super::ReadError;
use super::lyrics::unescaped;
use super::tune::Tune;

/// No collection has more; a damaged file may.
const MAX_TUNES: usize = 100_000;

/// So many tunes are named at most where a message lists them.
const LISTED: usize = 12;

pub(super) struct Book<'a> {
    /// Metre, unit and tempo that stand before the first tune and hold for all that don't tell.
    head: Vec<&'a str>,
    /// Never empty.
    pub tunes: Vec<Entry<'a>>,
}

/// A tune that has not been read.
pub(super) struct Entry<'a> {
    /// Its number in the file; where two have the same, its place, from 1.
    pub number: u64,
    title: Option<String>,
    text: &'a str,
}

impl Book<'_> {
    /// Each tune begins with its number. A file of one tune may lack it.
    ///
    /// # Errors
    /// Where there are more tunes than in any collection.
    pub fn of(text: &str) -> Result<Book<'_>, ReadError> {
        let mut starts: Vec<usize> = Vec::new();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            if line.starts_with("X:") {
                starts.push(at);
            }
            at += line.len();
        }
        if starts.len() > MAX_TUNES {
            return Err(ReadError::TooLarge { most: MAX_TUNES, what: "tunes" });
        }
        let head = starts.first().map_or("", |first| &text[..*first]);
        let last = |field: &str| head.lines().rfind(|line| line.starts_with(field));
        let own_signs = head.lines().filter(|line| line.starts_with("U:"));
        let head = ["M:", "L:", "Q:"].into_iter().filter_map(last).chain(own_signs).collect();
        if starts.is_empty() {
            starts.push(0);
        }
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        let texts: Vec<&str> = starts.iter().zip(ends).map(|(start, end)| &text[*start..end]).collect();
        let own: Vec<Option<u64>> = texts.iter().map(|text| number(text)).collect();
        let mut each_once = own.clone();
        each_once.sort_unstable();
        each_once.dedup();
        let are_told = each_once.len() == own.len() && own.iter().all(Option::is_some);
        let numbers = (1..).zip(own).map(|(place, own)| own.filter(|_| are_told).unwrap_or(place));
        let tunes = texts.into_iter().zip(numbers).map(|(text, number)| Entry { number, title: title(text), text });
        Ok(Book { head, tunes: tunes.collect() })
    }

    /// The place of the tune that has this number, or else these words in its title.
    pub fn find(&self, wanted: &str) -> Option<usize> {
        if let Ok(number) = wanted.trim().parse::<u64>() {
            return self.tunes.iter().position(|tune| tune.number == number);
        }
        let wanted = wanted.trim().to_lowercase();
        let has = |tune: &Entry| tune.title.as_ref().is_some_and(|title| title.to_lowercase().contains(&wanted));
        self.tunes.iter().position(has).filter(|_| !wanted.is_empty())
    }

    pub fn read(&self, place: usize) -> Result<Tune, ReadError> {
        Tune::read(&self.head, self.tunes[place].text)
    }

    pub fn first_with_notes(&self) -> Result<(usize, Tune), ReadError> {
        let mut lacks_key = false;
        for place in 0..self.tunes.len() {
            let tune = self.read(place)?;
            if tune.has_notes() {
                return Ok((place, tune));
            }
            lacks_key |= tune.lacks_key();
        }
        Err(if lacks_key { ReadError::NoKey } else { ReadError::NoTune })
    }

    /// `2 'Old Hundredth'`.
    pub fn name(&self, place: usize) -> String {
        let Entry { number, title, .. } = &self.tunes[place];
        title.as_ref().map_or(number.to_string(), |title| format!("{number} '{title}'"))
    }

    /// The names of those at some places, as many as a message may have.
    pub fn list(&self, is_listed: impl Fn(usize) -> bool) -> String {
        let mut names: Vec<String> =
            (0..self.tunes.len()).filter(|place| is_listed(*place)).map(|place| self.name(place)).collect();
        if names.len() > LISTED {
            let more = names.len() - LISTED;
            names.truncate(LISTED);
            names.push(format!("{more} more"));
        }
        names.join(", ")
    }
}

fn number(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("X:")?.trim_start();
    digits[..digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len())].parse().ok()
}

fn title(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("T:"))?;
    Some(unescaped(line.split('%').next().unwrap_or(line))).filter(|title| !title.is_empty())
}
