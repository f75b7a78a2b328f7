//! Compiler protocol: the channel between `hauki` and its compiler, `hauki-compile`: the frames of
//! [`channel`](super::channel), with other kinds.
//!
//! The compiler reads text that others wrote with a parser of a hundred thousand lines, so it has the channel and
//! nothing else, as the runner of scripts has. It is asked one thing at a time and answers each once; before it does it may
//! ask for what the source imports, one module after the other. Both ends take the other for hostile.

use serde::{Deserialize, Serialize};

use super::channel::{FrameError, frame, json, put_json, put_text, split, take_text, text};
use super::script::{Decoded, RunnerReady};

/// The most faults of one source that are told.
pub const MOST_FAULTS: usize = 64;

/// What a source is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "documents", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Language {
    #[default]
    #[serde(rename = "js")]
    JavaScript,
    #[serde(rename = "ts")]
    TypeScript,
}

impl Language {
    /// With which files end that are written in it.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::JavaScript => "js",
            Self::TypeScript => "ts",
        }
    }
}

/// What a source is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// A worker: its exports are its methods, or its functions where it exports nothing.
    #[default]
    Worker,
    /// A program, whose last statement has a value.
    Program,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToCompiler {
    Compile {
        source: String,
        order: CompileOrder,
    },
    /// What was imported.
    Module {
        head: ModuleHead,
        text: String,
    },
    /// Why nothing was.
    NoModule(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleHead {
    /// What errors call it; one name for each file.
    pub name: String,
    pub kind: ModuleKind,
}

/// What a module is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModuleKind {
    #[serde(rename = "js")]
    JavaScript,
    #[serde(rename = "ts")]
    TypeScript,
    Json,
}

/// What a module of this name imports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportWish {
    pub from: String,
    pub specifier: String,
}

/// How a source is to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompileOrder {
    /// What errors call it.
    pub file: String,
    pub language: Language,
    pub purpose: Purpose,
    /// Whether what it imports can be asked for.
    #[serde(default)]
    pub imports: bool,
    /// Whether the worker will have `fetch`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fetch: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromCompiler {
    /// It runs and has locked itself down. Unasked, and first.
    Ready(RunnerReady),
    /// Answered by [`ToCompiler::Module`] or [`ToCompiler::NoModule`].
    Import(ImportWish),
    /// What the engine takes, and what the author may want to know.
    Compiled { text: String, warnings: Vec<SourceFault> },
    /// All that is wrong with the source, in its order; at least one, at most [`MOST_FAULTS`].
    Refused(Vec<SourceFault>),
}

/// A fault of a source, with its place in the author's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFault {
    pub message: String,
    /// What to write instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// Counted from 1, in characters as the engine counts them.
    pub line: u32,
    pub column: u32,
}

mod kind {
    pub(super) const COMPILE: u8 = 0x01;
    pub(super) const MODULE: u8 = 0x02;
    pub(super) const NO_MODULE: u8 = 0x03;
    pub(super) const READY: u8 = 0x80;
    pub(super) const COMPILED: u8 = 0x81;
    pub(super) const REFUSED: u8 = 0x82;
    pub(super) const IMPORT: u8 = 0x83;
}

/// The head of a frame whose long text follows it.
fn headed(out: &mut Vec<u8>, kind: u8, number: u64, head: &impl Serialize, rest: &str) {
    frame(out, kind, number, |out| {
        let mut bytes = Vec::new();
        put_json(&mut bytes, head);
        put_text(out, &String::from_utf8_lossy(&bytes));
        out.extend_from_slice(rest.as_bytes());
    });
}

impl ToCompiler {
    pub fn encode(&self, out: &mut Vec<u8>, number: u64) {
        match self {
            Self::Compile { source, order } => headed(out, kind::COMPILE, number, order, source),
            Self::Module { head, text } => headed(out, kind::MODULE, number, head, text),
            Self::NoModule(why) => frame(out, kind::NO_MODULE, number, |out| put_json(out, why)),
        }
    }

    /// The first message in `bytes`, or `None` if it is not complete yet.
    pub fn decode(bytes: &[u8], limit: usize) -> Result<Decoded<Self>, FrameError> {
        let Some((kind, number, body, used)) = split(bytes, limit)? else { return Ok(None) };
        let message = match kind {
            kind::COMPILE => {
                let (head, rest) = take_text(body).ok_or(FrameError::Malformed { kind })?;
                Self::Compile { order: json(kind, head.as_bytes())?, source: text(kind, rest)? }
            }
            kind::MODULE => {
                let (head, rest) = take_text(body).ok_or(FrameError::Malformed { kind })?;
                Self::Module { head: json(kind, head.as_bytes())?, text: text(kind, rest)? }
            }
            kind::NO_MODULE => Self::NoModule(json(kind, body)?),
            kind => return Err(FrameError::UnknownKind { kind }),
        };
        Ok(Some((number, message, used)))
    }
}

impl FromCompiler {
    pub fn encode(&self, out: &mut Vec<u8>, number: u64) {
        match self {
            Self::Ready(ready) => frame(out, kind::READY, number, |out| put_json(out, ready)),
            Self::Import(wish) => frame(out, kind::IMPORT, number, |out| put_json(out, wish)),
            Self::Compiled { text, warnings } => headed(out, kind::COMPILED, number, warnings, text),
            Self::Refused(faults) => frame(out, kind::REFUSED, number, |out| put_json(out, faults)),
        }
    }

    /// The first message in `bytes`, or `None` if it is not complete yet.
    pub fn decode(bytes: &[u8], limit: usize) -> Result<Decoded<Self>, FrameError> {
        let Some((kind, number, body, used)) = split(bytes, limit)? else { return Ok(None) };
        let malformed = || FrameError::Malformed { kind };
        let message = match kind {
            kind::READY => Self::Ready(json(kind, body)?),
            kind::IMPORT => Self::Import(json(kind, body)?),
            kind::COMPILED => {
                let (head, rest) = take_text(body).ok_or_else(malformed)?;
                let warnings: Vec<SourceFault> = json(kind, head.as_bytes())?;
                if warnings.len() > MOST_FAULTS {
                    return Err(malformed());
                }
                Self::Compiled { text: text(kind, rest)?, warnings }
            }
            kind::REFUSED => {
                let faults: Vec<SourceFault> = json(kind, body)?;
                if faults.is_empty() || faults.len() > MOST_FAULTS {
                    return Err(malformed());
                }
                Self::Refused(faults)
            }
            kind => return Err(FrameError::UnknownKind { kind }),
        };
        Ok(Some((number, message, used)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 1 << 20;

    fn fault(message: &str, instead: Option<&str>) -> SourceFault {
        SourceFault { message: message.into(), instead: instead.map(str::to_owned), line: 2, column: 3 }
    }

    #[test]
    fn every_message_comes_back_as_it_was_sent() {
        let order = CompileOrder {
            file: "ä.ts".into(),
            language: Language::TypeScript,
            purpose: Purpose::Program,
            imports: true,
            fetch: true,
        };
        let head = ModuleHead { name: "ä.json".into(), kind: ModuleKind::Json };
        let compile = |source: &str| ToCompiler::Compile { source: source.into(), order: order.clone() };
        for message in [
            compile(""),
            compile("const ä = `${1}`;\n"),
            ToCompiler::Module { head, text: "{}".into() },
            ToCompiler::NoModule("ä".into()),
        ] {
            let mut bytes = Vec::new();
            message.encode(&mut bytes, 9);
            let length = bytes.len();
            for cut in 0..length {
                assert!(ToCompiler::decode(&bytes[..cut], LIMIT).expect("is no error").is_none());
            }
            assert_eq!(ToCompiler::decode(&bytes, LIMIT).expect("decodes"), Some((9, message, length)));
        }
        let reports = [
            FromCompiler::Ready(RunnerReady { version: "0.2.0".into() }),
            FromCompiler::Import(ImportWish { from: "a".into(), specifier: "./ä".into() }),
            FromCompiler::Compiled { text: "var ä;".into(), warnings: vec![] },
            FromCompiler::Compiled { text: String::new(), warnings: vec![fault("hides `Map`", None)] },
            FromCompiler::Refused(vec![fault("a", Some("b")), fault("c", None)]),
        ];
        for report in reports {
            let mut bytes = Vec::new();
            report.encode(&mut bytes, 4);
            let length = bytes.len();
            assert_eq!(FromCompiler::decode(&bytes, LIMIT).expect("decodes"), Some((4, report, length)));
        }
    }

    #[test]
    fn what_a_hostile_compiler_may_write_is_refused() {
        let framed = |kind: u8, body: &[u8]| {
            let mut bytes = Vec::new();
            frame(&mut bytes, kind, 1, |out| out.extend_from_slice(body));
            FromCompiler::decode(&bytes, LIMIT)
        };
        assert!(matches!(framed(kind::COMPILE, b""), Err(FrameError::UnknownKind { .. })));
        let many = serde_json::to_vec(&vec![fault("x", None); MOST_FAULTS + 1]).expect("is JSON");
        for (kind, body) in [
            (kind::READY, &b"{\"version\":\"0.1.0\",\"more\":1}"[..]),
            (kind::COMPILED, b""),
            (kind::COMPILED, b"\x02\x00\x00\x00[]\xff"),
            (kind::COMPILED, b"\x02\x00\x00\x00{}"),
            (kind::COMPILED, b"\xff\xff\xff\xff[]"),
            (kind::REFUSED, b"[]"),
            (kind::REFUSED, b"[{\"message\":\"x\"}]"),
            (kind::REFUSED, &many),
        ] {
            assert!(matches!(framed(kind, body), Err(FrameError::Malformed { .. })), "{kind:#x}");
        }
    }
}
