//! The durable list of the swarm's nodes: `node/<name>` in the store, and the slots that it becomes.
//!
//! The node in the same process and those of the configuration are not in the store, and cannot be
//! removed by a command. A crash between installing a node and recording it leaves a machine on which
//! a daemon runs that nobody asks; adding it again finds everything done and records it.

use std::path::PathBuf;
use std::sync::Arc;

use super::basis::Basis;
use super::failure::{Failure, MemberError};
use super::ledger::{NODE, NodeRecord, Records, VAULT, VaultRecord, encode, node_key};
use super::link::known_hosts::KnownHosts;
use super::link::login::LoginKeys;
use super::link::{HttpNode, SshLink, SshTarget};
use super::nodes::{Member, NodeSlot};
use super::roster::Roster;
use super::single_flight::SingleFlight;
use super::store::{CommitOutcome, Expect, Txn};
use super::teardown::Teardown;
use super::vaults::{Vaults, lost};
use super::watch::Watcher;
use hauki_contract::api::swarm::{
    NodeAct, NodeDetail, NodeDone, NodeDrain, NodeOrder, NodeOrdered, NodeRemove,
};
use hauki_contract::api::vault::{NodeInfo, NodeList, Vault};
use hauki_contract::model::id::NodeName;
use hauki_contract::model::swarm::SwarmNode;

mod add_node;

pub(super) struct Members {
    /// Of the core's SSH key, known hosts and links.
    home: PathBuf,
    records: Records,
    roster: Roster,
    flights: Arc<SingleFlight>,
    vaults: Arc<Vaults>,
    life: Arc<Teardown>,
    watcher: Arc<Watcher>,
}

impl Members {
    pub(super) fn new(
        basis: &Basis,
        vaults: &Arc<Vaults>,
        life: &Arc<Teardown>,
        watcher: &Arc<Watcher>,
    ) -> Arc<Self> {
        let Basis { home, records, roster, flights, .. } = basis;
        let (home, records, roster) = (home.clone(), records.clone(), roster.clone());
        let (flights, vaults) = (flights.clone(), vaults.clone());
        Arc::new(Self {
            home,
            records,
            roster,
            flights,
            vaults,
            life: life.clone(),
            watcher: watcher.clone(),
        })
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

    pub(super) async fn node_record(&self, name: &NodeName) -> Result<Option<NodeRecord>, Failure> {
        Ok(self.records.get::<NodeRecord>(&node_key(name)).await?.map(|found| found.value))
    }

    /// Makes slots of what the store lists. Called once, before anybody asks.
    pub(super) async fn load(self: &Arc<Self>) -> Result<(), Failure> {
        for found in self.records.all::<NodeRecord>(NODE).await? {
            let record = found.value;
            if self.roster.slots().contains_key(&record.node.name) {
                tracing::warn!(node = %record.node.name, "the configuration has a node of that name; the added one is left out");
                continue;
            }
            self.take_in(&record)?;
        }
        Ok(())
    }

    /// A slot for the record, in the place of an earlier one of that name.
    pub(super) fn take_in(self: &Arc<Self>, record: &NodeRecord) -> Result<Arc<NodeSlot>, Failure> {
        let slot = Arc::new(NodeSlot::new(self.reach(record)?));
        slot.drain(record.draining);
        self.roster.put(&slot);
        Ok(slot)
    }

    /// Lists the node durably and watches it from now on.
    pub(super) async fn list_node(self: &Arc<Self>, record: &NodeRecord) -> Result<Arc<NodeSlot>, Failure> {
        let key = node_key(&record.node.name);
        let found = self.records.get::<NodeRecord>(&key).await?;
        let expect = found.as_ref().map_or(Expect::Absent, |found| Expect::At(found.revision));
        let txn = Txn::default().check(key.clone(), expect).put(key, encode(record)?);
        if let CommitOutcome::Conflict { .. } = self.records.commit(txn).await? {
            return Err(MemberError::Changed { node: record.node.name.clone() }.into());
        }
        let slot = self.take_in(record)?;
        self.watcher.watch_slot(&slot);
        Ok(slot)
    }

    pub(super) async fn list(&self) -> NodeList {
        let mut asked = tokio::task::JoinSet::new();
        for slot in self.roster.slots().values() {
            let slot = slot.clone();
            asked.spawn(async move { slot.info().await });
        }
        let mut nodes = asked.join_all().await;
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        NodeList { nodes }
    }

    pub(super) async fn show(&self, name: &NodeName) -> Result<NodeDetail, Failure> {
        let slot = self.known(name)?;
        let info = slot.info().await;
        let place = self.node_record(name).await?.map(|record| record.node);
        Ok(NodeDetail { findings: slot.findings().await, info, place })
    }

    pub(super) async fn drain(&self, name: &NodeName, order: &NodeDrain) -> Result<NodeInfo, Failure> {
        let slot = self.known(name)?;
        while let Some(mut found) = self.records.get::<NodeRecord>(&node_key(name)).await? {
            found.value.draining = order.draining;
            if self.records.replace(&found).await? {
                break;
            }
        }
        slot.drain(order.draining);
        Ok(slot.info().await)
    }

    /// One answer per node, in the order of the request.
    pub(super) async fn order(self: &Arc<Self>, order: NodeOrder) -> NodeOrdered {
        let NodeOrder { act, nodes, force } = order;
        let mut done = Vec::with_capacity(nodes.len());
        for name in nodes {
            let outcome = match act {
                NodeAct::Drain => self.drain(&name, &NodeDrain { draining: true }).await,
                NodeAct::Undrain => self.drain(&name, &NodeDrain { draining: false }).await,
                NodeAct::Remove => self.remove(&name, &NodeRemove { force }).await,
            };
            done.push(match outcome {
                Ok(node) => NodeDone { name, node: Some(node), error: None },
                Err(error) => NodeDone { name, node: None, error: Some(error.into()) },
            });
        }
        NodeOrdered { done }
    }

    /// Takes the node out of the swarm. Its daemon is not touched: it may have another core. Its vaults
    /// are settled before its name is free: whoever gets the name next must not be asked for them.
    pub(super) async fn remove(
        self: &Arc<Self>,
        name: &NodeName,
        order: &NodeRemove,
    ) -> Result<NodeInfo, Failure> {
        let slot = self.known(name)?;
        let Some(found) = self.records.get::<NodeRecord>(&node_key(name)).await? else {
            return Err(MemberError::Own { node: name.clone() }.into());
        };
        let asked = slot.word().await;
        let refusal = match &asked {
            _ if order.force => None,
            Ok(word) if word.vaults == 0 => None,
            Ok(word) => Some(format!("node {name} has {} vaults", word.vaults)),
            Err(error) => Some(error.message.clone()),
        };
        if let Some(why) = refusal {
            return Err(MemberError::Busy { why }.into());
        }
        slot.drain(true);
        if let Err(error) = self.settle_vaults(name, order.force).await {
            slot.drain(found.value.draining);
            return Err(error);
        }
        let info = slot.last_info();
        let txn =
            Txn::default().check(found.key.as_str(), Expect::At(found.revision)).delete(found.key.as_str());
        if let CommitOutcome::Conflict { .. } = self.records.commit(txn).await? {
            return Err(MemberError::Changed { node: name.clone() }.into());
        }
        self.roster.remove(name);
        Ok(info)
    }

    /// Ends what the records have on a node. What cannot be ended is given up by force only: nobody will
    /// ask that node again.
    async fn settle_vaults(self: &Arc<Self>, name: &NodeName, force: bool) -> Result<(), Failure> {
        self.vaults.salvage_all().await;
        let living = self.records.all::<VaultRecord>(VAULT).await?;
        let there: Vec<Vault> = living
            .into_iter()
            .map(|found| found.value.into_vault())
            .filter(|vault| vault.node == *name)
            .collect();
        let (told, ended) = self.life.clone().reap_node(name.clone(), there.clone(), "node rm").await;
        match told.error {
            Some(error) if told.left > 0 && !force => return Err(error.into()),
            Some(_) | None => {}
        }
        for vault in there {
            if ended.iter().all(|ended| ended.vault != vault.id) {
                self.vaults
                    .bury(lost(&vault, "its node was removed by force and could not be asked"))
                    .await?;
            }
        }
        Ok(())
    }

    fn known(&self, name: &NodeName) -> Result<Arc<NodeSlot>, Failure> {
        let slots = self.roster.slots();
        slots.get(name).cloned().ok_or_else(|| {
            let known = slots.keys().map(ToString::to_string).collect();
            MemberError::Unknown { node: name.clone(), known }.into()
        })
    }
}
