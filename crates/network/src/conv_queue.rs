use std::sync::Arc;

/// The past inputs of one dilated convolution, as far back as its oldest tap (the queues of fast-wavenet,
/// Le Paine et al. 2016, arXiv 1611.09482).
pub(crate) struct ConvQueue {
    /// A ring of entries (channels). They are shared, so that a clone copies none.
    entries: Vec<Arc<[f32]>>,
    /// Index of the oldest entry; the next push takes its place.
    oldest: usize,
}

impl Clone for ConvQueue {
    fn clone(&self) -> ConvQueue {
        ConvQueue { entries: self.entries.clone(), oldest: self.oldest }
    }

    fn clone_from(&mut self, other: &ConvQueue) {
        let ConvQueue { entries, oldest } = self;
        entries.clone_from(&other.entries);
        *oldest = other.oldest;
    }
}

impl ConvQueue {
    /// Of zeros. Allocates; nothing else does but a push after a clone.
    pub fn new(entries: usize, channels: usize) -> ConvQueue {
        ConvQueue { entries: vec![vec![0.0; channels].into(); entries], oldest: 0 }
    }

    /// The entry `index` steps younger than the oldest.
    pub fn read(&self, index: usize) -> &[f32] {
        &self.entries[(self.oldest + index) % self.entries.len()]
    }

    /// Adds the youngest entry; the oldest falls out.
    pub fn push(&mut self, entry: &[f32]) {
        match Arc::get_mut(&mut self.entries[self.oldest]) {
            // No clone needs what falls out: its memory is used again.
            Some(values) if values.len() == entry.len() => values.copy_from_slice(entry),
            _ => self.entries[self.oldest] = entry.into(),
        }
        self.oldest = (self.oldest + 1) % self.entries.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_gives_back_what_was_pushed_as_many_steps_ago_as_it_has_entries() {
        let mut queue = ConvQueue::new(3, 2);
        let table = [
            // pushed, then read from the oldest to the youngest
            (1.0, [0.0, 0.0, 1.0]),
            (2.0, [0.0, 1.0, 2.0]),
            (3.0, [1.0, 2.0, 3.0]),
            (4.0, [2.0, 3.0, 4.0]),
            (5.0, [3.0, 4.0, 5.0]),
        ];
        assert_eq!([0, 1, 2].map(|index| queue.read(index)), [[0.0; 2]; 3]);
        for (pushed, expected) in table {
            queue.push(&[pushed; 2]);
            assert_eq!([0, 1, 2].map(|index| queue.read(index)), expected.map(|value| [value; 2]));
        }
    }

    #[test]
    fn a_clone_goes_its_own_way() {
        let mut queue = ConvQueue::new(2, 1);
        queue.push(&[1.0]);
        let mut clone = queue.clone();
        clone.push(&[2.0]);
        queue.push(&[3.0]);
        assert_eq!([queue.read(0), queue.read(1), clone.read(0), clone.read(1)], [[1.0], [3.0], [1.0], [2.0]]);
    }

    #[test]
    fn a_queue_of_one_entry_is_a_delay_of_one_step() {
        let mut queue = ConvQueue::new(1, 1);
        for (pushed, before) in [(1.0, 0.0), (2.0, 1.0), (3.0, 2.0)] {
            assert_eq!(queue.read(0), [before]);
            queue.push(&[pushed]);
        }
    }
}
