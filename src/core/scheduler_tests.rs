use super::*;
use crate::core::fake_node;

const MIB: u64 = 1 << 20;

fn candidate(name: &str, change: impl FnOnce(&mut NodeState)) -> Candidate {
    let name: NodeName = name.parse().expect("a name");
    let mut state = fake_node::blank_state(&name);
    change(&mut state);
    Candidate { name, labels: BTreeMap::new(), state: Ok(state), placed_since: 0 }
}

fn order(candidates: &[Candidate]) -> Vec<String> {
    let scores = place(candidates, &Placement::default(), MIB).expect("one fits");
    assert!(scores[0].chosen && scores.iter().filter(|score| score.chosen).count() == 1);
    scores.into_iter().map(|score| score.node.to_string()).collect()
}

#[test]
fn the_better_node_comes_first() {
    let plain = || candidate("b", |_| {});
    for (why, other, first) in [
        ("more memory", candidate("a", |state| state.free_memory_bytes *= 2), "a"),
        ("less memory", candidate("a", |state| state.free_memory_bytes /= 2), "b"),
        ("more load", candidate("a", |state| state.load_percent = 90), "b"),
        ("less room", candidate("a", |state| state.max_vaults = 1), "a"),
        ("equal, so by name", candidate("a", |_| {}), "a"),
    ] {
        assert_eq!(order(&[plain(), other])[0], first, "{why}");
    }
}

#[test]
fn what_is_on_its_way_counts() {
    let mut busy = candidate("a", |state| state.max_vaults = 10);
    busy.placed_since = 9;
    assert_eq!(order(&[busy, candidate("b", |state| state.max_vaults = 10)]), ["b", "a"]);
}

#[test]
fn scores_stay_within_a_thousand() {
    assert_eq!(score(0, 1000, 5, 5), 0);
    assert!(score(u64::MAX, 0, 0, u32::MAX) <= 1000);
    assert_eq!(score(HALF_MEMORY, 50, 5, 10), 200 + 200 + 100);
}

#[test]
fn refusals_say_why_and_are_gathered() {
    let lost = Candidate { state: Err("connection refused".into()), ..candidate("n4", |_| {}) };
    let mut full = candidate("n5", |state| state.max_vaults = 3);
    full.placed_since = 3;
    let candidates = [
        candidate("n2", |state| state.draining = true),
        candidate("n1", |state| state.draining = true),
        candidate("n3", |state| state.free_memory_bytes = MIB),
        lost,
        full,
    ];
    let error = place(&candidates, &Placement::default(), 64 * MIB).expect_err("none fits");
    assert_eq!(error.code, ErrorCode::NoCapacity);
    assert!(error.retryable);
    assert_eq!(
        error.message,
        "no node can take it: 5 nodes, 0 fit (n1, n2: draining; n3: 64 MiB needed, 1024 KiB free; \
         n4: unreachable: connection refused; n5: full: 3 of 3 vaults)"
    );
}

#[test]
fn labels_and_the_wished_node_bind() {
    let mut gpu = candidate("n1", |_| {});
    gpu.labels.insert("gpu".into(), "yes".into());
    let candidates = [candidate("n2", |_| {}), gpu];
    let labels = Placement { node: None, labels: [("gpu".into(), "yes".into())].into() };
    let scores = place(&candidates, &labels, MIB).expect("n1 fits");
    assert_eq!(scores[0].node.as_str(), "n1");
    assert_eq!(scores[1].refused.as_deref(), Some("label gpu=yes missing"));
    let unknown = Placement { node: "n9".parse().ok(), ..Placement::default() };
    let error = place(&candidates, &unknown, MIB).expect_err("is unknown");
    assert_eq!((error.code, error.hint.as_deref()), (ErrorCode::NotFound, Some("the nodes are: n2, n1")));
}
