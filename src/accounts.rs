//! Step 9 of a month, accounts: costs and dividends are paid, platforms invest, agencies learn, and the
//! identities that must hold every month are checked.

use crate::agents::users::Block;
use crate::ledger::{Flow, Party};
use crate::scenario::parameters::Exposure;
use crate::tally::{MonthRecord, Tally};
use crate::units::Money;
use crate::world::World;

/// What a bank's profit consists of, beside balances written off.
const BANK_FLOWS: [Flow; 6] =
    [Flow::Interest, Flow::Funding, Flow::Commission, Flow::DirectFee, Flow::AgencyFee, Flow::Fine];

/// What a platform's profit from its credit business consists of.
const PLATFORM_FLOWS: [Flow; 7] = [
    Flow::DirectFee,
    Flow::Commission,
    Flow::RevenueShare,
    Flow::Dividend,
    Flow::OperatingCost,
    Flow::ComplianceCost,
    Flow::Fine,
];

/// What an agency's profit consists of, before dividends.
const AGENCY_FLOWS: [Flow; 4] = [Flow::AgencyFee, Flow::RevenueShare, Flow::UserPayment, Flow::OperatingCost];

/// The highest level of a platform's data, of which everything is known long since: data that double every month
/// would in a calendar's 1,200 months grow beyond all numbers.
const HIGHEST_DATA_LEVEL: f64 = 1e290;

/// Pays costs and dividends; platforms invest; agencies learn.
pub fn settle(world: &mut World) {
    for p in 0..world.platforms.len() {
        pay_platform_costs(world, p);
        invest(world, p);
    }
    (0..world.agencies.len()).for_each(|a| settle_agency(world, a));
}

/// A platform's operating cost is a share of its commissions; delivering raises it.
fn pay_platform_costs(world: &mut World, p: usize) {
    let commissions = world.ledger.net(Party::Platform(p), Flow::Commission);
    let operating = commissions.share(world.cost_base(p));
    let compliance = commissions.share(cost_increase(world, p) * world.cost_base(p));
    world.ledger.post(Party::Platform(p), Party::Suppliers, Flow::OperatingCost, operating);
    world.ledger.post(Party::Platform(p), Party::Suppliers, Flow::ComplianceCost, compliance);
}

/// A platform invests less the more of its reference revenue goes into compliance, fines and commission
/// lost to suspension, and while an announced deadline is unresolved; its data improve in proportion. The roster describes
/// data at the start of the calendar, so nothing changes before.
fn invest(world: &mut World, p: usize) {
    if world.in_burn_in() {
        return;
    }
    let exposure = &world.parameters.exposure;
    let platform = &world.platforms[p];
    let paid = -world.ledger.net_of(Party::Platform(p), &[Flow::ComplianceCost, Flow::Fine]).cny();
    let lost = if platform.suspended(world.month) { platform.reference_cny } else { 0.0 };
    let unresolved =
        platform.in_partnership && world.rules.months_to_deadline.is_some_and(|months| months > 0);
    let burden = if platform.reference_cny > 0.0 { (paid + lost) / platform.reference_cny } else { 0.0 };
    let index = investment(exposure, burden, unresolved);
    let growth = 1.0 + exposure.data_growth_monthly * index;
    world.platforms[p].investment = index;
    world.platforms[p].data_level = (world.platforms[p].data_level * growth).min(HIGHEST_DATA_LEVEL);
}

/// Investment in data, 0..1, under a burden in shares of reference revenue.
fn investment(exposure: &Exposure, burden: f64, unresolved: bool) -> f64 {
    let uncertainty = if unresolved { exposure.uncertainty } else { 0.0 };
    (1.0 - exposure.investment_sensitivity * burden - uncertainty).clamp(0.0, 1.0)
}

/// The rise of a platform's cost through what it delivers: its draw x the mean delivered.
pub fn cost_increase(world: &World, p: usize) -> f64 {
    let delivered = world.rules.counted(p, &world.platforms[p].delivered).unwrap_or(0.0);
    world.cost_increase(p) * delivered
}

fn settle_agency(world: &mut World, a: usize) {
    let row = world.parameters.agencies[a].row.clone();
    let seller = world.platforms.len() + a;
    let queries: u64 =
        (0..world.banks.len()).map(|bank| u64::from(world.tallies[0].queries(bank)[seller])).sum();
    if world.open(a) {
        let cost = Money::from_cny(row.fixed_cost + row.unit_cost * world.persons(queries));
        world.ledger.post(Party::Agency(a), Party::Suppliers, Flow::OperatingCost, cost);
        let payment = world.parameters.fees.user_payment * world.record.newly_delivered[a];
        world.ledger.post(Party::Agency(a), Party::Users, Flow::UserPayment, Money::from_cny(payment));
        let paid_out = agency_profit(world, a).max(Money::ZERO).share(row.payout);
        for held in world.parameters.stakes[a].clone() {
            let holder = world.parameters.platforms.iter().position(|entry| entry.id == held.holder);
            let holder = holder.map_or(Party::OutsideShareholders, Party::Platform);
            world.ledger.post(Party::Agency(a), holder, Flow::Dividend, paid_out.share(held.stake));
        }
    }
    if queries > 0 {
        world.agencies[a].learn(&row);
    }
}

/// A bank's profit of the month.
pub fn bank_profit(world: &World, bank: usize) -> Money {
    world.ledger.net_of(Party::Bank(bank), &BANK_FLOWS) - world.record.written_off[bank]
}

/// A platform's profit of the month from its credit business.
pub fn platform_profit(world: &World, p: usize) -> Money {
    world.ledger.net_of(Party::Platform(p), &PLATFORM_FLOWS)
}

/// An agency's profit of the month, before dividends.
pub fn agency_profit(world: &World, a: usize) -> Money {
    world.ledger.net_of(Party::Agency(a), &AGENCY_FLOWS)
}

/// Opens a month: forgets what was counted of the one before, and notes how platforms ended it, which
/// is what banks see, and what everybody has, for [`check`].
pub fn open_month(world: &mut World) {
    world.tallies.iter_mut().for_each(Tally::clear);
    world.record = MonthRecord::new(world.banks.len(), world.agencies.len());
    world.ledger.open_month();
    if let Some(decisions) = &mut world.decisions {
        decisions.clear();
    }
    for platform in &mut world.platforms {
        platform.before.delivered.clone_from(&platform.delivered);
        platform.before.sells_directly = platform.sells_directly;
    }
    world.record.opening_wealth = wealth(world);
}

/// Cash and loans of every bank, platform and agency.
fn wealth(world: &World) -> Vec<Money> {
    let cash = |party| world.ledger.cash(party);
    let banks = (0..world.banks.len()).map(|b| cash(Party::Bank(b)) + world.banks.books.outstanding(b));
    let platforms = (0..world.platforms.len()).map(|p| cash(Party::Platform(p)));
    banks.chain(platforms).chain((0..world.agencies.len()).map(|a| cash(Party::Agency(a)))).collect()
}

/// The identities that must hold at the end of every month: everybody's cash sums to zero, and the
/// change of everybody's cash and loans is its profit (of agencies, less dividends).
///
/// # Errors
/// The month, the accounts and the amounts, where one does not hold: a fault of the program.
pub fn check(world: &World) -> Result<(), String> {
    let fail = |account: String, found: Money, expected: Money| {
        Err(format!("accounts of {}: {account} is CNY {found}, but must be CNY {expected}", world.now()))
    };
    if world.ledger.imbalance() != Money::ZERO {
        return fail("the sum of all cash".into(), world.ledger.imbalance(), Money::ZERO);
    }
    for (i, (now, before)) in wealth(world).into_iter().zip(&world.record.opening_wealth).enumerate() {
        let expected = expected_change(world, i);
        if now - *before != expected {
            return fail(account(world, i), now - *before, expected);
        }
    }
    Ok(())
}

/// By how much the profit columns say that the `i`-th of [`wealth`] has changed.
fn expected_change(world: &World, i: usize) -> Money {
    let (banks, platforms) = (world.banks.len(), world.platforms.len());
    if i < banks {
        bank_profit(world, i)
    } else if i < banks + platforms {
        platform_profit(world, i - banks)
    } else {
        let a = i - banks - platforms;
        agency_profit(world, a) + world.ledger.net(Party::Agency(a), Flow::Dividend)
    }
}

/// The name of the `i`-th of [`wealth`].
fn account(world: &World, i: usize) -> String {
    let (banks, platforms) = (world.banks.len(), world.platforms.len());
    if i < banks {
        format!("the change of cash and loans of bank {}", i + 1)
    } else if i < banks + platforms {
        format!("the change of cash of {}", world.parameters.platforms[i - banks].id)
    } else {
        format!("the change of cash of {}", world.parameters.agencies[i - banks - platforms].id)
    }
}

/// The books as the loans themselves have them: balances by bank and slot, summed over every loan at
/// the end of a month. Slow; for tests of the incremental books.
pub fn recount(world: &World) -> Vec<Money> {
    let slots = world.banks.books.slots();
    let mut balance = vec![Money::ZERO; world.banks.len() * slots];
    for loan in world.blocks.iter().flat_map(Block::loans) {
        let unpaid = world.parameters.credit.term_months - loan.age(world.month);
        let place = usize::from(loan.lender) * slots + usize::from(loan.slot);
        balance[place] += world.instalments[usize::from(loan.cohort())] * i128::from(unpaid);
    }
    balance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burdens_and_uncertainty_lower_investment() {
        let exposure = Exposure { investment_sensitivity: 2.0, uncertainty: 0.1, ..Exposure::default() };
        assert_eq!(investment(&exposure, 0.0, false), 1.0);
        assert!((investment(&exposure, 0.2, true) - 0.5).abs() < 1e-12);
        assert_eq!(investment(&exposure, 0.7, false), 0.0);
    }
}
