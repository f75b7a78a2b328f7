//! Polling: what other cores on this store have changed, taken over once in a while.
//!
//! What they write is in the store at once, and whoever decides something holds it against the store. What this core
//! remembers of it is behind until it looks: the queue, which nodes there are, and what was set aside; and who watches names here hears no event of theirs. A core that is alone, as
//! today's are, reads one short list a second and nothing else. Whoever changes which nodes there are, this sees to it that each
//! is linked and watched. Nothing is owned here, and a crash leaves nothing.

use std::sync::Arc;
use std::time::Duration;

use super::dependencies::Dependencies;
use super::failure::Failure;
use super::ledger::{Ledger, Records};
use super::membership::Membership;
use super::outage::Outage;
use super::registry::NameRegistry;
use super::spool_worker::SpoolProcessor;
use super::watch::Watcher;
use hauki_contract::model::error_chain;
use hauki_contract::system::clock;

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A look that takes long is rarer: it takes one part in so many of the time.
const SHARE: u32 = 20;

pub(super) struct Neighbours {
    records: Records,
    ledger: Ledger,
    processor: Arc<SpoolProcessor>,
    membership: Arc<Membership>,
    watcher: Arc<Watcher>,
    names: Arc<NameRegistry>,
}

impl Neighbours {
    pub(super) fn new(
        basis: &Dependencies,
        processor: &Arc<SpoolProcessor>,
        membership: &Arc<Membership>,
        watcher: &Arc<Watcher>,
        names: &Arc<NameRegistry>,
    ) -> Arc<Self> {
        let (records, ledger, processor) = (basis.records.clone(), basis.ledger.clone(), processor.clone());
        let (membership, watcher, names) = (membership.clone(), watcher.clone(), names.clone());
        Arc::new(Self { records, ledger, processor, membership, watcher, names })
    }

    pub(super) async fn follow_for_ever(&self) {
        let mut outage = Outage::default();
        loop {
            let began = clock::mono();
            self.look(&mut outage).await;
            let took = Duration::from_micros(clock::mono().since(began));
            tokio::time::sleep(LOOK_EVERY.max(took * SHARE)).await;
        }
    }

    async fn look(&self, outage: &mut Outage) {
        match self.follow().await {
            Ok(()) if outage.is_over() => tracing::info!("what other cores have changed is known again"),
            Err(error) if outage.begins() => {
                let error = error_chain::told(&error);
                tracing::warn!(
                    error,
                    "what other cores have changed is not known; it is looked for until it is"
                );
            }
            Ok(()) | Err(_) => {}
        }
    }

    pub(super) async fn follow(&self) -> Result<(), Failure> {
        self.membership.reach_again().await;
        self.watcher.watch_new();
        if !self.ledger.has_others().await? {
            return Ok(());
        }
        self.records.look_aside().await?;
        self.membership.catch_up().await?;
        self.watcher.watch_new();
        self.names.look_again();
        self.processor.read_queue().await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;
    use crate::store::memory::InjectedFault;
    use crate::tests::{Swarm, unwatched};

    /// Counts what this module says.
    #[derive(Clone, Default)]
    struct Said(Arc<AtomicUsize>);

    impl Subscriber for Said {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target().ends_with("::neighbours")
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[tokio::test]
    async fn a_store_that_fails_is_told_when_it_begins_to_and_when_it_is_over() {
        let Swarm { core, store, .. } = unwatched();
        let said = Said::default();
        let _here = tracing::subscriber::set_default(said.clone());
        let (neighbours, mut outage) = (&core.phases().neighbours, Outage::default());
        for (failure, looks, expected) in [
            (None, 2, 0),
            (Some(InjectedFault::Stopped), 3, 1),
            (None, 2, 2),
            (Some(InjectedFault::Stopped), 2, 3),
        ] {
            store.fail_listings(failure);
            for _ in 0..looks {
                neighbours.look(&mut outage).await;
            }
            assert_eq!(said.0.load(Ordering::Relaxed), expected);
        }
    }
}
