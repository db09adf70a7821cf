//! What plays in the audio callback.

use std::sync::Arc;

use live::{Failure, Shared, fault};
use ringbuf::traits::{Consumer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};
use session::Message;
use sound::Instrument;

/// Messages on their way to the instrument: some seconds of the densest playing.
const MESSAGES: usize = 4096;
/// Frames rendered at once; longer callbacks are cut into pieces.
const BLOCK: usize = 256;

/// What the audio callback owns.
pub struct Playback {
    instrument: Instrument,
    messages: HeapCons<Message>,
    channels: usize,
    stereo: [f32; 2 * BLOCK],
}

impl Playback {
    /// One without a device, and the queue that plays it.
    pub fn new(instrument: Instrument, channels: usize) -> (Playback, HeapProd<Message>) {
        let (messages_in, messages) = HeapRb::new(MESSAGES).split();
        (Playback { instrument, messages, channels, stereo: [0.0; 2 * BLOCK] }, messages_in)
    }

    /// Real-time, the audio callback: takes what has been played, renders, and lays it on the device's channels (the
    /// first two, or the mean on a single one).
    pub fn fill<S: Copy + Default>(&mut self, out: &mut [S], convert: impl Fn(f32) -> S) {
        while let Some(message) = self.messages.try_pop() {
            super::sound(&mut self.instrument, &message);
        }
        for piece in out.chunks_mut(self.channels * BLOCK) {
            let stereo = &mut self.stereo[..2 * (piece.len() / self.channels)];
            self.instrument.render(stereo);
            for (frame, heard) in piece.chunks_exact_mut(self.channels).zip(stereo.chunks_exact(2)) {
                frame.fill(S::default());
                match frame {
                    [mono] => *mono = convert((heard[0] + heard[1]) / 2.0),
                    [left, right, ..] => (*left, *right) = (convert(heard[0]), convert(heard[1])),
                    [] => {}
                }
            }
        }
    }
}

/// A playback whose panic, which the device's thread would not survive, is the end of the performance and silent.
pub(super) struct GuardedPlayback {
    playback: Playback,
    shared: Arc<Shared>,
    has_panicked: bool,
}

impl GuardedPlayback {
    pub fn new(playback: Playback, shared: Arc<Shared>) -> GuardedPlayback {
        GuardedPlayback { playback, shared, has_panicked: false }
    }

    /// Real-time: [`Playback::fill`].
    pub fn fill<S: Copy + Default>(&mut self, out: &mut [S], convert: impl Fn(f32) -> S) {
        let GuardedPlayback { playback, shared, has_panicked } = self;
        if !*has_panicked {
            let played = panics::catch(|| {
                fault::trip(shared, "sound");
                playback.fill(&mut *out, convert);
            });
            let Err(told) = played else { return };
            *has_panicked = true;
            shared.fail(Failure::Panic { thread: "sound", told });
        }
        out.fill(S::default());
    }
}

#[cfg(test)]
mod tests {
    use ringbuf::traits::Producer;

    use super::*;
    use chorale::{Part, Pitch};
    use session::{ClickNote, Route, Routing};
    use sound::Timbre;

    fn chord() -> Vec<Message> {
        let mut routing = Routing::new(Route::all(), false, 4, ClickNote::default());
        for (part, pitch) in Part::ALL.into_iter().zip([72, 67, 64, 48]) {
            routing.begin(0, part, Pitch::new(pitch).unwrap(), 90);
        }
        std::iter::from_fn(|| {
            let message = routing.next_message();
            routing.sent();
            message
        })
        .collect()
    }

    fn loudness(samples: &[f32]) -> f32 {
        (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32).sqrt()
    }

    #[test]
    fn a_chord_sounds_on_every_number_of_channels_and_ends() {
        for channels in [1, 2, 6] {
            let instrument = Instrument::new(&Timbre::Organ, 48_000).unwrap();
            let (mut playback, mut queue) = Playback::new(instrument, channels);
            let mut out = vec![0.0f32; channels * 12_000];
            playback.fill(&mut out, |sample| sample);
            assert_eq!(loudness(&out), 0.0);
            chord().into_iter().for_each(|message| queue.try_push(message).unwrap());
            playback.fill(&mut out, |sample| sample);
            assert!(loudness(&out) > 0.01, "{channels} channels: {}", loudness(&out));
            assert!(out.iter().all(|sample| sample.abs() <= 1.0));
            if channels == 6 {
                assert!(out.chunks(6).all(|frame| frame[2..] == [0.0; 4]), "only the first two");
            }
            let mut routing = Routing::new(Route::all(), false, 4, ClickNote::default());
            routing.begin(0, Part::Alto, Pitch::new(60).unwrap(), 90);
            routing.silence(0);
            while let Some(message) = routing.next_message() {
                routing.sent();
                queue.try_push(message).unwrap();
            }
            for _ in 0..20 {
                playback.fill(&mut out, |sample| sample);
            }
            assert!(loudness(&out) < 1e-4, "{channels} channels: {}", loudness(&out));
        }
    }
}
