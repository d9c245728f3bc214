//! What the runs of some scenarios come to: what a workbook and a report are made from.

use crate::comparison::{ComparisonRow, WinnerRow};
use crate::scenario::{Difference, Scenario};
use crate::summary::SummaryRow;
use crate::tables::MonthMeanRow;

/// The results of `run` or `compare`, condensed.
pub struct Results<'a> {
    /// Subcommand: `run` or `compare`.
    pub command: &'static str,
    /// The command that gives these results again, as one types it.
    pub reproduce: String,
    /// Short name of these results, which the manifest has as well: the same inputs give the same one.
    pub run_id: String,
    /// Seed.
    pub seed: u64,
    /// Replicates of each scenario.
    pub replicates: u32,
    /// The scenarios; in a comparison the baseline comes first.
    pub scenarios: &'a [Scenario],
    /// Parameters that differ between them, with a value a scenario.
    pub differences: &'a [Difference],
    /// Outcomes, by scenario and then replicate.
    pub summaries: Vec<Vec<SummaryRow>>,
    /// Means by month, by scenario.
    pub months_mean: Vec<Vec<MonthMeanRow>>,
    /// Differences of each scenario against the baseline; empty for the baseline, and in a plain run.
    pub comparison: Vec<Vec<ComparisonRow>>,
    /// Gains of each scenario against the baseline; empty for the baseline, and in a plain run.
    pub winners: Vec<Vec<WinnerRow>>,
}
