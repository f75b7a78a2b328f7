//! Ring buffer of events: the latest, within bounds, and of each source at least its share.
//!
//! The oldest goes first, whoever it is from, but nobody's share goes for another's sake: a node that has much to tell,
//! or floods on purpose, pushes out its own. So what is kept may have holes, and each of them is told: how much of
//! whose is not kept any more, in the place of the last of it. A crash forgets all of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use hauki_contract::api::event::{Event, Happening};
use hauki_contract::model::id::NodeName;

/// Whose news it is: a node's, or the core's own.
pub(super) type EventSource = Option<NodeName>;

/// The shares together are one of so many parts of what there is room for.
const SHARED: usize = 4;

pub(super) struct Ring {
    most: Weight,
    now: Weight,
    sources: BTreeMap<EventSource, Share>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weight {
    pub events: usize,
    pub bytes: usize,
}

#[derive(Default)]
struct Share {
    kept: VecDeque<(Arc<Event>, usize)>,
    bytes: usize,
    lost: u64,
    last_lost: Option<(u64, Timestamp)>,
}

impl Share {
    fn weight(&self) -> Weight {
        Weight { events: self.kept.len(), bytes: self.bytes }
    }

    fn oldest(&self) -> Option<u64> {
        self.kept.front().map(|(event, _)| event.seq)
    }

    /// How many bytes it was charged with.
    fn lose(&mut self) -> usize {
        let Some((event, bytes)) = self.kept.pop_front() else { return 0 };
        self.bytes -= bytes;
        self.lost += 1;
        self.last_lost = Some((event.seq, event.at));
        bytes
    }
}

impl Ring {
    pub(super) fn new(most: Weight) -> Self {
        Self { most, now: Weight::default(), sources: BTreeMap::new() }
    }

    pub(super) fn keep(&mut self, source: EventSource, event: Arc<Event>, bytes: usize) {
        let share = self.sources.entry(source).or_default();
        share.kept.push_back((event, bytes));
        share.bytes += bytes;
        self.now = Weight { events: self.now.events + 1, bytes: self.now.bytes + bytes };
        while self.now.events > self.most.events && self.lose(|weight| weight.events) {}
        while self.now.bytes > self.most.bytes && self.lose(|weight| weight.bytes) {}
    }

    /// The oldest of those who have more than their share.
    fn lose(&mut self, measure: fn(Weight) -> usize) -> bool {
        let share = measure(self.most) / (SHARED * self.sources.len().max(1));
        let over = self.sources.values_mut().filter(|source| measure(source.weight()) > share);
        let Some(loser) = over.min_by_key(|source| source.oldest()) else { return false };
        let bytes = loser.lose();
        self.now = Weight { events: self.now.events - 1, bytes: self.now.bytes - bytes };
        true
    }

    pub(super) fn oldest(&self) -> Option<u64> {
        self.sources.values().filter_map(Share::oldest).min()
    }

    pub(super) fn kept(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.sources.values().flat_map(|share| share.kept.iter().map(|(event, _)| event))
    }

    /// What is lost of what came after this number.
    pub(super) fn lost(&self, after: u64) -> impl Iterator<Item = Arc<Event>> {
        self.sources.iter().filter_map(move |(node, share)| {
            let (seq, at) = share.last_lost.filter(|(seq, _)| *seq > after)?;
            let what = Happening::Lost { node: node.clone(), lost: share.lost };
            Some(Arc::new(Event { seq, at, what }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hauki_contract::system::clock;

    const MOST: Weight = Weight { events: 120, bytes: 12_000 };

    /// Who said something, and of how many bytes.
    fn heard(said: impl IntoIterator<Item = (&'static str, usize)>) -> Ring {
        let mut ring = Ring::new(MOST);
        for (seq, (node, bytes)) in (1..).zip(said) {
            let node: NodeName = node.parse().expect("a name");
            let what = Happening::NodeLost { node: node.clone(), message: String::new() };
            ring.keep(Some(node), Arc::new(Event { seq, at: clock::now(), what }), bytes);
            assert!(ring.now.events <= MOST.events && ring.now.bytes <= MOST.bytes);
        }
        ring
    }

    fn of(ring: &Ring, node: &str) -> Vec<u64> {
        let node = node.parse().expect("a name");
        ring.sources[&Some(node)].kept.iter().map(|(event, _)| event.seq).collect()
    }

    fn lost(ring: &Ring, after: u64) -> Vec<(u64, u64)> {
        let count = |event: Arc<Event>| match event.what {
            Happening::Lost { lost, .. } => (event.seq, lost),
            _ => panic!("{event:?}"),
        };
        ring.lost(after).map(count).collect()
    }

    #[test]
    fn who_floods_pushes_out_nobody_elses_share() {
        for bytes in [1, 1_000, 12_000] {
            let quiet = std::iter::repeat_n(("n1", 10), 50);
            let ring = heard(quiet.chain(std::iter::repeat_n(("n2", bytes), 10_000)));
            assert!(of(&ring, "n1").len() >= 15, "{bytes}: {:?}", of(&ring, "n1"));
            assert_eq!(of(&ring, "n1").last(), Some(&50), "the latest of it");
            let told = lost(&ring, 0);
            assert!(told.iter().any(|(_, events)| *events > 9_000), "{told:?}");
            assert_eq!(lost(&ring, 10_050), [], "of what the reader has seen nothing is lost");
        }
    }

    #[test]
    fn where_nobody_floods_the_oldest_goes_first_and_there_is_no_hole() {
        let ring = heard(["n1", "n1", "n2", "n1"].into_iter().cycle().map(|node| (node, 1)).take(4_000));
        let mut kept: Vec<u64> = ring.kept().map(|event| event.seq).collect();
        kept.sort_unstable();
        assert!(kept.iter().copied().eq(3_881..=4_000), "{kept:?}");
        assert!(lost(&ring, 0).iter().all(|(seq, _)| Some(*seq) < ring.oldest()));
    }
}
