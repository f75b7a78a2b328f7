//! A vault that was taken over: in the init's place, it does what an init does until a worker is loaded,
//! and then says one thing without end, as fast as its channel takes it. The worker's source says which:
//! `empty` or `long` lines, lines of a `megabyte`, `events`, or the beginning and end of work.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::FromRawFd;

use hauki_contract::rpc::channel::{CHANNEL_FD, FromVault, Loaded, MAX_LINE, ToVault, WorkerReady};

fn main() {
    // SAFETY: the sandbox passes the channel as this descriptor, and nothing else here owns it.
    let mut channel = unsafe { File::from_raw_fd(CHANNEL_FD) };
    let mut out = Vec::new();
    FromVault::Ready(WorkerReady { build: "flood".into(), locked: true }).encode(&mut out);
    if channel.write_all(&out).is_err() {
        return;
    }
    let (mut input, mut chunk) = (Vec::new(), [0; 4096]);
    let source = loop {
        match ToVault::decode(&input, 1 << 24) {
            Ok(Some((ToVault::Load(load), _))) => break load.source,
            Ok(None) => {}
            _ => return,
        }
        match channel.read(&mut chunk) {
            Ok(count) if count > 0 => input.extend_from_slice(&chunk[..count]),
            _ => return,
        }
    };
    out.clear();
    FromVault::Loaded(Loaded { methods: vec!["f".into()], heap_used_bytes: 0 }).encode(&mut out);
    if channel.write_all(&out).is_err() {
        return;
    }
    out.clear();
    while out.len() < 1 << 16 {
        let frames = match source.split_whitespace().nth(1) {
            Some("empty") => vec![FromVault::Log { text: String::new() }],
            Some("long") => vec![FromVault::Log { text: "x".repeat(MAX_LINE) }],
            Some("megabyte") => vec![FromVault::Log { text: "x".repeat(1 << 20) }],
            Some("events") => vec![FromVault::Event { event: "e".into(), data: "1".into() }],
            _ => vec![FromVault::Busy, FromVault::Idle],
        };
        frames.iter().for_each(|frame| frame.encode(&mut out));
    }
    while channel.write_all(&out).is_ok() {}
}
