//! Results as files and as text: tables, their dictionary, the manifest, the closing summary.
//!
//! Output sees rows, never the world.

pub mod columns;
pub mod csv;
pub mod folder;
pub mod manifest;
pub mod report;
pub mod runs;
pub mod terminal;

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

/// The tables that only a run that reports them in detail can fill.
const DETAILED: [&str; 5] =
    [PlatformMonthRow::TABLE, BankMonthRow::TABLE, AgencyMonthRow::TABLE, TradeRow::TABLE, FlowRow::TABLE];

/// Names of the files that are results of a run.
pub fn result_files() -> Vec<String> {
    let tables = TABLES.iter().chain([&DecisionRow::TABLE, &ColumnRow::TABLE]);
    tables.map(|table| csv::file_name(table)).chain([MANIFEST.into()]).collect()
}

/// Which tables are written, beside the dictionary and the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(Vec<&'static str>);

/// The name of a table that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no table \"{name}\"; {hint}allowed: {}", TABLES.join(", ") + ", decisions, columns")]
pub struct UnknownTable {
    /// The name.
    pub name: String,
    hint: String,
}

impl Default for Selection {
    fn default() -> Selection {
        Selection(TABLES.to_vec())
    }
}

impl Selection {
    /// The tables of a list with commas, such as `months,summary`.
    ///
    /// # Errors
    /// [`UnknownTable`].
    pub fn parse(list: &str) -> Result<Selection, UnknownTable> {
        let known = || TABLES.iter().chain([&DecisionRow::TABLE, &ColumnRow::TABLE]).copied();
        let mut selection = Vec::new();
        for name in list.split(',').map(str::trim) {
            let Some(table) = known().find(|table| *table == name) else {
                let hint = nearest_hint(name, known());
                let hint = if hint.is_empty() { hint } else { hint + " " };
                return Err(UnknownTable { name: name.into(), hint });
            };
            if table != ColumnRow::TABLE && !selection.contains(&table) {
                selection.push(table);
            }
        }
        Ok(Selection(selection))
    }

    /// The same with `decisions`.
    pub fn with_decisions(mut self) -> Selection {
        if !self.contains(DecisionRow::TABLE) {
            self.0.push(DecisionRow::TABLE);
        }
        self
    }

    /// Whether the table is written.
    pub fn contains(&self, table: &str) -> bool {
        self.0.contains(&table)
    }

    /// Whether a table is written that only a run that reports in detail can fill.
    pub fn is_detailed(&self) -> bool {
        DETAILED.iter().any(|table| self.contains(table))
    }

    /// The tables, in the order of the program.
    pub fn tables(&self) -> impl Iterator<Item = &'static str> {
        TABLES.into_iter().chain([DecisionRow::TABLE]).filter(|table| self.contains(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_chosen_by_name() {
        let selection = Selection::parse("trades, months,columns,months").unwrap();
        assert_eq!(selection.tables().collect::<Vec<_>>(), ["months", "trades"]);
        assert!(selection.is_detailed() && !Selection::parse("months,summary").unwrap().is_detailed());
        assert!(!Selection::default().contains("decisions"));
        assert!(
            Selection::default()
                .with_decisions()
                .with_decisions()
                .tables()
                .eq(TABLES.into_iter().chain(["decisions"]))
        );
    }

    #[test]
    fn a_wrong_name_gets_the_nearest_one() {
        let error = Selection::parse("months,plattforms").unwrap_err().to_string();
        assert!(
            error.starts_with("there is no table \"plattforms\"; did you mean platforms? allowed: months"),
            "{error}"
        );
        assert!(Selection::parse("").is_err());
    }
}
