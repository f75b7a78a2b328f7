//! `hauki proxy repl`: a conversation with objects.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::rc::Rc;

use clap::Args;
use clap_complete::ArgValueCompleter;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use super::script_context::{self, Play, Stage};
use crate::cli::context::Ctx;
use crate::cli::error::CliError;
use crate::cli::source::Lang;
use crate::cli::{complete, sanitize, source_faults, stdin};
use crate::client::Exit;
use crate::client::script::{CancelHandle, ProgramEnd, ScriptFailure, ScriptSession, Stop};
use crate::model::units::parse_size;
use hauki_contract::system::paths;

const REPL_AFTER: &str = "\
With a TICKET, `this` is its object, and so is the worker's name where that is a JavaScript name. All of
man 7 hauki-script is there. Tab completes methods behind -> and names elsewhere, an open bracket goes
on in the next line, Ctrl-C clears the line or ends a call, Ctrl-D leaves. What was cloned here dies
then; the ticket's object does not. Where standard input is no terminal, its statements are run and
their values printed, without a prompt; the exit status is that of the last one.

Examples:
  hauki proxy repl t.json                        scout> this->report()
  echo 'this->report().total' | hauki proxy repl t.json";

/// Clone and call objects interactively
#[derive(Debug, Args)]
#[command(after_help = REPL_AFTER)]
pub(super) struct ReplArgs {
    /// The heap of the conversation
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "64MiB")]
    memory: u64,
    /// What statements are written in
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<Lang>,
    /// A file with one ticket, or a vault id
    #[arg(value_name = "TICKET", add = ArgValueCompleter::new(complete::items))]
    ticket: Option<String>,
}

type Shared<'a> = Rc<RefCell<ScriptSession<Stage<'a>>>>;

pub(super) fn run(ctx: &Ctx, args: &ReplArgs) -> Result<Exit, CliError> {
    let play =
        Play { args: Vec::new(), base: ".".into(), heap_bytes: args.memory, compiled: true, bare: false };
    let (mut session, cancel) = script_context::open(ctx, play)?;
    let mut name = "hauki".to_owned();
    if let Some(argument) = &args.ticket {
        let found = session.wait(super::single(ctx, argument));
        let ticket = found.map_err(script_context::stopped)??;
        ticket.worker.name.clone_into(&mut name);
        session.bind(&ticket).map_err(|end| match end {
            ProgramEnd::Stopped(why) => script_context::stopped(why),
            ProgramEnd::Uncaught(error, failure) => script_context::uncaught(&error, failure, "", "repl"),
            ProgramEnd::Unprepared(error) => source_faults::unprepared(*error, "", "repl"),
            ProgramEnd::Lost(error) => ScriptFailure::from(error).into(),
        })?;
    }
    if io::stdin().is_terminal() {
        return converse(ctx, Rc::new(RefCell::new(session)), &cancel, &name, args.lang);
    }
    answer(ctx, session, args)
}

/// Runs one statement and shows its value. An exit code is the end, and so is the end of the engine.
fn statement(
    ctx: &Ctx,
    session: &mut ScriptSession<Stage<'_>>,
    text: &str,
    lang: Option<Lang>,
) -> Result<Exit, Option<u8>> {
    let error = match session.statement(text, lang.map(Into::into)) {
        Ok(None) => return Ok(Exit::Ok),
        Ok(Some(value)) => match ctx.out.line(&value) {
            Ok(()) => return Ok(Exit::Ok),
            Err(error) => CliError::io("write to standard output", &error),
        },
        Err(ProgramEnd::Stopped(Stop::Exit(code))) => return Err(Some(code)),
        Err(ProgramEnd::Stopped(why)) => script_context::stopped(why),
        Err(ProgramEnd::Uncaught(error, failure)) => script_context::uncaught(&error, failure, text, "repl"),
        Err(ProgramEnd::Unprepared(error)) => source_faults::unprepared(*error, text, "repl"),
        Err(ProgramEnd::Lost(error)) => {
            let error = CliError::from(ScriptFailure::from(error));
            ctx.failed(&error);
            return Err(Some(error.kind.exit.code()));
        }
    };
    ctx.failed(&error);
    if error.kind.exit == Exit::BrokenPipe { Err(None) } else { Ok(error.kind.exit) }
}

fn left(ctx: &Ctx, code: Option<u8>) -> Exit {
    ctx.status.set(code);
    if code.is_some() { Exit::Ok } else { Exit::BrokenPipe }
}

/// Statements from a pipe or a file.
fn answer(ctx: &Ctx, mut session: ScriptSession<Stage<'_>>, args: &ReplArgs) -> Result<Exit, CliError> {
    let most = usize::try_from(args.memory).unwrap_or(usize::MAX);
    let mut lines = {
        let _inside = session.enter();
        stdin::lines(most)
    };
    let (mut text, mut last) = (String::new(), Exit::Ok);
    loop {
        let line = session.wait(lines.recv()).map_err(script_context::stopped)?;
        let ended = line.is_none();
        if let Some(line) = line {
            text.push_str(&line.map_err(|error| CliError::io("read standard input", &error))?);
            text.push('\n');
            if text.len() > most {
                let error = CliError::data("bad_source", "a statement is longer than the script's memory");
                return Err(error.hint("--memory gives the conversation more"));
            }
        }
        if !text.trim().is_empty() && (ended || !session.is_unfinished(&text)) {
            last = match statement(ctx, &mut session, &std::mem::take(&mut text), args.lang) {
                Ok(exit) => exit,
                Err(code) => return Ok(left(ctx, code)),
            };
        }
        if ended {
            return Ok(last);
        }
    }
}

fn converse(
    ctx: &Ctx,
    session: Shared<'_>,
    cancel: &CancelHandle,
    name: &str,
    lang: Option<Lang>,
) -> Result<Exit, CliError> {
    let failed = |error: ReadlineError| CliError::io("use the terminal", &io::Error::other(error));
    let config = Config::builder().completion_type(CompletionType::List).auto_add_history(true).build();
    let mut editor: Editor<Assistant<'_>, DefaultHistory> = Editor::with_config(config).map_err(failed)?;
    editor.set_helper(Some(Assistant { session: Rc::clone(&session) }));
    let history = paths::history_file();
    // A conversation without a past is one all the same.
    let _ = editor.load_history(&history);
    let exit = loop {
        // What was interrupted at the last moment must not end the next statement.
        let _ = cancel.release();
        match editor.readline(&format!("{}> ", sanitize::line(name))) {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => {
                if let Err(code) = statement(ctx, &mut session.borrow_mut(), &text, lang) {
                    break left(ctx, code);
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break Exit::Ok,
            Err(error) => return Err(failed(error)),
        }
    };
    if let Some(folder) = history.parent() {
        let _ = fs::create_dir_all(folder);
    }
    let _ = editor.save_history(&history);
    Ok(exit)
}

struct Assistant<'a> {
    session: Shared<'a>,
}

impl Completer for Assistant<'_> {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let (operand, prefix) = asked(&line[..at]);
        let mut session = self.session.borrow_mut();
        let mut names = match operand {
            Some(operand) => session.members(operand),
            None => session.globals(),
        };
        // Somebody else chose them, and what is no name cannot be typed behind an arrow.
        let is_name = |name: &String| asked(name) == (None, name.as_str());
        names.retain(|name| name.starts_with(prefix) && is_name(name));
        names.sort_unstable();
        Ok((at - prefix.len(), names))
    }
}

/// What stands before the cursor: the operand of an arrow, if it is simple enough to be looked at
/// without calling anything, and the beginning of a name.
fn asked(line: &str) -> (Option<&str>, &str) {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '$');
    let before = line.trim_end_matches(is_name);
    let prefix = &line[before.len()..];
    let Some(operand) = before.trim_end().strip_suffix("->") else { return (None, prefix) };
    let operand = operand.trim_end();
    let start = operand.trim_end_matches(|letter| is_name(letter) || matches!(letter, '.' | '[' | ']'));
    (Some(&operand[start.len()..]), prefix)
}

impl Hinter for Assistant<'_> {
    type Hint = String;
}

impl Highlighter for Assistant<'_> {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Borrowed(hint)
    }
}

impl Validator for Assistant<'_> {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let unfinished = self.session.borrow_mut().is_unfinished(context.input());
        Ok(if unfinished { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Helper for Assistant<'_> {}

#[cfg(test)]
mod tests {
    use super::asked;

    #[test]
    fn completion_looks_at_the_simple_operand_before_an_arrow() {
        for (line, operand, prefix) in [
            ("", None, ""),
            ("pri", None, "pri"),
            ("x = cl", None, "cl"),
            ("this->", Some("this"), ""),
            ("print(scout->re", Some("scout"), "re"),
            ("all[2].one -> ob", Some("all[2].one"), "ob"),
            ("f(1)->x", Some(""), "x"),
        ] {
            assert_eq!(asked(line), (operand, prefix), "{line}");
        }
    }
}
