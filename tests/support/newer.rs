//! A daemon and a node one version newer, as far as the other end can tell: what a real one answers, with a member
//! more in each object of it, and other words where words may come that are not known.
//!
//! Tickets are documents with a version of their own and stay as they are, but for where they lead: to a gate that
//! does the same with what vaults' nodes say. What a worker has written is the worker's.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::stream;
use hauki_node::gate::identity::Identity;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;

use super::stranger::Stranger;

pub(crate) const MORE: &str = "x_new";
/// What a word that is not known begins with.
pub(crate) const NEW: &str = "x_";
/// Where there are such, and a member that tells what they are in.
const OPEN: [(&str, &str); 9] = [
    ("cause", "at"),
    ("code", "retryable"),
    ("event", "seq"),
    ("found_in", "pointer"),
    ("level", "what"),
    ("phase", "generation"),
    ("state", "attempts"),
    ("what", "gone_after_us"),
    ("witness", "lived_ms"),
];
const MOST: usize = 64 << 20;

/// The objects that are a choice have its name alone, and these are for people's own names.
const CHOICES: [&str; 6] = ["directory", "claimed", "log", "clone", "died", "host_key"];
const NAMES: [&str; 2] = ["labels", "args"];

/// Says more everywhere; `ticket` is told of each ticket.
fn newer(value: &mut Value, ticket: &dyn Fn(&mut Value)) {
    if value["kind"] == "ticket" && value["v"] == 1 {
        return ticket(value);
    }
    match value {
        Value::Object(members) => {
            words(members);
            for (_, value) in members.iter_mut().filter(|(name, _)| !NAMES.contains(&name.as_str())) {
                newer(value, ticket);
            }
            if members.len() != 1 || !members.keys().all(|name| CHOICES.contains(&name.as_str())) {
                members.insert(MORE.into(), json!({ "y": [1, { "z": null }] }));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| newer(item, ticket)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Each word that may be another one is.
fn words(members: &mut serde_json::Map<String, Value>) {
    let places: Vec<&str> = OPEN
        .into_iter()
        .filter(|(_, beside)| members.contains_key(*beside))
        .map(|(place, _)| place)
        .collect();
    for place in places {
        if let Some(Value::String(word)) = members.get_mut(place) {
            *word = format!("{NEW}{word}");
        }
    }
    if members.contains_key("forged_us") && members.contains_key("methods") {
        members.insert("unlimited".into(), json!([format!("{NEW}gpu"), "pids"]));
    }
    if let Some(kind) = members.get_mut("worker").and_then(|worker| worker.get_mut("kind")) {
        *kind = json!(format!("{NEW}kind"));
    }
}

/// A layer around a node's paths.
pub(crate) async fn answers(request: Request, next: Next) -> Response {
    let (head, body) = next.run(request).await.into_parts();
    let bytes = axum::body::to_bytes(body, MOST).await.expect("is read");
    let mut said: Value = serde_json::from_slice(&bytes).expect("is JSON");
    newer(&mut said, &|_| {});
    Response::builder()
        .status(head.status)
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(said.to_string()))
        .expect("is a response")
}

/// In front of a real daemon.
pub(crate) struct Newer {
    pub(crate) socket: PathBuf,
    _ground: tempfile::TempDir,
}

struct Front {
    daemon: reqwest::Client,
    identity: Identity,
}

impl Newer {
    pub(crate) fn of(daemon: &Path) -> Self {
        let ground = tempfile::tempdir().expect("a directory");
        let socket = ground.path().join("newer.sock");
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().unix_socket(daemon).tls_certs_only([]);
        let identity = Identity::generate().expect("a certificate");
        let front = Arc::new(Front { daemon: client.build().expect("is set up"), identity });
        let router = axum::Router::new().fallback(move |request| pass(Arc::clone(&front), request));
        let listener = UnixListener::bind(&socket).expect("binds");
        tokio::spawn(std::future::IntoFuture::into_future(axum::serve(listener, router)));
        Self { socket, _ground: ground }
    }
}

async fn pass(front: Arc<Front>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MOST).await.expect("is read");
    let path = head.uri.path_and_query().expect("has a path");
    if head.method == "POST" && (path == "/api/v2/nodes" || path.as_str().ends_with("/upgrade")) {
        return front.install().await;
    }
    let mut asked = front.daemon.request(head.method, format!("http://hauki{path}")).body(body);
    for (name, value) in head.headers.iter().filter(|(name, _)| *name != "host" && *name != "content-length")
    {
        asked = asked.header(name, value);
    }
    let mut answer = asked.send().await.expect("the daemon answers");
    let kind = answer.headers()[CONTENT_TYPE].clone();
    let response = Response::builder().status(answer.status()).header(CONTENT_TYPE, &kind);
    let is_json = kind.to_str().is_ok_and(|kind| kind.starts_with("application/json"));
    let body = if is_json {
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.expect("is whole") {
            bytes.extend_from_slice(&chunk);
        }
        Body::from(front.said(&bytes))
    } else {
        Body::from_stream(stream::unfold(
            (answer, Vec::new(), front),
            async |(mut answer, mut rest, front)| {
                loop {
                    if let Some(end) = memchr::memchr(b'\n', &rest) {
                        let line: Vec<u8> = rest.drain(..=end).collect();
                        let said = front.said(&line) + "\n";
                        return Some((Ok::<_, std::io::Error>(said), (answer, rest, front)));
                    }
                    rest.extend_from_slice(&answer.chunk().await.ok().flatten()?);
                }
            },
        ))
    };
    response.body(body).expect("is a response")
}

impl Front {
    /// An installation would want a machine. This one has a step of its own.
    async fn install(&self) -> Response {
        let nodes = self.daemon.get("http://hauki/api/v2/nodes").send().await.expect("the daemon answers");
        let nodes = nodes.bytes().await.expect("is whole");
        let nodes: Value = serde_json::from_slice(&nodes).expect("is JSON");
        let steps = [
            json!({ "step": "done", "what": "looked" }),
            json!({ "step": "x_paused", "why": { "kernel": "6.1" } }),
            json!({ "step": "copied", "bytes": 1, "of": 1 }),
            json!({ "step": "added", "node": nodes["nodes"][0] }),
        ];
        let lines: String = steps.iter().map(|step| self.said(step.to_string().as_bytes()) + "\n").collect();
        let response = Response::builder().header(CONTENT_TYPE, "application/x-ndjson");
        response.body(Body::from(lines)).expect("is a response")
    }

    fn said(&self, bytes: &[u8]) -> String {
        let mut said: Value = serde_json::from_slice(bytes).expect("is JSON");
        newer(&mut said, &|ticket| self.lead(ticket));
        said.to_string()
    }

    /// From now on the ticket leads to a gate of ours.
    fn lead(&self, ticket: &mut Value) {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("binds");
        listener.set_nonblocking(true).expect("is ours");
        let port = listener.local_addr().expect("is bound").port();
        let original = ticket.clone();
        ticket["endpoint"] = json!({ "ip": "127.0.0.1", "port": port });
        ticket["tls"]["cert_sha256"] = json!(self.identity.cert_sha256);
        ticket["tls"]["key_sha256"] = json!(self.identity.key_sha256);
        let (listener, config) = (TcpListener::from_std(listener), Arc::clone(&self.identity.config));
        tokio::spawn(async move {
            let listener = listener.expect("is one");
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, original) = (TlsAcceptor::from(Arc::clone(&config)), original.clone());
                tokio::spawn(async move {
                    if let Ok(tls) = acceptor.accept(tcp).await
                        && let Ok(gate) = Stranger::knock(&original).await
                    {
                        carry(tls, gate.stream).await;
                    }
                });
            }
        });
    }
}

/// Until one of the two has enough.
async fn carry(client: impl AsyncRead + AsyncWrite, gate: impl AsyncRead + AsyncWrite) {
    let ((from_client, mut to_client), (from_gate, mut to_gate)) =
        (tokio::io::split(client), tokio::io::split(gate));
    let (mut requests, mut answers) =
        (BufReader::new(from_client).lines(), BufReader::new(from_gate).lines());
    let asked = Mutex::new(HashMap::new());
    let asked = &asked;
    let there = async {
        while let Ok(Some(line)) = requests.next_line().await {
            let request: Value = serde_json::from_str(&line).expect("a client writes JSON");
            let method = request["method"].as_str().unwrap_or_default().to_owned();
            asked.lock().unwrap_or_else(PoisonError::into_inner).insert(request["id"].to_string(), method);
            if to_gate.write_all(format!("{line}\n").as_bytes()).await.is_err()
                || to_gate.flush().await.is_err()
            {
                return;
            }
        }
    };
    let back = async {
        while let Ok(Some(line)) = answers.next_line().await {
            let mut answer: Value = serde_json::from_str(&line).expect("a gate writes JSON");
            let method =
                asked.lock().unwrap_or_else(PoisonError::into_inner).get(&answer["id"].to_string()).cloned();
            let is_ours = method.is_some_and(|method| method.starts_with("hauki."));
            // What a worker emits and returns is its own.
            let params = answer.pointer_mut("/params").and_then(Value::as_object_mut);
            let data = params.and_then(|params| params.remove("data"));
            for (place, is_said) in [("/params", true), ("/error/data", true), ("/result", is_ours)] {
                if let Some(said) = answer.pointer_mut(place).filter(|said| is_said && !said.is_null()) {
                    newer(said, &|_| {});
                }
            }
            if let Some(data) = data {
                answer["params"]["data"] = data;
            }
            if to_client.write_all(format!("{answer}\n").as_bytes()).await.is_err()
                || to_client.flush().await.is_err()
            {
                return;
            }
        }
    };
    tokio::select! {
        () = there => {}
        () = back => {}
    }
    let _ = tokio::join!(to_client.shutdown(), to_gate.shutdown());
}
