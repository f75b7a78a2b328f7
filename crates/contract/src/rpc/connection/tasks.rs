//! Reader and writer tasks of a connection: one writes what is queued, one reads and hands out what comes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::mpsc;

use super::super::builtin::{CALL, CANCEL, DYING, Dying};
use super::super::message::GateMessage;
use super::super::ndjson::{LineError, LineReader};
use super::{AnswerSink, ConnectionEnd, GateOrder, Owner, QUEUE, Queued, Shared, Unsent};
use crate::strict::{DocumentLimits, tolerant_reader};
use crate::system::clock;

/// Lines are sent together up to so many bytes.
pub(super) const TOGETHER: usize = 64 * 1024;
/// For the last words of a gate to which nothing can be sent any more.
const LAST_WORDS: Duration = Duration::from_millis(100);

pub(super) async fn write<S: AsyncWrite, O: Owner>(
    leave: CloseGuard<O>,
    mut output: WriteHalf<S>,
    first: Vec<u8>,
    mut queue: mpsc::Receiver<Queued>,
) {
    let CloseGuard(shared) = &leave;
    let mut next = Some((None, first));
    // What was given up, and how many lines were taken since: those of the calls that were not sent yet are among as
    // many as the queue holds, and are left out.
    let (mut leaving, mut taken) = (BTreeSet::new(), 0);
    while let Some((id, mut lines)) = next {
        taken += 1;
        if leaving.is_empty() {
            (leaving, taken) = (shared.given_up.take(), 0);
        }
        if shared.given_up.has_unsent(id, &mut leaving) {
            lines.clear();
        }
        while lines.len() < TOGETHER && taken < QUEUE {
            let Ok((id, line)) = queue.try_recv() else {
                taken = QUEUE;
                break;
            };
            if !shared.given_up.has_unsent(id, &mut leaving) {
                lines.extend_from_slice(&line);
            }
            taken += 1;
        }
        if taken >= QUEUE {
            shared.given_up.tell(std::mem::take(&mut leaving), &mut lines);
            taken = 0;
        }
        let sent = match output.write_all(&lines).await {
            Ok(()) if lines.is_empty() => Ok(()),
            Ok(()) => output.flush().await,
            error => error,
        };
        if let Err(error) = sent {
            refuse(shared, &mut queue).await;
            // The reader may still find `hauki.dying` in what has arrived, which says more.
            tokio::time::sleep(LAST_WORDS).await;
            shared.end(ConnectionEnd::Write(Arc::new(error)));
            return;
        }
        next = match leaving.is_empty() {
            true => queue.recv().await,
            // They wait for nothing but their own lines, if these are not there yet.
            false => Some(queue.try_recv().unwrap_or_default()),
        };
    }
}

/// Nothing more is sent: neither what comes from now on nor what is queued.
async fn refuse<O: Owner>(shared: &Shared<O>, queue: &mut mpsc::Receiver<Queued>) {
    queue.close();
    while let Some((id, _)) = queue.recv().await {
        let waiting = id.and_then(|id| shared.pending().remove(&id));
        // Who has given it up does not mind.
        let _ = waiting.map(|waiting| waiting.send(Err(Unsent)));
    }
}

pub(super) async fn read<S: AsyncRead, O: Owner>(
    leave: CloseGuard<O>,
    mut lines: LineReader<ReadHalf<S>>,
    mut may_hold: impl FnMut(usize) -> bool,
    answers: AnswerSink,
) {
    let CloseGuard(shared) = &leave;
    let mut dying = None;
    let end = loop {
        if let Err(end) = next(&mut lines, &mut may_hold).await {
            break end;
        }
        match lines.next().await {
            Ok(Some(line)) => match GateMessage::decode(line) {
                Ok(message) => {
                    deliver(shared, message, &mut dying, &answers);
                    // Those that came together were heard at the same time.
                    if !lines.has_line() {
                        shared.heard.store(clock::mono().0, Ordering::Relaxed);
                    }
                }
                Err(error) => break ConnectionEnd::Foreign(error),
            },
            Ok(None) => break ConnectionEnd::Closed,
            Err(error) => break ConnectionEnd::Read(Arc::new(error)),
        }
    };
    // A gate that is killed does not take its leave; its last words still count.
    shared.end(dying.map_or(end, |Dying { death, .. }| ConnectionEnd::Dead(death)));
}

/// Goes with either task, also where that is ended from outside, as at the end of a daemon, and before it has begun:
/// nobody waits for what will not come.
pub(super) struct CloseGuard<O>(pub(super) Arc<Shared<O>>);

impl<O> Drop for CloseGuard<O> {
    fn drop(&mut self) {
        self.0.end(ConnectionEnd::Gone);
    }
}

/// Reads until there is a line, or no more can be read.
async fn next<S: AsyncRead>(
    lines: &mut LineReader<ReadHalf<S>>,
    may_hold: &mut impl FnMut(usize) -> bool,
) -> Result<(), ConnectionEnd> {
    while !lines.has_line() && lines.has_room() {
        lines.fill().await.map_err(|error| ConnectionEnd::Read(Arc::new(LineError::Read(error))))?;
        if !may_hold(lines.held()) {
            return Err(ConnectionEnd::Heaped);
        }
    }
    Ok(())
}

fn deliver<O: Owner>(
    shared: &Shared<O>,
    message: GateMessage<'_>,
    dying: &mut Option<Dying>,
    answers: &AnswerSink,
) {
    if let Some(method) = message.method {
        let params = message.params.unwrap_or(RawValue::NULL);
        match (method.as_str(), message.id) {
            (CALL, Some(id)) => return shared.owner.asked(GateOrder::Call { id, params }, answers),
            (CANCEL, None) => return shared.owner.asked(GateOrder::GivenUp { params }, answers),
            _ => {}
        }
        if method == DYING
            && let Ok(told) = tolerant_reader::from_str::<Dying>(params.get(), DocumentLimits::MESSAGE)
        {
            shared.owner.dying(&told.death);
            *dying = Some(told);
        }
        return shared.owner.hear(method, params);
    }
    let Some(id) = message.id.and_then(|id| id.get().parse().ok()) else { return };
    // A call that timed out is not there any more.
    let Some(waiting) = shared.pending().remove(&id) else { return };
    let reply = match message.error {
        Some(error) => Err(error),
        None => Ok(message.result.unwrap_or(RawValue::NULL).to_owned()),
    };
    let _ = waiting.send(Ok(reply));
}
