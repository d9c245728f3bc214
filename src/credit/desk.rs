//! The desk on which the applications of a block lie.

use crate::agents::users::BLOCK;
use crate::random::{Key, Purpose, SIDE_BY_SIDE};
use crate::tally::Groups;
use crate::workers::APART;

/// Places for everybody in a block, and for some more: what is not kept is written past the end, and draws are made
/// side by side. A power of two, so that a place is quick to keep within bounds.
const PLACES: usize = (BLOCK + SIDE_BY_SIDE).next_power_of_two();

/// Further places that nobody uses. Without them the first places of all rooms would compete for the same few lines
/// of a processor's cache.
const SPREAD: usize = 72;

/// The desk on which the applications of a block lie. They are dealt with side by side, a step for all before
/// the next one: that is how draws are quick to make, and a step that does the same for all has nothing to foresee.
/// Apart from others' desks, as are tallies.
#[derive(Default)]
#[repr(align(128))]
pub struct Desk {
    pub coming: Coming,
    /// Open applications, that is those that lie with lenders, where the lender judges alone.
    pub alone: Room<Application>,
    /// Those where the lender buys something.
    pub buying: Room<Application>,
    pub deciding: Deciding,
    /// Lenders whom persons have been to, by place in the block: one room for each time that they went to one.
    pub been_to: Vec<Room<u16>>,
    /// Draws of the next lender, for each of those who are refused.
    pub next_lender: Words,
}

const _: () = assert!(align_of::<Desk>() >= APART);

/// For those who come up for an application.
#[derive(Default)]
pub struct Coming {
    /// Draws of who does, and then of where those who apply go first.
    pub drawn: Room<[u32; 4]>,
    /// Those who apply.
    pub applicants: Room<Applicant>,
    /// Those of these who apply through platforms.
    pub through_platforms: Room<Applicant>,
    /// All other applicants.
    pub at_home: Room<Applicant>,
}

/// For lenders' decisions.
#[derive(Default)]
pub struct Deciding {
    /// Noise of the lender's own judgement.
    pub own_noise: Words,
    /// What lenders buy on applicants.
    pub purchases: Room<Purchase>,
    /// Noise of the seller's data, for each purchase.
    pub seller_noise: Words,
    /// Applications on which lenders have decided.
    pub decided: Room<Application>,
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

    /// Whether the applicant's credit file is thin.
    #[inline]
    pub fn thin_file(&self) -> bool {
        self.groups.thin_file()
    }
}

/// Applications that lie with lenders.
pub struct Open<'a> {
    /// Where the lender judges alone, since it buys nothing or since there is nothing on the applicant.
    pub alone: List<'a, Application>,
    /// Where the lender buys what there is on the applicant.
    pub buying: List<'a, Application>,
}

impl Open<'_> {
    pub fn clear(&mut self) {
        self.alone.clear();
        self.buying.clear();
    }
}

/// What a lender has bought on an applicant.
#[derive(Clone, Copy, Default)]
pub struct Purchase {
    pub application: Application,
    /// The margin that the lender sees, but for noise.
    pub margin: f32,
    /// What the noise of the lender's own judgement adds to the margin, times the noise.
    pub on_own_noise: f32,
    /// The same of the noise of the data.
    pub on_noise: f32,
    /// Precision of agencies' pooled records, where these have been bought.
    pub pooled: f64,
    /// The seller: platforms, then agencies.
    pub seller: u16,
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

    pub fn of_mut(&mut self, places: std::ops::Range<usize>) -> &mut [T] {
        &mut self.0[places]
    }

    /// An empty list, in the place of whatever is here.
    #[inline]
    pub fn list(&mut self) -> List<'_, T> {
        List { things: self, len: 0 }
    }
}

/// Room for one word on everybody in a block.
#[derive(Default)]
pub struct Words {
    /// Agents, and then the words drawn for them.
    agents: Room<u32>,
    options: Room<u32>,
}

impl Words {
    /// The first words of draws for the agents and options of some things, in their order.
    pub fn draw<T>(
        &mut self,
        key: Key,
        purpose: Purpose,
        month: u32,
        things: &[T],
        of: impl Fn(&T) -> [u32; 2],
    ) -> &[u32] {
        for (place, thing) in things.iter().enumerate() {
            let [agent, option] = of(thing);
            self.agents.put(place, agent);
            self.options.put(place, option);
        }
        // What follows the last of them, up to a full eight, is drawn for nobody.
        let eights = ..things.len().div_ceil(SIDE_BY_SIDE);
        let (agents, _) = self.agents.0.as_chunks_mut();
        let (options, _) = self.options.0.as_chunks();
        key.first_words(purpose, month, &mut agents[eights], &options[eights]);
        &self.agents.0[..things.len()]
    }
}

/// A list in a room, to which things are added or not without a branch: a thing for each person of a block at most.
pub struct List<'a, T> {
    things: &'a mut Room<T>,
    len: usize,
}

impl<T: Copy> List<'_, T> {
    pub fn clear(&mut self) {
        self.len = 0;
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

    /// Keeps those only of which `keep` says so.
    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        let len = std::mem::take(&mut self.len);
        for place in 0..len {
            let thing = *self.things.get(place);
            self.push_if(thing, keep(&thing));
        }
    }

    #[inline]
    pub fn as_slice(&self) -> &[T] {
        &self.things.0[..self.len]
    }
}

/// Applications on which lenders have decided: the approved ones from the front of a room on, the refused ones from
/// its back.
pub struct Decided<'a> {
    applications: &'a mut Room<Application>,
    approved: usize,
    refused: usize,
}

impl Decided<'_> {
    /// None yet.
    #[inline]
    pub fn none(room: &mut Room<Application>) -> Decided<'_> {
        Decided { applications: room, approved: 0, refused: 0 }
    }

    #[inline]
    pub fn put(&mut self, application: Application, is_approved: bool) {
        let place = if is_approved { self.approved } else { PLACES - 1 - self.refused };
        self.applications.put(place, application);
        self.approved += usize::from(is_approved);
        self.refused += usize::from(!is_approved);
    }

    /// Those that are approved, in order.
    pub fn approved(&self) -> &[Application] {
        &self.applications.0[..self.approved]
    }

    /// Those that are refused, the last one first.
    pub fn refused(&self) -> &[Application] {
        &self.applications.0[PLACES - self.refused..PLACES]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Also where as many are refused, or approved, as there are users in a block.
    #[test]
    fn decided_applications_are_apart_and_in_order() {
        let mut room = Room::default();
        let application = |place: usize| Application { place: place as u16, ..Application::default() };
        for approves in [|i: usize| i.is_multiple_of(3), |_| true, |_| false] {
            let mut decided = Decided::none(&mut room);
            (0..BLOCK).for_each(|i| decided.put(application(i), approves(i)));
            let those = |approved: bool| (0..BLOCK).filter(|i| approves(*i) == approved).collect::<Vec<_>>();
            assert_eq!(decided.approved().iter().map(Application::place).collect::<Vec<_>>(), those(true));
            assert_eq!(
                decided.refused().iter().rev().map(Application::place).collect::<Vec<_>>(),
                those(false)
            );
        }
        let decided = Decided::none(&mut room);
        assert_eq!((decided.approved().len(), decided.refused().len()), (0, 0));
    }
}
