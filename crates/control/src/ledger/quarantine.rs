//! Quarantine: documents that cannot be read are moved out of the way, with their bytes, and said.
//!
//! One of them must not stop a listing, the queue, a reaping or the pruning of all others. But it is not absent
//! either: who asks for just this one hears that it is damaged. What is set aside stands under `aside/`, behind the
//! time of that, for 30 days (`control::retention`), or until what it was about ends. Vaults and names are recorded again
//! (`control::vaults::recovery`).
//!
//! The store says what stands aside, whoever put it there; the map here saves questions. Who rests a transaction on that
//! nothing stands under a key rests it on that nothing stands aside as well ([`Records::whole`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use super::documents::{APART, NAME, NODE, NodeRecord, PREFIXES, SECRET, VAULT, node_key};
use super::error::LedgerError;
use super::record::Records;
use crate::store::{
    CommitOutcome, Document, EPHEMERAL, Expect, ISSUER, StructureFault, Txn, VerifiedPart, VerifyCursor,
};
use hauki_contract::model::check::Check;
use hauki_contract::model::error_chain;
use hauki_contract::model::id::NodeName;
use hauki_contract::system::clock;

pub(crate) const ASIDE: &str = "aside/";

/// How long the store is looked through at the start.
const LOOK: Duration = Duration::from_secs(2);

/// What a core writes anew without having read it. It is whole again at once, and what was damaged stays aside all the
/// same: nobody would hear of it otherwise.
const HEALED: &[&str] = &[ISSUER, "meta/", APART, SECRET];

const PAGE: usize = 500;

/// How many are named in a finding.
const NAMED: usize = 5;

#[must_use]
pub(crate) fn aside_key(key: &str) -> String {
    format!("{ASIDE}{key}")
}

/// Whether what stands aside says nothing of the key itself.
fn is_apart(key: &str) -> bool {
    let mut apart = HEALED.iter().chain(&[ASIDE, EPHEMERAL]);
    apart.any(|prefix| key.starts_with(prefix))
}

/// When it was set aside.
pub(crate) fn since(document: &Document) -> Option<Timestamp> {
    let digits = document.value.get(..13)?;
    let ms = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Timestamp::from_millisecond(ms).ok()
}

/// The keys of what was set aside, as far as this core has seen it.
#[derive(Debug, Default)]
pub(crate) struct Quarantine {
    keys: Mutex<BTreeMap<String, Now>>,
    found: Notify,
}

/// What stands under the key itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Now {
    Nothing,
    /// Nothing, and who was asked could not tell more.
    Unknown,
    /// A record that was made anew (`control::vaults::recovery`).
    Again,
}

impl Quarantine {
    fn keys(&self) -> MutexGuard<'_, BTreeMap<String, Now>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn knows(&self, key: &str) -> bool {
        self.keys().contains_key(key)
    }

    #[must_use]
    pub(crate) fn count(&self) -> usize {
        self.keys().len()
    }

    /// Whether it was set aside, and there is no record again.
    pub(crate) fn is_missing(&self, key: &str) -> bool {
        self.keys().get(key).is_some_and(|now| *now != Now::Again)
    }

    pub(crate) fn is_unknown(&self, key: &str) {
        self.keys().entry(key.to_owned()).and_modify(|now| *now = Now::Unknown);
    }

    /// Whether there is a vault of which nobody was asked yet.
    pub(crate) fn any_new_vault(&self) -> bool {
        self.keys().iter().any(|(key, now)| *now == Now::Nothing && key.starts_with(VAULT))
    }

    pub(crate) fn is_again(&self, key: &str) {
        self.keys().entry(key.to_owned()).and_modify(|now| *now = Now::Again);
    }

    /// What `control::vaults::recovery` can do something about.
    pub(crate) fn missing(&self) -> Vec<String> {
        let can = |key: &&String| key.starts_with(VAULT) || key.starts_with(NAME);
        let keys = self.keys();
        let missing = keys.iter().filter(|(_, now)| **now != Now::Again).map(|(key, _)| key);
        missing.filter(can).cloned().collect()
    }

    pub(crate) fn any_missing(&self) -> bool {
        !self.missing().is_empty()
    }

    pub(crate) fn missing_vaults(&self) -> usize {
        self.missing().iter().filter(|key| key.starts_with(VAULT)).count()
    }

    /// Whether something that was damaged in its very key may have been a vault's record.
    pub(crate) fn may_hide_a_vault(&self) -> bool {
        let foreign = |key: &String| PREFIXES.iter().all(|known| !key.starts_with(known));
        self.keys().keys().any(|key| key.starts_with(VAULT) || foreign(key))
    }

    pub(crate) fn first_with(&self, prefix: &str) -> Option<String> {
        self.keys().keys().find(|key| key.starts_with(prefix)).cloned()
    }

    /// Another core has set it aside.
    fn learn(&self, key: &str) {
        let mut keys = self.keys();
        if !keys.contains_key(key) {
            keys.insert(key.to_owned(), Now::Nothing);
            self.found.notify_one();
        }
    }

    /// Waits for the next one.
    pub(crate) async fn found(&self) {
        self.found.notified().await;
    }
}

pub(super) fn damaged(key: &str) -> LedgerError {
    LedgerError::Damaged { key: key.to_owned() }
}

impl Records {
    /// Finds what was set aside before, and what is damaged now.
    pub(crate) async fn look_through(&self) -> Result<(), LedgerError> {
        self.look_aside().await?;
        for document in self.store().damaged(LOOK).await? {
            self.set_aside(&document, "its checksum is another").await?;
        }
        for key in self.aside().missing() {
            if self.store().get(&key).await?.is_some_and(|document| document.intact) {
                self.aside().is_again(&key);
            }
        }
        Ok(())
    }

    /// Looks at a part of the store that is in use; what is damaged there is set aside. With what is wrong beyond that, and
    /// where the next part begins.
    pub(crate) async fn verify(
        &self,
        from: VerifyCursor,
    ) -> Result<(Option<StructureFault>, Option<VerifyCursor>), LedgerError> {
        let VerifiedPart { damaged, fault, next } = self.store().verify(from).await?;
        for document in damaged {
            self.set_aside(&document, "its checksum is another").await?;
        }
        Ok((fault, next))
    }

    /// Takes over what other cores have set aside, and what they have done about that since.
    pub(crate) async fn look_aside(&self) -> Result<(), LedgerError> {
        let (mut there, mut after) = (BTreeSet::new(), None);
        loop {
            let documents = self.store().list(ASIDE, after.as_deref(), PAGE).await?;
            let known = documents.iter().filter_map(|document| document.key.strip_prefix(ASIDE));
            there.extend(known.map(str::to_owned));
            match documents.last() {
                Some(last) if documents.len() == PAGE => after = Some(last.key.clone()),
                _ => break,
            }
        }
        let known: BTreeSet<String> = self.aside().keys().keys().cloned().collect();
        there.difference(&known).for_each(|key| self.aside().learn(key));
        for key in &known {
            let found = self.store().get(key).await?;
            // One that could not be moved stands where it was.
            let is_damaged = found.as_ref().is_some_and(|document| !document.intact);
            if !is_damaged && (!there.contains(key) || found.is_some()) {
                self.look_again(key).await?;
            }
        }
        Ok(())
    }

    /// Whether something was set aside there, by whatever core. To be asked of what is not under its key.
    pub(super) async fn stands_aside(&self, key: &str) -> Result<bool, LedgerError> {
        let there = !key.starts_with(EPHEMERAL) && self.store().get(&aside_key(key)).await?.is_some();
        match there {
            true => self.aside().learn(key),
            false => drop(self.aside().keys().remove(key)),
        }
        Ok(there)
    }

    /// Unless somebody wrote to it meanwhile.
    pub(super) async fn set_aside(&self, document: &Document, why: &str) -> Result<(), LedgerError> {
        let Document { key, value, revision, .. } = document;
        if key.starts_with(ASIDE) {
            return Ok(());
        }
        // From here on it is not absent for anybody. One that could not be moved comes here whenever it is read.
        let first = {
            let mut keys = self.aside().keys();
            let first = !keys.contains_key(key);
            keys.entry(key.clone()).or_insert(Now::Nothing);
            first
        };
        let txn = Txn::when(key.as_str(), Expect::At(*revision)).delete(key.as_str());
        let mut kept = format!("{:013} ", clock::unix_ms()).into_bytes();
        kept.extend_from_slice(value);
        let moved = self.store().commit(txn.put(aside_key(key), kept)).await;
        if first {
            tracing::error!(record = %key, %why, "a damaged record was set aside");
        }
        match moved {
            // It may have been made anew, and that is damaged now.
            Ok(CommitOutcome::Committed { .. }) => {
                self.aside().keys().insert(key.clone(), Now::Nothing);
            }
            Ok(CommitOutcome::Conflict { .. }) => self.look_again(key).await?,
            // It stays where it is, on a full disk or where its key itself cannot be read, and is passed over. Who
            // looks again and again need not hear of it each time.
            Err(error) if first => {
                tracing::warn!(record = %key, error = error_chain::told(&error), "it could not be moved")
            }
            Err(_) => return Ok(()),
        }
        self.aside().found.notify_one();
        Ok(())
    }

    /// Somebody else did something about it meanwhile: moved it, or wrote it anew, or it ended.
    async fn look_again(&self, key: &str) -> Result<(), LedgerError> {
        let aside = self.store().get(&aside_key(key)).await?.is_some();
        let whole = self.store().get(key).await?.is_some_and(|document| document.intact);
        let mut keys = self.aside().keys();
        match (aside, whole) {
            (true, true) => drop(keys.insert(key.to_owned(), Now::Again)),
            (false, _) => drop(keys.remove(key)),
            (true, false) => {}
        }
        Ok(())
    }

    pub(crate) fn refuse_aside(&self, key: &str) -> Result<(), LedgerError> {
        match self.aside().knows(key) {
            true => Err(damaged(key)),
            false => Ok(()),
        }
    }

    /// A node whose record is damaged was not taken out, whichever core has found it damaged.
    pub(crate) async fn refuse_damaged_node(&self, name: &NodeName) -> Result<(), LedgerError> {
        let key = node_key(name);
        match self.is_there(&key).await? && self.find::<NodeRecord>(&key).await?.is_none() {
            true => Err(damaged(&key)),
            false => Ok(()),
        }
    }

    /// As long as one is damaged, it may have what no other has.
    pub(crate) fn refuse_damaged_nodes(&self) -> Result<(), LedgerError> {
        self.aside().first_with(NODE).map_or(Ok(()), |key| self.refuse_aside(&key))
    }

    /// The transaction, with what it says of what stands aside; and what does not any more, once it is committed: what it
    /// deletes or writes anew. Where it wants nothing to stand, nothing stands aside either.
    pub(super) fn whole(&self, txn: Txn) -> (Txn, Vec<String>) {
        let absent: Vec<String> = txn.wanted_absent().filter(|key| !is_apart(key)).map(aside_key).collect();
        let txn = absent.into_iter().fold(txn, |txn, key| txn.check(key, Expect::Absent));
        let keys = self.aside().keys();
        if keys.is_empty() {
            return (txn, Vec::new());
        }
        let is_healed = |key: &&str| HEALED.iter().any(|prefix| key.starts_with(prefix));
        let written = txn.put_keys().filter(|key| !is_healed(key)).chain(txn.deleted_keys());
        let gone: Vec<String> = written.filter(|key| keys.contains_key(*key)).map(str::to_owned).collect();
        drop(keys);
        (txn.delete_each(gone.iter().map(|key| aside_key(key))), gone)
    }

    /// What became of it. Another core may have set aside what was to be absent.
    pub(super) fn told(&self, outcome: CommitOutcome, gone: &[String]) -> Result<CommitOutcome, LedgerError> {
        match &outcome {
            CommitOutcome::Committed { .. } => self.forget_aside(gone),
            CommitOutcome::Conflict { key } => {
                if let Some(key) = key.strip_prefix(ASIDE) {
                    self.aside().learn(key);
                    return Err(damaged(key));
                }
            }
        }
        Ok(outcome)
    }

    pub(super) fn forget_aside(&self, gone: &[String]) {
        let mut keys = self.aside().keys();
        keys.retain(|key, _| !gone.contains(key));
    }

    /// The operator's finding, if there is something to say.
    pub(crate) fn aside_check(&self, with_names: bool) -> Option<Check> {
        let keys = self.aside().keys();
        let mut what = format!("{} damaged records of the store were set aside", keys.len());
        if with_names {
            let named: Vec<&str> = keys.keys().take(NAMED).map(String::as_str).collect();
            let more = if keys.len() > named.len() { ", …" } else { "" };
            what.push_str(&format!(": {}{more}", named.join(", ")));
        }
        let hint = "the disk or the memory may be failing; everything else goes on";
        (!keys.is_empty()).then(|| Check::fail(what, hint))
    }
}
