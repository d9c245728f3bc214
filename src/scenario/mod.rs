//! Scenarios: what a user asks for, checked as a whole before anything runs.

mod amendment;
pub mod chain;
mod check;
pub mod document;
mod grid;
pub mod listing;
mod load;
pub mod parameters;
mod point;
pub mod problem;
mod resolved;
mod roster;
mod schema;
pub mod setting;
pub mod template;
pub mod value;

pub use load::load;
pub use resolved::Difference;

use crate::units::Month;
use parameters::{Parameters, Place};
use problem::Problem;
use std::path::PathBuf;
use value::Value;

/// A scenario, resolved: its bases merged, its rosters read, everything checked.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Name: the stem of its file.
    pub name: String,
    /// Title, for people.
    pub title: String,
    /// What it represents, for people.
    pub about: String,
    /// Its file.
    pub file: PathBuf,
    /// Parameters as they stand at the start.
    pub parameters: Parameters,
    /// Amendments, a base's before those of the file that extends it.
    pub amendments: Vec<Amendment>,
    /// Published figures to set beside the results.
    pub targets: Vec<Target>,
    /// Seeds of the first replicates; a replicate beyond the list has its number as its seed.
    pub replicate_seeds: Vec<u64>,
    /// Files of starting data, by their key in the section `rosters`, ready to be opened.
    pub roster_files: Vec<(&'static str, PathBuf)>,
    /// What is allowed but hardly meant.
    pub warnings: Vec<Problem>,
}

impl Scenario {
    /// The seed of the replicate `replicate`, counted from 1.
    pub fn replicate_seed(&self, replicate: u32) -> u64 {
        let listed = self.replicate_seeds.get(replicate as usize - 1);
        listed.copied().unwrap_or(u64::from(replicate))
    }
}

/// A change of parameters during a run, which no agent foresees.
#[derive(Clone, Debug, PartialEq)]
pub struct Amendment {
    /// What it represents, for people.
    pub note: String,
    /// When it comes into force.
    pub trigger: Trigger,
    /// What it changes, in the order of the file.
    pub changes: Vec<Change>,
}

/// When an amendment comes into force.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// At the start of this month.
    From(Month),
    /// At the start of the month after the one at whose end the condition is met for the first time.
    When(Condition),
}

/// A condition on what the central bank can observe at the end of a month.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// A column of `months.csv` that somebody can observe.
    pub indicator: &'static str,
    /// Met below this value.
    pub below: Option<f64>,
    /// Met above this value.
    pub above: Option<f64>,
    /// Months in a row for which it must be met.
    pub for_months: u32,
    /// First month at whose end it is read.
    pub not_before: Option<Month>,
}

/// One parameter's new value.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Path as the file writes it.
    pub path: String,
    /// What the path names.
    pub place: Place,
    /// New value, checked.
    pub value: Value,
}

/// A published figure of `seeds/targets.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Name of the target.
    pub target: String,
    /// Column of `months.csv` it speaks of.
    pub metric: &'static str,
    /// How the column is read.
    pub statistic: Statistic,
    /// Month it speaks of; for `MeanOfYear`, the last of twelve.
    pub month: Month,
    /// Published value.
    pub published: f64,
    /// Where it was published, with its mark.
    pub source: String,
}

/// How a target reads a column of `months.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// The value in the month.
    Level,
    /// The value in the month over the value twelve months before, less 1.
    GrowthOfYear,
    /// The mean of the twelve months that end with the month.
    MeanOfYear,
}
