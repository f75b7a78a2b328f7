//! Status report: what a node says of itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::NodeService;
use crate::host_load;
use crate::vault::VaultHandle;
use hauki_contract::api::node::{NodeHealth, NodeStatus, NodeVaults};
use hauki_contract::model::id::VaultId;
use hauki_contract::system::slow_log::{self, SlowKind};

impl NodeService {
    pub(crate) async fn health(&self) -> NodeHealth {
        let mut findings = self.driver.diagnose().await;
        findings.push(self.settings.data_plane_check());
        findings.extend(slow_log::found(&[SlowKind::Start, SlowKind::Call, SlowKind::End]));
        NodeHealth { word: self.status(), findings }
    }

    pub(crate) fn vaults(&self, of: Option<&VaultId>) -> NodeVaults {
        // Outside the lock: each is a look into /proc, and the shards need the table.
        let found: Vec<Arc<VaultHandle>> = {
            let book = self.book();
            match of {
                Some(id) => book.living.get(id).map(|entry| entry.vault.clone()).into_iter().collect(),
                None => book.living.values().map(|entry| entry.vault.clone()).collect(),
            }
        };
        NodeVaults { word: self.status(), vaults: found.iter().map(|vault| vault.describe()).collect() }
    }

    pub(crate) fn status(&self) -> NodeStatus {
        let vaults = self.book().living.len();
        NodeStatus {
            name: self.settings.name.clone(),
            boot_id: self.boot_id.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            vault_build: crate::init::BUILD.to_owned(),
            data_plane: self.settings.data_plane,
            data_plane_reason: self.settings.data_plane_reason.clone(),
            draining: self.draining.load(Ordering::Relaxed),
            max_vaults: self.settings.max_vaults,
            warm_vaults: u32::try_from(self.pool.stock()).unwrap_or(u32::MAX),
            free_memory_bytes: host_load::free_memory_bytes(),
            load_percent: host_load::load_percent(),
            vaults: u32::try_from(vaults).unwrap_or(u32::MAX),
            code: self.code_cache.list(),
        }
    }
}
