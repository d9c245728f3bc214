//! Counts of many things, close together while they are made.

/// How often each of some things happened, less than 2^32 times. Most happen seldom, so each is counted in one byte,
/// and what that cannot hold apart: counting goes to and fro between things, and bytes stay in a processor's cache
/// where words would not.
#[derive(Clone, Debug)]
pub struct Counts {
    /// What is not in `totals` yet.
    lately: Vec<u8>,
    totals: Vec<u32>,
    is_settled: bool,
}

impl Counts {
    /// Counts of so many things, none of which has happened.
    pub fn new(things: usize) -> Counts {
        Counts { lately: vec![0; things], totals: vec![0; things], is_settled: false }
    }

    /// Counts a thing once more.
    #[inline]
    pub fn count(&mut self, thing: usize) {
        let lately = &mut self.lately[thing];
        *lately = lately.wrapping_add(1);
        if *lately == 0 {
            self.carry(thing);
        }
    }

    #[cold]
    #[inline(never)]
    fn carry(&mut self, thing: usize) {
        self.totals[thing] += 1 << u8::BITS;
    }

    /// Adds what others have counted of the same things; after that, all can be read.
    pub fn settle<'a>(&mut self, others: impl IntoIterator<Item = &'a Counts>) {
        let Counts { lately, totals, is_settled } = self;
        let add = |totals: &mut [u32], lately: &[u8]| {
            totals.iter_mut().zip(lately).for_each(|(total, lately)| *total += u32::from(*lately));
        };
        add(totals, lately);
        lately.fill(0);
        for other in others {
            totals.iter_mut().zip(&other.totals).for_each(|(total, more)| *total += more);
            add(totals, &other.lately);
        }
        *is_settled = true;
    }

    /// How often each thing happened.
    pub fn all(&self) -> &[u32] {
        assert!(self.is_settled, "counts are settled before they are read");
        &self.totals
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.lately.fill(0);
        self.totals.fill(0);
        self.is_settled = false;
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
