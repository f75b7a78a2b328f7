//! `hauki show`: everything about one summons, vault or gem.

use std::cmp::Ordering;
use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;

use crate::cli::context::{Ctx, Limit};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::record::Record;
use crate::cli::{batch, complete, input};
use crate::client::{ControlPlane, Exit};
use crate::model::id::VaultId;
use crate::model::phase::Phase;

const AFTER: &str = "\
Examples:
  hauki show vlt_01J…
  hauki show t.json -o json | jq .vitals
  hauki show vlt_01J… --wait dead --timeout 1m   until it is so";

/// Show one summons or vault in full
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct ShowArgs {
    /// Ids, files of records, or - for standard input
    #[arg(value_name = "ID", add = ArgValueCompleter::new(complete::items))]
    items: Vec<String>,
    /// Wait until the vault is in this phase: forged, ticketed, live, dying or dead
    #[arg(long, value_name = "PHASE", value_parser = parse_phase)]
    wait: Option<Phase>,
}

pub(crate) fn parse_phase(text: &str) -> Result<Phase, String> {
    let phase = Phase::ALL.into_iter().find(|phase| phase.as_str() == text);
    phase.ok_or_else(|| format!("a phase is one of {}", Phase::ALL.map(Phase::as_str).join(", ")))
}

pub(crate) fn run(ctx: &Ctx, args: &ShowArgs) -> Result<Exit, CliError> {
    ctx.block_on(Limit::Usual, async {
        let items = input::read_some(ctx, &args.items).await?;
        batch::run(ctx, items, ctx.globals.jobs(), async |item: input::Item| {
            let record = match item.vault() {
                Ok(id) => vault(ctx.endpoint().await?, &id, args.wait).await?,
                Err(error) => match item.summons() {
                    Ok(id) => Record::new(&ctx.endpoint().await?.summons(&id).await?),
                    Err(_) => return Err(error),
                },
            };
            if ctx.out.in_full(&record)? { Ok(Vec::new()) } else { Ok(vec![record]) }
        })
        .await
    })
}

async fn vault(endpoint: &ControlPlane, id: &VaultId, wait: Option<Phase>) -> Result<Record, CliError> {
    loop {
        let vault = endpoint.vault(id).await?;
        let Some(wanted) = wait else { return Ok(Record::new(&vault)) };
        // Where a phase that is not known stands in a life, only its end tells.
        let gone = vault.receipt.as_ref().map(|_| Phase::Dead);
        match vault.phase.known().or(gone).map(|phase| phase.cmp(&wanted)) {
            Some(Ordering::Less) | None => tokio::time::sleep(Duration::from_millis(50)).await,
            Some(Ordering::Equal) => return Ok(Record::new(&vault)),
            Some(Ordering::Greater) => {
                let (phase, wanted) = (vault.phase.told(Phase::as_str), wanted.as_str());
                let message = format!("{id} is {phase} and will not be {wanted} again");
                return Err(CliError::new(ErrorKind::new("conflict", Exit::Conflict), message));
            }
        }
    }
}
