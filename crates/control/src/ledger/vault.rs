//! State machine of a vault's record: what is on record of a vault, and what moves it.
//!
//! The fields are nobody else's: a record is made when the worker is loaded, and from then on only an event of
//! `model::phase` changes its phase, here, in the transaction that writes it. Whoever reads may take the vault out and
//! show it as he likes; there is no way back into the store.

use serde::{Deserialize, Serialize};

use super::error::LedgerError;
use hauki_contract::api::vault::Vault;
use hauki_contract::model::open_word::OpenWord;
use hauki_contract::model::phase::{Phase, PhaseEvent, transition};
use hauki_contract::model::receipt::Receipt;
use hauki_contract::model::ticket::Endpoint;
use hauki_contract::system::clock;

/// The first and only incarnation of a vault; teleport will count it up.
pub(crate) const GENERATION: u64 = 1;

/// A vault, and the life of the node's daemon in which it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultRecord {
    vault: Vault,
    boot_id: String,
}

impl VaultRecord {
    /// Its worker is loaded, on a node whose daemon has this life.
    pub(crate) fn loaded(vault: Vault, boot_id: String) -> Result<Self, LedgerError> {
        let mut made =
            Self { vault: Vault { phase: Phase::Forging.into(), receipt: None, ..vault }, boot_id };
        made.takes(PhaseEvent::Loaded)?;
        Ok(made)
    }

    /// One that lives in this phase by its node's word, and was recorded before.
    pub(super) fn again(vault: Vault, boot_id: &str, phase: OpenWord<Phase>) -> Result<Self, LedgerError> {
        let mut made = Self::loaded(vault, boot_id.to_owned())?;
        // Of one that is not known: that its worker is loaded.
        let phase = phase.known().unwrap_or(Phase::Forged);
        for event in [PhaseEvent::TicketOpened, PhaseEvent::Claimed, PhaseEvent::Doomed] {
            if made.vault.phase.known().is_some_and(|before| before < phase) {
                made.takes(event)?;
            }
        }
        Ok(made)
    }

    /// Its port is open and a ticket may go out.
    pub(crate) fn opened(&mut self, endpoint: Endpoint) -> Result<(), LedgerError> {
        self.takes(PhaseEvent::TicketOpened)?;
        self.vault.endpoint = Some(endpoint);
        Ok(())
    }

    /// Whether that is news.
    pub(super) fn claimed(&mut self) -> bool {
        let before = self.vault.phase;
        self.takes(PhaseEvent::Claimed).is_ok() && self.vault.phase != before
    }

    /// For how long a tombstone is kept must not hang on a node's calendar.
    pub(super) fn died(&mut self, receipt: &mut Receipt) -> Result<(), LedgerError> {
        self.takes(PhaseEvent::Doomed)?;
        self.takes(PhaseEvent::Reclaimed)?;
        receipt.death.at = receipt.death.at.min(clock::now()).max(self.vault.forged_at);
        (self.vault.receipt, self.vault.vitals) = (Some(receipt.clone()), None);
        Ok(())
    }

    fn takes(&mut self, event: PhaseEvent) -> Result<(), LedgerError> {
        // What a later version has written may live, and can be ended.
        let phase = self.vault.phase.known().unwrap_or(Phase::Live);
        self.vault.phase = transition(phase, event)?.into();
        Ok(())
    }

    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// To be shown.
    #[must_use]
    pub fn into_vault(self) -> Vault {
        self.vault
    }

    #[must_use]
    pub fn boot_id(&self) -> &str {
        &self.boot_id
    }

    /// As a test wants it.
    #[cfg(test)]
    pub(crate) fn vault_mut(&mut self) -> &mut Vault {
        &mut self.vault
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{spawning, unwatched};
    use hauki_contract::model::death::Cause;

    #[tokio::test]
    async fn a_record_comes_to_each_phase_by_the_events_that_lead_there() {
        let core = unwatched().core;
        let vault = core.spawn(spawning("k")).await.expect("spawns").vault;
        let mut record =
            VaultRecord::loaded(Vault { phase: Phase::Dead.into(), ..vault.clone() }, "b".into())
                .expect("is");
        assert_eq!(
            (record.vault().phase, record.boot_id()),
            (Phase::Forged.into(), "b"),
            "whatever it came with"
        );
        assert!(!record.claimed(), "nobody has a ticket to it");
        let endpoint = vault.endpoint.clone().expect("is open");
        record.opened(endpoint.clone()).expect("opens");
        assert_eq!(
            (record.vault().phase, &record.vault().endpoint),
            (Phase::Ticketed.into(), &Some(endpoint.clone()))
        );
        assert!(record.claimed() && !record.claimed(), "it is news once");
        record.opened(endpoint.clone()).expect("another ticket");
        assert_eq!(record.vault().phase, Phase::Live, "and no step back");
        let mut receipt = crate::vaults::lost(&vault, "as a test says");
        receipt.death.at = jiff::Timestamp::MIN;
        record.died(&mut receipt).expect("dies");
        assert_eq!(
            (record.vault().phase, receipt.death.cause),
            (Phase::Dead.into(), Cause::DaemonLost.into())
        );
        assert_eq!(receipt.death.at, vault.forged_at, "not before it was made");
        assert_eq!(record.vault().receipt.as_ref(), Some(&receipt));
        assert!(record.opened(endpoint).is_err() && !record.claimed(), "nothing leads back to life");
        for phase in [Phase::Forged, Phase::Ticketed, Phase::Live, Phase::Dying] {
            let again = VaultRecord::again(vault.clone(), "", phase.into()).expect("is led there");
            assert_eq!(again.vault().phase, phase);
        }
    }
}
