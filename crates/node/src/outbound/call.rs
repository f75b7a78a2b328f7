//! Outbound call of a vault, from its frame to the answer's.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::OutboundError;
use super::accounting::charged;
use super::clone::clone_object;
use super::fetch::fetch;
use super::offered;
use crate::vault::VaultHandle;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::trace::TraceContext;
use hauki_contract::rpc::call_context::CallContext;
use hauki_contract::rpc::channel::{GATE_OVERHEAD, MAX_ASKS, Said, ToVault, Unanswered};
use hauki_contract::rpc::message::code;

const CLONE_OBJECT: &str = "clone_object";
const FETCH: &str = "fetch";

/// What the vault wants.
pub(crate) struct OutboundCall {
    pub number: u64,
    pub object: String,
    pub method: String,
    /// JSON that has been checked to be one line.
    pub params: String,
}

/// Carries an ask out, in a task of its own. `false`: the vault has more of them open than an init of
/// ours ever has.
pub(crate) fn ask(vault: &Arc<VaultHandle>, ask: OutboundCall) -> bool {
    let mut book = vault.reach.book();
    if book.asks == MAX_ASKS {
        return false;
    }
    if book.closed {
        return true;
    }
    book.asks += 1;
    let (nested, left, forsaken) = chain(vault);
    let trace = vault.calls().trace();
    let own = Arc::clone(vault);
    while book.tasks.try_join_next().is_some() {}
    book.tasks.spawn(charged(Arc::downgrade(vault), async move {
        let number = ask.number;
        let said = carry(&own, ask, (nested, trace), left, forsaken).await;
        deliver(&own, number, said).await;
        own.reach.book().asks -= 1;
    }));
    true
}

/// Who waits for the ask, how long at most, and whether they still do: the vault itself has no say in it.
fn chain(vault: &VaultHandle) -> (CallContext, Duration, Option<watch::Receiver<bool>>) {
    let limit = u64::from(vault.limits.call_deadline_ms);
    let (mut via, left_ms, forsaken) = match vault.calls().running() {
        Some((via, deadline, forsaken)) => {
            (via.to_vec(), (deadline.since(vault.now()) / 1000).min(limit), Some(forsaken))
        }
        // `create`, `dest` and timers have nobody behind them.
        None => (Vec::new(), limit, None),
    };
    via.push(vault.id.clone());
    let deadline_ms = Some(u32::try_from(left_ms).unwrap_or(u32::MAX).max(1));
    (CallContext { via, deadline_ms }, Duration::from_millis(left_ms), forsaken)
}

/// Resolves when the one behind the ask has gone. Who asked in a call that has ended since goes on.
async fn gone(forsaken: Option<watch::Receiver<bool>>) {
    if let Some(mut forsaken) = forsaken
        && forsaken.wait_for(|forsaken| *forsaken).await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

async fn carry(
    vault: &Arc<VaultHandle>,
    ask: OutboundCall,
    (nested, trace): (CallContext, Option<TraceContext>),
    left: Duration,
    forsaken: Option<watch::Receiver<bool>>,
) -> Said {
    let OutboundCall { object, method, params, .. } = ask;
    let reach = &vault.reach;
    let held = reach.get(&object);
    let called: Option<VaultId> = held.as_ref().map(|held| held.ticket.vault.clone());
    let calling = async {
        // Without an object it is the node that is asked.
        if object.is_empty() && method == CLONE_OBJECT {
            return clone_object(vault, &params).await;
        }
        if object.is_empty() && method == FETCH {
            return Ok(fetch(vault, &params).await?);
        }
        if held.is_none() && offered::is_word(&object) {
            let deadline_ms = nested.deadline_ms.unwrap_or(vault.limits.call_deadline_ms);
            return reach.call_offered(&object, &method, &params, deadline_ms).await;
        }
        let held = held.ok_or(super::TravelError::NotGiven)?;
        let params = reach.put_back(&params)?.into_owned();
        let said = loop {
            let line = reach.line(vault, &held).await?;
            // A line that has not sent it has closed meanwhile, so the next one is another.
            if let Ok(said) = line.call(&method, &params, (&nested, trace)).await {
                break said?;
            }
        };
        let limit = reach.caller.max_frame_bytes;
        if said.get().len() > limit {
            return Err(OutboundError::Long(limit));
        }
        Ok(reach.take_in(said.get(), false)?.into_owned())
    };
    let late = || Err(OutboundError::Deadline { method: method.clone() });
    let said = tokio::select! {
        said = timeout(left, calling) => said.unwrap_or_else(|_| late()),
        () = gone(forsaken) => late(),
    };
    said.map_err(|error| error.tell(called.as_ref(), &method).into())
}

/// In front of the calls that wait: the worker is inside of one.
async fn deliver(vault: &VaultHandle, ask: u64, said: Said) {
    let Some(pipe) = vault.pipe.get() else { return };
    loop {
        let mut room = pin!(pipe.room.notified());
        room.as_mut().enable();
        if !pipe.is_full() {
            break;
        }
        room.await;
    }
    let frame = match said {
        Ok(value) => ToVault::Answer { ask, value },
        Err(error) => ToVault::Refusal { ask, error },
    };
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    if bytes.len() > vault.limits.max_frame_bytes as usize + GATE_OVERHEAD {
        let word = code::word(code::TOO_LARGE);
        let error = Unanswered::new(word, "what the object said is longer than this vault's limit").into();
        bytes.clear();
        ToVault::Refusal { ask, error }.encode(&mut bytes);
    }
    pipe.push_first(|out| out.append(&mut bytes));
    pipe.send();
}
