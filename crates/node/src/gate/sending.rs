//! Send progress of one connection: how far it has gone, who pays for it, and for how long it may not move.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite as _;

use super::connection::{Gate, TlsWriter};
use super::replies::ReplyQueue;
use crate::inbound::part;
use crate::token_bucket::paid;
use crate::vault::VaultHandle;
use hauki_contract::model::lease::Mono;
use hauki_contract::system::clock;

/// How long a caller may take nothing of what is there for it.
pub(super) const WRITE_DEADLINE: Duration = Duration::from_secs(30);
/// A socket that has taken nothing for so long has nobody who reads: what it took at first are the kernel's buffers.
const STILL: Duration = Duration::from_millis(500);
/// Before that nobody is late.
const GRACE: Duration = Duration::from_secs(1);
/// So that it has passed when it is looked at.
const A_MOMENT: Duration = Duration::from_millis(1);
/// A buffer that much was sent from is let go.
const KEPT: usize = 1024 * 1024;

/// What was taken from the queue of replies and is on its way.
pub(super) struct Sending {
    bytes: Vec<u8>,
    sent: usize,
    /// How many of the bytes are events, which the vault pays for.
    told: usize,
    flushed: bool,
    /// When they were taken from that queue.
    began: Mono,
    /// When the socket last took something.
    moved: Option<Mono>,
}

impl Default for Sending {
    fn default() -> Self {
        Self { bytes: Vec::new(), sent: 0, told: 0, flushed: true, began: Mono::default(), moved: None }
    }
}

impl Sending {
    pub(super) fn is_done(&self) -> bool {
        self.sent == self.bytes.len() && self.flushed
    }

    pub(super) fn refill(&mut self, reply_queue: &ReplyQueue, vault: &VaultHandle) {
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        self.told = reply_queue.take(&mut self.bytes);
        (self.sent, self.flushed) = (0, self.bytes.is_empty());
        if !self.flushed {
            self.began = vault.now();
            self.moved = Some(self.began);
        }
    }

    /// Sends until all is gone or the socket takes no more; nothing is lost when nobody asks again.
    pub(super) fn poll(
        &mut self,
        writer: &mut TlsWriter,
        gate: &Gate,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let vault = &gate.vault;
        if self.told == 0 {
            return self.send(writer, vault, cx);
        }
        let (began, before) = (clock::thread_ns(), self.sent);
        let sent = self.send(writer, vault, cx);
        // A caller who takes nothing is asked again whenever he says something: that is not the vault's doing.
        if self.sent > before {
            let spent = part(clock::thread_ns().saturating_sub(began), self.told, self.bytes.len());
            vault.allowance().spend(paid(spent, gate.callers()));
        }
        sent
    }

    fn send(
        &mut self,
        writer: &mut TlsWriter,
        vault: &VaultHandle,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut writer = Pin::new(writer);
        while self.sent < self.bytes.len() {
            match ready!(writer.as_mut().poll_write(cx, &self.bytes[self.sent..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.sent += count,
            }
            self.moved = Some(vault.now());
        }
        ready!(writer.poll_flush(cx))?;
        self.flushed = true;
        Poll::Ready(Ok(()))
    }

    /// How long the caller may go on taking nothing of what is there for it.
    pub(super) fn patience(&self, now: Mono) -> Option<Duration> {
        let since = self.moved.filter(|_| !self.is_done())?;
        Some(WRITE_DEADLINE.saturating_sub(Duration::from_micros(now.since(since))) + A_MOMENT)
    }

    /// Whether the caller takes what is there for it, now and fast enough to be through within [`WRITE_DEADLINE`].
    pub(super) fn is_on_time(&self, now: Mono) -> bool {
        let moves = self.moved.is_some_and(|at| !has_passed(STILL, at, now));
        !self.is_done() && moves && is_on_time(self.sent, self.bytes.len(), now.since(self.began))
    }

    pub(super) fn is_stalled(&self, now: Mono) -> bool {
        !self.is_done() && self.moved.is_some_and(|at| has_passed(WRITE_DEADLINE, at, now))
    }
}

/// `sent` of so many bytes in so many microseconds.
fn is_on_time(sent: usize, bytes: usize, after_us: u64) -> bool {
    let late = u128::from(after_us).saturating_sub(GRACE.as_micros());
    sent as u128 * WRITE_DEADLINE.as_micros() >= bytes as u128 * late
}

pub(super) fn has_passed(limit: Duration, since: Mono, now: Mono) -> bool {
    u128::from(now.since(since)) >= limit.as_micros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_fast_enough_is_on_time_and_who_drips_or_sleeps_is_not() {
        const MIB: usize = 1024 * 1024;
        let at = |ms: u64| ms * 1000;
        for (sent, after, is) in [
            (0, at(0), true),
            (0, at(1000), true),
            (0, at(1001), false),
            (1000, at(2000), false),
            (2 * MIB, at(2000), true),
            (20 * MIB, at(15_000), true),
            (18 * MIB, at(15_000), false),
            (40 * MIB - 1, at(32_000), false),
        ] {
            assert_eq!(is_on_time(sent, 40 * MIB, after), is, "{sent} after {after}");
        }
        assert!(is_on_time(usize::MAX, usize::MAX, at(20_000)));
    }
}
