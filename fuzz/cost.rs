//! What a reader costs, counted and not timed: the bytes that it asks the allocator for. Who copies, buffers or
//! remembers more than in proportion to what it was given shows here, whatever else the machine does.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

fn count(bytes: usize) {
    // While a thread ends there is nothing left to count.
    let _ = ASKED.try_with(|asked| asked.set(asked.get().wrapping_add(bytes)));
}

// SAFETY: everything is the system's, which is asked once for each call.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as our caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: as our caller promised.
        unsafe { System.dealloc(start, layout) }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.saturating_sub(layout.size()));
        // SAFETY: as our caller promised.
        unsafe { System.realloc(start, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs a reader of `given` bytes, which may ask for `most` bytes for each of them, and 16 KiB besides.
pub fn within<T>(given: usize, most: usize, read: impl FnOnce() -> T) -> T {
    let before = ASKED.get();
    let value = read();
    let asked = ASKED.get().wrapping_sub(before);
    assert!(asked <= 16 * 1024 + most * given, "{asked} bytes were allocated for {given}");
    value
}
