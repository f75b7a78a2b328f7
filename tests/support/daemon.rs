//! A real `haukid` of a test's own: state directory, socket, user ids; ended and searched for
//! leftovers when the test is done.

use std::io::{BufRead, BufReader};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hauki::api::summons::{Origin, SpawnRequest, Spawned, SummonsRequest};
use hauki::client::Address;
use hauki::client::endpoint::{ControlPlane, EndpointOptions};
use hauki::model::gem::Wishes;
use hauki_contract::system::random;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::until;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// What `ps` shows of the process that may stay as long as its daemon.
const STAYING: &str = "hauki-spawner";

/// So many vaults fit on one ground.
const VAULTS: u32 = 64;

/// Above all of these grounds is one for crowds, up to the end of the ids.
const CROWDS: u32 = 0xf000_0000;

pub(crate) struct Daemon {
    pub dir: Arc<tempfile::TempDir>,
    pub socket: PathBuf,
    role: String,
    child: Child,
}

#[allow(dead_code, reason = "not every test target uses all of it")]
impl Daemon {
    /// Fails, with the reason, where vaults cannot be started: these tests never pass idly.
    pub(crate) fn start() -> Self {
        Self::start_in(Self::ground(""), "all", &[])
    }

    /// A state directory with a configuration in it; `more` is further YAML. Without blank vaults, for
    /// most tests look for what a vault leaves while the daemon runs.
    pub(crate) fn ground(more: &str) -> tempfile::TempDir {
        Self::ground_with(0, more)
    }

    /// As [`Daemon::ground`], with so many blank vaults at most.
    pub(crate) fn ground_with(warm: u32, more: &str) -> tempfile::TempDir {
        assert!(rustix::process::geteuid().is_root(), "these tests start real vaults and must run as root");
        let dir = tempfile::Builder::new().prefix("hauki-test-").tempdir().expect("a temporary directory");
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o711)).expect("is ours");
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Above the ranges of the sandbox tests; other test processes count from zero too.
        let place = (std::process::id().wrapping_mul(16) + number) % 300;
        let id_base = CROWDS - (place + 1) * VAULTS * 65_536;
        // Blanks have ranges of their own.
        configure(&dir, id_base, VAULTS - warm, warm, more);
        dir
    }

    /// As [`Daemon::ground`], for so many vaults, at most 4,000. Two large crowds at a time may get the
    /// same ids, which only matters to a test that looks at ids.
    pub(crate) fn ground_of(vaults: u32) -> tempfile::TempDir {
        let dir = Self::ground("");
        let places = (u32::MAX - CROWDS) / 65_536 / vaults;
        configure(&dir, CROWDS + std::process::id() % places * vaults * 65_536, vaults, 0, "");
        dir
    }

    pub(crate) fn start_in(dir: impl Into<Arc<tempfile::TempDir>>, role: &str, args: &[&str]) -> Self {
        let dir = dir.into();
        let socket = dir.path().join(if role == "node" { "node.sock" } else { "hauki.sock" });
        let child = launch(dir.path(), role, args);
        Self { dir, socket, role: role.to_owned(), child }
    }

    /// Starts a daemon that is expected to fail: what it says to its starter, and how it ends.
    pub(crate) fn refused_in(dir: &Path, role: &str, args: &[&str]) -> (String, std::process::ExitStatus) {
        let (mut child, word) = run(dir, role, args, &[]);
        (word, ended(&mut child, dir))
    }

    /// Starts a daemon that may fail, and ends it at once if it does not.
    pub(crate) fn trial_in(dir: &Path, role: &str) -> (String, std::process::ExitStatus) {
        let (mut child, word) = run(dir, role, &[], &[]);
        if word == "ready" {
            signal(child.id(), Signal::TERM);
        }
        (word, ended(&mut child, dir))
    }

    /// Starts a daemon with more in its environment.
    pub(crate) fn start_with(dir: Arc<tempfile::TempDir>, role: &str, variables: &[(&str, &Path)]) -> Self {
        let (child, word) = run(dir.path(), role, &[], variables);
        assert_eq!(word, "ready");
        Self { socket: dir.path().join("hauki.sock"), dir, role: role.to_owned(), child }
    }

    /// Starts again after [`Daemon::kill`] or [`Daemon::terminate`].
    pub(crate) fn restart(&mut self) {
        self.child = launch(self.dir.path(), &self.role, &[]);
    }

    /// A successor, started while this one may still run; this one's end is awaited afterwards.
    pub(crate) fn succeed(&mut self) -> std::process::ExitStatus {
        let next = launch(self.dir.path(), &self.role, &[]);
        let mut last = std::mem::replace(&mut self.child, next);
        ended(&mut last, self.dir.path())
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("is ours").is_none()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("haukid.log")).unwrap_or_default()
    }

    pub(crate) fn endpoint(&self) -> ControlPlane {
        ControlPlane::new(Address::Unix(self.socket.clone()), EndpointOptions::default())
            .expect("an endpoint")
    }

    pub(crate) async fn spawn(&self, source: &str) -> Spawned {
        self.spawn_with(source, Wishes::default()).await
    }

    pub(crate) async fn spawn_with(&self, source: &str, wishes: Wishes) -> Spawned {
        self.endpoint().spawn(&spawning(source, wishes)).await.expect("spawns")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`, and the wait for the end.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("is ours");
        ended(&mut self.child, self.dir.path());
    }

    /// SIGTERM, and the wait for the end.
    pub(crate) fn terminate(&mut self) -> std::process::ExitStatus {
        signal(self.child.id(), Signal::TERM);
        self.wait()
    }

    /// Waits for the daemon to leave by itself.
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        ended(&mut self.child, self.dir.path())
    }

    /// The environment in which `hauki` finds this daemon and nothing else.
    pub(crate) fn hauki(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hauki"));
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HAUKI_STATE_DIR", self.dir.path())
            .env("HAUKI_CONFIG", self.dir.path().join("hauki.yaml"))
            .stdin(Stdio::null());
        command
    }

    /// What the kernel still shows of this daemon's vaults.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let state = self.dir.path().to_string_lossy().into_owned();
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("proc is mounted");
        let mut left: Vec<String> =
            mounts.lines().filter(|line| line.contains(&state)).map(|line| format!("mount {line}")).collect();
        cgroups(Path::new("/sys/fs/cgroup"), 5, &mut left);
        left.extend(processes());
        left
    }
}

/// Waits for something to come out of a pipe or a pidfd, but not for ever.
fn comes(from: impl std::os::fd::AsFd) -> bool {
    let limit = Timespec { tv_sec: until::PATIENCE.as_secs().cast_signed(), tv_nsec: 0 };
    let mut fds = [PollFd::new(&from, PollFlags::IN)];
    rustix::io::retry_on_intr(|| poll(&mut fds, Some(&limit))).expect("can be awaited") > 0
}

/// Waits for the end of a daemon. One that does not end is ended, and fails its test.
fn ended(child: &mut Child, dir: &Path) -> std::process::ExitStatus {
    if let Some(status) = child.try_wait().expect("is ours") {
        return status;
    }
    let pid = rustix::process::Pid::from_child(child);
    let in_time = comes(pidfd_open(pid, PidfdFlags::empty()).expect("is not waited for yet"));
    if !in_time {
        child.kill().expect("is ours");
    }
    let status = child.wait().expect("is ours");
    let log = || std::fs::read_to_string(dir.join("haukid.log")).unwrap_or_default();
    assert!(in_time || std::thread::panicking(), "haukid does not end\n{}", log());
    status
}

fn configure(dir: &tempfile::TempDir, id_base: u32, most: u32, warm: u32, more: &str) {
    let config = format!("node: {{ id_base: {id_base}, max_vaults: {most}, warm_vaults: {warm} }}\n{more}");
    std::fs::write(dir.path().join("hauki.yaml"), config).expect("is ours");
}

/// Signals a process through a pidfd: the number alone is never signalled.
#[allow(dead_code, reason = "not every test target uses all of it")]
pub(crate) fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().filter(|pid| *pid > 1).and_then(rustix::process::Pid::from_raw);
    let pid = pid.expect("is the number of a process that this test started");
    let fd = pidfd_open(pid, PidfdFlags::empty()).expect("the process lives");
    pidfd_send_signal(fd, signal).expect("the process is ours");
}

/// Groups that hold vaults. An empty group of a killed daemon is the next daemon's to remove, so
/// the test that kills one starts another before it looks.
fn cgroups(dir: &Path, depth: usize, left: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.contains("vlt_") && started_here(&path) {
            left.push(format!("cgroup {}", path.display()));
        } else if depth > 0 {
            cgroups(&path, depth - 1, left);
        }
    }
}

/// Inits by their groups, monitors and inits that came no further by their spawner's.
fn processes() -> Vec<String> {
    let entries = std::fs::read_dir("/proc").expect("proc is mounted").flatten();
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    entries
        .filter(|entry| {
            let group = read(entry.path().join("cgroup"));
            // An orphan that has ended waits for process 1 of the machine, and holds nothing.
            let ended = || read(entry.path().join("stat")).contains(") Z ");
            let comm = read(entry.path().join("comm"));
            let stays = || comm.trim() == STAYING || is_spare(&entry.path());
            let vault = group.contains("vlt_") || group.contains("/hall.") && !stays();
            vault && started_here(Path::new(&group)) && !ended()
        })
        .map(|entry| {
            format!("process {} {}", entry.file_name().display(), read(entry.path().join("comm")).trim())
        })
        .collect()
}

/// A monitor that waits for the next vault: its spawner still holds the other end of its profile's pipe.
fn is_spare(process: &Path) -> bool {
    let stat = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
    let parent = stat.rsplit_once(") ").and_then(|(_, after)| after.split(' ').nth(1));
    let ends = parent.and_then(|parent| std::fs::read_dir(format!("/proc/{parent}/fd")).ok());
    let Ok(profile) = std::fs::read_link(process.join("fd/6")) else { return false };
    ends.into_iter()
        .flatten()
        .flatten()
        .any(|end| std::fs::read_link(end.path()).is_ok_and(|end| end == profile))
}

/// Other tests' vaults live beside ours; theirs are named by other state directories.
fn started_here(path: &Path) -> bool {
    GROUPS.with_borrow(|groups| groups.iter().any(|group| path.to_string_lossy().contains(group.as_str())))
}

thread_local! {
    static GROUPS: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) };
}

#[allow(dead_code, reason = "not every test target uses all of it")]
pub(crate) fn spawning(source: &str, wishes: Wishes) -> SpawnRequest {
    SpawnRequest {
        summons: SummonsRequest {
            key: random::idempotency_key(),
            origin: Origin::Source { text: source.to_owned(), file: "worker.js".into(), compilation: None },
            args: Vec::new(),
            wishes,
            labels: Default::default(),
            name: None,
            dry_run: false,
        },
        placement: Default::default(),
        ticket: Default::default(),
        get_or_create: false,
    }
}

fn launch(dir: &Path, role: &str, args: &[&str]) -> Child {
    let (child, word) = run(dir, role, args, &[]);
    assert_eq!(word, "ready", "{}", std::fs::read_to_string(dir.join("haukid.log")).unwrap_or_default());
    child
}

/// Starts a daemon and waits for its word.
fn run(dir: &Path, role: &str, args: &[&str], variables: &[(&str, &Path)]) -> (Child, String) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let log = std::fs::File::options().create(true).append(true).open(dir.join("haukid.log"));
    let log = log.map_or_else(|_| Stdio::null(), Stdio::from);
    let number = writer.as_raw_fd();
    let mut command = Command::new(env!("CARGO_BIN_EXE_haukid"));
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HAUKI_STATE_DIR", dir)
        .env("HAUKI_CONFIG", dir.join("hauki.yaml"))
        .envs(variables.iter().copied())
        .arg(role)
        .args(["--ready-fd", &number.to_string()])
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    // In the child only: a pipe that other children of this process held too would never end.
    let inherit = move || {
        // SAFETY: the parent keeps the pipe open until spawn has returned.
        let writer = unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
        Ok(rustix::io::fcntl_setfd(writer, rustix::io::FdFlags::empty())?)
    };
    // SAFETY: between fork and exec only fcntl(2) is called, which is async-signal-safe.
    unsafe { std::os::unix::process::CommandExt::pre_exec(&mut command, inherit) };
    let child = command.spawn().expect("haukid starts");
    drop(writer);
    let mut word = String::new();
    assert!(comes(&reader), "haukid says nothing to its starter");
    BufReader::new(reader).read_line(&mut word).expect("the pipe is open");
    if let Ok(group) = hauki_sandbox::lxc::group_of("hauki", &dir.join("sandbox")) {
        GROUPS.with_borrow_mut(|groups| groups.push(group));
    }
    (child, word.trim().to_owned())
}

impl Drop for Daemon {
    #[expect(clippy::print_stderr, reason = "a failed test shows its daemon's log")]
    fn drop(&mut self) {
        if self.child.try_wait().ok().flatten().is_none() {
            self.terminate();
        }
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.dir.path().join("haukid.log")).unwrap_or_default();
            eprintln!("--- haukid.log\n{log}");
            return;
        }
        // A core has no vaults of its own; those of its node may go on.
        if self.role == "core" {
            return;
        }
        let left = self.leftovers();
        assert!(left.is_empty(), "left behind: {left:#?}");
    }
}
