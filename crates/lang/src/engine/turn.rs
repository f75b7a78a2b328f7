//! Turns: text that a caller hands to a worker that takes it, evaluated in the worker's global scope.
//!
//! What a turn declares is there for the next. The text comes as the engine reads it: whoever wrote it has lowered it on
//! his side and keeps the map, so a place in an error is the turn's name, `t` and its number, with line and column of
//! what was sent. Only a worker whose source calls `enable_evaluate()` takes turns: a ticket for all methods opens
//! methods, and its holders were never meant to read what the worker keeps to itself.

use std::ffi::CString;

use crate::directive::{self, SourceForm};
use hauki_contract::rpc::channel::{WorkerError, WorkerErrorKind};

use super::clock::Deadline;
use super::error_text::{plain, turn_name};
use super::ffi::{Arguments, FailedStep};
use super::invocation::{Host, Run};
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
}

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
            let message = "the worker was loaded without the run-time of compiled sources, which the turn needs";
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
        let text = directive::blanked(&prepared.text);
        let file = CString::new(name.as_str()).unwrap_or_default();
        let mut run = Run::new(host, Some(turn.deadline), turn.caller, &mut self.state).under(powers);
        let done = self.context.turn(&mut run, &text, &file);
        let outcome = run.outcome();
        match done {
            Ok(value) => Ok(TurnValue { number, value }),
            Err(FailedStep::Parse(thrown)) => Err(prepared.syntax_error(&thrown, &name)),
            Err(failure) => {
                let error = self.call_error(failure, outcome);
                // Where no place is known it is the turn's all the same.
                let file = if error.line.is_some() { error.file } else { Some(name) };
                Err(WorkerError { file, ..error })
            }
        }
    }
}
