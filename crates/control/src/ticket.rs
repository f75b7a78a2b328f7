//! Ticket issuing, phase 3: the node opens the vault's port, and the core signs what the caller may do there.

use std::sync::Arc;

use super::claims::{Claim, Claims};
use super::dependencies::Dependencies;
use super::events::EventLog;
use super::failure::{Failure, TicketError, VaultError};
use super::ledger::Ledger;
use super::node_table::NodeTable;
use super::vaults::Vaults;
use hauki_contract::api::event::Happening;
use hauki_contract::api::node::{NodeApi, OpenOrder, OpenedPort, Opening};
use hauki_contract::api::vault::{TicketRequest, TicketWishes, Vault};
use hauki_contract::model::lease::Promise;
use hauki_contract::model::secret::Secret;
use hauki_contract::model::ticket::{
    ALL_METHODS, Auth, Endpoint, LeaseTerms, Protocol, Ticket, TicketKind, Tls, VERSION,
};
use hauki_contract::rpc::builtin;
use hauki_contract::rpc::capability::{Grant, IssuerKey, check_names};
use hauki_contract::system::{clock, random};

pub(super) struct Tickets {
    vaults: Arc<Vaults>,
    ledger: Ledger,
    node_table: NodeTable,
    issuer: Arc<IssuerKey>,
    claims: Arc<Claims>,
    events: EventLog,
}

impl Tickets {
    pub(super) fn new(basis: &Dependencies, vaults: &Arc<Vaults>) -> Arc<Self> {
        let Dependencies { ledger, node_table, issuer, claims, events, .. } = basis;
        Arc::new(Self {
            vaults: vaults.clone(),
            ledger: ledger.clone(),
            node_table: node_table.clone(),
            issuer: issuer.clone(),
            claims: claims.clone(),
            events: events.clone(),
        })
    }

    pub(super) async fn ticket(&self, request: TicketRequest) -> Result<Ticket, Failure> {
        let TicketRequest { vault: id, wishes } = request;
        let found = self.vaults.vault_record(&id).await?.ok_or(VaultError::Unknown { vault: id.clone() })?;
        let vault = found.value.into_vault();
        if let Some(receipt) = vault.receipt {
            return Err(VaultError::dead(receipt).into());
        }
        check_terms(&wishes)?;
        check_methods(&wishes, &vault.methods)?;
        let slot = self.node_table.slot(&vault.node)?;
        let order = OpenOrder {
            vault: vault.id.clone(),
            generation: vault.generation,
            lease_ms: wishes.lease_ms,
            link: wishes.link,
        };
        let opened = match slot.api.open(order).await {
            Ok(opened) => opened,
            Err(error) => return Err(self.vaults.learn(&vault, error).await),
        };
        let ticket = self.signed(unsigned(&vault, &wishes, opened), &wishes)?;
        self.note_ticketed(&vault, &ticket.endpoint).await?;
        self.events.tell_of(&vault.node, Happening::Ticketed { vault: id, ticket: ticket.id.clone() });
        Ok(ticket)
    }

    /// The ticket with its token, which is the same whenever this is asked of the same ticket and wishes.
    pub(super) fn signed(&self, ticket: Ticket, wishes: &TicketWishes) -> Result<Ticket, Failure> {
        let everything = [ALL_METHODS.to_owned()];
        let grant = Grant {
            vault: &ticket.vault,
            ticket: &ticket.id,
            generation: ticket.generation,
            node: &ticket.node,
            methods: if wishes.methods.is_empty() { &everything } else { &wishes.methods },
            label: wishes.label.as_deref(),
            promise: Promise { lease_ms: Some(ticket.lease.lease_ms), link: Some(ticket.lease.link) },
            endpoint: &ticket.endpoint,
            cert_sha256: &ticket.tls.cert_sha256,
            expires_at: ticket.expires_at,
        };
        let token = self.issuer.mint(&grant).map_err(TicketError::Mint)?;
        Ok(Ticket { auth: Auth { token, ..ticket.auth }, ..ticket })
    }

    /// Writes the phase and the port down, unless the record says so already.
    async fn note_ticketed(&self, vault: &Vault, endpoint: &Endpoint) -> Result<(), Failure> {
        let awaited = || {
            self.claims.lock().insert(vault.id.clone(), Claim::Awaited);
        };
        if self.ledger.open(&vault.id, endpoint, awaited).await? {
            return Ok(());
        }
        // It died between the opening and now.
        self.claims.lock().remove(&vault.id);
        let found = self
            .vaults
            .vault_record(&vault.id)
            .await?
            .ok_or_else(|| VaultError::Unknown { vault: vault.id.clone() })?;
        Err(match found.value.into_vault().receipt {
            Some(receipt) => VaultError::dead(receipt).into(),
            None => TicketError::Changing { vault: vault.id.clone() }.into(),
        })
    }
}

pub(super) fn opening(wishes: &TicketWishes) -> Opening {
    Opening { lease_ms: wishes.lease_ms, link: wishes.link }
}

/// A new ticket to an open port, without its token. What was ordered is written as it was ordered, whatever the
/// node says of it; its own are where the port is, and how the lease stands.
pub(super) fn unsigned(vault: &Vault, wishes: &TicketWishes, opened: OpenedPort) -> Ticket {
    let issued_at = clock::now();
    let life_ms = wishes.expires_ms.unwrap_or(u64::MAX).min(opened.life_left_ms).min(vault.terms.lifetime_ms);
    let life = jiff::SignedDuration::from_millis(i64::try_from(life_ms).unwrap_or(i64::MAX));
    let expires_at = issued_at.saturating_add(life).unwrap_or(jiff::Timestamp::MAX);
    let OpenedPort { cert_sha256, key_sha256, terms, .. } = opened;
    Ticket {
        v: VERSION,
        kind: TicketKind::Ticket,
        id: random::ticket_id(),
        vault: vault.id.clone(),
        generation: vault.generation,
        node: vault.node.clone(),
        worker: vault.worker.clone(),
        endpoint: Endpoint { ip: opened.ip, port: opened.port },
        tls: Tls { version: "1.3".into(), cert_sha256, key_sha256 },
        auth: Auth { scheme: "biscuit".into(), token: Secret::default() },
        protocol: Protocol::new(vault.limits.max_frame_bytes, vault.limits.call_deadline_ms),
        methods: if wishes.methods.is_empty() { vault.methods.clone() } else { wishes.methods.clone() },
        lease: LeaseTerms {
            claim_ms: vault.terms.claim_ms,
            lease_ms: terms.lease_ms,
            link: terms.link,
            link_silence_ms: vault.terms.link_silence_ms,
        },
        issued_at,
        expires_at,
    }
}

pub(super) fn check_methods(wishes: &TicketWishes, methods: &[String]) -> Result<(), Failure> {
    check_listed(wishes)?;
    let grantable =
        |method: &String| methods.contains(method) || builtin::GRANTABLE.contains(&method.as_str());
    if let Some(method) = wishes.methods.iter().find(|method| !grantable(method)) {
        let (method, methods) = (method.clone(), methods.to_vec());
        return Err(TicketError::NoMethod { method, methods }.into());
    }
    Ok(())
}

fn check_listed(wishes: &TicketWishes) -> Result<(), Failure> {
    Ok(check_names(&wishes.methods).map_err(TicketError::Names)?)
}

/// What can be told before there is a worker.
pub(super) fn check_terms(wishes: &TicketWishes) -> Result<(), Failure> {
    check_listed(wishes)?;
    Ok(wishes.check()?)
}
