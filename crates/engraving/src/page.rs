//! A score as one self-contained HTML page: a piano roll that plays, with parts to mute and marks to hover.

use chorale::Part;
use serde_json::json;

use crate::analysis::Sounding;
use crate::marks::{Mark, by_step};
use crate::picture::{COLOURS, strip};
use crate::position::bar_position;
use files::musicxml::escape;
use files::{Grid, Score};

const TEMPLATE: &str = include_str!("page.html");

/// Needs nothing from the network. `chords` and `marks` as in [`crate::picture`].
pub fn page(score: &Score, grid: &Grid, chords: &[Sounding], marks: &[Mark]) -> String {
    let (svg, places) = strip(score, grid, chords, marks);
    let clock = score.clock();
    let notes: Vec<_> = Part::ALL
        .into_iter()
        .flat_map(|part| score.part(part).iter().map(move |note| (part, note)))
        .map(|(part, note)| {
            json!([part.index(), note.pitch.midi(), clock.seconds(note.start), clock.seconds(note.end)])
        })
        .collect();
    let steps: Vec<_> = places
        .steps
        .iter()
        .map(|(step, x)| json!([clock.seconds(grid.tick(*step)), x]))
        .chain(places.steps.last().map(|(step, _)| json!([clock.seconds(grid.tick(step + 1)), places.end])))
        .collect();
    let parts: Vec<_> =
        score.ensemble.parts().into_iter().map(|part| json!([part.index(), score.ensemble.name(part)])).collect();
    let title = score.title.clone().unwrap_or_else(|| "Chorale".into());
    let data = json!({ "notes": notes, "steps": steps, "colours": COLOURS, "parts": parts });
    let rows: Vec<String> = by_step(marks, &score.ensemble)
        .into_iter()
        .map(|(step, rules)| {
            let seconds = clock.seconds(grid.tick(step));
            let text = escape(&format!("{}: {rules}", bar_position(grid, step)));
            format!("<li><button class=\"line\" data-step=\"{step}\" data-seconds=\"{seconds}\">{text}</button></li>")
        })
        .collect();
    let list = match rows.len() {
        0 => "<p>No rule of part-writing is broken.</p>".into(),
        _ => format!("<ul>{}</ul>", rows.join("\n")),
    };
    // What stands between the script's tags must not close them.
    let data = data.to_string().replace('<', "\\u003c");
    let filled = TEMPLATE.replace("{{title}}", &escape(&title)).replace("{{key}}", &escape(&score.key().to_string()));
    filled.replace("{{marks}}", &list).replace("{{roll}}", &svg).replace("{{data}}", &data)
}
