//! Who may speak on the control socket: the kernel says who the peer is, the configuration who may.

use std::convert::Infallible;

use axum::Json;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::serve::IncomingStream;
use tokio::net::UnixListener;

use crate::api::peer::Peer;
use crate::api::{ApiError, ErrorCode};

/// Absent where the kernel would not say: such a peer may do nothing.
#[derive(Debug, Clone)]
pub struct Caller(Option<Peer>);

impl Connected<IncomingStream<'_, UnixListener>> for Caller {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let peer = stream.io().peer_cred().ok().map(|credentials| Peer {
            uid: credentials.uid(),
            pid: credentials.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0),
        });
        Self(peer)
    }
}

#[derive(Debug, Clone)]
pub struct Allowed {
    uids: Vec<u32>,
}

impl Allowed {
    /// Root, whoever the daemon runs as, and those of the configuration.
    #[must_use]
    pub fn new(configured: &[u32]) -> Self {
        let mut uids = vec![0, rustix::process::geteuid().as_raw()];
        uids.extend_from_slice(configured);
        Self { uids }
    }
}

/// Lets the allowed through, with their [`Peer`] as an extension of the request.
pub async fn check(
    State(allowed): State<Allowed>,
    ConnectInfo(Caller(peer)): ConnectInfo<Caller>,
    mut request: Request,
    next: Next,
) -> Result<Response, Infallible> {
    let Some(peer) = peer.filter(|peer| allowed.uids.contains(&peer.uid)) else {
        let error = ApiError::new(ErrorCode::Denied, "this user may not use this haukid")
            .hint("root may; others are listed in daemon.allow_uids of the configuration");
        return Ok((StatusCode::FORBIDDEN, Json(error)).into_response());
    };
    request.extensions_mut().insert(peer);
    Ok(next.run(request).await)
}
