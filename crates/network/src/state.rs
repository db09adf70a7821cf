use arithmetic::Needed;
use chorale::{Chord, FeatureTracker, columns};
use contract::StateContract;

use crate::conv_queue::ConvQueue;
use crate::head::HeadScratch;
use crate::model::ModelError;

/// What a network remembers of the steps so far.
pub struct State {
    pub(crate) tracker: FeatureTracker,
    pub(crate) memory: Memory,
}

impl Clone for State {
    fn clone(&self) -> State {
        State { tracker: self.tracker.clone(), memory: self.memory.clone() }
    }

    /// Takes no new memory where both are of one network.
    fn clone_from(&mut self, other: &State) {
        let State { tracker, memory } = self;
        tracker.clone_from(&other.tracker);
        match (memory, &other.memory) {
            (Memory::Queues(queues), Memory::Queues(others)) => queues.clone_from(others),
            (Memory::Recurrent { h, c }, Memory::Recurrent { h: other_h, c: other_c }) => {
                h.clone_from(other_h);
                c.clone_from(other_c);
            }
            (memory, other) => *memory = other.clone(),
        }
    }
}

#[derive(Clone)]
pub(crate) enum Memory {
    /// Of each block.
    Queues(Vec<ConvQueue>),
    /// (layers · hidden) each.
    Recurrent { h: Vec<f32>, c: Vec<f32> },
}

impl State {
    /// Before the first step.
    pub(crate) fn new(contract: &StateContract) -> State {
        let memory = match contract {
            StateContract::Queues { channels, kernel, dilations, .. } => Memory::Queues(
                dilations.iter().map(|dilation| ConvQueue::new((kernel - 1) * dilation, *channels)).collect(),
            ),
            StateContract::Recurrent { layers, hidden, .. } => {
                let zeros = vec![0.0; layers * hidden];
                Memory::Recurrent { h: zeros.clone(), c: zeros }
            }
        };
        State { tracker: FeatureTracker::new(), memory }
    }

    pub(crate) fn queues(&mut self) -> Result<&mut Vec<ConvQueue>, ModelError> {
        match &mut self.memory {
            Memory::Queues(queues) => Ok(queues),
            Memory::Recurrent { .. } => Err(ModelError::foreign_state()),
        }
    }

    /// h and c.
    pub(crate) fn recurrent(&mut self) -> Result<(&mut Vec<f32>, &mut Vec<f32>), ModelError> {
        match &mut self.memory {
            Memory::Recurrent { h, c } => Ok((h, c)),
            Memory::Queues(_) => Err(ModelError::foreign_state()),
        }
    }
}

/// What the trunk hands to the heads: all that the network knows before the soprano of the step sounds. One is enough
/// for a whole piece; used again, it takes no new memory.
#[derive(Default)]
pub struct Context {
    /// Of each state, the [`columns`] that trunk and heads share.
    pub(crate) words: Vec<[u8; columns::COUNT]>,
    /// (states, width).
    pub(crate) values: Vec<f32>,
    /// Behind rectified units, which of the values are not zero.
    pub(crate) needed: Needed,
    pub(crate) trunk: TrunkScratch,
    pub(crate) heads: HeadScratch,
}

impl Clone for Context {
    fn clone(&self) -> Context {
        let mut context = Context::default();
        context.clone_from(self);
        context
    }

    /// Keeps the memory that it works in.
    fn clone_from(&mut self, other: &Context) {
        let Context { words, values, needed, trunk: _, heads } = self;
        words.clone_from(&other.words);
        values.clone_from(&other.values);
        needed.clone_from(&other.needed);
        heads.clone_from(&other.heads);
    }
}

impl Context {
    /// Takes the memory that another one has worked in, for its own, so that what lies near the processor is used again.
    pub fn take_memory_of(&mut self, other: &mut Context) {
        std::mem::swap(&mut self.trunk, &mut other.trunk);
        std::mem::swap(&mut self.heads, &mut other.heads);
        self.heads.forget_bases();
        other.heads.forget_bases();
    }
}

/// What a trunk works a step out in, kept for the next.
#[derive(Default)]
pub(crate) struct TrunkScratch {
    /// A WaveNet's path from block to block: (states, channels).
    pub x: Vec<f32>,
    /// What a layer multiplies: (states, kernel · channels), or (states, hidden or 2 · hidden).
    pub window: Vec<f32>,
    /// (states, 2 · channels), or (states, 4 · hidden).
    pub gates: Vec<f32>,
    /// A block's: (states, channels).
    pub units: Vec<f32>,
    /// All blocks' units: (states, blocks · channels).
    pub gathered: Vec<f32>,
    /// Of an embedding's table, one for each feature.
    pub rows: Vec<u32>,
}

/// What a head is asked about: a state, and the present chord as far as it is chosen.
#[derive(Clone, Copy)]
pub struct Row {
    /// Its place among the states of the step.
    pub state: usize,
    pub given: Chord,
}

/// The words of a step as the trunk reads them.
pub(crate) fn with_phase(words: &[u8; columns::COUNT], phase: u8) -> [u8; columns::COUNT + 1] {
    let mut all = [phase; columns::COUNT + 1];
    all[..columns::PHASE].copy_from_slice(words);
    all
}

/// The words of a step as the heads read them: with the present chord, as far as it is chosen.
pub(crate) fn with_given(words: &[u8; columns::COUNT], given: Chord) -> [u8; columns::COUNT + 4] {
    let mut all = [0; columns::COUNT + 4];
    all[..columns::GIVEN].copy_from_slice(words);
    all[columns::GIVEN..].copy_from_slice(&given.0.map(|token| token.index() as u8));
    all
}
