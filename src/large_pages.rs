//! Memory in large pages, for what is gone through every month.
//!
//! A processor that goes through much memory looks up, page by page, where it is. Pages have four kilobytes, or two
//! megabytes where the system is asked for it (on Linux) before any of it is first used. Usual allocators take memory into use
//! a little at a time, so large pages come from here.

use allocator_api2::alloc::{AllocError, Allocator, Global};
use std::alloc::Layout;
use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard};

/// Bytes of a large page.
const PAGE: usize = 2 << 20;

/// Large pages of a piece of memory. Those of them that are never used take no memory.
const PAGES: usize = 16;

/// Where a column is: in the usual memory, or in large pages, which are given back once nothing is left that is in any of
/// them.
#[derive(Clone, Debug, Default)]
pub struct Memory(Option<Arc<Mutex<Pieces>>>);

impl Memory {
    /// Memory for what stays: in large pages on systems that have to be asked for them (others decide by themselves). What
    /// becomes longer than there is room for moves to the usual memory; what it leaves behind is not used again.
    pub fn large_pages() -> Memory {
        if cfg!(target_os = "linux") { Memory::in_pieces() } else { Memory::default() }
    }

    fn in_pieces() -> Memory {
        Memory(Some(Arc::default()))
    }

    /// Whether something is in large pages.
    fn has(&self, pointer: NonNull<u8>) -> bool {
        self.0.as_ref().is_some_and(|pieces| locked(pieces).contain(pointer.addr().get()))
    }
}

fn locked(pieces: &Mutex<Pieces>) -> MutexGuard<'_, Pieces> {
    pieces.lock().expect("nobody panics who takes memory")
}

/// Pieces of memory that are handed out from their starts on.
#[derive(Debug, Default)]
struct Pieces {
    /// By address.
    all: BTreeMap<usize, Piece>,
    /// Where the rest of the newest begins, and its end.
    rest: Option<(NonNull<u8>, usize)>,
}

// SAFETY: the pieces are owned by this alone, and `rest` points into one of them.
#[expect(unsafe_code, reason = "a pointer says of itself that it can't be sent")]
unsafe impl Send for Pieces {}

impl Pieces {
    /// Some bytes that nobody else has or will have, if there is memory for them.
    fn hand_out(&mut self, layout: Layout) -> Option<NonNull<[u8]>> {
        if layout.size() > PAGES * PAGE || layout.align() > PAGE {
            return None;
        }
        let start = |rest: NonNull<u8>| rest.addr().get().next_multiple_of(layout.align());
        let (rest, end) = match self.rest {
            // A start is not past the end, which every alignment divides.
            Some((rest, end)) if layout.size() <= end - start(rest) => (rest, end),
            _ => {
                let mut piece = Piece::new()?;
                let first = piece.first();
                let address = first.addr().get();
                self.all.insert(address, piece);
                (first, address + PAGES * PAGE)
            }
        };
        let at = |address: usize| NonNull::new(rest.as_ptr().wrapping_add(address - rest.addr().get()));
        let start = start(rest);
        self.rest = Some((at(start + layout.size())?, end));
        Some(NonNull::slice_from_raw_parts(at(start)?, layout.size()))
    }

    /// Whether an address is in one of the pieces.
    fn contain(&self, address: usize) -> bool {
        self.all.range(..=address).next_back().is_some_and(|(start, _)| address - start < PAGES * PAGE)
    }
}

/// As many bytes as a large page has, beginning where one can begin. Nobody ever makes one: only its size is of use.
#[derive(Debug)]
#[repr(align(0x20_0000))]
struct Page(#[expect(dead_code, reason = "it is used through pointers only")] [u8; PAGE]);

/// A piece of memory in large pages: the room of a list that stays empty, which is given back with the list. That is once
/// nothing is left that is in any of the pieces, since whatever is has its own hold on all of them.
#[derive(Debug)]
struct Piece(Vec<Page>);

impl Piece {
    /// A new one, if there is memory for it.
    fn new() -> Option<Piece> {
        let mut pages = Vec::new();
        pages.try_reserve_exact(PAGES).ok()?;
        ask_for_large_pages(pages.spare_capacity_mut());
        Some(Piece(pages))
    }

    /// Where it begins.
    fn first(&mut self) -> NonNull<u8> {
        NonNull::new(self.0.as_mut_ptr()).expect("a list has a place").cast()
    }
}

/// Asks the system to have these pages in large ones. If it can't, they are in small ones.
#[cfg(all(target_os = "linux", not(miri)))]
#[expect(unsafe_code, reason = "the library has one function for all advice, some of which is not safe")]
fn ask_for_large_pages(pages: &mut [MaybeUninit<Page>]) {
    use rustix::mm::{Advice, madvise};
    // SAFETY: the memory is borrowed, and this advice changes nothing that is in it.
    let _ = unsafe { madvise(pages.as_mut_ptr().cast(), size_of_val(pages), Advice::LinuxHugepage) };
}

/// Nothing: other systems decide by themselves.
#[cfg(not(all(target_os = "linux", not(miri))))]
fn ask_for_large_pages(_: &mut [MaybeUninit<Page>]) {}

// SAFETY: what is handed out is either the global allocator's, or a part of a piece that nobody else is handed. Pieces stay
// where they are while any clone of this is left. Each clone gives back what another one took, as they know the same pieces.
#[expect(unsafe_code, reason = "an allocator promises what the compiler can't check")]
unsafe impl Allocator for Memory {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let large = self.0.as_ref().and_then(|pieces| locked(pieces).hand_out(layout));
        large.map_or_else(|| Global.allocate(layout), Ok)
    }

    unsafe fn deallocate(&self, pointer: NonNull<u8>, layout: Layout) {
        if !self.has(pointer) {
            // SAFETY: it was taken from here with this layout, and since it is in no piece, from the global allocator.
            unsafe { Global.deallocate(pointer, layout) }
        }
    }

    unsafe fn grow(
        &self,
        pointer: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        if !self.has(pointer) {
            // SAFETY: it was taken from here with the old layout, and since it is in no piece, from the global allocator.
            return unsafe { Global.grow(pointer, old, new) };
        }
        let longer = Global.allocate(new)?;
        // SAFETY: the old one has that many bytes, the new one, which was just taken, no fewer.
        unsafe { longer.cast::<u8>().copy_from_nonoverlapping(pointer, old.size()) };
        Ok(longer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use allocator_api2::vec::Vec as Column;

    /// Columns of many sizes, some longer than a piece and some made longer after the end, keep what is in them.
    #[test]
    fn what_is_in_large_pages_stays_there() {
        let memory = Memory::in_pieces();
        let lengths = [1000, 0, 3, PAGES * PAGE, 1, 40 << 20, 2_000_000, 9_999_999];
        let mut bytes: Vec<Column<u8, Memory>> = Vec::new();
        let mut words: Vec<Column<u64, Memory>> = Vec::new();
        for (i, length) in lengths.into_iter().enumerate() {
            let mut column = Column::with_capacity_in(length, memory.clone());
            column.resize(length, i as u8);
            bytes.push(column);
            let mut column = Column::with_capacity_in(length / 8, memory.clone());
            column.resize(length / 8, i as u64);
            words.push(column);
        }
        let pieces = Arc::downgrade(memory.0.as_ref().unwrap());
        drop(memory);
        for (i, column) in words.iter_mut().enumerate() {
            column.extend([i as u64; 100]);
        }
        let copies = bytes.clone();
        bytes.remove(3);
        let as_before = |column: &Column<u8, Memory>, i: usize| {
            column.len() == lengths[i] && column.iter().all(|byte| *byte == i as u8)
        };
        assert!([0, 1, 2, 4, 5, 6, 7].into_iter().zip(&bytes).all(|(i, column)| as_before(column, i)));
        assert!(copies.iter().enumerate().all(|(i, column)| as_before(column, i)));
        for (i, column) in words.iter().enumerate() {
            assert_eq!(column.len(), lengths[i] / 8 + 100);
            assert!(column.iter().all(|word| *word == i as u64));
            assert_eq!(column.as_ptr().addr() % align_of::<u64>(), 0);
        }
        drop((bytes, copies));
        assert!(pieces.upgrade().is_some(), "there are words left");
        std::thread::spawn(move || drop(words)).join().unwrap();
        assert!(pieces.upgrade().is_none(), "all is given back");
    }

    #[test]
    fn memory_is_handed_out_once() {
        let memory = Memory::in_pieces();
        let columns: Vec<Column<u32, Memory>> =
            (0..2000).map(|_| Column::with_capacity_in(10_000, memory.clone())).collect();
        let mut starts: Vec<usize> = columns.iter().map(|column| column.as_ptr().addr()).collect();
        starts.sort_unstable();
        assert!(starts.windows(2).all(|pair| pair[1] - pair[0] >= 40_000));
        let pieces = memory.0.as_ref().unwrap();
        assert!(starts.iter().all(|start| locked(pieces).contain(*start)));
        assert_eq!(locked(pieces).all.len(), (2000 * 40_000usize).div_ceil(PAGES * PAGE));
        let mut longer: Column<u32, Memory> = Column::with_capacity_in(10, memory.clone());
        assert!(locked(pieces).contain(longer.as_ptr().addr()));
        (0..1000).for_each(|number| longer.push(number));
        assert!(!locked(pieces).contain(longer.as_ptr().addr()));
        assert!(longer.iter().copied().eq(0..1000));
        let usual: Column<u32, Memory> = Column::with_capacity_in(10, Memory::default());
        assert!(!locked(pieces).contain(usual.as_ptr().addr()));
    }
}
