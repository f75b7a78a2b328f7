//! Error mapping: what fails below as the error of the API, what its reader hears, and what to do about it.
//!
//! The only place of the control plane where one is made. What stands behind a failure is told along with it.

use std::error::Error;

mod verdicts;

use super::authorization::AuthorizationError;
use super::extract::RequestError;
use super::failure::{
    Failure, KeyError, MemberError, NameError, SpawnError, SpoolError, SummonError, TicketError, VaultError,
};
use super::gems::{GemError, SourceError};
use super::install::InstallError;
use super::ledger::LedgerError;
use super::metrics::MetricsError;
use super::scheduler::PlacementError;
use super::store::{StoreError, StoreOpenError};
use super::user_limits::UserLimitError;
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::{ApiError, ErrorCode as Code};
use hauki_contract::model::error_chain::told;
use hauki_contract::rpc::builtin;
use verdicts::{member, secret};

/// What it is to a client, and what to do about it.
type Verdict = (Code, Option<String>);

fn judged(error: &dyn Error, (code, hint): Verdict) -> ApiError {
    ApiError { hint, ..ApiError::new(code, told(error)) }
}

const ASIDE: &str = "`hauki doctor` lists what was set aside; everything else goes on";

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        let verdict = match &failure {
            Failure::Key(error) => key(error),
            Failure::Summon(error) => summon(error),
            Failure::Ticket(error) => ticket(error),
            Failure::Spawn(error) => spawn(error),
            Failure::Name(error) => name(error),
            Failure::Spool(error) => spool(error),
            Failure::Stopping => (Code::Temporary, hint("try again; `hauki` starts a new one")),
            Failure::Forge(_) | Failure::Carry(_) => (Code::Internal, None),
            Failure::Charge(error) => charge(error),
            Failure::Place(error) => place(error),
            Failure::Vault(error) => vault(error),
            Failure::Member(error) => member(error),
            Failure::Secret(error) => secret(error),
            Failure::Ledger(_) | Failure::Node(_) | Failure::Gem(_) | Failure::Source(_) => {
                (Code::Internal, None)
            }
            Failure::Request(_) | Failure::Clone(_) => (Code::BadRequest, None),
        };
        match failure {
            Failure::Ledger(error) => error.into(),
            Failure::Node(error) => node(error),
            Failure::Gem(error) => error.into(),
            Failure::Source(error) => error.into(),
            Failure::Spool(SpoolError::Dead(told)) | Failure::Member(MemberError::Unsettled(told)) => *told,
            Failure::Vault(VaultError::Dead(receipt)) => Self::vault_dead(*receipt),
            Failure::Member(MemberError::Install(error)) => (*error).into(),
            Failure::Member(MemberError::Of { node, source }) => {
                let error = Self::from(*source);
                Self { message: format!("node {node}: {}", error.message), ..error }
            }
            Failure::Place(PlacementError::Unplanned { scores }) => {
                let told = Self::from(Failure::from(PlacementError::NoRoom { scores: scores.clone() }));
                Self { explanation: scores, ..told }
            }
            failure => judged(&failure, verdict),
        }
    }
}

fn hint(text: impl Into<String>) -> Option<String> {
    Some(text.into())
}

fn charge(error: &UserLimitError) -> Verdict {
    match error {
        UserLimitError::Many { .. } => (Code::BadRequest, None),
        UserLimitError::Waits { .. } => (Code::Temporary, hint("end some of them, or try again")),
    }
}

fn key(error: &KeyError) -> Verdict {
    match error {
        KeyError::Ill => (Code::BadRequest, None),
        KeyError::Reused { .. } => {
            (Code::KeyReused, hint("use a new key for a new request; keys are kept for 24 hours"))
        }
        KeyError::LostRace => {
            (Code::Temporary, hint("send the same request again: it gets the other's answer"))
        }
        KeyError::Digest(_) => (Code::Internal, None),
    }
}

fn summon(error: &SummonError) -> Verdict {
    match error {
        SummonError::Unknown { .. } => {
            (Code::NotFound, hint("summons are kept for 24 hours: summon the worker again"))
        }
        SummonError::Manifest(_) => (Code::BadSource, None),
        SummonError::Labels(_)
        | SummonError::GemLabels(_)
        | SummonError::Limits { .. }
        | SummonError::Secrets { .. } => (Code::BadRequest, None),
        SummonError::Hoard { most_summons, most_mib, .. } => {
            let most = format!(
                "at most {most_summons} and {most_mib} MiB are kept, for 24 hours each or as long as their vaults live"
            );
            (Code::Quota, hint(most))
        }
        SummonError::OverParent { .. } => (Code::Quota, None),
    }
}

fn place(error: &PlacementError) -> Verdict {
    match error {
        PlacementError::NoNode { known, .. } => {
            (Code::NotFound, hint(format!("the nodes are: {}", known.join(", "))))
        }
        PlacementError::Overtaken => (Code::Temporary, hint("send the same request again")),
        PlacementError::NoRoom { .. } | PlacementError::Unplanned { .. } => (
            Code::NoCapacity,
            hint("`hauki node ls` shows the nodes; destruct what is not needed, or ask for less"),
        ),
    }
}

fn ticket(error: &TicketError) -> Verdict {
    match error {
        TicketError::NoMethod { methods, .. } => {
            let granted = builtin::GRANTABLE.join(" and ");
            let has = format!("it has: {}; {granted} can be granted too", methods.join(", "));
            (Code::BadRequest, hint(has))
        }
        TicketError::Names(_) => (Code::BadRequest, hint("a ticket that names none is for all methods")),
        TicketError::Mint(_) => (Code::Internal, None),
        TicketError::Changing { .. } => (Code::Temporary, None),
    }
}

fn spawn(error: &SpawnError) -> Verdict {
    match error {
        SpawnError::DryRun => (Code::BadRequest, hint("summon and provision each have one")),
        SpawnError::Nameless => (Code::BadRequest, None),
        SpawnError::Unopened { .. } | SpawnError::Unminted | SpawnError::NoTicket => (Code::Internal, None),
    }
}

fn vault(error: &VaultError) -> Verdict {
    match error {
        VaultError::Unknown { .. } => {
            (Code::NotFound, hint("`hauki ls --all` lists the living and, for 24 hours, the dead"))
        }
        VaultError::Dead(_) | VaultError::Forgotten { .. } => (Code::VaultDead, None),
        VaultError::Unreadable { .. } => (Code::VaultDead, hint(ASIDE)),
        VaultError::Disputed { .. } => (Code::Environment, None),
        VaultError::Lost { .. } => (Code::Internal, None),
        VaultError::NoRule => (Code::BadRequest, hint("give older_than_ms, idle_ms, node, worker or labels")),
    }
}

fn name(error: &NameError) -> Verdict {
    match error {
        NameError::Taken { name } => {
            let way = format!(
                "`hauki resolve {name}` finds it and get_or_create (--get-or-create) takes it as it is, unless it is \
                 another user's: then take another name"
            );
            (Code::Conflict, hint(way))
        }
        NameError::Foreign { .. } => (Code::Denied, None),
        NameError::Nobody { .. } => {
            (Code::NotFound, hint("`hauki ls` shows the names; `hauki resolve --watch` waits for one"))
        }
        NameError::ChangesHands { .. } => (Code::Temporary, hint("try again")),
    }
}

fn spool(error: &SpoolError) -> Verdict {
    match error {
        SpoolError::Unknown { .. } => {
            (Code::NotFound, hint("`hauki spool ls` lists them; what is done is kept for 24 hours"))
        }
        SpoolError::Priority { .. } => (Code::BadRequest, None),
        SpoolError::Waits { .. } => (Code::NoCapacity, hint("`hauki spool show` tells how it stands")),
        SpoolError::Crowd { most, most_of_one, .. } => {
            (Code::Quota, hint(format!("at most {most} may wait, and {most_of_one} of one owner")))
        }
        SpoolError::Expired(_) => (Code::Timeout, None),
        SpoolError::Dead(_) => (Code::Internal, None),
    }
}

impl From<AuthorizationError> for ApiError {
    fn from(error: AuthorizationError) -> Self {
        let way = "root may; others are listed in daemon.admin_uids of the configuration";
        let way = match &error {
            AuthorizationError::Nobody => None,
            AuthorizationError::Ceiling(_) => {
                hint("net.allow of the daemon's configuration says where workers may fetch from")
            }
            AuthorizationError::Administrators | AuthorizationError::PrivateAddress { .. } => hint(way),
        };
        judged(&error, (Code::Denied, way))
    }
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        let verdict = match &error {
            RequestError::Json(_) => {
                (Code::BadRequest, hint("/openapi.json describes every body; unknown fields are refused"))
            }
            RequestError::Parsing(_) => (Code::Internal, None),
            RequestError::Late => (Code::Timeout, None),
            RequestError::TooLong => (Code::TooLarge, None),
            RequestError::NoEndpoint { .. } => (Code::NotFound, hint("/openapi.json lists the endpoints")),
            RequestError::Method { allowed, .. } => {
                (Code::BadRequest, hint(format!("it takes {}", allowed.join(" and "))))
            }
            RequestError::Extra { .. } => {
                (Code::BadRequest, hint("/openapi.json lists what each endpoint takes"))
            }
            RequestError::ContentType { .. }
            | RequestError::Unread { .. }
            | RequestError::Query { .. }
            | RequestError::Path { .. }
            | RequestError::Id { .. }
            | RequestError::Nodes { .. } => (Code::BadRequest, None),
        };
        judged(&error, verdict)
    }
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
        Self { retryable, ..Self::new(Code::Environment, told(&error)).hint(hint) }
    }
}

impl From<StoreOpenError> for ApiError {
    fn from(error: StoreOpenError) -> Self {
        if let StoreOpenError::Use(error) = error {
            return error.into();
        }
        let (hint, retryable) = (error.way_back().unwrap_or_else(|| LOOK.into()), error.may_be_retried());
        Self { retryable, ..Self::new(Code::Environment, told(&error)).hint(hint) }
    }
}

impl From<SourceError> for ApiError {
    fn from(error: SourceError) -> Self {
        let verdict = match &error {
            SourceError::Empty { .. } => (
                Code::BadSource,
                hint("a worker has at least one top-level function: function hello() { return 1 }"),
            ),
            SourceError::TooLong { .. } => (Code::TooLarge, None),
            SourceError::NotText { .. } => (Code::BadSource, None),
        };
        judged(&error, verdict)
    }
}

impl From<GemError> for ApiError {
    fn from(error: GemError) -> Self {
        let message = told(&error);
        let told = |code| Self::new(code, message);
        match error {
            GemError::Source(error) => error.into(),
            GemError::Kept(error) => error.into(),
            GemError::Manifest { .. } | GemError::Document { .. } | GemError::NoSuchHash { .. } => {
                told(Code::BadSource)
            }
            GemError::Read { .. } => told(Code::BadSource)
                .hint("no symbolic link may lead out of a gem directory, and it must be a regular file"),
            GemError::Changed { .. } => told(Code::BadSource)
                .hint("the source changed since the pointer was written: review it, then use its hash"),
            GemError::Name(_) | GemError::NoVersionLeft { .. } | GemError::Push(_) => told(Code::BadRequest),
            GemError::Missing { near: None, .. } => told(Code::NotFound),
            GemError::Missing { near: Some(names), .. } if names.is_empty() => {
                told(Code::NotFound).hint("`hauki gem ls` lists what there is")
            }
            GemError::Missing { near: Some(names), .. } => {
                told(Code::NotFound).hint(format!("near names: {}", names.join(", ")))
            }
            GemError::Taken { .. } => told(Code::Conflict)
                .hint("versions are never overwritten: push without a version for the next one"),
            GemError::IsFile { .. } => told(Code::Conflict).hint("remove the file itself"),
            GemError::Lost(_) => told(Code::Internal),
        }
    }
}

fn node(error: NodeError) -> ApiError {
    let NodeError { fault, message, hint } = error;
    let told = ApiError { hint, ..ApiError::new(fault.code(), message) };
    match fault {
        NodeFault::Dead(receipt) => ApiError { receipt: Some(receipt), ..told },
        NodeFault::BadSource(worker) | NodeFault::WorkerFailed(worker) => ApiError { worker, ..told },
        _ => told,
    }
}

impl From<InstallError> for ApiError {
    fn from(error: InstallError) -> Self {
        let code = match &error {
            InstallError::Session { .. } | InstallError::Overstep { .. } => Code::Temporary,
            InstallError::OtherName { .. } | InstallError::Busy { .. } => Code::Conflict,
            _ => Code::Environment,
        };
        match error {
            InstallError::Login(error) => node(error.into()),
            error => judged(&error, (code, error.advice())),
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
            LedgerError::Store(_) => (Code::Environment, None),
            LedgerError::Encode(_)
            | LedgerError::Foreign { .. }
            | LedgerError::NoTomb { .. }
            | LedgerError::Unasked { .. } => (Code::Internal, None),
            LedgerError::Damaged { .. } => (Code::Environment, hint(ASIDE)),
            LedgerError::Phase(_) => (Code::Conflict, None),
            LedgerError::Spent { .. } => (Code::Quota, hint("it is given at summon: --spawn N")),
            LedgerError::TooDeep => (Code::Quota, None),
            LedgerError::NoParent { .. } => (Code::Denied, None),
            LedgerError::Elsewhere { .. } | LedgerError::GivenUp { .. } => {
                (Code::Temporary, hint("send the same request again"))
            }
        };
        judged(&error, verdict)
    }
}

impl From<MetricsError> for ApiError {
    fn from(error: MetricsError) -> Self {
        match error {
            MetricsError::Records(error) => error.into(),
            error @ MetricsError::Write(_) => judged(&error, (Code::Internal, None)),
        }
    }
}

#[cfg(test)]
#[path = "api_error_tests.rs"]
mod tests;
