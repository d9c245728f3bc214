//! PLACEHOLDER: the one place where the command line meets the loading of scenarios. To be replaced
//! by calls of `scenario::{load, listing, template}` once these are there.

use crate::output::Difference;
use crate::scenario::Scenario;
use std::path::Path;

/// A scenario with the warnings on it, ready to print.
pub struct Loaded {
    /// The scenario.
    pub scenario: Scenario,
    /// Warnings, empty if there are none.
    pub warnings: String,
}

/// Loads a scenario file; the error is all its problems, ready to print.
pub fn load(file: &Path, _sets: &[String], _sample: Option<u64>, _color: bool) -> Result<Loaded, String> {
    Err(format!("{}: scenario files can't be read yet\n", file.display()))
}

/// The resolved scenario as TOML.
pub fn resolved(_scenario: &Scenario) -> String {
    String::new()
}

/// The parameters that differ between scenarios.
pub fn differing(_scenarios: &[&Scenario]) -> Vec<Difference> {
    Vec::new()
}

/// The list of parameters as a table for reading.
pub fn parameters_table() -> String {
    String::new()
}

/// The list of parameters as CSV.
pub fn parameters_csv() -> String {
    String::new()
}

/// The JSON Schema of scenario files.
pub fn parameters_json_schema() -> String {
    String::new()
}

/// The text of a new scenario file on top of `from`, to be written to `destination`.
pub fn template(_name: &str, from: &Path, _destination: &Path, _color: bool) -> Result<String, String> {
    Err(format!("{}: scenario files can't be read yet\n", from.display()))
}
