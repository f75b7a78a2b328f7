//! `hauki run --session` and files: a worker that is kept for the next turn, what goes into it and what comes out.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::daemon::{Daemon, signal};
use crate::support::until::until_so;
use rustix::process::Signal;

struct Ground(Daemon);

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ground {
    fn new() -> Self {
        Self(Daemon::start())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.0.hauki();
        command.args(arguments).current_dir(self.0.dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn hauki(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().expect("hauki runs");
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("is text"),
            stderr: String::from_utf8(output.stderr).expect("is text"),
        }
    }

    fn turn(&self, arguments: &[&str]) -> Ran {
        self.hauki(&[&["run", "--session", "lab/one"], arguments].concat())
    }

    fn told(&self, arguments: &[&str]) -> String {
        let ran = self.turn(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
        ran.stdout
    }

    fn file(&self) -> PathBuf {
        self.0.dir.path().join("sessions/lab+one.json")
    }

    fn is_empty(&self) {
        until_so("nothing is left", || self.hauki(&["ls", "-o", "jsonl"]).stdout.is_empty());
    }
}

#[test]
fn what_a_turn_declares_is_there_for_the_next_command() {
    let ground = Ground::new();
    assert_eq!(ground.told(&["-e", "const n = await Promise.resolve(4); n"]), "4\n");
    assert_eq!(
        ground.told(&["-e", "let f = (x: number) => x * n; class P { v = f(2) }", "--lang", "ts"]),
        ""
    );
    assert_eq!(ground.told(&["-e", "new P().v + args.length", "a", "b"]), "10\n");
    assert_eq!(ground.told(&["-r", "-e", "function main(a) { return a + '!' }", "x"]), "x!\n");
    assert_eq!(ground.told(&["-e", "print('line'); 1"]), "1\n");
    let file = ground.file();
    assert_eq!(file.metadata().expect("is there").permissions().mode() & 0o777, 0o600);
    assert_eq!(file.parent().expect("is in one").metadata().expect("is").permissions().mode() & 0o777, 0o700);
    // One worker, under its name.
    let listed = ground.hauki(&["ls", "-o", "jsonl"]).stdout;
    assert_eq!(listed.lines().count(), 1, "{listed}");
    assert!(listed.contains("lab/one"), "{listed}");
    assert_eq!(ground.turn(&["--end"]).code, Some(0));
    assert!(!file.exists());
    ground.is_empty();
    assert_eq!(ground.turn(&["--end"]).code, Some(3));
    assert_eq!(ground.told(&["-e", "typeof n"]), "\"undefined\"\n");
    assert_eq!(ground.hauki(&["destruct", "lab/one"]).code, Some(0));
    let ran = ground.turn(&["-e", "1"]);
    assert_eq!(ran.code, Some(5), "{}", ran.stderr);
    assert!(ran.stderr.contains("session lab/one has ended"), "{}", ran.stderr);
    assert!(ran.stderr.contains("destruct"), "{}", ran.stderr);
    assert!(!file.exists());
    assert_eq!(ground.told(&["-e", "2"]), "2\n");
}

#[test]
fn an_error_stands_where_its_turn_was_written_also_one_of_before() {
    let ground = Ground::new();
    std::fs::write(
        ground.0.dir.path().join("a.ts"),
        "interface A {}\nexport const bad = (a: A | null) =>\n  a.b.c;\n",
    )
    .expect("is ours");
    assert_eq!(ground.told(&["a.ts"]), "");
    std::fs::write(ground.0.dir.path().join("b.ts"), "type B = 1;\n\n bad(null);\n").expect("is ours");
    let ran = ground.turn(&["b.ts"]);
    assert_eq!(ran.code, Some(7), "{}", ran.stderr);
    assert!(ran.stderr.contains("a.ts:3:") && ran.stderr.contains("b.ts:3:"), "{}", ran.stderr);
    let ran = ground.turn(&["-e", "1;\nthrow new Error('own')"]);
    assert!(ran.stderr.contains("2 | throw new Error('own')"), "{}", ran.stderr);
    // What was thrown away is no turn.
    assert_eq!(ground.turn(&["-e", "var = 1"]).code, Some(65));
    assert_eq!(ground.told(&["-e", "typeof bad"]), "\"function\"\n");
}

#[test]
fn a_turn_with_fewer_powers_leaves_a_session_that_has_no_more() {
    let ground = Ground::new();
    ground.told(&["-e", "const end = () => destruct(this_object()); 1"]);
    assert_eq!(ground.told(&["--powers", "fetch,clone", "-e", "setTimeout(end, 1); 3"]), "3\n");
    for words in
        [&["--powers", "none", "-e", "end()"][..], &["-e", "end()"], &["--powers", "destruct", "-e", "end()"]]
    {
        let ran = ground.turn(words);
        assert_eq!(ran.code, Some(7), "{}", ran.stderr);
        assert!(ran.stderr.contains("not given the power to destruct"), "{}", ran.stderr);
    }
    // It goes on as it was, until whoever has it ends it.
    assert_eq!(ground.told(&["-e", "await new Promise(keep => setTimeout(keep, 30)); 4"]), "4\n");
    ground.told(&["--end"]);
    // Another ends itself, and the next turn says with what.
    ground.told(&["-e", "destruct(this_object()); 1"]);
    until_so("it has ended", || ground.turn(&["-e", "1"]).code == Some(5));
}

#[test]
fn a_turn_that_never_ends_is_stopped_and_the_session_goes_on() {
    let ground = Ground::new();
    ground.told(&["-e", "var n = 1"]);
    assert_eq!(ground.turn(&["--timeout", "300ms", "-e", "for (;;) {}"]).code, Some(124));
    assert_eq!(ground.told(&["-e", "n"]), "1\n");
    let child = ground.command(&["run", "--session", "lab/one", "-e", "print('on'); for (;;) {}"]).spawn();
    let mut child = child.expect("hauki runs");
    let mut line = [0_u8; 3];
    std::io::Read::read_exact(child.stderr.as_mut().expect("is piped"), &mut line).expect("it runs");
    signal(child.id(), Signal::INT);
    assert_eq!(child.wait().expect("ends").code(), Some(130));
    assert_eq!(ground.told(&["-e", "n"]), "1\n");
}

#[test]
fn files_go_in_and_come_out_with_and_without_a_session() {
    let ground = Ground::new();
    let at = |name: &str| ground.0.dir.path().join(name);
    std::fs::write(at("in.txt"), "ä,b\n").expect("is ours");
    let bytes: Vec<u8> = (0..=255).collect();
    std::fs::write(at("in.bin"), &bytes).expect("is ours");
    let code = "write_file('up', read_file('t').toUpperCase()); const b = read_file('in.bin'); b[0] = 7; write_file('b', b); [b.length, read_file('in.bin')[0]]";
    let files = ["--file", "in.txt:t", "--file", "in.bin", "--get", "up:out.txt", "--get", "b", "-e", code];
    for session in [&["run"][..], &["run", "--session", "lab/one"]] {
        let ran = ground.hauki(&[session, &files].concat());
        assert_eq!((ran.code, &*ran.stdout), (Some(0), "[256,0]\n"), "{}", ran.stderr);
        assert_eq!(std::fs::read_to_string(at("out.txt")).expect("came out"), "Ä,B\n");
        let out = std::fs::read(at("b")).expect("came out");
        assert_eq!((out[0], &out[1..]), (7, &bytes[1..]));
        std::fs::remove_file(at("out.txt")).expect("is there");
    }
    // They are kept with the session, and nowhere else.
    assert_eq!(ground.told(&["-e", "read_file('up')"]), "\"Ä,B\\n\"\n");
    let ran = ground.hauki(&["run", "--get", "up", "-e", "1"]);
    assert_eq!(ran.code, Some(7), "{}", ran.stderr);
    assert!(ran.stderr.contains("there is no file up") && !at("up").exists(), "{}", ran.stderr);
    // The worker's memory is all that there is.
    std::fs::write(at("large"), vec![b'x'; 3 << 20]).expect("is ours");
    let ran = ground.hauki(&["run", "--memory", "1MiB", "--file", "large", "-e", "1"]);
    assert_eq!(ran.code, Some(7), "{}", ran.stderr);
    assert!(ran.stderr.contains("large"), "{}", ran.stderr);
    let ran = ground.hauki(&["run", "--file", "absent", "-e", "1"]);
    assert_eq!(ran.code, Some(65), "{}", ran.stderr);
    ground.turn(&["--end"]);
    ground.is_empty();
}
