//! Figures as rows of percentiles, and their ratios.

use std::time::Duration;

use serde_json::json;

use crate::machine::Machine;

/// One thing over another of the same run, and what it should come to.
const RATIOS: [(&str, &str, Bound); 16] = [
    (life::COLD, peers::LXC, Bound::Most(0.6)),
    (life::COLD, floor::CLONE, Bound::Most(6.0)),
    (life::WARM, life::COLD, Bound::Most(0.2)),
    (life::WARM, floor::FLUSH, Bound::Most(2.0)),
    (life::RECEIPT, floor::EXEC, Bound::Most(4.0)),
    (calls::ONE, echo::TLS, Bound::Most(1.6)),
    (calls::ONE, echo::BEHIND, Bound::Most(1.6)),
    // The call, and a callback that takes one and a half times as long.
    (calls::BACK, calls::ONE, Bound::Most(2.5)),
    (calls::MANY, echo::FLIGHT, Bound::Least(0.5)),
    (calls::LARGE, echo::TLS_LARGE, Bound::Most(2.5)),
    (calls::FIRST, echo::HANDSHAKE, Bound::Most(1.1)),
    (calls::ANEW, echo::HANDSHAKE, Bound::Most(1.1)),
    (calls::RESUMED, echo::HANDSHAKE, Bound::Most(0.55)),
    (calls::RESUMED, echo::RESUMED, Bound::Most(1.1)),
    (density::RATE, floor::RATE, Bound::Least(0.5)),
    (density::DEAD, floor::DEAD, Bound::Most(2.0)),
];

/// What a figure should come to: at which per mille of its values, and the least or the most.
const GOALS: [(&str, usize, Bound); 11] = [
    (calls::BEYOND, 500, Bound::Most(0.015)),
    (density::MEMORY, 500, Bound::Most(1.1)),
    (density::RATE, 500, Bound::Least(250.0)),
    (density::SLOWDOWN, 500, Bound::Most(2.5)),
    (density::FAILED, 1000, Bound::Most(0.0)),
    (density::DEAD, 500, Bound::Most(200.0)),
    (density::RECLAIMED, 1000, Bound::Most(5_000.0)),
    (ends::LEASE, 999, Bound::Most(20.0)),
    (ends::SILENT, 1000, Bound::Most(20.0)),
    (ends::KILLED, 500, Bound::Most(5.0)),
    (life::RECEIPT, 500, Bound::Most(2.0)),
];

#[derive(Clone, Copy)]
enum Bound {
    Most(f64),
    Least(f64),
}

impl Bound {
    /// Its sign, its number, and whether the value keeps to it.
    fn judge(self, value: f64) -> (&'static str, f64, bool) {
        match self {
            Self::Most(most) => ("<=", most, value <= most),
            Self::Least(least) => (">=", least, value >= least),
        }
    }
}

use crate::{calls, density, echo, ends, floor, life, peers};

pub(crate) struct Report {
    pub machine: Machine,
    rows: Vec<Row>,
    notes: Vec<String>,
    keep: bool,
}

struct Goal {
    text: String,
    reached: bool,
}

struct Row {
    name: &'static str,
    unit: &'static str,
    values: Vec<f64>,
}

impl Row {
    fn at(&self, per_mille: usize) -> f64 {
        self.values[(self.values.len() - 1) * per_mille / 1000]
    }

    fn figures(&self) -> [f64; 6] {
        [0, 500, 950, 990, 999, 1000].map(|per_mille| self.at(per_mille))
    }

    fn goal(&self) -> Option<Goal> {
        let (_, per_mille, bound) = GOALS.iter().find(|(name, ..)| *name == self.name)?;
        let value = self.at(*per_mille);
        let (sign, number, reached) = bound.judge(value);
        let place = match per_mille {
            1000 => "max".to_owned(),
            per_mille => format!("p{}", *per_mille as f64 / 10.0),
        };
        Some(Goal { text: format!("{place} {sign} {number}"), reached })
    }
}

impl Report {
    pub(crate) fn new() -> Self {
        Self { machine: Machine::look(), rows: Vec::new(), notes: Vec::new(), keep: true }
    }

    /// Whether figures are taken from now on.
    pub(crate) fn keep(&mut self, keep: bool) {
        self.keep = keep;
    }

    pub(crate) fn add(&mut self, name: &'static str, time: Duration) {
        self.value(name, "ms", time.as_secs_f64() * 1e3);
    }

    pub(crate) fn add_micros(&mut self, name: &'static str, micros: u64) {
        self.add(name, Duration::from_micros(micros));
    }

    pub(crate) fn value(&mut self, name: &'static str, unit: &'static str, value: f64) {
        if !self.keep {
            return;
        }
        match self.rows.iter_mut().find(|row| row.name == name) {
            Some(row) => row.values.push(value),
            None => self.rows.push(Row { name, unit, values: vec![value] }),
        }
    }

    pub(crate) fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    fn sorted(&mut self) {
        for row in &mut self.rows {
            row.values.sort_by(f64::total_cmp);
        }
    }

    fn ratios(&self) -> impl Iterator<Item = (&'static str, &'static str, f64, Bound)> {
        let middle = |name| self.rows.iter().find(|row| row.name == name).map(|row| row.at(500));
        RATIOS.into_iter().filter_map(move |(of, to, goal)| Some((of, to, middle(of)? / middle(to)?, goal)))
    }

    #[allow(clippy::print_stdout, reason = "the report of a benchmark")]
    pub(crate) fn print(mut self) {
        self.sorted();
        println!("\n{}", self.machine.describe());
        println!(
            "{:<56} {:>6} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}  goal",
            "", "", "rounds", "min", "p50", "p95", "p99", "p99.9", "max"
        );
        for row in &self.rows {
            let figures = row.figures().map(|figure| format!("{figure:>9.3}")).join(" ");
            let goal = row.goal().map_or(String::new(), |goal| {
                format!("{}{}", goal.text, if goal.reached { "" } else { ", missed" })
            });
            println!("{:<56} {:>6} {:>7} {figures}  {goal}", row.name, row.unit, row.values.len());
        }
        println!("\nratios of the medians                                             now     goal");
        for (of, to, ratio, bound) in self.ratios() {
            let (sign, goal, reached) = bound.judge(ratio);
            let missed = if reached { "" } else { ", missed" };
            println!("{:<64} {ratio:>5.2}  {sign} {goal:.2}{missed}", format!("{of} / {to}"));
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
    pub(crate) fn lines(mut self) {
        self.sorted();
        println!("{}", self.machine.record());
        for row in &self.rows {
            let [min, p50, p95, p99, p999, max] = row.figures();
            let (name, unit, rounds) = (row.name, row.unit, row.values.len());
            let goal = row.goal();
            let (goal, reached) =
                (goal.as_ref().map(|goal| &goal.text), goal.as_ref().map(|goal| goal.reached));
            println!(
                "{}",
                json!({ "v": 1, "kind": "figure", "name": name, "unit": unit, "rounds": rounds, "min": min,
                    "p50": p50, "p95": p95, "p99": p99, "p99.9": p999, "max": max, "goal": goal,
                    "reached": reached })
            );
        }
        for (of, to, ratio, bound) in self.ratios() {
            let (sign, goal, reached) = bound.judge(ratio);
            println!(
                "{}",
                json!({ "v": 1, "kind": "ratio", "of": of, "to": to, "ratio": ratio,
                    "goal": format!("{sign} {goal}"), "reached": reached })
            );
        }
        for note in &self.notes {
            println!("{}", json!({ "v": 1, "kind": "note", "text": note }));
        }
    }
}
