//! Lines out of bytes, bounded: what has come, where its lines end, and how far they have been taken.
//!
//! Pure: whoever reads puts bytes into [`Lines::room`] and says how many. However these were cut, the lines are the
//! same, and no more is kept than a line may be long and what was read at once.

use std::io;
use std::ops::Range;

use memchr::memchr;

/// One buffer, which is used again.
pub struct Lines {
    buffer: Vec<u8>,
    /// The first byte that has not been handed out.
    start: usize,
    /// Where the search for a newline goes on.
    searched: usize,
    /// The first line that [`Lines::ahead`] has not shown, and where the search for its end goes on.
    shown: usize,
    scanned: usize,
    limit: usize,
    ended: bool,
}

/// What there is to be had without more bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A line without its newline, at this place of the buffer.
    Line(Range<usize>),
    /// Nothing whole.
    Nothing,
    /// Nothing, and no more comes.
    End,
}

#[derive(Debug, thiserror::Error)]
pub enum LineError {
    #[error("a line is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("the stream ended in the middle of a line")]
    Torn,
    #[error("failed to read")]
    Read(#[source] io::Error),
}

impl LineError {
    /// With its cause.
    #[must_use]
    pub fn chain(&self) -> String {
        match std::error::Error::source(self) {
            Some(source) => format!("{self}: {source}"),
            None => self.to_string(),
        }
    }
}

/// What is read at once, at least.
pub const CHUNK: usize = 16 * 1024;
/// A buffer that a long line has made larger than this is let go when it is empty.
pub const KEPT: usize = 256 * 1024;

impl Lines {
    /// `limit` bounds a line without its newline, and with it the memory of this.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { buffer: Vec::new(), start: 0, searched: 0, shown: 0, scanned: 0, limit, ended: false }
    }

    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether a whole line can be had without more bytes.
    #[must_use]
    pub fn has_line(&self) -> bool {
        memchr(b'\n', &self.buffer[self.searched.max(self.start)..]).is_some()
    }

    /// Whether more may be read although nothing is taken.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.ended && self.buffer.len() - self.start <= self.limit
    }

    /// The next line, which is taken by that.
    pub fn take(&mut self) -> Result<Found, LineError> {
        if let Some(offset) = memchr(b'\n', &self.buffer[self.searched..]) {
            let (start, end) = (self.start, self.searched + offset);
            if end - start > self.limit {
                return Err(LineError::TooLong { limit: self.limit });
            }
            (self.start, self.searched) = (end + 1, end + 1);
            return Ok(Found::Line(start..end));
        }
        self.searched = self.buffer.len();
        let rest = self.buffer.len() - self.start;
        match self.ended {
            _ if rest > self.limit => Err(LineError::TooLong { limit: self.limit }),
            false => Ok(Found::Nothing),
            true if rest == 0 => Ok(Found::End),
            true => Err(LineError::Torn),
        }
    }

    /// A line that was found, until more bytes are read.
    #[must_use]
    pub fn at(&self, place: Range<usize>) -> &[u8] {
        &self.buffer[place]
    }

    /// The next whole line of those that wait, for a look: it stays where it is. Each is shown once.
    pub fn ahead(&mut self) -> Option<&[u8]> {
        self.shown = self.shown.max(self.start);
        self.scanned = self.scanned.max(self.shown);
        let Some(offset) = memchr(b'\n', &self.buffer[self.scanned..]) else {
            self.scanned = self.buffer.len();
            return None;
        };
        let (begin, end) = (self.shown, self.scanned + offset);
        (self.shown, self.scanned) = (end + 1, end + 1);
        Some(&self.buffer[begin..end])
    }

    /// Where bytes that are read are put behind what is there; [`Lines::came`] says that they are.
    pub fn room(&mut self) -> &mut Vec<u8> {
        if !self.has_line() {
            self.searched = self.buffer.len();
        }
        if self.start == self.buffer.len() && self.buffer.capacity() > KEPT {
            self.buffer = Vec::new();
        } else if self.start > 0 {
            self.buffer.drain(..self.start);
        }
        self.searched -= self.start;
        self.shown = self.shown.saturating_sub(self.start);
        self.scanned = self.scanned.saturating_sub(self.start);
        self.start = 0;
        self.buffer.reserve(CHUNK);
        &mut self.buffer
    }

    /// So many bytes were read; none are the end.
    pub fn came(&mut self, count: usize) {
        self.ended = count == 0;
    }

    /// Throws away what is there.
    pub fn forget(&mut self) {
        self.buffer.clear();
        (self.start, self.searched, self.shown, self.scanned) = (0, 0, 0, 0);
    }

    /// What it holds of the machine's memory.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }
}
