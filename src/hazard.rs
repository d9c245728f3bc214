//! Upper bounds on hazards of default, under which persons come up for one.

use crate::agents::users::quality;
use crate::near::GeometricSkip;
use crate::normal::normal_cdf;
use crate::screening::{LendingTerms, monthly_hazard};

/// Parts of the range of credit quality, each with one bound on the hazard of default.
const BOUNDS: usize = 1024;

/// Upper bounds on the monthly hazard of default, by quality. Persons come up for a default under the
/// bound and default in proportion to their own hazard, so that only few have to be looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct HazardBounds {
    made_for: (LendingTerms, f64, u32),
    /// The bound at the lower end of each part.
    bounds: Vec<Bound>,
    /// For persons with one loan, two, ..., and each part of the range: a tighter bound.
    by_loans: Vec<f64>,
}

/// A bound on the hazard of default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// The bound.
    pub hazard: f64,
    /// Persons passed over between two who come up under it.
    pub skip: GeometricSkip,
}

impl HazardBounds {
    /// Whether the bounds are for these parameters.
    pub fn are_for(&self, terms: LendingTerms, discipline: f64, max_loans: u32) -> bool {
        self.made_for == (terms, discipline, max_loans)
    }

    /// The bounds.
    pub fn new(terms: LendingTerms, discipline: f64, max_loans: u32) -> HazardBounds {
        let highest = |part: usize, others: f64| {
            let lowest = quality((part * (65_536 / BOUNDS)) as u16);
            let probit = terms.pd_probit(lowest, others) + (-discipline).max(0.0);
            monthly_hazard(normal_cdf(probit))
        };
        let others = if terms.pd_per_loan > 0.0 { f64::from(max_loans - 1) } else { 0.0 };
        let bound = |part: usize| {
            let hazard = highest(part, others);
            Bound { hazard, skip: GeometricSkip::new(hazard) }
        };
        let parts = |others: u32| (0..BOUNDS).map(move |part| highest(part, f64::from(others)));
        HazardBounds {
            made_for: (terms, discipline, max_loans),
            bounds: (0..BOUNDS).map(bound).collect(),
            by_loans: (0..max_loans).flat_map(parts).collect(),
        }
    }

    /// The bound for persons of this rank of quality or a higher one.
    pub fn at(&self, rank: u16) -> Bound {
        self.bounds[usize::from(rank) / (65_536 / BOUNDS)]
    }

    /// A bound for persons of this rank with so many loans, one at least.
    #[inline]
    pub fn with_loans(&self, rank: u16, loans: u32) -> f64 {
        self.by_loans[(loans as usize - 1) * BOUNDS + usize::from(rank) / (65_536 / BOUNDS)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screening::tests::terms;

    #[test]
    fn no_hazard_is_above_its_bound() {
        for (discipline, max_loans) in [(0.15, 4), (-0.2, 4), (0.0, 1)] {
            let bounds = HazardBounds::new(terms(), discipline, max_loans);
            for rank in (0..=u16::MAX).step_by(97) {
                let worst = terms().pd_probit(quality(rank), f64::from(max_loans - 1)) - discipline.min(0.0);
                let bound = bounds.at(rank).hazard;
                assert!(monthly_hazard(normal_cdf(worst)) <= bound, "rank {rank}");
                for loans in 1..=max_loans {
                    let probit = terms().pd_probit(quality(rank), f64::from(loans - 1)) - discipline.min(0.0);
                    let hazard = monthly_hazard(normal_cdf(probit));
                    assert!(hazard <= bounds.with_loans(rank, loans), "rank {rank}, {loans} loans");
                }
            }
        }
    }
}
