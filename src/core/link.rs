//! A node in another process: the inner contract over its Unix socket.
//!
//! Every request has a deadline. What the node refuses comes back as its own error; what the
//! connection does is `temporary`, because nobody knows what became of the request.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::node::{
    Answer, BeatOrder, DestructOrder, Leased, News, NodeApi, NodeState, OpenOrder, Opened, ProvisionOrder,
    Provisioned, Torn,
};
use crate::api::paths::{node as paths, with_id};
use crate::api::{ApiError, ErrorCode};

const CONNECT: Duration = Duration::from_secs(2);
const ASK: Duration = Duration::from_secs(5);
/// Beyond the worker's own deadline, which bounds `create`.
const FORGE: Duration = Duration::from_secs(30);
/// Beyond the grace that `dest` is given.
const TEARDOWN: Duration = Duration::from_secs(15);

pub struct HttpNode {
    client: Client,
    socket: PathBuf,
}

#[derive(Debug, thiserror::Error)]
#[error("set up the link to the node's socket {}", socket.display())]
pub struct LinkError {
    socket: PathBuf,
    source: reqwest::Error,
}

impl HttpNode {
    pub fn new(socket: &Path) -> Result<Self, LinkError> {
        // reqwest wants a provider even where no TLS is spoken; a second installation is no error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .unix_socket(socket)
            // The machine's own certificates are neither needed nor always there.
            .tls_certs_only([])
            .connect_timeout(CONNECT)
            .pool_idle_timeout(Duration::from_secs(60))
            .build()
            .map_err(|source| LinkError { socket: socket.to_owned(), source })?;
        Ok(Self { client, socket: socket.to_owned() })
    }

    fn post<B: Serialize>(&self, path: &str, body: &B) -> RequestBuilder {
        self.client.post(url(path)).json(body)
    }

    async fn send<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        deadline: Duration,
    ) -> Result<T, ApiError> {
        let lost = |error: reqwest::Error| self.lost(&error, deadline);
        let response = request.timeout(deadline).send().await.map_err(lost)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(lost)?;
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|error| {
                let message = format!("the node at {} answers strangely: {error}", self.socket.display());
                ApiError::new(ErrorCode::Internal, message).hint("core and node must be of one version")
            });
        }
        Err(serde_json::from_slice(&bytes).unwrap_or_else(|_| {
            let message = format!("the node at {} answers with status {status}", self.socket.display());
            ApiError::new(ErrorCode::Internal, message).hint("core and node must be of one version")
        }))
    }

    fn lost(&self, error: &reqwest::Error, deadline: Duration) -> ApiError {
        let socket = self.socket.display();
        if error.is_timeout() {
            let message = format!("the node at {socket} did not answer within {} ms", deadline.as_millis());
            return ApiError::new(ErrorCode::Temporary, message);
        }
        // The innermost cause is what the kernel said.
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        ApiError::new(ErrorCode::Temporary, format!("the node at {socket} cannot be reached: {cause}"))
    }
}

/// The host is not used; the client always speaks to its socket.
fn url(path: &str) -> String {
    format!("http://node{path}")
}

impl NodeApi for HttpNode {
    fn state(&self) -> Answer<'_, NodeState> {
        Box::pin(self.send(self.client.get(url(paths::STATE)), ASK))
    }

    fn provision(&self, order: ProvisionOrder) -> Answer<'_, Provisioned> {
        let deadline = FORGE + Duration::from_millis(order.limits.call_deadline_ms.into());
        Box::pin(self.send(self.post(paths::PROVISION, &order), deadline))
    }

    fn open(&self, order: OpenOrder) -> Answer<'_, Opened> {
        let path = with_id(paths::OPEN, order.vault.as_str());
        Box::pin(self.send(self.post(&path, &order), ASK))
    }

    fn beat(&self, order: BeatOrder) -> Answer<'_, Leased> {
        let path = with_id(paths::BEAT, order.vault.as_str());
        Box::pin(self.send(self.post(&path, &order), ASK))
    }

    fn destruct(&self, order: DestructOrder) -> Answer<'_, Torn> {
        let path = with_id(paths::DESTRUCT, order.vault.as_str());
        let deadline = TEARDOWN + Duration::from_millis(order.grace_ms.into());
        Box::pin(self.send(self.post(&path, &order), deadline))
    }

    fn news(&self, after: u64, wait_ms: u64) -> Answer<'_, News> {
        let request = self.client.get(url(paths::NEWS)).query(&[("after", after), ("wait_ms", wait_ms)]);
        Box::pin(self.send(request, ASK + Duration::from_millis(wait_ms)))
    }
}
