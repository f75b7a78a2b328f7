//! Compatibility shim: version 0.1 of `hauki` refuses a receipt with a member that it does not know, after the vault
//! has been ended. It is told from later ones by its `User-Agent`, and gets what it can read.
//!
//! Every later client passes over what it does not know, so nothing is added here for what comes.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, USER_AGENT};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::TryStreamExt as _;
use serde_json::Value;

const OLDER: &str = "hauki/0.1.";

/// Of a receipt, what came after version 0.1.
const LATER_MEMBERS: [&str; 2] = ["generation", "witness"];
/// Every receipt has it, and nothing else has.
const MARK: &str = "reclaimed_us";
/// Of the stream of events.
const LATER_EVENTS: [&str; 1] = ["lost"];

/// Innermost of all layers: a long answer is still in one piece, and a line of a stream is.
pub(super) async fn readable(request: Request, next: Next) -> Response {
    let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    let is_older = agent.is_some_and(|agent| agent.starts_with(OLDER));
    let answer = next.run(request).await;
    if !is_older {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from_stream(body.into_data_stream().map_ok(|piece| reduced(&piece))))
}

/// Lines of JSON, or one document; what is neither stays.
fn reduced(text: &Bytes) -> Bytes {
    if !text.windows(MARK.len()).any(|part| part == MARK.as_bytes()) && !is_later(text) {
        return text.clone();
    }
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match serde_json::from_slice::<Value>(line) {
            Ok(value) if value["event"].as_str().is_some_and(|event| LATER_EVENTS.contains(&event)) => {}
            Ok(mut value) => {
                reduce(&mut value);
                serde_json::to_writer(&mut out, &value).expect("a value serializes to memory");
                if line.ends_with(b"\n") {
                    out.push(b'\n');
                }
            }
            Err(_) => out.extend_from_slice(line),
        }
    }
    out.into()
}

fn is_later(text: &[u8]) -> bool {
    LATER_EVENTS.iter().any(|event| text.windows(event.len()).any(|part| part == event.as_bytes()))
}

fn reduce(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.contains_key(MARK) {
                members.retain(|name, _| !LATER_MEMBERS.contains(&name.as_str()));
            }
            members.values_mut().for_each(reduce);
        }
        Value::Array(items) => items.iter_mut().for_each(reduce),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        String::from_utf8(reduced(&Bytes::copy_from_slice(text.as_bytes())).to_vec()).expect("is text")
    }

    #[test]
    fn receipts_are_as_they_were_wherever_they_stand_and_nothing_else_is_touched() {
        let receipt = r#"{"vault":"v","generation":1,"witness":"core","lived_ms":1,"reclaimed_us":2}"#;
        let older = r#"{"vault":"v","lived_ms":1,"reclaimed_us":2}"#;
        for around in
            ["RECEIPT", r#"{"destructed":RECEIPT}"#, r#"{"vaults":[{"generation":7,"receipt":RECEIPT}]}"#]
        {
            assert_eq!(read(&around.replace("RECEIPT", receipt)), around.replace("RECEIPT", older));
        }
        let lines =
            format!("{{\"event\":\"dead\",\"receipt\":{receipt}}}\n{{\"event\":\"lost\"}}\n{{\"b\":1.0}}\n");
        assert_eq!(read(&lines), format!("{{\"event\":\"dead\",\"receipt\":{older}}}\n{{\"b\":1.0}}\n"));
        for same in ["", "\n", "a lost word", r#"{"generation":1,"witness":"core"}"#] {
            assert_eq!(read(same), same);
        }
    }
}
