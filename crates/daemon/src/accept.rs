//! Accept loop of the control socket: the kernel says who the peer is, and that is asked before a byte is read.
//!
//! Whoever is not listed gets one word and is gone, so that he holds nothing of ours. Those who are listed may
//! hold so many connections each, and all but root so many together: descriptors are everybody's. A
//! connection on which no request comes, or the head of one does not end, or whose peer reads nothing of its answer,
//! has a deadline.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::UnixStream;
use tokio::net::unix::UCred;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::slow_reader::Unread;
use super::state_dir::{ControlSocket, SocketPlace};
use hauki_contract::api::peer::Peer;
use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::error_chain;

/// How long a peer is waited for: what is unread, as long as at the gate.
const PATIENCE: Patience = Patience { head: Duration::from_secs(30), unread: Duration::from_secs(30) };
/// One user's, root's aside, and all such users'.
const EACH: usize = 128;
const ALL: usize = 512;
/// Root's bound is that of descriptors.
const ROOT: u32 = 0;
/// How often it is seen that the socket's file is gone.
const LOOK: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
struct Patience {
    /// From one request to the next, and for a head.
    head: Duration,
    /// For an answer of which nothing is read.
    unread: Duration,
}

#[derive(Debug, Default)]
struct Guests {
    counts: Mutex<HashMap<u32, usize>>,
}

/// The users who may come in.
#[derive(Debug)]
pub(crate) struct Listed {
    users: Vec<u32>,
    admins: Vec<u32>,
}

impl Listed {
    /// Root and whoever the daemon runs as may do all, and so may the configuration's `admins`; its `users` may do
    /// what concerns nobody else.
    #[must_use]
    pub(crate) fn new(users: &[u32], admins: &[u32]) -> Self {
        let admins = [&[ROOT, rustix::process::geteuid().as_raw()], admins].concat();
        Self { users: users.to_vec(), admins }
    }

    fn peer(&self, credentials: UCred) -> Option<Peer> {
        let uid = credentials.uid();
        let admin = self.admins.contains(&uid);
        let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
        (admin || self.users.contains(&uid)).then_some(Peer { uid, pid, admin })
    }
}

/// A place, until it is dropped.
struct ConnectionPermit {
    guests: Arc<Guests>,
    uid: u32,
}

impl Guests {
    fn place(self: &Arc<Self>, uid: u32) -> Option<ConnectionPermit> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let others: usize = counts.iter().filter(|(uid, _)| **uid != ROOT).map(|(_, count)| count).sum();
        let own = counts.get(&uid).copied().unwrap_or_default();
        if uid != ROOT && (own >= EACH || others >= ALL) {
            return None;
        }
        counts.insert(uid, own + 1);
        Some(ConnectionPermit { guests: Arc::clone(self), uid })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut counts = self.guests.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.uid);
            }
        }
    }
}

/// Serves until `stop` becomes true, and then until what is open has been answered. The socket is given back as soon
/// as nobody new is wanted.
pub(crate) async fn serve(
    socket: ControlSocket,
    router: Router,
    listed: Listed,
    mut closing: watch::Receiver<bool>,
    stop: watch::Receiver<bool>,
) {
    let guests = Arc::<Guests>::default();
    let mut open = JoinSet::new();
    let mut pause = Duration::from_millis(5);
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut socket = socket;
    let mut hidden = false;
    loop {
        let stream = tokio::select! {
            accepted = socket.listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Out of descriptors, mostly: give others time to close some.
                Err(error) => {
                    tracing::warn!(error = error_chain::told(&error), "failed to accept at the control socket");
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    continue;
                }
            },
            _ = looks.tick() => {
                let seen = socket.restore();
                match &seen {
                    Ok(SocketPlace::Anew) => {
                        tracing::warn!("the control socket's file was removed; it is there again");
                    }
                    // Once, and not twice a second.
                    Ok(SocketPlace::Anothers) if !hidden => tracing::error!(
                        "something else stands in the control socket's place, so nobody finds it: move that away, and \
                         the socket is made again"
                    ),
                    Ok(SocketPlace::Anothers | SocketPlace::There) => {}
                    Err(error) => tracing::error!("the control socket's file was removed: {error}"),
                }
                hidden = matches!(seen, Ok(SocketPlace::Anothers));
                continue;
            }
            () = is_true(&mut closing) => break,
            Some(_) = open.join_next() => continue,
        };
        pause = Duration::from_millis(5);
        // Where the kernel does not say who it is, nobody is let in.
        let Some(peer) = stream.peer_cred().ok().and_then(|credentials| listed.peer(credentials)) else {
            let error = ApiError::new(ErrorCode::Denied, "this user may not use this haukid")
                .hint("root may; others are listed in daemon.allow_uids of the configuration");
            turn_away(&stream, "403 Forbidden", &error);
            continue;
        };
        match guests.place(peer.uid) {
            Some(place) => {
                drop(open.spawn(attend(stream, (peer, place), router.clone(), PATIENCE, stop.clone())))
            }
            None => {
                let error = ApiError::new(ErrorCode::Temporary, "this user has too many connections here")
                    .hint("close some, or try again");
                turn_away(&stream, "503 Service Unavailable", &error);
            }
        }
    }
    drop(socket);
    while open.join_next().await.is_some() {}
}

async fn attend(
    stream: UnixStream,
    (peer, place): (Peer, ConnectionPermit),
    router: Router,
    patience: Patience,
    mut stop: watch::Receiver<bool>,
) {
    let _place = place;
    let routes = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        routes.call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience.head);
    // Nobody reads its date, and where the clock is beyond what HTTP can write it would panic.
    http.auto_date_header(false);
    let mut connection =
        std::pin::pin!(http.serve_connection(TokioIo::new(Unread::new(stream, patience.unread)), service));
    tokio::select! {
        // What went wrong on it, its peer knows.
        _ = connection.as_mut() => return,
        () = is_true(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Also when there is nobody left to say so.
async fn is_true(word: &mut watch::Receiver<bool>) {
    drop(word.wait_for(|word| *word).await);
}

/// One word without waiting for anything; a peer that does not take it goes without.
fn turn_away(stream: &UnixStream, status: &str, error: &ApiError) {
    let body = serde_json::to_string(error).unwrap_or_default();
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    let _ = stream.try_write(answer.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As hauki-uah-api(7) says of what never becomes a request.
    #[tokio::test]
    async fn what_is_no_http_is_answered_by_a_bare_status() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let headers = |count: usize| {
            let headers: String = (0..count).map(|number| format!("h{number}: x\r\n")).collect();
            format!("GET / HTTP/1.1\r\n{headers}\r\n")
        };
        for (sent, status) in [
            ("no words of HTTP\r\n\r\n".to_owned(), "400"),
            (headers(200), "431"),
            (format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000)), "414"),
        ] {
            let guests = Arc::<Guests>::default();
            let (mut client, server) = UnixStream::pair().expect("a pair");
            let peer = Peer { uid: 0, pid: 1, admin: true };
            let (_stop, stopped) = watch::channel(false);
            let place = guests.place(0).expect("is free");
            let served = tokio::spawn(attend(server, (peer, place), Router::new(), PATIENCE, stopped));
            client.write_all(sent.as_bytes()).await.expect("writes");
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.expect("reads");
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert!(answer.contains("content-length: 0\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
            served.await.expect("ends");
        }
    }

    #[test]
    fn users_have_bounds_of_their_own_and_together_and_root_has_none() {
        let guests = Arc::<Guests>::default();
        let take = |uid| (0..2 * ALL).map_while(|_| guests.place(uid)).collect::<Vec<_>>();
        let one = take(1);
        assert_eq!(one.len(), EACH);
        let others: Vec<_> = (2..10).map(take).collect();
        assert_eq!(one.len() + others.iter().map(Vec::len).sum::<usize>(), ALL);
        assert_eq!(take(ROOT).len(), 2 * ALL);
        drop(one);
        assert!(guests.place(1).is_some() && guests.place(11).is_some());
        drop(others);
        assert!(guests.counts.lock().expect("is whole").is_empty());
    }

    #[tokio::test]
    async fn whoever_reads_nothing_of_an_endless_answer_loses_his_place() {
        use axum::routing::get;
        use tokio::io::AsyncWriteExt as _;

        let endless = || async {
            Body::from_stream(futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![7_u8; 4096])))
        };
        let router = Router::new().route("/", get(endless));
        let (ours, mut theirs) = UnixStream::pair().expect("a pair");
        theirs.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("writes");
        let guests = Arc::<Guests>::default();
        let place = guests.place(1).expect("there is room");
        let peer = Peer { uid: 1, pid: 1, admin: false };
        let (_keep, stop) = watch::channel(false);
        let patience = Patience { unread: Duration::from_millis(200), ..PATIENCE };
        attend(ours, (peer, place), router, patience, stop).await;
        assert!(guests.counts.lock().expect("is whole").is_empty());
    }

    /// Whoever says nothing, whose head does not end however much of it comes, and who has been answered.
    #[tokio::test]
    async fn who_does_not_finish_a_head_loses_his_place() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        const ASKED: &str = "GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n";
        let patience = Patience { head: Duration::from_millis(300), ..PATIENCE };
        for (sent, status) in [("", ""), ("GET / HTTP/1.1\r\nhost: x\r\n", ""), (ASKED, "HTTP/1.1 404 ")] {
            let guests = Arc::<Guests>::default();
            let (client, server) = UnixStream::pair().expect("a pair");
            let peer = Peer { uid: 1, pid: 1, admin: false };
            let (_stop, stopped) = watch::channel(false);
            let place = guests.place(1).expect("is free");
            let served = tokio::spawn(attend(server, (peer, place), Router::new(), patience, stopped));
            let (mut reads, mut writes) = client.into_split();
            writes.write_all(sent.as_bytes()).await.expect("writes");
            let is_unfinished = !sent.is_empty() && !sent.ends_with("\r\n\r\n");
            let goes_on = async {
                // A letter now and then is no reason to wait any longer.
                while is_unfinished && writes.write_all(b"a").await.is_ok() {
                    sleep(Duration::from_millis(50)).await;
                }
                std::future::pending::<()>().await;
            };
            let mut answer = Vec::new();
            let ended = async {
                let _ = reads.read_to_end(&mut answer).await;
                served.await.expect("ends");
            };
            tokio::select! {
                () = goes_on => {}
                ended = tokio::time::timeout(PATIENCE.head / 2, ended) => ended.expect("his place is kept"),
            }
            let answer = String::from_utf8(answer).expect("is text");
            assert!(
                answer.starts_with(status) && answer.is_empty() == status.is_empty(),
                "{sent:?}: {answer}"
            );
            assert!(guests.counts.lock().expect("is whole").is_empty(), "{sent:?}");
        }
    }
}
