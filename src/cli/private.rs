//! Files that hold tickets: only their owner may read them.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::system::random;

/// Writes a file with mode 0600, whole or not at all. What is there already is replaced, except for
/// what is no file, as a pipe: that is written to.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes());
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let fresh = path.with_file_name(format!(".{}.{:016x}", name.to_string_lossy(), random::u64()));
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh);
    let written = made
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}

/// Whether others than the owner can read this file.
pub(crate) fn is_shared(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.mode() & 0o044 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_private_from_its_first_byte_and_replaces_what_was_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("t.json");
        fs::write(&path, "older and longer").expect("writes");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("opens it");
        assert!(is_shared(&path));
        write(&path, "new\n").expect("writes");
        assert_eq!(fs::read_to_string(&path).expect("reads"), "new\n");
        assert_eq!(fs::metadata(&path).expect("is there").mode() & 0o777, 0o600);
        assert!(!is_shared(&path));
        assert!(write(&directory.path().join("no/t.json"), "x").is_err());
        assert_eq!(fs::read_dir(directory.path()).expect("reads").count(), 1, "something was left");
        write(Path::new("/dev/null"), "x").expect("is no file");
    }
}
