//! What tables will take on the disk, and whether it is free: told before anything starts.
//!
//! Rows are counted from what is to be run; what a row takes was measured on shipped scenarios, which a test
//! does again. So the figures are near, not exact, and only what is clearly too much is refused.

use super::Selection;
use super::folder::OutputError;
use crate::scenario::Scenario;
use crate::summary::SummaryRow;
use crate::tables::{
    AgencyMonthRow, BankMonthRow, DecisionRow, FlowRow, MonthMeanRow, MonthRow, PlatformMonthRow, Row,
    TradeRow, metrics,
};
use std::path::Path;

/// How many times too large or too small an estimate may be.
pub const MARGIN: f64 = 1.5;

/// Bytes that the tables of runs take, about; those that do not grow with replicates or months left out.
pub fn of_runs(scenarios: &[Scenario], replicates: u32, selection: &Selection, per_bank: bool) -> u64 {
    scenarios.iter().map(|scenario| of_scenario(scenario, replicates, selection, per_bank)).sum::<f64>()
        as u64
}

fn of_scenario(scenario: &Scenario, replicates: u32, selection: &Selection, per_bank: bool) -> f64 {
    let parameters = &scenario.parameters;
    let (platforms, agencies) = (parameters.platforms.len() as f64, parameters.agencies.len() as f64);
    let classes = parameters.banks.len() as f64;
    let lenders = if per_bank {
        parameters.banks.iter().map(|class| f64::from(class.row.count)).sum()
    } else {
        classes
    };
    let runs = f64::from(replicates);
    let months = f64::from(parameters.calendar.months);
    // Rows, and bytes of a row behind the name of its scenario.
    let tables = [
        (MonthRow::TABLE, runs * months, 692.0),
        (MonthMeanRow::TABLE, months * metrics().count() as f64, 78.0),
        (PlatformMonthRow::TABLE, runs * months * platforms, 121.0),
        (BankMonthRow::TABLE, runs * months * lenders, if per_bank { 80.0 } else { 221.0 }),
        (AgencyMonthRow::TABLE, runs * months * agencies, 77.0),
        // A third of sellers sell to a class of buyers in a month.
        (TradeRow::TABLE, runs * months * (platforms + agencies) * classes / 3.0, 63.0),
        (FlowRow::TABLE, runs * months * 11.0, 52.0),
        (DecisionRow::TABLE, runs * months * (14.0 * platforms * agencies + 6.0 * lenders), 80.0),
        (SummaryRow::TABLE, runs, 895.0),
    ];
    let selected = tables.iter().filter(|(table, ..)| selection.contains(table));
    selected.map(|(_, rows, bytes)| rows * (bytes + scenario.name.len() as f64)).sum()
}

/// Refuses what clearly does not fit where `folder` is or will be; says what may not.
///
/// # Errors
/// [`OutputError::NoRoom`].
pub fn room(folder: &Path, needed: u64) -> Result<Option<String>, OutputError> {
    match free(folder) {
        Some(free) => judge(folder, needed, free),
        None => Ok(None),
    }
}

fn judge(folder: &Path, needed: u64, free: u64) -> Result<Option<String>, OutputError> {
    let share = needed as f64 / free as f64;
    if share > MARGIN {
        return Err(OutputError::NoRoom { folder: folder.into(), needed, free });
    }
    let (needed, free) = (size(needed), size(free));
    let told = || format!("{}: results take about {needed}, and {free} are free there", folder.display());
    Ok((share > 1.0 / MARGIN).then(told))
}

/// Bytes that are free to whoever runs the program where `folder` is or will be; `None` where nobody knows.
#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let folder = std::path::absolute(folder).ok()?;
    let disk = rustix::fs::statvfs(folder.ancestors().find(|above| above.exists())?).ok()?;
    // Some network disks don't say how large they are.
    (disk.f_blocks > 0).then(|| disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

/// A number of bytes, to be read at a glance.
pub fn size(bytes: u64) -> String {
    match bytes as f64 {
        b if b < 1e6 => format!("{:.0} kB", (b / 1e3).max(1.0)),
        b if b < 1e9 => format!("{:.0} MB", b / 1e6),
        b if b < 1e12 => format!("{:.1} GB", b / 1e9),
        b => format!("{:.1} TB", b / 1e12),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn sizes_are_read_at_a_glance() {
        let sizes = [400, 12_000, 5_000_000, 2_500_000_000, 51_000_000_000_000].map(size);
        assert_eq!(sizes, ["1 kB", "12 kB", "5 MB", "2.5 GB", "51.0 TB"]);
    }

    #[test]
    fn only_what_clearly_does_not_fit_is_refused() {
        let folder = Path::new("results/a");
        assert!(matches!(judge(folder, 600, 1000), Ok(None)));
        let told = judge(folder, 1_000_000, 1_100_000).unwrap().unwrap();
        assert_eq!(told, "results/a: results take about 1 MB, and 1 MB are free there");
        let refused = judge(folder, 2_000_000_000, 1_000_000_000).unwrap_err();
        let told = "can't write results/a: results take about 2.0 GB, and 1.0 GB are free there";
        assert_eq!(refused.to_string(), told);
        assert!(!refused.is_input());
        assert!(judge(folder, 1, 0).is_err(), "a full disk");
        assert!(matches!(judge(folder, 0, 0), Ok(None)));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_free_is_asked_of_the_nearest_folder_that_is_there() {
        let here = tempfile::tempdir().unwrap();
        assert!(free(here.path()).is_some());
        assert!(free(&here.path().join("a/b")).is_some());
        assert!(free(Path::new("not-there/a")).is_some());
    }

    #[test]
    fn only_selected_tables_take_room() {
        let scenarios = [testing::scenario("a")];
        let of = |tables, replicates| {
            of_runs(&scenarios, replicates, &Selection::of_runs().only(tables).unwrap(), false)
        };
        assert!(of("months", 20) > of("summary", 20));
        assert_eq!(of("months", 20), 10 * of("months", 2));
        assert_eq!(of("months_mean", 20), of("months_mean", 2));
        assert_eq!(of("months,summary", 20), of("months", 20) + of("summary", 20));
        assert!(of("months,decisions", 1_000_000) > 1_000_000_000);
    }
}
