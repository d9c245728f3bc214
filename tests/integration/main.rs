//! Behaviour of the whole program, a file a behaviour.

mod accounting;
mod bad_input;
mod choices;
mod cli;
mod common;
mod compare;
mod credit_only;
mod documentation;
mod explain;
mod lending;
mod little;
mod output;
mod oversight;
mod patterns;
mod program;
mod regimes;
mod report;
mod reproducibility;
mod scenario_files;
mod settings;
mod statistics;
mod sweep;
mod validate;
mod verification;
mod workbook;
