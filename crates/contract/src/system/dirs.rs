//! File permissions: directories and lock files whose modes are chosen here, and not by the umask of whoever came
//! first.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Makes a directory, and what is missing above it, with this mode. One that is there stays as it is.
pub fn make(path: &Path, mode: u32) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        make(parent, mode)?;
    }
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(mode)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// What on the way to a directory, the directory itself included, another user could exchange behind our back: it is his,
/// or others may write there. Root is nobody's enemy, and in a sticky directory everything stays its owner's.
pub fn exposed(path: &Path) -> io::Result<Option<PathBuf>> {
    let own = rustix::process::geteuid().as_raw();
    let is_exposed = |found: &fs::Metadata| {
        let theirs = found.uid() != 0 && found.uid() != own;
        theirs || (found.is_dir() && found.mode() & 0o1000 == 0 && is_open(found))
    };
    Ok(steps(path)?.into_iter().find(|(_, found)| is_exposed(found)).map(|(step, _)| step))
}

/// Everything that is passed on the way: each link, and what it leads through.
fn steps(path: &Path) -> io::Result<Vec<(PathBuf, fs::Metadata)>> {
    /// As many as the kernel follows.
    const MOST_LINKS: usize = 40;
    let parts = |path: &Path| -> VecDeque<OsString> {
        path.components().map(|part| part.as_os_str().to_owned()).collect()
    };
    let (mut here, mut links, mut found) = (PathBuf::new(), 0, Vec::new());
    let mut rest = parts(&std::path::absolute(path)?);
    while let Some(part) = rest.pop_front() {
        if part == ".." {
            here.pop();
            continue;
        }
        // That of the root begins anew.
        let next = here.join(part);
        let met = fs::symlink_metadata(&next)?;
        if met.is_symlink() {
            links += 1;
            if links > MOST_LINKS {
                return Err(rustix::io::Errno::LOOP.into());
            }
            let mut behind = parts(&fs::read_link(&next)?);
            behind.append(&mut rest);
            rest = behind;
            found.push((next, met));
        } else {
            found.push((next.clone(), met));
            here = next;
        }
    }
    Ok(found)
}

/// The same of a directory in which things come and go: a sticky one keeps nothing that is not there yet.
pub fn exposed_within(path: &Path) -> io::Result<Option<PathBuf>> {
    match exposed(path)? {
        None => Ok(is_open(&fs::metadata(path)?).then(|| path.to_owned())),
        found => Ok(found),
    }
}

/// The same of what is to stand there again when it was removed.
pub fn exposed_again(path: &Path) -> io::Result<Option<PathBuf>> {
    if let Some(exposed) = exposed(path)? {
        return Ok(Some(exposed));
    }
    for way in [std::path::absolute(path)?, path.canonicalize()?] {
        if let Some(exposed) = way.parent().map(exposed_within).transpose()?.flatten() {
            return Ok(Some(exposed));
        }
    }
    Ok(None)
}

/// Whether others may write there.
fn is_open(place: &fs::Metadata) -> bool {
    let to_group =
        place.mode() & 0o020 != 0 && place.gid() != 0 && place.gid() != rustix::process::getegid().as_raw();
    place.mode() & 0o002 != 0 || to_group
}

/// A file to lock, which nobody else can open: whoever can open a file can lock it, and keep everybody
/// waiting. One that others could open may be held by them, and is replaced.
pub fn private_file(path: &Path) -> io::Result<File> {
    let open = || {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true).mode(0o600);
        options.custom_flags(libc::O_NOFOLLOW).open(path)
    };
    let file = open()?;
    if file.metadata()?.mode() & 0o077 == 0 {
        return Ok(file);
    }
    if is_at(&file, path) {
        fs::remove_file(path)?;
    }
    open()
}

/// Whether this file is still what stands there.
#[must_use]
pub fn is_at(file: &File, path: &Path) -> bool {
    let key = |found: fs::Metadata| (found.dev(), found.ino());
    file.metadata().is_ok_and(|own| fs::symlink_metadata(path).is_ok_and(|there| key(own) == key(there)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_what_was_asked_for_and_nothing_that_is_there_changes() {
        let ground = tempfile::tempdir().expect("a directory");
        let mode = |path: &Path| path.metadata().expect("is there").mode() & 0o777;
        let deep = ground.path().join("a/b");
        make(&deep, 0o711).expect("is made");
        assert_eq!((mode(&deep), mode(&ground.path().join("a"))), (0o711, 0o711));
        make(&deep, 0o755).expect("is there");
        assert_eq!(mode(&deep), 0o711);
        assert!(make(Path::new("/dev/null/x"), 0o711).is_err());
    }

    #[test]
    fn what_another_user_could_exchange_is_found() {
        let ground = tempfile::tempdir().expect("a directory");
        let at = |name: &str| ground.path().join(name);
        let found = |name: &str| exposed(&at(name)).expect("can be looked at");
        let chmod =
            |name: &str, mode| fs::set_permissions(at(name), Permissions::from_mode(mode)).expect("is ours");
        make(&at("a/b"), 0o711).expect("is made");
        assert_eq!(found("a/b"), None);
        for (mode, open) in [(0o777, true), (0o1777, false), (0o757, true), (0o755, false)] {
            chmod("a", mode);
            assert_eq!(found("a/b"), open.then(|| at("a")), "{mode:o}");
            let within = exposed_within(&at("a")).expect("can be looked at");
            assert_eq!(within, (mode & 0o022 != 0).then(|| at("a")), "{mode:o}");
            assert_eq!(exposed_again(&at("a/b")).expect("can be looked at"), within, "{mode:o}");
        }
        std::os::unix::fs::symlink(at("a"), at("link")).expect("is made");
        assert_eq!(found("link/b"), None);
        // From one link to the next, and back out of a directory.
        make(&at("open"), 0o777).expect("is made");
        std::os::unix::fs::symlink("../link", at("open/middle")).expect("is made");
        std::os::unix::fs::symlink("open/middle/b/../b", at("first")).expect("is made");
        assert_eq!(found("first"), Some(at("open")));
        std::os::unix::fs::symlink("loop", at("loop")).expect("is made");
        assert!(exposed(&at("loop")).is_err());
        chmod("open", 0o755);
        assert_eq!(found("first"), None);
        // Only root can give something away; the suite runs as root.
        if rustix::process::geteuid().is_root() {
            let give = |name: &str, uid| {
                let uid = Some(rustix::fs::Uid::from_raw(uid));
                let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
                rustix::fs::chownat(rustix::fs::CWD, at(name), uid, None, flags).expect("is root");
            };
            give("link", 12_345);
            assert_eq!((found("link/b"), found("a/b")), (Some(at("link")), None));
            give("a", 12_345);
            assert_eq!(found("a/b"), Some(at("a")));
        }
    }

    #[test]
    fn a_lock_that_others_can_open_is_replaced() {
        let ground = tempfile::tempdir().expect("a directory");
        let path = ground.path().join("lock");
        fs::write(&path, "").expect("is ours");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("is ours");
        let theirs = File::open(&path).expect("anybody can");
        let ours = private_file(&path).expect("opens");
        assert!(is_at(&ours, &path) && !is_at(&theirs, &path));
        assert_eq!(path.metadata().expect("is there").mode() & 0o777, 0o600);
        assert!(is_at(&private_file(&path).expect("opens"), &path), "a private one is kept");
        std::os::unix::fs::symlink("/dev/null", ground.path().join("link")).expect("is ours");
        assert!(private_file(&ground.path().join("link")).is_err());
    }
}
