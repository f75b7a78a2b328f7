use super::*;

#[test]
fn a_silent_node_is_waited_for_once() {
    let word = |at| Some((crate::fake_node::blank_word(&"n1".parse().expect("a name")), Mono(at)));
    let silence = |at| Some(("gone".to_owned(), Mono(at)));
    let mut new = Sight::default();
    assert_eq!(new.due(Mono(0), 100), Due::Ask);
    let mut known = Sight { word: word(50), ..Sight::default() };
    assert_eq!([known.due(Mono(149), 100), known.due(Mono(150), 100)], [Due::Nothing, Due::Ask]);
    let mut silent = Sight { word: word(50), silence: silence(60), ..Sight::default() };
    assert_eq!(silent.due(Mono(159), 100), Due::Nothing);
    // One looks whether it is back, for all that come at that time.
    assert_eq!([silent.due(Mono(160), 100), silent.due(Mono(161), 100)], [Due::Look, Due::Nothing]);
    // Where nothing else is left, it is worth the wait.
    assert_eq!([silent.due(Mono(162), 0), known.due(Mono(51), 0)], [Due::Ask, Due::Ask]);
    assert!(silent.word().is_err());
}

#[tokio::test]
async fn how_far_away_a_node_is_the_first_answer_tells_and_then_its_words() {
    let name: NodeName = "n1".parse().expect("a name");
    let api = Arc::new(crate::fake_node::FakeNode::new(name.clone()));
    let slot = Slot::new(Member { name: name.clone(), labels: BTreeMap::new(), api, address: None });
    let late = async {
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok(crate::fake_node::blank_word(&name))
    };
    slot.heard(Box::pin(late)).await.expect("answers");
    assert!(slot.sight().rtt_us >= 2_000);
    // A listing takes as long as it is.
    const MINUTE_US: u64 = 60_000_000;
    slot.sight().rtt_us = MINUTE_US;
    slot.vaults(None).await.expect("answers");
    assert_eq!(slot.sight().rtt_us, MINUTE_US);
    slot.word().await.expect("answers");
    assert!(slot.sight().rtt_us < MINUTE_US);
}
