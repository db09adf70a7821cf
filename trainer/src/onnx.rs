//! Steps an exported network with tract, as anybody could who has nothing but the file.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use chorale::{Chord, FeatureTracker, Phase, StepFeatures, Token};
use contract::graph::HEARD;
use contract::{StateContract, metadata};
use tract_onnx::prelude::*;

use crate::dataset::CorpusPiece;
use crate::likelihood::{self, Likelihood, Told};

/// An exported network, run with tract for one sequence (N = 1), teacher-forced.
pub struct Runner {
    plan: Arc<TypedRunnableModel>,
    state: StateContract,
}

/// What changes from step to step.
pub struct RunnerState {
    hearing: FeatureTracker,
    trunk: TrunkState,
}

enum TrunkState {
    /// A queue a layer, the oldest entry first.
    Queues(Vec<VecDeque<Vec<f32>>>),
    Recurrent {
        h: Vec<f32>,
        c: Vec<f32>,
    },
}

impl Runner {
    /// # Errors
    /// When tract cannot read the file or it does not keep the contract.
    pub fn new(bytes: &[u8]) -> Result<Runner> {
        let onnx = tract_onnx::onnx();
        let proto = onnx.proto_model_for_read(&mut &bytes[..]).map_err(|error| anyhow!("{error:#}"))?;
        let entry = proto
            .metadata_props
            .iter()
            .find(|entry| entry.key == metadata::STATE)
            .context("the metadata have no entry 'state': not exported by `trainer export`")?;
        let state: StateContract = serde_json::from_str(&entry.value).context("the metadata entry 'state'")?;
        let has_heard = proto.graph.as_ref().is_some_and(|graph| graph.input.iter().any(|input| input.name == HEARD));
        ensure!(has_heard, "it has no input 'heard': an earlier trainer exported it; train and export it anew");
        let build = || -> TractResult<Arc<TypedRunnableModel>> {
            let model = onnx.model_for_proto_model(&proto)?;
            let batch = model.symbols.sym("N");
            model.into_typed()?.set_symbols(&HashMap::from([(batch, 1.to_dim())]))?.into_optimized()?.into_runnable()
        };
        let plan = build().map_err(|error| anyhow!("tract cannot run the network: {error:#}"))?;
        Ok(Runner { plan, state })
    }

    pub fn start(&self) -> RunnerState {
        let trunk = match &self.state {
            StateContract::Queues { channels, kernel, dilations, .. } => TrunkState::Queues(
                dilations
                    .iter()
                    .map(|dilation| VecDeque::from(vec![vec![0.0; *channels]; (kernel - 1) * dilation]))
                    .collect(),
            ),
            StateContract::Recurrent { layers, hidden, .. } => {
                TrunkState::Recurrent { h: vec![0.0; layers * hidden], c: vec![0.0; layers * hidden] }
            }
        };
        RunnerState { hearing: FeatureTracker::new(), trunk }
    }

    /// One step: the logits (4 · 47, soprano first) of `now`, each part given those chosen before it.
    ///
    /// # Errors
    /// When tract fails.
    pub fn step(&self, state: &mut RunnerState, before: Chord, phase: Phase, now: Chord) -> Result<Vec<f32>> {
        self.run(state, before, phase, now).map_err(|error| anyhow!("tract: {error:#}"))
    }

    fn run(&self, state: &mut RunnerState, before: Chord, phase: Phase, now: Chord) -> TractResult<Vec<f32>> {
        let tokens = |chord: Chord| tensor2(&[chord.0.map(|token| token.index() as i64)]);
        let heard: Vec<i64> = state.hearing.step(before, phase).words().map(|word| word as i64).into();
        let mut inputs = tvec!(
            tokens(before).into_tvalue(),
            tensor1(&[phase.index() as i64]).into_tvalue(),
            tokens(now).into_tvalue(),
            Tensor::from_shape(&[1, StepFeatures::WORDS], &heard)?.into_tvalue()
        );
        match (&state.trunk, &self.state) {
            (TrunkState::Queues(queues), StateContract::Queues { channels, kernel, dilations, .. }) => {
                let mut taps = Vec::with_capacity(queues.len() * (kernel - 1) * channels);
                for (queue, dilation) in queues.iter().zip(dilations) {
                    for back in 0..kernel - 1 {
                        taps.extend_from_slice(&queue[back * dilation]);
                    }
                }
                inputs.push(Tensor::from_shape(&[1, queues.len() * (kernel - 1), *channels], &taps)?.into_tvalue());
            }
            (TrunkState::Recurrent { h, c }, StateContract::Recurrent { layers, hidden, .. }) => {
                for values in [h, c] {
                    inputs.push(Tensor::from_shape(&[1, *layers, *hidden], values)?.into_tvalue());
                }
            }
            _ => tract_onnx::tract_core::internal::bail!("a state of another network"),
        }
        let outputs = self.plan.run(inputs)?;
        let values = |index: usize| -> TractResult<Vec<f32>> {
            Ok(outputs[index].try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
        };
        match &mut state.trunk {
            TrunkState::Queues(queues) => {
                let pushes = values(2)?;
                let channels = pushes.len() / queues.len();
                for (queue, push) in queues.iter_mut().zip(pushes.chunks(channels)) {
                    queue.pop_front();
                    queue.push_back(push.to_vec());
                }
            }
            TrunkState::Recurrent { h, c } => (*h, *c) = (values(2)?, values(3)?),
        }
        values(0)
    }

    /// The likelihood of one piece, step by step from an empty state.
    ///
    /// # Errors
    /// When tract fails.
    pub fn likelihood(&self, piece: &CorpusPiece, told: Told) -> Result<Likelihood> {
        let mut state = self.start();
        let mut likelihood = Likelihood::default();
        let mut before = Chord::START;
        for (&chord, phase) in piece.chorale.chords.iter().zip(told.phases(piece)) {
            let logits = self.step(&mut state, before, phase, chord)?;
            ensure!(logits.len() == 4 * Token::VOCABULARY, "the output 'logits' has {} values", logits.len());
            let row = |part: usize| &logits[part * Token::VOCABULARY..][..Token::VOCABULARY];
            likelihood.add_step(before, chord, [row(0), row(1), row(2), row(3)]);
            before = chord;
        }
        Ok(likelihood)
    }
}

/// The likelihood of whole pieces by an ONNX file, a part of them in each of the threads.
///
/// # Errors
/// Names the file that cannot be read or run.
pub fn evaluate(path: &Path, pieces: &[CorpusPiece], told: Told, threads: usize) -> Result<Likelihood> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read '{}'", path.display()))?;
    let runner = Runner::new(&bytes).with_context(|| format!("'{}'", path.display()))?;
    likelihood::in_threads(pieces, threads, |pieces| {
        let mut sum = Likelihood::default();
        for piece in pieces {
            sum.add(&runner.likelihood(piece, told)?);
        }
        Ok(sum)
    })
}
