//! Slow-reader detection: a connection whose peer takes nothing of what is written to it is at its end.
//!
//! An answer waits in memory until it has been read, and who follows events or a place in the queue may have ever
//! more of it. So a write that makes no progress for so long fails, and with it the connection; its place and
//! its answer are then free. Who reads, however slowly, is not disturbed.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use hauki_contract::system::clock;

pub(super) struct Unread<S> {
    stream: S,
    patience: Duration,
    alarm: Pin<Box<Sleep>>,
    /// A write waits for room.
    waits: bool,
}

impl<S> Unread<S> {
    pub(super) fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, alarm: Box::pin(sleep(patience)), waits: false }
    }

    fn judge<T>(&mut self, context: &mut Context<'_>, written: Poll<Result<T>>) -> Poll<Result<T>> {
        if written.is_ready() {
            self.waits = false;
            return written;
        }
        if !std::mem::replace(&mut self.waits, true) {
            self.alarm.as_mut().reset(clock::alarm(self.patience));
        }
        ready!(self.alarm.as_mut().poll(context));
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the peer takes nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unread<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Unread<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.judge(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, pieces);
        this.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        this.judge(context, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixStream;

    use super::*;

    const SHORT: Duration = Duration::from_millis(400);

    #[tokio::test]
    async fn who_reads_nothing_is_given_up_and_who_reads_slowly_is_not() {
        let bytes = vec![7; 4 << 20];
        let (ours, _theirs) = UnixStream::pair().expect("a pair");
        let (mut ours, began) = (Unread::new(ours, SHORT), clock::timer_now());
        let error = ours.write_all(&bytes).await.expect_err("nobody reads");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(began.elapsed() >= SHORT);

        let (ours, mut theirs) = UnixStream::pair().expect("a pair");
        let (mut ours, began) = (Unread::new(ours, SHORT), clock::timer_now());
        let reader = tokio::spawn(async move {
            let (mut piece, mut taken) = (vec![0; 512 << 10], 0);
            loop {
                sleep(SHORT / 4).await;
                match theirs.read(&mut piece).await.expect("reads") {
                    0 => return taken,
                    count => taken += count,
                }
            }
        });
        ours.write_all(&bytes).await.expect("is read");
        drop(ours);
        assert_eq!(reader.await.expect("ends"), bytes.len());
        assert!(began.elapsed() > 2 * SHORT);
    }
}
