use super::*;
use crate::ledger::{KeyRecord, idempotency_key};
use crate::retention::Most;
use hauki_contract::api::ErrorCode;
use hauki_contract::api::teardown::DestructQuery;
use hauki_contract::api::vault::ProvisionRequest;
use hauki_contract::system::clock;

#[tokio::test]
async fn fifty_callers_with_one_key_make_one_vault() {
    let Swarm { core, node, .. } = swarm();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let core = core.clone();
        callers.spawn(async move { core.spawn(spawning("one")).await.expect("spawns") });
    }
    let answers = callers.join_all().await;
    assert_eq!((node.living().len(), node.provisioned()), (1, 1));
    assert_eq!(answers.iter().filter(|answer| answer.changed).count(), 1);
    assert!(answers.iter().all(|answer| answer.ticket == answers[0].ticket));
}

#[tokio::test]
async fn two_cores_on_one_store_still_make_one_vault_that_stays() {
    let store = Arc::new(MemoryStore::default());
    let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
    let cores = [0, 1].map(|_| core_over(store.clone(), &[&node], &["n1"]));
    let spawns = cores.clone().map(|core| tokio::spawn(async move { core.spawn(spawning("k")).await }));
    let mut made = 0;
    for spawn in spawns {
        match spawn.await.expect("ends") {
            Ok(_) => made += 1,
            Err(error) => assert_eq!(error.code, ErrorCode::Temporary),
        }
    }
    for core in &cores {
        while core.basis().ledger.count_forging().await.expect("counts") > 0 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!((made, node.living().len()), (1, 1));
    let ids = [cores[0].spawn(spawning("k")).await, cores[1].spawn(spawning("k")).await]
        .map(|again| again.expect("is known").vault.id);
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn each_verb_answers_again_and_refuses_another_body() {
    let Swarm { core, .. } = swarm();
    let first = core.summon(summons("k")).await.expect("summons");
    let again = core.summon(summons("k")).await.expect("summons");
    assert!(first.changed && !again.changed && first.id == again.id);
    // Members have no order.
    for (text, changed) in [(r#"{"a":1,"b":{"c":2,"d":3}}"#, true), (r#"{"b":{"d":3,"c":2},"a":1}"#, false)] {
        let args = vec![serde_json::from_str(text).expect("is JSON")];
        let summoned = core.summon(SummonsRequest { args, ..summons("members") }).await.expect("summons");
        assert_eq!(summoned.changed, changed);
    }
    let other = SummonsRequest { args: vec![1.into()], ..summons("k") };
    assert_eq!(core.summon(other.clone()).await.expect_err("is another").code, ErrorCode::KeyReused);

    let request = ProvisionRequest {
        key: "k".into(),
        summons: first.id.clone(),
        placement: Placement::default(),
        dry_run: false,
    };
    let vault = core.provision(request.clone()).await.expect("forges");
    let same = core.provision(request.clone()).await.expect("answers");
    assert!(vault.changed && !same.changed && vault.id == same.id);
    let elsewhere = Placement { node: "n1".parse().ok(), ..Placement::default() };
    let moved = ProvisionRequest { placement: elsewhere, ..request };
    assert_eq!(core.provision(moved).await.expect_err("is another").code, ErrorCode::KeyReused);

    // The same key for another verb is another key.
    let spawned = core.spawn(spawning("k")).await.expect("spawns");
    let same = core.spawn(spawning("k")).await.expect("answers");
    assert!(spawned.changed && !same.changed && spawned.ticket == same.ticket);
    let body = SpawnRequest { summons: other, ..spawning("k") };
    assert_eq!(core.spawn(body).await.expect_err("is another").code, ErrorCode::KeyReused);
}

#[tokio::test]
async fn no_token_is_kept_and_yet_the_same_is_given_again() {
    let Swarm { core, store, .. } = swarm();
    let request = SpawnRequest {
        ticket: TicketWishes {
            methods: vec!["scan".into()],
            label: Some("ops".into()),
            ..TicketWishes::default()
        },
        ..spawning("k")
    };
    let spawned = core.spawn(request.clone()).await.expect("spawns");
    let token = spawned.ticket.auth.token.reveal().as_bytes();
    let kept = store.list("", None, 1000).await.expect("lists");
    assert!(kept.iter().any(|document| document.key.starts_with("key/")));
    let holds = |bytes: &[u8]| bytes.windows(token.len()).any(|window| window == token);
    assert!(!kept.iter().any(|document| holds(&document.value)));
    assert_eq!(core.spawn(request).await.expect("answers").ticket, spawned.ticket);
}

#[tokio::test]
async fn a_token_that_an_earlier_version_kept_is_given_again() {
    let Swarm { core, store, .. } = swarm();
    core.spawn(spawning("k")).await.expect("spawns");
    let key = idempotency_key("spawn", "k");
    let mut found = core.basis().records.get::<KeyRecord>(&key).await.expect("reads").expect("is there");
    let kept = hauki_contract::model::secret::Secret::new("kept".into());
    found.value.ticket.as_mut().expect("has one").auth.token = kept.clone();
    assert!(core.basis().ledger.rewrite(&found).await.expect("writes"));
    assert_eq!(store.commits(), 2);
    assert_eq!(core.spawn(spawning("k")).await.expect("answers").ticket.auth.token, kept);
}

#[tokio::test]
async fn a_key_whose_vault_is_dead_answers_with_its_tombstone() {
    let Swarm { core, .. } = swarm();
    let spawned = core.spawn(spawning("k")).await.expect("spawns");
    core.destruct(&spawned.vault.id, DestructQuery::default(), None).await.expect("ends");
    let error = core.spawn(spawning("k")).await.expect_err("is dead");
    assert_eq!(error.code, ErrorCode::VaultDead);
    assert!(error.receipt.is_some());
}

#[tokio::test]
async fn keys_and_tombstones_are_kept_for_a_day() {
    let Swarm { core, .. } = swarm();
    let spawned = core.spawn(spawning("k")).await.expect("spawns");
    core.destruct(&spawned.vault.id, DestructQuery::default(), None).await.expect("ends");
    let hours = |hours| clock::now() + jiff::SignedDuration::from_hours(hours);
    core.phases().retention.prune(hours(23), Most { tombs: 10, ..Most::default() }).await.expect("prunes");
    assert_eq!(core.spawn(spawning("k")).await.expect_err("is kept").code, ErrorCode::VaultDead);
    core.phases().retention.prune(hours(25), Most { tombs: 10, ..Most::default() }).await.expect("prunes");
    assert_eq!(core.vault(&spawned.vault.id).await.expect_err("is forgotten").code, ErrorCode::NotFound);
    assert_eq!(core.summons(&spawned.summons.id).await.expect_err("too").code, ErrorCode::NotFound);
    assert!(core.spawn(spawning("k")).await.expect("spawns").changed);
}

#[tokio::test]
async fn only_the_youngest_tombstones_are_kept() {
    let Swarm { core, .. } = swarm();
    let mut ids = Vec::new();
    for number in 0..4 {
        let spawned = core.spawn(spawning(&format!("k{number}"))).await.expect("spawns");
        core.destruct(&spawned.vault.id, DestructQuery::default(), None).await.expect("ends");
        ids.push(spawned.vault.id);
    }
    core.phases().retention.prune(clock::now(), Most { tombs: 2, ..Most::default() }).await.expect("prunes");
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(core.vault(id).await.is_ok(), number >= 2, "{number}");
    }
}

#[tokio::test]
async fn a_key_outlives_no_tombstone_without_saying_that_its_vault_is_dead() {
    let Swarm { core, .. } = swarm();
    let spawned = core.spawn(spawning("k")).await.expect("spawns");
    core.destruct(&spawned.vault.id, DestructQuery::default(), None).await.expect("ends");
    core.phases().retention.prune(clock::now(), Most { tombs: 0, ..Most::default() }).await.expect("prunes");
    assert_eq!(core.vault(&spawned.vault.id).await.expect_err("is forgotten").code, ErrorCode::NotFound);
    let error = core.spawn(spawning("k")).await.expect_err("is dead");
    assert_eq!((error.code, error.receipt), (ErrorCode::VaultDead.into(), None));
}

/// 2,000 lives leave 10,000 documents: a round reads those that are old, and none of them is left.
#[tokio::test]
async fn pruning_reads_what_is_old_and_leaves_nothing_of_it() {
    let Swarm { core, store, .. } = unwatched();
    let keeper = core.spawn(spawning("keeper")).await.expect("spawns").vault;
    for number in 0..2_000 {
        let spawned = core.spawn(spawning(&format!("k{number}"))).await.expect("spawns");
        core.destruct(&spawned.vault.id, DestructQuery::default(), None).await.expect("ends");
    }
    core.phases().retention.prune(clock::now(), Most::default()).await.expect("prunes");
    let before = store.read();
    core.phases().retention.prune(clock::now(), Most::default()).await.expect("prunes");
    let read = store.read() - before;
    // A page of each kind, of which the first document is young already.
    assert!(read < 1_500, "{read} documents were read where none is old");
    let day = clock::now() + jiff::SignedDuration::from_hours(25);
    core.phases().retention.prune(day, Most::default()).await.expect("prunes");
    let left = store.size("").await.expect("counts").documents;
    // The living one's record, summons and source, and that keys are dated.
    assert_eq!(left, 4);
    assert!(core.vault(&keeper.id).await.expect("shows").receipt.is_none());
}
