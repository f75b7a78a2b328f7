//! Connecting: from an input item to a ghost, and from a dead connection to the tombstone.

use super::context::Ctx;
use super::error::CliError;
use super::input::Item;
use crate::api::vault::TicketRequest;
use crate::client::ghost::{GhostError, GhostOptions};
use crate::client::{Ghost, tombstone};
use crate::model::id::VaultId;
use crate::model::ticket::Ticket;

/// The ticket itself, or a new one where only a vault is named.
pub(crate) async fn ticket(ctx: &Ctx, item: &Item) -> Result<Ticket, CliError> {
    if item.is_ticket() {
        return item.ticket();
    }
    let request = TicketRequest { vault: item.vault()?, wishes: Default::default() };
    Ok(ctx.endpoint().await?.ticket(&request).await?)
}

pub(crate) async fn ghost(ctx: &Ctx, ticket: &Ticket, beat: bool) -> Result<Ghost, CliError> {
    welcome(ctx, open(ctx, ticket, GhostOptions { beat, ..short() }).await?).await
}

/// For what lasts: kept alive, and made anew where it breaks.
pub(crate) async fn session(ctx: &Ctx, ticket: &Ticket) -> Result<Ghost, CliError> {
    welcome(ctx, open(ctx, ticket, GhostOptions::default()).await?).await
}

/// For one call, which goes behind the hello and tells what is wrong with the ticket.
pub(crate) async fn open(ctx: &Ctx, ticket: &Ticket, options: GhostOptions) -> Result<Ghost, CliError> {
    let options = GhostOptions { connect_timeout: ctx.connect_timeout()?, ..options };
    match Ghost::open(ticket, options).await {
        Ok(ghost) => Ok(ghost),
        Err(error) => Err(explain(ctx, &ticket.vault, error).await),
    }
}

/// For one command.
pub(crate) fn short() -> GhostOptions {
    GhostOptions { reconnect: false, ..GhostOptions::default() }
}

async fn welcome(ctx: &Ctx, ghost: Ghost) -> Result<Ghost, CliError> {
    let refused = ghost.welcome().await.err();
    match refused {
        Some(error) => Err(explain(ctx, ghost.vault(), error).await),
        None => Ok(ghost),
    }
}

/// Says why the vault died, where the control plane knows.
pub(crate) async fn explain(ctx: &Ctx, vault: &VaultId, error: GhostError) -> CliError {
    let worth_asking = error.may_be_dead() || matches!(error, GhostError::Dead { .. });
    if worth_asking
        && let Some(endpoint) = ctx.endpoint_if_live().await
        && let Some(receipt) = tombstone::look_up(endpoint, vault).await
    {
        return tombstone::error(receipt).into();
    }
    error.into()
}
