//! Host load: how much of this machine is free, as the scheduler wants to know it.

use std::fs;
use std::num::NonZero;
use std::sync::OnceLock;
use std::thread::available_parallelism;

/// Bytes that new work may use, by the kernel's own estimate.
#[must_use]
pub(crate) fn free_memory_bytes() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}

/// The one-minute load in percent of all cores.
#[must_use]
pub(crate) fn load_percent() -> u32 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0.0);
    // Finding them out reads the tree of cgroups.
    static CORES: OnceLock<usize> = OnceLock::new();
    let cores = CORES.get_or_init(|| available_parallelism().map_or(1, NonZero::get));
    (load * 100.0 / *cores as f64).round() as u32
}

/// The resident memory of a process; for display, so a process that is gone has none.
#[must_use]
pub(crate) fn resident_bytes(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages: u64 = text.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}
