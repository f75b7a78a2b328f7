//! Settings, each with its origin: flag, then environment, then files, then default.
//!
//! What the files say and which layer wins is in `system::config_layers`, for the daemon as well; here is what the tool
//! asks them for, and the words in which it shows all of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;

use hauki_contract::model::config::{self, Config};
use hauki_contract::model::units::{self, UnitError};
pub use hauki_contract::system::config_layers::SettingSource;
use hauki_contract::system::config_layers::{LayerError, Layers};
use hauki_contract::system::paths::{self, Places};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub value: Option<String>,
    pub source: SettingSource,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(transparent)]
    Layer(#[from] LayerError),
    #[error("{name} from {origin} cannot be used")]
    Value {
        name: &'static str,
        origin: SettingSource,
        #[source]
        source: UnitError,
    },
    #[error("{name} from {origin} is {value:?}, and must be one of: {allowed}")]
    Choice { name: &'static str, origin: SettingSource, value: String, allowed: &'static str },
    /// Taken for unset, it would send a command to where it was not meant to go.
    #[error("{name} from environment {variable} is no text in UTF-8: {shown}")]
    NotText { name: &'static str, variable: &'static str, shown: String },
}

/// What can be set, in the order in which it is shown.
pub const NAMES: [SettingName; 12] = [
    name("endpoint", "HAUKI_ENDPOINT", "--endpoint", None, |config| config.endpoint.clone()),
    name("token_file", "HAUKI_TOKEN_FILE", "--token-file", None, |config| shown(config.token_file.as_ref())),
    name("ca_file", "HAUKI_CA_FILE", "--ca-file", None, |config| shown(config.ca_file.as_ref())),
    name("output", "HAUKI_OUTPUT", "--output", Some("auto"), |config| config.output.clone()),
    name("timeout", "HAUKI_TIMEOUT", "--timeout", Some("60s"), |config| config.timeout.clone()),
    name("connect_timeout", "HAUKI_CONNECT_TIMEOUT", "--connect-timeout", Some("5s"), |config| {
        config.connect_timeout.clone()
    }),
    name("retries", "HAUKI_RETRIES", "--retries", Some("3"), |config| {
        config.retries.map(|retries| retries.to_string())
    }),
    name("color", "HAUKI_COLOR", "--color", Some("auto"), |config| config.color.clone()),
    name("progress", "HAUKI_PROGRESS", "--progress", Some("auto"), |config| config.progress.clone()),
    name("daemon.idle_exit", "HAUKI_IDLE_EXIT", "", Some("5m"), |config| config.daemon.idle_exit.clone()),
    name("daemon.socket", "", "", None, |config| shown(config.daemon.socket.as_ref())),
    name("daemon.state_dir", "HAUKI_STATE_DIR", "", None, |config| shown(config.daemon.state_dir.as_ref())),
];

/// One setting: what it is called in each layer, and what it is where none says it.
#[derive(Debug, Clone, Copy)]
pub struct SettingName {
    pub key: &'static str,
    env: &'static str,
    flag: &'static str,
    default: Option<&'static str>,
    of_file: fn(&Config) -> Option<String>,
}

impl SettingName {
    fn text(&self, value: OsString) -> Result<String, ConfigError> {
        value.into_string().map_err(|value| ConfigError::NotText {
            name: self.key,
            variable: self.env,
            shown: value.to_string_lossy().into_owned(),
        })
    }
}

const fn name(
    key: &'static str,
    env: &'static str,
    flag: &'static str,
    default: Option<&'static str>,
    of_file: fn(&Config) -> Option<String>,
) -> SettingName {
    SettingName { key, env, flag, default, of_file }
}

fn shown(path: Option<&PathBuf>) -> Option<String> {
    path.map(|path| path.display().to_string())
}

#[derive(Debug, Clone)]
pub struct Settings {
    values: BTreeMap<&'static str, Setting>,
    /// What the files say of what only the daemon uses.
    others: BTreeMap<String, Setting>,
    /// The files that were read, the weakest first.
    pub files: Vec<PathBuf>,
}

/// Each value with the path that leads to it; a list is one value.
fn flatten(path: String, value: &Value, tell: &mut impl FnMut(String, String)) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(path, value, tell);
            }
        }
        Value::Null => {}
        Value::Array(items) if items.is_empty() => {}
        Value::String(text) => tell(path, text.clone()),
        other => tell(path, other.to_string()),
    }
}

/// Every key that a file can have, with its path; a list or a map is one.
fn keys() -> Vec<String> {
    fn leaves(schema: &Value, path: &str, found: &mut Vec<String>) {
        let Some(fields) = schema["properties"].as_object() else { return found.push(path.to_owned()) };
        for (name, field) in fields {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            leaves(field, &path, found);
        }
    }
    let inline = schemars::generate::SchemaSettings::default().with(|how| how.inline_subschemas = true);
    let mut found = Vec::new();
    leaves(&inline.into_generator().into_root_schema_for::<Config>().to_value(), "", &mut found);
    found
}

/// What only the daemon uses and what is not nothing where no file says it.
fn defaults_elsewhere() -> impl Iterator<Item = (&'static str, String)> {
    let directories: Vec<_> =
        paths::gem_directories().iter().map(|path| path.display().to_string()).collect();
    let policy = serde_json::to_value(config::Policy::default()).ok();
    let policy = policy.as_ref().and_then(Value::as_str).map(str::to_owned);
    let all = [
        ("data_plane.address", Some(config::DATA_PLANE.to_string())),
        ("gems.directories", (!directories.is_empty()).then(|| Value::from(directories).to_string())),
        ("node.id_base", Some(config::ID_BASE.to_string())),
        ("node.max_vaults", Some(config::MAX_VAULTS.to_string())),
        ("node.name", Some(config::NODE_NAME.to_owned())),
        ("node.sandbox", Some(config::SANDBOX.to_owned())),
        ("node.warm_vaults", Some(config::WARM_VAULTS.to_string())),
        ("placement.policy", policy),
    ];
    all.into_iter().filter_map(|(key, value)| Some((key, value?)))
}

impl Settings {
    /// Lays the layers over each other. `explicit` is the file of `--config`, which must exist.
    pub fn load(
        flags: &BTreeMap<&'static str, String>,
        env: impl Fn(&str) -> Option<OsString>,
        explicit: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let must_exist = explicit.is_some() || env("HAUKI_CONFIG").is_some_and(|path| !path.is_empty());
        let layers = Layers::read(explicit, must_exist)?;
        let values = NAMES.into_iter().map(|name| {
            let flag = flags.get(name.key).cloned().map(|value| (value, name.flag));
            let said = env(name.env).filter(|value| !value.is_empty() && !name.env.is_empty());
            let said = said.map(|value| name.text(value)).transpose()?.map(|value| (value, name.env));
            let setting = match layers.strongest(flag, said, name.of_file) {
                Some((value, source)) => Setting { value: Some(value), source },
                None => Setting { value: name.default.map(str::to_owned), source: SettingSource::Default },
            };
            Ok((name.key, setting))
        });
        let values = values.collect::<Result<_, ConfigError>>()?;
        let mut others = BTreeMap::new();
        for (path, config) in layers.files() {
            let source = SettingSource::File(path.to_owned());
            flatten(String::new(), &serde_json::to_value(config).unwrap_or_default(), &mut |key, value| {
                if NAMES.iter().all(|name| name.key != key) {
                    others.insert(key, Setting { value: Some(value), source: source.clone() });
                }
            });
        }
        Ok(Self { values, others, files: layers.paths().map(Path::to_owned).collect() })
    }

    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).and_then(|setting| setting.value.as_deref())
    }

    /// All that can be set, with what is in force; without a value where that is nothing.
    #[must_use]
    pub fn all(&self) -> Vec<(String, Setting)> {
        let mut others: BTreeMap<String, Setting> = self.others.clone();
        let default = |value| Setting { value, source: SettingSource::Default };
        let defaults: BTreeMap<_, _> = defaults_elsewhere().collect();
        for key in keys().into_iter().filter(|key| NAMES.iter().all(|name| name.key != key)) {
            // Of a map each value has a row of its own.
            let has_rows = others.keys().any(|row| row.starts_with(&format!("{key}.")));
            if !has_rows {
                others.entry(key).or_insert_with_key(|key| default(defaults.get(key.as_str()).cloned()));
            }
        }
        let named =
            NAMES.iter().filter_map(|name| Some((name.key.to_owned(), self.values.get(name.key)?.clone())));
        named.chain(others).collect()
    }

    fn source(&self, key: &str) -> SettingSource {
        self.values.get(key).map_or(SettingSource::Default, |setting| setting.source.clone())
    }

    #[must_use]
    pub fn is_default(&self, key: &str) -> bool {
        self.source(key) == SettingSource::Default
    }

    /// Milliseconds.
    pub fn duration(&self, name: &'static str) -> Result<Option<u64>, ConfigError> {
        let parsed = self.get(name).map(units::parse_duration).transpose();
        parsed.map_err(|source| ConfigError::Value { name, origin: self.source(name), source })
    }

    /// One of a few words, or whatever else `parse` takes.
    pub fn choice<T>(
        &self,
        name: &'static str,
        allowed: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let value = self.get(name).unwrap_or_default();
        parse(value).ok_or_else(|| ConfigError::Choice {
            name,
            origin: self.source(name),
            value: value.to_owned(),
            allowed,
        })
    }

    /// Where the local daemon keeps its state and listens, by the daemon's own rule.
    fn places(&self) -> Places {
        let path = |key| self.get(key).map(PathBuf::from);
        let state_dir = path("daemon.state_dir");
        match self.source("daemon.state_dir") {
            SettingSource::Env(_) => Places::of(state_dir, None, None),
            _ => Places::of(None, state_dir, path("daemon.socket")),
        }
    }

    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.places().socket
    }

    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        self.places().state_dir
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(
        flags: &[(&'static str, &str)],
        env: &[(&str, &str)],
        file: &str,
    ) -> Result<(Settings, tempfile::NamedTempFile), ConfigError> {
        let path = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(&path, file).expect("writes");
        let flags = flags.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let env =
            |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        Settings::load(&flags, env, Some(path.path())).map(|settings| (settings, path))
    }

    #[test]
    fn the_strongest_layer_wins_and_is_named() {
        let file = "output: yaml\ntimeout: 9s\ncolor: never\n";
        let env = [("HAUKI_OUTPUT", "json"), ("HAUKI_TIMEOUT", "8s"), ("HAUKI_COLOR", "")];
        let (settings, path) = load(&[("output", "id")], &env, file).expect("loads");
        assert_eq!(
            (settings.get("output"), settings.source("output")),
            (Some("id"), SettingSource::Flag("--output"))
        );
        assert_eq!(settings.duration("timeout").expect("parses"), Some(8_000));
        assert_eq!(settings.source("color"), SettingSource::File(path.path().into()));
        assert_eq!(
            (settings.get("progress"), settings.source("progress")),
            (Some("auto"), SettingSource::Default)
        );
        assert_eq!(settings.get("endpoint"), None);
    }

    #[test]
    fn a_broken_file_names_line_and_column() {
        for (text, place) in [("output: table\ntimeout: [\n", ":"), ("output: x\nspeed: 9\n", ":2:1")] {
            let error = load(&[], &[], text).expect_err("is broken").to_string();
            assert!(error.contains(place), "{error}");
        }
        assert!(load(&[], &[], "# nothing\n\n").is_ok());
    }

    #[test]
    fn all_that_can_be_set_is_shown_with_what_is_in_force() {
        let mut wanted = keys();
        for default in defaults_elsewhere() {
            assert!(wanted.iter().any(|key| key == default.0), "{default:?} is of no key");
        }
        let (settings, _file) = load(&[], &[], "node: {labels: {zone: a}, max_vaults: 7}\n").expect("loads");
        let shown: BTreeMap<String, Setting> = settings.all().into_iter().collect();
        assert_eq!(shown["node.max_vaults"].value.as_deref(), Some("7"));
        assert_eq!(shown["node.labels.zone"].value.as_deref(), Some("a"));
        assert_eq!(shown["node.warm_vaults"].source, SettingSource::Default);
        assert_eq!(shown["daemon.trace"], Setting { value: None, source: SettingSource::Default });
        wanted.retain(|key| !shown.contains_key(key.as_str()) && key != "node.labels");
        assert!(wanted.is_empty() && shown.len() > 20, "not shown: {wanted:?} of {}", shown.len());
    }

    #[test]
    fn only_the_winner_is_judged() {
        let (settings, _file) = load(&[("timeout", "3s")], &[], "timeout: soon\n").expect("loads");
        assert_eq!(settings.duration("timeout").expect("parses"), Some(3_000));
        let (settings, _file) = load(&[], &[], "timeout: soon\n").expect("loads");
        assert!(settings.duration("timeout").is_err());
    }
}
