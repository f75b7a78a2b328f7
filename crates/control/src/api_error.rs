//! What fails below as the error of the API: what its reader hears, and what to do about it.

use super::gems::{GemError, SourceError};
use super::link::LoginError;
use super::store::{OpenError, StoreError};
use hauki_contract::api::node_error::NodeError;
use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::causes::told;

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

impl From<SourceError> for ApiError {
    fn from(error: SourceError) -> Self {
        let told = |code| Self::new(code, error.to_string());
        match error {
            SourceError::Empty { .. } => told(ErrorCode::BadSource)
                .hint("a worker has at least one top-level function: function hello() { return 1 }"),
            SourceError::TooLong { .. } => told(ErrorCode::TooLarge),
            SourceError::NotText { .. } => told(ErrorCode::BadSource),
        }
    }
}

impl From<GemError> for ApiError {
    fn from(error: GemError) -> Self {
        let message = told(&error);
        let told = |code| Self::new(code, message);
        match error {
            GemError::Source(error) => error.into(),
            GemError::Kept(error) => error,
            GemError::Manifest { .. } | GemError::NoSuchHash { .. } => told(ErrorCode::BadSource),
            GemError::Read { .. } => told(ErrorCode::BadSource)
                .hint("no symbolic link may lead out of a gem directory, and it must be a regular file"),
            GemError::Changed { .. } => told(ErrorCode::BadSource)
                .hint("the source changed since the pointer was written: review it, then use its hash"),
            GemError::Name { .. } => told(ErrorCode::BadRequest),
            GemError::Missing { near: None, .. } => told(ErrorCode::NotFound),
            GemError::Missing { near: Some(names), .. } if names.is_empty() => {
                told(ErrorCode::NotFound).hint("`hauki gem ls` lists what there is")
            }
            GemError::Missing { near: Some(names), .. } => {
                told(ErrorCode::NotFound).hint(format!("near names: {}", names.join(", ")))
            }
            GemError::Taken { .. } => told(ErrorCode::Conflict)
                .hint("versions are never overwritten: push without a version for the next one"),
            GemError::IsFile { .. } => told(ErrorCode::Conflict).hint("remove the file itself"),
            GemError::Lost(_) => told(ErrorCode::Internal),
        }
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
