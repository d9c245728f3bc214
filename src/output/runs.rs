//! The tables of runs, filled run by run.

use super::columns::{NamedColumn, REPLICATE, SCENARIO, columns, dictionary, parameter_column};
use super::csv::Written;
use super::folder::{Folder, OutputError, TableId};
use super::{COMPARISON_WIDE, PARAMETERS, Selection};
use crate::comparison::{ComparisonRow, WinnerRow};
use crate::results::{Gatherer, MonthMeans};
use crate::scenario::Difference;
use crate::scenario::{Scenario, Statistic, Target};
use crate::stats::Moments;
use crate::summary::SummaryRow;
use crate::tables::{
    AgencyMonthRow, BankMonthRow, CalibrationRow, Cell, Column, ColumnRow, DecisionRow, FlowRow,
    MonthMeanRow, MonthRow, PlatformMonthRow, Row, RunRows, TradeRow, metrics,
};
use crate::units::Month;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// The tables of the runs of some scenarios.
///
/// Runs are given in the order of scenarios and then of replicates; of each scenario only sums are
/// kept.
pub struct RunTables<'a> {
    folder: Folder,
    tables: BTreeMap<&'static str, TableId>,
    dictionary: Vec<ColumnRow>,
    scenarios: &'a [Scenario],
    differences: &'a [Difference],
    /// The scenario under way and what its replicates come to so far.
    under_way: Option<(usize, MonthMeans, Calibration<'a>)>,
}

impl<'a> RunTables<'a> {
    /// Starts the tables of `selection` in `folder`. `differences` are the parameters that differ
    /// between `scenarios`.
    ///
    /// # Errors
    /// [`OutputError::Io`].
    pub fn start(
        folder: Folder,
        scenarios: &'a [Scenario],
        differences: &'a [Difference],
        selection: &Selection,
    ) -> Result<RunTables<'a>, OutputError> {
        let (tables, dictionary) = (BTreeMap::new(), Vec::new());
        let mut this = RunTables { folder, tables, dictionary, scenarios, differences, under_way: None };
        const RUN: &[Column] = &[SCENARIO, REPLICATE];
        this.start_table::<MonthRow>(selection, RUN)?;
        this.start_table::<MonthMeanRow>(selection, &[SCENARIO])?;
        this.start_table::<CalibrationRow>(selection, &[SCENARIO])?;
        this.start_table::<PlatformMonthRow>(selection, RUN)?;
        this.start_table::<BankMonthRow>(selection, RUN)?;
        this.start_table::<AgencyMonthRow>(selection, RUN)?;
        this.start_table::<TradeRow>(selection, RUN)?;
        this.start_table::<FlowRow>(selection, RUN)?;
        this.start_table::<DecisionRow>(selection, RUN)?;
        if selection.contains(SummaryRow::TABLE) {
            this.start_columns::<SummaryRow>(summary_columns(differences))?;
        }
        Ok(this)
    }

    fn start_table<R: Row>(&mut self, selection: &Selection, prefix: &[Column]) -> Result<(), OutputError> {
        if selection.contains(R::TABLE) { self.start_columns::<R>(columns::<R>(prefix)) } else { Ok(()) }
    }

    fn start_columns<R: Row>(&mut self, columns: Vec<NamedColumn>) -> Result<(), OutputError> {
        let table = self.start_named(R::TABLE, columns)?;
        self.tables.insert(R::TABLE, table);
        Ok(())
    }

    fn start_named(
        &mut self,
        table: &'static str,
        columns: Vec<NamedColumn>,
    ) -> Result<TableId, OutputError> {
        self.dictionary.extend(dictionary(table, &columns));
        self.folder.table(table, columns.into_iter().map(|column| column.name).collect())
    }

    fn rows<'r, R: Row + 'r>(
        &mut self,
        prefix: &[Cell],
        rows: impl IntoIterator<Item = &'r R>,
    ) -> Result<(), OutputError> {
        let Some(table) = self.tables.get(R::TABLE).copied() else { return Ok(()) };
        rows.into_iter().try_for_each(|row| self.folder.row(table, prefix, &row.cells()))
    }

    /// Takes in one run: the replicate, counted from 1, of the scenario of this index.
    ///
    /// # Errors
    /// [`OutputError::Io`].
    pub fn run(
        &mut self,
        scenario: usize,
        replicate: u32,
        rows: &RunRows,
        summary: &SummaryRow,
    ) -> Result<(), OutputError> {
        if self.under_way.as_ref().is_none_or(|(under_way, ..)| *under_way != scenario) {
            self.close_scenario()?;
            let calibration = Calibration::new(&self.scenarios[scenario].targets);
            self.under_way = Some((scenario, MonthMeans::default(), calibration));
        }
        if let Some((_, means, calibration)) = &mut self.under_way {
            means.add(&rows.months);
            calibration.add(rows);
        }
        let prefix = [self.scenario_cell(scenario), Cell::Whole(i64::from(replicate))];
        self.rows(&prefix, &rows.months)?;
        self.rows(&prefix, &rows.platforms)?;
        self.rows(&prefix, &rows.banks)?;
        self.rows(&prefix, &rows.agencies)?;
        self.rows(&prefix, &rows.trades)?;
        self.rows(&prefix, &rows.flows)?;
        self.decisions(&prefix, &rows.decisions)?;
        let values = self.differences.iter().map(|(_, _, values)| value_cell(values[scenario].as_deref()));
        let prefix: Vec<Cell> = prefix.into_iter().chain(values).collect();
        self.rows(&prefix, [summary])
    }

    /// An option may be a share to deliver, which is a number like any other.
    fn decisions(&mut self, prefix: &[Cell], rows: &[DecisionRow]) -> Result<(), OutputError> {
        let Some(table) = self.tables.get(DecisionRow::TABLE).copied() else { return Ok(()) };
        let option = DecisionRow::COLUMNS.iter().position(|column| column.name == "option");
        let option = option.expect("decisions are between options");
        rows.iter().try_for_each(|row| {
            let mut cells = row.cells();
            cells[option] = value_cell(Some(&row.option));
            self.folder.row(table, prefix, &cells)
        })
    }

    fn scenario_cell(&self, scenario: usize) -> Cell {
        Cell::Text(self.scenarios[scenario].name.clone())
    }

    fn close_scenario(&mut self) -> Result<(), OutputError> {
        let Some((scenario, means, calibration)) = self.under_way.take() else { return Ok(()) };
        let prefix = [self.scenario_cell(scenario)];
        self.rows(&prefix, &means.rows())?;
        self.rows(&prefix, &calibration.rows())
    }

    /// Writes what the scenarios come to against the first one: the tables that only comparisons have,
    /// as far as they are in `selection`. All runs must have been taken in.
    ///
    /// # Errors
    /// [`OutputError::Io`].
    pub fn compared(&mut self, gathered: &Gatherer, selection: &Selection) -> Result<(), OutputError> {
        let (comparison, winners) = (gathered.comparison(), gathered.winners());
        self.start_table::<ComparisonRow>(selection, &[SCENARIO])?;
        self.start_table::<WinnerRow>(selection, &[SCENARIO])?;
        for scenario in 1..self.scenarios.len() {
            let prefix = [self.scenario_cell(scenario)];
            self.rows(&prefix, &comparison[scenario])?;
            self.rows(&prefix, &winners[scenario])?;
        }
        if selection.contains(COMPARISON_WIDE) {
            let table = self.start_named(COMPARISON_WIDE, wide_columns(self.scenarios))?;
            wide_rows(gathered, &comparison).iter().try_for_each(|row| self.folder.row(table, &[], row))?;
        }
        if selection.contains(PARAMETERS) {
            let table = self.start_named(PARAMETERS, parameter_columns(self.scenarios))?;
            for (path, unit, values) in self.differences {
                let names = [Cell::Text(path.clone()), Cell::Text(unit.clone())];
                let values: Vec<Cell> = values.iter().map(|value| value_cell(value.as_deref())).collect();
                self.folder.row(table, &names, &values)?;
            }
        }
        Ok(())
    }

    /// Adds a file that is no table, which `write` writes at the path it is given.
    ///
    /// # Errors
    /// [`OutputError::Io`].
    pub fn file(
        &mut self,
        name: &str,
        write: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<(), OutputError> {
        self.folder.file(name, write)
    }

    /// The dictionary so far: every column of every table started.
    pub fn dictionary(&self) -> &[ColumnRow] {
        &self.dictionary
    }

    /// Completes the tables and their dictionary, and puts them under their final names with the
    /// manifest that `manifest` makes of what was written. `results` is as for [`Folder::open`].
    ///
    /// # Errors
    /// [`OutputError::Io`].
    pub fn finish(
        mut self,
        results: &[String],
        manifest: impl FnOnce(&[Written]) -> String,
    ) -> Result<Vec<Written>, OutputError> {
        self.close_scenario()?;
        self.start_columns::<ColumnRow>(columns::<ColumnRow>(&[]))?;
        let dictionary = std::mem::take(&mut self.dictionary);
        self.rows(&[], &dictionary)?;
        let manifest = manifest(self.folder.complete_tables()?);
        self.folder.finish(results, &manifest)
    }
}

pub(super) fn summary_columns(differences: &[Difference]) -> Vec<NamedColumn> {
    let mut all = columns::<SummaryRow>(&[SCENARIO, REPLICATE]);
    let parameters = differences.iter().map(|(path, unit, _)| parameter_column(path, unit));
    all.splice(2..2, parameters);
    all
}

fn named(name: &str, unit: &str, meaning: String) -> NamedColumn {
    NamedColumn { name: name.into(), unit: unit.into(), meaning }
}

/// A metric's mean in each scenario, and its difference with the ends of its 95 % interval.
fn wide_columns(scenarios: &[Scenario]) -> Vec<NamedColumn> {
    let baseline = &scenarios[0].name;
    let mut all = vec![
        named("metric", "name", "Outcome: a column of summary.csv".into()),
        named("unit", "text", "Unit of the outcome".into()),
        named(
            baseline,
            "of the metric",
            "Mean of the baseline over the replicates that have the outcome".into(),
        ),
    ];
    for name in scenarios[1..].iter().map(|scenario| &scenario.name) {
        let mean = format!("Mean of {name} over the replicates that have the outcome");
        all.push(named(name, "of the metric", mean));
        for (what, meaning) in [
            ("difference", "Mean difference against the baseline, paired by replicate"),
            ("low", "Lower end of the 95 % interval of the difference"),
            ("high", "Upper end of the 95 % interval of the difference"),
        ] {
            all.push(named(&format!("{name}: {what}"), "of the metric", meaning.into()));
        }
    }
    all
}

fn wide_rows(gathered: &Gatherer, comparison: &[Vec<ComparisonRow>]) -> Vec<Vec<Cell>> {
    let outcomes: Vec<Vec<Moments>> = gathered.summaries().iter().map(|runs| outcome_moments(runs)).collect();
    let row = |(index, column): (usize, &Column)| {
        let mean = |scenario: usize| Cell::from(&outcomes[scenario][index].mean());
        let mut cells = vec![Cell::from(&column.name), Cell::from(&column.unit), mean(0)];
        for (scenario, rows) in comparison.iter().enumerate().skip(1) {
            let found = rows.iter().find(|row| row.metric == column.name);
            cells.push(mean(scenario));
            cells.push(Cell::from(&found.map(|row| row.difference)));
            cells.push(Cell::from(&found.and_then(|row| row.difference_low)));
            cells.push(Cell::from(&found.and_then(|row| row.difference_high)));
        }
        (0..outcomes.len()).any(|scenario| outcomes[scenario][index].count() > 0).then_some(cells)
    };
    SummaryRow::COLUMNS.iter().enumerate().filter_map(row).collect()
}

/// Every outcome over replicates, in the order of the columns of [`SummaryRow`].
fn outcome_moments(runs: &[SummaryRow]) -> Vec<Moments> {
    let mut outcomes = vec![Moments::default(); SummaryRow::COLUMNS.len()];
    for run in runs {
        outcomes.iter_mut().zip(run.cells()).for_each(|(moments, cell)| moments.extend(cell.number()));
    }
    outcomes
}

fn parameter_columns(scenarios: &[Scenario]) -> Vec<NamedColumn> {
    let names = [
        named("path", "path", "Parameter that differs between the scenarios, or amendment".into()),
        named("unit", "text", "Unit of the parameter".into()),
    ];
    let value = |scenario: &Scenario| {
        let meaning = format!("Value in {}; empty where it has none", scenario.name);
        named(&scenario.name, "of the parameter", meaning)
    };
    names.into_iter().chain(scenarios.iter().map(value)).collect()
}

/// Numbers stay numbers, so that they are written as the dialect wants them.
pub(super) fn value_cell(value: Option<&str>) -> Cell {
    match value {
        None => Cell::Empty,
        Some(text) => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Cell::Number(number),
            _ => Cell::Text(text.into()),
        },
    }
}

/// Published figures beside their mean over replicates.
struct Calibration<'a> {
    targets: &'a [Target],
    simulated: Vec<Moments>,
}

impl<'a> Calibration<'a> {
    fn new(targets: &'a [Target]) -> Calibration<'a> {
        Calibration { targets, simulated: vec![Moments::default(); targets.len()] }
    }

    fn add(&mut self, rows: &RunRows) {
        for (moments, target) in self.simulated.iter_mut().zip(self.targets) {
            moments.extend(simulated(target, rows));
        }
    }

    fn rows(&self) -> Vec<CalibrationRow> {
        let row = |(target, moments): (&Target, &Moments)| CalibrationRow {
            target: target.target.clone(),
            unit: unit(target),
            published: target.published,
            simulated: moments.mean(),
            low: moments.interval().map(|(low, _)| low),
            high: moments.interval().map(|(_, high)| high),
            source: target.source.clone(),
        };
        self.targets.iter().zip(&self.simulated).map(row).collect()
    }
}

/// The unit of a target: its metric's, or that of a growth rate.
fn unit(target: &Target) -> &'static str {
    match target.statistic {
        Statistic::GrowthOfYear => "per year",
        Statistic::Level | Statistic::MeanOfYear => {
            metrics().find(|column| column.name == target.metric).map_or("", |column| column.unit)
        }
    }
}

/// What a run gives for a target; `None` where its months do not reach.
fn simulated(target: &Target, rows: &RunRows) -> Option<f64> {
    let value = |month: Month| {
        let found = rows.opening.iter().chain(&rows.months).find(|row| row.month == month)?;
        found.metric(target.metric)
    };
    match target.statistic {
        Statistic::Level => value(target.month),
        Statistic::GrowthOfYear => {
            let before = value(target.month.plus(-12)).filter(|before| *before != 0.0)?;
            Some(value(target.month)? / before - 1.0)
        }
        Statistic::MeanOfYear => {
            let year: Option<Vec<f64>> = (0..12).map(|back| value(target.month.plus(-back))).collect();
            year?.into_iter().collect::<Moments>().mean()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::csv::Dialect;
    use crate::output::{MANIFEST, result_files};
    use crate::testing;
    use crate::units::Money;
    use std::fs;

    const START: Month = Month::new(2021, 1);

    fn rows(level: f64) -> RunRows {
        testing::run_rows(START, 12, |number, row| {
            row.approval_rate = (number != 3 || level > 1.0).then_some(level);
            row.loans_outstanding_cny = Money::from_cny(100.0 + (f64::from(number) + 1.0) * level);
        })
    }

    fn target(metric: &'static str, statistic: Statistic, month: Month) -> Target {
        let (target, source) = (format!("{metric} {month}"), "V: a report".into());
        Target { target, metric, statistic, month, published: 0.5, source }
    }

    fn write(
        target: &Path,
        tables: &str,
        scenarios: &[Scenario],
        differences: &[Difference],
    ) -> Vec<Written> {
        let folder = Folder::open(target, &result_files(), false, Dialect::Standard).unwrap();
        let selection = Selection::of_runs().only(tables).unwrap();
        let mut tables = RunTables::start(folder, scenarios, differences, &selection).unwrap();
        for (index, scenario) in scenarios.iter().enumerate() {
            for replicate in [1, 2] {
                let rows = rows(f64::from(replicate));
                let summary = SummaryRow::of(scenario, &rows);
                tables.run(index, replicate, &rows, &summary).unwrap();
            }
        }
        tables.finish(&result_files(), |written| format!("tables = {}\n", written.len())).unwrap()
    }

    #[test]
    fn means_are_over_the_replicates_in_which_a_metric_exists() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "months_mean", &[testing::scenario("a")], &[]);
        let text = fs::read_to_string(folder.path().join("months_mean.csv")).unwrap();
        let half = 12.706_204_736 * 0.5;
        let all = format!("a,2021-01,approval_rate,1.5,{},{},2", 1.5 - half, 1.5 + half);
        assert!(text.contains(&all), "{text}");
        assert!(text.contains("a,2021-04,approval_rate,2,,,1\n"), "of one replicate there is no interval");
        assert!(!text.contains("delivered_share"), "what never exists has no row");
        assert!(text.contains("a,2021-01,applications,0,0,0,2\n"));
    }

    #[test]
    fn targets_are_read_as_they_say() {
        let rows = rows(2.0);
        let simulated = |metric, statistic, month| simulated(&target(metric, statistic, month), &rows);
        let december = Month::new(2021, 12);
        assert_eq!(simulated("approval_rate", Statistic::Level, december), Some(2.0));
        assert_eq!(simulated("approval_rate", Statistic::MeanOfYear, december), Some(2.0));
        let growth = simulated("loans_outstanding_cny", Statistic::GrowthOfYear, december);
        assert_eq!(growth, Some(124.0 / 100.0 - 1.0), "from the month before the start");
        assert_eq!(simulated("approval_rate", Statistic::Level, Month::new(2022, 1)), None);
        assert_eq!(simulated("approval_rate", Statistic::MeanOfYear, Month::new(2021, 11)), Some(2.0));
        assert_eq!(simulated("approval_rate", Statistic::MeanOfYear, Month::new(2021, 10)), None);
        assert_eq!(simulated("approval_rate", Statistic::GrowthOfYear, Month::new(2021, 11)), None);
        assert_eq!(simulated("applications", Statistic::GrowthOfYear, december), None, "from nothing");
    }

    #[test]
    fn parameters_that_differ_stand_before_the_outcomes() {
        let folder = tempfile::tempdir().unwrap();
        let mut scenarios = [testing::scenario("a"), testing::scenario("b")];
        scenarios[1].targets = vec![target("approval_rate", Statistic::Level, START)];
        let values = |a: &str, b: Option<&str>| vec![Some(a.to_string()), b.map(String::from)];
        let differences = [
            ("fees.agency_query".into(), "CNY per query".into(), values("24.0", Some("6"))),
            ("rules.deadline".into(), "month".into(), values("2022-12", None)),
        ];
        let written = write(folder.path(), "summary,calibration,months", &scenarios, &differences);

        let summary = fs::read_to_string(folder.path().join("summary.csv")).unwrap();
        let lines: Vec<&str> = summary.lines().collect();
        assert!(
            lines[0]
                .starts_with("scenario,replicate,fees.agency_query,rules.deadline,delivered_share_before")
        );
        assert!(lines[1].starts_with("a,1,24,2022-12,"), "{}", lines[1]);
        assert!(lines[4].starts_with("b,2,6,,"), "{}", lines[4]);
        let calibration = fs::read_to_string(folder.path().join("calibration.csv")).unwrap();
        assert!(calibration.contains("\nb,approval_rate 2021-01,share,0.5,1.5,"), "{calibration}");

        let files: Vec<(&str, u64)> =
            written.iter().map(|file| (file.file.as_str(), file.rows.unwrap())).collect();
        let dictionary = fs::read_to_string(folder.path().join("columns.csv")).unwrap();
        let described = dictionary.lines().count() as u64 - 1;
        let expected =
            [("months.csv", 48), ("calibration.csv", 1), ("summary.csv", 4), ("columns.csv", described)];
        assert_eq!(files, expected);
        assert!(dictionary.contains("\nsummary,fees.agency_query,CNY per query,"));
        for table in ["months", "calibration", "summary", "columns"] {
            let text = fs::read_to_string(folder.path().join(format!("{table}.csv"))).unwrap();
            for column in text.lines().next().unwrap().split(',') {
                assert!(
                    dictionary.contains(&format!("\n{table},{column},")),
                    "{table}.{column} is not described"
                );
            }
        }
        assert_eq!(fs::read_to_string(folder.path().join(MANIFEST)).unwrap(), "tables = 4\n");
    }
}
