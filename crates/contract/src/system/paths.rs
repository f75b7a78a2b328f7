//! Default paths: root's under /run, /var/lib and /etc, others' under their home.

use std::env;
use std::path::{Component, PathBuf};

fn home(variable: &str, below_home: &str) -> PathBuf {
    let named = |variable| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    named(variable).unwrap_or_else(|| named("HOME").unwrap_or_else(|| "/".into()).join(below_home))
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Where a daemon keeps its state and listens: the one rule for the tool and the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    pub state_dir: PathBuf,
    pub socket: PathBuf,
}

impl Places {
    /// `HAUKI_STATE_DIR` moves everything, its socket included; then the configuration speaks.
    #[must_use]
    pub fn resolve(state_dir: Option<PathBuf>, socket: Option<PathBuf>) -> Self {
        let moved = env::var_os("HAUKI_STATE_DIR").map(PathBuf::from);
        Self::of(moved, state_dir, socket)
    }

    /// `moved` is what the environment says. What is relative is meant from here, and a daemon runs elsewhere.
    #[must_use]
    pub fn of(moved: Option<PathBuf>, state_dir: Option<PathBuf>, socket: Option<PathBuf>) -> Self {
        let [moved, state_dir, socket] = [moved, state_dir, socket].map(|path| path.map(absolute));
        let inside = |state_dir: &PathBuf| state_dir.join("hauki.sock");
        match (moved, state_dir, socket) {
            (Some(state_dir), _, _) => Self { socket: inside(&state_dir), state_dir },
            (None, Some(state_dir), None) => Self { socket: inside(&state_dir), state_dir },
            (None, state_dir, socket) => Self {
                state_dir: state_dir.unwrap_or_else(default_state_dir),
                socket: socket.unwrap_or_else(default_socket),
            },
        }
    }
}

/// From here, if it is relative, and without the way back out of directories that may be closed to others.
#[must_use]
pub fn absolute(path: PathBuf) -> PathBuf {
    let path = std::path::absolute(&path).unwrap_or(path);
    let mut whole = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            whole = whole.canonicalize().unwrap_or(whole);
            whole.pop();
        } else {
            whole.push(part);
        }
    }
    whole
}

fn default_state_dir() -> PathBuf {
    if is_root() { "/var/lib/hauki".into() } else { home("XDG_STATE_HOME", ".local/state").join("hauki") }
}

/// What was typed in conversations.
#[must_use]
pub fn history_file() -> PathBuf {
    home("XDG_STATE_HOME", ".local/state").join("hauki/repl_history")
}

/// Where the tool keeps its user's sessions.
#[must_use]
pub fn sessions_dir() -> PathBuf {
    let moved = env::var_os("HAUKI_STATE_DIR").map(PathBuf::from).map(absolute);
    moved.unwrap_or_else(|| home("XDG_STATE_HOME", ".local/state").join("hauki")).join("sessions")
}

/// Root's, also for others, unless they have one of their own.
fn default_socket() -> PathBuf {
    let roots = PathBuf::from("/run/hauki/hauki.sock");
    if is_root() {
        return roots;
    }
    let own = home("XDG_RUNTIME_DIR", ".cache").join("hauki/hauki.sock");
    if own.exists() || !roots.exists() { own } else { roots }
}

/// The configuration files, the strongest last.
#[must_use]
pub fn config_files() -> Vec<PathBuf> {
    match env::var_os("HAUKI_CONFIG") {
        Some(path) => vec![absolute(path.into())],
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_state_directory_takes_its_socket_along() {
        let path = |text: &str| Some(PathBuf::from(text));
        let rule = |moved, state, socket| {
            let Places { state_dir, socket } = Places::of(moved, state, socket);
            (state_dir.display().to_string(), socket.display().to_string())
        };
        let both = |state: &str, socket: &str| (state.to_owned(), socket.to_owned());
        assert_eq!(rule(path("/m"), path("/f"), path("/s")), both("/m", "/m/hauki.sock"));
        assert_eq!(rule(None, path("/f"), None), both("/f", "/f/hauki.sock"));
        assert_eq!(rule(None, path("/f"), path("/s")), both("/f", "/s"));
        assert_eq!(rule(None, None, path("/s")).1, "/s");
        let here = std::env::current_dir().expect("is somewhere").join("m");
        assert_eq!(rule(path("m"), None, None).0, here.display().to_string());
        assert_eq!(rule(path("/dev/fd/../m"), None, None).0, format!("/proc/{}/m", std::process::id()));
    }
}
