//! Accounts: everything balances every month, and the checks that say so can fail.

use crate::common::{recounted, shipped};
use mandate::agents::users::{Block, Loan};
use mandate::ledger::{Flow, Party};
use mandate::month::step_month;
use mandate::random::Key;
use mandate::scenario::Scenario;
use mandate::units::Money;
use mandate::world::World;
use mandate::{accounts, observe};

/// A lively scenario: reporting, many audits, amended loans, a sample that does not divide the
/// population.
fn lively() -> Scenario {
    shipped(
        "december-deadline",
        &[
            "users.sample=7003",
            "rules.lender_reporting=0.5",
            "supervision.audits_per_month=8",
            "supervision.bank_audits_per_month=750",
            "calendar.burn_in_months=14",
        ],
    )
}

fn each_month(scenario: &Scenario, mut look: impl FnMut(&mut World)) {
    let mut world = World::new(scenario, Key::new(4, 1), 2, false);
    let calendar = scenario.parameters.calendar.clone();
    for month in 0..calendar.burn_in_months + calendar.months {
        world.month = month;
        step_month(&mut world);
        accounts::check(&world).unwrap();
        look(&mut world);
    }
}

#[test]
fn books_and_counts_of_borrowers_are_those_of_the_loans() {
    each_month(&lively(), |world| {
        recounted(world).unwrap();
    });
}

#[test]
fn quintiles_owe_what_their_loans_come_to() {
    each_month(&lively(), |world| {
        let performing = world.record.performing_by_quintile;
        assert_eq!(performing.into_iter().sum::<Money>(), world.record.performing, "{}", world.now());
        assert!(world.in_burn_in() || performing.iter().all(|balance| *balance > Money::ZERO));
        let mut counted = [0; 5];
        for block in &world.blocks {
            for loan in block.loans() {
                counted[usize::from(block.quintile(loan.user())) - 1] += 1;
            }
        }
        let booked = (0..5).map(|q| world.loans_by_quintile.iter().map(|loans| loans[q]).sum::<u64>());
        assert_eq!(booked.collect::<Vec<_>>(), counted, "{}", world.now());
    });
}

#[test]
fn outstanding_is_before_plus_lent_less_repaid_less_written_off() {
    let scenario = lively();
    let mut before: Vec<Money> = Vec::new();
    each_month(&scenario, |world| {
        let banks = 0..world.banks.len();
        let now: Vec<Money> = banks.map(|bank| world.banks.books.outstanding(bank)).collect();
        for (bank, before) in before.iter().enumerate() {
            let net = |flow| world.ledger.net(Party::Bank(bank), flow);
            let expected = *before
                - net(Flow::PrincipalLent)
                - net(Flow::PrincipalRepaid)
                - world.record.written_off[bank];
            assert_eq!(now[bank], expected, "bank {bank} in {}", world.now());
        }
        before = now;
    });
}

/// Blocks have room from the start for the loans that the baseline comes to, most of which it comes to use.
#[test]
fn blocks_have_room_for_their_loans_from_the_start() {
    let bytes = |world: &World| world.blocks.iter().map(Block::bytes).collect::<Vec<_>>();
    let (mut first, mut most) = (Vec::new(), 0);
    // Ranks, newest loans, memberships and home banks, and traits.
    let of_users = size_of::<Block>() + 1_000 * (4 * 2 + 1);
    each_month(&shipped("december-deadline", &["users.sample=7000"]), |world| {
        if first.is_empty() {
            first = bytes(world);
        }
        assert_eq!(bytes(world), first, "{}", world.now());
        most = most.max(world.blocks[0].loans().count() * size_of::<Loan>());
    });
    let room = first[0] - of_users;
    assert!(10 * most > 8 * room, "{most} bytes of loans, in room for {room}");
}

#[test]
fn fees_in_trades_equal_fees_in_accounts() {
    each_month(&lively(), |world| {
        let traded: Money = world.record.trades.iter().map(|trade| trade.amount).sum();
        assert_eq!(traded, world.ledger.total(Flow::DirectFee) + world.ledger.total(Flow::AgencyFee));
        let row = observe::month_row(world);
        assert_eq!(row.direct_fees_cny + row.agency_fees_cny, traded);
    });
}

/// Whoever has it: the account is named, and what it changed by is told beside what it should have.
#[test]
fn a_payment_that_profits_do_not_know_is_found() {
    let scenario = lively();
    let mut world = World::new(&scenario, Key::new(4, 1), 1, false);
    for month in 0..2 {
        world.month = month;
        step_month(&mut world);
        accounts::check(&world).unwrap();
    }
    let (banks, platforms, agencies) = (world.banks.len(), world.platforms.len(), world.agencies.len());
    let id = |agency: usize| scenario.parameters.agencies[agency].id.clone();
    for (party, name) in [
        (Party::Bank(0), "cash and loans of bank 1".into()),
        (Party::Bank(banks - 1), format!("cash and loans of bank {banks}")),
        (Party::Platform(0), format!("cash of {}", scenario.parameters.platforms[0].id)),
        (
            Party::Platform(platforms - 1),
            format!("cash of {}", scenario.parameters.platforms[platforms - 1].id),
        ),
        (Party::Agency(0), format!("cash of {}", id(0))),
        (Party::Agency(agencies - 1), format!("cash of {}", id(agencies - 1))),
    ] {
        world.ledger.post(party, Party::Users, Flow::PrincipalLent, Money(100));
        let error = accounts::check(&world).unwrap_err();
        let (account, amounts) = error.split_once(" is CNY ").unwrap();
        assert!(account.starts_with("accounts of ") && account.ends_with(&name), "{error}");
        let (found, expected) = amounts.split_once(", but must be CNY ").unwrap();
        let fen = |amount: &str| (amount.parse::<f64>().unwrap() * 100.0).round() as i64;
        assert_eq!(fen(expected) - fen(found), 100, "{error}");
        // It is taken back.
        world.ledger.post(Party::Users, party, Flow::PrincipalLent, Money(100));
        accounts::check(&world).unwrap();
    }
}
