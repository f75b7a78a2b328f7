//! What the daemon runs with: flag over file over default.

use std::path::{Path, PathBuf};

use super::args::ServeArgs;
use crate::model::config::Config;
use crate::model::units::{UnitError, parse_duration};
use crate::system::paths;

#[derive(Debug, Clone)]
pub struct Settings {
    pub state_dir: PathBuf,
    pub socket: PathBuf,
    pub idle_exit_ms: Option<u64>,
    pub config: Config,
}

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("failed to read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is not a valid configuration")]
    Parse {
        path: PathBuf,
        #[source]
        source: serde_yaml::Error,
    },
    #[error("idle_exit")]
    IdleExit(#[source] UnitError),
}

impl Settings {
    pub fn resolve(args: &ServeArgs, role: &str) -> Result<Self, SettingsError> {
        let mut config = Config::default();
        let named = args.config.is_some();
        let files = args.config.clone().map_or_else(paths::config_files, |path| vec![path]);
        // The daemon's configuration is the machine's: the first file that there is.
        for path in files {
            if let Some(read) = read(&path, named)? {
                config = read;
                break;
            }
        }
        let state_dir = args
            .state_dir
            .clone()
            .or_else(|| config.daemon.state_dir.clone())
            .unwrap_or_else(paths::state_dir);
        let socket = args.socket.clone().or_else(|| config.daemon.socket.clone()).unwrap_or_else(|| {
            // A node beside a core needs a socket of its own.
            if role == "node" { paths::socket().with_file_name("node.sock") } else { paths::socket() }
        });
        let idle_exit = args.idle_exit.as_ref().or(config.daemon.idle_exit.as_ref());
        let idle_exit_ms =
            idle_exit.map(|text| parse_duration(text)).transpose().map_err(SettingsError::IdleExit)?;
        Ok(Self { state_dir, socket, idle_exit_ms, config })
    }
}

/// `None` if there is no such file, unless somebody named it.
fn read(path: &Path, named: bool) -> Result<Option<Config>, SettingsError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => return Ok(None),
        Err(source) => return Err(SettingsError::Read { path: path.to_owned(), source }),
    };
    if text.trim().is_empty() {
        return Ok(Some(Config::default()));
    }
    serde_yaml::from_str(&text)
        .map(Some)
        .map_err(|source| SettingsError::Parse { path: path.to_owned(), source })
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
        let settings = Settings::resolve(&args, "all").expect("resolves");
        assert_eq!((settings.state_dir, settings.socket), ("/c".into(), "/b".into()));
        std::fs::write(&path, "daemon: {stat_dir: /a}\n").expect("writes");
        let error = Settings::resolve(&args, "all").expect_err("has a typo");
        assert!(matches!(error, SettingsError::Parse { .. }));
    }
}
