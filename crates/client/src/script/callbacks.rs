//! Callbacks of a script: the functions that it offers to workers, and the calls of them.
//!
//! A script has one thread, and its functions run where it waits for a worker anyway: there the next call of one is handed
//! to the prelude instead of an answer. What a worker asks meanwhile waits, at most for as long as the worker does.

use std::collections::HashMap;

use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use super::failure::ScriptFailure;
use super::host::{EfunRefused, ScriptHost, World, json as told};
use crate::ghost::{CallbackCall, CallbackThrown, OfferHandle};
use hauki_contract::rpc::script::EfunAnswer;
use hauki_contract::strict::{self, DocumentLimits};

type FunctionAnswer = Result<Box<RawValue>, CallbackThrown>;

/// Calls that wait for the script; who has one more waits as well.
const QUEUED: usize = 64;

/// A worker calls a function of the script.
pub(super) struct FunctionCall {
    vault: String,
    object: String,
    call: CallbackCall,
    answer: oneshot::Sender<FunctionAnswer>,
}

pub(super) struct ScriptCallbacks {
    sender: mpsc::Sender<FunctionCall>,
    receiver: mpsc::Receiver<FunctionCall>,
    /// By the vault and the name.
    offers: HashMap<(String, String), OfferHandle>,
    /// The call that the prelude is to take.
    pub(super) next: Option<FunctionCall>,
    /// Those that it has taken, by number.
    running: HashMap<u64, oneshot::Sender<FunctionAnswer>>,
    last: u64,
}

impl Default for ScriptCallbacks {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(QUEUED);
        let (offers, running) = (HashMap::new(), HashMap::new());
        Self { sender, receiver, offers, next: None, running, last: 0 }
    }
}

impl ScriptCallbacks {
    /// The next call for which somebody still waits.
    pub(super) async fn receive(&mut self) -> FunctionCall {
        loop {
            match self.receiver.recv().await {
                Some(call) if call.answer.is_closed() => {}
                Some(call) => return call,
                // The sender lives in `self`.
                None => std::future::pending().await,
            }
        }
    }

    /// What the prelude is told of the call that it is to make.
    pub(super) fn take(&mut self) -> EfunAnswer {
        let Some(FunctionCall { vault, object, call, answer }) = self.next.take() else {
            return EfunAnswer::Nothing;
        };
        self.running.retain(|_, answer| !answer.is_closed());
        self.last += 1;
        self.running.insert(self.last, answer);
        let CallbackCall { method, params, .. } = call;
        told(
            &json!({ "number": self.last.to_string(), "vault": vault, "object": object, "method": method, "params": params }),
        )
    }

    /// Nobody minds what comes too late.
    pub(super) fn settle(&mut self, number: &str, said: FunctionAnswer) {
        let running = number.parse().ok().and_then(|number: u64| self.running.remove(&number));
        let _ = running.map(|running| running.send(said));
    }

    pub(super) fn withdraw(&mut self, vault: &str, name: &str) {
        drop(self.offers.remove(&(vault.to_owned(), name.to_owned())));
    }
}

impl<W: World> ScriptHost<W> {
    /// Offers an object of the script's to a worker; the value stands for it in arguments.
    pub(super) fn offer(
        &mut self,
        vault: &str,
        name: &str,
        methods: &str,
    ) -> Result<EfunAnswer, EfunRefused> {
        let methods: Vec<String> = strict::from_str(methods, DocumentLimits::MESSAGE)
            .map_err(|_| ScriptFailure::usage("what is offered is named by a list of texts"))?;
        let methods: Vec<&str> = methods.iter().map(String::as_str).collect();
        let ghost = self.ghost(vault)?;
        let (sender, of, object) = (self.callbacks.sender.clone(), vault.to_owned(), name.to_owned());
        let handler = move |call| {
            let (sender, vault, object) = (sender.clone(), of.clone(), object.clone());
            async move {
                let ended = || CallbackThrown("the script that offered it has ended".to_owned());
                let (answer, said) = oneshot::channel();
                let call = FunctionCall { vault, object, call, answer };
                sender.send(call).await.map_err(|_| ended())?;
                said.await.unwrap_or_else(|_| Err(ended()))
            }
        };
        let offered = self.runtime.wait(ghost.offer(name, &methods, handler))?;
        let handle = offered.map_err(|error| ScriptFailure::from(error).of_call(vault, "offer"))?;
        let reference = handle.reference();
        self.callbacks.offers.insert((vault.to_owned(), name.to_owned()), handle);
        Ok(told(&reference))
    }
}
