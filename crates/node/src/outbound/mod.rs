//! Outbound calls: what a vault can reach, the objects that it was given, and nothing else.
//!
//! ```text
//!   params, results of its own calls   -- ticket -->    take_in   -- reference -->  vault
//!   results, events, its own params    <-- ticket --    put_back  <-- reference --  vault
//!   an ask of the vault  -- forwarded_ticket::check, put_back -->  connection  == TLS, as any caller ==>  other gate
//! ```
//!
//! The tickets stay here. In the vault there is a word that stands for each, made up at random for
//! this vault: a word that is guessed, or another vault's, means nothing. What is kept is bounded, and
//! all of it goes with the vault.

mod call;
mod accounting;
mod clone;
mod error;
mod offered;
mod fetch;
mod connection;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

pub(crate) use call::{OutboundCall, ask};
use connection::{OnBehalfOf, OutboundConnection};
use error::OutboundError;
pub(crate) use fetch::FetchClient;
use fetch::{FetchAccount, VaultSecrets};
use offered::OfferedObject;

use crate::gate::byte_accounts::Backlog;
use crate::gate::fair_scheduler::{self, Applicant, Crowded};
use crate::vault::VaultHandle;
use hauki_contract::model::death::Death;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::secret::Secret;
use hauki_contract::model::secret_use::{GrantedSecret, SecretUse};
use hauki_contract::model::ticket::Ticket;
use hauki_contract::rpc::capability::Issuer;
use hauki_contract::rpc::forwarded_ticket;
use hauki_contract::rpc::reference::{self, FoundTicket, TravelError};
use hauki_contract::system::{clock, random};

/// Objects that one vault holds.
const MAX_HELD: usize = 256;
/// Connections of one vault to others.
const MAX_LINES: usize = 32;

/// Who on this node has died, and why.
pub trait DeathLookup: Send + Sync {
    fn death(&self, vault: &VaultId) -> Option<Death>;
}

pub struct Outbound {
    pub issuer: Issuer,
    caller: OnBehalfOf,
    graves: Weak<dyn DeathLookup>,
    book: Mutex<ObjectTable>,
    /// Whether the book is worth a look.
    any: AtomicBool,
    places: Arc<Semaphore>,
    fetches: FetchAccount,
    secrets: Arc<VaultSecrets>,
    client: Arc<FetchClient>,
}

#[derive(Default)]
struct ObjectTable {
    held: HashMap<Box<str>, Arc<HeldObject>>,
    /// What callers offer, for as long as they do: each connection bounds its own.
    offered: HashMap<Box<str>, OfferedObject>,
    /// Counts the uses, so that the one that was not used for longest is known.
    uses: u64,
    asks: usize,
    tasks: JoinSet<()>,
    closed: bool,
}

/// One object.
struct HeldObject {
    ticket: Ticket,
    /// As it came: it goes on as it came.
    text: Box<str>,
    line: tokio::sync::Mutex<Option<OutboundConnection>>,
    death: Arc<OnceLock<Death>>,
    used: Mutex<u64>,
    /// Given at the vault's birth: not let go for others.
    kept: bool,
}

impl Outbound {
    #[must_use]
    pub fn new(
        vault: VaultId,
        issuer: Issuer,
        voucher: Secret,
        max_frame_bytes: u32,
        graves: Weak<dyn DeathLookup>,
    ) -> Self {
        let max_frame_bytes = max_frame_bytes as usize;
        let answers = Backlog::receiving(max_frame_bytes);
        let caller = OnBehalfOf { vault, voucher, max_frame_bytes, answers };
        let places = Arc::new(Semaphore::new(MAX_LINES));
        Self {
            issuer,
            caller,
            graves,
            book: Mutex::default(),
            any: AtomicBool::new(false),
            places,
            fetches: FetchAccount::default(),
            secrets: Arc::default(),
            client: Arc::default(),
        }
    }

    /// With what its requests carry; nothing where a secret that is used was not granted.
    #[must_use]
    pub fn carrying(self, uses: &[SecretUse], granted: &[GrantedSecret]) -> Option<Self> {
        let secrets = Arc::new(VaultSecrets::new(uses, granted)?);
        Some(Self { secrets, ..self })
    }

    /// With what its node sends them.
    #[must_use]
    pub(crate) fn by(self, client: &Arc<FetchClient>) -> Self {
        Self { client: Arc::clone(client), ..self }
    }

    fn book(&self) -> MutexGuard<'_, ObjectTable> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the vault may see of a text: each ticket in it is kept here and becomes a reference.
    pub fn take_in<'a>(&self, text: &'a str, kept: bool) -> Result<Cow<'a, str>, TravelError> {
        reference::take_in(text, |found| {
            let ticket = found.ticket.clone();
            self.hold(found, kept).map(|word| reference::write(&word, &ticket))
        })
    }

    /// What others see of a text of the vault: each reference in it becomes the ticket again.
    pub fn put_back<'a>(&self, text: &'a str) -> Result<Cow<'a, str>, TravelError> {
        if !self.any.load(Ordering::Relaxed) {
            return Ok(text.into());
        }
        let limit = self.caller.max_frame_bytes;
        reference::put_back(text, limit, |word| match self.get(word) {
            Some(held) => Ok(Text(held)),
            None if offered::is_word(word) => Err(TravelError::Offered),
            None => Err(TravelError::NotGiven),
        })
    }

    /// The word for it in this vault.
    fn hold(&self, found: FoundTicket<'_>, kept: bool) -> Result<Box<str>, TravelError> {
        let FoundTicket { ticket, text } = found;
        let mut book = self.book();
        let known = book.held.iter().find(|(_, held)| *held.text == *text).map(|(word, _)| word.clone());
        let word = match known {
            Some(word) => word,
            None => {
                book.make_room()?;
                let word: Box<str> = format!("{:032x}", random::u128()).into();
                let held = HeldObject {
                    ticket,
                    text: text.into(),
                    line: tokio::sync::Mutex::default(),
                    death: Arc::default(),
                    used: Mutex::default(),
                    kept,
                };
                book.held.insert(word.clone(), Arc::new(held));
                word
            }
        };
        book.touch(&word);
        self.any.store(true, Ordering::Relaxed);
        Ok(word)
    }

    fn get(&self, word: &str) -> Option<Arc<HeldObject>> {
        let mut book = self.book();
        book.touch(word);
        book.held.get(word).cloned()
    }

    /// An open line to the object, or a new one.
    async fn line(
        &self,
        own: &Arc<VaultHandle>,
        held: &HeldObject,
    ) -> Result<OutboundConnection, OutboundError> {
        let dead = |death: &Death| OutboundError::Dead {
            vault: held.ticket.vault.clone(),
            death: Box::new(death.clone()),
        };
        let mut slot = held.line.lock().await;
        if let Some(death) = held.death.get() {
            return Err(dead(death));
        }
        if let Some(line) = slot.as_ref().filter(|line| !line.is_closed()) {
            return Ok(line.clone());
        }
        *slot = None;
        let (ticket, issuer) = (held.ticket.clone(), self.issuer.clone());
        let asking = Applicant::Vault(self.caller.vault.clone());
        let checked =
            fair_scheduler::take(asking, move || forwarded_ticket::check(&ticket, &issuer, clock::now()));
        let claims = checked.await.map_err(|Crowded| OutboundError::Unchecked)??;
        let place = self.place().await?;
        let payer = Arc::downgrade(own);
        let line = OutboundConnection::open(
            &self.caller,
            &held.ticket,
            &claims,
            Arc::clone(&held.death),
            (place, payer),
        )
        .await;
        let line = line.map_err(|error| match self.buried(&claims.vault) {
            Some(death) if error.may_be_dead() => dead(&death),
            _ => error,
        })?;
        *slot = Some(line.clone());
        Ok(line)
    }

    fn buried(&self, vault: &VaultId) -> Option<Death> {
        self.graves.upgrade()?.death(vault)
    }

    /// A place for one more line; a line that nobody uses is given up for it.
    async fn place(&self) -> Result<OwnedSemaphorePermit, OutboundError> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        let mut all: Vec<Arc<HeldObject>> = self.book().held.values().cloned().collect();
        all.sort_by_key(|held| held.last_used());
        for held in all {
            if let Ok(mut slot) = held.line.try_lock()
                && slot.as_ref().is_some_and(OutboundConnection::is_spare)
            {
                *slot = None;
                drop(slot);
                // Its task gives the place back as soon as it sees that.
                let place = Arc::clone(&self.places).acquire_owned().await;
                return place.map_err(|_| OutboundError::Closed);
            }
        }
        Err(OutboundError::Crowded(MAX_LINES))
    }

    /// Lets go of everything. The vault is dead.
    pub fn close(&self) {
        let mut book = self.book();
        book.closed = true;
        // Dropping the set ends its tasks.
        let (held, tasks) = (std::mem::take(&mut book.held), std::mem::take(&mut book.tasks));
        book.offered.clear();
        drop(book);
        drop(tasks);
        for held in held.into_values() {
            // Whoever holds the lock is a task that was just aborted, and the line goes with it.
            if let Ok(mut slot) = held.line.try_lock() {
                *slot = None;
            }
        }
    }
}

impl ObjectTable {
    fn touch(&mut self, word: &str) {
        self.uses += 1;
        if let Some(held) = self.held.get(word) {
            *held.used.lock().unwrap_or_else(PoisonError::into_inner) = self.uses;
        }
    }

    /// The expired go first, then what was not used for longest.
    fn make_room(&mut self) -> Result<(), TravelError> {
        if self.held.len() < MAX_HELD {
            return Ok(());
        }
        let now = clock::now();
        self.held.retain(|_, held| held.kept || held.ticket.expires_at > now);
        if self.held.len() < MAX_HELD {
            return Ok(());
        }
        let loose = self.held.iter().filter(|(_, held)| !held.kept);
        let oldest = loose.min_by_key(|(_, held)| held.last_used()).map(|(word, _)| word.clone());
        match oldest {
            Some(word) => self.held.remove(&word).map(drop).ok_or(TravelError::Full(MAX_HELD)),
            None => Err(TravelError::Full(MAX_HELD)),
        }
    }
}

impl HeldObject {
    fn last_used(&self) -> u64 {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Text(Arc<HeldObject>);

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0.text
    }
}
