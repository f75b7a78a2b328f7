//! Worker lifecycle: the life of one in its engine, prelude, source, `create`, calls, `dest`.

use serde_json::value::RawValue;

use crate::directive::SourceForm;
use crate::position::Position;
use hauki_contract::model::method;
use hauki_contract::rpc::channel::{WorkerError, WorkerErrorKind};
use hauki_contract::system::clock;

use super::call_out::CallOut;
use super::clock::Deadline;
use super::error_text::{self, ErrorText, plain};
use super::ffi::{Arguments, Context, FailedStep, Prelude, Thrown};
use super::invocation::{self, Host, Run, Silence};
use super::json::JsonRefusal;
use super::memory::Memory;
use super::powers::PowersTag;
use super::runtime_parts;
use super::source::{Prepared, name_callee};
use super::state::WorkerState;
use super::turn::RestoredNames;

/// Called by the runtime at the right moment, never by a caller.
const APPLIES: [&str; 2] = ["create", "dest"];

/// A longer source is not kept, and what it calls is not named.
const MOST_KEPT: usize = 256 * 1024;

/// A worker's engine. It owns the memory; dropping it is the end of the worker.
pub struct Engine {
    pub(super) context: Context,
    pub(super) state: WorkerState,
    /// What errors name out of it.
    source: Option<Box<str>>,
}

/// One call, as the gate passes it.
#[derive(Debug, Clone, Copy)]
pub struct WorkerCall<'a> {
    pub method: &'a str,
    /// JSON: an array is spread over the arguments, an object is the single argument.
    pub params: Option<&'a str>,
    /// Who calls, as JSON, for `previous_object()`; empty for nobody.
    pub caller: &'a str,
    pub deadline: Deadline,
}

impl Engine {
    /// An engine with the prelude for sources of this form and no worker. `seed` starts its random numbers.
    pub fn new(memory: Memory, seed: u64, vault: &str, form: SourceForm) -> Result<Self, WorkerError> {
        let mut state = WorkerState { vault: vault.to_owned(), form, ..WorkerState::default() };
        let mut context = Context::new(memory, seed);
        let mut silence = Silence;
        let mut run = Run::new(&mut silence, None, "", &mut state);
        let prelude = match form {
            SourceForm::Plain => Prelude::WORKER,
            SourceForm::Compiled => Prelude::COMPILED_WORKER,
        };
        match context.start(&mut run, prelude) {
            Ok(()) => Ok(Self { context, state, source: None }),
            Err(Thrown(text)) => {
                Err(ErrorText::read(&text).into_error(WorkerErrorKind::Memory, None, "<hauki>", &state.map))
            }
        }
    }

    /// Gives a compiled source `fetch`. Before it is loaded.
    pub fn invite(&mut self) {
        self.state.invited = true;
    }

    /// Evaluates the worker's source and runs its `create` with `args`, a JSON array.
    pub fn load(
        &mut self,
        host: &mut dyn Host,
        source: &str,
        file: &str,
        args: &str,
        deadline: Deadline,
    ) -> Result<&[String], WorkerError> {
        file.clone_into(&mut self.state.file);
        let prepared = Prepared::read(source, file)?;
        if prepared.form != self.state.form {
            return Err(plain(WorkerErrorKind::Protocol, "the engine was made for another source".into()));
        }
        self.state.map = prepared.map.clone();
        let named = prepared.named();
        self.source = (named.len() <= MOST_KEPT).then(|| named.into());
        if prepared.form == SourceForm::Compiled {
            let parts = runtime_parts::needed(&prepared.text, self.state.invited);
            self.dispatch(host, (deadline, ""), "install", &parts, Arguments::None)?;
        }
        let mut run = Run::new(host, Some(deadline), "", &mut self.state);
        if let Err(failure) = self.context.eval(&mut run, &prepared.text, error_text::WORKER) {
            let outcome = run.outcome();
            return Err(match failure {
                FailedStep::Parse(thrown) => prepared.syntax_error(&thrown, file),
                failure => self.call_error(failure, outcome),
            });
        }
        self.state.methods = self.find_methods(host, deadline)?;
        self.apply(host, "create", Arguments::Json(args), deadline)?;
        self.state.loaded = true;
        Ok(&self.state.methods)
    }

    /// Calls a public method; the result is one line of valid JSON.
    pub fn call(&mut self, host: &mut dyn Host, call: WorkerCall<'_>) -> Result<String, WorkerError> {
        if self.state.methods.binary_search_by(|name| name.as_str().cmp(call.method)).is_err() {
            let message = format!("the worker has no method {:?}", call.method);
            return Err(plain(WorkerErrorKind::NoMethod, message));
        }
        let arguments = match call.params.map(str::trim_start) {
            None => Arguments::None,
            Some(text) if text.starts_with(['[', '{']) => Arguments::Json(text),
            Some(_) => {
                let message = "parameters are a JSON array or object".to_owned();
                return Err(plain(WorkerErrorKind::Params, message));
            }
        };
        self.state.calls += 1;
        let result = self.dispatch(host, (call.deadline, call.caller), "call", call.method, arguments)?;
        Ok(result.unwrap_or_else(|| "null".to_owned()))
    }

    /// Runs `dest()`, if the worker has one.
    pub fn dest(&mut self, host: &mut dyn Host, deadline: Deadline) -> Result<(), WorkerError> {
        self.apply(host, "dest", Arguments::None, deadline)
    }

    /// When the next call_out is due.
    #[must_use]
    pub fn next_call_out(&self) -> Option<Deadline> {
        self.state.call_outs.next_us().map(Deadline::at_us)
    }

    /// Takes one call_out that is due, and what runs it.
    pub fn due_call_out(&mut self) -> Option<CallOut> {
        self.state.call_outs.take(clock::running_us())
    }

    /// Runs a call_out. Nobody waits for its result, so an error is the log's.
    pub fn call_out(&mut self, host: &mut dyn Host, due: &CallOut, deadline: Deadline) {
        let (verb, arguments) = ("apply", Arguments::Json(&due.args));
        let watched = self.watch(due.powers);
        let done = match &watched {
            Err(error) => Err(error.clone()),
            Ok(_) => self.dispatch_under(due.powers, host, (deadline, ""), verb, &due.function, arguments),
        };
        let changed =
            watched.map_or_else(|_| RestoredNames::default(), |watched| self.restore(host, watched));
        changed.tell(host);
        if let Err(error) = done {
            let place = match (&error.file, error.line) {
                (Some(file), Some(line)) => format!("  ({file}:{line})"),
                _ => String::new(),
            };
            let what = if due.function == invocation::TIMER {
                "a timer".into()
            } else {
                format!("call_out {}", due.function)
            };
            host.log(&format!("{what}: {}{place}", error.message));
        }
    }

    #[must_use]
    pub fn state(&self) -> &WorkerState {
        &self.state
    }

    /// What is alive in the heap, after a collection.
    pub fn heap_used(&mut self) -> u64 {
        self.context.live_bytes() as u64
    }

    #[cfg(test)]
    pub(super) fn occupied_bytes(&self) -> usize {
        self.context.occupied_bytes()
    }

    /// Collects what the calls so far have left.
    pub fn rest(&mut self) {
        self.context.live_bytes();
    }

    /// Whether there is work for [`Engine::rest`].
    #[must_use]
    pub fn is_untidy(&self) -> bool {
        self.context.is_untidy()
    }

    #[must_use]
    pub fn heap_limit(&self) -> u64 {
        self.context.heap_bytes() as u64
    }

    fn apply(
        &mut self,
        host: &mut dyn Host,
        name: &str,
        arguments: Arguments<'_>,
        deadline: Deadline,
    ) -> Result<(), WorkerError> {
        self.dispatch(host, (deadline, ""), "apply", name, arguments).map(drop)
    }

    fn dispatch(
        &mut self,
        host: &mut dyn Host,
        whom: (Deadline, &str),
        verb: &str,
        name: &str,
        arguments: Arguments<'_>,
    ) -> Result<Option<String>, WorkerError> {
        self.dispatch_under(PowersTag::ALL, host, whom, verb, name, arguments)
    }

    pub(super) fn dispatch_under(
        &mut self,
        powers: PowersTag,
        host: &mut dyn Host,
        (deadline, caller): (Deadline, &str),
        verb: &str,
        name: &str,
        arguments: Arguments<'_>,
    ) -> Result<Option<String>, WorkerError> {
        let mut run = Run::new(host, Some(deadline), caller, &mut self.state).under(powers);
        let result = self.context.dispatch(&mut run, verb, name, arguments);
        let outcome = run.outcome();
        result.map_err(|failure| self.call_error(failure, outcome))
    }

    fn find_methods(&mut self, host: &mut dyn Host, deadline: Deadline) -> Result<Vec<String>, WorkerError> {
        let text = self.dispatch(host, (deadline, ""), "methods", "", Arguments::None)?.unwrap_or_default();
        // A property of the global object may be called anything; not all of it can be a method.
        let all: Vec<&RawValue> = serde_json::from_str(&text).unwrap_or_default();
        let mut names: Vec<String> =
            all.into_iter().filter_map(|name| serde_json::from_str(name.get()).ok()).collect();
        names.retain(|name| {
            method::is_name(name) && !name.starts_with('_') && !APPLIES.contains(&name.as_str())
        });
        names.sort_unstable();
        Ok(names)
    }

    pub(super) fn call_error(&self, failure: FailedStep, outcome: invocation::RunOutcome) -> WorkerError {
        let file = Some(self.state.file.clone());
        match failure {
            FailedStep::Run(thrown) => self.run_error(&thrown, outcome),
            FailedStep::Parse(Thrown(text)) => {
                let fault = ErrorText::read(&text);
                if fault.is_memory() {
                    return plain(WorkerErrorKind::Memory, "the parameters do not fit into the heap".into());
                }
                plain(WorkerErrorKind::Params, format!("the parameters are not JSON: {}", fault.message()))
            }
            FailedStep::Result(JsonRefusal::Foreign(how)) => {
                let message = format!("the result {how}, which JSON cannot hold");
                WorkerError { file, ..plain(WorkerErrorKind::Unserializable, message) }
            }
            FailedStep::Result(JsonRefusal::TooLong(limit)) => {
                let message =
                    format!("the result is longer than the limit of {limit} bytes; raise max_frame_bytes");
                WorkerError { file, ..plain(WorkerErrorKind::TooLarge, message) }
            }
            FailedStep::Result(JsonRefusal::TooDeep(levels)) => {
                let message = format!("the result is nested deeper than {levels} levels");
                WorkerError { file, ..plain(WorkerErrorKind::TooLarge, message) }
            }
            FailedStep::Result(JsonRefusal::Interrupted | JsonRefusal::Thrown) => {
                let message = "the deadline passed while the result was written".to_owned();
                WorkerError { file, ..plain(WorkerErrorKind::Deadline, message) }
            }
        }
    }

    fn run_error(&self, Thrown(text): &Thrown, outcome: invocation::RunOutcome) -> WorkerError {
        let mut fault = ErrorText::read(text);
        if outcome.interrupted {
            fault = fault.interrupted();
        }
        let (kind, message) = if outcome.interrupted {
            let place = fault.function().map(|name| format!(" in {name}")).unwrap_or_default();
            (WorkerErrorKind::Deadline, Some(format!("the deadline passed{place}")))
        } else {
            fault.judge(&self.context, outcome.thrown.as_deref())
        };
        let source = self.source.as_deref().filter(|_| fault.is_direct());
        let seen = fault.seen_at();
        let mut error = fault.into_error(kind, message, &self.state.file, &self.state.map);
        if let Some(source) = source {
            let written = error.line.zip(error.column).map(|(line, column)| Position { line, column });
            name_callee(
                &mut error,
                source,
                if self.state.form == SourceForm::Plain { written } else { seen },
            );
        }
        error
    }
}
