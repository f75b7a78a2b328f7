//! Gem-pointers name a worker's source; wishes say what its vault should have.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::digest::Sha256;
use super::invitation::{Invitation, MOST_INVITATIONS};
use super::labels::{self, LabelError};
use super::lease::Terms;
use super::limits::{LimitError, Limits};
use super::secret_use::{MOST_SECRETS, SecretUse};
use super::units::{self, AmountError};
#[cfg(feature = "documents")]
use crate::strict::{self, StrictError};

/// The longest manifest that is read.
pub const MAX_MANIFEST_BYTES: usize = 64 * 1024;
/// Of a manifest's description, in letters, and of an amount in it.
const MOST_DESCRIPTION: usize = 4096;
const MOST_AMOUNT: usize = 64;

pub const SCHEME: &str = "gem-pointer://";

const MOST_PATH: usize = 512;

/// `gem-pointer://workers/scout@3#sha256=…`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GemPointer {
    pub path: String,
    pub version: Option<String>,
    pub sha256: Option<Sha256>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GemPointerError {
    #[error("{0:?} is not a gem-pointer: it must start with {SCHEME}")]
    Scheme(String),
    #[error(
        "{0:?} is not a gem path: segments of letters, digits, _, - and ., joined by /, none starting with a dot"
    )]
    Path(String),
    #[error("{0:?} is not a gem version: letters, digits, _, - and .")]
    Version(String),
    #[error("{0:?} is not a gem-pointer's hash: write #sha256= and 64 lower-case hexadecimal digits")]
    Hash(String),
}

pub(super) fn is_word(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    !text.is_empty() && text.len() <= 128 && !text.starts_with('.') && text.bytes().all(letter)
}

/// Whether `text` can be a gem's path. Nothing that passes can leave the directory it is looked up in.
pub fn check_path(text: &str) -> Result<(), GemPointerError> {
    let fits = text.len() <= MOST_PATH && text.split('/').all(is_word);
    if fits { Ok(()) } else { Err(GemPointerError::Path(text.to_owned())) }
}

pub fn check_version(text: &str) -> Result<(), GemPointerError> {
    if is_word(text) { Ok(()) } else { Err(GemPointerError::Version(text.to_owned())) }
}

impl FromStr for GemPointer {
    type Err = GemPointerError;

    fn from_str(text: &str) -> Result<Self, GemPointerError> {
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| GemPointerError::Scheme(text.to_owned()))?;
        let (rest, sha256) = match rest.split_once('#') {
            None => (rest, None),
            Some((rest, fragment)) => {
                let error = || GemPointerError::Hash(fragment.to_owned());
                let digits = fragment.strip_prefix("sha256=").ok_or_else(error)?;
                (rest, Some(digits.parse().map_err(|_| error())?))
            }
        };
        let (path, version) = match rest.split_once('@') {
            None => (rest, None),
            Some((path, version)) => (path, Some(version)),
        };
        check_path(path)?;
        version.map(check_version).transpose()?;
        Ok(Self { path: path.to_owned(), version: version.map(str::to_owned), sha256 })
    }
}

impl fmt::Display for GemPointer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{SCHEME}{}", self.path)?;
        if let Some(version) = &self.version {
            write!(out, "@{version}")?;
        }
        if let Some(sha256) = &self.sha256 {
            write!(out, "#sha256={sha256}")?;
        }
        Ok(())
    }
}

impl TryFrom<String> for GemPointer {
    type Error = GemPointerError;

    fn try_from(text: String) -> Result<Self, GemPointerError> {
        text.parse()
    }
}

impl From<GemPointer> for String {
    fn from(pointer: GemPointer) -> Self {
        pointer.to_string()
    }
}

impl JsonSchema for GemPointer {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "GemPointer".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        // The path's length is bounded by what is looked for ahead: a pattern cannot count all of it.
        let pattern = format!(
            "^{SCHEME}(?=[^@#]{{1,{MOST_PATH}}}(?:[@#]|$)){WORD}(?:/{WORD})*(?:@{WORD})?(?:#sha256=[0-9a-f]{{64}})?$"
        );
        schemars::json_schema!({ "type": "string", "pattern": pattern })
    }
}

/// Of a segment of a path and of a version, as [`is_word`] has it.
const WORD: &str = "[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}";

pub fn path_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let pattern = format!("^{WORD}(?:/{WORD})*$");
    schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": MOST_PATH, "pattern": pattern })
}

pub fn version_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["string", "null"], "pattern": format!("^{WORD}$") })
}

/// What somebody asked for; what is absent is left to the next layer. The caller's wishes lie over
/// the gem's, and those over the defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Wishes {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 65_536, max = 1_073_741_824))]
    pub memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub cpu_percent: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3_600_000))]
    pub call_deadline_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 4_096, max = 67_108_864))]
    pub max_frame_bytes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 3_600_000))]
    pub claim_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 86_400_000))]
    pub lease_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 31_622_400_000_u64))]
    pub lifetime_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<bool>,
    /// How many vaults the worker may have made by `clone_object`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 10_000))]
    pub spawn: Option<u32>,
    /// Where the worker may fetch from. Only who summons it says so: a gem invites nobody.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_INVITATIONS))]
    pub net: Vec<Invitation>,
    /// Which secrets of his own its requests carry, as in a worker's limits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_SECRETS))]
    pub secrets: Vec<SecretUse>,
}

impl Wishes {
    #[must_use]
    pub fn over(self, base: Self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.or(base.memory_bytes),
            cpu_percent: self.cpu_percent.or(base.cpu_percent),
            call_deadline_ms: self.call_deadline_ms.or(base.call_deadline_ms),
            max_frame_bytes: self.max_frame_bytes.or(base.max_frame_bytes),
            claim_ms: self.claim_ms.or(base.claim_ms),
            lease_ms: self.lease_ms.or(base.lease_ms),
            lifetime_ms: self.lifetime_ms.or(base.lifetime_ms),
            link: self.link.or(base.link),
            spawn: self.spawn.or(base.spawn),
            net: self.net,
            secrets: self.secrets,
        }
    }

    #[must_use]
    pub fn limits(&self) -> Limits {
        let base = Limits::default();
        Limits {
            memory_bytes: self.memory_bytes.unwrap_or(base.memory_bytes),
            cpu_percent: self.cpu_percent.unwrap_or(base.cpu_percent),
            pids: base.pids,
            call_deadline_ms: self.call_deadline_ms.unwrap_or(base.call_deadline_ms),
            max_frame_bytes: self.max_frame_bytes.unwrap_or(base.max_frame_bytes),
            spawn: self.spawn.unwrap_or(base.spawn),
            net: self.net.clone(),
            secrets: self.secrets.clone(),
        }
    }

    #[must_use]
    pub fn terms(&self) -> Terms {
        let base = Terms::default();
        Terms {
            claim_ms: self.claim_ms.unwrap_or(base.claim_ms),
            lease_ms: self.lease_ms.unwrap_or(base.lease_ms),
            lifetime_ms: self.lifetime_ms.unwrap_or(base.lifetime_ms),
            link: self.link.unwrap_or(base.link),
            link_silence_ms: base.link_silence_ms,
        }
    }
}

/// What an author writes beside `scout.js`, in `scout.yaml`: the wishes in words that people type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Manifest {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub description: Option<String>,
    /// The heap, for example `8MiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub memory: Option<String>,
    /// The longest that one call may run, for example `5s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub deadline: Option<String>,
    /// The heartbeat lease, for example `30s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub lease: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub cpu_percent: Option<u32>,
    /// How many vaults the worker may have made by `clone_object`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 10_000))]
    pub spawn: Option<u32>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "labels::labels_schema")]
    pub labels: BTreeMap<String, String>,
}

/// Why a manifest cannot be used, in its own words.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("{name}: {letters} letters are too many, {most} are allowed")]
    Long { name: &'static str, letters: usize, most: usize },
    #[error(transparent)]
    Amount(#[from] AmountError),
    #[error("{}", .0.told(match .0.word() { "cpu" => "cpu_percent", word => word }))]
    Limits(LimitError),
    #[error(transparent)]
    Labels(#[from] LabelError),
}

impl Manifest {
    /// As it stands in a `.yaml` file.
    #[cfg(feature = "documents")]
    pub fn read(bytes: &[u8]) -> Result<Self, StrictError> {
        strict::from_yaml(strict::text(bytes)?, strict::DocumentLimits::bytes(MAX_MANIFEST_BYTES))
    }

    /// Whether each of its texts is as short as whoever lists gems expects, or what is wrong with it in its own words.
    pub fn check_texts(&self) -> Result<(), ManifestError> {
        let amounts = [("memory", &self.memory), ("deadline", &self.deadline), ("lease", &self.lease)];
        let texts = amounts.map(|(name, text)| (name, text, MOST_AMOUNT));
        for (name, text, most) in
            [("description", &self.description, MOST_DESCRIPTION)].into_iter().chain(texts)
        {
            let letters = text.as_deref().map_or(0, |text| text.chars().count());
            if letters > most {
                return Err(ManifestError::Long { name, letters, most });
            }
        }
        Ok(())
    }

    /// What it wishes for, within the bounds of what a vault can have.
    pub fn wishes(&self) -> Result<Wishes, ManifestError> {
        let amount =
            |name: &'static str, text: &Option<String>, parse: fn(&str) -> Result<u64, units::UnitError>| {
                text.as_deref().map(parse).transpose().map_err(|why| AmountError { name, why })
            };
        let deadline = amount("deadline", &self.deadline, units::parse_duration)?;
        let wishes = Wishes {
            memory_bytes: amount("memory", &self.memory, units::parse_size)?,
            cpu_percent: self.cpu_percent,
            call_deadline_ms: deadline.map(|ms| u32::try_from(ms).unwrap_or(u32::MAX)),
            lease_ms: amount("lease", &self.lease, units::parse_duration)?,
            spawn: self.spawn,
            ..Wishes::default()
        };
        let within = wishes.limits().check().and_then(|()| wishes.terms().check());
        within.map_err(ManifestError::Limits)?;
        Ok(wishes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_round_trip() {
        let hash = Sha256::of(b"x");
        for text in [
            "gem-pointer://workers/scout".to_owned(),
            "gem-pointer://scout@3".to_owned(),
            format!("gem-pointer://a/b-c/d_e.f@1.2.3#sha256={hash}"),
        ] {
            assert_eq!(text.parse::<GemPointer>().expect("parses").to_string(), text);
        }
    }

    #[test]
    fn a_pointer_cannot_leave_its_directory() {
        for text in [
            "gem-pointer://",
            "gem-pointer:///etc/passwd",
            "gem-pointer://../x",
            "gem-pointer://a/../b",
            "gem-pointer://a//b",
            "gem-pointer://.hidden",
            "gem-pointer://a/./b",
            "gem-pointer://a%2fb",
            "gem-pointer://a\\b",
            "gem-pointer://a@",
            "gem-pointer://a@../b",
            "gem-pointer://a#sha256=12",
            "gem-pointer://a#md5=12",
            "http://a",
            "gem-pointer://a\0",
        ] {
            assert!(text.parse::<GemPointer>().is_err(), "{text} was taken");
        }
    }

    #[test]
    fn the_callers_wishes_lie_over_the_gems() {
        let gem = Manifest { memory: Some("8MiB".into()), lease: Some("5s".into()), ..Manifest::default() };
        let caller = Wishes { lease_ms: Some(9_000), ..Wishes::default() };
        let both = caller.over(gem.wishes().expect("parses"));
        assert_eq!((both.limits().memory_bytes, both.terms().lease_ms), (8 << 20, 9_000));
        assert_eq!(both.limits().cpu_percent, Limits::default().cpu_percent);
    }
}
