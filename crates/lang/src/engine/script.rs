//! Script execution, the caller's side: a program that runs once, and statements that somebody types.
//!
//! The prelude and what it reaches through its door belong to the caller (`client::script`); here is
//! only what the engine makes of the text. The prelude's dispatcher knows at least the verb "thrown",
//! under which it throws the pending exception again with `door("again")`, catches it, and returns a
//! [`Told`] as JSON.

use serde::Deserialize;

use super::error_text::{self, ErrorText};
use super::ffi::{Arguments, Context, EarlyEnd, FailedStep, Prelude, Thrown};
use super::host_call::Efuns;
use super::memory::Memory;
use super::runtime_parts;
use super::source::{Prepared, name_callee};
use crate::directive::{self, SourceForm};
use crate::lexer;
use crate::position::Position;
use crate::source_map::SourceMap;
use hauki_contract::rpc::channel::{WorkerError, WorkerErrorKind};

/// An engine for programs of this side.
pub struct Script {
    context: Context,
    form: SourceForm,
}

/// What the prelude tells of a thrown value.
#[derive(Debug, Deserialize)]
struct Told {
    /// An Error's name, message and stack in full, which the engine itself would cut.
    #[serde(default)]
    error: Option<String>,
    /// The text of a value that is no Error.
    #[serde(default)]
    value: Option<String>,
    /// The number of the failure outside of the engine that the Error stands for.
    #[serde(default)]
    failure: Option<u64>,
}

/// A program that did not reach its end.
#[derive(Debug)]
pub struct Uncaught {
    pub error: WorkerError,
    /// The number that the caller gave to the failure that was thrown.
    pub failure: Option<u64>,
}

impl Script {
    /// With the prelude of `client::script`, for sources of this form; the larger one takes both.
    pub fn new(
        memory: Memory,
        seed: u64,
        efuns: &mut dyn Efuns,
        form: SourceForm,
    ) -> Result<Self, WorkerError> {
        let mut context = Context::new(memory, seed);
        let prelude = match form {
            SourceForm::Plain => Prelude::SCRIPT,
            SourceForm::Compiled => Prelude::COMPILED_SCRIPT,
        };
        match context.start(efuns, prelude) {
            Ok(()) => Ok(Self { context, form }),
            Err(Thrown(text)) => Err(ErrorText::read(&text).into_error(
                WorkerErrorKind::Memory,
                None,
                "<hauki>",
                &SourceMap::default(),
            )),
        }
    }

    /// Runs a program. With `wanted`, what the dispatcher says under this verb to the value of its last
    /// expression is returned.
    pub fn run(
        &mut self,
        efuns: &mut dyn Efuns,
        source: &str,
        file: &str,
        wanted: Option<&str>,
    ) -> Result<Option<String>, Uncaught> {
        let failed = |error| Uncaught { error, failure: None };
        let prepared = Prepared::read(source, file).map_err(failed)?;
        if prepared.form == SourceForm::Compiled && self.form == SourceForm::Plain {
            let message = "the session has begun without the run-time of compiled sources".to_owned();
            return Err(failed(error_text::plain(WorkerErrorKind::Protocol, message)));
        }
        if prepared.form == SourceForm::Compiled {
            let parts = runtime_parts::needed(&prepared.text, false);
            if let Err(failure) = self.context.dispatch(efuns, "install", &parts, Arguments::None) {
                return Err(self.uncaught(&failure.into_text(), None, (file, None), &prepared.map));
            }
        }
        let text = directive::blanked(&prepared.text);
        match self.context.eval_told(efuns, &text, error_text::WORKER, wanted) {
            Ok(value) => Ok(value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())),
            Err(EarlyEnd { failure: FailedStep::Parse(thrown), .. }) => {
                Err(failed(prepared.syntax_error(&thrown, file)))
            }
            Err(EarlyEnd { failure, told }) => {
                let told: Option<Told> = told.and_then(|json| serde_json::from_str(&json).ok());
                // Of a statement, what stands at the place may be another one's text.
                let named = wanted.is_none().then_some(&prepared);
                Err(self.uncaught(&failure.into_text(), told, (file, named), &prepared.map))
            }
        }
    }

    /// Whether the text only lacks its end: a bracket is open, or the engine would refuse it behind its
    /// last word.
    pub fn is_unfinished(&mut self, efuns: &mut dyn Efuns, source: &str) -> bool {
        let words = lexer::words(source);
        let count = |brackets: [&str; 3]| {
            words.iter().filter(|word| brackets.iter().any(|bracket| word.is(bracket))).count()
        };
        if count(["(", "[", "{"]) > count([")", "]", "}"]) {
            return true;
        }
        let Ok(Prepared { text, map, .. }) = Prepared::read(source, "") else { return false };
        let Err(Thrown(said)) = self.context.parse(efuns, &text, error_text::WORKER) else { return false };
        let error = ErrorText::read(&said).into_error(WorkerErrorKind::Syntax, None, "", &map);
        let Some(place) = error.line.zip(error.column) else { return false };
        words.last().is_none_or(|word| {
            Position::of(source, word.end()) <= Position { line: place.0, column: place.1 }
        })
    }

    fn uncaught(
        &self,
        words: &str,
        told: Option<Told>,
        (file, named): (&str, Option<&Prepared<'_>>),
        map: &SourceMap,
    ) -> Uncaught {
        let (error, value, failure) =
            told.map_or((None, None, None), |told| (told.error, told.value, told.failure));
        let fault = ErrorText::read(error.as_deref().unwrap_or(words));
        let (kind, message) = fault.judge(&self.context, value.as_deref());
        let named = named.filter(|_| fault.is_direct());
        let seen = fault.seen_at();
        let mut error = fault.into_error(kind, message, file, map);
        if let Some(prepared) = named {
            let written = error.line.zip(error.column).map(|(line, column)| Position { line, column });
            let place = if prepared.form == SourceForm::Plain { written } else { seen };
            name_callee(&mut error, prepared.named(), place);
        }
        Uncaught { error, failure }
    }
}
