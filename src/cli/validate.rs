//! The command `validate`.

use super::{Failure, Screen, threads};
use crate::validate::{Case, cases, csv, table};
use clap::{Args, ValueEnum};

#[derive(Args)]
pub struct ValidateArgs {
    /// Threads; results do not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads)]
    threads: Option<usize>,
    /// How to write the cases
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For reading
    Table,
    /// For a spreadsheet
    Csv,
}

/// Simulates the verification cases and prints what was expected and what came out.
pub fn validate(args: &ValidateArgs, screen: &Screen) -> Result<(), Failure> {
    // Zero threads stand for all cores.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads.unwrap_or(0)).build();
    let pool = pool.map_err(|error| Failure::Run(format!("can't start threads: {error}")))?;
    let cases = pool.install(cases).map_err(|ended| Failure::Run(ended.to_string()))?;
    screen.say(&match args.format {
        Format::Table => table(&cases, screen.color_output),
        Format::Csv => csv(&cases),
    })?;
    verdict(&cases)
}

/// A failure that names the cases that fail, if any does.
fn verdict(cases: &[Case]) -> Result<(), Failure> {
    let failing: Vec<&str> =
        cases.iter().filter(|case| !case.passes()).map(|case| case.case.as_str()).collect();
    if failing.is_empty() {
        return Ok(());
    }
    let (failed, all) = (failing.len(), cases.len());
    Err(Failure::Run(format!("{failed} of {all} verification cases fail: {}", failing.join("; "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_fails_is_a_failed_run() {
        let case = |name: &str, simulated| Case {
            case: name.into(),
            source: "identity",
            unit: "rows",
            expected: 0.0,
            simulated: Some(simulated),
            tolerance: 0.0,
        };
        assert!(verdict(&[case("rows changed", 0.0)]).is_ok());
        let failure = verdict(&[case("rows changed", 0.0), case("rows lost", 3.0)]).unwrap_err();
        assert_eq!(failure.status(), 1);
        assert_eq!(failure.to_string(), "error: 1 of 2 verification cases fail: rows lost\n");
    }
}
