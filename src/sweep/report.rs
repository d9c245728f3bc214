//! What the report of a sweep shows, from its points, effects and rankings.

use super::measures::{Effect, ordinal};
use super::plan::{Design, Factor, Levels, Points, Scale};
use super::rankings::{RANKED, RankingRow, ranked};
use super::tables::cell_of;
use crate::output::csv::Dialect;
use crate::output::report::sweep::{
    Measure, Swept, SweptEffect, SweptFactor, SweptOutcome, SweptRanking, SweptScenario, shows,
};
use crate::scenario::value::{Value, from_toml};
use crate::stats::Moments;

/// Points beyond which the report draws nothing that needs all of them.
const MOST_POINTS: u64 = 100_000;
/// Values that are listed, and that have a label each.
const MOST_LISTED: usize = 12;
const MOST_LABELS: usize = 6;

/// Outcomes of the first scenario, gathered point by point.
#[derive(Default)]
pub struct Gathered {
    outcomes: Vec<(&'static str, Vec<Option<f64>>)>,
    halves: Vec<(&'static str, Moments)>,
}

impl Gathered {
    /// Takes in half the width of the interval of an outcome's mean at a point.
    pub fn half(&mut self, outcome: &'static str, half: Option<f64>) {
        if !shows(outcome) {
            return;
        }
        match self.halves.iter_mut().find(|(name, _)| *name == outcome) {
            Some((_, moments)) => moments.extend(half),
            None => self.halves.push((outcome, half.into_iter().collect())),
        }
    }

    /// Takes in an outcome's means, one a point.
    pub fn means(&mut self, outcome: &'static str, means: &[Option<f64>]) {
        if shows(outcome) && means.len() as u64 <= MOST_POINTS {
            self.outcomes.push((outcome, means.to_vec()));
        }
    }

    /// All that the report needs.
    pub fn report(
        self,
        points: &Points,
        identity: &str,
        effects: &[Effect],
        rankings: &[RankingRow],
    ) -> Swept {
        let plan = &points.plan;
        let factor_of = |path: &str| plan.factor.iter().position(|factor| factor.path == path);
        let effects_of = |outcome: &str| {
            let of_outcome =
                effects.iter().filter(|effect| effect.scenario == 0 && effect.outcome == outcome);
            of_outcome
                .filter_map(|effect| {
                    let (factor, value) = (factor_of(&effect.parameter)?, effect.value?);
                    Some(SweptEffect { factor, value, interval: effect.interval })
                })
                .collect()
        };
        let half_of = |outcome: &str| self.halves.iter().find(|(name, _)| *name == outcome)?.1.mean();
        let outcomes = self.outcomes.into_iter().map(|(name, means)| SweptOutcome {
            name,
            means,
            half: half_of(name),
            effects: effects_of(name),
        });
        Swept {
            title: if plan.title.is_empty() { plan.name.clone() } else { plan.title.clone() },
            reproduce: reproduce(points),
            run_id: identity.chars().take(12).collect(),
            seed: plan.seed.clone(),
            scenarios: scenarios(points),
            design: plan.design.word(),
            points: points.count() - points.before_design(),
            replicates: plan.replicates,
            runs: points.runs(),
            measure: match plan.design {
                Design::Morris => Measure::MuStar,
                Design::Saltelli => Measure::Total,
                _ => Measure::Rank,
            },
            outcomes: outcomes.collect(),
            factors: plan
                .factor
                .iter()
                .enumerate()
                .map(|(index, factor)| swept(points, index, factor))
                .collect(),
            rankings: RANKED
                .iter()
                .filter_map(|(outcome, what)| ranking(points, rankings, outcome, what))
                .collect(),
        }
    }
}

/// The command, from the plan alone: parts that were merged know no other.
fn reproduce(points: &Points) -> String {
    let plan = &points.plan;
    let sample = plan.base.get("users").and_then(|users| users.get("sample"));
    let sample = sample.map_or_else(String::new, |sample| format!(" --sample {sample}"));
    format!(
        "mandate sweep {}.toml --replicates {} --seed {}{sample} --report",
        plan.name, plan.replicates, plan.seed
    )
}

fn scenarios(points: &Points) -> Vec<SweptScenario> {
    let plan = &points.plan;
    let beside = plan.beside.iter().map(|beside| &beside.scenario);
    let text = |table: &toml::Table, key: &str| {
        table.get(key).and_then(toml::Value::as_str).unwrap_or_default().to_string()
    };
    std::iter::once(&plan.base)
        .chain(beside)
        .enumerate()
        .map(|(index, table)| SweptScenario {
            name: points.scenario_name(index).into(),
            title: text(table, "title"),
            about: text(table, "about"),
        })
        .collect()
}

/// A value as it stands in a table.
fn text(value: &Value) -> String {
    Dialect::Standard.text(&cell_of(value))
}

/// A number with three digits that count.
fn rounded(number: f64) -> String {
    if number == 0.0 {
        return "0".into();
    }
    let digits = 2 - libm::floor(libm::log10(number.abs())) as i32;
    let unit = libm::pow(10.0, f64::from(digits));
    text(&Value::Number((number * unit).round() / unit))
}

fn swept(points: &Points, index: usize, factor: &Factor) -> SweptFactor {
    let of_design = points.before_design()..points.count();
    // A grid's points would be too many to look at all.
    let few = of_design.end - of_design.start <= MOST_POINTS;
    let values: Vec<Value> = if few {
        of_design.map(|point| points.values(point).swap_remove(index)).collect()
    } else {
        Vec::new()
    };
    let (levels, labels, places, told) = match &factor.levels {
        Levels::Range { low, high, scale, .. } => {
            let place = |value: &Value| {
                let number = ordinal(factor, value);
                match scale {
                    Scale::Linear => (number - low) / (high - low),
                    Scale::Log => libm::log(number / low) / libm::log(high / low),
                }
            };
            let middle = super::plan::between(*low, *high, *scale, 0.5);
            let labels =
                [(0.0, *low), (0.5, middle), (1.0, *high)].map(|(at, number)| (at, rounded(number))).to_vec();
            let words = if *scale == Scale::Log { ", in equal ratios" } else { "" };
            let told = format!("{} to {}{words}", rounded(*low), rounded(*high));
            (Vec::new(), labels, values.iter().map(place).collect(), told)
        }
        Levels::Values { values: given } => {
            let mut known: Vec<Value> = given.iter().map(from_toml).collect();
            if known.is_empty() {
                known = values.clone();
                known.sort_by(|a, b| ordinal(factor, a).total_cmp(&ordinal(factor, b)));
                known.dedup();
            }
            let last = known.len().saturating_sub(1).max(1) as f64;
            let names: Vec<String> = known.iter().map(text).collect();
            let place_of: std::collections::HashMap<&str, usize> =
                names.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
            let place =
                |value: &Value| place_of.get(text(value).as_str()).map_or(0.0, |at| *at as f64 / last);
            let places = values.iter().map(place).collect();
            let labelled: Vec<usize> = if names.len() <= MOST_LABELS {
                (0..names.len()).collect()
            } else {
                vec![0, names.len() / 2, names.len() - 1]
            };
            let labels = labelled.into_iter().map(|at| (at as f64 / last, names[at].clone())).collect();
            let told = match &names[..] {
                [first, .., last] if names.len() > MOST_LISTED => {
                    format!("{} values from {first} to {last}", names.len())
                }
                few => few.join(", "),
            };
            (names, labels, places, told)
        }
    };
    SweptFactor {
        column: factor.column(),
        meaning: if factor.relative { format!("{}, times", factor.meaning) } else { factor.meaning.clone() },
        unit: if factor.relative { "times what it is".into() } else { factor.unit.clone() },
        values: told,
        levels,
        labels,
        places,
    }
}

fn ranking(
    points: &Points,
    rows: &[RankingRow],
    outcome: &'static str,
    what: &'static str,
) -> Option<SweptRanking> {
    let named = |name: &str| (0..points.scenarios()).find(|index| points.scenario_name(*index) == name);
    let order: Vec<usize> =
        ranked(points, rows, outcome)?.iter().filter_map(|(name, _)| named(name)).collect();
    let share = |one: usize, other: usize| {
        let [one, other] = [one, other].map(|index| points.scenario_name(index));
        rows.iter()
            .find(|row| row.outcome == outcome && row.scenario == one && row.other == other)?
            .higher_share
    };
    let above = order.iter().map(|one| order.iter().map(|other| share(*one, *other)).collect()).collect();
    (order.len() > 1).then_some(SweptRanking { outcome, what, order, above })
}
