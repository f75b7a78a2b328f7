//! What `hauki doctor` says about LXC on this machine: one line per condition, with what mends it.

use std::path::Path;
use std::sync::Arc;

use super::idrange::WIDTH;
use super::{Shared, ffi, room, rootfs};
use crate::sandbox::{Finding, Level};
use crate::system::awake;

pub(super) async fn diagnose(shared: Arc<Shared>) -> Vec<Finding> {
    tokio::task::spawn_blocking(move || findings(&shared)).await.unwrap_or_default()
}

fn findings(shared: &Shared) -> Vec<Finding> {
    let mut findings = vec![fine(format!("liblxc {}", ffi::version())), root(), namespaces()];
    findings.extend(cgroups(shared));
    findings.push(ids());
    findings.push(room::finding(shared.slots.limit()));
    findings.push(awake());
    findings.push(state(shared));
    findings
}

fn fine(what: String) -> Finding {
    Finding { level: Level::Ok, what, hint: None }
}

fn bad(level: Level, what: impl Into<String>, hint: impl Into<String>) -> Finding {
    Finding { level, what: what.into(), hint: Some(hint.into()) }
}

fn root() -> Finding {
    if rustix::process::geteuid().is_root() {
        fine("runs as root".into())
    } else {
        bad(
            Level::Fail,
            "vaults can only be started by root",
            "run haukid as root: sudo systemctl start hauki",
        )
    }
}

fn awake() -> Finding {
    match awake::check() {
        Ok(()) => fine("keeps idle cores awake for the moment of a start".into()),
        Err(error) => bad(
            Level::Warn,
            format!("cannot keep idle cores awake for the moment of a start, which makes it slower: {error}"),
            "let haukid open /dev/cpu_dma_latency",
        ),
    }
}

fn namespaces() -> Finding {
    let most = std::fs::read_to_string("/proc/sys/user/max_user_namespaces").unwrap_or_default();
    match most.trim().parse::<u64>() {
        Ok(0) => {
            bad(Level::Fail, "user namespaces are turned off", "sysctl -w user.max_user_namespaces=15000")
        }
        Ok(most) => fine(format!("user namespaces, at most {most}")),
        Err(_) => bad(
            Level::Fail,
            "this kernel has no user namespaces",
            "boot a kernel with CONFIG_USER_NS, as Debian's is",
        ),
    }
}

fn cgroups(shared: &Shared) -> Vec<Finding> {
    let layout = &shared.layout;
    if layout.hierarchies.is_empty() {
        return vec![bad(Level::Fail, "no cgroups are mounted", "mount -t cgroup2 none /sys/fs/cgroup")];
    }
    let mut findings = vec![fine(format!("cgroups {}", layout.name()))];
    for (controller, level) in [("memory", Level::Fail), ("pids", Level::Fail), ("cpu", Level::Warn)] {
        findings.push(match layout.with(controller) {
            Some(hierarchy) => {
                fine(format!("cgroup controller {controller} at {}", hierarchy.base.display()))
            }
            None => bad(
                level,
                format!("no cgroup controller {controller}: that limit would not hold"),
                match controller {
                    "memory" => "boot with cgroup_enable=memory on the kernel's command line".to_owned(),
                    _ => format!("echo +{controller} > /sys/fs/cgroup/cgroup.subtree_control"),
                },
            ),
        });
    }
    findings.extend(moves().into_iter().chain(idling()));
    findings
}

/// Without this mount option a process that changes its group waits for all processors, some
/// milliseconds of every start. It is the machine's, so only its operator may turn it on.
fn moves() -> Option<Finding> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    if mounts.contains("favordynmods") {
        return Some(fine("cgroups favour quick moves".into()));
    }
    let point = mounts.lines().find(|line| line.contains(" - cgroup2 "))?.split(' ').nth(4)?;
    Some(fine(format!("starts are some ms quicker after: mount -o remount,favordynmods {point}")))
}

/// A virtual machine's core that has nothing to do stops, and to wake it costs more than a call. One that
/// looks around for a while first costs its host that while, so that is for its operator to say, too.
fn idling() -> Option<Finding> {
    const POLLS: &str = "/sys/module/haltpoll/parameters/guest_halt_poll_ns";
    let driver = std::fs::read_to_string("/sys/devices/system/cpu/cpuidle/current_driver").ok()?;
    let polls: u64 = std::fs::read_to_string(POLLS).ok()?.trim().parse().ok()?;
    let wakes_slowly = driver.trim() == "haltpoll" && polls == 0;
    wakes_slowly.then(|| fine(format!("calls that overlap are quicker after: echo 200000 > {POLLS}")))
}

/// Whether anybody else has been given ids above our base.
fn ids() -> Finding {
    let theirs = ["/etc/subuid", "/etc/subgid"].into_iter().find_map(|file| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.lines().find_map(|line| reaches_into_ours(line).then(|| format!("{file}: {line}")))
    });
    match theirs {
        None => fine(format!("user ids from {} are free", super::idrange::BASE)),
        Some(line) => bad(
            Level::Warn,
            format!("user ids of the vaults are also given to others ({line})"),
            "remove that line, or move the vaults with id_base in the configuration",
        ),
    }
}

fn reaches_into_ours(line: &str) -> bool {
    let mut parts = line.split(':').skip(1).map(str::parse::<u64>);
    match (parts.next(), parts.next()) {
        (Some(Ok(first)), Some(Ok(count))) => {
            first + count > u64::from(super::idrange::BASE) && count >= u64::from(WIDTH)
        }
        _ => false,
    }
}

fn state(shared: &Shared) -> Finding {
    let path: &Path = &shared.rootfs;
    if let Some(closed) = rootfs::closed_parent(path) {
        let closed = closed.display();
        return bad(
            Level::Fail,
            format!("the vaults may not pass through {closed}"),
            format!("chmod o+x {closed}"),
        );
    }
    let noexec = rustix::fs::statvfs(path)
        .is_ok_and(|stat| stat.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC));
    if noexec {
        let path = path.display();
        return bad(
            Level::Fail,
            format!("nothing may be executed from {path}"),
            format!("mount -o remount,exec $(findmnt -no TARGET -T {path})"),
        );
    }
    fine(format!("state in {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ranges_that_reach_above_the_base_are_a_conflict() {
        for (line, conflict) in [
            ("user:100000:65536", false),
            ("greedy:100000:4000000000", true),
            ("lxd:1073741824:65536", true),
            ("# comment", false),
            ("", false),
        ] {
            assert_eq!(reaches_into_ours(line), conflict, "{line}");
        }
    }
}
