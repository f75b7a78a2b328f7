//! The real static init, driven over its channel as a plain child process.
//!
//! What needs a kernel's name spaces is tested in a real vault; this proves what the init does by
//! itself: protocol, errors, limits, its own filter, and that it dies with its channel. Nothing here
//! depends on how long something takes: ends are awaited.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;

use crate::support::init::{Init, load};
use crate::support::probe::{init_binary, probe_binary};
use hauki::rpc::channel::{FromVault, ToVault, WorkerErrorKind};

const WORKER: &str = "
var count = 0;
function add(a, b) { return a + b }
function tick() { count++; return count }
function boom() {
  throw new Error('boom');
}
function loop() { for (;;) {} }
function deep() { return deep() }
function eat() { var a = []; for (;;) a.push([1]) }
function cycle() { var a = []; a.push(a); return a }
function big(n) { var s = 'x'; while (s.length < n) s += s; return s }
function shout(n) { for (var i = 0; i < n; i++) print('line ' + i); return n }
function tell() { emit('progress', {done: 1}); return null }
function leave() { destruct(this_object()); return 'bye' }
function dest() { print('last words') }
";

#[test]
fn a_worker_is_loaded_called_and_asked_for_its_figures() {
    let mut init = Init::start(&init_binary());
    let Some(FromVault::Ready(ready)) = init.receive() else { panic!("no Ready") };
    assert!(ready.locked);
    assert!(!ready.build.is_empty());
    init.send(&load(WORKER));
    let Some(FromVault::Loaded(loaded)) = init.receive() else { panic!("no Loaded") };
    let methods = ["add", "big", "boom", "cycle", "deep", "eat", "leave", "loop", "shout", "tell", "tick"];
    assert_eq!(loaded.methods, methods);
    assert!(loaded.heap_used_bytes > 0);

    assert_eq!(init.call("add", Some("[1, 2]")).expect("adds"), "3");
    init.send(&ToVault::Stats { call: 5 });
    let Some(FromVault::Stats { call: 5, stats }) = init.receive() else { panic!("no Stats") };
    assert_eq!(stats.calls, 1);
    assert!(stats.heap_used_bytes < stats.heap_limit_bytes && stats.heap_limit_bytes >= 1 << 20);
    assert!(init.close().success());
}

#[test]
fn the_heap_lies_where_a_snapshot_will_look_for_it() {
    let init = Init::loaded(&init_binary(), "function f() {}");
    let base = format!("{:x}-", hauki_lang::engine::FIXED_BASE);
    let maps = init.maps();
    assert!(maps.lines().any(|line| line.starts_with(&base)), "{maps}");
    // Not position-independent: functions have the same addresses in every process of this build.
    let first = maps.split('-').next().and_then(|text| u64::from_str_radix(text, 16).ok());
    assert!(first.is_some_and(|address| address < 0x100_0000), "{maps}");
}

#[test]
fn errors_have_their_kind_and_line_and_the_worker_goes_on() {
    use WorkerErrorKind::*;
    let mut init = Init::loaded(&init_binary(), WORKER);
    let table = [
        ("boom", None, Throw, Some(6)),
        ("cycle", None, Unserializable, None),
        ("deep", None, Stack, Some(9)),
        ("eat", None, Memory, Some(10)),
        ("add", Some("[1"), Params, None),
        ("add", Some("7"), Params, None),
        ("toString", None, NoMethod, None),
        ("dest", None, NoMethod, None),
    ];
    for (turn, (method, params, kind, line)) in table.into_iter().enumerate() {
        let error = init.call(method, params).expect_err(method);
        assert_eq!(error.kind, kind, "{error:?}");
        if line.is_some() {
            assert_eq!(error.line, line, "{error:?}");
            assert_eq!(error.file.as_deref(), Some("workers/w.js"));
        }
        assert_eq!(init.call("tick", None).expect("goes on"), (turn + 1).to_string());
    }
    init.ask(2, "loop", None, 20);
    let Some(FromVault::Error { call: 2, error }) = init.receive() else { panic!("no Error") };
    assert_eq!(error.kind, Deadline);
    assert_eq!(init.call("add", Some("[2, 2]")).expect("goes on"), "4");
}

#[test]
fn results_over_the_frame_limit_are_refused_with_the_limit() {
    let mut init = Init::start(&init_binary());
    init.receive();
    let ToVault::Load(mut limits) = load(WORKER) else { unreachable!() };
    limits.max_frame_bytes = 4096;
    init.send(&ToVault::Load(limits));
    init.receive();
    assert_eq!(init.call("big", Some("[2000]")).expect("fits").len(), 2048 + 2);
    let error = init.call("big", Some("[5000]")).expect_err("does not fit");
    assert_eq!(error.kind, WorkerErrorKind::TooLarge);
    assert!(error.message.contains("4096"), "{}", error.message);
}

#[test]
fn a_load_that_fails_says_where_and_leaves_no_worker() {
    for (source, kind, line) in [
        ("var a;\nvar = 1;", WorkerErrorKind::Syntax, Some(2)),
        ("\nfunction create() { throw new Error('no') }", WorkerErrorKind::Throw, Some(2)),
    ] {
        let mut init = Init::start(&init_binary());
        init.receive();
        init.send(&load(source));
        let Some(FromVault::Error { call: 0, error }) = init.receive() else { panic!("no Error") };
        assert_eq!((error.kind, error.line), (kind, line), "{error:?}");
        assert_eq!(init.call("f", None).expect_err("nothing is loaded").kind, WorkerErrorKind::Protocol);
    }
}

#[test]
fn frames_out_of_turn_are_refused() {
    let mut init = Init::start(&init_binary());
    init.receive();
    assert_eq!(init.call("add", None).expect_err("too early").kind, WorkerErrorKind::Protocol);
    init.send(&load(WORKER));
    init.receive();
    init.send(&load("function other() {}"));
    let Some(FromVault::Error { call: 0, error }) = init.receive() else { panic!("no Error") };
    assert_eq!(error.kind, WorkerErrorKind::Protocol);
    assert_eq!(init.call("tick", None).expect("the first worker stays"), "1");
}

#[test]
fn calls_in_one_write_are_answered_in_order_and_effects_come_before_their_answer() {
    let mut init = Init::loaded(&init_binary(), WORKER);
    let mut bytes = Vec::new();
    for call in 0..500 {
        let (method, caller) = ("tick".to_owned(), String::new());
        ToVault::Call { call, deadline_ms: 60_000, method, caller, params: None }.encode(&mut bytes);
    }
    init.channel().write_all(&bytes).expect("writes");
    for call in 0..500 {
        let value = (call + 1).to_string();
        assert_eq!(init.receive(), Some(FromVault::Result { call, value }));
    }
    init.ask(1, "tell", None, 60_000);
    init.ask(2, "leave", None, 60_000);
    init.send(&ToVault::Dest { deadline_ms: 60_000 });
    let wanted = [
        FromVault::Event { event: "progress".into(), data: r#"{"done":1}"#.into() },
        FromVault::Result { call: 1, value: "null".into() },
        FromVault::Result { call: 2, value: r#""bye""#.into() },
        FromVault::Busy,
        FromVault::Log { text: "last words".into() },
        FromVault::Destruct,
        FromVault::DestDone,
    ];
    for message in wanted {
        assert_eq!(init.receive(), Some(message));
    }
}

#[test]
fn what_is_called_out_runs_while_nobody_calls_and_takes_turns_with_those_who_do() {
    let source = "
var n = 0;
function begin() { call_out('step', 0.01, 'a'); return n }
function step(what) { n++; print(what + n); call_out(step, 0, what) }
function count() { return n }
function loop() { for (;;) {} }
";
    let mut init = Init::loaded(&init_binary(), source);
    assert_eq!(init.call("begin", None).expect("runs"), "0");
    for step in 1..=3 {
        let text = format!("a{step}");
        for message in [FromVault::Busy, FromVault::Log { text }, FromVault::Idle] {
            assert_eq!(init.receive(), Some(message));
        }
    }
    // Between two of its steps, which never end, every call has its turn.
    for call in 1..=20 {
        init.ask(call, "count", None, 60_000);
    }
    let mut answers = 0;
    while answers < 20 {
        match init.receive() {
            Some(FromVault::Result { call, .. }) => {
                answers += 1;
                assert_eq!(call, answers);
            }
            Some(FromVault::Busy | FromVault::Log { .. } | FromVault::Idle) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_frame_may_come_byte_by_byte() {
    let mut init = Init::loaded(&init_binary(), WORKER);
    let mut bytes = Vec::new();
    let (method, caller, params) = ("add".to_owned(), String::new(), Some("[1,1]".to_owned()));
    ToVault::Call { call: 3, deadline_ms: 60_000, method, caller, params }.encode(&mut bytes);
    for byte in bytes {
        init.channel().write_all(&[byte]).expect("writes");
    }
    assert_eq!(init.receive(), Some(FromVault::Result { call: 3, value: "2".into() }));
}

#[test]
fn a_call_whose_deadline_passed_while_it_waited_is_not_begun() {
    let source = "var marks = 0; function spin() { for (;;) {} } function mark() { return ++marks; }";
    let mut init = Init::loaded(&init_binary(), source);
    let mut bytes = Vec::new();
    for (call, method, deadline_ms) in [(1, "spin", 300), (2, "mark", 100), (3, "mark", 60_000)] {
        let (method, caller) = (method.to_owned(), String::new());
        ToVault::Call { call, deadline_ms, method, caller, params: None }.encode(&mut bytes);
    }
    init.channel().write_all(&bytes).expect("writes");
    for (answers, message) in
        [(1, "the deadline passed in spin"), (2, "the deadline passed before the call began")]
    {
        match init.receive() {
            Some(FromVault::Error { call, error }) => {
                assert_eq!((call, error.kind), (answers, WorkerErrorKind::Deadline));
                assert_eq!(error.message, message);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(init.receive(), Some(FromVault::Result { call: 3, value: "1".into() }));
}

#[test]
fn a_call_that_nobody_waits_for_any_more_is_stopped_or_not_begun_and_the_others_are_answered() {
    let source = "var marks = 0; function spin() { for (;;) {} } function mark() { return ++marks; }
        function hold(o) { try { return o->f(); } catch (e) { for (;;) o->f(); } }
        function park(o) { later(o, 'f'); for (;;) {} }
        function take(o, ms) {
          var said = later(o, 'f'), end = performance.now() + ms;
          while (performance.now() < end);
          return said.wait();
        }";
    let mut init = Init::loaded(&init_binary(), source);
    let hour = 3_600_000;
    let stopped = |message: Option<FromVault>| match message {
        Some(FromVault::Error { call, error }) if error.kind == WorkerErrorKind::Deadline => call,
        other => panic!("{other:?}"),
    };
    for (call, method) in [(1, "spin"), (2, "mark"), (3, "mark"), (4, "spin")] {
        init.ask(call, method, None, hour);
    }
    // One that waits, the one that runs, and one that never was.
    for call in [2, 1, 99] {
        init.send(&ToVault::Cancel { call });
    }
    assert_eq!([stopped(init.receive()), stopped(init.receive())], [1, 2]);
    assert_eq!(init.receive(), Some(FromVault::Result { call: 3, value: "1".into() }));
    init.send(&ToVault::Cancel { call: 4 });
    assert_eq!(stopped(init.receive()), 4);
    // One that has been answered, and one that waits for an object and would not hear of its end.
    init.send(&ToVault::Cancel { call: 4 });
    init.ask(5, "hold", Some(r#"[{"$hauki":"object","ref":"o1"}]"#), hour);
    assert!(matches!(init.receive(), Some(FromVault::Ask { .. })));
    init.send(&ToVault::Cancel { call: 5 });
    assert_eq!(stopped(init.receive()), 5);
    // An answer that it does not wait for hides nothing, and is there when it does.
    init.ask(6, "park", Some(r#"[{"$hauki":"object","ref":"o1"}]"#), hour);
    let Some(FromVault::Ask { ask, .. }) = init.receive() else { panic!("no ask") };
    init.send(&ToVault::Answer { ask, value: "7".into() });
    init.send(&ToVault::Cancel { call: 6 });
    assert_eq!(stopped(init.receive()), 6);
    init.ask(7, "take", Some(r#"[{"$hauki":"object","ref":"o1"}, 50]"#), hour);
    let Some(FromVault::Ask { ask, .. }) = init.receive() else { panic!("no ask") };
    init.send(&ToVault::Answer { ask, value: "8".into() });
    assert_eq!(init.receive(), Some(FromVault::Result { call: 7, value: "8".into() }));
    assert_eq!(init.call("mark", None).expect("goes on"), "2");
}

#[test]
fn rubbish_ends_the_init_with_a_reason() {
    let rubbish: [&[u8]; 5] = [
        &u32::MAX.to_le_bytes(),
        &[0; 64],
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x09\0\0\0\x77\0\0\0\0\0\0\0\0",
        b"\x0b\0\0\0\x01\0\0\0\0\0\0\0\0{}",
    ];
    for bytes in rubbish {
        let mut init = Init::start(&init_binary());
        init.receive();
        init.channel().write_all(bytes).expect("writes");
        let Some(FromVault::Error { call: 0, error }) = init.receive() else { panic!("no Error: {bytes:?}") };
        assert_eq!(error.kind, WorkerErrorKind::Protocol);
        assert_eq!(init.wait().code(), Some(1));
    }
}

#[test]
fn half_a_frame_and_then_the_end_is_the_end() {
    let mut init = Init::loaded(&init_binary(), WORKER);
    init.channel().write_all(&[200, 0, 0, 0, 2]).expect("writes");
    assert!(init.close().code().is_some(), "ends by itself");
}

#[test]
fn an_endless_loop_dies_with_the_channel() {
    for source in [WORKER, "function loop() { for (;;) { try { loop() } catch (e) {} } }"] {
        let mut init = Init::loaded(&init_binary(), source);
        init.ask(1, "loop", None, 3_600_000);
        // Only the watchdog can end this; without it the test would not return.
        assert_eq!(init.close().code(), Some(0));
    }
}

#[test]
fn what_is_printed_arrives_while_the_worker_runs() {
    let mut init = Init::loaded(&init_binary(), "function f() { print('now'); for (;;) {} }");
    init.ask(1, "f", None, 3_600_000);
    assert_eq!(init.receive(), Some(FromVault::Log { text: "now".into() }));
}

#[test]
fn a_worker_that_prints_without_end_waits_for_its_reader() {
    let source = "function shout(n) { for (var i = 0; i < n; i++) print('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'); return n }";
    let mut init = Init::loaded(&init_binary(), source);
    init.ask(1, "shout", Some("[200000]"), 3_600_000);
    // Ten megabytes go through an init that holds a heap of one and buffers of a few kilobytes.
    let mut lines = 0;
    loop {
        match init.receive() {
            Some(FromVault::Log { text }) => {
                assert_eq!(text.len(), 32);
                lines += 1;
            }
            Some(FromVault::Result { call: 1, value }) => break assert_eq!(value, "200000"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(lines, 200_000);
    // And one that nobody reads can be ended while it is blocked in its write.
    init.ask(2, "shout", Some("[1000000000]"), 3_600_000);
    assert!(init.close().code().is_some());
}

#[test]
fn long_lines_come_in_pieces() {
    let source = "function f() { var s = 'ä'; while (s.length < 20000) s += s; print(s); print('a\\nb'); return s.length }";
    let mut init = Init::loaded(&init_binary(), source);
    init.ask(1, "f", None, 60_000);
    let mut pieces = Vec::new();
    while let Some(FromVault::Log { text }) = init.receive() {
        assert!(text.len() <= 8192);
        pieces.push(text);
    }
    assert_eq!(pieces.pop().as_deref(), Some("b"));
    assert_eq!(pieces.pop().as_deref(), Some("a"));
    assert_eq!(pieces.concat(), "ä".repeat(32768));
}

/// Every attempt that a broken-out worker could make ends the process with SIGSYS.
#[test]
fn the_filter_kills_whoever_leaves_the_honest_path() {
    let attempts = [
        "read /etc/passwd",
        "write /tmp/hauki-probe",
        "socket unix",
        "socket inet",
        "kill 2",
        "forks 1",
        "threads 1",
        "exec",
        "execmem",
        "memfd",
        "ptrace 2",
        "unshare user",
        "keyctl",
        "bpf",
        "io_uring",
        "perf",
        "identity",
    ];
    for attempt in attempts {
        let mut init = Init::start(&probe_binary());
        let channel = init.channel.take().expect("is open");
        let mut answers = BufReader::new(channel.try_clone().expect("clones"));
        let mut say = |line: &str| {
            writeln!(&channel, "{line}").expect("writes");
            let mut answer = String::new();
            let _ = answers.read_line(&mut answer);
            answer
        };
        assert_eq!(say("lockdown"), "ok\n");
        assert_eq!(say("allocate 2"), "ok\n", "memory can still be had");
        assert_eq!(say(attempt), "", "{attempt} must not be answered");
        assert_eq!(init.wait().signal(), Some(libc::SIGSYS), "{attempt}");
    }
}

/// A crash of the engine is not taken for an attempt at something forbidden.
#[test]
fn a_crash_behind_the_filter_ends_as_what_it_is() {
    for (crash, signal) in [("crash fault", libc::SIGSEGV), ("crash abort", libc::SIGABRT)] {
        let mut init = Init::start(&probe_binary());
        let channel = init.channel.take().expect("is open");
        let mut answer = String::new();
        writeln!(&channel, "lockdown\n{crash}").expect("writes");
        BufReader::new(channel).read_line(&mut answer).expect("reads");
        assert_eq!(answer, "ok\n");
        assert_eq!(init.wait().signal(), Some(signal), "{crash}");
    }
}

/// The copy that `haukid` carries knows which build it is.
#[test]
#[cfg(feature = "daemon")]
fn the_carried_init_is_stamped() {
    let id = hauki_node::init::BUILD;
    assert_eq!(id.len(), 32);
    assert!(hauki_node::init::IMAGE.windows(id.len()).any(|window| window == id.as_bytes()));
}

/// A kernel that takes no filters, as far as the init can tell.
fn refuse_filters() -> std::io::Result<()> {
    let step = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let (load, equal, answer) = (
        libc::BPF_LD | libc::BPF_W | libc::BPF_ABS,
        libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
        libc::BPF_RET | libc::BPF_K,
    );
    let mut program = [
        step(load, 0, 0, 0),
        step(equal, 0, 1, libc::SYS_seccomp as u32),
        step(answer, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EINVAL as u32),
        step(answer, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the program outlives the call, which copies it.
    let result = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}

#[test]
fn an_init_that_cannot_lock_itself_down_says_so_and_reads_nothing() {
    let mut init = Init::start_after(&init_binary(), refuse_filters);
    let Some(FromVault::Error { call: 0, error }) = init.receive() else { panic!("no word of it") };
    assert!(error.message.contains("installing the system call filter"), "{}", error.message);
    assert!(init.receive().is_none());
    assert_eq!(init.close().code(), Some(1));
}
