//! The background beat: a third of what the gate allows, so that two may be lost.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::wire::Wire;
use crate::rpc::reserved::{HEARTBEAT, Welcome};

/// How often to beat under these terms.
pub(super) fn interval(welcome: &Welcome) -> Duration {
    let allowed = if welcome.link { welcome.lease_ms.min(welcome.link_silence_ms) } else { welcome.lease_ms };
    Duration::from_millis((allowed / 3).max(10))
}

/// Beats until the connection ends. A beat's own failure is not reported here: whatever ends the
/// connection fails the callers' calls with its reason.
pub(super) fn spawn(wire: Wire, welcome: &Welcome) -> JoinHandle<()> {
    let every = interval(welcome);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            if wire.is_closed() {
                return;
            }
            let _ = tokio::time::timeout(every, wire.call(HEARTBEAT, None)).await;
        }
    })
}
