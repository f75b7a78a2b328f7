//! Supervision of background tasks: each has a kind, a name and a policy for its faults, and is ended in order.
//!
//! A task whose handle is dropped is seen by nobody: when it panics a part of the daemon has stopped, and when the
//! daemon leaves it is cut off in the middle of what it writes. So what outlives the function that begins it is
//! spawned here, and stands in the register of the process until it has ended. (A `JoinSet` that the same function
//! awaits is no background.) The daemon ends the register: what was ordered gets a while, the rest ends at once, and
//! what is left is told by its name. A test holds the daemon, the control plane, the node and the
//! sandbox to that.
//!
//! A register is one lock and one map. A task costs two short turns at it, and one is spawned for a connection or an
//! order, never for a call.

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinError, JoinHandle};
use tokio::time::{sleep, timeout};

pub use super::task_outcome::TaskOutcome;
use super::task_outcome::caught;
use super::{clock, trace};
use crate::model::lease::Mono;

/// From a fault to the next start of a task that stands; doubled with each that follows soon.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MOST: Duration = Duration::from_secs(30);
/// Who ran for so long does not fault all the time.
const STEADY_US: u64 = 60_000_000;
/// What was cancelled is gone as soon as it has had a turn.
const GONE: Duration = Duration::from_millis(250);

static PROCESS: LazyLock<Register> = LazyLock::new(Register::default);

/// What may be done with a task at the end of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskKind {
    /// A loop for as long as the process: it can be left at any of its waits.
    Standing,
    /// What somebody was promised, or what is half written: goes to its end without him who began it.
    Order,
    /// Of a peer or a vault, and ends with that: there is nobody to work for after it.
    Session,
    /// What orders stand on, as the watch over a vault's processes: it ends after them, and nobody waits for it.
    Support,
    /// Work on a thread of its own, which cannot be cancelled.
    Blocking,
}

/// What a fault of a standing task is answered with. A fault is a panic, or an error that it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFault {
    /// It is begun anew, after a pause.
    Restart,
    /// Without it the process is of no use: see [`fault`].
    EndProcess,
    /// It is told, and that is all.
    Log,
}

/// A task that did not end in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub name: &'static str,
    pub kind: TaskKind,
    pub age_us: u64,
}

/// Of a spawned task. Dropping it leaves the task alone.
#[derive(Debug)]
pub struct Task<T>(JoinHandle<T>);

impl<T> Task<T> {
    pub fn cancel(&self) {
        self.0.abort();
    }

    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// The task ends with its handle.
    #[must_use]
    pub fn owned(self) -> Owned<T> {
        Owned(self)
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

/// A task that ends with its owner.
#[derive(Debug)]
pub struct Owned<T>(Task<T>);

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

struct Entry {
    name: &'static str,
    kind: TaskKind,
    began: Mono,
    /// There as soon as it is spawned.
    task: Option<AbortHandle>,
}

#[derive(Default)]
struct TaskTable {
    entries: BTreeMap<u64, Entry>,
    next: u64,
    /// Of these kinds nothing is begun any more.
    closed: bool,
}

struct Shared {
    book: Mutex<TaskTable>,
    changed: Notify,
    /// The name of what the process cannot be without, once it is gone.
    fault: watch::Sender<Option<&'static str>>,
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, TaskTable> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who is there. The process has one; tests have their own.
#[derive(Clone)]
pub struct Register(Arc<Shared>);

impl Default for Register {
    fn default() -> Self {
        Self(Arc::new(Shared {
            book: Mutex::default(),
            changed: Notify::new(),
            fault: watch::Sender::new(None),
        }))
    }
}

/// A line in the register, which is struck out when the task is dropped.
struct Line {
    shared: Arc<Shared>,
    number: u64,
    name: &'static str,
}

impl Drop for Line {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Whoever waits for it hears of it; often nobody does.
            tracing::error!(task = self.name, "a background task panicked");
        }
        self.shared.book().entries.remove(&self.number);
        self.shared.changed.notify_waiters();
    }
}

impl Register {
    fn enter(&self, name: &'static str, kind: TaskKind) -> Line {
        let mut book = self.0.book();
        book.next += 1;
        let number = book.next;
        book.entries.insert(number, Entry { name, kind, began: clock::mono(), task: None });
        Line { shared: Arc::clone(&self.0), number, name }
    }

    /// The task is known from before it runs; it may even have ended. Who ends the register finds it here, or has
    /// closed the book before and is seen here.
    fn know(&self, number: u64, task: AbortHandle) {
        let mut book = self.0.book();
        if !book.closed {
            if let Some(entry) = book.entries.get_mut(&number) {
                entry.task = Some(task);
            }
            return;
        }
        // As in `cancel`.
        drop(book);
        task.abort();
    }

    pub fn spawn<T: Send + 'static>(
        &self,
        (runtime, kind, name): (&Handle, TaskKind, &'static str),
        work: impl Future<Output = T> + Send + 'static,
    ) -> Task<T> {
        let line = self.enter(name, kind);
        let number = line.number;
        // What a runtime makes of a task is compiled for each type of work, and is more than most work is.
        let work: Pin<Box<dyn Future<Output = T> + Send>> = Box::pin(work);
        // No `async` block, which would be twice as large as what it waits for.
        let task = runtime.spawn(trace::carried(work.map(move |done| {
            drop(line);
            done
        })));
        self.know(number, task.abort_handle());
        Task(task)
    }

    /// Begins what stands, and begins it again as its policy says.
    pub fn stand<F>(
        &self,
        (runtime, name, policy): (&Handle, &'static str, OnFault),
        mut begin: impl FnMut() -> F + Send + 'static,
    ) -> Task<()>
    where
        F: Future<Output: TaskOutcome> + Send + 'static,
    {
        let shared = Arc::clone(&self.0);
        self.spawn((runtime, TaskKind::Standing, name), async move {
            let mut pause = PAUSE;
            loop {
                let began = clock::mono();
                // What it does before its first wait is looked after as well.
                let Some(fault) = caught(name, async { begin().await }).await else { return };
                match policy {
                    OnFault::Restart => {}
                    OnFault::EndProcess => {
                        tracing::error!(task = name, "{fault}; nothing works without it");
                        shared.fault.send_replace(Some(name));
                        return;
                    }
                    OnFault::Log => return tracing::error!(task = name, "{fault}"),
                }
                if clock::mono().since(began) >= STEADY_US {
                    pause = PAUSE;
                }
                tracing::error!(task = name, "{fault}; it is begun anew in {} ms", pause.as_millis());
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MOST);
            }
        })
    }

    pub fn block<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Task<T> {
        let line = self.enter(name, TaskKind::Blocking);
        Task(tokio::task::spawn_blocking(move || {
            let _line = line;
            work()
        }))
    }

    /// Who is there, the longest first.
    #[must_use]
    pub fn there(&self) -> Vec<Left> {
        let now = clock::mono();
        let left = |entry: &Entry| {
            let age_us = now.since(entry.began);
            Left { name: entry.name, kind: entry.kind, age_us }
        };
        self.0.book().entries.values().map(left).collect()
    }

    /// Resolves when a task is gone without which the process is of no use, with its name.
    pub async fn fault(&self) -> &'static str {
        let mut fault = self.0.fault.subscribe();
        let fault = fault.wait_for(Option::is_some).await.ok().and_then(|fault| *fault);
        match fault {
            Some(name) => name,
            None => std::future::pending().await,
        }
    }

    /// Returns when nothing of this kind is under way.
    pub async fn idle(&self, kind: TaskKind) {
        loop {
            let mut changed = pin!(self.0.changed.notified());
            changed.as_mut().enable();
            if !self.0.book().entries.values().any(|entry| entry.kind == kind) {
                return;
            }
            changed.await;
        }
    }

    /// Waits for orders as long as `patience`, cancels the rest, and tells who did not go in order: orders that were
    /// cut off, and whatever is there even now. Nothing is begun any more.
    pub async fn end(&self, patience: Duration) -> Vec<Left> {
        self.cancel(|kind| matches!(kind, TaskKind::Standing | TaskKind::Session));
        let _ = timeout(patience, self.idle(TaskKind::Order)).await;
        let mut left: Vec<Left> =
            self.there().into_iter().filter(|left| left.kind == TaskKind::Order).collect();
        self.0.book().closed = true;
        self.cancel(|kind| kind != TaskKind::Blocking);
        let gone = async {
            for kind in [
                TaskKind::Standing,
                TaskKind::Session,
                TaskKind::Order,
                TaskKind::Support,
                TaskKind::Blocking,
            ] {
                self.idle(kind).await;
            }
        };
        if timeout(GONE, gone).await.is_err() {
            left.extend(self.there().into_iter().filter(|left| left.kind != TaskKind::Order));
        }
        left
    }

    fn cancel(&self, which: impl Fn(TaskKind) -> bool) {
        let book = self.0.book();
        let tasks = book.entries.values().filter(|entry| which(entry.kind));
        let tasks: Vec<AbortHandle> = tasks.filter_map(|entry| entry.task.clone()).collect();
        // A task that is dropped here and now strikes itself out.
        drop(book);
        tasks.iter().for_each(AbortHandle::abort);
    }
}

/// Begins a task in the runtime of its caller.
pub fn spawn<T: Send + 'static>(
    kind: TaskKind,
    name: &'static str,
    work: impl Future<Output = T> + Send + 'static,
) -> Task<T> {
    PROCESS.spawn((&Handle::current(), kind, name), work)
}

/// The same on the runtime of another thread.
pub fn spawn_on<T: Send + 'static>(
    runtime: &Handle,
    kind: TaskKind,
    name: &'static str,
    work: impl Future<Output = T> + Send + 'static,
) -> Task<T> {
    PROCESS.spawn((runtime, kind, name), work)
}

/// Begins what stands for as long as the process.
pub fn stand<F>(name: &'static str, policy: OnFault, begin: impl FnMut() -> F + Send + 'static) -> Task<()>
where
    F: Future<Output: TaskOutcome> + Send + 'static,
{
    PROCESS.stand((&Handle::current(), name, policy), begin)
}

/// Does what blocks on a thread of its own.
pub fn block<T: Send + 'static>(name: &'static str, work: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    PROCESS.block(name, work)
}

/// The register of this process, for whoever ends it.
#[must_use]
pub fn process() -> &'static Register {
    &PROCESS
}

#[cfg(test)]
#[path = "tasks_tests.rs"]
mod tests;
