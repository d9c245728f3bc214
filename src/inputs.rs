//! PLACEHOLDER for the loading of scenarios, with the paths and types that it is to have below
//! `crate::scenario`. To be deleted once that is there, and `crate::inputs` be renamed in `cli`.

use crate::output::Difference;
use crate::scenario::Scenario;
use problem::{Problem, Problems};
use std::path::Path;

/// Loads a scenario file.
pub fn load(file: &Path, _sets: &[String], _sample: Option<u64>) -> Result<Scenario, Problems> {
    Err(Problems(vec![Problem(format!("{}: scenario files can't be read yet", file.display()))]))
}

/// Warnings on a scenario: to be its field `warnings`.
pub fn warnings(_scenario: &Scenario) -> &[Problem] {
    &[]
}

impl Scenario {
    /// The resolved scenario as TOML.
    pub fn resolved_table(&self) -> toml::Table {
        toml::Table::new()
    }

    /// The parameters that differ between scenarios.
    pub fn differing(_scenarios: &[&Scenario]) -> Vec<Difference> {
        Vec::new()
    }
}

/// What is wrong with input.
pub mod problem {
    /// One fault.
    #[derive(PartialEq)]
    pub struct Problem(pub String);

    /// All faults.
    #[derive(Default)]
    pub struct Problems(pub Vec<Problem>);

    impl Problem {
        /// As text.
        pub fn render(&self, _color: bool) -> String {
            self.0.clone()
        }
    }

    impl Problems {
        /// As text.
        pub fn render(&self, color: bool) -> String {
            self.0.iter().map(|problem| problem.render(color)).collect::<Vec<_>>().join("\n")
        }

        /// Adds those of another input.
        pub fn extend(&mut self, others: Problems) {
            self.0.extend(others.0);
        }
    }
}

/// The list of parameters.
pub mod listing {
    /// For reading.
    pub fn table() -> String {
        String::new()
    }

    /// As CSV.
    pub fn csv() -> String {
        String::new()
    }

    /// As the JSON Schema of scenario files.
    pub fn json_schema() -> String {
        String::new()
    }
}

/// New scenario files.
pub mod template {
    use super::problem::{Problem, Problems};
    use std::path::Path;

    /// The text of a scenario file.
    pub fn new(_name: &str, from: &Path, _destination: &Path) -> Result<String, Problems> {
        Err(Problems(vec![Problem(format!("{}: scenario files can't be read yet", from.display()))]))
    }
}
