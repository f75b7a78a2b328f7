//! Clone requests, `clone_object` of a worker: the wish waits until the core has answered it with a ticket. The gate
//! claims that at once, so that the child dies with this vault however this vault ends.

use std::sync::Arc;

use super::OutboundError;
use crate::vault::VaultHandle;
use hauki_contract::rpc::reference::{self, FoundTicket, TravelError};
use hauki_contract::system::trace;

/// The longest arguments, source included: they wait in the node's memory until the core has read them.
const MAX_ARGUMENTS: usize = 1024 * 1024;

/// What the worker gets is a reference to its child.
pub(super) async fn clone_object(vault: &Arc<VaultHandle>, params: &str) -> Result<String, OutboundError> {
    let reach = &vault.reach;
    // Of the call that is at work, or of the order whose `create` is.
    let trace = vault.calls().trace().or_else(trace::current);
    if vault.limits.spawn == 0 {
        return Err(OutboundError::NoBudget);
    }
    let arguments = reach.put_back(params)?.into_owned();
    if arguments.len() > MAX_ARGUMENTS {
        return Err(TravelError::Long(MAX_ARGUMENTS).into());
    }
    let made = vault.news.wish(vault.id.clone(), arguments, trace).made().await;
    let ticket = made.ok_or(OutboundError::Besieged)?.map_err(OutboundError::Core)?;
    let text = serde_json::to_string(&ticket).map_err(|error| TravelError::Ticket(error.to_string()))?;
    let word = reach.hold(FoundTicket { ticket: ticket.clone(), text: &text }, true)?;
    let child = reach.get(&word).ok_or(OutboundError::Closed)?;
    reach.line(vault, &child).await?;
    Ok(reference::write(&word, &ticket))
}
