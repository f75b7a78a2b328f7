//! A gate as commit a5924ab had it, as far as a client can tell: a hello with the fields of then and no other,
//! a welcome without a version or features, and reserved methods of which it knows five.

use std::sync::{Arc, Mutex};

use hauki::model::ticket::Ticket;
use hauki_node::gate::identity::Identity;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "what counts is what it refuses")]
struct Hello {
    token: String,
    #[serde(default)]
    call_deadline_ms: Option<u32>,
    #[serde(default)]
    client: Option<String>,
    #[serde(default)]
    voucher: Option<String>,
}

pub(crate) struct OldNode {
    /// What came that it did not know.
    strange: Arc<Mutex<Vec<String>>>,
}

impl OldNode {
    /// Puts itself in the place of the ticket's node.
    pub(crate) async fn start(ticket: &mut Ticket) -> Self {
        let identity = Identity::generate().expect("a certificate");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("binds");
        ticket.endpoint.port = listener.local_addr().expect("is bound").port();
        (ticket.tls.cert_sha256, ticket.tls.key_sha256) = (identity.cert_sha256, identity.key_sha256);
        let strange = Arc::new(Mutex::new(Vec::new()));
        let (seen, ticket) = (Arc::clone(&strange), ticket.clone());
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let acceptor = TlsAcceptor::from(Arc::clone(&identity.config));
                tokio::spawn(serve(acceptor, tcp, ticket.clone(), Arc::clone(&seen)));
            }
        });
        Self { strange }
    }

    pub(crate) fn strange(&self) -> Vec<String> {
        self.strange.lock().expect("nobody panics there").clone()
    }
}

async fn serve(acceptor: TlsAcceptor, tcp: TcpStream, ticket: Ticket, strange: Arc<Mutex<Vec<String>>>) {
    let Ok(tls) = acceptor.accept(tcp).await else { return };
    let (input, mut output) = tokio::io::split(tls);
    let mut lines = BufReader::new(input).lines();
    let mut greeted = false;
    while let Ok(Some(line)) = lines.next_line().await {
        let request: Value = serde_json::from_str(&line).expect("a client writes JSON");
        let answer = match request["method"].as_str().unwrap_or_default() {
            "hauki.hello" if !greeted => match serde_json::from_value::<Hello>(request["params"].clone()) {
                Ok(hello) if hello.token == ticket.auth.token.reveal() => {
                    greeted = true;
                    json!({"result": {
                        "vault": ticket.vault, "generation": 1, "methods": ["echo", "hang"],
                        "lease_ms": 60_000, "lease_left_ms": 60_000, "link": false, "link_silence_ms": 750,
                        "max_frame_bytes": 1_048_576, "call_deadline_ms": 10_000,
                    }})
                }
                _ => json!({"error": {"code": -32001, "message": "no valid ticket was shown"}}),
            },
            "hauki.heartbeat" => json!({"result": {"lease_left_ms": 60_000}}),
            "echo" => json!({"result": request["params"][0]}),
            // Its worker is in an endless loop.
            "hang" => continue,
            method => {
                strange.lock().expect("nobody panics there").push(line.clone());
                json!({"error": {"code": -32601, "message": format!("there is no method {method:?}")}})
            }
        };
        let refused = !greeted;
        if request.get("id").is_some() {
            let mut reply = json!({"jsonrpc": "2.0", "id": request["id"]});
            reply.as_object_mut().expect("is one").extend(answer.as_object().expect("is one").clone());
            if output.write_all(format!("{reply}\n").as_bytes()).await.is_err() {
                return;
            }
            let _ = output.flush().await;
        }
        if refused {
            return;
        }
    }
}
