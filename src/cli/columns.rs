//! Which columns the table of each kind of record has.

#[derive(Debug, Clone, Copy)]
pub(super) enum Draw {
    Text,
    Bytes,
    Millis,
    Micros,
    /// The first digits of a hash.
    Hash,
    Secret,
    Count,
    /// `0.94`
    Millionths,
    /// Of a list, the one that it is about.
    Mark,
    YesNo,
    /// A point in time, to the second.
    Time,
    /// The same by how far it is away.
    Until,
    /// Counts side by side, as bars.
    Plot,
}

pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) path: &'static str,
    pub(super) draw: Draw,
}

const fn col(title: &'static str, path: &'static str, draw: Draw) -> Column {
    Column { title, path, draw }
}

/// The usual columns of a kind, and those that `wide` adds.
pub(super) fn columns(kind: &str) -> (Vec<Column>, Vec<Column>) {
    use Draw::{
        Bytes, Count, Hash, Mark, Micros, Millionths, Millis, Plot, Secret, Text, Time, Until, YesNo,
    };
    match kind {
        "vault" => (
            vec![
                col("ID", "id", Text),
                col("WORKER", "worker", Text),
                col("NAME", "name", Text),
                col("NODE", "node", Text),
                col("PHASE", "phase", Text),
                col("LEASE", "vitals.lease_left_ms", Millis),
                col("CALLS", "vitals.calls", Count),
                col("MEM", "vitals.memory_bytes", Bytes),
                col("AGE", "vitals.age_ms", Millis),
            ],
            vec![
                col("METHODS", "methods", Text),
                col("ENDPOINT", "endpoint", Text),
                col("PID", "vitals.init_pid", Text),
                col("FORGED", "forged_us", Micros),
                col("CAUSE", "receipt.death.cause", Text),
                col("SUMMONS", "summons", Text),
            ],
        ),
        "summons" => (
            vec![
                col("ID", "id", Text),
                col("WORKER", "worker", Text),
                col("SHA256", "worker.sha256", Hash),
                col("SOURCE", "source_bytes", Bytes),
                col("MEMORY", "limits.memory_bytes", Bytes),
                col("LEASE", "terms.lease_ms", Millis),
            ],
            vec![
                col("DEADLINE", "limits.call_deadline_ms", Millis),
                col("KEY", "key", Text),
                col("CREATED", "created_at", Time),
            ],
        ),
        "ticket" => (
            vec![
                col("VAULT", "vault", Text),
                col("WORKER", "worker", Text),
                col("NODE", "node", Text),
                col("ENDPOINT", "endpoint", Text),
                col("EXPIRES", "expires_at", Until),
                col("LEASE", "lease.lease_ms", Millis),
                col("METHODS", "methods", Text),
            ],
            vec![
                col("ID", "id", Text),
                col("CERT", "tls.cert_sha256", Hash),
                col("TOKEN", "auth.token", Secret),
            ],
        ),
        "beat" => (
            vec![col("VAULT", "vault", Text), col("LEASE LEFT", "lease_left_ms", Millis)],
            vec![col("AT", "at", Time)],
        ),
        "receipt" => (
            vec![
                col("VAULT", "vault", Text),
                col("NODE", "node", Text),
                col("CAUSE", "death.cause", Text),
                col("LIVED", "lived_ms", Millis),
                col("CALLS", "calls", Count),
                col("RECLAIMED", "reclaimed_us", Micros),
            ],
            vec![
                col("AT", "death.at", Time),
                col("BY", "death.by", Text),
                col("WITNESS", "witness", Text),
                col("DETAIL", "death.detail", Text),
            ],
        ),
        "gem" => (
            vec![
                col("GEM", "path", Text),
                col("VERSION", "version", Text),
                col("SHA256", "sha256", Hash),
                col("SIZE", "bytes", Bytes),
                col("FOUND IN", "found_in", Text),
            ],
            vec![col("PUSHED", "pushed_at", Time), col("POINTER", "pointer", Text)],
        ),
        "node" => (
            vec![
                col("NODE", "name", Text),
                col("STATE", "state", Text),
                col("VAULTS", "vaults", Count),
                col("WARM", "warm_vaults", Count),
                col("FREE MEM", "free_memory_bytes", Bytes),
                col("LOAD %", "load_percent", Text),
                col("DATA PLANE", "data_plane", Text),
            ],
            vec![col("VERSION", "version", Text), col("BOOT", "boot_id", Text)],
        ),
        "service" => (
            vec![
                col("NAME", "name", Text),
                col("VAULT", "service.vault", Text),
                col("WORKER", "service.worker", Text),
                col("NODE", "service.node", Text),
                col("SINCE", "service.since", Time),
            ],
            vec![],
        ),
        "spool" => (
            vec![
                col("PLACE", "place", Count),
                col("ID", "id", Text),
                col("WORKER", "worker", Text),
                col("STATE", "state", Text),
                col("OWNER", "owner", Text),
                col("PRIORITY", "priority", Count),
                col("TRIES", "attempts", Count),
                col("ERROR", "error.message", Text),
            ],
            vec![
                col("SUMMONS", "summons", Text),
                col("VAULT", "vault", Text),
                col("SINCE", "at", Time),
                col("NEXT", "next_at", Time),
                col("EXPIRES", "expires_at", Time),
            ],
        ),
        "score" => (
            vec![
                col("NODE", "node", Text),
                col("FITS", "fits", Text),
                col("FREE MEM", "free_memory_bytes", Bytes),
                col("LOAD %", "load_percent", Text),
                col("RTT", "rtt_us", Micros),
                col("WARM", "warm_vaults", Count),
                col("CODE", "code", YesNo),
                col("SCORE", "score", Millionths),
                col("", "chosen", Mark),
            ],
            vec![],
        ),
        "setting" => (
            vec![col("SETTING", "key", Text), col("VALUE", "value", Text), col("ORIGIN", "origin", Text)],
            vec![],
        ),
        "figure" => (
            vec![
                col("STEP", "name", Text),
                col("ROUNDS", "rounds", Count),
                col("LEAST", "min_us", Micros),
                col("P50", "p50_us", Micros),
                col("P95", "p95_us", Micros),
                col("P99", "p99_us", Micros),
                col("LEAST TO MOST", "plot", Plot),
                col("MOST", "max_us", Micros),
            ],
            vec![],
        ),
        "reply" => (
            vec![col("VAULT", "vault", Text), col("METHOD", "method", Text), col("RESULT", "result", Text)],
            vec![],
        ),
        _ => (vec![], vec![]),
    }
}
