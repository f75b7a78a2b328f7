use std::sync::Arc;

use super::*;
use crate::gate::replies::ReplyQueue;
use crate::requests::BorrowedRequest;

fn reply(reply_queue: &Arc<ReplyQueue>, id: &str) -> ReplyTo {
    ReplyTo::new(reply_queue, Some(id), None)
}

fn sent(reply_queue: &ReplyQueue) -> String {
    let mut bytes = Vec::new();
    reply_queue.take(&mut bytes);
    String::from_utf8(bytes).expect("is text")
}

/// A call of a connection, and its number if the vault got it at once.
fn push(calls: &mut Calls, reply_queue: &Arc<ReplyQueue>, id: &str, deadline_ms: u32, now: Mono) -> u64 {
    let mut number = 0;
    let asked = BorrowedRequest::Call { method: "f", caller: "", params: Some(id) };
    let patience = CallWaiter { reply: reply(reply_queue, id), deadline_ms, via: Vec::new(), trace: None };
    calls.push(VaultRequest::Passing(asked), patience, now, |call, _, _| number = call);
    number
}

/// What the vault is given now: the ids, by their parameters.
fn handed(calls: &mut Calls, now: Mono) -> Vec<(u64, String)> {
    let mut handed = Vec::new();
    calls.hand_over(now, |call, order, _| match order.keep() {
        QueuedRequest::Call { params, .. } => handed.push((call, params.unwrap_or_default().into_string())),
        QueuedRequest::Stats => handed.push((call, "stats".to_owned())),
        QueuedRequest::Frame(..) => panic!("all of them are short"),
    });
    handed
}

const T: Mono = Mono(1_000_000);

#[test]
fn answers_come_in_order_or_not_at_all() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let mut calls = Calls::default();
    let first = push(&mut calls, &reply_queue, "1", 10, T);
    let second = push(&mut calls, &reply_queue, "2", 10, T);
    assert!(calls.answered(second, T).is_err());
    calls.answered(first, T).expect("is due").expect("waits").value("1");
    assert!(calls.answered(first, T).is_err(), "answered twice");
    assert!(calls.answered(99, T).is_err());
}

#[test]
fn a_late_caller_is_told_once_and_the_late_answer_is_swallowed() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let mut calls = Calls::default();
    let call = push(&mut calls, &reply_queue, "1", 10, T);
    assert_eq!(calls.next_deadline(), Some(T.plus_ms(10 + ENGINES_WORD_MS)));
    assert_eq!(calls.expire(T.plus_ms(10)), Overdue::Nothing);
    assert_eq!(sent(&reply_queue), "", "the engine has the first word");
    assert_eq!(calls.expire(T.plus_ms(10 + ENGINES_WORD_MS)), Overdue::Nothing);
    assert!(sent(&reply_queue).contains("-32004"));
    assert!(calls.answered(call, T.plus_ms(11 + ENGINES_WORD_MS)).expect("is due").is_none());
}

#[test]
fn a_call_that_still_waits_is_told_at_its_deadline() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let mut calls = Calls::default();
    push(&mut calls, &reply_queue, "1", 1000, T);
    push(&mut calls, &reply_queue, "2", 10, T);
    push(&mut calls, &reply_queue, "3", 10, T);
    assert_eq!(calls.next_deadline(), Some(T.plus_ms(10)));
    assert_eq!(calls.expire(T.plus_ms(10)), Overdue::Nothing);
    let told = sent(&reply_queue);
    let [handed, waited] = told.lines().collect::<Vec<_>>()[..] else { panic!("two were due: {told}") };
    assert!(handed.contains("\"id\":2") && !handed.contains("begun"), "the vault has it: {handed}");
    assert!(waited.contains("\"id\":3") && waited.contains("\"begun\":false"), "{waited}");
}

#[test]
fn a_caller_is_told_if_the_answer_may_lie_unread() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let mut calls = Calls::default();
    calls.excuse(T, T.plus_ms(500), 0);
    push(&mut calls, &reply_queue, "1", 100, T.plus_ms(500));
    let late = T.plus_ms(601 + ENGINES_WORD_MS);
    calls.excuse(T.plus_ms(520), T.plus_ms(560), 10);
    assert_eq!(calls.expire(late), Overdue::Nothing);
    let told = sent(&reply_queue);
    assert!(
        told.contains("-32004") && told.contains("\"unread_ms\":40"),
        "what lay before the call is not its own: {told}"
    );
}

#[test]
fn the_engine_is_stuck_when_one_call_holds_it_and_not_when_many_wait() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let mut calls = Calls::default();
    let first = push(&mut calls, &reply_queue, "1", 100, T);
    push(&mut calls, &reply_queue, "2", 100, T);
    let _ = calls.answered(first, T.plus_ms(90)).expect("is due");
    assert_eq!(calls.expire(T.plus_ms(600)), Overdue::Nothing, "the second began at 90");
    assert_eq!(calls.expire(T.plus_ms(690)), Overdue::Stuck);
}

#[test]
fn connections_take_turns_and_slow_calls_are_handed_over_two_at_a_time() {
    let (greedy, modest) = (Arc::new(ReplyQueue::default()), Arc::new(ReplyQueue::default()));
    let mut calls = Calls::default();
    let numbers: Vec<u64> = (0..64).map(|id| push(&mut calls, &greedy, &id.to_string(), 60_000, T)).collect();
    assert_eq!((&numbers[..3], calls.queue.len()), (&[1, 2, 0][..], 2));
    assert_eq!(push(&mut calls, &modest, "100", 60_000, T), 0);
    assert_eq!(handed(&mut calls, T), []);
    let mut order = Vec::new();
    for (turn, call) in (1..=4).enumerate() {
        let now = T.plus_ms(1000 * (turn as u64 + 1));
        calls.answered(call, now).expect("is due").expect("waits").value("0");
        order.extend(handed(&mut calls, now).into_iter().map(|(_, id)| id));
    }
    assert_eq!(order, ["2", "100", "3", "4"], "the modest caller waits for one call in turn");
}

#[test]
fn what_nobody_waits_for_any_more_is_not_handed_over_and_what_was_given_off_to_be_done_is() {
    let (gone, other) = (Arc::new(ReplyQueue::default()), Arc::new(ReplyQueue::default()));
    let mut calls = Calls::default();
    let with_it = [push(&mut calls, &gone, "1", 60_000, T), push(&mut calls, &other, "2", 60_000, T)];
    push(&mut calls, &gone, "3", 60_000, T);
    let asked = BorrowedRequest::Call { method: "f", caller: "", params: Some("note") };
    let patience = CallWaiter {
        reply: ReplyTo::new(&gone, None, None),
        deadline_ms: 60_000,
        via: Vec::new(),
        trace: None,
    };
    calls.push(VaultRequest::Passing(asked), patience, T, |_, _, _| panic!("there is no room"));
    push(&mut calls, &other, "4", 60_000, T);
    let mut cancelled = Vec::new();
    let of = |reply: &ReplyTo| reply.owner() == gone.owner() && reply.is_awaited();
    drop(calls.give_up(of, |call| cancelled.push(call)));
    assert_eq!(cancelled, with_it[..1]);
    // The vault owes its answers all the same, in their order.
    assert!(calls.answered(with_it[0], T).expect("is due").is_none());
    calls.answered(with_it[1], T).expect("is due").expect("waits").value("0");
    let ids: Vec<String> = handed(&mut calls, T).into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, ["note", "4"]);
}

#[test]
fn a_long_call_is_not_handed_over_behind_another() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let mut calls = Calls { pace_us: 10, ..Calls::default() };
    let long = "x".repeat(AHEAD_BYTES);
    assert_eq!(push(&mut calls, &reply_queue, &long, 60_000, T), 1, "alone it is");
    assert_eq!(
        [push(&mut calls, &reply_queue, "2", 60_000, T), push(&mut calls, &reply_queue, "3", 60_000, T)],
        [0, 0]
    );
    calls.answered(1, T).expect("is due");
    assert_eq!(handed(&mut calls, T), [(2, "2".to_owned()), (3, "3".to_owned())]);
    assert_eq!(push(&mut calls, &reply_queue, &long, 60_000, T), 0);
    for call in [2, 3] {
        calls.answered(call, T).expect("is due");
    }
    assert_eq!(handed(&mut calls, T), [(4, long)]);
}

#[test]
fn quick_calls_are_handed_over_in_numbers() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let mut calls = Calls { pace_us: 10, ..Calls::default() };
    for id in 0..100 {
        push(&mut calls, &reply_queue, &id.to_string(), 60_000, T);
    }
    assert_eq!(calls.queue.len(), MOST_AHEAD as usize);
    calls.answered(1, T.plus_ms(50)).expect("is due");
    assert_eq!(handed(&mut calls, T.plus_ms(50)), [], "a slow one ends that");
}

#[test]
fn answers_that_come_together_are_no_slow_ones_and_nobody_is_alone_among_them() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let mut calls = Calls { pace_us: 10, ..Calls::default() };
    let numbers: Vec<u64> =
        (0..40).map(|id| push(&mut calls, &reply_queue, &id.to_string(), 60_000, T)).collect();
    for call in &numbers {
        calls.answered(*call, Mono(T.0 + 400)).expect("is due");
    }
    assert_eq!(handed(&mut calls, Mono(T.0 + 400)), []);
    assert!(calls.pace_us <= 10, "{} us for one of forty", calls.pace_us);
    assert!(!calls.is_alone());
    let (later, alone) = (T.plus_ms(1), Mono(T.plus_ms(1).0 + 50));
    let call = push(&mut calls, &reply_queue, "40", 60_000, later);
    calls.answered(call, alone).expect("is due");
    assert_eq!(handed(&mut calls, alone), []);
    assert!(calls.is_alone() && calls.pace_us == 50);
}

#[test]
fn a_slow_call_stays_slow_when_the_workers_own_work_comes_with_its_answer() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let mut calls = Calls { pace_us: 10, ..Calls::default() };
    let call = push(&mut calls, &reply_queue, "1", 60_000, T);
    let later = T.plus_ms(300);
    calls.answered(call, later).expect("is due");
    calls.busy(100, later);
    assert!(calls.idle(later));
    assert_eq!(handed(&mut calls, later), []);
    assert_eq!(calls.pace_us, 300_000);
}

#[test]
fn what_waits_expires_in_its_lane_and_gets_what_is_left_of_its_time() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let mut calls = Calls::default();
    for id in ["1", "2", "3"] {
        push(&mut calls, &reply_queue, id, 100, T);
    }
    push(&mut calls, &reply_queue, "4", 200, T);
    assert_eq!(calls.expire(T.plus_ms(100)), Overdue::Nothing);
    let told = sent(&reply_queue);
    assert!(told.contains("\"id\":2") && told.contains("\"id\":3") && !told.contains("\"id\":4"), "{told}");
    calls.answered(1, T.plus_ms(150)).expect("is due");
    let mut left = 0;
    calls.hand_over(T.plus_ms(150), |_, _, left_ms| left = left_ms);
    assert_eq!(left, 50);
}

#[test]
fn the_workers_own_work_has_its_own_time_and_cannot_be_claimed_for_ever() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let mut calls = Calls::default();
    assert!(!calls.idle(T), "what did not begin cannot end");
    calls.busy(100, T);
    assert_eq!(calls.next_deadline(), Some(T.plus_ms(600)));
    push(&mut calls, &reply_queue, "1", 100, T);
    assert_eq!(calls.expire(T.plus_ms(599)), Overdue::Nothing);
    assert_eq!(calls.expire(T.plus_ms(600)), Overdue::Stuck);
    assert!(!calls.busy(100, T.plus_ms(1)), "what goes on is not begun again, and gets no more time");
    assert_eq!(calls.expire(T.plus_ms(600)), Overdue::Stuck);
    for step in 0..12 {
        assert!(calls.idle(T.plus_ms(100 * step)));
        assert!(calls.busy(100, T.plus_ms(100 * step)));
    }
    assert_eq!(calls.expire(T.plus_ms(1200)), Overdue::Stuck, "also in the middle of something");
    assert!(calls.idle(T.plus_ms(1199)));
    assert_eq!(calls.expire(T.plus_ms(1200)), Overdue::Stuck, "an answer was due all the time");
}

#[test]
fn what_we_left_unread_after_a_deadline_is_not_the_vaults_time_but_nobody_talks_for_ever() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let mut calls = Calls::default();
    let call = push(&mut calls, &reply_queue, "1", 100, T);
    calls.excuse(T, T.plus_ms(90), 0);
    assert_eq!(calls.stuck_at(), Some(T.plus_ms(600)), "its time was not over");
    calls.excuse(T.plus_ms(90), T.plus_ms(5_100), 1000);
    assert_eq!(calls.expire(T.plus_ms(5_599)), Overdue::Nothing);
    assert!(sent(&reply_queue).contains("-32004"), "its caller has a deadline all the same");
    calls.excuse(T.plus_ms(5_100), T.plus_ms(9_000), 1001 + UNREAD_BYTES);
    assert_eq!(calls.expire(T.plus_ms(5_600)), Overdue::Stuck);
    assert!(calls.answered(call, T.plus_ms(5_600)).expect("is due").is_none());
    push(&mut calls, &reply_queue, "2", 100, T.plus_ms(6_000));
    assert_eq!(calls.stuck_at(), Some(T.plus_ms(6_600)), "the next has no more time by that");
}

#[test]
fn a_long_call_says_what_it_has_spent_its_time_on_and_whose_it_is() {
    let reply_queue = Arc::new(ReplyQueue::default());
    let mut calls = Calls::default();
    let trace = hauki_contract::system::trace::fresh(false);
    assert_eq!((calls.trace(), calls.long(T)), (None, None));
    let first = push(&mut calls, &reply_queue, "1", 60_000, T);
    let patience = CallWaiter {
        reply: reply(&reply_queue, "2"),
        deadline_ms: 60_000,
        via: Vec::new(),
        trace: hauki_contract::system::trace::open(Some(trace), |_| panic!("nobody listens")),
    };
    let mut second = 0;
    calls.push(VaultRequest::Passing(BorrowedRequest::Stats), patience, T, |call, _, _| second = call);
    assert_eq!((calls.trace(), calls.long(T.plus_ms(999))), (None, None));
    assert!(calls.long(T.plus_ms(1_000)).is_some_and(|long| format!("{long:?}").contains("ran_us: 1000000")));
    calls.answered(first, T.plus_ms(1_000)).expect("is due");
    let handed = handed(&mut calls, T.plus_ms(1_000));
    assert!(second > 0 || !handed.is_empty());
    assert_eq!(calls.trace(), Some(trace));
    let told = format!("{:?}", calls.long(T.plus_ms(1_500)).expect("is long"));
    assert!(
        told.contains("took_us: 1500000, ran_us: 500000") && told.contains("Some(TraceContext"),
        "{told}"
    );
}
