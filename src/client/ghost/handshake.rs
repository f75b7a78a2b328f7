//! From a ticket to one authenticated connection.

use std::sync::Arc;

use tokio::net::TcpStream;

use super::event::Listeners;
use super::wire::{Fault, Wire};
use super::{GhostError, Options, from_json, to_json, to_ms};
use crate::model::ticket::{self, Ticket};
use crate::rpc::pin;
use crate::rpc::reserved::{self, Hello, Welcome};
use crate::system::clock;

/// Nothing is sent before the node has proved that it holds the pinned key.
pub(super) async fn connect(
    ticket: &Ticket,
    options: &Options,
    listeners: &Arc<Listeners>,
) -> Result<(Wire, Welcome), GhostError> {
    check(ticket)?;
    match tokio::time::timeout(options.connect_timeout, greet(ticket, options, listeners)).await {
        Ok(connected) => connected,
        Err(_) => {
            Err(GhostError::ConnectTimeout { vault: ticket.vault.clone(), after: options.connect_timeout })
        }
    }
}

async fn greet(
    ticket: &Ticket,
    options: &Options,
    listeners: &Arc<Listeners>,
) -> Result<(Wire, Welcome), GhostError> {
    let (vault, endpoint) = (&ticket.vault, &ticket.endpoint);
    let tcp = TcpStream::connect((endpoint.ip, endpoint.port)).await;
    let tcp = tcp.map_err(|source| GhostError::Connect {
        vault: vault.clone(),
        address: format!("{}:{}", endpoint.ip, endpoint.port),
        source: Arc::new(source),
    })?;
    // Without this a small request can wait for the acknowledgement of the one before it.
    let _ = tcp.set_nodelay(true);
    let name = rustls::pki_types::ServerName::IpAddress(endpoint.ip.into());
    let connector = pin::connector(ticket.tls.cert_sha256).map_err(GhostError::Setup)?;
    let tls = connector.connect(name, tcp).await;
    let tls = tls.map_err(|source| GhostError::Tls { vault: vault.clone(), source: Arc::new(source) })?;
    let limit = ticket.protocol.max_frame_bytes as usize;
    let wire = Wire::start(tls, vault.clone(), limit, Arc::clone(listeners));
    let hello = Hello {
        token: ticket.auth.token.clone(),
        call_deadline_ms: options.call_deadline.map(to_ms),
        client: options.client.clone(),
        voucher: None,
    };
    let welcome = match wire.call(reserved::HELLO, Some(&to_json(&hello)?)).await {
        Ok(welcome) => from_json(reserved::HELLO, &welcome)?,
        Err(Fault::Failed(error)) => return Err(error),
        Err(Fault::Unsent) => return Err(wire.closed().await),
    };
    Ok((wire, welcome))
}

/// What makes a ticket useless before anything is sent.
fn check(ticket: &Ticket) -> Result<(), GhostError> {
    let strange = |what: &'static str, found: &str| {
        Err(GhostError::Foreign { vault: ticket.vault.clone(), what, found: found.to_owned() })
    };
    if ticket.v != ticket::VERSION {
        return strange("version", &ticket.v.to_string());
    }
    if ticket.auth.scheme != "biscuit" {
        return strange("auth.scheme", &ticket.auth.scheme);
    }
    if ticket.protocol.name != "jsonrpc-2.0" || ticket.protocol.framing != "ndjson" {
        return strange("protocol", &format!("{} in {}", ticket.protocol.name, ticket.protocol.framing));
    }
    // The node's clock judges; ours only spares a round trip where the difference is not skew.
    if ticket.expires_at < clock::now() {
        return Err(GhostError::Expired { vault: ticket.vault.clone(), at: ticket.expires_at });
    }
    Ok(())
}
