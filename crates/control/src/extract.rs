//! Request extractors: reading requests, so that every refusal has the one shape of errors.
//!
//! axum's own extractors answer in plain text and with statuses of their own; nothing of them is
//! used where a client could see it.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinError;

use hauki_contract::api::ApiError;
use hauki_contract::model::error_chain;
use hauki_contract::model::text;
use hauki_contract::strict::{self, DocumentLimits, StrictError, WireDocument};
use hauki_contract::system::tasks;

/// The longest body of any request.
pub(crate) const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// The most values in one. `1,` is two letters and some eighty bytes of memory, several times over while it is taken.
pub(crate) const MAX_BODY_VALUES: usize = 1 << 17;

const LIMITS: DocumentLimits = DocumentLimits::bytes(MAX_BODY_BYTES).values(MAX_BODY_VALUES);

/// A longer one is parsed where nobody waits behind it.
const SHORT_BYTES: usize = 64 * 1024;

/// How long a client may take to send its body.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// Why a request is none of ours, by what HTTP brought.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    #[error("the body is not the expected JSON")]
    Json(#[source] StrictError),
    #[error("read a body")]
    Parsing(#[source] JoinError),
    #[error("the content type is {kind:?}, expected application/json")]
    ContentType { kind: String },
    #[error("the body did not come within {} s", BODY_DEADLINE.as_secs())]
    Late,
    #[error("the body has more than {MAX_BODY_BYTES} bytes")]
    TooLong,
    #[error("the body could not be read: {reason}")]
    Unread { reason: String },
    #[error("the query: {reason}")]
    Query { reason: String },
    #[error("the path: {reason}")]
    Path { reason: String },
    #[error("{reason}")]
    Id { reason: String },
    #[error("there is no endpoint {path}")]
    NoEndpoint { path: String },
    #[error("{path} does not take {method}")]
    Method { path: String, method: String, allowed: Vec<String> },
    #[error("{method} {path} takes no {what}")]
    Extra { method: String, path: String, what: &'static str },
    #[error("an order is for 1 to {most} nodes")]
    Nodes { most: usize },
}

/// A failure on its way out, with the status of its code unless HTTP wants another.
pub(super) struct ApiRejection {
    error: ApiError,
    status: Option<StatusCode>,
}

impl ApiRejection {
    pub(super) fn with_status(error: ApiError, status: StatusCode) -> Self {
        Self { error, status: Some(status) }
    }
}

impl<E: Into<ApiError>> From<E> for ApiRejection {
    fn from(error: E) -> Self {
        Self { error: error.into(), status: None }
    }
}

impl IntoResponse for ApiRejection {
    fn into_response(mut self) -> Response {
        // It may quote what was sent, and that may be as long as a body.
        text::cut(&mut self.error.message, text::SENTENCE);
        let known = StatusCode::from_u16(self.error.code.http_status(self.error.retryable));
        let status = self.status.unwrap_or(known.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
        (status, Json(self.error)).into_response()
    }
}

/// A JSON body: read within the limit, of the right type, and without a field too many.
pub(super) struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => {
                let kind = HeaderValue::from_static("application/json");
                ([(CONTENT_TYPE, kind)], bytes).into_response()
            }
            Err(error) => {
                tracing::error!(error = error_chain::told(&error), "an answer could not be written");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

impl<S: Send + Sync, T: WireDocument + Send + 'static> FromRequest<S> for Json<T> {
    type Rejection = ApiRejection;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiRejection> {
        check_content_type(request.headers())?;
        let bytes = read(request.into_body()).await?;
        let parse = |bytes: &[u8]| T::read(strict::text(bytes)?, LIMITS, None);
        if bytes.len() <= SHORT_BYTES {
            return Ok(Self(parse(&bytes).map_err(RequestError::Json)?));
        }
        let parsed = tasks::block("long-body", move || parse(&bytes)).await;
        Ok(Self(parsed.map_err(RequestError::Parsing)?.map_err(RequestError::Json)?))
    }
}

fn check_content_type(headers: &HeaderMap) -> Result<(), ApiRejection> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let error = RequestError::ContentType { kind: kind.to_owned() };
    Err(ApiRejection::with_status(error.into(), StatusCode::UNSUPPORTED_MEDIA_TYPE))
}

async fn read(body: Body) -> Result<axum::body::Bytes, ApiRejection> {
    let late = |_| ApiRejection::with_status(RequestError::Late.into(), StatusCode::REQUEST_TIMEOUT);
    // The length is checked while reading; a declared one is not believed.
    let read = tokio::time::timeout(BODY_DEADLINE, to_bytes(body, MAX_BODY_BYTES)).await.map_err(late)?;
    read.map_err(|error| {
        let too_long = error_chain::told(&error).contains("length limit exceeded");
        let unread = || RequestError::Unread { reason: error.to_string() };
        if too_long { RequestError::TooLong } else { unread() }.into()
    })
}

/// The query, without a field too many.
pub(super) struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiRejection> {
        let bad = |reason: String| RequestError::Query { reason };
        if !is_text(parts.uri.query().unwrap_or_default()) {
            return Err(bad("it is not UTF-8".into()).into());
        }
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(error) => Err(bad(error_chain::innermost(&error)).into()),
        }
    }
}

/// What is decoded later would have U+FFFD for it, and nobody would know.
fn is_text(query: &str) -> bool {
    let mut bytes = Vec::with_capacity(query.len());
    let mut rest = query.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = match rest {
            [b'%', high, low, ..] => (char::from(*high).to_digit(16)).zip(char::from(*low).to_digit(16)),
            _ => None,
        };
        let byte = hex.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &rest[3..] } else { tail };
    }
    std::str::from_utf8(&bytes).is_ok()
}

/// The id in the path.
pub(super) struct Id<T>(pub T);

impl<S: Send + Sync, T> FromRequestParts<S> for Id<T>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    type Rejection = ApiRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiRejection> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|error| RequestError::Path { reason: error.to_string() })?;
        let text = params.iter().next().map(|(_, value)| value).unwrap_or_default();
        Ok(Self(text.parse().map_err(|error: T::Err| RequestError::Id { reason: error.to_string() })?))
    }
}
