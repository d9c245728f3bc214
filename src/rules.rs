//! Step 1 of a month, rules: amendments that are due come into force.

use crate::agents::agencies;
use crate::exposure::consent;
use crate::information::PlatformSet;
use crate::scenario::value::{DeliverTo, DirectSale, Domains, LoanRecords};
use crate::scenario::{Condition, Trigger};
use crate::tables::MonthRow;
use crate::world::World;

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

/// Brings due amendments into force and works out the rules of the month.
pub fn come_into_force(world: &mut World) {
    amend(world);
    world.rules = rules_of_month(world);
    let decisions = world.decisions_made.mean().unwrap_or(0.0);
    for (agency, entry) in world.agencies.iter_mut().zip(&world.parameters.agencies) {
        agency.fee_cny = agencies::fee_cny(&entry.row, &world.parameters.fees, &agency.queries, decisions);
    }
}

fn amend(world: &mut World) {
    if world.in_burn_in() {
        return;
    }
    let now = world.now();
    let scenario = world.scenario;
    for (amendment, state) in scenario.amendments.iter().zip(&mut world.central_bank.amendments) {
        let due = match &amendment.trigger {
            Trigger::From(from) => *from == now,
            Trigger::When(_) => state.due,
        };
        if due && !state.in_force {
            (state.in_force, state.due) = (true, false);
            amendment.changes.iter().for_each(|change| world.parameters.set(&change.place, &change.value));
        }
    }
}

/// At the end of a reported month, reads the conditions of amendments: one that has been met for its
/// number of months in a row comes into force in the next month, once.
pub fn read_conditions(world: &mut World, row: &MonthRow) {
    for (amendment, state) in world.scenario.amendments.iter().zip(&mut world.central_bank.amendments) {
        if let Trigger::When(condition) = &amendment.trigger {
            state.months_met = if met(condition, row) { state.months_met + 1 } else { 0 };
            state.due = !state.in_force && state.months_met >= condition.for_months;
        }
    }
}

/// Whether a condition is met in a month; an empty indicator never is.
fn met(condition: &Condition, row: &MonthRow) -> bool {
    if condition.not_before.is_some_and(|month| row.month < month) {
        return false;
    }
    row.metric(condition.indicator).is_some_and(|value| {
        condition.below.is_none_or(|below| value < below) && condition.above.is_none_or(|above| value > above)
    })
}

fn rules_of_month(world: &World) -> RulesInForce {
    let parameters = &world.parameters;
    let mut rules = RulesInForce::none(parameters.platforms.len());
    if world.in_burn_in() {
        return rules;
    }
    let now = world.now();
    rules.direct_sale_banned = parameters.rules.direct_sale_ban.acts_in(now);
    rules.ordered = parameters.rules.order.acts_in(now);
    rules.never_sell =
        parameters.platforms.iter().enumerate().fold(0, |set, (p, entry)| {
            set | PlatformSet::from(entry.row.direct_sale == DirectSale::Never) << p
        });
    // What is to be delivered, and how, acts from the order, or from the start where there is none.
    let acts = rules.ordered || parameters.rules.order.month().is_none();
    if rules.ordered {
        rules.months_to_deadline = parameters.rules.deadline.months_ahead(now);
        rules.required_share = parameters.rules.required_share;
    }
    for (p, entry) in parameters.platforms.iter().enumerate() {
        let deliver_to = entry.row.deliver_to.as_ref().unwrap_or(&parameters.rules.deliver_to);
        let deliver_to = if acts { deliver_to } else { &DeliverTo::All };
        rules.agencies[p] = (0..parameters.agencies.len())
            .filter(|a| world.open(*a) && names(deliver_to, &parameters.agencies[*a].id))
            .collect();
        rules.any_agency[p] = *deliver_to == DeliverTo::Any;
    }
    if acts {
        let breached_share = world.breached.sum() / parameters.users.population as f64;
        rules.consent = consent(&parameters.rules, &parameters.exposure, breached_share);
        rules.domains = parameters.rules.domains;
        rules.lender_reporting = parameters.rules.lender_reporting;
        rules.loan_records = parameters.rules.loan_records;
    }
    rules
}

fn names(deliver_to: &DeliverTo, agency: &str) -> bool {
    match deliver_to {
        DeliverTo::All | DeliverTo::Any => true,
        DeliverTo::List(ids) => ids.iter().any(|id| id == agency),
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
