//! Batch: many items under one verb; all that can be done is done, in the order of the input.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, stream};

use super::context::Ctx;
use super::error::CliError;
use super::record::Record;
use super::sanitize;
use crate::client::Exit;

/// One of many.
pub(crate) trait BatchItem {
    /// How errors call it.
    fn name(&self) -> String;

    /// An earlier verb's failure, which is passed on as it is.
    fn passed_on(&self) -> Option<&serde_json::Value>;
}

/// Runs `work` over the items, `jobs` at a time. One item's failure is the command's; of many, each
/// failure becomes a record in its place. A record that cannot be written ends it.
pub(crate) async fn run<T: BatchItem>(
    ctx: &Ctx,
    items: Vec<T>,
    jobs: usize,
    work: impl AsyncFn(T) -> Result<Vec<Record>, CliError>,
) -> Result<Exit, CliError> {
    carried_out(ctx, items, jobs, work, false).await
}

/// As [`run`], for what is done to the end whether or not anybody can be told.
pub(crate) async fn run_to_end<T: BatchItem>(
    ctx: &Ctx,
    items: Vec<T>,
    jobs: usize,
    work: impl AsyncFn(T) -> Result<Vec<Record>, CliError>,
) -> Result<Exit, CliError> {
    carried_out(ctx, items, jobs, work, true).await
}

async fn carried_out<T: BatchItem>(
    ctx: &Ctx,
    items: Vec<T>,
    jobs: usize,
    work: impl AsyncFn(T) -> Result<Vec<Record>, CliError>,
    to_end: bool,
) -> Result<Exit, CliError> {
    let alone = items.len() == 1;
    let mut exits = Vec::with_capacity(items.len());
    let mut handed_on = false;
    let mut told = Told::default();
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
    let telling = async {
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
                    if !ctx.out.is_for_people() {
                        ctx.item_failed(&error, &name)?;
                    } else if told.is_news(&error) {
                        let error = if told.hints_anew(&error) { error } else { error.without_hints() };
                        ctx.item_failed(&error, &name)?;
                    }
                }
            }
        }
        Ok(())
    };
    let outcome = telling.await;
    if to_end {
        while answers.next().await.is_some() {}
    }
    outcome?;
    if ctx.out.is_for_people() {
        told.rest().for_each(|line| ctx.say(&line));
    }
    Ok(if handed_on { Exit::Partial } else { Exit::merge(exits) })
}

/// Where people read, what failed for one reason is told once, and of one kind a few.
#[derive(Default)]
struct Told {
    messages: BTreeMap<String, usize>,
    /// For each kind how many messages were shown, and how many were not.
    kinds: BTreeMap<&'static str, (usize, usize)>,
    hints: BTreeSet<Vec<String>>,
}

impl Told {
    const MOST: usize = 8;

    fn is_news(&mut self, error: &CliError) -> bool {
        if let Some(again) = self.messages.get_mut(&error.message) {
            *again += 1;
            return false;
        }
        let (shown, hidden) = self.kinds.entry(error.kind.code).or_default();
        if *shown == Self::MOST {
            *hidden += 1;
            return false;
        }
        *shown += 1;
        self.messages.insert(error.message.clone(), 1);
        true
    }

    /// What to do is told once as well.
    fn hints_anew(&mut self, error: &CliError) -> bool {
        self.hints.insert(error.hints().to_vec())
    }

    fn rest(&self) -> impl Iterator<Item = String> {
        let again = self.messages.iter().filter(|(_, count)| **count > 1);
        let again =
            again.map(|(message, count)| format!("and {} more: {}\n", count - 1, sanitize::line(message)));
        let hidden = self.kinds.iter().filter(|(_, (_, hidden))| *hidden > 0);
        again.chain(hidden.map(|(code, (_, hidden))| format!("and {hidden} more of the kind {code}\n")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_failures_each_message_is_told_once_and_of_a_kind_a_few() {
        let mut told = Told::default();
        let news =
            (0..500).filter(|number| told.is_news(&CliError::data("bad_record", format!("line {number}"))));
        assert_eq!(news.count(), Told::MOST);
        let again = (0..6).filter(|_| told.is_news(&CliError::usage("the same")));
        assert_eq!(again.count(), 1);
        let hinted = CliError::usage("one").hint("do this");
        assert!(told.hints_anew(&hinted) && !told.hints_anew(&CliError::usage("two").hint("do this")));
        assert_eq!(hinted.without_hints().message, "one");
        let rest: Vec<String> = told.rest().collect();
        assert_eq!(rest, ["and 5 more: the same\n", "and 492 more of the kind bad_record\n"]);
    }
}
