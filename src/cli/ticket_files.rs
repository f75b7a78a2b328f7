//! Ticket files: only their owner may read them.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::{bounded_read, stdout};
use hauki_contract::system::random;

/// As many as the kernel follows.
const MOST_LINKS: usize = 40;

/// Writes a file with mode 0600, whole or not at all. What is there already is replaced, behind a link where
/// one leads to it; what is no file, as a pipe or an open descriptor, is written to.
pub(crate) async fn write(path: &Path, text: String) -> io::Result<()> {
    let path = match behind_links(path)? {
        Some(path) if !fs::metadata(&path).is_ok_and(|found| !found.is_file()) => path,
        _ => {
            // A pipe waits for a reader, who may never come.
            let path = path.to_owned();
            let written = move || into_open(&path, &text);
            return bounded_read::aside(written)
                .await
                .unwrap_or_else(|| Err(io::Error::other("the writer ended")));
        }
    };
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let fresh = path.with_file_name(format!(".{}.{:016x}", name.to_string_lossy(), random::u64()));
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh);
    let written = made
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&fresh, &path));
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}

/// Where the file is or will be; nothing where it is what a process has open, as /dev/stdout is. To put
/// another file in place of a link would cut the link, for whoever else uses it.
fn behind_links(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        if fs::canonicalize(folder).is_ok_and(|folder| folder.starts_with("/proc")) {
            return Ok(None);
        }
        match fs::read_link(&path) {
            Ok(target) => path = folder.join(target),
            Err(_) => return Ok(Some(path)),
        }
    }
    Err(io::Error::other("too many links"))
}

fn into_open(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(path)?;
    let found = file.metadata()?;
    if found.is_file() && found.mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    let ours = rustix::fs::fstat(io::stdout())?;
    if (found.dev(), found.ino()) == (ours.st_dev, ours.st_ino) {
        // Through the descriptor itself, so that whoever writes behind us writes behind this.
        return stdout::write(text);
    }
    file.write_all(text.as_bytes())
}

/// Whether others than the owner can read this file.
pub(crate) fn is_shared(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.mode() & 0o044 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_link_stays_one_and_a_descriptor_is_written_to() {
        let directory = tempfile::tempdir().expect("a directory");
        let (real, link) = (directory.path().join("real"), directory.path().join("link"));
        std::os::unix::fs::symlink("real", &link).expect("links");
        for text in ["one", "two"] {
            write(&link, text.into()).await.expect("writes");
            assert_eq!(fs::read_to_string(&real).expect("reads"), text);
        }
        assert!(fs::symlink_metadata(&link).expect("is there").is_symlink());
        // As /dev/stdout is one, where standard output is a file.
        let open = fs::File::create(directory.path().join("open")).expect("opens");
        fs::set_permissions(directory.path().join("open"), Permissions::from_mode(0o644)).expect("marks");
        let number = std::os::fd::AsRawFd::as_raw_fd(&open);
        let device = directory.path().join("device");
        std::os::unix::fs::symlink(format!("/proc/self/fd/{number}"), &device).expect("links");
        for path in [&device, Path::new(&format!("/dev/fd/{number}"))] {
            write(path, "told\n".into()).await.expect("writes");
        }
        assert!(fs::symlink_metadata(&device).expect("is there").is_symlink());
        assert_eq!(fs::read_to_string(directory.path().join("open")).expect("reads"), "told\ntold\n");
        assert_eq!(open.metadata().expect("is open").mode() & 0o777, 0o600);
        let ring = directory.path().join("ring");
        std::os::unix::fs::symlink("ring", &ring).expect("links");
        assert!(write(&ring, "x".into()).await.is_err());
    }

    #[tokio::test]
    async fn it_is_private_from_its_first_byte_and_replaces_what_was_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("t.json");
        fs::write(&path, "older and longer").expect("writes");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("opens it");
        assert!(is_shared(&path));
        write(&path, "new\n".into()).await.expect("writes");
        assert_eq!(fs::read_to_string(&path).expect("reads"), "new\n");
        assert_eq!(fs::metadata(&path).expect("is there").mode() & 0o777, 0o600);
        assert!(!is_shared(&path));
        assert!(write(&directory.path().join("no/t.json"), "x".into()).await.is_err());
        assert_eq!(fs::read_dir(directory.path()).expect("reads").count(), 1, "something was left");
        write(Path::new("/dev/null"), "x".into()).await.expect("is no file");
    }
}
