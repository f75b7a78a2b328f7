//! liblxc configuration of vaults. Of cgroups it says nothing: those are the node's.

use std::path::Path;

use super::idrange::{IdRange, WIDTH};
use super::monitor::{LOG_PATH, PROFILE_PATH};

/// What the configuration of all vaults is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spec<'a> {
    pub rootfs: &'a Path,
    /// Whether this kernel runs AppArmor.
    pub apparmor: bool,
}

#[must_use]
pub(super) fn apparmor_is_on() -> bool {
    std::fs::read_to_string("/sys/module/apparmor/parameters/enabled").is_ok_and(|text| text.trim() == "Y")
}

/// The items of one vault alone.
#[must_use]
pub(super) fn own_items(ids: IdRange) -> Vec<(String, String)> {
    ["u", "g"].map(|kind| ("lxc.idmap".to_owned(), format!("{kind} 0 {} {WIDTH}", ids.first()))).into()
}

/// The items of all vaults in the order in which they are set.
#[must_use]
pub(super) fn common_items(spec: Spec<'_>) -> Vec<(String, String)> {
    let mut items: Vec<(String, String)> = Vec::with_capacity(32);
    let mut set = |key: &str, value: String| items.push((key.to_owned(), value));
    set("lxc.rootfs.path", format!("dir:{}", spec.rootfs.display()));
    set("lxc.rootfs.options", "ro".into());
    set("lxc.init.cmd", "/init".into());
    set("lxc.init.cwd", "/".into());
    // The node's own name is nobody's business inside.
    set("lxc.uts.name", "vault".into());
    set("lxc.net.0.type", "empty".into());
    set("lxc.autodev", "0".into());
    set("lxc.pty.max", "0".into());
    set("lxc.tty.max", "0".into());
    set("lxc.console.path", "none".into());
    set("lxc.cap.keep", "none".into());
    set("lxc.no_new_privs", "1".into());
    set("lxc.seccomp.profile", PROFILE_PATH.into());
    // Also where a filter of somebody else's is over this process already: liblxc would leave ours out, and
    // not wait for the end of it.
    set("lxc.seccomp.allow_nesting", "1".into());
    set("lxc.log.level", "WARN".into());
    set("lxc.log.file", LOG_PATH.into());
    if spec.apparmor {
        // Whatever confines this process confines its vaults. liblxc would change to a profile that other
        // packages may or may not have loaded, and refuse to start without it.
        set("lxc.apparmor.profile", "unchanged".into());
    }
    // When the node is short of memory, vaults go before anything else.
    set("lxc.proc.oom_score_adj", "900".into());
    set("lxc.prlimit.core", "0".into());
    items
}

/// The system calls that are refused before the init runs. liblxc itself still works under this
/// list when it applies it, so the list is short; the init then allows itself only what it needs.
#[must_use]
pub(super) fn seccomp_profile() -> String {
    let mut text = String::from("2\ndenylist\n[all]\n");
    for call in REFUSED {
        text.push_str(call);
        text.push_str(" errno 1\n");
    }
    text.push_str(NO_NEW_USERS);
    text
}

/// CLONE_NEWUSER; whose flags a filter cannot see is not there, and callers fall back on the other.
const NO_NEW_USERS: &str = "\
clone errno 1 [0,0x10000000,SCMP_CMP_MASKED_EQ,0x10000000]
clone3 errno 38
";

/// The end of the profile, without which liblxc takes no word of it: what a monitor is given to begin.
pub(super) const LAST_WORD: &str = " 38\n";

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
    use super::*;

    #[test]
    fn the_last_word_is_the_number_of_an_error() {
        let profile = seccomp_profile();
        assert!(profile.strip_suffix(LAST_WORD).expect("ends with it").ends_with(" errno"));
        assert!(profile.len() < 4096, "a pipe takes it at once");
    }

    #[test]
    fn the_refused_calls_are_sorted_and_once() {
        assert!(REFUSED.is_sorted_by(|a, b| a < b));
    }
}
