//! A store that is damaged, cut, lost or copied, as its operator sees it: what is said, by the daemon and by the doctor,
//! and that the way back works as it is printed.

use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use crate::support::daemon::{Daemon, spawning};
use crate::support::earlier;
use crate::support::family::HANG;
use hauki::api::summons::{SpawnRequest, Spawned};
use hauki::client::ghost::{Ghost, GhostError, GhostOptions};
use hauki::model::death::Cause;
use serde_json::Value;
use tokio::time::timeout;

const WORKER: &str = "function f() { return 1; }";

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn hauki(daemon: &Daemon, arguments: &[&str]) -> (Option<i32>, String) {
    let output = daemon.hauki().args(arguments).output().expect("hauki runs");
    (output.status.code(), told(&output))
}

fn listed(daemon: &Daemon) -> Vec<Value> {
    let output = daemon.hauki().args(["ls", "-o", "jsonl"]).output().expect("hauki runs");
    assert!(output.status.success(), "{}", told(&output));
    let lines = String::from_utf8(output.stdout).expect("is text");
    lines.lines().map(|line| serde_json::from_str(line).expect("is a record")).collect()
}

/// What `hauki doctor` says where no daemon runs.
fn doctor(dir: &Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_hauki"))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HAUKI_STATE_DIR", dir)
        .env("HAUKI_CONFIG", dir.join("hauki.yaml"))
        .args(["doctor", "-o", "jsonl"])
        .output()
        .expect("hauki runs");
    (output.status.code(), told(&output))
}

/// In the value of the document with this key, and in what is left of its earlier ones.
fn flip_in(store: &Path, key: &str, word: &str) {
    let mut bytes = std::fs::read(store).expect("reads");
    let find = |bytes: &[u8], from: usize, what: &str| {
        let found = bytes[from..].windows(what.len()).position(|window| window == what.as_bytes());
        found.map(|found| from + found)
    };
    let (mut from, mut flipped) = (0, 0);
    while let Some(at) = find(&bytes, from, key) {
        from = at + key.len();
        // In an index it stands without one.
        if !bytes[from..].iter().take(12).any(|byte| *byte == b'{') {
            continue;
        }
        let word = find(&bytes, at, word).expect("is in the value");
        bytes[word] ^= 1;
        (from, flipped) = (word, flipped + 1);
    }
    assert!(flipped > 0, "{key} is not in the file");
    std::fs::write(store, bytes).expect("writes");
}

fn store_of(daemon: &Daemon) -> PathBuf {
    daemon.dir.path().join("core/store.db")
}

fn request(name: &str) -> SpawnRequest {
    let mut request = spawning(WORKER, Default::default());
    request.summons.name = name.parse().ok();
    request
}

async fn named(daemon: &Daemon, name: &str) -> Spawned {
    daemon.endpoint().spawn(&request(name)).await.expect("spawns")
}

/// Core and node apart, so that a core can be stopped beside living vaults.
fn pair() -> (Daemon, Daemon) {
    let dir = Daemon::ground("");
    let config = dir.path().join("hauki.yaml");
    let mut text = std::fs::read_to_string(&config).expect("was written");
    text.push_str(&format!("nodes: [{{name: local, socket: {}}}]\n", dir.path().join("node.sock").display()));
    std::fs::write(&config, text).expect("is ours");
    let node = Daemon::start_in(dir, "node", &[]);
    let core = Daemon::start_in(node.dir.clone(), "core", &[]);
    (node, core)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_with_a_damaged_record_is_listed_counted_and_ended() {
    let (_node, mut core) = pair();
    let (boss, other) = (named(&core, "boss").await, named(&core, "other").await);
    let ghost = Ghost::connect(&boss.ticket, GhostOptions::default()).await.expect("connects");
    assert_eq!(core.terminate().code(), Some(0));
    // A page in the log would hide the one that is damaged here.
    let log = std::fs::metadata(store_of(&core).with_extension("db-wal")).map_or(0, |log| log.len());
    assert_eq!(log, 0, "the daemon has left its log behind");
    for spawned in [&boss, &other] {
        flip_in(&store_of(&core), &format!("vault/{}", spawned.vault.id), "boot_id");
    }
    let (code, said) = doctor(core.dir.path());
    assert!(code == Some(78) && said.contains("2 damaged records"), "{code:?} {said}");
    core.restart();
    assert_eq!(ghost.call_typed::<i32>("f", &[0; 0]).await.expect("lives"), 1);

    let vaults = listed(&core);
    assert_eq!(vaults.len(), 2, "{vaults:?}");
    for (vault, spawned) in vaults.iter().zip([&boss, &other]) {
        assert_eq!((&vault["id"], &vault["damaged"]), (&spawned.vault.id.as_str().into(), &true.into()));
        assert_eq!(
            (vault["node"].as_str(), vault["worker"]["name"].as_str()),
            (Some("local"), Some("worker"))
        );
    }
    assert_eq!(core.endpoint().health().await.expect("answers").vaults, 2);
    let (code, said) = hauki(&core, &["doctor"]);
    assert!(code == Some(78) && said.contains(boss.vault.id.as_str()), "{code:?} {said}");
    let taken = core.endpoint().spawn(&request("boss")).await.expect_err("its holder lives");
    assert!(taken.to_string().contains("is taken by a live worker"), "{taken}");

    // By its id, and with all others; its name is free then.
    let (code, said) = hauki(&core, &["destruct", boss.vault.id.as_str()]);
    assert_eq!(code, Some(0), "{said}");
    let end = timeout(HANG, ghost.closed()).await.expect("is told");
    assert!(matches!(&end, GhostError::Dead { death, .. } if death.cause == Cause::Destruct), "{end:?}");
    named(&core, "boss").await;
    let (code, said) = hauki(&core, &["destruct", "--all", "-y"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(listed(&core).is_empty());
    assert_eq!(core.endpoint().health().await.expect("answers").vaults, 0);
    named(&core, "other").await;
    assert_eq!(hauki(&core, &["destruct", "--all", "-y"]).0, Some(0));
    let (_, said) = hauki(&core, &["doctor"]);
    assert!(!said.contains("damaged"), "{said}");
}

/// Where it begins in the log: behind the header, and the head and the page of the first.
const SECOND_FRAME: usize = 32 + 24 + 4096;

/// Whether everything is in the file: the log is empty, or begun anew over the old one, so that its second frame has
/// not the salts of its header.
fn is_quiet(daemon: &Daemon) -> bool {
    let log = std::fs::read(daemon.dir.path().join("core/store.db-wal")).expect("is there");
    log.get(SECOND_FRAME + 8..SECOND_FRAME + 16).is_none_or(|salts| salts != &log[16..24])
}

async fn quiet(daemon: &Daemon) {
    let copied = async {
        while !is_quiet(daemon) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(HANG, copied).await.expect("it has a quiet second");
}

/// What died with its daemon is dead, and its name is free.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_record_of_the_dead_holds_no_name_and_keeps_no_daemon() {
    let mut daemon = Daemon::start();
    let boss = named(&daemon, "boss").await;
    quiet(&daemon).await;
    daemon.kill();
    flip_in(&store_of(&daemon), &format!("vault/{}", boss.vault.id), "boot_id");
    daemon.restart();
    assert!(listed(&daemon).is_empty());
    assert_eq!(daemon.endpoint().health().await.expect("answers").vaults, 0);
    let (code, said) = hauki(&daemon, &["destruct", boss.vault.id.as_str(), "-o", "jsonl"]);
    assert!(code == Some(0) && said.contains("daemon_lost"), "{code:?} {said}");
    named(&daemon, "boss").await;
}

/// What stands between back quotes in a message.
fn printed(said: &str) -> String {
    said.split('`').skip(1).step_by(2).last().expect("names a command").to_owned()
}

/// Refused by the daemon and by the doctor with the same words; what is printed is typed, and it starts.
fn refused_with_a_way_back(dir: &Path, expected: &str) {
    let (word, status) = Daemon::refused_in(dir, "all", &[]);
    assert!(word.contains(expected), "{expected:?} is not in {word:?}");
    let group = hauki_sandbox::lxc::group_of("hauki", &dir.join("sandbox")).expect("is there");
    let left = std::fs::read_dir("/sys/fs/cgroup").expect("is mounted").flatten();
    let left: Vec<_> = left.map(|point| point.path().join(&group)).filter(|path| path.exists()).collect();
    assert!(left.is_empty(), "what cannot start leaves nothing: {left:?}");
    assert_eq!(status.code(), Some(78), "{word}");
    let before = files(dir);
    let (code, said) = doctor(dir);
    assert!(code == Some(78) && said.contains(expected), "{code:?} {said}");
    assert_eq!(files(dir), before, "the doctor only looks");
    let way = printed(&word);
    let said: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let hint = said.iter().find_map(|check| check["hint"].as_str().filter(|hint| hint.contains('`')));
    assert_eq!(printed(hint.expect("says the way back")), way);
    let typed = Command::new("sh").args(["-c", &way]).output().expect("runs");
    assert!(typed.status.success(), "{way}: {}", told(&typed));
}

fn files(dir: &Path) -> Vec<(PathBuf, u64)> {
    let entries = std::fs::read_dir(dir.join("core")).expect("is there").flatten();
    let mut files: Vec<_> =
        entries.map(|entry| (entry.path(), entry.metadata().expect("is there").len())).collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_lost_of_the_log_is_said_and_the_way_back_works_as_printed() {
    for cut in [false, true] {
        let mut daemon = Daemon::start();
        named(&daemon, "zero").await;
        let in_the_log = async {
            loop {
                quiet(&daemon).await;
                for name in ["one", "two", "three"] {
                    named(&daemon, name).await;
                }
                daemon.kill();
                if !is_quiet(&daemon) {
                    break;
                }
                daemon.restart();
            }
        };
        timeout(HANG, in_the_log).await.expect("is killed within a second");
        let log = daemon.dir.path().join("core/store.db-wal");
        let mut bytes = std::fs::read(&log).expect("reads");
        // What stands behind the log's end may be of an older one.
        if cut {
            bytes.truncate(SECOND_FRAME + 2048);
        } else {
            bytes[SECOND_FRAME + 2048] ^= 1;
        }
        std::fs::write(&log, bytes).expect("writes");
        refused_with_a_way_back(daemon.dir.path(), "were acknowledged");
        daemon.restart();
        assert!(listed(&daemon).is_empty());
        named(&daemon, "three").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_missing_or_damaged_is_said_and_the_way_back_works_as_printed() {
    for (spoil, expected) in [
        (None, "is missing or empty"),
        (Some(&b""[..]), "is missing or empty"),
        (Some(&[0x5a; 8192][..]), "is damaged"),
        (Some(&b"half"[..]), "is damaged"),
    ] {
        let mut daemon = Daemon::start();
        named(&daemon, "one").await;
        daemon.terminate();
        let store = store_of(&daemon);
        match spoil {
            None => std::fs::remove_file(&store).expect("is there"),
            Some(b"half") => {
                let file = std::fs::File::options().write(true).open(&store).expect("is there");
                file.set_len(file.metadata().expect("is there").len() / 8192 * 4096).expect("cuts");
            }
            Some(bytes) => std::fs::write(&store, bytes).expect("writes"),
        }
        refused_with_a_way_back(daemon.dir.path(), expected);
        daemon.restart();
        assert!(!hauki(&daemon, &["ls", "--all"]).1.contains("vlt_"), "with nothing, on purpose");
        named(&daemon, "one").await;
        assert_eq!(hauki(&daemon, &["doctor"]).0, Some(0), "{}", daemon.log());
    }
}

/// The file alone is the store, after a stop and a second after the last commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_file_is_a_store() {
    let mut daemon = Daemon::start();
    let spawned = named(&daemon, "one").await;
    quiet(&daemon).await;
    let running = std::fs::read(store_of(&daemon)).expect("reads");
    let older = running.clone();
    daemon.terminate();
    let stopped = std::fs::read(store_of(&daemon)).expect("reads");
    for copy in [running, stopped] {
        let dir = Arc::new(Daemon::ground(""));
        std::fs::create_dir(dir.path().join("core")).expect("is ours");
        std::fs::write(dir.path().join("core/store.db"), copy).expect("writes");
        // It signed its tickets with a key that is not there.
        refused_with_a_way_back(dir.path(), "issuer.key");
        assert_eq!(doctor(dir.path()).0, Some(0));
        let other = Daemon::start_in(dir, "all", &[]);
        let (_, said) = hauki(&other, &["show", spawned.vault.id.as_str(), "-o", "jsonl"]);
        assert!(said.contains("\"name\":\"one\"") && said.contains("\"phase\":\"dead\""), "{said}");
    }
    // An older copy over a newer store has lost something, and says so.
    std::fs::write(store_of(&daemon), older).expect("writes");
    refused_with_a_way_back(daemon.dir.path(), "were acknowledged");
    daemon.restart();
    assert!(hauki(&daemon, &["ls", "--all"]).1.contains("one"));
}

/// It signs what nobody believes: vaults that live know the other one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_in_the_key_is_said_and_the_way_back_works_as_printed() {
    let mut daemon = Daemon::start();
    named(&daemon, "one").await;
    daemon.terminate();
    let key = daemon.dir.path().join("core/issuer.key");
    let mut spoiled = std::fs::read(&key).expect("reads");
    spoiled[5] = if spoiled[5] == b'a' { b'b' } else { b'a' };
    std::fs::write(&key, spoiled).expect("is ours");
    refused_with_a_way_back(daemon.dir.path(), "is not the one that signed");
    daemon.restart();
    assert!(hauki(&daemon, &["ls", "--all"]).1.contains("one"), "the records stay");
    daemon.terminate();
    daemon.restart();
}

/// A copy of what is being written is of no moment, and looks damaged; what a killed look has left is removed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_looks_at_a_store_that_a_daemon_has_open() {
    let daemon = Daemon::start();
    let core = daemon.dir.path().join("core");
    let looks = || {
        let names = std::fs::read_dir(&core).expect("is there").flatten().map(|entry| entry.file_name());
        names.filter(|name| name.to_string_lossy().starts_with("look-")).count()
    };
    let left = core.join("look-1");
    std::fs::create_dir(&left).expect("is ours");
    std::fs::write(left.join("store.db"), "half of it").expect("is ours");
    let endpoint = daemon.endpoint();
    let writing = tokio::spawn(async move {
        for number in 0.. {
            let mut request = request("x").summons;
            (request.key, request.name) = (format!("w{number}"), None);
            endpoint.summon(&request).await.expect("is written down");
        }
    });
    for _ in 0..3 {
        let findings = Command::new(env!("CARGO_BIN_EXE_haukid"))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HAUKI_STATE_DIR", daemon.dir.path())
            .env("HAUKI_CONFIG", daemon.dir.path().join("hauki.yaml"))
            .arg("findings")
            .output();
        let said = told(&findings.expect("haukid runs"));
        assert!(said.starts_with('[') && !said.contains("store"), "{said}");
        assert_eq!(looks(), 0, "what was left is gone, and nothing was copied");
    }
    writing.abort();
}

/// Each schema that a released daemon has written opens, with all that was in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_each_earlier_version_opens_and_keeps_what_it_has() {
    let versions = earlier::all();
    let (mut newest, mut current) = (0, 0_u32);
    for (number, version) in versions {
        let dir = Arc::new(Daemon::ground(""));
        std::fs::create_dir(dir.path().join("core")).expect("is ours");
        let first = ["vault/", "tomb/", "spool/", "summons/"];
        let ids = earlier::write(&version, &dir.path().join("core/store.db"), &first);
        let [living, dead, queued, summons] = ids.try_into().expect("one for each");
        // No key that has signed is in a repository.
        refused_with_a_way_back(dir.path(), "issuer.key");
        let mut daemon = Daemon::start_in(dir, "all", &[]);
        let show = |id: &str| {
            let spool = id.starts_with("spl_");
            let words =
                if spool { &["spool", "show", id, "-o", "jsonl"][..] } else { &["show", id, "-o", "jsonl"] };
            hauki(&daemon, words).1
        };
        for (id, expected) in [
            (&living, "\"phase\":\"dead\""),
            (&dead, "\"cause\":\"destruct\""),
            (&summons, "\"source_bytes\":25"),
        ] {
            assert!(show(id).contains(expected), "schema {number}: {}", show(id));
        }
        let said = hauki(&daemon, &["gem", "ls", "-o", "jsonl"]).1;
        assert!(said.contains("gem-pointer://w@1#sha256="), "schema {number}: {said}");
        // It has waited for a node with room, and here is one.
        let forged = async {
            while !show(&queued).contains("\"state\":\"forged\"") {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        assert!(timeout(HANG, forged).await.is_ok(), "schema {number}: {}", show(&queued));
        assert_eq!(hauki(&daemon, &["resolve", "later/one"]).0, Some(0), "schema {number}");
        // A name goes with its vault.
        assert_eq!(hauki(&daemon, &["resolve", "counter/one"]).0, Some(3), "schema {number}");
        assert_eq!(hauki(&daemon, &["doctor"]).0, Some(0), "schema {number}: {}", daemon.log());
        assert!(daemon.terminate().success());
        newest = number;
        let store = rusqlite::Connection::open(daemon.dir.path().join("core/store.db")).expect("opens");
        current = store.pragma_query_value(None, "user_version", |row| row.get(0)).expect("has one");
    }
    assert_eq!(
        newest + 1,
        current,
        "tests/versions has a state of each schema before today's, made before that was changed"
    );
}

/// What an older program does with a store of this version: its own words, and nothing is touched.
#[test]
fn a_store_of_a_later_version_is_refused_in_words_and_left_as_it_is() {
    let mut daemon = Daemon::start();
    assert!(daemon.terminate().success());
    let path = daemon.dir.path().join("core/store.db");
    let store = rusqlite::Connection::open(&path).expect("opens");
    store.pragma_update(None, "user_version", 99).expect("is written");
    drop(store);
    let before = std::fs::read(&path).expect("reads");
    let (said, status) = Daemon::refused_in(daemon.dir.path(), "all", &[]);
    let told = ["has schema 99, this program knows up to", "install that one again"];
    assert!(told.iter().all(|words| said.contains(words)), "{said}");
    assert_eq!(status.code(), Some(78), "{said}");
    let (code, said) = hauki(&daemon, &["doctor"]);
    assert!(code == Some(78) && said.contains("schema 99"), "{code:?} {said}");
    assert_eq!(std::fs::read(&path).expect("reads"), before);
}

/// Nobody reads it, and no start looks: the daemon itself finds it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bit_that_flips_in_the_index_of_a_running_daemon_is_told_by_the_doctor() {
    let mut daemon = Daemon::start();
    let key = format!("summons/{}", named(&daemon, "boss").await.vault.summons);
    quiet(&daemon).await;
    assert!(!hauki(&daemon, &["doctor"]).1.contains("index"));
    let bytes = std::fs::read(store_of(&daemon)).expect("reads");
    let places = (0..bytes.len() - key.len() - 12).filter(|at| bytes[*at..].starts_with(key.as_bytes()));
    let in_index: Vec<usize> =
        places.map(|at| at + key.len()).filter(|end| !bytes[*end..*end + 12].contains(&b'{')).collect();
    assert!(!in_index.is_empty());
    // In its place, as a disk does it: a file that is written anew has a moment in which it is short.
    let file = std::fs::OpenOptions::new().write(true).open(store_of(&daemon)).expect("opens");
    for end in in_index {
        file.write_at(&[bytes[end - 1] ^ 1], end as u64 - 1).expect("writes");
    }
    let told = format!("the store's index does not fit its records: {key}");
    let found = async {
        while !tokio::task::block_in_place(|| hauki(&daemon, &["doctor"])).1.contains(&told) {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    timeout(HANG, found).await.expect("is found");
    assert_eq!(daemon.log().matches("the store's index does not fit its records").count(), 1);
    assert_eq!(listed(&daemon).len(), 1, "everything else goes on");
    assert_eq!(daemon.terminate().code(), Some(0));
    daemon.restart();
    assert!(!hauki(&daemon, &["doctor"]).1.contains("index"));
}
