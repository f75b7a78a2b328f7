//! Slow log: what took longer than people wait without wondering, with what it was spent on.
//!
//! A line costs its reader more than us, and what asks for much may be an enemy: so there are a few lines in a row and
//! then one each second, those that were left out are counted in the next, and what is kept for `hauki doctor` is a
//! number and the longest of the last hour.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::clock;
use super::trace::{self, Steps};
use crate::model::check::{Check, CheckLevel};
use crate::model::lease::Mono;

/// From here on it is told.
pub const LONG_US: u64 = 1_000_000;
const HOUR_US: u64 = 3_600_000_000;
/// Lines at once, and how often there is another.
const BURST: u64 = 5;
const EACH_US: u64 = 1_000_000;

/// What was long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlowKind {
    Request,
    Start,
    Call,
    End,
}

impl SlowKind {
    fn plural(self) -> &'static str {
        match self {
            Self::Request => "requests",
            Self::Start => "starts of vaults",
            Self::Call => "calls",
            Self::End => "ends of vaults",
        }
    }
}

/// The longest of a time.
#[derive(Debug, Clone)]
struct Longest {
    took_us: u64,
    told: String,
}

#[derive(Debug, Clone)]
struct Hour {
    began: Mono,
    count: u64,
    longest: Longest,
}

/// Two hours, so that a look never finds a fresh one alone.
#[derive(Debug, Default)]
struct Kind {
    this: Option<Hour>,
    last: Option<Hour>,
}

#[derive(Debug, Default)]
struct SlowTable {
    kinds: [Kind; 4],
    /// How many lines may be written, and since when that is so.
    lines: u64,
    at: Option<Mono>,
    left_out: u64,
}

/// Of one process.
#[derive(Debug, Default)]
pub struct SlowLog(Mutex<SlowTable>);

static PROCESS: std::sync::LazyLock<SlowLog> = std::sync::LazyLock::new(SlowLog::default);

impl SlowLog {
    fn book(&self) -> MutexGuard<'_, SlowTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes it down; the answer is whether there is a line for it, and how many had none before.
    fn take(&self, what: SlowKind, now: Mono, longest: Longest) -> Option<u64> {
        let mut book = self.book();
        let kind = &mut book.kinds[what as usize];
        if let Some(hour) = kind.this.take_if(|hour| now.since(hour.began) >= HOUR_US) {
            kind.last = Some(hour);
        }
        let hour = kind.this.get_or_insert_with(|| Hour { began: now, count: 0, longest: longest.clone() });
        hour.count += 1;
        if longest.took_us > hour.longest.took_us {
            hour.longest = longest;
        }
        let earned = book.at.map_or(BURST, |at| now.since(at) / EACH_US);
        if earned > 0 {
            (book.lines, book.at) = ((book.lines + earned).min(BURST), Some(now));
        }
        if book.lines == 0 {
            book.left_out += 1;
            return None;
        }
        book.lines -= 1;
        Some(std::mem::take(&mut book.left_out))
    }

    /// Of these kinds, for `hauki doctor`.
    fn found(&self, now: Mono, kinds: &[SlowKind]) -> Vec<Check> {
        let book = self.book();
        let mut found = Vec::new();
        for what in kinds {
            let kind = &book.kinds[*what as usize];
            let hours = [&kind.this, &kind.last].into_iter().flatten();
            let hours: Vec<&Hour> = hours.filter(|hour| now.since(hour.began) < 2 * HOUR_US).collect();
            let Some(worst) = hours.iter().map(|hour| &hour.longest).max_by_key(|longest| longest.took_us)
            else {
                continue;
            };
            let count: u64 = hours.iter().map(|hour| hour.count).sum();
            found.push(Check {
                level: CheckLevel::Warn.into(),
                what: format!(
                    "{} that took longer than {}, lately: {count}; the longest: {}",
                    what.plural(),
                    trace::duration(LONG_US),
                    worst.told
                ),
                hint: Some("the log has each with its steps and its trace".into()),
            });
        }
        found
    }
}

/// What took so long is told if that is long. `name` says what it was, without anything that a caller wrote.
pub fn note(what: SlowKind, name: impl FnOnce() -> String, took_us: u64, steps: &Steps) {
    if took_us < LONG_US {
        return;
    }
    let (name, took, steps) = (name(), trace::duration(took_us), steps.told());
    let spent = if steps.is_empty() { String::new() } else { format!(" ({steps})") };
    let trace = trace::current().map(|context| format!(", trace {}", context.trace)).unwrap_or_default();
    let longest = Longest { took_us, told: format!("{name} {took}{spent}{trace}") };
    if let Some(left_out) = PROCESS.take(what, clock::mono(), longest) {
        let before = if left_out > 0 { format!("; {left_out} more were not told") } else { String::new() };
        tracing::warn!(took_us, "{name} took {took}{spent}{before}");
    }
}

/// What was long lately.
#[must_use]
pub fn found(kinds: &[SlowKind]) -> Vec<Check> {
    PROCESS.found(clock::mono(), kinds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(took_us: u64) -> Longest {
        Longest { took_us, told: trace::duration(took_us) }
    }

    #[test]
    fn lines_have_a_rate_and_those_left_out_are_counted() {
        let log = SlowLog::default();
        let start = Mono(7_000_000_000);
        let told: Vec<_> = (0..100).map(|_| log.take(SlowKind::Call, start, long(2_000_000))).collect();
        assert_eq!(told.iter().flatten().count() as u64, BURST);
        let later = Mono(start.0 + EACH_US);
        assert_eq!(log.take(SlowKind::Start, later, long(2_000_000)), Some(100 - BURST));
        assert_eq!(log.take(SlowKind::Start, later, long(2_000_000)), None);
        let much_later = Mono(start.0 + 1000 * EACH_US);
        let told = (0..100).filter(|_| log.take(SlowKind::Call, much_later, long(2_000_000)).is_some());
        assert_eq!(told.count() as u64, BURST, "it is not saved up");
    }

    #[test]
    fn the_longest_of_the_last_hours_is_found_and_forgotten() {
        let log = SlowLog::default();
        let start = Mono(7_000_000_000);
        for took in [1_500_000, 2_500_000, 2_000_000] {
            log.take(SlowKind::Request, start, long(took));
        }
        assert_eq!(log.found(start, &[SlowKind::Start, SlowKind::Call]), []);
        let found = log.found(start, &[SlowKind::Request]).remove(0);
        assert!(found.what.contains("1.0 s, lately: 3; the longest: 2.5 s"), "{}", found.what);
        let next = Mono(start.0 + HOUR_US);
        log.take(SlowKind::Request, next, long(1_100_000));
        assert!(log.found(next, &[SlowKind::Request])[0].what.contains("lately: 4; the longest: 2.5 s"));
        assert!(
            log.found(Mono(start.0 + 2 * HOUR_US), &[SlowKind::Request])[0]
                .what
                .contains("lately: 1; the longest: 1.1 s")
        );
        assert_eq!(log.found(Mono(start.0 + 4 * HOUR_US), &[SlowKind::Request]), []);
    }
}
