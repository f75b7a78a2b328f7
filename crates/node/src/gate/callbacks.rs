//! Callback table of one connection: the objects that its caller offers, and the calls of them that the caller has not
//! answered yet.
//!
//! The worker's calls go to the caller over the connection on which he offered, in line with his replies, and the vault
//! pays for that as for its events. How many are under way is bounded by the asks that a vault may have open. Whoever
//! stops waiting gives the call up, and the caller is told; when he goes, all that he was asked ends with him.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::replies::ReplyQueue;
use hauki_contract::rpc::callback::{
    CallbackAnswer, MAX_OFFER_BYTES, MAX_OFFERS, Offer, write_callback, write_give_up,
};
use hauki_contract::rpc::message::RpcError;

/// Why a caller does not answer a worker.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum CallbackFailure {
    #[error("the caller that offered it has gone, or offers it no more")]
    Gone,
    #[error("{object} has no method {method}")]
    NoMethod { object: Box<str>, method: String },
    #[error("the arguments of a call are a list")]
    NoList,
    #[error("the caller that offered it does not read what it is sent")]
    Unread,
    /// It said no.
    #[error("{}", .0.message)]
    Refused(Box<RpcError>),
}

/// Why an object cannot be offered.
#[derive(Debug, thiserror::Error)]
pub(super) enum OfferRefused {
    #[error("{0}")]
    Odd(String),
    #[error("{MAX_OFFERS} objects are offered on this connection, no more may be")]
    Many,
    #[error("the names of all that is offered on this connection are longer than {MAX_OFFER_BYTES} bytes")]
    Long,
}

pub(crate) struct CallbackTable {
    reply_queue: Arc<ReplyQueue>,
    /// Whether anything was ever offered: nobody else is asked anything.
    any: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    offers: HashMap<Box<str>, OpenOffer>,
    waiting: HashMap<u64, oneshot::Sender<Result<Box<str>, RpcError>>>,
    /// Of the last call.
    number: u64,
}

struct OpenOffer {
    /// By which the vault knows it.
    word: Box<str>,
    methods: Vec<String>,
    bytes: usize,
}

impl CallbackTable {
    pub(super) fn new(reply_queue: &Arc<ReplyQueue>) -> Arc<Self> {
        let (reply_queue, any) = (Arc::clone(reply_queue), AtomicBool::new(false));
        Arc::new(Self { reply_queue, any, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether its caller may have been asked something.
    pub(super) fn are_known(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Puts an offer in the place of the one of the same name, whose word is the value.
    pub(super) fn replace(&self, offer: &Offer, word: &str) -> Result<Option<Box<str>>, OfferRefused> {
        offer.check().map_err(OfferRefused::Odd)?;
        let mut state = self.state();
        let others = state.offers.iter().filter(|(name, _)| ***name != *offer.name);
        let (count, bytes) =
            others.fold((0, 0), |(count, bytes), (_, other)| (count + 1, bytes + other.bytes));
        if offer.methods.is_empty() {
            return Ok(state.offers.remove(offer.name.as_str()).map(|offer| offer.word));
        }
        if count == MAX_OFFERS {
            return Err(OfferRefused::Many);
        }
        if bytes + offer.bytes() > MAX_OFFER_BYTES {
            return Err(OfferRefused::Long);
        }
        let open = OpenOffer { word: word.into(), methods: offer.methods.clone(), bytes: offer.bytes() };
        self.any.store(true, Ordering::Relaxed);
        Ok(state.offers.insert(offer.name.as_str().into(), open).map(|offer| offer.word))
    }

    /// Nothing is offered any more, and nothing will be answered. The value are the words.
    pub(super) fn close(&self) -> Vec<Box<str>> {
        let mut state = self.state();
        state.waiting.clear();
        state.offers.drain().map(|(_, offer)| offer.word).collect()
    }

    /// Hands an answer to whoever waits for it; nobody does who has given up.
    pub(super) fn answered(&self, answer: CallbackAnswer<'_>) -> bool {
        let waiting = self.state().waiting.remove(&answer.id);
        waiting.is_some_and(|waiting| waiting.send(answer.said.map(Into::into)).is_ok())
    }

    /// Calls what the caller has offered under this name and word.
    pub(crate) async fn ask(
        &self,
        (object, word): (&str, &str),
        method: &str,
        params: &str,
        deadline_ms: u32,
    ) -> Result<Box<str>, CallbackFailure> {
        if !params.starts_with('[') {
            return Err(CallbackFailure::NoList);
        }
        let (sender, receiver) = oneshot::channel();
        let number = {
            let mut state = self.state();
            let open = state.offers.get(object).filter(|open| *open.word == *word);
            let open = open.ok_or(CallbackFailure::Gone)?;
            if !open.methods.iter().any(|offered| offered == method) {
                let (object, method) = (object.into(), method.to_owned());
                return Err(CallbackFailure::NoMethod { object, method });
            }
            state.number += 1;
            let number = state.number;
            state.waiting.insert(number, sender);
            number
        };
        let mut line = Vec::with_capacity(128 + params.len());
        write_callback(&mut line, number, (object, method), params, deadline_ms);
        let mut open = OpenCallback { table: self, number, is_sent: false };
        open.is_sent = self.reply_queue.ask(&line);
        if !open.is_sent {
            return Err(CallbackFailure::Unread);
        }
        drop(line);
        let said = receiver.await.map_err(|_| CallbackFailure::Gone)?;
        said.map_err(|error| CallbackFailure::Refused(Box::new(error)))
    }
}

/// A call that is under way. Who stops waiting gives it up.
struct OpenCallback<'a> {
    table: &'a CallbackTable,
    number: u64,
    is_sent: bool,
}

impl Drop for OpenCallback<'_> {
    fn drop(&mut self) {
        // What was answered, or ended with its caller, is not there any more.
        if self.table.state().waiting.remove(&self.number).is_some() && self.is_sent {
            let mut line = Vec::new();
            write_give_up(&mut line, self.number);
            // Who does not read will be too late for its answer anyway.
            let _ = self.table.reply_queue.ask(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;
    use hauki_contract::rpc::callback::MAX_NAME;

    fn offer(name: &str, methods: &[&str]) -> Offer {
        let methods = methods.iter().map(|method| (*method).to_owned()).collect();
        Offer { name: name.to_owned(), methods }
    }

    fn sent(table: &CallbackTable) -> String {
        let mut bytes = Vec::new();
        table.reply_queue.take(&mut bytes);
        String::from_utf8(bytes).expect("is text")
    }

    #[tokio::test]
    async fn a_call_goes_to_the_caller_and_is_answered_once() {
        let table = CallbackTable::new(&Arc::default());
        assert!(!table.are_known());
        assert!(table.replace(&offer("tools", &["f"]), "w").expect("has room").is_none());
        let mut asking = pin!(table.ask(("tools", "w"), "f", "[1]", 50));
        let mut waiting = Context::from_waker(Waker::noop());
        assert!(asking.as_mut().poll(&mut waiting).is_pending());
        assert!(sent(&table).contains(r#""id":"c1","method":"hauki.call""#));
        assert!(table.answered(CallbackAnswer { id: 1, said: Ok("7") }));
        assert!(!table.answered(CallbackAnswer { id: 1, said: Ok("8") }), "nobody waits any more");
        assert_eq!(asking.await.expect("was answered").as_ref(), "7");
        assert_eq!(sent(&table), "", "what was answered is not given up");
        for (name, word, method, params) in [
            ("tools", "other", "f", "[]"),
            ("other", "w", "f", "[]"),
            ("tools", "w", "g", "[]"),
            ("tools", "w", "f", "{}"),
        ] {
            table.ask((name, word), method, params, 50).await.expect_err("is not there");
        }
        assert_eq!(sent(&table), "");
    }

    #[tokio::test]
    async fn who_stops_waiting_gives_up_and_who_leaves_ends_what_waits() {
        let table = CallbackTable::new(&Arc::default());
        table.replace(&offer("tools", &["f"]), "w").expect("has room");
        let mut waiting = Context::from_waker(Waker::noop());
        {
            let mut asking = pin!(table.ask(("tools", "w"), "f", "[1]", 50));
            assert!(asking.as_mut().poll(&mut waiting).is_pending());
            sent(&table);
        }
        assert_eq!(
            sent(&table),
            "{\"jsonrpc\":\"2.0\",\"method\":\"hauki.cancel\",\"params\":{\"id\":\"c1\"}}\n"
        );
        let mut asking = pin!(table.ask(("tools", "w"), "f", "[1]", 50));
        assert!(asking.as_mut().poll(&mut waiting).is_pending());
        assert_eq!(table.close(), ["w".into()]);
        assert!(matches!(asking.await, Err(CallbackFailure::Gone)));
        assert!(matches!(table.ask(("tools", "w"), "f", "[]", 50).await, Err(CallbackFailure::Gone)));
    }

    #[test]
    fn offers_are_bounded_and_one_takes_the_place_of_another() {
        let table = CallbackTable::new(&Arc::default());
        for number in 0..MAX_OFFERS {
            table.replace(&offer(&number.to_string(), &["f"]), "w").expect("has room");
        }
        assert!(matches!(table.replace(&offer("more", &["f"]), "w"), Err(OfferRefused::Many)));
        assert_eq!(table.replace(&offer("0", &["g"]), "new").expect("has room"), Some("w".into()));
        assert_eq!(table.replace(&offer("0", &[]), "").expect("is taken back"), Some("new".into()));
        let long = "x".repeat(MAX_NAME - 2);
        let methods: Vec<String> = (10..99).map(|number| format!("{long}{number}")).collect();
        let all = Offer { name: "long".to_owned(), methods };
        assert!(matches!(table.replace(&all, "w"), Err(OfferRefused::Long)));
        table.replace(&offer("more", &["f"]), "w").expect("has room again");
    }

    #[tokio::test]
    async fn who_reads_nothing_is_asked_nothing_more() {
        let table = CallbackTable::new(&Arc::default());
        table.replace(&offer("tools", &["f"]), "w").expect("has room");
        let params = format!("[\"{}\"]", "x".repeat(600 * 1024));
        let mut waiting = Context::from_waker(Waker::noop());
        let mut asked: Vec<_> =
            (0..2).map(|_| Box::pin(table.ask(("tools", "w"), "f", &params, 50))).collect();
        assert!(asked.iter_mut().all(|asking| asking.as_mut().poll(&mut waiting).is_pending()));
        let refused = table.ask(("tools", "w"), "f", "[]", 50).await;
        assert!(matches!(refused, Err(CallbackFailure::Unread)), "{refused:?}");
        drop(asked);
        assert_eq!(sent(&table).lines().count(), 2, "nor is it told of what is given up");
    }
}
