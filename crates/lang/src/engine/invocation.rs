//! Invocation: one run of the engine, with its deadline, its efuns, and what it said about its own end.

use std::borrow::Cow;

use super::clock::{self as asked, Deadline};
use super::error_text;
use super::host_call::{Argument, EfunValue, Efuns, Want};
use super::powers::{Deed, PowersTag};
use super::state::WorkerState;
use crate::directive::SourceForm;
use hauki_contract::rpc::channel::{Said, Unanswered};
use hauki_contract::system::clock;

/// Where the effects of a worker go. The init's writes frames; the caller's script prints.
pub trait Host {
    /// A line of `print` or `write`.
    fn log(&mut self, text: &str);
    /// `emit(event, data)`; an error is thrown into the worker.
    fn event(&mut self, event: &str, data: &str) -> Result<(), String>;
    /// `destruct(this_object())`. The run goes on to its own end.
    fn destruct(&mut self);
    /// Sends a call of an object that the worker holds; the value is its number.
    fn ask(&mut self, object: &str, method: &str, params: &str) -> Result<u64, Box<Unanswered>>;
    /// Whether so many calls are under way that an answer must come before the next.
    fn is_crowded(&self) -> bool;
    /// The next answer to any call that is under way, which `wanted` is if it is given, or why none
    /// comes until the deadline.
    fn answer(
        &mut self,
        wanted: Option<u64>,
        deadline: Option<Deadline>,
    ) -> Result<(u64, Said), Box<Unanswered>>;
    /// Waits until then, or until nobody waits for the run any more.
    fn pause(&mut self, until: Deadline);
    /// Called now and then while the worker runs, so that lines and events do not wait for its end. Whether
    /// somebody still waits for that end.
    fn tick(&mut self) -> bool;
    /// The longest JSON that a result or an event may be.
    fn limit(&self) -> usize;
}

/// The call_outs of `setTimeout`; no function is called so.
pub(super) const TIMER: &str = "$$timer";

/// How long a run may go on after it has asked for the worker's end.
const LAST_MS: u32 = 1000;

/// What the prelude tells us ourselves.
const SILENT_BYTES: usize = 16 * 1024;

/// Takes nothing anywhere: for parsing and for the prelude.
pub(super) struct Silence;

impl Host for Silence {
    fn log(&mut self, _: &str) {}
    fn event(&mut self, _: &str, _: &str) -> Result<(), String> {
        Ok(())
    }
    fn destruct(&mut self) {}
    fn ask(&mut self, _: &str, _: &str, _: &str) -> Result<u64, Box<Unanswered>> {
        Err(Unanswered::new("internal", "nobody is there to carry a call").into())
    }
    fn is_crowded(&self) -> bool {
        false
    }
    fn answer(&mut self, _: Option<u64>, _: Option<Deadline>) -> Result<(u64, Said), Box<Unanswered>> {
        Err(Unanswered::new("internal", "nobody was called").into())
    }
    fn pause(&mut self, _: Deadline) {}
    fn tick(&mut self) -> bool {
        true
    }
    fn limit(&self) -> usize {
        SILENT_BYTES
    }
}

pub(super) struct Run<'a> {
    host: &'a mut dyn Host,
    deadline: Option<Deadline>,
    caller: &'a str,
    state: &'a mut WorkerState,
    powers: PowersTag,
    outcome: RunOutcome,
    /// What an object said, until the prelude takes it into the heap.
    said: Option<Said>,
    /// The last ask that went wrong, until the prelude has read about it.
    failure: Option<Box<Unanswered>>,
}

/// What the engine's exception alone does not tell.
#[derive(Debug, Default)]
pub(super) struct RunOutcome {
    pub interrupted: bool,
    /// Something that is not an Error was thrown: its text.
    pub thrown: Option<String>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        host: &'a mut dyn Host,
        deadline: Option<Deadline>,
        caller: &'a str,
        state: &'a mut WorkerState,
    ) -> Self {
        let powers = state.powers.left(PowersTag::ALL);
        Self {
            host,
            deadline,
            caller,
            state,
            powers,
            outcome: RunOutcome::default(),
            said: None,
            failure: None,
        }
    }

    /// With no more than these powers.
    pub(super) fn under(mut self, powers: PowersTag) -> Self {
        self.powers = self.state.powers.both(self.powers, powers);
        self
    }

    pub(super) fn outcome(self) -> RunOutcome {
        self.outcome
    }

    /// The number of the call whose answer has come.
    fn next(&mut self, wanted: &str) -> Result<String, Box<Unanswered>> {
        let (number, said) = self.host.answer(wanted.parse().ok(), self.deadline)?;
        self.said = Some(said);
        Ok(number.to_string())
    }

    /// What comes first of that which a run may wait for: `t` and the number of a timer, or the number of a call whose
    /// answer has come; `None` if there is nothing.
    fn wait(&mut self, for_answers: bool) -> Result<Option<String>, Box<Unanswered>> {
        loop {
            if let Some(due) = self.state.call_outs.take_of(TIMER, self.powers, clock::running_us()) {
                let number: String = due.args.chars().filter(char::is_ascii_digit).collect();
                return Ok(Some(format!("t{number}")));
            }
            let due = self.state.call_outs.next_of(TIMER, self.powers).map(Deadline::at_us);
            let until = due.into_iter().chain(self.deadline).min();
            if for_answers {
                match self.host.answer(None, until) {
                    Ok((number, said)) => {
                        self.said = Some(said);
                        return Ok(Some(number.to_string()));
                    }
                    Err(_) if due.is_some_and(Deadline::passed) && !self.interrupt() => {}
                    Err(failure) => return Err(failure),
                }
            } else if let Some(until) = until.filter(|_| due.is_some()) {
                self.host.pause(until);
                if self.interrupt() {
                    return Err(Unanswered::new(
                        "deadline",
                        "the deadline passed while a timer was waited for",
                    )
                    .into());
                }
            } else {
                return Ok(None);
            }
        }
    }

    /// Text with stacks in it, with the author's places.
    fn placed<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.state.form {
            SourceForm::Plain => Cow::Borrowed(text),
            SourceForm::Compiled => error_text::placed(text, &self.state.file, &self.state.map),
        }
    }

    fn failed(&mut self, failure: Box<Unanswered>) -> String {
        self.interrupt();
        let message = failure.message.clone();
        self.failure = Some(failure);
        message
    }
}

impl Efuns for Run<'_> {
    fn interrupt(&mut self) -> bool {
        let stop = !self.host.tick() || self.deadline.is_some_and(Deadline::passed);
        self.outcome.interrupted |= stop;
        stop
    }

    fn limit(&self) -> usize {
        self.host.limit()
    }

    fn form(&self) -> SourceForm {
        self.state.form
    }

    fn wants(&self, efun: &str) -> Option<&'static [Want]> {
        Some(match efun {
            "log" | "thrown" => &[Want::Line],
            "event" => &[Want::Text, Want::Json("the event's data")],
            "call_out" => &[Want::Text, Want::Text, Want::Json("an argument of call_out"), Want::Text],
            "ask" => &[Want::Text, Want::Text, Want::Json("an argument")],
            "remove_call_out" | "next" | "wait" | "unhandled" => &[Want::Text],
            "crowded" | "said" | "destruct" | "now" | "monotonic" | "caller" | "vault" | "failure"
            | "powers" | "enable_evaluate" => &[],
            _ => return None,
        })
    }

    fn call(&mut self, efun: &str, arguments: &[Argument]) -> Result<EfunValue, String> {
        let text = |index: usize| arguments.get(index).map_or("", Argument::text);
        let told = |text: String| Ok(EfunValue::Text(text));
        match efun {
            "log" => {
                let parts: Vec<&str> = arguments.iter().map(Argument::text).collect();
                let line = parts.join(" ");
                self.host.log(&self.placed(&line));
            }
            "unhandled" => {
                let stack = self.placed(text(1)).into_owned();
                let data = serde_json::json!({ "message": text(0), "stack": stack.trim_end() });
                // Nobody called, so nobody can be told that it is too long.
                let _ = self.host.event("unhandled_rejection", &data.to_string());
            }
            "thrown" => self.outcome.thrown = Some(text(0).to_owned()),
            "event" => self.host.event(text(0), arguments.get(1).map_or("null", Argument::text))?,
            "destruct" => {
                self.state.powers.judge(self.powers, Deed::Destruct)?;
                self.host.destruct();
                let end = Deadline::after_ms(LAST_MS);
                self.deadline = Some(self.deadline.map_or(end, |deadline| deadline.min(end)));
            }
            "call_out" => {
                let now = clock::running_us();
                let handle = self.state.call_outs.add(text(0), text(1), text(2), now)?;
                let meant = arguments.get(3).map_or(PowersTag::ALL, |tag| PowersTag::read(tag.text()));
                let powers = self.state.powers.both(self.powers, meant);
                self.state.call_outs.restrict(handle, powers);
                return told(handle.to_string());
            }
            "enable_evaluate" => self.state.evaluates = true,
            "powers" => return Ok(self.powers.written().map_or(EfunValue::Nothing, EfunValue::Text)),
            "remove_call_out" => {
                let left = self.state.call_outs.remove(text(0), clock::running_us());
                return told(left.unwrap_or(-1.0).to_string());
            }
            "now" | "monotonic" => return Ok(asked::tell(efun).map_or(EfunValue::Nothing, EfunValue::Text)),
            "caller" if self.caller.is_empty() => {}
            "caller" => return told(self.caller.to_owned()),
            "vault" => return told(self.state.vault.clone()),
            "ask" => {
                let deed = Deed::Ask { object: text(0), method: text(1) };
                let number = match self.state.powers.judge(self.powers, deed) {
                    Ok(()) => self.host.ask(text(0), text(1), text(2)),
                    Err(why) => Err(Unanswered::new("denied", why).into()),
                };
                return number
                    .map(|number| EfunValue::Text(number.to_string()))
                    .map_err(|failure| self.failed(failure));
            }
            "crowded" if !self.host.is_crowded() => {}
            "crowded" => return told(String::new()),
            "next" => return self.next(text(0)).map(EfunValue::Text).map_err(|failure| self.failed(failure)),
            "wait" => {
                let came = self.wait(!text(0).is_empty()).map_err(|failure| self.failed(failure))?;
                return Ok(came.map_or(EfunValue::Nothing, EfunValue::Text));
            }
            "said" => {
                let said = self
                    .said
                    .take()
                    .unwrap_or_else(|| Err(Unanswered::new("internal", "no answer has come").into()));
                return said.map(EfunValue::Text).map_err(|failure| self.failed(failure));
            }
            "failure" => {
                let failure = self.failure.take();
                let about = failure.and_then(|failure| serde_json::to_string(&failure).ok());
                return Ok(about.map_or(EfunValue::Nothing, EfunValue::Text));
            }
            _ => return Err("no such efun".to_owned()),
        }
        Ok(EfunValue::Nothing)
    }
}
