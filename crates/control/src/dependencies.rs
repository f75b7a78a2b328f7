//! Shared dependencies, of which the phases are assembled: the parts that know no phase.
//!
//! Each phase takes a few of them when it is made and keeps these only, in private fields: they say what it may touch.
//! Nothing else is handed on, so whoever holds a phase can do with the parts what that phase does with them.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Notify;

use super::admission::Admission;
use super::claims::Claims;
use super::events::EventLog;
use super::gems::Gems;
use super::ledger::{Ledger, Records};
use super::metrics::Metrics;
use super::node_table::NodeTable;
use super::nodes::Member;
use super::queue::Spool;
use super::quota::SummonsQuota;
use super::single_flight::SingleFlight;
use super::store::Store;
use hauki_contract::model::config::Policy;
use hauki_contract::model::net_ceiling::NetCeiling;
use hauki_contract::rpc::capability::IssuerKey;
use hauki_contract::system::clock;

/// What its daemon says of a core.
pub struct CoreSettings {
    pub members: Vec<Member>,
    pub gem_directories: Vec<PathBuf>,
    pub policy: Policy,
    /// What workers may be invited to at most.
    pub net: Option<NetCeiling>,
    /// `all` or `core`, for `/healthz`.
    pub role: String,
}

impl CoreSettings {
    /// Of these nodes, and as nobody has said anything.
    #[must_use]
    pub fn of(members: Vec<Member>) -> Self {
        Self {
            members,
            gem_directories: Vec::new(),
            policy: Policy::default(),
            net: None,
            role: "all".to_owned(),
        }
    }
}

/// What a core is built from.
pub struct CoreParts {
    pub store: Arc<dyn Store>,
    pub issuer: IssuerKey,
    /// A directory for the core's SSH key, known hosts and links.
    pub home: PathBuf,
    pub settings: CoreSettings,
}

pub(super) struct Dependencies {
    /// What is kept, for everybody to read.
    pub records: Records,
    /// Who writes vaults, names, keys and budgets.
    pub ledger: Ledger,
    pub issuer: Arc<IssuerKey>,
    pub policy: Policy,
    pub net: Option<NetCeiling>,
    pub home: PathBuf,
    pub node_table: NodeTable,
    pub gems: Arc<Gems>,
    pub events: EventLog,
    pub metrics: Arc<Metrics>,
    pub flights: Arc<SingleFlight>,
    pub spool: Arc<Spool>,
    pub quota: Arc<SummonsQuota>,
    pub claims: Arc<Claims>,
    pub admission: Arc<Admission>,
    /// A vault that may have children has died.
    pub orphans: Arc<Notify>,
}

impl Dependencies {
    /// With the role that the core has.
    pub(super) fn new(parts: CoreParts) -> (Self, String) {
        let CoreParts { store, issuer, home, settings } = parts;
        let CoreSettings { members, gem_directories, policy, net, role } = settings;
        let records = Records::new(store);
        let basis = Self {
            ledger: Ledger::new(records.clone()),
            issuer: Arc::new(issuer),
            policy,
            net,
            home,
            node_table: NodeTable::new(members),
            gems: Arc::new(Gems::new(gem_directories, records.clone())),
            events: EventLog::default(),
            metrics: Arc::default(),
            flights: Arc::default(),
            spool: Arc::default(),
            quota: Arc::new(SummonsQuota::of(records.clone())),
            claims: Arc::default(),
            admission: Admission::since(clock::mono()),
            orphans: Arc::default(),
            records,
        };
        (basis, role)
    }
}
