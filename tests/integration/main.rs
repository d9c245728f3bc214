//! Behaviour of the whole program, a file a behaviour.

mod accounting;
mod bad_input;
mod common;
mod patterns;
mod reproducibility;
mod scenario_files;
mod statistics;
mod verification;
