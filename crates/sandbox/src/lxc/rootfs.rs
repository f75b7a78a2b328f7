//! Root file system: the one that all vaults share, read-only: the init and the few names that
//! liblxc expects. Named after its content, so that a new init gets a root of its own beside one
//! that may still be in use. A crash while it is built leaves a directory under a temporary name,
//! which the next start replaces.

use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Short but wide enough that two never meet by chance.
#[must_use]
pub(super) fn short_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Builds the root below `parent` unless it is there, and names it.
pub(super) fn provide(parent: &Path, init: &[u8]) -> io::Result<PathBuf> {
    let root = parent.join(short_hash(init));
    if root.join("init").exists() {
        return Ok(root);
    }
    let draft = parent.join(format!(".draft-{}", std::process::id()));
    match std::fs::remove_dir_all(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    make_open_dir(&draft)?;
    make_open_dir(&draft.join("proc"))?;
    make_open_dir(&draft.join("dev"))?;
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        symlink(target, draft.join("dev").join(name))?;
    }
    let program = draft.join("init");
    std::fs::write(&program, init)?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o555))?;
    match std::fs::rename(&draft, &root) {
        // Another driver of the same directory was faster; its content is the same by name.
        Err(_) if root.join("init").exists() => std::fs::remove_dir_all(&draft)?,
        done => done?,
    }
    Ok(root)
}

/// Removes the roots of other inits beside `root`. Nothing may run in them any more.
pub(super) fn forget_others(root: &Path) -> io::Result<()> {
    let Some(parent) = root.parent() else { return Ok(()) };
    for entry in std::fs::read_dir(parent)? {
        let path = entry?.path();
        if path != root {
            std::fs::remove_dir_all(path)?;
        }
    }
    Ok(())
}

/// A directory that the vaults' users may pass through but not list.
pub(super) fn make_open_dir(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o711))
}

/// The first directory on the way to `path` that strangers may not pass through.
#[must_use]
pub(super) fn closed_parent(path: &Path) -> Option<PathBuf> {
    let all: Vec<_> = path.ancestors().collect();
    all.into_iter()
        .rev()
        .find(|dir| std::fs::metadata(dir).is_ok_and(|meta| meta.permissions().mode() & 0o001 == 0))
        .map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_init_and_a_second_call_finds_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = provide(dir.path(), b"program").expect("is built");
        assert_eq!(std::fs::read(root.join("init")).expect("is there"), b"program");
        assert_eq!(provide(dir.path(), b"program").expect("is found"), root);
        assert_ne!(provide(dir.path(), b"newer").expect("is built"), root);
        let names = || std::fs::read_dir(dir.path()).expect("lists").count();
        assert_eq!(names(), 2, "no draft is left");
        forget_others(&root).expect("is ours");
        assert_eq!(names(), 1);
        assert!(root.join("init").exists());
    }

    #[test]
    fn a_closed_directory_on_the_way_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let inner = dir.path().join("a");
        make_open_dir(&inner).expect("is made");
        let close = |mode| std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(mode));
        close(0o700).expect("is ours");
        assert_eq!(closed_parent(&inner).as_deref(), Some(dir.path()));
        close(0o711).expect("is ours");
        assert_eq!(closed_parent(&inner), None);
    }
}
