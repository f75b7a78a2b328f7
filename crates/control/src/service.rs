//! UAH CORE: discovery, orchestration and handshakes, independent of HTTP.
//!
//! [`Core`] owns the store, the issuer's key and the view of the nodes; the phases are its methods,
//! one file each (`summon`, `forge`, `ticket`, `spawn`, `life`, `vaults`). Calls to workers never
//! come here. A crash leaves the store and the nodes: what the store promised is true again after
//! the first reconciliation (`core::watch`), and what was being forged and not yet recorded is
//! destroyed there.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::charge::Charges;
use super::events::EventLog;
use super::flight::Flights;
use super::gems::Gems;
use super::ledger::{Ledger, Records, VAULT};
use super::metrics::Metrics;
use super::nodes::{Member, Slot, Slots};
use super::spool::Spool;
use super::stock::Stock;
use super::store::Store;
use hauki_contract::api::health::Health;
use hauki_contract::api::vault::NodeList;
use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::check::{Check, CheckLevel};
use hauki_contract::model::config::Policy;
use hauki_contract::model::id::{NodeName, VaultId};
use hauki_contract::model::lease::Mono;
use hauki_contract::rpc::capability::IssuerKey;
use hauki_contract::system::clock;

/// What the daemon builds a core from.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub issuer: IssuerKey,
    /// A directory for the core's SSH key, known hosts and links.
    pub home: PathBuf,
    pub members: Vec<Member>,
    pub gem_directories: Vec<PathBuf>,
    pub policy: Policy,
    /// `all` or `core`, for `/healthz`.
    pub role: String,
}

pub struct Core {
    /// What is kept, for everybody to read.
    pub(super) records: Records,
    /// Who writes vaults, names, keys and budgets.
    pub(super) ledger: Ledger,
    pub(super) issuer: IssuerKey,
    pub(super) policy: Policy,
    pub(super) home: PathBuf,
    slots: RwLock<Arc<Slots>>,
    pub gems: Gems,
    pub events: EventLog,
    pub metrics: Metrics,
    pub(super) flights: Flights,
    pub(super) charges: Charges,
    pub spool: Spool,
    pub(super) stock: Stock,
    /// Living vaults whose claim is awaited, or was told and is not written down yet.
    claims: Mutex<HashMap<VaultId, Claim>>,
    /// Vaults that bulk orders are at.
    ordered: Mutex<BTreeSet<VaultId>>,
    /// A vault that may have children has died.
    pub(super) orphaned: tokio::sync::Notify,
    role: String,
    started: Mono,
    draining: AtomicBool,
    requests: AtomicU32,
    last_request: AtomicU64,
    /// No event of this core has a number beyond this; nothing as long as it has none of its own.
    pub(super) stretch: AtomicU64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    Awaited,
    Told,
}

/// What a daemon that may leave when it is idle wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// With the summons that wait to become one.
    pub vaults: u32,
    pub requests: u32,
    /// Since the last request ended, or since the start.
    pub idle_us: u64,
}

impl Core {
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { store, issuer, home, members, gem_directories, policy, role } = parts;
        let records = Records::new(store);
        let started = clock::mono();
        Arc::new(Self {
            gems: Gems::new(gem_directories, records.clone()),
            ledger: Ledger::new(records.clone()),
            records,
            issuer,
            policy,
            home,
            slots: RwLock::new(Arc::new(
                members
                    .into_iter()
                    .map(|member| (member.name.clone(), Arc::new(Slot::new(member))))
                    .collect(),
            )),
            events: EventLog::default(),
            metrics: Metrics::default(),
            flights: Flights::default(),
            charges: Charges::default(),
            spool: Spool::default(),
            stock: Stock::default(),
            claims: Mutex::default(),
            ordered: Mutex::default(),
            orphaned: tokio::sync::Notify::new(),
            role,
            started,
            draining: AtomicBool::new(false),
            requests: AtomicU32::new(0),
            last_request: AtomicU64::new(started.0),
            stretch: AtomicU64::new(0),
        })
    }

    pub(super) fn claims(&self) -> MutexGuard<'_, HashMap<VaultId, Claim>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ordered(&self) -> MutexGuard<'_, BTreeSet<VaultId>> {
        self.ordered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The nodes of this moment.
    pub(super) fn slots(&self) -> Arc<Slots> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change_slots(&self, change: impl FnOnce(&mut Slots)) {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut slots));
    }

    pub(super) fn put_slot(&self, slot: &Arc<Slot>) {
        self.change_slots(|slots| {
            if let Some(earlier) = slots.insert(slot.name.clone(), slot.clone()) {
                earlier.unwatch();
            }
        });
    }

    pub(super) fn drop_slot(&self, name: &NodeName) {
        self.change_slots(|slots| {
            if let Some(earlier) = slots.remove(name) {
                earlier.unwatch();
            }
        });
    }

    pub(super) fn slot(&self, name: &NodeName) -> Result<Arc<Slot>, ApiError> {
        self.slots().get(name).cloned().ok_or_else(|| {
            ApiError::new(ErrorCode::Temporary, format!("node {name} is not among this core's nodes"))
                .hint("it was taken out of the swarm; its vaults end with their leases, and `hauki destruct` their records")
        })
    }

    #[must_use]
    pub fn role(&self) -> &str {
        &self.role
    }

    /// From now on nothing new is forged; everything else goes on.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// The last words: writes down how the nodes' vaults ended, then lets the followers of events
    /// go. For a daemon that has ended the vaults of its own node and is about to leave.
    pub async fn close(&self) {
        self.drain();
        self.catch_up().await;
        if let Err(error) = self.records.close().await {
            tracing::error!(%error, "the store could not be put in order");
        }
        self.events.close();
    }

    /// As [`Core::drain`], but only if nobody is here. A request counts itself before it looks
    /// whether work is still taken, and this looks for requests after it has said no: at least one of
    /// the two sees the other.
    pub async fn retire(&self) -> bool {
        self.draining.store(true, Ordering::SeqCst);
        let empty =
            self.activity().await.is_ok_and(|activity| (activity.vaults, activity.requests) == (0, 0));
        if !empty {
            self.draining.store(false, Ordering::SeqCst);
        }
        empty
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    pub(super) fn refuse_while_draining(&self) -> Result<(), ApiError> {
        if self.is_draining() {
            return Err(ApiError::new(ErrorCode::Temporary, "the daemon is stopping")
                .hint("try again; `hauki` starts a new one"));
        }
        Ok(())
    }

    /// Counts a request as under way until the answer is dropped.
    #[must_use]
    pub fn request(self: &Arc<Self>) -> RequestUnderWay {
        self.requests.fetch_add(1, Ordering::SeqCst);
        RequestUnderWay(self.clone())
    }

    /// Says that this core works on its store from now on, and nobody else does: who opened it holds the lock on its
    /// directory.
    pub async fn begin(&self) -> Result<(), ApiError> {
        self.ledger.begin(true).await
    }

    /// Looks through the store, once, before anybody asks.
    pub async fn look_through(&self) -> Result<(), ApiError> {
        self.records.look_through().await
    }

    pub async fn activity(&self) -> Result<Activity, ApiError> {
        Ok(Activity {
            vaults: self.living_count().await?.saturating_add(self.spool.waiting()),
            requests: self.requests.load(Ordering::SeqCst),
            idle_us: clock::mono().since(Mono(self.last_request.load(Ordering::SeqCst))),
        })
    }

    async fn living_count(&self) -> Result<u32, ApiError> {
        let recorded = self.records.size(VAULT).await?.documents;
        // What is being forged is not recorded yet and must not be left behind either, nor whose record is damaged.
        let others = self.ledger.count_forging().await?.saturating_add(self.records.aside().missing_vaults());
        let (recorded, others) = (u32::try_from(recorded), u32::try_from(others));
        Ok(recorded.unwrap_or(u32::MAX).saturating_add(others.unwrap_or(u32::MAX)))
    }

    pub async fn health(&self) -> Result<Health, ApiError> {
        self.health_for(true).await
    }

    /// With the names of records, or without.
    pub(super) async fn health_for(&self, named: bool) -> Result<Health, ApiError> {
        let mut findings = Vec::new();
        let mut vault_build = String::new();
        let alone = self.slots().len() == 1;
        for slot in self.slots().values() {
            match slot.health().await {
                Ok(health) => {
                    vault_build.clone_from(&health.word.vault_build);
                    findings.extend(slot.judge(health).into_iter().map(|check| match alone {
                        true => check,
                        false => Check { what: format!("{}: {}", slot.name, check.what), ..check },
                    }));
                }
                Err(error) => {
                    findings.push(Check { level: CheckLevel::Fail, what: error.message, hint: error.hint });
                }
            }
        }
        findings.extend(self.records.aside_check(named));
        findings.extend(self.records.suspicion().map(|what| Check {
            level: CheckLevel::Fail,
            what: what.into(),
            hint: Some("compare with a copy of the state directory, if there is one".into()),
        }));
        let draining = self.draining.load(Ordering::SeqCst);
        Ok(Health {
            status: if draining { "draining" } else { "ok" }.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            role: self.role.clone(),
            pid: std::process::id(),
            uptime_ms: clock::mono().since(self.started) / 1000,
            vaults: self.living_count().await?,
            vault_build,
            findings,
        })
    }

    pub async fn metrics_text(&self) -> Result<String, ApiError> {
        self.metrics.text(&self.records, &self.slots()).await
    }

    pub async fn nodes(&self) -> NodeList {
        let mut asked = tokio::task::JoinSet::new();
        for slot in self.slots().values() {
            let slot = slot.clone();
            asked.spawn(async move { slot.info().await });
        }
        let mut nodes = asked.join_all().await;
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        NodeList { nodes }
    }
}

pub struct RequestUnderWay(Arc<Core>);

impl Drop for RequestUnderWay {
    fn drop(&mut self) {
        self.0.last_request.store(clock::mono().0, Ordering::SeqCst);
        self.0.requests.fetch_sub(1, Ordering::SeqCst);
    }
}
