//! Applications, lenders' decisions and repayment in a little world, worked by hand.

use crate::little::{ANT, BEE, CAT, NORTH, SOUTH, likely, open, same, scenario, settle, world};
use mandate::agents::banks::Source;
use mandate::agents::users::serve_blocks;
use mandate::credit::Lending;
use mandate::ledger::{Flow, Party};
use mandate::normal::{normal_cdf, normal_quantile};
use mandate::random::Purpose;
use mandate::repayment::Repayment;
use mandate::scenario::Scenario;
use mandate::scenario::parameters::Parameters;
use mandate::scenario::value::{Consent, LoanRecords};
use mandate::screening::{monthly_hazard, weighted_signal};
use mandate::tally::Group;
use mandate::units::Money;
use mandate::world::World;
use mandate::{accounts, credit, observe, repayment};

/// Everybody is a member of every platform and applies in every month, at a bank that approves nobody.
fn refused(parameters: &mut Parameters) {
    parameters.platforms.iter_mut().for_each(|platform| platform.row.reach = 1.0);
    parameters.credit.application_rate_monthly = 1.0;
    parameters.credit.demand_growth_annual = 0.0;
    parameters.credit.partnership_growth_annual = 0.0;
    parameters.credit.partnership_share = 0.0;
    parameters.credit.pd_intercept = -10.0;
    parameters.credit.tries = 1;
}

/// The same, approved by every bank and never in default.
fn approved(parameters: &mut Parameters) {
    refused(parameters);
    (parameters.credit.pd_intercept, parameters.credit.pd_per_loan) = (10.0, 0.0);
}

/// The same, approved by a bank's own judgement or what it buys, whatever the other loans.
fn judged(parameters: &mut Parameters) {
    refused(parameters);
    (parameters.credit.pd_intercept, parameters.credit.pd_per_loan) = (2.1, 0.0);
}

fn users(world: &World) -> Vec<u32> {
    world.blocks.iter().flat_map(|block| (0..block.len()).map(|i| block.loan_count(i))).collect()
}

fn queries(world: &World, seller: usize) -> u64 {
    (0..world.banks.len()).map(|bank| u64::from(world.tallies[0].queries(bank)[seller])).sum()
}

/// The month's credit alone.
fn lend(world: &mut World) {
    let lending = Lending::new(world);
    let World { blocks, desks, tallies, .. } = world;
    serve_blocks(blocks, desks, tallies, world.stop, |block, ahead, desk, tally| {
        lending.serve(block, ahead, desk, tally);
    });
    world.add_tallies();
    credit::book(world);
}

/// The month's repayment alone.
fn repay(world: &mut World) {
    let repayment = Repayment::new(world);
    let World { blocks, desks, tallies, .. } = world;
    serve_blocks(blocks, desks, tallies, world.stop, |block, ahead, _, tally| {
        repayment.serve(block, ahead, tally)
    });
    world.add_tallies();
    repayment::book(world);
}

fn made(world: &World) -> Vec<u32> {
    (0..world.banks.len()).map(|bank| world.tallies[0].decisions(bank).made).collect()
}

#[test]
fn the_refused_try_distinct_lenders() {
    for (tries, banks) in [(1, 8), (3, 8), (5, 2), (20, 2)] {
        let scenario = scenario(|p| {
            refused(p);
            p.credit.tries = tries;
            p.banks.truncate(if banks == 2 { 1 } else { 2 });
            p.banks[0].row.deposit_share = if banks == 2 { 1.0 } else { 0.6 };
        });
        let mut world = world(&scenario, 0);
        settle(&mut world);
        lend(&mut world);
        let tally = &world.tallies[0];
        assert_eq!((tally.asked(Group::All), tally.got(Group::All)), (2000, 0));
        assert_eq!(tally.all_decisions(), 2000 * u64::from(tries.min(banks)));
        if banks == 2 {
            assert_eq!(made(&world), [2000, 2000], "each bank is asked once by everybody");
        }
        if tries == 3 {
            // First the home bank, by deposit share, then distinct ones: the two big banks are among
            // them far more often than by 3 x 0.3.
            assert!(made(&world)[..2].iter().all(|d| (1300..2000).contains(d)), "{:?}", made(&world));
        }
    }
}

#[test]
fn loans_are_limited_and_defaulters_barred() {
    let scenario = scenario(|p| {
        approved(p);
        p.credit.max_loans = 3;
        p.rules.lender_reporting = 0.0;
    });
    let mut world = world(&scenario, 0);
    world.blocks[0].lock_out(7, 2);
    for month in 0..5 {
        open(&mut world, month);
        settle(&mut world);
        lend(&mut world);
        let loans = users(&world);
        assert!(loans.iter().enumerate().all(|(i, n)| i == 7 || *n == (month + 1).min(3)), "{month}");
        assert_eq!(loans[7], (month + 1).saturating_sub(2).min(3), "barred until month 2");
        let barred = u64::from(month < 2);
        let expected = if month < 3 { 2000 - barred } else { 2000 - 1999 };
        assert_eq!(world.tallies[0].asked(Group::All), expected, "month {month}");
    }
}

/// Applicants of a platform that has left, or is suspended, go to their home bank with the share
/// `diversion`; the others give up, having asked.
#[test]
fn a_missing_platform_diverts_some() {
    let scenario = scenario(|p| {
        approved(p);
        p.credit.partnership_share = 0.8;
        p.credit.diversion = 0.25;
    });
    let after = |change: &dyn Fn(&mut World)| -> (u64, Vec<u32>) {
        let mut world = world(&scenario, 5);
        change(&mut world);
        settle(&mut world);
        lend(&mut world);
        assert_eq!(world.tallies[0].asked(Group::All), 2000, "all count as applications");
        let by_slot = |slot: usize| (0..8).map(|bank| world.tallies[0].granted(bank)[slot]).sum();
        (world.tallies[0].got(Group::All), (0..4).map(by_slot).collect())
    };
    let (all, whole) = after(&|_| ());
    assert_eq!(all, 2000);
    likely(u64::from(whole[ANT + 1]), 2000, 0.8 * 0.2);
    likely(u64::from(whole[CAT + 1]), 2000, 0.8 * 0.7);
    let (got, left) = after(&|world| world.platforms[CAT].in_partnership = false);
    assert_eq!((left[ANT + 1], left[BEE + 1], left[CAT + 1]), (whole[ANT + 1], whole[BEE + 1], 0));
    likely(u64::from(left[0] - whole[0]), u64::from(whole[CAT + 1]), 0.25);
    assert_eq!(got, left.iter().map(|n| u64::from(*n)).sum::<u64>());
    let suspended = after(&|world| world.platforms[CAT].suspended_until = 6);
    assert_eq!(suspended, (got, left), "suspended in month 5");
    assert_eq!(after(&|world| world.platforms[CAT].suspended_until = 5).1, whole, "no longer");
}

/// Direct scores: Bee 0.8, Ant 0.3, Cat 0.1. Ant does not sell.
#[test]
fn applicants_are_enriched_by_who_sent_them() {
    let scenario = scenario(|p| {
        refused(p);
        (p.credit.partnership_share, p.credit.tries) = (0.8, 2);
    });
    let mut world = world(&scenario, 0);
    world.banks.source = vec![Source::Direct; 8];
    world.platforms[ANT].sells_directly = false;
    settle(&mut world);
    lend(&mut world);
    assert_eq!((world.tallies[0].all_decisions(), queries(&world, ANT)), (4000, 0));
    // Second lenders, and home banks, buy of Bee, the most precise that sells.
    likely(queries(&world, BEE) - 2000, 2000, 0.2 + 0.8 * 0.1);
    likely(queries(&world, CAT), 2000, 0.8 * 0.7);
    assert_eq!(world.tallies[0].direct_decisions(), queries(&world, BEE) + queries(&world, CAT));
    // Fees: CNY 6 for each of the 1,000 persons a user stands for.
    let sold = |p: usize| world.ledger.net(Party::Platform(p), Flow::DirectFee);
    assert_eq!(sold(CAT), Money::from_cny(6000.0 * queries(&world, CAT) as f64));

    world.platforms[BEE].sells_directly = false;
    open(&mut world, 1);
    settle(&mut world);
    lend(&mut world);
    assert_eq!(queries(&world, BEE), 0);
    likely(queries(&world, CAT) - 2000, 2000, 0.2 + 0.8 * 0.7);
}

#[test]
fn consent_limits_sale_and_delivery_but_not_what_a_query_costs() {
    for (share, consent) in [(1.0, Consent::None), (0.3, Consent::OptIn), (0.85, Consent::OptOut)] {
        let scenario = scenario(|p| {
            refused(p);
            (p.rules.consent, p.rules.consent_share) = (consent, share);
        });
        let mut world = world(&scenario, 3);
        let agree = |user: &u32| world.key.uniform(Purpose::Consent, *user, 0, 0) < share;
        let consenting = (0..2000).filter(agree).count() as u64;
        // Ant and Bee have delivered everything to North, Cat a half; South has nothing.
        for (p, delivered) in [1.0, 1.0, 0.5].into_iter().enumerate() {
            world.platforms[p].delivered[NORTH] = delivered;
        }
        world.banks.source = vec![Source::Agency(NORTH); 8];
        settle(&mut world);
        lend(&mut world);
        assert_eq!((queries(&world, 3 + NORTH), world.tallies[0].agency_decisions), (2000, 2000));
        let records = world.tallies[0].records_of(NORTH).to_vec();
        assert_eq!(records[..2], [consenting; 2]);
        likely(records[CAT], consenting, 0.5);
        // Fee 20; a fifth goes to platforms by records.
        let fees = 20.0 * 2000.0 * 1000.0;
        assert_eq!(world.ledger.net(Party::Agency(NORTH), Flow::AgencyFee), Money::from_cny(fees));
        let all = records.iter().sum::<u64>() as f64;
        for (p, used) in records.iter().enumerate() {
            let share = world.ledger.net(Party::Platform(p), Flow::RevenueShare).cny();
            assert!((share - 0.2 * fees * *used as f64 / all).abs() < 0.011, "platform {p}");
        }

        open(&mut world, 4);
        world.banks.source = vec![Source::Direct; 8];
        settle(&mut world);
        lend(&mut world);
        assert_eq!((world.tallies[0].direct_decisions(), queries(&world, BEE)), (consenting, consenting));

        // A query that finds nothing is paid, and earns nobody a share.
        open(&mut world, 5);
        world.banks.source = vec![Source::Agency(SOUTH); 8];
        settle(&mut world);
        lend(&mut world);
        assert_eq!(world.ledger.total(Flow::AgencyFee), Money::from_cny(3.0 * 2e6));
        assert_eq!(world.ledger.total(Flow::RevenueShare), Money::ZERO);
    }
}

/// `both` are the agencies that hold something.
#[test]
fn both_agencies_are_those_on_the_menu() {
    let scenario = scenario(refused);
    let mut world = world(&scenario, 3);
    world.banks.source = vec![Source::AllAgencies; 8];
    world.platforms[ANT].delivered = vec![1.0, 1.0];
    settle(&mut world);
    lend(&mut world);
    assert_eq!([NORTH, SOUTH].map(|a| queries(&world, 3 + a)), [2000, 2000]);
    open(&mut world, 4);
    world.platforms[ANT].delivered = vec![1.0, 0.0];
    settle(&mut world);
    lend(&mut world);
    assert_eq!([NORTH, SOUTH].map(|a| queries(&world, 3 + a)), [2000, 0], "South holds nothing any more");
    assert_eq!(world.tallies[0].agency_decisions, 2000);
}

/// Records of both agencies are read with the abler one's noise: where each holds everything, both know what
/// the abler one knows.
#[test]
fn both_agencies_know_what_the_abler_one_knows() {
    let approvals = |source: Source, capability: f64| {
        let scenario = scenario(judged);
        let mut world = world(&scenario, 3);
        world.agencies[SOUTH].capability = capability;
        world.banks.source = vec![source; 8];
        world.platforms.iter_mut().for_each(|platform| platform.delivered = vec![1.0, 1.0]);
        settle(&mut world);
        lend(&mut world);
        users(&world)
    };
    let both = approvals(Source::AllAgencies, 0.6);
    assert!(both == approvals(Source::Agency(SOUTH), 0.6), "South keeps 0.6 of what records say");
    assert!(both != approvals(Source::Agency(NORTH), 0.6), "North keeps 0.5 of it");
    // Of two that are as able as each other it is the first.
    let both = approvals(Source::AllAgencies, 0.5);
    assert!(both == approvals(Source::Agency(NORTH), 0.5) && both != approvals(Source::Agency(SOUTH), 0.5));
}

/// A bank's noise about a person, and a seller's, stay: nobody is approved by asking again, and two
/// banks that know nothing but the same data decide alike.
#[test]
fn errors_persist_and_are_shared() {
    let approvals = |source: Source, tries: u32, own: f64| -> Vec<u32> {
        let scenario = scenario(|p| {
            judged(p);
            p.credit.tries = tries;
            p.banks.iter_mut().for_each(|bank| bank.row.information_precision = own);
        });
        let mut world = world(&scenario, 3);
        world.banks.source = vec![source; 8];
        world.platforms[BEE].delivered = vec![1.0, 0.0];
        settle(&mut world);
        lend(&mut world);
        let first = users(&world);
        open(&mut world, 4);
        settle(&mut world);
        lend(&mut world);
        if tries == 1 {
            assert!(first.iter().zip(users(&world)).all(|(once, twice)| twice == 2 * once), "{source:?}");
        }
        first
    };
    for source in [Source::Direct, Source::Agency(NORTH)] {
        let (one, five) = (approvals(source, 1, 0.0), approvals(source, 5, 0.0));
        assert!(one.contains(&0) && one.contains(&1));
        assert!(one == five, "{source:?}: five lenders know what one knows");
        let (one, five) = (approvals(source, 1, 0.3), approvals(source, 5, 0.3));
        let approved = |users: &[u32]| users.iter().sum::<u32>();
        assert!(approved(&five) > approved(&one) + 50, "{source:?}: five judgements are more than one");
    }
    let direct = approvals(Source::Direct, 1, 0.0);
    assert!(direct != approvals(Source::Agency(NORTH), 1, 0.0), "each seller has its own errors");
}

/// The words of the keys, the noise they stand for, and what a lender makes of them: every decision is the one
/// that exact values give, however near to break-even.
#[test]
fn decisions_are_those_of_exact_values() {
    // Break-even near the middle of the distribution of quality, and in its tail.
    for pd_intercept in [2.1, 3.3] {
        let scenario = scenario(|p| {
            judged(p);
            (p.credit.pd_intercept, p.users.sample) = (pd_intercept, 150_000);
            p.platforms.iter_mut().for_each(|platform| platform.row.reach = 0.5);
        });
        let mut world = world(&scenario, 3);
        world.banks.source =
            [Source::Direct, Source::Agency(NORTH), Source::None, Source::AllAgencies].repeat(2);
        for (p, delivered) in [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]].into_iter().enumerate() {
            world.platforms[p].delivered = delivered.to_vec();
        }
        settle(&mut world);
        lend(&mut world);
        let terms = world.lending_terms();
        let mut approved = [0u32; 2];
        for block in &world.blocks {
            for place in 0..block.len() {
                let (user, bank, quality) = (block.user(place), block.home_bank(place), block.quality(place));
                let member = |p: usize| f64::from(u8::from(block.memberships(place) >> p & 1 == 1));
                // Scores: Bee 0.8, Ant 0.3, Cat 0.1. North holds Ant and Bee, South, the abler one, Cat.
                let scores = [(BEE, 0.8), (ANT, 0.5 * 0.6), (CAT, 0.1)];
                let north =
                    (0.4 * member(ANT)).max(0.2 * member(BEE)) + 0.2 * member(ANT) + 0.8 * member(BEE);
                let (seller, bought) = match world.banks.source[bank] {
                    Source::Direct => {
                        scores.into_iter().find(|(p, _)| member(*p) > 0.0).unwrap_or((ANT, 0.0))
                    }
                    Source::Agency(_) => (3 + NORTH, 0.5 * north),
                    Source::AllAgencies => (3 + SOUTH, 0.6 * (north + 0.1 * member(CAT))),
                    Source::None => (ANT, 0.0),
                };
                let own = world.own_precision(usize::from(bank > 1), block.thin_file(place));
                let word = |purpose, option: usize| world.key.uniform(purpose, user, 0, option as u32);
                let noise = |purpose, option| normal_quantile(word(purpose, option));
                let signals = weighted_signal(quality, own, noise(Purpose::OwnNoise, bank))
                    + weighted_signal(quality, bought, noise(Purpose::SellerNoise, seller));
                let precision = own + bought;
                let approves = terms.approves(signals / (1.0 + precision), precision, 0);
                assert_eq!(block.loan_count(place), u32::from(approves), "user {user} of bank {bank}");
                approved[usize::from(approves)] += 1;
            }
        }
        assert!(approved.iter().all(|count| *count > 500), "{approved:?}");
    }
}

/// A reported loan makes a person ask less often, or more often; nobody else asks otherwise than before.
#[test]
fn a_reported_loan_changes_how_often_a_person_asks() {
    for (effect, reported) in [(-0.5, 0.2), (0.5, 0.6), (-1.0, 0.0)] {
        let scenario = scenario(|p| {
            approved(p);
            (p.users.sample, p.users.population) = (60_000, 60_000);
            (p.credit.application_rate_monthly, p.credit.reporting_demand_effect) = (0.4, effect);
        });
        let mut world = world(&scenario, 3);
        let mut persons = [0u64; 3];
        for block in &mut world.blocks {
            // Blocks in which nothing has been reported are dealt with otherwise.
            let groups = if block.number < 30 { 3 } else { 2 };
            for place in 0..block.len() {
                let group = place % groups;
                persons[group] += 1;
                if group > 0 {
                    block.grant(place, 0, 0, group == 2, 2);
                }
            }
        }
        settle(&mut world);
        lend(&mut world);
        let mut asked = [0u64; 3];
        for block in &world.blocks {
            let groups = if block.number < 30 { 3 } else { 2 };
            for place in 0..block.len() {
                let group = place % groups;
                asked[group] += u64::from(block.loan_count(place)) - u64::from(group > 0);
            }
        }
        for (group, rate) in [0.4, 0.4, reported].into_iter().enumerate() {
            likely(asked[group], persons[group], rate);
        }
    }
}

/// Of new loans a share is reported.
#[test]
fn a_share_of_loans_is_reported() {
    for share in [0.0, 0.3, 1.0] {
        let scenario = scenario(|p| {
            approved(p);
            p.rules.lender_reporting = share;
        });
        let mut world = world(&scenario, 0);
        settle(&mut world);
        lend(&mut world);
        let loans = || world.blocks.iter().flat_map(|block| block.loans());
        assert_eq!(loans().count(), 2000);
        likely(loans().filter(|loan| loan.reported()).count() as u64, 2000, share);
    }
}

/// A lender that takes any loan it sees for certain ruin: who sees what decides.
#[test]
fn a_lender_sees_its_own_loans_and_reported_ones() {
    let cases = [
        (LoanRecords::None, Source::Agency(NORTH), false),
        (LoanRecords::Subscribers, Source::None, false),
        (LoanRecords::Subscribers, Source::Direct, false),
        (LoanRecords::Subscribers, Source::Agency(SOUTH), false),
        (LoanRecords::Subscribers, Source::Agency(NORTH), true),
        (LoanRecords::Subscribers, Source::AllAgencies, true),
        (LoanRecords::All, Source::None, true),
    ];
    for (records, source, sees) in cases {
        let scenario = scenario(|p| {
            approved(p);
            (p.credit.pd_per_loan, p.rules.loan_records) = (5.0, records);
            (p.credit.pd_intercept, p.credit.pd_slope) = (2.5, 0.0);
            p.credit.reporting_demand_effect = 0.0;
        });
        let mut world = world(&scenario, 3);
        world.banks.source = vec![source; 8];
        world.platforms[ANT].delivered = vec![1.0, 1.0];
        let block = &mut world.blocks[0];
        let home = |place: usize| block.home_bank(place);
        let homes = [home(0), home(1), home(2)];
        block.grant(0, homes[0], 0, false, 2);
        block.grant(1, (homes[1] + 1) % 8, 0, false, 2);
        block.grant(2, (homes[2] + 1) % 8, 0, true, 2);
        settle(&mut world);
        lend(&mut world);
        let loans = users(&world);
        assert_eq!(loans[..4], [1, 2, 2 - u32::from(sees), 1], "{records:?} {source:?}");
    }
}

/// What is lent is booked in money, by where it came from.
#[test]
fn what_is_lent_is_booked() {
    let scenario = scenario(|p| {
        approved(p);
        (p.credit.partnership_share, p.credit.term_months) = (0.5, 6);
        p.users.population = 3_000_000;
    });
    let mut world = world(&scenario, 2);
    settle(&mut world);
    lend(&mut world);
    // A user stands for 1,500 persons, each of whom borrows CNY 12,000.
    let cny = |loans: u32| f64::from(loans) * 1500.0 * 12_000.0;
    let (mut home, mut through) = (0, 0);
    for bank in 0..8 {
        for slot in 0..4 {
            let loans = world.tallies[0].granted(bank)[slot];
            *(if slot == 0 { &mut home } else { &mut through }) += loans;
            assert_eq!(world.banks.books.balance(bank, slot).cny(), cny(loans));
        }
    }
    assert_eq!(home + through, 2000);
    assert_eq!(amount(&world, Flow::PrincipalLent), cny(2000));
    assert_eq!(world.record.partnership_lent.cny(), cny(through));
    assert_eq!(world.banks.books.totals().1.cny(), cny(through));
    assert_eq!((world.instalments[2].cny(), world.instalment().cny()), (cny(1) / 6.0, cny(1) / 6.0));
    accounts::check(&world).unwrap();
}

/// Loans put on the books by hand: of each person, `loans` of CNY 12,000 granted in month 2, through Ant
/// where `partnership`.
fn lent(world: &mut World, place: usize, loans: usize, reported: bool, partnership: bool) {
    let instalment = Money::from_cny(1000.0 * 1000.0);
    world.instalments[2] = instalment;
    let slot = u8::from(partnership) * (ANT as u8 + 1);
    for i in 0..loans {
        let lender = (world.blocks[0].home_bank(place) + i) % 8;
        world.blocks[0].grant(place, lender, slot, reported, 2);
        world.banks.books.of(lender, 2).grant(usize::from(slot), 1, instalment);
        world.loans_by_quintile[2][usize::from(world.blocks[0].quintile(place)) - 1] += 1;
    }
}

fn amount(world: &World, flow: Flow) -> f64 {
    world.ledger.total(flow).cny()
}

#[test]
fn a_loan_is_served_from_the_month_after_its_grant() {
    let scenario = scenario(|p| p.credit.pd_intercept = 10.0);
    let mut world = world(&scenario, 2);
    lent(&mut world, 0, 1, false, true);
    lent(&mut world, 1, 1, false, false);
    for month in 3..=15 {
        open(&mut world, month);
        repay(&mut world);
        // Both loans stood at 12 m (1,000 persons x 12,000); a twelfth is repaid each month.
        let opening = 24e6 * f64::from(15 - month) / 12.0;
        same(amount(&world, Flow::Interest), (opening * 15.0 / 12.0).round() / 100.0, "interest");
        let commission = (opening / 2.0 * 2.74 / 12.0).round() / 100.0;
        same(amount(&world, Flow::Commission), commission, "commission of the loan through Ant");
        same(world.ledger.net(Party::Platform(ANT), Flow::Commission).cny(), commission, "to Ant");
        let all_in = amount(&world, Flow::Funding) + commission;
        assert!((all_in - opening * 0.115 / 12.0).abs() < 0.011, "{all_in}");
        same(amount(&world, Flow::PrincipalRepaid), if month < 15 { 2e6 } else { 0.0 }, "repaid");
        assert_eq!(users(&world).iter().sum::<u32>(), if month < 14 { 2 } else { 0 }, "month {month}");
        accounts::check(&world).unwrap();
    }
    assert_eq!(world.banks.books.totals(), (Money::ZERO, Money::ZERO));
}

#[test]
fn a_default_hits_every_loan() {
    let scenario = scenario(|p| {
        p.credit.pd_intercept = -10.0;
        p.credit.lockout_months = 5;
    });
    let mut world = world(&scenario, 2);
    lent(&mut world, 0, 3, false, true);
    world.parameters.credit.pd_intercept = 10.0;
    open(&mut world, 3);
    repay(&mut world);
    world.parameters.credit.pd_intercept = -10.0;
    open(&mut world, 4);
    repay(&mut world);
    // Three balances of 11 m: 65 % is lost, 35 % recovered, and nothing else is paid.
    same(amount(&world, Flow::PrincipalRepaid), 0.35 * 33e6, "recovered");
    same(world.record.written_off.iter().copied().sum::<Money>().cny(), 0.65 * 33e6, "written off");
    let paid = [Flow::Interest, Flow::Commission, Flow::Funding].map(|flow| world.ledger.total(flow));
    assert_eq!(paid, [Money::ZERO; 3]);
    assert_eq!((world.tallies[0].defaulters, world.tallies[0].defaulted().len()), (1, 3));
    assert_eq!(users(&world)[0], 0);
    let person = world.blocks[0].people().get(0).unwrap();
    assert!(person.locked_out(8) && !person.locked_out(9), "month 4 and 5 more");
    accounts::check(&world).unwrap();
}

/// Risk may change in the course of a run: borrowers default under what it is now.
#[test]
fn a_change_of_risk_is_felt_at_once() {
    let scenario = scenario(|p| p.credit.pd_intercept = 10.0);
    let mut world = world(&scenario, 2);
    (0..20).for_each(|place| lent(&mut world, place, 1, false, false));
    for (month, pd_intercept, left) in [(3, 10.0, 20), (4, -10.0, 0)] {
        open(&mut world, month);
        world.parameters.credit.pd_intercept = pd_intercept;
        repay(&mut world);
        assert_eq!(users(&world).iter().sum::<u32>(), left, "month {month}");
    }
}

/// The hazard grows with each other loan, and falls with discipline where a loan was reported.
#[test]
fn a_hazard_counts_loans_and_discipline() {
    let flat = |p: &mut Parameters| {
        p.users.sample = 60_000;
        p.users.population = 60_000;
        (p.credit.pd_intercept, p.credit.pd_slope, p.credit.pd_per_loan) = (1.0, 0.0, 0.25);
        p.credit.reporting_discipline = 0.5;
    };
    let scenario = scenario(flat);
    let mut world = world(&scenario, 2);
    let instalment = world.instalment();
    world.instalments[2] = instalment;
    let mut borrowers = 0u64;
    for block in &mut world.blocks {
        for place in 0..block.len() {
            let (loans, reported) = [(1, false), (3, false), (2, true)][place % 3];
            for lender in 0..loans {
                // One reported loan makes the whole person disciplined.
                block.grant(place, lender, 0, reported && lender == 0, 2);
                world.banks.books.of(lender, 2).grant(0, 1, instalment);
                world.loans_by_quintile[2][usize::from(block.quintile(place)) - 1] += 1;
            }
            borrowers += u64::from(place % 3 == 0);
        }
    }
    open(&mut world, 3);
    repay(&mut world);
    let defaulted = |group: usize| -> u64 {
        let blocks = world.blocks.iter();
        let count = |block: &mandate::agents::users::Block| {
            (0..block.len()).filter(|i| i % 3 == group && block.loan_count(*i) == 0).count() as u64
        };
        blocks.map(count).sum()
    };
    // Phi(-1), Phi(-1 + 2 x 0.25), Phi(-1 + 0.25 - 0.5).
    for (group, pd) in [0.158_655_3, 0.308_537_5, 0.105_649_8].into_iter().enumerate() {
        likely(defaulted(group), borrowers, monthly_hazard(pd));
    }
    assert_eq!(world.tallies[0].defaulters, (0..3).map(defaulted).sum::<u64>());
}

/// What is counted of applications and defaults is what the month's row says.
#[test]
fn rates_are_of_what_they_say() {
    let scenario: Scenario = scenario(|p| {
        judged(p);
        (p.credit.partnership_share, p.credit.tries) = (0.5, 2);
    });
    let mut world = world(&scenario, 3);
    world.banks.source = [Source::Direct, Source::Agency(NORTH), Source::None, Source::AllAgencies].repeat(2);
    world.platforms[ANT].delivered = vec![1.0, 0.5];
    world.platforms[BEE].sells_directly = false;
    world.borrowers = 400;
    repay(&mut world);
    world.tallies[0].defaulters = 3;
    settle(&mut world);
    lend(&mut world);
    let row = observe::month_row(&world);
    let share = |value: Option<f64>| value.unwrap();
    let shares = [row.direct_query_share, row.agency_query_share, row.unenriched_query_share].map(share);
    assert!(shares.iter().all(|share| *share > 0.1), "{shares:?}");
    same(shares.iter().sum(), 1.0, "shares of decisions");
    assert_eq!(row.unlawful_query_share, Some(0.0), "no ban");
    same(share(row.default_rate_annual), 12.0 * 3.0 / 400.0, "default rate");
    assert_eq!(row.applications, 2e6);

    // Creditworthy: Phi(-(2.1 + 0.9 z)) below 0.035 / 0.685, with no loan before this month's.
    let good = |block: &mandate::agents::users::Block, i: usize| {
        0.035 * (1.0 - pd(block.quality(i))) > 0.65 * pd(block.quality(i))
    };
    let (mut asked, mut got) = (0.0, 0.0);
    for block in &world.blocks {
        for i in (0..block.len()).filter(|i| good(block, *i)) {
            asked += 1.0;
            got += f64::from(block.loan_count(i));
        }
    }
    same(share(row.approval_rate_creditworthy), got / asked, "creditworthy");
    assert_eq!(world.tallies[0].asked(Group::Creditworthy), asked as u64);
}

fn pd(quality: f64) -> f64 {
    normal_cdf(-2.1 - 0.9 * quality)
}

/// Demand grows by the year, and the platforms' part of it faster, from where it stands at the start.
#[test]
fn demand_grows_from_the_start_of_the_calendar() {
    let mut scenario = scenario(|p| {
        (p.calendar.burn_in_months, p.calendar.months) = (12, 600);
        (p.credit.application_rate_monthly, p.credit.demand_growth_annual) = (0.05, 0.2);
        (p.credit.partnership_share, p.credit.partnership_growth_annual) = (0.4, 0.5);
    });
    for (month, hazard, through) in [
        (0, 0.05 / 1.2, 0.4 / 1.25),
        (12, 0.05, 0.4),
        (36, 0.05 * 1.44, 0.4 * 1.5625),
        (72, 0.05 * 1.2f64.powi(5), 0.9),
        (600, 1.0, 0.9),
    ] {
        let found = credit::demand(&world(&scenario, month));
        same(found.0, hazard, "hazard");
        same(found.1, through, "share through platforms");
    }
    scenario.parameters.credit.demand_growth_annual = -0.5;
    same(credit::demand(&world(&scenario, 24)).0, 0.025, "a year of decline");
}

/// What utilities look back on: queries and decisions by the month, of an agency from its first query on.
#[test]
fn queries_and_decisions_are_remembered() {
    let scenario = scenario(|p| {
        refused(p);
        p.users.population = 6_000;
    });
    let mut world = world(&scenario, 3);
    world.platforms[CAT].delivered = vec![1.0, 0.0];
    let all = [Source::Direct, Source::Agency(SOUTH), Source::None, Source::None].repeat(2);
    let direct = [vec![Source::Direct; 2], vec![Source::None; 6]].concat();
    let mut decided = Vec::new();
    for (month, sources) in [(3, &direct), (4, &all), (5, &direct)] {
        open(&mut world, month);
        world.banks.source.clone_from(sources);
        settle(&mut world);
        lend(&mut world);
        decided.push(made(&world));
        // Trades, by class and seller, of those who were asked.
        let trades: Vec<_> =
            world.record.trades.iter().map(|t| (t.class, t.seller, t.queries, t.records, t.amount)).collect();
        let asked = |banks: &[usize]| 3.0 * banks.iter().map(|b| f64::from(decided[0][*b])).sum::<f64>();
        let direct = |class, banks: &[usize]| {
            (class, BEE, asked(banks), asked(banks), Money::from_cny(6.0 * asked(banks)))
        };
        let south = |class, banks: &[usize]| {
            (class, 3 + SOUTH, asked(banks), 0.0, Money::from_cny(3.0 * asked(banks)))
        };
        let expected = if month == 4 {
            vec![direct(0, &[0]), south(0, &[1]), direct(1, &[4]), south(1, &[5])]
        } else {
            vec![direct(0, &[0, 1])]
        };
        assert_eq!(trades, expected);
    }
    // Everybody applies in every month, to the same home bank.
    assert_eq!((&decided[1], &decided[2]), (&decided[0], &decided[0]));
    let of = |bank: usize| 3.0 * f64::from(decided[0][bank]);
    let bee = world.platforms[BEE].direct_queries.mean().unwrap();
    same(bee, (2.0 * (of(0) + of(1)) + of(0) + of(4)) / 3.0, "of Bee");
    assert_eq!(world.platforms[ANT].direct_queries.mean(), Some(0.0));
    assert_eq!(world.agencies[NORTH].queries.mean(), None, "never asked");
    same(world.agencies[SOUTH].queries.mean().unwrap(), (of(1) + of(5)) / 2.0, "of South, since April");
    assert_eq!(world.decisions_made.mean(), Some(6_000.0));
    assert_eq!(world.banks.decisions[7].mean(), Some(of(7) / 3.0), "persons of the sample");
}
