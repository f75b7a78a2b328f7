//! Starting a daemon where there is none, with scripts in its place.

#[path = "support/tool.rs"]
mod tool;

use std::path::PathBuf;

use tool::Tool;

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
