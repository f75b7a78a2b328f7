//! Request handler: what the client asks, and who answers it.
//!
//! Each request is dropped where it stands when the client cancels it or is gone: a call is given up, which its gate is
//! told, and a worker that is being made dies with its connection.

use std::borrow::Cow;
use std::sync::Arc;

use hauki_client::script::ScriptFailure;
use hauki_client::visible;
use hauki_contract::strict::{self, DocumentLimits};
use hauki_contract::system::clock;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData, Implementation,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{RoleServer, ServerHandler};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::answer;
use crate::creation::usage;
use crate::live_worker::LineRing;
use crate::resources;
use crate::session::AgentSession;
use crate::tool_names;
use crate::tools::{
    CALL, CREATE, CallWish, DESTRUCT, DestructWish, INSTRUCTIONS, LIST, ListWish, PlainArguments, RUN,
};
use crate::watched_call::CallWatch;

pub(crate) struct AgentServer {
    session: Arc<AgentSession>,
}

fn arguments<T: DeserializeOwned>(given: Map<String, Value>) -> Result<T, ScriptFailure> {
    strict::from_value(&Value::Object(given))
        .map_err(|error| usage(format!("the arguments cannot be used: {error}")))
}

impl AgentServer {
    pub(crate) fn new(session: Arc<AgentSession>) -> Self {
        Self { session }
    }

    async fn perform(
        &self,
        name: &str,
        given: Map<String, Value>,
        watch: &mut CallWatch,
    ) -> Result<CallToolResult, ScriptFailure> {
        let session = &self.session;
        match name {
            CREATE => session.create(arguments(given)?).await,
            RUN => session.run_program(arguments(given)?, watch).await,
            CALL => {
                let CallWish { worker, method, args } = arguments(given)?;
                self.call_method(&worker, &method, args, watch).await
            }
            LIST => {
                let ListWish {} = arguments(given)?;
                Ok(self.list())
            }
            DESTRUCT => {
                let DestructWish { worker } = arguments(given)?;
                self.destruct(&worker).await
            }
            tool => {
                let (worker, method) =
                    tool_names::parts(tool).ok_or_else(|| usage(format!("there is no tool {tool:?}")))?;
                let live = session.workers.get(worker)?;
                let args = match live.signatures.get(method) {
                    Some(signature) => signature.placed(given).map_err(usage)?,
                    None => arguments::<PlainArguments>(given)?.args,
                };
                self.call_method(worker, method, args, watch).await
            }
        }
    }

    async fn call_method(
        &self,
        worker: &str,
        method: &str,
        args: Vec<Value>,
        watch: &mut CallWatch,
    ) -> Result<CallToolResult, ScriptFailure> {
        let live = self.session.workers.get(worker)?;
        // What the gate itself answers to is not the worker's: its end would be nobody's here.
        if !live.vault.methods.iter().any(|known| known == method) {
            let message = format!("{worker} has no method {method:?}; it has: {}", live.shown_methods());
            return Err(ScriptFailure::new("method_not_found", hauki_client::Exit::NotFound, message));
        }
        let began = clock::mono();
        let params = Value::Array(args).to_string();
        let (told, lines) = watch.call(&live.ghost, method, Some(&params)).await;
        let told = match told {
            Ok(told) => strict::from_str::<Value>(told.get(), DocumentLimits::MESSAGE).map_err(|error| {
                ScriptFailure::new("protocol", hauki_client::Exit::Failure, error.to_string())
            }),
            Err(error) => Err(error.into()),
        };
        Ok(match told {
            Ok(value) => answer::value(Some(value), &lines, clock::mono().since(began) / 1000),
            Err(failure) => answer::failure(&failure, &lines),
        })
    }

    fn list(&self) -> CallToolResult {
        let known = self.session.workers.known();
        let mut text = String::new();
        for (name, worker) in &known {
            let about = match worker.ended() {
                Some(why) => format!("has ended: {}", visible::line(&why)),
                None => worker.shown_methods(),
            };
            text.push_str(&format!("{name}: {about}\n"));
        }
        if known.is_empty() {
            text.push_str("There is no worker.");
        }
        let records: Vec<_> = known.values().map(|worker| worker.record()).collect();
        answer::record(json!({ "workers": records }), text)
    }

    async fn destruct(&self, name: &str) -> Result<CallToolResult, ScriptFailure> {
        let session = &self.session;
        let worker = session.workers.get(name)?;
        let ended = worker.ghost.destruct(std::time::Duration::ZERO).await;
        worker.end("it was destructed".to_owned());
        session.workers.bury(&worker);
        session.tell_lists_changed().await;
        match ended {
            Ok(receipt) => Ok(answer::record(json!({ "receipt": receipt }), format!("{name} is destructed"))),
            Err(error) => Err(error.into()),
        }
    }
}

impl ServerHandler for AgentServer {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_resources()
            .enable_resources_list_changed()
            .build();
        let mut info = ServerConfig::new(capabilities).with_instructions(INSTRUCTIONS);
        info.protocol_version = ProtocolVersion::V_2025_11_25;
        info.server_info = Implementation::new("hauki", env!("CARGO_PKG_VERSION"));
        info
    }

    /// Those that begin with `initialize`: of later ones the library has no more than a part.
    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(ProtocolVersion::known_up_to(&ProtocolVersion::V_2025_11_25))
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.session.greeted(context.peer);
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut all = self.session.own_tools();
        all.extend(self.session.method_tools());
        Ok(ListToolsResult::with_all_items(all))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let mut watch = CallWatch::new(&context);
        let given = request.arguments.unwrap_or_default();
        let performed = tokio::select! {
            performed = self.perform(&request.name, given, &mut watch) => performed,
            () = context.ct.cancelled() => return Err(ErrorData::internal_error("it was cancelled", None)),
            () = self.session.gone() => return Err(ErrorData::internal_error("the client is gone", None)),
        };
        let result = performed.unwrap_or_else(|failure| answer::failure(&failure, &LineRing::default()));
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(self.session.resources()))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(resources::templates()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.session.resource(&request.uri).map(Into::into)
    }
}
