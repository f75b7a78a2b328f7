//! Offers of a caller: its objects come into the vault, its answers to the worker's calls too, and both go with it.

use std::sync::{Arc, PoisonError};

use super::callbacks::OfferRefused;
use super::method_params::required;
use super::rate_limit::MessageCount;
use super::replies::ReplyTo;
use super::session::GateSession;
use hauki_contract::rpc::callback::{CallbackAnswer, Offer, OfferResult, TOOLS, write_reference};
use hauki_contract::rpc::message::{RpcError, code};
use hauki_contract::strict;

impl From<OfferRefused> for RpcError {
    fn from(refused: OfferRefused) -> Self {
        let code = match refused {
            OfferRefused::Odd(_) => code::INVALID_PARAMS,
            OfferRefused::Many | OfferRefused::Long => code::BUSY,
        };
        Self::new(code, refused.to_string())
    }
}

impl GateSession {
    /// What `previous_object()` shows at the moment.
    pub(super) fn caller(&self) -> Arc<str> {
        Arc::clone(&self.caller.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn offer(&self, params: Option<&str>, reply: ReplyTo) {
        let none =
            || RpcError::new(code::INVALID_PARAMS, "invalid parameters: {\"name\": …, \"methods\": […]}");
        let offered = params.ok_or_else(none).and_then(required::<Offer>).and_then(|offer| {
            let word = self.gate.vault.reach.new_word();
            let reference = write_reference(&word, &offer);
            // Both under one lock, so that they agree whoever else offers on this connection meanwhile.
            let mut caller = self.caller.lock().unwrap_or_else(PoisonError::into_inner);
            let before = self.callbacks.replace(&offer, &word)?;
            let reach = &self.gate.vault.reach;
            before.into_iter().for_each(|word| reach.forget(&word));
            let reference = (!offer.methods.is_empty()).then_some(reference);
            if reference.is_some() {
                reach.offered(word, &offer.name, &self.callbacks);
            }
            if offer.name == TOOLS {
                *caller = shown(&caller, reference.as_deref());
            }
            let object = reference.map(|text| strict::raw(&text).map(ToOwned::to_owned)).transpose();
            let object = object.map_err(|error| RpcError::new(code::INTERNAL, error.to_string()))?;
            Ok(OfferResult { object })
        });
        match offered {
            Ok(offered) => reply.serialize(&offered),
            Err(error) => reply.error(&error),
        }
    }

    /// Whether a line is the answer to a call of the worker's, which waits for it or did.
    pub(super) fn answered(&self, line: &[u8], words: &mut MessageCount) -> bool {
        let Some(answer) = CallbackAnswer::read(line) else { return false };
        words.word();
        if self.callbacks.answered(answer) {
            words.asked();
        }
        true
    }

    pub(super) fn takes_leave(&self) {
        if self.callbacks.are_known() {
            self.callbacks.close().iter().for_each(|word| self.gate.vault.reach.forget(word));
        }
    }
}

/// A caller as it is shown, with these tools instead of those that it had.
fn shown(caller: &str, tools: Option<&str>) -> Arc<str> {
    const MEMBER: &str = ",\"tools\":";
    // It is the last member, and in no other is there a quote that is not escaped.
    let bare = caller.find(MEMBER).map_or(&caller[..caller.len() - 1], |at| &caller[..at]);
    match tools {
        Some(tools) => format!("{bare}{MEMBER}{tools}}}").into(),
        None => format!("{bare}}}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_take_the_place_of_those_before_whatever_the_caller_is_called() {
        let caller = serde_json::json!({"label": ",\"tools\":{", "rights": ["a"]}).to_string();
        let with = shown(&caller, Some("{\"methods\":[]}"));
        let seen: serde_json::Value = serde_json::from_str(&with).expect("is JSON");
        assert_eq!(seen["label"], ",\"tools\":{");
        assert!(seen["tools"]["methods"].is_array());
        let again = shown(&with, Some("1"));
        assert_eq!(&*shown(&again, None), caller);
    }
}
