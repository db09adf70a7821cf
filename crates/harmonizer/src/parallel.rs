//! One map over many items, on all cores.

use std::sync::atomic::{AtomicUsize, Ordering};

/// `work` on every item, on all cores; the results in the order of the items.
///
/// # Errors
/// The error of the first item that failed.
pub fn on_all_cores<I: Sync, R: Send, E: Send>(
    items: &[I],
    work: impl Fn(usize, &I) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(items.len().max(1));
    let mut results: Vec<(usize, Result<R, E>)> = std::thread::scope(|scope| {
        let take = || {
            let mut done = Vec::new();
            while let Some((index, item)) =
                Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, items.get(i)?)))
            {
                done.push((index, work(index, item)));
            }
            done
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        handles.into_iter().flat_map(|handle| handle.join().expect("a worker ends by returning")).collect()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
