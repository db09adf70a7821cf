//! Signs that stand for the measures before them (`<measure-repeat>`).

use std::collections::BTreeMap;

use roxmltree::Node;

use super::elements::{child, children};
use crate::written::{WrittenMeasure, WrittenNote};

/// How many measures the sign in force on each staff repeats; on all staves where none is named.
#[derive(Default)]
pub(super) struct MeasureRepeats(BTreeMap<Option<u32>, usize>);

impl MeasureRepeats {
    /// Gives a measure of which nothing but such a sign is written the notes that it stands for.
    pub fn fill(&mut self, node: Node, before: &[WrittenMeasure], measure: &mut WrittenMeasure) {
        // A sign that stops where it starts is for this measure alone.
        let mut here = BTreeMap::new();
        let styles = children(node, "attributes").flat_map(|attributes| children(attributes, "measure-style"));
        for (style, sign) in styles.filter_map(|style| Some((style, child(style, "measure-repeat")?))) {
            let staff = style.attribute("number").and_then(|number| number.parse().ok());
            if sign.attribute("type") == Some("stop") {
                self.0.remove(&staff);
            } else {
                let measures = sign.text().and_then(|text| text.trim().parse().ok()).unwrap_or(1);
                self.0.insert(staff, measures);
                here.insert(staff, measures);
            }
        }
        here.extend(&self.0);
        for (staff, measures) in here {
            let is_on = |line: &(u32, String)| staff.is_none_or(|staff| line.0 == staff);
            let Some(repeated) = before.len().checked_sub(measures).and_then(|place| before.get(place)) else {
                continue;
            };
            if measure.notes.iter().any(|note| is_on(&note.line)) {
                continue;
            }
            if measure.length == 0 {
                measure.length = repeated.length;
            }
            measure.rests.retain(|(line, ..)| !is_on(line));
            let notes = repeated.notes.iter().filter(|note| is_on(&note.line) && note.start < measure.length);
            measure.notes.extend(notes.map(|note| WrittenNote { lyrics: Vec::new(), ..note.clone() }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ATTRIBUTES, note, read_text, score, spans};

    fn pitches(measures: &[&str]) -> Vec<u8> {
        spans(&read_text(&score(measures))).iter().map(|(_, _, pitch)| *pitch).collect()
    }

    fn sign(kind: &str, measures: &str) -> String {
        let sign = format!("<measure-repeat type=\"{kind}\">{measures}</measure-repeat>");
        format!("<attributes><measure-style>{sign}</measure-style></attributes>")
    }

    #[test]
    fn a_sign_stands_for_as_many_measures_before_it_as_it_says_until_it_stops() {
        let rest = "<note><rest measure=\"yes\"/><duration>8</duration></note>";
        let first = [ATTRIBUTES, &note("C5", 4, ""), &note("D5", 4, "")].concat();
        let (second, last) = (note("E5", 8, ""), note("G5", 8, ""));
        let (start, stop) = (sign("start", "1") + rest, sign("stop", "") + &last);
        assert_eq!(pitches(&[&first, &start, rest, &stop]), [72, 74, 72, 74, 72, 74, 79]);
        // Without a rest, and two at once.
        assert_eq!(pitches(&[&first, &sign("start", "1"), &stop]), [72, 74, 72, 74, 79]);
        assert_eq!(
            pitches(&[&first, &second, &(sign("start", "2") + rest), rest, &stop]),
            [72, 74, 76, 72, 74, 76, 79]
        );
        // It ends in the measure in which it begins; the next one is silent.
        let alone = start + &sign("stop", "");
        assert_eq!(pitches(&[&first, &alone, rest, &last]), [72, 74, 72, 74, 79]);
    }

    #[test]
    fn a_measure_with_notes_or_without_so_many_before_it_stays_as_it_is() {
        let first = [ATTRIBUTES, &note("C5", 8, "")].concat();
        let written = sign("start", "1") + &note("E5", 8, "");
        assert_eq!(pitches(&[&first, &written]), [72, 76]);
        let beyond = sign("start", "3") + "<note><rest/><duration>8</duration></note>";
        assert_eq!(pitches(&[&first, &beyond, &note("E5", 8, "")]), [72, 76]);
    }
}
