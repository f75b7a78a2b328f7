//! The ground on which a sandbox test stands: a state directory, a name and user ids of its own, so
//! that tests run beside each other, and a search for anything left over at the end.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use hauki::model::id::VaultId;
use hauki_sandbox::lxc::{LxcConfig, LxcDriver};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// So many vaults fit on one ground.
const VAULTS: u32 = 64;

pub(crate) struct Ground {
    dir: tempfile::TempDir,
    number: u32,
    name: &'static str,
}

#[allow(dead_code, reason = "not every test target uses all of it")]
impl Ground {
    /// Fails, with the reason, where vaults cannot be started at all: these tests never pass idly.
    pub(crate) fn new(name: &'static str) -> Self {
        let is_root = fs::metadata("/proc/self").map(|meta| std::os::unix::fs::MetadataExt::uid(&meta)).ok();
        assert_eq!(is_root, Some(0), "the sandbox tests start real vaults and must run as root");
        let dir = tempfile::Builder::new().prefix("hauki-sandbox-").tempdir().expect("a temporary directory");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).expect("is ours");
        Self { dir, number: NEXT.fetch_add(1, Ordering::Relaxed), name }
    }

    pub(crate) fn config(&self, init: &Path) -> LxcConfig {
        let mut config =
            LxcConfig::new(self.dir.path().to_path_buf(), fs::read(init).expect("the init is built"));
        config.name_prefix = format!("hkt-{}", self.name);
        // Other test processes count from zero too.
        let place = (std::process::id().wrapping_mul(16) + self.number) % 700;
        config.id_base = 0x4000_0000 + place * VAULTS * 65_536;
        config.most_vaults = VAULTS as usize;
        config.spawner_command = vec![env!("CARGO_BIN_EXE_haukid").into()];
        config
    }

    pub(crate) fn driver(&self, init: &Path) -> LxcDriver {
        LxcDriver::start_new(self.config(init)).expect("the driver starts")
    }

    pub(crate) fn state_dir(&self) -> &Path {
        self.dir.path()
    }

    /// Everything of this ground that the kernel still shows.
    pub(crate) fn leftovers(&self, group: &str) -> Vec<String> {
        let state = self.dir.path().to_string_lossy().into_owned();
        let mut left = Vec::new();
        for path in groups(Path::new("/sys/fs/cgroup"), 4) {
            if path.to_string_lossy().contains(group) {
                left.push(format!("cgroup {}", path.display()));
            }
        }
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("proc is mounted");
        left.extend(
            mounts
                .lines()
                .filter(|line| line.contains(&state) || line.contains(group))
                .map(|l| format!("mount {l}")),
        );
        for entry in fs::read_dir("/proc").expect("proc is mounted").flatten() {
            let read = |file: &str| fs::read(entry.path().join(file)).unwrap_or_default();
            let of = |bytes: Vec<u8>, what: &str| String::from_utf8_lossy(&bytes).contains(what);
            let ours = entry.file_name() == std::process::id().to_string().as_str();
            // An orphan that has ended waits for process 1 of the machine, and holds nothing any more.
            let ended = of(read("stat"), ") Z ");
            if !ours && !ended && (of(read("cgroup"), group) || of(read("environ"), &state)) {
                left.push(format!(
                    "process {} {}",
                    entry.file_name().display(),
                    String::from_utf8_lossy(&read("comm")).trim()
                ));
            }
        }
        left
    }

    pub(crate) fn assert_clean(&self, group: &str) {
        let left = self.leftovers(group);
        assert!(left.is_empty(), "left behind:\n{}", left.join("\n"));
    }
}

fn groups(dir: &Path, depth: usize) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let dirs = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut found = Vec::new();
    for entry in dirs {
        if depth > 1 {
            found.extend(groups(&entry.path(), depth - 1));
        }
        found.push(entry.path());
    }
    found
}

/// An id that no other vault of this test process has.
#[allow(dead_code, reason = "not every test target uses all of it")]
pub(crate) fn vault_id() -> VaultId {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    VaultId::mint(1_700_000_000_000, NUMBER.fetch_add(1, Ordering::Relaxed).into())
}
