//! Channel, the runner's end: blocking, bounded, one request at a time.
//!
//! When the channel ends, nobody is left for whom anything could be done: the process ends at once, also
//! from within the engine.

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;

use hauki_contract::rpc::channel::{self, OVERHEAD};
use hauki_contract::rpc::script::{EfunAnswer, FromRunner, ToRunner, encode_efun};
use hauki_lang::engine::Deadline;

/// The longest frame before [`ToRunner::Begin`]; sources are bounded by it.
const FIRST_LIMIT: usize = 16 << 20;

const BUFFER: usize = 64 * 1024;

/// A buffer that has grown beyond this is given back.
const KEPT: usize = 4 * BUFFER;

/// How often a program that computes is asked whether it may go on.
const LOOK_MS: u32 = 10;

/// What the process ends with when the other end breaks the rules.
const PROTOCOL: i32 = 76;

pub(crate) struct RunnerChannel {
    channel: BorrowedFd<'static>,
    /// What has been read and not yet handled.
    input: Vec<u8>,
    output: Vec<u8>,
    limit: usize,
    /// The number of the request that is worked on.
    number: u64,
    /// That it is to end.
    stopped: bool,
    look_at: Deadline,
}

impl RunnerChannel {
    pub(crate) fn new(channel: BorrowedFd<'static>) -> Self {
        let (input, output, look_at) = (Vec::with_capacity(BUFFER), Vec::new(), Deadline::after_ms(0));
        Self { channel, input, output, limit: FIRST_LIMIT, number: 0, stopped: false, look_at }
    }

    /// From now on a text may be as long as the heap.
    pub(crate) fn limit_payload(&mut self, bytes: usize) {
        self.limit = FIRST_LIMIT.max(bytes.saturating_add(OVERHEAD));
    }

    /// The next request. What is left over from the last one is passed over: a stop that came too late.
    pub(crate) fn request(&mut self) -> ToRunner {
        loop {
            match self.next() {
                (_, ToRunner::Stop) => {}
                (number, request) => {
                    (self.number, self.stopped) = (number, false);
                    self.look_at = Deadline::after_ms(LOOK_MS);
                    return request;
                }
            }
        }
    }

    /// Carries an efun out of here and its answer in.
    pub(crate) fn ask<'a>(&mut self, words: impl Iterator<Item = &'a str>) -> EfunAnswer {
        if self.stopped {
            return EfunAnswer::Stop;
        }
        encode_efun(&mut self.output, self.number, words);
        self.flush();
        loop {
            match self.next() {
                // The answer to the efun comes all the same.
                (number, ToRunner::Stop) => self.stopped |= number == self.number,
                (number, ToRunner::Answer(answer)) if number == self.number => {
                    self.stopped |= answer == EfunAnswer::Stop;
                    return if self.stopped { EfunAnswer::Stop } else { answer };
                }
                _ => leave(PROTOCOL),
            }
        }
    }

    /// Whether the program that runs must end. Looks at the channel now and then.
    pub(crate) fn is_stopped(&mut self) -> bool {
        if !self.stopped && self.look_at.passed() {
            self.look_at = Deadline::after_ms(LOOK_MS);
            self.look();
        }
        self.stopped
    }

    fn look(&mut self) {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        match poll(&mut [PollFd::new(&self.channel, PollFlags::IN)], Some(&now)) {
            Ok(0) | Err(Errno::AGAIN | Errno::INTR) => return,
            // Whatever else it says, the read says it again.
            Ok(_) | Err(_) => {}
        }
        let mut head = [0; 64];
        match rustix::io::read(self.channel, &mut head) {
            Ok(0) => leave(0),
            Ok(read) => self.input.extend_from_slice(&head[..read]),
            Err(Errno::AGAIN | Errno::INTR) => return,
            Err(_) => leave(0),
        }
        while let Some((number, message)) = self.decoded() {
            match message {
                ToRunner::Stop => self.stopped |= number == self.number,
                // While a program computes there is nothing else to say.
                _ => leave(PROTOCOL),
            }
        }
    }

    /// The answer to the request.
    pub(crate) fn send(&mut self, number: u64, message: &FromRunner) {
        message.encode(&mut self.output, number);
        self.flush();
    }

    pub(crate) fn done(&mut self, message: &FromRunner) {
        self.send(self.number, message);
    }

    fn next(&mut self) -> (u64, ToRunner) {
        loop {
            if let Some(message) = self.decoded() {
                return message;
            }
            self.read();
        }
    }

    fn decoded(&mut self) -> Option<(u64, ToRunner)> {
        match ToRunner::decode(&self.input, self.limit) {
            Ok(None) => None,
            Ok(Some((number, message, used))) => {
                self.input.drain(..used);
                if self.input.is_empty() && self.input.capacity() > KEPT {
                    self.input = Vec::with_capacity(BUFFER);
                }
                Some((number, message))
            }
            Err(_) => leave(PROTOCOL),
        }
    }

    fn read(&mut self) {
        // The length of the frame has been accepted.
        let whole = channel::length(&self.input).unwrap_or(BUFFER);
        self.input.reserve_exact(whole.saturating_sub(self.input.len()).max(BUFFER));
        match rustix::io::read(self.channel, spare_capacity(&mut self.input)) {
            Ok(0) => leave(0),
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => leave(0),
        }
    }

    fn flush(&mut self) {
        let mut written = 0;
        while written < self.output.len() {
            match rustix::io::write(self.channel, &self.output[written..]) {
                Ok(count) => written += count,
                Err(Errno::INTR) => {}
                Err(_) => leave(0),
            }
        }
        self.output.clear();
        self.output.shrink_to(KEPT);
    }
}

fn leave(status: i32) -> ! {
    // SAFETY: `_exit` takes a number and ends the process; there is nothing to unwind for.
    unsafe { libc::_exit(status) }
}
