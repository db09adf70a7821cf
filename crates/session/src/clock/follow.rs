//! Tempo and beat inferred from the moments at which melody notes are struck.
//!
//! A few dozen guesses are kept side by side. Each says on which sixteenth the last note stood, when that sixteenth
//! was, and how long a sixteenth lasts, the latter two as a Gaussian that a Kalman filter moves from note to note
//! (Cemgil & Kappen 2003, "Monte Carlo methods for tempo tracking and rhythm quantization"). Each new note is tried
//! as every likely note value after every guess; the likeliest survive. So a guess that turns out wrong is replaced by
//! one that was right all along.

use super::{Metre, Time};

/// Guesses kept. More place no more notes rightly.
const GUESSES: usize = 24;
/// Longest note value that is looked for, in sixteenths. Longer waits are pauses.
const LONGEST: usize = 16;

/// How likely a note is followed by the next after 1 to 16 sixteenths, when it stands on the beat: counted in the
/// sopranos of the 229 training chorales, with a little added for what Bach never wrote there.
const FROM_BEAT: [f64; LONGEST] =
    [0.006, 0.100, 0.012, 0.600, 0.002, 0.022, 0.002, 0.180, 0.001, 0.003, 0.001, 0.045, 0.001, 0.003, 0.001, 0.021];
/// The same from the second half of the beat.
const FROM_HALF: [f64; LONGEST] =
    [0.060, 0.800, 0.004, 0.020, 0.001, 0.030, 0.001, 0.012, 0.001, 0.045, 0.001, 0.001, 0.001, 0.012, 0.001, 0.001];
/// The same from the second and from the fourth sixteenth of the beat.
const FROM_SECOND: [f64; LONGEST] =
    [0.850, 0.020, 0.080, 0.010, 0.004, 0.004, 0.010, 0.002, 0.002, 0.002, 0.005, 0.001, 0.001, 0.001, 0.002, 0.001];
const FROM_FOURTH: [f64; LONGEST] =
    [0.880, 0.010, 0.010, 0.010, 0.040, 0.004, 0.004, 0.002, 0.020, 0.002, 0.002, 0.001, 0.005, 0.001, 0.001, 0.001];
/// The same of dotted beats, from each of their six sixteenths: three eighths, a quarter and an eighth or the reverse, a
/// dotted eighth with what follows it, and notes of whole beats. Set by hand.
const OF_DOTTED: [[f64; LONGEST]; 6] = [
    [0.01, 0.34, 0.10, 0.30, 0.003, 0.18, 0.001, 0.003, 0.002, 0.003, 0.001, 0.05, 0.001, 0.001, 0.001, 0.002],
    [0.90, 0.02, 0.02, 0.02, 0.02, 0.001, 0.001, 0.001, 0.001, 0.001, 0.005, 0.001, 0.001, 0.001, 0.001, 0.001],
    [0.06, 0.80, 0.01, 0.10, 0.001, 0.002, 0.001, 0.002, 0.001, 0.02, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001],
    [0.84, 0.01, 0.12, 0.001, 0.001, 0.002, 0.001, 0.001, 0.02, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001],
    [0.06, 0.88, 0.002, 0.01, 0.001, 0.003, 0.001, 0.03, 0.001, 0.002, 0.001, 0.001, 0.001, 0.01, 0.001, 0.001],
    [0.94, 0.002, 0.01, 0.002, 0.002, 0.001, 0.02, 0.001, 0.001, 0.001, 0.001, 0.001, 0.01, 0.001, 0.001, 0.001],
];
/// How likely a note only ornaments the one before, within half a sixteenth of it.
const ORNAMENT: f64 = 0.02;
/// How likely the next note comes after a pause longer than its value (a fermata, a breath).
const PAUSE: f64 = 0.04;
/// How long such a pause is on average (exponentially distributed), in beats.
const PAUSE_LENGTH: f64 = 1.5;
/// A note is no more than late before this share of a beat has passed.
const LATE: f64 = 0.4;

/// How fast the deviation of a note's length is learned, a note.
const LEARNING: f64 = 0.1;
/// Guesses less likely than the best by this factor (natural logarithm) are given up.
const HOPELESS: f64 = 14.0;

#[derive(Clone, Copy, Debug)]
struct Guess {
    position: u64,
    /// When that position was, and the length of a sixteenth from there on.
    at: f64,
    length: f64,
    /// Variances of `at` and `length`, and their covariance.
    at_variance: f64,
    covariance: f64,
    length_variance: f64,
    /// Sixteenths from the note before.
    value: usize,
    /// Learned square of the notes' deviation, as a share of their length.
    deviation: f64,
    /// Natural logarithm of its likelihood, up to a constant.
    weight: f64,
}

/// How far and how fast the tempo may go.
#[derive(Clone, Copy)]
struct Freedom {
    /// Units of time in a sixteenth: the shortest and the longest.
    shortest: f64,
    longest: f64,
    /// The length to which it returns, and the share of its distance from there that is left after a sixteenth.
    home: Option<f64>,
    left: f64,
    /// Deviation of the true first length from the named one, and of the length after a sixteenth, as shares of it.
    first: f64,
    drift: f64,
    /// Where the tempo was named but is free: the length that was named, and what a note costs whose length is another by
    /// a factor e.
    named: (f64, f64),
    /// How likely a note is as long as the one before, beyond what its place tells.
    again: f64,
    /// Deviation of a key from its moment, in seconds.
    fingers: f64,
    /// Least, first and largest assumed deviation of a note's length, as a share of it; in between it is learned.
    deviation: [f64; 3],
}

impl Freedom {
    /// `rate`: units of time in a second. Of two tempi of which one is the double of the other, the one nearer to what was
    /// named is meant, and rhythms go on: without both, running eighths are heard as quarters.
    fn following(rate: f64, named: f64) -> Freedom {
        // Sixteenths of 400 and of 15 quarters a minute.
        Freedom {
            shortest: rate * 15.0 / 400.0,
            longest: rate,
            home: None,
            left: 1.0,
            first: 0.15,
            drift: 0.03,
            named: (named, 0.4),
            again: 0.3,
            // Also the keyboard's own clock.
            fingers: 0.012,
            deviation: [0.02, 0.06, 0.20],
        }
    }

    /// It is the player's fingers that are early and late, sooner than his tempo. Found with `crates/live/tests/clocks.rs`:
    /// with faster drift a steady player's fingers move the beat, with slower drift a rubato of 8 % loses it.
    fn leaning(home: f64) -> Freedom {
        Freedom {
            shortest: 0.75 * home,
            longest: 1.33 * home,
            home: Some(home),
            left: 0.98,
            first: 0.04,
            drift: 0.01,
            named: (home, 0.0),
            again: 0.0,
            fingers: 0.035,
            deviation: [0.02, 0.03, 0.10],
        }
    }
}

pub struct Follower {
    rate: f64,
    first: u64,
    /// Sixteenths in a beat.
    beat: u64,
    freedom: Freedom,
    /// Likeliest first; none before the first note.
    guesses: [Guess; GUESSES],
    count: usize,
}

impl Follower {
    /// `rate`: units of time in a second; `length`: the first guess at how many make a sixteenth; the first note stands on
    /// sixteenth `first`.
    pub fn new(rate: f64, length: f64, first: u64, metre: Metre) -> Follower {
        Follower::with(rate, first, metre.beat(), Freedom::following(rate, length), length)
    }

    /// Keeps to the tempo, but for as much as the player goes beside it. Its time goes on while the player pauses.
    pub fn leaning(rate: f64, length: f64, first: u64, metre: Metre) -> Follower {
        Follower::with(rate, first, metre.beat(), Freedom::leaning(length), length)
    }

    fn with(rate: f64, first: u64, beat: u64, freedom: Freedom, length: f64) -> Follower {
        let guess = Guess {
            position: first,
            at: 0.0,
            length,
            at_variance: 0.0,
            covariance: 0.0,
            length_variance: (freedom.first * length).powi(2),
            value: 0,
            deviation: freedom.deviation[1].powi(2),
            weight: 0.0,
        };
        Follower { rate, first, beat, freedom, guesses: [guess; GUESSES], count: 0 }
    }

    /// Leans towards the player from another tempo, given as the units of time in a sixteenth. `anchor`: a position and
    /// when it begins, where the music runs.
    pub fn set_length(&mut self, length: f64, anchor: Option<(u64, f64)>) {
        self.freedom = Freedom::leaning(length);
        let guess = &mut self.guesses[0];
        (guess.length, guess.length_variance) = (length, (self.freedom.first * length).powi(2));
        guess.covariance = 0.0;
        if let Some((position, at)) = anchor {
            self.be_at(position, at);
        }
    }

    /// The player knows where the music stands.
    pub fn be_at(&mut self, position: u64, at: f64) {
        let guess = &mut self.guesses[0];
        (guess.position, guess.at, guess.covariance) = (position, at, 0.0);
        self.count = 1;
    }

    /// Takes a note struck at `now` and tells its position. It may lie before one told earlier.
    pub fn onset(&mut self, now: Time) -> u64 {
        let at = now as f64;
        if self.count == 0 {
            self.count = 1;
            self.guesses[0].at = at;
            return self.first;
        }
        let best = self.guesses[0].weight;
        let mut successors = Successors::new(self.guesses[0]);
        for guess in &self.guesses[..self.count] {
            if guess.weight < best - HOPELESS {
                break;
            }
            let rested = self.after_rest(*guess, at);
            let guess = &rested;
            self.ornament(guess, at, &mut successors);
            for steps in 1..=LONGEST {
                let share = self.share(guess, steps);
                self.note(guess, steps, share, at, &mut successors);
            }
            if self.freedom.home.is_none() {
                self.pause(guess, at, &mut successors);
            }
        }
        (self.guesses, self.count) = (successors.guesses, successors.count);
        let best = self.guesses[0].weight;
        self.guesses[..self.count].iter_mut().for_each(|guess| guess.weight -= best);
        self.guesses[0].position
    }

    /// A position and when it began; `None` before the first note.
    pub fn anchor(&self) -> Option<(u64, f64)> {
        (self.count > 0).then(|| (self.guesses[0].position, self.guesses[0].at))
    }

    /// Units of time in a sixteenth.
    pub fn step_length(&self) -> f64 {
        self.guesses[0].length
    }

    /// How likely the next note comes after so many sixteenths.
    fn share(&self, guess: &Guess, steps: usize) -> f64 {
        let again = if guess.value == 0 { 0.0 } else { self.freedom.again };
        let is_again = if steps == guess.value { again } else { 0.0 };
        (1.0 - again) * self.next_note(guess.position)[steps - 1] + is_again
    }

    fn next_note(&self, position: u64) -> &'static [f64; LONGEST] {
        match position % self.beat {
            within if self.beat == OF_DOTTED.len() as u64 => &OF_DOTTED[within as usize],
            0 => &FROM_BEAT,
            1 => &FROM_SECOND,
            2 => &FROM_HALF,
            _ => &FROM_FOURTH,
        }
    }

    /// Where a tempo of our own goes on through a note or a silence longer than all note values: after the beats that have
    /// passed but for the last few.
    fn after_rest(&self, guess: Guess, at: f64) -> Guess {
        let sixteenths = (at - guess.at) / guess.length;
        if self.freedom.home.is_none() || sixteenths < LONGEST as f64 + 2.0 {
            return guess;
        }
        let passed = ((sixteenths - 12.0) / self.beat as f64).ceil() * self.beat as f64;
        let length_variance = guess.length_variance + (self.freedom.drift * guess.length).powi(2) * passed;
        let at_variance = guess.at_variance + passed * (2.0 * guess.covariance + passed * length_variance);
        // At worst nobody knows more than that it is some beat.
        let is_lost = at_variance > (2.0 * guess.length).powi(2);
        Guess {
            position: guess.position + passed as u64,
            at: guess.at + passed * guess.length,
            at_variance: at_variance.min((2.0 * guess.length).powi(2)),
            covariance: if is_lost { 0.0 } else { guess.covariance + passed * length_variance },
            length_variance,
            ..guess
        }
    }

    /// Tries the new note as one that comes `steps` sixteenths after the last.
    fn note(&self, before: &Guess, steps: usize, share: f64, at: f64, successors: &mut Successors) {
        let steps_f = steps as f64;
        let value = steps_f * before.length;
        let expected = before.at + value;
        let drift = (self.freedom.drift * before.length).powi(2) * steps_f;
        let moved = before.deviation * value * value;
        // The prediction's covariance: positions move with the length, both spread a little.
        let at_variance =
            before.at_variance + 2.0 * steps_f * before.covariance + steps_f * steps_f * before.length_variance + moved;
        let covariance = before.covariance + steps_f * before.length_variance;
        let length_variance = before.length_variance + drift;
        let fingers = (self.freedom.fingers * self.rate).powi(2);
        let variance = at_variance + fingers;
        let error = at - expected;
        let weight = before.weight + share.ln()
            - 0.5 * (error * error / variance + (variance / self.rate.powi(2)).ln())
            - self.freedom.named.1 * (before.length / self.freedom.named.0).ln().powi(2);
        if !successors.has_room_for(weight) {
            return;
        }
        let (at_gain, length_gain) = (at_variance / variance, covariance / variance);
        let left = self.freedom.left.powi(steps as i32);
        let home = self.freedom.home.unwrap_or(0.0) * (1.0 - left);
        let length =
            (home + left * (before.length + length_gain * error)).clamp(self.freedom.shortest, self.freedom.longest);
        let seen = (error / value).powi(2).min(self.freedom.deviation[2].powi(2));
        let deviation = before.deviation + LEARNING * (seen - before.deviation);
        successors.insert(Guess {
            position: before.position + steps as u64,
            at: expected + at_gain * error,
            length,
            at_variance: at_variance * (1.0 - at_gain),
            covariance: covariance * (1.0 - at_gain) * left,
            length_variance: (length_variance - length_gain * covariance) * left * left,
            value: steps,
            deviation: deviation.clamp(self.freedom.deviation[0].powi(2), self.freedom.deviation[2].powi(2)),
            weight,
        });
    }

    /// Tries it as an ornament of the last one: a note so soon after it that it has no sixteenth of its own.
    fn ornament(&self, before: &Guess, at: f64, successors: &mut Successors) {
        let reach = 0.5 * before.length;
        if at - before.at < reach {
            let weight = before.weight + ORNAMENT.ln() - (reach / self.rate).ln();
            successors.insert(Guess { weight, ..*before });
        }
    }

    /// Tries it as the first note after a pause of any length, on one of the next beats.
    fn pause(&self, before: &Guess, at: f64, successors: &mut Successors) {
        let to_beat = self.beat - before.position % self.beat;
        for steps in (to_beat..=LONGEST as u64).step_by(self.beat as usize) {
            let share = self.next_note(before.position)[steps as usize - 1];
            let beat = self.beat as f64 * before.length;
            let pause = (at - before.at) / beat - steps as f64 / self.beat as f64;
            if pause < LATE {
                continue;
            }
            let density = self.rate / (PAUSE_LENGTH * beat);
            let weight = before.weight + (PAUSE * share * density).ln() - (pause - LATE) / PAUSE_LENGTH;
            successors.insert(Guess {
                position: before.position + steps,
                at,
                at_variance: (self.freedom.fingers * self.rate).powi(2),
                covariance: 0.0,
                length_variance: before.length_variance + (0.1 * before.length).powi(2),
                weight,
                ..*before
            });
        }
    }
}

/// The likeliest guesses after a note, in order. Of two on the same position at nearly the same tempo the likelier
/// stands for both.
struct Successors {
    guesses: [Guess; GUESSES],
    count: usize,
}

impl Successors {
    fn new(filler: Guess) -> Successors {
        Successors { guesses: [filler; GUESSES], count: 0 }
    }

    fn has_room_for(&self, weight: f64) -> bool {
        weight.is_finite() && (self.count < GUESSES || weight > self.guesses[GUESSES - 1].weight)
    }

    fn insert(&mut self, guess: Guess) {
        const SAME_TEMPO: f64 = 0.05;
        if !self.has_room_for(guess.weight) {
            return;
        }
        let is_same =
            |other: &Guess| other.position == guess.position && (other.length / guess.length - 1.0).abs() < SAME_TEMPO;
        if let Some(twin) = self.guesses[..self.count].iter().position(is_same) {
            if self.guesses[twin].weight >= guess.weight {
                return;
            }
            self.guesses.copy_within(twin + 1..self.count, twin);
            self.count -= 1;
        }
        let place = self.guesses[..self.count].partition_point(|other| other.weight >= guess.weight);
        let end = (self.count + 1).min(GUESSES);
        self.guesses.copy_within(place..end - 1, place + 1);
        self.guesses[place] = guess;
        self.count = end;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Milliseconds.
    const RATE: f64 = 1000.0;

    /// The positions told for notes at these moments.
    fn follow(tempo: f64, moments: &[f64]) -> Vec<u64> {
        let mut follower = Follower::new(RATE, 15_000.0 / tempo, 0, Metre::default());
        moments.iter().map(|&moment| follower.onset(moment as Time)).collect()
    }

    /// When the notes at these positions are struck, a sixteenth lasting `step(position)`.
    fn moments(positions: &[u64], step: impl Fn(u64) -> f64) -> Vec<f64> {
        let time = |position: u64| 500.0 + (0..position).map(&step).sum::<f64>();
        positions.iter().map(|&position| time(position)).collect()
    }

    const TUNE: [u64; 17] = [0, 4, 8, 10, 12, 16, 20, 24, 28, 32, 34, 36, 38, 40, 44, 46, 48];

    #[test]
    fn a_steady_tune_is_placed_note_for_note_at_any_tempo_near_the_named_one() {
        for tempo in [60.0, 72.0, 80.0, 88.0, 104.0] {
            let step = 15_000.0 / tempo;
            assert_eq!(follow(80.0, &moments(&TUNE, |_| step)), TUNE, "played at {tempo}, named 80");
        }
    }

    #[test]
    fn a_ritardando_and_a_new_tempo_are_followed() {
        let slowing = |position: u64| 180.0 + 3.0 * position as f64;
        assert_eq!(follow(80.0, &moments(&TUNE, slowing)), TUNE);
        let faster = |position: u64| if position < 24 { 187.5 } else { 160.0 };
        assert_eq!(follow(80.0, &moments(&TUNE, faster)), TUNE);
    }

    #[test]
    fn running_eighths_are_eighths_and_not_quarters_at_twice_the_tempo() {
        let tune: Vec<u64> = (0..80).map(|note| 2 * note).collect();
        for tempo in [72.0, 80.0, 88.0] {
            assert_eq!(follow(80.0, &moments(&tune, |_| 15_000.0 / tempo)), tune, "played at {tempo}, named 80");
        }
    }

    #[test]
    fn after_a_fermata_the_beat_is_found_again() {
        let fermata = |position: u64| match position {
            28..32 => 700.0,
            _ => 187.5,
        };
        let tune = [0, 4, 8, 10, 12, 16, 20, 24, 28, 32, 36, 40, 42, 44, 48, 50, 52];
        let told = follow(80.0, &moments(&tune, fermata));
        let in_beat = |positions: &[u64]| positions.iter().map(|position| position % 4).collect::<Vec<_>>();
        assert_eq!(told[..9], tune[..9]);
        assert_eq!(in_beat(&told), in_beat(&tune), "{told:?}");
        assert_eq!(told[16] - told[11], 12, "{told:?}");
    }

    #[test]
    fn an_ornament_stays_on_the_step_of_its_note() {
        let mut times = moments(&[0, 4, 8, 12, 16], |_| 187.5);
        let on_beat = times[2];
        times.splice(3..3, [on_beat + 45.0, on_beat + 85.0]);
        assert_eq!(follow(80.0, &times), [0, 4, 8, 8, 8, 12, 16]);
    }

    #[test]
    fn the_beat_is_foretold_where_the_playing_goes_on_evenly() {
        let mut follower = Follower::new(RATE, 187.5, 0, Metre::default());
        for moment in moments(&TUNE, |_| 170.0) {
            follower.onset(moment as Time);
        }
        let (position, at) = follower.anchor().unwrap();
        let next_beat = at + (52 - position) as f64 * follower.step_length();
        assert!((next_beat - (500.0 + 52.0 * 170.0)).abs() < 15.0, "{next_beat}");
    }

    proptest! {
        #[test]
        fn whatever_is_played_time_and_tempo_stay_sane(waits in prop::collection::vec(0u64..20_000, 0..200)) {
            let mut follower = Follower::new(RATE, 187.5, 0, Metre::default());
            let mut now = 0;
            for wait in waits {
                now += wait * wait / 20_000;
                follower.onset(now);
                let length = follower.step_length();
                prop_assert!(length.is_finite() && (15_000.0 / 400.0..=15_000.0 / 15.0).contains(&length));
                prop_assert!(follower.anchor().unwrap().1.is_finite());
                let weights = follower.guesses[..follower.count].windows(2);
                prop_assert!(weights.into_iter().all(|pair| pair[0].weight >= pair[1].weight));
            }
        }
    }
}
