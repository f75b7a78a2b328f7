//! Record kinds of the tool: what it says of itself and of this machine.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::cli::cell::{Cell, some};
use crate::cli::record::{Column, RecordKind, col};
use crate::cli::sentences;
use crate::model::check::Check;

impl RecordKind for Check {
    const NAME: &'static str = "check";
    const SENTENCE: Option<fn(&Self) -> String> = Some(sentences::check);
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SettingRecord {
    pub(crate) key: String,
    pub(crate) value: Option<String>,
    /// Where it was said, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<String>,
}

impl RecordKind for SettingRecord {
    const NAME: &'static str = "setting";
    const COLUMNS: &'static [Column<Self>] = &[
        col("SETTING", |setting| Cell::text(&setting.key)),
        col("VALUE", |setting| some(setting.value.as_ref(), Cell::text)),
        col("ORIGIN", |setting| some(setting.origin.as_ref(), Cell::text)),
    ];
}

/// Parts between the least and the most.
pub(crate) const GROUPS: usize = 16;

/// The times of one step.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) name: Cow<'static, str>,
    pub(crate) rounds: usize,
    pub(crate) min_us: u64,
    pub(crate) p50_us: u64,
    pub(crate) p95_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) max_us: u64,
    /// How many lie in each of the equal parts between least and most.
    pub(crate) plot: [u32; GROUPS],
}

impl RecordKind for Figure {
    const NAME: &'static str = "figure";
    const COLUMNS: &'static [Column<Self>] = &[
        col("STEP", |figure| Cell::text(&figure.name)),
        col("ROUNDS", |figure| Cell::Count(figure.rounds as u64)),
        col("LEAST", |figure| Cell::Micros(figure.min_us)),
        col("P50", |figure| Cell::Micros(figure.p50_us)),
        col("P95", |figure| Cell::Micros(figure.p95_us)),
        col("P99", |figure| Cell::Micros(figure.p99_us)),
        col("LEAST TO MOST", |figure| Cell::Plot(figure.plot.iter().copied().map(u64::from).collect())),
        col("MOST", |figure| Cell::Micros(figure.max_us)),
    ];
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) version: Cow<'static, str>,
    pub(crate) api: Cow<'static, str>,
    /// Of the ticket's document.
    pub(crate) ticket: u32,
    /// Of the daemon, if one runs.
    pub(crate) daemon: Option<DaemonVersion>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DaemonVersion {
    pub(crate) version: String,
    pub(crate) role: String,
    pub(crate) vault_build: String,
}

impl RecordKind for Version {
    const NAME: &'static str = "version";
}

/// An item that failed, or an earlier verb's failure that is passed on: whatever it says, it is not drawn.
#[derive(Debug, Deserialize)]
pub(crate) struct Failed {}

impl RecordKind for Failed {
    const NAME: &'static str = "error";
    /// Of an error that is about one.
    const ID: Option<&'static str> = Some("vault");
}
