//! What memory vaults take, by who holds it.
//!
//! What the kernel calls available moves with everything else on the machine. So the parts that are
//! ours by name are added up: what each process has to itself and its share of what several have, and
//! of the kernel's own memory the kinds that vaults are made of. Others' work is in those kinds too, but
//! far less of it.

use std::collections::BTreeSet;
use std::fs::read_to_string;

use hauki::api::vault::Vault;

/// In KiB.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub available: f64,
    pub kernel: f64,
    pub daemon: f64,
    pub monitors: f64,
    pub inits: f64,
}

/// The sum of these fields of a file like `/proc/meminfo`.
fn sum(path: &str, fields: &[&str]) -> f64 {
    let text = read_to_string(path).unwrap_or_default();
    let value = |line: &str| -> Option<f64> {
        let (name, rest) = line.split_once(':')?;
        fields.contains(&name).then(|| rest.split_whitespace().next()?.parse().ok())?
    };
    text.lines().filter_map(value).sum()
}

fn share(pid: u32) -> f64 {
    sum(&format!("/proc/{pid}/smaps_rollup"), &["Pss"])
}

fn parent(pid: u32) -> Option<u32> {
    let text = read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

impl Memory {
    /// With these vaults alive.
    pub(crate) fn look(daemon: u32, vaults: &[Vault]) -> Self {
        let inits: Vec<u32> =
            vaults.iter().filter_map(|vault| Some(vault.vitals.as_ref()?.init_pid)).collect();
        let monitors: BTreeSet<u32> = inits.iter().filter_map(|pid| parent(*pid)).collect();
        let spawners: BTreeSet<u32> = monitors.iter().filter_map(|pid| parent(*pid)).collect();
        let kinds = ["SUnreclaim", "KernelStack", "PageTables", "SecPageTables", "Percpu"];
        Self {
            available: sum("/proc/meminfo", &["MemAvailable"]),
            kernel: sum("/proc/meminfo", &kinds),
            daemon: share(daemon) + spawners.into_iter().map(share).sum::<f64>(),
            monitors: monitors.into_iter().map(share).sum(),
            inits: inits.into_iter().map(share).sum(),
        }
    }

    /// What each of so many vaults takes more than there was before.
    pub(crate) fn each_since(self, before: Self, vaults: usize) -> Self {
        let each = |now: f64, then: f64| (now - then) / vaults as f64;
        Self {
            available: each(before.available, self.available),
            kernel: each(self.kernel, before.kernel),
            daemon: each(self.daemon, before.daemon),
            monitors: each(self.monitors, before.monitors),
            inits: each(self.inits, before.inits),
        }
    }

    pub(crate) fn all(self) -> f64 {
        self.kernel + self.daemon + self.monitors + self.inits
    }
}
