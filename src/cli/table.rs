//! Records as tables: which columns each kind has, and how a value is drawn.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use super::output::{Format, Style};
use crate::model::units::{show_millis, show_size};

#[derive(Debug, Clone, Copy)]
enum Draw {
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
    /// Counts side by side, as bars.
    Plot,
}

struct Column {
    title: &'static str,
    path: &'static str,
    draw: Draw,
}

const fn col(title: &'static str, path: &'static str, draw: Draw) -> Column {
    Column { title, path, draw }
}

/// The usual columns of a kind, and those that `wide` adds.
fn columns(kind: &str) -> (Vec<Column>, Vec<Column>) {
    use Draw::{Bytes, Count, Hash, Mark, Micros, Millionths, Millis, Plot, Secret, Text, YesNo};
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
                col("CREATED", "created_at", Text),
            ],
        ),
        "ticket" => (
            vec![
                col("VAULT", "vault", Text),
                col("WORKER", "worker", Text),
                col("NODE", "node", Text),
                col("ENDPOINT", "endpoint", Text),
                col("METHODS", "methods", Text),
                col("LEASE", "lease.lease_ms", Millis),
                col("EXPIRES", "expires_at", Text),
            ],
            vec![
                col("ID", "id", Text),
                col("CERT", "tls.cert_sha256", Hash),
                col("TOKEN", "auth.token", Secret),
            ],
        ),
        "beat" => (
            vec![col("VAULT", "vault", Text), col("LEASE LEFT", "lease_left_ms", Millis)],
            vec![col("AT", "at", Text)],
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
                col("AT", "death.at", Text),
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
            vec![col("PUSHED", "pushed_at", Text), col("POINTER", "pointer", Text)],
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
                col("SINCE", "service.since", Text),
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
                col("SINCE", "at", Text),
                col("NEXT", "next_at", Text),
                col("EXPIRES", "expires_at", Text),
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

fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, name| value.get(name)).filter(|value| !value.is_null())
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn drawn(value: Option<&Value>, draw: Draw, reveal: bool) -> String {
    let Some(value) = value else { return String::new() };
    match (draw, value.as_u64()) {
        (Draw::Bytes, Some(number)) => return show_size(number),
        (Draw::Millis, Some(number)) => return show_millis(number),
        (Draw::Micros, Some(number)) => return crate::model::units::show_micros(number),
        (Draw::Count, Some(number)) => return grouped(number),
        (Draw::Millionths, Some(number)) => return format!("{:.2}", number as f64 / 1e6),
        _ => {}
    }
    match (draw, value) {
        (Draw::YesNo, Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
        (Draw::Mark, value) => if value == &Value::Bool(true) { "<- chosen" } else { "" }.to_owned(),
        (Draw::Secret, _) if !reveal => "•••••• (--reveal)".to_owned(),
        (Draw::Hash, Value::String(text)) => text.chars().take(12).collect(),
        (Draw::Plot, Value::Array(counts)) => {
            bars(&counts.iter().filter_map(Value::as_u64).collect::<Vec<_>>())
        }
        (_, Value::String(text)) => clean(text),
        (_, Value::Array(items)) if items.iter().all(Value::is_string) => {
            clean(&items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "))
        }
        (_, Value::Object(fields)) => match (fields.get("ip"), fields.get("port"), fields.get("name")) {
            (Some(Value::String(ip)), Some(port), _) if ip.contains(':') => format!("[{ip}]:{port}"),
            (Some(Value::String(ip)), Some(port), _) => format!("{ip}:{port}"),
            (_, _, Some(Value::String(name))) => match fields.get("version").and_then(Value::as_str) {
                Some(version) => clean(&format!("{name}@{version}")),
                None => clean(name),
            },
            _ => value.to_string(),
        },
        (_, other) => other.to_string(),
    }
}

/// One character for each count, the highest for the most; only what is nothing is drawn as nothing.
fn bars(counts: &[u64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let bar = |count: &u64| match count {
        0 => ' ',
        count => BARS[usize::try_from((count * 8).div_ceil(most)).unwrap_or(8).clamp(1, 8) - 1],
    };
    counts.iter().map(bar).collect()
}

/// How a field is drawn that has no column of its own. The ticket's `auth` holds the token.
fn guess(path: &str) -> Draw {
    if path.split('.').any(|name| name == "auth" || name == "token") { Draw::Secret } else { Draw::Text }
}

/// What a worker wrote must not move the cursor of a person's terminal.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

pub(crate) fn draw(kind: &str, values: &[Value], style: &Style) -> String {
    let (mut chosen, more) = columns(kind);
    if style.format == Format::Wide || !style.columns.is_empty() {
        chosen.extend(more);
    }
    let mut titles: Vec<String> = chosen.iter().map(|column| column.title.to_owned()).collect();
    let mut rows: Vec<Vec<String>> = values
        .iter()
        .map(|value| {
            chosen.iter().map(|column| drawn(at(value, column.path), column.draw, style.reveal)).collect()
        })
        .collect();
    if !style.columns.is_empty() {
        let pick = |row: &[String], value: Option<&Value>| -> Vec<String> {
            let cell = |name: &String| match titles.iter().position(|title| title.eq_ignore_ascii_case(name))
            {
                Some(index) => row[index].clone(),
                None => match value {
                    Some(value) => drawn(at(value, name), guess(name), style.reveal),
                    None => name.to_uppercase(),
                },
            };
            style.columns.iter().map(cell).collect()
        };
        rows = rows.iter().zip(values).map(|(row, value)| pick(row, Some(value))).collect();
        titles = pick(&titles.clone(), None);
    } else if chosen.is_empty() {
        return values.iter().map(super::output::pretty).collect();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if style.header {
        table.set_header(&titles);
    }
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_drawn_as_bars_and_the_least_is_still_seen() {
        assert_eq!(bars(&[0, 1, 50, 100, 800]), " ▁▁▁█");
        assert_eq!(bars(&[1, 2]), "▄█");
        assert_eq!(bars(&[]), "");
        assert_eq!(bars(&[0, 0]), "  ");
    }

    fn style(columns: &[&str]) -> Style {
        Style {
            format: Format::Table,
            color: anstream::ColorChoice::Never,
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            header: true,
            reveal: false,
            mute: false,
        }
    }

    #[test]
    fn a_vault_is_one_line() {
        let vault = serde_json::json!({ "id": "vlt_1", "worker": { "name": "workers/scout", "version": "3" },
            "name": "scout/eu", "node": "n3", "phase": "live",
            "vitals": { "lease_left_ms": 8100, "calls": 1204, "memory_bytes": 626_688, "age_ms": 120_000 } });
        insta::assert_snapshot!(draw("vault", std::slice::from_ref(&vault), &style(&[])), @r"
        ID     WORKER           NAME      NODE  PHASE  LEASE  CALLS  MEM      AGE
        vlt_1  workers/scout@3  scout/eu  n3    live   8.1 s  1,204  612 KiB  2 m
        ");
        insta::assert_snapshot!(draw("vault", &[vault], &style(&["phase", "vitals.calls", "id"])), @r"
        PHASE  VITALS.CALLS  ID
        live   1204          vlt_1
        ");
    }

    #[test]
    fn a_token_is_masked_and_control_characters_are_shown() {
        let ticket =
            serde_json::json!({ "vault": "vlt_1", "auth": { "token": "secret" }, "node": "a\u{1b}[2J" });
        let text = draw("ticket", &[ticket], &style(&["vault", "node", "token", "auth.token", "auth"]));
        assert!(!text.contains("secret") && !text.contains('\u{1b}'), "{text}");
    }
}
