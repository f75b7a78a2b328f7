use proptest::prelude::*;

use super::*;
use crate::failure::Failure;
use hauki_contract::api::{ApiError, ErrorCode};

fn told(error: PlacementError) -> ApiError {
    Failure::from(error).into()
}

const MIB: u64 = 1 << 20;

fn name(text: &str) -> NodeName {
    text.parse().expect("a name")
}

fn blank() -> NodeLoad {
    NodeLoad { max_vaults: 1000, free_memory_bytes: 4 << 30, ..NodeLoad::default() }
}

fn made(name_of: &str, word: NodeLoad) -> Candidate {
    Candidate::new(name(name_of), BTreeMap::new(), Ok(word), Policy::Spread)
}

fn plain(memory_bytes: u64) -> (Placement, BTreeMap<NodeName, VaultId>, u64) {
    (Placement::default(), BTreeMap::new(), memory_bytes)
}

fn explained(
    candidates: &[Candidate],
    (wish, apart, memory_bytes): &(Placement, BTreeMap<NodeName, VaultId>, u64),
) -> Vec<NodeScore> {
    let wanted = PlacementRequest { wish, apart, memory_bytes: *memory_bytes };
    let scores = explain(candidates, &wanted);
    // The words and the deed are one judgement.
    let chosen = choose(candidates, &wanted).map(|place| &candidates[place].name);
    assert_eq!(scores.iter().find(|score| score.chosen).map(|score| &score.node), chosen);
    scores
}

fn first(policy: Policy, other: NodeLoad) -> NodeName {
    let both = [("b", blank()), ("a", other)]
        .map(|(name_of, word)| Candidate::new(name(name_of), BTreeMap::new(), Ok(word), policy));
    explained(&both, &plain(MIB)).remove(0).node
}

#[test]
fn the_better_node_comes_first() {
    for (why, other, best) in [
        ("more memory", NodeLoad { free_memory_bytes: 8 << 30, ..blank() }, "a"),
        ("less memory", NodeLoad { free_memory_bytes: 2 << 30, ..blank() }, "b"),
        ("more load", NodeLoad { load_percent: 90, ..blank() }, "b"),
        ("fewer free places", NodeLoad { used: 1, ..blank() }, "b"),
        ("further away", NodeLoad { rtt_us: 3_000, ..blank() }, "b"),
        ("as near as can be told", NodeLoad { rtt_us: 400, ..blank() }, "a"),
        ("perhaps further away", NodeLoad { rtt_us: 30_000, rtt_is_new: true, ..blank() }, "a"),
        ("a warm vault", NodeLoad { warm: 1, ..blank() }, "a"),
        ("the code is there", NodeLoad { code: true, ..blank() }, "a"),
        (
            "the code is there and the node is further away",
            NodeLoad { code: true, rtt_us: 3_000, ..blank() },
            "b",
        ),
        ("equal, so by name", blank(), "a"),
    ] {
        assert_eq!(first(Policy::Spread, other).as_str(), best, "{why}");
    }
}

#[test]
fn places_are_counted_by_vaults_and_by_memory() {
    let wide = NodeLoad { used: 7, max_vaults: 10, ..blank() };
    let narrow = NodeLoad { free_memory_bytes: 5 * MIB, ..blank() };
    let full = NodeLoad { used: 10, max_vaults: 10, ..blank() };
    let leaving = NodeLoad { draining: true, ..blank() };
    let all = [("a", wide), ("b", narrow), ("c", full), ("d", leaving)].map(|(name, word)| made(name, word));
    let (wish, apart, _) = plain(0);
    let wanted = |memory_bytes| PlacementRequest { wish: &wish, apart: &apart, memory_bytes };
    assert_eq!([2 * MIB, 6 * MIB].map(|memory| places(&all, &wanted(memory))), [3 + 2, 3]);
}

#[test]
fn packing_turns_the_room_around_and_nothing_else() {
    for (why, other, best) in [
        ("more memory", NodeLoad { free_memory_bytes: 8 << 30, ..blank() }, "b"),
        ("fewer free places", NodeLoad { used: 1, ..blank() }, "a"),
        ("more load", NodeLoad { load_percent: 90, ..blank() }, "b"),
    ] {
        assert_eq!(first(Policy::Pack, other).as_str(), best, "{why}");
    }
}

#[test]
fn scores_stay_within_a_million() {
    for policy in [Policy::Spread, Policy::Pack] {
        let worst =
            NodeLoad { load_percent: 1000, rtt_us: u64::MAX, used: 9, max_vaults: 5, ..NodeLoad::default() };
        let best = NodeLoad {
            free_memory_bytes: u64::MAX,
            max_vaults: u32::MAX,
            warm: u32::MAX,
            code: true,
            rtt_us: 0,
            rtt_is_new: false,
            ..NodeLoad::default()
        };
        assert!(score(&worst, policy) <= 1_000_000 && score(&best, policy) <= 1_000_000);
    }
    let half =
        NodeLoad { free_memory_bytes: HALF_MEMORY, load_percent: 50, used: 5, max_vaults: 10, ..blank() };
    assert_eq!(score(&half, Policy::Spread), 175_000 + 175_000 + 100_000 + 50_000);
}

#[test]
fn refusals_say_why_and_are_gathered() {
    let candidates = [
        made("n2", NodeLoad { draining: true, ..blank() }),
        made("n1", NodeLoad { draining: true, ..blank() }),
        made("n3", NodeLoad { free_memory_bytes: MIB, ..blank() }),
        Candidate::new(name("n4"), BTreeMap::new(), Err("unreachable: refused".into()), Policy::Spread),
        made("n5", NodeLoad { used: 3, max_vaults: 3, ..blank() }),
    ];
    let scores = explained(&candidates, &plain(64 * MIB));
    let error = told(PlacementError::NoRoom { scores });
    assert_eq!((error.code, error.retryable), (ErrorCode::NoCapacity.into(), true));
    assert_eq!(
        error.message,
        "no node can take it: 5 nodes, 0 fit (n1, n2: draining; n3: 64 MiB needed, 1024 KiB free; \
         n4: unreachable: refused; n5: full: 3 of 3 vaults)"
    );
}

#[test]
fn labels_the_wished_node_and_distance_bind() {
    let gpu = Candidate::new(name("n1"), [("gpu".into(), "yes".into())].into(), Ok(blank()), Policy::Spread);
    let candidates = [made("n2", NodeLoad { warm: 4, ..blank() }), gpu];
    let labels = Placement { labels: [("gpu".into(), "yes".into())].into(), ..Placement::default() };
    let scores = explained(&candidates, &(labels, BTreeMap::new(), MIB));
    assert_eq!(scores[0].node.as_str(), "n1");
    assert_eq!(scores[1].refused.as_deref(), Some("label gpu=yes missing"));

    let wished = Placement { node: Some(name("n1")), ..Placement::default() };
    check_wish(&candidates, &wished).expect("is there");
    assert_eq!(explained(&candidates, &(wished, BTreeMap::new(), MIB))[0].node.as_str(), "n1");
    let unknown = Placement { node: Some(name("n9")), ..Placement::default() };
    let error = told(check_wish(&candidates, &unknown).expect_err("is unknown"));
    assert_eq!(
        (error.code, error.hint.as_deref()),
        (ErrorCode::NotFound.into(), Some("the nodes are: n2, n1"))
    );

    let vault = VaultId::mint(1, 2);
    let apart = [(name("n2"), vault.clone())].into();
    let scores = explained(&candidates, &(Placement::default(), apart, MIB));
    assert_eq!(scores[0].node.as_str(), "n1");
    assert!(scores[1].refused.as_ref().expect("is refused").contains(vault.as_str()));
}

/// A smaller load than the benchmark's, because this build is slow; the bound is the same.
#[test]
fn a_long_load_is_spread_evenly() {
    let mut candidates: Vec<Candidate> =
        (0..200).map(|number| made(&format!("n{number}"), blank())).collect();
    let (wish, apart, memory_bytes) = plain(8 * MIB);
    let mut load = vec![0_u32; candidates.len()];
    for placed in 1..=2_000_u32 {
        let place = choose(&candidates, &PlacementRequest { wish: &wish, apart: &apart, memory_bytes })
            .expect("fits");
        candidates[place].took(memory_bytes, Policy::Spread);
        load[place] += 1;
        let fullest = load.iter().max().copied().unwrap_or(0);
        assert!(fullest <= placed.div_ceil(200), "{fullest} on one node after {placed}");
    }
}

#[test]
fn packing_fills_one_before_the_next() {
    let word = NodeLoad { max_vaults: 10, ..blank() };
    let mut candidates: Vec<Candidate> = (0..5)
        .map(|number| {
            Candidate::new(name(&format!("n{number}")), BTreeMap::new(), Ok(word.clone()), Policy::Pack)
        })
        .collect();
    let (wish, apart, memory_bytes) = plain(MIB);
    let mut order = Vec::new();
    while let Some(place) =
        choose(&candidates, &PlacementRequest { wish: &wish, apart: &apart, memory_bytes })
    {
        candidates[place].took(memory_bytes, Policy::Pack);
        order.push(place);
    }
    assert_eq!(order, (0..5).flat_map(|place| [place; 10]).collect::<Vec<usize>>());
}

proptest! {
    /// `explained` holds the two against each other; the order of the nodes does not matter.
    #[test]
    fn the_choice_is_the_first_of_the_explanation(
        nodes in proptest::collection::vec((0..6_u32, 0..3_u64, 0..200_u32, any::<bool>(), 0..3_u32), 1..30),
        memory in 0..3_u64,
        seed in 0..30_usize,
    ) {
        let mut candidates: Vec<Candidate> = nodes
            .into_iter()
            .enumerate()
            .map(|(number, (used, free, load_percent, draining, warm))| {
                let word = NodeLoad { used, max_vaults: 4, free_memory_bytes: free << 30, load_percent, draining, warm, rtt_us: 0, rtt_is_new: false, code: warm % 2 == 0 };
                made(&format!("n{number}"), word)
            })
            .collect();
        let wanted = plain(memory << 30);
        let before = explained(&candidates, &wanted);
        let middle = seed % candidates.len();
        candidates.rotate_left(middle);
        prop_assert_eq!(explained(&candidates, &wanted), before);
    }
}
