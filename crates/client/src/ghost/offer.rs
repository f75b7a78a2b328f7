//! Offers: functions of this program that the worker may call, and the calls of them that are under way.
//!
//! What is offered belongs to the ghost and goes over each of its connections; a call belongs to the connection that it
//! came over and ends with it. A call runs in a task of its own, which is dropped when the gate gives the call up.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::connection::GhostConnection;
use super::session::GhostSession;
use hauki_contract::rpc::builtin::{Cancel, FIELDS, OFFER};
use hauki_contract::rpc::callback::{CallbackOrder, Offer, OfferResult, write_answer};
use hauki_contract::rpc::connection::{AnswerSink, GateOrder};
use hauki_contract::rpc::message::{RpcError, code};
use hauki_contract::strict::{DocumentLimits, tolerant_reader};
use hauki_contract::system::tasks::{self, Owned, TaskKind};

/// More than a vault ever asks at once.
const MOST_RUNNING: usize = 64;

/// One call of an offered object.
#[derive(Debug)]
pub struct CallbackCall {
    pub method: String,
    /// A list, as JSON text.
    pub params: Box<RawValue>,
    /// For how long somebody waits.
    pub deadline: Duration,
}

/// What is thrown into the worker instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CallbackThrown(pub String);

impl CallbackCall {
    /// The arguments, as a tuple or a list.
    pub fn arguments<T: DeserializeOwned>(&self) -> Result<T, CallbackThrown> {
        tolerant_reader::fields(self.params.get(), DocumentLimits::MESSAGE).map_err(|error| {
            CallbackThrown(format!("{} was given what it does not take: {error}", self.method))
        })
    }

    /// An answer.
    pub fn answer(&self, value: &impl Serialize) -> Result<Box<RawValue>, CallbackThrown> {
        serde_json::value::to_raw_value(value)
            .map_err(|error| CallbackThrown(format!("{} has no JSON for its answer: {error}", self.method)))
    }
}

type CallbackAnswered = Result<Box<RawValue>, CallbackThrown>;
type CallbackHandler = Arc<dyn Fn(CallbackCall) -> BoxFuture<'static, CallbackAnswered> + Send + Sync>;

pub(super) struct GhostOffer {
    /// Told apart from one that took its place.
    number: u64,
    params: Arc<str>,
    handler: CallbackHandler,
    reference: Option<Box<RawValue>>,
}

#[derive(Default)]
struct OfferEntries {
    open: HashMap<Box<str>, GhostOffer>,
    last: u64,
}

/// All that a ghost offers.
#[derive(Default)]
pub(super) struct OfferBook(Mutex<OfferEntries>);

impl fmt::Debug for OfferBook {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("OfferBook")
    }
}

impl OfferBook {
    fn book(&self) -> MutexGuard<'_, OfferEntries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new connection knows nothing of what was offered over another.
    pub(super) async fn renew(&self, wire: &GhostConnection) {
        let open: Vec<(Box<str>, u64, Arc<str>)> = {
            let book = self.book();
            let all = book.open.iter();
            all.map(|(name, offer)| (name.clone(), offer.number, Arc::clone(&offer.params))).collect()
        };
        for (name, number, params) in open {
            // Where that fails the worker hears that nothing is offered any more.
            let Ok(answer) = wire.call(OFFER, Some(&params)).await else { continue };
            let Ok(result) = super::from_json::<OfferResult>(OFFER, &answer) else { continue };
            self.is_known_as(&name, number, result.object);
        }
    }

    fn is_known_as(&self, name: &str, number: u64, reference: Option<Box<RawValue>>) {
        if let Some(offer) = self.book().open.get_mut(name).filter(|offer| offer.number == number) {
            offer.reference = reference;
        }
    }
}

/// An offer. It is taken back when this is dropped.
#[derive(Debug)]
pub struct OfferHandle {
    session: GhostSession,
    name: Box<str>,
    number: u64,
    params: Arc<str>,
}

impl OfferHandle {
    /// With what was offered under the name before, until now.
    pub(super) fn new<F, A>(
        session: &GhostSession,
        name: &str,
        methods: &[&str],
        handler: F,
    ) -> (Self, Option<GhostOffer>)
    where
        F: Fn(CallbackCall) -> A + Send + Sync + 'static,
        A: Future<Output = CallbackAnswered> + Send + 'static,
    {
        let methods = methods.iter().map(|method| (*method).to_owned()).collect();
        let params: Arc<str> = serde_json::to_string(&Offer { name: name.to_owned(), methods })
            .expect("names are written to memory")
            .into();
        let handler: CallbackHandler = Arc::new(move |call| handler(call).boxed());
        let mut book = session.listeners.offers.book();
        book.last += 1;
        let number = book.last;
        let offer = GhostOffer { number, params: Arc::clone(&params), handler, reference: None };
        let before = book.open.insert(name.into(), offer);
        drop(book);
        (Self { session: session.clone(), name: name.into(), number, params }, before)
    }

    /// What the gate does not take, it does not put in the place of the one before.
    pub(super) fn refused(self, before: Option<GhostOffer>) {
        let mut book = self.session.listeners.offers.book();
        if book.open.get(&self.name).is_some_and(|offer| offer.number == self.number) {
            let ended = match before {
                Some(before) => book.open.insert(self.name.clone(), before),
                None => book.open.remove(&self.name),
            };
            drop(book);
            drop(ended);
        }
    }

    pub(super) fn params(&self) -> &str {
        &self.params
    }

    pub(super) fn is_known_as(&self, reference: Option<Box<RawValue>>) {
        self.session.listeners.offers.is_known_as(&self.name, self.number, reference);
    }

    /// What stands for the object in parameters of calls of this ghost: plain data, which the worker may keep. Another
    /// connection has another one. Nothing, if another offer took the place of this one.
    #[must_use]
    pub fn reference(&self) -> Option<Box<RawValue>> {
        let book = self.session.listeners.offers.book();
        let offer = book.open.get(&self.name).filter(|offer| offer.number == self.number)?;
        offer.reference.clone()
    }
}

impl Drop for OfferHandle {
    fn drop(&mut self) {
        let mut book = self.session.listeners.offers.book();
        if book.open.get(&self.name).is_some_and(|offer| offer.number == self.number) {
            let ended = book.open.remove(&self.name);
            drop(book);
            // Outside of the lock: a handler may own other handles.
            drop(ended);
            let none = Offer { name: self.name.as_ref().into(), methods: Vec::new() };
            // Where that is not sent, what comes is refused here.
            self.session.say(OFFER, &serde_json::to_string(&none).expect("names are written to memory"));
        }
    }
}

type RunningTasks = Arc<Mutex<HashMap<Box<str>, Owned<()>>>>;

/// The calls of one connection. They end with this.
pub(super) struct RunningCallbacks {
    running: RunningTasks,
    /// The longest line.
    limit: usize,
}

impl RunningCallbacks {
    pub(super) fn new(limit: usize) -> Self {
        Self { running: RunningTasks::default(), limit }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Box<str>, Owned<()>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn obey(&self, order: GateOrder<'_>, answers: &AnswerSink, offers: &OfferBook) {
        match order {
            GateOrder::Call { id, params } => self.begin(id.get(), params, answers, offers),
            GateOrder::GivenUp { params } => {
                let given_up = tolerant_reader::fields::<Cancel>(params.get(), FIELDS);
                let ended = given_up.ok().and_then(|Cancel { id }| self.running().remove(id.get()));
                // Outside of the lock: what goes with it is the program's own.
                drop(ended);
            }
        }
    }

    fn begin(&self, id: &str, params: &RawValue, answers: &AnswerSink, offers: &OfferBook) {
        let answer = OpenAnswer { id: id.into(), answers: answers.clone(), limit: self.limit, is_open: true };
        let order = tolerant_reader::fields::<CallbackOrder>(params.get(), DocumentLimits::MESSAGE);
        let order = match order {
            Ok(order) => order,
            Err(error) => return answer.refuse(code::INVALID_PARAMS, error.to_string()),
        };
        let handler = offers.book().open.get(order.object.as_str()).map(|offer| Arc::clone(&offer.handler));
        let Some(handler) = handler else {
            return answer.refuse(code::METHOD_NOT_FOUND, format!("{} is offered no more", order.object));
        };
        let mut running = self.running();
        if running.len() == MOST_RUNNING {
            drop(running);
            return answer.refuse(code::BUSY, "too many calls of what is offered are under way".to_owned());
        }
        let CallbackOrder { method, params, deadline_ms, .. } = order;
        let call = CallbackCall { method, params, deadline: Duration::from_millis(deadline_ms.into()) };
        let (all, own): (RunningTasks, Box<str>) = (Arc::clone(&self.running), id.into());
        let work = async move {
            let _entry = RunningEntry { all, id: own };
            let said = handler(call).await;
            answer.say(said).await;
        };
        // It cannot end before it is noted: that needs the lock, which is held here.
        running.insert(id.into(), tasks::spawn(TaskKind::Session, "callback", work).owned());
    }
}

/// Goes with its task, however that ends.
struct RunningEntry {
    all: RunningTasks,
    id: Box<str>,
}

impl Drop for RunningEntry {
    fn drop(&mut self) {
        let ended = self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
        drop(ended);
    }
}

/// The answer that the gate is owed. Who waits there is told also where a handler panics or is dropped.
struct OpenAnswer {
    id: Box<str>,
    answers: AnswerSink,
    limit: usize,
    is_open: bool,
}

impl OpenAnswer {
    async fn say(mut self, said: CallbackAnswered) {
        let mut line = Vec::new();
        match &said {
            Ok(value) => write_answer(&mut line, &self.id, Ok(value.get())),
            Err(CallbackThrown(message)) => {
                write_answer(&mut line, &self.id, Err(&RpcError::new(code::WORKER, message.as_str())));
            }
        }
        if line.len() - 1 > self.limit {
            line.clear();
            let message = format!("the answer is longer than the {} bytes of a line", self.limit);
            write_answer(&mut line, &self.id, Err(&RpcError::new(code::TOO_LARGE, message)));
        }
        self.is_open = false;
        // Where the connection has gone nobody waits.
        let _ = self.answers.post(line).await;
    }

    fn refuse(mut self, number: i32, message: String) {
        self.is_open = false;
        let mut line = Vec::new();
        write_answer(&mut line, &self.id, Err(&RpcError::new(number, message)));
        self.answers.post_now(line);
    }
}

impl Drop for OpenAnswer {
    fn drop(&mut self) {
        if self.is_open {
            let mut line = Vec::new();
            let error = RpcError::new(code::INTERNAL, "the callback was dropped");
            write_answer(&mut line, &self.id, Err(&error));
            self.answers.post_now(line);
        }
    }
}
