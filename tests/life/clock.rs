//! The wall clock of a running daemon jumps by years and back: nobody dies of it, and nobody lives on.
//!
//! libfaketime stands between the daemon and the C library's calendar; the kernel's monotonic clock,
//! which judges leases, stays as it is, as it does where somebody sets the date.

use std::path::{Path, PathBuf};

use crate::support::daemon::Daemon;
use crate::support::death::{self, Traces, death};
use hauki::api::summons::Spawned;
use hauki::api::teardown::{BeatRequest, BeatTarget};
use hauki::api::vault::TicketRequest;
use hauki::client::ghost::{Ghost, GhostError, GhostOptions};
use hauki::model::death::Cause;
use hauki::model::gem::Wishes;
use hauki::rpc::message::code;

const WORKER: &str = "var n = 0; function add() { n += 1; return n; }";

const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// In hours.
const YEAR: i64 = 366 * 24;

/// A daemon with a calendar of its own.
struct Ground {
    daemon: Daemon,
    calendar: PathBuf,
}

impl Ground {
    fn new() -> Self {
        assert!(
            Path::new(LIBRARY).exists(),
            "libfaketime must be installed: packaging/setup-debian.sh tests"
        );
        let dir = Daemon::ground("");
        let calendar = dir.path().join("calendar");
        std::fs::write(&calendar, "+0").expect("is ours");
        let yes = Path::new("1");
        let daemon = Daemon::start_with(
            dir.into(),
            "all",
            &[
                ("LD_PRELOAD", Path::new(LIBRARY)),
                ("FAKETIME_TIMESTAMP_FILE", &calendar),
                ("FAKETIME_NO_CACHE", yes),
                ("DONT_FAKE_MONOTONIC", yes),
            ],
        );
        Self { daemon, calendar }
    }

    /// Sets the date, and holds the daemon's own words against it.
    async fn jump(&self, hours: i64) {
        let next = self.calendar.with_extension("next");
        std::fs::write(&next, format!("{hours:+}h")).expect("is ours");
        std::fs::rename(&next, &self.calendar).expect("is ours");
        let witness = self.daemon.spawn(WORKER).await;
        let off = witness.vault.forged_at.duration_since(jiff::Timestamp::now()).as_hours();
        assert!((off - hours).abs() <= 1, "the daemon's calendar is off by {off} hours");
        death::destruct(&self.daemon.endpoint(), &witness.vault.id).await;
    }

    async fn spawn(&self, wishes: Wishes) -> Spawned {
        self.daemon.spawn_with(WORKER, wishes).await
    }

    async fn lives(&self, spawned: &Spawned, calls: i32) {
        let endpoint = self.daemon.endpoint();
        let vaults = vec![BeatTarget { vault: spawned.vault.id.clone(), generation: None }];
        let reply = endpoint.beat(&BeatRequest { vaults, by: None }).await.expect("answers");
        let left = reply.beats[0].lease_left_ms.expect("lives");
        assert!(left > 0 && left <= 60_000, "a lease is as long as before: {left}");
        let request = TicketRequest { vault: spawned.vault.id.clone(), wishes: Default::default() };
        let ticket = endpoint.ticket(&request).await.expect("a fresh one");
        let ghost = Ghost::connect(&ticket, GhostOptions::default()).await.expect("connects");
        assert_eq!(ghost.call_typed::<i32>("add", &[0; 0]).await.expect("answers"), calls);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jump_of_the_clock_kills_nobody_and_keeps_nobody() {
    let ground = Ground::new();
    let kept = ground.spawn(Wishes::default()).await;
    ground.lives(&kept, 1).await;
    for (hours, calls) in [(YEAR, 2), (-2, 3), (0, 4)] {
        ground.jump(hours).await;
        ground.lives(&kept, calls).await;
        // Leases go on being judged, by the other clock.
        let unclaimed = ground.spawn(Wishes { claim_ms: Some(300), ..Wishes::default() }).await;
        let receipt = death(&ground.daemon.endpoint(), &unclaimed.vault.id).await;
        assert_eq!(receipt.death.cause, Cause::Unclaimed);
        assert!((300..60_000).contains(&receipt.lived_ms), "{receipt:?}");
    }
    let traces = Traces::of(&ground.daemon.endpoint(), &kept).await;
    let receipt = death::destruct(&ground.daemon.endpoint(), &kept.vault.id).await;
    traces.assert_agrees(&receipt, Cause::Destruct);
}

/// What a token says of its end is said in the calendar's words, so there the calendar decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_of_before_the_jump_has_expired_by_the_calendar_alone() {
    let ground = Ground::new();
    let kept = ground.spawn(Wishes::default()).await;
    ground.jump(YEAR).await;
    let refused = Ghost::connect(&kept.ticket, GhostOptions::default()).await.expect_err("has expired");
    assert!(
        matches!(&refused, GhostError::Rpc { error, .. } if error.code == code::UNAUTHENTICATED),
        "{refused:?}"
    );
    ground.lives(&kept, 1).await;
    ground.jump(0).await;
    let ghost = Ghost::connect(&kept.ticket, GhostOptions::default()).await.expect("is good again");
    assert_eq!(ghost.call_typed::<i32>("add", &[0; 0]).await.expect("answers"), 2);
}
