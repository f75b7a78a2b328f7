//! HTTP routes of UAH CORE: each handler reads a request, calls one method of [`Core`], writes the answer.
//!
//! A handler owns nothing. When a client hangs up, its handler is dropped where it stands; what
//! that must undo is undone by the service (`control::forge`), and what is to be done all the same
//! goes on (`control::run_to_completion`). Whose is what is judged in `control::ownership`.

mod layers;
mod nodes;
mod older;
mod secrets;
pub(super) mod spool;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::{Stream, StreamExt as _};
use serde::Serialize;
use serde_json::Value;

use super::authorization::Rights;
use super::extract::{ApiRejection, Id, Json, Query, RequestError};
use super::manifest;
use super::service::Core;
use super::teardown::MAX_BEATS;
use super::user_limits;
use hauki_contract::api::endpoints::ENDPOINTS;
use hauki_contract::api::event::EventQuery;
use hauki_contract::api::gem::{Gem, GemList, GemPush, GemQuery, GemRemoved};
use hauki_contract::api::health::Health;
use hauki_contract::api::openapi;
use hauki_contract::api::paths;
use hauki_contract::api::peer::Peer;
use hauki_contract::api::registry::{Holder, ResolveRequest, Resolved, ServiceList, WatchQuery};
use hauki_contract::api::summons::{
    SpawnRequest, Spawned, Summons, SummonsFound, SummonsQuery, SummonsRequest,
};
use hauki_contract::api::teardown::{
    Beat, BeatReply, BeatRequest, DestructQuery, DestructReply, DestructRequest, Destructed, ReapRequest,
    Reaped,
};
use hauki_contract::api::vault::{ProvisionRequest, TicketRequest, Vault, VaultList, VaultQuery};
use hauki_contract::model::id::{SummonsId, VaultId};
use hauki_contract::model::ticket::Ticket;

use layers::{charged, judged, measure, template};

type Uah = State<Arc<Core>>;
type Answer<T> = Result<Json<T>, ApiRejection>;
/// By the kernel's word, where the daemon listens on a Unix socket.
type Asker = Option<Extension<Peer>>;

/// Every endpoint of `api::paths`. Access control is the daemon's, in a layer around this.
pub fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route(paths::SPAWN, post(spawn))
        .route(paths::SUMMONS, get(find_summons).post(summon))
        .route(paths::SUMMONS_ONE, get(summons))
        .route(paths::PROVISION, post(provision))
        .route(paths::TICKETS, post(ticket))
        .route(paths::HEARTBEATS, post(heartbeats))
        .route(paths::VAULTS, get(vaults))
        .route(paths::VAULT, get(vault).delete(destruct))
        .route(paths::DESTRUCTS, post(destruct_many))
        .route(paths::REAP, post(reap))
        .route(paths::GEMS, get(gems).post(push_gem).delete(remove_gem))
        .route(paths::GEM_RESOLVE, get(resolve_gem))
        .route(paths::SECRETS, get(secrets::list).post(secrets::set).delete(secrets::remove))
        .route(paths::REGISTRY, get(services))
        .route(paths::REGISTRY_RESOLVE, post(resolve_service))
        .route(paths::REGISTRY_WATCH, get(watch_services))
        .route(paths::SPOOL, get(spool::list).post(spool::put))
        .route(paths::SPOOL_ONE, get(spool::show).delete(spool::remove))
        .route(paths::SPOOL_RETRY, post(spool::retry))
        .route(paths::SPOOL_ORDERS, post(spool::order))
        .route(paths::NODE_ORDERS, post(nodes::order))
        .route(paths::NODES, get(nodes::list).post(nodes::add))
        .route(paths::NODE, get(nodes::show).delete(nodes::remove))
        .route(paths::NODE_DRAIN, post(nodes::drain))
        .route(paths::NODE_UPGRADE, post(nodes::upgrade))
        .route(paths::EVENTS, get(events))
        .route(paths::OPENAPI, get(document))
        .route(paths::MANIFEST, get(mesh_manifest))
        .route(paths::HEALTH, get(health))
        .route(paths::METRICS, get(metrics))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(older::readable))
        .layer(from_fn_with_state(core.clone(), charged))
        .layer(from_fn(judged))
        .layer(from_fn_with_state(core.clone(), measure))
        .with_state(core)
}

pub(super) async fn spawn(
    State(core): Uah,
    asker: Asker,
    Json(mut request): Json<SpawnRequest>,
) -> Answer<Spawned> {
    let rights = rights(&asker);
    core.judge_invitations(rights, &request.summons.wishes.net)?;
    rights.mark(&mut request.summons.key);
    let mut spawned = core.spawn_for(uid(&asker), rights.only(), request).await?;
    rights.unmark(&mut spawned.summons.key);
    Ok(Json(spawned))
}

pub(super) async fn summon(
    State(core): Uah,
    asker: Asker,
    Json(mut request): Json<SummonsRequest>,
) -> Answer<Summons> {
    let rights = rights(&asker);
    core.judge_invitations(rights, &request.wishes.net)?;
    rights.mark(&mut request.key);
    let mut summons = core.summon_for(uid(&asker), request).await?;
    rights.unmark(&mut summons.key);
    Ok(Json(summons))
}

async fn find_summons(
    State(core): Uah,
    asker: Asker,
    Query(query): Query<SummonsQuery>,
) -> Answer<SummonsFound> {
    Ok(Json(core.find_summons(rights(&asker).only(), query).await?))
}

async fn summons(State(core): Uah, asker: Asker, Id(id): Id<SummonsId>) -> Answer<Summons> {
    let rights = rights(&asker);
    core.own_summons(rights, &id).await?;
    let mut summons = core.summons(&id).await?;
    rights.unmark(&mut summons.key);
    Ok(Json(summons))
}

pub(super) async fn provision(
    State(core): Uah,
    asker: Asker,
    Json(mut request): Json<ProvisionRequest>,
) -> Answer<Vault> {
    rights(&asker).mark(&mut request.key);
    core.own_summons_of(rights(&asker), &request).await?;
    Ok(Json(core.provision(request).await?))
}

async fn ticket(State(core): Uah, asker: Asker, Json(request): Json<TicketRequest>) -> Answer<Ticket> {
    core.own_vault(rights(&asker), &request.vault).await?;
    Ok(Json(core.ticket(request).await?))
}

async fn heartbeats(
    State(core): Uah,
    asker: Asker,
    Json(mut request): Json<BeatRequest>,
) -> Answer<BeatReply> {
    let rights = rights(&asker);
    request.by = request.by.or_else(|| name(asker));
    let (mut own, mut places, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    let wanted = request.vaults.len();
    if wanted > MAX_BEATS {
        return Ok(Json(core.heartbeats(request).await?));
    }
    for (place, target) in std::mem::take(&mut request.vaults).into_iter().enumerate() {
        match core.own_vault(rights, &target.vault).await {
            Ok(()) => {
                own.push(target);
                places.push(place);
            }
            Err(error) => {
                answers.push((place, Beat { vault: target.vault, lease_left_ms: None, error: Some(error) }));
            }
        }
    }
    // None at all is refused as such.
    if !own.is_empty() || wanted == 0 {
        let beats = core.heartbeats(BeatRequest { vaults: own, ..request }).await?.beats;
        answers.extend(places.into_iter().zip(beats));
    }
    answers.sort_by_key(|(place, _)| *place);
    let beats = answers.into_iter().map(|(_, beat)| beat).collect();
    Ok(Json(BeatReply { beats }))
}

async fn vaults(State(core): Uah, asker: Asker, Query(query): Query<VaultQuery>) -> Answer<VaultList> {
    Ok(Json(core.vaults_of(rights(&asker).only(), query).await?))
}

async fn vault(State(core): Uah, asker: Asker, Id(id): Id<VaultId>) -> Answer<Vault> {
    core.own_vault(rights(&asker), &id).await?;
    Ok(Json(core.vault(&id).await?))
}

async fn destruct(
    State(core): Uah,
    asker: Asker,
    Id(id): Id<VaultId>,
    Query(query): Query<DestructQuery>,
) -> Answer<Destructed> {
    core.own_vault(rights(&asker), &id).await?;
    let (carried, by) = (core.clone(), name(asker));
    Ok(Json(core.carry_out(async move { carried.destruct(&id, query, by).await }).await?))
}

async fn destruct_many(
    State(core): Uah,
    asker: Asker,
    Json(request): Json<DestructRequest>,
) -> Answer<DestructReply> {
    let (carried, only, by) = (core.clone(), rights(&asker).only(), name(asker));
    Ok(Json(core.carry_out(async move { carried.destruct_own(only, request, by).await }).await?))
}

async fn reap(State(core): Uah, asker: Asker, Json(mut request): Json<ReapRequest>) -> Answer<Reaped> {
    request.owner = rights(&asker).only();
    let carried = core.clone();
    Ok(Json(core.carry_out(async move { carried.reap(request).await }).await?))
}

async fn gems(State(core): Uah) -> Answer<GemList> {
    Ok(Json(core.gems().await?))
}

async fn push_gem(State(core): Uah, Json(push): Json<GemPush>) -> Answer<Gem> {
    let carried = core.clone();
    Ok(Json(core.carry_out(async move { carried.push_gem(push).await }).await?))
}

async fn remove_gem(State(core): Uah, Query(query): Query<GemQuery>) -> Answer<GemRemoved> {
    let carried = core.clone();
    Ok(Json(core.carry_out(async move { carried.remove_gem(&query.pointer).await }).await?))
}

async fn resolve_gem(State(core): Uah, Query(query): Query<GemQuery>) -> Answer<Gem> {
    Ok(Json(core.resolve_gem(&query.pointer).await?))
}

async fn services(State(core): Uah, asker: Asker) -> Answer<ServiceList> {
    let (mut list, rights) = (core.services().await?, rights(&asker));
    let mut own = Vec::new();
    for service in list.services {
        if core.own_vault(rights, &service.vault).await.is_ok() {
            own.push(service);
        }
    }
    list.services = own;
    Ok(Json(list))
}

async fn resolve_service(
    State(core): Uah,
    asker: Asker,
    Json(request): Json<ResolveRequest>,
) -> Answer<Resolved> {
    Ok(Json(core.resolve_own(rights(&asker).only(), request).await?))
}

async fn watch_services(
    State(core): Uah,
    asker: Asker,
    Query(query): Query<WatchQuery>,
) -> Result<Response, ApiRejection> {
    let rights = rights(&asker);
    let holders = core.holders(query).await?;
    let looked = core.clone();
    let own = futures_util::stream::unfold(
        (Box::pin(holders), BTreeSet::new(), true),
        move |(mut holders, mut shown, mut first)| {
            let core = looked.clone();
            async move {
                loop {
                    let holder: Holder = holders.next().await?;
                    let first = std::mem::take(&mut first);
                    let own = match &holder.service {
                        Some(service) => core.own_vault(rights, &service.vault).await.is_ok(),
                        None => false,
                    };
                    if own {
                        shown.insert(holder.name.clone());
                        return Some((holder, (holders, shown, false)));
                    }
                    // That another's name is free again is not told either; only how it stood at first.
                    let free = holder.service.is_none();
                    if shown.remove(&holder.name) || (free && (first || rights == Rights::All)) {
                        return Some((Holder { service: None, ..holder }, (holders, shown, false)));
                    }
                }
            }
        },
    );
    Ok(lines(&core, own))
}

async fn events(State(core): Uah, asker: Asker, Query(query): Query<EventQuery>) -> Response {
    let (looked, rights) = (core.clone(), rights(&asker));
    let heard = futures_util::stream::unfold(
        (Box::pin(core.events(query)), HashMap::new()),
        move |(mut events, mut known)| {
            let core = looked.clone();
            async move {
                loop {
                    let event = events.next().await?;
                    if core.may_hear(rights, &mut known, &event).await {
                        return Some((event, (events, known)));
                    }
                }
            }
        },
    );
    lines(&core, heard)
}

/// One JSON object per line. Who follows keeps the daemon busy for as long as they read.
fn lines<T: Serialize>(core: &Arc<Core>, items: impl Stream<Item = T> + Send + 'static) -> Response {
    let with = (core.request(), user_limits::carried());
    let lines = items.map(move |item| {
        let _ = &with;
        let mut line = serde_json::to_vec(&item)?;
        line.push(b'\n');
        Ok::<_, serde_json::Error>(line)
    });
    ([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

async fn document() -> Json<&'static Value> {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    Json(DOCUMENT.get_or_init(openapi::document))
}

async fn mesh_manifest(State(core): Uah) -> Json<Value> {
    Json(manifest::document(core.role()))
}

async fn health(State(core): Uah, asker: Asker) -> Answer<Health> {
    // Which records there are is not for everybody to know.
    Ok(Json(core.health_for(rights(&asker) == Rights::All).await?))
}

async fn metrics(State(core): Uah) -> Result<Response, ApiRejection> {
    let text = core.metrics_text().await?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}

async fn unknown_path(uri: Uri) -> ApiRejection {
    RequestError::NoEndpoint { path: uri.path().to_owned() }.into()
}

async fn wrong_method(method: Method, uri: Uri) -> ApiRejection {
    let allowed: Vec<String> = ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.path == template(uri.path()))
        .map(|endpoint| endpoint.method.as_str().to_uppercase())
        .collect();
    let (path, method) = (uri.path().to_owned(), method.to_string());
    let error = RequestError::Method { path, method, allowed };
    ApiRejection::with_status(error.into(), StatusCode::METHOD_NOT_ALLOWED)
}

fn rights(asker: &Asker) -> Rights {
    Rights::of(asker.as_ref().map(|Extension(peer)| peer))
}

/// Whose it is what this asker makes.
fn uid(asker: &Asker) -> Option<u32> {
    asker.as_ref().map(|Extension(peer)| peer.uid)
}

fn name(asker: Asker) -> Option<String> {
    asker.map(|Extension(peer)| peer.to_string())
}

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;
