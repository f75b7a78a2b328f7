//! What a worker says without being asked: lines for the person, events for the script.
//!
//! A task hands lines on while calls run. The script's own thread can do the same at any moment, so
//! that what came before a reply is there when the reply is, and no last line is lost at the end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::value::RawValue;

use crate::client::Ghost;
use crate::client::ghost::{Events, What};

/// Where a worker's lines go: its name and the line.
pub type Lines = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// Events that a script has not asked for yet; the oldest go when there are more.
const MOST_EVENTS: usize = 1024;
const MOST_BYTES: usize = 4 << 20;

pub(super) struct Feed {
    worker: String,
    lines: Lines,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    incoming: Events,
    events: VecDeque<Box<RawValue>>,
    bytes: usize,
}

impl Feed {
    /// Listens to a connection. Called inside of the runtime.
    pub(super) fn of(ghost: &Ghost, worker: &str, lines: &Lines) -> Self {
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
                What::Log { text } => (self.lines)(&self.worker, &text),
                What::Emitted { .. } => inner.keep(event.params),
                What::Missed { lost } => {
                    (self.lines)(&self.worker, &format!("({lost} lines and events were lost)"));
                }
                What::Dying(_) | What::Broken { .. } | What::Reconnected { .. } | What::Unknown => {}
            }
        }
    }

    /// The events since the last time, as a JSON array.
    pub(super) fn take_events(&self) -> String {
        self.drain();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.bytes = 0;
        let texts: Vec<Box<RawValue>> = inner.events.drain(..).collect();
        let texts: Vec<&str> = texts.iter().map(|event| event.get()).collect();
        format!("[{}]", texts.join(","))
    }
}

impl Inner {
    fn keep(&mut self, event: Box<RawValue>) {
        self.bytes += event.get().len();
        self.events.push_back(event);
        while self.events.len() > MOST_EVENTS || self.bytes > MOST_BYTES && self.events.len() > 1 {
            self.bytes -= self.events.pop_front().map_or(0, |event| event.get().len());
        }
    }
}
