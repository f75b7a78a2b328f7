//! Error mapping, tried: what of a store's and a node's errors reaches a client.

use super::*;
use hauki_contract::model::death::{Cause, Death};
use hauki_contract::model::id::VaultId;
use hauki_contract::model::receipt::Receipt;
use hauki_contract::rpc::channel::{WorkerError, WorkerErrorKind};

#[test]
fn a_store_that_others_hold_may_be_asked_again_and_a_full_one_may_not() {
    let place = || "/s/store.db".to_owned();
    let busy = |passing| StoreError::Write { place: place(), passing, source: "database is locked".into() };
    let told = ApiError::from(busy(true));
    assert_eq!(told.message, "write to the store /s/store.db: database is locked");
    assert_eq!((told.code, told.retryable), (Code::Environment.into(), true));
    for lasting in [busy(false), StoreError::Full { place: place() }, StoreError::Stopped { place: place() }]
    {
        assert!(!ApiError::from(StoreOpenError::from(lasting)).retryable);
    }
}

#[test]
fn of_a_node_s_error_nothing_is_lost() {
    let worker = WorkerError {
        kind: WorkerErrorKind::Throw,
        message: "no".into(),
        file: None,
        line: None,
        column: None,
        stack: None,
    };
    let worker = Some(Box::new(worker));
    let error = NodeError::new(NodeFault::BadSource(worker.clone()), "the source did not load").hint("h");
    let told = ApiError::from(Failure::from(error));
    assert_eq!((told.code, &told.worker, told.hint.as_deref()), (Code::BadSource.into(), &worker, Some("h")));
    let receipt = Receipt {
        vault: VaultId::mint(1, 1),
        node: "n1".parse().expect("a name"),
        generation: Some(1),
        witness: None,
        death: Death {
            cause: Cause::Destruct.into(),
            at: jiff::Timestamp::UNIX_EPOCH,
            detail: None,
            by: None,
        },
        lived_ms: 1,
        calls: 0,
        reclaimed_us: 1,
        reclaimed: Vec::new(),
    };
    let dead = ApiError::from(Failure::from(NodeError::dead(receipt.clone())));
    assert_eq!(dead, ApiError::vault_dead(receipt));
}
