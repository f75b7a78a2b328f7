//! `hauki run`: one program, one vault, one result, and nothing left.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use crate::support::daemon::{Daemon, signal};
use crate::support::until::until_so;
use rustix::process::Signal;
use serde_json::Value;

struct Ground {
    daemon: Daemon,
}

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ground {
    fn new() -> Self {
        Self { daemon: Daemon::start() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.daemon.hauki();
        command.arg("run").args(arguments).current_dir(self.daemon.dir.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run_with(&self, arguments: &[&str], stdin: &str) -> Ran {
        let mut child = self.command(arguments).spawn().expect("hauki runs");
        // Who needs no input may have gone.
        let _ = child.stdin.take().expect("is piped").write_all(stdin.as_bytes());
        let output = child.wait_with_output().expect("ends");
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("is text"),
            stderr: String::from_utf8(output.stderr).expect("is text"),
        }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "")
    }

    /// The vault has ended by then, which its core may hear a moment later.
    fn is_empty(&self) {
        until_so("nothing is left", || {
            let output = self.daemon.hauki().args(["ls", "-o", "jsonl"]).output().expect("runs");
            output.status.success() && output.stdout.is_empty()
        });
    }
}

#[test]
fn the_last_value_or_that_of_main_is_the_result() {
    let ground = Ground::new();
    std::fs::write(
        ground.daemon.dir.path().join("main.js"),
        "#!/usr/bin/env -S hauki run\nprint('on ' + args.length);\nfunction main(a, b) { return a + '/' + b; }\n",
    )
    .expect("is ours");
    for (arguments, wanted) in [
        (&["-e", "[3, 1, 2].sort()"][..], "[1,2,3]\n"),
        (&["-e", "1 + 1"], "2\n"),
        (&["-e", "'a' + 'b'"], "\"ab\"\n"),
        (&["-r", "-e", "'a' + 'b'"], "ab\n"),
        (&["-e", "null"], "null\n"),
        (&["-e", "var a = 1;"], ""),
        (&["-e", "args", "x", "-y"], "[\"x\",\"-y\"]\n"),
        (&["-r", "main.js", "1", "2"], "1/2\n"),
        (&["-e", "this_object()->run('1 + 2', [])"], "[3]\n"),
        (&["-e", "new Map([[1, 2]]).get(1)"], "2\n"),
        (&["-e", "new Date(0)"], "\"1970-01-01T00:00:00.000Z\"\n"),
        (&["-e", "class A { #x = 3; get x() { return this.#x; } } [...new Set([new A().x, 3])]"], "[3]\n"),
        (
            &["-r", "-e", "async function main(a) { await null; return `${a}!`.padStart(4, '*'); }", "x"],
            "**x!\n",
        ),
        (&["-e", "const f = async () => { for await (const x of [1]) return x; }; f()"], "1\n"),
    ] {
        let ran = ground.run(arguments);
        assert_eq!((ran.code, &*ran.stdout), (Some(0), wanted), "{arguments:?}: {}", ran.stderr);
    }
    let ran = ground.run_with(&["-", "b"], "print('line'); function main(a) { return a; }");
    assert_eq!((ran.code, &*ran.stdout, &*ran.stderr), (Some(0), "\"b\"\n", "line\n"));
    ground.is_empty();
}

#[test]
fn what_it_throws_is_shown_where_it_was_written() {
    let ground = Ground::new();
    let text = "var a = null;\nfunction deep() {\n  return a.b;\n}\ndeep();\n";
    std::fs::write(ground.daemon.dir.path().join("bad.js"), text).expect("is ours");
    let ran = ground.run(&["bad.js"]);
    assert_eq!(ran.code, Some(7), "{}", ran.stderr);
    assert!(ran.stderr.contains("bad.js:3:"), "{}", ran.stderr);
    assert!(ran.stderr.contains("    3 |   return a.b;"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("run.js"), "{}", ran.stderr);
    let ran = ground.run(&["-o", "jsonl", "bad.js"]);
    let error: Value =
        serde_json::from_str(ran.stderr.lines().last().expect("is told")).expect("is an object");
    assert_eq!((&error["exit"], &error["worker"]["line"]), (&7.into(), &3.into()), "{error}");
    assert_eq!(ground.run(&["-e", "var = 1"]).code, Some(65));
    assert_eq!(ground.run(&["absent.js"]).code, Some(65));
    assert_eq!(ground.run(&[]).code, Some(2));
    let ran = ground.run(&["--memory", "256KiB", "-e", "var a = []; for (;;) a.push(a.length + 'x')"]);
    assert_eq!(ran.code, Some(7), "{}", ran.stderr);
    ground.is_empty();
}

#[test]
fn lines_come_as_they_are_printed_and_whatever_ends_the_command_ends_the_vault() {
    let ground = Ground::new();
    let ran = ground.run(&["--timeout", "300ms", "-e", "for (;;) {}"]);
    assert_eq!(ran.code, Some(124), "{}", ran.stderr);
    for (ends, code) in [(Signal::INT, Some(130)), (Signal::TERM, Some(143)), (Signal::KILL, None)] {
        let mut child = ground.command(&["-e", "print('on'); for (;;) {}"]).spawn().expect("hauki runs");
        let mut line = String::new();
        BufReader::new(child.stderr.take().expect("is piped")).read_line(&mut line).expect("is text");
        assert_eq!(line, "on\n");
        signal(child.id(), ends);
        assert_eq!(child.wait().expect("ends").code(), code);
        ground.is_empty();
    }
}
