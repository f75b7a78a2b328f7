//! NDJSON from a byte stream: one message is one line.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::line_buffer::{LineBuffer, NextLine};
pub use super::line_buffer::{LineError, Whole};

/// Reads newline-terminated messages into one buffer that is used again.
pub struct LineReader<R> {
    input: R,
    lines: LineBuffer,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    /// `limit` bounds a line without its newline, and with it the memory of this reader.
    pub fn new(input: R, limit: usize) -> Self {
        Self { input, lines: LineBuffer::new(limit) }
    }

    pub fn set_limit(&mut self, limit: usize) {
        self.lines.set_limit(limit);
    }

    /// Whether a whole line can be had without waiting.
    #[must_use]
    pub fn has_line(&self) -> bool {
        self.lines.has_line()
    }

    /// How long the next line is, if one can be had without waiting.
    #[must_use]
    pub fn length(&self) -> Option<usize> {
        self.lines.length()
    }

    /// The next line for who keeps it, if one can be had without waiting.
    pub fn take_whole(&mut self) -> Result<Option<Whole>, LineError> {
        self.lines.take_whole()
    }

    /// How many bytes have come that have not been handed out.
    #[must_use]
    pub fn held(&self) -> usize {
        self.lines.held()
    }

    /// Throws away what has come, and lets go of the memory.
    pub fn forget(&mut self) {
        self.lines.forget();
    }

    /// The next line without its newline; `None` at the end of the stream. Safe to cancel: bytes
    /// that were read stay in the buffer.
    pub async fn next(&mut self) -> Result<Option<&[u8]>, LineError> {
        loop {
            match self.lines.take()? {
                NextLine::Line(place) => return Ok(Some(self.lines.at(place))),
                NextLine::End => return Ok(None),
                NextLine::Nothing => drop(self.read().await.map_err(LineError::Read)?),
            }
        }
    }

    /// Whether [`LineReader::fill`] may read on.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.lines.has_room()
    }

    /// Reads ahead without handing anything out; zero is the end of the stream. For who cannot take
    /// a line now and must notice all the same whether the other side lives. Safe to cancel.
    pub async fn fill(&mut self) -> io::Result<usize> {
        self.read().await
    }

    /// The next whole line of those that wait, for a look: it stays where it is. Each is shown once.
    pub fn ahead(&mut self) -> Option<&[u8]> {
        self.lines.ahead()
    }

    /// Throws away what comes until the other side has closed.
    pub async fn discard(&mut self) {
        while !self.lines.has_ended() {
            self.lines.forget();
            if self.read().await.is_err() {
                return;
            }
        }
    }

    async fn read(&mut self) -> io::Result<usize> {
        let count = self.input.read_buf(self.lines.room()).await?;
        self.lines.came(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::line_buffer::KEPT;
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
            assert!(lines.lines.capacity() <= KEPT, "{} bytes are kept", lines.lines.capacity());
        });
    }

    #[test]
    fn a_long_line_does_not_keep_its_room_for_one_byte_behind_it_or_where_it_is_given_up() {
        block_on(async {
            let mut text = vec![b'x'; 16 * KEPT];
            text.extend_from_slice(b"\ny");
            let mut lines = LineReader::new((&text[..]).chain(&b"z\n"[..]), 16 * KEPT);
            while lines.next().await.expect("reads").expect("a line").len() > 2 {}
            assert!(lines.lines.capacity() <= KEPT, "{} bytes are kept", lines.lines.capacity());
            let mut lines = LineReader::new(&text[..16 * KEPT], 16 * KEPT);
            while lines.fill().await.expect("reads") > 0 {}
            assert_eq!(lines.held(), 16 * KEPT);
            lines.forget();
            assert!(lines.held() == 0 && lines.lines.capacity() <= KEPT);
        });
    }

    #[test]
    fn a_line_can_be_taken_with_its_memory_and_the_others_stay() {
        block_on(async {
            for text in [&b"0\nfirst line\nsecond\nthi"[..], b"0\n1\nsecond\nthi", b"0\n1\n"] {
                let mut lines = LineReader::new(text.chain(&b"rd\n"[..]), 32);
                lines.fill().await.expect("reads");
                let mut told = vec![lines.next().await.expect("reads").expect("a line").to_vec()];
                let _ = lines.ahead();
                while let Some(length) = lines.length() {
                    let whole = lines.take_whole().expect("is short").expect("is there");
                    assert_eq!(whole.len(), length);
                    told.push(whole.to_vec());
                }
                assert!(lines.take_whole().expect("is short").is_none());
                while let Some(line) = lines.next().await.expect("reads") {
                    told.push(line.to_vec());
                }
                assert_eq!([told.join(&b'\n'), vec![b'\n']].concat(), [text, b"rd\n"].concat());
            }
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
