//! One thread for each part of some work. Not rayon's, which candle uses within an operation and which are kept from it
//! here ([`crate::train::leave_threads_to_shards`]).

/// What `work` makes of each part, in the order of the parts.
pub fn map<T: Send, R: Send>(parts: impl Iterator<Item = T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = parts.map(|part| scope.spawn(move || work(part))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread ends by returning")).collect()
    })
}
