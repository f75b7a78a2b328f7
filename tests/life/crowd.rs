//! A crowd in one daemon: hundreds of vaults start, are listed, and die at once, and none is missed.

use std::collections::BTreeSet;

use crate::support::daemon::{Daemon, spawning};
use hauki::api::ErrorCode;
use hauki::api::teardown::ReapRequest;
use hauki::api::vault::VaultQuery;
use hauki::model::death::Cause;
use hauki::model::gem::Wishes;
use hauki::model::id::VaultId;
use hauki::model::phase::Phase;

const CROWD: usize = 300;
const CALLERS: usize = 6;
const WORKER: &str = "function echo(x) { return x; }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_start_are_listed_and_die_at_once() {
    let mut daemon = Daemon::start_in(Daemon::ground_of(CROWD as u32), "all", &[]);
    let endpoint = daemon.endpoint();
    let wishes = Wishes { claim_ms: Some(600_000), ..Wishes::default() };
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let (endpoint, wishes) = (daemon.endpoint(), wishes.clone());
        callers.spawn(async move {
            let mut ids = Vec::new();
            for _ in (caller..CROWD).step_by(CALLERS) {
                let spawned = endpoint.spawn(&spawning(WORKER, wishes.clone())).await.expect("spawns");
                ids.push(spawned.vault.id);
            }
            ids
        });
    }
    let ids: BTreeSet<VaultId> = callers.join_all().await.into_iter().flatten().collect();
    assert_eq!(ids.len(), CROWD);
    let full = endpoint.spawn(&spawning(WORKER, wishes.clone())).await.expect_err("there is no more room");
    assert!(full.is(ErrorCode::NoCapacity), "{full}");

    let listed = endpoint.vaults(&VaultQuery::default()).await.expect("lists").vaults;
    assert_eq!(listed.iter().map(|vault| vault.id.clone()).collect::<BTreeSet<_>>(), ids);
    let inits: BTreeSet<u32> = listed
        .iter()
        .map(|vault| {
            assert_eq!(vault.phase, Phase::Ticketed);
            vault.vitals.as_ref().expect("its node lists it").init_pid
        })
        .collect();
    assert_eq!(inits.len(), CROWD, "each has a first process of its own");
    let ports: BTreeSet<u16> =
        listed.iter().map(|vault| vault.endpoint.as_ref().expect("has a port").port).collect();
    assert_eq!(ports.len(), CROWD);

    let all = ReapRequest { older_than_ms: Some(0), ..ReapRequest::default() };
    let reaped = endpoint.reap(&all).await.expect("reaps");
    assert!(reaped.nodes.iter().all(|node| node.error.is_none() && node.left == 0), "{:?}", reaped.nodes);
    let dead: BTreeSet<VaultId> = reaped.reaped.iter().map(|vault| vault.vault.clone()).collect();
    assert_eq!(dead, ids);
    for vault in reaped.reaped {
        let receipt = vault.receipt.expect("is told");
        assert_eq!(receipt.death.cause, Cause::Reaped);
        assert!(receipt.is_clean(), "{receipt:?}");
    }
    assert!(endpoint.vaults(&VaultQuery::default()).await.expect("lists").vaults.is_empty());
    assert_eq!(daemon.leftovers(), Vec::<String>::new());

    // Their places are free again.
    endpoint.spawn(&spawning(WORKER, wishes)).await.expect("spawns");
    assert!(daemon.terminate().success());
}
