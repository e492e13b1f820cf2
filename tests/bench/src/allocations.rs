//! An allocator that counts what each thread asks it for.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

/// The system's allocator, counted.
pub struct Counting;

/// What the current thread has asked for since it began: a growing allocation counts again.
pub fn count() -> u64 {
    COUNT.get()
}

/// The bytes that the current thread has asked for and not given back.
pub fn bytes() -> i64 {
    BYTES.get()
}

fn note(count: u64, bytes: i64) {
    // A thread that ends has no counters any more.
    let _ended = COUNT.try_with(|counter| counter.set(counter.get() + count));
    let _ended = BYTES.try_with(|counter| counter.set(counter.get() + bytes));
}

fn size(bytes: usize) -> i64 {
    bytes.try_into().unwrap_or(i64::MAX)
}

// SAFETY: every call goes to the system's allocator as it came; the counters do not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, size(layout.size()));
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(1, size(layout.size()));
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(0, -size(layout.size()));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        note(1, size(new_size) - size(layout.size()));
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}
