//! A client that knows the ticket's JSON and nothing else of hauki: TLS 1.3, a pin, lines.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Nothing here takes so long unless it hangs, on however busy a machine.
pub(crate) const HANG: Duration = Duration::from_secs(60);

pub(crate) struct Stranger {
    pub stream: BufReader<TlsStream<TcpStream>>,
    /// What came without being asked for.
    pub events: Vec<Value>,
    next: u64,
}

#[allow(dead_code, reason = "not every test target uses all of it")]
impl Stranger {
    /// TCP and TLS.
    pub(crate) async fn knock(ticket: &Value) -> io::Result<Self> {
        Self::knock_with(ticket, &rustls::version::TLS13).await
    }

    pub(crate) async fn knock_with(
        ticket: &Value,
        tls: &'static SupportedProtocolVersion,
    ) -> io::Result<Self> {
        Self::shake(TcpStream::connect(address(ticket)).await?, ticket, tls).await
    }

    /// TLS over a connection that there is.
    pub(crate) async fn shake(
        tcp: TcpStream,
        ticket: &Value,
        tls: &'static SupportedProtocolVersion,
    ) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        let pin = ticket["tls"]["cert_sha256"].as_str().expect("a pin").to_owned();
        let name = ServerName::IpAddress(address(ticket).ip().into());
        let stream = timeout(HANG, connector(pin, tls).connect(name, tcp)).await.expect("hangs")?;
        Ok(Self { stream: BufReader::new(stream), events: Vec::new(), next: 1 })
    }

    /// TCP, TLS and a hello that must be welcome.
    pub(crate) async fn enter(ticket: &Value) -> Self {
        let mut stranger = Self::knock(ticket).await.expect("connects");
        let reply = stranger.hello(&ticket["auth"]["token"]).await;
        assert!(reply["result"]["vault"].is_string(), "{reply}");
        stranger
    }

    pub(crate) async fn hello(&mut self, token: &Value) -> Value {
        self.ask(json!({"jsonrpc": "2.0", "id": 0, "method": "hauki.hello", "params": {"token": token}}))
            .await
    }

    pub(crate) async fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        let sent = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        timeout(HANG, sent).await.expect("the gate reads or closes")
    }

    pub(crate) async fn send(&mut self, message: &str) {
        self.raw(format!("{message}\n").as_bytes()).await.expect("the gate reads");
    }

    /// The next line without its newline; `None` at the end, however the connection ended.
    pub(crate) async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let read = timeout(HANG, self.stream.read_until(b'\n', &mut line)).await.expect("hangs");
        match read {
            Ok(count) if count > 0 && line.pop() == Some(b'\n') => {
                Some(String::from_utf8(line).expect("is UTF-8"))
            }
            _ => None,
        }
    }

    /// The next line that answers something, as text.
    pub(crate) async fn answer(&mut self) -> Option<String> {
        loop {
            let line = self.line().await?;
            let value: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
            if value.get("method").is_none() {
                return Some(line);
            }
            self.events.push(value);
        }
    }

    /// The next event, of those that came or are to come.
    pub(crate) async fn event(&mut self) -> Value {
        if !self.events.is_empty() {
            return self.events.remove(0);
        }
        let line = self.line().await.expect("an event before the end");
        serde_json::from_str(&line).expect("is JSON")
    }

    pub(crate) async fn reply(&mut self) -> Value {
        let line = self.answer().await.expect("an answer before the end");
        serde_json::from_str(&line).expect("is JSON")
    }

    pub(crate) async fn ask(&mut self, message: Value) -> Value {
        self.send(&message.to_string()).await;
        self.reply().await
    }

    /// Calls, and returns the whole reply, which must be to this call.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let reply = self.ask(request(id, method, params)).await;
        assert_eq!(reply["id"], id, "{reply}");
        reply
    }

    /// Calls, and returns the result, which there must be.
    pub(crate) async fn result(&mut self, method: &str, params: Value) -> Value {
        let mut reply = self.call(method, params).await;
        assert!(reply.get("error").is_none(), "{reply}");
        reply["result"].take()
    }

    /// The code of the error that this call gets.
    pub(crate) async fn code(&mut self, method: &str, params: Value) -> i64 {
        let reply = self.call(method, params).await;
        reply["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {reply}"))
    }

    /// Whether nothing comes any more.
    pub(crate) async fn is_at_end(&mut self) -> bool {
        let mut rest = Vec::new();
        let _ = timeout(HANG, self.stream.read_to_end(&mut rest)).await.expect("hangs");
        rest.is_empty()
    }
}

pub(crate) fn request(id: u64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

pub(crate) fn address(ticket: &Value) -> SocketAddr {
    let (ip, port) = (&ticket["endpoint"]["ip"], &ticket["endpoint"]["port"]);
    let ip = ip.as_str().expect("an address").parse().expect("an address");
    SocketAddr::new(ip, u16::try_from(port.as_u64().expect("a port")).expect("a port"))
}

fn connector(pin: String, tls: &'static SupportedProtocolVersion) -> TlsConnector {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[tls])
        .expect("is a version")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pin { pin, algorithms }))
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[derive(Debug)]
struct Pin {
    pin: String,
    algorithms: rustls::crypto::WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let seen = hauki::model::digest::Sha256::of(certificate).to_string();
        if seen == self.pin {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::General(format!("the pin is {}, the certificate {seen}", self.pin)))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
