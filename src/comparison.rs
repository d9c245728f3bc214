//! Scenarios against a baseline, paired by replicate: what differs, how surely, and who wins.
//!
//! A replicate meets the same luck in both scenarios, so that luck which both share drops out of the
//! difference (common random numbers).

use crate::run::MOST_REPLICATES;
use crate::scenario::Scenario;
use crate::scenario::problem::{Origin, Problems};
use crate::stats::{Moments, t_quantile};
use crate::summary::SummaryRow;
use crate::tables::{Cell, Column, Row, RunRows, table};
use crate::units::Money;

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
        replicates_needed: Option<u32>, "replicates", "Replicates at which the 95 % interval would leave out 0 if mean and spread stayed as they are; empty where it does already, where there is no difference, and beyond a million";
        variance_saved: Option<f64>, "share", "What pairing saves: 1 - variance of the paired difference / sum of both variances; empty where neither varies";
    }
}

table! {
    /// What a party gains against the baseline over the calendar, paired by replicate.
    WinnerRow = "winners" {
        party_kind: &'static str, "word", "platform, bank_class, agency, income_quintile, treasury or central_bank";
        party: String, "id", "Party: the id of a platform, bank class or agency; the quintile from 1 (poorest) to 5";
        measure: &'static str, "word", "What is compared: profit_cny, users_surplus_cny, fines_cny (received) or supervision_cost_cny (paid, hence negative)";
        baseline_cny: Option<f64>, "CNY", "Mean of the baseline over replicates, sum over the calendar; empty where the baseline has no such party";
        scenario_cny: Option<f64>, "CNY", "Mean of the scenario over replicates, sum over the calendar; empty where the scenario has no such party";
        gain_cny: f64, "CNY", "Mean gain against the baseline, replicate by replicate; a party that is missing has 0";
        gain_low_cny: Option<f64>, "CNY", "Lower end of the 95 % interval of the gain; empty with one replicate";
        gain_high_cny: Option<f64>, "CNY", "Upper end of the 95 % interval of the gain";
        gains: Option<&'static str>, "word", "wins or loses where the interval leaves out 0, else unclear; empty with one replicate";
        replicates: u32, "replicates", "Replicates";
    }
}

/// What can't be compared replicate by replicate, month by month: scenarios of another calendar, or of
/// other seeds.
pub fn unlike(scenarios: &[Scenario]) -> Problems {
    let baseline = &scenarios[0];
    let mut problems = Problems::default();
    for scenario in &scenarios[1..] {
        let origin = Origin::whole(&scenario.file);
        let (ours, theirs) = (&scenario.parameters.calendar, &baseline.parameters.calendar);
        for (key, ours, theirs) in [
            ("calendar.start", ours.start.to_string(), theirs.start.to_string()),
            ("calendar.months", ours.months.to_string(), theirs.months.to_string()),
            ("calendar.burn_in_months", ours.burn_in_months.to_string(), theirs.burn_in_months.to_string()),
        ] {
            if ours != theirs {
                problems.0.push(
                    origin
                        .problem(key, format!("the calendar is not that of the baseline, {}", baseline.name))
                        .given(ours)
                        .allowed(theirs)
                        .hint(format!("--set {key}=... sets it for all")),
                );
            }
        }
        if scenario.replicate_seeds != baseline.replicate_seeds {
            let what = format!("the seeds of replicates are not those of the baseline, {}", baseline.name);
            problems.0.push(
                origin
                    .problem("rosters.replicate_seeds", what)
                    .allowed("the same list: replicates are paired by their luck"),
            );
        }
    }
    problems
}

/// The outcomes of a scenario against those of the baseline, both by replicate. An outcome that no
/// replicate has in both, or that is a month, has no row.
///
/// # Panics
/// If the numbers of replicates differ.
pub fn compare(baseline: &[SummaryRow], scenario: &[SummaryRow]) -> Vec<ComparisonRow> {
    assert_eq!(baseline.len(), scenario.len(), "a comparison is paired by replicate");
    let numbers = |rows: &[SummaryRow]| -> Vec<Vec<Option<f64>>> {
        rows.iter().map(|row| row.cells().iter().map(|cell| cell.number()).collect()).collect()
    };
    let (baseline, scenario) = (numbers(baseline), numbers(scenario));
    let row = |(index, column): (usize, &Column)| {
        let both = baseline.iter().zip(&scenario);
        let pairs: Vec<(f64, f64)> = both.filter_map(|(a, b)| Some((a[index]?, b[index]?))).collect();
        (!pairs.is_empty()).then(|| compare_pairs(column.name, column.unit, &pairs))
    };
    SummaryRow::COLUMNS.iter().enumerate().filter_map(row).collect()
}

/// Pairs of (baseline, scenario), one a replicate, of which there is one at least.
fn compare_pairs(metric: &'static str, unit: &'static str, pairs: &[(f64, f64)]) -> ComparisonRow {
    let before: Moments = pairs.iter().map(|pair| pair.0).collect();
    let after: Moments = pairs.iter().map(|pair| pair.1).collect();
    let differences: Moments = pairs.iter().map(|pair| pair.1 - pair.0).collect();
    let mean = |moments: &Moments| moments.mean().expect("there is a pair");
    let (baseline_mean, difference) = (mean(&before), mean(&differences));
    let surely_different = differences.interval().map(|(low, high)| low > 0.0 || high < 0.0);
    ComparisonRow {
        metric,
        unit,
        baseline_mean,
        scenario_mean: mean(&after),
        difference,
        difference_low: differences.interval().map(|(low, _)| low),
        difference_high: differences.interval().map(|(_, high)| high),
        percent: (baseline_mean != 0.0).then(|| 100.0 * difference / baseline_mean),
        replicates: differences.count(),
        surely_different,
        replicates_needed: match (surely_different, differences.deviation()) {
            (Some(false), Some(deviation)) => replicates_needed(difference, deviation),
            _ => None,
        },
        variance_saved: variance_saved(&before, &after, &differences),
    }
}

fn variance_saved(before: &Moments, after: &Moments, differences: &Moments) -> Option<f64> {
    let variance = |moments: &Moments| moments.deviation().map(|deviation| deviation * deviation);
    let unpaired = variance(before)? + variance(after)?;
    (unpaired > 0.0).then_some(1.0 - variance(differences)? / unpaired)
}

/// The replicates at which a mean `difference` with this standard deviation has a 95 % interval that
/// leaves out 0.
fn replicates_needed(difference: f64, deviation: f64) -> Option<u32> {
    // The normal quantile bounds Student's from below.
    let least = (1.959 * deviation / difference).powi(2);
    if difference == 0.0 || least > f64::from(MOST_REPLICATES) {
        return None;
    }
    let mut needed = (least.ceil() as u32).max(2);
    while t_quantile(needed - 1) * deviation >= difference.abs() * f64::from(needed).sqrt() {
        needed += 1;
    }
    Some(needed)
}

/// Kinds of party, in the order of `winners.csv`.
const KINDS: [&str; 6] = ["platform", "bank_class", "agency", "income_quintile", "treasury", "central_bank"];

/// What every party comes to in one run, summed over the calendar.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parties(Vec<Party>);

#[derive(Clone, Debug, PartialEq)]
struct Party {
    kind: &'static str,
    id: String,
    measure: &'static str,
    amount: Money,
}

impl Parties {
    /// The parties of one run, whose rows must have been reported in full.
    pub fn of(rows: &RunRows) -> Parties {
        let mut parties = Parties::default();
        for row in &rows.platforms {
            parties.add("platform", &row.platform, "profit_cny", row.profit_cny);
        }
        for row in &rows.banks {
            parties.add("bank_class", &row.bank_class, "profit_cny", row.profit_cny);
        }
        for row in &rows.agencies {
            parties.add("agency", &row.agency, "profit_cny", row.profit_cny);
        }
        for row in &rows.months {
            let quintiles = [
                row.users_surplus_quintile_1_cny,
                row.users_surplus_quintile_2_cny,
                row.users_surplus_quintile_3_cny,
                row.users_surplus_quintile_4_cny,
                row.users_surplus_quintile_5_cny,
            ];
            for (quintile, surplus) in (1..).zip(quintiles) {
                parties.add("income_quintile", &quintile.to_string(), "users_surplus_cny", surplus);
            }
            parties.add("treasury", "treasury", "fines_cny", row.fines_cny);
            parties.add("central_bank", "central_bank", "supervision_cost_cny", -row.supervision_cost_cny);
        }
        parties
    }

    fn add(&mut self, kind: &'static str, id: &str, measure: &'static str, amount: Money) {
        match self.0.iter_mut().find(|party| party.kind == kind && party.id == id) {
            Some(party) => party.amount += amount,
            None => self.0.push(Party { kind, id: id.into(), measure, amount }),
        }
    }

    fn amount(&self, of: &Party) -> Option<Money> {
        let found = self.0.iter().find(|party| party.kind == of.kind && party.id == of.id)?;
        Some(found.amount)
    }
}

/// What every party of either side gains, both by replicate.
///
/// # Panics
/// If the numbers of replicates differ, or there is none.
pub fn winners(baseline: &[Parties], scenario: &[Parties]) -> Vec<WinnerRow> {
    assert_eq!(baseline.len(), scenario.len(), "a comparison is paired by replicate");
    let mut parties: Vec<&Party> = baseline[0].0.iter().collect();
    let more = scenario[0].0.iter().filter(|party| baseline[0].amount(party).is_none());
    parties.extend(more);
    parties.sort_by_key(|party| KINDS.iter().position(|kind| *kind == party.kind));
    parties.into_iter().map(|party| winner(party, baseline, scenario)).collect()
}

fn winner(party: &Party, baseline: &[Parties], scenario: &[Parties]) -> WinnerRow {
    let mean = |side: &[Parties]| {
        let amounts = side.iter().filter_map(|parties| parties.amount(party));
        amounts.map(Money::cny).collect::<Moments>().mean()
    };
    let gain = |(before, after): (&Parties, &Parties)| {
        (after.amount(party).unwrap_or_default() - before.amount(party).unwrap_or_default()).cny()
    };
    let gains: Moments = baseline.iter().zip(scenario).map(gain).collect();
    let verdict = |(low, high): (f64, f64)| match (low > 0.0, high < 0.0) {
        (true, _) => "wins",
        (_, true) => "loses",
        _ => "unclear",
    };
    WinnerRow {
        party_kind: party.kind,
        party: party.id.clone(),
        measure: party.measure,
        baseline_cny: mean(baseline),
        scenario_cny: mean(scenario),
        gain_cny: gains.mean().expect("there is a replicate"),
        gain_low_cny: gains.interval().map(|(low, _)| low),
        gain_high_cny: gains.interval().map(|(_, high)| high),
        gains: gains.interval().map(verdict),
        replicates: gains.count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use crate::units::Month;

    fn row(share: Option<f64>, fines: f64) -> SummaryRow {
        let rows = testing::run_rows(Month::new(2021, 1), 1, |_, row| {
            row.approval_rate = share;
            row.fines_cny = Money::from_cny(fines);
        });
        SummaryRow::of(&testing::scenario("a"), &rows)
    }

    fn find<'a>(rows: &'a [ComparisonRow], metric: &str) -> &'a ComparisonRow {
        rows.iter().find(|row| row.metric == metric).unwrap()
    }

    /// Baseline 1, 2, 3; scenario 2, 4, 3: differences 1, 2, 0.
    #[test]
    fn three_pairs_by_hand() {
        let baseline = [1.0, 2.0, 3.0].map(|fines| row(None, fines));
        let rows = compare(&baseline, &[2.0, 4.0, 3.0].map(|fines| row(Some(0.5), fines)));
        let fines = find(&rows, "fines_cny_total");
        assert_eq!((fines.baseline_mean, fines.scenario_mean, fines.difference), (2.0, 3.0, 1.0));
        let half = 4.302_652_730 / 3f64.sqrt();
        assert!((fines.difference_low.unwrap() - (1.0 - half)).abs() < 1e-12);
        assert_eq!((fines.percent, fines.replicates), (Some(50.0), 3));
        assert_eq!(fines.surely_different, Some(false));
        // t(6) / sqrt(7) = 0.925 < 1 <= t(5) / sqrt(6) = 1.049.
        assert_eq!(fines.replicates_needed, Some(7));
        assert_eq!(fines.variance_saved, Some(0.5), "1 - 1 / (1 + 1)");
        assert!(!rows.iter().any(|row| row.metric == "approval_rate_mean"), "the baseline has none");
    }

    #[test]
    fn a_scenario_against_itself_is_exactly_zero() {
        let side: Vec<SummaryRow> =
            [0.1, 0.7, 0.3].map(|share| row(Some(share), 1e9 * share)).into_iter().collect();
        for row in compare(&side, &side) {
            assert_eq!(
                (row.difference, row.difference_low, row.difference_high),
                (0.0, Some(0.0), Some(0.0))
            );
            assert_eq!((row.surely_different, row.replicates_needed), (Some(false), None), "{}", row.metric);
            assert!(row.percent.is_none_or(|percent| percent == 0.0));
        }
    }

    #[test]
    fn pairs_are_of_replicates_in_which_both_have_the_outcome() {
        let rows = compare(
            &[row(Some(0.1), 0.0), row(None, 0.0), row(Some(0.3), 0.0)],
            &[row(Some(0.2), 0.0), row(Some(0.9), 0.0), row(Some(0.5), 0.0)],
        );
        let approval = find(&rows, "approval_rate_mean");
        assert_eq!(approval.replicates, 2);
        assert!(
            (approval.baseline_mean - 0.2).abs() < 1e-15 && (approval.scenario_mean - 0.35).abs() < 1e-15
        );
        assert!((approval.difference - 0.15).abs() < 1e-15);
    }

    /// Baseline 1, 2, 3; scenario 12, 14, 16: differences 11, 12, 13, whichever way they are taken.
    #[test]
    fn what_differs_in_every_replicate_is_sure_and_pairs_save_variance() {
        let baseline = [1.0, 2.0, 3.0].map(|fines| row(Some(0.5), fines));
        let scenario = [12.0, 14.0, 16.0].map(|fines| row(Some(0.5), fines));
        for (one, other, difference) in [(&baseline, &scenario, 12.0), (&scenario, &baseline, -12.0)] {
            let rows = compare(one, other);
            let fines = find(&rows, "fines_cny_total");
            assert_eq!((fines.difference, fines.surely_different), (difference, Some(true)));
            assert_eq!(fines.replicates_needed, None, "it is settled");
            assert!((fines.variance_saved.unwrap() - (1.0 - 1.0 / (1.0 + 4.0))).abs() < 1e-12);
            let approval = find(&rows, "approval_rate_mean");
            assert_eq!(
                (approval.surely_different, approval.variance_saved),
                (Some(false), None),
                "all alike"
            );
        }
    }

    #[test]
    fn one_replicate_settles_nothing() {
        let rows = compare(&[row(None, 1.0)], &[row(None, 2.0)]);
        let fines = find(&rows, "fines_cny_total");
        assert_eq!((fines.difference, fines.difference_low, fines.surely_different), (1.0, None, None));
        assert_eq!((fines.replicates_needed, fines.variance_saved), (None, None));
    }

    #[test]
    fn needed_replicates_are_the_least_that_settle_it() {
        for (difference, deviation) in [(1.0, 1.0), (0.1, 1.0), (-0.02, 0.7), (5.0, 0.1)] {
            let needed = replicates_needed(difference, deviation).unwrap();
            let settled = |n: u32| t_quantile(n - 1) * deviation / f64::from(n).sqrt() < f64::abs(difference);
            assert!(settled(needed), "{difference}");
            assert!(needed == 2 || !settled(needed - 1), "{difference}");
        }
        assert_eq!(replicates_needed(1e-9, 1.0), None);
        assert_eq!(replicates_needed(0.0, 1.0), None);
    }

    #[test]
    fn parties_gain_what_they_have_more() {
        let run = |profit: f64, with_agency: bool| {
            let mut rows = testing::run_rows(Month::new(2021, 1), 2, |_, row| {
                row.fines_cny = Money::from_cny(3.0);
                row.supervision_cost_cny = Money::from_cny(profit);
                row.users_surplus_quintile_5_cny = Money::from_cny(1.0);
            });
            for number in [0, 1] {
                let mut row = testing::platform_row(Month::new(2021, 1 + number), "ant");
                row.profit_cny = Money::from_cny(profit);
                rows.platforms.push(row);
            }
            if with_agency {
                rows.agencies.push(testing::agency_row(Month::new(2021, 1), "bureau", Money::from_cny(7.0)));
            }
            Parties::of(&rows)
        };
        let (baseline, scenario) = ([run(10.0, false), run(10.0, false)], [run(12.0, true), run(13.0, true)]);
        let rows = winners(&baseline, &scenario);
        let find = |party: &str| rows.iter().find(|row| row.party == party).unwrap();
        let ant = find("ant");
        assert_eq!((ant.baseline_cny, ant.scenario_cny, ant.gain_cny), (Some(20.0), Some(25.0), 5.0));
        assert_eq!(ant.gains, Some("unclear"), "4 and 6 are far apart for two replicates");
        assert_eq!((find("bureau").baseline_cny, find("bureau").gain_cny), (None, 7.0));
        assert_eq!((find("treasury").gain_cny, find("central_bank").gain_cny), (0.0, -5.0));
        let verdicts = ["bureau", "treasury"].map(|party| find(party).gains);
        assert_eq!(verdicts, [Some("wins"), Some("unclear")], "7 in both replicates, and nothing in both");
        let back = winners(&scenario, &baseline);
        let bureau = back.iter().find(|row| row.party == "bureau").unwrap();
        assert_eq!((bureau.gain_cny, bureau.gains), (-7.0, Some("loses")));
        assert_eq!(find("5").baseline_cny, Some(2.0));
        let kinds: Vec<&str> = rows.iter().map(|row| row.party_kind).collect();
        assert_eq!(kinds[..2], ["platform", "agency"]);
        assert_eq!(kinds.len(), 9);
    }
}
