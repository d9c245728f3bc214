//! `mandate` simulates a mandated data-sharing regime: `MODEL.md` says what is simulated, this crate
//! is how. What lives where, and which way imports point (each layer only uses those above it):
//!
//! - units and chance: [`units`], [`normal`], [`random`], [`near`];
//! - what a user asks for: [`scenario`], and what rows the tables have: [`tables`];
//! - rules as pure functions: [`information`], [`screening`], [`hazard`],
//!   [`choice`];
//! - state (many users lie in `large_pages`; `workers` keep out of each other's way; `counts` and `counting_sort` serve what there is
//!   much of): [`agents`], [`ledger`], [`tally`], [`panel`], [`pooling`], all held by [`world`];
//! - one process a file, in the order of a month: [`rules`], [`compliance`], [`delivery`],
//!   [`sourcing`], [`repayment`], [`credit`], [`supervision`], [`exposure`], [`accounts`]; [`month`] calls them;
//! - [`observe`] turns the world into rows, [`replicate`] runs one replicate, [`mod@run`] many;
//! - [`sweep`] runs a design over parameters;
//! - [`validate`] compares the model with published and closed-form results;
//! - [`stats`], [`summary`], [`comparison`] and [`results`] condense rows, [`output`] writes them, [`explain`]
//!   reads decisions back, [`cli`] is the command.
//!
//! Nothing below [`cli`] prints or exits.

#![deny(unsafe_code)]

pub mod accounts;
pub mod agents;
pub mod choice;
pub mod cli;
pub mod comparison;
pub mod compliance;
mod counting_sort;
mod counts;
pub mod credit;
pub mod delivery;
pub mod explain;
pub mod exposure;
pub mod hazard;
pub mod information;
mod large_pages;
pub mod ledger;
pub mod month;
pub mod near;
pub mod normal;
pub mod observe;
pub mod output;
pub mod panel;
pub mod platform_tables;
pub mod pooling;
mod prefetch;
pub mod random;
pub mod repayment;
pub mod replicate;
pub mod results;
pub mod rules;
pub mod run;
pub mod scenario;
pub mod screening;
pub mod sourcing;
pub mod stats;
pub mod summary;
pub mod supervision;
pub mod sweep;
pub mod tables;
pub mod tally;
#[cfg(test)]
pub(crate) mod testing;
pub mod timings;
pub mod units;
pub mod validate;
mod workers;
pub mod world;
