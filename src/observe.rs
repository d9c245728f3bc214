//! Observation: from the world to rows of tables. The only place that reads everything; it changes
//! nothing.

use crate::accounts::{agency_profit, bank_profit, cost_increase, platform_profit};
use crate::agents::banks::Source;
use crate::choice::{Agent, Decision};
use crate::compliance::complies;
use crate::information::platforms_in;
use crate::ledger::{Flow, Party};
use crate::supervision::bound_delivery;
use crate::tables::{
    AgencyMonthRow, BankMonthRow, DecisionRow, FlowRow, MonthRow, PlatformMonthRow, Reporting, RunRows,
    TradeRow,
};
use crate::tally::{Decisions, Group};
use crate::units::Money;
use crate::world::World;

/// Adds the rows of the month to `rows`, all but that of `months`, which [`month_row`] makes.
pub fn observe(world: &World, reporting: Reporting, rows: &mut RunRows) {
    if !reporting.months_only {
        rows.platforms.extend((0..world.platforms.len()).map(|p| platform_row(world, p)));
        rows.agencies.extend((0..world.agencies.len()).map(|a| agency_row(world, a)));
        rows.trades.extend(trade_rows(world));
        rows.flows.extend(flow_rows(world));
        if reporting.per_bank {
            rows.banks.extend((0..world.banks.len()).map(|b| bank_row(world, b..b + 1, Some(b))));
        } else {
            let classes = 0..world.parameters.banks.len();
            rows.banks.extend(classes.map(|class| bank_row(world, world.banks.of_class(class), None)));
        }
    }
    if let Some(decisions) = &world.decisions {
        rows.decisions.extend(decision_rows(world, decisions, reporting.per_bank));
    }
}

/// `part / whole`; nothing of nothing does not exist.
fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    ratio(sum, count)
}

/// The month's row of `months`.
pub fn month_row(world: &World) -> MonthRow {
    let tally = &world.tallies[0];
    let all_platforms = || 0..world.platforms.len();
    let bound: Vec<usize> = if world.rules.ordered {
        all_platforms().filter(|p| world.platforms[*p].in_partnership).collect()
    } else {
        Vec::new()
    };
    let delivered = |p: &usize| delivered_share(world, *p);
    let by_records: (f64, f64) = bound.iter().fold((0.0, 0.0), |(part, whole), p| {
        let members = world.platforms[*p].members as f64;
        delivered(p).map_or((part, whole), |share| (part + share * members, whole + members))
    });
    let decisions = tally.all_decisions() as f64;
    let of_decisions = |count: u64| ratio(count as f64, decisions);
    let direct = tally.direct_decisions();
    let unlawful = if world.rules.direct_sale_banned { direct } else { 0 };
    let rate = |group: Group| ratio(tally.got(group) as f64, tally.asked(group) as f64);
    let total = |flow: Flow| world.ledger.total(flow);
    let (outstanding, partnership_outstanding) = world.banks.books.totals();
    let selling = world.platforms.iter().filter(|platform| platform.sells_directly).count();
    let surplus = world.parameters.users.outside_rate - world.parameters.credit.lending_rate;
    let surplus_of = world.record.performing_by_quintile.map(|balance| balance.share(surplus / 12.0));
    MonthRow {
        month: world.now(),
        delivered_share: mean(bound.iter().filter_map(delivered)),
        delivered_share_reported: mean(bound.iter().filter_map(|p| world.platforms[*p].reported)),
        delivered_share_by_records: ratio(by_records.0, by_records.1),
        compliant_platforms: world
            .rules
            .ordered
            .then(|| bound.iter().filter(|p| delivered(p).is_some() && complies(world, **p)).count() as u32),
        platforms_bound: bound.len() as u32,
        direct_query_share: of_decisions(direct),
        unlawful_query_share: of_decisions(unlawful),
        agency_query_share: of_decisions(tally.agency_decisions),
        unenriched_query_share: of_decisions(tally.all_decisions() - direct - tally.agency_decisions),
        applications: world.persons(tally.asked(Group::All)),
        approvals: world.persons(tally.got(Group::All)),
        approval_rate: rate(Group::All),
        approval_rate_creditworthy: rate(Group::Creditworthy),
        approval_rate_uncreditworthy: rate(Group::Uncreditworthy),
        approval_rate_thin_file: rate(Group::ThinFile),
        approval_rate_creditworthy_thin_file: rate(Group::CreditworthyThinFile),
        approval_rate_creditworthy_thick_file: rate(Group::CreditworthyThickFile),
        approval_rate_bottom_quintile: rate(Group::BottomQuintile),
        approval_rate_top_quintile: rate(Group::TopQuintile),
        originations_cny: total(Flow::PrincipalLent),
        partnership_originations_cny: world.record.partnership_lent,
        loans_outstanding_cny: outstanding,
        partnership_outstanding_cny: partnership_outstanding,
        borrowers: world.persons(world.borrowers as u64),
        multiple_borrowers_share: ratio(world.multiple_borrowers as f64, world.borrowers as f64),
        defaults: world.persons(tally.defaulters),
        default_rate_annual: ratio(12.0 * tally.defaulters as f64, world.record.opening_borrowers as f64),
        losses_cny: world.record.written_off.iter().copied().sum(),
        agency_fees_cny: total(Flow::AgencyFee),
        direct_fees_cny: total(Flow::DirectFee),
        revenue_share_cny: total(Flow::RevenueShare),
        commissions_cny: total(Flow::Commission),
        compliance_cost_cny: total(Flow::ComplianceCost),
        cost_increase_mean: mean(all_platforms().map(|p| cost_increase(world, p))),
        fines_cny: total(Flow::Fine),
        audits: world.record.platform_audits + world.record.bank_audits,
        bank_audits: world.record.bank_audits,
        violations_found: world.record.findings,
        suspended_platforms: world.platforms.iter().filter(|p| p.suspended(world.month)).count() as u32,
        platforms_selling_directly: selling as u32,
        banks_buying_directly: world.banks.buying_directly() as u32,
        bank_profit_cny: (0..world.banks.len()).map(|bank| bank_profit(world, bank)).sum(),
        platform_profit_cny: all_platforms().map(|p| platform_profit(world, p)).sum(),
        agency_profit_cny: (0..world.agencies.len()).map(|a| agency_profit(world, a)).sum(),
        users_surplus_cny: surplus_of.iter().copied().sum(),
        users_surplus_quintile_1_cny: surplus_of[0],
        users_surplus_quintile_2_cny: surplus_of[1],
        users_surplus_quintile_3_cny: surplus_of[2],
        users_surplus_quintile_4_cny: surplus_of[3],
        users_surplus_quintile_5_cny: surplus_of[4],
        supervision_cost_cny: total(Flow::AuditCost),
        records_exposed_expected: world.record.exposed,
        records_breached: world.record.breached,
        unconsented_records: world.record.unconsented,
        investment_index: mean(world.platforms.iter().map(|platform| platform.investment)),
        sanction_belief_mean: mean(world.platforms.iter().map(|platform| platform.belief)),
    }
}

/// What a bound platform has delivered of what is required: the mean over its agencies of min(1, delivered /
/// required), or the best where any one is enough. Where no agency is open to it, nothing can be said.
fn delivered_share(world: &World, p: usize) -> Option<f64> {
    bound_delivery(world, p)?;
    let rules = &world.rules;
    let of_required: Vec<f64> =
        world.platforms[p].delivered.iter().map(|held| 1.0 - rules.shortfall(*held)).collect();
    rules.counted(p, &of_required)
}

fn platform_row(world: &World, p: usize) -> PlatformMonthRow {
    let platform = &world.platforms[p];
    let net = |flow| world.ledger.net(Party::Platform(p), flow);
    PlatformMonthRow {
        month: world.now(),
        platform: world.parameters.platforms[p].id.clone(),
        delivered_share: world.rules.counted(p, &platform.delivered),
        sells_directly: platform.sells_directly,
        in_partnership: platform.in_partnership,
        suspended: platform.suspended(world.month),
        direct_fees_cny: net(Flow::DirectFee),
        commissions_cny: net(Flow::Commission),
        revenue_share_cny: net(Flow::RevenueShare),
        dividends_cny: net(Flow::Dividend),
        operating_cost_cny: -net(Flow::OperatingCost),
        compliance_cost_cny: -net(Flow::ComplianceCost),
        cost_increase: cost_increase(world, p),
        fines_cny: -net(Flow::Fine),
        profit_cny: platform_profit(world, p),
        sanction_belief: platform.belief,
        investment_index: platform.investment,
    }
}

/// A row over some banks of one class: all of them, or one.
fn bank_row(world: &World, banks: std::ops::Range<usize>, single: Option<usize>) -> BankMonthRow {
    let tally = &world.tallies[0];
    let class = usize::from(world.banks.class[banks.start]);
    let count = banks.len() as f64;
    let sum = |count: fn(&Decisions) -> u32| {
        banks.clone().map(|bank| u64::from(count(&tally.decisions(bank)))).sum::<u64>() as f64
    };
    let net = |flow: Flow| banks.clone().map(|b| world.ledger.net(Party::Bank(b), flow)).sum::<Money>();
    let share = |uses: &dyn Fn(Source) -> bool| {
        banks.clone().filter(|b| uses(world.banks.source[*b])).count() as f64 / count
    };
    let (decisions, approvals) = (sum(|d| d.made), sum(|d| d.approvals));
    let defaulted = tally.defaulted_of(banks.clone()).len();
    let opening: u64 = world.record.opening_loans[banks.clone()].iter().sum();
    BankMonthRow {
        month: world.now(),
        bank_class: world.parameters.banks[class].id.clone(),
        bank: single.map(|bank| bank as u32 + 1),
        banks: banks.len() as u32,
        source_none: share(&|source| source == Source::None),
        source_direct: share(&|source| source == Source::Direct),
        source_agency: share(&|source| matches!(source, Source::Agency(_) | Source::AllAgencies)),
        applications: decisions * world.weight,
        approvals: approvals * world.weight,
        approval_rate: ratio(approvals, decisions),
        approval_rate_creditworthy: ratio(sum(|d| d.creditworthy_approvals), sum(|d| d.creditworthy)),
        default_rate_annual: ratio(12.0 * defaulted as f64, opening as f64),
        originations_cny: -net(Flow::PrincipalLent),
        loans_outstanding_cny: banks.clone().map(|b| world.banks.books.outstanding(b)).sum(),
        interest_cny: net(Flow::Interest),
        funding_cny: -net(Flow::Funding),
        commissions_cny: -net(Flow::Commission),
        fees_paid_cny: -(net(Flow::DirectFee) + net(Flow::AgencyFee)),
        fines_cny: -net(Flow::Fine),
        losses_cny: banks.clone().map(|b| world.record.written_off[b]).sum(),
        profit_cny: banks.clone().map(|b| bank_profit(world, b)).sum(),
        sanction_belief: banks.clone().map(|b| world.banks.belief[b]).sum::<f64>() / count,
    }
}

fn agency_row(world: &World, a: usize) -> AgencyMonthRow {
    let net = |flow| world.ledger.net(Party::Agency(a), flow);
    let queries: f64 = world
        .record
        .trades
        .iter()
        .filter(|trade| trade.seller == world.platforms.len() + a)
        .map(|trade| trade.queries)
        .sum();
    AgencyMonthRow {
        month: world.now(),
        agency: world.parameters.agencies[a].id.clone(),
        platforms_delivering: world.platforms.iter().filter(|p| p.delivered[a] > 0.0).count() as u32,
        records_held: world.records_held(a),
        coverage: coverage(world, a),
        capability: world.agencies[a].capability,
        queries,
        fee_cny: world.open(a).then_some(world.agencies[a].fee_cny),
        fees_cny: net(Flow::AgencyFee),
        revenue_share_cny: -net(Flow::RevenueShare),
        user_payments_cny: -net(Flow::UserPayment),
        operating_cost_cny: -net(Flow::OperatingCost),
        dividends_cny: -net(Flow::Dividend),
        profit_cny: agency_profit(world, a),
    }
}

/// The share of persons on whom an agency holds a record at least: the mean over the panel of the
/// probability of at least one.
fn coverage(world: &World, a: usize) -> f64 {
    let nothing = |memberships| {
        platforms_in(memberships).map(|p| 1.0 - world.platforms[p].delivered[a]).product::<f64>()
    };
    let held = mean(world.panel.persons.iter().map(|person| 1.0 - nothing(person.memberships)));
    held.unwrap_or(0.0) * world.rules.consent.unwrap_or(1.0)
}

fn trade_rows(world: &World) -> impl Iterator<Item = TradeRow> {
    world.record.trades.iter().map(|trade| {
        let direct = trade.seller < world.platforms.len();
        let seller = if direct {
            &world.parameters.platforms[trade.seller].id
        } else {
            &world.parameters.agencies[trade.seller - world.platforms.len()].id
        };
        TradeRow {
            month: world.now(),
            seller: seller.clone(),
            buyer: world.parameters.banks[trade.class].id.clone(),
            channel: if direct { "direct" } else { "agency" },
            lawful: !(direct && world.rules.direct_sale_banned),
            queries: trade.queries,
            records: trade.records,
            fee_cny: trade.fee_cny,
            amount_cny: trade.amount,
        }
    })
}

fn flow_rows(world: &World) -> impl Iterator<Item = FlowRow> {
    world.ledger.flows().map(|(payer, payee, flow, amount_cny)| FlowRow {
        month: world.now(),
        payer,
        payee,
        flow,
        amount_cny,
    })
}

/// Rows of the month's decisions: every platform's, and of banks all or, of each class, the lowest
/// that reviews.
fn decision_rows<'a>(
    world: &'a World,
    decisions: &'a [Decision],
    per_bank: bool,
) -> impl Iterator<Item = DecisionRow> + 'a {
    let mut seen = vec![false; world.parameters.banks.len()];
    let reported = decisions.iter().filter_map(move |decision| match decision.agent {
        Agent::Platform(p) => Some((world.parameters.platforms[p].id.clone(), decision)),
        Agent::Bank(bank) => {
            let class = usize::from(world.banks.class[bank]);
            let id = &world.parameters.banks[class].id;
            let first = !std::mem::replace(&mut seen[class], true);
            if per_bank {
                Some((format!("{id}:{}", bank + 1), decision))
            } else {
                first.then(|| (id.clone(), decision))
            }
        }
    });
    reported.flat_map(move |(agent, decision)| {
        let options = decision.options.iter().enumerate();
        let rows = options.flat_map(|(i, (option, utility))| {
            utility.terms().iter().map(move |(term, value)| (i, option, *term, *value))
        });
        let row = |(i, option, term, value): (usize, &String, &'static str, f64)| DecisionRow {
            month: world.now(),
            agent: agent.clone(),
            choice: decision.choice.clone(),
            option: option.clone(),
            term,
            value,
            chosen: i == decision.chosen,
            reference_cny: decision.reference_cny,
        };
        rows.map(row).collect::<Vec<_>>()
    })
}
