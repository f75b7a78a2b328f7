//! Record kinds of a vault's life and end: beats, events, receipts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::Happened;
use crate::api::event::Event;
use crate::cli::cell::{Cell, some};
use crate::cli::record::{Body, Column, RecordKind, col, field, fields};
use crate::cli::sentences;
use crate::model::death::Death;
use crate::model::id::VaultId;
use crate::model::receipt::Receipt;

/// A lease that was renewed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BeatRecord {
    pub(crate) vault: VaultId,
    pub(crate) lease_left_ms: u64,
    pub(crate) at: Timestamp,
}

impl RecordKind for BeatRecord {
    const NAME: &'static str = "beat";
    const ID: Option<&'static str> = Some(field!(BeatRecord { vault }));
    const COLUMNS: &'static [Column<Self>] = &[
        col("VAULT", |beat| Cell::text(&beat.vault)),
        col("LEASE LEFT", |beat| Cell::Millis(beat.lease_left_ms)),
    ];
    const WIDE: &'static [Column<Self>] = &[col("AT", |beat| Cell::Time(beat.at))];
    const SENTENCE: Option<fn(&Self) -> String> = Some(sentences::beat);
}

/// What came of ending a vault.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum TeardownRecord {
    Receipt {
        #[serde(flatten)]
        receipt: Receipt,
        /// Not if it was dead already.
        changed: bool,
    },
    /// There is no receipt: it is unknown, or nothing was done to it.
    Nothing {
        vault: VaultId,
        changed: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dry_run: Option<bool>,
    },
}

fn told(torn: &TeardownRecord, cell: fn(&Receipt) -> Cell) -> Cell {
    match torn {
        TeardownRecord::Receipt { receipt, .. } => cell(receipt),
        TeardownRecord::Nothing { .. } => Cell::Nothing,
    }
}

fn death(torn: &TeardownRecord, cell: fn(&Death) -> Cell) -> Cell {
    match torn {
        TeardownRecord::Receipt { receipt, .. } => cell(&receipt.death),
        TeardownRecord::Nothing { .. } => Cell::Nothing,
    }
}

impl RecordKind for TeardownRecord {
    const NAME: &'static str = "receipt";
    const ID: Option<&'static str> = Some(field!(Receipt { vault }));
    const COLUMNS: &'static [Column<Self>] = &[
        col("VAULT", |torn| match torn {
            TeardownRecord::Receipt { receipt: Receipt { vault, .. }, .. }
            | TeardownRecord::Nothing { vault, .. } => Cell::text(vault),
        }),
        col("NODE", |torn| told(torn, |receipt| Cell::text(&receipt.node))),
        col("CAUSE", |torn| death(torn, |death| Cell::word(&death.cause))),
        col("LIVED", |torn| told(torn, |receipt| Cell::Millis(receipt.lived_ms))),
        col("CALLS", |torn| told(torn, |receipt| Cell::Count(receipt.calls))),
        col("RECLAIMED", |torn| told(torn, |receipt| Cell::Micros(receipt.reclaimed_us))),
    ];
    const WIDE: &'static [Column<Self>] = &[
        col("AT", |torn| death(torn, |death| Cell::Time(death.at))),
        col("BY", |torn| death(torn, |death| some(death.by.as_ref(), Cell::text))),
        col("WITNESS", |torn| told(torn, |receipt| some(receipt.witness.as_ref(), Cell::word))),
        col("DETAIL", |torn| death(torn, |death| some(death.detail.as_ref(), Cell::text))),
    ];
    const SENTENCE: Option<fn(&Self) -> String> = Some(sentences::torn);
    const FIELDS: fn() -> Option<Value> = fields::<Receipt>;
}

/// Of the control plane, or of a call; the words are the same where both have them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum EventRecord {
    Recorded(Event),
    Heard(Happened),
}

impl RecordKind for EventRecord {
    const NAME: &'static str = "event";
    const ID: Option<&'static str> = Some(field!(Happened { vault }));
    const SENTENCE: Option<fn(&Self) -> String> = Some(sentences::event);
}

impl Body for Happened {
    type Kind = EventRecord;
}
