//! Bootstrap: from a state directory to a core, what the daemon calls once.
//!
//! `<state_dir>/core/` holds the store and the issuer's key and is open to its owner only. Who holds
//! the daemon's lock on the state directory may call this.

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::data_key::{self, DataKeyError};
use super::dependencies::{CoreParts, CoreSettings};
use super::issuer::{self, IssuerError};
use super::service::Core;
use super::store::open::{self as stores, Signed};
use super::store::{START_ANEW, StoreError, StoreOpenError, StoreReport};
use hauki_contract::system::private_files::{self, Others, PrivateError};

#[derive(Debug, thiserror::Error)]
pub enum CoreStartError {
    #[error("make the directory {}", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Store(#[from] StoreOpenError),
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    #[error(transparent)]
    DataKey(#[from] DataKeyError),
    #[error("the store could have been written by others: {0}")]
    Exposed(PrivateError),
    #[error("the issuer's key {} is missing, and the store beside it has records", path.display())]
    LostKey { path: PathBuf },
    #[error("the issuer's key {} is not the one that signed what is on record", path.display())]
    OtherKey { path: PathBuf },
}

impl From<StoreError> for CoreStartError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.into())
    }
}

impl CoreStartError {
    /// The way back, with what is to be typed for it.
    #[must_use]
    pub fn way_back(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.way_back(),
            Self::LostKey { path } | Self::OtherKey { path } => {
                let wanted = path.with_file_name(START_ANEW);
                Some(format!(
                    "put the file back from a copy; to go on with another key on purpose, `touch {}`: then no ticket that \
                     was handed out is good any more, and none for a vault that lives can be made",
                    super::link::quoted(&wanted.to_string_lossy())
                ))
            }
            Self::Issuer(IssuerError::Private(error)) if error.is_laid_open() => {
                let wanted = error.path().with_file_name(START_ANEW).to_string_lossy().into_owned();
                Some(format!(
                    "if nobody else has had it: `{}`; else every ticket can be forged with it: take the file away and \
                     `touch {}`, then no ticket that was handed out is good any more",
                    error.command().unwrap_or_default(),
                    super::link::quoted(&wanted)
                ))
            }
            Self::Exposed(error) => {
                error.command().map(|command| format!("see what stands in it, then: `{command}`"))
            }
            Self::DataKey(DataKeyError::Private(error)) if error.is_laid_open() => Some(format!(
                "if nobody else has had it: `{}`; else take the file away and set every secret again, with new values",
                error.command().unwrap_or_default()
            )),
            Self::Directory { .. } | Self::Issuer(_) | Self::DataKey(_) => None,
        }
    }
}

/// Whether this is the key that signed, or may sign from now on. Only a first start makes one.
fn check_key(key: &Path, signed: &Signed) -> Result<(), CoreStartError> {
    let path = key.to_owned();
    if !key.exists() {
        return if signed.is_bare { Ok(()) } else { Err(CoreStartError::LostKey { path }) };
    }
    let public = issuer::load_or_make(key)?.public_hex();
    match &signed.issuer {
        Some(known) if *known != public && !signed.is_bare => Err(CoreStartError::OtherKey { path }),
        Some(_) | None => Ok(()),
    }
}

/// Whose records they are, and where they end.
fn check_store(home: &Path) -> Result<(), CoreStartError> {
    stores::FILES.iter().try_for_each(|name| {
        private_files::check(&home.join(name), Others::MayRead).map_err(CoreStartError::Exposed)
    })
}

/// Where the records of a core with this state directory are, as long as it is open.
#[must_use]
pub fn store_file(state_dir: &Path) -> PathBuf {
    stores::file(&state_dir.join("core"))
}

/// Opens what an earlier core left, or makes it. Nothing runs yet: that is [`Core::start`].
pub fn open(state_dir: &Path, settings: CoreSettings) -> Result<Arc<Core>, CoreStartError> {
    let home = state_dir.join("core");
    make_private(&home).map_err(|source| CoreStartError::Directory { path: home.clone(), source })?;
    // The store comes first, so that a key beside no store is never what a crash of the first start left.
    let key = home.join("issuer.key");
    // The store takes it away once it is open.
    let anew = home.join(START_ANEW).exists();
    check_store(&home)?;
    super::store::sweep(&home);
    let (store, signed) = stores::open(&home, &key, anew)?;
    if let Some(signed) = signed {
        check_key(&key, &signed)?;
    }
    let issuer = issuer::load_or_make(&key)?;
    data_key::check(&home.join(data_key::FILE))?;
    // What a killed core left: sockets that nobody listens on.
    match std::fs::remove_dir_all(home.join("link")) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(CoreStartError::Directory { path: home.join("link"), source });
        }
        _ => {}
    }
    Ok(Core::new(CoreParts { store, issuer, home, settings }))
}

/// What a start would find in the store.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inspected {
    /// The keys of the damaged records.
    pub damaged: Vec<String>,
    /// It is too large for all of it to be looked at here.
    pub in_part: bool,
}

/// What a start would find, without one; `None` if nobody could look.
pub async fn inspect(state_dir: &Path) -> Result<Option<Inspected>, CoreStartError> {
    let home = state_dir.join("core");
    let key = home.join("issuer.key");
    if key.exists() {
        issuer::load_or_make(&key)?;
    }
    data_key::check(&home.join(data_key::FILE))?;
    check_store(&home)?;
    let looked = stores::look(&home, &key).await?;
    let Some(StoreReport { damaged, is_bare, is_whole, issuer }) = looked else { return Ok(None) };
    if !home.join(START_ANEW).exists() {
        check_key(&key, &Signed { is_bare, issuer })?;
    }
    Ok(Some(Inspected { damaged, in_part: !is_whole }))
}

fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o700))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Member;
    use crate::fake_node::FakeNode;
    use crate::tests::spawning;
    use hauki_contract::api::ErrorCode;
    use hauki_contract::rpc::capability::IssuerKey;

    fn opened(directory: &Path, node: &Arc<FakeNode>) -> Arc<Core> {
        let name = "n1".parse().expect("a name");
        let member = Member { name, labels: BTreeMap::new(), api: node.clone(), address: None };
        open(directory, CoreSettings::of(vec![member])).expect("opens")
    }

    /// As soon as the threads of a store that was dropped have let it go.
    async fn looked(directory: &Path) -> Result<Inspected, CoreStartError> {
        for _ in 0..1_000 {
            if let Some(found) = inspect(directory).await.transpose() {
                return found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("it changes all the time");
    }

    #[tokio::test]
    async fn a_core_that_starts_again_keeps_its_word() {
        let directory = tempfile::tempdir().expect("a directory");
        let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
        let core = opened(directory.path(), &node);
        let issuer = core.basis().issuer.public_hex();
        let spawned = core.spawn(spawning("k")).await.expect("spawns");
        drop(core);
        let core = opened(directory.path(), &node);
        assert_eq!(core.basis().issuer.public_hex(), issuer);
        let again = core.spawn(spawning("k")).await.expect("answers");
        assert_eq!((again.changed, &again.ticket), (false, &spawned.ticket));
        let mode = std::fs::metadata(directory.path().join("core")).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[tokio::test]
    async fn a_key_that_is_missing_beside_records_is_made_anew_on_purpose_only() {
        let directory = tempfile::tempdir().expect("a directory");
        let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
        let (key, anew) =
            (directory.path().join("core/issuer.key"), directory.path().join("core").join(START_ANEW));
        let again = || open(directory.path(), CoreSettings::of(Vec::new())).map(drop);
        drop(opened(directory.path(), &node));
        std::fs::remove_file(&key).expect("was made");
        let core = opened(directory.path(), &node);
        core.spawn(spawning("k")).await.expect("there was nothing that could be lost");
        drop(core);
        std::fs::remove_file(&key).expect("was made");
        for _ in 0..2 {
            let refused = again().expect_err("is lost");
            assert!(matches!(refused, CoreStartError::LostKey { .. }), "{refused}");
            assert!(refused.way_back().is_some_and(|way| way.contains("core/start-anew")));
            let looked = looked(directory.path()).await.expect_err("is lost");
            assert_eq!(looked.to_string(), refused.to_string());
            assert!(!key.exists());
        }
        // One that is whole, and another.
        std::fs::write(&key, IssuerKey::generate().to_hex().reveal()).expect("is ours");
        std::fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("is ours");
        again().expect("nobody knows who signed");
        std::fs::remove_file(&key).expect("is there");
        std::fs::write(&anew, "").expect("is ours");
        assert_eq!(looked(directory.path()).await.expect("may go on"), Inspected::default());
        let core = opened(directory.path(), &node);
        assert_eq!(core.vaults(Default::default()).await.expect("lists").vaults.len(), 1, "the records stay");
        assert!(key.exists() && !anew.exists());
    }

    #[tokio::test]
    async fn what_others_could_have_read_or_written_is_refused_with_the_way_back() {
        let directory = tempfile::tempdir().expect("a directory");
        let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
        let core = opened(directory.path(), &node);
        core.spawn(spawning("k")).await.expect("spawns");
        drop(core);
        let again = || open(directory.path(), CoreSettings::of(Vec::new())).map(drop);
        for (name, mode, way) in [
            ("issuer.key", 0o666, "start-anew"),
            ("issuer.key", 0o640, "chmod 600"),
            ("store.db", 0o660, "chmod 600"),
            ("store.tail", 0o606, "chmod 600"),
        ] {
            let path = directory.path().join("core").join(name);
            let chmod =
                |mode| std::fs::set_permissions(&path, Permissions::from_mode(mode)).expect("is ours");
            chmod(mode);
            let refused = again().expect_err(name);
            assert!(refused.to_string().contains(&format!("{name} has the mode {mode:04o}")), "{refused}");
            assert!(refused.way_back().is_some_and(|told| told.contains(way)), "{refused}");
            let looked = looked(directory.path()).await.expect_err(name);
            assert_eq!(looked.to_string(), refused.to_string());
            chmod(0o600);
        }
        again().expect("nothing was lost");
    }

    #[tokio::test]
    async fn a_key_with_a_flipped_bit_is_no_key_of_ours() {
        let directory = tempfile::tempdir().expect("a directory");
        let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
        let key = directory.path().join("core/issuer.key");
        let core = opened(directory.path(), &node);
        core.sign().await.expect("is written down");
        core.spawn(spawning("k")).await.expect("spawns");
        drop(core);
        opened(directory.path(), &node).sign().await.expect("is known");
        let whole = std::fs::read_to_string(&key).expect("reads");
        let again = || open(directory.path(), CoreSettings::of(Vec::new()));
        let mut refused = 0;
        for place in [0, 1, 7, 31, 40, 63] {
            let mut spoiled = whole.clone().into_bytes();
            spoiled[place] = if spoiled[place] == b'a' { b'c' } else { b'a' };
            std::fs::write(&key, &spoiled).expect("is ours");
            let error = again().err().expect("is another key");
            refused += usize::from(matches!(error, CoreStartError::OtherKey { .. }));
            let looked = looked(directory.path()).await.expect_err("is another key");
            assert_eq!(looked.to_string(), error.to_string());
        }
        assert_eq!(refused, 6);
        // Somebody wants it so; from then on it is the one.
        std::fs::write(directory.path().join("core").join(START_ANEW), "").expect("is ours");
        again().expect("opens").sign().await.expect("is written down");
        drop(again().expect("is known"));
        std::fs::write(&key, &whole).expect("is ours");
        assert!(matches!(again().err(), Some(CoreStartError::OtherKey { .. })));
    }

    #[tokio::test]
    async fn a_store_that_is_too_large_to_be_looked_at_is_said_to_be() {
        let directory = tempfile::tempdir().expect("a directory");
        let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
        drop(opened(directory.path(), &node));
        assert_eq!(looked(directory.path()).await.expect("looks"), Inspected::default());
        let store = std::fs::File::options().write(true).open(store_file(directory.path()));
        store.and_then(|file| file.set_len(600 << 20)).expect("grows, and has holes");
        assert!(looked(directory.path()).await.expect("looks").in_part);
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
        let error = open(directory.path(), CoreSettings::of(Vec::new())).err().expect("is refused");
        assert!(error.to_string().contains("store.db"), "{error}");
        let CoreStartError::Store(error) = error else { panic!("the store is at fault") };
        assert_eq!(hauki_contract::api::ApiError::from(error).code, ErrorCode::Environment);
    }
}
