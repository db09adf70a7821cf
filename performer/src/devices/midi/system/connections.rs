//! Our connections over a whole performance: those that were unplugged are made again.

use std::sync::Arc;

use live::Shared;
use midir::{MidiInput, MidiInputConnection, MidiOutput};
use ringbuf::HeapProd;
use ringbuf::traits::{Observer, Producer};

use super::ports::{input_ports, new_input, new_output, output_ports, same_port};
use super::receive;
use crate::devices::audio::SoundOutput;
use crate::devices::midi::playing::{Inbox, InputRole, PlayingThread, Replacement, new_inbox, tend_sound};
use crate::devices::midi::{Connections, OUTPUT_PORT, PortStatus};

/// Closed in this order: nothing more comes in, then the thread ends, then the sound.
pub struct SystemConnections {
    pub inputs: Vec<InputPort>,
    /// The name of the port that we were told to send to.
    pub destination: Option<String>,
    /// What was opened anew, for the playing thread.
    pub replacements: HeapProd<Replacement>,
    pub player: PlayingThread,
    pub sound: Option<SoundOutput>,
    /// They list the ports of others. Each is a client of the sequencer, which tells all others when one comes: they
    /// stay for the whole performance.
    pub input_lister: MidiInput,
    pub output_lister: MidiOutput,
}

pub struct InputPort {
    /// `None` while it is unplugged.
    pub receiver: Option<MidiInputConnection<Inbox>>,
    /// The name of the port that we were told to listen to; `None` for one of our own.
    pub source: Option<String>,
    pub role: InputRole,
}

impl Connections for SystemConnections {
    fn tend(&mut self, status: &mut PortStatus, shared: &Arc<Shared>) {
        for place in 0..self.inputs.len() {
            self.tend_input(place, status, shared);
        }
        self.tend_output(status, shared);
        tend_sound(self.sound.as_mut(), &mut self.replacements, status);
    }
}

impl SystemConnections {
    fn tend_input(&mut self, place: usize, status: &mut PortStatus, shared: &Shared) {
        let InputPort { receiver, source: Some(source), role } = &mut self.inputs[place] else { return };
        let role = *role;
        let has_input = match role {
            InputRole::Keyboard => &mut status.has_input,
            InputRole::Clock => &mut status.has_clock,
        };
        let (ports, names) = input_ports(&self.input_lister);
        let found = same_port(&names, source);
        if found.is_none() && *has_input {
            *has_input = false;
            *receiver = None;
            if role == InputRole::Keyboard {
                shared.lose_input();
            }
        }
        // One that can't be opened yet, since its driver is still busy or another program was faster, is tried again.
        let Some(index) = found.filter(|_| !*has_input && !self.replacements.is_full()) else { return };
        let Ok(input) = new_input() else { return };
        let (messages_in, messages) = new_inbox();
        let inbox = self.player.inbox(messages_in, role);
        if let Ok(opened) = input.connect(&ports[index], role.port(), receive, inbox) {
            // What comes before the playing thread takes it waits there.
            let _ = self.replacements.try_push(Replacement::Inbox(role, messages));
            *receiver = Some(opened);
            *has_input = true;
            match role {
                InputRole::Keyboard => status.input.clone_from(&names[index]),
                InputRole::Clock => status.clock = Some(names[index].clone()),
            }
        }
    }

    fn tend_output(&mut self, status: &mut PortStatus, shared: &Shared) {
        let Some(destination) = &self.destination else { return };
        let (ports, names) = output_ports(&self.output_lister);
        let Some(index) = same_port(&names, destination) else {
            status.has_output = false;
            return;
        };
        if !status.has_output
            && let Ok(output) = new_output()
            && let Ok(sender) = output.connect(&ports[index], OUTPUT_PORT)
            && self.replacements.try_push(Replacement::Carriers(vec![Box::new(sender)])).is_ok()
        {
            status.has_output = true;
            status.output.clone_from(&names[index]);
            shared.regain_output();
        }
    }
}
