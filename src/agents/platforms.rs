//! Platforms: what each holds and is doing.

use super::banks::TwelveMonths;
use crate::random::{Key, Purpose};
use crate::scenario::value::Shape;
use rand_distr::{Beta, Distribution};

/// Deliveries of at least this share of what is required count as compliance.
pub const COMPLIANT_FROM: f64 = 0.95;

/// What banks see of a platform.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Share of its records that each agency holds.
    pub delivered: Vec<f64>,
    /// Whether it sells data to banks directly.
    pub sells_directly: bool,
}

/// A platform's state.
#[derive(Clone, Debug, PartialEq)]
pub struct Platform {
    /// Share of its records that each agency holds.
    pub delivered: Vec<f64>,
    /// Share that it wants each agency to hold.
    pub target: Vec<f64>,
    /// Whether it sells data to banks directly.
    pub sells_directly: bool,
    /// How it ended the month before.
    pub before: Standing,
    /// Whether it partners with lenders.
    pub in_partnership: bool,
    /// First month in which it is not suspended from partnerships.
    pub suspended_until: u32,
    /// Belief about being sanctioned, probability per month.
    pub belief: f64,
    /// Findings so far.
    pub findings: u32,
    /// Its draw of the cost increase, as a share of `costs.compliance_increase_max`.
    pub cost_increase_draw: f64,
    /// Precision of its data, relative to the roster's.
    pub data_level: f64,
    /// Investment in data, 0..1.
    pub investment: f64,
    /// Expected monthly commission at the start of the calendar, CNY: what its utilities are measured in.
    pub reference_cny: f64,
    /// Loss of what its data no longer win alone, relative to `behaviour.exclusivity`.
    pub exclusivity: f64,
    /// Members in the sample.
    pub members: u64,
    /// Direct queries it answered, in persons of the population.
    pub direct_queries: TwelveMonths,
    /// What it told the central bank it had delivered, as a share of what is required.
    pub reported: Option<f64>,
}

impl Platform {
    /// A platform at the start of the burn-in: it sells, is in partnerships and delivers nothing.
    pub fn new(agencies: usize, first_belief: f64, cost_increase_draw: f64) -> Platform {
        Platform {
            delivered: vec![0.0; agencies],
            target: vec![0.0; agencies],
            sells_directly: true,
            before: Standing { delivered: vec![0.0; agencies], sells_directly: true },
            in_partnership: true,
            suspended_until: 0,
            belief: first_belief,
            findings: 0,
            cost_increase_draw,
            data_level: 1.0,
            investment: 1.0,
            reference_cny: 0.0,
            exclusivity: 1.0,
            members: 0,
            direct_queries: TwelveMonths::default(),
            reported: None,
        }
    }

    /// Whether it is suspended from partnerships in `month`.
    pub fn suspended(&self, month: u32) -> bool {
        month < self.suspended_until
    }

    /// Whether it refers applicants to banks in `month`.
    pub fn refers_applicants(&self, month: u32) -> bool {
        self.in_partnership && !self.suspended(month)
    }
}

/// The grid on which draws of the cost increase lie, so that no difference between two machines'
/// logarithms can be seen.
const DRAW_GRID: f64 = 1e-9;

/// The draw of a platform's cost increase, as a share of the maximum, 0..1.
pub fn cost_increase_draw(key: Key, platform: usize, shape: Shape) -> f64 {
    let mut generator = key.generator(Purpose::CostIncrease, platform as u32);
    let draw = match shape {
        Shape::Beta(a, b) => Beta::new(a, b).expect("shapes are checked").sample(&mut generator),
        Shape::Uniform => key.uniform(Purpose::CostIncrease, platform as u32, 0, 0),
    };
    ((draw / DRAW_GRID).round() * DRAW_GRID).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_increases_follow_their_distribution() {
        let n = 4000;
        let mean = |shape| {
            let draws = (0..n).map(|seed| cost_increase_draw(Key::new(seed, 1), 3, shape));
            draws.inspect(|draw| assert!((0.0..=1.0).contains(draw))).sum::<f64>() / n as f64
        };
        assert!((mean(Shape::Beta(5.0, 2.0)) - 5.0 / 7.0).abs() < 0.01);
        assert!((mean(Shape::Uniform) - 0.5).abs() < 0.02);
    }

    #[test]
    fn draws_of_cost_increases_are_stable() {
        let key = Key::new(1, 1);
        let draws = [0, 1, 2].map(|p| cost_increase_draw(key, p, Shape::Beta(5.0, 2.0)));
        assert_eq!(draws.map(|draw| format!("{draw:.9}")), ["0.712563142", "0.517497791", "0.699354379"]);
    }

    #[test]
    fn a_suspension_ends_in_its_month() {
        let mut platform = Platform::new(2, 0.01, 0.5);
        platform.suspended_until = 10;
        assert!(!platform.refers_applicants(9) && platform.refers_applicants(10));
        platform.in_partnership = false;
        assert!(!platform.refers_applicants(10));
    }
}
