//! Worker creation: from a text, a file or a gem to a worker that is linked to this process.

use std::collections::BTreeMap;
use std::sync::Arc;

use hauki_client::compiler::{PreparedSource, SourceOrder};
use hauki_client::script::ScriptFailure;
use hauki_client::{Exit, Ghost};
use hauki_contract::api::summons::{MAX_SOURCE_BYTES, Origin, SpawnRequest, Spawned, SummonsRequest};
use hauki_contract::model::gem::GemPointer;
use hauki_contract::model::units::{Amount, parse_size};
use hauki_contract::rpc::compile::{Language, Purpose, SourceFault};
use hauki_contract::system::random;
use rmcp::model::CallToolResult;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer;
use crate::live_worker::LiveWorker;
use crate::session::AgentSession;
use crate::signature::{self, Signature};

/// The arguments of `create`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateWish {
    source: Option<String>,
    file: Option<String>,
    gem: Option<String>,
    language: Option<Language>,
    name: Option<String>,
    #[serde(default)]
    args: Vec<Value>,
    memory: Option<Amount>,
}

/// What a worker is made of.
struct MadeOf {
    origin: Origin,
    stem: String,
    signatures: BTreeMap<String, Signature>,
    warnings: Vec<SourceFault>,
}

pub(crate) fn usage(message: impl Into<String>) -> ScriptFailure {
    ScriptFailure::new("usage", Exit::Data, message)
}

pub(crate) fn memory(wish: Option<&Amount>) -> Result<Option<u64>, ScriptFailure> {
    Amount::read("memory", wish, parse_size).map_err(|error| usage(error.to_string()))
}

impl AgentSession {
    pub(crate) async fn create(self: &Arc<Self>, wish: CreateWish) -> Result<CallToolResult, ScriptFailure> {
        let wishes = self.wishes(memory(wish.memory.as_ref())?, None)?;
        let made_of = self.made_of(&wish).await?;
        let claim = self.workers.claim(wish.name.as_deref(), &made_of.stem)?;
        let room = self.room.clone().try_acquire_owned().map_err(|_| {
            let most = self.bounds().most_workers;
            ScriptFailure::new(
                "quota",
                Exit::Quota,
                format!("{most} workers are the most that there may be here"),
            )
            .hint("destruct one that is not needed any more")
        })?;
        let summons = SummonsRequest {
            key: random::idempotency_key(),
            origin: made_of.origin,
            args: wish.args,
            wishes,
            labels: BTreeMap::new(),
            name: None,
            dry_run: false,
        };
        let (Spawned { vault, .. }, ghost) = self.spawn(summons).await?;
        let events = ghost.events();
        let worker = LiveWorker::new(claim.name.clone(), vault, ghost, made_of.signatures, room);
        let worker = Arc::new(worker);
        claim.keep(worker.clone());
        tokio::spawn(worker.clone().listen(events, self.clone()));
        self.tell_lists_changed().await;
        Ok(told(&worker, &made_of.warnings))
    }

    /// A vault, and the connection that it is linked to.
    pub(crate) async fn spawn(&self, summons: SummonsRequest) -> Result<(Spawned, Ghost), ScriptFailure> {
        let request = SpawnRequest {
            summons,
            placement: Default::default(),
            ticket: Default::default(),
            get_or_create: false,
        };
        let spawned = self.endpoint().await?.spawn(&request).await?;
        let ghost = Ghost::connect(&spawned.ticket, self.ghost_options()).await?;
        Ok((spawned, ghost))
    }

    async fn made_of(&self, wish: &CreateWish) -> Result<MadeOf, ScriptFailure> {
        let (text, file) = match (&wish.source, &wish.file, &wish.gem) {
            (Some(text), None, None) => {
                let ending = wish.language.unwrap_or_default().ending();
                (text.clone(), format!("{}.{ending}", wish.name.as_deref().unwrap_or("worker")))
            }
            (None, Some(path), None) => self.roots.read(path)?,
            (None, None, Some(pointer)) => return self.gem(pointer).await,
            _ => return Err(usage("create takes one of source, file and gem")),
        };
        if text.trim().is_empty() || text.len() > MAX_SOURCE_BYTES {
            let message = format!("a source is not blank and has at most {MAX_SOURCE_BYTES} bytes");
            return Err(ScriptFailure::new("bad_source", Exit::Data, message));
        }
        let order = SourceOrder {
            source: &text,
            file: &file,
            language: wish.language,
            purpose: Purpose::Worker,
            // What it would import is nobody's to give: the folders that are open are for sources that were named.
            path: None,
            always: false,
            fetch: !self.bounds().net.is_empty(),
        };
        let prepared = self.toolchain.lock().await.prepare(order).await?;
        let signatures = signature::read(&text);
        let PreparedSource { text, compilation, warnings, .. } = prepared;
        let stem = file.rsplit_once('.').map_or(file.as_str(), |(stem, _)| stem).to_owned();
        Ok(MadeOf { origin: Origin::Source { text, file, compilation }, stem, signatures, warnings })
    }

    async fn gem(&self, pointer: &str) -> Result<MadeOf, ScriptFailure> {
        let pointer: GemPointer =
            pointer.parse().map_err(|error: hauki_contract::model::gem::GemPointerError| {
                ScriptFailure::new("bad_gem_pointer", Exit::Data, error.to_string())
            })?;
        let gem = self.endpoint().await?.gem_resolve(&pointer).await?;
        let stem = pointer.path.rsplit('/').next().unwrap_or_default().to_owned();
        // As its author wrote it, where that is kept.
        let source = gem.original.or(gem.source);
        let signatures = source.map(|source| signature::read(&source)).unwrap_or_default();
        Ok(MadeOf { origin: Origin::Gem(pointer), stem, signatures, warnings: Vec::new() })
    }
}

fn told(worker: &LiveWorker, warnings: &[SourceFault]) -> CallToolResult {
    let name = &worker.name;
    let mut text = format!("made the worker {name}; its methods: {}", worker.shown_methods());
    // Null where there is no tool, and `call` is the way.
    let mut tools: serde_json::Map<String, Value> =
        worker.vault.methods.iter().map(|method| (method.clone(), Value::Null)).collect();
    for (method, tool) in worker.named_methods() {
        text.push_str(&format!("\n  tool {tool}"));
        tools.insert(method.to_owned(), tool.into());
    }
    for SourceFault { message, instead, line, column } in warnings {
        let instead = instead.as_ref().map(|instead| format!("; {instead}")).unwrap_or_default();
        text.push_str(&format!("\nwarning: {line}:{column}: {message}{instead}"));
    }
    answer::record(
        json!({ "worker": name, "vault": worker.vault.id, "node": worker.vault.node, "methods": tools, "warnings": warnings }),
        text,
    )
}
