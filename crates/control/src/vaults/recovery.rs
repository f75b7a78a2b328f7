//! Record recovery: vaults and names whose records are damaged are recorded again, by what else knows of them.
//!
//! A vault lives on its node, whatever becomes of its record. So it is not left to its lease: what its node says,
//! and what the records of its key, its summons, its name and its budget say, becomes a record anew that is marked
//! `damaged`. From then on it is listed, counted, reaped and ended as any other, and its name ends with it. One that
//! no node knows has died, and gets its tombstone. As long as a node that may have it cannot be asked, it counts as
//! living. What was damaged stays under `aside/` until the vault's end.
//!
//! The round takes no input: it goes through what is set aside and has no record again. A crash leaves it to the
//! next look through the store.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;

use super::{Vaults, lost};
use crate::failure::{Failure, VaultError};
use crate::ledger::{
    Budget, Burial, KEY, KeyRecord, NAME, Records, SPOOL, VAULT, VaultRecord, Versioned, budget_key,
    name_key, summons_key, tomb_key, vault_key,
};
use crate::nodes::NodeSlot;
use hauki_contract::api::node::{NodeVault, NodeVaults};
use hauki_contract::api::registry::Service;
use hauki_contract::api::spool::SpoolEntry;
use hauki_contract::api::summons::Summons;
use hauki_contract::api::vault::Vault;
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::error_chain;
use hauki_contract::model::id::{NodeName, SummonsId, VaultId};
use hauki_contract::model::lease::Terms;
use hauki_contract::model::name::ServiceName;
use hauki_contract::model::phase::Phase;
use hauki_contract::model::receipt::Receipt;
use hauki_contract::model::ticket::Worker;
use hauki_contract::system::{clock, random};

/// Until a node that could not be asked is asked again.
const AGAIN: Duration = Duration::from_secs(15);

const PAGE: usize = 256;

/// What its worker is called where nothing tells its name any more.
const NAMELESS: &str = "damaged-record";

/// What other records still know of a vault.
#[derive(Default)]
struct Traces {
    node: Option<NodeName>,
    summons: Option<SummonsId>,
    made_of: Option<Summons>,
    budget: Option<Budget>,
    held: Option<Service>,
    methods: Vec<String>,
}

impl Traces {
    async fn of(id: &VaultId, records: &Records) -> Result<Self, Failure> {
        let mut traces = Self::default();
        let mut after = None;
        loop {
            let (page, next) = records.page::<KeyRecord>(KEY, after.as_deref(), PAGE).await?;
            for key in page.into_iter().map(|found| found.value).filter(|key| key.vault.as_ref() == Some(id))
            {
                traces.summons = Some(key.summons);
                if let Some(ticket) = key.ticket {
                    (traces.node, traces.methods) = (Some(ticket.node), ticket.methods);
                }
            }
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let entries = records.all::<SpoolEntry>(SPOOL).await?.into_iter().map(|found| found.value);
        let entry = entries.into_iter().find(|entry| entry.vault.as_ref() == Some(id));
        traces.summons = traces.summons.or(entry.map(|entry| entry.summons));
        if let Some(summons) = &traces.summons {
            traces.made_of = records.find(&summons_key(summons)).await?.map(|found| found.value);
        }
        let mut names = records.all::<Service>(NAME).await?.into_iter().map(|found| found.value);
        traces.held = names.find(|service| service.vault == *id);
        traces.budget = records.find(&budget_key(id)).await?.map(|found: Versioned<Budget>| found.value);
        let told = traces.budget.as_ref().map(|budget| &budget.node);
        let told = told.or(traces.held.as_ref().map(|service| &service.node)).cloned();
        traces.node = traces.node.or(told);
        Ok(traces)
    }

    fn name(&self) -> Option<ServiceName> {
        let held = self.held.as_ref().map(|service| service.name.clone());
        held.or_else(|| self.made_of.as_ref().and_then(|summons| summons.name.clone()))
    }

    fn vault(&self, id: &VaultId, node: NodeName, said: Option<&NodeVault>) -> Vault {
        let (summons, budget) = (self.made_of.as_ref(), self.budget.as_ref());
        let now = clock::now();
        let born = said.and_then(|said| {
            let age = SignedDuration::from_millis(i64::try_from(said.vitals.age_ms).ok()?);
            now.checked_sub(age).ok()
        });
        let held_worker = self.held.as_ref().map(|service| service.worker.clone());
        let nameless = || Worker { name: NAMELESS.into(), version: None, sha256: Sha256::of(b"") };
        let limits = budget.map(|budget| budget.limits.clone());
        Vault {
            id: id.clone(),
            summons: self.summons.clone().unwrap_or_else(random::summons_id),
            worker: summons.map(|summons| summons.worker.clone()).or(held_worker).unwrap_or_else(nameless),
            node,
            generation: said.map_or(crate::ledger::GENERATION, |said| said.generation),
            phase: said.map_or(Phase::Forged.into(), |said| said.phase),
            methods: self.methods.clone(),
            limits: summons.map(|summons| summons.limits.clone()).or(limits).unwrap_or_default(),
            unlimited: Vec::new(),
            terms: summons.map_or_else(longest, |summons| summons.terms.clone()),
            labels: summons.map(|summons| summons.labels.clone()).unwrap_or_default(),
            name: self.name(),
            parent: summons
                .and_then(|summons| summons.parent.clone())
                .or(budget.and_then(|budget| budget.parent.clone())),
            owner: summons.and_then(|summons| summons.owner).or(budget.and_then(|budget| budget.owner)),
            endpoint: None,
            forged_at: born.or(self.held.as_ref().map(|service| service.since)).unwrap_or(now),
            forged_us: 0,
            vitals: None,
            receipt: None,
            unreachable: None,
            explanation: Vec::new(),
            damaged: true,
            changed: false,
            dry_run: false,
        }
    }
}

/// Nobody is declared lost before the longest life is over.
fn longest() -> Terms {
    Terms { lifetime_ms: Terms::LONGEST_LIFE_MS, ..Terms::default() }
}

impl Vaults {
    /// A vault, living or dead, also where its record was damaged.
    pub(crate) async fn vault_record(&self, id: &VaultId) -> Result<Option<Versioned<VaultRecord>>, Failure> {
        let found = match self.records.vault(id).await {
            Err(_) if self.records.aside().is_missing(&vault_key(id)) => {
                self.salvage(id).await?;
                self.records.vault(id).await
            }
            found => found,
        };
        // Where there was a tombstone, there is no doubt that it has died.
        found.map_err(|error| match self.records.aside().is_missing(&tomb_key(id)) {
            true => VaultError::Unreadable { vault: id.clone() }.into(),
            false => error.into(),
        })
    }

    /// The living, with those whose records turn out to be damaged just now.
    pub(crate) async fn living_records(&self) -> Result<Vec<Versioned<VaultRecord>>, Failure> {
        let living = self.records.all(VAULT).await?;
        if !self.records.aside().any_new_vault() {
            return Ok(living);
        }
        self.salvage_all().await;
        Ok(self.records.all(VAULT).await?)
    }

    pub(crate) async fn salvage_for_ever(&self) {
        loop {
            match self.records.aside().any_missing() {
                true => drop(tokio::time::timeout(AGAIN, self.records.aside().found()).await),
                false => self.records.aside().found().await,
            }
            self.salvage_all().await;
        }
    }

    /// What cannot be done now is done in a later round.
    pub(crate) async fn salvage_all(&self) {
        for key in self.records.aside().missing() {
            let done = if let Some(Ok(id)) = key.strip_prefix(VAULT).map(str::parse::<VaultId>) {
                self.salvage(&id).await
            } else if let Some(Ok(name)) = key.strip_prefix(NAME).map(str::parse::<ServiceName>) {
                self.salvage_name(&name).await
            } else {
                continue;
            };
            if let Err(error) = done {
                self.records.aside().is_unknown(&key);
                tracing::warn!(record = %key, error = error_chain::told(&error), "what is damaged is not recorded again yet");
            }
        }
    }

    /// By its nodes' word it lives and is recorded again, or it is dead and gets its tombstone.
    async fn salvage(&self, id: &VaultId) -> Result<(), Failure> {
        let turn = self.flights.enter(&salvage_key(id)).await;
        if !self.records.aside().is_missing(&vault_key(id)) {
            return Ok(());
        }
        let traces = Traces::of(id, &self.records).await?;
        let slots = self.node_table.slots();
        let asked: Vec<&Arc<NodeSlot>> = slots
            .values()
            .filter(|slot| traces.node.as_ref().is_none_or(|node| *node == slot.name))
            .collect();
        let answers = join_all(asked.iter().map(|slot| slot.vaults(Some(id.clone())))).await;
        let (mut there, mut silence) = (Vec::new(), None);
        for (slot, answer) in asked.iter().zip(answers) {
            match answer {
                Ok(NodeVaults { word, vaults }) => {
                    let said = vaults.into_iter().find(|said| said.vault == *id && said.phase.is_alive());
                    there.extend(said.map(|said| (slot, said, word.boot_id)));
                }
                Err(error) => silence = Some(error),
            }
        }
        match there.as_slice() {
            [(slot, said, boot_id)] => {
                let vault = traces.vault(id, slot.name.clone(), Some(said));
                return self.record_again(vault, boot_id).await;
            }
            [] => {}
            _ => {
                return Err(VaultError::Disputed { vault: id.clone() }.into());
            }
        }
        if let Some(error) = silence {
            return Err(error.into());
        }
        self.records.look_aside().await?;
        self.records.refuse_damaged_nodes()?;
        let mut receipt = None;
        for slot in asked {
            if receipt.is_none() {
                receipt = self.ask_for_tombstone(slot, id).await?;
            }
        }
        let only = || slots.keys().next().filter(|_| slots.len() == 1).cloned();
        let node = receipt.as_ref().map(|receipt| receipt.node.clone());
        let Some(node) = node.or_else(|| traces.node.clone()).or_else(only) else {
            // There is nobody by whose name a tombstone could be written.
            return Ok(self.ledger.forget_vault(id).await?);
        };
        let vault = traces.vault(id, node, None);
        let receipt = receipt.unwrap_or_else(|| lost(&vault, "its record was damaged, and no node knows it"));
        drop(turn);
        self.bury(receipt).await.map(drop)
    }

    /// A death has come before there was a record again: it gets its tombstone at once.
    pub(crate) async fn bury_damaged(&self, receipt: &mut Receipt) -> Result<Burial, Failure> {
        let _turn = self.flights.enter(&salvage_key(&receipt.vault)).await;
        let traces = Traces::of(&receipt.vault, &self.records).await?;
        if let Some(known) = traces.node.clone().filter(|known| *known != receipt.node) {
            return Ok(Burial::Foreign(known));
        }
        let vault = traces.vault(&receipt.vault, receipt.node.clone(), None);
        Ok(self.ledger.bury_damaged(vault, receipt).await?)
    }

    /// One that nobody recorded, while something is damaged that may have been its record.
    pub(crate) async fn salvage_unknown(
        &self,
        slot: &NodeSlot,
        said: &NodeVault,
        boot_id: &str,
    ) -> Result<(), Failure> {
        let _turn = self.flights.enter(&salvage_key(&said.vault)).await;
        let traces = Traces::of(&said.vault, &self.records).await?;
        if traces.node.as_ref().is_some_and(|known| *known != slot.name) {
            return Ok(());
        }
        self.record_again(traces.vault(&said.vault, slot.name.clone(), Some(said)), boot_id).await
    }

    async fn record_again(&self, vault: Vault, boot_id: &str) -> Result<(), Failure> {
        let (id, node) = (vault.id.clone(), vault.node.clone());
        self.buried.remove(&id);
        if self.ledger.record_again(vault, boot_id).await? {
            tracing::warn!(vault = %id, %node, "a vault was recorded again, for its record was damaged");
        }
        Ok(())
    }

    /// It is its living holder's, or nobody's once no vault is without a record that could be it.
    async fn salvage_name(&self, name: &ServiceName) -> Result<(), Failure> {
        let _turn = self.flights.enter(&name_key(name)).await;
        // Before the look at the living, who may be recorded again from here on, with their names.
        let Some(damage) = self.ledger.damaged_name(name).await? else { return Ok(()) };
        let living = self.records.all::<VaultRecord>(VAULT).await?;
        let holder = living.into_iter().find(|found| found.value.vault().name.as_ref() == Some(name));
        if let Some(holder) = holder {
            return Ok(self.ledger.name_again(name, damage, &holder).await?);
        }
        self.records.look_aside().await?;
        if self.records.aside().missing_vaults() > 0 {
            return Ok(());
        }
        Ok(self.ledger.free_name(damage).await?)
    }
}

fn salvage_key(id: &VaultId) -> String {
    format!("salvage/{id}")
}
