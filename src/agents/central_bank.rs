//! The central bank: the rules in force, and which amendments have come into force.

use crate::information::PlatformSet;
use crate::scenario::value::{Domains, LoanRecords};

/// The central bank's state.
#[derive(Clone, Debug, PartialEq)]
pub struct CentralBank {
    /// By amendment of the scenario, what has become of it.
    pub amendments: Vec<AmendmentState>,
}

/// Where an amendment stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AmendmentState {
    /// It has come into force.
    pub in_force: bool,
    /// It comes into force at the start of the next month.
    pub due: bool,
    /// Months in a row for which its condition has been met.
    pub months_met: u32,
}

/// The rules in force in a month.
#[derive(Clone, Debug, PartialEq)]
pub struct RulesInForce {
    /// Direct sale is banned.
    pub direct_sale_banned: bool,
    /// Platforms are ordered to deliver.
    pub ordered: bool,
    /// Months until a shortfall is a violation: 0 once it is, `None` if it never will be.
    pub months_to_deadline: Option<u32>,
    /// Share of its records that a platform must deliver; 0 without an order.
    pub required_share: f64,
    /// By platform, the open agencies to which it may (under an order: must) deliver.
    pub agencies: Vec<Vec<usize>>,
    /// By platform, whether one of them is enough.
    pub any_agency: Vec<bool>,
    /// Share of persons who consent, where consent is needed.
    pub consent: Option<f64>,
    /// Domains that agencies may use.
    pub domains: Domains,
    /// Share of new loans that are reported.
    pub lender_reporting: f64,
    /// Who sees reported loans.
    pub loan_records: LoanRecords,
    /// Platforms that have no data business to sell from.
    pub never_sell: PlatformSet,
}

impl RulesInForce {
    /// No rule at all, as in the burn-in.
    pub fn none(platforms: usize) -> RulesInForce {
        RulesInForce {
            direct_sale_banned: false,
            ordered: false,
            months_to_deadline: None,
            required_share: 0.0,
            agencies: vec![Vec::new(); platforms],
            any_agency: vec![false; platforms],
            consent: None,
            domains: Domains::ALL,
            lender_reporting: 0.0,
            loan_records: LoanRecords::None,
            never_sell: 0,
        }
    }

    /// Whether a shortfall is a violation.
    pub fn deadline_passed(&self) -> bool {
        self.ordered && self.months_to_deadline == Some(0)
    }

    /// max(0, required - delivered) / required; 0 where nothing is required.
    pub fn shortfall(&self, delivered: f64) -> f64 {
        if self.required_share > 0.0 {
            (self.required_share - delivered).max(0.0) / self.required_share
        } else {
            0.0
        }
    }

    /// The share delivered by a platform as the rules count it, from what each agency holds: the
    /// mean over its agencies, or the maximum where any one is enough. `None` without an agency.
    pub fn counted(&self, platform: usize, delivered: &[f64]) -> Option<f64> {
        let agencies = &self.agencies[platform];
        if agencies.is_empty() {
            return None;
        }
        let held = agencies.iter().map(|a| delivered[*a]);
        Some(if self.any_agency[platform] {
            held.fold(0.0, f64::max)
        } else {
            held.sum::<f64>() / agencies.len() as f64
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> RulesInForce {
        RulesInForce {
            ordered: true,
            required_share: 0.5,
            agencies: vec![vec![0, 2], vec![]],
            ..RulesInForce::none(2)
        }
    }

    #[test]
    fn a_shortfall_is_what_is_missing_of_what_is_required() {
        let mut rules = rules();
        assert_eq!(rules.shortfall(0.125), 0.75);
        assert_eq!(rules.shortfall(0.75), 0.0);
        rules.required_share = 0.0;
        assert_eq!(rules.shortfall(0.0), 0.0);
    }

    #[test]
    fn delivery_counts_as_the_mean_or_the_best() {
        let mut rules = rules();
        assert_eq!(rules.counted(0, &[0.5, 1.0, 0.25]), Some(0.375));
        assert_eq!(rules.counted(1, &[0.5, 1.0, 0.25]), None);
        rules.any_agency[0] = true;
        assert_eq!(rules.counted(0, &[0.5, 1.0, 0.25]), Some(0.5));
    }

    #[test]
    fn the_deadline_needs_an_order() {
        let mut rules = rules();
        rules.months_to_deadline = Some(0);
        assert!(rules.deadline_passed());
        rules.months_to_deadline = Some(1);
        assert!(!rules.deadline_passed());
        rules.months_to_deadline = None;
        assert!(!rules.deadline_passed());
    }
}
