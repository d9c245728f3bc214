//! Scenarios against a baseline, paired by replicate: what differs, how surely, and who wins.

use crate::tables::{Cell, Column, Row, table};

table! {
    /// A metric of a scenario against the baseline, paired by replicate.
    ComparisonRow = "comparison" {
        metric: &'static str, "name", "Outcome: a column of summary.csv";
        unit: &'static str, "text", "Unit of the outcome";
        baseline_mean: f64, "of the metric", "Mean of the baseline over the replicates in which both have the outcome";
        scenario_mean: f64, "of the metric", "Mean of the scenario over the same replicates";
        difference: f64, "of the metric", "Mean of scenario - baseline, replicate by replicate";
        difference_low: Option<f64>, "of the metric", "Lower end of the 95 % interval of the difference; empty with one replicate";
        difference_high: Option<f64>, "of the metric", "Upper end of the 95 % interval of the difference";
        percent: Option<f64>, "percent", "100 x difference / baseline mean; empty where the baseline's mean is 0";
        replicates: u32, "replicates", "Replicates in which both have the outcome";
        surely_different: Option<bool>, "flag", "Whether the 95 % interval leaves out 0; empty with one replicate";
        replicates_needed: Option<u32>, "replicates", "Replicates at which the 95 % interval would leave out a difference of this size; empty where it does already or where there is none";
        variance_saved: Option<f64>, "share", "What pairing saves: 1 - variance of the paired difference / sum of both variances; empty where neither varies";
    }
}

table! {
    /// What a party gains against the baseline over the calendar, paired by replicate.
    WinnerRow = "winners" {
        party_kind: &'static str, "word", "platform, bank_class, agency, income_quintile, treasury or central_bank";
        party: String, "id", "Party: the id of a platform, bank class or agency; the quintile from 1 (poorest) to 5";
        measure: &'static str, "word", "What is compared: profit_cny, users_surplus_cny, fines_cny or supervision_cost_cny";
        baseline_cny: Option<f64>, "CNY", "Mean of the baseline over replicates, sum over the calendar; empty where the baseline has no such party";
        scenario_cny: Option<f64>, "CNY", "Mean of the scenario over replicates, sum over the calendar; empty where the scenario has no such party";
        gain_cny: f64, "CNY", "Mean gain against the baseline, replicate by replicate; a party that is missing has 0";
        gain_low_cny: Option<f64>, "CNY", "Lower end of the 95 % interval of the gain; empty with one replicate";
        gain_high_cny: Option<f64>, "CNY", "Upper end of the 95 % interval of the gain";
        gains: Option<&'static str>, "word", "surely, surely_not or unclear, by the interval; empty with one replicate";
        replicates: u32, "replicates", "Replicates";
    }
}
