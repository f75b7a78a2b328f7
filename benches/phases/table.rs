//! Figures as rows of percentiles.

use std::time::Duration;

pub struct Table {
    rows: Vec<(&'static str, Vec<u64>)>,
    notes: Vec<String>,
    load_before: String,
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or("?").to_owned()
}

impl Table {
    pub fn new() -> Self {
        Self { rows: Vec::new(), notes: Vec::new(), load_before: load() }
    }

    pub fn add(&mut self, name: &'static str, time: Duration) {
        self.add_nanos(name, u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    pub fn add_micros(&mut self, name: &'static str, micros: u64) {
        self.add_nanos(name, micros * 1000);
    }

    fn add_nanos(&mut self, name: &'static str, nanos: u64) {
        match self.rows.iter_mut().find(|(row, _)| *row == name) {
            Some((_, values)) => values.push(nanos),
            None => self.rows.push((name, vec![nanos])),
        }
    }

    pub fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    #[allow(clippy::print_stdout, reason = "the report of a benchmark")]
    pub fn print(mut self) {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        println!("\n{cores} cores; load average before {}, after {}", self.load_before, load());
        println!("{:<50} {:>7} {:>10} {:>10} {:>10}", "milliseconds", "rounds", "p50", "p95", "p99");
        for (name, values) in &mut self.rows {
            values.sort_unstable();
            let at = |percent: usize| values[(values.len() - 1) * percent / 100] as f64 / 1e6;
            println!("{name:<50} {:>7} {:>10.3} {:>10.3} {:>10.3}", values.len(), at(50), at(95), at(99));
        }
        for note in &self.notes {
            println!("{note}");
        }
    }
}
