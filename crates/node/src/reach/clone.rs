//! `clone_object` of a worker: the wish goes to the core with the news, and the answer comes back as a
//! ticket. The gate claims it at once, so that the child dies with this vault however this vault ends.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Reach, ReachError};
use crate::vault::Vault;
use hauki_contract::api::ApiError;
use hauki_contract::api::clone::CloneAsk;
use hauki_contract::api::node::NewsItem;
use hauki_contract::model::ticket::Ticket;
use hauki_contract::rpc::reference::{self, Found, TravelError};

/// The longest arguments, source included: they wait in the node's memory until the core has read them.
const MAX_ARGUMENTS: usize = 1024 * 1024;

pub(super) type Made = Result<Ticket, Box<ApiError>>;

/// Wishes that the core has not answered.
#[derive(Default)]
pub(super) struct Wishes {
    last: u64,
    waiting: HashMap<u64, oneshot::Sender<Made>>,
}

/// Forgets the wish when the vault gives up: an answer that comes then is refused.
struct Waiting<'a>(&'a Reach, u64);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.book().wishes.waiting.remove(&self.1);
    }
}

impl Reach {
    /// The core's answer. `false`: nobody waits for it any more.
    pub fn cloned(&self, number: u64, made: Made) -> bool {
        let waiting = self.book().wishes.waiting.remove(&number);
        waiting.is_some_and(|waiting| waiting.send(made).is_ok())
    }

    fn wish(&self) -> (Waiting<'_>, oneshot::Receiver<Made>) {
        let (sender, made) = oneshot::channel();
        let wishes = &mut self.book().wishes;
        wishes.last += 1;
        wishes.waiting.insert(wishes.last, sender);
        (Waiting(self, wishes.last), made)
    }
}

/// What the worker gets is a reference to its child.
pub(super) async fn clone_object(vault: &Arc<Vault>, params: &str) -> Result<String, ReachError> {
    let reach = &vault.reach;
    if vault.limits.spawn == 0 {
        return Err(ReachError::NoBudget);
    }
    let arguments = reach.put_back(params)?.into_owned();
    if arguments.len() > MAX_ARGUMENTS {
        return Err(TravelError::Long(MAX_ARGUMENTS).into());
    }
    let (waiting, made) = reach.wish();
    vault.news.publish(NewsItem::Clone(CloneAsk { vault: vault.id.clone(), number: waiting.1, arguments }));
    let ticket = made.await.map_err(|_| ReachError::Closed)?.map_err(ReachError::Core)?;
    let text = serde_json::to_string(&ticket).map_err(|error| TravelError::Ticket(error.to_string()))?;
    let word = reach.hold(Found { ticket: ticket.clone(), text: &text }, true)?;
    let child = reach.get(&word).ok_or(ReachError::Closed)?;
    reach.line(&child).await?;
    Ok(reference::write(&word, &ticket))
}
