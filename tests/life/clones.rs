//! Workers that clone: budgets, families, and that no child outlives its parent.

use crate::support::daemon::{Daemon, spawning};
use crate::support::death;
use crate::support::stranger::{self, Stranger, request};
use crate::support::until::until;
use hauki::api::node::NodeApi as _;
use hauki::api::summons::Spawned;
use hauki::api::vault::{Vault, VaultQuery};
use hauki::model::death::Cause;
use hauki::model::gem::Wishes;
use hauki::rpc::message::code;
use hauki_control::link::HttpNode;
use serde_json::{Value, json};

const CHILD: &str = "var n = 0, born;
function create(x) { born = x; }
function add(x) { n += x; return n; }
function seen() { return [born, previous_object().vault]; }";

const PARENT: &str = "var all = [];
function make(source, options, arg) { all.push(clone_object(source, options || {}, arg)); return all.length; }
function add(i, x) { return all[i]->add(x); }
function seen(i) { return all[i]->seen(); }
function give(i) { return all[i]; }
function end(i) { return destruct(all[i]); }
function many(source, n) {
  var made = 0, error = '';
  while (n--) try { clone_object(source); made++; } catch (e) { error = e.code; }
  return [made, error];
}";

fn ticket(spawned: &Spawned) -> Value {
    serde_json::to_value(&spawned.ticket).expect("serializes")
}

fn budget(spawn: u32) -> Wishes {
    // Forging takes its time on a busy machine.
    Wishes { spawn: Some(spawn), call_deadline_ms: Some(60_000), ..Wishes::default() }
}

async fn parent(daemon: &Daemon, spawn: u32) -> (Spawned, Stranger) {
    let spawned = daemon.spawn_with(PARENT, budget(spawn)).await;
    let caller = Stranger::enter(&ticket(&spawned)).await;
    (spawned, caller)
}

async fn vaults(daemon: &Daemon, all: bool) -> Vec<Vault> {
    let query = VaultQuery { all, ..VaultQuery::default() };
    daemon.endpoint().vaults(&query).await.expect("lists").vaults
}

#[tokio::test]
async fn a_clone_is_called_shown_passed_on_and_dies_with_its_parent() {
    let daemon = Daemon::start();
    let (spawned, mut caller) = parent(&daemon, 3).await;
    assert_eq!(caller.result("make", json!([CHILD, {"label": {"is": "child"}}, "hello"])).await, 1);
    assert_eq!(caller.result("add", json!([0, 2])).await, 2);
    assert_eq!(caller.result("seen", json!([0])).await, json!(["hello", spawned.vault.id.as_str()]));
    let children: Vec<Vault> =
        vaults(&daemon, false).await.into_iter().filter(|vault| vault.parent.is_some()).collect();
    assert_eq!(children.len(), 1);
    assert_eq!(children[0].parent.as_ref(), Some(&spawned.vault.id));
    assert_eq!(children[0].labels.get("is").map(String::as_str), Some("child"));
    // What it returns is the child's ticket: others may call it, and it dies with its parent all the same.
    let given = caller.result("give", json!([0])).await;
    let mut other = Stranger::enter(&given).await;
    assert_eq!(other.result("add", json!([1])).await, 3);
    death::destruct(&daemon.endpoint(), &spawned.vault.id).await;
    let dying = other.event().await;
    assert_eq!(
        (&dying["method"], &dying["params"]["death"]["cause"]),
        (&json!("hauki.dying"), &json!("parent_died"))
    );
    let receipt = death::death(&daemon.endpoint(), &children[0].id).await;
    assert_eq!(receipt.death.cause, Cause::ParentDied);
    assert_eq!(receipt.death.by.as_deref(), Some(spawned.vault.id.as_str()));
}

#[tokio::test]
async fn a_whole_tree_dies_at_once_also_one_that_grew_in_create() {
    let daemon = Daemon::start();
    let tree = "var child;
function create(source, left) { if (left > 0) child = clone_object(source, {spawn: left - 1}, source, left - 1); }
function depth() { return child ? 1 + child->depth() : 0; }";
    let mut request = spawning(tree, budget(3));
    request.summons.args = vec![json!(tree), json!(3)];
    let root = daemon.endpoint().spawn(&request).await.expect("spawns");
    let mut caller = Stranger::enter(&ticket(&root)).await;
    assert_eq!(caller.result("depth", json!([])).await, 3);
    assert_eq!(vaults(&daemon, false).await.len(), 4);
    death::destruct(&daemon.endpoint(), &root.vault.id).await;
    for vault in vaults(&daemon, true).await {
        let receipt = death::death(&daemon.endpoint(), &vault.id).await;
        let wanted = if vault.id == root.vault.id { Cause::Destruct } else { Cause::ParentDied };
        assert_eq!(receipt.death.cause, wanted, "{receipt:?}");
    }
}

#[tokio::test]
async fn without_a_budget_nothing_is_cloned_and_a_child_has_no_more_than_its_parent() {
    let daemon = Daemon::start();
    let (_, mut caller) = parent(&daemon, 0).await;
    let reply = caller.call("make", json!([CHILD])).await;
    assert!(reply["error"]["message"].as_str().expect("is text").contains("budget"), "{reply}");
    assert_eq!(caller.result("many", json!([CHILD, 3])).await, json!([0, "denied"]));
    let (_, mut caller) = parent(&daemon, 4).await;
    for options in [json!({"memory": "64MiB"}), json!({"spawn": 4}), json!({"max_frame": "2MiB"})] {
        let reply = caller.call("make", json!([CHILD, options])).await;
        assert!(reply["error"]["message"].as_str().expect("is text").contains("cannot have more"), "{reply}");
    }
    for wrong in ["let x;", "gem-pointer://nobody/knows"] {
        assert_eq!(caller.code("make", json!([wrong])).await, i64::from(code::WORKER));
    }
    // What failed was not paid for.
    assert_eq!(caller.result("many", json!([CHILD, 6])).await, json!([4, "quota"]));
    assert_eq!(vaults(&daemon, false).await.len(), 2 + 4);
}

#[tokio::test]
async fn a_family_that_grows_without_end_is_stopped_by_its_budget() {
    let daemon = Daemon::start();
    // Every member makes two of its kind, as long as somebody pays.
    let bomb = "var made = 0;
function create(source, left) {
  for (var i = 0; i < 2; i++) try { clone_object(source, {spawn: left - 1}, source, left - 1); made++; } catch (e) {}
}
function f() { return made; }";
    let mut request = spawning(bomb, budget(6));
    request.summons.args = vec![json!(bomb), json!(6)];
    let root = daemon.endpoint().spawn(&request).await.expect("spawns");
    assert_eq!(vaults(&daemon, false).await.len(), 1 + 6, "the root's budget counts all descendants");
    // Many clones at one time do not get past it either.
    let (wide, _) = parent(&daemon, 5).await;
    let mut callers = Vec::new();
    for _ in 0..4 {
        callers.push(Stranger::enter(&ticket(&wide)).await);
    }
    for caller in &mut callers {
        caller.send(&request_many().to_string()).await;
    }
    let mut made = 0;
    for caller in &mut callers {
        made += caller.reply().await["result"][0].as_u64().expect("a number");
    }
    assert_eq!(made, 5);
    for vault in [&root, &wide] {
        death::destruct(&daemon.endpoint(), &vault.vault.id).await;
    }
}

fn request_many() -> Value {
    request(1, "many", json!([CHILD, 3]))
}

#[tokio::test]
async fn a_parent_ends_its_child_and_a_spent_budget_stays_spent() {
    let daemon = Daemon::start();
    let (spawned, mut caller) = parent(&daemon, 1).await;
    caller.result("make", json!([CHILD])).await;
    let receipt = caller.result("end", json!([0])).await;
    assert_eq!(receipt["death"]["cause"], "destruct");
    let told = caller.call("add", json!([0, 1])).await;
    assert!(told["error"]["message"].as_str().expect("is text").contains("is dead"), "{told}");
    assert_eq!(caller.result("many", json!([CHILD, 1])).await, json!([0, "quota"]));
    death::destruct(&daemon.endpoint(), &spawned.vault.id).await;
}

#[tokio::test]
async fn nobody_of_a_family_outlives_a_kill_of_the_daemon() {
    let mut daemon = Daemon::start();
    let (_, mut caller) = parent(&daemon, 2).await;
    caller.result("many", json!([CHILD, 2])).await;
    assert_eq!(vaults(&daemon, false).await.len(), 3);
    daemon.kill();
    daemon.restart();
    let settling = async {
        while !vaults(&daemon, false).await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(stranger::HANG, settling).await.expect("the dead are buried");
    assert_eq!(vaults(&daemon, true).await.len(), 3);
}

/// The budget of one is spent, and the core is killed before the child is recorded. Whatever its parent
/// hears of that one, it may have another.
#[tokio::test]
async fn a_core_that_is_killed_over_a_clone_leaves_nothing_spent() {
    let dir = Daemon::ground("");
    let config = dir.path().join("hauki.yaml");
    let socket = dir.path().join("node.sock");
    let mut text = std::fs::read_to_string(&config).expect("was written");
    text.push_str(&format!("nodes: [{{name: local, socket: {}}}]\n", socket.display()));
    std::fs::write(&config, text).expect("is ours");
    let node = Daemon::start_in(dir, "node", &[]);
    let mut core = Daemon::start_in(node.dir.clone(), "core", &[]);
    let (spawned, mut caller) = parent(&core, 1).await;
    let link = HttpNode::new(&socket).expect("is set up");
    let killed = async {
        // The child runs in circles in its `create`.
        until("the child begins", async || link.vaults(None).await.expect("tells").vaults.len() >= 2).await;
        core.kill();
        core.restart();
    };
    let endless = json!(["function create() { for (;;) {} }", { "deadline": "2s" }]);
    let (told, ()) = tokio::join!(caller.call("make", endless), killed);
    assert!(told["error"].is_object(), "{told}");
    let paid_back = async {
        while caller.result("many", json!([CHILD, 1])).await != json!([1, ""]) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(stranger::HANG, paid_back).await.expect("the budget is there again");
    assert_eq!(caller.result("many", json!([CHILD, 1])).await, json!([0, "quota"]), "and not more of it");
    death::destruct(&core.endpoint(), &spawned.vault.id).await;
    let gone = async {
        while !link.vaults(None).await.expect("tells").vaults.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(stranger::HANG, gone).await.expect("the family is gone");
}
