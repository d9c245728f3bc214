//! Sweeps: a design over parameters of one scenario, run point by point, kept as it goes, and put
//! together again from its parts.

pub mod design;
pub mod effects;
pub mod file;
pub mod journal;
pub mod measures;
pub mod merge;
pub mod plan;
pub mod rankings;
pub mod report;
pub mod space;
pub mod tables;

pub use file::load;
pub use plan::Sweep;
