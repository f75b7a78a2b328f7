//! Resource limits of files: how many files this process may have open, how long one may grow, and how much of one is
//! read.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Takes what the administrator allows, in place of the default, which is kept low for programs that
/// use select(2). Not for a process that starts others: they would inherit it.
pub fn raise_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where it is refused, the limit stays, and opening too many says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

extern "C" fn go_on(_: libc::c_int) {}

/// Who writes beyond `ulimit -f` is told so by an error instead of being killed without a word. What is started from
/// here has the usual end again: a handler is not inherited, and that a signal is ignored would be.
pub fn outlive_size_limit() {
    // SAFETY: the handler does nothing. Where it cannot be had, everything is as it was.
    unsafe { libc::signal(libc::SIGXFSZ, go_on as *const () as libc::sighandler_t) };
}

/// All of a file that has at most so many bytes. Its length is not asked: a device has none.
pub fn read(path: impl AsRef<Path>, most: usize) -> io::Result<Vec<u8>> {
    read_from(File::open(path)?, most)
}

/// The same of what is open.
pub fn read_from(from: impl io::Read, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    from.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is longer than {}", shown(most)),
        ));
    }
    Ok(bytes)
}

/// Limits are round in one unit or the other.
fn shown(bytes: usize) -> String {
    const MIB: usize = 1 << 20;
    match bytes {
        bytes if bytes >= MIB && bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        bytes if bytes >= 1024 && bytes.is_multiple_of(1024) => format!("{} KiB", bytes / 1024),
        bytes => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_end_is_not_read_to_its_end() {
        let error = read("/dev/zero", 1000).expect_err("is too long");
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read("/dev/null", 0).expect("is empty"), b"");
    }
}
