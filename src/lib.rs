//! `mandate` simulates a mandated data-sharing regime. MODEL.md says what is simulated; this crate is how.

pub mod accounts;
pub mod agents;
pub mod choice;
pub mod compliance;
pub mod credit;
pub mod delivery;
pub mod information;
pub mod ledger;
pub mod month;
pub mod normal;
pub mod observe;
pub mod panel;
pub mod pooling;
pub mod random;
pub mod repayment;
pub mod replicate;
pub mod rules;
pub mod scenario;
pub mod screening;
pub mod sourcing;
pub mod supervision;
pub mod tables;
pub mod tally;
pub mod units;
pub mod world;
