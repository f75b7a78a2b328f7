//! Runner protocol: the channel between `hauki` and the runner of its scripts, `hauki-script`: the frames of
//! [`channel`](super::channel), with other kinds.
//!
//! The runner has the engine and nothing else. What a script wants from the world goes to `hauki` as an
//! efun, a list of texts, and comes back as one text; so everything that a script may do is behind one
//! small door, and a runner that was taken over can do that and no more. The number of a frame is that of
//! the request that it belongs to: `hauki` asks one thing at a time, and the runner speaks only while it is
//! asked. Both ends take the other for hostile, as a gate and a vault do.

use serde::{Deserialize, Serialize};

use super::body::WorkerError;
use super::channel::{FrameError, frame, json, put_json, put_text, split, take_text, text};

/// Where the runner finds its end when it is started: as its standard input, because that is what can be
/// handed over without code between fork and exec. It moves it to the number that the filter knows.
pub const HANDED_OVER: i32 = 0;

/// What the runner ends with when it cannot lock itself down; its standard error says why.
pub const UNLOCKED: i32 = 78;

/// The words of an efun, its name included.
const MOST_WORDS: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToRunner {
    /// Make the engine for programs: at most once, before the first of them.
    Begin(Begin),
    /// Run a program; with `wanted`, tell the value of its last expression under this verb of the prelude.
    Run { source: String, file: String, wanted: Option<String> },
    /// Tell whether a statement only lacks its end.
    Finish { source: String },
    /// Parse a worker's source without running it.
    Check { source: String, file: String },
    /// Tell what the engine gets to see of a worker's source.
    Show { source: String, file: String },
    /// To [`FromRunner::Efun`].
    Answer(EfunAnswer),
    /// End what runs, whatever it does.
    Stop,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    pub heap_bytes: u64,
    /// The longest JSON that an efun may be given.
    pub longest: u64,
    /// Seeds the engine's random numbers.
    pub seed: u64,
    /// Whether compiled sources may come, which need a larger prelude.
    #[serde(default)]
    pub compiled: bool,
}

/// What an efun gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EfunAnswer {
    Nothing,
    Text(String),
    /// Becomes the value that it stands for.
    Json(String),
    /// Is thrown into the script.
    Refusal(String),
    /// There is one, and it is longer than the heap.
    Unfit,
    /// The script is to end.
    Stop,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromRunner {
    /// It runs and has locked itself down. Unasked, and first.
    Ready(RunnerReady),
    Efun(Vec<String>),
    /// What was asked for is done.
    Done(Option<String>),
    /// What was asked for failed in the program or source that it was given.
    Failed(RunFailed),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunnerReady {
    /// Both ends come from one build of the package, so they need no other agreement.
    pub version: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFailed {
    pub error: WorkerError,
    /// The number of the failure behind the door that was thrown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<u64>,
}

mod kind {
    pub(super) const BEGIN: u8 = 0x01;
    pub(super) const RUN: u8 = 0x02;
    pub(super) const FINISH: u8 = 0x03;
    pub(super) const CHECK: u8 = 0x04;
    pub(super) const SHOW: u8 = 0x05;
    pub(super) const NOTHING: u8 = 0x10;
    pub(super) const TEXT: u8 = 0x11;
    pub(super) const JSON: u8 = 0x12;
    pub(super) const REFUSAL: u8 = 0x13;
    pub(super) const UNFIT: u8 = 0x14;
    pub(super) const STOPPED: u8 = 0x15;
    pub(super) const STOP: u8 = 0x16;
    pub(super) const READY: u8 = 0x80;
    pub(super) const EFUN: u8 = 0x81;
    pub(super) const DONE: u8 = 0x82;
    pub(super) const VALUE: u8 = 0x83;
    pub(super) const FAILED: u8 = 0x84;
}

/// A message, the number of its request, and the bytes to drop afterwards.
pub type Decoded<T> = Option<(u64, T, usize)>;

impl ToRunner {
    pub fn encode(&self, out: &mut Vec<u8>, number: u64) {
        let two = |out: &mut Vec<u8>, kind, first: &str, second: &str| {
            frame(out, kind, number, |out| {
                put_text(out, first);
                out.extend_from_slice(second.as_bytes());
            });
        };
        match self {
            Self::Begin(begin) => frame(out, kind::BEGIN, number, |out| put_json(out, begin)),
            Self::Run { source, file, wanted } => frame(out, kind::RUN, number, |out| {
                put_text(out, file);
                put_text(out, wanted.as_deref().unwrap_or_default());
                out.extend_from_slice(source.as_bytes());
            }),
            Self::Finish { source } => plain(out, kind::FINISH, number, source),
            Self::Check { source, file } => two(out, kind::CHECK, file, source),
            Self::Show { source, file } => two(out, kind::SHOW, file, source),
            Self::Answer(answer) => answer.encode(out, number),
            Self::Stop => plain(out, kind::STOP, number, ""),
        }
    }

    /// The first message in `bytes`, or `None` if it is not complete yet.
    pub fn decode(bytes: &[u8], limit: usize) -> Result<Decoded<Self>, FrameError> {
        let Some((kind, number, body, used)) = split(bytes, limit)? else { return Ok(None) };
        let malformed = || FrameError::Malformed { kind };
        let named = || {
            let (file, rest) = take_text(body).ok_or_else(malformed)?;
            Ok((file.to_owned(), rest))
        };
        let message = match kind {
            kind::BEGIN => Self::Begin(json(kind, body)?),
            kind::RUN => {
                let (file, rest) = named()?;
                let (wanted, rest) = take_text(rest).ok_or_else(malformed)?;
                let wanted = (!wanted.is_empty()).then(|| wanted.to_owned());
                Self::Run { source: text(kind, rest)?, file, wanted }
            }
            kind::FINISH => Self::Finish { source: text(kind, body)? },
            kind::CHECK => {
                let (file, rest) = named()?;
                Self::Check { source: text(kind, rest)?, file }
            }
            kind::SHOW => {
                let (file, rest) = named()?;
                Self::Show { source: text(kind, rest)?, file }
            }
            kind::NOTHING => Self::Answer(EfunAnswer::Nothing),
            kind::TEXT => Self::Answer(EfunAnswer::Text(text(kind, body)?)),
            kind::JSON => Self::Answer(EfunAnswer::Json(text(kind, body)?)),
            kind::REFUSAL => Self::Answer(EfunAnswer::Refusal(text(kind, body)?)),
            kind::UNFIT => Self::Answer(EfunAnswer::Unfit),
            kind::STOPPED => Self::Answer(EfunAnswer::Stop),
            kind::STOP => Self::Stop,
            kind => return Err(FrameError::UnknownKind { kind }),
        };
        Ok(Some((number, message, used)))
    }
}

impl EfunAnswer {
    fn encode(&self, out: &mut Vec<u8>, number: u64) {
        let (kind, text) = match self {
            Self::Nothing => (kind::NOTHING, ""),
            Self::Text(text) => (kind::TEXT, text.as_str()),
            Self::Json(text) => (kind::JSON, text.as_str()),
            Self::Refusal(message) => (kind::REFUSAL, message.as_str()),
            Self::Unfit => (kind::UNFIT, ""),
            Self::Stop => (kind::STOPPED, ""),
        };
        plain(out, kind, number, text);
    }
}

fn plain(out: &mut Vec<u8>, kind: u8, number: u64, text: &str) {
    frame(out, kind, number, |out| out.extend_from_slice(text.as_bytes()));
}

/// Writes an efun straight from borrowed words: a script's hot path.
pub fn encode_efun<'a>(out: &mut Vec<u8>, number: u64, words: impl Iterator<Item = &'a str>) {
    frame(out, kind::EFUN, number, |out| words.take(MOST_WORDS).for_each(|word| put_text(out, word)));
}

impl FromRunner {
    pub fn encode(&self, out: &mut Vec<u8>, number: u64) {
        match self {
            Self::Ready(ready) => frame(out, kind::READY, number, |out| put_json(out, ready)),
            Self::Efun(words) => encode_efun(out, number, words.iter().map(String::as_str)),
            Self::Done(None) => plain(out, kind::DONE, number, ""),
            Self::Done(Some(value)) => plain(out, kind::VALUE, number, value),
            Self::Failed(failed) => frame(out, kind::FAILED, number, |out| put_json(out, failed)),
        }
    }

    /// The first message in `bytes`, or `None` if it is not complete yet.
    pub fn decode(bytes: &[u8], limit: usize) -> Result<Decoded<Self>, FrameError> {
        let Some((kind, number, body, used)) = split(bytes, limit)? else { return Ok(None) };
        let message = match kind {
            kind::READY => Self::Ready(json(kind, body)?),
            kind::EFUN => Self::Efun(words(body).ok_or(FrameError::Malformed { kind })?),
            kind::DONE if body.is_empty() => Self::Done(None),
            kind::VALUE => Self::Done(Some(text(kind, body)?)),
            kind::FAILED => Self::Failed(json(kind, body)?),
            kind::DONE => return Err(FrameError::Malformed { kind }),
            kind => return Err(FrameError::UnknownKind { kind }),
        };
        Ok(Some((number, message, used)))
    }
}

fn words(mut body: &[u8]) -> Option<Vec<String>> {
    let mut words = Vec::new();
    while !body.is_empty() {
        let (word, rest) = take_text(body)?;
        words.push(word.to_owned());
        body = rest;
    }
    (1..=MOST_WORDS).contains(&words.len()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::body::WorkerErrorKind;

    const LIMIT: usize = 1 << 20;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn every_message_comes_back_as_it_was_sent() {
        let text = |text: &str| text.to_owned();
        let orders = [
            ToRunner::Begin(Begin { heap_bytes: 1 << 26, longest: 1 << 25, seed: 7, compiled: true }),
            ToRunner::Run { source: text("print(1)"), file: text("ä.js"), wanted: None },
            ToRunner::Run { source: text(""), file: text(""), wanted: Some(text("show")) },
            ToRunner::Finish { source: text("f(") },
            ToRunner::Check { source: text("x"), file: text("x.js") },
            ToRunner::Show { source: text("x"), file: text("x.js") },
            ToRunner::Answer(EfunAnswer::Nothing),
            ToRunner::Answer(EfunAnswer::Text(text("t"))),
            ToRunner::Answer(EfunAnswer::Json(text("[1]"))),
            ToRunner::Answer(EfunAnswer::Refusal(text("no"))),
            ToRunner::Answer(EfunAnswer::Unfit),
            ToRunner::Answer(EfunAnswer::Stop),
            ToRunner::Stop,
        ];
        for order in orders {
            let mut bytes = Vec::new();
            order.encode(&mut bytes, 9);
            let length = bytes.len();
            for cut in 0..length {
                assert!(ToRunner::decode(&bytes[..cut], LIMIT).expect("is no error").is_none());
            }
            assert_eq!(ToRunner::decode(&bytes, LIMIT).expect("decodes"), Some((9, order, length)));
        }
        let error = WorkerError {
            kind: WorkerErrorKind::Syntax,
            message: text("no"),
            file: None,
            line: Some(1),
            column: None,
            stack: None,
        };
        let reports = [
            FromRunner::Ready(RunnerReady { version: text("0.1.0") }),
            FromRunner::Efun(words(&["call", "", "ä"])),
            FromRunner::Done(None),
            FromRunner::Done(Some(text(""))),
            FromRunner::Failed(RunFailed { error, failure: Some(3) }),
        ];
        for report in reports {
            let mut bytes = Vec::new();
            report.encode(&mut bytes, 4);
            let length = bytes.len();
            assert_eq!(FromRunner::decode(&bytes, LIMIT).expect("decodes"), Some((4, report, length)));
        }
    }

    #[test]
    fn what_a_hostile_runner_may_write_is_refused() {
        let framed = |kind: u8, body: &[u8]| {
            let mut bytes = Vec::new();
            frame(&mut bytes, kind, 1, |out| out.extend_from_slice(body));
            FromRunner::decode(&bytes, LIMIT)
        };
        assert!(matches!(framed(kind::RUN, b""), Err(FrameError::UnknownKind { .. })));
        for (kind, body) in [
            (kind::READY, &b"[\"0.1.0\",1]"[..]),
            (kind::READY, b"{\"version\":\"0.1.0\",\"more\":1}"),
            (kind::EFUN, b""),
            (kind::EFUN, b"\xff\xff\xff\xffcall"),
            (kind::EFUN, b"\x01\x00\x00\x00\xff"),
            (kind::EFUN, &[0; 4 * (MOST_WORDS + 1)]),
            (kind::DONE, b"x"),
            (kind::VALUE, b"\xff"),
            (kind::FAILED, b"{}"),
        ] {
            assert!(matches!(framed(kind, body), Err(FrameError::Malformed { .. })), "{kind:#x} {body:?}");
        }
        let long = u32::MAX.to_le_bytes();
        assert!(matches!(FromRunner::decode(&long, LIMIT), Err(FrameError::TooLong { .. })));
        assert!(matches!(FromRunner::decode(&[0; 4], LIMIT), Err(FrameError::Malformed { .. })));
    }
}
