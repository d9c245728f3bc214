//! What makes each regime itself, and the patterns that compare regimes, over 20 replicates with
//! bounds written down before the runs.
//!
//! Figures: `cargo test --release regimes -- --nocapture`.

use crate::common::{mean, mean_at, month, run, shipped, written};
use mandate::agents::users::Block;
use mandate::month::step_month;
use mandate::observe::month_row;
use mandate::random::Key;
use mandate::rules::read_conditions;
use mandate::scenario::Scenario;
use mandate::tables::{BankMonthRow, RunRows};
use mandate::world::World;

const REPLICATES: u32 = 20;
const SAMPLE: &str = "users.sample=20000";

fn regime(name: &str, sets: &[&str]) -> Vec<RunRows> {
    run(&shipped(name, &[&[SAMPLE], sets].concat()), REPLICATES)
}

/// The mean over replicates and the last twelve months of a column of a class of banks.
fn last_year(runs: &[RunRows], classes: &[&str], column: impl Fn(&BankMonthRow) -> Option<f64>) -> f64 {
    let rows = runs.iter().flat_map(|rows| &rows.banks);
    let last = rows.filter(|row| row.month >= month("2024-01") && classes.contains(&&*row.bank_class));
    mean(&last.filter_map(column).collect::<Vec<_>>())
}

/// The mean over replicates of what an agency covers in a month.
fn coverage(runs: &[RunRows], agency: &str, text: &str) -> f64 {
    let rows = runs.iter().flat_map(|rows| &rows.agencies);
    let rows = rows.filter(|row| row.agency == agency && row.month == month(text));
    mean(&rows.map(|row| row.coverage).collect::<Vec<_>>())
}

/// Steps a scenario to the end, showing the world to `look` after each reported month.
fn each_month(scenario: &Scenario, mut look: impl FnMut(&World)) {
    let mut world = World::new(scenario, Key::new(1, 1), 1, false);
    let calendar = scenario.parameters.calendar.clone();
    for month in 0..calendar.burn_in_months + calendar.months {
        world.month = month;
        step_month(&mut world);
        if !world.in_burn_in() {
            look(&world);
            let row = month_row(&world);
            read_conditions(&mut world, &row);
        }
    }
}

/// A shipped scenario, small.
fn small(name: &str) -> Scenario {
    shipped(name, &["users.sample=3000", "calendar.burn_in_months=6"])
}

/// Pattern 10. Full lender reporting cuts defaults and multiple borrowing.
#[test]
fn pattern_10_reporting() {
    let silent = regime("december-deadline", &[]);
    let reported = regime("december-deadline", &["rules.lender_reporting=1", "rules.loan_records=all"]);
    for metric in ["default_rate_annual", "multiple_borrowers_share"] {
        for text in ["2023-12", "2024-12"] {
            let (with, without) = (mean_at(&reported, metric, text), mean_at(&silent, metric, text));
            println!("10: {metric} in {text} {with:.4} with full reporting, {without:.4} without");
            assert!(with < without);
        }
    }
}

/// Pattern 11. Agencies of low capability (0.2) cut rural banks' approvals against capability 0.55 under
/// strict oversight.
#[test]
fn pattern_11_capability() {
    let approval = |capability: &str| {
        let capability = format!("agencies.capability={capability}");
        let runs = regime("strict-oversight", &[&capability, "agencies.capability_learning=0"]);
        last_year(&runs, &["rural"], |row| row.approval_rate)
    };
    let (low, able) = (approval("0.2"), approval("0.55"));
    println!("11: rural banks approve {low:.4} with capability 0.2, {able:.4} with 0.55");
    assert!(low < able);
}

/// Pattern 12. A venture owned by all platforms in equal parts gets more than a stranger; less so when
/// the regulator appoints.
#[test]
fn pattern_12_venture() {
    let stranger = written(
        "title = \"A stranger's agency\"\nextends = \"{scenarios}/joint-venture.toml\"\n\
         [rosters]\nstakes = \"{seeds}/stakes_none.csv\"\n",
        &[SAMPLE],
    );
    let appoints = |share: &str| {
        regime("joint-venture", &[&format!("agencies.venture.regulator_appoints_management={share}")])
    };
    let (stranger, half, own) = (run(&stranger, REPLICATES), appoints("0.5"), appoints("0"));
    for text in ["2022-11", "2023-06"] {
        let [stranger, half, own] =
            [&stranger, &half, &own].map(|runs| mean_at(runs, "delivered_share", text));
        println!("12: in {text} a stranger gets {stranger:.4}, a venture {own:.4}, half appointed {half:.4}");
        assert!(stranger < half && half < own);
    }
}

/// Pattern 13. Opt-in consent lowers agencies' coverage and small banks' approvals.
#[test]
fn pattern_13_consent() {
    let free = regime("strict-oversight", &[]);
    let asked = regime("strict-oversight", &["rules.consent=opt-in"]);
    for agency in ["baihang", "pudao"] {
        let (with, without) = (coverage(&asked, agency, "2024-12"), coverage(&free, agency, "2024-12"));
        println!("13: {agency} covers {with:.3} with opt-in, {without:.3} without");
        assert!(with < without);
    }
    let approval = |runs: &[RunRows]| last_year(runs, &["city", "rural"], |row| row.approval_rate);
    println!("13: small banks approve {:.4} with opt-in, {:.4} without", approval(&asked), approval(&free));
    assert!(approval(&asked) < approval(&free));
}

/// Pattern 14. Enriched data help thin-file applicants most: without any data the approval of the creditworthy
/// among them falls most.
#[test]
fn pattern_14_thin_files() {
    let with = regime("open-market", &["calendar.months=12"]);
    let without = regime("open-market", &["calendar.months=12", "platforms.direct_sale=never"]);
    let fall = |metric: &str| {
        let mean = |runs: &[RunRows]| {
            let rows = runs.iter().flat_map(|rows| &rows.months);
            mean(&rows.map(|row| row.metric(metric).unwrap()).collect::<Vec<_>>())
        };
        mean(&with) - mean(&without)
    };
    let thin = fall("approval_rate_creditworthy_thin_file");
    let thick = fall("approval_rate_creditworthy_thick_file");
    println!(
        "14: without data the approval of the creditworthy falls by {thin:.4} (thin), {thick:.4} (thick)"
    );
    assert!(thin > thick && thick > 0.0);
}

#[test]
fn under_the_registry_every_loan_is_reported_and_seen() {
    each_month(&small("national-registry"), |world| {
        // A year after the order all loans are ones that were granted under it.
        if world.now() >= month("2023-03") {
            let blocks = || world.blocks.iter();
            let unreported =
                |block: &Block| (0..block.len()).any(|i| block.reported_count(i) < block.loan_count(i));
            assert!(!blocks().any(unreported));
        }
    });
    let registry = regime("national-registry", &[]);
    let baseline = regime("december-deadline", &[]);
    for metric in ["default_rate_annual", "multiple_borrowers_share"] {
        assert!(mean_at(&registry, metric, "2024-12") < mean_at(&baseline, metric, "2024-12"), "{metric}");
    }
}

#[test]
fn nobody_delivers_to_the_venture_before_it_opens() {
    let runs = regime("joint-venture", &[]);
    for row in runs.iter().flat_map(|rows| &rows.agencies) {
        if row.month < month("2022-07") {
            assert_eq!((row.records_held, row.fee_cny), (0.0, None), "{}", row.month);
        }
    }
    assert!(coverage(&runs, "venture", "2023-06") > 0.0);
}

#[test]
fn the_utility_sells_at_cost() {
    let runs = regime(
        "public-utility",
        &["supervision.audits_per_month=8", "supervision.bank_audits_per_month=750"],
    );
    let rows: Vec<_> = runs.iter().flat_map(|rows| &rows.agencies).filter(|row| row.queries > 1e6).collect();
    assert!(!rows.is_empty());
    for rows in runs.iter().map(|rows| &rows.agencies) {
        // The mean of twelve months, or of as many as there are since the first query.
        let first = rows.iter().position(|row| row.queries > 0.0).unwrap_or(rows.len());
        for (i, row) in rows.iter().enumerate().skip(first + 1) {
            let months = &rows[first.max(i.saturating_sub(12))..i];
            let queries = months.iter().map(|row| row.queries).sum::<f64>() / months.len() as f64;
            if queries == 0.0 {
                continue;
            }
            let cost = 1.0 + 20_000_000.0 / queries.max(1.0);
            assert!((row.fee_cny.unwrap() / cost - 1.0).abs() < 1e-9, "{}", row.month);
            assert_eq!(row.dividends_cny.0, 0);
        }
    }
}

#[test]
fn users_who_own_their_data_are_asked_and_paid() {
    let runs = regime("user-ownership", &[]);
    for rows in &runs {
        for row in rows.months.iter().filter(|row| row.month >= month("2022-02")) {
            assert_eq!(row.unconsented_records, 0.0);
        }
        assert!(rows.months[0].unconsented_records > 0.0, "nobody is asked before the order");
        for row in &rows.agencies {
            assert!(row.coverage <= 0.3 || row.month < month("2022-02"));
        }
    }
    let paid: f64 = runs.iter().flat_map(|rows| &rows.agencies).map(|row| row.user_payments_cny.cny()).sum();
    assert!(paid > 0.0);
}

#[test]
fn after_the_divestiture_the_platform_reaches_banks_through_the_bureau_alone() {
    let scenario = small("divestiture");
    let index = |id: &str| scenario.parameters.agencies.iter().position(|entry| entry.id == id).unwrap();
    let (baihang, pudao, qiantang) = (index("baihang"), index("pudao"), index("qiantang"));
    let ant = scenario.parameters.platforms.iter().position(|entry| entry.id == "ant").unwrap();
    let mut delivered = 0.0f64;
    each_month(&scenario, |world| {
        if world.now() < month("2022-02") {
            return;
        }
        assert!(world.record.trades.iter().all(|trade| trade.seller != ant), "{}", world.now());
        assert_eq!(world.platforms[ant].target[baihang] + world.platforms[ant].target[pudao], 0.0);
        for (p, platform) in world.platforms.iter().enumerate().filter(|(p, _)| *p != ant) {
            assert_eq!(platform.target[qiantang], 0.0, "platform {p} in {}", world.now());
        }
        delivered = delivered.max(world.platforms[ant].delivered[qiantang]);
    });
    assert!(delivered > 0.0);
}

#[test]
fn the_required_share_rises_in_steps() {
    let mut required = Vec::new();
    each_month(&small("step-by-step"), |world| {
        if required.last() != Some(&world.rules.required_share) {
            required.push(world.rules.required_share);
        }
        assert_eq!(world.rules.deadline_passed(), world.now() >= month("2022-06"));
    });
    assert_eq!(required, [0.0, 0.25, 0.5, 0.75, 1.0]);
}

#[test]
fn the_deadline_slips_when_too_little_is_reported() {
    let baseline = run(&small("december-deadline"), 1).remove(0);
    let pushed = run(&small("pushed-back"), 1).remove(0);
    let before = baseline.months.iter().take_while(|row| row.month < month("2022-12")).count();
    assert_eq!(pushed.months[..before], baseline.months[..before]);
    assert_ne!(pushed.months[before], baseline.months[before], "audits stay few");
    each_month(&small("pushed-back"), |world| {
        let ahead = if world.now() < month("2022-12") { month("2022-12") } else { month("2023-06") };
        if world.rules.ordered {
            assert_eq!(world.rules.months_to_deadline, Some(ahead.since(world.now()).max(0) as u32));
        }
    });
}

/// Each lever differs from the baseline in its own parameters and in nothing else.
#[test]
fn a_lever_moves_nothing_else() {
    let baseline = shipped("december-deadline", &[]);
    for (name, paths) in [
        ("strict-oversight", vec!["supervision.audits_per_month", "supervision.bank_audits_per_month"]),
        ("neutral-agency", vec!["agencies.pudao.stakes.jd", "agencies.pudao.stakes.outside:Neutral holder"]),
        ("fee-cap", vec!["fees.agency_query"]),
        ("no-one-waits", vec!["platforms.waits_for", "banks.waits_for"]),
        ("user-ownership", vec!["fees.user_payment", "rules.consent"]),
        ("pushed-back", vec!["amendment.1"]),
    ] {
        let differing = Scenario::differing(&[&baseline, &shipped(name, &[])]);
        for (path, ..) in &differing {
            assert!(
                paths.iter().any(|expected| path.starts_with(expected) || own_waits(path)),
                "{name}: {path}"
            );
        }
        for expected in paths {
            let found = |(path, ..): &(String, String, Vec<Option<String>>)| {
                path == expected || (expected.ends_with("waits_for") && own_waits(path))
            };
            assert!(differing.iter().any(found), "{name} does not change {expected}");
        }
    }
}

/// A single platform's or class's `waits_for`, by which a column that differs by row is told.
fn own_waits(path: &str) -> bool {
    path.ends_with(".waits_for")
}

#[test]
fn an_open_market_knows_no_unlawful_sale_and_a_ban_does() {
    let open = run(&small("open-market"), 2);
    let banned = run(&small("direct-ban"), 2);
    for (open, banned) in open.iter().zip(&banned) {
        for (row, same) in open.months.iter().zip(&banned.months) {
            assert_eq!((row.delivered_share, row.audits, row.unlawful_query_share), (None, 0, Some(0.0)));
            if row.month < month("2021-07") {
                assert_eq!(row, same, "nobody foresees the ban");
            } else {
                assert_eq!(same.unlawful_query_share, same.direct_query_share);
                assert_eq!(same.delivered_share, None, "there is no order");
            }
        }
        assert!(open.trades.iter().all(|trade| trade.lawful));
        assert!(banned.trades.iter().any(|trade| !trade.lawful));
    }
}

/// Cheap agencies win lenders, neutral ones records, and nobody's waiting speeds delivery up: the shipped
/// levers against the baseline, on the same luck.
#[test]
fn levers_work_in_their_direction() {
    let baseline = regime("december-deadline", &[]);
    let better = |name: &str, metric: &str, text: &str| {
        let (with, without) = (mean_at(&regime(name, &[]), metric, text), mean_at(&baseline, metric, text));
        println!("{name}: {metric} in {text} {with:.3} against {without:.3}");
        assert!(with > without, "{name}");
    };
    better("fee-cap", "agency_query_share", "2024-12");
    better("neutral-agency", "delivered_share", "2022-11");
    better("no-one-waits", "delivered_share", "2022-11");
    better("strict-oversight", "delivered_share", "2022-11");
    better("divestiture", "agency_query_share", "2024-12");
}
