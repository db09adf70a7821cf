//! The signs of a line of music.

/// The letters with their semitones above C.
pub(super) const LETTERS: [(char, i32); 7] = [('C', 0), ('D', 2), ('E', 4), ('F', 5), ('G', 7), ('A', 9), ('B', 11)];

/// The shortest part of a unit that means something.
const MAX_PARTS: u32 = 9_999;

/// A multiple of the unit of length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Length {
    pub over: u32,
    /// Not 0.
    pub under: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Note {
        letter: usize,
        octave: i32,
        alteration: Option<i8>,
        /// Whether the file has a quarter tone.
        is_rounded: bool,
        length: Length,
    },
    Rest(Length),
    /// So many measures.
    FullRest(u32),
    ChordBegins,
    ChordEnds(Length),
    Grace,
    Bar(Bar),
    /// The passes on which what follows is played.
    Ending(Vec<u32>),
    Tie,
    SlurBegins,
    SlurEnds,
    /// Above zero the note before is dotted, so many times, and the next one shortened; below, the other way round.
    Broken(i32),
    /// `notes` notes in the time of `time`.
    Tuplet {
        notes: u32,
        time: Option<u32>,
        count: Option<u32>,
    },
    Decoration(String),
    /// A letter that means nothing.
    Unknown(char),
    Text(String),
    Field(char, String),
    /// What follows begins again at the bar line, in another voice.
    Overlay,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bar {
    /// How often what it ends is played.
    pub ends: Option<u32>,
    pub begins: bool,
    /// Whether it ends the bracket of an ending.
    pub closes: bool,
}

/// The signs of a line, without comments. What means nothing is passed over.
pub(super) fn signs(line: &str) -> Vec<Sign> {
    let letters: Vec<char> = line.chars().collect();
    let mut scanner = Scanner { letters: &letters, at: 0, is_in_chord: false };
    let mut signs = Vec::new();
    while scanner.at < letters.len() {
        let before = scanner.at;
        signs.extend(scanner.sign());
        debug_assert!(scanner.at > before);
    }
    if scanner.is_in_chord {
        signs.push(Sign::ChordEnds(Length { over: 1, under: 1 }));
    }
    signs
}

struct Scanner<'a> {
    letters: &'a [char],
    at: usize,
    is_in_chord: bool,
}

impl Scanner<'_> {
    /// Moves on by at least one letter.
    fn sign(&mut self) -> Vec<Sign> {
        let letter = self.letters[self.at];
        if let Some(bar) = self.bar() {
            return bar;
        }
        self.at += 1;
        let sign = match letter {
            'A'..='G' | 'a'..='g' | '^' | '_' | '=' => {
                self.at -= 1;
                return self.note().into_iter().collect();
            }
            'z' | 'x' => Sign::Rest(self.length()),
            'Z' | 'X' => Sign::FullRest(self.number().unwrap_or(1)),
            'y' => {
                self.length();
                return Vec::new();
            }
            '[' => return self.bracket(),
            ']' if self.is_in_chord => {
                self.is_in_chord = false;
                Sign::ChordEnds(self.length())
            }
            '{' => {
                self.until('}');
                Sign::Grace
            }
            '(' if self.peek().is_some_and(|next| next.is_ascii_digit()) => self.tuplet(),
            '(' => Sign::SlurBegins,
            ')' => Sign::SlurEnds,
            '-' => Sign::Tie,
            '>' => Sign::Broken(1 + self.run('>') as i32),
            '<' => Sign::Broken(-1 - self.run('<') as i32),
            '&' => Sign::Overlay,
            '"' => Sign::Text(self.until('"')),
            '!' | '+' => return self.decoration(letter).into_iter().collect(),
            // A fermata stands at its note; who calls B natural H writes it alone.
            'H' if self
                .peek()
                .is_none_or(|next| next.is_whitespace() || next.is_ascii_digit() || "|/'<>-,".contains(next)) =>
            {
                Sign::Unknown(letter)
            }
            'H' => Sign::Decoration("fermata".into()),
            'O' => Sign::Decoration("coda".into()),
            'S' => Sign::Decoration("segno".into()),
            '.' | '~' | 'L' | 'M' | 'P' | 'R' | 'T' | 'u' | 'v' => Sign::Decoration(letter.into()),
            _ if letter.is_alphabetic() => Sign::Unknown(letter),
            _ => return Vec::new(),
        };
        vec![sign]
    }

    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn next_if(&mut self, letter: char) -> bool {
        let is_there = self.peek() == Some(letter);
        self.at += usize::from(is_there);
        is_there
    }

    /// How many of a letter follow; at most a few are counted.
    fn run(&mut self, letter: char) -> u32 {
        let mut count = 0;
        while self.next_if(letter) {
            count = (count + 1).min(8);
        }
        count
    }

    fn number(&mut self) -> Option<u32> {
        let mut number = None;
        while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(10)) {
            number = Some(number.unwrap_or(0_u32).saturating_mul(10).saturating_add(digit));
            self.at += 1;
        }
        number
    }

    /// `3`, `3/2`, `/` or `//`.
    fn length(&mut self) -> Length {
        let over = self.number().unwrap_or(1);
        let mut under = 1;
        while self.next_if('/') {
            under = self.number().unwrap_or(2).max(1).saturating_mul(under).min(MAX_PARTS);
        }
        Length { over, under }
    }

    /// What stands before `end`, which is passed over.
    fn until(&mut self, end: char) -> String {
        let text: String = self.letters[self.at..].iter().take_while(|letter| **letter != end).collect();
        self.at = (self.at + text.chars().count() + 1).min(self.letters.len());
        text
    }

    /// `None`, with the accidentals passed over, where no letter follows them.
    fn note(&mut self) -> Option<Sign> {
        let alteration = match self.peek()? {
            '^' => Some(self.run('^') as i8),
            '_' => Some(-(self.run('_') as i8)),
            '=' => Some(0).filter(|_| self.run('=') > 0),
            _ => None,
        };
        // Quarter tones are rounded to the note that they stand nearest to, and at half the way to the natural one.
        let (alteration, is_rounded) = match alteration {
            Some(whole) if matches!(self.peek(), Some('/' | '0'..='9')) => {
                let Length { over, under } = self.length();
                (Some(whole.signum() * i8::from(over > under / 2)), true)
            }
            other => (other.map(|whole| whole.clamp(-2, 2)), false),
        };
        let letter = self.peek()?;
        let place = LETTERS.iter().position(|(known, _)| *known == letter.to_ascii_uppercase())?;
        self.at += 1;
        let mut octave = if letter.is_ascii_lowercase() { 5 } else { 4 };
        loop {
            octave += match self.peek() {
                Some('\'') => 1,
                Some(',') => -1,
                _ => break,
            };
            self.at += 1;
        }
        let octave = octave.clamp(-2, 12);
        Some(Sign::Note { letter: place, octave, alteration, is_rounded, length: self.length() })
    }

    /// What begins with a bracket that is no bar line: a field, an ending or a chord.
    fn bracket(&mut self) -> Vec<Sign> {
        let (first, second) = (self.peek(), self.letters.get(self.at + 1));
        match first {
            Some(name) if name.is_ascii_alphabetic() && second == Some(&':') => {
                self.at += 2;
                vec![Sign::Field(name, self.until(']'))]
            }
            Some(digit) if digit.is_ascii_digit() => vec![Sign::Ending(self.passes())],
            // A bracket with a text, such as "last time".
            Some('"') => Vec::new(),
            _ => {
                self.is_in_chord = true;
                vec![Sign::ChordBegins]
            }
        }
    }

    /// `1`, `1,3` or `1-3`.
    fn passes(&mut self) -> Vec<u32> {
        let mut passes = Vec::new();
        while let Some(first) = self.number() {
            let last = if self.next_if('-') { self.number().unwrap_or(first) } else { first };
            passes.extend(first.min(99)..=last.min(99));
            if !self.next_if(',') {
                break;
            }
        }
        passes
    }

    /// A bar line of any kind, with the ending that may follow it.
    fn bar(&mut self) -> Option<Vec<Sign>> {
        let start = self.at;
        let mut text = String::new();
        loop {
            let (letter, next) = (self.peek(), self.letters.get(self.at + 1));
            let belongs = match letter {
                Some('|' | ':') => true,
                Some(']') => text.ends_with('|'),
                Some('[') => next == Some(&'|'),
                _ => false,
            };
            if !belongs {
                break;
            }
            text.extend(letter);
            self.at += 1;
        }
        if !text.contains('|') && !text.starts_with("::") {
            self.at = start;
            // A colon alone means nothing.
            return (!text.is_empty()).then(|| {
                self.at += 1;
                Vec::new()
            });
        }
        let colons =
            |text: &mut dyn Iterator<Item = char>| text.take_while(|letter| *letter == ':').count().min(9) as u32;
        let (before, after) = (colons(&mut text.chars()), colons(&mut text.chars().rev()));
        let bar = Bar {
            ends: (before > 0).then(|| if text.contains('|') { before + 1 } else { 2 }),
            begins: after > 0,
            closes: before > 0 || after > 0 || ["||", "|]", "[|"].iter().any(|double| text.contains(double)),
        };
        let passes = self.passes();
        let mut signs = vec![Sign::Bar(bar)];
        signs.extend((!passes.is_empty()).then_some(Sign::Ending(passes)));
        Some(signs)
    }

    fn tuplet(&mut self) -> Sign {
        let notes = self.number().unwrap_or(3).clamp(2, 99);
        let mut more = || {
            let is_there = self.next_if(':');
            if is_there { self.number().filter(|number| *number > 0).map(|number| number.min(99)) } else { None }
        };
        let (time, count) = (more(), more());
        Sign::Tuplet { notes, time, count }
    }

    /// `!name!`; one sign alone was a line break once.
    fn decoration(&mut self, mark: char) -> Option<Sign> {
        let rest = &self.letters[self.at..];
        let length = rest.iter().take(24).position(|letter| *letter == mark)?;
        let name: String = rest[..length].iter().collect();
        let is_name = !name.is_empty() && !name.contains([' ', '|']);
        is_name.then(|| {
            self.at += length + 1;
            Sign::Decoration(name)
        })
    }
}
