//! Compiled sources on real vaults and in the runner of scripts: what a caller sees of promises and timers.

use std::process::Output;

use crate::support::daemon::Daemon;

const WORKER: &str = "\"hauki runtime 1\";
function sleep(ms) { return new Promise(function (keep) { setTimeout(keep, ms); }); }
function nap(ms) { return sleep(ms).then(function () { return new Map([['ms', ms]]).get('ms'); }); }
function open() { return new Promise(function () {}); }
function lost() { Promise.reject(new RangeError('nobody')); return new Date(0); }
//# hauki-map={\"version\":3,\"sources\":[\"w.ts\"],\"names\":[],\"mappings\":\"\"}
";

fn texts(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("was not killed"), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn a_caller_gets_what_a_method_has_promised() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn(WORKER).await;
    let path = daemon.dir.path().join("t.json");
    std::fs::write(&path, serde_json::to_string(&spawned.ticket).expect("is JSON")).expect("writes");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("is ours");
    let call = |words: &[&str]| {
        let mut command = daemon.hauki();
        command.args(["proxy", "call"]).arg(&path).args(words);
        texts(&command.output().expect("runs"))
    };
    let (code, out, err) = call(&["nap", "30"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(out.trim(), "30");
    let (code, _, err) = call(&["open"]);
    assert_eq!(code, 7, "{err}");
    assert!(err.contains("the promise never settles"), "{err}");
    let (code, out, err) = call(&["lost", "--events"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("1970-01-01T00:00:00.000Z"), "{out}");
    assert!(out.contains("unhandled_rejection") && out.contains("RangeError: nobody"), "{out}");
}

#[test]
fn a_compiled_script_is_run_to_the_end_of_what_it_has_begun() {
    let daemon = Daemon::start();
    let path = daemon.dir.path().join("s.js");
    let text = "\"hauki runtime 1\";
setTimeout(function () { print('last') }, 20);
Promise.resolve('then').then(print);
print('first');
";
    std::fs::write(&path, text).expect("writes");
    let mut command = daemon.hauki();
    command.args(["proxy", "run"]).arg(&path);
    let (code, out, err) = texts(&command.output().expect("runs"));
    assert_eq!((code, out.as_str()), (0, "first\nthen\nlast\n"), "{err}");
}
