//! Export of spans: OTLP over HTTP in its JSON form, or the same as lines of a file.
//!
//! Whatever becomes of an export, nothing waits for it: spans go into a bounded queue, those that find no room are
//! dropped and counted, and a thread of its own sends what is there and gives up on what cannot be sent. No crates of
//! OpenTelemetry: what is sent is one document of one request, written below.

mod http_post;
mod target;

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

pub use target::{Target, TargetError};

use super::clock;
use super::spans::Span;
use crate::model::check::Check;
use crate::model::error_chain;
use crate::model::lease::Mono;

/// Spans that wait; about a hundred bytes each.
const QUEUE: usize = 4096;
/// In one request.
const TOGETHER: usize = 512;
/// How long the first of them waits for others.
const GATHER_MS: u64 = 500;
/// After a failure; doubled with each that follows.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MOST: Duration = Duration::from_secs(60);

enum Message {
    Span(Span),
    /// Everything before it has been tried when this is dropped.
    Flush(SyncSender<()>),
}

/// What has become of the spans.
#[derive(Debug, Default)]
struct Fate {
    sent: AtomicU64,
    dropped: AtomicU64,
    /// Why the last attempt failed, as long as none has succeeded since.
    why: Mutex<Option<String>>,
}

impl Fate {
    fn why(&self) -> MutexGuard<'_, Option<String>> {
        self.why.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends spans of this process somewhere.
pub struct Exporter {
    queue: SyncSender<Message>,
    target: Target,
    fate: Arc<Fate>,
}

static ON: AtomicBool = AtomicBool::new(false);
static PROCESS: OnceLock<Exporter> = OnceLock::new();

impl Exporter {
    /// Starts the thread. `service` is what the process is called there.
    pub fn start(target: Target, service: &'static str) -> io::Result<Self> {
        let (queue, waiting) = sync_channel(QUEUE);
        let fate = Arc::<Fate>::default();
        let (to, known) = (target.clone(), Arc::clone(&fate));
        std::thread::Builder::new()
            .name("export".into())
            .spawn(move || carry(&waiting, &to, service, &known))?;
        Ok(Self { queue, target, fate })
    }

    /// Never waits.
    pub fn take(&self, span: Span) {
        if self.queue.try_send(Message::Span(span)).is_err() {
            self.fate.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Gives what waits a chance to go, for so long.
    pub fn flush(&self, patience: Duration) {
        let (done, heard) = sync_channel(0);
        if self.queue.try_send(Message::Flush(done)).is_ok() {
            let _ = heard.recv_timeout(patience);
        }
    }

    /// How many were sent, and how many dropped.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.fate.sent.load(Ordering::Relaxed), self.fate.dropped.load(Ordering::Relaxed))
    }

    fn found(&self) -> Option<Check> {
        let (sent, dropped) = self.counts();
        let why = self.fate.why().clone();
        if dropped == 0 && why.is_none() {
            return None;
        }
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        let what = format!("{dropped} of {} spans did not get to {}{why}", sent + dropped, self.target);
        Some(Check::warn(what, "check daemon.trace and the collector"))
    }
}

/// From now on, spans of this process are wanted. A second target of one process is none.
pub fn begin(exporter: Exporter) {
    if PROCESS.set(exporter).is_ok() {
        ON.store(true, Ordering::Relaxed);
        // Who was asked before said that nobody wants them.
        tracing::callsite::rebuild_interest_cache();
    }
}

pub(super) fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

pub(super) fn take(span: Span) {
    if let Some(exporter) = PROCESS.get() {
        exporter.take(span);
    }
}

/// At the end of the process.
pub fn finish(patience: Duration) {
    if let Some(exporter) = PROCESS.get() {
        exporter.flush(patience);
    }
}

/// For `hauki doctor`.
#[must_use]
pub fn found() -> Option<Check> {
    PROCESS.get().and_then(Exporter::found)
}

fn carry(waiting: &Receiver<Message>, target: &Target, service: &str, fate: &Fate) {
    let mut pause = PAUSE;
    loop {
        let (spans, flushed, is_over) = gather(waiting);
        if !spans.is_empty() {
            let document = document(service, &spans).to_string();
            match send(target, &document) {
                Ok(()) => {
                    fate.sent.fetch_add(spans.len() as u64, Ordering::Relaxed);
                    *fate.why() = None;
                    pause = PAUSE;
                }
                Err(error) => {
                    fate.dropped.fetch_add(spans.len() as u64, Ordering::Relaxed);
                    if fate.why().replace(error.to_string()).is_none() {
                        tracing::warn!(
                            error = error_chain::told(&error),
                            "spans cannot be sent to {target}; they are dropped until they can"
                        );
                    }
                    if flushed.is_empty() {
                        std::thread::sleep(pause);
                        pause = (pause * 2).min(PAUSE_MOST);
                    }
                }
            }
        }
        drop(flushed);
        if is_over {
            return;
        }
    }
}

/// What goes together, who waits for that, and whether nothing follows.
fn gather(waiting: &Receiver<Message>) -> (Vec<Span>, Vec<SyncSender<()>>, bool) {
    let (mut spans, mut flushed) = (Vec::new(), Vec::new());
    let mut until: Option<Mono> = None;
    while spans.len() < TOGETHER && flushed.is_empty() {
        let now = clock::mono();
        let left_us = until.map_or(u64::MAX, |until| until.since(now));
        if left_us == 0 {
            break;
        }
        let came = match until {
            None => waiting.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(_) => waiting.recv_timeout(Duration::from_micros(left_us)),
        };
        match came {
            Ok(Message::Span(span)) => {
                until.get_or_insert_with(|| now.plus_ms(GATHER_MS));
                spans.push(span);
            }
            Ok(Message::Flush(done)) => flushed.push(done),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => return (spans, flushed, true),
        }
    }
    (spans, flushed, false)
}

/// An `ExportTraceServiceRequest`.
fn document(service: &str, spans: &[Span]) -> Value {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let version = env!("CARGO_PKG_VERSION");
    let spans: Vec<Value> = spans.iter().map(|span| span.told(service)).collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": [
            text("service.name", service), text("service.version", version),
            {"key": "process.pid", "value": {"intValue": std::process::id().to_string()}},
        ]},
        "scopeSpans": [{"scope": {"name": "hauki", "version": version}, "spans": spans}],
    }]})
}

fn send(target: &Target, document: &str) -> io::Result<()> {
    match target {
        Target::File(path) => {
            let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
            file.write_all(format!("{document}\n").as_bytes())
        }
        Target::Http { host, port, path } => http_post::post((host, *port), path, document),
    }
}

#[cfg(test)]
mod tests;
