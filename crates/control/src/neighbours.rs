//! Polling: what other cores on this store have changed, taken over once in a while.
//!
//! What they write is in the store at once, and whoever decides something holds it against the store. What this core
//! remembers of it is behind until it looks: the queue, and which nodes there are. A core that is alone, as today's are, reads one
//! short list a second and nothing else. Nothing is owned here, and a crash leaves nothing.

use std::sync::Arc;
use std::time::Duration;

use super::dependencies::Dependencies;
use super::failure::Failure;
use super::ledger::Ledger;
use super::membership::Membership;
use super::spool_worker::Bench;
use super::watch::Watcher;
use hauki_contract::model::error_chain;
use hauki_contract::system::clock;

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A look that takes long is rarer: it takes one part in so many of the time.
const SHARE: u32 = 20;

pub(super) struct Neighbours {
    ledger: Ledger,
    clerk: Arc<Bench>,
    membership: Arc<Membership>,
    watcher: Arc<Watcher>,
}

impl Neighbours {
    pub(super) fn new(
        basis: &Dependencies,
        clerk: &Arc<Bench>,
        membership: &Arc<Membership>,
        watcher: &Arc<Watcher>,
    ) -> Arc<Self> {
        let (ledger, clerk) = (basis.ledger.clone(), clerk.clone());
        Arc::new(Self { ledger, clerk, membership: membership.clone(), watcher: watcher.clone() })
    }

    pub(super) async fn follow_for_ever(&self) {
        loop {
            let began = clock::mono();
            if let Err(error) = self.follow().await {
                let error = error_chain::told(&error);
                tracing::warn!(
                    error,
                    "what other cores have changed is not known yet; the next look tries again"
                );
            }
            let took = Duration::from_micros(clock::mono().since(began));
            tokio::time::sleep(LOOK_EVERY.max(took * SHARE)).await;
        }
    }

    async fn follow(&self) -> Result<(), Failure> {
        if !self.ledger.has_others().await? {
            return Ok(());
        }
        self.membership.catch_up().await?;
        self.watcher.watch_new();
        self.clerk.read_queue().await
    }
}
