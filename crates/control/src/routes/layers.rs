//! Middleware: what every request goes through before its handler: it is counted, its asker's rights and what it
//! brings are judged by the one table, and it waits for its asker's turn.

use axum::body::HttpBody as _;
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use futures_util::stream::{self, TryStreamExt as _};

use super::*;
use crate::authorization::{endpoint, judge};
use crate::extract::MAX_BODY_BYTES;
use crate::failure::Failure;
use crate::user_limits::{CostClass, UserPermit};

/// A shorter one has left us as soon as it is written.
const LONG_BYTES: u64 = 64 * 1024;
const PIECE_BYTES: usize = 64 * 1024;

/// Before any handler: who may ask for what at all.
pub(super) async fn judged(asker: Asker, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().as_str(), template(request.uri().path()));
    let judged = judge(rights(&asker), method, path).map_err(ApiRejection::from);
    match judged.and_then(|()| refuse_extra(&request, path).map_err(ApiRejection::from)) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// A query or a body where none is meant: whoever sends one means something by it, as `dry_run`.
fn refuse_extra(request: &Request, path: &str) -> Result<(), RequestError> {
    let method = request.method().as_str();
    let Some(known) = endpoint(method, path) else { return Ok(()) };
    let refused = |what| Err(RequestError::Extra { method: method.to_owned(), path: path.to_owned(), what });
    if known.query.is_none() && request.uri().query().is_some_and(|query| !query.is_empty()) {
        return refused("query");
    }
    if known.body.is_none() && !request.body().is_end_stream() {
        return refused("body");
    }
    Ok(())
}

/// In the turn of who asks.
pub(super) async fn charged(State(core): Uah, asker: Asker, request: Request, next: Next) -> Response {
    let bytes = bytes_of(&request);
    let is_long = bytes > user_limits::LONG_BYTES;
    let Some(uid) = rights(&asker).only() else {
        let turn = core.charges().administrators_turn(bytes).await;
        return user_limits::within(turn, user_limits::about(is_long, next.run(request))).await;
    };
    let (method, path) = (request.method(), template(request.uri().path()));
    let kind = match path {
        paths::EVENTS | paths::REGISTRY_WATCH => CostClass::Waiting,
        paths::SPOOL_ONE if method == Method::GET => CostClass::Waiting,
        paths::SPAWN | paths::PROVISION => CostClass::Making,
        paths::VAULT if method == Method::DELETE => CostClass::Making,
        paths::HEARTBEATS => CostClass::Beat,
        paths::VAULTS | paths::REGISTRY | paths::SPOOL if method == Method::GET => CostClass::Listing,
        _ => CostClass::Work,
    };
    match core.charges().turn(uid, kind, bytes).await {
        Ok(turn) => {
            let answer = user_limits::within(turn.clone(), user_limits::about(is_long, next.run(request)));
            until_read(answer.await, turn)
        }
        Err(error) => ApiRejection::from(Failure::from(error)).into_response(),
    }
}

/// Of its body. One that does not say how long it is may be as long as any.
fn bytes_of(request: &Request) -> u64 {
    let hint = request.body().size_hint();
    hint.exact().or(hint.upper()).unwrap_or(MAX_BODY_BYTES as u64)
}

/// A long answer waits in memory for its reader, and its asker has a turn less for as long.
fn until_read(answer: Response, turn: UserPermit) -> Response {
    let Some(length) = answer.body().size_hint().exact().filter(|length| *length > LONG_BYTES) else {
        return answer;
    };
    let (mut parts, body) = answer.into_parts();
    parts.headers.insert(CONTENT_LENGTH, length.into());
    // In pieces, because who writes it takes the next one only when there is room.
    let pieces = body
        .into_data_stream()
        .map_ok(move |mut bytes| {
            let turn = turn.clone();
            stream::iter(std::iter::from_fn(move || {
                let _ = &turn;
                let piece = bytes.split_to(bytes.len().min(PIECE_BYTES));
                (!piece.is_empty()).then_some(Ok::<_, axum::Error>(piece))
            }))
        })
        .try_flatten();
    Response::from_parts(parts, Body::from_stream(pieces))
}

/// Counts the request, for `/metrics` and for the daemon's idle exit.
pub(super) async fn measure(State(core): Uah, request: Request, next: Next) -> Response {
    let _under_way = core.request();
    let method = request.method().clone();
    let path = template(request.uri().path());
    let response = next.run(request).await;
    // A peer may send any word as the method; each would be a metric of its own.
    let method = match method {
        Method::GET | Method::HEAD | Method::POST | Method::DELETE => method.as_str().to_owned(),
        _ => "other".to_owned(),
    };
    core.answered(&method, path, response.status().as_u16());
    response
}

/// The path as it is documented, so that ids do not make a metric each.
/// As the router does it, one without an id goes before one with any.
pub(super) fn template(path: &str) -> &'static str {
    let known = || ENDPOINTS.iter().map(|endpoint| endpoint.path);
    known()
        .find(|known| *known == path)
        .or_else(|| known().find(|known| fits(known, path)))
        .unwrap_or("other")
}

fn fits(template: &str, path: &str) -> bool {
    let (mut known, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (known.next(), given.next()) {
            (None, None) => return true,
            (Some("{id}"), Some(segment)) if !segment.is_empty() => {}
            (Some(known), Some(segment)) if known == segment => {}
            _ => return false,
        }
    }
}
