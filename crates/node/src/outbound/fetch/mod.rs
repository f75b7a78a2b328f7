//! Egress proxy: `fetch` of a worker, carried out by its node, to where the worker was invited and nowhere else.
//!
//! The vault asks as it asks for a clone, with a request as JSON, and has no network itself. Redirects are followed here,
//! one by one, each checked as the first request was. Nothing is taken from the node's environment, nothing is kept from one
//! request to the next, and nothing is decompressed. Whoever drops the future ends the request.

mod account;
mod client;
mod injection;
mod redaction;
mod request;
mod resolver;

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use reqwest::header::{CONTENT_ENCODING, HeaderMap, LOCATION, TRANSFER_ENCODING};
use reqwest::{Method, Response, StatusCode};
use serde::Serialize;

use account::AnswerRoom;
pub(super) use account::FetchAccount;
pub(crate) use client::FetchClient;
pub(super) use injection::VaultSecrets;
use request::{CheckedRequest, FetchAsk};
use resolver::NoPublicAddress;

use super::Outbound;
use crate::gate::fair_scheduler::{self, Applicant};
use crate::vault::VaultHandle;
use hauki_contract::api::node::{Fetched, NewsItem};
use hauki_contract::model::lease::Mono;
use hauki_contract::rpc::message::code;
use hauki_contract::system::clock;

/// So often an answer may lead on.
const MOST_REDIRECTS: usize = 5;
/// Of all headers of an answer.
const MOST_HEADER_BYTES: usize = 64 * 1024;
/// What is longer is searched for secrets on a thread of its own.
const SHORT: usize = 2 * 1024;
/// An answer that is searched is no longer, whatever the vault's lines may be: each of its bytes is looked at some hundred times.
const MOST_SEARCHED: usize = 8 * 1024 * 1024;
/// For events, of what nobody waited for to its end.
const GIVEN_UP: &str = "fetch: it was given up";

#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum FetchError {
    #[error("this worker may not fetch: it was summoned without --allow-net")]
    Unasked,
    #[error("fetch: {0}")]
    Request(String),
    #[error("fetch: {method} {to} is not among what this worker was invited to")]
    Uninvited { method: &'static str, to: String },
    #[error("fetch: the answer leads on to {0}, which is not among what this worker was invited to")]
    Redirect(String),
    #[error("fetch: the answer leads on and on")]
    Circle,
    #[error("fetch: {0} has no public address")]
    Private(String),
    #[error("fetch: {to} cannot be reached: {reason}")]
    Unreachable { to: String, reason: &'static str },
    #[error("fetch: {to} broke off its answer: {reason}")]
    Broken { to: String, reason: &'static str },
    #[error("fetch: the answer is longer than this vault's limit of {0} bytes")]
    Long(usize),
    #[error("fetch: more than {0} requests a second")]
    Hasty(u64),
    #[error("fetch: {0} requests are as many as a worker may make")]
    Spent(u64),
    #[error("fetch: too much is being fetched on this node at once")]
    Crowded,
    #[error("fetch: a secret cannot stand in the request")]
    Unsent,
    #[error("fetch: the answer leads on to an address that has a secret in it")]
    Leak,
    #[error("fetch: {0} has packed its answer, so it cannot be searched for secrets")]
    Packed(String),
    #[error("fetch: {0} has answered with a part, which cannot be searched for secrets")]
    Partial(String),
    #[error("fetch: this node cannot fetch: its certificates cannot be read")]
    NoClient,
}

impl FetchError {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Unasked | Self::Uninvited { .. } | Self::Redirect(_) | Self::Private(_) => {
                code::word(code::DENIED)
            }
            Self::Leak | Self::Packed(_) | Self::Partial(_) => code::word(code::DENIED),
            Self::Request(_) | Self::Unsent => code::word(code::INVALID_PARAMS),
            Self::Circle | Self::Unreachable { .. } | Self::Broken { .. } | Self::NoClient => "unreachable",
            Self::Long(_) => code::word(code::TOO_LARGE),
            Self::Hasty(_) | Self::Spent(_) | Self::Crowded => code::word(code::BUSY),
        }
    }
}

/// As the run-time in the vault reads it.
#[derive(Serialize)]
struct FetchAnswer<'a> {
    status: u16,
    reason: &'a str,
    url: &'a str,
    redirected: bool,
    headers: Vec<(&'a str, String)>,
    /// The body, where it is UTF-8; otherwise its bytes in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

/// What the worker gets is the answer as JSON.
pub(super) async fn fetch(vault: &Arc<VaultHandle>, params: &str) -> Result<String, FetchError> {
    let invitations = &vault.limits.net;
    if invitations.is_empty() {
        return Err(FetchError::Unasked);
    }
    // What is refused counts as well; what is beyond the count is told to nobody but the worker, which may try as often as it can.
    vault.reach.fetches.take(vault.now())?;
    let mut telling = FetchTelling::begin(vault);
    let said = follow(vault, params, &mut telling.seen).await;
    // Nothing that fails says a value; this is in case something does.
    let said =
        said.map_err(|error| match vault.reach.secrets.redaction.is_in(error.to_string().as_bytes()) {
            true => FetchError::Leak,
            false => error,
        });
    telling.seen.error = said.as_ref().err().map(ToString::to_string);
    said
}

/// What becomes of a request, told when it ends: also of one that is refused, or that nobody waits for any more.
struct FetchTelling<'a> {
    vault: &'a VaultHandle,
    began: Mono,
    seen: Fetched,
}

impl<'a> FetchTelling<'a> {
    fn begin(vault: &'a VaultHandle) -> Self {
        let (method, to, error) = (String::new(), String::new(), Some(GIVEN_UP.to_owned()));
        let seen = Fetched { method, to, status: None, bytes: 0, took_ms: 0, error };
        Self { vault, began: clock::mono(), seen }
    }
}

impl Drop for FetchTelling<'_> {
    fn drop(&mut self) {
        let mut seen = self.seen.clone();
        seen.took_ms = clock::mono().since(self.began) / 1000;
        let vault = self.vault.id.clone();
        self.vault.news.publish(NewsItem::Fetched { vault, fetched: Box::new(seen) });
    }
}

async fn follow(vault: &VaultHandle, params: &str, seen: &mut Fetched) -> Result<String, FetchError> {
    let (invitations, secrets) = (&vault.limits.net, &vault.reach.secrets);
    let asked = FetchAsk::read(params)?;
    (seen.method, seen.to) = asked.told();
    let mut request = CheckedRequest::of(asked, invitations)?;
    let _place = vault.reach.fetches.place().await?;
    for redirects in 0..=MOST_REDIRECTS {
        if redirects > 0 {
            vault.reach.fetches.take(vault.now())?;
        }
        let answer = send(&vault.reach, &request).await?;
        let status = answer.status().as_u16();
        seen.status = Some(status);
        let location =
            answer.headers().get(LOCATION).filter(|_| matches!(status, 301 | 302 | 303 | 307 | 308));
        let Some(location) = location else {
            return read(vault, &request, answer, redirects > 0, seen).await;
        };
        let location = location.to_str().map_err(|_| FetchError::Redirect("nowhere".to_owned()))?.to_owned();
        request = request.redirected(status, &location, invitations, secrets)?;
    }
    Err(FetchError::Circle)
}

async fn send(reach: &Outbound, request: &CheckedRequest) -> Result<Response, FetchError> {
    let method = Method::from_bytes(request.method.name().as_bytes()).unwrap_or_default();
    let (url, headers) = reach.secrets.put_into(request)?;
    let mut sent = reach.client.get()?.request(method, url).headers(headers);
    if let Some(body) = &request.body {
        sent = sent.body(body.clone());
    }
    let answer = sent.send().await.map_err(|error| {
        if is_private(&error) {
            return FetchError::Private(request.url.host_str().unwrap_or_default().to_owned());
        }
        FetchError::Unreachable { to: request.url.origin().ascii_serialization(), reason: reason(&error) }
    })?;
    let bytes =
        |headers: &HeaderMap| headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let length: usize = bytes(answer.headers());
    if length > MOST_HEADER_BYTES {
        return Err(FetchError::Long(MOST_HEADER_BYTES));
    }
    Ok(answer)
}

fn is_private(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<NoPublicAddress>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// In words of ours: what lies below may name addresses of this node's networks.
fn reason(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "it is silent"
    } else if error.is_connect() {
        "no connection"
    } else {
        "it does not speak HTTP"
    }
}

async fn read(
    vault: &VaultHandle,
    request: &CheckedRequest,
    mut answer: Response,
    redirected: bool,
    seen: &mut Fetched,
) -> Result<String, FetchError> {
    let secrets = &vault.reach.secrets;
    let most = vault.limits.max_frame_bytes as usize;
    let most = if secrets.is_empty() { most } else { most.min(MOST_SEARCHED) };
    let mut room = AnswerRoom::new();
    let mut body = Vec::new();
    let to = request.url.origin().ascii_serialization();
    if !secrets.is_empty() && is_packed(answer.headers()) {
        return Err(FetchError::Packed(to));
    }
    // Of a part only a part of a value would be found.
    if !secrets.is_empty()
        && matches!(answer.status(), StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE)
    {
        return Err(FetchError::Partial(to));
    }
    // Before anything of a long one is read, where its length is told.
    if answer.content_length().is_some_and(|length| length > most as u64) {
        return Err(FetchError::Long(most));
    }
    loop {
        let piece = answer.chunk().await;
        let piece = piece.map_err(|error| FetchError::Broken { to: to.clone(), reason: broken(&error) })?;
        let Some(piece) = piece else { break };
        seen.bytes += piece.len() as u64;
        if body.len() + piece.len() > most {
            return Err(FetchError::Long(most));
        }
        room.grow(piece.len())?;
        body.extend_from_slice(&piece);
    }
    let body = cleaned(vault, body).await?;
    let redaction = &secrets.redaction;
    let headers = answer.headers().iter().filter(|(name, _)| !redaction.is_named(name.as_str()));
    let headers = headers.map(|(name, value)| {
        let value = redaction.cleaned(value.as_bytes());
        (name.as_str(), String::from_utf8_lossy(&value).into_owned())
    });
    let text = std::str::from_utf8(&body).ok();
    let told = FetchAnswer {
        status: answer.status().as_u16(),
        reason: answer.status().canonical_reason().unwrap_or_default(),
        // As it was asked for: what was sent may have a value in it.
        url: request.url.as_str(),
        redirected,
        headers: headers.collect(),
        text,
        base64: text.is_none().then(|| BASE64.encode(&body)),
    };
    let told = serde_json::to_string(&told).map_err(|_| FetchError::Long(most))?;
    if told.len() > most { Err(FetchError::Long(most)) } else { Ok(told) }
}

/// Whether what comes is not what it says, in any of its headers and steps.
fn is_packed(headers: &HeaderMap) -> bool {
    let all = |name, plain: &[u8]| {
        headers.get_all(name).iter().any(|how| !how.as_bytes().eq_ignore_ascii_case(plain))
    };
    all(CONTENT_ENCODING, b"identity") || all(TRANSFER_ENCODING, b"chunked")
}

/// The body without secrets.
async fn cleaned(vault: &VaultHandle, body: Vec<u8>) -> Result<Vec<u8>, FetchError> {
    let secrets = Arc::clone(&vault.reach.secrets);
    if secrets.is_empty() {
        return Ok(body);
    }
    if body.len() <= SHORT {
        return Ok(secrets.redaction.cleaned(&body).into_owned());
    }
    let work = move || secrets.redaction.cleaned(&body).into_owned();
    fair_scheduler::take_long(Applicant::Vault(vault.id.clone()), work).await.map_err(|_| FetchError::Crowded)
}

fn broken(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() { "it is silent" } else { "the connection ended" }
}
