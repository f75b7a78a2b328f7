//! Source folders: where sources may be read from by their paths, and never past a folder's edge.
//!
//! The kernel resolves each path within the folder: no `..` above it, and no symbolic link that leads out.

use std::fs::File;
use std::path::{Path, PathBuf};

use hauki_client::Exit;
use hauki_client::script::ScriptFailure;
use hauki_contract::api::summons::MAX_SOURCE_BYTES;
use hauki_contract::system::rlimit;
use rustix::fs::{Mode, OFlags, ResolveFlags, open, openat2};
use rustix::io::Errno;

pub(crate) struct Roots(Vec<PathBuf>);

impl Roots {
    pub(crate) fn new(folders: Vec<PathBuf>) -> Self {
        Self(folders)
    }

    /// A source, and what errors call its file.
    pub(crate) fn read(&self, path: &str) -> Result<(String, String), ScriptFailure> {
        let failed = |why: &str| {
            ScriptFailure::new("unreadable", Exit::Data, format!("the file {path:?} cannot be read: {why}"))
        };
        if self.0.is_empty() {
            let none = "no folder was opened for sources";
            return Err(failed(none).hint("hauki mcp --root DIR opens one; or give the text as source"));
        }
        let name = Path::new(path).file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| failed("it is no name of a file"))?.to_owned();
        let file = self.find(Path::new(path)).map_err(|error| failed(&error.to_string()))?;
        if !file.metadata().is_ok_and(|about| about.is_file()) {
            return Err(failed("it is no file"));
        }
        let bytes = rlimit::read_from(file, MAX_SOURCE_BYTES).map_err(|error| failed(&error.to_string()))?;
        Ok((String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8"))?, name))
    }

    /// In the first folder that has it; a whole path is looked for in the folder that it begins with.
    fn find(&self, path: &Path) -> Result<File, Errno> {
        let mut last = Errno::NOENT;
        for root in &self.0 {
            let below = if path.is_absolute() { path.strip_prefix(root).ok() } else { Some(path) };
            match below.map(|below| within(root, below)) {
                Some(Ok(file)) => return Ok(file),
                Some(Err(error)) if last == Errno::NOENT => last = error,
                Some(Err(_)) | None => {}
            }
        }
        Err(last)
    }
}

fn within(root: &Path, path: &Path) -> Result<File, Errno> {
    let folder = open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    // A pipe that nobody writes to would hold up everybody.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    openat2(folder, path, flags, Mode::empty(), resolve).map(File::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_source_is_found_below_its_folder_and_nothing_else_is() {
        let home = tempfile::tempdir().expect("a directory");
        let root = home.path().join("open");
        std::fs::create_dir_all(root.join("deep")).expect("makes");
        std::fs::write(home.path().join("secret.js"), "secret").expect("writes");
        std::fs::write(root.join("deep/w.js"), "function f() {}").expect("writes");
        symlink("deep/w.js", root.join("inside.js")).expect("links");
        symlink("../secret.js", root.join("out.js")).expect("links");
        symlink(home.path().join("secret.js"), root.join("far.js")).expect("links");
        symlink("/proc/self/root/etc/passwd", root.join("magic.js")).expect("links");
        rustix::fs::mknodat(rustix::fs::CWD, root.join("pipe.js"), rustix::fs::FileType::Fifo, Mode::RUSR, 0)
            .expect("makes");
        let roots = Roots::new(vec![root.clone()]);
        let whole = root.join("deep/w.js");
        for path in ["deep/w.js", "./deep/../deep/w.js", "inside.js", whole.to_str().expect("is text")] {
            let (text, name) = roots.read(path).expect(path);
            assert_eq!(text, "function f() {}");
            assert!(name == "w.js" || name == "inside.js");
        }
        let above = home.path().join("secret.js");
        for path in [
            "../secret.js",
            "out.js",
            "far.js",
            "magic.js",
            "pipe.js",
            "deep",
            "",
            "..",
            "absent.js",
            "/etc/passwd",
            "deep/../../secret.js",
            above.to_str().expect("is text"),
        ] {
            assert_eq!(roots.read(path).expect_err(path).code, "unreadable", "{path}");
        }
        assert_eq!(Roots::new(Vec::new()).read("deep/w.js").expect_err("none is open").code, "unreadable");
    }
}
