//! Executable lookup: where the runner, the compiler and the server for agents are, beside our own executable, or where packages put what
//! nobody types.
//!
//! Never on `PATH`, and never where somebody stands: it gets to read what its caller reads.

use std::path::{Path, PathBuf};

use super::{ChildError, ChildFault, ChildProgram};

/// From the folder of our own executable.
const FOLDERS: [&str; 2] = ["", "../libexec/hauki"];

pub fn find(program: ChildProgram) -> Result<PathBuf, ChildError> {
    // What /proc says of an executable that has been replaced still begins with its folder.
    let own = std::env::current_exe().unwrap_or_default();
    let folder = own.parent().unwrap_or(Path::new("/"));
    find_from(folder, program)
}

fn find_from(folder: &Path, program: ChildProgram) -> Result<PathBuf, ChildError> {
    let places = FOLDERS.iter().map(|below| folder.join(below).join(program.name()));
    let found = places.into_iter().find(|path| path.is_file());
    let missing = || ChildFault::Missing { folder: folder.to_owned() };
    found.ok_or_else(|| ChildError { program, fault: missing() })
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
        for program in [ChildProgram::Runner, ChildProgram::Compiler, ChildProgram::AgentServer] {
            let found = || find_from(&bin, program);
            let missing = found().expect_err("is nowhere");
            assert!(matches!(missing.fault, ChildFault::Missing { folder } if folder == bin));
            std::fs::write(libexec.join(program.name()), "").expect("writes");
            assert!(found().expect("is in libexec").is_file());
            std::fs::write(bin.join(program.name()), "").expect("writes");
            assert_eq!(found().expect("is beside"), bin.join(program.name()));
        }
    }
}
