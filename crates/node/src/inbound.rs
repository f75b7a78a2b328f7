//! Inbound frames: what a vault says while it lives. The vault may be hostile: every frame is checked, and one that
//! breaks the protocol is its last.

use memchr::memchr;

use super::gate::replies::ReplyQueue;
use super::outbound::{self, OutboundCall};
use super::supervisor::Supervisor;
use super::token_bucket::paid;
use hauki_contract::api::node::NewsItem;
use hauki_contract::model::death::Cause;
use hauki_contract::rpc::builtin;
use hauki_contract::rpc::channel::{FromVault, MAX_LINE, WorkerError, WorkerErrorKind};
use hauki_contract::rpc::message::{MAX_LEVELS, RpcError, code};
use hauki_contract::strict;
use hauki_contract::strict::scan::is_within;
use hauki_contract::system::clock;

/// A vault that has sent a large frame does not hold its room for ever.
const KEPT_INBOX: usize = 256 * 1024;
/// What an event needs around the worker's own data.
const ENVELOPE: usize = 512;

/// How many frames that nobody has asked for are handled before others have a turn.
const TURN: usize = 64;

/// What a frame weighs beside its bytes where the time for many is divided among them.
const FRAME_WEIGHT: usize = 256;

/// And of a vault that is dead, once.
const LAST: usize = 1024;

/// How the channel goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// All that is there has been handled.
    Done,
    /// There is more, and others come first.
    More,
    /// That was the vault's end.
    Over,
}

impl Supervisor {
    /// Handles whole frames until there are no more, or until so many have come that nobody has asked for:
    /// then others have a turn.
    pub(super) fn process(&self, inbox: &mut Vec<u8>) -> Flow {
        self.process_some(inbox, TURN, true)
    }

    /// What is there of a vault that sends no more: all its answers, and of the rest the beginning.
    pub(super) fn process_rest(&self, inbox: &mut Vec<u8>) {
        self.process_some(inbox, LAST, false);
    }

    fn process_some(&self, inbox: &mut Vec<u8>, most: usize, goes_on: bool) -> Flow {
        let limit = self.frame_limit();
        let (mut used, mut unasked) = (0, 0);
        // What was spent since the first frame that nobody has asked for, and what of it was for these.
        let (mut began, mut weight, mut own) = (None, 0, 0);
        let flow = loop {
            if unasked == most && goes_on {
                break Flow::More;
            }
            match FromVault::decode(&inbox[used..], limit) {
                Ok(None) => break Flow::Done,
                Ok(Some((frame, length))) => {
                    used += length;
                    weight += length + FRAME_WEIGHT;
                    if !frame.is_answer() {
                        if unasked == most {
                            continue;
                        }
                        if began.is_none() {
                            (began, weight) = (Some(clock::thread_ns()), length + FRAME_WEIGHT);
                        }
                        unasked += 1;
                        own += length + FRAME_WEIGHT;
                        self.vault.allowance().came(length);
                    }
                    if !self.handle(frame) {
                        break Flow::Over;
                    }
                }
                Err(error) => {
                    self.vault.doom(Cause::ProtocolViolation, Some(error.to_string()), None, 0);
                    break Flow::Over;
                }
            }
        };
        if let Some(began) = began {
            let spent = clock::thread_ns().saturating_sub(began);
            // Of which the most was for passing it on.
            let spent = paid(part(spent, own, weight), self.vault.audience.size());
            self.vault.allowance().spend(spent);
        }
        self.vault.hand_over();
        inbox.drain(..used);
        if inbox.is_empty() && inbox.capacity() > KEPT_INBOX {
            *inbox = Vec::new();
        }
        flow
    }

    fn handle(&self, frame: FromVault) -> bool {
        let vault = &*self.vault;
        let violation = |what: &str| {
            vault.doom(Cause::ProtocolViolation, Some(what.to_owned()), None, 0);
            false
        };
        let due = |call| {
            let (now, mut calls) = (vault.now(), vault.calls());
            let long = calls.long(now);
            let answered = calls.answered(call, now);
            drop(calls);
            match answered {
                // Its caller was told of the death; the engine finishes all the same before `dest`.
                Err(_) if !vault.state().phase.is_alive() => Ok(None),
                answered => {
                    long.into_iter().for_each(|long| long.tell(&vault.id));
                    answered
                }
            }
        };
        match frame {
            FromVault::Result { call, value } => match due(call) {
                Err(error) => violation(&error.to_string()),
                Ok(_) if !is_one_line_of_json(&value) => violation("a result that is not one line of JSON"),
                Ok(reply) => {
                    let told = match is_within(value.as_bytes(), MAX_LEVELS) {
                        true => vault.reach.put_back(&value).map_err(RpcError::from),
                        false => Err(too_deep()),
                    };
                    reply.into_iter().for_each(|reply| match &told {
                        Ok(value) => reply.value(value),
                        Err(error) => reply.error(error),
                    });
                    true
                }
            },
            FromVault::Error { call: 0, error } => {
                violation(&format!("its init could not go on: {}", quoted(&error.message)))
            }
            FromVault::Error { call, error } => match due(call) {
                Err(error) => violation(&error.to_string()),
                Ok(reply) => {
                    let error = worker_error(error, vault.limits.max_frame_bytes);
                    reply.into_iter().for_each(|reply| reply.error(&error));
                    true
                }
            },
            FromVault::Stats { call, stats } => match due(call) {
                Err(error) => violation(&error.to_string()),
                Ok(reply) => {
                    let vitals = vault.vitals();
                    let stats = builtin::VaultStats {
                        calls: vitals.calls,
                        heap_used_bytes: stats.heap_used_bytes,
                        heap_limit_bytes: stats.heap_limit_bytes,
                        memory_bytes: vitals.memory_bytes,
                        age_ms: vitals.age_ms,
                        lease_left_ms: vitals.lease_left_ms,
                        connections: vitals.connections,
                    };
                    reply.into_iter().for_each(|reply| reply.serialize(&stats));
                    true
                }
            },
            FromVault::Event { event, data } if is_one_line_of_json(&data) => {
                if !is_within(data.as_bytes(), MAX_LEVELS) {
                    vault.audience.each(ReplyQueue::lose_event);
                    return true;
                }
                let Ok(data) = vault.reach.put_back(&data) else {
                    vault.audience.each(ReplyQueue::lose_event);
                    return true;
                };
                let name = serde_json::Value::String(event).to_string();
                let body = format!("\"event\":{name},\"data\":{data}");
                // Quoting can make a name six times as long, and a line over the limit would break the
                // connection of every caller that keeps to it.
                if body.len() > vault.limits.max_frame_bytes as usize {
                    vault.audience.each(ReplyQueue::lose_event);
                } else {
                    self.tell(builtin::EVENT, &body);
                }
                true
            }
            FromVault::Event { .. } => violation("an event that is not one line of JSON"),
            FromVault::Log { text } if text.len() > MAX_LINE => {
                violation("a line that no init sends in one piece")
            }
            FromVault::Log { text } => {
                self.log(text);
                true
            }
            FromVault::Destruct => {
                vault.doom(Cause::SelfDestruct, None, None, 0);
                false
            }
            FromVault::DestDone => vault.state().phase.is_alive() && violation("an unasked DestDone"),
            ask @ FromVault::Ask { .. } => self.ask(ask),
            FromVault::Busy => {
                let was_idle = vault.calls().busy(vault.limits.call_deadline_ms, vault.now());
                was_idle || violation("the beginning of work before the last has ended")
            }
            FromVault::Idle => {
                let was_busy = vault.calls().idle(vault.now());
                was_busy || violation("an end of work that did not begin")
            }
            FromVault::Ready(_) | FromVault::Loaded(_) => violation("a frame that comes once only"),
        }
    }

    /// The worker calls an object; `false` ends the vault.
    pub(super) fn ask(&self, frame: FromVault) -> bool {
        let FromVault::Ask { ask: number, object, method, params } = frame else { return true };
        let what = if !is_one_line_of_json(&params) {
            "parameters that are not one line of JSON"
        } else if !outbound::ask(&self.vault, OutboundCall { number, object, method, params }) {
            "more open asks than there may be"
        } else {
            return true;
        };
        self.vault.doom(Cause::ProtocolViolation, Some(what.to_owned()), None, 0);
        false
    }

    pub(super) fn log(&self, text: String) {
        let limit = self.vault.limits.max_frame_bytes as usize - ENVELOPE;
        for piece in pieces(&text, limit) {
            self.tell(builtin::LOG, &format!("\"text\":{}", serde_json::Value::from(piece)));
        }
        self.vault.news.publish(NewsItem::Log { vault: self.vault.id.clone(), text });
    }

    /// `body` is the inside of a JSON object. Whose call the worker is in learns by the call's id that
    /// this is of it, and nobody else does; who missed events before this one is told how many.
    fn tell(&self, method: &str, body: &str) {
        let tag = self.vault.calls().tag();
        self.vault.audience.each(|reply_queue| {
            let own = tag.as_ref().filter(|(owner, _)| *owner == reply_queue.owner());
            reply_queue.event(method, |lost| {
                let call = own.map(|(_, id)| format!(",\"call\":{id}")).unwrap_or_default();
                match lost {
                    0 => format!("{{{body}{call}}}"),
                    lost => format!("{{{body}{call},\"lost\":{lost}}}"),
                }
            });
        });
    }
}

/// What `own` of `whole` costs if the whole costs so much.
pub(super) fn part(spent_ns: u64, own: usize, whole: usize) -> u64 {
    let part = u128::from(spent_ns) * own as u128 / (whole as u128).max(1);
    u64::try_from(part).unwrap_or(u64::MAX)
}

/// Cuts where the limit could be passed once every byte is quoted as six.
fn pieces(text: &str, limit: usize) -> impl Iterator<Item = &str> {
    let most = if text.len() * 6 <= limit { text.len() } else { limit / 6 };
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let (piece, after) = text.split_at(text.floor_char_boundary(most));
        if !after.is_empty() && !piece.is_empty() {
            rest = Some(after);
        }
        Some(piece)
    })
}

/// An init of ours says so itself.
fn too_deep() -> RpcError {
    RpcError::new(code::TOO_LARGE, format!("the result is nested deeper than {MAX_LEVELS} levels"))
}

/// The beginning of what a vault says of itself.
fn quoted(text: &str) -> String {
    const MOST: usize = 256;
    text[..text.floor_char_boundary(MOST)].replace(unprintable, " ")
}

fn unprintable(letter: char) -> bool {
    letter.is_control() && letter != '\n'
}

fn is_one_line_of_json(text: &str) -> bool {
    memchr(b'\n', text.as_bytes()).is_none() && strict::is_json(text)
}

/// The message stands in the reply twice, which must not be longer than callers take.
fn worker_error(mut error: WorkerError, max_frame_bytes: u32) -> RpcError {
    let most = (max_frame_bytes as usize / 8).clamp(1024, 4096);
    error.cut(most);
    let code = match error.kind {
        WorkerErrorKind::NoMethod => code::METHOD_NOT_FOUND,
        WorkerErrorKind::Params => code::INVALID_PARAMS,
        WorkerErrorKind::Deadline => code::DEADLINE,
        WorkerErrorKind::Memory => code::MEMORY,
        WorkerErrorKind::TooLarge => code::TOO_LARGE,
        WorkerErrorKind::Throw | WorkerErrorKind::Stack | WorkerErrorKind::Unserializable => code::WORKER,
        WorkerErrorKind::Syntax | WorkerErrorKind::Protocol => code::INTERNAL,
    };
    RpcError::new(code, error.message.clone()).data(&error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_only_where_its_quotes_could_pass_the_limit() {
        assert_eq!(pieces("", 600).collect::<Vec<_>>(), [""]);
        assert_eq!(pieces("short", 600).collect::<Vec<_>>(), ["short"]);
        let long = "ä".repeat(400);
        let cut: Vec<_> = pieces(&long, 600).collect();
        assert!(cut.len() > 1 && cut.iter().all(|piece| piece.len() <= 100));
        assert_eq!(cut.concat(), long);
    }
}
