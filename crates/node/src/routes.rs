//! HTTP routes of the inner contract, for a `haukid node` whose core is another process.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use hauki_contract::api::clone::{CloneAnswer, TRACES};
use hauki_contract::api::node::{BeatOrder, Code, DestructOrder, Doom, NodeApi, OpenOrder, ProvisionOrder};
use hauki_contract::api::node_error::{NodeError, NodeErrorBody, NodeFault};
use hauki_contract::api::paths::node as paths;
use hauki_contract::api::summons::MAX_SOURCE_BYTES;
use hauki_contract::model::id::VaultId;
use hauki_contract::strict::{self, DocumentLimits, WireDocument};

/// A source of the largest size, quoted as JSON, and what goes with it.
const MAX_BODY_BYTES: usize = 4 * MAX_SOURCE_BYTES;

type SharedNode = State<Arc<dyn NodeApi>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewsQuery {
    after: u64,
    wait_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VaultsQuery {
    of: Option<VaultId>,
}

pub fn router(node: Arc<dyn NodeApi>) -> Router {
    Router::new()
        .route(paths::WORD, get(|State(node): SharedNode| async move { reply(node.status().await) }))
        .route(paths::HEALTH, get(|State(node): SharedNode| async move { reply(node.health().await) }))
        .route(
            paths::VAULTS,
            get(|State(node): SharedNode, Query(query): Query<VaultsQuery>| async move {
                reply(node.vaults(query.of).await)
            }),
        )
        .route(
            paths::PROVISION,
            post(|State(node): SharedNode, Order(order): Order<ProvisionOrder>| async move {
                reply(node.provision(order).await)
            }),
        )
        .route(
            paths::CODE,
            post(|State(node): SharedNode, Order(code): Order<Code>| async move { reply(node.keep(code).await) }),
        )
        .route(
            paths::OPEN,
            post(|State(node): SharedNode, Path(id): Path<String>, Order(order): Order<OpenOrder>| async move {
                match same(&id, &order.vault) {
                    Ok(()) => reply(node.open(order).await),
                    Err(error) => refuse(error),
                }
            }),
        )
        .route(
            paths::BEAT,
            post(|State(node): SharedNode, Path(id): Path<String>, Order(order): Order<BeatOrder>| async move {
                match same(&id, &order.vault) {
                    Ok(()) => reply(node.beat(order).await),
                    Err(error) => refuse(error),
                }
            }),
        )
        .route(
            paths::DESTRUCT,
            post(
                |State(node): SharedNode, Path(id): Path<String>, Order(order): Order<DestructOrder>| async move {
                    match same(&id, &order.vault) {
                        Ok(()) => reply(node.destruct(order).await),
                        Err(error) => refuse(error),
                    }
                },
            ),
        )
        .route(
            paths::DOOM,
            post(|State(node): SharedNode, Order(doom): Order<Doom>| async move { reply(node.doom(doom).await) }),
        )
        .route(
            paths::CLONES,
            post(|State(node): SharedNode, Path(id): Path<String>, Order(answer): Order<CloneAnswer>| async move {
                match same(&id, &answer.vault) {
                    Ok(()) => reply(node.cloned(answer).await),
                    Err(error) => refuse(error),
                }
            }),
        )
        .route(
            paths::RECEIPT,
            get(|State(node): SharedNode, Path(id): Path<String>| async move {
                match id.parse() {
                    Ok(vault) => reply(node.receipt(vault).await),
                    Err(_) => refuse(NodeError::new(NodeFault::BadOrder, format!("{id} is no vault's id"))),
                }
            }),
        )
        .route(
            paths::ASKS,
            get(|State(node): SharedNode, Query(query): Query<NewsQuery>, headers: HeaderMap| async move {
                let asked = node.asks(query.after, query.wait_ms).await;
                reply(asked.map(|asks| if headers.contains_key(TRACES) { asks } else { asks.without_traces() }))
            }),
        )
        .route(
            paths::NEWS,
            get(|State(node): SharedNode, Query(query): Query<NewsQuery>| async move {
                reply(node.news(query.after, query.wait_ms).await)
            }),
        )
        .fallback(|| async { refuse(NodeError::new(NodeFault::NotAsked, "no such path on a node")) })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(node)
}

/// A body, read strictly; what is none is refused like everything else here.
struct Order<T>(T);

impl<S: Send + Sync, T: WireDocument> FromRequest<S> for Order<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let bad = |reason: String| refuse(NodeError::new(NodeFault::BadOrder, reason));
        let bytes = Bytes::from_request(request, state).await.map_err(|error| bad(error.body_text()))?;
        let order =
            strict::text(&bytes).and_then(|text| T::read(text, DocumentLimits::bytes(MAX_BODY_BYTES), None));
        order.map(Self).map_err(|error| bad(error.to_string()))
    }
}

/// The path and the body must name the same vault.
fn same(path: &str, body: &VaultId) -> Result<(), NodeError> {
    if path == body.as_str() {
        return Ok(());
    }
    Err(NodeError::new(NodeFault::BadOrder, format!("the path names {path}, the body {body}")))
}

fn reply<T: Serialize>(answer: Result<T, NodeError>) -> Response {
    match answer {
        Ok(body) => Json(body).into_response(),
        Err(error) => refuse(error),
    }
}

fn refuse(error: NodeError) -> Response {
    let body = NodeErrorBody::from(error);
    let status = StatusCode::from_u16(body.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_order_is_read_strictly() {
        let read = async |body: &'static str| {
            let request = Request::new(axum::body::Body::from(body));
            Order::<BeatOrder>::from_request(request, &()).await
        };
        for body in ["", "[]", "{", "{\"vault\":1}", "\u{feff}"] {
            let refused = read(body).await.err().expect(body);
            assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
            let kind = refused.headers()[axum::http::header::CONTENT_TYPE].to_str().expect("is text");
            assert_eq!(kind, "application/json", "{body}");
        }
    }
}
