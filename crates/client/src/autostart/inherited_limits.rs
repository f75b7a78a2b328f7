//! Inherited resource limits: those of the caller's shell that a daemon would die of, and that the kernel does not
//! let us lift.
//!
//! `daemonize` lifts what it can. Without the capability for it, as in many containers, the hard limits stay; then
//! it is better not to start than to be killed in the middle of everybody's work.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Each with the word of ulimit(1), the size of its unit, and the least that serves.
const BOUNDS: [(Resource, &str, u64, u64); 7] = [
    (Resource::Cpu, "-t", 1, u64::MAX),
    (Resource::Fsize, "-f", 1024, 1 << 30),
    (Resource::As, "-v", 1024, 4 << 30),
    // Private memory counts as data since Linux 4.7.
    (Resource::Data, "-d", 1024, 4 << 30),
    (Resource::Stack, "-s", 1024, 1 << 20),
    (Resource::Nofile, "-n", 1, 1024),
    (Resource::Nproc, "-u", 1, 1024),
];

/// The kernel counts no processes of the machine's own root, but those of a container's.
fn counts(resource: Resource) -> bool {
    let is_machines = || {
        std::fs::read_to_string("/proc/self/uid_map")
            .is_ok_and(|map| map.split_whitespace().eq(["0", "0", "4294967295"]))
    };
    resource != Resource::Nproc || !is_machines()
}

/// As `ulimit -t 2`, the first one that is too little.
pub(super) fn too_narrow() -> Option<String> {
    BOUNDS.into_iter().filter(|(resource, ..)| counts(*resource)).find_map(|(resource, word, unit, least)| {
        let now = getrlimit(resource);
        let most = now.maximum.filter(|most| *most < least)?;
        // Where it may be lifted, `daemonize` does so; ours is set to what it was again.
        let lifted = Rlimit { current: now.current, maximum: Some(least) };
        if setrlimit(resource, lifted).is_ok() {
            let _ = setrlimit(resource, now);
            return None;
        }
        Some(format!("ulimit {word} {}", most / unit))
    })
}
