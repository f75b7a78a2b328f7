//! What goes over the wire, and what becomes of both tasks.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::super::message::Incoming;
use super::super::reserved::{CANCEL, Cancel};
use super::tasks::TOGETHER;
use super::*;
use crate::system::tasks::{self, Kind};

const CALLS: u64 = 20;

/// Somebody who listens to nothing.
struct Nobody;

impl Owner for Nobody {
    fn hear(&self, _: String, _: &RawValue) {}

    fn dying(&self, _: &Death) {}

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Task<()> {
        tasks::spawn(Kind::Session, "test", task)
    }
}

fn line(id: u64, params: &str) -> Vec<u8> {
    let mut line = Vec::new();
    write_request(&mut line, Some(id), "work", Some(params));
    line
}

/// Reads until each call was given up, and says which of them before they had come.
async fn gate(stream: tokio::io::DuplexStream) -> Vec<u64> {
    let mut lines = LineReader::new(stream, 1 << 17);
    let (mut called, mut early, mut given_up) = (Vec::new(), Vec::new(), 0);
    while given_up < CALLS {
        let Ok(Some(line)) = lines.next().await else { panic!("it closed") };
        let Incoming::Single(Ok(request)) = Incoming::decode(line) else { panic!("a bad line") };
        match (&*request.method, request.params, request.id) {
            (CANCEL, Some(params), None) => {
                let Cancel { id } = serde_json::from_str(params).expect("names a call");
                let id: u64 = id.get().parse().expect("a number");
                given_up += 1;
                if !called.contains(&id) {
                    early.push(id);
                }
            }
            (_, _, id) => called.push(id.expect("is a call").parse().expect("a number")),
        }
    }
    early
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_word_that_a_call_is_given_up_overtakes_the_call() {
    let (ours, theirs) = tokio::io::duplex(4096);
    let (connection, _greeting) = Connection::start(ours, Nobody, 1 << 17, (0, "{}"), |_| true);
    connection.may_cancel(true);
    let gate = tokio::spawn(gate(theirs));
    let callers = tokio::task::spawn_blocking(move || {
        for id in 1000..1000 + CALLS {
            // Long ones too, beyond which the writer does not look for more.
            let long = format!("[\"{}\"]", "x".repeat(if id % 2 == 0 { TOGETHER } else { 1 }));
            // The writer finds its queue empty and looks for what was given up; a call is sent and given up meanwhile.
            connection.wake();
            connection.given_up().meanwhile(|| {
                std::thread::sleep(Duration::from_millis(20));
                connection.queued(line(id, &long));
                id
            });
            connection.wake();
        }
        connection
    });
    let early = tokio::time::timeout(Duration::from_secs(60), gate).await.expect("all come").expect("ends");
    assert_eq!(early, [0; 0], "came before their calls");
    drop(callers.await);
}

#[tokio::test]
async fn who_holds_too_much_is_told_and_either_tasks_end_ends_the_other() {
    let (ours, mut theirs) = tokio::io::duplex(4096);
    let (connection, _greeting) = Connection::start(ours, Nobody, 1 << 17, (0, "{}"), |held| held < 3000);
    let call = connection.call(1, line(1, "[]")).await.expect("is sent");
    theirs.write_all(&[b' '; 4000]).await.expect("is taken");
    let end = tokio::time::timeout(Duration::from_secs(60), call.answer()).await.expect("is told");
    assert!(matches!(end, Err(End::Heaped)), "{end:?}");
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
    assert!(matches!(end, Err(End::Gone)), "{end:?}");
    assert!(connection.is_closed());
}
