//! The dictionary `columns.csv`: every column of every table written, from the row types.

use crate::scenario::parameters::Place;
use crate::tables::{Column, ColumnRow, Row};

/// The column that names a scenario.
pub const SCENARIO: Column =
    Column { name: "scenario", unit: "name", meaning: "Scenario: the stem of its file" };

/// The column that counts replicates.
pub const REPLICATE: Column =
    Column { name: "replicate", unit: "number", meaning: "Replicate of the scenario, counted from 1" };

/// A column whose name may come from a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedColumn {
    /// Name.
    pub name: String,
    /// Unit.
    pub unit: String,
    /// Meaning, in one line.
    pub meaning: String,
}

impl From<&Column> for NamedColumn {
    fn from(column: &Column) -> NamedColumn {
        NamedColumn { name: column.name.into(), unit: column.unit.into(), meaning: column.meaning.into() }
    }
}

/// The columns of a table of row type `R` behind `prefix`.
pub fn columns<R: Row>(prefix: &[Column]) -> Vec<NamedColumn> {
    prefix.iter().chain(R::COLUMNS).map(NamedColumn::from).collect()
}

/// The column of a parameter that differs between scenarios.
pub fn parameter_column(path: &str, unit: &str) -> NamedColumn {
    let place = Place::of(path);
    let meaning = match (&place, place.as_ref().and_then(Place::parameter)) {
        (_, Some(parameter)) => parameter.meaning,
        (Some(Place::Stake { .. }), None) => "Stake in the agency",
        // What is no parameter and yet differs is an amendment.
        _ => "Amendment",
    };
    NamedColumn {
        name: path.into(),
        unit: unit.into(),
        meaning: format!("Differs between the scenarios: {meaning}"),
    }
}

/// The rows of the dictionary for the columns of one table.
pub fn dictionary(table: &'static str, columns: &[NamedColumn]) -> Vec<ColumnRow> {
    let row = |column: &NamedColumn| ColumnRow {
        table,
        column: column.name.clone(),
        unit: column.unit.clone(),
        meaning: column.meaning.clone(),
    };
    columns.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::SummaryRow;
    use crate::tables::{
        AgencyMonthRow, BankMonthRow, CalibrationRow, DecisionRow, FlowRow, MonthMeanRow, MonthRow,
        PlatformMonthRow, TradeRow,
    };
    use std::collections::BTreeSet;

    fn assert_described<R: Row>() {
        let mut seen = BTreeSet::new();
        for column in columns::<R>(&[SCENARIO, REPLICATE]) {
            let what = format!("{}.{}", R::TABLE, column.name);
            assert!(seen.insert(column.name), "{what} stands twice");
            assert!(!column.unit.is_empty() && !column.meaning.is_empty(), "{what} is not described");
            assert!(!column.meaning.ends_with('.'), "{what}: meaning ends with a full stop");
            assert!(!column.meaning.starts_with(['=', '+', '-', '@']), "{what}: meaning reads as a formula");
        }
    }

    #[test]
    fn every_column_of_every_table_is_described_once() {
        assert_described::<MonthRow>();
        assert_described::<MonthMeanRow>();
        assert_described::<CalibrationRow>();
        assert_described::<PlatformMonthRow>();
        assert_described::<BankMonthRow>();
        assert_described::<AgencyMonthRow>();
        assert_described::<TradeRow>();
        assert_described::<FlowRow>();
        assert_described::<DecisionRow>();
        assert_described::<SummaryRow>();
        assert_described::<ColumnRow>();
    }

    #[test]
    fn a_parameter_s_column_says_what_it_means() {
        let column = parameter_column("fees.agency_query", "CNY per query");
        assert_eq!(column.name, "fees.agency_query");
        assert!(
            column.meaning.ends_with("Fee of agencies that state none of their own"),
            "{}",
            column.meaning
        );
        assert!(
            parameter_column("agencies.pudao.stakes.jd", "share").meaning.ends_with("Stake in the agency")
        );
    }
}
