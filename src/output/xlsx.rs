//! Results as one workbook, usable as it opens: tables with frozen headers and filters, figures in the
//! format of their unit, charts that can be edited.
//!
//! What comes from scenario files is written as text, never as a formula or a link.

mod charts;
mod sheet;
mod sweep;

pub use sweep::{BookTable, HeatMap, SweepBook, fits, sweep_workbook};

use super::columns::{NamedColumn, SCENARIO, columns};
use super::runs::{summary_columns, value_cell};
use crate::comparison::{ComparisonRow, WinnerRow};
use crate::results::Results;
use crate::scenario::Scenario;
use crate::scenario::parameters::Place;
use crate::stats::Moments;
use crate::summary::{SummaryRow, before_deadline};
use crate::tables::{Cell, MonthMeanRow, Row};
use crate::units::Month;
use rust_xlsxwriter::XlsxError;
use sheet::{Book, HEADER_ROW, Heading, SHEET_ROWS};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Why a workbook can't be written.
#[derive(Debug, thiserror::Error)]
#[error("can't write {}: {source}", file.display())]
pub struct WorkbookError {
    /// The workbook.
    pub file: PathBuf,
    /// Why not.
    pub source: XlsxError,
}

impl WorkbookError {
    fn of(file: &Path) -> impl FnOnce(XlsxError) -> WorkbookError + '_ {
        |source| WorkbookError { file: file.into(), source }
    }
}

/// How intervals are to be read, in a few sentences.
const INTERVALS: &str = "Intervals (±, low, high) hold the mean over replicates with 95 % confidence, by Student's t. \
    They tell of chance within the model, not of whether its assumptions are right. A comparison pairs \
    replicates: each has the same chance events in both scenarios, and a difference is sure where its interval \
    leaves out 0. Of twenty outcomes that don't differ, one may still look as if it did.";

/// Writes the results of `run` or `compare` as the workbook `file`.
///
/// The same results give the same bytes. The file is written in place: whoever calls gives a name
/// aside and renames it.
///
/// # Errors
/// [`WorkbookError`].
///
/// # Panics
/// If a number is not finite, a fault of the program.
pub fn workbook(results: &Results<'_>, file: &Path) -> Result<(), WorkbookError> {
    make(results, file).map_err(WorkbookError::of(file))
}

fn make(results: &Results<'_>, file: &Path) -> Result<(), XlsxError> {
    let mut book = Book::new(&results.run_id);
    outcomes_sheet(&mut book, results)?;
    comparison_sheet(&mut book, results)?;
    let gains = charts::gains_sheet(&mut book, results)?;
    winners_sheet(&mut book, results)?;
    let months = charts::months_sheet(&mut book, results)?;
    charts::charts_sheet(&mut book, &months, gains.as_ref())?;
    // What a reader looks at first comes first; data that charts are drawn from may stand behind them.
    book.move_last_to(1);
    tidy_months_sheet(&mut book, results)?;
    summary_sheet(&mut book, results)?;
    parameters_sheet(&mut book, results)?;
    book.save(&title(results), &about(results), file)
}

/// Names of the scenarios, whatever they are, with commas.
fn names(scenarios: &[Scenario]) -> String {
    scenarios.iter().map(|scenario| scenario.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn title(results: &Results<'_>) -> String {
    match results.scenarios {
        [only] => only.title.clone(),
        [baseline, others @ ..] if results.comparison.iter().any(|rows| !rows.is_empty()) => {
            format!("{} against {}", names(others), baseline.name)
        }
        several => names(several),
    }
}

/// The lines of the sheet `About`: label and text.
fn about(results: &Results<'_>) -> Vec<(String, String)> {
    let line = |label: &str, text: String| (label.to_string(), text);
    let asked = match results.scenarios {
        [baseline, others @ ..] if results.command == "compare" => {
            format!("How {} differ from the baseline {}, and who wins", names(others), baseline.name)
        }
        scenarios => format!("What {} come to", names(scenarios)),
    };
    let mut lines = vec![
        line("What was asked", asked),
        line("Replicates", format!("{} of each scenario", results.replicates)),
        line("Seed", results.seed.to_string()),
        line("Run id", results.run_id.clone()),
        line("Program", format!("mandate {}", env!("CARGO_PKG_VERSION"))),
        line("To get these results again", results.reproduce.clone()),
        line("How to read intervals", INTERVALS.into()),
        line(
            "How to read figures",
            "An empty cell is a figure that does not exist, never 0. Money is CNY of the whole population. Months \
             are dates, the first of the month. Units stand above the headers; the sheet Columns says what each \
             column means."
                .into(),
        ),
    ];
    for (index, scenario) in results.scenarios.iter().enumerate() {
        let role = if index == 0 && results.command == "compare" { "Baseline" } else { "Scenario" };
        let deadline =
            before_deadline(scenario).map_or("none".to_string(), |before| before.plus(1).to_string());
        let users = scenario.parameters.users.sample;
        let mut text = scenario.title.clone();
        if !scenario.about.is_empty() {
            text += &format!("\n{}", scenario.about.trim());
        }
        text += &format!("\nDeadline: {deadline}. Simulated users: {users}.");
        lines.push((format!("{role} {}", scenario.name), text));
    }
    lines
}

fn text(text: &str) -> Cell {
    Cell::Text(text.into())
}

fn column(name: impl Into<String>, unit: &str, meaning: &str) -> NamedColumn {
    NamedColumn { name: name.into(), unit: unit.into(), meaning: meaning.into() }
}

/// What an outcome comes to over replicates, and in how many of them it exists.
struct Outcome {
    mean: Cell,
    half_width: Cell,
    replicates: u32,
}

impl Outcome {
    fn of<'c>(cells: impl Iterator<Item = &'c Cell>) -> Outcome {
        let mut moments = Moments::default();
        let mut dated = false;
        for cell in cells {
            if let Cell::Month(month) = cell {
                dated = true;
                moments.add(f64::from(month.ordinal()));
            }
            moments.extend(cell.number());
        }
        let mean = match moments.mean() {
            Some(mean) if dated => Cell::Month(Month::new(0, 1).plus(mean.round() as i32)),
            mean => Cell::from(&mean),
        };
        Outcome { mean, half_width: Cell::from(&moments.half_width()), replicates: moments.count() }
    }
}

fn outcomes_sheet(book: &mut Book, results: &Results<'_>) -> Result<(), XlsxError> {
    let title = "Outcomes: means over replicates, scenarios side by side";
    let heading = Heading { sheet: "Outcomes", title, frozen: 2 };
    let mut all = vec![column("outcome", "name", ""), column("unit", "unit", "")];
    for scenario in results.scenarios {
        all.push(column(format!("{}: mean", scenario.name), "of the outcome", ""));
        all.push(column(format!("{}: ±", scenario.name), "of the outcome", ""));
        all.push(column(format!("{}: replicates", scenario.name), "replicates", ""));
    }
    all.push(column("meaning", "text", ""));
    let cells: Vec<Vec<Vec<Cell>>> = results
        .summaries
        .iter()
        .map(|replicates| replicates.iter().map(SummaryRow::cells).collect())
        .collect();

    let mut sheet = book.start(&heading)?;
    let mut widths = book.header(&mut sheet, HEADER_ROW, &all)?;
    let mut row = HEADER_ROW;
    for (index, described) in SummaryRow::COLUMNS.iter().enumerate() {
        row += 1;
        let mut line = vec![(text(described.name), "name"), (text(described.unit), "unit")];
        for replicates in &cells {
            let outcome = Outcome::of(replicates.iter().map(|cells| &cells[index]));
            // The half width of a month is a number of months.
            let unit = if described.unit == "month" { "months" } else { described.unit };
            line.push((outcome.mean, described.unit));
            line.push((outcome.half_width, unit));
            line.push((Cell::from(&outcome.replicates), "replicates"));
        }
        line.push((text(described.meaning), "text"));
        for (index, (cell, unit)) in line.iter().enumerate() {
            book.cell(&mut sheet, row, index as u16, cell, unit, false)?;
            widths[index].take(cell, unit);
        }
    }
    book.finish_table(&mut sheet, &heading, HEADER_ROW, row, &widths)?;
    book.push(sheet);
    book.describe(
        "Outcomes",
        &[
            column("outcome", "name", "Outcome: a column of the sheet Summary"),
            column("unit", "unit", "Its unit"),
            column(
                "SCENARIO: mean",
                "of the outcome",
                "Mean over the replicates in which the outcome exists; of months, rounded to a month",
            ),
            column(
                "SCENARIO: ±",
                "of the outcome",
                "Half the width of the 95 % interval of the mean; empty with one replicate",
            ),
            column(
                "SCENARIO: replicates",
                "replicates",
                "Replicates in which the outcome exists: a month that is never reached does not",
            ),
            column("meaning", "text", "What the outcome means"),
        ],
    );
    Ok(())
}

fn comparison_sheet(book: &mut Book, results: &Results<'_>) -> Result<(), XlsxError> {
    if results.comparison.iter().all(Vec::is_empty) {
        return Ok(());
    }
    let title = "Comparison: each outcome against the baseline; marked rows are surely different";
    let heading = Heading { sheet: "Comparison", title, frozen: 2 };
    let surely = ComparisonRow::COLUMNS.iter().position(|column| column.name == "surely_different");
    let surely = surely.map_or(usize::MAX, |index| index + 1);
    book.table(
        &heading,
        &columns::<ComparisonRow>(&[SCENARIO]),
        by_scenario(results, &results.comparison),
        |cells| cells.get(surely) == Some(&Cell::Flag(true)),
    )
}

fn winners_sheet(book: &mut Book, results: &Results<'_>) -> Result<(), XlsxError> {
    if results.winners.iter().all(Vec::is_empty) {
        return Ok(());
    }
    let title = "Winners: each party's gain against the baseline, with its interval; marked rows are sure";
    let heading = Heading { sheet: "Winners", title, frozen: 3 };
    book.table(
        &heading,
        &columns::<WinnerRow>(&[SCENARIO]),
        by_scenario(results, &results.winners),
        |cells| cells.contains(&text("surely")) || cells.contains(&text("surely_not")),
    )
}

fn tidy_months_sheet(book: &mut Book, results: &Results<'_>) -> Result<(), XlsxError> {
    if results.months_mean.iter().map(Vec::len).sum::<usize>() > SHEET_ROWS - HEADER_ROW as usize - 1 {
        return sweep::too_long(book, "Months (tidy)", "months_mean.csv");
    }
    let title = "Every metric by month: its mean over replicates with its interval, a row each";
    let heading = Heading { sheet: "Months (tidy)", title, frozen: 3 };
    let rows = by_scenario(results, &results.months_mean);
    book.table(&heading, &columns::<MonthMeanRow>(&[SCENARIO]), rows, |_| false)
}

fn summary_sheet(book: &mut Book, results: &Results<'_>) -> Result<(), XlsxError> {
    let title = "Summary: every run in one row, the parameters that differ before its outcomes";
    let heading = Heading { sheet: "Summary", title, frozen: 2 };
    let rows =
        results.scenarios.iter().zip(&results.summaries).enumerate().flat_map(|(index, (scenario, rows))| {
            rows.iter().zip(1..).map(move |(row, replicate)| {
                let values = results
                    .differences
                    .iter()
                    .map(move |(_, _, values)| value_cell(values[index].as_deref()));
                let prefix = [text(&scenario.name), Cell::Whole(replicate)];
                prefix.into_iter().chain(values).chain(row.cells()).collect()
            })
        });
    book.table(&heading, &summary_columns(results.differences), rows, |_| false)
}

/// Rows with the name of their scenario in front.
fn by_scenario<'r, R: Row>(
    results: &'r Results<'_>,
    rows: &'r [Vec<R>],
) -> impl Iterator<Item = Vec<Cell>> + 'r {
    results.scenarios.iter().zip(rows).flat_map(|(scenario, rows)| {
        rows.iter().map(|row| [text(&scenario.name)].into_iter().chain(row.cells()).collect())
    })
}

/// A parameter on the sheet `Parameters`.
struct ParameterLine {
    path: String,
    unit: String,
    values: Vec<Cell>,
}

impl ParameterLine {
    fn differs(&self) -> bool {
        self.values.iter().any(|value| *value != self.values[0])
    }
}

fn parameters_sheet(book: &mut Book, results: &Results<'_>) -> Result<(), XlsxError> {
    if results.scenarios.is_empty() {
        return Ok(());
    }
    let title = "Parameters: those that differ first, then all; marked cells differ from the first scenario";
    let heading = Heading { sheet: "Parameters", title, frozen: 1 };
    let mut all = vec![
        column("path", "name", "Parameter, as a scenario file names it"),
        column("unit", "unit", "Unit"),
        column("differs", "flag", "Whether its value differs between the scenarios"),
    ];
    all.extend(results.scenarios.iter().map(|scenario| column(scenario.name.clone(), "value", "")));
    all.push(column("meaning", "text", "What it means"));
    all.push(column(
        "source",
        "text",
        "Where its default comes from: S press reports of 2021 and 2022, V seen in a published source, R recalled and \
         not checked, D derived, A an assumption, to be swept",
    ));

    let mut sheet = book.start(&heading)?;
    let mut widths = book.header(&mut sheet, HEADER_ROW, &all)?;
    let mut row = HEADER_ROW;
    for parameter in parameter_lines(results) {
        row += 1;
        let place = Place::of(&parameter.path);
        let known = place.as_ref().and_then(Place::parameter);
        let (meaning, source) = match (&place, known) {
            (_, Some(known)) => (known.meaning, known.source),
            (Some(Place::Stake { .. }), None) => ("Stake in the agency", "roster"),
            _ => ("Amendment during the run", ""),
        };
        let mut cells = vec![text(&parameter.path), text(&parameter.unit), Cell::Flag(parameter.differs())];
        let first = cells.len();
        cells.extend(parameter.values.iter().cloned());
        cells.extend([text(meaning), text(source)]);
        for (index, cell) in cells.iter().enumerate() {
            let value = parameter.values.get(index.wrapping_sub(first));
            let marked = value.is_some_and(|value| *value != parameter.values[0]);
            // Values stay as the file writes them; long ones, which are amendments, wrap.
            let unit = match (&all[index].unit[..], cell) {
                ("value", Cell::Text(long)) if long.chars().count() > 30 => "note",
                (unit, _) => unit,
            };
            book.cell(&mut sheet, row, index as u16, cell, unit, marked)?;
            widths[index].take(cell, unit);
        }
    }
    book.finish_table(&mut sheet, &heading, HEADER_ROW, row, &widths)?;
    book.push(sheet);
    all.retain(|column| column.unit != "value");
    all.insert(
        3,
        column("SCENARIO", "value", "Value in the scenario, in the unit of the row; empty where it has none"),
    );
    book.describe("Parameters", &all);
    Ok(())
}

/// The parameters that differ, then all others.
fn parameter_lines(results: &Results<'_>) -> Vec<ParameterLine> {
    let mut lines: Vec<ParameterLine> = Vec::new();
    for (path, unit, values) in results.differences {
        let values = values.iter().map(|value| value_cell(value.as_deref())).collect();
        lines.push(ParameterLine { path: path.clone(), unit: unit.clone(), values });
    }
    let mut told: HashSet<String> = lines.iter().map(|line| line.path.clone()).collect();
    let resolved: Vec<Vec<(String, Cell)>> = results.scenarios.iter().map(resolved_cells).collect();
    let values: Vec<HashMap<&str, &Cell>> = resolved
        .iter()
        .map(|cells| cells.iter().map(|(path, cell)| (path.as_str(), cell)).collect())
        .collect();
    for (path, _) in resolved.iter().flatten() {
        let place = Place::of(path);
        // A column of a roster that is told once for all rows is not told again row by row.
        let shared = match &place {
            Some(Place::One { section, name, .. }) => told.contains(&format!("{section}.{name}")),
            _ => false,
        };
        if shared || !told.insert(path.clone()) {
            continue;
        }
        let unit =
            place.as_ref().and_then(Place::parameter).map_or(
                if matches!(place, Some(Place::Stake { .. })) { "share" } else { "text" },
                |parameter| parameter.unit,
            );
        let of = |values: &HashMap<&str, &Cell>| {
            values.get(path.as_str()).map_or(Cell::Empty, |cell| (*cell).clone())
        };
        lines.push(ParameterLine {
            path: path.clone(),
            unit: unit.into(),
            values: values.iter().map(of).collect(),
        });
    }
    // What differs row by row within a roster that also differs otherwise comes first as well.
    lines.sort_by_key(|line| !line.differs());
    lines
}

/// Every parameter of a scenario, in the order of declaration, then its amendments.
fn resolved_cells(scenario: &Scenario) -> Vec<(String, Cell)> {
    let mut cells = Vec::new();
    for (section, value) in scenario.resolved_table() {
        if let toml::Value::Table(table) = value {
            flatten(&section, table, &mut cells);
        }
    }
    let amendments = scenario.amendments.iter().zip(1..);
    cells.extend(amendments.map(|(amendment, number): (_, u32)| {
        (format!("amendment.{number}"), Cell::Text(amendment.to_string()))
    }));
    cells
}

fn flatten(path: &str, table: toml::Table, cells: &mut Vec<(String, Cell)>) {
    for (key, value) in table {
        let path = format!("{path}.{key}");
        match value {
            toml::Value::Table(inner) => flatten(&path, inner, cells),
            value => cells.push((path, toml_cell(&value))),
        }
    }
}

fn toml_cell(value: &toml::Value) -> Cell {
    match value {
        toml::Value::Integer(whole) => Cell::Number(*whole as f64),
        toml::Value::Float(number) if number.is_finite() => Cell::Number(*number),
        toml::Value::String(text) => Cell::Text(text.clone()),
        toml::Value::Array(items) => {
            let texts = items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), String::from));
            Cell::Text(texts.collect::<Vec<_>>().join(" "))
        }
        other => Cell::Text(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use crate::units::{Money, RuleMonth};
    use calamine::{Data, Reader, Xlsx, open_workbook};
    use std::fs::File;
    use std::io::{BufReader, Read};

    const START: Month = Month::new(2021, 1);
    /// Text that a spreadsheet takes for a formula or a link where it is let.
    const HOSTILE: [&str; 6] = ["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-1+1", "http://x", "Months!A1"];

    fn scenarios() -> Vec<Scenario> {
        let mut scenarios: Vec<Scenario> =
            ["base", "cap", "http://x"].iter().map(|name| testing::scenario(name)).collect();
        for scenario in &mut scenarios {
            scenario.parameters.rules.deadline = RuleMonth::From(Month::new(2021, 12));
        }
        scenarios[1].title = HOSTILE[0].into();
        scenarios[1].about = HOSTILE[1].into();
        scenarios[2].title = HOSTILE[2].into();
        scenarios[2].parameters.fees.agency_query = 6.0;
        scenarios[2].parameters.rules.deadline = RuleMonth::From(Month::new(2022, 3));
        scenarios
    }

    fn months(scenario: usize) -> Vec<MonthMeanRow> {
        let metric = |number: i32, metric: &'static str, mean: f64| MonthMeanRow {
            month: START.plus(number),
            metric,
            mean,
            low: Some(mean * 0.9),
            high: Some(mean * 1.1),
            replicates: 2,
        };
        let level = 0.2 + 0.2 * scenario as f64;
        (0..24)
            .flat_map(|number| {
                let grown = f64::from(number) / 24.0;
                [
                    metric(number, "delivered_share", level * grown),
                    metric(number, "direct_query_share", 0.6 - level * grown),
                    metric(number, "agency_query_share", 0.1 + level * grown),
                    metric(number, "approval_rate_creditworthy", 0.7 + 0.1 * level * grown),
                    metric(number, "default_rate_annual", 0.03 - 0.01 * level * grown),
                    metric(number, "loans_outstanding_cny", 16.6e12 * (1.0 + level * grown)),
                ]
            })
            .collect()
    }

    fn results<'a>(scenarios: &'a [Scenario], differences: &'a [crate::scenario::Difference]) -> Results<'a> {
        let summary = |scenario: &Scenario, level: f64| {
            let rows = testing::run_rows(START, 24, |number, row| {
                row.approval_rate = Some(0.5 + level / 100.0);
                row.delivered_share = (number >= 0).then_some(f64::from(number) / 24.0);
                row.fines_cny = Money(123_456_789);
                row.platforms_bound = 4;
                row.compliant_platforms = Some(if level > 1.0 && number > 12 { 4 } else { 0 });
            });
            SummaryRow::of(scenario, &rows)
        };
        let comparison = |surely: bool| ComparisonRow {
            metric: "approval_rate_mean",
            unit: "share",
            baseline_mean: 0.5,
            scenario_mean: 0.52,
            difference: 0.02,
            difference_low: Some(0.01),
            difference_high: Some(0.03),
            percent: Some(4.0),
            replicates: 2,
            surely_different: Some(surely),
            replicates_needed: None,
            variance_saved: Some(0.9),
        };
        let winner = |party: &str, gain: f64| WinnerRow {
            party_kind: "platform",
            party: party.into(),
            measure: "profit_cny",
            baseline_cny: Some(1e11),
            scenario_cny: Some(1e11 + gain),
            gain_cny: gain,
            gain_low_cny: Some(gain - 1e9),
            gain_high_cny: Some(gain + 1e9),
            gains: Some(if gain > 1e9 { "surely" } else { "surely_not" }),
            replicates: 2,
        };
        let compared = |index: usize| index > 0;
        Results {
            command: "compare",
            reproduce: HOSTILE[3].into(),
            run_id: "1a2b&3c".into(),
            seed: u64::MAX,
            replicates: 2,
            scenarios,
            differences,
            summaries: scenarios
                .iter()
                .map(|scenario| vec![summary(scenario, 1.0), summary(scenario, 2.0)])
                .collect(),
            months_mean: (0..scenarios.len()).map(months).collect(),
            comparison: (0..scenarios.len())
                .map(
                    |index| {
                        if compared(index) { vec![comparison(true), comparison(false)] } else { Vec::new() }
                    },
                )
                .collect(),
            winners: (0..scenarios.len())
                .map(|index| {
                    if compared(index) {
                        vec![winner("alipay", 4e10), winner(HOSTILE[0], -2e10)]
                    } else {
                        Vec::new()
                    }
                })
                .collect(),
        }
    }

    /// The workbook of hand-made results, in a folder that lives as long as it is read.
    fn written() -> (tempfile::TempDir, PathBuf) {
        let scenarios = scenarios();
        let mut differences = Scenario::differing(&scenarios.iter().collect::<Vec<_>>());
        differences.push((
            "amendment.1".into(),
            "text".into(),
            HOSTILE[..3].iter().map(|text| Some(text.to_string())).collect(),
        ));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("results.xlsx");
        workbook(&results(&scenarios, &differences), &file).unwrap();
        (folder, file)
    }

    fn parts(file: &Path) -> Vec<(String, String)> {
        let mut archive = zip::ZipArchive::new(File::open(file).unwrap()).unwrap();
        let part = |index| {
            let mut part = archive.by_index(index).unwrap();
            let mut text = String::new();
            part.read_to_string(&mut text).unwrap();
            (part.name().unwrap().into_owned(), text)
        };
        (0..zip::ZipArchive::new(File::open(file).unwrap()).unwrap().len()).map(part).collect()
    }

    fn sheets(file: &Path) -> Vec<(String, String)> {
        parts(file).into_iter().filter(|(name, _)| name.starts_with("xl/worksheets/sheet")).collect()
    }

    fn open(file: &Path) -> Xlsx<BufReader<File>> {
        open_workbook(file).unwrap()
    }

    /// The rows of a sheet, from the first one on.
    fn rows(file: &Path, sheet: &str) -> Vec<Vec<Data>> {
        let range = open(file).worksheet_range(sheet).unwrap();
        assert_eq!(range.start(), Some((0, 0)));
        range.rows().map(<[Data]>::to_vec).collect()
    }

    fn assert_reads_as(read: &Data, cell: &Cell) {
        match (read, cell) {
            (Data::Empty, Cell::Empty) => {}
            (Data::String(read), Cell::Text(text)) => assert_eq!(read, text),
            (Data::Bool(read), Cell::Flag(flag)) => assert_eq!(read, flag),
            (Data::DateTime(read), Cell::Month(month)) => {
                let date = crate::output::xlsx::sheet::date(*month).unwrap();
                assert_eq!(read.as_f64(), date.to_excel());
            }
            (read, cell) => assert_eq!(calamine::DataType::as_f64(read), cell.number(), "{read:?} {cell:?}"),
        }
    }

    #[test]
    fn cells_read_back_as_given() {
        let scenarios = scenarios();
        let differences = Scenario::differing(&scenarios.iter().collect::<Vec<_>>());
        let given = results(&scenarios, &differences);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.xlsx");
        workbook(&given, &file).unwrap();

        let summary = rows(&file, "Summary");
        let header: Vec<String> = summary[3].iter().map(ToString::to_string).collect();
        assert_eq!(header[..4], ["scenario", "replicate", "fees.agency_query", "rules.deadline"]);
        assert_eq!(summary.len(), 4 + 6);
        for (read, row) in summary[4..].iter().zip(given.summaries.iter().flatten()) {
            read[4..].iter().zip(row.cells()).for_each(|(read, cell)| assert_reads_as(read, &cell));
        }
        for (sheet, expected) in [
            ("Comparison", given.comparison.iter().flatten().map(Row::cells).collect::<Vec<_>>()),
            ("Winners", given.winners.iter().flatten().map(Row::cells).collect()),
            ("Months (tidy)", given.months_mean.iter().flatten().map(Row::cells).collect()),
        ] {
            let read = rows(&file, sheet);
            assert_eq!(read.len(), 4 + expected.len(), "{sheet}");
            for (read, cells) in read[4..].iter().zip(&expected) {
                read[1..].iter().zip(cells).for_each(|(read, cell)| assert_reads_as(read, cell));
            }
        }
        let months = rows(&file, "Months");
        assert_eq!(months.len(), 5 + 24);
        let place = months[4].iter().position(|name| *name == "delivered_share, cap").unwrap();
        assert_reads_as(&months[5 + 23][place], &Cell::Number(0.4 * 23.0 / 24.0));
        assert_reads_as(&months[5][0], &Cell::Month(START));
    }

    #[test]
    fn outcomes_stand_side_by_side() {
        let (_folder, file) = written();
        let outcomes = rows(&file, "Outcomes");
        let row = outcomes.iter().find(|row| row[0] == "approval_rate_mean").unwrap();
        let mean: Moments = [0.51, 0.52].into_iter().collect();
        assert_reads_as(&row[2], &Cell::from(&mean.mean()));
        assert!((calamine::DataType::as_f64(&row[3]).unwrap() - mean.half_width().unwrap()).abs() < 1e-9);
        let reached = outcomes.iter().find(|row| row[0] == "month_compliant").unwrap();
        assert_reads_as(&reached[2], &Cell::Month(START.plus(13)));
        assert_reads_as(&reached[4], &Cell::Whole(1));
        assert_eq!(reached[3], Data::Empty, "of one replicate there is no interval");
    }

    #[test]
    fn parameters_that_differ_come_first_and_are_marked() {
        let (_folder, file) = written();
        let read = rows(&file, "Parameters");
        assert_eq!(read[3][..4], ["path", "unit", "differs", "base"].map(|name| Data::String(name.into())));
        let differing: Vec<String> =
            read.iter().filter(|row| row[2] == Data::Bool(true)).map(|row| row[0].to_string()).collect();
        assert_eq!(differing, ["fees.agency_query", "rules.deadline", "amendment.1"]);
        assert_eq!(read[4][0].to_string(), differing[0]);
        assert_reads_as(&read[4][3], &Cell::Number(24.0));
        assert_reads_as(&read[4][5], &Cell::Number(6.0));
        assert!(read.iter().any(|row| row[0] == "credit.lending_rate"), "all parameters can be looked up");
    }

    #[test]
    fn text_of_a_scenario_is_never_a_formula_or_a_link() {
        let (_folder, file) = written();
        for (name, text) in sheets(&file) {
            assert!(!text.contains("<f>") && !text.contains("<f "), "{name} has a formula");
        }
        for (name, text) in parts(&file) {
            assert!(!text.contains("TargetMode=\"External\""), "{name} has a link to outside");
            assert!(!text.contains("<c:f>&apos;") && !text.contains("<c:f>http"), "{name}: series of a name");
        }
        let about: Vec<String> = rows(&file, "About").iter().map(|row| row[1].to_string()).collect();
        for text in &HOSTILE[..4] {
            assert!(about.iter().any(|line| line.contains(text)), "{text} is not told as it is");
        }
        assert_eq!(rows(&file, "Winners")[5][2], Data::String(HOSTILE[0].into()));
    }

    #[test]
    fn the_same_results_are_the_same_bytes() {
        let ((_one, first), (_two, second)) = (written(), written());
        assert!(std::fs::read(first).unwrap() == std::fs::read(second).unwrap());
    }

    #[test]
    fn sheets_have_frozen_headers_filters_and_their_run() {
        let (_folder, file) = written();
        let names = open(&file).sheet_names();
        assert_eq!(
            names,
            [
                "About",
                "Outcomes",
                "Charts",
                "Comparison",
                "Who wins",
                "Winners",
                "Months",
                "Months (tidy)",
                "Summary",
                "Parameters",
                "Columns"
            ]
        );
        for ((_, text), name) in sheets(&file).iter().zip(&names) {
            assert!(text.contains("Run 1a2b&amp;&amp;3c"), "{name} does not say of which run it is");
            assert!(text.contains("orientation=\"landscape\""), "{name}");
            if !["About", "Charts"].contains(&name.as_str()) {
                assert!(text.contains("state=\"frozen\"") && text.contains("<autoFilter"), "{name}");
            }
            // Fitting is on, to one page wide, which is the default, and as many high as it takes.
            assert!(text.contains("fitToPage=\"1\"") && text.contains("fitToHeight=\"0\""), "{name}");
            assert!(!text.contains("fitToWidth"), "{name} is one page wide");
            let cut = ["Months", "Summary"].contains(&name.as_str());
            assert_eq!(text.contains(", its first columns"), cut, "{name}");
        }
        let (_, book) = parts(&file).into_iter().find(|(name, _)| name == "xl/workbook.xml").unwrap();
        assert_eq!(
            book.matches("_xlnm.Print_Titles").count(),
            names.len() - 2,
            "headers stand on every page"
        );
        assert!(book.contains("_xlnm.Print_Area") && book.contains("Summary!$A$1:$"), "{book}");
        let charts: Vec<_> =
            parts(&file).into_iter().filter(|(name, _)| name.starts_with("xl/charts/chart")).collect();
        assert_eq!(charts.len(), 5 + 2, "of months, and of the gains of two scenarios");
        // Deadlines and intervals are both drawn as error bars.
        assert_eq!(charts.iter().filter(|(_, text)| text.contains("<c:errBars>")).count(), 2 + 2);
    }

    #[test]
    fn long_tables_are_printed_in_part() {
        let folder = tempfile::tempdir().unwrap();
        let written = |rows: i64| {
            let file = folder.path().join(format!("{rows}.xlsx"));
            let mut book = sheet::Book::new("1a2b");
            let heading = Heading { sheet: "Rows", title: "Rows", frozen: 1 };
            let columns = [column("a", "number", "A"), column("b", "number", "B")];
            let rows = (0..rows).map(|row| vec![Cell::Whole(row), Cell::Whole(row)]);
            book.table(&heading, &columns, rows, |_| false).unwrap();
            book.save("Title", &[], &file).unwrap();
            parts(&file).into_iter().map(|(_, text)| text).collect::<String>()
        };
        let (short, long) = (written(500), written(501));
        assert!(!short.contains("Print_Area") && !short.contains("its first rows"));
        assert!(long.contains("Rows!$A$1:$B$49") && long.contains("&amp;A, its first rows"), "{long}");
    }

    #[test]
    fn a_plain_run_has_no_sheets_of_comparison() {
        let scenarios = [testing::scenario("one")];
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.xlsx");
        let mut given = results(&scenarios, &[]);
        given.command = "run";
        workbook(&given, &file).unwrap();
        let names = open(&file).sheet_names();
        assert_eq!(
            names,
            ["About", "Outcomes", "Charts", "Months", "Months (tidy)", "Summary", "Parameters", "Columns"]
        );
    }

    #[test]
    fn every_column_of_every_sheet_is_described() {
        let (_folder, file) = written();
        let described: HashSet<(String, String)> =
            rows(&file, "Columns").iter().map(|row| (row[0].to_string(), row[1].to_string())).collect();
        for sheet in ["Comparison", "Winners", "Months (tidy)", "Summary"] {
            for name in &rows(&file, sheet)[3] {
                assert!(described.contains(&(sheet.into(), name.to_string())), "{sheet}.{name}");
            }
        }
    }

    #[test]
    fn a_month_before_the_calendar_of_spreadsheets_is_text() {
        assert!(sheet::date(Month::new(1899, 12)).is_none());
        assert_eq!(sheet::date(Month::new(2021, 1)).unwrap().to_excel(), 44197.0);
    }

    #[test]
    fn a_workbook_that_can_t_be_written_is_named() {
        let scenarios = [testing::scenario("one")];
        let error = workbook(&results(&scenarios, &[]), Path::new("no/such/folder/a.xlsx")).unwrap_err();
        assert!(error.to_string().starts_with("can't write no/such/folder/a.xlsx: "), "{error}");
    }
}
