//! What is played along with the melody: whether there is an accompaniment, and how far below.

use chorale::Pitch;

/// From this share of sopranos with company on, a low key is first taken for an accompaniment.
const USUAL: f64 = 0.2;
/// How fast the share is learned, a soprano.
const LEARNING: f64 = 0.4;

pub struct Company {
    /// Share of the last sopranos that were struck together with lower keys.
    share: f64,
    /// Semitones from those sopranos down to the highest key that went with them.
    distance: u8,
    /// The last soprano, also in a silence, and the nearest key that went with it.
    soprano: Option<Pitch>,
    nearest: Option<u8>,
    /// The nearest key that came just before the next soprano.
    leading: Option<u8>,
}

impl Company {
    pub fn new() -> Company {
        Company { share: 0.0, distance: 0, soprano: None, nearest: None, leading: None }
    }

    /// Whether nothing has been played yet.
    pub fn is_new(&self) -> bool {
        self.soprano.is_none()
    }

    /// A key was struck just after the soprano with which it goes.
    pub fn joins(&mut self, below: Pitch, melody: Pitch) {
        self.nearest = nearer(self.nearest, below, melody);
    }

    /// A key was struck just before the soprano with which it goes, which begins now.
    pub fn leads(&mut self, below: Pitch, melody: Pitch) {
        self.leading = nearer(self.leading, below, melody);
        // It may have been taken for the soprano itself.
        if self.soprano == Some(below) {
            self.nearest = self.leading;
        }
    }

    /// A soprano begins.
    pub fn soprano(&mut self, pitch: Pitch) {
        if self.soprano.is_some() {
            self.share += LEARNING * (f64::from(u8::from(self.nearest.is_some())) - self.share);
        }
        if let Some(nearest) = self.nearest {
            // A nearer hand is believed at once.
            let is_nearer = self.distance == 0 || nearest < self.distance;
            self.distance = if is_nearer { nearest } else { self.distance.midpoint(nearest) };
        }
        self.soprano = Some(pitch);
        self.nearest = self.leading.take();
    }

    /// Whether a key is rather an accompaniment than the melody: nearer to where that has been.
    pub fn is_likely(&self, pitch: Pitch) -> bool {
        let below = |soprano: Pitch| soprano.midi().saturating_sub(pitch.midi());
        self.share >= USUAL && self.soprano.is_some_and(|soprano| below(soprano) > self.distance / 2)
    }
}

fn nearer(nearest: Option<u8>, below: Pitch, melody: Pitch) -> Option<u8> {
    let distance = melody.midi().saturating_sub(below.midi());
    Some(nearest.map_or(distance, |nearest| nearest.min(distance)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pitch(midi: u8) -> Pitch {
        Pitch::new(midi).unwrap()
    }

    #[test]
    fn an_accompaniment_is_remembered_for_some_notes_and_forgotten_by_a_line_without_one() {
        let mut company = Company::new();
        for soprano in [72, 74, 76] {
            company.leads(pitch(soprano - 24), pitch(soprano));
            company.soprano(pitch(soprano));
            company.joins(pitch(soprano - 8), pitch(soprano));
        }
        company.soprano(pitch(77));
        assert!(company.is_likely(pitch(69)) && company.is_likely(pitch(50)));
        assert!(!company.is_likely(pitch(74)), "nearer to the melody");
        for soprano in [76, 74, 72, 71] {
            company.soprano(pitch(soprano));
        }
        assert!(!company.is_likely(pitch(60)));
    }
}
