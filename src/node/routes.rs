//! The inner contract over HTTP, for a `haukid node` whose core is another process.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::Serialize;

use crate::api::clone::CloneAnswer;
use crate::api::node::{BeatOrder, Code, DestructOrder, Doom, NodeApi, OpenOrder, ProvisionOrder};
use crate::api::paths::node as paths;
use crate::api::summons::MAX_SOURCE_BYTES;
use crate::api::{ApiError, ErrorCode};
use crate::model::id::VaultId;

/// A source of the largest size, quoted as JSON, and what goes with it.
const MAX_BODY_BYTES: usize = 4 * MAX_SOURCE_BYTES;

type Desk = State<Arc<dyn NodeApi>>;

#[derive(Deserialize)]
struct NewsQuery {
    after: u64,
    wait_ms: u64,
}

#[derive(Deserialize)]
struct VaultsQuery {
    of: Option<VaultId>,
}

pub fn router(node: Arc<dyn NodeApi>) -> Router {
    Router::new()
        .route(paths::WORD, get(|State(node): Desk| async move { reply(node.word().await) }))
        .route(paths::HEALTH, get(|State(node): Desk| async move { reply(node.health().await) }))
        .route(
            paths::VAULTS,
            get(|State(node): Desk, Query(query): Query<VaultsQuery>| async move {
                reply(node.vaults(query.of).await)
            }),
        )
        .route(
            paths::PROVISION,
            post(|State(node): Desk, body: String| async move {
                match parse::<ProvisionOrder>(&body) {
                    Ok(order) => reply(node.provision(order).await),
                    Err(error) => refuse(&error),
                }
            }),
        )
        .route(
            paths::CODE,
            post(|State(node): Desk, body: String| async move {
                match parse::<Code>(&body) {
                    Ok(code) => reply(node.keep(code).await),
                    Err(error) => refuse(&error),
                }
            }),
        )
        .route(
            paths::OPEN,
            post(|State(node): Desk, Path(id): Path<String>, body: String| async move {
                match parse::<OpenOrder>(&body).and_then(|order| same(&id, &order.vault).map(|()| order)) {
                    Ok(order) => reply(node.open(order).await),
                    Err(error) => refuse(&error),
                }
            }),
        )
        .route(
            paths::BEAT,
            post(|State(node): Desk, Path(id): Path<String>, body: String| async move {
                match parse::<BeatOrder>(&body).and_then(|order| same(&id, &order.vault).map(|()| order)) {
                    Ok(order) => reply(node.beat(order).await),
                    Err(error) => refuse(&error),
                }
            }),
        )
        .route(
            paths::DESTRUCT,
            post(|State(node): Desk, Path(id): Path<String>, body: String| async move {
                match parse::<DestructOrder>(&body).and_then(|order| same(&id, &order.vault).map(|()| order))
                {
                    Ok(order) => reply(node.destruct(order).await),
                    Err(error) => refuse(&error),
                }
            }),
        )
        .route(
            paths::DOOM,
            post(|State(node): Desk, body: String| async move {
                match parse::<Doom>(&body) {
                    Ok(doom) => reply(node.doom(doom).await),
                    Err(error) => refuse(&error),
                }
            }),
        )
        .route(
            paths::CLONES,
            post(|State(node): Desk, Path(id): Path<String>, body: String| async move {
                match parse::<CloneAnswer>(&body).and_then(|answer| same(&id, &answer.vault).map(|()| answer))
                {
                    Ok(answer) => reply(node.cloned(answer).await),
                    Err(error) => refuse(&error),
                }
            }),
        )
        .route(
            paths::NEWS,
            get(|State(node): Desk, Query(query): Query<NewsQuery>| async move {
                reply(node.news(query.after, query.wait_ms).await)
            }),
        )
        .fallback(|| async { refuse(&ApiError::new(ErrorCode::NotFound, "no such path on a node")) })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(node)
}

fn parse<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, ApiError> {
    serde_json::from_str(body).map_err(|error| ApiError::new(ErrorCode::BadRequest, error.to_string()))
}

/// The path and the body must name the same vault.
fn same(path: &str, body: &VaultId) -> Result<(), ApiError> {
    if path == body.as_str() {
        return Ok(());
    }
    Err(ApiError::new(ErrorCode::BadRequest, format!("the path names {path}, the body {body}")))
}

fn reply<T: Serialize>(answer: Result<T, ApiError>) -> Response {
    match answer {
        Ok(body) => Json(body).into_response(),
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(error)).into_response()
}
