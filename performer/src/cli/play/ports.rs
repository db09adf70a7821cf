//! Which ports to connect to, where the command line leaves that open.

use std::io::IsTerminal;

use anyhow::Result;
use performer::devices::midi::{PortPlan, Ports, Side};
use performer::performance::Cast;
use session::clock::ClockSource;
use session::config::Config;

use super::args::{Args, PortLayout};

/// The ports of the command line, or else of the settings file, or else the only ones there are, or those that the user
/// chooses when asked.
pub fn plan(args: &Args, config: &Config, there: Ports, cast: &Cast) -> Result<PortPlan> {
    let mut plan = PortPlan {
        input: args.input.clone().or_else(|| config.input.clone()),
        output: args.output.clone().or_else(|| config.output.clone()),
        own_ports: args.own_ports,
        per_part: args.ports == PortLayout::PerPart,
        ..PortPlan::default()
    };
    complete(&mut plan, there, cast.sound.is_some(), ask)?;
    if cast.session.clock.source == ClockSource::Midi {
        plan.clock_input = args.clock_input.clone().or_else(|| config.clock_input.clone());
        plan.own_clock_port = plan.own_ports && plan.input.is_some();
    }
    Ok(plan)
}

/// Who is asked for a port may say.
enum Answer {
    Port(String),
    /// A port of our own, to be connected later.
    Own,
    /// Nobody can be asked: the sound system says what there is to choose from.
    Nobody,
}

/// Chooses what was left open: the only port there is, one that the user names when asked, or ports of our own.
fn complete(
    plan: &mut PortPlan,
    ports: Ports,
    has_sound: bool,
    ask: impl Fn(&[String], Side) -> Result<Answer>,
) -> Result<()> {
    if plan.own_ports {
        return Ok(());
    }
    let mut wants_own = plan.per_part || has_sound;
    for (side, name, ports) in
        [(Side::Input, &mut plan.input, ports.inputs), (Side::Output, &mut plan.output, ports.outputs)]
    {
        if name.is_some() || (wants_own && side == Side::Output) {
            continue;
        }
        // ALSA's own loop is always there and nobody's keyboard.
        let real: Vec<String> = ports.into_iter().filter(|port| !port.contains("Midi Through")).collect();
        match &real[..] {
            [] => wants_own = cfg!(unix),
            [only] => *name = Some(only.clone()),
            _ => match ask(&real, side)? {
                Answer::Port(port) => *name = Some(port),
                Answer::Own => wants_own = true,
                Answer::Nobody => {}
            },
        }
    }
    plan.own_ports = wants_own;
    Ok(())
}

fn ask(ports: &[String], side: Side) -> Result<Answer> {
    if !std::io::stdin().is_terminal() {
        return Ok(Answer::Nobody);
    }
    match side {
        Side::Input => eprintln!("Where shall the soprano come from?"),
        Side::Output => eprintln!("Where shall the parts go to?"),
    }
    if cfg!(unix) {
        eprintln!("  0 a port of our own, to be connected later, as in a DAW");
    }
    for (number, port) in (1..).zip(ports) {
        eprintln!("  {number} {port}");
    }
    loop {
        eprint!("number: ");
        let mut line = String::new();
        if std::io::stdin().read_line(&mut line)? == 0 {
            return Ok(Answer::Nobody);
        }
        match line.trim().parse::<usize>() {
            Ok(0) if cfg!(unix) => return Ok(Answer::Own),
            Ok(number) if (1..=ports.len()).contains(&number) => return Ok(Answer::Port(ports[number - 1].clone())),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(plan: PortPlan, inputs: &[&str], outputs: &[&str], has_sound: bool) -> PortPlan {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let ports = Ports { inputs: names(inputs), outputs: names(outputs) };
        let mut plan = plan;
        let last = |ports: &[String], _: Side| Ok(ports.last().cloned().map_or(Answer::Nobody, Answer::Port));
        complete(&mut plan, ports, has_sound, last).unwrap();
        plan
    }

    #[test]
    fn a_start_without_arguments_takes_the_only_port_asks_among_several_and_makes_what_is_missing() {
        let one =
            completed(PortPlan::default(), &["Midi Through 14:0", "Keys 20:0"], &["Midi Through 14:0", "Synth"], false);
        assert_eq!(
            (one.input.as_deref(), one.output.as_deref(), one.own_ports),
            (Some("Keys 20:0"), Some("Synth"), false)
        );
        let several = completed(PortPlan::default(), &["Keys", "Pads"], &["Synth"], false);
        assert_eq!(several.input.as_deref(), Some("Pads"), "the one that was named when asked");
        let nothing = completed(PortPlan::default(), &["Midi Through 14:0"], &[], false);
        assert_eq!((nothing.input, nothing.output, nothing.own_ports), (None, None, cfg!(unix)));
        let sounding = completed(PortPlan::default(), &["Keys"], &["Synth", "Other"], true);
        assert_eq!((sounding.output, sounding.own_ports), (None, true), "our own sound needs no instrument");
        let named = PortPlan { input: Some("x".to_owned()), output: Some("y".to_owned()), ..PortPlan::default() };
        let kept = completed(named, &["Keys"], &["Synth"], false);
        assert_eq!((kept.input.as_deref(), kept.output.as_deref()), (Some("x"), Some("y")));
        let mut later = PortPlan::default();
        let two = || vec!["Keys".to_owned(), "Pads".to_owned()];
        complete(&mut later, Ports { inputs: two(), outputs: two() }, false, |_, _| Ok(Answer::Own)).unwrap();
        assert_eq!((later.input, later.output, later.own_ports), (None, None, true));
    }
}
