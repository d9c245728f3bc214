//! Random numbers: the variance of counts over seeds is what independent draws give. Draws that are
//! used twice pass every test of totals and fail this one.

use crate::common::{mean, run, shipped, variance};
use mandate::scenario::Scenario;
use mandate::tables::RunRows;

const SEEDS: u32 = 400;
const SAMPLE: f64 = 3000.0;

/// Everybody is alike (quality does not matter) and every application is approved, so that counts
/// are binomial with known probabilities.
fn alike(sets: &[&str]) -> Scenario {
    let common = [
        "users.sample=3000",
        "users.population=3000",
        "calendar.burn_in_months=0",
        "calendar.months=5",
        "credit.demand_growth_annual=0",
        "credit.pd_slope=0",
        "credit.pd_per_loan=0",
        "credit.pd_intercept=1.7",
        "credit.max_loans=15",
        "credit.lockout_months=0",
        "behaviour.review_rate=0",
    ];
    shipped("open-market", &[&common, sets].concat())
}

/// The ratio of a sample variance to the expected one must lie within four standard errors of 1.
fn assert_variance(what: &str, values: &[f64], expected: f64) {
    let ratio = variance(values) / expected;
    let error = (2.0 / (values.len() as f64 - 1.0)).sqrt();
    println!("{what}: mean {:.2}, variance {ratio:.3} of the expected one (s.e. {error:.3})", mean(values));
    assert!((ratio - 1.0).abs() < 4.0 * error, "{what}: {ratio}");
}

fn counts(runs: &[RunRows], metric: &str, month: usize) -> Vec<f64> {
    runs.iter().map(|rows| rows.months[month].metric(metric).unwrap()).collect()
}

#[test]
fn applications_vary_as_independent_draws_do() {
    let runs = run(&alike(&[]), SEEDS);
    let (mean_expected, expected) = (SAMPLE * 0.06, SAMPLE * 0.06 * 0.94);
    let mut sums = vec![0.0; SEEDS as usize];
    for month in 0..5 {
        let applications = counts(&runs, "applications", month);
        assert!((mean(&applications) - mean_expected).abs() < 4.0 * (expected / f64::from(SEEDS)).sqrt());
        assert_variance(&format!("applications of month {month}"), &applications, expected);
        sums.iter_mut().zip(&applications).for_each(|(sum, count)| *sum += count);
        assert_eq!(counts(&runs, "approvals", month), applications, "all are approved");
    }
    // Months that shared draws would show here: their covariances add to the variance of the sum.
    assert_variance("applications of five months", &sums, 5.0 * expected);
}

#[test]
fn defaults_vary_as_independent_draws_do() {
    // PD = Phi(-1.7) = 0.0445655 a year.
    let hazard = 1.0 - (1.0 - 0.044_565_462_758_542_98f64).powf(1.0 / 12.0);
    let runs = run(&alike(&["credit.application_rate_monthly=0.5"]), SEEDS);
    for month in 1..5 {
        let borrowers = counts(&runs, "borrowers", month - 1);
        let defaults = counts(&runs, "defaults", month);
        let standardised: Vec<f64> = defaults
            .iter()
            .zip(&borrowers)
            .map(|(defaults, n)| (defaults - n * hazard) / (n * hazard * (1.0 - hazard)).sqrt())
            .collect();
        assert!(mean(&standardised).abs() < 4.0 / f64::from(SEEDS).sqrt(), "{}", mean(&standardised));
        assert_variance(&format!("defaults of month {month}"), &standardised, 1.0);
    }
}

#[test]
fn approvals_vary_as_independent_persons_do() {
    // Persons differ here; each applicant of the first month is approved with the same overall
    // probability p, so approvals given applications are binomial.
    let runs = run(&alike(&["credit.pd_slope=0.9", "credit.pd_intercept=2.1", "calendar.months=1"]), SEEDS);
    let applications = counts(&runs, "applications", 0);
    let approvals = counts(&runs, "approvals", 0);
    let p = approvals.iter().sum::<f64>() / applications.iter().sum::<f64>();
    let standardised: Vec<f64> = approvals
        .iter()
        .zip(&applications)
        .map(|(approved, n)| (approved - n * p) / (n * p * (1.0 - p)).sqrt())
        .collect();
    assert_variance("approvals of the first month", &standardised, 1.0);
}
