//! Rows of tables in a little world: what they say is what the ledger, the tallies and the agents have.

use crate::common::from;
use crate::little::{ANT, BEE, CAT, NORTH, SOUTH, open, same, scenario, world};
use mandate::agents::banks::Source;
use mandate::choice::Agent;
use mandate::ledger::{Flow, Party};
use mandate::scenario::value::Consent;
use mandate::tables::{MonthRow, Reporting, RunRows};
use mandate::tally::{DefaultedLoan, Group, Groups, Trade};
use mandate::units::Money;
use mandate::world::World;
use mandate::{compliance, observe, sourcing};

fn rows(world: &mut World, per_bank: bool) -> RunRows {
    // Counted where loans are served, which these tests leave out.
    world.record.opening_loans.resize(world.banks.len(), 0);
    let mut rows = RunRows::default();
    observe::observe(world, Reporting { per_bank, ..Reporting::default() }, &mut rows);
    rows
}

fn pay(world: &mut World, payer: Party, payee: Party, flow: Flow, cny: f64) {
    world.ledger.post(payer, payee, flow, Money::from_cny(cny));
}

#[test]
fn a_platform_row_says_what_it_has_done_and_been_paid() {
    let scenario = scenario(|p| (p.rules.order, p.rules.deadline) = (from("2021-01"), from("2021-12")));
    let mut world = world(&scenario, 3);
    let (bee, bank) = (Party::Platform(BEE), Party::Bank(0));
    pay(&mut world, bank, bee, Flow::DirectFee, 10.0);
    pay(&mut world, bank, bee, Flow::Commission, 200.0);
    pay(&mut world, Party::Agency(NORTH), bee, Flow::RevenueShare, 3_000.0);
    pay(&mut world, Party::Agency(NORTH), bee, Flow::Dividend, 40_000.0);
    pay(&mut world, bee, Party::Suppliers, Flow::OperatingCost, 50.0);
    pay(&mut world, bee, Party::Suppliers, Flow::ComplianceCost, 6.0);
    pay(&mut world, bee, Party::Treasury, Flow::Fine, 0.7);
    world.platforms[BEE].delivered = vec![1.0, 0.5];
    world.platforms[BEE].sells_directly = false;
    world.platforms[BEE].suspended_until = 4;
    world.platforms[CAT].in_partnership = false;
    (world.platforms[BEE].belief, world.platforms[BEE].investment) = (0.3, 0.6);
    let rows = rows(&mut world, false);
    assert_eq!(rows.platforms.len(), 3);
    let row = &rows.platforms[BEE];
    assert_eq!((row.month, row.platform.as_str(), row.delivered_share), (world.now(), "bee", Some(0.75)));
    let flags = |p: usize| {
        let row = &rows.platforms[p];
        (row.sells_directly, row.in_partnership, row.suspended)
    };
    assert_eq!([ANT, BEE, CAT].map(flags), [(true, true, false), (false, true, true), (true, false, false)]);
    let paid = [row.direct_fees_cny, row.commissions_cny, row.revenue_share_cny, row.dividends_cny];
    assert_eq!(paid.map(Money::cny), [10.0, 200.0, 3_000.0, 40_000.0]);
    let costs = [row.operating_cost_cny, row.compliance_cost_cny, row.fines_cny];
    assert_eq!(costs.map(Money::cny), [50.0, 6.0, 0.7]);
    assert_eq!(row.profit_cny.cny(), 43_210.0 - 56.7);
    same(row.cost_increase, 0.75 * 0.08 * world.platforms[BEE].cost_increase_draw, "cost increase");
    assert_eq!((row.sanction_belief, row.investment_index), (0.3, 0.6));

    let month = observe::month_row(&world);
    assert_eq!(
        (month.suspended_platforms, month.platforms_selling_directly, month.platforms_bound),
        (1, 2, 2)
    );
    assert_eq!(month.platform_profit_cny, row.profit_cny);
    let thirds = |of: &dyn Fn(usize) -> f64| [ANT, BEE, CAT].map(of).iter().sum::<f64>() / 3.0;
    same(month.cost_increase_mean.unwrap(), row.cost_increase / 3.0, "mean of all");
    same(month.sanction_belief_mean.unwrap(), thirds(&|p| world.platforms[p].belief), "beliefs");
    same(month.investment_index.unwrap(), 2.6 / 3.0, "investment");
}

/// Rows of banks: of a class, or of each.
#[test]
fn a_bank_row_says_what_its_banks_have_done_and_been_paid() {
    let scenario = scenario(|_| ());
    let mut world = world(&scenario, 3);
    // Of the big banks, one and two: decisions on good and other applicants, approved and not.
    for (bank, creditworthy, approved, times) in [
        (0, true, true, 3),
        (0, true, false, 1),
        (0, false, true, 2),
        (1, false, false, 4),
        (5, true, true, 7),
    ] {
        let groups = Groups::of(creditworthy, false, 3);
        (0..times).for_each(|_| world.tallies[0].decide(bank, groups, approved));
    }
    for (lender, times) in [(0, 2), (1, 1), (6, 5)] {
        let loan = DefaultedLoan { lender, slot: 0, cohort: 1, quintile: 1 };
        (0..times).for_each(|_| world.tallies[0].default(loan));
    }
    world.add_tallies();
    world.record.opening_loans = vec![30, 10, 100, 100, 100, 100, 100, 0];
    let (one, two) = (Party::Bank(0), Party::Bank(1));
    pay(&mut world, one, Party::Users, Flow::PrincipalLent, 7_000.0);
    pay(&mut world, Party::Users, one, Flow::Interest, 900.0);
    pay(&mut world, Party::Users, two, Flow::Interest, 100.0);
    pay(&mut world, two, Party::Suppliers, Flow::Funding, 80.0);
    pay(&mut world, one, Party::Platform(ANT), Flow::Commission, 30.0);
    pay(&mut world, one, Party::Platform(ANT), Flow::DirectFee, 5.0);
    pay(&mut world, two, Party::Agency(NORTH), Flow::AgencyFee, 2.0);
    pay(&mut world, two, Party::Treasury, Flow::Fine, 0.5);
    world.record.written_off[0] = Money::from_cny(40.0);
    world.record.written_off[1] = Money::from_cny(2.0);
    world.banks.books.of(0, 1).grant(0, 1, Money::from_cny(50.0));
    world.banks.books.of(1, 1).grant(2, 1, Money::from_cny(5.0));
    world.banks.source[..2].clone_from_slice(&[Source::Direct, Source::AllAgencies]);
    world.banks.source[2..5].clone_from_slice(&[Source::None, Source::Agency(SOUTH), Source::Direct]);
    (world.banks.belief[0], world.banks.belief[1]) = (0.1, 0.3);

    let classes = rows(&mut world, false).banks;
    assert_eq!(
        classes.iter().map(|row| (row.bank_class.as_str(), row.bank, row.banks)).collect::<Vec<_>>(),
        [("big", None, 2), ("small", None, 6)]
    );
    let row = &classes[0];
    assert_eq!((row.source_none, row.source_direct, row.source_agency), (0.0, 0.5, 0.5));
    let small = &classes[1];
    same(small.source_none, 4.0 / 6.0, "none");
    same(small.source_direct, 1.0 / 6.0, "direct");
    same(small.source_agency, 1.0 / 6.0, "agency");
    assert_eq!((row.applications, row.approvals), (10_000.0, 5_000.0));
    assert_eq!((row.approval_rate, row.approval_rate_creditworthy), (Some(0.5), Some(0.75)));
    same(row.default_rate_annual.unwrap(), 12.0 * 3.0 / 40.0, "defaults");
    let flows = [row.originations_cny, row.interest_cny, row.funding_cny, row.commissions_cny, row.fines_cny];
    assert_eq!(flows.map(Money::cny), [7_000.0, 1_000.0, 80.0, 30.0, 0.5]);
    let kept = [row.fees_paid_cny, row.losses_cny, row.loans_outstanding_cny];
    assert_eq!(kept.map(Money::cny), [7.0, 42.0, 660.0]);
    assert_eq!(row.profit_cny.cny(), 1_000.0 - 80.0 - 30.0 - 7.0 - 0.5 - 42.0);
    same(row.sanction_belief, 0.2, "belief");

    let each = rows(&mut world, true).banks;
    assert_eq!(each.iter().map(|row| row.bank).collect::<Vec<_>>(), (1..=8).map(Some).collect::<Vec<_>>());
    assert_eq!((each[1].applications, each[1].approval_rate), (4_000.0, Some(0.0)));
    assert_eq!(
        (each[7].approval_rate, each[7].default_rate_annual),
        (None, None),
        "of nothing there is no share"
    );
    assert_eq!((each[6].bank_class.as_str(), each[6].source_none), ("small", 1.0));
    same(each[6].default_rate_annual.unwrap(), 12.0 * 5.0 / 100.0, "of the seventh");
    let month = observe::month_row(&world);
    let sum = |of: fn(&mandate::tables::BankMonthRow) -> Money| each.iter().map(of).sum::<Money>();
    assert_eq!(
        (month.bank_profit_cny, month.losses_cny),
        (sum(|row| row.profit_cny), sum(|row| row.losses_cny))
    );
    assert_eq!((month.banks_buying_directly, month.originations_cny), (2, sum(|row| row.originations_cny)));
}

/// Rows of agencies and of trades in data.
#[test]
fn rows_of_agencies_and_trades_say_what_was_sold() {
    let scenario = scenario(|p| {
        p.rules.direct_sale_ban = from("2021-04");
        (p.rules.consent, p.rules.consent_share) = (Consent::OptIn, 0.5);
    });
    let mut world = world(&scenario, 1);
    let agencies = rows(&mut world, false).agencies;
    assert_eq!([NORTH, SOUTH].map(|a| agencies[a].fee_cny.is_some()), [true, false], "South opens in March");
    for (month, direct_is_lawful) in [(2, true), (3, false)] {
        open(&mut world, month);
        let north = Party::Agency(NORTH);
        pay(&mut world, Party::Bank(0), north, Flow::AgencyFee, 1_000.0);
        pay(&mut world, north, Party::Platform(ANT), Flow::RevenueShare, 300.0);
        pay(&mut world, north, Party::Users, Flow::UserPayment, 20.0);
        pay(&mut world, north, Party::Suppliers, Flow::OperatingCost, 5.0);
        pay(&mut world, north, Party::Platform(ANT), Flow::Dividend, 0.25);
        world.platforms[ANT].delivered = vec![0.5, 1.0];
        world.platforms[BEE].delivered = vec![0.25, 0.0];
        let trade = |seller: usize, class: usize, queries: f64| Trade {
            seller,
            class,
            queries,
            records: queries / 2.0,
            fee_cny: 6.0,
            amount: Money::from_cny(6.0 * queries),
        };
        world.record.trades = vec![
            trade(CAT, 0, 100.0),
            trade(3 + NORTH, 0, 10.0),
            trade(3 + NORTH, 1, 1.0),
            trade(3 + SOUTH, 1, 8.0),
        ];

        let rows = rows(&mut world, false);
        let row = &rows.agencies[NORTH];
        assert_eq!((row.agency.as_str(), row.platforms_delivering, row.queries), ("north", 2, 11.0));
        assert_eq!((rows.agencies[SOUTH].platforms_delivering, rows.agencies[SOUTH].queries), (1, 8.0));
        let flows = [
            row.fees_cny,
            row.revenue_share_cny,
            row.user_payments_cny,
            row.operating_cost_cny,
            row.dividends_cny,
        ];
        assert_eq!(flows.map(Money::cny), [1_000.0, 300.0, 20.0, 5.0, 0.25]);
        assert_eq!((row.profit_cny.cny(), row.capability, row.fee_cny), (675.0, 0.5, Some(20.0)));
        // A member of Ant alone is known with 0.5, of Bee alone with 0.25, of both but for 0.5 x 0.75; half consent.
        let known = |memberships: u128| match memberships & 0b11 {
            0b01 => 0.5,
            0b10 => 0.25,
            0b11 => 1.0 - 0.5 * 0.75,
            _ => 0.0,
        };
        let persons = &world.panel.persons;
        let mean = persons.iter().map(|person| known(person.memberships)).sum::<f64>() / persons.len() as f64;
        same(row.coverage, 0.5 * mean, "coverage");
        same(row.records_held, world.records_held(NORTH), "records");

        let trades: Vec<_> =
            rows.trades.iter().map(|t| (t.seller.as_str(), t.buyer.as_str(), t.channel)).collect();
        assert_eq!(
            trades,
            [
                ("cat", "big", "direct"),
                ("north", "big", "agency"),
                ("north", "small", "agency"),
                ("south", "small", "agency")
            ]
        );
        assert_eq!(
            rows.trades.iter().map(|t| t.lawful).collect::<Vec<_>>(),
            [direct_is_lawful, true, true, true]
        );
        let first = &rows.trades[0];
        assert_eq!(
            (first.queries, first.records, first.fee_cny, first.amount_cny.cny()),
            (100.0, 50.0, 6.0, 600.0)
        );
        let flow = |flow: &str| rows.flows.iter().find(|row| row.flow == flow).unwrap().amount_cny.cny();
        assert_eq!((flow("agency_fee"), flow("dividend")), (1_000.0, 0.25));
    }
}

/// The users' surplus is a twelfth of what their performing loans of CNY 12 m, 24 m, ... would cost more elsewhere.
#[track_caller]
fn surplus_is(row: &MonthRow, difference: f64) {
    let by_quintile = [
        row.users_surplus_quintile_1_cny,
        row.users_surplus_quintile_2_cny,
        row.users_surplus_quintile_3_cny,
        row.users_surplus_quintile_4_cny,
        row.users_surplus_quintile_5_cny,
    ];
    for (surplus, n) in by_quintile.into_iter().zip(1..) {
        same(surplus.cny(), (f64::from(n) * 1e8 * difference).round() / 100.0, "surplus");
    }
    assert_eq!(row.users_surplus_cny, by_quintile.into_iter().sum());
}

/// The month's row: rates are of those who asked, shares of decisions, and what is unlawful is so under the ban.
#[test]
fn a_month_row_counts_by_group() {
    let scenario = scenario(|p| p.rules.direct_sale_ban = from("2021-02"));
    let mut world = world(&scenario, 0);
    for (month, unlawful) in [(0, 0.0), (1, 0.3)] {
        open(&mut world, month);
        let groups = [
            (Groups::of(true, true, 1), 4, 1),
            (Groups::of(true, false, 5), 5, 4),
            (Groups::of(false, true, 3), 10, 2),
            (Groups::of(false, false, 1), 1, 1),
        ];
        for (groups, asked, got) in groups {
            (0..asked).for_each(|_| world.tallies[0].ask(groups));
            (0..got).for_each(|_| world.tallies[0].grant(0, 0, groups));
        }
        (0..10).for_each(|_| world.tallies[0].decide(0, Groups::of(true, true, 1), true));
        (0..3).for_each(|_| world.tallies[0].query_platform(0, ANT));
        world.tallies[0].agency_decisions = 5;
        world.add_tallies();
        (world.borrowers, world.multiple_borrowers) = (40, 10);
        (world.record.platform_audits, world.record.bank_audits, world.record.findings) = (3, 4, 2);
        world.record.performing_by_quintile = [1, 2, 3, 4, 5].map(|n| Money::from_cny(f64::from(n) * 12e6));
        let row = observe::month_row(&world);
        surplus_is(&row, world.parameters.users.outside_rate - 0.15);
        assert_eq!((row.applications, row.approvals, row.approval_rate), (20_000.0, 8_000.0, Some(0.4)));
        let rates = [
            row.approval_rate_creditworthy,
            row.approval_rate_uncreditworthy,
            row.approval_rate_thin_file,
            row.approval_rate_creditworthy_thin_file,
            row.approval_rate_creditworthy_thick_file,
            row.approval_rate_bottom_quintile,
            row.approval_rate_top_quintile,
        ];
        let expected = [5.0 / 9.0, 3.0 / 11.0, 3.0 / 14.0, 1.0 / 4.0, 4.0 / 5.0, 2.0 / 5.0, 4.0 / 5.0];
        for (rate, expected) in rates.into_iter().zip(expected) {
            same(rate.unwrap(), expected, "approval rate");
        }
        assert_eq!((row.direct_query_share, row.unlawful_query_share), (Some(0.3), Some(unlawful)));
        assert_eq!((row.agency_query_share, row.unenriched_query_share), (Some(0.5), Some(0.2)));
        assert_eq!((row.borrowers, row.multiple_borrowers_share), (40_000.0, Some(0.25)));
        assert_eq!((row.audits, row.bank_audits, row.violations_found), (7, 4, 2));
        assert_eq!(
            (row.delivered_share, row.compliant_platforms, row.platforms_bound),
            (None, None, 0),
            "no order"
        );
        assert!(Groups::of(true, true, 1).contain(Group::All));
    }
}

/// Decisions, term by term: of every platform, and of each bank or the lowest of each class that reviews.
#[test]
fn decision_rows_say_what_was_weighed_and_taken() {
    let scenario = scenario(|p| p.rules.order = from("2021-01"));
    let mut world = world(&scenario, 3);
    sourcing::choose(&mut world);
    compliance::choose(&mut world);
    let decisions = world.decisions.clone().unwrap();
    assert_eq!(decisions.len(), 8 + 3 * 4);
    for per_bank in [true, false] {
        let mut expected = Vec::new();
        for decision in &decisions {
            let agent = match decision.agent {
                Agent::Platform(p) => ["ant", "bee", "cat"][p].into(),
                Agent::Bank(bank) => {
                    let class = ["big", "small"][usize::from(bank > 1)];
                    if per_bank {
                        format!("{class}:{}", bank + 1)
                    } else if bank == 0 || bank == 2 {
                        class.into()
                    } else {
                        continue;
                    }
                }
            };
            for (i, (option, utility)) in decision.options.iter().enumerate() {
                for (term, value) in utility.terms() {
                    let (option, chosen) = (option.clone(), i == decision.chosen);
                    expected.push((agent.clone(), decision.choice.clone(), option, *term, *value, chosen));
                }
            }
        }
        let found: Vec<_> = rows(&mut world, per_bank)
            .decisions
            .into_iter()
            .map(|row| (row.agent, row.choice, row.option, row.term, row.value, row.chosen))
            .collect();
        assert_eq!(found, expected);
    }
}
