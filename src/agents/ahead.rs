//! The block that is next, brought into a processor's cache while it is still at work on the one before.

use super::users::Loan;
use crate::prefetch::{LINE, bring};
use std::slice::Iter;

/// Lines that are brought at a time.
const LINES_AT_A_TIME: usize = 2;

/// Bytes in these.
const AT_A_TIME: usize = LINES_AT_A_TIME * LINE;

/// A block that is next, or none. It is brought some lines at a time, between steps of other work: a processor can have
/// few lines on their way at once, and waits if asked for more.
pub struct Ahead<'a> {
    columns: Lines<'a, u16, { AT_A_TIME / size_of::<u16>() }>,
    traits: Lines<'a, u8, AT_A_TIME>,
    loans: Lines<'a, Loan, { AT_A_TIME / size_of::<Loan>() }>,
}

impl<'a> Ahead<'a> {
    /// The block of these columns.
    pub fn new(columns: &'a [u16], traits: &'a [u8], loans: &'a [Loan]) -> Ahead<'a> {
        Ahead { columns: Lines::new(columns), traits: Lines::new(traits), loans: Lines::new(loans) }
    }

    /// Has the next few lines brought.
    #[inline(always)]
    pub fn bring(&mut self) {
        let _ = self.columns.bring() || self.traits.bring() || self.loans.bring();
    }

    /// Has all that is left brought.
    pub fn bring_all(&mut self) {
        self.columns.bring_all();
        self.traits.bring_all();
        self.loans.bring_all();
    }
}

/// Things of a column, `N` of them brought at a time, and then the rest.
struct Lines<'a, T, const N: usize> {
    many: Iter<'a, [T; N]>,
    rest: &'a [T],
}

impl<'a, T: Copy, const N: usize> Lines<'a, T, N> {
    fn new(column: &'a [T]) -> Lines<'a, T, N> {
        let (many, rest) = column.as_chunks();
        Lines { many: many.iter(), rest }
    }

    /// Has the next lines brought; says whether there are as many.
    #[inline(always)]
    fn bring(&mut self) -> bool {
        let Some(many) = self.many.next() else { return false };
        (0..LINES_AT_A_TIME).for_each(|line| bring(&many[line * (N / LINES_AT_A_TIME)]));
        true
    }

    fn bring_all(&mut self) {
        while self.bring() {}
        self.rest.iter().step_by(LINE / size_of::<T>()).for_each(bring);
    }
}

/// No block.
impl Default for Ahead<'_> {
    fn default() -> Self {
        Ahead::new(&[], &[], &[])
    }
}
