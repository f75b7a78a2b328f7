//! Reconnecting session: the connection that there is at the moment, and the task that keeps there being one.
//!
//! One task per ghost beats, notices the end of a connection and makes a new one: with pauses that
//! grow, for as long as the ticket is valid, and until the node says no. What was in flight has
//! failed by then and is never sent again; a call that had not been sent yet waits for the new
//! connection within its own deadline. Over the first one calls go before the node has said that the
//! ticket is good: they are behind the hello, and fail with it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval_at, sleep, timeout};

use super::connection::GhostConnection;
use super::event::{BrokenParams, GhostEvent, Listeners, ReconnectedParams};
use super::handshake::PendingHello;
use super::{GhostError, GhostOptions, SLACK, handshake};
use crate::retry::Retry;
use hauki_contract::model::lease::Mono;
use hauki_contract::model::ticket::Ticket;
use hauki_contract::rpc::builtin::{BROKEN, HEARTBEAT, RECONNECTED, Welcome};
use hauki_contract::system::{clock, random};

/// The pauses between attempts; their number is not limited.
const PAUSES: Retry =
    Retry { times: u32::MAX, first: Duration::from_millis(20), longest: Duration::from_secs(2) };
/// A gate's port is open for as long as its vault lives, so a refusal that lasts is the vault's end.
const REFUSED: Duration = Duration::from_secs(2);

#[derive(Debug, Clone)]
enum ConnectionState {
    /// The first one, whose hello is not answered yet.
    Greeting(GhostConnection),
    Up(GhostConnection),
    Down,
    Over(GhostError),
}

/// Clones share the connection.
#[derive(Debug, Clone)]
pub(super) struct GhostSession {
    link: Arc<watch::Sender<ConnectionState>>,
    /// What the node said at the first connection.
    welcome: Arc<OnceLock<Welcome>>,
    pub(super) listeners: Arc<Listeners>,
}

impl GhostSession {
    pub(super) fn new(wire: GhostConnection, listeners: Arc<Listeners>) -> Self {
        Self {
            link: Arc::new(watch::Sender::new(ConnectionState::Greeting(wire))),
            welcome: Arc::default(),
            listeners,
        }
    }

    /// A connection that is not known to have ended, now or when there is one again.
    pub(super) async fn wire(&self) -> Result<GhostConnection, GhostError> {
        if let ConnectionState::Greeting(wire) | ConnectionState::Up(wire) = &*self.link.borrow()
            && !wire.is_closed()
        {
            return Ok(wire.clone());
        }
        let mut link = self.link.subscribe();
        let settled = link.wait_for(|link| match link {
            ConnectionState::Greeting(wire) | ConnectionState::Up(wire) => !wire.is_closed(),
            ConnectionState::Down => false,
            ConnectionState::Over(_) => true,
        });
        match &*settled.await.expect("the sender lives in self") {
            ConnectionState::Greeting(wire) | ConnectionState::Up(wire) => Ok(wire.clone()),
            ConnectionState::Over(error) => Err(error.clone()),
            ConnectionState::Down => unreachable!("it was not waited for"),
        }
    }

    /// Says something for which nobody waits, if there is a connection.
    pub(super) fn say(&self, method: &str, params: &str) {
        if let ConnectionState::Greeting(wire) | ConnectionState::Up(wire) = &*self.link.borrow() {
            wire.notify_now(method, params);
        }
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(&*self.link.borrow(), ConnectionState::Greeting(wire) | ConnectionState::Up(wire) if !wire.is_closed())
    }

    pub(super) fn is_welcome(&self) -> bool {
        self.welcome.get().is_some()
    }

    /// What the node says to the ticket, once it has.
    pub(super) async fn welcome(&self) -> Result<&Welcome, GhostError> {
        if let Some(welcome) = self.welcome.get() {
            return Ok(welcome);
        }
        let mut link = self.link.subscribe();
        let settled = link.wait_for(|link| !matches!(link, ConnectionState::Greeting(_)));
        let settled = settled.await.expect("the sender lives in self").clone();
        match (self.welcome.get(), settled) {
            (Some(welcome), _) => Ok(welcome),
            (None, ConnectionState::Over(error)) => Err(error),
            (None, _) => unreachable!("the welcome is kept before there is another link"),
        }
    }

    /// Waits for the end that no new connection mends.
    pub(super) async fn over(&self) -> GhostError {
        let mut link = self.link.subscribe();
        let over = link.wait_for(|link| matches!(link, ConnectionState::Over(_)));
        match &*over.await.expect("the sender lives in self") {
            ConnectionState::Over(error) => error.clone(),
            ConnectionState::Greeting(_) | ConnectionState::Up(_) | ConnectionState::Down => {
                unreachable!("they were not waited for")
            }
        }
    }

    fn end(&self, error: GhostError) {
        self.link.send_replace(ConnectionState::Over(error));
        self.listeners.close();
    }

    /// Runs until the end.
    pub(super) async fn keep(self, opened: PendingHello, ticket: Ticket, options: GhostOptions) {
        let first = opened.wire.clone();
        let (mut wire, welcome) = match welcomed(opened, &ticket, &options).await {
            Ok(welcomed) => welcomed,
            Err(error) => {
                self.end(error);
                return first.give_up("its hello was not accepted".into());
            }
        };
        drop(first);
        let terms = BeatTerms::of(&welcome);
        let _ = self.welcome.set(welcome);
        self.link.send_replace(ConnectionState::Up(wire.clone()));
        loop {
            let error = if options.beat { beat(&wire, &terms).await } else { wire.closed().await };
            if !options.reconnect || !error.may_pass() {
                return self.end(error);
            }
            // Nothing else may hold the old connection when the new one is there.
            drop(wire);
            self.link.send_replace(ConnectionState::Down);
            self.listeners.tell(|| GhostEvent::own(BROKEN, &BrokenParams { reason: error.to_string() }));
            let since = clock::mono();
            wire = match self.again(&ticket, &options, &terms).await {
                Ok(wire) => wire,
                Err(error) => return self.end(error),
            };
            // Calls that waited find what was offered.
            self.listeners.offers.renew(&wire).await;
            self.link.send_replace(ConnectionState::Up(wire.clone()));
            let after_ms = clock::mono().since(since) / 1000;
            self.listeners.tell(|| GhostEvent::own(RECONNECTED, &ReconnectedParams { after_ms }));
        }
    }

    async fn again(
        &self,
        ticket: &Ticket,
        options: &GhostOptions,
        terms: &BeatTerms,
    ) -> Result<GhostConnection, GhostError> {
        let mut refused_since: Option<Mono> = None;
        let mut attempt = 0;
        loop {
            let connected = async {
                welcomed(handshake::open(ticket, options, &self.listeners).await?, ticket, options).await
            };
            let error = match connected.await {
                Ok((wire, _)) => return Ok(wire),
                Err(error) => error,
            };
            let now = clock::mono();
            let since = error.is_refused().then(|| refused_since.unwrap_or(now));
            let gone = since.is_some_and(|since| now.since(since) >= terms.refusal_us);
            if gone || !error.may_pass() {
                return Err(error);
            }
            refused_since = since;
            attempt += 1;
            sleep(PAUSES.pause(attempt, random::u64())).await;
        }
    }
}

/// Waits for what the node says to the ticket. The lease counts from when the node has read the hello, and
/// on a long way the first beat would come too late if it waited for the answer.
async fn welcomed(
    opened: PendingHello,
    ticket: &Ticket,
    options: &GhostOptions,
) -> Result<(GhostConnection, Welcome), GhostError> {
    let (wire, terms) = (opened.wire.clone(), &ticket.lease);
    let every = every(terms.link, terms.lease_ms, terms.link_silence_ms);
    let beats = async {
        loop {
            sleep(every).await;
            if wire.notify(HEARTBEAT, None).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        welcomed = opened.welcomed(ticket, options) => welcomed,
        () = beats, if options.beat => unreachable!("they have no end"),
    }
}

/// A third of what is allowed, so that two beats may be lost.
fn every(link: bool, lease_ms: u64, link_silence_ms: u64) -> Duration {
    let allowed_ms = if link { lease_ms.min(link_silence_ms) } else { lease_ms };
    Duration::from_millis((allowed_ms / 3).max(10))
}

/// What the gate's terms mean for who beats.
struct BeatTerms {
    every: Duration,
    /// How long nothing may be heard, and for how much longer while calls are in flight. Who gives up a link ends its
    /// vault, and the gate may only have paused: a link is not given up.
    silence_us: Option<u64>,
    busy_us: u64,
    /// How long a refusal may last.
    refusal_us: u64,
}

impl BeatTerms {
    fn of(welcome: &Welcome) -> Self {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let lease_us = welcome.lease_ms.saturating_mul(1000).max(1_000_000);
        Self {
            every: every(welcome.link, welcome.lease_ms, welcome.link_silence_ms),
            silence_us: (!welcome.link).then_some(lease_us),
            busy_us: u64::from(welcome.call_deadline_ms) * 1000 + micros(SLACK),
            refusal_us: micros(REFUSED).min(lease_us),
        }
    }

    /// Whether who has heard nothing for so long gives the connection up.
    fn is_alone(&self, silent_us: u64, is_busy: bool) -> bool {
        let busy_us = if is_busy { self.busy_us } else { 0 };
        self.silence_us.is_some_and(|silence_us| silent_us > silence_us.saturating_add(busy_us))
    }
}

/// Beats until the connection ends, as all clients of hauki do and `hauki-ticket.5` says. A gate answers a beat at once
/// unless it is kept from it by calls that are ahead, each of which has a deadline: who hears nothing for longer is alone.
async fn beat(wire: &GhostConnection, terms: &BeatTerms) -> GhostError {
    let mut ticks = interval_at(clock::alarm(terms.every), terms.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            error = wire.closed() => return error,
            _ = ticks.tick() => {}
        }
        let answered = timeout(terms.every, wire.call(HEARTBEAT, None)).await.is_ok();
        let silent = clock::mono().since(wire.heard());
        if !answered && terms.is_alone(silent, wire.waiting() > 0) {
            wire.give_up(format!("nothing was heard for {} ms", silent / 1000));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_ends_a_connection_only_where_no_vault_ends_with_it() {
        let of = |link: bool, lease_ms: u64| {
            let welcome = serde_json::json!({
                "vault": "vlt_01HF7YAT00000000000000001A", "generation": 1, "methods": [], "lease_ms": lease_ms,
                "lease_left_ms": lease_ms, "link": link, "link_silence_ms": 750, "max_frame_bytes": 4096,
                "call_deadline_ms": 500,
            });
            BeatTerms::of(&serde_json::from_value(welcome).expect("is one"))
        };
        for (link, lease_ms, silent_ms, is_busy, alone) in [
            (false, 60_000, 60_000, false, false),
            (false, 60_000, 60_001, false, true),
            (false, 60_000, 62_500, true, false),
            (false, 60_000, 62_501, true, true),
            (false, 90, 1_000, false, false),
            (false, 90, 1_001, false, true),
            (true, 60_000, 86_400_000, false, false),
            (true, 90, 86_400_000, true, false),
        ] {
            let told = of(link, lease_ms).is_alone(silent_ms * 1000, is_busy);
            assert_eq!(told, alone, "{link} {lease_ms} {silent_ms} {is_busy}");
        }
    }
}
