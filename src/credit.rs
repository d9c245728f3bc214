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
use rayon::prelude::*;

/// The largest share of applications that may come through platforms.
const MOST_THROUGH_PLATFORMS: f64 = 0.9;

/// Books what follows from the month's applications: loans, and trades of data.
pub fn book(world: &mut World) {
    let instalment = world.instalment();
    world.instalments[(world.month & 0x7f) as usize] = instalment;
    world.loans_by_quintile[(world.month & 0x7f) as usize] = world.tallies[0].granted_to();
    let fees = fees(world);
    let booked = book_banks(world, instalment, &fees);
    world.record.partnership_lent = booked.partnership_lent;
    record_trades(world, &booked, &fees);
    (0..world.agencies.len()).for_each(|agency| share_revenue(world, agency));
    remember(world, &booked);
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

/// Fees by seller: platforms, then agencies. CNY per query.
fn fees(world: &World) -> Vec<f64> {
    let direct_fee = world.parameters.fees.direct_query;
    let agencies = world.agencies.iter().map(|agency| agency.fee_cny);
    std::iter::repeat_n(direct_fee, world.platforms.len()).chain(agencies).collect()
}

/// What has been booked at some banks.
struct Booked {
    partnership_lent: Money,
    /// Queries, by seller.
    queries: Vec<u64>,
    /// Of each class of banks that bought anything, in their order: queries and what was paid for them, by seller. Classes may be
    /// as many as banks.
    sold: Vec<(u16, Vec<(u64, Money)>)>,
}

impl Booked {
    fn nothing(sellers: usize) -> Booked {
        Booked { partnership_lent: Money::ZERO, queries: vec![0; sellers], sold: Vec::new() }
    }

    /// Adds what a seller sold to a bank of a class, none before those of which anything was added.
    fn sell(&mut self, class: u16, seller: usize, queries: u64, amount: Money) {
        if self.sold.last().is_none_or(|(last, _)| *last != class) {
            self.sold.push((class, vec![(0, Money::ZERO); self.queries.len()]));
        }
        let (_, by_seller) = self.sold.last_mut().expect("the class is there");
        by_seller[seller].0 += queries;
        by_seller[seller].1 += amount;
        self.queries[seller] += queries;
    }

    /// Adds what was booked at the banks that follow.
    fn add(&mut self, other: Booked) {
        self.partnership_lent += other.partnership_lent;
        for (class, by_seller) in other.sold {
            for (seller, (queries, amount)) in by_seller.into_iter().enumerate() {
                self.sell(class, seller, queries, amount);
            }
        }
    }
}

/// Puts every bank's loans of the month on its books, and its fees for queries; remembers its decisions.
fn book_banks(world: &mut World, instalment: Money, fees: &[f64]) -> Booked {
    let (platforms, weight) = (world.platforms.len(), world.weight);
    let World { banks, ledger, tallies, desks, .. } = world;
    let tally = &tallies[0];
    ledger.post_by_bank(
        desks.len(),
        banks.books.of_all(world.month).zip(&banks.class).zip(&mut banks.decisions),
        || Booked::nothing(fees.len()),
        |bank, ((mut books, class), decisions), ledger, booked| {
            for (slot, count) in above_zero(tally.granted(bank)) {
                let lent = books.grant(slot, count, instalment);
                ledger.post(Party::Bank(bank), Party::Users, Flow::PrincipalLent, lent);
                if slot != usize::from(HOME_SLOT) {
                    booked.partnership_lent += lent;
                }
            }
            for (seller, count) in above_zero(tally.queries(bank)) {
                let amount = Money::from_cny(fees[seller] * (f64::from(count) * weight));
                let (party, flow) = match seller.checked_sub(platforms) {
                    None => (Party::Platform(seller), Flow::DirectFee),
                    Some(agency) => (Party::Agency(agency), Flow::AgencyFee),
                };
                ledger.post(Party::Bank(bank), party, flow, amount);
                booked.sell(*class, seller, u64::from(count), amount);
            }
            decisions.push(f64::from(tally.decisions(bank).made));
        },
        Booked::add,
    )
}

/// The counts of a bank that are not 0, with their places.
fn above_zero(counts: &[u32]) -> impl Iterator<Item = (usize, u32)> {
    counts.iter().copied().enumerate().filter(|(_, count)| *count > 0)
}

/// Records what each seller sold to each class of banks.
fn record_trades(world: &mut World, booked: &Booked, fees: &[f64]) {
    for (class, by_seller) in &booked.sold {
        let class = usize::from(*class);
        for (seller, (queries, amount)) in
            by_seller.iter().copied().enumerate().filter(|(_, sold)| sold.0 > 0)
        {
            let records = world.tallies[0].records(class, seller, queries);
            world.record.trades.push(Trade {
                seller,
                class,
                queries: world.persons(queries),
                records: world.persons(records),
                fee_cny: fees[seller],
                amount,
            });
        }
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
fn remember(world: &mut World, booked: &Booked) {
    let platforms = world.platforms.len();
    let weight = world.weight;
    for (p, platform) in world.platforms.iter_mut().enumerate() {
        platform.direct_queries.push(booked.queries[p] as f64 * weight);
    }
    for (a, agency) in world.agencies.iter_mut().enumerate() {
        // The first month with queries is the first that counts: an agency that has just won its first
        // lenders must not look as dear as one that nobody wants.
        let queries = booked.queries[platforms + a];
        if queries > 0 || agency.queries.mean().is_some() {
            agency.queries.push(queries as f64 * weight);
        }
    }
    let decisions = world.persons(world.tallies[0].all_decisions());
    world.decisions_made.push(decisions);
}
