//! One map over many items: on all cores with the feature `parallel`, one after the other without it.

#[cfg(feature = "parallel")]
use rayon::prelude::*;

/// `work` on every item and its index; the results in the order of the items.
///
/// # Errors
/// The error of the first item that failed.
pub fn on_all_cores<I: Sync, R: Send, E: Send>(
    items: &[I],
    work: impl Fn(usize, &I) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    #[cfg(feature = "parallel")]
    if items.len() > 1 {
        let results: Vec<Result<R, E>> =
            items.par_iter().with_max_len(1).enumerate().map(|(index, item)| work(index, item)).collect();
        return results.into_iter().collect();
    }
    items.iter().enumerate().map(|(index, item)| work(index, item)).collect()
}

/// [`on_all_cores`], but on so many threads of its own.
///
/// # Errors
/// The error of the first item that failed.
#[cfg(feature = "parallel")]
pub fn on_threads<I: Sync, R: Send, E: Send>(
    threads: usize,
    items: &[I],
    work: impl Fn(usize, &I) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    match rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build() {
        Ok(pool) => pool.install(|| on_all_cores(items, &work)),
        // A system that gives no more threads has at least this one.
        Err(_) => items.iter().enumerate().map(|(index, item)| work(index, item)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_and_the_first_error_counts() {
        let items: Vec<usize> = (0..100).collect();
        let double = |index: usize, item: &usize| Ok::<_, ()>((index, 2 * item));
        assert_eq!(on_all_cores(&items, double).unwrap()[49], (49, 98));
        let fail = |_: usize, item: &usize| if *item < 7 { Ok(()) } else { Err(*item) };
        assert_eq!(on_all_cores(&items, fail), Err(7));
        #[cfg(feature = "parallel")]
        assert_eq!(on_threads(3, &items, fail), Err(7));
    }
}
