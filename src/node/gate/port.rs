//! A vault's port: opened at the handshake, closed at death, and seen to be closed.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

use super::connection::Gate;
use super::origin;
use crate::model::lease::Mono;
use crate::model::receipt::{Reclaimed, Resource};
use crate::system::clock;

#[derive(Default)]
pub struct Port {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<Open>,
    closed: bool,
}

struct Open {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Port {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The port, opened now or before. Must be called within the runtime of the vault's lane.
    pub fn open(&self, ip: IpAddr, gate: impl FnOnce() -> Arc<Gate>) -> io::Result<u16> {
        let mut state = self.state();
        if let Some(open) = &state.open {
            return Ok(open.address.port());
        }
        if state.closed {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "the vault is dying"));
        }
        let socket = if ip.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Connections inherit it, and `is_listening` needs it of those that are still open.
        socket.set_reuseaddr(true)?;
        socket.bind((ip, 0).into())?;
        let listener = socket.listen(128)?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(accept(listener, gate()));
        state.open = Some(Open { address, accepting });
        Ok(address.port())
    }

    /// Closes the port and asks the kernel whether it is closed; `None` if none was open.
    pub async fn close(&self, since: Mono) -> Option<Reclaimed> {
        let open = {
            let mut state = self.state();
            state.closed = true;
            state.open.take()
        }?;
        open.accepting.abort();
        // The listener is dropped with its task; only then can the kernel be asked.
        let _ = open.accepting.await;
        let gone = !is_listening(open.address);
        let gone_after_us = clock::mono().since(since);
        Some(Reclaimed { what: Resource::Port, name: open.address.to_string(), gone_after_us, gone })
    }
}

/// With SO_REUSEADDR a bind fails for as long as somebody listens there, and for no other reason
/// that matters on an address that was just in use.
fn is_listening(address: SocketAddr) -> bool {
    let probe = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)
    };
    matches!(probe(), Err(error) if error.kind() == io::ErrorKind::AddrInUse)
}

async fn accept(listener: TcpListener, gate: Arc<Gate>) {
    let mut backoff = Duration::from_millis(5);
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                backoff = Duration::from_millis(5);
                if stream.local_addr().is_ok_and(|own| origin::is_through(own.ip(), peer)) {
                    gate.admit(stream, peer);
                } else {
                    tracing::debug!(%peer, "closed a connection that did not come through the data plane");
                }
            }
            // Out of descriptors, mostly: give others time to close some.
            Err(error) => {
                tracing::warn!(%error, "failed to accept a connection");
                tokio::time::sleep(backoff).await;
                backoff = (backoff * 2).min(Duration::from_secs(1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_asked_and_not_assumed() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
        let address = listener.local_addr().expect("has an address");
        assert!(is_listening(address));
        drop(listener);
        assert!(!is_listening(address));
    }

    #[tokio::test]
    async fn an_open_connection_is_no_open_port() {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("is set");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("binds");
        let listener = socket.listen(1).expect("listens");
        let address = listener.local_addr().expect("has an address");
        let _caller = tokio::net::TcpStream::connect(address).await.expect("connects");
        let _served = listener.accept().await.expect("accepts");
        drop(listener);
        assert!(!is_listening(address));
    }
}
