//! Integration tests: a file a behaviour.

mod cli;
mod output;
mod program;
