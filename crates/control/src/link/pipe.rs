//! Tunnel: one connection through the session, bytes both ways, each direction with one bounded buffer.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use ssh2::Channel;

const BUFFER: usize = 32 * 1024;
const MOST_WORDS: usize = 400;

/// libssh2's word for "not now".
pub(super) const EAGAIN: i32 = -37;

/// What became of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PipeStep {
    Moved,
    Idle,
}

/// Room is taken with the first byte.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Only while it is empty, so that what libssh2 was given once stays where it is.
    fn fill(&mut self, from: &mut impl Read) -> io::Result<usize> {
        self.bytes.resize(BUFFER, 0);
        let count = from.read(&mut self.bytes)?;
        (self.start, self.end) = (0, count);
        Ok(count)
    }
}

pub(super) struct Pipe {
    pub(super) local: UnixStream,
    channel: Channel,
    up: Buffer,
    down: Buffer,
    local_ended: bool,
    remote_ended: bool,
    /// The node has said something on it.
    pub(super) spoke: bool,
    pub(super) by_bridge: bool,
    words: Vec<u8>,
    /// What came of it since somebody has counted.
    pub(super) taken: u64,
}

fn not_now(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

impl Pipe {
    pub(super) fn new(local: UnixStream, channel: Channel, by_bridge: bool) -> Self {
        let (up, down, words) = Default::default();
        let (local_ended, remote_ended, spoke) = (false, false, false);
        Self { local, channel, up, down, local_ended, remote_ended, spoke, by_bridge, words, taken: 0 }
    }

    /// A client that went away has taken its request back; what the node said until its end is
    /// delivered first.
    pub(super) fn is_over(&self) -> bool {
        self.local_ended || (self.remote_ended && self.down.is_empty())
    }

    /// The client's end is gone, whatever is still in the buffers.
    pub(super) fn hung_up(&mut self) {
        self.local_ended = true;
    }

    pub(super) fn wants_to_write(&self) -> bool {
        !self.down.is_empty()
    }

    pub(super) fn wants_to_read(&self) -> bool {
        self.up.is_empty()
    }

    /// From the client to the node. The error is the session's.
    pub(super) fn up(&mut self) -> io::Result<PipeStep> {
        if self.up.is_empty() {
            match self.up.fill(&mut self.local) {
                Ok(0) => self.local_ended = true,
                Ok(_) => {}
                Err(error) if not_now(&error) => return Ok(PipeStep::Idle),
                Err(_) => self.local_ended = true,
            }
        }
        if self.up.is_empty() {
            return Ok(PipeStep::Idle);
        }
        match self.channel.write(self.up.rest()) {
            // The node takes no more for now.
            Ok(0) => Ok(PipeStep::Idle),
            Ok(count) => {
                self.up.start += count;
                Ok(PipeStep::Moved)
            }
            // The channel's end alone is no loss of the session: reading will tell.
            Err(error) if error.kind() != ErrorKind::WouldBlock && self.channel.eof() => Ok(PipeStep::Idle),
            Err(error) => Err(error),
        }
    }

    /// From the node to the client.
    pub(super) fn down(&mut self) -> io::Result<PipeStep> {
        let mut step = PipeStep::Idle;
        if self.down.is_empty() && !self.remote_ended {
            if self.by_bridge {
                self.hear_complaints()?;
            }
            match self.down.fill(&mut self.channel)? {
                0 => self.remote_ended = self.channel.eof(),
                count => {
                    self.taken += count as u64;
                    self.spoke = true;
                    step = PipeStep::Moved;
                }
            }
        }
        while !self.down.is_empty() {
            match self.local.write(self.down.rest()) {
                Ok(count) => {
                    self.down.start += count;
                    step = PipeStep::Moved;
                }
                Err(error) if not_now(&error) => break,
                Err(_) => {
                    self.local_ended = true;
                    break;
                }
            }
        }
        Ok(step)
    }

    /// What a bridge writes to its standard error. Unread it would hide the channel's end.
    fn hear_complaints(&mut self) -> io::Result<()> {
        let mut words = [0; MOST_WORDS];
        match self.channel.stderr().read(&mut words) {
            Ok(count) => {
                let room = MOST_WORDS - self.words.len();
                self.words.extend_from_slice(&words[..count.min(room)]);
                Ok(())
            }
            Err(error) if not_now(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The last line of it.
    pub(super) fn complaint(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.words);
        let line = text.lines().rfind(|line| !line.trim().is_empty())?;
        Some(line.chars().filter(|letter| !letter.is_control()).collect())
    }

    pub(super) fn into_channel(self) -> Channel {
        self.channel
    }
}
