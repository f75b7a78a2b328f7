//! Event loop of one SSH session, non-blocking for its whole life.
//!
//! libssh2 keeps one outgoing packet. While a part of it is unsent, only the call that began it may
//! be repeated, so the loop remembers which that was and waits for the socket before anything else.
//! What reads for one channel may queue packets for another, so each round goes on until nothing
//! moves.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::net::Shutdown;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::{BlockDirections, Channel};

use super::channel_opener::{ChannelOpener, OpenProgress, Transport};
use super::login::Entered;
use super::pipe::{EAGAIN, Pipe, PipeStep};
use super::ssh::{LinkShared, SshTarget};
use super::step_bounds::{self, MOST_HELD, Overstep, StepBounds};
use super::unasked_traffic::UnaskedTraffic;
use hauki_contract::model::lease::Mono;
use hauki_contract::system::clock;

/// More connections than this wait in the listener's queue.
const MOST_PIPES: usize = 64;
/// OpenSSH gives ten shells to a connection (`MaxSessions`).
const MOST_BRIDGES: usize = 8;
/// How often the server is asked for a sign of life.
const BEAT_US: u64 = 2_000_000;
/// What is asked: a wish that no server grants. libssh2 takes its answer in, whereas it keeps each answer to a keepalive
/// of its own until the session ends, and looks through all of them whenever it reads.
const BEAT: &str = "HAUKI_BEAT";
/// libssh2's word for a wish that was not granted.
const DENIED: i32 = -22;
/// Three beats without any sound.
const SILENCE_US: u64 = 6_500_000;
/// How long a server may take to open a channel.
const OPENING_MS: u64 = 10_000;
/// The same for the first one, which is waited for.
const PRESENCE: StepBounds = StepBounds { time: Duration::from_millis(OPENING_MS), bytes: 1024 * 1024 };
/// So much of a channel nobody has read yet, with what it is kept in: libssh2's own window, and a little.
const WINDOW: u64 = 5 << 19;
/// A server that sends without a pause must not keep the loop from everything else.
const ROUND_BYTES: u64 = 4 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub(super) enum SessionLost {
    #[error("the server was silent for {} s", SILENCE_US / 1_000_000)]
    Silent,
    #[error("the server does not say whether the node's socket can be reached")]
    Undecided,
    #[error("the server opens no channel: {0}")]
    Deaf(ssh2::Error),
    #[error("the server opens no channel: {0}")]
    Overstep(Overstep),
    #[error("{0}")]
    Hoard(Overstep),
    #[error("{0}")]
    Broken(io::Error),
}

/// What must be repeated first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Open,
    Up(u64),
    Down(u64),
    Close,
    Listen,
    Beat,
}

pub(super) struct EventLoop<'a> {
    entered: Entered,
    /// A channel that carries nothing: libssh2 hears the server only while it reads from one.
    presence: Channel,
    target: &'a SshTarget,
    listener: &'a UnixListener,
    shared: &'a LinkShared,
    road: Transport,
    pipes: BTreeMap<u64, Pipe>,
    next: u64,
    unasked: UnaskedTraffic,
    /// What clients were given that are gone.
    given: u64,
    /// With the time until which it must be decided.
    opening: Option<(ChannelOpener, Mono)>,
    closing: Vec<Channel>,
    /// The call whose packet is half sent.
    stuck: Option<Call>,
    heard: Mono,
    /// A beat is not answered yet. Nothing is opened meanwhile: libssh2 would take one's answer for the other's.
    beating: bool,
    beaten: Mono,
}

impl Drop for EventLoop<'_> {
    fn drop(&mut self) {
        // libssh2 frees everything only if nothing is left that it could want to send.
        let _ = self.entered.stream.shutdown(Shutdown::Both);
    }
}

impl<'a> EventLoop<'a> {
    pub(super) fn new(
        entered: Entered,
        target: &'a SshTarget,
        listener: &'a UnixListener,
        shared: &'a LinkShared,
    ) -> Result<Self, SessionLost> {
        let opened = PRESENCE.hold(|| entered.session.channel_session());
        let presence = opened.map_err(SessionLost::Overstep)?.map_err(SessionLost::Deaf)?;
        entered.session.set_blocking(false);
        let road = if target.bridge_only { Transport::Bridge } else { Transport::Direct };
        let (pipes, opening, closing, stuck) = Default::default();
        let now = clock::mono();
        let (next, heard, beating, beaten) = (0, now, false, now);
        let (unasked, given) = (UnaskedTraffic::new(now), 0);
        Ok(Self {
            entered,
            presence,
            target,
            listener,
            shared,
            road,
            pipes,
            next,
            unasked,
            given,
            opening,
            closing,
            stuck,
            heard,
            beating,
            beaten,
        })
    }

    /// Until the link is to end, or the session is lost.
    pub(super) fn run(mut self) -> Result<(), SessionLost> {
        loop {
            let bytes = MOST_HELD + WINDOW * self.pipes.len() as u64;
            let (driven, received) = step_bounds::round(ROUND_BYTES, bytes, || self.drive());
            driven?;
            let given = self.pipes.values_mut().map(|pipe| std::mem::take(&mut pipe.taken));
            let given = given.sum::<u64>() + std::mem::take(&mut self.given);
            if self.unasked.came(received, given, clock::mono()) > bytes {
                return Err(SessionLost::Hoard(Overstep::Hoard { bytes }));
            }
            let full = step_bounds::is_full(bytes);
            // What a client has not taken yet stands behind what its pipe holds for it. Nobody will ever take the rest.
            if full && self.stuck.is_none() && !self.pipes.values().any(Pipe::wants_to_write) {
                return Err(SessionLost::Hoard(Overstep::Hoard { bytes }));
            }
            if self.wait(full)? {
                return Ok(());
            }
            let now = clock::mono();
            if now.since(self.heard) > SILENCE_US {
                return Err(SessionLost::Silent);
            }
            if self.opening.as_ref().is_some_and(|(_, until)| now > *until) {
                return Err(SessionLost::Undecided);
            }
        }
    }

    /// Waits for something to do; `true` if the link is to end. Of a session that is full nothing more is read until a
    /// client has taken something of it, and that is not the server's silence.
    fn wait(&mut self, full: bool) -> Result<bool, SessionLost> {
        let mut session = if full { PollFlags::empty() } else { PollFlags::IN };
        if self.stuck.is_some() {
            session |= PollFlags::OUT;
        }
        let accepts = if self.has_room() { PollFlags::IN } else { PollFlags::empty() };
        let stream = self.entered.stream.as_fd();
        let mut waits = vec![
            PollFd::new(&self.shared.stop, PollFlags::IN),
            PollFd::from_borrowed_fd(stream, session),
            PollFd::new(self.listener, accepts),
        ];
        for pipe in self.pipes.values() {
            let mut wanted = PollFlags::empty();
            wanted.set(PollFlags::IN, pipe.wants_to_read());
            wanted.set(PollFlags::OUT, pipe.wants_to_write());
            waits.push(PollFd::new(&pipe.local, wanted));
        }
        let second = Timespec { tv_sec: 1, tv_nsec: 0 };
        match poll(&mut waits, Some(&second)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(SessionLost::Broken(error.into())),
        }
        let (stop, heard) = (!waits[0].revents().is_empty(), !waits[1].revents().is_empty());
        let gone = |wait: &PollFd<'_>| wait.revents().intersects(PollFlags::HUP | PollFlags::ERR);
        let gone: Vec<bool> = waits[3..].iter().map(gone).collect();
        for (pipe, _) in self.pipes.values_mut().zip(gone).filter(|(_, gone)| *gone) {
            pipe.hung_up();
        }
        if heard || (full && self.stuck.is_none()) {
            self.heard = clock::mono();
        }
        Ok(stop)
    }

    fn has_room(&self) -> bool {
        let most = if self.road == Transport::Bridge { MOST_BRIDGES } else { MOST_PIPES };
        self.opening.is_none() && !self.beating && self.pipes.len() + self.closing.len() < most
    }

    /// Everything that can be done without waiting.
    fn drive(&mut self) -> Result<(), SessionLost> {
        if let Some(call) = self.stuck.take() {
            self.call(call)?;
        }
        loop {
            let mut moved = false;
            let ids: Vec<u64> = self.pipes.keys().copied().collect();
            let calls = ids.iter().flat_map(|id| [Call::Up(*id), Call::Down(*id)]);
            for call in [Call::Listen].into_iter().chain(calls).chain([Call::Close, Call::Open, Call::Beat]) {
                if self.stuck.is_some() {
                    return Ok(());
                }
                moved |= self.call(call)? == PipeStep::Moved;
            }
            if !moved {
                return Ok(());
            }
        }
    }

    /// Takes in what the server says outside of the pipes.
    fn listen(&mut self) -> io::Result<PipeStep> {
        let mut nothing = [0; 64];
        match self.presence.read(&mut nothing)? {
            0 if self.presence.eof() => Err(io::ErrorKind::ConnectionAborted.into()),
            0 => Ok(PipeStep::Idle),
            _ => Ok(PipeStep::Moved),
        }
    }

    fn beat(&mut self) -> io::Result<PipeStep> {
        let now = clock::mono();
        if !self.beating && (self.opening.is_some() || now.since(self.beaten) < BEAT_US) {
            return Ok(PipeStep::Idle);
        }
        if !self.beating {
            (self.beating, self.beaten) = (true, now);
        }
        match self.presence.setenv(BEAT, "") {
            Err(error) if error.code() != ssh2::ErrorCode::Session(DENIED) => Err(error.into()),
            _ => {
                self.beating = false;
                Ok(PipeStep::Moved)
            }
        }
    }

    fn call(&mut self, call: Call) -> Result<PipeStep, SessionLost> {
        let result = match call {
            Call::Open => self.open(),
            Call::Close => self.close(),
            Call::Listen => self.listen(),
            Call::Beat => self.beat(),
            Call::Up(id) => self.pipes.get_mut(&id).map_or(Ok(PipeStep::Idle), Pipe::up),
            Call::Down(id) => self.pipes.get_mut(&id).map_or(Ok(PipeStep::Idle), Pipe::down),
        };
        let step = match result {
            Ok(step) => step,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let blocked = self.entered.session.block_directions();
                if matches!(blocked, BlockDirections::Outbound | BlockDirections::Both) {
                    self.stuck = Some(call);
                    return Ok(PipeStep::Idle);
                }
                PipeStep::Idle
            }
            Err(error) => return Err(SessionLost::Broken(error)),
        };
        if let Call::Up(id) | Call::Down(id) = call
            && self.pipes.get(&id).is_some_and(Pipe::is_over)
        {
            self.finish(id);
            return Ok(PipeStep::Moved);
        }
        Ok(step)
    }

    fn finish(&mut self, id: u64) {
        let Some(pipe) = self.pipes.remove(&id) else { return };
        self.given += pipe.taken;
        if pipe.by_bridge && !pipe.spoke {
            let reason = pipe.complaint();
            self.shared.refused(Some(
                reason.unwrap_or_else(|| format!("{} on the node said nothing", self.target.bridge)),
            ));
            // Perhaps the server forwards to sockets by now, or the node's daemon is there again.
            self.road = if self.target.bridge_only { Transport::Bridge } else { Transport::Direct };
        }
        self.closing.push(pipe.into_channel());
    }

    fn open(&mut self) -> io::Result<PipeStep> {
        let (opening, until) = match self.opening.take() {
            Some(both) => both,
            None if !self.has_room() => return Ok(PipeStep::Idle),
            None => match self.listener.accept() {
                Ok((local, _)) => {
                    local.set_nonblocking(true)?;
                    (ChannelOpener::new(local, self.road), clock::mono().plus_ms(OPENING_MS))
                }
                // Nobody is there, or this process has no descriptor left: later.
                Err(_) => return Ok(PipeStep::Idle),
            },
        };
        match opening.go_on(&self.entered.session, self.target) {
            OpenProgress::Yes(local, channel, road) => {
                if road == Transport::Direct {
                    self.shared.refused(None);
                }
                self.road = road;
                self.pipes.insert(self.next, Pipe::new(local, channel, road == Transport::Bridge));
                self.next += 1;
                Ok(PipeStep::Moved)
            }
            OpenProgress::NotYet(opening) => {
                self.opening = Some((opening, until));
                Err(io::ErrorKind::WouldBlock.into())
            }
            OpenProgress::No(reason) => {
                self.shared.refused(Some(reason));
                Ok(PipeStep::Moved)
            }
        }
    }

    /// Channels are freed only after the server has closed them too: freeing is not repeated.
    fn close(&mut self) -> io::Result<PipeStep> {
        let before = self.closing.len();
        let mut stuck = false;
        let session = &self.entered.session;
        self.closing.retain_mut(|channel| {
            if stuck {
                return true;
            }
            match channel.close() {
                Err(error) if error.code() == ssh2::ErrorCode::Session(EAGAIN) => {
                    let blocked = session.block_directions();
                    stuck = matches!(blocked, BlockDirections::Outbound | BlockDirections::Both);
                    true
                }
                _ => false,
            }
        });
        if stuck {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(if self.closing.len() < before { PipeStep::Moved } else { PipeStep::Idle })
    }
}
