//! Diagnostics, `haukid findings`: what `hauki doctor` shows where no daemon runs.
//!
//! It prepares the sandbox driver as a daemon would, in a directory of its own that goes again, and
//! lets it say what it found. Nothing is started.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::settings::DaemonSettings;
use hauki_contract::model::check::Check;
use hauki_contract::model::error_chain;
use hauki_contract::system::random;
use hauki_control::gems;
use hauki_control::start::{self, CoreStartError, Inspected};
use hauki_node::settings::NodeSettings;
use hauki_sandbox::DriverConfig;

/// In the state directory, or where it would be made: its file system and all above it are the vaults' too.
fn place(state_dir: &Path) -> PathBuf {
    let there = state_dir.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/"));
    there.join(format!("haukid-findings-{:x}", random::u64()))
}

async fn sandbox(settings: &DaemonSettings, node: Option<&NodeSettings>) -> Vec<Check> {
    if !rustix::process::geteuid().is_root() {
        return vec![Check::fail("haukid needs root to start vaults", "sudo hauki doctor")];
    }
    let dir = place(&settings.state_dir);
    let made = std::fs::create_dir(&dir)
        .and_then(|()| std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o711)));
    if let Err(error) = made {
        return vec![Check::fail(
            format!("{} cannot be made: {error}", dir.display()),
            "free some space or set daemon.state_dir",
        )];
    }
    let wanted = DriverConfig {
        node: &settings.config.node,
        state_dir: dir.clone(),
        shown_dir: Some(settings.state_dir.clone()),
        init: Vec::new(),
        most: node.map(NodeSettings::most_sandboxes),
    };
    let checks = match hauki_sandbox::open(wanted) {
        Ok(driver) => {
            let found = driver.diagnose().await;
            driver.close().await;
            found
        }
        Err(error) => {
            let what = format!("the sandbox driver cannot work here: {}", error_chain::told(&error));
            vec![Check::fail(what, "free some space, or set daemon.state_dir, if it is about the disk")]
        }
    };
    let _ = std::fs::remove_dir_all(&dir);
    checks
}

/// What the next start of a core would find, if there was one here before.
async fn store(state_dir: &Path) -> Option<Check> {
    match start::inspect(state_dir).await {
        Err(CoreStartError::Store(error)) => {
            let hint = error.way_back().unwrap_or_else(|| "see haukid(8), The store".into());
            Some(Check::fail(error_chain::told(&error), hint))
        }
        Err(error) => {
            let hint = error.way_back().unwrap_or_else(|| "put the file back from a copy".into());
            Some(Check::fail(error_chain::told(&error), hint))
        }
        Ok(Some(Inspected { damaged, .. })) if !damaged.is_empty() => {
            let named: Vec<&str> = damaged.iter().take(5).map(String::as_str).collect();
            let what = format!("{} damaged records of the store: {}", damaged.len(), named.join(", "));
            Some(Check::fail(what, "they are set aside at the next start; everything else goes on"))
        }
        Ok(Some(Inspected { in_part: true, .. })) => Some(Check::warn(
            "the store is large: not all of it was looked at",
            "a daemon looks at all of it while it serves, and `hauki doctor` then says what it found",
        )),
        Ok(_) => None,
    }
}

/// Prints the findings as one JSON array.
pub(crate) async fn print(settings: &DaemonSettings) -> std::io::Result<()> {
    let node = NodeSettings::new(&settings.config);
    let mut checks = sandbox(settings, node.as_ref().ok()).await;
    checks.push(match node {
        Ok(node) => node.data_plane_check(),
        Err(error) => Check::fail(error_chain::told(&error), "name the VPN's address in data_plane.address"),
    });
    checks.extend(gems::findings(&settings.config.gems.directories));
    checks.extend(store(&settings.state_dir).await);
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, &checks)?;
    writeln!(out)
}
