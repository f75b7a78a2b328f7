use super::*;
use hauki_contract::model::lease::Mono;

#[test]
fn a_silent_node_is_waited_for_once() {
    let word = |at| Some((crate::fake_node::blank_word(&"n1".parse().expect("a name")), Mono(at)));
    let silence = |at| Some((Unheard::Silent("gone".to_owned()), Mono(at)));
    let mut new = ObservedNode::default();
    assert_eq!(new.due(Mono(0), 100), Due::Ask);
    let mut known = ObservedNode { word: word(50), ..ObservedNode::default() };
    assert_eq!([known.due(Mono(149), 100), known.due(Mono(150), 100)], [Due::Nothing, Due::Ask]);
    let mut silent = ObservedNode { word: word(50), unheard: silence(60), ..ObservedNode::default() };
    assert_eq!(silent.due(Mono(159), 100), Due::Nothing);
    // One looks whether it is back, for all that come at that time.
    assert_eq!([silent.due(Mono(160), 100), silent.due(Mono(161), 100)], [Due::Look, Due::Nothing]);
    // Where nothing else is left, it is worth the wait.
    assert_eq!([silent.due(Mono(162), 0), known.due(Mono(51), 0)], [Due::Ask, Due::Ask]);
    assert!(silent.load().is_err());
}

#[tokio::test]
async fn how_far_away_a_node_is_the_first_answer_tells_and_then_its_words() {
    let name: NodeName = "n1".parse().expect("a name");
    let api = Arc::new(crate::fake_node::FakeNode::new(name.clone()));
    let slot = NodeSlot::new(Member { name: name.clone(), labels: BTreeMap::new(), api, address: None });
    let late = async {
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok(crate::fake_node::blank_word(&name))
    };
    slot.heard(Box::pin(late)).await.expect("answers");
    let least_us = || slot.sight().trips.least_us();
    assert!(least_us() >= 2_000);
    // A listing takes as long as it is.
    const MINUTE_US: u64 = 60_000_000;
    slot.sight().trips = RoundTrips::default();
    slot.sight().trips.measured(MINUTE_US);
    slot.vaults(None).await.expect("answers");
    assert_eq!(least_us(), MINUTE_US);
    slot.status().await.expect("answers");
    assert!(least_us() < MINUTE_US);
}

/// A core that was busy for a moment took two of three nodes for far away, and sent nearly all vaults to the third.
#[test]
fn one_slow_answer_is_no_distance_and_many_are() {
    let mut trips = RoundTrips::default();
    for (took_us, least_us, few) in [(50_000, 50_000, true), (90_000, 50_000, true), (300, 300, false)] {
        trips.measured(took_us);
        assert_eq!((trips.least_us(), trips.are_few()), (least_us, few));
    }
    for _ in 0..7 {
        trips.measured(20_000);
        assert_eq!(trips.least_us(), 300);
    }
    trips.measured(20_000);
    assert_eq!((trips.least_us(), trips.are_few()), (20_000, false), "it has moved");
}

/// A node that says no is there.
#[tokio::test]
async fn only_silence_is_silence_and_an_error_that_a_node_answered_is_an_answer() {
    let name: NodeName = "n1".parse().expect("a name");
    let api = Arc::new(crate::fake_node::FakeNode::new(name.clone()));
    let slot = NodeSlot::new(Member { name: name.clone(), labels: BTreeMap::new(), api, address: None });
    let says = async |fault| {
        let error = NodeError::new(fault, "so it is");
        let answer: NodeFuture<'_, NodeStatus> = Box::pin(async { Err(error) });
        slot.heard(answer).await.map(drop).expect_err("is none")
    };
    for silent in [NodeFault::Silent, NodeFault::Barred, NodeFault::Late] {
        let told = says(silent).await;
        assert_eq!((told.fault, told.hint.is_some()), (NodeFault::Silent, true));
        assert_eq!(told.message, "node n1 cannot be reached: so it is");
        assert_eq!((slot.silence().as_deref(), slot.is_heard()), (Some("so it is"), false));
        assert_eq!(slot.last_info().state, "unreachable: so it is");
    }
    for answered in [
        NodeFault::Environment,
        NodeFault::Disbelieved,
        NodeFault::Defect,
        NodeFault::Failed,
        NodeFault::Strange,
    ] {
        let told = says(answered.clone()).await;
        assert_eq!((told.fault, told.hint), (answered, None));
        assert_eq!(told.message, "node n1: so it is");
        assert_eq!((slot.silence(), slot.is_heard()), (None, false), "and it gets nothing new");
        assert_eq!(slot.last_info().state, "failing: so it is");
    }
    slot.status().await.expect("answers");
    assert!(slot.is_heard() && slot.last_info().state == "ready");
}
