use std::sync::Arc;

use super::*;
use crate::core::fake_node::{Call, FakeNode};
use crate::model::death::Cause;
use crate::model::lease::Terms;
use crate::model::limits::Limits;
use crate::system::random;

fn order(source: &str) -> ProvisionOrder {
    ProvisionOrder {
        vault: random::vault_id(),
        generation: 1,
        source: source.into(),
        file: "a.js".into(),
        args: Vec::new(),
        limits: Limits::default(),
        terms: Terms::default(),
    }
}

#[tokio::test]
async fn it_speaks_what_the_nodes_routes_understand() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("node.sock");
    let fake = Arc::new(FakeNode::new("n1".parse().expect("a name")));
    let listener = tokio::net::UnixListener::bind(&socket).expect("binds");
    let router = crate::node::routes::router(fake.clone());
    let server = tokio::spawn(std::future::IntoFuture::into_future(axum::serve(listener, router)));

    let node = HttpNode::new(&socket).expect("is set up");
    assert_eq!(node.state().await.expect("answers").boot_id, "boot-1");
    let ordered = order("function f() {}");
    let vault = ordered.vault.clone();
    assert_eq!(node.provision(ordered).await.expect("forges").methods, ["scan", "top"]);
    let open = OpenOrder {
        vault: vault.clone(),
        generation: 1,
        issuer: "00".into(),
        lease_ms: Some(500),
        link: None,
    };
    assert_eq!(node.open(open).await.expect("opens").terms.lease_ms, 500);
    let beat = BeatOrder { vault: vault.clone(), generation: Some(2), by: None };
    assert_eq!(node.beat(beat).await.expect_err("is another generation").code, ErrorCode::Conflict);
    let destruct = DestructOrder { vault: vault.clone(), cause: Cause::Reaped, by: None, grace_ms: 0 };
    assert!(node.destruct(destruct).await.expect("ends").changed);
    let news = node.news(0, 1000).await.expect("tells");
    assert_eq!((news.last, news.items.len()), (1, 1));

    server.abort();
    let _ = server.await;
    let error = HttpNode::new(&socket).expect("is set up").state().await.expect_err("is gone");
    assert_eq!(error.code, ErrorCode::Temporary);
    assert!(error.message.contains("node.sock") && error.message.contains("efused"), "{error}");
}

#[tokio::test]
async fn a_dropped_order_reaches_the_node_as_dropped() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("node.sock");
    let fake = Arc::new(FakeNode::new("n1".parse().expect("a name")));
    let listener = tokio::net::UnixListener::bind(&socket).expect("binds");
    let router = crate::node::routes::router(fake.clone());
    let server = tokio::spawn(std::future::IntoFuture::into_future(axum::serve(listener, router)));
    fake.hold(Some(Call::Provision));
    let node = Arc::new(HttpNode::new(&socket).expect("is set up"));
    let ordering = tokio::spawn({
        let node = node.clone();
        async move { node.provision(order("function f() {}")).await }
    });
    fake.somebody_waits().await;
    ordering.abort();
    fake.nobody_waits().await;
    fake.hold(None);
    assert_eq!(fake.provisioned(), 0);
    server.abort();
}
