//! Lending: one lender's screening, and several lenders asked in turn.

use super::setting::{START, add_agency, amendment, months, plain, scenario};
use super::{Case, four_standard_errors};
use crate::normal::{normal_cdf, normal_quantile};
use crate::replicate::Ended;
use crate::scenario::Trigger;
use crate::scenario::parameters::{Credit, PlatformRow};
use crate::scenario::value::DirectSale;
use rayon::prelude::*;

/// Persons who apply, all of them once.
const APPLICANTS: u64 = 100_000;
/// Skill of the platform and capability of the agency whose data are bought.
const READING: f64 = 0.5;

/// Months before the applications, in which platforms deliver and banks see what they have delivered.
const BEFORE: u32 = 2;

/// One month in which everybody applies, and a year in which the loans default or are repaid.
#[derive(Clone, Copy)]
struct FirstApplications {
    /// Precision of the banks' own judgement.
    own: f64,
    /// Precision of data bought from a platform directly.
    direct: f64,
    /// Precision of data bought from an agency.
    agency: f64,
    /// Lenders asked in turn.
    tries: u32,
}

/// A rate expected and simulated, and the number of persons it is a share of.
struct Rate {
    expected: f64,
    simulated: Option<f64>,
    persons: f64,
}

impl Rate {
    fn case(&self, case: String, source: &'static str) -> Case {
        let tolerance = four_standard_errors(self.expected, self.persons);
        let Rate { expected, simulated, .. } = *self;
        Case { case, source, unit: "share", expected, simulated, tolerance }
    }
}

/// Approvals and, of the approved, defaults within a year.
struct Outcome {
    approval: Rate,
    default: Rate,
}

/// Approval and default rates of first-time applicants, over a grid of precision tau, own and bought.
pub fn screening() -> Result<Vec<Case>, Ended> {
    let own = |own| (format!("tau {own}"), own, 0.0, 0.0);
    let settings = [
        own(0.1),
        own(0.25),
        own(0.9),
        own(2.0),
        own(5.0),
        ("tau 0.4 + 0.8 direct".into(), 0.4, 0.8, 0.0),
        ("tau 0.4 + 0.8 by agency".into(), 0.4, 0.0, 0.8),
    ];
    let cases = settings.into_par_iter().map(|(name, own, direct, agency)| {
        let outcome = FirstApplications { own, direct, agency, tries: 1 }.outcome()?;
        Ok([
            outcome.approval.case(format!("approval rate, {name}"), "closed form"),
            outcome.default.case(format!("default rate of the approved, {name}"), "closed form"),
        ])
    });
    Ok(cases.collect::<Result<Vec<_>, Ended>>()?.concat())
}

/// Broecker 1990: the more lenders a person may ask, the more are approved, and the worse they are.
pub fn several_lenders() -> Result<Vec<Case>, Ended> {
    const LENDERS: [u32; 4] = [1, 2, 3, 6];
    const SOURCE: &str = "Broecker 1990";
    let outcome = |tries| FirstApplications { own: 0.4, direct: 0.0, agency: 0.0, tries }.outcome();
    let outcomes: Vec<Outcome> =
        LENDERS.into_par_iter().map(outcome).collect::<Result<Vec<Outcome>, Ended>>()?;
    let mut cases = Vec::new();
    for (lenders, outcome) in LENDERS.into_iter().zip(&outcomes) {
        let lenders = if lenders == 1 { "1 lender".into() } else { format!("{lenders} lenders") };
        cases.push(outcome.approval.case(format!("approval rate, {lenders}"), SOURCE));
        cases.push(outcome.default.case(format!("default rate of the approved, {lenders}"), SOURCE));
    }
    let (one, six) = (&outcomes[0].default, &outcomes[LENDERS.len() - 1].default);
    cases.push(Case {
        case: "rise of the default rate, 6 lenders over 1".into(),
        source: SOURCE,
        unit: "share",
        expected: six.expected - one.expected,
        simulated: six.simulated.zip(one.simulated).map(|(six, one)| six - one),
        // Those approved by the first lender are the same persons, so this is on the safe side.
        tolerance: libm::hypot(
            four_standard_errors(one.expected, one.persons),
            four_standard_errors(six.expected, six.persons),
        ),
    });
    Ok(cases)
}

impl FirstApplications {
    fn outcome(self) -> Result<Outcome, Ended> {
        let credit = Credit::default();
        let applicant = ClosedForm::new(&credit, self.own + self.direct + self.agency);
        let approved = |quality: f64| 1.0 - (1.0 - applicant.approval(quality)).powi(self.tries as i32);
        let approval = over_quality(approved);
        let default = over_quality(|quality| approved(quality) * applicant.pd(quality)) / approval;

        let rows = self.simulate(&credit)?.months;
        let defaults: f64 = rows.iter().map(|row| row.defaults).sum();
        let first = &rows[BEFORE as usize];
        let approvals = first.approvals;
        Ok(Outcome {
            approval: Rate { expected: approval, simulated: first.approval_rate, persons: APPLICANTS as f64 },
            default: Rate {
                expected: default,
                simulated: (approvals > 0.0).then(|| defaults / approvals),
                persons: approval * APPLICANTS as f64,
            },
        })
    }

    fn simulate(self, credit: &Credit) -> Result<crate::tables::RunRows, Ended> {
        let bought = self.direct + self.agency;
        let platform = PlatformRow {
            reach: 1.0,
            payments: bought / READING,
            skill: READING,
            direct_sale: if self.direct > 0.0 { DirectSale::AsRuled } else { DirectSale::Never },
            ..PlatformRow::default()
        };
        let mut parameters = plain(BEFORE + 1 + credit.term_months, APPLICANTS, vec![platform]);
        parameters.banks[0].row.information_precision = self.own;
        // Hardly anybody applies before, but a platform without any revenue would make no choice.
        parameters.credit.application_rate_monthly = 1e-12;
        parameters.exposure.data_growth_monthly = 0.0;
        parameters.credit.tries = self.tries;
        if self.agency > 0.0 {
            // The platform delivers because the agency is its own.
            add_agency(&mut parameters, "bureau", READING, &[1.0]);
        }
        let apply = |month: u32, rate: f64| {
            amendment(Trigger::From(START.plus(month as i32)), &[("credit.application_rate_monthly", rate)])
        };
        months(&scenario(parameters, vec![apply(BEFORE, 1.0), apply(BEFORE + 1, 0.0)]), 1)
    }
}

/// Screening as the equations have it, integrated by brute force.
struct ClosedForm<'a> {
    credit: &'a Credit,
    precision: f64,
    /// The posterior mean above which a loan is worth making.
    cutoff: f64,
}

impl ClosedForm<'_> {
    fn new(credit: &Credit, precision: f64) -> ClosedForm<'_> {
        let mut form = ClosedForm { credit, precision, cutoff: 0.0 };
        let (mut loss, mut profit) = (-20.0, 20.0);
        while profit - loss > 1e-10 {
            form.cutoff = (loss + profit) / 2.0;
            *(if form.expected_profit(form.cutoff) > 0.0 { &mut profit } else { &mut loss }) = form.cutoff;
        }
        form
    }

    /// Annual probability of default of a person without other loans: Phi(-(alpha + beta z)).
    fn pd(&self, quality: f64) -> f64 {
        normal_cdf(-(self.credit.pd_intercept + self.credit.pd_slope * quality))
    }

    /// Yearly profit per unit of balance, expected over the posterior: normal with mean `mean` and
    /// variance 1 / (1 + tau).
    fn expected_profit(&self, mean: f64) -> f64 {
        let deviation = (1.0 / (1.0 + self.precision)).sqrt();
        let margin = self.credit.lending_rate - self.credit.funding_cost;
        over_normal(4000, |z| {
            let pd = self.pd(mean + deviation * z);
            margin * (1.0 - pd) - self.credit.loss_given_default * pd
        })
    }

    /// The probability that the posterior mean is above the cut-off: given quality z it is normal with
    /// mean tau z / (1 + tau) and variance tau / (1 + tau)^2.
    fn approval(&self, quality: f64) -> f64 {
        let tau = self.precision;
        let (mean, deviation) = (tau * quality / (1.0 + tau), tau.sqrt() / (1.0 + tau));
        normal_cdf((mean - self.cutoff) / deviation)
    }
}

/// The mean of `f` over credit quality.
fn over_quality(f: impl Fn(f64) -> f64) -> f64 {
    over_normal(20_000, f)
}

/// The mean of `f` over a standard normal, on a grid of quantiles.
fn over_normal(points: u32, f: impl Fn(f64) -> f64) -> f64 {
    let at = |i: u32| f(normal_quantile((f64::from(i) + 0.5) / f64::from(points)));
    (0..points).map(at).sum::<f64>() / f64::from(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_standard_normal() {
        assert!(over_quality(|z| z).abs() < 1e-9);
        assert!((over_quality(|z| z * z) - 1.0).abs() < 1e-3);
        assert!((over_quality(|z| f64::from(u8::from(z < 1.0))) - normal_cdf(1.0)).abs() < 1e-4);
    }

    #[test]
    fn the_cutoff_by_hand() {
        // Break-even PD 0.0510949 = Phi(-1.63422); spread sqrt(1 + 0.81 / 1.4) = 1.25641:
        // -2.1 - 0.9 m = -1.63422 x 1.25641, m = -0.05194.
        let credit = Credit::default();
        let form = ClosedForm::new(&credit, 0.4);
        assert!((form.cutoff + 0.0519).abs() < 1e-3, "{}", form.cutoff);
    }
}
