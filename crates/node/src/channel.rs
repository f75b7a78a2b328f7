//! Channel of a vault, the node's end: many writers that never wait, one reader.
//!
//! A writer appends a frame and tries to send at once, which nearly always works and spares the
//! wake-up of another task. What the socket does not take stays in the buffer; the supervisor sends the
//! rest when the socket has room.
//!
//! A long frame is charged to whoever sent it until the vault has taken it: one that does not read would otherwise keep
//! what it was sent at nobody's expense.
//!
//! Only reading is registered with the runtime. A Unix socket announces room for writing after every
//! frame that the other side takes, and each announcement would wake a shard that waits for an answer,
//! in the middle of every call.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{SendFlags, send};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;

use hauki_contract::rpc::channel;
use hauki_sandbox::stable_fd::register;

const CHUNK: usize = 16 * 1024;
/// What is kept for the next frames.
const KEPT: usize = 64 * 1024;
const RETRY: Duration = Duration::from_millis(10);

/// No vault's socket holds more, as long as nobody raises `net.core.wmem_max` far beyond what is usual.
const MOST_LEFT: usize = 1024 * 1024;

/// Callers wait while more than this is unsent.
pub(crate) const SOFT_LIMIT: usize = 4 * 1024 * 1024;

/// Who pays for a frame, and how much of it there is still.
pub trait FrameCharge: Send {
    fn keep(&mut self, bytes: usize);
}

struct ChargedFrame {
    end: usize,
    length: usize,
    charge: Box<dyn FrameCharge>,
}

pub struct VaultChannel {
    stream: AsyncFd<OwnedFd>,
    unsent: Mutex<UnsentFrames>,
    /// The supervisor must wait for the socket.
    pub blocked: Notify,
    /// There is room for callers again.
    pub room: Notify,
}

#[derive(Default)]
struct UnsentFrames {
    bytes: Vec<u8>,
    sent: usize,
    /// Where some frame begins that was not sent as a whole when this was last looked for.
    begun: usize,
    /// The long ones, in their order.
    charged: VecDeque<ChargedFrame>,
}

impl UnsentFrames {
    /// Where the first frame begins of which nothing has been sent.
    fn next_frame(&mut self) -> usize {
        while self.begun < self.sent {
            self.begun += channel::length(&self.bytes[self.begun..]).unwrap_or(self.bytes.len());
        }
        self.begun
    }

    /// What was sent is nobody's any more.
    fn settle(&mut self) {
        while let Some(first) = self.charged.front_mut() {
            let left = first.end.saturating_sub(self.sent);
            if left > 0 {
                return first.charge.keep(left.min(first.length));
            }
            self.charged.pop_front();
        }
    }
}

impl VaultChannel {
    /// Must be called on the shard that will use it.
    pub fn new(channel: OwnedFd) -> io::Result<Self> {
        ioctl_fionbio(&channel, true)?;
        Ok(Self {
            stream: register(channel, Interest::READABLE)?,
            unsent: Mutex::default(),
            blocked: Notify::new(),
            room: Notify::new(),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, UnsentFrames> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn is_full(&self) -> bool {
        let unsent = self.lock();
        unsent.bytes.len() - unsent.sent > SOFT_LIMIT
    }

    /// Appends one frame; [`VaultChannel::send`] moves it.
    pub fn push(&self, encode: impl FnOnce(&mut Vec<u8>)) {
        encode(&mut self.lock().bytes);
    }

    /// A whole frame, which is copied only where others wait before it.
    pub fn push_whole(&self, frame: Vec<u8>, mut charge: Box<dyn FrameCharge>) {
        let length = frame.len();
        charge.keep(length);
        let mut unsent = self.lock();
        if unsent.bytes.is_empty() {
            unsent.bytes = frame
        } else {
            unsent.bytes.extend(frame)
        }
        let end = unsent.bytes.len();
        unsent.charged.push_back(ChargedFrame { end, length, charge });
    }

    /// As [`VaultChannel::push`], but in front of every frame that nobody has begun to send.
    pub fn push_first(&self, encode: impl FnOnce(&mut Vec<u8>)) {
        let mut frame = Vec::new();
        encode(&mut frame);
        let mut unsent = self.lock();
        let at = unsent.next_frame();
        let behind = unsent.charged.iter_mut().filter(|charged| charged.end > at);
        behind.for_each(|charged| charged.end += frame.len());
        unsent.bytes.splice(at..at, frame);
    }

    /// Sends what the socket takes now. A broken channel is the supervisor's to notice.
    pub fn send(&self) {
        let mut unsent = self.lock();
        let was_full = unsent.bytes.len() - unsent.sent > SOFT_LIMIT;
        while unsent.sent < unsent.bytes.len() {
            match send(self.stream.get_ref(), &unsent.bytes[unsent.sent..], SendFlags::NOSIGNAL) {
                Ok(count) => unsent.sent += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    self.blocked.notify_one();
                    break;
                }
                Err(_) => {
                    unsent.sent = unsent.bytes.len();
                }
            }
        }
        unsent.settle();
        let mut spent = Vec::new();
        if unsent.sent == unsent.bytes.len() {
            unsent.bytes.clear();
            (unsent.sent, unsent.begun) = (0, 0);
            // However little of it was left for this time.
            if unsent.bytes.capacity() > KEPT {
                spent = std::mem::take(&mut unsent.bytes);
            }
        } else if unsent.sent > (SOFT_LIMIT / 4).max(unsent.bytes.len() / 2) {
            // Each byte is moved once at most, and not with each piece that is taken of a long frame.
            let next = unsent.next_frame();
            let sent = std::mem::take(&mut unsent.sent);
            unsent.bytes.drain(..sent);
            unsent.begun = next - sent;
            unsent.charged.iter_mut().for_each(|charged| charged.end -= sent);
        }
        let is_full = unsent.bytes.len() - unsent.sent > SOFT_LIMIT;
        drop(unsent);
        drop(spent);
        if was_full && !is_full {
            self.room.notify_waiters();
        }
    }

    /// Resolves when the socket may take more.
    pub async fn writable(&self) {
        // A descriptor of its own, for as long as this is waited for.
        let watched = self.stream.get_ref().try_clone();
        match watched.and_then(|stream| register(stream, Interest::WRITABLE)) {
            Ok(watched) => drop(watched.writable().await),
            // Out of descriptors: others will close some.
            Err(_) => tokio::time::sleep(RETRY).await,
        }
    }

    /// Appends what has arrived to `buffer`; zero is the end. For one reader at a time.
    pub async fn read(&self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        loop {
            let mut ready = poll_fn(|cx| self.stream.poll_read_ready(cx)).await?;
            buffer.reserve(CHUNK);
            let room = buffer.capacity() - buffer.len();
            match rustix::io::read(self.stream.get_ref(), spare_capacity(buffer)) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => ready.clear_ready(),
                Ok(count) => {
                    // All that there was: what comes from now on is announced anew.
                    if count > 0 && count < room {
                        ready.clear_ready();
                    }
                    return Ok(count);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Appends what is still there, without waiting.
    pub fn read_rest(&self, buffer: &mut Vec<u8>) {
        let most = buffer.len() + MOST_LEFT;
        while buffer.len() < most {
            buffer.reserve(CHUNK);
            match rustix::io::read(self.stream.get_ref(), spare_capacity(buffer)) {
                Err(Errno::INTR) => {}
                Ok(1..) => {}
                Ok(0) | Err(_) => break,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// One that others can look at.
    #[derive(Default)]
    struct Purse(Arc<AtomicUsize>);

    impl FrameCharge for Purse {
        fn keep(&mut self, bytes: usize) {
            self.0.store(bytes, Ordering::Relaxed);
        }
    }

    impl Drop for Purse {
        fn drop(&mut self) {
            self.0.store(0, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn a_long_frame_is_charged_for_until_the_vault_has_taken_it() {
        let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().expect("a pair");
        let pipe = VaultChannel::new(ours.into()).expect("a pipe");
        let purses: [Arc<AtomicUsize>; 3] = Default::default();
        let charged = || purses.each_ref().map(|purse| purse.load(Ordering::Relaxed));
        let long = 8_000_004;
        for purse in &purses {
            pipe.push_whole(frame(b'l', 8_000_000), Box::new(Purse(purse.clone())));
        }
        assert_eq!(charged(), [long; 3]);
        let mut most = [long; 3];
        let (mut came, mut bytes) = (0, vec![0; 100_000]);
        while came < 3 * long + 9 {
            pipe.send();
            if came == 0 {
                // What goes before them is no part of them.
                pipe.push_first(|out| out.extend(frame(b'a', 5)));
            }
            let now = charged();
            assert!(now.iter().zip(most).all(|(now, most)| *now <= most), "{now:?}");
            // What is charged is what has not been sent, but for the answer.
            let unsent = pipe.lock();
            let unsent = unsent.bytes.len() - unsent.sent;
            assert!((unsent.saturating_sub(9)..=unsent).contains(&now.iter().sum()), "{now:?} of {unsent}");
            most = now;
            came += std::io::Read::read(&mut theirs, &mut bytes).expect("is open");
        }
        assert_eq!(charged(), [0; 3]);
        pipe.push_whole(frame(b'l', 8_000_000), Box::new(Purse(purses[0].clone())));
        pipe.send();
        assert!(charged()[0] > 0);
        drop(theirs);
        pipe.send();
        assert_eq!(charged(), [0; 3], "nobody takes it any more");
    }

    fn frame(letter: u8, length: u32) -> Vec<u8> {
        [&length.to_le_bytes()[..], &vec![letter; length as usize]].concat()
    }

    #[test]
    fn an_answer_goes_before_what_has_not_begun_and_never_into_a_frame() {
        let mut unsent = UnsentFrames::default();
        for letter in [b'a', b'b', b'c'] {
            unsent.bytes.extend(frame(letter, 10));
        }
        for (sent, next) in [(0, 0), (1, 14), (14, 14), (15, 28), (28, 28), (41, 42), (42, 42)] {
            unsent.sent = sent;
            assert_eq!(unsent.next_frame(), next, "{sent} bytes were sent");
        }
    }

    #[tokio::test]
    async fn what_the_dead_have_said_is_there_to_the_last_byte() {
        let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().expect("a pair");
        let pipe = VaultChannel::new(ours.into()).expect("a pipe");
        let said = vec![b'x'; 3 * CHUNK + 5];
        std::io::Write::write_all(&mut theirs, &said).expect("has room");
        let mut rest = b"before".to_vec();
        pipe.read_rest(&mut rest);
        assert_eq!(rest.len(), 6 + said.len(), "the other end is open: nobody waits for more");
        drop(theirs);
        pipe.read_rest(&mut rest);
        assert_eq!(rest.len(), 6 + said.len());
    }

    #[tokio::test]
    async fn a_long_frame_is_not_copied_and_leaves_nothing_behind() {
        let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().expect("a pair");
        let pipe = VaultChannel::new(ours.into()).expect("a pipe");
        let long = frame(b'l', 3_000_000);
        let at = long.as_ptr();
        pipe.push_whole(long, Box::<Purse>::default());
        assert_eq!(pipe.lock().bytes.as_ptr(), at);
        pipe.push_whole(frame(b's', 5), Box::<Purse>::default());
        let mut came = vec![0; 3_000_004 + 9];
        let (mut count, mut most) = (0, 0);
        while count < came.len() {
            pipe.send();
            most = most.max(pipe.lock().bytes.capacity());
            count += std::io::Read::read(&mut theirs, &mut came[count..]).expect("is open");
        }
        assert!(came[4] == b'l' && came[3_000_003] == b'l' && came[3_000_008..] == *b"sssss");
        assert!(most >= 3_000_000 && pipe.lock().bytes.capacity() <= KEPT);
    }

    #[tokio::test]
    async fn frames_stay_whole_while_answers_overtake_them() {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().expect("a pair");
        theirs.set_nonblocking(true).expect("is open");
        let theirs = tokio::net::UnixStream::from_std(theirs).expect("is a socket");
        let pipe = VaultChannel::new(ours.into()).expect("a pipe");
        let (calls, answers) = (100, 20);
        for call in 0..calls {
            pipe.push(|out| out.extend(frame(b'c', 20_000 + call)));
        }
        let mut bytes = Vec::new();
        let mut said = 0;
        let total = calls as usize * 20_004 + 4950 + answers * 9;
        while bytes.len() < total {
            pipe.send();
            if said < answers {
                pipe.push_first(|out| out.extend(frame(b'a', 5)));
                said += 1;
            }
            let waits = !pipe.lock().bytes.is_empty();
            tokio::select! {
                ready = theirs.readable() => ready.expect("is open"),
                () = pipe.writable(), if waits => {}
            }
            let mut taken = [0; CHUNK];
            if let Ok(count) = theirs.try_read(&mut taken) {
                bytes.extend_from_slice(&taken[..count]);
            }
        }
        let (mut at, mut seen) = (0, Vec::new());
        while at < bytes.len() {
            let length = channel::length(&bytes[at..]).expect("begins a frame");
            let body = &bytes[at + 4..at + length];
            assert!(body.iter().all(|letter| *letter == body[0]), "a frame was cut at {at}");
            seen.push(body[0]);
            at += length;
        }
        assert_eq!(seen.iter().filter(|letter| **letter == b'a').count(), answers);
        let last = seen.iter().rposition(|letter| *letter == b'a').expect("is there");
        assert!(last < seen.len() - 20, "answers waited for calls");
    }
}
