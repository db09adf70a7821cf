//! A sound output over a whole performance: what a report of the audio system means, and when to open the output anew.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cpal::ErrorKind;
use live::Shared;
use ringbuf::HeapProd;
use session::Message;

use super::{AudioError, AudioSettings, card};

/// A sound output that is open. Dropping it closes it.
pub(super) struct OpenOutput {
    /// For example `default, 48000 Hz, 256 frames a buffer`.
    description: String,
    /// Whatever keeps it open.
    _stream: Box<dyn Any>,
}

impl OpenOutput {
    pub fn new(description: String, stream: impl Any) -> OpenOutput {
        OpenOutput { description, _stream: Box::new(stream) }
    }
}

/// An output, and the queue that plays it.
type Opened = (OpenOutput, HeapProd<Message>);

/// Our own sound. Dropping it ends the sound.
pub(crate) struct SoundOutput {
    reopen: Box<dyn FnMut() -> Result<Opened, AudioError>>,
    reports: Arc<Reports>,
    /// `None` while the device is gone.
    open: Option<OpenOutput>,
}

impl SoundOutput {
    /// Opens the default output with an instrument, and gives the queue that plays it.
    ///
    /// # Errors
    /// When there is no output, or none that can be used so.
    pub fn start(
        settings: &AudioSettings,
        shared: &Arc<Shared>,
    ) -> Result<(SoundOutput, HeapProd<Message>), AudioError> {
        let reports = Arc::new(Reports::new(shared));
        let (open, messages) = card::open(settings, &reports)?;
        let (settings, to_reports) = (settings.clone(), Arc::clone(&reports));
        let reopen =
            move || if card::may_be_there() { card::open(&settings, &to_reports) } else { Err(AudioError::NoDevice) };
        Ok((SoundOutput { reopen: Box::new(reopen), reports, open: Some(open) }, messages))
    }

    /// What it sounds through; `None` while that is gone.
    pub fn description(&self) -> Option<&str> {
        self.open.as_ref().map(|open| &*open.description)
    }

    /// Closes the output if its device has left, and opens it again when there is one: then gives the queue that plays
    /// it from now on. To be called now and then.
    pub fn tend(&mut self) -> Option<HeapProd<Message>> {
        if self.reports.is_lost() {
            self.open = None;
            self.reports.forget_loss();
        }
        if self.open.is_some() {
            return None;
        }
        let (open, messages) = (self.reopen)().ok()?;
        self.open = Some(open);
        Some(messages)
    }
}

/// What the audio system reports, from whatever thread it does.
pub(super) struct Reports {
    pub shared: Arc<Shared>,
    is_lost: AtomicBool,
}

impl Reports {
    fn new(shared: &Arc<Shared>) -> Reports {
        Reports { shared: Arc::clone(shared), is_lost: AtomicBool::new(false) }
    }

    /// Real-time.
    pub fn note(&self, error: ErrorKind) {
        match Meaning::of(error) {
            Meaning::Overrun => self.shared.count_overrun(),
            Meaning::Lost => self.is_lost.store(true, Ordering::Release),
            Meaning::Harmless => {}
        }
    }

    fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Acquire)
    }

    fn forget_loss(&self) {
        self.is_lost.store(false, Ordering::Release);
    }
}

/// What an error of a stream means for the music.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// A buffer came too late, or another trouble that passes.
    Overrun,
    /// No sound will come any more from this stream.
    Lost,
    /// The stream goes on as it was.
    Harmless,
}

impl Meaning {
    fn of(error: ErrorKind) -> Meaning {
        match error {
            ErrorKind::DeviceNotAvailable | ErrorKind::StreamInvalidated | ErrorKind::HostUnavailable => Meaning::Lost,
            ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => Meaning::Harmless,
            _ => Meaning::Overrun,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use ringbuf::HeapRb;
    use ringbuf::traits::Split;

    use super::*;

    #[test]
    fn a_device_that_is_gone_is_no_overrun_and_an_overrun_is_no_loss() {
        assert_eq!(Meaning::of(ErrorKind::Xrun), Meaning::Overrun);
        assert_eq!(Meaning::of(ErrorKind::BackendError), Meaning::Overrun);
        for lost in [ErrorKind::DeviceNotAvailable, ErrorKind::StreamInvalidated, ErrorKind::HostUnavailable] {
            assert_eq!(Meaning::of(lost), Meaning::Lost, "{lost:?}");
        }
        assert_eq!(Meaning::of(ErrorKind::DeviceChanged), Meaning::Harmless, "the stream was rerouted and plays on");
    }

    /// A device of this test, which can be pulled out and put in: an output on it, what it reports, how often it was
    /// opened, whether it is there.
    type Fixture = (SoundOutput, Arc<Reports>, Rc<Cell<u32>>, Rc<Cell<bool>>);

    fn output() -> Fixture {
        let (opened, is_there) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(true)));
        let reports = Arc::new(Reports::new(&Arc::default()));
        let reopen = {
            let (opened, is_there) = (Rc::clone(&opened), Rc::clone(&is_there));
            move || {
                if !is_there.get() {
                    return Err(AudioError::NoDevice);
                }
                opened.set(opened.get() + 1);
                let open = OpenOutput::new(format!("card {}", opened.get()), ());
                Ok((open, HeapRb::new(8).split().0))
            }
        };
        let mut output = SoundOutput { reopen: Box::new(reopen), reports: Arc::clone(&reports), open: None };
        output.tend().expect("it is there");
        (output, reports, opened, is_there)
    }

    #[test]
    fn an_output_whose_device_leaves_is_closed_and_opened_again_when_it_is_back() {
        let (mut output, reports, opened, is_there) = output();
        assert!(output.tend().is_none() && output.description() == Some("card 1"));
        is_there.set(false);
        reports.note(ErrorKind::DeviceNotAvailable);
        for _ in 0..3 {
            assert!(output.tend().is_none() && output.description().is_none(), "it is gone and missed");
        }
        assert_eq!(reports.shared.summary().overruns, 0);
        is_there.set(true);
        assert!(output.tend().is_some(), "there is a new queue");
        assert_eq!((output.description(), opened.get()), (Some("card 2"), 2));
    }

    #[test]
    fn an_overrun_is_counted_and_leaves_the_output_open() {
        let (mut output, reports, opened, _) = output();
        reports.note(ErrorKind::Xrun);
        assert!(output.tend().is_none());
        assert_eq!((output.description(), opened.get()), (Some("card 1"), 1));
        assert_eq!(reports.shared.summary().overruns, 1);
    }
}
