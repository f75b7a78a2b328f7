//! Byte accounting: what has not been sent yet, and what has come and is not taken yet, in bytes: of each connection,
//! its ticket, its vault and the node. The two have accounts of their own, so that no caller who writes a long line
//! waits for what he must read before he has written it.
//!
//! Each connection has bounds of its own, which thousands of callers who read nothing could use to the full. So a
//! vault and the node have budgets. Over a budget its members have equal shares of it, and those who hold more than
//! their share suffer, nobody else: who comes with many connections takes from his own ticket, who shares a ticket or a
//! vault with him has a share, and other vaults notice nothing before all of them together hold too much.
//!
//! Who holds little counts as nobody: calls one by one cost no account anything. But one long reply is not little, and
//! many callers can leave the first of each unread. Such a reply has room in twice the budgets, and beyond that in an
//! equal share of that, so that others' tickets and vaults take it from nobody. Shares of ever more members have no sum, so
//! in four times nobody has more than a short one. That much each vault of the node and each ticket of a vault has whatever
//! others hold.
//!
//! Those who came first could keep everybody else at that for as long as they take nothing. So there are ceilings: where
//! all together hold so many times a budget, who holds more than an equal part of that is not waited for any more, unless
//! he takes what is there for him as fast as it must be taken, and everybody else goes on.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use crate::channel::FrameCharge;
use hauki_contract::model::id::TicketId;

/// For all connections of all vaults.
const NODE: usize = 256 * 1024 * 1024;
/// For all connections of one.
const VAULT: usize = 64 * 1024 * 1024;
/// A connection that holds no more counts as nobody, and is refused nothing.
pub(super) const LITTLE: usize = 64 * 1024;

/// As much a vault or a ticket that holds nothing may leave unread, however much others do.
const FIRST: usize = 1024 * 1024;

/// A vault's longest line is never too much where it is alone: that much more may have been read with it.
pub(super) const BEHIND: usize = 1024 * 1024;

static SENDING: LazyLock<Arc<Account>> = LazyLock::new(|| Account::new(NODE, None));
static RECEIVING: LazyLock<Arc<Account>> = LazyLock::new(|| Account::new(NODE, None));

/// What the members of a node, a vault or a ticket hold together.
pub struct Account {
    budget: usize,
    held: AtomicUsize,
    /// Those that hold something.
    members: AtomicUsize,
    above: Option<Arc<Self>>,
}

/// That of a connection which nobody else shares.
impl Default for Account {
    fn default() -> Self {
        Self { budget: usize::MAX, held: AtomicUsize::new(0), members: AtomicUsize::new(0), above: None }
    }
}

impl Account {
    pub(super) fn new(budget: usize, above: Option<&Arc<Self>>) -> Arc<Self> {
        Arc::new(Self { budget, above: above.cloned(), ..Self::default() })
    }

    fn add(&self, bytes: usize) {
        let Some(above) = &self.above else {
            self.held.fetch_add(bytes, Ordering::Relaxed);
            return;
        };
        if self.held.fetch_add(bytes, Ordering::Relaxed) == 0 {
            above.members.fetch_add(1, Ordering::Relaxed);
        }
        above.add(bytes);
    }

    fn take(&self, bytes: usize) {
        let Some(above) = &self.above else {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
            return;
        };
        if self.held.fetch_sub(bytes, Ordering::Relaxed) == bytes {
            above.members.fetch_sub(1, Ordering::Relaxed);
        }
        above.take(bytes);
    }

    /// What each member may hold if one of them holds so much more.
    fn share(&self, more: usize) -> usize {
        let most = self.above.as_ref().map_or(usize::MAX, |above| above.share(more)).min(self.budget);
        if self.held.load(Ordering::Relaxed).saturating_add(more) <= most {
            return usize::MAX;
        }
        most / self.members.load(Ordering::Relaxed).max(1)
    }

    /// What each member may keep where all together hold more than so many times the budget.
    fn most_kept(&self, times: usize) -> usize {
        let (held, members) =
            (self.held.load(Ordering::Relaxed), self.members.load(Ordering::Relaxed).max(1));
        let above = self.above.as_ref().map_or(usize::MAX, |above| above.most_kept(times));
        let above = if held <= above { usize::MAX } else { above / members };
        let all = self.budget.saturating_mul(times);
        let own = if held <= all { usize::MAX } else { FIRST.max(all / members) };
        above.min(own)
    }

    /// The share of one that has held little until now: `counts` says whether it is a member all the same.
    fn first_share(&self, more: usize, counts: bool) -> usize {
        let held = self.held.load(Ordering::Relaxed);
        let after = held.saturating_add(more);
        let members = self.members.load(Ordering::Relaxed).saturating_add(usize::from(!counts)).max(1);
        let above = self.above.as_ref().map_or(usize::MAX, |above| above.first_share(more, held > 0));
        let above = if after <= above { usize::MAX } else { above / members };
        let twice = self.budget.saturating_mul(2);
        let own = match after {
            after if after <= twice => usize::MAX,
            after if after <= twice.saturating_mul(2) => FIRST.max(twice / members),
            _ => FIRST,
        };
        above.min(own)
    }
}

/// A vault's account, and those of the tickets with which somebody is connected.
pub struct Backlog {
    vault: Arc<Account>,
    tickets: Mutex<HashMap<TicketId, Weak<Account>>>,
}

impl Backlog {
    /// Of what callers leave unread.
    #[must_use]
    pub fn sending(max_frame_bytes: usize) -> Self {
        Self::below(&SENDING, budget(max_frame_bytes))
    }

    /// Of what they send.
    #[must_use]
    pub fn receiving(max_frame_bytes: usize) -> Self {
        Self::below(&RECEIVING, budget(max_frame_bytes))
    }

    pub(super) fn below(node: &Arc<Account>, budget: usize) -> Self {
        Self { vault: Account::new(budget, Some(node)), tickets: Mutex::default() }
    }

    /// That of the vault itself, where it calls others.
    pub(crate) fn own(&self) -> BacklogShare {
        BacklogShare::new(Account::new(usize::MAX, Some(&self.vault)))
    }

    /// The account of one ticket, however it was narrowed.
    pub fn of(&self, ticket: &TicketId) -> Arc<Account> {
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = tickets.get(ticket).and_then(Weak::upgrade) {
            return account;
        }
        tickets.retain(|_, account| account.strong_count() > 0);
        let account = Account::new(usize::MAX, Some(&self.vault));
        tickets.insert(ticket.clone(), Arc::downgrade(&account));
        account
    }
}

/// The part of one connection, which is given back with it.
#[derive(Default)]
pub(crate) struct BacklogShare {
    account: Arc<Account>,
    held: usize,
}

/// Of a vault whose lines may be so long.
fn budget(max_frame_bytes: usize) -> usize {
    VAULT.max(max_frame_bytes.saturating_add(BEHIND))
}

impl BacklogShare {
    pub(super) fn new(account: Arc<Account>) -> Self {
        Self { account, held: 0 }
    }

    pub(crate) fn set(&mut self, bytes: usize) {
        let bytes = if bytes > LITTLE { bytes } else { 0 };
        let before = std::mem::replace(&mut self.held, bytes);
        if bytes > before {
            if before == 0 {
                self.account.members.fetch_add(1, Ordering::Relaxed);
            }
            self.account.add(bytes - before);
        } else if before > bytes {
            if bytes == 0 {
                self.account.members.fetch_sub(1, Ordering::Relaxed);
            }
            self.account.take(before - bytes);
        }
    }

    /// Whether it holds anything that is put down.
    pub(super) fn is_counted(&self) -> bool {
        self.held > 0
    }

    /// Whether all together hold more than so many times a budget, and it more than an equal part of that.
    pub(super) fn is_hog(&self, times: usize) -> bool {
        self.is_counted() && self.held > self.account.most_kept(times)
    }

    /// Whether so much more would be more than its share.
    pub(crate) fn is_over(&self, before: usize, more: usize) -> bool {
        let after = before.saturating_add(more);
        match before > LITTLE {
            true => after > self.account.share(more),
            false => after > LITTLE && after > self.account.first_share(more, false),
        }
    }
}

impl FrameCharge for BacklogShare {
    fn keep(&mut self, bytes: usize) {
        self.set(bytes);
    }
}

impl Drop for BacklogShare {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    fn held(account: &Arc<Account>, bytes: usize) -> BacklogShare {
        let mut share = BacklogShare::new(Arc::clone(account));
        share.set(bytes);
        share
    }

    /// A first reply of that length, if it has room.
    fn come(account: &Arc<Account>, bytes: usize) -> Option<BacklogShare> {
        (!BacklogShare::new(Arc::clone(account)).is_over(0, bytes)).then(|| held(account, bytes))
    }

    #[test]
    fn who_reads_nothing_takes_from_his_own_ticket_and_then_from_his_own_vault() {
        let node = Account::new(NODE, None);
        let (one, other) = (Backlog::below(&node, VAULT), Backlog::below(&node, VAULT));
        let ids: Vec<TicketId> = (1..=3).map(|number| TicketId::mint(1, number)).collect();
        let greedy = one.of(&ids[0]);
        let crowd: Vec<BacklogShare> = (0..5).map(|_| held(&greedy, 16 * MIB)).collect();
        assert!(crowd[0].is_over(16 * MIB, 1));
        // A ticket of the same vault has half of its budget, one of another vault notices nothing.
        let (beside, elsewhere) = (one.of(&ids[1]), other.of(&ids[2]));
        assert!(!held(&beside, MIB).is_over(MIB, 8 * MIB));
        assert!(held(&beside, 32 * MIB).is_over(32 * MIB, 1));
        assert!(!held(&elsewhere, 40 * MIB).is_over(40 * MIB, MIB));
        // Of the greedy ticket, who holds less than its connections' share has what he asks for.
        assert!(!held(&greedy, MIB).is_over(MIB, MIB));
        assert!(!crowd[0].is_over(LITTLE, 40 * MIB), "who has read nearly all has room in twice the budget");
        drop(crowd);
        assert!(Arc::ptr_eq(&greedy, &one.of(&ids[0])));
        assert_eq!(node.held.load(Ordering::Relaxed), 0);
        assert_eq!(node.members.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn over_the_nodes_budget_the_greediest_vaults_suffer_and_not_whoever_comes() {
        let node = Account::new(NODE, None);
        let id = TicketId::mint(1, 1);
        let vaults: Vec<Backlog> = (0..9).map(|_| Backlog::below(&node, VAULT)).collect();
        let mut all: Vec<BacklogShare> = vaults[..8]
            .iter()
            .flat_map(|vault| [16, 16].map(|mib| held(&vault.of(&id), mib * MIB)))
            .collect();
        assert!(all[0].is_over(16 * MIB, 1), "all together hold what the node may");
        let account = vaults[8].of(&id);
        let mut honest = held(&account, MIB);
        assert!(!honest.is_over(MIB, 8 * MIB));
        honest.set(30 * MIB);
        assert!(honest.is_over(30 * MIB, 1), "it is as greedy as the others now");
        all.truncate(12);
        assert!(!honest.is_over(30 * MIB, 1) && !all[0].is_over(16 * MIB, MIB));
    }

    #[test]
    fn first_replies_that_nobody_reads_have_room_in_twice_the_budget_and_others_have_a_share_of_it() {
        let node = Account::new(NODE, None);
        let vault = Backlog::below(&node, budget(64 * MIB));
        let ids: Vec<TicketId> = (1..=3).map(|number| TicketId::mint(1, number)).collect();
        let greedy = vault.of(&ids[0]);
        let alone = come(&greedy, 64 * MIB + 100);
        assert!(alone.is_some(), "one alone may be as long as a frame");
        assert!(come(&vault.of(&ids[1]), 64 * MIB).is_some(), "and another beside it");
        drop(alone);
        let mut crowd: Vec<BacklogShare> = (0..64).filter_map(|_| come(&greedy, 4 * MIB)).collect();
        assert_eq!(crowd.len(), 2 * 65 / 4);
        assert!(come(&greedy, LITTLE).is_some(), "what is little is refused nobody");
        let honest = come(&vault.of(&ids[1]), 32 * MIB);
        assert!(honest.is_some(), "another ticket has its share");
        assert!(come(&vault.of(&ids[2]), 64 * MIB).is_none());
        // Vaults, whose callers have nothing but small frames, fill the node's together.
        let mut fill = |vaults: usize| {
            crowd.extend((0..vaults).flat_map(|_| {
                let account = Backlog::below(&node, VAULT).of(&ids[0]);
                (0..64).filter_map(|_| come(&account, MIB)).collect::<Vec<_>>()
            }));
            node.held.load(Ordering::Relaxed)
        };
        assert!(fill(10) > 2 * NODE);
        assert!(
            come(&Backlog::below(&node, VAULT).of(&ids[0]), MIB).is_some(),
            "an honest vault has its share"
        );
        assert!(fill(1000) <= 4 * NODE + 1000 * FIRST);
    }

    #[test]
    fn whoever_came_first_a_vault_and_a_ticket_that_hold_nothing_get_a_first_reply() {
        let node = Account::new(NODE, None);
        let ids: Vec<TicketId> = (1..=64).map(|number| TicketId::mint(1, number)).collect();
        // As much as it gets, with a connection for each of its tickets.
        let greedy = |vault: &Backlog| -> Vec<BacklogShare> {
            let most = |account: Arc<_>| (1..=256).rev().find_map(|half| come(&account, half * MIB / 2));
            ids.iter().filter_map(|id| most(vault.of(id))).collect()
        };
        let sum = |crowd: &[BacklogShare]| crowd.iter().map(|share| share.held).sum::<usize>();
        // Within a vault.
        let vault = Backlog::below(&node, VAULT);
        let crowd = greedy(&vault);
        assert!(sum(&crowd) > 7 * VAULT / 2 && sum(&crowd) <= 4 * VAULT + 64 * FIRST, "{}", sum(&crowd));
        let honest = vault.of(&TicketId::mint(1, 65));
        let mut replies: Vec<BacklogShare> = (0..4).filter_map(|_| come(&honest, FIRST / 4)).collect();
        assert_eq!(replies.len(), 4, "a ticket that holds nothing has room for its first replies");
        assert!(come(&honest, FIRST).is_none(), "it has had its part");
        replies.clear();
        assert!(come(&honest, FIRST).is_some() && come(&honest, FIRST + 1).is_none());
        drop(crowd);
        // Between vaults.
        let crowd: Vec<Vec<BacklogShare>> = (0..40).map(|_| greedy(&Backlog::below(&node, VAULT))).collect();
        assert!(node.held.load(Ordering::Relaxed) > 4 * NODE - MIB);
        assert!(node.held.load(Ordering::Relaxed) < 4 * NODE + 40 * 4 * FIRST);
        for _ in 0..100 {
            let honest = Backlog::below(&node, VAULT);
            let one = come(&honest.of(&ids[0]), FIRST);
            assert!(one.is_some(), "a vault that holds nothing has room for a first reply");
            assert!(come(&honest.of(&ids[1]), FIRST / 2).is_some(), "and its tickets have shares of that");
            assert!(come(&honest.of(&ids[1]), FIRST).is_none());
        }
        assert!(crowd.iter().map(|crowd| sum(crowd)).max() <= Some(4 * VAULT + 64 * FIRST));
    }

    #[test]
    fn over_the_ceiling_who_holds_most_is_told_from_everybody_else() {
        let node = Account::new(NODE, None);
        let ids: Vec<TicketId> = (1..=8).map(|number| TicketId::mint(1, number)).collect();
        let hogs = |all: &[BacklogShare]| all.iter().map(|one| one.is_hog(3)).collect::<Vec<_>>();
        // Within a vault.
        let vault = Backlog::below(&node, VAULT);
        let mut all: Vec<_> =
            [100, 40, 40, 8].iter().zip(&ids).map(|(mib, id)| held(&vault.of(id), mib * MIB)).collect();
        assert_eq!(hogs(&all), [false; 4], "it is below");
        all.push(held(&vault.of(&ids[4]), 8 * MIB));
        assert_eq!(hogs(&all), [true, true, true, false, false]);
        all[0].set(0);
        assert_eq!(hogs(&all), [false; 5], "one of them was enough");
        let split: Vec<_> = (0..10).map(|_| held(&vault.of(&ids[5]), 10 * MIB)).collect();
        assert_eq!(hogs(&all), [false, true, true, false, false]);
        assert_eq!(hogs(&split), [true; 10], "many connections are one ticket");
        drop((all, split));
        // Between vaults.
        let vaults: Vec<Backlog> = (0..20).map(|_| Backlog::below(&node, VAULT)).collect();
        let of = |vault: usize, mib: usize| held(&vaults[vault].of(&ids[0]), mib * MIB);
        let mut all: Vec<_> = (0..8).map(|vault| of(vault, 96)).collect();
        all.extend((8..20).map(|vault| of(vault, 30)));
        assert_eq!(hogs(&all), [[true; 8].to_vec(), [false; 12].to_vec()].concat());
    }

    #[test]
    fn what_is_little_is_no_part_of_any_account() {
        let account = Account::new(NODE, None);
        let mut share = held(&account, LITTLE);
        assert_eq!(account.held.load(Ordering::Relaxed), 0);
        share.set(LITTLE + 1);
        share.set(LITTLE + 9);
        assert_eq!(
            (account.held.load(Ordering::Relaxed), account.members.load(Ordering::Relaxed)),
            (LITTLE + 9, 1)
        );
        share.set(5);
        assert_eq!((account.held.load(Ordering::Relaxed), account.members.load(Ordering::Relaxed)), (0, 0));
    }
}
