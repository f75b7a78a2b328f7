//! Restart of the spawner: it is made when first needed, and again when it was lost.
//!
//! One that does not answer keeps its vaults and gets no more of them.
//! One that dies young is not replaced at once: whatever ended it may end the next one too. What it
//! leaves in its cgroup is ended after it.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::cgroup::Layout;
use super::isolation_error::IsolationError;
use super::protocol::Recipe;
use super::prune::prune;
use super::spawner_cgroup;
use super::spawner_client::SpawnerClient;
use crate::stopwatch::Moment;
use hauki_contract::system::tasks;

/// A spawner that lived this long did not die of its own start.
const GROWN_US: u64 = 1_000_000;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
pub(super) enum SpawnerError {
    #[error(transparent)]
    Cgroup(#[from] IsolationError),
    #[error("start the spawner")]
    Start {
        #[source]
        source: io::Error,
    },
}

pub(super) struct SpawnerSupervisor {
    command: Vec<OsString>,
    empty: PathBuf,
    recipe: Recipe,
    layout: Layout,
    /// The group of this daemon.
    group: String,
    /// How many there have been.
    number: AtomicU64,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    link: Option<(Arc<SpawnerClient>, Moment)>,
    died_young: u32,
    /// Each ends when a spawner and all that it left are gone.
    clearing: JoinSet<()>,
}

impl SpawnerSupervisor {
    pub(super) fn new(
        command: Vec<OsString>,
        empty: PathBuf,
        recipe: Recipe,
        layout: Layout,
        group: String,
    ) -> Self {
        Self { command, empty, recipe, layout, group, number: AtomicU64::new(0), current: Mutex::default() }
    }

    /// A link to a spawner that was alive a moment ago.
    pub(super) async fn link(&self) -> Result<Arc<SpawnerClient>, SpawnerError> {
        let mut current = self.current.lock().await;
        if let Some((link, born)) = &current.link {
            if link.is_fit() {
                return Ok(Arc::clone(link));
            }
            current.died_young = if born.elapsed_us() < GROWN_US { current.died_young + 1 } else { 0 };
            current.link = None;
        }
        if current.died_young > 0 {
            tokio::time::sleep(pause(current.died_young)).await;
        }
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        let hall = spawner_cgroup::path(&self.layout, &self.group, number);
        hall.as_deref().map_or(Ok(()), spawner_cgroup::make)?;
        let link = SpawnerClient::open(&self.command, &self.empty, hall.as_deref(), &self.recipe);
        let link = link.map_err(|source| {
            hall.as_deref().map(std::fs::remove_dir);
            SpawnerError::Start { source }
        })?;
        let mut gone = link.gone();
        while current.clearing.try_join_next().is_some() {}
        current.clearing.spawn(async move {
            let _ = gone.wait_for(|gone| *gone).await;
            if let Some(hall) = hall {
                // What could not be removed is found again by the sweep of the next start.
                let _ = tasks::block("sandbox-prune", move || prune(&[hall])).await;
            }
        });
        current.link = Some((Arc::clone(&link), Moment::now()));
        Ok(link)
    }

    /// The link to the living one, if there is one.
    pub(super) async fn current(&self) -> Option<Arc<SpawnerClient>> {
        let current = self.current.lock().await;
        current.link.as_ref().map(|(link, _)| Arc::clone(link)).filter(|link| link.is_fit())
    }

    /// The name of the cgroup of the last one.
    pub(super) fn hall(&self) -> String {
        spawner_cgroup::name(self.number.load(Ordering::Relaxed))
    }

    pub(super) async fn pid(&self) -> Option<u32> {
        self.current().await.map(|link| link.pid())
    }

    pub(super) async fn close(&self) {
        let mut current = self.current.lock().await;
        if let Some((link, _)) = current.link.take() {
            link.close().await;
        }
        while current.clearing.join_next().await.is_some() {}
    }
}

fn pause(died_young: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << (died_young - 1).min(10)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_growing() {
        assert_eq!(pause(1), FIRST_PAUSE);
        assert_eq!(pause(3), FIRST_PAUSE * 4);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }
}
