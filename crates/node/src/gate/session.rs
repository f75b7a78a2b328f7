//! Session of an authenticated caller: who it is, what it may do, and its requests one by one.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedSemaphorePermit;

use super::batch::Batch;
use super::callbacks::CallbackTable;
use super::connection::{Gate, MAX_CALLERS};
use super::hello::{self, AcceptedHello, HelloRefusal, question};
use super::method_params::{no_id, optional, quoted, required};
use super::rate_limit::MessageCount;
use super::receiving::{Receiving, too_much};
use super::replies::{ReplyQueue, ReplyTo};
use crate::calls::CallWaiter;
use crate::requests::BorrowedRequest;
use crate::vault::VaultHandle;
use hauki_contract::model::death::Cause;
use hauki_contract::model::id::TicketId;
use hauki_contract::model::lease::{Mono, Promise};
use hauki_contract::model::receipt::Receipt;
use hauki_contract::rpc::builtin::{
    self, Cancel, Cancelled, Destruct, DestructResult, Hello, LeaseResult, NoParams, Welcome,
};
use hauki_contract::rpc::call_context::CallContext;
use hauki_contract::rpc::capability::Capability;
use hauki_contract::rpc::early_cancel::EarlyCancels;
use hauki_contract::rpc::message::{self, Incoming, Invalid, MAX_LEVELS, Request, RpcError, code};
use hauki_contract::seam;
use hauki_contract::strict::scan;
use hauki_contract::system::tasks::{self, TaskKind};
use hauki_contract::system::trace;

pub struct GateSession {
    pub gate: Arc<Gate>,
    pub reply_queue: Arc<ReplyQueue>,
    capability: Arc<Capability>,
    /// What `previous_object()` shows, as JSON text.
    pub(super) caller: Mutex<Arc<str>>,
    /// What this caller offers to the worker.
    pub(super) callbacks: Arc<CallbackTable>,
    /// The worker's methods that this caller may call.
    methods: Vec<String>,
    client: String,
    deadline_ms: u32,
    link: Option<LinkGuard>,
    /// What is given up further back in what has been read.
    foreseen: Mutex<EarlyCancels>,
    /// One of the places for callers, which are counted.
    _place: OwnedSemaphorePermit,
}

/// The vault dies with the connection that holds this, however the connection ends.
struct LinkGuard(Arc<VaultHandle>);

impl Drop for LinkGuard {
    fn drop(&mut self) {
        self.0.doom(Cause::LinkClosed, None, None, 0);
    }
}

/// Its worker owes it nothing any more.
impl Drop for GateSession {
    fn drop(&mut self) {
        self.takes_leave();
        if !self.reply_queue.is_settled() {
            self.gate.vault.forsake(self.reply_queue.owner());
        }
        self.gate.unpaid.leave(self.ticket(), self.reply_queue.held().2, self.gate.vault.now());
    }
}

impl GateSession {
    /// Takes the first line of a connection, which must be `hauki.hello` with a token.
    pub async fn open(gate: &Arc<Gate>, line: &[u8], peer: SocketAddr) -> Result<Self, HelloRefusal> {
        let (request, odd) = match Incoming::decode(line) {
            Incoming::Single(Ok(request)) => (request, None),
            Incoming::Single(Err(invalid)) => {
                (Request::glimpse(line).ok_or_else(HelloRefusal::stranger)?, Some(invalid))
            }
            Incoming::Batch(_) => return Err(HelloRefusal::stranger()),
        };
        let id = request.id.or(odd.as_ref().and_then(|invalid| invalid.id.as_deref()));
        let refuse = || HelloRefusal::stranger().with_id(id);
        if request.method != builtin::HELLO {
            return Err(refuse());
        }
        let params = request.params.ok_or_else(refuse)?;
        let (hello, fault) = Hello::read(params).ok_or_else(refuse)?;
        let refused = |error| HelloRefusal { error, ..refuse() };
        let shown = hello::authenticate(gate, hello.token, hello.voucher, peer);
        let shown = trace::spanned_in(request.trace, seam!("hello"), shown).await.map_err(refused)?;
        if let Some(fault) = odd.as_ref().map(|invalid| invalid.message.clone()).or(fault) {
            // Said to who has shown a good ticket, and to nobody else.
            return Err(refused(RpcError::new(code::INVALID_PARAMS, fault)));
        }
        let AcceptedHello { capability, granted, calling } = shown;
        let vault = &gate.vault;
        // Before the claim: who finds no place must not have changed anything.
        let place = gate.place().ok_or_else(|| {
            let message = format!("{MAX_CALLERS} callers are connected: try again when one of them has left");
            refused(RpcError::new(code::BUSY, message))
        })?;
        let owns = vault
            .claimed(&capability.holder().ticket, capability.holder().promise, &peer.to_string())
            .map_err(|_| {
                let death = vault.doomed.borrow().clone();
                refused(death.map_or_else(|| refuse().error, |death| vault.dead_error(&death)))
            })?;
        let ticket = &capability.holder().ticket;
        let reply_queue = Arc::new(ReplyQueue::new(gate.sending.of(ticket), gate.receiving.of(ticket)));
        let limit = vault.limits.call_deadline_ms;
        let holder = capability.holder();
        let mut caller =
            serde_json::json!({ "ticket": holder.ticket, "label": holder.label, "rights": granted.shown() });
        if let Some(calling) = calling {
            caller["vault"] = calling.as_str().into();
        }
        let session = Self {
            gate: Arc::clone(gate),
            caller: Mutex::new(caller.to_string().into()),
            callbacks: CallbackTable::new(&reply_queue),
            methods: granted.methods,
            // It ends up on the terminals of others.
            client: hello.client.unwrap_or_default().chars().filter(|c| !c.is_control()).take(128).collect(),
            deadline_ms: hello.call_deadline_ms.unwrap_or(limit).clamp(1, limit),
            link: owns.then(|| LinkGuard(Arc::clone(vault))),
            capability,
            reply_queue,
            foreseen: Mutex::default(),
            _place: place,
        };
        ReplyTo::new(&session.reply_queue, id, None).serialize(&session.welcome());
        // Events come behind the answer to the hello.
        vault.audience.join(&session.reply_queue);
        Ok(session)
    }

    fn welcome(&self) -> Welcome {
        let (vault, lease_ms) = (&self.gate.vault, self.lease_ms());
        let state = vault.state();
        Welcome {
            vault: vault.id.clone(),
            generation: vault.generation,
            methods: self.methods.clone(),
            lease_ms,
            lease_left_ms: state.lease.expires(state.phase).since(vault.now()) / 1000,
            link: state.lease.has_owner(),
            link_silence_ms: state.lease.terms.link_silence_ms,
            max_frame_bytes: vault.limits.max_frame_bytes,
            call_deadline_ms: self.deadline_ms,
            v: builtin::VERSION,
            features: builtin::FEATURES.map(str::to_owned).to_vec(),
        }
    }

    pub(super) fn ticket(&self) -> &TicketId {
        &self.capability.holder().ticket
    }

    /// What is held of what it sends.
    pub(super) fn receiving(&self, limit: usize, now: Mono) -> Receiving {
        let ticket = self.ticket().clone();
        Receiving::new(self.gate.receiving.of(&ticket), &self.gate.leaves, ticket, limit, now)
    }

    fn foreseen(&self) -> MutexGuard<'_, EarlyCancels> {
        self.foreseen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this caller's ticket says of the vault's life.
    #[must_use]
    pub fn promise(&self) -> Promise {
        self.capability.holder().promise
    }

    #[must_use]
    pub fn lease_ms(&self) -> u64 {
        self.promise().lease_ms.unwrap_or_else(|| self.gate.vault.state().lease.terms.lease_ms)
    }

    /// Whether the vault dies with this connection.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.link.is_some()
    }

    /// Bytes came while no line may be taken because calls are in flight. A beat may be among them,
    /// and its caller must not die of being kept waiting.
    pub fn heard(&self) {
        if self.link.is_some() {
            self.gate.vault.owner_heard();
        }
        self.gate.vault.heard(self.promise());
    }

    /// Answers what is no request at all.
    pub fn complain(&self, error: &RpcError) {
        self.reply_queue.line(|out| message::write_error(out, None, error));
    }

    /// Its caller has sent too much: what has not begun of it does not begin, and nothing more is read.
    pub(super) fn gives_up(&self) {
        self.gate.vault.refuse(self.reply_queue.owner(), &too_much());
        self.complain(&too_much());
    }

    /// Takes one line; every answer goes through the queue of replies.
    pub(super) fn handle(&self, line: &[u8], words: &mut MessageCount) {
        if self.link.is_some() {
            self.gate.vault.owner_heard();
        }
        if self.callbacks.are_known() && self.answered(line, words) {
            return;
        }
        match Incoming::decode(line) {
            Incoming::Single(request) => self.request(request, None, words),
            Incoming::Batch(requests) => {
                let limit = self.gate.vault.limits.max_frame_bytes as usize;
                let batch = Batch::new(Arc::clone(&self.reply_queue), requests.len(), limit);
                requests.into_iter().for_each(|request| self.request(request, Some(&batch), words));
            }
        }
    }

    fn request(
        &self,
        request: Result<Request<'_>, Invalid>,
        batch: Option<&Arc<Batch>>,
        words: &mut MessageCount,
    ) {
        words.word();
        let id = request.as_ref().ok().and_then(|request| request.id);
        self.carry_out(request, batch, words);
        if let Some(id) = id.filter(|id| self.foreseen().dooms(id)) {
            self.cancel(id);
        }
    }

    fn carry_out(
        &self,
        request: Result<Request<'_>, Invalid>,
        batch: Option<&Arc<Batch>>,
        words: &mut MessageCount,
    ) {
        let Request { method, params, id, nested, trace } = match request {
            Ok(request) => request,
            Err(invalid) => {
                // The specification wants an answer even where no id could be read.
                let id = invalid.id.clone().unwrap_or_else(|| "null".into());
                return ReplyTo::new(&self.reply_queue, Some(&id), batch).error(&invalid.into());
            }
        };
        let reply = ReplyTo::new(&self.reply_queue, id, batch);
        // Of one's own requests, so no ticket must allow it.
        if method == builtin::CANCEL {
            return match params.map_or_else(|| Err(no_id()), required::<Cancel>) {
                Ok(Cancel { id: given_up }) => {
                    // As it was seen, in a line of its own.
                    if id.is_none() && batch.is_none() {
                        self.foreseen().heard(given_up.get());
                    }
                    reply.serialize(&Cancelled { cancelled: self.cancel(given_up.get()) });
                }
                Err(error) => reply.error(&error),
            };
        }
        if method == builtin::OFFER {
            return self.offer(params, reply);
        }
        if let Err(error) = self.may(&method) {
            return reply.error(&error);
        }
        if let builtin::METHODS | builtin::HEARTBEAT | builtin::STATS = Cow::as_ref(&method)
            && let Err(error) = optional::<NoParams>(params)
        {
            return reply.error(&error);
        }
        let vault = &self.gate.vault;
        match Cow::as_ref(&method) {
            builtin::METHODS => reply.serialize(&self.methods),
            builtin::HEARTBEAT => {
                let lease_left_ms = vault
                    .beat(self.promise(), Some(self.client.as_str()).filter(|client| !client.is_empty()));
                reply.serialize(&LeaseResult { lease_left_ms });
            }
            builtin::STATS => {
                words.asked();
                let waiter = CallWaiter::of_call(reply, self.deadline_ms, Vec::new(), trace);
                vault.ask(BorrowedRequest::Stats, self.promise(), waiter);
            }
            builtin::DESTRUCT => match optional::<Destruct>(params) {
                Ok(destruct) => trace::saying(trace, || self.destruct(&destruct, reply)),
                Err(error) => reply.error(&error),
            },
            builtin::HELLO => {
                reply.error(&RpcError::new(code::INVALID_REQUEST, "hauki.hello comes once, first"))
            }
            method => match self.passed(params, nested) {
                Ok((params, nested)) => {
                    let caller = self.caller();
                    let asked = BorrowedRequest::Call { method, caller: &caller, params: params.as_deref() };
                    let deadline_ms = nested.deadline_ms.unwrap_or(self.deadline_ms);
                    words.asked();
                    let waiter = CallWaiter::of_call(reply, deadline_ms, nested.via, trace);
                    vault.ask(asked, self.promise(), waiter);
                }
                Err(error) => reply.error(&error),
            },
        }
    }

    fn cancel(&self, id: &str) -> bool {
        self.gate.vault.cancel(self.reply_queue.owner(), id)
    }

    /// A line that waits for its turn, because too many calls are in flight: if it answers the worker, for which one of
    /// these may wait, or gives up one of these it need not wait for it, and if it gives up one that waits in front of it that ends when it is taken.
    pub(super) fn look(&self, line: &[u8], words: &mut MessageCount) {
        if self.callbacks.are_known() && self.answered(line, words) {
            return;
        }
        let found = self.foreseen().look(line);
        if let Some(id) = found {
            words.word();
            self.cancel(&id);
        }
    }

    /// What goes into the vault of a call: parameters without tickets, and by when it must be done.
    fn passed<'a>(
        &self,
        params: Option<&'a str>,
        nested: Option<&str>,
    ) -> Result<(Option<Cow<'a, str>>, CallContext), RpcError> {
        let vault = &self.gate.vault;
        let nested = CallContext::read(nested)?;
        nested.check(&vault.id)?;
        let deadline_ms = nested.deadline_ms.unwrap_or(u32::MAX).clamp(1, self.deadline_ms);
        if params.is_some_and(|params| !scan::is_within(params.as_bytes(), MAX_LEVELS)) {
            let message = format!("the parameters are nested deeper than {MAX_LEVELS} levels");
            return Err(RpcError::new(code::TOO_LARGE, message));
        }
        let params = params.map(|params| vault.reach.take_in(params, false)).transpose()?;
        Ok((params, CallContext { deadline_ms: Some(deadline_ms), ..nested }))
    }

    fn may(&self, method: &str) -> Result<(), RpcError> {
        let vault = &self.gate.vault;
        let known = builtin::is_request(method) || vault.state().methods.iter().any(|name| name == method);
        if !known {
            let methods = self.methods.join(", ");
            let message = format!("there is no method {:?}; there are: {}", quoted(method), quoted(&methods));
            return Err(RpcError::new(code::METHOD_NOT_FOUND, message));
        }
        self.capability.allows(&question(vault, method)).map_err(|_| {
            let message = format!("this ticket does not allow {}, or has expired", quoted(method));
            RpcError::new(code::DENIED, message)
        })
    }

    fn destruct(&self, destruct: &Destruct, reply: ReplyTo) {
        let vault = Arc::clone(&self.gate.vault);
        let by = Some(self.capability.holder().ticket.to_string());
        let mut receipt = vault.receipt.subscribe();
        vault.doom(Cause::Destruct, None, by, destruct.grace_ms.min(60_000));
        let parting = async move {
            if let Ok(receipt) = receipt.wait_for(Option::is_some).await
                && let Some(receipt) = receipt.clone()
            {
                // What it says beside that is for the core; clients of before refuse what they do not know.
                let receipt = Receipt { generation: None, witness: None, ..receipt };
                reply.serialize(&DestructResult { receipt });
            }
        };
        drop(tasks::spawn(TaskKind::Session, "last-answer", parting));
    }
}
