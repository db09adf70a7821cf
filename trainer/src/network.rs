//! The outer shape that both architectures share: embedded chord → trunk → context, then a chain of heads, one a
//! part, each hearing the parts chosen before it.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use candle_core::{Device, Tensor};
use chorale::columns::GIVEN;
use chorale::{Chord, FeatureTracker, Part, Phase, Token};

use crate::augment::Example;
use crate::features::{Features, INPUT_TOKENS, LogitGroups, group_table, relation_table};
use crate::layers::{Dropout, Initializer, Linear, Rows, Weights, embed_sum, weight};
use crate::logits::grouped_logits;
use crate::lstm::Lstm;
use crate::settings::{Settings, TrunkSettings};
use crate::wavenet::Wavenet;

pub struct Network {
    pub settings: Settings,
    pub order: [Part; 4],
    /// (rows of [`Features::of_trunk`], width).
    pub input: Tensor,
    pub trunk: Trunk,
    /// In the order in which the parts are chosen.
    pub heads: Vec<Head>,
}

pub enum Trunk {
    Wavenet(Wavenet),
    Lstm(Lstm),
}

pub struct Head {
    pub part: Part,
    pub context: Linear,
    pub features: Features,
    /// (rows of `features`, width).
    pub tokens: Tensor,
    pub groups: LogitGroups,
    /// To the outputs of the tokens and of `groups`.
    pub output: Linear,
}

/// Some chorales side by side. Shorter ones are padded at the end.
pub struct Batch {
    /// B and T: pieces, and steps of the longest.
    pub shape: (usize, usize),
    /// For each of B · T steps, the rows of [`Network::input`].
    pub inputs: Rows,
    /// (N) u32: the steps that count, in B · T.
    pub rows: Tensor,
    /// By place in the order, for each of the N: the rows of [`Head::tokens`].
    pub heads: [Rows; 4],
    /// By place in the order, for each of the N: the groups · 47 of the head's outputs that are added to the logits.
    pub group_outputs: [Rows; 4],
    /// For each part, soprano first, the N tokens of the present chord.
    pub now: [Arc<Vec<u32>>; 4],
}

impl Batch {
    /// For networks that choose the parts in `order`.
    pub fn new(pieces: &[Example], order: [Part; 4]) -> candle_core::Result<Batch> {
        let steps = pieces.iter().map(|piece| piece.chords.len()).max().unwrap_or(0);
        let relations = relation_table();
        let table = group_table();
        let trunk = RowWriter::new(Features::of_trunk(), &relations);
        let heads: [RowWriter; 4] =
            std::array::from_fn(|place| RowWriter::new(Features::of_head(order[place], &order[..place]), &relations));
        let groups: [LogitGroups; 4] = std::array::from_fn(|place| LogitGroups::of_head(order[place], &order[..place]));
        let mut inputs = Vec::with_capacity(pieces.len() * steps * trunk.features.count());
        let mut head_rows = [const { Vec::new() }; 4];
        let mut group_outputs = [const { Vec::new() }; 4];
        let (mut rows, mut now) = (Vec::new(), [const { Vec::new() }; 4]);
        for (index, piece) in pieces.iter().enumerate() {
            let mut hearing = FeatureTracker::new();
            let mut before = Chord::START;
            for step in 0..steps {
                let phase = piece.phases.get(step).copied().unwrap_or(Phase::in_beat(0));
                let mut words = [0; GIVEN + 4];
                // Past the end nothing counts any more.
                let Some(&chord) = piece.chords.get(step) else {
                    trunk.write(&words, &mut inputs);
                    continue;
                };
                let heard = before.0.map(Token::index).into_iter().chain(hearing.step(before, phase).words());
                for (word, index) in words.iter_mut().zip(heard.chain([phase.index()])) {
                    *word = index as u32;
                }
                trunk.write(&words, &mut inputs);
                words[GIVEN..].copy_from_slice(&chord.0.map(|token| token.index() as u32));
                for (head, rows) in heads.iter().zip(&mut head_rows) {
                    head.write(&words, rows);
                }
                for (groups, group_outputs) in groups.iter().zip(&mut group_outputs) {
                    for ((&column, &kind), offset) in groups.columns.iter().zip(&groups.kinds).zip(groups.offsets()) {
                        let row = kind as usize * INPUT_TOKENS + words[column] as usize;
                        let outputs = &table[row * Token::VOCABULARY..][..Token::VOCABULARY];
                        group_outputs.extend(outputs.iter().map(|output| offset as u32 + output));
                    }
                }
                rows.push((index * steps + step) as u32);
                now.iter_mut().zip(&words[GIVEN..]).for_each(|(now, &word)| now.push(word));
                before = piece.heard[step];
            }
        }
        let count = rows.len();
        let mut group_outputs = group_outputs
            .into_iter()
            .zip(&groups)
            .map(|(indices, groups)| Rows { count: groups.count() * Token::VOCABULARY, indices: Arc::new(indices) });
        let mut head_rows = head_rows.into_iter().zip(&heads).map(|(rows, head)| head.rows(rows));
        Ok(Batch {
            shape: (pieces.len(), steps),
            inputs: trunk.rows(inputs),
            rows: Tensor::from_vec(rows, count, &Device::Cpu)?,
            heads: std::array::from_fn(|_| head_rows.next().expect("four heads")),
            group_outputs: std::array::from_fn(|_| group_outputs.next().expect("four heads")),
            now: now.map(Arc::new),
        })
    }
}

/// Turns the words of a step into rows of an embedding table.
struct RowWriter<'a> {
    features: Features,
    offsets: Vec<usize>,
    relations: &'a [u32],
}

impl RowWriter<'_> {
    fn new(features: Features, relations: &[u32]) -> RowWriter<'_> {
        RowWriter { offsets: features.offsets(), features, relations }
    }

    fn write(&self, words: &[u32], rows: &mut Vec<u32>) {
        let singles = self.features.singles.iter().map(|&(column, _)| words[column]);
        let pairs = self.features.pairs.iter().map(|&(relation, first, second)| {
            let row = relation as usize * INPUT_TOKENS + words[first] as usize;
            self.relations[row * INPUT_TOKENS + words[second] as usize]
        });
        rows.extend(singles.chain(pairs).zip(&self.offsets).map(|(row, &offset)| offset as u32 + row));
    }

    fn rows(&self, indices: Vec<u32>) -> Rows {
        Rows { count: self.features.count(), indices: Arc::new(indices) }
    }
}

impl Network {
    /// Declares every weight with its initial value.
    pub fn declare(settings: &Settings) -> Result<Initializer> {
        let mut init = Initializer::new(settings.training.seed);
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
        init.uniform("input", &[Features::of_trunk().rows(), width], 0.3)?;
        let order = settings.part_order()?;
        for (place, part) in order.into_iter().enumerate() {
            let name = format!("head.{}", part.letter());
            let rows = Features::of_head(part, &order[..place]).rows();
            let outputs = LogitGroups::of_head(part, &order[..place]).outputs();
            init.linear(&format!("{name}.context"), settings.context_width(), settings.head_width)?;
            init.uniform(&format!("{name}.tokens"), &[rows, settings.head_width], 0.2)?;
            init.linear(&format!("{name}.output"), settings.head_width, outputs)?;
        }
        Ok(init)
    }

    /// # Errors
    /// When the settings cannot work or a weight is missing or of another shape.
    pub fn new(settings: &Settings, weights: &Weights) -> Result<Network> {
        settings.check()?;
        let table = |name: &str, features: &Features| {
            let table = weight(weights, name)?;
            match table.dims() {
                [rows, _] if *rows == features.rows() => Ok(table),
                dims => candle_core::bail!("{name}: expected {} rows, found the shape {dims:?}", features.rows()),
            }
        };
        let input = table("input", &Features::of_trunk())?;
        let trunk = match &settings.trunk {
            TrunkSettings::Wavenet { kernel, dilations, .. } => {
                Trunk::Wavenet(Wavenet::new(weights, *kernel, dilations)?)
            }
            TrunkSettings::Lstm { layers, .. } => Trunk::Lstm(Lstm::new(weights, *layers)?),
        };
        let order = settings.part_order()?;
        let heads = order
            .into_iter()
            .enumerate()
            .map(|(place, part)| {
                let name = format!("head.{}", part.letter());
                let features = Features::of_head(part, &order[..place]);
                Ok(Head {
                    part,
                    context: Linear::new(weights, &format!("{name}.context"))?,
                    tokens: table(&format!("{name}.tokens"), &features)?,
                    features,
                    groups: LogitGroups::of_head(part, &order[..place]),
                    output: Linear::new(weights, &format!("{name}.output"))?,
                })
            })
            .collect::<candle_core::Result<_>>()
            .context("the weights do not fit the settings")?;
        Ok(Network { settings: settings.clone(), order, input, trunk, heads })
    }

    /// The whole way of a batch: logits (N, 47) of each part, soprano first, in the rows that count.
    pub fn forward(&self, batch: &Batch, dropout: &mut Dropout) -> candle_core::Result<[Tensor; 4]> {
        let (pieces, steps) = batch.shape;
        let embedded = embed_sum(&self.input, &batch.inputs)?;
        let embedded = dropout.apply(&embedded)?.reshape((pieces, steps, ()))?;
        let context = match &self.trunk {
            Trunk::Wavenet(wavenet) => wavenet.forward(&embedded, dropout)?,
            Trunk::Lstm(lstm) => lstm.forward(&embedded, dropout)?,
        };
        let context = context.flatten(0, 1)?.index_select(&batch.rows, 0)?; // (N, context)
        let context = dropout.apply(&context)?;
        let mut logits = [const { None }; 4];
        for ((head, rows), group_outputs) in self.heads.iter().zip(&batch.heads).zip(&batch.group_outputs) {
            logits[head.part.index()] = Some(head.forward(&context, rows, group_outputs, dropout)?);
        }
        Ok(logits.map(|logits| logits.expect("the order names every part")))
    }
}

impl Head {
    /// context (N, context), the rows of its tokens and the outputs of its groups → logits (N, 47).
    fn forward(
        &self,
        context: &Tensor,
        rows: &Rows,
        group_outputs: &Rows,
        dropout: &mut Dropout,
    ) -> candle_core::Result<Tensor> {
        let tokens = embed_sum(&self.tokens, rows)?;
        let hidden = dropout.apply(&(self.context.forward(context)? + tokens)?.relu()?)?;
        grouped_logits(&self.output.forward(&hidden)?, group_outputs)
    }
}
