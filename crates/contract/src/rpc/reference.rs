//! Object references: tickets and references in JSON text; one takes the other's place on the way in and on the way
//! out.
//!
//! The text is checked JSON, so it is enough to look at its bytes: nothing is parsed but the tickets
//! themselves, and what needs no change is not even copied. A call without a ticket pays one search
//! for a word.

use std::borrow::Cow;

use super::message::{RpcError, code};
use crate::model::ticket::Ticket;
use crate::strict::{self, DocumentLimits};

/// In every ticket: the scheme of its token, written without escapes.
const TICKETS_WORD: &str = "\"biscuit\"";
/// How the gate begins a reference. In JSON these bytes stand nowhere inside a string.
const REFERENCE: &str = "{\"$hauki\":\"object\",\"ref\":\"";
/// What lies deeper than this, no engine would take either.
const MAX_DEPTH: usize = 512;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TravelError {
    #[error("a ticket among the data cannot be used: {0}")]
    Ticket(String),
    #[error("tickets are looked for {MAX_DEPTH} levels deep and not deeper")]
    Deep,
    #[error("the vault holds {0} objects, no more may be given to it")]
    Full(usize),
    #[error("an object that this vault was not given, or that it had to let go for newer ones")]
    NotGiven,
    #[error("an object that a caller offered is for this vault alone, and goes to nobody else")]
    Offered,
    #[error("with its objects as tickets it is longer than {0} bytes")]
    Long(usize),
}

impl From<TravelError> for RpcError {
    fn from(error: TravelError) -> Self {
        let code = match error {
            TravelError::Ticket(_) | TravelError::Deep => code::INVALID_PARAMS,
            TravelError::Full(_) => code::BUSY,
            TravelError::NotGiven | TravelError::Offered => code::WORKER,
            TravelError::Long(_) => code::TOO_LARGE,
        };
        Self::new(code, error.to_string())
    }
}

/// A ticket as it came.
pub struct FoundTicket<'a> {
    pub ticket: Ticket,
    pub text: &'a str,
}

/// An array or object that is not closed yet.
struct Open {
    start: usize,
    is_object: bool,
    /// The nearest object around it.
    above: Option<usize>,
    /// The last thing that was said before a colon is `kind`.
    kind: bool,
    /// It says of itself that it is a ticket.
    is_ticket: bool,
    /// A token lies in an object that lies in it.
    has_token: bool,
}

/// Puts what `hold` makes of each ticket in its place. One pass: what is read by a parser besides is no longer
/// than the text, whatever is in it, for it ends with the first that is no ticket after all.
pub fn take_in<'a>(
    text: &'a str,
    mut hold: impl FnMut(FoundTicket<'_>) -> Result<String, TravelError>,
) -> Result<Cow<'a, str>, TravelError> {
    if !text.contains(TICKETS_WORD) {
        return Ok(text.into());
    }
    let bytes = text.as_bytes();
    let mut open: Vec<Open> = Vec::new();
    let (mut out, mut copied, mut at) = (String::new(), 0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                let end = string_end(bytes, at);
                note(&mut open, &text[at..end], is_key(&bytes[end..]));
                at = end;
                continue;
            }
            b'{' | b'[' if open.len() == MAX_DEPTH => return Err(TravelError::Deep),
            byte @ (b'{' | b'[') => {
                let above = match open.last() {
                    Some(inner) if inner.is_object => Some(open.len() - 1),
                    inner => inner.and_then(|inner| inner.above),
                };
                let (is_object, kind, is_ticket, has_token) = (byte == b'{', false, false, false);
                open.push(Open { start: at, is_object, above, kind, is_ticket, has_token });
            }
            b'}' | b']' => {
                if let Some(Open { start, is_ticket: true, has_token: true, .. }) = open.pop() {
                    // What says that it is one and is none is an error, because a token may be in it, which
                    // no vault is shown.
                    let whole = &text[start..=at];
                    let ticket: Ticket = strict::from_str(whole, DocumentLimits::bytes(whole.len()))
                        .map_err(|error| TravelError::Ticket(error.to_string()))?;
                    ticket.check_known().map_err(|error| TravelError::Ticket(error.to_string()))?;
                    out.push_str(&text[copied..start]);
                    out.push_str(&hold(FoundTicket { ticket, text: whole })?);
                    copied = at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    if copied == 0 {
        return Ok(text.into());
    }
    out.push_str(&text[copied..]);
    Ok(out.into())
}

/// What a string, with its quotes, means where it stands.
fn note(open: &mut [Open], string: &str, is_key: bool) {
    let Some(inner) = open.last_mut().filter(|inner| inner.is_object) else { return };
    if is_key {
        inner.kind = names_kind(string);
        return;
    }
    inner.is_ticket |= inner.kind && string == "\"ticket\"";
    if string == TICKETS_WORD
        && let Some(above) = inner.above
    {
        open[above].has_token = true;
    }
}

/// Whether a colon comes next.
fn is_key(behind: &[u8]) -> bool {
    behind.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

/// Also where its letters are written as escapes.
fn names_kind(string: &str) -> bool {
    const LONGEST: usize = r#""\u006b\u0069\u006e\u0064""#.len();
    string == "\"kind\""
        || string.len() <= LONGEST
            && string.contains('\\')
            && strict::from_str::<String>(string, DocumentLimits::MESSAGE).is_ok_and(|name| name == "kind")
}

/// A reference as the vault sees it.
pub fn write(word: &str, ticket: &Ticket) -> String {
    let methods = serde_json::to_string(&ticket.methods).unwrap_or_else(|_| "[]".into());
    let worker = serde_json::Value::from(ticket.worker.name.as_str());
    format!("{REFERENCE}{word}\",\"vault\":\"{}\",\"worker\":{worker},\"methods\":{methods}}}", ticket.vault)
}

/// Puts the ticket that `give` has for each reference in its place, where it has one; at most `limit` bytes long.
pub fn put_back<'a, T: AsRef<str>>(
    text: &'a str,
    limit: usize,
    mut give: impl FnMut(&str) -> Result<T, TravelError>,
) -> Result<Cow<'a, str>, TravelError> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(start) = rest.find(REFERENCE) {
        let object = &rest[start..];
        let word = &object[REFERENCE.len()..];
        let word = &word[..word.find('"').unwrap_or(word.len())];
        let ticket = give(word)?;
        out.push_str(&rest[..start]);
        out.push_str(ticket.as_ref());
        rest = &object[object_end(object.as_bytes())..];
        if out.len() + rest.len() > limit {
            return Err(TravelError::Long(limit));
        }
    }
    if out.is_empty() {
        return Ok(text.into());
    }
    out.push_str(rest);
    Ok(out.into())
}

/// Behind the string that begins at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Behind the object that begins the text.
fn object_end(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn ticket() -> Value {
        let digest = "0".repeat(64);
        json!({
            "v": 1, "kind": "ticket", "id": "tkt_01J00000000000000000000000", "vault": "vlt_01J00000000000000000000000",
            "generation": 1, "node": "n1", "worker": {"name": "a\"b", "sha256": digest},
            "endpoint": {"ip": "10.0.0.1", "port": 4000},
            "tls": {"version": "1.3", "cert_sha256": digest, "key_sha256": digest},
            "auth": {"scheme": "biscuit", "token": "secret{\"}"},
            "protocol": {"name": "jsonrpc-2.0", "framing": "ndjson", "max_frame_bytes": 4096, "call_deadline_ms": 5},
            "methods": ["f"],
            "lease": {"claim_ms": 1, "lease_ms": 1, "link": false, "link_silence_ms": 1},
            "issued_at": "2026-11-21T12:00:00Z", "expires_at": "2026-11-21T13:00:00Z",
        })
    }

    fn taken(text: &str) -> (String, Vec<String>) {
        let mut found = Vec::new();
        let out = take_in(text, |FoundTicket { ticket, text }| {
            found.push(text.to_owned());
            Ok(write(&format!("w{}", found.len()), &ticket))
        });
        (out.expect("can be taken in").into_owned(), found)
    }

    #[test]
    fn tickets_become_references_and_come_back_as_they_were() {
        let pretty = serde_json::to_string_pretty(&ticket()).expect("is JSON");
        for form in [ticket().to_string(), pretty] {
            let text = format!("[1.10, {{\"a\": {form}, \"b}}\": [\"{{\", {form}]}}]");
            let (inside, found) = taken(&text);
            assert!(!inside.contains("secret"), "{inside}");
            assert_eq!(found, [form.as_str(), form.as_str()]);
            let seen: Value = serde_json::from_str(&inside).expect("is JSON");
            assert_eq!(seen[1]["a"]["worker"], "a\"b");
            let back = put_back(&inside, 1 << 20, |word| {
                Ok(&found[word[1..].parse::<usize>().expect("a number") - 1])
            });
            assert_eq!(back.expect("comes back"), text);
        }
    }

    #[test]
    fn what_only_looks_like_a_ticket_or_a_reference_stays() {
        let quoted = Value::from(ticket().to_string()).to_string();
        for text in [
            "[]",
            "[\"biscuit\"]",
            "[{\"a\":{\"b\":\"biscuit\"}}]",
            "{\"kind\":\"ticket\",\"x\":\"biscuit\"}",
            "{\"kind\":\"cake\",\"auth\":{\"scheme\":\"biscuit\"}}",
            quoted.as_str(),
        ] {
            assert!(matches!(take_in(text, |_| panic!("{text}")), Ok(Cow::Borrowed(same)) if same == text));
        }
        let reference = "{\"$hauki\":\"object\",\"ref\":\"w\"}";
        let quoted = Value::from(reference).to_string();
        for text in ["[]", "{\"$hauki\":1}", "{\"$hauki\": \"object\",\"ref\":\"w\"}", quoted.as_str()] {
            let back = put_back(text, 100, |_| -> Result<String, _> { panic!("{text}") });
            assert!(matches!(back, Ok(Cow::Borrowed(same)) if same == text));
        }
    }

    #[test]
    fn a_broken_ticket_and_a_word_that_was_not_given_are_refused() {
        let mut broken = ticket();
        broken["more"] = 1.into();
        let refused = take_in(&broken.to_string(), |_| panic!("is no ticket")).map(Cow::into_owned);
        assert!(matches!(refused, Err(TravelError::Ticket(_))), "{refused:?}");
        let escaped = broken.to_string().replace("\"kind\"", "\"k\\u0069nd\"");
        assert!(take_in(&escaped, |_| panic!("is no ticket")).is_err(), "its token would be shown");
        let deep = format!("{}{}{}", "{\"a\":".repeat(600), ticket(), "}".repeat(600));
        assert_eq!(take_in(&deep, |_| panic!("too deep")).map(Cow::into_owned), Err(TravelError::Deep));
        let forged = "[{\"$hauki\":\"object\",\"ref\":\"guess\",\"x\":{\"}\":1}}]";
        assert_eq!(
            put_back(forged, 100, |_| Err::<String, _>(TravelError::NotGiven)).map(Cow::into_owned),
            Err(TravelError::NotGiven)
        );
    }

    /// Each level once, and not once more for each level above it.
    #[test]
    fn levels_that_hold_the_word_are_read_once() {
        let levels = MAX_DEPTH / 2 - 1;
        let padding = "x".repeat(64 * 1024);
        let deep = format!(
            "{}{{\"p\":\"{padding}\"}}{}",
            "{\"kind\":\"cake\",\"a\":{\"scheme\":\"biscuit\"},\"b\":{\"c\":".repeat(levels),
            "}}".repeat(levels)
        );
        let used = || {
            let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            std::time::Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0))
        };
        let before = used();
        assert!(matches!(take_in(&deep, |_| panic!("is no ticket")), Ok(Cow::Borrowed(_))));
        let took = used() - before;
        // 256 times 64 KiB through a parser would be seconds in this build.
        assert!(took < std::time::Duration::from_millis(300), "{took:?}");
        let arrays = format!("{}\"biscuit\"{}", "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(take_in(&arrays, |_| panic!("too deep")).map(Cow::into_owned), Err(TravelError::Deep));
    }

    #[test]
    fn a_small_result_cannot_be_blown_up() {
        let many = format!("[{}]", vec!["{\"$hauki\":\"object\",\"ref\":\"w\"}"; 1000].join(","));
        let mut given = 0;
        let blown = put_back(&many, 100_000, |_| {
            given += 1;
            Ok("x".repeat(1000))
        });
        assert_eq!(blown.map(Cow::into_owned), Err(TravelError::Long(100_000)));
        assert!(given < 100, "{given} tickets were written before anybody looked");
    }
}
