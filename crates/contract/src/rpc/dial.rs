//! Dialing: from a ticket's address to a stream that nobody but its node can read.

use std::io;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::tls_pin;
use crate::model::digest::Sha256;
use crate::model::ticket::Endpoint;

#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error("failed to connect")]
    Connect(#[source] io::Error),
    #[error("failed to set up TLS")]
    Setup(#[source] rustls::Error),
    #[error("failed to agree on TLS")]
    Tls(#[source] io::Error),
}

/// Nothing is sent before the node has proved that it holds the key of the pinned certificate.
pub async fn dial(endpoint: &Endpoint, certificate: Sha256) -> Result<TlsStream<TcpStream>, DialError> {
    let tcp = TcpStream::connect((endpoint.ip, endpoint.port)).await.map_err(DialError::Connect)?;
    // Without this a small request can wait for the acknowledgement of the one before it.
    let _ = tcp.set_nodelay(true);
    let connector = tls_pin::connector(certificate).map_err(DialError::Setup)?;
    connector.connect(ServerName::IpAddress(endpoint.ip.into()), tcp).await.map_err(DialError::Tls)
}
