//! Behaviour of the whole program, a file a behaviour.

mod accounting;
mod assumptions;
mod bad_input;
mod choices;
mod cli;
mod common;
mod compare;
mod documentation;
mod explain;
mod lending;
mod little;
mod output;
mod oversight;
mod patterns;
mod plan;
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
