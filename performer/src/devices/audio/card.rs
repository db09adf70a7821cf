//! The sound card, by cpal.

use std::sync::Arc;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, Device, SampleFormat, StreamConfig, SupportedBufferSize, SupportedStreamConfig};
use ringbuf::HeapProd;
use session::Message;
use sound::Instrument;

use super::output::{OpenOutput, Reports};
use super::playback::{GuardedPlayback, Playback};
use super::{AudioError, AudioSettings};

/// Frames of a buffer where the device lets us choose and the user does not: 5 ms.
const BUFFER: u32 = 256;

/// Opens the default output with an instrument, and gives the queue that plays it.
pub fn open(settings: &AudioSettings, reports: &Arc<Reports>) -> Result<(OpenOutput, HeapProd<Message>), AudioError> {
    let device = cpal::default_host().default_output_device().ok_or(AudioError::NoDevice)?;
    let name = device.description().map_or_else(|_| "default".to_owned(), |description| description.to_string());
    let hint = match (settings.sample_rate, settings.buffer) {
        (None, None) => "",
        _ => "\nhint: without --sample-rate and --buffer it takes those of the device",
    };
    let failed = |cause: String| AudioError::Device { device: name.clone(), cause, hint };
    let supported = device.default_output_config().map_err(|error| failed(error.to_string()))?;
    let sample_rate = settings.sample_rate.unwrap_or(supported.sample_rate());
    let mut refusal = String::new();
    for buffer_size in buffer_sizes(settings, &supported) {
        let config = StreamConfig { channels: supported.channels(), sample_rate, buffer_size };
        let instrument = Instrument::new(&settings.timbre, sample_rate)?;
        let (playback, messages) = Playback::new(instrument, usize::from(supported.channels()));
        let playback = GuardedPlayback::new(playback, Arc::clone(&reports.shared));
        match stream(&device, config, supported.sample_format(), playback, reports) {
            Ok(stream) => {
                let description = format!("{name}, {sample_rate} Hz{}", described(buffer_size));
                return Ok((OpenOutput::new(description, stream), messages));
            }
            Err(cause) => refusal = cause,
        }
    }
    Err(failed(refusal))
}

/// Those to try, the best first.
fn buffer_sizes(settings: &AudioSettings, supported: &SupportedStreamConfig) -> Vec<BufferSize> {
    match (settings.buffer, supported.buffer_size()) {
        (Some(frames), _) => vec![BufferSize::Fixed(frames)],
        // A mixer between us and the device may know better: then it is as it likes.
        (None, SupportedBufferSize::Range { min, max }) if min < max => {
            vec![BufferSize::Fixed(BUFFER.clamp(*min, *max)), BufferSize::Default]
        }
        (None, _) => vec![BufferSize::Default],
    }
}

fn described(buffer_size: BufferSize) -> String {
    match buffer_size {
        BufferSize::Fixed(frames) => format!(", {frames} frames a buffer"),
        BufferSize::Default => String::new(),
    }
}

/// A stream that lets `playback` play in its callback.
fn stream(
    device: &Device,
    config: StreamConfig,
    format: SampleFormat,
    mut playback: GuardedPlayback,
    reports: &Arc<Reports>,
) -> Result<cpal::Stream, String> {
    let reports = Arc::clone(reports);
    let report = move |error: cpal::Error| reports.note(error.kind());
    let stream = match format {
        SampleFormat::F32 => device.build_output_stream(
            config,
            move |out: &mut [f32], _: &_| playback.fill(out, |sample| sample),
            report,
            None,
        ),
        SampleFormat::I16 => device.build_output_stream(
            config,
            move |out: &mut [i16], _: &_| playback.fill(out, |sample| (sample.clamp(-1.0, 1.0) * 32_767.0) as i16),
            report,
            None,
        ),
        SampleFormat::I32 => device.build_output_stream(
            config,
            move |out: &mut [i32], _: &_| {
                playback.fill(out, |sample| (f64::from(sample.clamp(-1.0, 1.0)) * 2_147_483_647.0) as i32);
            },
            report,
            None,
        ),
        other => return Err(format!("its samples are {other}, which we don't speak")),
    };
    let stream = stream.map_err(|error| error.to_string())?;
    stream.play().map_err(|error| error.to_string())?;
    Ok(stream)
}

/// Whether an attempt to open the output is worth while. libasound writes to stderr, over the screen, where it finds no
/// card.
#[cfg(target_os = "linux")]
pub fn may_be_there() -> bool {
    let has_card = std::fs::read_dir("/dev/snd").is_ok_and(|mut nodes| {
        nodes.any(|node| {
            let name = node.map(|node| node.file_name()).unwrap_or_default();
            name.to_str().is_some_and(|name| name.starts_with("pcm") && name.ends_with('p'))
        })
    });
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(std::path::PathBuf::from);
    let has_server =
        runtime.is_some_and(|folder| ["pulse/native", "pipewire-0"].iter().any(|socket| folder.join(socket).exists()));
    has_card || has_server
}

#[cfg(not(target_os = "linux"))]
pub fn may_be_there() -> bool {
    true
}
