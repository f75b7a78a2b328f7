//! Cgroup limits: those of one vault as files, each of which is read again after it was written.
//!
//! The kernel may take a value and keep another, and a place where cgroups should be may be something else,
//! so what counts is what the file says afterwards. That costs one system call for each, beside a start that
//! takes a thousand times as long.

use std::io::{self, Write as _};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::cgroup::CgroupVersion;
use super::isolation_error::IsolationError;
use hauki_contract::model::limits::{Controller, Limits};

/// The period in which processor time is accounted.
const PERIOD_US: u64 = 100_000;

/// Memory is counted in pages, of whatever size; no vault has less than this of it.
const LARGEST_PAGE: u64 = 64 * 1024;
const LEAST_MEMORY: u64 = 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CgroupFile {
    pub controller: Controller,
    pub file: &'static str,
    pub value: String,
    /// It keeps the vault from swap: where there is none, nobody needs it.
    swap: bool,
}

impl CgroupFile {
    pub(super) fn set_in(&self, group: &Path) -> Result<(), IsolationError> {
        let Self { controller, file, value, swap } = self;
        let path = group.join(file);
        match set(&path, value) {
            Ok(reads) if keeps(value, &reads) => Ok(()),
            Ok(reads) => {
                Err(IsolationError::NotKept { controller: *controller, path, wrote: value.clone(), reads })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && *swap => match has_swap() {
                false => Ok(()),
                true => Err(IsolationError::Swap { file }),
            },
            Err(source) => Err(IsolationError::Unwritable { controller: *controller, path, source }),
        }
    }
}

fn set(path: &Path, value: &str) -> io::Result<String> {
    let mut file = std::fs::OpenOptions::new().read(true).write(true).open(path)?;
    file.write_all(value.as_bytes())?;
    let mut said = [0; 64];
    let length = file.read_at(&mut said, 0)?;
    Ok(String::from_utf8_lossy(&said[..length]).trim_end().to_owned())
}

/// Whether the file says what was written, or a page less. `max` and -1 say that there is no limit.
fn keeps(wrote: &str, reads: &str) -> bool {
    match (wrote.parse::<u64>(), reads.parse::<u64>()) {
        (Ok(wrote), Ok(reads)) if wrote >= LEAST_MEMORY => {
            wrote.checked_sub(reads).is_some_and(|less| less < LARGEST_PAGE)
        }
        _ => wrote == reads,
    }
}

fn has_swap() -> bool {
    // Below one line of headings. Where it cannot be read the kernel has no swap.
    std::fs::read_to_string("/proc/swaps").is_ok_and(|text| text.lines().count() > 1)
}

/// What is written to a group that has these controllers, in this order.
#[must_use]
pub(super) fn settings(
    controllers: &[Controller],
    version: CgroupVersion,
    limits: &Limits,
) -> Vec<CgroupFile> {
    let bytes = limits.footprint_bytes().to_string();
    let quota = (u64::from(limits.cpu_percent) * PERIOD_US / 100).max(1_000);
    let of = |controller: &Controller| {
        let controller = *controller;
        let must = move |file, value| CgroupFile { controller, file, value, swap: false };
        let no_swap = move |file, value| CgroupFile { swap: true, ..must(file, value) };
        match (controller, version) {
            (Controller::Memory, CgroupVersion::V1) => vec![
                must("memory.limit_in_bytes", bytes.clone()),
                // Memory and swap together may not be more than memory: no swap.
                no_swap("memory.memsw.limit_in_bytes", bytes.clone()),
            ],
            (Controller::Memory, CgroupVersion::V2) => vec![
                must("memory.max", bytes.clone()),
                // A vault that lost one process to the limit is of no use: all of it goes.
                must("memory.oom.group", "1".into()),
                no_swap("memory.swap.max", "0".into()),
            ],
            (Controller::Pids, _) => vec![must("pids.max", limits.pids.to_string())],
            (Controller::Cpu, CgroupVersion::V1) => vec![
                must("cpu.cfs_period_us", PERIOD_US.to_string()),
                must("cpu.cfs_quota_us", quota.to_string()),
            ],
            (Controller::Cpu, CgroupVersion::V2) => vec![must("cpu.max", format!("{quota} {PERIOD_US}"))],
        }
    };
    controllers.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_if_the_kernel_says_so() {
        for (wrote, reads, holds) in [
            ("16777216", "16777216", true),
            ("16777217", "16777216", true),
            ("16777216", "16000000", false),
            ("16777216", "16777217", false),
            ("16777216", "9223372036854771712", false),
            ("8", "8", true),
            ("8", "7", false),
            ("8", "max", false),
            ("50000", "-1", false),
            ("50000 100000", "50000 100000", true),
            ("50000 100000", "max 100000", false),
            ("0", "0", true),
            ("0", "max", false),
            ("1", "0", false),
            ("8", "", false),
        ] {
            assert_eq!(keeps(wrote, reads), holds, "{wrote} {reads}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_or_takes_no_word_is_a_refusal() {
        let dir = tempfile::tempdir().expect("a directory");
        let all = settings(&[Controller::Pids], CgroupVersion::V2, &Limits::default());
        let gone = all[0].set_in(dir.path()).expect_err("is not there");
        assert!(matches!(&gone, IsolationError::Unwritable { controller: Controller::Pids, .. }), "{gone}");
        assert!(gone.hint().contains("node.unlimited: [pids]"), "{}", gone.hint());
        std::os::unix::fs::symlink("/dev/null", dir.path().join("pids.max")).expect("is ours");
        let deaf = all[0].set_in(dir.path()).expect_err("says nothing");
        assert!(matches!(&deaf, IsolationError::NotKept { reads, .. } if reads.is_empty()), "{deaf}");
    }
}
