//! Executable lookup: where the runner is, beside our own executable, or where packages put what nobody types.
//!
//! Never on `PATH`, and never where somebody stands: it gets to read what its caller reads.

use std::path::{Path, PathBuf};

use super::{PROGRAM, RunnerError};

/// From the folder of our own executable.
const FOLDERS: [&str; 2] = ["", "../libexec/hauki"];

pub fn find() -> Result<PathBuf, RunnerError> {
    // What /proc says of an executable that has been replaced still begins with its folder.
    let own = std::env::current_exe().unwrap_or_default();
    let folder = own.parent().unwrap_or(Path::new("/"));
    find_from(folder)
}

fn find_from(folder: &Path) -> Result<PathBuf, RunnerError> {
    let places = FOLDERS.iter().map(|below| folder.join(below).join(PROGRAM));
    let found = places.into_iter().find(|path| path.is_file());
    found.ok_or_else(|| RunnerError::Missing { folder: folder.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_beside_or_in_libexec_and_nowhere_else() {
        let root = tempfile::tempdir().expect("a directory");
        let (bin, libexec) = (root.path().join("bin"), root.path().join("libexec/hauki"));
        for folder in [&bin, &libexec] {
            std::fs::create_dir_all(folder).expect("makes");
        }
        assert!(matches!(find_from(&bin), Err(RunnerError::Missing { folder }) if folder == bin));
        std::fs::write(libexec.join(PROGRAM), "").expect("writes");
        assert!(find_from(&bin).expect("is in libexec").is_file());
        std::fs::write(bin.join(PROGRAM), "").expect("writes");
        assert_eq!(find_from(&bin).expect("is beside"), bin.join(PROGRAM));
    }
}
