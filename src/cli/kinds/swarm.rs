//! Record kinds of the swarm: what there is of the swarm: nodes, the scheduler's view of them, names, the queue.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::registry::{Holder, Service};
use crate::api::spool::SpoolEntry;
use crate::api::swarm::NodeDetail;
use crate::api::vault::{NodeInfo, NodeScore};
use crate::cli::cell::{Cell, some};
use crate::cli::record::{Body, Column, RecordKind, col, field, fields};
use crate::cli::sentences;

impl RecordKind for NodeInfo {
    const NAME: &'static str = "node";
    const ID: Option<&'static str> = Some(field!(NodeInfo { name }));
    const COLUMNS: &'static [Column<Self>] = &[
        col("NODE", |node| Cell::text(&node.name)),
        col("STATE", |node| Cell::text(&node.state)),
        col("VAULTS", |node| Cell::Count(node.vaults.into())),
        col("WARM", |node| Cell::Count(node.warm_vaults.into())),
        col("FREE MEM", |node| Cell::Bytes(node.free_memory_bytes)),
        col("LOAD %", |node| Cell::text(node.load_percent)),
        col("DATA PLANE", |node| Cell::text(&node.data_plane)),
    ];
    const WIDE: &'static [Column<Self>] =
        &[col("VERSION", |node| Cell::text(&node.version)), col("BOOT", |node| Cell::text(&node.boot_id))];
    const FIELDS: fn() -> Option<Value> = fields::<NodeDetail>;
}

/// One node in full, which a table shows as it shows many.
impl Body for NodeDetail {
    type Kind = NodeInfo;
}

/// What the scheduler thinks of a node, with its refusal in words.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Score {
    pub(crate) fits: String,
    #[serde(flatten)]
    pub(crate) score: NodeScore,
}

impl RecordKind for Score {
    const NAME: &'static str = "score";
    const COLUMNS: &'static [Column<Self>] = &[
        col("NODE", |row| Cell::text(&row.score.node)),
        col("FITS", |row| Cell::text(&row.fits)),
        col("FREE MEM", |row| some(row.score.free_memory_bytes, Cell::Bytes)),
        col("LOAD %", |row| some(row.score.load_percent, Cell::text)),
        col("RTT", |row| some(row.score.rtt_us, Cell::Micros)),
        col("WARM", |row| some(row.score.warm_vaults, |count| Cell::Count(count.into()))),
        col("CODE", |row| some(row.score.code, Cell::yes_no)),
        col("SCORE", |row| Cell::Millionths(row.score.score)),
        col("", |row| Cell::mark(row.score.chosen)),
    ];
}

fn held(holder: &Holder, cell: fn(&Service) -> Cell) -> Cell {
    some(holder.service.as_ref(), cell)
}

impl RecordKind for Holder {
    const NAME: &'static str = "service";
    const ID: Option<&'static str> = Some(field!(Holder { name }));
    const COLUMNS: &'static [Column<Self>] = &[
        col("NAME", |holder| Cell::text(&holder.name)),
        col("VAULT", |holder| held(holder, |service| Cell::text(&service.vault))),
        col("WORKER", |holder| held(holder, |service| Cell::worker(&service.worker))),
        col("NODE", |holder| held(holder, |service| Cell::text(&service.node))),
        col("SINCE", |holder| held(holder, |service| Cell::Time(service.since))),
    ];
    const SENTENCE: Option<fn(&Self) -> String> = Some(sentences::holder);
}

impl RecordKind for SpoolEntry {
    const NAME: &'static str = "spool";
    const ID: Option<&'static str> = Some(field!(SpoolEntry { id }));
    const COLUMNS: &'static [Column<Self>] = &[
        col("PLACE", |entry| some(entry.place, Cell::Count)),
        col("ID", |entry| Cell::text(&entry.id)),
        col("WORKER", |entry| Cell::text(&entry.worker)),
        col("STATE", |entry| Cell::word(&entry.state)),
        col("OWNER", |entry| Cell::text(&entry.owner)),
        col("PRIORITY", |entry| Cell::Count(entry.priority.into())),
        col("TRIES", |entry| Cell::Count(entry.attempts.into())),
        col("ERROR", |entry| some(entry.error.as_ref(), |error| Cell::text(&error.message))),
    ];
    const WIDE: &'static [Column<Self>] = &[
        col("SUMMONS", |entry| Cell::text(&entry.summons)),
        col("VAULT", |entry| some(entry.vault.as_ref(), Cell::text)),
        col("SINCE", |entry| Cell::Time(entry.at)),
        col("NEXT", |entry| some(entry.next_at, Cell::Time)),
        col("EXPIRES", |entry| some(entry.expires_at, Cell::Time)),
    ];
    const FIELDS: fn() -> Option<Value> = fields::<Self>;
}
