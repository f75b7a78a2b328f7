//! The core's link to a node over SSH, against a real sshd: what it carries, and how it breaks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::support::sshd::{self, Sshd};
use crate::support::until;
use hauki::api::node::{DestructOrder, NodeApi as _, ProvisionOrder};
use hauki::api::node_error::{NodeError, NodeFault};
use hauki::model::death::Cause;
use hauki::model::lease::Terms;
use hauki::model::limits::Limits;
use hauki::rpc::capability::IssuerKey;
use hauki_contract::system::random;
use hauki_control::fake_node::{FakeCall, FakeNode};
use hauki_control::link::ssh::LinkState;
use hauki_control::link::{HttpNode, SshLink, SshTarget};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

/// Far beyond anything that works.
const HANG: Duration = Duration::from_secs(60);

fn order(source: &str) -> ProvisionOrder {
    let (key, vault) = (IssuerKey::generate(), random::vault_id());
    ProvisionOrder {
        vault: vault.clone(),
        generation: 1,
        sha256: hauki::model::digest::Sha256::of(source.as_bytes()),
        source: source.into(),
        file: "a.js".into(),
        args: Vec::new(),
        limits: Limits::default(),
        terms: Terms::default(),
        issuer: key.public_hex(),
        parent: None,
        voucher: key.vouch(&vault, jiff::Timestamp::MAX).expect("signs"),
        opening: None,
        secrets: Vec::new(),
    }
}

struct Ground {
    sshd: Sshd,
    fake: Arc<FakeNode>,
    serving: JoinHandle<std::io::Result<()>>,
}

fn served(socket: &Path) -> (Arc<FakeNode>, JoinHandle<std::io::Result<()>>) {
    let fake = Arc::new(FakeNode::new("n1".parse().expect("a name")));
    let listener = tokio::net::UnixListener::bind(socket).expect("binds");
    let router = hauki_node::routes::router(fake.clone());
    (fake, tokio::spawn(std::future::IntoFuture::into_future(axum::serve(listener, router))))
}

impl Ground {
    /// A fake node behind the real routes, behind a real sshd.
    fn new(config: &str) -> Self {
        let sshd = Sshd::start(config);
        let (fake, serving) = served(&sshd.path("node.sock"));
        Self { sshd, fake, serving }
    }

    fn target(&self) -> SshTarget {
        self.sshd.target(&self.sshd.path("node.sock"))
    }

    fn link(&self, target: SshTarget) -> SshLink {
        SshLink::start(target, &self.sshd.path("link"), "n1").expect("starts")
    }

    fn node(&self) -> Arc<HttpNode> {
        Arc::new(HttpNode::over(self.link(self.target())).expect("is set up"))
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_goes_through_ssh_straight_and_by_the_bridge() {
    for (config, bridge_only) in [("", false), ("AllowStreamLocalForwarding no", false), ("", true)] {
        let ground = Ground::new(config);
        let node =
            HttpNode::over(ground.link(SshTarget { bridge_only, ..ground.target() })).expect("is set up");
        assert_eq!(node.status().await.expect("answers").name.as_str(), "n1", "{config}");
        let ordered = order("function f() {}");
        let vault = ordered.vault.clone();
        assert_eq!(node.provision(ordered).await.expect("forges").methods, ["scan", "top"]);
        let order = DestructOrder { vault, cause: Cause::Destruct, by: None, grace_ms: 0 };
        assert!(node.destruct(order).await.expect("ends").changed);
        assert_eq!(node.news(0, 1000).await.expect("tells").items.len(), 1);
    }
}

/// Both directions at once, larger than every window and buffer between, across many new keys.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn large_bodies_arrive_whole_while_keys_change() {
    let ground = Ground::new("RekeyLimit 1M");
    let node = ground.node();
    let source = format!("function f() {{}} // {}", "x".repeat(900_000));
    let mut orders = JoinSet::new();
    for _ in 0..40 {
        let (node, order) = (node.clone(), order(&source));
        orders.spawn(async move { node.provision(order).await.map(|made| made.methods.len()) });
    }
    for made in timeout(HANG, orders.join_all()).await.expect("none hangs") {
        assert_eq!(made.expect("forges"), 2);
    }
    assert_eq!(ground.fake.provisioned(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_order_reaches_the_node_as_dropped() {
    let ground = Ground::new("");
    ground.fake.hold(Some(FakeCall::Provision));
    let node = ground.node();
    let ordering = tokio::spawn({
        let node = node.clone();
        async move { node.provision(order("function f() {}")).await }
    });
    ground.fake.somebody_waits().await;
    ordering.abort();
    timeout(HANG, ground.fake.nobody_waits()).await.expect("the node hears of it");
    ground.fake.hold(None);
    assert_eq!(ground.fake.provisioned(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_connection_fails_what_waits_at_once_and_comes_back_by_itself() {
    let ground = Ground::new("");
    let link = ground.link(ground.target());
    let mut state = link.watch();
    let node = Arc::new(HttpNode::over(link).expect("is set up"));
    node.status().await.expect("answers");
    ground.fake.hold(Some(FakeCall::News));
    let waiting = tokio::spawn({
        let node = node.clone();
        async move { node.news(0, 0).await }
    });
    ground.fake.somebody_waits().await;
    ground.sshd.relay.cut();
    let error = timeout(HANG, waiting).await.expect("is told").expect("ends").expect_err("was cut");
    assert_eq!(error.fault, NodeFault::Silent);
    timeout(HANG, async {
        while node.status().await.is_err() {
            let _ = state.wait_for(|state| matches!(state, LinkState::Up)).await;
        }
    })
    .await
    .expect("comes back");
}

/// As a network that drops every packet: nobody is told, so somebody must find out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_server_is_given_up_and_a_request_has_its_deadline() {
    let ground = Ground::new("");
    let link = ground.link(ground.target());
    let mut state = link.watch();
    let node = Arc::new(HttpNode::over(link).expect("is set up"));
    node.status().await.expect("answers");
    ground.sshd.relay.silence(true);
    let error = timeout(HANG, node.status()).await.expect("has a deadline").expect_err("nobody answers");
    assert_eq!(error.fault, NodeFault::Silent);
    let down = timeout(HANG, state.wait_for(|state| matches!(state, LinkState::Down(_)))).await;
    let Ok(Ok(LinkState::Down(error))) = down.map(|state| state.map(|state| state.clone())) else {
        panic!("it must be found out")
    };
    assert!(error.message.contains("silent") && error.message.contains("root@127.0.0.1"), "{error}");
    // And now a request does not even wait.
    assert!(node.status().await.is_err());
    ground.sshd.relay.silence(false);
    ground.sshd.relay.cut();
    timeout(HANG, state.wait_for(|state| matches!(state, LinkState::Up)))
        .await
        .expect("in time")
        .expect("is up");
    node.status().await.expect("answers again");
}

/// libssh2 keeps every answer to a keepalive of its own until the session ends, which a good one does not for months.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signs_of_life_leave_nothing_behind() {
    let ground = Ground::new("LogLevel DEBUG3");
    let node = ground.node();
    let log = || std::fs::read_to_string(ground.sshd.path("log")).expect("is there");
    let beats = || log().matches("server_input_channel_req: channel 0 request env reply 1").count();
    until::until("it has asked twice", async || beats() >= 2).await;
    for _ in 0..20 {
        node.status().await.expect("answers between the beats");
    }
    assert!(!log().contains("keepalive@"), "{}", log());
}

/// Each has a window of its own, and none waits for another that does not read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_read_one_after_the_other_all_get_everything() {
    const LENGTH: usize = 3 << 20;
    let sshd = Sshd::start("");
    let socket = sshd.path("node.sock");
    let listener = tokio::net::UnixListener::bind(&socket).expect("binds");
    let serving = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move { client.write_all(&vec![7; LENGTH]).await });
        }
    });
    let link = SshLink::start(sshd.target(&socket), &sshd.path("link"), "n1").expect("starts");
    link.ready().await.expect("is up");
    let mut clients = Vec::new();
    for _ in 0..12 {
        clients.push(UnixStream::connect(link.socket()).await.expect("connects"));
    }
    for mut client in clients {
        let mut bytes = Vec::new();
        let read = timeout(HANG, client.read_to_end(&mut bytes)).await.expect("none hangs");
        assert_eq!(read.expect("reads"), LENGTH);
    }
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_node_does_not_slow_another() {
    let (dead, alive) = (Ground::new(""), Ground::new(""));
    let (to_dead, to_alive) = (dead.node(), alive.node());
    to_dead.status().await.expect("answers");
    dead.sshd.relay.silence(true);
    let mut waiting = JoinSet::new();
    for _ in 0..60 {
        let node = to_dead.clone();
        waiting.spawn(async move { node.status().await.is_err() });
    }
    for _ in 0..200 {
        to_alive.status().await.expect("answers meanwhile");
    }
    assert!(!waiting.is_empty());
    assert!(
        timeout(HANG, waiting.join_all()).await.expect("each has a deadline").into_iter().all(|late| late)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_daemon_that_does_not_run_is_said_and_found_again() {
    let ground = Ground::new("");
    ground.serving.abort();
    until::until("it has stopped", async || ground.serving.is_finished()).await;
    let node = ground.node();
    let error = node.status().await.expect_err("nobody listens");
    assert!(error.message.contains("node.sock"), "{error}");
    std::fs::remove_file(ground.sshd.path("node.sock")).expect("is ours");
    let (_fake, serving) = served(&ground.sshd.path("node.sock"));
    assert_eq!(node.status().await.expect("answers").name.as_str(), "n1");
    serving.abort();
}

async fn refused(ground: &Ground, target: SshTarget) -> NodeError {
    let node = HttpNode::over(ground.link(target)).expect("is set up");
    timeout(HANG, node.status()).await.expect("is decided").expect_err("must be refused")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_known_is_not_spoken_to() {
    let ground = Ground::new("");
    // Unknown: an empty file is no trust.
    let known = ground.sshd.path("known_hosts");
    let good = std::fs::read_to_string(&known).expect("is there");
    std::fs::write(&known, "").expect("writes");
    let error = refused(&ground, ground.target()).await;
    assert_eq!(error.fault, NodeFault::Barred);
    assert!(error.message.contains("SHA256:") && error.message.contains("not known"), "{error}");
    // Changed: somebody else's key under that name.
    sshd::keygen(&ground.sshd.path("other"));
    let other = std::fs::read_to_string(ground.sshd.path("other.pub")).expect("is there");
    std::fs::write(&known, format!("[127.0.0.1]:{} {other}", ground.sshd.relay.port)).expect("writes");
    let error = refused(&ground, ground.target()).await;
    assert_eq!(error.fault, NodeFault::Barred);
    assert!(error.message.contains("known_hosts"), "{error}");
    assert!(error.hint.expect("says what to do").contains("in between"));
    // A wrong key in one file is not outvoted by the right one in another.
    std::fs::write(ground.sshd.path("own_known_hosts"), &good).expect("writes");
    assert_eq!(refused(&ground, ground.target()).await.fault, NodeFault::Barred);
    // A refused login.
    std::fs::write(&known, good).expect("writes");
    std::fs::write(ground.sshd.path("authorized_keys"), "").expect("writes");
    let error = refused(&ground, ground.target()).await;
    assert_eq!(error.fault, NodeFault::Barred);
    assert!(error.message.contains("refused") && error.message.contains("/id"), "{error}");
}

/// The server has three keys, and the one that is known is not the one it would show first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_key_of_another_kind_is_found() {
    let dir = tempfile::tempdir().expect("a directory");
    let rsa = dir.path().join("rsa");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f"])
        .arg(&rsa)
        .status();
    assert!(made.expect("runs").success());
    let ground = Ground::new(&format!("HostKey {}", rsa.display()));
    let public = std::fs::read_to_string(rsa.with_extension("pub")).expect("is there");
    let line = format!("[127.0.0.1]:{} {public}", ground.sshd.relay.port);
    std::fs::write(ground.sshd.path("known_hosts"), line).expect("writes");
    ground.node().status().await.expect("is known by its other key");
}

/// What answers is not a node: no sense, and no end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_answers_rubbish_or_a_gigabyte_is_an_error_of_that_node() {
    use axum::body::Body;
    use axum::routing::get;
    for (answer, said) in [("rubbish", "strangely"), ("gigabyte", "more than 8 MiB")] {
        let sshd = Sshd::start("");
        let socket = sshd.path("node.sock");
        let listener = tokio::net::UnixListener::bind(&socket).expect("binds");
        let body = move || async move {
            if answer == "rubbish" {
                return Body::from("{\"name\": 5}");
            }
            let chunk = || std::iter::repeat_n("x".repeat(1 << 16), 1 << 14).map(Ok::<_, std::io::Error>);
            Body::from_stream(futures_util::stream::iter(chunk()))
        };
        let router = axum::Router::new().fallback(get(body));
        let serving = tokio::spawn(std::future::IntoFuture::into_future(axum::serve(listener, router)));
        let link = SshLink::start(sshd.target(&socket), &sshd.path("link"), "n1").expect("starts");
        let node = HttpNode::over(link).expect("is set up");
        let error = timeout(HANG, node.status()).await.expect("ends").expect_err("is no answer");
        assert!(error.message.contains(said) && error.message.contains("root@127.0.0.1"), "{error}");
        serving.abort();
    }
}
