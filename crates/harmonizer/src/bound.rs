//! Voicings of a chord that is given.

use chorale::{Chord, GivenChord, Part, Token};

use crate::harmonizer::{Candidate, Query, singable};
use crate::sampling::log_softmax;

/// So many times as many voicings are kept as of a chord that is free, and less likely ones: which of them follows well on the
/// chord before is for the rules to say.
const WIDTH: usize = 3;
const SHARE: f32 = 1e-5;

/// The likeliest ways to go on from each candidate of a beam with `part`, the likeliest first: of the chord's notes, and such
/// that the parts which come `later` can still sing what makes the chord and none is below a bass that is told. Where nothing
/// can, as much of it as there can be.
/// `logits` are the part's, 47 for each candidate.
pub(crate) fn longer(
    beam: &[Candidate],
    (part, later): (Part, &[Part]),
    (query, chord): (&Query, GivenChord),
    logits: &mut [f32],
    most: usize,
) -> Vec<Candidate> {
    let limits = &query.limits;
    let kept = limits.kept[part.index()];
    let is_sounding = query.soprano != Token::REST;
    let tokens = match kept {
        None if is_sounding => singable(limits.ranges[part.index()]),
        _ => 0..Token::VOCABULARY,
    };
    let bass = bass_class(query, chord).filter(|_| part == Part::Bass);
    let classes = bass.map_or(chord.classes, |bass| 1 << bass);
    let is_open = |token: Token| match (kept, token.pitch()) {
        (Some(kept), _) => kept == token,
        (None, Some(pitch)) => classes >> pitch.class() & 1 == 1,
        (None, None) => !is_sounding,
    };
    let mut found: Vec<(u32, Candidate)> = Vec::new();
    for (candidate, logits) in beam.iter().zip(logits.chunks_exact_mut(Token::VOCABULARY)) {
        let logits = &mut logits[tokens.clone()];
        log_softmax(logits);
        for (token, &logit) in Token::all().skip(tokens.start).zip(logits.iter()).filter(|(token, _)| is_open(*token)) {
            let mut longer = Candidate { log_likelihood: candidate.log_likelihood + logit, ..*candidate };
            longer.chord[part] = token;
            let faults =
                lacking(longer.chord, later, query, chord) + u32::from(is_undercut(longer.chord, query, chord));
            found.push((faults, longer));
        }
    }
    let least = found.iter().map(|(faults, _)| *faults).min().unwrap_or(0);
    let whole = found.into_iter().filter(|(faults, _)| *faults == least).map(|(_, candidate)| candidate);
    let mut longer: Vec<Candidate> = whole.collect();
    longer.sort_by(|a, b| b.log_likelihood.total_cmp(&a.log_likelihood));
    longer.truncate(WIDTH * most);
    let best = longer.first().map_or(f32::NEG_INFINITY, |best| best.log_likelihood);
    // At least the best one stays, also where a network gone wrong gives no numbers.
    let enough = longer.iter().skip(1).take_while(|one| one.log_likelihood >= best + SHARE.ln()).count();
    longer.truncate(1 + enough);
    longer
}

/// The bass that is told, or that a cadence asks for which suits the chord.
fn bass_class(query: &Query, chord: GivenChord) -> Option<u8> {
    chord.bass.or(query.bass.filter(|bass| chord.holds(*bass)))
}

/// Whether another part is below the bass that is told: it is heard over that note.
fn is_undercut(so_far: Chord, query: &Query, chord: GivenChord) -> bool {
    let pitches = query.limits.heard(so_far).pitches();
    bass_class(query, chord).is_some()
        && pitches[Part::Bass.index()].is_some()
        && pitches.iter().flatten().min() < pitches[Part::Bass.index()].as_ref()
}

/// Of what makes the chord as many notes as the parts that come later are too few for.
fn lacking(mut so_far: Chord, later: &[Part], query: &Query, chord: GivenChord) -> u32 {
    let mut free = 0;
    let silent = query.limits.silent;
    // A bass that is told sings that and nothing else.
    let mut told = 0;
    for part in later.iter().filter(|part| Some(**part) != silent) {
        match (query.limits.kept[part.index()], bass_class(query, chord)) {
            (Some(kept), _) => so_far[*part] = kept,
            (None, Some(bass)) if *part == Part::Bass => told = 1 << bass,
            (None, _) => free += 1,
        }
    }
    let chord = GivenChord { needed: chord.needed & !told, ..chord };
    chord.missing(&query.limits.heard(so_far).pitches()).saturating_sub(free)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chorale::{Phase, Pitch};
    use network::Model;
    use proptest::prelude::*;

    use super::*;
    use crate::{Harmonizer, Limits, Purpose, Sampling, StepRules};

    fn harmonizer() -> Harmonizer {
        let model = Arc::new(Model::lstm().unwrap());
        let sampling = Sampling::of(&model, Purpose::Ahead);
        let mut harmonizer = Harmonizer::new(model, sampling);
        harmonizer.step(Chord::START, Phase::in_bar(0)).unwrap();
        harmonizer
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn whatever_chord_is_given_it_sounds_under_whatever_melody(
            root in 0_i32..12,
            quality in prop::sample::select(vec![
                "", "m", "7", "m7", "maj7", "m7b5", "dim7", "dim", "aug", "sus4", "7sus4", "6", "m6", "9", "7b9", "/E", "/G", "7/Bb",
            ]),
            soprano in 60_u8..=81,
        ) {
            let chord = GivenChord::parse(&format!("C{quality}"), "C".parse().unwrap()).unwrap().transposed(root);
            let mut harmonizer = harmonizer();
            let limits = Limits { chord: Some(chord), ..Limits::default() };
            let rules = StepRules { limits, ..harmonizer.rules() };
            let soprano = Pitch::new(soprano).and_then(Token::from_pitch).unwrap();
            let found = harmonizer.answer_by(soprano, &rules).unwrap();
            let lower = found.pitches()[1..].to_vec();
            prop_assert!(lower.iter().flatten().all(|pitch| chord.holds(pitch.class())), "{:?}: {:?}", chord, lower);
            prop_assert_eq!(chord.missing(&found.pitches()), 0, "{:?}: {:?}", chord, found.pitches());
            let bass = found[Part::Bass].pitch().map(Pitch::class);
            prop_assert!(chord.bass.is_none_or(|told| bass == Some(told)), "{:?}: {:?}", chord, lower);
            prop_assert_eq!(found[Part::Soprano], soprano);
        }
    }

    #[test]
    fn a_kept_part_stays_though_the_chord_lacks_it_and_the_others_sing_the_chord() {
        let chord = GivenChord::parse("G7", "C".parse().unwrap()).unwrap();
        let token = |midi: u8| Pitch::new(midi).and_then(Token::from_pitch).unwrap();
        let mut harmonizer = harmonizer();
        let mut limits = Limits { chord: Some(chord), ..Limits::default() };
        limits.kept[Part::Bass.index()] = Some(token(48));
        let rules = StepRules { limits, ..harmonizer.rules() };
        let found = harmonizer.answer_by(token(74), &rules).unwrap();
        assert_eq!(found[Part::Bass], token(48));
        for part in [Part::Alto, Part::Tenor] {
            assert!(chord.holds(found[part].pitch().unwrap().class()), "{:?}", found.pitches());
        }
        assert_eq!(chord.missing(&found.pitches()), 1, "two parts sing two of root, third and seventh");
    }
}
