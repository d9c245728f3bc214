//! Rules, supervision and accounts in a little world, worked by hand.

use crate::common::{from, month, written};
use crate::little::{ANT, BEE, CAT, NORTH, SOUTH, likely, open, same, scenario, world};
use mandate::agents::banks::Source;
use mandate::ledger::{Flow, Party};
use mandate::scenario::parameters::Parameters;
use mandate::scenario::value::{Consent, DeliverTo, Domains, LoanRecords};
use mandate::scenario::{Amendment, Change, Condition, Scenario, Trigger};
use mandate::supervision::supervise;
use mandate::units::{Money, RuleMonth};
use mandate::world::World;
use mandate::{accounts, compliance, delivery, exposure, observe, rules};

/// An order of 2021-03 with a deadline in 2021-06 and a ban from 2021-02; everybody is audited every
/// month, and every audit finds what there is.
fn strict(parameters: &mut Parameters) {
    parameters.rules.direct_sale_ban = from("2021-02");
    parameters.rules.order = from("2021-03");
    parameters.rules.deadline = from("2021-06");
    parameters.supervision.audits_per_month = 1e6;
    parameters.supervision.bank_audits_per_month = 1e6;
    parameters.supervision.detection = 1.0;
    parameters.supervision.overstatement = 0.2;
    parameters.agencies.truncate(1);
    parameters.stakes.truncate(1);
}

fn delivered(world: &mut World, shares: [f64; 3]) {
    for (platform, share) in world.platforms.iter_mut().zip(shares) {
        platform.delivered[NORTH] = share;
        platform.sells_directly = false;
    }
}

fn fine(world: &World, platform: usize) -> f64 {
    -world.ledger.net(Party::Platform(platform), Flow::Fine).cny()
}

#[test]
fn rules_act_from_their_months() {
    let mut scenario = scenario(strict);
    scenario.parameters.rules.required_share = 0.5;
    scenario.parameters.rules.lender_reporting = 0.7;
    scenario.parameters.rules.loan_records = LoanRecords::All;
    scenario.parameters.rules.domains = Domains(1);
    scenario.parameters.calendar.burn_in_months = 2;
    let rules = |scenario: &Scenario, month: u32| world(scenario, month + 2).rules;
    // January: nothing yet. February: the ban. March: the order, three months before its deadline.
    let january = rules(&scenario, 0);
    assert!(!january.direct_sale_banned && !january.ordered && january.agencies[ANT] == [NORTH]);
    assert_eq!((january.required_share, january.lender_reporting, january.domains), (0.0, 0.0, Domains::ALL));
    assert!(rules(&scenario, 1).direct_sale_banned && !rules(&scenario, 1).ordered);
    let march = rules(&scenario, 2);
    assert_eq!((march.ordered, march.months_to_deadline, march.required_share), (true, Some(3), 0.5));
    assert_eq!(
        (march.lender_reporting, march.loan_records, march.domains),
        (0.7, LoanRecords::All, Domains(1))
    );
    assert!(!rules(&scenario, 4).deadline_passed() && rules(&scenario, 5).deadline_passed());
    // Without an order they act from the first reported month; a deadline means nothing.
    scenario.parameters.rules.order = RuleMonth::Never;
    assert_eq!(world(&scenario, 1).rules.lender_reporting, 0.0, "burn-in");
    let first = rules(&scenario, 0);
    assert_eq!((first.lender_reporting, first.domains, first.months_to_deadline), (0.7, Domains(1), None));
    assert!(!rules(&scenario, 9).deadline_passed());
}

/// A date, and a condition that must hold for two months in a row from March on, between two values and neither of
/// them; each comes into force once.
#[test]
fn amendments_come_into_force_once() {
    let change = |path: &str, value: f64| -> Change {
        let text = format!(
            "title = \"T\"\nextends = \"{{scenarios}}/december-deadline.toml\"\n\
             [[amendment]]\nfrom = \"2022-01\"\nset = {{ \"{path}\" = {value} }}\n"
        );
        written(&text, &[]).amendments.pop().unwrap().changes.remove(0)
    };
    let mut scenario = scenario(|_| ());
    let condition = Condition {
        indicator: "delivered_share_reported",
        below: Some(0.5),
        above: Some(0.2),
        for_months: 2,
        not_before: Some(month("2021-03")),
    };
    for (trigger, change) in [
        (Trigger::From(month("2021-05")), change("fees.direct_query", 9.0)),
        (Trigger::When(condition), change("fees.agency_query", 7.0)),
    ] {
        scenario.amendments.push(Amendment { note: String::new(), trigger, changes: vec![change] });
    }
    let met = Some(0.3);
    for (reported, in_force) in [
        // Before March nothing is read. After that: once, then nothing to read, and either end of what is met.
        ([met, met, met, None, met, Some(0.5), met, Some(0.2), met, met, met, met], 10),
        ([met; 12], 4),
    ] {
        let mut world = world(&scenario, 0);
        for (now, reported) in (0..).zip(reported) {
            let fees = &mut world.parameters.fees;
            assert_eq!(fees.direct_query, if now == 4 { 9.0 } else { 6.0 }, "month {now}");
            assert_eq!(fees.agency_query, if now == in_force { 7.0 } else { 24.0 }, "month {now}");
            // Whoever sets them back finds that amendments do not act again.
            (fees.direct_query, fees.agency_query) = (6.0, 24.0);
            let mut row = observe::month_row(&world);
            row.delivered_share_reported = reported;
            rules::read_conditions(&mut world, &row);
            open(&mut world, now + 1);
        }
    }
}

#[test]
fn platforms_deliver_to_whom_they_are_told() {
    let mut scenario = scenario(|p| p.rules.order = from("2021-01"));
    let agencies = |scenario: &Scenario, month| world(scenario, month).rules.agencies;
    assert_eq!(agencies(&scenario, 1), [[NORTH]; 3], "South opens in March");
    assert_eq!(agencies(&scenario, 2), [[NORTH, SOUTH]; 3]);
    scenario.parameters.rules.deliver_to = DeliverTo::List(vec!["south".into()]);
    scenario.parameters.platforms[BEE].row.deliver_to = Some(DeliverTo::List(vec!["north".into()]));
    scenario.parameters.platforms[CAT].row.deliver_to = Some(DeliverTo::Any);
    let rules = world(&scenario, 2).rules;
    assert_eq!(rules.agencies, [vec![SOUTH], vec![NORTH], vec![NORTH, SOUTH]]);
    assert_eq!(rules.any_agency, [false, false, true]);
    assert_eq!(agencies(&scenario, 1), [vec![], vec![NORTH], vec![NORTH]]);
}

/// Warning, fine, then fine and suspension, for a shortfall after the deadline.
#[test]
fn the_ladder_of_a_shortfall() {
    let scenario = scenario(strict);
    let mut world = world(&scenario, 4);
    let year = |world: &World, p: usize| 12.0 * world.platforms[p].reference_cny;
    for month in 4..9 {
        open(&mut world, month);
        // Bee is just inside the tolerance, Cat has delivered everything.
        delivered(&mut world, [0.25, 0.9, 1.0]);
        supervise(&mut world);
        let found = i64::from(month) - 4;
        assert_eq!([ANT, BEE, CAT].map(|p| i64::from(world.platforms[p].findings)), [found, 0, 0]);
        assert_eq!(world.record.findings, u32::from(month > 4), "nothing is a violation before the deadline");
        // A fifth of a year's reference, for three quarters missing, from the second finding on.
        let expected =
            if found >= 2 { (0.2 * 0.75 * year(&world, ANT) * 100.0).round() / 100.0 } else { 0.0 };
        same(fine(&world, ANT), expected, "fine");
        let suspended = if found >= 3 { month + 4 } else { 0 };
        assert_eq!(world.platforms[ANT].suspended_until, suspended, "the three months after the finding");
        assert_eq!(world.ledger.net(Party::Treasury, Flow::Fine).cny(), fine(&world, ANT));
        assert_eq!((world.record.platform_audits, world.record.bank_audits), (3, 8));
        let cost = -world.ledger.net(Party::CentralBank, Flow::AuditCost).cny();
        assert_eq!(cost, 11.0 * 200_000.0);
    }
}

/// Direct sale under the ban is fined in full and never suspends; who buys is fined by size.
#[test]
fn the_ladder_of_a_direct_sale() {
    let scenario = scenario(strict);
    let mut world = world(&scenario, 1);
    for (bank, decisions) in [400.0, 0.0, 200.0, 200.0, 0.0, 0.0, 0.0, 0.0].into_iter().enumerate() {
        world.banks.decisions[bank].push(decisions);
    }
    world.platforms.iter_mut().for_each(|platform| platform.sells_directly = false);
    world.platforms[BEE].sells_directly = true;
    supervise(&mut world);
    assert_eq!(world.record.findings, 0, "nobody buys");
    world.banks.source[0] = Source::Direct;
    world.banks.source[2] = Source::Direct;
    for (finding, month) in (1..=4).zip(1..) {
        open(&mut world, month);
        supervise(&mut world);
        assert_eq!(world.record.findings, 3, "Bee and two banks");
        let reference = world.platforms[BEE].reference_cny;
        let expected = if finding >= 2 { (0.2 * 12.0 * reference * 100.0).round() / 100.0 } else { 0.0 };
        same(fine(&world, BEE), expected, "fine of Bee");
        assert_eq!(world.platforms[BEE].suspended_until, 0);
        // CNY 1.6 m for a bank of 100 decisions, the average.
        let of_bank = |bank: usize| -world.ledger.net(Party::Bank(bank), Flow::Fine).cny();
        let expected = if finding >= 2 { [6.4e6, 0.0, 3.2e6, 0.0] } else { [0.0; 4] };
        assert_eq!([0, 1, 2, 3].map(of_bank), expected);
    }
    // Both at once: one finding, the fine in full, and suspension.
    open(&mut world, 6);
    delivered(&mut world, [1.0, 0.5, 1.0]);
    world.platforms[BEE].sells_directly = true;
    let before = world.platforms[BEE].findings;
    supervise(&mut world);
    assert_eq!(world.platforms[BEE].findings, before + 1);
    same(
        fine(&world, BEE),
        (0.2 * 12.0 * world.platforms[BEE].reference_cny * 100.0).round() / 100.0,
        "in full",
    );
    assert_eq!(world.platforms[BEE].suspended_until, 10);
    // Once nobody sells, buying is impossible and no violation.
    open(&mut world, 7);
    delivered(&mut world, [1.0; 3]);
    supervise(&mut world);
    assert_eq!(world.record.findings, 0);
}

/// A shortfall is a violation where it is above the tolerance, not where it is just that.
#[test]
fn a_shortfall_of_just_the_tolerance_is_tolerated() {
    let mut scenario = scenario(strict);
    scenario.parameters.supervision.tolerance = 0.25;
    let mut world = world(&scenario, 5);
    delivered(&mut world, [0.74, 0.75, 0.76]);
    supervise(&mut world);
    assert_eq!([ANT, BEE, CAT].map(|p| world.platforms[p].findings), [1, 0, 0]);
}

/// Where audits follow what is reported missing, who reports that nothing is missing sees no auditor.
#[test]
fn audits_follow_what_is_reported_missing() {
    let mut scenario = scenario(strict);
    (scenario.parameters.supervision.audits_per_month, scenario.parameters.supervision.targeting) =
        (1.0, 1.0);
    scenario.parameters.supervision.bank_audits_per_month = 0.0;
    let mut world = world(&scenario, 5);
    for month in 5..25 {
        open(&mut world, month);
        delivered(&mut world, [1.0, 0.5, 1.0]);
        supervise(&mut world);
        assert_eq!((world.record.platform_audits, world.record.findings), (1, 1), "the one audit is Bee's");
    }
    assert_eq!([ANT, BEE, CAT].map(|p| world.platforms[p].findings), [0, 20, 0]);
}

/// A bank is fined by its size among all banks: by none where no bank has decided on anybody yet.
#[test]
fn a_bank_is_not_fined_before_any_has_decided() {
    let scenario = scenario(strict);
    let mut world = world(&scenario, 1);
    world.banks.source[0] = Source::Direct;
    for month in 1..=3 {
        open(&mut world, month);
        supervise(&mut world);
        assert_eq!(world.banks.findings[0], month);
        assert_eq!(world.ledger.net(Party::Bank(0), Flow::Fine), Money::ZERO);
    }
}

#[test]
fn nothing_is_audited_before_there_is_a_rule_and_less_before_the_deadline() {
    let mut scenario = scenario(strict);
    scenario.parameters.supervision.audits_per_month = 1.5;
    scenario.parameters.supervision.bank_audits_per_month = 4.0;
    scenario.parameters.supervision.targeting = 0.0;
    let audits = |month: u32| {
        let mut sums = (0, 0);
        for seed in 0..400 {
            let key = mandate::random::Key::new(seed, 1);
            let mut world = World::new(&scenario, key, 1, false);
            open(&mut world, month);
            supervise(&mut world);
            sums = (sums.0 + world.record.platform_audits, sums.1 + world.record.bank_audits);
        }
        (u64::from(sums.0), u64::from(sums.1))
    };
    assert_eq!(audits(0), (0, 0), "January: no rule");
    // A quarter of 1.5 and 4 from the ban on, the whole from June on.
    for (month, share) in [(1, 0.25), (4, 0.25), (5, 1.0)] {
        let (platforms, banks) = audits(month);
        likely(platforms, 3 * 400, share * 0.5);
        likely(banks, 8 * 400, share * 0.5);
    }
}

/// What is reported: overstated by a fifth of what is missing, true where audited.
#[test]
fn reports_are_overstated_until_audited() {
    let mut scenario = scenario(strict);
    scenario.parameters.rules.required_share = 0.8;
    for (audits, reported) in [(0.0, [0.6, 0.9]), (1e6, [0.5, 0.875])] {
        scenario.parameters.supervision.audits_per_month = audits;
        let mut world = world(&scenario, 3);
        delivered(&mut world, [0.4, 0.7, 0.9]);
        world.platforms[BEE].members = 3 * world.platforms[ANT].members;
        world.platforms[CAT].members = 0;
        supervise(&mut world);
        // 0.4 of 0.8 is a half; 0.5 + 0.2 x 0.5. 0.7 of 0.8 is 0.875; + 0.2 x 0.125.
        let row = observe::month_row(&world);
        same(row.delivered_share.unwrap(), (0.5 + 0.875 + 1.0) / 3.0, "truly");
        same(row.delivered_share_reported.unwrap(), (reported[0] + reported[1] + 1.0) / 3.0, "reported");
        same(row.delivered_share_by_records.unwrap(), 0.5 / 4.0 + 0.875 * 3.0 / 4.0, "by records");
        // Complying from 0.95 x 0.8 = 0.76 on.
        assert_eq!((row.compliant_platforms, row.platforms_bound), (Some(1), 3));
        world.platforms[BEE].delivered[NORTH] = 0.76;
        world.platforms[ANT].delivered[NORTH] = 0.7599;
        assert!(compliance::complies(&world, BEE) && !compliance::complies(&world, ANT));
        // Who has left is not bound and reports nothing.
        world.platforms[CAT].in_partnership = false;
        supervise(&mut world);
        assert_eq!((world.platforms[CAT].reported, observe::month_row(&world).platforms_bound), (None, 2));
    }
}

#[test]
fn beliefs_learn_apart_and_only_from_violations() {
    let scenario = scenario(strict);
    let mut world = world(&scenario, 5);
    delivered(&mut world, [0.5, 1.0, 1.0]);
    supervise(&mut world);
    // Ant found, all violators found: (1 + 1) / 2; who did not violate learns the same.
    let belief = 0.88 * 0.01 + 0.12;
    world.platforms.iter().for_each(|platform| same(platform.belief, belief, "platform"));
    assert!(world.banks.belief.iter().all(|belief| *belief == 0.01), "no bank has violated");
    open(&mut world, 6);
    world.parameters.supervision.detection = 0.0;
    supervise(&mut world);
    same(world.platforms[ANT].belief, 0.88 * belief, "a violation that is not found");
    open(&mut world, 7);
    delivered(&mut world, [1.0; 3]);
    let before = world.platforms[ANT].belief;
    supervise(&mut world);
    assert_eq!(world.platforms[ANT].belief, before, "nobody violated");
}

#[test]
fn costs_and_dividends_of_a_month() {
    let mut scenario = scenario(|_| ());
    scenario.parameters.platforms[BEE].row.cost_base = Some(0.5);
    let mut world = world(&scenario, 3);
    let draw = world.platforms[BEE].cost_increase_draw;
    world.platforms[BEE].delivered = vec![0.5, 1.0];
    let pay = |world: &mut World, payer, payee, flow, cny| {
        world.ledger.post(payer, payee, flow, Money::from_cny(cny));
    };
    pay(&mut world, Party::Bank(0), Party::Platform(BEE), Flow::Commission, 1e6);
    pay(&mut world, Party::Bank(0), Party::Agency(NORTH), Flow::AgencyFee, 9000.0);
    pay(&mut world, Party::Bank(0), Party::Agency(SOUTH), Flow::AgencyFee, 9000.0);
    (0..3).for_each(|_| world.tallies[0].query_agency(0, NORTH));
    (0..2).for_each(|_| world.tallies[0].query_agency(7, SOUTH));
    world.add_tallies();
    let capability = world.agencies[NORTH].capability;
    accounts::settle(&mut world);

    let net = |party, flow| world.ledger.net(party, flow).cny();
    assert_eq!(net(Party::Platform(BEE), Flow::OperatingCost), -500_000.0);
    let compliance = (0.08 * draw * 0.75 * 0.5 * 1e8).round() / 100.0;
    same(net(Party::Platform(BEE), Flow::ComplianceCost), -compliance, "compliance cost");
    same(accounts::cost_increase(&world, BEE), 0.08 * draw * 0.75, "cost increase");
    // North: fixed 1,000 and 1 for each of 3,000 queries; half of the 5,000 left by stakes.
    assert_eq!(net(Party::Agency(NORTH), Flow::OperatingCost), -4000.0);
    assert_eq!(net(Party::Agency(SOUTH), Flow::OperatingCost), -2000.0, "no fixed cost");
    let dividend = |holder| net(holder, Flow::Dividend);
    assert_eq!([ANT, BEE, CAT].map(|p| dividend(Party::Platform(p))), [750.0, 250.0, 0.0]);
    assert_eq!(dividend(Party::OutsideShareholders), 500.0);
    assert_eq!(dividend(Party::Agency(NORTH)), -1500.0, "two fifths have no holder and stay");
    assert_eq!(dividend(Party::Agency(SOUTH)), 0.0, "pays out nothing");
    same(world.agencies[NORTH].capability, capability + 0.1 * (0.9 - capability), "learnt");

    // A loss is not passed on, and who was not asked has not learnt.
    open(&mut world, 4);
    let learnt = world.agencies[NORTH].capability;
    accounts::settle(&mut world);
    assert_eq!(accounts::agency_profit(&world, NORTH), Money::from_cny(-1000.0));
    assert_eq!((world.ledger.total(Flow::Dividend), world.agencies[NORTH].capability), (Money::ZERO, learnt));
    assert_eq!(accounts::agency_profit(&world, SOUTH), Money::ZERO);
    // Before it opens an agency has no cost.
    open(&mut world, 1);
    world.parameters.agencies[SOUTH].row.fixed_cost = 7.0;
    accounts::settle(&mut world);
    assert_eq!(accounts::agency_profit(&world, SOUTH), Money::ZERO);
}

/// Fines, lost commission and an announced deadline lower investment; data grow with it, from the first reported
/// month on.
#[test]
fn data_grow_with_investment() {
    let mut scenario = scenario(strict);
    scenario.parameters.calendar.burn_in_months = 1;
    let exposure = &mut scenario.parameters.exposure;
    (exposure.investment_sensitivity, exposure.uncertainty, exposure.data_growth_monthly) = (0.5, 0.2, 0.1);
    let mut world = world(&scenario, 0);
    accounts::settle(&mut world);
    assert!(world.platforms.iter().all(|platform| platform.data_level == 1.0), "burn-in");

    // April, two months before the deadline: Ant is fined, Bee suspended, Cat has left.
    open(&mut world, 4);
    let pay = |world: &mut World, cny| {
        world.ledger.post(Party::Platform(ANT), Party::Treasury, Flow::Fine, Money::from_cny(cny));
    };
    pay(&mut world, 1e6);
    world.platforms[BEE].suspended_until = 5;
    world.platforms[CAT].in_partnership = false;
    accounts::settle(&mut world);
    let ant = 1.0 - 0.5 * 1e6 / world.platforms[ANT].reference_cny - 0.2;
    assert!(ant > 0.2);
    for (p, index) in [ant, 1.0 - 0.5 - 0.2, 1.0].into_iter().enumerate() {
        same(world.platforms[p].investment, index, "investment");
        same(world.platforms[p].data_level, 1.0 + 0.1 * index, "data");
    }
    // June: the deadline has come, and with it certainty. Who earns nothing has no burden.
    open(&mut world, 6);
    pay(&mut world, 1e6);
    world.platforms[BEE].reference_cny = 0.0;
    accounts::settle(&mut world);
    for (p, index) in [ant + 0.2, 1.0, 1.0].into_iter().enumerate() {
        same(world.platforms[p].investment, index, "investment");
    }
    same(world.platforms[ANT].data_level, (1.0 + 0.1 * ant) * (1.0 + 0.1 * (ant + 0.2)), "data grow on");
    same(world.direct_precision(CAT), 0.1 * 1.1 * 1.1, "and with them what a score says");
}

/// Records flow at the rate of integration, to open agencies; each new one is paid for where users are.
#[test]
fn records_are_counted_as_they_are_delivered() {
    let mut scenario = scenario(|p| {
        (p.rules.consent, p.rules.consent_share) = (Consent::OptIn, 0.5);
        (p.behaviour.integration_rate, p.fees.user_payment) = (0.25, 3.0);
    });
    scenario.parameters.users.population = 4_000_000;
    let mut world = world(&scenario, 1);
    let members = [ANT, BEE, CAT].map(|p| world.platforms[p].members as f64);
    world.platforms[ANT].target = vec![1.0, 1.0];
    world.platforms[BEE].target = vec![0.1, 0.0];
    world.platforms[CAT].delivered = vec![1.0, 0.0];
    delivery::deliver(&mut world);
    assert_eq!(world.platforms[ANT].delivered, [0.25, 0.0], "South opens in March");
    assert_eq!((world.platforms[BEE].delivered[NORTH], world.platforms[CAT].delivered[NORTH]), (0.1, 0.75));
    // A user stands for 2,000 persons, of whom half consent; what is taken back is not counted.
    let delivered = (0.25 * members[ANT] + 0.1 * members[BEE]) * 2000.0 * 0.5;
    same(world.record.newly_delivered[NORTH], delivered, "records");
    assert_eq!(world.record.newly_delivered[SOUTH], 0.0);
    let held = (0.25 * members[ANT] + 0.1 * members[BEE] + 0.75 * members[CAT]) * 2000.0 * 0.5;
    same(world.records_held(NORTH), held, "held");
    accounts::settle(&mut world);
    same(world.ledger.total(Flow::UserPayment).cny(), 3.0 * delivered, "users are paid");
}

/// Every store of records has its own hazard and luck; copies at banks lapse.
#[test]
fn stores_are_breached_by_their_hazards() {
    for (platforms, agencies, banks) in
        [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.5, 0.25, 0.125)]
    {
        let scenario = scenario(|p| {
            p.rules.consent_share = 0.75;
            p.exposure.retention_months = 2;
            (p.exposure.platform_breach_monthly, p.exposure.agency_breach_monthly) = (platforms, agencies);
            p.exposure.bank_breach_monthly = banks;
        });
        let mut world = world(&scenario, 3);
        let members: f64 = world.platforms.iter().map(|platform| platform.members as f64).sum();
        world.platforms[ANT].delivered = vec![0.5, 0.25];
        let held = 0.75 * world.platforms[ANT].members as f64;
        for (month, copies) in [(3, 3.0), (4, 6.0), (5, 6.0)] {
            open(&mut world, month);
            (0..2).for_each(|_| world.tallies[0].query_platform(5, BEE));
            world.tallies[0].query_platform(0, CAT);
            world.tallies[0].query_agency(0, SOUTH);
            world.add_tallies();
            world.record.newly_delivered = vec![7_000.0, 1_000.0];
            exposure::expose(&mut world);
            let expected = 1000.0 * (platforms * members + agencies * held + banks * copies);
            same(world.record.exposed, expected, "exposed");
            if platforms.max(agencies).max(banks) == 1.0 {
                assert_eq!(world.record.breached, world.record.exposed, "what is certain happens");
            }
            // A quarter would not have consented to what is sold, three records of 1,000 persons, or delivered.
            same(world.record.unconsented, 0.25 * (3_000.0 + 8_000.0), "without consent");
            if month == 5 && banks == 1.0 {
                same(world.breached.sum(), 15_000.0, "breached so far");
            }
        }
        world.rules.consent = Some(0.75);
        exposure::expose(&mut world);
        assert_eq!(world.record.unconsented, 0.0, "who is asked consents");
    }
}

/// No store shares its luck with another: each is breached by itself.
#[test]
fn every_store_has_its_own_luck() {
    let scenario = scenario(|p| {
        p.exposure.retention_months = 1;
        (p.exposure.platform_breach_monthly, p.exposure.agency_breach_monthly) = (0.5, 0.5);
        p.exposure.bank_breach_monthly = 0.5;
    });
    let mut world = world(&scenario, 3);
    // Three platforms, two agencies and eight banks hold 1, 2, 4, ... users' records, so that their sum tells which.
    for (p, members) in [1, 2, 1 << 20].into_iter().enumerate() {
        world.platforms[p].members = members;
    }
    world.platforms[CAT].delivered = vec![4.0 / (1 << 20) as f64, 8.0 / (1 << 20) as f64];
    let stores = [0, 1, 20].into_iter().chain(2..12);
    let mut luck = [0u64; 21];
    for month in 3..63 {
        open(&mut world, month);
        for bank in 0..8 {
            (0..1 << (4 + bank)).for_each(|_| world.tallies[0].query_platform(bank, ANT));
        }
        world.add_tallies();
        exposure::expose(&mut world);
        let breached = (world.record.breached / 1000.0).round() as u64;
        for (store, luck) in luck.iter_mut().enumerate() {
            *luck = *luck << 1 | breached >> store & 1;
        }
    }
    let mut lucks: Vec<u64> = stores.map(|store| luck[store]).collect();
    assert!(lucks.iter().all(|luck| (12..=48).contains(&luck.count_ones())), "about half of 60 months");
    lucks.sort_unstable();
    lucks.dedup();
    assert_eq!(lucks.len(), 13);
}

/// What has been breached in twelve months lowers consent, as a share of the population.
#[test]
fn consent_falls_with_what_has_been_breached() {
    let scenario = scenario(|p| {
        (p.rules.consent, p.rules.consent_share, p.exposure.consent_fall) = (Consent::OptOut, 0.8, 0.5);
    });
    let mut world = world(&scenario, 3);
    assert_eq!(world.rules.consent, Some(0.8));
    world.breached.push(0.3e6);
    world.breached.push(0.1e6);
    open(&mut world, 4);
    same(world.rules.consent.unwrap(), 0.8 * (1.0 - 0.5 * 0.2), "a fifth of two million are known");
}
