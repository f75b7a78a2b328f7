//! A caller in a process of its own, which can be stopped and killed: this program again, with
//! `--owner TICKET`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hauki::client::ghost::{Ghost, GhostOptions};
use hauki::model::lease::Mono;
use hauki::model::ticket::Ticket;
use hauki_contract::system::clock;
use rustix::process::Signal;

use crate::support::daemon::signal;

pub(crate) const WORD: &str = "--owner";

/// Claims the ticket, calls once, says when that was, and is silent from then on.
#[allow(clippy::print_stdout, reason = "its parent reads it")]
pub(crate) async fn own(path: &str) {
    let text = std::fs::read_to_string(path).expect("a ticket");
    let ticket: Ticket = serde_json::from_str(&text).expect("a ticket");
    let options = GhostOptions { beat: false, ..GhostOptions::default() };
    let ghost = Ghost::connect(&ticket, options).await.expect("connects");
    let called_at = clock::mono();
    ghost.call("echo", None).await.expect("answers");
    println!("{}", called_at.0);
    std::future::pending().await
}

pub(crate) struct Owner {
    child: Child,
    /// The node heard it at this time or a little later, and never again.
    pub called_at: Mono,
}

impl Owner {
    pub(crate) fn start(dir: &Path, ticket: &Ticket) -> Self {
        let path = dir.join(format!("{}.json", ticket.id));
        std::fs::write(&path, serde_json::to_string(ticket).expect("is text")).expect("is ours");
        let program = std::env::current_exe().expect("is known");
        let mut child = Command::new(program)
            .arg(WORD)
            .arg(&path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("is a pipe")).read_line(&mut line).expect("is open");
        std::fs::remove_file(&path).expect("is ours");
        Self { child, called_at: Mono(line.trim().parse().expect("a time")) }
    }

    /// Its connection stays open and nothing comes any more.
    pub(crate) fn stop(&self) {
        signal(self.child.id(), Signal::STOP);
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("is ours");
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.child.kill().expect("is ours");
        self.child.wait().expect("was ours");
    }
}
