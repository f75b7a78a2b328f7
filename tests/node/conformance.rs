//! One suite over all that answer the inner contract: what a core may rely on, whoever it asks. The fake, on which the
//! tests of the core rest; the real node on the fake driver; the same node behind its routes; and each as the core
//! hears it, through the one who believes no node, and must refuse nothing of who keeps the promises.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::support::probe;
use crate::support::until::{bounded, until};
use hauki::api::clone::{CloneAnswer, CloneAsk};
use hauki::api::node::{
    BeatOrder, Code, DestructOrder, Doom, NewsItem, NodeApi, OpenOrder, Opening, ProvisionOrder, Provisioned,
};
use hauki::api::node_error::{NodeError, NodeFault};
use hauki::api::{ApiError, ErrorCode};
use hauki::model::death::Cause;
use hauki::model::digest::Sha256;
use hauki::model::id::VaultId;
use hauki::model::lease::Terms;
use hauki::model::limits::Limits;
use hauki::model::phase::Phase;
use hauki::model::receipt::Receipt;
use hauki::rpc::capability::IssuerKey;
use hauki_contract::system::random;
use hauki_control::Member;
use hauki_control::fake_node::FakeNode;
use hauki_control::link::HttpNode;
use hauki_control::nodes::NodeSlot;
use hauki_node::api::InProcessNode;
use hauki_node::service::NodeService;
use hauki_node::settings::NodeSettings;
use hauki_sandbox::fake::{FakeDriver, Faults};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;

const NAME: &str = "n1";
const WORKER: &str = "function scan() {} function top() {}";
/// `create` waits for the answer, and goes on without a child.
const WISHES: &str =
    "function create() { try { clone_object(\"function f() {}\"); } catch (e) {} } function scan() {}";
const MOST_VAULTS: u32 = 3;
/// Nothing of this suite takes so long.
const LONG_MS: u64 = 30_000;

fn order(source: &str) -> ProvisionOrder {
    let (key, vault) = (IssuerKey::generate(), random::vault_id());
    ProvisionOrder {
        vault: vault.clone(),
        generation: 1,
        sha256: Sha256::of(source.as_bytes()),
        source: source.into(),
        file: "a.js".into(),
        args: Vec::new(),
        limits: Limits { call_deadline_ms: 60_000, ..Limits::default() },
        terms: Terms { claim_ms: 600_000, lease_ms: 600_000, ..Terms::default() },
        issuer: key.public_hex(),
        parent: None,
        voucher: key.vouch(&vault, jiff::Timestamp::MAX).expect("signs"),
        opening: None,
        secrets: Vec::new(),
    }
}

fn ending(vault: &VaultId) -> DestructOrder {
    DestructOrder { vault: vault.clone(), cause: Cause::Destruct, by: Some("me".into()), grace_ms: 0 }
}

fn opening(vault: &VaultId) -> OpenOrder {
    OpenOrder { vault: vault.clone(), generation: 1, lease_ms: Some(5_000), link: None }
}

fn beating(vault: &VaultId) -> BeatOrder {
    BeatOrder { vault: vault.clone(), generation: Some(1), by: None }
}

async fn made(node: &dyn NodeApi) -> VaultId {
    let order = order(WORKER);
    let vault = order.vault.clone();
    node.provision(order).await.expect("forges");
    vault
}

async fn dead(node: &dyn NodeApi) -> Receipt {
    let vault = made(node).await;
    node.destruct(ending(&vault)).await.expect("ends").receipt
}

fn fault<T: std::fmt::Debug>(answer: Result<T, NodeError>) -> NodeFault {
    answer.expect_err("is refused").fault
}

/// Every promise that needs no worker that can run.
async fn promises(node: &dyn NodeApi) {
    it_tells_who_it_is(node).await;
    it_forges_what_it_is_ordered_and_lists_what_lives(node).await;
    code_is_kept_by_its_hash_and_checked(node).await;
    what_no_node_allows_is_refused(node).await;
    an_id_is_given_once(node).await;
    an_open_port_stays_and_answers_its_generation_only(node).await;
    the_dead_answer_everything_with_one_receipt(node).await;
    who_was_never_there_is_unknown(node).await;
    to_ask_how_it_died_kills_nobody(node).await;
    the_doomed_die_at_once_and_nobody_else(node).await;
    news_are_told_in_their_order_and_from_where_one_asks(node).await;
    an_abandoned_order_leaves_nothing(node).await;
    it_takes_as_many_as_it_may_and_has_room_again(node).await;
    assert_eq!(node.vaults(None).await.expect("lists").vaults, [], "the suite ends what it makes");
}

async fn it_tells_who_it_is(node: &dyn NodeApi) {
    let word = node.status().await.expect("tells");
    assert_eq!((word.name.as_str(), word.max_vaults, word.draining), (NAME, MOST_VAULTS, false));
    assert_eq!(node.health().await.expect("tells").word.boot_id, word.boot_id);
    assert_eq!(node.vaults(None).await.expect("lists").word.boot_id, word.boot_id);
    assert_eq!(node.news(0, 0).await.expect("tells").boot_id, word.boot_id);
    assert_eq!(node.asks(0, 0).await.expect("tells").boot_id, word.boot_id);
}

async fn it_forges_what_it_is_ordered_and_lists_what_lives(node: &dyn NodeApi) {
    let with_port = ProvisionOrder { opening: Some(Opening::default()), ..order(WORKER) };
    let (one, other) = (with_port.vault.clone(), made(node).await);
    let Provisioned { mut methods, opened, .. } = node.provision(with_port).await.expect("forges");
    methods.sort();
    assert_eq!(methods, ["scan", "top"]);
    let opened = opened.expect("is open");
    let again = node.open(OpenOrder { lease_ms: None, ..opening(&one) }).await.expect("is open");
    assert_eq!((again.ip, again.port, again.key_sha256), (opened.ip, opened.port, opened.key_sha256));
    let listed = node.vaults(None).await.expect("lists").vaults;
    assert_eq!(listed.len(), 2);
    for (vault, phase) in [(&one, Phase::Ticketed), (&other, Phase::Forged)] {
        let alone = node.vaults(Some(vault.clone())).await.expect("lists").vaults;
        let [said] = alone.as_slice() else { panic!("{alone:?}") };
        assert_eq!((&said.vault, said.generation, said.phase), (vault, 1, phase.into()));
    }
    for vault in [&one, &other] {
        node.destruct(ending(vault)).await.expect("ends");
        until("it is not listed", async || {
            node.vaults(Some(vault.clone())).await.expect("lists").vaults.is_empty()
        })
        .await;
    }
}

async fn code_is_kept_by_its_hash_and_checked(node: &dyn NodeApi) {
    let source = format!("{WORKER} // {}", random::u64());
    let by_hash = || ProvisionOrder { source: String::new(), ..order(&source) };
    assert_eq!(fault(node.provision(by_hash()).await), NodeFault::CodeMissing);
    let sha256 = Sha256::of(source.as_bytes());
    assert_eq!(fault(node.keep(Code { sha256, source: "other".into() }).await), NodeFault::BadOrder);
    let forged = ProvisionOrder { source: "other".into(), ..order(&source) };
    assert_eq!(fault(node.provision(forged).await), NodeFault::BadOrder);
    assert_eq!(fault(node.provision(by_hash()).await), NodeFault::CodeMissing);
    node.keep(Code { sha256, source: source.clone() }).await.expect("is kept");
    assert!(node.status().await.expect("tells").code.contains(&sha256));
    let order = by_hash();
    let vault = order.vault.clone();
    node.provision(order).await.expect("the code is there");
    node.destruct(ending(&vault)).await.expect("ends");
}

async fn what_no_node_allows_is_refused(node: &dyn NodeApi) {
    let wide = Limits { memory_bytes: u64::MAX, ..Limits::default() };
    let long = Terms { lifetime_ms: u64::MAX, ..Terms::default() };
    for wrong in [
        ProvisionOrder { limits: wide, ..order(WORKER) },
        ProvisionOrder { terms: long, ..order(WORKER) },
        ProvisionOrder { issuer: "no key".into(), ..order(WORKER) },
    ] {
        assert_eq!(fault(node.provision(wrong).await), NodeFault::BadOrder);
    }
}

async fn an_id_is_given_once(node: &dyn NodeApi) {
    let vault = made(node).await;
    let again = || ProvisionOrder { vault: vault.clone(), ..order(WORKER) };
    assert_eq!(fault(node.provision(again()).await), NodeFault::Exists);
    assert_eq!(node.vaults(None).await.expect("lists").vaults.len(), 1, "the first one lives");
    node.destruct(ending(&vault)).await.expect("ends");
    until("it is buried", async || fault(node.provision(again()).await) == NodeFault::Exists).await;
}

async fn an_open_port_stays_and_answers_its_generation_only(node: &dyn NodeApi) {
    let vault = made(node).await;
    let stale = OpenOrder { generation: 2, ..opening(&vault) };
    assert_eq!(fault(node.open(stale).await), NodeFault::StaleGeneration);
    let opened = node.open(opening(&vault)).await.expect("opens");
    assert_eq!(opened.terms.lease_ms, 5_000);
    let other = OpenOrder { lease_ms: Some(6_000), link: Some(false), ..opening(&vault) };
    let other = node.open(other).await.expect("is open");
    assert_eq!((other.port, other.terms.lease_ms), (opened.port, 6_000), "each ticket has its own terms");
    let stale = BeatOrder { generation: Some(2), ..beating(&vault) };
    assert_eq!(fault(node.beat(stale).await), NodeFault::StaleGeneration);
    assert!(node.beat(beating(&vault)).await.expect("beats").lease_left_ms > 0);
    node.destruct(ending(&vault)).await.expect("ends");
}

async fn the_dead_answer_everything_with_one_receipt(node: &dyn NodeApi) {
    let vault = made(node).await;
    let torn = node.destruct(ending(&vault)).await.expect("ends");
    let Receipt { vault: of, node: by_node, death, .. } = &torn.receipt;
    assert_eq!((of, by_node.as_str(), torn.changed), (&vault, NAME, true));
    assert_eq!((death.cause, death.by.as_deref()), (Cause::Destruct.into(), Some("me")));
    let other = DestructOrder { cause: Cause::Reaped, by: Some("another".into()), ..ending(&vault) };
    let again = node.destruct(other).await.expect("is legal");
    assert_eq!((&again.receipt, again.changed), (&torn.receipt, false));
    assert_eq!(node.receipt(vault.clone()).await.expect("is told"), torn.receipt);
    let told = NodeFault::Dead(Box::new(torn.receipt));
    until("it is buried", async || fault(node.beat(beating(&vault)).await) == told).await;
    assert_eq!(fault(node.open(opening(&vault)).await), told);
}

async fn who_was_never_there_is_unknown(node: &dyn NodeApi) {
    let vault = random::vault_id();
    assert_eq!(fault(node.open(opening(&vault)).await), NodeFault::Unknown);
    assert_eq!(fault(node.beat(beating(&vault)).await), NodeFault::Unknown);
    assert_eq!(fault(node.destruct(ending(&vault)).await), NodeFault::Unknown);
    assert_eq!(fault(node.receipt(vault.clone()).await), NodeFault::Unknown);
    assert_eq!(node.vaults(Some(vault.clone())).await.expect("lists").vaults, []);
    let doom = Doom { vaults: vec![vault], cause: Cause::Destruct, by: None };
    node.doom(doom).await.expect("is passed over");
}

async fn to_ask_how_it_died_kills_nobody(node: &dyn NodeApi) {
    let vault = made(node).await;
    for _ in 0..2 {
        assert_eq!(fault(node.receipt(vault.clone()).await), NodeFault::NotYet);
    }
    assert!(node.beat(beating(&vault)).await.is_ok(), "it lives");
    let torn = node.destruct(ending(&vault)).await.expect("ends");
    assert!(torn.changed);
}

async fn the_doomed_die_at_once_and_nobody_else(node: &dyn NodeApi) {
    let (one, two, spared) = (made(node).await, made(node).await, made(node).await);
    let gone = dead_before(node, &one).await;
    let vaults = vec![one.clone(), random::vault_id(), two.clone()];
    let doom = Doom { vaults, cause: Cause::Reaped, by: Some("reaper".into()) };
    node.doom(doom).await.expect("is told");
    let torn = node.destruct(ending(&two)).await.expect("is idempotent");
    let death = &torn.receipt.death;
    assert_eq!(
        (torn.changed, death.cause, death.by.as_deref()),
        (false, Cause::Reaped.into(), Some("reaper"))
    );
    assert_eq!(node.receipt(one).await.expect("is told"), gone, "it was dead before");
    assert_eq!(fault(node.receipt(spared.clone()).await), NodeFault::NotYet);
    node.destruct(ending(&spared)).await.expect("ends");
}

async fn dead_before(node: &dyn NodeApi, vault: &VaultId) -> Receipt {
    node.destruct(ending(vault)).await.expect("ends").receipt
}

async fn news_are_told_in_their_order_and_from_where_one_asks(node: &dyn NodeApi) {
    let before = node.news(0, 0).await.expect("tells").last;
    let (first, second) = (dead(node).await, dead(node).await);
    for (after, receipt) in (before..).zip([&first, &second]) {
        let news = node.news(after, LONG_MS).await.expect("tells");
        let died = news.items.iter().find_map(|item| match item {
            NewsItem::Died(told) => Some(told),
            _ => None,
        });
        // Both may come at once, and then the first stands first.
        assert_eq!(died, Some(receipt));
        assert!(news.last > after);
    }
    let last = node.news(before, 0).await.expect("tells").last;
    assert_eq!(node.news(last, 0).await.expect("tells").items, []);
    // Who waits hears at once.
    let (heard, third) = tokio::join!(bounded("news", node.news(last, LONG_MS)), dead(node));
    assert_eq!(heard.expect("tells").items, [NewsItem::Died(third)]);
    assert_eq!(bounded("an answer", node.news(u64::MAX, LONG_MS)).await.expect("tells").items, []);
}

/// Polled once, so that it has begun, and then forgotten.
async fn an_abandoned_order_leaves_nothing(node: &dyn NodeApi) {
    let order = order(WORKER);
    let vault = order.vault.clone();
    let mut forging = node.provision(order);
    std::future::poll_fn(|context| Poll::Ready(forging.as_mut().poll(context).is_pending())).await;
    drop(forging);
    until("nothing is left", async || {
        node.vaults(Some(vault.clone())).await.expect("lists").vaults.is_empty()
    })
    .await;
}

async fn it_takes_as_many_as_it_may_and_has_room_again(node: &dyn NodeApi) {
    let mut vaults = Vec::new();
    for _ in 0..MOST_VAULTS {
        vaults.push(made(node).await);
    }
    assert_eq!(node.status().await.expect("tells").vaults, MOST_VAULTS);
    assert_eq!(fault(node.provision(order(WORKER)).await), NodeFault::Full);
    node.destruct(ending(&vaults.remove(0))).await.expect("ends");
    until("there is room", async || node.status().await.expect("tells").vaults < MOST_VAULTS).await;
    vaults.push(made(node).await);
    for vault in vaults {
        node.destruct(ending(&vault)).await.expect("ends");
    }
    until("all are gone", async || node.status().await.expect("tells").vaults == 0).await;
}

/// One of its workers wishes; how it is brought to that is the caller's to know.
async fn a_wish_waits_for_its_answer_and_is_told_until_then(node: &dyn NodeApi, vault: &VaultId) {
    let heard = bounded("a wish", node.asks(0, LONG_MS)).await.expect("tells");
    let [ask] = heard.asks.as_slice() else { panic!("{heard:?}") };
    assert_eq!((&ask.vault, ask.arguments.as_str()), (vault, "[\"function f() {}\"]"));
    assert_eq!(node.asks(0, 0).await.expect("tells"), heard, "as to a core that starts anew");
    assert_eq!(node.asks(heard.last, 0).await.expect("tells").asks, []);
    let error = Some(ApiError::new(ErrorCode::Quota, "no more"));
    let answer = CloneAnswer { vault: vault.clone(), number: ask.number, ticket: None, error };
    let other = CloneAnswer { number: ask.number + 1, ..answer.clone() };
    assert_eq!(fault(node.cloned(other).await), NodeFault::NotAwaited);
    let nobody = CloneAnswer { vault: random::vault_id(), ..answer.clone() };
    assert_eq!(fault(node.cloned(nobody).await), NodeFault::Unknown);
    node.cloned(answer.clone()).await.expect("is awaited");
    assert_eq!(fault(node.cloned(answer).await), NodeFault::NotAwaited);
    assert_eq!(node.asks(0, 0).await.expect("tells").asks, []);
}

async fn real_workers(node: &dyn NodeApi) {
    let limits = Limits { spawn: 1, ..order("").limits };
    let order_of_wisher = ProvisionOrder { limits, ..order(WISHES) };
    let vault = order_of_wisher.vault.clone();
    let (forged, ()) = tokio::join!(
        node.provision(order_of_wisher),
        a_wish_waits_for_its_answer_and_is_told_until_then(node, &vault)
    );
    assert_eq!(forged.expect("goes on without a child").methods, ["scan"]);
    node.destruct(ending(&vault)).await.expect("ends");

    let NodeFault::BadSource(Some(worker)) = fault(node.provision(order("function (")).await) else {
        panic!("a worker's own fault has the worker's words")
    };
    assert_eq!(worker.line, Some(1));
    let throws = order("function create() { throw new Error(\"so\"); }");
    let NodeFault::WorkerFailed(Some(worker)) = fault(node.provision(throws).await) else {
        panic!("a worker's own fault has the worker's words")
    };
    assert!(worker.message.contains("so"), "{worker:?}");
    until("what failed is gone", async || node.status().await.expect("tells").vaults == 0).await;
}

async fn nothing_new_is_taken(node: &dyn NodeApi) {
    assert!(node.status().await.expect("tells").draining);
    assert_eq!(fault(node.provision(order(WORKER)).await), NodeFault::Draining);
}

/// `node` is the fake, or stands before it.
async fn promises_of_a_fake(fake: &FakeNode, node: &dyn NodeApi) {
    fake.set_max_vaults(MOST_VAULTS);
    promises(node).await;
    let vault = made(node).await;
    fake.wish(CloneAsk {
        vault: vault.clone(),
        number: 7,
        arguments: "[\"function f() {}\"]".into(),
        traceparent: None,
    });
    a_wish_waits_for_its_answer_and_is_told_until_then(node, &vault).await;
    fake.set_draining(true);
    nothing_new_is_taken(node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fake_keeps_the_promises() {
    let fake = FakeNode::new(NAME.parse().expect("a name"));
    promises_of_a_fake(&fake, &fake).await;
}

/// As a core has it among its nodes.
fn vetted(api: Arc<dyn NodeApi>) -> NodeSlot {
    NodeSlot::new(Member { name: NAME.parse().expect("a name"), labels: BTreeMap::new(), api, address: None })
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_fake_that_keeps_them_is_disbelieved() {
    let fake = Arc::new(FakeNode::new(NAME.parse().expect("a name")));
    let slot = vetted(fake.clone());
    promises_of_a_fake(&fake, &slot.api).await;
    assert_eq!(slot.api.refused(), 0);
}

async fn real() -> Arc<NodeService> {
    real_on(FakeDriver::new(probe::init_binary())).await
}

async fn real_on(driver: FakeDriver) -> Arc<NodeService> {
    let settings = NodeSettings {
        name: NAME.parse().expect("a name"),
        data_plane: Ipv4Addr::LOCALHOST.into(),
        data_plane_reason: "the test has no other".into(),
        max_vaults: MOST_VAULTS,
        warm_vaults: 0,
        net: None,
        authorities: Vec::new(),
    };
    NodeService::start(settings, Arc::new(driver)).await.expect("starts")
}

/// Nobody waits for it, so nobody would wonder.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_takes_long_is_told() {
    let driver = FakeDriver::new(probe::init_binary());
    driver.set_faults(Faults { reclaims_after: Duration::from_millis(1_100), ..Faults::default() });
    let node = real_on(driver).await;
    let api = InProcessNode(node.clone());
    let vault = dead(&api).await.vault;
    until("it is taken down", async || {
        let told = api.health().await.expect("tells").findings;
        let ended = format!("the end of {vault} 1.");
        told.iter().any(|check| {
            check.what.contains(&ended) && check.what.contains("(port ") && check.what.contains("reclaim 1.")
        })
    })
    .await;
    assert_eq!(node.shut_down(Duration::from_secs(10)).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_node_keeps_the_promises() {
    let node = real().await;
    let api = InProcessNode(node.clone());
    promises(&api).await;
    real_workers(&api).await;
    assert_eq!(node.shut_down(Duration::from_secs(10)).await, 0);
    nothing_new_is_taken(&api).await;
}

/// Behind its routes, for as long as the directory and the task are held.
fn served(node: &Arc<NodeService>) -> (HttpNode, tempfile::TempDir, JoinHandle<std::io::Result<()>>) {
    behind_routes(Arc::new(InProcessNode(node.clone())))
}

fn behind_routes(api: Arc<dyn NodeApi>) -> (HttpNode, tempfile::TempDir, JoinHandle<std::io::Result<()>>) {
    let ground = tempfile::tempdir().expect("a directory");
    let socket = ground.path().join("node.sock");
    let listener = tokio::net::UnixListener::bind(&socket).expect("binds");
    let router = hauki_node::routes::router(api);
    let serving = tokio::spawn(std::future::IntoFuture::into_future(axum::serve(listener, router)));
    (HttpNode::new(&socket).expect("is set up"), ground, serving)
}

/// One of before would not read a wish with a member that it does not know.
#[tokio::test(flavor = "multi_thread")]
async fn the_trace_of_a_wish_is_told_over_the_routes_to_a_core_that_says_it_knows_traces() {
    let fake = Arc::new(FakeNode::new(NAME.parse().expect("a name")));
    let (link, ground, serving) = behind_routes(fake.clone());
    let vault = made(&link).await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let arguments = "[\"function f() {}\"]".to_owned();
    fake.wish(CloneAsk { vault, number: 7, arguments, traceparent: Some(trace.to_owned()) });
    let heard = link.asks(0, 0).await.expect("tells");
    assert_eq!(heard.asks.iter().map(|ask| ask.traceparent.as_deref()).collect::<Vec<_>>(), [Some(trace)]);

    let mut older = tokio::net::UnixStream::connect(ground.path().join("node.sock")).await.expect("connects");
    let asked = "GET /node/v1/asks?after=0&wait_ms=0 HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n";
    older.write_all(asked.as_bytes()).await.expect("is asked");
    let mut answer = String::new();
    older.read_to_string(&mut answer).await.expect("answers");
    assert!(answer.contains("function f") && !answer.contains("traceparent"), "{answer}");
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_node_keeps_them_over_its_routes() {
    let node = real().await;
    let (link, _ground, serving) = served(&node);
    promises(&link).await;
    real_workers(&link).await;
    assert_eq!(node.shut_down(Duration::from_secs(10)).await, 0);
    nothing_new_is_taken(&link).await;
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_real_node_that_keeps_them_is_disbelieved() {
    let node = real().await;
    let (link, _ground, serving) = served(&node);
    let slot = vetted(Arc::new(link));
    promises(&slot.api).await;
    real_workers(&slot.api).await;
    assert_eq!(node.shut_down(Duration::from_secs(10)).await, 0);
    nothing_new_is_taken(&slot.api).await;
    assert_eq!(slot.api.refused(), 0);
    serving.abort();
}
