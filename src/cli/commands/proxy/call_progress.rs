//! Call progress: what a worker tells while it works on a call, a bar for progress, lines or records for the rest.

use std::pin::pin;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::result_as;
use crate::cli::context::Ctx;
use crate::cli::error::CliError;
use crate::cli::kinds::{Happened, Heard};
use crate::cli::output::Format;
use crate::cli::progress::Measure;
use crate::cli::record::Record;
use crate::client::Ghost;
use crate::client::ghost::{CallNumber, GhostEvent, ParsedEvent};
use crate::model::id::VaultId;
use hauki_contract::strict::{self, DocumentLimits};
use hauki_contract::system::clock;

/// What `emit` was given, where it is progress.
#[derive(Deserialize)]
struct Told {
    done: f64,
    total: f64,
    #[serde(default)]
    message: Option<String>,
}

/// Calls, and shows what the worker says in this very call.
pub(super) async fn call(
    ctx: &Ctx,
    ghost: &Ghost,
    method: &str,
    params: Option<&str>,
) -> Result<Box<RawValue>, CliError> {
    let mut events = ghost.events();
    let vault = ghost.vault();
    // The end of the id, which is the part that differs.
    let job = format!("{method} …{}", &vault.as_str()[vault.as_str().len() - 6..]);
    let number = ghost.number();
    let screen = Screen { ctx, vault, number, job };
    let mut answer = pin!(result_as(ctx, ghost, number, method, params));
    let answer = loop {
        tokio::select! {
            biased;
            Some(event) = events.next() => screen.show(&event)?,
            answer = &mut answer => break answer,
        }
    };
    // The node sent them before the answer, so they are here.
    while let Some(event) = events.try_next() {
        screen.show(&event)?;
    }
    answer
}

struct Screen<'a> {
    ctx: &'a Ctx,
    vault: &'a VaultId,
    number: CallNumber,
    job: String,
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        self.ctx.progress.clear(&self.job);
    }
}

impl Screen<'_> {
    fn show(&self, event: &GhostEvent) -> Result<(), CliError> {
        if event.lost() > 0 {
            self.record(Heard::Lost { lost: event.lost() })?;
        }
        if event.call() != Some(self.number) {
            return Ok(());
        }
        match event.what() {
            ParsedEvent::Log { text } => self.record(Heard::Log { text }),
            ParsedEvent::Emitted { event, data } => {
                let drawn =
                    measure(&data).is_some_and(|measure| self.ctx.progress.measure(&self.job, &measure));
                // Where people read, once is enough.
                if drawn && self.ctx.out.is_for_people() {
                    return Ok(());
                }
                self.record(Heard::Emitted { name: event, data })
            }
            // The answer tells of a death and of a broken connection.
            ParsedEvent::Dying(_) | ParsedEvent::Broken { .. } | ParsedEvent::Reconnected { .. } => Ok(()),
            ParsedEvent::Missed { .. } | ParsedEvent::Unknown => Ok(()),
        }
    }

    fn record(&self, what: Heard) -> Result<(), CliError> {
        let happened = Happened { vault: self.vault.clone(), at: clock::now(), what };
        let (out, record) = (&self.ctx.out, Record::new(&happened));
        self.ctx.progress.pause(&mut || match out.style.format {
            // A call ends, so its events and its answer can be one document.
            Format::Json => out.record(record.clone()),
            _ => out.stream(record.clone()),
        })
    }
}

/// Data of the form `{done, total[, message]}`, whatever the event is called.
fn measure(data: &RawValue) -> Option<Measure> {
    let Told { done, total, message } = strict::from_str(data.get(), DocumentLimits::MESSAGE).ok()?;
    (total > 0.0 && done >= 0.0).then(|| Measure { done, total, message: message.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_from_other_data() {
        let read = |text: &str| measure(&RawValue::from_string(text.to_owned()).expect("is JSON"));
        let half = read(r#"{"done":1,"total":2,"message":"half","more":[]}"#).expect("is progress");
        assert_eq!((half.done, half.total, half.message.as_str()), (1.0, 2.0, "half"));
        assert!(read(r#"{"done":0.5,"total":1}"#).is_some());
        for other in
            ["null", "1", "[1,2]", r#"{"done":1}"#, r#"{"done":"1","total":2}"#, r#"{"done":1,"total":0}"#]
        {
            assert!(read(other).is_none(), "{other}");
        }
    }
}
