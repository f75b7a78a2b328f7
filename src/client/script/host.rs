//! The host of a script: what is behind the door of its prelude.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::brake::{Brake, Stop};
use super::calls::{self, Pending};
use super::failure::Failure;
use super::feed::Lines;
use super::files;
use super::objects::Objects;
use super::plane::Plane;
use crate::client::Endpoint;
use crate::lpc::engine::{Answer, Argument, Efuns, Want, clock};

/// What a script reaches: a control plane, and somebody who reads.
pub trait World {
    /// The control plane; asked for when the script first needs one, so that it may be started then.
    fn endpoint(&self) -> impl Future<Output = Result<&Endpoint, Failure>>;
    /// The control plane if it can be had without starting one, to ask why a vault died.
    fn endpoint_if_live(&self) -> impl Future<Output = Option<&Endpoint>>;
    fn connect_timeout(&self) -> Duration;
    /// A line of the script's own.
    fn print(&self, line: &str) -> io::Result<()>;
}

/// Failures that the prelude may still ask for.
const REMEMBERED: usize = 32;

pub(super) struct Host<W> {
    pub(super) world: W,
    pub(super) plane: Plane,
    pub(super) lines: Lines,
    pub(super) objects: Objects,
    /// By the word that the script has for each.
    pub(super) pending: HashMap<String, Pending>,
    /// Counts failures.
    number: u64,
    /// Where the paths of sources begin.
    pub(super) base: PathBuf,
    /// The longest file that is read into the engine.
    pub(super) longest_file: usize,
    args: Vec<String>,
    failures: VecDeque<(u64, Failure)>,
}

/// Why an efun does not return.
pub(super) enum Refused {
    Failed(Failure),
    Stopped,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Stopped> for Refused {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// The brake was pulled while something was awaited.
pub(super) struct Stopped;

impl<W: World> Host<W> {
    pub(super) fn new(
        world: W,
        plane: Plane,
        lines: Lines,
        base: PathBuf,
        args: Vec<String>,
        longest_file: usize,
    ) -> Self {
        Self {
            world,
            plane,
            lines,
            objects: Objects::default(),
            pending: HashMap::new(),
            number: 0,
            base,
            longest_file,
            args,
            failures: VecDeque::new(),
        }
    }

    fn brake(&self) -> &Brake {
        &self.plane.brake
    }

    pub(super) fn failure(&mut self, number: u64) -> Option<Failure> {
        let at = self.failures.iter().position(|(known, _)| *known == number)?;
        self.failures.remove(at).map(|(_, failure)| failure)
    }

    fn remember(&mut self, failure: Failure) {
        self.number += 1;
        if self.failures.len() == REMEMBERED {
            self.failures.pop_front();
        }
        self.failures.push_back((self.number, failure));
    }

    fn last_failure(&self) -> Option<String> {
        if self.brake().is_pulled() {
            return None;
        }
        self.failures.back().map(|(number, failure)| failure.told(*number))
    }

    fn print(&mut self, line: &str) -> Result<(), Refused> {
        match self.world.print(line) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(self.stop(Stop::Unheard)),
            Err(error) => {
                let message = format!("failed to write to standard output: {error}");
                Err(Failure::new("io", crate::client::Exit::Io, message).into())
            }
        }
    }

    fn stop(&mut self, why: Stop) -> Refused {
        self.brake().pull(why);
        Refused::Stopped
    }

    fn open(&mut self, words: &[&str]) -> Result<Option<String>, Refused> {
        Ok(Some(match words {
            ["call", vault, method, params] => self.call(vault, method, params)?,
            ["later", vault, method, params] => self.later(vault, method, (*params).to_owned())?,
            ["wait", number] => self.wait(number)?,
            ["clone", source, arguments] => self.clone_object(source, arguments)?,
            ["find", what] => self.find_object(what)?,
            ["adopt", ticket] => self.adopt(ticket)?,
            ["ticket", vault] => {
                serde_json::to_string(&self.objects.get(vault)?.ticket).expect("a ticket is JSON")
            }
            ["methods", vault] => {
                serde_json::to_string(&self.objects.get(vault)?.ticket.methods).expect("names are JSON")
            }
            ["events", vault, later] => {
                let line = self.objects.get(vault)?.line.as_ref();
                line.map_or_else(|| "[]".to_owned(), |line| line.feed.take_events(calls::number(later)))
            }
            ["destruct", vault, grace] => self.destruct(vault, grace)?,
            ["print", line] => return self.print(line).map(|()| None),
            ["read_file", path] => files::read(path, self.longest_file)?,
            ["write_file", path, text] => return Ok(files::write(path, text).map(|()| None)?),
            ["sleep", ms] => {
                let ms = ms.parse::<f64>().ok().filter(|ms| ms.is_finite() && *ms >= 0.0);
                let ms = ms.ok_or_else(|| Failure::usage("sleep takes milliseconds"))?;
                let time = Duration::from_secs_f64(ms.min(1e12) / 1e3);
                self.plane.wait(async { tokio::time::sleep(time).await })?;
                return Ok(None);
            }
            ["exit", code] => {
                let code = code.parse().map_err(|_| Failure::usage("exit takes a number from 0 to 255"))?;
                return Err(self.stop(Stop::Exit(code)));
            }
            ["args"] => serde_json::to_string(&self.args).expect("texts are JSON"),
            [word @ ("now" | "monotonic")] => return Ok(clock::tell(word)),
            _ => return Err(Failure::usage("a function was not given what it takes").into()),
        }))
    }
}

impl<W: World> Efuns for Host<W> {
    fn interrupt(&mut self) -> bool {
        self.brake().is_pulled()
    }

    fn limit(&self) -> usize {
        usize::MAX
    }

    fn wants(&self, _: &str) -> Option<&'static [Want]> {
        Some(&[Want::Text])
    }

    fn call(&mut self, efun: &str, arguments: &[Argument]) -> Result<Answer, String> {
        let told = |value: Option<String>| Ok(value.map_or(Answer::Nothing, Answer::Text));
        let words: Vec<&str> = std::iter::once(efun).chain(arguments.iter().map(Argument::text)).collect();
        if words == ["failure"] {
            return told(self.last_failure());
        }
        // A script that is to end does nothing more, whatever it catches.
        if self.brake().is_pulled() {
            return Err("stopped".to_owned());
        }
        match self.open(&words) {
            Ok(value) => told(value),
            Err(Refused::Stopped) => Err("stopped".to_owned()),
            Err(Refused::Failed(failure)) => {
                let message = failure.message.clone();
                self.remember(failure);
                Err(message)
            }
        }
    }
}
