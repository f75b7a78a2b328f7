//! Calls: one after the other, at the same time, and the end of an object.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use super::failure::ScriptFailure;
use super::host::{EfunRefused, ScriptHost, World, json};
use crate::ghost::{CallNumber, GhostError, GhostOptions};
use crate::{Ghost, tombstone};
use hauki_contract::model::receipt::Receipt;
use hauki_contract::model::units::parse_duration;
use hauki_contract::rpc::script::EfunAnswer;
use hauki_contract::strict;

type Answered = Result<Box<RawValue>, GhostError>;

/// What the text of an object holds, and that of a ticket: see `Ghost` and `revived` of the prelude.
const MARK: &str = r#""vault":"vlt_"#;

/// Whether there may be an object in it.
pub(super) fn is_marked(json: &str) -> bool {
    memchr::memmem::find(json.as_bytes(), MARK.as_bytes()).is_some()
}

/// Arguments, which go into a request as they are; who writes them is the child that runs the script.
pub(super) fn list(params: &str) -> Result<&str, ScriptFailure> {
    let is_list = params.starts_with('[') && strict::is_json(params);
    is_list.then_some(params).ok_or_else(|| ScriptFailure::usage("the arguments of a call are a list"))
}

/// A call that is under way.
pub(super) struct RunningCall {
    vault: String,
    method: String,
    answer: tokio::task::JoinHandle<Answered>,
}

impl Drop for RunningCall {
    fn drop(&mut self) {
        self.answer.abort();
    }
}

/// The call that a script's word for it means.
pub(super) fn number(word: &str) -> Option<CallNumber> {
    word.rsplit_once(' ')?.1.parse().ok().map(CallNumber)
}

impl<W: World> ScriptHost<W> {
    pub(super) fn ghost_options(&self) -> GhostOptions {
        GhostOptions { connect_timeout: self.world.connect_timeout(), ..GhostOptions::default() }
    }

    /// The connection to an object, made now if there is none.
    pub(super) fn ghost(&mut self, vault: &str) -> Result<Ghost, EfunRefused> {
        let object = self.objects.get(vault)?;
        if let Some(line) = &object.line {
            return Ok(line.ghost.clone());
        }
        let ticket = object.ticket.clone();
        let options = self.ghost_options();
        match self.runtime.wait(Ghost::connect(&ticket, options))? {
            Ok(ghost) => {
                let _inside = self.runtime.enter();
                let line = self.objects.get(vault)?.connected(ghost, &self.lines);
                Ok(line.ghost.clone())
            }
            Err(error) => Err(self.explained(vault, error)?.into()),
        }
    }

    pub(super) fn call(
        &mut self,
        vault: &str,
        method: &str,
        params: &str,
    ) -> Result<EfunAnswer, EfunRefused> {
        self.kept = None;
        let ghost = self.ghost(vault)?;
        let answer = self.runtime.wait(ghost.call(method, Some(params)))?;
        self.answered(vault, method, answer)
    }

    fn answered(&mut self, vault: &str, method: &str, answer: Answered) -> Result<EfunAnswer, EfunRefused> {
        match answer {
            Ok(value) => {
                let text = Box::<str>::from(value).into_string();
                if is_marked(&text) {
                    self.kept = Some(text);
                    return Ok(EfunAnswer::Nothing);
                }
                Ok(EfunAnswer::Json(text))
            }
            Err(error) => Err(self.explained(vault, error)?.of_call(vault, method).into()),
        }
    }

    /// Sends a call and does not wait for it.
    pub(super) fn later(&mut self, vault: &str, method: &str, params: String) -> Result<String, EfunRefused> {
        let ghost = self.ghost(vault)?;
        let room = Arc::clone(&self.objects.get(vault)?.room);
        let (number, name) = (ghost.number(), method.to_owned());
        let answer = self.runtime.spawn(async move {
            // The call's deadline begins when the gate can read it. Nobody closes the semaphore.
            let _room = room.acquire().await;
            ghost.call_as(number, &name, Some(&params)).await
        });
        let pending = RunningCall { vault: vault.to_owned(), method: method.to_owned(), answer };
        let word = format!("{vault} {}", number.0);
        self.pending.insert(word.clone(), pending);
        Ok(word)
    }

    pub(super) fn wait(&mut self, word: &str) -> Result<EfunAnswer, EfunRefused> {
        let Some(mut pending) = self.pending.remove(word) else {
            return Err(ScriptFailure::usage("there is no such call").into());
        };
        // A worker that this waits for may wait for a function of the script.
        let callbacks = &mut self.callbacks;
        let came = self.runtime.wait(async {
            tokio::select! {
                biased;
                answer = &mut pending.answer => Ok(answer),
                call = callbacks.receive() => Err(call),
            }
        })?;
        let answer = match came {
            Ok(answer) => answer,
            Err(call) => {
                self.kept = None;
                callbacks.next = Some(call);
                self.pending.insert(word.to_owned(), pending);
                return Ok(EfunAnswer::Nothing);
            }
        };
        let answer = answer.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        self.answered(&pending.vault, &pending.method, answer)
    }

    /// Ends a vault; its receipt as JSON. One that is dead already answers with its tombstone.
    pub(super) fn destruct(&mut self, vault: &str, grace: &str) -> Result<EfunAnswer, EfunRefused> {
        let grace = match grace {
            "" => 0,
            text => match text.parse() {
                Ok(ms) => ms,
                Err(_) => parse_duration(text).map_err(|error| ScriptFailure::usage(error.to_string()))?,
            },
        };
        let ended = match self.ghost(vault) {
            Ok(ghost) => match self.runtime.wait(ghost.destruct(Duration::from_millis(grace)))? {
                Ok(receipt) => Some(receipt),
                Err(error) if error.may_be_dead() || matches!(error, GhostError::Dead { .. }) => None,
                Err(error) => return Err(ScriptFailure::from(error).of_call(vault, "destruct").into()),
            },
            Err(EfunRefused::Failed(failure)) if failure.code == "vault_dead" => None,
            Err(refused) => return Err(refused),
        };
        let receipt = match ended {
            Some(receipt) => Some(receipt),
            None => self.tombstone(vault)?,
        };
        let answer = json(&receipt);
        self.objects.get(vault)?.receipt = receipt;
        Ok(answer)
    }

    /// Says why a vault died, where the control plane knows.
    fn explained(&mut self, vault: &str, error: GhostError) -> Result<ScriptFailure, EfunRefused> {
        if (error.may_be_dead() || matches!(error, GhostError::Dead { .. }))
            && let Some(receipt) = self.tombstone(vault)?
        {
            return Ok(tombstone::error(receipt).into());
        }
        Ok(error.into())
    }

    fn tombstone(&mut self, vault: &str) -> Result<Option<Receipt>, EfunRefused> {
        let object = self.objects.get(vault)?;
        if object.receipt.is_some() {
            return Ok(object.receipt.clone());
        }
        let vault = object.ticket.vault.clone();
        let world = &self.world;
        Ok(self.runtime.wait(async {
            match world.endpoint_if_live().await {
                Some(endpoint) => tombstone::look_up(endpoint, &vault).await,
                None => None,
            }
        })?)
    }
}
