//! Store factory: which store there is, and what of it lies in the core's directory: the one place that knows them all.
//!
//! Whoever opens one holds a [`Store`] and no more. A further store is a file beside `sqlite`, an arm here by what chooses
//! it, and a place in `conformance`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{SqliteStore, Store, StoreOpenError, StoreReport, inspect};

/// Its files: what others could write there would be believed.
pub const FILES: [&str; 3] = ["store.db", "store.db-wal", "store.tail"];

/// Of who signed what is on record.
pub struct Signed {
    pub is_bare: bool,
    pub issuer: Option<String>,
}

/// Where its records are, as long as it is open.
#[must_use]
pub fn file(home: &Path) -> PathBuf {
    home.join(FILES[0])
}

/// Opens what an earlier core left in this directory, or makes it; `beside` is the file that was made after it. Who begins
/// anew has no need of who signed.
pub fn open(
    home: &Path,
    beside: &Path,
    anew: bool,
) -> Result<(Arc<dyn Store>, Option<Signed>), StoreOpenError> {
    let store = SqliteStore::open_beside(&file(home), beside)?;
    let signed = match anew {
        true => None,
        false => Some(Signed { is_bare: store.is_bare()?, issuer: store.issuer()? }),
    };
    Ok((Arc::new(store), signed))
}

/// What the next start would find; `None` if nobody could look.
pub async fn look(home: &Path, beside: &Path) -> Result<Option<StoreReport>, StoreOpenError> {
    inspect(&file(home), beside).await
}
