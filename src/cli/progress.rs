//! Progress reporting: what happens meanwhile, on standard error: a bar, plain lines, JSON lines, or nothing.

use std::collections::HashMap;
use std::fmt::Debug;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anstream::ColorChoice;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::color::{self, GOOD};
use super::error::CliError;
use super::sanitize;
use crate::model::lease::Mono;
use crate::model::units::show_micros;
use hauki_contract::system::clock;

/// One job at a time says what it has done; the last word is how long it took.
pub(crate) trait Progress: Debug {
    fn begin(&self, job: &str);
    /// How it stands, until the next word.
    fn at(&self, job: &str, state: &str);
    fn done(&self, job: &str, step: &str);
    /// So many bytes of a copy that is under way.
    fn part(&self, job: &str, bytes: u64, of: u64);
    fn end(&self, job: &str, began: Mono);
    /// How far a job is, which may be told often. Whether somebody was shown it.
    fn measure(&self, job: &str, measure: &Measure) -> bool;
    /// Takes away what was drawn of a job.
    fn clear(&self, job: &str);
    /// Takes away whatever is drawn: the command is over, and what failed has left its spinner.
    fn leave(&self);
    /// Prints between what is drawn.
    fn pause(&self, print: Print<'_>) -> Result<(), CliError>;
}

pub(crate) type Print<'a> = &'a mut dyn FnMut() -> Result<(), CliError>;

/// So much of so much; the total is more than zero.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measure {
    pub(crate) done: f64,
    pub(crate) total: f64,
    pub(crate) message: String,
}

impl Measure {
    fn share(&self) -> f64 {
        (self.done / self.total).clamp(0.0, 1.0)
    }

    /// The worker wrote the message.
    fn words(&self) -> String {
        format!("{}/{}  {}", self.done, self.total, sanitize::line(&self.message)).trim_end().to_owned()
    }
}

pub(crate) const MODES: &str = "auto, bar, plain, json, none";

/// `auto` draws on a terminal and is silent elsewhere, or plain with `-v`.
pub(crate) fn choose(
    mode: &str,
    color: ColorChoice,
    quiet: bool,
    verbose: bool,
) -> Option<Box<dyn Progress>> {
    let terminal = io::stderr().is_terminal();
    Some(match mode {
        "auto" | "bar" | "plain" | "json" | "none" if quiet => Box::new(Nothing),
        "auto" if terminal => Box::new(Bar::new(color)),
        "auto" if verbose => Box::new(Plain),
        "auto" | "none" => Box::new(Nothing),
        "bar" => Box::new(Bar::new(color)),
        "plain" => Box::new(Plain),
        "json" => Box::new(JsonProgress),
        _ => return None,
    })
}

fn took(began: Mono) -> u64 {
    clock::mono().since(began)
}

#[derive(Debug)]
struct Nothing;

impl Progress for Nothing {
    fn begin(&self, _: &str) {}
    fn at(&self, _: &str, _: &str) {}
    fn done(&self, _: &str, _: &str) {}
    fn part(&self, _: &str, _: u64, _: u64) {}
    fn end(&self, _: &str, _: Mono) {}

    fn measure(&self, _: &str, _: &Measure) -> bool {
        false
    }

    fn clear(&self, _: &str) {}

    fn leave(&self) {}

    fn pause(&self, print: Print<'_>) -> Result<(), CliError> {
        print()
    }
}

#[derive(Debug)]
struct Plain;

impl Progress for Plain {
    fn begin(&self, _: &str) {}

    fn at(&self, job: &str, state: &str) {
        self.done(job, state);
    }

    fn done(&self, job: &str, step: &str) {
        // Nobody can be told that standard error is closed.
        let _ = writeln!(io::stderr(), "{}: {}", sanitize::line(job), sanitize::line(step));
    }

    fn part(&self, _: &str, _: u64, _: u64) {}

    fn end(&self, job: &str, began: Mono) {
        let _ = writeln!(io::stderr(), "{}: done in {}", sanitize::line(job), show_micros(took(began)));
    }

    fn measure(&self, job: &str, measure: &Measure) -> bool {
        let _ = writeln!(io::stderr(), "{}: {}", sanitize::line(job), measure.words());
        true
    }

    fn clear(&self, _: &str) {}

    fn leave(&self) {}

    fn pause(&self, print: Print<'_>) -> Result<(), CliError> {
        print()
    }
}

#[derive(Debug)]
struct JsonProgress;

impl JsonProgress {
    fn say(job: &str, state: &str, step: Option<&str>, took_us: Option<u64>) {
        let line = serde_json::json!({ "v": 1, "kind": "progress", "job": job, "state": state, "step": step, "took_us": took_us });
        let _ = writeln!(io::stderr(), "{}", sanitize::json(&line.to_string()));
    }
}

impl Progress for JsonProgress {
    fn begin(&self, job: &str) {
        Self::say(job, "begin", None, None);
    }

    fn at(&self, job: &str, state: &str) {
        Self::say(job, "at", Some(state), None);
    }

    fn done(&self, job: &str, step: &str) {
        Self::say(job, "step", Some(step), None);
    }

    fn part(&self, job: &str, bytes: u64, of: u64) {
        let line = serde_json::json!({ "v": 1, "kind": "progress", "job": job, "state": "part", "bytes": bytes, "of": of });
        let _ = writeln!(io::stderr(), "{}", sanitize::json(&line.to_string()));
    }

    fn end(&self, job: &str, began: Mono) {
        Self::say(job, "end", None, Some(took(began)));
    }

    fn measure(&self, job: &str, measure: &Measure) -> bool {
        let Measure { done, total, message } = measure;
        let line = serde_json::json!({ "v": 1, "kind": "progress", "job": job, "state": "measure", "done": done, "total": total, "message": message });
        let _ = writeln!(io::stderr(), "{}", sanitize::json(&line.to_string()));
        true
    }

    fn clear(&self, _: &str) {}

    fn leave(&self) {}

    fn pause(&self, print: Print<'_>) -> Result<(), CliError> {
        print()
    }
}

/// The length of a bar that measures, whatever the worker counts.
const WHOLE: u64 = 10_000;

/// A spinner while it lasts, and one line that stays: `clone scout.js  ✓ placed on local  …  4.1 ms`.
#[derive(Debug)]
struct Bar {
    all: MultiProgress,
    jobs: Mutex<HashMap<String, (ProgressBar, String)>>,
    color: ColorChoice,
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("{wide_msg} {spinner}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl Bar {
    fn new(color: ColorChoice) -> Self {
        Self { all: MultiProgress::new(), jobs: Mutex::default(), color }
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<String, (ProgressBar, String)>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Bar {
    fn begin(&self, job: &str) {
        let bar = self.all.add(ProgressBar::new_spinner());
        bar.set_style(spinner());
        bar.set_message(sanitize::line(job).into_owned());
        self.jobs().insert(job.to_owned(), (bar, String::new()));
    }

    fn at(&self, job: &str, state: &str) {
        if let Some((bar, steps)) = self.jobs().get(job) {
            bar.set_message(format!("{}{steps}  {}", sanitize::line(job), sanitize::line(state)));
        }
    }

    fn done(&self, job: &str, step: &str) {
        if let Some((bar, steps)) = self.jobs().get_mut(job) {
            steps.push_str(&format!("  {GOOD}✓{GOOD:#} {}", sanitize::line(step)));
            bar.set_style(spinner());
            bar.set_message(format!("{}{steps}", sanitize::line(job)));
        }
    }

    fn part(&self, job: &str, bytes: u64, of: u64) {
        if let Some((bar, _)) = self.jobs().get(job) {
            let style = "{wide_msg} {bar:24} {bytes} of {total_bytes}, {bytes_per_sec}";
            bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| spinner()));
            bar.set_length(of);
            bar.set_position(bytes);
        }
    }

    fn end(&self, job: &str, began: Mono) {
        if let Some((bar, steps)) = self.jobs().remove(job) {
            bar.finish_and_clear();
            let line = format!("{}{steps}        {}\n", sanitize::line(job), show_micros(took(began)));
            // Nobody can be told that standard error is closed.
            self.all.suspend(|| {
                let _ = color::stderr(self.color).write_all(line.as_bytes());
            });
        }
    }

    fn measure(&self, job: &str, measure: &Measure) -> bool {
        let mut jobs = self.jobs();
        let (bar, _) = jobs.entry(job.to_owned()).or_insert_with(|| {
            let bar = self.all.add(ProgressBar::new(WHOLE));
            if let Ok(style) = ProgressStyle::with_template("{prefix}  {bar:30} {percent:>3}%  {wide_msg}") {
                bar.set_style(style);
            }
            bar.set_prefix(sanitize::line(job).into_owned());
            (bar, String::new())
        });
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of WHOLE")]
        bar.set_position((measure.share() * WHOLE as f64) as u64);
        bar.set_message(measure.words());
        true
    }

    fn clear(&self, job: &str) {
        if let Some((bar, _)) = self.jobs().remove(job) {
            bar.finish_and_clear();
        }
    }

    fn leave(&self) {
        self.jobs().drain().for_each(|(_, (bar, _))| bar.finish_and_clear());
    }

    fn pause(&self, print: Print<'_>) -> Result<(), CliError> {
        self.all.suspend(print)
    }
}
