//! Secrets against servers that say too much: a value reaches whom it is for, and nothing of it comes back to the vault, is
//! told to anybody, or is written down.

use std::net::SocketAddr;
use std::path::Path;

use crate::support::daemon::Daemon;
use crate::support::stranger::{HANG, Stranger};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hauki::api::ErrorCode;
use hauki::api::event::{Event, EventQuery, Happening};
use hauki::api::node::Fetched;
use hauki::api::secret::SecretPut;
use hauki::api::summons::Spawned;
use hauki::client::endpoint::ControlPlane;
use hauki::model::gem::Wishes;
use hauki::model::secret::Secret;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

const VALUE: &str = "sk-live_4f/9Q+z\"&7c=";

/// As the compiler leaves it.
const WORKER: &str = r#""hauki runtime 1";
function get(url, init) {
  return fetch(url, init).then(function (answer) {
    var headers = {};
    answer.headers.forEach(function (value, name) { headers[name] = value; });
    return answer.text().then(function (text) { return {url: answer.url, headers: headers, text: text}; });
  });
}
function raw(url) {
  return fetch(url).then(function (answer) { return answer.bytes(); }).then(function (all) {
    return Array.prototype.slice.call(all);
  });
}
"#;

/// Says what it was sent, in the way that the path asks for, and tells the test.
struct EchoServer {
    address: SocketAddr,
    told: mpsc::UnboundedReceiver<String>,
}

impl EchoServer {
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

    /// The head of the next request.
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
    let _ = tell.send(head.clone());
    let _ = stream.write_all(&answer(&head)).await;
}

fn answer(head: &str) -> Vec<u8> {
    let path = head.split(' ').nth(1).expect("has a path");
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let key = head.lines().find_map(|line| line.strip_prefix("authorization: Bearer ")).unwrap_or("none");
    let said = |more: &str, body: &[u8]| {
        let mut said =
            format!("HTTP/1.1 200 OK\r\n{more}content-length: {}\r\n\r\n", body.len()).into_bytes();
        said.extend_from_slice(body);
        said
    };
    let leads_to = |place: &str| {
        format!("HTTP/1.1 302 Found\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n").into_bytes()
    };
    match path {
        "/v1/header" => said(&format!("x-echo: key={key}\r\nset-cookie: k={key}; path=/\r\n"), b""),
        "/v1/base64" => said("", BASE64_STANDARD.encode(format!("user:{key}")).as_bytes()),
        "/v1/base64url" => said("", BASE64_URL_SAFE_NO_PAD.encode(format!("{key}?")).as_bytes()),
        "/v1/json" => said("", json!({ "you_sent": [key], "n": 1 }).to_string().as_bytes()),
        "/v1/binary" => said("", &[b"\xff\xfe", key.as_bytes(), b"\xff"].concat()),
        "/v1/long" => said("", ("x".repeat(300_000) + key).as_bytes()),
        "/v1/error" => [
            b"HTTP/1.1 401 ".to_vec(),
            format!("bad {key}\r\ncontent-length: 9\r\n\r\nbad key: ").into_bytes(),
        ]
        .concat(),
        "/v1/packed" => said("content-encoding: gzip\r\n", key.as_bytes()),
        "/v1/again" => leads_to(&format!("/v1/query?{query}&x=1")),
        "/v1/leak" => leads_to(&format!("/v1/query?leaked={}", query.split('=').nth(1).unwrap_or_default())),
        "/v1/outside" => leads_to(&format!("http://127.0.0.2:1/{query}")),
        _ => said("", head.as_bytes()),
    }
}

async fn keep(plane: &ControlPlane, name: &str, value: &str) {
    let put = SecretPut { name: name.parse().expect(name), value: Secret::new(value.to_owned()) };
    plane.secret_set(&put).await.expect("is kept");
}

async fn carrying(daemon: &Daemon, net: &[String], secrets: &[&str]) -> (Spawned, Stranger) {
    let net = net.iter().map(|text| text.parse().expect("is one")).collect();
    let secrets = secrets.iter().map(|text| text.parse().expect("is one")).collect();
    let wishes = Wishes { net, secrets, lease_ms: Some(600_000), ..Wishes::default() };
    let spawned = daemon.spawn_with(WORKER, wishes).await;
    let caller = Stranger::enter(&serde_json::to_value(&spawned.ticket).expect("serializes")).await;
    (spawned, caller)
}

/// Nothing of the value, in any form that this test's server knows.
fn assert_clean(told: &str) {
    for form in [
        VALUE.to_owned(),
        serde_json::to_string(VALUE).expect("is text").trim_matches('"').to_owned(),
        BASE64_STANDARD.encode(format!("user:{VALUE}"))[8..24].to_owned(),
        BASE64_URL_SAFE_NO_PAD.encode(VALUE)[..20].to_owned(),
        "sk-live_4f%2F9Q".to_owned(),
        "4f/9Q".to_owned(),
    ] {
        assert!(!told.contains(&form), "{form} is in {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_reaches_whom_it_is_for_and_never_comes_back() {
    let daemon = Daemon::start();
    let mut server = EchoServer::start().await;
    keep(&daemon.endpoint(), "openai", VALUE).await;
    let (_, mut caller) = carrying(&daemon, &[server.url("/v1/")], &["openai=Authorization:Bearer"]).await;
    let init = json!({ "headers": { "Authorization": "Bearer mine", "X-Mine": "m" } });
    let said = caller.result("get", json!([server.url("/v1/echo"), init])).await;
    let sent = server.hear().await;
    assert!(
        sent.contains(&format!("authorization: Bearer {VALUE}\r\n")) && sent.contains("x-mine: m"),
        "{sent}"
    );
    assert!(!sent.contains("Bearer mine"), "{sent}");
    let text = said["text"].as_str().expect("is text");
    assert!(text.contains("authorization: Bearer [secret openai]\r\n"), "{text}");
    for path in ["/v1/echo", "/v1/header", "/v1/base64", "/v1/base64url", "/v1/json", "/v1/long", "/v1/error"]
    {
        let said = caller.result("get", json!([server.url(path)])).await.to_string();
        assert!(server.hear().await.contains(VALUE), "{path}: the server had it");
        assert_clean(&said);
        assert!(path == "/v1/error" || said.contains("[secret openai]"), "{path}: {said}");
    }
    let bytes = caller.result("raw", json!([server.url("/v1/binary")])).await;
    let bytes: Vec<u8> = serde_json::from_value(bytes).expect("are bytes");
    assert_eq!(bytes, b"\xff\xfe[secret openai]\xff");
    assert!(server.hear().await.contains(VALUE));
    let told = caller.call("get", json!([server.url("/v1/packed")])).await.to_string();
    assert!(told.contains("cannot be searched for secrets"), "{told}");
    assert!(server.hear().await.contains(VALUE));
    let outside = caller.call("get", json!([server.url("/v2/echo")])).await.to_string();
    assert!(outside.contains("not among what this worker was invited"), "{outside}");
    assert!(server.told.try_recv().is_err(), "who is not invited is sent nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_has_it_only_on_the_way_to_its_own_origin() {
    let daemon = Daemon::start();
    let (mut server, mut other) = (EchoServer::start().await, EchoServer::start().await);
    keep(&daemon.endpoint(), "maps", VALUE).await;
    let here = server.url("/v1/");
    let used = format!("maps=?key {here}");
    let (_, mut caller) = carrying(&daemon, &[here, other.url("/")], &[&used]).await;
    let encoded = "key=sk-live_4f%2F9Q%2Bz%22%267c%3D";
    let said = caller.result("get", json!([server.url("/v1/echo?a=1&key=mine#f")])).await;
    let sent = server.hear().await;
    assert!(sent.starts_with(&format!("GET /v1/echo?a=1&{encoded} HTTP/1.1\r\n")), "{sent}");
    assert_eq!(said["url"], server.url("/v1/echo?a=1&key=mine"), "as it was asked for");
    assert_clean(&said.to_string());
    // A redirect that repeats the query has it once, and not in what the worker is told.
    let said = caller.result("get", json!([server.url("/v1/again")])).await;
    assert!(server.hear().await.starts_with(&format!("GET /v1/again?{encoded} ")));
    assert!(server.hear().await.starts_with(&format!("GET /v1/query?x=1&{encoded} ")));
    assert_eq!(said["url"], server.url("/v1/query?x=1"));
    assert_clean(&said.to_string());
    // One that writes it somewhere else leads nowhere, inside or outside.
    for (path, part) in [("/v1/leak", "has a secret in it"), ("/v1/outside", "has a secret in it")] {
        let reply = caller.call("get", json!([server.url(path)])).await;
        let told = reply["error"]["message"].as_str().expect("is refused").to_owned();
        assert!(told.contains(part), "{path}: {told}");
        assert_clean(&reply.to_string());
        assert!(server.hear().await.contains(encoded));
    }
    assert!(server.told.try_recv().is_err());
    let said = caller.result("get", json!([other.url("/v1/echo?key=mine")])).await;
    let sent = other.hear().await;
    assert!(sent.starts_with("GET /v1/echo?key=mine HTTP/1.1\r\n") && !sent.contains("4f"), "{sent}");
    assert!(said["text"].as_str().expect("is text").contains("key=mine"), "{said}");
}

fn files(directory: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("is readable").flatten() {
        let kind = entry.file_type().expect("has one");
        if kind.is_dir() {
            files(&entry.path(), found);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_told_a_value_and_nothing_that_is_written_has_it() {
    let mut daemon = Daemon::start();
    let mut server = EchoServer::start().await;
    let plane = daemon.endpoint();
    keep(&plane, "openai", "sk-an-earlier-value").await;
    keep(&plane, "openai", VALUE).await;
    let (spawned, mut caller) =
        carrying(&daemon, &[server.url("/v1/")], &["openai=Authorization:Bearer"]).await;
    caller.result("get", json!([server.url("/v1/echo?q=hush")])).await;
    assert!(server.hear().await.contains(VALUE), "the newer one");
    let vault = spawned.vault.id.clone();
    let told = [
        serde_json::to_string(&spawned).expect("is written"),
        serde_json::to_string(&plane.vault(&vault).await.expect("is there")).expect("is written"),
        serde_json::to_string(&plane.secrets().await.expect("lists")).expect("is written"),
    ];
    told.iter().for_each(|told| assert_clean(told));
    assert!(told[0].contains("openai=authorization:Bearer"), "its use is shown: {}", told[0]);
    let (fetched, all) = fetched(&plane).await;
    assert_eq!((fetched.method.as_str(), fetched.status, fetched.error), ("GET", Some(200), None));
    assert_eq!(fetched.to, server.url("/v1/echo"), "without its query");
    assert_clean(&all);
    // A daemon that starts again can use it, and the file with its key is nobody else's.
    daemon.kill();
    let mut found = Vec::new();
    files(daemon.dir.path(), &mut found);
    let key = found.iter().find(|path| path.ends_with("core/data.key")).expect("was made");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(key).expect("is there"));
    assert_eq!(mode & 0o777, 0o600);
    assert!(found.iter().any(|path| path.ends_with("core/store.db")), "{found:?}");
    for path in &found {
        let bytes = std::fs::read(path).expect("is readable");
        for value in [VALUE, "sk-an-earlier-value", &BASE64_STANDARD.encode(VALUE)[..24], "4f/9Q"] {
            let is_there = bytes.windows(value.len()).any(|window| window == value.as_bytes());
            assert!(!is_there, "{value} is in {}", path.display());
        }
    }
    daemon.restart();
    let (_, mut caller) = carrying(&daemon, &[server.url("/v1/")], &["openai=Authorization:Bearer"]).await;
    caller.result("get", json!([server.url("/v1/echo")])).await;
    assert!(server.hear().await.contains(VALUE));
}

/// The first fetch that is told, and all that was told until then.
async fn fetched(plane: &ControlPlane) -> (Fetched, String) {
    let mut events =
        plane.events(&EventQuery { follow: true, ..EventQuery::default() }).await.expect("follows");
    let mut all = String::new();
    loop {
        let event = timeout(HANG, events.next::<Event>()).await.expect("hangs");
        let event = event.expect("goes on").expect("is one");
        all += &serde_json::to_string(&event).expect("is written");
        if let Happening::Fetched { fetched, .. } = event.what {
            return (*fetched, all);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_or_not_for_there_starts_no_worker() {
    let daemon = Daemon::start();
    let plane = daemon.endpoint();
    keep(&plane, "openai", VALUE).await;
    let here = "http://127.0.0.1:8080/v1/";
    for (net, used, code, part) in [
        (vec![here], "other=X-Key", ErrorCode::NotFound, "there is no secret other"),
        (vec![], "openai=X-Key", ErrorCode::BadRequest, "invited nowhere"),
        (vec![here, "http://127.0.0.1:8081/"], "openai=X-Key", ErrorCode::BadRequest, "more than one origin"),
        (vec!["http://api.example.com/"], "openai=X-Key", ErrorCode::BadRequest, "over http"),
        (vec![here], "openai=X-Key https://api.example.com/", ErrorCode::BadRequest, "is not invited"),
    ] {
        let net = net.iter().map(|text| text.parse().expect(text)).collect();
        let wishes = Wishes { net, secrets: vec![used.parse().expect(used)], ..Wishes::default() };
        let request = crate::support::daemon::spawning(WORKER, wishes);
        let error = plane.spawn(&request).await.expect_err(used);
        let error = error.api().expect("is the core's");
        assert!(error.code == code && error.message.contains(part), "{used}: {error:?}");
        assert_clean(&error.message);
    }
    for wrong in ["1234567", "sk-1234\r\nx-evil: 1", " sk-12345678", "sk-1234567\u{e4}"] {
        let put = SecretPut { name: "bad".parse().expect("is one"), value: Secret::new(wrong.to_owned()) };
        let error = plane.secret_set(&put).await.expect_err(wrong);
        let error = error.api().expect("is the core's");
        assert!(error.code == ErrorCode::BadRequest && !error.message.contains(wrong), "{error:?}");
    }
    let names = |list: hauki::api::secret::SecretList| -> Vec<String> {
        list.secrets.into_iter().map(|secret| secret.name.to_string()).collect()
    };
    assert_eq!(names(plane.secrets().await.expect("lists")), ["openai"]);
    let name = "openai".parse().expect("is one");
    assert!(plane.secret_remove(&name).await.expect("removes").changed);
    assert!(!plane.secret_remove(&name).await.expect("answers").changed);
    assert!(names(plane.secrets().await.expect("lists")).is_empty());
}
