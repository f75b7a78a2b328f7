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
/// So that it has passed when it is looked at.
const A_MOMENT: Duration = Duration::from_millis(1);
/// A buffer that much was sent from is let go.
const KEPT: usize = 1024 * 1024;

/// What was taken from the outbox and is on its way.
pub(super) struct Sending {
    bytes: Vec<u8>,
    sent: usize,
    /// How many of the bytes are events, which the vault pays for.
    told: usize,
    flushed: bool,
    /// When the socket last took something.
    moved: Option<Mono>,
}

impl Default for Sending {
    fn default() -> Self {
        Self { bytes: Vec::new(), sent: 0, told: 0, flushed: true, moved: None }
    }
}

impl Sending {
    pub(super) fn is_done(&self) -> bool {
        self.sent == self.bytes.len() && self.flushed
    }

    pub(super) fn refill(&mut self, outbox: &ReplyQueue, vault: &VaultHandle) {
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        self.told = outbox.take(&mut self.bytes);
        (self.sent, self.flushed) = (0, self.bytes.is_empty());
        self.moved = (!self.flushed).then(|| vault.now());
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

    pub(super) fn is_stalled(&self, now: Mono) -> bool {
        !self.is_done() && self.moved.is_some_and(|at| has_passed(WRITE_DEADLINE, at, now))
    }
}

pub(super) fn has_passed(limit: Duration, since: Mono, now: Mono) -> bool {
    u128::from(now.since(since)) >= limit.as_micros()
}
