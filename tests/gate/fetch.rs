//! `fetch` by invitation, against a server that means ill: no answer of it harms the vault, and no worker gets further than
//! its invitation.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::support::daemon::Daemon;
use crate::support::stranger::{HANG, Stranger, request};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use hauki::model::gem::Wishes;
use hauki::rpc::message::code;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// As the compiler leaves it.
const WORKER: &str = r#""hauki runtime 1";
function get(url, init) {
  return fetch(url, init).then(function (answer) {
    return answer.text().then(function (text) { return [answer.status, answer.redirected, text]; });
  });
}
function size(url) {
  return fetch(url).then(function (answer) { return answer.arrayBuffer(); }).then(function (all) { return all.byteLength; });
}
function has() { return typeof fetch; }
"#;

/// Answers by its path, and tells which request has come and which connection has ended.
struct HostileServer {
    address: SocketAddr,
    told: mpsc::UnboundedReceiver<String>,
}

impl HostileServer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("is bound");
        let (tell, told) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, tell.clone()));
            }
        });
        Self { address, told }
    }

    async fn hear(&mut self) -> String {
        timeout(HANG, self.told.recv()).await.expect("hangs").expect("the server lives")
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn serve(mut stream: TcpStream, tell: mpsc::UnboundedSender<String>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).expect("is ASCII");
    let path = head.split(' ').nth(1).expect("has a path").to_owned();
    let _ = tell.send(path.clone());
    let _ = answer(&mut stream, &path, &head).await;
    let _ = tell.send(format!("end of {path}"));
}

async fn answer(stream: &mut TcpStream, path: &str, head: &str) -> std::io::Result<()> {
    let leads_to =
        |place: &str| format!("HTTP/1.1 302 Found\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n");
    let whole = |body: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let zeros = vec![b'0'; 64 * 1024];
    match path {
        "/v1/in" => stream.write_all(leads_to("/v1/echo?from=in").as_bytes()).await,
        "/v1/out" => stream.write_all(leads_to("/v2/echo").as_bytes()).await,
        "/v1/up" => stream.write_all(leads_to("/v1/%2e%2e/v2/echo").as_bytes()).await,
        "/v1/metadata" => stream.write_all(leads_to("http://169.254.169.254/v1/").as_bytes()).await,
        "/v1/circle" => stream.write_all(leads_to("/v1/circle").as_bytes()).await,
        "/v1/gigabyte" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n").await?;
            loop {
                stream.write_all(&zeros).await?;
            }
        }
        "/v1/endless" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            loop {
                stream.write_all(&zeros).await?;
            }
        }
        "/v1/headers" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
            loop {
                stream
                    .write_all(b"a: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n")
                    .await?;
            }
        }
        "/v1/long_header" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\na: ").await?;
            loop {
                stream.write_all(&zeros).await?;
            }
        }
        "/v1/cut" => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await,
        "/v1/nothing" => Ok(()),
        "/v1/garbage" => stream.write_all(b"\x16\x03\x01 no HTTP at all\r\n\r\n").await,
        "/v1/packed" => {
            let packed = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00";
            let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 20\r\n\r\n";
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(packed).await
        }
        // Nothing more is said; what ends it is the other side.
        "/v1/silent" => stream.read(&mut [0]).await.map(drop),
        "/v1/half" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await?;
            stream.read(&mut [0]).await.map(drop)
        }
        _ => stream.write_all(whole(head).as_bytes()).await,
    }
}

/// A worker that is invited, and its caller.
async fn invited(daemon: &Daemon, invitations: &[String], deadline_ms: u32) -> Stranger {
    let net = invitations.iter().map(|text| text.parse().expect("is one")).collect();
    let wishes =
        Wishes { net, call_deadline_ms: Some(deadline_ms), lease_ms: Some(600_000), ..Wishes::default() };
    let spawned = daemon.spawn_with(WORKER, wishes).await;
    Stranger::enter(&serde_json::to_value(&spawned.ticket).expect("serializes")).await
}

async fn refused(caller: &mut Stranger, url: &str) -> String {
    let reply = caller.call("get", json!([url])).await;
    assert_eq!(reply["error"]["code"], code::WORKER, "{url}: {reply}");
    reply["error"]["message"].as_str().expect("is text").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_fetches_from_where_it_was_invited_and_from_nowhere_else() {
    let daemon = Daemon::start();
    let (mut server, mut other) = (HostileServer::start().await, HostileServer::start().await);
    let mut caller = invited(&daemon, &[format!("GET,POST {}", server.url("/v1/"))], 60_000).await;
    let init = json!({"method": "POST", "headers": {"X-Mine": "a"}, "body": "the body"});
    let said = caller.result("get", json!([server.url("/v1/echo?q=1#f"), init])).await;
    let echoed = said[2].as_str().expect("is text");
    assert!(echoed.starts_with("POST /v1/echo?q=1 HTTP/1.1\r\n"), "{echoed}");
    assert!(
        echoed.contains("x-mine: a\r\n") && echoed.contains(&format!("host: {}\r\n", server.address)),
        "{echoed}"
    );
    assert!(echoed.contains("content-length: 8\r\n") && !echoed.contains("accept-encoding"), "{echoed}");
    assert_eq!(server.hear().await, "/v1/echo?q=1");
    let said = caller.result("get", json!([server.url("/v1/in")])).await;
    assert_eq!((&said[0], &said[1]), (&json!(200), &json!(true)), "{said}");
    for outside in [
        server.url("/v2/echo"),
        server.url("/v10"),
        server.url("/v1/../v2/echo"),
        server.url("/v1/%2e%2e/v2/echo"),
        server.url("/v1/..%2fv2"),
        other.url("/v1/echo"),
        format!("http://localhost:{}/v1/echo", server.address.port()),
        format!("http://[::ffff:127.0.0.1]:{}/v1/echo", server.address.port()),
        format!("http://{}@{}/v1/echo", server.address, other.address),
        "http://169.254.169.254/v1/".to_owned(),
        "file:///etc/passwd".to_owned(),
        server.url("/v1/out"),
        server.url("/v1/up"),
        server.url("/v1/metadata"),
    ] {
        let told = refused(&mut caller, &outside).await;
        let is_ours = ["not among what this worker was invited", "only http and https", "do not belong"];
        assert!(is_ours.iter().any(|part| told.contains(part)), "{outside}: {told}");
    }
    let deletes = caller.call("get", json!([server.url("/v1/echo"), {"method": "DELETE"}])).await;
    assert_eq!(deletes["error"]["code"], code::WORKER, "{deletes}");
    for header in ["host", "content-length", "transfer-encoding", "connection"] {
        let reply = caller.call("get", json!([server.url("/v1/echo"), {"headers": {header: "1"}}])).await;
        let told = reply["error"]["message"].as_str().expect("is refused");
        assert!(told.contains("is the node's"), "{told}");
    }
    let split = json!({"headers": {"a": "b\r\nhost: evil"}});
    assert_eq!(caller.code("get", json!([server.url("/v1/echo"), split])).await, i64::from(code::WORKER));
    // What was asked of the servers is what was invited to, and the first steps that led out of it.
    let mut seen = Vec::new();
    while let Ok(told) = server.told.try_recv() {
        if !told.starts_with("end of") && told != "/v1/in" {
            seen.push(told);
        }
    }
    assert_eq!(seen, ["/v1/echo?from=in", "/v1/out", "/v1/up", "/v1/metadata"]);
    assert!(other.told.try_recv().is_err(), "nobody was sent to the other server");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_harms_the_vault() {
    let daemon = Daemon::start();
    let server = HostileServer::start().await;
    let mut caller = invited(&daemon, &[server.url("/v1/")], 60_000).await;
    for (path, part) in [
        ("/v1/circle", "leads on and on"),
        ("/v1/gigabyte", "longer than this vault's limit"),
        ("/v1/endless", "longer than this vault's limit"),
        ("/v1/headers", "cannot be reached"),
        ("/v1/long_header", "cannot be reached"),
        ("/v1/cut", "broke off"),
        ("/v1/nothing", "cannot be reached"),
        ("/v1/garbage", "cannot be reached"),
    ] {
        let told = refused(&mut caller, &server.url(path)).await;
        assert!(told.contains(part), "{path}: {told}");
        assert_eq!(caller.result("has", json!([])).await, "function", "after {path}");
    }
    // It stays packed: a small answer does not become a large one.
    assert_eq!(caller.result("size", json!([server.url("/v1/packed")])).await, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_ends_with_whom_it_was_for() {
    let daemon = Daemon::start();
    let mut server = HostileServer::start().await;
    let invitations = [server.url("/v1/")];
    // With its deadline, whether nothing was said or half of it.
    let mut hasty = invited(&daemon, &invitations, 300).await;
    for path in ["/v1/silent", "/v1/half"] {
        // Who is quicker tells it: the call's own deadline, or the worker, to which its node has said the same.
        let error = hasty.call("get", json!([server.url(path)])).await["error"].take();
        let is_told = error["message"].as_str().is_some_and(|told| told.contains("deadline passed"));
        assert!(error["code"] == code::DEADLINE || is_told, "{error}");
        assert_eq!([server.hear().await, server.hear().await], [path.to_owned(), format!("end of {path}")]);
    }
    assert_eq!(hasty.result("has", json!([])).await, "function");
    // With its caller's patience.
    let mut caller = invited(&daemon, &invitations, 600_000).await;
    caller.send(&request(7, "get", json!([server.url("/v1/silent")])).to_string()).await;
    assert_eq!(server.hear().await, "/v1/silent");
    caller.send(&json!({"jsonrpc": "2.0", "method": "hauki.cancel", "params": {"id": 7}}).to_string()).await;
    assert_eq!(caller.reply().await["error"]["code"], code::CANCELLED);
    assert_eq!(server.hear().await, "end of /v1/silent");
    assert_eq!(caller.result("has", json!([])).await, "function");
    // With the worker.
    caller.send(&request(8, "get", json!([server.url("/v1/half")])).to_string()).await;
    assert_eq!(server.hear().await, "/v1/half");
    caller.send(&request(9, "hauki.destruct", json!({})).to_string()).await;
    assert_eq!(server.hear().await, "end of /v1/half");
}

/// Answers whoever trusts its certificate, which an authority made for a test has signed.
struct TlsServer {
    address: SocketAddr,
    authority: String,
}

impl TlsServer {
    async fn start() -> Self {
        let authority = {
            let mut wanted = rcgen::CertificateParams::new(Vec::new()).expect("is valid");
            wanted.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            let key = rcgen::KeyPair::generate().expect("is made");
            rcgen::CertifiedIssuer::self_signed(wanted, key).expect("is signed")
        };
        let key = rcgen::KeyPair::generate().expect("is made");
        let wanted = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("is valid");
        let own = wanted.signed_by(&key, &authority).expect("is signed");
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("are known")
            .with_no_client_auth()
            .with_single_cert(vec![own.der().clone()], key.into())
            .expect("fit");
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("is bound");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut head = [0; 2048];
                    let _ = stream.read(&mut head).await;
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsealed").await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        let bytes = BASE64.encode(authority.der());
        let lines: Vec<&str> =
            bytes.as_bytes().chunks(64).map(|line| str::from_utf8(line).expect("is ASCII")).collect();
        let lines = lines.join("\n");
        let authority = format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n");
        Self { address, authority }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_believed_by_who_vouches_for_it_and_by_nobody_else() {
    let (server, other) = (TlsServer::start().await, TlsServer::start().await);
    let url = format!("https://{}/v1/", server.address);
    for (authority, is_known) in
        [(None, false), (Some(&other.authority), false), (Some(&server.authority), true)]
    {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let more = authority.map_or_else(String::new, |pem| {
            std::fs::write(file.path(), pem).expect("is ours");
            format!("net: {{ca_file: {}}}\n", file.path().display())
        });
        let daemon = Daemon::start_in(Daemon::ground(&more), "all", &[]);
        let mut caller = invited(&daemon, std::slice::from_ref(&url), 60_000).await;
        if is_known {
            assert_eq!(caller.result("get", json!([url])).await, json!([200, false, "sealed"]));
        } else {
            let told = refused(&mut caller, &url).await;
            assert!(told.contains("cannot be reached: no connection"), "{told}");
        }
    }
    for spoiled in ["", "no certificate"] {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), spoiled).expect("is ours");
        let dir = Daemon::ground(&format!("net: {{ca_file: {}}}\n", file.path().display()));
        let (said, ended) = Daemon::refused_in(dir.path(), "all", &[]);
        assert!(!ended.success() && said.contains("net.ca_file"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_invited_beyond_what_the_configuration_allows() {
    let mut server = HostileServer::start().await;
    let wish = |url: String| Wishes { net: vec![url.parse().expect("is one")], ..Wishes::default() };
    for (allow, inside, outside) in
        [("off".to_owned(), None, "/v1/"), (format!("['{}']", server.url("/v1/")), Some("/v1/sub/"), "/v2/")]
    {
        let daemon = Daemon::start_in(Daemon::ground(&format!("net: {{allow: {allow}}}\n")), "all", &[]);
        let request = crate::support::daemon::spawning(WORKER, wish(server.url(outside)));
        let error = daemon.endpoint().spawn(&request).await.expect_err("is beyond");
        let error = error.api().expect("is the core's");
        assert!(
            error.code == hauki::api::ErrorCode::Denied && error.message.contains("net.allow"),
            "{error:?}"
        );
        daemon.spawn_with(WORKER, Wishes::default()).await;
        let Some(inside) = inside else { continue };
        let mut caller = invited(&daemon, &[server.url(inside)], 60_000).await;
        caller.result("get", json!([server.url("/v1/sub/echo")])).await;
        assert_eq!(server.hear().await, "/v1/sub/echo");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_invited_has_no_fetch_and_cannot_ask_for_it() {
    let daemon = Daemon::start();
    let source = format!(
        "{WORKER}\nfunction ask() {{ return call_other({{$hauki: 'object', ref: '', vault: '', methods: []}}, 'fetch', ['http://127.0.0.1/', 'GET', [], null]); }}"
    );
    let spawned = daemon.spawn_with(&source, Wishes::default()).await;
    let mut caller = Stranger::enter(&serde_json::to_value(&spawned.ticket).expect("serializes")).await;
    assert_eq!(caller.result("has", json!([])).await, "undefined");
    let reply: Value = caller.call("ask", json!([])).await;
    let told = reply["error"]["message"].as_str().expect("is refused");
    assert!(told.contains("summoned without --allow-net"), "{reply}");
}
