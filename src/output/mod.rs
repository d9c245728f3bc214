//! Results as files and as text: tables, their dictionary, the manifest, the closing summary.
//!
//! Output sees rows, never the world.

pub mod columns;
pub mod csv;
pub mod differences;
pub mod folder;
pub mod manifest;
pub mod parquet;
pub mod report;
pub mod runs;
pub mod space;
pub mod terminal;
pub mod xlsx;

use crate::comparison::{ComparisonRow, WinnerRow};
use crate::scenario::value::nearest_hint;
use crate::summary::SummaryRow;
use crate::tables::{
    AgencyMonthRow, BankMonthRow, CalibrationRow, ColumnRow, DecisionRow, FlowRow, MonthMeanRow, MonthRow,
    PlatformMonthRow, Row, TradeRow,
};

/// The file that says what was run and what was written.
pub const MANIFEST: &str = "manifest.toml";

/// The tables of runs that are written unless told otherwise.
pub const TABLES: [&str; 9] = [
    MonthRow::TABLE,
    MonthMeanRow::TABLE,
    CalibrationRow::TABLE,
    PlatformMonthRow::TABLE,
    BankMonthRow::TABLE,
    AgencyMonthRow::TABLE,
    TradeRow::TABLE,
    FlowRow::TABLE,
    SummaryRow::TABLE,
];

/// The table of differences with scenarios side by side.
pub const COMPARISON_WIDE: &str = "comparison_wide";

/// The table of parameters that differ, with scenarios side by side.
pub const PARAMETERS: &str = "parameters";

/// The tables that a comparison has beside those of runs.
pub const COMPARED: [&str; 4] = [ComparisonRow::TABLE, COMPARISON_WIDE, PARAMETERS, WinnerRow::TABLE];

/// The tables that only a run that reports them in detail can fill.
const DETAILED: [&str; 5] =
    [PlatformMonthRow::TABLE, BankMonthRow::TABLE, AgencyMonthRow::TABLE, TradeRow::TABLE, FlowRow::TABLE];

/// The workbook.
pub const WORKBOOK: &str = "workbook.xlsx";

/// The report.
pub const REPORT: &str = "report.html";

/// Names of the files that are results of runs and comparisons.
pub fn result_files() -> Vec<String> {
    let tables = TABLES.iter().chain(&COMPARED).chain([&DecisionRow::TABLE, &ColumnRow::TABLE]);
    let others = [WORKBOOK, REPORT, MANIFEST].map(String::from);
    tables.map(|table| csv::file_name(table)).chain(others).collect()
}

/// Which tables are written, beside the dictionary and the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    tables: Vec<&'static str>,
    known: Vec<&'static str>,
}

/// The name of a table that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no table \"{name}\"; {hint}allowed: {allowed}")]
pub struct UnknownTable {
    /// The name.
    pub name: String,
    hint: String,
    allowed: String,
}

impl Selection {
    /// The tables of a run that are written unless told otherwise: all but `decisions`.
    pub fn of_runs() -> Selection {
        Selection { tables: TABLES.to_vec(), known: TABLES.to_vec() }
    }

    /// The same of a comparison.
    pub fn of_comparison() -> Selection {
        let tables = [&COMPARED[..], &TABLES[..]].concat();
        Selection { known: tables.clone(), tables }
    }

    /// Only the tables of a list with commas, such as `months,summary`.
    ///
    /// # Errors
    /// [`UnknownTable`].
    pub fn only(self, list: &str) -> Result<Selection, UnknownTable> {
        let known = || self.known.iter().copied().chain([DecisionRow::TABLE, ColumnRow::TABLE]);
        let mut tables = Vec::new();
        for name in list.split(',').map(str::trim) {
            let Some(table) = known().find(|table| *table == name) else {
                let hint = nearest_hint(name, known());
                let hint = if hint.is_empty() { hint } else { hint + " " };
                let allowed = known().collect::<Vec<_>>().join(", ");
                return Err(UnknownTable { name: name.into(), hint, allowed });
            };
            if table != ColumnRow::TABLE && !tables.contains(&table) {
                tables.push(table);
            }
        }
        Ok(Selection { tables, ..self })
    }

    /// The same with `decisions`.
    pub fn with_decisions(mut self) -> Selection {
        if !self.contains(DecisionRow::TABLE) {
            self.tables.push(DecisionRow::TABLE);
        }
        self
    }

    /// Whether the table is written.
    pub fn contains(&self, table: &str) -> bool {
        self.tables.contains(&table)
    }

    /// Whether a table is written that only a run that reports in detail can fill.
    pub fn is_detailed(&self) -> bool {
        DETAILED.iter().any(|table| self.contains(table))
    }

    /// The tables, in the order of the program.
    pub fn tables(&self) -> impl Iterator<Item = &'static str> {
        let known = self.known.iter().copied().chain([DecisionRow::TABLE]);
        known.filter(|table| self.contains(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_chosen_by_name() {
        let only = |list| Selection::of_runs().only(list);
        let selection = only("trades, months,columns,months").unwrap();
        assert_eq!(selection.tables().collect::<Vec<_>>(), ["months", "trades"]);
        assert!(selection.is_detailed() && !only("months,summary").unwrap().is_detailed());
        assert!(!Selection::of_runs().contains("decisions"));
        assert!(
            Selection::of_runs()
                .with_decisions()
                .with_decisions()
                .tables()
                .eq(TABLES.into_iter().chain(["decisions"]))
        );
    }

    #[test]
    fn a_wrong_name_gets_the_nearest_one() {
        let error = Selection::of_runs().only("months,plattforms").unwrap_err().to_string();
        assert!(
            error.starts_with("there is no table \"plattforms\"; did you mean platforms? allowed: months"),
            "{error}"
        );
        assert!(Selection::of_runs().only("").is_err());
        assert!(Selection::of_runs().only("winners").is_err());
        assert!(Selection::of_comparison().only("winners").is_ok());
    }
}
