//! Runs in parallel, handed on strictly in order: replicates of a few scenarios, or as many runs as
//! whoever asks for them can make one by one.

use crate::random::Key;
use crate::replicate::{Ended, simulate, simulate_counting};
use crate::scenario::Scenario;
use crate::tables::{Reporting, RunRows};
use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// Replicates of each scenario unless told otherwise.
pub const DEFAULT_REPLICATES: u32 = 20;

/// The most replicates of a scenario.
pub const MOST_REPLICATES: u32 = 1_000_000;

/// The seed unless told otherwise.
pub const DEFAULT_SEED: u64 = 1;

/// What to run.
#[derive(Clone, Copy)]
pub struct Plan<'a> {
    /// Scenarios.
    pub scenarios: &'a [Scenario],
    /// Replicates of each.
    pub replicates: u32,
    /// Seed.
    pub seed: u64,
    /// Threads; results do not depend on it.
    pub threads: usize,
    /// What is to be observed beside the months.
    pub reporting: Reporting,
}

/// One run: a replicate of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunId {
    /// Index of the scenario.
    pub scenario: usize,
    /// Replicate, counted from 1.
    pub replicate: u32,
}

/// Why runs ended early.
#[derive(Debug, thiserror::Error)]
pub enum RunError<E> {
    /// Somebody asked them to stop.
    #[error("interrupted")]
    Interrupted,
    /// A run failed: a fault of the program.
    #[error("{message} (scenario {scenario}, replicate {replicate}, seed {seed})")]
    Failed {
        /// What failed.
        message: String,
        /// Scenario.
        scenario: String,
        /// Replicate.
        replicate: u32,
        /// Seed that reproduces it.
        seed: u64,
    },
    /// There are no threads to be had.
    #[error("can't start threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// Whoever takes the results failed.
    #[error("{0}")]
    Sink(E),
}

/// How far the runs of a plan are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Runs that are done.
    pub runs: usize,
    /// Months that are done, of all runs.
    pub months: u64,
}

impl Plan<'_> {
    /// Months in all runs, those of burn-ins included.
    pub fn months(&self) -> u64 {
        let months = |scenario: &Scenario| u64::from(scenario.parameters.calendar.all_months());
        self.scenarios.iter().map(months).sum::<u64>() * u64::from(self.replicates)
    }

    /// Runs in all.
    pub fn runs(&self) -> usize {
        self.scenarios.len() * self.replicates as usize
    }

    /// The run of this index: all replicates of a scenario come before those of the next one.
    pub fn id(&self, index: usize) -> RunId {
        let replicates = self.replicates as usize;
        RunId { scenario: index / replicates, replicate: (index % replicates) as u32 + 1 }
    }

    /// Seeds of the replicates of a scenario, in order.
    pub fn replicate_seeds(&self, scenario: &Scenario) -> Vec<u64> {
        (1..=self.replicates).map(|replicate| scenario.replicate_seed(replicate)).collect()
    }

    fn job(&self, index: u64) -> Job<'_> {
        let id = self.id(index as usize);
        let scenario = &self.scenarios[id.scenario];
        Job { scenario: Cow::Borrowed(scenario), name: scenario.name.clone(), replicate: id.replicate }
    }

    fn batch(&self) -> Batch {
        let Plan { seed, threads, reporting, .. } = *self;
        Batch { runs: 0..self.runs() as u64, seed, threads, reporting, ahead: 2 * threads }
    }
}

/// One run to be made: a replicate of a scenario that need not exist before or after it.
pub struct Job<'a> {
    /// The scenario.
    pub scenario: Cow<'a, Scenario>,
    /// What the scenario is called should the run fail.
    pub name: String,
    /// Replicate, counted from 1.
    pub replicate: u32,
}

/// Runs that are known by their number alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Numbers of the runs.
    pub runs: Range<u64>,
    /// Seed.
    pub seed: u64,
    /// Threads; results do not depend on it.
    pub threads: usize,
    /// What is to be observed beside the months.
    pub reporting: Reporting,
    /// How many runs may be started and not yet handed on: a run that takes long holds up the others
    /// once there are so many, and as many results are held in memory.
    pub ahead: usize,
}

impl Batch {
    /// How many work on the users of a run: threads are for runs as long as there are enough of these, and for
    /// parts of a run at the end.
    fn workers(&self, index: u64) -> usize {
        if self.runs.end - index >= self.threads as u64 { 1 } else { self.threads }
    }
}

/// Runs everything in `plan`, and hands each run's rows to `sink` in the order of [`Plan::id`].
///
/// `progress` is told now and then how far they are. `stop` ends the runs within a second; it is
/// also set when one of them fails.
///
/// # Errors
/// [`RunError`]; of several runs that fail, that of the first one.
pub fn run<E>(
    plan: Plan<'_>,
    stop: &AtomicBool,
    progress: impl FnMut(Progress),
    sink: impl FnMut(RunId, RunRows) -> Result<(), E>,
) -> Result<(), RunError<E>> {
    run_with(plan, stop, progress, sink, simulate_counting)
}

/// Runs everything in `batch`, makes of each run what `reduce` makes of it, and hands that to `sink`
/// in the order of the numbers. `job` says what the run of a number is; it and `reduce` are called by
/// many threads. `progress` is told now and then how many runs are done; `stop` is as for
/// [`run`].
///
/// # Errors
/// [`RunError`]; of several runs that fail, that of the first one.
pub fn run_each<'a, T: Send, E>(
    batch: &Batch,
    stop: &AtomicBool,
    progress: impl FnMut(usize),
    job: impl Fn(u64) -> Job<'a> + Sync,
    reduce: impl Fn(&Scenario, RunRows) -> T + Sync,
    sink: impl FnMut(u64, T) -> Result<(), E>,
) -> Result<(), RunError<E>> {
    let one = |index: u64| {
        let job = job(index);
        let key = Key::new(batch.seed, job.scenario.replicate_seed(job.replicate));
        simulate(&job.scenario, key, batch.workers(index), batch.reporting, stop)
            .map(|rows| reduce(&job.scenario, rows))
    };
    let failed = |index: u64, message: String| {
        let Job { name, replicate, .. } = job(index);
        RunError::Failed { message, scenario: name, replicate, seed: batch.seed }
    };
    in_order(batch, stop, progress, sink, one, failed)
}

type Simulated = Result<RunRows, Ended>;

/// How often whoever watches runs is told how far they are, at least.
const TOLD_EVERY: Duration = Duration::from_millis(200);

fn run_with<E>(
    plan: Plan<'_>,
    stop: &AtomicBool,
    mut progress: impl FnMut(Progress),
    mut sink: impl FnMut(RunId, RunRows) -> Result<(), E>,
    simulate: impl Fn(&Scenario, Key, usize, Reporting, &AtomicBool, &AtomicU64) -> Simulated + Sync,
) -> Result<(), RunError<E>> {
    let batch = plan.batch();
    let months = AtomicU64::new(0);
    let one = |index: u64| {
        let id = plan.id(index as usize);
        let scenario = &plan.scenarios[id.scenario];
        let key = Key::new(plan.seed, scenario.replicate_seed(id.replicate));
        simulate(scenario, key, batch.workers(index), plan.reporting, stop, &months)
    };
    let progress = |runs| progress(Progress { runs, months: months.load(Ordering::Relaxed) });
    let failed = |index: u64, message: String| {
        let Job { name, replicate, .. } = plan.job(index);
        RunError::Failed { message, scenario: name, replicate, seed: plan.seed }
    };
    in_order(&batch, stop, progress, |index, rows| sink(plan.id(index as usize), rows), one, failed)
}

fn in_order<T: Send, E>(
    batch: &Batch,
    stop: &AtomicBool,
    mut progress: impl FnMut(usize),
    mut sink: impl FnMut(u64, T) -> Result<(), E>,
    one: impl Fn(u64) -> Result<T, Ended> + Sync,
    failed: impl Fn(u64, String) -> RunError<E>,
) -> Result<(), RunError<E>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(batch.threads).build()?;
    let first = batch.runs.start;
    let mut order = Order::new((batch.runs.end - first) as usize, batch.ahead);
    pool.in_place_scope_fifo(|scope| {
        let (sender, receiver) = mpsc::channel();
        while !order.is_done() {
            while let Some(index) = order.start() {
                let (sender, one) = (sender.clone(), &one);
                scope.spawn_fifo(move |_| {
                    // A run that panicked is reported like one that failed, so that nobody waits for it.
                    let result = catch_unwind(AssertUnwindSafe(|| one(first + index as u64)))
                        .unwrap_or_else(|panic| Err(Ended::Invariant(panic_message(&*panic))));
                    // Nobody receives any more once another run has failed.
                    let _ = sender.send((index, result));
                });
            }
            // The sender lives as long as this loop, so that only time can run out.
            let Ok((index, result)) = receiver.recv_timeout(TOLD_EVERY) else {
                progress(order.count());
                continue;
            };
            let done = result.is_ok();
            order.finished(index, result);
            if done {
                progress(order.count());
            }
            while let Some((index, result)) = order.next() {
                let index = first + index as u64;
                let handed_on = match result {
                    Ok(reduced) => sink(index, reduced).map_err(RunError::Sink),
                    Err(Ended::Interrupted) => Err(RunError::Interrupted),
                    Err(Ended::Invariant(message)) => Err(failed(index, message)),
                };
                handed_on.inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
            }
        }
        Ok(())
    })
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a fault without a message").into()
}

/// Results that came before those they must wait for; never more than `window` started and not yet
/// handed on, so that memory does not grow with the number of runs.
struct Order<T> {
    total: usize,
    window: usize,
    started: usize,
    handed_on: usize,
    waiting: BTreeMap<usize, T>,
}

impl<T> Order<T> {
    fn new(total: usize, window: usize) -> Order<T> {
        Order { total, window, started: 0, handed_on: 0, waiting: BTreeMap::new() }
    }

    /// The next run to start, if one may.
    fn start(&mut self) -> Option<usize> {
        let may = self.started < self.total && self.started < self.handed_on + self.window;
        may.then(|| {
            self.started += 1;
            self.started - 1
        })
    }

    /// Takes in a result.
    fn finished(&mut self, index: usize, result: T) {
        self.waiting.insert(index, result);
    }

    /// How many results there are.
    fn count(&self) -> usize {
        self.handed_on + self.waiting.len()
    }

    /// The next result in order, if it is there.
    fn next(&mut self) -> Option<(usize, T)> {
        let result = self.waiting.remove(&self.handed_on)?;
        self.handed_on += 1;
        Some((self.handed_on - 1, result))
    }

    fn is_done(&self) -> bool {
        self.handed_on == self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use crate::units::Month;
    use std::sync::Mutex;

    fn rows(key: Key) -> RunRows {
        testing::run_rows(Month::new(2021, 1), 1, |_, row| row.applications = f64::from(key.draw_for_test()))
    }

    impl Key {
        fn draw_for_test(self) -> u32 {
            self.draw(crate::random::Purpose::Traits, 0, 0, 0)[0]
        }
    }

    fn plan(scenarios: &[Scenario], replicates: u32, threads: usize) -> Plan<'_> {
        Plan { scenarios, replicates, seed: 3, threads, reporting: Reporting::default() }
    }

    fn scenarios() -> [Scenario; 2] {
        let mut scenarios = [testing::scenario("a"), testing::scenario("b")];
        scenarios[0].replicate_seeds = vec![11, 12];
        scenarios
    }

    #[test]
    fn runs_are_handed_on_in_order_whatever_the_threads() {
        let scenarios = scenarios();
        let collect = |threads| {
            let mut seen = Vec::new();
            let mut done = Progress { runs: 0, months: 0 };
            let sink = |id, rows| {
                seen.push((id, rows));
                Ok::<_, ()>(())
            };
            // Early runs take longest.
            let slow_start = |_: &Scenario, key: Key, _, _, _: &AtomicBool, months: &AtomicU64| {
                months.fetch_add(3, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(u64::from(key.draw_for_test() % 5)));
                Ok(rows(key))
            };
            run_with(
                plan(&scenarios, 9, threads),
                &AtomicBool::new(false),
                |progress| done = progress,
                sink,
                slow_start,
            )
            .unwrap();
            assert_eq!(done, Progress { runs: 18, months: 54 });
            seen
        };
        let one = collect(1);
        assert_eq!(one.len(), 18);
        assert_eq!(one[9].0, RunId { scenario: 1, replicate: 1 });
        assert_eq!(one[1].1, rows(Key::new(3, 12)), "a listed seed");
        assert_eq!(one[2].1, rows(Key::new(3, 3)), "beyond the list, the replicate's number");
        assert_eq!(collect(2), one);
        assert_eq!(collect(7), one);
    }

    #[test]
    fn threads_go_to_parts_of_a_run_only_at_the_end() {
        let scenarios = scenarios();
        let workers: Vec<usize> = (0..6).map(|index| plan(&scenarios, 3, 4).batch().workers(index)).collect();
        assert_eq!(workers, [1, 1, 1, 4, 4, 4]);
        assert_eq!(plan(&scenarios, 3, 1).batch().workers(5), 1);
    }

    #[test]
    fn no_more_than_the_window_is_under_way() {
        let mut order = Order::new(10, 3);
        assert_eq!(std::iter::from_fn(|| order.start()).collect::<Vec<_>>(), [0, 1, 2]);
        order.finished(2, "c");
        assert_eq!(order.count(), 1);
        assert_eq!((order.next(), order.start()), (None, None), "the first one holds the rest up");
        order.finished(0, "a");
        assert_eq!(order.count(), 2);
        assert_eq!((order.next(), order.next()), (Some((0, "a")), None));
        assert_eq!((order.start(), order.start()), (Some(3), None));
    }

    #[test]
    fn the_first_run_that_fails_is_named_and_stops_the_rest() {
        let scenarios = scenarios();
        for threads in [1, 3] {
            let stop = AtomicBool::new(false);
            let started = Mutex::new(0);
            let failing = |scenario: &Scenario, key: Key, _, _, _: &AtomicBool, _: &AtomicU64| {
                *started.lock().unwrap() += 1;
                if key == Key::new(3, 12) {
                    return Err(Ended::Invariant("2021-04: money is lost".into()));
                }
                assert_ne!(key, Key::new(3, 3), "a later fault in {}", scenario.name);
                Ok(rows(key))
            };
            let sink = |_, _| Ok::<_, String>(());
            let error = run_with(plan(&scenarios, 50, threads), &stop, |_| (), sink, failing).unwrap_err();
            assert_eq!(error.to_string(), "2021-04: money is lost (scenario a, replicate 2, seed 3)");
            assert!(stop.load(Ordering::Relaxed) && *started.lock().unwrap() < 20);
        }
    }

    #[test]
    fn a_panic_is_a_failure_with_its_message() {
        let scenarios = scenarios();
        let panicking = |_: &Scenario, _, _, _, _: &AtomicBool, _: &AtomicU64| -> Simulated {
            panic!("balance of {}", 7)
        };
        let sink = |_, _| Ok::<_, String>(());
        let error =
            run_with(plan(&scenarios, 1, 2), &AtomicBool::new(false), |_| (), sink, panicking).unwrap_err();
        assert_eq!(error.to_string(), "balance of 7 (scenario a, replicate 1, seed 3)");
    }

    #[test]
    fn a_full_disk_ends_the_runs() {
        let scenarios = scenarios();
        let stop = AtomicBool::new(false);
        let fine = |_: &Scenario, key, _, _, _: &AtomicBool, _: &AtomicU64| Ok(rows(key));
        let sink = |id: RunId, _| if id.replicate == 2 { Err("disk full") } else { Ok(()) };
        let error = run_with(plan(&scenarios, 5, 2), &stop, |_| (), sink, fine).unwrap_err();
        assert!(matches!(error, RunError::Sink("disk full")) && stop.load(Ordering::Relaxed));
    }
}
