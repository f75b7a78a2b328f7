//! Health: how the core stands, its counters, and whether anybody needs it.

use std::sync::Arc;

use super::admission::Admission;
use super::dependencies::Dependencies;
use super::failure::Failure;
use super::gems::Gems;
use super::ledger::{Ledger, Records, VAULT};
use super::membership::Membership;
use super::metrics::{Metrics, MetricsError};
use super::node_table::NodeTable;
use super::queue::Spool;
use super::scrub::Scrub;
use hauki_contract::api::health::Health;
use hauki_contract::model::check::Check;
use hauki_contract::model::lease::Mono;
use hauki_contract::system::clock;
use hauki_contract::system::export;
use hauki_contract::system::slow_log::{self, SlowKind};

/// What a daemon that may leave when it is idle wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// With the summons that wait to become one.
    pub vaults: u32,
    pub requests: u32,
    /// Since the last request ended, or since the start.
    pub idle_us: u64,
}

pub(super) struct Standing {
    records: Records,
    ledger: Ledger,
    node_table: NodeTable,
    spool: Arc<Spool>,
    gems: Arc<Gems>,
    admission: Arc<Admission>,
    metrics: Arc<Metrics>,
    scrub: Arc<Scrub>,
    membership: Arc<Membership>,
    role: String,
    started: Mono,
}

impl Standing {
    pub(super) fn new(
        basis: &Dependencies,
        scrub: &Arc<Scrub>,
        membership: &Arc<Membership>,
        role: String,
    ) -> Arc<Self> {
        Arc::new(Self {
            records: basis.records.clone(),
            ledger: basis.ledger.clone(),
            node_table: basis.node_table.clone(),
            spool: basis.spool.clone(),
            gems: basis.gems.clone(),
            admission: basis.admission.clone(),
            metrics: basis.metrics.clone(),
            scrub: scrub.clone(),
            membership: membership.clone(),
            role,
            started: clock::mono(),
        })
    }

    pub(super) fn role(&self) -> &str {
        &self.role
    }

    /// Drains, but only if nobody is here. A request counts itself before it looks
    /// whether work is still taken, and this looks for requests after it has said no: at least one of
    /// the two sees the other.
    pub(super) async fn retire(&self) -> bool {
        self.admission.drain(true);
        let empty =
            self.activity().await.is_ok_and(|activity| (activity.vaults, activity.requests) == (0, 0));
        if !empty {
            self.admission.drain(false);
        }
        empty
    }

    pub(super) async fn activity(&self) -> Result<Activity, Failure> {
        // In the order in which a start goes: a request or an entry of the spool, a note, a record. Whoever is between two
        // of them is counted twice rather than not at all.
        let (requests, waiting) = (self.admission.requests(), self.spool.waiting());
        let vaults = self.living_count().await?.saturating_add(waiting);
        Ok(Activity { vaults, requests, idle_us: self.admission.idle_us() })
    }

    async fn living_count(&self) -> Result<u32, Failure> {
        // What is being forged is not recorded yet and must not be left behind either, nor whose record is damaged.
        let others = self.ledger.count_forging().await?.saturating_add(self.records.aside().missing_vaults());
        let recorded = self.records.size(VAULT).await?.documents;
        let (recorded, others) = (u32::try_from(recorded), u32::try_from(others));
        Ok(recorded.unwrap_or(u32::MAX).saturating_add(others.unwrap_or(u32::MAX)))
    }

    /// With the names of records, or without.
    pub(super) async fn health(&self, named: bool) -> Result<Health, Failure> {
        let mut findings = Vec::new();
        let mut vault_build = String::new();
        let alone = self.node_table.slots().len() == 1;
        for slot in self.node_table.slots().values() {
            match slot.health().await {
                Ok(health) => {
                    vault_build.clone_from(&health.word.vault_build);
                    findings.extend(slot.judge(health).into_iter().map(|check| match alone {
                        true => check,
                        false => check.about(&slot.name),
                    }));
                }
                Err(error) => findings.push(Check::failed(error.message, error.hint)),
            }
        }
        findings.extend(self.membership.findings());
        findings.extend(slow_log::found(&[SlowKind::Request]));
        findings.extend(export::found());
        findings.extend(self.gems.findings().await);
        findings.extend(self.records.aside_check(named));
        findings.extend(self.scrub.finding(named));
        let hint = "look at the file system of the state directory: mount, df, dmesg; nothing is lost that was answered";
        let failing = self.records.failing().map(|why| format!("the last commit failed: {why}"));
        findings.extend(failing.map(|what| Check::fail(what, hint)));
        let hint = "compare with a copy of the state directory, if there is one";
        findings.extend(self.records.suspicion().map(|what| Check::fail(what, hint)));
        Ok(Health {
            status: if self.admission.is_draining() { "draining" } else { "ok" }.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            role: self.role.clone(),
            pid: std::process::id(),
            uptime_ms: clock::mono().since(self.started) / 1000,
            vaults: self.living_count().await?,
            vault_build,
            findings,
        })
    }

    pub(super) async fn metrics_text(&self) -> Result<String, MetricsError> {
        self.metrics.text(&self.records, &self.node_table.slots()).await
    }
}
