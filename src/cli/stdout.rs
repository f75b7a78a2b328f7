//! Standard output: the one way to it.
//!
//! Rust's runtime opens /dev/null in the place of a standard descriptor that is closed (`hauki clone w.js >&-`), and
//! what is written there would vanish as if somebody had read it. So this looks before the runtime does, and writes
//! nothing where nothing was open.

use std::io::{self, Write as _};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::{AutoStream, ColorChoice};
use rustix::io::Errno;

const NUMBER: i32 = 1;

static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Runs before main() and the runtime's own preparations.
#[used]
// SAFETY: the loader calls what stands in this section as functions without results, and ours needs nothing
// that is not there yet: one system call and one store.
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

extern "C" fn look() {
    // SAFETY: the number is only asked about, whatever is or is not behind it.
    let output = unsafe { BorrowedFd::borrow_raw(NUMBER) };
    WAS_CLOSED.store(rustix::io::fcntl_getfd(output) == Err(Errno::BADF), Ordering::Relaxed);
}

/// Refuses as the kernel would have.
pub(crate) fn check() -> io::Result<()> {
    if WAS_CLOSED.load(Ordering::Relaxed) { Err(Errno::BADF.into()) } else { Ok(()) }
}

/// All of it, at once.
pub(crate) fn write(text: &str) -> io::Result<()> {
    check()?;
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// A line, whose end is not in the text.
pub(crate) fn line(text: &str) -> io::Result<()> {
    check()?;
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// All of it, with our styles, for whoever may see them.
pub(crate) fn colored(choice: ColorChoice, text: &str) -> io::Result<()> {
    check()?;
    let mut out = AutoStream::new(io::stdout(), choice);
    out.write_all(text.as_bytes())?;
    out.flush()
}
