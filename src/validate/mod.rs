//! Verification: published and closed-form results that the model must reproduce, simulated on the
//! same code as scenarios, which are built here in memory.
//!
//! What a case expects never comes from the model's own code: it is a number from a paper, an integral,
//! or a fixed point found by iterating the paper's equation.

mod coordination;
mod deterrence;
mod identities;
mod lending;
mod report;
mod setting;

pub use report::{csv, table};

use crate::replicate::Ended;
use rayon::prelude::*;

/// One number that the model must reproduce.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What is simulated.
    pub case: String,
    /// The paper, or the kind of knowledge, that the expectation comes from.
    pub source: &'static str,
    /// Unit of the numbers.
    pub unit: &'static str,
    /// What the source says.
    pub expected: f64,
    /// What the model gives; `None` where it gives nothing.
    pub simulated: Option<f64>,
    /// The largest difference that passes.
    pub tolerance: f64,
}

impl Case {
    /// Simulated less expected.
    pub fn error(&self) -> Option<f64> {
        self.simulated.map(|simulated| simulated - self.expected)
    }

    /// Whether the simulated number is within tolerance of the expected one.
    pub fn passes(&self) -> bool {
        self.error().is_some_and(|error| error.abs() <= self.tolerance)
    }
}

/// A family of cases.
type Family = fn() -> Result<Vec<Case>, Ended>;

/// The families, in the order in which their cases are listed.
const FAMILIES: [Family; 6] = [
    lending::screening,
    lending::several_lenders,
    coordination::cascades,
    deterrence::deterrence,
    coordination::interaction,
    identities::identities,
];

/// Simulates all cases, on the threads of the current rayon pool; results do not depend on it.
///
/// # Errors
/// [`Ended::Invariant`] where the accounts of a run do not balance.
pub fn cases() -> Result<Vec<Case>, Ended> {
    let families: Result<Vec<Vec<Case>>, Ended> = FAMILIES.par_iter().map(|family| family()).collect();
    Ok(families?.into_iter().flatten().collect())
}

/// Four standard errors of a share `share` of `count` independent draws: chance alone goes beyond them
/// once in 16,000 cases.
fn four_standard_errors(share: f64, count: f64) -> f64 {
    4.0 * (share * (1.0 - share) / count).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_passes_within_its_tolerance() {
        let case = |simulated| Case {
            case: "a share".into(),
            source: "closed form",
            unit: "share",
            expected: 0.5,
            simulated,
            tolerance: 0.25,
        };
        assert!(case(Some(0.75)).passes() && case(Some(0.25)).passes());
        assert!(!case(Some(0.76)).passes() && !case(None).passes() && !case(Some(f64::NAN)).passes());
        assert_eq!(case(Some(0.25)).error(), Some(-0.25));
    }

    #[test]
    fn standard_errors_by_hand() {
        // sqrt(0.25 / 400) = 0.025.
        assert!((four_standard_errors(0.5, 400.0) - 0.1).abs() < 1e-12);
    }
}
