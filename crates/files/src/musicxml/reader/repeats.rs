//! The order in which the measures of a score are played: repeat signs, endings, D.C. and D.S.

use roxmltree::Node;

use super::ReadError;
use super::elements::{PartNodes, child, children, measure_count};

/// More come from a damaged repeat sign.
pub(super) const MAX_MEASURES: usize = 10_000;

/// The measures, by their place in the score, in the order in which the signs have them played. After D.C. or D.S., as is
/// the custom, nothing is repeated, of several endings the last is taken, and Fine and "to Coda" count.
pub(super) fn play_order(parts: &[PartNodes], remarks: &mut Vec<String>) -> Result<Vec<usize>, ReadError> {
    let signs = repeat_signs(parts);
    let mut position = Position { signs: &signs, at: 0, section: 0, pass: 1, was_in_ending: false, has_jumped: false };
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
            return Err(ReadError::TooManyMeasures);
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
        let ending = || if self.has_jumped { last_ending(self.signs, self.at) } else { self.pass };
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
            // Back for as long as some ending waits for its turn.
            false => {
                let following = self.signs[self.at..].iter().take_while(|sign| !sign.endings.is_empty());
                following.flat_map(|sign| &sign.endings).any(|&ending| ending == self.pass + 1)
            }
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

/// The highest of the endings that stand side by side around a measure.
fn last_ending(signs: &[RepeatSigns], at: usize) -> u32 {
    let before = signs[..at].iter().rev().take_while(|sign| !sign.endings.is_empty());
    let after = signs[at..].iter().take_while(|sign| !sign.endings.is_empty());
    before.chain(after).flat_map(|sign| &sign.endings).copied().max().unwrap_or(1)
}

/// Back to the beginning, or to the sign.
#[derive(Clone, Copy)]
enum Jump {
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
#[derive(Clone, Default)]
struct RepeatSigns {
    begins: bool,
    /// How often what it ends is played.
    ends: Option<u32>,
    /// The passes on which the measure is played; empty for all.
    endings: Vec<u32>,
    /// Where the measure sends the player when it is over.
    jump: Option<Jump>,
    segno: bool,
    coda: bool,
    to_coda: bool,
    fine: bool,
}

impl RepeatSigns {
    fn read_repeat(&mut self, repeat: Node) {
        match repeat.attribute("direction") {
            Some("forward") => self.begins = true,
            Some("backward") => {
                let times = repeat.attribute("times").and_then(|times| times.parse().ok());
                self.ends = Some(times.unwrap_or(2).max(1));
            }
            _ => {}
        }
    }

    /// From `<sound>`, which programs write for their players; where a program writes none, from the printed signs and
    /// words.
    fn read_direction(&mut self, node: Node) {
        let sound = if node.has_tag_name("sound") { Some(node) } else { child(node, "sound") };
        if let Some(sound) = sound {
            let has = |name: &str| sound.attribute(name).is_some_and(|value| value != "no");
            if has("dacapo") {
                self.jump = Some(Jump::DaCapo);
            }
            if has("dalsegno") {
                self.jump = Some(Jump::DalSegno);
            }
            self.segno |= has("segno");
            self.coda |= has("coda");
            self.to_coda |= has("tocoda");
            self.fine |= has("fine");
        }
        for kind in children(node, "direction-type") {
            self.segno |= child(kind, "segno").is_some();
            let is_coda = child(kind, "coda").is_some();
            let words: Vec<&str> = children(kind, "words").filter_map(|words| words.text()).collect();
            let words: String = words.join(" ").to_lowercase();
            let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
            let begins = |starts: &[&str]| starts.iter().any(|start| words.starts_with(start));
            if begins(&["d.c.", "d. c.", "da capo"]) {
                self.jump = self.jump.or(Some(Jump::DaCapo));
            } else if begins(&["d.s.", "d. s.", "dal segno"]) {
                self.jump = self.jump.or(Some(Jump::DalSegno));
            } else if begins(&["to coda", "al coda"]) {
                self.to_coda = true;
            } else if words == "fine" {
                self.fine = true;
            } else if is_coda && !self.to_coda {
                self.coda = true;
            }
        }
    }
}

/// The signs of each measure, from all parts together: programs print them in the top part alone, or in each.
fn repeat_signs(parts: &[PartNodes]) -> Vec<RepeatSigns> {
    let mut signs = vec![RepeatSigns::default(); measure_count(parts)];
    for part in parts {
        // The passes of the ending whose bracket is open.
        let mut bracket: Vec<u32> = Vec::new();
        for (sign, measure) in signs.iter_mut().zip(&part.measures) {
            let directions =
                measure.children().filter(|node| node.has_tag_name("direction") || node.has_tag_name("sound"));
            directions.for_each(|node| sign.read_direction(node));
            let barlines = || children(*measure, "barline");
            barlines().flat_map(|barline| children(barline, "repeat")).for_each(|repeat| sign.read_repeat(repeat));
            let mut is_closed = false;
            for ending in barlines().flat_map(|barline| children(barline, "ending")) {
                if ending.attribute("type") == Some("start") {
                    let numbers = ending.attribute("number").unwrap_or_default();
                    bracket = numbers.split([',', ' ', '.']).filter_map(|number| number.parse().ok()).collect();
                } else {
                    is_closed = true;
                }
            }
            if sign.endings.is_empty() {
                sign.endings.clone_from(&bracket);
            }
            if is_closed {
                bracket.clear();
            }
        }
    }
    signs
}
