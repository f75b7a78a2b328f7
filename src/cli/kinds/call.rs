//! Record kinds of calls: what is said over a session: replies, events of a call, and where others can listen in.

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::cli::cell::Cell;
use crate::cli::record::{Column, RecordKind, col, field, value};
use crate::cli::sentences;
use crate::model::id::VaultId;
use crate::model::secret::Secret;

/// What came of a call, or of one line of a pipe: then `input` is that line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reply {
    pub(crate) vault: VaultId,
    pub(crate) method: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) input: Option<String>,
    #[serde(deserialize_with = "raw")]
    pub(crate) result: Box<RawValue>,
}

impl RecordKind for Reply {
    const NAME: &'static str = "reply";
    const ID: Option<&'static str> = Some(field!(Reply { vault }));
    const COLUMNS: &'static [Column<Self>] = &[
        col("VAULT", |reply| Cell::text(&reply.vault)),
        col("METHOD", |reply| Cell::text(&reply.method)),
        col("RESULT", |reply| Cell::Any(value(reply.result.get()).unwrap_or_default())),
    ];
}

/// What a worker says while it is called.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Happened {
    pub(crate) vault: VaultId,
    pub(crate) at: Timestamp,
    #[serde(flatten)]
    pub(crate) what: Heard,
}

/// The words are those of `hauki events` where it has the same.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Heard {
    Log {
        text: String,
    },
    Emitted {
        name: String,
        #[serde(deserialize_with = "raw")]
        data: Box<RawValue>,
    },
    Lost {
        lost: u64,
    },
}

/// What a worker wrote is written on as it is, and read, to be drawn, as far as a value holds it.
fn raw<'de, D: Deserializer<'de>>(input: D) -> Result<Box<RawValue>, D::Error> {
    to_raw_value(&Value::deserialize(input)?).map_err(D::Error::custom)
}

/// Where a session is carried for others.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listening {
    pub(crate) vault: VaultId,
    pub(crate) address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Secret>,
}

impl RecordKind for Listening {
    const NAME: &'static str = "listener";
    const ID: Option<&'static str> = Some(field!(Listening { vault }));
    const SENTENCE: Option<fn(&Self) -> String> = Some(sentences::listener);
}
