//! Egress proxy: `fetch` of a worker, carried out by its node, to where the worker was invited and nowhere else.
//!
//! The vault asks as it asks for a clone, with a request as JSON, and has no network itself. Redirects are followed here,
//! one by one, each checked as the first request was. Nothing is taken from the node's environment, nothing is kept from one
//! request to the next, and nothing is decompressed. Whoever drops the future ends the request.

mod account;
mod request;
mod resolver;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use serde::Serialize;

use account::AnswerRoom;
pub(super) use account::FetchAccount;
use request::{CheckedRequest, FetchAsk};
use resolver::{NoPublicAddress, PublicResolver, SystemLookup};

use crate::vault::VaultHandle;
use hauki_contract::api::node::{Fetched, NewsItem};
use hauki_contract::rpc::message::code;
use hauki_contract::system::clock;

/// So often an answer may lead on.
const MOST_REDIRECTS: usize = 5;
/// How long connecting may take, and a server be silent.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(30);
/// Of all headers of an answer.
const MOST_HEADER_BYTES: usize = 64 * 1024;

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
    #[error("fetch: this node cannot fetch: its certificates cannot be read")]
    NoClient,
}

impl FetchError {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Unasked | Self::Uninvited { .. } | Self::Redirect(_) | Self::Private(_) => {
                code::word(code::DENIED)
            }
            Self::Request(_) => code::word(code::INVALID_PARAMS),
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

/// One for all vaults: it keeps neither cookies nor connections.
fn client() -> Result<&'static Client, FetchError> {
    static CLIENT: OnceLock<Option<Client>> = OnceLock::new();
    let made = CLIENT.get_or_init(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Client::builder()
            .dns_resolver(Arc::new(PublicResolver(Arc::new(SystemLookup))))
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .build()
            .ok()
    });
    made.as_ref().ok_or(FetchError::NoClient)
}

/// What the worker gets is the answer as JSON.
pub(super) async fn fetch(vault: &Arc<VaultHandle>, params: &str) -> Result<String, FetchError> {
    let invitations = &vault.limits.net;
    if invitations.is_empty() {
        return Err(FetchError::Unasked);
    }
    let account = &vault.reach.fetches;
    // What is refused counts as well: each is told to whoever watches.
    account.take(vault.now())?;
    let _place = account.place().await?;
    let began = clock::mono();
    let mut seen =
        Fetched { method: String::new(), to: String::new(), status: None, bytes: 0, took_ms: 0, error: None };
    let said = follow(vault, params, &mut seen).await;
    seen.took_ms = clock::mono().since(began) / 1000;
    seen.error = said.as_ref().err().map(ToString::to_string);
    vault.news.publish(NewsItem::Fetched { vault: vault.id.clone(), fetched: Box::new(seen) });
    said
}

async fn follow(vault: &VaultHandle, params: &str, seen: &mut Fetched) -> Result<String, FetchError> {
    let invitations = &vault.limits.net;
    let asked = FetchAsk::read(params)?;
    (seen.method, seen.to) = asked.told();
    let mut request = CheckedRequest::of(asked, invitations)?;
    for redirects in 0..=MOST_REDIRECTS {
        if redirects > 0 {
            vault.reach.fetches.take(vault.now())?;
        }
        let answer = send(&request).await?;
        let status = answer.status().as_u16();
        seen.status = Some(status);
        let location =
            answer.headers().get(LOCATION).filter(|_| matches!(status, 301 | 302 | 303 | 307 | 308));
        let Some(location) = location else {
            return read(answer, redirects > 0, vault.limits.max_frame_bytes as usize, seen).await;
        };
        let location = location.to_str().map_err(|_| FetchError::Redirect("nowhere".to_owned()))?.to_owned();
        request = request.redirected(status, &location, invitations)?;
    }
    Err(FetchError::Circle)
}

async fn send(request: &CheckedRequest) -> Result<Response, FetchError> {
    let method = Method::from_bytes(request.method.name().as_bytes()).unwrap_or_default();
    let mut sent = client()?.request(method, request.url.clone()).headers(request.headers.clone());
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
    mut answer: Response,
    redirected: bool,
    most: usize,
    seen: &mut Fetched,
) -> Result<String, FetchError> {
    let mut room = AnswerRoom::new();
    let mut body = Vec::new();
    let to = answer.url().origin().ascii_serialization();
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
    let headers = answer.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let text = std::str::from_utf8(&body).ok();
    let told = FetchAnswer {
        status: answer.status().as_u16(),
        reason: answer.status().canonical_reason().unwrap_or_default(),
        url: answer.url().as_str(),
        redirected,
        headers: headers.collect(),
        text,
        base64: text.is_none().then(|| BASE64.encode(&body)),
    };
    let told = serde_json::to_string(&told).map_err(|_| FetchError::Long(most))?;
    if told.len() > most { Err(FetchError::Long(most)) } else { Ok(told) }
}

fn broken(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() { "it is silent" } else { "the connection ended" }
}
