//! `mandate` simulates a mandated data-sharing regime. MODEL.md says what is simulated; this crate is how.

pub mod cli;
pub mod inputs;
pub mod normal;
pub mod output;
pub mod random;
pub mod replicate;
pub mod run;
pub mod scenario;
pub mod stats;
pub mod summary;
pub mod tables;
#[cfg(test)]
pub(crate) mod testing;
pub mod units;
