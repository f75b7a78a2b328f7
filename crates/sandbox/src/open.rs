//! Driver factory: which driver there is, by the name that the configuration gives it: the one place that knows them
//! all.
//!
//! Whoever opens one holds a [`Driver`] and no more. A further driver is a folder beside `lxc`, a name in [`NAMES`],
//! an arm in [`open`], and, where it starts this program under another name, one in [`dispatch`].

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use super::Driver;
use super::lxc::{self, LxcConfig, LxcDriver, LxcSetupError};
use hauki_contract::model::config;

/// Of those that isolate.
pub const NAMES: [&str; 1] = [LXC];
const LXC: &str = config::SANDBOX;

/// What every driver is told.
#[derive(Debug)]
pub struct DriverConfig<'a> {
    /// The part of the configuration that is about sandboxes.
    pub node: &'a config::NodeConfig,
    /// The driver's alone, and made if it is not there.
    pub state_dir: PathBuf,
    /// Where people find the state, if not in `state_dir`: for a driver that only looks around.
    pub shown_dir: Option<PathBuf>,
    /// The program that runs first in each sandbox: static, for there is nothing else inside.
    pub init: Vec<u8>,
    /// How many there may be at a time, if that is known.
    pub most: Option<usize>,
}

#[derive(Debug, thiserror::Error)]
pub enum DriverOpenError {
    #[error("node.sandbox is {name}: expected {}", NAMES.join(", "))]
    Unknown { name: String },
    #[error(transparent)]
    Lxc(#[from] LxcSetupError),
}

/// Prepares the driver that the configuration names. Must be called within a tokio runtime.
pub fn open(wanted: DriverConfig<'_>) -> Result<Arc<dyn Driver>, DriverOpenError> {
    match wanted.node.sandbox.as_deref().unwrap_or(config::SANDBOX) {
        LXC => Ok(Arc::new(LxcDriver::start_new(for_lxc(wanted))?)),
        name => Err(DriverOpenError::Unknown { name: name.to_owned() }),
    }
}

fn for_lxc(wanted: DriverConfig<'_>) -> LxcConfig {
    let DriverConfig { node, state_dir, shown_dir, init, most } = wanted;
    let usual = LxcConfig::new(state_dir, init);
    LxcConfig {
        id_base: node.id_base.unwrap_or(usual.id_base),
        most_vaults: most.unwrap_or(usual.most_vaults),
        unlimited: node.unlimited.clone(),
        shown_dir,
        ..usual
    }
}

/// Becomes a driver's helper if this process was started as one. Must be called first in `main`, before anything
/// starts a thread or opens a file.
#[must_use]
pub fn dispatch() -> Option<ExitCode> {
    lxc::spawner::dispatch()
}

/// Takes this process out of the care of whoever started it, as far as a sandbox could end or suffer with that.
pub fn leave_starter() {
    lxc::leave_starter();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_driver_that_there_is_not_is_refused_with_the_names_of_those_that_there_are() {
        let node = config::NodeConfig { sandbox: Some("chroot".into()), ..config::NodeConfig::default() };
        let dir = tempfile::tempdir().expect("a directory");
        let state_dir = dir.path().join("sandbox");
        let wanted = DriverConfig {
            node: &node,
            state_dir: state_dir.clone(),
            shown_dir: None,
            init: Vec::new(),
            most: None,
        };
        let refused = open(wanted).err().expect("is not there");
        assert_eq!(refused.to_string(), format!("node.sandbox is chroot: expected {}", NAMES.join(", ")));
        assert!(!state_dir.exists(), "nothing was made");
    }

    #[test]
    fn what_the_configuration_says_reaches_the_driver() {
        let node = config::NodeConfig { id_base: Some(7_000_000), ..config::NodeConfig::default() };
        let wanted =
            |most| DriverConfig { node: &node, state_dir: "s".into(), shown_dir: None, init: vec![1], most };
        let config = for_lxc(wanted(Some(3)));
        assert_eq!((config.id_base, config.most_vaults, config.init), (7_000_000, 3, vec![1]));
        assert_eq!(for_lxc(wanted(None)).most_vaults, LxcConfig::new("s".into(), Vec::new()).most_vaults);
    }
}
