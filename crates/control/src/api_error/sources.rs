//! Error mapping, of sources: what failed below the phases, as the error of the API: the store, the ledger, gems, the
//! way to a machine.

use super::{ASIDE, hint, judged};
use crate::gems::{GemError, SourceError};
use crate::install::InstallError;
use crate::ledger::LedgerError;
use crate::link::LoginError;
use crate::metrics::MetricsError;
use crate::store::{StoreError, StoreOpenError};
use hauki_contract::api::node_error::NodeError;
use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::error_chain::told;

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

impl From<StoreOpenError> for ApiError {
    fn from(error: StoreOpenError) -> Self {
        if let StoreOpenError::Use(error) = error {
            return error.into();
        }
        let (hint, retryable) = (error.way_back().unwrap_or_else(|| LOOK.into()), error.may_be_retried());
        Self { retryable, ..Self::new(ErrorCode::Environment, told(&error)).hint(hint) }
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
            GemError::Kept(error) => error.into(),
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

impl From<InstallError> for ApiError {
    fn from(error: InstallError) -> Self {
        let hint = match &error {
            InstallError::Login(_) => None,
            InstallError::Session { .. } | InstallError::Overstep { .. } => {
                Some("add it again: what is done stays done".into())
            }
            InstallError::Command { .. } => Some("mend that on the node, then add it again".into()),
            InstallError::NotRoot => Some("log in as root, or let the user `sudo` without a password".into()),
            InstallError::Architecture { .. } => Some("nodes must be of the core's architecture".into()),
            InstallError::NoVpn => {
                Some("set up WireGuard there, or name the address with --data-plane".into())
            }
            InstallError::SeveralVpns { .. } => Some("choose one with --data-plane".into()),
            InstallError::OtherName { .. } => Some("use that name, or remove that node first".into()),
            InstallError::Unfit { hint, .. } => hint.clone(),
            InstallError::Own { .. } | InstallError::Identity(_) => Some("look at the core's machine".into()),
            InstallError::Sftp { .. } => {
                Some("sshd_config there needs `Subsystem sftp internal-sftp`".into())
            }
            InstallError::Copy { .. } => Some("is the disk there full? make room, then add it again".into()),
            InstallError::Busy { .. } => Some("`hauki node upgrade` drains it first".into()),
            InstallError::Start { .. } => Some("its log on the node tells more".into()),
        };
        let code = match &error {
            InstallError::Session { .. } | InstallError::Overstep { .. } => ErrorCode::Temporary,
            InstallError::OtherName { .. } | InstallError::Busy { .. } => ErrorCode::Conflict,
            _ => ErrorCode::Environment,
        };
        match error {
            InstallError::Login(error) => error.into(),
            error => Self { hint, ..Self::new(code, told(&error)) },
        }
    }
}

impl From<LedgerError> for ApiError {
    fn from(error: LedgerError) -> Self {
        let error = match error {
            LedgerError::Store(error) => return error.into(),
            error => error,
        };
        let verdict = match &error {
            LedgerError::Store(_) => (ErrorCode::Environment, None),
            LedgerError::Encode(_)
            | LedgerError::Foreign { .. }
            | LedgerError::NoTomb { .. }
            | LedgerError::Unasked { .. } => (ErrorCode::Internal, None),
            LedgerError::Damaged { .. } => (ErrorCode::Environment, hint(ASIDE)),
            LedgerError::Phase(_) => (ErrorCode::Conflict, None),
            LedgerError::Spent { .. } => (ErrorCode::Quota, hint("it is given at summon: --spawn N")),
            LedgerError::TooDeep => (ErrorCode::Quota, None),
            LedgerError::NoParent { .. } => (ErrorCode::Denied, None),
            LedgerError::Elsewhere { .. } | LedgerError::GivenUp { .. } => {
                (ErrorCode::Temporary, hint("send the same request again"))
            }
        };
        judged(&error, verdict)
    }
}

impl From<MetricsError> for ApiError {
    fn from(error: MetricsError) -> Self {
        match error {
            MetricsError::Records(error) => error.into(),
            error @ MetricsError::Write(_) => judged(&error, (ErrorCode::Internal, None)),
        }
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
        assert_eq!((told.code, told.retryable), (ErrorCode::Environment.into(), true));
        for lasting in
            [busy(false), StoreError::Full { place: place() }, StoreError::Stopped { place: place() }]
        {
            assert!(!ApiError::from(StoreOpenError::from(lasting)).retryable);
        }
    }
}
