//! HTTP client of a node's fetches: one for all its vaults, made with the first request, with nothing in it of any vault.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};

use super::FetchError;
use super::resolver::{PublicResolver, SystemLookup};

/// How long connecting may take, and a server be silent.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(crate) struct FetchClient {
    made: OnceLock<Option<Client>>,
    /// Beside the system's own.
    authorities: Vec<Certificate>,
}

impl FetchClient {
    pub(crate) fn new(authorities: Vec<Certificate>) -> Self {
        Self { made: OnceLock::new(), authorities }
    }

    /// It keeps neither cookies nor connections.
    pub(super) fn get(&self) -> Result<&Client, FetchError> {
        let made = self.made.get_or_init(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
            Client::builder()
                .dns_resolver(Arc::new(PublicResolver(Arc::new(SystemLookup))))
                .tls_certs_merge(self.authorities.iter().cloned())
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
}
