//! Offered objects: what callers of a vault offer to its worker, under words of this vault.
//!
//! The caller's connection owns what it offers, and here is only the way there: it ends with the connection. An offered
//! object is no ticket, so it never leaves the vault.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use super::{Outbound, OutboundError};
use crate::gate::callbacks::{CallbackFailure, CallbackTable};
use hauki_contract::rpc::callback::WORD_PREFIX;
use hauki_contract::system::random;

/// One object of a caller.
#[derive(Clone)]
pub(super) struct OfferedObject {
    name: Arc<str>,
    table: Weak<CallbackTable>,
}

/// Whether a word is of this kind, whether or not there is such an object.
pub(super) fn is_word(word: &str) -> bool {
    word.starts_with(WORD_PREFIX)
}

impl Outbound {
    /// A word that nobody can guess.
    pub(crate) fn new_word(&self) -> Box<str> {
        format!("{WORD_PREFIX}{:032x}", random::u128()).into()
    }

    /// A caller offers an object under this word.
    pub(crate) fn offered(&self, word: Box<str>, name: &str, table: &Arc<CallbackTable>) {
        let mut book = self.book();
        if !book.closed {
            book.offered.insert(word, OfferedObject { name: name.into(), table: Arc::downgrade(table) });
            // What the vault says is looked at for it from now on.
            self.any.store(true, Ordering::Relaxed);
        }
    }

    /// It offers it no more.
    pub(crate) fn forget(&self, word: &str) {
        self.book().offered.remove(word);
    }

    /// Calls an offered object. `params` is JSON text.
    pub(super) async fn call_offered(
        &self,
        word: &str,
        method: &str,
        params: &str,
        deadline_ms: u32,
    ) -> Result<String, OutboundError> {
        let offered = self.book().offered.get(word).cloned();
        let table = offered.as_ref().and_then(|offered| offered.table.upgrade());
        let (Some(OfferedObject { name, .. }), Some(table)) = (offered, table) else {
            return Err(CallbackFailure::Gone.into());
        };
        let params = self.put_back(params)?;
        let said = table.ask((&name, word), method, &params, deadline_ms).await?;
        let limit = self.caller.max_frame_bytes;
        if said.len() > limit {
            return Err(OutboundError::Long(limit));
        }
        Ok(self.take_in(&said, false)?.into_owned())
    }
}
