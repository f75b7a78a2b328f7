//! A wire that can be cut: TCP to a gate and back, until told otherwise.

use std::sync::Arc;

use hauki::model::ticket::Ticket;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct Relay {
    cuts: watch::Sender<u32>,
    silences: watch::Sender<u32>,
    /// Bytes that went to the gate.
    passed: watch::Sender<u64>,
}

#[allow(dead_code, reason = "not every test target uses all of it")]
impl Relay {
    /// Puts itself between the holder of this ticket and its gate.
    pub async fn start(ticket: &mut Ticket) -> Arc<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("binds");
        let mine = listener.local_addr().expect("an address").port();
        let gate = (ticket.endpoint.ip, std::mem::replace(&mut ticket.endpoint.port, mine));
        let zero = || watch::Sender::new(0);
        let relay = Arc::new(Self { cuts: zero(), silences: zero(), passed: watch::Sender::new(0) });
        let its = Arc::clone(&relay);
        tokio::spawn(async move {
            loop {
                let (caller, _) = listener.accept().await.expect("accepts");
                // A gate that is gone refuses, and so does its relay.
                let Ok(node) = TcpStream::connect(gate).await else { return };
                let its = Arc::clone(&its);
                tokio::spawn(async move {
                    let (mut cut, mut silence) = (its.cuts.subscribe(), its.silences.subscribe());
                    let (mut caller, mut node) = (caller, node);
                    tokio::select! {
                        () = its.carry(&mut caller, &mut node) => {}
                        _ = cut.changed() => {}
                        // Both sockets stay open, as those of a network that is cut.
                        _ = silence.changed() => std::future::pending().await,
                    }
                });
            }
        });
        relay
    }

    async fn carry(&self, caller: &mut TcpStream, node: &mut TcpStream) {
        let (mut from_caller, mut to_caller) = caller.split();
        let (mut from_node, mut to_node) = node.split();
        let there = async {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(count) = from_caller.read(&mut buffer).await
                && count > 0
                && to_node.write_all(&buffer[..count]).await.is_ok()
            {
                self.passed.send_modify(|passed| *passed += count as u64);
            }
        };
        let back = tokio::io::copy(&mut from_node, &mut to_caller);
        tokio::select! {
            () = there => {}
            _ = back => {}
        }
    }

    pub fn passed(&self) -> u64 {
        *self.passed.borrow()
    }

    /// Waits until more than this has gone to the gate.
    pub async fn passed_more(&self, than: u64) {
        let mut passed = self.passed.subscribe();
        passed.wait_for(|passed| *passed > than).await.expect("the sender is here");
    }

    /// From now on nothing comes through the connections that there are.
    pub fn silence(&self) {
        self.silences.send_modify(|silences| *silences += 1);
    }

    /// Breaks every connection without a word.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}
