//! Configuration layers: flag over environment over files over default, read once for tool and daemon.
//!
//! The strongest layer that says anything wins, value by value. Nothing is validated before it has
//! won, so a bad value in a weak layer cannot break a command that overrides it; a file that is not
//! well-formed is an error all the same, with its line and column.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{paths, rlimit};
use crate::model::config::{Config, MAX_CONFIG_BYTES};
use crate::strict::{self, StrictError};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingSource {
    Flag(&'static str),
    Env(&'static str),
    File(PathBuf),
    Default,
}

impl SettingSource {
    #[must_use]
    pub fn is_flag(&self) -> bool {
        matches!(self, Self::Flag(_))
    }
}

impl fmt::Display for SettingSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(out, "flag {name}"),
            Self::Env(name) => write!(out, "environment {name}"),
            Self::File(path) => write!(out, "file {}", path.display()),
            Self::Default => out.write_str("default"),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    #[error("failed to read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The parser's message tells line and column.
    #[error("{path}{place} is not a hauki configuration", place = .source.place())]
    Parse {
        path: PathBuf,
        #[source]
        source: StrictError,
    },
}

/// The files that there are, the weakest first.
#[derive(Debug, Clone, Default)]
pub struct Layers(Vec<(PathBuf, Config)>);

impl Layers {
    /// Those that are usual, or the one that somebody named. `must_exist`: absent is not the same as empty.
    pub fn read(named: Option<&Path>, must_exist: bool) -> Result<Self, LayerError> {
        let paths = named.map_or_else(paths::config_files, |path| vec![path.to_owned()]);
        let mut layers = Vec::with_capacity(paths.len());
        for path in paths {
            let bytes = match rlimit::read(&path, MAX_CONFIG_BYTES) {
                Ok(bytes) => bytes,
                Err(error) if is_absence(error.kind()) && !must_exist => continue,
                Err(source) => return Err(LayerError::Read { path, source }),
            };
            match Config::read(&bytes) {
                Ok(config) => layers.push((path, config)),
                Err(source) => return Err(LayerError::Parse { path, source }),
            }
        }
        Ok(Self(layers))
    }

    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(path, _)| path.as_path())
    }

    /// Each file with what it says, the weakest first.
    pub fn files(&self) -> impl DoubleEndedIterator<Item = (&Path, &Config)> {
        self.0.iter().map(|(path, config)| (path.as_path(), config))
    }

    /// What the strongest says that says it at all: a flag, then the environment, then a file.
    pub fn strongest<T>(
        &self,
        flag: Option<(T, &'static str)>,
        env: Option<(T, &'static str)>,
        of: impl Fn(&Config) -> Option<T>,
    ) -> Option<(T, SettingSource)> {
        let flag = flag.map(|(value, name)| (value, SettingSource::Flag(name)));
        let env = env.map(|(value, name)| (value, SettingSource::Env(name)));
        flag.or(env).or_else(|| {
            let said =
                |(path, config): (&Path, &Config)| Some((of(config)?, SettingSource::File(path.to_owned())));
            self.files().rev().find_map(said)
        })
    }

    /// All files over each other.
    #[must_use]
    pub fn whole(&self) -> Config {
        let all = self.0.iter().map(|(_, config)| config);
        all.cloned().reduce(|lower, upper| lay_over(&lower, &upper).unwrap_or(upper)).unwrap_or_default()
    }
}

fn is_absence(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// What `upper` says, and what `lower` says besides. Absent values are not written, so they leave
/// what is below as it is.
fn lay_over(lower: &Config, upper: &Config) -> Option<Config> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(texts: &[&str]) -> Layers {
        let read = |(number, text): (usize, &&str)| {
            (PathBuf::from(format!("/{number}")), Config::read(text.as_bytes()).expect("parses"))
        };
        Layers(texts.iter().enumerate().map(read).collect())
    }

    #[test]
    fn files_lie_over_each_other_value_by_value() {
        let layers = layers(&[
            "daemon: {state_dir: /a, socket: /b}\nnode: {labels: {x: y}}\n",
            "daemon: {socket: /c}\nnode: {labels: {z: w}}\n",
        ]);
        let both = layers.whole();
        assert_eq!((both.daemon.state_dir, both.daemon.socket), (Some("/a".into()), Some("/c".into())));
        assert_eq!(both.node.labels.len(), 2);
        assert_eq!(Layers::default().whole(), Config::default());
    }

    #[test]
    fn the_strongest_that_says_it_wins_and_is_named() {
        let layers = layers(&["output: yaml\ntimeout: 9s\n", "output: json\n"]);
        let of = |flag, env| layers.strongest(flag, env, |config| config.output.clone());
        let text = |text: &str| Some((text.to_owned(), "-x"));
        assert_eq!(of(text("id"), text("table")), Some(("id".into(), SettingSource::Flag("-x"))));
        assert_eq!(of(None, text("table")), Some(("table".into(), SettingSource::Env("-x"))));
        assert_eq!(of(None, None), Some(("json".into(), SettingSource::File("/1".into()))));
        let timeout = layers.strongest(None, None, |config| config.timeout.clone());
        assert_eq!(timeout, Some(("9s".into(), SettingSource::File("/0".into()))));
        assert_eq!(layers.strongest(None, None, |config| config.endpoint.clone()), None);
    }
}
