//! Cost accounting of outbound calls: who pays for what is carried to other vaults and back, the vault that asks.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Weak;

use crate::vault::VaultHandle;
use hauki_contract::system::clock;

/// Does the work at the vault's expense, each step as it is measured. Who is dead owes nothing.
pub(super) async fn charged<F: Future>(vault: Weak<VaultHandle>, work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|cx| {
        let began = clock::thread_ns();
        let polled = work.as_mut().poll(cx);
        if let Some(vault) = vault.upgrade() {
            vault.allowance().asks(clock::thread_ns().saturating_sub(began));
        }
        polled
    })
    .await
}
