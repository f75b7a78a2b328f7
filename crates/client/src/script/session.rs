//! Script session: a script from its text to its end.
//!
//! The script runs in a child; here is its other half. A request goes there, and until its answer comes the
//! child's efuns are answered. When it is cancelled the child is told to end what it runs, and is
//! killed if it does not within a moment, as it cannot while its engine parses: then everything that the
//! script had is gone with it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::cancel::{CancelHandle, Stop};
use super::events::LineSink;
use super::failure::ScriptFailure;
use super::host::{ScriptHost, Stopped, World};
use super::runtime::ScriptRuntime;
use super::statement::with_this;
use crate::compiler::{SourceOrder, Toolchain, ToolchainError};
use crate::runner::{self, CheckError, ChildError, ChildFault, ChildProgram, Runner, StartedChild};
use hauki_contract::model::ticket::Ticket;
use hauki_contract::model::trace::TraceContext;
use hauki_contract::rpc::channel::{WorkerError, WorkerErrorKind};
use hauki_contract::rpc::compile::{Language, Purpose};
use hauki_contract::rpc::script::{Begin, EfunAnswer, FromRunner, RunFailed, ToRunner};
use hauki_contract::strict::{self, DocumentLimits};
use hauki_contract::system::random;

/// How long a program may take to end that has been told to.
const GRACE: Duration = Duration::from_millis(250);

/// What the child may map beside a few times its heap: its text twice, and what is made of it.
const BESIDE_HEAP: u64 = 256 << 20;

/// What a session begins with.
pub struct Setup {
    pub args: Vec<String>,
    /// Where the paths of workers' sources begin.
    pub base: PathBuf,
    pub heap_bytes: u64,
    pub cancel: CancelHandle,
    /// Where workers' lines go.
    pub lines: LineSink,
    /// What the script's requests and calls belong to.
    pub trace: TraceContext,
    /// Whether the engine has the run-time of compiled sources from its beginning, because what comes is not known yet.
    pub compiled: bool,
    /// The program that runs scripts, instead of the one that is installed beside ours.
    pub runner: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum ScriptSetupError {
    #[error(transparent)]
    Runner(#[from] ChildError),
    #[error("failed to start the runtime")]
    Runtime(#[source] io::Error),
    /// Too small, too large, or too small for the prelude.
    #[error("the script's heap does not do: {}", .0.message)]
    Heap(Box<WorkerError>),
    #[error("stopped")]
    Stopped(Stop),
}

/// How a program ended that did not reach its end.
#[derive(Debug)]
pub enum ProgramEnd {
    Stopped(Stop),
    /// Nobody caught it; what failed outside of the engine is beside it.
    Uncaught(Box<WorkerError>, Option<ScriptFailure>),
    /// Nothing of it ran: the engine alone does not take it, and the compiler neither, or there is none.
    Unprepared(Box<ToolchainError>),
    /// The child is gone, and with it everything that the script had.
    Lost(ChildError),
}

/// Dropping it ends what it cloned.
pub struct ScriptSession<W: World> {
    /// None when it had to be given up.
    runner: Option<Runner>,
    host: ScriptHost<W>,
    /// From the first that was compiled on all are: what that left behind, only the run-time can read.
    is_compiled: bool,
    has_runtime: bool,
}

impl<W: World> ScriptSession<W> {
    /// Starts the child and does not wait for it.
    pub fn new(world: W, setup: Setup) -> Result<Self, ScriptSetupError> {
        let program = setup.runner.clone().map_or_else(|| runner::find(ChildProgram::Runner), Ok)?;
        let most_bytes = setup.heap_bytes.saturating_mul(4).saturating_add(BESIDE_HEAP);
        let started = StartedChild::new(ChildProgram::Runner, &program, most_bytes)?;
        let runtime =
            ScriptRuntime::new(setup.cancel.clone(), setup.trace).map_err(ScriptSetupError::Runtime)?;
        let most_payload = usize::try_from(setup.heap_bytes).unwrap_or(usize::MAX);
        let runner = {
            let _inside = runtime.enter();
            started.attach(most_payload)?
        };
        let has_runtime = setup.compiled;
        let host = ScriptHost::new(world, runtime, Toolchain::with(Some(program)), setup);
        Ok(Self { runner: Some(runner), host, is_compiled: false, has_runtime })
    }

    /// Makes the engine. Once, before anything is run.
    pub fn begin(&mut self) -> Result<(), ScriptSetupError> {
        let bytes = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let (heap_bytes, longest) = (bytes(self.host.heap_bytes()), bytes(self.host.longest()));
        let compiled = self.has_runtime;
        let begun = self.ask(&ToRunner::Begin(Begin { heap_bytes, longest, seed: random::u64(), compiled }));
        match begun {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(failed)) => Err(ScriptSetupError::Heap(Box::new(failed.error))),
            Err(ProgramEnd::Lost(error)) => Err(error.into()),
            Err(ProgramEnd::Stopped(why)) => Err(ScriptSetupError::Stopped(why)),
            Err(ProgramEnd::Unprepared(_)) => unreachable!("nothing was to be compiled"),
            Err(ProgramEnd::Uncaught(error, _)) => Err(ScriptSetupError::Heap(error)),
        }
    }

    /// For what must be made inside of the session's runtime.
    pub fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.host.runtime.enter()
    }

    /// Runs work on the session's runtime, for example a listener for signals.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.host.runtime.spawn(work);
    }

    /// Runs a whole program.
    pub fn run(&mut self, source: &str, file: &str, language: Option<Language>) -> Result<(), ProgramEnd> {
        // The line of `#!` is the kernel's, not the language's; the columns of the others stay.
        let hidden = source.strip_prefix("#!").map(|rest| format!("//{rest}"));
        self.compiled(hidden.as_deref().unwrap_or(source), file, language, None).map(drop)
    }

    /// Runs a statement; its value as people read it, if it has one.
    pub fn statement(
        &mut self,
        source: &str,
        language: Option<Language>,
    ) -> Result<Option<String>, ProgramEnd> {
        self.compiled(&with_this(source), "repl", language, Some("show"))
    }

    /// The methods of what an expression names; none if it names no object.
    pub fn members(&mut self, expression: &str) -> Vec<String> {
        self.names(&with_this(expression), "members")
    }

    /// Everything that can be named at the top level.
    pub fn globals(&mut self) -> Vec<String> {
        self.names("0", "globals")
    }

    fn names(&mut self, expression: &str, verb: &str) -> Vec<String> {
        let text = self.evaluate(expression, "repl", Some(verb)).ok().flatten().unwrap_or_default();
        strict::from_str(&text, DocumentLimits::MESSAGE).unwrap_or_default()
    }

    /// Waits for something outside of the engine, or until it is cancelled.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        self.host
            .runtime
            .wait(work)
            .map_err(|_| self.host.runtime.cancel.release().unwrap_or(Stop::Interrupted))
    }

    /// Runs a text as it is, or, where the engine alone does not do, what the compiler makes of it.
    fn compiled(
        &mut self,
        source: &str,
        file: &str,
        language: Option<Language>,
        wanted: Option<&str>,
    ) -> Result<Option<String>, ProgramEnd> {
        let (purpose, always) = (Purpose::Program, self.is_compiled);
        let order = SourceOrder { source, file, language, purpose, path: None, always, fetch: false };
        let host = &mut self.host;
        let prepared = host.runtime.wait(host.toolchain.ahead(order));
        let prepared = match self.prepared(prepared)? {
            Some(prepared) => prepared,
            None => match self.evaluate(source, file, wanted) {
                // Nothing of it has run.
                Err(ProgramEnd::Uncaught(error, None)) if error.kind == WorkerErrorKind::Syntax => {
                    let host = &mut self.host;
                    let prepared = host.runtime.wait(host.toolchain.refused(order, error));
                    self.prepared(prepared)?
                }
                ended => return ended,
            },
        };
        self.is_compiled = true;
        self.host.warn(&prepared.warnings, file);
        self.evaluate(&prepared.text, file, wanted)
    }

    fn prepared<T>(&self, said: Result<Result<T, ToolchainError>, Stopped>) -> Result<T, ProgramEnd> {
        match said {
            Ok(Ok(prepared)) => Ok(prepared),
            Ok(Err(ToolchainError::Check(CheckError::Refused(error)))) => {
                Err(ProgramEnd::Uncaught(error, None))
            }
            Ok(Err(error)) => Err(ProgramEnd::Unprepared(Box::new(error))),
            Err(Stopped) => {
                Err(ProgramEnd::Stopped(self.host.runtime.cancel.release().unwrap_or(Stop::Interrupted)))
            }
        }
    }

    fn evaluate(
        &mut self,
        source: &str,
        file: &str,
        wanted: Option<&str>,
    ) -> Result<Option<String>, ProgramEnd> {
        let (source, file, wanted) = (source.to_owned(), file.to_owned(), wanted.map(str::to_owned));
        let ended = self.ask(&ToRunner::Run { source, file, wanted });
        self.host.objects.drain();
        ended?.map_err(|RunFailed { error, failure }| match self.host.runtime.cancel.release() {
            Some(why) => ProgramEnd::Stopped(why),
            None => {
                let failure = failure.and_then(|number| self.host.failure(number));
                ProgramEnd::Uncaught(Box::new(error), failure)
            }
        })
    }

    /// Whether a statement only lacks its end.
    pub fn is_unfinished(&mut self, source: &str) -> bool {
        let source = with_this(source).into_owned();
        matches!(self.ask(&ToRunner::Finish { source }), Ok(Ok(Some(_))))
    }

    /// Asks the child and answers its efuns until it has answered.
    fn ask(&mut self, request: &ToRunner) -> Result<Result<Option<String>, RunFailed>, ProgramEnd> {
        let asked = match self.runner.take() {
            Some(mut runner) => {
                let said = self.converse(&mut runner, request);
                // One that went wrong is not asked again.
                self.runner = said.is_ok().then_some(runner);
                said
            }
            None => Err(lost(ChildFault::Gone)),
        };
        match asked {
            Ok(FromRunner::Done(value)) => Ok(Ok(value)),
            Ok(FromRunner::Failed(failed)) => Ok(Err(failed)),
            Ok(FromRunner::Ready(_) | FromRunner::Efun(_)) => {
                Err(ProgramEnd::Lost(lost(ChildFault::OutOfTurn)))
            }
            Err(error) => Err(match self.host.runtime.cancel.release() {
                Some(why) => ProgramEnd::Stopped(why),
                None => ProgramEnd::Lost(error),
            }),
        }
    }

    fn converse(&mut self, runner: &mut Runner, request: &ToRunner) -> Result<FromRunner, ChildError> {
        let host = &mut self.host;
        // Of a message that was cut short nothing could follow.
        let cut = |_: Stopped| lost(ChildFault::Gone);
        host.runtime.wait(runner.request(request)).map_err(cut)??;
        loop {
            match host.runtime.wait(runner.next()) {
                Ok(Ok(FromRunner::Efun(words))) => {
                    let answer = ToRunner::Answer(host.answer(&words));
                    // A short answer is on its way at once, also after a cancel.
                    host.runtime.wait(runner.send(&answer)).map_err(cut)??;
                }
                Ok(said) => return said,
                Err(Stopped) => {
                    return host.runtime.finish(GRACE, stop(runner)).unwrap_or(Err(lost(ChildFault::Gone)));
                }
            }
        }
    }

    /// Makes a ticket's object the one of the conversation. Its worker's name becomes a variable, if it
    /// can be one and is free.
    pub fn bind(&mut self, ticket: &Ticket) -> Result<(), ProgramEnd> {
        let name = ticket.worker.name.as_str();
        let begins = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
        let letters = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        let is_free = begins && letters && !self.globals().iter().any(|known| known == name);
        let text = serde_json::to_string(ticket).expect("a ticket is JSON");
        let vault = ticket.vault.as_str();
        let mut source = format!(
            "find_object({text}); var this_object = function () {{ return find_object(\"{vault}\"); }};"
        );
        if is_free && !self.is_unfinished(&format!("var {name};")) {
            source.push_str(&format!("var {name} = this_object();"));
        }
        self.evaluate(&source, "repl", None).map(drop)
    }
}

fn lost(fault: ChildFault) -> ChildError {
    ChildError { program: ChildProgram::Runner, fault }
}

/// Ends what the child runs; what it says last.
async fn stop(runner: &mut Runner) -> Result<FromRunner, ChildError> {
    runner.send(&ToRunner::Stop).await?;
    loop {
        match runner.next().await? {
            FromRunner::Efun(_) => runner.send(&ToRunner::Answer(EfunAnswer::Stop)).await?,
            said => return Ok(said),
        }
    }
}
