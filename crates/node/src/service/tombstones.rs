//! Tombstone cache, of the dead that can still be asked about here; the core keeps tombstones for longer.
//!
//! Whoever is over the number of them that are kept is the oldest, and only that one.

use std::collections::{HashMap, VecDeque};

use hauki_contract::model::id::VaultId;
use hauki_contract::model::lease::Mono;
use hauki_contract::model::receipt::Receipt;

const KEPT_MS: u64 = 3_600_000;
const MOST: usize = 10_000;

#[derive(Default)]
pub(super) struct RecentTombstones {
    receipts: HashMap<VaultId, Receipt>,
    /// When each of them died, the oldest first.
    deaths: VecDeque<(Mono, VaultId)>,
}

impl RecentTombstones {
    pub(super) fn get(&self, id: &VaultId) -> Option<&Receipt> {
        self.receipts.get(id)
    }

    pub(super) fn bury(&mut self, receipt: Receipt, now: Mono) {
        let is_over = |(at, _): &mut (Mono, VaultId)| now.since(*at) >= KEPT_MS * 1000;
        while let Some((_, old)) = self.deaths.pop_front_if(is_over) {
            self.receipts.remove(&old);
        }
        let id = receipt.vault.clone();
        if self.receipts.insert(id.clone(), receipt).is_none() {
            self.deaths.push_back((now, id));
        }
        if self.deaths.len() > MOST
            && let Some((_, oldest)) = self.deaths.pop_front()
        {
            self.receipts.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hauki_contract::model::death::{Cause, Death};
    use hauki_contract::system::clock;

    fn receipt(number: u128) -> Receipt {
        Receipt {
            vault: VaultId::mint(1_700_000_000_000, number),
            node: "n1".parse().expect("a name"),
            generation: None,
            witness: None,
            death: Death { cause: Cause::Destruct.into(), at: clock::now(), detail: None, by: None },
            lived_ms: 1,
            calls: 0,
            reclaimed_us: 1,
            reclaimed: Vec::new(),
        }
    }

    #[test]
    fn one_too_many_costs_the_oldest_and_an_hour_costs_the_old() {
        let mut tombs = RecentTombstones::default();
        let is_there =
            |tombs: &RecentTombstones, number| tombs.get(&VaultId::mint(1_700_000_000_000, number)).is_some();
        for number in 0..MOST as u128 + 3 {
            tombs.bury(receipt(number), Mono(0));
        }
        assert_eq!((tombs.receipts.len(), tombs.deaths.len()), (MOST, MOST));
        assert!(!is_there(&tombs, 2) && is_there(&tombs, 3) && is_there(&tombs, MOST as u128 + 2));
        tombs.bury(receipt(3), Mono(0));
        assert_eq!((tombs.receipts.len(), tombs.deaths.len()), (MOST, MOST), "buried twice is dead once");
        tombs.bury(receipt(1), Mono(0).plus_ms(KEPT_MS));
        assert_eq!((tombs.receipts.len(), tombs.deaths.len()), (1, 1));
    }
}
