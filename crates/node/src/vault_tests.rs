use std::sync::Weak;

use super::*;
use crate::outbound::DeathLookup;
use crate::service::NodeService;
use hauki_contract::model::secret::Secret;
use hauki_contract::model::text::{NAME, SENTENCE};
use hauki_contract::rpc::capability::{Issuer, IssuerKey};
use hauki_contract::system::random;

fn live() -> Arc<VaultHandle> {
    let issuer = Issuer::from_hex(&IssuerKey::generate().public_hex()).expect("is a key");
    let id = random::vault_id();
    let graves: Weak<dyn DeathLookup> = Weak::<NodeService>::new();
    let reach = Outbound::new(id.clone(), issuer, Secret::new("v".into()), 1 << 20, graves);
    let names = (id, 1, "n1".parse().expect("a name"));
    let rooms = (Arc::new(Journal::new("b1".into())), Arc::new(WakingClock::default()));
    let vault = VaultHandle::new(names, Limits::default(), Terms::default(), rooms, (reach, None));
    vault.loaded(Vec::new()).expect("is forged");
    vault.ticketed().expect("is loaded");
    vault.claimed(&random::ticket_id(), Promise::default(), "p").expect("is ticketed");
    vault
}

fn death(vault: &VaultHandle) -> Death {
    vault.doomed.borrow().clone().expect("is doomed")
}

#[test]
fn a_death_keeps_no_more_of_a_strangers_text_than_fits_a_receipt() {
    let long = "\u{1b}]0;x\u{7}".repeat(1 << 20);
    let vault = live();
    assert!(vault.doom(Cause::ProtocolViolation, Some(long.clone()), Some(long.clone()), 0));
    let Death { detail, by, .. } = death(&vault);
    let (detail, by) = (detail.expect("is told"), by.expect("is told"));
    // A mark of three bytes stands for each sign that a terminal would obey.
    assert!(detail.len() <= 3 * SENTENCE && by.len() <= 3 * NAME, "{} and {}", detail.len(), by.len());
    assert!(!detail.contains(char::is_control) && !by.contains(char::is_control));

    // And who beat last, however long his word.
    let vault = live();
    vault.beat(Promise::default(), Some(&long));
    assert!(vault.doom(Cause::HeartbeatLost, None, None, 0));
    let detail = death(&vault).detail.expect("explains");
    assert!(detail.contains(" before from ") && detail.len() < 4 * NAME, "{detail}");
}
