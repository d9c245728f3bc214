//! Behaviour of the whole program, a file a behaviour.

mod accounting;
mod common;
mod patterns;
mod reproducibility;
mod statistics;
mod verification;
