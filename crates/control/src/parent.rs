//! Inheritance of limits: under whom a vault is made, what a child may have at most, and what it inherits.

use super::failure::{Failure, SummonError};
use super::summon::Drafted;
use hauki_contract::model::gem::Wishes;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::limits::Limits;

/// For how long the gate of a parent may be silent: a closed connection is seen at once, so this is for
/// a cut network only.
const LINK_SILENCE_MS: u64 = 5_000;

/// Under whom a vault is made.
#[derive(Debug, Clone)]
pub(super) struct Parent {
    id: VaultId,
    limits: Limits,
}

impl Parent {
    pub(super) fn new(id: VaultId, limits: Limits) -> Self {
        Self { id, limits }
    }

    pub(super) fn id(&self) -> &VaultId {
        &self.id
    }

    /// A child has what its parent has, unless it wishes for less.
    pub(super) fn wishes(&self) -> Wishes {
        Wishes {
            memory_bytes: Some(self.limits.memory_bytes),
            cpu_percent: Some(self.limits.cpu_percent),
            call_deadline_ms: Some(self.limits.call_deadline_ms),
            max_frame_bytes: Some(self.limits.max_frame_bytes),
            ..Wishes::default()
        }
    }

    /// Binds what was drafted to the parent, or says what it wants too much of.
    pub(super) fn adopt(&self, drafted: &mut Drafted) -> Result<(), Failure> {
        let (own, most) = (&drafted.summons.limits, &self.limits);
        let over = [
            ("memory", own.memory_bytes > most.memory_bytes),
            ("cpu", own.cpu_percent > most.cpu_percent),
            ("deadline", own.call_deadline_ms > most.call_deadline_ms),
            ("max_frame", own.max_frame_bytes > most.max_frame_bytes),
            ("allow-net", own.net.iter().any(|invitation| !most.net.contains(invitation))),
            ("secret", own.secrets.iter().any(|used| !most.secrets.contains(used))),
            ("spawn", own.spawn >= most.spawn && own.spawn > 0),
        ];
        if let Some((what, _)) = over.into_iter().find(|(_, over)| *over) {
            return Err(SummonError::OverParent { what }.into());
        }
        drafted.summons.parent = Some(self.id.clone());
        drafted.summons.terms.link_silence_ms = LINK_SILENCE_MS;
        Ok(())
    }
}
