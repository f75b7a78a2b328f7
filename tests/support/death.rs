//! Awaiting a death by its event, and holding its receipt against the kernel.

#![allow(dead_code, reason = "not every test target uses all of it")]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hauki::api::event::{Event, EventQuery, Happening};
use hauki::api::summons::Spawned;
use hauki::api::teardown::DestructQuery;
use hauki::client::endpoint::{ControlPlane, NdjsonStream};
use hauki::model::death::Cause;
use hauki::model::id::VaultId;
use hauki::model::receipt::{Receipt, Resource};
use tokio::time::timeout;

use super::family::HANG;

/// The events of one vault, from its first on.
pub(crate) async fn follow(endpoint: &ControlPlane, vault: &VaultId) -> NdjsonStream {
    let query = EventQuery { follow: true, after: None, vault: Some(vault.clone()) };
    endpoint.events(&query).await.expect("the stream opens")
}

/// The first event that fits.
pub(crate) async fn event<T>(events: &mut NdjsonStream, fits: impl Fn(Happening) -> Option<T>) -> T {
    let reading = async {
        loop {
            let event: Event = events.next().await.expect("reads").expect("the stream goes on");
            if let Some(found) = fits(event.what) {
                return found;
            }
        }
    };
    timeout(HANG, reading).await.expect("the event comes")
}

pub(crate) async fn death(endpoint: &ControlPlane, vault: &VaultId) -> Receipt {
    let mut events = follow(endpoint, vault).await;
    event(&mut events, |what| match what {
        Happening::Died { receipt, .. } => Some(receipt),
        _ => None,
    })
    .await
}

pub(crate) async fn destruct(endpoint: &ControlPlane, vault: &VaultId) -> Receipt {
    let torn = timeout(HANG, endpoint.destruct(vault, &DestructQuery::default())).await;
    torn.expect("does not hang").expect("destructs").receipt.expect("a receipt")
}

/// What of a vault can be found again without asking anybody but the kernel.
pub(crate) struct Traces {
    vault: VaultId,
    init: u32,
    port: Option<SocketAddr>,
    /// The numbers of the sockets that listen there.
    listeners: BTreeSet<u64>,
}

/// The numbers of all sockets that listen at this port. A port is somebody else's as soon as it is free; a socket is not.
fn listeners(port: u16) -> BTreeSet<u64> {
    const LISTENS: &str = "0A";
    let end = format!(":{port:04X}");
    let tables = ["tcp", "tcp6"].map(|table| std::fs::read_to_string(format!("/proc/self/net/{table}")));
    let inode = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_ours = fields.get(1).is_some_and(|local| local.ends_with(&end));
        (is_ours && fields.get(3) == Some(&LISTENS)).then(|| fields.get(9)?.parse().ok()).flatten()
    };
    tables.iter().flatten().flat_map(|table| table.lines().skip(1).filter_map(inode)).collect()
}

impl Traces {
    pub(crate) async fn of(endpoint: &ControlPlane, spawned: &Spawned) -> Self {
        let seen = endpoint.vault(&spawned.vault.id).await.expect("is known");
        let port = spawned.ticket.endpoint.clone();
        let traces = Self {
            vault: spawned.vault.id.clone(),
            init: seen.vitals.expect("lives").init_pid,
            port: Some((port.ip, port.port).into()),
            listeners: listeners(port.port),
        };
        let left = traces.left();
        // A search that finds nothing of the living would prove nothing of the dead.
        for what in ["cgroup ", "process ", "port "] {
            assert!(left.iter().any(|line| line.starts_with(what)), "no {what}in {left:?}");
        }
        traces
    }

    fn cgroups(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        search(Path::new("/sys/fs/cgroup"), 6, self.vault.as_str(), &mut found);
        found
    }

    /// Whatever is still there.
    pub(crate) fn left(&self) -> Vec<String> {
        let mut left: Vec<String> =
            self.cgroups().iter().map(|path| format!("cgroup {}", path.display())).collect();
        // The number may be somebody else's by now; the group is what names the vault.
        let read = |file| std::fs::read_to_string(format!("/proc/{}/{file}", self.init)).unwrap_or_default();
        // One that has ended and lost its monitor waits for process 1 of the machine, and holds nothing.
        if read("cgroup").contains(self.vault.as_str()) && !read("stat").contains(") Z ") {
            left.push(format!("process {}", self.init));
        }
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("proc is mounted");
        left.extend(mounts.lines().filter(|line| line.contains(self.vault.as_str())).map(str::to_owned));
        if let Some(port) = self.port
            && !self.listeners.is_disjoint(&listeners(port.port()))
        {
            left.push(format!("port {port}"));
        }
        left
    }

    /// The receipt says that all is gone, line by line, and the kernel says so too.
    pub(crate) fn assert_agrees(&self, receipt: &Receipt, cause: Cause) {
        assert_eq!(receipt.death.cause, cause, "{receipt:?}");
        assert_eq!(receipt.vault, self.vault);
        assert!(receipt.is_clean(), "{receipt:?}");
        let told: Vec<Resource> = receipt.reclaimed.iter().filter_map(|line| line.what.known()).collect();
        for what in
            [Resource::Process, Resource::Monitor, Resource::Cgroups, Resource::Mounts, Resource::Port]
        {
            assert!(told.contains(&what), "nothing is said of {what:?}: {receipt:?}");
        }
        let process = receipt.reclaimed.iter().find(|line| line.what == Resource::Process);
        assert_eq!(process.map(|line| line.name.clone()), Some(format!("pid {}", self.init)));
        assert_eq!(self.left(), Vec::<String>::new());
    }
}

fn search(dir: &Path, depth: usize, word: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        if entry.file_name().to_string_lossy().contains(word) {
            found.push(entry.path());
        } else if depth > 0 {
            search(&entry.path(), depth - 1, word, found);
        }
    }
}
