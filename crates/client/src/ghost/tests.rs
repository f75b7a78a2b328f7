//! A ghost against a gate of a few lines: real TCP, real TLS, a certificate made on the spot.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use hauki_contract::model::death::{Cause, Death};
use hauki_contract::model::digest::Sha256;
use hauki_contract::model::id::{TicketId, VaultId};
use hauki_contract::model::secret::Secret;
use hauki_contract::model::ticket::{Auth, Endpoint, LeaseTerms, Protocol, TicketKind, Tls, Worker};
use hauki_contract::rpc::message::{Incoming, RpcError, code, write_error, write_request, write_result};
use hauki_contract::rpc::ndjson::LineReader;
use hauki_contract::system::clock;

#[path = "foreign_tests.rs"]
mod foreign;

fn ticket(port: u16, certificate: &[u8], lease_ms: u64) -> Ticket {
    let now = clock::now();
    Ticket {
        v: 1,
        kind: TicketKind::Ticket,
        id: TicketId::mint(1, 1),
        vault: VaultId::mint(1, 1),
        generation: 1,
        node: "local".parse().expect("a name"),
        worker: Worker { name: "scout".into(), version: None, sha256: Sha256::of(b"") },
        endpoint: Endpoint { ip: Ipv4Addr::LOCALHOST.into(), port },
        tls: Tls {
            version: "1.3".into(),
            cert_sha256: Sha256::of(certificate),
            key_sha256: Sha256::of(b"unused"),
        },
        auth: Auth { scheme: "biscuit".into(), token: Secret::new("open sesame".into()) },
        protocol: Protocol::new(4096, 500),
        methods: vec!["*".into()],
        lease: LeaseTerms { claim_ms: 1_000, lease_ms, link: false, link_silence_ms: 750 },
        issued_at: now,
        expires_at: now + jiff::SignedDuration::from_secs(60),
    }
}

/// This client's hello is answered behind the next request, if there is one.
const SLOW: &str = "slow hello";

/// What the gate answers to a method, or `None` to say nothing.
fn answer(out: &mut Vec<u8>, method: &str, params: Option<&str>, id: &str, ticket: &Ticket) {
    let welcome = Welcome {
        vault: ticket.vault.clone(),
        generation: 1,
        methods: vec!["echo".into()],
        lease_ms: ticket.lease.lease_ms,
        lease_left_ms: ticket.lease.lease_ms,
        link: false,
        link_silence_ms: 750,
        max_frame_bytes: 4096,
        call_deadline_ms: 500,
        v: 1,
        features: Vec::new(),
    };
    match method {
        builtin::HELLO if params.is_some_and(|params| params.contains("open sesame")) => {
            write_result(out, id, &serde_json::to_string(&welcome).expect("serializes"));
        }
        builtin::HELLO => write_error(out, Some(id), &RpcError::new(code::UNAUTHENTICATED, "no")),
        "echo" => write_result(out, id, params.unwrap_or("null")),
        builtin::HEARTBEAT => write_result(out, id, r#"{"lease_left_ms":60}"#),
        "black_hole" | "cut" => return,
        "die" => {
            let death =
                Death { cause: Cause::HeartbeatLost.into(), at: clock::now(), detail: None, by: None };
            let dying = builtin::Dying { vault: ticket.vault.clone(), death };
            let dying = serde_json::to_string(&dying).expect("serializes");
            return write_request(out, None, builtin::DYING, Some(&dying));
        }
        _ => write_error(out, Some(id), &RpcError::new(code::METHOD_NOT_FOUND, "no such method")),
    }
    out.push(b'\n');
}

async fn gate(lease_ms: u64) -> (Ticket, tokio::task::JoinHandle<u32>) {
    gate_for(1, lease_ms).await
}

/// A gate that serves so many connections, one after the other, closes its port and hands back the
/// number of heartbeats.
async fn gate_for(connections: u32, lease_ms: u64) -> (Ticket, tokio::task::JoinHandle<u32>) {
    let made = rcgen::generate_simple_self_signed(["gate".to_owned()]).expect("a certificate");
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("a configuration");
    let config = Arc::new(config);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("binds");
    let ticket = ticket(listener.local_addr().expect("an address").port(), &certificate, lease_ms);
    let its = ticket.clone();
    let server = tokio::spawn(async move {
        let mut beats = 0;
        for _ in 0..connections {
            let (tcp, _) = listener.accept().await.expect("accepts");
            let Ok(stream) = TlsAcceptor::from(Arc::clone(&config)).accept(tcp).await else { continue };
            let (input, mut output) = tokio::io::split(stream);
            let mut lines = LineReader::new(input, 8192);
            let mut held = Vec::new();
            while let Ok(Some(line)) = lines.next().await {
                let Incoming::Single(Ok(request)) = Incoming::decode(line) else { panic!("a bad line") };
                beats += u32::from(request.method == builtin::HEARTBEAT);
                let mut out = std::mem::take(&mut held);
                answer(&mut out, &request.method, request.params, request.id.unwrap_or("null"), &its);
                if request.method == builtin::HELLO && request.params.is_some_and(|it| it.contains(SLOW)) {
                    held = out;
                    continue;
                }
                if output.write_all(&out).await.is_err() || ["die", "cut"].contains(&&*request.method) {
                    break;
                }
            }
        }
        beats
    });
    (ticket, server)
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), test).await.expect("in time") });
}

fn quiet() -> GhostOptions {
    GhostOptions { beat: false, ..GhostOptions::default() }
}

#[test]
fn calls_are_pipelined_and_results_stay_as_they_are() {
    run(async {
        let (ticket, _gate) = gate(60_000).await;
        let ghost = Ghost::connect(&ticket, quiet()).await.expect("connects");
        let (one, two) = (ghost.clone(), ghost.clone());
        let (one, two) = tokio::join!(
            one.call("echo", Some("[1,\n{\"b\":1,\"a\":1.10}]")),
            two.call_typed::<Vec<u8>>("echo", &[1, 2, 3])
        );
        assert_eq!(one.expect("answers").get(), "[1, {\"b\":1,\"a\":1.10}]");
        assert_eq!(two.expect("answers"), [1, 2, 3]);
        let error = ghost.call("nothing", None).await.expect_err("fails");
        assert_eq!((error.code(), error.exit().code()), ("method_not_found", 3));
    });
}

#[test]
fn a_wrong_token_and_an_expired_ticket_are_denied() {
    run(async {
        let (mut ticket, _gate) = gate(60_000).await;
        ticket.auth.token = Secret::new("guess".into());
        assert_eq!(Ghost::connect(&ticket, quiet()).await.expect_err("is refused").code(), "unauthenticated");
        ticket.expires_at = clock::now() - jiff::SignedDuration::from_secs(1);
        assert_eq!(Ghost::connect(&ticket, quiet()).await.expect_err("is refused").code(), "ticket_expired");
    });
}

#[test]
fn a_call_goes_behind_the_hello_and_is_not_held_for_its_answer() {
    run(async {
        let (ticket, _gate) = gate(60_000).await;
        let slow = || GhostOptions { client: Some(SLOW.into()), ..quiet() };
        let ghost = Ghost::open(&ticket, slow()).await.expect("opens");
        let (one, two) = tokio::join!(ghost.call("echo", Some("[1]")), ghost.call("nothing", None));
        assert_eq!(one.expect("answers").get(), "[1]");
        assert_eq!(two.expect_err("fails").code(), "method_not_found");
        assert_eq!(ghost.welcome().await.expect("was accepted").methods, ["echo"]);
        drop(ghost);

        // A gate that says nothing is not waited for beyond the time for connecting.
        let (ticket, _gate) = gate(60_000).await;
        let options = GhostOptions { connect_timeout: Duration::from_millis(300), ..slow() };
        let error = Ghost::connect(&ticket, options).await.expect_err("is not answered");
        assert!(matches!(error, GhostError::ConnectTimeout { .. }), "{error:?}");
    });
}

#[test]
fn what_goes_behind_a_hello_that_is_refused_fails_with_the_reason() {
    run(async {
        let (mut ticket, _gate) = gate(60_000).await;
        ticket.auth.token = Secret::new("guess".into());
        let ghost = Ghost::open(&ticket, quiet()).await.expect("opens");
        let (call, note) = tokio::join!(ghost.call("black_hole", None), ghost.notify("echo", None));
        assert_eq!(call.expect_err("is refused").code(), "unauthenticated");
        note.expect("was sent");
        assert_eq!(ghost.call("echo", None).await.expect_err("is refused").code(), "unauthenticated");
        assert_eq!(ghost.notify("echo", None).await.expect_err("is refused").code(), "unauthenticated");
        assert_eq!(ghost.welcome().await.expect_err("is refused").code(), "unauthenticated");
        assert_eq!(ghost.closed().await.code(), "unauthenticated");

        // Neither its answer nor an end comes: the time for connecting ends the wait.
        let (ticket, _gate) = gate(60_000).await;
        let connect_timeout = Duration::from_millis(300);
        let options = GhostOptions { client: Some(SLOW.into()), connect_timeout, ..quiet() };
        let ghost = Ghost::open(&ticket, options).await.expect("opens");
        let (wire, begun) = (ghost.inner.session.wire().await.expect("is up"), clock::mono());
        assert!(matches!(ghost.closed().await, GhostError::ConnectTimeout { .. }));
        assert!(clock::mono().since(begun) < 5_000_000 && wire.is_closed());
    });
}

#[test]
fn a_death_fails_all_pending_calls_with_its_reason() {
    run(async {
        let (ticket, _gate) = gate(60_000).await;
        let ghost = Ghost::connect(&ticket, quiet()).await.expect("connects");
        let mut events = ghost.events();
        let (pending, _, why) =
            tokio::join!(ghost.call("black_hole", None), ghost.notify("die", None), ghost.closed());
        for error in [pending.expect_err("fails"), why, ghost.call("echo", None).await.expect_err("fails")] {
            assert!(matches!(&error, GhostError::Dead { death, .. } if death.cause == Cause::HeartbeatLost));
        }
        assert_eq!(events.next().await.expect("an event").method, builtin::DYING);
        assert!(events.next().await.is_none() && events.next().await.is_none());
        assert!(ghost.events().try_next().is_none());
    });
}

#[test]
fn a_silent_gate_does_not_hold_a_call_for_ever() {
    run(async {
        let (ticket, _gate) = gate(60_000).await;
        let ghost = Ghost::connect(&ticket, quiet()).await.expect("connects");
        let error = ghost.call("black_hole", None).await.expect_err("fails");
        assert!(matches!(error, GhostError::Silent { .. }), "{error:?}");
        assert!(ghost.call("echo", None).await.is_ok());
        let long = format!("[\"{}\"]", "x".repeat(5000));
        assert_eq!(ghost.call("echo", Some(&long)).await.expect_err("fails").code(), "too_large");
    });
}

#[test]
fn it_beats_by_itself_and_closes_when_dropped() {
    run(async {
        let (ticket, gate) = gate(60).await;
        let ghost = Ghost::connect(&ticket, GhostOptions::default()).await.expect("connects");
        tokio::time::sleep(Duration::from_millis(150)).await;
        let clone = ghost.clone();
        drop(ghost);
        assert!(clone.call("echo", None).await.is_ok());
        drop(clone);
        assert!(gate.await.expect("ends") >= 2);
    });
}

#[test]
fn a_lost_connection_is_made_anew_and_no_call_is_sent_twice() {
    run(async {
        let (ticket, _gate) = gate_for(3, 60_000).await;
        let ghost = Ghost::connect(&ticket, quiet()).await.expect("connects");
        let mut events = ghost.events();
        for _ in 0..2 {
            // What is in flight fails at once, long before its deadline.
            let (pending, cut) = tokio::join!(ghost.call("black_hole", None), ghost.call("cut", None));
            for error in [pending.expect_err("fails"), cut.expect_err("fails")] {
                assert!(matches!(error, GhostError::Broken { .. }), "{error:?}");
                assert_eq!((error.code(), error.to_rpc().code), ("connection_broken", code::BROKEN));
            }
            // What comes now waits for the next connection.
            assert_eq!(ghost.call("echo", Some("[1]")).await.expect("answers").get(), "[1]");
            assert!(matches!(events.next().await.expect("an event").what(), ParsedEvent::Broken { .. }));
            assert!(matches!(events.next().await.expect("an event").what(), ParsedEvent::Reconnected { .. }));
        }
    });
}

#[test]
fn a_vault_whose_port_stays_closed_is_given_up() {
    run(async {
        let (ticket, gate) = gate_for(1, 300).await;
        let ghost = Ghost::connect(&ticket, GhostOptions::default()).await.expect("connects");
        let mut events = ghost.events();
        assert!(ghost.call("cut", None).await.is_err());
        gate.await.expect("ends");
        let (waiting, why) = tokio::join!(ghost.call("echo", None), ghost.closed());
        for error in [waiting.expect_err("fails"), why] {
            assert_eq!((error.code(), error.may_be_dead()), ("unreachable", true), "{error:?}");
        }
        assert!(matches!(events.next().await.expect("an event").what(), ParsedEvent::Broken { .. }));
        assert!(events.next().await.is_none());
    });
}

#[test]
fn an_expired_ticket_and_a_stranger_are_no_way_back() {
    run(async {
        let (mut ticket, _gate) = gate_for(2, 60_000).await;
        ticket.expires_at = clock::now() + jiff::SignedDuration::from_secs(1);
        let ghost = Ghost::connect(&ticket, quiet()).await.expect("connects");
        let one_shot = Ghost::connect(&ticket, GhostOptions { reconnect: false, ..quiet() });
        tokio::time::sleep(Duration::from_millis(1100)).await;
        assert!(ghost.call("cut", None).await.is_err());
        let last = ghost.closed().await;
        assert!(matches!(last, GhostError::Expired { .. }), "{last:?}");
        assert!(matches!(one_shot.await.expect_err("has expired"), GhostError::Expired { .. }));

        let (ticket, _gate) = gate_for(2, 60_000).await;
        let ghost =
            Ghost::connect(&ticket, GhostOptions { reconnect: false, ..quiet() }).await.expect("connects");
        assert!(ghost.call("cut", None).await.is_err());
        assert!(matches!(ghost.closed().await, GhostError::Broken { .. }));
    });
}

#[test]
fn a_gate_that_falls_silent_is_left() {
    run(async {
        // It answers nothing and closes nothing: only the beats can tell.
        let made = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("binds");
        let (mut ticket, gate) = gate_for(1, 90).await;
        let proxy = made.local_addr().expect("an address").port();
        let behind = std::mem::replace(&mut ticket.endpoint.port, proxy);
        let silent = tokio::spawn(async move {
            let (mut caller, _) = made.accept().await.expect("accepts");
            let mut node =
                tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, behind)).await.expect("connects");
            let _ = tokio::time::timeout(
                Duration::from_millis(400),
                tokio::io::copy_bidirectional(&mut caller, &mut node),
            )
            .await;
            (caller, made)
        });
        let options = GhostOptions { reconnect: false, ..GhostOptions::default() };
        let ghost = Ghost::connect(&ticket, options).await.expect("connects");
        let _held = silent.await.expect("ends");
        let why = ghost.closed().await;
        assert!(matches!(&why, GhostError::Broken { reason, .. } if reason.contains("heard")), "{why:?}");
        gate.await.expect("ends");
    });
}

#[test]
fn a_ghost_that_outlives_its_runtime_fails_its_calls() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let first = runtime().expect("a runtime");
    let (ticket, _gate) = first.block_on(gate(60_000));
    let patient = GhostOptions { connect_timeout: Duration::MAX, ..quiet() };
    let ghost = first.block_on(Ghost::connect(&ticket, patient)).expect("connects");
    // Some are in the middle of it.
    for _ in 0..4 {
        let ghost = ghost.clone();
        first.spawn(async move { while ghost.notify("echo", None).await.is_ok() {} });
    }
    drop(first);
    runtime().expect("a runtime").block_on(async {
        let (call, note) = tokio::join!(ghost.call("echo", None), ghost.notify("echo", None));
        for error in [call.expect_err("fails"), note.expect_err("fails")] {
            assert!(matches!(error, GhostError::Broken { .. }), "{error:?}");
        }
    });
}

#[test]
fn a_dropped_call_frees_its_slot() {
    run(async {
        let (ticket, _gate) = gate(60_000).await;
        let ghost = Ghost::connect(&ticket, quiet()).await.expect("connects");
        for _ in 0..1000 {
            let call = ghost.call("black_hole", None);
            assert!(tokio::time::timeout(Duration::from_micros(50), call).await.is_err());
        }
        assert_eq!(ghost.inner.session.wire().await.expect("is up").waiting(), 0);
        assert_eq!(ghost.call_typed::<Option<u8>>("echo", &()).await.expect("answers"), None);
    });
}

#[test]
fn a_closed_port_is_unreachable() {
    run(async {
        // Bound and not listening: closed, and nobody else's meanwhile.
        let closed = tokio::net::TcpSocket::new_v4().expect("a socket");
        closed.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("binds");
        let port = closed.local_addr().expect("an address").port();
        let error = Ghost::connect(&ticket(port, b"", 1), quiet()).await.expect_err("is refused");
        assert_eq!((error.code(), error.may_be_dead()), ("unreachable", true));
    });
}
