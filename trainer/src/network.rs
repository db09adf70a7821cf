//! The outer shape that both architectures share: embedded chord → trunk → context, then a chain of heads, one a
//! part, each hearing the parts chosen before it.

use anyhow::{Context as _, Result};
use candle_core::{D, Device, Tensor};
use chorale::{Chord, Part, Phase, Token};

use crate::layers::{Dropout, Initializer, Linear, Weights, embed_sum, weight};
use crate::lstm::Lstm;
use crate::settings::{Settings, TrunkSettings};
use crate::wavenet::Wavenet;

/// Tokens that can go in: the vocabulary and the start marker.
pub const INPUT_TOKENS: usize = Token::VOCABULARY + 1;

/// Intervals from the part's previous pitch that a head weighs: -46..=46 semitones, then one place that stands for
/// every pair without an interval (from or to a rest, or before the first step).
pub const INTERVALS: usize = 2 * (Token::VOCABULARY - 1) + 2;
/// No logit falls below this. What is never heard would sink without end, to where an f32 no longer holds the digits
/// that candle and tract are compared by.
pub const LOWEST_LOGIT: f64 = -50.0;
const UNISON: usize = Token::VOCABULARY - 1;
const NO_INTERVAL: usize = INTERVALS - 1;

pub struct Network {
    pub settings: Settings,
    pub order: [Part; 4],
    /// (4 · 48 + 20, width): a row for each token of each part of the chord before, then one for each phase.
    pub input: Tensor,
    pub trunk: Trunk,
    /// In the order in which the parts are chosen.
    pub heads: Vec<Head>,
    intervals: Tensor, // (48, 47) u32
}

pub enum Trunk {
    Wavenet(Wavenet),
    Lstm(Lstm),
}

pub struct Head {
    pub part: Part,
    pub context: Linear,
    /// ((4 + k) · 48, width): a row for each token of each part of the chord before, then of the k parts of the
    /// present chord that were chosen already, in their order.
    pub tokens: Tensor,
    /// To the logits of the 47 tokens and of the [`INTERVALS`].
    pub output: Linear,
}

/// Some chorales side by side. Shorter ones are padded at the end; `rows` lists the steps that count.
pub struct Batch {
    /// (B, T, 5) u32 into [`Network::input`]: the four parts of the chord before, and the phase.
    pub inputs: Tensor,
    /// (N) u32: the steps that count, in B · T.
    pub rows: Tensor,
    /// (N, 4) u32: tokens of the chord before and of the present chord, in those rows.
    pub before: Tensor,
    pub now: Tensor,
}

/// Row of [`Network::input`] for a phase.
pub const PHASE_ROW: usize = 4 * INPUT_TOKENS;
/// Row of [`Head::tokens`] where the `place`th part of the present chord begins.
pub const fn now_row(place: usize) -> usize {
    (4 + place) * INPUT_TOKENS
}

impl Batch {
    /// `first` is the phase of each piece's first step on.
    pub fn new(pieces: &[(&[Chord], &[Phase])], device: &Device) -> candle_core::Result<Batch> {
        let steps = pieces.iter().map(|(chords, _)| chords.len()).max().unwrap_or(0);
        let padding = [Chord::START; 1];
        let (mut inputs, mut rows, mut before, mut now) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (index, (chords, phases)) in pieces.iter().enumerate() {
            for step in 0..steps {
                let previous = step.checked_sub(1).and_then(|previous| chords.get(previous)).unwrap_or(&padding[0]);
                let phase = phases.get(step).copied().unwrap_or(Phase::in_beat(0));
                for part in Part::ALL {
                    inputs.push((part.index() * INPUT_TOKENS + previous[part].index()) as u32);
                }
                inputs.push((PHASE_ROW + phase.index()) as u32);
                if let Some(chord) = chords.get(step) {
                    rows.push((index * steps + step) as u32);
                    before.extend(previous.0.map(|token| token.index() as u32));
                    now.extend(chord.0.map(|token| token.index() as u32));
                }
            }
        }
        let count = rows.len();
        Ok(Batch {
            inputs: Tensor::from_vec(inputs, (pieces.len(), steps, 5), device)?,
            rows: Tensor::from_vec(rows, count, device)?,
            before: Tensor::from_vec(before, (count, 4), device)?,
            now: Tensor::from_vec(now, (count, 4), device)?,
        })
    }
}

impl Network {
    /// Declares every weight with its initial value.
    pub fn declare(settings: &Settings, device: &Device) -> Result<Initializer> {
        let mut init = Initializer::new(settings.training.seed, device);
        let width = match &settings.trunk {
            TrunkSettings::Wavenet { channels, kernel, dilations, context } => {
                Wavenet::declare(&mut init, *channels, *kernel, dilations.len(), *context)?;
                *channels
            }
            TrunkSettings::Lstm { input, hidden, layers } => {
                Lstm::declare(&mut init, *input, *hidden, *layers)?;
                *input
            }
        };
        init.uniform("input", &[PHASE_ROW + Phase::COUNT, width], 0.5)?;
        for (place, part) in settings.part_order()?.into_iter().enumerate() {
            let name = format!("head.{}", part.letter());
            init.linear(&format!("{name}.context"), settings.context_width(), settings.head_width)?;
            init.uniform(&format!("{name}.tokens"), &[now_row(place), settings.head_width], 0.3)?;
            init.linear(&format!("{name}.output"), settings.head_width, Token::VOCABULARY + INTERVALS)?;
        }
        Ok(init)
    }

    /// # Errors
    /// When the settings cannot work or a weight is missing or of another shape.
    pub fn new(settings: &Settings, weights: &Weights) -> Result<Network> {
        settings.check()?;
        let input = weight(weights, "input")?;
        let trunk = match &settings.trunk {
            TrunkSettings::Wavenet { kernel, dilations, .. } => {
                Trunk::Wavenet(Wavenet::new(weights, *kernel, dilations)?)
            }
            TrunkSettings::Lstm { layers, .. } => Trunk::Lstm(Lstm::new(weights, *layers)?),
        };
        let order = settings.part_order()?;
        let heads = order
            .into_iter()
            .map(|part| {
                let name = format!("head.{}", part.letter());
                Ok(Head {
                    part,
                    context: Linear::new(weights, &format!("{name}.context"))?,
                    tokens: weight(weights, &format!("{name}.tokens"))?,
                    output: Linear::new(weights, &format!("{name}.output"))?,
                })
            })
            .collect::<candle_core::Result<_>>()
            .context("the weights do not fit the settings")?;
        let intervals = Tensor::from_vec(interval_table(), (INPUT_TOKENS, Token::VOCABULARY), input.device())?;
        Ok(Network { settings: settings.clone(), order, input, trunk, heads, intervals })
    }

    /// The whole way of a batch: logits (N, 47) of each part, soprano first, in the rows that count.
    pub fn forward(&self, batch: &Batch, dropout: &mut Dropout) -> candle_core::Result<[Tensor; 4]> {
        let (pieces, steps, _) = batch.inputs.dims3()?;
        let embedded = embed_sum(&self.input, &batch.inputs.reshape((pieces * steps, 5))?)?;
        let embedded = dropout.apply(&embedded)?.reshape((pieces, steps, ()))?;
        let context = match &self.trunk {
            Trunk::Wavenet(wavenet) => wavenet.forward(&embedded, dropout)?,
            Trunk::Lstm(lstm) => lstm.forward(&embedded, dropout)?,
        };
        let context = context.flatten(0, 1)?.index_select(&batch.rows, 0)?; // (N, context)
        let context = dropout.apply(&context)?;
        let mut logits = [const { None }; 4];
        for (place, head) in self.heads.iter().enumerate() {
            let earlier = &self.order[..place];
            logits[head.part.index()] = Some(self.head(head, earlier, &context, batch, dropout)?);
        }
        Ok(logits.map(|logits| logits.expect("the order names every part")))
    }

    fn head(
        &self,
        head: &Head,
        earlier: &[Part],
        context: &Tensor,
        batch: &Batch,
        dropout: &mut Dropout,
    ) -> candle_core::Result<Tensor> {
        let mut columns: Vec<Tensor> = Vec::with_capacity(8);
        for part in Part::ALL {
            let offset = part.index() * INPUT_TOKENS;
            columns.push(offset_column(&batch.before, part.index(), offset)?);
        }
        for (place, part) in earlier.iter().enumerate() {
            columns.push(offset_column(&batch.now, part.index(), now_row(place))?);
        }
        let tokens = embed_sum(&head.tokens, &Tensor::stack(&columns, 1)?)?;
        let hidden = dropout.apply(&(head.context.forward(context)? + tokens)?.relu()?)?;
        let output = head.output.forward(&hidden)?; // (N, 47 + INTERVALS)
        let absolute = output.narrow(D::Minus1, 0, Token::VOCABULARY)?;
        let relative = output.narrow(D::Minus1, Token::VOCABULARY, INTERVALS)?.contiguous()?;
        let previous = batch.before.narrow(1, head.part.index(), 1)?.flatten_all()?;
        let places = self.intervals.index_select(&previous, 0)?; // (N, 47)
        (absolute + relative.gather(&places, 1)?)?.maximum(LOWEST_LOGIT)
    }
}

fn offset_column(tokens: &Tensor, column: usize, offset: usize) -> candle_core::Result<Tensor> {
    let column = tokens.narrow(1, column, 1)?.flatten_all()?;
    column.broadcast_add(&Tensor::new(offset as u32, tokens.device())?)
}

/// For each previous token (48 rows) and each token that could come next (47 columns), which of the [`INTERVALS`]
/// lies between them. "Stay" is an interval like the others, so the frequent case of a held pitch, rests included,
/// is learned once for all pitches.
pub fn interval_table() -> Vec<u32> {
    let mut table = Vec::with_capacity(INPUT_TOKENS * Token::VOCABULARY);
    for previous in Token::all().chain([Token::START]) {
        for next in Token::all() {
            let place = match (previous.pitch(), next.pitch()) {
                (Some(_), Some(_)) => UNISON + next.index() - previous.index(),
                (None, None) if previous == Token::REST => UNISON,
                _ => NO_INTERVAL,
            };
            table.push(place as u32);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_table_says_stay_for_the_same_token_and_nothing_from_the_start() {
        let table = interval_table();
        let place = |previous: usize, next: usize| table[previous * Token::VOCABULARY + next] as usize;
        for token in 0..Token::VOCABULARY {
            assert_eq!(place(token, token), UNISON);
            assert_eq!(place(Token::START.index(), token), NO_INTERVAL);
        }
        assert_eq!((place(1, 46), place(46, 1), place(5, 7)), (91, 1, UNISON + 2));
        assert_eq!((place(0, 5), place(5, 0)), (NO_INTERVAL, NO_INTERVAL));
        assert!(table.iter().all(|&place| (place as usize) < INTERVALS));
    }
}
