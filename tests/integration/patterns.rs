//! Patterns that the baseline must show, over 20 replicates. The bounds were written down before the
//! runs; a parameter may be calibrated to meet them, a bound may not be loosened.
//!
//! Each test prints its figures: `cargo test --release patterns -- --nocapture`.

use crate::common::{at, mean, mean_at, month, run, shipped, values, written};
use mandate::scenario::Scenario;
use mandate::tables::RunRows;
use std::sync::OnceLock;

const REPLICATES: u32 = 20;
/// Sample of every run: sampling error of shares is then far below the bounds.
const SAMPLE: &str = "users.sample=20000";
const BASELINE: &str = "december-deadline";

/// The baseline with some parameters set.
fn baseline(sets: &[&str]) -> Scenario {
    shipped(BASELINE, &[&[SAMPLE], sets].concat())
}

/// Runs of the baseline itself, made once.
fn baseline_runs() -> &'static [RunRows] {
    static RUNS: OnceLock<Vec<RunRows>> = OnceLock::new();
    RUNS.get_or_init(|| run(&baseline(&[]), REPLICATES))
}

/// The mean over replicates of what a platform has delivered in a month, platform by platform.
fn delivered_by_platform(runs: &[RunRows], text: &str) -> Vec<(String, f64)> {
    let rows = |rows: &RunRows| {
        let in_month = rows.platforms.iter().filter(|row| row.month == month(text));
        in_month.map(|row| (row.platform.clone(), row.delivered_share.unwrap_or(0.0))).collect::<Vec<_>>()
    };
    let mut sums = rows(&runs[0]);
    for run in &runs[1..] {
        sums.iter_mut().zip(rows(run)).for_each(|(sum, row)| sum.1 += row.1);
    }
    sums.into_iter().map(|(platform, sum)| (platform, sum / runs.len() as f64)).collect()
}

/// Pattern 1. Stalemate: in 2022-11 the delivered share is above 0 and below 0.35, some platform has
/// delivered a part and none everything; with mu = 0 and no audits the mean is still above 0.
#[test]
fn pattern_1_stalemate() {
    let runs = baseline_runs();
    let share = mean_at(runs, "delivered_share", "2022-11");
    let by_platform = delivered_by_platform(runs, "2022-11");
    let most = by_platform.iter().map(|(_, share)| *share).fold(0.0, f64::max);
    println!("1: delivered in 2022-11 {share:.3}, most by one platform {most:.3} {by_platform:?}");
    assert!(share > 0.0 && share < 0.35);
    assert!(most > 0.0 && most < 1.0);
    let whole = values(runs, "compliant_platforms", "2022-11");
    assert_eq!(whole, vec![0.0; runs.len()], "somebody has delivered everything");

    let untasted = run(
        &baseline(&[
            "behaviour.mu_platforms=0",
            "supervision.audits_per_month=0",
            "supervision.bank_audits_per_month=0",
        ]),
        REPLICATES,
    );
    let share = mean_at(&untasted, "delivered_share", "2022-11");
    println!("1: with mu = 0 and no audits {share:.4}");
    assert!(share > 0.0);
}

/// Pattern 2. Evasion: from the ban to the deadline most enriched queries are still direct.
#[test]
fn pattern_2_evasion() {
    let months = (0..17).map(|later| month("2021-07").plus(later).to_string());
    let mut lowest = 1.0f64;
    for month in months {
        let direct = mean_at(baseline_runs(), "unlawful_query_share", &month);
        let agency = mean_at(baseline_runs(), "agency_query_share", &month);
        lowest = lowest.min(direct / (direct + agency));
    }
    println!("2: lowest direct share of enriched queries {lowest:.4}");
    assert!(lowest > 0.5);
}

/// Pattern 3. The fee is why: with the agencies' fee at the direct price, their share of queries at the end
/// is higher, by 0.05 at least, which is more than twice the standard error.
#[test]
fn pattern_3_the_fee() {
    let cheap = run(&baseline(&["fees.agency_query=6"]), REPLICATES);
    let low = values(&cheap, "agency_query_share", "2024-12");
    let high = values(baseline_runs(), "agency_query_share", "2024-12");
    let gains: Vec<f64> = low.iter().zip(&high).map(|(low, high)| low - high).collect();
    let error = (crate::common::variance(&gains) / gains.len() as f64).sqrt();
    println!(
        "3: agencies' share at the end {:.3} against {:.3}, s.e. of the gain {error:.3}",
        mean(&low),
        mean(&high)
    );
    assert!(mean(&gains) > 0.05 && mean(&gains) > 2.0 * error);
}

/// Pattern 4. Growth of outstanding loans in 2021: in partnership 22 % (+-3 points), all 12 % (+-2); stocks at
/// its end within 10 % of 16.6 and 5.76 tn.
#[test]
fn pattern_4_growth() {
    let runs = baseline_runs();
    let opening = |metric: &str| {
        mean(&runs.iter().map(|rows| rows.opening[0].metric(metric).unwrap()).collect::<Vec<_>>())
    };
    let all = mean_at(runs, "loans_outstanding_cny", "2021-12");
    let partnership = mean_at(runs, "partnership_outstanding_cny", "2021-12");
    let all_growth = all / opening("loans_outstanding_cny") - 1.0;
    let partnership_growth = partnership / opening("partnership_outstanding_cny") - 1.0;
    println!(
        "4: growth all {all_growth:.4}, partnership {partnership_growth:.4}; {all:.4e}, {partnership:.4e}"
    );
    assert!((partnership_growth - 0.22).abs() <= 0.03);
    assert!((all_growth - 0.12).abs() <= 0.02);
    assert!((all / 16.6e12 - 1.0).abs() <= 0.1);
    assert!((partnership / 5.76e12 - 1.0).abs() <= 0.1);
}

/// Pattern 5. Cost: no platform's cost rises above 8 %; full compliers' mean lies in 4-8 %.
#[test]
fn pattern_5_cost() {
    let rows = || baseline_runs().iter().flat_map(|rows| &rows.platforms);
    let highest = rows().map(|row| row.cost_increase).fold(0.0, f64::max);
    let full: Vec<f64> = rows()
        .filter(|row| row.month == month("2024-12") && row.delivered_share.is_some_and(|share| share >= 0.95))
        .map(|row| row.cost_increase)
        .collect();
    println!(
        "5: highest cost increase {highest:.4}, full compliers' mean {:.4} of {}",
        mean(&full),
        full.len()
    );
    assert!(highest <= 0.08);
    assert!(full.len() > 20 && (0.04..=0.08).contains(&mean(&full)));
}

/// Pattern 6. Without the rival's 25 % stake that agency receives more: records held in 2022-11 and 2023-06.
#[test]
fn pattern_6_neutrality() {
    let neutral = run(&baseline(&["agencies.pudao.stakes.jd=0"]), REPLICATES);
    for text in ["2022-11", "2023-06"] {
        let held = |runs: &[RunRows]| {
            let rows = runs.iter().flat_map(|rows| &rows.agencies);
            let held = rows.filter(|row| row.month == month(text) && row.agency == "pudao");
            mean(&held.map(|row| row.records_held).collect::<Vec<_>>())
        };
        let (without, with) = (held(&neutral), held(baseline_runs()));
        println!("6: records held in {text} {without:.4e} without the stake, {with:.4e} with it");
        assert!(without > with);
    }
}

/// Pattern 7. Waiting: with mu = 0, everybody waiting for everybody, no goodwill and no supervision nothing is
/// delivered, exactly; under the baseline's supervision nobody waiting delivers more by 2022-11 and
/// 2023-06 than all waiting.
#[test]
fn pattern_7_waiting() {
    let frozen = run(
        &baseline(&[
            "behaviour.mu_platforms=0",
            "platforms.waits_for=1",
            "platforms.goodwill=0",
            "supervision.audits_per_month=0",
            "supervision.bank_audits_per_month=0",
        ]),
        REPLICATES,
    );
    for row in frozen.iter().flat_map(|rows| &rows.agencies) {
        assert_eq!(row.records_held, 0.0, "{} in {}", row.agency, row.month);
    }
    let nobody = run(&baseline(&["platforms.waits_for=0"]), REPLICATES);
    let all = run(&baseline(&["platforms.waits_for=1"]), REPLICATES);
    for text in ["2022-11", "2023-06"] {
        let (nobody, all) =
            (mean_at(&nobody, "delivered_share", text), mean_at(&all, "delivered_share", text));
        println!("7: delivered in {text} {nobody:.3} with nobody waiting, {all:.3} with all waiting");
        assert!(nobody > all);
    }
}

/// Pattern 8. When direct data stop before agencies hold any (ban enforced on everyone, no order), small
/// banks' approval of creditworthy applicants falls more than large banks'.
#[test]
fn pattern_8_small_banks() {
    let enforced = written(
        r#"
        title = "The ban enforced on everyone, without an order"
        extends = "{scenarios}/direct-ban.toml"
        [platforms]
        goodwill = 0
        [[amendment]]
        from = "2021-07"
        set = { "platforms.direct_sale" = "never" }
        "#,
        &["users.sample=100000", "behaviour.own_stake=0", "behaviour.mu_platforms=0", "calendar.months=18"],
    );
    let open = shipped("open-market", &["users.sample=100000", "calendar.months=18"]);
    let (enforced, open) = (run(&enforced, REPLICATES), run(&open, REPLICATES));
    let held = enforced.iter().flat_map(|rows| &rows.agencies).map(|row| row.records_held).sum::<f64>();
    assert_eq!(held, 0.0, "agencies hold nothing");
    let approval = |runs: &[RunRows], classes: [&str; 2]| {
        let rows = runs.iter().flat_map(|rows| &rows.banks);
        let after = rows.filter(|row| row.month >= month("2021-08") && classes.contains(&&*row.bank_class));
        mean(&after.map(|row| row.approval_rate_creditworthy.unwrap()).collect::<Vec<_>>())
    };
    let fall = |classes| approval(&open, classes) - approval(&enforced, classes);
    let (small, large) = (fall(["city", "rural"]), fall(["state", "joint_stock"]));
    println!("8: fall of the approval of the creditworthy, small banks {small:.4}, large banks {large:.4}");
    assert!(small > large && small > 0.0);
}

/// Pattern 9. More supervision, earlier compliance: monotone over 0, 1, 2, 4, 8 audits; none: never above 0.1.
#[test]
fn pattern_9_supervision() {
    let mut last = [-1.0; 2];
    for audits in [0, 1, 2, 4, 8] {
        let runs = run(&baseline(&[&format!("supervision.audits_per_month={audits}")]), REPLICATES);
        let shares = ["2022-11", "2023-06"].map(|text| mean_at(&runs, "delivered_share", text));
        println!("9: {audits} audits: delivered {:.3} in 2022-11, {:.3} in 2023-06", shares[0], shares[1]);
        assert!(shares[0] > last[0] && shares[1] > last[1], "{audits} audits");
        last = shares;
        if audits == 0 {
            let highest =
                runs[0].months.iter().map(|row| mean_at(&runs, "delivered_share", &row.month.to_string()));
            let highest = highest.fold(0.0, f64::max);
            println!("9: highest delivered share without audits {highest:.3}");
            assert!(highest <= 0.1);
        }
    }
}

/// Bound platforms, shares and rates are what their names say, in every month of every replicate.
#[test]
fn shares_stay_shares() {
    for rows in baseline_runs() {
        for row in &rows.months {
            for column in mandate::tables::metrics().filter(|column| column.unit.starts_with("share")) {
                let value = row.metric(column.name).unwrap_or(0.0);
                assert!((0.0..=1.0).contains(&value), "{} is {value} in {}", column.name, row.month);
            }
            let queries = row.direct_query_share.unwrap()
                + row.agency_query_share.unwrap()
                + row.unenriched_query_share.unwrap();
            assert!((queries - 1.0).abs() < 1e-12);
        }
        assert_eq!(at(rows, "2021-06").unlawful_query_share, Some(0.0), "before the ban");
        assert_eq!(at(rows, "2022-01").delivered_share, None, "before the order");
    }
}
