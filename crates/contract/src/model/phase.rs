//! The life of a vault as one enum and one transition function.
//!
//! The node drives it; the core and the tools only read it. Every pair of phase and event has an
//! answer, and a test writes the whole table down.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::open_word::OpenWord;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The sandbox starts and the source is loading.
    Forging,
    /// The worker is loaded and has no port yet; the claim lease runs.
    Forged,
    /// A ticket is out and nobody has used one; the claim lease runs.
    Ticketed,
    /// A ticket was used; the heartbeat lease runs.
    Live,
    /// Doomed: `dest` may still run, or the kernel is being watched while it reclaims.
    Dying,
    /// Everything is reclaimed; a tombstone remains.
    Dead,
}

impl Phase {
    pub const ALL: [Self; 6] =
        [Self::Forging, Self::Forged, Self::Ticketed, Self::Live, Self::Dying, Self::Dead];

    #[must_use]
    pub fn is_alive(self) -> bool {
        match self {
            Self::Forging | Self::Forged | Self::Ticketed | Self::Live => true,
            Self::Dying | Self::Dead => false,
        }
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forging => "forging",
            Self::Forged => "forged",
            Self::Ticketed => "ticketed",
            Self::Live => "live",
            Self::Dying => "dying",
            Self::Dead => "dead",
        }
    }
}

impl OpenWord<Phase> {
    /// Whether there may be somebody, for who would end, spare or ask for him: a phase that is not known is no end.
    #[must_use]
    pub fn is_alive(self) -> bool {
        self.known().is_none_or(Phase::is_alive)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhaseEvent {
    /// The source is loaded and `create` has returned.
    Loaded,
    /// The port is open and a ticket may be handed out.
    TicketOpened,
    /// A ticket was used for the first time.
    Claimed,
    /// Anything of `model::death::Cause`.
    Doomed,
    /// The kernel shows that nothing is left.
    Reclaimed,
}

impl PhaseEvent {
    pub const ALL: [Self; 5] =
        [Self::Loaded, Self::TicketOpened, Self::Claimed, Self::Doomed, Self::Reclaimed];
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a vault that is {} cannot take {event:?}", phase.as_str())]
pub struct IllegalTransition {
    pub phase: Phase,
    pub event: PhaseEvent,
}

/// The only place where a phase changes.
pub fn transition(phase: Phase, event: PhaseEvent) -> Result<Phase, IllegalTransition> {
    match (phase, event) {
        (Phase::Forging, PhaseEvent::Loaded) => Ok(Phase::Forged),
        (Phase::Forged | Phase::Ticketed, PhaseEvent::TicketOpened) => Ok(Phase::Ticketed),
        (Phase::Live, PhaseEvent::TicketOpened) => Ok(Phase::Live),
        (Phase::Ticketed | Phase::Live, PhaseEvent::Claimed) => Ok(Phase::Live),
        (
            Phase::Forging | Phase::Forged | Phase::Ticketed | Phase::Live | Phase::Dying,
            PhaseEvent::Doomed,
        ) => Ok(Phase::Dying),
        // Destruct is legal in every phase, so a death after death is no error.
        (Phase::Dead, PhaseEvent::Doomed | PhaseEvent::Reclaimed) | (Phase::Dying, PhaseEvent::Reclaimed) => {
            Ok(Phase::Dead)
        }
        (Phase::Forged | Phase::Ticketed | Phase::Live | Phase::Dying | Phase::Dead, PhaseEvent::Loaded)
        | (Phase::Forging | Phase::Dying | Phase::Dead, PhaseEvent::TicketOpened)
        | (Phase::Forging | Phase::Forged | Phase::Dying | Phase::Dead, PhaseEvent::Claimed)
        | (Phase::Forging | Phase::Forged | Phase::Ticketed | Phase::Live, PhaseEvent::Reclaimed) => {
            Err(IllegalTransition { phase, event })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        use Phase::{Dead, Dying, Forged, Forging, Live, Ticketed};
        let table = [
            // Loaded, TicketOpened, Claimed, Doomed, Reclaimed
            (Forging, [Some(Forged), None, None, Some(Dying), None]),
            (Forged, [None, Some(Ticketed), None, Some(Dying), None]),
            (Ticketed, [None, Some(Ticketed), Some(Live), Some(Dying), None]),
            (Live, [None, Some(Live), Some(Live), Some(Dying), None]),
            (Dying, [None, None, None, Some(Dying), Some(Dead)]),
            (Dead, [None, None, None, Some(Dead), Some(Dead)]),
        ];
        assert_eq!(table.map(|(phase, _)| phase), Phase::ALL);
        for (phase, row) in table {
            for (event, next) in PhaseEvent::ALL.into_iter().zip(row) {
                assert_eq!(transition(phase, event).ok(), next, "{phase:?} {event:?}");
            }
        }
    }

    #[test]
    fn nothing_leads_back_to_life() {
        for phase in Phase::ALL {
            for event in PhaseEvent::ALL {
                if let Ok(next) = transition(phase, event) {
                    assert!(next >= phase, "{phase:?} {event:?} -> {next:?}");
                }
            }
        }
    }
}
