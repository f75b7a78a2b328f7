//! API client: a control plane as an object, how it is asked, and how it answers. What it can be asked is in
//! `operations`.
//!
//! The transport is a Unix socket, where the peer's credentials decide, or HTTPS with a bearer
//! token. Plain HTTP over a network does not exist. Dropping a request's future closes its
//! connection, which the server takes as a cancellation.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;

use crate::address::Address;
use crate::autostart;
use crate::error::ClientError;
use crate::retry::Retry;
use crate::trace_header;
use hauki_contract::api::error::ApiError;
use hauki_contract::model::secret::Secret;
use hauki_contract::strict::tolerant_reader::{self, PassedOver};
use hauki_contract::strict::{DocumentLimits, StrictError, WireDocument};

pub use super::ndjson_stream::NdjsonStream;

/// Of one answer, or of one line of a stream: the list of every vault of a large swarm.
pub(super) const MOST_ANSWER: DocumentLimits = DocumentLimits::bytes(256 * 1024 * 1024);

#[derive(Debug, Clone)]
pub struct EndpointOptions {
    pub connect_timeout: Duration,
    /// For one request; streams have none.
    pub request_timeout: Duration,
    pub retry: Retry,
    /// For HTTPS.
    pub token: Option<Secret>,
    /// For HTTPS: who is trusted to sign certificates. There is no default store.
    pub authority: Option<Authority>,
    /// How to start the local daemon again, should it have left since it was last seen: one that is
    /// idle leaves by itself, and may do so between the look and the request.
    pub revive: Option<autostart::Plan>,
}

/// A certificate authority in PEM form, and the file that it was read from.
#[derive(Debug, Clone)]
pub struct Authority {
    pub file: PathBuf,
    pub pem: Vec<u8>,
}

impl Default for EndpointOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(60),
            retry: Retry::default(),
            token: None,
            authority: None,
            revive: None,
        }
    }
}

#[derive(Debug, Clone)]
pub struct ControlPlane {
    http: reqwest::Client,
    address: Address,
    base: String,
    options: EndpointOptions,
    /// What was passed over of all answers: a newer server's.
    heard: Arc<PassedOver>,
}

fn certificates(authority: &Authority) -> Result<Vec<reqwest::Certificate>, ClientError> {
    let Authority { file, pem } = authority;
    match reqwest::Certificate::from_pem_bundle(pem) {
        Ok(found) if found.is_empty() => Err(ClientError::Certificate { path: file.clone(), source: None }),
        read => read.map_err(|source| ClientError::Certificate { path: file.clone(), source: Some(source) }),
    }
}

impl ControlPlane {
    /// Sets the client up; nothing is sent yet.
    pub fn new(address: Address, options: EndpointOptions) -> Result<Self, ClientError> {
        // reqwest panics without a process-wide provider, also where no TLS is spoken. An error means
        // that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let trusted = match (&address, &options.authority) {
            (Address::Https(_), Some(authority)) => certificates(authority)?,
            // It would be looked for in vain, as often as it is tried.
            (Address::Https(_), None) => {
                return Err(ClientError::NoAuthority { endpoint: address.to_string() });
            }
            (Address::Unix(_), _) => Vec::new(),
        };
        let mut builder = reqwest::Client::builder()
            .tls_certs_only(trusted)
            .no_proxy()
            .connect_timeout(options.connect_timeout)
            .user_agent(concat!("hauki/", env!("CARGO_PKG_VERSION")));
        let base = match &address {
            Address::Unix(path) => {
                builder = builder.unix_socket(path.as_path());
                "http://hauki".to_owned()
            }
            Address::Https(url) => url.clone(),
        };
        let http = builder.build().map_err(ClientError::Setup)?;
        Ok(Self { http, address, base, options, heard: Arc::default() })
    }

    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// What answers had that this version does not know, and its types do not have.
    #[must_use]
    pub fn passed_over(&self) -> Vec<String> {
        self.heard.names()
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.options.token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        }
    }

    pub(super) fn failure(&self, path: &str, source: reqwest::Error) -> ClientError {
        let (endpoint, path) = (self.address.to_string(), path.to_owned());
        if source.is_connect() {
            ClientError::Unreachable { endpoint, source }
        } else if source.is_timeout() {
            ClientError::Timeout { endpoint, path, after: self.options.request_timeout }
        } else {
            ClientError::Broken { endpoint, path, source }
        }
    }

    /// Nobody listens any more: the next attempt may find a new daemon. Why none could be started is
    /// in the log that autostart names; the request's own failure stands.
    async fn revive(&self) {
        if let Some(plan) = self.options.revive.clone() {
            let _ = tokio::task::spawn_blocking(move || autostart::ensure(&plan)).await;
        }
    }

    async fn checked(&self, path: &str, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = match trace_header::sent(request).await {
            Ok(response) => response,
            Err(source) => {
                let failure = self.failure(path, source);
                if matches!(failure, ClientError::Unreachable { .. }) {
                    self.revive().await;
                }
                return Err(failure);
            }
        };
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = self.body(path, response).await?;
        Err(match tolerant_reader::from_slice::<ApiError>(&body, MOST_ANSWER) {
            Ok(error) => ClientError::Api(ApiError { status: Some(status.as_u16()), ..error }),
            Err(error) => self.not_ours(path, status.as_u16(), Some(error)),
        })
    }

    /// All of an answer, which is not kept beyond what one may have.
    async fn body(&self, path: &str, mut response: Response) -> Result<Vec<u8>, ClientError> {
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|source| self.failure(path, source))? {
            if body.len() + chunk.len() > MOST_ANSWER.bytes {
                return Err(self.not_ours(path, status, None));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    pub(super) fn not_ours(&self, path: &str, status: u16, source: Option<StrictError>) -> ClientError {
        ClientError::Protocol { endpoint: self.address.to_string(), path: path.to_owned(), status, source }
    }

    pub(super) fn read<T: WireDocument>(
        &self,
        path: &str,
        status: u16,
        body: &[u8],
    ) -> Result<T, ClientError> {
        tolerant_reader::noting(body, MOST_ANSWER, &self.heard)
            .map_err(|error| self.not_ours(path, status, Some(error)))
    }

    pub(super) async fn ask<T: WireDocument>(
        &self,
        method: Method,
        path: &str,
        query: &impl Serialize,
        body: Option<&(impl Serialize + ?Sized)>,
    ) -> Result<T, ClientError> {
        let mut request = self.request(method, path).query(query);
        if let Some(body) = body {
            request = request.json(body);
        }
        let (status, body) = self.exchange(path, request.timeout(self.options.request_timeout)).await?;
        self.read(path, status, &body)
    }

    /// The status and the body of an answer. Compiled once for all of them.
    async fn exchange(&self, path: &str, request: RequestBuilder) -> Result<(u16, Vec<u8>), ClientError> {
        self.options
            .retry
            .run(async || {
                let again = request.try_clone().expect("a body that is no stream can be sent twice");
                let response = self.checked(path, again).await?;
                let status = response.status().as_u16();
                Ok((status, self.body(path, response).await?))
            })
            .await
    }

    pub(super) async fn get<T: WireDocument>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.ask(Method::GET, path, query, None::<&()>).await
    }

    pub(super) async fn post<T: WireDocument>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.ask(Method::POST, path, &(), Some(body)).await
    }

    pub(super) async fn stream(
        &self,
        path: &'static str,
        query: &impl Serialize,
    ) -> Result<NdjsonStream, ClientError> {
        self.lines(path, self.request(Method::GET, path).query(query)).await
    }

    pub(super) async fn lines(
        &self,
        path: &'static str,
        request: RequestBuilder,
    ) -> Result<NdjsonStream, ClientError> {
        let response = self.checked(path, request).await?;
        Ok(NdjsonStream::new(response, self.clone(), path))
    }
}
