//! Calls a worker through its ticket:
//! `hauki clone examples/workers/scout.js --out t.json && cargo run --example ghost t.json`

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

use std::path::Path;
use std::time::Duration;

use hauki::client::ghost::{Ghost, GhostOptions, ParsedEvent};
use hauki::model::ticket::Ticket;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Report {
    total: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: ghost TICKET")?;
    println!("{}", call(path.as_ref()).await?);
    Ok(())
}

pub(crate) async fn call(ticket: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let ticket: Ticket = serde_json::from_str(&std::fs::read_to_string(ticket)?)?;
    let scout = Ghost::connect(&ticket, GhostOptions::default()).await?;

    // What the worker prints and emits comes as a stream, here to a task of its own.
    let mut events = scout.events();
    let listener = tokio::spawn(async move {
        let mut told = 0;
        while let Some(event) = events.next().await {
            match event.what() {
                ParsedEvent::Log { text } => eprintln!("it says: {text}"),
                ParsedEvent::Emitted { event, data } => eprintln!("it emits {event}: {}", data.get()),
                ParsedEvent::Broken { reason } => eprintln!("{reason}; a new connection is being made"),
                _ => continue,
            }
            told += 1;
        }
        told
    });

    // Arguments and results have types. Calls run at the same time without further ado.
    let (one, two) = tokio::try_join!(
        scout.call_typed::<u32>("observe", &[["a", "b"]]),
        scout.call_typed::<u32>("observe", &[["c"]]),
    )?;
    let report: Report = scout.call_typed("report", &()).await?;
    assert_eq!(report.total, one.max(two));

    // A call that nobody waits for any more is dropped, and the connection goes on.
    let hasty = tokio::time::timeout(Duration::from_millis(1), scout.call("report", None)).await;
    eprintln!("{}", if hasty.is_ok() { "that was quick" } else { "that took too long" });

    // A refusal has a code that a program can branch on.
    let refused = scout.call("nothing", None).await.expect_err("there is no such method");
    assert_eq!(refused.code(), "method_not_found");

    let receipt = scout.destruct(Duration::ZERO).await?;
    Ok(format!("{} seen, {} told, {}", report.total, listener.await?, receipt.death.cause.describe()))
}
