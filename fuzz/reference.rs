//! Tickets and references among the data: no token gets into a vault, what is no ticket stays as it is, a vault's
//! text cannot be blown up, and what went in comes out.

#![no_main]

mod cost;

use std::borrow::Cow;

use hauki_contract::model::ticket::Ticket;
use hauki_contract::rpc::reference::{FoundTicket, TravelError, put_back, take_in, write};
use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::Value;
use serde_json::value::RawValue;

const LIMIT: usize = 64 * 1024;

/// How often something may be given in one text.
const MOST: usize = 64;

/// Where a fuzzer's text has this, a whole ticket stands: none is found by chance.
const TICKET: &str = r#"{"v":1,"kind":"ticket","id":"tkt_01HF7YAT00000000000000001A","vault":"vlt_01HF7YAT00000000000000001A","generation":1,"node":"n1","worker":{"name":"scout","sha256":"0000000000000000000000000000000000000000000000000000000000000000"},"endpoint":{"ip":"10.66.0.2","port":4000},"tls":{"version":"1.3","cert_sha256":"0000000000000000000000000000000000000000000000000000000000000000","key_sha256":"0000000000000000000000000000000000000000000000000000000000000000"},"auth":{"scheme":"biscuit","token":"hidden"},"protocol":{"name":"jsonrpc-2.0","framing":"ndjson","max_frame_bytes":4096,"call_deadline_ms":5},"methods":["f"],"lease":{"claim_ms":1,"lease_ms":1,"link":false,"link_silence_ms":1},"issued_at":"2026-11-21T12:00:00Z","expires_at":"2026-11-21T13:00:00Z"}"#;

/// Whether somewhere in it stands what a vault must not see.
fn shows_ticket(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(shows_ticket),
        Value::Object(members) => {
            let is_one = serde_json::from_value::<Ticket>(value.clone())
                .is_ok_and(|ticket| ticket.auth.scheme == "biscuit");
            is_one || members.values().any(shows_ticket)
        }
        _ => false,
    }
}

fuzz_target!(|text: &str| -> Corpus {
    let text = &text.replace("%T", TICKET);
    // What gets here is one line of JSON that has been looked at.
    let Ok(raw) = serde_json::from_str::<&RawValue>(text) else { return Corpus::Reject };
    let text = raw.get();
    let mut given = Vec::new();
    let taken = take_in(text, |FoundTicket { ticket, text }| {
        if given.len() == MOST {
            return Err(TravelError::Full(MOST));
        }
        assert_eq!(serde_json::from_str::<Ticket>(text).ok().as_ref(), Some(&ticket));
        given.push(text.to_owned());
        Ok(write(&format!("w{}", given.len()), &ticket))
    });
    if let Ok(taken) = taken {
        assert!(serde_json::from_str::<&RawValue>(&taken).is_ok(), "is no JSON any more: {taken}");
        assert_eq!(matches!(taken, Cow::Borrowed(_)), given.is_empty());
        let before: Option<Value> = serde_json::from_str(text).ok();
        // Who writes his own ticket so that it is not known hides it from nobody but the gate.
        if !text.contains("\\u")
            && let Some(seen) = before.and(serde_json::from_str::<Value>(&taken).ok())
        {
            assert!(!shows_ticket(&seen), "a token is shown: {taken}");
        }
        if !text.contains("$hauki") {
            let back = put_back(&taken, usize::MAX, |word| {
                let number = word[1..].parse::<usize>().map_err(|_| TravelError::NotGiven)?;
                given.get(number - 1).ok_or(TravelError::NotGiven)
            });
            assert_eq!(back.expect("comes back"), text);
        }
    }

    // The other way, of a vault that says anything.
    let mut asked = 0;
    let back = cost::within(LIMIT + text.len(), 8, || {
        put_back(text, LIMIT, |word| {
            asked += 1;
            if word.is_empty() { Err(TravelError::NotGiven) } else { Ok("x".repeat(1000)) }
        })
    });
    match back {
        Ok(Cow::Borrowed(same)) => assert_eq!(same, text),
        Ok(Cow::Owned(back)) => assert!(back.len() <= LIMIT, "{} bytes", back.len()),
        Err(_) => {}
    }
    assert!(asked <= LIMIT / 1000 + 2, "{asked} tickets were written before anybody looked");
    Corpus::Keep
});
