use super::*;

fn sent(reply_queue: &ReplyQueue) -> String {
    let mut bytes = Vec::new();
    reply_queue.take(&mut bytes);
    // The second take says that the first has been sent.
    reply_queue.take(&mut Vec::new());
    String::from_utf8(bytes).expect("is text")
}

#[test]
fn a_batch_answers_in_one_line_when_its_last_member_is_done() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let batch = Batch::new(Arc::clone(&reply_queue), 3, 1000);
    let replies = ["1", "2"].map(|id| ReplyTo::new(&reply_queue, Some(id), Some(&batch)));
    let note = ReplyTo::new(&reply_queue, None, Some(&batch));
    let [first, second] = replies;
    second.value("\"b\"");
    note.value("0");
    assert_eq!(sent(&reply_queue), "");
    first.value("\"a\"");
    assert_eq!(
        sent(&reply_queue),
        "[{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"b\"},{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"a\"}]\n"
    );
    assert!(reply_queue.is_quiet());
}

#[test]
fn a_dropped_call_is_still_answered_and_a_lone_notification_never() {
    let reply_queue = Arc::new(ReplyQueue::default());
    drop(ReplyTo::new(&reply_queue, Some("7"), None));
    drop(ReplyTo::new(&reply_queue, None, None));
    let text = sent(&reply_queue);
    assert!(text.contains("\"id\":7") && text.contains("-32603"), "{text}");
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn what_is_given_up_before_the_vault_has_it_is_told_once_to_who_pays_for_it() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let [begun, given_up, long] = ["1", "2", "3"].map(|id| ReplyTo::new(&reply_queue, Some(id), None));
    for (reply, bytes) in [(&begun, 100), (&given_up, 30), (&long, LONG + 1)] {
        reply.hold(bytes);
    }
    assert_eq!(reply_queue.held(), (131 + LONG, false, 0));
    begun.release(100);
    given_up.give_back(30);
    // Its ticket owed for it as soon as it had come.
    long.give_back(LONG + 1);
    assert_eq!(reply_queue.held(), (0, false, 30));
    assert_eq!(reply_queue.held(), (0, false, 0));
}

#[test]
fn large_replies_narrow_the_flight() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let flight: Vec<_> = (0..MAX_IN_FLIGHT).map(|_| ReplyTo::new(&reply_queue, Some("1"), None)).collect();
    assert!(!reply_queue.admits());
    drop(flight);
    let _ = sent(&reply_queue);
    assert!(reply_queue.admits());
    ReplyTo::new(&reply_queue, Some("1"), None).value(&"x".repeat(IN_FLIGHT_BYTES));
    let _ = sent(&reply_queue);
    let one = ReplyTo::new(&reply_queue, Some("1"), None);
    assert!(!reply_queue.admits());
    one.value("0");
    for _ in 0..100 {
        ReplyTo::new(&reply_queue, Some("1"), None).value("0");
    }
    let _ = sent(&reply_queue);
    let _two = [(); 2].map(|()| ReplyTo::new(&reply_queue, Some("1"), None));
    assert!(reply_queue.admits(), "one large reply narrows the flight for ever");
}

#[test]
fn replies_that_nobody_reads_are_left_out_one_by_one() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let big = format!("\"{}\"", "x".repeat(HARD_LIMIT / 4));
    let mut taken = Vec::new();
    ReplyTo::new(&reply_queue, Some("0"), None).value(&big);
    reply_queue.take(&mut taken);
    for id in 1..MAX_IN_FLIGHT {
        ReplyTo::new(&reply_queue, Some(&id.to_string()), None).value(&big);
    }
    ReplyTo::new(&reply_queue, Some("\"small\""), None).value("1");
    let text = sent(&reply_queue);
    assert!(text.len() < HARD_LIMIT, "{} bytes wait", text.len());
    assert_eq!(text.lines().count(), MAX_IN_FLIGHT);
    assert!(text.lines().nth(40).expect("is there").contains("-32007"));
    assert!(text.ends_with("{\"jsonrpc\":\"2.0\",\"id\":\"small\",\"result\":1}\n"));
    ReplyTo::new(&reply_queue, Some("1"), None).value(&"1".repeat(2 * HARD_LIMIT));
    assert!(sent(&reply_queue).len() > 2 * HARD_LIMIT, "one alone may be as long as a frame");
}

#[test]
fn a_reply_that_is_left_out_leaves_no_room_behind() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let long = "1".repeat(2 * HARD_LIMIT);
    reply_queue.line(|out| out.resize(SOFT_LIMIT + 1, b'x'));
    ReplyTo::new(&reply_queue, Some("1"), None).value(&long);
    let batch = Batch::new(Arc::clone(&reply_queue), 2, HARD_LIMIT);
    let _last = ReplyTo::new(&reply_queue, Some("3"), Some(&batch));
    ReplyTo::new(&reply_queue, Some("2"), Some(&batch)).value(&long);
    assert!(reply_queue.lock().bytes.capacity() < 2 * SOFT_LIMIT);
    assert!(batch.state.lock().expect("is whole").body.capacity() < SOFT_LIMIT);
}

#[test]
fn the_answers_of_a_batch_keep_to_the_limit_and_so_do_many_batches() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let big = format!("\"{}\"", "x".repeat(600));
    let batch = Batch::new(Arc::clone(&reply_queue), 3, 1000);
    for id in ["1", "2", "3"] {
        ReplyTo::new(&reply_queue, Some(id), Some(&batch)).value(&big);
    }
    let text = sent(&reply_queue);
    let answers: Vec<serde_json::Value> = serde_json::from_str(&text).expect("is an array");
    assert!(answers[0]["result"].is_string());
    assert_eq!((&answers[1]["error"]["code"], &answers[2]["id"]), (&code::TOO_LARGE.into(), &3.into()));
    let huge = format!("\"{}\"", "x".repeat(HARD_LIMIT / 4));
    let batches: Vec<_> = (0..40).map(|_| Batch::new(Arc::clone(&reply_queue), 2, HARD_LIMIT)).collect();
    let last: Vec<_> = batches
        .iter()
        .map(|batch| {
            ReplyTo::new(&reply_queue, Some("1"), Some(batch)).value(&huge);
            ReplyTo::new(&reply_queue, Some("2"), Some(batch))
        })
        .collect();
    assert!(reply_queue.lock().gathered < HARD_LIMIT, "{} bytes are gathered", reply_queue.lock().gathered);
    drop(last);
    assert_eq!(reply_queue.lock().gathered, 0);
}

#[test]
fn the_last_word_comes_however_much_waits() {
    let reply_queue = ReplyQueue::default();
    reply_queue.line(|out| out.resize(SOFT_LIMIT + 1, b'x'));
    reply_queue.last_event("hauki.dying", "{}");
    assert!(sent(&reply_queue).ends_with("\"method\":\"hauki.dying\",\"params\":{}}\n"));
}

#[test]
fn events_are_left_out_and_counted_while_the_caller_does_not_read() {
    let reply_queue = ReplyQueue::default();
    reply_queue.line(|out| out.resize(SOFT_LIMIT + 1, b'x'));
    reply_queue.event("hauki.log", |_| "{}".into());
    let _ = sent(&reply_queue);
    reply_queue.event("hauki.log", |lost| format!("{{\"lost\":{lost}}}"));
    assert!(sent(&reply_queue).contains("{\"lost\":1}"));
}
