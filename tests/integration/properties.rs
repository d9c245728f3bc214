//! What must hold in every valid scenario, tried on random whole ones: accounts, stocks and flows, shares,
//! what may be delivered and sold, and on what results must not depend.
//!
//! The scenarios follow from a seed, so a test that fails fails again. `PROPERTY_CASES` sets how many are tried,
//! `PROPERTY_SEED` tries others. A failure is shrunk and told as commands that write the scenario and run it.

use crate::common::{read, recounted, repository, run_one, written};
use crate::random_scenarios::{Draft, draft};
use mandate::agents::banks::Source;
use mandate::ledger::{Flow, Party};
use mandate::month::step_month;
use mandate::pooling::Delivered;
use mandate::random::Key;
use mandate::run::{Plan, run};
use mandate::scenario::{Scenario, Trigger};
use mandate::summary::SummaryRow;
use mandate::tables::{Reporting, Row, RunRows};
use mandate::units::{Money, Month};
use mandate::world::World;
use mandate::{accounts, observe, rules};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Scenarios that are tried unless told otherwise.
const CASES: u32 = 224;

/// Parts of them that are tried side by side, each with a seed of its own.
const PARTS: u32 = 8;

/// By how much a share may pass 1 through rounding.
const ROUNDING: f64 = 1e-9;

type Checked = Result<(), TestCaseError>;

fn number_of(variable: &str, default: u32) -> u32 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a whole number"))
}

#[test]
fn properties_of_random_scenarios() {
    let (cases, seed) = (number_of("PROPERTY_CASES", CASES), number_of("PROPERTY_SEED", 1));
    let (tried, refused) = (AtomicU32::new(0), AtomicU32::new(0));
    let failures: Vec<String> = (0..PARTS)
        .into_par_iter()
        .filter_map(|part| {
            let config = Config {
                cases: cases.div_ceil(PARTS),
                failure_persistence: None,
                max_shrink_iters: 2000,
                ..Config::default()
            };
            let mut bytes = [0; 32];
            bytes[..4].copy_from_slice(&seed.to_le_bytes());
            bytes[4..8].copy_from_slice(&part.to_le_bytes());
            let mut runner =
                TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
            let outcome = runner.run(&draft(), |draft| {
                tried.fetch_add(1, Ordering::Relaxed);
                properties(&draft, &refused)
            });
            match outcome {
                Ok(()) => None,
                Err(TestError::Fail(reason, draft)) => Some(told(&reason.to_string(), &draft)),
                Err(TestError::Abort(reason)) => Some(reason.to_string()),
            }
        })
        .collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    let (tried, refused) = (tried.into_inner(), refused.into_inner());
    eprintln!("{tried} scenarios, {refused} refused");
    assert!(refused * 10 <= tried, "{refused} of {tried} scenarios are refused: they say little");
}

/// A failure, and what one types to see it.
fn told(reason: &str, draft: &Draft) -> String {
    let folder = tempfile::tempdir().unwrap();
    match draft.files(folder.path()) {
        Ok(files) => format!(
            "{reason}\nIn replicate {} of seed {}, {} at work on the users. In the folder of the repository:\n\n{}",
            draft.replicate,
            draft.seed,
            draft.workers,
            files.shown(draft.seed, draft.replicate),
        ),
        Err(problems) => format!("{reason}\n{}\n{draft:?}", problems.render(false)),
    }
}

fn properties(draft: &Draft, refused: &AtomicU32) -> Checked {
    let folder = tempfile::tempdir().unwrap();
    let scenario = match draft.files(folder.path()).and_then(|files| files.load(folder.path())) {
        Ok(scenario) => scenario,
        Err(problems) => {
            refused.fetch_add(1, Ordering::Relaxed);
            let told = problems.render(false);
            if std::env::var_os("PROPERTY_CASES").is_some() {
                eprintln!("refused: {told}");
            }
            prop_assert!(told.contains(".toml") || told.contains(".csv"), "{told}");
            return Ok(());
        }
    };
    let key = Key::new(draft.seed, scenario.replicate_seed(draft.replicate));
    let mut stocks = Stocks::default();
    let rows = walk(&scenario, key, 1, |_| (), |world| stocks.check(world))?;
    cells(&rows)?;
    sums(&rows)?;
    summary(&scenario, &rows)?;
    independence(&scenario, draft, key, &rows)?;
    nobody_foresees(&scenario, key, &rows)
}

/// Steps a world through its months, as a replicate does, and looks at it after each.
fn walk(
    scenario: &Scenario,
    key: Key,
    workers: usize,
    arrange: impl FnOnce(&mut World),
    mut look: impl FnMut(&World) -> Checked,
) -> Result<RunRows, TestCaseError> {
    let mut world = World::new(scenario, key, workers, false);
    arrange(&mut world);
    let calendar = scenario.parameters.calendar.clone();
    let mut rows = RunRows::default();
    for month in 0..calendar.all_months() {
        world.month = month;
        step_month(&mut world);
        accounts::check(&world).map_err(TestCaseError::fail)?;
        look(&world)?;
        if month + 1 == calendar.burn_in_months {
            rows.opening.push(observe::month_row(&world));
        }
        if !world.in_burn_in() {
            observe::observe(&world, Reporting::default(), &mut rows);
            let row = observe::month_row(&world);
            rules::read_conditions(&mut world, &row);
            rows.months.push(row);
        }
    }
    Ok(rows)
}

/// What is remembered from month to month.
#[derive(Default)]
struct Stocks {
    outstanding: Vec<Money>,
    /// By platform and agency, whether it has ever been allowed to deliver there.
    allowed: Vec<Vec<bool>>,
    /// By platform, the first month in which it is not suspended, as it was before the month's audits.
    suspended_until: Vec<u32>,
}

impl Stocks {
    fn check(&mut self, world: &World) -> Checked {
        books(world)?;
        borrowers(world)?;
        self.new_loans(world)?;
        sales(world)?;
        oversight(world)?;
        self.flows(world)?;
        self.deliveries(world)?;
        more_delivery_knows_no_less(world)
    }

    /// Outstanding is before + lent - repaid - written off.
    fn flows(&mut self, world: &World) -> Checked {
        let now: Vec<Money> =
            (0..world.banks.len()).map(|bank| world.banks.books.outstanding(bank)).collect();
        self.outstanding.resize(now.len(), Money::ZERO);
        for (bank, before) in self.outstanding.iter().enumerate() {
            let net = |flow| world.ledger.net(Party::Bank(bank), flow);
            let (lent, repaid) = (-net(Flow::PrincipalLent), net(Flow::PrincipalRepaid));
            let expected = *before + lent - repaid - world.record.written_off[bank];
            prop_assert_eq!(now[bank], expected, "outstanding of bank {} in {}", bank, world.now());
            prop_assert!(now[bank] >= Money::ZERO && lent >= Money::ZERO && repaid >= Money::ZERO);
        }
        self.outstanding = now;
        Ok(())
    }

    /// Who brings a loan is in partnerships, was not suspended when it was made, and has the borrower as a member.
    fn new_loans(&mut self, world: &World) -> Checked {
        self.suspended_until.resize(world.platforms.len(), 0);
        for block in &world.blocks {
            for loan in block.loans() {
                let age = loan.age(world.month);
                prop_assert!(age < world.parameters.credit.term_months, "a loan is {} months old", age);
                if age > 0 || loan.slot == 0 {
                    continue;
                }
                let p = usize::from(loan.slot) - 1;
                prop_assert!(world.platforms[p].in_partnership, "{} brings a loan in {}", p, world.now());
                prop_assert!(self.suspended_until[p] <= world.month, "suspended {} brings a loan", p);
                prop_assert!(block.memberships(loan.user()) >> p & 1 == 1, "no member of {}", p);
            }
        }
        self.suspended_until = world.platforms.iter().map(|platform| platform.suspended_until).collect();
        Ok(())
    }

    /// An agency holds nothing before it opens, nor from those who never were to deliver to it; deliveries move
    /// no faster than they can be integrated, and those who leave partnerships want to deliver nothing.
    fn deliveries(&mut self, world: &World) -> Checked {
        let agencies = world.agencies.len();
        self.allowed.resize(world.platforms.len(), vec![false; agencies]);
        let rate = world.parameters.behaviour.integration_rate;
        for (p, platform) in world.platforms.iter().enumerate() {
            world.rules.agencies[p].iter().for_each(|a| self.allowed[p][*a] = true);
            for a in 0..agencies {
                let (held, before) = (platform.delivered[a], platform.before.delivered[a]);
                let about = || format!("platform {p}, agency {a} in {}", world.now());
                prop_assert!((0.0..=1.0).contains(&held), "{held} is delivered: {}", about());
                prop_assert!((held - before).abs() <= rate + ROUNDING, "{before} to {held}: {}", about());
                prop_assert!(held == 0.0 || world.open(a), "delivered before it opens: {}", about());
                prop_assert!(held == 0.0 || self.allowed[p][a], "delivered, not allowed: {}", about());
                prop_assert!(platform.in_partnership || platform.target[a] == 0.0, "wants to: {}", about());
                let used = world.tallies[0].records_of(a)[p];
                prop_assert!(used == 0 || held > 0.0 && consent_is_possible(world), "used: {}", about());
            }
        }
        Ok(())
    }
}

fn consent_is_possible(world: &World) -> bool {
    world.rules.consent.is_none_or(|share| share > 0.0)
}

/// The books and counts are those of the loans that there are.
fn books(world: &World) -> Checked {
    recounted(world).map_err(TestCaseError::fail)?;
    let mut by_quintile = [0; 5];
    for block in &world.blocks {
        for loan in block.loans() {
            by_quintile[usize::from(block.quintile(loan.user())) - 1] += 1;
        }
    }
    for (quintile, count) in by_quintile.into_iter().enumerate() {
        let booked: u64 = world.loans_by_quintile.iter().map(|loans| loans[quintile]).sum();
        prop_assert_eq!(booked, count, "loans of quintile {} in {}", quintile + 1, world.now());
    }
    let performing: Money = world.record.performing_by_quintile.into_iter().sum();
    prop_assert_eq!(performing, world.record.performing, "performing in {}", world.now());
    Ok(())
}

/// Nobody has too many loans, and who is barred has none.
fn borrowers(world: &World) -> Checked {
    for block in &world.blocks {
        for place in 0..block.len() {
            let loans = block.loan_count(place);
            prop_assert!(loans <= world.parameters.credit.max_loans);
            prop_assert!(
                loans == 0 || !block.people().get(place).unwrap().locked_out(world.month),
                "barred in {}",
                world.now()
            );
        }
    }
    Ok(())
}

/// Data are sold by those who sell them, to those who buy them there.
fn sales(world: &World) -> Checked {
    let platforms = world.platforms.len();
    for bank in 0..world.banks.len() {
        let source = world.banks.source[bank];
        for (seller, _) in world.tallies[0].queries(bank).iter().enumerate().filter(|(_, count)| **count > 0)
        {
            let may = if seller < platforms {
                let sells =
                    world.platforms[seller].sells_directly && world.rules.never_sell >> seller & 1 == 0;
                sells && source == Source::Direct && consent_is_possible(world)
            } else {
                world.open(seller - platforms) && source.queries(seller - platforms)
            };
            prop_assert!(may, "{:?} buys from seller {} in {}", source, seller, world.now());
        }
    }
    Ok(())
}

/// Audits are no more than there are agents, findings no more than audits; without rules there are none.
fn oversight(world: &World) -> Checked {
    let record = &world.record;
    let ruled = world.rules.direct_sale_banned || world.rules.ordered;
    let audits = record.platform_audits + record.bank_audits;
    prop_assert!(ruled || audits == 0, "{} audits without a rule", audits);
    prop_assert!(record.platform_audits as usize <= world.platforms.len());
    prop_assert!(record.bank_audits as usize <= world.banks.len());
    prop_assert!(record.findings <= audits, "{} findings in {} audits", record.findings, audits);
    let supervision = &world.parameters.supervision;
    prop_assert!(supervision.audits_per_month > 0.0 || record.platform_audits == 0);
    prop_assert!(supervision.bank_audits_per_month > 0.0 || record.bank_audits == 0);
    prop_assert!(supervision.detection > 0.0 || record.findings == 0);
    Ok(())
}

/// Were more delivered, agencies would hold no fewer records of anybody, and know no less.
fn more_delivery_knows_no_less(world: &World) -> Checked {
    let levels: Vec<f64> = world.platforms.iter().map(|platform| platform.data_level).collect();
    let delivered = |more: f64| {
        let share = |p: usize, a: usize| {
            let share = world.platforms[p].delivered[a];
            share + more * (1.0 - share) * ((p + a) % 3) as f64 / 2.0
        };
        Delivered::new(world.key, &world.parameters, &world.rules, &levels, share)
    };
    let (now, more) = (delivered(0.0), delivered(0.3));
    let block = &world.blocks[0];
    for place in (0..block.len()).step_by(7) {
        let (user, memberships) = (block.user(place), block.memberships(place));
        for a in 0..world.agencies.len() {
            let sets = [&now, &more].map(|delivered| delivered.held(user, memberships, a));
            prop_assert!(sets[0] & !sets[1] == 0 && sets[1] & !memberships == 0);
            let [before, after] = sets.map(|set| now.pool.raw(set));
            prop_assert!(after >= before, "precision {} falls to {} in {}", before, after, world.now());
        }
    }
    Ok(())
}

/// Every cell of every table is finite, within its unit's range, and where it must be not below 0.
fn cells(rows: &RunRows) -> Checked {
    cells_of(&rows.opening)?;
    cells_of(&rows.months)?;
    cells_of(&rows.platforms)?;
    cells_of(&rows.banks)?;
    cells_of(&rows.agencies)?;
    cells_of(&rows.trades)?;
    cells_of(&rows.flows)?;
    cells_of(&rows.decisions)
}

/// Units of which the cells count things.
const COUNTS: [&str; 11] = [
    "persons",
    "records",
    "queries",
    "decisions",
    "CNY per query",
    "per year",
    "platforms",
    "banks",
    "audits",
    "findings",
    "platform-months",
];

fn cells_of<R: Row>(rows: &[R]) -> Checked {
    for row in rows {
        for (column, cell) in R::COLUMNS.iter().zip(row.cells()) {
            let Some(number) = cell.number() else { continue };
            let about = || format!("{}.{} is {number}", R::TABLE, column.name);
            prop_assert!(number.is_finite(), "{}", about());
            let signed = ["profit", "surplus", "growth"].iter().any(|word| column.name.contains(word));
            let is_share = column.unit.starts_with("share") && column.unit != "share of reference"
                || column.unit.starts_with("probability")
                || column.unit == "index";
            if is_share {
                prop_assert!((0.0..=1.0 + ROUNDING).contains(&number), "{}", about());
            } else if !signed && (COUNTS.contains(&column.unit) || column.unit.starts_with("CNY")) {
                prop_assert!(number >= 0.0, "{}", about());
            }
            if column.name.starts_with("default_rate") {
                prop_assert!(number <= 12.0 + ROUNDING, "{}", about());
            }
        }
    }
    Ok(())
}

/// Amounts in the tables of parties are those of the months and the flows, to the fen.
fn sums(rows: &RunRows) -> Checked {
    for month in &rows.months {
        let now = month.month;
        let platforms = || rows.platforms.iter().filter(|row| row.month == now);
        let banks = || rows.banks.iter().filter(|row| row.month == now);
        let agencies = || rows.agencies.iter().filter(|row| row.month == now);
        let traded = |channel: &str| -> Money {
            let trades = rows.trades.iter().filter(|row| row.month == now && row.channel == channel);
            trades.map(|row| row.amount_cny).sum()
        };
        let flow = |name: &str| -> Money {
            rows.flows
                .iter()
                .filter(|row| row.month == now && row.flow == name)
                .map(|row| row.amount_cny)
                .sum()
        };
        let same = |what: &str, amounts: &[Money]| -> Checked {
            prop_assert!(amounts.iter().all(|one| *one == amounts[0]), "{} in {}: {:?}", what, now, amounts);
            Ok(())
        };
        let direct = platforms().map(|row| row.direct_fees_cny).sum();
        same("direct fees", &[month.direct_fees_cny, direct, traded("direct"), flow("direct_fee")])?;
        let fees = agencies().map(|row| row.fees_cny).sum();
        same("agency fees", &[month.agency_fees_cny, fees, traded("agency"), flow("agency_fee")])?;
        let paid = banks().map(|row| row.fees_paid_cny).sum();
        same("fees paid", &[month.direct_fees_cny + month.agency_fees_cny, paid])?;
        let shared = agencies().map(|row| row.revenue_share_cny).sum();
        let received = platforms().map(|row| row.revenue_share_cny).sum();
        same("revenue share", &[month.revenue_share_cny, shared, received, flow("revenue_share")])?;
        let commissions = platforms().map(|row| row.commissions_cny).sum();
        let of_banks = banks().map(|row| row.commissions_cny).sum();
        same("commissions", &[month.commissions_cny, commissions, of_banks, flow("commission")])?;
        let compliance = platforms().map(|row| row.compliance_cost_cny).sum();
        same("compliance cost", &[month.compliance_cost_cny, compliance, flow("compliance_cost")])?;
        let fines: Money = platforms().map(|row| row.fines_cny).chain(banks().map(|row| row.fines_cny)).sum();
        same("fines", &[month.fines_cny, fines, flow("fine")])?;
        same("losses", &[month.losses_cny, banks().map(|row| row.losses_cny).sum()])?;
        same("originations", &[month.originations_cny, banks().map(|row| row.originations_cny).sum()])?;
        let outstanding = banks().map(|row| row.loans_outstanding_cny).sum();
        same("loans", &[month.loans_outstanding_cny, outstanding])?;
        same("banks' profit", &[month.bank_profit_cny, banks().map(|row| row.profit_cny).sum()])?;
        same("platforms' profit", &[month.platform_profit_cny, platforms().map(|row| row.profit_cny).sum()])?;
        same("agencies' profit", &[month.agency_profit_cny, agencies().map(|row| row.profit_cny).sum()])?;
        let dividends: Money = agencies().map(|row| row.dividends_cny).sum();
        same("dividends", &[dividends, flow("dividend")])?;
        let by_quintile = [
            month.users_surplus_quintile_1_cny,
            month.users_surplus_quintile_2_cny,
            month.users_surplus_quintile_3_cny,
            month.users_surplus_quintile_4_cny,
            month.users_surplus_quintile_5_cny,
        ];
        same("surplus", &[month.users_surplus_cny, by_quintile.into_iter().sum()])?;
        for row in platforms() {
            let income =
                row.direct_fees_cny + row.commissions_cny + row.revenue_share_cny + row.dividends_cny;
            let costs = row.operating_cost_cny + row.compliance_cost_cny + row.fines_cny;
            same("a platform's profit", &[row.profit_cny, income - costs])?;
        }
        for row in banks() {
            let costs = row.funding_cny + row.commissions_cny + row.fees_paid_cny + row.fines_cny;
            same("a bank's profit", &[row.profit_cny, row.interest_cny - costs - row.losses_cny])?;
            let sources = row.source_none + row.source_direct + row.source_agency;
            prop_assert!(
                (sources - 1.0).abs() < ROUNDING,
                "sources of {} sum to {}",
                row.bank_class,
                sources
            );
            prop_assert!(row.approvals <= row.applications);
        }
        for row in agencies() {
            let costs = row.revenue_share_cny + row.user_payments_cny + row.operating_cost_cny;
            same("an agency's profit", &[row.profit_cny, row.fees_cny - costs])?;
            prop_assert!(
                row.dividends_cny <= row.profit_cny.max(Money::ZERO) + Money(10),
                "dividends of {}",
                now
            );
        }
        prop_assert!(month.approvals <= month.applications && month.defaults >= 0.0);
        prop_assert!(month.partnership_outstanding_cny <= month.loans_outstanding_cny);
        prop_assert!(month.partnership_originations_cny <= month.originations_cny);
        prop_assert!(month.compliant_platforms.is_none_or(|count| count <= month.platforms_bound));
    }
    Ok(())
}

fn summary(scenario: &Scenario, rows: &RunRows) -> Checked {
    cells_of(&[SummaryRow::of(scenario, rows)])
}

/// Results are the same again, however many work on users, whatever the order of blocks, the threads, the replicates
/// that are run beside, and what is reported.
fn independence(scenario: &Scenario, draft: &Draft, key: Key, rows: &RunRows) -> Checked {
    let again = run_of(scenario, draft, 1, Reporting::default());
    prop_assert!(format!("{again:?}") == format!("{rows:?}"), "run twice");
    let shared_out = run_of(scenario, draft, draft.workers, Reporting::default());
    prop_assert!(shared_out == *rows, "by {} workers", draft.workers);
    if scenario.parameters.users.sample > 2000 {
        let turned = walk(scenario, key, 2, |world| world.blocks[1..].reverse(), |_| Ok(()))?;
        prop_assert!(turned == *rows, "blocks in another order");
    }
    let reporting = Reporting { decisions: true, per_bank: true, months_only: false };
    let all = run_of(scenario, draft, 1, reporting);
    cells(&all)?;
    let rest = RunRows { banks: rows.banks.clone(), decisions: Vec::new(), ..all.clone() };
    prop_assert!(rest == *rows, "with decisions and banks");
    bank_rows_sum_to_classes(rows, &all)?;
    let few = run_of(scenario, draft, 1, Reporting { months_only: true, ..Reporting::default() });
    let months = RunRows { opening: rows.opening.clone(), months: rows.months.clone(), ..RunRows::default() };
    prop_assert!(few == months, "with months only");
    replicates(scenario, draft, rows)
}

fn run_of(scenario: &Scenario, draft: &Draft, workers: usize, reporting: Reporting) -> RunRows {
    let key = Key::new(draft.seed, scenario.replicate_seed(draft.replicate));
    mandate::replicate::simulate(scenario, key, workers, reporting, &AtomicBool::new(false)).unwrap()
}

fn bank_rows_sum_to_classes(by_class: &RunRows, by_bank: &RunRows) -> Checked {
    let sums = |rows: &RunRows| {
        let mut sums: BTreeMap<(Month, String), (u32, Money, Money, Money)> = BTreeMap::new();
        for row in &rows.banks {
            let sum = sums.entry((row.month, row.bank_class.clone())).or_default();
            sum.0 += row.banks;
            sum.1 += row.profit_cny;
            sum.2 += row.loans_outstanding_cny;
            sum.3 += row.fees_paid_cny;
        }
        sums
    };
    prop_assert_eq!(sums(by_class), sums(by_bank), "banks and their classes");
    Ok(())
}

fn replicates(scenario: &Scenario, draft: &Draft, rows: &RunRows) -> Checked {
    let plan = Plan {
        scenarios: std::slice::from_ref(scenario),
        replicates: draft.replicate + 1,
        seed: draft.seed,
        threads: 2,
        reporting: Reporting::default(),
    };
    let mut found = None;
    let outcome = run(
        plan,
        &AtomicBool::new(false),
        |_| (),
        |id, rows| {
            if id.replicate == draft.replicate {
                found = Some(rows);
            }
            Ok::<(), Infallible>(())
        },
    );
    prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    prop_assert!(found.as_ref() == Some(rows), "among {} replicates", plan.replicates);
    Ok(())
}

/// Without the last amendments that act from a month on, all that comes before is the same.
fn nobody_foresees(scenario: &Scenario, key: Key, rows: &RunRows) -> Checked {
    let from = |trigger: &Trigger| match trigger {
        Trigger::From(month) => Some(*month),
        Trigger::When(_) => None,
    };
    let Some(last) = scenario.amendments.iter().filter_map(|amendment| from(&amendment.trigger)).max() else {
        return Ok(());
    };
    let mut without = scenario.clone();
    without.amendments.retain(|amendment| from(&amendment.trigger) != Some(last));
    let other = walk(&without, key, 1, |_| (), |_| Ok(()))?;
    let earlier = |rows: &RunRows| {
        let mut rows = rows.clone();
        rows.months.retain(|row| row.month < last);
        rows.platforms.retain(|row| row.month < last);
        rows.banks.retain(|row| row.month < last);
        rows.agencies.retain(|row| row.month < last);
        rows.trades.retain(|row| row.month < last);
        rows.flows.retain(|row| row.month < last);
        rows
    };
    prop_assert!(earlier(&other) == earlier(rows), "before the amendment of {}", last);
    Ok(())
}

/// A scenario of one platform and one bank.
fn smallest(platform: &str, settings: &str) -> Scenario {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file(
        "platforms.csv",
        &format!(
            "id,name,reach,credit_weight,shopping,payments,travel,local_services,social,finance,skill,\
             waits_for,goodwill,source\n{platform}\n"
        ),
    );
    file(
        "banks.csv",
        "class,count,deposit_share,partnership_weight,information_precision,waits_for,source\n\
         b,1,1,1,0.9,0.8,A\n",
    );
    let agencies = std::fs::read_to_string(repository("seeds/agencies.csv")).unwrap();
    file("agencies.csv", agencies.lines().next().unwrap());
    file("stakes.csv", "agency,holder,stake,source\n");
    let rosters = ["platforms", "banks", "agencies", "stakes"];
    let rosters: String = rosters.iter().map(|name| format!("rosters.{name} = \"{name}.csv\"\n")).collect();
    file("smallest.toml", &format!("title = \"The smallest\"\n{rosters}{settings}"));
    read(&folder.path().join("smallest.toml"), &[])
}

/// A platform whose only member would be approved once in 10^310 or so has nothing at stake.
#[test]
fn a_hopeless_member_ends_no_run() {
    let scenario = smallest(
        "p,P,0.03,1,637.3963899423554,0,0,0,0,0.5,0.85,0.7,0,A",
        "calendar.months = 1\ncalendar.burn_in_months = 3\nusers.sample = 89\n\
         credit.pd_slope = 1.0\ncredit.loss_given_default = 1.0\nbehaviour.review_rate = 1.0\n",
    );
    walk(&scenario, Key::new(971_946, 4), 1, |_| (), |_| Ok(())).unwrap();
}

/// Whatever doubles, or becomes a tenth, over the longest calendar.
#[test]
fn the_longest_calendar_is_run_to_its_end() {
    let platform = "p,P,0.9,1,1000,1,1,1,1,1,1,0.5,0,A";
    let calendar = "calendar.months = 1200\ncalendar.burn_in_months = 3\nusers.sample = 9\n";
    for growth in [
        "exposure.data_growth_monthly = 1\n",
        "credit.demand_growth_annual = 10\ncredit.partnership_growth_annual = -0.9\n",
        "credit.demand_growth_annual = -0.9\ncredit.partnership_growth_annual = 10\n",
    ] {
        let scenario = smallest(platform, &format!("{calendar}{growth}"));
        let rows = walk(&scenario, Key::new(1, 1), 1, |_| (), |_| Ok(())).unwrap();
        assert_eq!(rows.months.len(), 1200);
        cells(&rows).unwrap();
    }
}

/// A roster may have as many classes as banks; each keeps its own name and information, with however many platforms.
#[test]
fn thousands_of_classes_of_banks_are_told_apart() {
    // With fourteen platforms, more pairs of a class and a score that it may buy than 16 bits can number.
    const CLASSES: usize = 5000;
    let folder = tempfile::tempdir().unwrap();
    let row = |class: usize| {
        let share = u8::from(class == CLASSES - 1);
        format!("c{class},1,{share},{share},{},0.8,A\n", 100 * share)
    };
    let header = "class,count,deposit_share,partnership_weight,information_precision,waits_for,source\n";
    let roster: String = std::iter::once(header.to_string()).chain((0..CLASSES).map(row)).collect();
    let banks = folder.path().join("banks.csv");
    std::fs::write(&banks, roster).unwrap();
    let scenario = written(
        &format!("title = \"x\"\nextends = \"{{scenarios}}/open-market.toml\"\nrosters.banks = {banks:?}\n"),
        &[
            "users.sample=2000",
            "calendar.months=2",
            "calendar.burn_in_months=0",
            "users.thin_file_discount=1",
        ],
    );
    let rows = run_one(&scenario, 1, 1, Reporting::default());
    let last = &rows.banks[CLASSES - 1];
    assert_eq!(last.bank_class, "c4999");
    assert!(last.approval_rate_creditworthy.unwrap() > 0.9, "it knows whom it lends to");
    assert!(rows.banks[..CLASSES - 1].iter().all(|row| row.applications == 0.0));
}
