//! Error mapping: what fails below as the error of the API, what its reader hears, and what to do about it.
//!
//! The only place of the control plane where one is made. What stands behind a failure is told along with it.

use std::error::Error;

use super::authorization::AuthorizationError;
use super::extract::RequestError;
use super::failure::{
    Failure, ForgeError, KeyError, MemberError, NameError, SpawnError, SpoolError, SummonError, TicketError,
    VaultError,
};
use super::scheduler::PlacementError;
use super::user_limits::UserLimitError;
use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::error_chain::told;
use hauki_contract::rpc::builtin;

mod sources;

/// What it is to a client, and what to do about it.
type Verdict = (ErrorCode, Option<String>);

fn judged(error: &dyn Error, (code, hint): Verdict) -> ApiError {
    ApiError { hint, ..ApiError::new(code, told(error)) }
}

const ASIDE: &str = "`hauki doctor` lists what was set aside; everything else goes on";

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        let verdict = match &failure {
            Failure::Key(error) => key(error),
            Failure::Summon(error) => summon(error),
            Failure::Forge(error) => forge(error),
            Failure::Ticket(error) => ticket(error),
            Failure::Spawn(error) => spawn(error),
            Failure::Name(error) => name(error),
            Failure::Spool(error) => spool(error),
            Failure::Stopping => (ErrorCode::Temporary, hint("try again; `hauki` starts a new one")),
            Failure::Carry(_) => (ErrorCode::Internal, None),
            Failure::Charge(error) => charge(error),
            Failure::Place(error) => place(error),
            Failure::Vault(error) => vault(error),
            Failure::Member(error) => member(error),
            Failure::Ledger(_)
            | Failure::Node(_)
            | Failure::Gem(_)
            | Failure::Source(_)
            | Failure::Told(_) => (ErrorCode::Internal, None),
        };
        match failure {
            Failure::Ledger(error) => error.into(),
            Failure::Node(error) => error.into(),
            Failure::Gem(error) => error.into(),
            Failure::Source(error) => error.into(),
            Failure::Told(error) => *error,
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
        UserLimitError::Many { .. } => (ErrorCode::BadRequest, None),
        UserLimitError::Waits { .. } => (ErrorCode::Temporary, hint("end some of them, or try again")),
    }
}

fn key(error: &KeyError) -> Verdict {
    match error {
        KeyError::Ill => (ErrorCode::BadRequest, None),
        KeyError::Reused { .. } => {
            (ErrorCode::KeyReused, hint("use a new key for a new request; keys are kept for 24 hours"))
        }
        KeyError::LostRace => {
            (ErrorCode::Temporary, hint("send the same request again: it gets the other's answer"))
        }
        KeyError::Digest(_) => (ErrorCode::Internal, None),
    }
}

fn summon(error: &SummonError) -> Verdict {
    match error {
        SummonError::Unknown { .. } => {
            (ErrorCode::NotFound, hint("summons are kept for 24 hours: summon the worker again"))
        }
        SummonError::Manifest { .. } => (ErrorCode::BadSource, None),
        SummonError::Labels(_) | SummonError::GemLabels(_) | SummonError::Limits { .. } => {
            (ErrorCode::BadRequest, None)
        }
        SummonError::Hoard { most_summons, most_mib, .. } => {
            let most = format!(
                "at most {most_summons} and {most_mib} MiB are kept, for 24 hours each or as long as their vaults live"
            );
            (ErrorCode::Quota, hint(most))
        }
        SummonError::OverParent { .. } => (ErrorCode::Quota, None),
    }
}

fn place(error: &PlacementError) -> Verdict {
    match error {
        PlacementError::NoNode { known, .. } => {
            (ErrorCode::NotFound, hint(format!("the nodes are: {}", known.join(", "))))
        }
        PlacementError::Overtaken => (ErrorCode::Temporary, hint("send the same request again")),
        PlacementError::NoRoom { .. } | PlacementError::Unplanned { .. } => (
            ErrorCode::NoCapacity,
            hint("`hauki node ls` shows the nodes; destruct what is not needed, or ask for less"),
        ),
    }
}

fn forge(error: &ForgeError) -> Verdict {
    match error {
        ForgeError::NoVault | ForgeError::Vouch(_) | ForgeError::Record(_) => (ErrorCode::Internal, None),
    }
}

fn ticket(error: &TicketError) -> Verdict {
    match error {
        TicketError::NoMethod { methods, .. } => {
            let has = format!("it has: {}; {} can be granted too", methods.join(", "), builtin::DESTRUCT);
            (ErrorCode::BadRequest, hint(has))
        }
        TicketError::Names(_) => (ErrorCode::BadRequest, hint("a ticket that names none is for all methods")),
        TicketError::Mint(_) => (ErrorCode::Internal, None),
        TicketError::Changing { .. } => (ErrorCode::Temporary, None),
    }
}

fn spawn(error: &SpawnError) -> Verdict {
    match error {
        SpawnError::DryRun => (ErrorCode::BadRequest, hint("summon and provision each have one")),
        SpawnError::Nameless => (ErrorCode::BadRequest, None),
        SpawnError::Unopened { .. } | SpawnError::Unminted | SpawnError::NoTicket => {
            (ErrorCode::Internal, None)
        }
    }
}

fn vault(error: &VaultError) -> Verdict {
    match error {
        VaultError::Unknown { .. } => {
            (ErrorCode::NotFound, hint("`hauki ls --all` lists the living and, for 24 hours, the dead"))
        }
        VaultError::Dead(_) | VaultError::Forgotten { .. } => (ErrorCode::VaultDead, None),
        VaultError::Unreadable { .. } => (ErrorCode::VaultDead, hint(ASIDE)),
        VaultError::Disputed { .. } => (ErrorCode::Environment, None),
        VaultError::Lost { .. } => (ErrorCode::Internal, None),
        VaultError::NoRule => {
            (ErrorCode::BadRequest, hint("give older_than_ms, idle_ms, node, worker or labels"))
        }
    }
}

fn name(error: &NameError) -> Verdict {
    match error {
        NameError::Taken { name } => {
            let way = format!(
                "`hauki resolve {name}` finds it and get_or_create (--get-or-create) takes it as it is, unless it is \
                 another user's: then take another name"
            );
            (ErrorCode::Conflict, hint(way))
        }
        NameError::Foreign { .. } => (ErrorCode::Denied, None),
        NameError::Nobody { .. } => {
            (ErrorCode::NotFound, hint("`hauki ls` shows the names; `hauki resolve --watch` waits for one"))
        }
        NameError::ChangesHands { .. } => (ErrorCode::Temporary, hint("try again")),
    }
}

fn spool(error: &SpoolError) -> Verdict {
    match error {
        SpoolError::Unknown { .. } => {
            (ErrorCode::NotFound, hint("`hauki spool ls` lists them; what is done is kept for 24 hours"))
        }
        SpoolError::Priority { .. } => (ErrorCode::BadRequest, None),
        SpoolError::Waits { .. } => (ErrorCode::NoCapacity, hint("`hauki spool show` tells how it stands")),
        SpoolError::Crowd { most, most_of_one, .. } => {
            (ErrorCode::Quota, hint(format!("at most {most} may wait, and {most_of_one} of one owner")))
        }
        SpoolError::Expired { .. } => (ErrorCode::Timeout, None),
    }
}

fn member(error: &MemberError) -> Verdict {
    match error {
        MemberError::Unknown { known, .. } => {
            (ErrorCode::NotFound, hint(format!("the nodes are: {}", known.join(", "))))
        }
        MemberError::Gone { .. } => (
            ErrorCode::Temporary,
            hint(
                "it was taken out of the swarm; its vaults end with their leases, and `hauki destruct` their records",
            ),
        ),
        MemberError::Changed { .. } | MemberError::NoAnswer | MemberError::GivenUp { .. } => {
            (ErrorCode::Temporary, None)
        }
        MemberError::Foreign { .. } => (ErrorCode::NotFound, hint("`hauki node ls` lists the nodes")),
        MemberError::Own { .. } => (
            ErrorCode::Conflict,
            hint("it belongs to the daemon itself or to its configuration: change it there"),
        ),
        MemberError::Busy { .. } => (
            ErrorCode::Conflict,
            hint("`hauki node drain` first, or --force: that ends what is there, or gives it up"),
        ),
        MemberError::Elsewhere { .. } => (
            ErrorCode::Conflict,
            hint("two nodes cannot have one name: choose another, or `hauki node rm` that one"),
        ),
        MemberError::Described(_) => {
            (ErrorCode::BadRequest, hint("hauki-swarm.yaml(5) lists the fields of a node"))
        }
        MemberError::Configured { .. } => (ErrorCode::Conflict, hint("choose another name")),
        MemberError::Link(_) => (ErrorCode::Environment, None),
        MemberError::Installing(_) | MemberError::Install(_) | MemberError::Of { .. } => {
            (ErrorCode::Internal, None)
        }
    }
}

impl From<UserLimitError> for ApiError {
    fn from(error: UserLimitError) -> Self {
        judged(&error, charge(&error))
    }
}

impl From<AuthorizationError> for ApiError {
    fn from(error: AuthorizationError) -> Self {
        let way = match &error {
            AuthorizationError::Administrators => {
                hint("root may; others are listed in daemon.admin_uids of the configuration")
            }
            AuthorizationError::Nobody => None,
        };
        judged(&error, (ErrorCode::Denied, way))
    }
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        let verdict = match &error {
            RequestError::Json(_) => (
                ErrorCode::BadRequest,
                hint("/openapi.json describes every body; unknown fields are refused"),
            ),
            RequestError::Parsing(_) => (ErrorCode::Internal, None),
            RequestError::Late => (ErrorCode::Timeout, None),
            RequestError::TooLong => (ErrorCode::TooLarge, None),
            RequestError::NoEndpoint { .. } => {
                (ErrorCode::NotFound, hint("/openapi.json lists the endpoints"))
            }
            RequestError::Method { allowed, .. } => {
                (ErrorCode::BadRequest, hint(format!("it takes {}", allowed.join(" and "))))
            }
            RequestError::Extra { .. } => {
                (ErrorCode::BadRequest, hint("/openapi.json lists what each endpoint takes"))
            }
            RequestError::ContentType { .. }
            | RequestError::Unread { .. }
            | RequestError::Query { .. }
            | RequestError::Path { .. }
            | RequestError::Id { .. }
            | RequestError::Nodes { .. } => (ErrorCode::BadRequest, None),
        };
        judged(&error, verdict)
    }
}
