//! Both ends of the inner contract as commit a5924ab had them, as far as the other end can tell.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use hauki::api::ErrorCode;
use hauki::api::node::NodeApi;
use hauki::model::receipt::Receipt;
use hauki_control::fake_node::FakeNode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

/// Behind the paths of then, with the bodies of then.
pub(crate) struct Node {
    pub fake: Arc<FakeNode>,
    pub socket: PathBuf,
    _ground: tempfile::TempDir,
}

fn serve(router: axum::Router, socket: &Path) {
    let listener = UnixListener::bind(socket).expect("binds");
    tokio::spawn(std::future::IntoFuture::into_future(axum::serve(listener, router)));
}

pub(crate) async fn node() -> Node {
    node_with(of_then).await
}

/// Behind a layer that changes what it says.
pub(crate) async fn node_with<F, L>(layer: L) -> Node
where
    F: Future<Output = Response> + Send + 'static,
    L: Fn(Request, Next) -> F + Clone + Send + Sync + 'static,
{
    let ground = tempfile::tempdir().expect("a directory");
    let socket = ground.path().join("node.sock");
    let fake = Arc::new(FakeNode::new("n1".parse().expect("a name")));
    let router = hauki_node::routes::router(fake.clone()).layer(middleware::from_fn(layer));
    serve(router, &socket);
    Node { fake, socket, _ground: ground }
}

async fn of_then(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path == "/node/v1/asks" || path.ends_with("/receipt") {
        let body = json!({"code": "not_found", "message": "no such path on a node", "retryable": false});
        return (StatusCode::NOT_FOUND, Json(body)).into_response();
    }
    let response = next.run(request).await;
    let status = response.status();
    if status.is_success() {
        return response;
    }
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("is read");
    let mut body: Value = serde_json::from_slice(&bytes).expect("is JSON");
    body.as_object_mut().expect("is one").remove("reason").expect("says its reason");
    (status, Json(body)).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "what counts is that it can be read")]
pub(crate) struct News {
    boot_id: String,
    pub last: u64,
    pub items: Vec<NewsItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "what counts is that it can be read")]
pub(crate) enum NewsItem {
    Claimed { vault: Value, ticket: Value, peer: String },
    Log { vault: Value, text: String },
    Clone(Value),
    Died(Receipt),
}

#[derive(Debug, Deserialize)]
pub(crate) struct ApiError {
    pub code: ErrorCode,
    pub retryable: bool,
    #[serde(default)]
    pub receipt: Option<Box<Receipt>>,
}

/// A core that speaks as then.
pub(crate) struct Core {
    socket: PathBuf,
    _ground: tempfile::TempDir,
}

impl Core {
    pub(crate) async fn of(node: Arc<dyn NodeApi>) -> Self {
        let ground = tempfile::tempdir().expect("a directory");
        let socket = ground.path().join("node.sock");
        serve(hauki_node::routes::router(node), &socket);
        Self { socket, _ground: ground }
    }

    async fn exchange(&self, head: &str, body: &str) -> (bool, Vec<u8>) {
        let mut stream = UnixStream::connect(&self.socket).await.expect("listens");
        let request = format!(
            "{head} HTTP/1.1\r\nhost: node\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.expect("writes");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("reads");
        let end = answer.windows(4).position(|end| end == b"\r\n\r\n").expect("has a head") + 4;
        (answer.starts_with(b"HTTP/1.1 200"), answer.split_off(end))
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        read(self.exchange(&format!("GET {path}"), "").await)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        read(self.exchange(&format!("POST {path}"), &body.to_string()).await)
    }
}

fn read<T: DeserializeOwned>((is_answer, body): (bool, Vec<u8>)) -> Result<T, ApiError> {
    if is_answer {
        return Ok(serde_json::from_slice(&body).expect("reads as it did"));
    }
    Err(serde_json::from_slice(&body).expect("reads as it did"))
}
