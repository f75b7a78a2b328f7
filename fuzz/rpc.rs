//! Lines at a gate and at a caller: requests, batches, answers, hellos. Each is answered with a value; what is kept
//! of one is in it; what is written from it can be read again; and a caller's id comes back as it was.

#![no_main]

mod cost;

use hauki_contract::rpc::builtin::{Cancel, Dying, FIELDS, Hello, MAX_FEATURE, MAX_FEATURES, Welcome};
use hauki_contract::rpc::call_context::{CallContext, MAX_DEPTH};
use hauki_contract::rpc::callback::CallbackAnswer;
use hauki_contract::rpc::message::{
    GateMessage, Incoming, Invalid, MAX_BATCH, MAX_ID_BYTES, Request, RpcError, code, is_same_id,
    write_error, write_request, write_result,
};
use hauki_contract::strict;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;

/// An id is text that stands in the line and is one JSON value that an id may be.
fn check_id(line: &str, id: &str) {
    assert!(line.contains(id) && id.len() <= MAX_ID_BYTES, "{id}");
    let raw: &RawValue = serde_json::from_str(id).expect("is JSON");
    assert_eq!(raw.get(), id);
    assert!(is_same_id(id, id));
    assert!(id == "null" || id.starts_with('"') || id.parse::<f64>().is_ok(), "{id} is no id");
}

fn check(line: &str, request: Result<Request<'_>, Invalid>) {
    match request {
        Ok(request) => {
            if let Some(id) = request.id {
                check_id(line, id);
                answer(id);
            }
            for text in [request.params, request.nested].into_iter().flatten() {
                assert!(line.contains(text));
                assert!(serde_json::from_str::<&RawValue>(text).is_ok());
            }
            hello(&request);
            forward(&request);
        }
        Err(invalid) => {
            assert!(invalid.message.len() <= 400 + 4 * line.len(), "{}", invalid.message);
            let known = [code::PARSE, code::INVALID_REQUEST].contains(&invalid.code);
            assert!(known, "{}", invalid.code);
            if let Some(id) = &invalid.id {
                check_id(line, id);
            }
            let is_json = serde_json::from_str::<&RawValue>(line).is_ok();
            assert!(invalid.code != code::PARSE || !is_json, "JSON is said to be none: {line}");
            let (mut out, id) = (Vec::new(), invalid.id.clone());
            write_error(&mut out, id.as_deref(), &RpcError::from(invalid));
            let read = GateMessage::decode(&out).expect("can be read");
            assert_eq!(read.id.map(RawValue::get), Some(id.as_deref().unwrap_or("null")));
            assert!(read.error.is_some());
        }
    }
}

/// What a gate answers to it, as the caller sees it.
fn answer(id: &str) {
    let mut out = Vec::new();
    write_result(&mut out, id, "[1.10]");
    let read = GateMessage::decode(&out).expect("can be read");
    assert_eq!(read.id.map(RawValue::get), Some(id));
    assert_eq!(read.result.map(RawValue::get), Some("[1.10]"));
}

fn hello(request: &Request<'_>) {
    let Some(params) = request.params else { return };
    if let Some((hello, fault)) = cost::within(params.len(), 64, || Hello::read(params)) {
        assert!(params.len() <= FIELDS.bytes);
        let whole = fault.is_none();
        let lengths = hello.features.iter().map(String::len).max().unwrap_or(0);
        assert!(!whole || hello.features.len() <= MAX_FEATURES && lengths <= MAX_FEATURE);
        // Without a fault it is what the caller's library writes.
        if whole {
            let again = serde_json::to_string(&hello).expect("serializes");
            let (read, fault) = Hello::read(&again).expect("has a token");
            assert_eq!((serde_json::to_string(&read).expect("serializes"), fault), (again, None));
        }
    }
    if let Ok(Cancel { id }) = strict::from_str::<Cancel>(params, FIELDS) {
        assert!(params.contains(id.get()));
    }
}

/// What a gate makes of it when it calls for its vault.
fn forward(request: &Request<'_>) {
    let Ok(nested) =
        cost::within(request.nested.map_or(0, str::len), 64, || CallContext::read(request.nested))
    else {
        return;
    };
    let vault = "vlt_01HF7YAT00000000000000001A".parse().expect("is an id");
    let may = nested.check(&vault).is_ok();
    assert!(!may || nested.via.len() < MAX_DEPTH && !nested.via.contains(&vault));
    let params = request.params.unwrap_or("[]");
    if params.contains('\n') {
        // A gate takes lines, so none is in it.
        return;
    }
    let mut out = Vec::new();
    nested.write_request(&mut out, 7, &request.method, params);
    assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
    let Incoming::Single(Ok(read)) = Incoming::decode(&out) else { panic!("is no request") };
    assert_eq!((&read.method, read.params, read.id), (&request.method, Some(params), Some("7")));
    assert_eq!(CallContext::read(read.nested), Ok(nested));
    out.clear();
    write_request(&mut out, None, &request.method, request.params);
    let Incoming::Single(Ok(read)) = Incoming::decode(&out) else { panic!("is no request") };
    assert_eq!((&read.method, read.params, read.id), (&request.method, request.params, None));
}

fn outgoing(line: &[u8]) {
    let Ok(message) = cost::within(line.len(), 200, || GateMessage::decode(line)) else { return };
    let text = std::str::from_utf8(line).expect("is JSON");
    for raw in [message.id, message.result, message.params].into_iter().flatten() {
        assert!(text.contains(raw.get()));
    }
    if let Some(params) = message.params {
        let _ = serde_json::from_str::<Dying>(params.get());
    }
    if let Some(welcome) = message.result {
        let _ = serde_json::from_str::<Welcome>(welcome.get());
    }
    if let Some(error) = message.error {
        let mut out = Vec::new();
        write_error(&mut out, None, &error);
        assert_eq!(GateMessage::decode(&out).expect("can be read").error, Some(error));
    }
}

/// What answers a gate's own request is none itself, and what it says is a part of the line.
fn callback(line: &[u8]) {
    let Some(answer) = cost::within(line.len(), 64, || CallbackAnswer::read(line)) else { return };
    assert!(!matches!(Incoming::decode(line), Incoming::Single(Ok(_))), "a request is taken for an answer");
    if let Ok(said) = answer.said {
        assert!(serde_json::from_str::<&RawValue>(said).is_ok());
        assert!(std::str::from_utf8(line).is_ok_and(|line| line.contains(said)));
    }
}

fuzz_target!(|bytes: &[u8]| {
    // A gate has cut the stream into lines.
    for line in bytes.split(|byte| *byte == b'\n') {
        outgoing(line);
        callback(line);
        let incoming = cost::within(line.len(), 64, || Incoming::decode(line));
        let Ok(text) = std::str::from_utf8(line) else {
            assert!(matches!(incoming, Incoming::Single(Err(Invalid { code: code::PARSE, .. }))));
            continue;
        };
        match incoming {
            Incoming::Single(request) => check(text, request),
            Incoming::Batch(requests) => {
                assert!((1..=MAX_BATCH).contains(&requests.len()));
                let members: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
                assert!(members.is_empty() || members.len() == requests.len());
                requests.into_iter().for_each(|request| check(text, request));
            }
        }
    }
});
