//! Notes that a lower part strikes alone on a sixteenth off the half beats. Bach lets them lead on: of 51,011 notes of the
//! lower parts in the training and validation chorales, eight are struck there and held over the next half beat. The networks
//! do it 27 times as often (22 of 5,195).

use chorale::{Chord, Part, Phase};

/// Nats for each part that holds such a note over the next half beat: about the logarithm of how much oftener the networks do.
const HELD_OVER_COST: f32 = 3.5;

/// Which parts have such a note.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OffBeat([bool; 4]);

impl OffBeat {
    /// Nats taken off a chord.
    pub fn cost(self, before: Chord, chord: Chord, phase: Phase) -> f32 {
        let is_held = |part: &Part| self.0[part.index()] && before[*part] == chord[*part];
        let held = Part::LOWER.into_iter().filter(is_held).count();
        if is_off(phase) { 0.0 } else { HELD_OVER_COST * held as f32 }
    }

    pub fn step(&mut self, before: Chord, chord: Chord, phase: Phase) {
        let is_alone = before != Chord::START && before[Part::Soprano] == chord[Part::Soprano];
        for part in Part::LOWER {
            let leads_on = &mut self.0[part.index()];
            let moves = before[part] != chord[part] && chord[part].pitch().is_some();
            *leads_on = is_off(phase) && (*leads_on || moves && is_alone);
        }
    }
}

/// In dotted beats the second eighth is off too.
fn is_off(phase: Phase) -> bool {
    !phase.index().is_multiple_of(2)
}

#[cfg(test)]
mod tests {
    use chorale::{Pitch, Token};

    use super::*;

    /// The cost of each step of a soprano and a bass, over a beat and a step.
    fn costs(soprano: [u8; 5], bass: [u8; 5]) -> [f32; 5] {
        let token = |midi: u8| Pitch::new(midi).and_then(Token::from_pitch).unwrap();
        let (mut off_beat, mut before) = (OffBeat::default(), Chord::START);
        std::array::from_fn(|step| {
            let chord = Chord([soprano[step], 67, 64, bass[step]].map(token));
            let phase = Phase::in_beat(step);
            let cost = off_beat.cost(before, chord, phase);
            off_beat.step(before, chord, phase);
            before = chord;
            cost
        })
    }

    #[test]
    fn what_is_struck_alone_off_the_half_beat_must_lead_on() {
        let held = HELD_OVER_COST;
        assert_eq!(costs([72; 5], [48, 50, 50, 50, 50]), [0.0, 0.0, held, 0.0, 0.0]);
        assert_eq!(costs([72; 5], [48, 48, 50, 52, 52]), [0.0, 0.0, 0.0, 0.0, held]);
        assert_eq!(costs([72; 5], [48, 50, 52, 53, 55]), [0.0; 5], "a run");
        assert_eq!(costs([72; 5], [48, 48, 50, 50, 52]), [0.0; 5], "eighths");
        assert_eq!(costs([72, 72, 72, 74, 76], [48, 48, 48, 50, 50]), [0.0; 5], "with a dotted soprano");
    }
}
