//! How well `--clock follow` finds the beat: the test sopranos, played unevenly. Run by `make data`, with the chorales.

use chorale::Part;
use corpus::Split;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use session::clock::Metre;
use session::clock::follow::Follower;
use tests::chorales::dataset;

/// Milliseconds, at which moments are told.
const RATE: f64 = 1000.0;
const TEMPO: f64 = 72.0;

/// How a tune is played.
#[derive(Clone, Copy, Debug)]
struct Playing {
    name: &'static str,
    /// Each note is longer or shorter by a normal deviate of this share of its length.
    noise: f64,
    /// Every fourth bar slows down evenly to 70 % of the tempo.
    ritardando: bool,
    /// Notes of a beat or more in the last beats of every fourth bar are held for half a second to a second more.
    fermatas: bool,
    /// The tempo that the follower is told, in beats a minute.
    named: f64,
    /// Least share of notes on the right sixteenth of the beat, in per cent: some two below what was measured.
    floor: f64,
}

const PLAYINGS: [Playing; 8] = [
    Playing { name: "even", noise: 0.0, ritardando: false, fermatas: false, named: TEMPO, floor: 96.5 },
    Playing { name: "5 % noise", noise: 0.05, ritardando: false, fermatas: false, named: TEMPO, floor: 96.0 },
    Playing { name: "10 % noise", noise: 0.10, ritardando: false, fermatas: false, named: TEMPO, floor: 93.0 },
    Playing { name: "20 % noise", noise: 0.20, ritardando: false, fermatas: false, named: TEMPO, floor: 85.0 },
    Playing { name: "ritardandi", noise: 0.0, ritardando: true, fermatas: false, named: TEMPO, floor: 95.0 },
    Playing { name: "5 % and ritardandi", noise: 0.05, ritardando: true, fermatas: false, named: TEMPO, floor: 94.0 },
    Playing { name: "5 %, rit., fermatas", noise: 0.05, ritardando: true, fermatas: true, named: TEMPO, floor: 93.0 },
    Playing { name: "5 %, named 90", noise: 0.05, ritardando: false, fermatas: false, named: 90.0, floor: 95.0 },
];

#[test]
#[ignore = "needs the data set: make data"]
fn notes_are_put_on_the_right_sixteenth_of_the_beat() {
    let dataset = dataset();
    let tunes: Vec<Vec<u64>> = dataset.split(Split::Test).iter().map(|piece| onsets(&piece.chorale)).collect();
    println!("{:<22} {:>12} {:>12} {:>12}", "notes rightly placed", "in the beat", "in the bar", "from the last");
    for playing in PLAYINGS {
        let mut shares = [0.0; 3];
        let mut notes = 0.0;
        for (tune, seed) in tunes.iter().zip(0..) {
            let moments = perform(tune, playing, seed);
            let mut follower = Follower::new(RATE, RATE * 15.0 / playing.named, tune[0] % 16, Metre::default());
            let told: Vec<u64> = moments.iter().map(|&moment| follower.onset(moment)).collect();
            for (told, truth) in told.windows(2).zip(tune.windows(2)) {
                notes += 1.0;
                shares[0] += f64::from(u8::from(told[1] % 4 == truth[1] % 4));
                shares[1] += f64::from(u8::from(told[1] % 16 == truth[1] % 16));
                shares[2] += f64::from(u8::from(told[1].wrapping_sub(told[0]) == truth[1] - truth[0]));
            }
        }
        let [beat, bar, interval] = shares.map(|share| 100.0 * share / notes);
        println!("{:<22} {beat:>10.1} % {bar:>10.1} % {interval:>10.1} %", playing.name);
        assert!(beat >= playing.floor, "{playing:?}: {beat:.1} %");
    }
}

/// The steps at which the soprano changes its note.
fn onsets(chorale: &chorale::Chorale) -> Vec<u64> {
    let sopranos: Vec<_> = chorale.chords.iter().map(|chord| chord[Part::Soprano].pitch()).collect();
    let begins = |&step: &usize| sopranos[step].is_some() && (step == 0 || sopranos[step] != sopranos[step - 1]);
    (0..sopranos.len()).filter(begins).map(|step| step as u64).collect()
}

/// When the notes of a tune are struck.
fn perform(tune: &[u64], playing: Playing, seed: u64) -> Vec<u64> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let step = RATE * 15.0 / TEMPO;
    let mut now = 0.0;
    let mut moments = vec![0];
    for pair in tune.windows(2) {
        let in_phrase = |step: u64| step % 64;
        let slowed = |at: u64| match in_phrase(at) {
            late @ 48.. if playing.ritardando => 1.0 + 0.43 * (late - 48) as f64 / 16.0,
            _ => 1.0,
        };
        let length: f64 = (pair[0]..pair[1]).map(|at| step * slowed(at)).sum();
        // A normal deviate by Box and Muller.
        let (u, v) = (generator.random::<f64>().max(1e-12), generator.random::<f64>());
        let deviate = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        now += length * (1.0 + playing.noise * deviate).max(0.3);
        if playing.fermatas && (52..60).contains(&in_phrase(pair[0])) && pair[1] - pair[0] >= 4 {
            now += 500.0 + 500.0 * generator.random::<f64>();
        }
        moments.push(now as u64);
    }
    moments
}
