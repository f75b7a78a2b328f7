//! Keep-alive: keeping vaults alive for as long as something lasts.
//!
//! A ticket is kept over its own connection, straight to the node, so that it works where no control
//! plane can be reached; a bare id is kept through the control plane. A lost connection is made anew
//! while the lease may still hold; a death is final.

use std::time::Duration;

use super::connect;
use super::context::Ctx;
use super::error::{CliError, ErrorKind};
use super::input::Item;
use super::kinds::BeatRecord;
use super::record::Record;
use super::sanitize;
use crate::api::teardown::{BeatRequest, BeatTarget};
use crate::client::ghost::GhostOptions;
use crate::client::{Exit, Ghost, identity};
use crate::model::id::VaultId;
use crate::model::ticket::Ticket;
use hauki_contract::system::clock;

/// One vault, and the way by which it is kept.
pub(crate) enum KeepAlive {
    /// Where it is kept for longer than one beat the ghost beats as well: it does not wait for one answer
    /// before the next beat, which is too slow where the way is long.
    Ticket {
        ticket: Box<Ticket>,
        ghost: Option<Ghost>,
        lasts: bool,
    },
    Id {
        vault: VaultId,
        every: Option<Duration>,
    },
}

pub(crate) fn record(vault: &VaultId, lease_left_ms: u64) -> Record {
    Record::new(&BeatRecord { vault: vault.clone(), lease_left_ms, at: clock::now() })
}

impl KeepAlive {
    /// `lasts`: for more than one beat.
    pub(crate) fn new(item: &Item, lasts: bool) -> Result<Self, CliError> {
        Ok(if item.is_ticket() {
            Self::Ticket { ticket: Box::new(item.ticket()?), ghost: None, lasts }
        } else {
            Self::Id { vault: item.vault()?, every: None }
        })
    }

    pub(crate) fn vault(&self) -> &VaultId {
        match self {
            Self::Ticket { ticket, .. } => &ticket.vault,
            Self::Id { vault, .. } => vault,
        }
    }

    /// Renews the lease; what is left of it, in milliseconds.
    pub(crate) async fn beat(&mut self, ctx: &Ctx) -> Result<u64, CliError> {
        match self {
            Self::Ticket { ticket, ghost, lasts } => {
                let connected = match ghost.take() {
                    Some(ghost) => ghost,
                    None => {
                        connect::open(
                            ctx,
                            ticket,
                            GhostOptions { beat: *lasts, reconnect: *lasts, ..GhostOptions::default() },
                        )
                        .await?
                    }
                };
                match connected.heartbeat().await {
                    Ok(lease) => {
                        *ghost = Some(connected);
                        Ok(lease.lease_left_ms)
                    }
                    Err(error) => Err(connect::explain(ctx, &ticket.vault, error).await),
                }
            }
            Self::Id { vault, .. } => {
                let target = BeatTarget { vault: vault.clone(), generation: None };
                let request = BeatRequest { vaults: vec![target], by: Some(identity::pid_and_host()) };
                let reply = ctx.endpoint().await?.beat(&request).await?;
                match reply.beats.into_iter().next() {
                    Some(beat) => match beat.error {
                        Some(error) => Err(error.into()),
                        None => Ok(beat.lease_left_ms.unwrap_or(0)),
                    },
                    None => {
                        Err(CliError::new(ErrorKind::new("protocol", Exit::Failure), "no beat was answered"))
                    }
                }
            }
        }
    }

    /// A third of the lease, or of what a link allows.
    async fn interval(&mut self, ctx: &Ctx) -> Result<Duration, CliError> {
        let third = |ms: u64| Duration::from_millis((ms / 3).max(10));
        match self {
            Self::Ticket { ticket, .. } if ticket.lease.link => {
                Ok(third(ticket.lease.lease_ms.min(ticket.lease.link_silence_ms)))
            }
            Self::Ticket { ticket, .. } => Ok(third(ticket.lease.lease_ms)),
            Self::Id { every: Some(every), .. } => Ok(*every),
            Self::Id { vault, every } => {
                let terms = ctx.endpoint().await?.vault(vault).await?.terms;
                Ok(*every.insert(third(terms.lease_ms)))
            }
        }
    }

    /// Its node says that the vault dies, or does not speak to us any more: what it is, the next beat tells.
    async fn parted(&self) {
        match self {
            Self::Ticket { ghost: Some(ghost), .. } => drop(ghost.closed().await),
            Self::Ticket { ghost: None, .. } | Self::Id { .. } => std::future::pending().await,
        }
    }

    /// Beats until the vault is lost; that is the only way in which this ends.
    pub(crate) async fn keep(
        &mut self,
        ctx: &Ctx,
        told: impl AsyncFn(&VaultId, u64) -> Result<(), CliError>,
    ) -> CliError {
        let every = match self.interval(ctx).await {
            Ok(every) => every,
            Err(error) => return error,
        };
        let mut lost_since = None;
        loop {
            match self.beat(ctx).await {
                Ok(left) => {
                    lost_since = None;
                    if let Err(error) = told(self.vault(), left).await {
                        return error;
                    }
                    tokio::select! {
                        () = tokio::time::sleep(every) => {}
                        () = self.parted() => {}
                    }
                }
                // Three intervals are one lease: after that nothing is left to be kept.
                Err(error) if error.kind.exit == Exit::Temporary => {
                    let since = *lost_since.get_or_insert_with(|| {
                        let why = sanitize::line(&error.message);
                        ctx.remark(&format!("{why}: trying again while the lease may hold\n"));
                        clock::mono()
                    });
                    if u128::from(clock::mono().since(since)) > 3 * every.as_micros() {
                        return error;
                    }
                    tokio::time::sleep(every / 4).await;
                }
                Err(error) => return error,
            }
        }
    }
}
