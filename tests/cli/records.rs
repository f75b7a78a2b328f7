//! Records in and out, batches, errors and undoing, against a control plane of a few lines.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::support::plane::{self, Request};
use crate::support::tool::Tool;
use crate::support::until;
use hauki_contract::system::clock;
use serde_json::{Value, json};

const SUMMONS: &str = "sum_01HF7YAT00000000000000001A";
const VAULT: &str = "vlt_01HF7YAT00000000000000001A";
const DEAD: &str = "vlt_01HF7YAT00000000000000001B";
const UNKNOWN: &str = "vlt_01HF7YAT00000000000000001C";
const HASH: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn summons(body: &Value) -> Value {
    json!({ "id": SUMMONS, "worker": { "name": "scout", "sha256": HASH }, "file": "scout.js",
        "source_bytes": 10, "args": body["args"].as_array().cloned().unwrap_or_default(),
        "limits": {}, "terms": {}, "key": body["key"], "created_at": "2026-11-21T14:00:00Z", "changed": true })
}

fn vault() -> Value {
    json!({ "id": VAULT, "summons": SUMMONS, "worker": { "name": "scout", "sha256": HASH }, "node": "local",
        "generation": 1, "phase": "ticketed", "methods": ["observe"], "limits": {}, "terms": {},
        "forged_at": "2026-11-21T14:00:00Z", "forged_us": 2600, "changed": true })
}

fn ticket() -> Value {
    json!({ "v": 1, "kind": "ticket", "id": "tkt_01HF7YAT00000000000000001A", "vault": VAULT, "generation": 1,
        "node": "local", "worker": { "name": "scout", "sha256": HASH },
        "endpoint": { "ip": "127.0.0.1", "port": 1 },
        "tls": { "version": "1.3", "cert_sha256": HASH, "key_sha256": HASH },
        "auth": { "scheme": "biscuit", "token": "hush" },
        "protocol": { "name": "jsonrpc-2.0", "framing": "ndjson", "max_frame_bytes": 65536, "call_deadline_ms": 1000 },
        "methods": ["observe"],
        "lease": { "claim_ms": 30000, "lease_ms": 60000, "link": false, "link_silence_ms": 750 },
        "issued_at": "2026-11-21T14:00:00Z", "expires_at": "2099-01-01T00:00:00Z" })
}

fn receipt(vault: &str, cause: &str) -> Value {
    json!({ "vault": vault, "node": "local", "death": { "cause": cause, "at": "2026-11-21T14:00:00Z" },
        "lived_ms": 48_000, "calls": 2, "reclaimed_us": 900, "reclaimed": [] })
}

fn error(code: &str, message: &str) -> Value {
    json!({ "code": code, "message": message, "retryable": matches!(code, "no_capacity" | "temporary") })
}

fn answer(request: &Request) -> (u16, Value) {
    let path = request.path.split('?').next().expect("has a first part");
    match (request.method.as_str(), path) {
        ("POST", "/api/v2/summons") => (200, summons(&request.body)),
        ("POST", "/api/v2/lxc_provision") if request.body["placement"]["node"] == "slow" => {
            std::thread::sleep(std::time::Duration::from_secs(20));
            (200, vault())
        }
        ("POST", "/api/v2/lxc_provision") if request.body["placement"]["labels"]["gpu"] == "yes" => {
            (503, error("no_capacity", "no node can take it: 1 node, 0 fit"))
        }
        ("POST", "/api/v2/lxc_provision") => (200, vault()),
        ("POST", "/api/v2/tickets") => (200, ticket()),
        ("POST", "/api/v2/swarm_spawn_ephemeral") => {
            let summons = summons(&request.body["summons"]);
            (200, json!({ "summons": summons, "vault": vault(), "ticket": ticket(), "changed": true }))
        }
        ("GET", "/api/v2/vaults") => (200, json!({ "vaults": [vault()] })),
        ("POST", "/api/v2/destructs") => {
            let vaults = request.body["vaults"].as_array().expect("is a list");
            let ended = vaults.iter().map(|vault| match vault.as_str().expect("is text") {
                DEAD => json!({ "vault": DEAD, "receipt": receipt(DEAD, "heartbeat_lost"), "changed": false }),
                UNKNOWN => {
                    json!({ "vault": UNKNOWN, "changed": false, "error": error("not_found", "no such vault") })
                }
                vault => json!({ "vault": vault, "receipt": receipt(vault, "destruct"), "changed": true }),
            });
            (200, json!({ "ended": ended.collect::<Vec<_>>() }))
        }
        ("GET", "/api/v2/service_registry") => {
            let service = json!({ "name": "scout/eu", "vault": VAULT, "node": "local",
                "worker": { "name": "scout", "sha256": HASH }, "since": "2026-11-21T14:00:00Z" });
            (200, json!({ "services": [service] }))
        }
        ("DELETE", _) => (200, json!({ "receipt": receipt(VAULT, "destruct"), "changed": true })),
        ("GET", path) if path.ends_with(VAULT) => {
            let mut dead = vault();
            dead["receipt"] = receipt(VAULT, "heartbeat_lost");
            (200, dead)
        }
        ("POST", "/api/v2/reap") => (200, json!({ "reaped": [], "nodes": [] })),
        _ => (404, error("not_found", "no such thing")),
    }
}

fn with_plane() -> (Tool, Arc<Mutex<Vec<Request>>>) {
    let tool = Tool::new();
    let log = plane::serve(&tool.socket(), answer);
    tool.file("scout.js", "function observe(items) { return items.length; }\n");
    (tool, log)
}

#[test]
fn three_phases_in_a_pipe_and_in_one() {
    let (tool, _) = with_plane();
    let summons = tool.run(&["summon", "scout.js", "--args", "[{\"z\":1,\"a\":2}]"]);
    assert_eq!(summons.code, 0, "{}", summons.stderr);
    assert!(summons.stdout.starts_with("{\"v\":1,\"kind\":\"summons\",\"id\":\"sum_"), "{}", summons.stdout);
    assert!(summons.stdout.contains("{\"z\":1,\"a\":2}"), "{}", summons.stdout);
    let vault = tool.run_with(&["forge", "-"], &summons.stdout);
    assert_eq!((vault.code, vault.records()[0]["kind"].as_str()), (0, Some("vault")), "{}", vault.stderr);
    let one = tool.run_with(&["ticket", "-"], &vault.stdout);
    assert_eq!(one.records(), [ticket()], "a ticket is its document and nothing else");
    let clone = tool.run(&["clone", "scout.js"]);
    assert_eq!((clone.code, clone.stdout), (0, one.stdout), "{}", clone.stderr);
    assert_eq!(tool.run(&["clone", "scout.js", "-o", "id"]).stdout, format!("{VAULT}\n"));
    let table = tool.run(&["clone", "scout.js", "-o", "wide"]).stdout;
    assert!(table.contains("TOKEN") && !table.contains("hush"), "{table}");
    assert!(tool.run(&["clone", "scout.js", "-o", "wide", "--reveal"]).stdout.contains("hush"));
}

#[test]
fn a_name_or_the_beginning_of_an_id_is_the_vault() {
    let (tool, _) = with_plane();
    for given in ["scout/eu", "vlt_01HF7YAT", "vlt_01hf7yat00", VAULT] {
        for verb in [
            &["show", given, "-o", "id"][..],
            &["ticket", given, "-o", "id"],
            &["destruct", given, "-o", "id"],
        ] {
            let ran = tool.run(verb);
            assert_eq!((ran.code, ran.stdout.trim()), (0, VAULT), "{verb:?}: {}", ran.stderr);
        }
    }
    // In a file and on standard input as well, and each failure is that of its line.
    let ran = tool.run_with(&["destruct", "-"], "scout/eu\nvlt_01HF7YAT\nscout/us\nno name\n");
    let told: Vec<_> = ran.records().iter().map(|told| told["vault"].clone()).collect();
    assert_eq!((ran.code, &told[..2]), (6, &[json!(VAULT), json!(VAULT)][..]), "{ran:?}");
    let codes: Vec<_> = ran.records()[2..].iter().map(|told| told["code"].clone()).collect();
    assert_eq!(codes, ["not_found", "bad_record"], "{ran:?}");
    assert_eq!(tool.run_with(&["destruct", "-"], "scout/us\n").code, 3);
    for given in ["scout/us", "vlt_01HF7YA", "vlt_9999999999", "vlt_"] {
        let ran = tool.run(&["show", given]);
        assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{given}: {}", ran.stderr);
    }
    assert_eq!(tool.run(&["show", "gone.json"]).code, 65);
    tool.file("dead", &format!("{DEAD}\n"));
    assert_eq!(tool.run(&["destruct", "dead", "-o", "id"]).stdout.trim(), DEAD);
    // Somebody else's file does not take the place of a name.
    std::fs::create_dir(tool.path("scout")).expect("makes a folder");
    tool.file("scout/eu", &format!("{DEAD}\n"));
    let ran = tool.run(&["destruct", "scout/eu"]);
    assert!(ran.code == 2 && ran.stderr.contains("hint: ./scout/eu is the file"), "{ran:?}");
    assert_eq!(tool.run(&["destruct", "./scout/eu", "-o", "id"]).stdout.trim(), DEAD);
    // And a record of a version that nobody knows is nobody's vault.
    tool.file("new", &format!("{{\"v\":2,\"kind\":\"vault\",\"id\":\"{VAULT}\"}}\n"));
    assert_eq!(tool.run(&["destruct", "new"]).code, 65);
    tool.file("two", &format!("{{\"v\":1,\"kind\":\"vault\",\"id\":\"{VAULT}\",\"vault\":\"{DEAD}\"}}\n"));
    let ran = tool.run(&["destruct", "two"]);
    assert!(ran.code == 65 && ran.stderr.contains("names two"), "{ran:?}");
}

#[test]
fn tickets_are_private_and_others_are_told_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let (tool, _) = with_plane();
    tool.file("scout.js", "function observe(items) { return items.length; }\n");
    let path = tool.path("t.json");
    for verb in [&["clone", "scout.js", "--out", "t.json"][..], &["ticket", VAULT, "--out", "t.json"]] {
        let ran = tool.run(verb);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
        let mode = std::fs::metadata(&path).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = std::fs::read_to_string(&path).expect("reads");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("is JSON"), ticket());
        assert_eq!(tool.run(&["destruct", "t.json", "-o", "id"]).stderr, "");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("opens it");
        let ran = tool.run(&["destruct", "t.json", "-o", "id"]);
        assert!(ran.code == 0 && ran.stderr.contains("warning: t.json holds a ticket"), "{}", ran.stderr);
        assert_eq!(tool.run(&["-q", "destruct", "t.json", "-o", "id"]).stderr, "");
    }
    // What cannot be written is destructed again.
    let ran = tool.run(&["clone", "scout.js", "--out", "no/such/t.json"]);
    assert!(ran.code == 74 && ran.stderr.contains("destructed again"), "{} {}", ran.code, ran.stderr);
}

#[test]
fn a_column_that_is_none_is_an_error_and_one_that_could_be_is_empty() {
    let (tool, _) = with_plane();
    let ran = tool.run(&["ls", "-o", "table", "--columns", "id,phase,receipt.death.cause,vitals.calls"]);
    assert!(ran.code == 0 && ran.stdout.contains("ticketed"), "{}", ran.stderr);
    let ran = tool.run(&["ls", "-o", "table", "--columns", "id,colour"]);
    assert!(ran.code == 2 && ran.stderr.contains("no column \"colour\""), "{}", ran.stderr);
    for format in ["jsonl", "json", "yaml", "id"] {
        let ran = tool.run(&["ls", "-o", format, "--columns", "id,colour"]);
        assert!(ran.code == 2 && ran.stderr.contains("no column"), "{format}: {} {}", ran.stdout, ran.stderr);
        assert_eq!(tool.run(&["ls", "-o", format, "--columns", "id,vitals.calls"]).code, 0, "{format}");
    }
    // An item that failed has none of them, and what comes after it is done all the same.
    for (columns, code) in [("id", 6), ("colour", 2)] {
        let ran =
            tool.run(&["show", "vlt_00000000000000000000000000", VAULT, "-o", "jsonl", "--columns", columns]);
        assert_eq!(ran.code, code, "{}", ran.stderr);
        let kinds = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("is a record"));
        let kinds: Vec<_> = kinds.map(|record| record["kind"].clone()).collect();
        assert_eq!(kinds, ["error", "vault"], "{}", ran.stdout);
    }
    for (filter, count) in [
        (["--phase", "ticketed"], 1),
        (["--phase", "live"], 0),
        (["--label", "a=b"], 0),
        (["--name", "x"], 0),
    ] {
        assert_eq!(tool.run(&["ls", filter[0], filter[1]]).stdout.lines().count(), count, "{filter:?}");
    }
}

#[test]
fn each_copy_has_a_key_of_its_own_that_is_the_same_next_time() {
    let (tool, log) = with_plane();
    for _ in 0..2 {
        let ran = tool.run(&["summon", "-n", "2", "scout.js", "--idempotency-key", "k"]);
        assert_eq!(ran.records().len(), 2, "{}", ran.stderr);
    }
    let keys: Vec<_> =
        log.lock().expect("is whole").iter().map(|request| request.body["key"].clone()).collect();
    assert_eq!(keys, ["k.0", "k.1", "k.0", "k.1"]);
}

#[test]
fn gone_already_is_no_error_unless_it_must_exist() {
    let (tool, log) = with_plane();
    let ran = tool.run(&["destruct", VAULT, DEAD, UNKNOWN]);
    assert_eq!(log.lock().expect("is whole").len(), 1, "one order for all");
    let changed: Vec<_> = ran.records().iter().map(|record| record["changed"].clone()).collect();
    assert_eq!((ran.code, changed), (0, vec![json!(true), json!(false), json!(false)]));
    let ran = tool.run(&["destruct", "--must-exist", UNKNOWN]);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""));
    let ran = tool.run(&["destruct", "--must-exist", "-j", "3", VAULT, UNKNOWN, DEAD]);
    let kinds: Vec<_> = ran.records().iter().map(|record| record["kind"].clone()).collect();
    assert_eq!((ran.code, kinds), (6, vec![json!("receipt"), json!("error"), json!("receipt")]));
    assert_eq!(ran.records()[1]["input"], UNKNOWN);
    insta::assert_snapshot!("receipt", tool.run(&["destruct", VAULT, DEAD, UNKNOWN, "-o", "table"]).stdout);
}

#[test]
fn bulk_needs_yes_and_cron_hears_nothing() {
    let (tool, log) = with_plane();
    let ran = tool.run(&["destruct", "--all"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--yes"), "{}", ran.stderr);
    assert_eq!(log.lock().expect("is whole").iter().filter(|request| request.method == "POST").count(), 0);
    assert_eq!(tool.run(&["destruct", "--all", "--yes"]).records().len(), 1);
    let ran = tool.run(&["destruct", "--reap", "--older-than", "30m", "-q"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""));
}

#[test]
fn failures_go_on_through_the_pipe() {
    let (tool, _) = with_plane();
    let failed = r#"{"v":1,"kind":"error","ok":false,"code":"x"}"#;
    let ran = tool.run_with(&["destruct", "-"], &format!("{failed}\n{VAULT}\nno sense\n"));
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    let records = ran.records();
    assert_eq!(records[0], serde_json::from_str::<Value>(failed).expect("is JSON"));
    assert_eq!((&records[1]["kind"], &records[2]["code"]), (&json!("receipt"), &json!("bad_record")));
}

#[test]
fn no_capacity_is_75_and_says_what_to_do() {
    let (tool, _) = with_plane();
    let ran = tool.run(&["forge", SUMMONS, "--label", "gpu=yes"]);
    assert_eq!(ran.code, 75);
    insta::assert_snapshot!("no_capacity", ran.stderr);
    let ran = tool.run(&["forge", SUMMONS, "--label", "gpu=yes", "-o", "json"]);
    let error: Value = serde_json::from_str(&ran.stderr).expect("is one object");
    assert_eq!((&error["code"], &error["retryable"]), (&json!("no_capacity"), &json!(true)));
    assert!(error["idempotency_key"].is_string());
    let ran = tool.run(&["forge", SUMMONS, "--label", "gpu=yes", "--wait", "--timeout", "300ms"]);
    assert_eq!(ran.code, 124, "{}", ran.stderr);
}

#[test]
fn a_dead_vault_is_explained_by_its_tombstone() {
    let (tool, _) = with_plane();
    tool.file("t.json", &ticket().to_string());
    let ran = tool.run(&["proxy", "call", "t.json", "observe", "[]"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("is dead: heartbeat lost"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hauki heartbeat"), "{}", ran.stderr);
    assert_eq!(tool.run(&["proxy", "call", "t.json", "observe", "not json"]).code, 65);
    tool.file("t.json", &ticket().to_string().replace("\"generation\"", "\"generashun\""));
    assert_eq!(tool.run(&["proxy", "call", "t.json", "observe"]).code, 65);
}

#[test]
fn lists_have_one_shape() {
    let (tool, _) = with_plane();
    let list: Value = serde_json::from_str(&tool.run(&["ls", "-o", "json"]).stdout).expect("is JSON");
    assert_eq!(list.as_array().map(Vec::len), Some(1));
    insta::assert_snapshot!("ls_table", tool.run(&["ls", "-o", "table"]).stdout);
    assert_eq!(tool.run(&["ls", "-o", "id"]).stdout, format!("{VAULT}\n"));
    assert!(tool.run(&["ls", "-o", "yaml"]).stdout.starts_with("---\nv: 1\nkind: vault\n"));
    assert_eq!(tool.run(&["ls", "-qq"]).stdout, "");
}

#[test]
fn a_clone_whose_ticket_cannot_be_written_is_destructed() {
    for format in ["jsonl", "table", "json"] {
        let (tool, log) = with_plane();
        let mut child = Command::new(assert_cmd::cargo::cargo_bin("hauki"))
            .args(["clone", "scout.js", "-o", format])
            .env_clear()
            .envs(tool.environment())
            .current_dir(tool.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().expect("is piped").read_to_string(&mut said).expect("reads");
        assert_eq!(child.wait().expect("ends").code(), Some(141), "{said}");
        assert!(!said.contains("error"), "a broken pipe is quiet: {said}");
        let log = log.lock().expect("is whole");
        let last = log.last().expect("was asked");
        assert_eq!((last.method.as_str(), last.path.contains(VAULT)), ("DELETE", true), "{format}: {log:?}");
    }
}

#[test]
fn what_cannot_be_written_is_told_and_nothing_is_left_of_it() {
    for (place, why) in [(">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")] {
        for words in [
            "--help",
            "--version",
            "help exit-codes",
            "completions bash",
            "config show",
            "version",
            "ticket --schema",
            "summon --dry-run scout.js",
            "ls",
            "ls -o json",
            "ls -o table",
            "ls -o yaml",
            "ls -o id",
            &format!("show {VAULT}"),
            "clone scout.js",
            "clone scout.js -o id",
            "clone scout.js --out /dev/stdout",
        ] {
            let (tool, log) = with_plane();
            let line = format!("exec {} {words} {place}", assert_cmd::cargo::cargo_bin("hauki").display());
            let mut command = Command::new("sh");
            command.args(["-c", &line]).env_clear().envs(tool.environment()).current_dir(tool.home.path());
            let output = command.stdin(Stdio::null()).output().expect("runs");
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(74), "{words} {place}: {said}");
            assert!(said.contains(why), "{words} {place}: {said}");
            if words.starts_with("clone") {
                let log = log.lock().expect("is whole");
                assert!(log.iter().any(|request| request.method == "DELETE"), "{words} {place}: {log:?}");
            }
        }
        // Who has nothing to say needs nowhere to say it.
        let (tool, _) = with_plane();
        let line = format!("exec {} ls -qq {place}", assert_cmd::cargo::cargo_bin("hauki").display());
        let mut command = Command::new("sh");
        command.args(["-c", &line]).env_clear().envs(tool.environment());
        assert_eq!(command.status().expect("runs").code(), Some(0));
    }
}

/// SIGXFSZ would have ended it without a word, and left the vault.
#[test]
fn a_file_that_may_not_grow_is_an_error_in_words() {
    for words in ["completions bash > words", "clone scout.js --out t.json", "clone scout.js > t.json"] {
        let (tool, log) = with_plane();
        let line = format!("ulimit -f 0; exec {} {words}", assert_cmd::cargo::cargo_bin("hauki").display());
        let mut command = Command::new("bash");
        command.args(["-c", &line]).env_clear().envs(tool.environment()).current_dir(tool.home.path());
        let output = command.stdin(Stdio::null()).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(74), "{words}: {:?} {said}", output.status);
        assert!(said.contains("File too large"), "{words}: {said}");
        let is_ended = log.lock().expect("is whole").iter().any(|request| request.method == "DELETE");
        assert_eq!(is_ended, words.starts_with("clone"), "{words}: {said}");
    }
}

#[test]
fn a_command_under_a_heartbeat_does_not_start_on_a_dead_vault() {
    let (tool, _) = with_plane();
    tool.file("t.json", &ticket().to_string());
    let ran = tool.run(&["heartbeat", "t.json", "--", "touch", "ran"]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(!tool.path("ran").exists());
}

#[test]
fn a_signal_ends_a_waiting_command_and_is_its_exit() {
    for (signal, code) in [(rustix::process::Signal::INT, 130), (rustix::process::Signal::TERM, 143)] {
        let (tool, log) = with_plane();
        let mut child = Command::new(assert_cmd::cargo::cargo_bin("hauki"))
            .args(["forge", SUMMONS, "--node", "slow"])
            .env_clear()
            .envs(tool.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        // What was asked shows that it waits now, with its signals set up before.
        until::until_so("the request", || !log.lock().expect("is whole").is_empty());
        let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("is a pid");
        rustix::process::kill_process(pid, signal).expect("signals");
        let mut said = String::new();
        child.stderr.take().expect("is piped").read_to_string(&mut said).expect("reads");
        assert_eq!(child.wait().expect("ends").code(), Some(code), "{said}");
    }
}

/// A server whose first stream breaks, and which notes what it was asked for.
fn breaking(socket: &std::path::Path) -> Arc<Mutex<Vec<String>>> {
    use std::io::{BufRead as _, BufReader, Write as _};
    let listener = std::os::unix::net::UnixListener::bind(socket).expect("binds");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("accepts");
            let mut reader = BufReader::new(stream.try_clone().expect("is open"));
            let mut first = String::new();
            let mut line = String::new();
            let _ = reader.read_line(&mut first);
            while reader.read_line(&mut line).is_ok_and(|length| length > 2) {
                line.clear();
            }
            // Who only looks whether somebody listens asks for nothing.
            let Some(path) = first.split(' ').nth(1) else { continue };
            let mut log = log.lock().expect("is whole");
            log.push(path.to_owned());
            let event = |seq: u32| {
                let event = json!({ "seq": seq, "at": "2026-11-30T00:00:00Z", "event": "node_up", "node": "n", "boot_id": "b" });
                format!("{:x}\r\n{event}\n\r\n", event.to_string().len() + 1)
            };
            let end = if log.len() == 1 { "" } else { "0\r\n\r\n" };
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";
            let number = 6 + u32::try_from(log.len()).expect("is small");
            let _ = stream.write_all(format!("{head}{}{end}", event(number)).as_bytes());
        }
    });
    asked
}

#[test]
fn who_follows_events_goes_on_where_the_stream_broke() {
    let tool = Tool::new();
    let asked = breaking(&tool.socket());
    let ran = tool.run(&["events", "-f", "-o", "jsonl"]);
    let seen: Vec<_> = ran.records().iter().map(|event| event["seq"].as_u64()).collect();
    assert_eq!((ran.code, seen), (0, vec![Some(7), Some(8)]), "{ran:?}");
    let asked = asked.lock().expect("is whole");
    assert!(asked.len() == 2 && asked[1].contains("after=7"), "{asked:?}");
    // Who does not follow is told.
    let tool = Tool::new();
    breaking(&tool.socket());
    assert_eq!(tool.run(&["events", "-o", "jsonl", "--retries", "0"]).code, 75);
}

#[test]
fn a_ticket_in_a_file_needs_no_control_plane_that_answers() {
    let tool = Tool::new();
    // Somebody listens and says nothing.
    let _listener = std::os::unix::net::UnixListener::bind(tool.socket()).expect("binds");
    tool.file("t1", &ticket().to_string());
    for words in [&["proxy", "call", "t1", "observe"][..], &["heartbeat", "t1"]] {
        let begun = clock::mono();
        let ran = tool.run(words);
        // Nobody is behind the ticket either, which is what is told.
        assert!(ran.code == 75 && ran.stderr.contains("the file is meant"), "{words:?}: {ran:?}");
        // A request that waits for an answer waits for a minute.
        let took = clock::mono().since(begun);
        assert!(took < 20_000_000, "{words:?}: {took} us");
    }
}
