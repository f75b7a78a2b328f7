//! `hauki secret`: values that the requests of one's workers carry, and that no worker sees.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueHint};
use clap_complete::ArgValueCandidates;

use crate::api::secret::SecretPut;
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::record::Record;
use crate::cli::{bounded_read, complete};
use crate::client::Exit;
use crate::model::secret::Secret;
use crate::model::secret_use::{MOST_VALUE, SecretName, check_value};

const AFTER: &str = "\
A value is read from standard input or a file, never from the command line, where everybody sees
it; one end of line behind it is not part of it. It is kept sealed, and shown to nobody again.
A worker that was summoned with --secret has it in its requests: its node puts it in there.
Each user has his own, root too.

Examples:
  hauki secret set openai < key.txt
  pass show openai | hauki secret set openai
  hauki secret set openai --from-file key.txt
  hauki run --allow-net https://api.openai.com/v1/ --secret openai=Authorization:Bearer ask.ts
  hauki secret ls
  hauki secret rm openai";

/// Keep values that workers' requests carry and no worker sees
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct SecretArgs {
    #[command(subcommand)]
    command: SecretCommand,
}

#[derive(Debug, Subcommand)]
enum SecretCommand {
    Set(SetArgs),
    /// List the names of one's secrets
    Ls,
    Rm(SecretRmArgs),
}

/// Keep a secret; one of the same name is replaced
#[derive(Debug, Args)]
struct SetArgs {
    name: SecretName,
    /// The file with the value; otherwise it is read from standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    from_file: Option<PathBuf>,
}

/// Remove a secret; workers that use it keep it until they end
#[derive(Debug, Args)]
struct SecretRmArgs {
    #[arg(value_name = "NAME", required = true, add = ArgValueCandidates::new(complete::secrets))]
    names: Vec<SecretName>,
}

pub(crate) fn run(ctx: &Ctx, args: &SecretArgs) -> Result<Exit, CliError> {
    match &args.command {
        SecretCommand::Set(args) => set(ctx, args),
        SecretCommand::Ls => ls(ctx),
        SecretCommand::Rm(args) => remove(ctx, &args.names),
    }
}

fn set(ctx: &Ctx, args: &SetArgs) -> Result<Exit, CliError> {
    let path = args.from_file.as_deref().unwrap_or(Path::new("-"));
    let shown = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    ctx.block_on(Limit::Usual, async {
        // The end of its line, and one byte by which it is too long.
        let bytes = bounded_read::read(path, MOST_VALUE + 3).await;
        let bytes = bytes.map_err(|error| CliError::unreadable(&shown, &error))?;
        let value = value(&bytes).map_err(|why| CliError::data("bad_secret", format!("{shown}: {why}")))?;
        let put = SecretPut { name: args.name.clone(), value };
        let kept = ctx.endpoint().await?.secret_set(&put).await?;
        ctx.out.record(Record::new(&kept))?;
        Ok(Exit::Ok)
    })
}

/// Without one end of line. Why it is none says nothing of it.
fn value(bytes: &[u8]) -> Result<Secret, String> {
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let line = if line.len() < bytes.len() { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
    let text = String::from_utf8(line.to_vec()).map_err(|_| "the value is not UTF-8".to_owned())?;
    let value = Secret::new(text);
    check_value(&value).map_err(|error| error.to_string())?;
    Ok(value)
}

fn ls(ctx: &Ctx) -> Result<Exit, CliError> {
    ctx.out.list();
    ctx.block_on(Limit::Usual, async {
        let list = ctx.endpoint().await?.secrets().await?;
        list.secrets.iter().try_for_each(|secret| ctx.out.record(Record::new(secret)))?;
        Ok(Exit::Ok)
    })
}

fn remove(ctx: &Ctx, names: &[SecretName]) -> Result<Exit, CliError> {
    ctx.block_on(Limit::Usual, async {
        let mut missing = None;
        for name in names {
            let removed = ctx.endpoint().await?.secret_remove(name).await?;
            if !removed.changed {
                missing.get_or_insert(name);
            }
            ctx.out.record(Record::new(&removed))?;
        }
        match missing {
            None => Ok(Exit::Ok),
            Some(name) => {
                let kind = ErrorKind::new("not_found", Exit::NotFound);
                Err(CliError::new(kind, format!("there is no secret {name}")))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_end_of_line_is_not_part_of_a_value() {
        for (bytes, kept) in [
            (&b"sk-12345678"[..], "sk-12345678"),
            (b"sk-12345678\n", "sk-12345678"),
            (b"sk-12345678\r\n", "sk-12345678"),
            (b"two words\n", "two words"),
        ] {
            assert_eq!(value(bytes).expect("is a value").reveal(), kept);
        }
        for wrong in [
            &b""[..],
            b"\n",
            b"short\n",
            b"sk-12345678\n\n",
            b"sk-12345678\r",
            b"sk-1234\r\n5678\n",
            b"sk-12345678\nX-Evil: 1\n",
            b"sk-\xff1234567",
            &[b'x'; MOST_VALUE + 1],
        ] {
            let why = value(wrong).expect_err("is none");
            assert!(!why.contains("sk-"), "{why}");
        }
    }
}
