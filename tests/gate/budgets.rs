//! What many hold together: who holds far more than his part is sent away, and others have theirs, however many
//! vaults and tickets he has.

use std::time::Duration;

use crate::support::daemon::Daemon;
use crate::support::stranger::{HANG, Stranger, request};
use hauki::api::summons::Spawned;
use hauki::api::vault::TicketRequest;
use hauki::model::gem::Wishes;
use hauki::rpc::message::code;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

const MIB: usize = 1 << 20;

const WORKER: &str = r#"
function size(x) { return x.length; }
function big(n) { var s = 'x'; while (s.length < n) { s += s; } return s.substring(0, n); }
function spin() { for (;;) {} }
"#;

async fn worker(daemon: &Daemon, frame: usize) -> Spawned {
    let wishes = Wishes {
        lease_ms: Some(600_000),
        call_deadline_ms: Some(120_000),
        memory_bytes: Some(256 << 20),
        max_frame_bytes: Some(frame.try_into().expect("is small")),
        ..Wishes::default()
    };
    daemon.spawn_with(WORKER, wishes).await
}

fn ticket(spawned: &Spawned) -> Value {
    serde_json::to_value(&spawned.ticket).expect("serializes")
}

/// Another ticket for the same vault.
async fn another(daemon: &Daemon, spawned: &Spawned) -> Value {
    let request = TicketRequest { vault: spawned.vault.id.clone(), wishes: Default::default() };
    serde_json::to_value(daemon.endpoint().ticket(&request).await.expect("a fresh one")).expect("serializes")
}

/// The beginning of a call, for which there is room.
async fn begin(caller: &mut Stranger, id: usize, bytes: usize) {
    let begun = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"size\",\"params\":[\"");
    caller.raw(begun.as_bytes()).await.expect("the gate reads");
    caller.raw(&vec![b'x'; bytes]).await.expect("the gate reads");
}

/// And the rest, which may wait for leave.
async fn end(caller: &mut Stranger, bytes: usize) {
    let mut rest = vec![b'x'; bytes];
    rest.extend_from_slice(b"\"]}\n");
    let _ = caller.raw(&rest).await;
}

/// Two vaults whose callers have been let send a line for which there was no room, and that do not take it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vaults_that_are_slow_keep_leave_from_no_other() {
    let daemon = Daemon::start();
    let mut slow = Vec::new();
    for _ in 0..2 {
        let ticket = ticket(&worker(&daemon, 40 * MIB).await);
        let mut spins = Stranger::enter(&ticket).await;
        spins.send(&request(1, "spin", json!([])).to_string()).await;
        slow.push(spins);
        for id in 0..2 {
            let mut caller = Stranger::enter(&ticket).await;
            begin(&mut caller, id, 30 * MIB).await;
            end(&mut caller, 6 * MIB).await;
            slow.push(caller);
        }
    }
    let ticket = ticket(&worker(&daemon, 40 * MIB).await);
    let (mut callers, mut calls) = (Vec::new(), JoinSet::new());
    for id in 0..2 {
        let mut caller = Stranger::enter(&ticket).await;
        begin(&mut caller, id, 30 * MIB).await;
        callers.push(caller);
    }
    for mut caller in callers {
        calls.spawn(async move {
            end(&mut caller, 6 * MIB).await;
            caller.reply().await
        });
    }
    while let Some(reply) = timeout(HANG, calls.join_next()).await.expect("is told") {
        assert_eq!(reply.expect("no panic")["result"], 36 * MIB);
    }
}

/// One of them has leave, and what he has sent with it is not taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_keeps_leave_from_others_loses_it_and_what_he_has_asked_with_it() {
    let daemon = Daemon::start();
    let spawned = worker(&daemon, 40 * MIB).await;
    let ticket = ticket(&spawned);
    let mut spins = Stranger::enter(&ticket).await;
    spins.send(&request(1, "spin", json!([])).to_string()).await;
    let mut callers = Vec::new();
    for id in 0..3 {
        let mut caller = Stranger::enter(&ticket).await;
        callers.push(tokio::spawn(async move {
            begin(&mut caller, id, 20 * MIB).await;
            end(&mut caller, 16 * MIB).await;
            let reply = caller.reply().await;
            (reply, caller)
        }));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Nobody but who has it is refused before the others' time is over, and the vault takes no part in that.
    let refused = async {
        while !callers.iter().any(tokio::task::JoinHandle::is_finished) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(HANG, refused).await.expect("one of them is refused");
    let index = callers.iter().position(tokio::task::JoinHandle::is_finished).expect("is there");
    let (reply, _caller) = callers.remove(index).await.expect("no panic");
    assert_eq!(reply["error"]["code"], code::BUSY, "{reply}");
    assert!(reply["id"].is_u64(), "{reply} is not what was asked with leave");
    assert!(spins.stream.buffer().is_empty(), "the vault works on");
    drop(spins);
    for caller in callers {
        let (reply, _caller) = timeout(HANG, caller).await.expect("is told").expect("no panic");
        assert_eq!(reply["result"], 36 * MIB, "{reply}");
    }
}

/// First replies, which nobody reads, on as many connections and tickets as there is room for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_most_unread_is_cut_off_and_others_get_theirs() {
    const LENGTH: usize = 15 * MIB;
    let daemon = Daemon::start();
    let spawned = worker(&daemon, 16 * MIB).await;
    let calls = async || {
        let vault = daemon.endpoint().vault(&spawned.vault.id).await.expect("is there");
        vault.vitals.expect("lives").calls
    };
    let (mut greedy, mut asked) = (Vec::new(), 0);
    for connections in [8, 4, 2, 2, 1, 1] {
        let ticket = another(&daemon, &spawned).await;
        for _ in 0..connections {
            let mut reader = Stranger::enter(&ticket).await;
            reader.send(&request(1, "big", json!([LENGTH])).to_string()).await;
            greedy.push(reader);
            asked += 1;
            let answered = async {
                while calls().await < asked {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            timeout(HANG, answered).await.expect("is answered");
        }
    }
    // Who holds nothing has a share of the whole.
    let ticket = another(&daemon, &spawned).await;
    let reply = Stranger::enter(&ticket).await.call("big", json!([LENGTH])).await;
    assert_eq!(reply["result"].as_str().map(str::len), Some(LENGTH), "{:.200}", reply.to_string());
    // The ticket that had most was cut off, in the middle of what it left.
    let mut ends = 0;
    for reader in greedy.iter_mut().take(8) {
        ends += usize::from(reader.line().await.is_none());
    }
    assert!(ends > 0, "nobody was cut off");
}
