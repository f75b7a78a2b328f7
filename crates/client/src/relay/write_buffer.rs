//! Write buffer: what is to be written for a program, bit by bit: while it takes nothing all else goes on.

use std::io;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, sleep_until};

use hauki_contract::system::clock;

/// A buffer that much was written from is let go.
const KEPT: usize = 256 * 1024;

pub(super) struct WriteBuffer {
    bytes: Vec<u8>,
    written: usize,
    /// When the program last took something, or there was first something to take.
    moved: Instant,
}

impl Default for WriteBuffer {
    fn default() -> Self {
        Self { bytes: Vec::new(), written: 0, moved: clock::timer_now() }
    }
}

impl WriteBuffer {
    /// Where more is put.
    pub(super) fn more(&mut self) -> &mut Vec<u8> {
        if self.bytes.is_empty() {
            self.moved = clock::timer_now();
        }
        &mut self.bytes
    }

    pub(super) fn unsent(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// Whether something is to be written, or was and may not have gone out.
    pub(super) fn has_more(&self) -> bool {
        !self.bytes.is_empty()
    }

    pub(super) fn moved(&self) -> Instant {
        self.moved
    }

    /// Writes some of it, or sees that what was written goes out. Safe to cancel.
    pub(super) async fn send<W: AsyncWrite + Unpin>(&mut self, output: &mut W) -> io::Result<()> {
        let rest = &self.bytes[self.written..];
        if rest.is_empty() {
            output.flush().await?;
            self.written = 0;
            self.bytes.clear();
            if self.bytes.capacity() > KEPT {
                self.bytes = Vec::new();
            }
        } else {
            match output.write(rest).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => self.written += count,
            }
            // Who is always a little behind does not keep all that he has ever taken. Of what was written to its end some is
            // kept, until it has gone out.
            let is_behind = self.written < self.bytes.len();
            if is_behind && self.written > KEPT && self.written > self.bytes.len() / 2 {
                self.bytes.drain(..std::mem::take(&mut self.written));
            }
        }
        self.moved = clock::timer_now();
        Ok(())
    }
}

/// Never, where there is no end.
pub(super) async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// What is written may lie in a buffer of the output's own, and would end with the process.
    #[tokio::test]
    async fn what_was_written_at_once_goes_out_however_much_it_is() {
        for bytes in [1, KEPT, KEPT + 1, 4 * KEPT] {
            let mut output = tokio::io::BufWriter::with_capacity(8 * KEPT, Vec::new());
            let mut out = WriteBuffer::default();
            out.more().resize(bytes, b'x');
            while out.has_more() {
                out.send(&mut output).await.expect("is open");
            }
            assert_eq!(output.get_ref().len(), bytes);
        }
    }

    #[tokio::test]
    async fn all_arrives_in_order_however_little_is_taken_at_a_time() {
        let (mut ours, mut theirs) = tokio::io::duplex(1000);
        let mut out = WriteBuffer::default();
        let (mut said, mut heard) = (Vec::new(), vec![0; 999]);
        let mut told = Vec::new();
        while told.len() < 3 * KEPT {
            if said.len() < 3 * KEPT {
                let piece: Vec<u8> = (0..5000).map(|byte| (byte % 251) as u8).collect();
                out.more().extend_from_slice(&piece);
                said.extend_from_slice(&piece);
            }
            tokio::select! {
                biased;
                sent = out.send(&mut ours), if out.has_more() => sent.expect("is open"),
                count = theirs.read(&mut heard) => told.extend_from_slice(&heard[..count.expect("is open")]),
            }
            if let Ok(count) = tokio::time::timeout(std::time::Duration::ZERO, theirs.read(&mut heard)).await
            {
                told.extend_from_slice(&heard[..count.expect("is open")]);
            }
        }
        assert!(said.starts_with(&told), "{} bytes", told.len());
    }
}
