//! What users see of each other.

use super::*;

#[tokio::test]
async fn a_watch_of_a_name_is_silent_while_it_is_anothers() {
    let swarm = swarm();
    let (core, node) = (&swarm.core, &swarm.node);
    let hold = async |uid: u32, key: &str| {
        let mut request = spawning(key);
        request.summons.name = "boss".parse().ok();
        core.spawn_for(Some(uid), Some(uid), request).await.expect("spawns").vault.id
    };
    let free = async |vault: &VaultId| {
        node.kill(vault, hauki_contract::model::death::Cause::SelfDestruct);
        let freed = |event: &hauki_contract::api::event::Event| match &event.what {
            hauki_contract::api::event::Happening::Freed { vault: of, .. } => of == vault,
            _ => false,
        };
        crate::tests::event(core, freed).await;
    };
    let watch = async || {
        let bob = Some(Extension(Peer { uid: 1001, pid: 1, admin: false }));
        let query = WatchQuery { name: "boss".parse().ok() };
        let response = watch_services(State(core.clone()), bob, Query(query)).await.ok().expect("watches");
        response.into_body().into_data_stream().map(|line| {
            let holder: Holder = serde_json::from_slice(&line.expect("reads")).expect("is one");
            holder.service.map(|service| service.vault)
        })
    };
    // It is asked all the while, so that each change is seen.
    macro_rules! silent {
        ($lines:expr) => {
            let wait = std::time::Duration::from_millis(50);
            let line = tokio::time::timeout(wait, $lines.next()).await;
            assert!(line.is_err(), "{line:?}");
        };
    }
    let mut lines = watch().await;
    assert_eq!(lines.next().await, Some(None), "it is free");
    for round in 0..2 {
        let of_ann = hold(1000, &format!("a{round}")).await;
        silent!(lines);
        let mut late = watch().await;
        silent!(late);
        free(&of_ann).await;
        silent!(lines);
        silent!(late);
        let of_bob = hold(1001, &format!("b{round}")).await;
        assert_eq!(lines.next().await, Some(Some(of_bob.clone())));
        assert_eq!(late.next().await, Some(Some(of_bob.clone())));
        free(&of_bob).await;
        assert_eq!((lines.next().await, late.next().await), (Some(None), Some(None)));
    }
}

/// What another user made: not there, in every place where it could be named.
#[tokio::test]
async fn a_user_sees_and_ends_what_is_theirs_and_an_admin_all() {
    let swarm = swarm();
    let core = swarm.core.clone();
    let directory = tempfile::tempdir().expect("a directory");
    let mut servers = tokio::task::JoinSet::new();
    let sockets = [(1000, false), (1001, false), (7, true)].map(|(uid, admin)| {
        let socket = directory.path().join(uid.to_string());
        let listener = UnixListener::bind(&socket).expect("binds");
        let router = router(core.clone()).layer(Extension(Peer { uid, pid: 1, admin }));
        servers.spawn(axum::serve(listener, router).into_future());
        socket
    });
    let [ann, bob, admin] = sockets.each_ref().map(std::path::PathBuf::as_path);
    let post = async |who: &Path, path: &str, body: Value| {
        let head = format!("POST {path} HTTP/1.1\r\ncontent-type: application/json");
        ask(who, &head, body.to_string().as_bytes()).await
    };
    let read = async |who: &Path, path: &str| ask(who, &format!("GET {path} HTTP/1.1"), b"").await;
    let mut request = serde_json::to_value(spawning("k")).expect("encodes");
    request["summons"]["name"] = "boss".into();
    let (status, of_ann) = post(ann, paths::SPAWN, request.clone()).await;
    assert_eq!((status, &of_ann["vault"]["owner"]), (200, &Value::from(1000)), "{of_ann}");
    let (vault, summons) = (of_ann["vault"]["id"].clone(), of_ann["summons"]["id"].clone());
    let put = serde_json::json!({ "key": "q", "summons": summons });
    let (_, entry) = post(ann, paths::SPOOL, put.clone()).await;
    let (vault_text, summons_text) = (vault.as_str().expect("is text"), summons.as_str().expect("is text"));
    let entry_text = entry["id"].as_str().expect("is queued").to_owned();

    // The same key is another's, and the name is taken, which is no secret.
    assert_eq!(post(bob, paths::SPAWN, request).await.0, 409);
    let (status, of_bob) =
        post(bob, paths::SPAWN, serde_json::to_value(spawning("k")).expect("encodes")).await;
    assert_eq!((status, of_bob["vault"]["id"] == vault), (200, false), "{of_bob}");
    for (path, expected) in [
        (format!("/api/v2/vaults/{vault_text}"), 404),
        (format!("/api/v2/summons/{summons_text}"), 404),
        (format!("/api/v2/omega_spool/{entry_text}"), 404),
        ("/api/v2/nodes".into(), 200),
        ("/healthz".into(), 200),
    ] {
        assert_eq!(read(bob, &path).await.0, expected, "{path}");
        assert_eq!(read(admin, &path).await.0, 200, "{path}");
    }
    let begins = |letters: usize| format!("{}?begins={}", paths::SUMMONS, &summons_text[..letters]);
    for letters in [12, 20, 30] {
        let found = |summons: Value| (200, serde_json::json!({ "summons": summons }));
        assert_eq!(read(bob, &begins(30)).await, found(serde_json::json!([])), "it is not his");
        for who in [ann, admin] {
            let (status, answer) = read(who, &begins(letters)).await;
            let ids = answer["summons"].as_array().expect("is a list");
            assert!(status == 200 && ids.contains(&summons), "{letters}: {answer}");
        }
    }
    for wrong in [
        &begins(11)[..],
        paths::SUMMONS,
        "/api/v2/summons?begins=sum_01HF7YA/",
        "/api/v2/summons?begins=vlt_01HF7YAT",
    ] {
        assert_eq!(read(ann, wrong).await.0, 400, "{wrong}");
    }
    for (path, body, expected) in [
        (paths::TICKETS, serde_json::json!({ "vault": vault }), 404),
        (paths::PROVISION, serde_json::json!({ "key": "p", "summons": summons }), 404),
        (paths::SPOOL, put, 404),
        (paths::REGISTRY_RESOLVE, serde_json::json!({ "name": "boss" }), 403),
        (paths::NODE_ORDERS, serde_json::json!({ "act": "drain", "nodes": ["n1"] }), 403),
        (paths::GEMS, serde_json::json!({ "path": "x", "source": "1" }), 403),
    ] {
        assert_eq!(post(bob, path, body).await.0, expected, "{path}");
    }
    let (_, beats) =
        post(bob, paths::HEARTBEATS, serde_json::json!({ "vaults": [{ "vault": vault }] })).await;
    assert_eq!(beats["beats"][0]["error"]["code"], "not_found");
    let (_, ended) = post(bob, paths::DESTRUCTS, serde_json::json!({ "vaults": [vault] })).await;
    assert_eq!(ended["ended"][0]["error"]["code"], "not_found");
    let order = serde_json::json!({ "act": "remove", "entries": [entry["id"]] });
    assert_eq!(post(bob, paths::SPOOL_ORDERS, order).await.1["done"][0]["error"]["code"], "not_found");
    assert_eq!(ask(bob, &format!("DELETE /api/v2/vaults/{vault_text} HTTP/1.1"), b"").await.0, 404);
    let everything = serde_json::json!({ "older_than_ms": 0, "dry_run": true });
    for (who, path, list, expected) in [
        (bob, paths::VAULTS, "vaults", 1),
        (ann, paths::VAULTS, "vaults", 1),
        (bob, paths::REGISTRY, "services", 0),
        (ann, paths::REGISTRY, "services", 1),
        (bob, paths::SPOOL, "entries", 0),
    ] {
        let found = read(who, path).await.1[list].as_array().map(Vec::len);
        assert_eq!(found, Some(expected), "{path} of {}", who.display());
    }
    assert!(read(admin, paths::VAULTS).await.1["vaults"].as_array().is_some_and(|all| all.len() >= 2));
    let (_, planned) = post(bob, paths::REAP, everything).await;
    assert_eq!(planned["reaped"].as_array().map(Vec::len), Some(1));
    let told = tokio::net::UnixStream::connect(bob).await;
    drop(told);
    let text = {
        let mut stream = UnixStream::connect(bob).await.expect("connects");
        let head = format!("GET {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", paths::EVENTS);
        stream.write_all(head.as_bytes()).await.expect("writes");
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("reads");
        text
    };
    assert!(
        !text.contains(vault_text) && text.contains(of_bob["vault"]["id"].as_str().expect("is text")),
        "{text}"
    );
    assert_eq!(ask(ann, &format!("DELETE /api/v2/vaults/{vault_text} HTTP/1.1"), b"").await.0, 200);
}
