//! Timers, `call_out`: what a worker wants to do later, by itself.
//!
//! A call_out is the name of a function and arguments as JSON, no closure: it is a few bytes beside the
//! heap and goes where the heap goes. Its time is on the machine's monotonic clock, so whoever moves a
//! worker adds the difference of the two clocks.

use serde::{Deserialize, Serialize};

use super::powers::PowersTag;

const MOST: usize = 256;
const MOST_ARGUMENT_BYTES: usize = 256 * 1024;
/// The longest life of a vault.
const MOST_SECONDS: f64 = 366.0 * 24.0 * 3600.0;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallOut {
    pub handle: u64,
    pub due_us: u64,
    pub function: String,
    /// A JSON array.
    pub args: String,
    /// What it may when it runs.
    #[serde(default)]
    pub powers: PowersTag,
}

impl CallOut {
    fn is_of(&self, function: &str, powers: PowersTag) -> bool {
        self.function == function && self.powers == powers
    }
}

/// All that wait, soonest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallOuts {
    waiting: Vec<CallOut>,
    last: u64,
}

impl CallOuts {
    /// `delay` is in seconds. Returns the handle; the error is for the worker.
    pub fn add(&mut self, function: &str, delay: &str, args: &str, now_us: u64) -> Result<u64, String> {
        let seconds: f64 = delay.parse().unwrap_or(f64::NAN);
        if !(0.0..=MOST_SECONDS).contains(&seconds) {
            return Err(format!("call_out: {delay} is no number of seconds from 0 to {MOST_SECONDS}"));
        }
        if self.waiting.len() == MOST {
            return Err(format!("call_out: {MOST} call_outs wait already"));
        }
        let held: usize = self.waiting.iter().map(|waiting| waiting.args.len()).sum();
        if held + args.len() > MOST_ARGUMENT_BYTES {
            return Err(format!("call_out: all arguments that wait may have {MOST_ARGUMENT_BYTES} bytes"));
        }
        self.last += 1;
        let due_us = now_us + (seconds * 1e6) as u64;
        let at = self.waiting.partition_point(|waiting| waiting.due_us <= due_us);
        let (function, args, powers) = (function.to_owned(), args.to_owned(), PowersTag::ALL);
        self.waiting.insert(at, CallOut { handle: self.last, due_us, function, args, powers });
        Ok(self.last)
    }

    /// Gives one that was added less than all powers.
    pub(super) fn restrict(&mut self, handle: u64, powers: PowersTag) {
        if let Some(one) = self.waiting.iter_mut().find(|waiting| waiting.handle == handle) {
            one.powers = powers;
        }
    }

    /// Forgets one, by its handle or the soonest of a function. Returns the seconds that were left.
    pub fn remove(&mut self, which: &str, now_us: u64) -> Option<f64> {
        let handle: Option<u64> = which.parse().ok();
        let at = self.waiting.iter().position(|waiting| match handle {
            Some(handle) => waiting.handle == handle,
            None => waiting.function == which,
        })?;
        let removed = self.waiting.remove(at);
        Some(removed.due_us.saturating_sub(now_us) as f64 / 1e6)
    }

    /// When the soonest of a function and of these powers is due.
    #[must_use]
    pub fn next_of(&self, function: &str, powers: PowersTag) -> Option<u64> {
        let mut of = self.waiting.iter().filter(|waiting| waiting.is_of(function, powers));
        of.next().map(|waiting| waiting.due_us)
    }

    /// Takes the soonest of a function and of these powers, if it is due.
    pub fn take_of(&mut self, function: &str, powers: PowersTag, now_us: u64) -> Option<CallOut> {
        let at = self.waiting.iter().position(|waiting| waiting.is_of(function, powers))?;
        (self.waiting[at].due_us <= now_us).then(|| self.waiting.remove(at))
    }

    /// When the soonest is due.
    #[must_use]
    pub fn next_us(&self) -> Option<u64> {
        self.waiting.first().map(|waiting| waiting.due_us)
    }

    /// Takes the soonest, if it is due.
    pub fn take(&mut self, now_us: u64) -> Option<CallOut> {
        self.next_us().filter(|due_us| *due_us <= now_us).map(|_| self.waiting.remove(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soonest_comes_first_and_of_equals_the_older() {
        let mut all = CallOuts::default();
        for (function, delay) in [("c", "2"), ("a", "1"), ("b", "1"), ("now", "0")] {
            all.add(function, delay, "[]", 1000).expect("there is room");
        }
        assert_eq!(all.next_us(), Some(1000));
        assert_eq!(all.take(999), None);
        let mut order = Vec::new();
        while let Some(next) = all.take(2_001_000) {
            order.push(next.function);
        }
        assert_eq!(order, ["now", "a", "b", "c"]);
    }

    #[test]
    fn one_is_removed_by_handle_or_the_soonest_by_name() {
        let mut all = CallOuts::default();
        let first = all.add("f", "3", "[]", 0).expect("there is room");
        all.add("f", "1", "[]", 0).expect("there is room");
        assert_eq!(all.remove("f", 500_000), Some(0.5));
        assert_eq!(all.remove(&first.to_string(), 0), Some(3.0));
        assert_eq!((all.remove("f", 0), all.remove("1", 0)), (None, None));
    }

    #[test]
    fn those_of_one_function_are_found_among_the_others() {
        let mut all = CallOuts::default();
        for (function, delay) in [("a", "1"), ("t", "3"), ("t", "2")] {
            all.add(function, delay, "[]", 0).expect("there is room");
        }
        let own = PowersTag::ALL;
        assert_eq!((all.next_of("t", own), all.next_of("b", own)), (Some(2_000_000), None));
        assert_eq!(all.take_of("t", own, 1_999_999), None);
        assert_eq!(all.take_of("t", own, 5_000_000).map(|due| due.handle), Some(3));
        assert_eq!((all.next_of("t", own), all.next_us()), (Some(3_000_000), Some(1_000_000)));
        all.restrict(2, PowersTag::read("1"));
        assert_eq!((all.next_of("t", own), all.take_of("t", own, 5_000_000)), (None, None));
        assert_eq!(all.take_of("t", PowersTag::read("1"), 5_000_000).map(|due| due.handle), Some(2));
    }

    #[test]
    fn there_is_an_end_to_them() {
        let mut all = CallOuts::default();
        for delay in ["-1", "NaN", "Infinity", "1e99", "undefined", "x", ""] {
            assert!(all.add("f", delay, "[]", 0).is_err(), "{delay}");
        }
        all.add("f", "1e-7", "[]", 0).expect("is a small number");
        let long = format!("[\"{}\"]", "x".repeat(MOST_ARGUMENT_BYTES));
        assert!(all.add("f", "1", &long, 0).expect_err("is too much").contains("262144"));
        while all.waiting.len() < MOST {
            all.add("f", "1", "[]", 0).expect("there is room");
        }
        assert!(all.add("f", "1", "[]", 0).expect_err("is one too many").contains("256"));
        let text = serde_json::to_string(&all).expect("is plain");
        assert_eq!(serde_json::from_str::<CallOuts>(&text).expect("reads back"), all);
    }
}
