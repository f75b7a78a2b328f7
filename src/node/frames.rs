//! What a vault says while it lives. The vault may be hostile: every frame is checked, and one that
//! breaks the protocol is its last.

use super::keeper::Keeper;
use crate::api::node::NewsItem;
use crate::model::death::Cause;
use crate::rpc::channel::{FromVault, WorkerError, WorkerErrorKind};
use crate::rpc::message::{RpcError, code};
use crate::rpc::reserved;
use crate::system::clock;

impl Keeper {
    /// Handles every whole frame; `false` ends the vault.
    pub(super) fn process(&self, inbox: &mut Vec<u8>) -> bool {
        let limit = self.frame_limit();
        let mut used = 0;
        let alive = loop {
            match FromVault::decode(&inbox[used..], limit) {
                Ok(None) => break true,
                Ok(Some((frame, length))) => {
                    used += length;
                    if !self.handle(frame) {
                        break false;
                    }
                }
                Err(error) => {
                    self.vault.doom(Cause::ProtocolViolation, Some(error.to_string()), None, 0);
                    break false;
                }
            }
        };
        inbox.drain(..used);
        alive
    }

    fn handle(&self, frame: FromVault) -> bool {
        let vault = &*self.vault;
        let violation = |what: &str| {
            vault.doom(Cause::ProtocolViolation, Some(what.to_owned()), None, 0);
            false
        };
        let due = |call| vault.calls().answered(call, clock::mono());
        match frame {
            FromVault::Result { call, value } => match due(call) {
                Err(error) => violation(&error.to_string()),
                Ok(_) if !is_one_line_of_json(&value) => violation("a result that is not one line of JSON"),
                Ok(reply) => {
                    reply.into_iter().for_each(|reply| reply.value(&value));
                    true
                }
            },
            FromVault::Error { call, error } => match due(call) {
                Err(error) => violation(&error.to_string()),
                Ok(reply) => {
                    reply.into_iter().for_each(|reply| reply.error(&worker_error(&error)));
                    true
                }
            },
            FromVault::Stats { call, stats } => match due(call) {
                Err(error) => violation(&error.to_string()),
                Ok(reply) => {
                    let vitals = vault.vitals();
                    let stats = reserved::VaultStats {
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
                let name = serde_json::Value::String(event).to_string();
                vault.each_connection(|outbox| {
                    outbox.event(reserved::EVENT, |lost| match lost {
                        0 => format!("{{\"event\":{name},\"data\":{data}}}"),
                        lost => format!("{{\"event\":{name},\"data\":{data},\"lost\":{lost}}}"),
                    });
                });
                true
            }
            FromVault::Event { .. } => violation("an event that is not one line of JSON"),
            FromVault::Log { text } => {
                self.log(text);
                true
            }
            FromVault::Destruct => {
                vault.doom(Cause::SelfDestruct, None, None, 0);
                false
            }
            FromVault::DestDone => vault.state().phase.is_alive() && violation("an unasked DestDone"),
            FromVault::Ready(_) | FromVault::Loaded(_) => violation("a frame that comes once only"),
        }
    }

    pub(super) fn log(&self, text: String) {
        let line = serde_json::json!({ "text": text }).to_string();
        self.vault.each_connection(|outbox| outbox.event(reserved::LOG, |_| line.clone()));
        self.vault.news.publish(NewsItem::Log { vault: self.vault.id.clone(), text });
    }
}

fn is_one_line_of_json(text: &str) -> bool {
    !text.as_bytes().contains(&b'\n') && serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}

fn worker_error(error: &WorkerError) -> RpcError {
    let code = match error.kind {
        WorkerErrorKind::NoMethod => code::METHOD_NOT_FOUND,
        WorkerErrorKind::Params => code::INVALID_PARAMS,
        WorkerErrorKind::Deadline => code::DEADLINE,
        WorkerErrorKind::Memory => code::MEMORY,
        WorkerErrorKind::TooLarge => code::TOO_LARGE,
        WorkerErrorKind::Throw | WorkerErrorKind::Stack | WorkerErrorKind::Unserializable => code::WORKER,
        WorkerErrorKind::Syntax | WorkerErrorKind::Protocol => code::INTERNAL,
    };
    RpcError::new(code, error.message.clone()).data(error)
}
