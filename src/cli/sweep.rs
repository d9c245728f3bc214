//! The command `sweep`.

use super::interrupt::Interrupt;
use super::merge::merge_failure;
use super::plan::{Scheduler, plan};
use super::run::{DialectName, output_failure, quoted};
use super::wrap::{JOINED, wrapped};
use super::{Failure, Screen, number, number_from_one, replicates, threads};
use crate::output::csv::Dialect;
use crate::output::folder::Folder;
use crate::run::{Batch, Job, RunError, run_each};
use crate::summary::SummaryRow;
use crate::sweep::file::Options;
use crate::sweep::journal::{Header, JOURNAL, Journal, JournalError};
use crate::sweep::merge::{MergeError, Source, is_there, ranges, shard_file, shard_journal};
use crate::sweep::plan::{Points, RunOfPoint};
use crate::sweep::rankings::{RANKED, RankingRow, ranked};
use crate::sweep::space::{RUN_LINE, of_journals, of_tables};
use crate::sweep::tables::{Finished, Form, TablesError, finished, sweep_files, write};
use crate::sweep::{Sweep, load};
use crate::tables::{Reporting, Row};
use crate::timings::{Work, timed};
use clap::{Args, ValueEnum};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

#[derive(Args)]
pub struct SweepArgs {
    /// Sweep file
    #[arg(value_name = "SWEEP")]
    sweep: PathBuf,
    /// Folder for the results [default: results/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replicates of each point, instead of those of the file
    #[arg(long, value_name = "N", value_parser = replicates)]
    replicates: Option<u32>,
    /// Seed of all random numbers, instead of that of the file
    #[arg(long, value_name = "N", value_parser = number)]
    seed: Option<u64>,
    /// Number of simulated users, instead of users.sample
    #[arg(long, value_name = "N", value_parser = number)]
    sample: Option<u64>,
    /// Set a parameter as if the base did, such as fees.direct_query=6; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Threads; results do not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub(super) threads: Option<usize>,
    #[command(flatten)]
    form: FormArgs,
    /// Go on where an earlier sweep into the folder was interrupted
    #[arg(long)]
    resume: bool,
    /// Replace the results in the folder
    #[arg(long, conflicts_with = "resume")]
    force: bool,
    /// Run part K of N only, for `mandate merge`; several shards may share a folder
    #[arg(long, value_name = "K/N", value_parser = shard)]
    shard: Option<(u64, u64)>,
    /// List the shards that are not in the folder yet, such as 3,7-9, and run nothing
    #[arg(long, requires = "shards", conflicts_with = "shard")]
    missing: bool,
    /// Number of shards
    #[arg(long, value_name = "N", requires = "missing", value_parser = shards)]
    shards: Option<u64>,
    /// Say what the sweep in N shards takes, and run nothing but a few runs to measure it
    #[arg(long, value_name = "N", conflicts_with_all = ["shard", "missing", "resume", "force"], value_parser = shards)]
    plan: Option<u64>,
    /// Also print the script that submits the shards
    #[arg(long, value_enum, value_name = "NAME", requires = "plan")]
    scheduler: Option<Scheduler>,
}

impl SweepArgs {
    /// The sweep file.
    pub fn file(&self) -> &Path {
        &self.sweep
    }

    /// Those of the options that runs follow from, as one types them.
    pub fn typed(&self) -> Vec<String> {
        let number = |name: &str, value: Option<u64>| value.map(|value| format!("--{name} {value}"));
        [
            number("replicates", self.replicates.map(u64::from)),
            number("seed", self.seed),
            number("sample", self.sample),
        ]
        .into_iter()
        .flatten()
        .chain(self.set.iter().map(|set| format!("--set {}", quoted(set))))
        .collect()
    }
}

/// How the tables of a sweep are written.
#[derive(Args)]
pub struct FormArgs {
    /// Also write workbook.xlsx: the results as one workbook
    #[arg(long)]
    xlsx: bool,
    /// Also write report.html: the results as one page to read, print or send
    #[arg(long)]
    report: bool,
    /// As what tables are written; columns.csv is CSV all the same
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = TableFormat::Csv)]
    table_format: TableFormat,
    /// How CSV files are written
    #[arg(long, value_enum, value_name = "DIALECT", default_value_t = DialectName::Standard)]
    csv_dialect: DialectName,
}

impl FormArgs {
    pub(super) fn form(&self) -> Form {
        Form {
            dialect: Dialect::from(self.csv_dialect),
            parquet: self.table_format == TableFormat::Parquet,
            xlsx: self.xlsx,
            report: self.report,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TableFormat {
    /// For spreadsheets and everything else
    Csv,
    /// For DuckDB, polars, pandas or Spark, where tables have millions of rows
    Parquet,
}

const MOST_SHARDS: u64 = 1_000_000;

fn shards(text: &str) -> Result<u64, String> {
    number_from_one(text, MOST_SHARDS)
}

fn shard(text: &str) -> Result<(u64, u64), String> {
    let wrong = || "write K/N, such as 3/16".to_string();
    let (part, parts) = text.split_once('/').ok_or_else(wrong)?;
    let (part, parts) = (shards(part)?, shards(parts)?);
    if part <= parts { Ok((part, parts)) } else { Err(format!("there are {parts} shards only")) }
}

/// Runs a design over parameters, or a part of it, and writes its tables.
pub fn sweep(args: &SweepArgs, screen: &Screen) -> Result<(), Failure> {
    let options =
        Options { replicates: args.replicates, seed: args.seed, sample: args.sample, sets: args.set.clone() };
    let sweep = load(&args.sweep, &options).map_err(|problems| screen.problems(&problems))?;
    sweep.scenarios.iter().for_each(|varied| screen.warnings(&varied.scenario));
    let out = args.out.clone().unwrap_or_else(|| Path::new("results").join(&sweep.points.plan.name));
    if let Some(parts) = args.plan {
        return plan(args, screen, &sweep, &out, parts, args.scheduler);
    }
    match (args.shard, args.shards) {
        (Some((part, parts)), _) => shard_of(args, screen, &sweep, &out, part, parts),
        (None, Some(parts)) => missing(screen, &sweep, &out, parts),
        (None, None) => whole(args, screen, &sweep, &out),
    }
}

impl SweepArgs {
    /// What goes on with this sweep, or this part of it, after an interruption.
    fn resuming(&self) -> &'static str {
        match (self.shard, self.force) {
            (None, false) => "the same command with --resume",
            (None, true) => "the same command with --resume in place of --force",
            (Some(_), false) => "the same command",
            (Some(_), true) => "the same command without --force",
        }
    }
}

fn whole(args: &SweepArgs, screen: &Screen, sweep: &Sweep, out: &Path) -> Result<(), Failure> {
    let header = Header::new(&sweep.points, 0..sweep.points.runs());
    let path = out.join(JOURNAL);
    let form = args.form.form();
    if args.resume && !path.exists() {
        match finished(out) {
            Some(identity) if identity == header.identity => {
                return screen.say(&format!("{} is complete: there is nothing to resume\n", out.display()));
            }
            Some(_) => {
                let what = format!(
                    "{} holds other results; give another --out, or --force to replace them",
                    out.display()
                );
                return Err(Failure::Input(what));
            }
            None => {}
        }
    }
    if !args.resume && !args.force {
        if path.exists() {
            let shown = out.display();
            return Err(Failure::Input(format!(
                "{shown} holds a sweep that is not complete ({JOURNAL}); give --resume to go on with it, or --force to start anew"
            )));
        }
        if let Some(found) = sweep_files().iter().find(|file| out.join(file).exists()) {
            let shown = out.display();
            return Err(Failure::Input(format!(
                "{shown} holds results ({found}); give another --out, or --force to replace them"
            )));
        }
    }
    let needed = still_needed(&sweep.points, sweep.points.runs(), &path);
    let of_tables = of_tables(&sweep.points, RUN_LINE, form.parquet);
    screen.room(out, needed.saturating_add(of_tables)).map_err(output_failure)?;
    fs::create_dir_all(out).map_err(JournalError::io(out)).map_err(journal_failure)?;
    let interrupt = Interrupt::install()?;
    let mut journal = open_journal(args, &path, header.clone()).map_err(journal_failure)?;
    run_into(args, screen, sweep, &interrupt, &mut journal, sweep.points.runs()).map_err(
        |error| match error {
            RunError::Interrupted => Failure::Interrupted(format!(
                "interrupted after {} of {} runs, which are kept in {}; {} goes on",
                journal.next(),
                sweep.points.runs(),
                path.display(),
                args.resuming()
            )),
            error => run_failure(error),
        },
    )?;

    let folder = Folder::open(out, &sweep_files(), true, form.dialect).map_err(output_failure)?;
    interrupt.takes_away(folder.temporary());
    let source = Source::journal(&path, sweep.points.runs()).until(&interrupt.stop);
    let written = timed(Work::Tables, || write(folder, &sweep.points, &header.identity, form, &source));
    let finished = written.map_err(|error| match error {
        TablesError::Merge(MergeError::Interrupted) => Failure::Interrupted(format!(
            "interrupted; all runs are kept in {}, and {} writes their tables",
            path.display(),
            args.resuming()
        )),
        error => tables_failure(error),
    })?;
    drop(journal);
    fs::remove_file(&path).map_err(JournalError::io(&path)).map_err(journal_failure)?;
    screen.say(&closing(&sweep.points, &finished, out))
}

fn shard_of(
    args: &SweepArgs,
    screen: &Screen,
    sweep: &Sweep,
    out: &Path,
    part: u64,
    parts: u64,
) -> Result<(), Failure> {
    let runs = sweep.points.part(part - 1, parts);
    let header = Header::new(&sweep.points, runs.clone());
    let (name, path) = (out.join(shard_file(part, parts)), out.join(shard_journal(part, parts)));
    // A journal beside a whole shard is of one that is to replace it, and goes on.
    if !args.force && !path.exists() && is_there(&name, &header).map_err(shard_failure)? {
        return screen.say(&format!("{} is complete\n", name.display()));
    }
    let needed = still_needed(&sweep.points, runs.end - runs.start, &path);
    screen.room(out, needed).map_err(|error| Failure::TryAgain(error.to_string()))?;
    fs::create_dir_all(out).map_err(JournalError::io(out)).map_err(shard_failure)?;
    let interrupt = Interrupt::install()?;
    let mut journal = open_journal(args, &path, header).map_err(shard_failure)?;
    run_into(args, screen, sweep, &interrupt, &mut journal, runs.end).map_err(|error| match error {
        RunError::Interrupted => Failure::Interrupted(format!(
            "interrupted after {} of {} runs of the shard, which are kept in {}; {} goes on",
            journal.next() - runs.start,
            runs.end - runs.start,
            path.display(),
            args.resuming()
        )),
        RunError::Sink(error) => shard_failure(error),
        error => run_failure(error),
    })?;
    journal.complete(&name).map_err(shard_failure)?;
    let said = if runs.is_empty() {
        "no runs: there are more shards than runs".to_string()
    } else {
        format!("runs {} to {}", runs.start + 1, runs.end)
    };
    screen.say(&format!("Shard {part} of {parts}: {said}\nFile: {}\n", name.display()))
}

/// Bytes by which the journal at `path` will grow, about.
fn still_needed(points: &Points, runs: u64, path: &Path) -> u64 {
    let there = fs::metadata(path).map_or(0, |file| file.len());
    of_journals(points, runs, 1, RUN_LINE).saturating_sub(there)
}

fn open_journal(args: &SweepArgs, path: &Path, header: Header) -> Result<Journal, JournalError> {
    if args.force { Journal::open_anew(path, header) } else { Journal::open(path, header) }
}

fn shard_failure(error: JournalError) -> Failure {
    if error.is_passing() { Failure::TryAgain(error.to_string()) } else { journal_failure(error) }
}

fn missing(screen: &Screen, sweep: &Sweep, out: &Path, parts: u64) -> Result<(), Failure> {
    let mut missing = Vec::new();
    let mut header = Header::new(&sweep.points, 0..0);
    for part in 1..=parts {
        let runs = sweep.points.part(part - 1, parts);
        (header.first, header.end) = (runs.start, runs.end);
        if !is_there(&out.join(shard_file(part, parts)), &header).map_err(journal_failure)? {
            missing.push(part);
        }
    }
    if missing.is_empty() { Ok(()) } else { screen.output(&(ranges(&missing) + "\n")) }
}

/// Runs what the journal lacks up to `end`.
fn run_into(
    args: &SweepArgs,
    screen: &Screen,
    sweep: &Sweep,
    interrupt: &Interrupt,
    journal: &mut Journal,
    end: u64,
) -> Result<(), RunError<JournalError>> {
    let threads = args.threads.unwrap_or_else(|| available_parallelism().map_or(1, usize::from));
    let batch = Batch {
        runs: journal.next()..end,
        seed: sweep.seed(),
        threads,
        reporting: Reporting { months_only: true, ..Reporting::default() },
        // A run that waits for those before it is a row, not its months.
        ahead: 16 * threads,
    };
    if batch.runs.is_empty() {
        return Ok(());
    }
    let before = batch.runs.start;
    let bar = screen.progress(end as usize);
    bar.set_position(before);
    let ran = run_each(
        &batch,
        &interrupt.stop,
        |runs| bar.set_position(before + runs as u64),
        |run| {
            let RunOfPoint { point, replicate, scenario } = sweep.points.of_run(run);
            let name = sweep.points.scenario_name(scenario);
            let name = format!("{name}, {}", sweep.points.describe(point));
            Job { scenario: Cow::Owned(sweep.scenario(scenario, point)), name, replicate }
        },
        |scenario, rows| timed(Work::Summary, || SummaryRow::of(scenario, &rows).cells()),
        |run, cells| timed(Work::Tables, || journal.add(run, &cells)),
    );
    bar.finish_and_clear();
    ran
}

fn journal_failure(error: JournalError) -> Failure {
    if error.is_input() { Failure::Input(error.to_string()) } else { Failure::Run(error.to_string()) }
}

fn run_failure(error: RunError<JournalError>) -> Failure {
    match error {
        RunError::Sink(error) => journal_failure(error),
        error => Failure::Run(error.to_string()),
    }
}

pub(super) fn tables_failure(error: TablesError) -> Failure {
    match error {
        TablesError::Merge(error) => merge_failure(error),
        TablesError::Output(error) => output_failure(error),
    }
}

/// Outcomes of which the closing summary tells the factors' effects.
const KEY_OUTCOMES: [&str; 4] =
    ["delivered_share_end", "direct_query_share_mean", "approval_rate_mean", "users_surplus_cny_total"];
/// Factors of which it tells the effects on an outcome: those that matter most.
const MOST_EFFECTS: usize = 8;

/// Points, runs, what each factor does, which rankings hold, and where the files are.
pub(super) fn closing(points: &Points, finished: &Finished, out: &Path) -> String {
    let plan = &points.plan;
    let scenarios = points.scenarios();
    let several = scenarios > 1;
    let mut text = format!(
        "{}: {} points of the design {}, {}{} runs ({} replicates of each)\n",
        plan.name,
        points.count() - points.before_design(),
        plan.design.word(),
        if several { format!("and {scenarios} scenarios as they are, ") } else { String::new() },
        points.runs(),
        plan.replicates
    );
    text += &effects(finished, if several { &plan.base_name } else { "" });
    if several {
        text += &rankings(points, &finished.rankings);
    }
    let tables = finished.written.iter().filter(|written| written.rows.is_some()).count();
    let others = finished.written.iter().filter(|written| written.rows.is_none());
    let others: String = others.map(|written| format!("{}, ", written.file)).collect();
    let _ = writeln!(text, "Files: {} ({others}{tables} tables and their manifest)", out.display());
    text + "columns.csv among them says what each column means.\n"
}

/// What the factors do in the first scenario, `of` where there are others.
fn effects(finished: &Finished, of: &str) -> String {
    let measure = finished.effects.first().map_or("", |effect| effect.measure);
    let said = match measure {
        "mu_star" => "Mean absolute elementary effect (mu*), over a factor's whole range, on",
        "st" => "Share of variance in which a factor has a part (ST), of",
        _ => "Rank correlation, from -1 (falls with the factor) to 1, with",
    };
    let of = if of.is_empty() { String::new() } else { format!(" (in {of})") };
    let mut text = format!("{said}{of}\n");
    for outcome in KEY_OUTCOMES {
        let of_outcome =
            finished.effects.iter().filter(|effect| effect.scenario == 0 && effect.outcome == outcome);
        let mut effects: Vec<(&str, f64)> =
            of_outcome.filter_map(|effect| Some((effect.parameter.as_str(), effect.value?))).collect();
        let left_out = effects.len().saturating_sub(MOST_EFFECTS);
        if left_out > 0 {
            effects.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
            effects.truncate(MOST_EFFECTS);
        }
        let told: Vec<String> = effects
            .iter()
            .map(|(parameter, value)| format!("{parameter}{JOINED}{}", figure(*value)))
            .collect();
        let mut told = if told.is_empty() { "the same at all points".into() } else { told.join(", ") };
        if left_out > 0 {
            let _ = write!(told, " and {left_out} that matter less");
        }
        let _ = writeln!(text, "  {outcome}");
        text += &wrapped("    ", &told);
    }
    text
}

/// For each outcome that matters, the scenarios in the order that they have as they are, and how
/// often each is above the next over the design.
fn rankings(points: &Points, rows: &[RankingRow]) -> String {
    let mut text = String::from(
        "Rankings of the scenarios as they are, highest first, and at how many points each is above the next\n",
    );
    for (outcome, what) in RANKED {
        let Some(order) = ranked(points, rows, outcome) else { continue };
        let told = order.iter().map(|(scenario, above_next)| match above_next {
            Some(share) => format!("{scenario}{JOINED}>{:.0}%", 100.0 * share),
            None => (*scenario).to_string(),
        });
        let _ = writeln!(text, "  {what} ({outcome})");
        text += &wrapped("    ", &told.collect::<Vec<_>>().join(" "));
    }
    text
}

fn figure(number: f64) -> String {
    if number != 0.0 && !(1e-3..1e6).contains(&number.abs()) {
        format!("{number:.2e}")
    } else {
        format!("{number:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_written_as_a_fraction() {
        assert_eq!(shard("3/16"), Ok((3, 16)));
        for wrong in ["0/3", "4/3", "3", "/3", "1/0", "a/b"] {
            assert!(shard(wrong).is_err(), "{wrong}");
        }
    }
}
