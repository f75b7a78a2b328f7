//! Code cache: the code that this node has, by its hash: what came with an order or ahead of it.
//!
//! It is in memory only and goes with the daemon. Whoever orders a vault by hash alone hears when the
//! code is not here (any more) and sends it. Nothing gets in under a hash that is not its own, so it does
//! not matter who sent it, and one core cannot pass its code off as another's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hauki_contract::api::node::{Code, ProvisionOrder};
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::summons::MAX_SOURCE_BYTES;
use hauki_contract::model::digest::Sha256;

/// All of it is listed in each of the node's words.
const MOST: usize = 256;
const MOST_BYTES: usize = 32 << 20;

#[derive(Default)]
pub(super) struct CodeCache {
    codes: Mutex<Codes>,
}

#[derive(Default)]
struct Codes {
    /// With the number of the last use.
    by_hash: HashMap<Sha256, (Arc<str>, u64)>,
    bytes: usize,
    uses: u64,
}

impl CodeCache {
    fn codes(&self) -> MutexGuard<'_, Codes> {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn keep(&self, code: &Code) -> Result<(), NodeError> {
        let Code { sha256, source } = code;
        if source.is_empty() || source.len() > MAX_SOURCE_BYTES {
            let message = format!("code of {} bytes; 1 to {MAX_SOURCE_BYTES} are allowed", source.len());
            return Err(NodeError::new(NodeFault::TooLarge, message));
        }
        // What is here was hashed when it came, and to compare is cheaper.
        if self.take(sha256).is_some_and(|known| *known == **source) {
            return Ok(());
        }
        let found = Sha256::of(source.as_bytes());
        if found != *sha256 {
            let message = format!("the code that came has the hash {found}, not {sha256}");
            return Err(NodeError::new(NodeFault::BadOrder, message)
                .hint("it was damaged on its way or in the core's store; nothing was made of it"));
        }
        self.codes().put(*sha256, source);
        Ok(())
    }

    fn take(&self, sha256: &Sha256) -> Option<Arc<str>> {
        let mut codes = self.codes();
        codes.uses += 1;
        let now = codes.uses;
        let (source, used) = codes.by_hash.get_mut(sha256)?;
        *used = now;
        Some(source.clone())
    }

    /// The order with its code, which is of the hash that it says.
    pub(super) fn fill(&self, order: ProvisionOrder) -> Result<ProvisionOrder, NodeError> {
        if !order.source.is_empty() {
            let code = Code { sha256: order.sha256, source: order.source };
            self.keep(&code)?;
            return Ok(ProvisionOrder { source: code.source, ..order });
        }
        match self.take(&order.sha256) {
            Some(source) => Ok(ProvisionOrder { source: source.as_ref().to_owned(), ..order }),
            None => {
                Err(NodeError::new(NodeFault::CodeMissing, format!("the code {} is not here", order.sha256)))
            }
        }
    }

    pub(super) fn list(&self) -> Vec<Sha256> {
        self.codes().by_hash.keys().copied().collect()
    }
}

impl Codes {
    fn put(&mut self, sha256: Sha256, source: &str) {
        self.uses += 1;
        if let Some((earlier, _)) = self.by_hash.insert(sha256, (source.into(), self.uses)) {
            self.bytes -= earlier.len();
        }
        self.bytes += source.len();
        while self.by_hash.len() > MOST || self.bytes > MOST_BYTES {
            let oldest = self.by_hash.iter().min_by_key(|(_, (_, used))| *used).map(|(hash, _)| *hash);
            // The new one is the youngest, and fits alone.
            let Some((source, _)) = oldest.and_then(|hash| self.by_hash.remove(&hash)) else { return };
            self.bytes -= source.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(source: &str) -> Code {
        Code { sha256: Sha256::of(source.as_bytes()), source: source.to_owned() }
    }

    #[test]
    fn what_was_used_the_longest_ago_goes() {
        let cache = CodeCache::default();
        let all: Vec<Code> = (0..=MOST).map(|number| code(&format!("// {number}"))).collect();
        for code in &all[..MOST] {
            cache.keep(code).expect("fits");
        }
        assert!(cache.take(&all[0].sha256).is_some());
        cache.keep(&all[MOST]).expect("fits");
        assert_eq!(cache.list().len(), MOST);
        let here = [0, 1, 2, MOST].map(|place: usize| cache.take(&all[place].sha256).is_some());
        assert_eq!(here, [true, false, true, true]);
    }

    #[test]
    fn it_holds_so_many_bytes_and_no_more() {
        let cache = CodeCache::default();
        for number in 0..2 * MOST_BYTES / MAX_SOURCE_BYTES {
            let source = format!("{number:010}{}", "x".repeat(MAX_SOURCE_BYTES - 10));
            cache.keep(&code(&source)).expect("is of the largest size");
            let codes = cache.codes();
            let held: usize = codes.by_hash.values().map(|(source, _)| source.len()).sum();
            assert!(held == codes.bytes && held <= MOST_BYTES, "{held}");
        }
        assert_eq!(cache.list().len(), MOST_BYTES / MAX_SOURCE_BYTES);
        let huge = "x".repeat(MAX_SOURCE_BYTES + 1);
        assert_eq!(cache.keep(&code(&huge)).expect_err("is too large").fault, NodeFault::TooLarge);
    }

    #[test]
    fn nothing_gets_in_under_a_hash_that_is_not_its_own() {
        let cache = CodeCache::default();
        let (good, evil) =
            (code("function f() {}"), Code { source: "evil".into(), ..code("function f() {}") });
        for _ in 0..2 {
            assert_eq!(cache.keep(&evil).expect_err("is another").fault, NodeFault::BadOrder);
            cache.keep(&good).expect("is itself");
        }
        assert_eq!(cache.take(&good.sha256).as_deref(), Some("function f() {}"));
        assert_eq!(cache.list(), [good.sha256]);
    }
}
