//! `hauki node add` and its kin, through a real sshd onto this very machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::daemon::{self, Daemon};
use crate::support::sshd::{self, Sshd};
use crate::support::until::until_so;
use hauki::api::vault::Placement;
use hauki::client::ghost::{Ghost, GhostOptions};
use hauki::model::swarm::SwarmNode;
use rustix::process::Signal;
use serde_json::{Value, json};

const WORKER: &str = "var n = 0; function add(x) { n += x; return n; }";

/// A core of its own, and a machine to be added, which is this one under another address.
pub(crate) struct Ground {
    pub sshd: Sshd,
    pub core: Daemon,
    machine: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        Self::on(Sshd::start(""), &[])
    }

    pub(crate) fn on(sshd: Sshd, variables: &[(&str, &Path)]) -> Self {
        let core = Daemon::start_with(Daemon::ground("").into(), "core", variables);
        // Its configuration has an id range that nobody else uses.
        let machine = Daemon::ground("");
        Self { sshd, core, machine }
    }

    fn id_base(&self) -> u32 {
        let text = std::fs::read_to_string(self.machine.path().join("hauki.yaml")).expect("was written");
        let number = text.split("id_base: ").nth(1).and_then(|rest| rest.split(',').next());
        number.and_then(|number| number.parse().ok()).expect("is a number")
    }

    pub(crate) fn node(&self, name: &str) -> Value {
        json!({
            "name": name,
            "ssh": format!("root@127.0.0.1:{}", self.sshd.relay.port),
            "key_file": self.sshd.path("id"),
            "labels": { "region": "eu" },
            "data_plane": "127.0.0.1",
            "max_vaults": 64,
            "id_base": self.id_base(),
            "state_dir": self.state(),
            "socket": self.state().join("node.sock"),
            "program": self.machine.path().join("bin/haukid"),
        })
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.machine.path().join("state")
    }

    pub(crate) fn file(&self, nodes: &[Value]) -> PathBuf {
        let path = self.machine.path().join("swarm.yaml");
        std::fs::write(&path, json!({ "nodes": nodes }).to_string()).expect("writes");
        path
    }

    pub(crate) fn hauki(&self, args: &[&str]) -> Output {
        let mut command = self.core.hauki();
        command.args(args).args(["-o", "jsonl", "--progress", "plain"]);
        command.env("HAUKI_ENDPOINT", format!("unix://{}", self.core.socket.display()));
        command.output().expect("runs")
    }

    pub(crate) fn print(&self) -> String {
        fingerprint(&self.sshd.path("host_key.pub"))
    }

    pub(crate) fn add(&self, nodes: &[Value]) -> Output {
        let (file, print) = (self.file(nodes), self.print());
        self.hauki(&["node", "add", "--file", &file.display().to_string(), "--host-key", &print])
    }

    fn daemon_pid(&self) -> Option<u32> {
        std::fs::read_to_string(self.state().join("node.lock")).ok()?.split_whitespace().next()?.parse().ok()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let Some(pid) = self.daemon_pid() else { return };
        let ours = std::fs::read_link(format!("/proc/{pid}/exe"));
        if ours.is_ok_and(|exe| exe.starts_with(self.machine.path())) {
            daemon::signal(pid, Signal::TERM);
            until_so("the daemon ends", || !Path::new(&format!("/proc/{pid}/exe")).exists());
        }
    }
}

/// A file system of one mebibyte.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn at(path: PathBuf) -> Self {
        std::fs::create_dir(&path).expect("is ours");
        let size = Some(c"size=1m");
        rustix::mount::mount("tmpfs", &path, "tmpfs", rustix::mount::MountFlags::empty(), size)
            .expect("mounts");
        Self(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.0, rustix::mount::UnmountFlags::DETACH);
    }
}

fn fingerprint(public: &Path) -> String {
    let said = Command::new("ssh-keygen").arg("-lf").arg(public).output().expect("runs");
    String::from_utf8_lossy(&said.stdout).split(' ').nth(1).expect("is there").to_owned()
}

fn record(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_else(|| panic!("{}", words(output)));
    serde_json::from_str(line).expect("is JSON")
}

pub(crate) fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_becomes_a_node_and_stays_one() {
    let mut ground = Ground::new();
    let node = ground.node("n1");

    // Nobody has confirmed the host key: nothing happens, and the fingerprint is shown.
    let file = ground.file(std::slice::from_ref(&node));
    let refused = ground.hauki(&["node", "add", "--file", &file.display().to_string()]);
    assert_eq!(refused.status.code(), Some(4), "{}", words(&refused));
    let print = fingerprint(&ground.sshd.path("host_key.pub"));
    assert!(words(&refused).contains(&print) && words(&refused).contains("n1"), "{}", words(&refused));
    assert!(!ground.state().exists());

    let added = ground.add(std::slice::from_ref(&node));
    assert_eq!(added.status.code(), Some(0), "{}", words(&added));
    for step in [
        "host key SHA256:",
        "logged in by key",
        "checked:",
        "copied haukid",
        "started",
        "reached over SSH",
        "data plane 127.0.0.1",
    ] {
        assert!(words(&added).contains(step), "{step}: {}", words(&added));
    }
    assert_eq!(
        (record(&added)["name"].as_str(), record(&added)["state"].as_str()),
        (Some("n1"), Some("ready"))
    );

    // A worker is put there through SSH, and called without it.
    let request = daemon::spawning(WORKER, Default::default());
    let spawned = ground.core.endpoint().spawn(&request).await.expect("spawns");
    assert_eq!(spawned.vault.node.as_str(), "n1");
    let ghost = Ghost::connect(&spawned.ticket, GhostOptions::default()).await.expect("connects");
    assert_eq!(ghost.call_typed::<i32>("add", &[1]).await.expect("answers"), 1);

    // Repeated: nothing is copied, nothing started, nobody dies. The key is known by now.
    let pid = ground.daemon_pid();
    let again = ground.hauki(&["node", "add", "--file", &file.display().to_string()]);
    assert_eq!(again.status.code(), Some(0), "{}", words(&again));
    assert!(
        words(&again).contains("there already") && words(&again).contains("runs already"),
        "{}",
        words(&again)
    );
    assert_eq!(ground.daemon_pid(), pid);
    assert_eq!(ghost.call_typed::<i32>("add", &[1]).await.expect("answers"), 2);

    // What would start it anew is refused while it has vaults.
    let mut other = node.clone();
    other["max_vaults"] = json!(32);
    let busy = ground.add(&[other]);
    assert_eq!(busy.status.code(), Some(5), "{}", words(&busy));
    assert!(words(&busy).contains("upgrade"), "{}", words(&busy));

    // The core is killed and starts again: the node is in its list, and the worker is known.
    ground.core.kill();
    assert_eq!(ghost.call_typed::<i32>("add", &[1]).await.expect("without a core"), 3);
    ground.core.restart();
    let known = ground.core.endpoint().vault(&spawned.vault.id).await.expect("was promised");
    assert!(known.receipt.is_none() && known.unreachable.is_none(), "{known:?}");

    // Drained it takes no more, and says why; removed it is only when it is empty.
    let name = "n1".parse().expect("a name");
    let drained = ground.core.endpoint().node_drain(&name, true).await.expect("drains");
    assert_eq!(drained.state, "draining");
    let mut request = daemon::spawning(WORKER, Default::default());
    request.placement = Placement { node: Some(name.clone()), ..Placement::default() };
    let error = ground.core.endpoint().spawn(&request).await.expect_err("is drained");
    assert!(error.to_string().contains("draining"), "{error}");
    let kept = ground.core.endpoint().node_remove(&name, false).await.expect_err("has a vault");
    assert!(kept.to_string().contains("1 vaults"), "{kept}");

    let upgraded = ground.hauki(&["node", "upgrade", "n1", "--kill"]);
    assert_eq!(upgraded.status.code(), Some(0), "{}", words(&upgraded));
    assert!(ghost.call_typed::<i32>("add", &[1]).await.is_err(), "it was killed");
    ground.core.endpoint().node_drain(&name, false).await.expect("undrains");
    let next =
        ground.core.endpoint().spawn(&daemon::spawning(WORKER, Default::default())).await.expect("spawns");
    ground.core.endpoint().destruct(&next.vault.id, &Default::default()).await.expect("ends");

    let removed = ground.hauki(&["node", "rm", "n1"]);
    assert_eq!(removed.status.code(), Some(0), "{}", words(&removed));
    assert!(ground.core.endpoint().nodes().await.expect("lists").nodes.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_said_with_the_node_and_the_step() {
    let ground = Ground::new();
    let node = ground.node("n1");
    let change = |field: &str, value: Value| {
        let mut changed = node.clone();
        changed[field] = value;
        changed
    };

    // A login that is refused, a place that is not there.
    let stranger = ground.sshd.path("stranger");
    sshd::keygen(&stranger);
    let output = ground.add(&[change("key_file", json!(stranger))]);
    assert_eq!(output.status.code(), Some(4), "{}", words(&output));
    assert!(words(&output).contains("node n1: log in to root@127.0.0.1"), "{}", words(&output));
    let output = ground.add(&[change("ssh", json!("root@127.0.0.1:1"))]);
    assert_eq!(output.status.code(), Some(75), "{}", words(&output));
    assert!(words(&output).contains("node n1: connect to root@127.0.0.1:1"), "{}", words(&output));

    // A data plane on all interfaces is refused by haukid itself, before anything is started.
    let output = ground.add(&[change("data_plane", json!("0.0.0.0"))]);
    assert_ne!(output.status.code(), Some(0));
    assert!(words(&output).contains("every network"), "{}", words(&output));

    // A disk that is full in the middle of the copy. What was written is removed again.
    let small = SmallDisk::at(ground.machine.path().join("small"));
    let output = ground.add(&[change("program", json!(small.0.join("haukid")))]);
    assert_ne!(output.status.code(), Some(0));
    assert!(
        words(&output).contains("put haukid in its place") && words(&output).contains("No space"),
        "{}",
        words(&output)
    );
    assert_eq!(std::fs::read_dir(&small.0).expect("is there").count(), 0);
    drop(small);

    // A typo has a line; two nodes cannot have one name.
    let file = ground.file(&[]);
    std::fs::write(&file, "nodes:\n  - name: n1\n    shh: root@h\n").expect("writes");
    let output = ground.hauki(&["node", "add", "--file", &file.display().to_string()]);
    assert_eq!(output.status.code(), Some(78));
    assert!(words(&output).contains("swarm.yaml:"), "{}", words(&output));
    let good = ground.add(std::slice::from_ref(&node));
    assert_eq!(good.status.code(), Some(0), "{}", words(&good));
    let output = ground.add(&[change("ssh", json!("root@127.0.0.1:1"))]);
    assert_eq!(output.status.code(), Some(5), "{}", words(&output));
    assert!(words(&output).contains("n1 is at root@127.0.0.1:"), "{}", words(&output));
    // The same machine under a second name.
    let output = ground.add(&[change("name", json!("n2"))]);
    assert_eq!(output.status.code(), Some(5), "{}", words(&output));
    assert!(words(&output).contains("is the node n1 already"), "{}", words(&output));
    let typed: SwarmNode = serde_json::from_value(node).expect("is a node");
    let detail = ground.core.endpoint().node(&typed.name).await.expect("is there");
    assert_eq!(detail.place, Some(typed));
}

const PASSWORD: &str = "correct horse battery staple";

/// The same machine with another password and another home of root's.
fn with_a_password(dir: &Path) -> String {
    let hash = Command::new("openssl").args(["passwd", "-6", PASSWORD]).output().expect("runs").stdout;
    let hash = String::from_utf8(hash).expect("is text");
    std::fs::write(dir.join("shadow"), format!("root:{}:19000:0:99999:7:::\n", hash.trim())).expect("writes");
    std::fs::create_dir(dir.join("home")).expect("is ours");
    let dir = dir.display();
    format!("mount --bind {dir}/shadow /etc/shadow\nmount --bind {dir}/home /root")
}

/// A person at a terminal, who answers the question for the password.
const PERSON: &str = r#"
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
said, answered = b"", False
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    said += piece
    if not answered and b"password of" in said:
        os.write(terminal, os.environ["ANSWER"].encode() + b"\n")
        answered = True
sys.stdout.buffer.write(said)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

/// Every file below.
fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("is there").flatten() {
        match entry.file_type().expect("is there") {
            kind if kind.is_dir() => files(&entry.path(), found),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
}

impl Ground {
    /// Without a key of its own, so that something else must let the core in.
    pub(crate) fn keyless(&self) -> Value {
        let mut node = self.node("n1");
        node.as_object_mut().expect("is an object").remove("key_file");
        node
    }

    fn add_at_a_terminal(&self, node: &Value, password: &str) -> Output {
        let (file, print) =
            (self.file(std::slice::from_ref(node)), fingerprint(&self.sshd.path("host_key.pub")));
        let tool = self.core.hauki();
        let mut person = Command::new("python3");
        person.env_clear().envs(tool.get_envs().filter_map(|(name, value)| Some((name, value?))));
        person.args(["-c", PERSON]).arg(tool.get_program()).args([
            "node",
            "add",
            "--host-key",
            &print,
            "--file",
        ]);
        person.arg(file).args(["-o", "jsonl", "--progress", "plain"]);
        person
            .env("HAUKI_ENDPOINT", format!("unix://{}", self.core.socket.display()))
            .env("ANSWER", password);
        person.output().expect("runs")
    }

    /// The core starts again, with nobody there: no agent, no password.
    async fn alone(&mut self) {
        self.core.kill();
        self.core.restart();
        let nodes = self.core.endpoint().nodes().await.expect("lists").nodes;
        assert_eq!(nodes.iter().map(|node| node.state.as_str()).collect::<Vec<_>>(), ["ready"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_asked_for_used_once_and_kept_nowhere() {
    let config = "PasswordAuthentication yes\nAuthorizedKeysFile .ssh/authorized_keys";
    let mut ground = Ground::on(Sshd::start_on(config, with_a_password), &[]);
    let node = ground.keyless();
    // Where nobody can be asked the error says what could be added.
    let refused = ground.add(std::slice::from_ref(&node));
    assert_eq!(refused.status.code(), Some(4), "{}", words(&refused));
    assert!(words(&refused).contains("a terminal, which asks for a password"), "{}", words(&refused));
    let wrong = ground.add_at_a_terminal(&node, "wrong");
    let said = String::from_utf8_lossy(&wrong.stdout).into_owned();
    assert!(wrong.status.code() == Some(4) && said.contains("password: "), "{said}");
    assert!(!ground.state().exists());

    let added = ground.add_at_a_terminal(&node, PASSWORD);
    let said = String::from_utf8_lossy(&added.stdout).into_owned();
    assert_eq!(added.status.code(), Some(0), "{said}");
    for step in ["logged in by password", "the core's key is let in", "reached over SSH"] {
        assert!(said.contains(step), "{step}: {said}");
    }
    assert!(!said.contains(PASSWORD), "it is not shown");
    let mut kept = Vec::new();
    files(ground.core.dir.path(), &mut kept);
    files(ground.machine.path(), &mut kept);
    assert!(
        kept.iter().any(|path| path.ends_with("store.db"))
            && kept.iter().any(|path| path.ends_with("node.yaml"))
    );
    for path in kept {
        let bytes = std::fs::read(&path).expect("is readable");
        let found = bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes());
        assert!(!found, "{} has the password", path.display());
    }

    ground.alone().await;
    let again = ground.add(&[node]);
    assert!(again.status.success() && words(&again).contains("by the core's key"), "{}", words(&again));
    let keys = std::fs::read_to_string(ground.sshd.path("home/.ssh/authorized_keys")).expect("was written");
    assert_eq!(keys.lines().count(), 1, "{keys}");
    assert!(keys.starts_with("restrict,port-forwarding ssh-ed25519 "), "{keys}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_lets_the_core_in_once_and_then_it_comes_by_itself() {
    let sshd = Sshd::start_on("AuthorizedKeysFile .ssh/authorized_keys", with_a_password);
    std::fs::create_dir(sshd.path("home/.ssh")).expect("is ours");
    std::fs::copy(sshd.path("id.pub"), sshd.path("home/.ssh/authorized_keys")).expect("copies");
    let socket = sshd.path("agent");
    let mut agent = Command::new("ssh-agent")
        .args(["-D", "-a"])
        .arg(&socket)
        .stdout(Stdio::null())
        .spawn()
        .expect("runs");
    until_so("the agent listens", || socket.exists());
    let added = Command::new("ssh-add").arg("-q").arg(sshd.path("id")).env("SSH_AUTH_SOCK", &socket).status();
    assert!(added.expect("runs").success());
    let mut ground = Ground::on(sshd, &[("SSH_AUTH_SOCK", &socket)]);
    let added = ground.add(&[ground.keyless()]);
    agent.kill().expect("is ours");
    agent.wait().expect("was ours");
    assert_eq!(added.status.code(), Some(0), "{}", words(&added));
    assert!(words(&added).contains("logged in by agent"), "{}", words(&added));
    assert!(words(&added).contains("the core's key is let in"), "{}", words(&added));
    ground.alone().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_up_in_the_middle_of_the_copy_is_named_and_left_clean() {
    let machine = Daemon::ground("");
    let place = machine.path().display().to_string();
    // A /tmp of half a mebibyte, with the two directories in it that the test needs.
    let sshd = Sshd::start_on("", |dir| {
        let dir = dir.display();
        format!(
            "mount --bind {dir} /mnt\nmount --bind {place} /srv\nmount -t tmpfs -o size=512k tmpfs /tmp\n\
             mkdir -p {dir} {place}\nmount --bind /mnt {dir}\nmount --bind /srv {place}"
        )
    });
    let core = Daemon::start_in(Daemon::ground(""), "core", &[]);
    let ground = Ground { sshd, core, machine };
    let output = ground.add(&[ground.node("n1")]);
    let said = words(&output);
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains("node n1: copy haukid: ") && said.contains(" bytes were written"), "{said}");
    assert!(said.contains("is the disk there full?"), "{said}");
    let left = std::fs::read_dir(ground.sshd.seen("/tmp")).expect("is seen").flatten();
    let left: Vec<_> = left.filter(|entry| entry.file_name().to_string_lossy().contains("upload")).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(ground.core.endpoint().nodes().await.expect("lists").nodes.is_empty(), "it is no node");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_answers_rubbish_or_a_gigabyte_is_told_by_its_name_and_step() {
    for (command, code, step) in [
        ("echo rubbish", 78, "become root"),
        ("yes rubbish | head -c 1000000000", 75, "look at the machine: more than 256 KiB came from there"),
        ("head -c 1000000000 /dev/zero", 75, "look at the machine: more than 256 KiB came from there"),
    ] {
        let ground = Ground::on(Sshd::start(&format!("ForceCommand {command}")), &[]);
        let output = ground.add(&[ground.node("n1")]);
        assert_eq!(output.status.code(), Some(code), "{command}: {}", words(&output));
        assert!(words(&output).contains(&format!("node n1: {step}")), "{command}: {}", words(&output));
        assert!(!ground.state().exists());
    }
}

/// In place of systemd, which is not process 1 here: its own checker reads the unit, then ExecStart is
/// obeyed and its word waited for, as `Type=notify` asks. That cgroups are delegated and failures
/// restarted this does not show.
const SYSTEMCTL: &str = r#"#!/usr/bin/python3
import os, shlex, socket, subprocess, sys
words = [word for word in sys.argv[1:] if not word.startswith("-")]
with open("/run/systemctl.log", "a") as log:
    print(*words, file=log)
if words[0] == "restart":
    path = "/etc/systemd/system/" + words[1]
    said = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True)
    assert said.returncode == 0 and not said.stderr, said.stderr
    lines = open(path).read().splitlines()
    unit = dict(line.split("=", 1) for line in lines if "=" in line)
    assert unit["Type"] == "notify" and unit["Delegate"] == "yes"
    ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ready.bind("/run/notify")
    ready.settimeout(60)
    nothing = subprocess.DEVNULL
    subprocess.Popen(shlex.split(unit["ExecStart"]), stdin=nothing, stdout=nothing, stderr=nothing,
                     start_new_session=True, env={"NOTIFY_SOCKET": "/run/notify", "PATH": os.environ["PATH"]})
    while b"READY=1" not in ready.recv(4096):
        pass
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_there_is_systemd_the_daemon_is_its_service() {
    let sshd = Sshd::start_on("", |dir| {
        let program = dir.join("systemctl");
        std::fs::write(&program, SYSTEMCTL).expect("writes");
        let program = program.display();
        format!(
            "mount -t tmpfs tmpfs /run\nmkdir -p /run/sshd /run/systemd/system\n\
             mount -t tmpfs tmpfs /etc/systemd/system\nmount -t tmpfs tmpfs /usr/local/sbin\n\
             install -m 755 {program} /usr/local/sbin/systemctl"
        )
    });
    let ground = Ground::on(sshd, &[]);
    let node = ground.node("n1");
    let added = ground.add(std::slice::from_ref(&node));
    assert_eq!(added.status.code(), Some(0), "{}", words(&added));
    assert_eq!(record(&added)["state"], "ready");
    let again = ground.add(&[node]);
    assert!(again.status.success() && words(&again).contains("runs already"), "{}", words(&again));
    let log = std::fs::read_to_string(ground.sshd.seen("/run/systemctl.log")).expect("was called");
    let unit = "hauki-node.service";
    assert_eq!(log, format!("daemon-reload\nenable {unit}\nrestart {unit}\n"));
}
