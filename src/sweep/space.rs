//! What a sweep takes on the disk, as [`crate::output::space`] says of runs.

use super::plan::Points;
use crate::summary::SummaryRow;
use crate::tables::Row;

/// Bytes of a run in a journal, as measured on shipped sweeps.
pub const RUN_LINE: u64 = 1060;

/// How many times smaller tables are as Parquet, at most: that depends on how often numbers are the same.
const PARQUET: u64 = 32;

/// Bytes that the tables of a sweep take, about, where a run takes `run_line` in its journal. Effects and
/// rankings, which don't grow with points, are left out; as Parquet, they take this at least.
pub fn of_tables(points: &Points, run_line: u64, parquet: bool) -> u64 {
    let values = points.values(points.count() / 2);
    // A row begins with its scenario, point and values.
    let prefix = values.iter().map(|value| value.to_string().len() as u64 + 1).sum::<u64>()
        + points.scenario_name(0).len() as u64 * u64::from(points.scenarios() > 1);
    let outcomes = points.count() * points.scenarios() as u64 * SummaryRow::COLUMNS.len() as u64;
    // A line of a journal has a checksum, and marks what its cells are.
    let runs = points.runs().saturating_mul(run_line * 3 / 4 + prefix);
    // Of one replicate there are no intervals.
    let summary = outcomes.saturating_mul(prefix + if points.plan.replicates > 1 { 80 } else { 45 });
    let all = runs.saturating_add(summary);
    if parquet { all / PARQUET } else { all }
}

/// Bytes of so many runs in so many journals or shards, about.
pub fn of_journals(points: &Points, runs: u64, journals: u64, run_line: u64) -> u64 {
    let headers = journals.saturating_mul(points.plan.text().len() as u64);
    runs.saturating_mul(run_line).saturating_add(headers)
}
