//! Records as sentences, where a table would be the poorer form.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;

use super::color::{FAINT, GOOD, WARN};
use super::visible;
use crate::model::death::Cause;
use crate::model::units::{show_micros, show_millis};
use hauki_contract::strict;

pub(crate) fn speaks(kind: &str) -> bool {
    matches!(kind, "receipt" | "event" | "check" | "beat" | "reaped" | "service" | "listener")
}

/// Whoever wrote it, it is one line here.
fn text<'a>(value: &'a Value, name: &str) -> Cow<'a, str> {
    visible::line(value.get(name).and_then(Value::as_str).unwrap_or_default())
}

fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or(0)
}

/// One record, newline included.
pub(crate) fn line(kind: &str, value: &Value) -> String {
    match kind {
        "receipt" => receipt(value),
        "event" => event(value),
        "check" => check(value),
        "beat" => beat(value),
        "service" => service(value),
        "listener" => listener(value),
        _ => format!("{}\n", visible::json(&value.to_string())),
    }
}

fn cause(death: &Value) -> String {
    let cause = death.get("cause").cloned().unwrap_or_default();
    let words = strict::from_value::<Cause>(&cause).map(|cause| cause.describe().to_owned());
    let mut words = words.unwrap_or_else(|_| visible::line(cause.as_str().unwrap_or("unknown")).into_owned());
    for name in ["detail", "by"] {
        if let Some(more) = death.get(name).and_then(Value::as_str) {
            let _ = write!(words, " ({}{})", if name == "by" { "by " } else { "" }, visible::line(more));
        }
    }
    words
}

fn receipt(value: &Value) -> String {
    let vault = text(value, "vault");
    let Some(death) = value.get("death") else {
        let what =
            if value.get("dry_run") == Some(&Value::Bool(true)) { "would die" } else { "gone already" };
        return format!("{vault}  {what}\n");
    };
    let already = if value.get("changed") == Some(&Value::Bool(false)) { "dead already" } else { "dead" };
    let (lived, calls) = (show_millis(number(value, "lived_ms")), number(value, "calls"));
    let plural = if calls == 1 { "call" } else { "calls" };
    let mut out = format!("{vault}  {already}: {}, lived {lived}, {calls} {plural}\n ", cause(death));
    for line in value.get("reclaimed").and_then(Value::as_array).into_iter().flatten() {
        let what = text(line, "what");
        let what = if what == "port" { format!("port {}", text(line, "name")) } else { what.into_owned() };
        if line.get("gone") == Some(&Value::Bool(true)) {
            let _ = write!(out, " {what} {} ", show_micros(number(line, "gone_after_us")));
        } else {
            let _ = write!(out, " {WARN}{what} {} is still there{WARN:#} ", text(line, "name"));
        }
    }
    let took = show_micros(number(value, "reclaimed_us"));
    let _ = match value.get("witness").and_then(Value::as_str) {
        Some("core") => writeln!(out, "      by the core's word: nobody saw anything reclaimed"),
        Some(_) => {
            writeln!(out, "      reclaimed in {took}, by the word of node {}", text(value, "node"))
        }
        None => writeln!(out, "      reclaimed in {took}"),
    };
    out
}

fn event(value: &Value) -> String {
    let at = text(value, "at");
    let time = at.get(11..19).unwrap_or(&at);
    let (vault, name) = (text(value, "vault"), text(value, "event"));
    let more = match &*name {
        "died" => value.pointer("/receipt/death").map(cause).unwrap_or_default(),
        "log" => text(value, "text").into_owned(),
        "emitted" => {
            let data = value.get("data").map(Value::to_string).unwrap_or_default();
            format!("{} {}", text(value, "name"), visible::line(&data))
        }
        "lost" if value.get("seq").is_some() => {
            let of = value.get("node").map_or("the control plane".into(), |_| text(value, "node"));
            format!("{} events of {of} until here, which are not kept any more", number(value, "lost"))
        }
        "lost" => format!("{} events, which came faster than they were read", number(value, "lost")),
        "forged" => format!(
            "{} on {} in {}",
            text(value, "worker"),
            text(value, "node"),
            show_micros(number(value, "forged_us"))
        ),
        "summoned" => format!("{}  {}", text(value, "summons"), text(value, "worker")),
        "named" | "freed" => text(value, "name").into_owned(),
        "ticketed" => text(value, "ticket").into_owned(),
        "claimed" => format!("{} by {}", text(value, "ticket"), text(value, "peer")),
        _ => [text(value, "node"), text(value, "message")].join(" ").trim().to_owned(),
    };
    format!("{FAINT}{time}{FAINT:#}  {name:<9} {vault}  {more}").trim_end().to_owned() + "\n"
}

fn service(value: &Value) -> String {
    let name = text(value, "name");
    match value.get("service").filter(|service| !service.is_null()) {
        Some(service) => format!("{name}  {} on {}\n", text(service, "vault"), text(service, "node")),
        None => format!("{name}  nobody\n"),
    }
}

fn check(value: &Value) -> String {
    let (level, what) = (text(value, "level"), text(value, "what"));
    let style = if level == "ok" { GOOD } else { WARN };
    match &*text(value, "hint") {
        hint if !hint.is_empty() => format!("  {style}{level:<4}{style:#}  {what}\n        hint: {hint}\n"),
        _ => format!("  {style}{level:<4}{style:#}  {what}\n"),
    }
}

fn beat(value: &Value) -> String {
    format!("{}  lease {}\n", text(value, "vault"), show_millis(number(value, "lease_left_ms")))
}

fn listener(value: &Value) -> String {
    let token = match &*text(value, "token") {
        "" => String::new(),
        token => format!("  token {token}"),
    };
    format!("{}  listens on {}{token}\n", text(value, "vault"), text(value, "address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_reads_as_in_the_guide() {
        let value = serde_json::json!({
            "vault": "vlt_1", "changed": true, "lived_ms": 48_000, "calls": 2, "reclaimed_us": 900,
            "death": { "cause": "destruct", "at": "2026-11-21T14:03:11Z" },
            "reclaimed": [
                { "what": "process", "name": "4242", "gone_after_us": 60, "gone": true },
                { "what": "port", "name": "41873", "gone_after_us": 20, "gone": true },
                { "what": "mounts", "name": "2", "gone_after_us": 20, "gone": false },
            ],
        });
        let line = anstream::adapter::strip_str(&line("receipt", &value)).to_string();
        insta::assert_snapshot!(line, @r"
        vlt_1  dead: destruct, lived 48.0 s, 2 calls
          process 0.06 ms  port 41873 0.02 ms  mounts 2 is still there       reclaimed in 0.90 ms
        ");
    }

    #[test]
    fn an_event_reads_as_one_line() {
        let value = serde_json::json!({ "seq": 1, "at": "2026-11-21T14:03:11Z", "event": "log", "vault": "vlt_1", "text": "a\nb" });
        let line = anstream::adapter::strip_str(&line("event", &value)).to_string();
        assert_eq!(line, "14:03:11  log       vlt_1  a\\u000ab\n");
    }
}
