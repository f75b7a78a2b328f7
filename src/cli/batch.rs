//! Many items under one verb: all that can be done is done, in the order of the input.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, stream};

use super::context::Ctx;
use super::error::CliError;
use super::record::Record;
use super::visible;
use crate::client::Exit;

/// One of many.
pub(crate) trait Task {
    /// How errors call it.
    fn name(&self) -> String;

    /// An earlier verb's failure, which is passed on as it is.
    fn passed_on(&self) -> Option<&serde_json::Value>;
}

/// Runs `work` over the items, `jobs` at a time. One item's failure is the command's; of many, each
/// failure becomes a record in its place.
pub(crate) async fn run<T: Task>(
    ctx: &Ctx,
    items: Vec<T>,
    jobs: usize,
    work: impl AsyncFn(T) -> Result<Vec<Record>, CliError>,
) -> Result<Exit, CliError> {
    let alone = items.len() == 1;
    let mut exits = Vec::with_capacity(items.len());
    let mut handed_on = false;
    // Where people read, what failed for one reason is told once.
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    let work = &work;
    let mut answers = stream::iter(items)
        .map(async |item| {
            let name = item.name();
            match item.passed_on() {
                Some(value) => (name, Ok(None), Some(value.clone())),
                None => (name, work(item).await.map(Some), None),
            }
        })
        .buffered(jobs.max(1));
    while let Some((name, answer, passed_on)) = answers.next().await {
        if let Some(value) = passed_on {
            handed_on = true;
            ctx.pass_on(&value)?;
            continue;
        }
        match answer {
            Ok(records) => {
                for record in records.unwrap_or_default() {
                    ctx.out.record(record)?;
                }
                exits.push(Exit::Ok);
            }
            Err(error) if alone => return Err(error),
            Err(error) => {
                exits.push(error.kind.exit);
                let again = told.entry(error.message.clone()).or_default();
                *again += 1;
                if *again == 1 || !ctx.out.is_for_people() {
                    ctx.item_failed(&error, &name)?;
                }
            }
        }
    }
    if ctx.out.is_for_people() {
        for (message, count) in told.iter().filter(|(_, count)| **count > 1) {
            ctx.say(&format!("and {} more: {}\n", count - 1, visible::line(message)));
        }
    }
    Ok(if handed_on { Exit::Partial } else { Exit::merge(exits) })
}
