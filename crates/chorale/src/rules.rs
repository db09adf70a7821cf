//! Rules of four-part writing, and habits of Bach's that are no rules: each can be told from a chord and what came
//! before it, without looking ahead.

/// Declares [`Rule`] with the name and the term of each, once.
macro_rules! rules {
    ($(#[$meta:meta])* pub enum Rule { $($(#[$rule_meta:meta])* $rule:ident = $name:literal, $term:literal;)* }) => {
        $(#[$meta])*
        pub enum Rule { $($(#[$rule_meta])* $rule,)* }

        impl Rule {
            pub const ALL: [Rule; Rule::COUNT] = [$(Rule::$rule),*];
            pub const COUNT: usize = [$($name),*].len();

            /// Short and in kebab case, for command lines and JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Rule::$rule => $name),* }
            }

            /// What a textbook calls that which is counted; plain words where it has none.
            pub const fn term(self) -> &'static str {
                match self { $(Rule::$rule => $term),* }
            }
        }
    };
}

rules! {
    /// What a chord can do against a rule or a habit. How often Bach does is found by `performer report`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Rule {
        /// Two parts go the same way from one perfect fifth (any octave) to another. (Fux, Gradus ad Parnassum, 1725, I)
        ParallelFifths = "parallel-fifths", "parallel fifths";
        /// The same for octaves and unisons.
        ParallelOctaves = "parallel-octaves", "parallel octaves and unisons";
        /// Parallel fifths, octaves or unisons between the chords of one beat and the next, whatever lies between.
        /// (Kirnberger, Die Kunst des reinen Satzes, 1771)
        BeatParallels = "beat-parallels", "parallels between successive beats";
        /// Soprano and bass go the same way into a perfect fifth or octave, the soprano by a leap.
        /// (Aldwell & Schachter, Harmony and Voice Leading, ch. 5)
        DirectFifthsOctaves = "direct-fifths-octaves", "direct (hidden) fifths and octaves";
        /// A part above the next higher one. (Aldwell & Schachter, ch. 5)
        Crossing = "crossing", "voice crossing";
        /// A part moves beyond where its neighbour was just before. (the same)
        Overlap = "overlap", "voice overlap";
        /// More than an octave between soprano and alto or between alto and tenor. (the same)
        Spacing = "spacing", "more than an octave between upper parts";
        /// A lower part leaps by a tritone, a seventh or more than an octave. (the same)
        ForbiddenLeap = "forbidden-leap", "leap of a tritone, seventh or beyond the octave";
        /// Alto or tenor leaps by more than a fourth, the bass by a sixth.
        WideLeap = "wide-leap", "large leap in a lower part";
        /// A lower part among the lowest or highest two in a hundred of the notes that Bach gave it.
        Tessitura = "tessitura", "extreme of the range";
        /// Two parts on the leading tone, where the key is clear. (Aldwell & Schachter, ch. 6)
        DoubledLeadingTone = "doubled-leading-tone", "doubled leading tone";
        /// The seventh of a dominant seventh chord goes elsewhere than down by step, when it moves. (the same, ch. 8)
        UnresolvedSeventh = "unresolved-seventh", "unresolved chordal seventh";
        /// A suspended part goes elsewhere than down by step, when it moves. (the same, ch. 21)
        UnresolvedSuspension = "unresolved-suspension", "unresolved suspension";
        /// On the beat: two pitch classes a semitone apart.
        SemitoneDissonance = "clash", "semitone dissonance";
        /// On the beat: a part stays on a dissonance that becomes a triad or seventh chord if it goes down by step.
        Suspension = "suspension", "suspension";
        /// On the beat: neither triad nor seventh chord nor a part of a triad nor a suspension.
        Unclassified = "foreign", "unclassified sonority";
        /// On the beat: a seventh chord, or a diminished or augmented triad.
        Tension = "tension", "seventh chord or dissonant triad";
        /// On the beat: a triad without its third or fifth.
        IncompleteTriad = "hollow", "incomplete triad";
        /// Off the beat, where the chord changes: two pitch classes a semitone apart.
        PassingSemitoneDissonance = "passing-clash", "unaccented semitone dissonance";
        /// Off the beat, where the chord changes: neither triad nor seventh chord nor a part of a triad.
        PassingUnclassified = "passing-foreign", "unaccented unclassified sonority";
        /// The soprano moves, and no other part does.
        AloneSoprano = "alone-soprano", "soprano moving alone (oblique motion)";
        /// The soprano stays, and another part moves, on the beat.
        UnderHeldSoprano = "under-held-soprano", "chord change under a held soprano";
        /// On the beat: the alto has the pitch that it had a beat ago. The same of the tenor and of the bass.
        StaticAlto = "static-alto", "repeated or held alto";
        StaticTenor = "static-tenor", "repeated or held tenor";
        StaticBass = "static-bass", "repeated or held bass";
        /// On the beat: all four parts have the pitches that they had a beat ago.
        StaticChord = "static-chord", "repeated or held chord";
        /// The chord changes on the half beat.
        HalfBeat = "half-beat", "chord change on the half beat";
        /// The alto moves on the half beat. The same of the tenor and of the bass.
        EighthAlto = "eighth-alto", "eighth-note motion in the alto";
        EighthTenor = "eighth-tenor", "eighth-note motion in the tenor";
        EighthBass = "eighth-bass", "eighth-note motion in the bass";
        /// A lower part moves on the first or last quarter of the beat, in sixteenths.
        Sixteenth = "sixteenth", "sixteenth-note motion";
        /// On the beat: a lower part keeps its pitch for the fourth beat or longer.
        Stuck = "stuck", "long-held note in a lower part";
        /// A lower part goes back to the pitch that it came from.
        ReturningMotion = "return", "returning (neighbour) motion";
        /// All four parts move the same way.
        AllTogether = "all-together", "similar motion of all four parts";
        /// A lower part moves though the soprano has held for two beats or longer.
        Restless = "restless", "motion under a long soprano note";
        /// On the beat: no consonance, though the soprano has held for two beats or longer.
        UnsettledHold = "unsettled-hold", "dissonance under a long soprano note";
        /// No major or minor triad over its root, though the soprano has held for two beats or longer.
        OpenHold = "open-hold", "no root-position triad under a long soprano note";
        /// On the beat: a triad over its third.
        FirstInversion = "first-inversion", "triad in first inversion";
        /// On the beat: a triad over its fifth.
        SecondInversion = "second-inversion", "triad in second inversion";
        /// On the beat: a triad whose third sounds in two parts.
        DoubledThird = "doubled-third", "doubled third";
        /// Two neighbouring parts on one pitch.
        Unison = "unison", "unison of adjacent parts";
        /// More than an octave between tenor and bass.
        TenorBassSpacing = "deep-bass", "tenor-bass spacing beyond an octave";
        /// The bass moves by a second. After it: by a fourth or fifth, by an octave.
        BassStep = "bass-step", "stepwise motion in the bass";
        BassFourth = "bass-fourth", "bass leap of a fourth or fifth";
        BassOctave = "bass-octave", "octave leap in the bass";
        /// Alto or tenor moves by a third.
        InnerThird = "inner-third", "leap of a third in an inner part";
        /// Soprano and bass move in opposite ways.
        ContraryOuter = "contrary-outer", "contrary motion of the outer parts";
        /// Soprano and bass move the same way.
        SimilarOuter = "similar-outer", "similar motion of the outer parts";
        /// On the beat: the root falls by a fifth (or rises by a fourth) from that of the last beat's chord. After it: falls
        /// by a second, rises by a third. The first is the usual way, the others go against it. (Piston, Harmony, 1941,
        /// ch. 2)
        RootFallingFifth = "root-falling-fifth", "root falling by a fifth";
        RootFallingSecond = "root-falling-second", "root falling by a second";
        RootRisingThird = "root-rising-third", "root rising by a third";
        /// On the beat: a pitch outside the scale of the key of all that has sounded so far.
        Chromatic = "chromatic", "non-diatonic note";
        /// The next four count as often as the phrase's end is likely for who knows only the past: from once, where it is so in
        /// a fifth of such places, to four times. A lower part moves while the soprano stays.
        PhraseEndMotion = "phrase-end-motion", "motion at a likely phrase end";
        /// On the beat: no triad over its root.
        PhraseEndChord = "phrase-end-chord", "no root-position triad at a likely phrase end";
        /// On the beat: a triad over its root that comes from its dominant, over its root too.
        AuthenticCadence = "authentic-cadence", "authentic cadence at a likely phrase end";
        /// A beat or half a beat before the end: such a dominant of a degree on which phrases end.
        CadentialDominant = "cadential-dominant", "root-position dominant before a likely phrase end";
        /// On the beat: the soprano has the pitch that it had a beat ago.
        StaticSoprano = "static-soprano", "repeated or held soprano";
        /// The soprano moves on the half beat.
        EighthSoprano = "eighth-soprano", "eighth-note motion in the soprano";
        /// The soprano moves by more than a second.
        SopranoLeap = "soprano-leap", "leap in the soprano";
    }
}

impl Rule {
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The inverse of [`Rule::name`].
    pub fn from_name(name: &str) -> Option<Rule> {
        Rule::ALL.into_iter().find(|rule| rule.name() == name)
    }

    /// Whether a textbook forbids it; the others are habits, of which only the frequency matters.
    pub const fn is_textbook(self) -> bool {
        self.index() <= Rule::UnresolvedSuspension.index()
    }

    /// Whether a teacher marks it: the rules of the textbooks, without wide leaps and high or low notes, which Bach writes
    /// daily.
    pub const fn is_marked(self) -> bool {
        self.is_textbook() && !matches!(self, Rule::WideLeap | Rule::Tessitura)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_place_and_a_name_of_its_own() {
        for (index, rule) in Rule::ALL.into_iter().enumerate() {
            assert_eq!((rule.index(), Rule::from_name(rule.name())), (index, Some(rule)));
            assert_eq!(Rule::ALL.iter().filter(|other| other.term() == rule.term()).count(), 1, "{}", rule.term());
        }
        assert_eq!(Rule::from_name("parallel-sixths"), None);
    }
}
