//! What happened, to whoever listens.
//!
//! Two rings hold the latest events for readers that come later, one of them what workers print, which is
//! bounded by its bytes too and pushes out nothing else; a broadcast channel feeds those that follow. Nobody waits for a reader: one that is too slow sees a gap in `seq`. Events
//! are news, not records: a crash forgets them, the store does not.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::api::event::{Event, EventQuery, Happening};
use crate::model::id::VaultId;
use crate::rpc::channel::MAX_LINE;
use crate::system::clock;

const RING: usize = 4096;
const BACKLOG: usize = 1024;
/// Of lines, together.
const LINE_BYTES: usize = 4 * 1024 * 1024;

pub struct EventLog {
    state: Mutex<State>,
}

struct State {
    ring: VecDeque<Arc<Event>>,
    lines: VecDeque<Arc<Event>>,
    line_bytes: usize,
    last: u64,
    /// Absent once the log is closed, which ends the streams that follow.
    live: Option<broadcast::Sender<Arc<Event>>>,
}

impl State {
    fn keep(&mut self, event: Arc<Event>) {
        let Some(bytes) = line_bytes(&event) else {
            if self.ring.len() == RING {
                self.ring.pop_front();
            }
            return self.ring.push_back(event);
        };
        self.line_bytes += bytes;
        self.lines.push_back(event);
        while self.lines.len() > RING || self.line_bytes > LINE_BYTES {
            let Some(oldest) = self.lines.pop_front() else { return };
            self.line_bytes -= line_bytes(&oldest).unwrap_or(0);
        }
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
        let (ring, lines, line_bytes) = Default::default();
        let state = State { ring, lines, line_bytes, last, live: Some(broadcast::channel(BACKLOG).0) };
        Self { state: Mutex::new(state) }
    }
}

impl EventLog {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn tell(&self, what: Happening) {
        let mut state = self.state();
        state.last += 1;
        let event = Arc::new(Event { seq: state.last, at: clock::now(), what: cut(what) });
        state.keep(event.clone());
        if let Some(live) = &state.live {
            // Nobody listening is no error.
            let _ = live.send(event);
        }
    }

    /// From here on numbers are higher than this too: those of an earlier life, whatever the clock says.
    pub fn begin_after(&self, last: u64) {
        let mut state = self.state();
        state.last = state.last.max(last);
    }

    /// The number of the latest event, or of the start before the first.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.state().last
    }

    /// Ends every stream that follows; the daemon is stopping.
    pub fn close(&self) {
        self.state().live = None;
    }

    /// What is kept, then, if asked to follow, what comes.
    pub fn read(&self, query: EventQuery) -> impl Stream<Item = Event> + Send + use<> {
        let EventQuery { follow, after, vault } = query;
        // Under one lock, so that nothing falls between what is kept and what comes.
        let (kept, live) = {
            let state = self.state();
            let wanted = |event: &&Arc<Event>| {
                after.is_none_or(|after| event.seq > after) && concerns(event, vault.as_ref())
            };
            let both = state.ring.iter().chain(&state.lines);
            let mut kept: Vec<Arc<Event>> = both.filter(wanted).cloned().collect();
            kept.sort_unstable_by_key(|event| event.seq);
            (VecDeque::from(kept), state.live.as_ref().filter(|_| follow).map(broadcast::Sender::subscribe))
        };
        stream::unfold((kept, live, vault), |(mut kept, mut live, vault)| async move {
            if let Some(event) = kept.pop_front() {
                return Some((Event::clone(&event), (kept, live, vault)));
            }
            loop {
                match live.as_mut()?.recv().await {
                    Ok(event) if concerns(&event, vault.as_ref()) => {
                        return Some((Event::clone(&event), (kept, live, vault)));
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        })
    }
}

fn concerns(event: &Event, vault: Option<&VaultId>) -> bool {
    vault.is_none() || event.what.vault() == vault
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;
    use crate::system::random;

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
        let first = slow.next().await.map(|event| event.seq);
        assert!(first.is_some_and(|seq| seq > 1), "{first:?}");
        let kept = events.read(EventQuery::default()).count().await;
        assert_eq!(kept, RING);
    }
}
