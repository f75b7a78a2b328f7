//! Scrubbing: the whole store is read once in a while, so that rot is found before somebody needs what has rotted.
//!
//! A start reads for two seconds; this goes on where nobody waits for it, a short part and then a pause that is fifty
//! times as long. A damaged document is set aside as if somebody had come upon it. What is wrong with the file itself is
//! told and not touched: on a disk that fails, mending is for whoever has a copy. Only what was seen is told, and it is
//! taken back only by a round that has seen everything. A crash costs that the next core begins with the first part.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::dependencies::Dependencies;
use super::failure::Failure;
use super::issuer;
use super::ledger::Records;
use super::store::{INDEX_ANEW, StructureFault, VerifyCursor};
use hauki_contract::model::check::Check;
use hauki_contract::model::error_chain;
use hauki_contract::rpc::capability::IssuerKey;
use hauki_contract::system::clock;

/// A start has looked itself, and has others at its heels.
const FIRST: Duration = Duration::from_secs(10);
const EVERY: Duration = Duration::from_secs(3600);
/// Where it could not be read.
const AGAIN: Duration = Duration::from_secs(60);

/// It takes one part in so many of a processor.
const SHARE: u32 = 50;
const PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Trouble {
    Structure(StructureFault),
    Unread(String),
}

pub(super) struct Scrub {
    records: Records,
    issuer: Arc<IssuerKey>,
    known: Mutex<Option<Trouble>>,
}

impl Scrub {
    pub(super) fn new(basis: &Dependencies) -> Arc<Self> {
        let (records, issuer) = (basis.records.clone(), basis.issuer.clone());
        Arc::new(Self { records, issuer, known: Mutex::default() })
    }

    fn known(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn look_for_ever(&self) {
        tokio::time::sleep(FIRST).await;
        loop {
            let pause = match self.round().await {
                Ok(()) => EVERY,
                Err(error) => {
                    self.tell(Trouble::Unread(error_chain::told(&error)));
                    AGAIN
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Once through all of it.
    pub(super) async fn round(&self) -> Result<(), Failure> {
        let (mut from, mut sound) = (VerifyCursor::default(), true);
        loop {
            let began = clock::mono();
            let (fault, next) = self.records.verify(from).await?;
            if let Some(fault) = fault {
                // The first of them; the others are of its kind.
                if std::mem::replace(&mut sound, false) {
                    self.tell(Trouble::Structure(fault));
                }
            }
            let Some(next) = next else { break };
            from = next;
            let took = Duration::from_micros(clock::mono().since(began));
            tokio::time::sleep(PAUSE.max(took * SHARE)).await;
        }
        if sound {
            self.known().take();
        }
        // Whoever found it damaged: another key would pass for the one that signed until somebody has written it anew.
        issuer::sign(&self.records, &self.issuer).await
    }

    /// Once for each that is new.
    fn tell(&self, trouble: Trouble) {
        let mut known = self.known();
        if known.as_ref() == Some(&trouble) {
            return;
        }
        match &trouble {
            Trouble::Structure(StructureFault::Astray { key }) => {
                tracing::error!(record = %key, "the store's index does not fit its records");
            }
            Trouble::Structure(StructureFault::Pages { what }) => {
                tracing::error!(error = what, "pages of the store are damaged");
            }
            Trouble::Unread(error) => tracing::warn!(error, "the store could not be looked through"),
        }
        // That it cannot be read just now takes nothing back.
        if !matches!((&*known, &trouble), (Some(Trouble::Structure(_)), Trouble::Unread(_))) {
            *known = Some(trouble);
        }
    }

    /// With the names of records, or without.
    pub(super) fn finding(&self, with_names: bool) -> Option<Check> {
        Some(match self.known().as_ref()? {
            Trouble::Structure(StructureFault::Astray { key }) => {
                let named = if with_names { format!(": {key}") } else { String::new() };
                Check::fail(
                    format!("the store's index does not fit its records{named}"),
                    format!(
                        "copy the state directory, make a file core/{INDEX_ANEW} in it and restart haukid"
                    ),
                )
            }
            Trouble::Structure(StructureFault::Pages { what }) => Check::fail(
                format!("pages of the store are damaged: {what}"),
                "copy the state directory, and restart haukid: it says the way back",
            ),
            Trouble::Unread(error) => {
                Check::warn(format!("the store could not be looked through: {error}"), "it is tried again")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::InjectedFault;
    use crate::store::{ISSUER, Store as _};
    use crate::tests::{Swarm, spawning, unwatched};

    async fn told(swarm: &Swarm) -> String {
        let found = swarm.core.health().await.expect("tells").findings;
        found.into_iter().map(|check| check.what).collect::<Vec<_>>().join("\n")
    }

    #[tokio::test]
    async fn what_has_rotted_is_found_though_nobody_reads_it() {
        let swarm = unwatched();
        swarm.core.spawn(spawning("k")).await.expect("spawns");
        let summons = swarm.store.list("summons/", None, 1).await.expect("lists").remove(0).key;
        swarm.store.spoil(&summons);
        let scrub = swarm.core.phases().scrub.clone();
        // On a full disk it stays where it is, and is told all the same.
        for fault in [Some(InjectedFault::DiskFull), None] {
            swarm.store.fail_commits(fault);
            assert_eq!(scrub.round().await.is_ok(), fault.is_none());
            let told = told(&swarm).await;
            let expected = format!("1 damaged records of the store were set aside: {summons}");
            assert!(told.contains(&expected), "{told}");
            assert_eq!(swarm.store.get(&summons).await.expect("reads").is_some(), fault.is_some());
        }
    }

    #[tokio::test]
    async fn who_signs_is_written_down_again_where_that_has_rotted() {
        let swarm = unwatched();
        swarm.core.sign().await.expect("is written down");
        let signed = swarm.store.get(ISSUER).await.expect("reads").expect("is there").value;
        swarm.store.spoil(ISSUER);
        swarm.core.phases().scrub.round().await.expect("looks");
        let found = swarm.store.get(ISSUER).await.expect("reads").expect("is there");
        assert!(found.intact && found.value == signed);
        assert!(told(&swarm).await.contains("damaged records of the store were set aside: issuer"));
    }

    /// One that was cut off, or has not seen everything yet, says nothing of the rest.
    #[tokio::test]
    async fn only_a_whole_round_takes_back_what_was_told() {
        let swarm = unwatched();
        swarm.core.spawn(spawning("k")).await.expect("spawns");
        let scrub = swarm.core.phases().scrub.clone();
        scrub.round().await.expect("looks");
        assert!(scrub.finding(true).is_none(), "{:?}", scrub.finding(true));
        swarm.store.break_structure(Some(StructureFault::Astray { key: "vault/x".into() }));
        scrub.round().await.expect("looks");
        let named = "the store's index does not fit its records: vault/x";
        assert!(told(&swarm).await.contains(named));
        assert!(!scrub.finding(false).expect("is told").what.contains("vault/x"), "not to everybody");
        swarm.store.break_structure(None);
        // It has looked at the first part when it is cut off.
        tokio::select! {
            biased;
            _ = scrub.round() => panic!("there is more than one part"),
            () = tokio::time::sleep(PAUSE / 2) => {}
        }
        scrub.tell(Trouble::Unread("it is busy".into()));
        assert!(told(&swarm).await.contains(named));
        scrub.round().await.expect("looks");
        assert!(scrub.finding(true).is_none(), "{:?}", scrub.finding(true));
    }
}
