//! The desk on which the applications of a block lie.

use crate::agents::users::BLOCK;
use crate::random::{Key, Purpose};
use crate::tally::Groups;

/// How many draws are made side by side, at a time.
pub const DRAWN_SIDE_BY_SIDE: usize = 8;

/// Places for everybody in a block, and for some more: what is not kept is written past the end, and draws are made
/// side by side. A power of two, so that a place is quick to keep within bounds.
const PLACES: usize = (BLOCK + DRAWN_SIDE_BY_SIDE).next_power_of_two();

/// Further places that nobody uses. Without them the first places of all rooms would compete for the same few lines
/// of a processor's cache.
const SPREAD: usize = 72;

/// The desk on which the applications of a block lie. They are dealt with side by side, a step for all before
/// the next one: that is how draws are quick to make, and a step that does the same for all has nothing to foresee.
#[derive(Default)]
pub struct Desk {
    /// Draws of who comes up for an application, and then of where those who do go first.
    pub drawn: Room<[u32; 4]>,
    /// Those who come up and apply.
    pub applicants: List<Applicant>,
    /// Those of these who apply through platforms.
    pub through_platforms: List<Applicant>,
    /// All other applicants.
    pub at_home: List<Applicant>,
    /// Applications that lie with lenders.
    pub open: Open,
    /// Open applications that are decided.
    pub decided: Decided,
    /// The last applications of those whom all lenders so far have refused.
    pub left: List<Application>,
    /// Lenders whom persons have been to, by place in the block: one room for each time that they went to one.
    pub been_to: Vec<Room<u16>>,
    /// The next lender, for each of those who are left.
    pub next_lender: Draws,
}

/// A person who asks for a loan.
#[derive(Clone, Copy, Default)]
pub struct Applicant {
    /// Place in the block.
    pub place: u16,
    /// Number among those who have come up.
    pub candidate: u16,
}

/// An application that lies with a lender.
#[derive(Clone, Copy, Default)]
pub struct Application {
    /// The applicant, by place in the block.
    pub place: u16,
    /// The applicant's rank of quality.
    pub rank: u16,
    /// The lender.
    pub bank: u16,
    /// The platform that referred it, as a slot.
    pub slot: u8,
    /// The groups to which the applicant belongs.
    pub groups: Groups,
}

impl Application {
    /// The applicant's place in the block.
    #[inline]
    pub fn place(&self) -> usize {
        usize::from(self.place)
    }

    /// Whether the applicant is creditworthy.
    #[inline]
    pub fn creditworthy(&self) -> bool {
        self.groups.creditworthy()
    }

    /// Whether the applicant's credit file is thin.
    #[inline]
    pub fn thin_file(&self) -> bool {
        self.groups.thin_file()
    }
}

/// What a lender has bought on an applicant.
#[derive(Clone, Copy, Default)]
pub struct Purchase {
    /// What the noise of the data adds to the margin, times the noise.
    pub on_noise: f64,
    /// Precision of agencies' pooled records, where these have been bought.
    pub pooled: f64,
    /// The open application.
    pub application: u16,
    /// The applicant, by place in the block.
    pub place: u16,
    /// The seller: platforms, then agencies.
    pub seller: u16,
}

/// Applications that lie with lenders.
#[derive(Default)]
pub struct Open {
    pub applications: List<Application>,
    /// The margin that the lender sees in each, as far as it is known: without noise at first.
    pub margins: Room<f64>,
    /// What the noise of the lender's own judgement adds to each margin, times the noise.
    pub on_own_noise: Room<f64>,
    /// Noise of the lender's own judgement, for each.
    pub own_noise: Draws,
    pub purchases: List<Purchase>,
    /// Noise of the seller's data, for each purchase.
    pub seller_noise: Draws,
}

impl Open {
    pub fn clear(&mut self) {
        self.applications.clear();
        self.purchases.clear();
    }
}

/// Open applications that are decided, by number: the approved ones from the front on, the refused ones from the back.
#[derive(Default)]
pub struct Decided {
    numbers: Room<u16>,
    approved: usize,
    refused: usize,
}

impl Decided {
    pub fn clear(&mut self) {
        (self.approved, self.refused) = (0, 0);
    }

    /// Adds the application with this number, which is how many there are before it.
    #[inline]
    pub fn put(&mut self, number: usize, is_approved: bool) {
        let place = if is_approved { self.approved } else { PLACES - 1 - self.refused };
        self.numbers.put(place, number as u16);
        self.approved += usize::from(is_approved);
        self.refused = number + 1 - self.approved;
    }

    /// Those that are approved, in order.
    pub fn approved(&self) -> &[u16] {
        self.numbers.of(0..self.approved)
    }

    /// Those that are refused, in order.
    pub fn refused(&self) -> impl Iterator<Item = &u16> {
        self.numbers.of(PLACES - self.refused..PLACES).iter().rev()
    }
}

/// Room for something on everybody in a block.
pub struct Room<T>([T; PLACES + SPREAD]);

impl<T: Copy + Default> Default for Room<T> {
    fn default() -> Room<T> {
        Room([T::default(); PLACES + SPREAD])
    }
}

impl<T> Room<T> {
    #[inline]
    pub fn put(&mut self, place: usize, thing: T) {
        // A place is below their number, so that it is its own remainder.
        self.0[place % PLACES] = thing;
    }

    #[inline]
    pub fn get(&self, place: usize) -> &T {
        &self.0[place % PLACES]
    }

    pub fn of(&self, places: std::ops::Range<usize>) -> &[T] {
        &self.0[places]
    }

    pub fn of_mut(&mut self, places: std::ops::Range<usize>) -> &mut [T] {
        &mut self.0[places]
    }
}

/// A list to which things are added or not without a branch, a thing for each person of a block at most.
#[derive(Default)]
pub struct List<T: Copy + Default> {
    things: Room<T>,
    len: usize,
}

impl<T: Copy + Default> List<T> {
    pub fn clear(&mut self) {
        self.len = 0;
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub fn push(&mut self, thing: T) {
        self.push_if(thing, true);
    }

    #[inline]
    pub fn push_if(&mut self, thing: T, add: bool) {
        self.things.put(self.len, thing);
        self.len += usize::from(add);
    }

    pub fn as_slice(&self) -> &[T] {
        self.things.of(0..self.len)
    }
}

/// The first words of draws for the agents and options of some things.
#[derive(Default)]
pub struct Draws(Room<u32>);

impl Draws {
    /// Has words drawn for the things of a list, in its order, and some more, since all are drawn side by side. What
    /// those are of, which was on the list before, does not matter.
    pub fn draw<T: Copy + Default>(
        &mut self,
        key: Key,
        purpose: Purpose,
        month: u32,
        list: &List<T>,
        of: impl Fn(&T) -> [u32; 2],
    ) -> &[u32] {
        let drawn = list.len.next_multiple_of(DRAWN_SIDE_BY_SIDE);
        key.first_words(purpose, month, list.things.of(0..drawn), of, self.0.of_mut(0..drawn));
        self.0.of(0..list.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Also where as many are refused, or approved, as there are users in a block.
    #[test]
    fn decided_applications_are_apart_and_in_order() {
        let mut decided = Decided::default();
        for approves in [|i: usize| i.is_multiple_of(3), |_| true, |_| false] {
            decided.clear();
            (0..BLOCK).for_each(|i| decided.put(i, approves(i)));
            let those = |approved: bool| {
                (0..BLOCK).filter(|i| approves(*i) == approved).map(|i| i as u16).collect::<Vec<_>>()
            };
            assert_eq!(decided.approved(), those(true));
            assert_eq!(decided.refused().copied().collect::<Vec<_>>(), those(false));
        }
        decided.clear();
        assert_eq!((decided.approved().len(), decided.refused().count()), (0, 0));
    }
}
