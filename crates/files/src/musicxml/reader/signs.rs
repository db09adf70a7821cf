//! The repeat signs, endings and jumps of a score.

use roxmltree::Node;

use super::elements::{PartNodes, child, children, measure_count};
use crate::written::{Jump, Navigation, RepeatSigns, navigation};

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
                sign.coda |= child(barline, "coda").is_some() && !sign.to_coda;
            }
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
    let kinds = || children(node, "direction-type");
    let words: Vec<&str> = kinds().flat_map(|kind| children(kind, "words")).filter_map(|words| words.text()).collect();
    let known = words.iter().copied().chain([words.join(" ").as_str()]).find_map(navigation);
    let printed = |name: &'static str| kinds().any(|kind| child(kind, name).is_some());
    if printed("segno") {
        sign.read(Navigation::Segno);
    }
    match known {
        Some(navigation) => sign.read(navigation),
        None if printed("coda") && words.iter().any(|words| words.trim().eq_ignore_ascii_case("to")) => {
            sign.read(Navigation::ToCoda)
        }
        None if printed("coda") => sign.read(Navigation::Coda),
        None => {}
    }
}
