//! From a state directory to a core: what the daemon calls once.
//!
//! `<state_dir>/core/` holds the store and the issuer's key and is open to its owner only. Who holds
//! the daemon's lock on the state directory may call this.

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::issuer::{self, IssuerError};
use super::nodes::Member;
use super::service::{Core, Parts};
use super::store::{SqliteStore, StoreError};
use crate::model::config::Policy;

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("make the directory {}", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Issuer(#[from] IssuerError),
}

const NEW_KEY: &str = "issuer.key was missing beside a store with records, and was made anew: no ticket that was \
                       handed out before is good any more";
const NEW_KEY_HINT: &str =
    "stop the daemon and put core/issuer.key back from a copy, or hand out new tickets";

/// Opens what an earlier core left, or makes it. Nothing runs yet: that is [`Core::start`].
pub fn open(
    state_dir: &Path,
    members: Vec<Member>,
    gem_directories: Vec<PathBuf>,
    policy: Policy,
    role: &str,
) -> Result<Arc<Core>, StartError> {
    let home = state_dir.join("core");
    make_private(&home).map_err(|source| StartError::Directory { path: home.clone(), source })?;
    // The store comes first, so that a key beside no store is never what a crash of the first start left.
    let key = home.join("issuer.key");
    let store = Arc::new(SqliteStore::open_beside(&home.join("store.db"), &key)?);
    let is_lost = !key.exists() && !store.is_bare()?;
    let issuer = issuer::load_or_make(&key)?;
    // What a killed core left: sockets that nobody listens on.
    match std::fs::remove_dir_all(home.join("link")) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(StartError::Directory { path: home.join("link"), source });
        }
        _ => {}
    }
    let core =
        Core::new(Parts { store, issuer, home, members, gem_directories, policy, role: role.to_owned() });
    if is_lost {
        core.remark(NEW_KEY, NEW_KEY_HINT);
    }
    Ok(core)
}

/// What a start would find of the store and the key, without one.
pub async fn inspect(state_dir: &Path) -> Result<Option<Vec<String>>, StartError> {
    let home = state_dir.join("core");
    let key = home.join("issuer.key");
    if key.exists() {
        issuer::load_or_make(&key)?;
    }
    Ok(super::store::inspect(&home.join("store.db"), &key).await?)
}

fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o700))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::api::ErrorCode;
    use crate::core::fake_node::FakeNode;
    use crate::core::tests::spawning;

    fn opened(directory: &Path, node: &Arc<FakeNode>) -> Arc<Core> {
        let name = "n1".parse().expect("a name");
        let member = Member { name, labels: BTreeMap::new(), api: node.clone(), address: None };
        open(directory, vec![member], Vec::new(), Policy::Spread, "all").expect("opens")
    }

    #[tokio::test]
    async fn a_core_that_starts_again_keeps_its_word() {
        let directory = tempfile::tempdir().expect("a directory");
        let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
        let core = opened(directory.path(), &node);
        let issuer = core.issuer.public_hex();
        let spawned = core.spawn(spawning("k")).await.expect("spawns");
        drop(core);
        let core = opened(directory.path(), &node);
        assert_eq!(core.issuer.public_hex(), issuer);
        let again = core.spawn(spawning("k")).await.expect("answers");
        assert_eq!((again.changed, &again.ticket), (false, &spawned.ticket));
        let mode = std::fs::metadata(directory.path().join("core")).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[tokio::test]
    async fn a_key_that_is_made_anew_beside_records_is_said() {
        let directory = tempfile::tempdir().expect("a directory");
        let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
        let said = async |core: &Core| {
            let findings = core.health().await.expect("tells").findings;
            findings.iter().any(|check| check.what.contains("issuer.key was missing"))
        };
        let key = directory.path().join("core/issuer.key");
        for records in [false, true] {
            let core = opened(directory.path(), &node);
            assert!(!said(&core).await, "the first start makes it");
            if records {
                core.spawn(spawning("k")).await.expect("spawns");
            }
            drop(core);
            std::fs::remove_file(&key).expect("is there");
            assert_eq!(said(&opened(directory.path(), &node)).await, records);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_hundred_at_once_on_the_disk() {
        let directory = tempfile::tempdir().expect("a directory");
        let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
        let core = opened(directory.path(), &node);
        let _tasks = core.start();
        let mut callers = tokio::task::JoinSet::new();
        for number in 0..100 {
            let core = core.clone();
            callers.spawn(async move { core.spawn(spawning(&format!("k{}", number / 2))).await });
        }
        let changed = callers.join_all().await.into_iter().map(|answer| answer.expect("spawns").changed);
        assert_eq!(changed.filter(|changed| *changed).count(), 50);
        assert_eq!(node.living().len(), 50);
        assert_eq!(core.vaults(Default::default()).await.expect("lists").vaults.len(), 50);
    }

    #[test]
    fn a_spoiled_store_is_refused_by_name() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join("core")).expect("makes");
        std::fs::write(directory.path().join("core/store.db"), "not a database, surely not one at all")
            .expect("writes");
        let error =
            open(directory.path(), Vec::new(), Vec::new(), Policy::Spread, "core").err().expect("is refused");
        assert!(error.to_string().contains("store.db"), "{error}");
        let StartError::Store(error) = error else { panic!("the store is at fault") };
        assert_eq!(crate::api::ApiError::from(error).code, ErrorCode::Environment);
    }
}
