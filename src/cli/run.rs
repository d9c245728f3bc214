//! The command `run`.

use super::interrupt::Interrupt;
use super::{Failure, Screen, number, replicates, threads};
use crate::output::csv::{Dialect, Written};
use crate::output::differences;
use crate::output::folder::{Folder, OutputError};
use crate::output::manifest::{Inputs, ScenarioInputs, manifest};
use crate::output::report::report;
use crate::output::runs::RunTables;
use crate::output::space;
use crate::output::terminal::{Digest, Frame};
use crate::output::xlsx::workbook;
use crate::output::{REPORT, Selection, WORKBOOK, result_files};
use crate::results::{Gatherer, Results};
use crate::run::{DEFAULT_REPLICATES, DEFAULT_SEED, Plan, Progress, RunError, run as run_plan};
use crate::scenario::load;
use crate::scenario::problem::Problems;
use crate::scenario::{Difference, Scenario};
use crate::summary::SummaryRow;
use crate::sweep::file::is_sweep;
use crate::tables::{DecisionRow, Reporting, Row};
use crate::timings::{Work, timed};
use clap::{Args, ValueEnum};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

#[derive(Args)]
pub struct RunArgs {
    /// Scenario files
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,
    #[command(flatten)]
    options: RunOptions,
}

/// What `run` and `compare` take beside scenarios.
#[derive(Args)]
pub struct RunOptions {
    /// Folder for the results [default: results/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replicates of each scenario
    #[arg(long, value_name = "N", default_value_t = DEFAULT_REPLICATES, value_parser = replicates)]
    replicates: u32,
    /// Seed of all random numbers
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SEED, value_parser = number)]
    seed: u64,
    /// Number of simulated users, instead of users.sample
    #[arg(long, value_name = "N", value_parser = number)]
    pub sample: Option<u64>,
    /// Set a parameter as if the scenario files did, such as fees.agency_query=6; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
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
    /// Also write workbook.xlsx: the results as one workbook, with charts
    #[arg(long)]
    xlsx: bool,
    /// Also write report.html: the results as one page to read, print or send
    #[arg(long)]
    report: bool,
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
    let mut wrong = Wrong::default();
    let files = wrong.scenario_files(&args.scenarios, screen);
    let scenarios = wrong.load_all(&files, &args.options, screen);
    let selection = wrong.selection(Selection::of_runs(), &args.options);
    wrong.none(screen)?;
    let names: Vec<&str> = scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    let folder = folder_of(&names);
    let files = files.iter().map(|file| quoted(&file.display().to_string()));
    let reproduce = format!("mandate run {} {}", files.collect::<Vec<_>>().join(" "), args.options.typed());
    let options = &args.options;
    execute(&Job { command: "run", scenarios: &scenarios, selection, folder, reproduce, options }, screen)
}

/// Scenarios about to be run.
pub struct Job<'a> {
    /// Subcommand: `run`, or `compare`, whose first scenario is the baseline.
    pub command: &'static str,
    /// The scenarios.
    pub scenarios: &'a [Scenario],
    /// The tables to write.
    pub selection: Selection,
    /// Name of the folder within `results/`, unless the options name one.
    pub folder: String,
    /// The command that gives the same results, as one types it.
    pub reproduce: String,
    /// Options.
    pub options: &'a RunOptions,
}

impl RunOptions {
    /// Those of the options that results follow from, as one types them.
    pub fn typed(&self) -> String {
        let mut words = vec![format!("--replicates {} --seed {}", self.replicates, self.seed)];
        words.extend(self.sample.map(|sample| format!("--sample {sample}")));
        words.extend(self.set.iter().map(|set| format!("--set {}", quoted(set))));
        words.join(" ")
    }
}

/// A word as a shell takes it whole.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=,:+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Runs the scenarios of a job, writes their tables and closes with a summary.
pub fn execute(job: &Job<'_>, screen: &Screen) -> Result<(), Failure> {
    let Job { scenarios, selection, options, .. } = job;
    let comparing = job.command == "compare";
    let gathering = comparing || options.xlsx || options.report;
    let target = options.out.clone().unwrap_or_else(|| Path::new("results").join(&job.folder));
    let dialect = Dialect::from(options.csv_dialect);
    let results = result_files();
    let interrupt = Interrupt::install()?;
    let folder = Folder::open(&target, &results, options.force, dialect).map_err(output_failure)?;
    interrupt.takes_away(folder.temporary());
    let needed = space::of_runs(scenarios, options.replicates, selection, options.per_bank);
    screen.room(&target, needed).map_err(output_failure)?;

    let differences = Scenario::differing(&scenarios.iter().collect::<Vec<_>>());
    let mut tables = RunTables::start(folder, scenarios, &differences, selection).map_err(output_failure)?;
    let mut digest = Digest::new(scenarios);
    let mut gathered = Gatherer::new(scenarios.len());
    let plan = plan(job, screen.quiet);
    let bar = screen.progress_of_months(plan.months());
    let mut done = 0;
    let progress = |progress: Progress| {
        done = progress.runs;
        if plan.runs() > 1 {
            bar.set_message(format!("{done} of {} replicates, ", plan.runs()));
        }
        bar.set_position(progress.months);
    };
    let ran = run_plan(plan, &interrupt.stop, progress, |id, rows| {
        let summary = timed(Work::Summary, || {
            let summary = SummaryRow::of(&scenarios[id.scenario], &rows);
            digest.run(id.scenario, &rows, &summary);
            if gathering {
                gathered.run(id.scenario, &rows, &summary);
            }
            summary
        });
        timed(Work::Tables, || tables.run(id.scenario, id.replicate, &rows, &summary))
    });
    bar.finish_and_clear();
    ran.map_err(|error| run_failure(error, done, plan.runs()))?;

    if comparing {
        tables.compared(&gathered, selection).map_err(output_failure)?;
    }
    let inputs = manifest_inputs(job, &plan, dialect);
    if options.xlsx || options.report {
        let results = results_of(job, &inputs.run_id(), &differences, &gathered);
        timed(Work::Readers, || write_for_readers(&results, options, &mut tables)).map_err(output_failure)?;
    }
    let written = timed(Work::Tables, || tables.finish(&results, |written| manifest(&inputs, written)))
        .map_err(output_failure)?;
    let closing = closing(&target, &written, selection);
    let frame = Frame { seed: options.seed, closing, color: screen.color_output };
    screen.say(&if comparing {
        let names: Vec<&str> = scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
        differences::render(&names, &gathered.comparison(), &gathered.winners(), &frame)
    } else {
        digest.render(&frame)
    })
}

fn results_of<'a>(
    job: &Job<'a>,
    run_id: &str,
    differences: &'a [Difference],
    gathered: &Gatherer,
) -> Results<'a> {
    let comparing = job.command == "compare";
    Results {
        command: job.command,
        reproduce: job.reproduce.clone(),
        run_id: run_id.into(),
        seed: job.options.seed,
        replicates: job.options.replicates,
        scenarios: job.scenarios,
        differences,
        summaries: gathered.summaries(),
        months_mean: gathered.months_mean(),
        comparison: if comparing { gathered.comparison() } else { vec![Vec::new(); job.scenarios.len()] },
        winners: if comparing { gathered.winners() } else { vec![Vec::new(); job.scenarios.len()] },
    }
}

/// The workbook and the report, as far as they are wanted.
fn write_for_readers(
    results: &Results<'_>,
    options: &RunOptions,
    tables: &mut RunTables<'_>,
) -> Result<(), OutputError> {
    if options.xlsx {
        tables
            .file(WORKBOOK, |file| workbook(results, file).map_err(|error| io::Error::other(error.source)))?;
    }
    if options.report {
        tables.file(REPORT, |file| std::fs::write(file, report(results)))?;
    }
    Ok(())
}

/// All that is wrong with the input, gathered so that it is told at once.
#[derive(Default)]
pub struct Wrong {
    /// What is wrong with options and names, a line each.
    pub text: String,
    /// What is wrong in files.
    pub problems: Problems,
}

impl Wrong {
    /// The files of scenarios among `files`, which must have different names. Sweeps, which stand in
    /// the same folders, are left out and named; that there is nothing else is noted.
    pub fn scenario_files(&mut self, files: &[PathBuf], screen: &Screen) -> Vec<PathBuf> {
        let (sweeps, files): (Vec<PathBuf>, Vec<PathBuf>) =
            files.iter().cloned().partition(|file| is_sweep(file));
        for sweep in sweeps.iter().map(|sweep| sweep.display()) {
            let what = format!("{sweep} is a sweep, which `mandate sweep` runs");
            if files.is_empty() {
                self.text.push_str(&format!("error: {what}\n"));
            } else {
                screen.note(&format!("{what}; it is left out"));
            }
        }
        self.text.push_str(&same_names(&files));
        files
    }

    /// Loads a scenario, or notes what is wrong with it.
    pub fn load(&mut self, file: &Path, sets: &[String], sample: Option<u64>) -> Option<Scenario> {
        load(file, sets, sample).map_err(|others| self.problems.extend(others)).ok()
    }

    /// Loads scenarios and says what is hardly meant in them.
    pub fn load_all(&mut self, files: &[PathBuf], options: &RunOptions, screen: &Screen) -> Vec<Scenario> {
        let loaded = files.iter().filter_map(|file| self.load(file, &options.set, options.sample));
        loaded.inspect(|scenario| screen.warnings(scenario)).collect()
    }

    /// The tables that the options choose of those that a command has.
    pub fn selection(&mut self, all: Selection, options: &RunOptions) -> Selection {
        let chosen = match &options.tables {
            Some(list) => all.clone().only(list),
            None => Ok(all.clone()),
        };
        match chosen {
            Ok(selection) if options.decisions => selection.with_decisions(),
            Ok(selection) => selection,
            Err(unknown) => {
                self.text.push_str(&format!("error: --tables: {unknown}\n"));
                all
            }
        }
    }

    /// # Errors
    /// All that is wrong, if anything is.
    pub fn none(self, screen: &Screen) -> Result<(), Failure> {
        let mut text = self.text;
        if !self.problems.0.is_empty() {
            text.push_str(&screen.problems(&self.problems).to_string());
        }
        if text.is_empty() { Ok(()) } else { Err(Failure::Problems(text)) }
    }
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

/// The name of the folder for results of scenarios of these names.
pub fn folder_of(names: &[&str]) -> String {
    let name = names.join("+");
    if name.len() > LONGEST_NAME { format!("{}+{}-more", names[0], names.len() - 1) } else { name }
}

fn plan<'a>(job: &Job<'a>, quiet: bool) -> Plan<'a> {
    let Job { scenarios, selection, options, .. } = job;
    let decisions = selection.contains(DecisionRow::TABLE);
    // The closing summary names platforms, and a comparison all parties.
    let months_only = quiet && job.command == "run" && !selection.is_detailed() && !decisions;
    Plan {
        scenarios,
        replicates: options.replicates,
        seed: options.seed,
        threads: options.threads.unwrap_or_else(|| available_parallelism().map_or(1, usize::from)),
        reporting: Reporting { decisions, per_bank: options.per_bank, months_only },
    }
}

fn manifest_inputs(job: &Job<'_>, plan: &Plan<'_>, dialect: Dialect) -> Inputs<'static> {
    let scenario = |scenario: &Scenario| ScenarioInputs {
        name: scenario.name.clone(),
        title: scenario.title.clone(),
        sample: scenario.parameters.users.sample,
        replicate_seeds: plan.replicate_seeds(scenario),
        resolved: scenario.resolved_table(),
    };
    Inputs {
        command: job.command,
        seed: job.options.seed,
        replicates: job.options.replicates,
        tables: job.selection.tables().collect(),
        csv_dialect: dialect.name(),
        per_bank: job.options.per_bank,
        scenarios: plan.scenarios.iter().map(scenario).collect(),
    }
}

/// Rows of a spreadsheet, header included.
const SPREADSHEET_ROWS: u64 = 1_048_576;

/// Where the files are, and which of them no spreadsheet takes whole.
fn closing(target: &Path, written: &[Written], selection: &Selection) -> Vec<String> {
    let tables = written.iter().filter(|written| written.rows.is_some()).count();
    let others: Vec<&str> = written
        .iter()
        .filter(|written| written.rows.is_none())
        .map(|written| written.file.as_str())
        .collect();
    let others = if others.is_empty() { String::new() } else { format!("{}, ", others.join(", ")) };
    let mut lines = vec![
        format!("Files: {} ({others}{tables} tables and their manifest)", target.display()),
        "columns.csv among them says what each column means.".into(),
    ];
    for Written { file, rows, .. } in written {
        let Some(rows) = rows.filter(|rows| *rows >= SPREADSHEET_ROWS) else { continue };
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
        let written =
            |file: &str, rows| Written { file: file.into(), rows: Some(rows), sha256: String::new() };
        let written = [written("months.csv", SPREADSHEET_ROWS - 1), written("banks.csv", SPREADSHEET_ROWS)];
        let selection = Selection::of_runs().only("months,banks").unwrap();
        let lines = closing(Path::new("results/a"), &written, &selection);
        assert_eq!(lines.len(), 3);
        assert!(lines[2].contains("--per-bank") && lines[2].ends_with("--tables months"), "{}", lines[2]);
    }
}
