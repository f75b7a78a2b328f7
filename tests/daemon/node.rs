//! Core and node as two processes, and the contract between them over the node's socket.

use std::path::Path;
use std::sync::Arc;

use crate::support::daemon::{self, Daemon};
use crate::support::death::{Traces, death, destruct};
use crate::support::family::HANG;
use crate::support::until::{bounded, until};
use hauki::api::node::{
    BeatOrder, Code, DestructOrder, NodeApi as _, OpenOrder, ProvisionOrder, Provisioned,
};
use hauki::api::node_error::{NodeError, NodeFault};
use hauki::api::paths;
use hauki::client::ghost::{Ghost, GhostOptions};
use hauki::model::death::Cause;
use hauki::model::digest::Sha256;
use hauki::model::id::VaultId;
use hauki::model::lease::Terms;
use hauki::model::limits::Limits;
use hauki::model::phase::Phase;
use hauki::model::receipt::Receipt;
use hauki::rpc::capability::IssuerKey;
use hauki_contract::system::{random, trace};
use hauki_control::fake_node::{FakeCall, FakeNode};
use hauki_control::link::HttpNode;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

const WORKER: &str = "var n = 0; function add(x) { n += x; return n; }";

fn order(source: &str) -> ProvisionOrder {
    let (key, vault) = (IssuerKey::generate(), random::vault_id());
    ProvisionOrder {
        vault: vault.clone(),
        generation: 1,
        sha256: Sha256::of(source.as_bytes()),
        source: source.into(),
        file: "a.js".into(),
        args: Vec::new(),
        limits: Limits { call_deadline_ms: 600_000, ..Limits::default() },
        terms: Terms::default(),
        issuer: key.public_hex(),
        parent: None,
        voucher: key.vouch(&vault, jiff::Timestamp::MAX).expect("signs"),
        opening: None,
        secrets: Vec::new(),
    }
}

fn ending(vault: &VaultId) -> DestructOrder {
    DestructOrder { vault: vault.clone(), cause: Cause::Destruct, by: None, grace_ms: 0 }
}

/// A fake node behind the real routes.
fn served(socket: &Path) -> (Arc<FakeNode>, JoinHandle<std::io::Result<()>>) {
    let fake = Arc::new(FakeNode::new("n1".parse().expect("a name")));
    let listener = tokio::net::UnixListener::bind(socket).expect("binds");
    let router = hauki_node::routes::router(fake.clone());
    (fake, tokio::spawn(std::future::IntoFuture::into_future(axum::serve(listener, router))))
}

#[tokio::test]
async fn the_link_speaks_what_the_nodes_routes_understand() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("node.sock");
    let (_fake, server) = served(&socket);
    let node = HttpNode::new(&socket).expect("is set up");
    assert_eq!(node.status().await.expect("answers").boot_id, "boot-1");
    let ordered = order("function f() {}");
    let vault = ordered.vault.clone();
    assert_eq!(node.provision(ordered).await.expect("forges").methods, ["scan", "top"]);
    let open = OpenOrder { vault: vault.clone(), generation: 1, lease_ms: Some(500), link: None };
    assert_eq!(node.open(open).await.expect("opens").terms.lease_ms, 500);
    let beat = BeatOrder { vault: vault.clone(), generation: Some(2), by: None };
    assert_eq!(node.beat(beat).await.expect_err("is another generation").fault, NodeFault::StaleGeneration);
    assert!(node.destruct(ending(&vault)).await.expect("ends").changed);
    let news = node.news(0, 1000).await.expect("tells");
    assert_eq!((news.last, news.items.len()), (1, 1));

    server.abort();
    let _ = server.await;
    let error = HttpNode::new(&socket).expect("is set up").status().await.expect_err("is gone");
    assert_eq!(error.fault, NodeFault::Silent);
    assert!(error.message.contains("node.sock") && error.message.contains("efused"), "{error}");
}

#[tokio::test]
async fn a_dropped_order_reaches_the_node_as_dropped() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("node.sock");
    let (fake, server) = served(&socket);
    fake.hold(Some(FakeCall::Provision));
    let node = Arc::new(HttpNode::new(&socket).expect("is set up"));
    let ordering = tokio::spawn({
        let node = node.clone();
        async move { node.provision(order("function f() {}")).await }
    });
    fake.somebody_waits().await;
    ordering.abort();
    fake.nobody_waits().await;
    fake.hold(None);
    assert_eq!(fake.provisioned(), 0);
    server.abort();
}

/// In one state directory, as on a machine that runs both services.
fn pair() -> (Daemon, Daemon) {
    let dir = Daemon::ground("");
    let socket = dir.path().join("node.sock");
    let config = dir.path().join("hauki.yaml");
    let mut text = std::fs::read_to_string(&config).expect("was written");
    text.push_str(&format!("nodes: [{{name: local, socket: {}}}]\n", socket.display()));
    std::fs::write(&config, text).expect("is ours");
    let node = Daemon::start_in(dir, "node", &[]);
    let core = Daemon::start_in(node.dir.clone(), "core", &[]);
    (node, core)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_comes_and_goes_and_its_vaults_go_on() {
    let (_node, mut core) = pair();
    let spawned = core.spawn(WORKER).await;
    let traces = Traces::of(&core.endpoint(), &spawned).await;
    let ghost = Ghost::connect(&spawned.ticket, GhostOptions::default()).await.expect("connects");
    assert_eq!(ghost.call_typed::<i32>("add", &[1]).await.expect("answers"), 1);
    core.kill();
    assert_eq!(ghost.call_typed::<i32>("add", &[1]).await.expect("without a core"), 2);
    core.restart();
    let known = core.endpoint().vault(&spawned.vault.id).await.expect("was promised");
    assert_eq!((known.phase, known.receipt), (Phase::Live.into(), None));
    assert_eq!(core.terminate().code(), Some(0));
    assert_eq!(ghost.call_typed::<i32>("add", &[1]).await.expect("without a core"), 3);
    core.restart();
    assert_eq!(ghost.call_typed::<i32>("add", &[1]).await.expect("answers"), 4);
    traces.assert_agrees(&destruct(&core.endpoint(), &spawned.vault.id).await, Cause::Destruct);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_anew_has_lost_its_vaults_and_the_core_learns_it() {
    let (mut node, core) = pair();
    let (killed, stopped) = (core.spawn(WORKER).await, core.spawn(WORKER).await);
    let ghost = Ghost::connect(&killed.ticket, GhostOptions::default()).await.expect("connects");
    node.kill();
    timeout(HANG, ghost.closed()).await.expect("its connection broke");
    let unseen = core.endpoint().vault(&killed.vault.id).await.expect("is known");
    assert!(unseen.receipt.is_none() && unseen.unreachable.is_some(), "not seeing is not dying: {unseen:?}");
    node.restart();
    for spawned in [&killed, &stopped] {
        let receipt = death(&core.endpoint(), &spawned.vault.id).await;
        assert_eq!(receipt.death.cause, Cause::DaemonLost);
    }
    let next = core.spawn(WORKER).await;
    assert!(destruct(&core.endpoint(), &next.vault.id).await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_core_ordered_and_never_recorded_is_ended_by_the_next() {
    let (node, mut core) = pair();
    core.kill();
    let link = HttpNode::new(&node.socket).expect("is set up");
    let orphan = order(WORKER);
    let vault = orphan.vault.clone();
    link.provision(orphan).await.expect("forges");
    core.restart();
    let gone = async {
        while !link.vaults(None).await.expect("answers").vaults.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(HANG, gone).await.expect("is found");
    let tomb = link.destruct(ending(&vault)).await.expect("is idempotent");
    assert_eq!((tomb.changed, tomb.receipt.death.cause), (false, Cause::Cancelled.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn code_comes_once_by_its_hash_and_is_checked() {
    let (node, core) = pair();
    core.spawn(WORKER).await;
    let link = HttpNode::new(&node.socket).expect("is set up");
    let sha256 = Sha256::of(WORKER.as_bytes());
    assert_eq!(link.status().await.expect("tells").code, [sha256]);

    let file = core.dir.path().join("w.js");
    std::fs::write(&file, WORKER).expect("is ours");
    let summons = core.hauki().arg("summon").arg(&file).output().expect("runs");
    let summons: serde_json::Value = serde_json::from_slice(&summons.stdout).expect("is a record");
    let id = summons["id"].as_str().expect("has an id");
    let table = core.hauki().args(["forge", "--explain", "-o", "table", id]).output().expect("runs");
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    let row = table.lines().find(|line| line.contains("local")).unwrap_or_default();
    assert!(table.contains("CODE") && row.matches("yes").count() == 2, "{table}");

    let by_hash = ProvisionOrder { source: String::new(), ..order(WORKER) };
    let vault = by_hash.vault.clone();
    link.provision(by_hash).await.expect("the code is there");
    link.destruct(ending(&vault)).await.expect("ends");
    let other = "function evil() {}";
    let unknown = ProvisionOrder { source: String::new(), ..order(other) };
    assert_eq!(link.provision(unknown).await.expect_err("is not there").fault, NodeFault::CodeMissing);
    let forged = ProvisionOrder { source: other.into(), ..order(WORKER) };
    assert_eq!(link.provision(forged).await.expect_err("is refused").fault, NodeFault::BadOrder);
    let code = Code { sha256, source: other.into() };
    assert_eq!(link.keep(code).await.expect_err("is refused").fault, NodeFault::BadOrder);
    assert_eq!(link.status().await.expect("tells").code, [sha256]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_another_name_gets_no_vaults() {
    let node = Daemon::start_in(Daemon::ground(""), "node", &[]);
    let nodes = format!("nodes: [{{name: other, socket: {}}}]\n", node.socket.display());
    let core = Daemon::start_in(Daemon::ground(&nodes), "core", &[]);
    let request = daemon::spawning(WORKER, Default::default());
    let error = core.endpoint().spawn(&request).await.expect_err("its tickets would be refused");
    assert!(error.to_string().contains("calls itself local"), "{error}");
}

async fn twenty_ends(link: &Arc<HttpNode>, vault: &VaultId) -> (usize, Receipt) {
    let mut callers = JoinSet::new();
    for _ in 0..20 {
        let (link, order) = (link.clone(), ending(vault));
        callers.spawn(async move { link.destruct(order).await.expect("is legal") });
    }
    let torn = timeout(HANG, callers.join_all()).await.expect("none hangs");
    let first = torn[0].receipt.clone();
    assert!(torn.iter().all(|torn| torn.receipt == first), "{torn:#?}");
    (torn.iter().filter(|torn| torn.changed).count(), first)
}

type Forging = JoinHandle<Result<Provisioned, NodeError>>;

fn forge(link: &Arc<HttpNode>, order: ProvisionOrder) -> Forging {
    let link = link.clone();
    tokio::spawn(async move { link.provision(order).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_is_destructed_while_its_worker_is_being_created() {
    let node = Daemon::start_in(Daemon::ground(""), "node", &[]);
    let link = Arc::new(HttpNode::new(&node.socket).expect("is set up"));
    let sources = ["for (;;) {} function f() {}", "function create() { for (;;) {} } function f() {}"];
    for source in sources.iter().cycle().take(12) {
        let order = order(source);
        let vault = order.vault.clone();
        let forging = forge(&link, order);
        let started = async || {
            let state = link.vaults(None).await.expect("answers");
            state.vaults.iter().any(|said| said.phase == Phase::Forging && said.vitals.init_pid > 0)
        };
        until("its sandbox runs", started).await;
        let (changed, receipt) = twenty_ends(&link, &vault).await;
        assert_eq!((changed, receipt.death.cause, receipt.is_clean()), (1, Cause::Destruct.into(), true));
        let error = timeout(HANG, forging).await.expect("is told").expect("ends").expect_err("was ended");
        assert_eq!(error.fault, NodeFault::Ended);
        assert_eq!(node.leftovers(), Vec::<String>::new());
    }
}

/// The earliest moment: the node has the order, and its sandbox may not even have begun to start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_of_a_vault_that_was_only_starting_is_true_as_well() {
    let node = Daemon::start_in(Daemon::ground(""), "node", &[]);
    let link = Arc::new(HttpNode::new(&node.socket).expect("is set up"));
    for _ in 0..12 {
        let orders: Vec<_> = (0..4).map(|_| order(WORKER)).collect();
        let forging: Vec<_> = orders.iter().cloned().map(|order| forge(&link, order)).collect();
        for order in &orders {
            let ending = async {
                loop {
                    match link.destruct(ending(&order.vault)).await {
                        Ok(torn) => break torn,
                        Err(error) => assert_eq!(error.fault, NodeFault::Unknown, "{error}"),
                    }
                }
            };
            let torn = bounded("the node has the order", ending).await;
            assert!(!torn.receipt.reclaimed.is_empty(), "it tells what was looked at: {:?}", torn.receipt);
            assert!(torn.receipt.is_clean(), "{:?}", torn.receipt);
        }
        // Each was gone when its receipt was out, so nothing is left now.
        assert_eq!(node.leftovers(), Vec::<String>::new());
        for forging in forging {
            let _ = timeout(HANG, forging).await.expect("is told").expect("ends");
        }
    }
}

/// The tool's request, the core's order to the node and the start there have one id, in the log and for the doctor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_joins_the_request_the_order_and_the_start() {
    use std::io::{Read as _, Write as _};
    let (node, core) = pair();
    let context = trace::fresh(false);
    let slow =
        "function create() { var end = Date.now() + 1300; while (Date.now() < end) {} } function f() {}";
    let spawned = trace::within(context, core.spawn(slow)).await;
    let log = node.log() + &core.log();
    let told = |what: &str| {
        let line =
            log.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("no {what} in {log}"));
        assert!(line.ends_with(&format!(" trace={}", context.trace)), "{line}");
        line
    };
    let start = told(&format!("the start of {} took 1.", spawned.vault.id));
    assert!(start.contains("sandbox ") && start.contains("ready ") && start.contains("load 1."), "{start}");
    let request = told(&format!("POST {} took 1.", paths::SPAWN));
    let steps = ["draft ", "place ", "note ", "order 1.", "record "];
    assert!(steps.iter().all(|step| request.contains(step)), "{request}");

    // The doctor says so, and where to look.
    let found = core.endpoint().health().await.expect("answers").findings;
    for what in
        ["starts of vaults that took longer than 1.0 s, lately: 1", "requests that took longer than 1.0 s"]
    {
        let trace = context.trace.to_string();
        assert!(
            found.iter().any(|check| check.what.contains(what) && check.what.contains(&trace)),
            "{found:#?}"
        );
    }

    // What a caller makes up is as nothing, and stands nowhere.
    let bad = format!("{context}-forged");
    let body = serde_json::to_string(&daemon::spawning(slow, Default::default())).expect("serializes");
    let mut raw = std::os::unix::net::UnixStream::connect(&core.socket).expect("listens");
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\ntraceparent: {bad}\r\n\r\n{body}",
        paths::SPAWN,
        body.len()
    );
    raw.write_all(head.as_bytes()).expect("writes");
    let mut answer = String::new();
    tokio::task::block_in_place(|| raw.read_to_string(&mut answer)).expect("reads");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let log = core.log();
    let lines: Vec<&str> =
        log.lines().filter(|line| line.contains(&format!("POST {} took 1.", paths::SPAWN))).collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(!log.contains("forged") && !lines[1].contains(&context.trace.to_string()), "{log}");
    assert!(lines[1].contains(" trace="), "it has one of its own: {}", lines[1]);
}

/// Everything that a collector on this machine was sent, as its spans.
fn collector() -> (String, std::sync::mpsc::Receiver<serde_json::Value>) {
    use std::io::{BufRead as _, Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let url = format!("http://{}", listener.local_addr().expect("has one"));
    let (tell, spans) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = std::io::BufReader::new(stream.expect("comes"));
            let (mut line, mut length) = (String::new(), 0);
            while stream.read_line(&mut line).expect("reads") > 2 {
                length = line
                    .strip_prefix("content-length: ")
                    .map_or(length, |text| text.trim().parse().expect("is one"));
                line.clear();
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).expect("reads");
            stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").expect("writes");
            let body: serde_json::Value = serde_json::from_slice(&body).expect("is JSON");
            let resource = &body["resourceSpans"][0];
            assert_eq!(resource["resource"]["attributes"][0]["value"]["stringValue"], "haukid");
            for span in resource["scopeSpans"][0]["spans"].as_array().expect("a list") {
                if tell.send(span.clone()).is_err() {
                    return;
                }
            }
        }
    });
    (url, spans)
}

/// What the daemon sends of a request is one tree, below who asked, and holds nothing of what was asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_is_sent_a_request_as_one_tree() {
    let (url, came) = collector();
    let daemon = Daemon::start_in(Daemon::ground(&format!("daemon: {{trace: \"{url}\"}}\n")), "all", &[]);
    let context = trace::fresh(true);
    let spawned = trace::within(context, daemon.spawn("function f() { return 'a secret'; }")).await;
    trace::within(context, destruct(&daemon.endpoint(), &spawned.vault.id)).await;
    let mut spans: Vec<serde_json::Value> = Vec::new();
    let wanted =
        ["request", "draft", "place", "note", "order", "record", "forge", "sandbox", "ready", "load", "bury"];
    let missing = |spans: &[serde_json::Value]| {
        wanted.iter().any(|name| !spans.iter().any(|span| span["name"] == **name))
    };
    while missing(&spans) {
        let span = tokio::task::block_in_place(|| came.recv_timeout(HANG));
        spans.push(span.unwrap_or_else(|_| panic!("more of {wanted:?} than {spans:#?}")));
    }
    let of = |name: &str| {
        let own = |span: &&serde_json::Value| span["traceId"] == context.trace.to_string();
        spans
            .iter()
            .filter(own)
            .find(|span| span["name"] == name)
            .unwrap_or_else(|| panic!("no {name}: {spans:#?}"))
    };
    assert_eq!(
        (&of("request")["parentSpanId"], &of("request")["kind"]),
        (&context.span.to_string().into(), &2.into())
    );
    for (child, parent) in [
        ("draft", "request"),
        ("place", "request"),
        ("note", "request"),
        ("order", "request"),
        ("record", "request"),
        ("forge", "order"),
        ("sandbox", "forge"),
        ("ready", "forge"),
        ("load", "forge"),
    ] {
        assert_eq!(of(child)["parentSpanId"], of(parent)["spanId"], "{child} below {parent}: {spans:#?}");
        let at = |span: &serde_json::Value, key: &str| {
            span[key].as_str().expect("a text").parse::<u64>().expect("a number")
        };
        assert!(at(of(child), "startTimeUnixNano") >= at(of(parent), "startTimeUnixNano"));
        assert!(at(of(child), "endTimeUnixNano") >= at(of(child), "startTimeUnixNano"));
    }
    let all = serde_json::to_string(&spans).expect("serializes");
    assert!(!all.contains("secret") && !all.contains(spawned.ticket.auth.token.reveal()), "{all}");
}

/// With or without anybody who takes it.
#[test]
fn a_command_tells_what_it_spent_its_time_on() {
    let daemon = Daemon::start();
    let path = daemon.dir.path().join("spans.json");
    let run = |target: &str| {
        daemon.hauki().args(["ls", "--trace", target]).output().expect("hauki runs").status.code()
    };
    assert_eq!(run(path.to_str().expect("is text")), Some(0));
    let text = std::fs::read_to_string(&path).expect("was written");
    let document: serde_json::Value = serde_json::from_str(&text).expect("is JSON, one line of it");
    let spans = document["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("a list").clone();
    let of =
        |name: &str| spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("{spans:?}"));
    assert_eq!(of("request")["parentSpanId"], of("command")["spanId"]);
    assert_eq!((&of("request")["kind"], of("command").get("parentSpanId")), (&3.into(), None));
    // Nobody listens at that port.
    assert_eq!((run("http://127.0.0.1:1"), run("https://127.0.0.1:1")), (Some(0), Some(2)));
}

/// On both sides, and with the trace of a program that brings its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_of_the_tool_belongs_to_its_command() {
    const OWN: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let (url, came) = collector();
    let daemon = Daemon::start_in(Daemon::ground(&format!("daemon: {{trace: \"{url}\"}}\n")), "all", &[]);
    let file = |name: &str, text: &str| {
        let path = daemon.dir.path().join(name);
        std::fs::write(&path, text).expect("writes");
        path
    };
    let spawned = daemon.spawn("function f(x) { return x; }").await;
    let ticket = file("t.json", &serde_json::to_string(&spawned.ticket).expect("is JSON"));
    file("w.js", "function f(x) { return x; }");
    let script = file("s.js", "print(clone_object(\"w.js\")->f(1));");
    let (ticket, script) = (ticket.to_str().expect("is text"), script.to_str().expect("is text"));
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"f","params":[1]}"#;
    let member = format!(r#","traceparent":"00-{OWN}-00f067aa0ba902b7-01"}}"#);
    let traced = request.strip_suffix('}').expect("is an object").to_owned() + &member;
    let mut calls = Vec::new();
    for (number, (words, input)) in [
        (&["proxy", "call", ticket, "f", "1"][..], ""),
        (&["proxy", "pipe", ticket, "f"], "1\n"),
        (&["proxy", "pipe", ticket], request),
        (&["proxy", "pipe", ticket], &traced),
        (&["proxy", "run", script], ""),
    ]
    .into_iter()
    .enumerate()
    {
        let spans = daemon.dir.path().join(format!("spans{number}.json"));
        let is_own = input == traced;
        let input = std::fs::File::open(file("input", input)).expect("opens");
        let mut hauki = daemon.hauki();
        hauki.args(words).arg("--trace").arg(&spans).stdin(input);
        let output = tokio::task::block_in_place(|| hauki.output()).expect("hauki runs");
        assert!(output.status.success(), "{words:?}: {output:?}");
        let document = std::fs::read_to_string(&spans).expect("was written");
        let document: serde_json::Value = serde_json::from_str(&document).expect("is JSON");
        let spans =
            document["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("a list").clone();
        let of = |name: &str| {
            spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("{spans:#?}"))
        };
        let (call, command) = (of("call"), of("command"));
        let expected = if is_own { OWN.into() } else { command["traceId"].clone() };
        assert_eq!((&call["traceId"], &call["kind"]), (&expected, &3.into()), "{words:?}");
        calls.push((call["traceId"].clone(), call["spanId"].clone()));
    }
    // Nobody writes this one down, and it is the first of its connection: the log has it all the same.
    let slow = "function slow(ms) { var end = Date.now() + ms; while (Date.now() < end) {} return ms; }";
    let slow = daemon.spawn(slow).await;
    let ticket = file("slow.json", &serde_json::to_string(&slow.ticket).expect("is JSON"));
    let mut hauki = daemon.hauki();
    hauki.args(["proxy", "call"]).arg(ticket).args(["slow", "1200"]);
    let output = tokio::task::block_in_place(|| hauki.output()).expect("hauki runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "1200");
    let told = format!("a call of {} took 1.", slow.vault.id);
    let log = daemon.log();
    let line = log.lines().find(|line| line.contains(&told)).expect("it was long");
    assert!(line.contains(" trace="), "{line}");
    while !calls.is_empty() {
        let span = tokio::task::block_in_place(|| came.recv_timeout(HANG));
        let span = span.unwrap_or_else(|_| panic!("nothing came for {calls:?}"));
        if span["name"] == "call" {
            calls.retain(|(trace, above)| (&span["traceId"], &span["parentSpanId"]) != (trace, above));
        }
    }
}
