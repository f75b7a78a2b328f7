//! Figures as rows of percentiles, and their ratios.

use std::time::Duration;

use serde_json::json;

use crate::machine::Machine;

/// One thing over another of the same run, and what it should come to.
const RATIOS: [(&str, &str, f64); 8] = [
    (life::COLD, peers::LXC, 0.6),
    (life::COLD, floor::CLONE, 6.0),
    (life::WARM, life::COLD, 0.2),
    (life::RECEIPT, floor::EXEC, 4.0),
    (calls::ONE, echo::TLS, 1.6),
    (calls::LARGE, echo::TLS_LARGE, 2.5),
    (calls::FIRST, echo::HANDSHAKE, 1.1),
    (calls::RESUMED, echo::HANDSHAKE, 0.55),
];

use crate::{calls, echo, floor, life, peers};

pub struct Report {
    pub machine: Machine,
    rows: Vec<Row>,
    notes: Vec<String>,
    keep: bool,
}

struct Row {
    name: &'static str,
    unit: &'static str,
    values: Vec<f64>,
}

impl Row {
    fn at(&self, percent: usize) -> f64 {
        self.values[(self.values.len() - 1) * percent / 100]
    }
}

impl Report {
    pub fn new() -> Self {
        Self { machine: Machine::look(), rows: Vec::new(), notes: Vec::new(), keep: true }
    }

    /// Whether figures are taken from now on.
    pub fn keep(&mut self, keep: bool) {
        self.keep = keep;
    }

    pub fn add(&mut self, name: &'static str, time: Duration) {
        self.value(name, "ms", time.as_secs_f64() * 1e3);
    }

    pub fn add_micros(&mut self, name: &'static str, micros: u64) {
        self.add(name, Duration::from_micros(micros));
    }

    pub fn value(&mut self, name: &'static str, unit: &'static str, value: f64) {
        if !self.keep {
            return;
        }
        match self.rows.iter_mut().find(|row| row.name == name) {
            Some(row) => row.values.push(value),
            None => self.rows.push(Row { name, unit, values: vec![value] }),
        }
    }

    pub fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    fn sorted(&mut self) {
        for row in &mut self.rows {
            row.values.sort_by(f64::total_cmp);
        }
    }

    fn ratios(&self) -> impl Iterator<Item = (&'static str, &'static str, f64, f64)> {
        let middle = |name| self.rows.iter().find(|row| row.name == name).map(|row| row.at(50));
        RATIOS.into_iter().filter_map(move |(of, to, goal)| Some((of, to, middle(of)? / middle(to)?, goal)))
    }

    #[allow(clippy::print_stdout, reason = "the report of a benchmark")]
    pub fn print(mut self) {
        self.sorted();
        println!("\n{}", self.machine.describe());
        println!(
            "{:<56} {:>6} {:>8} {:>10} {:>10} {:>10} {:>10}",
            "", "", "rounds", "min", "p50", "p95", "p99"
        );
        for row in &self.rows {
            let [least, half, most, last] = [0, 50, 95, 99].map(|percent| row.at(percent));
            println!(
                "{:<56} {:>6} {:>8} {least:>10.3} {half:>10.3} {most:>10.3} {last:>10.3}",
                row.name,
                row.unit,
                row.values.len()
            );
        }
        println!("\nratios of the medians                                             now     goal");
        for (of, to, ratio, goal) in self.ratios() {
            println!("{:<64} {ratio:>5.2}  <= {goal:.2}", format!("{of} / {to}"));
        }
        println!();
        for note in &self.notes {
            println!("{note}");
        }
        if let Some(warning) = self.machine.warning() {
            println!("{warning}");
        }
    }

    /// The same, one JSON object per line.
    #[allow(clippy::print_stdout, reason = "the report of a benchmark")]
    pub fn lines(mut self) {
        self.sorted();
        println!("{}", self.machine.record());
        for row in &self.rows {
            let [min, p50, p95, p99] = [0, 50, 95, 99].map(|percent| row.at(percent));
            let (name, unit, rounds) = (row.name, row.unit, row.values.len());
            println!(
                "{}",
                json!({ "v": 1, "kind": "figure", "name": name, "unit": unit, "rounds": rounds,
                    "min": min, "p50": p50, "p95": p95, "p99": p99 })
            );
        }
        for (of, to, ratio, goal) in self.ratios() {
            println!(
                "{}",
                json!({ "v": 1, "kind": "ratio", "of": of, "to": to, "ratio": ratio, "goal": goal })
            );
        }
        for note in &self.notes {
            println!("{}", json!({ "v": 1, "kind": "note", "text": note }));
        }
    }
}
