//! Memory brought into a processor's cache before it is used, so that nobody waits for it then.

use std::ops::Range;

/// Bytes in a line of cache.
const LINE: usize = 64;

/// Lines of memory that are brought one after another. They are addresses and no more: what is there is not read.
#[derive(Clone)]
pub struct Lines(Range<*const u8>);

impl Lines {
    /// The lines in which some things are.
    pub fn of<T>(things: &[T]) -> Lines {
        let Range { start, end } = things.as_ptr_range();
        let start: *const u8 = start.cast();
        let end: *const u8 = end.cast();
        let first = if start == end { end } else { start.wrapping_sub(start.addr() % LINE) };
        Lines(first..end)
    }

    /// Has the next line brought, if there is one; says whether there was.
    #[inline(always)]
    pub fn bring(&mut self) -> bool {
        let Range { start, end } = &mut self.0;
        if *start >= *end {
            return false;
        }
        hint(*start);
        *start = start.wrapping_add(LINE);
        true
    }
}

/// None.
impl Default for Lines {
    fn default() -> Lines {
        Lines::of::<u8>(&[])
    }
}

/// Tells the processor that the line at an address will be read soon.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[expect(unsafe_code, reason = "the library offers the hint for pointers, as an unsafe function")]
fn hint(address: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: the instruction is part of every x86-64 processor (SSE). It reads nothing into the program, writes nothing,
    // and does nothing at an address that cannot be read.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
}

/// The same.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
#[expect(unsafe_code, reason = "the library does not offer the hint")]
fn hint(address: *const u8) {
    // SAFETY: the instruction is part of every 64-bit ARM processor. It reads nothing into the program, writes nothing,
    // changes no register or flag, and does nothing at an address that cannot be read.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{}]", in(reg) address, options(readonly, nostack, preserves_flags));
    }
}

/// Nothing: other processors find out by themselves.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn hint(_address: *const u8) {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the alignment, and for nothing at all.
    #[test]
    fn all_lines_are_brought_and_no_more() {
        let things = [0u16; 500];
        for (first, end) in [(0, 500), (1, 500), (31, 33), (7, 8), (9, 9)] {
            let mut lines = Lines::of(&things[first..end]);
            let addresses = things[first..end].as_ptr_range();
            let numbers = addresses.start.addr() / LINE..addresses.end.addr().div_ceil(LINE);
            let expected = if first == end { 0 } else { numbers.len() };
            assert_eq!(std::iter::from_fn(|| lines.bring().then_some(())).count(), expected, "{first} {end}");
        }
    }
}
