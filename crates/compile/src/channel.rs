//! Channel, the compiler's end: blocking, bounded, one order at a time.
//!
//! When the channel ends, nobody is left for whom anything could be done: the process ends at once.

use hauki_contract::rpc::channel;
use hauki_contract::rpc::compile::{CompileOrder, FromCompiler, ImportWish, ToCompiler};
use rustix::buffer::spare_capacity;
use rustix::fd::BorrowedFd;
use rustix::io::Errno;

use super::graph::ModuleText;

/// The longest order.
const LONGEST: usize = 16 << 20;

const BUFFER: usize = 64 * 1024;

/// What the process ends with when the other end breaks the rules.
const PROTOCOL: i32 = 76;

pub(crate) struct CompilerChannel {
    channel: BorrowedFd<'static>,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl CompilerChannel {
    pub(crate) fn new(channel: BorrowedFd<'static>) -> Self {
        Self { channel, input: Vec::with_capacity(BUFFER), output: Vec::new() }
    }

    /// The next source, with its number.
    pub(crate) fn order(&mut self) -> (u64, String, CompileOrder) {
        match self.next() {
            (number, ToCompiler::Compile { source, order }) => (number, source, order),
            _ => leave(PROTOCOL),
        }
    }

    /// What a module imports.
    pub(crate) fn import(&mut self, number: u64, wish: ImportWish) -> Result<ModuleText, String> {
        self.send(number, &FromCompiler::Import(wish));
        match self.next() {
            (_, ToCompiler::Module { head, text }) => {
                Ok(ModuleText { name: head.name, kind: head.kind, text })
            }
            (_, ToCompiler::NoModule(why)) => Err(why),
            (_, ToCompiler::Compile { .. }) => leave(PROTOCOL),
        }
    }

    fn next(&mut self) -> (u64, ToCompiler) {
        loop {
            match ToCompiler::decode(&self.input, LONGEST) {
                Ok(Some((number, message, used))) => {
                    self.input.drain(..used);
                    return (number, message);
                }
                Ok(None) => self.read(),
                Err(_) => leave(PROTOCOL),
            }
        }
    }

    pub(crate) fn send(&mut self, number: u64, message: &FromCompiler) {
        message.encode(&mut self.output, number);
        let mut written = 0;
        while written < self.output.len() {
            match rustix::io::write(self.channel, &self.output[written..]) {
                Ok(count) => written += count,
                Err(Errno::INTR) => {}
                Err(_) => leave(0),
            }
        }
        self.output = Vec::new();
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
}

fn leave(status: i32) -> ! {
    // SAFETY: `_exit` takes a number and ends the process; there is nothing to unwind for.
    unsafe { libc::_exit(status) }
}
