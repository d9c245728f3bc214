//! Published and closed-form results that the model must reproduce, on the same code as scenarios.

use crate::common::{at, mean_at, read, run, written};
use mandate::normal::{normal_cdf, normal_quantile};
use mandate::scenario::Scenario;
use mandate::scenario::parameters::Credit;
use mandate::screening::LendingTerms;
use std::path::Path;

/// One month in which everybody applies, at banks of one precision that buy no data.
fn first_applications(precision: f64, tries: u32) -> Scenario {
    let (precision, tries) =
        (format!("banks.information_precision={precision}"), format!("credit.tries={tries}"));
    written(
        r#"
        title = "Everybody applies once"
        extends = "{scenarios}/open-market.toml"
        [calendar]
        months = 13
        burn_in_months = 0
        [users]
        sample = 100_000
        population = 100_000
        thin_file_share = 0
        [credit]
        application_rate_monthly = 1
        demand_growth_annual = 0
        [platforms]
        direct_sale = "never"
        [[amendment]]
        from = "2021-02"
        set = { "credit.application_rate_monthly" = 0 }
        "#,
        &[&precision, &tries],
    )
}

/// The mean of `f` over credit quality, a standard normal, on a grid of quantiles.
fn over_quality(f: impl Fn(f64) -> f64) -> f64 {
    let n = 20_000;
    let sum: f64 = (0..n).map(|i| f(normal_quantile((f64::from(i) + 0.5) / f64::from(n)))).sum();
    sum / f64::from(n)
}

/// Approval and default rates of first-time applicants agree with the closed form, over a grid of
/// precision and for several lenders (Broecker 1990: more lenders, more approvals, of lower quality).
#[test]
fn screening_agrees_with_its_closed_form() {
    let terms = LendingTerms::new(&Credit::default());
    let mut last_pd = 0.0;
    for (precision, tries) in [(0.25, 1), (0.9, 1), (2.0, 1), (0.4, 1), (0.4, 2), (0.4, 3), (0.4, 6)] {
        let screen = terms.screen(precision, 0);
        let approved = |z: f64| 1.0 - (1.0 - screen.approval(z)).powi(tries as i32);
        let expected = over_quality(approved);
        let expected_pd = over_quality(|z| approved(z) * terms.pd(z, 0.0)) / expected;

        let rows = run(&first_applications(precision, tries), 1).remove(0);
        let first = &rows.months[0];
        assert_eq!(first.applications, 100_000.0);
        let defaults: f64 = rows.months.iter().map(|row| row.defaults).sum();
        let (rate, pd) = (first.approval_rate.unwrap(), defaults / first.approvals);
        println!(
            "tau {precision}, {tries} lenders: approval {rate:.4} ({expected:.4}), PD {pd:.4} ({expected_pd:.4})"
        );
        assert!((rate - expected).abs() < 4.0 * (expected * (1.0 - expected) / 1e5).sqrt());
        assert!((pd - expected_pd).abs() < 4.0 * (expected_pd / first.approvals).sqrt());
        if precision == 0.4 {
            assert!(expected_pd > last_pd, "quality falls with the number of lenders");
            last_pd = expected_pd;
        }
    }
}

/// A scenario with `platforms` alike platforms, each waiting for its own share of the others, and
/// one agency in which each has an equal stake.
fn platforms(folder: &Path, waits_for: &[f64], text: &str) -> Scenario {
    let mut roster = String::from(
        "id,name,reach,credit_weight,shopping,payments,travel,local_services,social,finance,skill,waits_for,goodwill,source\n",
    );
    let mut stakes = String::from("agency,holder,stake,source\n");
    for (p, threshold) in waits_for.iter().enumerate() {
        roster += &format!("p{p},P{p},0.5,1,0,0.3,0,0,0,0,0.8,{threshold},0,test\n");
        stakes += &format!("bureau,p{p},{},test\n", 1.0 / waits_for.len() as f64 - 1e-9);
    }
    let agencies = "id,name,operator,opens,capability,capability_ceiling,capability_learning,fee_query,fee_rule,unit_cost,fixed_cost,revenue_share,payout,regulator_appoints_management,records_loans,source\n\
        bureau,Bureau,licensed,2018-01,0.5,0.9,0,,fixed,1,0,0,0,0,true,test\n";
    std::fs::write(folder.join("platforms.csv"), roster).unwrap();
    std::fs::write(folder.join("stakes.csv"), stakes).unwrap();
    std::fs::write(folder.join("agencies.csv"), agencies).unwrap();
    let common = format!(
        r#"
        title = "Alike platforms"
        [rosters]
        platforms = "platforms.csv"
        stakes = "stakes.csv"
        agencies = "agencies.csv"
        banks = "{}"
        [rules]
        order = "2021-01"
        [costs]
        compliance_increase_shape = "uniform"
        [behaviour]
        mu_platforms = 0
        exclusivity = 0
        neutrality = 0
        review_rate = 1
        integration_rate = 1
        learn = 0
        [supervision]
        audits_per_month = 0
        bank_audits_per_month = 0
        {text}
        "#,
        crate::common::repository("seeds/banks.csv").display()
    );
    std::fs::write(folder.join("alike.toml"), common).unwrap();
    read(&folder.join("alike.toml"), &[])
}

/// Granovetter 1978: with thresholds 0, 1, ..., 99 one complier brings all 100; with the threshold 1
/// replaced by 2 it stays the only one.
#[test]
fn a_cascade_needs_every_step() {
    // Complying is worth 0.0001 of what waiting costs, so a platform complies as soon as its number
    // of peers has.
    let setting = "[users]\nsample = 1000\n[calendar]\nmonths = 110\nburn_in_months = 0\n";
    for (replaced, compliers) in [(1.0, 100), (2.0, 1)] {
        let folder = tempfile::tempdir().unwrap();
        let mut thresholds: Vec<f64> = (0..100).map(|i| f64::from(i) / 99.0).collect();
        thresholds[1] = replaced / 99.0;
        let mut scenario = platforms(folder.path(), &thresholds, setting);
        scenario.parameters.costs.compliance_increase_max = 0.0;
        scenario.parameters.behaviour.reluctance_platforms = 1.0;
        scenario.parameters.behaviour.own_stake = 0.01;
        let rows = run(&scenario, 1).remove(0);
        let last = rows.months.last().unwrap();
        assert_eq!(last.compliant_platforms, Some(compliers), "threshold 1 replaced by {replaced}");
        if compliers == 100 {
            assert_eq!(rows.months[9].compliant_platforms, Some(10), "one more each month");
        }
    }
}

/// Allingham and Sandmo 1972, risk-neutral: costs uniform on [0, 8 %], fine 20 %; an audit probability
/// of 0.1, 0.2, 0.3 makes 25 %, 50 %, 75 % comply.
#[test]
fn deterrence_follows_the_expected_fine() {
    for (probability, expected) in [(0.1, 0.25), (0.2, 0.5), (0.3, 0.75)] {
        let folder = tempfile::tempdir().unwrap();
        let setting =
            "suspension_months = 0\n[users]\nsample = 1000\n[calendar]\nmonths = 3\nburn_in_months = 0\n";
        let mut scenario = platforms(folder.path(), &[0.0; 100], setting);
        scenario.parameters.rules.deadline = scenario.parameters.rules.order;
        // Costs are a share of commission revenue here: 0.5 x uniform on [0, 0.16].
        scenario.parameters.costs.cost_base = 0.5;
        scenario.parameters.costs.compliance_increase_max = 0.16;
        scenario.parameters.behaviour.own_stake = 0.0;
        scenario.parameters.behaviour.first_belief = probability;
        scenario.parameters.supervision.fine_rate = 0.2 / 12.0;
        let runs = run(&scenario, 20);
        let share = mean_at(&runs, "compliant_platforms", "2021-02") / 100.0;
        println!("audit probability {probability}: {share:.3} comply ({expected})");
        assert!((share - expected).abs() < 4.0 * (expected * (1.0 - expected) / 2000.0f64).sqrt());
        assert_eq!(at(&runs[0], "2021-02").platforms_bound, 100);
    }
}

/// The normal distribution that the tests themselves use.
#[test]
fn quality_is_standard_normal() {
    assert!(over_quality(|z| z).abs() < 1e-9);
    assert!((over_quality(|z| z * z) - 1.0).abs() < 1e-3);
    assert!((over_quality(|z| f64::from(u8::from(z < 1.0))) - normal_cdf(1.0)).abs() < 1e-4);
}
