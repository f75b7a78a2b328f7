//! Causes of death: why a vault died. The words are public: `hauki-architecture.7` has the table of causes, the
//! mechanism that notices each, and how fast.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::VaultId;
use super::open_word::OpenWord;
use super::text::{self, NAME, SENTENCE};

/// The first of these to happen ends a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Somebody with the right to do so asked for it.
    Destruct,
    /// The worker called `destruct(this_object())`.
    SelfDestruct,
    /// A reaper found it older or longer idle than its rule allows.
    Reaped,
    /// Nobody used its ticket within the claim lease.
    Unclaimed,
    /// No heartbeat within the lease.
    HeartbeatLost,
    /// The owning connection of a linked vault closed.
    LinkClosed,
    /// The owning connection of a linked vault stayed silent too long.
    LinkSilent,
    /// The worker that cloned it is dead, or its node lost the connection to this one.
    ParentDied,
    /// Its absolute life-time is over.
    LifetimeExpired,
    /// It used more memory than its cgroup allows.
    OutOfMemory,
    /// A call did not end when its deadline had passed, and the engine could not be interrupted.
    CallOverran,
    /// The worker's source did not load, or `create` failed.
    LoadFailed,
    /// The init ended by itself.
    Crashed,
    /// The init broke the protocol of its channel.
    ProtocolViolation,
    /// The caller went away while the vault was being forged.
    Cancelled,
    /// The node was told to drain or to stop.
    NodeShutdown,
    /// The node's daemon was lost; found when it started again.
    DaemonLost,
}

impl Cause {
    pub const ALL: [Self; 17] = [
        Self::Destruct,
        Self::SelfDestruct,
        Self::Reaped,
        Self::Unclaimed,
        Self::HeartbeatLost,
        Self::LinkClosed,
        Self::LinkSilent,
        Self::ParentDied,
        Self::LifetimeExpired,
        Self::OutOfMemory,
        Self::CallOverran,
        Self::LoadFailed,
        Self::Crashed,
        Self::ProtocolViolation,
        Self::Cancelled,
        Self::NodeShutdown,
        Self::DaemonLost,
    ];

    /// How a person would say it, as the end of "vlt_… is dead: ".
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Destruct => "destruct",
            Self::SelfDestruct => "the worker destructed itself",
            Self::Reaped => "reaped",
            Self::Unclaimed => "its ticket was not used within the claim lease",
            Self::HeartbeatLost => "heartbeat lost",
            Self::LinkClosed => "its owner's connection closed",
            Self::LinkSilent => "its owner fell silent",
            Self::ParentDied => "its parent died",
            Self::LifetimeExpired => "its life-time was over",
            Self::OutOfMemory => "out of memory",
            Self::CallOverran => "a call overran its deadline and could not be interrupted",
            Self::LoadFailed => "its source did not load",
            Self::Crashed => "the worker's process crashed",
            Self::ProtocolViolation => "the worker's process broke the channel protocol",
            Self::Cancelled => "the caller went away while it was being forged",
            Self::NodeShutdown => "its node was stopped",
            Self::DaemonLost => "its node's daemon was lost",
        }
    }
}

impl OpenWord<Cause> {
    /// The same of any; one that is not known says itself.
    #[must_use]
    pub fn describe(self) -> &'static str {
        self.told(Cause::describe)
    }
}

/// The tombstone's core: what, when, and who.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Death {
    pub cause: OpenWord<Cause>,
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// What is known beyond the cause: the last beat, an exit status, the worker's message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Who asked, where somebody did: `uid 0 pid 4242`, a ticket id, `reaper`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Death {
    /// Both texts may be a stranger's, and a receipt is kept, told on and written down by everybody who hears of it.
    #[must_use]
    pub fn new(cause: Cause, at: Timestamp, detail: Option<String>, by: Option<String>) -> Self {
        let mut death = Self { cause: cause.into(), at, detail, by };
        death.cut();
        death
    }

    /// What is told of the vault from now on, whatever is asked of it and whoever tells it.
    #[must_use]
    pub fn epitaph(&self, vault: &VaultId) -> String {
        let detail = self.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
        format!("{vault} is dead: {}{detail}", self.cause.describe())
    }

    pub fn cut(&mut self) {
        text::clean_some(&mut self.detail, SENTENCE);
        text::clean_some(&mut self.by, NAME);
    }
}
