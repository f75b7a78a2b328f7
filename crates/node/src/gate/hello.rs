//! Handshake: the first line of a connection, what it says, and whether its ticket opens this vault.
//!
//! Who has no good ticket learns nothing, whatever else is wrong with his line; who has one is told what
//! cannot be used.

use std::net::SocketAddr;
use std::sync::Arc;

use super::authorization::{Granted, granted};
use super::connection::Gate;
use super::fair_scheduler::{self, Crowded};
use crate::vault::VaultHandle;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::secret::Secret;
use hauki_contract::rpc::builtin;
use hauki_contract::rpc::capability::{CallFacts, Capability, Denied};
use hauki_contract::rpc::message::{RpcError, code};
use hauki_contract::system::clock;

/// Why a stranger does not become a caller.
pub struct HelloRefusal {
    pub id: Option<String>,
    pub error: RpcError,
}

impl HelloRefusal {
    /// All that somebody without a valid token learns.
    #[must_use]
    pub fn stranger() -> Self {
        Self { id: None, error: RpcError::new(code::UNAUTHENTICATED, "no valid ticket was shown") }
    }

    pub(super) fn with_id(self, id: Option<&str>) -> Self {
        Self { id: id.map(str::to_owned), ..self }
    }
}

/// What a hello has shown.
pub struct AcceptedHello {
    pub capability: Arc<Capability>,
    pub granted: Granted,
    /// The vault for which a gate calls.
    pub calling: Option<VaultId>,
}

/// The token's conditions, and its signatures unless they are known: those have their turn, off the shard. With a
/// voucher it is a gate that calls, for the vault that the core names in it.
pub async fn authenticate(
    gate: &Arc<Gate>,
    token: Secret,
    voucher: Option<Secret>,
    peer: SocketAddr,
) -> Result<AcceptedHello, RpcError> {
    let known = gate.signed.known(&token, &question(&gate.vault, builtin::HELLO));
    let (capability, calling) = match known.filter(|_| voucher.is_none()) {
        Some(known) => known.map(|capability| (capability, None)),
        None => {
            let gate = Arc::clone(gate);
            let check = move || {
                let ask = question(&gate.vault, builtin::HELLO);
                let issuer = &gate.vault.reach.issuer;
                let capability = gate.signed.verify(&token, issuer, &ask)?;
                let calling = voucher.map(|voucher| issuer.vouched(&voucher, ask.now)).transpose()?;
                Ok((capability, calling))
            };
            let checked = fair_scheduler::take(peer.ip().into(), check).await;
            checked.map_err(|Crowded| RpcError::new(code::BUSY, Crowded.to_string()))?
        }
    }
    .map_err(refusal)?;
    let methods = gate.vault.state().methods.clone();
    let granted = granted(&capability, &question(&gate.vault, builtin::HELLO), &methods);
    Ok(AcceptedHello { capability, granted, calling })
}

/// Where the first signature is the core's, the holder may know what is wrong with the rest.
fn refusal(denied: Denied) -> RpcError {
    let message = match denied {
        Denied::Invalid => return HelloRefusal::stranger().error,
        Denied::Foreign => {
            "the ticket holds a foreign block: only the conditions of hauki-ticket(5) are known here"
        }
        Denied::NotAllowed => {
            "the ticket is not valid here: it has expired, was narrowed, or is for another vault or generation"
        }
    };
    RpcError::new(code::UNAUTHENTICATED, message)
}

pub fn question<'a>(vault: &'a VaultHandle, method: &'a str) -> CallFacts<'a> {
    let VaultHandle { id, generation, node, .. } = vault;
    CallFacts { vault: id, generation: *generation, node, now: clock::now(), method }
}
