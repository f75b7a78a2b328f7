//! Membership: which nodes the store says there are, and the node table that is made of it.
//!
//! `node/<name>` is an added node. Whoever adds, drains or takes out one writes `ephemeral/nodes` in the same transaction,
//! under the revision that he has seen: that document's revision is the number of the membership. A start puts the
//! number that it placed by into the transaction that notes it (`ledger::forging`), so once a drain is answered no core on
//! this store places there any more; whom that meets reads the nodes anew ([`Membership::catch_up`]) and places
//! again. What the document says is which nodes are drained that have no record: the daemon's own and those of the
//! configuration, for as long as the store is open.
//!
//! A crash leaves what was committed. The slots and links are this process's own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::dependencies::Dependencies;
use super::failure::{Failure, MemberError};
use super::ledger::{MEMBERSHIP, NODE, NodeRecord, Records, Versioned, encode, node_key};
use super::link::known_hosts::KnownHosts;
use super::link::login::LoginKeys;
use super::link::{HttpNode, SshLink, SshTarget};
use super::node_table::NodeTable;
use super::nodes::{Member, NodeSlot};
use super::store::{CommitOutcome, Expect, Txn};
use hauki_contract::model::check::Check;
use hauki_contract::model::error_chain;
use hauki_contract::model::id::NodeName;
use hauki_contract::model::swarm::SwarmNode;

/// The number of the membership, and which nodes without a record are drained.
type Numbered = (Expect, BTreeSet<NodeName>);

pub(super) struct Membership {
    /// Of the core's SSH key, known hosts and links.
    home: PathBuf,
    records: Records,
    node_table: NodeTable,
    /// What the slots of added nodes were made of.
    taken: Mutex<BTreeMap<NodeName, NodeRecord>>,
    /// Those to whom no link could be made, and why.
    unlinked: Mutex<BTreeMap<NodeName, (NodeRecord, String)>>,
    /// One at a time makes slots of records.
    turn: tokio::sync::Mutex<()>,
}

impl Membership {
    pub(super) fn new(basis: &Dependencies) -> Arc<Self> {
        let Dependencies { home, records, node_table, .. } = basis;
        let (home, records, node_table) = (home.clone(), records.clone(), node_table.clone());
        Arc::new(Self {
            home,
            records,
            node_table,
            taken: Mutex::default(),
            unlinked: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        })
    }

    fn taken(&self) -> MutexGuard<'_, BTreeMap<NodeName, NodeRecord>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unlinked(&self) -> MutexGuard<'_, BTreeMap<NodeName, (NodeRecord, String)>> {
        self.unlinked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn keys_for(&self, node: &SwarmNode) -> LoginKeys {
        LoginKeys {
            file: node.key_file.clone(),
            own: self.own_key(),
            hosts: KnownHosts::usual(self.home.join("known_hosts")),
        }
    }

    pub(super) fn own_key(&self) -> PathBuf {
        self.home.join("ssh_ed25519")
    }

    /// A link to a node; it connects at once.
    pub(super) fn reach(&self, record: &NodeRecord) -> Result<Member, Failure> {
        let node = &record.node;
        let program = super::link::quoted(&node.program().to_string_lossy());
        let target = SshTarget {
            address: node.ssh.clone(),
            keys: self.keys_for(node),
            socket: node.socket(),
            bridge: if record.sudo { format!("sudo -n {program}") } else { program },
            bridge_only: record.by_bridge,
        };
        let link = SshLink::start(target, &self.home.join("link"), node.name.as_str());
        let link = link.map_err(|error| MemberError::Link(Box::new(error)))?;
        let api = HttpNode::over(link).map_err(|error| MemberError::Link(Box::new(error)))?;
        let (name, labels) = (node.name.clone(), node.labels.clone());
        Ok(Member { name, labels, api: Arc::new(api), address: record.address })
    }

    pub(super) async fn record(&self, name: &NodeName) -> Result<Option<Versioned<NodeRecord>>, Failure> {
        Ok(self.records.get::<NodeRecord>(&node_key(name)).await?)
    }

    /// At the start of a core that is alone: what was drained without a record was so for the life of those before.
    pub(super) async fn load(&self) -> Result<(), Failure> {
        let (number, drained) = self.numbered().await?;
        if !drained.is_empty() {
            self.write(anew(number, &BTreeSet::new())?).await?;
        }
        for found in self.records.all::<NodeRecord>(NODE).await? {
            let node = found.value.node.name;
            if self.node_table.is_configured(&node) {
                tracing::warn!(%node, "the configuration has a node of that name; the added one is left out");
            }
        }
        self.catch_up().await.map(drop)
    }

    /// Makes the node table what the store says, unless it is; with the number of that.
    pub(super) async fn catch_up(&self) -> Result<Expect, Failure> {
        let _turn = self.turn.lock().await;
        self.caught_up().await
    }

    /// In the turn of whoever calls.
    async fn caught_up(&self) -> Result<Expect, Failure> {
        // Before the records, so that a number is never later than what was made of it.
        let (number, drained) = self.numbered().await?;
        if self.node_table.number() == Some(number) {
            return Ok(number);
        }
        let mut there = BTreeSet::new();
        for record in self.records.all::<NodeRecord>(NODE).await?.into_iter().map(|found| found.value) {
            if !self.node_table.is_configured(&record.node.name) {
                there.insert(record.node.name.clone());
                self.take_in_or_later(record);
            }
        }
        self.unlinked().retain(|name, _| there.contains(name));
        for (name, slot) in &*self.node_table.slots() {
            if self.node_table.is_configured(name) {
                slot.drain(drained.contains(name));
            } else if !there.contains(name) && !self.records.is_there(&node_key(name)).await? {
                // One whose record is damaged was not taken out, whichever core has set it aside.
                self.node_table.remove(name);
                self.taken().remove(name);
            }
        }
        self.node_table.is_of(number);
        Ok(number)
    }

    /// One that cannot be linked just now keeps no other out, nor is it lost: it is tried again (`control::neighbours`).
    fn take_in_or_later(&self, record: NodeRecord) {
        let name = record.node.name.clone();
        match self.take_in(&record) {
            Ok(()) => drop(self.unlinked().remove(&name)),
            Err(error) => {
                if let Some(slot) = self.node_table.slots().get(&name) {
                    slot.drain(record.draining);
                }
                let error = error_chain::told(&error);
                let before = self.unlinked().insert(name.clone(), (record, error.clone()));
                if before.is_none() {
                    tracing::warn!(node = %name, error, "no link to the node can be made; it is left out until there is one");
                }
            }
        }
    }

    /// What there is to say of nodes that are in no table.
    pub(super) fn findings(&self) -> Vec<Check> {
        let told = |(name, (_, error)): (&NodeName, &(NodeRecord, String))| {
            let what = format!("{name}: it is left out, for no link to it can be made: {error}");
            Check::fail(what, "free some space or descriptors; it is tried again by itself")
        };
        self.unlinked().iter().map(told).collect()
    }

    /// Those that could not be linked, once more.
    pub(super) async fn reach_again(&self) {
        if self.unlinked().is_empty() {
            return;
        }
        let _turn = self.turn.lock().await;
        let unlinked = self.unlinked().clone();
        unlinked.into_values().for_each(|(record, _)| self.take_in_or_later(record));
    }

    /// A slot for the record, in the place of an earlier one of that name, unless that was made of the same.
    fn take_in(&self, record: &NodeRecord) -> Result<(), Failure> {
        let name = &record.node.name;
        let is_same = self.taken().get(name) == Some(&made_of(record));
        match self.node_table.slots().get(name).filter(|_| is_same) {
            Some(slot) => slot.drain(record.draining),
            None => self.link(record, self.reach(record)?),
        }
        Ok(())
    }

    fn link(&self, record: &NodeRecord, member: Member) {
        let slot = Arc::new(NodeSlot::new(member));
        slot.drain(record.draining);
        self.node_table.put(&slot);
        self.taken().insert(record.node.name.clone(), made_of(record));
    }

    /// In the store, for each core on it, and here.
    pub(super) async fn drain(&self, name: &NodeName, draining: bool) -> Result<(), Failure> {
        loop {
            let (number, mut drained) = self.numbered().await?;
            let (mut recorded, mut same) = (None, true);
            if let Some(mut found) = self.record(name).await? {
                same &= found.value.draining == draining;
                found.value.draining = draining;
                recorded = Some(found.still().put(found.key.as_str(), encode(&found.value)?));
            }
            if self.node_table.is_configured(name) {
                same &= drained.contains(name) == draining;
                if draining {
                    drained.insert(name.clone())
                } else {
                    drained.remove(name)
                };
            }
            let txn = anew(number, &drained)?;
            let txn = recorded.into_iter().fold(txn, Txn::and);
            if same || self.write(txn).await? {
                return self.catch_up().await.map(drop);
            }
        }
    }

    /// Lists the node, with a new link to it.
    pub(super) async fn list(&self, record: &NodeRecord) -> Result<(), Failure> {
        let name = &record.node.name;
        let key = node_key(name);
        let seen = self.record(name).await?.map(|found| found.revision);
        // What cannot be linked is not listed.
        let member = self.reach(record)?;
        // Between its record and its link nobody may take it in by its earlier one.
        let _turn = self.turn.lock().await;
        loop {
            let (number, drained) = self.numbered().await?;
            let txn = anew(number, &drained)?.check(key.as_str(), seen.map_or(Expect::Absent, Expect::At));
            if self.write(txn.put(key.as_str(), encode(record)?)).await? {
                self.link(record, member);
                return self.caught_up().await.map(drop);
            }
            if self.record(name).await?.map(|found| found.revision) != seen {
                return Err(MemberError::Changed { node: name.clone() }.into());
            }
        }
    }

    /// Takes a node out that was drained for it.
    pub(super) async fn strike(&self, name: &NodeName) -> Result<(), Failure> {
        loop {
            let (number, mut drained) = self.numbered().await?;
            let found = self.record(name).await?.filter(|found| found.value.draining);
            let Some(found) = found else {
                return Err(MemberError::Changed { node: name.clone() }.into());
            };
            drained.remove(name);
            if self.write(anew(number, &drained)?.and(found.gone())).await? {
                return self.catch_up().await.map(drop);
            }
        }
    }

    async fn numbered(&self) -> Result<Numbered, Failure> {
        let found = self.records.find::<BTreeSet<NodeName>>(MEMBERSHIP).await?;
        Ok(found.map_or((Expect::Absent, BTreeSet::new()), |found| (Expect::At(found.revision), found.value)))
    }

    /// `false`: somebody else has changed something meanwhile.
    async fn write(&self, txn: Txn) -> Result<bool, Failure> {
        Ok(matches!(self.records.commit(txn).await?, CommitOutcome::Committed { .. }))
    }
}

/// The membership after a change, if it was of this number before.
fn anew(number: Expect, drained: &BTreeSet<NodeName>) -> Result<Txn, Failure> {
    Ok(Txn::when(MEMBERSHIP, number).put(MEMBERSHIP, encode(drained)?))
}

/// What a change of makes another slot.
fn made_of(record: &NodeRecord) -> NodeRecord {
    NodeRecord { draining: false, ..record.clone() }
}
