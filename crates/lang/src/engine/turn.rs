//! Turns: text that a caller hands to a worker that takes it, evaluated in the worker's global scope.
//!
//! What a turn declares is there for the next. The text comes as the engine reads it: whoever wrote it has lowered it on
//! his side and keeps the map, so a place in an error is the turn's name, `t` and its number, with line and column of
//! what was sent. Only a worker whose source calls `enable_evaluate()` takes turns: a ticket for all methods opens
//! methods, and its holders were never meant to read what the worker keeps to itself.

use std::ffi::CString;

use serde::Deserialize;

use crate::directive::{self, SourceForm};
use hauki_contract::rpc::channel::{WorkerError, WorkerErrorKind};

use super::clock::Deadline;
use super::error_text::{plain, turn_name};
use super::ffi::{Arguments, FailedStep};
use super::invocation::{Host, Run, Silence};
use super::powers::{Powers, PowersTag};
use super::runtime_parts;
use super::source::Prepared;
use super::worker::Engine;

/// One turn, as the gate passes it.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'a> {
    pub text: &'a str,
    /// A JSON array: `args`, and what `main` is called with where the turn defines it.
    pub args: Option<&'a str>,
    /// Fewer than the worker's.
    pub powers: Option<&'a Powers>,
    /// Whether everything that runs from now on has no more than these.
    pub lasting: bool,
    pub caller: &'a str,
    pub deadline: Deadline,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnValue {
    /// By which errors name it, also those of later.
    pub number: u64,
    /// JSON; absent is `undefined`.
    pub value: Option<String>,
    /// Names that it had changed although it had fewer powers than the session, and that are as they were.
    pub restored: Vec<String>,
}

/// Of the session, after a run with fewer powers.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RestoredNames {
    restored: Vec<String>,
    /// Some of them, or others that nobody could count, are not as they were. The session ends.
    lost: bool,
}

/// Whether names are looked after in a run.
#[must_use]
pub(super) struct WatchedNames(bool);

/// How long it may take to look at them.
const LOOK_MS: u32 = 1000;

impl RestoredNames {
    pub(super) fn tell(&self, host: &mut dyn Host) {
        if !self.restored.is_empty() {
            host.log(&format!("{RESTORED}: {}", self.restored.join(", ")));
        }
        if self.lost {
            host.log(&format!("{LOST}: the session ends"));
        }
    }
}

/// What is told of names.
const RESTORED: &str =
    "names of the session were changed with fewer powers than it has, and are as they were";
const LOST: &str = "names of the session were changed with fewer powers than it has, and cannot be put back";

impl Engine {
    /// Evaluates a turn; of the promise of its last expression the settled value.
    pub fn evaluate(&mut self, host: &mut dyn Host, turn: Turn<'_>) -> Result<TurnValue, WorkerError> {
        if !self.state.evaluates {
            let message = "the worker takes no turns: its source does not call enable_evaluate()";
            return Err(plain(WorkerErrorKind::NoMethod, message.into()));
        }
        let number = self.state.turns + 1;
        let name = turn_name(number);
        let prepared = Prepared::verbatim(turn.text, &name)?;
        if prepared.form == SourceForm::Compiled && self.state.form == SourceForm::Plain {
            let message =
                "the worker was loaded without the run-time of compiled sources, which the turn needs";
            return Err(plain(WorkerErrorKind::Params, message.into()));
        }
        let powers = match turn.powers {
            None => PowersTag::ALL,
            Some(powers) => self
                .state
                .powers
                .give(powers, turn.lasting)
                .map_err(|many| plain(WorkerErrorKind::Params, many.to_string()))?,
        };
        self.state.turns = number;
        self.state.calls += 1;
        let whom = (turn.deadline, turn.caller);
        if prepared.form == SourceForm::Compiled {
            let parts = runtime_parts::needed(&prepared.text, self.state.invited);
            self.dispatch_under(PowersTag::ALL, host, whom, "install", &parts, Arguments::None)?;
        }
        let (narrow, args) = (powers.written().unwrap_or_default(), turn.args);
        let args = args.map_or(Arguments::None, Arguments::Json);
        self.dispatch_under(powers, host, whom, "turn", &narrow, args)?;
        let watched = self.watch(powers)?;
        let text = directive::blanked(&prepared.text);
        let file = CString::new(name.as_str()).unwrap_or_default();
        let mut run = Run::new(host, Some(turn.deadline), turn.caller, &mut self.state).under(powers);
        let done = self.context.turn(&mut run, &text, &file);
        let outcome = run.outcome();
        let names = self.restore(host, watched);
        if names.lost {
            names.tell(host);
            return Err(WorkerError { file: Some(name), ..plain(WorkerErrorKind::Throw, LOST.into()) });
        }
        if done.is_err() {
            names.tell(host);
        }
        match done {
            Ok(value) => Ok(TurnValue { number, value, restored: names.restored }),
            Err(FailedStep::Parse(thrown)) => Err(prepared.syntax_error(&thrown, &name)),
            Err(failure) => {
                let error = self.call_error(failure, outcome);
                // Where no place is known it is the turn's all the same.
                let file = if error.line.is_some() { error.file } else { Some(name) };
                Err(WorkerError { file, ..error })
            }
        }
    }

    /// Remembers the session's names before a run that has fewer powers than others will have.
    pub(super) fn watch(&mut self, powers: PowersTag) -> Result<WatchedNames, WorkerError> {
        let most = self.state.powers.left(PowersTag::ALL);
        if self.state.powers.both(most, powers) == most {
            return Ok(WatchedNames(false));
        }
        self.looked("watch").map(|_| WatchedNames(true))
    }

    /// Puts them back, or has the session end.
    pub(super) fn restore(&mut self, host: &mut dyn Host, watched: WatchedNames) -> RestoredNames {
        if !watched.0 {
            return RestoredNames::default();
        }
        let told = self.looked("restore").ok().flatten();
        let names: Option<RestoredNames> = told.and_then(|told| serde_json::from_str(&told).ok());
        let names = names.unwrap_or(RestoredNames { restored: Vec::new(), lost: true });
        if names.lost {
            host.destruct();
        }
        names
    }

    /// Nobody's wish to go on matters here: who has given up the run has not given up the session.
    fn looked(&mut self, verb: &str) -> Result<Option<String>, WorkerError> {
        let whom = (Deadline::after_ms(LOOK_MS), "");
        self.dispatch_under(PowersTag::ALL, &mut Silence, whom, verb, "", Arguments::None)
    }
}
