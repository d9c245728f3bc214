//! Screening: what a lender believes after its signals, when it approves, and what that is worth.
//! Closed forms of a probit model with normal signals.

use crate::normal::{normal_cdf, normal_quantile};
use crate::scenario::parameters::Credit;

/// What a lender's decision depends on beside the applicant: risk, price, loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LendingTerms {
    /// alpha: intercept of the annual probability of default (PD), probit.
    pub pd_intercept: f64,
    /// beta: slope of the PD on credit quality, probit.
    pub pd_slope: f64,
    /// gamma: effect on the PD of each other loan, probit.
    pub pd_per_loan: f64,
    /// Lending rate less funding cost, per year.
    pub margin: f64,
    /// Share of the balance lost in a default.
    pub loss_given_default: f64,
    /// Phi^-1 of the PD at which a loan breaks even; minus infinity where no loan can earn anything.
    pub break_even_probit: f64,
}

impl LendingTerms {
    /// The terms under the parameters of `[credit]`.
    pub fn new(credit: &Credit) -> LendingTerms {
        let margin = credit.lending_rate - credit.funding_cost;
        let loss_given_default = credit.loss_given_default;
        LendingTerms {
            pd_intercept: credit.pd_intercept,
            pd_slope: credit.pd_slope,
            pd_per_loan: credit.pd_per_loan,
            margin,
            loss_given_default,
            break_even_probit: if margin > 0.0 {
                normal_quantile(margin / (margin + loss_given_default))
            } else {
                f64::NEG_INFINITY
            },
        }
    }

    /// Annual probability of default on the probit scale: -(alpha + beta z) + gamma n.
    #[inline]
    pub fn pd_probit(&self, quality: f64, other_loans: f64) -> f64 {
        -(self.pd_intercept + self.pd_slope * quality) + self.pd_per_loan * other_loans
    }

    /// Annual probability of default, PD(z, n) = Phi(-(alpha + beta z) + gamma n).
    pub fn pd(&self, quality: f64, other_loans: f64) -> f64 {
        normal_cdf(self.pd_probit(quality, other_loans))
    }

    /// Whether the true PD of a person with `loans` loans is below break-even.
    #[inline]
    pub fn creditworthy(&self, quality: f64, loans: u32) -> bool {
        self.pd_probit(quality, f64::from(loans)) < self.break_even_probit
    }

    /// Whether a lender approves: (rate - cost) (1 - PDhat) > lgd PDhat with
    /// PDhat = Phi((-alpha - beta m + gamma n_seen) / sqrt(1 + beta^2 v)), v = 1 / (1 + tau).
    ///
    /// Compared on the probit scale, where it takes no Phi. `posterior_mean` is m, `precision` is tau.
    #[inline]
    pub fn approves(&self, posterior_mean: f64, precision: f64, loans_seen: u32) -> bool {
        self.pd_probit(posterior_mean, f64::from(loans_seen))
            < self.break_even_probit * self.spread(precision)
    }

    /// sqrt(1 + beta^2 v): how much the uncertainty of a posterior widens the probit.
    #[inline]
    fn spread(&self, precision: f64) -> f64 {
        libm::sqrt(1.0 + self.pd_slope * self.pd_slope / (1.0 + precision))
    }

    /// The probability of approval as a function of quality, for signals of total precision
    /// `precision` and `loans_seen` loans.
    pub fn screen(&self, precision: f64, loans_seen: u32) -> Screen {
        let without_slope = self.pd_slope == 0.0;
        if precision == 0.0 || without_slope {
            let approved = self.approves(0.0, precision, loans_seen);
            return Screen { slope: 0.0, offset: if approved { f64::NEG_INFINITY } else { f64::INFINITY } };
        }
        // approves() <=> m > cutoff, and m | z is normal with mean tau z / (1 + tau) and variance
        // tau / (1 + tau)^2.
        let cutoff = (self.pd_per_loan * f64::from(loans_seen)
            - self.pd_intercept
            - self.break_even_probit * self.spread(precision))
            / self.pd_slope;
        let root = libm::sqrt(precision);
        Screen { slope: root, offset: cutoff * (1.0 + precision) / root }
    }

    /// How a lender reads its own signal of precision `own` beside a bought one of precision `bought`.
    pub fn reading(&self, own: f64, bought: f64) -> Reading {
        let precision = own + bought;
        let on_mean = self.pd_slope / (1.0 + precision);
        Reading {
            of_average: (self.break_even_probit * self.spread(precision) + self.pd_intercept) as f32,
            on_quality: (on_mean * precision) as f32,
            on_own_noise: (on_mean * libm::sqrt(own)) as f32,
            on_bought_noise: (on_mean * libm::sqrt(bought)) as f32,
            on_loan: self.pd_per_loan as f32,
        }
    }

    /// Yearly margin of a loan per unit of balance: (rate - cost) (1 - PD) - lgd PD.
    pub fn yearly_margin(&self, quality: f64, other_loans: u32) -> f64 {
        let pd = self.pd(quality, f64::from(other_loans));
        self.margin * (1.0 - pd) - self.loss_given_default * pd
    }
}

/// The probability of approval given credit quality z: Phi(slope z - offset).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Screen {
    /// Factor on quality: the square root of the precision.
    pub slope: f64,
    /// What is taken off.
    pub offset: f64,
}

impl Screen {
    /// Probability of approval at credit quality `quality`.
    #[inline]
    pub fn approval(&self, quality: f64) -> f64 {
        normal_cdf(self.slope * quality - self.offset)
    }
}

/// How a lender reads signals of two precisions: what [`LendingTerms::approves`] works out of them for every
/// applicant alike, as factors on what differs. Near values, in as few bytes as will do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The margin of somebody of average quality, without noise and loans.
    of_average: f32,
    on_quality: f32,
    /// On the noise of its own judgement.
    pub on_own_noise: f32,
    /// On the noise of what it has bought.
    pub on_bought_noise: f32,
    /// What each loan that is seen takes off.
    on_loan: f32,
}

impl Reading {
    /// By how much the lender's PD is below break-even, on the probit scale of a certain quality, without noise.
    /// With noise, times [`Reading::on_own_noise`] and [`Reading::on_bought_noise`], added, the lender approves
    /// where this is above 0.
    #[inline]
    pub fn margin_but_for_noise(&self, quality: f32, loans_seen: u32) -> f32 {
        self.of_average + self.on_quality * quality - self.on_loan * loans_seen as f32
    }

    /// By how much a margin can be off where quality and both noises are off by `error`, and for rounding, if nobody
    /// has more than `loans`.
    pub fn margin_error(terms: &LendingTerms, error: f64, loans: u32) -> f32 {
        /// No normal number that a word of 32 bits stands for is larger.
        const LARGEST_NORMAL: f64 = 6.4;
        // Where no loan can earn anything, rounding does not matter.
        let of_average = terms.break_even_probit * terms.spread(0.0);
        let of_average = if of_average.is_finite() { of_average.abs() } else { 0.0 };
        let largest = of_average
            + terms.pd_intercept.abs()
            + 2.0 * terms.pd_slope * LARGEST_NORMAL
            + terms.pd_per_loan.abs() * f64::from(loans);
        // tau / (1 + tau) is below 1, and (sqrt(tau_o) + sqrt(tau_d)) / (1 + tau_o + tau_d) below 0.71. There are five
        // factors, each product and each sum is rounded, each by half of an epsilon.
        (2.0 * terms.pd_slope * error + 8.0 * f64::from(f32::EPSILON) * largest) as f32
    }
}

/// tau s of a signal s = z + eps / sqrt(tau), so that a posterior mean is a sum of these over
/// 1 + tau: (tau_o s_o + tau_d s_d) / (1 + tau_o + tau_d). A signal of precision 0 adds nothing.
#[inline]
pub fn weighted_signal(quality: f64, precision: f64, noise: f64) -> f64 {
    precision * quality + libm::sqrt(precision) * noise
}

/// Monthly hazard of a default for an annual probability `pd`: 1 - (1 - pd)^(1/12).
pub fn monthly_hazard(pd: f64) -> f64 {
    -libm::expm1(libm::log1p(-pd) / 12.0)
}

/// Balance-years of a loan per unit of principal, as it amortises linearly: (term + 1) / 24.
pub fn balance_years(term_months: u32) -> f64 {
    f64::from(term_months + 1) / 24.0
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::agents::users::MOST_LOANS;

    pub(crate) fn terms() -> LendingTerms {
        LendingTerms::new(&Credit::default())
    }

    #[test]
    fn break_even_by_hand() {
        // margin 0.15 - 0.115 = 0.035; 0.035 / (0.035 + 0.65) = 0.0510949.
        let terms = terms();
        assert!((normal_cdf(terms.break_even_probit) - 0.051_094_890_5).abs() < 1e-9);
        // PD(0, 0) = Phi(-2.1) = 0.0178644.
        assert!((terms.pd(0.0, 0.0) - 0.017_864_420_6).abs() < 1e-9);
        assert!(terms.creditworthy(0.0, 0) && !terms.creditworthy(-2.0, 0));
        // Two other loans: Phi(-2.1 + 0.5) = 0.0547993, just above break-even.
        assert!(terms.creditworthy(0.0, 1) && !terms.creditworthy(0.0, 2));
    }

    #[test]
    fn the_average_uninformed_applicant_is_just_below_break_even() {
        // PDhat = Phi(-2.1 / sqrt(1.81)) = Phi(-1.5609) = 0.05927 > 0.05109.
        assert!(!terms().approves(0.0, 0.0, 0));
        assert!(terms().pd(0.0, 0.0) < 0.051);
    }

    #[test]
    fn approval_needs_a_profit_above_zero() {
        let terms = terms();
        for (mean, precision, loans) in [(0.3, 0.4, 0), (0.1, 1.0, 1), (-0.2, 2.0, 0), (1.0, 0.25, 3)] {
            let variance = 1.0 / (1.0 + precision);
            let pd_hat =
                normal_cdf((-2.1 - 0.9 * mean + 0.25 * f64::from(loans)) / f64::sqrt(1.0 + 0.81 * variance));
            let profitable = 0.035 * (1.0 - pd_hat) > 0.65 * pd_hat;
            assert_eq!(terms.approves(mean, precision, loans), profitable, "{mean} {precision} {loans}");
        }
    }

    #[test]
    fn margins_have_the_sign_of_the_decision_unless_too_near_to_call() {
        let terms = terms();
        let (error, mut called) = (3e-4, 0);
        for i in 0..20_000 {
            let quantile = |step: f64| normal_quantile((f64::from(i) * step + 0.013).fract());
            let (quality, own_noise, bought_noise) = (quantile(0.618), quantile(0.414), quantile(0.732));
            let (own, bought) = ([0.25, 0.9, 40.0][i as usize % 3], [0.0, 0.35, 3.0, 90.0][i as usize % 4]);
            let seen = i as u32 % 5;
            let signals =
                weighted_signal(quality, own, own_noise) + weighted_signal(quality, bought, bought_noise);
            let approves = terms.approves(signals / (1.0 + (own + bought)), own + bought, seen);
            let off = if i % 2 == 0 { error } else { -error };
            let near = [quality + off, own_noise - off, bought_noise + off].map(|near| near as f32);
            let reading = terms.reading(own, bought);
            let noise = reading.on_own_noise * near[1] + reading.on_bought_noise * near[2];
            let margin = reading.margin_but_for_noise(near[0], seen) + noise;
            if margin.abs() > Reading::margin_error(&terms, error, 5) {
                called += 1;
                assert_eq!(margin > 0.0, approves, "{i}");
            }
        }
        assert!(called > 19_900, "{called}");
    }

    /// A margin of which all three normal numbers are off in the same direction is off by no more than is said, and
    /// by not much less where data are precise.
    #[test]
    fn no_margin_is_off_by_more_than_its_error() {
        let (terms, error) = (terms(), 3e-4);
        let most = Reading::margin_error(&terms, error, 5);
        let mut largest: f32 = 0.0;
        for own in [0.0, 0.1, 0.5, 2.0, 20.0] {
            for bought in [0.0, 0.1, 0.5, 2.0, 20.0] {
                let reading = terms.reading(own, bought);
                let margin = |off: f64| {
                    let off = off as f32;
                    let noise = reading.on_own_noise * (0.3 + off) + reading.on_bought_noise * (0.1 + off);
                    reading.margin_but_for_noise(0.2 + off, 1) + noise
                };
                largest = largest.max((margin(error) - margin(0.0)).abs());
            }
        }
        assert!(largest < most && most < 1.8 * largest, "{largest}, said to be {most} at most");
    }

    /// Rounding alone, also under parameters as far out as they may be.
    #[test]
    fn no_margin_is_rounded_by_more_than_its_error() {
        // As near as single precision has the largest normal numbers.
        const ERROR: f64 = 5e-7;
        const LOANS: u32 = MOST_LOANS as u32;
        let mut closest: f64 = 0.0;
        for (i, pd_slope) in [0.0, 1e-3, 0.9, 10.0].into_iter().enumerate() {
            for (j, pd_intercept) in [-10.0, 0.0, 2.1, 10.0].into_iter().enumerate() {
                for pd_per_loan in [-5.0, 0.0, 0.25, 5.0] {
                    let lending_rate = [0.116, 0.15, 10.0][(i + j) % 3];
                    let terms = LendingTerms::new(&Credit {
                        pd_slope,
                        pd_intercept,
                        pd_per_loan,
                        lending_rate,
                        ..Credit::default()
                    });
                    let most = f64::from(Reading::margin_error(&terms, ERROR, LOANS));
                    for case in 0..2000 {
                        let normal = |step: f64| match case % 7 {
                            0 => 6.36,
                            1 => -6.36,
                            _ => normal_quantile((f64::from(case) * step + 0.013).fract()),
                        };
                        let (quality, own_noise, bought_noise) =
                            (normal(0.618), normal(0.414), normal(0.732));
                        let own = [0.0, 0.25, 0.9, 40.0, 1000.0][case as usize % 5];
                        let bought = [0.0, 0.35, 3.0, 1000.0][case as usize % 4];
                        let seen = case as u32 % (LOANS + 1);
                        let signals = weighted_signal(quality, own, own_noise)
                            + weighted_signal(quality, bought, bought_noise);
                        let precision = own + bought;
                        let exact = terms.break_even_probit * terms.spread(precision)
                            - terms.pd_probit(signals / (1.0 + precision), f64::from(seen));
                        let reading = terms.reading(own, bought);
                        let margin = reading.margin_but_for_noise(quality as f32, seen)
                            + reading.on_own_noise * own_noise as f32
                            + reading.on_bought_noise * bought_noise as f32;
                        let off = (f64::from(margin) - exact).abs();
                        assert!(off <= most, "{terms:?}, case {case}: {off} instead of {most} at most");
                        closest = closest.max(off / most);
                    }
                }
            }
        }
        assert!(closest > 0.1, "the bound is of use: {closest}");
    }

    #[test]
    fn nobody_is_approved_at_a_loss_and_everybody_without_risk() {
        let loss = LendingTerms::new(&Credit { lending_rate: 0.1, ..Credit::default() });
        assert!(!loss.approves(3.0, 1.0, 0) && loss.screen(1.0, 0).approval(3.0) == 0.0);
        let safe = LendingTerms::new(&Credit { loss_given_default: 0.0, ..Credit::default() });
        assert!(safe.approves(-3.0, 1.0, 0) && safe.screen(1.0, 0).approval(-3.0) == 1.0);
        let flat = LendingTerms::new(&Credit { pd_slope: 0.0, ..Credit::default() });
        assert_eq!(flat.screen(1.0, 0).approval(-3.0), 1.0, "PD 0.018 for everybody");
    }

    #[test]
    fn the_closed_form_agrees_with_the_rule_it_integrates() {
        // Integrates the rule over the noise on a fine grid of quantiles.
        let terms = terms();
        for (quality, precision, loans) in [(0.0, 0.4, 0), (0.8, 1.3, 1), (-1.0, 0.25, 0)] {
            let n = 20_000;
            let approved = (0..n).filter(|i| {
                let noise = normal_quantile((f64::from(*i) + 0.5) / f64::from(n));
                let mean = weighted_signal(quality, precision, noise) / (1.0 + precision);
                terms.approves(mean, precision, loans)
            });
            let rate = approved.count() as f64 / f64::from(n);
            assert!((rate - terms.screen(precision, loans).approval(quality)).abs() < 1e-4);
        }
    }

    #[test]
    fn a_year_of_hazards_is_the_annual_probability() {
        let hazard = monthly_hazard(0.06);
        assert!((1.0 - (1.0 - hazard).powi(12) - 0.06).abs() < 1e-12);
        assert_eq!(monthly_hazard(0.0), 0.0);
        assert_eq!(monthly_hazard(1.0), 1.0);
    }

    #[test]
    fn a_loan_of_a_year_is_outstanding_for_13_24_of_it() {
        let outstanding: f64 = (1..=12).map(|left| f64::from(left) / 12.0).sum::<f64>() / 12.0;
        assert!((balance_years(12) - outstanding).abs() < 1e-12);
    }
}
