//! The same notes are as loud from an audio callback as in a WAV file.

use std::io::Cursor;

use chorale::{Part, Pitch};
use files::{Direction, Note, Program, Score};
use sound::wav::{self, SAMPLE_RATE};
use sound::{Instrument, Timbre};

const PITCHES: [u8; 4] = [72, 67, 64, 48];
const VELOCITY: u8 = 90;

/// One second of a chord, in frames.
const SECOND: usize = SAMPLE_RATE as usize;

/// A chunk of a RIFF file.
fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let padding = vec![0; data.len() % 2];
    [name.as_slice(), &(data.len() as u32).to_le_bytes(), data, &padding].concat()
}

fn list(name: &[u8; 4], chunks: &[Vec<u8>]) -> Vec<u8> {
    chunk(b"LIST", &[name.as_slice(), &chunks.concat()].concat())
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn named(name: &str, rest: &[u8]) -> Vec<u8> {
    let mut record = name.as_bytes().to_vec();
    record.resize(20, 0);
    record.extend_from_slice(rest);
    record
}

/// The smallest SoundFont: one sine wave that goes round and round, as General MIDI's choir.
fn sound_font() -> Vec<u8> {
    const CYCLE: u32 = 100;
    const CYCLES: u32 = 20;
    let samples: Vec<u8> = (0..CYCLE * CYCLES)
        .map(|index| (10_000.0 * (f64::from(index % CYCLE) / f64::from(CYCLE) * std::f64::consts::TAU).sin()) as i16)
        .chain([0; 46])
        .flat_map(i16::to_le_bytes)
        .collect();
    let info =
        list(b"INFO", &[chunk(b"ifil", &words(&[2, 1])), chunk(b"isng", b"EMU8000\0"), chunk(b"INAM", b"sine\0\0")]);
    let header = [&CYCLE.to_le_bytes()[..], &(CYCLE * (CYCLES - 1)).to_le_bytes(), &SAMPLE_RATE.to_le_bytes()].concat();
    let sample =
        [&0u32.to_le_bytes()[..], &(CYCLE * CYCLES).to_le_bytes(), &header, &[69, 0], &words(&[0, 1])].concat();
    // Generators: 54 loops the sample, 53 names it, 41 names the instrument.
    let data = list(
        b"pdta",
        &[
            chunk(
                b"phdr",
                &[
                    named("sine", &[words(&[u16::from(Program::CHOIR.midi()), 0, 0]), vec![0; 12]].concat()),
                    named("EOP", &[words(&[0, 0, 1]), vec![0; 12]].concat()),
                ]
                .concat(),
            ),
            chunk(b"pbag", &words(&[0, 0, 1, 0])),
            chunk(b"pmod", &[0; 10]),
            chunk(b"pgen", &words(&[41, 0, 0, 0])),
            chunk(b"inst", &[named("sine", &words(&[0])), named("EOI", &words(&[1]))].concat()),
            chunk(b"ibag", &words(&[0, 0, 2, 0])),
            chunk(b"imod", &[0; 10]),
            chunk(b"igen", &words(&[54, 1, 53, 0, 0, 0])),
            chunk(b"shdr", &[named("sine", &sample), named("EOS", &[0; 26])].concat()),
        ],
    );
    chunk(b"RIFF", &[b"sfbk".as_slice(), &info, &list(b"sdta", &[chunk(b"smpl", &samples)]), &data].concat())
}

fn offline(timbre: &Timbre) -> Vec<f32> {
    let note = |midi| Note { start: 0, end: 480, pitch: Pitch::new(midi).unwrap(), velocity: VELOCITY };
    let parts = PITCHES.map(|midi| vec![note(midi)]);
    let directions = vec![(0, Direction::Tempo(1_000_000))];
    let score = Score { ticks_per_quarter: 480, directions, parts, ..Score::default() };
    let bytes = wav::write(&score, timbre).unwrap();
    let samples = hound::WavReader::new(Cursor::new(bytes)).unwrap().into_samples::<i16>();
    samples.take(2 * SECOND).map(|sample| f32::from(sample.unwrap()) / f32::from(i16::MAX)).collect()
}

/// As the session sends it: programs, then notes, on channels of any number, block after block.
fn live(timbre: &Timbre, first_channel: u8) -> Vec<f32> {
    let mut instrument = Instrument::new(timbre, SAMPLE_RATE).unwrap();
    for (part, midi) in Part::ALL.into_iter().zip(PITCHES) {
        let channel = first_channel + part.index() as u8;
        instrument.message(part, &[0xc0 | channel, Program::CHOIR.midi()]);
        instrument.message(part, &[0x90 | channel, midi, VELOCITY]);
    }
    let mut samples = vec![0.0; 2 * SECOND];
    samples.chunks_mut(2 * 128).for_each(|block| instrument.render(block));
    samples
}

fn decibels(samples: &[f32]) -> f64 {
    let energy: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    10.0 * (energy / samples.len() as f64).log10()
}

#[test]
fn a_chord_is_as_loud_live_as_in_a_wav_file() {
    for (name, timbre) in [("organ", Timbre::Organ), ("SoundFont", Timbre::sound_font(&sound_font()).unwrap())] {
        let in_file = decibels(&offline(&timbre));
        assert!(in_file > -40.0, "{name}: {in_file:.2} dB in the file");
        for first_channel in [0, 4] {
            let played = decibels(&live(&timbre, first_channel));
            assert!((played - in_file).abs() < 0.1, "{name}: {played:.2} dB live, {in_file:.2} dB in the file");
        }
    }
}

#[test]
#[ignore = "needs Debian's timgm6mb-soundfont: make live"]
fn the_organ_and_a_general_midi_choir_are_equally_loud_at_every_velocity() {
    let font = std::fs::read("/usr/share/sounds/sf2/TimGM6mb.sf2").expect("apt-get install timgm6mb-soundfont");
    let loudness = |timbre: &Timbre, velocity: u8| {
        let mut instrument = Instrument::new(timbre, SAMPLE_RATE).unwrap();
        for (part, midi) in Part::ALL.into_iter().zip(PITCHES) {
            instrument.message(part, &[0x90 | part.index() as u8, midi, velocity]);
        }
        let mut samples = vec![0.0; 2 * 4 * SECOND];
        instrument.render(&mut samples);
        decibels(&samples[2 * SECOND..])
    };
    let choir = Timbre::sound_font(&font).unwrap();
    for velocity in [30, 50, 70, 90, 110, 127] {
        let (organ, choir) = (loudness(&Timbre::Organ, velocity), loudness(&choir, velocity));
        println!("velocity {velocity}: organ {organ:.1} dB, choir {choir:.1} dB");
        assert!((organ - choir).abs() < 2.0, "velocity {velocity}: organ {organ:.1} dB, choir {choir:.1} dB");
    }
}
