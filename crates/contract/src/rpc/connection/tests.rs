//! What goes over the wire, and what becomes of both tasks.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::super::builtin::{CANCEL, Cancel};
use super::super::message::Incoming;
use super::tasks::TOGETHER;
use super::*;
use crate::system::tasks::{self, TaskKind};

const CALLS: u64 = 20;

/// Somebody who listens to nothing.
struct Nobody;

impl Owner for Nobody {
    fn hear(&self, _: String, _: &RawValue) {}

    fn dying(&self, _: &Death) {}

    fn asked(&self, _: GateOrder<'_>, _: &AnswerSink) {}

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Task<()> {
        tasks::spawn(TaskKind::Session, "test", task)
    }
}

fn line(id: u64, params: &str) -> Vec<u8> {
    let mut line = Vec::new();
    write_request(&mut line, Some(id), "work", Some(params));
    line
}

/// What a gate is sent.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    Call(u64),
    GivenUp(u64),
}

async fn came(lines: &mut LineReader<impl AsyncRead + Unpin>) -> Came {
    let Ok(Some(line)) = lines.next().await else { panic!("it closed") };
    let Incoming::Single(Ok(request)) = Incoming::decode(line) else { panic!("a bad line") };
    match (&*request.method, request.params, request.id) {
        (CANCEL, Some(params), None) => {
            let Cancel { id } = serde_json::from_str(params).expect("names a call");
            Came::GivenUp(id.get().parse().expect("a number"))
        }
        (_, _, id) => Came::Call(id.expect("is a call").parse().expect("a number")),
    }
}

/// Reads until the last call has come and each before it that came was given up. Says which were so before they had
/// come, or came after.
async fn gate(stream: tokio::io::DuplexStream, last: u64) -> Vec<u64> {
    let mut lines = LineReader::new(stream, 1 << 17);
    let (mut called, mut given_up, mut early) = (Vec::new(), Vec::new(), Vec::new());
    while !called.contains(&last) || given_up.len() + 2 < called.len() {
        match came(&mut lines).await {
            Came::GivenUp(id) => {
                given_up.push(id);
                if !called.contains(&id) {
                    early.push(id);
                }
            }
            Came::Call(id) => called.push(id),
        }
    }
    early
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_word_that_a_call_is_given_up_overtakes_the_call() {
    let (ours, theirs) = tokio::io::duplex(4096);
    let (connection, _greeting) = Connection::start(ours, Nobody, 1 << 17, (0, "{}"), |_| true);
    connection.may_cancel(true);
    let gate = tokio::spawn(gate(theirs, 1000 + CALLS));
    let callers = tokio::task::spawn_blocking(move || {
        for id in 1000..1000 + CALLS {
            // Long ones too, beyond which the writer does not look for more.
            let long = format!("[\"{}\"]", "x".repeat(if id % 2 == 0 { TOGETHER } else { 1 }));
            // The writer finds its queue empty and looks for what was given up; a call is sent and given up meanwhile.
            connection.wake();
            connection.given_up().meanwhile(|| {
                std::thread::sleep(Duration::from_millis(20));
                connection.queued(id, line(id, &long));
                id
            });
            connection.wake();
        }
        connection.queued(1000 + CALLS, line(1000 + CALLS, "[]"));
        connection
    });
    let early = tokio::time::timeout(Duration::from_secs(60), gate).await.expect("all come").expect("ends");
    assert_eq!(early, [0; 0], "came before their calls");
    drop(callers.await);
}

/// A connection whose writer is held up by its hello, as long as nobody reads.
fn held_up<S>(stream: S) -> (Connection<Nobody>, Greeting)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let hello = format!("[\"{}\"]", "x".repeat(1000));
    Connection::start(stream, Nobody, 1 << 17, (0, &hello), |_| true)
}

#[tokio::test]
async fn a_call_that_is_given_up_before_it_was_sent_is_not_sent() {
    // Whether the gate listens to what is given up, or is not known to yet.
    for heard in [Some(true), Some(false), None] {
        let (ours, theirs) = tokio::io::duplex(64);
        let (connection, _greeting) = held_up(ours);
        if let Some(heard) = heard {
            connection.may_cancel(heard);
        }
        tokio::task::yield_now().await;
        let first = connection.call(1, line(1, "[]")).await.expect("is queued");
        let sent = connection.call(2, line(2, "[]")).await.expect("is queued");
        let second = connection.call(3, line(3, "[]")).await.expect("is queued");
        drop((first, second));
        let mut lines = LineReader::new(theirs, 1 << 17);
        assert_eq!([came(&mut lines).await, came(&mut lines).await], [Came::Call(0), Came::Call(2)]);
        // Of what was sent the gate is told, and of nothing else.
        drop(sent);
        connection.may_cancel(heard != Some(false));
        if heard != Some(false) {
            assert_eq!(came(&mut lines).await, Came::GivenUp(2));
        }
        let _last = connection.call(4, line(4, "[]")).await.expect("is queued");
        assert_eq!(came(&mut lines).await, Came::Call(4));
    }
}

#[tokio::test]
async fn what_was_not_sent_when_nothing_could_be_sent_any_more_may_be_sent_elsewhere() {
    let (_silent, input) = tokio::io::duplex(64);
    let (output, theirs) = tokio::io::duplex(64);
    let (connection, greeting) = held_up(tokio::io::join(input, output));
    tokio::task::yield_now().await;
    let queued = connection.call(1, line(1, "[]")).await.expect("is queued");
    drop(theirs);
    // At once, while the gate may still say why.
    assert!(matches!(queued.answer().await, Err(Unsent)));
    assert!(!connection.shared.has_ended() && connection.is_closed());
    assert!(matches!(connection.call(2, line(2, "[]")).await, Err(Unsent)));
    assert_eq!(connection.waiting(), 1, "the hello's");
    // Its reason is that of what may have been sent.
    let end = tokio::time::timeout(Duration::from_secs(60), greeting.answer(&connection)).await;
    assert!(matches!(end, Ok(Err(ConnectionEnd::Write(_)))), "{end:?}");
}

#[tokio::test]
async fn the_end_of_the_writer_alone_is_told_as_well() {
    let (ours, _theirs) = tokio::io::duplex(4096);
    let (connection, _greeting) = Connection::start(ours, Nobody, 1 << 17, (0, "{}"), |_| true);
    let call = connection.call(1, line(1, "[]")).await.expect("is queued");
    let [_, writer] = connection.shared.tasks.get().expect("are there");
    writer.cancel();
    let end = tokio::time::timeout(Duration::from_secs(60), call.answer()).await.expect("is told");
    assert!(matches!(end, Ok(Err(ConnectionEnd::Gone))), "{end:?}");
}

#[tokio::test]
async fn who_holds_too_much_is_told_and_either_tasks_end_ends_the_other() {
    let (ours, mut theirs) = tokio::io::duplex(4096);
    let (connection, _greeting) = Connection::start(ours, Nobody, 1 << 17, (0, "{}"), |held| held < 3000);
    let call = connection.call(1, line(1, "[]")).await.expect("is sent");
    theirs.write_all(&[b' '; 4000]).await.expect("is taken");
    let end = tokio::time::timeout(Duration::from_secs(60), call.answer()).await.expect("is told");
    assert!(matches!(end, Ok(Err(ConnectionEnd::Heaped))), "{end:?}");
    assert!(connection.is_closed() && connection.call(2, line(2, "[]")).await.is_err());
    // The writer has gone as well, and with both the stream.
    tokio::time::timeout(Duration::from_secs(60), async {
        let mut rest = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut theirs, &mut rest).await.expect("reads");
    })
    .await
    .expect("is closed although the handle lives");
}

#[tokio::test]
async fn who_waits_hears_that_the_tasks_were_ended_from_outside() {
    let (ours, _theirs) = tokio::io::duplex(4096);
    let (connection, _greeting) = Connection::start(ours, Nobody, 1 << 17, (0, "{}"), |_| true);
    let call = connection.call(1, line(1, "[]")).await.expect("is sent");
    let [reader, _] = connection.shared.tasks.get().expect("are there");
    reader.cancel();
    let end = tokio::time::timeout(Duration::from_secs(60), call.answer()).await.expect("is told");
    assert!(matches!(end, Ok(Err(ConnectionEnd::Gone))), "{end:?}");
    assert!(connection.is_closed());
}
