//! The machine, and how much of it others use while the benchmark pauses.

use std::fs::read_to_string;
use std::time::Duration;

use serde_json::{Value, json};

/// With more than this share of the processors in others' hands, times say more about them.
const BUSY: f64 = 0.1;
const PAUSE: Duration = Duration::from_millis(200);

pub(crate) struct Machine {
    processor: String,
    cores: usize,
    kernel: String,
    load_before: String,
    shares: Vec<f64>,
}

fn load() -> String {
    read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or("?").to_owned()
}

/// Ticks of all processors: working, and altogether.
fn ticks() -> (u64, u64) {
    let text = read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let fields: Vec<u64> = line.split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
    let all: u64 = fields.iter().take(8).sum();
    // Idle, and idle while a disk works.
    let idle: u64 = fields.iter().skip(3).take(2).sum();
    (all - idle, all)
}

impl Machine {
    pub(crate) fn look() -> Self {
        let cpuinfo = read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
        Self {
            processor: model.unwrap_or_default().trim_start_matches([' ', '\t', ':']).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            kernel: read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            load_before: load(),
            shares: Vec::new(),
        }
    }

    /// Does nothing for a while, and looks who does.
    pub(crate) async fn pause(&mut self) {
        let (busy, all) = ticks();
        tokio::time::sleep(PAUSE).await;
        let (busy_after, all_after) = ticks();
        let passed = all_after.saturating_sub(all).max(1);
        self.shares.push(busy_after.saturating_sub(busy) as f64 / passed as f64);
    }

    fn share(&self) -> f64 {
        let mut shares = self.shares.clone();
        shares.sort_by(f64::total_cmp);
        shares.get(shares.len() / 2).copied().unwrap_or(0.0)
    }

    pub(crate) fn describe(&self) -> String {
        format!(
            "{} cores of {}, Linux {}; others used {:.0} % of them; load average before {}, after {}",
            self.cores,
            self.processor,
            self.kernel,
            self.share() * 100.0,
            self.load_before,
            load()
        )
    }

    pub(crate) fn warning(&self) -> Option<String> {
        (self.share() > BUSY).then(|| {
            let percent = self.share() * 100.0;
            format!(
                "TOO BUSY: others used {percent:.0} % of this machine, so the times mean little; the ratios \
                 and the minima mean more"
            )
        })
    }

    pub(crate) fn record(&self) -> Value {
        json!({ "v": 1, "kind": "machine", "cores": self.cores, "processor": self.processor,
            "kernel": self.kernel, "others_percent": (self.share() * 100.0).round(),
            "too_busy": self.share() > BUSY, "load_before": self.load_before, "load_after": load() })
    }
}
