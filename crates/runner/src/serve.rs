//! Request handling: from a request to its answer.

use super::channel::RunnerChannel;
use super::host_call::HostCalls;
use hauki_contract::rpc::channel::{WorkerError, WorkerErrorKind};
use hauki_contract::rpc::script::{Begin, FromRunner, RunFailed, ToRunner};
use hauki_lang::engine::{self, MapAddress, Memory, Script, SourceForm};

pub(crate) struct Server {
    link: RunnerChannel,
    program: Option<Program>,
}

/// The engine that keeps what programs leave behind, from one statement to the next.
struct Program {
    script: Script,
    longest: usize,
    heap_bytes: usize,
    form: SourceForm,
    /// What it was made for, until something has run in it.
    unused: Option<Begin>,
}

impl Server {
    pub(crate) fn new(link: RunnerChannel) -> Self {
        Self { link, program: None }
    }

    /// Does not return while there is a channel.
    pub(crate) fn serve(&mut self) {
        loop {
            let request = self.link.request();
            let answer = match self.work(request) {
                Ok(value) => FromRunner::Done(value),
                Err(failed) => FromRunner::Failed(failed),
            };
            self.link.done(&answer);
        }
    }

    fn work(&mut self, request: ToRunner) -> Result<Option<String>, RunFailed> {
        match request {
            ToRunner::Begin(begin) => self.begin(&begin).map(|()| None).map_err(failed),
            ToRunner::Run { source, file, wanted } => {
                let unused = self.suit(&source, &file).map_err(failed)?;
                let (program, link) = self.program()?;
                let (script, mut door) = program.parts(link);
                let ended = script.run(&mut door, &source, &file, wanted.as_deref());
                // Nothing has run of what does not parse: the next one may be what was made of it.
                if ended.as_ref().is_err_and(|uncaught| uncaught.error.kind == WorkerErrorKind::Syntax) {
                    program.unused = unused;
                }
                let most = program.heap_bytes;
                ended.map_err(|uncaught| RunFailed {
                    error: cut(uncaught.error, most),
                    failure: uncaught.failure,
                })
            }
            ToRunner::Finish { source } => {
                let (program, link) = self.program()?;
                let (script, mut door) = program.parts(link);
                let unfinished = script.is_unfinished(&mut door, &source);
                Ok(unfinished.then(String::new))
            }
            ToRunner::Check { source, file } => engine::check(&source, &file).map(|()| None).map_err(failed),
            ToRunner::Show { source, file } => {
                engine::seen(&source, &file).map(|text| Some(text.into_owned())).map_err(failed)
            }
            ToRunner::Answer(_) | ToRunner::Stop => Err(failed(protocol("nothing was asked"))),
        }
    }

    fn begin(&mut self, begin: &Begin) -> Result<(), WorkerError> {
        if self.program.is_some() {
            return Err(protocol("a session begins once"));
        }
        self.program = Some(self.made(begin)?);
        Ok(())
    }

    /// A compiled program that is the first one gets the engine that it needs. Gives what an unused one was made for.
    fn suit(&mut self, source: &str, file: &str) -> Result<Option<Begin>, WorkerError> {
        let Some(begin) = self.program.as_mut().and_then(|program| program.unused.take()) else {
            return Ok(None);
        };
        if begin.compiled || engine::form(source, file)? != SourceForm::Compiled {
            return Ok(Some(begin));
        }
        self.program = None;
        let begin = Begin { compiled: true, ..begin };
        let program = self.made(&begin)?;
        self.program = Some(Program { unused: None, ..program });
        Ok(Some(begin))
    }

    fn made(&mut self, begin: &Begin) -> Result<Program, WorkerError> {
        let bytes = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let (longest, heap_bytes) = (bytes(begin.longest), bytes(begin.heap_bytes));
        let memory = Memory::map(MapAddress::Anywhere, begin.heap_bytes)
            .map_err(|error| told(WorkerErrorKind::Memory, error.to_string()))?;
        self.link.limit_payload(heap_bytes);
        let form = if begin.compiled { SourceForm::Compiled } else { SourceForm::Plain };
        let mut door = HostCalls { link: &mut self.link, longest, heap_bytes, form };
        let script = Script::new(memory, begin.seed, &mut door, form)?;
        Ok(Program { script, longest, heap_bytes, form, unused: Some(begin.clone()) })
    }

    fn program(&mut self) -> Result<(&mut Program, &mut RunnerChannel), RunFailed> {
        let Self { link, program } = self;
        let program = program.as_mut().ok_or_else(|| failed(protocol("no session has begun")))?;
        Ok((program, link))
    }
}

impl Program {
    fn parts<'a>(&'a mut self, link: &'a mut RunnerChannel) -> (&'a mut Script, HostCalls<'a>) {
        let Self { longest, heap_bytes, form, .. } = *self;
        (&mut self.script, HostCalls { link, longest, heap_bytes, form })
    }
}

/// A script's error can be as long as its heap, and six times as long as JSON; a frame cannot.
fn cut(mut error: WorkerError, heap_bytes: usize) -> WorkerError {
    let texts = [Some(&mut error.message), error.stack.as_mut(), error.file.as_mut()];
    for (text, part) in texts.into_iter().zip([16, 64, 64]) {
        let Some(text) = text else { continue };
        let most = heap_bytes / part;
        if text.len() > most {
            text.truncate(text.floor_char_boundary(most - '…'.len_utf8()));
            text.push('…');
        }
    }
    error
}

fn failed(error: WorkerError) -> RunFailed {
    RunFailed { error, failure: None }
}

fn protocol(message: &str) -> WorkerError {
    told(WorkerErrorKind::Protocol, message.to_owned())
}

fn told(kind: WorkerErrorKind, message: String) -> WorkerError {
    WorkerError { kind, message, file: None, line: None, column: None, stack: None }
}
