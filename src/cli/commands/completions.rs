//! `hauki completions`: scripts for shells.
//!
//! Each is a few lines that let the shell ask hauki itself, because ids come and go and the words
//! between shell and tool may change with a version.

use clap::{Args, ValueEnum};

use crate::cli::context::Ctx;
use crate::cli::error::CliError;
use crate::client::Exit;

const AFTER: &str = "\
Verbs, flags, and the ids, gems and nodes that there are just now: the shell asks hauki each time.
`make install` puts these scripts where the shells look for them.

Example:
  hauki completions bash > /etc/bash_completion.d/hauki";

/// Print the completion script of a shell
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct CompletionsArgs {
    shell: OurShell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum OurShell {
    Bash,
    Zsh,
    Fish,
}

impl OurShell {
    #[must_use]
    pub fn script(self) -> &'static str {
        match self {
            Self::Bash => {
                "\
# bash completion for hauki, and for the name under which it replaces x-hauki-core.
if command -v hauki >/dev/null 2>&1; then
    source <(COMPLETE=bash hauki)
    complete -o nospace -o bashdefault -F _clap_complete_hauki x-hauki-core
fi
"
            }
            Self::Zsh => {
                "\
#compdef hauki x-hauki-core
# zsh completion for hauki, and for the name under which it replaces x-hauki-core.
if (( ! $+functions[_clap_dynamic_completer_hauki] )); then
    source <(COMPLETE=zsh hauki)
fi
_clap_dynamic_completer_hauki \"$@\"
"
            }
            Self::Fish => {
                "\
# fish completion for hauki, and for the name under which it replaces x-hauki-core.
if command -q hauki
    COMPLETE=fish hauki | source
    complete --command x-hauki-core --wraps hauki
end
"
            }
        }
    }
}

pub(crate) fn run(ctx: &Ctx, args: &CompletionsArgs) -> Result<Exit, CliError> {
    ctx.out.text(args.shell.script())?;
    Ok(Exit::Ok)
}
