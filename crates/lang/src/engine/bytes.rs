//! Byte builtins: the efuns for bytes, which are the same on both sides and need nobody.

use super::base64;
use super::host_call::{Argument, EfunValue, Want};

pub(super) fn wants(efun: &str) -> Option<Want> {
    match efun {
        "base64_decode" => Some(Want::Text),
        "base64_encode" | "utf8_encode" | "utf8_decode" => Some(Want::Bytes),
        _ => None,
    }
}

pub(super) fn answer(efun: &str, argument: &Argument) -> Result<EfunValue, String> {
    let bytes = argument.bytes();
    Ok(match efun {
        "base64_decode" => EfunValue::Bytes(base64::decode(argument.text())?),
        "base64_encode" => EfunValue::Text(base64::encode(bytes)),
        "utf8_encode" => EfunValue::Bytes(bytes.to_vec()),
        _ => EfunValue::Text(String::from_utf8_lossy(bytes).into_owned()),
    })
}
