//! Request buffers: requests to a vault, as they pass by and as they are kept until their turn.
//!
//! The queue and the channel have one order, so both are written under one lock, which all callers of the vault and the
//! shard wait for. What is long is therefore copied before: into the frame that it will be, which then changes hands.

use super::channel::{FrameCharge, VaultChannel};
use hauki_contract::rpc::channel;

/// Longer than this: a copy takes longer than all else that is done under the lock.
const LONG: usize = 64 * 1024;

/// What a connection asks of the vault.
#[derive(Debug, Clone, Copy)]
pub enum BorrowedRequest<'a> {
    Call { method: &'a str, caller: &'a str, params: Option<&'a str> },
    Stats,
}

/// The same while it waits.
pub enum QueuedRequest {
    Call {
        method: Box<str>,
        caller: Box<str>,
        params: Option<Box<str>>,
    },
    Stats,
    /// A long call, without its number and its time, and who pays for it once it is in the channel.
    Frame(Vec<u8>, Box<dyn FrameCharge>),
}

/// Either, on its way to the vault.
pub enum VaultRequest<'a> {
    Passing(BorrowedRequest<'a>),
    Kept(QueuedRequest),
}

impl<'a> BorrowedRequest<'a> {
    /// To be taken under a lock, which copies nothing long any more.
    #[must_use]
    pub fn order(self, charge: impl FnOnce() -> Box<dyn FrameCharge>) -> VaultRequest<'a> {
        match self {
            Self::Call { method, caller, params } if self.bytes() > LONG => {
                let mut frame = Vec::with_capacity(self.bytes() + channel::OVERHEAD);
                channel::encode_call(&mut frame, 0, 0, method, caller, params);
                VaultRequest::Kept(QueuedRequest::Frame(frame, charge()))
            }
            Self::Call { .. } | Self::Stats => VaultRequest::Passing(self),
        }
    }

    fn keep(self) -> QueuedRequest {
        match self {
            Self::Call { method, caller, params } => QueuedRequest::Call {
                method: method.into(),
                caller: caller.into(),
                params: params.map(Into::into),
            },
            Self::Stats => QueuedRequest::Stats,
        }
    }

    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Call { method, caller, params } => method.len() + caller.len() + params.map_or(0, str::len),
            Self::Stats => 0,
        }
    }

    fn write(self, pipe: &VaultChannel, call: u64, left_ms: u32) {
        pipe.push(|out| match self {
            Self::Call { method, caller, params } => {
                channel::encode_call(out, call, left_ms, method, caller, params);
            }
            Self::Stats => channel::ToVault::Stats { call }.encode(out),
        });
    }
}

impl QueuedRequest {
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Call { method, caller, params } => {
                method.len() + caller.len() + params.as_deref().map_or(0, str::len)
            }
            Self::Stats => 0,
            Self::Frame(frame, _) => frame.len(),
        }
    }
}

impl VaultRequest<'_> {
    #[must_use]
    pub fn keep(self) -> QueuedRequest {
        match self {
            Self::Passing(asked) => asked.keep(),
            Self::Kept(kept) => kept,
        }
    }

    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Passing(asked) => asked.bytes(),
            Self::Kept(kept) => kept.bytes(),
        }
    }

    /// Into the channel, as a call of that number which has so much time left.
    pub fn hand(self, pipe: &VaultChannel, call: u64, left_ms: u32) {
        match self {
            Self::Passing(asked) => asked.write(pipe, call, left_ms),
            Self::Kept(QueuedRequest::Call { method, caller, params }) => {
                let params = params.as_deref();
                BorrowedRequest::Call { method: &method, caller: &caller, params }.write(pipe, call, left_ms);
            }
            Self::Kept(QueuedRequest::Stats) => BorrowedRequest::Stats.write(pipe, call, left_ms),
            Self::Kept(QueuedRequest::Frame(mut frame, charge)) => {
                channel::number_call(&mut frame, call, left_ms);
                pipe.push_whole(frame, charge);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl FrameCharge for Nobody {
        fn keep(&mut self, _: usize) {}
    }

    fn nobody() -> Box<dyn FrameCharge> {
        Box::new(Nobody)
    }

    #[test]
    fn a_long_call_is_the_frame_that_it_would_have_been() {
        let params = format!("[\"{}\"]", "x".repeat(LONG));
        let asked = BorrowedRequest::Call { method: "put", caller: "{}", params: Some(&params) };
        let VaultRequest::Kept(QueuedRequest::Frame(mut frame, _)) = asked.order(nobody) else {
            panic!("it is long")
        };
        channel::number_call(&mut frame, 7, 250);
        let mut meant = Vec::new();
        channel::encode_call(&mut meant, 7, 250, "put", "{}", Some(&params));
        assert!(frame == meant);
        let short = BorrowedRequest::Call { params: Some("[]"), method: "put", caller: "{}" };
        assert!(
            matches!(short.order(nobody), VaultRequest::Passing(_))
                && matches!(BorrowedRequest::Stats.order(nobody), VaultRequest::Passing(_))
        );
    }
}
