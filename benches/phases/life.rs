//! From the request to the ticket and from the end to the receipt, cold and warm.

use std::sync::Arc;

use hauki::api::teardown::DestructQuery;
use hauki::client::endpoint::ControlPlane;
use hauki::client::ghost::{Ghost, GhostOptions};
use hauki::model::gem::Wishes;

use crate::report::Report;
use crate::support::daemon::{Daemon, spawning};
use crate::{WORKER, now};

pub(crate) const COLD: &str = "request to ticket, cold, through the API";
pub(crate) const WARM: &str = "request to ticket, warm, through the API";
pub(crate) const RECEIPT: &str = "destruct to receipt, through the API";

const ROUNDS: usize = 10;

pub(crate) struct Life {
    pub daemon: Daemon,
    endpoint: ControlPlane,
    warm: bool,
}

impl Life {
    pub(crate) fn cold() -> Self {
        let daemon = Daemon::start();
        Self { endpoint: daemon.endpoint(), daemon, warm: false }
    }

    pub(crate) async fn warm() -> Self {
        let daemon = Daemon::start_in(Arc::new(Daemon::ground_with(8, "")), "all", &[]);
        let life = Self { endpoint: daemon.endpoint(), daemon, warm: true };
        life.filled().await;
        life
    }

    /// Resolves when the pool is as full as it will be.
    pub(crate) async fn filled(&self) {
        while self.endpoint.nodes().await.expect("is up").nodes[0].warm_vaults < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    pub(crate) async fn rounds(&self, report: &mut Report) {
        for _ in 0..ROUNDS {
            if self.warm {
                self.filled().await;
            }
            let start = now();
            let spawned = self.endpoint.spawn(&spawning(WORKER, Wishes::default())).await.expect("spawns");
            let spawn = start.elapsed();
            if self.warm {
                report.add(WARM, spawn);
                report.add_micros("  of which on the node, warm", spawned.vault.forged_us);
                let start = now();
                self.endpoint.nodes().await.expect("is up");
                report.add("  of which a request over HTTP and its answer", start.elapsed());
                self.endpoint
                    .destruct(&spawned.vault.id, &DestructQuery::default())
                    .await
                    .expect("destructs");
                continue;
            }
            report.add(COLD, spawn);
            report.add_micros("  of which on the node, cold", spawned.vault.forged_us);
            let start = now();
            let id = &spawned.vault.id;
            let torn = self.endpoint.destruct(id, &DestructQuery::default()).await.expect("destructs");
            report.add(RECEIPT, start.elapsed());
            let receipt = torn.receipt.expect("a receipt");
            report.add_micros("  of which on the node: kill to all reclaimed", receipt.reclaimed_us);
            if let Some(process) = receipt.reclaimed.first() {
                report.add_micros("  of which: kill to init seen dead", process.gone_after_us);
            }
        }
        if !self.warm {
            self.other_ends(report).await;
        }
    }

    /// The init killed from outside, and the owner of a linked vault gone: until the gate has closed
    /// the caller's connection, and until the init is dead.
    async fn other_ends(&self, report: &mut Report) {
        let options = || GhostOptions { beat: false, ..GhostOptions::default() };
        let spawned = self.daemon.spawn(WORKER).await;
        let ghost = Ghost::connect(&spawned.ticket, options()).await.expect("connects");
        let init = self.init(&spawned.vault.id).await;
        let start = now();
        rustix::process::pidfd_send_signal(&init, rustix::process::Signal::KILL).expect("is ours");
        while ghost.call("echo", None).await.is_ok() {}
        report.add("init killed from outside to the caller's error", start.elapsed());

        let mut request = spawning(WORKER, Wishes::default());
        request.ticket.link = Some(true);
        let spawned = self.endpoint.spawn(&request).await.expect("spawns");
        let ghost = Ghost::connect(&spawned.ticket, options()).await.expect("connects");
        ghost.call("echo", None).await.expect("answers");
        let init = self.init(&spawned.vault.id).await;
        let start = now();
        drop(ghost);
        let mut dead = [rustix::event::PollFd::new(&init, rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut dead, None).expect("can be waited for");
        report.add("owner of a linked vault gone to its init dead", start.elapsed());
    }

    async fn init(&self, id: &hauki::model::id::VaultId) -> std::os::fd::OwnedFd {
        let vault = self.endpoint.vault(id).await.expect("is there");
        let pid = vault.vitals.expect("is alive").init_pid;
        let pid = i32::try_from(pid).ok().filter(|pid| *pid > 1).and_then(rustix::process::Pid::from_raw);
        let flags = rustix::process::PidfdFlags::empty();
        rustix::process::pidfd_open(pid.expect("is a process"), flags).expect("is there")
    }
}
