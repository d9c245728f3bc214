//! How often one scenario is above another over the points of a sweep: which conclusions survive what
//! is not known.

use super::plan::Points;
use crate::stats::Moments;
use crate::summary::SummaryRow;
use crate::tables::{Cell, Column, Row, table};

table! {
    /// How often the ranking of two scenarios holds.
    RankingRow = "rankings" {
        outcome: &'static str, "name", "Column of sweep.csv";
        scenario: String, "name", "Scenario";
        other: String, "name", "Scenario that it is compared with";
        difference_as_shipped: Option<f64>, "of the outcome", "Mean of scenario - other with both as they are, replicate by replicate";
        difference_as_shipped_low: Option<f64>, "of the outcome", "Lower end of its 95 % interval; empty with one replicate";
        difference_as_shipped_high: Option<f64>, "of the outcome", "Upper end of its 95 % interval";
        holds_share: Option<f64>, "share of points", "Points of the design at which the mean difference has the same sign as with both as they are";
        higher_share: Option<f64>, "share of points", "Points at which the scenario is above the other";
        lower_share: Option<f64>, "share of points", "Points at which it is below; the rest are ties";
        surely_higher_share: Option<f64>, "share of points", "Points at which the 95 % interval of the paired difference lies above 0; empty with one replicate";
        surely_lower_share: Option<f64>, "share of points", "Points at which the 95 % interval lies below 0";
        points: u32, "points", "Points of the design at which both have the outcome";
    }
}

/// Outcomes whose rankings are told: delivery, credit to the creditworthy, defaults, unlawful sale, and
/// who pays.
pub const RANKED: [(&str, &str); 9] = [
    ("delivered_share_end", "Delivery at the end"),
    ("delivered_share_before_deadline", "Delivery before the deadline"),
    ("approval_rate_creditworthy_mean", "Credit to the creditworthy"),
    ("default_rate_annual_mean", "Defaults"),
    ("unlawful_query_share_mean", "Unlawful sale"),
    ("platform_profit_cny_total", "Platforms' profit"),
    ("bank_profit_cny_total", "Banks' profit"),
    ("agency_profit_cny_total", "Agencies' profit"),
    ("users_surplus_cny_total", "Borrowers' surplus"),
];

/// The scenarios that have an outcome, in the order that they have as they are, the highest first; of
/// each but the last the share of points at which it is above the next.
pub fn ranked<'a>(
    points: &'a Points,
    rows: &[RankingRow],
    outcome: &str,
) -> Option<Vec<(&'a str, Option<f64>)>> {
    let find = |one: &str, other: &str| {
        rows.iter().find(|row| row.outcome == outcome && row.scenario == one && row.other == other)
    };
    let above = |one: &str, other: &str| {
        find(one, other).and_then(|row| row.difference_as_shipped).is_some_and(|difference| difference > 0.0)
    };
    let names = (0..points.scenarios()).map(|index| points.scenario_name(index));
    // How many others are below: an order also where some pair has no difference.
    let mut order: Vec<(usize, &str)> = names
        .clone()
        .filter(|one| {
            names.clone().any(|other| find(one, other).is_some_and(|row| row.difference_as_shipped.is_some()))
        })
        .map(|one| (names.clone().filter(|other| above(one, other)).count(), one))
        .collect();
    order.sort_by_key(|(below, _)| std::cmp::Reverse(*below));
    let next = |place: usize| {
        let (one, other) = (order[place].1, order.get(place + 1)?.1);
        find(one, other)?.higher_share
    };
    (!order.is_empty()).then(|| (0..order.len()).map(|place| (order[place].1, next(place))).collect())
}

/// The differences of each pair of scenarios, gathered replicate by replicate and point by point.
pub struct Rankings {
    scenarios: usize,
    outcomes: usize,
    /// By pair and outcome.
    pairs: Vec<Pair>,
}

/// The difference of an outcome between two scenarios.
#[derive(Clone, Default)]
struct Pair {
    /// Over the replicates of the point at hand.
    here: Moments,
    as_shipped: Moments,
    /// Points at which the difference is what they say.
    higher: u32,
    lower: u32,
    surely_higher: u32,
    surely_lower: u32,
    points: u32,
    /// Points with an interval.
    settled: u32,
}

impl Rankings {
    /// Of so many scenarios and outcomes.
    pub fn new(scenarios: usize, outcomes: usize) -> Rankings {
        let pairs = scenarios * (scenarios - 1) / 2 * outcomes;
        Rankings { scenarios, outcomes, pairs: vec![Pair::default(); pairs] }
    }

    /// Pairs of scenarios, in the order of `pairs`.
    fn of_scenarios(scenarios: usize) -> impl Iterator<Item = (usize, usize)> {
        (0..scenarios).flat_map(move |one| (one + 1..scenarios).map(move |other| (one, other)))
    }

    /// Adds a replicate: the outcomes of each scenario.
    pub fn add(&mut self, replicate: &[Vec<Option<f64>>]) {
        let pairs = Rankings::of_scenarios(self.scenarios).zip(self.pairs.chunks_mut(self.outcomes));
        for ((one, other), pairs) in pairs {
            for ((pair, one), other) in pairs.iter_mut().zip(&replicate[one]).zip(&replicate[other]) {
                pair.here.extend(one.zip(*other).map(|(one, other)| one - other));
            }
        }
    }

    /// The replicates of a point are all there; `of_design` unless the scenarios are as they are.
    pub fn end_point(&mut self, of_design: bool) {
        for pair in &mut self.pairs {
            let here = std::mem::take(&mut pair.here);
            if !of_design {
                pair.as_shipped = here;
                continue;
            }
            let Some(mean) = here.mean() else { continue };
            pair.points += 1;
            pair.higher += u32::from(mean > 0.0);
            pair.lower += u32::from(mean < 0.0);
            if let Some((low, high)) = here.interval() {
                pair.settled += 1;
                pair.surely_higher += u32::from(low > 0.0);
                pair.surely_lower += u32::from(high < 0.0);
            }
        }
    }

    /// The rankings of each scenario and each other one, outcome by outcome.
    pub fn rows(&self, points: &Points) -> Vec<RankingRow> {
        let mut rows = Vec::new();
        for (index, column) in SummaryRow::COLUMNS.iter().enumerate().take(self.outcomes) {
            for one in 0..self.scenarios {
                for other in (0..self.scenarios).filter(|other| *other != one) {
                    let (first, second) = (one.min(other), one.max(other));
                    let place = Rankings::of_scenarios(self.scenarios)
                        .position(|pair| pair == (first, second))
                        .expect("each two scenarios are a pair");
                    let pair = &self.pairs[place * self.outcomes + index];
                    if pair.points > 0 {
                        let names = [one, other].map(|scenario| points.scenario_name(scenario).to_string());
                        rows.push(pair.row(column.name, names, one > other));
                    }
                }
            }
        }
        rows
    }
}

impl Pair {
    fn row(&self, outcome: &'static str, [scenario, other]: [String; 2], turned: bool) -> RankingRow {
        let share = |count: u32, of: u32| (of > 0).then(|| f64::from(count) / f64::from(of));
        let ties = self.points - self.higher - self.lower;
        let holds = self.as_shipped.mean().map(|mean| match mean {
            mean if mean > 0.0 => self.higher,
            mean if mean < 0.0 => self.lower,
            _ => ties,
        });
        // Zero has one sign only, so that tables don't show -0.
        let sign = |value: f64| if turned && value != 0.0 { -value } else { value };
        let turn = |pair: (u32, u32)| if turned { (pair.1, pair.0) } else { pair };
        let interval = self
            .as_shipped
            .interval()
            .map(|(low, high)| if turned { (sign(high), sign(low)) } else { (low, high) });
        let (higher, lower) = turn((self.higher, self.lower));
        let (surely_higher, surely_lower) = turn((self.surely_higher, self.surely_lower));
        RankingRow {
            outcome,
            scenario,
            other,
            difference_as_shipped: self.as_shipped.mean().map(sign),
            difference_as_shipped_low: interval.map(|(low, _)| low),
            difference_as_shipped_high: interval.map(|(_, high)| high),
            holds_share: holds.and_then(|holds| share(holds, self.points)),
            higher_share: share(higher, self.points),
            lower_share: share(lower, self.points),
            surely_higher_share: share(surely_higher, self.settled),
            surely_lower_share: share(surely_lower, self.settled),
            points: self.points,
        }
    }
}
