//! A vault's port: opened at the handshake, made ready during the forge where both are one order, closed at
//! death, and seen to be closed.

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

/// How often, and how many times, a port that should be closed is looked at before it is called open.
const LOOK: Duration = Duration::from_millis(10);
const LOOKS: u32 = 50;

#[derive(Default)]
pub struct Port {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Nobody has been told of it.
    bound: Option<TcpListener>,
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

    /// Does most of the work of opening ahead, while the vault is being forged. Must be called within the
    /// runtime of the vault's lane, as [`Port::open`].
    pub fn prepare(&self, ip: IpAddr) {
        let mut state = self.state();
        if state.open.is_none() && !state.closed {
            // Why it failed is told when it fails again.
            state.bound = listen(ip).ok();
        }
    }

    /// The port, opened now or before.
    pub fn open(&self, ip: IpAddr, gate: impl FnOnce() -> Arc<Gate>) -> io::Result<u16> {
        let mut state = self.state();
        if let Some(open) = &state.open {
            return Ok(open.address.port());
        }
        if state.closed {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "the vault is dying"));
        }
        let listener = state.bound.take().map_or_else(|| listen(ip), Ok)?;
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
            state.bound = None;
            state.open.take()
        }?;
        open.accepting.abort();
        // The listener is dropped with its task; only then can the kernel be asked.
        let _ = open.accepting.await;
        // A program that is being started at this moment, a spawner say, has copies of all descriptors until it
        // has begun: that is no port of ours.
        let mut looks = 0;
        while is_listening(open.address) && looks < LOOKS {
            looks += 1;
            tokio::time::sleep(LOOK).await;
        }
        let gone = looks < LOOKS;
        let gone_after_us = clock::mono().since(since);
        Some(Reclaimed { what: Resource::Port, name: open.address.to_string(), gone_after_us, gone })
    }
}

fn listen(ip: IpAddr) -> io::Result<TcpListener> {
    let socket = if ip.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections inherit it, and `is_listening` needs it of those that are still open.
    socket.set_reuseaddr(true)?;
    socket.bind((ip, 0).into())?;
    socket.listen(128)
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
    async fn one_that_was_prepared_and_never_opened_is_closed_with_the_others() {
        let port = Port::default();
        port.prepare(std::net::Ipv4Addr::LOCALHOST.into());
        let address = port.state().bound.as_ref().and_then(|bound| bound.local_addr().ok());
        let address = address.expect("is bound");
        assert!(is_listening(address));
        assert_eq!(port.close(clock::mono()).await, None, "nobody was told of it");
        assert!(!is_listening(address));
        port.prepare(std::net::Ipv4Addr::LOCALHOST.into());
        assert!(port.state().bound.is_none(), "a dead vault's port was made");
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
