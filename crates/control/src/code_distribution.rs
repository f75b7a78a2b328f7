//! Code distribution: how code gets to the nodes: by its hash, once to each.
//!
//! A node tells in its word which code it has, and its slot remembers what was sent since. An order
//! for code that is there names the hash only; had the node let it go meanwhile, it says so and gets
//! it again. A gem is sent ahead when somebody summons it, since it will be forged again, and elsewhere;
//! a source without a name goes where it is forged. What comes with other bytes than its hash says the
//! node refuses.

use std::sync::Arc;

use futures_util::StreamExt as _;

use super::dependencies::Dependencies;
use super::node_table::NodeTable;
use super::nodes::NodeSlot;
use super::single_flight::SingleFlight;
use hauki_contract::api::node::{Code, NodeApi, ProvisionOrder, Provisioned};
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::summons::Summons;
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::error_chain;
use hauki_contract::system::tasks::{self, TaskKind};

/// Up to this it goes with the order: another round trip would take longer than sending it twice.
const SMALL_BYTES: usize = 16 << 10;

/// So many nodes at a time are sent one gem.
const ABREAST: usize = 8;

pub(super) struct CodeDistribution {
    node_table: NodeTable,
    flights: Arc<SingleFlight>,
}

impl CodeDistribution {
    pub(super) fn new(basis: &Dependencies) -> Arc<Self> {
        Arc::new(Self { node_table: basis.node_table.clone(), flights: basis.flights.clone() })
    }

    /// Sends the order, and its code if the node needs it.
    pub(super) async fn order_with_code(
        &self,
        slot: &NodeSlot,
        order: ProvisionOrder,
        source: &str,
    ) -> Result<Provisioned, NodeError> {
        let sha256 = order.sha256;
        if source.len() > SMALL_BYTES {
            self.send_code(slot, sha256, source).await?;
        }
        if slot.has_code(&sha256) {
            match slot.api.provision(order.clone()).await {
                Err(error) if error.fault == NodeFault::CodeMissing => slot.lost_code(&sha256),
                answer => return answer,
            }
        }
        let answer = slot.api.provision(ProvisionOrder { source: source.to_owned(), ..order }).await;
        if answer.is_ok() {
            slot.got_code(sha256);
        }
        answer
    }

    /// Once, however many want it there at the same time.
    async fn send_code(&self, slot: &NodeSlot, sha256: Sha256, source: &str) -> Result<(), NodeError> {
        if slot.has_code(&sha256) {
            return Ok(());
        }
        let _turn = self.flights.enter(&format!("code/{}/{sha256}", slot.name)).await;
        if !slot.has_code(&sha256) {
            slot.api.keep(Code { sha256, source: source.to_owned() }).await?;
            slot.got_code(sha256);
        }
        Ok(())
    }

    /// Lets a gem travel to every node that can be reached and does not have it.
    pub(super) fn send_ahead(self: &Arc<Self>, summons: &Summons, source: &str) {
        let sha256 = summons.worker.sha256;
        let wanting: Vec<Arc<NodeSlot>> =
            self.node_table.slots().values().filter(|slot| slot.wants_code(&sha256)).cloned().collect();
        if summons.gem.is_none() || wanting.is_empty() {
            return;
        }
        let (travel, source) = (self.clone(), source.to_owned());
        let travelling = async move {
            let send = async |slot: Arc<NodeSlot>| {
                if let Err(error) = travel.send_code(&slot, sha256, &source).await {
                    tracing::info!(node = %slot.name, %sha256, error = error_chain::told(&error), "a gem did not travel ahead");
                }
            };
            futures_util::stream::iter(wanting).for_each_concurrent(ABREAST, send).await;
        };
        drop(tasks::spawn(TaskKind::Session, "gem-travel", travelling));
    }
}
