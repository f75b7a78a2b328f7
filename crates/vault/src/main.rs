//! Pid 1 inside a vault; see [`hauki_vault`].

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::ExitCode;
use std::ptr;

use dlmalloc::GlobalDlmalloc;

/// Memory for the init. musl maps and unmaps each buffer of 64 KiB anew, which costs a call more than the
/// call; dlmalloc keeps what it once had, and a vault that has seen a few large messages would never come
/// back below its limit. So the one has the large blocks and the other all else.
struct Allocator;

const LARGE: usize = 1 << 20;

impl Allocator {
    fn of(size: usize) -> &'static dyn GlobalAlloc {
        if size < LARGE { &GlobalDlmalloc } else { &System }
    }
}

// SAFETY: each block is given back to the one that it came from, which its size tells; both keep the contract.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { Self::of(layout.size()).alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { Self::of(layout.size()).alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { Self::of(layout.size()).dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if (layout.size() < LARGE) == (size < LARGE) {
            // SAFETY: the caller's promise; the block is and stays of the same one.
            return unsafe { Self::of(size).realloc(block, layout, size) };
        }
        // SAFETY: the caller promises that `size`, rounded up to the alignment, is no overflow, and that the
        // block is one of `layout`; the new one is another, and as long as what is copied.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, size.min(layout.size()));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

#[global_allocator]
static MEMORY: Allocator = Allocator;

fn main() -> ExitCode {
    hauki_vault::run()
}
