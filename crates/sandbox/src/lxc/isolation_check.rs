//! Isolation check: what the kernel says of a vault's first process, before it is given a worker.
//!
//! liblxc is asked for an empty world: its own user and group ids, namespaces, no capabilities, no way to
//! gain privileges, a system call filter. A liblxc that was built without one of these, or a machine that
//! takes it and does nothing, starts a vault all the same. So the process is looked at, in one file and
//! some links of /proc, while it does nothing but wait.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{StatVfsMountFlags, statvfs};

use super::idrange::IdRange;
use super::isolation_error::IsolationError;
use super::rootfs;
use crate::pidfd::PidFd;
use hauki_contract::system::procfs;

/// Namespaces that no vault shares with its node.
const KINDS: [&str; 6] = ["user", "mnt", "pid", "net", "ipc", "uts"];

/// The same of this process, to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ours {
    filters: u32,
    namespaces: [PathBuf; KINDS.len()],
}

impl Ours {
    pub(super) fn read() -> Result<Self, IsolationError> {
        let status = read_status("thread-self")?;
        Ok(Self { filters: filters(&status), namespaces: namespaces("thread-self")? })
    }
}

/// Fails too if it has died meanwhile, in whatever way.
pub(super) fn check(init: &PidFd, ours: &Ours, ids: IdRange) -> Result<(), IsolationError> {
    let number = init.pid().as_u32().to_string();
    judge(&read_status(&number)?, ours.filters, ids.first())?;
    let theirs = namespaces(&number)?;
    let shared = KINDS.iter().zip(theirs.iter().zip(&ours.namespaces)).find(|(_, (its, our))| its == our);
    match shared {
        Some((kind, _)) => Err(IsolationError::Namespace { kind }),
        None => Ok(()),
    }
}

fn read_status(process: &str) -> Result<String, IsolationError> {
    let path = PathBuf::from(format!("/proc/{process}/status"));
    procfs::read(&path).map_err(|source| IsolationError::Unseen { path, source })
}

fn namespaces(process: &str) -> Result<[PathBuf; KINDS.len()], IsolationError> {
    let mut found = <[PathBuf; KINDS.len()]>::default();
    for (kind, found) in KINDS.iter().zip(&mut found) {
        let path = PathBuf::from(format!("/proc/{process}/ns/{kind}"));
        match std::fs::read_link(&path) {
            Ok(name) => *found = name,
            // A kernel without this kind shares it among all.
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_unknown(kind) => {
                return Err(IsolationError::Namespace { kind });
            }
            Err(source) => return Err(IsolationError::Unseen { path, source }),
        }
    }
    Ok(found)
}

fn is_unknown(kind: &str) -> bool {
    std::fs::symlink_metadata(format!("/proc/self/ns/{kind}")).is_err()
}

fn field<'a>(status: &'a str, name: &str) -> &'a str {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().trim()
}

/// How many filters are over a process; kernels before 5.9 say only that there are some.
fn filters(status: &str) -> u32 {
    let counted = field(status, "Seccomp_filters").parse().ok();
    counted.unwrap_or_else(|| u32::from(field(status, "Seccomp") == "2"))
}

fn judge(status: &str, our_filters: u32, first: u32) -> Result<(), IsolationError> {
    let is_counted = !field(status, "Seccomp_filters").is_empty();
    if field(status, "Seccomp") != "2" || is_counted && filters(status) <= our_filters {
        return Err(IsolationError::NoFilter);
    }
    if field(status, "NoNewPrivs") != "1" {
        return Err(IsolationError::Privileges);
    }
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        let value = field(status, set);
        if u64::from_str_radix(value, 16) != Ok(0) {
            return Err(IsolationError::Capabilities { set, value: value.to_owned() });
        }
    }
    let own = first.to_string();
    for ids in ["Uid", "Gid"] {
        let found = field(status, ids);
        if found.is_empty() || found.split_whitespace().any(|id| id != own) {
            return Err(IsolationError::Ids { expected: first, found: found.to_owned() });
        }
    }
    match field(status, "Groups") {
        "" => Ok(()),
        found => Err(IsolationError::Ids { expected: first, found: found.to_owned() }),
    }
}

/// What of the surroundings keeps vaults of these ids from starting, where that can be seen from here.
pub(super) fn missing(rootfs: &Path, ids: IdRange) -> Option<IsolationError> {
    let of_ids = || check_ids(ids.first(), ids.last()).err();
    missing_place(rootfs).or_else(missing_namespace).or_else(missing_map).or_else(of_ids)
}

/// Tried out, without a word written: a start writes the ids of a vault into a file of this kind.
pub(super) fn missing_map() -> Option<IsolationError> {
    let path = PathBuf::from("/proc/self/uid_map");
    let opened = std::fs::OpenOptions::new().write(true).open(&path);
    opened.err().map(|source| IsolationError::NoMap { path, source })
}

/// A kind of namespace of which there may be none.
pub(super) fn missing_namespace() -> Option<IsolationError> {
    let is_off = |kind: &&&str| {
        let most = std::fs::read_to_string(format!("/proc/sys/user/max_{kind}_namespaces"));
        most.is_ok_and(|most| most.trim() == "0")
    };
    KINDS.iter().find(is_off).map(|kind| IsolationError::NoNamespaces { kind })
}

/// The same of where the vaults' root is.
pub(super) fn missing_place(rootfs: &Path) -> Option<IsolationError> {
    if let Some(path) = rootfs::closed_parent(rootfs) {
        return Some(IsolationError::Closed { path });
    }
    if matches!(rootfs.join("init").try_exists(), Ok(false)) {
        return Some(IsolationError::Removed { path: rootfs.to_owned() });
    }
    let is_noexec = statvfs(rootfs).is_ok_and(|stat| stat.f_flag.contains(StatVfsMountFlags::NOEXEC));
    is_noexec.then(|| IsolationError::NoExec { path: rootfs.to_owned() })
}

/// Whether this process may give out all these ids: within another user namespace only some are there.
pub(super) fn check_ids(first: u32, last: u32) -> Result<(), IsolationError> {
    let map = procfs::read("/proc/self/uid_map").unwrap_or_default();
    if covers(&map, first, last) { Ok(()) } else { Err(IsolationError::NoIds { first, last }) }
}

/// One line holds the whole range; ranges that only meet are no vault's.
fn covers(map: &str, first: u32, last: u32) -> bool {
    map.lines().any(|line| {
        let mut numbers = line.split_whitespace().filter_map(|word| word.parse::<u64>().ok());
        match (numbers.next(), numbers.nth(1)) {
            (Some(from), Some(count)) => from <= first.into() && u64::from(last) < from + count,
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lxc::idrange::{BASE, IdSlots};
    use crate::pidfd::Pid;

    const GOOD: &str = "\
Name:\tinit
Uid:\t1073741824\t1073741824\t1073741824\t1073741824
Gid:\t1073741824\t1073741824\t1073741824\t1073741824
Groups:\t 
CapInh:\t0000000000000000
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t0000000000000000
CapAmb:\t0000000000000000
NoNewPrivs:\t1
Seccomp:\t2
Seccomp_filters:\t2
";

    #[test]
    fn each_wall_that_is_missing_is_named() {
        assert!(judge(GOOD, 0, BASE).is_ok());
        let old = GOOD.replace("Seccomp_filters:\t2\n", "");
        assert!(judge(&old, 0, BASE).is_ok(), "a kernel that does not count");
        for (from, to, named) in [
            ("Seccomp:\t2", "Seccomp:\t0", "system call filter"),
            ("Seccomp_filters:\t2", "Seccomp_filters:\t1", "system call filter"),
            ("NoNewPrivs:\t1", "NoNewPrivs:\t0", "no_new_privs"),
            ("CapBnd:\t0000000000000000", "CapBnd:\t0000000000000400", "CapBnd is 0000000000000400"),
            ("CapEff:\t0000000000000000\n", "", "CapEff is "),
            ("Uid:\t1073741824", "Uid:\t0", "should as 1073741824"),
            ("Gid:\t1073741824\t1073741824", "Gid:\t1073741824\t5", "should as 1073741824"),
            ("Groups:\t ", "Groups:\t4 27", "4 27"),
        ] {
            // One filter is ours, and over everything that we start.
            let error = judge(&GOOD.replace(from, to), 1, BASE).expect_err(to);
            assert!(error.to_string().contains(named), "{to:?}: {error}");
            assert!(!error.hint().is_empty() && !error.is_passing());
        }
        assert!(judge("", 0, BASE).is_err());
    }

    #[test]
    fn a_process_like_this_one_is_no_vault() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().expect("sleep runs");
        let process = PidFd::open(Pid::new(child.id().cast_signed()).expect("a child")).expect("lives");
        let ours = Ours::read().expect("can be read");
        let slot = IdSlots::new(BASE, 1).take().expect("is free");
        assert!(check(&process, &ours, slot.range()).is_err());
        assert_eq!(namespaces("self").expect("can be read"), ours.namespaces);
        process.kill().expect("is ours");
        child.wait().expect("is reaped");
    }

    #[test]
    fn ids_that_are_not_ours_to_give_are_seen() {
        let all = "         0          0 4294967295\n";
        assert!(covers(all, BASE, BASE + 65_535));
        let some = "0 100000 65536\n65536 900000 10\n";
        for (first, last, holds) in [(0, 65_535, true), (1, 65_536, false), (BASE, BASE + 1, false)] {
            assert_eq!(covers(some, first, last), holds, "{first} {last}");
        }
        assert!(!covers("", 0, 0));
    }
}
