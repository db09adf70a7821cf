//! The repeat signs, endings and jumps of a score.

use roxmltree::Node;

use super::elements::{PartNodes, child, children, measure_count};
use crate::written::{CODA, Jump, Navigation, RepeatSigns, SEGNO, navigation};

/// The signs of each measure, from all parts together: programs print them in the top part alone, or in each.
pub(super) fn repeat_signs(parts: &[PartNodes]) -> Vec<RepeatSigns> {
    let mut signs = vec![RepeatSigns::default(); measure_count(parts)];
    for part in parts {
        // The passes of the ending whose bracket is open, and the last one of the endings beside it.
        let (mut bracket, mut last): (Vec<u32>, u32) = (Vec::new(), 0);
        for (sign, measure) in signs.iter_mut().zip(&part.measures) {
            let directions =
                measure.children().filter(|node| node.has_tag_name("direction") || node.has_tag_name("sound"));
            directions.for_each(|node| read_direction(node, sign));
            let barlines = || children(*measure, "barline");
            barlines().flat_map(|barline| children(barline, "repeat")).for_each(|repeat| read_repeat(repeat, sign));
            for barline in barlines().filter(|barline| barline.attribute("location") == Some("left")) {
                sign.segno |= child(barline, "segno").is_some();
            }
            let has_coda = barlines().any(|barline| child(barline, "coda").is_some());
            sign.coda |= has_coda && !sign.to_coda;
            // A repeat sign ends a bracket that nothing else does.
            let mut is_closed = has_repeat(*measure, "backward");
            if has_repeat(*measure, "forward") {
                (bracket, last) = (Vec::new(), 0);
            }
            for ending in barlines().flat_map(|barline| children(barline, "ending")) {
                if ending.attribute("type") == Some("start") {
                    let numbers = [ending.attribute("number"), ending.text()].into_iter().flatten().map(passes);
                    bracket = numbers.into_iter().find(|passes| !passes.is_empty()).unwrap_or_else(|| vec![last + 1]);
                    last = bracket.iter().max().copied().unwrap_or(last);
                } else {
                    is_closed = true;
                }
            }
            if sign.endings.is_empty() {
                sign.endings.clone_from(&bracket);
            }
            if bracket.is_empty() {
                last = 0;
            }
            if is_closed {
                bracket.clear();
            }
        }
    }
    signs
}

fn has_repeat(measure: Node, direction: &str) -> bool {
    let repeats = children(measure, "barline").flat_map(|barline| children(barline, "repeat"));
    repeats.map(|repeat| repeat.attribute("direction")).any(|found| found == Some(direction))
}

/// The numbers of an ending: `1`, `1, 2` or `1-3`.
fn passes(text: &str) -> Vec<u32> {
    let number = |text: &str| text.trim().parse::<u32>().ok().filter(|number| *number <= 99);
    let range = |term: &str| {
        let (first, last) = term.split_once('-').unwrap_or((term, term));
        number(first).zip(number(last)).map(|(first, last)| first..=last)
    };
    text.split([',', ' ', '.']).filter_map(range).flatten().collect()
}

fn read_repeat(repeat: Node, sign: &mut RepeatSigns) {
    match repeat.attribute("direction") {
        Some("forward") => sign.begins = true,
        Some("backward") => {
            let times = repeat.attribute("times").and_then(|times| times.parse().ok());
            sign.ends = Some(times.unwrap_or(2).max(1));
        }
        _ => {}
    }
}

/// From `<sound>`, which programs write for their players; where a program writes none, from the printed signs and words.
fn read_direction(node: Node, sign: &mut RepeatSigns) {
    let sound = if node.has_tag_name("sound") { Some(node) } else { child(node, "sound") };
    let has = |name: &str| sound.and_then(|sound| sound.attribute(name)).is_some_and(|value| value != "no");
    let told = [
        ("dacapo", Navigation::Jump(Jump::DaCapo)),
        ("dalsegno", Navigation::Jump(Jump::DalSegno)),
        ("tocoda", Navigation::ToCoda),
        ("segno", Navigation::Segno),
        ("coda", Navigation::Coda),
        ("fine", Navigation::Fine),
    ];
    told.into_iter().filter(|(name, _)| has(name)).for_each(|(_, navigation)| sign.read(navigation));
    let way = printed_way(node);
    let jumps_there = matches!(way, Some(Navigation::Jump(Jump::DalSegno)));
    if let Some(navigation) = way {
        sign.read(navigation);
    }
    if has_sign(node, "segno") && !jumps_there {
        sign.read(Navigation::Segno);
    }
}

/// What the words and signs of a `<direction>` tell about the way. "Dal" and the sign may stand in two of them.
pub(super) fn printed_way(node: Node) -> Option<Navigation> {
    let texts = printed(node);
    let words: Vec<&str> = texts.iter().filter(|(is_sign, _)| !is_sign).map(|(_, text)| text.as_str()).collect();
    let all = |texts: &[(bool, String)]| texts.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ");
    let known = words.iter().copied().chain([words.join(" ").as_str(), all(&texts).as_str()]).find_map(navigation);
    // What stands before the first sign leads to it, or says nothing.
    let before = node.prev_siblings().filter(Node::is_element).nth(1).filter(|node| node.has_tag_name("direction"));
    let before = before.map(printed).filter(|_| texts.first().is_some_and(|(is_sign, _)| *is_sign)).unwrap_or_default();
    let says_nothing = |(is_sign, text): &&(bool, String)| !is_sign && navigation(text).is_none();
    let begun = before.last().filter(says_nothing).and_then(|(_, text)| {
        let way = navigation(&format!("{text} {}", all(&texts)))?;
        matches!(way, Navigation::Jump(_) | Navigation::ToCoda).then_some(way)
    });
    known.map_or(begun, |known| begun.or(Some(known))).or_else(|| has_sign(node, "coda").then_some(Navigation::Coda))
}

/// Words that belong to a way of which the sign stands elsewhere.
pub(super) fn is_part_of_way(words: &str) -> bool {
    ["d.", "dal", "al fine"].contains(&words.to_lowercase().as_str())
}

/// The words of a direction, and its signs of the way as letters, in order.
fn printed(node: Node) -> Vec<(bool, String)> {
    let texts = children(node, "direction-type").flat_map(|kind| kind.children()).filter_map(|printed| {
        let name = match printed.tag_name().name() {
            "symbol" => printed.text()?.trim(),
            name => name,
        };
        match name {
            "words" => Some((false, printed.text()?.trim().to_owned())),
            "segno" => Some((true, SEGNO.to_string())),
            "coda" => Some((true, CODA.to_string())),
            _ => None,
        }
    });
    texts.collect()
}

fn has_sign(node: Node, name: &str) -> bool {
    let sign = if name == "segno" { SEGNO } else { CODA };
    printed(node).iter().any(|(is_sign, text)| *is_sign && text.starts_with(sign))
}
