//! What a worker could try if it broke out of the engine, tried for real: the probe runs as process
//! 1 of a vault, without the init's own filter, so each refusal here is the sandbox's alone.

use std::sync::Arc;

use crate::support::leak::{Ground, vault_id};
use crate::support::probe;
use hauki::model::limits::{Limits, MIB};
use hauki_sandbox::Driver as _;
use hauki_sandbox::lxc::{LxcDriver, LxcSandbox};
use hauki_sandbox::{InitExit, Sandbox};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

struct Captive {
    channel: BufReader<UnixStream>,
    sandbox: Arc<LxcSandbox>,
}

impl Captive {
    async fn new(driver: &LxcDriver, limits: &Limits) -> Self {
        let (channel, sandbox) = driver.launch(&vault_id(), limits).await.expect("starts");
        let channel = std::os::unix::net::UnixStream::from(channel);
        let channel = BufReader::new(UnixStream::from_std(channel).expect("is non-blocking"));
        let mut captive = Self { channel, sandbox };
        assert_eq!(captive.answer().await.as_deref(), Some("ready"));
        captive
    }

    /// `None` when the probe did not live to answer.
    async fn answer(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.channel.read_line(&mut line).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
        }
    }

    async fn tries(&mut self, command: &str) -> Option<String> {
        self.channel.get_mut().write_all(format!("{command}\n").as_bytes()).await.expect("is open");
        self.answer().await
    }

    /// Every command must be answered by one of these errors.
    async fn cannot(&mut self, commands: &[&str], errors: &[&str]) {
        for command in commands {
            let answer = self.tries(command).await.unwrap_or_else(|| panic!("{command} ended the probe"));
            assert!(errors.contains(&answer.as_str()), "{command} was answered: {answer}");
        }
    }

    async fn end(self) {
        assert!(self.sandbox.reclaim().await.iter().all(|line| line.gone));
    }
}

async fn close(driver: LxcDriver, ground: Ground) {
    driver.idle().await;
    driver.close().await;
    ground.assert_clean(driver.group());
}

fn with_memory(mebibytes: u64) -> Limits {
    Limits { memory_bytes: mebibytes * MIB, max_frame_bytes: 4096, ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_nobody_with_nothing_in_its_hands() {
    let ground = Ground::new("nobody");
    let driver = ground.driver(&probe::probe_binary());
    let mut captive = Captive::new(&driver, &Limits::default()).await;
    for (command, answer) in [
        ("identity", "ok pid=1 uid=0 gid=0 groups="),
        // Not one variable of the node's; liblxc's own mark says nothing about it.
        ("environment", "ok container=lxc"),
        ("fds", "ok 0,1,2,3"),
        ("capabilities", "ok effective=0 permitted=0 bounding=0"),
        ("flags", "ok no_new_privs=1 dumpable=1 seccomp=2"),
    ] {
        assert_eq!(captive.tries(command).await.as_deref(), Some(answer), "{command}");
    }
    captive.end().await;
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_cannot_write_anywhere_nor_read_the_host() {
    let ground = Ground::new("files");
    let driver = ground.driver(&probe::probe_binary());
    let mut captive = Captive::new(&driver, &Limits::default()).await;
    captive
        .cannot(
            &["write /x", "write /tmp/x", "write /dev/x", "write /init", "mkdir /x", "chmod /init"],
            &["EROFS", "ENOENT", "EACCES", "EPERM", "E26"],
        )
        .await;
    let state = ground.state_dir().display();
    std::fs::write(ground.state_dir().join("secret"), "for nobody inside").expect("is ours");
    captive
        .cannot(
            &[
                "read /etc/passwd",
                "read /etc/shadow",
                "read /proc/self/status",
                "read /proc/1/environ",
                "read /sys/kernel/uevent_seqnum",
                "read /dev/mem",
                "read /dev/stdin",
                "read /../../etc/passwd",
                "list /root",
                "list /sys",
                "list /proc/1",
                &format!("read {state}/secret"),
            ],
            &["ENOENT", "EACCES"],
        )
        .await;
    captive.cannot(&["mknod /x", "mknod /dev/null", "mknod /tmp/x"], &["EPERM"]).await;
    captive.end().await;
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_cannot_reach_any_network() {
    let ground = Ground::new("network");
    let driver = ground.driver(&probe::probe_binary());
    let mut captive = Captive::new(&driver, &Limits::default()).await;
    let sockets =
        ["unix", "inet", "inet6", "netlink", "packet", "vsock"].map(|family| format!("socket {family}"));
    captive.cannot(&sockets.each_ref().map(String::as_str), &["EPERM"]).await;
    captive.cannot(&["connect 127.0.0.1 22", "connect 10.0.0.1 80"], &["EPERM"]).await;
    captive.end().await;
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_cannot_change_its_world() {
    let ground = Ground::new("world");
    let driver = ground.driver(&probe::probe_binary());
    let mut captive = Captive::new(&driver, &Limits::default()).await;
    captive
        .cannot(
            &[
                "mount",
                "proc",
                "remount",
                "umount /",
                "chroot /",
                "sethostname",
                "clone user",
                "unshare user",
                "unshare net",
                "unshare mount",
                "unshare pid",
                "unshare cgroup",
                "setns",
            ],
            &["EPERM"],
        )
        .await;
    captive.cannot(&["setuid 1000", "setgid 1000", "priority"], &["EPERM", "EACCES"]).await;
    captive
        .cannot(
            &["keyctl", "bpf", "io_uring", "userfaultfd", "perf", "module", "kexec", "reboot"],
            &["EPERM"],
        )
        .await;
    // There is no other program.
    captive.cannot(&["exec"], &["ENOENT"]).await;
    captive.end().await;
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_cannot_see_or_touch_another_process() {
    let ground = Ground::new("others");
    let driver = ground.driver(&probe::probe_binary());
    let mut captive = Captive::new(&driver, &Limits::default()).await;
    let mut sibling = Captive::new(&driver, &Limits::default()).await;
    let numbers = [
        std::process::id(),
        sibling.sandbox.init_pid(),
        sibling.sandbox.monitor_pid(),
        captive.sandbox.monitor_pid(),
        driver.spawner_pid().await.expect("runs"),
        2,
    ];
    for number in numbers {
        captive.cannot(&[&format!("kill {number}")], &["ESRCH"]).await;
        captive.cannot(&[&format!("ptrace {number}")], &["EPERM"]).await;
    }
    assert_eq!(sibling.tries("identity").await.as_deref(), Some("ok pid=1 uid=0 gid=0 groups="));
    captive.end().await;
    assert!(sibling.tries("identity").await.is_some(), "its neighbour's death is not its own");
    sibling.end().await;
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vaults_have_user_ids_of_their_own() {
    let ground = Ground::new("ids");
    let driver = ground.driver(&probe::probe_binary());
    let one = Captive::new(&driver, &Limits::default()).await;
    let two = Captive::new(&driver, &Limits::default()).await;
    let uid = |captive: &Captive| {
        let path = format!("/proc/{}", captive.sandbox.init_pid());
        std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(path).expect("lives"))
    };
    let (first, second) = (uid(&one), uid(&two));
    assert!(first >= 0x4000_0000 && second >= 0x4000_0000, "{first} {second}");
    assert_ne!(first, second);
    one.end().await;
    two.end().await;
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_over_the_limit_ends_it_and_only_it() {
    let ground = Ground::new("memory");
    let driver = ground.driver(&probe::probe_binary());
    let mut greedy = Captive::new(&driver, &with_memory(8)).await;
    let mut modest = Captive::new(&driver, &with_memory(8)).await;
    // The limit is 8 MiB for the heap, 8 for the init, and the frames.
    assert_eq!(greedy.tries("allocate 6").await.as_deref(), Some("ok"), "within the limit");
    assert_eq!(greedy.tries("allocate 64").await, None, "over it");
    assert_eq!(greedy.sandbox.died().await, InitExit::OutOfMemory);
    assert_eq!(modest.tries("allocate 6").await.as_deref(), Some("ok"));
    greedy.end().await;
    modest.end().await;
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_bomb_stops_at_the_limit() {
    let ground = Ground::new("forks");
    let driver = ground.driver(&probe::probe_binary());
    let limits = Limits { pids: 8, ..Limits::default() };
    let mut captive = Captive::new(&driver, &limits).await;
    assert_eq!(captive.tries("forks 1000").await.as_deref(), Some("EAGAIN 7"));
    assert_eq!(captive.tries("threads 1000").await.as_deref(), Some("EAGAIN 7"));
    captive.end().await;
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processor_time_is_rationed() {
    let ground = Ground::new("cpu");
    let driver = ground.driver(&probe::probe_binary());
    let limits = Limits { cpu_percent: 20, ..Limits::default() };
    let mut captive = Captive::new(&driver, &limits).await;
    let answer = captive.tries("cpu 1000").await.expect("goes on");
    let got: u64 = answer.strip_prefix("ok ").and_then(|ms| ms.parse().ok()).expect("a number");
    // 200 of 1000 are its due, and a period more at either end; without a limit it would be near
    // 1000 on an idle machine, and less on a busy one, so only the upper bound is a proof.
    assert!(got <= 450, "{got} ms of 1000 with a limit of 20 percent");
    captive.end().await;
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_full_of_spinning_processes_dies_as_fast_as_any() {
    let ground = Ground::new("spin");
    let driver = ground.driver(&probe::probe_binary());
    let mut captive = Captive::new(&driver, &Limits::default()).await;
    captive.channel.get_mut().write_all(b"spin\n").await.expect("is open");
    let lines = captive.sandbox.reclaim().await;
    assert_eq!(captive.sandbox.died().await, InitExit::Signal(9));
    assert!(lines.iter().all(|line| line.gone), "{lines:?}");
    close(driver, ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_own_exit_and_an_attempted_escape_are_told_apart() {
    let ground = Ground::new("exits");
    let driver = ground.driver(&probe::probe_binary());
    let mut captive = Captive::new(&driver, &Limits::default()).await;
    assert_eq!(captive.tries("exit 3").await, None);
    assert_eq!(captive.sandbox.died().await, InitExit::Status(3));
    captive.end().await;
    let mut captive = Captive::new(&driver, &Limits::default()).await;
    assert_eq!(captive.tries("lockdown").await.as_deref(), Some("ok"), "the init's own filter");
    assert_eq!(captive.tries("socket inet").await, None);
    assert_eq!(captive.sandbox.died().await, InitExit::Signal(31), "SIGSYS");
    captive.end().await;
    close(driver, ground).await;
}

/// What the init's own filter lets through by its number, and stops by its arguments.
#[tokio::test(flavor = "multi_thread")]
async fn allowed_calls_are_filtered_by_their_arguments() {
    let ground = Ground::new("arguments");
    let driver = ground.driver(&probe::probe_binary());
    let mut captive = Captive::new(&driver, &Limits::default()).await;
    assert_eq!(captive.tries("lockdown").await.as_deref(), Some("ok"));
    // Wait, wake and their like; memory that is given back; plain memory; one descriptor; fixed clocks.
    for harmless in [
        "futex 0",
        "futex 1",
        "futex 128",
        "futex 129",
        "futex 137",
        "madvise 4",
        "madvise 8",
        "map 34 3 -1",
        "map 16418 3 -1",
        "map 131106 0 -1",
        "move own",
        "poll 1",
        "clock 0",
        "clock 1",
        "clock 4",
        "allocate 2",
        "release",
    ] {
        let answer = captive.tries(harmless).await.unwrap_or_else(|| panic!("{harmless} was its end"));
        assert!(answer == "ok" || harmless.starts_with("futex"), "{harmless}: {answer}");
    }
    captive.end().await;
    for attack in [
        // Locks that are handed on: FUTEX_LOCK_PI, UNLOCK_PI, TRYLOCK_PI, WAIT_REQUEUE_PI, CMP_REQUEUE_PI, and
        // LOCK_PI2; moved sleepers and operations: REQUEUE, CMP_REQUEUE, WAKE_OP, FD.
        "futex 6",
        "futex 7",
        "futex 8",
        "futex 11",
        "futex 12",
        "futex 13",
        "futex 134",
        "futex 3",
        "futex 4",
        "futex 5",
        "futex 2",
        // MERGEABLE, HUGEPAGE, HWPOISON, DONTFORK, COLD, PAGEOUT, POPULATE_WRITE, REMOVE, WIPEONFORK.
        "madvise 12",
        "madvise 14",
        "madvise 100",
        "madvise 10",
        "madvise 20",
        "madvise 21",
        "madvise 23",
        "madvise 9",
        "madvise 18",
        // HUGETLB, SHARED, the channel, FIXED, GROWSDOWN, LOCKED, POPULATE, 32BIT, and code.
        "map 262178 3 -1",
        "map 33 3 -1",
        "map 2 1 3",
        "map 34 3 3",
        "map 50 3 -1",
        "map 290 3 -1",
        "map 8226 3 -1",
        "map 32802 3 -1",
        "map 98 3 -1",
        "map 34 7 -1",
        "map 34 5 -1",
        "move text",
        "poll 2",
        "poll 64",
        // Out of band, peeking, and plain: the init reads and writes.
        "receive 1",
        "receive 2",
        "receive 0",
        "send 1",
        "send 0",
        // A clock of a process, and one of a descriptor.
        "clock -6",
        "clock -29",
    ] {
        let mut captive = Captive::new(&driver, &Limits::default()).await;
        assert_eq!(captive.tries("lockdown").await.as_deref(), Some("ok"));
        assert_eq!(captive.tries(attack).await, None, "{attack} was answered");
        assert_eq!(captive.sandbox.died().await, InitExit::Signal(31), "{attack}");
        captive.end().await;
    }
    close(driver, ground).await;
}
