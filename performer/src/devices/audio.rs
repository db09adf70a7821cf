//! Sound without a DAW: an instrument in an audio callback, fed through a wait-free queue.

use std::sync::Arc;

use chorale::{Part, Pitch};
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, SampleFormat, StreamConfig, SupportedBufferSize};
use ringbuf::traits::{Consumer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};
use rustysynth::{SoundFont, Synthesizer, SynthesizerSettings};
use thiserror::Error;

use live::{Failure, Shared, fault};
use panics;
use session::Message;
use sound::Organ;

/// Messages on their way to the instrument: some seconds of the densest playing.
const MESSAGES: usize = 4096;
/// Frames rendered at once; longer callbacks are cut into pieces.
const BLOCK: usize = 256;
/// Frames of a buffer where the device lets us choose and the user does not: 5 ms.
const BUFFER: u32 = 256;

#[derive(Debug, Error)]
pub enum AudioError {
    #[error("there is no sound output\nhint: is a sound card there? On Linux: are you in the group audio?")]
    NoDevice,
    #[error("the sound output '{device}' can't be used: {cause}{hint}")]
    Device { device: String, cause: String, hint: &'static str },
    #[error("not a SoundFont that can be used: {0}")]
    SoundFont(String),
    #[error("under JACK the sound has the server's rate and buffer\nhint: leave --sample-rate and --buffer out")]
    ServersChoice,
}

/// How the sound is to come out. What is left out is the device's choice.
#[derive(Clone, Debug, Default)]
pub struct AudioSettings {
    /// Frames a second.
    pub sample_rate: Option<u32>,
    /// Frames a buffer.
    pub buffer: Option<u32>,
    /// Bytes of a SoundFont (.sf2); the built-in organ without.
    pub sound_font: Option<Vec<u8>>,
}

/// What plays the parts.
pub enum Instrument {
    Organ(Box<Organ>),
    /// With two buffers of `BLOCK` frames, left and right.
    SoundFont(Box<Synthesizer>, Box<[[f32; BLOCK]; 2]>),
}

impl Instrument {
    /// Allocates and may take a second for a large SoundFont.
    ///
    /// # Errors
    /// When the SoundFont is none.
    pub fn new(sample_rate: u32, sound_font: Option<&[u8]>) -> Result<Instrument, AudioError> {
        let Some(mut bytes) = sound_font else {
            return Ok(Instrument::Organ(Box::new(Organ::new(sample_rate as f32))));
        };
        let font = SoundFont::new(&mut bytes).map_err(|error| AudioError::SoundFont(error.to_string()))?;
        let settings = SynthesizerSettings::new(sample_rate as i32);
        let synthesizer =
            Synthesizer::new(&Arc::new(font), &settings).map_err(|error| AudioError::SoundFont(error.to_string()))?;
        Ok(Instrument::SoundFont(Box::new(synthesizer), Box::new([[0.0; BLOCK]; 2])))
    }

    /// Real-time. The organ takes notes and all-notes-off; a SoundFont takes everything.
    pub fn message(&mut self, message: &Message) {
        let bytes = message.bytes();
        let (status, data) = (bytes[0], [bytes[1], bytes.get(2).copied().unwrap_or(0)]);
        match self {
            Instrument::Organ(organ) => organ_message(organ, message.part, status & 0xf0, data),
            Instrument::SoundFont(synthesizer, _) => synthesizer.process_midi_message(
                i32::from(status & 0x0f),
                i32::from(status & 0xf0),
                i32::from(data[0]),
                i32::from(data[1]),
            ),
        }
    }

    /// Real-time: fills `stereo` (left, right, left, ...) with what comes next.
    pub fn render(&mut self, stereo: &mut [f32]) {
        match self {
            Instrument::Organ(organ) => organ.render(stereo),
            Instrument::SoundFont(synthesizer, buffers) => {
                for piece in stereo.chunks_mut(2 * BLOCK) {
                    let frames = piece.len() / 2;
                    let [left, right] = buffers.as_mut();
                    synthesizer.render(&mut left[..frames], &mut right[..frames]);
                    for (frame, (left, right)) in piece.chunks_exact_mut(2).zip(left.iter().zip(right.iter())) {
                        (frame[0], frame[1]) = (*left, *right);
                    }
                }
            }
        }
    }
}

fn organ_message(organ: &mut Organ, part: Part, kind: u8, [key, value]: [u8; 2]) {
    match (kind, Pitch::new(key)) {
        (0x90, Some(pitch)) if value > 0 => organ.note_on(part, pitch, value),
        (0x90 | 0x80, Some(pitch)) => organ.note_off(part, pitch),
        // Each part says it for itself; who has heard one has heard that this is the end.
        (0xb0, _) if key == 123 => organ.all_notes_off(),
        _ => {}
    }
}

/// An open sound output. Dropping it ends the sound.
pub struct Audio {
    /// For example `default, 48000 Hz, 256 frames`.
    pub description: String,
    _stream: cpal::Stream,
}

impl Audio {
    /// Opens the default output with an instrument, and gives the queue that plays it.
    ///
    /// # Errors
    /// When there is no output, or none that can be used so.
    pub fn start(settings: &AudioSettings, control: &Arc<Shared>) -> Result<(Audio, HeapProd<Message>), AudioError> {
        let device = cpal::default_host().default_output_device().ok_or(AudioError::NoDevice)?;
        let name = device.description().map_or_else(|_| "default".to_owned(), |description| description.to_string());
        let hint = match (settings.sample_rate, settings.buffer) {
            (None, None) => "",
            _ => "\nhint: without --sample-rate and --buffer it takes those of the device",
        };
        let failed = |cause: String| AudioError::Device { device: name.clone(), cause, hint };
        let supported = device.default_output_config().map_err(|error| failed(error.to_string()))?;
        let sample_rate = settings.sample_rate.unwrap_or(supported.sample_rate());
        let buffer_sizes = match (settings.buffer, supported.buffer_size()) {
            (Some(frames), _) => vec![BufferSize::Fixed(frames)],
            // A mixer between us and the device may know better: then it is as it likes.
            (None, SupportedBufferSize::Range { min, max }) if min < max => {
                vec![BufferSize::Fixed(BUFFER.clamp(*min, *max)), BufferSize::Default]
            }
            (None, _) => vec![BufferSize::Default],
        };
        let channels = supported.channels();
        let mut result = Err(String::new());
        for buffer_size in buffer_sizes {
            let config = StreamConfig { channels, sample_rate, buffer_size };
            let instrument = Instrument::new(sample_rate, settings.sound_font.as_deref())?;
            let (player, messages) = Playback::new(instrument, usize::from(channels));
            let stream = open(&device, config, supported.sample_format(), player, control);
            result = stream.map(|stream| (stream, messages, buffer_size));
            if result.is_ok() {
                break;
            }
        }
        let (stream, messages, buffer_size) = result.map_err(failed)?;
        let frames = match buffer_size {
            BufferSize::Fixed(frames) => format!(", {frames} frames a buffer"),
            BufferSize::Default => String::new(),
        };
        Ok((Audio { description: format!("{name}, {sample_rate} Hz{frames}"), _stream: stream }, messages))
    }
}

/// Opens the device and lets `player` play in its callback.
fn open(
    device: &cpal::Device,
    config: StreamConfig,
    format: SampleFormat,
    player: Playback,
    control: &Arc<Shared>,
) -> Result<cpal::Stream, String> {
    let mut player = Guarded { player, control: Arc::clone(control), has_panicked: false };
    // A buffer that came too late, or another trouble of the device.
    let control = Arc::clone(control);
    let count = move |_| control.count_overrun();
    let stream = match format {
        SampleFormat::F32 => device.build_output_stream(
            config,
            move |out: &mut [f32], _: &_| player.fill(out, |sample| sample),
            count,
            None,
        ),
        SampleFormat::I16 => device.build_output_stream(
            config,
            move |out: &mut [i16], _: &_| player.fill(out, |sample| (sample.clamp(-1.0, 1.0) * 32_767.0) as i16),
            count,
            None,
        ),
        SampleFormat::I32 => device.build_output_stream(
            config,
            move |out: &mut [i32], _: &_| {
                player.fill(out, |sample| (f64::from(sample.clamp(-1.0, 1.0)) * 2_147_483_647.0) as i32);
            },
            count,
            None,
        ),
        other => return Err(format!("its samples are {other}, which we don't speak")),
    };
    let stream = stream.map_err(|error| error.to_string())?;
    stream.play().map_err(|error| error.to_string())?;
    Ok(stream)
}

/// A player whose panic, which the device's thread would not survive, is the end of the performance and silent.
struct Guarded {
    player: Playback,
    control: Arc<Shared>,
    has_panicked: bool,
}

impl Guarded {
    /// Real-time: [`Playback::fill`].
    fn fill<S: Copy + Default>(&mut self, out: &mut [S], convert: impl Fn(f32) -> S) {
        let Guarded { player, control, has_panicked } = self;
        if !*has_panicked {
            let played = panics::catch(|| {
                fault::trip(control, "sound");
                player.fill(&mut *out, convert);
            });
            let Err(told) = played else { return };
            *has_panicked = true;
            control.fail(Failure::Panic { thread: "sound", told });
        }
        out.fill(S::default());
    }
}

/// What the audio callback owns.
pub struct Playback {
    instrument: Instrument,
    messages: HeapCons<Message>,
    channels: usize,
    stereo: [f32; 2 * BLOCK],
}

impl Playback {
    /// A player without a device, and the queue that plays it.
    pub fn new(instrument: Instrument, channels: usize) -> (Playback, HeapProd<Message>) {
        let (messages_in, messages) = HeapRb::new(MESSAGES).split();
        (Playback { instrument, messages, channels, stereo: [0.0; 2 * BLOCK] }, messages_in)
    }

    /// Real-time, the audio callback: takes what has been played, renders, and lays it on the device's channels (the
    /// first two, or the mean on a single one).
    pub fn fill<S: Copy + Default>(&mut self, out: &mut [S], convert: impl Fn(f32) -> S) {
        while let Some(message) = self.messages.try_pop() {
            self.instrument.message(&message);
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

#[cfg(test)]
mod tests {
    use ringbuf::traits::Producer;

    use super::*;
    use session::{Route, Routing};

    fn chord() -> Vec<Message> {
        let mut routing = Routing::new(Route::all(), false, 4);
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
            let instrument = Instrument::new(48_000, None).unwrap();
            let (mut player, mut queue) = Playback::new(instrument, channels);
            let mut out = vec![0.0f32; channels * 12_000];
            player.fill(&mut out, |sample| sample);
            assert_eq!(loudness(&out), 0.0);
            chord().into_iter().for_each(|message| queue.try_push(message).unwrap());
            player.fill(&mut out, |sample| sample);
            assert!(loudness(&out) > 0.01, "{channels} channels: {}", loudness(&out));
            assert!(out.iter().all(|sample| sample.abs() <= 1.0));
            if channels == 6 {
                assert!(out.chunks(6).all(|frame| frame[2..] == [0.0; 4]), "only the first two");
            }
            let mut routing = Routing::new(Route::all(), false, 4);
            routing.begin(0, Part::Alto, Pitch::new(60).unwrap(), 90);
            routing.silence(0);
            while let Some(message) = routing.next_message() {
                routing.sent();
                queue.try_push(message).unwrap();
            }
            for _ in 0..20 {
                player.fill(&mut out, |sample| sample);
            }
            assert!(loudness(&out) < 1e-4, "{channels} channels: {}", loudness(&out));
        }
    }

    #[test]
    fn what_is_no_sound_font_is_refused() {
        let error = Instrument::new(48_000, Some(b"RIFFnothing")).err().unwrap().to_string();
        assert!(error.starts_with("not a SoundFont that can be used"), "{error}");
    }
}
