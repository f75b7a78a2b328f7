//! What a core may want to know, numbered, in two bounded rings.
//!
//! A core polls them. What happened and what workers print are kept apart, so that a worker that
//! prints without end pushes out lines, its own and others', but no death, and holds no more than a
//! few megabytes. A core that has been away for longer than the rings reach back has lost lines, and
//! finds out about deaths by comparing [`api::node::NodeState`](crate::api::node::NodeState).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::api::node::{News, NewsItem};

const KEPT: usize = 8192;
const KEPT_LINES: usize = 4096;
const KEPT_LINE_BYTES: usize = 4 * 1024 * 1024;

pub struct Newsroom {
    boot_id: String,
    rings: Mutex<Rings>,
    fresh: Notify,
}

#[derive(Default)]
struct Rings {
    last: u64,
    items: VecDeque<(u64, NewsItem)>,
    lines: VecDeque<(u64, NewsItem)>,
    line_bytes: usize,
}

impl Rings {
    fn add_line(&mut self, item: NewsItem) {
        self.line_bytes += length(&item);
        self.lines.push_back((self.last, item));
        while self.lines.len() > KEPT_LINES || self.line_bytes > KEPT_LINE_BYTES {
            let Some((_, oldest)) = self.lines.pop_front() else { return };
            self.line_bytes -= length(&oldest);
        }
    }
}

fn length(item: &NewsItem) -> usize {
    match item {
        NewsItem::Log { text, .. } => text.len(),
        NewsItem::Clone(ask) => ask.arguments.len(),
        NewsItem::Claimed { .. } | NewsItem::Died(_) => 0,
    }
}

impl Newsroom {
    #[must_use]
    pub fn new(boot_id: String) -> Self {
        Self { boot_id, rings: Mutex::default(), fresh: Notify::new() }
    }

    pub fn publish(&self, item: NewsItem) {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        rings.last += 1;
        // A wish that is pushed out ends with its caller's deadline; it may be as long as a source.
        if matches!(item, NewsItem::Log { .. } | NewsItem::Clone(_)) {
            rings.add_line(item);
        } else {
            let number = rings.last;
            if rings.items.len() == KEPT {
                rings.items.pop_front();
            }
            rings.items.push_back((number, item));
        }
        drop(rings);
        self.fresh.notify_waiters();
    }

    fn after(&self, after: u64) -> News {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<&(u64, NewsItem)> = Vec::new();
        for ring in [&rings.items, &rings.lines] {
            found.extend(ring.range(ring.partition_point(|(number, _)| *number <= after)..));
        }
        found.sort_unstable_by_key(|(number, _)| *number);
        let items = found.into_iter().map(|(_, item)| item.clone()).collect();
        News { boot_id: self.boot_id.clone(), last: rings.last, items }
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
    #[test]
    fn lines_without_end_push_out_lines_and_nothing_else() {
        let room = Newsroom::new("b1".into());
        let (vault, ticket) = (random::vault_id(), random::ticket_id());
        room.publish(NewsItem::Claimed { vault: vault.clone(), ticket, peer: "p".into() });
        for _ in 0..3 * KEPT_LINES {
            room.publish(NewsItem::Log { vault: vault.clone(), text: "x".repeat(8192) });
        }
        let news = room.after(0);
        assert!(matches!(news.items[0], NewsItem::Claimed { .. }));
        assert_eq!(news.items.len(), 1 + KEPT_LINE_BYTES / 8192);
        assert_eq!(room.after(news.last - 1).items.len(), 1);
    }
}
