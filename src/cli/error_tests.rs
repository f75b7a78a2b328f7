//! What errors say to people and to machines.

use super::*;
use crate::api::ErrorCode;

#[test]
fn an_api_error_keeps_code_hint_and_retryable() {
    let error: CliError = ApiError::new(ErrorCode::NoCapacity, "no node can take it").hint("wait").into();
    let json = error.json(Some("sum_1"));
    assert_eq!(json["code"], "no_capacity");
    assert_eq!(json["exit"], 75);
    assert_eq!(json["retryable"], true);
    assert_eq!((json["hint"].as_str(), json["input"].as_str()), (Some("wait"), Some("sum_1")));
    let text = anstream::adapter::strip_str(&error.text(None)).to_string();
    assert_eq!(text, "error: no node can take it\nhint: wait\n");
}

#[test]
fn a_workers_error_tells_its_place_once() {
    let worker = WorkerError {
        kind: crate::rpc::channel::WorkerErrorKind::Throw,
        message: "boom".into(),
        file: Some("scout.js".into()),
        line: Some(3),
        column: None,
        stack: Some("at f (scout.js:3)\nat g (scout.js:9)".into()),
    };
    let error: CliError = ApiError::new(ErrorCode::WorkerFailed, "boom").worker(worker).into();
    assert_eq!(error.message, "boom  (scout.js:3)");
    assert!(error.text(None).contains("   at g (scout.js:9)\n"));
}
