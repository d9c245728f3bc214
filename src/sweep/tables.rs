//! The tables of a sweep, from its runs.

use super::measures::{EFFECTS, Effect, Ranked, effects_of, measures};
use super::merge::{MergeError, Source};
use super::plan::{Design, Points, RunOfPoint};
use super::rankings::{RankingRow, Rankings};
use super::report::Gathered;
use crate::output::columns::{NamedColumn, SCENARIO, columns, dictionary};
use crate::output::csv::{Dialect, Written, file_name};
use crate::output::folder::{Folder, OutputError};
use crate::output::parquet::parquet_name;
use crate::output::report::sweep::{report as sweep_report, shows};
use crate::output::xlsx::{BookTable, HeatMap, SweepBook, WorkbookError, fits, sweep_workbook};
use crate::output::{MANIFEST, REPORT, WORKBOOK, result_files};
use crate::scenario::value::Value;
use crate::stats::Moments;
use crate::summary::SummaryRow;
use crate::tables::{Cell, CellType, Column, ColumnRow, Row, table};
use crate::timings::{Work, timed};
use std::io;
use std::path::Path;

/// Means of points held in memory at a time.
const MOST_MEANS: usize = 8 << 20;

/// The table of runs.
pub const SWEEP: &str = "sweep";

table! {
    /// An outcome of a point over its replicates.
    SweepSummaryRow = "sweep_summary" {
        outcome: &'static str, "name", "Column of sweep.csv";
        mean: Option<f64>, "of the outcome", "Mean over replicates in which the outcome exists; empty for a month";
        sd: Option<f64>, "of the outcome", "Standard deviation over replicates; empty with one";
        low: Option<f64>, "of the outcome", "Lower end of the 95 % interval of the mean; empty with one replicate";
        high: Option<f64>, "of the outcome", "Upper end of the 95 % interval of the mean";
        replicates: u32, "replicates", "Replicates in which the outcome exists";
    }
}

/// Names of the files that are results of a sweep, and of a run, which don't go into one folder.
pub fn sweep_files() -> Vec<String> {
    let own = [SWEEP, SweepSummaryRow::TABLE, EFFECTS, RankingRow::TABLE];
    own.map(file_name).into_iter().chain(own.map(parquet_name)).chain(result_files()).collect()
}

/// Why tables can't be written.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    /// Runs can't be read back.
    #[error("{0}")]
    Merge(#[from] MergeError),
    /// The disk refuses.
    #[error("{0}")]
    Output(#[from] OutputError),
}

/// What was written, and what it says.
pub struct Finished {
    /// The files.
    pub written: Vec<Written>,
    /// All effects.
    pub effects: Vec<Effect>,
    /// How often each ranking of two scenarios holds; none of a single scenario.
    pub rankings: Vec<RankingRow>,
}

const POINT: Column = Column {
    name: "point",
    unit: "number",
    meaning: "Point of the design, counted from 1; 0 is that of all scenarios as they are",
};
const REPLICATE: Column = Column {
    name: "replicate",
    unit: "number",
    meaning: "Replicate of the point, counted from 1; equal replicates of all points have equal seeds",
};

fn factor_columns(points: &Points) -> impl Iterator<Item = NamedColumn> {
    points.plan.factor.iter().map(|factor| NamedColumn {
        name: factor.column(),
        unit: factor.unit.clone(),
        meaning: if factor.relative {
            format!(
                "Swept: what {} of each scenario and row is multiplied by: {}",
                factor.path, factor.meaning
            )
        } else {
            format!("Swept: {}", factor.meaning)
        },
    })
}

/// How a sweep's tables are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Dialect of CSV files.
    pub dialect: Dialect,
    /// Whether tables are Parquet; the dictionary is CSV all the same.
    pub parquet: bool,
    /// Whether there is a workbook too.
    pub xlsx: bool,
    /// Whether there is a report too.
    pub report: bool,
}

impl Form {
    fn format(&self) -> &'static str {
        if self.parquet { "parquet" } else { "csv" }
    }
}

/// Writes all tables of a sweep and what is for readers beside them, and puts them under their final names.
///
/// # Errors
/// [`TablesError`].
pub fn write(
    mut folder: Folder,
    points: &Points,
    identity: &str,
    form: Form,
    source: &Source,
) -> Result<Finished, TablesError> {
    let Form { xlsx, report, .. } = form;
    let mut gathered = Gathered::default();
    let mut described: Vec<ColumnRow> = Vec::new();
    // `types` are those of the last columns; before them come scenario, numbers and factors.
    let factor_types: Vec<CellType> = (0..points.plan.factor.len()).map(|i| points.cell_type(i)).collect();
    let mut start =
        |folder: &mut Folder, table: &'static str, columns: Vec<NamedColumn>, types: &[CellType]| {
            described.extend(dictionary(table, &columns));
            let names = columns.into_iter().map(|column| column.name);
            if form.parquet {
                folder.parquet_table(table, names.zip(types.iter().copied()).collect())
            } else {
                folder.table(table, names.collect())
            }
        };
    let several = points.scenarios() > 1;
    // Scenarios have a column where there are several of them.
    let leading = |first: &[Column]| -> Vec<NamedColumn> {
        [SCENARIO].iter().filter(|_| several).chain(first).map(NamedColumn::from).collect()
    };
    let prefix = |first: &[Column]| leading(first).into_iter().chain(factor_columns(points));
    let of_runs: Vec<NamedColumn> = prefix(&[POINT, REPLICATE]).chain(columns::<SummaryRow>(&[])).collect();
    let of_points: Vec<NamedColumn> = prefix(&[POINT]).chain(columns::<SweepSummaryRow>(&[])).collect();
    let (measures, measure_types) = measures(points.plan.design);
    let types = |numbers: usize, factors: bool, last: &[CellType]| -> Vec<CellType> {
        let leading = [CellType::Text].into_iter().filter(|_| several);
        let factors = factor_types.iter().copied().filter(|_| factors);
        leading.chain([CellType::Whole].repeat(numbers)).chain(factors).chain(last.iter().copied()).collect()
    };
    let of_effects: Vec<NamedColumn> = leading(&[]).into_iter().chain(measures).collect();
    let mut kept = [Kept::new(&of_runs, xlsx), Kept::new(&of_points, xlsx), Kept::new(&of_effects, xlsx)];
    let runs_table = start(&mut folder, SWEEP, of_runs, &types(2, true, SummaryRow::TYPES))?;
    let points_table =
        start(&mut folder, SweepSummaryRow::TABLE, of_points, &types(1, true, SweepSummaryRow::TYPES))?;
    let effects_table = start(&mut folder, EFFECTS, of_effects, &types(0, false, measure_types))?;
    let rankings_table = several
        .then(|| start(&mut folder, RankingRow::TABLE, columns::<RankingRow>(&[]), RankingRow::TYPES))
        .transpose()?;

    let (scenarios, outcomes) = (points.scenarios(), SummaryRow::COLUMNS.len());
    let named = |scenario: usize| several.then(|| Cell::Text(points.scenario_name(scenario).into()));
    let all_means = (points.count() as usize).saturating_mul(scenarios).max(1);
    let batch = (MOST_MEANS / all_means).clamp(1, outcomes);
    let mut rankings = Rankings::new(scenarios, outcomes);
    let mut ranked = Ranked::default();
    let mut all = Vec::new();
    let mut from = 0;
    while from < outcomes {
        let batched = from..(from + batch).min(outcomes);
        // Means by scenario and outcome of each point of the design.
        let mut means: Vec<Vec<Vec<Option<f64>>>> = vec![vec![Vec::new(); batched.len()]; scenarios];
        let mut moments = vec![vec![Moments::default(); outcomes]; scenarios];
        let mut present = vec![vec![0u32; outcomes]; scenarios];
        // What the scenarios come to in one replicate.
        let mut replicate_of_all: Vec<Vec<Option<f64>>> = Vec::new();
        source.each(|run, cells| -> Result<(), TablesError> {
            let RunOfPoint { point, replicate, scenario } = points.of_run(run);
            if cells.len() != outcomes {
                let what = "a run has other outcomes than this program's".to_string();
                let path = folder.target().to_path_buf();
                return Err(MergeError::from(super::journal::JournalError::Damaged { path, what }).into());
            }
            let numbers: Vec<Option<f64>> = cells.iter().map(Cell::number).collect();
            for (((moments, present), cell), number) in
                moments[scenario].iter_mut().zip(&mut present[scenario]).zip(&cells).zip(&numbers)
            {
                moments.extend(*number);
                *present += u32::from(*cell != Cell::Empty);
            }
            replicate_of_all.push(numbers);
            let number = Cell::Whole(points.number(point) as i64);
            if from == 0 {
                let mut prefix: Vec<Cell> = named(scenario).into_iter().collect();
                prefix.extend([number.clone(), Cell::Whole(i64::from(replicate))]);
                prefix.extend(points.values(point).iter().map(cell_of));
                folder.row(runs_table, &prefix, &cells)?;
                kept[0].keep(&prefix, &cells);
            }
            if scenario + 1 < scenarios {
                return Ok(());
            }
            if from == 0 && several {
                rankings.add(&replicate_of_all);
            }
            replicate_of_all.clear();
            if replicate < points.plan.replicates {
                return Ok(());
            }
            let of_design = point >= points.before_design();
            if from == 0 {
                for scenario in 0..scenarios {
                    let mut prefix: Vec<Cell> = named(scenario).into_iter().collect();
                    prefix.push(number.clone());
                    prefix.extend(points.values(point).iter().map(cell_of));
                    let moments = moments[scenario].iter().zip(&present[scenario]);
                    for (column, (moments, present)) in SummaryRow::COLUMNS.iter().zip(moments) {
                        let row = SweepSummaryRow {
                            outcome: column.name,
                            mean: moments.mean(),
                            sd: moments.deviation(),
                            low: moments.interval().map(|(low, _)| low),
                            high: moments.interval().map(|(_, high)| high),
                            replicates: *present,
                        };
                        if report && scenario == 0 && of_design {
                            gathered.half(column.name, moments.half_width());
                        }
                        folder.row(points_table, &prefix, &row.cells())?;
                        kept[1].keep(&prefix, &row.cells());
                    }
                }
                if several {
                    rankings.end_point(of_design);
                }
            }
            for (means, moments) in means.iter_mut().zip(&mut moments) {
                if of_design {
                    for (means, moments) in means.iter_mut().zip(&moments[batched.clone()]) {
                        means.push(moments.mean());
                    }
                }
                moments.fill(Moments::default());
            }
            present.iter_mut().for_each(|present| present.fill(0));
            Ok(())
        })?;
        for (place, index) in batched.clone().zip(0..) {
            for (scenario, means) in means.iter().map(|means| &means[index]).enumerate() {
                // An outcome that no run has, such as a month, has no effects.
                if means.iter().all(Option::is_none) {
                    continue;
                }
                if report && scenario == 0 {
                    gathered.means(SummaryRow::COLUMNS[place].name, means);
                }
                let (rows, effects) =
                    effects_of(points, &mut ranked, scenario, SummaryRow::COLUMNS[place].name, means);
                let prefix: Vec<Cell> = named(scenario).into_iter().collect();
                for row in rows {
                    folder.row(effects_table, &prefix, &row)?;
                    kept[2].keep(&prefix, &row);
                }
                all.extend(effects);
            }
        }
        from = batched.end;
    }
    let rankings = rankings.rows(points);
    if let Some(table) = rankings_table {
        for row in &rankings {
            folder.row(table, &[], &row.cells())?;
        }
    }
    described.extend(dictionary(ColumnRow::TABLE, &columns::<ColumnRow>(&[])));
    let names = columns::<ColumnRow>(&[]).into_iter().map(|column| column.name).collect();
    let columns_table = folder.table(ColumnRow::TABLE, names)?;
    for row in &described {
        folder.row(columns_table, &[], &row.cells())?;
    }
    if xlsx {
        let book = |file: &Path| workbook(points, identity, &kept, &rankings, &described, file);
        let write = |file: &Path| book(file).map_err(|error| io::Error::other(error.source));
        timed(Work::Readers, || folder.file(WORKBOOK, write))?;
    }
    if report {
        let swept = gathered.report(points, identity, &all, &rankings);
        timed(Work::Readers, || folder.file(REPORT, |file| std::fs::write(file, sweep_report(&swept))))?;
    }
    let text = manifest(points, identity, form, folder.complete_tables()?);
    let written = folder.finish(&sweep_files(), &text)?;
    Ok(Finished { written, effects: all, rankings })
}

/// The rows of a table that go into a workbook, as long as a sheet can hold them.
struct Kept {
    columns: Vec<NamedColumn>,
    rows: Option<Vec<Vec<Cell>>>,
}

impl Kept {
    fn new(columns: &[NamedColumn], wanted: bool) -> Kept {
        Kept { columns: columns.to_vec(), rows: wanted.then(Vec::new) }
    }

    fn keep(&mut self, prefix: &[Cell], cells: &[Cell]) {
        let Some(rows) = &mut self.rows else { return };
        if fits(rows.len() + 1, self.columns.len()) {
            rows.push(prefix.iter().chain(cells).cloned().collect());
        } else {
            self.rows = None;
        }
    }

    fn table(&self) -> BookTable<'_> {
        BookTable { columns: &self.columns, rows: self.rows.as_deref() }
    }
}

/// The workbook of the runs, points and effects that were kept.
fn workbook(
    points: &Points,
    identity: &str,
    kept: &[Kept; 3],
    rankings: &[RankingRow],
    described: &[ColumnRow],
    file: &Path,
) -> Result<(), WorkbookError> {
    let plan = &points.plan;
    let title = if plan.title.is_empty() { &plan.name } else { &plan.title };
    let scenarios: Vec<&str> = (0..points.scenarios()).map(|index| points.scenario_name(index)).collect();
    let about = [
        ("Sweep", plan.name.clone()),
        (if points.scenarios() > 1 { "Scenarios" } else { "Scenario that is varied" }, scenarios.join(", ")),
        ("Design", format!("{}, {} points", plan.design.word(), points.count())),
        ("Replicates of each point", plan.replicates.to_string()),
        ("Runs", points.runs().to_string()),
        ("Seed", plan.seed.clone()),
        ("Version", plan.version.clone()),
    ];
    let about = about.map(|(label, text)| (label.to_string(), text));
    let factors: Vec<NamedColumn> = factor_columns(points).collect();
    let ranking_cells: Vec<Vec<Cell>> = rankings.iter().map(Row::cells).collect();
    let outcomes: Vec<NamedColumn> = columns::<SummaryRow>(&[]);
    let heat_maps = heat_maps(points, &factors, &outcomes, kept[1].rows.as_deref());
    sweep_workbook(
        &SweepBook {
            title,
            about: &about,
            run_id: &identity[..identity.len().min(12)],
            factors: &factors,
            summary: kept[1].table(),
            runs: kept[0].table(),
            effects: kept[2].table(),
            rankings: BookTable { columns: &columns::<RankingRow>(&[]), rows: Some(&ranking_cells) },
            dictionary: described,
            heat_maps: &heat_maps,
        },
        file,
    )
}

/// Heat maps of a grid of two factors, from the rows of `sweep_summary`; none of other designs.
fn heat_maps<'a>(
    points: &Points,
    factors: &'a [NamedColumn],
    outcomes: &'a [NamedColumn],
    summary: Option<&[Vec<Cell>]>,
) -> Vec<HeatMap<'a>> {
    let (Design::Grid, [down, across], Some(summary)) = (points.plan.design, factors, summary) else {
        return Vec::new();
    };
    let values = |factor: usize| -> Vec<Cell> {
        let mut values: Vec<Cell> = Vec::new();
        for point in points.before_design()..points.count() {
            let value = cell_of(&points.values(point)[factor]);
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values
    };
    let (rows, columns) = (values(0), values(1));
    // A row of the table is: scenario if there are several, point, both factors, outcome, mean.
    let leading = usize::from(points.scenarios() > 1);
    let map = |outcome: &'a NamedColumn, scenario: usize| {
        let name = Cell::Text(points.scenario_name(scenario).into());
        let of_map = |row: &&Vec<Cell>| {
            row[leading + 3] == Cell::Text(outcome.name.clone())
                && (leading == 0 || (row[0] == name && row[1] != Cell::Whole(0)))
        };
        let all: Vec<Option<f64>> =
            summary.iter().filter(of_map).map(|row| row[leading + 4].number()).collect();
        let means = all.chunks(columns.len()).map(<[Option<f64>]>::to_vec).collect();
        let (rows, columns) = (rows.clone(), columns.clone());
        let scenario = (leading > 0).then(|| points.scenario_name(scenario).to_string());
        let map = HeatMap { scenario, outcome, down, across, rows, columns, means };
        all.iter().any(Option::is_some).then_some(map)
    };
    let mapped = outcomes.iter().filter(|outcome| shows(&outcome.name));
    mapped
        .flat_map(|outcome| (0..points.scenarios()).filter_map(move |scenario| map(outcome, scenario)))
        .collect()
}

pub(super) fn cell_of(value: &Value) -> Cell {
    match value {
        Value::Number(number) => Cell::Number(*number),
        Value::Whole(number) => Cell::Whole(*number),
        Value::Flag(flag) => Cell::Flag(*flag),
        Value::Text(text) | Value::Other(text) => Cell::Text(text.clone()),
        Value::List(items) => {
            let words = items.iter().map(|item| match item {
                Value::Text(text) => text.clone(),
                other => other.to_string(),
            });
            Cell::Text(words.collect::<Vec<_>>().join(" "))
        }
    }
}

/// What was swept and what was written.
fn manifest(points: &Points, identity: &str, form: Form, written: &[Written]) -> String {
    let mut table = toml::Table::new();
    let mut plan = toml::Table::try_from(&points.plan).expect("a plan has nothing that TOML can't write");
    for (key, value) in [
        ("program", toml::Value::from("mandate")),
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("command", "sweep".into()),
        ("identity", identity.into()),
        ("csv_dialect", form.dialect.name().into()),
        ("table_format", form.format().into()),
        ("points", (points.count() as i64).into()),
        ("runs", (points.runs() as i64).into()),
    ] {
        table.insert(key.into(), value);
    }
    // What the file asks for is the number of points but for these two designs.
    if let Some(asked) = plan.remove("points") {
        match points.plan.design {
            Design::Morris => table.insert("trajectories".into(), asked),
            Design::Saltelli => table.insert("base_samples".into(), asked),
            _ => None,
        };
    }
    if points.plan.design != Design::Morris {
        plan.remove("levels");
    }
    if points.plan.design != Design::Points {
        plan.remove("listed");
    }
    let whole = |value: &toml::Value| match value.as_str().and_then(|text| text.parse::<i64>().ok()) {
        Some(number) => toml::Value::Integer(number),
        None => value.clone(),
    };
    if let Some(seed) = plan.get_mut("seed") {
        *seed = whole(seed);
    }
    if let Some(toml::Value::Array(seeds)) = plan.get_mut("replicate_seeds") {
        seeds.iter_mut().for_each(|seed| *seed = whole(seed));
    }
    let (tables, plain): (Vec<_>, Vec<_>) =
        plan.into_iter().partition(|(key, _)| ["factor", "base", "beside"].contains(&key.as_str()));
    table.extend(plain);
    let files = written.iter().map(|written| {
        let mut file = toml::Table::new();
        file.insert("file".into(), written.file.clone().into());
        file.extend(written.rows.map(|rows| ("rows".to_string(), toml::Value::Integer(rows as i64))));
        file.insert("sha256".into(), written.sha256.clone().into());
        toml::Value::Table(file)
    });
    table.insert("table".into(), files.collect::<Vec<_>>().into());
    table.extend(tables);
    toml::to_string(&table).expect("a manifest has nothing that TOML can't write")
}

/// The identity of the sweep whose finished results are in a folder; `None` if there are none.
pub fn finished(folder: &std::path::Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join(MANIFEST)).ok()?;
    let table: toml::Table = text.parse().ok()?;
    Some(table.get("identity").and_then(toml::Value::as_str).unwrap_or("").to_string())
}
