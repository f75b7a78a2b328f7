//! Whose is what: a user who may use the socket sees and ends what is their own; administrators all.
//!
//! Who may ask for what at all is in the one table of endpoints ([`Who`]) and judged before any handler. What a
//! request is about (an id in its path or its body) is judged here, against the owner in the record. What is
//! others' is answered as if it were not there, because that it is there is theirs to tell. A vault belongs to
//! whose summons it was made of, a child to whose its parent is; what has no owner is an administrator's.

use std::collections::HashMap;

use super::ledger::{VaultRecord, no_vault, tomb_key, vault_key};
use super::service::Core;
use hauki_contract::api::endpoints::{ENDPOINTS, Endpoint, Method, Who};
use hauki_contract::api::event::Event;
use hauki_contract::api::peer::Peer;
use hauki_contract::api::vault::ProvisionRequest;
use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::id::{SummonsId, VaultId};

/// What an asker may touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    All,
    /// What this user owns.
    Of(u32),
    /// The kernel said nothing of the peer.
    Nothing,
}

impl Rights {
    pub(super) fn of(peer: Option<&Peer>) -> Self {
        match peer {
            Some(peer) if peer.admin => Self::All,
            Some(peer) => Self::Of(peer.uid),
            None => Self::Nothing,
        }
    }

    pub(super) fn own(self, owner: Option<u32>) -> bool {
        match self {
            Self::All => true,
            Self::Of(uid) => owner == Some(uid),
            Self::Nothing => false,
        }
    }

    /// Only these, if not all.
    pub(super) fn only(self) -> Option<u32> {
        match self {
            Self::All => None,
            Self::Of(uid) => Some(uid),
            // The kernel gives this number to nobody.
            Self::Nothing => Some(u32::MAX),
        }
    }

    /// Users' idempotency keys are apart: the same key of two users is two keys.
    pub(super) fn mark(self, key: &mut String) {
        if let Some(uid) = self.only() {
            *key = format!("{uid}: {key}");
        }
    }

    /// What a user is answered is what he wrote.
    pub(super) fn unmark(self, key: &mut String) {
        if self.only().is_some()
            && let Some(plain) = unmarked(key).map(str::to_owned)
        {
            *key = plain;
        }
    }

    /// As the spool writes it.
    pub(super) fn own_entry(self, owner: &str) -> bool {
        self.only().is_none_or(|uid| queued_by(owner) == Some(uid))
    }
}

/// A key without its mark, if it has one.
pub(super) fn unmarked(key: &str) -> Option<&str> {
    let (uid, key) = key.split_once(": ")?;
    uid.parse::<u32>().is_ok().then_some(key)
}

/// Whose a queued entry is, as the spool writes it.
pub(super) fn queued_by(owner: &str) -> Option<u32> {
    owner.strip_prefix("uid ")?.parse().ok()
}

/// The row of the table.
pub(super) fn endpoint(method: &str, path: &str) -> Option<&'static Endpoint> {
    ENDPOINTS.iter().find(|endpoint| endpoint.path == path && serves(endpoint.method, method))
}

/// Whether the table lets this asker ask.
pub(super) fn judge(rights: Rights, method: &str, path: &str) -> Result<(), ApiError> {
    match (rights, endpoint(method, path).map(|endpoint| endpoint.who)) {
        // An unknown one is refused as such.
        (Rights::All, _) | (_, None) | (Rights::Of(_), Some(Who::User | Who::Owner)) => Ok(()),
        (Rights::Of(_), Some(Who::Admin)) => {
            Err(ApiError::new(ErrorCode::Denied, "this is an administrator's")
                .hint("root may; others are listed in daemon.admin_uids of the configuration"))
        }
        (Rights::Nothing, Some(_)) => Err(ApiError::new(ErrorCode::Denied, "nobody knows who asks")),
    }
}

fn serves(known: Method, asked: &str) -> bool {
    asked.eq_ignore_ascii_case(known.as_str()) || (asked == "HEAD" && known == Method::Get)
}

impl Core {
    /// Of a vault that is not there, whoever asks for it says so.
    pub(super) async fn own_vault(&self, rights: Rights, id: &VaultId) -> Result<(), ApiError> {
        if rights == Rights::All {
            return Ok(());
        }
        let found = match self.vault_record(id).await {
            Ok(found) => found.ok_or_else(|| no_vault(id))?,
            // Whose it was cannot be told any more.
            Err(error) if error.code == ErrorCode::VaultDead => return Err(no_vault(id)),
            Err(error) => return Err(error),
        };
        match rights.own(found.value.vault().owner) {
            true => Ok(()),
            false => Err(no_vault(id)),
        }
    }

    pub(super) async fn own_summons(&self, rights: Rights, id: &SummonsId) -> Result<(), ApiError> {
        match rights == Rights::All || rights.own(self.summons_again(id).await?.owner) {
            true => Ok(()),
            false => Err(super::summon::no_summons(id)),
        }
    }

    /// Of what a request is to be made again, though that is of before there were owners.
    pub(super) async fn own_summons_of(
        &self,
        rights: Rights,
        request: &ProvisionRequest,
    ) -> Result<(), ApiError> {
        match self.before_owners("provision", request).await? {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_node::Call;
    use crate::tests::{Swarm, event, spawning, swarm};
    use hauki_contract::api::event::Happening;
    use hauki_contract::system::random;

    /// What `create()` prints is told before there is a record.
    #[tokio::test]
    async fn a_vault_is_its_owners_before_it_is_recorded() {
        let Swarm { core, node, .. } = swarm();
        node.hold(Some(Call::Open));
        let spawning = tokio::spawn({
            let core = core.clone();
            async move { core.spawn_for(Some(1000), Some(1000), spawning("k")).await }
        });
        node.somebody_waits().await;
        let vault = node.living().remove(0);
        core.events.tell(Happening::Log { vault: vault.clone(), text: "early".into() });
        let early = event(&core, |event| event.what.vault() == Some(&vault)).await;
        let (mut of_ann, mut of_bob) = (HashMap::new(), HashMap::new());
        assert!(core.may_hear(Rights::Of(1000), &mut of_ann, &early).await);
        assert!(!core.may_hear(Rights::Of(1001), &mut of_bob, &early).await);
        node.hold(None);
        spawning.await.expect("ends").expect("spawns");
        assert!(core.may_hear(Rights::Of(1000), &mut HashMap::new(), &early).await);
        assert!(!core.may_hear(Rights::Of(1001), &mut HashMap::new(), &early).await);

        // Whose it is is not known for ever as long as it is not known at all.
        let unknown = random::vault_id();
        core.events.tell(Happening::Log { vault: unknown.clone(), text: "whose?".into() });
        let told = event(&core, |event| event.what.vault() == Some(&unknown)).await;
        assert!(!core.may_hear(Rights::Of(1000), &mut of_ann, &told).await);
        assert!(!of_ann.contains_key(&unknown));
    }

    #[test]
    fn the_table_judges_every_endpoint() {
        for endpoint in ENDPOINTS {
            let judged = |rights| judge(rights, endpoint.method.as_str(), endpoint.path);
            assert!(judged(Rights::All).is_ok() && judged(Rights::Nothing).is_err(), "{}", endpoint.id);
            assert_eq!(judged(Rights::Of(1000)).is_ok(), endpoint.who != Who::Admin, "{}", endpoint.id);
        }
        let admins: Vec<&str> = ENDPOINTS
            .iter()
            .filter(|endpoint| endpoint.who == Who::Admin)
            .map(|endpoint| endpoint.id)
            .collect();
        let known = [
            "push_gem",
            "remove_gem",
            "order_nodes",
            "add_node",
            "remove_node",
            "drain_node",
            "upgrade_node",
        ];
        assert_eq!(admins, known);
    }
}
