//! Event stream: what a ghost hears without having asked: the worker's words, and what becomes of the connection.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::stream::{self, Stream, StreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::offer::OfferBook;
use hauki_contract::rpc::builtin::{BROKEN, DYING, Dying, EVENT, LOG, MISSED, RECONNECTED};
use hauki_contract::strict::{DocumentLimits, StrictError, tolerant_reader};

/// A notification as it stood on the wire, or one of the ghost's own in the same form.
#[derive(Debug, Clone)]
pub struct GhostEvent {
    /// `hauki.log`, `hauki.event` or `hauki.dying`; `hauki.broken`, `hauki.reconnected` and
    /// `hauki.missed` are the ghost's own.
    pub method: String,
    pub params: Box<RawValue>,
}

/// An [`GhostEvent`], read.
#[derive(Debug, Clone)]
pub enum ParsedEvent {
    /// A line of the worker's `print`.
    Log { text: String },
    /// The worker's `emit(event, data)`; `data` is JSON text.
    Emitted { event: String, data: Box<RawValue> },
    /// The vault is doomed, and the end of everything is near.
    Dying(Box<Dying>),
    /// The connection was lost: calls in flight have failed, and it is being made anew.
    Broken { reason: String },
    /// The connection is there again. What was emitted meanwhile is lost.
    Reconnected { after_ms: u64 },
    /// This reader was too slow for so many.
    Missed { lost: u64 },
    /// What this version does not know.
    Unknown,
}

#[derive(Deserialize)]
struct LogParams {
    text: String,
}

#[derive(Deserialize)]
struct EmittedParams {
    event: String,
    data: Box<RawValue>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct BrokenParams {
    pub reason: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ReconnectedParams {
    pub after_ms: u64,
}

#[derive(Default, Serialize, Deserialize)]
struct Lost {
    #[serde(default)]
    lost: u64,
}

#[derive(Deserialize)]
struct Tag {
    call: Option<u64>,
}

/// One call of a ghost, so that its events can be told from others'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallNumber(pub(crate) u64);

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, StrictError> {
    tolerant_reader::fields(text, DocumentLimits::MESSAGE)
}

impl GhostEvent {
    pub(super) fn own(method: &str, params: &impl Serialize) -> Self {
        let params = serde_json::value::to_raw_value(params).unwrap_or_else(|_| RawValue::NULL.to_owned());
        Self { method: method.to_owned(), params }
    }

    #[must_use]
    pub fn what(&self) -> ParsedEvent {
        let text = self.params.get();
        let read = match self.method.as_str() {
            LOG => read(text).map(|LogParams { text }| ParsedEvent::Log { text }),
            EVENT => read(text).map(|EmittedParams { event, data }| ParsedEvent::Emitted { event, data }),
            DYING => read(text).map(|dying| ParsedEvent::Dying(Box::new(dying))),
            BROKEN => read(text).map(|BrokenParams { reason }| ParsedEvent::Broken { reason }),
            RECONNECTED => {
                read(text).map(|ReconnectedParams { after_ms }| ParsedEvent::Reconnected { after_ms })
            }
            MISSED => read(text).map(|Lost { lost }| ParsedEvent::Missed { lost }),
            _ => return ParsedEvent::Unknown,
        };
        read.unwrap_or(ParsedEvent::Unknown)
    }

    /// In which of this ghost's calls the worker printed or emitted this; `None` if in another caller's,
    /// or by itself.
    #[must_use]
    pub fn call(&self) -> Option<CallNumber> {
        let tag: Tag = read(self.params.get()).ok()?;
        tag.call.map(CallNumber)
    }

    /// How many events were left out before this one, because they were read too slowly.
    #[must_use]
    pub fn lost(&self) -> u64 {
        read::<Lost>(self.params.get()).unwrap_or_default().lost
    }
}

/// Events that a reader may be behind.
const KEPT: usize = 1024;

/// Who listens. The room for events is made for the first listener: most ghosts have none, and one
/// program may hold thousands of ghosts.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    broadcast: Mutex<Broadcast>,
    /// The number of the last call: over all connections, so that no event of an old one can be taken
    /// for a new call's.
    last: AtomicU64,
    /// What the worker may call, over whatever connection there is.
    pub(super) offers: OfferBook,
}

#[derive(Debug, Default)]
enum Broadcast {
    #[default]
    Empty,
    Open(broadcast::Sender<GhostEvent>),
    Closed,
}

impl Listeners {
    fn broadcast(&self) -> MutexGuard<'_, Broadcast> {
        self.broadcast.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn number(&self) -> CallNumber {
        CallNumber(self.last.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub(super) fn join(&self) -> GhostEvents {
        let mut broadcast = self.broadcast();
        if matches!(*broadcast, Broadcast::Empty) {
            *broadcast = Broadcast::Open(broadcast::Sender::new(KEPT));
        }
        GhostEvents::new(match &*broadcast {
            Broadcast::Open(sender) => Some(sender.subscribe()),
            Broadcast::Empty | Broadcast::Closed => None,
        })
    }

    pub(super) fn tell(&self, event: impl FnOnce() -> GhostEvent) {
        if let Broadcast::Open(sender) = &*self.broadcast() {
            // Nobody has to listen any more.
            let _ = sender.send(event());
        }
    }

    /// No event comes any more: the streams end behind the last one.
    pub(super) fn close(&self) {
        *self.broadcast() = Broadcast::Closed;
    }
}

/// The events of a ghost from the moment of [`Ghost::events`](super::Ghost::events) on; it ends when
/// the ghost does. A reader that falls far behind misses the oldest, and is told how many.
pub struct GhostEvents {
    stream: Pin<Box<dyn Stream<Item = GhostEvent> + Send>>,
}

impl fmt::Debug for GhostEvents {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Events")
    }
}

impl GhostEvents {
    fn new(receiver: Option<broadcast::Receiver<GhostEvent>>) -> Self {
        let stream = stream::unfold(receiver, async |receiver| {
            let mut receiver = receiver?;
            let event = match receiver.recv().await {
                Ok(event) => event,
                Err(RecvError::Lagged(lost)) => GhostEvent::own(MISSED, &Lost { lost }),
                Err(RecvError::Closed) => return None,
            };
            Some((event, Some(receiver)))
        });
        // It may be asked again after its end.
        Self { stream: Box::pin(stream.fuse()) }
    }

    /// The next one; `None` when the ghost is at its end.
    pub async fn next(&mut self) -> Option<GhostEvent> {
        self.stream.next().await
    }

    /// One that has arrived already.
    pub fn try_next(&mut self) -> Option<GhostEvent> {
        // Unconstrained, or a task that has done much would be told that there is none.
        tokio::task::unconstrained(self.stream.next()).now_or_never().flatten()
    }
}

impl Stream for GhostEvents {
    type Item = GhostEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<GhostEvent>> {
        self.stream.as_mut().poll_next(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(method: &str, params: &str) -> GhostEvent {
        GhostEvent { method: method.into(), params: RawValue::from_string(params.into()).expect("is JSON") }
    }

    #[test]
    fn events_are_read_and_strange_ones_do_no_harm() {
        let emitted = event(EVENT, r#"{"event":"progress","data":{"done":1.10},"lost":3}"#);
        assert_eq!((emitted.lost(), emitted.call()), (3, None));
        let own = event(LOG, r#"{"text":"hi","call":7}"#);
        assert_eq!(own.call(), Some(CallNumber(7)));
        assert_eq!(event(LOG, r#"{"text":"hi","call":"seven"}"#).call(), None);
        assert!(
            matches!(emitted.what(), ParsedEvent::Emitted { event, data } if event == "progress" && data.get() == "{\"done\":1.10}")
        );
        assert!(matches!(event(LOG, r#"{"text":"hi"}"#).what(), ParsedEvent::Log { text } if text == "hi"));
        let own = GhostEvent::own(BROKEN, &BrokenParams { reason: "gone".into() });
        assert!(matches!(own.what(), ParsedEvent::Broken { reason } if reason == "gone"));
        for strange in [event(LOG, "[]"), event(EVENT, "null"), event("hauki.new", "{}")] {
            assert!(matches!(strange.what(), ParsedEvent::Unknown));
            assert_eq!(strange.lost(), 0);
        }
    }
}
