//! Provenance of compiled text: what a caller's compiler made it of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::invalid_request::InvalidRequest;
use crate::model::digest::Sha256;
use crate::rpc::compile::Language;

pub(super) const MOST_VERSION: usize = 32;

/// What the source was before it was compiled, in the words of whoever compiled it: nobody else has seen it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Compilation {
    /// In which its author wrote.
    pub language: Language,
    /// The version of `hauki-compile`.
    #[schemars(regex(pattern = r"^[!-~]{1,32}$"))]
    pub compiler: String,
    /// The SHA-256 of its author's text; that of the worker is the compiled text's.
    pub source_sha256: Sha256,
    /// The length of its author's text.
    pub source_bytes: u64,
}

impl Compilation {
    pub fn check(&self) -> Result<(), InvalidRequest> {
        let is_word = self.compiler.bytes().all(|byte| byte.is_ascii_graphic());
        if (1..=MOST_VERSION).contains(&self.compiler.len()) && is_word {
            return Ok(());
        }
        Err(InvalidRequest::CompilerVersion)
    }
}
