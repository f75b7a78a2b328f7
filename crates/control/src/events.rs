//! Event bus: what happened, to whoever listens.
//!
//! Two rings hold the latest events for readers that come later (`control::ring`), one of them what workers print, which is
//! bounded by its bytes too and pushes out nothing else; a broadcast channel feeds those that follow. Nobody waits for a
//! reader: one that is too slow goes on with what is kept, and is told what is not. Events are news, not records: a
//! crash forgets them, the store does not.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::{self, error::RecvError};

use super::ring::{EventSource, Ring, Weight};
use hauki_contract::api::event::{Event, EventQuery, Happening};
use hauki_contract::model::id::{NodeName, VaultId};
use hauki_contract::rpc::channel::MAX_LINE;
use hauki_contract::system::clock;

const RING: usize = 4096;
const BACKLOG: usize = 1024;
/// Of lines, together.
const LINE_BYTES: usize = 4 * 1024 * 1024;

#[derive(Clone)]
pub(crate) struct EventLog(Arc<Mutex<State>>);

struct State {
    ring: Ring,
    lines: Ring,
    last: u64,
    /// Absent once the log is closed, which ends the streams that follow.
    live: Option<broadcast::Sender<Arc<Event>>>,
}

impl State {
    fn keep(&mut self, source: EventSource, event: Arc<Event>) {
        match line_bytes(&event) {
            Some(bytes) => self.lines.keep(source, event, bytes),
            None => self.ring.keep(source, event, 0),
        }
    }

    /// What is kept of what came after this number, and what was lost of it, as far as the reader could not know:
    /// from the beginning, what is older than all that is kept has just become old.
    fn after(&self, after: Option<u64>, vault: Option<&VaultId>) -> VecDeque<Arc<Event>> {
        let rings = [&self.ring, &self.lines];
        let oldest = rings.iter().filter_map(|ring| ring.oldest()).min();
        let from = after.or(oldest).unwrap_or(self.last);
        let kept = rings.iter().flat_map(|ring| ring.kept()).filter(|event| concerns(event, vault));
        let mut events: Vec<Arc<Event>> = kept
            .filter(|event| after.is_none_or(|after| event.seq > after))
            .cloned()
            .chain(rings.iter().flat_map(|ring| ring.lost(from)))
            .collect();
        events.sort_unstable_by_key(|event| event.seq);
        events.into()
    }
}

fn line_bytes(event: &Event) -> Option<usize> {
    match &event.what {
        Happening::Log { text, .. } => Some(text.len()),
        _ => None,
    }
}

/// No node of ours sends a longer one.
fn cut(mut what: Happening) -> Happening {
    if let Happening::Log { text, .. } = &mut what
        && text.len() > MAX_LINE
    {
        text.truncate(text.floor_char_boundary(MAX_LINE - '…'.len_utf8()));
        text.push('…');
        text.shrink_to_fit();
    }
    what
}

impl Default for EventLog {
    fn default() -> Self {
        // From the clock, so that numbers grow over restarts and a reader that asks for what comes after
        // one of them is not shut out by a core that counts from one again.
        let last = u64::try_from(clock::now().as_microsecond()).unwrap_or(0);
        let ring = Ring::new(Weight { events: RING, bytes: 0 });
        let lines = Ring::new(Weight { events: RING, bytes: LINE_BYTES });
        let state = State { ring, lines, last, live: Some(broadcast::channel(BACKLOG).0) };
        Self(Arc::new(Mutex::new(state)))
    }
}

impl EventLog {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is nobody's in particular.
    pub(crate) fn tell(&self, what: Happening) {
        self.tell_from(None, what);
    }

    /// What happened on a node, or by its word.
    pub(crate) fn tell_of(&self, node: &NodeName, what: Happening) {
        self.tell_from(Some(node.clone()), what);
    }

    fn tell_from(&self, source: EventSource, what: Happening) {
        let mut state = self.state();
        state.last += 1;
        let event = Arc::new(Event { seq: state.last, at: clock::now(), what: cut(what) });
        state.keep(source, event.clone());
        if let Some(live) = &state.live {
            // Nobody listening is no error.
            let _ = live.send(event);
        }
    }

    /// From here on numbers are higher than this too: those of an earlier life, whatever the clock says.
    pub(crate) fn begin_after(&self, last: u64) {
        let mut state = self.state();
        state.last = state.last.max(last);
    }

    /// The number of the latest event, or of the start before the first.
    #[must_use]
    pub(crate) fn last(&self) -> u64 {
        self.state().last
    }

    /// Ends every stream that follows; the daemon is stopping.
    pub(crate) fn close(&self) {
        self.state().live = None;
    }

    /// What is kept, then, if asked to follow, what comes.
    pub(crate) fn read(&self, query: EventQuery) -> impl Stream<Item = Event> + Send + use<> {
        let EventQuery { follow, after, vault } = query;
        let reader = Reader::new(self.clone(), follow, after, vault);
        stream::unfold(reader, |mut reader| async move {
            reader.next().await.map(|event| (Event::clone(&event), reader))
        })
    }
}

struct Reader {
    log: EventLog,
    vault: Option<VaultId>,
    kept: VecDeque<Arc<Event>>,
    live: Option<broadcast::Receiver<Arc<Event>>>,
    /// All up to here has been read, or is told as lost.
    seen: u64,
}

impl Reader {
    fn new(log: EventLog, follow: bool, after: Option<u64>, vault: Option<VaultId>) -> Self {
        // Under one lock, so that nothing falls between what is kept and what comes.
        let (kept, live, seen) = {
            let state = log.state();
            let live = state.live.as_ref().filter(|_| follow).map(broadcast::Sender::subscribe);
            (state.after(after, vault.as_ref()), live, state.last)
        };
        Self { log, vault, kept, live, seen }
    }

    async fn next(&mut self) -> Option<Arc<Event>> {
        loop {
            if let Some(event) = self.kept.pop_front() {
                return Some(event);
            }
            match self.live.as_mut()?.recv().await {
                Ok(event) => {
                    self.seen = event.seq;
                    if concerns(&event, self.vault.as_ref()) {
                        return Some(event);
                    }
                }
                // What was kept meanwhile is not lost.
                Err(RecvError::Lagged(_)) => {
                    *self = Self::new(self.log.clone(), true, Some(self.seen), self.vault.take());
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

fn concerns(event: &Event, vault: Option<&VaultId>) -> bool {
    vault.is_none() || event.what.vault() == vault
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;
    use hauki_contract::system::random;

    fn log(text: &str, vault: &VaultId) -> Happening {
        Happening::Log { vault: vault.clone(), text: text.into() }
    }

    #[tokio::test]
    async fn late_readers_get_what_is_kept_and_filters_hold() {
        let events = EventLog::default();
        let (one, two) = (random::vault_id(), random::vault_id());
        for number in 0..3 {
            events.tell(log(&format!("{number}"), if number == 1 { &two } else { &one }));
        }
        let start = events.last() - 3;
        let seqs =
            |query| async { events.read(query).map(|event| event.seq - start).collect::<Vec<_>>().await };
        assert_eq!(seqs(EventQuery::default()).await, [1, 2, 3]);
        assert_eq!(seqs(EventQuery { after: Some(start + 2), ..EventQuery::default() }).await, [3]);
        assert_eq!(seqs(EventQuery { vault: Some(one), ..EventQuery::default() }).await, [1, 3]);
    }

    #[test]
    fn numbers_grow_over_a_restart() {
        let before = EventLog::default();
        before.tell(log("x", &random::vault_id()));
        assert!(EventLog::default().last() >= before.last() - 1, "a clock that goes back is its own matter");
        assert!(before.last() > 1_000_000_000_000_000);
    }

    #[tokio::test]
    async fn followers_see_each_event_once_and_end_when_the_log_closes() {
        let events = EventLog::default();
        let vault = random::vault_id();
        events.tell(log("kept", &vault));
        let mut stream = Box::pin(events.read(EventQuery { follow: true, ..EventQuery::default() }));
        events.tell(log("live", &vault));
        let last = events.last();
        assert_eq!(stream.next().await.map(|event| event.seq), Some(last - 1));
        assert_eq!(stream.next().await.map(|event| event.seq), Some(last));
        events.close();
        assert_eq!(stream.next().await, None);
    }

    #[tokio::test]
    async fn lines_are_bounded_by_their_bytes_and_push_out_nothing_else() {
        let events = EventLog::default();
        let vault = random::vault_id();
        events.tell(Happening::NodeLost { node: "n1".parse().expect("a name"), message: "cut".into() });
        for _ in 0..3 * RING {
            events.tell(log(&"ä".repeat(4 * 1024 * 1024 / RING), &vault));
        }
        events.tell(log(&"ä".repeat(4 * 1024 * 1024), &vault));
        let kept: Vec<Event> = events.read(EventQuery::default()).collect().await;
        assert!(matches!(kept[0].what, Happening::NodeLost { .. }));
        assert!(kept.is_sorted_by_key(|event| event.seq));
        let bytes: usize = kept.iter().filter_map(line_bytes).sum();
        assert!(bytes <= LINE_BYTES && kept.len() > RING / 4, "{bytes} {}", kept.len());
        let Happening::Log { text, .. } = &kept.last().expect("is there").what else { panic!("a line") };
        assert!(text.len() <= MAX_LINE && text.ends_with("ä…"), "{}", text.len());
    }

    #[tokio::test]
    async fn a_slow_reader_gets_a_gap_and_blocks_nobody() {
        let events = EventLog::default();
        let vault = random::vault_id();
        let mut slow = Box::pin(events.read(EventQuery { follow: true, ..EventQuery::default() }));
        for _ in 0..(RING + 10) {
            events.tell(log("x", &vault));
        }
        let (first, begun) = (slow.next().await.expect("is told"), events.last() - RING as u64);
        assert_eq!((first.seq, first.what), (begun, Happening::Lost { node: None, lost: 10 }));
        let rest: Vec<u64> = slow.by_ref().take(RING).map(|event| event.seq).collect().await;
        assert!(rest.into_iter().eq(begun + 1..=events.last()), "all that is kept, though it came too fast");
        events.tell(log("y", &vault));
        assert_eq!(slow.next().await.map(|event| event.seq), Some(events.last()));
        let kept = events.read(EventQuery::default()).count().await;
        assert_eq!(kept, RING, "what is merely old is not told of");
    }

    #[tokio::test]
    async fn a_node_that_floods_pushes_out_its_own_and_it_is_told() {
        let events = EventLog::default();
        let (loud, quiet): (NodeName, NodeName) =
            ("n1".parse().expect("a name"), "n2".parse().expect("a name"));
        let (of_loud, of_quiet) = (random::vault_id(), random::vault_id());
        let begun = events.last();
        let claimed = |vault: &VaultId| Happening::Claimed {
            vault: vault.clone(),
            ticket: random::ticket_id(),
            peer: String::new(),
        };
        for _ in 0..20 {
            events.tell_of(&quiet, claimed(&of_quiet));
            events.tell_of(&quiet, log("a word", &of_quiet));
        }
        for _ in 0..3 * RING {
            events.tell_of(&loud, claimed(&of_loud));
            events.tell_of(&loud, log("a flood", &of_loud));
        }
        let kept: Vec<Event> = events.read(EventQuery::default()).collect().await;
        let of = |vault: &VaultId| kept.iter().filter(|event| event.what.vault() == Some(vault)).count();
        assert_eq!((of(&of_quiet), of(&of_loud)), (40, 2 * (RING - 20)));
        let told: Vec<(&Event, u64)> = kept
            .iter()
            .filter_map(|event| match &event.what {
                Happening::Lost { node: Some(node), lost } if *node == loud => Some((event, *lost)),
                _ => None,
            })
            .collect();
        assert_eq!(told.iter().map(|(_, lost)| *lost).sum::<u64>(), 2 * (2 * RING as u64 + 20), "{told:?}");
        assert!(
            kept.is_sorted_by_key(|event| event.seq) && told.iter().all(|(event, _)| event.seq > begun + 40)
        );
        // Whoever has seen the flood has lost nothing.
        let query = EventQuery { after: Some(told[1].0.seq.max(told[0].0.seq)), ..EventQuery::default() };
        assert!(
            events.read(query).all(|event| std::future::ready(event.what.vault() == Some(&of_loud))).await
        );
    }
}
