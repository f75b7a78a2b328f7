//! A script from its text to its end.

use std::io;
use std::path::PathBuf;

use super::brake::{Brake, Stop};
use super::failure::Failure;
use super::feed::Lines;
use super::host::{Host, World};
use super::plane::Plane;
use super::statement::with_this;
use crate::lpc::engine::{Memory, MemoryError, Place, Script, Uncaught};
use crate::model::ticket::Ticket;
use crate::rpc::channel::WorkerError;
use crate::system::random;

/// What a session begins with.
pub struct Setup {
    pub args: Vec<String>,
    /// Where the paths of workers' sources begin.
    pub base: PathBuf,
    pub heap_bytes: u64,
    pub brake: Brake,
    /// Where workers' lines go.
    pub lines: Lines,
}

#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("failed to make the script's heap")]
    Memory(#[from] MemoryError),
    #[error("failed to start the runtime")]
    Runtime(#[source] io::Error),
    /// The heap is too small, or the prelude has a defect.
    #[error("the script's heap cannot hold its functions: {}", .0.message)]
    Prelude(WorkerError),
}

/// How a program ended that did not reach its end.
#[derive(Debug)]
pub enum End {
    Stopped(Stop),
    /// Nobody caught it; what failed outside of the engine is beside it.
    Uncaught(Box<WorkerError>, Option<Failure>),
}

/// Dropping it ends what it cloned.
pub struct Session<W: World> {
    script: Script,
    host: Host<W>,
}

impl<W: World> Session<W> {
    pub fn new(world: W, setup: Setup) -> Result<Self, SetupError> {
        let Setup { args, base, heap_bytes, brake, lines } = setup;
        let memory = Memory::map(Place::Anywhere, heap_bytes)?;
        let plane = Plane::new(brake).map_err(SetupError::Runtime)?;
        // The engine holds a text once, and makes another of what is cut out of it.
        let longest = usize::try_from(heap_bytes / 2).unwrap_or(usize::MAX);
        let mut host = Host::new(world, plane, lines, base, args, longest);
        let script = Script::new(memory, random::u64(), &mut host).map_err(SetupError::Prelude)?;
        Ok(Self { script, host })
    }

    /// For what must be made inside of the session's runtime.
    pub fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.host.plane.enter()
    }

    /// Runs work on the session's runtime, for example a listener for signals.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.host.plane.spawn(work);
    }

    /// Runs a whole program.
    pub fn run(&mut self, source: &str, file: &str) -> Result<(), End> {
        // The line of `#!` is the kernel's, not the language's; the columns of the others stay.
        let hidden = source.strip_prefix("#!").map(|rest| format!("//{rest}"));
        self.evaluate(hidden.as_deref().unwrap_or(source), file, None).map(drop)
    }

    /// Runs a statement; its value as people read it, if it has one.
    pub fn statement(&mut self, source: &str) -> Result<Option<String>, End> {
        self.evaluate(&with_this(source), "repl", Some("show"))
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
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Waits for something outside of the engine, or for the brake.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        self.host.plane.wait(work).map_err(|_| self.host.plane.brake.release().unwrap_or(Stop::Interrupted))
    }

    fn evaluate(&mut self, source: &str, file: &str, wanted: Option<&str>) -> Result<Option<String>, End> {
        let ended = self.script.run(&mut self.host, source, file, wanted);
        self.host.objects.drain();
        ended.map_err(|Uncaught { error, failure }| match self.host.plane.brake.release() {
            Some(why) => End::Stopped(why),
            None => {
                let failure = failure.and_then(|number| self.host.failure(number));
                End::Uncaught(Box::new(error), failure)
            }
        })
    }

    /// Whether a statement only lacks its end.
    pub fn is_unfinished(&mut self, source: &str) -> bool {
        self.script.is_unfinished(&mut self.host, &with_this(source))
    }

    /// Makes a ticket's object the one of the conversation. Its worker's name becomes a variable, if it
    /// can be one and is free.
    pub fn bind(&mut self, ticket: &Ticket) -> Result<(), End> {
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
