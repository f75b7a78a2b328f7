//! Sentences for records, where a table would be the poorer form.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::color::{FAINT, GOOD, WARN};
use super::kinds::{BeatRecord, EventRecord, Happened, Heard, Listening, TeardownRecord};
use super::sanitize;
use crate::api::event::{Event, Happening as What};
use crate::api::node::Fetched;
use crate::api::registry::Holder;
use crate::model::check::{Check, CheckLevel};
use crate::model::death::Death;
use crate::model::id::VaultId;
use crate::model::open_word::OpenWord;
use crate::model::receipt::{Receipt, Resource, Witness};
use crate::model::units::{show_micros, show_millis, show_size};

/// Whoever wrote it, it is one line here.
fn line(text: &str) -> Cow<'_, str> {
    sanitize::line(text)
}

fn cause(death: &Death) -> String {
    let mut words = death.cause.describe().to_owned();
    if let Some(detail) = &death.detail {
        let _ = write!(words, " ({})", line(detail));
    }
    if let Some(by) = &death.by {
        let _ = write!(words, " (by {})", line(by));
    }
    words
}

fn resource(what: Resource) -> &'static str {
    match what {
        Resource::Process => "process",
        Resource::Monitor => "monitor",
        Resource::Cgroups => "cgroups",
        Resource::Mounts => "mounts",
        Resource::Port => "port",
        Resource::Directory => "directory",
    }
}

pub(crate) fn torn(torn: &TeardownRecord) -> String {
    match torn {
        TeardownRecord::Receipt { receipt: told, changed } => receipt(told, *changed),
        TeardownRecord::Nothing { vault, dry_run: Some(true), .. } => format!("{vault}  would die\n"),
        TeardownRecord::Nothing { vault, .. } => format!("{vault}  gone already\n"),
    }
}

fn receipt(receipt: &Receipt, changed: bool) -> String {
    let already = if changed { "dead" } else { "dead already" };
    let (vault, lived, calls) = (&receipt.vault, show_millis(receipt.lived_ms), receipt.calls);
    let plural = if calls == 1 { "call" } else { "calls" };
    let mut out =
        format!("{vault}  {already}: {}, lived {lived}, {calls} {plural}\n ", cause(&receipt.death));
    for reclaimed in &receipt.reclaimed {
        let name = line(&reclaimed.name);
        let what = match reclaimed.what {
            OpenWord::Known(Resource::Port) => format!("port {name}"),
            other => other.told(resource).to_owned(),
        };
        if reclaimed.gone {
            let _ = write!(out, " {what} {} ", show_micros(reclaimed.gone_after_us));
        } else {
            let _ = write!(out, " {WARN}{what} {name} is still there{WARN:#} ");
        }
    }
    let took = show_micros(receipt.reclaimed_us);
    let _ = match receipt.witness {
        Some(OpenWord::Known(Witness::Core)) => {
            writeln!(out, "      by the core's word: nobody saw anything reclaimed")
        }
        Some(OpenWord::Known(Witness::Node)) => {
            writeln!(out, "      reclaimed in {took}, by the word of node {}", receipt.node)
        }
        Some(OpenWord::Other(whose)) => writeln!(out, "      reclaimed in {took}, by the word of {whose}"),
        None => writeln!(out, "      reclaimed in {took}"),
    };
    out
}

pub(crate) fn event(event: &EventRecord) -> String {
    match event {
        EventRecord::Recorded(event) => recorded(event),
        EventRecord::Heard(happened) => heard(happened),
    }
}

fn recorded(event: &Event) -> String {
    let (name, more) = match &event.what {
        What::Summoned { summons, worker } => ("summoned", format!("{summons}  {}", line(worker))),
        What::Forged { node, worker, forged_us, .. } => {
            ("forged", format!("{} on {node} in {}", line(worker), show_micros(*forged_us)))
        }
        What::Ticketed { ticket, .. } => ("ticketed", ticket.to_string()),
        What::Claimed { ticket, peer, .. } => ("claimed", format!("{ticket} by {}", line(peer))),
        What::Log { text, .. } => ("log", line(text).into_owned()),
        What::Fetched { fetched, .. } => ("fetched", fetch(fetched)),
        What::Died { receipt, .. } => ("died", cause(&receipt.death)),
        What::Named { name, .. } => ("named", name.to_string()),
        What::Freed { name, .. } => ("freed", name.to_string()),
        What::NodeUp { node, .. } => ("node_up", node.to_string()),
        What::NodeLost { node, message } => ("node_lost", format!("{node} {}", line(message))),
        What::Lost { node, lost } => {
            let of = node.as_ref().map_or_else(|| "the control plane".to_owned(), ToString::to_string);
            ("lost", format!("{lost} events of {of} until here, which are not kept any more"))
        }
    };
    happening(event.at, name, event.what.vault(), &more)
}

fn fetch(fetched: &Fetched) -> String {
    let Fetched { method, to, status, bytes, took_ms, error } = fetched;
    let what = format!("{} {}", line(method), line(to));
    match (error, status) {
        (Some(error), _) => format!("{what} failed: {}", line(error)),
        (None, Some(status)) => {
            format!("{what} {status}, {} in {}", show_size(*bytes), show_millis(*took_ms))
        }
        (None, None) => what,
    }
}

fn heard(Happened { vault, at, what }: &Happened) -> String {
    let (name, more) = match what {
        Heard::Log { text } => ("log", line(text).into_owned()),
        Heard::Emitted { name, data } => ("emitted", format!("{} {}", line(name), line(data.get()))),
        Heard::Lost { lost } => ("lost", format!("{lost} events, which came faster than they were read")),
    };
    happening(*at, name, Some(vault), &more)
}

fn happening(at: Timestamp, name: &str, vault: Option<&VaultId>, more: &str) -> String {
    let at = at.to_string();
    let time = at.get(11..19).unwrap_or(&at);
    let vault = vault.map(VaultId::as_str).unwrap_or_default();
    format!("{FAINT}{time}{FAINT:#}  {name:<9} {vault}  {more}").trim_end().to_owned() + "\n"
}

pub(crate) fn holder(Holder { name, service }: &Holder) -> String {
    match service {
        Some(service) => format!("{name}  {} on {}\n", service.vault, service.node),
        None => format!("{name}  nobody\n"),
    }
}

pub(crate) fn check(Check { level, what, hint }: &Check) -> String {
    let (level, style) = match level {
        OpenWord::Known(CheckLevel::Ok) => ("ok", GOOD),
        OpenWord::Known(CheckLevel::Warn) => ("warn", WARN),
        OpenWord::Known(CheckLevel::Fail) => ("fail", WARN),
        OpenWord::Other(level) => (*level, WARN),
    };
    let what = line(what);
    match hint.as_deref().map(line) {
        Some(hint) if !hint.is_empty() => {
            format!("  {style}{level:<4}{style:#}  {what}\n        hint: {hint}\n")
        }
        _ => format!("  {style}{level:<4}{style:#}  {what}\n"),
    }
}

pub(crate) fn beat(beat: &BeatRecord) -> String {
    format!("{}  lease {}\n", beat.vault, show_millis(beat.lease_left_ms))
}

pub(crate) fn listener(Listening { vault, address, token }: &Listening) -> String {
    let token = token.as_ref().map(|token| format!("  token {}", line(token.reveal()))).unwrap_or_default();
    format!("{vault}  listens on {}{token}\n", line(address))
}
