//! Logging: lines go to standard error: journald or the embedded daemon's log file holds the other end.
//!
//! A line that was written for somebody's request names its trace, at whatever level spans are shown.

use std::fmt;

use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber, warn};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, registry};

use super::spans::{Collector, ExportFilter};
use super::trace;

/// Reads `HAUKI_LOG` (for example `debug` or `hauki_node=trace`); `default` otherwise.
pub fn start(default: LevelFilter, json: bool) {
    let asked = std::env::var_os("HAUKI_LOG").map(|asked| asked.to_string_lossy().into_owned());
    let filter = filter(asked.as_deref(), default);
    let (filter, refused) = match filter {
        Ok(filter) => (filter, None),
        Err(refused) => (Targets::new().with_default(default), Some(refused)),
    };
    let log = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        // A log line that cannot be written (a full disk) would be complained about on the same
        // standard error, with a panic when that fails too: the very thread that tells of the full
        // disk would end.
        .log_internal_errors(false)
        .with_ansi(false);
    // A second call, as tests make, keeps the first subscriber.
    let log = if json {
        log.json().map_event_format(|inner| Traced { inner, json }).boxed()
    } else {
        log.map_event_format(|inner| Traced { inner, json }).boxed()
    };
    let _ = registry().with(log.with_filter(filter)).with(Collector.with_filter(ExportFilter)).try_init();
    if let Some(refused) = refused {
        warn!("HAUKI_LOG is not followed: {refused} is no level and no MODULE=LEVEL");
    }
}

/// Levels, of all or by module; `Err` is the part that is neither.
fn filter(asked: Option<&str>, default: LevelFilter) -> Result<Targets, String> {
    let parts = asked.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty());
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return Ok(Targets::new().with_default(default));
    }
    parts.try_fold(Targets::new(), |filter, part| {
        let (module, level) =
            part.split_once('=').map_or((None, part), |(module, level)| (Some(module), level));
        let is_module =
            |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_:".contains(c));
        // Nothing would be read as a level too.
        let level = Some(level.trim()).filter(|level| !level.is_empty()).map(str::parse::<LevelFilter>);
        match (module.map(str::trim), level.and_then(Result::ok)) {
            (None, Some(level)) => Ok(filter.with_default(level)),
            (Some(module), Some(level)) if is_module(module) => Ok(filter.with_target(module, level)),
            _ => Err(part.to_owned()),
        }
    })
}

/// For a process that has no log: its spans alone.
pub fn start_spans() {
    let _ = registry().with(Collector.with_filter(ExportFilter)).try_init();
}

/// A format whose lines end with the trace that they belong to.
struct Traced<F> {
    inner: F,
    json: bool,
}

impl<S, N, F> FormatEvent<S, N> for Traced<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(belongs) = trace::current() else {
            return self.inner.format_event(context, out, event);
        };
        let mut line = String::new();
        self.inner.format_event(context, Writer::new(&mut line), event)?;
        let line = line.trim_end_matches('\n');
        match line.strip_suffix('}').filter(|_| self.json) {
            Some(open) => writeln!(out, "{open},\"trace\":\"{}\"}}", belongs.trace),
            None => writeln!(out, "{line} trace={}", belongs.trace),
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn levels_are_of_all_or_by_module() {
        for (asked, by_module, of_all) in [
            (None, Some(Level::INFO), Some(Level::INFO)),
            (Some(""), Some(Level::INFO), Some(Level::INFO)),
            (Some("warn"), Some(Level::WARN), Some(Level::WARN)),
            (Some("info,hauki_node=debug"), Some(Level::DEBUG), Some(Level::INFO)),
            (Some("hauki_node=trace"), Some(Level::TRACE), None),
            (Some("info,"), Some(Level::INFO), Some(Level::INFO)),
            (Some(" warn , hauki_node = off ,,"), None, Some(Level::WARN)),
        ] {
            let filter = filter(asked, LevelFilter::INFO).expect("is a list");
            let most = |target: &str| {
                let levels = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];
                levels.into_iter().find(|level| filter.would_enable(target, level))
            };
            assert_eq!((most("hauki_node::gate"), most("hauki_control")), (by_module, of_all), "{asked:?}");
        }
        for (asked, named) in [
            ("inof", "inof"),
            ("hauki_node", "hauki_node"),
            ("info,hauki_node=loud", "hauki_node=loud"),
            ("hauki_node[span]=debug", "hauki_node[span]=debug"),
            ("=info", "=info"),
            ("hauki_node=", "hauki_node="),
        ] {
            assert_eq!(filter(Some(asked), LevelFilter::INFO).expect_err(asked), named);
        }
    }
}
