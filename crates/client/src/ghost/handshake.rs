//! Handshake: from a ticket to one connection that begins with its hello.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::connection::{GhostConnection, GhostGreeting};
use super::event::Listeners;
use super::{GhostError, GhostOptions, from_json, to_json, to_ms};
use hauki_contract::model::ticket::Ticket;
use hauki_contract::rpc::builtin::{self, Hello, Welcome};
use hauki_contract::rpc::dial::{DialError, dial};
use hauki_contract::system::clock;

/// A connection whose hello is on its way.
pub(super) struct PendingHello {
    pub wire: GhostConnection,
    greeting: GhostGreeting,
    /// When the answer must be there.
    pub by: Instant,
}

/// Nothing is sent before the node has proved that it holds the pinned key.
pub(super) async fn open(
    ticket: &Ticket,
    options: &GhostOptions,
    listeners: &Arc<Listeners>,
) -> Result<PendingHello, GhostError> {
    check(ticket)?;
    let by = clock::alarm(options.connect_timeout);
    let reached = timeout_at(by, reach(ticket, options, listeners)).await;
    let (wire, greeting) = reached.unwrap_or_else(|_| Err(too_late(ticket, options)))?;
    Ok(PendingHello { wire, greeting, by })
}

impl PendingHello {
    /// Waits for what the node says to the ticket.
    pub(super) async fn welcomed(
        self,
        ticket: &Ticket,
        options: &GhostOptions,
    ) -> Result<(GhostConnection, Welcome), GhostError> {
        let Self { wire, greeting, by } = self;
        let answer = timeout_at(by, greeting.answer(&wire)).await;
        let welcome = answer.unwrap_or_else(|_| Err(too_late(ticket, options)))?;
        let welcome: Welcome = from_json(builtin::HELLO, &welcome)?;
        if welcome.vault != ticket.vault {
            let (vault, answers) = (ticket.vault.clone(), welcome.vault);
            return Err(GhostError::OtherVault { vault, answers });
        }
        wire.welcomed(&welcome);
        Ok((wire, welcome))
    }
}

fn too_late(ticket: &Ticket, options: &GhostOptions) -> GhostError {
    GhostError::ConnectTimeout { vault: ticket.vault.clone(), after: options.connect_timeout }
}

async fn reach(
    ticket: &Ticket,
    options: &GhostOptions,
    listeners: &Arc<Listeners>,
) -> Result<(GhostConnection, GhostGreeting), GhostError> {
    let (vault, endpoint) = (&ticket.vault, &ticket.endpoint);
    let tls = dial(endpoint, ticket.tls.cert_sha256).await.map_err(|error| match error {
        DialError::Connect(source) => GhostError::Connect {
            vault: vault.clone(),
            address: format!("{}:{}", endpoint.ip, endpoint.port),
            source: Arc::new(source),
        },
        DialError::Setup(source) => GhostError::Setup(source),
        DialError::Tls(source) => GhostError::Tls { vault: vault.clone(), source: Arc::new(source) },
    })?;
    let limit = ticket.protocol.max_frame_bytes as usize;
    let hello = Hello {
        call_deadline_ms: options.call_deadline.map(to_ms),
        client: options.client.clone(),
        ..Hello::new(ticket.auth.token.clone())
    };
    Ok(GhostConnection::start(tls, vault.clone(), limit, Arc::clone(listeners), &to_json(&hello)?))
}

/// What makes a ticket useless before anything is sent.
fn check(ticket: &Ticket) -> Result<(), GhostError> {
    let foreign = |source| GhostError::Foreign { vault: ticket.vault.clone(), source };
    ticket.check_known().map_err(foreign)?;
    // The node's clock judges; ours only spares a round trip where the difference is not skew.
    if ticket.expires_at < clock::now() {
        return Err(GhostError::Expired { vault: ticket.vault.clone(), at: ticket.expires_at });
    }
    Ok(())
}
