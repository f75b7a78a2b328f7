//! Events: what a worker says without being asked, lines for the person, events for the script.
//!
//! A task hands lines on while calls run. The script's own thread can do the same at any moment, so
//! that what came before a reply is there when the reply is, and no last line is lost at the end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::Ghost;
use crate::ghost::{CallNumber, GhostEvents, ParsedEvent};

/// Where a worker's lines go: its name and the line.
pub type LineSink = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// Events that a script has not asked for yet; the oldest go when there are more.
const MOST_EVENTS: usize = 1024;
const MOST_BYTES: usize = 4 << 20;

pub(super) struct EventFeed {
    worker: String,
    lines: LineSink,
    inner: Arc<Mutex<Inner>>,
}

/// What was emitted.
struct Kept {
    call: Option<CallNumber>,
    /// As the script sees it: `{"event": …, "data": …}`.
    text: String,
}

struct Inner {
    incoming: GhostEvents,
    events: VecDeque<Kept>,
    bytes: usize,
}

impl EventFeed {
    /// Listens to a connection. Called inside of the runtime.
    pub(super) fn of(ghost: &Ghost, worker: &str, lines: &LineSink) -> Self {
        let inner = Inner { incoming: ghost.events(), events: VecDeque::new(), bytes: 0 };
        let this =
            Self { worker: worker.to_owned(), lines: Arc::clone(lines), inner: Arc::new(Mutex::new(inner)) };
        let (mut wake, feed) = (ghost.events(), this.handle());
        tokio::spawn(async move {
            while wake.next().await.is_some() {
                feed.drain();
            }
        });
        this
    }

    fn handle(&self) -> Self {
        let (worker, lines) = (self.worker.clone(), Arc::clone(&self.lines));
        Self { worker, lines, inner: Arc::clone(&self.inner) }
    }

    /// Hands on the lines that have arrived and keeps the events.
    pub(super) fn drain(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(event) = inner.incoming.try_next() {
            match event.what() {
                ParsedEvent::Log { text } => (self.lines)(&self.worker, &text),
                ParsedEvent::Emitted { event: name, data } => {
                    let text = format!("{{\"event\":{},\"data\":{data}}}", Value::from(name));
                    inner.keep(Kept { call: event.call(), text });
                }
                ParsedEvent::Missed { lost } => {
                    (self.lines)(&self.worker, &format!("({lost} lines and events were lost)"));
                }
                ParsedEvent::Dying(_)
                | ParsedEvent::Broken { .. }
                | ParsedEvent::Reconnected { .. }
                | ParsedEvent::Unknown => {}
            }
        }
    }

    /// The events since the last time, of all calls or of one, as a JSON array.
    pub(super) fn take_events(&self, of: Option<CallNumber>) -> String {
        self.drain();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let all = std::mem::take(&mut inner.events);
        let (taken, kept) = all.into_iter().partition(|event| of.is_none() || event.call == of);
        inner.events = kept;
        let taken: VecDeque<Kept> = taken;
        inner.bytes -= taken.iter().map(|event| event.text.len()).sum::<usize>();
        let texts: Vec<&str> = taken.iter().map(|event| event.text.as_str()).collect();
        format!("[{}]", texts.join(","))
    }
}

impl Inner {
    fn keep(&mut self, event: Kept) {
        self.bytes += event.text.len();
        self.events.push_back(event);
        while self.events.len() > MOST_EVENTS || self.bytes > MOST_BYTES && self.events.len() > 1 {
            self.bytes -= self.events.pop_front().map_or(0, |event| event.text.len());
        }
    }
}
