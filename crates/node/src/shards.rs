//! Thread per core: each shard is a thread with a runtime of its own, on which its vaults are served.
//!
//! A call crosses several tasks: the connection, the channel, and back. Handing a task to another
//! thread costs more than everything else on that path, so all tasks of one vault stay on one
//! shard. Nothing on a shard may block.
//!
//! A shard whose vault has just answered, with nothing else to do, waits awake for a moment: who calls one
//! by one has the next call ready.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Builder, EnterGuard, Handle};
use tokio::sync::{Notify, oneshot};

use super::waking_clock::WakingClock;
use hauki_contract::system::adaptive_spin::AdaptiveSpin;
use hauki_contract::system::cpu_latency::Stream;
use hauki_contract::system::tasks::{self, Task, TaskKind};

/// What a caller needs between a reply and its next call.
const AWAKE_US: u64 = 100;

thread_local! {
    static CURRENT: Rc<Expecting> = Rc::default();
}

#[derive(Default)]
struct Expecting {
    answered: Notify,
    called: Cell<bool>,
    asked: RefCell<Stream>,
}

/// A vault of this thread's shard has answered, and nothing else is asked of it.
pub(crate) fn answered() {
    CURRENT.with(|shard| {
        shard.called.set(false);
        shard.answered.notify_one();
    });
}

/// Something came from a caller of this thread's shard.
pub(crate) fn called() {
    CURRENT.with(|shard| shard.called.set(true));
}

/// It was a request, or several.
pub(crate) fn asked() {
    CURRENT.with(|shard| shard.asked.borrow_mut().came());
}

async fn expect() {
    let shard = CURRENT.with(Rc::clone);
    let spin = AdaptiveSpin::default();
    loop {
        shard.answered.notified().await;
        spin.keep(AWAKE_US, || shard.called.get()).await;
    }
}

/// What has been said to this shard is heard when this resolves: its runtime has looked for what has arrived,
/// and whoever waited for it has had a turn.
pub(crate) async fn turn() {
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
}

/// Where a vault's tasks run, and the clock that they are judged by.
#[derive(Clone)]
pub(crate) struct Shard {
    runtime: Handle,
    pub waking: Arc<WakingClock>,
}

impl Shard {
    /// Makes its runtime the current one.
    pub(crate) fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    /// Begins a task of a vault here.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        kind: TaskKind,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Task<T> {
        tasks::spawn_on(&self.runtime, kind, name, work)
    }
}

pub(crate) struct Shards {
    shards: Vec<Shard>,
    next: AtomicUsize,
    /// Dropping these ends the threads, and with them every task.
    _stop: Vec<oneshot::Sender<()>>,
}

#[derive(Debug, thiserror::Error)]
#[error("failed to start a data-plane thread")]
pub struct ShardError(#[source] std::io::Error);

impl Shards {
    pub(crate) fn start(count: usize) -> Result<Self, ShardError> {
        let mut shards = Vec::new();
        let mut stops = Vec::new();
        for index in 0..count.max(1) {
            let runtime = Builder::new_current_thread().enable_all().build().map_err(ShardError)?;
            let (stop, stopped) = oneshot::channel::<()>();
            let waking = Arc::<WakingClock>::default();
            shards.push(Shard { runtime: runtime.handle().clone(), waking: Arc::clone(&waking) });
            stops.push(stop);
            thread::Builder::new()
                .name(format!("lane-{index}"))
                .spawn(move || {
                    runtime.block_on(async {
                        tokio::select! {
                            _ = stopped => {}
                            () = expect() => {}
                            () = waking.tick() => {}
                        }
                    });
                    // A blocking job (a token check) is never worth waiting for at the end.
                    runtime.shutdown_background();
                })
                .map_err(ShardError)?;
        }
        Ok(Self { shards, next: AtomicUsize::new(0), _stop: stops })
    }

    /// The shard of the next vault.
    pub(crate) fn assign(&self) -> Shard {
        let index = self.next.fetch_add(1, Ordering::Relaxed) % self.shards.len();
        self.shards[index].clone()
    }
}
