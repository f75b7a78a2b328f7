//! What a core may want to know, numbered, in two bounded rings.
//!
//! A core polls them. What happened and what workers print are kept apart, so that a worker that
//! prints without end pushes out lines, its own and others', but no death, and holds no more than a
//! few megabytes. A core that has been away for longer than the rings reach back has lost lines, and
//! finds out about deaths by comparing [`api::node::NodeVaults`](crate::api::node::NodeVaults).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::api::node::{MOST_NEWS, News, NewsItem};

const KEPT: usize = 8192;
const KEPT_LINES: usize = 4096;
const _: () = assert!(KEPT + KEPT_LINES <= MOST_NEWS);
const KEPT_LINE_BYTES: usize = 4 * 1024 * 1024;
/// What goes into one answer, which a core on another machine takes up to a size only.
const PIECE: usize = 1000;
const PIECE_LINE_BYTES: usize = 256 * 1024;

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

    /// The next items, and the number of the newest that there is.
    fn after(&self, after: u64) -> (News, u64) {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<&(u64, NewsItem)> = Vec::new();
        for ring in [&rings.items, &rings.lines] {
            found.extend(ring.range(ring.partition_point(|(number, _)| *number <= after)..));
        }
        found.sort_unstable_by_key(|(number, _)| *number);
        let mut bytes = 0;
        let fits = |(_, item): &&&(u64, NewsItem)| {
            // The first always goes, or there would be no next.
            let first = bytes == 0;
            bytes += length(item).max(1);
            first || bytes <= PIECE_LINE_BYTES
        };
        let piece: Vec<&(u64, NewsItem)> = found.iter().take(PIECE).take_while(fits).copied().collect();
        let last = match piece.last() {
            Some((number, _)) if piece.len() < found.len() => *number,
            _ => rings.last,
        };
        let items = piece.into_iter().map(|(_, item)| item.clone()).collect();
        (News { boot_id: self.boot_id.clone(), last, items }, rings.last)
    }

    pub async fn wait(&self, after: u64, wait_ms: u64) -> News {
        let fresh = self.fresh.notified();
        tokio::pin!(fresh);
        fresh.as_mut().enable();
        let (news, newest) = self.after(after);
        // A number from the future comes from another boot: answer at once, the boot id tells.
        if !news.items.is_empty() || after > newest || wait_ms == 0 {
            return news;
        }
        let _ = tokio::time::timeout(Duration::from_millis(wait_ms), fresh).await;
        self.after(after).0
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
        let (mut news, newest) = room.after(0);
        assert!(matches!(news.items[0], NewsItem::Claimed { .. }));
        let (mut items, mut pieces) = (0, 0);
        while !news.items.is_empty() {
            assert!(news.items.iter().map(length).sum::<usize>() <= PIECE_LINE_BYTES);
            items += news.items.len();
            pieces += 1;
            news = room.after(news.last).0;
        }
        assert_eq!((items, news.last), (1 + KEPT_LINE_BYTES / 8192, newest));
        assert!(pieces > KEPT_LINE_BYTES / PIECE_LINE_BYTES);
        assert_eq!(room.after(newest - 1).0.items.len(), 1);
    }

    #[test]
    fn what_is_too_much_for_one_answer_comes_in_several() {
        let room = Newsroom::new("b1".into());
        let (vault, ticket) = (random::vault_id(), random::ticket_id());
        for _ in 0..2 * PIECE + 1 {
            room.publish(NewsItem::Claimed {
                vault: vault.clone(),
                ticket: ticket.clone(),
                peer: "p".into(),
            });
        }
        let lasts = [0, 1, 2].map(|piece| room.after((piece * PIECE) as u64).0);
        assert_eq!(
            lasts.map(|news| (news.last, news.items.len())),
            [(PIECE as u64, PIECE), (2 * PIECE as u64, PIECE), (2 * PIECE as u64 + 1, 1),]
        );
        // Longer than a piece, and yet the next.
        room.publish(NewsItem::Log { vault, text: "x".repeat(PIECE_LINE_BYTES + 1) });
        let news = room.after(2 * PIECE as u64 + 1).0;
        assert_eq!((news.last, news.items.len()), (2 * PIECE as u64 + 2, 1));
    }
}
