//! Step 8 of a month, exposure: stores of personal records are breached, and consent falls as breaches
//! become known.

use crate::random::{Key, Purpose};
use crate::scenario::parameters::{Exposure, Rules};
use crate::scenario::value::Consent;
use crate::tally::Tally;
use crate::world::World;

/// A store of personal records.
struct Store {
    /// Number in the keys of breaches.
    number: u32,
    /// Monthly hazard of a breach.
    hazard: f64,
    /// Records held, in persons of the population.
    records: f64,
}

/// Keys of breaches: platforms are numbered from 0, agencies and banks from these.
const FIRST_AGENCY: u32 = 1 << 16;
const FIRST_BANK: u32 = 1 << 17;

/// Breaches stores, and counts what was sold or delivered without consent.
pub fn expose(world: &mut World) {
    let bought = records_bought(&world.tallies[0], world.banks.len(), world.platforms.len());
    world.record.unconsented = unconsented(world, bought.iter().sum());
    world.copies.add_month(bought, world.parameters.exposure.retention_months);
    for store in stores(world) {
        world.record.exposed += store.hazard * store.records;
        if breached(world.key, world.month, &store) {
            world.record.breached += store.records;
        }
    }
    let breached = world.record.breached;
    world.breached.push(breached);
}

/// Records bought from platforms this month, by bank.
fn records_bought(tally: &Tally, banks: usize, platforms: usize) -> Vec<u64> {
    let bought = |bank: usize| tally.queries(bank)[..platforms].iter().map(|count| u64::from(*count)).sum();
    (0..banks).map(bought).collect()
}

fn stores(world: &World) -> Vec<Store> {
    let Exposure { platform_breach_monthly, bank_breach_monthly, agency_breach_monthly, .. } =
        world.parameters.exposure;
    let platforms = world.platforms.iter().enumerate().map(|(p, platform)| Store {
        number: p as u32,
        hazard: platform_breach_monthly,
        records: world.persons(platform.members),
    });
    let agencies = (0..world.agencies.len()).map(|a| Store {
        number: FIRST_AGENCY + a as u32,
        hazard: agency_breach_monthly,
        records: world.records_held(a),
    });
    let banks = (0..world.banks.len()).map(|bank| Store {
        number: FIRST_BANK + bank as u32,
        hazard: bank_breach_monthly,
        records: world.persons(world.copies.held(bank)),
    });
    platforms.chain(agencies).chain(banks).filter(|store| store.records > 0.0).collect()
}

fn breached(key: Key, month: u32, store: &Store) -> bool {
    store.hazard > 0.0 && key.uniform(Purpose::Breach, store.number, month, 0) < store.hazard
}

/// Records sold directly or newly delivered on persons who would not consent if asked. Thresholds
/// of consent are independent of all else, so this is the share of such persons; none where consent
/// is needed.
fn unconsented(world: &World, sold: u64) -> f64 {
    if world.rules.consent.is_some() {
        return 0.0;
    }
    let delivered: f64 = world.record.newly_delivered.iter().sum();
    (1.0 - world.parameters.rules.consent_share) * (world.persons(sold) + delivered)
}

/// The share of persons who consent, where consent is needed: it falls with the records breached in
/// twelve months, as a share of the population.
pub fn consent(rules: &Rules, exposure: &Exposure, breached_share: f64) -> Option<f64> {
    match rules.consent {
        Consent::None => None,
        Consent::OptOut | Consent::OptIn => {
            Some(rules.consent_share * (1.0 - exposure.consent_fall * breached_share.min(1.0)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_falls_as_breaches_become_known() {
        let exposure = Exposure { consent_fall: 0.5, ..Exposure::default() };
        let mut rules = Rules { consent_share: 0.8, ..Rules::default() };
        assert_eq!(consent(&rules, &exposure, 0.5), None, "nobody is asked");
        rules.consent = Consent::OptOut;
        assert_eq!(consent(&rules, &exposure, 0.0), Some(0.8));
        assert!((consent(&rules, &exposure, 0.5).unwrap() - 0.6).abs() < 1e-12);
        assert!((consent(&rules, &exposure, 3.0).unwrap() - 0.4).abs() < 1e-12);
    }

    #[test]
    fn breaches_come_with_their_hazard() {
        let store = |number, hazard| Store { number, hazard, records: 1.0 };
        let count = (0..20_000).filter(|n| breached(Key::new(2, 1), n % 100, &store(n / 100, 0.05))).count();
        assert!((count as f64 - 1000.0).abs() < 4.0 * 31.0, "{count}");
        assert!(!breached(Key::new(2, 1), 1, &store(1, 0.0)));
    }
}
