//! TLS identity of the node: a key and a self-signed certificate, made anew at each start.
//!
//! Nothing is kept on disk: no vault outlives the process, so no ticket does either, and every
//! ticket pins the key of its own time.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, PublicKeyData as _};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use hauki_contract::model::digest::Sha256;

const NAME: &str = "hauki";

pub struct Identity {
    pub config: Arc<ServerConfig>,
    pub cert_sha256: Sha256,
    pub key_sha256: Sha256,
}

#[derive(Debug, thiserror::Error)]
pub enum TlsIdentityError {
    #[error("failed to make the node's certificate")]
    Certificate(#[from] rcgen::Error),
    #[error("failed to set up TLS")]
    Tls(#[from] rustls::Error),
}

impl Identity {
    pub fn generate() -> Result<Self, TlsIdentityError> {
        let key = KeyPair::generate()?;
        // Pinned whole: what else it said would only be said to strangers, who see it before they are asked who they are.
        // X.509 wants a name, without which Java reads no further: it is the same for all nodes.
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, NAME);
        let cert = params.self_signed(&key)?;
        let cert_sha256 = Sha256::of(cert.der());
        let key_sha256 = Sha256::of(&key.subject_public_key_info());
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], private)?;
        // What a caller needs to resume is with the caller, encrypted; nothing is kept of a stranger.
        config.ticketer = rustls::crypto::ring::Ticketer::new()?;
        // Each time it is used another is given.
        config.send_tls13_tickets = 1;
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        Ok(Self { config: Arc::new(config), cert_sha256, key_sha256 })
    }
}
