//! Quota: how much of the store the summons of each owner take, and how much they may.
//!
//! A summons and its source are kept for a day, and one request may bring 8 MiB of both. So there is a bound for
//! each owner, and one for all of them together, root aside: the disk is everybody's, and a vault that has died
//! must find room for its tombstone. The table is in memory, by summons, so that one that is seen twice counts
//! once. It is read from the store when somebody is first held against it, and then follows what is committed and
//! what `control::retention` prunes; a crash costs only that it is read again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::OnceCell;

use super::failure::{Failure, SummonError};
use super::ledger::{Records, SUMMONS};
use hauki_contract::model::id::SummonsId;

/// Of one owner, and of all of them.
const OF_ONE: Taken = Taken { summons: 50_000, bytes: 256 << 20 };
const OF_ALL: Taken = Taken { summons: 200_000, bytes: 1 << 30 };
/// Whose the machine is.
const ROOT: u32 = 0;
/// Each may be as long as a request.
const PAGE: usize = 16;
/// What else there is in a record, about.
const REST_BYTES: u64 = 1024;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Taken {
    summons: u64,
    bytes: u64,
}

impl Taken {
    fn add(&mut self, bytes: u64) {
        *self = Self { summons: self.summons + 1, bytes: self.bytes + bytes };
    }

    fn take(&mut self, bytes: u64) {
        *self = Self { summons: self.summons.saturating_sub(1), bytes: self.bytes.saturating_sub(bytes) };
    }

    fn has_room(self, bytes: u64, most: Self) -> bool {
        self.summons < most.summons && self.bytes.saturating_add(bytes) <= most.bytes
    }
}

#[derive(Debug, Default)]
struct Table {
    entries: HashMap<SummonsId, (u32, u64)>,
    owners: HashMap<u32, Taken>,
    all: Taken,
}

pub(super) struct SummonsQuota {
    records: Records,
    table: Mutex<Table>,
    read: OnceCell<()>,
}

/// Of a summons, only what counts here.
#[derive(Deserialize)]
struct Kept {
    id: SummonsId,
    #[serde(default)]
    owner: Option<u32>,
    source_bytes: u64,
    args: Box<RawValue>,
}

impl SummonsQuota {
    pub(super) fn of(records: Records) -> Self {
        Self { records, table: Mutex::default(), read: OnceCell::new() }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, id: SummonsId, owner: Option<u32>, bytes: u64) {
        let Some(owner) = owner.filter(|owner| *owner != ROOT) else { return };
        let mut table = self.table();
        if table.entries.insert(id, (owner, bytes)).is_none() {
            table.owners.entry(owner).or_default().add(bytes);
            table.all.add(bytes);
        }
    }

    /// To be called before the commit, because whoever hangs up in the middle of it has it all the same.
    pub(super) fn count(&self, id: &SummonsId, owner: Option<u32>, bytes: impl FnOnce() -> u64) {
        if owner.is_some_and(|owner| owner != ROOT) {
            self.put(id.clone(), owner, bytes());
        }
    }

    /// It is not kept any more.
    pub(super) fn remove(&self, id: &SummonsId) {
        let mut table = self.table();
        let Some((owner, bytes)) = table.entries.remove(id) else { return };
        table.all.take(bytes);
        if let Some(taken) = table.owners.get_mut(&owner) {
            taken.take(bytes);
            if taken.summons == 0 {
                table.owners.remove(&owner);
            }
        }
    }

    /// Of those before `end`, only these are left: of another, who asked went away in the middle of its commit.
    pub(super) fn keep(&self, end: &SummonsId, left: &BTreeSet<SummonsId>) {
        let gone: Vec<SummonsId> =
            self.table().entries.keys().filter(|id| *id < end && !left.contains(*id)).cloned().collect();
        gone.iter().for_each(|id| self.remove(id));
    }

    async fn read(&self) -> Result<(), Failure> {
        let mut after: Option<String> = None;
        loop {
            let (page, next) = self.records.page::<Kept>(SUMMONS, after.as_deref(), PAGE).await?;
            for Kept { id, owner, source_bytes, args } in page.into_iter().map(|found| found.value) {
                self.put(id, owner, source_bytes + args.get().len() as u64 + REST_BYTES);
            }
            match next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    fn room(&self, owner: u32, bytes: u64) -> Result<(), Failure> {
        let (own, all) = {
            let table = self.table();
            (table.owners.get(&owner).copied().unwrap_or_default(), table.all)
        };
        let (whose, there, most) = match (own.has_room(bytes, OF_ONE), all.has_room(bytes, OF_ALL)) {
            (true, true) => return Ok(()),
            (false, _) => (format!("of user {owner}"), own, OF_ONE),
            (true, false) => ("of all users".to_owned(), all, OF_ALL),
        };
        let (summons, mib) = (there.summons, there.bytes >> 20);
        let (most_summons, most_mib) = (most.summons, most.bytes >> 20);
        Err(SummonError::Hoard { whose, summons, mib, most_summons, most_mib }.into())
    }

    /// Refuses what its owner has no room for. Those that are under way at the same time do not see each other.
    pub(super) async fn refuse_hoard(
        &self,
        owner: Option<u32>,
        bytes: impl FnOnce() -> u64,
    ) -> Result<(), Failure> {
        let Some(owner) = owner.filter(|owner| *owner != ROOT) else { return Ok(()) };
        self.read.get_or_try_init(|| self.read()).await?;
        self.room(owner, bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{Swarm, spawning, summons, unwatched};
    use hauki_contract::api::ErrorCode;
    use hauki_contract::system::random;

    #[tokio::test]
    async fn who_keeps_too_much_is_refused_and_nobody_else_is() {
        let Swarm { core, store, node, .. } = unwatched();
        let (ann, bob) = (Some(1000), Some(1001));
        core.summon_for(ann, summons("a1")).await.expect("is taken");
        core.spawn_for(ann, ann, spawning("a2")).await.expect("is taken");
        assert_eq!(core.basis().quota.table().owners[&1000].summons, 2);
        let hoard = random::summons_id();
        core.basis().quota.put(hoard.clone(), ann, OF_ONE.bytes - 100);
        let dry = hauki_contract::api::summons::SummonsRequest { dry_run: true, ..summons("a3") };
        for refused in [
            core.summon_for(ann, dry).await.map(drop),
            core.summon_for(ann, summons("a3")).await.map(drop),
            core.spawn_for(ann, ann, spawning("a4")).await.map(drop),
        ] {
            assert_eq!(refused.expect_err("is too much").code, ErrorCode::Quota);
        }
        assert_eq!(node.provisioned(), 1, "nothing is forged for what is refused");
        core.summon_for(bob, summons("b1")).await.expect("is taken");
        core.summon_for(Some(ROOT), summons("r1")).await.expect("is taken");
        core.basis().quota.remove(&hoard);
        core.summon_for(ann, summons("a3")).await.expect("has room again");
        // Too many, and too much of all together.
        let table = || core.basis().quota.table();
        let many = Taken { summons: OF_ONE.summons, bytes: 0 };
        let before = table().owners.insert(1000, many).expect("is there");
        assert_eq!(core.summon_for(ann, summons("a5")).await.expect_err("is refused").code, ErrorCode::Quota);
        table().owners.insert(1000, before);
        table().all.bytes = OF_ALL.bytes;
        assert_eq!(core.summon_for(bob, summons("b2")).await.expect_err("is refused").code, ErrorCode::Quota);
        core.summon_for(Some(ROOT), summons("r2")).await.expect("is taken");

        // Another core over the same store counts the same, as soon as it has to.
        let other = crate::tests::core_over(store, &[&node], &["n1"]);
        other.summon_for(ann, summons("a6")).await.expect("is taken");
        let counted = other.basis().quota.table().owners[&1000];
        assert_eq!(counted.summons, 4);
        // What is pruned is not counted any more.
        let later = hauki_contract::system::clock::now() + 2 * crate::ledger::KEPT;
        other.phases().retention.prune(later, Default::default()).await.expect("prunes");
        let left = || other.basis().quota.table().owners.get(&1000).map(|taken| taken.summons);
        assert_eq!(left(), Some(1), "the living vault's stays");
        // Counted, and not in the store.
        other.basis().quota.put(SummonsId::mint(1, 1), ann, 5);
        assert_eq!(left(), Some(2));
        other.phases().retention.prune(later, Default::default()).await.expect("prunes");
        assert_eq!(left(), Some(1));
    }
}
