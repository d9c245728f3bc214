//! The command line: commands and options, messages, exit status. Only here is anything printed.

mod compare;
mod explain;
mod files;
mod interrupt;
mod merge;
mod plan;
mod run;
mod screen;
mod sweep;
mod validate;
mod wrap;

use crate::run::MOST_REPLICATES;
use crate::timings::{Work, spent};
use clap::{Parser, Subcommand, ValueEnum};
use screen::Screen;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Simulates an order to platforms to share their users' data with credit agencies, and every
/// alternative to it that a scenario file can describe.
#[derive(Parser)]
#[command(name = "mandate", version, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print nothing but errors
    #[arg(long, global = true, display_order = 90)]
    quiet: bool,
    /// Say at the end, on standard error, where the time went
    #[arg(long, global = true, display_order = 92)]
    timings: bool,
    /// Whether to use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", display_order = 91, default_value_t = Color::Auto)]
    color: Color,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Yes
    Always,
    /// No
    Never,
}

#[derive(Subcommand)]
enum Command {
    /// Run scenario files and write their tables
    Run(run::RunArgs),
    /// Run scenarios against a baseline, and say what differs and how surely
    Compare(compare::CompareArgs),
    /// Run a design over parameters of a scenario
    Sweep(sweep::SweepArgs),
    /// Put the shards of a sweep together
    Merge(merge::MergeArgs),
    /// Say everything that is wrong with scenario or sweep files, without running them
    Check(files::CheckArgs),
    /// List every parameter: path, type, unit, default, range, meaning, source
    Parameters(files::ParametersArgs),
    /// Write a commented scenario file to start from
    New(files::NewArgs),
    /// Compare the model with published and closed-form results
    Validate(validate::ValidateArgs),
    /// Say why an agent chose what it chose, and what would have tipped it
    Explain(explain::ExplainArgs),
}

/// Why a command failed; what it prints ends with its message.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The input is wrong, and this is the message on it, in one line.
    #[error("error: {0}\n")]
    Input(String),
    /// The input is wrong, and these are all its problems, as they are printed.
    #[error("{0}")]
    Problems(String),
    /// The run failed.
    #[error("error: {0}\n")]
    Run(String),
    /// The run failed, and may go well another time.
    #[error("error: {0}\n")]
    TryAgain(String),
    /// Somebody stopped it.
    #[error("{0}\n")]
    Interrupted(String),
}

impl Failure {
    fn status(&self) -> u8 {
        match self {
            Failure::Input(_) | Failure::Problems(_) => 2,
            Failure::Run(_) => 1,
            Failure::TryAgain(_) => 75,
            Failure::Interrupted(_) => 130,
        }
    }
}

/// Runs the command that the arguments of the process ask for, and says how it went.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // If nobody reads the message there is nobody to tell.
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    let started = Instant::now();
    let screen = Screen::new(cli.quiet, cli.color);
    let done = match cli.command {
        Command::Run(args) => run::run(&args, &screen),
        Command::Compare(args) => compare::compare(&args, &screen),
        Command::Sweep(args) => sweep::sweep(&args, &screen),
        Command::Merge(args) => merge::merge(&args, &screen),
        Command::Check(args) => files::check(&args, &screen),
        Command::Parameters(args) => files::parameters(args, &screen),
        Command::New(args) => files::new(&args, &screen),
        Command::Validate(args) => validate::validate(&args, &screen),
        Command::Explain(args) => explain::explain(args, &screen),
    };
    if cli.timings {
        screen.error(&times(&spent(), started.elapsed()));
    }
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            screen.error(&failure.to_string());
            ExitCode::from(failure.status())
        }
    }
}

/// Where the time went, a line a kind of work that took any.
fn times(spent: &[(Work, Duration)], elapsed: Duration) -> String {
    let total: Duration = spent.iter().map(|(_, time)| *time).sum();
    let line = |what: &str, time: Duration| {
        let share = 100.0 * time.as_secs_f64() / total.as_secs_f64().max(1e-9);
        format!("  {what:<34} {:>9.3} s {share:>5.1} %\n", time.as_secs_f64())
    };
    let lines = spent.iter().filter(|(_, time)| !time.is_zero()).map(|(work, time)| line(work.what(), *time));
    format!(
        "Time: {:.3} s, in which threads worked {:.3} s on\n{}",
        elapsed.as_secs_f64(),
        total.as_secs_f64(),
        lines.collect::<String>()
    )
}

/// A whole number, in which underscores may stand between digits.
fn number(text: &str) -> Result<u64, String> {
    let between_digits = !text.starts_with('_') && !text.ends_with('_') && !text.contains("__");
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let digits = text.replace('_', "");
    let wrong = || "write a whole number, such as 20 or 100_000".to_string();
    if !between_digits || !plain || digits.is_empty() {
        return Err(wrong());
    }
    digits.parse().map_err(|_| format!("the highest is {}", u64::MAX))
}

/// As [`number`], from 1 to `high`.
fn number_from_one(text: &str, high: u64) -> Result<u64, String> {
    match number(text)? {
        number if (1..=high).contains(&number) => Ok(number),
        _ => Err(format!("allowed: 1 to {high}")),
    }
}

fn replicates(text: &str) -> Result<u32, String> {
    number_from_one(text, u64::from(MOST_REPLICATES)).map(|number| number as u32)
}

fn threads(text: &str) -> Result<usize, String> {
    number_from_one(text, 1024).map(|number| number as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn times_are_told_with_their_shares() {
        let spent = [
            (Work::World, Duration::from_secs(1)),
            (Work::Rules, Duration::ZERO),
            (Work::Loans, Duration::from_secs(3)),
        ];
        let text = times(&spent, Duration::from_secs(2));
        assert_eq!(
            text,
            "Time: 2.000 s, in which threads worked 4.000 s on\n\
             \x20 building worlds                        1.000 s  25.0 %\n\
             \x20 repayment and credit of users          3.000 s  75.0 %\n"
        );
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn numbers_may_carry_underscores() {
        assert_eq!(number("1_000_000"), Ok(1_000_000));
        assert_eq!(number("18446744073709551615"), Ok(u64::MAX));
        for wrong in ["", "_", "_1", "1_", "1__0", "-1", "+1", "1.5", "1e6", "٣", "18446744073709551616"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
        assert_eq!(replicates("1_0"), Ok(10));
        assert!(replicates("0").is_err() && threads("0").is_err() && threads("5000000").is_err());
    }
}
