//! Clone options: what follows the source in `clone_object(source, …)`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::failure::ScriptFailure;
use hauki_contract::api::vault::Placement;
use hauki_contract::model::gem::Wishes;
use hauki_contract::model::id::NodeName;
use hauki_contract::model::invitation::Invitation;
use hauki_contract::model::name::ServiceName;
use hauki_contract::model::secret_use::SecretUse;
use hauki_contract::model::units::{Amount, AmountError, parse_duration, parse_size};
use hauki_contract::rpc::compile::Language;
use hauki_contract::strict::{self, DocumentLimits};

/// The words of `hauki clone`, so that there is one vocabulary.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CloneOptions {
    args: Vec<Value>,
    /// What errors call the source.
    pub(super) file_name: Option<String>,
    /// What the source is written in, where its file's ending does not say it.
    pub(super) lang: Option<Language>,
    /// Under which others find it.
    pub(super) name: Option<ServiceName>,
    /// The live worker of this name, if there is one.
    pub(super) get_or_create: bool,
    /// So many of them, at the same time; the result is an array.
    pub(super) count: Option<u32>,
    /// It goes on when the script has ended.
    pub(super) detached: bool,
    memory: Option<Amount>,
    cpu: Option<u32>,
    deadline: Option<Amount>,
    max_frame: Option<Amount>,
    lease: Option<Amount>,
    claim: Option<Amount>,
    lifetime: Option<Amount>,
    spawn: Option<u32>,
    /// Where it may fetch from.
    allow_net: Vec<Invitation>,
    /// Which secrets of the caller's its requests carry.
    secret: Vec<SecretUse>,
    label: BTreeMap<String, String>,
    node: Option<NodeName>,
    node_label: BTreeMap<String, String>,
}

/// The names above: an object that has one of them is meant as options.
const KEYS: [&str; 20] = [
    "args",
    "file_name",
    "lang",
    "name",
    "get_or_create",
    "count",
    "detached",
    "memory",
    "cpu",
    "deadline",
    "max_frame",
    "lease",
    "claim",
    "lifetime",
    "spawn",
    "allow_net",
    "secret",
    "label",
    "node",
    "node_label",
];

/// The most that one `clone_object` makes.
const MOST: u32 = 1000;

impl From<AmountError> for ScriptFailure {
    fn from(error: AmountError) -> Self {
        Self::usage(format!("clone_object: {error}"))
    }
}

/// How soon a linked clone's ticket must be used. The script uses it at once, and should it be killed in
/// between, this is how long the vault outlives it.
const CLAIM_MS: u64 = 5_000;

impl CloneOptions {
    /// From the arguments after the source: options if the first of them looks so, and then those of
    /// `create`. An object that has only some of the names is a mistake in one way or the other.
    pub(super) fn read(arguments: &str) -> Result<(Self, Vec<Value>), ScriptFailure> {
        let mut arguments: Vec<Value> =
            strict::from_str(arguments, DocumentLimits::MESSAGE).map_err(|error| {
                ScriptFailure::usage(format!("clone_object: the arguments are not JSON: {error}"))
            })?;
        let are_options = match arguments.first() {
            Some(Value::Object(fields)) => {
                fields.is_empty() || fields.keys().any(|name| KEYS.contains(&name.as_str()))
            }
            Some(Value::Null) | None | Some(_) => false,
        };
        if !are_options {
            return Ok((Self::default(), arguments));
        }
        let mut this: Self = strict::from_value(&arguments.remove(0)).map_err(|error| {
            ScriptFailure::usage(format!("clone_object: the options cannot be used: {error}"))
                .hint("arguments of create() follow the options: clone_object(source, {}, ...)")
        })?;
        if this.count.is_some_and(|count| !(1..=MOST).contains(&count)) {
            return Err(ScriptFailure::usage(format!("clone_object: count is from 1 to {MOST}")));
        }
        let mut args = std::mem::take(&mut this.args);
        args.append(&mut arguments);
        Ok((this, args))
    }

    pub(super) fn wishes(&self) -> Result<Wishes, ScriptFailure> {
        let short = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let linked_claim = (!self.detached).then_some(CLAIM_MS);
        let wishes = Wishes {
            memory_bytes: Amount::read("memory", self.memory.as_ref(), parse_size)?,
            cpu_percent: self.cpu,
            call_deadline_ms: Amount::read("deadline", self.deadline.as_ref(), parse_duration)?.map(short),
            max_frame_bytes: Amount::read("max_frame", self.max_frame.as_ref(), parse_size)?.map(short),
            claim_ms: Amount::read("claim", self.claim.as_ref(), parse_duration)?.or(linked_claim),
            lease_ms: Amount::read("lease", self.lease.as_ref(), parse_duration)?,
            lifetime_ms: Amount::read("lifetime", self.lifetime.as_ref(), parse_duration)?,
            link: Some(!self.detached),
            spawn: self.spawn,
            net: self.allow_net.clone(),
            secrets: self.secret.clone(),
        };
        let within = wishes.limits().check().and_then(|()| wishes.terms().check());
        let strays = wishes.limits().check_secrets();
        strays.map_err(|error| ScriptFailure::usage(format!("clone_object: {error}")))?;
        within
            .map_err(|error| ScriptFailure::usage(format!("clone_object: {}", error.told(error.word()))))?;
        Ok(wishes)
    }

    pub(super) fn is_invited(&self) -> bool {
        !self.allow_net.is_empty()
    }

    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        self.label.clone()
    }

    pub(super) fn placement(&self) -> Placement {
        Placement { node: self.node.clone(), labels: self.node_label.clone(), ..Placement::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &str) -> Result<(Wishes, Vec<Value>), ScriptFailure> {
        let (options, args) = CloneOptions::read(arguments)?;
        Ok((options.wishes()?, args))
    }

    #[test]
    fn options_are_told_from_the_arguments_of_create() {
        for (arguments, args) in [
            ("[]", 0),
            (r#"[{"depth":2}]"#, 1),
            (r#"[{"lease":"5s"}]"#, 0),
            (r#"[{}, {"lease":"5s"}]"#, 1),
            (r#"[{"lease":"5s","args":[1,2]}, 3]"#, 3),
            (r#"["a", {"lease":"5s"}]"#, 2),
            ("[null]", 1),
        ] {
            assert_eq!(read(arguments).expect(arguments).1.len(), args, "{arguments}");
        }
        for bad in [
            r#"[{"lease":"5s","depth":2}]"#,
            r#"[{"lease":"soon"}]"#,
            r#"[{"memory":"much"}]"#,
            r#"[{"memory":-1}]"#,
            r#"[{"memory":"8"}]"#,
            r#"[{"memory":true}]"#,
            r#"[{"memory":1.5}]"#,
            r#"[{"count":0}]"#,
            r#"[{"count":1001}]"#,
            r#"[{"label":"a"}]"#,
            r#"[{"node":"../x"}]"#,
        ] {
            assert_eq!(read(bad).expect_err(bad).exit, crate::Exit::Data);
        }
    }

    #[test]
    fn what_is_wrong_with_an_option_is_told_in_its_own_words() {
        for (bad, told) in [
            (r#"[{"memory":"8"}]"#, "memory: 8 of what? write 8MiB or 8KiB, and 8B for bytes"),
            (r#"[{"memory":8}]"#, "memory is 8 B, allowed are 64 KiB to 1024 MiB"),
            (
                r#"[{"lease":true}]"#,
                "lease: expected a number with its unit, as text, or a whole number from 0, found true",
            ),
            (r#"[{"deadline":"0s"}]"#, "deadline is 0.00 ms, allowed are 1.0 ms to 60 m"),
            (r#"[{"cpu":"1"}]"#, "cpu: expected a whole number from 0 to 4294967295, found the text \"1\""),
            (r#"[{"count":1,"name":[]}]"#, "name: expected text, found a list"),
        ] {
            let message = read(bad).expect_err(bad).message;
            assert!(message.starts_with("clone_object: ") && message.ends_with(told), "{bad}: {message}");
        }
    }

    #[test]
    fn a_clone_is_linked_unless_it_is_detached() {
        let (linked, _) = read("[]").expect("reads");
        assert_eq!((linked.link, linked.claim_ms), (Some(true), Some(CLAIM_MS)));
        let (detached, _) = read(r#"[{"detached":true,"memory":"8MiB","lease":1500}]"#).expect("reads");
        assert_eq!((detached.link, detached.claim_ms), (Some(false), None));
        assert_eq!((detached.memory_bytes, detached.lease_ms), (Some(8 << 20), Some(1500)));
    }

    #[test]
    fn every_option_has_its_name_in_the_list() {
        // Serde names the fields that it knows in the error about one that it does not.
        let error = serde_json::from_str::<CloneOptions>(r#"{"?":1}"#).expect_err("is unknown").to_string();
        let known: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
        assert_eq!(known, KEYS);
    }
}
