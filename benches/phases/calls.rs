//! Calls on one connection, and what it takes to get one: on a runtime with one thread, as the command
//! line and scripts have it.

use hauki::client::ghost::{Ghost, GhostOptions, OfferHandle};
use hauki::model::ticket::Ticket;
use hauki::rpc::tls_pin;
use tokio::runtime::Runtime;

use crate::report::Report;
use crate::script::{self, Script};
use crate::support::daemon::Daemon;
use crate::{WORKER, now};

pub(crate) const ONE: &str = "one call, 20 bytes each way";
pub(crate) const BACK: &str = "one call with a callback in it, 20 bytes each way";
pub(crate) const BEYOND: &str = "a call from a script, beyond one from the library";
pub(crate) const LARGE: &str = "one call, 64 KiB each way";
pub(crate) const FIRST: &str = "connect, authenticate, first call";
pub(crate) const ANEW: &str = "connect anew to a vault in use, authenticate, first call";
pub(crate) const MANY: &str = "64 in flight, one connection, one vault";
pub(crate) const RESUMED: &str = "connect to a known node, authenticate, first call";

const SMALL: &str = r#"[{"n":1,"s":"scout"}]"#;
const FLIGHTS: usize = 64;
/// Turns of a script and of the library, one after the other.
const PAIRS: u32 = 22;

pub(crate) struct Calls {
    lane: Runtime,
    pub daemon: Daemon,
    ticket: Ticket,
    ghost: Ghost,
    _tools: OfferHandle,
    script: Script,
    large: String,
}

fn options() -> GhostOptions {
    GhostOptions { beat: false, ..GhostOptions::default() }
}

impl Calls {
    pub(crate) fn prepare() -> Self {
        let lane = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let daemon = Daemon::start();
        let (ticket, ghost, tools) = lane.block_on(async {
            let ticket = daemon.spawn(WORKER).await.ticket;
            let ghost = Ghost::connect(&ticket, GhostOptions::default()).await.expect("connects");
            let tools = ghost.offer("tools", &["echo"], async |call| Ok(call.params));
            let tools = tools.await.expect("is offered");
            (ticket, ghost, tools)
        });
        let script = Script::new(&ticket);
        Self {
            lane,
            daemon,
            ticket,
            ghost,
            _tools: tools,
            script,
            large: format!("[\"{}\"]", "x".repeat(64 * 1024)),
        }
    }

    pub(crate) fn rounds(&mut self, report: &mut Report) {
        self.lane.block_on(self.round(report));
        for turn in 0..PAIRS {
            let scripted = self.script.turn();
            let called = self.lane.block_on(self.turn());
            // What was before the first ones has changed who is on which core.
            if turn > 1 {
                report.value(BEYOND, "ms", scripted - called);
            }
        }
    }

    /// As many calls as a script's turn has; milliseconds for each.
    async fn turn(&self) -> f64 {
        let start = now();
        for _ in 0..script::TURN {
            self.ghost.call("echo", Some(SMALL)).await.expect("answers");
        }
        start.elapsed().as_secs_f64() * 1e3 / f64::from(script::TURN)
    }

    async fn round(&self, report: &mut Report) {
        for _ in 0..500 {
            let start = now();
            self.ghost.call("echo", Some(SMALL)).await.expect("answers");
            report.add(ONE, start.elapsed());
        }
        for _ in 0..200 {
            let start = now();
            self.ghost.call("back", Some(SMALL)).await.expect("answers");
            report.add(BACK, start.elapsed());
        }
        for _ in 0..40 {
            let start = now();
            self.ghost.call("echo", Some(&self.large)).await.expect("answers");
            report.add(LARGE, start.elapsed());
        }
        // A vault that nobody has called, by who was never at its node; one in use, by another such
        // caller; and the same again.
        let fresh = self.daemon.spawn(WORKER).await.ticket;
        for name in [FIRST, ANEW, RESUMED] {
            let (ticket, times) = if name == FIRST { (&fresh, 1) } else { (&self.ticket, 5) };
            for _ in 0..times {
                if name != RESUMED {
                    tls_pin::forget_sessions();
                }
                let start = now();
                let ghost = Ghost::open(ticket, options()).await.expect("connects");
                ghost.call("echo", Some("[1]")).await.expect("answers");
                report.add(name, start.elapsed());
            }
        }
        self.many(report).await;
    }

    async fn many(&self, report: &mut Report) {
        let each = 100;
        let start = now();
        let mut flights = tokio::task::JoinSet::new();
        for _ in 0..FLIGHTS {
            let ghost = self.ghost.clone();
            flights.spawn(async move {
                for _ in 0..each {
                    ghost.call("echo", Some(SMALL)).await.expect("answers");
                }
            });
        }
        flights.join_all().await;
        let rate = (FLIGHTS * each) as f64 / start.elapsed().as_secs_f64();
        report.value(MANY, "/s", rate);
    }
}
