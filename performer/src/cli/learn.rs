//! `performer learn`: binds the keyboard's knobs and buttons to what they shall do.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, thread};

use anyhow::{Context, Result, anyhow, bail};
use crossbeam_channel::{Receiver, bounded, select};
use performer::devices::midi::PortPlan;
use session::config::{self, Config};
use session::control::{Control, Trigger};
use session::midi::controller;

use super::midi::MidiOptions;

/// Bind knobs, pedals, pads or keys of your MIDI keyboard to controls, and write them to a settings file
///
/// Asks for one control after the other: move what shall do it, or press Enter to leave it as it is. The file has
/// comments on everything else that can be set, and `performer play` finds it where it is put. Of a file that is there
/// already only the controls that are learned change.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  performer learn --input keystation
  performer learn --input keystation -o stage.toml      then: performer play --config stage.toml
  performer learn --template -o stage.toml              only the file with its comments")]
pub struct Args {
    /// The keyboard's port: a name, a part of one, or a number from `performer ports`
    #[arg(long, value_name = "PORT")]
    input: Option<String>,

    /// Where to put the settings. Left out: where `performer play` looks for them
    #[arg(short, long, value_name = "FILE.toml")]
    output: Option<PathBuf>,

    /// Ask for nothing and listen to nothing: write the file with its comments, with everything still to be set
    #[arg(long)]
    template: bool,

    #[command(flatten)]
    midi: MidiOptions,
}

/// Messages that wait to be looked at. A knob that is turned on and on may lose some.
const MESSAGES: usize = 64;

pub fn run(args: Args) -> Result<()> {
    let output = args.output.or_else(default_path).context("there is no home folder; name a file with --output")?;
    let text = if output.exists() {
        fs::read_to_string(&output).with_context(|| format!("cannot read {}", output.display()))?
    } else {
        config::template(args.input.as_deref())
    };
    // What is wrong with the file is told before somebody learns 15 controls.
    let settings = named(&output, config::read(&text))?;
    named(&output, config::bind(&text, &bindings(&settings)))?;
    if args.template {
        if output.exists() {
            bail!("{} is there already, with what was set in it; name another file with --output", output.display());
        }
        write(&output, &text)?;
        println!("everything that can be set, in {}", output.display());
        return Ok(());
    }
    let (send, messages) = bounded(MESSAGES);
    let plan = PortPlan { input: args.input.or_else(|| settings.input.clone()), ..PortPlan::default() };
    let _listening = args.midi.open()?.listen(&plan, send)?;
    let lines = lines_of_stdin();
    let mut learned: Vec<(Control, Trigger)> = Vec::new();
    eprintln!(
        "READY Move the knob or press the pad for each of these; Enter leaves it as it is, q ends and \
         keeps what was learned, Ctrl-C leaves the file as it was."
    );
    for control in Control::ALL {
        let before = settings.controls.get(&control).map_or_else(|| "-".to_owned(), Trigger::to_string);
        eprint!("{:<16} {} [{before}]: ", control.name(), control.description());
        let _ = std::io::stderr().flush();
        match confirmed_trigger(&messages, &lines, &learned) {
            Answer::Trigger(trigger) => {
                eprintln!("{trigger}");
                learned.push((control, trigger));
            }
            Answer::Skip => eprintln!("{before}"),
            Answer::End => {
                eprintln!();
                break;
            }
        }
    }
    let text = named(&output, config::bind(&text, &learned))?;
    write(&output, &text)?;
    println!("{} controls learned, in {}", learned.len(), output.display());
    Ok(())
}

fn write(output: &Path, text: &str) -> Result<()> {
    if let Some(folder) = output.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    Ok(files::write_whole(output, text.as_bytes())?)
}

fn bindings(settings: &Config) -> Vec<(Control, Trigger)> {
    settings.controls.iter().map(|(&control, &trigger)| (control, trigger)).collect()
}

fn named<T>(file: &Path, result: Result<T, String>) -> Result<T> {
    result.map_err(|error| anyhow!("{}: {error}", file.display()))
}

/// Where `performer play` looks for its settings.
pub fn default_path() -> Option<PathBuf> {
    let folder = std::env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let folder = folder.or_else(|| std::env::home_dir().map(|home| home.join(".config")))?;
    Some(folder.join("performer.toml"))
}

enum Answer {
    Trigger(Trigger),
    Skip,
    End,
}

/// What the user types, line by line.
fn lines_of_stdin() -> Receiver<String> {
    let (send, lines) = bounded(0);
    thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// What it is to be. A pedal or wheel that means something to the music is taken only when it is moved twice.
fn confirmed_trigger(messages: &Receiver<[u8; 3]>, lines: &Receiver<String>, learned: &[(Control, Trigger)]) -> Answer {
    // What the last control still sent; no more, or a knob that is turned on and on would keep us here.
    messages.try_iter().take(messages.len()).for_each(drop);
    let mut warned = None;
    loop {
        let answer = next_trigger(messages, lines, learned, warned);
        let Answer::Trigger(trigger) = answer else { return answer };
        let Some(loss) = musical_use(trigger).filter(|_| warned != Some(trigger)) else { return answer };
        eprint!("\n  {trigger} is {loss}: move it once more to take it all the same, or another, or press Enter: ");
        let _ = std::io::stderr().flush();
        warned = Some(trigger);
    }
}

/// What a controller does as long as it is bound to nothing, and no longer does when it is.
fn musical_use(trigger: Trigger) -> Option<&'static str> {
    match trigger.number {
        _ if trigger.is_note => None,
        controller::SUSTAIN => Some("the sustain pedal, which then no longer holds the soprano"),
        controller::SOSTENUTO => Some("the sostenuto pedal, which then no longer holds the soprano"),
        controller::MODULATION => Some("the modulation wheel, which then no longer reaches the parts"),
        controller::VOLUME => Some("the volume, which then no longer reaches the parts"),
        controller::EXPRESSION => Some("the expression pedal, which then no longer reaches the parts"),
        _ => None,
    }
}

/// One that is moved on after it was `warned` of counts again once it has been back below its middle.
fn next_trigger(
    messages: &Receiver<[u8; 3]>,
    lines: &Receiver<String>,
    learned: &[(Control, Trigger)],
    warned: Option<Trigger>,
) -> Answer {
    let mut is_back = false;
    loop {
        select! {
            recv(lines) -> line => return match line {
                Ok(line) if line.trim().eq_ignore_ascii_case("q") => Answer::End,
                Ok(_) => Answer::Skip,
                Err(_) => Answer::End,
            },
            recv(messages) -> message => {
                let Ok(message) = message else { return Answer::End };
                let Some(trigger) = trigger(message).filter(|new| learned.iter().all(|(_, other)| other != new)) else {
                    continue;
                };
                let is_down = message[2] >= 64;
                if warned != Some(trigger) || (is_back && is_down) {
                    return Answer::Trigger(trigger);
                }
                is_back |= !is_down;
            }
        }
    }
}

/// What a message of the keyboard is the trigger of. A knob's first movement counts, a button only when pressed.
fn trigger([status, number, value]: [u8; 3]) -> Option<Trigger> {
    let channel = Some(status & 0x0f);
    match status & 0xf0 {
        // Bank select and the high controllers (pedals of all notes and modes) are no knobs.
        0xb0 if !matches!(number, 0 | 32 | 120..) => Some(Trigger { is_note: false, channel, number }),
        0x90 if value > 0 => Some(Trigger { is_note: true, channel, number }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOB: [u8; 3] = [0xb0, 20, 64];

    fn knob(number: u8) -> Trigger {
        Trigger { is_note: false, channel: Some(0), number }
    }

    #[test]
    fn what_a_knob_still_sends_after_it_was_learned_is_not_taken_for_the_next_control() {
        let (send, messages) = bounded(MESSAGES);
        let (typed, lines) = bounded(1);
        // The last knob, turned on and on, has filled the queue.
        while send.try_send(KNOB).is_ok() {}
        assert_eq!(messages.len(), MESSAGES);
        let turning = thread::spawn(move || {
            // Once there is room again, the same knob goes on, and another one comes.
            send.send(KNOB).unwrap();
            send.send([0xb0, 21, 1]).unwrap();
        });
        let learned = [(Control::Hold, knob(20))];
        assert!(matches!(confirmed_trigger(&messages, &lines, &learned), Answer::Trigger(found) if found == knob(21)));
        turning.join().unwrap();
        drop(typed);
    }

    #[test]
    fn enter_leaves_a_control_as_it_is_and_q_or_a_keyboard_that_is_gone_ends() {
        let (send, messages) = bounded(MESSAGES);
        let (typed, lines) = bounded(2);
        typed.send(String::new()).unwrap();
        typed.send(" Q ".to_owned()).unwrap();
        assert!(matches!(confirmed_trigger(&messages, &lines, &[]), Answer::Skip));
        assert!(matches!(confirmed_trigger(&messages, &lines, &[]), Answer::End));
        drop(send);
        assert!(matches!(confirmed_trigger(&messages, &lines, &[]), Answer::End));
        drop(typed);
    }

    #[test]
    fn the_sustain_pedal_is_taken_only_when_it_is_pressed_twice() {
        let learn = |moved: &'static [[u8; 3]]| {
            // Each is taken before the next comes.
            let (send, messages) = bounded(0);
            let (_typed, lines) = bounded(1);
            let moving = thread::spawn(move || moved.iter().all(|message| send.send(*message).is_ok()));
            let answer = confirmed_trigger(&messages, &lines, &[]);
            drop(messages);
            let was_all_needed = moving.join().unwrap();
            match answer {
                Answer::Trigger(trigger) => (Some(trigger), was_all_needed),
                Answer::Skip | Answer::End => (None, was_all_needed),
            }
        };
        const TWICE: [[u8; 3]; 4] = [[0xb0, 64, 90], [0xb0, 64, 127], [0xb0, 64, 0], [0xb0, 64, 127]];
        assert_eq!(learn(&TWICE), (Some(knob(64)), true));
        assert_eq!(learn(&[[0xb0, 64, 127], [0xb0, 64, 0]]), (None, true), "pressed once only");
        assert_eq!(learn(&[[0xb0, 64, 127], [0xb0, 64, 0], KNOB]), (Some(knob(20)), true), "another after the warning");
        assert_eq!(learn(&[KNOB]), (Some(knob(20)), true), "a knob at once");
    }
}
