//! Combined request, `swarm_spawn_ephemeral`: the first three phases in one round trip and one commit.

use std::sync::Arc;

use super::code_distribution::CodeDistribution;
use super::dependencies::Dependencies;
use super::failure::{Failure, NameError, SpawnError};
use super::forge::Forge;
use super::idempotency::{HeldKey, IdempotencyKeys};
use super::ledger::{KeyRecord, Ledger, Paid};
use super::parent::Parent;
use super::quota::SummonsQuota;
use super::registry::NameRegistry;
use super::summon::Summoning;
use super::teardown::Teardown;
use super::ticket::{Tickets, check_methods, check_terms, opening, unsigned};
use hauki_contract::api::event::Happening;
use hauki_contract::api::registry::{ResolveRequest, Resolved};
use hauki_contract::api::summons::{SpawnRequest, Spawned};
use hauki_contract::api::vault::TicketWishes;
use hauki_contract::model::death::Cause;
use hauki_contract::model::error_chain;
use hauki_contract::model::name::ServiceName;
use hauki_contract::step;
use hauki_contract::system::clock;

/// Whose a vault becomes, and who alone may be its owner if it is there already.
type Users = (Option<u32>, Option<u32>);

pub(super) struct Spawning {
    ledger: Ledger,
    quota: Arc<SummonsQuota>,
    keys: Arc<IdempotencyKeys>,
    travel: Arc<CodeDistribution>,
    summoning: Arc<Summoning>,
    names: Arc<NameRegistry>,
    forge: Arc<Forge>,
    tickets: Arc<Tickets>,
    life: Arc<Teardown>,
}

/// The phases that it is made of.
pub(super) struct SpawnPhases<'a> {
    pub keys: &'a Arc<IdempotencyKeys>,
    pub travel: &'a Arc<CodeDistribution>,
    pub summoning: &'a Arc<Summoning>,
    pub names: &'a Arc<NameRegistry>,
    pub forge: &'a Arc<Forge>,
    pub tickets: &'a Arc<Tickets>,
    pub life: &'a Arc<Teardown>,
}

impl Spawning {
    pub(super) fn new(basis: &Dependencies, steps: &SpawnPhases<'_>) -> Arc<Self> {
        Arc::new(Self {
            ledger: basis.ledger.clone(),
            quota: basis.quota.clone(),
            keys: steps.keys.clone(),
            travel: steps.travel.clone(),
            summoning: steps.summoning.clone(),
            names: steps.names.clone(),
            forge: steps.forge.clone(),
            tickets: steps.tickets.clone(),
            life: steps.life.clone(),
        })
    }

    /// It belongs to `owner`; one that is there already is taken if it is `only`'s.
    pub(super) async fn spawn_for(
        self: &Arc<Self>,
        owner: Option<u32>,
        only: Option<u32>,
        request: SpawnRequest,
    ) -> Result<Spawned, Failure> {
        if request.summons.dry_run {
            return Err(SpawnError::DryRun.into());
        }
        self.spawn_under(request, None, (owner, only)).await
    }

    /// A child is paid for before it is made.
    pub(super) async fn spawn_under(
        self: &Arc<Self>,
        request: SpawnRequest,
        parent: Option<Parent>,
        users: Users,
    ) -> Result<Spawned, Failure> {
        let held = self.keys.hold_key("spawn", &request).await?;
        if let Some(earlier) = &held.earlier {
            return self.spawned_again(earlier, &request.ticket).await;
        }
        let Some(parent) = parent else { return self.create(&held, request, None, users).await };
        let paid = self.ledger.spend(parent.id(), &held.document, held.expect).await?;
        let made = self.create(&held, request, Some((&parent, &paid)), users).await;
        if !made.as_ref().is_ok_and(|made| made.changed) {
            self.give_back(&held, &paid).await;
        }
        made
    }

    /// Nothing was made of it. If it was, the loan went with the record of the child.
    async fn give_back(&self, held: &HeldKey, paid: &Paid) {
        if let Err(error) = self.ledger.repay(paid).await {
            tracing::warn!(key = %held.document, error = error_chain::told(&error), "a budget is spent until the next comparison");
        }
    }

    async fn create(
        self: &Arc<Self>,
        held: &HeldKey,
        request: SpawnRequest,
        family: Option<(&Parent, &Paid)>,
        (owner, only): Users,
    ) -> Result<Spawned, Failure> {
        let (parent, paid) = family.unzip();
        let SpawnRequest { summons, placement, ticket: wishes, get_or_create } = request;
        check_terms(&wishes)?;
        let name = summons.name.clone();
        let least = parent.map(Parent::wishes).unwrap_or_default();
        let mut drafted = step!("draft", self.summoning.draft(summons, least)).await?;
        drafted.summons.owner = owner;
        parent.map(|parent| parent.adopt(&mut drafted)).transpose()?;
        self.quota.refuse_hoard(drafted.summons.owner, || drafted.bytes()).await?;
        let _turn = self.names.turn(name.as_ref()).await;
        match (&name, get_or_create) {
            (None, true) => {
                return Err(SpawnError::Nameless.into());
            }
            (Some(name), true) => {
                if let Some(there) = self.spawned_before(name, only, &wishes).await? {
                    return Ok(there);
                }
            }
            (name, false) => self.names.refuse_taken(name.as_ref()).await?,
        }
        let mut forged = self.forge.forge(&drafted, &placement, Some(&opening(&wishes))).await?;
        check_methods(&wishes, &forged.vault().methods)?;
        let unopened = || SpawnError::Unopened { node: forged.record.vault().node.clone() };
        let opened = forged.opened.take().ok_or_else(unopened)?;
        let ticket = unsigned(forged.vault(), &wishes, opened);
        forged.record.opened(ticket.endpoint.clone())?;

        let record = KeyRecord {
            digest: held.digest,
            at: clock::now(),
            summons: drafted.summons.id.clone(),
            vault: Some(forged.vault().id.clone()),
            ticket: Some(ticket.clone()),
            spool: None,
            apart: true,
        };
        let posting = held.record_in(drafted.posting()?, &record)?;
        let posting = match paid {
            Some(paid) => posting.paid(paid),
            None => posting,
        };
        let news = vec![
            drafted.happening(),
            forged.happening(),
            Happening::Ticketed { vault: ticket.vault.clone(), ticket: ticket.id.clone() },
        ];
        let vault = forged.vault().clone();
        let signing = async {
            // The commit is on its way to the disk when it has been asked for once.
            tokio::task::yield_now().await;
            self.tickets.signed(ticket, &wishes)
        };
        self.quota.count(&drafted.summons.id, drafted.summons.owner, || drafted.bytes());
        let (recorded, ticket) = tokio::join!(self.forge.record(forged, posting, news), signing);
        if recorded.is_err() {
            self.quota.remove(&drafted.summons.id);
        }
        match (recorded, name) {
            (Ok(()), _) => {
                let ticket = match ticket {
                    Ok(ticket) => ticket,
                    Err(error) => {
                        // Nobody can ever use it.
                        let by = Some("core".into());
                        return Err(self
                            .life
                            .end(&vault, Cause::Cancelled, by, 0)
                            .await
                            .err()
                            .unwrap_or(error));
                    }
                };
                self.travel.send_ahead(&drafted.summons, &drafted.source);
                Ok(Spawned { summons: drafted.summons, vault, ticket, changed: true })
            }
            // One whose caller went away was being recorded when we looked.
            (Err(error), Some(name)) if get_or_create && is_taken(&error) => {
                self.spawned_before(&name, only, &wishes).await?.ok_or(error)
            }
            (Err(error), _) => Err(error),
        }
    }

    /// The live worker of the name, with a fresh ticket to it.
    async fn spawned_before(
        &self,
        name: &ServiceName,
        only: Option<u32>,
        wishes: &TicketWishes,
    ) -> Result<Option<Spawned>, Failure> {
        let request = ResolveRequest { name: name.clone(), ticket: Some(wishes.clone()) };
        let (vault, ticket) = match self.names.resolve_own(only, request).await {
            Ok(Resolved { vault, ticket: Some(ticket), .. }) => (vault, ticket),
            Ok(Resolved { ticket: None, .. }) => {
                return Err(SpawnError::Unminted.into());
            }
            Err(error) if error.is_absence() => return Ok(None),
            Err(error) => return Err(error),
        };
        let summons = self.summoning.summons_again(&vault.summons).await?;
        Ok(Some(Spawned { summons, vault, ticket, changed: false }))
    }

    async fn spawned_again(&self, earlier: &KeyRecord, wishes: &TicketWishes) -> Result<Spawned, Failure> {
        let vault = self.forge.vault_again(earlier).await?;
        let ticket = earlier.ticket.clone().ok_or(SpawnError::NoTicket)?;
        // Earlier versions kept it with its token.
        let kept = !ticket.auth.token.reveal().is_empty();
        let ticket = if kept { ticket } else { self.tickets.signed(ticket, wishes)? };
        let summons = self.summoning.summons_again(&earlier.summons).await?;
        Ok(Spawned { summons, vault, ticket, changed: false })
    }
}

fn is_taken(error: &Failure) -> bool {
    matches!(error, Failure::Name(NameError::Taken { .. }))
}
