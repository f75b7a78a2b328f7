//! Entry point: from the process's start to its exit code.

use std::borrow::Cow;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use super::args::Cli;
use super::color::HINT;
use super::complete;
use super::context::{Ctx, Limit};
use super::error::CliError;
use super::{sanitize, stdout, suggestions};
use crate::api::teardown::DestructQuery;
use crate::client::Exit;
use hauki_contract::system::export;
use hauki_contract::system::rlimit;

/// What `--trace` may take at the end: a collector that is not there must not be felt much.
const LAST_SPANS: Duration = Duration::from_secs(1);
/// How long the clean-up after a failed command may take.
const CLEAN_UP: Duration = Duration::from_secs(5);

/// The whole of `hauki`. The name it was called by does not matter, so `x-hauki-core` is the same.
#[must_use]
pub fn main() -> ExitCode {
    complete::answer_shell();
    rlimit::outlive_size_limit();
    match std::panic::catch_unwind(whole) {
        Ok(exit) => exit,
        Err(_) => {
            let _ = writeln!(
                std::io::stderr(),
                "error: this is a defect in hauki; please report the lines above"
            );
            Exit::Bug.into()
        }
    }
}

fn whole() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => return refused(error).into(),
    };
    let ctx = match Ctx::new(cli.globals) {
        Ok(ctx) => ctx,
        Err(error) => {
            let _ = anstream::stderr().write_all(error.text(None).as_bytes());
            return error.kind.exit.into();
        }
    };
    let result = cli.command.run(&ctx);
    ctx.progress.leave();
    if ctx.out.is_list_elsewhere() && ctx.settings.is_default("output") {
        ctx.remark(&format!(
            "{HINT}hint:{HINT:#} in a pipe it is one JSON record per line; -o table draws a table\n"
        ));
    }
    let finished = match ctx.out.write_file() {
        Some(written) => ctx.block_on(Limit::OnlyIfSet, written),
        None => ctx.out.finish(),
    };
    let exit = match result.and_then(|exit| finished.map(|()| exit)) {
        Ok(exit) => {
            ctx.tell_passed_over();
            exit
        }
        Err(error) => {
            let exit = error.kind.exit;
            ctx.failed_at_last(error);
            exit
        }
    };
    undo(&ctx);
    export::finish(LAST_SPANS);
    match ctx.status.get() {
        Some(status) if exit == Exit::Ok => status.into(),
        _ => exit.into(),
    }
}

/// Help and version are answers; the rest is a usage error, as JSON where JSON was asked for.
fn refused(mut error: clap::Error) -> Exit {
    use clap::error::ErrorKind;
    let tip = suggestions::mend(&mut error, &hidden());
    let answer = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if !answer && wants_json() {
        let text = error.render().to_string();
        let text = text.trim_start_matches("error: ");
        let (message, hint) = text.split_once("\n\n").unwrap_or((text, ""));
        let hint = tip.unwrap_or_else(|| hint.lines().next().unwrap_or_default().trim().to_owned());
        let usage = CliError::usage(message.lines().map(str::trim).collect::<Vec<_>>().join(" ")).hint(hint);
        let _ = writeln!(std::io::stderr(), "{}", sanitize::json(&usage.json(None).to_string()));
        return Exit::Usage;
    }
    if !answer && let Some(said) = spelled(&error.render().to_string()) {
        let _ = writeln!(std::io::stderr(), "{said}");
        return Exit::Usage;
    }
    if let Some(tip) = tip {
        // That standard error is closed is nothing anybody could be told.
        let _ = error.print();
        let _ = anstream::stderr().write_all(format!("\n{HINT}hint:{HINT:#} {tip}\n").as_bytes());
        return Exit::Usage;
    }
    let printed = if answer { stdout::check().and_then(|()| error.print()) } else { error.print() };
    match printed {
        Ok(()) if answer => Exit::Ok,
        Err(broken) if answer => unanswered(&broken),
        _ => Exit::Usage,
    }
}

/// What is quoted of the command line may be anybody's file name: no order to a terminal, and no line of its own
/// that begins as ours do. Nothing where there is nothing to spell out.
fn spelled(said: &str) -> Option<String> {
    let words: Vec<_> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    // Of --flag=value the value alone is quoted.
    let values = words.iter().filter_map(|word| word.split_once('=').map(|(_, value)| value));
    let mut is_foreign = false;
    let mut said = said.to_owned();
    for word in words.iter().map(String::as_str).chain(values) {
        if matches!(sanitize::line(word), Cow::Owned(_)) {
            is_foreign = true;
            // The parser leaves escape sequences out.
            for quoted in [word, &anstream::adapter::strip_str(word).to_string()] {
                said = said.replace(quoted, &sanitize::line(quoted));
            }
        }
    }
    is_foreign.then(|| sanitize::lines(&said).into_owned())
}

/// An answer that nobody gets.
fn unanswered(broken: &std::io::Error) -> Exit {
    let error = CliError::io("write to standard output", broken);
    if !error.is_silent() {
        let _ = anstream::stderr().write_all(error.text(None).as_bytes());
    }
    error.kind.exit
}

/// Verbs that are there for old scripts only.
fn hidden() -> Vec<String> {
    let command = super::command();
    let hidden = command.get_subcommands().filter(|verb| verb.is_hide_set());
    hidden.map(|verb| verb.get_name().to_owned()).collect()
}

/// The arguments did not parse, so this looks at them as they are.
fn wants_json() -> bool {
    let is_json = |text: &str| matches!(text, "json" | "jsonl");
    let arguments: Vec<_> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let flag = arguments.iter().enumerate().any(|(index, word)| match word.as_str() {
        "-o" | "--output" => arguments.get(index + 1).is_some_and(|value| is_json(value)),
        _ => ["--output=", "-o="]
            .iter()
            .chain(&["-o"])
            .any(|prefix| word.strip_prefix(prefix).is_some_and(is_json)),
    });
    flag || std::env::var("HAUKI_OUTPUT").is_ok_and(|value| is_json(&value))
}

/// Ends the vaults whose records were never written.
fn undo(ctx: &Ctx) {
    let lost = ctx.out.ledger.take();
    if lost.is_empty() {
        return;
    }
    let work = async {
        let Some(endpoint) = ctx.endpoint_if_live().await else { return Ok(()) };
        for vault in &lost {
            let ended =
                tokio::time::timeout(CLEAN_UP, endpoint.destruct(vault, &DestructQuery::default())).await;
            match ended {
                Ok(Ok(_)) => {
                    ctx.remark(&format!("{vault} is destructed again: its record was not written\n"))
                }
                _ => {
                    ctx.say(&format!("{vault} could not be destructed; it dies when its claim lease ends\n"))
                }
            }
        }
        Ok(())
    };
    if let Err(error) = ctx.block_on(Limit::OnlyIfSet, work) {
        ctx.failed(&error);
    }
}
