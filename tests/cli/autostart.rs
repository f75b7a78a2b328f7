//! Starting a daemon where there is none, with scripts in its place.

use std::path::PathBuf;

use crate::support::tool::Tool;

#[test]
fn what_the_daemon_says_reaches_the_person() {
    let tool = Tool::new();
    let fake = tool.script(
        "fake",
        "echo looking around >&2\nwhile [ $# -gt 0 ]; do [ \"$1\" = --ready-fd ] && fd=$2; shift; done\n\
         echo \"failed: haukid needs root\" >&$fd",
    );
    let ran = tool.run_in(&["ls"], "", &[("HAUKI_HAUKID", &fake)]);
    assert_eq!((ran.code, ran.stdout.as_str()), (78, ""));
    insta::assert_snapshot!("autostart_refused", ran.stderr);
    let ran = tool.run_in(&["-o", "json", "ls"], "", &[("HAUKI_HAUKID", &fake)]);
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).expect("is one object");
    assert_eq!((&error["code"], &error["log"]), (&"environment".into(), &"HOME/haukid.log".into()));
}

#[test]
fn a_missing_daemon_is_told() {
    let tool = Tool::new();
    let ran = tool.run_in(&["ls"], "", &[("HAUKI_HAUKID", "/nonexistent/haukid".as_ref())]);
    assert_eq!(ran.code, 78);
    assert!(ran.stderr.contains("/nonexistent/haukid"), "{}", ran.stderr);
}

#[test]
fn a_missing_liblxc_is_told_with_the_command_that_mends_it() {
    let tool = Tool::new();
    let words = "haukid: error while loading shared libraries: liblxc.so.1: cannot open shared object file";
    let fake = tool.script("fake", &format!("echo '{words}' >&2; exit 127"));
    let ran = tool.run_in(&["doctor"], "", &[("HAUKI_HAUKID", &fake)]);
    assert_eq!(ran.code, 78);
    assert!(ran.stdout.contains("apt-get install liblxc1"), "{}", ran.stdout);
}

#[test]
fn an_endpoint_that_was_named_is_never_started() {
    let tool = Tool::new();
    let started = tool.path("started");
    let fake = tool.script("fake", &format!("touch {}", started.display()));
    let gone = "unix:///nonexistent/hauki.sock".to_owned();
    let ran = tool.run_in(&["--endpoint", &gone, "--retries", "0", "ls"], "", &[("HAUKI_HAUKID", &fake)]);
    assert_eq!(ran.code, 75, "{}", ran.stderr);
    assert!(ran.stderr.contains(&gone) && !started.exists());
}

/// A daemon that counts its starts, and serves one answer for ever.
const FAKE: &str = r#"
echo start >> "$HAUKI_STATE_DIR/starts"
while [ $# -gt 0 ]; do
  [ "$1" = --ready-fd ] && fd=$2
  [ "$1" = --socket ] && socket=$2
  shift
done
rm -f "$socket"
exec python3 - "$socket" "$fd" <<'PY'
import os, socketserver, sys, http.server
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"vaults":[]}'
        self.send_response(200); self.send_header("content-length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def address_string(self): return "unix"
    def log_message(self, *rest): pass
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64
server = Server(sys.argv[1], Answer)
open(os.environ["HAUKI_STATE_DIR"] + "/pid", "w").write(str(os.getpid()))
os.write(int(sys.argv[2]), b"ready\n"); os.close(int(sys.argv[2]))
server.serve_forever()
PY
"#;

#[test]
fn ten_at_once_start_one() {
    let tool = Tool::new();
    let fake = tool.script("fake", FAKE);
    // A socket that nobody listens on any more is no daemon.
    drop(std::os::unix::net::UnixListener::bind(tool.socket()).expect("binds"));
    let codes: Vec<(i32, String)> = std::thread::scope(|scope| {
        let runs: Vec<_> =
            (0..10).map(|_| scope.spawn(|| tool.run_in(&["ls"], "", &[("HAUKI_HAUKID", &fake)]))).collect();
        runs.into_iter().map(|run| run.join().expect("ends")).map(|ran| (ran.code, ran.stderr)).collect()
    });
    let pid: PathBuf = tool.path("pid");
    let pid: i32 = std::fs::read_to_string(pid).expect("is there").parse().expect("is a number");
    let pid = rustix::process::Pid::from_raw(pid).expect("is a pid");
    assert_eq!(rustix::process::getsid(Some(pid)).ok(), Some(pid), "the daemon has a session of its own");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("ends it");
    assert!(codes.iter().all(|(code, _)| *code == 0), "{codes:?}");
    assert_eq!(std::fs::read_to_string(tool.path("starts")).expect("is there"), "start\n");
}

/// Whoever starts it may be a shell with limits, a nohup, a cron job, a unit with a socket to talk to.
#[test]
fn the_daemon_inherits_nothing() {
    let tool = Tool::new();
    let report = tool.path("report");
    let fake = tool.script(
        "fake",
        &format!(
            "exec >{}\n\
             ls /proc/$$/fd | grep -cE '^(33|44|77)$'\n\
             echo session $(($(cut -d' ' -f6 /proc/$$/stat) - $$))\n\
             echo place $(pwd) $(umask) $(nice) $(cat /proc/$$/oom_score_adj)\n\
             echo limits $(ulimit -f) $(ulimit -t) $((`ulimit -n` > 1000))\n\
             echo signals $(awk '/^Sig(Blk|Ign)/ {{ print $2 }}' /proc/self/status)\n\
             echo cores $(nproc)\n\
             echo variables $(env | cut -d= -f1 | grep -vE '^(PWD|SHLVL|_)$' | sort)\n\
             echo ready >&$5",
            report.display()
        ),
    );
    let line = "exec 33>&1 44</dev/null 77>&1; umask 077; trap '' HUP INT TERM USR1; ulimit -S -f 1000 -t 100 -n 99\n\
                echo 500 > /proc/$$/oom_score_adj; exec nice -n 3 taskset 1 \"$0\" --retries 0 ls";
    let mut command = std::process::Command::new("bash");
    command.arg("-c").arg(line).arg(assert_cmd::cargo::cargo_bin("hauki"));
    command.env_clear().envs(tool.environment()).env("HAUKI_HAUKID", fake).current_dir(tool.home.path());
    command.env("NOTIFY_SOCKET", "/run/x").env("SECRET", "y").env("HAUKI_LOG", "info");
    assert!(command.output().expect("runs").status.code().is_some());
    let cores = std::thread::available_parallelism().expect("is known");
    let report = std::fs::read_to_string(report).expect("was started");
    let expected = format!(
        "0\nsession 0\nplace / 0022 0 0\nlimits unlimited unlimited 1\nsignals 0000000000000000 0000000000000000\n\
         cores {cores}\nvariables HAUKI_HAUKID HAUKI_LOG HAUKI_STATE_DIR HOME LC_ALL PATH\n"
    );
    assert_eq!(report, expected);
}

/// One who may open the lock may hold it, so nobody else can; who can all the same is waited for and named.
#[test]
fn the_lock_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let tool = Tool::new();
    let mode = |path: &std::path::Path| path.metadata().expect("is there").permissions().mode() & 0o777;
    let lock = tool.file("autostart.lock", "");
    std::fs::set_permissions(&lock, std::fs::Permissions::from_mode(0o644)).expect("is ours");
    let theirs = std::fs::File::open(&lock).expect("anybody can");
    rustix::fs::flock(&theirs, rustix::fs::FlockOperation::LockExclusive).expect("is free");
    let fake = tool.script("fake", "echo 'failed: as it should' >&$5");
    let ran = tool.run_in(&["ls"], "", &[("HAUKI_HAUKID", &fake)]);
    assert!(ran.code == 78 && ran.stderr.contains("as it should"), "{ran:?}");
    assert_eq!((mode(&lock), mode(&tool.path("haukid.log"))), (0o600, 0o600));
}

#[test]
fn what_the_shell_does_not_leave_us_is_told_by_its_name() {
    let tool = Tool::new();
    let fake = tool.script("fake", "echo 'failed: it was started' >&$5");
    for (line, code, told) in [
        ("ulimit -n 6; exec \"$0\" ls", 74, "Too many open files"),
        // The root of a container; of the machine's own nobody counts the processes.
        ("exec unshare -Ur bash -c 'ulimit -u 60; exec \"$0\" ls' \"$0\"", 78, "`ulimit -u 60`"),
        ("ulimit -u 60; exec \"$0\" ls", 78, "it was started"),
    ] {
        let mut command = std::process::Command::new("bash");
        command.args(["-c", line]).arg(assert_cmd::cargo::cargo_bin("hauki")).current_dir(tool.home.path());
        command.env_clear().envs(tool.environment()).env("HAUKI_HAUKID", &fake);
        let output = command.output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(code) && said.contains(told),
            "{line}: {:?} {said}",
            output.status
        );
    }
    // Who has no place of his own for a lock reaps without one.
    let nowhere = std::path::Path::new("/proc/nowhere");
    let ran = tool.run_in(&["destruct", "--reap", "--idle", "5m"], "", &[("HAUKI_STATE_DIR", nowhere)]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

/// Only root can make vaults.
#[test]
fn who_is_not_root_is_told_what_to_do() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    if !rustix::process::geteuid().is_root() {
        panic!("this test becomes nobody, and must run as root");
    }
    let tool = Tool::new();
    let program = tool.path("hauki");
    std::fs::copy(assert_cmd::cargo::cargo_bin("hauki"), &program).expect("copies");
    std::fs::set_permissions(tool.home.path(), std::fs::Permissions::from_mode(0o777)).expect("is ours");
    let mut command = std::process::Command::new(&program);
    command.arg("ls").env_clear().env("HOME", tool.home.path()).env("PATH", "/usr/bin:/bin");
    command.env("HAUKI_STATE_DIR", tool.path("state")).env("LC_ALL", "C").uid(65_534).gid(65_534);
    // Not the machine's own, which may not be for everybody.
    let config = tool.file("empty.yaml", "{}\n");
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o644)).expect("is ours");
    command.env("HAUKI_CONFIG", &config);
    let output = command.output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{said}");
    for word in ["need root", "65534", "sudo", "allow_uids", "--endpoint"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(!tool.path("state").exists(), "nothing was made");
}
