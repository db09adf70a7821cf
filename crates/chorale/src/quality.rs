/// What kind of chord stands on a root: the one table of triads and seventh chords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quality {
    Major,
    Minor,
    Diminished,
    Augmented,
    DominantSeventh,
    MinorSeventh,
    MajorSeventh,
    HalfDiminished,
    DiminishedSeventh,
    MinorMajorSeventh,
    AugmentedMajorSeventh,
}

impl Quality {
    pub(crate) const ALL: [Quality; 11] = [
        Quality::Major,
        Quality::Minor,
        Quality::Diminished,
        Quality::Augmented,
        Quality::DominantSeventh,
        Quality::MinorSeventh,
        Quality::MajorSeventh,
        Quality::HalfDiminished,
        Quality::DiminishedSeventh,
        Quality::MinorMajorSeventh,
        Quality::AugmentedMajorSeventh,
    ];

    /// Those by which a beat is named. The last two of all are seventh chords for the eye: what sounds so is nearly always
    /// another chord with a suspension or a passing note.
    pub(crate) const NAMED: [Quality; 9] = *Quality::ALL.first_chunk().unwrap();

    /// Semitones of the chord's notes above the root, the root itself first.
    pub const fn intervals(self) -> &'static [u8] {
        match self {
            Quality::Major => &[0, 4, 7],
            Quality::Minor => &[0, 3, 7],
            Quality::Diminished => &[0, 3, 6],
            Quality::Augmented => &[0, 4, 8],
            Quality::DominantSeventh => &[0, 4, 7, 10],
            Quality::MinorSeventh => &[0, 3, 7, 10],
            Quality::MajorSeventh => &[0, 4, 7, 11],
            Quality::HalfDiminished => &[0, 3, 6, 10],
            Quality::DiminishedSeventh => &[0, 3, 6, 9],
            Quality::MinorMajorSeventh => &[0, 3, 7, 11],
            Quality::AugmentedMajorSeventh => &[0, 4, 8, 11],
        }
    }

    /// A bit for each note of the chord, the root lowest.
    pub(crate) const fn mask(self) -> u16 {
        mask(self.intervals())
    }

    pub(crate) fn is_consonant_triad(self) -> bool {
        matches!(self, Quality::Major | Quality::Minor)
    }

    pub(crate) fn has_seventh(self) -> bool {
        self.intervals().len() == 4
    }

    pub(crate) fn has_major_third(self) -> bool {
        self.intervals()[1] == 4
    }

    /// Whether the same notes make the same chord on each of them, so that none is the root.
    pub(crate) fn is_symmetric(self) -> bool {
        matches!(self, Quality::Augmented | Quality::DiminishedSeventh)
    }
}

/// A bit for each pitch class or interval, the lowest bit for 0.
pub(crate) const fn mask(classes: &[u8]) -> u16 {
    let (mut mask, mut index) = (0, 0);
    while index < classes.len() {
        mask |= 1 << classes[index];
        index += 1;
    }
    mask
}
