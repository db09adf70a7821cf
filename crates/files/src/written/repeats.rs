//! The order in which the measures of a score are played: repeat signs, endings, D.C. and D.S.

use super::Endless;

/// More come from a damaged repeat sign.
pub(crate) const MAX_MEASURES: usize = 10_000;

/// The measures, by their place in the score, in the order in which the signs have them played. After D.C. or D.S., as is
/// the custom, nothing is repeated, of several endings the last is taken, or that with the Fine, and Fine and "to Coda"
/// count.
pub(super) fn play_order(signs: &[RepeatSigns], remarks: &mut Vec<String>) -> Result<Vec<usize>, Endless> {
    let mut position = Position { signs, at: 0, section: 0, pass: 1, was_in_ending: false, has_jumped: false };
    let mut order = Vec::new();
    while let Some(sign) = signs.get(position.at) {
        position.begin_section(sign);
        if !position.is_played(sign) {
            position.was_in_ending = false;
            position.at += 1;
            continue;
        }
        order.push(position.at);
        if order.len() > MAX_MEASURES {
            return Err(Endless::Repeats);
        }
        if position.has_jumped && sign.fine {
            break;
        }
        let elsewhere = position.to_coda(sign, remarks);
        let elsewhere = elsewhere.or_else(|| position.repeated(sign)).or_else(|| position.jump(sign, remarks));
        match elsewhere {
            Some(measure) => {
                position.at = measure;
                position.was_in_ending = false;
            }
            None => position.go_on(sign),
        }
    }
    Ok(order)
}

/// Where a player is in the score.
struct Position<'a> {
    signs: &'a [RepeatSigns],
    at: usize,
    /// Where the section begins that a repeat sign sends the player back to.
    section: usize,
    /// How often the section has been begun.
    pass: u32,
    /// Whether the measure before belongs to an ending.
    was_in_ending: bool,
    /// Whether D.C. or D.S. has been followed; it is followed once.
    has_jumped: bool,
}

impl Position<'_> {
    /// A section begins at a forward repeat sign, and after the last ending of the one before.
    fn begin_section(&mut self, sign: &RepeatSigns) {
        if (sign.begins && self.at != self.section) || (self.was_in_ending && sign.endings.is_empty()) {
            (self.section, self.pass) = (self.at, 1);
        }
    }

    /// Whether the measure is played on this pass.
    fn is_played(&self, sign: &RepeatSigns) -> bool {
        let ending = || if self.has_jumped { ending_after_jump(self.signs, self.at) } else { self.pass };
        sign.endings.is_empty() || sign.endings.contains(&ending())
    }

    /// The coda, where the measure leads there.
    fn to_coda(&self, sign: &RepeatSigns, remarks: &mut Vec<String>) -> Option<usize> {
        if !(self.has_jumped && sign.to_coda) {
            return None;
        }
        let coda = (self.at + 1..self.signs.len()).find(|&measure| self.signs[measure].coda);
        if coda.is_none() {
            remarks.push(format!("measure {} says \"to Coda\", but no coda follows: the measures go on", self.at + 1));
        }
        coda
    }

    /// The beginning of the section, where the measure sends the player back to it.
    fn repeated(&mut self, sign: &RepeatSigns) -> Option<usize> {
        let times = sign.ends.filter(|_| !self.has_jumped)?;
        let goes_back = match sign.endings.is_empty() {
            true => self.pass < times,
            // Back for as long as some ending waits for its turn; what follows a first ending may have no bracket.
            false => self.pass < times || endings_around(self.signs, self.at).any(|ending| ending == self.pass + 1),
        };
        goes_back.then(|| {
            self.pass += 1;
            self.section
        })
    }

    /// The target of a D.C. or D.S.
    fn jump(&mut self, sign: &RepeatSigns, remarks: &mut Vec<String>) -> Option<usize> {
        let jump = sign.jump.filter(|_| !self.has_jumped)?;
        let target = match jump {
            Jump::DaCapo => Some(0),
            Jump::DalSegno => (0..=self.at).rev().find(|&measure| self.signs[measure].segno),
        };
        let measure = self.at + 1;
        if let Some(target) = target
            && !self.signs[target..].iter().any(|sign| sign.fine || sign.to_coda)
        {
            let name = jump.name();
            self.has_jumped = true;
            remarks.push(format!("{name} in measure {measure} is followed to the end: there is no \"Fine\" or coda"));
            return Some(target);
        }
        match target {
            Some(_) => {
                self.has_jumped = true;
                remarks.push(format!("{} in measure {measure} is followed", jump.name()));
            }
            None => remarks.push(format!("D.S. in measure {measure} is not followed: no segno stands before it")),
        }
        target
    }

    /// To the next measure, with which a section begins after a repeat sign without endings.
    fn go_on(&mut self, sign: &RepeatSigns) {
        if sign.ends.is_some() && sign.endings.is_empty() {
            (self.section, self.pass) = (self.at + 1, 1);
        }
        self.was_in_ending = !sign.endings.is_empty();
        self.at += 1;
    }
}

/// The measures of the endings that stand side by side around a measure.
fn group_around(signs: &[RepeatSigns], at: usize) -> impl Iterator<Item = &RepeatSigns> {
    let before = signs[..at].iter().rev().take_while(|sign| !sign.endings.is_empty());
    before.chain(signs[at..].iter().take_while(|sign| !sign.endings.is_empty()))
}

fn endings_around(signs: &[RepeatSigns], at: usize) -> impl Iterator<Item = u32> {
    group_around(signs, at).flat_map(|sign| &sign.endings).copied()
}

/// The ending that is taken after a jump: the one that holds the Fine or leads to the coda, else the highest.
fn ending_after_jump(signs: &[RepeatSigns], at: usize) -> u32 {
    let leaving = group_around(signs, at).find(|sign| sign.fine || sign.to_coda);
    let ending = leaving.and_then(|sign| sign.endings.first().copied());
    ending.or_else(|| endings_around(signs, at).max()).unwrap_or(1)
}

/// Back to the beginning, or to the sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jump {
    DaCapo,
    DalSegno,
}

impl Jump {
    fn name(self) -> &'static str {
        match self {
            Jump::DaCapo => "D.C.",
            Jump::DalSegno => "D.S.",
        }
    }
}

/// The repeat signs and jumps of a measure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RepeatSigns {
    pub begins: bool,
    /// How often what it ends is played.
    pub ends: Option<u32>,
    /// The passes on which the measure is played; empty for all.
    pub endings: Vec<u32>,
    /// Where the measure sends the player when it is over.
    pub jump: Option<Jump>,
    pub segno: bool,
    pub coda: bool,
    pub to_coda: bool,
    pub fine: bool,
}

/// Words that send the player elsewhere, or are a place to be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Navigation {
    Jump(Jump),
    ToCoda,
    Coda,
    Segno,
    Fine,
}

/// The signs themselves, as fonts of letters have them; of a coda also the sign that looks like it.
pub(crate) const SEGNO: char = '\u{1d10b}';
pub(crate) const CODA: char = '\u{1d10c}';
const CODAS: [char; 2] = [CODA, '⊕'];

/// What printed words tell about the way through the score.
pub(crate) fn navigation(words: &str) -> Option<Navigation> {
    let words = words.to_lowercase().replace(SEGNO, " segno").replace(CODAS, " coda");
    let mut words: Vec<&str> = words.split_whitespace().collect();
    // The sign and its name are one.
    words.dedup();
    let words = words.join(" ");
    let words = words.trim_matches(|c: char| !c.is_alphanumeric());
    let begins = |starts: &[&str]| starts.iter().any(|start| words.starts_with(start));
    Some(match words {
        "dc" | "d c" => Navigation::Jump(Jump::DaCapo),
        "ds" | "d s" => Navigation::Jump(Jump::DalSegno),
        "fine" | "fin" | "fim" | "ende" => Navigation::Fine,
        "coda" => Navigation::Coda,
        "segno" => Navigation::Segno,
        _ if begins(&["d.c", "d. c", "dc al", "da capo", "dacapo", "dal capo"]) => Navigation::Jump(Jump::DaCapo),
        _ if begins(&["d.s", "d. s", "ds al", "dal s", "d segno", "dalsegno", "del segno"]) => {
            Navigation::Jump(Jump::DalSegno)
        }
        _ if begins(&["to coda", "al coda", "a la coda", "alla coda", "zur coda"]) => Navigation::ToCoda,
        _ if begins(&["fine (", "fim (", "fin ("]) => Navigation::Fine,
        _ => return None,
    })
}

impl RepeatSigns {
    /// With what another voice says of the measure.
    pub fn add(&mut self, other: RepeatSigns) {
        self.begins |= other.begins;
        self.ends = self.ends.or(other.ends);
        if self.endings.is_empty() {
            self.endings = other.endings;
        }
        self.jump = self.jump.or(other.jump);
        self.segno |= other.segno;
        self.coda |= other.coda;
        self.to_coda |= other.to_coda;
        self.fine |= other.fine;
    }

    pub fn read(&mut self, navigation: Navigation) {
        match navigation {
            Navigation::Jump(jump) => self.jump = self.jump.or(Some(jump)),
            Navigation::ToCoda => (self.to_coda, self.coda) = (true, false),
            Navigation::Coda => self.coda |= !self.to_coda,
            Navigation::Segno => self.segno = true,
            Navigation::Fine => self.fine = true,
        }
    }
}

/// The signs as they are meant where they say too little.
pub(super) fn settled(mut signs: Vec<RepeatSigns>) -> Vec<RepeatSigns> {
    settle_endings(&mut signs);
    settle_late_endings(&mut signs);
    settle_codas(&mut signs);
    signs
}

/// Endings of which none is the first stand behind what is repeated, and are played once.
fn settle_late_endings(signs: &mut [RepeatSigns]) {
    let mut at = 0;
    while at < signs.len() {
        let end = at + signs[at..].iter().take_while(|sign| !sign.endings.is_empty()).count();
        if signs[at..end].iter().all(|sign| !sign.endings.contains(&1)) {
            signs[at..end].iter_mut().for_each(|sign| sign.endings.clear());
        }
        at = end.max(at + 1);
    }
}

/// An ending that others follow goes on to its repeat sign, however short its bracket; one without a sign has it where the
/// next ending begins.
fn settle_endings(signs: &mut [RepeatSigns]) {
    let mut at = 0;
    while at < signs.len() {
        let endings = signs[at].endings.clone();
        let end = at + signs[at..].iter().take_while(|sign| sign.endings == endings).count();
        let is_sent_back = signs[at..end].iter().any(|sign| sign.ends.is_some() || sign.jump.is_some());
        if !endings.is_empty() && !is_sent_back {
            let is_plain = |sign: &&RepeatSigns| sign.endings.is_empty() && !sign.begins && sign.ends.is_none();
            let repeat = end + signs[end..].iter().take_while(is_plain).count();
            let is_followed = |next: usize| {
                let highest = endings.iter().max().copied().unwrap_or(0);
                signs.get(next).is_some_and(|sign| sign.endings.iter().any(|ending| *ending > highest))
            };
            let is_repeat = signs.get(repeat).is_some_and(|sign| sign.ends.is_some() && sign.endings.is_empty());
            if is_followed(end) {
                signs[end - 1].ends = Some(2);
            } else if is_repeat && is_followed(repeat + 1) {
                signs[end..=repeat].iter_mut().for_each(|sign| sign.endings.clone_from(&endings));
            }
        }
        at = end;
    }
}

/// Of two coda signs without words the first is where the player leaves, the second where he goes.
fn settle_codas(signs: &mut [RepeatSigns]) {
    let codas: Vec<usize> = (0..signs.len()).filter(|&measure| signs[measure].coda).collect();
    if codas.len() > 1 && signs.iter().all(|sign| !sign.to_coda) {
        signs[codas[0]].read(Navigation::ToCoda);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order of measures, each given by its signs: `|:`, `:|`, `[1`, `DC`, `DS`, `S` (segno), `C` (coda), `C?` (to
    /// coda) and `F` (Fine).
    fn order(measures: &[&str]) -> Vec<usize> {
        let sign = |text: &&str| {
            let mut sign = RepeatSigns::default();
            for word in text.split_whitespace() {
                match word {
                    "|:" => sign.begins = true,
                    ":|" => sign.ends = Some(2),
                    "DC" => sign.read(Navigation::Jump(Jump::DaCapo)),
                    "DS" => sign.read(Navigation::Jump(Jump::DalSegno)),
                    "S" => sign.read(Navigation::Segno),
                    "C" => sign.read(Navigation::Coda),
                    "C?" => sign.read(Navigation::ToCoda),
                    "F" => sign.read(Navigation::Fine),
                    ending => sign.endings = vec![ending[1..].parse().unwrap()],
                }
            }
            sign
        };
        let signs = settled(measures.iter().map(sign).collect());
        play_order(&signs, &mut Vec::new()).unwrap().into_iter().map(|measure| measure + 1).collect()
    }

    #[test]
    fn an_ending_goes_on_to_its_repeat_sign_however_short_its_bracket() {
        assert_eq!(order(&["|:", "", "[1", ":|", "[2", ""]), [1, 2, 3, 4, 1, 2, 5, 6]);
        assert_eq!(order(&["|:", "[1", "", "", ":|", "[2", "", "|:", ":|"]), [1, 2, 3, 4, 5, 1, 6, 7, 8, 9, 8, 9]);
        // The last ending is no longer than its bracket.
        assert_eq!(order(&["|:", "[1 :|", "[2", "", ":|", ""]), [1, 2, 1, 3, 4, 5, 4, 5, 6]);
    }

    #[test]
    fn no_measure_is_lost_where_the_first_ending_has_no_bracket() {
        assert_eq!(order(&["|:", ":|", "[2", ""]), [1, 2, 1, 2, 3, 4]);
        assert_eq!(order(&["|:", "[2 :|", "[3", ""]), [1, 2, 1, 2, 3, 4]);
    }

    #[test]
    fn a_first_ending_without_a_repeat_sign_is_repeated_all_the_same() {
        assert_eq!(order(&["", "[1", "[2", ""]), [1, 2, 1, 3, 4]);
        assert_eq!(order(&["", "[1 :|", ""]), [1, 2, 1, 3], "nor needs what follows a bracket");
    }

    #[test]
    fn after_a_jump_the_ending_with_the_fine_is_taken_else_the_last() {
        assert_eq!(order(&["|:", "[1 F :|", "[2", "DC"]), [1, 2, 1, 3, 4, 1, 2]);
        assert_eq!(order(&["|:", "[1 :|", "[2 F", "DC"]), [1, 2, 1, 3, 4, 1, 3]);
    }

    #[test]
    fn of_two_coda_signs_without_words_the_first_leads_to_the_second() {
        assert_eq!(order(&["", "C", "DC", "C", ""]), [1, 2, 3, 1, 2, 4, 5]);
        assert_eq!(order(&["S", "C?", "DS", "C", ""]), [1, 2, 3, 1, 2, 4, 5]);
    }

    #[test]
    fn a_jump_without_a_fine_is_told_to_be_followed_to_the_end() {
        let said = |fine: bool| {
            let mut signs = vec![RepeatSigns::default(); 3];
            (signs[1].fine, signs[2].jump) = (fine, Some(Jump::DaCapo));
            let mut remarks = Vec::new();
            play_order(&signs, &mut remarks).unwrap();
            remarks
        };
        assert_eq!(said(false), ["D.C. in measure 3 is followed to the end: there is no \"Fine\" or coda"]);
        assert_eq!(said(true), ["D.C. in measure 3 is followed"]);
    }

    #[test]
    fn words_are_known_in_their_usual_spellings() {
        let known = ["D.C. al Fine", "D. C.", "Da Capo", "DC", "d.c. al coda"];
        assert!(known.iter().all(|words| navigation(words) == Some(Navigation::Jump(Jump::DaCapo))));
        let known = ["D.S.", "Dal Segno al Fine", "D. S. al Coda"];
        assert!(known.iter().all(|words| navigation(words) == Some(Navigation::Jump(Jump::DalSegno))));
        assert_eq!(["D.𝄋. al Fine", "Dal 𝄋", "D. 𝄋"].map(navigation), [Some(Navigation::Jump(Jump::DalSegno)); 3]);
        let signs = ["𝄋", "𝄌", "to 𝄌", "al 𝄌"].map(navigation);
        let known = [Navigation::Segno, Navigation::Coda, Navigation::ToCoda, Navigation::ToCoda];
        assert_eq!(signs, known.map(Some));
        assert_eq!(["(Fine)", "Ende"].map(navigation), [Some(Navigation::Fine); 2]);
        assert_eq!(["Fim", "Fine (2nd time)"].map(navigation), [Some(Navigation::Fine); 2]);
        assert_eq!(navigation("Dal capo al Fine"), Some(Navigation::Jump(Jump::DaCapo)));
        let to_coda = ["To Coda", "to ⊕", "A la coda", "zur Coda", "Alla Coda"];
        assert_eq!(to_coda.map(navigation), [Some(Navigation::ToCoda); 5]);
        assert_eq!(["⊕ Coda", "⊕", "𝄌 Coda"].map(navigation), [Some(Navigation::Coda); 3]);
        assert_eq!(["dolce", "finely", "", "Dc"].map(|words| navigation(words).is_some()), [false, false, false, true]);
    }
}
