//! Memory brought into a processor's cache before it is used, so that nobody waits for it then.

/// Bytes in a line of cache.
pub const LINE: usize = 64;

/// Has a line of memory brought.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[expect(unsafe_code, reason = "a hint that the library offers for pointers only")]
pub fn bring<T: Copy>(thing: &T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: the instruction is part of every x86-64 processor (SSE). It reads nothing into the program, writes nothing,
    // and ignores an address that cannot be read; this one is that of a reference, which can.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(thing).cast()) }
}

/// Has a line of memory brought, by reading from it: elsewhere there is no such hint that is stable.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub fn bring<T: Copy>(thing: &T) {
    std::hint::black_box(*thing);
}
