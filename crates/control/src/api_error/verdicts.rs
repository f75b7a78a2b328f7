//! Error classification: what failures of members and of secrets are to a client, and what to do about them.

use super::{Code, Verdict, hint};
use crate::failure::{MemberError, SecretError};

pub(super) fn member(error: &MemberError) -> Verdict {
    match error {
        MemberError::Unknown { known, .. } => {
            (Code::NotFound, hint(format!("the nodes are: {}", known.join(", "))))
        }
        MemberError::Gone { .. } => (
            Code::Temporary,
            hint(
                "it was taken out of the swarm; its vaults end with their leases, and `hauki destruct` their records",
            ),
        ),
        MemberError::Changed { .. } | MemberError::NoAnswer | MemberError::GivenUp { .. } => {
            (Code::Temporary, None)
        }
        MemberError::Foreign { .. } => (Code::NotFound, hint("`hauki node ls` lists the nodes")),
        MemberError::Own { .. } => {
            (Code::Conflict, hint("it belongs to the daemon itself or to its configuration: change it there"))
        }
        MemberError::Inhabited { .. } | MemberError::Forging { .. } | MemberError::Unasked(_) => (
            Code::Conflict,
            hint("`hauki node drain` first, or --force: that ends what is there, or gives it up"),
        ),
        MemberError::Elsewhere { .. } => (
            Code::Conflict,
            hint("two nodes cannot have one name: choose another, or `hauki node rm` that one"),
        ),
        MemberError::Described(_) => {
            (Code::BadRequest, hint("hauki-swarm.yaml(5) lists the fields of a node"))
        }
        MemberError::Configured { .. } => (Code::Conflict, hint("choose another name")),
        MemberError::Link(_) => (Code::Environment, None),
        MemberError::Installing(_)
        | MemberError::Install(_)
        | MemberError::Unsettled(_)
        | MemberError::Of { .. } => (Code::Internal, None),
    }
}

pub(super) fn secret(error: &SecretError) -> Verdict {
    match error {
        SecretError::Unknown { name } => {
            (Code::NotFound, hint(format!("keep it first: `hauki secret set {name}`; each user has his own")))
        }
        SecretError::Value { .. } => (Code::BadRequest, None),
        SecretError::Many { .. } => (Code::Quota, hint("`hauki secret rm` those that nobody uses")),
        SecretError::Nobodys => (Code::Denied, None),
        SecretError::Sealed { .. } => {
            (Code::Environment, hint("put data.key back from a copy, or set the secret again"))
        }
        SecretError::Lost(_) => (Code::Internal, None),
    }
}
