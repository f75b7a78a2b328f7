//! Session state: what one client has, its control plane, its workers and the room for more.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hauki_client::autostart;
use hauki_client::compiler::Toolchain;
use hauki_client::endpoint::{Authority, EndpointOptions};
use hauki_client::error::with_causes;
use hauki_client::ghost::GhostOptions;
use hauki_client::mcp_order::{McpBounds, McpOrder};
use hauki_client::retry::Retry;
use hauki_client::script::ScriptFailure;
use hauki_client::{Address, ControlPlane, Exit};
use hauki_contract::model::gem::Wishes;
use hauki_contract::model::secret::Secret;
use hauki_contract::strict;
use hauki_contract::system::rlimit;
use rmcp::RoleServer;
use rmcp::service::Peer;
use tokio::sync::{Mutex, OnceCell, Semaphore, watch};

use crate::roots::Roots;
use crate::worker_table::WorkerTable;

/// Of a token or a bundle of certificates.
const MOST_PEM: usize = 4 << 20;

/// How soon the ticket of a worker must be used: it is at once, and should this process be killed in between, this is how
/// long the worker outlives it.
const CLAIM_MS: u64 = 5_000;

pub(crate) struct AgentSession {
    order: McpOrder,
    endpoint: OnceCell<ControlPlane>,
    /// Looks at sources before they are sent: two children at most.
    pub(crate) toolchain: Mutex<Toolchain>,
    pub(crate) workers: WorkerTable,
    pub(crate) roots: Roots,
    /// One permit for each worker that may live.
    pub(crate) room: Arc<Semaphore>,
    /// Whom changes of lists are told to, once there is somebody.
    peer: OnceLock<Peer<RoleServer>>,
    is_gone: watch::Receiver<bool>,
}

impl AgentSession {
    pub(crate) fn new(order: McpOrder, is_gone: watch::Receiver<bool>) -> Self {
        let room = Arc::new(Semaphore::new(order.bounds.most_workers));
        let roots = Roots::new(order.bounds.roots.clone());
        Self {
            order,
            endpoint: OnceCell::new(),
            toolchain: Mutex::default(),
            workers: WorkerTable::default(),
            roots,
            room,
            peer: OnceLock::new(),
            is_gone,
        }
    }

    pub(crate) fn bounds(&self) -> &McpBounds {
        &self.order.bounds
    }

    /// Never, as long as the client is there.
    pub(crate) async fn gone(&self) {
        let mut is_gone = self.is_gone.clone();
        // Who would say it is gone as well.
        let _ = is_gone.wait_for(|is_gone| *is_gone).await;
    }

    pub(crate) fn greeted(&self, peer: Peer<RoleServer>) {
        let _ = self.peer.set(peer);
    }

    /// That workers came or went: each has tools and resources. Nobody hears of it where nobody listens any more.
    pub(crate) async fn tell_lists_changed(&self) {
        if let Some(peer) = self.peer.get() {
            let _ = peer.notify_tool_list_changed().await;
            let _ = peer.notify_resource_list_changed().await;
        }
    }

    /// Ends all workers; their connections' end would, but nobody would have waited for it.
    pub(crate) async fn end(&self) {
        let mut ends = tokio::task::JoinSet::new();
        for worker in self.workers.all() {
            ends.spawn(async move {
                let _ = worker.ghost.destruct(Duration::ZERO).await;
            });
        }
        ends.join_all().await;
    }

    /// The control plane; the local one is started if nobody listens.
    pub(crate) async fn endpoint(&self) -> Result<&ControlPlane, ScriptFailure> {
        self.endpoint.get_or_try_init(|| self.connected()).await
    }

    async fn connected(&self) -> Result<ControlPlane, ScriptFailure> {
        let order = &self.order;
        let mut options = EndpointOptions {
            connect_timeout: Duration::from_millis(order.connect_timeout_ms),
            request_timeout: Duration::from_millis(order.request_timeout_ms),
            retry: Retry { times: order.retries, ..Retry::default() },
            token: self.token()?,
            authority: None,
            revive: None,
        };
        if let Some(file) = &order.ca_file {
            let pem = rlimit::read(file, MOST_PEM).map_err(|error| unusable(file, &error.to_string()))?;
            options.authority = Some(Authority { file: file.clone(), pem });
        }
        let address = match &order.endpoint {
            Some(text) => text.parse::<Address>()?,
            None => {
                let plan = order.autostart.clone();
                options.revive = Some(plan.clone());
                let address = Address::Unix(plan.socket.clone());
                // It waits for a lock and for a process.
                let started = tokio::task::spawn_blocking(move || autostart::ensure(&plan)).await;
                let started = started.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
                started.map_err(|error| {
                    ScriptFailure::new("environment", Exit::Config, with_causes(&error))
                        .hint("hauki doctor says what is missing and what mends it")
                })?;
                address
            }
        };
        Ok(ControlPlane::new(address, options)?)
    }

    fn token(&self) -> Result<Option<Secret>, ScriptFailure> {
        let Some(file) = &self.order.token_file else { return Ok(None) };
        let bytes = rlimit::read(file, MOST_PEM).map_err(|error| unusable(file, &error.to_string()))?;
        let text = strict::text(&bytes).map_err(|error| unusable(file, &error.to_string()))?.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unusable(file, "a token is one word of visible ASCII letters"));
        }
        Ok(Some(Secret::new(text.to_owned())))
    }

    pub(crate) fn ghost_options(&self) -> GhostOptions {
        GhostOptions {
            connect_timeout: Duration::from_millis(self.order.connect_timeout_ms),
            ..GhostOptions::default()
        }
    }

    /// What each worker is made with: it dies with this process, and has no more than the client may have.
    pub(crate) fn wishes(&self, memory: Option<u64>, call_ms: Option<u64>) -> Result<Wishes, ScriptFailure> {
        let bounds = self.bounds();
        if let (Some(most), Some(wished)) = (bounds.memory_bytes, memory)
            && wished > most
        {
            let message =
                format!("a worker may have {most} bytes of memory here, and {wished} are wished for");
            return Err(ScriptFailure::new("denied", Exit::Denied, message));
        }
        let call_ms = call_ms.map_or(bounds.call_ms, |wished| wished.min(bounds.call_ms));
        let wishes = Wishes {
            memory_bytes: memory.or(bounds.memory_bytes),
            call_deadline_ms: Some(u32::try_from(call_ms).unwrap_or(u32::MAX)),
            claim_ms: Some(CLAIM_MS),
            link: Some(true),
            net: bounds.net.clone(),
            ..Wishes::default()
        };
        let within = wishes.limits().check().and_then(|()| wishes.terms().check());
        within.map_err(|error| ScriptFailure::new("usage", Exit::Data, error.told(error.word())))?;
        Ok(wishes)
    }
}

fn unusable(file: &std::path::Path, why: &str) -> ScriptFailure {
    ScriptFailure::new("config", Exit::Config, format!("{} cannot be used: {why}", file.display()))
}
