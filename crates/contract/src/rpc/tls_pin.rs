//! Certificate pinning: TLS 1.3 to exactly one certificate.
//!
//! A node's certificate is self-signed and new at each start, so there is no chain and no name to
//! check: the ticket carries the certificate's SHA-256, and the handshake's signature proves that
//! the peer holds its key. Both checks are made, the second with ring's full algorithms.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, PeerIncompatible, SignatureScheme,
};
use tokio_rustls::TlsConnector;

use crate::model::digest::Sha256;

#[derive(Debug)]
struct Pinned {
    certificate: Sha256,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let seen = Sha256::of(end_entity);
        let pairs = seen.as_bytes().iter().zip(self.certificate.as_bytes());
        // The whole digest is looked at, whatever the first difference.
        if pairs.fold(0, |difference, (seen, pinned)| difference | (seen ^ pinned)) == 0 {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Certificates whose sessions are remembered.
const REMEMBERED: usize = 64;

static CONNECTORS: Mutex<VecDeque<(Sha256, TlsConnector)>> = Mutex::new(VecDeque::new());

/// For whoever dials a gate: a caller's ghost, and a gate that calls for its vault. All vaults of a node
/// show one certificate, so a second connection to any of them resumes the first one's session, which
/// was bound to the pinned key when it began.
pub fn connector(certificate: Sha256) -> Result<TlsConnector, Error> {
    // Whole after any panic: what is in it is only ever put in and taken out.
    let mut known = CONNECTORS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(at) = known.iter().position(|(seen, _)| *seen == certificate) {
        // To the end: the one that was not asked for longest goes first.
        let found = known.remove(at).expect("was found there");
        let connector = found.1.clone();
        known.push_back(found);
        return Ok(connector);
    }
    let connector = new_connector(certificate)?;
    if known.len() == REMEMBERED {
        known.pop_front();
    }
    known.push_back((certificate, connector.clone()));
    Ok(connector)
}

/// The next connection to each node begins anew, as in a program that has just started.
pub fn forget_sessions() {
    CONNECTORS.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

fn new_connector(certificate: Sha256) -> Result<TlsConnector, Error> {
    let provider: CryptoProvider = ring::default_provider();
    let verifier = Pinned { certificate, algorithms: provider.signature_verification_algorithms };
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.resumption = Resumption::in_memory_sessions(4);
    Ok(TlsConnector::from(Arc::new(config)))
}
