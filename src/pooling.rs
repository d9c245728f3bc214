//! What agencies hold on a person: the records that platforms have delivered, limited by consent.

use crate::agents::central_bank::RulesInForce;
use crate::information::{PlatformSet, Pool, platforms_in};
use crate::random::{Key, Purpose};
use crate::scenario::parameters::Parameters;

/// Deliveries as they stand in a month.
#[derive(Clone, Debug)]
pub struct Delivered {
    key: Key,
    /// By agency and platform: the record of a person whose 16-bit word is below this is delivered.
    below: Vec<Vec<u32>>,
    /// By agency, the platforms that have delivered everything.
    whole: Vec<PlatformSet>,
    /// By agency, the platforms that have delivered a part.
    part: Vec<PlatformSet>,
    /// Share of persons who consent, where consent is needed.
    consent: Option<f64>,
    /// Precision of pooled records in the domains that agencies may use.
    pub pool: Pool,
}

/// Words of 16 bits, against which delivered shares are held.
const WORDS: f64 = 65_536.0;

impl Delivered {
    /// Deliveries of which agency a holds the share `share(p, a)` of platform p's records; the data of
    /// platforms are at `data_level` times what the roster has.
    pub fn new(
        key: Key,
        parameters: &Parameters,
        rules: &RulesInForce,
        data_level: &[f64],
        share: impl Fn(usize, usize) -> f64,
    ) -> Delivered {
        let (platforms, agencies) = (parameters.platforms.len(), parameters.agencies.len());
        let below_of =
            |a: usize| (0..platforms).map(|p| (share(p, a) * WORDS).round() as u32).collect::<Vec<u32>>();
        let below: Vec<Vec<u32>> = (0..agencies).map(below_of).collect();
        let set = |keep: fn(u32) -> bool| {
            let sets = below.iter().map(move |below| {
                let kept = below.iter().enumerate().filter(|(_, below)| keep(**below));
                kept.fold(0, |set: PlatformSet, (p, _)| set | 1 << p)
            });
            sets.collect()
        };
        Delivered {
            key,
            whole: set(|below| below >= WORDS as u32),
            part: set(|below| below > 0 && below < WORDS as u32),
            consent: rules.consent,
            pool: Pool::new(&parameters.platforms, data_level, rules.domains),
            below,
        }
    }

    /// Whether a person lets records be delivered and sold.
    #[inline]
    pub fn consents(&self, user: u32) -> bool {
        self.consent.is_none_or(|share| self.key.uniform(Purpose::Consent, user, 0, 0) < share)
    }

    /// The platforms whose records of a consenting person `agency` holds. A platform's record is
    /// among them when a keyed number of (person, platform, agency) is below the delivered share, so
    /// more delivery only ever adds records.
    #[inline]
    pub fn held(&self, user: u32, memberships: PlatformSet, agency: usize) -> PlatformSet {
        let mut held = memberships & self.whole[agency];
        let mut words = [0; 4];
        let mut group = usize::MAX;
        for p in platforms_in(memberships & self.part[agency]) {
            if p / 8 != group {
                group = p / 8;
                words = self.key.draw(Purpose::Delivery, user, agency as u32, group as u32);
            }
            let word = words[p % 8 / 2] >> (16 * (p % 2)) & 0xffff;
            held |= PlatformSet::from(word < self.below[agency][p]) << p;
        }
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parameters::{AgencyRow, Entry, PlatformRow};

    /// Of each platform's records each agency holds the share delivered, and which person's tells nothing of any
    /// other platform's or agency's.
    #[test]
    fn every_record_is_delivered_by_a_draw_of_its_own() {
        const PLATFORMS: usize = 20;
        const USERS: u32 = 5_000;
        let parameters = Parameters {
            platforms: vec![Entry { id: "p".into(), row: PlatformRow::default() }; PLATFORMS],
            agencies: vec![Entry { id: "a".into(), row: AgencyRow::default() }; 2],
            ..Parameters::default()
        };
        let rules = RulesInForce::none(PLATFORMS);
        let share = |p: usize, a: usize| if a == 1 && p == 19 { 1.0 } else { 0.3 };
        let delivered = Delivered::new(Key::new(5, 1), &parameters, &rules, &[1.0; PLATFORMS], share);
        // Everybody is a member of all platforms but one.
        let members = (1 << PLATFORMS) - 1 - 4;
        let held: Vec<[PlatformSet; 2]> =
            (0..USERS).map(|user| [0, 1].map(|agency| delivered.held(user, members, agency))).collect();
        let of = |sets: &[PlatformSet; 2], record: usize| {
            sets[record / PLATFORMS] >> (record % PLATFORMS) & 1 == 1
        };
        let records = || (0..2 * PLATFORMS).filter(|record| record % PLATFORMS != 2);
        let close = |count: usize, probability: f64, what: &str| {
            let (expected, count) = (f64::from(USERS) * probability, count as f64);
            assert!(
                (count - expected).abs() <= 5.0 * (expected * (1.0 - probability)).sqrt(),
                "{what}: {count}"
            );
        };
        for record in records() {
            let whole = record == 2 * PLATFORMS - 1;
            let count = held.iter().filter(|sets| of(sets, record)).count();
            close(count, if whole { 1.0 } else { 0.3 }, &format!("record {record}"));
            for other in records().filter(|other| *other < record && !whole) {
                let both = held.iter().filter(|sets| of(sets, record) && of(sets, other)).count();
                close(both, 0.3 * 0.3, &format!("records {record} and {other}"));
            }
        }
        assert!(held.iter().all(|sets| (sets[0] | sets[1]) & 4 == 0), "of members alone");
    }
}
