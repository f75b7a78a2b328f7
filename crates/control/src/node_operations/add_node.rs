//! Adding and upgrading a node, `POST /api/v2/nodes`: the steps of an installation as a stream, and its record.
//!
//! The installation goes on when its listener leaves; repeated meanwhile it waits for the first.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::NodeOperations;
use crate::failure::{Failure, MemberError};
use crate::install::install;
use crate::ledger::NodeRecord;
use crate::nodes::NodeSlot;
use hauki_contract::api::node::{DestructOrder, NodeApi};
use hauki_contract::api::swarm::{NodeAdd, NodeAsk, NodeStep, NodeUpgrade};
use hauki_contract::model::death::Cause;
use hauki_contract::model::id::NodeName;
use hauki_contract::model::swarm::SwarmNode;
use hauki_contract::system::tasks::{self, TaskKind};

/// Progress that nobody reads must not fill the memory: what does not fit is left out.
const BACKLOG: usize = 64;
/// More than an installation has steps: how far a copy is leaves them room, so that a step never waits for a listener.
const STEPS: usize = 32;
/// For a daemon that has just started, behind a link that has just begun.
const REACH: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(200);

/// Why it is not a node, and what a person could add.
struct NotAdded {
    error: Failure,
    asks: Option<NodeAsk>,
}

impl From<Failure> for NotAdded {
    fn from(error: Failure) -> Self {
        Self { error, asks: None }
    }
}

impl From<MemberError> for NotAdded {
    fn from(error: MemberError) -> Self {
        Self { error: error.into(), asks: None }
    }
}

impl NodeOperations {
    /// Starts the installation; the receiver gets its steps and, last, how it ended.
    pub(crate) fn add(self: &Arc<Self>, order: NodeAdd) -> mpsc::Receiver<NodeStep> {
        let (tell, steps) = mpsc::channel(BACKLOG);
        let operations = self.clone();
        let adding = async move {
            let last = match operations.added(order, tell.clone()).await {
                Ok(slot) => NodeStep::Added { node: slot.info().await },
                Err(NotAdded { error, asks }) => NodeStep::Failed { error: error.into(), asks },
            };
            // Whoever does not listen any more finds it in the list.
            let _ = tell.send(last).await;
        };
        drop(tasks::spawn(TaskKind::Order, "node-add", adding));
        steps
    }

    async fn added(
        self: &Arc<Self>,
        order: NodeAdd,
        tell: mpsc::Sender<NodeStep>,
    ) -> Result<Arc<NodeSlot>, NotAdded> {
        order.node.check().map_err(MemberError::from)?;
        let name = order.node.name.clone();
        let named = |error: Failure| MemberError::Of { node: name.clone(), source: Box::new(error) };
        let _flight = self.flights.enter(&format!("node/{name}")).await;
        let known = self.node_record(&name).await?;
        match &known {
            Some(record) if record.node.ssh != order.node.ssh => {
                let (node, place) = (name.clone(), record.node.ssh.to_string());
                return Err(MemberError::Elsewhere { node, place }.into());
            }
            None if self.node_table.slots().contains_key(&name) => {
                return Err(MemberError::Configured { node: name.clone() }.into());
            }
            _ => {}
        }
        let busy = match self.node_table.slots().get(&name) {
            Some(slot) => slot.status().await.map_or(0, |word| word.vaults as usize),
            None => 0,
        };
        let keys = self.membership.keys_for(&order.node);
        let told = tell.clone();
        let installed = tasks::block("node-install", move || {
            install(&order, &keys, busy, &|step| match step {
                // The next one says more anyway.
                NodeStep::Copied { .. } if told.capacity() < STEPS => {}
                step => drop(told.try_send(step)),
            })
        });
        let installed = installed.await.map_err(MemberError::Installing)?;
        let mut record = installed.map_err(|error| {
            let asks = error.asks();
            NotAdded { error: named(MemberError::Install(Box::new(error)).into()).into(), asks }
        })?;
        record.draining = known.is_some_and(|known| known.draining);
        self.reached(&mut record, &tell).await.map_err(named)?;
        Ok(self.list_node(&record).await.map_err(named)?)
    }

    /// Finds out which way the node's socket can be reached, before it is recorded.
    async fn reached(&self, record: &mut NodeRecord, tell: &mpsc::Sender<NodeStep>) -> Result<(), Failure> {
        let mut last = Failure::from(MemberError::NoAnswer);
        for by_bridge in [false, true] {
            record.by_bridge = by_bridge || record.sudo;
            let slot = NodeSlot::new(self.membership.reach(record)?);
            let answered = timeout(REACH / 2, async {
                loop {
                    match slot.status().await {
                        Ok(word) => break Ok(word),
                        // A daemon that has just started may have no word yet.
                        Err(error) if error.fault.code().retryable() => last = error.into(),
                        Err(error) => break Err(error),
                    }
                    sleep(LOOK).await;
                }
            });
            if let Ok(word) = answered.await {
                let word = word?;
                let way = if record.by_bridge { " by the bridge" } else { "" };
                let what = format!(
                    "reached over SSH{way}: haukid {}, room for {} vaults",
                    word.version, word.max_vaults
                );
                let _ = tell.send(NodeStep::Done { what }).await;
                return Ok(());
            }
        }
        Err(last)
    }

    /// Drains the node, waits until it is empty, and installs this core's own version there.
    pub(crate) async fn upgrade(
        self: &Arc<Self>,
        name: &NodeName,
        order: NodeUpgrade,
    ) -> Result<mpsc::Receiver<NodeStep>, Failure> {
        if self.node_record(name).await?.is_none() {
            return Err(MemberError::Foreign { node: name.clone() }.into());
        }
        let (tell, steps) = mpsc::channel(BACKLOG);
        let (operations, name) = (self.clone(), name.clone());
        let upgrading = async move {
            let _ = match operations.upgraded(&name, order, &tell).await {
                Ok(slot) => tell.send(NodeStep::Added { node: slot.info().await }).await,
                Err(NotAdded { error, asks }) => {
                    tell.send(NodeStep::Failed { error: error.into(), asks }).await
                }
            };
        };
        drop(tasks::spawn(TaskKind::Order, "node-upgrade", upgrading));
        Ok(steps)
    }

    async fn upgraded(
        self: &Arc<Self>,
        name: &NodeName,
        order: NodeUpgrade,
        tell: &mpsc::Sender<NodeStep>,
    ) -> Result<Arc<NodeSlot>, NotAdded> {
        // Whether it is to be drained afterwards is what its operator wished, not what another upgrade has made of it.
        let _turn = self.emptying(name).await;
        let Some(record) = self.node_record(name).await? else {
            return Err(Failure::from(MemberError::Foreign { node: name.clone() }).into());
        };
        let slot = self.node_table.slot(name)?;
        // For each core. A crash leaves it so, and its operator finds it drained.
        self.membership.drain(name, true).await?;
        let emptied = self.emptied(&slot, &order, tell).await;
        let upgraded = match emptied {
            Ok(()) => {
                // An upgrade moves no ports.
                let data_plane = record.address.or(record.node.data_plane);
                let node = SwarmNode { data_plane, ..record.node.clone() };
                let add = NodeAdd { node, password: None, host_key: None };
                self.added(add, tell.clone()).await
            }
            Err(error) => Err(error.into()),
        };
        let restored = self.membership.drain(name, record.draining).await;
        let slot = upgraded?;
        restored?;
        Ok(slot)
    }

    async fn emptied(
        &self,
        slot: &NodeSlot,
        order: &NodeUpgrade,
        tell: &mpsc::Sender<NodeStep>,
    ) -> Result<(), Failure> {
        let mut said = None;
        loop {
            // Before its vaults, so that one that is made just now is among the one or the other. From the drain on no core
            // begins another there.
            let is_forging = self.ledger.is_forging_on(&slot.name).await?;
            // One that cannot be asked has to be mended rather than emptied.
            let Ok(there) = slot.vaults(None).await else { return Ok(()) };
            let count = there.vaults.len().max(usize::from(is_forging));
            if count == 0 {
                return Ok(());
            }
            if order.kill {
                for vault in there.vaults {
                    let order = DestructOrder {
                        vault: vault.vault,
                        cause: Cause::NodeShutdown,
                        by: Some("core".into()),
                        grace_ms: 0,
                    };
                    // Whether it worked, the next look tells.
                    let _ = slot.api.destruct(order).await;
                }
            } else if said != Some(count) {
                said = Some(count);
                let what = format!("draining: {count} vaults go on until their ends");
                let _ = tell.send(NodeStep::Done { what }).await;
            }
            if tell.is_closed() {
                return Err(MemberError::GivenUp { node: slot.name.clone() }.into());
            }
            sleep(LOOK).await;
        }
    }
}
