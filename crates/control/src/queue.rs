//! Fair priority queue of summons that wait, in memory: whose turn it is. Pure, over what it was given.
//!
//! First the priority. Among equals the owners take turns: everybody's first entry comes before
//! anybody's second, so that who queues a thousand does not keep out who queues one; and of the first
//! ones, that of the owner who was served the longest ago, or else whoever was served would be the
//! first again. Then the older.
//!
//! How long an entry waits is measured by the monotonic clock from when it came in here: a jump of the wall clock
//! makes no dead letter and holds up nobody. What is written down is the calendar's time, for the next start.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};

use super::ledger::Versioned;
use super::store::Revision;
use hauki_contract::api::spool::{SpoolEntry, SpoolState};
use hauki_contract::model::id::SpoolId;
use hauki_contract::model::lease::Mono;
use hauki_contract::model::open_word::OpenWord;
use hauki_contract::system::clock;

#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<SpoolId, Waiting>,
    /// When each owner last became a vault.
    served: HashMap<String, Timestamp>,
    /// As it was put last: whoever waits for a place asks for it after each change.
    order: OnceLock<Order>,
}

#[derive(Debug)]
struct Order {
    entries: Arc<[Arc<SpoolEntry>]>,
    places: HashMap<SpoolId, u64>,
}

#[derive(Debug)]
struct Waiting {
    entry: Arc<SpoolEntry>,
    /// Of that state in the store; zero where there is no earlier one.
    revision: Revision,
    /// When it becomes a dead letter, and before when it is not tried.
    expires: Option<Mono>,
    next: Option<Mono>,
    /// Until when it is believed that another core is at it.
    held: Option<Mono>,
}

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClockPair {
    pub wall: Timestamp,
    pub mono: Mono,
}

impl ClockPair {
    pub(super) fn read() -> Self {
        Self { wall: clock::now(), mono: clock::mono() }
    }

    /// A time of the calendar, as it is seen now.
    fn mono_of(self, at: Timestamp) -> Mono {
        let wait = at.as_millisecond().saturating_sub(self.wall.as_millisecond());
        self.mono.plus_ms(u64::try_from(wait).unwrap_or(0))
    }
}

impl Queue {
    /// One that waits from now on, or no more.
    pub(super) fn put(&mut self, entry: SpoolEntry) {
        self.put_at(entry, 0, ClockPair::read());
    }

    /// As it stands in the store since this revision, unless it is known how it stands since a later one.
    pub(super) fn change(&mut self, entry: SpoolEntry, revision: Revision) {
        if self.waiting.get(&entry.id).is_none_or(|known| known.revision < revision) {
            self.put_at(entry, revision, ClockPair::read());
        }
    }

    fn put_at(&mut self, entry: SpoolEntry, revision: Revision, now: ClockPair) {
        self.order = OnceLock::new();
        match entry.state {
            OpenWord::Known(SpoolState::Waiting) => {
                let known = self.waiting.get(&entry.id);
                let same = known.filter(|known| known.entry.expires_at == entry.expires_at);
                let due = || entry.expires_at.map(|at| now.mono_of(at));
                let expires = same.map_or_else(due, |known| known.expires);
                let same = known.filter(|known| known.entry.next_at == entry.next_at);
                let due = || entry.next_at.map(|at| now.mono_of(at));
                let next = same.map_or_else(due, |known| known.next);
                let held = known.and_then(|known| known.held);
                let waiting = Waiting { entry: Arc::new(entry), revision, expires, next, held };
                self.waiting.insert(waiting.entry.id.clone(), waiting);
            }
            OpenWord::Known(SpoolState::Dead) | OpenWord::Other(_) => self.remove(&entry.id),
            OpenWord::Known(SpoolState::Forged) => {
                self.remove(&entry.id);
                let served = self.served.entry(entry.owner).or_default();
                *served = entry.done_at.unwrap_or_default().max(*served);
            }
        }
    }

    pub(super) fn remove(&mut self, id: &SpoolId) {
        if self.waiting.remove(id).is_some() {
            self.order = OnceLock::new();
        }
    }

    /// As the store had them when somebody looked, which others write to as well; of those that this core knew before he
    /// looked, what is not among them is gone, and what is gone from here by now stays so. Whether anything is another.
    pub(super) fn follow(&mut self, before: &[Arc<SpoolEntry>], entries: Vec<Versioned<SpoolEntry>>) -> bool {
        let waits = |found: &&Versioned<SpoolEntry>| found.value.state == SpoolState::Waiting;
        let there: HashSet<&SpoolId> = entries.iter().filter(waits).map(|found| &found.value.id).collect();
        let was: HashSet<&SpoolId> = before.iter().map(|entry| &entry.id).collect();
        // One that is new here meanwhile is kept: somebody may have let a dead one wait again since.
        let gone: Vec<&SpoolId> = was.iter().copied().filter(|id| !there.contains(id)).collect();
        let mut news = gone.iter().any(|id| self.waiting.contains_key(*id));
        gone.into_iter().for_each(|id| self.remove(id));
        for Versioned { value: entry, revision, .. } in entries {
            let same = match entry.state {
                OpenWord::Known(SpoolState::Waiting) => match self.waiting.get(&entry.id) {
                    Some(known) => known.revision >= revision || *known.entry == entry,
                    None => was.contains(&entry.id),
                },
                // When its owner was served counts for those that wait.
                OpenWord::Known(SpoolState::Forged) => {
                    self.served.get(&entry.owner).copied() >= entry.done_at
                }
                OpenWord::Known(SpoolState::Dead) | OpenWord::Other(_) => true,
            };
            if !same {
                news = true;
                self.put_at(entry, revision, ClockPair::read());
            }
        }
        news
    }

    /// Another core is at it, which is believed until then.
    pub(super) fn leave(&mut self, id: &SpoolId, until: Mono) {
        if let Some(waiting) = self.waiting.get_mut(id) {
            waiting.held = Some(until);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn of_owner(&self, owner: &str) -> usize {
        self.waiting.values().filter(|waiting| waiting.entry.owner == owner).count()
    }

    pub(super) fn order(&self) -> Arc<[Arc<SpoolEntry>]> {
        self.ordered().entries.clone()
    }

    fn ordered(&self) -> &Order {
        self.order.get_or_init(|| {
            let entries: Arc<[Arc<SpoolEntry>]> = self.put_in_order().into();
            let places = entries.iter().map(|entry| entry.id.clone()).zip(1..).collect();
            Order { entries, places }
        })
    }

    fn put_in_order(&self) -> Vec<Arc<SpoolEntry>> {
        let mut turns: HashMap<(u8, &str), u64> = HashMap::new();
        let mut by_age: Vec<&Arc<SpoolEntry>> = self.waiting.values().map(|waiting| &waiting.entry).collect();
        by_age.sort_by_key(|entry| entry.at);
        let mut order: Vec<_> = by_age
            .into_iter()
            .map(|entry| {
                let turn = turns.entry((entry.priority, entry.owner.as_str())).or_default();
                *turn += 1;
                ((Reverse(entry.priority), *turn, self.served.get(&entry.owner), entry.at), entry)
            })
            .collect();
        order.sort_by_key(|(key, _)| *key);
        order.into_iter().map(|(_, entry)| entry.clone()).collect()
    }

    /// From 1; `None` for what does not wait.
    pub(super) fn place(&self, id: &SpoolId) -> Option<u64> {
        self.ordered().places.get(id).copied()
    }

    /// When time alone changes something: an attempt is due again, or a deadline passes.
    pub(super) fn next_change(&self, now: Mono) -> Option<Mono> {
        let times = self.waiting.values().flat_map(|waiting| [waiting.next, waiting.expires, waiting.held]);
        times.flatten().filter(|at| *at > now).min()
    }

    pub(super) fn is_expired(&self, id: &SpoolId, now: Mono) -> bool {
        self.waiting.get(id).and_then(|waiting| waiting.expires).is_some_and(|at| at <= now)
    }

    /// Whether it is not to be tried again yet.
    pub(super) fn rests(&self, id: &SpoolId, now: Mono) -> bool {
        self.waiting.get(id).and_then(|waiting| waiting.next).is_some_and(|at| at > now)
    }

    /// Whether another core is at it, as far as is known.
    pub(super) fn is_left(&self, id: &SpoolId, now: Mono) -> bool {
        self.waiting.get(id).and_then(|waiting| waiting.held).is_some_and(|at| at > now)
    }
}

/// The queue, and how those who wait hear of it.
#[derive(Default)]
pub(super) struct Spool {
    queue: Mutex<Queue>,
    /// There may be something to do.
    pub work: Notify,
    /// Counts the changes, for those who wait for theirs.
    pub changes: watch::Sender<u64>,
}

impl Spool {
    pub(super) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Room may have come up.
    pub(super) fn nudge(&self) {
        self.work.notify_one();
    }

    pub(super) fn waiting(&self) -> u32 {
        u32::try_from(self.queue().len()).unwrap_or(u32::MAX)
    }

    pub(super) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
        self.nudge();
    }
}

/// An entry as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct HeldEntry {
    #[serde(flatten)]
    pub entry: SpoolEntry,
    /// The term of the core that is at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
    /// Of the request that queued it, in which it is forged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use hauki_contract::model::id::SummonsId;

    fn entry(number: u64, owner: &str, priority: u8) -> SpoolEntry {
        SpoolEntry {
            id: SpoolId::mint(number, 1),
            state: SpoolState::Waiting.into(),
            summons: SummonsId::mint(number, 1),
            worker: format!("{number}"),
            owner: owner.into(),
            placement: Default::default(),
            memory_bytes: 0,
            priority,
            at: Timestamp::from_second(number as i64).expect("is in range"),
            deadline_ms: None,
            expires_at: None,
            attempts: 0,
            next_at: None,
            error: None,
            vault: None,
            done_at: None,
            place: None,
            changed: true,
        }
    }

    fn queue(entries: &[(u64, &str, u8)]) -> Queue {
        let mut queue = Queue::default();
        entries.iter().for_each(|(number, owner, priority)| queue.put(entry(*number, owner, *priority)));
        queue
    }

    fn names(queue: &Queue) -> Vec<String> {
        queue.order().iter().map(|entry| entry.worker.clone()).collect()
    }

    #[test]
    fn the_urgent_first_then_turns_then_age() {
        let mut queue = queue(&[
            (1, "a", 5),
            (2, "a", 5),
            (3, "a", 5),
            (4, "b", 5),
            (5, "c", 9),
            (6, "b", 0),
            (7, "b", 5),
        ]);
        assert_eq!(names(&queue), ["5", "1", "4", "2", "7", "3", "6"]);
        assert_eq!(queue.place(&SpoolId::mint(4, 1)), Some(3));
        queue.remove(&SpoolId::mint(5, 1));
        assert_eq!((queue.place(&SpoolId::mint(4, 1)), queue.place(&SpoolId::mint(5, 1))), (Some(2), None));
        assert_eq!((queue.len(), queue.of_owner("b")), (6, 3));
    }

    #[test]
    fn who_queues_a_thousand_does_not_keep_out_who_queues_one() {
        let mut queue = Queue::default();
        (0..1000).for_each(|number| queue.put(entry(number, "greedy", 5)));
        queue.put(entry(5000, "modest", 5));
        assert_eq!(queue.place(&SpoolId::mint(5000, 1)), Some(2));
        // Also when there is room for one at a time only.
        let mut served = Vec::new();
        for second in 1..=2 {
            let first = queue.order()[0].clone();
            served.push(first.owner.clone());
            let done_at = Timestamp::from_second(second).ok();
            queue.put(SpoolEntry { state: SpoolState::Forged.into(), done_at, ..(*first).clone() });
        }
        assert_eq!(served, ["greedy", "modest"]);
        // And who always has one only does not come before the others each time.
        queue.put(entry(6000, "modest", 5));
        assert_eq!(queue.place(&SpoolId::mint(6000, 1)), Some(2));
    }

    /// Between a look at the store and what is made of it this core goes on.
    #[test]
    fn what_was_read_before_takes_nothing_back_that_this_core_has_changed_since() {
        let found = |number, attempts, revision| Versioned {
            key: String::new(),
            value: SpoolEntry { attempts, ..entry(number, "a", 5) },
            revision,
        };
        let mut queue = queue(&[(1, "a", 5), (2, "a", 5), (3, "a", 5)]);
        let attempts = |queue: &Queue| {
            queue.order().iter().map(|entry| (entry.worker.clone(), entry.attempts)).collect::<Vec<_>>()
        };
        let before = queue.order();
        let read = vec![found(1, 0, 1), found(2, 0, 2), found(3, 7, 9)];
        // It is tried and put back with a rest, and one is taken away.
        queue.change(SpoolEntry { attempts: 1, ..entry(1, "a", 5) }, 4);
        queue.remove(&SpoolId::mint(2, 1));
        assert!(queue.follow(&before, read), "another core was at the third");
        assert_eq!(attempts(&queue), [("1".to_owned(), 1), ("3".to_owned(), 7)]);
        // Whoever writes first need not come first.
        queue.change(SpoolEntry { attempts: 6, ..entry(3, "a", 5) }, 8);
        assert_eq!(attempts(&queue)[1].1, 7);
        // The next look sees what others have done since.
        let before = queue.order();
        assert!(queue.follow(&before, vec![found(1, 1, 4), found(2, 3, 10), found(3, 8, 11)]));
        assert_eq!(attempts(&queue).iter().map(|(_, tried)| *tried).collect::<Vec<_>>(), [1, 3, 8]);
        assert!(!queue.follow(&queue.order(), vec![found(1, 1, 4), found(2, 3, 10), found(3, 8, 11)]));
    }

    #[test]
    fn time_is_waited_for_only_where_it_matters() {
        let at = |second| Timestamp::from_second(second).expect("is in range");
        let mut queue = queue(&[(1, "a", 5)]);
        let mono = |second: u64| Mono(second * 1_000_000);
        let now = |wall, second| ClockPair { wall: at(wall), mono: mono(second) };
        assert_eq!(queue.next_change(mono(0)), None);
        let waiting = SpoolEntry { next_at: Some(at(9)), expires_at: Some(at(20)), ..entry(2, "a", 5) };
        queue.put_at(waiting.clone(), 0, now(0, 0));
        let next = |queue: &Queue| [0, 9, 20].map(|second| queue.next_change(mono(second)));
        assert_eq!(next(&queue), [Some(mono(9)), Some(mono(20)), None]);
        // The calendar goes on by a year: nothing is due sooner, and what is new is measured from there.
        let tried = SpoolEntry { attempts: 1, next_at: Some(at(31_536_017)), ..waiting };
        queue.put_at(tried, 0, now(31_536_005, 5));
        assert_eq!(next(&queue), [Some(mono(17)), Some(mono(17)), None]);
        assert_eq!(
            [17, 20].map(|second| queue.is_expired(&SpoolId::mint(2, 1), mono(second))),
            [false, true]
        );
        assert_eq!([16, 17].map(|second| queue.rests(&SpoolId::mint(2, 1), mono(second))), [true, false]);
    }
}
