//! Anti-affinity: turns of those that are to stay apart, over all cores.
//!
//! Who places a vault that must not be beside others of a label looks where these are, and is right only if nobody else
//! has placed one like it since. So labels have a document, in a few hundred buckets, that each such vault's record
//! writes anew, under the revision that was seen before the look: of two that looked at the same time one commits, and
//! the other has made a vault for nothing and looks again. A document says nothing but its revision, and is never read
//! otherwise.

use std::collections::{BTreeMap, BTreeSet};

use super::documents::apart_key;
use super::error::LedgerError;
use super::idempotency_keys::Posting;
use super::record::Records;
use crate::store::{Expect, Txn};

/// How the buckets stood, to be seen before the look.
#[derive(Debug, Default)]
pub(crate) struct AntiAffinity(Vec<(String, Expect)>);

impl AntiAffinity {
    /// The buckets of these labels, each once, in an order that all have.
    pub(crate) fn keys(labels: &BTreeMap<String, String>) -> BTreeSet<String> {
        labels.iter().map(|(label, value)| apart_key(label, value)).collect()
    }

    pub(crate) async fn seen(keys: BTreeSet<String>, records: &Records) -> Result<Self, LedgerError> {
        let mut seen = Vec::with_capacity(keys.len());
        for key in keys {
            // As it stands: one that is damaged is written anew like any other.
            let found = records.documents(&key, None, 1).await?;
            let expect = found.first().map_or(Expect::Absent, |found| Expect::At(found.revision));
            seen.push((key, expect));
        }
        Ok(Self(seen))
    }

    pub(super) fn join(self, posting: Posting) -> Posting {
        let anew = |posting: Posting, (key, expect): (String, Expect)| {
            posting.and(Txn::when(key.as_str(), expect).put(key, Vec::new()))
        };
        self.0.into_iter().fold(posting, anew)
    }
}
