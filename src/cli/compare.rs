//! The command `compare`.

use super::run::{Job, RunOptions, Wrong, execute, folder_of, quoted};
use super::{Failure, Screen};
use crate::comparison::unlike;
use crate::output::Selection;
use crate::scenario::Scenario;
use crate::scenario::problem::{Origin, Problem};
use crate::sweep::file::is_sweep;
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct CompareArgs {
    /// Scenario file that all others are compared with
    #[arg(value_name = "BASELINE")]
    baseline: PathBuf,
    /// Scenario files to compare with it
    #[arg(value_name = "SCENARIO", required_unless_present = "vary")]
    scenarios: Vec<PathBuf>,
    /// Compare values of a parameter of the baseline, such as fees.agency_query=6,12; may be repeated
    #[arg(long, value_name = "PATH=V1,V2")]
    vary: Vec<String>,
    #[command(flatten)]
    options: RunOptions,
}

/// Runs a baseline and what is compared with it, writes their tables, and says what differs.
pub fn compare(args: &CompareArgs, screen: &Screen) -> Result<(), Failure> {
    let options = &args.options;
    let files: Vec<PathBuf> = [&args.baseline].into_iter().chain(&args.scenarios).cloned().collect();
    let mut wrong = Wrong::default();
    if is_sweep(&args.baseline) {
        wrong.text = format!("error: {} is a sweep: it can't be a baseline\n", args.baseline.display());
    }
    let files = wrong.scenario_files(&files, screen);
    let mut scenarios = wrong.load_all(&files, options, screen);
    let mut names: Vec<String> = scenarios.iter().map(|scenario| scenario.name.clone()).collect();
    for vary in &args.vary {
        match Varied::read(vary) {
            Ok(varied) => {
                names.push(varied.path.clone());
                scenarios.extend(varied.scenarios(&args.baseline, options, &mut wrong));
            }
            Err(problem) => wrong.problems.extend(problem.into()),
        }
    }
    let selection = wrong.selection(Selection::of_comparison(), options);
    if wrong.text.is_empty() && wrong.problems.0.is_empty() {
        wrong.problems = unlike(&scenarios);
    }
    wrong.none(screen)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let folder = format!("compare-{}", folder_of(&names));
    let varied = args.vary.iter().map(|vary| format!(" --vary {}", quoted(vary))).collect::<String>();
    let files = files.iter().map(|file| quoted(&file.display().to_string()));
    let reproduce =
        format!("mandate compare {}{varied} {}", files.collect::<Vec<_>>().join(" "), options.typed());
    let job = Job { command: "compare", scenarios: &scenarios, selection, folder, reproduce, options };
    execute(&job, screen)
}

/// A parameter of the baseline and the values that it is given in turn.
struct Varied {
    path: String,
    values: Vec<String>,
}

impl Varied {
    fn read(text: &str) -> Result<Varied, Problem> {
        let problem = |what: &str| {
            let problem = Origin::whole("--vary").problem("", what).given(text);
            problem.allowed("PATH=V1,V2, such as fees.agency_query=6,12")
        };
        let (path, values) = text.split_once('=').ok_or_else(|| problem("there is no '='"))?;
        let (path, values) = (path.trim().to_string(), list(values));
        if values.iter().any(String::is_empty) {
            return Err(problem("a value is empty"));
        }
        if let Some(twice) = (1..values.len()).find(|i| values[..*i].contains(&values[*i])) {
            return Err(problem(&format!("the value {} is listed twice", values[twice])));
        }
        Ok(Varied { path, values })
    }

    /// The baseline with each of the values.
    fn scenarios(&self, baseline: &Path, options: &RunOptions, wrong: &mut Wrong) -> Vec<Scenario> {
        let mut scenarios = Vec::new();
        for value in &self.values {
            let mut sets = options.set.clone();
            sets.push(format!("{}={value}", self.path));
            let mut of_value = Wrong::default();
            let loaded = of_value.load(baseline, &sets, options.sample);
            for problem in &mut of_value.problems.0 {
                // The value came with this option.
                if problem.file == Path::new("--set") && problem.key == self.path {
                    problem.file = "--vary".into();
                }
            }
            wrong.problems.extend(of_value.problems);
            scenarios.extend(loaded.map(|scenario| Scenario {
                name: format!("{} {}={value}", scenario.name, self.path),
                title: format!("{}, {} = {value}", scenario.title, self.path),
                ..scenario
            }));
        }
        scenarios
    }
}

/// What stands between commas, but for those within brackets or quotes.
fn list(text: &str) -> Vec<String> {
    let (mut items, mut depth, mut quoted) = (vec![String::new()], 0, false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 && !quoted {
            items.push(String::new());
        } else {
            items.last_mut().expect("there is an item").push(c);
        }
    }
    items.iter().map(|item| item.trim().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_between_commas() {
        assert_eq!(list("6, 12,never"), ["6", "12", "never"]);
        assert_eq!(list("[\"a\",\"b\"],all"), ["[\"a\",\"b\"]", "all"]);
        let varied = Varied::read("fees.agency_query=6,12").unwrap();
        assert_eq!((varied.path.as_str(), varied.values.len()), ("fees.agency_query", 2));
        for wrong in ["fees.agency_query", "fees.agency_query=", "fees.agency_query=6,", "a.b=6,7,6"] {
            assert!(Varied::read(wrong).is_err(), "{wrong}");
        }
    }
}
