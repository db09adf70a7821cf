use chorale::Part;

use crate::head::Head;
use crate::lstm::Lstm;
use crate::model::ModelError;
use crate::state::{Context, Row, State};
use crate::wavenet::Wavenet;

/// A network of the trainer's, in arithmetic of our own: a step as a handful of matrix products, without a graph in
/// between.
///
/// What tract runs node by node is known here beforehand ([`crate::recipe`] makes sure that a file holds exactly it), so
/// that nothing is copied, gathered or shaped that need not be. Numbers differ from tract's by the order of sums only.
pub(crate) struct Layers {
    pub trunk: Trunk,
    /// By [`Part::index`].
    pub heads: [Head; 4],
}

pub(crate) enum Trunk {
    Wavenet(Wavenet),
    Lstm(Lstm),
}

impl Layers {
    /// Moves the states on and puts what they know into `context`, whose words are those of the step.
    ///
    /// # Errors
    /// When a state belongs to another network.
    pub fn step(&self, states: &mut [&mut State], phase: u8, context: &mut Context) -> Result<(), ModelError> {
        context.heads.forget_bases();
        match &self.trunk {
            Trunk::Wavenet(wavenet) => wavenet.step(states, phase, context),
            Trunk::Lstm(lstm) => lstm.step(states, phase, context),
        }
    }

    /// Adds to `logits` 47 for each row.
    pub fn logits(&self, part: Part, context: &mut Context, asked: &[Row], logits: &mut Vec<f32>) {
        let Context { words, values, needed, heads, .. } = context;
        let needed = match self.trunk {
            Trunk::Wavenet(_) => Some(&*needed),
            Trunk::Lstm(_) => None,
        };
        self.heads[part.index()].logits(part, (values, needed), words, asked, heads, logits);
    }
}
