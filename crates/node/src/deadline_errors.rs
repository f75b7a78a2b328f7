//! Deadline errors: what a caller is told whose call was late, what is known of it, and no more.

use super::calls::CallWaiter;
use super::gate::replies::ReplyTo;
use hauki_contract::rpc::message::{RpcError, code};

/// What ran, or may have. Its answer may have been there, where the vault was not read.
pub(crate) fn too_late(reply: ReplyTo, deadline_ms: u32, unread_us: u64) {
    let error = match unread_us / 1000 {
        0 => RpcError::new(code::DEADLINE, format!("the call did not end within {deadline_ms} ms")),
        unread_ms => {
            let message = format!(
                "no answer was read within {deadline_ms} ms: for {unread_ms} ms of them the vault was not read, since it \
                 prints or emits more than its processor limit pays for"
            );
            RpcError::new(code::DEADLINE, message).data(&serde_json::json!({ "unread_ms": unread_ms }))
        }
    };
    reply.error(&error);
}

/// What the vault never got.
pub(crate) fn not_begun(CallWaiter { reply, deadline_ms, .. }: CallWaiter) {
    let message = format!("the call waited for its turn for {deadline_ms} ms and was not begun");
    reply.error(&RpcError::new(code::DEADLINE, message).data(&serde_json::json!({ "begun": false })));
}
