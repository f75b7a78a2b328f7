//! `hauki proxy listen`: a local endpoint for programs that know nothing of tickets.

use std::convert::Infallible;

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::single;
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::kinds::Listening;
use crate::cli::record::Record;
use crate::cli::{complete, connect, sanitize};
use crate::client::Exit;
use crate::client::ghost::{GhostEvents, ParsedEvent};
use crate::client::relay::{ListenAddress, Listener};

const LISTEN_AFTER: &str = "\
Programs connect and speak JSON-RPC 2.0, one message per line, without TLS and without the ticket: the
session is hauki's, with its heartbeats, and all of them share it. Their ids are kept apart; each gets
the worker's events. Where the connection to the node is lost, a new one is made for as long as the
ticket is valid: calls in flight are answered with error -32020 and never sent again. A program gives up
a call of its own with hauki.cancel and the params {\"id\":ID}; it is answered with error -32009.
64 programs may be connected; the first line of one more is answered with error -32007, and may be tried again.
Calls of many programs take turns; one that leaves more than 1 MiB unread asks for nothing more until it reads.

unix:PATH makes a socket with mode 0600, and the kernel says who connects: this user and root may. A
loopback port can be reached by every user of this machine, and by web pages in their browsers, so the
first line there must be hauki.hello with the token that the record names.

It ends when the vault dies, with the reason and exit code 5, or with Ctrl-C.

Examples:
  hauki proxy listen t.json --listen unix:/run/user/1000/scout.sock
  echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"report\"}' | nc -NU /run/user/1000/scout.sock
  exec 3< <(hauki proxy listen t.json --listen 127.0.0.1:0 -o jsonl)
  read -r place <&3; jq -r .address <<< \"$place\"";

/// Carry a ticket's session for other programs of this machine
#[derive(Debug, Args)]
#[command(after_help = LISTEN_AFTER)]
pub(super) struct ListenArgs {
    /// A file with one ticket, or a vault id
    #[arg(value_name = "TICKET", add = ArgValueCompleter::new(complete::items))]
    ticket: String,
    /// unix:PATH, 127.0.0.1:PORT or [::1]:PORT; port 0 takes a free one
    #[arg(long, value_name = "PLACE")]
    listen: ListenAddress,
}

pub(super) fn run(ctx: &Ctx, args: &ListenArgs) -> Result<Exit, CliError> {
    ctx.block_on(Limit::OnlyIfSet, async {
        let ticket = single(ctx, &args.ticket).await?;
        // Before the ticket is claimed: who cannot listen must not have changed anything.
        let listener = Listener::bind(args.listen.clone())?;
        let ghost = connect::session(ctx, &ticket).await?;
        let listening = Listening {
            vault: ticket.vault.clone(),
            address: listener.place().to_string(),
            token: listener.token().cloned(),
        };
        ctx.out.stream(Record::new(&listening))?;
        let events = ghost.events();
        let serving = listener.serve(ghost);
        let error = tokio::select! {
            error = serving => error,
            never = remark(ctx, events) => match never {},
        };
        Err(connect::explain(ctx, &ticket.vault, error).await)
    })
}

/// Says what becomes of the connection, and nothing else, for as long as it is asked to.
async fn remark(ctx: &Ctx, mut events: GhostEvents) -> Infallible {
    while let Some(event) = events.next().await {
        match event.what() {
            ParsedEvent::Broken { reason } => {
                let reason = sanitize::line(&reason);
                ctx.remark(&format!("{reason}; a new one is being made\n"));
            }
            ParsedEvent::Reconnected { .. } => ctx.remark("the connection is there again\n"),
            _ => {}
        }
    }
    std::future::pending().await
}
