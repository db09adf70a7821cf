//! The work of a step, of an answer, of a whole answer table and of rendering, over a fixed input, for tools that count
//! instructions: `scripts/instructions.sh` runs it under valgrind.
//!
//! Run as `work NETWORK WHAT TIMES`, which does what is named so many times and prints nothing.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chorale::{Chord, Part, Phase, Pitch, Token};
use harmonizer::search::{self, PARTICLES, Plan};
use harmonizer::{Harmonizer, Purpose, Sampling};
use network::{Model, Row};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [network, what, times] = &arguments[..] else { bail!("expected: work NETWORK WHAT TIMES") };
    let model = match network.as_str() {
        "wavenet" => Model::wavenet()?,
        "lstm" => Model::lstm()?,
        other => bail!("unknown network '{other}': expected wavenet or lstm"),
    };
    run(&Arc::new(model), what, times.parse().with_context(|| format!("'{times}' is no number"))?)
}

fn run(model: &Arc<Model>, what: &str, times: usize) -> Result<()> {
    let chords = piece();
    let before = |step: usize| if step == 0 { Chord::START } else { chords[(step - 1) % chords.len()] };
    let given = |step: usize| chords[step % chords.len()];
    let mut harmonizer = Harmonizer::new(model.clone(), Sampling::of(model, Purpose::Live));
    match what {
        "step" => {
            let (mut state, mut context) = (model.start(), network::Context::default());
            let mut logits = Vec::new();
            for step in 0..times {
                model.step(&mut [&mut state], &[before(step)], Phase::in_beat(step), &mut context)?;
                for part in Part::ALL {
                    let row = Row { state: 0, given: given(step) };
                    model.logits(part, &mut context, &[row], &mut logits)?;
                }
            }
        }
        "answer" => {
            for step in 0..times {
                harmonizer.step(before(step), Phase::in_beat(step))?;
                harmonizer.answer(given(step)[Part::Soprano])?;
            }
        }
        "table" => {
            for step in 0..times {
                harmonizer.step(before(step), Phase::in_beat(step))?;
                harmonizer.answers()?;
            }
        }
        "render" => {
            let melody = (0..times).map(|step| (given(step)[Part::Soprano], Phase::in_beat(step)));
            let sampling = Sampling::of(model, Purpose::Ahead);
            search::search(model, sampling, &Plan::of(search::steps(melody, true)), PARTICLES)?;
        }
        other => bail!("unknown work '{other}': expected step, answer, table or render"),
    }
    Ok(())
}

/// Two lines of "Nun danket alle Gott" in a plain setting: a chord a beat, four steps each.
fn piece() -> Vec<Chord> {
    const CHORDS: [[u8; 4]; 16] = [
        [74, 67, 59, 55],
        [74, 67, 59, 55],
        [74, 69, 66, 50],
        [76, 67, 60, 48],
        [76, 67, 60, 48],
        [74, 67, 59, 55],
        [74, 67, 59, 55],
        [74, 67, 59, 55],
        [72, 66, 57, 50],
        [71, 67, 62, 43],
        [69, 64, 60, 45],
        [71, 67, 62, 43],
        [69, 66, 60, 50],
        [69, 66, 57, 50],
        [67, 62, 59, 43],
        [67, 62, 59, 43],
    ];
    let token = |midi: u8| Pitch::new(midi).and_then(Token::from_pitch).unwrap_or(Token::REST);
    CHORDS.into_iter().flat_map(|chord| [Chord(chord.map(token)); 4]).collect()
}
