//! Phase 3: the node opens the vault's port, and the core signs what the caller may do there.

use super::nodes::Slot;
use super::record::{VaultRecord, encode, no_vault, vault_key};
use super::service::Core;
use super::store::{Expect, Outcome, Txn};
use crate::api::event::Happening;
use crate::api::node::{OpenOrder, Opened};
use crate::api::vault::{TicketRequest, TicketWishes, Vault};
use crate::api::{ApiError, ErrorCode};
use crate::model::phase::{Event, transition};
use crate::model::ticket::{
    ALL_METHODS, Auth, Endpoint, LeaseTerms, Protocol, Ticket, TicketKind, Tls, VERSION,
};
use crate::rpc::capability::Grant;
use crate::rpc::reserved;
use crate::system::{clock, random};

const MAX_TICKET_LABEL: usize = 128;

impl Core {
    pub async fn ticket(&self, request: TicketRequest) -> Result<Ticket, ApiError> {
        let TicketRequest { vault: id, wishes } = request;
        let found = self.records.vault(&id).await?.ok_or_else(|| no_vault(&id))?;
        if let Some(receipt) = found.value.vault.receipt {
            return Err(ApiError::vault_dead(receipt));
        }
        let vault = found.value.vault;
        let slot = self.slot(&vault.node)?;
        let (ticket, endpoint) = match self.open(&slot, &vault, &wishes).await {
            Ok(opened) => opened,
            Err(error) => return Err(self.learn(&vault, error).await),
        };
        self.note_ticketed(&vault, &endpoint).await?;
        self.events.tell(Happening::Ticketed { vault: id, ticket: ticket.id.clone() });
        Ok(ticket)
    }

    /// Opens the port and mints; records nothing.
    pub(super) async fn open(
        &self,
        slot: &Slot,
        vault: &Vault,
        wishes: &TicketWishes,
    ) -> Result<(Ticket, Endpoint), ApiError> {
        check_wishes(wishes, &vault.methods)?;
        let order = OpenOrder {
            vault: vault.id.clone(),
            generation: vault.generation,
            lease_ms: wishes.lease_ms,
            link: wishes.link,
        };
        let opened = slot.api.open(order).await?;
        let endpoint = Endpoint { ip: opened.ip, port: opened.port };
        Ok((self.mint(vault, wishes, opened)?, endpoint))
    }

    fn mint(&self, vault: &Vault, wishes: &TicketWishes, opened: Opened) -> Result<Ticket, ApiError> {
        let id = random::ticket_id();
        let issued_at = clock::now();
        let life_ms = wishes.expires_ms.unwrap_or(u64::MAX).min(opened.life_left_ms);
        let life = jiff::SignedDuration::from_millis(i64::try_from(life_ms).unwrap_or(i64::MAX));
        let expires_at = issued_at.saturating_add(life).unwrap_or(jiff::Timestamp::MAX);
        let everything = [ALL_METHODS.to_owned()];
        let rights = if wishes.methods.is_empty() { &everything[..] } else { &wishes.methods[..] };
        let Opened {
            ip,
            port,
            cert_sha256,
            key_sha256,
            methods,
            terms,
            max_frame_bytes,
            call_deadline_ms,
            ..
        } = opened;
        let endpoint = Endpoint { ip, port };
        let grant = Grant {
            vault: &vault.id,
            ticket: &id,
            generation: vault.generation,
            node: &vault.node,
            methods: rights,
            label: wishes.label.as_deref(),
            endpoint: &endpoint,
            cert_sha256: &cert_sha256,
            expires_at,
        };
        let token = self
            .issuer
            .mint(&grant)
            .map_err(|error| ApiError::new(ErrorCode::Internal, format!("mint a ticket: {error}")))?;
        Ok(Ticket {
            v: VERSION,
            kind: TicketKind::Ticket,
            id,
            vault: vault.id.clone(),
            generation: vault.generation,
            node: vault.node.clone(),
            worker: vault.worker.clone(),
            endpoint,
            tls: Tls { version: "1.3".into(), cert_sha256, key_sha256 },
            auth: Auth { scheme: "biscuit".into(), token },
            protocol: Protocol::new(max_frame_bytes, call_deadline_ms),
            methods: if wishes.methods.is_empty() { methods } else { wishes.methods.clone() },
            lease: LeaseTerms {
                claim_ms: terms.claim_ms,
                lease_ms: terms.lease_ms,
                link: terms.link,
                link_silence_ms: terms.link_silence_ms,
            },
            issued_at,
            expires_at,
        })
    }

    /// Writes the phase and the port down, unless the record says so already.
    async fn note_ticketed(&self, vault: &Vault, endpoint: &Endpoint) -> Result<(), ApiError> {
        let key = vault_key(&vault.id);
        while let Some(mut found) = self.records.get::<VaultRecord>(&key).await? {
            let known = &mut found.value.vault;
            let phase = transition(known.phase, Event::TicketOpened)
                .map_err(|refused| ApiError::new(ErrorCode::Conflict, refused.to_string()))?;
            if known.phase == phase && known.endpoint.as_ref() == Some(endpoint) {
                return Ok(());
            }
            (known.phase, known.endpoint) = (phase, Some(endpoint.clone()));
            let txn = Txn::default()
                .check(key.as_str(), Expect::At(found.revision))
                .put(key.as_str(), encode(&found.value)?);
            if let Outcome::Committed { .. } = self.records.commit(txn).await? {
                return Ok(());
            }
        }
        // It died between the opening and now.
        let found = self.records.vault(&vault.id).await?.ok_or_else(|| no_vault(&vault.id))?;
        Err(match found.value.vault.receipt {
            Some(receipt) => ApiError::vault_dead(receipt),
            None => ApiError::new(ErrorCode::Temporary, format!("{} is changing: try again", vault.id)),
        })
    }
}

fn check_wishes(wishes: &TicketWishes, methods: &[String]) -> Result<(), ApiError> {
    let bad = |message: String| ApiError::new(ErrorCode::BadRequest, message);
    let grantable = |method: &String| methods.contains(method) || method == reserved::DESTRUCT;
    if let Some(method) = wishes.methods.iter().find(|method| !grantable(method)) {
        return Err(bad(format!("the worker has no public method {method:?}")).hint(format!(
            "it has: {}; {} can be granted too",
            methods.join(", "),
            reserved::DESTRUCT
        )));
    }
    if wishes.expires_ms == Some(0) {
        return Err(bad("a ticket cannot expire after 0 ms".into()));
    }
    if wishes
        .label
        .as_ref()
        .is_some_and(|label| label.len() > MAX_TICKET_LABEL || label.chars().any(char::is_control))
    {
        return Err(bad(format!(
            "a ticket's label may have {MAX_TICKET_LABEL} bytes and no control characters"
        )));
    }
    if let Some(lease_ms) = wishes.lease_ms {
        let terms = crate::model::lease::Terms { lease_ms, ..Default::default() };
        terms.check().map_err(|error| bad(error.to_string()))?;
    }
    Ok(())
}
