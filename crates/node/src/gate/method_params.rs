//! Parameters of reserved methods: how they are read, and what is said of those that cannot be.

use std::borrow::Cow;

use serde::Deserialize;

use hauki_contract::rpc::builtin::FIELDS;
use hauki_contract::rpc::message::{RpcError, code};
use hauki_contract::strict;

/// How much of a name or a list an error repeats: the caller wrote the one, the worker's author the
/// other, and either may fill a frame.
const QUOTED: usize = 256;

pub(super) fn quoted(text: &str) -> Cow<'_, str> {
    if text.len() <= QUOTED {
        return text.into();
    }
    format!("{}…", &text[..text.floor_char_boundary(QUOTED)]).into()
}

pub(super) fn optional<'a, T: Deserialize<'a> + Default>(params: Option<&'a str>) -> Result<T, RpcError> {
    match params {
        // Many libraries write no parameters like this.
        Some(params) if strict::from_str::<[(); 0]>(params, FIELDS).is_err() => required(params),
        _ => Ok(T::default()),
    }
}

pub(super) fn required<'a, T: Deserialize<'a>>(params: &'a str) -> Result<T, RpcError> {
    strict::from_str(params, FIELDS)
        .map_err(|error| RpcError::new(code::INVALID_PARAMS, format!("invalid parameters: {error}")))
}

pub(super) fn no_id() -> RpcError {
    RpcError::new(code::INVALID_PARAMS, "invalid parameters: {\"id\": …} says which request is given up")
}
