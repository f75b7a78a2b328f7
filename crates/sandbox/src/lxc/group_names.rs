//! Cgroup names: under which names this directory's groups may be.
//!
//! The name comes from the directory's path and its numbers (`group_of`), so a directory that was moved has another
//! one, and what a killed daemon left under the former would be nobody's. So each name is written down in the
//! directory, with the numbers: only the same directory owns it, and no copy of it. A name is struck out when what
//! was under it is gone.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("groups")
}

fn numbers(state_dir: &Path) -> io::Result<String> {
    let found = std::fs::metadata(state_dir)?;
    Ok(format!("{} {}", found.dev(), found.ino()))
}

/// Writes the name down; the answer is the names before it, but for those that no daemon of ours had.
pub(super) fn note(state_dir: &Path, prefix: &str, group: &str) -> io::Result<Vec<String>> {
    let numbers = numbers(state_dir)?;
    let text = match std::fs::read_to_string(path(state_dir)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        // What cannot be read names nobody.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => String::new(),
        read => read?,
    };
    let is_ours = |name: &&str| {
        let rest = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    };
    let own = text.lines().filter_map(|line| line.strip_prefix(&numbers)?.strip_prefix(' '));
    let former: Vec<String> = own.filter(is_ours).filter(|name| *name != group).map(str::to_owned).collect();
    let lines: String =
        former.iter().map(String::as_str).chain([group]).map(|name| format!("{numbers} {name}\n")).collect();
    if lines != text {
        write(state_dir, &lines)?;
    }
    Ok(former)
}

/// Nothing is under the former names any more.
pub(super) fn forget(state_dir: &Path, group: &str) -> io::Result<()> {
    write(state_dir, &format!("{} {group}\n", numbers(state_dir)?))
}

fn write(state_dir: &Path, lines: &str) -> io::Result<()> {
    let (path, new) = (path(state_dir), state_dir.join("groups.new"));
    std::fs::write(&new, lines)?;
    std::fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_directory_knows_its_names_and_a_copy_knows_none() {
        let ground = tempfile::tempdir().expect("a directory");
        let (first, moved) = (ground.path().join("a"), ground.path().join("b"));
        std::fs::create_dir(&first).expect("makes");
        assert_eq!(note(&first, "hauki", "hauki-1a").expect("writes"), [""; 0]);
        assert_eq!(note(&first, "hauki", "hauki-1a").expect("writes"), [""; 0], "the same again");
        std::fs::rename(&first, &moved).expect("moves");
        std::fs::create_dir(&first).expect("makes");
        std::fs::copy(path(&moved), path(&first)).expect("copies");
        assert_eq!(note(&first, "hauki", "hauki-3c").expect("writes"), [""; 0], "a copy owns nothing");
        assert_eq!(note(&moved, "hauki", "hauki-2b").expect("writes"), ["hauki-1a"]);
        assert_eq!(note(&moved, "hauki", "hauki-2b").expect("writes"), ["hauki-1a"], "until it is forgotten");
        forget(&moved, "hauki-2b").expect("writes");
        assert_eq!(note(&moved, "hauki", "hauki-2b").expect("writes"), [""; 0]);
        // A name that leads elsewhere is none.
        let numbers = numbers(&moved).expect("is there");
        std::fs::write(path(&moved), format!("{numbers} hauki-/..\n{numbers} init.scope\n")).expect("writes");
        assert_eq!(note(&moved, "hauki", "hauki-2b").expect("writes"), [""; 0]);
    }
}
