//! Capacity: whether the machine has room for as many vaults as the node may have: what each takes of the things that
//! the kernel counts, and how many of them there are.

use rustix::process::{Resource, getrlimit};

use hauki_contract::model::check::Check;

/// What the rest of the machine may need of each.
const OTHERS: u64 = 1_000;

struct Supply {
    what: &'static str,
    each: u64,
    /// `None`: not counted here.
    there: Option<u64>,
    more: &'static str,
}

fn supplies() -> [Supply; 6] {
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse().ok();
    let files = getrlimit(Resource::Nofile).maximum;
    [
        // Channel, port and two processes; some callers.
        Supply { what: "open files of haukid", each: 6, there: files, more: "LimitNOFILE= of its service" },
        // Monitor, init, and the init's watchdog.
        Supply {
            what: "process numbers",
            each: 3,
            there: number("/proc/sys/kernel/pid_max"),
            more: "sysctl kernel.pid_max",
        },
        Supply {
            what: "threads",
            each: 3,
            there: number("/proc/sys/kernel/threads-max"),
            more: "sysctl kernel.threads-max",
        },
        Supply {
            what: "user namespaces",
            each: 1,
            there: number("/proc/sys/user/max_user_namespaces"),
            more: "sysctl user.max_user_namespaces",
        },
        Supply {
            what: "mount namespaces",
            each: 2,
            there: number("/proc/sys/user/max_mnt_namespaces"),
            more: "sysctl user.max_mnt_namespaces",
        },
        Supply {
            what: "network namespaces",
            each: 1,
            there: number("/proc/sys/user/max_net_namespaces"),
            more: "sysctl user.max_net_namespaces",
        },
    ]
}

pub(super) fn finding(vaults: usize) -> Check {
    judge(vaults as u64, &supplies())
}

fn judge(vaults: u64, supplies: &[Supply]) -> Check {
    let fits = |supply: &Supply| supply.there.map(|there| there.saturating_sub(OTHERS) / supply.each);
    let scarcest =
        supplies.iter().filter_map(|supply| Some((fits(supply)?, supply))).min_by_key(|(fit, _)| *fit);
    match scarcest {
        Some((fit, supply)) if fit < vaults => {
            let need = vaults * supply.each + OTHERS;
            let what = format!("room for some {fit} of {vaults} vaults: too few {}", supply.what);
            Check::warn(what, format!("raise {} to {need}, or lower node.max_vaults", supply.more))
        }
        _ => Check::ok(format!("room for {vaults} vaults")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hauki_contract::model::check::CheckLevel;

    fn supply(what: &'static str, each: u64, there: Option<u64>) -> Supply {
        Supply { what, each, there, more: "that" }
    }

    #[test]
    fn the_scarcest_is_named_with_what_would_do() {
        let all = [supply("a", 8, Some(9_000)), supply("b", 3, Some(4_000)), supply("c", 1, None)];
        let plenty = judge(1_000, &all);
        assert_eq!((plenty.level, plenty.what.as_str()), (CheckLevel::Ok.into(), "room for 1000 vaults"));
        let scarce = judge(1_001, &all);
        assert_eq!(scarce.level, CheckLevel::Warn);
        assert_eq!(scarce.what, "room for some 1000 of 1001 vaults: too few a");
        assert_eq!(scarce.hint.as_deref(), Some("raise that to 9008, or lower node.max_vaults"));
        assert!(judge(1_500, &all[1..]).what.ends_with("too few b"));
        assert_eq!(judge(1, &[supply("a", 8, Some(10))]).level, CheckLevel::Warn);
        assert_eq!(judge(u64::from(u32::MAX), &all[2..]).level, CheckLevel::Ok);
    }

    #[test]
    fn this_machine_can_be_asked() {
        assert!(supplies().iter().all(|supply| supply.there.is_some_and(|there| there > 0)));
    }
}
