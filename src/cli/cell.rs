//! Table cells: what stands in a cell of a table, and how it is drawn.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::sanitize;
use crate::model::digest::Sha256;
use crate::model::ticket::{Endpoint, Worker};
use crate::model::units::{show_micros, show_millis, show_size};
use hauki_contract::system::clock;

pub(crate) enum Cell {
    Nothing,
    Text(String),
    Bytes(u64),
    Millis(u64),
    Micros(u64),
    /// In groups of three digits.
    Count(u64),
    /// `0.94`
    Millionths(u32),
    /// A point in time, to the second.
    Time(Timestamp),
    /// The same by how far it is away.
    Until(Timestamp),
    Secret(Value),
    /// Counts side by side, as bars.
    Plot(Vec<u64>),
    /// Whatever a worker or a user's own column says.
    Any(Value),
}

impl Cell {
    pub(crate) fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    pub(crate) fn words(words: &[String]) -> Self {
        Self::Text(words.join(" "))
    }

    /// A variant, by its name.
    pub(crate) fn word(of: &impl Serialize) -> Self {
        Self::Any(serde_json::to_value(of).unwrap_or_default())
    }

    /// The first digits.
    pub(crate) fn hash(hash: &Sha256) -> Self {
        Self::Text(hash.to_string().chars().take(12).collect())
    }

    pub(crate) fn worker(worker: &Worker) -> Self {
        let Worker { name, version, sha256: _ } = worker;
        Self::Text(version.as_ref().map_or_else(|| name.clone(), |version| format!("{name}@{version}")))
    }

    pub(crate) fn endpoint(endpoint: &Endpoint) -> Self {
        Self::Text(std::net::SocketAddr::new(endpoint.ip, endpoint.port).to_string())
    }

    pub(crate) fn yes_no(yes: bool) -> Self {
        Self::text(if yes { "yes" } else { "no" })
    }

    /// Of a list, the one that it is about.
    pub(crate) fn mark(chosen: bool) -> Self {
        if chosen { Self::text("<- chosen") } else { Self::Nothing }
    }

    /// What others wrote is made visible here, whatever it is drawn as.
    pub(crate) fn drawn(&self, reveal: bool) -> String {
        sanitize::line(&self.shown(reveal)).into_owned()
    }

    fn shown(&self, reveal: bool) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Text(text) => text.clone(),
            Self::Bytes(number) => show_size(*number),
            Self::Millis(number) => show_millis(*number),
            Self::Micros(number) => show_micros(*number),
            Self::Count(number) => grouped(*number),
            Self::Millionths(number) => format!("{:.2}", f64::from(*number) / 1e6),
            Self::Time(at) => {
                let text = at.to_string();
                text.split_once('.').map_or(text.clone(), |(seconds, _)| format!("{seconds}Z"))
            }
            Self::Until(end) => until(end.as_millisecond() - clock::now().as_millisecond()),
            Self::Secret(_) if !reveal => "•••••• (--reveal)".to_owned(),
            Self::Plot(counts) => bars(counts),
            Self::Secret(value) | Self::Any(value) => any(value),
        }
    }
}

/// A cell of what may be absent.
pub(crate) fn some<T>(value: Option<T>, cell: impl FnOnce(T) -> Cell) -> Cell {
    value.map_or(Cell::Nothing, cell)
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

fn any(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
        }
        Value::Object(fields) => match (fields.get("ip"), fields.get("port"), fields.get("name")) {
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
        other => other.to_string(),
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
}
