//! From limits to liblxc configuration: pure, so that each layout of cgroups can be tabled.

use std::path::Path;

use super::cgroup::{Groups, Layout, Version};
use super::idrange::{IdRange, WIDTH};
use crate::model::limits::Limits;

/// The period in which processor time is accounted.
const PERIOD_US: u64 = 100_000;

/// What a vault's configuration is made of.
#[derive(Debug, Clone, Copy)]
pub struct Spec<'a> {
    pub limits: &'a Limits,
    pub ids: IdRange,
    pub rootfs: &'a Path,
    /// The seccomp profile for liblxc; the init adds a tighter filter of its own.
    pub seccomp: &'a Path,
    /// Whether this kernel runs AppArmor.
    pub apparmor: bool,
    pub layout: &'a Layout,
    pub groups: &'a Groups,
}

#[must_use]
pub fn apparmor_is_on() -> bool {
    std::fs::read_to_string("/sys/module/apparmor/parameters/enabled").is_ok_and(|text| text.trim() == "Y")
}

/// The items in the order in which they are set.
#[must_use]
pub fn items(spec: Spec<'_>) -> Vec<(String, String)> {
    let mut items: Vec<(String, String)> = Vec::with_capacity(32);
    let mut set = |key: &str, value: String| items.push((key.to_owned(), value));
    set("lxc.rootfs.path", format!("dir:{}", spec.rootfs.display()));
    set("lxc.rootfs.options", "ro".into());
    set("lxc.init.cmd", "/init".into());
    set("lxc.init.cwd", "/".into());
    // The node's own name is nobody's business inside.
    set("lxc.uts.name", "vault".into());
    set("lxc.net.0.type", "empty".into());
    for kind in ["u", "g"] {
        set("lxc.idmap", format!("{kind} 0 {} {WIDTH}", spec.ids.first()));
    }
    set("lxc.autodev", "0".into());
    set("lxc.pty.max", "0".into());
    set("lxc.tty.max", "0".into());
    set("lxc.console.path", "none".into());
    set("lxc.cap.keep", "none".into());
    set("lxc.no_new_privs", "1".into());
    set("lxc.seccomp.profile", spec.seccomp.display().to_string());
    if spec.apparmor {
        // Whatever confines this process confines its vaults. liblxc would change to a profile that other
        // packages may or may not have loaded, and refuse to start without it.
        set("lxc.apparmor.profile", "unchanged".into());
    }
    // When the node is short of memory, vaults go before anything else.
    set("lxc.proc.oom_score_adj", "900".into());
    set("lxc.prlimit.core", "0".into());
    set("lxc.cgroup.dir.container", spec.groups.vault.clone());
    set("lxc.cgroup.dir.monitor", spec.groups.monitor.clone());
    set("lxc.cgroup.dir.monitor.pivot", spec.groups.pivot.clone());
    for (key, value) in limit_items(spec.limits, spec.layout) {
        set(key, value);
    }
    items
}

fn limit_items(limits: &Limits, layout: &Layout) -> Vec<(&'static str, String)> {
    let version = |controller| layout.with(controller).map(|hierarchy| hierarchy.version);
    let bytes = limits.cgroup_memory_bytes().to_string();
    let quota = (u64::from(limits.cpu_percent) * PERIOD_US / 100).max(1_000);
    let mut items = Vec::new();
    match version("memory") {
        Some(Version::V1) => {
            items.push(("lxc.cgroup.memory.limit_in_bytes", bytes.clone()));
            if layout.memsw {
                // Memory and swap together may not be more than memory: no swap.
                items.push(("lxc.cgroup.memory.memsw.limit_in_bytes", bytes));
            }
        }
        Some(Version::V2) => {
            items.push(("lxc.cgroup2.memory.max", bytes));
            // A vault that lost one process to the limit is of no use: all of it goes.
            items.push(("lxc.cgroup2.memory.oom.group", "1".into()));
            if layout.swap {
                items.push(("lxc.cgroup2.memory.swap.max", "0".into()));
            }
        }
        None => {}
    }
    match version("pids") {
        Some(Version::V1) => items.push(("lxc.cgroup.pids.max", limits.pids.to_string())),
        Some(Version::V2) => items.push(("lxc.cgroup2.pids.max", limits.pids.to_string())),
        None => {}
    }
    match version("cpu") {
        Some(Version::V1) if layout.quota => {
            items.push(("lxc.cgroup.cpu.cfs_period_us", PERIOD_US.to_string()));
            items.push(("lxc.cgroup.cpu.cfs_quota_us", quota.to_string()));
        }
        Some(Version::V2) => items.push(("lxc.cgroup2.cpu.max", format!("{quota} {PERIOD_US}"))),
        Some(Version::V1) | None => {}
    }
    items
}

/// The system calls that are refused before the init runs. liblxc itself still works under this
/// list when it applies it, so the list is short; the init then allows itself only what it needs.
#[must_use]
pub fn seccomp_profile() -> String {
    let mut text = String::from("2\ndenylist\n[all]\n");
    for call in REFUSED {
        text.push_str(call);
        text.push_str(" errno 1\n");
    }
    text
}

const REFUSED: &[&str] = &[
    "acct",
    "add_key",
    "bpf",
    "delete_module",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "init_module",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "mknod",
    "mknodat",
    "mount",
    "mount_setattr",
    "move_mount",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "pidfd_getfd",
    "pivot_root",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "quotactl",
    "reboot",
    "request_key",
    "setns",
    "socket",
    "socketpair",
    "swapoff",
    "swapon",
    "syslog",
    "umount2",
    "unshare",
    "userfaultfd",
];

#[cfg(test)]
mod tests {
    use super::super::cgroup::tests::{HYBRID, PURE, layout};
    use super::*;

    fn limits_of(layout: &Layout) -> Vec<String> {
        let limits = Limits { cpu_percent: 50, ..Limits::default() };
        limit_items(&limits, layout).into_iter().map(|(key, value)| format!("{key}={value}")).collect()
    }

    #[test]
    fn each_layout_gets_its_own_keys() {
        let bytes = Limits::default().cgroup_memory_bytes();
        let v1 = vec![
            format!("lxc.cgroup.memory.limit_in_bytes={bytes}"),
            format!("lxc.cgroup.memory.memsw.limit_in_bytes={bytes}"),
            "lxc.cgroup.pids.max=8".into(),
            "lxc.cgroup.cpu.cfs_period_us=100000".into(),
            "lxc.cgroup.cpu.cfs_quota_us=50000".into(),
        ];
        let v2 = vec![
            format!("lxc.cgroup2.memory.max={bytes}"),
            "lxc.cgroup2.memory.oom.group=1".into(),
            "lxc.cgroup2.memory.swap.max=0".into(),
            "lxc.cgroup2.pids.max=8".into(),
            "lxc.cgroup2.cpu.max=50000 100000".into(),
        ];
        assert_eq!(limits_of(&layout(HYBRID, "", "")), v1);
        let only_v1 = HYBRID.replace("cgroup2 cgroup2", "nothing nothing");
        assert_eq!(limits_of(&layout(&only_v1, "", "")), v1);
        assert_eq!(limits_of(&layout(PURE, "", "cpu memory pids")), v2);
        // Version 2 mounted, but its controllers taken by nobody we know: no key rather than a wrong one.
        assert_eq!(limits_of(&layout(PURE, "", "")), Vec::<String>::new());
    }

    #[test]
    fn what_the_kernel_lacks_is_left_out() {
        let poor = Layout { memsw: false, swap: false, quota: false, ..layout(HYBRID, "", "") };
        assert!(!limits_of(&poor).iter().any(|item| item.contains("memsw") || item.contains("cfs")));
        let poor = Layout { swap: false, ..layout(PURE, "", "memory") };
        assert!(!limits_of(&poor).iter().any(|item| item.contains("swap")));
    }

    #[test]
    fn the_refused_calls_are_sorted_and_once() {
        assert!(REFUSED.is_sorted_by(|a, b| a < b));
    }
}
