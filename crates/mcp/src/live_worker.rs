//! Live worker: one that the client has made, its connection, its last lines, and how it ended.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hauki_client::Ghost;
use hauki_client::error::with_causes;
use hauki_client::ghost::{GhostEvents, ParsedEvent};
use hauki_contract::api::vault::Vault;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;

use crate::session::AgentSession;
use crate::signature::Signature;

/// Of the lines that are kept of one worker.
const MOST_LINES_BYTES: usize = 256 * 1024;

pub(crate) struct LiveWorker {
    pub(crate) name: String,
    pub(crate) vault: Vault,
    pub(crate) ghost: Ghost,
    /// What the source says of the methods' parameters.
    pub(crate) signatures: BTreeMap<String, Signature>,
    lines: Mutex<LineRing>,
    phase: Mutex<WorkerPhase>,
}

enum WorkerPhase {
    /// With the room that it takes.
    Live {
        _room: OwnedSemaphorePermit,
    },
    Ended {
        why: String,
    },
}

#[derive(Default)]
pub(crate) struct LineRing {
    lines: VecDeque<String>,
    bytes: usize,
    /// Older ones, which are no longer there.
    lost: u64,
}

impl LineRing {
    pub(crate) fn push(&mut self, line: String) {
        self.bytes += line.len() + 1;
        self.lines.push_back(line);
        while self.bytes > MOST_LINES_BYTES
            && let Some(oldest) = self.lines.pop_front()
        {
            self.bytes -= oldest.len() + 1;
            self.lost += 1;
        }
    }

    pub(crate) fn lose(&mut self, lines: u64) {
        self.lost += lines;
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }
}

impl LiveWorker {
    pub(crate) fn new(
        name: String,
        vault: Vault,
        ghost: Ghost,
        signatures: BTreeMap<String, Signature>,
        room: OwnedSemaphorePermit,
    ) -> Self {
        let phase = Mutex::new(WorkerPhase::Live { _room: room });
        Self { name, vault, ghost, signatures, lines: Mutex::default(), phase }
    }

    fn phase(&self) -> MutexGuard<'_, WorkerPhase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lines(&self) -> MutexGuard<'_, LineRing> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why it ended, if it has.
    pub(crate) fn ended(&self) -> Option<String> {
        match &*self.phase() {
            WorkerPhase::Live { .. } => None,
            WorkerPhase::Ended { why } => Some(why.clone()),
        }
    }

    pub(crate) fn end(&self, why: String) {
        *self.phase() = WorkerPhase::Ended { why };
    }

    /// Hears what it prints and emits until it ends, whoever ended it; then its tools are no more.
    pub(crate) async fn listen(self: Arc<Self>, mut events: GhostEvents, session: Arc<AgentSession>) {
        while let Some(event) = events.next().await {
            let lost = event.lost();
            let mut lines = self.lines();
            lines.lose(lost);
            match event.what() {
                ParsedEvent::Log { text } => lines.push(text),
                ParsedEvent::Emitted { event, data } => lines.push(format!("{event}: {data}")),
                ParsedEvent::Missed { .. }
                | ParsedEvent::Dying(_)
                | ParsedEvent::Broken { .. }
                | ParsedEvent::Reconnected { .. }
                | ParsedEvent::Unknown => {}
            }
        }
        self.end(with_causes(&self.ghost.closed().await));
        session.workers.bury(&self);
        session.tell_lists_changed().await;
    }

    /// Its lines in one text.
    pub(crate) fn text(&self) -> String {
        let lines = self.lines();
        let mut text = match lines.lost() {
            0 => String::new(),
            lost => format!("({lost} earlier lines are gone)\n"),
        };
        for line in lines.iter() {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// What a client is told of it: never the ticket, which is the right to call it from anywhere.
    pub(crate) fn record(&self) -> Value {
        let Vault { id, worker, node, methods, limits, forged_at, labels, .. } = &self.vault;
        let mut record = json!({ "worker": self.name, "vault": id, "node": node, "source": worker, "methods": methods,
            "limits": limits, "forged_at": forged_at.to_string(), "labels": labels, "alive": true });
        if let Some(why) = self.ended() {
            record["alive"] = false.into();
            record["ended"] = why.into();
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_from_the_newest_back_and_the_rest_is_counted() {
        let mut ring = LineRing::default();
        for number in 0..5 {
            ring.push(format!("{number}{}", "x".repeat(MOST_LINES_BYTES / 4)));
        }
        assert_eq!((ring.iter().count(), ring.lost()), (3, 2));
        assert!(ring.iter().next().is_some_and(|line| line.starts_with('2')));
        ring.push("y".repeat(MOST_LINES_BYTES));
        assert_eq!((ring.is_empty(), ring.bytes, ring.lost()), (true, 0, 6), "one that is too long for all");
    }
}
