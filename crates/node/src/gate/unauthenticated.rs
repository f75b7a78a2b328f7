//! Unauthenticated connections: where strangers are until they have said who they are. They cannot keep others out:
//! when too many are here, the oldest of those who came from where most came from is shown the door.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::connection::MAX_CALLERS;
use super::fair_scheduler::Applicant;
use hauki_contract::system::tasks::Task;

/// All that find a place may come at the same moment, and nobody says a word before the shard has time.
const MAX_STRANGERS: usize = 2 * MAX_CALLERS;
/// When so many are on the whole node, each vault has room for few: they hold descriptors that all need.
const CROWD: usize = 1024;
const FEW_STRANGERS: usize = 8;

/// Those of one vault.
#[derive(Default)]
pub(super) struct Unauthenticated(Mutex<VecDeque<Stranger>>);

struct Stranger {
    source: Applicant,
    task: Task<()>,
    known: Arc<AtomicBool>,
}

/// Counts those on the node.
pub(super) struct CountedStranger;

static STRANGERS: AtomicUsize = AtomicUsize::new(0);

impl CountedStranger {
    pub(super) fn new() -> Self {
        STRANGERS.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for CountedStranger {
    fn drop(&mut self) {
        STRANGERS.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Unauthenticated {
    pub(super) fn enter(&self, source: Applicant, task: Task<()>, known: Arc<AtomicBool>) {
        let mut strangers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        strangers.retain(|stranger| !stranger.known.load(Ordering::Relaxed) && !stranger.task.is_finished());
        strangers.push_back(Stranger { source, task, known });
        let crowded = STRANGERS.load(Ordering::Relaxed) > CROWD;
        let most = if crowded { FEW_STRANGERS } else { MAX_STRANGERS };
        while strangers.len() > most {
            let Some(oldest) = one_too_many(&strangers).and_then(|index| strangers.remove(index)) else {
                break;
            };
            oldest.task.cancel();
        }
    }
}

/// The oldest from the source that has most of them, so that a crowd from one address shows nobody else the door.
fn one_too_many(strangers: &VecDeque<Stranger>) -> Option<usize> {
    let mut counts: HashMap<&Applicant, (usize, Reverse<usize>)> = HashMap::new();
    for (index, stranger) in strangers.iter().enumerate() {
        counts.entry(&stranger.source).or_insert((0, Reverse(index))).0 += 1;
    }
    counts.into_values().max().map(|(_, Reverse(oldest))| oldest)
}

#[cfg(test)]
mod tests {
    use hauki_contract::system::tasks::{self, TaskKind};

    use super::*;

    #[tokio::test]
    async fn a_crowd_from_one_address_shows_nobody_else_the_door() {
        let of = |text: &str| Stranger {
            source: text.parse::<std::net::IpAddr>().expect("an address").into(),
            task: tasks::spawn(TaskKind::Session, "caller", async {}),
            known: Arc::default(),
        };
        let hall: VecDeque<Stranger> =
            ["192.0.2.1", "192.0.2.7", "192.0.2.2", "192.0.2.7", "192.0.2.1"].map(of).into();
        assert_eq!(one_too_many(&hall), Some(0), "of two that have as many, the oldest");
        let hall: VecDeque<Stranger> = ["192.0.2.1", "192.0.2.7", "192.0.2.2", "192.0.2.7"].map(of).into();
        assert_eq!(one_too_many(&hall), Some(1));
        assert_eq!(one_too_many(&VecDeque::new()), None);
    }
}
