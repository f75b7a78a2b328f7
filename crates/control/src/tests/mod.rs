//! The service over a fake node and a fake store.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::dependencies::{CoreParts, CoreSettings};
use super::fake_node::FakeNode;
use super::nodes::Member;
use super::service::Core;
use super::store::{MemoryStore, Store};
use hauki_contract::api::event::{Event, EventQuery};
use hauki_contract::api::summons::{Origin, SpawnRequest, SummonsRequest};
use hauki_contract::api::vault::{Placement, TicketWishes};
use hauki_contract::rpc::capability::IssuerKey;

mod bad_input;
mod bulk_teardown;
mod forging;
mod lost_nodes;
mod memory_bounds;
mod idempotency;
mod leases;
mod families;
mod hostile_node;
mod members;
mod phases;
mod placement;
mod registry;
mod secrets;
mod damaged_records;
mod spool;
mod tombstones;
mod traces;
mod two_cores;
mod code_distribution;
mod schema_upgrade;
mod reconciliation;

pub(super) struct Swarm {
    pub core: Arc<Core>,
    pub store: Arc<MemoryStore>,
    pub node: Arc<FakeNode>,
}

pub(super) fn core_over(store: Arc<dyn Store>, nodes: &[&Arc<FakeNode>], names: &[&str]) -> Arc<Core> {
    core_in(&std::env::temp_dir(), store, core_members(nodes, names))
}

fn core_members(nodes: &[&Arc<FakeNode>], names: &[&str]) -> Vec<Member> {
    names
        .iter()
        .zip(nodes)
        .map(|(name, node)| Member {
            name: name.parse().expect("a name"),
            labels: BTreeMap::new(),
            api: (*node).clone(),
            address: None,
        })
        .collect()
}

fn core_in(home: &Path, store: Arc<dyn Store>, members: Vec<Member>) -> Arc<Core> {
    Core::new(CoreParts {
        home: home.to_owned(),
        store,
        issuer: IssuerKey::generate(),
        settings: CoreSettings::of(members),
    })
}

fn made() -> Swarm {
    let store = Arc::new(MemoryStore::default());
    let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
    let core = core_over(store.clone(), &[&node], &["n1"]);
    Swarm { core, store, node }
}

/// One node, its news followed until the test's runtime ends: whoever takes the fixture apart must not end that, and
/// then wait for news for ever.
pub(super) fn swarm() -> Swarm {
    let swarm = made();
    Box::leak(Box::new(swarm.core.start()));
    swarm
}

/// One node that nobody watches.
pub(super) fn unwatched() -> Swarm {
    made()
}

pub(super) fn summons(key: &str) -> SummonsRequest {
    SummonsRequest {
        key: key.into(),
        origin: Origin::Source {
            text: "function scan() {}".into(),
            file: "dir/scout.js".into(),
            compilation: None,
        },
        args: Vec::new(),
        wishes: Default::default(),
        labels: BTreeMap::new(),
        name: None,
        dry_run: false,
    }
}

pub(super) fn spawning(key: &str) -> SpawnRequest {
    SpawnRequest {
        summons: summons(key),
        placement: Placement::default(),
        ticket: TicketWishes::default(),
        get_or_create: false,
    }
}

/// The first event from the start that fits.
pub(super) async fn event(core: &Core, fits: impl Fn(&Event) -> bool) -> Event {
    use futures_util::StreamExt as _;
    let mut events = Box::pin(core.basis().events.read(EventQuery { follow: true, ..EventQuery::default() }));
    loop {
        let event = events.next().await.expect("the log is open");
        if fits(&event) {
            return event;
        }
    }
}
