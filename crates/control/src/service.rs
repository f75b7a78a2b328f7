//! Composition root of UAH CORE: the assembly of the control plane, independent of HTTP.
//!
//! [`Core`] makes the parts ([`Dependencies`]) and of them the phases, one after the other, each from those before it: what a
//! phase may touch stands in its own fields and nowhere else. Its operations are in `operations`. Calls to workers never
//! come here. A crash leaves the store and the nodes: what the store promised is true again after
//! the first reconciliation (`control::watch`), and what was being forged and not yet recorded is
//! destroyed there.

use std::sync::Arc;

use super::code_distribution::CodeDistribution;
use super::dependencies::{CoreParts, Dependencies};
use super::event_numbers::EventNumbers;
use super::families::Families;
use super::forge::{Before, Forge};
use super::health::Standing;
use super::idempotency::IdempotencyKeys;
use super::membership::Membership;
use super::neighbours::Neighbours;
use super::node_operations::NodeOperations;
use super::ownership::Owners;
use super::placement::Placing;
use super::registry::NameRegistry;
use super::retention::Retention;
use super::scrub::Scrub;
use super::secrets::UserSecrets;
use super::spawn::{SpawnPhases, Spawning};
use super::spool::SpoolApi;
use super::spool_worker::{SpoolProcessor, SpoolWorker};
use super::summon::Summoning;
use super::teardown::Teardown;
use super::ticket::Tickets;
use super::user_limits::UserLimits;
use super::vaults::Vaults;
use super::watch::Watcher;
use hauki_contract::model::error_chain;
use hauki_contract::system::tasks::{self, OnFault, Owned};

mod operations;

pub struct Core {
    basis: Dependencies,
    phases: Phases,
    charges: UserLimits,
}

/// What is done with the parts. Each is made of those that it names and of nothing else.
pub(super) struct Phases {
    pub numbers: Arc<EventNumbers>,
    pub retention: Arc<Retention>,
    pub vaults: Arc<Vaults>,
    pub tickets: Arc<Tickets>,
    pub names: Arc<NameRegistry>,
    pub life: Arc<Teardown>,
    pub summoning: Arc<Summoning>,
    pub secrets: Arc<UserSecrets>,
    pub spool_api: Arc<SpoolApi>,
    pub forge: Arc<Forge>,
    pub spawning: Arc<Spawning>,
    pub families: Arc<Families>,
    pub processor: Arc<SpoolProcessor>,
    pub watcher: Arc<Watcher>,
    pub node_operations: Arc<NodeOperations>,
    pub membership: Arc<Membership>,
    pub neighbours: Arc<Neighbours>,
    pub owners: Arc<Owners>,
    pub scrub: Arc<Scrub>,
    pub standing: Arc<Standing>,
}

impl Phases {
    fn of(basis: &Dependencies, role: String) -> Self {
        let numbers = EventNumbers::new(basis);
        let retention = Retention::new(basis, &numbers);
        let keys = IdempotencyKeys::new(basis);
        let placing = Placing::new(basis);
        let travel = CodeDistribution::new(basis);
        let vaults = Vaults::new(basis);
        let tickets = Tickets::new(basis, &vaults);
        let names = NameRegistry::new(basis, &vaults, &tickets);
        let life = Teardown::new(basis, &vaults);
        let secrets = UserSecrets::new(basis);
        let summoning = Summoning::new(basis, &keys, &travel, &secrets);
        let spool_api = SpoolApi::new(basis, &keys, &summoning, &vaults);
        let membership = Membership::new(basis);
        let before = Before {
            keys: &keys,
            vaults: &vaults,
            names: &names,
            placing: &placing,
            travel: &travel,
            summoning: &summoning,
            membership: &membership,
            secrets: &secrets,
            spool_api: &spool_api,
        };
        let forge = Forge::new(basis, &before);
        let steps = SpawnPhases {
            keys: &keys,
            travel: &travel,
            summoning: &summoning,
            names: &names,
            forge: &forge,
            tickets: &tickets,
            life: &life,
        };
        let spawning = Spawning::new(basis, &steps);
        let families = Families::new(basis, &life, &spawning);
        let watcher = Watcher::new(basis, &vaults, &families);
        let processor = SpoolProcessor::new(basis, &summoning, &names, &placing, &forge);
        let scrub = Scrub::new(basis);
        Self {
            neighbours: Neighbours::new(basis, &processor, &membership, &watcher, &names),
            processor,
            node_operations: NodeOperations::new(basis, &membership, &vaults, &life, &watcher),
            owners: Owners::new(basis, &vaults, &keys, &summoning),
            standing: Standing::new(basis, &scrub, &membership, role),
            scrub,
            numbers,
            retention,
            vaults,
            tickets,
            names,
            life,
            membership,
            summoning,
            secrets,
            spool_api,
            forge,
            spawning,
            families,
            watcher,
        }
    }
}

/// The core's background work; it ends when this is dropped.
pub struct Tasks {
    standing: Vec<Owned<()>>,
    watcher: Arc<Watcher>,
}

impl Drop for Tasks {
    fn drop(&mut self) {
        // One of them watches whoever is not watched.
        self.standing.clear();
        self.watcher.stop();
    }
}

impl Core {
    #[must_use]
    pub fn new(parts: CoreParts) -> Arc<Self> {
        let (basis, role) = Dependencies::new(parts);
        let phases = Phases::of(&basis, role);
        Arc::new(Self { basis, phases, charges: UserLimits::default() })
    }

    /// Starts to watch every node, to work the queue off and to prune what is kept too long.
    #[must_use]
    pub fn start(self: &Arc<Self>) -> Tasks {
        let Phases { processor, retention, watcher, vaults, families, neighbours, scrub, .. } = &self.phases;
        watcher.start();
        let orphans = self.basis.orphans.clone();
        let standing = vec![
            stand("spool", processor, |processor| SpoolWorker::new(&processor).work_for_ever()),
            stand("retention", retention, |retention| async move { retention.prune_for_ever().await }),
            stand("lost-nodes", watcher, |watcher| async move { watcher.give_up_for_ever().await }),
            stand("neighbours", neighbours, |neighbours| async move { neighbours.follow_for_ever().await }),
            stand("scrub", scrub, |scrub| async move { scrub.look_for_ever().await }),
            stand("salvage", vaults, |vaults| async move { vaults.salvage_for_ever().await }),
            stand("orphans", families, move |families| {
                let orphans = orphans.clone();
                async move { families.end_orphaned_for_ever(&orphans).await }
            }),
        ];
        Tasks { standing, watcher: watcher.clone() }
    }

    /// The last words: writes down how the nodes' vaults ended, then lets the followers of events
    /// go. For a daemon that has ended the vaults of its own node and is about to leave.
    pub async fn close(&self) {
        self.drain();
        self.phases.watcher.catch_up().await;
        if let Err(error) = self.basis.records.close().await {
            tracing::error!(error = error_chain::told(&error), "the store could not be put in order");
        }
        self.basis.events.close();
    }

    /// As a test wants it.
    #[cfg(test)]
    pub(super) fn basis(&self) -> &Dependencies {
        &self.basis
    }

    /// As a test wants it.
    #[cfg(test)]
    pub(super) fn phases(&self) -> &Phases {
        &self.phases
    }
}

fn stand<T: Send + Sync + 'static, F: Future<Output = ()> + Send + 'static>(
    name: &'static str,
    phase: &Arc<T>,
    work: impl Fn(Arc<T>) -> F + Send + 'static,
) -> Owned<()> {
    let phase = phase.clone();
    tasks::stand(name, OnFault::Restart, move || work(phase.clone())).owned()
}
