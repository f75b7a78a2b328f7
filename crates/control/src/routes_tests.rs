use std::future::IntoFuture as _;
use std::path::Path;

use axum::body::to_bytes;
use axum::http::Request as HttpRequest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::*;
use crate::fake_node::FakeCall;
use crate::tests::{Swarm, spawning, summons as summoning, swarm};
use hauki_contract::system::random;

#[path = "routes/owner_tests.rs"]
mod apart;
#[path = "routes/input_tests.rs"]
mod input;
#[path = "routes/turn_tests.rs"]
mod turns;

/// Over a real socket, as a client of any language would write it.
struct Served {
    swarm: Swarm,
    directory: tempfile::TempDir,
    server: JoinHandle<std::io::Result<()>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Served {
    fn start() -> Self {
        let swarm = swarm();
        let directory = tempfile::tempdir().expect("a directory");
        let listener = UnixListener::bind(directory.path().join("s")).expect("binds");
        let peer = Peer { uid: 0, pid: 1, admin: true };
        let server = axum::serve(listener, router(swarm.core.clone()).layer(Extension(peer)));
        Self { directory, server: tokio::spawn(server.into_future()), swarm }
    }

    fn socket(&self) -> std::path::PathBuf {
        self.directory.path().join("s")
    }

    async fn ask(&self, head: &str, body: &[u8]) -> (u16, Value) {
        ask(&self.socket(), head, body).await
    }

    async fn post(&self, path: &str, body: &[u8]) -> (u16, Value) {
        self.ask(&format!("POST {path} HTTP/1.1\r\ncontent-type: application/json"), body).await
    }
}

/// Whatever an endpoint answers, its document says so. (Of what is none, there is nothing to say.)
fn is_documented(head: &str, status: u16) -> bool {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    let mut words = head.split([' ', '?']);
    let method = words.next().unwrap_or_default().to_lowercase();
    let path = template(words.next().unwrap_or_default());
    let operation = &DOCUMENT.get_or_init(openapi::document)["paths"][path][method];
    operation.is_null() || operation["responses"].get(status.to_string()).is_some()
}

async fn ask(socket: &Path, head: &str, body: &[u8]) -> (u16, Value) {
    let first = head.to_owned();
    let mut stream = UnixStream::connect(socket).await.expect("connects");
    let head = format!("{head}\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.expect("writes");
    // A server that refuses early may close while we still write.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8(answer).expect("is UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("has a head");
    let status = head.split(' ').nth(1).expect("has a status").parse().expect("is a number");
    assert!(is_documented(&first, status), "{first}: {status} is not in the document");
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

fn json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("serializes")
}

#[tokio::test]
async fn the_phases_over_http() {
    let served = Served::start();
    let (status, spawned) = served.post(paths::SPAWN, &json(&spawning("k"))).await;
    assert_eq!((status, &spawned["changed"]), (200, &Value::Bool(true)), "{spawned}");
    let id = spawned["vault"]["id"].as_str().expect("has an id");
    let path = paths::with_id(paths::VAULT, id);
    let (status, vault) = served.ask(&format!("GET {path} HTTP/1.1"), b"").await;
    assert_eq!((status, vault["phase"].as_str()), (200, Some("ticketed")));
    let (status, gone) = served.ask(&format!("DELETE {path}?grace_ms=0 HTTP/1.1"), b"").await;
    assert_eq!((status, gone["receipt"]["death"]["cause"].as_str()), (200, Some("destruct")));
    let body = format!("{{\"vault\":{id:?}}}");
    let (status, error) = served.post(paths::TICKETS, body.as_bytes()).await;
    assert_eq!((status, error["code"].as_str()), (410, Some("vault_dead")));
    assert_eq!(error["receipt"], gone["receipt"]);
    let (status, summons) = served.post(paths::SUMMONS, &json(&summoning("k"))).await;
    assert_eq!(status, 200, "{summons}");
}

#[tokio::test]
async fn every_refusal_has_the_one_shape() {
    let served = Served::start();
    let vault = paths::with_id(paths::VAULT, random::vault_id().as_str());
    let json_type = "content-type: application/json";
    let mut unknown_field: Value = serde_json::from_slice(&json(&summoning("k"))).expect("parses");
    unknown_field["colour"] = "red".into();
    let unknown_field = json(&unknown_field);
    let huge = vec![b' '; 8 * 1024 * 1024 + 1];
    let cases: Vec<(String, &[u8], u16, &str, &str)> = vec![
        ("GET /nothing HTTP/1.1".into(), b"", 404, "not_found", "no endpoint /nothing"),
        ("GET /api/v2/omega_spool/spl_1 HTTP/1.1".into(), b"", 400, "bad_request", "spool"),
        (format!("PUT {} HTTP/1.1", paths::SPAWN), b"", 405, "bad_request", "does not take PUT"),
        (format!("POST {} HTTP/1.1", paths::SUMMONS), b"{}", 415, "bad_request", "content type"),
        (
            format!("POST {} HTTP/1.1\r\ncontent-type: text/plain", paths::SUMMONS),
            b"{}",
            415,
            "bad_request",
            "text/plain",
        ),
        (
            format!("POST {} HTTP/1.1\r\n{json_type}", paths::SUMMONS),
            b"{",
            400,
            "bad_request",
            "it ends within an object",
        ),
        (
            format!("POST {} HTTP/1.1\r\n{json_type}", paths::SUMMONS),
            b"",
            400,
            "bad_request",
            "a value is missing",
        ),
        (
            format!("POST {} HTTP/1.1\r\n{json_type}", paths::SUMMONS),
            b"{\"key\":\"\xff\"}",
            400,
            "bad_request",
            "JSON",
        ),
        (
            format!("POST {} HTTP/1.1\r\n{json_type}; charset=utf-8", paths::SUMMONS),
            &unknown_field,
            400,
            "bad_request",
            "unknown field `colour`",
        ),
        (format!("POST {} HTTP/1.1\r\n{json_type}", paths::SUMMONS), &huge, 413, "too_large", "8388608"),
        ("GET /api/v2/vaults/abc HTTP/1.1".into(), b"", 400, "bad_request", "not a vault id"),
        ("GET /api/v2/vaults/%ff HTTP/1.1".into(), b"", 400, "bad_request", "path"),
        ("GET /api/v2/summons/vlt_1 HTTP/1.1".into(), b"", 400, "bad_request", "not a summons id"),
        (format!("GET {vault} HTTP/1.1"), b"", 404, "not_found", "there is no vault"),
        (format!("DELETE {vault} HTTP/1.1"), b"", 404, "not_found", "there is no vault"),
        ("GET /api/v2/vaults?alll=true HTTP/1.1".into(), b"", 400, "bad_request", "alll"),
        ("GET /api/v2/events?after=x HTTP/1.1".into(), b"", 400, "bad_request", "query"),
        ("GET /api/v2/gems/resolve HTTP/1.1".into(), b"", 400, "bad_request", "pointer"),
        (
            "GET /api/v2/gems/resolve?pointer=scout HTTP/1.1".into(),
            b"",
            400,
            "bad_request",
            "not a gem-pointer",
        ),
        (
            "DELETE /api/v2/gems?pointer=gem-pointer://scout HTTP/1.1".into(),
            b"",
            404,
            "not_found",
            "gem-pointer://scout",
        ),
        (format!("POST {} HTTP/1.1\r\n{json_type}", paths::REAP), b"{}", 400, "bad_request", "rule"),
    ];
    for (head, body, status, code, words) in cases {
        let (got, error) = served.ask(&head, body).await;
        assert_eq!((got, error["code"].as_str()), (status, Some(code)), "{head}: {error}");
        let message = error["message"].as_str().expect("has a message");
        assert!(message.contains(words), "{head}: {message}");
        assert!(error["retryable"].is_boolean());
    }
}

/// What derived code would take, and what a reader could misunderstand.
#[tokio::test]
async fn documents_are_read_strictly() {
    let served = Served::start();
    let (_, spawned) = served.post(paths::SPAWN, &json(&spawning("k"))).await;
    let vault = &spawned["vault"]["id"];
    let name = spawned["vault"]["worker"]["name"].as_str().expect("has a name");
    for (path, body, words) in [
        (paths::REAP, format!("[null,null,{name:?},{{}},false]"), "expected an object"),
        (paths::TICKETS, format!("[{vault}]"), "expected an object"),
        (paths::TICKETS, format!("{{\"vault\":{vault},\"wishes\":[[],5]}}"), "wishes: "),
        (paths::HEARTBEATS, format!("[[{vault}]]"), "expected an object"),
        (paths::TICKETS, format!("{{\"vault\":{vault},\"vault\":{vault}}}"), "duplicate field"),
        (
            paths::TICKETS,
            format!("{{\"vault\":{vault},\"wishes\":{{\"lease_ms\":1.5}}}}"),
            "wishes.lease_ms: ",
        ),
        (paths::TICKETS, format!("{{\"vault\":{vault},\"wishes\":{{\"label\":\"\\ud800\"}}}}"), "surrogate"),
        (
            paths::TICKETS,
            format!(
                "{{\"vault\":{vault},\"wishes\":{{\"methods\":{}\"a\"{}}}}}",
                "[".repeat(200),
                "]".repeat(200)
            ),
            "deeper",
        ),
    ] {
        let (status, error) = served.post(path, body.as_bytes()).await;
        assert_eq!((status, error["code"].as_str()), (400, Some("bad_request")), "{path} {body}: {error}");
        assert!(error["message"].as_str().is_some_and(|told| told.contains(words)), "{body}: {error}");
    }
    let (status, error) = served.ask("GET /api/v2/vaults?worker=%ed%a0%80 HTTP/1.1", b"").await;
    assert_eq!((status, error["code"].as_str()), (400, Some("bad_request")), "{error}");
    assert_eq!(served.swarm.node.living().len(), 1, "nothing of it ended the vault");
    for lease in ["60000.0", "6e4", "60000"] {
        let body = format!("{{\"vault\":{vault},\"wishes\":{{\"lease_ms\":{lease}}}}}");
        let (status, ticket) = served.post(paths::TICKETS, body.as_bytes()).await;
        assert_eq!((status, ticket["lease"]["lease_ms"].as_u64()), (200, Some(60_000)), "{lease}: {ticket}");
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_nothing() {
    let served = Served::start();
    let Swarm { core, node, store, .. } = &served.swarm;
    for held in [FakeCall::Provision, FakeCall::Open] {
        node.hold(Some(held));
        let mut stream = UnixStream::connect(served.socket()).await.expect("connects");
        let body = json(&spawning("k"));
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            paths::SPAWN,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.expect("writes");
        stream.write_all(&body).await.expect("writes");
        node.somebody_waits().await;
        drop(stream);
        node.nobody_waits().await;
        node.hold(None);
        while core.basis().ledger.count_forging().await.expect("counts") > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!((node.living(), store.commits()), (vec![], 0), "{held:?}");
    }
    let (status, spawned) = served.post(paths::SPAWN, &json(&spawning("k"))).await;
    assert_eq!((status, &spawned["changed"]), (200, &Value::Bool(true)));
}

#[tokio::test]
async fn events_come_line_by_line_and_end_when_the_daemon_stops() {
    let served = Served::start();
    let mut stream = UnixStream::connect(served.socket()).await.expect("connects");
    let head = format!("GET {}?follow=true HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", paths::EVENTS);
    stream.write_all(head.as_bytes()).await.expect("writes");
    served.post(paths::SPAWN, &json(&spawning("k"))).await;
    let mut seen = String::new();
    while !seen.contains("\"ticketed\"") {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.expect("reads");
        assert!(count > 0, "the stream ended early: {seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    assert!(seen.contains("application/x-ndjson"));
    let lines: Vec<Value> =
        seen.lines().filter_map(|line| serde_json::from_str(line).ok()).filter(Value::is_object).collect();
    assert!(lines.windows(2).all(|pair| pair[0]["seq"].as_u64() < pair[1]["seq"].as_u64()));
    served.swarm.core.close().await;
    stream.read_to_end(&mut Vec::new()).await.expect("ends");
}

#[tokio::test]
async fn the_documented_and_the_served_are_one() {
    let Swarm { core, .. } = swarm();
    let app = router(core).layer(Extension(Peer { uid: 0, pid: 1, admin: true }));
    for endpoint in ENDPOINTS {
        // What is no id of any kind: an id that nobody has is not found either.
        let path = endpoint.path.replace("{id}", "%20");
        let request =
            HttpRequest::builder().method(endpoint.method.as_str().to_uppercase().as_str()).uri(&path);
        let request = request.body(Body::empty()).expect("a request");
        let response = answer(app.clone(), request).await;
        let status = response.status().as_u16();
        assert!(status != 404 && status != 405, "{} {path}: {status}", endpoint.id);
    }
}

#[test]
fn every_path_is_its_own_row_of_the_table_of_rights() {
    for endpoint in ENDPOINTS {
        assert_eq!(template(endpoint.path), endpoint.path);
        assert_eq!(template(&endpoint.path.replace("{id}", "x")), endpoint.path);
    }
    // What is served has its path there.
    let routes = include_str!("routes.rs");
    let served = |start: &str| routes.matches(start).count();
    assert_eq!(served(".route("), served(".route(paths::"));
}

async fn answer(app: Router, request: HttpRequest<Body>) -> Response {
    use hyper::service::Service as _;
    match hyper_util::service::TowerToHyperService::new(app).call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

#[tokio::test]
async fn it_describes_itself() {
    let served = Served::start();
    served.post(paths::SPAWN, &json(&spawning("k"))).await;
    let (_, document) = served.ask("GET /openapi.json HTTP/1.1", b"").await;
    assert_eq!(document["openapi"], "3.1.0");
    let (_, manifest) = served.ask("GET /mesh/manifest HTTP/1.1", b"").await;
    assert_eq!(manifest["services"]["omega_spool"]["state"], "ready");
    let phases = manifest["phases"].as_array().expect("a list");
    assert_eq!(phases.len(), 5);
    assert!(phases.iter().all(|phase| !phase["endpoints"].as_array().expect("a list").is_empty()));
    let (_, health) = served.ask("GET /healthz HTTP/1.1", b"").await;
    assert_eq!((health["status"].as_str(), health["vaults"].as_u64()), (Some("ok"), Some(1)));
    let (_, nodes) = served.ask("GET /api/v2/nodes HTTP/1.1", b"").await;
    assert_eq!(nodes["nodes"][0]["state"], "ready");

    let metrics = metrics(State(served.swarm.core.clone())).await.ok().expect("counts");
    let text = to_bytes(metrics.into_body(), 1 << 20).await.expect("reads");
    let text = String::from_utf8(text.to_vec()).expect("is UTF-8");
    for line in [
        "hauki_vaults{phase=\"ticketed\"} 1",
        "hauki_forge_seconds_count{start=\"cold\"} 1",
        "hauki_requests_total{method=\"POST\",path=\"/api/v2/swarm_spawn_ephemeral\",status=\"200\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

/// Of two, as it is killed, or as nobody reads what it prints: the order is the core's.
#[tokio::test]
async fn who_hangs_up_does_not_stop_what_was_ordered() {
    let served = Served::start();
    let core = served.swarm.core.clone();
    for (path, body) in [(paths::DESTRUCTS, None), (paths::REAP, Some(r#"{"older_than_ms":0}"#.to_owned()))] {
        let mut vaults = Vec::new();
        for number in 0..3 {
            vaults.push(core.spawn(spawning(&format!("{path}{number}"))).await.expect("spawns").vault.id);
        }
        let body = body.unwrap_or_else(|| serde_json::json!({ "vaults": vaults }).to_string());
        served.swarm.node.hold(Some(FakeCall::Doom));
        let mut stream = UnixStream::connect(served.socket()).await.expect("connects");
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n");
        let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await.expect("writes");
        served.swarm.node.somebody_waits().await;
        drop(stream);
        // As long as it takes the server to see that.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        assert_eq!(served.swarm.node.living().len(), 3);
        assert!(core.activity().await.expect("tells").requests > 0, "the daemon must not leave");
        served.swarm.node.hold(None);
        let ended = async {
            while core.vaults(Default::default()).await.is_ok_and(|list| !list.vaults.is_empty()) {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), ended).await.expect("all are ended");
    }
}
