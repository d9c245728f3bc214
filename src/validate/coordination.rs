//! Coordination: agents who move once enough of their peers have.

use super::setting::{START, add_agency, amendment, bank_class, months, plain, scenario};
use super::{Case, four_standard_errors};
use crate::normal::normal_quantile;
use crate::replicate::Ended;
use crate::scenario::parameters::PlatformRow;
use crate::scenario::value::DirectSale;
use crate::scenario::{Scenario, Trigger};
use crate::tables::MonthRow;
use crate::units::RuleMonth;
use rayon::prelude::*;

const GRANOVETTER: &str = "Granovetter 1978";
/// Agents of a cascade.
const AGENTS: u32 = 100;
/// The month of a cascade in which it is looked at half-way.
const TENTH: usize = 9;

/// Granovetter 1978: each agent acts once as many others do as its threshold says.
pub fn cascades() -> Result<Vec<Case>, Ended> {
    let exact = |case: String, expected: u32, simulated: Option<u32>| Case {
        case,
        source: GRANOVETTER,
        unit: "platforms",
        expected: f64::from(expected),
        simulated: simulated.map(f64::from),
        tolerance: 0.0,
    };
    let uniform: Vec<f64> = (0..AGENTS).map(f64::from).collect();
    let replaced: Vec<f64> = uniform.iter().map(|t| if *t == 1.0 { 2.0 } else { *t }).collect();
    let rows = cascade(&uniform)?;
    let mut cases = vec![
        exact("thresholds 0, 1, ..., 99".into(), 100, compliers(&rows)),
        exact("thresholds 0, 1, ..., 99, tenth month".into(), 10, rows[TENTH].compliant_platforms),
        exact("threshold 1 replaced by 2".into(), 1, compliers(&cascade(&replaced)?)),
    ];

    // Thresholds are quantiles of N(25, s), so there is no luck in them, and expected is what iterating
    // on them gives.
    let numbers = [5.0, 11.5, 12.0, 12.5, 12.6, 13.0, 30.0, 60.0].into_par_iter().map(|deviation| {
        let thresholds = normal_thresholds(deviation);
        let simulated = compliers(&cascade(&thresholds)?);
        Ok(exact(format!("thresholds N(25, {deviation})"), acting(&thresholds), simulated))
    });
    cases.extend(numbers.collect::<Result<Vec<Case>, Ended>>()?);
    cases.push(jump()?);
    Ok(cases)
}

/// The standard deviation of normal thresholds at which a few agents become nearly all. In a
/// continuum it is 12.2; that a hundred agents come whole moves it by what half an agent is worth, which
/// is 0.33; the grid adds 0.05.
fn jump() -> Result<Case, Ended> {
    let grid: Vec<f64> = (110..=135).map(|tenths| f64::from(tenths) / 10.0).collect();
    let many = |deviation: &f64| -> Result<bool, Ended> {
        Ok(compliers(&cascade(&normal_thresholds(*deviation))?).is_some_and(|acting| acting > AGENTS / 2))
    };
    let many = grid.par_iter().map(many).collect::<Result<Vec<bool>, Ended>>()?;
    // One jump only: few on its lower side, many on its upper.
    let first =
        many.iter().position(|many| *many).filter(|first| *first > 0 && many[*first..].iter().all(|m| *m));
    Ok(Case {
        case: "standard deviation at which the few become many".into(),
        source: GRANOVETTER,
        unit: "platforms",
        expected: 12.2,
        simulated: first.map(|first| (grid[first - 1] + grid[first]) / 2.0),
        tolerance: 0.4,
    })
}

/// Quantiles of N(25, `deviation`), one an agent.
fn normal_thresholds(deviation: f64) -> Vec<f64> {
    let quantile = |i: u32| normal_quantile((f64::from(i) + 0.5) / f64::from(AGENTS));
    (0..AGENTS).map(|i| 25.0 + deviation * quantile(i)).collect()
}

/// How many act in the end, by iterating on the thresholds from nobody.
fn acting(thresholds: &[f64]) -> u32 {
    let mut acting = 0;
    loop {
        let next = thresholds.iter().filter(|threshold| **threshold <= f64::from(acting)).count() as u32;
        if next == acting {
            return acting;
        }
        acting = next;
    }
}

/// The months of platforms of which each delivers everything once as many others have as its
/// threshold says.
///
/// The goodwill that delivering earns is worth a ten-thousandth of what waiting is, so a platform that
/// waits for k others holds back while k - 1 have delivered (it then keeps 1/k of its reluctance) and no
/// longer once k have. A threshold that no number of others reaches is a platform without goodwill, to
/// which delivering is worth nothing.
fn cascade(thresholds: &[f64]) -> Result<Vec<MonthRow>, Ended> {
    const GOODWILL: f64 = 1e-4;
    let others = f64::from(AGENTS - 1);
    let platform = |threshold: &f64| PlatformRow {
        reach: 0.5,
        waits_for: threshold.ceil().clamp(0.0, others) / others,
        goodwill: if *threshold <= others { GOODWILL } else { 0.0 },
        direct_sale: DirectSale::Never,
        ..PlatformRow::default()
    };
    let mut parameters = plain(AGENTS + 5, 200, thresholds.iter().map(platform).collect());
    add_agency(&mut parameters, "bureau", 0.5, &[]);
    parameters.behaviour.reluctance_platforms = 1.0;
    parameters.rules.order = RuleMonth::From(START);
    Ok(months(&scenario(parameters, Vec::new()), 1)?.months)
}

/// Platforms that comply in the end.
fn compliers(rows: &[MonthRow]) -> Option<u32> {
    rows.last().and_then(|row| row.compliant_platforms)
}

/// Banks of the interaction.
const BANKS: u32 = 20_000;

/// Brock and Durlauf 2001: a binary choice by random utility in which each is drawn to what the others
/// do. Banks give up direct data for its fee h and hold on by their reluctance J (1 - s) while a share s of the
/// others has stopped; tastes are Gumbel of scale mu, so s = logistic((h - J (1 - s)) / mu). With
/// J / mu > 4 there may be two stable shares, and which one is reached depends on where banks start.
#[derive(Clone, Copy)]
struct Interaction {
    name: &'static str,
    /// h, J and mu, shares of the profit without data.
    fee: f64,
    reluctance: f64,
    scale: f64,
}

const INTERACTIONS: [Interaction; 3] = [
    Interaction { name: "strong", fee: 0.3, reluctance: 0.6, scale: 0.1 },
    Interaction { name: "strong, low fee", fee: 0.28, reluctance: 0.6, scale: 0.1 },
    Interaction { name: "weak", fee: 0.1, reluctance: 0.3, scale: 0.2 },
];

/// The shares of banks that give up direct data, from both sides.
pub fn interaction() -> Result<Vec<Case>, Ended> {
    let both = INTERACTIONS
        .into_par_iter()
        .flat_map_iter(|interaction| [(interaction, "all", 1.0), (interaction, "none", 0.0)]);
    let cases = both.map(|(interaction, from, start)| {
        let Interaction { name, reluctance, scale, .. } = interaction;
        let rows = months(&interaction.scenario(start), 1)?.months;
        let buying = rows.last().map(|row| f64::from(row.banks_buying_directly));
        let expected = interaction.share(start);
        // The share that wants to stop at any given s has the sampling error of the banks' tastes; the
        // fixed point multiplies it by 1 / (1 - slope).
        let slope = reluctance / scale * expected * (1.0 - expected);
        Ok(Case {
            case: format!("banks without direct data, {name}, from {from}"),
            source: "Brock & Durlauf 2001",
            unit: "share",
            expected,
            simulated: buying.map(|buying| 1.0 - buying / f64::from(BANKS)),
            tolerance: four_standard_errors(expected, f64::from(BANKS)) / (1.0 - slope),
        })
    });
    cases.collect()
}

impl Interaction {
    /// The self-consistent share reached from `start`.
    fn share(self, start: f64) -> f64 {
        const ROUNDS: u32 = 1000;
        let respond =
            |share: f64| 1.0 / (1.0 + libm::exp(-(self.fee - self.reluctance * (1.0 - share)) / self.scale));
        (0..ROUNDS).fold(start, |share, _| respond(share))
    }

    /// Banks of one class, each waiting for all others, to whom data are of no use: everybody repays,
    /// and a loan of CNY 10,000 for a month at a margin of 12 % a year earns CNY 100.
    ///
    /// In the first month the others still count as having stopped, which is the start from all. To start
    /// from none, reluctance first overwhelms everything else.
    fn scenario(self, start: f64) -> Scenario {
        const PROFIT_CNY: f64 = 100.0;
        const OVERWHELMING: f64 = 1000.0;
        let mut parameters = plain(40, 1000, vec![PlatformRow { reach: 1.0, ..PlatformRow::default() }]);
        parameters.banks = vec![bank_class("bank", BANKS, 1.0, 0.0)];
        parameters.banks[0].row.waits_for = 1.0;
        parameters.credit.application_rate_monthly = 0.0;
        (parameters.credit.pd_intercept, parameters.credit.pd_slope) = (10.0, 0.0);
        (parameters.credit.loan_cny, parameters.credit.term_months) = (10_000.0, 1);
        (parameters.credit.lending_rate, parameters.credit.funding_cost) = (0.16, 0.04);
        parameters.rules.direct_sale_ban = RuleMonth::From(START);
        parameters.fees.direct_query = self.fee * PROFIT_CNY;
        parameters.behaviour.mu_banks = self.scale;
        if start > 0.0 {
            parameters.behaviour.reluctance_banks = self.reluctance;
            return scenario(parameters, Vec::new());
        }
        parameters.behaviour.reluctance_banks = OVERWHELMING;
        let calm =
            amendment(Trigger::From(START.plus(3)), &[("behaviour.reluctance_banks", self.reluctance)]);
        scenario(parameters, vec![calm])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_act_as_in_the_paper() {
        let uniform: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(acting(&uniform), 100);
        assert_eq!(acting(&[0.0, 2.0, 2.0, 3.0]), 1);
        assert_eq!(acting(&[-1.0, -0.5, 1.7, 3.0]), 4);
        assert_eq!(acting(&[-1.0, -0.5, 2.1, 3.0]), 2);
    }

    #[test]
    fn strong_interaction_has_two_stable_shares_and_weak_has_one() {
        let [strong, low, weak] = INTERACTIONS;
        // s = logistic(6 s - 3): 0.0707 and its mirror image.
        assert!((strong.share(0.0) - 0.070_72).abs() < 1e-4, "{}", strong.share(0.0));
        assert!((strong.share(0.0) + strong.share(1.0) - 1.0).abs() < 1e-9);
        assert!(low.share(1.0) - low.share(0.0) > 0.5);
        assert!((weak.share(1.0) - weak.share(0.0)).abs() < 1e-9);
    }
}
