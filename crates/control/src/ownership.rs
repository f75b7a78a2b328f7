//! Ownership: a user who may use the socket sees and ends what is their own; administrators all.
//!
//! What a request is about (an id in its path or its body) is judged here, against the owner in the record. What is
//! others' is answered as if it were not there, because that it is there is theirs to tell. A vault belongs to
//! whose summons it was made of, a child to whose its parent is; what has no owner is an administrator's.

use std::collections::HashMap;
use std::sync::Arc;

use super::authorization::Rights;
use super::dependencies::Dependencies;
use super::failure::{Failure, VaultError};
use super::idempotency::IdempotencyKeys;
use super::ledger::{Ledger, Records, VaultRecord, tomb_key, vault_key};
use super::summon::Summoning;
use super::vaults::Vaults;
use hauki_contract::api::event::Event;
use hauki_contract::api::vault::ProvisionRequest;
use hauki_contract::model::id::{SummonsId, VaultId};

pub(super) struct Owners {
    records: Records,
    ledger: Ledger,
    vaults: Arc<Vaults>,
    keys: Arc<IdempotencyKeys>,
    summoning: Arc<Summoning>,
}

impl Owners {
    pub(super) fn new(
        basis: &Dependencies,
        vaults: &Arc<Vaults>,
        keys: &Arc<IdempotencyKeys>,
        summoning: &Arc<Summoning>,
    ) -> Arc<Self> {
        let (records, ledger) = (basis.records.clone(), basis.ledger.clone());
        let (vaults, keys, summoning) = (vaults.clone(), keys.clone(), summoning.clone());
        Arc::new(Self { records, ledger, vaults, keys, summoning })
    }

    /// Of a vault that is not there, whoever asks for it says so.
    pub(super) async fn own_vault(&self, rights: Rights, id: &VaultId) -> Result<(), Failure> {
        if rights == Rights::All {
            return Ok(());
        }
        let found = match self.vaults.vault_record(id).await {
            Ok(found) => found.ok_or_else(|| unknown(id))?,
            // Whose it was cannot be told any more.
            Err(error) if error.is_death() => return Err(unknown(id)),
            Err(error) => return Err(error),
        };
        match rights.own(found.value.vault().owner) {
            true => Ok(()),
            false => Err(unknown(id)),
        }
    }

    pub(super) async fn own_summons(&self, rights: Rights, id: &SummonsId) -> Result<(), Failure> {
        match rights == Rights::All || rights.own(self.summoning.summons_again(id).await?.owner) {
            true => Ok(()),
            false => Err(super::summon::no_summons(id)),
        }
    }

    /// Of what a request is to be made again, though that is of before there were owners.
    pub(super) async fn own_summons_of(
        &self,
        rights: Rights,
        request: &ProvisionRequest,
    ) -> Result<(), Failure> {
        match self.keys.before_owners("provision", request).await? {
            Some(_) => Ok(()),
            None => self.own_summons(rights, &request.summons).await,
        }
    }

    /// Whether an event may be told; `known` keeps whose each vault is.
    pub(super) async fn may_hear(
        &self,
        rights: Rights,
        known: &mut HashMap<VaultId, Option<u32>>,
        event: &Event,
    ) -> bool {
        /// Beyond this it is asked again.
        const KNOWN: usize = 4096;
        let Some(vault) = event.what.vault().filter(|_| rights != Rights::All) else {
            return rights == Rights::All || event.what.is_of_nobody();
        };
        if let Some(owner) = known.get(vault) {
            return rights.own(*owner);
        }
        // It is recorded in the moment in which it is no longer noted, so one of the looks finds it. What it prints while it is
        // made is told before.
        let noted = self.ledger.noted(vault).await.ok().flatten();
        let mut owner = noted.map(|forging| forging.owner);
        for key in [vault_key(vault), tomb_key(vault)] {
            if owner.is_none()
                && let Ok(Some(found)) = self.records.find::<VaultRecord>(&key).await
            {
                owner = Some(found.value.vault().owner);
            }
        }
        // Of nobody known is not for ever.
        let Some(owner) = owner else { return false };
        if known.len() >= KNOWN {
            known.clear();
        }
        known.insert(vault.clone(), owner);
        rights.own(owner)
    }
}

fn unknown(id: &VaultId) -> Failure {
    VaultError::Unknown { vault: id.clone() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_node::FakeCall;
    use crate::tests::{Swarm, event, spawning, swarm};
    use hauki_contract::api::event::Happening;
    use hauki_contract::system::random;

    /// What `create()` prints is told before there is a record.
    #[tokio::test]
    async fn a_vault_is_its_owners_before_it_is_recorded() {
        let Swarm { core, node, .. } = swarm();
        node.hold(Some(FakeCall::Open));
        let spawning = tokio::spawn({
            let core = core.clone();
            async move { core.spawn_for(Some(1000), Some(1000), spawning("k")).await }
        });
        node.somebody_waits().await;
        let vault = node.living().remove(0);
        core.basis().events.tell(Happening::Log { vault: vault.clone(), text: "early".into() });
        let early = event(&core, |event| event.what.vault() == Some(&vault)).await;
        let (mut of_ann, mut of_bob) = (HashMap::new(), HashMap::new());
        assert!(core.phases().owners.may_hear(Rights::Of(1000), &mut of_ann, &early).await);
        assert!(!core.phases().owners.may_hear(Rights::Of(1001), &mut of_bob, &early).await);
        node.hold(None);
        spawning.await.expect("ends").expect("spawns");
        assert!(core.phases().owners.may_hear(Rights::Of(1000), &mut HashMap::new(), &early).await);
        assert!(!core.phases().owners.may_hear(Rights::Of(1001), &mut HashMap::new(), &early).await);

        // Whose it is is not known for ever as long as it is not known at all.
        let unknown = random::vault_id();
        core.basis().events.tell(Happening::Log { vault: unknown.clone(), text: "whose?".into() });
        let told = event(&core, |event| event.what.vault() == Some(&unknown)).await;
        assert!(!core.phases().owners.may_hear(Rights::Of(1000), &mut of_ann, &told).await);
        assert!(!of_ann.contains_key(&unknown));
    }
}
