//! What one user may have done for him at a time, and what no request may bring along.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::*;

type Servers = tokio::task::JoinSet<std::io::Result<()>>;

fn serve(core: &Arc<Core>, directory: &Path, uid: u32, servers: &mut Servers) -> std::path::PathBuf {
    let socket = directory.join(uid.to_string());
    let listener = UnixListener::bind(&socket).expect("binds");
    let router = router(core.clone()).layer(Extension(Peer { uid, pid: 1, admin: uid == 0 }));
    servers.spawn(axum::serve(listener, router).into_future());
    socket
}

/// Also when he hangs up: the orders go on, and so does their turn.
#[tokio::test]
async fn a_users_orders_take_turns_and_hold_up_nobody_else() {
    let swarm = swarm();
    let (core, node) = (swarm.core.clone(), swarm.node.clone());
    let directory = tempfile::tempdir().expect("a directory");
    let mut servers = Servers::new();
    let [root, ann, bob] = [0, 1000, 1001].map(|uid| serve(&core, directory.path(), uid, &mut servers));
    let mut orders = Vec::new();
    for order in 0..8 {
        let mut vaults = Vec::new();
        for number in 0..2 {
            let spawning = spawning(&format!("{order}.{number}"));
            vaults.push(core.spawn_for(Some(1000), Some(1000), spawning).await.expect("spawns").vault.id);
        }
        orders.push(serde_json::json!({ "vaults": vaults }).to_string());
    }
    node.hold(Some(FakeCall::Doom));
    for order in &orders {
        let mut stream = UnixStream::connect(&ann).await.expect("connects");
        let head =
            format!("POST {} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n", paths::DESTRUCTS);
        let request = format!("{head}content-length: {}\r\n\r\n{order}", order.len());
        stream.write_all(request.as_bytes()).await.expect("writes");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let read = async |who: &Path| ask(who, &format!("GET {} HTTP/1.1", paths::VAULTS), b"").await;
    let late = tokio::time::timeout(Duration::from_millis(300), read(&ann)).await;
    assert!(late.is_err(), "her turns are taken: {late:?}");
    assert_eq!((read(&bob).await.0, read(&root).await.0), (200, 200));
    node.hold(None);
    assert_eq!(tokio::time::timeout(Duration::from_secs(30), read(&ann)).await.expect("has a turn").0, 200);
}

/// A listing may be as long as there are records. The next one comes after it has been read, and other work beside it.
#[tokio::test]
async fn a_user_has_one_listing_at_a_time_and_works_beside_it() {
    let swarm = swarm();
    let directory = tempfile::tempdir().expect("a directory");
    let mut servers = Servers::new();
    let [ann, bob] = [1000, 1001].map(|uid| serve(&swarm.core, directory.path(), uid, &mut servers));
    let vault = swarm.core.spawn_for(Some(1000), Some(1000), spawning("k")).await.expect("spawns").vault.id;
    let list = |who: std::path::PathBuf| {
        tokio::spawn(async move { ask(&who, &format!("GET {} HTTP/1.1", paths::VAULTS), b"").await.0 })
    };
    let turns = |kind| swarm.core.charges().turn(1000, kind, 0);
    let first = turns(user_limits::CostClass::Listing).await.expect("is the first");
    let second = list(ann.clone());
    let other = list(bob);
    assert_eq!(other.await.expect("ends"), 200, "others list");
    let body = format!("{{\"vaults\":[{{\"vault\":\"{vault}\"}}]}}");
    let head = format!("POST {} HTTP/1.1\r\ncontent-type: application/json", paths::HEARTBEATS);
    assert_eq!(ask(&ann, &head, body.as_bytes()).await.0, 200);
    let mut work = Vec::new();
    for _ in 0..3 {
        work.push(turns(user_limits::CostClass::Work).await.expect("has the other turns"));
    }
    assert!(!second.is_finished(), "it waits for the first");
    drop((first, work));
    assert_eq!(second.await.expect("ends"), 200);
}

/// What a long body becomes is many times as long. Short ones go by, and so do others' long ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_long_bodies_are_read_one_after_the_other() {
    let swarm = swarm();
    let directory = tempfile::tempdir().expect("a directory");
    let mut servers = Servers::new();
    let [ann, bob] = [1000, 1001].map(|uid| serve(&swarm.core, directory.path(), uid, &mut servers));
    let summon = |who: &Path, key: &str, length: usize| {
        let (who, mut request) = (who.to_owned(), summoning(key));
        request.args = vec![Value::from("x".repeat(length))];
        let head = format!("POST {} HTTP/1.1\r\ncontent-type: application/json", paths::SUMMONS);
        tokio::spawn(async move { ask(&who, &head, &json(&request)).await.0 })
    };
    let under_way =
        swarm.core.charges().turn(1000, user_limits::CostClass::Work, 8 << 20).await.expect("is the first");
    let second = summon(&ann, "long", 1 << 20);
    assert_eq!(summon(&bob, "long", 1 << 20).await.expect("ends"), 200);
    assert_eq!(summon(&ann, "short", 1 << 10).await.expect("ends"), 200);
    assert!(!second.is_finished(), "it waits for the first");
    drop(under_way);
    assert_eq!(second.await.expect("ends"), 200);
    // Some of them go together.
    let half =
        swarm.core.charges().turn(1000, user_limits::CostClass::Work, 3 << 20).await.expect("is the first");
    assert_eq!(summon(&ann, "other", 3 << 20).await.expect("ends"), 200);
    drop(half);
}

/// Of however many users. Who comes when there is no room waits, short bodies and administrators' do not.
#[tokio::test]
async fn long_bodies_of_all_users_have_one_room() {
    use user_limits::CostClass;

    const LONGEST: u64 = crate::extract::MAX_BODY_BYTES as u64;
    let charges = Arc::new(user_limits::UserLimits::default());
    let taken = Arc::new(AtomicU64::new(0));
    let waiting = Arc::new(tokio::sync::Semaphore::new(0));
    let mut users = tokio::task::JoinSet::new();
    for uid in 1000..1040 {
        let (charges, taken, waiting) = (charges.clone(), taken.clone(), waiting.clone());
        users.spawn(async move {
            let turn = charges.turn(uid, CostClass::Work, LONGEST).await.expect("has a turn");
            let together = taken.fetch_add(1, Ordering::Relaxed) + 1;
            let end = waiting.acquire().await.expect("is open");
            end.forget();
            taken.fetch_sub(1, Ordering::Relaxed);
            drop(turn);
            together
        });
    }
    while taken.load(Ordering::Relaxed) < 4 {
        tokio::task::yield_now().await;
    }
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(taken.load(Ordering::Relaxed), 4, "32 MiB at a time");
    charges.turn(1039, CostClass::Beat, 1 << 10).await.expect("is short");
    let administrators: Vec<_> =
        futures_util::future::join_all((0..4).map(|_| charges.administrators_turn(LONGEST))).await;
    let fifth = charges.administrators_turn(LONGEST);
    assert!(tokio::time::timeout(Duration::from_millis(50), fifth).await.is_err(), "theirs is bounded, too");
    drop(administrators);
    waiting.add_permits(40);
    let together: Vec<u64> = users.join_all().await;
    assert_eq!((together.len(), together.into_iter().max()), (40, Some(4)), "each has had his turn");
}

/// Two letters are some eighty bytes of memory.
#[tokio::test]
async fn a_body_is_bounded_in_breadth() {
    let swarm = swarm();
    let directory = tempfile::tempdir().expect("a directory");
    let mut servers = Servers::new();
    let ann = serve(&swarm.core, directory.path(), 1000, &mut servers);
    let summon = async |arguments: &str| {
        let mut request = summoning("k");
        (request.args, request.dry_run) = (vec![Value::from("all")], true);
        let body = String::from_utf8(json(&request)).expect("is text").replace("\"all\"", arguments);
        ask(
            &ann,
            &format!("POST {} HTTP/1.1\r\ncontent-type: application/json", paths::SUMMONS),
            body.as_bytes(),
        )
        .await
    };
    assert_eq!(summon(&format!("{}1", "1,".repeat(130_000))).await.0, 200);
    for part in ["1,", "[],", r#"{"":1},"#] {
        let (status, error) = summon(&format!("{}1", part.repeat((8 << 20) / part.len() - 1_000))).await;
        assert_eq!((status, error["code"].as_str()), (400, Some("bad_request")), "{part}");
        assert!(error["message"].as_str().is_some_and(|told| told.contains("131072 values")), "{error}");
    }
}

/// A node that hangs holds up the beats for its own vaults only.
#[tokio::test]
async fn a_users_beats_for_one_node_do_not_wait_for_another() {
    use crate::fake_node::FakeNode;
    use crate::store::MemoryStore;

    let nodes = ["n1", "n2"].map(|name| Arc::new(FakeNode::new(name.parse().expect("a name"))));
    let store = Arc::new(MemoryStore::default());
    let core = crate::tests::core_over(store, &[&nodes[0], &nodes[1]], &["n1", "n2"]);
    let directory = tempfile::tempdir().expect("a directory");
    let mut servers = Servers::new();
    let ann = serve(&core, directory.path(), 1000, &mut servers);
    let mut beats = Vec::new();
    for node in ["n1", "n2"] {
        let mut request = spawning(node);
        request.placement.node = node.parse().ok();
        let vault = core.spawn_for(Some(1000), Some(1000), request).await.expect("spawns").vault.id;
        beats.push(format!("{{\"vaults\":[{{\"vault\":\"{vault}\"}}]}}"));
    }
    let beat = |body: &str| {
        let (ann, body) = (ann.clone(), body.to_owned());
        let head = format!("POST {} HTTP/1.1\r\ncontent-type: application/json", paths::HEARTBEATS);
        tokio::spawn(async move { ask(&ann, &head, body.as_bytes()).await.1 })
    };
    nodes[0].hold(Some(FakeCall::Beat));
    let waiting: Vec<_> = (0..40).map(|_| beat(&beats[0])).collect();
    nodes[0].somebody_waits().await;
    let answer = tokio::time::timeout(Duration::from_secs(30), beat(&beats[1])).await;
    let answer = answer.expect("is not held up").expect("ends");
    assert!(answer["beats"][0]["lease_left_ms"].is_u64(), "{answer}");
    assert!(waiting.iter().all(|beat| !beat.is_finished()));
    nodes[0].hold(None);
    for beat in waiting {
        assert!(beat.await.expect("ends")["beats"][0]["lease_left_ms"].is_u64());
    }
}

/// What waits for news has a bound of its own, and is no work.
#[tokio::test]
async fn a_user_follows_so_many_streams_and_works_beside_them() {
    let swarm = swarm();
    let directory = tempfile::tempdir().expect("a directory");
    let mut servers = Servers::new();
    let ann = serve(&swarm.core, directory.path(), 1000, &mut servers);
    let mut followed = Vec::new();
    for number in 0..33 {
        let mut stream = UnixStream::connect(&ann).await.expect("connects");
        let head = format!("GET {}?follow=true HTTP/1.1\r\nhost: x\r\n\r\n", paths::EVENTS);
        stream.write_all(head.as_bytes()).await.expect("writes");
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.expect("answers");
        let expected = if number < 32 { b"HTTP/1.1 200" } else { b"HTTP/1.1 503" };
        assert_eq!(first, *expected, "{number}");
        followed.push(stream);
    }
    assert_eq!(ask(&ann, &format!("GET {} HTTP/1.1", paths::VAULTS), b"").await.0, 200);
    drop(followed);
    let again = async {
        while ask(&ann, &format!("GET {} HTTP/1.1", paths::EVENTS), b"").await.0 != 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), again).await.expect("who hangs up follows no more");
}

#[tokio::test]
async fn long_orders_are_an_administrators_and_give_way() {
    let swarm = swarm();
    let directory = tempfile::tempdir().expect("a directory");
    let mut servers = Servers::new();
    let [root, ann] = [0, 1000].map(|uid| serve(&swarm.core, directory.path(), uid, &mut servers));
    let ids = |count: usize| (0..count).map(|_| random::vault_id()).collect::<Vec<_>>();
    let many = serde_json::json!({ "vaults": ids(20_000) }).to_string();
    let post = async |who: &Path, path: &str, body: &str| {
        ask(who, &format!("POST {path} HTTP/1.1\r\ncontent-type: application/json"), body.as_bytes()).await
    };
    let (status, error) = post(&ann, paths::DESTRUCTS, &many).await;
    assert_eq!((status, error["code"].as_str()), (400, Some("bad_request")));
    let entries: Vec<_> = (0..20_000).map(|_| random::spool_id()).collect();
    let order = serde_json::json!({ "act": "remove", "entries": entries }).to_string();
    assert_eq!(post(&ann, paths::SPOOL_ORDERS, &order).await.0, 400);

    // One thread for all, and it serves others all the while.
    let turns = Arc::new(AtomicU64::new(0));
    let others = tokio::spawn({
        let turns = turns.clone();
        async move {
            loop {
                turns.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        }
    });
    let request = serde_json::from_value(serde_json::json!({ "vaults": ids(10_000) })).expect("is one");
    let before = turns.load(Ordering::Relaxed);
    let reply = swarm.core.destruct_own(Some(1000), request, None).await.expect("answers");
    assert_eq!(reply.ended.len(), 10_000);
    let had = turns.load(Ordering::Relaxed) - before;
    assert!(had >= 100, "others had {had} turns");
    others.abort();
    assert_eq!(post(&root, paths::DESTRUCTS, &many).await.0, 200);

    // Lists and filters that are compared with every vault are short.
    let labels: serde_json::Map<String, Value> =
        (0..65).map(|number| (format!("l{number}"), Value::from("x"))).collect();
    let mut spawn = serde_json::to_value(spawning("k")).expect("encodes");
    for wish in ["labels", "anti_affinity"] {
        spawn["placement"] = serde_json::json!({ wish: labels });
        assert_eq!(post(&root, paths::SPAWN, &spawn.to_string()).await.0, 400, "{wish}");
    }
    let reap = serde_json::json!({ "labels": labels }).to_string();
    assert_eq!(post(&root, paths::REAP, &reap).await.0, 400);
}

/// `POST reap?dry_run=true` is meant to end nobody.
#[tokio::test]
async fn what_an_endpoint_does_not_take_is_refused_by_each() {
    let served = Served::start();
    let spawned = served.swarm.core.spawn(spawning("k")).await.expect("spawns");
    for endpoint in ENDPOINTS {
        let path = endpoint.path.replace("{id}", spawned.vault.id.as_str());
        let method = endpoint.method.as_str().to_uppercase();
        if endpoint.query.is_none() {
            let head = format!("{method} {path}?dry_run=true HTTP/1.1\r\ncontent-type: application/json");
            let (status, error) = served.ask(&head, b"{}").await;
            assert_eq!((status, error["code"].as_str()), (400, Some("bad_request")), "{head}");
        }
        if endpoint.body.is_none() {
            let head = format!("{method} {path} HTTP/1.1\r\ncontent-type: application/json");
            let (status, error) = served.ask(&head, b"{\"dry_run\":true}").await;
            assert_eq!((status, error["code"].as_str()), (400, Some("bad_request")), "{head}");
        }
    }
    assert_eq!(served.swarm.node.living(), [spawned.vault.id]);
}

/// It lies in memory until then.
#[tokio::test]
async fn a_long_answer_that_is_not_read_is_its_askers_turn() {
    let swarm = swarm();
    let directory = tempfile::tempdir().expect("a directory");
    let mut servers = Servers::new();
    let ann = serve(&swarm.core, directory.path(), 1000, &mut servers);
    let long = "x".repeat(2 << 20);
    let request = SummonsRequest { args: vec![long.clone().into()], ..summoning("k") };
    let id = swarm.core.summon_for(Some(1000), request).await.expect("is taken").id;
    let path = paths::with_id(paths::SUMMONS_ONE, id.as_str());
    let mut unread = Vec::new();
    for _ in 0..4 {
        let mut stream = UnixStream::connect(&ann).await.expect("connects");
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("writes");
        stream.read_exact(&mut [0; 12]).await.expect("is answered");
        unread.push(stream);
    }
    let next = async || ask(&ann, &format!("GET {path} HTTP/1.1"), b"").await;
    assert!(tokio::time::timeout(Duration::from_millis(300), next()).await.is_err(), "her turns are taken");
    let mut rest = Vec::new();
    unread.remove(0).read_to_end(&mut rest).await.expect("is read");
    assert!(rest.len() > long.len() && rest.ends_with(b"}"));
    let (status, answer) = tokio::time::timeout(Duration::from_secs(30), next()).await.expect("has a turn");
    assert_eq!((status, answer["args"][0].as_str()), (200, Some(long.as_str())));
}
