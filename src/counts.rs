//! Counts of many things, close together while they are made.

/// How often each of some things happened, less than 2^32 times. Most happen seldom, so each is counted in one byte,
/// and what that cannot hold apart: counting goes to and fro between things, and bytes stay in a processor's cache
/// where words would not.
#[derive(Clone, Debug)]
pub struct Counts {
    things: usize,
    /// What is not in `totals` yet, and in either some more, for nothing, so that all are whole groups.
    lately: Vec<[u8; GROUP]>,
    totals: Vec<[u32; GROUP]>,
    is_settled: bool,
}

/// Counts that are added up at once.
const GROUP: usize = 16;

impl Counts {
    /// Counts of so many things, none of which has happened.
    pub fn new(things: usize) -> Counts {
        let groups = things.div_ceil(GROUP);
        Counts {
            things,
            lately: vec![[0; GROUP]; groups],
            totals: vec![[0; GROUP]; groups],
            is_settled: false,
        }
    }

    /// Counts a thing once more.
    #[inline]
    pub fn count(&mut self, thing: usize) {
        let lately = &mut self.lately.as_flattened_mut()[thing];
        *lately = lately.wrapping_add(1);
        if *lately == 0 {
            self.carry(thing);
        }
    }

    #[cold]
    #[inline(never)]
    fn carry(&mut self, thing: usize) {
        self.totals.as_flattened_mut()[thing] += 1 << u8::BITS;
    }

    /// Adds what others have counted of the same things; after that, all can be read.
    pub fn settle<'a>(&mut self, others: impl IntoIterator<Item = &'a Counts>) {
        for other in others {
            let totals = self.totals.as_flattened_mut().iter_mut();
            totals.zip(other.totals.as_flattened()).for_each(|(total, more)| *total += more);
            self.add(&other.lately);
        }
        let mut lately = std::mem::take(&mut self.lately);
        self.add(&lately);
        lately.fill([0; GROUP]);
        self.lately = lately;
        self.is_settled = true;
    }

    /// Adds to the totals. In many a month hardly anything happens, so most groups are nothing.
    fn add(&mut self, lately: &[[u8; GROUP]]) {
        for (totals, lately) in self.totals.iter_mut().zip(lately) {
            if *lately != [0; GROUP] {
                totals.iter_mut().zip(lately).for_each(|(total, lately)| *total += u32::from(*lately));
            }
        }
    }

    /// How often each thing happened.
    pub fn all(&self) -> &[u32] {
        assert!(self.is_settled, "counts are settled before they are read");
        &self.totals.as_flattened()[..self.things]
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.lately.fill([0; GROUP]);
        self.totals.fill([0; GROUP]);
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
