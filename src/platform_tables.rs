//! Tables over sets of platforms, by groups of eight: what would take a loop over a person's memberships takes a
//! few steps that are the same for everybody.

use crate::information::{MOST_PLATFORMS, PlatformSet, platforms_in};
use crate::random::uniform;

/// The sets of a group of eight platforms.
const SETS: usize = 256;

/// What each set of a group comes to, which takes its platforms one after another `with` what those before it
/// come to; `none` is that of the empty set.
fn of_sets<T: Copy>(group: &[T], none: T, with: impl Fn(T, T) -> T) -> [T; SETS] {
    let mut all = [none; SETS];
    for set in 1..SETS {
        let last = set.ilog2() as usize;
        let before = all[set ^ 1 << last];
        all[set] = group.get(last).map_or(before, |value| with(before, *value));
    }
    all
}

/// The most precise platform of any set: the first of equals.
pub struct MostPrecise {
    /// By group, for each of its sets: the lowest rank.
    lowest_rank: Vec<[u8; SETS]>,
    /// Platforms + 1 by rank, that is by falling precision; 0 for nobody's.
    by_rank: [u16; MOST_PLATFORMS + 1],
}

/// A rank that no platform has.
const NOBODY: u8 = MOST_PLATFORMS as u8;

impl MostPrecise {
    /// The tables for platforms of this precision.
    pub fn new(precision: &[f64]) -> MostPrecise {
        let mut falling: Vec<usize> = (0..precision.len()).collect();
        falling.sort_by(|a, b| precision[*b].total_cmp(&precision[*a]).then(a.cmp(b)));
        let (mut ranks, mut by_rank) = ([NOBODY; MOST_PLATFORMS], [0; MOST_PLATFORMS + 1]);
        for (rank, platform) in falling.into_iter().enumerate() {
            ranks[platform] = rank as u8;
            by_rank[rank] = platform as u16 + 1;
        }
        let groups = ranks.chunks(8).take(precision.len().div_ceil(8));
        MostPrecise { lowest_rank: groups.map(|group| of_sets(group, NOBODY, u8::min)).collect(), by_rank }
    }

    /// The most precise platform of a set + 1, or 0 if the set is empty.
    #[inline]
    pub fn of(&self, set: PlatformSet) -> u16 {
        let mut lowest = NOBODY;
        for (ranks, set) in self.lowest_rank.iter().zip(set.to_le_bytes()) {
            lowest = lowest.min(ranks[usize::from(set)]);
        }
        self.by_rank[usize::from(lowest)]
    }
}

/// A platform of any set, drawn by weight.
pub struct ByWeight {
    weights: Vec<f64>,
    /// Draws, as numbers in (0, 1), are below it.
    below: f64,
    /// 1 / `below`, in parts of which [`ByWeight::UNIT`] make 1.
    per_below: u64,
    /// By group, for each of its sets: the sum of weights, in parts of that of all of which there are [`ByWeight::ALL`].
    sums: Vec<[u32; SETS]>,
    /// By how many such parts a sum of sets, and what a draw leaves of it, can be off.
    error: u64,
}

impl ByWeight {
    const ALL: f64 = (1u32 << 31) as f64;
    const UNIT: f64 = (1u32 << 30) as f64;

    /// The tables for platforms of these weights, and draws of numbers that are below `below`.
    pub fn new(weights: Vec<f64>, below: f64) -> ByWeight {
        let all: f64 = weights.iter().sum();
        let near = |sum: f64| libm::round(sum / all * Self::ALL) as u32;
        let of_group = |group: &[f64]| of_sets(group, 0.0, |sum, weight| sum + weight).map(near);
        let sums: Vec<[u32; SETS]> = weights.chunks(8).map(of_group).collect();
        // Half a part for each group's sum, in the total and in what is passed; the rest is of the draw, which is cut off
        // in three places, and of the sum within the group.
        let error = sums.len() as u64 + 5;
        ByWeight { weights, below, per_below: (Self::UNIT / below) as u64, sums, error }
    }

    /// The platform, of a set that is not empty, at u / `below`, where u is the number in (0, `below`) that a word stands for.
    #[inline]
    pub fn pick(&self, all: PlatformSet, word: u32) -> usize {
        self.nearly(all, word).unwrap_or_else(|| self.exactly(all, uniform(word) / self.below))
    }

    /// The same, unless sums are too near to call.
    #[inline]
    fn nearly(&self, all: PlatformSet, word: u32) -> Option<usize> {
        let sets = all.to_le_bytes();
        let groups = || self.sums.iter().zip(sets).map(|(sums, set)| u64::from(sums[usize::from(set)]));
        let total: u64 = groups().sum();
        // A word stands for the middle of its part of (0, 1).
        let u = ((2 * u64::from(word) + 1) * self.per_below) >> 31;
        let mut left = (u * total) >> 32;
        // The group, and then by halves the platform within it: how many there are whose sums are passed.
        let (mut group, mut passed, mut sum) = (0, 0, 0);
        for of_group in groups().take(self.sums.len() - 1) {
            sum += of_group;
            let past = left >= sum;
            group += usize::from(past);
            passed = if past { sum } else { passed };
        }
        left -= passed;
        let (sums, set) = (&self.sums[group], usize::from(sets[group]));
        let sum = |set: usize| u64::from(sums[set]);
        let mut place = 0;
        for half in [4, 2, 1] {
            let first = (1 << (place + half)) - 1;
            place += if left >= sum(set & first) { half } else { 0 };
        }
        let (low, high) = (sum(set & ((1 << place) - 1)), sum(set & ((2 << place) - 1)));
        (left > low + self.error && left + self.error < high).then_some(8 * group + place)
    }

    /// The platform at `u` in (0, 1), one platform after another.
    #[cold]
    fn exactly(&self, set: PlatformSet, u: f64) -> usize {
        let total: f64 = platforms_in(set).map(|p| self.weights[p]).sum();
        let mut left = u * total;
        let mut last = 0;
        for p in platforms_in(set) {
            last = p;
            left -= self.weights[p];
            if left < 0.0 {
                break;
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Purpose, uniform};

    #[test]
    fn the_most_precise_platform_of_a_set_is_found() {
        let precision: Vec<f64> = (0..19).map(|p| f64::from(p * 7 % 11)).collect();
        let most_precise = MostPrecise::new(&precision);
        for set in (0..1u128 << 19).step_by(97) {
            let better = |a: &usize, b: &usize| precision[*a].total_cmp(&precision[*b]).then(b.cmp(a));
            let expected = platforms_in(set).max_by(better).map_or(0, |p| p as u16 + 1);
            assert_eq!(most_precise.of(set), expected, "{set:b}");
        }
        assert_eq!(MostPrecise::new(&[]).of(0), 0);
    }

    #[test]
    fn a_platform_drawn_by_weight_is_the_one_that_exact_sums_give() {
        let key = Key::new(3, 7);
        for (platforms, below) in [(1, 0.9), (8, 1e-5), (14, 0.37), (14, 1.0), (19, 0.02), (128, 0.9)] {
            let weights: Vec<f64> = (0..platforms).map(|p| f64::from(1 + p * 7 % 11) * 0.01).collect();
            let by_weight = ByWeight::new(weights.clone(), below);
            let words = below * 4_294_967_296.0;
            let mut near = 0;
            for i in 0..20_000 {
                let drawn = key.draw(Purpose::Traits, i, 0, platforms);
                let all = PlatformSet::MAX >> (128 - platforms);
                let half = |word: u32| PlatformSet::from(u64::from(word) * u64::from(drawn[1]));
                let set = (half(drawn[0]) << 64 | half(drawn[2]) | 1) & all;
                let total: f64 = platforms_in(set).map(|p| weights[p]).sum();
                let some = platforms_in(set).take(drawn[3] as usize % 5).map(|p| weights[p]).sum::<f64>();
                // Every other one lies on the edge between two platforms, nearly.
                let edge = (some / total * words) as u32;
                let word = if i % 2 == 0 { (uniform(drawn[3]) * words) as u32 } else { edge + i / 2 % 3 };
                if uniform(word) >= below {
                    continue;
                }
                let exact = by_weight.exactly(set, uniform(word) / below);
                assert_eq!(by_weight.pick(set, word), exact, "{platforms} {below} {set:b} {word}");
                near += u32::from(by_weight.nearly(set, word).is_some());
            }
            assert!(near > 9_000 || below < 0.01, "near sums tell of {near} only");
        }
    }
}
