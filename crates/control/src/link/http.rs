//! HTTP client for a node in another process: the inner contract over a Unix socket, its own or a link's.
//!
//! Every request has a deadline, and every answer a size. What the node refuses comes back as its own
//! error; what the connection does is silence, because nobody knows what became of the request.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::ssh::SshLink;
use hauki_contract::api::clone::{CloneAnswer, CloneAsks, TRACES};
use hauki_contract::api::node::{
    BeatOrder, Code, DestructOrder, Doom, Leased, News, NodeApi, NodeFuture, NodeHealth, NodeStatus,
    NodeVaults, OpenOrder, OpenedPort, ProvisionOrder, Provisioned, TornDown,
};
use hauki_contract::api::node_error::{NodeError, NodeErrorBody, NodeFault};
use hauki_contract::api::paths::{node as paths, with_id};
use hauki_contract::model::death::Cause;
use hauki_contract::model::error_chain;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::receipt::Receipt;
use hauki_contract::model::trace::TRACEPARENT;
use hauki_contract::strict::tolerant_reader::{self, PassedOver};
use hauki_contract::strict::{self, DocumentLimits, WireDocument};
use hauki_contract::system::trace;

const CONNECT: Duration = Duration::from_secs(2);
const ASK: Duration = Duration::from_secs(5);
/// Beyond the worker's own deadline, which bounds `create`.
const FORGE: Duration = Duration::from_secs(30);
/// Beyond the grace that `dest` is given.
const TEARDOWN: Duration = Duration::from_secs(15);

/// A thousand vaults' state is a twentieth of it.
const ANSWER: DocumentLimits = DocumentLimits::bytes(8 << 20);

/// Requests at the same time over one SSH session; the news take one of them, and the wishes to clone another.
const MOST_AT_ONCE: usize = 48;
const MOST_BY_BRIDGE: usize = 7;

pub struct HttpNode {
    client: Client,
    /// For messages: the socket, or user and host.
    place: String,
    ssh: Option<(SshLink, Semaphore)>,
}

#[derive(Debug, thiserror::Error)]
#[error("set up the link to the node's socket {}", socket.display())]
pub struct LinkError {
    socket: PathBuf,
    source: reqwest::Error,
}

impl HttpNode {
    /// A node of this machine.
    pub fn new(socket: &Path) -> Result<Self, LinkError> {
        Ok(Self { client: client(socket, 16)?, place: socket.display().to_string(), ssh: None })
    }

    /// A node at the other end of a link.
    pub fn over(link: SshLink) -> Result<Self, LinkError> {
        let most = if link.target.bridge_only { MOST_BY_BRIDGE } else { MOST_AT_ONCE };
        let client = client(link.socket(), most)?;
        Ok(Self { client, place: link.target.address.to_string(), ssh: Some((link, Semaphore::new(most))) })
    }

    fn post<B: Serialize>(&self, path: &str, body: &B) -> RequestBuilder {
        self.client.post(url(path)).json(body)
    }

    async fn send<T: WireDocument>(
        &self,
        request: RequestBuilder,
        deadline: Duration,
        unsaid: NodeFault,
    ) -> Result<T, NodeError> {
        let late = || {
            let message =
                format!("the node at {} did not answer within {} ms", self.place, deadline.as_millis());
            NodeError::new(NodeFault::Silent, message)
        };
        let answer =
            timeout(deadline, self.exchange(request, unsaid)).await.unwrap_or_else(|_| Err(late()))?;
        strict::text(&answer)
            .and_then(|text| T::read(text, ANSWER, Some(&PassedOver::default())))
            .map_err(|error| self.strange(&format!("strangely: {error}")))
    }

    /// The body of what the node says where it did as asked. Compiled once for all answers.
    async fn exchange(&self, request: RequestBuilder, unsaid: NodeFault) -> Result<Vec<u8>, NodeError> {
        let _place = match &self.ssh {
            Some((link, places)) => {
                link.ready().await?;
                // Nobody closes it.
                places.acquire().await.ok()
            }
            None => None,
        };
        let lost = |error: reqwest::Error| self.lost(&error);
        let request = match trace::current() {
            Some(context) => request.header(TRACEPARENT, context.to_string()),
            None => request,
        };
        let mut response = request.send().await.map_err(lost)?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if bytes.len() + chunk.len() > ANSWER.bytes {
                return Err(self.strange(&format!("with more than {} MiB", ANSWER.bytes >> 20)));
            }
            bytes.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(bytes);
        }
        match tolerant_reader::from_slice::<NodeErrorBody>(&bytes, ANSWER) {
            Ok(refusal) => Err(refusal.read(unsaid)),
            Err(_) => Err(self.strange(&format!("with status {status}"))),
        }
    }

    /// A node that has no such question tells it when it is ordered to end the vault, which it is only if it has
    /// ended.
    async fn older_receipt(&self, vault: VaultId) -> Result<Receipt, NodeError> {
        let there = self.vaults(Some(vault.clone())).await?;
        if there.vaults.iter().any(|said| said.vault == vault && said.phase.is_alive()) {
            return Err(NodeError::new(NodeFault::NotYet, format!("{vault} is not dead")));
        }
        let order = DestructOrder { vault, cause: Cause::DaemonLost, by: None, grace_ms: 0 };
        match self.destruct(order).await {
            Ok(torn) => Ok(torn.receipt),
            Err(NodeError { fault: NodeFault::Dead(receipt), .. }) => Ok(*receipt),
            Err(error) => Err(error),
        }
    }

    fn strange(&self, how: &str) -> NodeError {
        let message = format!("the node at {} answers {how}", self.place);
        NodeError::new(NodeFault::Strange, message)
            .hint("core and node must be of one version: `hauki node ls -o wide` shows them")
    }

    fn lost(&self, error: &reqwest::Error) -> NodeError {
        // The innermost cause is what the kernel said.
        let refusal = self.ssh.as_ref().and_then(|(link, _)| link.refusal());
        let cause = refusal.unwrap_or_else(|| error_chain::innermost(error));
        NodeError::new(NodeFault::Silent, format!("the node at {} cannot be reached: {cause}", self.place))
    }
}

fn client(socket: &Path, most_idle: usize) -> Result<Client, LinkError> {
    // reqwest wants a provider even where no TLS is spoken; a second installation is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .unix_socket(socket)
        // The machine's own certificates are neither needed nor always there.
        .tls_certs_only([])
        .connect_timeout(CONNECT)
        .pool_idle_timeout(Duration::from_secs(60))
        .pool_max_idle_per_host(most_idle)
        .build()
        .map_err(|source| LinkError { socket: socket.to_owned(), source })
}

/// The host is not used; the client always speaks to its socket.
fn url(path: &str) -> String {
    format!("http://node{path}")
}

impl NodeApi for HttpNode {
    fn status(&self) -> NodeFuture<'_, NodeStatus> {
        Box::pin(self.send(self.client.get(url(paths::WORD)), ASK, NodeFault::NotAsked))
    }

    fn vaults(&self, of: Option<VaultId>) -> NodeFuture<'_, NodeVaults> {
        let request = self.client.get(url(paths::VAULTS)).query(&[("of", of)]);
        Box::pin(self.send(request, ASK, NodeFault::NotAsked))
    }

    fn health(&self) -> NodeFuture<'_, NodeHealth> {
        Box::pin(self.send(self.client.get(url(paths::HEALTH)), ASK, NodeFault::NotAsked))
    }

    fn provision(&self, order: ProvisionOrder) -> NodeFuture<'_, Provisioned> {
        let deadline = FORGE + Duration::from_millis(order.limits.call_deadline_ms.into());
        Box::pin(self.send(self.post(paths::PROVISION, &order), deadline, NodeFault::CodeMissing))
    }

    fn keep(&self, code: Code) -> NodeFuture<'_, ()> {
        Box::pin(self.send(self.post(paths::CODE, &code), FORGE, NodeFault::NotAsked))
    }

    fn open(&self, order: OpenOrder) -> NodeFuture<'_, OpenedPort> {
        let path = with_id(paths::OPEN, order.vault.as_str());
        Box::pin(self.send(self.post(&path, &order), ASK, NodeFault::Unknown))
    }

    fn beat(&self, order: BeatOrder) -> NodeFuture<'_, Leased> {
        let path = with_id(paths::BEAT, order.vault.as_str());
        Box::pin(self.send(self.post(&path, &order), ASK, NodeFault::Unknown))
    }

    fn destruct(&self, order: DestructOrder) -> NodeFuture<'_, TornDown> {
        let path = with_id(paths::DESTRUCT, order.vault.as_str());
        let deadline = TEARDOWN + Duration::from_millis(order.grace_ms.into());
        Box::pin(self.send(self.post(&path, &order), deadline, NodeFault::Unknown))
    }

    fn receipt(&self, vault: VaultId) -> NodeFuture<'_, Receipt> {
        Box::pin(async move {
            let path = with_id(paths::RECEIPT, vault.as_str());
            match self.send(self.client.get(url(&path)), TEARDOWN, NodeFault::NotAsked).await {
                Err(error) if error.fault == NodeFault::NotAsked => self.older_receipt(vault).await,
                answer => answer,
            }
        })
    }

    fn asks(&self, after: u64, wait_ms: u64) -> NodeFuture<'_, CloneAsks> {
        let request = self.client.get(url(paths::ASKS)).query(&[("after", after), ("wait_ms", wait_ms)]);
        let request = request.header(TRACES, "1");
        Box::pin(self.send(request, ASK + Duration::from_millis(wait_ms), NodeFault::NotAsked))
    }

    fn doom(&self, doom: Doom) -> NodeFuture<'_, ()> {
        Box::pin(self.send(self.post(paths::DOOM, &doom), ASK, NodeFault::NotAsked))
    }

    fn cloned(&self, answer: CloneAnswer) -> NodeFuture<'_, ()> {
        let path = with_id(paths::CLONES, answer.vault.as_str());
        Box::pin(self.send(self.post(&path, &answer), ASK, NodeFault::NotAwaited))
    }

    fn news(&self, after: u64, wait_ms: u64) -> NodeFuture<'_, News> {
        let request = self.client.get(url(paths::NEWS)).query(&[("after", after), ("wait_ms", wait_ms)]);
        Box::pin(self.send(request, ASK + Duration::from_millis(wait_ms), NodeFault::NotAsked))
    }
}
