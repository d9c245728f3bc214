//! Step 1 of a month, rules: amendments that are due come into force.

use crate::agents::agencies;
use crate::agents::central_bank::RulesInForce;
use crate::exposure::consent;
use crate::information::PlatformSet;
use crate::scenario::value::{DeliverTo, DirectSale};
use crate::scenario::{Condition, Trigger};
use crate::tables::MonthRow;
use crate::world::World;

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
