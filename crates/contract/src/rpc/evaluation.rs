//! Evaluation: the parameters and the result of `hauki.evaluate`, which the caller, the gate and the init read alike.
//!
//! The text is what the engine reads: whoever sends it has lowered it on his side, without its map, which he keeps. The
//! gate hands it on as it hands on a call; tickets in it are objects where it arrives.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// The method. Its worker is the judge of whether it takes turns.
pub const EVALUATE: &str = "hauki.evaluate";

/// A turn.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluate {
    pub text: String,
    /// `args` in the text, and what `main` is called with where the text defines it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<Box<RawValue>>>,
    /// Absent: all that the worker has. Otherwise nothing that runs in it from now on has more: what a turn leaves in the
    /// heap would act with the powers of the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub powers: Option<TurnPowers>,
}

/// What a turn, and whatever comes after it, may do beyond the heap. What is not named it may not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TurnPowers {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub destruct: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub clone: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fetch: bool,
    /// Tickets of the objects that it may call; to the worker they are references.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Value>,
}

impl TurnPowers {
    /// The words of the references; `None` where something else is among them.
    #[must_use]
    pub fn words(&self) -> Option<Vec<String>> {
        let word = |object: &Value| {
            let word = object.get("ref").filter(|_| object.get("$hauki").is_some())?;
            word.as_str().map(str::to_owned)
        };
        self.objects.iter().map(word).collect()
    }
}

/// What came of a turn.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Evaluated {
    /// By which errors name it: `t` and this.
    pub turn: u64,
    /// Of its last statement, or of `main`; absent is `undefined`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Box<RawValue>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strict::{self, DocumentLimits};

    #[test]
    fn what_is_named_is_given_and_nothing_else() {
        let read = |text: &str| strict::from_str::<Evaluate>(text, DocumentLimits::MESSAGE);
        let all = read(r#"{"text":"1"}"#).expect("is one");
        assert!(all.powers.is_none() && all.args.is_none());
        let none = read(r#"{"text":"1","powers":{},"args":[1,"a"]}"#).expect("is one");
        assert_eq!(none.powers, Some(TurnPowers::default()));
        for odd in [
            "{}",
            "[]",
            r#"{"text":1}"#,
            r#"{"text":"","powers":{"all":true}}"#,
            r#"{"text":"","powers":[]}"#,
            r#"{"text":"","more":1}"#,
        ] {
            assert!(read(odd).is_err(), "{odd}");
        }
        let words = |objects: &str| -> Option<Vec<String>> {
            let text = format!(r#"{{"text":"","powers":{{"objects":{objects}}}}}"#);
            read(&text).expect("is one").powers.expect("are some").words()
        };
        assert_eq!(words(r#"[{"$hauki":"object","ref":"w"}]"#), Some(vec!["w".into()]));
        for odd in ["[1]", r#"[{"ref":"w"}]"#, r#"[{"$hauki":"object","ref":1}]"#, r#"["w"]"#] {
            assert_eq!(words(odd), None, "{odd}");
        }
    }
}
