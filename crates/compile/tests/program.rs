//! The compiler as the program that it is: what it may do, and what hostile sources do to it, which is one bounded end.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};

use hauki_contract::rpc::compile::{CompileOrder, FromCompiler, ToCompiler};

/// As `hauki` has it.
const MOST_BYTES: u64 = 1280 << 20;

const LIMIT: usize = 1 << 30;

struct Program {
    child: Child,
    channel: UnixStream,
    input: Vec<u8>,
}

impl Program {
    fn start() -> Self {
        let (channel, theirs) = UnixStream::pair().expect("a pair");
        let child = Command::new(env!("CARGO_BIN_EXE_hauki-compile"))
            .arg(MOST_BYTES.to_string())
            .env_clear()
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("runs");
        let mut this = Self { child, channel, input: Vec::new() };
        let ready = this.next().expect("says that it is ready");
        assert!(
            matches!(&ready, FromCompiler::Ready(ready) if ready.version == env!("CARGO_PKG_VERSION")),
            "{ready:?}"
        );
        this
    }

    /// Its next word, or nothing if it has ended.
    fn next(&mut self) -> Option<FromCompiler> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            if let Some((_, message, used)) = FromCompiler::decode(&self.input, LIMIT).expect("is a frame") {
                self.input.drain(..used);
                return Some(message);
            }
            match self.channel.read(&mut buffer) {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.input.extend_from_slice(&buffer[..read]),
            }
        }
    }

    fn ask(&mut self, source: &str) -> Option<FromCompiler> {
        let mut bytes = Vec::new();
        let order = CompileOrder { file: "f.js".into(), ..CompileOrder::default() };
        ToCompiler::Compile { source: source.into(), order }.encode(&mut bytes, 1);
        // One that has ended does not read on.
        let _ = self.channel.write_all(&bytes);
        self.next()
    }

    fn ends(mut self) -> ExitStatus {
        drop(self.channel);
        self.child.wait().expect("ends")
    }
}

#[test]
fn it_has_nothing_but_its_channel() {
    let mut program = Program::start();
    let proc = |file: &str| format!("/proc/{}/{file}", program.child.id());
    let tasks = fs::read_dir(proc("task")).expect("is shown");
    for task in tasks {
        let status = fs::read_to_string(task.expect("is shown").path().join("status")).expect("is shown");
        for line in ["Seccomp:\t2", "NoNewPrivs:\t1"] {
            assert!(status.contains(line), "{line} is not in {status}");
        }
    }
    let mut open: Vec<String> = fs::read_dir(proc("fd"))
        .expect("is shown")
        .map(|entry| {
            let to = fs::read_link(entry.expect("is shown").path()).expect("is open").display().to_string();
            to.split(':').next().unwrap_or_default().to_owned()
        })
        .collect();
    open.sort();
    assert_eq!(open, ["/dev/null", "/dev/null", "/dev/null", "socket"]);
    let limits = fs::read_to_string(proc("limits")).expect("is shown");
    for (name, wanted) in [
        ("Max address space", MOST_BYTES),
        ("Max processes", 0),
        ("Max file size", 0),
        ("Max core file size", 0),
    ] {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).expect("is a limit");
        assert_eq!(line.split_whitespace().next(), Some(wanted.to_string().as_str()), "{name}");
    }
    for (source, wanted) in
        [("class A {}", true), ("class {}", false), ("export const f = async () => 1", true)]
    {
        match program.ask(source) {
            Some(FromCompiler::Compiled { .. }) => assert!(wanted, "{source}"),
            Some(FromCompiler::Refused(faults)) => assert!(!wanted && !faults.is_empty(), "{source}"),
            other => panic!("{source}: {other:?}"),
        }
    }
    assert_eq!(program.ends().code(), Some(0));
}

/// What a pass asks of the system once, it has asked before the filter was there, whatever the first source is.
#[test]
fn any_source_may_be_the_first() {
    for source in [
        "export const f = (a) => { if (a) return 1; return 2; };",
        "let a = 1; { let a = 2; f(a); } f(a);",
        "export const add = (item, n = 1) => { if (n < 1) throw new RangeError(`${n}`); return g.add(item, n); };",
        "class A { #a = 1; b() { let a = this.#a; for (const x of a) { const a = x; f(() => a); } return a; } }",
        "async function f(a) { for await (const b of a) { try { await b; } catch { return 1; } } return 2; }",
        "function* g() { const a = yield 1; { const a = yield 2; } return a; }",
        "switch (a) { case 1: let b = 1; f(b); break; default: f(/a/u, 2 ** a, a ?? b); }",
        "const { a, ...b } = c, [d = 1, ...e] = f; export { a, b, d as g, e };",
    ] {
        let mut program = Program::start();
        let said = program.ask(source);
        assert!(matches!(said, Some(FromCompiler::Compiled { .. })), "{source}: {said:?}");
    }
}

#[test]
fn without_a_channel_it_says_what_it_is_for() {
    for arguments in [&[][..], &["1"], &["x"], &["1", "2"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hauki-compile"));
        let output = command.args(arguments).stdin(Stdio::null()).output().expect("runs");
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("hauki-worker(7)"));
    }
}

#[test]
fn what_breaks_the_protocol_ends_it() {
    let mut program = Program::start();
    program.channel.write_all(&[0xff; 64]).expect("writes");
    assert!(program.next().is_none());
    assert_eq!(program.ends().code(), Some(76));
}

/// Each is answered, or ends the program as a crash: never as something that looks like an answer to another one.
#[test]
fn hostile_sources_get_one_bounded_end() {
    let nested = |open: &str, middle: &str, close: &str, times: usize| {
        [open.repeat(times), middle.to_owned(), close.repeat(times)].concat()
    };
    for (name, source) in [
        ("brackets", nested("(", "1", ")", 10_000)),
        ("lists", nested("[", "", "]", 5_000)),
        ("blocks", nested("{", "", "}", 5_000)),
        ("functions", nested("(() => { return ", "1", "})()", 500)),
        ("sums", format!("var a = 1{}", "+1".repeat(20_000))),
        ("templates", nested("`${", "1", "}`", 2_000)),
        ("arrows in templates", nested("`${", "a->b()", "}`", 10_000)),
        ("a regular expression", format!("var a = /{}/", "(a|b)*[c-d]".repeat(50_000))),
        ("groups", format!("var a = /{}/", "(?<a>x)".repeat(20_000))),
        ("members", format!("a{}", ".b".repeat(10_000))),
        ("optional members", format!("a{}", "?.b".repeat(500))),
        ("unfinished", "(".repeat(100_000)),
        ("ifs", "if (a) ".repeat(5_000)),
        ("names", "let a; ".repeat(10_000)),
        ("a zero", "var a = \0".to_owned()),
    ] {
        let mut program = Program::start();
        let answer = program.ask(&source);
        let status = match &answer {
            // It ends with its channel, well; a crash has already ended it, and not well.
            Some(FromCompiler::Compiled { .. } | FromCompiler::Refused(_)) | None => program.ends(),
            Some(other) => panic!("{name}: {other:?}"),
        };
        assert_eq!(status.success(), answer.is_some(), "{name}: {status:?}");
        let mut after = Program::start();
        assert!(matches!(after.ask("let a = 1"), Some(FromCompiler::Compiled { .. })), "{name}");
        assert_eq!(after.ends().code(), Some(0));
    }
}
