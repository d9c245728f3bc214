//! Where the time goes: what `--timings` tells. Nothing here is a part of any result.
//!
//! There is one account for the whole process, as nobody asks for less: a program has one command.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

macro_rules! work {
    ($($name:ident: $what:literal;)*) => {
        /// A kind of work that takes time.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Work {
            $(#[doc = concat!($what, ".")] $name,)*
        }

        impl Work {
            /// All kinds, in the order in which they are told.
            pub const ALL: &'static [Work] = &[$(Work::$name),*];

            /// What it is, for people.
            pub fn what(self) -> &'static str {
                match self { $(Work::$name => $what,)* }
            }
        }
    };
}

work! {
    World: "building worlds";
    Rules: "rules and opening of accounts";
    Compliance: "platforms' choices";
    Delivery: "delivery of records";
    Sourcing: "banks' choices";
    Loans: "repayment and credit of users";
    Books: "books of loans and trades";
    Supervision: "audits and fines";
    Exposure: "exposure, consent and investment";
    Accounts: "settling and checking accounts";
    Observation: "observing months";
    Summary: "outcomes of runs";
    Tables: "tables and journals";
    Readers: "workbook and report";
}

static SPENT: [AtomicU64; Work::ALL.len()] = [const { AtomicU64::new(0) }; Work::ALL.len()];

thread_local! {
    /// What this thread has noted so far, so that work within work counts once.
    static NOTED: Cell<u64> = const { Cell::new(0) };
}

/// Does some work, and notes how long it took the thread that did it, but for what other work within it
/// was noted for.
pub fn timed<T>(work: Work, does: impl FnOnce() -> T) -> T {
    let (start, before) = (Instant::now(), NOTED.get());
    let done = does();
    let took = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let within = NOTED.get() - before;
    SPENT[work as usize].fetch_add(took.saturating_sub(within), Ordering::Relaxed);
    NOTED.set(before + took.max(within));
    done
}

/// The time spent so far on each kind of work, over all threads that waited for it.
pub fn spent() -> Vec<(Work, Duration)> {
    Work::ALL
        .iter()
        .map(|work| (*work, Duration::from_nanos(SPENT[*work as usize].load(Ordering::Relaxed))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_to_the_work_that_took_it() {
        let before = spent();
        let nap = |milliseconds| std::thread::sleep(Duration::from_millis(milliseconds));
        let answer = timed(Work::Rules, || {
            nap(5);
            timed(Work::Readers, || nap(50));
            42
        });
        assert_eq!(answer, 42);
        let after = spent();
        let took = |work: Work| after[work as usize].1 - before[work as usize].1;
        assert_eq!(after[Work::Readers as usize].0, Work::Readers);
        assert!(took(Work::Rules) >= Duration::from_millis(5));
        assert!(took(Work::Readers) >= Duration::from_millis(50));
        // Other tests may run months meanwhile, but these have little to do with rules.
        assert!(took(Work::Rules) < took(Work::Readers), "work within work counts once");
    }
}
