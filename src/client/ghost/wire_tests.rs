use std::time::Duration;

use super::*;
use crate::rpc::message::Incoming;
use crate::rpc::reserved::{CANCEL, Cancel};

const CALLS: u64 = 20;

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
    let listeners = Arc::new(Listeners::default());
    let (wire, _greeting) = Wire::start(ours, VaultId::mint(1, 1), 1 << 17, listeners, "{}");
    wire.may_cancel(true);
    let gate = tokio::spawn(gate(theirs));
    let callers = tokio::task::spawn_blocking(move || {
        for id in 1000..1000 + CALLS {
            // Long ones too, beyond which the writer does not look for more.
            let long = format!("[\"{}\"]", "x".repeat(if id % 2 == 0 { TOGETHER } else { 1 }));
            let line = wire.line(Some(id), "work", Some(&long)).expect("fits");
            // The writer finds its queue empty and looks for what was given up; a call is sent and given up meanwhile.
            wire.wake();
            wire.shared.given_up.meanwhile(|| {
                std::thread::sleep(Duration::from_millis(20));
                wire.tasks.lines.try_send(line).expect("has room");
                id
            });
            wire.wake();
        }
        wire
    });
    let early = tokio::time::timeout(Duration::from_secs(60), gate).await.expect("all come").expect("ends");
    assert_eq!(early, [0; 0], "came before their calls");
    drop(callers.await);
}
