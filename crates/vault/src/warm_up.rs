//! Warm-up: what a load and a call touch is touched before there is one.
//!
//! A process that has just begun runs everything for the first time: pages of the program come into its page table one
//! by one, and the allocator gets its first memory. A blank vault waits anyway, so it does that meanwhile, with a worker
//! of its own that nobody sees, in a heap that is gone afterwards. It costs ten times what it saves the load, so whoever
//! is waited for, or wanted soon, is not rehearsed for: see [`AFTER_MS`].

use hauki_contract::rpc::channel::{FromVault, Load, Loaded, ToVault, encode_result};
use hauki_lang::engine::{Deadline, Engine, LEAST_HEAP_BYTES, MapAddress, Memory, SourceForm, WorkerCall};

use super::channel::InitChannel;

/// From the Ready to the rehearsal. An order that waits for its vault to start sends its load sooner; and where starts
/// follow each other, so that a blank is taken as soon as it is there, the next of them has the processor.
pub(crate) const AFTER_MS: u32 = 50;

/// What it may take.
pub(crate) const BUDGET_MS: u32 = 100;

/// A bit of what workers are made of.
const WORKER: &str = "\
var seen = {}, n = 0;
function create(first) { seen.first = first || null; }
function add(a) { n += a.by * 1.5; seen['k' + n] = [a, 'x', true]; return { n: n, keys: Object.keys(seen).length }; }
function text(s) { return s.toUpperCase() + JSON.stringify(seen); }
";

/// `None` if something did not work, which tells nobody anything: it is told where it matters.
pub(crate) fn rehearse(link: &mut InitChannel, budget_ms: u32) -> Option<()> {
    let load = Load {
        source: WORKER.to_owned(),
        file: "rehearsal.js".to_owned(),
        args: r#"[{"a":[1,2.5,"b"]}]"#.to_owned(),
        heap_bytes: LEAST_HEAP_BYTES as u64,
        deadline_ms: budget_ms,
        max_frame_bytes: 64 * 1024,
        seed: 1,
        vault: String::new(),
        fetch: false,
    };
    let mut frames = Vec::new();
    ToVault::Load(Box::new(load)).encode(&mut frames);
    let Ok(Some((ToVault::Load(load), _))) = ToVault::decode(&frames, frames.len()) else { return None };
    let deadline = Deadline::after_ms(budget_ms);
    // Not where the worker's will be: what is remembered of a heap is remembered by its address.
    let memory = Memory::map(MapAddress::Anywhere, load.heap_bytes).ok()?;
    let mut engine = Engine::new(memory, load.seed, &load.vault, SourceForm::Plain).ok()?;
    let methods = engine.load(link, &load.source, &load.file, &load.args, deadline).ok()?.to_vec();
    let mut answers = Vec::new();
    FromVault::Loaded(Loaded { methods, heap_used_bytes: engine.heap_used() }).encode(&mut answers);
    for (method, params) in [("add", r#"{"by":2}"#), ("text", r#"["é"]"#)] {
        let call = WorkerCall { method, params: Some(params), caller: "", deadline };
        encode_result(&mut answers, 1, &engine.call(link, call).ok()?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read as _};
    use std::os::unix::net::UnixStream;

    use rustix::fd::{AsRawFd as _, BorrowedFd};

    use super::*;

    #[test]
    fn all_of_it_works_and_nothing_is_said_or_left() {
        let (ours, mut theirs) = UnixStream::pair().expect("is a pair");
        // SAFETY: it is open until the end of this test, and so is the link.
        let mut link = InitChannel::new(unsafe { BorrowedFd::borrow_raw(ours.as_raw_fd()) });
        let _workers = Memory::map(MapAddress::Fixed, LEAST_HEAP_BYTES as u64).expect("is free");
        for _ in 0..2 {
            assert_eq!(rehearse(&mut link, 60_000), Some(()));
        }
        link.flush();
        theirs.set_nonblocking(true).expect("is a socket");
        let silent = theirs.read(&mut [0]).map_err(|error| error.kind());
        assert_eq!(silent, Err(ErrorKind::WouldBlock));
    }
}
