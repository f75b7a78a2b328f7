//! Journal: what a core may want to know, numbered, in two bounded rings.
//!
//! A core polls them. What happened and what workers print are kept apart, so that a worker that
//! prints without end pushes out lines but no death, and holds no more than a few megabytes; and of the
//! lines those of whoever has said most go first, so that they are mostly its own. A core that has been away for longer than the rings reach back has lost lines, and
//! finds out about deaths by comparing [`api::node::NodeVaults`](hauki_contract::api::node::NodeVaults).

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::clone_requests::{PendingWishes, WishGuard};
use hauki_contract::api::clone::CloneAsk;
use hauki_contract::api::node::{MOST_NEWS, News, NewsItem};
use hauki_contract::model::death::Death;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::trace::TraceContext;

const KEPT: usize = 8192;
const KEPT_LINES: usize = 4096;
const _: () = assert!(KEPT + KEPT_LINES <= MOST_NEWS);
const KEPT_LINE_BYTES: usize = 4 * 1024 * 1024;
/// What an empty line takes all the same.
const LINE_COSTS: usize = 128;
/// What goes into one answer, which a core on another machine takes up to a size only.
const PIECE: usize = 1000;
const PIECE_BYTES: usize = 256 * 1024;
/// Ids, names of fields and numbers of one item; quoting may double its texts, and no more.
const ITEM_COSTS: usize = 128;

pub struct Journal {
    boot_id: String,
    rings: Mutex<Rings>,
    fresh: Notify,
    pub wishes: PendingWishes,
}

#[derive(Default)]
struct Rings {
    last: u64,
    items: VecDeque<(u64, NewsItem)>,
    lines: HashMap<VaultId, Lines>,
    count: usize,
    line_bytes: usize,
}

/// Those of one vault.
#[derive(Default)]
struct Lines {
    ring: VecDeque<(u64, NewsItem)>,
    bytes: usize,
}

impl Rings {
    fn add_line(&mut self, vault: VaultId, item: NewsItem) {
        let bytes = length(&item);
        self.line_bytes += bytes;
        self.count += 1;
        let lines = self.lines.entry(vault).or_default();
        lines.bytes += bytes;
        lines.ring.push_back((self.last, item));
        if self.count > KEPT_LINES || self.line_bytes > KEPT_LINE_BYTES {
            // A part at once, so that the longest is not looked for at each line.
            self.make_room(KEPT_LINES / 16 * 15, KEPT_LINE_BYTES / 16 * 15);
        }
    }

    /// Whoever has said most loses its oldest, until there is room for others.
    fn make_room(&mut self, count: usize, bytes: usize) {
        while self.count > count || self.line_bytes > bytes {
            let weight = |lines: &Lines| lines.bytes + lines.ring.len() * LINE_COSTS;
            let most = self.lines.iter_mut().max_by_key(|(_, lines)| weight(lines));
            let Some((vault, lines)) = most else { return };
            for (_, oldest) in lines.ring.drain(..lines.ring.len().div_ceil(16)) {
                let bytes = length(&oldest);
                lines.bytes -= bytes;
                self.line_bytes -= bytes;
                self.count -= 1;
            }
            if lines.ring.is_empty() {
                let vault = vault.clone();
                self.lines.remove(&vault);
            }
        }
    }
}

fn length(item: &NewsItem) -> usize {
    match item {
        NewsItem::Log { text, .. } => text.len(),
        NewsItem::Clone(ask) => ask.arguments.len(),
        NewsItem::Claimed { peer, .. } => peer.len(),
        NewsItem::Fetched { fetched, .. } => {
            fetched.to.len() + fetched.error.as_ref().map_or(0, String::len) + 64
        }
        NewsItem::Died(receipt) => {
            let Death { detail, by, .. } = &receipt.death;
            let said = [detail, by].into_iter().flatten().map(String::len);
            let lines = receipt.reclaimed.iter().map(|line| line.name.len() + LINE_COSTS);
            said.chain(lines).sum()
        }
        NewsItem::Other => 0,
    }
}

impl Journal {
    #[must_use]
    pub fn new(boot_id: String) -> Self {
        let wishes = PendingWishes::new(boot_id.clone());
        Self { boot_id, rings: Mutex::default(), fresh: Notify::new(), wishes }
    }

    /// A worker wants to clone. Where no core asks for such wishes, it is one that waits for them among the news.
    pub fn wish(&self, vault: VaultId, arguments: String, trace: Option<TraceContext>) -> WishGuard<'_> {
        let (ask, waiting) = self.wishes.make(vault, arguments, trace);
        if !self.wishes.are_heard() {
            // That one knows nothing of traces.
            self.publish(NewsItem::Clone(CloneAsk { traceparent: None, ..ask }));
        }
        waiting
    }

    pub fn publish(&self, item: NewsItem) {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        rings.last += 1;
        // A wish may be as long as a source.
        let talker = match &item {
            NewsItem::Log { vault, .. } | NewsItem::Fetched { vault, .. } => Some(vault.clone()),
            NewsItem::Clone(ask) => Some(ask.vault.clone()),
            NewsItem::Claimed { .. } | NewsItem::Died(_) | NewsItem::Other => None,
        };
        if let Some(vault) = talker {
            rings.add_line(vault, item);
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
        for ring in std::iter::once(&rings.items).chain(rings.lines.values().map(|lines| &lines.ring)) {
            found.extend(ring.range(ring.partition_point(|(number, _)| *number <= after)..));
        }
        found.sort_unstable_by_key(|(number, _)| *number);
        let mut bytes = 0;
        let fits = |(_, item): &&&(u64, NewsItem)| {
            // The first always goes, or there would be no next.
            let first = bytes == 0;
            bytes += length(item) + ITEM_COSTS;
            first || bytes <= PIECE_BYTES
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
    use hauki_contract::model::death::Cause;
    use hauki_contract::model::receipt::Receipt;
    use hauki_contract::system::random;

    #[tokio::test(flavor = "current_thread")]
    async fn a_waiting_reader_wakes_for_the_next_item_and_old_ones_are_not_repeated() {
        let room = Journal::new("b1".into());
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
        let room = Journal::new("b1".into());
        let (vault, ticket) = (random::vault_id(), random::ticket_id());
        room.publish(NewsItem::Claimed { vault: vault.clone(), ticket, peer: "p".into() });
        for _ in 0..3 * KEPT_LINES {
            room.publish(NewsItem::Log { vault: vault.clone(), text: "x".repeat(8192) });
        }
        let (mut news, newest) = room.after(0);
        assert!(matches!(news.items[0], NewsItem::Claimed { .. }));
        let (mut items, mut pieces) = (0, 0);
        while !news.items.is_empty() {
            assert!(news.items.iter().map(length).sum::<usize>() <= PIECE_BYTES);
            items += news.items.len();
            pieces += 1;
            news = room.after(news.last).0;
        }
        let most = KEPT_LINE_BYTES / 8192;
        assert!((most / 8 * 7..=most + 1).contains(&items), "{items}");
        assert_eq!(news.last, newest);
        assert!(pieces > items * 8192 / PIECE_BYTES);
        assert_eq!(room.after(newest - 1).0.items.len(), 1);
    }

    #[test]
    fn who_says_most_pushes_out_its_own() {
        let room = Journal::new("b1".into());
        let (loud, quiet) = (random::vault_id(), random::vault_id());
        let say = |vault: &VaultId, text: String| {
            room.publish(NewsItem::Log { vault: vault.clone(), text });
        };
        for number in 0..100 {
            say(&quiet, format!("{number}"));
        }
        for text in ["", "x".repeat(8192).as_str()] {
            (0..3 * KEPT_LINES).for_each(|_| say(&loud, text.to_owned()));
        }
        let rings = room.rings.lock().expect("is sound");
        assert_eq!(rings.lines[&quiet].ring.len(), 100);
        let all = rings.lines.values();
        assert_eq!(all.clone().map(|lines| lines.ring.len()).sum::<usize>(), rings.count);
        assert_eq!(all.map(|lines| lines.bytes).sum::<usize>(), rings.line_bytes);
        assert!(rings.count <= KEPT_LINES && rings.line_bytes <= KEPT_LINE_BYTES);
    }

    #[test]
    fn what_is_too_much_for_one_answer_comes_in_several() {
        let room = Journal::new("b1".into());
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
        room.publish(NewsItem::Log { vault, text: "x".repeat(PIECE_BYTES + 1) });
        let news = room.after(2 * PIECE as u64 + 1).0;
        assert_eq!((news.last, news.items.len()), (2 * PIECE as u64 + 2, 1));
    }

    #[test]
    fn the_dead_weigh_what_is_said_of_them() {
        let room = Journal::new("b1".into());
        for number in 0..300 {
            let text = Some("\"".repeat(4096));
            room.publish(NewsItem::Died(Receipt {
                vault: VaultId::mint(1_700_000_000_000, number),
                node: "n1".parse().expect("a name"),
                generation: Some(1),
                witness: None,
                death: Death::new(Cause::Crashed, hauki_contract::system::clock::now(), text.clone(), text),
                lived_ms: 1,
                calls: 0,
                reclaimed_us: 1,
                reclaimed: Vec::new(),
            }));
        }
        let (mut after, mut heard) = (0, 0);
        while heard < 300 {
            let news = room.after(after).0;
            let written = serde_json::to_vec(&news).expect("encodes").len();
            assert!(!news.items.is_empty() && written < 3 * PIECE_BYTES, "{written}");
            (after, heard) = (news.last, heard + news.items.len());
        }
    }
}
