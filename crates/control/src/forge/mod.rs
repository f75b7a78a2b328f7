//! Provisioning, phase 2: a node is chosen, provisions the vault, and loads the code.
//!
//! From the order to the node until the record is in the store, a [`ForgeGuard`] holds the vault: dropped, it
//! destroys it, and nothing is recorded. The commit itself is not given up half way: it runs in its
//! own task, and once it has begun the vault is either recorded and lives under its claim lease, or
//! it is destroyed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, OwnedMutexGuard};

use super::admission::Admission;
use super::claims::{Claim, Claims};
use super::code_distribution::CodeDistribution;
use super::dependencies::Dependencies;
use super::events::EventLog;
use super::failure::{Failure, ForgeError, KeyError, NameError, VaultError};
use super::idempotency::{IdempotencyKeys, check_key};
use super::ledger::{AntiAffinity, GENERATION, KeyRecord, Ledger, Made, Noted, Posting, VaultRecord};
use super::membership::Membership;
use super::metrics::Metrics;
use super::node_table::NodeTable;
use super::nodes::NodeSlot;
use super::placement::{Placing, check_wished};
use super::registry::NameRegistry;
use super::scheduler::PlacementError;
use super::secrets::UserSecrets;
use super::spool::SpoolApi;
use super::store::Expect;
use super::summon::{Drafted, Summoning};
use super::vaults::Vaults;
use hauki_contract::api::event::Happening;
use hauki_contract::api::node::{OpenedPort, Opening, ProvisionOrder, Provisioned};
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::vault::{NodeScore, Placement, ProvisionRequest, Vault};
use hauki_contract::model::id::VaultId;
use hauki_contract::model::phase::Phase;
use hauki_contract::model::secret::Secret;
use hauki_contract::model::secret_use::GrantedSecret;
use hauki_contract::rpc::capability::IssuerKey;
use hauki_contract::step;
use hauki_contract::system::clock;
use hauki_contract::system::tasks::{self, TaskKind};

mod guard;
mod representation;

use guard::ForgeGuard;
use representation::{built, planned};

/// Beyond the worker's own call deadline, which bounds `create`.
const FORGE_DEADLINE: Duration = Duration::from_secs(30);

/// How far the calendars of two nodes may be apart.
const CLOCK_SKEW: Duration = Duration::from_secs(3600);

/// A forged vault, held until it is recorded.
pub(super) struct Forged {
    pub record: VaultRecord,
    /// If the forge was told to open it.
    pub opened: Option<OpenedPort>,
    forging: ForgeGuard,
    noted: Noted,
    /// Held until it is recorded, for those that are to stay apart from it.
    turns: Vec<OwnedMutexGuard<()>>,
    /// As the store had those when it was looked where they are.
    apart: AntiAffinity,
}

impl Forged {
    pub(super) fn vault(&self) -> &Vault {
        self.record.vault()
    }

    pub(super) fn happening(&self) -> Happening {
        let vault = self.vault();
        Happening::Forged {
            vault: vault.id.clone(),
            node: vault.node.clone(),
            worker: vault.worker.name.clone(),
            forged_us: vault.forged_us,
        }
    }
}

pub(super) struct Forge {
    node_table: NodeTable,
    ledger: Ledger,
    issuer: Arc<IssuerKey>,
    claims: Arc<Claims>,
    events: EventLog,
    metrics: Arc<Metrics>,
    admission: Arc<Admission>,
    orphans: Arc<Notify>,
    keys: Arc<IdempotencyKeys>,
    vaults: Arc<Vaults>,
    names: Arc<NameRegistry>,
    placing: Arc<Placing>,
    travel: Arc<CodeDistribution>,
    summoning: Arc<Summoning>,
    membership: Arc<Membership>,
    secrets: Arc<UserSecrets>,
    /// Where a key's vault may still wait.
    spool_api: Arc<SpoolApi>,
}

/// The phases that a forging needs.
pub(super) struct Before<'a> {
    pub keys: &'a Arc<IdempotencyKeys>,
    pub vaults: &'a Arc<Vaults>,
    pub names: &'a Arc<NameRegistry>,
    pub placing: &'a Arc<Placing>,
    pub travel: &'a Arc<CodeDistribution>,
    pub summoning: &'a Arc<Summoning>,
    pub membership: &'a Arc<Membership>,
    pub secrets: &'a Arc<UserSecrets>,
    pub spool_api: &'a Arc<SpoolApi>,
}

impl Forge {
    pub(super) fn new(basis: &Dependencies, before: &Before<'_>) -> Arc<Self> {
        Arc::new(Self {
            node_table: basis.node_table.clone(),
            ledger: basis.ledger.clone(),
            issuer: basis.issuer.clone(),
            claims: basis.claims.clone(),
            events: basis.events.clone(),
            metrics: basis.metrics.clone(),
            admission: basis.admission.clone(),
            orphans: basis.orphans.clone(),
            keys: before.keys.clone(),
            vaults: before.vaults.clone(),
            names: before.names.clone(),
            placing: before.placing.clone(),
            travel: before.travel.clone(),
            summoning: before.summoning.clone(),
            membership: before.membership.clone(),
            secrets: before.secrets.clone(),
            spool_api: before.spool_api.clone(),
        })
    }

    pub(super) async fn provision(self: &Arc<Self>, request: ProvisionRequest) -> Result<Vault, Failure> {
        if request.dry_run {
            check_key(&request.key)?;
            let drafted = self.summoning.recorded(&request.summons).await?;
            let memory_bytes = drafted.summons.limits.footprint_bytes();
            let code = Some(drafted.summons.worker.sha256);
            let scores = self.placing.field(&request.placement, memory_bytes, code).await?.explain();
            return planned(&drafted, scores);
        }
        let held = self.keys.hold_key("provision", &request).await?;
        if let Some(earlier) = &held.earlier {
            return self.vault_again(earlier).await;
        }
        let drafted = self.summoning.recorded(&request.summons).await?;
        let _turn = self.names.turn(drafted.summons.name.as_ref()).await;
        self.names.refuse_taken(drafted.summons.name.as_ref()).await?;
        let forged = self.forge(&drafted, &request.placement, None).await?;
        let record = KeyRecord {
            digest: held.digest,
            at: clock::now(),
            summons: request.summons,
            vault: Some(forged.vault().id.clone()),
            ticket: None,
            spool: None,
            apart: true,
        };
        let posting = held.record_in(Posting::default(), &record)?;
        let vault = forged.vault().clone();
        let news = vec![forged.happening()];
        self.record(forged, posting, news).await?;
        Ok(vault)
    }

    /// What a key's vault is now: everything asked of a dead one is answered with its tombstone.
    pub(super) async fn vault_again(&self, earlier: &KeyRecord) -> Result<Vault, Failure> {
        let id = match (&earlier.vault, &earlier.spool) {
            (Some(vault), _) => vault.clone(),
            (None, Some(entry)) => self.spool_api.unspooled(entry).await?,
            (None, None) => return Err(ForgeError::NoVault.into()),
        };
        let Some(found) = self.vaults.vault_record(&id).await? else {
            return Err(VaultError::Forgotten { vault: id }.into());
        };
        match found.value.vault().receipt.clone() {
            Some(receipt) => Err(VaultError::dead(receipt).into()),
            None => {
                self.vaults.confirm(&found.value).await?;
                Ok(Vault { changed: false, ..found.value.into_vault() })
            }
        }
    }

    /// Tries the nodes from the best on; one that is full or silent after all passes it on.
    pub(super) async fn forge(
        self: &Arc<Self>,
        drafted: &Drafted,
        wish: &Placement,
        opening: Option<&Opening>,
    ) -> Result<Forged, Failure> {
        self.admission.refuse_while_draining()?;
        check_wished(wish)?;
        let Drafted { summons, .. } = drafted;
        let secrets = self.secrets.granted(summons.owner, &summons.limits.secrets).await?;
        let (turns, apart) = self.placing.apart(wish).await?;
        let memory_bytes = drafted.summons.limits.footprint_bytes();
        let code = Some(drafted.summons.worker.sha256);
        // Before the look, so that it never says more than was seen.
        let mut membership = self.node_table.number().unwrap_or(Expect::Absent);
        let mut field = step!("place", self.placing.field(wish, memory_bytes, code)).await?;
        let mut tried: Vec<NodeScore> = Vec::new();
        let mut passing = None;
        while let Some(name) = field.best() {
            let slot = self.node_table.slot(&name)?;
            let mut score = field.score(&name).into_iter();
            let forging = ForgeGuard::begin(self, &slot, &drafted.summons);
            // Signing takes about as long as noting, and waits for nobody.
            let vouching = async { self.vouch(&forging.vault, drafted.summons.terms.lifetime_ms) };
            let noting = async { tokio::join!(forging.note(&drafted.summons, membership), vouching) };
            let (noted, voucher) = step!("note", noting).await;
            let (Some(noted), voucher) = (noted?, voucher?) else {
                forging.unnoted();
                membership = self.membership.catch_up().await?;
                field = self.placing.field(wish, memory_bytes, code).await?;
                let refused = tried.iter().filter_map(|score| Some((&score.node, score.refused.clone()?)));
                refused.for_each(|(node, why)| field.refuse(node, why));
                continue;
            };
            let ordering = self.order(&slot, &forging.vault, drafted, opening, (voucher, secrets.clone()));
            let refused = match step!("order", ordering).await {
                Ok(mut provisioned) => {
                    tried.extend(score);
                    let opened = provisioned.opened.take();
                    let (id, warm) = (forging.vault.clone(), provisioned.warm);
                    let vault = built(drafted, id, name, provisioned, tried);
                    let boot_id = slot.boot_id().unwrap_or_default();
                    self.metrics.forged(vault.forged_us, warm);
                    let record = VaultRecord::loaded(vault, boot_id)?;
                    return Ok(Forged { record, opened, forging, noted, turns, apart });
                }
                Err(error) => match error.fault {
                    // The node itself says that it made nothing and has no room: the next one.
                    NodeFault::Full | NodeFault::Draining => {
                        forging.undone().await;
                        // A node that drains because the whole daemon does is not full.
                        self.admission.refuse_while_draining()?;
                        error.message
                    }
                    // It fell silent. What it may have made has an id that nobody will hear of, and
                    // dropping `forging` destroys it as soon as the node can be reached.
                    NodeFault::Silent | NodeFault::Barred => {
                        slot.gave_none(&error);
                        passing.insert(error).message.clone()
                    }
                    // It has answered, and another may do better.
                    NodeFault::Failed | NodeFault::NotYet | NodeFault::Disbelieved => {
                        passing.insert(error).message.clone()
                    }
                    // A worker that failed was undone by its node.
                    NodeFault::BadSource(_) | NodeFault::WorkerFailed(_) => {
                        forging.undone().await;
                        return Err(error.into());
                    }
                    // Nobody knows what was made, so dropping `forging` destroys what may be there.
                    _ => return Err(error.into()),
                },
            };
            tried.extend(score.next().map(|score| NodeScore {
                refused: Some(refused.clone()),
                chosen: false,
                ..score
            }));
            field.refuse(&name, refused);
        }
        Err(passing.map_or_else(|| PlacementError::NoRoom { scores: field.explain() }.into(), Failure::from))
    }

    async fn order(
        &self,
        slot: &NodeSlot,
        vault: &VaultId,
        drafted: &Drafted,
        opening: Option<&Opening>,
        (voucher, secrets): (Secret, Vec<GrantedSecret>),
    ) -> Result<Provisioned, NodeError> {
        let Drafted { summons, source } = drafted;
        let order = ProvisionOrder {
            vault: vault.clone(),
            generation: GENERATION,
            sha256: summons.worker.sha256,
            source: String::new(),
            file: summons.file.clone(),
            args: summons.args.clone(),
            limits: summons.limits.clone(),
            terms: summons.terms.clone(),
            issuer: self.issuer.public_hex(),
            parent: summons.parent.clone(),
            voucher,
            opening: opening.cloned(),
            secrets,
        };
        let deadline = FORGE_DEADLINE + Duration::from_millis(summons.limits.call_deadline_ms.into());
        match tokio::time::timeout(deadline, self.travel.order_with_code(slot, order, source)).await {
            Ok(answer) => answer,
            Err(_) => {
                let message = format!("node {} did not forge it within {} s", slot.name, deadline.as_secs());
                Err(NodeError::new(NodeFault::Late, message))
            }
        }
    }

    /// The word that the vault's gate shows to others, good for a little longer than the vault can live.
    fn vouch(&self, vault: &VaultId, lifetime_ms: u64) -> Result<Secret, Failure> {
        let life = Duration::from_millis(lifetime_ms) + FORGE_DEADLINE + CLOCK_SKEW;
        let expires_at = clock::now().saturating_add(life).unwrap_or(jiff::Timestamp::MAX);
        Ok(self.issuer.vouch(vault, expires_at).map_err(ForgeError::Vouch)?)
    }

    /// Commits the vault with `posting`, then tells the news. Goes to its end even if the caller does not.
    pub(super) async fn record(
        self: &Arc<Self>,
        forged: Forged,
        posting: Posting,
        news: Vec<Happening>,
    ) -> Result<(), Failure> {
        let Forged { record, forging, noted, turns, apart, .. } = forged;
        let forge = self.clone();
        let recording = tasks::spawn(TaskKind::Order, "record", async move {
            let _turns = turns;
            let vault = record.vault();
            // Before anybody can find the record, and bury it.
            if vault.phase == Phase::Ticketed {
                forge.claims.lock().insert(forging.vault.clone(), Claim::Awaited);
            }
            let made = forge.ledger.record(&record, noted, apart, posting).await;
            if !matches!(made, Ok(Made::Recorded(_))) {
                forge.claims.lock().remove(&forging.vault);
            }
            match made? {
                Made::Recorded(died) => {
                    let events = &forge.events;
                    let named = |name| Happening::Named { vault: vault.id.clone(), name };
                    let named = vault.name.clone().map(named);
                    news.into_iter()
                        .chain(named)
                        .for_each(|happening| events.tell_of(&vault.node, happening));
                    forging.keep(died).await;
                    Ok(())
                }
                Made::Taken(name) => Err(NameError::Taken { name }.into()),
                Made::Beside => Err(PlacementError::Overtaken.into()),
                Made::Lost => Err(KeyError::LostRace.into()),
            }
        });
        step!("record", recording).await.map_err(ForgeError::Record)?
    }
}
