//! `hauki completions`: scripts for shells.

use clap::{Args, ValueEnum};
use clap_complete::{Shell, generate};

use crate::cli::args;
use crate::cli::context::Ctx;
use crate::cli::error::CliError;
use crate::client::Exit;

const AFTER: &str = "\
The script knows every verb and flag. For live ids, let the shell ask hauki itself instead:
  bash  source <(COMPLETE=bash hauki)            in ~/.bashrc
  zsh   source <(COMPLETE=zsh hauki)             in ~/.zshrc
  fish  COMPLETE=fish hauki | source             in ~/.config/fish/config.fish

Example:
  hauki completions bash > /etc/bash_completion.d/hauki";

/// Print the completion script of a shell
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct CompletionsArgs {
    shell: OurShell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OurShell {
    Bash,
    Zsh,
    Fish,
}

pub(crate) fn run(ctx: &Ctx, args: &CompletionsArgs) -> Result<Exit, CliError> {
    let shell = match args.shell {
        OurShell::Bash => Shell::Bash,
        OurShell::Zsh => Shell::Zsh,
        OurShell::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    generate(shell, &mut args::command(), "hauki", &mut script);
    ctx.out.text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}
