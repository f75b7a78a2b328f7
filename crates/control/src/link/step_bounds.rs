//! Step bounds: the time that one step with a server may take, the bytes that it may send meanwhile and what of them is kept.
//!
//! libssh2's own timeout counts waiting alone, so a peer that always has bytes is never late, and what it sends beside
//! the answer is kept until the session ends (`session_memory`). So libssh2 reads through a function of ours. A session is used on the
//! thread that made it, and so the bounds are the thread's; without any it reads as before.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use libssh2_sys::LIBSSH2_SESSION;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use ssh2::Session;

use super::session_memory;
use hauki_contract::model::lease::Mono;
use hauki_contract::model::units::show_size;
use hauki_contract::system::clock;

/// `LIBSSH2_CALLBACK_RECV`
const CALLBACK_RECV: c_int = 6;
/// So much libssh2 may hold for a session, beside what its channels may have.
pub(super) const MOST_HELD: u64 = 16 << 20;
/// libssh2's own timeout, which is as long as a step's, may be the first by so much.
const NEARLY_US: u64 = 100_000;

type Receive = unsafe extern "C" fn(c_int, *mut c_void, usize, c_int, *mut *mut c_void) -> isize;

unsafe extern "C" {
    // It is a part of every libssh2; libssh2-sys has not written it down.
    fn libssh2_session_callback_set(
        session: *mut LIBSSH2_SESSION,
        kind: c_int,
        callback: *mut c_void,
    ) -> *mut c_void;
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct StepBounds {
    pub(crate) time: Duration,
    pub(crate) bytes: u64,
}

/// Why a step was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Overstep {
    #[error("it took longer than {} s", seconds)]
    Late { seconds: u64 },
    #[error("more than {} came from there", show_size(*bytes))]
    Flood { bytes: u64 },
    #[error("more than {} came from there that nobody had asked for", show_size(*bytes))]
    Hoard { bytes: u64 },
}

#[derive(Clone, Copy)]
struct Allowance {
    until: Option<Mono>,
    bytes: u64,
    flooded: bool,
    /// In libssh2.
    most_held: u64,
    /// What libssh2 is told when nothing is left.
    word: Errno,
}

thread_local! {
    static LEFT: Cell<Option<Allowance>> = const { Cell::new(None) };
}

/// Puts back what was there before, when it is dropped.
struct HeldBounds(Option<Allowance>);

impl HeldBounds {
    fn new(left: Allowance) -> Self {
        Self(LEFT.replace(Some(left)))
    }
}

impl Drop for HeldBounds {
    fn drop(&mut self) {
        LEFT.set(self.0);
    }
}

impl StepBounds {
    /// Does one step. What fails beyond the bounds failed because of them; the session is of no use then.
    pub(crate) fn hold<T, E>(self, step: impl FnOnce() -> Result<T, E>) -> Result<Result<T, E>, Overstep> {
        let Self { time, bytes } = self;
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let until = clock::mono().plus_ms(millis);
        let _held = HeldBounds::new(Allowance {
            until: Some(until),
            bytes,
            flooded: false,
            most_held: MOST_HELD,
            word: Errno::CONNABORTED,
        });
        let done = step();
        match LEFT.get() {
            _ if done.is_ok() => Ok(done),
            Some(Allowance { flooded: true, .. }) => Err(Overstep::Flood { bytes }),
            _ if is_full(MOST_HELD) => Err(Overstep::Hoard { bytes: MOST_HELD }),
            _ if until.since(clock::mono()) < NEARLY_US => Err(Overstep::Late { seconds: time.as_secs() }),
            _ => Ok(done),
        }
    }
}

/// Whether nothing more is read before something of it is given back.
pub(super) fn is_full(most_held: u64) -> bool {
    session_memory::held() > most_held
}

/// One round of a session that does not block: after so many bytes, or when it is full, it is as if no more were there
/// yet, so that its owner sees to the rest of the world. With it how many bytes came.
pub(super) fn round<T>(bytes: u64, most_held: u64, round: impl FnOnce() -> T) -> (T, u64) {
    let _held =
        HeldBounds::new(Allowance { until: None, bytes, flooded: false, most_held, word: Errno::AGAIN });
    let done = round();
    (done, bytes - LEFT.get().map_or(bytes, |left| left.bytes))
}

/// A session that keeps to the bounds of the thread.
pub(super) fn session() -> Result<Session, ssh2::Error> {
    let session = Session::new()?;
    let receive: Receive = receive;
    let mut raw = session.raw();
    // SAFETY: the session lives, nobody else uses it yet, and this is the type that libssh2 has for that callback.
    unsafe { libssh2_session_callback_set(&raw mut *raw, CALLBACK_RECV, receive as *mut c_void) };
    drop(raw);
    session_memory::count(&session)?;
    Ok(session)
}

/// In place of `recv(2)`: a count, or an error's number below zero.
unsafe extern "C" fn receive(
    socket: c_int,
    buffer: *mut c_void,
    length: usize,
    flags: c_int,
    _: *mut *mut c_void,
) -> isize {
    let failed = |errno: Errno| -(errno.raw_os_error() as isize);
    let mut left = LEFT.get();
    if is_full(left.map_or(MOST_HELD, |left| left.most_held)) {
        return failed(left.map_or(Errno::CONNABORTED, |left| left.word));
    }
    let mut room = length;
    if let Some(left) = &mut left {
        left.flooded |= left.bytes == 0;
        LEFT.set(Some(*left));
        if left.flooded || left.until.is_some_and(|until| clock::mono() >= until) {
            return failed(left.word);
        }
        room = length.min(usize::try_from(left.bytes).unwrap_or(usize::MAX));
    }
    // SAFETY: libssh2 asks for `length` bytes into a buffer of its own, from a socket that is open as long as the call.
    let (bytes, socket) = unsafe {
        (
            std::slice::from_raw_parts_mut(buffer.cast::<MaybeUninit<u8>>(), room),
            BorrowedFd::borrow_raw(socket),
        )
    };
    match recv(socket, bytes, RecvFlags::from_bits_retain(flags.cast_unsigned())) {
        Ok((_, count)) => {
            if let Some(left) = &mut left {
                left.bytes = left.bytes.saturating_sub(count as u64);
                LEFT.set(Some(*left));
            }
            count.cast_signed()
        }
        Err(Errno::INTR) => failed(Errno::AGAIN),
        Err(errno) => failed(errno),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use super::*;

    /// A session with a server that says that for ever, once each `pause`.
    fn with_server(words: &'static [u8], pause: Duration) -> Session {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let place = listener.local_addr().expect("is bound");
        thread::spawn(move || {
            let (mut client, _) = listener.accept().expect("somebody comes");
            while client.write_all(words).is_ok() {
                thread::sleep(pause);
            }
        });
        let mut session = session().expect("is made");
        session.set_timeout(20_000);
        session.set_tcp_stream(TcpStream::connect(place).expect("connects"));
        session
    }

    /// It would never end.
    #[test]
    fn a_server_that_always_has_bytes_is_late_or_floods() {
        let pause = Duration::from_millis(10);
        for (words, pause, bytes, overstep) in [
            (b"hello there\r\n".as_slice(), pause, 1 << 20, Overstep::Late { seconds: 1 }),
            (b"a".as_slice(), pause, 1 << 20, Overstep::Late { seconds: 1 }),
            (&[b'\n'; 4096], Duration::ZERO, 64 << 10, Overstep::Flood { bytes: 64 << 10 }),
            (&[b'a'; 4096], Duration::ZERO, 64 << 10, Overstep::Flood { bytes: 64 << 10 }),
        ] {
            let mut session = with_server(words, pause);
            let since = clock::mono();
            let held = StepBounds { time: Duration::from_secs(1), bytes }.hold(|| session.handshake());
            let ms = clock::mono().since(since) / 1000;
            assert_eq!(held.expect_err("oversteps"), overstep, "after {ms} ms");
            assert!(ms < 10_000, "{ms} ms");
        }
    }

    #[test]
    fn a_round_ends_though_the_server_does_not() {
        let mut session = with_server(&[b'\n'; 4096], Duration::ZERO);
        session.set_blocking(false);
        for _ in 0..3 {
            let error = round(64 << 10, MOST_HELD, || session.handshake()).0.expect_err("is no server");
            assert_eq!(error.code(), ssh2::ErrorCode::Session(super::super::pipe::EAGAIN), "{error}");
        }
    }

    #[test]
    fn what_fails_by_itself_is_told_as_it_is() {
        let bounds = StepBounds { time: Duration::from_secs(9), bytes: 9 };
        assert_eq!(bounds.hold(|| Err::<(), _>("no")), Ok(Err("no")));
        assert!(LEFT.get().is_none(), "the bounds go with the step");
    }
}
