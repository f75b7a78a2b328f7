//! The node's end of a vault's channel: many writers that never wait, one reader.
//!
//! A writer appends a frame and tries to send at once, which nearly always works and spares the
//! wake-up of another task. What the socket does not take stays in the buffer; the keeper sends the
//! rest when the socket has room.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::{Mutex, PoisonError};

use tokio::net::UnixStream;
use tokio::sync::Notify;

/// Callers wait while more than this is unsent.
pub const SOFT_LIMIT: usize = 4 * 1024 * 1024;

pub struct Pipe {
    stream: UnixStream,
    unsent: Mutex<Unsent>,
    /// The keeper must wait for the socket.
    pub blocked: Notify,
    /// There is room for callers again.
    pub room: Notify,
}

#[derive(Default)]
struct Unsent {
    bytes: Vec<u8>,
    sent: usize,
}

impl Pipe {
    /// Must be called on the lane that will use it.
    pub fn new(channel: OwnedFd) -> io::Result<Self> {
        let stream = StdStream::from(channel);
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream: UnixStream::from_std(stream)?,
            unsent: Mutex::default(),
            blocked: Notify::new(),
            room: Notify::new(),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Unsent> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn is_full(&self) -> bool {
        let unsent = self.lock();
        unsent.bytes.len() - unsent.sent > SOFT_LIMIT
    }

    /// Appends one frame; [`Pipe::send`] moves it.
    pub fn push(&self, encode: impl FnOnce(&mut Vec<u8>)) {
        encode(&mut self.lock().bytes);
    }

    /// Sends what the socket takes now. A broken channel is the keeper's to notice.
    pub fn send(&self) {
        let mut unsent = self.lock();
        let was_full = unsent.bytes.len() - unsent.sent > SOFT_LIMIT;
        while unsent.sent < unsent.bytes.len() {
            match self.stream.try_write(&unsent.bytes[unsent.sent..]) {
                Ok(count) => unsent.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked.notify_one();
                    break;
                }
                Err(_) => {
                    unsent.sent = unsent.bytes.len();
                }
            }
        }
        if unsent.sent == unsent.bytes.len() {
            unsent.bytes.clear();
            unsent.sent = 0;
            if was_full {
                unsent.bytes.shrink_to(64 * 1024);
            }
        } else if unsent.sent > SOFT_LIMIT / 4 {
            let sent = std::mem::take(&mut unsent.sent);
            unsent.bytes.drain(..sent);
        }
        let is_full = unsent.bytes.len() - unsent.sent > SOFT_LIMIT;
        drop(unsent);
        if was_full && !is_full {
            self.room.notify_waiters();
        }
    }

    /// Resolves when the socket may take more.
    pub async fn writable(&self) {
        let _ = self.stream.writable().await;
    }

    /// Appends what has arrived to `buffer`; zero is the end.
    pub async fn read(&self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        loop {
            self.stream.readable().await?;
            buffer.reserve(16 * 1024);
            match self.stream.try_read_buf(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
    }
}
