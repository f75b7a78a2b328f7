//! Echoes over TCP and over the same TLS as the gate's, with nothing behind them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::now;
use crate::report::Report;

pub(crate) const TLS: &str = "floor: TLS 1.3 echo of a small call";
pub(crate) const BEHIND: &str = "floor: TLS 1.3 echo by another process behind it";
pub(crate) const TLS_LARGE: &str = "floor: TLS 1.3 echo of 64 KiB";
pub(crate) const FLIGHT: &str = "floor: 64 in flight, TLS 1.3, another process behind it";
pub(crate) const RESUMED: &str = "floor: TLS 1.3 connect and one echo, resumed";
pub(crate) const HANDSHAKE: &str = "floor: TLS 1.3 connect and one echo, not resumed";
const TCP: &str = "floor: TCP echo of a small call";

const SMALL: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"echo","params":[{"n":1,"s":"scout"}]}"#;
const LARGE: usize = 64 * 1024;
const FLIGHTS: usize = 64;
const LANDINGS: usize = 6_400;

type Tls = StreamOwned<ClientConnection, TcpStream>;

pub(crate) struct Echoes {
    tcp: TcpStream,
    tls: Tls,
    behind: Tls,
    /// Echoes what is passed on to it.
    cat: Child,
    address: SocketAddr,
    client: Arc<ClientConfig>,
    /// The same, that remembers whom it has met.
    returning: Arc<ClientConfig>,
}

/// One thread for each connection, reading and writing back.
fn serve<S: Read + Write>(
    listener: TcpListener,
    greet: impl Fn(TcpStream) -> S + Clone + Send + 'static,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let greet = greet.clone();
            std::thread::spawn(move || {
                stream.set_nodelay(true).expect("is set");
                let mut stream = greet(stream);
                let mut buffer = vec![0; LARGE];
                while let Ok(count) = stream.read(&mut buffer) {
                    if count == 0 || stream.write_all(&buffer[..count]).is_err() {
                        break;
                    }
                }
            });
        }
    })
}

/// A stream that passes on to another process what is read from it, and reads its answer: the least that
/// is between a caller and what it calls in a sandbox.
struct Passed<S> {
    front: S,
    back: Arc<UnixStream>,
}

impl<S: Read> Read for Passed<S> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.front.read(buffer)?;
        (&*self.back).write_all(&buffer[..count])?;
        (&*self.back).read_exact(&mut buffer[..count])?;
        Ok(count)
    }
}

impl<S: Write> Write for Passed<S> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.front.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.front.flush()
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("connects");
    stream.set_nodelay(true).expect("is set");
    stream
}

fn echo(stream: &mut (impl Read + Write), line: &[u8], back: &mut [u8]) {
    stream.write_all(line).expect("writes");
    stream.read_exact(back).expect("reads");
}

impl Echoes {
    pub(crate) fn prepare() -> Self {
        let plain = TcpListener::bind("127.0.0.1:0").expect("a port");
        let tcp = plain.local_addr().expect("an address");
        serve(plain, |stream| stream);

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = rcgen::KeyPair::generate().expect("a key");
        let cert = rcgen::CertificateParams::new(vec!["echo".to_owned()]).expect("a name").self_signed(&key);
        let cert = cert.expect("a certificate");
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], private)
            .expect("a server");
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).expect("is a certificate");
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let returning = Arc::new(client.clone());
        client.resumption = rustls::client::Resumption::disabled();
        let (server, client) = (Arc::new(server), Arc::new(client));
        let session = move |stream| {
            StreamOwned::new(ServerConnection::new(Arc::clone(&server)).expect("a session"), stream)
        };
        let (ours, its) = UnixStream::pair().expect("a pair");
        let its = (its.try_clone().expect("a copy"), its);
        let cat = Command::new("cat").stdin(OwnedFd::from(its.0)).stdout(OwnedFd::from(its.1)).spawn();
        let passing = TcpListener::bind("127.0.0.1:0").expect("a port");
        let behind = Self::tls(passing.local_addr().expect("an address"), &client);
        let (greet, ours) = (session.clone(), Arc::new(ours));
        serve(passing, move |stream| Passed { front: greet(stream), back: Arc::clone(&ours) });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        serve(listener, session);
        let tls = Self::tls(address, &client);
        let cat = cat.expect("cat is installed");
        Self { tcp: connect(tcp), tls, behind, cat, address, client, returning }
    }

    fn tls(address: SocketAddr, client: &Arc<ClientConfig>) -> Tls {
        let name = ServerName::try_from("echo").expect("a name");
        StreamOwned::new(
            ClientConnection::new(Arc::clone(client), name).expect("a session"),
            connect(address),
        )
    }

    pub(crate) fn rounds(&mut self, report: &mut Report) {
        let mut back = vec![0; LARGE];
        for _ in 0..500 {
            let start = now();
            echo(&mut self.tcp, SMALL, &mut back[..SMALL.len()]);
            report.add(TCP, start.elapsed());
            let start = now();
            echo(&mut self.tls, SMALL, &mut back[..SMALL.len()]);
            report.add(TLS, start.elapsed());
        }
        for _ in 0..500 {
            let start = now();
            echo(&mut self.behind, SMALL, &mut back[..SMALL.len()]);
            report.add(BEHIND, start.elapsed());
        }
        let large = vec![b'x'; LARGE];
        for _ in 0..40 {
            let start = now();
            // What comes back meanwhile fits into the socket.
            echo(&mut self.tls, &large, &mut back);
            report.add(TLS_LARGE, start.elapsed());
        }
        report.value(FLIGHT, "/s", self.flight(&mut back));
        for (name, client) in [(HANDSHAKE, &self.client), (RESUMED, &self.returning)] {
            for _ in 0..5 {
                let start = now();
                let mut tls = Self::tls(self.address, client);
                echo(&mut tls, SMALL, &mut back[..SMALL.len()]);
                report.add(name, start.elapsed());
            }
        }
    }

    /// So many small calls on their way at any time, each followed by another one; the calls in a second.
    fn flight(&mut self, back: &mut [u8]) -> f64 {
        let start = now();
        self.behind.write_all(&SMALL.repeat(FLIGHTS)).expect("writes");
        let (mut written, mut read) = (FLIGHTS * SMALL.len(), 0);
        while read < LANDINGS * SMALL.len() {
            let count = self.behind.read(back).expect("reads");
            assert!(count > 0, "an end");
            read += count;
            let more = count.min(LANDINGS * SMALL.len() - written);
            self.behind.write_all(&back[..more]).expect("writes");
            written += more;
        }
        LANDINGS as f64 / start.elapsed().as_secs_f64()
    }
}

impl Drop for Echoes {
    fn drop(&mut self) {
        // It is ours and has not been waited for, so its number is nobody else's.
        let _ = self.cat.kill();
        let _ = self.cat.wait();
    }
}
