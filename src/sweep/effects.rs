//! What each factor of a design does to an outcome.
//!
//! There is one outcome a row of the design, `None` where there is none. An effect that cannot be
//! computed is `None`, never a number that is not finite. Intervals are 95 % percentile intervals of
//! the bootstrap (Efron 1979) over what the design repeats: trajectories, base samples or points.

use crate::random::{Key, Purpose};
use crate::stats::Moments;

/// The lower and the upper end of an interval.
pub type Interval = (f64, f64);

/// The elementary effects of a factor over a Morris design, in units of the outcome per whole range of
/// the factor.
#[derive(Clone, Debug, PartialEq)]
pub struct MorrisEffect {
    /// Mean of the elementary effects; `None` without trajectories.
    pub mu: Option<f64>,
    /// Mean of their absolute values (Campolongo, Cariboni and Saltelli 2007): how much a factor
    /// matters, also where it works both ways.
    pub mu_star: Option<f64>,
    /// Interval of `mu_star`; `None` of fewer than two trajectories.
    pub mu_star_interval: Option<Interval>,
    /// Their standard deviation (n - 1): how far a factor's effect is not linear or depends on
    /// others. `None` of fewer than two trajectories.
    pub sigma: Option<f64>,
    /// Trajectories with all their outcomes: those used.
    pub trajectories: usize,
}

/// The Sobol' indices of a factor; all `None` if the outcome is constant.
#[derive(Clone, Debug, PartialEq)]
pub struct SobolEffect {
    /// First-order index: the share of the outcome's variance that the factor explains alone.
    /// Estimates of small indices may be below 0.
    pub s1: Option<f64>,
    /// Interval of `s1`; `None` of fewer than two base samples.
    pub s1_interval: Option<Interval>,
    /// Total index: the share of the variance that the factor has a part in.
    pub st: Option<f64>,
    /// Interval of `st`; `None` of fewer than two base samples.
    pub st_interval: Option<Interval>,
    /// Base samples with all their outcomes: those used.
    pub base_samples: usize,
}

/// How the outcome rises and falls with a factor, by ranks: from -1 (falls with it) to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct RankEffect {
    /// Spearman's rank correlation; `None` if the factor or the outcome is constant.
    pub correlation: Option<f64>,
    /// Interval of `correlation`; `None` of fewer than two points.
    pub correlation_interval: Option<Interval>,
    /// Partial rank correlation (Iman and Conover 1979): that of what the other factors leave
    /// unexplained of both. `None` also if there are not at least two points more than factors that
    /// vary, or if these are collinear.
    pub partial: Option<f64>,
    /// Interval of `partial`.
    pub partial_interval: Option<Interval>,
    /// Points with an outcome: those used.
    pub points: usize,
}

/// The effects of the factors of [`design::morris`](super::design::morris). A trajectory that lacks an
/// outcome is left out.
///
/// # Panics
/// If rows of a trajectory do not differ in one factor each.
pub fn morris(points: &[Vec<f64>], outcomes: &[Option<f64>], resamples: u32, seed: u64) -> Vec<MorrisEffect> {
    let factors = points.first().map_or(0, Vec::len);
    let effects: Vec<Vec<f64>> = points
        .chunks_exact(factors + 1)
        .zip(outcomes.chunks_exact(factors + 1))
        .filter_map(|(points, outcomes)| Some(elementary_effects(points, &complete(outcomes)?)))
        .collect();
    let intervals = bootstrap(effects.len(), factors, resamples, seed, |_, weights| {
        (0..factors)
            .map(|factor| {
                let weighted = effects.iter().zip(weights).map(|(effect, w)| w * effect[factor].abs());
                finite(weighted.sum::<f64>() / weights.iter().sum::<f64>())
            })
            .collect()
    });
    let of_factor = |factor: usize| effects.iter().map(move |effect| effect[factor]);
    intervals
        .into_iter()
        .enumerate()
        .map(|(factor, mu_star_interval)| {
            let moments: Moments = of_factor(factor).collect();
            let absolute: Moments = of_factor(factor).map(f64::abs).collect();
            MorrisEffect {
                mu: moments.mean().and_then(finite),
                mu_star: absolute.mean().and_then(finite),
                mu_star_interval,
                sigma: moments.deviation().and_then(finite),
                trajectories: effects.len(),
            }
        })
        .collect()
}

/// The effect of each factor of one trajectory: the difference its step makes, per unit of the cube.
fn elementary_effects(points: &[Vec<f64>], outcomes: &[f64]) -> Vec<f64> {
    let mut effects = vec![0.0; points.len() - 1];
    for (points, outcomes) in points.windows(2).zip(outcomes.windows(2)) {
        let step = |factor: &usize| points[0][*factor] != points[1][*factor];
        let moved: Vec<usize> = (0..effects.len()).filter(step).collect();
        let [factor] = moved[..] else { panic!("a step of a trajectory moves one factor, not {moved:?}") };
        effects[factor] = (outcomes[1] - outcomes[0]) / (points[1][factor] - points[0][factor]);
    }
    effects
}

/// The Sobol' indices of the factors of [`design::saltelli`](super::design::saltelli): `s1` by the
/// estimator of Saltelli and others (2010), `st` by that of Jansen (1999). A base sample that lacks an
/// outcome is left out.
pub fn sobol(outcomes: &[Option<f64>], factors: usize, resamples: u32, seed: u64) -> Vec<SobolEffect> {
    let mut blocks: Vec<Vec<f64>> = outcomes.chunks_exact(factors + 2).filter_map(complete).collect();
    // Indices have no unit and do not depend on the mean; without it their estimates vary less.
    let ends = |block: &Vec<f64>| [block[0], block[factors + 1]];
    let centre = blocks.iter().flat_map(ends).collect::<Moments>().mean().unwrap_or(0.0);
    let largest = blocks.iter().flat_map(ends).map(|outcome| (outcome - centre).abs()).fold(0.0, f64::max);
    if largest > 0.0 {
        blocks.iter_mut().flatten().for_each(|outcome| *outcome = (*outcome - centre) / largest);
    }
    let estimates = indices(&blocks, factors, &vec![1.0; blocks.len()]);
    let intervals = bootstrap(blocks.len(), 2 * factors, resamples, seed, |_, weights| {
        indices(&blocks, factors, weights)
    });
    (0..factors)
        .map(|factor| SobolEffect {
            s1: estimates[factor],
            s1_interval: intervals[factor],
            st: estimates[factors + factor],
            st_interval: intervals[factors + factor],
            base_samples: blocks.len(),
        })
        .collect()
}

/// First `s1`, then `st` of all factors, of base samples that count as often as `weights` says.
fn indices(blocks: &[Vec<f64>], factors: usize, weights: &[f64]) -> Vec<Option<f64>> {
    // A variance this far below the square of the largest outcome, 1, is what rounding leaves of none.
    const NO_VARIANCE: f64 = 1e-20;
    let count: f64 = weights.iter().sum();
    let mean_of = |value: &dyn Fn(&[f64]) -> f64| {
        blocks.iter().zip(weights).map(|(block, weight)| weight * value(block)).sum::<f64>() / count
    };
    let b = factors + 1;
    let mean = mean_of(&|block| (block[0] + block[b]) / 2.0);
    let square = |difference: f64| difference * difference;
    let variance = mean_of(&|block| (square(block[0] - mean) + square(block[b] - mean)) / 2.0);
    if variance.is_nan() || variance <= NO_VARIANCE {
        return vec![None; 2 * factors];
    }
    let first = (1..=factors).map(|ab| mean_of(&|block| block[b] * (block[ab] - block[0])));
    let total = (1..=factors).map(|ab| mean_of(&|block| square(block[0] - block[ab]) / 2.0));
    first.chain(total).map(|share| finite(share / variance)).collect()
}

/// The rank correlations of each factor with the outcome, for any sampled design or grid. `points` may
/// be in any units, or be levels: only their order matters. A point without an outcome is left out.
///
/// Of many outcomes of the same points, [`RankDesign`] does at once what they have in common.
pub fn rank_correlations(
    points: &[Vec<f64>],
    outcomes: &[Option<f64>],
    resamples: u32,
    seed: u64,
) -> Vec<RankEffect> {
    RankDesign::new(points, present(outcomes), resamples, seed).effects(outcomes)
}

/// At which points there is an outcome.
pub fn present(outcomes: &[Option<f64>]) -> Vec<bool> {
    outcomes.iter().map(|outcome| outcome.and_then(finite).is_some()).collect()
}

/// What the rank correlations of all outcomes of the same points have in common: the factors' own
/// correlations, in the sample and in each resample.
pub struct RankDesign {
    present: Vec<bool>,
    factors: Vec<Column>,
    resamples: u32,
    seed: u64,
    sample: Option<Precision>,
    /// By resample; empty where there would be too much to keep.
    resampled: Vec<Option<Precision>>,
}

/// Entries of matrices that are kept.
const MOST_KEPT: usize = 16 << 20;

impl RankDesign {
    /// Of those points at which there is an outcome.
    pub fn new(points: &[Vec<f64>], present: Vec<bool>, resamples: u32, seed: u64) -> RankDesign {
        let count = points.first().map_or(0, Vec::len);
        let here: Vec<&Vec<f64>> =
            points.iter().zip(&present).filter_map(|(point, here)| here.then_some(point)).collect();
        let factors: Vec<Column> =
            (0..count).map(|factor| Column::new(here.iter().map(|point| point[factor]).collect())).collect();
        let sample = Precision::of(&factors, &vec![1.0; here.len()]);
        let keeps = resamples as usize * count * count <= MOST_KEPT && here.len() > 1;
        let resampled = (0..if keeps { resamples } else { 0 })
            .map(|resample| Precision::of(&factors, &drawn(here.len(), resample, seed)))
            .collect();
        RankDesign { present, factors, resamples, seed, sample, resampled }
    }

    /// Whether these outcomes are of its points.
    pub fn is_of(&self, outcomes: &[Option<f64>]) -> bool {
        self.present == present(outcomes)
    }

    /// The rank correlations of each factor with an outcome that exists at its points.
    pub fn effects(&self, outcomes: &[Option<f64>]) -> Vec<RankEffect> {
        debug_assert!(self.is_of(outcomes));
        let outcome = Column::new(outcomes.iter().filter_map(|outcome| outcome.and_then(finite)).collect());
        let (count, factors) = (outcome.values.len(), self.factors.len());
        let estimates = self.correlations(&outcome, &vec![1.0; count], self.sample.as_ref());
        let intervals = bootstrap(count, 2 * factors, self.resamples, self.seed, |resample, weights| {
            match self.resampled.get(resample as usize) {
                Some(precision) => self.correlations(&outcome, weights, precision.as_ref()),
                None => {
                    let precision = Precision::of(&self.factors, weights);
                    self.correlations(&outcome, weights, precision.as_ref())
                }
            }
        });
        (0..factors)
            .map(|factor| RankEffect {
                correlation: estimates[factor],
                correlation_interval: intervals[factor],
                partial: estimates[factors + factor],
                partial_interval: intervals[factors + factor],
                points: count,
            })
            .collect()
    }

    /// First the rank correlations of all factors with the outcome, then the partial ones, where a
    /// point counts as often as `weights` says.
    fn correlations(
        &self,
        outcome: &Column,
        weights: &[f64],
        precision: Option<&Precision>,
    ) -> Vec<Option<f64>> {
        let factors = self.factors.len();
        let mut results = vec![None; 2 * factors];
        let ranks = outcome.centred_ranks(weights);
        let spread = product(&ranks, &ranks, weights);
        if spread == 0.0 {
            return results;
        }
        let simple: Vec<Option<f64>> = self
            .factors
            .iter()
            .map(|factor| {
                let of_factor = factor.centred_ranks(weights);
                let own = product(&of_factor, &of_factor, weights);
                (own > 0.0).then(|| product(&of_factor, &ranks, weights) / (own * spread).sqrt())
            })
            .collect();
        if let Some(precision) = precision {
            let correlations: Vec<f64> = simple.iter().copied().flatten().collect();
            let partial = precision.partial_correlations(&correlations);
            let vary = (0..factors).filter(|factor| simple[*factor].is_some());
            vary.zip(partial).for_each(|(factor, partial)| results[factors + factor] = Some(partial));
        }
        results[..factors].copy_from_slice(&simple);
        results
    }
}

/// The values of a factor or of the outcome, and the rows in their order.
struct Column {
    values: Vec<f64>,
    order: Vec<usize>,
}

impl Column {
    fn new(values: Vec<f64>) -> Column {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
        Column { values, order }
    }

    /// The rank of each row less the mean rank, where a row counts as often as `weights` says; ties
    /// share their mean rank. Ranks are multiples of 1/2, so sums of their products have no rounding.
    fn centred_ranks(&self, weights: &[f64]) -> Vec<f64> {
        let middle = (weights.iter().sum::<f64>() + 1.0) / 2.0;
        let mut ranks = vec![0.0; self.values.len()];
        let mut below = 0.0;
        for tie in self.order.chunk_by(|&a, &b| self.values[a] == self.values[b]) {
            let size: f64 = tie.iter().map(|&row| weights[row]).sum();
            tie.iter().for_each(|&row| ranks[row] = below + (size + 1.0) / 2.0 - middle);
            below += size;
        }
        ranks
    }
}

/// The sum of products of two columns of ranks, where a row counts as often as `weights` says.
fn product(a: &[f64], b: &[f64], weights: &[f64]) -> f64 {
    a.iter().zip(b).zip(weights).map(|((a, b), weight)| weight * a * b).sum()
}

/// The inverse of the rank correlations of those factors that vary.
struct Precision(Vec<Vec<f64>>);

impl Precision {
    /// `None` if there are too few points for as many factors, or factors are collinear.
    fn of(factors: &[Column], weights: &[f64]) -> Option<Precision> {
        let ranks = factors.iter().map(|factor| factor.centred_ranks(weights));
        let vary: Vec<(Vec<f64>, f64)> = ranks
            .map(|ranks| {
                let spread = product(&ranks, &ranks, weights);
                (ranks, spread)
            })
            .filter(|(_, spread)| *spread > 0.0)
            .collect();
        // The outcome is one variable more.
        let different_rows = weights.iter().filter(|weight| **weight > 0.0).count();
        if different_rows <= vary.len() + 1 {
            return None;
        }
        let mut matrix = vec![vec![1.0; vary.len()]; vary.len()];
        for (i, (a, spread_a)) in vary.iter().enumerate() {
            for (j, (b, spread_b)) in vary.iter().enumerate().take(i) {
                matrix[i][j] = product(a, b, weights) / (spread_a * spread_b).sqrt();
                matrix[j][i] = matrix[i][j];
            }
        }
        inverse(matrix).map(Precision)
    }

    /// The correlation of each factor with an outcome, given all others, from its plain correlations.
    ///
    /// Of a coefficient b of the regression on all factors, its variance factor c (of the inverse) and
    /// the residual variance s2, the partial correlation is b / sqrt(b^2 + c s2): the t statistic
    /// without its degrees of freedom.
    fn partial_correlations(&self, correlations: &[f64]) -> Vec<f64> {
        // The share of a variance left unexplained below which rounding may have made it.
        const NO_RESIDUAL: f64 = 1e-12;
        let dot = |row: &[f64]| -> f64 { row.iter().zip(correlations).map(|(a, b)| a * b).sum() };
        let coefficients: Vec<f64> = self.0.iter().map(|row| dot(row)).collect();
        let residual = (1.0 - dot(&coefficients)).max(NO_RESIDUAL);
        let partial = |(k, b): (usize, &f64)| b / (b * b + self.0[k][k] * residual).sqrt();
        coefficients.iter().enumerate().map(partial).collect()
    }
}

/// The inverse of a matrix of correlations, by sweeping (Goodnight 1979); `None` if it has none.
fn inverse(mut matrix: Vec<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    // The share of a variance that others leave unexplained, below which rounding may have made it.
    const NO_PIVOT: f64 = 1e-9;
    let size = matrix.len();
    for k in 0..size {
        let pivot = matrix[k][k];
        if pivot < NO_PIVOT {
            return None;
        }
        let row = matrix[k].clone();
        for (i, line) in matrix.iter_mut().enumerate() {
            let by = row[i] / pivot;
            if i == k {
                line.iter_mut().for_each(|value| *value /= pivot);
            } else {
                line.iter_mut().zip(&row).for_each(|(value, other)| *value -= by * other);
                line[k] = by;
            }
        }
        matrix[k][k] = -1.0 / pivot;
    }
    matrix.iter_mut().flatten().for_each(|value| *value = -*value);
    Some(matrix)
}

/// The outcomes of a trajectory or base sample, if it has all.
fn complete(outcomes: &[Option<f64>]) -> Option<Vec<f64>> {
    outcomes.iter().map(|outcome| outcome.and_then(finite)).collect()
}

fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

/// The intervals of `width` statistics of `units`, given how to compute them from how often each unit
/// was drawn. A statistic that fewer than half of the resamples have gets none; neither does any of
/// fewer than two units, between which chance has no choice.
fn bootstrap(
    units: usize,
    width: usize,
    resamples: u32,
    seed: u64,
    statistics: impl Fn(u32, &[f64]) -> Vec<Option<f64>>,
) -> Vec<Option<Interval>> {
    let mut samples: Vec<Vec<f64>> = vec![Vec::new(); width];
    if units < 2 {
        return vec![None; width];
    }
    for resample in 0..resamples {
        let weights = drawn(units, resample, seed);
        for (sample, statistic) in samples.iter_mut().zip(statistics(resample, &weights)) {
            sample.extend(statistic);
        }
    }
    let enough = |sample: &Vec<f64>| !sample.is_empty() && 2 * sample.len() >= resamples as usize;
    samples
        .into_iter()
        .map(|mut sample| {
            sample.sort_by(f64::total_cmp);
            enough(&sample).then(|| (quantile(&sample, 0.025), quantile(&sample, 0.975)))
        })
        .collect()
}

/// How often each of `units` units is drawn in a resample.
fn drawn(units: usize, resample: u32, seed: u64) -> Vec<f64> {
    let key = Key::new(seed, 0);
    let mut weights = vec![0.0; units];
    for position in (0..units).step_by(4) {
        let words = key.draw(Purpose::Bootstrap, position as u32, 0, resample);
        for word in &words[..(units - position).min(4)] {
            weights[((u64::from(*word) * units as u64) >> 32) as usize] += 1.0;
        }
    }
    weights
}

/// The quantile of ascending numbers, linear between them (type 7 of Hyndman and Fan 1996).
fn quantile(ascending: &[f64], probability: f64) -> f64 {
    let place = probability * (ascending.len() - 1) as f64;
    let below = place.floor();
    let low = ascending[below as usize];
    let high = ascending[(below as usize + 1).min(ascending.len() - 1)];
    low + (place - below) * (high - low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::design;
    use std::f64::consts::PI;

    fn outcomes_of(points: &[Vec<f64>], model: impl Fn(&[f64]) -> f64) -> Vec<Option<f64>> {
        points.iter().map(|point| Some(model(point))).collect()
    }

    fn holds(interval: Option<Interval>, number: f64) -> bool {
        interval.is_some_and(|(low, high)| low <= number && number <= high)
    }

    /// The function of Ishigami and Homma (1990) with a = 7 and b = 0.1.
    fn ishigami(point: &[f64]) -> f64 {
        let [x1, x2, x3] = [0, 1, 2].map(|factor| (2.0 * point[factor] - 1.0) * PI);
        libm::sin(x1) + 7.0 * libm::sin(x2) * libm::sin(x2) + 0.1 * x3 * x3 * x3 * x3 * libm::sin(x1)
    }

    /// Its indices as published (Saltelli and others 2008).
    #[test]
    fn indices_of_ishigami_and_homma() {
        let outcomes = outcomes_of(&design::saltelli(3, 4096, 1), ishigami);
        let effects = sobol(&outcomes, 3, 200, 1);
        for (effect, (s1, st)) in effects.iter().zip([(0.3139, 0.5576), (0.4424, 0.4424), (0.0, 0.2437)]) {
            assert!((effect.s1.unwrap() - s1).abs() < 0.02, "{effect:?} against {s1}");
            assert!((effect.st.unwrap() - st).abs() < 0.02, "{effect:?} against {st}");
            assert!(holds(effect.s1_interval, s1), "{effect:?} against {s1}");
            assert!(holds(effect.st_interval, st), "{effect:?} against {st}");
            assert_eq!(effect.base_samples, 4096);
        }
    }

    /// The g function of Sobol' (1993): a product of terms of variance v = 1 / (3 (1 + a)^2) and mean
    /// 1, so s1 = v / V and st = v prod(1 + v of others) / V with V = prod(1 + v) - 1.
    #[test]
    fn indices_of_the_g_function() {
        let a = [0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0];
        let g = |point: &[f64]| -> f64 {
            point.iter().zip(a).map(|(x, a)| ((4.0 * x - 2.0).abs() + a) / (1.0 + a)).product()
        };
        let effects = sobol(&outcomes_of(&design::saltelli(8, 4096, 2), g), 8, 100, 2);
        let parts = a.map(|a| 1.0 / (3.0 * (1.0 + a) * (1.0 + a)));
        let product: f64 = parts.iter().map(|part| 1.0 + part).product();
        for (effect, part) in effects.iter().zip(parts) {
            let (s1, st) = (part / (product - 1.0), part * product / (1.0 + part) / (product - 1.0));
            assert!((effect.s1.unwrap() - s1).abs() < 0.02, "{effect:?} against {s1}");
            assert!((effect.st.unwrap() - st).abs() < 0.02, "{effect:?} against {st}");
        }
    }

    #[test]
    fn indices_of_two_base_samples_by_hand() {
        // One factor, each block A, AB, B. Mean 3, variance (4 + 0 + 0 + 4) / 4 = 2.
        let outcomes = [1.0, 3.0, 3.0, 3.0, 4.0, 5.0].map(Some);
        // s1: (0 * 2 + 2 * 1) / 2 / 2; st: (4 + 1) / 4 / 2.
        let effect = &sobol(&outcomes, 1, 0, 1)[0];
        assert!((effect.s1.unwrap() - 0.5).abs() < 1e-15);
        assert!((effect.st.unwrap() - 0.625).abs() < 1e-15);
        assert_eq!((effect.s1_interval, effect.base_samples), (None, 2));
    }

    #[test]
    fn a_base_sample_that_lacks_an_outcome_is_left_out() {
        let outcomes: Vec<Option<f64>> = outcomes_of(&design::saltelli(3, 64, 1), ishigami);
        let mut lacking = outcomes.clone();
        lacking[7] = None;
        lacking[11] = Some(f64::NAN);
        let rest = [&outcomes[..5], &outcomes[15..]].concat();
        let effects = sobol(&lacking, 3, 50, 1);
        assert_eq!(effects, sobol(&rest, 3, 50, 1));
        assert_eq!(effects[0].base_samples, 62);
        let none = sobol(&[None; 10], 3, 50, 1);
        assert_eq!((none.len(), none[0].s1, none[0].base_samples), (3, None, 0));
    }

    #[test]
    fn a_constant_outcome_has_no_shares_and_no_correlations_but_effects_of_0() {
        let base = design::saltelli(2, 16, 1);
        for effect in sobol(&outcomes_of(&base, |_| 0.1), 2, 50, 1) {
            assert_eq!(
                (effect.s1, effect.s1_interval, effect.st, effect.st_interval),
                (None, None, None, None)
            );
        }
        for effect in rank_correlations(&base, &outcomes_of(&base, |_| 0.1), 50, 1) {
            assert_eq!((effect.correlation, effect.partial), (None, None));
            assert_eq!((effect.correlation_interval, effect.partial_interval), (None, None));
        }
        let trajectories = design::morris(2, 5, 4, 1);
        for effect in morris(&trajectories, &outcomes_of(&trajectories, |_| 0.1), 50, 1) {
            assert_eq!((effect.mu, effect.mu_star, effect.sigma), (Some(0.0), Some(0.0), Some(0.0)));
            assert_eq!(effect.mu_star_interval, Some((0.0, 0.0)));
        }
    }

    #[test]
    fn elementary_effects_of_a_linear_function_are_its_coefficients() {
        let points = design::morris(3, 10, 4, 6);
        let outcomes = outcomes_of(&points, |x| 5.0 + 2.0 * x[0] - 3.0 * x[1]);
        for (effect, coefficient) in morris(&points, &outcomes, 100, 1).iter().zip([2.0, -3.0, 0.0f64]) {
            assert!((effect.mu.unwrap() - coefficient).abs() < 1e-12);
            assert!((effect.mu_star.unwrap() - coefficient.abs()).abs() < 1e-12);
            assert!(effect.sigma.unwrap() < 1e-12);
            let (low, high) = effect.mu_star_interval.unwrap();
            assert!((low - coefficient.abs()).abs() < 1e-12 && (high - low).abs() < 1e-12);
            assert_eq!(effect.trajectories, 10);
        }
    }

    #[test]
    fn a_factor_that_works_both_ways_shows_in_mu_star() {
        let points = design::morris(2, 400, 4, 6);
        // The square of x - 1/2 rises from 1/36 to 1/4 over the steps 1/3 -> 1 and falls alike over
        // 0 -> 2/3: effects of +1/3 and -1/3, half each.
        let outcomes = outcomes_of(&points, |x| (x[0] - 0.5) * (x[0] - 0.5) + x[1]);
        let effect = &morris(&points, &outcomes, 100, 1)[0];
        assert!(effect.mu.unwrap().abs() < 4.0 / 3.0 / 20.0, "{effect:?}");
        assert!((effect.mu_star.unwrap() - 1.0 / 3.0).abs() < 1e-12);
        assert!((effect.sigma.unwrap() - 1.0 / 3.0).abs() < 0.01);
    }

    #[test]
    fn the_interval_of_mu_star_is_about_that_of_a_mean() {
        let points = design::morris(2, 200, 4, 9);
        let outcomes = outcomes_of(&points, |x| x[0] * x[1]);
        let effect = &morris(&points, &outcomes, 1000, 1)[0];
        let half = 1.96 * effect.sigma.unwrap() / 200f64.sqrt();
        let (low, high) = effect.mu_star_interval.unwrap();
        assert!(((high - low) / 2.0 / half - 1.0).abs() < 0.1, "{low} to {high}, half {half}");
        assert!(holds(effect.mu_star_interval, 0.5), "the mean of the other factor");
    }

    #[test]
    fn a_trajectory_that_lacks_an_outcome_is_left_out() {
        let points = design::morris(2, 3, 4, 6);
        let mut outcomes = outcomes_of(&points, |x| x[0] * x[1]);
        outcomes[4] = None;
        let rest = |rows: &[Vec<f64>]| [&rows[..3], &rows[6..]].concat();
        let kept = [&outcomes[..3], &outcomes[6..]].concat();
        let effects = morris(&points, &outcomes, 50, 1);
        assert_eq!(effects, morris(&rest(&points), &kept, 50, 1));
        assert_eq!(effects[0].trajectories, 2);
        let one = &morris(&points[..3], &outcomes[..3], 50, 1)[0];
        assert!(one.mu.is_some() && one.sigma.is_none() && one.mu_star_interval.is_none());
        assert_eq!(morris(&points, &[None; 9], 50, 1)[1].mu_star, None);
    }

    #[test]
    fn rank_correlations_of_five_points_by_hand() {
        // Ranks of x: 1 to 5; of the outcome: 2, 1, 4, 3, 5. Differences squared sum to 4, so
        // 1 - 6 * 4 / (5 * 24) = 0.8. The second factor never changes.
        let points: Vec<Vec<f64>> = [0.0, 0.1, 0.2, 0.3, 0.9].iter().map(|x| vec![*x, 0.5]).collect();
        let effects = rank_correlations(&points, &[20.0, 10.0, 40.0, 30.0, 1e6].map(Some), 100, 1);
        assert!((effects[0].correlation.unwrap() - 0.8).abs() < 1e-15);
        assert!((effects[0].partial.unwrap() - 0.8).abs() < 1e-12, "there is nothing to be partial to");
        assert_eq!((effects[1].correlation, effects[1].partial), (None, None));
        assert_eq!(effects[0].points, 5);
    }

    #[test]
    fn ties_share_their_mean_rank() {
        let column = Column::new(vec![7.0, 3.0, 7.0, 9.0]);
        assert_eq!(column.centred_ranks(&[1.0; 4]), [0.0, -1.5, 0.0, 1.5]);
        // 3 twice and 9 never: ranks 1.5, 1.5, 3.5, 3.5 about 2.5.
        assert_eq!(column.centred_ranks(&[1.0, 2.0, 1.0, 0.0])[..3], [1.0, -1.0, 1.0]);
    }

    #[test]
    fn a_partial_correlation_of_three_variables_by_hand() {
        let (xy, zy, xz) = (0.5, 0.4, 0.3f64);
        let precision = Precision(inverse(vec![vec![1.0, xz], vec![xz, 1.0]]).unwrap());
        assert!((precision.0[0][0] - 1.0 / 0.91).abs() < 1e-14);
        assert!((precision.0[1][0] + 0.3 / 0.91).abs() < 1e-14);
        let partial = precision.partial_correlations(&[xy, zy]);
        assert!((partial[0] - (0.5 - 0.12) / (0.91f64 * 0.84).sqrt()).abs() < 1e-14);
        assert!((partial[1] - (0.4 - 0.15) / (0.91f64 * 0.75).sqrt()).abs() < 1e-14);
        assert_eq!(inverse(vec![vec![1.0, 1.0], vec![1.0, 1.0]]), None, "collinear");
    }

    #[test]
    fn what_outcomes_have_in_common_does_not_show() {
        let points = design::latin_hypercube(4, 40, 3);
        let one = outcomes_of(&points, |point| point[0] - 2.0 * point[1] + point[2] * point[3]);
        let other = outcomes_of(&points, |point| point[3]);
        let design = RankDesign::new(&points, present(&one), 100, 7);
        for outcomes in [&one, &other] {
            assert!(design.is_of(outcomes));
            assert_eq!(design.effects(outcomes), rank_correlations(&points, outcomes, 100, 7));
        }
        let too_much =
            RankDesign { resampled: Vec::new(), ..RankDesign::new(&points, present(&one), 100, 7) };
        assert_eq!(too_much.effects(&one), design.effects(&one));
    }

    #[test]
    fn partial_correlations_see_a_small_factor_beside_a_large_one() {
        let points = design::latin_hypercube(3, 300, 1);
        let outcomes = outcomes_of(&points, |x| 10.0 * x[0] - x[1]);
        let effects = rank_correlations(&points, &outcomes, 200, 1);
        assert!(effects[0].correlation.unwrap() > 0.98 && effects[0].partial.unwrap() > 0.98);
        assert!(effects[1].correlation.unwrap().abs() < 0.3 && effects[1].partial.unwrap() < -0.8);
        assert!(holds(effects[2].correlation_interval, 0.0) && holds(effects[2].partial_interval, 0.0));
        for effect in &effects {
            assert!(holds(effect.correlation_interval, effect.correlation.unwrap()));
        }
    }

    #[test]
    fn a_monotone_outcome_of_one_factor_has_a_correlation_of_1() {
        let points = design::sobol(1, 32, 1);
        let mut outcomes = outcomes_of(&points, |x| x[0] * x[0]);
        let effect = &rank_correlations(&points, &outcomes, 50, 1)[0];
        assert_eq!((effect.correlation, effect.correlation_interval), (Some(1.0), Some((1.0, 1.0))));
        assert!((effect.partial.unwrap() - 1.0).abs() < 1e-11);
        outcomes[3] = None;
        assert_eq!(rank_correlations(&points, &outcomes, 50, 1)[0].points, 31);
        assert_eq!(rank_correlations(&points, &[None; 32], 50, 1)[0].correlation, None);
        let few = rank_correlations(&points[..2], &outcomes[..2], 50, 1);
        assert_eq!((few[0].correlation.map(f64::abs), few[0].partial), (Some(1.0), None));
    }

    #[test]
    fn intervals_follow_from_their_seed() {
        let points = design::sobol(2, 64, 1);
        let outcomes = outcomes_of(&points, |x| x[0] - x[0] * x[1]);
        let effects = |seed| rank_correlations(&points, &outcomes, 100, seed);
        assert_eq!(effects(1), effects(1));
        assert_ne!(effects(1)[0].correlation_interval, effects(2)[0].correlation_interval);
        assert_eq!(effects(1)[0].correlation, effects(2)[0].correlation);
    }

    #[test]
    fn quantiles_lie_between_numbers() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.5), 2.0);
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!(quantile(&[5.0], 0.975), 5.0);
    }
}
