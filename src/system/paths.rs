//! Where things are by default: root's under /run, /var/lib and /etc, others' under their home.

use std::env;
use std::path::PathBuf;

fn home(variable: &str, below_home: &str) -> PathBuf {
    env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute()).unwrap_or_else(|| {
        env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from).join(below_home)
    })
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// `HAUKI_STATE_DIR` moves everything that a daemon keeps, its socket included.
#[must_use]
pub fn state_dir() -> PathBuf {
    match env::var_os("HAUKI_STATE_DIR") {
        Some(path) => path.into(),
        None if is_root() => "/var/lib/hauki".into(),
        None => home("XDG_STATE_HOME", ".local/state").join("hauki"),
    }
}

#[must_use]
pub fn socket() -> PathBuf {
    if env::var_os("HAUKI_STATE_DIR").is_some() {
        return state_dir().join("hauki.sock");
    }
    if is_root() {
        "/run/hauki/hauki.sock".into()
    } else {
        home("XDG_RUNTIME_DIR", ".cache").join("hauki/hauki.sock")
    }
}

/// The configuration files, the strongest last.
#[must_use]
pub fn config_files() -> Vec<PathBuf> {
    match env::var_os("HAUKI_CONFIG") {
        Some(path) => vec![path.into()],
        None => {
            vec!["/etc/hauki/hauki.yaml".into(), home("XDG_CONFIG_HOME", ".config").join("hauki/hauki.yaml")]
        }
    }
}

/// Where gems are looked up if the configuration names no directories: the machine's own, and those
/// that `make install` puts beside the program.
#[must_use]
pub fn gem_directories() -> Vec<PathBuf> {
    let installed = env::current_exe().ok().and_then(|exe| Some(exe.parent()?.parent()?.join("share/hauki")));
    let all = [Some(PathBuf::from("/etc/hauki/gems")), installed];
    all.into_iter().flatten().filter(|path| path.is_dir()).collect()
}
