//! Who gets in, who does not, and what either learns: a real daemon, real vaults.

use crate::support::daemon::Daemon;
use crate::support::stranger::{self, Stranger, address, request};
use crate::support::until::until;
use hauki::api::summons::Spawned;
use hauki::api::vault::{TicketRequest, TicketWishes};
use hauki::client::ghost::{Ghost, GhostError, GhostOptions};
use hauki::model::digest::Sha256;
use hauki::model::gem::Wishes;
use hauki::model::lease::Promise;
use hauki::model::secret::Secret;
use hauki::rpc::capability::{Grant, IssuerKey, narrow};
use hauki::rpc::message::code;
use hauki_contract::system::{clock, random};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

const WORKER: &str = "function top() { return 'top'; } function errors() { return 'errors'; }";

fn text(spawned: &Spawned) -> Value {
    serde_json::to_value(&spawned.ticket).expect("serializes")
}

/// The whole answer to a hello with this token.
async fn answer(ticket: &Value, token: &str) -> Value {
    let mut stranger = Stranger::knock(ticket).await.expect("connects");
    let reply = stranger.hello(&json!(token)).await;
    if reply.get("error").is_some() {
        assert!(stranger.is_at_end().await, "a refused stranger has nothing more to hear");
    }
    reply
}

async fn minted(daemon: &Daemon, spawned: &Spawned, wishes: TicketWishes) -> Value {
    let request = TicketRequest { vault: spawned.vault.id.clone(), wishes };
    let ticket = daemon.endpoint().ticket(&request).await.expect("a ticket");
    serde_json::to_value(&ticket).expect("serializes")
}

#[tokio::test]
async fn whatever_is_wrong_with_a_token_the_answer_is_the_same_and_tells_nothing() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn(WORKER).await;
    let ticket = text(&spawned);
    let good = spawned.ticket.auth.token.reveal().to_owned();
    let stranger = IssuerKey::generate();
    let grant = Grant {
        vault: &spawned.vault.id,
        ticket: &spawned.ticket.id,
        generation: 1,
        node: &spawned.ticket.node,
        methods: &["*".to_owned()],
        label: None,
        promise: Promise::default(),
        endpoint: &spawned.ticket.endpoint,
        cert_sha256: &spawned.ticket.tls.cert_sha256,
        expires_at: clock::now() + jiff::SignedDuration::from_hours(1),
    };
    let foreign = stranger.mint(&grant).expect("mints");
    let mut tokens =
        vec![String::new(), "x".into(), "=".repeat(1000), foreign.reveal().into(), good[1..].into()];
    tokens.push(good[..good.len() - 4].into());
    tokens.push(format!("{good}AAAA"));
    for index in (0..good.len()).step_by(37) {
        let mut bytes = good.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        tokens.push(String::from_utf8(bytes).expect("is ASCII"));
    }
    let refusal = answer(&ticket, "").await;
    assert_eq!(refusal["error"]["code"], code::UNAUTHENTICATED);
    assert!(!refusal.to_string().contains(spawned.vault.id.as_str()));
    for token in tokens {
        assert_eq!(answer(&ticket, &token).await, refusal, "{token}");
    }
    // Not a hello, not one at first, not one alone, not in its form: the same, but for the id.
    for line in [
        request(0, "top", json!([])).to_string(),
        request(0, "hauki.methods", json!([])).to_string(),
        request(0, "hauki.hello", json!({})).to_string(),
        request(0, "hauki.hello", json!([good])).to_string(),
        request(0, "hauki.hello", json!({"token": "x", "more": 1})).to_string(),
        request(0, "hauki.hello", json!({"token": "x", "call_deadline_ms": -1})).to_string(),
        request(0, "hauki.hello", json!({"token": 1})).to_string(),
        json!([request(0, "hauki.hello", json!({"token": good}))]).to_string(),
        "{".into(),
        String::new(),
        "x".repeat(40_000),
    ] {
        let mut stranger = Stranger::knock(&ticket).await.expect("connects");
        let _ = stranger.raw(format!("{line}\n").as_bytes()).await;
        let reply = stranger.reply().await;
        assert_eq!(reply["error"], refusal["error"], "{line}");
        assert!(stranger.is_at_end().await);
    }
    assert!(answer(&ticket, &good).await["result"].is_object());
}

/// Who has a good ticket hears what is wrong with the rest of his hello, and never that his ticket is none.
#[tokio::test]
async fn a_good_tickets_holder_is_told_what_cannot_be_used() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn(WORKER).await;
    let ticket = text(&spawned);
    let hello = async |more: Value| {
        let mut params = json!({"token": ticket["auth"]["token"]});
        let members = more.as_object().expect("is one").clone();
        params.as_object_mut().expect("is one").extend(members);
        let mut stranger = Stranger::knock(&ticket).await.expect("connects");
        stranger.ask(request(0, "hauki.hello", params)).await
    };
    let limit = spawned.ticket.protocol.call_deadline_ms;
    for (more, deadline) in [
        (json!({"call_deadline_ms": 300}), 300),
        (json!({"call_deadline_ms": 300.0}), 300),
        (json!({"call_deadline_ms": 3e2}), 300),
        (json!({"call_deadline_ms": 0}), 1),
        (json!({"call_deadline_ms": null, "client": null, "voucher": null}), limit),
        (json!({"call_deadline_ms": 4_294_967_295_u32}), limit),
        (json!({"v": 1, "features": ["cancel", "what-is-not-known"]}), limit),
    ] {
        let reply = hello(more.clone()).await;
        assert_eq!(reply["result"]["call_deadline_ms"], deadline, "{more}: {reply}");
        assert_eq!(
            (&reply["result"]["v"], &reply["result"]["features"]),
            (&json!(1), &json!(["cancel", "offer", "evaluate"]))
        );
    }
    for (more, words) in [
        (json!({"call_deadline_ms": 10_000_000_000_u64}), ["call_deadline_ms", "from 0 to 4294967295"]),
        (json!({"call_deadline_ms": -1}), ["call_deadline_ms", "from 0 to 4294967295"]),
        (json!({"call_deadline_ms": 1.5}), ["call_deadline_ms", "from 0 to 4294967295"]),
        (json!({"call_deadline_ms": "300"}), ["call_deadline_ms", "found the text \"300\""]),
        (json!({"client": 1}), ["client", "expected text, found 1"]),
        (json!({"v": 2}), ["v: 2", "1 is"]),
        (json!({"features": "cancel"}), ["features", "expected a list"]),
        (json!({"features": vec!["x"; 65]}), ["features", "64"]),
        (json!({"features": ["x".repeat(65)]}), ["features", "64"]),
        (json!({"more": 1}), ["more", "unknown field"]),
    ] {
        let reply = hello(more.clone()).await;
        assert_eq!(reply["error"]["code"], code::INVALID_PARAMS, "{more}: {reply}");
        let message = reply["error"]["message"].as_str().expect("a message");
        assert!(words.iter().all(|word| message.contains(word)), "{more}: {message}");
    }
    // Also where it is no request for another reason; a stranger learns nothing from that.
    let good = ticket["auth"]["token"].as_str().expect("is text");
    for (member, value, word) in [
        ("id", json!("i".repeat(300)), "an id has at most 256 bytes"),
        ("id", json!({}), "an id must be"),
        ("id", json!([1]), "an id must be"),
        ("jsonrpc", json!("1.0"), "jsonrpc"),
    ] {
        for (token, code, word) in
            [(good, code::INVALID_PARAMS, word), ("x", code::UNAUTHENTICATED, "no valid ticket was shown")]
        {
            let mut odd = request(0, "hauki.hello", json!({ "token": token }));
            odd[member] = value.clone();
            let mut stranger = Stranger::knock(&ticket).await.expect("connects");
            stranger.send(&odd.to_string()).await;
            let reply = stranger.reply().await;
            assert_eq!(reply["id"], if member == "id" { Value::Null } else { json!(0) }, "{reply}");
            let error = reply["error"].clone();
            assert_eq!(error["code"], code, "{odd}: {error}");
            assert!(error["message"].as_str().is_some_and(|told| told.contains(word)), "{odd}: {error}");
            assert!(stranger.is_at_end().await);
        }
    }
    // Nobody has claimed it by that.
    let mut caller = Stranger::enter(&ticket).await;
    for method in ["hauki.methods", "hauki.heartbeat", "hauki.stats", "hauki.destruct"] {
        for params in [json!([1]), json!([{}]), json!({"more": 1})] {
            let reply = caller.call(method, params.clone()).await;
            assert_eq!(reply["error"]["code"], code::INVALID_PARAMS, "{method} {params}: {reply}");
        }
    }
    for params in [json!({"grace_ms": -1}), json!({"grace_ms": 1e10}), json!({"grace_ms": 0.5})] {
        let reply = caller.call("hauki.destruct", params.clone()).await;
        assert_eq!(reply["error"]["code"], code::INVALID_PARAMS, "{params}: {reply}");
        let message = reply["error"]["message"].as_str().expect("a message");
        assert!(message.contains("grace_ms") && message.contains("from 0 to"), "{message}");
    }
    for method in ["hauki.methods", "hauki.heartbeat", "hauki.stats"] {
        for params in [json!([]), json!({})] {
            assert!(caller.call(method, params).await["error"].is_null(), "{method}");
        }
    }
    let receipt = caller.result("hauki.destruct", json!({"grace_ms": 1e2})).await;
    assert_eq!(receipt["receipt"]["death"]["cause"], "destruct");
}

#[tokio::test]
async fn what_comes_behind_a_hello_is_done_once_the_token_is_good_and_never_before() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn("var calls = 0; function count() { return ++calls; }").await;
    let ticket = text(&spawned);
    let good = spawned.ticket.auth.token.reveal().to_owned();
    let flight = |token: &str| {
        let hello = request(1, "hauki.hello", json!({ "token": token }));
        let end = request(4, "hauki.destruct", json!({}));
        let counts = [request(2, "count", json!([])), request(3, "count", json!([]))];
        let refused = token != good;
        let rest: Vec<String> =
            counts.iter().chain(refused.then_some(&end)).map(|line| format!("{line}\n")).collect();
        format!("{hello}\n{}", rest.concat())
    };
    for token in ["", &good[1..], &good[..good.len() - 4]] {
        let mut stranger = Stranger::knock(&ticket).await.expect("connects");
        stranger.raw(flight(token).as_bytes()).await.expect("sends");
        assert_eq!(stranger.reply().await["error"]["code"], code::UNAUTHENTICATED);
        assert!(stranger.is_at_end().await, "a refused stranger has nothing more to hear");
    }
    let mut caller = Stranger::knock(&ticket).await.expect("connects");
    caller.raw(flight(&good).as_bytes()).await.expect("sends");
    assert!(caller.reply().await["result"].is_object());
    for count in [1, 2] {
        assert_eq!(caller.reply().await["result"], count, "somebody has called before");
    }
}

#[tokio::test]
async fn a_ticket_is_for_one_vault_one_generation_one_node_and_one_time() {
    let daemon = Daemon::start();
    let (spawned, other) = (daemon.spawn(WORKER).await, daemon.spawn(WORKER).await);
    let ticket = text(&spawned);
    let refused = |reply: &Value| {
        assert_eq!(reply["error"]["code"], code::UNAUTHENTICATED, "{reply}");
        assert!(!reply.to_string().contains("vlt_"), "{reply}");
    };
    refused(&answer(&ticket, other.ticket.auth.token.reveal()).await);

    // The core's own key signs what the core would not.
    let key = std::fs::read_to_string(daemon.dir.path().join("core/issuer.key")).expect("is there");
    let key = IssuerKey::from_hex(&Secret::new(key.trim().to_owned())).expect("is a key");
    let (id, elsewhere) = (random::ticket_id(), "elsewhere".parse().expect("a name"));
    let (all, soon) = (["*".to_owned()], clock::now() + jiff::SignedDuration::from_hours(1));
    let generation = spawned.ticket.generation;
    let grant = || Grant {
        vault: &spawned.vault.id,
        ticket: &id,
        generation,
        node: &spawned.ticket.node,
        methods: &all,
        label: None,
        promise: Promise::default(),
        endpoint: &spawned.ticket.endpoint,
        cert_sha256: &spawned.ticket.tls.cert_sha256,
        expires_at: soon,
    };
    let mint = |grant: Grant<'_>| key.mint(&grant).expect("mints");
    assert!(answer(&ticket, mint(grant()).reveal()).await["result"].is_object());
    for wrong in [
        Grant { generation: generation - 1, ..grant() },
        Grant { generation: generation + 1, ..grant() },
        Grant { node: &elsewhere, ..grant() },
        Grant { vault: &other.vault.id, ..grant() },
        Grant { expires_at: clock::now(), ..grant() },
        Grant { expires_at: clock::now() - jiff::SignedDuration::from_hours(1), ..grant() },
    ] {
        refused(&answer(&ticket, mint(wrong).reveal()).await);
    }

    // A connection does not outlive its ticket's word, heartbeats or not.
    let expires_at = clock::now() + jiff::SignedDuration::from_millis(1500);
    let short = mint(Grant { expires_at, ..grant() });
    let mut caller = Stranger::knock(&ticket).await.expect("connects");
    assert!(caller.hello(&json!(short.reveal())).await["result"].is_object());
    for method in ["top", "hauki.heartbeat"] {
        loop {
            let reply = caller.call(method, json!([])).await;
            if reply["error"]["code"] == code::DENIED {
                // The token counts milliseconds.
                let (now, end) = (clock::now().as_millisecond(), expires_at.as_millisecond());
                assert!(now >= end, "before its time: {reply}");
                break;
            }
            assert!(reply.get("error").is_none(), "{reply}");
        }
    }
    // The API mints the same.
    let brief = minted(&daemon, &spawned, TicketWishes { expires_ms: Some(1), ..Default::default() }).await;
    let token = brief["auth"]["token"].as_str().expect("a token");
    until("its end", async || answer(&brief, token).await.get("error").is_some()).await;
}

#[tokio::test]
async fn a_long_call_with_many_rights_is_a_call_as_any_other() {
    let daemon = Daemon::start();
    let names: Vec<String> = (0..200).map(|number| format!("{}{number:03}", "m".repeat(38))).collect();
    let methods: String =
        names.iter().map(|name| format!("function {name}(x) {{ return x.length; }}\n")).collect();
    let wishes = Wishes { max_frame_bytes: Some(16_384), ..Wishes::default() };
    let spawned = daemon.spawn_with(&methods, wishes).await;
    let wishes = TicketWishes { methods: names[..190].to_vec(), ..Default::default() };
    let some = minted(&daemon, &spawned, wishes).await;
    let mut caller = Stranger::enter(&some).await;
    let text = "x".repeat(16_200);
    assert_eq!(caller.result(&names[0], json!([text])).await, 16_200);
    assert_eq!(caller.result(&names[1], json!(["x"])).await, 1, "it lives");
}

#[tokio::test]
async fn rights_are_what_the_ticket_says_and_narrowing_takes_away() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn(WORKER).await;
    let wishes =
        TicketWishes { methods: vec!["top".into()], label: Some("tom".into()), ..Default::default() };
    let some = minted(&daemon, &spawned, wishes).await;
    let mut caller = Stranger::enter(&some).await;
    assert_eq!(caller.result("top", json!([])).await, "top");
    for method in ["errors", "hauki.destruct"] {
        for _ in 0..100 {
            assert_eq!(caller.code(method, json!([])).await, i64::from(code::DENIED));
        }
    }
    let _ = caller.result("hauki.heartbeat", json!([])).await;

    let all = spawned.ticket.auth.token.clone();
    let one = narrow(&all, Some(&["errors".into()]), None).expect("narrows");
    let none = narrow(&one, Some(&["top".into()]), None).expect("narrows");
    for (token, top, errors) in [(&all, true, true), (&one, false, true), (&none, false, false)] {
        let mut caller = Stranger::knock(&some).await.expect("connects");
        assert!(caller.hello(&json!(token.reveal())).await["result"].is_object());
        for (method, allowed) in [("top", top), ("errors", errors)] {
            let reply = caller.call(method, json!([])).await;
            assert_eq!(reply.get("result").is_some(), allowed, "{method}: {reply}");
        }
    }
    let expired = narrow(&all, None, Some(clock::now())).expect("narrows");
    assert_eq!(answer(&some, expired.reveal()).await["error"]["code"], code::UNAUTHENTICATED);
    let ends = narrow(&all, Some(&["hauki.destruct".into()]), None).expect("narrows");
    let mut caller = Stranger::knock(&some).await.expect("connects");
    assert!(caller.hello(&json!(ends.reveal())).await["result"].is_object());
    assert_eq!(caller.code("top", json!([])).await, i64::from(code::DENIED));
    assert_eq!(caller.result("hauki.destruct", json!([])).await["receipt"]["death"]["cause"], "destruct");

    // The dead have no port.
    assert!(Stranger::knock(&some).await.is_err());
    let error = Ghost::connect(&spawned.ticket, GhostOptions::default()).await.expect_err("is dead");
    assert!(matches!(error, GhostError::Connect { .. }), "{error}");
}

#[tokio::test]
async fn only_tls_1_3_with_the_pinned_key_is_spoken() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn(WORKER).await;
    let ticket = text(&spawned);
    assert!(Stranger::knock_with(&ticket, &rustls::version::TLS12).await.is_err());

    // The pin is the client's to check; ours does, and sends nothing before.
    let mut altered = spawned.ticket.clone();
    altered.tls.cert_sha256 = Sha256::of(b"another");
    let error = Ghost::connect(&altered, GhostOptions::default()).await.expect_err("is another node");
    assert!(matches!(error, GhostError::Tls { .. }), "{error}");
    assert!(Stranger::knock(&serde_json::to_value(&altered).expect("serializes")).await.is_err());

    // The ticket's two digests are those of the certificate that the node shows.
    let stranger = Stranger::knock(&ticket).await.expect("connects");
    let shown = stranger.stream.get_ref().get_ref().1.peer_certificates().expect("a certificate")[0].clone();
    assert_eq!(Sha256::of(&shown), spawned.ticket.tls.cert_sha256);
    let key = rustls::server::ParsedCertificate::try_from(&shown).expect("is a certificate");
    assert_eq!(Sha256::of(&key.subject_public_key_info()), spawned.ticket.tls.key_sha256);

    // It says nothing of the node, in a form that strict readers take: who reads X.509 wants a name.
    let path = daemon.dir.path().join("shown.der");
    std::fs::write(&path, &shown).expect("writes");
    let openssl = ["x509", "-inform", "DER", "-noout", "-issuer", "-subject", "-nameopt", "RFC2253", "-in"];
    let told = std::process::Command::new("openssl").args(openssl).arg(&path).output().expect("runs");
    assert_eq!(String::from_utf8_lossy(&told.stdout), "issuer=CN=hauki\nsubject=CN=hauki\n");

    // Whoever speaks something else gets an alert of TLS or nothing.
    for words in [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        format!("{}\n", request(1, "hauki.hello", json!({"token": spawned.ticket.auth.token.reveal()}))),
        "\u{16}\u{3}\u{1}".into(),
    ] {
        let mut tcp = tokio::net::TcpStream::connect(address(&ticket)).await.expect("connects");
        tcp.write_all(words.as_bytes()).await.expect("writes");
        tcp.shutdown().await.expect("closes");
        let mut seen = Vec::new();
        let _ = tokio::time::timeout(stranger::HANG, tcp.read_to_end(&mut seen)).await.expect("hangs");
        assert!(seen.is_empty() || seen[0] == 0x15 && seen.len() < 16, "{seen:?}");
    }
    assert!(answer(&ticket, spawned.ticket.auth.token.reveal()).await["result"].is_object());
}

/// One TLS session after the other with the library's own memory of sessions.
#[tokio::test]
async fn a_resumed_session_says_nothing_of_who_calls() {
    let daemon = Daemon::start();
    let ticket = daemon.spawn("function f() { return 1; }").await.ticket;
    let mut seen = Vec::new();
    for token in [ticket.auth.token.reveal(), "none"] {
        let tcp = tokio::net::TcpStream::connect((ticket.endpoint.ip, ticket.endpoint.port)).await;
        let name = rustls::pki_types::ServerName::IpAddress(ticket.endpoint.ip.into());
        let connector = hauki::rpc::tls_pin::connector(ticket.tls.cert_sha256).expect("sets up");
        let mut stream = connector.connect(name, tcp.expect("connects")).await.expect("the gate's key");
        let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "hauki.hello", "params": {"token": token}});
        stream.write_all(format!("{hello}\n").as_bytes()).await.expect("the gate reads");
        let mut reply = String::new();
        BufReader::new(&mut stream).read_line(&mut reply).await.expect("the gate answers");
        let welcome = reply.contains("\"methods\"");
        seen.push((stream.get_ref().1.handshake_kind(), welcome));
    }
    use rustls::HandshakeKind::{Full, Resumed};
    assert_eq!(seen, [(Some(Full), true), (Some(Resumed), false)]);
}
