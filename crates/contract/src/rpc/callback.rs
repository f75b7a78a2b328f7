//! Callbacks: objects that a caller offers on its own connection, for the worker to call: what is said of them, in both
//! directions.
//!
//! ```text
//!   caller  -- hauki.offer {name, methods} -->        gate     the answer is a reference, plain data for any call
//!   caller  <-- hauki.call {object, method, …} --     gate     a request of the gate's, whose id is a text
//!   caller  -- {"id": "c1", "result": …} -->          gate     or "error"
//!   caller  <-- hauki.cancel {"id": "c1"} --          gate     nobody waits for that any more
//! ```
//!
//! The ids of a gate's requests are texts of one form, so that nobody takes one for a request of his own. Who has
//! offered nothing is never sent any of this.

use std::borrow::Cow;

use memchr::memmem;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::builtin::{CALL, CANCEL};
use super::message::{self, MAX_LEVELS, RpcError, code, write_error, write_request};
use crate::strict::scan::is_within;
use crate::strict::{self, DocumentLimits};

/// Objects that one connection offers at a time.
pub const MAX_OFFERS: usize = 16;
/// Of all their names and methods together: what a worker is shown of them comes with calls.
pub const MAX_OFFER_BYTES: usize = 16 * 1024;
/// The longest name of an object, and of a method.
pub const MAX_NAME: usize = 256;
/// What is offered under this name is a part of what a worker sees of its caller, with every call.
pub const TOOLS: &str = "tools";
/// In a reference, where another object has the id of its vault.
pub const OF_CALLER: &str = "caller";
/// How the word of an offered object begins, in each vault: so who calls one that is no more can be told why.
pub const WORD_PREFIX: &str = "offered-";

/// The parameters of `hauki.offer`. The same name again takes the place of what was offered under it; without methods
/// it is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    pub name: String,
    pub methods: Vec<String>,
}

impl Offer {
    /// What it counts for in [`MAX_OFFER_BYTES`].
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.name.len() + self.methods.iter().map(|method| method.len() + 3).sum::<usize>()
    }

    /// What is wrong with it by itself.
    pub fn check(&self) -> Result<(), String> {
        let names = self.methods.iter().chain([&self.name]);
        for name in names {
            if name.is_empty() || name.len() > MAX_NAME {
                return Err(format!("a name has from 1 to {MAX_NAME} bytes"));
            }
        }
        let mut sorted: Vec<&str> = self.methods.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("the method {:?} is there twice", pair[0])),
            None => Ok(()),
        }
    }
}

/// What `hauki.offer` answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OfferResult {
    /// The object, as parameters have it; nothing where it was taken back.
    pub object: Option<Box<RawValue>>,
}

/// The parameters of `hauki.call`.
#[derive(Debug, Deserialize)]
pub struct CallbackOrder {
    /// The name under which it was offered.
    pub object: String,
    pub method: String,
    /// A list.
    pub params: Box<RawValue>,
    /// For how long somebody waits.
    pub deadline_ms: u32,
}

/// Appends the line with which a gate calls, newline included. `params` is JSON text.
pub fn write_callback(
    out: &mut Vec<u8>,
    id: u64,
    (object, method): (&str, &str),
    params: &str,
    deadline_ms: u32,
) {
    let (object, method) = (serde_json::Value::from(object), serde_json::Value::from(method));
    let order = format!(
        "{{\"object\":{object},\"method\":{method},\"params\":{params},\"deadline_ms\":{deadline_ms}}}"
    );
    message::write_request_as(out, Some(&id_text(id)), CALL, Some(&order));
}

/// Appends the line with which a gate gives up its own request.
pub fn write_give_up(out: &mut Vec<u8>, id: u64) {
    write_request(out, None, CANCEL, Some(&format!("{{\"id\":{}}}", id_text(id))));
}

/// The reference to an offered object, as a vault sees it. Its caller gives it on as it is.
#[must_use]
pub fn write_reference(word: &str, offer: &Offer) -> String {
    let methods = serde_json::Value::from(offer.methods.clone());
    let name = serde_json::Value::from(offer.name.as_str());
    format!(
        "{{\"$hauki\":\"object\",\"ref\":\"{word}\",\"vault\":\"{OF_CALLER}\",\"worker\":{name},\"methods\":{methods}}}"
    )
}

fn id_text(id: u64) -> String {
    format!("\"c{id}\"")
}

/// What a caller answers to a gate.
#[derive(Debug, PartialEq, Eq)]
pub struct CallbackAnswer<'a> {
    pub id: u64,
    /// JSON text that has been checked.
    pub said: Result<&'a str, RpcError>,
}

#[derive(Deserialize)]
struct AnswerEnvelope<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "message::present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "message::present")]
    error: Option<&'a RawValue>,
    #[serde(default)]
    method: Option<IgnoredAny>,
}

impl<'a> CallbackAnswer<'a> {
    /// Reads a line, if it has the id of a gate's request and is none itself. What is wrong with it otherwise is an
    /// error of whoever was called.
    #[must_use]
    pub fn read(line: &'a [u8]) -> Option<Self> {
        // Nearly all that comes is something else, and is read once.
        if memmem::find(line, b"\"c").is_none() && memmem::find(line, b"\\u").is_none() {
            return None;
        }
        let envelope: AnswerEnvelope<'a> = strict::from_slice(line, DocumentLimits::MESSAGE).ok()?;
        let id = envelope.id.strip_prefix('c')?;
        let id =
            id.parse().ok().filter(|number: &u64| number.to_string() == id && envelope.method.is_none())?;
        let said = match (envelope.result, envelope.error) {
            (Some(result), None) if !is_within(result.get().as_bytes(), MAX_LEVELS) => {
                let message = format!("the answer is nested deeper than {MAX_LEVELS} levels");
                Err(RpcError::new(code::TOO_LARGE, message))
            }
            (Some(result), None) => Ok(result.get()),
            (None, Some(error)) => Err(strict::from_str(error.get(), DocumentLimits::MESSAGE)
                .unwrap_or_else(|_| RpcError::new(code::INTERNAL, "the caller's error is none"))),
            (None, None) | (Some(_), Some(_)) => {
                let message = "an answer has a result or an error, and not both";
                Err(RpcError::new(code::INTERNAL, message))
            }
        };
        Some(Self { id, said })
    }
}

/// Appends what a caller answers, newline included. `id` is that of the gate's request, as it stands there.
pub fn write_answer(out: &mut Vec<u8>, id: &str, said: Result<&str, &RpcError>) {
    match said {
        Ok(value) => message::write_result(out, id, value),
        Err(error) => write_error(out, Some(id), error),
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::super::message::{GateMessage, Incoming};
    use super::*;

    #[test]
    fn what_a_gate_asks_is_a_request_and_what_is_said_to_it_comes_back() {
        let mut line = Vec::new();
        write_callback(&mut line, 7, ("to\"ols", "search"), "[1.10]", 250);
        let asked = GateMessage::decode(&line).expect("is a message");
        assert_eq!((asked.method.as_deref(), asked.id.map(RawValue::get)), (Some(CALL), Some("\"c7\"")));
        let params = asked.params.expect("are there").get();
        let order: CallbackOrder = strict::from_str(params, DocumentLimits::MESSAGE).expect("is one");
        assert_eq!((&*order.object, &*order.method, order.params.get()), ("to\"ols", "search", "[1.10]"));
        assert_eq!(order.deadline_ms, 250);

        let mut answer = Vec::new();
        write_answer(&mut answer, "\"c7\"", Ok("[1.10]"));
        assert_eq!(CallbackAnswer::read(&answer), Some(CallbackAnswer { id: 7, said: Ok("[1.10]") }));
        let escaped = CallbackAnswer::read(br#"{"id":"\u0063\u0037","result":[]}"#);
        assert_eq!(escaped, Some(CallbackAnswer { id: 7, said: Ok("[]") }));
        answer.clear();
        let error = RpcError::new(code::WORKER, "no");
        write_answer(&mut answer, "\"c7\"", Err(&error));
        assert_eq!(CallbackAnswer::read(&answer), Some(CallbackAnswer { id: 7, said: Err(error) }));

        let mut word = Vec::new();
        write_give_up(&mut word, 7);
        let Incoming::Single(Ok(request)) = Incoming::decode(&word) else { panic!("is a request") };
        assert_eq!((&*request.method, request.id, request.params), (CANCEL, None, Some("{\"id\":\"c7\"}")));
    }

    #[test]
    fn what_is_no_answer_to_a_gate_is_left_to_others() {
        for line in [
            r#"{"jsonrpc":"2.0","id":7,"result":1}"#,
            r#"{"jsonrpc":"2.0","id":"7","result":1}"#,
            r#"{"jsonrpc":"2.0","id":"c07","result":1}"#,
            r#"{"jsonrpc":"2.0","id":"c+7","result":1}"#,
            r#"{"jsonrpc":"2.0","id":"c7","method":"f","params":[]}"#,
            r#"{"jsonrpc":"2.0","id":"c7","method":null,"result":1"#,
            r#"[{"jsonrpc":"2.0","id":"c7","result":1}]"#,
            r#"{"result":1}"#,
            "c7",
        ] {
            assert_eq!(CallbackAnswer::read(line.as_bytes()), None, "{line}");
        }
        let deep = format!("{}{}", "[".repeat(MAX_LEVELS + 1), "]".repeat(MAX_LEVELS + 1));
        for odd in [
            r#"{"id":"c7"}"#.to_owned(),
            r#"{"id":"c7","result":1,"error":{"code":1,"message":""}}"#.to_owned(),
            r#"{"id":"c7","error":"no"}"#.to_owned(),
            format!(r#"{{"id":"c7","result":{deep}}}"#),
        ] {
            let answer = CallbackAnswer::read(odd.as_bytes()).expect("is one");
            assert!(answer.id == 7 && answer.said.is_err(), "{odd}");
        }
    }

    #[test]
    fn an_offer_has_names_that_are_told_apart() {
        let offer = |name: &str, methods: &[&str]| Offer {
            name: name.to_owned(),
            methods: methods.iter().map(|method| (*method).to_owned()).collect(),
        };
        let long = "x".repeat(MAX_NAME + 1);
        assert_eq!(offer("tools", &["a", "b"]).check(), Ok(()));
        for odd in [offer("", &["a"]), offer(&long, &[]), offer("t", &[""]), offer("t", &["a", "b", "a"])] {
            assert!(odd.check().is_err(), "{odd:?}");
        }
        let shown = write_reference("offered-1", &offer("t\"", &["a\""]));
        let shown: serde_json::Value = serde_json::from_str(&shown).expect("is JSON");
        assert_eq!((&shown["worker"], &shown["methods"][0]), (&"t\"".into(), &"a\"".into()));
    }
}
