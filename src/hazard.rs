//! Upper bounds on hazards of default, under which persons come up for one.

use crate::agents::users::{SEGMENT_STARTS, quality};
use crate::normal::normal_cdf;
use crate::screening::{LendingTerms, monthly_hazard};

/// Parts of the range of credit quality, each with one bound on the hazard of default.
const BOUNDS: usize = 1024;

/// The part in which a rank of quality is.
#[inline]
fn part_of(rank: u16) -> usize {
    usize::from(rank) / (65_536 / BOUNDS)
}

/// Upper bounds on the monthly hazard of default, by quality. Persons come up for a default under the
/// bound and default in proportion to their own hazard, so that only few have to be looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct HazardBounds {
    made_for: (LendingTerms, f64, u32),
    /// The bound at the lower end of each part, and one for nobody behind the last.
    bounds: Vec<Bound>,
    /// For persons with one loan, two, ..., and each part of the range: a tighter bound.
    by_loans: Vec<f64>,
}

/// A bound on the hazard of default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// The bound.
    pub hazard: f64,
    /// -log(1 - hazard): how much of a wait for the next who comes up a person who is passed over uses up.
    length: f64,
    /// 1 / length.
    per_length: f64,
}

impl Bound {
    /// No wait is as long: who has this length comes up for certain.
    const LONGEST: f64 = 64.0;

    fn new(hazard: f64) -> Bound {
        let length = (-libm::log1p(-hazard)).min(Bound::LONGEST);
        Bound { hazard, length, per_length: 1.0 / length }
    }
}

impl HazardBounds {
    /// Whether the bounds are for these parameters.
    pub fn are_for(&self, terms: LendingTerms, discipline: f64, max_loans: u32) -> bool {
        self.made_for == (terms, discipline, max_loans)
    }

    /// The bounds.
    pub fn new(terms: LendingTerms, discipline: f64, max_loans: u32) -> HazardBounds {
        let highest = |part: usize, others: f64| {
            let lowest = quality((part * (65_536 / BOUNDS)) as u16);
            let probit = terms.pd_probit(lowest, others) + (-discipline).max(0.0);
            monthly_hazard(normal_cdf(probit))
        };
        let others = if terms.pd_per_loan > 0.0 { f64::from(max_loans - 1) } else { 0.0 };
        let bound = |part: usize| Bound::new(highest(part, others));
        let parts = |others: u32| (0..BOUNDS).map(move |part| highest(part, f64::from(others)));
        HazardBounds {
            made_for: (terms, discipline, max_loans),
            bounds: (0..BOUNDS).map(bound).chain([Bound::new(1.0)]).collect(),
            by_loans: (0..max_loans).flat_map(parts).collect(),
        }
    }

    /// A bound for persons of this rank with so many loans, one at least.
    #[inline]
    pub fn with_loans(&self, rank: u16, loans: u32) -> f64 {
        self.by_loans[(loans as usize - 1) * BOUNDS + part_of(rank)]
    }

    /// The hazard that persons of this rank with so many loans have at least, where reports only make it lower and nothing
    /// was reported: the bound of the next better part, if there is one.
    pub fn at_least_with_loans(&self, rank: u16, loans: u32) -> f64 {
        let part = part_of(rank) + 1;
        if part < BOUNDS { self.by_loans[(loans as usize - 1) * BOUNDS + part] } else { 0.0 }
    }

    /// A block's users, of whom these are the ranks of quality in rising order, one after another, as long as their
    /// bounds have them.
    pub fn line_up(&self, ranks: &[u16]) -> LineUp<'_> {
        let mut line = LineUp { starts: [0.0; SEGMENTS + 1], bounds: [&self.bounds[BOUNDS]; SEGMENTS + 1] };
        let mut start = 0.0;
        for (segment, first) in SEGMENT_STARTS[..SEGMENTS].iter().enumerate() {
            if let Some(rank) = ranks.get(*first) {
                let bound = &self.bounds[part_of(*rank)];
                line.bounds[segment] = bound;
                start += (SEGMENT_STARTS[segment + 1].min(ranks.len()) - first) as f64 * bound.length;
            }
            line.starts[segment + 1] = start;
        }
        line
    }
}

/// How many segments of a block have one bound each.
const SEGMENTS: usize = SEGMENT_STARTS.len() - 1;

/// A block's users one after another, as long as their bounds have them: persons come up where the waits of a Poisson
/// process end, since nobody does with probability exp(-length) = 1 - hazard. All that is behind the last one is a
/// segment too, which has a bound and nobody under it.
pub struct LineUp<'a> {
    /// Where segments start.
    starts: [f64; SEGMENTS + 1],
    /// Their bounds.
    bounds: [&'a Bound; SEGMENTS + 1],
}

/// A user who comes up for a default.
pub struct ComesUp<'a> {
    /// Place in the block; past the end if there is nobody any more.
    pub place: usize,
    /// Where the segment starts, with whom, and its bound.
    start: f64,
    first: usize,
    bound: &'a Bound,
}

impl LineUp<'_> {
    /// Who is where a wait ends.
    #[inline]
    pub fn at(&self, end: f64) -> ComesUp<'_> {
        // The last segment that starts before, by halves and without a branch, which nobody could foresee.
        let mut segment = 0;
        for step in [8, 4, 2, 1] {
            segment += step * usize::from(self.starts[segment + step] <= end);
        }
        let (start, first, bound) = (self.starts[segment], SEGMENT_STARTS[segment], self.bounds[segment]);
        let passed = ((end - start) * bound.per_length) as u32;
        ComesUp { place: first + passed as usize, start, first, bound }
    }
}

impl ComesUp<'_> {
    /// The bound on the hazard under which the user comes up.
    #[inline]
    pub fn hazard(&self) -> f64 {
        self.bound.hazard
    }

    /// Where the next wait begins, when one has ended at `end`. Waits that end while the same user is still there mean
    /// nothing, so any of them may be left out: which saves time where they would be many.
    #[inline]
    pub fn next(&self, end: f64) -> f64 {
        let ComesUp { place, start, first, bound } = self;
        if bound.length < 1.0 { end } else { end_of_stay(*start, place - first, bound.length) }
    }
}

/// Where a user is there no more who is `passed` places behind the one at `start`. A call, since compilers would have
/// each wait begin where this says, even if that is not asked for: and none could be worked out before the one who came
/// up last is known.
#[cold]
#[inline(never)]
fn end_of_stay(start: f64, passed: usize, length: f64) -> f64 {
    start + (passed + 1) as f64 * length
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::near::NearLog;
    use crate::random::{Key, Purpose};
    use crate::screening::tests::terms;
    use std::collections::BTreeSet;

    /// Ranks of a block's users, in rising order.
    fn ranks(users: usize) -> Vec<u16> {
        (0..users).map(|place| (place * 65_536 / users) as u16).collect()
    }

    /// Whoever comes up is whom a walk from one user to the next finds, and nobody is left out.
    #[test]
    fn waits_end_where_a_walk_along_the_users_does() {
        let (near_log, key) = (NearLog::table(), Key::new(4, 1));
        let risky = LendingTerms { pd_intercept: -3.0, ..terms() };
        let certain = LendingTerms { pd_intercept: -10.0, ..terms() };
        let none = LendingTerms { pd_intercept: 10.0, pd_slope: 10.0, ..terms() };
        for (terms, few, many) in [(terms(), 1, 40), (risky, 100, 600), (certain, 990, 1000), (none, 0, 300)]
        {
            for users in [1000, 999, 137, 1] {
                let (bounds, ranks) = (HazardBounds::new(terms, 0.1, 3), ranks(users));
                let line = bounds.line_up(&ranks);
                let bound_of = |place: usize| {
                    let start =
                        SEGMENT_STARTS.iter().rev().find(|start| **start <= place).expect("the first is 0");
                    bounds.bounds[part_of(ranks[*start])]
                };
                for month in 0..20 {
                    let (mut end, mut place, mut left, mut came) = (0.0, 0, 0.0, BTreeSet::new());
                    for draw in 0.. {
                        let wait = -near_log.of(key.draw(Purpose::Default, 7, month, draw)[0]);
                        (end, left) = (end + wait, left + wait);
                        while place < users && left >= bound_of(place).length {
                            left -= bound_of(place).length;
                            place += 1;
                        }
                        let up = line.at(end);
                        if place == users {
                            assert!(up.place >= users, "{} of {users}", up.place);
                            break;
                        }
                        assert_eq!((up.place, up.hazard()), (place, bound_of(place).hazard));
                        came.insert(place);
                        let next = up.next(end);
                        assert!(next == end || bound_of(place).length >= 1.0);
                        if next > end {
                            (end, left, place) = (next, 0.0, place + 1);
                        }
                    }
                    assert!(users < 1000 || (few..=many).contains(&came.len()), "{came:?} of {users}");
                }
            }
        }
    }

    /// In a segment each comes up with the probability that its bound says, one as often as another.
    #[test]
    fn users_come_up_as_often_as_their_bounds_say() {
        const MONTHS: u32 = 4000;
        let (near_log, key) = (NearLog::table(), Key::new(5, 1));
        let (bounds, ranks) = (HazardBounds::new(terms(), 0.0, 1), ranks(1000));
        let line = bounds.line_up(&ranks);
        let mut came = [0u32; 1000];
        for month in 0..MONTHS {
            let (mut end, mut not_yet) = (0.0, 0);
            for draw in 0.. {
                end -= near_log.of(key.draw(Purpose::Default, 7, month, draw)[0]);
                let up = line.at(end);
                let Some(came) = came.get_mut(up.place) else { break };
                *came += u32::from(up.place >= not_yet);
                (end, not_yet) = (up.next(end), up.place + 1);
            }
        }
        for (segment, bound) in line.bounds[..SEGMENTS].iter().enumerate() {
            let [first, end] = [SEGMENT_STARTS[segment], SEGMENT_STARTS[segment + 1]];
            let hazard = bound.hazard;
            let variance = f64::from(MONTHS) * hazard * (1.0 - hazard);
            let off = |came: f64, users: usize| (came - f64::from(MONTHS) * hazard * users as f64).abs();
            for came in &came[first..end] {
                assert!(off(f64::from(*came), 1) < 6.0 * libm::sqrt(variance) + 3.0, "{segment}: {came}");
            }
            let (all, users) = (came[first..end].iter().copied().map(f64::from).sum::<f64>(), end - first);
            assert!(off(all, users) < 4.0 * libm::sqrt(variance * users as f64), "{segment}");
        }
    }

    #[test]
    fn no_hazard_is_above_its_bound() {
        for (discipline, max_loans) in [(0.15, 4), (-0.2, 4), (0.0, 1)] {
            let bounds = HazardBounds::new(terms(), discipline, max_loans);
            for rank in (0..=u16::MAX).step_by(97) {
                let worst = terms().pd_probit(quality(rank), f64::from(max_loans - 1)) - discipline.min(0.0);
                let bound = bounds.bounds[part_of(rank)].hazard;
                assert!(monthly_hazard(normal_cdf(worst)) <= bound, "rank {rank}");
                for loans in 1..=max_loans {
                    let probit = terms().pd_probit(quality(rank), f64::from(loans - 1)) - discipline.min(0.0);
                    let hazard = monthly_hazard(normal_cdf(probit));
                    assert!(hazard <= bounds.with_loans(rank, loans), "rank {rank}, {loans} loans");
                    let unreported =
                        monthly_hazard(normal_cdf(terms().pd_probit(quality(rank), f64::from(loans - 1))));
                    let least = bounds.at_least_with_loans(rank, loans);
                    assert!(discipline < 0.0 || least <= unreported, "rank {rank}, {loans} loans");
                    assert!(
                        !(655..64_880).contains(&rank) || least > 0.85 * hazard,
                        "rank {rank}, {loans} loans: {least}"
                    );
                }
            }
        }
    }
}
