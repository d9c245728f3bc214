//! What each factor does to each outcome, as rows of a table: the measures of a design, from `effects`.

use super::effects;
use super::plan::{Design, Factor, Levels, Points};
use crate::output::columns::{NamedColumn, columns};
use crate::scenario::value::{Value, to_toml};
use crate::tables::{Cell, CellType, Column, Row, table};
use crate::units::Month;

/// The table of effects, whatever the design.
pub const EFFECTS: &str = MorrisRow::TABLE;

/// Resamples of intervals of effects, fewer where there are many points.
const RESAMPLES: u32 = 200;

table! {
    /// A parameter's elementary effects on an outcome.
    MorrisRow = "effects" {
        outcome: &'static str, "name", "Column of sweep.csv, of which the mean of a point is taken";
        parameter: String, "path", "Factor";
        mu: Option<f64>, "of the outcome", "Mean elementary effect, per whole range of the factor";
        mu_star: Option<f64>, "of the outcome", "Mean absolute elementary effect: how much the factor matters";
        mu_star_low: Option<f64>, "of the outcome", "Lower end of the 95 % interval of mu_star";
        mu_star_high: Option<f64>, "of the outcome", "Upper end of the 95 % interval of mu_star";
        sigma: Option<f64>, "of the outcome", "Standard deviation of elementary effects: how far they depend on other factors";
        trajectories: u32, "trajectories", "Trajectories with all their outcomes";
    }
}

table! {
    /// A parameter's Sobol' indices.
    SobolRow = "effects" {
        outcome: &'static str, "name", "Column of sweep.csv, of which the mean of a point is taken";
        parameter: String, "path", "Factor";
        s1: Option<f64>, "share of variance", "Share of the outcome's variance that the factor explains alone";
        s1_low: Option<f64>, "share of variance", "Lower end of the 95 % interval of s1";
        s1_high: Option<f64>, "share of variance", "Upper end of the 95 % interval of s1";
        st: Option<f64>, "share of variance", "Share of the variance that the factor has a part in";
        st_low: Option<f64>, "share of variance", "Lower end of the 95 % interval of st";
        st_high: Option<f64>, "share of variance", "Upper end of the 95 % interval of st";
        base_samples: u32, "base samples", "Base samples with all their outcomes";
    }
}

table! {
    /// A parameter's rank correlation with an outcome.
    RankRow = "effects" {
        outcome: &'static str, "name", "Column of sweep.csv, of which the mean of a point is taken";
        parameter: String, "path", "Factor";
        rank_correlation: Option<f64>, "correlation", "Spearman's rank correlation of the factor and the outcome; empty where one of them never changes";
        rank_correlation_low: Option<f64>, "correlation", "Lower end of its 95 % interval";
        rank_correlation_high: Option<f64>, "correlation", "Upper end of its 95 % interval";
        partial_rank_correlation: Option<f64>, "correlation", "The same of what the other factors leave unexplained";
        partial_rank_correlation_low: Option<f64>, "correlation", "Lower end of its 95 % interval";
        partial_rank_correlation_high: Option<f64>, "correlation", "Upper end of its 95 % interval";
        points: u32, "points", "Points with the outcome";
    }
}

/// The main measure of a factor's effect on an outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Scenario, counted from 0.
    pub scenario: usize,
    /// Outcome.
    pub outcome: &'static str,
    /// Factor's path.
    pub parameter: String,
    /// The measure: `mu_star`, `st` or `rank_correlation`.
    pub measure: &'static str,
    /// Its value, if there is one.
    pub value: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<(f64, f64)>,
}

/// The columns of the effects of a design, and what their cells are.
pub fn measures(design: Design) -> (Vec<NamedColumn>, &'static [CellType]) {
    match design {
        Design::Morris => (columns::<MorrisRow>(&[]), MorrisRow::TYPES),
        Design::Saltelli => (columns::<SobolRow>(&[]), SobolRow::TYPES),
        _ => (columns::<RankRow>(&[]), RankRow::TYPES),
    }
}

/// A factor's value as a number whose order means something: a choice's is its place in the file.
pub(super) fn ordinal(factor: &Factor, value: &Value) -> f64 {
    match value {
        Value::Number(number) => *number,
        Value::Whole(number) => *number as f64,
        Value::Flag(flag) => f64::from(u8::from(*flag)),
        Value::Text(text) if text == "never" => f64::MAX,
        Value::Text(text) if text.parse::<Month>().is_ok() => {
            text.parse::<Month>().map_or(0.0, |month| f64::from(month.ordinal()))
        }
        other => match &factor.levels {
            Levels::Values { values } => {
                values.iter().position(|value| *value == to_toml(other)).unwrap_or(0) as f64
            }
            Levels::Range { .. } => 0.0,
        },
    }
}

/// Rows of the table, and what they say.
pub type Rows = (Vec<Vec<Cell>>, Vec<Effect>);

/// What rank correlations of all outcomes have in common.
#[derive(Default)]
pub struct Ranked {
    /// The factors' values at the points of the design, once they have been needed.
    values: Option<Vec<Vec<f64>>>,
    designs: Vec<effects::RankDesign>,
}

impl Ranked {
    fn effects(
        &mut self,
        points: &Points,
        means: &[Option<f64>],
        resamples: u32,
        seed: u64,
    ) -> Vec<effects::RankEffect> {
        if let Some(design) = self.designs.iter().find(|design| design.is_of(means)) {
            return design.effects(means);
        }
        let ordinals = |point: u64| {
            let values = points.values(point);
            points.plan.factor.iter().zip(&values).map(|(factor, value)| ordinal(factor, value)).collect()
        };
        let values = self
            .values
            .get_or_insert_with(|| (points.before_design()..points.count()).map(ordinals).collect());
        let design = effects::RankDesign::new(values, effects::present(means), resamples, seed);
        let found = design.effects(means);
        // Most outcomes exist at all points; of those that don't, few are kept.
        self.designs.truncate(1);
        self.designs.push(design);
        found
    }
}

/// The rows of an outcome's effects in a scenario, from its means, one a point of the design.
pub fn effects_of(
    points: &Points,
    ranked: &mut Ranked,
    scenario: usize,
    outcome: &'static str,
    means: &[Option<f64>],
) -> Rows {
    let plan = &points.plan;
    let seed = plan.seed.parse().unwrap_or_default();
    let resamples = (RESAMPLES as usize * 2000 / means.len().max(2000)).max(40) as u32;
    let low = |interval: Option<(f64, f64)>| interval.map(|(low, _)| low);
    let high = |interval: Option<(f64, f64)>| interval.map(|(_, high)| high);
    let mut rows = Vec::new();
    let mut all = Vec::new();
    let mut keep = |factor: &Factor, measure, (value, interval), cells: Vec<Cell>| {
        all.push(Effect { scenario, outcome, parameter: factor.path.clone(), measure, value, interval });
        rows.push(cells);
    };
    match plan.design {
        Design::Morris => {
            let found = effects::morris(points.coordinates(), means, resamples, seed);
            for (factor, e) in plan.factor.iter().zip(found) {
                let row = MorrisRow {
                    outcome,
                    parameter: factor.path.clone(),
                    mu: e.mu,
                    mu_star: e.mu_star,
                    mu_star_low: low(e.mu_star_interval),
                    mu_star_high: high(e.mu_star_interval),
                    sigma: e.sigma,
                    trajectories: e.trajectories as u32,
                };
                keep(factor, "mu_star", (e.mu_star, e.mu_star_interval), row.cells());
            }
        }
        Design::Saltelli => {
            let found = effects::sobol(means, plan.factor.len(), resamples, seed);
            for (factor, e) in plan.factor.iter().zip(found) {
                let row = SobolRow {
                    outcome,
                    parameter: factor.path.clone(),
                    s1: e.s1,
                    s1_low: low(e.s1_interval),
                    s1_high: high(e.s1_interval),
                    st: e.st,
                    st_low: low(e.st_interval),
                    st_high: high(e.st_interval),
                    base_samples: e.base_samples as u32,
                };
                keep(factor, "st", (e.st, e.st_interval), row.cells());
            }
        }
        _ => {
            let found = ranked.effects(points, means, resamples, seed);
            for (factor, e) in plan.factor.iter().zip(found) {
                let row = RankRow {
                    outcome,
                    parameter: factor.path.clone(),
                    rank_correlation: e.correlation,
                    rank_correlation_low: low(e.correlation_interval),
                    rank_correlation_high: high(e.correlation_interval),
                    partial_rank_correlation: e.partial,
                    partial_rank_correlation_low: low(e.partial_interval),
                    partial_rank_correlation_high: high(e.partial_interval),
                    points: e.points as u32,
                };
                keep(factor, "rank_correlation", (e.correlation, e.correlation_interval), row.cells());
            }
        }
    }
    (rows, all)
}
