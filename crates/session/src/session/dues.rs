//! What happens of itself, and when.

use crate::clock::Time;

use super::{Release, Session};

/// A player who leaves a key and strikes the next within so many seconds articulates; one who does not has ended.
const ARTICULATION: f64 = 0.15;

#[derive(Clone, Copy)]
pub enum Due {
    KeyUp,
    /// The wait for a key above one that looked like an accompaniment is over.
    Wait,
    Return,
    Release,
    Silence,
    Bass,
    Settle,
    Ask,
    Step,
    Click,
    ClickEnd,
}

impl Session {
    /// When [`Session::advance`] next has something to do.
    pub fn due(&self) -> Option<Time> {
        self.next_due().map(|(at, _)| at)
    }

    pub(super) fn next_due(&self) -> Option<(Time, Due)> {
        if self.is_stopped {
            return None;
        }
        // Of several at the same moment the first goes first.
        let dues = [
            (self.fingers.lifted_due(), Due::KeyUp),
            (self.keys.waiting_due(), Due::Wait),
            (self.keys.returning().map(|(at, ..)| at), Due::Return),
            (self.release_due(), Due::Release),
            (self.silence_due(), Due::Silence),
            (self.bass_due(), Due::Bass),
            (self.settling, Due::Settle),
            (self.asking, Due::Ask),
            (self.clock.boundary(self.position + 1), Due::Step),
            (self.click_due(), Due::Click),
            (self.click.ends, Due::ClickEnd),
        ];
        dues.into_iter().filter_map(|(at, due)| Some((at?, due))).min_by_key(|(at, _)| *at)
    }

    pub(super) fn fall_due(&mut self, due: Due) {
        match due {
            Due::KeyUp => {
                if let Some(key) = self.fingers.next_lifted(self.now) {
                    self.key_up(key);
                }
            }
            Due::Wait => {
                if let Some((pitch, velocity)) = self.keys.waited(self.now) {
                    self.strike(pitch, velocity);
                }
            }
            Due::Return => {
                if let Some((_, pitch, velocity)) = self.keys.returning() {
                    self.sing_soprano(pitch, velocity);
                }
            }
            Due::Release => self.release(),
            Due::Silence => self.fall_silent(),
            Due::Bass => {
                self.bass.forget();
                self.bass_has_changed();
            }
            Due::Settle => self.settle(),
            Due::Ask => self.request_tables(),
            Due::Step => {
                self.enter_next_step(self.position + 1);
                self.continue_into_step();
            }
            Due::Click => self.click(),
            Due::ClickEnd => self.end_click(),
        }
    }

    /// When the lower parts end after the soprano.
    fn release_due(&self) -> Option<Time> {
        let is_wanted = self.settings.release == Release::WithMe && !self.is_released;
        let lifted = self.keys.lifted().filter(|_| is_wanted)?;
        Some(lifted + self.units(ARTICULATION).min(self.beat()))
    }

    fn silence_due(&self) -> Option<Time> {
        self.keys.lifted().map(|lifted| lifted + self.beat())
    }

    /// When the network gets the bass again.
    fn bass_due(&self) -> Option<Time> {
        self.bass.lifted().map(|lifted| lifted + self.beat())
    }
}
