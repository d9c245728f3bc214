//! What several workers, a thread each, have to mind who work side by side.

/// How far apart in memory, in bytes, is what two workers write to: processors wait for each other where they write to one line
/// of memory, or to neighbours.
pub const APART: usize = 128;

/// How many of some things, at least, a worker is to take at a time, so that there are some for every one of so many.
pub fn at_a_time(things: usize, workers: usize) -> usize {
    // What is left is only taken apart if either half is as many.
    (things / workers.next_power_of_two()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    /// Everybody gets some if there are as many.
    #[test]
    fn there_is_something_for_every_worker() {
        for (things, workers) in [(1, 1), (7, 2), (3, 2), (3, 3), (4, 3), (20, 8), (3, 20), (3400, 2)] {
            let least = at_a_time(things, workers);
            let shares: Vec<usize> = (0..things)
                .into_par_iter()
                .with_min_len(least)
                .with_max_len(least)
                .fold(|| 0, |share, _| share + 1)
                .collect();
            assert_eq!(shares.iter().sum::<usize>(), things);
            assert!(shares.len() >= workers.min(things), "{shares:?} of {things} for {workers}");
        }
    }
}
