//! Resource representation: a vault as its caller is shown it, of what was drafted and what its node has said.

use crate::failure::Failure;
use crate::ledger::GENERATION;
use crate::scheduler::PlacementError;
use crate::summon::Drafted;
use hauki_contract::api::node::Provisioned;
use hauki_contract::api::vault::{NodeScore, Vault};
use hauki_contract::model::id::{NodeName, VaultId};
use hauki_contract::model::phase::Phase;
use hauki_contract::system::{clock, random};

pub(super) fn planned(drafted: &Drafted, scores: Vec<NodeScore>) -> Result<Vault, Failure> {
    match scores.iter().find(|score| score.chosen).map(|score| score.node.clone()) {
        Some(node) => {
            let nothing = Provisioned::default();
            let vault = built(drafted, random::vault_id(), node, nothing, scores);
            Ok(Vault { phase: Phase::Forging.into(), changed: false, dry_run: true, ..vault })
        }
        None => Err(PlacementError::Unplanned { scores }.into()),
    }
}

pub(super) fn built(
    drafted: &Drafted,
    id: VaultId,
    node: NodeName,
    provisioned: Provisioned,
    explanation: Vec<NodeScore>,
) -> Vault {
    let summons = &drafted.summons;
    Vault {
        id,
        summons: summons.id.clone(),
        worker: summons.worker.clone(),
        node,
        generation: GENERATION,
        phase: Phase::Forged.into(),
        methods: provisioned.methods,
        limits: summons.limits.clone(),
        unlimited: provisioned.unlimited,
        terms: summons.terms.clone(),
        labels: summons.labels.clone(),
        name: summons.name.clone(),
        parent: summons.parent.clone(),
        owner: summons.owner,
        endpoint: None,
        forged_at: clock::now(),
        forged_us: provisioned.forged_us,
        vitals: None,
        receipt: None,
        unreachable: None,
        explanation,
        damaged: false,
        changed: true,
        dry_run: false,
    }
}
