//! `swarm_spawn_ephemeral`: the first three phases in one round trip and one commit.

use std::sync::Arc;

use super::keys::digest;
use super::record::{KeyRecord, encode};
use super::service::Core;
use super::store::Txn;
use crate::api::event::Happening;
use crate::api::summons::{SpawnRequest, Spawned};
use crate::api::{ApiError, ErrorCode};
use crate::model::phase::Phase;
use crate::system::clock;

impl Core {
    pub async fn spawn(self: &Arc<Self>, request: SpawnRequest) -> Result<Spawned, ApiError> {
        if request.summons.dry_run {
            return Err(ApiError::new(ErrorCode::BadRequest, "a spawn cannot be a dry run")
                .hint("summon and provision each have one"));
        }
        let held = self.hold_key("spawn", &request.summons.key, digest(&request)?).await?;
        if let Some(earlier) = &held.earlier {
            return self.spawned_again(earlier).await;
        }
        let SpawnRequest { summons, placement, ticket: wishes } = request;
        let drafted = self.draft(summons).await?;
        let mut forged = self.forge(&drafted, &placement).await?;
        let slot = self.slot(&forged.vault.node)?;
        let (ticket, endpoint) = self.open(slot, &forged.vault, &wishes).await?;
        forged.vault.phase = Phase::Ticketed;
        forged.vault.endpoint = Some(endpoint);

        let record = KeyRecord {
            digest: held.digest,
            at: clock::now(),
            summons: drafted.summons.id.clone(),
            vault: Some(forged.vault.id.clone()),
            ticket: Some(ticket.clone()),
        };
        let txn = Txn::default()
            .check(held.document.as_str(), held.expect)
            .put(held.document.as_str(), encode(&record)?);
        let news = vec![
            drafted.happening(),
            forged.happening(),
            Happening::Ticketed { vault: ticket.vault.clone(), ticket: ticket.id.clone() },
        ];
        let txn = drafted.record_in(txn)?;
        let vault = forged.vault.clone();
        self.record(forged, txn, news).await?;
        Ok(Spawned { summons: drafted.summons, vault, ticket, changed: true })
    }

    async fn spawned_again(&self, earlier: &KeyRecord) -> Result<Spawned, ApiError> {
        let vault = self.vault_again(earlier).await?;
        let ticket = earlier
            .ticket
            .clone()
            .ok_or_else(|| ApiError::new(ErrorCode::Internal, "the key's record holds no ticket"))?;
        let summons = self.summons_again(&earlier.summons).await?;
        Ok(Spawned { summons, vault, ticket, changed: false })
    }
}
