//! Records as tables: how a value is drawn. Which columns a kind has is in [`super::columns`].

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use super::columns::{Draw, columns};
use super::error::CliError;
use super::fit::{fit, leave_out_empty};
use super::output::{Format, Style};
use super::visible;
use crate::model::units::{show_millis, show_size};

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

/// What others wrote is made visible here, whatever it is drawn as.
fn drawn(value: Option<&Value>, draw: Draw, reveal: bool) -> String {
    value.map_or_else(String::new, |value| visible::line(&cell(value, draw, reveal)).into_owned())
}

fn cell(value: &Value, draw: Draw, reveal: bool) -> String {
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
        (Draw::Time, Value::String(text)) => match text.split_once('.') {
            Some((seconds, _)) => format!("{seconds}Z"),
            None => text.clone(),
        },
        (Draw::Until, Value::String(text)) => match text.parse::<jiff::Timestamp>() {
            Ok(end) => until(end.as_millisecond() - hauki_contract::system::clock::now().as_millisecond()),
            Err(_) => text.clone(),
        },
        (_, Value::String(text)) => text.clone(),
        (_, Value::Array(items)) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
        }
        (_, Value::Object(fields)) => match (fields.get("ip"), fields.get("port"), fields.get("name")) {
            (Some(Value::String(ip)), Some(port), _) if ip.contains(':') => format!("[{ip}]:{port}"),
            (Some(Value::String(ip)), Some(port), _) => format!("{ip}:{port}"),
            (_, _, Some(Value::String(name))) => match fields.get("version").and_then(Value::as_str) {
                Some(version) => format!("{name}@{version}"),
                None => name.clone(),
            },
            // As where a gem was found: {"directory": "/srv/gems"}.
            _ => match fields.iter().next() {
                Some((_, Value::String(text))) if fields.len() == 1 => text.clone(),
                _ => value.to_string(),
            },
        },
        (_, other) => other.to_string(),
    }
}

fn until(ms: i64) -> String {
    match u64::try_from(ms) {
        Ok(left) => format!("in {}", show_millis(left)),
        Err(_) => format!("{} ago", show_millis(ms.unsigned_abs())),
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

/// A column must be a title, or a field that records of the kind have, or could have.
pub(crate) fn check_columns(kind: &str, values: &[Value], names: &[String]) -> Result<(), CliError> {
    let (usual, wide) = columns(kind);
    let titles: Vec<&str> = usual.iter().chain(&wide).map(|column| column.title).collect();
    let is_known = |name: &String| {
        let first = name.split('.').next().unwrap_or_default();
        titles.iter().any(|title| title.eq_ignore_ascii_case(name))
            || values.iter().any(|value| at(value, name).is_some())
            || fields(kind).is_some_and(|fields| fields.get(first).is_some())
    };
    match names.iter().find(|name| !is_known(name)) {
        Some(name) => Err(CliError::usage(format!("a {kind} has no column {name:?}")).hint(format!(
            "it has {}, and its fields as -o json shows them",
            titles.join(", ").to_lowercase()
        ))),
        None => Ok(()),
    }
}

/// What records of a kind may have, by the API's own schema.
fn fields(kind: &str) -> Option<Value> {
    let schema = match kind {
        "vault" => schemars::schema_for!(crate::api::vault::Vault),
        "summons" => schemars::schema_for!(crate::api::summons::Summons),
        "ticket" => schemars::schema_for!(crate::model::ticket::Ticket),
        "gem" => schemars::schema_for!(crate::api::gem::Gem),
        "receipt" => schemars::schema_for!(crate::model::receipt::Receipt),
        "node" => schemars::schema_for!(crate::api::swarm::NodeDetail),
        "spool" => schemars::schema_for!(crate::api::spool::SpoolEntry),
        _ => return None,
    };
    schema.get("properties").cloned()
}

/// Whether a table of such records has columns of its own.
pub(crate) fn is_drawn(kind: &str) -> bool {
    !columns(kind).0.is_empty()
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
        let whole = |value| visible::json(&super::output::pretty(value)).into_owned();
        return values.iter().map(whole).collect();
    }
    if let Some(width) = style.width.filter(|_| style.format == Format::Table) {
        leave_out_empty(&mut titles, &mut rows);
        fit(&mut titles, &mut rows, width);
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
            width: None,
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
