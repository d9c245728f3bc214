//! Rosters: the platforms, classes of banks, agencies and stakes that a scenario starts with, and
//! the lists of published figures and of replicates' seeds.

use super::grid::{Grid, GridRow, Named, typed};
use super::parameters::{AgencyRow, BankClassRow, Entry, Parameter, PlatformRow, STAKE, Section, Stake};
use super::problem::{Collector, Origin, Problem, check_text};
use super::value::{Kind, Value, nearest_hint};
use super::{Statistic, Target};
use crate::agents::banks::MOST_BANKS;
use crate::information::MOST_PLATFORMS;
use crate::tables;
use std::collections::{HashMap, HashSet};

/// Most agencies in a roster.
pub const MOST_AGENCIES: usize = 64;

/// Parameters of platforms that a scenario sets and a roster does not.
const NOT_COLUMNS: [&str; 4] = ["commission", "cost_base", "direct_sale", "deliver_to"];

/// The parameters of a roster's section that are columns of its file.
pub fn columns<R: Section>() -> impl Iterator<Item = &'static Parameter> {
    let in_file = |p: &&Parameter| p.section != "platforms" || !NOT_COLUMNS.contains(&p.name);
    R::parameters().iter().filter(in_file)
}

/// Rows of a roster.
pub struct Rows<R> {
    /// The rows, in the order of the file.
    pub entries: Vec<Entry<R>>,
    /// Where each is written.
    pub origins: Vec<Origin>,
    /// Where the header is written.
    pub header: Origin,
    /// Whether every id of the file is among the rows.
    pub complete: bool,
    /// Whether every cell was as it should be.
    pub sound: bool,
}

impl<R> Rows<R> {
    /// Ids, in the order of the file.
    pub fn ids(&self) -> Vec<String> {
        self.entries.iter().map(|entry| entry.id.clone()).collect()
    }
}

/// Reads the roster of platforms.
pub fn platforms(named: &Named, problems: &mut Collector) -> Option<Rows<PlatformRow>> {
    rows(named, "id", &[], 1..=MOST_PLATFORMS, problems)
}

/// Reads the roster of bank classes.
pub fn banks(named: &Named, problems: &mut Collector) -> Option<Rows<BankClassRow>> {
    rows(named, "class", &[], 1..=MOST_BANKS, problems)
}

/// Reads the roster of agencies.
pub fn agencies(named: &Named, problems: &mut Collector) -> Option<Rows<AgencyRow>> {
    // Words that stand beside agencies' ids among the options of `data_source`, and in paths.
    rows(named, "id", &["none", "direct", "both", "stakes"], 0..=MOST_AGENCIES, problems)
}

fn rows<R: Section + Default>(
    named: &Named,
    id_column: &'static str,
    reserved: &[&str],
    allowed: std::ops::RangeInclusive<usize>,
    problems: &mut Collector,
) -> Option<Rows<R>> {
    let mut names = vec![id_column];
    names.extend(columns::<R>().map(|parameter| parameter.name));
    names.push("source");
    let grid = Grid::read(named, &names, problems)?;
    let reserved: Vec<&str> =
        reserved.iter().copied().chain(R::parameters().iter().map(|parameter| parameter.name)).collect();
    let section = R::parameters()[0].section;
    if grid.rows.len() > *allowed.end() || (grid.complete && grid.rows.len() < *allowed.start()) {
        problems.push(wrong_number(&grid, section, &allowed));
        return None;
    }
    let mut lines = HashMap::new();
    let mut rows = Rows {
        entries: Vec::new(),
        origins: Vec::new(),
        header: grid.header(),
        complete: grid.complete,
        sound: grid.complete,
    };
    for row in &grid.rows {
        match new_id(&grid, row, id_column, &reserved, &mut lines) {
            Ok(id) => {
                let key = format!("{section}.{id}.");
                rows.sound &= cells_of(&grid, row, &key, problems, |parameters| {
                    rows.entries.push(Entry { id, row: parameters });
                });
                rows.origins.push(row.origin.clone());
            }
            Err(problem) => {
                rows.complete = false;
                rows.sound = false;
                problems.push(problem);
                cells_of::<R>(&grid, row, "", problems, |_| ());
            }
        }
    }
    Some(rows)
}

fn wrong_number(grid: &Grid, section: &str, allowed: &std::ops::RangeInclusive<usize>) -> Problem {
    grid.header().problem(section, format!("the roster has {} rows", grid.rows.len())).allowed(format!(
        "{} to {} rows",
        allowed.start(),
        allowed.end()
    ))
}

/// Hands over the parameters of a row, with defaults for faulty cells; whether all were sound.
fn cells_of<R: Section + Default>(
    grid: &Grid,
    row: &GridRow,
    key: &str,
    problems: &mut Collector,
    keep: impl FnOnce(R),
) -> bool {
    let mut parameters = R::default();
    let mut sound = true;
    let mut tell = |problem: Problem| {
        sound = false;
        problems.push(problem);
    };
    for parameter in columns::<R>() {
        match grid.value(row, parameter, key) {
            Ok(Some(value)) => parameters.set(parameter.name, &value),
            Ok(None) => {}
            Err(problem) => tell(problem),
        }
    }
    if let Err(problem) = grid.text(row, "source", key) {
        tell(problem.hint("say where the row's numbers come from, or that they are assumed"));
    }
    keep(parameters);
    sound
}

/// The row's id, and notes its line in `lines`.
fn new_id(
    grid: &Grid,
    row: &GridRow,
    column: &str,
    reserved: &[&str],
    lines: &mut HashMap<String, usize>,
) -> Result<String, Problem> {
    let id = grid.cell(row, column);
    check_id(&row.origin, column, id)?;
    if reserved.contains(&id) {
        let what = "the word has another meaning and can't be an id";
        return Err(row.origin.problem(column, what).given(id));
    }
    if let Some(line) = lines.get(id) {
        let what = format!("the id stands twice: first in line {line}");
        return Err(row.origin.problem(column, what).given(id).allowed("each id once"));
    }
    lines.insert(id.to_string(), row.origin.line.unwrap_or(0));
    Ok(id.to_string())
}

/// Ids name columns and files, and spreadsheets must not take them for formulas.
fn check_id(origin: &Origin, column: &str, id: &str) -> Result<(), Problem> {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let allowed = id.starts_with(letter) && id.chars().all(|c| letter(c) || c == '_' || c == '-');
    if allowed && id.len() <= 64 {
        return Ok(());
    }
    let what = if id.is_empty() { "empty cell" } else { "not an id" };
    Err(origin
        .problem(column, what)
        .given(id)
        .allowed("up to 64 lower-case letters a-z, digits, _ and -, starting with a letter or digit"))
}

/// A row of the roster of stakes.
pub struct StakeRow {
    /// The agency's id.
    pub agency: String,
    /// The holding.
    pub held: Stake,
    /// Where it is written.
    pub origin: Origin,
}

/// Reads the roster of stakes. Ids that are not known (`None`) are not checked.
pub fn stakes(
    named: &Named,
    platforms: Option<&[String]>,
    agencies: Option<&[String]>,
    problems: &mut Collector,
) -> Option<Vec<StakeRow>> {
    let grid = Grid::read(named, &["agency", "holder", "stake", "source"], problems)?;
    let mut rows: Vec<StakeRow> = Vec::new();
    let mut seen = HashSet::new();
    for row in &grid.rows {
        if problems.is_full() {
            break;
        }
        let (agency, holder) = (grid.cell(row, "agency"), grid.cell(row, "holder"));
        let key = format!("agencies.{agency}.stakes.{holder}");
        let mut found = Vec::new();
        found.extend(known_agency(&row.origin, "agency", agency, agencies).err());
        found.extend(check_holder(&row.origin, "holder", holder, platforms).err());
        found.extend(grid.text(row, "source", "").err());
        if !seen.insert((agency, holder)) {
            found.push(row.origin.problem(&key, "the stake stands twice").allowed("each holder once"));
        }
        match typed(&row.origin, &key, &STAKE, "share", grid.cell(row, "stake")) {
            Ok(value) if found.is_empty() => rows.push(StakeRow {
                agency: agency.into(),
                held: Stake { holder: holder.into(), stake: super::value::FromValue::from_value(&value) },
                origin: row.origin.clone(),
            }),
            Ok(_) => {}
            Err(problem) => found.push(problem),
        }
        found.into_iter().for_each(|problem| problems.push(problem));
    }
    Some(rows)
}

/// Whether an agency is known.
pub fn known_agency(origin: &Origin, key: &str, id: &str, known: Option<&[String]>) -> Result<(), Problem> {
    known_id(origin, key, id, known, "agency")
}

/// Whether an id is among the known ones; `None` stands for a roster that could not be read.
pub fn known_id(
    origin: &Origin,
    key: &str,
    id: &str,
    known: Option<&[String]>,
    what: &str,
) -> Result<(), Problem> {
    let Some(known) = known else { return Ok(()) };
    if known.iter().any(|other| other == id) {
        return Ok(());
    }
    let names = || known.iter().map(String::as_str);
    Err(origin
        .problem(key, format!("no such {what} in the roster"))
        .given(Value::Text(id.into()))
        .allowed(super::problem::listed(names()))
        .hint(nearest_hint(id, names())))
}

/// Whether a holder of a stake is a known platform or `outside:NAME`.
pub fn check_holder(
    origin: &Origin,
    key: &str,
    holder: &str,
    platforms: Option<&[String]>,
) -> Result<(), Problem> {
    match holder.strip_prefix("outside:") {
        Some(name) if name.trim().is_empty() => Err(origin
            .problem(key, "the holder has no name")
            .given(Value::Text(holder.into()))
            .allowed("a platform's id or \"outside:NAME\"")),
        Some(name) => check_text(origin, key, name, false),
        None => known_id(origin, key, holder, platforms, "platform").map_err(|mut problem| {
            problem.what = "no such holder: not a platform of the roster".into();
            problem.allowed = format!("\"outside:NAME\", or a platform: {}", problem.allowed);
            problem
        }),
    }
}

/// Reads the published figures that a run is set beside.
pub fn targets(named: &Named, problems: &mut Collector) -> Vec<Target> {
    const COLUMNS: [&str; 6] = ["target", "metric", "statistic", "month", "published", "source"];
    let Some(grid) = Grid::read(named, &COLUMNS, problems) else { return Vec::new() };
    let mut targets: Vec<Target> = Vec::new();
    for row in &grid.rows {
        match target(&grid, row) {
            Ok(target) if targets.iter().any(|before| before.target == target.target) => {
                let problem = row.origin.problem("target", "the target stands twice");
                problems.push(problem.given(target.target).allowed("each name once"));
            }
            Ok(target) => targets.push(target),
            Err(found) => found.into_iter().for_each(|problem| problems.push(problem)),
        }
    }
    targets
}

fn target(grid: &Grid, row: &GridRow) -> Result<Target, Vec<Problem>> {
    const WORDS: [(&str, Statistic); 3] = [
        ("level", Statistic::Level),
        ("growth_of_year", Statistic::GrowthOfYear),
        ("mean_of_year", Statistic::MeanOfYear),
    ];
    const NUMBER: Kind = Kind::Number { low: -1e18, high: 1e18 };
    let mut found = Vec::new();
    let mut keep = |result: Result<Value, Problem>| match result {
        Ok(value) => value,
        Err(problem) => {
            found.push(problem);
            Value::Whole(0)
        }
    };
    let name = keep(grid.text(row, "target", "").map(Value::Text));
    let source = keep(grid.text(row, "source", "").map(Value::Text));
    let month = keep(typed(&row.origin, "month", &Kind::Month, "month", grid.cell(row, "month")));
    let published = keep(typed(&row.origin, "published", &NUMBER, "", grid.cell(row, "published")));
    let metric = tables::metrics().map(|column| column.name).find(|name| *name == grid.cell(row, "metric"));
    if metric.is_none() {
        found.push(no_such_metric(grid, row));
    }
    let word = grid.cell(row, "statistic");
    let statistic = WORDS.iter().find(|(name, _)| *name == word).map(|(_, statistic)| *statistic);
    if statistic.is_none() {
        let words = || WORDS.iter().map(|(name, _)| *name);
        let problem = row.origin.problem("statistic", "not one of the choices").given(word);
        found.push(problem.allowed(listed_choices(words())).hint(nearest_hint(word, words())));
    }
    match (name, source, month, published, metric, statistic) {
        (
            Value::Text(target),
            Value::Text(source),
            Value::Text(month),
            published,
            Some(metric),
            Some(statistic),
        ) if found.is_empty() => Ok(Target {
            target,
            metric,
            statistic,
            month: month.parse().expect("checked to be a month"),
            published: super::value::FromValue::from_value(&published),
            source,
        }),
        _ => Err(found),
    }
}

fn listed_choices<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(" or ")
}

fn no_such_metric(grid: &Grid, row: &GridRow) -> Problem {
    let metric = grid.cell(row, "metric");
    row.origin
        .problem("metric", "no such column of months.csv")
        .given(metric)
        .allowed("a column of months.csv that is a number")
        .hint(nearest_hint(metric, tables::metrics().map(|column| column.name)))
}

/// Reads the seeds of replicates.
pub fn replicate_seeds(named: &Named, problems: &mut Collector) -> Vec<u64> {
    let Some(grid) = Grid::read(named, &["replicate", "seed"], problems) else { return Vec::new() };
    let mut seeds: Vec<u64> = Vec::new();
    let mut seen = HashSet::new();
    for (i, row) in grid.rows.iter().enumerate() {
        let replicate = grid.cell(row, "replicate");
        if grid.complete && replicate.parse() != Ok(i + 1) {
            let problem = row.origin.problem("replicate", "replicates must be numbered in order");
            problems.push(problem.given(replicate).allowed(format!("{} in this row", i + 1)));
        }
        let cell = grid.cell(row, "seed");
        match cell.parse::<u64>() {
            Ok(seed) if !seen.insert(seed) => {
                problems.push(row.origin.problem("seed", "the seed stands twice").given(cell));
            }
            Ok(seed) => seeds.push(seed),
            Err(_) => problems.push(
                row.origin
                    .problem("seed", "not a seed")
                    .given(cell)
                    .allowed("a whole number from 0 to 2^64 - 1"),
            ),
        }
    }
    seeds
}
