//! Request handler: one request of a program, answered.

use std::future::ready;

use futures_util::future::BoxFuture;
use serde_json::value::to_raw_value;
use tokio::sync::oneshot;

use super::fair_queue::ProgramQueue;
use crate::ghost::{CallNumber, Ghost};
use hauki_contract::rpc::builtin::{HELLO, Hello, OFFER, Welcome, feature};
use hauki_contract::rpc::message::{Invalid, Request, RpcError, code, write_error, write_result};
use hauki_contract::system::trace;

/// The reply to one request; nothing to a notification.
pub(super) fn one<'a>(
    (ghost, program): (&'a Ghost, &'a ProgramQueue),
    number: CallNumber,
    request: Result<Request<'_>, Invalid>,
    stopped: oneshot::Receiver<()>,
) -> BoxFuture<'a, Vec<u8>> {
    let (method, params, id, own) = match request {
        // What only gates say is no program's to say.
        Ok(Request { method, params, id, nested: _, trace }) => {
            (method.into_owned(), params.map(str::to_owned), id.map(str::to_owned), trace)
        }
        Err(invalid) => {
            let mut line = Vec::new();
            let id = invalid.id.clone();
            write_error(&mut line, id.as_deref(), &invalid.into());
            return Box::pin(ready(line));
        }
    };
    Box::pin(async move {
        let mut line = Vec::new();
        let Some(id) = id else {
            // Nobody is there to be told, and the gate has been greeted.
            if method != HELLO && method != OFFER {
                let _ = ghost.notify(&method, params.as_deref()).await;
            }
            return line;
        };
        let answer = if method == HELLO {
            if let Some(fault) = Hello::fault(params.as_deref().unwrap_or("{}")) {
                write_error(&mut line, Some(&id), &RpcError::new(code::INVALID_PARAMS, fault));
                return line;
            }
            // The session is open already: whoever greets it is welcome.
            let welcome = ghost.welcome().await;
            welcome.map(|welcome| to_raw_value(&shared(welcome)).expect("a welcome has string keys"))
        } else if method == OFFER {
            // What is asked of it would come to all programs of the session, and so would its tools.
            let message =
                "programs that share a session offer nothing: take a ticket, and connect to its node";
            write_error(&mut line, Some(&id), &RpcError::new(code::METHOD_NOT_FOUND, message));
            return line;
        } else {
            // Dropping the call gives it up.
            let call = async {
                let _turn = program.turn().await;
                let call = ghost.call_as(number, &method, params.as_deref());
                match own {
                    Some(own) => trace::within(own, call).await,
                    None => call.await,
                }
            };
            tokio::select! {
                answer = call => answer,
                Ok(()) = stopped => {
                    let error = RpcError::new(code::CANCELLED, "the call was given up");
                    write_error(&mut line, Some(&id), &error);
                    return line;
                }
            }
        };
        match answer {
            Ok(result) => write_result(&mut line, &id, result.get()),
            Err(error) => write_error(&mut line, Some(&id), &error.to_rpc()),
        }
        line
    })
}

/// What a node can, as far as programs that share a session can.
fn shared(welcome: &Welcome) -> Welcome {
    let mut welcome = welcome.clone();
    welcome.features.retain(|name| name != feature::OFFER);
    welcome
}

/// The replies of a batch in one line; nothing where all were notifications.
pub(super) fn array(answers: &[Vec<u8>]) -> Vec<u8> {
    let mut line = Vec::new();
    for answer in answers.iter().filter(|answer| !answer.is_empty()) {
        line.push(if line.is_empty() { b'[' } else { b',' });
        line.extend_from_slice(answer);
    }
    if !line.is_empty() {
        line.push(b']');
    }
    line
}
