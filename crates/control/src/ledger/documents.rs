//! Key layout: what the documents of the store mean, and under which keys they are.
//!
//! ```text
//! summons/<id>        a summons           source/<id>            its source, as it is
//! vault/<id>          a living vault      tomb/<id>              a dead one, with its receipt
//! budget/<id>         what a vault that may clone has left, as long as it lives
//! loan/key/…          who paid for a child that is being made under that key
//! term/<id>           a core that works on this store (`ledger::term`)
//! apart/<bucket>      who placed a vault last that is to stay apart from others (`ledger::anti_affinity`)
//! spool/<id>          a summons in the queue, or what became of it
//! node/<name>         a node that was added (`control::membership`)
//! meta/events         no event of these lives has a number beyond it (`control::event_numbers`)
//! name/<name>         who holds the name, as long as that one lives
//! key/<what>/<hash>   an idempotency key  gem/…, gemsource/…     pushed gems
//!                                           gemoriginal/…          and what they were compiled of
//! aged/<time>/<key>   when a key was used, for `control::retention`
//! secret/<uid>/<name> a secret of a user's, sealed with the data key (`control::data_key`)
//! issuer              the public half of the key that signs tickets
//! aside/<key>         what could not be read, as it is (`ledger::quarantine`)
//! ephemeral/nodes     by its revision, the number of the membership; which nodes without a record are drained
//! ephemeral/forging/<id>  a vault that is being made: by whom, where and whose (`ledger::forging`)
//! ```
//! A vault is under exactly one of `vault/` and `tomb/`, because one transaction moves it. The same
//! two transactions, of its forging and of its death, write and delete its name. Keys and tombstones are kept for
//! [`KEPT`]; `control::retention` prunes them.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::ISSUER;
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::id::{NodeName, SpoolId, SummonsId, VaultId};
use hauki_contract::model::name::ServiceName;
use hauki_contract::model::swarm::SwarmNode;
use hauki_contract::model::ticket::Ticket;

/// For how long idempotency keys, summons and tombstones are kept.
pub(crate) const KEPT: Duration = Duration::from_secs(24 * 3600);

pub(crate) const SUMMONS: &str = "summons/";
pub(crate) const VAULT: &str = "vault/";
pub(crate) const TOMB: &str = "tomb/";
pub(crate) const KEY: &str = "key/";
pub(crate) const NAME: &str = "name/";
pub(crate) const BUDGET: &str = "budget/";
pub(crate) const LOAN: &str = "loan/";
/// Ephemeral ([`EPHEMERAL`](crate::store::EPHEMERAL)).
pub(crate) const FORGING: &str = "ephemeral/forging/";
/// Where earlier versions had them, in the file.
pub(super) const FORGED_BEFORE: &str = "forging/";
pub(crate) const TERM: &str = "term/";
pub(crate) const APART: &str = "apart/";
pub(crate) const AGED: &str = "aged/";
pub(crate) const SPOOL: &str = "spool/";
pub(crate) const NODE: &str = "node/";
pub(crate) const SECRET: &str = "secret/";
/// Ephemeral as well, so that a note that checks it asks nothing of the disk.
pub(crate) const MEMBERSHIP: &str = "ephemeral/nodes";

/// All that a key may begin with.
pub(super) const PREFIXES: &[&str] = &[
    SUMMONS,
    "source/",
    VAULT,
    TOMB,
    BUDGET,
    LOAN,
    FORGED_BEFORE,
    TERM,
    APART,
    SPOOL,
    NAME,
    KEY,
    "gem/",
    "gemsource/",
    "gemoriginal/",
    AGED,
    ISSUER,
    "aside/",
    NODE,
    SECRET,
    "meta/",
];

#[must_use]
pub(crate) fn summons_key(id: &SummonsId) -> String {
    format!("{SUMMONS}{id}")
}

#[must_use]
pub(crate) fn source_key(id: &SummonsId) -> String {
    format!("source/{id}")
}

#[must_use]
pub(crate) fn vault_key(id: &VaultId) -> String {
    format!("{VAULT}{id}")
}

#[must_use]
pub(crate) fn tomb_key(id: &VaultId) -> String {
    format!("{TOMB}{id}")
}

#[must_use]
pub(crate) fn budget_key(id: &VaultId) -> String {
    format!("{BUDGET}{id}")
}

#[must_use]
pub(crate) fn forging_key(id: &VaultId) -> String {
    format!("{FORGING}{id}")
}

#[must_use]
pub(crate) fn term_key(id: &str) -> String {
    format!("{TERM}{id}")
}

/// The bucket of a label, of 256.
#[must_use]
pub(crate) fn apart_key(label: &str, value: &str) -> String {
    let digest = Sha256::of(format!("{label}={value}").as_bytes()).to_string();
    format!("{APART}{}", &digest[..2])
}

#[must_use]
pub(crate) fn spool_key(id: &SpoolId) -> String {
    format!("{SPOOL}{id}")
}

#[must_use]
pub(crate) fn node_key(name: &NodeName) -> String {
    format!("{NODE}{name}")
}

#[must_use]
pub(crate) fn loan_key(idempotency_key: &str) -> String {
    format!("{LOAN}{idempotency_key}")
}

#[must_use]
pub(crate) fn name_key(name: &ServiceName) -> String {
    format!("{NAME}{name}")
}

/// In the order of time.
#[must_use]
pub(crate) fn aged_key(at: Timestamp, key: &str) -> String {
    format!("{AGED}{:013}/{key}", at.as_millisecond().max(0))
}

/// A caller's key is any text, so its hash stands for it.
#[must_use]
pub(crate) fn idempotency_key(what: &str, key: &str) -> String {
    format!("{KEY}{what}/{}", Sha256::of(key.as_bytes()))
}

/// What a key was used for. The ticket is kept so that a lost answer can be given again; its token is not,
/// it is signed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyRecord {
    pub digest: Sha256,
    pub at: Timestamp,
    pub summons: SummonsId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spool: Option<SpoolId>,
    /// Users' keys are apart. They were not before vaults had owners, and `control::idempotency` looks for those as well.
    #[serde(default)]
    pub apart: bool,
}

/// A node that was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NodeRecord {
    pub node: SwarmNode,
    /// The server does not forward to sockets, or the user is not root.
    pub by_bridge: bool,
    /// Root's rights come by `sudo`.
    pub sudo: bool,
    pub draining: bool,
    /// The data plane that it had when it was added; absent in records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
}
