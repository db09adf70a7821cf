//! The networks' weights, which all instances in a process share.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use harmonizer::{Harmonizer, Purpose, Sampling};
use network::{Model, ModelError};

static WAVENET: Mutex<Weak<Model>> = Mutex::new(Weak::new());
static LSTM: Mutex<Weak<Model>> = Mutex::new(Weak::new());

/// Both networks, ready to play live, the usual one first. They are loaded by the first instance, which takes a tenth of a
/// second, and go with the last.
///
/// # Errors
/// Where a network that is built in can't be read: a bug of ours.
pub fn harmonizers() -> Result<[Harmonizer; 2], ModelError> {
    let ready = |model: Arc<Model>| {
        let sampling = Sampling::of(&model, Purpose::Live);
        Harmonizer::new(model, sampling)
    };
    Ok([ready(shared(&WAVENET, Model::wavenet)?), ready(shared(&LSTM, Model::lstm)?)])
}

fn shared(place: &Mutex<Weak<Model>>, load: fn() -> Result<Model, ModelError>) -> Result<Arc<Model>, ModelError> {
    let mut loaded = place.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(model) = loaded.upgrade() {
        return Ok(model);
    }
    let model = Arc::new(load()?);
    *loaded = Arc::downgrade(&model);
    Ok(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_instances_share_their_weights() {
        let [first, second] = [harmonizers().unwrap(), harmonizers().unwrap()];
        for (first, second) in first.iter().zip(&second) {
            assert!(std::ptr::eq(first.model(), second.model()));
        }
    }
}
