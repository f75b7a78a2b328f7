//! A real node and a real gate over vaults whose inits are the test itself: what no JavaScript can
//! make an init do, a test can.

use std::future::pending;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;

use hauki::api::node::{NodeApi, OpenOrder, Opening, ProvisionOrder, Provisioned};
use hauki::api::node_error::NodeError;
use hauki::model::check::Check;
use hauki::model::death::Cause;
use hauki::model::id::VaultId;
use hauki::model::lease::{Promise, Terms};
use hauki::model::limits::{Controller, Limits};
use hauki::model::receipt::{Receipt, Reclaimed};
use hauki::rpc::capability::{Grant, IssuerKey};
use hauki::rpc::channel::{FromVault, Loaded, ToVault, WorkerReady};
use hauki_contract::system::{clock, random};
use hauki_node::api::InProcessNode;
use hauki_node::service::NodeService;
use hauki_node::settings::NodeSettings;
use hauki_sandbox::{BoxFuture, Driver, InitExit, Sandbox, StartError, Started, SweepError, Swept};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::stranger::HANG;

const FRAME_LIMIT: usize = 128 << 20;

struct Strings(mpsc::UnboundedSender<StdStream>);

impl Driver for Strings {
    fn start<'a>(&'a self, _: &'a VaultId, _: &'a Limits) -> BoxFuture<'a, Result<Started, StartError>> {
        let (node, puppet) = StdStream::pair().expect("a socket pair");
        for end in [&node, &puppet] {
            end.set_nonblocking(true).expect("is open");
        }
        self.0.send(puppet).expect("the test goes on");
        let started =
            Started { channel: OwnedFd::from(node), sandbox: Arc::new(Body(watch::Sender::new(false))) };
        Box::pin(async move { Ok(started) })
    }

    fn sweep(&self) -> BoxFuture<'_, Result<Swept, SweepError>> {
        Box::pin(async { Ok(Swept::default()) })
    }

    fn serves(&self, _: &Limits, _: &Limits) -> bool {
        false
    }

    fn unlimited(&self) -> Vec<Controller> {
        Controller::ALL.into()
    }

    fn diagnose(&self) -> BoxFuture<'_, Vec<Check>> {
        Box::pin(async { Vec::new() })
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Dies when it is killed and not before.
struct Body(watch::Sender<bool>);

impl Sandbox for Body {
    fn init_pid(&self) -> u32 {
        0
    }

    fn settle(&self, _: Option<usize>) {}

    fn is_dead(&self) -> bool {
        *self.0.borrow()
    }

    fn kill(&self) {
        self.0.send_replace(true);
    }

    fn died(&self) -> BoxFuture<'_, InitExit> {
        let mut dead = self.0.subscribe();
        Box::pin(async move {
            let killed = dead.wait_for(|dead| *dead).await.is_ok();
            if killed { InitExit::Signal(9) } else { pending().await }
        })
    }

    fn reclaim(&self) -> BoxFuture<'_, Vec<Reclaimed>> {
        self.kill();
        Box::pin(async { Vec::new() })
    }
}

pub(crate) struct Stage {
    api: InProcessNode,
    key: IssuerKey,
    puppets: mpsc::UnboundedReceiver<StdStream>,
}

/// The init's end of the channel.
pub(crate) struct Puppet {
    pub stream: UnixStream,
    pub vault: VaultId,
    input: Vec<u8>,
}

#[allow(dead_code, reason = "not every test target uses all of it")]
impl Stage {
    pub(crate) async fn build() -> Self {
        Self::at(std::net::Ipv4Addr::LOCALHOST).await
    }

    pub(crate) async fn at(data_plane: std::net::Ipv4Addr) -> Self {
        let (sender, puppets) = mpsc::unbounded_channel();
        let settings = NodeSettings {
            name: "stage".parse().expect("a name"),
            data_plane: data_plane.into(),
            data_plane_reason: String::new(),
            max_vaults: 8,
            // Its driver hands every vault that is started to the test.
            warm_vaults: 0,
            net: None,
            authorities: Vec::new(),
        };
        let node = NodeService::start(settings, Arc::new(Strings(sender))).await.expect("a node");
        Self { api: InProcessNode(node), key: IssuerKey::generate(), puppets }
    }

    /// A vault that has a method `f`, with an open port, and its puppet.
    pub(crate) async fn provision(
        &mut self,
        limits: Limits,
        terms: Terms,
    ) -> (Puppet, Result<Provisioned, NodeError>) {
        let vault = random::vault_id();
        let order = ProvisionOrder {
            vault: vault.clone(),
            generation: 1,
            sha256: hauki::model::digest::Sha256::of(b"// a puppet"),
            source: "// a puppet".into(),
            file: "w.js".into(),
            args: Vec::new(),
            limits,
            terms,
            issuer: self.key.public_hex(),
            parent: None,
            voucher: self.key.vouch(&vault, clock::now() + HANG).expect("signs"),
            opening: Some(Opening::default()),
            secrets: Vec::new(),
        };
        let provisioning = self.api.provision(order);
        let puppeting = async {
            let stream = self.puppets.recv().await.expect("the driver is asked");
            let stream = UnixStream::from_std(stream).expect("is non-blocking");
            let mut puppet = Puppet { stream, vault: vault.clone(), input: Vec::new() };
            puppet.say(&FromVault::Ready(WorkerReady { build: String::new(), locked: true })).await;
            assert!(matches!(puppet.hear().await, Some(ToVault::Load(_))));
            puppet.say(&FromVault::Loaded(Loaded { methods: vec!["f".into()], heap_used_bytes: 0 })).await;
            puppet
        };
        let (provisioned, puppet) = tokio::join!(provisioning, puppeting);
        (puppet, provisioned)
    }

    /// Its node, for others.
    pub(crate) fn api(&self) -> InProcessNode {
        self.api.clone()
    }

    pub(crate) async fn living(&self) -> usize {
        self.api.vaults(None).await.expect("answers").vaults.len()
    }

    /// The same, and a ticket.
    pub(crate) async fn forge(&mut self, limits: Limits, terms: Terms) -> (Puppet, Value) {
        let (frame, deadline) = (limits.max_frame_bytes, limits.call_deadline_ms);
        let (puppet, provisioned) = self.provision(limits, terms).await;
        let opened = provisioned.expect("is forged").opened.expect("is open");
        let vault = puppet.vault.clone();
        let order = OpenOrder { vault: vault.clone(), generation: 1, lease_ms: None, link: None };
        assert_eq!(self.api.open(order).await.expect("opens").port, opened.port, "it is open already");
        let (ticket, node) = (random::ticket_id(), "stage".parse().expect("a name"));
        let grant = Grant {
            vault: &vault,
            ticket: &ticket,
            generation: 1,
            node: &node,
            methods: &["*".to_owned()],
            label: None,
            promise: Promise::default(),
            endpoint: &hauki::model::ticket::Endpoint { ip: opened.ip, port: opened.port },
            cert_sha256: &opened.cert_sha256,
            expires_at: clock::now() + std::time::Duration::from_secs(3600),
        };
        let token = self.key.mint(&grant).expect("mints");
        let digest = "0".repeat(64);
        let ticket = json!({
            "v": 1, "kind": "ticket", "id": grant.ticket, "vault": grant.vault, "generation": 1, "node": grant.node,
            "worker": {"name": "w", "sha256": digest},
            "endpoint": grant.endpoint,
            "tls": {"version": "1.3", "cert_sha256": opened.cert_sha256, "key_sha256": digest},
            "auth": {"scheme": "biscuit", "token": token},
            "protocol": {"name": "jsonrpc-2.0", "framing": "ndjson", "max_frame_bytes": frame, "call_deadline_ms": deadline},
            "methods": ["f"],
            "lease": {"claim_ms": 1000, "lease_ms": 1000, "link": false, "link_silence_ms": 750},
            "issued_at": clock::now(), "expires_at": grant.expires_at,
        });
        (puppet, ticket)
    }

    /// Waits for the death of a vault.
    pub(crate) async fn receipt(&self, vault: &VaultId) -> Receipt {
        let waiting = async {
            let mut after = 0;
            loop {
                let news = self.api.news(after, 60_000).await.expect("answers");
                after = news.last;
                for item in news.items {
                    if let hauki::api::node::NewsItem::Died(receipt) = item
                        && receipt.vault == *vault
                    {
                        return receipt;
                    }
                }
            }
        };
        timeout(HANG, waiting).await.expect("the vault dies")
    }

    /// What has been asked of the core: who wants to clone, with which number.
    pub(crate) async fn wishes(&self) -> Vec<(VaultId, u64)> {
        let news = self.api.news(0, 0).await.expect("answers");
        let wishes = news.items.into_iter().filter_map(|item| match item {
            hauki::api::node::NewsItem::Clone(ask) => Some((ask.vault, ask.number)),
            _ => None,
        });
        wishes.collect()
    }

    pub(crate) async fn cause(&self, vault: &VaultId) -> Cause {
        self.receipt(vault).await.death.cause.known().expect("is of this version")
    }

    pub(crate) async fn is_alive(&self, vault: &VaultId) -> bool {
        let state = self.api.vaults(None).await.expect("answers");
        state.vaults.iter().any(|seen| seen.vault == *vault && seen.phase.is_alive())
    }
}

#[allow(dead_code, reason = "not every test target uses all of it")]
impl Puppet {
    pub(crate) async fn say(&mut self, message: &FromVault) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.write(&bytes).await;
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        timeout(HANG, self.stream.write_all(bytes)).await.expect("the gate reads").expect("the gate reads");
    }

    pub(crate) async fn hear(&mut self) -> Option<ToVault> {
        loop {
            if let Some((message, used)) = ToVault::decode(&self.input, FRAME_LIMIT).expect("is a frame") {
                self.input.drain(..used);
                return Some(message);
            }
            let read = timeout(HANG, self.stream.read_buf(&mut self.input)).await.expect("the gate writes");
            if read.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// A call of an object.
    pub(crate) async fn ask(&mut self, ask: u64, object: &str, method: &str, params: &str) {
        let (object, method, params) = (object.to_owned(), method.to_owned(), params.to_owned());
        self.say(&FromVault::Ask { ask, object, method, params }).await;
    }

    /// The word of the reason why the next answer to an ask is none.
    pub(crate) async fn refused(&mut self, number: u64) -> String {
        match self.hear().await {
            Some(ToVault::Refusal { ask, error }) if ask == number => error.code,
            other => panic!("{other:?} instead of a refusal of {number}"),
        }
    }

    /// The word for the object that a caller gives with the next call, which is answered.
    pub(crate) async fn given(&mut self) -> String {
        let Some(ToVault::Call { call, params: Some(params), .. }) = self.hear().await else {
            panic!("a call was to come")
        };
        assert!(!params.contains("biscuit"), "a token came in: {params}");
        self.answer(call, "true").await;
        let params: Value = serde_json::from_str(&params).expect("is JSON");
        params[0]["ref"].as_str().expect("is an object").to_owned()
    }

    /// The number of the call that comes next.
    pub(crate) async fn called(&mut self) -> u64 {
        loop {
            match self.hear().await {
                Some(ToVault::Call { call, .. }) => return call,
                // Of a caller that has gone: an init of ours passes it over once it has answered.
                Some(ToVault::Cancel { .. }) => {}
                other => panic!("{other:?} instead of a call"),
            }
        }
    }

    pub(crate) async fn answer(&mut self, call: u64, value: &str) {
        self.say(&FromVault::Result { call, value: value.to_owned() }).await;
    }
}
