//! Process: from the order on the command line to the client's end, and the end of all that it made.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use hauki_client::Exit;
use hauki_client::error::with_causes;
use hauki_client::mcp_order::McpOrder;
use hauki_contract::strict::{self, DocumentLimits};
use rmcp::service::serve_server;
use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::watch;

use crate::server::AgentServer;
use crate::session::AgentSession;
use crate::stdio::StdioTransport;

/// Of the order: a list of invitations is the longest part of it.
const MOST_ORDER: usize = 1 << 20;

/// What the destruction of what is still there may take; who is linked dies of this process's end in any case.
const CLEAN_UP: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
enum ProcessError {
    #[error("hauki-mcp is started by `hauki mcp`, with one argument that it makes")]
    Unordered,
    #[error("the order cannot be read: hauki and hauki-mcp are not of one build")]
    Order(#[source] strict::StrictError),
    #[error("hauki is {theirs}, and hauki-mcp {}: install them of one build", env!("CARGO_PKG_VERSION"))]
    Foreign { theirs: String },
    #[error("failed to start the runtime")]
    Runtime(#[source] std::io::Error),
    #[error("the client does not begin as the protocol has it")]
    Greeting(#[source] Box<rmcp::service::ServerInitializeError>),
}

impl ProcessError {
    fn exit(&self) -> Exit {
        match self {
            Self::Unordered => Exit::Usage,
            Self::Order(_) | Self::Foreign { .. } => Exit::Config,
            Self::Runtime(_) => Exit::Io,
            Self::Greeting(_) => Exit::Data,
        }
    }
}

/// The whole of `hauki-mcp`.
#[must_use]
pub fn run() -> ExitCode {
    match order().and_then(serve) {
        Ok(()) => Exit::Ok.into(),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {}", with_causes(&error));
            error.exit().into()
        }
    }
}

fn order() -> Result<McpOrder, ProcessError> {
    let words: Vec<String> = std::env::args_os().skip(1).filter_map(|word| word.into_string().ok()).collect();
    let [text] = words.as_slice() else { return Err(ProcessError::Unordered) };
    let order: McpOrder =
        strict::from_str(text, DocumentLimits::bytes(MOST_ORDER)).map_err(ProcessError::Order)?;
    if order.version != env!("CARGO_PKG_VERSION") {
        return Err(ProcessError::Foreign { theirs: order.version });
    }
    Ok(order)
}

/// Until nobody can read standard output any more, which the kernel tells of pipes: a client that was killed. On a thread of
/// its own, which the end of this process does not wait for.
async fn unread() {
    let waiting = tokio::task::spawn_blocking(|| {
        let output = std::io::stdout();
        // An error is told whether or not it is asked for.
        let mut fds = [PollFd::new(&output, PollFlags::empty())];
        rustix::io::retry_on_intr(|| poll(&mut fds, None)).is_ok()
    });
    if !waiting.await.unwrap_or(false) {
        std::future::pending().await
    }
}

fn serve(order: McpOrder) -> Result<(), ProcessError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(ProcessError::Runtime)?;
    let ended = runtime.block_on(async {
        let (gone, is_gone) = watch::channel(false);
        let session = Arc::new(AgentSession::new(order, is_gone));
        let transport = StdioTransport::new(tokio::io::stdin(), tokio::io::stdout(), unread(), gone);
        let ended = match serve_server(AgentServer::new(session.clone()), transport).await {
            Ok(running) => {
                // How it ended is nothing that anybody could be told.
                let _ = running.waiting().await;
                Ok(())
            }
            // A client that came and went.
            Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => Ok(()),
            Err(error) => Err(ProcessError::Greeting(Box::new(error))),
        };
        let _ = tokio::time::timeout(CLEAN_UP, session.end()).await;
        ended
    });
    // A thread that reads standard input must not hold up the end.
    runtime.shutdown_background();
    ended
}
