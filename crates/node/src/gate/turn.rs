//! Whose token is looked at next.
//!
//! A signature takes a part of a millisecond, too long for a lane and too short to be worth a thread for
//! everybody who asks. So few are looked at at once on the whole node, and each source has one turn at a
//! time: a thousand hellos from one address have others wait for one of them. Who has left before his turn
//! comes leaves nothing to be done.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use hauki_contract::model::id::VaultId;

/// How long a turn may take to come.
const PATIENCE: Duration = Duration::from_secs(3);

/// Half of the cores: the other half has calls to carry.
static ALL: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let cores = available_parallelism().map_or(1, std::num::NonZero::get);
    Arc::new(Semaphore::new((cores / 2).max(1)))
});

static SOURCES: LazyLock<Mutex<HashMap<Source, Arc<Semaphore>>>> = LazyLock::new(Mutex::default);

/// Who asks: an address from which a hello came, or a vault that was given a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    Address(IpAddr),
    Vault(VaultId),
}

impl From<IpAddr> for Source {
    /// Who has one address of IPv6 has all of its network.
    fn from(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
            address => address,
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the ticket could not be checked in time")]
pub struct Crowded;

/// A place in the source's row, which is forgotten with the last who stands there.
struct Row {
    source: Source,
    turns: Arc<Semaphore>,
}

impl Row {
    fn join(source: Source) -> Self {
        let mut sources = SOURCES.lock().unwrap_or_else(PoisonError::into_inner);
        let turns = sources.entry(source.clone()).or_insert_with(|| Arc::new(Semaphore::new(1)));
        Self { turns: Arc::clone(turns), source }
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        let mut sources = SOURCES.lock().unwrap_or_else(PoisonError::into_inner);
        // This one and the map's.
        if Arc::strong_count(&self.turns) == 2 {
            sources.remove(&self.source);
        }
    }
}

/// Does the work in its turn, on a thread of its own.
pub async fn take<T: Send + 'static>(
    source: Source,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Crowded> {
    let row = Row::join(source);
    let own = |turns: &Arc<Semaphore>| Arc::clone(turns).acquire_owned();
    let turn = async {
        let first = own(&row.turns).await?;
        Ok::<_, tokio::sync::AcquireError>((first, own(&ALL).await?))
    };
    let turn: (OwnedSemaphorePermit, OwnedSemaphorePermit) =
        timeout(PATIENCE, turn).await.map_err(|_| Crowded)?.map_err(|_| Crowded)?;
    // The turn goes with the thread: who leaves in the middle does not free it for another.
    let done = spawn_blocking(move || {
        let done = work();
        drop(turn);
        drop(row);
        done
    });
    done.await.map_err(|_| Crowded)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn address(text: &str) -> Source {
        text.parse::<IpAddr>().expect("an address").into()
    }

    #[test]
    fn a_network_is_one_source() {
        assert_eq!(address("fd00:1:2:3::1"), address("fd00:1:2:3:ffff::2"));
        assert_ne!(address("fd00:1:2:3::1"), address("fd00:1:2:4::1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
    }

    #[tokio::test]
    async fn a_crowd_from_one_source_is_looked_at_one_by_one_and_others_wait_for_one_of_it() {
        static ATONCE: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        static DONE: AtomicUsize = AtomicUsize::new(0);
        let crowd: Vec<_> = (0..100)
            .map(|_| {
                tokio::spawn(take(address("192.0.2.10"), || {
                    MOST.fetch_max(ATONCE.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(10));
                    ATONCE.fetch_sub(1, Ordering::SeqCst);
                    DONE.fetch_add(1, Ordering::SeqCst);
                }))
            })
            .collect();
        while DONE.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        take(address("192.0.2.11"), || ()).await.expect("has its turn");
        let before = DONE.load(Ordering::SeqCst);
        assert!(before < 50, "{before} of the crowd came first");
        // Who has left is not looked at any more.
        crowd.iter().for_each(tokio::task::JoinHandle::abort);
        for one in crowd {
            let _ = one.await;
        }
        take(address("192.0.2.10"), || ()).await.expect("the row moves on");
        assert!(DONE.load(Ordering::SeqCst) < 60, "work was done for those who had left");
        assert_eq!(MOST.load(Ordering::SeqCst), 1);
        let sources = SOURCES.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(!sources.contains_key(&address("192.0.2.10")), "a row is kept for nobody");
    }
}
