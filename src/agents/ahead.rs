//! The block that is next, brought into a processor's cache while it is still at work on the one before.

use crate::prefetch::Lines;

/// So many lines a processor can have on their way at once, at least.
const SOME: usize = 8;

/// Parts of a block that each lie in one piece.
const PARTS: usize = 4;

/// A block that is next, or none. It is brought a line at a time, between steps of other work: a processor can have few
/// lines on their way at once, and waits if asked for more.
#[derive(Default)]
pub struct Ahead {
    /// What is brought now.
    now: Lines,
    /// What is brought after that, in reverse.
    later: [Lines; PARTS - 1],
    /// How many of them there are.
    parts: usize,
}

impl Ahead {
    /// A block of which these are the parts, in the order in which they are brought.
    pub fn new([now, second, third, last]: [Lines; PARTS]) -> Ahead {
        Ahead { now, later: [last, third, second], parts: PARTS - 1 }
    }

    /// Has the next line brought, if there is one.
    #[inline(always)]
    pub fn bring(&mut self) {
        if !self.now.bring() && self.parts > 0 {
            self.turn();
        }
    }

    /// Has some lines brought, before work that will take as long as they do.
    pub fn bring_some(&mut self) {
        (0..SOME).for_each(|_| self.bring());
    }

    /// Goes on to the next part.
    #[cold]
    fn turn(&mut self) {
        self.parts -= 1;
        self.now = self.later[self.parts].clone();
    }

    /// Has all that is left brought.
    pub fn bring_all(&mut self) {
        while self.now.bring() || self.parts > 0 {
            self.bring();
        }
    }
}
