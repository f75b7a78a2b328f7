//! `hauki config`: the settings in force.

use clap::{Args, Subcommand};

use crate::cli::context::Ctx;
use crate::cli::error::CliError;
use crate::cli::kinds::SettingRecord;
use crate::cli::record::Record;
use crate::client::Exit;

const AFTER: &str = "\
A flag wins over the environment, that over ~/.config/hauki/hauki.yaml, that over
/etc/hauki/hauki.yaml, and that over the default.

Example:
  hauki config show --origin";

/// Show settings and where they come from
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Show every setting
    Show {
        /// Tell where each comes from
        #[arg(long)]
        origin: bool,
    },
}

pub(crate) fn run(ctx: &Ctx, args: &ConfigArgs) -> Result<Exit, CliError> {
    let ConfigCommand::Show { origin } = args.command;
    ctx.out.list();
    for (key, setting) in ctx.settings.all() {
        // What has no value of its own and a place that the system decides is shown as that place.
        let value = match (key.as_str(), &setting.value) {
            ("daemon.socket", None) => Some(ctx.settings.socket().display().to_string()),
            ("daemon.state_dir", None) => Some(ctx.settings.state_dir().display().to_string()),
            (_, value) => value.clone(),
        };
        let origin = origin.then(|| setting.source.to_string());
        ctx.out.record(Record::new(&SettingRecord { key, value, origin }))?;
    }
    if origin && ctx.out.is_for_people() {
        let files: Vec<_> = ctx.settings.files.iter().map(|path| path.display().to_string()).collect();
        let files = if files.is_empty() { "none".to_owned() } else { files.join(", ") };
        ctx.remark(&format!("files read: {files}\n"));
    }
    Ok(Exit::Ok)
}
