//! Fake node, without sandboxes: the contract's promises in memory, and failures on demand.
//!
//! Always compiled and chosen by value, for tests of the core and for measuring it alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use hauki_contract::api::clone::{CloneAnswer, CloneAsk, CloneAsks};
use hauki_contract::api::node::{
    BeatOrder, Code, DestructOrder, Doom, Leased, News, NewsItem, NodeApi, NodeFuture, NodeHealth,
    NodeStatus, NodeVault, NodeVaults, OpenOrder, OpenedPort, Opening, ProvisionOrder, Provisioned, TornDown,
};
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::vault::Vitals;
use hauki_contract::model::death::{Cause, Death};
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::id::{NodeName, VaultId};
use hauki_contract::model::lease::Terms;
use hauki_contract::model::phase::Phase;
use hauki_contract::model::receipt::Receipt;
use hauki_contract::model::secret_use::GrantedSecret;
use hauki_contract::model::trace::TraceId;
use hauki_contract::rpc::capability::Issuer;
use hauki_contract::system::{clock, trace};

mod answers;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FakeCall {
    Word,
    Provision,
    Keep,
    Open,
    Beat,
    Destruct,
    Receipt,
    Doom,
    Asks,
    Cloned,
    News,
}

pub struct FakeNode {
    name: NodeName,
    state: Mutex<State>,
    /// Counts the news, and wakes who waits for them.
    said: watch::Sender<u64>,
    /// The number of the last wish, as the list of them counts.
    wished: watch::Sender<u64>,
    /// Calls that wait until they are let go.
    held: watch::Sender<Option<FakeCall>>,
    /// How many calls wait there.
    waiting: watch::Sender<u32>,
}

struct State {
    boot: u32,
    down: bool,
    draining: bool,
    max_vaults: u32,
    vaults: BTreeMap<VaultId, (u64, Phase, Terms)>,
    tombs: BTreeMap<VaultId, Receipt>,
    news: Vec<NewsItem>,
    code: BTreeSet<Sha256>,
    /// What came with its bytes.
    came: Vec<Sha256>,
    failures: HashMap<FakeCall, Vec<NodeError>>,
    provisioned: u32,
    /// Those whose answers are waited for.
    wishes: BTreeMap<u64, CloneAsk>,
    answers: Vec<CloneAnswer>,
    lies: Lies,
    /// The number of the item with which no answer can be read.
    blot: Option<u64>,
    idle: BTreeMap<VaultId, u64>,
    /// Of the last order.
    trace: Option<TraceId>,
    /// With the last order.
    granted: Vec<GrantedSecret>,
}

pub type Lie<T> = Option<Arc<dyn Fn(&mut T) + Send + Sync>>;

/// What becomes of its answers before they go out: a node that was taken over.
#[derive(Default, Clone)]
pub struct Lies {
    pub word: Lie<NodeStatus>,
    pub vaults: Lie<NodeVaults>,
    pub provisioned: Lie<Provisioned>,
    pub opened: Lie<OpenedPort>,
    pub leased: Lie<Leased>,
    pub torn: Lie<TornDown>,
    pub news: Lie<News>,
    pub error: Lie<NodeError>,
}

fn told<T>(mut truth: T, lie: &Lie<T>) -> T {
    if let Some(lie) = lie {
        lie(&mut truth);
    }
    truth
}

/// A healthy, empty node.
#[must_use]
pub fn blank_word(name: &NodeName) -> NodeStatus {
    NodeStatus {
        name: name.clone(),
        boot_id: "boot-1".into(),
        version: "0.0.0".into(),
        vault_build: "fake".into(),
        data_plane: IpAddr::V4(Ipv4Addr::LOCALHOST),
        data_plane_reason: "the fake has no network".into(),
        draining: false,
        max_vaults: 1000,
        warm_vaults: 0,
        free_memory_bytes: 4 << 30,
        load_percent: 0,
        vaults: 0,
        code: Vec::new(),
    }
}

impl FakeNode {
    #[must_use]
    pub fn new(name: NodeName) -> Self {
        let state = State {
            boot: 1,
            down: false,
            draining: false,
            max_vaults: 1000,
            vaults: BTreeMap::new(),
            tombs: BTreeMap::new(),
            news: Vec::new(),
            code: BTreeSet::new(),
            came: Vec::new(),
            failures: HashMap::new(),
            provisioned: 0,
            wishes: BTreeMap::new(),
            answers: Vec::new(),
            lies: Lies::default(),
            blot: None,
            idle: BTreeMap::new(),
            trace: None,
            granted: Vec::new(),
        };
        let (said, wished) = (watch::Sender::new(0), watch::Sender::new(0));
        let (held, waiting) = (watch::Sender::new(None), watch::Sender::new(0));
        Self { name, state: Mutex::new(state), said, wished, held, waiting }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next such call fails like this.
    pub fn fail_next(&self, call: FakeCall, error: NodeError) {
        self.state().failures.entry(call).or_default().push(error);
    }

    /// Nobody has used it for so long.
    pub fn rest(&self, vault: &VaultId, idle_ms: u64) {
        self.state().idle.insert(vault.clone(), idle_ms);
    }

    /// From now on it tells this.
    pub fn lie(&self, lies: Lies) {
        self.state().lies = lies;
    }

    /// What it says next makes each answer that it is in unreadable.
    pub fn blot_next(&self) {
        let mut state = self.state();
        state.blot = Some(state.news.len() as u64 + 1);
    }

    fn lies(&self) -> Lies {
        self.state().lies.clone()
    }

    /// How many of the ordered failures are still to come.
    #[must_use]
    pub fn failures_left(&self, call: FakeCall) -> usize {
        self.state().failures.get(&call).map_or(0, Vec::len)
    }

    /// Nothing answers while it is down; its vaults live on.
    pub fn set_down(&self, down: bool) {
        self.state().down = down;
        self.said.send_modify(|_| {});
        self.wished.send_modify(|_| {});
    }

    pub fn set_max_vaults(&self, most: u32) {
        self.state().max_vaults = most;
    }

    pub fn set_draining(&self, draining: bool) {
        self.state().draining = draining;
    }

    /// Such calls wait; `None` lets them go.
    pub fn hold(&self, call: Option<FakeCall>) {
        self.held.send_replace(call);
    }

    /// Resolves when a call waits at the hold.
    pub async fn somebody_waits(&self) {
        let mut waiting = self.waiting.subscribe();
        // The sender lives as long as `self`.
        let _ = waiting.wait_for(|count| *count > 0).await;
    }

    /// Resolves when the last call at the hold was let go or dropped.
    pub async fn nobody_waits(&self) {
        let mut waiting = self.waiting.subscribe();
        let _ = waiting.wait_for(|count| *count == 0).await;
    }

    /// The daemon is lost with all its vaults and its memory, and starts again.
    pub fn restart(&self) {
        {
            let mut state = self.state();
            state.boot += 1;
            state.vaults.clear();
            state.tombs.clear();
            state.news.clear();
            state.code.clear();
            state.wishes.clear();
        }
        self.said.send_replace(0);
        self.wished.send_modify(|_| {});
    }

    /// A vault ends by itself.
    pub fn kill(&self, vault: &VaultId, cause: Cause) {
        self.state().end(&self.name, vault, cause, None);
        self.tell();
    }

    /// A vault that nobody ordered, as a crashed core leaves one.
    pub fn plant(&self, vault: VaultId) {
        self.state().vaults.insert(vault, (1, Phase::Forged, Terms::default()));
    }

    /// A worker of it wants to clone.
    pub fn wish(&self, ask: CloneAsk) {
        let number = *self.wished.borrow() + 1;
        self.state().wishes.insert(number, ask);
        self.wished.send_replace(number);
    }

    pub fn say(&self, item: NewsItem) {
        self.state().news.push(item);
        self.tell();
    }

    /// Its memory of news was too short.
    pub fn forget_news(&self) {
        self.state().news.clear();
        self.said.send_replace(0);
    }

    fn tell(&self) {
        let count = self.state().news.len() as u64;
        self.said.send_replace(count);
    }

    #[must_use]
    pub fn living(&self) -> Vec<VaultId> {
        self.state().vaults.keys().cloned().collect()
    }

    #[must_use]
    pub fn tombstone(&self, vault: &VaultId) -> Option<Receipt> {
        self.state().tombs.get(vault).cloned()
    }

    /// What was answered to workers that wanted to clone.
    #[must_use]
    pub fn answers(&self) -> Vec<CloneAnswer> {
        self.state().answers.clone()
    }

    /// The code that came here, once for each time.
    #[must_use]
    pub fn came(&self) -> Vec<Sha256> {
        self.state().came.clone()
    }

    /// It lets go of its code and does not say so.
    pub fn forget_code(&self) {
        self.state().code.clear();
    }

    /// The trace of the last order to provision.
    #[must_use]
    pub fn trace(&self) -> Option<TraceId> {
        self.state().trace
    }

    /// The secrets that came with the last order to provision.
    #[must_use]
    pub fn granted(&self) -> Vec<GrantedSecret> {
        self.state().granted.clone()
    }

    /// How many vaults were ever made.
    #[must_use]
    pub fn provisioned(&self) -> u32 {
        self.state().provisioned
    }

    /// Waits at the hold, fails on demand.
    async fn enter(&self, call: FakeCall) -> Result<MutexGuard<'_, State>, NodeError> {
        let mut held = self.held.subscribe();
        if *held.borrow() == Some(call) {
            self.waiting.send_modify(|count| *count += 1);
            let _leave = Leave(&self.waiting);
            let _ = held.wait_for(|held| *held != Some(call)).await;
        }
        tokio::task::yield_now().await;
        let mut state = self.state();
        if state.down {
            return Err(NodeError::new(NodeFault::Silent, "connection refused"));
        }
        let failures = state.failures.entry(call).or_default();
        if failures.is_empty() { Ok(state) } else { Err(failures.remove(0)) }
    }
}

struct Leave<'a>(&'a watch::Sender<u32>);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl State {
    fn take_code(&mut self, sha256: Sha256, source: &str) -> Result<(), NodeError> {
        if source.is_empty() {
            let known = self.code.contains(&sha256);
            return if known { Ok(()) } else { Err(NodeError::new(NodeFault::CodeMissing, "unknown code")) };
        }
        if Sha256::of(source.as_bytes()) != sha256 {
            return Err(NodeError::new(NodeFault::BadOrder, "other bytes"));
        }
        self.came.push(sha256);
        self.code.insert(sha256);
        Ok(())
    }

    fn boot_id(&self) -> String {
        format!("boot-{}", self.boot)
    }

    fn unknown(&self, vault: &VaultId) -> NodeError {
        match self.tombs.get(vault) {
            Some(receipt) => NodeError::dead(receipt.clone()),
            None => NodeError::new(NodeFault::Unknown, format!("there is no vault {vault}")),
        }
    }

    fn end(&mut self, node: &NodeName, vault: &VaultId, cause: Cause, by: Option<String>) -> Option<Receipt> {
        self.vaults.remove(vault)?;
        let receipt = Receipt {
            vault: vault.clone(),
            node: node.clone(),
            generation: None,
            witness: None,
            death: Death { cause: cause.into(), at: clock::now(), detail: None, by },
            lived_ms: 1,
            calls: 0,
            reclaimed_us: 1,
            reclaimed: Vec::new(),
        };
        self.tombs.insert(vault.clone(), receipt.clone());
        self.news.push(NewsItem::Died(receipt.clone()));
        Some(receipt)
    }
}
