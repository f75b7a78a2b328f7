//! Trace propagation through what waits: the queue, and workers' wishes to clone.

use super::*;
use crate::ledger::spool_key;
use hauki_contract::api::clone::CloneAsk;
use hauki_contract::api::spool::SpoolRequest;
use hauki_contract::api::teardown::DestructQuery;
use hauki_contract::system::trace;

#[tokio::test]
async fn what_waited_is_forged_in_the_trace_of_who_queued_it() {
    let Swarm { core, store, node } = swarm();
    node.set_max_vaults(1);
    let first = core.spawn(spawning("first")).await.expect("fills the node").vault.id;
    let summons = core.summon(summons("k")).await.expect("summons").id;
    let wish = SpoolRequest {
        key: "k".into(),
        summons,
        placement: Placement::default(),
        priority: 5,
        deadline_ms: None,
    };
    let context = trace::fresh(false);
    let entry = trace::within(context, core.spool_put(wish, "uid 0".into())).await.expect("is queued");
    let kept = store.get(&spool_key(&entry.id)).await.expect("reads").expect("is there");
    let kept = String::from_utf8(kept.value).expect("is text");
    assert!(kept.contains(&context.to_string()), "another core may be the one that forges it: {kept}");
    core.destruct(&first, DestructQuery::default(), None).await.expect("makes room");
    while node.provisioned() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.trace(), Some(context.trace));
}

#[tokio::test]
async fn a_child_is_made_in_the_trace_of_the_call_that_wished_it() {
    let Swarm { core, node, .. } = swarm();
    let mut request = spawning("parent");
    request.summons.wishes.spawn = Some(2);
    let vault = core.spawn(request).await.expect("spawns").vault.id;
    let context = trace::fresh(false);
    for (number, (told, known)) in
        [(context.to_string(), true), ("made up".into(), false)].into_iter().enumerate()
    {
        let arguments = r#"["function f() {}"]"#.to_owned();
        let number = number as u64 + 1;
        node.wish(CloneAsk { vault: vault.clone(), number, arguments, traceparent: Some(told) });
        while (node.answers().len() as u64) < number {
            tokio::task::yield_now().await;
        }
        assert_eq!(node.trace() == Some(context.trace), known, "{:?}", node.answers());
    }
}
