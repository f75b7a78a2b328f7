//! Fair scheduling: whose token is looked at next, and whose long line.
//!
//! A signature takes a part of a millisecond, too long for a shard and too short to be worth a thread for
//! everybody who asks. So few are looked at at once on the whole node, and each source has one turn at a
//! time: a thousand hellos from one address have others wait for one of them. Who has left before his turn
//! comes leaves nothing to be done.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use hauki_contract::model::id::{TicketId, VaultId};
use hauki_contract::system::tasks;

/// How long a turn may take to come.
const PATIENCE: Duration = Duration::from_secs(3);

static SIGNATURES: LazyLock<Arc<Turns>> = LazyLock::new(Arc::default);
static LINES: LazyLock<Arc<Turns>> = LazyLock::new(Arc::default);

pub(super) struct Turns {
    all: Arc<Semaphore>,
    sources: Mutex<HashMap<Applicant, Arc<Semaphore>>>,
}

impl Default for Turns {
    /// Half of the cores: the other half has calls to carry.
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        Self::of((cores / 2).max(1))
    }
}

/// Who asks: an address from which a hello came, a vault that was given a ticket, or the holders of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Applicant {
    Address(IpAddr),
    Vault(VaultId),
    Ticket(TicketId),
}

impl From<IpAddr> for Applicant {
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
    of: Arc<Turns>,
    source: Applicant,
    turns: Arc<Semaphore>,
}

impl Row {
    fn join(of: &Arc<Turns>, source: Applicant) -> Self {
        let mut sources = of.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let turns = sources.entry(source.clone()).or_insert_with(|| Arc::new(Semaphore::new(1)));
        Self { of: Arc::clone(of), turns: Arc::clone(turns), source }
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        let mut sources = self.of.sources.lock().unwrap_or_else(PoisonError::into_inner);
        // This one and the map's.
        if Arc::strong_count(&self.turns) == 2 {
            sources.remove(&self.source);
        }
    }
}

/// Does the work in its turn, on a thread of its own.
pub async fn take<T: Send + 'static>(
    source: Applicant,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Crowded> {
    let turn = timeout(PATIENCE, SIGNATURES.turn(source)).await.map_err(|_| Crowded)?;
    turn?.have(work).await
}

/// The same for what is too long for a shard and can wait for as long as others have such things: one of each source at
/// a time.
pub async fn take_long<T: Send + 'static>(
    source: Applicant,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Crowded> {
    LINES.turn(source).await?.have(work).await
}

pub(super) struct FairPermit {
    _first: OwnedSemaphorePermit,
    _one: OwnedSemaphorePermit,
    _row: Row,
}

impl Turns {
    pub(super) fn of(all: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), sources: Mutex::default() }
    }

    pub(super) async fn turn(self: &Arc<Self>, source: Applicant) -> Result<FairPermit, Crowded> {
        let row = Row::join(self, source);
        let own = |turns: &Arc<Semaphore>| Arc::clone(turns).acquire_owned();
        let first = own(&row.turns).await.map_err(|_| Crowded)?;
        let one = own(&self.all).await.map_err(|_| Crowded)?;
        Ok(FairPermit { _first: first, _one: one, _row: row })
    }
}

impl FairPermit {
    /// The turn goes with the thread: who leaves in the middle does not free it for another.
    async fn have<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Crowded> {
        let done = tasks::block("signature-or-long-line", move || {
            let done = work();
            drop(self);
            done
        });
        done.await.map_err(|_| Crowded)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn address(text: &str) -> Applicant {
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
        let sources = SIGNATURES.sources.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(!sources.contains_key(&address("192.0.2.10")), "a row is kept for nobody");
    }
}
