//! Identities: what has no effect changes nothing, and what is paid is what is received, recounted
//! from the tables that a user sees.

use super::Case;
use super::setting::{START, add_agency, amendment, bank_class, plain, run, scenario};
use crate::replicate::Ended;
use crate::scenario::parameters::{Parameters, PlatformRow};
use crate::scenario::{Amendment, Condition, Trigger};
use crate::tables::{MonthRow, Reporting, RunRows};
use crate::units::{Money, Month, RuleMonth};
use rayon::prelude::*;
use std::fmt::Debug;

const MONTHS: u32 = 30;
/// Months from the start to the amendment that changes something.
const CHANGED: usize = 14;

/// A null amendment changes nothing; a real one nothing before its month; every account balances.
pub fn identities() -> Result<Vec<Case>, Ended> {
    let month = Trigger::From(START.plus(CHANGED as i32));
    let parameters = lively();
    let fee = parameters.fees.agency_query;
    let never = Trigger::When(Condition {
        indicator: "delivered_share_reported",
        below: None,
        above: Some(2.0),
        for_months: 1,
        not_before: None,
    });
    let amendments = [
        Vec::new(),
        vec![amendment(month.clone(), &[("fees.agency_query", fee)])],
        vec![amendment(never, &[("fees.agency_query", 0.0)])],
        vec![amendment(month, &[("credit.lending_rate", parameters.credit.lending_rate + 0.01)])],
    ];
    let simulate = |amendments: Vec<Amendment>| {
        let reporting = Reporting { decisions: true, ..Reporting::default() };
        run(&scenario(parameters.clone(), amendments), 1, reporting)
    };
    let runs = amendments.into_par_iter().map(simulate).collect::<Result<Vec<RunRows>, Ended>>()?;
    let [plain, same, never, changed] = &runs[..] else { unreachable!("four runs were made") };

    let exact = |case: &str, unit, simulated: usize, expected: usize| Case {
        case: case.into(),
        source: "identity",
        unit,
        expected: expected as f64,
        simulated: Some(simulated as f64),
        tolerance: 0.0,
    };
    let unchanged = plain.months.iter().zip(&changed.months).take_while(|(a, b)| text(a) == text(b)).count();
    let mut cases = vec![
        exact("rows changed by an amendment to the same value", "rows", differing(plain, same), 0),
        exact("rows changed by an amendment that never comes", "rows", differing(plain, never), 0),
        exact("months unchanged by an amendment after 14", "months", unchanged, CHANGED),
    ];
    cases.extend(BALANCES.map(|(case, gap)| Case {
        case: case.into(),
        source: "identity",
        unit: "CNY",
        expected: 0.0,
        simulated: largest_gap(plain, gap),
        tolerance: 0.0,
    }));
    Ok(cases)
}

/// A world in which every kind of flow of money occurs, of a sample that does not divide its population.
fn lively() -> Parameters {
    let platform = |reach, payments, travel, waits_for, goodwill| PlatformRow {
        reach,
        payments,
        travel,
        skill: 0.8,
        waits_for,
        goodwill,
        ..PlatformRow::default()
    };
    let platforms = vec![
        platform(0.8, 0.6, 0.0, 0.7, 0.02),
        platform(0.5, 0.3, 0.0, 0.5, 0.1),
        platform(0.3, 0.0, 0.4, 0.3, 0.1),
    ];
    let mut parameters = plain(MONTHS, 5003, platforms);
    let defaults = Parameters::default();
    parameters.behaviour = defaults.behaviour;
    parameters.supervision = defaults.supervision;
    parameters.calendar.burn_in_months = 14;
    parameters.users.population = 1_000_000_000;
    parameters.users.thin_file_share = 0.4;
    parameters.banks = vec![bank_class("large", 3, 0.6, 0.9), bank_class("small", 50, 0.4, 0.25)];
    parameters.banks[1].row.waits_for = 0.5;
    parameters.costs.compliance_increase_max = 0.08;
    parameters.fees.agency_query = 8.0;
    parameters.fees.direct_query = 6.0;
    parameters.fees.revenue_share = 0.15;
    parameters.fees.user_payment = 0.1;
    parameters.rules.direct_sale_ban = RuleMonth::From(START.plus(3));
    parameters.rules.order = RuleMonth::From(START.plus(6));
    parameters.rules.deadline = RuleMonth::From(START.plus(12));
    parameters.rules.lender_reporting = 0.5;
    parameters.supervision.audits_per_month = 2.0;
    parameters.supervision.bank_audits_per_month = 20.0;
    add_agency(&mut parameters, "one", 0.55, &[0.25, 0.0, 0.0]);
    add_agency(&mut parameters, "two", 0.4, &[0.0, 0.3, 0.3]);
    for agency in &mut parameters.agencies {
        agency.row.payout = 0.5;
        agency.row.unit_cost = 1.0;
        agency.row.records_loans = true;
    }
    parameters
}

/// Rows of all tables that differ between two runs, to the last digit.
fn differing(one: &RunRows, other: &RunRows) -> usize {
    fn rows<R: Debug>(one: &[R], other: &[R]) -> usize {
        let unequal = one.iter().zip(other).filter(|(a, b)| text(a) != text(b)).count();
        unequal + one.len().abs_diff(other.len())
    }
    rows(&one.opening, &other.opening)
        + rows(&one.months, &other.months)
        + rows(&one.platforms, &other.platforms)
        + rows(&one.banks, &other.banks)
        + rows(&one.agencies, &other.agencies)
        + rows(&one.trades, &other.trades)
        + rows(&one.flows, &other.flows)
        + rows(&one.decisions, &other.decisions)
}

/// A row with every number in full.
fn text(row: &impl Debug) -> String {
    format!("{row:?}")
}

/// A month of a run, with the month before.
struct Books<'a> {
    rows: &'a RunRows,
    before: &'a MonthRow,
    now: &'a MonthRow,
}

/// What must be zero in every month: a name, and the gap.
type Balance = (&'static str, fn(&Books<'_>) -> Money);

const BALANCES: [Balance; 5] = [
    ("loans: before + lent - repaid - lost - now", |books| {
        let lent = books.paid("banks", "principal_lent");
        let repaid = books.paid("users", "principal_repaid");
        books.before.loans_outstanding_cny + lent
            - repaid
            - books.now.losses_cny
            - books.now.loans_outstanding_cny
    }),
    ("banks: flows but principal - lost - profit", |books| {
        let principal = books.paid("users", "principal_repaid") - books.paid("banks", "principal_lent");
        books.net("banks") - principal - books.now.losses_cny - books.now.bank_profit_cny
    }),
    ("platforms: flows - profit", |books| books.net("platforms") - books.now.platform_profit_cny),
    ("agencies: flows but dividends - profit", |books| {
        books.net("agencies") + books.paid("agencies", "dividend") - books.now.agency_profit_cny
    }),
    ("fees in trades - fees in flows", |books| {
        let of_month = books.rows.trades.iter().filter(|trade| trade.month == books.now.month);
        let traded: Money = of_month.map(|trade| trade.amount_cny).sum();
        traded - books.paid("banks", "direct_fee") - books.paid("banks", "agency_fee")
    }),
];

impl Books<'_> {
    fn flows(&self) -> impl Iterator<Item = &crate::tables::FlowRow> {
        let month: Month = self.now.month;
        self.rows.flows.iter().filter(move |flow| flow.month == month)
    }

    /// What the parties of a kind paid for `flow`.
    fn paid(&self, payer: &str, flow: &str) -> Money {
        let paid = self.flows().filter(|row| row.payer == payer && row.flow == flow);
        paid.map(|row| row.amount_cny).sum()
    }

    /// What the parties of a kind received less what they paid.
    fn net(&self, party: &str) -> Money {
        let received = self.flows().filter(|row| row.payee == party).map(|row| row.amount_cny);
        let paid = self.flows().filter(|row| row.payer == party).map(|row| row.amount_cny);
        received.sum::<Money>() - paid.sum::<Money>()
    }
}

/// The largest gap over the months of a run, CNY; `None` of a run without months.
fn largest_gap(rows: &RunRows, gap: fn(&Books<'_>) -> Money) -> Option<f64> {
    let before = rows.opening.iter().chain(&rows.months);
    let gaps = before.zip(&rows.months).map(|(before, now)| gap(&Books { rows, before, now }).cny().abs());
    gaps.reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::FLOWS;

    fn simulate() -> RunRows {
        let reporting = Reporting { decisions: true, ..Reporting::default() };
        run(&scenario(lively(), Vec::new()), 1, reporting).unwrap()
    }

    #[test]
    fn every_flow_occurs_where_they_are_recounted() {
        let rows = simulate();
        for flow in FLOWS {
            assert!(rows.flows.iter().any(|row| row.flow == flow), "no {flow}");
        }
        let fined = |payer: &str| rows.flows.iter().any(|row| row.flow == "fine" && row.payer == payer);
        assert!(fined("banks") && fined("platforms"));
    }

    #[test]
    fn a_flow_that_is_booked_wrongly_leaves_a_gap() {
        let mut rows = simulate();
        for (flow, balance) in
            [("principal_lent", 0), ("interest", 1), ("commission", 2), ("revenue_share", 3)]
        {
            let row = rows.flows.iter_mut().rfind(|row| row.flow == flow).unwrap();
            row.amount_cny += Money(100);
            assert_eq!(largest_gap(&rows, BALANCES[balance].1), Some(1.0), "{flow}");
        }
        let traded = rows.trades.first_mut().unwrap();
        traded.amount_cny += Money(250);
        assert_eq!(largest_gap(&rows, BALANCES[4].1), Some(2.5));
    }

    #[test]
    fn a_number_that_differs_is_counted_in_every_table() {
        let rows = simulate();
        let mut other = rows.clone();
        assert_eq!(differing(&rows, &other), 0);
        other.months[3].applications += 1e-6;
        other.flows.pop();
        assert_eq!(differing(&rows, &other), 2);
        other.opening[0].borrowers += 1.0;
        other.platforms[5].sanction_belief += 1e-9;
        other.banks[2].approvals += 1.0;
        other.agencies[1].capability += 1e-9;
        other.trades[4].records += 1.0;
        other.decisions[7].value += 1e-12;
        assert_eq!((differing(&rows, &other), differing(&other, &rows)), (8, 8));
    }
}
