//! `hauki help`: verbs and topics.

use std::fmt::Write as _;

use clap::Args;

use crate::cli::args;
use crate::cli::context::Ctx;
use crate::cli::error::CliError;
use crate::client::Exit;

const LANGUAGE: &str = include_str!("worker_language.txt");

const AFTER: &str = "\
Topics:
  exit-codes         what hauki ends with, and when
  worker-language    what a worker's source may use

Example:
  hauki help forge";

/// Help on a verb or a topic
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct HelpArgs {
    /// A verb, exit-codes or worker-language
    #[arg(value_name = "TOPIC")]
    topic: Vec<String>,
}

pub(crate) fn run(ctx: &Ctx, args: &HelpArgs) -> Result<Exit, CliError> {
    let mut command = args::command();
    command.build();
    let text = match args.topic.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["exit-codes"] => exit_codes(),
        ["worker-language"] => LANGUAGE.to_owned(),
        words => {
            let mut command = &mut command;
            for word in words {
                command = command.find_subcommand_mut(word).ok_or_else(|| {
                    CliError::usage(format!("there is no help on {word}"))
                        .hint("hauki --help lists the verbs; topics are exit-codes and worker-language")
                })?;
            }
            command.render_long_help().to_string()
        }
    };
    ctx.out.text(&text)?;
    Ok(Exit::Ok)
}

/// What is left for the last column of 80.
const ROOM: usize = 52;

/// Lines of so many letters at most, where no word is longer.
fn broken(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn exit_codes() -> String {
    let mut text = String::from("CODE  NAME           RETRY  WHEN\n");
    for exit in Exit::ALL {
        let retry = if exit.retryable() { "yes" } else { "" };
        let (code, name, when) = (exit.code(), exit.name(), exit.describe());
        let mut lines = broken(when, ROOM).into_iter();
        let first = lines.next().unwrap_or_default();
        let _ = writeln!(text, "{code:<4}  {name:<13}  {retry:<5}  {first}");
        for line in lines {
            let _ = writeln!(text, "{:28}{line}", "");
        }
    }
    text.push_str(
        "\nA batch whose items all failed alike ends with their code, a mixed one with 6.\n\
         `heartbeat -- COMMAND` ends with the status of COMMAND.\n\
         With -o json or jsonl an error is a JSON object on standard error: code, exit,\n\
         message, hint, retryable.\n",
    );
    text
}
