//! Module resolution: which file an import of a worker means, below the folder of its project and nowhere else.
//!
//! The compiler has no files; it asks, and what it asks for is a stranger's word. A relative specifier means a file with
//! or without its ending; a bare one a package in a `node_modules` beside the worker or above it, as far as the project
//! reaches, by the `exports` of its manifest, or its `module` and `main`.

use std::fs;
use std::path::{Component, Path, PathBuf};

use hauki_contract::rpc::compile::{ImportWish, ModuleHead, ModuleKind, ToCompiler};
use hauki_contract::strict::{self, DocumentLimits};
use serde_json::Value;

/// The longest module, and all of one source together.
const MOST_BYTES: u64 = 4 << 20;
const MOST_TOGETHER: u64 = 12 << 20;
const MOST_MANIFEST: usize = 1 << 20;

/// Tried in their order behind a name that is no file.
const ENDINGS: [&str; 7] = ["ts", "mts", "js", "mjs", "cjs", "cts", "json"];

/// What a package may offer for one name, the first that it has: nothing here runs in Node or a browser.
const CONDITIONS: [&str; 4] = ["import", "module", "default", "require"];

/// Node's own modules, which many packages ask for.
const OF_NODE: [&str; 20] = [
    "assert",
    "buffer",
    "child_process",
    "cluster",
    "crypto",
    "dns",
    "events",
    "fs",
    "http",
    "https",
    "module",
    "net",
    "os",
    "path",
    "process",
    "stream",
    "timers",
    "util",
    "worker_threads",
    "zlib",
];

/// The files that one source may import.
pub(super) struct ImportedFiles {
    /// The folder of the project, with all links followed.
    root: PathBuf,
    /// The source's own name and folder.
    source: String,
    folder: PathBuf,
    bytes: u64,
}

impl ImportedFiles {
    /// Of the source in this file, which errors call so. Nothing where its folder cannot be found.
    pub(super) fn beside(path: &Path, source: &str) -> Option<Self> {
        let path = fs::canonicalize(path).ok()?;
        let folder = path.parent()?.to_owned();
        let is_project =
            |folder: &&Path| folder.join("package.json").is_file() || folder.join("node_modules").is_dir();
        let root = folder.ancestors().find(is_project).unwrap_or(&folder).to_owned();
        Some(Self { root, source: source.to_owned(), folder, bytes: 0 })
    }

    pub(super) fn answer(&mut self, wish: &ImportWish) -> ToCompiler {
        match self.load(wish) {
            Ok((head, text)) => ToCompiler::Module { head, text },
            Err(why) => ToCompiler::NoModule(why),
        }
    }

    fn load(&mut self, ImportWish { from, specifier }: &ImportWish) -> Result<(ModuleHead, String), String> {
        let folder = if *from == self.source {
            self.folder.clone()
        } else {
            let file = self.root.join(from);
            file.parent().map(Path::to_owned).ok_or_else(|| format!("{from} is no module"))?
        };
        let is_relative = specifier.starts_with("./")
            || specifier.starts_with("../")
            || specifier == "."
            || specifier == "..";
        let found = if is_relative {
            file_at(&folder.join(specifier))
                .ok_or_else(|| format!("there is no file {specifier} beside {from}"))?
        } else {
            self.package(&folder, specifier)?
        };
        self.read(&found, specifier)
    }

    fn read(&mut self, file: &Path, specifier: &str) -> Result<(ModuleHead, String), String> {
        let file = fs::canonicalize(file).map_err(|error| format!("{specifier} cannot be read: {error}"))?;
        let Ok(name) = file.strip_prefix(&self.root) else {
            return Err(format!("{specifier} is outside of the project, {}", self.root.display()));
        };
        let name = name.to_str().ok_or_else(|| format!("the path of {specifier} is not UTF-8"))?.to_owned();
        let kind = match file.extension().and_then(|ending| ending.to_str()) {
            Some("ts" | "mts" | "cts") => ModuleKind::TypeScript,
            Some("json") => ModuleKind::Json,
            Some("js" | "mjs" | "cjs") | None => ModuleKind::JavaScript,
            Some(other) => return Err(format!("nobody can import a file that ends with .{other}")),
        };
        let metadata = fs::metadata(&file).map_err(|error| format!("{specifier} cannot be read: {error}"))?;
        self.bytes = self.bytes.saturating_add(metadata.len());
        if !metadata.is_file() || metadata.len() > MOST_BYTES || self.bytes > MOST_TOGETHER {
            return Err(format!("{specifier} is too long, or no file"));
        }
        let text =
            fs::read_to_string(&file).map_err(|error| format!("{specifier} cannot be read: {error}"))?;
        Ok((ModuleHead { name, kind }, text))
    }

    fn package(&self, folder: &Path, specifier: &str) -> Result<PathBuf, String> {
        let (name, rest) = split(specifier).ok_or_else(|| format!("{specifier:?} is no name of a module"))?;
        let folders = folder.ancestors().take_while(|folder| folder.starts_with(&self.root));
        let found =
            folders.map(|folder| folder.join("node_modules").join(name)).find(|package| package.is_dir());
        let Some(package) = found else {
            let bare = specifier.strip_prefix("node:").unwrap_or(name);
            return Err(if specifier.starts_with("node:") || OF_NODE.contains(&bare) {
                format!("no vault has Node's module {bare}")
            } else {
                format!("install it in a node_modules beside the worker: npm install {name}")
            });
        };
        let manifest = fs::read(package.join("package.json")).ok();
        let manifest: Value = manifest
            .and_then(|text| strict::from_slice(&text, DocumentLimits::bytes(MOST_MANIFEST)).ok())
            .unwrap_or(Value::Null);
        let missing = || format!("the package {name} does not offer {specifier}");
        if let Some(exports) = manifest.get("exports") {
            let target = offered(exports, &format!(".{rest}")).ok_or_else(missing)?;
            let is_inside = target.starts_with("./")
                && Path::new(&target)
                    .components()
                    .all(|part| matches!(part, Component::CurDir | Component::Normal(_)));
            return is_inside
                .then(|| package.join(&target))
                .filter(|file| file.is_file())
                .ok_or_else(missing);
        }
        if !rest.is_empty() {
            return file_at(&package.join(&rest[1..])).ok_or_else(missing);
        }
        let named = ["module", "main"].iter().filter_map(|key| manifest.get(key)?.as_str());
        named
            .map(|file| package.join(file))
            .find_map(|file| file_at(&file))
            .or_else(|| file_at(&package))
            .ok_or_else(missing)
    }
}

/// A package's name, and what is wanted of it with its slash.
fn split(specifier: &str) -> Option<(&str, &str)> {
    let slashes = usize::from(specifier.starts_with('@'));
    let end = specifier.match_indices('/').nth(slashes).map_or(specifier.len(), |(at, _)| at);
    let (name, rest) = specifier.split_at(end);
    let parts = name.split('/').count() == slashes + 1;
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0']);
    let below = rest.split('/').skip(1).all(|part| part != ".." && !part.contains(['\\', '\0']));
    (parts && name.split('/').all(plain) && below).then_some((name, rest))
}

/// The file that a path without its ending means, or a folder.
fn file_at(path: &Path) -> Option<PathBuf> {
    let with = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(".");
        name.push(ending);
        PathBuf::from(name)
    };
    // TypeScript imports its files by what they will be called one day.
    let written = |from: &str, to: &str| {
        path.extension().is_some_and(|ending| ending == from).then(|| path.with_extension(to))
    };
    let as_written = [Some(path.to_owned()), written("js", "ts"), written("mjs", "mts")];
    let files = as_written.into_iter().flatten().chain(ENDINGS.iter().map(|ending| with(ending)));
    let indices = ENDINGS.iter().map(|ending| path.join("index").with_extension(ending));
    files.chain(indices).find(|file| file.is_file())
}

/// What `exports` has for a name that begins with a dot.
fn offered(exports: &Value, name: &str) -> Option<String> {
    let by_name = exports.as_object().filter(|names| names.keys().any(|key| key.starts_with('.')));
    let Some(names) = by_name else { return chosen(exports).filter(|_| name == ".").map(str::to_owned) };
    if let Some(target) = names.get(name) {
        return chosen(target).map(str::to_owned);
    }
    let pattern = |(key, target): (&String, &Value)| {
        let (before, behind) = key.split_once('*')?;
        let middle = name.strip_prefix(before)?.strip_suffix(behind)?;
        Some((before.len(), chosen(target)?.replace('*', middle)))
    };
    names.iter().filter_map(pattern).max_by_key(|(length, _)| *length).map(|(_, target)| target)
}

/// The first condition that is ours, however deep they are nested.
fn chosen(target: &Value) -> Option<&str> {
    match target {
        Value::String(path) => Some(path),
        Value::Array(some) => some.iter().find_map(chosen),
        Value::Object(conditions) => conditions
            .iter()
            .filter(|(name, _)| CONDITIONS.contains(&&***name))
            .find_map(|(_, target)| chosen(target)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (file, text) in [
            ("package.json", "{}"),
            ("src/main.ts", ""),
            ("src/a.ts", "a"),
            ("src/b/index.js", "b"),
            ("src/c.json", "{}"),
            ("src/d.png", ""),
            ("node_modules/plain/package.json", "{\"main\": \"lib\"}"),
            ("node_modules/plain/lib/index.js", "plain"),
            ("node_modules/plain/other.js", "other"),
            (
                "node_modules/@s/p/package.json",
                "{\"exports\": {\".\": {\"node\": \"./n.js\", \"import\": {\"default\": \"./i.mjs\"}}, \"./x/*\": \"./y/*.js\", \"./up\": \"../up.js\"}}",
            ),
            ("node_modules/@s/p/i.mjs", "scoped"),
            ("node_modules/@s/p/y/z.js", "z"),
            ("node_modules/bare/index.js", "bare"),
        ] {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().expect("has one")).expect("makes");
            fs::write(file, text).expect("writes");
        }
        folder
    }

    fn asked(folder: &Path, from: &str, specifier: &str) -> Result<(String, String), String> {
        let mut files = ImportedFiles::beside(&folder.join("src/main.ts"), "main.ts").expect("is there");
        let wish = ImportWish { from: from.into(), specifier: specifier.into() };
        files.load(&wish).map(|(head, text)| (head.name, text))
    }

    #[test]
    fn specifiers_mean_the_files_that_they_mean_elsewhere() {
        let project = project();
        for (from, specifier, name) in [
            ("main.ts", "./a", "src/a.ts"),
            ("main.ts", "./a.js", "src/a.ts"),
            ("main.ts", "./b", "src/b/index.js"),
            ("src/b/index.js", "../a.ts", "src/a.ts"),
            ("main.ts", "./c.json", "src/c.json"),
            ("main.ts", "plain", "node_modules/plain/lib/index.js"),
            ("main.ts", "plain/other", "node_modules/plain/other.js"),
            ("main.ts", "@s/p", "node_modules/@s/p/i.mjs"),
            ("main.ts", "@s/p/x/z", "node_modules/@s/p/y/z.js"),
            ("node_modules/plain/lib/index.js", "bare", "node_modules/bare/index.js"),
        ] {
            let found = asked(project.path(), from, specifier).map(|(name, _)| name);
            assert_eq!(found.as_deref(), Ok(name), "{from}: {specifier}");
        }
    }

    #[test]
    fn nothing_is_read_outside_of_the_project() {
        let project = project();
        let outside = tempfile::NamedTempFile::with_suffix(".js").expect("a file");
        std::os::unix::fs::symlink(outside.path(), project.path().join("src/link.js")).expect("links");
        let up = format!("../../{}", outside.path().file_name().expect("is named").to_string_lossy());
        for (specifier, words) in [
            ("./link.js", "outside of the project"),
            (&*up, "outside of the project"),
            ("./none", "there is no file"),
            ("./d.png", "ends with .png"),
            ("@s/p/up", "does not offer"),
            ("@s/p/other", "does not offer"),
            ("plain/../../secret", "no name of a module"),
            ("/etc/passwd", "no name of a module"),
            ("fs", "Node's module fs"),
            ("node:fs", "Node's module fs"),
            ("left-pad", "npm install left-pad"),
        ] {
            let why = asked(project.path(), "main.ts", specifier).expect_err(specifier);
            assert!(why.contains(words), "{specifier}: {why}");
        }
    }
}
