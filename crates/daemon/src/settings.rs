//! Settings of the daemon: flag over file over default.

use std::path::PathBuf;

use super::args::ServeArgs;
use hauki_contract::model::config::Config;
use hauki_contract::model::units::{UnitError, parse_duration};
use hauki_contract::system::config_layers::{LayerError, Layers};
use hauki_contract::system::export::{Target, TargetError};
use hauki_contract::system::paths::{self, Places};

#[derive(Debug, Clone)]
pub(crate) struct DaemonSettings {
    pub state_dir: PathBuf,
    pub socket: PathBuf,
    pub idle_exit_ms: Option<u64>,
    pub trace: Option<Target>,
    pub config: Config,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum DaemonSettingsError {
    #[error(transparent)]
    Layer(#[from] LayerError),
    #[error("idle_exit")]
    IdleExit(#[source] UnitError),
    #[error("daemon.trace")]
    Trace(#[source] TargetError),
}

impl DaemonSettings {
    pub(crate) fn resolve(args: &ServeArgs, role: &str) -> Result<Self, DaemonSettingsError> {
        let config = Layers::read(args.config.as_deref(), args.config.is_some())?.whole();
        let socket = config.daemon.socket.clone();
        let Places { state_dir, socket } = match &args.state_dir {
            // It takes the socket along, as it does wherever else it is said.
            Some(named) => Places::of(None, Some(named.clone()), socket),
            None => Places::resolve(config.daemon.state_dir.clone(), socket),
        };
        let socket = args.socket.clone().map(paths::absolute).unwrap_or_else(|| match role {
            // A node beside a core needs a socket of its own.
            "node" => socket.with_file_name("node.sock"),
            _ => socket,
        });
        let idle_exit = args.idle_exit.as_ref().or(config.daemon.idle_exit.as_ref());
        let idle_exit_ms =
            idle_exit.map(|text| parse_duration(text)).transpose().map_err(DaemonSettingsError::IdleExit)?;
        let trace = config.daemon.trace.as_deref().map(Target::absolute);
        let trace = trace.transpose().map_err(DaemonSettingsError::Trace)?;
        Ok(Self { state_dir, socket, idle_exit_ms, trace, config })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_lie_over_the_file_and_typos_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("hauki.yaml");
        std::fs::write(&path, "daemon: {state_dir: /a, socket: /b}\n").expect("writes");
        let args =
            ServeArgs { config: Some(path.clone()), state_dir: Some("/c".into()), ..ServeArgs::default() };
        let settings = DaemonSettings::resolve(&args, "all").expect("resolves");
        assert_eq!((settings.state_dir, settings.socket), ("/c".into(), "/b".into()));
        std::fs::write(&path, "# nothing yet\n").expect("writes");
        DaemonSettings::resolve(&args, "all").expect("is one without settings");
        std::fs::write(&path, "daemon: {state_dir: /a}\n").expect("writes");
        for (role, socket) in [("all", "/c/hauki.sock"), ("node", "/c/node.sock")] {
            let settings = DaemonSettings::resolve(&args, role).expect("resolves");
            assert_eq!((settings.state_dir, settings.socket), ("/c".into(), socket.into()));
        }
        std::fs::write(&path, "daemon: {stat_dir: /a}\n").expect("writes");
        let error = DaemonSettings::resolve(&args, "all").expect_err("has a typo");
        assert!(matches!(error, DaemonSettingsError::Layer(LayerError::Parse { .. })));
    }
}
