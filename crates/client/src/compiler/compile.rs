//! Compiler client: sources, lowered in a child, one for all that are compiled together.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::imports::ImportedFiles;
use crate::runner::{ChildError, ChildFault, ChildProgram, ChildProtocol, ConfinedChild, StartedChild, find};
use hauki_contract::api::summons::MAX_SOURCE_BYTES;
use hauki_contract::rpc::channel::FrameError;
use hauki_contract::rpc::compile::{CompileOrder, FromCompiler, SourceFault, ToCompiler};
use hauki_contract::rpc::script::{Decoded, RunnerReady};
use hauki_contract::system::clock;

/// What it may map: its stack of 256 MiB, and what the longest source becomes.
const MOST_BYTES: u64 = 1280 << 20;

/// Lowered text is longer than its author's by a few times at most, its map included.
const MOST_PAYLOAD: usize = 8 * MAX_SOURCE_BYTES;

/// The longest that one source may take. Of the longest that there may be it takes a second or two.
const LIMIT: Duration = Duration::from_secs(10);

/// With this every compiled text begins, and only the number behind it is the run-time's.
const DIRECTIVE: &str = "\"hauki runtime ";

/// Of the words of one fault, whatever the child says.
const MOST_WORDS: usize = 512;

#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// All that is wrong with the source, in its order.
    #[error("{}", .0.first().map_or("the source is refused", |fault| &fault.message))]
    Refused(Vec<SourceFault>),
    #[error("the compiler did not come to the end of it within {} s", .0.as_secs())]
    Slow(Duration),
    #[error(transparent)]
    Child(#[from] ChildError),
}

/// What the engine takes, and what the author may want to know.
#[derive(Debug)]
pub struct Compiled {
    pub text: String,
    pub warnings: Vec<SourceFault>,
    /// How long it took, the start of the child included.
    pub took_us: u64,
}

struct CompilerProtocol;

impl ChildProtocol for CompilerProtocol {
    const PROGRAM: ChildProgram = ChildProgram::Compiler;
    type Request = ToCompiler;
    type Report = FromCompiler;

    fn encode(request: &ToCompiler, out: &mut Vec<u8>, number: u64) {
        request.encode(out, number);
    }

    fn decode(bytes: &[u8], limit: usize) -> Result<Decoded<FromCompiler>, FrameError> {
        FromCompiler::decode(bytes, limit)
    }

    fn ready(report: FromCompiler) -> Result<RunnerReady, FromCompiler> {
        match report {
            FromCompiler::Ready(ready) => Ok(ready),
            other => Err(other),
        }
    }
}

/// Asked for what the engine takes. Starts its child when it is first asked.
#[derive(Default)]
pub struct Compiler {
    child: Option<ConfinedChild<CompilerProtocol>>,
}

impl Compiler {
    /// Where the program is; an error that says what to install where it is not.
    pub fn find() -> Result<PathBuf, ChildError> {
        find(ChildProgram::Compiler)
    }

    /// One source's crash is not the next one's: a child that went wrong is not asked again.
    /// What the source imports is read from beside `path`, which is its own file.
    pub async fn compile(
        &mut self,
        source: &str,
        order: &CompileOrder,
        path: Option<&Path>,
    ) -> Result<Compiled, CompileError> {
        let began = clock::mono();
        let mut child = match self.child.take() {
            Some(child) => child,
            None => {
                StartedChild::new(ChildProgram::Compiler, &Self::find()?, MOST_BYTES)?.attach(MOST_PAYLOAD)?
            }
        };
        let mut imports = path.and_then(|path| ImportedFiles::beside(path, &order.file));
        let order = CompileOrder { imports: imports.is_some(), ..order.clone() };
        let request = ToCompiler::Compile { source: source.to_owned(), order };
        let answer = tokio::time::timeout(LIMIT, async {
            child.request(&request).await?;
            loop {
                match (child.next().await?, &mut imports) {
                    (FromCompiler::Import(wish), Some(files)) => child.send(&files.answer(&wish)).await?,
                    (answer, _) => return Ok::<_, ChildError>(answer),
                }
            }
        });
        let answer = answer.await.map_err(|_| CompileError::Slow(LIMIT))??;
        let out_of_turn = ChildError { program: ChildProgram::Compiler, fault: ChildFault::OutOfTurn };
        match answer {
            FromCompiler::Compiled { text, warnings } if text.starts_with(DIRECTIVE) => {
                self.child = Some(child);
                let warnings = warnings.into_iter().map(cut).collect();
                Ok(Compiled { text, warnings, took_us: clock::mono().since(began) })
            }
            FromCompiler::Refused(faults) => {
                self.child = Some(child);
                Err(CompileError::Refused(faults.into_iter().map(cut).collect()))
            }
            FromCompiler::Ready(_) | FromCompiler::Import(_) | FromCompiler::Compiled { .. } => {
                Err(out_of_turn.into())
            }
        }
    }
}

/// A few words in one line, whatever the child has written.
fn cut(fault: SourceFault) -> SourceFault {
    let cut = |text: String| -> String {
        let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
        text.chars().take(MOST_WORDS).map(plain).collect()
    };
    let SourceFault { message, instead, line, column } = fault;
    SourceFault { message: cut(message), instead: instead.map(cut), line: line.max(1), column: column.max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_a_line_of_a_few_words() {
        let message = format!("a\u{1b}[2J\nb{}", "ä".repeat(MOST_WORDS));
        let fault = cut(SourceFault { message, instead: Some("\t".into()), line: 0, column: 0 });
        assert!(fault.message.starts_with("a [2J bää") && fault.message.chars().count() == MOST_WORDS);
        assert_eq!((fault.instead.as_deref(), fault.line, fault.column), (Some(" "), 1, 1));
    }
}
