//! What others take for an empty program in the same sort of container, to its exit.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::floor;
use crate::now;
use crate::report::Report;

pub(crate) const LXC: &str = "peer: lxc-start of an empty program, to its exit";
const RUNTIMES: [(&str, &str); 2] = [
    ("runc", "peer: runc run of an empty program, to its exit"),
    ("crun", "peer: crun run of an empty program, to its exit"),
];

const ROUNDS: usize = 4;
/// Where the containers' user namespaces begin.
const FIRST_ID: u32 = 4_100_000_000;

pub(crate) struct Peers {
    dir: tempfile::TempDir,
    /// Those that work here.
    commands: Vec<(&'static str, Vec<String>)>,
}

fn quiet(words: &[String]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The first line of what a tool says about its version.
fn version(tool: &str) -> Option<String> {
    let output = Command::new(tool).arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).lines().next()?.trim().to_owned())
}

impl Peers {
    pub(crate) fn prepare(report: &mut Report) -> Self {
        let dir = tempfile::Builder::new().prefix("hauki-bench-").tempdir().expect("a directory");
        // Runtimes of the Open Container Initiative make devices in theirs, as the container's root.
        let [root, made_up] = ["rootfs", "rootfs-oci"].map(|name| dir.path().join(name));
        for (root, owner) in [(&root, 0), (&made_up, FIRST_ID)] {
            for name in ["", "proc", "dev", "sys", "bin"] {
                std::fs::create_dir_all(root.join(name)).expect("makes");
                chown(root.join(name), Some(owner), Some(owner)).expect("is ours");
            }
            floor::program(&root.join("bin/init"));
        }
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).expect("is ours");
        for link in ["fd", "stdin", "stdout", "stderr"] {
            symlink("/proc/self/fd", root.join("dev").join(link)).expect("makes");
        }
        let mut peers = Self { dir, commands: Vec::new() };
        peers.lxc(report);
        for (tool, row) in RUNTIMES {
            peers.oci(tool, row, report);
        }
        peers
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn lxc(&mut self, report: &mut Report) {
        let Some(version) = version("lxc-start") else {
            return report.note("lxc-start is not installed (package lxc)".into());
        };
        let config = self.path().join("config");
        let text = format!(
            "lxc.rootfs.path = dir:{}\nlxc.rootfs.options = ro\nlxc.uts.name = bench\n\
             lxc.net.0.type = empty\nlxc.init.cmd = /bin/init\nlxc.idmap = u 0 {FIRST_ID} 65536\n\
             lxc.idmap = g 0 {FIRST_ID} 65536\nlxc.autodev = 0\nlxc.pty.max = 0\nlxc.tty.max = 0\n\
             lxc.console.path = none\nlxc.cap.keep = none\nlxc.no_new_privs = 1\n",
            self.path().join("rootfs").display()
        );
        std::fs::write(&config, text).expect("writes");
        let words = ["lxc-start", "-P", &self.path().display().to_string(), "-n", "hauki-bench", "-F", "-f"];
        let mut words: Vec<String> = words.map(str::to_owned).into();
        words.push(config.display().to_string());
        self.commands.push((LXC, words));
        report.note(format!("lxc-start {version}"));
    }

    /// A runtime of the Open Container Initiative, with the configuration that it proposes itself, the
    /// same program, and the same user namespace.
    fn oci(&mut self, tool: &'static str, row: &'static str, report: &mut Report) {
        let Some(version) = version(tool) else { return report.note(format!("{tool} is not installed")) };
        let config = self.path().join("config.json");
        let _ = std::fs::remove_file(&config);
        let proposed = Command::new(tool).arg("spec").current_dir(self.path()).status();
        if !proposed.is_ok_and(|status| status.success()) {
            return report.note(format!("{version}: proposes no configuration"));
        }
        let text = std::fs::read_to_string(&config).expect("was written");
        let mut spec: Value = serde_json::from_str(&text).expect("is JSON");
        spec["process"]["terminal"] = json!(false);
        spec["process"]["args"] = json!(["/bin/init"]);
        // The one that they cannot do without.
        spec["mounts"] = json!([{ "destination": "/proc", "type": "proc", "source": "proc" }]);
        spec["linux"]["uidMappings"] = json!([{ "containerID": 0, "hostID": FIRST_ID, "size": 65536 }]);
        spec["linux"]["gidMappings"] = spec["linux"]["uidMappings"].clone();
        if let Some(namespaces) = spec["linux"]["namespaces"].as_array_mut() {
            namespaces.retain(|namespace| namespace["type"] != "user");
            namespaces.push(json!({ "type": "user" }));
        }
        let bundle = self.path().join(tool);
        std::fs::create_dir_all(&bundle).expect("makes");
        spec["root"]["path"] = json!(self.path().join("rootfs-oci"));
        std::fs::write(bundle.join("config.json"), spec.to_string()).expect("writes");
        let words = [tool, "run", "--bundle", &bundle.display().to_string(), "hauki-bench"];
        let words: Vec<String> = words.map(str::to_owned).into();
        let tried = Command::new(tool).args(&words[1..]).stdin(Stdio::null()).output().expect("runs");
        let said = String::from_utf8_lossy(&tried.stderr);
        // Its program ends with an error, about which it says nothing; words are the runtime's own.
        if !said.trim().is_empty() {
            return report.note(format!("{version} does not run here: {}", said.trim()));
        }
        self.commands.push((row, words));
        report.note(version);
    }

    pub(crate) fn rounds(&self, report: &mut Report) {
        for (row, words) in &self.commands {
            for _ in 0..ROUNDS {
                let start = now();
                quiet(words).status().expect("runs");
                report.add(row, start.elapsed());
            }
        }
    }
}
