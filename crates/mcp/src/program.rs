//! One-off program: a text in a vault of its own, from its compilation to its result, and nothing left behind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hauki_client::Exit;
use hauki_client::compiler::{EvaluatedText, SourceOrder, evaluator};
use hauki_client::script::ScriptFailure;
use hauki_contract::api::summons::{Origin, SummonsRequest};
use hauki_contract::model::units::{Amount, parse_duration};
use hauki_contract::rpc::compile::{Language, Purpose};
use hauki_contract::strict::{self, DocumentLimits};
use hauki_contract::system::{clock, random};
use rmcp::model::CallToolResult;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer;
use crate::creation::{memory, usage};
use crate::session::AgentSession;
use crate::watched_call::CallWatch;

/// The arguments of `run`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunWish {
    code: String,
    language: Option<Language>,
    #[serde(default)]
    args: Vec<String>,
    memory: Option<Amount>,
    timeout: Option<Amount>,
}

impl AgentSession {
    pub(crate) async fn run_program(
        self: &Arc<Self>,
        wish: RunWish,
        watch: &mut CallWatch,
    ) -> Result<CallToolResult, ScriptFailure> {
        let began = clock::mono();
        let timeout = Amount::read("timeout", wish.timeout.as_ref(), parse_duration);
        let timeout = timeout.map_err(|error| usage(error.to_string()))?;
        let wishes = self.wishes(memory(wish.memory.as_ref())?, timeout)?;
        let file = format!("program.{}", wish.language.unwrap_or_default().ending());
        let order = SourceOrder {
            source: &wish.code,
            file: &file,
            language: wish.language,
            purpose: Purpose::Program,
            path: None,
            always: false,
            fetch: !self.bounds().net.is_empty(),
        };
        let prepared = self.toolchain.lock().await.prepare(order).await?;
        let text = evaluator(&prepared);
        let evaluated = EvaluatedText::new(prepared, &file);
        // Others that run end by themselves; where workers have all the room, that is said in time.
        let room = self.room.clone().acquire_owned();
        let _room = match tokio::time::timeout(Duration::from_millis(self.bounds().call_ms), room).await {
            Ok(Ok(room)) => room,
            Ok(Err(_)) | Err(_) => {
                let message = "all workers that there may be are at work";
                return Err(ScriptFailure::new("quota", Exit::Quota, message).hint("destruct one, or wait"));
            }
        };
        let summons = SummonsRequest {
            key: random::idempotency_key(),
            origin: Origin::Source { text, file: "run.js".to_owned(), compilation: None },
            args: Vec::new(),
            wishes,
            labels: BTreeMap::new(),
            name: None,
            dry_run: false,
        };
        let (_, ghost) = self.spawn(summons).await?;
        let params = json!([evaluated.text, wish.args]).to_string();
        let (answer, lines) = watch.call(&ghost, "run", Some(&params)).await;
        // Nothing is left when the result is told. What has ended by itself has nothing to end.
        let _ = ghost.destruct(Duration::ZERO).await;
        let ms = clock::mono().since(began) / 1000;
        match answer {
            Ok(told) => {
                let told: Vec<Value> = strict::from_str(told.get(), DocumentLimits::MESSAGE)
                    .map_err(|error| ScriptFailure::new("protocol", Exit::Failure, error.to_string()))?;
                Ok(answer::value(told.into_iter().next(), &lines, ms))
            }
            Err(error) => {
                let mut failure = ScriptFailure::from(error);
                if let Some(thrown) = failure.more.worker.take() {
                    let placed = evaluated.place(thrown);
                    failure.message.clone_from(&placed.message);
                    failure.more.worker = Some(placed);
                }
                Ok(answer::failure(&failure, &lines))
            }
        }
    }
}
