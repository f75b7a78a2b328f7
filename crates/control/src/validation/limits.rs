//! Input limits: how much of what a node says is taken, and the checks that need nothing but the words. Pure.

use hauki_contract::api::node::NodeStatus;
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::model::check::Check;
use hauki_contract::model::id::{NodeName, VaultId};
use hauki_contract::model::receipt::{Receipt, Witness};
pub(super) use hauki_contract::model::text::{NAME, clean, cut, name};
use hauki_contract::model::text::{SENTENCE as TEXT, clean_some};

/// A line of a worker's `print`.
pub(super) const LINE: usize = 64 << 10;
pub(super) const VAULTS: usize = 100_000;
/// No lease is longer.
pub(super) const LEASE_MS: u64 = 24 * 3_600_000;

const METHODS: usize = 4096;
const CODES: usize = 4096;
const FINDINGS: usize = 64;
const RECLAIMED: usize = 32;

/// What a machine may claim to have, so that no sum of it runs over and no score is bought by a number.
const MOST_MEMORY: u64 = 1 << 46;
const MOST_VAULTS: u32 = 1_000_000;
const MOST_LOAD: u32 = 1_000_000;

/// A receipt of this vault, by this node, cut to size and marked as the node's word.
pub(super) fn receipt(receipt: &mut Receipt, vault: &VaultId, node: &NodeName) -> Result<(), String> {
    if receipt.node != *node {
        return Err(format!("it has a receipt of node {} for {vault}", name(receipt.node.as_str())));
    }
    if receipt.vault != *vault {
        return Err(format!("it was asked for {vault} and has a receipt of {}", receipt.vault));
    }
    receipt.death.cut();
    receipt.reclaimed.truncate(RECLAIMED);
    receipt.reclaimed.iter_mut().for_each(|line| clean(&mut line.name, NAME));
    receipt.witness = Some(Witness::Node.into());
    Ok(())
}

/// The texts of an error.
pub(super) fn error(error: &mut NodeError) {
    clean(&mut error.message, TEXT);
    clean_some(&mut error.hint, TEXT);
    if let NodeFault::BadSource(Some(worker)) | NodeFault::WorkerFailed(Some(worker)) = &mut error.fault {
        cut(&mut worker.message, TEXT);
        for text in [&mut worker.stack, &mut worker.file].into_iter().flatten() {
            cut(text, TEXT);
        }
    }
}

pub(super) fn word(word: &mut NodeStatus) {
    for text in [&mut word.boot_id, &mut word.version, &mut word.vault_build, &mut word.data_plane_reason] {
        clean(text, NAME);
    }
    word.code.truncate(CODES);
    word.max_vaults = word.max_vaults.min(MOST_VAULTS);
    word.warm_vaults = word.warm_vaults.min(MOST_VAULTS);
    word.vaults = word.vaults.min(MOST_VAULTS);
    word.free_memory_bytes = word.free_memory_bytes.min(MOST_MEMORY);
    word.load_percent = word.load_percent.min(MOST_LOAD);
}

pub(super) fn findings(findings: &mut Vec<Check>) {
    findings.truncate(FINDINGS);
    for check in findings {
        clean(&mut check.what, TEXT);
        clean_some(&mut check.hint, TEXT);
    }
}

/// The names of functions. One with a sign that means something in a grant would grant more than itself.
pub(super) fn methods(methods: &[String]) -> Result<(), String> {
    if methods.len() > METHODS {
        return Err(format!("its worker has {} methods, of {METHODS} that there may be", methods.len()));
    }
    let strange = |method: &&String| {
        method.is_empty()
            || method.len() > NAME
            || method.contains(|letter: char| letter.is_control() || letter.is_whitespace())
            || method.contains(['*', '.'])
    };
    match methods.iter().find(strange) {
        Some(method) => Err(format!("{:?} is no method's name", name(method))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_functions_name_is_a_method() {
        assert_eq!(methods(&["scan".into(), "überprüfe".into(), "$".into()]), Ok(()));
        let long = "x".repeat(NAME + 1);
        for wrong in ["", "*", "hauki.destruct", "a b", "a\nb", "a\u{9b}", long.as_str()] {
            assert!(methods(&[wrong.to_owned()]).is_err(), "{wrong:?}");
        }
        assert!(methods(&vec!["x".to_owned(); METHODS + 1]).is_err());
    }
}
