//! Behaviour of the whole program, a file a behaviour.

mod accounting;
mod bad_input;
mod cli;
mod common;
mod explain;
mod output;
mod patterns;
mod program;
mod regimes;
mod reproducibility;
mod scenario_files;
mod statistics;
mod verification;
