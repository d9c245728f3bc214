//! Information: how precise a holder's records make its view of a person's credit quality.

use crate::scenario::parameters::{Entry, PlatformRow};
use crate::scenario::value::{DOMAINS, Domains};

/// A set of platforms: bit p stands for the platform p of the roster.
pub type PlatformSet = u128;

/// The most platforms that a roster may have: the bits of a [`PlatformSet`].
pub const MOST_PLATFORMS: usize = PlatformSet::BITS as usize;

/// The platforms in a set, in the order of the roster.
pub fn platforms_in(set: PlatformSet) -> impl Iterator<Item = usize> {
    // By halves, since most rosters have platforms in the lower one alone.
    let (mut low, mut high) = (set as u64, (set >> 64) as u64);
    std::iter::from_fn(move || {
        let (half, first) = if low != 0 { (&mut low, 0) } else { (&mut high, 64) };
        (*half != 0).then(|| {
            let platform = half.trailing_zeros() as usize;
            *half &= *half - 1;
            first + platform
        })
    })
}

/// Raw precision of a platform's records in each domain.
pub fn raw_by_domain(row: &PlatformRow) -> [f64; DOMAINS.len()] {
    [row.shopping, row.payments, row.travel, row.local_services, row.social, row.finance]
}

/// Raw precision of all of a platform's records of one person.
pub fn raw_alone(row: &PlatformRow) -> f64 {
    raw_by_domain(row).iter().sum()
}

/// Pooled precision: since records of the same domain overlap, a holder of several knows, per
/// domain, as much as the best record it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// Per domain, platforms with records in it and their precision, the most precise first.
    best_first: Vec<Vec<(PlatformSet, f64)>>,
}

impl Pool {
    /// Pools what `platforms` know, with precision scaled by `data_level` (one a platform), in
    /// `domains`.
    pub fn new(platforms: &[Entry<PlatformRow>], data_level: &[f64], domains: Domains) -> Pool {
        let best_first = (0..DOMAINS.len()).filter(|domain| domains.contains(*domain)).map(|domain| {
            let mut holders: Vec<(PlatformSet, f64)> = platforms
                .iter()
                .zip(data_level)
                .enumerate()
                .map(|(p, (entry, level))| (1 << p, level * raw_by_domain(&entry.row)[domain]))
                .filter(|(_, precision)| *precision > 0.0)
                .collect();
            holders.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            holders
        });
        Pool { best_first: best_first.collect() }
    }

    /// Raw precision of the records of `held` platforms on one person, who is a member of them all:
    /// the sum over domains of the largest precision.
    #[inline]
    pub fn raw(&self, held: PlatformSet) -> f64 {
        if held == 0 {
            return 0.0;
        }
        let best = |holders: &Vec<(PlatformSet, f64)>| {
            holders.iter().find(|(platform, _)| held & platform != 0).map_or(0.0, |(_, precision)| *precision)
        };
        self.best_first.iter().map(best).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn platform(id: &str, payments: f64, travel: f64) -> Entry<PlatformRow> {
        Entry { id: id.into(), row: PlatformRow { payments, travel, ..PlatformRow::default() } }
    }

    #[test]
    fn per_domain_the_best_record_counts() {
        let platforms = [platform("a", 0.6, 0.05), platform("b", 0.55, 0.45), platform("c", 0.0, 0.5)];
        let pool = Pool::new(&platforms, &[1.0; 3], Domains::ALL);
        assert_eq!(pool.raw(0), 0.0);
        assert!((pool.raw(0b001) - 0.65).abs() < 1e-12);
        assert!((pool.raw(0b011) - 1.05).abs() < 1e-12, "0.6 of a and 0.45 of b");
        assert!((pool.raw(0b111) - 1.1).abs() < 1e-12, "0.6 of a and 0.5 of c");
        let travel = Pool::new(&platforms, &[1.0; 3], Domains(1 << 2));
        assert!((travel.raw(0b011) - 0.45).abs() < 1e-12);
        let grown = Pool::new(&platforms, &[1.0, 2.0, 1.0], Domains::ALL);
        assert!((grown.raw(0b111) - 2.0).abs() < 1e-12, "1.1 and 0.9 of b");
    }

    #[test]
    fn sets_list_their_platforms() {
        assert_eq!(platforms_in(1 << 127 | 0b101).collect::<Vec<_>>(), [0, 2, 127]);
    }

    proptest! {
        #[test]
        fn more_records_never_know_less(
            rho in prop::collection::vec((0.0..1.0f64, 0.0..1.0f64), 1..20), held: u32, more: u32
        ) {
            let platforms: Vec<_> =
                rho.iter().map(|(payments, travel)| platform("p", *payments, *travel)).collect();
            let pool = Pool::new(&platforms, &vec![1.0; rho.len()], Domains::ALL);
            prop_assert!(pool.raw(PlatformSet::from(held | more)) >= pool.raw(PlatformSet::from(held)));
        }
    }
}
