//! Async runtime below a script, and waiting that can be ended.
//!
//! The runtime has no thread of its own: the session's drives it while the script runs in its child, so a
//! call needs no other thread to be woken, twice. While the session is held up by a terminal, a file or a
//! slow reader, heartbeats and signals must go on all the same; so a second thread looks now and then, and
//! drives in its place until it waits again.

use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle as Thread;
use std::time::Duration;

use tokio::runtime::{Builder, EnterGuard, Runtime};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::cancel::CancelHandle;
use super::host::Stopped;
use hauki_contract::model::trace::TraceContext;
use hauki_contract::seam;
use hauki_contract::system::trace::{self, SpanGuard};

/// How long nobody may drive. A linked vault dies after several times as long.
const LOOK: Duration = Duration::from_millis(50);

pub(super) struct ScriptRuntime {
    /// Taken when this is dropped, as the thread is.
    runtime: Option<Arc<Runtime>>,
    relief: Option<Thread<()>>,
    shift: Arc<Shift>,
    pub(super) cancel: CancelHandle,
    /// Of all that is done here.
    trace: TraceContext,
    _command: Option<Box<SpanGuard>>,
}

/// Who drives the runtime.
#[derive(Default)]
struct Shift {
    script_drives: AtomicBool,
    relief_drives: AtomicBool,
    /// Ends the relief's turn.
    back: Notify,
    order: Mutex<Order>,
    ordered: Condvar,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Order {
    #[default]
    Look,
    /// There is work that the script does not wait for.
    Drive,
    Leave,
}

impl Shift {
    fn order(&self, order: Order) {
        *self.order.lock().unwrap_or_else(PoisonError::into_inner) = order;
        self.ordered.notify_one();
    }

    /// What to do next, after some time or at once.
    fn next(&self) -> Order {
        let order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.ordered.wait_timeout_while(order, LOOK, |order| *order == Order::Look);
        let (mut order, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match *order {
            Order::Leave => Order::Leave,
            _ => std::mem::take(&mut *order),
        }
    }

    /// The second thread's work.
    fn relieve(&self, runtime: &Runtime) {
        while self.next() != Order::Leave {
            // Said before it is asked: the script does both the other way round, so one sees the other.
            self.relief_drives.store(true, Ordering::SeqCst);
            if !self.script_drives.load(Ordering::SeqCst) {
                runtime.block_on(self.back.notified());
            }
            self.relief_drives.store(false, Ordering::SeqCst);
        }
    }
}

impl ScriptRuntime {
    pub(super) fn new(cancel: CancelHandle, trace: TraceContext) -> io::Result<Self> {
        let runtime = Arc::new(Builder::new_current_thread().enable_all().build()?);
        let shift = Arc::<Shift>::default();
        let (theirs, to_drive) = (Arc::clone(&shift), Arc::clone(&runtime));
        let relief = std::thread::Builder::new().name("relief".into());
        let relief = relief.spawn(move || theirs.relieve(&to_drive))?;
        let command = trace::open(Some(trace), seam!("command"));
        let trace = command.as_ref().map_or(trace, |command| command.context);
        Ok(Self { runtime: Some(runtime), relief: Some(relief), shift, cancel, trace, _command: command })
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is taken when the runtime is dropped")
    }

    /// Waits for work, or until it is cancelled; then the work is dropped.
    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, Stopped> {
        self.drive(async {
            tokio::select! {
                biased;
                value = work => Ok(value),
                () = self.cancel.cancelled() => Err(Stopped),
            }
        })
    }

    /// Waits for work although it is cancelled, for so long; then the work is dropped.
    pub(super) fn finish<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        self.drive(async { tokio::time::timeout(limit, work).await.ok() })
    }

    fn drive<T>(&self, work: impl Future<Output = T>) -> T {
        self.shift.script_drives.store(true, Ordering::SeqCst);
        if self.shift.relief_drives.load(Ordering::SeqCst) {
            self.shift.back.notify_one();
        }
        let mut done = None;
        {
            // The runtime is compiled once, and not for each kind of work.
            let work: Pin<&mut dyn Future<Output = ()>> = pin!(async { done = Some(work.await) });
            self.runtime().block_on(trace::within(self.trace, work));
        }
        self.shift.script_drives.store(false, Ordering::SeqCst);
        done.expect("the work has ended")
    }

    pub(super) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let task = self.runtime().spawn(trace::within(self.trace, work));
        self.shift.order(Order::Drive);
        task
    }

    pub(super) fn enter(&self) -> EnterGuard<'_> {
        self.runtime().enter()
    }
}

impl Drop for ScriptRuntime {
    fn drop(&mut self) {
        self.shift.order(Order::Leave);
        self.shift.back.notify_one();
        if let Some(relief) = self.relief.take() {
            let _ = relief.join();
        }
        // The thread had the other share of it.
        if let Some(runtime) = self.runtime.take().and_then(Arc::into_inner) {
            // Somebody who waits for a daemon's start must not hold up the end.
            runtime.shutdown_background();
        }
    }
}
