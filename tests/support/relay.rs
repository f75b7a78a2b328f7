//! A wire that can be long or cut: TCP to a gate and back, until told otherwise.

use std::sync::Arc;
use std::time::Duration;

use hauki::model::ticket::Ticket;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

pub(crate) struct Relay {
    cuts: watch::Sender<u32>,
    silences: watch::Sender<u32>,
    /// Bytes that went to the gate.
    passed: watch::Sender<u64>,
    /// How long bytes are on their way, each way.
    delay: Duration,
}

#[allow(dead_code, reason = "not every test target uses all of it")]
impl Relay {
    /// Puts itself between the holder of this ticket and its gate.
    pub(crate) async fn start(ticket: &mut Ticket) -> Arc<Self> {
        Self::start_long(ticket, Duration::ZERO).await
    }

    /// The same over a long way, whose round trip takes twice as long as that.
    pub(crate) async fn start_long(ticket: &mut Ticket, delay: Duration) -> Arc<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("binds");
        let mine = listener.local_addr().expect("an address").port();
        let gate = (ticket.endpoint.ip, std::mem::replace(&mut ticket.endpoint.port, mine));
        let zero = || watch::Sender::new(0);
        let relay = Arc::new(Self { cuts: zero(), silences: zero(), passed: watch::Sender::new(0), delay });
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
        let (from_caller, to_caller) = caller.split();
        let (from_node, to_node) = node.split();
        tokio::select! {
            () = self.pass(from_caller, to_node, Some(&self.passed)) => {}
            () = self.pass(from_node, to_caller, None) => {}
        }
    }

    async fn pass(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, passed: Option<&watch::Sender<u64>>) {
        let (sender, mut way) = mpsc::channel::<(Instant, Vec<u8>)>(1024);
        let delay = self.delay;
        let taking = async move {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(count) = from.read(&mut buffer).await
                && count > 0
                && sender.send((Instant::now() + delay, buffer[..count].to_vec())).await.is_ok()
            {}
        };
        let giving = async move {
            while let Some((at, bytes)) = way.recv().await {
                if delay > Duration::ZERO {
                    sleep_until(at).await;
                }
                if to.write_all(&bytes).await.is_err() {
                    return;
                }
                if let Some(passed) = passed {
                    passed.send_modify(|passed| *passed += bytes.len() as u64);
                }
            }
        };
        tokio::join!(taking, giving);
    }

    pub(crate) fn passed(&self) -> u64 {
        *self.passed.borrow()
    }

    /// Waits until more than this has gone to the gate.
    pub(crate) async fn passed_more(&self, than: u64) {
        let mut passed = self.passed.subscribe();
        passed.wait_for(|passed| *passed > than).await.expect("the sender is here");
    }

    /// From now on nothing comes through the connections that there are.
    pub(crate) fn silence(&self) {
        self.silences.send_modify(|silences| *silences += 1);
    }

    /// Breaks every connection without a word.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}
