//! An instrument that is heard in blocks, each message at its own frame.

use crate::instrument::Instrument;

/// Allocates in [`BlockSound::new`] only.
pub struct BlockSound {
    instrument: Instrument,
    /// Left, right, left, ... of the present block.
    stereo: Vec<f32>,
    /// Frames of the present block that are done.
    rendered: usize,
}

impl BlockSound {
    /// `most_frames`: of the longest block; what a longer one has beyond is not rendered.
    pub fn new(instrument: Instrument, most_frames: usize) -> BlockSound {
        BlockSound { instrument, stereo: vec![0.0; 2 * most_frames], rendered: 0 }
    }

    pub fn begin_block(&mut self) {
        self.rendered = 0;
    }

    /// The instrument as it is at a frame: what comes before is rendered. Frames may not descend.
    pub fn at(&mut self, frame: usize) -> &mut Instrument {
        self.render_until(frame);
        &mut self.instrument
    }

    /// The instrument, which nobody hears just now.
    pub fn unheard(&mut self) -> &mut Instrument {
        &mut self.instrument
    }

    /// Renders what is not done yet before that frame.
    pub fn render_until(&mut self, frame: usize) {
        let until = frame.min(self.stereo.len() / 2);
        if self.rendered < until {
            self.instrument.render(&mut self.stereo[2 * self.rendered..2 * until]);
            self.rendered = until;
        }
    }

    /// What is done of the block, left and right.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = [f32; 2]> {
        self.stereo[..2 * self.rendered].chunks_exact(2).map(|frame| [frame[0], frame[1]])
    }
}
