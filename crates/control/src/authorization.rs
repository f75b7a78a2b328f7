//! Authorization: who may ask for what, and what an asker's own is.
//!
//! Who may ask for what at all is in the one table of endpoints ([`Who`]) and judged before any handler. Whose it is
//! that a request is about, the records know (`control::ownership`).

use std::net::IpAddr;

use hauki_contract::api::endpoints::{ENDPOINTS, EndpointSpec, Method, Who};
use hauki_contract::api::peer::Peer;
use hauki_contract::model::invitation::{Invitation, InvitedHost};
use hauki_contract::model::net_ceiling::{CeilingError, NetCeiling};
use hauki_contract::model::public_address::is_public;

#[derive(Debug, thiserror::Error)]
pub enum AuthorizationError {
    #[error("this is an administrator's")]
    Administrators,
    #[error("nobody knows who asks")]
    Nobody,
    /// Of a node's networks, or of its own services.
    #[error("{address} is no public address: to invite a worker there is an administrator's")]
    PrivateAddress { address: IpAddr },
    #[error(transparent)]
    Ceiling(#[from] CeilingError),
}

/// What an asker may touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    All,
    /// What this user owns.
    Of(u32),
    /// The kernel said nothing of the peer.
    Nothing,
}

impl Rights {
    pub(super) fn of(peer: Option<&Peer>) -> Self {
        match peer {
            Some(peer) if peer.admin => Self::All,
            Some(peer) => Self::Of(peer.uid),
            None => Self::Nothing,
        }
    }

    pub(super) fn own(self, owner: Option<u32>) -> bool {
        match self {
            Self::All => true,
            Self::Of(uid) => owner == Some(uid),
            Self::Nothing => false,
        }
    }

    /// Only these, if not all.
    pub(super) fn only(self) -> Option<u32> {
        match self {
            Self::All => None,
            Self::Of(uid) => Some(uid),
            // The kernel gives this number to nobody.
            Self::Nothing => Some(u32::MAX),
        }
    }

    /// Users' idempotency keys are apart: the same key of two users is two keys.
    pub(super) fn mark(self, key: &mut String) {
        if let Some(uid) = self.only() {
            *key = format!("{uid}: {key}");
        }
    }

    /// What a user is answered is what he wrote.
    pub(super) fn unmark(self, key: &mut String) {
        if self.only().is_some()
            && let Some(plain) = unmarked(key).map(str::to_owned)
        {
            *key = plain;
        }
    }

    /// As the spool writes it.
    pub(super) fn own_entry(self, owner: &str) -> bool {
        self.only().is_none_or(|uid| queued_by(owner) == Some(uid))
    }
}

/// A key without its mark, if it has one.
pub(super) fn unmarked(key: &str) -> Option<&str> {
    let (uid, key) = key.split_once(": ")?;
    uid.parse::<u32>().is_ok().then_some(key)
}

/// Whose a queued entry is, as the spool writes it.
pub(super) fn queued_by(owner: &str) -> Option<u32> {
    owner.strip_prefix("uid ")?.parse().ok()
}

/// The row of the table.
pub(super) fn endpoint(method: &str, path: &str) -> Option<&'static EndpointSpec> {
    ENDPOINTS.iter().find(|endpoint| endpoint.path == path && serves(endpoint.method, method))
}

/// Whether the table lets this asker ask.
pub(super) fn judge(rights: Rights, method: &str, path: &str) -> Result<(), AuthorizationError> {
    match (rights, endpoint(method, path).map(|endpoint| endpoint.who)) {
        // An unknown one is refused as such.
        (Rights::All, _) | (_, None) | (Rights::Of(_), Some(Who::User | Who::Owner)) => Ok(()),
        (Rights::Of(_), Some(Who::Admin)) => Err(AuthorizationError::Administrators),
        (Rights::Nothing, Some(_)) => Err(AuthorizationError::Nobody),
    }
}

/// Whether this asker may let a worker fetch from there: what the configuration says, if it says anything; else what only the
/// node reaches, an administrator gives away.
pub(super) fn judge_invitations(
    rights: Rights,
    ceiling: Option<&NetCeiling>,
    net: &[Invitation],
) -> Result<(), AuthorizationError> {
    if let Some(ceiling) = ceiling {
        return Ok(ceiling.check(net)?);
    }
    let private = net.iter().find_map(|invitation| match invitation.host() {
        InvitedHost::Address(address) if !is_public(*address) => Some(*address),
        InvitedHost::Address(_) | InvitedHost::Name(_) => None,
    });
    match private {
        Some(address) if rights != Rights::All => Err(AuthorizationError::PrivateAddress { address }),
        Some(_) | None => Ok(()),
    }
}

fn serves(known: Method, asked: &str) -> bool {
    asked.eq_ignore_ascii_case(known.as_str()) || (asked == "HEAD" && known == Method::Get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_administrator_invites_to_what_is_not_public() {
        let net = |text: &str| [text.parse::<Invitation>().expect(text)];
        for anybodys in ["https://api.example.com/v1", "https://1.1.1.1/", "http://[2606:4700::1111]/"] {
            assert!(judge_invitations(Rights::Of(1000), None, &net(anybodys)).is_ok(), "{anybodys}");
        }
        for private in
            ["http://127.0.0.1:8080/", "http://169.254.169.254/", "http://[::1]/", "http://10.0.0.1/"]
        {
            for (rights, may) in [(Rights::All, true), (Rights::Of(1000), false), (Rights::Nothing, false)] {
                assert_eq!(
                    judge_invitations(rights, None, &net(private)).is_ok(),
                    may,
                    "{private} {rights:?}"
                );
            }
        }
    }

    #[test]
    fn what_the_configuration_says_holds_for_everybody() {
        let net = |text: &str| [text.parse::<Invitation>().expect(text)];
        let within = NetCeiling::Within(net("http://127.0.0.1:8080/v1/").to_vec());
        for rights in [Rights::All, Rights::Of(1000)] {
            let judged = |text: &str| judge_invitations(rights, Some(&within), &net(text));
            assert!(judged("http://127.0.0.1:8080/v1/a").is_ok());
            assert!(matches!(judged("https://api.example.com/"), Err(AuthorizationError::Ceiling(_))));
        }
    }

    #[test]
    fn the_table_judges_every_endpoint() {
        for endpoint in ENDPOINTS {
            let judged = |rights| judge(rights, endpoint.method.as_str(), endpoint.path);
            assert!(judged(Rights::All).is_ok() && judged(Rights::Nothing).is_err(), "{}", endpoint.id);
            assert_eq!(judged(Rights::Of(1000)).is_ok(), endpoint.who != Who::Admin, "{}", endpoint.id);
        }
        let admins: Vec<&str> = ENDPOINTS
            .iter()
            .filter(|endpoint| endpoint.who == Who::Admin)
            .map(|endpoint| endpoint.id)
            .collect();
        let known = [
            "push_gem",
            "remove_gem",
            "order_nodes",
            "add_node",
            "remove_node",
            "drain_node",
            "upgrade_node",
        ];
        assert_eq!(admins, known);
    }
}
