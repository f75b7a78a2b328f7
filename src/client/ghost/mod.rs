//! A ticket as an object: connect once, call as often as you like.
//!
//! A [`Ghost`] owns one TLS connection to the node's gate. Clones share it, and their calls are
//! pipelined: one task writes, one reads and hands replies to those who wait for them by id. Every
//! call has a finite deadline on our side as well as on the gate's. When the connection ends, all
//! pending calls fail at once with the reason, `hauki.dying` if the gate sent one. When the last
//! clone is dropped, the connection is closed; a linked vault dies of that, also by `kill -9`,
//! because the kernel closes the socket.

mod beat;
mod error;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::net::TcpStream;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

pub use error::GhostError;
pub use wire::Event;

use crate::model::receipt::Receipt;
use crate::model::ticket::Ticket;
use crate::rpc::pin;
use crate::rpc::reserved::{self, Hello, Lease, VaultStats, Welcome};
use crate::system::clock;
use wire::Wire;

/// What a call may take beyond the gate's own deadline before we give up on the gate.
const SLACK: Duration = Duration::from_secs(2);

#[derive(Debug, Clone)]
pub struct Options {
    /// For TCP, TLS and `hauki.hello` together.
    pub connect_timeout: Duration,
    /// For one call; absent: the ticket's call deadline.
    pub call_deadline: Option<Duration>,
    /// Keep the lease alive in the background while connected.
    pub beat: bool,
    /// Who calls, for the node's logs.
    pub client: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            call_deadline: None,
            beat: true,
            client: Some(super::identity::pid_and_host()),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Ghost {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    wire: Wire,
    welcome: Welcome,
    deadline: Duration,
    beat: Option<JoinHandle<()>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(beat) = &self.beat {
            beat.abort();
        }
    }
}

impl Ghost {
    /// Claims the ticket. Nothing is sent before the node has proved that it holds the pinned key.
    pub async fn connect(ticket: &Ticket, options: Options) -> Result<Self, GhostError> {
        let (vault, endpoint) = (ticket.vault.clone(), &ticket.endpoint);
        check(ticket)?;
        let handshake = async {
            let tcp = TcpStream::connect((endpoint.ip, endpoint.port)).await;
            let tcp = tcp.map_err(|source| GhostError::Connect {
                vault: vault.clone(),
                address: format!("{}:{}", endpoint.ip, endpoint.port),
                source,
            })?;
            // Without this a small request can wait for the acknowledgement of the one before it.
            let _ = tcp.set_nodelay(true);
            let name = rustls::pki_types::ServerName::IpAddress(endpoint.ip.into());
            let tls =
                pin::connector(ticket.tls.cert_sha256).map_err(GhostError::Setup)?.connect(name, tcp).await;
            let tls = tls.map_err(|source| GhostError::Tls { vault: vault.clone(), source })?;
            let wire = Wire::start(tls, vault.clone(), ticket.protocol.max_frame_bytes as usize);
            let hello = Hello {
                token: ticket.auth.token.clone(),
                call_deadline_ms: options.call_deadline.map(to_ms),
                client: options.client.clone(),
                voucher: None,
            };
            let welcome = wire.call(reserved::HELLO, Some(&to_json(&hello)?)).await?;
            let welcome: Welcome = from_json(reserved::HELLO, &welcome)?;
            Ok((wire, welcome))
        };
        let (wire, welcome) = match tokio::time::timeout(options.connect_timeout, handshake).await {
            Ok(connected) => connected?,
            Err(_) => return Err(GhostError::ConnectTimeout { vault, after: options.connect_timeout }),
        };
        let deadline = Duration::from_millis(welcome.call_deadline_ms.into()) + SLACK;
        let beat = options.beat.then(|| beat::spawn(wire.clone(), &welcome));
        Ok(Self { inner: Arc::new(Inner { wire, welcome, deadline, beat }) })
    }

    #[must_use]
    pub fn welcome(&self) -> &Welcome {
        &self.inner.welcome
    }

    /// Calls a method. `params` is JSON text, an array or an object; so is the result, any value.
    pub async fn call(&self, method: &str, params: Option<&str>) -> Result<Box<RawValue>, GhostError> {
        self.call_within(method, params, self.inner.deadline).await
    }

    async fn call_within(
        &self,
        method: &str,
        params: Option<&str>,
        deadline: Duration,
    ) -> Result<Box<RawValue>, GhostError> {
        match tokio::time::timeout(deadline, self.inner.wire.call(method, params)).await {
            Ok(answer) => answer,
            Err(_) => Err(GhostError::Silent {
                vault: self.inner.welcome.vault.clone(),
                method: method.to_owned(),
                after: deadline,
            }),
        }
    }

    pub async fn call_typed<T: DeserializeOwned>(
        &self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<T, GhostError> {
        let result = self.call(method, Some(&to_json(params)?)).await?;
        from_json(method, &result)
    }

    /// Calls and does not ask for an answer.
    pub async fn notify(&self, method: &str, params: Option<&str>) -> Result<(), GhostError> {
        self.inner.wire.notify(method, params).await
    }

    /// What the worker prints and emits, and the announcement of its death. A slow reader misses
    /// events and is told how many.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.inner.wire.events()
    }

    /// Waits for the end of the connection and tells why.
    pub async fn closed(&self) -> GhostError {
        self.inner.wire.closed().await
    }

    pub async fn heartbeat(&self) -> Result<Lease, GhostError> {
        let lease = self.call(reserved::HEARTBEAT, None).await?;
        from_json(reserved::HEARTBEAT, &lease)
    }

    pub async fn stats(&self) -> Result<VaultStats, GhostError> {
        let stats = self.call(reserved::STATS, None).await?;
        from_json(reserved::STATS, &stats)
    }

    /// Ends the vault; the worker's `dest()` may run for `grace`. Answers when everything is gone.
    pub async fn destruct(&self, grace: Duration) -> Result<Receipt, GhostError> {
        let params = to_json(&reserved::Destruct { grace_ms: to_ms(grace) })?;
        let deadline = self.inner.deadline + grace;
        let answer = self.call_within(reserved::DESTRUCT, Some(&params), deadline).await?;
        Ok(from_json::<reserved::Destructed>(reserved::DESTRUCT, &answer)?.receipt)
    }
}

/// What makes a ticket useless before anything is sent.
fn check(ticket: &Ticket) -> Result<(), GhostError> {
    let strange = |what: &'static str, found: &str| {
        Err(GhostError::Foreign { vault: ticket.vault.clone(), what, found: found.to_owned() })
    };
    if ticket.v != crate::model::ticket::VERSION {
        return strange("version", &ticket.v.to_string());
    }
    if ticket.auth.scheme != "biscuit" {
        return strange("auth.scheme", &ticket.auth.scheme);
    }
    if ticket.protocol.name != "jsonrpc-2.0" || ticket.protocol.framing != "ndjson" {
        return strange("protocol", &format!("{} in {}", ticket.protocol.name, ticket.protocol.framing));
    }
    // The node's clock judges; ours only spares a round trip where the difference is not skew.
    let now = clock::now();
    if ticket.expires_at < now {
        return Err(GhostError::Expired { vault: ticket.vault.clone(), at: ticket.expires_at });
    }
    Ok(())
}

fn to_ms(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

fn to_json(value: &impl Serialize) -> Result<String, GhostError> {
    serde_json::to_string(value).map_err(|source| GhostError::Params { source })
}

fn from_json<T: DeserializeOwned>(method: &str, text: &RawValue) -> Result<T, GhostError> {
    serde_json::from_str(text.get())
        .map_err(|source| GhostError::Answer { method: method.to_owned(), source })
}

#[cfg(test)]
mod tests;
