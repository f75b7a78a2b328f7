//! Listener of a vault, its port: opened at the handshake, made ready during the forge where both are one order,
//! closed at death, and seen to be closed.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};

use super::connection::Gate;
use super::source_check;
use hauki_contract::model::error_chain;
use hauki_contract::model::lease::Mono;
use hauki_contract::model::receipt::{Reclaimed, Resource};
use hauki_contract::system::clock;
use hauki_contract::system::tasks::{self, Task, TaskKind};

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
    listener: Arc<TcpListener>,
    accepting: Task<()>,
}

impl Port {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does most of the work of opening ahead, while the vault is being forged. Must be called within the
    /// runtime of the vault's shard, as [`Port::open`].
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
        let listener = Arc::new(listener);
        let accepting = tasks::spawn(TaskKind::Session, "port", accept(Arc::clone(&listener), gate()));
        state.open = Some(Open { address, listener, accepting });
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
        open.accepting.cancel();
        let _ = open.accepting.await;
        let gone = end(&open.listener);
        let gone_after_us = clock::mono().since(since);
        Some(Reclaimed { what: Resource::Port.into(), name: open.address.to_string(), gone_after_us, gone })
    }
}

/// Has it listen no more, and asks the kernel whether it does. Closing our descriptor is not enough: a program that is
/// being started at this moment, a spawner say, has copies of all descriptors until it has begun. And whether somebody
/// can bind there says nothing of our port: it may be another's already, a caller's or the next vault's.
fn end(listener: &TcpListener) -> bool {
    let _ = rustix::net::shutdown(listener, rustix::net::Shutdown::Read);
    rustix::net::sockopt::socket_acceptconn(listener).is_ok_and(|listens| !listens)
}

fn listen(ip: IpAddr) -> io::Result<TcpListener> {
    let socket = if ip.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // The kernel remembers closed connections for a minute, and vaults come and go faster than that.
    socket.set_reuseaddr(true)?;
    socket.bind((ip, 0).into())?;
    socket.listen(128)
}

async fn accept(listener: Arc<TcpListener>, gate: Arc<Gate>) {
    let mut backoff = Duration::from_millis(5);
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                backoff = Duration::from_millis(5);
                if stream.local_addr().is_ok_and(|own| source_check::is_through(own.ip(), peer)) {
                    gate.admit(stream, peer);
                } else {
                    tracing::debug!(%peer, "closed a connection that did not come through the data plane");
                }
            }
            // Out of descriptors, mostly: give others time to close some.
            Err(error) => {
                tracing::warn!(error = error_chain::told(&error), "failed to accept a connection");
                tokio::time::sleep(backoff).await;
                backoff = (backoff * 2).min(Duration::from_secs(1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn is_open(address: SocketAddr) -> bool {
        tokio::net::TcpStream::connect(address).await.is_ok()
    }

    /// As in a program that is being started.
    #[tokio::test]
    async fn it_is_closed_though_somebody_has_a_copy_of_its_descriptor() {
        let listener = listen(std::net::Ipv4Addr::LOCALHOST.into()).expect("listens");
        let address = listener.local_addr().expect("has an address");
        let copy = std::os::fd::AsFd::as_fd(&listener).try_clone_to_owned().expect("is copied");
        let copy = std::net::TcpListener::from(copy);
        let listener = Arc::new(listener);
        let accepting = tasks::spawn(TaskKind::Session, "port", std::future::pending());
        let port = Port::default();
        port.state().open = Some(Open { address, listener, accepting });
        let closed = port.close(clock::mono()).await.expect("was open");
        assert!(closed.gone && closed.what == Resource::Port, "{closed:?}");
        assert!(!is_open(address).await, "it is open");
        drop(copy);
    }

    #[tokio::test]
    async fn a_port_that_is_anothers_by_now_is_not_ours() {
        let listener = listen(std::net::Ipv4Addr::LOCALHOST.into()).expect("listens");
        assert!(rustix::net::sockopt::socket_acceptconn(&listener).expect("is asked"));
        assert!(end(&listener));
        let address = listener.local_addr().expect("has an address");
        drop(listener);
        let _other = std::net::TcpListener::bind(address).expect("is free at once");
        assert!(is_open(address).await);
    }

    #[tokio::test]
    async fn one_that_was_prepared_and_never_opened_is_closed_with_the_others() {
        let port = Port::default();
        port.prepare(std::net::Ipv4Addr::LOCALHOST.into());
        let address = port.state().bound.as_ref().and_then(|bound| bound.local_addr().ok());
        let address = address.expect("is bound");
        assert!(is_open(address).await);
        assert_eq!(port.close(clock::mono()).await, None, "nobody was told of it");
        assert!(!is_open(address).await);
        port.prepare(std::net::Ipv4Addr::LOCALHOST.into());
        assert!(port.state().bound.is_none(), "a dead vault's port was made");
    }
}
