//! Call context: what a gate tells the next when it calls for its vault: who waits already, and for how long; and which
//! trace a call belongs to.
//!
//! It stands in the request beside JSON-RPC's own members, as `hauki`. Nobody gains by lying in it: a
//! name too many has one's own call refused, and a deadline can only become shorter.

use serde::{Deserialize, Serialize};

use super::message::{self, RpcError, code};
use crate::model::id::VaultId;
use crate::model::trace::{TRACEPARENT, TraceContext};
use crate::strict::{self, DocumentLimits};

/// How many vaults may wait for each other in a row.
pub const MAX_DEPTH: usize = 16;
/// The end of a request as it is written.
const END: &[u8] = b"}\n";
const LIMITS: DocumentLimits = DocumentLimits { bytes: 4096, depth: 2, values: usize::MAX };

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallContext {
    /// The vaults that wait for this call, the first caller first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<VaultId>,
    /// What is left of the first caller's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u32>,
}

impl CallContext {
    /// Reads the member of a request, if it is there.
    pub fn read(text: Option<&str>) -> Result<Self, RpcError> {
        let Some(text) = text else { return Ok(Self::default()) };
        strict::from_str(text, LIMITS)
            .map_err(|error| RpcError::new(code::INVALID_REQUEST, format!("\"hauki\": {error}")))
    }

    /// Why `vault` may not take the call: it works on one call at a time, so a call that it waits for
    /// itself would wait for ever.
    pub fn check(&self, vault: &VaultId) -> Result<(), RpcError> {
        if self.via.contains(vault) {
            let chain: Vec<&str> = self.via.iter().chain([vault]).map(VaultId::as_str).collect();
            let message = format!("{vault} waits for this very call itself ({})", chain.join(" -> "));
            return Err(RpcError::new(code::LOOP, message));
        }
        if self.via.len() >= MAX_DEPTH {
            let message = format!("{} vaults wait for each other, no more may", self.via.len());
            return Err(RpcError::new(code::LOOP, message));
        }
        Ok(())
    }

    /// Appends a request with this member, newline included. `params` is JSON text.
    pub fn write_request(&self, out: &mut Vec<u8>, id: u64, method: &str, params: &str) {
        message::write_request(out, Some(id), method, Some(params));
        add_member(out, "hauki", self);
    }
}

/// Puts one more member into the request at the end of `out`.
fn add_member(out: &mut Vec<u8>, name: &str, value: &impl Serialize) {
    out.truncate(out.len() - END.len());
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    serde_json::to_writer(&mut *out, value).expect("a member serializes to memory");
    out.extend_from_slice(END);
}

/// Says in the request at the end of `line`, the only one there, which trace it belongs to; not where the line would become
/// longer than `most` bytes by that, its newline not counted. Whoever does not know the member passes it over.
pub fn add_trace(line: &mut Vec<u8>, trace: TraceContext, most: usize) {
    let plain = line.len() - END.len();
    add_member(line, TRACEPARENT, &trace);
    if line.len() - 1 > most {
        line.truncate(plain);
        line.extend_from_slice(END);
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::Incoming;
    use super::*;

    #[test]
    fn who_waits_already_is_refused_and_so_is_an_endless_row() {
        let [a, b] = [1, 2].map(|number| VaultId::mint(1, number));
        let nested = CallContext { via: vec![a.clone(), b.clone()], ..CallContext::default() };
        let error = nested.check(&a).expect_err("is a loop");
        assert_eq!(error.code, code::LOOP);
        assert!(error.message.contains(&format!("{a} -> {b} -> {a}")), "{}", error.message);
        assert_eq!(nested.check(&VaultId::mint(1, 3)), Ok(()));
        let via = (0..MAX_DEPTH as u128).map(|number| VaultId::mint(2, number)).collect();
        assert!(CallContext { via, ..CallContext::default() }.check(&a).is_err());
    }

    #[test]
    fn it_travels_in_a_request() {
        let nested = CallContext { via: vec![VaultId::mint(1, 1)], deadline_ms: Some(250) };
        let mut line = Vec::new();
        nested.write_request(&mut line, 7, "f", "[1]");
        let Incoming::Single(Ok(request)) = Incoming::decode(&line) else { panic!("is a request") };
        assert_eq!((request.id, request.params), (Some("7"), Some("[1]")));
        assert_eq!(CallContext::read(request.nested).expect("is whole"), nested);
        assert_eq!(CallContext::read(None).expect("is nothing"), CallContext::default());
        assert!(CallContext::read(Some("{\"via\":1}")).is_err());
        assert!(CallContext::read(Some("[[],250]")).is_err(), "an array is no object");
    }
}
