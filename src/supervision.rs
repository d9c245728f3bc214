//! Step 7 of a month, supervision: reports, audits, findings, warnings, fines, suspensions; platforms
//! and banks learn what to expect.

use crate::ledger::{Flow, Party};
use crate::random::{Purpose, uniform};
use crate::units::Money;
use crate::world::World;

/// Lets platforms report, the central bank audit, and everybody learn.
pub fn supervise(world: &mut World) {
    report(world);
    if world.rules.direct_sale_banned || world.rules.ordered {
        let platforms = audit_platforms(world);
        learn(
            world.platforms.iter_mut().map(|p| &mut p.belief),
            &platforms,
            world.parameters.behaviour.learn,
        );
        let banks = audit_banks(world);
        learn(world.banks.belief.iter_mut(), &banks, world.parameters.behaviour.learn);
    }
    let cost = world.parameters.supervision.audit_cost_cny;
    let audits = world.record.platform_audits + world.record.bank_audits;
    let cost = Money::from_cny(cost) * i128::from(audits);
    world.ledger.post(Party::CentralBank, Party::Suppliers, Flow::AuditCost, cost);
}

/// Bound platforms tell the central bank what they have delivered, as a share of what is required,
/// and overstate it.
fn report(world: &mut World) {
    let overstatement = world.parameters.supervision.overstatement;
    for p in 0..world.platforms.len() {
        world.platforms[p].reported = bound_delivery(world, p).map(|delivered| {
            let shortfall = world.rules.shortfall(delivered);
            1.0 - shortfall + overstatement * shortfall
        });
    }
}

/// What a platform that is bound by the order has delivered, as the rules count it.
pub fn bound_delivery(world: &World, platform: usize) -> Option<f64> {
    let bound = world.rules.ordered && world.platforms[platform].in_partnership;
    bound.then(|| world.rules.counted(platform, &world.platforms[platform].delivered)).flatten()
}

/// What an agent did against the rules in a month, and whether it was found.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Conduct {
    Lawful,
    Violation { found: bool },
}

/// What an audit of a platform can find.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Violation {
    /// Shortfall after the deadline, if above the tolerance.
    shortfall: Option<f64>,
    /// Direct sale under the ban.
    direct_sale: bool,
}

fn violation(world: &World, platform: usize) -> Option<Violation> {
    let shortfall = bound_delivery(world, platform)
        .map(|delivered| world.rules.shortfall(delivered))
        .filter(|short| world.rules.deadline_passed() && *short > world.parameters.supervision.tolerance);
    let direct_sale = world.rules.direct_sale_banned
        && world.platforms[platform].sells_directly
        && world.banks.buying_directly() > 0;
    (shortfall.is_some() || direct_sale).then_some(Violation { shortfall, direct_sale })
}

/// The share of audits that is carried out: fewer before the deadline.
fn intensity(world: &World) -> f64 {
    if world.rules.deadline_passed() { 1.0 } else { world.parameters.supervision.audits_before_deadline }
}

/// The probability that each platform is audited: `audits` are spread from evenly (`targeting` 0)
/// to in proportion to what is missing (1), each platform being audited once at most.
fn audit_probabilities(audits: f64, targeting: f64, missing: &[f64]) -> Vec<f64> {
    let even = 1.0 / missing.len() as f64;
    let all: f64 = missing.iter().sum();
    let weight = |missing: &f64| {
        if all > 0.0 { (1.0 - targeting) * even + targeting * missing / all } else { even }
    };
    missing.iter().map(|missing| (audits * weight(missing)).min(1.0)).collect()
}

fn audit_platforms(world: &mut World) -> Vec<Conduct> {
    let supervision = world.parameters.supervision.clone();
    let missing: Vec<f64> =
        world.platforms.iter().map(|p| p.reported.map_or(0.0, |reported| 1.0 - reported)).collect();
    let audits = supervision.audits_per_month * intensity(world);
    let probabilities = audit_probabilities(audits, supervision.targeting, &missing);
    let mut conduct = Vec::with_capacity(missing.len());
    for (p, probability) in probabilities.into_iter().enumerate() {
        let words = world.key.draw(Purpose::PlatformAudit, p as u32, world.month, 0);
        let audited = uniform(words[0]) < probability;
        let violation = violation(world, p);
        let found = audited && violation.is_some() && uniform(words[1]) < supervision.detection;
        if audited {
            world.record.platform_audits += 1;
            let delivered = bound_delivery(world, p);
            world.platforms[p].reported = delivered.map(|delivered| 1.0 - world.rules.shortfall(delivered));
        }
        if let Some(violation) = violation.filter(|_| found) {
            punish(world, p, violation);
        }
        conduct.push(if violation.is_some() { Conduct::Violation { found } } else { Conduct::Lawful });
    }
    conduct
}

/// The ladder: a warning; then a fine; from the third finding on a fine and, for a shortfall,
/// suspension. Direct sale is fined in full, a shortfall in proportion.
fn punish(world: &mut World, p: usize, violation: Violation) {
    world.record.findings += 1;
    let platform = &mut world.platforms[p];
    platform.findings += 1;
    if platform.findings == 1 {
        return;
    }
    let scale = if violation.direct_sale { 1.0 } else { violation.shortfall.unwrap_or(0.0) };
    let annual_cny = 12.0 * platform.reference_cny;
    let fine = Money::from_cny(world.parameters.supervision.fine_rate * annual_cny * scale);
    if platform.findings >= 3 && violation.shortfall.is_some() {
        platform.suspended_until = world.month + 1 + world.parameters.supervision.suspension_months;
    }
    world.ledger.post(Party::Platform(p), Party::Treasury, Flow::Fine, fine);
}

fn audit_banks(world: &mut World) -> Vec<Conduct> {
    let supervision = world.parameters.supervision.clone();
    let banks = world.banks.len();
    let probability = supervision.bank_audits_per_month * intensity(world) / banks as f64;
    let buying_is_unlawful =
        world.rules.direct_sale_banned && world.platforms.iter().any(|platform| platform.sells_directly);
    let average: f64 =
        world.banks.decisions.iter().map(|d| d.mean().unwrap_or(0.0)).sum::<f64>() / banks as f64;
    let mut conduct = Vec::with_capacity(banks);
    let mut draws = vec![[0; 4]; banks];
    world.key.draw_agents(Purpose::BankAudit, 0, world.month, 0, &mut draws);
    for (bank, words) in draws.into_iter().enumerate() {
        let audited = uniform(words[0]) < probability;
        let violates = buying_is_unlawful && world.banks.source[bank] == crate::agents::banks::Source::Direct;
        let found = audited && violates && uniform(words[1]) < supervision.detection;
        world.record.bank_audits += u32::from(audited);
        if found {
            world.record.findings += 1;
            world.banks.findings[bank] += 1;
            if world.banks.findings[bank] > 1 && average > 0.0 {
                let size = world.banks.decisions[bank].mean().unwrap_or(0.0) / average;
                let fine = Money::from_cny(supervision.bank_fine_cny * size);
                world.ledger.post(Party::Bank(bank), Party::Treasury, Flow::Fine, fine);
            }
        }
        conduct.push(if violates { Conduct::Violation { found } } else { Conduct::Lawful });
    }
    conduct
}

/// belief <- (1 - learn) belief + learn x mean of (own finding, findings per violator), where somebody
/// violated; for those who did not, the findings per violator stand in for their own.
fn learn<'a>(beliefs: impl Iterator<Item = &'a mut f64>, conduct: &[Conduct], learn: f64) {
    let violators = conduct.iter().filter(|c| **c != Conduct::Lawful).count();
    if violators == 0 {
        return;
    }
    let findings = conduct.iter().filter(|c| **c == Conduct::Violation { found: true }).count();
    let per_violator = findings as f64 / violators as f64;
    for (belief, conduct) in beliefs.zip(conduct) {
        let own = match conduct {
            Conduct::Lawful => per_violator,
            Conduct::Violation { found } => f64::from(u8::from(*found)),
        };
        *belief = (1.0 - learn) * *belief + learn * (own + per_violator) / 2.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn audits_are_never_more_than_there_is_capacity_for(
            audits in 0.0..20.0f64, targeting in 0.0..=1.0f64, missing in prop::collection::vec(0.0..=1.0f64, 1..20)
        ) {
            let probabilities = audit_probabilities(audits, targeting, &missing);
            prop_assert!(probabilities.iter().all(|probability| (0.0..=1.0).contains(probability)));
            prop_assert!(probabilities.iter().sum::<f64>() <= audits + 1e-9);
        }
    }

    #[test]
    fn audits_go_where_most_is_missing_and_never_beyond_capacity() {
        assert_eq!(audit_probabilities(2.0, 0.0, &[0.0, 1.0, 1.0, 0.0]), [0.5; 4]);
        assert_eq!(audit_probabilities(1.0, 1.0, &[0.0, 0.25, 0.75]), [0.0, 0.25, 0.75]);
        assert_eq!(audit_probabilities(1.0, 0.5, &[0.0, 1.0]), [0.25, 0.75]);
        assert_eq!(audit_probabilities(1.0, 1.0, &[0.0, 0.0]), [0.5; 2], "evenly where nothing is missing");
        let capped = audit_probabilities(4.0, 1.0, &[0.0, 0.5, 0.5]);
        assert_eq!(capped, [0.0, 1.0, 1.0]);
    }

    #[test]
    fn beliefs_learn_from_own_and_others_findings() {
        let conduct =
            [Conduct::Violation { found: true }, Conduct::Violation { found: false }, Conduct::Lawful];
        let mut beliefs = [0.1, 0.1, 0.1];
        learn(beliefs.iter_mut(), &conduct, 0.2);
        // 0.08 + 0.2 x (1 + 0.5) / 2, x (0 + 0.5) / 2, x 0.5.
        for (belief, expected) in beliefs.into_iter().zip([0.23, 0.13, 0.18]) {
            assert!((belief - expected).abs() < 1e-12, "{belief} {expected}");
        }
        let before = beliefs;
        learn(beliefs.iter_mut(), &[Conduct::Lawful; 3], 0.2);
        assert_eq!(beliefs, before, "a month without a violator teaches nothing");
    }
}
