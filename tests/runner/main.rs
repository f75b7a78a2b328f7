//! The child that reads other people's scripts: what it can do, what a hostile one in its place can do to
//! `hauki`, and what its end does to whom.
//!
//! The product has no door for a test: another program stands beside a copy of `hauki`. A binary of its own, for it
//! starts programs that it has just written, which no test beside it may hold open.

mod compiler;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hauki::rpc::body::{WorkerError, WorkerErrorKind};
use hauki::rpc::script::{FromRunner, RunFailed, RunnerReady};
use hauki_contract::system::clock;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde_json::Value;

/// Only a hang takes this long.
const HANG: Duration = Duration::from_secs(30);

/// A program that is being written cannot be started, and a child that has not executed yet has a copy of
/// the open file: so either is done while nobody does the other.
static ONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn spawn(command: &mut Command) -> Child {
    let _alone = alone();
    command.spawn().expect("runs")
}

/// A program of bash.
fn script(path: &Path, text: &str) {
    let _alone = alone();
    fs::write(path, format!("#!/bin/bash\n{text}\n")).expect("writes");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("marks");
}

fn copy(from: &str, to: &Path) {
    let _alone = alone();
    fs::copy(from, to).expect("copies");
}

/// `hauki` at a place of its own.
struct Place {
    root: tempfile::TempDir,
}

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
    took: Duration,
}

impl Ran {
    fn error(&self) -> Value {
        let last = self.stderr.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|_| panic!("no error in {:?}", self.stderr))
    }
}

impl Place {
    /// With nothing beside it.
    fn bare() -> Self {
        let root = tempfile::Builder::new().prefix("hauki-runner-").tempdir().expect("a directory");
        let this = Self { root };
        for folder in [this.root.path().to_owned(), this.path("bin"), this.path("work")] {
            fs::create_dir_all(&folder).expect("makes");
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("is ours");
        }
        copy(env!("CARGO_BIN_EXE_hauki"), &this.path("bin/hauki"));
        for (file, text) in [
            ("ok.js", "function f() { return 1 }"),
            ("two.js", "function g(o) { return o->f(2) }"),
            ("bad.js", "function ("),
            ("print.js", "print('hello')"),
            ("loop.js", "print('on'); for (;;) {}"),
        ] {
            fs::write(this.path("work").join(file), text).expect("writes");
        }
        this
    }

    /// With the real runner.
    fn whole() -> Self {
        let this = Self::bare();
        copy(env!("CARGO_BIN_EXE_hauki-script"), &this.path("bin/hauki-script"));
        this
    }

    /// With a program in the runner's place, which says this, in frames, and then does that, in bash.
    fn hostile(frames: &[u8], then: &str) -> Self {
        let this = Self::bare();
        fs::write(this.path("frames"), frames).expect("writes");
        let text = format!("cat {} >&0\n{then}", this.path("frames").display());
        script(&this.path("bin/hauki-script"), &text);
        this
    }

    fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path("bin/hauki"));
        command.env_clear().env("HAUKI_STATE_DIR", self.path("state")).env("HAUKI_HAUKID", "/bin/false");
        command.args(["-o", "jsonl"]).args(arguments).current_dir(self.path("work"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        finish(spawn(&mut self.command(arguments)))
    }
}

fn finish(child: Child) -> Ran {
    let began = clock::mono();
    let output = child.wait_with_output().expect("ends");
    let text = |bytes| String::from_utf8(bytes).expect("is text");
    Ran {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
        took: Duration::from_micros(clock::mono().since(began)),
    }
}

/// A command that has said its first line, and the number of its child.
struct Running {
    hauki: Child,
    runner: Pid,
}

impl Running {
    fn new(place: &Place, script: &str) -> Self {
        let mut hauki = spawn(place.command(&["proxy", "run", script]).process_group(0));
        let mut line = String::new();
        BufReader::new(hauki.stdout.take().expect("is piped")).read_line(&mut line).expect("is text");
        assert_eq!(line, "on\n");
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", hauki.id()));
        let children = children.expect("the kernel tells of children");
        let runner = children.trim().parse().ok().and_then(Pid::from_raw).expect("there is one child");
        Self { hauki, runner }
    }

    fn signal_runner(&self, signal: Signal) {
        // It is the child of a process that lives, so the number is its own.
        let fd = pidfd_open(self.runner, PidfdFlags::empty()).expect("the runner lives");
        pidfd_send_signal(fd, signal).expect("the runner is ours");
    }

    fn status(&self) -> String {
        fs::read_to_string(format!("/proc/{}/status", self.runner)).unwrap_or_default()
    }

    /// Waits for the runner's end; a zombie has ended.
    fn gone(&self) {
        let began = clock::mono();
        while self.status().lines().any(|line| line.starts_with("State:") && !line.contains("Z (zombie)")) {
            assert!(
                Duration::from_micros(clock::mono().since(began)) < HANG,
                "the runner lives on: {}",
                self.status()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.hauki.kill();
        let _ = self.hauki.wait();
    }
}

fn frames(list: &[(u64, FromRunner)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    list.iter().for_each(|(number, message)| message.encode(&mut bytes, *number));
    bytes
}

fn ready() -> (u64, FromRunner) {
    (0, FromRunner::Ready(RunnerReady { version: env!("CARGO_PKG_VERSION").to_owned() }))
}

fn efun(words: &[&str]) -> FromRunner {
    FromRunner::Efun(words.iter().map(|word| (*word).to_owned()).collect())
}

#[test]
fn without_its_runner_hauki_says_what_to_install() {
    let place = Place::bare();
    for arguments in [
        &["summon", "ok.js"][..],
        &["clone", "ok.js"],
        &["summon", "ok.js", "--dry-run", "--emit", "js"],
        &["gem", "push", "ok.js", "workers/ok"],
        &["proxy", "run", "print.js"],
        &["proxy", "repl"],
    ] {
        let ran = place.run(arguments);
        let words = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.code, Some(78), "{arguments:?}: {words}");
        assert!(words.contains("runner_missing") && words.contains("make install"), "{words}");
    }
    // A program of that name where somebody stands, or on PATH, is not asked.
    let trap = place.path("work/hauki-script");
    script(&trap, "touch trapped");
    let mut command = place.command(&["proxy", "run", "print.js"]);
    command.env("PATH", place.path("work"));
    assert_eq!(finish(spawn(&mut command)).code, Some(78));
    assert!(!place.path("work/trapped").exists());
    assert_eq!(place.run(&["--version"]).code, Some(0));

    let libexec = place.path("libexec/hauki");
    fs::create_dir_all(&libexec).expect("makes");
    copy(env!("CARGO_BIN_EXE_hauki-script"), &libexec.join("hauki-script"));
    assert_eq!(place.run(&["proxy", "run", "print.js"]).stdout, "hello\n");
}

#[test]
fn the_runner_has_nothing_but_its_channel() {
    let place = Place::whole();
    let running = Running::new(&place, "loop.js");
    let proc = |file: &str| PathBuf::from(format!("/proc/{}/{file}", running.runner));
    let status = running.status();
    for line in ["Seccomp:\t2", "NoNewPrivs:\t1", "Threads:\t1"] {
        assert!(status.contains(line), "{line} is not in {status}");
    }
    assert_eq!(fs::read(proc("environ")).expect("is shown"), b"");
    assert_eq!(fs::read_link(proc("cwd")).expect("is shown"), Path::new("/"));
    let mut open: Vec<String> = fs::read_dir(proc("fd"))
        .expect("is shown")
        .map(|entry| {
            let path = entry.expect("is shown").path();
            let to = fs::read_link(&path).expect("is open").display().to_string();
            let number = path.file_name().expect("is a number").to_string_lossy().into_owned();
            format!("{number} {}", to.split(':').next().unwrap_or_default())
        })
        .collect();
    open.sort();
    assert_eq!(open, ["0 /dev/null", "1 /dev/null", "2 pipe", "3 socket"]);
    let limits = fs::read_to_string(proc("limits")).expect("is shown");
    let soft = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).expect("is a limit");
        line.split_whitespace().next().expect("is a number").to_owned()
    };
    // Four times the heap, and 256 MiB.
    assert_eq!(soft("Max address space"), (512_u64 << 20).to_string());
    for name in ["Max core file size", "Max processes", "Max file size"] {
        assert_eq!(soft(name), "0", "{name}");
    }
}

#[test]
fn what_the_caller_has_open_does_not_stay_open_in_the_runner() {
    let place = Place::whole();
    let shell = format!(
        "exec 9>{}; exec {} proxy run loop.js",
        place.path("lock").display(),
        place.path("bin/hauki").display()
    );
    let mut command = Command::new("/bin/bash");
    command.env_clear().args(["-c", &shell]).current_dir(place.path("work"));
    let mut hauki = spawn(command.stdout(Stdio::piped()));
    let mut line = String::new();
    BufReader::new(hauki.stdout.take().expect("is piped")).read_line(&mut line).expect("is text");
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", hauki.id())).expect("is shown");
    let held = fs::read_dir(format!("/proc/{}/fd", children.trim())).expect("is shown").count();
    hauki.kill().expect("is ours");
    hauki.wait().expect("is ours");
    assert_eq!((line.as_str(), held), ("on\n", 4));
}

#[test]
fn the_runner_dies_with_hauki_also_when_it_stands_still() {
    let place = Place::whole();
    for stands_still in [false, true] {
        let mut running = Running::new(&place, "loop.js");
        if stands_still {
            running.signal_runner(Signal::STOP);
        }
        running.hauki.kill().expect("is ours");
        running.hauki.wait().expect("is ours");
        running.gone();
    }
}

#[test]
fn a_runner_that_stands_still_is_ended_by_whatever_ends_the_script() {
    let place = Place::whole();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut running = Running::new(&place, "loop.js");
        running.signal_runner(Signal::STOP);
        let hauki = Pid::from_child(&running.hauki);
        pidfd_send_signal(pidfd_open(hauki, PidfdFlags::empty()).expect("lives"), signal).expect("is ours");
        assert_eq!(running.hauki.wait().expect("is ours").code(), Some(code));
        running.gone();
    }
}

#[test]
fn a_script_that_waits_for_its_input_hears_signals() {
    let place = Place::whole();
    fs::write(place.path("work/input.js"), "print('on'); read_file('-');").expect("writes");
    let mut command = place.command(&["proxy", "run", "input.js"]);
    let mut hauki = spawn(command.stdin(Stdio::piped()));
    let mut line = String::new();
    BufReader::new(hauki.stdout.take().expect("is piped")).read_line(&mut line).expect("is text");
    assert_eq!(line, "on\n");
    let pidfd = pidfd_open(Pid::from_child(&hauki), PidfdFlags::empty()).expect("lives");
    pidfd_send_signal(pidfd, Signal::INT).expect("is ours");
    let input = hauki.stdin.take();
    assert_eq!(hauki.wait().expect("is ours").code(), Some(130));
    drop(input);
}

/// As a terminal does it: the signal reaches both.
#[test]
fn ctrl_c_is_for_hauki_to_judge() {
    let place = Place::whole();
    let mut running = Running::new(&place, "loop.js");
    // A group of its own, whose leader lives.
    rustix::process::kill_process_group(Pid::from_child(&running.hauki), Signal::INT).expect("is ours");
    assert_eq!(running.hauki.wait().expect("is ours").code(), Some(130));
    let mut words = String::new();
    running.hauki.stderr.take().expect("is piped").read_to_string(&mut words).expect("is text");
    assert!(words.contains("\"interrupted\""), "{words}");
    running.gone();
}

#[test]
fn a_runner_that_is_killed_or_crashes_is_told_of() {
    let place = Place::whole();
    for (signal, code, word) in [
        (Signal::KILL, 75, "runner_ended"),
        (Signal::SEGV, 70, "runner_crashed"),
        (Signal::ABORT, 70, "runner_crashed"),
    ] {
        let mut running = Running::new(&place, "loop.js");
        running.signal_runner(signal);
        let status = running.hauki.wait().expect("is ours");
        let mut words = String::new();
        running.hauki.stderr.take().expect("is piped").read_to_string(&mut words).expect("is text");
        assert_eq!(status.code(), Some(code), "{words}");
        assert!(words.contains(word), "{words}");
        assert_eq!(status.signal(), None);
    }
}

#[test]
fn one_child_reads_all_sources_and_one_that_crashes_is_replaced() {
    let place = Place::bare();
    let count = place.path("count");
    let text = format!("echo x >> {}; exec {} \"$@\"", count.display(), env!("CARGO_BIN_EXE_hauki-script"));
    script(&place.path("bin/hauki-script"), &text);
    let ran = place.run(&["summon", "-n", "3", "bad.js", "bad.js", "bad.js"]);
    assert_eq!(ran.code, Some(65), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.stdout.lines().count(), 9, "{}", ran.stdout);
    assert_eq!(fs::read_to_string(&count).expect("was counted"), "x\n");

    // It crashes at its first source; there are as many children as sources then, and as many verdicts.
    fs::remove_file(&count).expect("was counted");
    script(&place.path("bin/hauki-script"), &format!("echo x >> {}; kill -SEGV $$", count.display()));
    let ran = place.run(&["summon", "ok.js", "two.js"]);
    assert_eq!(ran.code, Some(70), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(fs::read_to_string(&count).expect("was counted"), "x\nx\n");
    for line in ran.stdout.lines() {
        let error: Value = serde_json::from_str(line).expect("is a record");
        assert_eq!(error["code"], "runner_crashed", "{line}");
    }
}

#[test]
fn a_hostile_runner_is_ended_with_a_typed_error() {
    let error = WorkerError {
        kind: WorkerErrorKind::Syntax,
        message: "no".into(),
        file: None,
        line: None,
        column: None,
        stack: None,
    };
    let failed = FromRunner::Failed(RunFailed { error, failure: None });
    let foreign = FromRunner::Ready(RunnerReady { version: "9.9.9\u{1b}[2J".into() });
    let mut words = frames(&[ready()]);
    words.extend_from_slice(&[13, 0, 0, 0, 0x81, 1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]);
    let mut unknown = frames(&[ready()]);
    unknown.extend_from_slice(&[9, 0, 0, 0, 0x42, 1, 0, 0, 0, 0, 0, 0, 0]);
    for (what, bytes, code, word) in [
        ("a length of 4 GiB", vec![255; 64], 70, "runner_crashed"),
        ("a length of nothing", vec![0; 64], 70, "runner_crashed"),
        ("an unknown kind", unknown, 70, "runner_crashed"),
        ("an efun of 4 GiB", words, 70, "runner_crashed"),
        ("an answer before it is ready", frames(&[(1, FromRunner::Done(None))]), 70, "runner_crashed"),
        ("ready twice", frames(&[ready(), ready()]), 70, "runner_crashed"),
        (
            "the answer to another request",
            frames(&[ready(), (7, FromRunner::Done(None))]),
            70,
            "runner_crashed",
        ),
        ("another version", frames(&[(0, foreign)]), 78, "runner_unusable"),
        ("a failure of the heap", frames(&[ready(), (1, failed.clone())]), 2, "usage"),
        (
            "efuns that there are not, and a failure that is not ours",
            frames(&[
                ready(),
                (1, efun(&["nothing"])),
                (1, efun(&["call", "vlt_x", "", "", ""])),
                (1, efun(&["sleep", "-1"])),
                (1, efun(&["sleep", "NaN"])),
                (1, efun(&["exit", "-1"])),
                (1, efun(&["wait", "18446744073709551616"])),
                (1, efun(&["find", "{"])),
                (1, efun(&["adopt", "{}"])),
                (1, efun(&["clone", "\n", "{", ""])),
                (1, efun(&["failure", "failure"])),
                (1, FromRunner::Done(Some("ok".into()))),
                (2, FromRunner::Failed(RunFailed { failure: Some(u64::MAX), ..failure_of(&failed) })),
            ]),
            65,
            "bad_source",
        ),
    ] {
        let place = Place::hostile(&bytes, "exec sleep 1000");
        let ran = place.run(&["proxy", "run", "print.js"]);
        assert_eq!(ran.code, Some(code), "{what}: {}", ran.stderr);
        assert_eq!(ran.error()["code"], word, "{what}");
        assert!(!ran.stderr.contains('\u{1b}'), "{what}: {}", ran.stderr);
        assert!(ran.took < HANG, "{what} took {:?}", ran.took);
    }
}

fn failure_of(message: &FromRunner) -> RunFailed {
    match message {
        FromRunner::Failed(failed) => failed.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_runner_that_says_nothing_or_leaves_is_not_waited_for() {
    let begun = frames(&[ready(), (1, FromRunner::Done(None))]);
    let place = Place::hostile(&begun, "exec sleep 1000");
    let ran = place.run(&["--timeout", "200ms", "proxy", "run", "print.js"]);
    assert_eq!((ran.code, &ran.error()["code"]), (Some(124), &"timeout".into()));
    assert!(ran.took < HANG);
    // It closes the channel and stays; it ends with words of its own.
    for (then, word) in [("exec 0>&-; exec sleep 1000", "runner_crashed"), ("exit 3", "runner_crashed")] {
        let place = Place::hostile(&begun, &format!("printf 'last \\e[31mwords\\n' >&2; {then}"));
        let ran = place.run(&["proxy", "run", "print.js"]);
        assert_eq!((ran.code, &ran.error()["code"]), (Some(70), &word.into()), "{then}: {}", ran.stderr);
    }
    let place = Place::hostile(b"", "echo the kernel refuses >&2; exit 78");
    let ran = place.run(&["proxy", "run", "print.js"]);
    assert_eq!((ran.code, &ran.error()["code"]), (Some(78), &"runner_unusable".into()));
    assert!(ran.stderr.contains("the kernel refuses"), "{}", ran.stderr);
    // More than fits into the pipe of its standard error holds up nobody but itself.
    let place = Place::hostile(&begun, "head -c 1000000 /dev/zero >&2");
    let ran = place.run(&["--timeout", "200ms", "proxy", "run", "print.js"]);
    assert_eq!(ran.code, Some(124), "{}", ran.stderr);
}

/// A kernel or a container that gives no system call filter: there is no second way.
#[test]
fn where_the_filter_is_refused_nothing_is_read() {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

    let architecture = TargetArch::try_from(std::env::consts::ARCH).expect("is known");
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    let calls = [(libc::SYS_seccomp, Vec::new())].into_iter().collect();
    let filter = SeccompFilter::new(calls, SeccompAction::Allow, refused, architecture).expect("is a filter");
    let filter: BpfProgram = filter.try_into().expect("compiles");
    let place = Place::whole();
    for arguments in [&["proxy", "run", "print.js"][..], &["summon", "ok.js"]] {
        let (mut command, filter) = (place.command(arguments), filter.clone());
        // SAFETY: between fork and exec only prctl(2) is called, with what was made before.
        unsafe {
            command.pre_exec(move || seccompiler::apply_filter(&filter).map_err(std::io::Error::other))
        };
        let ran = finish(spawn(&mut command));
        let words = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.code, Some(78), "{words}");
        assert!(words.contains("runner_unusable") && !words.contains("hello"), "{words}");
    }
}

#[test]
fn files_without_an_end_are_refused_by_their_size() {
    let place = Place::whole();
    fs::write(place.path("work/deep.yaml"), "[".repeat(60_000)).expect("writes");
    for (arguments, word) in [
        (&["summon", "/dev/zero"][..], "longer than 4 MiB"),
        (&["clone", "/dev/zero"], "longer than 4 MiB"),
        (&["gem", "push", "/dev/zero", "workers/z"], "longer than 4 MiB"),
        (&["proxy", "run", "/dev/zero"], "--memory gives the script more"),
        (&["gem", "push", "ok.js", "workers/z", "--manifest", "/dev/zero"], "longer than 64 KiB"),
        (&["gem", "push", "ok.js", "workers/z", "--manifest", "deep.yaml"], "bad_manifest"),
    ] {
        let ran = place.run(arguments);
        let words = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.code, Some(65), "{arguments:?}: {words}");
        assert!(words.contains(word), "{arguments:?}: {words}");
        assert!(ran.took < HANG, "{arguments:?} took {:?}", ran.took);
    }
}

/// The engine's parser takes a time that grows with the square of the labels around a statement.
#[test]
fn a_source_that_takes_the_parser_for_ever_is_ended_by_a_signal_or_a_limit() {
    let place = Place::whole();
    let labels: String = (0..150_000).map(|number| format!("a{number}:")).collect();
    fs::write(place.path("work/labels.js"), format!("{labels};")).expect("writes");
    let ran = place.run(&["--timeout", "300ms", "summon", "labels.js"]);
    assert_eq!(ran.code, Some(124), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.took < HANG, "{:?}", ran.took);
    for arguments in [&["summon", "labels.js", "--dry-run"][..], &["proxy", "run", "labels.js"]] {
        let child = spawn(&mut place.command(arguments));
        std::thread::sleep(Duration::from_millis(300));
        let hauki = Pid::from_child(&child);
        pidfd_send_signal(pidfd_open(hauki, PidfdFlags::empty()).expect("lives"), Signal::TERM)
            .expect("is ours");
        let ran = finish(child);
        assert_eq!(ran.code, Some(143), "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.took < HANG, "{arguments:?}: {:?}", ran.took);
    }
    let ran = place.run(&["summon", "labels.js", "ok.js"]);
    assert!(ran.stdout.contains("within 10 s"), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.took < HANG, "{:?}", ran.took);
}

#[test]
fn it_runs_for_whoever_may_run_hauki_wherever_he_stands() {
    assert!(rustix::process::geteuid().is_root(), "this test becomes somebody else");
    let place = Place::whole();
    fs::set_permissions(place.path("work"), fs::Permissions::from_mode(0o700)).expect("is ours");
    fs::write(place.path("script"), "print('anywhere')").expect("writes");
    // He stands in a folder that he may not even look into.
    let mut command = Command::new("setpriv");
    command.env_clear().env("PATH", "/usr/bin:/bin").current_dir(place.path("work"));
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "env", "-i"]);
    command.arg(place.path("bin/hauki")).args(["proxy", "run", "-"]);
    command.stdin(fs::File::open(place.path("script")).expect("opens"));
    let ran = finish(spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped())));
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "anywhere\n"), "{}", ran.stderr);
}

#[test]
fn a_script_that_eats_memory_meets_its_own_limit_first() {
    let place = Place::whole();
    for (source, code) in [
        ("var a = []; for (;;) a.push('x' + a.length);", 1),
        ("var s = 'x'; for (;;) s += s;", 1),
        ("var s = 'x'; while (s.length < 33000000) s += s; print(s.length); write_file('/dev/null', s);", 0),
        ("print(JSON.parse('[' + Array(100000).join('[') ));", 1),
        ("var s = '\\x01'; while (s.length < 16000000) s += s; throw new Error(s);", 1),
        (
            "var s = 'x', t, i; while (s.length < 8000000) s += s; s = t = s.slice(0, 4900000);
            for (i = 0; i < 3; i++) t += t;
            try { clone_object(t, [s, s, s, s, s, s]); } catch (e) { print(e.message); }",
            0,
        ),
    ] {
        fs::write(place.path("work/eat.js"), source).expect("writes");
        let ran = place.run(&["proxy", "run", "eat.js"]);
        assert_eq!(ran.code, Some(code), "{source}: {}", ran.stderr);
        assert!(!ran.stderr.contains("runner_"), "{source}: {}", ran.stderr);
    }
    let ran = place.run(&["proxy", "run", "--memory", "1GiB", "print.js"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "hello\n"), "{}", ran.stderr);
}

/// `hauki` and `haukid` carry no engine; the symbol table tells, as long as nobody strips it.
#[test]
fn only_the_runner_has_the_engine() {
    let symbols = |program: &str| {
        let listed = Command::new("nm").arg(program).output().expect("binutils are installed");
        assert!(listed.status.success(), "{program} has no symbols");
        String::from_utf8_lossy(&listed.stdout).lines().filter(|line| line.contains(" JS_")).count()
    };
    assert_eq!(symbols(env!("CARGO_BIN_EXE_hauki")), 0);
    assert_eq!(symbols(env!("CARGO_BIN_EXE_haukid")), 0);
    assert!(symbols(env!("CARGO_BIN_EXE_hauki-script")) > 20);
}
