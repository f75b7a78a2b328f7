use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use super::*;
use crate::store::MemoryStore;
use hauki_contract::api::gem::GemPush;
use hauki_contract::api::{ApiError, ErrorCode};

fn gems(directories: Vec<PathBuf>) -> Gems {
    Gems::new(directories, Records::new(Arc::new(MemoryStore::default())))
}

fn pointer(text: &str) -> GemPointer {
    format!("gem-pointer://{text}").parse().expect("a pointer")
}

fn push(path: &str, version: Option<&str>, source: &str) -> GemPush {
    GemPush {
        path: path.into(),
        version: version.map(str::to_owned),
        source: source.into(),
        compilation: None,
        original: None,
        manifest: Manifest::default(),
    }
}

#[tokio::test]
async fn directories_come_in_their_order_and_before_what_was_pushed() {
    let (one, two) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    for (directory, text) in [(&one, "one"), (&two, "two")] {
        fs::create_dir(directory.path().join("workers")).expect("makes");
        fs::write(directory.path().join("workers/scout.js"), text).expect("writes");
    }
    fs::write(two.path().join("workers/scout@3.js"), "three").expect("writes");
    fs::write(two.path().join("workers/scout.yaml"), "memory: 8MiB\n").expect("writes");
    let gems = gems(vec![one.path().into(), "/nowhere/at/all".into(), two.path().into()]);
    gems.push(push("workers/scout", Some("3"), "pushed")).await.expect("pushes");
    gems.push(push("workers/scout", Some("4"), "four")).await.expect("pushes");
    for (name, source) in
        [("workers/scout", "one"), ("workers/scout@3", "three"), ("workers/scout@4", "four")]
    {
        let gem = gems.resolve(&pointer(name)).await.expect("resolves");
        assert_eq!(gem.source.as_deref(), Some(source), "{name}");
        assert_eq!(gem.pointer.sha256, Some(Sha256::of(source.as_bytes())));
    }
    let listed = gems.list().await.expect("lists").gems;
    assert_eq!(listed.len(), 5);
    assert!(listed.iter().any(|gem| gem.manifest.memory.as_deref() == Some("8MiB")));
}

#[tokio::test]
async fn no_link_leads_out_and_only_files_are_read() {
    let (inside, outside) =
        (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    fs::write(outside.path().join("secret.js"), "secret").expect("writes");
    fs::write(inside.path().join("good.js"), "good").expect("writes");
    symlink(outside.path().join("secret.js"), inside.path().join("leak.js")).expect("links");
    symlink(outside.path(), inside.path().join("door")).expect("links");
    symlink("good.js", inside.path().join("alias.js")).expect("links");
    fs::create_dir(inside.path().join("dir.js")).expect("makes");
    rustix::fs::mkfifoat(rustix::fs::CWD, inside.path().join("pipe.js"), 0o600.into()).expect("makes");
    let gems = gems(vec![inside.path().into()]);
    for name in ["leak", "door/secret", "dir", "pipe"] {
        let error = ApiError::from(gems.resolve(&pointer(name)).await.expect_err("is refused"));
        assert_eq!(error.code, ErrorCode::BadSource, "{name}: {error}");
        assert!(!error.message.contains("secret\n"));
    }
    assert_eq!(gems.resolve(&pointer("alias")).await.expect("resolves").source.as_deref(), Some("good"));
}

#[tokio::test]
async fn the_hash_is_checked_each_time_and_both_are_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("scout.js");
    fs::write(&file, "before").expect("writes");
    let gems = gems(vec![directory.path().into()]);
    let whole = gems.resolve(&pointer("scout")).await.expect("resolves").pointer;
    gems.resolve(&whole).await.expect("is unchanged");
    fs::write(&file, "after").expect("writes");
    let error = ApiError::from(gems.resolve(&whole).await.expect_err("has changed"));
    assert_eq!(error.code, ErrorCode::BadSource);
    for hash in [Sha256::of(b"before"), Sha256::of(b"after")] {
        assert!(error.message.contains(&hash.to_string()), "{error}");
    }
}

#[tokio::test]
async fn a_directory_from_which_nothing_can_come_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    fs::write(at("file"), "").expect("writes");
    let gems = gems(vec![directory.path().into(), at("file"), at("nothing")]);
    let told: Vec<_> = gems.findings().await.into_iter().map(|check| check.what).collect();
    let [file, nothing] = told.as_slice() else { panic!("{told:?}") };
    assert!(
        file.contains("/file cannot be read: ") && nothing.ends_with("/nothing is not there"),
        "{told:?}"
    );
}

#[tokio::test]
async fn sources_that_cannot_be_used_are_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, bytes: &[u8]| fs::write(directory.path().join(name), bytes).expect("writes");
    write("empty.js", b" \n");
    write("binary.js", b"ok \xff");
    write("long.js", &vec![b'x'; MAX_SOURCE_BYTES + 1]);
    write("wordy.js", b"function f() {}");
    write("wordy.yaml", &vec![b'#'; 9 << 20]);
    write("worker.js", b"function f() {}");
    write("worker.yaml", b"memory: much\n");
    write("odd.js", b"function f() {}");
    write("odd.yaml", b"colour: red\n");
    let gems = gems(vec![directory.path().into()]);
    for (name, code, words) in [
        ("empty", ErrorCode::BadSource, "empty.js is empty"),
        ("binary", ErrorCode::BadSource, "binary.js is not UTF-8 at byte 3"),
        ("long", ErrorCode::TooLarge, "long.js is too long: 4194304 bytes are allowed"),
        ("wordy", ErrorCode::BadSource, "wordy.yaml: it is longer than the 65536 bytes that are allowed"),
        ("worker", ErrorCode::BadSource, "worker.yaml: memory: \"much\" is not a size"),
        ("odd", ErrorCode::BadSource, "colour"),
    ] {
        let error = ApiError::from(gems.resolve(&pointer(name)).await.expect_err("is refused"));
        assert_eq!(error.code, code, "{name}: {error}");
        assert!(error.message.contains(words), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_missing_gem_says_where_it_was_looked_for_and_what_is_near() {
    let directory = tempfile::tempdir().expect("a directory");
    let gems = gems(vec![directory.path().into()]);
    gems.push(push("workers/scout", None, "x")).await.expect("pushes");
    let error = ApiError::from(gems.resolve(&pointer("workers/scuot")).await.expect_err("is missing"));
    assert_eq!(error.code, ErrorCode::NotFound);
    assert!(error.message.contains(&directory.path().display().to_string()), "{error}");
    assert_eq!(error.hint.as_deref(), Some("near names: workers/scout@1"));
}

#[tokio::test]
async fn pushed_versions_count_up_and_never_change() {
    let gems = gems(vec![]);
    let version = |gem: Gem| (gem.version.unwrap_or_default(), gem.changed);
    assert_eq!(version(gems.push(push("a", None, "1")).await.expect("pushes")), ("1".into(), true));
    assert_eq!(version(gems.push(push("a", None, "1")).await.expect("pushes")), ("1".into(), false));
    assert_eq!(version(gems.push(push("a", None, "2")).await.expect("pushes")), ("2".into(), true));
    assert_eq!(version(gems.push(push("a", Some("10"), "x")).await.expect("pushes")), ("10".into(), true));
    assert_eq!(version(gems.push(push("a", Some("1"), "1")).await.expect("pushes")), ("1".into(), false));
    let error = ApiError::from(gems.push(push("a", Some("1"), "other")).await.expect_err("is taken"));
    assert_eq!(error.code, ErrorCode::Conflict);
    let latest = gems.resolve(&pointer("a")).await.expect("resolves");
    assert_eq!(latest.version.as_deref(), Some("10"));
    let last = u64::MAX.to_string();
    gems.push(push("z", Some(&last), "1")).await.expect("pushes");
    let error = ApiError::from(gems.push(push("z", None, "2")).await.expect_err("there is no next one"));
    assert_eq!(error.code, ErrorCode::BadRequest, "{error:?}");

    assert_eq!(gems.remove(&pointer("a@10")).await.expect("removes").removed.len(), 1);
    assert_eq!(gems.resolve(&pointer("a")).await.expect("resolves").version.as_deref(), Some("2"));
    assert_eq!(gems.remove(&pointer("a")).await.expect("removes").removed.len(), 2);
    let error = ApiError::from(gems.remove(&pointer("a")).await.expect_err("is gone"));
    assert_eq!(error.code, ErrorCode::NotFound);
}

#[tokio::test]
async fn what_cannot_be_pushed() {
    let gems = gems(vec![]);
    for (push, code) in [
        (push("../x", None, "x"), ErrorCode::BadRequest),
        (push("x", Some(".."), "x"), ErrorCode::BadRequest),
        (push("x", None, ""), ErrorCode::BadSource),
        (push("x", None, &"x".repeat(MAX_SOURCE_BYTES + 1)), ErrorCode::TooLarge),
    ] {
        assert_eq!(ApiError::from(gems.push(push).await.expect_err("is refused")).code, code);
    }
    for (memory, told) in
        [("8", "memory: 8 of what? write 8MiB"), ("8B", "memory is 8 B, allowed are 64 KiB")]
    {
        let manifest = Manifest { memory: Some(memory.into()), ..Manifest::default() };
        let error = ApiError::from(
            gems.push(GemPush { manifest, ..push("x", None, "x") }).await.expect_err("is refused"),
        );
        assert!(error.message.contains(told), "{error}");
    }
    // Each who lists gems reads them.
    let of = |description: Option<usize>, memory: Option<String>| {
        let description = description.map(|letters| "é".repeat(letters));
        gems.push(GemPush {
            manifest: Manifest { description, memory, ..Manifest::default() },
            ..push("x", None, "x")
        })
    };
    assert!(of(Some(4096), None).await.is_ok());
    for (description, memory, told) in [
        (Some(7_000_000), None, "description: 7000000 letters are too many, 4096 are allowed"),
        (None, Some("0".repeat(1_000_000) + "8MiB"), "memory: 1000004 letters are too many, 64 are allowed"),
    ] {
        let error = ApiError::from(of(description, memory).await.expect_err("is refused"));
        assert!(error.message.contains(told) && error.message.len() < 200, "{error}");
    }
}
