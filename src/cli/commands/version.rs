//! `hauki version`: what this is, and what it speaks.

use clap::Args;

use crate::api::health::Health;
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::kinds::{DaemonVersion, Version};
use crate::cli::record::Record;
use crate::client::Exit;

/// Show versions, also the running daemon's
#[derive(Debug, Args)]
pub(crate) struct VersionArgs {}

pub(crate) fn run(ctx: &Ctx, _: &VersionArgs) -> Result<Exit, CliError> {
    ctx.block_on(Limit::Usual, async {
        let health = match ctx.endpoint_if_live().await {
            Some(endpoint) => endpoint.health().await.ok(),
            None => None,
        };
        let daemon = health.map(|Health { version, role, vault_build, .. }| DaemonVersion {
            version,
            role,
            vault_build,
        });
        let version = Version {
            version: env!("CARGO_PKG_VERSION").into(),
            api: "v2".into(),
            ticket: crate::model::ticket::VERSION,
            daemon,
        };
        if ctx.out.is_for_people() {
            ctx.out.text(&format!("hauki {}\n", env!("CARGO_PKG_VERSION")))?;
            if let Some(daemon) = &version.daemon {
                ctx.out.text(&format!("haukid {}\n", daemon.version))?;
            }
        } else {
            ctx.out.record(Record::new(&version))?;
        }
        Ok(Exit::Ok)
    })
}
