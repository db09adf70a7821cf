//! Plays a take again.

use files::Score;
use harmonizer::Harmonizer;
use network::ModelError;
use session::{Session, TableRequest};
use thiserror::Error;

use super::log::{SessionInput, Take, sent_line};
use super::score::TakeScore;
use crate::worker::Worker;

/// What a take gives when it is played again.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// What is sent, in the form of the log.
    pub sent: String,
    /// The take's MIDI file.
    pub score: Score,
}

/// Why a take can't be played again. Lines count from 1.
#[derive(Debug, Error)]
pub enum ReplayError {
    #[error(
        "line {line}: the answer table {number} was never asked for; the log was changed, or is of another version"
    )]
    Table { line: usize, number: u64 },
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// Plays a take again with the same networks: the same moments, the same answer tables at the same times.
///
/// # Errors
/// When a table arrives in the log that nothing asked for, or when the network fails.
pub fn replay(take: &Take, first: Harmonizer, second: Option<Harmonizer>) -> Result<Replayed, ReplayError> {
    let settings = take.header.session;
    let mut replaying = Replaying {
        session: Session::new(settings),
        score: TakeScore::default(),
        sent: String::new(),
        requests: Vec::new(),
    };
    let (mut worker, first_table) = Worker::new(first, second, &settings)?;
    // The number of the last request that the worker was told.
    let mut followed = 0;
    for &(line, at, input) in &take.inputs {
        // Step by step, so that no request is lost in a queue.
        while let Some(due) = replaying.session.due().filter(|&due| due < at) {
            replaying.session.advance(due);
            replaying.collect();
        }
        let session = &mut replaying.session;
        match input {
            SessionInput::Midi { bytes, length } => drop(session.midi(at, &bytes[..usize::from(length).min(3)])),
            SessionInput::Control(control, value) => session.control(at, control, value),
            SessionInput::InputLost => session.input_lost(at),
            SessionInput::OutputRegained => session.output_regained(at),
            SessionInput::MessagesLost => session.messages_lost(at),
            SessionInput::Stop => session.stop(at),
            SessionInput::Table(0) => session.table(at, &first_table),
            SessionInput::Table(number) | SessionInput::PresentTable(number) => {
                let asked = replaying.requests.iter().position(|request| request.number == number);
                if asked.is_none() && followed != number {
                    return Err(ReplayError::Table { line, number });
                }
                for request in replaying.requests.drain(..asked.map_or(0, |asked| asked + 1)) {
                    worker.follow(&request)?;
                }
                followed = number;
                let is_present = matches!(input, SessionInput::PresentTable(_));
                let table = if is_present { worker.present_table()? } else { worker.table()? };
                if let Some(table) = table {
                    session.table(at, &table);
                }
            }
        }
        replaying.collect();
    }
    let score = replaying.score.score(&settings);
    Ok(Replayed { sent: replaying.sent, score })
}

struct Replaying {
    session: Session,
    score: TakeScore,
    sent: String,
    requests: Vec<TableRequest>,
}

impl Replaying {
    fn collect(&mut self) {
        while let Some(message) = self.session.next_message() {
            self.sent += &sent_line(&message);
            self.score.sent(&message);
            self.session.sent();
        }
        self.requests.extend(std::iter::from_fn(|| self.session.next_request()));
        while let Some(step) = self.session.next_step_begun() {
            self.score.step(step);
        }
    }
}
