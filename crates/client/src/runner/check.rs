//! Syntax check: workers' sources, read by the engine in a child: one for all that are looked at together.

use std::path::PathBuf;
use std::time::Duration;

use super::{ChildError, ChildFault, ChildProgram, Runner, StartedChild, find};
use hauki_contract::api::summons::MAX_SOURCE_BYTES;
use hauki_contract::rpc::body::WorkerError;
use hauki_contract::rpc::script::{FromRunner, RunFailed, ToRunner};

/// What it may map: the engine's memory for the longest source is 64 MiB, and Rust's lists of its words are a
/// few times as much.
const MOST_BYTES: u64 = 640 << 20;

/// A source as the engine sees it is longer than its author's by a few times at most.
const MOST_PAYLOAD: usize = 8 * MAX_SOURCE_BYTES;

/// The longest that one source may take. The longest that there may be takes less than a second of it.
const LIMIT: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The engine does not take the source.
    #[error("{}", .0.message)]
    Refused(Box<WorkerError>),
    #[error("the engine did not come to the end of it within {} s", .0.as_secs())]
    Slow(Duration),
    #[error(transparent)]
    Runner(#[from] ChildError),
}

/// Asked for a source's faults, before a sandbox is spent on it.
#[derive(Default)]
pub struct Checker {
    /// The program instead of the one that was installed beside ours.
    program: Option<PathBuf>,
    runner: Option<Runner>,
    started: Option<StartedChild>,
}

impl Checker {
    #[must_use]
    pub fn with(program: Option<PathBuf>) -> Self {
        Self { program, ..Self::default() }
    }

    /// Starts the child, which takes a moment in which something else can be done.
    pub fn begin(&mut self) -> Result<(), ChildError> {
        if self.runner.is_none() && self.started.is_none() {
            let path = self.program.clone().map_or_else(|| find(ChildProgram::Runner), Ok)?;
            self.started = Some(StartedChild::new(ChildProgram::Runner, &path, MOST_BYTES)?);
        }
        Ok(())
    }

    /// Parses a source without running it.
    pub async fn check(&mut self, source: &str, file: &str) -> Result<(), CheckError> {
        let (source, file) = (source.to_owned(), file.to_owned());
        self.ask(&ToRunner::Check { source, file }).await.map(drop)
    }

    /// What the engine gets to see of a source.
    pub async fn show(&mut self, source: &str, file: &str) -> Result<String, CheckError> {
        let (source, file) = (source.to_owned(), file.to_owned());
        self.ask(&ToRunner::Show { source, file }).await.map(Option::unwrap_or_default)
    }

    /// One source's crash is not the next one's: a child that went wrong is not asked again.
    async fn ask(&mut self, request: &ToRunner) -> Result<Option<String>, CheckError> {
        let mut runner = match self.runner.take() {
            Some(runner) => runner,
            None => {
                self.begin()?;
                let started = self.started.take().ok_or(failed(ChildFault::Gone))?;
                started.attach(MOST_PAYLOAD)?
            }
        };
        let answer = tokio::time::timeout(LIMIT, async {
            runner.request(request).await?;
            runner.next().await
        });
        match answer.await.map_err(|_| CheckError::Slow(LIMIT))?? {
            FromRunner::Done(value) => {
                self.runner = Some(runner);
                Ok(value)
            }
            FromRunner::Failed(RunFailed { error, .. }) => {
                self.runner = Some(runner);
                Err(CheckError::Refused(Box::new(error)))
            }
            FromRunner::Ready(_) | FromRunner::Efun(_) => Err(failed(ChildFault::OutOfTurn).into()),
        }
    }
}

fn failed(fault: ChildFault) -> ChildError {
    ChildError { program: ChildProgram::Runner, fault }
}
