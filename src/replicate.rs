//! One replicate of a scenario: builds the world, steps its months, observes them.

use crate::random::Key;
use crate::scenario::Scenario;
use crate::tables::{Reporting, RunRows};
use std::sync::atomic::AtomicBool;

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
/// `chunks` is into how many parts the users are split for threads; results do not depend on it.
/// `stop` is looked at every month.
///
/// # Errors
/// [`Ended`], with the month and the accounts named where an identity is broken.
pub fn simulate(
    _scenario: &Scenario,
    _key: Key,
    _chunks: usize,
    _reporting: Reporting,
    _stop: &AtomicBool,
) -> Result<RunRows, Ended> {
    Err(Ended::Interrupted)
}
