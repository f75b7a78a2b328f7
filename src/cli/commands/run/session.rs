//! Turns of `hauki run`: a program as a turn of a worker that takes them, kept under a name or for this run alone.
//!
//! The one for this run is linked to this process: whatever ends the process ends the vault. A kept one lives until its
//! lease ends, which each turn renews; its ticket lies with the user.

use std::pin::pin;
use std::time::Duration;

use serde_json::value::RawValue;

use super::files::{self, WORKER};
use super::{LONGEST_MS, ProgramText, RunOnceArgs};
use crate::api::summons::{Origin, SpawnRequest, SummonsRequest};
use crate::api::teardown::DestructQuery;
use crate::cli::connect;
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::session_store::{KeptSession, SessionPlace};
use crate::cli::{sanitize, source_faults};
use crate::client::compiler::TurnMaps;
use crate::client::ghost::{CallNumber, GhostError, GhostEvent, GhostOptions, ParsedEvent};
use crate::client::{Exit, Ghost};
use crate::model::gem::Wishes;
use crate::model::name::ServiceName;
use crate::model::ticket::Ticket;
use crate::rpc::builtin::{self, feature};
use crate::rpc::channel::WorkerError;
use hauki_contract::rpc::evaluation::{Evaluate, Evaluated};
use hauki_contract::strict::{DocumentLimits, tolerant_reader};
use hauki_contract::system::random;

/// How long a kept worker lives from one turn to the next, unless somebody says otherwise.
const LEASE_MS: u64 = 3_600_000;

/// Room for files.
const FRAME_BYTES: u32 = 8 << 20;

/// What came of a turn.
struct TurnOutcome {
    value: Option<Box<RawValue>>,
}

/// In a worker for this run alone.
pub(super) fn once(ctx: &Ctx, args: &RunOnceArgs, program: ProgramText<'_>) -> Result<Exit, CliError> {
    let limit = ctx.timeout_if_set()?;
    let outcome = ctx.block_on(Limit::OnlyIfSet, async {
        let files = files::read(&args.file).await?;
        let ticket = made(ctx, args, None, limit).await?;
        let ghost = opened(ctx, &ticket, limit, GhostOptions::default()).await?;
        let (turns, done) = turn(ctx, &ghost, args, &program, files, TurnMaps::default()).await;
        let done = match done {
            Ok(done) => files::get(ctx, &ghost, &args.get).await.map(|()| done),
            Err(failed) => Err(failed.told(ctx, &ghost, &turns, &program).await),
        };
        // Whether it can be told of or not: the link ends it as well.
        let _ = ghost.destruct(Duration::ZERO).await;
        done
    })?;
    shown(ctx, args, &outcome)
}

/// In the worker of that name, which is made if there is none.
pub(super) fn kept(
    ctx: &Ctx,
    args: &RunOnceArgs,
    name: &ServiceName,
    program: ProgramText<'_>,
) -> Result<Exit, CliError> {
    let (limit, place) = (ctx.timeout_if_set()?, SessionPlace::of(name));
    let outcome = ctx.block_on(Limit::OnlyIfSet, async {
        let files = files::read(&args.file).await?;
        let session = found(ctx, args, name, &place, limit).await?;
        let ghost = match opened(ctx, &session.ticket, limit, connect::short()).await {
            Ok(ghost) => ghost,
            Err(error) => return Err(ended(name, &place, &session, error).await),
        };
        let (turns, done) = turn(ctx, &ghost, args, &program, files, session.turns.clone()).await;
        remember(&place, &session, &turns).await?;
        match done {
            Ok(done) => files::get(ctx, &ghost, &args.get).await.map(|()| done),
            Err(failed) => {
                let error = failed.told(ctx, &ghost, &turns, &program).await;
                Err(ended(name, &place, &session, error).await)
            }
        }
    })?;
    shown(ctx, args, &outcome)
}

/// Ends the worker of that name; that there is none any more is no error.
pub(super) fn end(ctx: &Ctx, name: &ServiceName) -> Result<Exit, CliError> {
    let place = SessionPlace::of(name);
    ctx.block_on(Limit::Usual, async {
        let _lock = place.lock().await?;
        match place.load() {
            Ok(None) => {
                place.forget()?;
                let missing = ErrorKind::new("no_session", Exit::NotFound);
                return Err(CliError::new(missing, format!("there is no session {name}")));
            }
            Ok(Some(session)) => {
                let vault = &session.ticket.vault;
                match connect::open(ctx, &session.ticket, connect::short()).await {
                    Ok(ghost) => {
                        // One that cannot be reached ends with its lease, unless its control plane ends it now.
                        if ghost.destruct(Duration::ZERO).await.is_err()
                            && let Some(endpoint) = ctx.endpoint_if_live().await
                        {
                            let _ = endpoint.destruct(vault, &DestructQuery::default()).await;
                        }
                    }
                    Err(error) if error.kind.code == "vault_dead" => {}
                    Err(_) => {
                        if let Some(endpoint) = ctx.endpoint_if_live().await {
                            let _ = endpoint.destruct(vault, &DestructQuery::default()).await;
                        }
                    }
                }
            }
            // What cannot be read is forgotten, as it was asked to be.
            Err(error) => ctx.warn(&error.message),
        }
        place.forget()
    })?;
    Ok(Exit::Ok)
}

/// The session's file, or a new worker and its file. Two commands at once make one.
async fn found(
    ctx: &Ctx,
    args: &RunOnceArgs,
    name: &ServiceName,
    place: &SessionPlace,
    limit: Option<u64>,
) -> Result<KeptSession, CliError> {
    let _lock = place.lock().await?;
    if let Some(kept) = place.load()? {
        return Ok(kept);
    }
    let session = KeptSession::new(made(ctx, args, Some(name), limit).await?);
    if let Err(error) = place.save(&session).await {
        // Nobody would find it again.
        if let Ok(endpoint) = ctx.endpoint().await {
            let _ = endpoint.destruct(&session.ticket.vault, &DestructQuery::default()).await;
        }
        return Err(error);
    }
    Ok(session)
}

async fn made(
    ctx: &Ctx,
    args: &RunOnceArgs,
    name: Option<&ServiceName>,
    limit: Option<u64>,
) -> Result<Ticket, CliError> {
    // A kept one's turns each have a deadline of their own.
    let limit = limit.filter(|_| name.is_none()).unwrap_or(LONGEST_MS).min(LONGEST_MS);
    let wishes = Wishes {
        memory_bytes: args.memory,
        call_deadline_ms: u32::try_from(limit).ok(),
        max_frame_bytes: Some(FRAME_BYTES),
        lease_ms: name.map(|_| args.lease.unwrap_or(LEASE_MS)),
        link: name.is_none().then_some(true),
        net: args.allow_net.clone(),
        secrets: args.secret.clone(),
        ..Wishes::default()
    };
    let summons = SummonsRequest {
        key: random::idempotency_key(),
        origin: Origin::Source { text: WORKER.to_owned(), file: "session.js".to_owned(), compilation: None },
        args: Vec::new(),
        wishes,
        labels: Default::default(),
        name: name.cloned(),
        dry_run: false,
    };
    let (placement, ticket, get_or_create) = Default::default();
    let request = SpawnRequest { summons, placement, ticket, get_or_create };
    Ok(ctx.endpoint().await?.spawn(&request).await?.ticket)
}

async fn opened(
    ctx: &Ctx,
    ticket: &Ticket,
    limit: Option<u64>,
    options: GhostOptions,
) -> Result<Ghost, CliError> {
    let call_deadline = limit.map(Duration::from_millis);
    let options = GhostOptions { call_deadline, reconnect: false, ..options };
    let ghost = connect::open(ctx, ticket, options).await?;
    let welcome = match ghost.welcome().await {
        Ok(welcome) => welcome,
        Err(error) => return Err(connect::explain(ctx, ghost.vault(), error).await),
    };
    if !welcome.has(feature::EVALUATE) {
        let kind = ErrorKind::new("unsupported", Exit::Config);
        let error = CliError::new(kind, format!("the node of {} knows no turns", ghost.vault()));
        return Err(error.hint("hauki version shows whether the daemon is of another version"));
    }
    Ok(ghost)
}

/// Why a turn has no value.
enum TurnFailure {
    Ghost(GhostError),
    Told(CliError),
}

impl TurnFailure {
    /// With the author's places.
    async fn told(self, ctx: &Ctx, ghost: &Ghost, turns: &TurnMaps, program: &ProgramText<'_>) -> CliError {
        let error = match self {
            Self::Told(error) => return error,
            Self::Ghost(error) => error,
        };
        let GhostError::Rpc { error: rpc, .. } = &error else {
            return connect::explain(ctx, ghost.vault(), error).await;
        };
        let worker = rpc.data.as_ref().and_then(|data| tolerant_reader::from_value::<WorkerError>(data).ok());
        let Some(worker) = worker else { return connect::explain(ctx, ghost.vault(), error).await };
        let placed = turns.place(worker);
        let shown = CliError::new(ErrorKind::new(error.code(), error.exit()), placed.message.clone());
        source_faults::thrown_at(shown, &placed, program.source, program.file).thrown("worker", &placed)
    }
}

/// Evaluates the program; its lines come to standard error. Whatever comes of it, the maps are those of the last turns.
async fn turn(
    ctx: &Ctx,
    ghost: &Ghost,
    args: &RunOnceArgs,
    program: &ProgramText<'_>,
    files: Vec<(String, Vec<u8>)>,
    mut turns: TurnMaps,
) -> (TurnMaps, Result<TurnOutcome, TurnFailure>) {
    if let Err(error) = files::put(ctx, ghost, files).await {
        return (turns, Err(TurnFailure::Told(error)));
    }
    let text = &program.text;
    let words = program.words.iter().filter_map(|word| serde_json::value::to_raw_value(word).ok());
    let asked = Evaluate { text: text.text.clone(), args: Some(words.collect()), powers: args.powers() };
    let params = serde_json::to_string(&asked).unwrap_or_default();
    let (mut events, number) = (ghost.events(), ghost.number());
    let mut answer = pin!(ghost.call_as(number, builtin::EVALUATE, Some(&params)));
    let answer = loop {
        tokio::select! {
            biased;
            Some(event) = events.next() => line(ctx, &turns, number, &event),
            answer = &mut answer => break answer,
        }
    };
    while let Some(event) = events.try_next() {
        line(ctx, &turns, number, &event);
    }
    match answer {
        Ok(answer) => {
            let read = tolerant_reader::fields::<Evaluated>(
                answer.get(),
                DocumentLimits { bytes: answer.get().len(), ..DocumentLimits::MESSAGE },
            );
            match read {
                Ok(Evaluated { turn, value }) => {
                    turns.keep(turn, text);
                    (turns, Ok(TurnOutcome { value }))
                }
                Err(source) => {
                    let method = builtin::EVALUATE.to_owned();
                    (turns, Err(TurnFailure::Ghost(GhostError::Answer { method, source })))
                }
            }
        }
        Err(error) => {
            if let GhostError::Rpc { error: rpc, .. } = &error
                && let Some(data) = &rpc.data
                && let Ok(worker) = tolerant_reader::from_value::<WorkerError>(data)
                && let Some(number) = newest(&worker)
            {
                turns.keep(number, text);
            }
            (turns, Err(TurnFailure::Ghost(error)))
        }
    }
}

/// Of an error the turn that was evaluated: no other has a higher number.
fn newest(error: &WorkerError) -> Option<u64> {
    let stack = error.stack.as_deref().unwrap_or_default();
    let named = stack.split("(t").skip(1).filter_map(|rest| {
        let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
        rest[..end].parse().ok()
    });
    named.chain(TurnMaps::turn_of(error)).max()
}

fn line(ctx: &Ctx, turns: &TurnMaps, number: CallNumber, event: &GhostEvent) {
    if event.call() == Some(number)
        && let ParsedEvent::Log { text } = event.what()
    {
        ctx.remark(&format!("{}\n", sanitize::line(&turns.placed(&text))));
    }
}

/// Adds this turn to what is in the file by now.
async fn remember(place: &SessionPlace, session: &KeptSession, turns: &TurnMaps) -> Result<(), CliError> {
    let _lock = place.lock().await?;
    match place.load()? {
        Some(mut now) if now.ticket.vault == session.ticket.vault => {
            now.turns.join(turns);
            place.save(&now).await
        }
        // Somebody has ended it meanwhile, or made another.
        _ => Ok(()),
    }
}

/// What has died is forgotten, and said.
async fn ended(name: &ServiceName, place: &SessionPlace, session: &KeptSession, error: CliError) -> CliError {
    if error.kind.code != "vault_dead" {
        return error;
    }
    if let Ok(_lock) = place.lock().await
        && let Ok(Some(now)) = place.load()
        && now.ticket.vault == session.ticket.vault
    {
        let _ = place.forget();
    }
    let error = error.note(format!("   session {name} has ended"));
    error.hint(format!("the next hauki run --session {name} begins a new one"))
}

fn shown(ctx: &Ctx, args: &RunOnceArgs, outcome: &TurnOutcome) -> Result<Exit, CliError> {
    let Some(value) = &outcome.value else { return Ok(Exit::Ok) };
    let limits = DocumentLimits { bytes: value.get().len(), ..DocumentLimits::MESSAGE };
    let text = match tolerant_reader::fields::<String>(value.get(), limits) {
        Ok(text) if args.raw => text,
        _ => value.get().to_owned(),
    };
    ctx.out.line(&text).map_err(|error| CliError::io("write to standard output", &error))?;
    Ok(Exit::Ok)
}
