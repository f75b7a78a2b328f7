//! Source check: whether a connection came the way that it should: through the data plane's network.
//!
//! Binding to the VPN's address is not enough. Linux takes packets for any of its addresses from any
//! interface, so whoever shares a wire with the node could send some for the VPN's address there. But
//! the answers to them would leave by that wire, under another address of ours; those to the VPN leave
//! under the VPN's. A forged source inside the VPN never gets as far as a connection, because what it
//! is sent goes into the tunnel.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// Whether what we send to the peer leaves under the address at which it came in.
pub(super) fn is_through(data_plane: IpAddr, peer: SocketAddr) -> bool {
    // The kernel itself refuses loopback addresses from outside.
    data_plane.is_loopback() || source_towards(data_plane, peer).is_ok_and(|source| source == data_plane)
}

/// Connecting a datagram socket asks for the route and sends nothing.
fn source_towards(data_plane: IpAddr, peer: SocketAddr) -> io::Result<IpAddr> {
    let any = if data_plane.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any)?;
    socket.connect(peer)?;
    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_decides() {
        let at = |text: &str| text.parse::<SocketAddr>().expect("an address");
        assert!(is_through(at("127.0.0.1:1").ip(), at("127.0.0.1:2")));
        // What goes to this machine itself never leaves under an address that it does not have.
        assert!(!is_through(at("192.0.2.7:1").ip(), at("127.0.0.1:2")));
    }
}
