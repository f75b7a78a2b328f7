//! Lines from a byte stream, bounded: one message is one line.

use std::io;

use memchr::memchr;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Reads newline-terminated messages into one buffer that is used again.
pub struct LineReader<R> {
    input: R,
    buffer: Vec<u8>,
    /// The first byte that has not been handed out.
    start: usize,
    /// Where the search for a newline goes on.
    searched: usize,
    /// The first line that [`LineReader::ahead`] has not shown, and where the search for its end goes on.
    shown: usize,
    scanned: usize,
    limit: usize,
    ended: bool,
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

const CHUNK: usize = 16 * 1024;
/// A buffer that a long line has made larger than this is let go when it is empty.
const KEPT: usize = 256 * 1024;

impl<R: AsyncRead + Unpin> LineReader<R> {
    /// `limit` bounds a line without its newline, and with it the memory of this reader.
    pub fn new(input: R, limit: usize) -> Self {
        Self { input, buffer: Vec::new(), start: 0, searched: 0, shown: 0, scanned: 0, limit, ended: false }
    }

    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Whether a whole line can be had without waiting.
    #[must_use]
    pub fn has_line(&self) -> bool {
        memchr(b'\n', &self.buffer[self.searched.max(self.start)..]).is_some()
    }

    /// The next line without its newline; `None` at the end of the stream. Safe to cancel: bytes
    /// that were read stay in the buffer.
    pub async fn next(&mut self) -> Result<Option<&[u8]>, LineError> {
        loop {
            if let Some(offset) = memchr(b'\n', &self.buffer[self.searched..]) {
                let (start, end) = (self.start, self.searched + offset);
                if end - start > self.limit {
                    return Err(LineError::TooLong { limit: self.limit });
                }
                self.start = end + 1;
                self.searched = end + 1;
                return Ok(Some(&self.buffer[start..end]));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() - self.start > self.limit {
                return Err(LineError::TooLong { limit: self.limit });
            }
            if self.ended || self.read().await.map_err(LineError::Read)? == 0 {
                return if self.buffer.len() == self.start { Ok(None) } else { Err(LineError::Torn) };
            }
        }
    }

    /// Whether [`LineReader::fill`] may read on.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.ended && self.buffer.len() - self.start <= self.limit
    }

    /// Reads ahead without handing anything out; zero is the end of the stream. For who cannot take
    /// a line now and must notice all the same whether the other side lives. Safe to cancel.
    pub async fn fill(&mut self) -> io::Result<usize> {
        if !self.has_line() {
            self.searched = self.buffer.len();
        }
        self.read().await
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

    /// Throws away what comes until the other side has closed.
    pub async fn discard(&mut self) {
        while !self.ended {
            self.buffer.clear();
            (self.start, self.searched, self.shown, self.scanned) = (0, 0, 0, 0);
            if self.read().await.is_err() {
                return;
            }
        }
    }

    async fn read(&mut self) -> io::Result<usize> {
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
        let count = self.input.read_buf(&mut self.buffer).await?;
        self.ended = count == 0;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
    }

    #[test]
    fn lines_come_out_one_by_one_and_the_end_is_clean() {
        block_on(async {
            let mut lines = LineReader::new(&b"one\n\ntwo\n"[..], 10);
            for expected in [&b"one"[..], b"", b"two"] {
                assert_eq!(lines.next().await.expect("reads"), Some(expected));
            }
            assert_eq!(lines.next().await.expect("reads"), None);
        });
    }

    #[test]
    fn what_was_read_ahead_comes_out_later_and_the_end_after_it() {
        block_on(async {
            let mut lines = LineReader::new(&b"one\ntwo\n"[..], 10);
            assert_eq!(lines.fill().await.expect("reads"), 8);
            assert_eq!(lines.fill().await.expect("reads"), 0);
            assert!(!lines.has_room());
            for expected in [Some(&b"one"[..]), Some(b"two"), None, None] {
                assert_eq!(lines.next().await.expect("reads"), expected);
            }
            let mut lines = LineReader::new(&b"one\ntw"[..], 10);
            assert_eq!(lines.next().await.expect("reads"), Some(&b"one"[..]));
            while lines.fill().await.expect("reads") > 0 {}
            assert!(matches!(lines.next().await, Err(LineError::Torn)));
        });
    }

    #[test]
    fn what_waits_can_be_looked_at_once_and_is_handed_out_all_the_same() {
        block_on(async {
            let mut lines = LineReader::new(&b"one\ntwo\nthr"[..], 10);
            lines.fill().await.expect("reads");
            assert_eq!(lines.next().await.expect("reads"), Some(&b"one"[..]));
            assert_eq!(lines.ahead(), Some(&b"two"[..]));
            assert_eq!(lines.ahead(), None);
            assert_eq!(lines.ahead(), None);
            assert_eq!(lines.next().await.expect("reads"), Some(&b"two"[..]));
            assert_eq!(lines.ahead(), None);
            let mut lines = LineReader::new((&b"one\ntw"[..]).chain(&b"o\nthree\n"[..]), 10);
            lines.fill().await.expect("reads");
            assert_eq!(lines.ahead(), Some(&b"one"[..]));
            assert_eq!(lines.ahead(), None);
            assert_eq!(lines.next().await.expect("reads"), Some(&b"one"[..]));
            lines.fill().await.expect("reads");
            assert_eq!(lines.ahead(), Some(&b"two"[..]));
            assert_eq!(lines.ahead(), Some(&b"three"[..]));
            assert_eq!(lines.next().await.expect("reads"), Some(&b"two"[..]));
        });
    }

    #[test]
    fn a_long_line_does_not_keep_its_room() {
        block_on(async {
            let mut text = vec![b'x'; 4 * KEPT];
            text.extend_from_slice(b"\nshort\n");
            let mut lines = LineReader::new(std::io::Cursor::new(text), 4 * KEPT);
            while lines.next().await.expect("reads").is_some() {}
            assert!(lines.buffer.capacity() <= KEPT, "{} bytes are kept", lines.buffer.capacity());
        });
    }

    #[test]
    fn a_long_line_and_half_a_line_are_errors() {
        block_on(async {
            let mut lines = LineReader::new(&b"12345\n123456\n"[..], 5);
            assert_eq!(lines.next().await.expect("reads"), Some(&b"12345"[..]));
            assert!(matches!(lines.next().await, Err(LineError::TooLong { limit: 5 })));
            let endless = vec![b'x'; 100_000];
            let mut lines = LineReader::new(&endless[..], 5);
            assert!(matches!(lines.next().await, Err(LineError::TooLong { limit: 5 })));
            let mut lines = LineReader::new(&b"half"[..], 5);
            assert!(matches!(lines.next().await, Err(LineError::Torn)));
        });
    }
}
