//! A real `haukid` that the first command starts: it takes nothing along of whoever typed that command,
//! and comes up wherever that was.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::support::daemon::{Daemon, signal};
use hauki_contract::system::clock;
use rustix::process::Signal;

/// A daemon that is started by others, and ended with the test.
struct Started {
    ground: tempfile::TempDir,
    state: PathBuf,
}

impl Started {
    fn new(below: &str) -> Self {
        let ground = Daemon::ground("");
        Self { state: ground.path().join(below), ground }
    }

    /// Runs a line of a shell in which `hauki` is the tool.
    fn shell(&self, line: &str, variables: &[(&str, &str)]) -> Output {
        let tool = Path::new(env!("CARGO_BIN_EXE_hauki"));
        let path = format!("{}:/usr/bin:/bin", tool.parent().expect("is in a directory").display());
        let mut command = Command::new("timeout");
        command.args(["60", "bash", "-c", line]).current_dir(self.ground.path()).env_clear();
        command.env("PATH", path).env("HAUKI_CONFIG", "hauki.yaml").env("HOME", self.ground.path());
        command.envs(variables.iter().copied()).stdin(Stdio::null()).output().expect("runs")
    }

    fn pid(&self) -> u32 {
        let text = std::fs::read_to_string(self.state.join("core.lock")).expect("was started");
        text.split_whitespace().next().and_then(|word| word.parse().ok()).expect("is signed")
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if !self.state.join("hauki.sock").exists() {
            return;
        }
        signal(self.pid(), Signal::TERM);
        let by = clock::mono().plus_ms(20_000);
        while self.state.join("hauki.sock").exists() && clock::mono() < by {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn words(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_first_command_ends_with_all_that_was_its_own() {
    let started = Started::new("state");
    let state = [("HAUKI_STATE_DIR", "state")];
    // Its pipe would end with the daemon, five minutes later, and the shell is given one minute.
    let output = started.shell("r=$(bash -c 'exec 3>&1; hauki ls -q; echo done'); echo \"got $r\"", &state);
    assert_eq!(words(&output).0, "got done\n", "{}", words(&output).1);
    signal(started.pid(), Signal::TERM);
    while started.state.join("hauki.sock").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = started
        .shell("exec 9>lock; flock -n 9 && hauki ls -q && exec 9>&- && flock -n lock echo free", &state);
    assert_eq!(words(&output).0, "free\n", "{}", words(&output).1);
}

/// The directory is made under a strict umask, named from where the shell stands; nobody has a home, and what
/// is set to nothing is not set.
#[test]
fn it_comes_up_wherever_it_was_called() {
    let started = Started::new("made/here");
    std::fs::write(started.ground.path().join("w.js"), "function f() { return 1; }").expect("is ours");
    let line = "umask 077; mkdir sub; cd sub; hauki clone ../w.js -o id";
    let variables = [
        ("HAUKI_STATE_DIR", "../made/here"),
        ("HAUKI_CONFIG", "../hauki.yaml"),
        ("HOME", "/dev/null"),
        ("HAUKI_OUTPUT", ""),
        ("HAUKI_ENDPOINT", ""),
        ("HAUKI_HAUKID", ""),
    ];
    let output = started.shell(line, &variables);
    assert!(words(&output).0.starts_with("vlt_"), "{:?}", words(&output));
    let cwd = std::fs::read_link(format!("/proc/{}/cwd", started.pid())).expect("runs");
    assert_eq!(cwd, Path::new("/"));
    let output = started.shell("hauki ls -q", &[("HAUKI_STATE_DIR", "made/here"), ("HAUKI_CONFIG", "")]);
    assert!(words(&output).0.contains("vlt_"), "{:?}", words(&output));
}

/// The points at which this machine's hierarchies of groups are mounted.
fn hierarchies() -> Vec<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("proc is mounted");
    let groups = mounts.lines().filter(|line| line.contains(" - cgroup"));
    groups.filter_map(|line| line.split(' ').nth(4)).map(PathBuf::from).collect()
}

/// A session or a scope that ends takes all that is in its groups along.
#[test]
fn it_is_in_no_group_of_who_called_it() {
    let started = Started::new("state");
    let name = format!("hauki-test-starter-{}", std::process::id());
    let groups: Vec<PathBuf> = hierarchies()
        .into_iter()
        .map(|point| point.join(&name))
        .filter(|group| std::fs::create_dir(group).is_ok())
        // One of cpuset takes nobody before it has been set up.
        .filter(|group| !group.join("cpuset.cpus").exists() || std::fs::remove_dir(group).is_err())
        .collect();
    assert!(!groups.is_empty(), "no group can be made here");
    let enter: String =
        groups.iter().map(|group| format!("echo $$ > {}/cgroup.procs && ", group.display())).collect();
    let line = format!("{enter}grep -c {name} /proc/self/cgroup && hauki ls -q");
    let output = started.shell(&line, &[("HAUKI_STATE_DIR", "state")]);
    let count = words(&output).0.trim().parse::<usize>();
    assert_eq!(count, Ok(groups.len()), "{:?}", words(&output));
    let of_daemon = std::fs::read_to_string(format!("/proc/{}/cgroup", started.pid())).expect("runs");
    for group in &groups {
        // Nobody is in it, so it can be removed.
        let removed = std::fs::remove_dir(group);
        assert!(removed.is_ok(), "{removed:?} {}: {of_daemon}", group.display());
    }
    assert!(!of_daemon.contains(&name), "{of_daemon}");
}

#[test]
fn a_limit_that_would_be_its_end_is_lifted_or_refused_by_its_name() {
    for limit in [
        "ulimit -t 5",
        "ulimit -f 8",
        "ulimit -v 1000000",
        "ulimit -d 200000",
        "ulimit -s 256",
        "ulimit -n 40",
    ] {
        let started = Started::new("state");
        let state = started.state.display().to_string();
        let output = started.shell(&format!("{limit}; hauki ls"), &[("HAUKI_STATE_DIR", &state)]);
        let (_, said) = words(&output);
        if output.status.success() {
            // Whoever may lift it has done so.
            let limits = std::fs::read_to_string(format!("/proc/{}/limits", started.pid())).expect("it runs");
            let narrow = [" 5 ", " 8192 ", " 1024000000 ", " 204800000 ", " 262144 ", " 40 "]
                .iter()
                .any(|value| limits.contains(value));
            assert!(!narrow, "{limit}: {limits}");
        } else {
            assert!(said.contains(&format!("`{limit}`")), "{limit}: {said}");
            assert_eq!(output.status.code(), Some(78), "{limit}: {said}");
        }
    }
}

/// As a debugger and a nightly job do.
#[test]
fn what_its_starter_has_set_for_itself_is_neither_the_daemons_nor_its_vaults() {
    let started = Started::new("state");
    std::fs::write(started.ground.path().join("w.js"), "function f() { return 1; }").expect("is ours");
    let line = "ulimit -S -s 512; exec setarch -R ionice -c 3 hauki clone w.js -o id";
    let output = started.shell(line, &[("HAUKI_STATE_DIR", "state")]);
    assert!(output.status.success(), "{:?}", words(&output));
    let pid = started.pid();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("it runs");
    for process in children.split_whitespace().chain([pid.to_string().as_str()]) {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{process}/{file}")).expect("it runs");
        assert_eq!(read("personality").trim(), "00000000");
        let limits = read("limits");
        let stack = limits.lines().find(|line| line.starts_with("Max stack size")).expect("is one of them");
        assert!(stack.contains(" 8388608 "), "{stack}");
        let class = Command::new("ionice").args(["-p", process]).output().expect("is there");
        assert!(!words(&class).0.contains("idle"), "{:?}", words(&class));
    }
}

/// What it could not shake off later: leases are judged by its timers, and its ports are where it is.
#[test]
fn neither_its_starters_timers_nor_its_network_nor_its_small_limits_are_the_daemons() {
    let started = Started::new("state");
    std::fs::write(started.ground.path().join("w.js"), "function f() { return 1; }").expect("is ours");
    let starter = "import ctypes, os\n\
        prctl = ctypes.CDLL(None).prctl\n\
        prctl(29, 10**9, 0, 0, 0), prctl(41, 1, 0, 0, 0)\n\
        os.execvp('hauki', ['hauki', 'clone', 'w.js', '--out', 't.json', '-q'])\n";
    std::fs::write(started.ground.path().join("starter.py"), starter).expect("is ours");
    let script = r#"
        (ulimit -S -q 0 -i 0 -c unlimited; exec unshare --net --ipc --uts python3 starter.py) || exit 1
        read -r pid rest < state/core.lock
        for process in $pid $(cat /proc/$pid/task/$pid/children); do
            grep -q 50000 /proc/$process/timerslack_ns || echo "slack $process"
            grep -q THP_enabled:.1 /proc/$process/status || echo "pages $process"
            for limit in 'Max msgqueue size' 'Max pending signals' 'Max core file size'; do
                diff <(grep "$limit" /proc/1/limits) <(grep "$limit" /proc/$process/limits) || echo "$limit"
            done
        done
        for name in net ipc uts; do
            [ /proc/$pid/ns/$name -ef /proc/1/ns/$name ] || echo "namespace $name"
        done
        hauki proxy call t.json f
        hauki doctor | grep 'another network namespace'
        unshare --net hauki doctor > apart; echo $?
        grep -o 'haukid.*another network namespace' apart | sed "s/$pid/PID/"
        kill $pid
        while [ -e /proc/$pid ]; do sleep 0.05; done
    "#;
    std::fs::write(started.ground.path().join("script"), script).expect("is ours");
    // Of a machine of its own, whose first process may be looked at.
    let line = "exec unshare --pid --fork --kill-child --mount-proc bash script";
    let output = started.shell(line, &[("HAUKI_STATE_DIR", "state")]);
    let expected = "1\n78\nhaukid (pid PID) is in another network namespace\n";
    assert_eq!(words(&output).0, expected, "{output:?}");
}

/// What is found without being named must be root's or one's own, for good.
#[test]
fn where_another_user_could_serve_the_socket_it_is_used_by_its_name_only() {
    let daemon = Daemon::start();
    let mode = |mode| {
        std::fs::set_permissions(daemon.dir.path(), std::fs::Permissions::from_mode(mode)).expect("is ours");
    };
    let list = |more: &[&str]| daemon.hauki().args(["ls", "-o", "id"]).args(more).output().expect("runs");
    assert_eq!(list(&[]).status.code(), Some(0));
    let named = format!("unix://{}", daemon.socket.display());
    for open in [0o777, 0o1777] {
        mode(open);
        let output = list(&[]);
        let (_, said) = words(&output);
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(
            said.contains("is not closed to others") && said.contains(&format!("--endpoint {named}")),
            "{said}"
        );
        assert_eq!(list(&["--endpoint", &named]).status.code(), Some(0), "whoever names it knows it");
    }
    mode(0o711);
    assert_eq!(list(&[]).status.code(), Some(0));
}
