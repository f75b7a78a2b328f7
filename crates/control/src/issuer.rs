//! Signing key: the key that signs tickets, in `<state_dir>/core/issuer.key`.
//!
//! Made at the first start and never changed: nodes check tickets against its public half, which
//! each provision order carries. The keys that holders narrow tokens with follow from it, so a token can be
//! signed again and need not be kept. It is written beside its place, synced and renamed, so a crash leaves
//! either no key or a whole one. One that others can read or write is refused: whoever has it makes tickets.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::ledger::{Records, encode};
use super::store::{CommitOutcome, Expect, ISSUER, Txn};
use hauki_contract::model::secret::Secret;
use hauki_contract::rpc::capability::{CapabilityError, IssuerKey};
use hauki_contract::system::private_files::{self, PrivateError};

/// It has 64 digits.
const MOST_BYTES: u64 = 4096;

#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    #[error("read the issuer's key: {0}")]
    Private(PrivateError),
    #[error("write the issuer's key {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("use the issuer's key {}", path.display())]
    Use { path: PathBuf, source: CapabilityError },
}

/// Reads the key, or makes it.
pub(crate) fn load_or_make(path: &Path) -> Result<IssuerKey, IssuerError> {
    match private_files::read(path, MOST_BYTES) {
        Ok(text) => IssuerKey::from_hex(&Secret::new(text.trim().to_owned()))
            .map_err(|source| IssuerError::Use { path: path.to_owned(), source }),
        Err(error) if error.is_absence() => {
            let key = IssuerKey::generate();
            write(path, &key).map_err(|source| IssuerError::Write { path: path.to_owned(), source })?;
            Ok(key)
        }
        Err(error) => Err(IssuerError::Private(error)),
    }
}

/// Writes down who signs from now on.
pub(super) async fn sign(records: &Records, key: &IssuerKey) -> Result<(), Failure> {
    let own = key.public_hex();
    while records.find::<String>(ISSUER).await?.is_none_or(|known| known.value != own) {
        // As it stands: one that is damaged is written anew.
        let stands = records.documents(ISSUER, None, 1).await?;
        let seen = stands.first().map_or(Expect::Absent, |found| Expect::At(found.revision));
        let txn = Txn::when(ISSUER, seen).put(ISSUER, encode(&own)?);
        // On a conflict another core was faster, with the same key.
        if let CommitOutcome::Committed { .. } = records.commit(txn).await? {
            break;
        }
    }
    Ok(())
}

fn write(path: &Path, key: &IssuerKey) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let beside = path.with_extension("key.new");
    // What a crash left there may have another mode.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&beside)?;
    file.write_all(key.to_hex().reveal().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_made_once_and_only_its_owner_can_read_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("core/issuer.key");
        let made = load_or_make(&path).expect("makes");
        let read = load_or_make(&path).expect("reads");
        assert_eq!(made.public_hex(), read.public_hex());
        assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_spoiled_key_is_refused_by_name_and_not_replaced() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("issuer.key");
        fs::write(&path, "not hexadecimal").expect("writes");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("is ours");
        let error = load_or_make(&path).err().expect("is refused");
        assert!(error.to_string().contains("issuer.key"));
        assert_eq!(fs::read_to_string(&path).expect("reads"), "not hexadecimal");
    }
}
