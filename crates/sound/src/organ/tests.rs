//! The organ: its pitches, its controls, its quiet.

use proptest::prelude::*;

use super::*;

const RATE: f32 = 44_100.0;

fn pitch(midi: u8) -> Pitch {
    Pitch::new(midi).unwrap()
}

fn render(organ: &mut Organ, seconds: f32) -> Vec<f32> {
    let mut stereo = vec![0.0; 2 * (seconds * RATE) as usize];
    organ.render(&mut stereo);
    stereo
}

fn loudest(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |loudest, sample| loudest.max(sample.abs()))
}

/// The strength of a frequency in the left channel (Goertzel).
fn strength(stereo: &[f32], frequency: f32) -> f32 {
    let (mut real, mut imaginary, mut count) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (index, frame) in stereo.chunks_exact(2).enumerate() {
        let angle = f64::from(TAU * frequency / RATE) * index as f64;
        real += f64::from(frame[0]) * angle.cos();
        imaginary += f64::from(frame[0]) * angle.sin();
        count += 1.0;
    }
    (real.hypot(imaginary) / count) as f32
}

#[test]
fn a_note_sounds_at_its_pitch_and_falls_silent_after_its_end() {
    let mut organ = Organ::new(RATE);
    assert_eq!(loudest(&render(&mut organ, 0.1)), 0.0);
    organ.note_on(Part::Alto, pitch(69), 100);
    let sound = render(&mut organ, 1.0);
    let (at, beside) = (strength(&sound, 440.0), strength(&sound, 466.16));
    assert!(at > 20.0 * beside, "{at} at A4, {beside} a semitone above");
    organ.note_off(Part::Alto, pitch(69));
    render(&mut organ, 4.0);
    let left = loudest(&render(&mut organ, 0.1));
    assert!(left < 1e-3, "{left} is left after four seconds");
}

#[test]
fn a_part_turned_down_is_quieter() {
    let level = |gain: f32| {
        let mut organ = Organ::new(RATE);
        organ.set_gain(Part::Bass, gain);
        organ.note_on(Part::Bass, pitch(48), 100);
        loudest(&render(&mut organ, 0.5))
    };
    assert!((level(0.25) / level(1.0) - 0.25).abs() < 0.01);
}

/// Root mean square of what sounds in the second second.
fn level(organ: &mut Organ) -> f32 {
    render(organ, 1.0);
    let sound = render(organ, 1.0);
    (sound.iter().map(|sample| sample * sample).sum::<f32>() / sound.len() as f32).sqrt()
}

/// Of a note that is played after `set` has had its way.
fn level_of(velocity: u8, set: impl FnOnce(&mut Organ)) -> f32 {
    let mut organ = Organ::new(RATE);
    set(&mut organ);
    organ.note_on(Part::Tenor, pitch(57), velocity);
    level(&mut organ)
}

fn decibels(level: f32) -> f32 {
    20.0 * level.log10()
}

#[test]
fn loudness_is_proportional_to_velocity() {
    let full = level_of(127, |_| {});
    for (velocity, expected) in [(127, 0.0), (100, -2.1), (70, -5.2), (40, -10.0), (20, -16.1), (1, -42.1)] {
        let found = decibels(level_of(velocity, |_| {}) / full);
        assert!((found - expected).abs() < 0.2, "velocity {velocity}: {found:.1} dB, expected {expected}");
    }
}

#[test]
fn volume_and_swell_make_the_sound_quieter_and_the_swell_makes_it_darker() {
    let usual = level_of(90, |_| {});
    let by =
        |controller, value| decibels(level_of(90, |organ| organ.controller(Part::Tenor, controller, value)) / usual);
    assert!((by(7, 100)).abs() < 0.1 && (by(7, 50) + 12.0).abs() < 0.3 && (by(7, 127) - 4.15).abs() < 0.3);
    assert!(by(11, 127).abs() < 0.1 && by(11, 0) < -25.0 && by(11, 64) < by(11, 100));
    let brightness = |value| {
        let mut organ = Organ::new(RATE);
        organ.controller(Part::Tenor, 11, value);
        organ.note_on(Part::Tenor, pitch(57), 100);
        let sound = render(&mut organ, 2.0);
        strength(&sound, 4.0 * 220.0) / strength(&sound, 220.0)
    };
    assert!(brightness(0) < 0.7 * brightness(127), "{} closed, {} open", brightness(0), brightness(127));
}

#[test]
fn a_bend_takes_the_pitch_two_semitones_up_and_back() {
    let mut organ = Organ::new(RATE);
    organ.note_on(Part::Alto, pitch(69), 100);
    organ.bend(Part::Alto, 16_383);
    render(&mut organ, 0.5);
    let bent = render(&mut organ, 1.0);
    assert!(strength(&bent, 493.9) > 10.0 * strength(&bent, 440.0));
    organ.controller(Part::Alto, 121, 0);
    render(&mut organ, 3.0);
    let back = render(&mut organ, 1.0);
    assert!(strength(&back, 440.0) > 10.0 * strength(&back, 493.9));
}

#[test]
fn each_stop_sounds_at_its_own_height() {
    let strengths = |stop: u8| {
        let mut organ = Organ::new(RATE);
        for other in 80..84 {
            organ.controller(Part::Tenor, other, if other == 80 + stop { 127 } else { 0 });
        }
        render(&mut organ, 0.5);
        organ.note_on(Part::Tenor, pitch(57), 100);
        let sound = render(&mut organ, 1.0);
        [1.0, 2.0, 4.0, 6.0].map(|harmonic| strength(&sound, 220.0 * harmonic))
    };
    for (stop, loudest) in [(0, 0), (1, 1), (2, 2), (3, 3)] {
        let found = strengths(stop);
        let others = (0..4).filter(|&other| other != loudest);
        assert!(others.clone().all(|other| found[loudest] > 1.2 * found[other]), "stop {stop}: {found:?}");
        assert!((0..loudest).all(|below| found[below] < 0.05 * found[loudest]), "nothing below: {found:?}");
    }
}

#[test]
fn a_held_note_is_alive_and_yet_in_tune() {
    let mut organ = Organ::new(RATE);
    organ.note_on(Part::Tenor, pitch(57), 100);
    render(&mut organ, 1.0);
    let octave: Vec<f32> = (0..16).map(|_| strength(&render(&mut organ, 0.25), 440.0)).collect();
    let (least, most) = octave.iter().fold((f32::MAX, 0.0_f32), |(least, most), &one| (least.min(one), most.max(one)));
    let swing = decibels(most / least);
    assert!((0.5..20.0).contains(&swing), "its octave swells by {swing:.1} dB");
    for midi in 24..=96 {
        for (stop, rank) in RANKS.iter().enumerate() {
            let octaves = (f32::from(midi) - 69.0) / 12.0 + f32::from(rank.above);
            let cents = 1200.0 * (pipe(stop, midi, RATE).step * RATE / 440.0).log2() - 1200.0 * octaves;
            assert!(cents.abs() < 2.0, "key {midi}, stop {stop}: {cents} cents");
        }
    }
}

/// The largest step from one sample to the next, of each side.
fn largest_step(stereo: &[f32]) -> f32 {
    stereo.iter().zip(&stereo[2..]).fold(0.0, |largest, (before, after)| largest.max((after - before).abs()))
}

#[test]
fn no_controller_bend_or_key_clicks() {
    // Whatever moves: what sounds before or after it has steps as large.
    let check = |what: &str, moved: &dyn Fn(&mut Organ)| {
        for swell in [127, 20] {
            let mut organ = Organ::new(RATE);
            organ.controller(Part::Tenor, 11, swell);
            organ.note_on(Part::Tenor, pitch(57), 100);
            render(&mut organ, 1.0);
            let before = largest_step(&render(&mut organ, 4.0));
            moved(&mut organ);
            let during = largest_step(&render(&mut organ, 0.3));
            let after = largest_step(&render(&mut organ, 4.0));
            assert!(during < 1.1 * before.max(after), "{what}: {during} between {before} and {after}");
        }
    };
    for (controller, values) in [(1, [127, 0]), (7, [127, 0]), (11, [127, 0]), (80, [0, 127]), (83, [127, 0])] {
        for value in values {
            check(&format!("controller {controller} to {value}"), &|organ| {
                organ.controller(Part::Tenor, controller, value);
            });
        }
    }
    check("a bend", &|organ| organ.bend(Part::Tenor, 0));
    check("the end of a note", &|organ| organ.note_off(Part::Tenor, pitch(57)));
    check("the note struck again", &|organ| organ.note_on(Part::Tenor, pitch(57), 100));
}

proptest! {
    #[test]
    fn what_is_played_does_not_depend_on_the_size_of_the_blocks(
        notes in prop::collection::vec((0usize..4, 0u8..=127, 1u8..=127), 1..40),
        block in 1usize..500,
    ) {
        let play = |block: usize| {
            let mut organ = Organ::new(RATE);
            notes.iter().for_each(|&(part, midi, velocity)| organ.note_on(Part::ALL[part], pitch(midi), velocity));
            let mut samples = vec![0.0; 2 * 1000];
            samples.chunks_mut(2 * block).for_each(|chunk| organ.render(chunk));
            samples
        };
        let (whole, pieces) = (play(1000), play(block));
        prop_assert!(whole.iter().all(|sample| sample.is_finite()));
        // Voices are added in the same order, so that not even rounding differs.
        prop_assert_eq!(whole, pieces);
    }
}
