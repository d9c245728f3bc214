//! One replicate of a scenario: builds the world, steps its months, observes them.

use crate::month::step_month;
use crate::random::Key;
use crate::scenario::Scenario;
use crate::tables::{Reporting, RunRows};
use crate::timings::{Work, timed};
use crate::world::World;
use crate::{accounts, observe, rules};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Why a replicate ended before its last month.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Ended {
    /// Somebody asked it to stop.
    #[error("interrupted")]
    Interrupted,
    /// An identity that must hold every month does not: a fault of the program.
    #[error("{0}")]
    Invariant(String),
}

/// Runs one replicate.
///
/// `workers` is how many work on the users side by side; results do not depend on it.
/// `stop` ends it within a few blocks of users.
///
/// # Errors
/// [`Ended`], with the month and the accounts named where an identity is broken.
pub fn simulate(
    scenario: &Scenario,
    key: Key,
    workers: usize,
    reporting: Reporting,
    stop: &AtomicBool,
) -> Result<RunRows, Ended> {
    simulate_counting(scenario, key, workers, reporting, stop, &AtomicU64::new(0))
}

/// The same; `months_done` counts the months for whoever waits.
///
/// # Errors
/// As those of [`simulate`].
pub fn simulate_counting(
    scenario: &Scenario,
    key: Key,
    workers: usize,
    reporting: Reporting,
    stop: &AtomicBool,
    months_done: &AtomicU64,
) -> Result<RunRows, Ended> {
    let decisions = reporting.decisions;
    let mut world = timed(Work::World, || World::new_unless(stop, scenario, key, workers, decisions));
    let calendar = world.parameters.calendar.clone();
    let mut rows = RunRows::default();
    for month in 0..calendar.all_months() {
        world.month = month;
        step_month(&mut world);
        // What was left undone must not be read.
        if stop.load(Ordering::Relaxed) {
            return Err(Ended::Interrupted);
        }
        months_done.fetch_add(1, Ordering::Relaxed);
        timed(Work::Accounts, || accounts::check(&world)).map_err(Ended::Invariant)?;
        if month + 1 == calendar.burn_in_months {
            rows.opening.push(timed(Work::Observation, || observe::month_row(&world)));
        }
        if !world.in_burn_in() {
            let row = timed(Work::Observation, || {
                observe::observe(&world, reporting, &mut rows);
                observe::month_row(&world)
            });
            rules::read_conditions(&mut world, &row);
            rows.months.push(row);
        }
    }
    Ok(rows)
}
