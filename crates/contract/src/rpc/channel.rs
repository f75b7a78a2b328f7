//! Vault protocol: the channel between the gate and one vault, frames over an inherited socketpair.
//!
//! The gate has parsed every request already, so the channel does not carry JSON-RPC: a call is a
//! number, a method name and the parameters as JSON text, which only the engine inside the vault
//! parses. Integers are little-endian. A frame is
//!
//! ```text
//! u32 length of what follows | u8 kind | u64 call | body
//! ```
//!
//! Both ends treat the other as untrusted: the init because a frame drives C code, the gate because
//! a vault may be hostile. Neither end allocates for a length above the limit it was given.
//! The file holds encode and decode of both directions; it does no input or output, so that the
//! blocking init and the asynchronous gate share it.

use serde::{Deserialize, Serialize};

pub use super::body::{Load, Loaded, Said, Stats, Unanswered, WorkerError, WorkerErrorKind, WorkerReady};
use crate::strict;

/// Bytes before the body: length, kind, call.
pub const HEADER: usize = 4 + 1 + 8;

/// The file descriptor on which the init finds its end.
pub const CHANNEL_FD: i32 = 3;

/// What a frame may not exceed beyond the payload that the caller's limit allows.
pub const OVERHEAD: usize = 4096;

/// The same for what a gate sends: a call comes with its caller, whose rights may have thousands of letters, and a
/// refusal with the words of another worker.
pub const GATE_OVERHEAD: usize = 48 * 1024;

/// Of a call, what is neither its method, its caller nor its parameters.
const CALL_HEADER: usize = HEADER + 12;

/// Whether an init with this limit takes a call of so many bytes.
#[must_use]
pub fn takes_call(max_frame_bytes: u32, bytes: usize) -> bool {
    bytes + CALL_HEADER <= max_frame_bytes as usize + GATE_OVERHEAD
}

/// Gate to vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToVault {
    /// Make the heap, load the source, run `create`. Exactly once, first.
    Load(Box<Load>),
    /// Call a method. `params` is JSON text; an array is spread over the arguments, an object is
    /// the single argument, absence is no argument.
    Call { call: u64, deadline_ms: u32, method: String, caller: String, params: Option<String> },
    /// Run `dest()` within the deadline, then answer [`FromVault::DestDone`].
    Dest { deadline_ms: u32 },
    /// Ask for [`Stats`].
    Stats { call: u64 },
    /// Nobody waits for this call any more: stop it if it runs, do not begin it if it does not. It is
    /// answered all the same, in its turn.
    Cancel { call: u64 },
    /// What an object said to [`FromVault::Ask`]; `value` is JSON text.
    Answer { ask: u64, value: String },
    /// Why it said nothing.
    Refusal { ask: u64, error: Box<Unanswered> },
}

/// Vault to gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromVault {
    /// The init runs, has locked itself down and waits for [`ToVault::Load`].
    Ready(WorkerReady),
    Loaded(Loaded),
    /// `value` is JSON text as the vault wrote it: not yet checked.
    Result {
        call: u64,
        value: String,
    },
    /// A call (or, with call 0, loading) failed.
    Error {
        call: u64,
        error: WorkerError,
    },
    /// `emit(event, data)`; `data` is JSON text as the vault wrote it: not yet checked.
    Event {
        event: String,
        data: String,
    },
    /// A line of `print` or `write`.
    Log {
        text: String,
    },
    /// The worker called `destruct(this_object())`; what it was working on has been answered.
    Destruct,
    DestDone,
    Stats {
        call: u64,
        stats: Stats,
    },
    /// The worker calls an object that it was given. `object` is the reference's word, `params` a JSON
    /// array as the vault wrote it: not yet checked.
    Ask {
        ask: u64,
        object: String,
        method: String,
        params: String,
    },
    /// The worker runs what it has called out: no call begins before [`FromVault::Idle`].
    Busy,
    Idle,
}

/// How many asks of one vault may be open. The init waits before it passes this; who passes it is no
/// init of ours.
pub const MAX_ASKS: usize = 16;

/// The longest text of a [`FromVault::Log`]: an init cuts what is longer.
pub const MAX_LINE: usize = 8 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("a frame of {length} bytes is over the limit of {limit}")]
    TooLong { length: usize, limit: usize },
    #[error("a frame of kind {kind:#04x} is unknown here")]
    UnknownKind { kind: u8 },
    #[error("a frame of kind {kind:#04x} has a malformed body")]
    Malformed { kind: u8 },
}

mod kind {
    pub(super) const LOAD: u8 = 0x01;
    pub(super) const CALL: u8 = 0x02;
    pub(super) const DEST: u8 = 0x03;
    pub(super) const STATS: u8 = 0x04;
    pub(super) const ANSWER: u8 = 0x05;
    pub(super) const REFUSAL: u8 = 0x06;
    pub(super) const CANCEL: u8 = 0x07;
    pub(super) const READY: u8 = 0x80;
    pub(super) const LOADED: u8 = 0x81;
    pub(super) const RESULT: u8 = 0x82;
    pub(super) const ERROR: u8 = 0x83;
    pub(super) const EVENT: u8 = 0x84;
    pub(super) const LOG: u8 = 0x85;
    pub(super) const DESTRUCT: u8 = 0x86;
    pub(super) const DEST_DONE: u8 = 0x87;
    pub(super) const STATS_REPLY: u8 = 0x88;
    pub(super) const ASK: u8 = 0x89;
    pub(super) const BUSY: u8 = 0x8a;
    pub(super) const IDLE: u8 = 0x8b;
}

/// Kind, call, body, and the bytes to drop afterwards.
pub(super) type FrameParts<'a> = (u8, u64, &'a [u8], usize);

/// A whole frame at the head of `bytes`. `None` means that more bytes are needed.
pub(super) fn split(bytes: &[u8], limit: usize) -> Result<Option<FrameParts<'_>>, FrameError> {
    let Some(length) = bytes.first_chunk::<4>().map(|head| u32::from_le_bytes(*head) as usize) else {
        return Ok(None);
    };
    if length > limit {
        return Err(FrameError::TooLong { length, limit });
    }
    if length < HEADER - 4 {
        return Err(FrameError::Malformed { kind: 0 });
    }
    let Some(frame) = bytes.get(4..4 + length) else { return Ok(None) };
    let kind = frame[0];
    let mut call = [0; 8];
    call.copy_from_slice(&frame[1..9]);
    Ok(Some((kind, u64::from_le_bytes(call), &frame[9..], 4 + length)))
}

pub(super) fn frame(out: &mut Vec<u8>, kind: u8, call: u64, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.push(kind);
    out.extend_from_slice(&call.to_le_bytes());
    body(out);
    let length = u32::try_from(out.len() - start - 4).expect("payloads are bounded far below 4 GiB");
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

pub(super) fn put_json(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(out, value).expect("channel structs serialize to memory");
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    let length = u32::try_from(text.len()).expect("texts are bounded far below 4 GiB");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn take_u32(body: &[u8]) -> Option<(u32, &[u8])> {
    let (head, rest) = body.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*head), rest))
}

pub(super) fn take_text(body: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = take_u32(body)?;
    let (text, rest) = rest.split_at_checked(length as usize)?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

pub(super) fn json<'a, T: Deserialize<'a>>(kind: u8, body: &'a [u8]) -> Result<T, FrameError> {
    strict::from_slice(body, strict::DocumentLimits::MESSAGE).map_err(|_| FrameError::Malformed { kind })
}

pub(super) fn text(kind: u8, body: &[u8]) -> Result<String, FrameError> {
    std::str::from_utf8(body).map(str::to_owned).map_err(|_| FrameError::Malformed { kind })
}

impl ToVault {
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Load(load) => frame(out, kind::LOAD, 0, |out| put_json(out, load)),
            Self::Call { call, deadline_ms, method, caller, params } => {
                encode_call(out, *call, *deadline_ms, method, caller, params.as_deref());
            }
            Self::Dest { deadline_ms } => {
                frame(out, kind::DEST, 0, |out| out.extend_from_slice(&deadline_ms.to_le_bytes()));
            }
            Self::Stats { call } => frame(out, kind::STATS, *call, |_| {}),
            Self::Cancel { call } => frame(out, kind::CANCEL, *call, |_| {}),
            Self::Answer { ask, value } => {
                frame(out, kind::ANSWER, *ask, |out| out.extend_from_slice(value.as_bytes()));
            }
            Self::Refusal { ask, error } => frame(out, kind::REFUSAL, *ask, |out| put_json(out, error)),
        }
    }

    /// The first message in `bytes` and its length, or `None` if it is not complete yet.
    pub fn decode(bytes: &[u8], limit: usize) -> Result<Option<(Self, usize)>, FrameError> {
        let Some((kind, call, body, used)) = split(bytes, limit)? else { return Ok(None) };
        let malformed = || FrameError::Malformed { kind };
        let message = match kind {
            kind::LOAD => Self::Load(json(kind, body)?),
            kind::CALL => {
                let (deadline_ms, rest) = take_u32(body).ok_or_else(malformed)?;
                let (method, rest) = take_text(rest).ok_or_else(malformed)?;
                let (caller, rest) = take_text(rest).ok_or_else(malformed)?;
                let params = if rest.is_empty() { None } else { Some(text(kind, rest)?) };
                Self::Call { call, deadline_ms, method: method.to_owned(), caller: caller.to_owned(), params }
            }
            kind::DEST => Self::Dest { deadline_ms: take_u32(body).ok_or_else(malformed)?.0 },
            kind::STATS => Self::Stats { call },
            kind::CANCEL => Self::Cancel { call },
            kind::ANSWER => Self::Answer { ask: call, value: text(kind, body)? },
            kind::REFUSAL => Self::Refusal { ask: call, error: json(kind, body)? },
            kind => return Err(FrameError::UnknownKind { kind }),
        };
        Ok(Some((message, used)))
    }
}

/// Writes a call straight from borrowed parts: the gate's hot path.
pub fn encode_call(
    out: &mut Vec<u8>,
    call: u64,
    deadline_ms: u32,
    method: &str,
    caller: &str,
    params: Option<&str>,
) {
    frame(out, kind::CALL, call, |out| {
        out.extend_from_slice(&deadline_ms.to_le_bytes());
        put_text(out, method);
        put_text(out, caller);
        out.extend_from_slice(params.unwrap_or_default().as_bytes());
    });
}

/// Gives a call that [`encode_call`] has written its number and what is left of its time.
pub fn number_call(frame: &mut [u8], call: u64, deadline_ms: u32) {
    frame[HEADER - 8..HEADER].copy_from_slice(&call.to_le_bytes());
    frame[HEADER..HEADER + 4].copy_from_slice(&deadline_ms.to_le_bytes());
}

/// Writes a reply straight from the engine's text: the vault's hot path.
pub fn encode_result(out: &mut Vec<u8>, call: u64, value: &str) {
    frame(out, kind::RESULT, call, |out| out.extend_from_slice(value.as_bytes()));
}

/// Writes one line of a worker.
pub fn encode_log(out: &mut Vec<u8>, text: &str) {
    frame(out, kind::LOG, 0, |out| out.extend_from_slice(text.as_bytes()));
}

/// Writes a worker's call of an object.
pub fn encode_ask(out: &mut Vec<u8>, ask: u64, object: &str, method: &str, params: &str) {
    frame(out, kind::ASK, ask, |out| {
        put_text(out, object);
        put_text(out, method);
        out.extend_from_slice(params.as_bytes());
    });
}

/// How long the frame is that begins here.
#[must_use]
pub fn length(bytes: &[u8]) -> Option<usize> {
    bytes.first_chunk::<4>().map(|head| 4 + u32::from_le_bytes(*head) as usize)
}

/// Writes an event of a worker.
pub fn encode_event(out: &mut Vec<u8>, event: &str, data: &str) {
    frame(out, kind::EVENT, 0, |out| {
        put_text(out, event);
        out.extend_from_slice(data.as_bytes());
    });
}

impl FromVault {
    /// Whether the gate has asked for it.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        match self {
            Self::Ready(_) | Self::Loaded(_) | Self::DestDone | Self::Destruct => true,
            Self::Result { .. } | Self::Error { .. } | Self::Stats { .. } => true,
            Self::Event { .. } | Self::Log { .. } | Self::Ask { .. } | Self::Busy | Self::Idle => false,
        }
    }

    /// How long the texts in it are.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Event { event, data } => event.len() + data.len(),
            Self::Log { text } => text.len(),
            Self::Ask { object, method, params, .. } => object.len() + method.len() + params.len(),
            Self::Result { value, .. } => value.len(),
            _ => 0,
        }
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ready(ready) => frame(out, kind::READY, 0, |out| put_json(out, ready)),
            Self::Loaded(loaded) => frame(out, kind::LOADED, 0, |out| put_json(out, loaded)),
            Self::Result { call, value } => encode_result(out, *call, value),
            Self::Error { call, error } => frame(out, kind::ERROR, *call, |out| put_json(out, error)),
            Self::Event { event, data } => encode_event(out, event, data),
            Self::Log { text } => encode_log(out, text),
            Self::Destruct => frame(out, kind::DESTRUCT, 0, |_| {}),
            Self::DestDone => frame(out, kind::DEST_DONE, 0, |_| {}),
            Self::Stats { call, stats } => frame(out, kind::STATS_REPLY, *call, |out| put_json(out, stats)),
            Self::Ask { ask, object, method, params } => encode_ask(out, *ask, object, method, params),
            Self::Busy => frame(out, kind::BUSY, 0, |_| {}),
            Self::Idle => frame(out, kind::IDLE, 0, |_| {}),
        }
    }

    /// The first message in `bytes` and its length, or `None` if it is not complete yet.
    pub fn decode(bytes: &[u8], limit: usize) -> Result<Option<(Self, usize)>, FrameError> {
        let Some((kind, call, body, used)) = split(bytes, limit)? else { return Ok(None) };
        let message = match kind {
            kind::READY => Self::Ready(json(kind, body)?),
            kind::LOADED => Self::Loaded(json(kind, body)?),
            kind::RESULT => Self::Result { call, value: text(kind, body)? },
            kind::ERROR => Self::Error { call, error: json(kind, body)? },
            kind::EVENT => {
                let (event, rest) = take_text(body).ok_or(FrameError::Malformed { kind })?;
                Self::Event { event: event.to_owned(), data: text(kind, rest)? }
            }
            kind::LOG => Self::Log { text: text(kind, body)? },
            kind::DESTRUCT => Self::Destruct,
            kind::DEST_DONE => Self::DestDone,
            kind::STATS_REPLY => Self::Stats { call, stats: json(kind, body)? },
            kind::ASK => {
                let malformed = || FrameError::Malformed { kind };
                let (object, rest) = take_text(body).ok_or_else(malformed)?;
                let (method, rest) = take_text(rest).ok_or_else(malformed)?;
                let (object, method) = (object.to_owned(), method.to_owned());
                Self::Ask { ask: call, object, method, params: text(kind, rest)? }
            }
            kind::BUSY => Self::Busy,
            kind::IDLE => Self::Idle,
            kind => return Err(FrameError::UnknownKind { kind }),
        };
        Ok(Some((message, used)))
    }
}

#[cfg(test)]
#[path = "channel_tests.rs"]
mod tests;
