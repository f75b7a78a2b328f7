//! I/O readiness: registering descriptors with the runtime.
//!
//! tokio cannot know that a type keeps answering with the same open descriptor while it is
//! registered; if it did not, the runtime would watch somebody else's. [`StableFd`] is that promise,
//! given once for each type that we register.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// # Safety
/// `as_raw_fd` must give the same open descriptor for as long as the value lives, also when it is
/// moved.
pub unsafe trait StableFd: AsRawFd {}

// SAFETY: an owned descriptor is open until it is dropped, and cannot be exchanged.
unsafe impl StableFd for OwnedFd {}
// SAFETY: the owner outlives the borrow and cannot close it meanwhile.
unsafe impl StableFd for BorrowedFd<'_> {}

/// Must be called within a tokio runtime.
pub fn register<T: StableFd>(inner: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    // SAFETY: what tokio asks for is the contract of `StableFd`.
    unsafe { AsyncFd::register_with_interest(inner, interest) }.map_err(io::Error::from)
}
