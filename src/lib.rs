//! `mandate` simulates a mandated data-sharing regime. MODEL.md says what is simulated; this crate is how.

pub mod normal;
pub mod random;
pub mod replicate;
pub mod scenario;
pub mod tables;
pub mod units;
