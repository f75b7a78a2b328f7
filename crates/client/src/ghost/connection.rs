//! Connection adapter of a ghost: calls by number, in the ghost's own words.

use std::io::ErrorKind;
use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite};

use super::GhostError;
use super::event::{CallNumber, GhostEvent, Listeners};
use super::offer::RunningCallbacks;
use hauki_contract::model::death::Death;
use hauki_contract::model::error_chain;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::lease::Mono;
use hauki_contract::rpc::builtin::{PREFIX, Welcome, feature};
use hauki_contract::rpc::call_context::add_trace;
use hauki_contract::rpc::connection::{
    self, AnswerSink, Connection, ConnectionEnd, GateOrder, Owner, RpcReply, Unsent,
};
use hauki_contract::rpc::message::write_request;
use hauki_contract::rpc::ndjson::LineError;
use hauki_contract::seam;
use hauki_contract::system::adaptive_spin::AdaptiveSpin;
use hauki_contract::system::tasks::{self, Task, TaskKind};
use hauki_contract::system::trace;

/// A short call's reply is there within that time.
const AWAKE_US: u64 = 200;

/// Why a call has no result.
#[derive(Debug)]
pub(super) enum CallFailure {
    /// The connection had ended before or took no more: nothing was sent, so it may be sent over another.
    Unsent,
    /// It may have run.
    Failed(GhostError),
}

impl From<GhostError> for CallFailure {
    fn from(error: GhostError) -> Self {
        Self::Failed(error)
    }
}

impl From<Unsent> for CallFailure {
    fn from(_: Unsent) -> Self {
        Self::Unsent
    }
}

struct Caller {
    vault: VaultId,
    listeners: Arc<Listeners>,
    spin: AdaptiveSpin,
    callbacks: RunningCallbacks,
}

impl Owner for Caller {
    fn hear(&self, method: String, params: &RawValue) {
        self.listeners.tell(|| GhostEvent { method, params: params.to_owned() });
    }

    /// It is among what is heard.
    fn dying(&self, _: &Death) {}

    fn asked(&self, order: GateOrder<'_>, answers: &AnswerSink) {
        self.callbacks.obey(order, answers, &self.listeners.offers);
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Task<()> {
        tasks::spawn(TaskKind::Session, "ghost-connection", task)
    }
}

impl Caller {
    /// What came for a call, or why nothing did.
    fn settled(&self, came: Result<RpcReply, ConnectionEnd>) -> Result<Box<RawValue>, GhostError> {
        match came {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(error)) => Err(GhostError::of_rpc(&self.vault, error)),
            Err(end) => Err(self.ended(end)),
        }
    }

    fn ended(&self, end: ConnectionEnd) -> GhostError {
        let vault = self.vault.clone();
        let reason = match end {
            ConnectionEnd::Dead(death) => return GhostError::Dead { vault, death: Box::new(death) },
            ConnectionEnd::Write(error) => format!("failed to write: {error}"),
            ConnectionEnd::Foreign(error) => format!("the gate sent what is no message: {error}"),
            ConnectionEnd::Closed => "the gate closed it".to_owned(),
            ConnectionEnd::Read(error) => match &*error {
                LineError::Read(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    "the node's daemon has gone, or something between closed it".to_owned()
                }
                error => error_chain::told(error),
            },
            ConnectionEnd::Heaped => "more came than may be held".to_owned(),
            ConnectionEnd::GivenUp(reason) => reason,
            ConnectionEnd::Gone => "the tasks that carried it have ended".to_owned(),
        };
        GhostError::Broken { vault, reason }
    }
}

#[derive(Clone)]
pub(super) struct GhostConnection {
    connection: Connection<Caller>,
    limit: usize,
}

impl std::fmt::Debug for GhostConnection {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("GhostConnection")
    }
}

/// The answer to the hello, which is on its way.
pub(super) struct GhostGreeting(connection::Greeting);

impl GhostGreeting {
    pub(super) async fn answer(self, wire: &GhostConnection) -> Result<Box<RawValue>, GhostError> {
        wire.connection.owner().settled(self.0.answer(&wire.connection).await)
    }
}

impl GhostConnection {
    /// Begins with a hello of these parameters; what is called before its answer goes behind it.
    pub(super) fn start<S>(
        stream: S,
        vault: VaultId,
        max_frame_bytes: usize,
        listeners: Arc<Listeners>,
        hello: &str,
    ) -> (Self, GhostGreeting)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let CallNumber(id) = listeners.number();
        let (spin, callbacks) = (AdaptiveSpin::default(), RunningCallbacks::new(max_frame_bytes));
        let owner = Caller { vault, listeners, spin, callbacks };
        let (connection, greeting) = Connection::start(stream, owner, max_frame_bytes, (id, hello), |_| true);
        (Self { connection, limit: max_frame_bytes }, GhostGreeting(greeting))
    }

    pub(super) async fn call(
        &self,
        method: &str,
        params: Option<&str>,
    ) -> Result<Box<RawValue>, CallFailure> {
        self.call_as(self.connection.owner().listeners.number(), method, params).await
    }

    pub(super) async fn call_as(
        &self,
        CallNumber(id): CallNumber,
        method: &str,
        params: Option<&str>,
    ) -> Result<Box<RawValue>, CallFailure> {
        let owner = self.connection.owner();
        let called = async {
            let mut line = self.line(Some(id), method, params)?;
            if !method.starts_with(PREFIX)
                && let Some(context) = trace::current()
            {
                add_trace(&mut line, context, self.limit);
            }
            let call = self.connection.call(id, line).await?;
            if call.is_alone {
                owner.spin.keep(AWAKE_US, || call.is_answered()).await;
            }
            Ok(owner.settled(call.answer().await?)?)
        };
        trace::spanned(seam!("call"), called).await
    }

    pub(super) async fn notify(&self, method: &str, params: Option<&str>) -> Result<(), CallFailure> {
        let line = self.line(None, method, params)?;
        Ok(self.connection.post(line).await?)
    }

    /// Sends it if there is room, and nobody waits for that.
    pub(super) fn notify_now(&self, method: &str, params: &str) {
        if let Ok(line) = self.line(None, method, Some(params)) {
            self.connection.post_now(line);
        }
    }

    /// From now on it is asked for what it can.
    pub(super) fn welcomed(&self, welcome: &Welcome) {
        self.connection.may_cancel(welcome.has(feature::CANCEL));
    }

    fn line(&self, id: Option<u64>, method: &str, params: Option<&str>) -> Result<Vec<u8>, GhostError> {
        let mut line = Vec::with_capacity(96 + params.map_or(0, str::len));
        // Legal JSON may hold newlines between its tokens, and only there; a line may not.
        match params {
            Some(text) if text.contains('\n') || text.contains('\r') => {
                let flat = text.replace(['\n', '\r'], " ");
                write_request(&mut line, id, method, Some(&flat));
            }
            params => write_request(&mut line, id, method, params),
        }
        if line.len() - 1 > self.limit {
            let (vault, bytes, limit) = (self.connection.owner().vault.clone(), line.len() - 1, self.limit);
            return Err(GhostError::TooLarge { vault, bytes, limit });
        }
        Ok(line)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.connection.is_closed()
    }

    /// How many calls wait for an answer.
    pub(super) fn waiting(&self) -> usize {
        self.connection.waiting()
    }

    pub(super) fn heard(&self) -> Mono {
        self.connection.heard()
    }

    /// Ends the connection from this side; what waits fails with the reason.
    pub(super) fn give_up(&self, reason: String) {
        self.connection.give_up(reason);
    }

    pub(super) async fn closed(&self) -> GhostError {
        self.connection.owner().ended(self.connection.closed().await)
    }
}
