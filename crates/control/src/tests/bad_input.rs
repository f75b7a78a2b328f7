use super::*;
use crate::failure::Failure;
use crate::fake_node::FakeCall;
use hauki_contract::api::ErrorCode;
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::summons::MAX_SOURCE_BYTES;
use hauki_contract::api::vault::{ProvisionRequest, TicketRequest};
use hauki_contract::model::gem::Wishes;
use hauki_contract::rpc::channel::{WorkerError, WorkerErrorKind};
use hauki_contract::system::random;

fn source(text: &str, file: &str) -> Origin {
    Origin::Source { text: text.into(), file: file.into(), compilation: None }
}

#[tokio::test]
async fn a_summons_that_cannot_be_is_refused_by_name_and_stores_nothing() {
    let Swarm { core, store, .. } = unwatched();
    let with = |change: &dyn Fn(&mut SummonsRequest)| {
        let mut request = summons("k");
        change(&mut request);
        request
    };
    let long = "x".repeat(MAX_SOURCE_BYTES + 1);
    let cases: Vec<(SummonsRequest, ErrorCode, &str)> = vec![
        (with(&|r| r.key.clear()), ErrorCode::BadRequest, "idempotency key"),
        (with(&|r| r.key = "x".repeat(129)), ErrorCode::BadRequest, "idempotency key"),
        (with(&|r| r.origin = source("", "a.js")), ErrorCode::BadSource, "the source a.js is empty"),
        (with(&|r| r.origin = source(" \n", "a.js")), ErrorCode::BadSource, "is empty"),
        (
            with(&|r| r.origin = source(&long, "a.js")),
            ErrorCode::TooLarge,
            "is too long: 4194304 bytes are allowed",
        ),
        (with(&|r| r.origin = source("x", "")), ErrorCode::BadRequest, "file name"),
        (with(&|r| r.origin = source("x", "a\n.js")), ErrorCode::BadRequest, "file name"),
        (
            with(&|r| r.origin = Origin::Gem("gem-pointer://no/such".parse().expect("a pointer"))),
            ErrorCode::NotFound,
            "there is no gem-pointer://no/such",
        ),
        (
            with(&|r| r.wishes = Wishes { memory_bytes: Some(1), ..Wishes::default() }),
            ErrorCode::BadRequest,
            "memory_bytes is 1",
        ),
        (
            with(&|r| r.wishes = Wishes { lease_ms: Some(1), ..Wishes::default() }),
            ErrorCode::BadRequest,
            "lease_ms is 1",
        ),
        (with(&|r| drop(r.labels.insert("\u{7}".into(), "x".into()))), ErrorCode::BadRequest, "label"),
    ];
    for (request, code, words) in cases {
        // A dry run is refused whatever would be refused in earnest.
        for dry_run in [true, false] {
            let request = SummonsRequest { dry_run, ..request.clone() };
            let error = core.summon(request).await.expect_err("is refused");
            assert_eq!(error.code, code, "{error}");
            assert!(error.message.contains(words), "{words}: {error}");
        }
    }
    assert_eq!(store.commits(), 0);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_of_a_forge_and_of_a_dry_run_of_it() {
    let Swarm { core, store, .. } = unwatched();
    let summons = core.summon(summons("k")).await.expect("summons").id;
    for key in [String::new(), "x".repeat(5000), "a\nb".into()] {
        for dry_run in [true, false] {
            let (key, summons) = (key.clone(), summons.clone());
            let request = ProvisionRequest { key, summons, placement: Placement::default(), dry_run };
            let error = core.provision(request).await.expect_err("is refused");
            assert_eq!(error.code, ErrorCode::BadRequest, "{error}");
            assert!(error.message.contains("idempotency key"), "{error}");
        }
    }
    assert_eq!(store.commits(), 1);
}

#[tokio::test]
async fn what_is_unknown_is_not_found_with_a_hint() {
    let Swarm { core, .. } = unwatched();
    let summons = ProvisionRequest {
        key: "k".into(),
        summons: random::summons_id(),
        placement: Placement::default(),
        dry_run: false,
    };
    let vault = random::vault_id();
    let ticket = TicketRequest { vault: vault.clone(), wishes: TicketWishes::default() };
    for error in [
        core.provision(summons).await.expect_err("is unknown"),
        core.ticket(ticket).await.expect_err("is unknown"),
        core.vault(&vault).await.expect_err("is unknown"),
    ] {
        assert_eq!(error.code, ErrorCode::NotFound);
        assert!(error.hint.is_some(), "{error}");
    }
}

#[tokio::test]
async fn a_worker_that_does_not_load_is_the_workers_fault() {
    let Swarm { core, node, store, .. } = unwatched();
    let worker = WorkerError {
        kind: WorkerErrorKind::Syntax,
        message: "unexpected token".into(),
        file: Some("dir/scout.js".into()),
        line: Some(3),
        column: Some(7),
        stack: None,
    };
    let error = NodeError::new(NodeFault::BadSource(Some(Box::new(worker))), "the source did not load");
    node.fail_next(FakeCall::Provision, error.clone());
    assert_eq!(core.spawn(spawning("k")).await.expect_err("does not load"), Failure::from(error).into());
    assert_eq!((node.living().len(), store.commits()), (0, 0));
    assert!(core.basis().ledger.count_forging().await.expect("counts") == 0);
}

#[tokio::test]
async fn a_ticket_cannot_allow_what_is_not_there() {
    let Swarm { core, store, node } = unwatched();
    let mut request = spawning("k");
    request.ticket.methods = vec!["scan".into(), "fly".into()];
    let error = core.spawn(request).await.expect_err("has no fly");
    assert_eq!(error.code, ErrorCode::BadRequest);
    assert!(error.message.contains("\"fly\""), "{error}");
    assert_eq!(
        error.hint.as_deref(),
        Some("it has: scan, top; hauki.destruct and hauki.evaluate can be granted too")
    );
    while core.basis().ledger.count_forging().await.expect("counts") > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((node.living().len(), store.commits()), (0, 0));
    for wishes in [
        TicketWishes { expires_ms: Some(0), ..TicketWishes::default() },
        TicketWishes { lease_ms: Some(1), ..TicketWishes::default() },
        TicketWishes { label: Some("\n".into()), ..TicketWishes::default() },
    ] {
        let request = SpawnRequest { ticket: wishes, ..spawning("k") };
        assert_eq!(core.spawn(request).await.expect_err("is refused").code, ErrorCode::BadRequest);
    }
}
