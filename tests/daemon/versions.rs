//! Upgrades in place: the state directory that a program of each earlier schema left, killed in the middle of its work, and
//! what a daemon of today makes of it.

use std::sync::Arc;

use crate::support::daemon::Daemon;
use crate::support::earlier;
use crate::support::stranger::Stranger;
use crate::support::until::until;
use hauki::api::registry::ResolveRequest;
use hauki::api::spool::{SpoolState, SpoolWait};
use hauki::api::summons::{Origin, SummonsRequest};
use hauki::api::vault::TicketWishes;
use hauki::model::death::Cause;
use serde_json::json;

/// As `make.py` has summoned it.
fn first_summons() -> SummonsRequest {
    SummonsRequest {
        key: "three".into(),
        origin: Origin::Source {
            text: "function inc(){return 1}\n".into(),
            file: "worker.js".into(),
            compilation: None,
        },
        args: Vec::new(),
        wishes: Default::default(),
        labels: Default::default(),
        name: None,
        dry_run: false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_program_of_each_earlier_version_left_goes_on_as_it_was_promised() {
    for (number, version) in earlier::all() {
        let dir = Arc::new(Daemon::ground(""));
        let first = ["vault/", "tomb/", "spool/", "summons/", "name/", "budget/", "loan/"];
        let ids = earlier::unpack(&version, dir.path(), &first);
        let [living, dead, queued, summons, name, parent, _loan] = ids.try_into().expect("one for each");
        assert_eq!(name, "counter/one", "schema {number}");
        // Who signs now is who has signed, or it would not start.
        let mut daemon = Daemon::start_in(dir, "all", &[]);
        let endpoint = daemon.endpoint();
        let cause = async |id: &str| {
            let vault = endpoint.vault(&id.parse().expect("an id")).await.expect("is known");
            vault.receipt.map(|receipt| receipt.death.cause)
        };
        // They went with their daemon, and what one of them was having made was paid back to nobody.
        for id in [&living, &parent] {
            until("the node says what lives there", async || cause(id).await.is_some()).await;
            assert_eq!(cause(id).await, Some(Cause::DaemonLost.into()), "schema {number}");
        }
        assert_eq!(cause(&dead).await, Some(Cause::Destruct.into()), "schema {number}");
        // Its key brings the first answer back.
        let again = endpoint.summon(&first_summons()).await.expect("answers");
        assert_eq!((again.id.to_string(), again.changed), (summons, false), "schema {number}");
        let gems = endpoint.gems().await.expect("lists").gems;
        assert!(gems.iter().any(|gem| gem.pointer.to_string().contains("w@1")), "schema {number}: {gems:?}");
        // What waited for room is made, has its name, and can be called by a ticket of today.
        let queued = queued.parse().expect("an id");
        until("there is room", async || {
            let shown = endpoint.spool_show(&queued, &SpoolWait::default()).await.expect("is there");
            shown.entry.state == SpoolState::Forged
        })
        .await;
        let asked = |name: &str| ResolveRequest {
            name: name.parse().expect("a name"),
            ticket: Some(TicketWishes::default()),
        };
        let found = endpoint.resolve(&asked("later/one")).await.expect("is held");
        let ticket = serde_json::to_value(found.ticket.expect("was wished")).expect("is JSON");
        let mut caller = Stranger::enter(&ticket).await;
        assert_eq!(caller.result("inc", json!([])).await, 1, "schema {number}");
        endpoint.resolve(&asked("counter/one")).await.expect_err("went with its vault");
        let doctor = daemon.hauki().arg("doctor").output().expect("hauki runs");
        assert!(doctor.status.success(), "schema {number}: {doctor:?} {}", daemon.log());
        drop(caller);
        assert!(daemon.terminate().success());
        let store = rusqlite::Connection::open(daemon.dir.path().join("core/store.db")).expect("opens");
        let left = "SELECT count(*) FROM document WHERE key GLOB 'loan/*' OR key GLOB '*forging/*' OR key GLOB 'budget/*'";
        let left: u32 = store.query_row(left, [], |row| row.get(0)).expect("counts");
        assert_eq!(left, 0, "schema {number}: nobody makes anything any more");
    }
}
