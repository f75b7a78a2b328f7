//! One run of the engine: its deadline, its efuns, and what it said about its own end.

use super::clock::{self, Deadline};
use super::ffi::Efuns;
use crate::rpc::channel::{Said, Unanswered};

/// Where the effects of a worker go. The init's writes frames; the caller's script prints.
pub trait Host {
    /// A line of `print` or `write`.
    fn log(&mut self, text: &str);
    /// `emit(event, data)`; an error is thrown into the worker.
    fn event(&mut self, event: &str, data: &str) -> Result<(), String>;
    /// `destruct(this_object())`.
    fn destruct(&mut self);
    /// Calls an object that the worker holds and waits for what it says, JSON text, until the deadline.
    fn ask(&mut self, object: &str, method: &str, params: &str, deadline: Option<Deadline>) -> Said;
    /// Called now and then while the worker runs, so that lines and events do not wait for its end.
    fn tick(&mut self);
}

/// Takes nothing anywhere: for parsing and for the prelude.
pub(super) struct Silence;

impl Host for Silence {
    fn log(&mut self, _: &str) {}
    fn event(&mut self, _: &str, _: &str) -> Result<(), String> {
        Ok(())
    }
    fn destruct(&mut self) {}
    fn ask(&mut self, _: &str, _: &str, _: &str, _: Option<Deadline>) -> Said {
        Err(Unanswered::new("internal", "nobody is there to carry a call").into())
    }
    fn tick(&mut self) {}
}

pub(super) struct Run<'a> {
    host: &'a mut dyn Host,
    deadline: Option<Deadline>,
    caller: &'a str,
    vault: &'a str,
    outcome: Outcome,
    /// The last ask that went wrong, until the prelude has read about it.
    failure: Option<Box<Unanswered>>,
}

/// What the engine's exception alone does not tell.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub interrupted: bool,
    /// Something that is not an Error was thrown: its text.
    pub thrown: Option<String>,
    pub unserializable: Option<String>,
}

impl<'a> Run<'a> {
    pub fn new(host: &'a mut dyn Host, deadline: Option<Deadline>, caller: &'a str, vault: &'a str) -> Self {
        Self { host, deadline, caller, vault, outcome: Outcome::default(), failure: None }
    }

    pub fn outcome(self) -> Outcome {
        self.outcome
    }

    fn ask(&mut self, object: &str, method: &str, params: &str) -> Result<Option<String>, String> {
        match self.host.ask(object, method, params, self.deadline) {
            Ok(value) => Ok(Some(value)),
            Err(failure) => {
                self.outcome.interrupted |= self.deadline.is_some_and(Deadline::passed);
                let message = failure.message.clone();
                self.failure = Some(failure);
                Err(message)
            }
        }
    }
}

impl Efuns for Run<'_> {
    fn interrupt(&mut self) -> bool {
        self.host.tick();
        let passed = self.deadline.is_some_and(Deadline::passed);
        self.outcome.interrupted |= passed;
        passed
    }

    fn call(&mut self, arguments: &[String]) -> Result<Option<String>, String> {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["log", text] => self.host.log(text),
            ["event", event, data] => self.host.event(event, data)?,
            ["destruct"] => self.host.destruct(),
            [word @ ("now" | "monotonic")] => return Ok(clock::tell(word)),
            ["caller"] if self.caller.is_empty() => {}
            ["caller"] => return Ok(Some(self.caller.to_owned())),
            ["vault"] => return Ok(Some(self.vault.to_owned())),
            ["thrown", text] => self.outcome.thrown = Some((*text).to_owned()),
            ["ask", object, method, params] => return self.ask(object, method, params),
            ["failure"] => {
                let failure = self.failure.take();
                return Ok(failure.and_then(|failure| serde_json::to_string(&failure).ok()));
            }
            ["unserializable", text] => self.outcome.unserializable = Some((*text).to_owned()),
            _ => return Err("no such efun".to_owned()),
        }
        Ok(None)
    }
}
