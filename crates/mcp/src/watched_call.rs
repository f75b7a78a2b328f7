//! Watched call: one call of a worker, its lines as they come, and their way to the client as progress.

use std::pin::pin;

use hauki_client::Ghost;
use hauki_client::ghost::{CallNumber, GhostError, GhostEvent, ParsedEvent};
use hauki_client::visible;
use hauki_contract::strict::{self, DocumentLimits};
use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::live_worker::LineRing;

/// Of a line that is shown while the call runs.
const MOST_SHOWN: usize = 500;

/// What `emit('progress', …)` was given.
#[derive(Deserialize)]
struct ProgressTold {
    done: f64,
    total: Option<f64>,
    message: Option<String>,
}

/// Where progress goes, if the client has asked for it: its numbers grow, whatever the worker says.
pub(crate) struct CallWatch {
    peer: Peer<RoleServer>,
    token: Option<ProgressToken>,
    last: f64,
    /// Once the worker counts, lines no longer do.
    is_counted: bool,
}

impl CallWatch {
    pub(crate) fn new(context: &RequestContext<RoleServer>) -> Self {
        let (peer, token) = (context.peer.clone(), context.meta.get_progress_token());
        Self { peer, token, last: 0.0, is_counted: false }
    }

    async fn tell(&mut self, progress: f64, total: Option<f64>, message: Option<String>) {
        let Some(token) = &self.token else { return };
        if !(progress.is_finite() && progress > self.last) {
            return;
        }
        self.last = progress;
        let mut told = ProgressNotificationParam::new(token.clone(), progress);
        told.total = total.filter(|total| total.is_finite());
        told.message = message.map(|message| shown(&message));
        // Who does not listen any more gives the call up by that.
        let _ = self.peer.notify_progress(told).await;
    }

    async fn hear(&mut self, event: &GhostEvent, number: CallNumber, lines: &mut LineRing) {
        lines.lose(event.lost());
        if event.call() != Some(number) {
            return;
        }
        match event.what() {
            ParsedEvent::Log { text } => {
                if !self.is_counted {
                    self.tell(self.last + 1.0, None, Some(text.clone())).await;
                }
                lines.push(text);
            }
            ParsedEvent::Emitted { event, data } => {
                let told: Option<ProgressTold> = (event == "progress")
                    .then(|| strict::from_str(data.get(), DocumentLimits::MESSAGE).ok())
                    .flatten();
                if let Some(ProgressTold { done, total, message }) = told {
                    self.is_counted = true;
                    self.tell(done, total, message).await;
                } else {
                    lines.push(format!("{event}: {data}"));
                }
            }
            ParsedEvent::Dying(_)
            | ParsedEvent::Broken { .. }
            | ParsedEvent::Reconnected { .. }
            | ParsedEvent::Missed { .. }
            | ParsedEvent::Unknown => {}
        }
    }

    /// Calls, and hears what the worker says in this very call. Dropped, it gives the call up, which the gate is told.
    pub(crate) async fn call(
        &mut self,
        ghost: &Ghost,
        method: &str,
        params: Option<&str>,
    ) -> (Result<Box<RawValue>, GhostError>, LineRing) {
        let mut events = ghost.events();
        let number = ghost.number();
        let mut lines = LineRing::default();
        let mut answer = pin!(ghost.call_as(number, method, params));
        let answer = loop {
            tokio::select! {
                biased;
                Some(event) = events.next() => self.hear(&event, number, &mut lines).await,
                answer = &mut answer => break answer,
            }
        };
        // The node sent them before the answer, so they are here.
        while let Some(event) = events.try_next() {
            self.hear(&event, number, &mut lines).await;
        }
        (answer, lines)
    }
}

fn shown(line: &str) -> String {
    let cut: String = line.chars().take(MOST_SHOWN).collect();
    visible::line(&cut).into_owned()
}
