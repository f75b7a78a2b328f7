//! What fails below as the error of the API: what its reader hears, and what to do about it.

use std::error::Error;

use super::link::LoginError;
use super::store::{OpenError, StoreError};
use hauki_contract::api::node_error::NodeError;
use hauki_contract::api::{ApiError, ErrorCode};

/// With all that stands behind it.
fn told(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    message
}

const LOOK: &str = "see the daemon's log; `hauki doctor` checks the state directory";

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let hint = match &error {
            StoreError::Full { .. } => {
                "make room on that file system, then ask again: this was not written down"
            }
            StoreError::Read { .. } | StoreError::Write { .. } | StoreError::Stopped { .. } => LOOK,
        };
        let retryable = error.may_be_retried();
        Self { retryable, ..Self::new(ErrorCode::Environment, told(&error)).hint(hint) }
    }
}

impl From<OpenError> for ApiError {
    fn from(error: OpenError) -> Self {
        if let OpenError::Use(error) = error {
            return error.into();
        }
        let hint = error.way_back().unwrap_or_else(|| match &error {
            OpenError::Newer { .. } => "it was written by a newer haukid: install that one again".into(),
            _ => LOOK.into(),
        });
        Self::new(ErrorCode::Environment, told(&error)).hint(hint)
    }
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        NodeError::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_others_hold_may_be_asked_again_and_a_full_one_may_not() {
        let place = || "/s/store.db".to_owned();
        let busy =
            |passing| StoreError::Write { place: place(), passing, source: "database is locked".into() };
        let told = ApiError::from(busy(true));
        assert_eq!(told.message, "write to the store /s/store.db: database is locked");
        assert_eq!((told.code, told.retryable), (ErrorCode::Environment, true));
        for lasting in
            [busy(false), StoreError::Full { place: place() }, StoreError::Stopped { place: place() }]
        {
            assert!(!ApiError::from(OpenError::from(lasting)).retryable);
        }
    }
}
