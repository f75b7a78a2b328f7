//! Line buffer: lines out of bytes, bounded: what has come, where its lines end, and how far they have been taken.
//!
//! Pure: whoever reads puts bytes into [`LineBuffer::room`] and says how many. However these were cut, the lines are the
//! same, and no more is kept than a line may be long, a quarter of that, and what was read at once. Each byte is looked
//! at once and moved a few times at most, however many lines lie there and however small the pieces are that come.

use std::io;
use std::ops::{Deref, Range};

use memchr::memchr;

/// One buffer, which is used again.
pub struct LineBuffer {
    buffer: Vec<u8>,
    /// The first byte that has not been handed out.
    start: usize,
    /// Where the first line ends that has not been handed out, if it does.
    end: Option<usize>,
    /// Where the search for that goes on.
    searched: usize,
    /// The first line that [`LineBuffer::ahead`] has not shown, and where the search for its end goes on.
    shown: usize,
    scanned: usize,
    limit: usize,
    ended: bool,
}

/// One line, without its newline.
pub struct Whole {
    bytes: Vec<u8>,
    start: usize,
}

impl Deref for Whole {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

/// What there is to be had without more bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextLine {
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

/// What is read at once, at least.
pub const CHUNK: usize = 16 * 1024;
/// A buffer that a long line has made larger than this is let go when it is empty.
pub const KEPT: usize = 256 * 1024;
/// What was handed out is let go as soon as it is so much of what is kept, so that moving the rest is paid for.
const LET_GO: usize = 4;

impl LineBuffer {
    /// `limit` bounds a line without its newline, and with it the memory of this.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            end: None,
            searched: 0,
            shown: 0,
            scanned: 0,
            limit,
            ended: false,
        }
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
        self.end.is_some()
    }

    /// How many bytes have come that have not been handed out.
    #[must_use]
    pub fn held(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// How long the next line is, if one can be had.
    #[must_use]
    pub fn length(&self) -> Option<usize> {
        self.end.map(|end| end - self.start)
    }

    /// Whether more may be read although nothing is taken.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.ended && self.held() <= self.limit
    }

    /// The next line, which is taken by that.
    pub fn take(&mut self) -> Result<NextLine, LineError> {
        if let Some(end) = self.end {
            let start = self.start;
            if end - start > self.limit {
                return Err(LineError::TooLong { limit: self.limit });
            }
            (self.start, self.searched, self.end) = (end + 1, end + 1, None);
            self.search();
            return Ok(NextLine::Line(start..end));
        }
        match self.ended {
            _ if self.held() > self.limit => Err(LineError::TooLong { limit: self.limit }),
            false => Ok(NextLine::Nothing),
            true if self.held() == 0 => Ok(NextLine::End),
            true => Err(LineError::Torn),
        }
    }

    /// The next line for who keeps it, with the memory that it lies in: no more is copied than is behind it.
    pub fn take_whole(&mut self) -> Result<Option<Whole>, LineError> {
        let NextLine::Line(place) = self.take()? else { return Ok(None) };
        if self.held() > place.len() {
            return Ok(Some(Whole { bytes: self.buffer[place].to_vec(), start: 0 }));
        }
        let behind = self.buffer.split_off(self.start);
        let mut bytes = std::mem::replace(&mut self.buffer, behind);
        bytes.truncate(place.end);
        self.moved(self.start);
        Ok(Some(Whole { bytes, start: place.start }))
    }

    fn search(&mut self) {
        if self.end.is_none() {
            self.end = memchr(b'\n', &self.buffer[self.searched..]).map(|offset| self.searched + offset);
            self.searched = self.buffer.len();
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

    /// Where bytes that are read are put behind what is there; [`LineBuffer::came`] says that they are.
    pub fn room(&mut self) -> &mut Vec<u8> {
        if self.start > 0 && self.start >= self.held() / LET_GO {
            self.let_go();
        }
        self.buffer.reserve(CHUNK);
        &mut self.buffer
    }

    /// Forgets what was handed out.
    fn let_go(&mut self) {
        self.buffer.drain(..self.start);
        // A long line has gone, and little is behind it.
        if self.buffer.capacity() > KEPT && self.buffer.len() <= self.buffer.capacity() / (2 * LET_GO) {
            self.buffer.shrink_to(self.buffer.len());
        }
        self.moved(self.start);
    }

    /// The first so many bytes have gone, which were handed out.
    fn moved(&mut self, gone: usize) {
        self.start -= gone;
        self.end = self.end.map(|end| end - gone);
        self.searched -= gone;
        self.shown = self.shown.saturating_sub(gone);
        self.scanned = self.scanned.saturating_sub(gone);
    }

    /// So many bytes were read; none are the end.
    pub fn came(&mut self, count: usize) {
        self.ended = count == 0;
        self.search();
    }

    /// Throws away what is there.
    pub fn forget(&mut self) {
        self.start = self.buffer.len();
        (self.end, self.searched) = (None, self.start);
        self.let_go();
    }

    /// What it holds of the machine's memory.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }
}
