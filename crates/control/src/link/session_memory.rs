//! Memory accounting: what libssh2 holds for the sessions of one thread, counted by the allocator that it is given.
//!
//! libssh2 keeps each packet that nobody has read until its session ends: answers to questions that nobody asked, the
//! other stream of a channel, types that it does not know. How much that is it tells nobody, and what came in less what
//! was read is no measure of it: packets of one byte cost a hundred. So its memory is counted where it is taken.

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::LazyLock;

use libssh2_sys::{
    LIBSSH2_ALLOC_FUNC, LIBSSH2_FREE_FUNC, LIBSSH2_REALLOC_FUNC, LIBSSH2_SESSION, libssh2_session_free,
    libssh2_session_init_ex,
};
use ssh2::{ErrorCode, Session};

/// `LIBSSH2_ERROR_BAD_USE`
const BAD_USE: i32 = -39;

unsafe extern "C" {
    fn malloc(size: usize) -> *mut c_void;
    fn realloc(block: *mut c_void, size: usize) -> *mut c_void;
    fn free(block: *mut c_void);
    fn malloc_usable_size(block: *mut c_void) -> usize;
}

/// What each block counts as beside its bytes. libssh2 looks through its packets one by one, and through all of them for
/// each that it takes out: of short ones there must not be many, long before they are much.
const BLOCK: u64 = 1024;

thread_local! {
    static HELD: Cell<u64> = const { Cell::new(0) };
}

/// In bytes, with what each block counts as, by all sessions of this thread.
pub(super) fn held() -> u64 {
    HELD.get()
}

/// How a session begins, in every libssh2. Its allocator can be given to it only when it is made, and `ssh2` makes it.
#[repr(C)]
struct SessionHead {
    abstracted: *mut c_void,
    alloc: LIBSSH2_ALLOC_FUNC,
    realloc: LIBSSH2_REALLOC_FUNC,
    free: LIBSSH2_FREE_FUNC,
}

/// Whether the library that we are linked with keeps to that.
static IS_SO: LazyLock<bool> = LazyLock::new(|| {
    // SAFETY: the functions are of the types that libssh2 asks for. A session is larger than its head by far, and words
    // of it are compared as words, whatever they are. It is freed once, and nobody else has it.
    unsafe {
        let made =
            libssh2_session_init_ex(Some(counted_alloc), Some(counted_free), Some(counted_realloc), NOBODY);
        if made.is_null() {
            return false;
        }
        let words = made.cast::<[usize; 4]>().read();
        let [alloc, realloc, free] = [
            counted_alloc as *const () as usize,
            counted_realloc as *const () as usize,
            counted_free as *const () as usize,
        ];
        libssh2_session_free(made);
        words[1..] == [alloc, realloc, free]
    }
});

const NOBODY: *mut c_void = std::ptr::null_mut();

/// From now on what the session holds is counted on the thread on which it is used.
pub(super) fn count(session: &Session) -> Result<(), ssh2::Error> {
    if !*IS_SO {
        let what = "this libssh2 does not let its memory be counted";
        return Err(ssh2::Error::new(ErrorCode::Session(BAD_USE), what));
    }
    let mut raw = session.raw();
    let raw: *mut LIBSSH2_SESSION = &raw mut *raw;
    // SAFETY: so does a session begin, as was tried. The functions that were there are `malloc`, `realloc` and `free`, so
    // ours may free what they made.
    unsafe {
        let head = raw.cast::<SessionHead>();
        (*head).alloc = counted_alloc;
        (*head).realloc = counted_realloc;
        (*head).free = counted_free;
        taken(raw.cast());
    }
    Ok(())
}

/// # Safety
/// The block is one of `malloc`'s, or null.
unsafe fn taken(block: *mut c_void) {
    // SAFETY: as the caller promises.
    HELD.set(HELD.get().saturating_add(unsafe { weight(block) }));
}

/// # Safety
/// The block is one of `malloc`'s, or null.
unsafe fn given_back(block: *mut c_void) {
    // SAFETY: as the caller promises.
    HELD.set(HELD.get().saturating_sub(unsafe { weight(block) }));
}

/// # Safety
/// The block is one of `malloc`'s, or null.
unsafe fn weight(block: *mut c_void) -> u64 {
    if block.is_null() {
        return 0;
    }
    // SAFETY: as the caller promises.
    BLOCK + unsafe { malloc_usable_size(block) } as u64
}

extern "C" fn counted_alloc(size: usize, _: *mut *mut c_void) -> *mut c_void {
    // SAFETY: any size may be asked for, and what was made is counted while it is there.
    unsafe {
        let block = malloc(size);
        taken(block);
        block
    }
}

extern "C" fn counted_realloc(block: *mut c_void, size: usize, _: *mut *mut c_void) -> *mut c_void {
    // SAFETY: libssh2 hands over a block that it had from here. Where there is no other, it keeps that one.
    unsafe {
        given_back(block);
        let other = realloc(block, size);
        taken(if other.is_null() { block } else { other });
        other
    }
}

extern "C" fn counted_free(block: *mut c_void, _: *mut *mut c_void) {
    // SAFETY: libssh2 hands over a block that it had from here, or null, and does not use it again.
    unsafe {
        given_back(block);
        free(block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_session_takes_is_counted_until_it_is_given_back() {
        assert_eq!(held(), 0, "a thread of its own");
        let session = Session::new().expect("is made");
        count(&session).expect("is counted");
        let alone = held();
        assert!(alone > 1000, "{alone}");
        let mut hosts = session.known_hosts().expect("are kept");
        let line = format!("{} ssh-ed25519 {}", "h".repeat(200), "A".repeat(68));
        for _ in 0..200 {
            hosts.read_str(&line, ssh2::KnownHostFileKind::OpenSSH).expect("is a line");
        }
        assert!(held() > alone + 50_000, "{}", held());
        drop((hosts, session));
        assert_eq!(held(), 0, "all of it was given back");
    }
}
