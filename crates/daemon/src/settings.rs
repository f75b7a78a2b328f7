//! What the daemon runs with: flag over file over default.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::args::ServeArgs;
use hauki_contract::model::config::{Config, MAX_CONFIG_BYTES};
use hauki_contract::model::units::{UnitError, parse_duration};
use hauki_contract::strict::{self, StrictError};
use hauki_contract::system::files;
use hauki_contract::system::paths::{self, Places};

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
    #[error("{path}{place} is not a hauki configuration", place = .source.place())]
    Parse {
        path: PathBuf,
        #[source]
        source: StrictError,
    },
    #[error("idle_exit")]
    IdleExit(#[source] UnitError),
}

impl Settings {
    pub fn resolve(args: &ServeArgs, role: &str) -> Result<Self, SettingsError> {
        let mut config = Config::default();
        let named = args.config.is_some();
        let files = args.config.clone().map_or_else(paths::config_files, |path| vec![path]);
        // The strongest last, value by value, as the tool lays them too.
        for path in files {
            if let Some(read) = read(&path, named)? {
                config = lay_over(config, &read).unwrap_or(read);
            }
        }
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
            idle_exit.map(|text| parse_duration(text)).transpose().map_err(SettingsError::IdleExit)?;
        Ok(Self { state_dir, socket, idle_exit_ms, config })
    }
}

/// What `upper` says, and what `lower` says besides. Absent values are not written, so they leave
/// what is below as it is.
fn lay_over(lower: Config, upper: &Config) -> Option<Config> {
    fn lay(lower: &mut Value, upper: Value) {
        match (lower, upper) {
            (Value::Object(lower), Value::Object(upper)) => {
                for (key, value) in upper {
                    lay(lower.entry(key).or_insert(Value::Null), value);
                }
            }
            (lower, upper) => *lower = upper,
        }
    }
    let mut both = serde_json::to_value(lower).ok()?;
    lay(&mut both, serde_json::to_value(upper).ok()?);
    strict::from_value(&both).ok()
}

fn is_absence(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// `None` if there is no such file, unless somebody named it.
fn read(path: &Path, named: bool) -> Result<Option<Config>, SettingsError> {
    let bytes = match files::read(path, MAX_CONFIG_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if is_absence(error.kind()) && !named => return Ok(None),
        Err(source) => return Err(SettingsError::Read { path: path.to_owned(), source }),
    };
    Config::read(&bytes).map(Some).map_err(|source| SettingsError::Parse { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_over_each_other_value_by_value() {
        let parse = |text: &str| Config::read(text.as_bytes()).expect("parses");
        let lower = parse("daemon: {state_dir: /a, socket: /b}\nnode: {labels: {x: y}}\n");
        let both = lay_over(lower, &parse("daemon: {socket: /c}\nnode: {labels: {z: w}}\n")).expect("lays");
        assert_eq!((both.daemon.state_dir, both.daemon.socket), (Some("/a".into()), Some("/c".into())));
        assert_eq!(both.node.labels.len(), 2);
    }

    #[test]
    fn flags_lie_over_the_file_and_typos_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("hauki.yaml");
        std::fs::write(&path, "daemon: {state_dir: /a, socket: /b}\n").expect("writes");
        let args =
            ServeArgs { config: Some(path.clone()), state_dir: Some("/c".into()), ..ServeArgs::default() };
        let settings = Settings::resolve(&args, "all").expect("resolves");
        assert_eq!((settings.state_dir, settings.socket), ("/c".into(), "/b".into()));
        std::fs::write(&path, "# nothing yet\n").expect("writes");
        Settings::resolve(&args, "all").expect("is one without settings");
        std::fs::write(&path, "daemon: {state_dir: /a}\n").expect("writes");
        for (role, socket) in [("all", "/c/hauki.sock"), ("node", "/c/node.sock")] {
            let settings = Settings::resolve(&args, role).expect("resolves");
            assert_eq!((settings.state_dir, settings.socket), ("/c".into(), socket.into()));
        }
        std::fs::write(&path, "daemon: {stat_dir: /a}\n").expect("writes");
        let error = Settings::resolve(&args, "all").expect_err("has a typo");
        assert!(matches!(error, SettingsError::Parse { .. }));
    }
}
