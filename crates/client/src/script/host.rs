//! Host functions of a script: what is behind the door of its prelude.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::callbacks::ScriptCallbacks;
use super::calls::{self, RunningCall};
use super::cancel::{CancelHandle, Stop};
use super::events::LineSink;
use super::failure::ScriptFailure;
use super::files;
use super::objects::Objects;
use super::runtime::ScriptRuntime;
use super::session::Setup;
use crate::ControlPlane;
use crate::compiler::Toolchain;
use crate::ghost::CallbackThrown;
use hauki_contract::rpc::script::EfunAnswer;
use hauki_contract::strict;

/// What a script reaches: a control runtime, and somebody who reads.
pub trait World {
    /// The control runtime; asked for when the script first needs one, so that it may be started then.
    fn endpoint(&self) -> impl Future<Output = Result<&ControlPlane, ScriptFailure>>;
    /// The control runtime if it can be had without starting one, to ask why a vault died.
    fn endpoint_if_live(&self) -> impl Future<Output = Option<&ControlPlane>>;
    fn connect_timeout(&self) -> Duration;
    /// A line of the script's own.
    fn print(&self, line: &str) -> io::Result<()>;
}

/// Failures that the prelude may still ask for.
const REMEMBERED: usize = 32;

pub(super) struct ScriptHost<W> {
    pub(super) world: W,
    pub(super) runtime: ScriptRuntime,
    pub(super) lines: LineSink,
    pub(super) objects: Objects,
    /// By the word that the script has for each.
    pub(super) pending: HashMap<String, RunningCall>,
    pub(super) callbacks: ScriptCallbacks,
    /// A result in which there may be objects, until the prelude takes it.
    pub(super) kept: Option<String>,
    /// Counts failures.
    number: u64,
    /// The last one is what the prelude has just run into.
    is_untold: bool,
    /// Where the paths of sources begin.
    pub(super) base: PathBuf,
    /// The longest file that is read for the script.
    longest: usize,
    /// The longest text that may be an answer.
    heap_bytes: usize,
    /// Looks at the sources of clones, and of the programs that the engine alone does not run.
    pub(super) toolchain: Toolchain,
    args: Vec<String>,
    failures: VecDeque<(u64, ScriptFailure)>,
}

/// Why an efun does not return.
pub(super) enum EfunRefused {
    Failed(ScriptFailure),
    Stopped,
}

impl From<ScriptFailure> for EfunRefused {
    fn from(failure: ScriptFailure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Stopped> for EfunRefused {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// The cancel handle was cancelled while something was awaited.
pub(super) struct Stopped;

impl<W: World> ScriptHost<W> {
    pub(super) fn new(world: W, runtime: ScriptRuntime, toolchain: Toolchain, setup: Setup) -> Self {
        let Setup { args, base, heap_bytes, lines, .. } = setup;
        let heap_bytes = usize::try_from(heap_bytes).unwrap_or(usize::MAX);
        // The engine holds a text once, and makes another of what is cut out of it.
        let longest = heap_bytes / 2;
        Self {
            world,
            runtime,
            lines,
            toolchain,
            objects: Objects::default(),
            pending: HashMap::new(),
            callbacks: ScriptCallbacks::default(),
            kept: None,
            number: 0,
            is_untold: false,
            base,
            longest,
            heap_bytes,
            args,
            failures: VecDeque::new(),
        }
    }

    fn cancel(&self) -> &CancelHandle {
        &self.runtime.cancel
    }

    pub(super) fn failure(&mut self, number: u64) -> Option<ScriptFailure> {
        let at = self.failures.iter().position(|(known, _)| *known == number)?;
        self.failures.remove(at).map(|(_, failure)| failure)
    }

    fn remember(&mut self, failure: ScriptFailure) {
        self.number += 1;
        self.is_untold = true;
        if self.failures.len() == REMEMBERED {
            self.failures.pop_front();
        }
        self.failures.push_back((self.number, failure));
    }

    /// What the prelude has run into; nothing if it was the engine.
    fn last_failure(&mut self) -> EfunAnswer {
        if self.cancel().is_cancelled() {
            return EfunAnswer::Stop;
        }
        match self.failures.back() {
            Some((number, failure)) if std::mem::take(&mut self.is_untold) => json(&failure.told(*number)),
            _ => EfunAnswer::Nothing,
        }
    }

    fn print(&mut self, line: &str) -> Result<(), EfunRefused> {
        match self.world.print(line) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(self.stop(Stop::Unheard)),
            Err(error) => {
                let message = format!("failed to write to standard output: {error}");
                Err(ScriptFailure::new("io", crate::Exit::Io, message).into())
            }
        }
    }

    /// On another thread: a pipe or a terminal may say nothing for ever, and whatever ends the script ends this.
    pub(super) fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let working = {
            let _inside = self.runtime.enter();
            tokio::task::spawn_blocking(work)
        };
        let done = self.runtime.wait(working)?;
        Ok(done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())))
    }

    fn stop(&mut self, why: Stop) -> EfunRefused {
        self.cancel().cancel(why);
        EfunRefused::Stopped
    }

    fn open(&mut self, words: &[&str]) -> Result<EfunAnswer, EfunRefused> {
        Ok(match words {
            // The prelude gives it again, with tickets for the objects.
            ["call" | "later", _, _, list, ""] | ["clone", _, list, ""] | ["said", _, list, ""]
                if calls::is_marked(list) =>
            {
                EfunAnswer::Nothing
            }
            ["call", vault, method, params, _] => self.call(vault, method, calls::list(params)?)?,
            ["later", vault, method, params, _] => {
                EfunAnswer::Text(self.later(vault, method, calls::list(params)?.to_owned())?)
            }
            ["wait", number] => self.wait(number)?,
            ["offer", vault, name, methods] => self.offer(vault, name, methods)?,
            ["withdraw", vault, name] => {
                self.callbacks.withdraw(vault, name);
                EfunAnswer::Nothing
            }
            ["callback"] => self.callbacks.take(),
            ["said", number, value, _] => {
                let value = strict::raw(value).map(ToOwned::to_owned);
                let unfit = |_| CallbackThrown("what the function gave is no JSON".to_owned());
                self.callbacks.settle(number, value.map_err(unfit));
                EfunAnswer::Text("said".to_owned())
            }
            ["threw", number, message] => {
                self.callbacks.settle(number, Err(CallbackThrown((*message).to_owned())));
                EfunAnswer::Nothing
            }
            ["kept"] => self.kept.take().map_or(EfunAnswer::Nothing, EfunAnswer::Json),
            ["clone", source, arguments, _] => self.clone_object(source, arguments)?,
            ["find", what] => self.find_object(what)?,
            ["adopt", ticket] => self.adopt(ticket)?,
            ["ticket", vault] => json(&self.objects.get(vault)?.ticket),
            ["methods", vault] => json(&self.objects.get(vault)?.ticket.methods),
            ["events", vault, later] => {
                let line = self.objects.get(vault)?.line.as_ref();
                let events = line.map(|line| line.feed.take_events(calls::number(later)));
                EfunAnswer::Json(events.unwrap_or_else(|| "[]".to_owned()))
            }
            ["destruct", vault, grace] => self.destruct(vault, grace)?,
            ["warn", line] => {
                (self.lines)("script", line);
                EfunAnswer::Nothing
            }
            ["print", line] => return self.print(line).map(|()| EfunAnswer::Nothing),
            ["read_file", path] => {
                let (path, most) = ((*path).to_owned(), self.longest);
                EfunAnswer::Text(self.aside(move || files::read(&path, most))??)
            }
            ["write_file", path, text] => {
                let (path, text) = ((*path).to_owned(), (*text).to_owned());
                self.aside(move || files::write(&path, &text))??;
                EfunAnswer::Nothing
            }
            ["sleep", ms] => {
                let ms = ms.parse::<f64>().ok().filter(|ms| ms.is_finite() && *ms >= 0.0);
                let ms = ms.ok_or_else(|| ScriptFailure::usage("sleep takes milliseconds"))?;
                let time = Duration::from_secs_f64(ms.min(1e12) / 1e3);
                self.runtime.wait(async { tokio::time::sleep(time).await })?;
                EfunAnswer::Nothing
            }
            ["exit", code] => {
                let code =
                    code.parse().map_err(|_| ScriptFailure::usage("exit takes a number from 0 to 255"))?;
                return Err(self.stop(Stop::Exit(code)));
            }
            ["args"] => json(&self.args),
            _ => return Err(ScriptFailure::usage("a function was not given what it takes").into()),
        })
    }
}

/// What becomes a value of the script.
pub(super) fn json(value: &impl Serialize) -> EfunAnswer {
    EfunAnswer::Json(serde_json::to_string(value).expect("what a script is told is JSON"))
}

impl<W: World> ScriptHost<W> {
    /// What the runner is told. Its words are those of whoever holds it: each efun looks at them anew.
    pub(super) fn answer(&mut self, words: &[String]) -> EfunAnswer {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if words == ["failure"] {
            return self.last_failure();
        }
        self.is_untold = false;
        // A script that is to end does nothing more, whatever it catches.
        if self.cancel().is_cancelled() {
            return EfunAnswer::Stop;
        }
        match self.open(&words) {
            Ok(EfunAnswer::Text(text) | EfunAnswer::Json(text)) if text.len() > self.heap_bytes => {
                EfunAnswer::Unfit
            }
            Ok(answer) => answer,
            Err(EfunRefused::Stopped) => EfunAnswer::Stop,
            Err(EfunRefused::Failed(failure)) => {
                let message = failure.message.clone();
                self.remember(failure);
                EfunAnswer::Refusal(message)
            }
        }
    }

    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.heap_bytes
    }
}
