//! The command `run`.

use super::interrupt::Interrupt;
use super::{Failure, Screen, number, replicates, threads};
use crate::output::csv::{Dialect, Written};
use crate::output::folder::{Folder, OutputError};
use crate::output::manifest::{Inputs, ScenarioInputs, manifest};
use crate::output::runs::RunTables;
use crate::output::terminal::{Digest, Frame};
use crate::output::{Selection, result_files};
use crate::run::{Plan, RunError, run as run_plan};
use crate::scenario::Scenario;
use crate::scenario::load;
use crate::scenario::problem::Problems;
use crate::summary::SummaryRow;
use crate::tables::{DecisionRow, Reporting, Row};
use clap::{Args, ValueEnum};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

#[derive(Args)]
pub struct RunArgs {
    /// Scenario files
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,
    /// Folder for the results [default: results/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replicates of each scenario
    #[arg(long, value_name = "N", default_value = "20", value_parser = replicates)]
    replicates: u32,
    /// Seed of all random numbers
    #[arg(long, value_name = "N", default_value = "1", value_parser = number)]
    seed: u64,
    /// Number of simulated users, instead of users.sample
    #[arg(long, value_name = "N", value_parser = number)]
    sample: Option<u64>,
    /// Set a parameter as if the scenario files did, such as fees.agency_query=6; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Threads; results do not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads)]
    threads: Option<usize>,
    /// Tables to write, such as months,summary [default: all but decisions]
    #[arg(long, value_name = "LIST")]
    tables: Option<String>,
    /// Also write decisions.csv: every term of every option that agents weigh
    #[arg(long)]
    decisions: bool,
    /// Report each bank in banks.csv, not each class
    #[arg(long)]
    per_bank: bool,
    /// How CSV files are written
    #[arg(long, value_enum, value_name = "DIALECT", default_value_t = DialectName::Standard)]
    csv_dialect: DialectName,
    /// Replace the results in the folder
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum DialectName {
    /// Commas and decimal points
    Standard,
    /// The same for Excel
    Excel,
    /// Semicolons and decimal commas for Excel in continental Europe
    ExcelEu,
}

impl From<DialectName> for Dialect {
    fn from(name: DialectName) -> Dialect {
        match name {
            DialectName::Standard => Dialect::Standard,
            DialectName::Excel => Dialect::Excel,
            DialectName::ExcelEu => Dialect::ExcelEu,
        }
    }
}

/// Runs scenario files, writes their tables and closes with a summary.
pub fn run(args: &RunArgs, screen: &Screen) -> Result<(), Failure> {
    let (scenarios, selection) = inputs(args, screen)?;
    let target = target(args, &scenarios);
    let dialect = Dialect::from(args.csv_dialect);
    let results = result_files();
    let folder = Folder::open(&target, &results, args.force, dialect).map_err(output_failure)?;
    let interrupt = Interrupt::install()?;
    interrupt.takes_away(folder.temporary());

    let differences = Scenario::differing(&scenarios.iter().collect::<Vec<_>>());
    let mut tables =
        RunTables::start(folder, &scenarios, &differences, &selection).map_err(output_failure)?;
    let mut digest = Digest::new(&scenarios);
    let plan = plan(args, &scenarios, &selection, screen.quiet);
    let bar = screen.progress(plan.runs());
    let mut done = 0;
    let progress = |runs: usize| {
        done = runs;
        bar.set_position(runs as u64);
    };
    let ran = run_plan(plan, &interrupt.stop, progress, |id, rows| {
        let summary = SummaryRow::of(&scenarios[id.scenario], &rows);
        digest.run(id.scenario, &rows, &summary);
        tables.run(id.scenario, id.replicate, &rows, &summary)
    });
    bar.finish_and_clear();
    ran.map_err(|error| run_failure(error, done, plan.runs()))?;

    let inputs = manifest_inputs(args, &plan, &selection, dialect);
    let written = tables.finish(&results, |written| manifest(&inputs, written)).map_err(output_failure)?;
    let closing = closing(&target, &written, &selection);
    screen.say(&digest.render(&Frame { seed: args.seed, closing, color: screen.color_output }))
}

/// The scenarios and the tables to write, or all that is wrong with either.
fn inputs(args: &RunArgs, screen: &Screen) -> Result<(Vec<Scenario>, Selection), Failure> {
    let mut problems = same_names(&args.scenarios);
    let selection = match args.tables.as_deref().map(Selection::parse).unwrap_or(Ok(Selection::default())) {
        Ok(selection) if args.decisions => selection.with_decisions(),
        Ok(selection) => selection,
        Err(unknown) => {
            problems.push_str(&format!("error: --tables: {unknown}\n"));
            Selection::default()
        }
    };
    let mut scenarios = Vec::new();
    let mut faults = Problems::default();
    for file in &args.scenarios {
        match load(file, &args.set, args.sample) {
            Ok(scenario) => {
                screen.warnings(&scenario);
                scenarios.push(scenario);
            }
            Err(others) => faults.extend(others),
        }
    }
    if !faults.0.is_empty() {
        problems.push_str(&screen.problems(&faults).to_string());
    }
    if problems.is_empty() { Ok((scenarios, selection)) } else { Err(Failure::Problems(problems)) }
}

/// Scenarios are named by their files' stems, so that these must differ.
fn same_names(files: &[PathBuf]) -> String {
    let mut seen: BTreeMap<String, &Path> = BTreeMap::new();
    let mut problems = String::new();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(other) = seen.insert(name.clone(), file) {
            let (other, file) = (other.display(), file.display());
            problems.push_str(&format!(
                "error: {other} and {file} are both named {name}; scenarios that run together need different names\n"
            ));
        }
    }
    problems
}

/// The longest name of a folder of results that lists all its scenarios.
const LONGEST_NAME: usize = 100;

fn target(args: &RunArgs, scenarios: &[Scenario]) -> PathBuf {
    if let Some(out) = &args.out {
        return out.clone();
    }
    let names: Vec<&str> = scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    let mut name = names.join("+");
    if name.len() > LONGEST_NAME {
        name = format!("{}+{}-more", names[0], names.len() - 1);
    }
    Path::new("results").join(name)
}

fn plan<'a>(args: &RunArgs, scenarios: &'a [Scenario], selection: &Selection, quiet: bool) -> Plan<'a> {
    let decisions = selection.contains(DecisionRow::TABLE);
    // The closing summary names platforms.
    let months_only = quiet && !selection.is_detailed() && !decisions;
    Plan {
        scenarios,
        replicates: args.replicates,
        seed: args.seed,
        threads: args.threads.unwrap_or_else(|| available_parallelism().map_or(1, usize::from)),
        reporting: Reporting { decisions, per_bank: args.per_bank, months_only },
    }
}

fn manifest_inputs(
    args: &RunArgs,
    plan: &Plan<'_>,
    selection: &Selection,
    dialect: Dialect,
) -> Inputs<'static> {
    let scenario = |scenario: &Scenario| ScenarioInputs {
        name: scenario.name.clone(),
        title: scenario.title.clone(),
        sample: scenario.parameters.users.sample,
        replicate_seeds: plan.replicate_seeds(scenario),
        resolved: scenario.resolved_table(),
    };
    Inputs {
        command: "run",
        seed: args.seed,
        replicates: args.replicates,
        tables: selection.tables().collect(),
        csv_dialect: dialect.name(),
        per_bank: args.per_bank,
        scenarios: plan.scenarios.iter().map(scenario).collect(),
    }
}

/// Rows of a spreadsheet, header included.
const SPREADSHEET_ROWS: u64 = 1_048_576;

/// Where the files are, and which of them no spreadsheet takes whole.
fn closing(target: &Path, written: &[Written], selection: &Selection) -> Vec<String> {
    let mut lines = vec![
        format!("Files: {} ({} tables and their manifest)", target.display(), written.len()),
        "columns.csv among them says what each column means.".into(),
    ];
    for Written { file, rows, .. } in written.iter().filter(|written| written.rows >= SPREADSHEET_ROWS) {
        let table = file.trim_end_matches(".csv");
        let others: Vec<&str> = selection.tables().filter(|other| *other != table).collect();
        let fewer = if table == "banks" { "leave out --per-bank, " } else { "" };
        lines.push(format!(
            "Note: {file} has {rows} rows, a spreadsheet takes {SPREADSHEET_ROWS} with the header: {fewer}give \
             fewer --replicates, or leave it out with --tables {}",
            others.join(",")
        ));
    }
    lines
}

pub(super) fn output_failure(error: OutputError) -> Failure {
    if error.is_input() { Failure::Input(error.to_string()) } else { Failure::Run(error.to_string()) }
}

fn run_failure(error: RunError<OutputError>, done: usize, runs: usize) -> Failure {
    match error {
        RunError::Interrupted => Failure::Interrupted(format!(
            "interrupted after {done} of {runs} replicates; nothing was written"
        )),
        RunError::Sink(error) => output_failure(error),
        RunError::Failed { .. } | RunError::Threads(_) => Failure::Run(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_of_one_name_are_all_said() {
        let files = ["a.toml", "x/b.toml", "y/a.toml", "b.toml"].map(PathBuf::from);
        let problems = same_names(&files);
        assert_eq!(problems.lines().count(), 2, "{problems}");
        assert!(problems.starts_with("error: a.toml and y/a.toml are both named a; "), "{problems}");
        assert!(same_names(&files[..2]).is_empty());
    }

    #[test]
    fn a_table_beyond_a_spreadsheet_is_said() {
        let written = |file: &str, rows| Written { file: file.into(), rows, sha256: String::new() };
        let written = [written("months.csv", SPREADSHEET_ROWS - 1), written("banks.csv", SPREADSHEET_ROWS)];
        let selection = Selection::parse("months,banks").unwrap();
        let lines = closing(Path::new("results/a"), &written, &selection);
        assert_eq!(lines.len(), 3);
        assert!(lines[2].contains("--per-bank") && lines[2].ends_with("--tables months"), "{}", lines[2]);
    }
}
