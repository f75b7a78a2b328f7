//! Record kinds of a worker: what becomes of a source, summons, vault, ticket; and the gem that it may be.

use serde_json::Value;

use crate::api::gem::{Gem, GemPlace, GemRemoved};
use crate::api::secret::{SecretInfo, SecretRemoved};
use crate::api::summons::Summons;
use crate::api::vault::{Vault, Vitals};
use crate::cli::cell::{Cell, some};
use crate::cli::record::{Column, RecordKind, col, field, fields};
use crate::model::phase::Phase;
use crate::model::ticket::Ticket;

fn vital(vault: &Vault, cell: fn(&Vitals) -> Cell) -> Cell {
    some(vault.vitals.as_ref(), cell)
}

impl RecordKind for Vault {
    const NAME: &'static str = "vault";
    const ID: Option<&'static str> = Some(field!(Vault { id }));
    const COLUMNS: &'static [Column<Self>] = &[
        col("ID", |vault| Cell::text(&vault.id)),
        col("WORKER", |vault| Cell::worker(&vault.worker)),
        col("NAME", |vault| some(vault.name.as_ref(), Cell::text)),
        col("NODE", |vault| Cell::text(&vault.node)),
        col("PHASE", |vault| Cell::text(vault.phase.told(Phase::as_str))),
        col("LEASE", |vault| vital(vault, |vitals| Cell::Millis(vitals.lease_left_ms))),
        col("CALLS", |vault| vital(vault, |vitals| Cell::Count(vitals.calls))),
        col("MEM", |vault| vital(vault, |vitals| Cell::Bytes(vitals.memory_bytes))),
        col("AGE", |vault| vital(vault, |vitals| Cell::Millis(vitals.age_ms))),
    ];
    const WIDE: &'static [Column<Self>] = &[
        col("METHODS", |vault| Cell::words(&vault.methods)),
        col("ENDPOINT", |vault| some(vault.endpoint.as_ref(), Cell::endpoint)),
        col("PID", |vault| vital(vault, |vitals| Cell::text(vitals.init_pid))),
        col("FORGED", |vault| Cell::Micros(vault.forged_us)),
        col("CAUSE", |vault| some(vault.receipt.as_ref(), |receipt| Cell::word(&receipt.death.cause))),
        col("SUMMONS", |vault| Cell::text(&vault.summons)),
    ];
    const FIELDS: fn() -> Option<Value> = fields::<Self>;
}

impl RecordKind for Summons {
    const NAME: &'static str = "summons";
    const ID: Option<&'static str> = Some(field!(Summons { id }));
    const TRIED: Option<&'static str> = Some(field!(Summons { dry_run }));
    const COLUMNS: &'static [Column<Self>] = &[
        col("ID", |summons| Cell::text(&summons.id)),
        col("WORKER", |summons| Cell::worker(&summons.worker)),
        col("SHA256", |summons| Cell::hash(&summons.worker.sha256)),
        col("SOURCE", |summons| Cell::Bytes(summons.source_bytes)),
        col("MEMORY", |summons| Cell::Bytes(summons.limits.memory_bytes)),
        col("LEASE", |summons| Cell::Millis(summons.terms.lease_ms)),
    ];
    const WIDE: &'static [Column<Self>] = &[
        col("DEADLINE", |summons| Cell::Millis(summons.limits.call_deadline_ms.into())),
        col("KEY", |summons| Cell::text(&summons.key)),
        col("CREATED", |summons| Cell::Time(summons.created_at)),
    ];
    const FIELDS: fn() -> Option<Value> = fields::<Self>;
}

impl RecordKind for Ticket {
    const NAME: &'static str = "ticket";
    const ID: Option<&'static str> = Some(field!(Ticket { vault }));
    const COLUMNS: &'static [Column<Self>] = &[
        col("VAULT", |ticket| Cell::text(&ticket.vault)),
        col("WORKER", |ticket| Cell::worker(&ticket.worker)),
        col("NODE", |ticket| Cell::text(&ticket.node)),
        col("ENDPOINT", |ticket| Cell::endpoint(&ticket.endpoint)),
        col("EXPIRES", |ticket| Cell::Until(ticket.expires_at)),
        col("LEASE", |ticket| Cell::Millis(ticket.lease.lease_ms)),
        col("METHODS", |ticket| Cell::words(&ticket.methods)),
    ];
    const WIDE: &'static [Column<Self>] = &[
        col("ID", |ticket| Cell::text(&ticket.id)),
        col("CERT", |ticket| Cell::hash(&ticket.tls.cert_sha256)),
        col("TOKEN", |ticket| Cell::Secret(ticket.auth.token.reveal().into())),
    ];
    const FIELDS: fn() -> Option<Value> = fields::<Self>;
}

impl RecordKind for Gem {
    const NAME: &'static str = "gem";
    const ID: Option<&'static str> = Some(field!(Gem { pointer }));
    const COLUMNS: &'static [Column<Self>] = &[
        col("GEM", |gem| Cell::text(&gem.path)),
        col("VERSION", |gem| some(gem.version.as_ref(), Cell::text)),
        col("SHA256", |gem| Cell::hash(&gem.sha256)),
        col("SIZE", |gem| Cell::Bytes(gem.bytes)),
        col("FOUND IN", |gem| match &gem.found_in {
            GemPlace::Pushed | GemPlace::Other => Cell::word(&gem.found_in),
            GemPlace::Directory(directory) => Cell::text(directory),
        }),
    ];
    const WIDE: &'static [Column<Self>] = &[
        col("PUSHED", |gem| some(gem.pushed_at, Cell::Time)),
        col("POINTER", |gem| Cell::text(&gem.pointer)),
    ];
    const FIELDS: fn() -> Option<Value> = fields::<Self>;
}

impl RecordKind for GemRemoved {
    const NAME: &'static str = "gem_removed";
}

impl RecordKind for SecretInfo {
    const NAME: &'static str = "secret";
    const ID: Option<&'static str> = Some(field!(SecretInfo { name }));
    const COLUMNS: &'static [Column<Self>] =
        &[col("SECRET", |secret| Cell::text(&secret.name)), col("SET", |secret| Cell::Time(secret.set_at))];
    const WIDE: &'static [Column<Self>] = &[col("KEY", |secret| Cell::text(secret.key_version))];
    const FIELDS: fn() -> Option<Value> = fields::<Self>;
}

impl RecordKind for SecretRemoved {
    const NAME: &'static str = "secret_removed";
    const ID: Option<&'static str> = Some(field!(SecretRemoved { name }));
    const COLUMNS: &'static [Column<Self>] = &[
        col("SECRET", |removed| Cell::text(&removed.name)),
        col("REMOVED", |removed| Cell::yes_no(removed.changed)),
    ];
    const FIELDS: fn() -> Option<Value> = fields::<Self>;
}
