//! A scenario whose parameters are set without its files: paths checked, and what must hold between
//! the parameters of the result.

use super::Scenario;
use super::amendment::Written;
use super::check::{Assembled, check_amendments, check_start};
use super::parameters::Parameters;
use super::problem::{Collector, Origin, Problem};
use super::setting::Ids;
use std::path::Path;

impl Scenario {
    /// Ids of its rosters.
    pub fn ids(&self) -> Ids {
        let parameters = &self.parameters;
        Ids {
            platforms: Some(parameters.platforms.iter().map(|entry| entry.id.clone()).collect()),
            banks: Some(parameters.banks.iter().map(|entry| entry.id.clone()).collect()),
            agencies: Some(parameters.agencies.iter().map(|entry| entry.id.clone()).collect()),
        }
    }

    /// What no longer holds between parameters if they are these, at the start and after each
    /// amendment. `set` says where each path that was set is written; everything else is told of
    /// `file`.
    pub fn check_with(&self, parameters: &Parameters, set: &[(&str, &Origin)], file: &Path) -> Vec<Problem> {
        let mut assembled = Assembled::new(file);
        assembled.parameters = parameters.clone();
        assembled.ids = self.ids();
        assembled.sound_banks = true;
        for (path, origin) in set {
            assembled.note(path, (*origin).clone());
        }
        let mut problems = Collector::default();
        check_start(&assembled, &mut problems);
        let written: Vec<Written> = self
            .amendments
            .iter()
            .enumerate()
            .map(|(i, amendment)| Written {
                amendment: amendment.clone(),
                origins: vec![Origin::whole(file); amendment.changes.len()],
                number: i + 1,
            })
            .collect();
        check_amendments(&assembled, &written, &mut problems);
        problems.finish().0
    }
}
