//! What a core may want to know, numbered, in a bounded ring.
//!
//! A core polls it. When it has been away for longer than the ring reaches back it has lost log
//! lines, and finds out about deaths by comparing [`api::node::NodeState`](crate::api::node::NodeState).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::api::node::{News, NewsItem};

const KEPT: usize = 8192;

pub struct Newsroom {
    boot_id: String,
    ring: Mutex<Ring>,
    fresh: Notify,
}

#[derive(Default)]
struct Ring {
    last: u64,
    items: VecDeque<(u64, NewsItem)>,
}

impl Newsroom {
    #[must_use]
    pub fn new(boot_id: String) -> Self {
        Self { boot_id, ring: Mutex::default(), fresh: Notify::new() }
    }

    pub fn publish(&self, item: NewsItem) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.last += 1;
        let number = ring.last;
        if ring.items.len() == KEPT {
            // A log line is worth less than a death.
            let oldest_log = ring.items.iter().position(|(_, item)| matches!(item, NewsItem::Log { .. }));
            ring.items.remove(oldest_log.unwrap_or(0));
        }
        ring.items.push_back((number, item));
        drop(ring);
        self.fresh.notify_waiters();
    }

    fn after(&self, after: u64) -> News {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let start = ring.items.partition_point(|(number, _)| *number <= after);
        let items = ring.items.range(start..).map(|(_, item)| item.clone()).collect();
        News { boot_id: self.boot_id.clone(), last: ring.last, items }
    }

    pub async fn wait(&self, after: u64, wait_ms: u64) -> News {
        let fresh = self.fresh.notified();
        tokio::pin!(fresh);
        fresh.as_mut().enable();
        let news = self.after(after);
        // A number from the future comes from another boot: answer at once, the boot id tells.
        if !news.items.is_empty() || after > news.last || wait_ms == 0 {
            return news;
        }
        let _ = tokio::time::timeout(Duration::from_millis(wait_ms), fresh).await;
        self.after(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::random;

    #[tokio::test(flavor = "current_thread")]
    async fn a_waiting_reader_wakes_for_the_next_item_and_old_ones_are_not_repeated() {
        let room = Newsroom::new("b1".into());
        let log = |text: &str| NewsItem::Log { vault: random::vault_id(), text: text.into() };
        room.publish(log("one"));
        let first = room.wait(0, 0).await;
        assert_eq!((first.last, first.items.len()), (1, 1));
        let (second, ()) = tokio::join!(room.wait(1, 60_000), async { room.publish(log("two")) });
        assert_eq!((second.last, second.items.len()), (2, 1));
        assert!(room.wait(99, 60_000).await.items.is_empty());
    }
}
