//! Memory mapping: the one in which a worker lives.
//!
//! ```text
//! base      base + 4 KiB    base + 388 KiB                             base + length
//!  | roots   | prelude       | engine context, heap ->        <- stack  |
//! ```
//!
//! The first page holds the engine's roots and the next ones the compiled prelude, so that every pointer
//! from the heap to the outside of the heap stays inside the mapping or points into the binary. In a vault the mapping is at one fixed
//! address of a binary without PIE: between two calls its bytes are the worker, and may be written out
//! and mapped again in another process of the same build (design §9).

use std::ptr::NonNull;

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// Where a vault maps a heap. Far above a static binary and its `brk`, far below the kernel's choice of
/// address for anything else, and representable with 39 bits, as small aarch64 kernels have it.
pub const FIXED_BASE: usize = 0x10_0000_0000;

/// The engine crashes instead of answering when it has no room for its own objects.
pub const LEAST_HEAP_BYTES: usize = 64 * 1024;

/// More than any limit allows; the engine counts some sizes in 32 bits.
const MOST_HEAP_BYTES: usize = 1024 * 1024 * 1024;

/// The engine keeps the places of its stack's frames, counted from its first byte, as numbers of 31 bits with
/// a sign: what would end beyond them is not given to it.
const MOST_ENGINE_BYTES: usize = (1 << 30) - PAGE;

const PAGE: usize = 4096;

/// For the compiled prelude. What it does not use costs nothing.
const CODE: usize = 384 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    #[error("a heap of {bytes} bytes is outside {LEAST_HEAP_BYTES} to {MOST_HEAP_BYTES}")]
    Size { bytes: u64 },
    #[error("mapping a heap of {bytes} bytes")]
    Map {
        bytes: usize,
        #[source]
        source: rustix::io::Errno,
    },
}

/// Owns the mapping; what lies in it must be dropped first.
pub struct Memory {
    base: NonNull<u8>,
    length: usize,
}

/// Where the mapping goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapAddress {
    /// At [`FIXED_BASE`], for a heap that may travel. One at a time in a process.
    Fixed,
    Anywhere,
}

impl Memory {
    pub fn map(place: MapAddress, heap_bytes: u64) -> Result<Self, MemoryError> {
        let bytes = usize::try_from(heap_bytes).unwrap_or(usize::MAX);
        if !(LEAST_HEAP_BYTES..=MOST_HEAP_BYTES).contains(&bytes) {
            return Err(MemoryError::Size { bytes: heap_bytes });
        }
        let length = PAGE + CODE + bytes.next_multiple_of(PAGE);
        let (address, flags) = match place {
            MapAddress::Fixed => (FIXED_BASE as *mut _, MapFlags::FIXED_NOREPLACE),
            MapAddress::Anywhere => (std::ptr::null_mut(), MapFlags::empty()),
        };
        let flags = flags | MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: FIXED_NOREPLACE fails instead of replacing what is mapped, so this is always new memory.
        let address = unsafe { mmap_anonymous(address, length, ProtFlags::READ | ProtFlags::WRITE, flags) };
        let address = address.map_err(|source| MemoryError::Map { bytes: length, source })?;
        let base = NonNull::new(address.cast::<u8>()).expect("a mapping is never at address zero");
        Ok(Self { base, length })
    }

    /// The page of roots.
    pub fn roots(&self) -> NonNull<u8> {
        self.base
    }

    /// Puts compiled code where the engine may point at it: for as long as the mapping lives.
    pub fn place(&self, code: &[u8]) -> NonNull<u8> {
        assert!(code.len() <= CODE, "the prelude has outgrown its place");
        // SAFETY: the part is ours, `CODE` long, and nobody refers to what is in it before this.
        unsafe {
            let at = self.base.add(PAGE);
            at.copy_from_nonoverlapping(NonNull::from(code).cast(), code.len());
            at
        }
    }

    /// The engine's part, as address and length.
    pub fn heap(&self) -> (NonNull<u8>, usize) {
        // SAFETY: every mapping is longer than these two parts by at least a least heap.
        (unsafe { self.base.add(PAGE + CODE) }, (self.length - PAGE - CODE).min(MOST_ENGINE_BYTES))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and its user is gone by contract; failure would only leak it.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.length) };
    }
}
