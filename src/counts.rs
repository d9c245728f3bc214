//! Counts of many things, close together while they are made.

use std::fmt;

/// How often each of some things happened, less than 2^32 times. Most happen seldom, so each is counted in one byte, and
/// whom that no longer held is listed: counting goes to and fro between things, and bytes stay in a processor's cache
/// where words would not.
#[derive(Clone)]
pub struct Counts {
    things: usize,
    /// Counts modulo 256, and some more for nothing, so that all are whole groups.
    low: Vec<[u8; GROUP]>,
    /// Things that were counted 256 times more than `low` says, each time that they were.
    carried: Vec<u32>,
    /// What has been counted in all, once it is settled.
    totals: Vec<[u32; GROUP]>,
    is_settled: bool,
}

/// Counts that are added up at once.
const GROUP: usize = 16;

impl Counts {
    /// Counts of so many things, none of which has happened: which can be read.
    pub fn new(things: usize) -> Counts {
        let groups = things.div_ceil(GROUP);
        Counts {
            things,
            low: vec![[0; GROUP]; groups],
            carried: Vec::new(),
            totals: vec![[0; GROUP]; groups],
            is_settled: true,
        }
    }

    /// Counts a thing once more.
    #[inline]
    pub fn count(&mut self, thing: usize) {
        let low = &mut self.low.as_flattened_mut()[thing];
        *low = low.wrapping_add(1);
        if *low == 0 {
            self.carry(thing);
        }
    }

    #[cold]
    #[inline(never)]
    fn carry(&mut self, thing: usize) {
        self.carried.push(thing as u32);
    }

    /// Adds up what has been counted here, and by others of the same things; after that, all can be read.
    pub fn settle<'a>(&mut self, others: impl IntoIterator<Item = &'a Counts>) {
        let Counts { low, carried, totals, is_settled, .. } = self;
        totals.iter_mut().zip(&*low).for_each(|(totals, low)| *totals = low.map(u32::from));
        let carry = |totals: &mut [[u32; GROUP]], carried: &[u32]| {
            carried.iter().for_each(|thing| totals.as_flattened_mut()[*thing as usize] += 1 << u8::BITS);
        };
        carry(totals, carried);
        for other in others {
            // In many a month hardly anything happens, so most groups are nothing.
            for (totals, low) in totals.iter_mut().zip(&other.low).filter(|(_, low)| **low != [0; GROUP]) {
                totals.iter_mut().zip(low).for_each(|(total, low)| *total += u32::from(*low));
            }
            carry(totals, &other.carried);
        }
        *is_settled = true;
    }

    /// How often each thing had happened when it was settled last: what is counted later is not in it yet.
    pub fn all(&self) -> &[u32] {
        assert!(self.is_settled, "counts are settled before they are read");
        &self.totals.as_flattened()[..self.things]
    }

    /// Forgets everything. The totals are made anew as a whole, so they need not be cleared.
    pub fn clear(&mut self) {
        self.low.fill([0; GROUP]);
        self.carried.clear();
        self.is_settled = false;
    }
}

/// What can be read, or else what has been counted here.
impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_settled { self.all().fmt(f) } else { (&self.low, &self.carried).fmt(f) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts of three things that happened so often.
    fn counts(times: [u32; 3]) -> Counts {
        let mut counts = Counts::new(3);
        for (thing, times) in times.into_iter().enumerate() {
            (0..times).for_each(|_| counts.count(thing));
        }
        counts
    }

    #[test]
    fn counts_hold_more_than_a_byte_does() {
        for times in [[0, 1, 255], [256, 257, 0], [511, 512, 100_000]] {
            let mut counts = counts(times);
            counts.settle([]);
            assert_eq!(counts.all(), times);
            counts.clear();
            counts.settle([]);
            assert_eq!(counts.all(), [0; 3]);
        }
    }

    #[test]
    fn counts_of_several_add_up() {
        for (one, other) in [([0, 1, 128], [0, 254, 127]), ([255, 256, 700], [1, 256, 0]), ([0; 3], [300; 3])]
        {
            let mut sum = counts(one);
            sum.settle([&counts(other), &counts([1, 2, 3])]);
            assert_eq!(sum.all(), [0, 1, 2].map(|thing| one[thing] + other[thing] + thing as u32 + 1));
        }
    }
}
