//! Channel, the init's end: blocking, bounded, and batched.
//!
//! Replies gather while complete frames wait in the buffer and leave with one write before the next
//! blocking read. What a worker prints leaves earlier, from the engine's interrupt handler, and a write
//! blocks: a worker that prints a gigabyte goes at the gate's pace and needs no memory for it.

mod host;

use std::collections::VecDeque;
use std::io;

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;

use hauki_contract::rpc::channel::{
    FrameError, FromVault, GATE_OVERHEAD, Said, ToVault, WorkerError, encode_result,
};
use hauki_lang::engine::Deadline;

/// The longest [`ToVault::Load`]: before it, the worker's own limit is not known.
pub(crate) const LOAD_LIMIT: usize = 16 * 1024 * 1024;

const BUFFER: usize = 64 * 1024;

/// A buffer that has grown beyond this is given back.
const KEPT: usize = 4 * BUFFER;

/// Gathered output is written when it is longer than this.
const GATHER: usize = 32 * 1024;

/// The answer to a call that took longer waits for no other.
const GATHER_MS: u32 = 5;

/// How often a call that runs for long is asked whether anybody still waits for it.
const LOOK_MS: u32 = 10;

/// So much of the answers that a call has not asked for yet is taken in before it does.
const PARKED: usize = BUFFER;

#[derive(Debug, thiserror::Error)]
pub(crate) enum InitChannelError {
    #[error("reading the channel")]
    Read(#[source] io::Error),
    #[error("writing to the channel")]
    Write(#[source] io::Error),
    #[error("the gate sent a broken frame")]
    Frame(#[from] FrameError),
}

/// What the main loop does next.
pub(crate) enum NextInput {
    Message(ToVault),
    /// The time that was given has come.
    Due,
    /// The gate has closed the channel.
    End,
}

/// A call of an object that is under way.
struct Asked {
    number: u64,
    method: String,
}

pub(crate) struct InitChannel {
    channel: BorrowedFd<'static>,
    /// What has been read; from `start` on it is not yet handled.
    input: Vec<u8>,
    start: usize,
    limit: usize,
    /// When that was read, and when the message came that is worked on.
    read_at: Deadline,
    came_at: Deadline,
    output: Vec<u8>,
    /// What came while the worker ran or waited for an object, and when. The gate hands over little of
    /// what waits behind a call.
    deferred: VecDeque<(Deadline, ToVault)>,
    /// Answers that came while the worker did not wait for them, and their bytes.
    parked: VecDeque<(u64, Said)>,
    parked_bytes: usize,
    /// The call that is worked on, when it began, when to look whether it still matters, and whether it
    /// does not.
    current: Option<u64>,
    began_at: Deadline,
    look_at: Deadline,
    cancelled: bool,
    /// The number of the last ask.
    asked: u64,
    /// Those that the gate has not answered.
    open: Vec<Asked>,
    /// The worker wants its own end, which comes after the answer that it works on.
    destructs: bool,
    /// A write failed; everything after it is dropped, and the next read tells the main loop.
    broken: Option<Errno>,
}

impl InitChannel {
    pub(crate) fn new(channel: BorrowedFd<'static>) -> Self {
        let input = Vec::with_capacity(BUFFER);
        let (limit, output, deferred) = (LOAD_LIMIT, Vec::new(), VecDeque::new());
        let (now, parked, current, cancelled) = (Deadline::after_ms(0), VecDeque::new(), None, false);
        let (asked, open, destructs, broken) = (0, Vec::new(), false, None);
        Self {
            channel,
            input,
            start: 0,
            limit,
            read_at: now,
            came_at: now,
            output,
            deferred,
            parked,
            parked_bytes: 0,
            current,
            began_at: now,
            look_at: now,
            cancelled,
            asked,
            open,
            destructs,
            broken,
        }
    }

    /// From now on no frame is longer than a payload of so many bytes needs.
    pub(crate) fn limit_payload(&mut self, max_frame_bytes: u32) {
        self.limit = max_frame_bytes as usize + GATE_OVERHEAD;
    }

    /// The longest payload that the gate accepts.
    pub(crate) fn payload_limit(&self) -> usize {
        self.limit - GATE_OVERHEAD
    }

    /// Counts from when the message came that is worked on: those that waited behind another have less left.
    pub(crate) fn deadline(&self, milliseconds: u32) -> Deadline {
        self.came_at.plus_ms(milliseconds)
    }

    /// What comes next. A message that is there goes before a time that has come, so that a worker's own
    /// plans never keep a caller waiting twice.
    pub(crate) fn next(&mut self, due: Option<Deadline>) -> Result<NextInput, InitChannelError> {
        if let Some((came_at, message)) = self.deferred.pop_front() {
            self.came_at = came_at;
            return Ok(NextInput::Message(message));
        }
        loop {
            if let Some((message, used)) = ToVault::decode(&self.input[self.start..], self.limit)? {
                self.start += used;
                if let ToVault::Answer { ask, .. } | ToVault::Refusal { ask, .. } = message {
                    // Of a run that did not wait for it.
                    self.close(ask);
                    continue;
                }
                if let ToVault::Cancel { .. } = message {
                    // It has been answered.
                    continue;
                }
                self.came_at = self.read_at;
                return Ok(NextInput::Message(message));
            }
            self.flush();
            if let Some(error) = self.broken {
                return Err(InitChannelError::Write(error.into()));
            }
            // Also without a time to keep: a wait inside `read` is woken once more for room to write, when
            // the gate takes what was sent, and the gate's thread is put aside for it in every call.
            if !self.readable_before(due) {
                return Ok(NextInput::Due);
            }
            if self.read()? == 0 {
                return Ok(NextInput::End);
            }
        }
    }

    /// Whether nothing has come that is not handled, not even the beginning of a frame.
    pub(crate) fn is_silent(&self) -> bool {
        self.start == self.input.len()
    }

    /// Whether the gate owed this answer.
    fn close(&mut self, ask: u64) -> bool {
        let at = self.open.iter().position(|asked| asked.number == ask);
        at.map(|at| self.open.swap_remove(at)).is_some()
    }

    /// The next answer to an open ask, or `None` when the deadline has passed.
    fn said(&mut self, deadline: Option<Deadline>) -> Result<Option<(u64, Said)>, InitChannelError> {
        loop {
            self.sort(usize::MAX)?;
            while let Some((ask, said)) = self.parked.pop_front() {
                if self.close(ask) {
                    return Ok(Some((ask, said)));
                }
            }
            if self.cancelled {
                return Ok(None);
            }
            if !self.readable_before(deadline) {
                return Ok(None);
            }
            if self.read()? == 0 {
                return Err(InitChannelError::Read(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// Puts what has been read where it belongs. `false`: there is more, for which there is no room.
    fn sort(&mut self, room: usize) -> Result<bool, InitChannelError> {
        if self.parked.is_empty() {
            self.parked_bytes = 0;
        }
        while let Some((message, used)) = ToVault::decode(&self.input[self.start..], self.limit)? {
            let (ask, said) = match message {
                ToVault::Answer { ask, value } => (ask, Ok(value)),
                ToVault::Refusal { ask, error } => (ask, Err(error)),
                ToVault::Cancel { call } => {
                    self.start += used;
                    self.cancel(call);
                    continue;
                }
                other => {
                    self.start += used;
                    self.deferred.push_back((self.read_at, other));
                    continue;
                }
            };
            if self.parked_bytes >= room {
                return Ok(false);
            }
            self.start += used;
            self.parked_bytes += used;
            self.parked.push_back((ask, said));
        }
        Ok(true)
    }

    fn cancel(&mut self, cancelled: u64) {
        self.cancelled |= self.current == Some(cancelled);
        for (_, waiting) in &mut self.deferred {
            if let ToVault::Call { call, deadline_ms, .. } = waiting
                && *call == cancelled
            {
                *deadline_ms = 0;
            }
        }
    }

    /// A call begins, which may be called off.
    pub(crate) fn begin(&mut self, call: u64) {
        self.began_at = Deadline::after_ms(0);
        (self.current, self.look_at) = (Some(call), self.began_at.plus_ms(LOOK_MS));
    }

    pub(crate) fn end(&mut self) {
        (self.current, self.cancelled) = (None, false);
        // Nobody takes these any more.
        for (ask, _) in std::mem::take(&mut self.parked) {
            self.close(ask);
        }
    }

    /// Takes in what has come, without waiting.
    fn look(&mut self) -> Result<(), InitChannelError> {
        while self.sort(PARKED)? && self.readable_before(Some(Deadline::after_ms(0))) {
            if self.read()? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Waits for something to read, or for its end.
    fn readable_before(&self, deadline: Option<Deadline>) -> bool {
        loop {
            let left = deadline.map(Deadline::left_us);
            let limit = left.map(|us| Timespec {
                tv_sec: i64::try_from(us / 1_000_000).unwrap_or(i64::MAX),
                tv_nsec: (us % 1_000_000 * 1000) as _,
            });
            match poll(&mut [PollFd::new(&self.channel, PollFlags::IN)], limit.as_ref()) {
                Ok(0) if left == Some(0) => return false,
                Ok(0) | Err(Errno::INTR | Errno::AGAIN) => {}
                // Whatever else poll says, the next read says it again.
                Ok(_) | Err(_) => return true,
            }
        }
    }

    fn read(&mut self) -> Result<usize, InitChannelError> {
        self.make_room();
        loop {
            match rustix::io::read(self.channel, spare_capacity(&mut self.input)) {
                Ok(count) => {
                    self.read_at = Deadline::after_ms(0);
                    return Ok(count);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.wait(PollFlags::IN),
                // A peer that died with unread replies resets the pair: the end, like any other.
                Err(Errno::CONNRESET) => return Ok(0),
                Err(error) => return Err(InitChannelError::Read(error.into())),
            }
        }
    }

    /// The buffer grows only for a frame whose length has been accepted, and shrinks after it.
    fn make_room(&mut self) {
        self.input.drain(..self.start);
        self.start = 0;
        if self.input.len() == self.input.capacity() {
            let longest = (self.limit + 4).max(BUFFER);
            let more = self.input.capacity().min(longest.saturating_sub(self.input.len()));
            self.input.reserve_exact(more.max(1));
        } else if self.input.is_empty() && self.input.capacity() > KEPT {
            self.input = Vec::with_capacity(BUFFER);
        }
    }

    pub(crate) fn send(&mut self, message: &FromVault) {
        message.encode(&mut self.output);
        self.gather();
    }

    pub(crate) fn send_result(&mut self, call: u64, value: &str) {
        encode_result(&mut self.output, call, value);
        self.answered();
    }

    pub(crate) fn send_error(&mut self, call: u64, error: WorkerError) {
        FromVault::Error { call, error }.encode(&mut self.output);
        self.answered();
    }

    /// Answers to quick calls leave together; nobody waits for a slow one's.
    fn answered(&mut self) {
        if self.began_at.plus_ms(GATHER_MS).passed() {
            self.flush();
        }
        self.gather();
    }

    /// Whether the worker has asked for its own end since the last time that this was asked.
    pub(crate) fn take_destruct(&mut self) -> bool {
        std::mem::take(&mut self.destructs)
    }

    fn gather(&mut self) {
        if self.output.len() > GATHER {
            self.flush();
        }
    }

    /// Writes what has gathered; blocks until the gate has taken it.
    pub(crate) fn flush(&mut self) {
        let mut written = 0;
        while written < self.output.len() && self.broken.is_none() {
            match rustix::io::write(self.channel, &self.output[written..]) {
                Ok(count) => written += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.wait(PollFlags::OUT),
                Err(error) => self.broken = Some(error),
            }
        }
        self.output.clear();
        self.output.shrink_to(KEPT);
    }

    fn wait(&self, interest: PollFlags) {
        // Whatever poll says, the next read or write says it again.
        let _ = poll(&mut [PollFd::new(&self.channel, interest)], None);
    }
}
