//! Diagnostics: what `hauki doctor` says about LXC on this machine: one line per condition, with what mends it.

use std::sync::Arc;

use super::isolation_error::IsolationError;
use super::{Shared, capacity, ffi, isolation_check, vault_cgroups};
use hauki_contract::model::check::Check;
use hauki_contract::model::error_chain;
use hauki_contract::model::limits::Controller;
use hauki_contract::system::cpu_latency;
use hauki_contract::system::tasks;

pub(super) async fn diagnose(shared: Arc<Shared>) -> Vec<Check> {
    tasks::block("sandbox-findings", move || findings(&shared)).await.unwrap_or_default()
}

fn findings(shared: &Shared) -> Vec<Check> {
    let mut findings = vec![Check::ok(format!("liblxc {}", ffi::version())), root(), namespaces(), filters()];
    findings.extend(cgroups(shared));
    findings.push(ids(shared));
    findings.push(capacity::finding(shared.slots.limit()));
    findings.push(awake());
    findings.push(state(shared));
    findings.extend(disk(shared));
    findings.extend(shared.stuck.paths().into_iter().map(|path| {
        Check::warn(
            format!("what an earlier daemon has left in {} cannot be ended", path.display()),
            "its processes wait in the kernel, or a freezer holds them; the first start after that removes it",
        )
    }));
    findings
}

fn root() -> Check {
    if rustix::process::geteuid().is_root() {
        Check::ok("runs as root")
    } else {
        Check::fail("vaults can only be started by root", "run haukid as root: sudo systemctl start hauki")
    }
}

fn awake() -> Check {
    match cpu_latency::check() {
        Ok(()) => Check::ok("keeps idle cores awake for the moment of a start"),
        Err(error) => Check::warn(
            format!("cannot keep idle cores awake for the moment of a start, which makes it slower: {error}"),
            "let haukid open /dev/cpu_dma_latency",
        ),
    }
}

fn namespaces() -> Check {
    if let Some(wall) = isolation_check::missing_namespace().or_else(isolation_check::missing_map) {
        return of(&wall);
    }
    let most = std::fs::read_to_string("/proc/sys/user/max_user_namespaces").unwrap_or_default();
    match most.trim().parse::<u64>() {
        Ok(most) => Check::ok(format!("user namespaces, at most {most}")),
        Err(_) => Check::fail(
            "this kernel has no user namespaces",
            "boot a kernel with CONFIG_USER_NS, as Debian's is",
        ),
    }
}

fn cgroups(shared: &Shared) -> Vec<Check> {
    let layout = &shared.layout;
    if layout.hierarchies.is_empty() {
        return vec![Check::fail("no cgroups are mounted", "mount -t cgroup2 none /sys/fs/cgroup")];
    }
    let mut findings = vec![Check::ok(format!("cgroups {}", layout.name()))];
    findings.extend(Controller::ALL.map(|controller| controller_of(shared, controller)));
    findings.extend(moves().into_iter().chain(idling()));
    findings
}

/// Tried out, as a start does it: a hierarchy may be mounted and take no word of ours.
fn controller_of(shared: &Shared, controller: Controller) -> Check {
    let layout = &shared.layout;
    if layout.unlimited().contains(&controller) {
        return Check::warn(
            format!("vaults are without a {controller} limit, as node.unlimited says"),
            format!("take {controller} out of node.unlimited, and see what is missing"),
        );
    }
    match (vault_cgroups::trial(layout, &shared.group, controller), layout.with(controller)) {
        (Ok(()), Some(hierarchy)) => {
            Check::ok(format!("cgroup controller {controller} at {}", hierarchy.base.display()))
        }
        (Ok(()), None) => of(&IsolationError::NoController { controller }),
        (Err(wall), _) => of(&wall),
    }
}

fn of(wall: &IsolationError) -> Check {
    Check::fail(error_chain::told(wall), wall.hint())
}

/// The filters that vaults live under, as far as a kernel says which it knows.
fn filters() -> Check {
    let known = std::fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
    let has = |action: &str| known.split_whitespace().any(|known| known == action);
    if has("kill_process") && has("errno") {
        Check::ok("system call filters")
    } else {
        of(&IsolationError::NoFilter)
    }
}

/// Without this mount option a process that changes its group waits for all processors, some
/// milliseconds of every start. It is the machine's, so only its operator may turn it on.
fn moves() -> Option<Check> {
    let mounts = std::fs::read_to_string("/proc/thread-self/mountinfo").ok()?;
    if mounts.contains("favordynmods") {
        return Some(Check::ok("cgroups favour quick moves"));
    }
    let point = mounts.lines().find(|line| line.contains(" - cgroup2 "))?.split(' ').nth(4)?;
    Some(Check::ok(format!("starts are some ms quicker after: mount -o remount,favordynmods {point}")))
}

/// A virtual machine's core that has nothing to do stops, and to wake it costs more than a call. One that
/// looks around for a while first costs its host that while, so that is for its operator to say, too.
fn idling() -> Option<Check> {
    const POLLS: &str = "/sys/module/haltpoll/parameters/guest_halt_poll_ns";
    let driver = std::fs::read_to_string("/sys/devices/system/cpu/cpuidle/current_driver").ok()?;
    let polls: u64 = std::fs::read_to_string(POLLS).ok()?.trim().parse().ok()?;
    let wakes_slowly = driver.trim() == "haltpoll" && polls == 0;
    wakes_slowly.then(|| Check::ok(format!("calls that overlap are quicker after: echo 200000 > {POLLS}")))
}

/// Whether the ids of all vaults are ours to give, and nobody else's.
fn ids(shared: &Shared) -> Check {
    let (first, last) = shared.slots.span();
    if let Err(wall) = isolation_check::check_ids(first, last) {
        return of(&wall);
    }
    let theirs = ["/etc/subuid", "/etc/subgid"].into_iter().find_map(|file| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.lines().find_map(|line| meets(line, first, last).then(|| format!("{file}: {line}")))
    });
    match theirs {
        None => Check::ok(format!("user ids {first} to {last} are free")),
        Some(line) => Check::warn(
            format!("user ids of the vaults, {first} to {last}, are also given to others ({line})"),
            "remove that line, or move the vaults with node.id_base in the configuration",
        ),
    }
}

fn meets(line: &str, first: u32, last: u32) -> bool {
    let mut parts = line.split(':').skip(1).map(str::parse::<u64>);
    match (parts.next(), parts.next()) {
        (Some(Ok(from)), Some(Ok(count))) => from <= last.into() && from + count > first.into(),
        _ => false,
    }
}

fn state(shared: &Shared) -> Check {
    match isolation_check::missing_place(&shared.rootfs) {
        Some(IsolationError::NoExec { .. }) => of(&IsolationError::NoExec { path: shared.shown_dir.clone() }),
        Some(wall) => of(&wall),
        None => Check::ok(format!("state in {}", shared.shown_dir.display())),
    }
}

/// What a start and the first records take, and what a day may.
const LEAST: (u64, u64) = (2 << 20, 32);
const LITTLE: (u64, u64) = (32 << 20, 512);

/// Whether there is room for the vaults' root, the store and the log.
fn disk(shared: &Shared) -> Option<Check> {
    let found = rustix::fs::statvfs(&shared.rootfs).ok()?;
    let bytes = found.f_bavail.saturating_mul(found.f_frsize);
    // Some file systems do not count their files.
    let files = if found.f_files == 0 { u64::MAX } else { found.f_favail };
    let judged: fn(String, &'static str) -> Check = match (bytes, files) {
        (bytes, files) if bytes < LEAST.0 || files < LEAST.1 => Check::fail,
        (bytes, files) if bytes < LITTLE.0 || files < LITTLE.1 => Check::warn,
        _ => return None,
    };
    let left =
        if bytes < LITTLE.0 { format!("{} KiB", bytes >> 10) } else { format!("room for {files} files") };
    let what = format!("the file system of {} is full: {left} is left", shared.shown_dir.display());
    Some(judged(what, "free some space there, or set daemon.state_dir"))
}

#[cfg(test)]
mod tests {
    use super::super::idrange::{BASE, WIDTH};
    use super::*;

    #[test]
    fn ranges_that_meet_are_a_conflict() {
        let (first, last) = (BASE, BASE + 10 * WIDTH - 1);
        for (line, conflict) in [
            ("user:100000:65536", false),
            ("greedy:100000:4000000000", true),
            ("lxd:1073741824:65536", true),
            ("above:1074397184:65536", false),
            ("few:1074397183:1", true),
            ("# comment", false),
            ("", false),
        ] {
            assert_eq!(meets(line, first, last), conflict, "{line}");
        }
    }
}
