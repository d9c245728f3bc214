//! Deterrence: who complies when the expected fine is weighed against the cost of complying.

use super::setting::{START, add_agency, months, plain, scenario};
use super::{Case, four_standard_errors};
use crate::replicate::Ended;
use crate::scenario::parameters::{Parameters, PlatformRow};
use crate::scenario::value::{DirectSale, Shape};
use crate::units::RuleMonth;
use rayon::prelude::*;

const PLATFORMS: usize = 100;
const REPLICATES: u32 = 100;
/// Highest cost of complying and fine, shares of revenue.
const COST_MAX: f64 = 0.08;
const FINE: f64 = 0.2;

/// Allingham and Sandmo 1972 for the risk-neutral: whoever's cost is below audit probability x fine
/// complies. With costs uniform on [0, 8 %] and a fine of 20 % of revenue, probabilities of 0.1, 0.2
/// and 0.3 make 25 %, 50 % and 75 % comply.
pub fn deterrence() -> Result<Vec<Case>, Ended> {
    let cases = [0.1, 0.2, 0.3].into_par_iter().map(|probability| {
        let expected = probability * FINE / COST_MAX;
        let scenario = scenario(alike(probability), Vec::new());
        let share = |replicate| {
            let rows = months(&scenario, replicate)?.months;
            let last = rows.last().expect("there are months");
            Ok(f64::from(last.compliant_platforms.unwrap_or(0)) / PLATFORMS as f64)
        };
        let shares = (1..=REPLICATES).into_par_iter().map(share).collect::<Result<Vec<f64>, Ended>>()?;
        Ok(Case {
            case: format!("compliant platforms, audit probability {probability}"),
            source: "Allingham & Sandmo 1972",
            unit: "share",
            expected,
            simulated: Some(shares.iter().sum::<f64>() / shares.len() as f64),
            tolerance: four_standard_errors(expected, PLATFORMS as f64 * f64::from(REPLICATES)),
        })
    });
    cases.collect()
}

/// Platforms alike but for their cost, after the deadline, sure of the probability of being found.
fn alike(probability: f64) -> Parameters {
    let platform = PlatformRow { reach: 0.5, direct_sale: DirectSale::Never, ..PlatformRow::default() };
    let mut parameters = plain(2, 200, vec![platform; PLATFORMS]);
    add_agency(&mut parameters, "bureau", 0.5, &[]);
    parameters.rules.order = RuleMonth::From(START);
    parameters.rules.deadline = RuleMonth::From(START);
    parameters.behaviour.first_belief = probability;
    parameters.costs.compliance_increase_shape = Shape::Uniform;
    // Compliance costs are a rise of operating cost, which is a share of revenue.
    parameters.costs.cost_base = 0.5;
    parameters.costs.compliance_increase_max = COST_MAX / parameters.costs.cost_base;
    parameters.supervision.fine_rate = FINE / 12.0;
    parameters.supervision.suspension_months = 0;
    parameters
}
