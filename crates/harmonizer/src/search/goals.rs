//! The ends of phrases as goals of the search: which cadence each particle heads for, and what a chord on the way costs.
//!
//! The numbers are set by hand so that a cadence which the melody allows is nearly always reached: they are larger than
//! what any rule weighs, and smaller than what would force a chord of which the network knows nothing.

use std::cmp::Ordering;
use std::ops::Range;

use chorale::{Approach, Cadence, Chord, GivenChord, Key, Part, Phase, Pitch, Token};

use super::SearchStep;
use crate::phrasing::CadenceOption;

/// The end of a phrase.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// The step at which its last note begins, and the one after the note.
    pub arrival: usize,
    pub end: usize,
    /// The cadences that suit it; never empty.
    pub options: Vec<CadenceOption>,
}

impl Goal {
    /// Whether a chord is the last one of any of its cadences.
    pub fn is_reached(&self, chord: Chord) -> bool {
        let bass = chord[Part::Bass].pitch().map(Pitch::class);
        let is_it = |cadence: Cadence| Some(cadence.root) == bass && strangers(cadence, chord) == 0;
        self.options.iter().any(|option| is_it(option.cadence))
    }
}

/// Whether a first chord is the tonic, or the dominant where the soprano has no note of the tonic.
pub(super) fn begins_well(home: Key, chord: Chord) -> bool {
    opening_cost(home, Chord::START, chord) == 0.0
}

/// What a step is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Role {
    /// Nothing in particular.
    Within,
    /// The piece begins: from what it has heard so far the network cannot be sure of the key. A new piece keeps to its key so
    /// from beginning to end.
    Opening(Key),
    /// So many steps before the arrival, 1 to [`LEAD`]; 1 from the last step on at which parts may move.
    ///
    /// The last arrival `binds`, and where a part is silent every one: of three the leading tone would often be missing.
    Lead { goal: usize, left: usize, binds: bool },
    /// Under the last note.
    Rest { goal: usize },
}

/// Steps before an arrival in which its dominant is prepared: a beat.
const LEAD: usize = Phase::STEPS_PER_BEAT;

/// The last steps before an authentic arrival, which are the dominant's, and before a Phrygian one: half a beat.
const DOMINANT: usize = 2;

/// Steps of [`Role::Opening`]: four beats.
pub const OPENING: usize = 16;

/// The role of each step of a piece that begins in `home`; one whose soprano is to be found stays there.
pub(super) fn roles(steps: &[SearchStep], home: Option<Key>, goals: &[Goal]) -> Vec<Role> {
    let length = steps.len();
    let mut roles = vec![Role::Within; length];
    if let Some(home) = home {
        let is_new = steps.iter().any(|step| step.soprano.is_none());
        roles[..if is_new { length } else { OPENING.min(length) }].fill(Role::Opening(home));
    }
    let mut free = 0;
    for (goal, Goal { arrival, end, options }) in goals.iter().enumerate() {
        let lead = arrival - LEAD.min(arrival - free)..*arrival;
        // Where the parts must hold from there on, or an ornament follows, the last chord before the end begins earlier.
        let plain = lead.start..ornament(steps, lead.clone(), options).unwrap_or(lead.end);
        let last = plain.rev().find(|step| steps[*step].may_move).unwrap_or(lead.end.saturating_sub(1));
        for step in lead {
            let binds = goal + 1 == goals.len() || steps[step].limits.silent.is_some();
            roles[step] = Role::Lead { goal, left: 1 + last.saturating_sub(step), binds };
        }
        roles[*arrival..*end].fill(Role::Rest { goal });
        free = *end;
    }
    // Where the first phrase is shorter than a beat, the beginning counts.
    if let (Some(home), Some(first)) = (home, roles.first_mut()) {
        *first = Role::Opening(home);
    }
    roles
}

/// The step at which, before an end, the soprano leaves a note of the dominant by step for one outside it: "D E C" over V-I.
fn ornament(steps: &[SearchStep], mut lead: Range<usize>, options: &[CadenceOption]) -> Option<usize> {
    let cadence = options.first()?.cadence;
    let dominant = (cadence.approach == Approach::Authentic).then(|| dominant(cadence.root))?;
    let pitch = |step: usize| steps[step].soprano.and_then(Token::pitch);
    let last = pitch(lead.end.checked_sub(1)?)?;
    let before = lead.rfind(|step| pitch(*step) != Some(last))?;
    let is_it = |before: Pitch| before.midi().abs_diff(last.midi()) <= 2 && dominant.holds(before.class());
    (!dominant.holds(last.class()) && pitch(before).is_some_and(is_it)).then_some(before + 1)
}

/// The tonic of a key, however it is reached.
fn on_tonic(key: Key) -> Cadence {
    Cadence { root: key.tonic(), minor: key.minor, approach: Approach::Other }
}

/// The first chord of a piece under its soprano, if that is known: the tonic, or the dominant where the soprano has no note
/// of the tonic.
fn first_chord(home: Key, soprano: Option<Pitch>) -> Cadence {
    let tonic = on_tonic(home);
    match soprano.is_none_or(|soprano| tonic.holds(soprano.class())) {
        true => tonic,
        false => Cadence { root: (home.tonic() + 7) % 12, minor: false, approach: Approach::Other },
    }
}

/// The pitch class that the bass must have, if any. The first soprano is `None` where it is still to be found.
pub(super) fn bass_class(role: Role, cadence: Option<Cadence>, before: Chord, soprano: Option<Token>) -> Option<u8> {
    if let Role::Opening(home) = role {
        // A chord drawn here is never weighed against others, so that a cost alone lets a stray one through.
        let first = first_chord(home, soprano.and_then(Token::pitch));
        let is_in_it = |pitch: Pitch| first.holds(pitch.class()) || first.above(pitch.class()) == 10;
        let suits = soprano.is_none_or(|soprano| soprano.pitch().is_some_and(is_in_it));
        return (before == Chord::START && suits).then_some(first.root);
    }
    let cadence = cadence?;
    match (role, cadence.approach) {
        (Role::Rest { .. }, _) => Some(cadence.root),
        (Role::Lead { left: ..=DOMINANT, .. }, Approach::Authentic) => Some((cadence.root + 7) % 12),
        (Role::Lead { left: 1, .. }, Approach::Plagal) => Some((cadence.root + 5) % 12),
        (Role::Lead { left: ..=DOMINANT, .. }, Approach::Phrygian) => Some((cadence.root + 1) % 12),
        _ => None,
    }
}

/// The chord of which the lower parts must sing, if any: the tonic at the beginning, and before an arrival that binds the
/// dominant, or iv6 where it is Phrygian. They are heard too well for a cost: it would let the draw through that stands
/// against no others.
pub(super) fn chord(role: Role, cadence: Option<Cadence>, before: Chord, soprano: Token) -> Option<GivenChord> {
    let chord = match (role, cadence) {
        (Role::Opening(home), _) if before == Chord::START => tonic(home),
        (Role::Lead { left: ..=DOMINANT, binds: true, .. }, Some(Cadence { root, approach, .. })) => match approach {
            Approach::Authentic => dominant(root),
            Approach::Phrygian => given((root + 10) % 12, 3, &[0, 3, 7]),
            _ => return None,
        },
        _ => return None,
    };
    soprano.pitch().is_some_and(|soprano| chord.holds(soprano.class())).then_some(chord)
}

/// The whole tonic of a key.
pub(crate) fn tonic(home: Key) -> GivenChord {
    let tonic = on_tonic(home);
    given(tonic.root, tonic.third(), &[0, tonic.third(), 7])
}

/// The dominant of a root, with its leading tone; the seventh may sound.
pub(crate) fn dominant(root: u8) -> GivenChord {
    given((root + 7) % 12, 4, &[0, 4, 7, 10])
}

/// A chord that needs its root and third, over any of its notes.
fn given(root: u8, third: u8, classes: &[u8]) -> GivenChord {
    GivenChord {
        root,
        classes: classes.iter().fold(0, |classes, above| classes | 1 << ((root + above) % 12)),
        needed: 1 << root | 1 << ((root + third) % 12),
        bass: None,
    }
}

/// The pitch classes, one bit each, that a soprano which is still to be found may have.
pub(super) fn soprano_classes(role: Role, cadence: Option<Cadence>, before: Chord) -> u16 {
    const ALL: u16 = 0xfff;
    let above =
        |root: u8, degrees: &[u8]| degrees.iter().fold(0, |classes, degree| classes | 1 << ((root + degree) % 12));
    let triad = |cadence: Cadence| above(cadence.root, &[0, cadence.third(), 7]);
    match (role, cadence) {
        (Role::Opening(home), _) if before == Chord::START => triad(on_tonic(home)),
        (Role::Opening(home), _) => {
            (0..12).filter(|&class| home.has(class)).fold(0, |classes, class| classes | 1 << class)
        }
        (Role::Rest { .. }, Some(cadence)) => triad(cadence),
        (Role::Lead { left: 1, .. }, Some(Cadence { root, approach: Approach::Authentic, .. })) => {
            above(root, &[2, 5, 7, 11])
        }
        _ => ALL,
    }
}

/// Nats taken off a chord, for what the step is there for. `chord` is what is heard of it.
pub(super) fn cost(role: Role, cadence: Option<Cadence>, before: Chord, chord: Chord) -> f32 {
    match (role, cadence) {
        (Role::Opening(home), _) => opening_cost(home, before, chord),
        (Role::Lead { left, .. }, Some(cadence)) => lead_cost(cadence, left, chord) + outer_cost(left <= 1, chord),
        (Role::Rest { .. }, Some(cadence)) => rest_cost(cadence, before, chord) + outer_cost(true, chord),
        _ => outer_cost(false, chord),
    }
}

/// For each lower part that begins a note outside the key. By this, harmonizations of the validation sopranos begin with
/// notes of the key about as often as Bach's (tests/tests/report.rs prints both).
const FOREIGN_COST: f32 = 0.85;
/// For a first chord over another bass than the tonic, or than the fifth degree where the soprano has none of the tonic's
/// notes; and for each part that has no note of that chord.
const AWAY_COST: f32 = 3.0;
const AWAY_NOTE_COST: f32 = 1.0;
/// And where one of them has the third of the other mode: a piece in major does not begin in minor.
const OTHER_THIRD_COST: f32 = 6.0;

/// Nats for what doesn't belong to a beginning in a key.
pub fn opening_cost(home: Key, before: Chord, chord: Chord) -> f32 {
    let begins = |part: &Part| before == Chord::START || before[*part] != chord[*part];
    let pitches = Part::LOWER.into_iter().filter(begins).filter_map(|part| chord[part].pitch());
    let foreign = FOREIGN_COST * pitches.filter(|pitch| !home.has(pitch.class())).count() as f32;
    if before != Chord::START {
        return foreign + outer_cost(false, chord);
    }
    let first = first_chord(home, chord[Part::Soprano].pitch());
    let bass = chord[Part::Bass].pitch().is_some_and(|bass| bass.class() != first.root);
    let is_other_third =
        |part: Part| chord[part].pitch().is_some_and(|pitch| first.above(pitch.class()) == 7 - first.third());
    let third = if Part::LOWER.into_iter().any(is_other_third) { OTHER_THIRD_COST } else { 0.0 };
    let away = if bass { AWAY_COST } else { 0.0 };
    let lacks = if first.lacks_third(chord) { NO_THIRD_COST } else { 0.0 };
    foreign + third + away + lacks + outer_cost(true, chord) + AWAY_NOTE_COST * strangers(first, chord) as f32
}

/// Nats for a first chord in no key that is known.
pub fn unknown_opening_cost(chord: Chord) -> f32 {
    let Some(bass) = chord[Part::Bass].pitch() else { return 0.0 };
    let major = Cadence { root: bass.class(), minor: false, approach: Approach::Other };
    let soprano = chord[Part::Soprano].pitch().is_none_or(|soprano| major.holds(soprano.class()));
    let is_it = soprano && !major.lacks_third(chord) && strangers(major, chord) == 0;
    if is_it { 0.0 } else { AWAY_COST + 2.0 * AWAY_NOTE_COST }
}

/// Lower parts with no note of the chord.
fn strangers(cadence: Cadence, chord: Chord) -> usize {
    let pitches = Part::LOWER.into_iter().filter_map(|part| chord[part].pitch());
    pitches.filter(|pitch| !cadence.holds(pitch.class())).count()
}

/// Another part above the soprano, which then is not what one hears as the tune: under Bach's sopranos on one step of 450,
/// and oftener under lower tunes if nothing were taken off.
const OVER_COST: f32 = 0.75;
/// The same in the first chord, the last one before an end or that of the end, and there another below the bass: it is no
/// longer over its root.
const OVER_END_COST: f32 = 2.0;
const UNDER_END_COST: f32 = 9.0;

/// Nats for a chord whose outer parts are not its outer notes.
fn outer_cost(is_end: bool, chord: Chord) -> f32 {
    let is_beyond = |outer: Part, order: Ordering| {
        let of = |part: Part| chord[part].pitch();
        Part::ALL.into_iter().any(|part| of(part).zip(of(outer)).is_some_and(|(one, outer)| one.cmp(&outer) == order))
    };
    let cost = |is: bool, cost: f32| if is { cost } else { 0.0 };
    cost(is_end && is_beyond(Part::Bass, Ordering::Less), UNDER_END_COST)
        + cost(is_beyond(Part::Soprano, Ordering::Greater), if is_end { OVER_END_COST } else { OVER_COST })
}

/// A dominant that comes late in its beat, and one without its bass just before the end.
const LATE_COST: f32 = 0.6;
const NO_BASS_COST: f32 = 1.5;
/// The last chord before the end without a leading tone, and each lower part that has another note than it should.
const NO_LEADING_TONE_COST: f32 = 3.0;
const OTHER_NOTE_COST: f32 = 1.5;
/// Each leading tone but one, and each of a lower part that neither rises to the root nor falls to the fifth.
const DOUBLED_LEADING_TONE_COST: f32 = 4.0;
const LEFT_LEADING_TONE_COST: f32 = 2.0;
/// Another approach than the one that was to be taken.
const OTHER_APPROACH_COST: f32 = 2.0;

fn lead_cost(cadence: Cadence, left: usize, chord: Chord) -> f32 {
    let above = |part: Part| chord[part].pitch().map(|pitch| cadence.above(pitch.class()));
    let is_last = left == 1;
    let has = |degree: u8| Part::ALL.into_iter().any(|part| above(part) == Some(degree));
    let others = |degrees: &[u8]| {
        let lower = Part::LOWER.into_iter().filter_map(above);
        OTHER_NOTE_COST * lower.filter(|degree| !degrees.contains(degree)).count() as f32
    };
    let bass = above(Part::Bass);
    let cost = |is: bool, cost: f32| if is { cost } else { 0.0 };
    match cadence.approach {
        Approach::Authentic if is_last => {
            let leading = Part::ALL.into_iter().filter(|part| above(*part) == Some(11)).count();
            others(&[7, 11, 2, 5])
                + cost(leading == 0, NO_LEADING_TONE_COST)
                + DOUBLED_LEADING_TONE_COST * leading.saturating_sub(1) as f32
        }
        Approach::Authentic => cost(bass != Some(7), if left == 2 { NO_BASS_COST } else { LATE_COST }),
        Approach::Leading if is_last => {
            others(&[7, 11, 2, 5, 8, 9])
                + cost(!has(11), NO_LEADING_TONE_COST)
                + cost(matches!(bass, Some(0 | 7)), OTHER_APPROACH_COST)
        }
        Approach::Plagal if is_last => others(&[5, 8, 9, 0]),
        Approach::Phrygian if is_last => others(&[1, 5, 10]),
        Approach::Other => cost(is_last && bass == Some(7) && has(11), OTHER_APPROACH_COST),
        Approach::Leading | Approach::Plagal | Approach::Phrygian => 0.0,
    }
}

/// A lower part outside the last chord, a chord without third, and each part that moves once the end is reached.
const STRANGER_COST: f32 = 3.5;
const NO_THIRD_COST: f32 = 5.0;
const MOVE_COST: f32 = 3.0;

fn rest_cost(cadence: Cadence, before: Chord, chord: Chord) -> f32 {
    let is_reached = before != Chord::START
        && before[Part::Soprano] == chord[Part::Soprano]
        && before[Part::Bass].pitch().is_some_and(|bass| bass.class() == cadence.root)
        && strangers(cadence, before) == 0;
    let moves = Part::LOWER.into_iter().filter(|part| is_reached && before[*part] != chord[*part]).count();
    let is_left = |part: &Part| {
        let [Some(from), Some(to)] = [before, chord].map(|chord| chord[*part].pitch()) else { return false };
        let motion = i16::from(to.midi()) - i16::from(from.midi());
        cadence.above(from.class()) == 11 && ![0, 1, -4].contains(&motion)
    };
    let left = Part::LOWER.into_iter().filter(is_left).count();
    STRANGER_COST * strangers(cadence, chord) as f32
        + LEFT_LEADING_TONE_COST * left as f32
        + if cadence.lacks_third(chord) { NO_THIRD_COST } else { 0.0 }
        + MOVE_COST * moves as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search;

    #[test]
    fn the_last_chord_before_an_end_is_that_of_the_last_step_at_which_parts_may_move() {
        let left = |moves: [bool; 8]| {
            let mut steps = search::steps(moves.into_iter().map(|_| (Token::REST, Phase::in_beat(0))), false);
            steps.iter_mut().zip(moves).for_each(|(step, may_move)| step.may_move = may_move);
            let goal = Goal { arrival: 6, end: 8, options: Vec::new() };
            let role = |role: &Role| if let Role::Lead { left, .. } = role { *left } else { 0 };
            roles(&steps, None, &[goal]).iter().map(role).collect::<Vec<_>>()
        };
        assert_eq!(left([true; 8]), [0, 0, 4, 3, 2, 1, 0, 0]);
        assert_eq!(
            left([true, true, true, true, true, false, true, true]),
            [0, 0, 3, 2, 1, 1, 0, 0],
            "an eighth of a dotted beat"
        );
        assert_eq!(left([true, true, false, false, false, false, true, true]), [0, 0, 4, 3, 2, 1, 0, 0], "a long note");
    }

    #[test]
    fn a_phrygian_cadence_goes_from_iv6_by_a_semitone_in_the_bass() {
        let cadence = Some(Cadence { root: 4, minor: false, approach: Approach::Phrygian });
        let role = Role::Lead { goal: 0, left: 1, binds: true };
        assert_eq!(bass_class(role, cadence, Chord::SILENCE, None), Some(5));
        let cost = |pitches: [u8; 4]| {
            cost(
                role,
                cadence,
                Chord::SILENCE,
                Chord(pitches.map(|midi| Token::from_pitch(Pitch::new(midi).unwrap()).unwrap())),
            )
        };
        assert_eq!(cost([69, 62, 57, 53]), 0.0, "D minor over F, before E");
        assert!(cost([69, 64, 60, 53]) > 0.0, "F major with a seventh");
    }

    #[test]
    fn before_an_end_no_part_goes_below_the_bass_for_nothing() {
        let chord =
            |tenor: u8| Chord([71, 67, tenor, 55].map(|midi| Token::from_pitch(Pitch::new(midi).unwrap()).unwrap()));
        let cadence = Some(Cadence { root: 0, minor: false, approach: Approach::Authentic });
        let cost = |left: usize, tenor: u8| {
            cost(Role::Lead { goal: 0, left, binds: false }, cadence, Chord::START, chord(tenor))
        };
        assert!(cost(1, 53) > cost(1, 65) + 1.0, "F below G");
        assert_eq!(cost(2, 53), cost(2, 65), "earlier it may");
    }

    #[test]
    fn at_an_authentic_end_one_leading_tone_goes_up_to_the_root_or_down_to_the_fifth() {
        let chord = |pitches: [u8; 4]| Chord(pitches.map(|midi| Token::from_pitch(Pitch::new(midi).unwrap()).unwrap()));
        let cadence = Some(Cadence { root: 0, minor: false, approach: Approach::Authentic });
        let last = |pitches| cost(Role::Lead { goal: 0, left: 1, binds: true }, cadence, Chord::START, chord(pitches));
        assert!(last([74, 71, 59, 43]) > last([74, 71, 62, 43]) + 3.0, "twice");
        let end = |alto| cost(Role::Rest { goal: 0 }, cadence, chord([74, 71, 65, 55]), chord([72, alto, 64, 48]));
        assert_eq!(end(72), end(67), "a step up, a third down");
        assert!(end(64) > end(67) && end(76) > end(67), "it falls by a fifth, or leaps up");
    }

    #[test]
    fn under_an_echappee_before_an_end_the_dominant_stands_as_long_as_under_the_note_before() {
        let pitches = [74, 74, 72, 72, 74, 74, 76, 76, 72, 72].map(|midi| Pitch::new(midi).unwrap());
        let tokens = pitches.map(|pitch| (Token::from_pitch(pitch).unwrap(), Phase::in_beat(0)));
        let steps = search::steps(tokens.into_iter(), false);
        let goal = |approach: Approach| {
            let cadence = Cadence { root: 0, minor: false, approach };
            Goal { arrival: 8, end: 10, options: vec![CadenceOption { cadence, share: 1.0 }] }
        };
        let left = |approach: Approach| {
            let role = |role: &Role| if let Role::Lead { left, .. } = role { *left } else { 0 };
            roles(&steps, None, &[goal(approach)]).iter().map(role).collect::<Vec<_>>()
        };
        assert_eq!(left(Approach::Authentic), [0, 0, 0, 0, 2, 1, 1, 1, 0, 0]);
        assert_eq!(left(Approach::Plagal), [0, 0, 0, 0, 4, 3, 2, 1, 0, 0], "the E is no stranger there");
    }

    #[test]
    fn the_first_chord_and_the_last_dominant_are_whole_where_the_soprano_has_a_note_of_them() {
        let soprano = |midi: u8| Token::from_pitch(Pitch::new(midi).unwrap()).unwrap();
        let first = |midi: u8| chord(Role::Opening("G".parse().unwrap()), None, Chord::START, soprano(midi));
        assert_eq!(first(67).map(|chord| (chord.root, chord.needed)), Some((7, 1 << 7 | 1 << 11)), "with its third");
        assert_eq!(first(69), None, "not the tonic's");
        let dominant = |approach: Approach, left: usize, binds: bool, midi: u8| {
            let cadence = Cadence { root: 7, minor: false, approach };
            chord(Role::Lead { goal: 0, left, binds }, Some(cadence), Chord::SILENCE, soprano(midi))
        };
        let found = dominant(Approach::Authentic, 2, true, 69).unwrap();
        assert_eq!((found.root, found.needed), (2, 1 << 2 | 1 << 6), "with the leading tone");
        assert!(dominant(Approach::Authentic, 2, true, 72).is_some(), "the seventh");
        assert_eq!(dominant(Approach::Authentic, 2, true, 67), None, "the tonic is struck before");
        assert_eq!(dominant(Approach::Authentic, 3, true, 69), None, "earlier it is free");
        assert_eq!(dominant(Approach::Authentic, 2, false, 69), None);
        assert_eq!(dominant(Approach::Plagal, 2, true, 69), None);
    }

    #[test]
    fn a_piece_begins_over_its_tonic_or_under_other_notes_over_the_dominant() {
        let role = Role::Opening("G".parse().unwrap());
        let bass = |midi: u8| {
            let soprano = Pitch::new(midi).and_then(Token::from_pitch);
            bass_class(role, None, Chord::START, soprano)
        };
        assert_eq!([67, 71, 74].map(bass), [Some(7); 3], "the tonic");
        assert_eq!([69, 66, 72].map(bass), [Some(2); 3], "the dominant, perhaps with its seventh");
        assert_eq!([64, 68].map(bass), [None; 2], "a note of neither");
        assert_eq!(bass_class(role, None, Chord::START, None), Some(7), "a soprano that is still to be found");
        assert_eq!(bass_class(role, None, Chord::START, Some(Token::REST)), None);
        assert_eq!(bass_class(role, None, Chord::SILENCE, None), None, "only the first chord is bound");
        let cost = |home: &str, third: u8| {
            let chord = Chord([74, 67, third, 55].map(|midi| Token::from_pitch(Pitch::new(midi).unwrap()).unwrap()));
            opening_cost(home.parse().unwrap(), Chord::START, chord)
        };
        assert_eq!([cost("G", 59), cost("g", 58)], [0.0; 2]);
        assert!(cost("G", 58) > OTHER_THIRD_COST && cost("g", 59) > OTHER_THIRD_COST, "the tonic of the other mode");
    }
}
