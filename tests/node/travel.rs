//! Objects that travel: tickets as arguments and results, between real vaults of a real daemon.

use crate::support::daemon::{Daemon, spawning};
use crate::support::death::destruct;
use crate::support::stranger::{self, Stranger, request};
use hauki::api::summons::Spawned;
use hauki::model::gem::Wishes;
use hauki::rpc::capability::narrow;
use hauki::rpc::message::code;
use serde_json::{Value, json};

/// Counts, tells who called, and shows what it was given.
const COUNTER: &str = "var n = 0;
function add(x) { n += x; return n; }
function who() { return previous_object(); }
function echo(o) { return o; }
function fail() { throw new Error('no luck'); }
function loop() { for (;;) {} }
function big(bytes) { var s = 'x'; while (s.length < bytes) s += s; return s; }";

/// Keeps objects and calls what it keeps.
const KEEPER: &str = "var kept = {}, n = 0;
function create(o) { if (o) kept.born = o; }
function keep(name, o) { kept[name] = o; return objectp(o); }
function seen(o) { return JSON.stringify(o); }
function add(name, x) { return kept[name]->add(x); }
function call(name, method, x) { return call_other(kept[name], method, x); }
function pass(name, to) { return kept[to]->echo(kept[name]); }
function give(name) { return [kept[name]]; }
function tell(name) { emit('object', {it: kept[name]}); }
function show(name) { print('I hold', kept[name]); }
function end(name) { return destruct(kept[name]); }
function forge(word) { return call_other({$hauki: 'object', ref: word}, 'add', 1); }
function forged(word) { return {$hauki: 'object', ref: word}; }
function both(names, method) { return gather(names.map(function (n) { return later(kept[n], method, 1); })); }
function bothFail(names, method) {
  try { gather(names.map(function (n) { return later(kept[n], method); })); } catch (e) {
    return [e.index, e.code, e.cause, e.results.map(function (r) { return r.cause || r; })];
  }
}
function leave(name, times) { while (times--) later(kept[name], 'add', 1); return true; }
function bulk(name, times, bytes) {
  var all = [], i;
  for (i = 0; i < times; i++) all.push(later(kept[name], 'big', bytes));
  return gather(all).map(function (text) { return text.length; });
}
function many(name, times) { var i, last; for (i = 0; i < times; i++) last = kept[name]->add(1); return last; }
function careful(name, method, x) {
  try { return call_other(kept[name], method, x); } catch (e) {
    return {name: e.name, message: e.message, code: e.code, kind: e.kind, cause: e.cause, vault: e.vault,
            method: e.method, file: e.remote_file, line: e.remote_line};
  }
}";

fn ticket(spawned: &Spawned) -> Value {
    serde_json::to_value(&spawned.ticket).expect("serializes")
}

/// A worker of each kind, and a caller of the supervisor, who has given it the counter as `it`.
async fn pair(daemon: &Daemon) -> (Spawned, Spawned, Stranger) {
    let (counter, keeper) = (daemon.spawn(COUNTER).await, daemon.spawn(KEEPER).await);
    let mut caller = Stranger::enter(&ticket(&keeper)).await;
    assert_eq!(caller.result("keep", json!(["it", ticket(&counter)])).await, true);
    (counter, keeper, caller)
}

#[tokio::test]
async fn an_object_is_called_kept_passed_on_and_given_back() {
    let daemon = Daemon::start();
    let (counter, keeper, mut caller) = pair(&daemon).await;
    assert_eq!(caller.result("add", json!(["it", 2])).await, 2);
    assert_eq!(caller.result("many", json!(["it", 500])).await, 502);
    // Others see the same object.
    let mut other = Stranger::enter(&ticket(&counter)).await;
    assert_eq!(other.result("add", json!([1])).await, 503);
    // It comes back as the ticket that was given, in results and in events.
    assert_eq!(caller.result("give", json!(["it"])).await, json!([ticket(&counter)]));
    caller.result("tell", json!(["it"])).await;
    assert_eq!(caller.event().await["params"]["data"]["it"], ticket(&counter));
    // Through a second supervisor: delegation, and back.
    let second = daemon.spawn(KEEPER).await;
    caller.result("keep", json!(["second", ticket(&second)])).await;
    caller.result("keep", json!(["me", ticket(&keeper)])).await;
    let mut counter_again = ticket(&counter);
    assert_eq!(caller.result("pass", json!(["second", "it"])).await, json!(ticket(&second)));
    let kept = caller.result("call", json!(["second", "give", "nothing"])).await;
    assert_eq!(kept, json!([null]), "the second keeper holds nothing yet");
    // Written differently, it is another reference to the same object.
    counter_again["methods"] = json!(["add"]);
    let pretty = serde_json::to_string_pretty(&counter_again).expect("is JSON").replace('\n', " ");
    let line =
        format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"keep\",\"params\":[\"again\",{pretty}]}}");
    caller.send(&line).await;
    assert_eq!(caller.reply().await["result"], true);
    assert_eq!(caller.result("add", json!(["again", 1])).await, 504);
    let told = caller.result("end", json!(["it"])).await;
    assert_eq!(told["vault"], counter.vault.id.as_str());
    for vault in [&keeper, &second] {
        destruct(&daemon.endpoint(), &vault.vault.id).await;
    }
}

#[tokio::test]
async fn the_token_never_enters_and_the_callee_learns_who_called() {
    let daemon = Daemon::start();
    let (counter, keeper, mut caller) = pair(&daemon).await;
    let seen = caller.result("seen", json!([{"deep": [ticket(&counter)]}])).await;
    let text = seen.as_str().expect("is text");
    assert!(!text.contains(counter.ticket.auth.token.reveal()) && !text.contains("biscuit"), "{text}");
    let seen: Value = serde_json::from_str(text).expect("is JSON");
    let object = &seen["deep"][0];
    assert_eq!((&object["$hauki"], &object["vault"]), (&json!("object"), &json!(counter.vault.id.as_str())));
    let who = caller.result("call", json!(["it", "who"])).await;
    assert_eq!(who["vault"], keeper.vault.id.as_str());
    assert_eq!(who["ticket"], counter.ticket.id.as_str());
    // A caller from outside cannot say so of itself.
    let mut liar = Stranger::knock(&ticket(&counter)).await.expect("connects");
    let params =
        json!({"token": ticket(&counter)["auth"]["token"], "voucher": ticket(&keeper)["auth"]["token"]});
    let reply = liar.ask(request(1, "hauki.hello", params)).await;
    assert_eq!(reply["error"]["code"], code::UNAUTHENTICATED, "{reply}");
    let mut plain = Stranger::enter(&ticket(&counter)).await;
    assert_eq!(plain.result("who", json!([])).await.get("vault"), None);
    // What is printed shows the object and not its word.
    caller.result("show", json!(["it"])).await;
    let line = caller.event().await["params"]["text"].clone();
    assert_eq!(line, format!("I hold <{}>", counter.vault.id));
}

#[tokio::test]
async fn an_object_given_at_birth_is_there_in_create() {
    let daemon = Daemon::start();
    let counter = daemon.spawn(COUNTER).await;
    let source = format!(
        "{KEEPER}\nvar first; create = function (o) {{ kept.born = o; first = o->add(5); }};\nfunction f() {{ return first; }}"
    );
    let mut request = spawning(&source, Wishes::default());
    request.summons.args = vec![ticket(&counter)];
    let keeper = daemon.endpoint().spawn(&request).await.expect("spawns");
    let mut caller = Stranger::enter(&ticket(&keeper)).await;
    assert_eq!(caller.result("f", json!([])).await, 5);
    assert_eq!(caller.result("add", json!(["born", 1])).await, 6);
}

#[tokio::test]
async fn a_failure_keeps_its_own_words_and_a_dead_object_says_why() {
    let daemon = Daemon::start();
    let (counter, _keeper, mut caller) = pair(&daemon).await;
    let told = caller.result("careful", json!(["it", "fail"])).await;
    assert_eq!(
        (&told["name"], &told["code"], &told["kind"], &told["method"]),
        (&json!("HaukiError"), &json!("worker_failed"), &json!("throw"), &json!("fail"))
    );
    assert_eq!((&told["file"], &told["line"]), (&json!("worker.js"), &json!(5)));
    let told = caller.result("careful", json!(["it", "nothing"])).await;
    assert_eq!(told["code"], "method_not_found");
    // Uncaught, it is the worker's own error.
    let reply = caller.call("call", json!(["it", "fail"])).await;
    assert_eq!(reply["error"]["code"], code::WORKER);
    assert!(reply["error"]["message"].as_str().expect("is text").contains("no luck"), "{reply}");
    destruct(&daemon.endpoint(), &counter.vault.id).await;
    for _ in 0..2 {
        let told = caller.result("careful", json!(["it", "add", 1])).await;
        assert_eq!((&told["code"], &told["cause"]), (&json!("vault_dead"), &json!("destruct")), "{told}");
        assert_eq!(told["vault"], counter.vault.id.as_str());
    }
    // Also if nobody was connected when it died.
    let late = daemon.spawn(COUNTER).await;
    caller.result("keep", json!(["late", ticket(&late)])).await;
    destruct(&daemon.endpoint(), &late.vault.id).await;
    let told = caller.result("careful", json!(["late", "add", 1])).await;
    assert_eq!((&told["code"], &told["cause"]), (&json!("vault_dead"), &json!("destruct")), "{told}");
}

#[tokio::test]
async fn a_narrow_ticket_stays_narrow_on_its_way() {
    let daemon = Daemon::start();
    let (counter, _keeper, mut caller) = pair(&daemon).await;
    let mut narrowed = counter.ticket.clone();
    narrowed.methods = vec!["add".into()];
    narrowed.auth.token = narrow(&counter.ticket.auth.token, Some(&narrowed.methods), None).expect("narrows");
    let narrowed = serde_json::to_value(&narrowed).expect("serializes");
    let second = daemon.spawn(KEEPER).await;
    caller.result("keep", json!(["narrow", narrowed])).await;
    caller.result("keep", json!(["second", ticket(&second)])).await;
    assert_eq!(caller.result("add", json!(["narrow", 1])).await, 1);
    assert_eq!(caller.result("careful", json!(["narrow", "who"])).await["code"], "denied");
    assert_eq!(caller.code("end", json!(["narrow"])).await, i64::from(code::WORKER));
    let given = caller.result("give", json!(["narrow"])).await;
    assert_eq!(given, json!([narrowed]));
    let expired = narrow(&counter.ticket.auth.token, None, Some(hauki_contract::system::clock::now()))
        .expect("narrows");
    let mut spent = ticket(&counter);
    spent["auth"]["token"] = json!(expired.reveal());
    caller.result("keep", json!(["spent", spent])).await;
    assert_eq!(caller.result("careful", json!(["spent", "add", 1])).await["code"], "bad_ticket");
}

#[tokio::test]
async fn what_was_not_given_cannot_be_reached() {
    let daemon = Daemon::start();
    let (counter, _keeper, mut caller) = pair(&daemon).await;
    let seen = caller.result("seen", json!([ticket(&counter)])).await;
    let seen: Value = serde_json::from_str(seen.as_str().expect("is text")).expect("is JSON");
    let word = seen["ref"].as_str().expect("is a word").to_owned();
    // The word is this vault's alone.
    let second = daemon.spawn(KEEPER).await;
    let mut other = Stranger::enter(&ticket(&second)).await;
    for wrong in [word.as_str(), "", "0", "1", "../1"] {
        let reply = other.call("forge", json!([wrong])).await;
        assert!(reply["error"]["message"].as_str().expect("is text").contains("not given"), "{reply}");
    }
    other.result("keep", json!(["it", ticket(&counter)])).await;
    let reply = other.call("forged", json!([word])).await;
    assert_eq!(reply["error"]["code"], code::WORKER, "another vault's word gave something: {reply}");
    // A caller who has heard the word through no fault of the gate gets the ticket only from the vault's hand.
    assert_eq!(caller.result("forge", json!([word])).await, 1);
    // Tickets that the core did not sign, or that were altered, lead nowhere: no connection is made.
    let trap = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    trap.set_nonblocking(true).expect("is set");
    let mut altered = ticket(&counter);
    altered["endpoint"]["port"] = trap.local_addr().expect("is bound").port().into();
    caller.result("keep", json!(["altered", altered])).await;
    let told = caller.result("careful", json!(["altered", "add", 1])).await;
    assert_eq!(told["code"], "bad_ticket", "{told}");
    assert!(told["message"].as_str().expect("is text").contains("endpoint"), "{told}");
    let mut forged = altered;
    forged["auth"]["token"] = json!("En0KEwoEMTIzNBgDIgkKBwgKEgMYgAg");
    caller.result("keep", json!(["forged", forged])).await;
    assert_eq!(caller.result("careful", json!(["forged", "add", 1])).await["code"], "bad_ticket");
    assert!(
        trap.accept().is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock),
        "a gate knocked"
    );
    // What calls itself a ticket and is none is refused at the door.
    let mut broken = ticket(&counter);
    broken["more"] = json!(1);
    assert_eq!(caller.code("keep", json!(["broken", broken])).await, i64::from(code::INVALID_PARAMS));
}

/// Passes a call on to the next.
const RELAY: &str = "var next;
function set(o) { next = o; }
function go(n) { return n === 0 ? 'end' : next->go(n - 1); }";

#[tokio::test]
async fn a_ring_is_found_and_the_silent_end_with_the_first_callers_deadline() {
    let daemon = Daemon::start();
    let short = Wishes { call_deadline_ms: Some(1500), ..Wishes::default() };
    let mut ring = Vec::new();
    for _ in 0..3 {
        let spawned = daemon.spawn_with(RELAY, short.clone()).await;
        let caller = Stranger::enter(&ticket(&spawned)).await;
        ring.push((spawned, caller));
    }
    for at in 0..3 {
        let next = ticket(&ring[(at + 1) % 3].0);
        ring[at].1.result("set", json!([next])).await;
    }
    assert_eq!(ring[0].1.result("go", json!([2])).await, "end");
    let reply = ring[0].1.call("go", json!([3])).await;
    let message = reply["error"]["message"].as_str().expect("is text");
    let wanted = format!("HaukiError: {} waits for this very call itself", ring[0].0.vault.id);
    assert!(message.starts_with(&wanted), "{reply}");
    let first = &mut ring[0].1;
    assert_eq!(first.result("go", json!([2])).await, "end", "the ring is broken after a loop");
    // A callee that never answers holds its caller no longer than the first caller's time, and is
    // stopped itself by what was left of it.
    let keeper = daemon.spawn_with(KEEPER, short).await;
    let counter = daemon.spawn(COUNTER).await;
    let mut caller = Stranger::enter(&ticket(&keeper)).await;
    caller.result("keep", json!(["it", ticket(&counter)])).await;
    let reply = caller.call("call", json!(["it", "loop"])).await;
    // Who of the two is stopped first is a matter of microseconds.
    assert!(reply["error"]["message"].as_str().expect("is text").contains("deadline passed"), "{reply}");
    assert_eq!(caller.result("add", json!(["it", 1])).await, 1);
}

#[tokio::test]
async fn too_much_is_an_error_of_that_call_alone() {
    let daemon = Daemon::start();
    let (_counter, _keeper, mut caller) = pair(&daemon).await;
    let large = Wishes { memory_bytes: Some(64 << 20), max_frame_bytes: Some(16 << 20), ..Wishes::default() };
    let giant = daemon.spawn_with(COUNTER, large).await;
    caller.result("keep", json!(["giant", ticket(&giant)])).await;
    let told = caller.result("careful", json!(["giant", "big", 8 << 20])).await;
    assert_eq!(told["code"], "too_large", "{told}");
    assert!(told["message"].as_str().expect("is text").contains("1048576"), "{told}");
    assert_eq!(caller.result("call", json!(["giant", "add", 1])).await, 1);
    // A small result of many objects does not become a large one.
    let swarm = "var o; function take(x) { o = x; } function many(n) { var a = []; while (n--) a.push(o); return a; }";
    let swarm = daemon.spawn(swarm).await;
    let mut second = Stranger::enter(&ticket(&swarm)).await;
    second.result("take", json!([ticket(&giant)])).await;
    assert_eq!(second.code("many", json!([2000])).await, i64::from(code::TOO_LARGE));
    assert_eq!(second.result("many", json!([2])).await, json!([ticket(&giant), ticket(&giant)]));
}

#[tokio::test]
async fn a_callee_that_dies_in_the_middle_fails_the_call_with_its_reason() {
    let daemon = Daemon::start();
    let (counter, _keeper, mut caller) = pair(&daemon).await;
    caller.result("add", json!(["it", 1])).await;
    caller.send(&request(7, "careful", json!(["it", "loop"])).to_string()).await;
    let endpoint = daemon.endpoint();
    let arriving = async {
        loop {
            let seen = endpoint.vault(&counter.vault.id).await.expect("is known");
            if seen.vitals.expect("lives").calls == 2 {
                return;
            }
        }
    };
    tokio::time::timeout(stranger::HANG, arriving).await.expect("the call arrives");
    let _ = destruct(&daemon.endpoint(), &counter.vault.id).await;
    let told = caller.reply().await;
    assert_eq!((&told["id"], &told["result"]["code"]), (&json!(7), &json!("vault_dead")), "{told}");
    assert_eq!(told["result"]["cause"], "destruct");
}

#[tokio::test]
async fn a_caller_that_dies_leaves_nothing_open_at_its_objects() {
    let daemon = Daemon::start();
    let (counter, keeper, mut caller) = pair(&daemon).await;
    caller.result("add", json!(["it", 1])).await;
    let mut look = Stranger::enter(&ticket(&counter)).await;
    assert_eq!(look.result("hauki.stats", json!([])).await["connections"], 2);
    destruct(&daemon.endpoint(), &keeper.vault.id).await;
    let closing = async {
        while look.result("hauki.stats", json!([])).await["connections"] != 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(stranger::HANG, closing).await.expect("the connection of the dead closes");
}

#[tokio::test]
async fn many_objects_share_the_places_there_are() {
    let daemon = Daemon::start();
    let (_counter, _keeper, mut caller) = pair(&daemon).await;
    let mut all = Vec::new();
    for number in 0..40 {
        let spawned = daemon.spawn(COUNTER).await;
        caller.result("keep", json!([number, ticket(&spawned)])).await;
        all.push(spawned);
    }
    for round in 1..=2 {
        for number in 0..all.len() {
            assert_eq!(caller.result("add", json!([number, 1])).await, round, "object {number}");
        }
    }
    // More references than a vault may hold: the oldest are let go, and said to be.
    for number in 0..300 {
        let mut again = ticket(&all[0]);
        again["lease"]["claim_ms"] = json!(number + 1);
        caller.result("keep", json!(["last", again])).await;
    }
    assert_eq!(caller.result("add", json!(["last", 1])).await, 3);
    assert_eq!(caller.result("careful", json!([1, "add", 1])).await["code"], "not_given");
}

#[tokio::test]
async fn calls_of_one_worker_are_under_way_at_the_same_time() {
    let daemon = Daemon::start();
    let (_counter, _keeper, mut caller) = pair(&daemon).await;
    let mut others = Vec::new();
    for name in ["a", "b", "c"] {
        let other = daemon.spawn(COUNTER).await;
        caller.result("keep", json!([name, ticket(&other)])).await;
        others.push(other);
    }
    assert_eq!(
        caller.result("both", json!([["a", "b", "a", "c", "a"], "add"])).await,
        json!([1, 1, 2, 1, 3])
    );
    // None of these calls ever returns, so each can only have begun while the others went on.
    caller.send(&request(9, "bothFail", json!([["a", "b", "c"], "loop"])).to_string()).await;
    let endpoint = daemon.endpoint();
    for (other, calls) in others.iter().zip([4, 2, 2]) {
        let arriving = async {
            while endpoint.vault(&other.vault.id).await.expect("is known").vitals.expect("lives").calls
                != calls
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(stranger::HANG, arriving).await.expect("the call arrives");
    }
    for other in &others {
        let _ = destruct(&endpoint, &other.vault.id).await;
    }
    let told = caller.reply().await;
    assert_eq!(told["id"], 9);
    let causes = ["destruct"; 3];
    assert_eq!(told["result"], json!([0, "vault_dead", "destruct", causes]), "{told}");
}

#[tokio::test]
async fn more_calls_than_there_may_be_wait_their_turn_and_large_answers_fill_the_heap_alone() {
    let daemon = Daemon::start();
    let (_counter, _keeper, mut caller) = pair(&daemon).await;
    let names = vec!["it"; 100];
    let all = caller.result("both", json!([names, "add"])).await;
    assert_eq!(all.as_array().map(Vec::len), Some(100));
    assert_eq!(all[99], 100, "calls of one object keep their order: {all}");
    // What nobody waits for runs all the same, and its answers are in nobody's way.
    caller.result("leave", json!(["it", 40])).await;
    assert_eq!(caller.result("add", json!(["it", 0])).await, 140);
    // Sixteen answers of half a megabyte do not fit into this heap: the call fails, and nothing else.
    let large = Wishes { memory_bytes: Some(16 << 20), ..Wishes::default() };
    let giant = daemon.spawn_with(COUNTER, large).await;
    caller.result("keep", json!(["giant", ticket(&giant)])).await;
    assert_eq!(caller.result("bulk", json!(["giant", 3, 500_000])).await, json!([524_288, 524_288, 524_288]));
    assert_eq!(caller.code("bulk", json!(["giant", 16, 500_000])).await, i64::from(code::MEMORY));
    assert_eq!(caller.result("bulk", json!(["giant", 2, 500_000])).await, json!([524_288, 524_288]));
    assert_eq!(caller.result("add", json!(["it", 1])).await, 141);
}

/// A caller's trace is in the log of each vault that its call was passed on to; one made up is as none.
#[tokio::test]
async fn a_trace_goes_with_a_call_to_the_vaults_that_it_asks() {
    let daemon = Daemon::start();
    let slow = "function slow(ms) { var end = Date.now() + ms; while (Date.now() < end) {} return ms; }";
    let (slow, keeper) = (daemon.spawn(slow).await, daemon.spawn(KEEPER).await);
    let mut caller = Stranger::enter(&ticket(&keeper)).await;
    caller.result("keep", json!(["it", ticket(&slow)])).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    for (word, known) in [(format!("00-{trace}-00f067aa0ba902b7-00"), true), ("made up".into(), false)] {
        let before = daemon.log().len();
        let call = json!({"jsonrpc": "2.0", "id": 7, "method": "call", "params": ["it", "slow", 1200],
            "traceparent": word});
        caller.send(&call.to_string()).await;
        assert_eq!(caller.reply().await["result"], 1200);
        let log = daemon.log().split_off(before);
        for vault in [&slow, &keeper] {
            let told = format!("a call of {} took 1.", vault.vault.id);
            let line = log.lines().find(|line| line.contains(&told)).expect("it was long");
            assert!(line.contains("waited ") && line.contains("ran 1."), "{line}");
            assert_eq!(line.ends_with(&format!(" trace={trace}")), known, "{line}");
            assert!(!line.contains("made up"), "{line}");
        }
    }
    let found = daemon.endpoint().health().await.expect("answers").findings;
    assert!(found.iter().any(|check| check.what.contains("calls that took longer than")), "{found:?}");
    for vault in [&slow, &keeper] {
        destruct(&daemon.endpoint(), &vault.vault.id).await;
    }
}

/// What the gate's own methods ask of a vault belongs to the trace of who asks, as a call does.
#[tokio::test]
async fn a_trace_goes_with_what_is_asked_of_a_gate() {
    let daemon = Daemon::start();
    let slow = "function slow(ms) { var end = Date.now() + ms; while (Date.now() < end) {} return ms; }";
    let slow = daemon.spawn(slow).await;
    let mut caller = Stranger::enter(&ticket(&slow)).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let call = json!({"jsonrpc": "2.0", "id": 7, "method": "slow", "params": [1200]});
    let stats = json!({"jsonrpc": "2.0", "id": 8, "method": "hauki.stats",
        "traceparent": format!("00-{trace}-00f067aa0ba902b7-00")});
    for asked in [call, stats] {
        caller.send(&asked.to_string()).await;
    }
    for id in [7, 8] {
        assert_eq!(caller.reply().await["id"], id);
    }
    let log = daemon.log();
    let told = format!("a call of {} took 1.", slow.vault.id);
    let lines: Vec<bool> = log
        .lines()
        .filter(|line| line.contains(&told))
        .map(|line| line.ends_with(&format!(" trace={trace}")))
        .collect();
    assert_eq!(lines, [false, true], "{log}");
    destruct(&daemon.endpoint(), &slow.vault.id).await;
}
