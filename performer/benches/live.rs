//! `make bench-live`: the live figures, through a real JACK server with a dummy driver and a real ALSA sequencer, beside a
//! bare MIDI echo.
//!
//! Run with `scripts/bench_live.sh [--long] [--json]`. Without `--long` it takes three minutes; with it twenty, for 10,000
//! notes at each period and ten minutes of dense playing. `scripts/bench_live.sh --soak SECONDS` instead plays for so long
//! (3600 if left out) and compares the beginning with the end.
//!
//! A probe, which is a JACK client, plays to the performer and to `examples/echo.rs` by one port and hears both. Each
//! message is told by its velocity, and comes back to the probe in its next cycle: the graph is a circle.
//!
//! ALSA's sequencer runs in the emulated machine of `tests/live/alsa_vm.sh`, where everything takes some ten times as
//! long: only what is set side by side there tells something.

use std::collections::{HashSet, VecDeque};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use hdrhistogram::Histogram;
use jack::{Client, ClientOptions, MidiIn, MidiOut, Port, ProcessScope, RawMidi};
use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};
use serde_json::{Value, json};

/// Frames a second of the server.
const RATE: u64 = 48_000;
const PERIODS: [u64; 3] = [64, 128, 256];
/// The probe plays on a channel on which the performer never sends, so that nothing is taken for an echo.
const CHANNEL: u8 = 15;
/// Frames of a sixteenth at 160 beats a minute.
const DENSE_STEP: u64 = RATE * 60 / 160 / 4;

/// The status of a measurement that was no use, and of a server that got stuck.
const DISTURBED: i32 = 75;

/// The server went on without one of its clients, as it does where the system lets a program wait for long: what was
/// underway in that period never reached it.
#[derive(Debug, thiserror::Error)]
#[error("{came} of {struck} notes came back; the server skipped a program in {overruns} periods")]
struct Disturbed {
    came: usize,
    struck: usize,
    overruns: u64,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [inside, what, period, amount] = &arguments[..]
        && inside == "--inside"
    {
        let (period, amount) = (period.parse()?, amount.parse()?);
        let figures = match what.as_str() {
            "answers" => answers(period, amount)?,
            "moves" => moves(amount)?,
            "dense" => dense(amount)?,
            "alsa" => alsa(amount)?,
            "soak" => match soak(amount) {
                Err(error) if error.is::<Disturbed>() => {
                    eprintln!("{error}");
                    std::process::exit(DISTURBED);
                }
                figures => figures?,
            },
            _ => start(amount)?,
        };
        println!("{figures}");
        return Ok(());
    }
    if let Some(place) = arguments.iter().position(|argument| argument == "--soak") {
        let seconds = arguments.get(place + 1).filter(|next| *next != "--bench");
        let seconds = seconds.map_or(Ok(3600), |seconds| seconds.parse()).context("--soak: whole seconds")?;
        ensure!(seconds >= 180, "--soak {seconds}: at least 180 seconds, so that there is a last minute to compare");
        print_soak(&in_sandbox("soak", 128, seconds)?);
        return Ok(());
    }
    let (mut is_long, mut json_wanted) = (false, false);
    for argument in &arguments {
        match argument.as_str() {
            "--long" => is_long = true,
            "--json" => json_wanted = true,
            "--bench" => {} // what `cargo bench` adds by itself
            other => bail!("unknown option '{other}': expected --long, --json or --soak"),
        }
    }
    let mut figures = serde_json::Map::new();
    figures.insert("machine".into(), machine().into());
    for period in PERIODS {
        let notes = if is_long { 10_000 } else { 2000 };
        figures.insert(format!("answers_{period}"), in_sandbox("answers", period, notes)?);
    }
    figures.insert("moves".into(), in_sandbox("moves", 64, if is_long { 120 } else { 30 })?);
    figures.insert("dense".into(), in_sandbox("dense", 64, if is_long { 600 } else { 30 })?);
    figures.insert("start".into(), in_sandbox("start", 128, 9)?);
    figures.insert("alsa".into(), in_emulated_machine(if is_long { 1000 } else { 300 })?);
    let figures = Value::Object(figures);
    if json_wanted {
        println!("{}", serde_json::to_string_pretty(&figures)?);
    } else {
        print_table(&figures);
    }
    Ok(())
}

/// Runs one measurement beside a JACK server of its own. A server that gets stuck or skips a program, which is not our fault,
/// gets two more chances.
fn in_sandbox(what: &str, period: u64, amount: u64) -> Result<Value> {
    eprintln!("measuring: {what}, {period} frames a period ...");
    let sandbox = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/jack_sandbox.sh");
    for _ in 0..3 {
        let output = Command::new("bash")
            .arg(&sandbox)
            .arg(period.to_string())
            .arg(std::env::current_exe()?)
            .args(["--inside", what, &period.to_string(), &amount.to_string()])
            .output()
            .context("bash")?;
        let talk = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => return serde_json::from_slice(&output.stdout).context("the measurement's figures"),
            Some(69) => bail!("no JACK server can be started\nhint: scripts/setup.sh live installs it; root is needed"),
            Some(DISTURBED) => eprintln!("{}: once more", talk.trim()),
            code => bail!("the measurement '{what}' failed (status {code:?}): {}", talk.trim()),
        }
    }
    bail!("the JACK server got stuck or skipped a program three times")
}

/// Runs [`alsa`] in an emulated machine, which sees this one's files.
fn in_emulated_machine(notes: u64) -> Result<Value> {
    eprintln!("measuring: alsa, in an emulated machine ...");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/alsa_vm.sh");
    let folder = tempfile::tempdir()?;
    let bench = std::env::current_exe()?;
    // The machine's own files are read-only: this one's cache may not be named there.
    let guest = format!("{} --inside alsa 0 {notes} >/mnt/figures 2>/mnt/talk\n", bench.display());
    std::fs::write(folder.path().join("guest.sh"), guest)?;
    let status = Command::new("bash").arg(&script).arg(folder.path()).env("ALSA_VM_TIMEOUT", "590").status()?;
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    ensure!(status.success(), "the measurement 'alsa' failed: {}", read("talk"));
    serde_json::from_str(&read("figures")).context("the measurement's figures")
}

/// Notes through ALSA's sequencer, one at a time, to the performer, to the echo and to the echo by a thread in turn.
fn alsa(notes: u64) -> Result<Value> {
    let echo = examples()?.join("echo");
    let options = ["play", "--midi", "alsa", "--virtual", "--no-take", "--json", "--tempo", "10"];
    let mut echoes = [Program::start(&echo, &["--alsa"])?, Program::start(&echo, &["--alsa", "--thread"])?];
    let mut performer = Program::start(&performer(), &options)?;
    for program in echoes.iter_mut().chain([&mut performer]) {
        program.wait_until_ready()?;
    }
    let mut lines = [AlsaLine::open("performer")?, AlsaLine::open("echo")?, AlsaLine::open("echo-thread")?];
    let mut trips = [histogram()?, histogram()?, histogram()?];
    let mut last_part = histogram()?;
    for number in 0..notes + 20 {
        let key = 62 + (number / 25 * 5 % 17) as u8;
        for ((line, trips), most) in lines.iter_mut().zip(&mut trips).zip([4, 1, 1]) {
            let came = line.strike(key, velocity(number), most)?;
            // The first notes find cold programs.
            if number >= 20 {
                trips.record(came[0].as_nanos() as u64)?;
                if let [_, _, _, last] = came[..] {
                    last_part.record(last.as_nanos() as u64)?;
                }
            }
        }
    }
    performer.interrupt()?;
    let [answers, echoes, threads] = &trips;
    Ok(json!({
        "notes": notes,
        "answer_round_trip_us": distribution(answers, 1e-3),
        "last_part_round_trip_us": distribution(&last_part, 1e-3),
        "echo_round_trip_us": distribution(echoes, 1e-3),
        "echo_by_a_thread_round_trip_us": distribution(threads, 1e-3),
        "callback_us": distribution(&histogram_of(&performer.latencies()?)?, 1e-3),
    }))
}

/// The probe's cables to a program.
struct AlsaLine {
    to: midir::MidiOutputConnection,
    came: mpsc::Receiver<(Instant, [u8; 3])>,
    _from: midir::MidiInputConnection<()>,
}

impl AlsaLine {
    fn open(program: &str) -> Result<AlsaLine> {
        let (output, input) = (midir::MidiOutput::new("probe")?, midir::MidiInput::new("probe")?);
        let named = format!("{program}:");
        let to =
            output.ports().into_iter().find(|port| output.port_name(port).is_ok_and(|name| name.starts_with(&named)));
        let from =
            input.ports().into_iter().find(|port| input.port_name(port).is_ok_and(|name| name.starts_with(&named)));
        let (to, from) = to.zip(from).with_context(|| format!("no ports of {program}"))?;
        let (send, came) = mpsc::channel();
        let hand_on = move |_, message: &[u8], (): &mut ()| {
            if let Ok(bytes) = message.try_into() {
                let _ = send.send((Instant::now(), bytes));
            }
        };
        let to = output.connect(&to, "out").map_err(|error| anyhow!("{program}: {error}"))?;
        let from = input.connect(&from, "in", hand_on, ()).map_err(|error| anyhow!("{program}: {error}"))?;
        Ok(AlsaLine { to, came, _from: from })
    }

    /// Strikes a key, waits for at most so many notes, and lifts it. Returns when they came.
    fn strike(&mut self, key: u8, velocity: u8, most: usize) -> Result<Vec<Duration>> {
        const PATIENCE: Duration = Duration::from_millis(100);
        while self.came.try_recv().is_ok() {}
        let begun = Instant::now();
        self.to.send(&[0x90 | CHANNEL, key, velocity])?;
        let mut waits = Vec::new();
        while waits.len() < most
            && let Ok((at, [status, _, value])) = self.came.recv_timeout(PATIENCE)
        {
            // What parts begin by themselves has the velocity of the note before.
            if status & 0xf0 == 0x90 && value == velocity {
                waits.push(at - begun);
            }
        }
        ensure!(!waits.is_empty(), "a note was lost");
        self.to.send(&[0x80 | CHANNEL, key, 0])?;
        thread::sleep(Duration::from_millis(5));
        Ok(waits)
    }
}

/// Struck notes: when they come back from the echo and from the performer, and how long its callback takes.
fn answers(period: u64, notes: u64) -> Result<Value> {
    // 200 notes a second, at all places of a period. Every key is struck again and again, so that all parts speak anew.
    const EVERY: u64 = RATE / 200;
    let strikes: Vec<Strike> = (0..notes)
        .map(|number| Strike {
            at: RATE + number * EVERY + number * 37 % 101,
            key: 62 + (number / 25 * 5 % 17) as u8,
            length: EVERY / 2,
        })
        .collect();
    // So slow that no part moves by itself in between: a step lasts a second and a half.
    let (heard, performance) = perform(&["--tempo", "10"], plan(&strikes, None), true)?;

    let mut at_once = 0;
    let mut figures = Performance::summary(&performance)?;
    let (mut echoes, mut threads, mut workers, mut answers) = (histogram()?, histogram()?, histogram()?, histogram()?);
    let mut largest_difference = 0;
    for (number, strike) in (0..).zip(&strikes) {
        let velocity = velocity(number);
        let of = |from: From| {
            let notes = heard.iter().filter(move |note| note.from == from && note.is_on() && note.bytes[2] == velocity);
            notes.filter(|note| note.at >= strike.at && note.at < strike.at + 100 * EVERY).map(|note| note.at)
        };
        let Some(echo) = of(From::Echo).next() else { bail!("the echo lost note {number}") };
        echoes.record(echo - strike.at)?;
        threads.record(of(From::Thread).next().context("the threaded echo lost a note")? - strike.at)?;
        workers.record(of(From::Worker).next().context("the echo by the worker lost a note")? - strike.at)?;
        let answer: Vec<u64> = of(From::Performer).collect();
        ensure!(!answer.is_empty(), "the performer lost note {number}");
        answers.record(answer[0] - strike.at)?;
        // The first key after another moves only those parts whose note changes.
        let is_repeated = number > 0 && strikes[number as usize - 1].key == strike.key;
        let parts = answer.iter().filter(|&&at| at == echo).count();
        at_once += u64::from(parts == 4 || (!is_repeated && parts > 0));
        let difference = answer.iter().take(if is_repeated { 4 } else { 1 }).map(|at| at.abs_diff(echo)).max();
        largest_difference = largest_difference.max(difference.unwrap_or(0));
    }
    figures["notes"] = notes.into();
    figures["answered_at_the_frame_of_the_echo"] = at_once.into();
    figures["largest_difference_frames"] = largest_difference.into();
    figures["echo_round_trip_frames"] = distribution(&echoes, 1.0);
    figures["answer_round_trip_frames"] = distribution(&answers, 1.0);
    figures["echo_by_a_thread_round_trip_frames"] = distribution(&threads, 1.0);
    figures["echo_by_the_worker_round_trip_frames"] = distribution(&workers, 1.0);
    figures["period"] = period.into();
    Ok(figures)
}

/// Parts that move by themselves, under a MIDI clock of 120 beats a minute whose ticks stand on exact frames: how far
/// from their steps.
fn moves(seconds: u64) -> Result<Value> {
    const TICK: u64 = RATE / 48;
    const STEP: u64 = 6 * TICK;
    let scale = [67, 69, 71, 72, 74, 72, 71, 69];
    let strikes: Vec<Strike> = (0..seconds * 2)
        .map(|number| Strike { at: RATE + number * 4 * STEP, key: scale[number as usize % 8], length: 3 * STEP })
        .collect();
    let (heard, performance) = perform(&["--clock", "midi"], plan(&strikes, Some((TICK, seconds * 48))), true)?;
    // What the probe sent at the first tick came back from the echo as much later as everything does.
    let first = heard.iter().find(|message| message.from == From::Echo && message.bytes[0] == 0xf8);
    let first = first.context("the echo sent no clock")?.at;
    let mut deviations = histogram()?;
    for note in heard.iter().filter(|note| note.from == From::Performer && note.is_on() && note.bytes[0] & 0x0f > 0) {
        let in_step = note.at.saturating_sub(first) % STEP;
        let is_answer = strikes.iter().any(|strike| note.at.abs_diff(strike.at + first - RATE) < 2);
        if !is_answer {
            deviations.record(in_step.min(STEP - in_step))?;
        }
    }
    ensure!(!deviations.is_empty(), "no part moved by itself");
    let mut figures = Performance::summary(&performance)?;
    figures["moves"] = deviations.len().into();
    figures["deviation_ms"] = distribution(&deviations, 1000.0 / RATE as f64);
    Ok(figures)
}

/// Sixteenths at 160 beats a minute, without a rest.
fn dense(seconds: u64) -> Result<Value> {
    let scale = [67, 69, 71, 72, 74, 76, 74, 72, 71, 72, 74, 71, 72, 69, 71, 67, 64, 66, 67, 69];
    let strikes: Vec<Strike> = (0..seconds * RATE / DENSE_STEP)
        .map(|number| Strike {
            at: RATE + number * DENSE_STEP,
            key: scale[(number * 7 / 5) as usize % scale.len()],
            length: DENSE_STEP * 4 / 5,
        })
        .collect();
    let (heard, performance) = perform(&["--tempo", "160"], plan(&strikes, None), false)?;
    let mut figures = Performance::summary(&performance)?;
    figures["struck"] = strikes.len().into();
    figures["unmatched"] = unmatched(&heard).into();
    figures["seconds"] = seconds.into();
    Ok(figures)
}

/// Sixteenths for as long as one likes, every eighth of them held so that parts move by themselves under it: whether
/// memory grows, notes hang, the steps drift or answers come later towards the end.
fn soak(seconds: u64) -> Result<Value> {
    // A tempo whose steps are no whole frames: what is rounded at each step would add up.
    const TEMPO: f64 = 157.0;
    let step = RATE as f64 * 60.0 / TEMPO / 4.0;
    let scale = [67, 69, 71, 72, 74, 76, 74, 72, 71, 72, 74, 71, 72, 69, 71, 67, 64, 66, 67, 69];
    let steps = (seconds * RATE) as f64 / step;
    let strikes: Vec<Strike> = (0..steps as u64)
        .filter(|number| number % 8 != 7)
        .map(|number| Strike {
            at: RATE + (number as f64 * step).round() as u64,
            key: scale[(number * 7 / 5) as usize % scale.len()],
            length: (step * if number % 8 == 6 { 1.8 } else { 0.8 }) as u64,
        })
        .collect();
    let tempo = TEMPO.to_string();
    let options = ["--clock", "strict", "--tempo", &tempo];
    let (heard, performance) = perform(&options, plan(&strikes, None), false)?;

    let ons = || heard.iter().filter(|message| message.from == From::Performer && message.is_on());
    let sopranos: Vec<u64> = ons().filter(|note| note.bytes[0] & 0x0f == 0).map(|note| note.at).collect();
    let (came, struck, overruns) = (sopranos.len(), strikes.len(), performance.counted("overrun"));
    if came < struck && overruns > 0 {
        return Err(Disturbed { came, struck, overruns }.into());
    }
    ensure!(came == struck, "{came} of {struck} notes came back");
    let first = sopranos[0];
    let last_minute = sopranos[sopranos.len() - 1] - 60 * RATE;
    let minute_of = |at: u64| [at < first + 60 * RATE, at >= last_minute].iter().position(|&is_in| is_in);

    // Frames from the step on which a part moved by itself, in the first and in the last minute.
    let (mut moves, mut largest) = ([Vec::new(), Vec::new()], 0f64);
    for at in ons().map(|note| note.at).filter(|at| sopranos.binary_search(at).is_err()) {
        let passed = (at - first) as f64;
        let off = passed - (passed / step).round() * step;
        largest = largest.max(off.abs());
        if let Some(minute) = minute_of(at) {
            moves[minute].push(off);
        }
    }
    ensure!(moves.iter().all(|of_minute| !of_minute.is_empty()), "no part moved by itself in the first or last minute");
    // Medians: an answer that came late moves no step.
    let [early, late] = moves.each_mut().map(|of_minute| {
        of_minute.sort_by(f64::total_cmp);
        of_minute[of_minute.len() / 2]
    });
    let drift_ms = (late - early) * 1000.0 / RATE as f64;

    let mut trips = [histogram()?, histogram()?];
    let mut latencies = [histogram()?, histogram()?];
    for ((strike, &came), &latency) in strikes.iter().zip(&sopranos).zip(&performance.in_order) {
        if let Some(minute) = minute_of(came) {
            trips[minute].record(came - strike.at)?;
            latencies[minute].record(latency)?;
        }
    }
    // What is loaded and filled at first is there after a sixth of the time.
    let filled = &performance.samples[performance.samples.len() / 6..];
    let mut figures = Performance::summary(&performance)?;
    figures["struck"] = strikes.len().into();
    figures["unmatched"] = unmatched(&heard).into();
    figures["seconds"] = seconds.into();
    figures["drift_ms"] = drift_ms.into();
    figures["largest_deviation_ms"] = (largest * 1000.0 / RATE as f64).into();
    figures["memory_slope_kb_per_hour"] = (slope(filled) * 3600.0 / 1000.0).into();
    figures["memory_mb"] = json!([filled[0].1 / 1e6, filled[filled.len() - 1].1 / 1e6]);
    for (name, minute) in [("first_minute", 0), ("last_minute", 1)] {
        figures[name] = json!({
            "callback_us": distribution(&latencies[minute], 1e-3),
            "round_trip_frames": distribution(&trips[minute], 1.0),
        });
    }
    figures["told"] = performance.told.into();
    ensure!(figures["unmatched"] == 0, "notes without an end, or ends without a note: {figures}");
    ensure!(drift_ms.abs() <= 1.0, "the steps drift: {figures}");
    ensure!(filled[filled.len() - 1].1 - filled[0].1 < 1e6, "memory grows: {figures}");
    Ok(figures)
}

/// Of the straight line that lies nearest to the points.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
    let (above, below) = points.iter().fold((0.0, 0.0), |(above, below), point| {
        (above + (point.0 - x) * (point.1 - y), below + (point.0 - x).powi(2))
    });
    above / below
}

/// Note-ons of the performer without their end, and ends without their note.
fn unmatched(heard: &[Came]) -> usize {
    let mut sounding = [None; 4];
    let (mut unmatched, mut ended) = (0, HashSet::new());
    for message in heard.iter().filter(|message| message.from == From::Performer) {
        let [status, key, _] = message.bytes;
        let Some(part) = sounding.get_mut(usize::from(status & 0x0f)) else { continue };
        match (status & 0xf0, *part) {
            (0x90, None) => *part = Some(key),
            (0x80, Some(sounds)) if sounds == key => {
                *part = None;
                ended.insert((status, key));
            }
            // Ends come twice after an overrun.
            (0x80, _) if ended.contains(&(status, key)) => {}
            (0x80 | 0x90, _) => unmatched += 1,
            _ => {}
        }
    }
    unmatched + sounding.iter().flatten().count()
}

/// From the start of the program to its open ports.
fn start(times: u64) -> Result<Value> {
    let mut waits = histogram()?;
    for _ in 0..times {
        let (mut performer, begun) = (Program::start(&performer(), &START)?, Instant::now());
        performer.wait_until_ready()?;
        waits.record(begun.elapsed().as_micros() as u64)?;
        performer.interrupt()?;
    }
    Ok(json!({ "start_to_ready_ms": distribution(&waits, 1e-3) }))
}

/// A note that the probe plays.
#[derive(Clone, Copy)]
struct Strike {
    /// Frames from the beginning of the performance.
    at: u64,
    key: u8,
    length: u64,
}

/// A note's number, told in its velocity.
fn velocity(number: u64) -> u8 {
    1 + (number % 127) as u8
}

/// What the probe sends, and when: the notes, and ticks of MIDI clock (length and number) from the first note on.
fn plan(strikes: &[Strike], clock: Option<(u64, u64)>) -> VecDeque<(u64, Vec<u8>)> {
    let mut plan: Vec<(u64, Vec<u8>)> = Vec::new();
    if let Some((tick, ticks)) = clock {
        plan.push((RATE - tick / 2, vec![0xfa]));
        plan.extend((0..ticks).map(|number| (RATE + number * tick, vec![0xf8])));
    }
    for (number, strike) in (0..).zip(strikes) {
        plan.push((strike.at, vec![0x90 | CHANNEL, strike.key, velocity(number)]));
        plan.push((strike.at + strike.length, vec![0x80 | CHANNEL, strike.key, 0]));
    }
    plan.sort_by_key(|(at, bytes)| (*at, bytes[0] != 0xf8));
    plan.into()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum From {
    Echo,
    Thread,
    /// The echo that asks the network first.
    Worker,
    Performer,
}

/// A message as it came to the probe.
#[derive(Clone, Copy, Debug)]
struct Came {
    from: From,
    at: u64,
    bytes: [u8; 3],
}

impl Came {
    fn is_on(&self) -> bool {
        self.bytes[0] & 0xf0 == 0x90 && self.bytes[2] > 0
    }
}

/// What the performer told of itself.
struct Performance {
    /// Nanoseconds from its callback's entry to the last message handed over.
    latencies: Histogram<u64>,
    /// Its last line.
    told: String,
    /// Nanoseconds of each struck note.
    in_order: Vec<u64>,
    /// Bytes of resident memory that are its own, after a third of the performance and at its end.
    memory: [u64; 2],
    /// Every second: the second, and how many of those bytes no file holds. The program's own pages come and go as the
    /// system likes.
    samples: Vec<(f64, f64)>,
}

impl Performance {
    /// How many of something its last line counts; it names no overruns where there are none.
    fn counted(&self, what: &str) -> u64 {
        let words: Vec<&str> = self.told.split_whitespace().collect();
        let count = words.windows(2).find(|pair| pair[1].starts_with(what)).and_then(|pair| pair[0].parse().ok());
        count.unwrap_or(0)
    }

    fn summary(&self) -> Result<Value> {
        let numbers: Vec<u64> = self.told.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [notes, missed, ..] = numbers[..] else { bail!("no summary in '{}'", self.told) };
        Ok(json!({
            "answered": notes,
            "missed": missed,
            "callback_us": distribution(&self.latencies, 1e-3),
            "own_memory_mb": self.memory.map(|bytes| bytes as f64 / 1e6),
        }))
    }
}

const START: [&str; 5] = ["play", "--midi", "jack", "--no-take", "--json"];

/// Lets the probe play a plan to the performer, and the echoes beside it, and returns what came back.
fn perform(options: &[&str], plan: VecDeque<(u64, Vec<u8>)>, with_echoes: bool) -> Result<(Vec<Came>, Performance)> {
    // JACK servers get stuck when clients come all at once.
    let mut echoes = Vec::new();
    if with_echoes {
        for options in [&[][..], &["--thread"], &["--worker"]] {
            let mut echo = Program::start(&examples()?.join("echo"), options)?;
            echo.wait_until_ready()?;
            echoes.push(echo);
        }
    }
    let mut performer = Program::start(&performer(), &[&START[..], options].concat())?;
    performer.wait_until_ready()?;
    let length = plan.back().map_or(0, |(at, _)| *at) + RATE;
    let mut probe = Probe::start(plan)?;
    let mut connections = vec![("probe:out", "performer:in"), ("performer:out", "probe:performer")];
    if with_echoes {
        connections.extend([
            ("probe:out", "echo:in"),
            ("echo:out", "probe:echo"),
            ("probe:out", "echo-thread:in"),
            ("echo-thread:out", "probe:thread"),
            ("probe:out", "echo-worker:in"),
            ("echo-worker:out", "probe:worker"),
        ]);
    }
    for (source, destination) in connections {
        probe.active.as_client().connect_ports_by_name(source, destination)?;
    }
    probe.plays.store(true, Ordering::Release);
    let (mut came, mut memory, mut samples) = (Vec::new(), [0; 2], Vec::new());
    let begun = Instant::now();
    let mut last = 0;
    while last < length {
        thread::sleep(Duration::from_millis(20));
        while let Some(message) = probe.came.try_pop() {
            came.push(message);
        }
        last = probe.now.load(Ordering::Acquire);
        ensure!(performer.child.try_wait()?.is_none(), "the performer has ended by itself");
        let [own, anonymous] = own_memory(performer.child.id());
        memory[1] = own;
        if begun.elapsed().as_secs() >= samples.len() as u64 {
            samples.push((begun.elapsed().as_secs_f64(), anonymous as f64));
        }
        if last < length / 3 {
            memory[0] = own;
        }
    }
    performer.interrupt()?;
    thread::sleep(Duration::from_millis(100));
    while let Some(message) = probe.came.try_pop() {
        came.push(message);
    }
    let in_order = performer.latencies()?;
    let latencies = histogram_of(&in_order)?;
    let told =
        performer.lines(&performer.talk).into_iter().rfind(|line| line.contains(" answered")).unwrap_or_default();
    Ok((came, Performance { latencies, told, in_order, memory, samples }))
}

struct Probe {
    active: jack::AsyncClient<(), Process>,
    came: HeapCons<Came>,
    plays: Arc<AtomicBool>,
    /// Frames since the performance began.
    now: Arc<std::sync::atomic::AtomicU64>,
}

impl Probe {
    fn start(plan: VecDeque<(u64, Vec<u8>)>) -> Result<Probe> {
        let (client, _) = Client::new("probe", ClientOptions::NO_START_SERVER)?;
        let (came_in, came) = HeapRb::new(1 << 16).split();
        let (plays, now) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let process = Process {
            output: client.register_port("out", MidiOut::default())?,
            inputs: [
                (From::Echo, client.register_port("echo", MidiIn::default())?),
                (From::Thread, client.register_port("thread", MidiIn::default())?),
                (From::Worker, client.register_port("worker", MidiIn::default())?),
                (From::Performer, client.register_port("performer", MidiIn::default())?),
            ],
            plan,
            came: came_in,
            plays: Arc::clone(&plays),
            now: Arc::clone(&now),
        };
        Ok(Probe { active: client.activate_async((), process)?, came, plays, now })
    }
}

struct Process {
    output: Port<MidiOut>,
    inputs: [(From, Port<MidiIn>); 4],
    plan: VecDeque<(u64, Vec<u8>)>,
    came: HeapProd<Came>,
    plays: Arc<AtomicBool>,
    now: Arc<std::sync::atomic::AtomicU64>,
}

impl jack::ProcessHandler for Process {
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> jack::Control {
        let mut writer = self.output.writer(scope);
        if !self.plays.load(Ordering::Acquire) {
            return jack::Control::Continue;
        }
        let (start, frames) = (self.now.load(Ordering::Relaxed), u64::from(scope.n_frames()));
        while let Some((at, bytes)) = self.plan.front().filter(|(at, _)| *at < start + frames) {
            let _ = writer.write(&RawMidi { time: at.saturating_sub(start) as u32, bytes });
            self.plan.pop_front();
        }
        for (from, port) in &self.inputs {
            for event in port.iter(scope) {
                let mut bytes = [0; 3];
                for (byte, sent) in bytes.iter_mut().zip(event.bytes) {
                    *byte = *sent;
                }
                let _ = self.came.try_push(Came { from: *from, at: start + u64::from(event.time), bytes });
            }
        }
        self.now.store(start + frames, Ordering::Release);
        jack::Control::Continue
    }
}

/// A program of ours at work, and what it has said. Ends with this value.
struct Program {
    child: Child,
    out: Arc<Mutex<Vec<String>>>,
    talk: Arc<Mutex<Vec<String>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Program {
    fn start(path: &Path, options: &[&str]) -> Result<Program> {
        let mut child = Command::new(path)
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", path.display()))?;
        let (out, talk) = (Arc::default(), Arc::default());
        let mut readers = Vec::new();
        if let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) {
            readers = vec![read_lines(stdout, &out), read_lines(stderr, &talk)];
        }
        Ok(Program { child, out, talk, readers })
    }

    fn lines(&self, of: &Mutex<Vec<String>>) -> Vec<String> {
        of.lock().map(|lines| lines.clone()).unwrap_or_default()
    }

    /// Of a performer that tells in JSON, in order: nanoseconds from its callback's entry to the last message handed over.
    fn latencies(&self) -> Result<Vec<u64>> {
        let mut latencies = Vec::new();
        for line in self.lines(&self.out) {
            let told: Value = serde_json::from_str(&line).with_context(|| line.clone())?;
            latencies.extend(told["latency_us"].as_f64().map(|us| (us * 1000.0) as u64));
        }
        Ok(latencies)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let is_ready = |of| self.lines(of).iter().any(|line| line.starts_with("READY"));
        for _ in 0..20_000 {
            if is_ready(&self.out) || is_ready(&self.talk) {
                return Ok(());
            }
            thread::sleep(Duration::from_micros(500));
        }
        bail!("a program of ours was not ready after ten seconds: {}", self.lines(&self.talk).join("\n"))
    }

    /// Lets it end as Ctrl-C does.
    fn interrupt(&mut self) -> Result<()> {
        let status = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status()?;
        ensure!(status.success(), "kill failed");
        let status = self.child.wait()?;
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        ensure!(status.success(), "the performer ended with {status}: {}", self.lines(&self.talk).join("\n"));
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(from: impl std::io::Read + Send + 'static, to: &Arc<Mutex<Vec<String>>>) -> JoinHandle<()> {
    let to = Arc::clone(to);
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(std::io::Result::ok) {
            if let Ok(mut lines) = to.lock() {
                lines.push(line);
            }
        }
    })
}

fn performer() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_performer"))
}

fn examples() -> Result<PathBuf> {
    Ok(performer().parent().context("the folder of programs")?.join("examples"))
}

/// Bytes of resident memory, JACK's shared memory apart, and how many of them no file holds.
fn own_memory(process: u32) -> [u64; 2] {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let bytes = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        1024 * line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    let anonymous = bytes("RssAnon:");
    [anonymous + bytes("RssFile:"), anonymous]
}

fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new(3)?)
}

fn histogram_of(values: &[u64]) -> Result<Histogram<u64>> {
    let mut histogram = histogram()?;
    values.iter().try_for_each(|&value| histogram.record(value))?;
    Ok(histogram)
}

fn distribution(values: &Histogram<u64>, unit: f64) -> Value {
    let at = |quantile: f64| values.value_at_quantile(quantile) as f64 * unit;
    json!({ "p50": at(0.5), "p99": at(0.99), "p99.9": at(0.999), "max": values.max() as f64 * unit })
}

fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name =
        text.lines().find_map(|line| Some(line.strip_prefix("model name")?.trim_start_matches([' ', '\t', ':'])));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {cores} cores, {}", name.unwrap_or(std::env::consts::ARCH), std::env::consts::OS)
}

fn print_soak(figures: &Value) {
    let of = |name: &str, digits: usize| format!("{:.digits$}", figures[name].as_f64().unwrap_or(f64::NAN));
    println!("{}: {} s at 157 beats a minute, 128 frames a period", machine(), figures["seconds"]);
    println!(
        "notes struck {}, unmatched {}; {}",
        figures["struck"],
        figures["unmatched"],
        figures["told"].as_str().unwrap_or_default()
    );
    println!("drift of the steps from the first to the last minute, ms      {}", of("drift_ms", 4));
    println!("a part's own move off its step, largest, ms                   {}", of("largest_deviation_ms", 4));
    println!("own memory that no file holds, MB                             {}", figures["memory_mb"]);
    println!("its slope, KB an hour                                         {}", of("memory_slope_kb_per_hour", 1));
    for (what, name) in
        [("callback's entry to the last note, us", "callback_us"), ("there and back, frames", "round_trip_frames")]
    {
        for minute in ["first_minute", "last_minute"] {
            let values = &figures[minute][name];
            let at = |quantile: &str| format!("{:.1}", values[quantile].as_f64().unwrap_or(f64::NAN));
            println!("{what:<40} {minute:<14} p50 {} p99 {} max {}", at("p50"), at("p99"), at("max"));
        }
    }
}

fn print_table(figures: &Value) {
    let print = |ratio: &str, wanted: &str, what: &str, rest: &str| {
        println!("{}", format!("{ratio:>6}  {wanted:>12}  {what:<60} {rest}").trim_end());
    };
    let times = |values: &Value| {
        let at = |name: &str| values[name].as_f64().map_or_else(String::new, |value| format!("{value:.1}"));
        format!("{:>8} {:>8} {:>8} {:>8}", at("p50"), at("p99"), at("p99.9"), at("max"))
    };
    let row = |wanted: &str, what: &str, values: &Value| print("", wanted, what, &times(values));
    let beside = |wanted: &str, what: &str, values: &Value, other: &Value| {
        let ratio = values["p50"].as_f64().zip(other["p50"].as_f64()).map(|(value, other)| value / other);
        print(&ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")), wanted, what, &times(values));
    };
    println!("{}", figures["machine"].as_str().unwrap_or_default());
    let head = format!("{:>8} {:>8} {:>8} {:>8}", "p50", "p99", "p99.9", "max");
    print("ratio", "wanted", "JACK; ratios to the bare echo", &head);
    for period in PERIODS {
        let answers = &figures[format!("answers_{period}")];
        let trip = |what: &str| &answers[format!("{what}_round_trip_frames")];
        let what = |text: &str| format!("{period} frames: {text}");
        beside("ratio <= 1.1", &what("from a note to its answer, frames"), trip("answer"), trip("echo"));
        row("", &what("from a note to its bare echo, frames"), trip("echo"));
        beside("", &what("echo by another thread, frames"), trip("echo_by_a_thread"), trip("echo"));
        let what_worker = what("by a worker that asks the network then, frames");
        beside("", &what_worker, trip("echo_by_the_worker"), trip("echo"));
        row("p99.9 <= 50", &what("callback's entry to third part handed over, us"), &answers["callback_us"]);
        let difference = format!(
            "{:>8} ({} of {})",
            answers["largest_difference_frames"].to_string(),
            answers["answered_at_the_frame_of_the_echo"],
            answers["notes"]
        );
        print("", "0", &what("answer's largest distance from the note's frame"), &difference);
    }
    let (moves, dense) = (&figures["moves"], &figures["dense"]);
    let what = format!("{} moves of parts under MIDI clock: off the step, ms", moves["moves"]);
    row("p99 <= 1", &what, &moves["deviation_ms"]);
    let what = format!("{} s of sixteenths at 160 a minute: callback, us", dense["seconds"]);
    row("p99.9 <= 50", &what, &dense["callback_us"]);
    let what = format!("the same: missed deadlines, of {} answers", dense["answered"]);
    print("", "0", &what, &format!("{:>8}", dense["missed"].to_string()));
    print(
        "",
        "0",
        "the same: notes begun and not ended, or the reverse",
        &format!("{:>8}", dense["unmatched"].to_string()),
    );
    let memory = |index: usize| dense["own_memory_mb"][index].as_f64().unwrap_or(f64::NAN);
    let text = format!("{:>8.1} {:>8.1}", memory(0), memory(1));
    print("", "flat, <= 100", "the same: own memory after a third and at the end, MB", &text);
    row("<= 300", "from the start to open ports, ms", &figures["start"]["start_to_ready_ms"]);
    let alsa = &figures["alsa"];
    print("ratio", "", "ALSA, in an emulated machine; ratios to the bare echo", &head);
    let trip = |what: &str| &alsa[format!("{what}_round_trip_us")];
    beside("", "from a note to its answer, us", trip("answer"), trip("echo"));
    beside("", "from a note to the last of its three parts, us", trip("last_part"), trip("echo"));
    row("", "from a note to its bare echo, us", trip("echo"));
    beside("", "from a note to its echo by another thread, us", trip("echo_by_a_thread"), trip("echo"));
    row("", "callback's entry to third part handed over, us", &alsa["callback_us"]);
}
