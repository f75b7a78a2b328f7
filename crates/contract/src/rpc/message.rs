//! JSON-RPC 2.0 messages: decode and encode of both directions.
//!
//! A request is looked at once: its id and parameters stay raw JSON text, which the reply and the
//! channel to the vault copy as they are. Whatever comes, decoding answers with a value, never a
//! panic, and the caller of a malformed request still gets its id back where one can be read.

use std::borrow::Cow;
use std::io::Write as _;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::model::trace::TraceContext;
use crate::strict::{self, DocumentLimits, StrictError};

/// Numeric error codes. Those from -32000 down are ours; `hauki-ticket.5` lists them.
pub mod code {
    pub const PARSE: i32 = -32700;
    pub const INVALID_REQUEST: i32 = -32600;
    pub const METHOD_NOT_FOUND: i32 = -32601;
    pub const INVALID_PARAMS: i32 = -32602;
    pub const INTERNAL: i32 = -32603;
    /// The worker threw, or its result is not JSON; `data` is the worker's error.
    pub const WORKER: i32 = -32000;
    /// No valid token on this connection.
    pub const UNAUTHENTICATED: i32 = -32001;
    /// The token does not carry this right.
    pub const DENIED: i32 = -32002;
    /// The vault is dead or dying; `data` tells why.
    pub const VAULT_DEAD: i32 = -32003;
    /// The call's deadline passed.
    pub const DEADLINE: i32 = -32004;
    /// A line or a result is longer than the ticket's `max_frame_bytes`.
    pub const TOO_LARGE: i32 = -32005;
    /// The worker's heap is full.
    pub const MEMORY: i32 = -32006;
    /// Too much at once: replies that nobody reads, connections, costly tokens. Try again later.
    pub const BUSY: i32 = -32007;
    /// The vault waits, at the end of a chain of calls, for the very call that this is part of; or the
    /// chain is too long.
    pub const LOOP: i32 = -32008;

    /// The caller gave the call up.
    pub const CANCELLED: i32 = -32009;

    /// Never from a gate: the connection to it is lost, and a call that was under way may have run.
    pub const BROKEN: i32 = -32020;

    /// Every code, in the order of this list.
    pub const ALL: [i32; 16] = [
        PARSE,
        INVALID_REQUEST,
        METHOD_NOT_FOUND,
        INVALID_PARAMS,
        INTERNAL,
        WORKER,
        UNAUTHENTICATED,
        DENIED,
        VAULT_DEAD,
        DEADLINE,
        TOO_LARGE,
        MEMORY,
        BUSY,
        LOOP,
        CANCELLED,
        BROKEN,
    ];

    /// The public word of a number, as in errors and exit codes.
    #[must_use]
    pub fn word(number: i32) -> &'static str {
        match number {
            PARSE | INVALID_REQUEST => "bad_request",
            INVALID_PARAMS => "invalid_params",
            METHOD_NOT_FOUND => "method_not_found",
            WORKER => "worker_failed",
            UNAUTHENTICATED => "unauthenticated",
            DENIED => "denied",
            VAULT_DEAD => "vault_dead",
            DEADLINE => "deadline",
            TOO_LARGE => "too_large",
            MEMORY => "memory",
            BUSY => "busy",
            LOOP => "loop",
            CANCELLED => "cancelled",
            BROKEN => "connection_broken",
            INTERNAL => "internal",
            _ => "rpc_error",
        }
    }
}

/// One request as it stands in the line.
#[derive(Debug)]
pub struct Request<'a> {
    pub method: Cow<'a, str>,
    /// An array or an object, as text.
    pub params: Option<&'a str>,
    /// A string, a number or `null`, as text; absent in a notification.
    pub id: Option<&'a str>,
    /// What a gate adds that calls for its vault: [`CallContext`](super::call_context::CallContext), as text.
    pub nested: Option<&'a str>,
    /// Of `traceparent`; one that cannot be read is as none.
    pub trace: Option<TraceContext>,
}

/// Why a message is no request; `id` where one could be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Invalid {
    pub code: i32,
    pub message: String,
    pub id: Option<String>,
}

/// One line from a caller.
#[derive(Debug)]
pub enum Incoming<'a> {
    Single(Result<Request<'a>, Invalid>),
    /// Never empty.
    Batch(Vec<Result<Request<'a>, Invalid>>),
}

/// The most requests in one batch.
pub const MAX_BATCH: usize = 1024;
/// The longest id, as JSON text: it is kept with its call, repeated with the answer, and compared with each that is
/// given up.
pub const MAX_ID_BYTES: usize = 256;
/// Arrays and objects within each other, in parameters, results and events: the outermost counts. Most readers end at
/// some depth, and some of them badly.
pub const MAX_LEVELS: usize = DocumentLimits::DEPTH;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    hauki: Option<&'a RawValue>,
    #[serde(borrow, default)]
    traceparent: Option<&'a RawValue>,
}

/// Keeps an explicit `null` apart from absence, which JSON-RPC gives another meaning.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    input: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(input).map(Some)
}

fn invalid(code: i32, message: impl Into<String>, id: Option<&str>) -> Invalid {
    Invalid { code, message: message.into(), id: id.map(str::to_owned) }
}

/// The one form of an id, as JSON text: a text may be written in more than one way. Half of a surrogate pair has no
/// value, and is the same as its own text only.
#[must_use]
pub fn id_key(id: &str) -> Cow<'_, str> {
    let value = || serde_json::from_str::<String>(id).and_then(|text| serde_json::to_string(&text));
    let key = if id.contains('\\') { value().ok() } else { None };
    key.map_or(Cow::Borrowed(id), Cow::Owned)
}

/// Whether two ids, as JSON text, are the same one.
#[must_use]
pub fn is_same_id(one: &str, other: &str) -> bool {
    one == other || id_key(one) == id_key(other)
}

/// What is wrong with an id, as JSON text.
pub fn check_id(id: &str) -> Result<(), String> {
    if !id.starts_with(['"', 'n', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) {
        return Err("an id must be a string, a number or null".to_owned());
    }
    if id.len() > MAX_ID_BYTES {
        return Err(format!("an id has at most {MAX_ID_BYTES} bytes"));
    }
    Ok(())
}

fn request(text: &str) -> Result<Request<'_>, Invalid> {
    if !text.starts_with('{') {
        return Err(invalid(code::INVALID_REQUEST, "a request must be an object", None));
    }
    let envelope: Envelope<'_> = serde_json::from_str(text)
        .map_err(|error| invalid(code::INVALID_REQUEST, error.to_string(), None))?;
    let id = envelope.id.map(RawValue::get);
    id.map_or(Ok(()), check_id).map_err(|message| invalid(code::INVALID_REQUEST, message, None))?;
    let version = |text| serde_json::from_str::<Text<'_>>(text).is_ok_and(|Text(version)| version == "2.0");
    if !envelope.jsonrpc.map(RawValue::get).is_some_and(|text| text == "\"2.0\"" || version(text)) {
        return Err(invalid(code::INVALID_REQUEST, "\"jsonrpc\" must be \"2.0\"", id));
    }
    let method = envelope
        .method
        .and_then(|method| serde_json::from_str::<Text<'_>>(method.get()).ok())
        .ok_or_else(|| invalid(code::INVALID_REQUEST, "\"method\" must be a string", id))?
        .0;
    let params = envelope.params.map(RawValue::get);
    if params.is_some_and(|params| !params.starts_with(['[', '{'])) {
        return Err(invalid(code::INVALID_REQUEST, "\"params\" must be an array or an object", id));
    }
    let trace = envelope
        .traceparent
        .and_then(|trace| serde_json::from_str::<Text<'_>>(trace.get()).ok())
        .and_then(|Text(trace)| TraceContext::read(&trace));
    Ok(Request { method, params, id, nested: envelope.hauki.map(RawValue::get), trace })
}

impl<'a> Request<'a> {
    /// The method and parameters of what is no request for another reason: whoever must judge a hello judges its token
    /// first.
    #[must_use]
    pub fn glimpse(line: &'a [u8]) -> Option<Self> {
        let text = strict::trimmed(std::str::from_utf8(line).ok()?);
        let envelope: Envelope<'_> = serde_json::from_str(text).ok().filter(|_| text.starts_with('{'))?;
        let Text(method) = serde_json::from_str(envelope.method?.get()).ok()?;
        Some(Self { method, params: envelope.params.map(RawValue::get), id: None, nested: None, trace: None })
    }
}

/// A string that is borrowed where it holds no escape.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The members of a batch, one more than there may be at most: half a million of them fit into a line, and what is
/// refused anyway is not read to its end.
struct BatchMembers<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for BatchMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = BatchMembers<'de>;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<BatchMembers<'de>, A::Error> {
                let mut members = BatchMembers(Vec::new());
                while let Some(item) = input.next_element::<&RawValue>()? {
                    if members.0.len() == MAX_BATCH {
                        return Err(serde::de::Error::custom("there are too many"));
                    }
                    members.0.push(item);
                }
                Ok(members)
            }
        }
        input.deserialize_seq(Visit)
    }
}

impl<'a> Incoming<'a> {
    /// Reads one line. The newline may still be there.
    #[must_use]
    pub fn decode(line: &'a [u8]) -> Self {
        let parse_error = |message: String| Self::Single(Err(invalid(code::PARSE, message, None)));
        let text = match std::str::from_utf8(line) {
            Ok(text) => strict::trimmed(text),
            Err(_) => return parse_error("the line is not UTF-8".into()),
        };
        if text.starts_with('[') {
            let items = match serde_json::from_str(text) {
                Ok(BatchMembers(items)) => items,
                Err(error) if error.is_data() => {
                    let message = format!("a batch may hold {MAX_BATCH} requests");
                    return Self::Single(Err(invalid(code::INVALID_REQUEST, message, None)));
                }
                Err(error) => return parse_error(error.to_string()),
            };
            if items.is_empty() {
                return Self::Single(Err(invalid(code::INVALID_REQUEST, "a batch must not be empty", None)));
            }
            return Self::Batch(items.into_iter().map(|item| request(item.get())).collect());
        }
        match request(text) {
            // Whether it is JSON at all decides between the two codes; only the unlucky pay for it.
            Err(error) if error.id.is_none() => match serde_json::from_str::<&RawValue>(text) {
                Ok(_) => Self::Single(Err(error)),
                Err(error) => parse_error(error.to_string()),
            },
            request => Self::Single(request),
        }
    }
}

/// The error object of a reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RpcError {
    pub code: i32,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
}

impl RpcError {
    #[must_use]
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    #[must_use]
    pub fn data(mut self, data: &impl Serialize) -> Self {
        self.data = serde_json::to_value(data).ok();
        self
    }
}

impl From<Invalid> for RpcError {
    fn from(invalid: Invalid) -> Self {
        Self::new(invalid.code, invalid.message)
    }
}

/// Appends a reply. `id` and `value` are JSON text that has been checked to be one value each.
pub fn write_result(out: &mut Vec<u8>, id: &str, value: &str) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    out.extend_from_slice(id.as_bytes());
    out.extend_from_slice(b",\"result\":");
    out.extend_from_slice(value.as_bytes());
    out.push(b'}');
}

pub fn write_error(out: &mut Vec<u8>, id: Option<&str>, error: &RpcError) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    out.extend_from_slice(id.unwrap_or("null").as_bytes());
    out.extend_from_slice(b",\"error\":");
    serde_json::to_writer(&mut *out, error).expect("an error object serializes to memory");
    out.push(b'}');
}

/// Appends a whole request line, newline included. `params` is JSON text.
pub fn write_request(out: &mut Vec<u8>, id: Option<u64>, method: &str, params: Option<&str>) {
    write_request_as(out, id, method, params);
}

/// The same with an id that is JSON text, or writes it.
pub(super) fn write_request_as(
    out: &mut Vec<u8>,
    id: Option<impl std::fmt::Display>,
    method: &str,
    params: Option<&str>,
) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",");
    if let Some(id) = id {
        write!(out, "\"id\":{id},").expect("an id is written to memory");
    }
    out.extend_from_slice(b"\"method\":");
    serde_json::to_writer(&mut *out, method).expect("a string serializes to memory");
    if let Some(params) = params {
        out.extend_from_slice(b",\"params\":");
        out.extend_from_slice(params.as_bytes());
    }
    out.extend_from_slice(b"}\n");
}

/// One message from a gate, as a caller sees it.
#[derive(Debug, Deserialize)]
pub struct GateMessage<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    pub id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub result: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "present")]
    pub error: Option<RpcError>,
    /// Of an event.
    #[serde(default)]
    pub method: Option<String>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub params: Option<&'a RawValue>,
}

impl<'a> GateMessage<'a> {
    /// Reads one line of a gate. The newline may still be there. What is no event has either a result or an error:
    /// who guessed which was meant would take a failure for an answer.
    pub fn decode(line: &'a [u8]) -> Result<Self, StrictError> {
        let message: Self = strict::from_slice(line, DocumentLimits::MESSAGE)?;
        if message.method.is_none() && message.result.is_some() == message.error.is_some() {
            return Err(StrictError::whole("a reply has a result or an error, and not both"));
        }
        Ok(message)
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
