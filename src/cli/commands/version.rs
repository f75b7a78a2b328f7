//! `hauki version`: what this is, and what it speaks.

use clap::Args;
use serde_json::json;

use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
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
        let daemon = health.map(|health| json!({ "version": health.version, "role": health.role, "vault_build": health.vault_build }));
        let version = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "api": "v2",
            "ticket": crate::model::ticket::VERSION,
            "daemon": daemon,
        });
        if ctx.out.is_for_people() {
            ctx.out.text(&format!("hauki {}\n", env!("CARGO_PKG_VERSION")))?;
            if let Some(version) = version.pointer("/daemon/version").and_then(|version| version.as_str()) {
                ctx.out.text(&format!("haukid {version}\n"))?;
            }
        } else {
            ctx.out.record(Record::new("version", &version))?;
        }
        Ok(Exit::Ok)
    })
}
