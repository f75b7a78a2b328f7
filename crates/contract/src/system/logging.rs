//! Logs go to standard error: journald or the embedded daemon's log file holds the other end.

use tracing_subscriber::EnvFilter;

/// Reads `HAUKI_LOG` (for example `debug` or `hauki_node=trace`); `default` otherwise.
pub fn start(default: &str, json: bool) {
    let filter = EnvFilter::try_from_env("HAUKI_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A log line that cannot be written (a full disk) would be complained about on the same
        // standard error, with a panic when that fails too: the very thread that tells of the full
        // disk would end.
        .log_internal_errors(false)
        .with_ansi(false);
    // A second call, as tests make, keeps the first subscriber.
    let _ = if json { log.json().try_init() } else { log.try_init() };
}
