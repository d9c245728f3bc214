//! The commands on scenario files that run nothing: `check`, `parameters`, `new`.

use super::{Failure, Screen, number};
use crate::scenario::problem::Problems;
use crate::scenario::{listing, load, template};
use crate::sweep::file::{Options, is_sweep};
use clap::{Args, ValueEnum};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct CheckArgs {
    /// Scenario or sweep files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Set a parameter as if the files did, such as fees.agency_query=6
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Number of simulated users, instead of users.sample
    #[arg(long, value_name = "N", value_parser = number)]
    sample: Option<u64>,
}

/// Says of each file that it is fine, or all that is wrong with it.
pub fn check(args: &CheckArgs, screen: &Screen) -> Result<(), Failure> {
    let mut problems = Problems::default();
    for file in &args.files {
        if is_sweep(file) {
            let options = Options { sample: args.sample, sets: args.set.clone(), ..Options::default() };
            match crate::sweep::load(file, &options) {
                Ok(sweep) => {
                    sweep.scenarios.iter().for_each(|varied| screen.warnings(&varied.scenario));
                    let (points, runs) = (sweep.points.count(), sweep.points.runs());
                    screen.say(&format!("{}: ok (sweep, {points} points, {runs} runs)\n", file.display()))?;
                }
                Err(others) => problems.extend(others),
            }
            continue;
        }
        match load(file, &args.set, args.sample) {
            Ok(scenario) => {
                screen.warnings(&scenario);
                screen.say(&format!("{}: ok (scenario)\n", file.display()))?;
            }
            Err(others) => problems.extend(others),
        }
    }
    if problems.0.is_empty() { Ok(()) } else { Err(screen.problems(&problems)) }
}

#[derive(Args)]
pub struct ParametersArgs {
    /// How to write the list
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For reading
    Table,
    /// For a spreadsheet
    Csv,
    /// The JSON Schema of scenario files, for an editor
    JsonSchema,
}

/// Prints the list of parameters.
pub fn parameters(args: ParametersArgs, screen: &Screen) -> Result<(), Failure> {
    screen.output(&match args.format {
        Format::Table => listing::table(),
        Format::Csv => listing::csv(),
        Format::JsonSchema => listing::json_schema(),
    })
}

/// The scenario that new ones extend unless told otherwise.
const BASELINE: &str = "scenarios/december-deadline.toml";

#[derive(Args)]
pub struct NewArgs {
    /// Name of the scenario; NAME.toml is written, and never overwritten
    name: PathBuf,
    /// Scenario file to extend [default: scenarios/december-deadline.toml]
    #[arg(long, value_name = "SCENARIO")]
    from: Option<PathBuf>,
}

/// Writes a new scenario file.
pub fn new(args: &NewArgs, screen: &Screen) -> Result<(), Failure> {
    let from = match &args.from {
        Some(from) => from,
        None if Path::new(BASELINE).is_file() => Path::new(BASELINE),
        None => {
            let what = format!("there is no {BASELINE} here to start from; give --from SCENARIO");
            return Err(Failure::Input(what));
        }
    };
    let destination = destination(&args.name)?;
    let name = destination.file_stem().unwrap_or_default().to_string_lossy();
    let text = template::new(&name, from, &destination).map_err(|problems| screen.problems(&problems))?;
    let shown = destination.display();
    let mut file = File::create_new(&destination).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::Input(format!("{shown} is there already and is not overwritten"))
        }
        _ => Failure::Run(format!("can't write {shown}: {error}")),
    })?;
    file.write_all(text.as_bytes()).map_err(|error| {
        // Half a file would stand in the way of the next attempt.
        let _ = std::fs::remove_file(&destination);
        Failure::Run(format!("can't write {shown}: {error}"))
    })?;
    let mut said = format!("Wrote {shown}, which extends {}.\n", from.display());
    let _ = writeln!(said, "Edit it, then run it with: mandate run {shown}");
    screen.say(&said)
}

/// The file of a name that may or may not end with `.toml`.
fn destination(name: &Path) -> Result<PathBuf, Failure> {
    let Some(stem) = name.file_name().and_then(|stem| stem.to_str()).filter(|stem| *stem != ".toml") else {
        return Err(Failure::Input(format!("\"{}\" is not a name for a scenario", name.display())));
    };
    let file = if stem.ends_with(".toml") { stem.into() } else { format!("{stem}.toml") };
    Ok(name.with_file_name(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_file() {
        let file = |name: &str| destination(Path::new(name)).ok().map(|path| path.display().to_string());
        assert_eq!(file("cap").as_deref(), Some("cap.toml"));
        assert_eq!(file("cap.toml").as_deref(), Some("cap.toml"));
        assert_eq!(file("mine/cap.v2").as_deref(), Some("mine/cap.v2.toml"));
        assert_eq!((file(".."), file(".toml"), file("")), (None, None, None));
    }
}
