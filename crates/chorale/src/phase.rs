/// Where a step stands in its bar, as the networks hear it.
///
/// 0..=15 are the sixteenths of a bar of four quarters. When nobody knows where the bar begins (a file without
/// metre, free playing, other metres), 16..=19 give only the sixteenth within the beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Phase(u8);

impl Phase {
    pub const COUNT: usize = 20;
    pub const STEPS_PER_BEAT: usize = 4;
    pub const STEPS_PER_BAR: usize = 16;

    /// `step` counts sixteenths from a downbeat.
    pub const fn in_bar(step: usize) -> Phase {
        Phase((step % Self::STEPS_PER_BAR) as u8)
    }

    /// `step` counts sixteenths from any beat; the place in the bar stays unknown.
    pub const fn in_beat(step: usize) -> Phase {
        Phase((Self::STEPS_PER_BAR + step % Self::STEPS_PER_BEAT) as u8)
    }

    /// Where the step stands that comes so many steps before.
    pub const fn before(self, steps: usize) -> Phase {
        let index = self.index();
        let (first, count) = if index < Self::STEPS_PER_BAR {
            (0, Self::STEPS_PER_BAR)
        } else {
            (Self::STEPS_PER_BAR, Self::STEPS_PER_BEAT)
        };
        Phase((first + (index - first + count - steps % count) % count) as u8)
    }

    pub const fn index(self) -> usize {
        self.0 as usize
    }

    pub const fn is_on_beat(self) -> bool {
        self.0.is_multiple_of(Self::STEPS_PER_BEAT as u8)
    }

    /// Two steps after a beat.
    pub const fn is_half_beat(self) -> bool {
        self.0 % Self::STEPS_PER_BEAT as u8 == 2
    }
}
