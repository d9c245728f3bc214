//! Step 6 of a month, credit: users apply; banks query, score and decide; loans are made and trades
//! of data are booked.

mod desk;
mod lending;

pub use desk::Desk;
pub use lending::Lending;

use crate::agents::users::HOME_SLOT;
use crate::ledger::{Flow, Party};
use crate::scenario::parameters::Credit;
use crate::tally::Trade;
use crate::units::Money;
use crate::world::World;

/// The largest share of applications that may come through platforms.
const MOST_THROUGH_PLATFORMS: f64 = 0.9;

/// Books what follows from the month's applications: loans, and trades of data.
pub fn book(world: &mut World) {
    book_loans(world);
    book_trades(world);
    remember(world);
}

/// The hazard of applying this month, and the share of applications that comes through platforms.
pub fn demand(world: &World) -> (f64, f64) {
    let credit = &world.parameters.credit;
    let years = f64::from(world.months_since_start()) / 12.0;
    let relative =
        libm::pow((1.0 + credit.partnership_growth_annual) / (1.0 + credit.demand_growth_annual), years);
    (application_hazard(credit, years), (credit.partnership_share * relative).min(MOST_THROUGH_PLATFORMS))
}

/// The monthly hazard of applying so many years after the start of the calendar.
pub fn application_hazard(credit: &Credit, years: f64) -> f64 {
    (credit.application_rate_monthly * libm::pow(1.0 + credit.demand_growth_annual, years)).min(1.0)
}

/// Puts the month's loans on the books.
fn book_loans(world: &mut World) {
    let instalment = world.instalment();
    world.instalments[(world.month & 0x7f) as usize] = instalment;
    world.loans_by_quintile[(world.month & 0x7f) as usize] = world.tallies[0].granted_to();
    let term = world.parameters.credit.term_months;
    for bank in 0..world.banks.len() {
        for (slot, count) in above_zero(world.tallies[0].granted(bank)) {
            let lent = world.banks.books.grant(bank, slot, count, instalment, term);
            world.ledger.post(Party::Bank(bank), Party::Users, Flow::PrincipalLent, lent);
            if slot != usize::from(HOME_SLOT) {
                world.record.partnership_lent += lent;
            }
        }
    }
}

/// The counts of a bank that are not 0, with their places.
fn above_zero(counts: &[u32]) -> impl Iterator<Item = (usize, u32)> {
    counts.iter().copied().enumerate().filter(|(_, count)| *count > 0)
}

/// Books the fees for the month's queries, bank by bank, and the agencies' revenue shares.
fn book_trades(world: &mut World) {
    let platforms = world.platforms.len();
    let direct_fee = world.parameters.fees.direct_query;
    let fees: Vec<f64> = std::iter::repeat_n(direct_fee, platforms)
        .chain(world.agencies.iter().map(|agency| agency.fee_cny))
        .collect();
    for class in 0..world.parameters.banks.len() {
        let mut sold = vec![(0u64, Money::ZERO); fees.len()];
        for bank in world.banks.of_class(class) {
            for (seller, count) in above_zero(world.tallies[0].queries(bank)) {
                let amount = Money::from_cny(fees[seller] * world.persons(u64::from(count)));
                let (party, flow) = if seller < platforms {
                    (Party::Platform(seller), Flow::DirectFee)
                } else {
                    (Party::Agency(seller - platforms), Flow::AgencyFee)
                };
                world.ledger.post(Party::Bank(bank), party, flow, amount);
                sold[seller].0 += u64::from(count);
                sold[seller].1 += amount;
            }
        }
        for (seller, (queries, amount)) in sold.into_iter().enumerate().filter(|(_, sold)| sold.0 > 0) {
            world.record.trades.push(Trade {
                seller,
                class,
                queries: world.persons(queries),
                records: world.persons(world.tallies[0].records(class, seller, queries)),
                fee_cny: fees[seller],
                amount,
            });
        }
    }
    for agency in 0..world.agencies.len() {
        share_revenue(world, agency);
    }
}

/// An agency passes a share of its fees on to platforms, equally over the records used.
fn share_revenue(world: &mut World, agency: usize) {
    let row = &world.parameters.agencies[agency].row;
    let share = row.revenue_share.unwrap_or(world.parameters.fees.revenue_share);
    let shared = world.ledger.net(Party::Agency(agency), Flow::AgencyFee).share(share);
    let records = world.tallies[0].records_of(agency).to_vec();
    let all: u64 = records.iter().sum();
    for (platform, used) in records.into_iter().enumerate().filter(|(_, used)| *used > 0) {
        let amount = shared.share(used as f64 / all as f64);
        world.ledger.post(Party::Agency(agency), Party::Platform(platform), Flow::RevenueShare, amount);
    }
}

/// Remembers what utilities will look back on.
fn remember(world: &mut World) {
    let platforms = world.platforms.len();
    let mut queries = vec![0u64; platforms + world.agencies.len()];
    for bank in 0..world.banks.len() {
        let counts = world.tallies[0].queries(bank);
        queries.iter_mut().zip(counts).for_each(|(sum, count)| *sum += u64::from(*count));
        world.banks.decisions[bank].push(f64::from(world.tallies[0].decisions(bank).made));
    }
    let weight = world.weight;
    for (p, platform) in world.platforms.iter_mut().enumerate() {
        platform.direct_queries.push(queries[p] as f64 * weight);
    }
    for (a, agency) in world.agencies.iter_mut().enumerate() {
        // The first month with queries is the first that counts: an agency that has just won its first
        // lenders must not look as dear as one that nobody wants.
        let queries = queries[platforms + a];
        if queries > 0 || agency.queries.mean().is_some() {
            agency.queries.push(queries as f64 * weight);
        }
    }
    let decisions = world.persons(world.tallies[0].all_decisions());
    world.decisions_made.push(decisions);
}
